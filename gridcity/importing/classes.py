"""The class and the own code of each component row, as the row states them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridcity.catalogue import Catalogue, ClassEntry, catalogue
from gridcity.codes import ComponentCode, check_many, edition
from gridcity.codes.padding import repad, repad_classes
from gridcity.errors import AmbiguousCodeError, ArgumentError, CodeError
from gridcity.importing.batch import Batch, Column, blank
from gridcity.profile import Profile

__all__ = ["Classes", "class_names", "read_classes", "read_codes"]

_DISTRICT = 6


class Classes(NamedTuple):
    """The class of each row, and ``edition:code`` as its kind; empty texts where the row was rejected."""

    edition: Column
    code: Column
    name: Column
    kind: Column


def read_codes(batch: Batch, profile: Profile, *, pad: bool = False) -> tuple[Column, Column]:
    """Check the codes that the rows bring, and return the edition and the class part of each.

    Parameters
    ----------
    batch : Batch
        Rows with a code that cannot be read are rejected.
    profile : Profile
        Its editions are known.
    pad : bool, optional
        Give codes and classes the leading zero that they lost, where the rule is certain.
    """
    _restore_zeros(batch, profile, pad=pad)
    code = batch.column("code")
    editions, classes = blank(len(batch)), blank(len(batch))
    malformed, ambiguous = blank(len(batch)), blank(len(batch))
    lengths = pd.Series(code).str.len().to_numpy()
    for digits in np.unique(lengths[lengths > 0]).tolist():
        name = batch.mapping.edition or profile.edition_of(digits)
        rows = lengths == digits
        # Nearly all codes of a survey are sound: they are read together, the others one by one.
        if name is not None:
            sound = rows & check_many(code, "component", name)
            editions[sound] = name
            end = _DISTRICT + edition(name).class_digits
            classes[sound] = [text[_DISTRICT:end] for text in code[sound]]
            rows &= ~sound
        for i in np.flatnonzero(rows):
            try:
                parsed = ComponentCode.parse(code[i], name)
                code[i], editions[i], classes[i] = parsed.text, parsed.edition, parsed.class_code
            except AmbiguousCodeError as error:
                ambiguous[i] = error.message
            except CodeError as error:
                malformed[i] = error.message
    batch.reject("code-malformed", malformed != "", field="code", values=code, reason=malformed)
    batch.reject("code-ambiguous", ambiguous != "", field="code", values=code, reason=ambiguous)
    return editions, classes


def _restore_zeros(batch: Batch, profile: Profile, *, pad: bool) -> None:
    """Give codes and class codes their lost zeros back, with a finding for each, or reject their rows."""
    known = {entry.code for table in profile.catalogues() for entry in table.entries}
    found = {"class_code": repad_classes(batch.column("class_code"), known)}
    begins = profile.area_code[:2]
    if begins.startswith("0"):
        of_file = batch.mapping.edition or None
        found["code"] = repad(batch.column("code"), "component", begins=begins, edition=of_file)
    for field, (padded, lost) in found.items():
        facts: dict[str, Any] = {"field": field, "values": batch.column(field), "padded": padded}
        if pad:
            batch.note("code-padded", lost & batch.alive, **facts)
            batch.columns[field] = padded
        else:
            batch.reject("code-zero-lost", lost, **facts)


def read_classes(batch: Batch, profile: Profile, code_editions: Column, code_classes: Column) -> Classes:
    """Find the class of every row.

    What a row states goes first: the class of the whole file, the class column, the class by name; then
    the component's name where it is exactly that of a class, then the class inside its own code.

    Parameters
    ----------
    batch : Batch
        Rows without a class are rejected.
    profile : Profile
        Its editions and local classes are known.
    code_editions, code_classes : object arrays
        From `read_codes`.

    Raises
    ------
    ArgumentError
        The class given for the whole file does not exist.
    """
    tables = {table.edition: table for table in profile.catalogues()}
    order = [batch.mapping.edition] if batch.mapping.edition else list(tables)
    for name in {*order, *code_editions[code_editions != ""]}:
        if name not in tables:
            edition(name)
            tables[name] = catalogue(name)
    searched = [tables[name] for name in order]
    stated = batch.mapping.class_text
    if stated and _entry(stated, searched) is None:
        raise _no_class(stated, searched)
    stating = [batch.column(name) for name in ("class_code", "class_name", "name")]
    # Every distinct combination is looked up once; a survey has few classes and many rows.
    distinct, number = _combinations([*stating, code_editions, code_classes])
    found = [_class_of(row, stated, searched, tables) for row in distinct]
    entries = np.full(len(found), None, dtype=object)
    for i, entry in enumerate(found):
        # One by one: an array made of entries, which are tuples, would take them apart.
        entries[i] = entry if isinstance(entry, ClassEntry) else None
    texts = np.array([entry if isinstance(entry, str) else "" for entry in found] or [], dtype=object)
    unfound = np.array([entry is None for entry in entries] or [], dtype=bool)
    missing, value = unfound[number], texts[number]
    batch.reject("class-missing", missing & (value == ""), field="class_code")
    nearest_of = {text: _nearest(text, searched) for text in dict.fromkeys(texts[unfound & (texts != "")])}
    close = np.array([nearest_of.get(text) or "none" for text in texts] or [], dtype=object)[number]
    batch.reject(
        "class-unknown",
        missing,
        field="class_code",
        values=value,
        edition=" or ".join(order),
        nearest=close,
    )
    _note_other_statements(batch, distinct, number, entries, stated, tables)
    if stated:
        _note_other_names(batch, distinct, number, entries, tables)
    found_texts = [(e.edition, e.code, e.zh) if e else ("", "", "") for e in entries]
    parts = [np.array([texts[i] for texts in found_texts] or [], dtype=object) for i in range(3)]
    parts.append(parts[0] + ":" + parts[1])
    return Classes(*(part[number] for part in parts))


def _combinations(columns: Sequence[Column]) -> tuple[list[tuple[str, ...]], npt.NDArray[np.int64]]:
    """Return the distinct rows of some columns in order of appearance, and which of them every row is."""
    number = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        value, values = pd.factorize(column)
        number = pd.factorize(number * len(values) + value)[0]
    first = np.unique(number, return_index=True)[1]
    return list(zip(*(column[first] for column in columns), strict=True)), number


def _note_other_statements(
    batch: Batch,
    distinct: Sequence[tuple[str, ...]],
    number: npt.NDArray[np.int64],
    entries: Column,
    stated: str,
    tables: dict[str, Catalogue],
) -> None:
    """Name the coded rows that state a class which their code's edition does not have."""
    other, codes = blank(len(distinct)), blank(len(distinct))
    for i, (class_code, class_name, _, code_edition, coded) in enumerate(distinct):
        text, codes[i] = stated or class_code or class_name, coded
        if code_edition and entries[i] is not None and text and _entry(text, [tables[code_edition]]) is None:
            other[i] = text
    batch.note(
        "component-code-class",
        batch.alive & (other[number] != ""),
        field="code",
        values=batch.column("code"),
        coded=codes[number],
        stated=other[number],
    )


