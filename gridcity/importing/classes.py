"""The class and the own code of each component row, as the row states them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridcity.catalogue import Catalogue, ClassEntry, catalogue
from gridcity.codes import ComponentCode, check_many, edition
from gridcity.errors import AmbiguousCodeError, ArgumentError, CodeError
from gridcity.importing.batch import Batch, Column, blank
from gridcity.profile import Profile

__all__ = ["Classes", "read_classes", "read_codes"]

_DISTRICT = 6


class Classes(NamedTuple):
    """The class of each row; empty texts where the row was rejected."""

    edition: Column
    code: Column
    name: Column


def read_codes(batch: Batch, profile: Profile) -> tuple[Column, Column]:
    """Check the codes that the rows bring, and return the edition and the class part of each."""
    code = batch.column("code")
    editions, classes = blank(len(batch)), blank(len(batch))
    malformed, ambiguous = blank(len(batch)), blank(len(batch))
    lengths = pd.Series(code).str.len().to_numpy()
    for digits in np.unique(lengths[lengths > 0]).tolist():
        name = batch.mapping.edition or profile.edition_of(digits)
        rows = lengths == digits
        # Nearly all codes of a survey are sound: they are read together, the others one by one.
        if name is not None:
            sound = rows & check_many(code.astype(str), "component", name)
            editions[sound] = name
            classes[sound] = pd.Series(code[sound]).str[_DISTRICT : _DISTRICT + edition(name).class_digits]
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
        nearest = _nearest(stated, searched)
        raise ArgumentError(
            f"{stated!r} is no component class of {' or '.join(order)}.",
            hint=f"Nearest: {nearest}." if nearest else "Look one up: gridcity catalogue TEXT.",
        )
    rows = pd.DataFrame(
        {
            "class_code": batch.column("class_code"),
            "class_name": batch.column("class_name"),
            "name": batch.column("name"),
            "edition": code_editions,
            "coded": code_classes,
        }
    )
    # Every distinct combination is looked up once; a survey has few classes and many rows.
    number = np.asarray(rows.groupby(list(rows), sort=False).ngroup(), dtype=np.int64)
    distinct = list(rows.drop_duplicates().itertuples(index=False, name=None))
    found = [_class_of(row, stated, searched, tables) for row in distinct]
    entries = np.array(
        [entry if isinstance(entry, ClassEntry) else None for entry in found] or [], dtype=object
    )
    texts = np.array([entry if isinstance(entry, str) else "" for entry in found] or [], dtype=object)
    missing = entries[number] == np.array(None)
    value = texts[number]
    batch.reject("class-missing", missing & (value == ""), field="class_code")
    unknown = dict.fromkeys(value[missing & (value != "")].tolist())
    nearest_of = {text: _nearest(text, searched) for text in unknown}
    close = np.array([nearest_of.get(text) or "none" for text in value] or [], dtype=object)
    batch.reject(
        "class-unknown",
        missing,
        field="class_code",
        values=value,
        edition=" or ".join(order),
        nearest=close,
    )
    _note_other_statements(batch, distinct, number, entries, stated, tables)
    parts = [
        np.array([getattr(entry, part) if entry else "" for entry in entries] or [], dtype=object)[number]
        for part in ("edition", "code", "zh")
    ]
    return Classes(*parts)


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
