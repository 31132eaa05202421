"""The class and the own code of each component row, as the row states them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gridcity.catalogue import Catalogue, ClassEntry, catalogue
from gridcity.codes import ComponentCode, edition
from gridcity.errors import AmbiguousCodeError, ArgumentError, CodeError
from gridcity.importing.batch import Batch, Column, blank
from gridcity.profile import Profile

__all__ = ["Classes", "read_classes", "read_codes"]


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
    for i in np.flatnonzero(code != ""):
        try:
            parsed = ComponentCode.parse(code[i], batch.mapping.edition or profile.edition_of(len(code[i])))
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
        nearest = ", ".join(entry.zh for table in searched for entry in table.nearest(stated, "component"))
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
    number, distinct = pd.factorize(pd.MultiIndex.from_frame(rows))
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
    close = np.array([nearest_of.get(text, "") for text in value] or [], dtype=object)
    batch.reject(
        "class-unknown",
        missing,
        field="class_code",
        values=value,
        edition=" or ".join(order),
        nearest=close,
    )
    parts = [
        np.array([getattr(entry, part) if entry else "" for entry in entries] or [], dtype=object)[number]
        for part in ("edition", "code", "zh")
    ]
    return Classes(*parts)


def _class_of(
    row: tuple[str, ...], stated: str, searched: Sequence[Catalogue], tables: dict[str, Catalogue]
) -> ClassEntry | str:
    """Return the class of one combination of statements, or the text that names none."""
    class_code, class_name, name, code_edition, coded = row
    if code_edition:
        # The same name has different codes in two editions; a row with a code means that of its own.
        searched = [tables[code_edition], *searched]
    for text in (stated, class_code, class_name):
        if text:
            return _entry(text, searched) or text
    exact = _entry(name, searched) if name else None
    if exact is not None:
        return exact
    if coded:
        return tables[code_edition].find(coded, "component") or coded
    return name


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
    names = [f"{entry.code} {entry.zh}" for table in searched for entry in table.nearest(text, "component")]
    return ", ".join(names) or "none"