def _note_other_names(
    batch: Batch,
    distinct: Sequence[tuple[str, ...]],
    number: npt.NDArray[np.int64],
    entries: Column,
    tables: dict[str, Catalogue],
) -> None:
    """Name the rows of a file of one class that are called exactly as another class."""
    text, named, taken = blank(len(distinct)), blank(len(distinct)), blank(len(distinct))
    for i, (_, class_name, name, *_) in enumerate(distinct):
        entry, called = entries[i], class_name or name
        others = tables[entry.edition].named(called, "component") if entry and called else ()
        if others and entry.code not in {other.code for other in others}:
            text[i], named[i] = called, f"{others[0].code} {others[0].zh}"
            taken[i] = f"{entry.code} {entry.zh}"
    facts: dict[str, Any] = {"values": text[number], "named": named[number], "stated": taken[number]}
    batch.note("class-name-other", batch.alive & (text[number] != ""), field="name", **facts)


def _class_of(
    row: tuple[str, ...], stated: str, searched: Sequence[Catalogue], tables: dict[str, Catalogue]
) -> ClassEntry | str:
    """Return the class of one combination of statements, or the text that names none."""
    class_code, class_name, name, code_edition, coded = row
    if code_edition:
        return _class_of_coded((stated, class_code, class_name), name, coded, tables[code_edition])
    for text in (stated, class_code, class_name):
        if text:
            return _entry(text, searched) or text
    # A name that is nearly that of a class was meant to be one; any other is the object's own.
    return _entry(name, searched) or (name if _nearest(name, searched) else "") if name else ""


def _class_of_coded(statements: tuple[str, ...], name: str, coded: str, table: Catalogue) -> ClassEntry | str:
    """Return the class of a row with a code: of the code's own edition, for codes mean nothing in another."""
    inside = table.find(coded, "component")
    for text in filter(None, statements):
        found = _entry(text, [table])
        if found is not None or inside is None:
            return found or text
        # The statement is of another edition, or wrong; the code is of this one and names a class.
        return inside
    return (_entry(name, [table]) if name else None) or inside or coded


def class_names(text: str, profile: Profile) -> list[str]:
    """Return the names of the classes that a text means in the editions of a city.

    Raises
    ------
    ArgumentError
        It means none; the nearest ones are named.
    """
    searched = profile.catalogues()
    names = [entry.zh for table in searched if (entry := _entry(text, [table]))]
    if not names:
        raise _no_class(text, searched)
    return list(dict.fromkeys(names))


def _no_class(text: str, searched: Sequence[Catalogue]) -> ArgumentError:
    nearest = _nearest(text, searched)
    return ArgumentError(
        f"{text!r} is no component class of {' or '.join(table.edition for table in searched)}.",
        hint=f"Nearest: {nearest}." if nearest else "Look one up: gridcity catalogue TEXT.",
    )


def _entry(text: str, searched: Sequence[Catalogue]) -> ClassEntry | None:
    for table in searched:
        found = table.find(text, "component")
        if found:
            return found
        named = table.named(text, "component")
        if named:
            return named[0]
    return None


def _nearest(text: str, searched: Sequence[Catalogue]) -> str:
    """Return the most similar classes, those of the first table before those of the others."""
    entries = [entry for table in searched for entry in table.nearest(text, "component")]
    return ", ".join(f"{entry.code} {entry.zh}" for entry in entries)
