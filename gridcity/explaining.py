"""What a code means, in words: every reading, its parts with their names, and the object behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gridcity.beidou import decode
from gridcity.catalogue import Catalogue, area_name, catalogue
from gridcity.codes import (
    CREDIT_CODE_LENGTH,
    EDITIONS,
    AreaCode,
    CellCode,
    ClassCode,
    ComponentCode,
    credit_code,
    edition,
    readings,
)
from gridcity.codes import parse as parse_code
from gridcity.errors import CodeError
from gridcity.profile import Profile
from gridcity.store.base import Reading

__all__ = ["Explanation", "explain"]

_OBJECT_COLUMNS = {
    "areas": ("fid", "level", "code", "name"),
    "cells": ("fid", "code", "edition", "name", "area_m2", "since", "until", "note"),
    "components": (
        *("fid", "code", "edition", "class_code", "class_name", "name", "state", "maintainer_name"),
        *("owner_name", "supervisor_name", "initial_date", "changed_date", "since", "until", "note"),
    ),
    "parties": ("fid", "code", "name", "kind", "aliases", "since", "until"),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reading of a code.

    Attributes
    ----------
    kind : str
        ``area``, ``cell``, ``component``, ``class``, ``class in a place``, ``credit code`` or
        ``BeiDou grid code``.
    edition : str
        Under which it reads so; empty where editions do not matter.
    text : str
        The code in its canonical form.
    parts : tuple of (str, str)
        What the positions mean, in order.
    objects : tuple of dict
        What the city has under this code; empty without a city.
    """

    kind: str
    edition: str
    text: str
    parts: tuple[tuple[str, str], ...]
    objects: tuple[dict[str, object], ...] = ()


def explain(
    text: str,
    edition_name: str | None = None,
    *,
    store: Reading | None = None,
    profile: Profile | None = None,
) -> list[Explanation]:
    """Return every reading of a code.

    Parameters
    ----------
    text : str
        A code of any kind.
    edition_name : str, optional
        Only readings under this edition.
    store, profile : optional
        The city's: its classes are known, its objects shown, and its edition decides an ambiguity.

    Raises
    ------
    CodeError
        The text is no code of any kind; the message names the wrong position.

    Examples
    --------
    >>> [(e.kind, e.edition) for e in explain("11010801100408")]
    [('cell', 'cjt214-2007')]
    """
    text = text.strip()
    if edition_name is not None:
        edition(edition_name)
    found = [*_beidou(text), *_credit(text, store), *_classes(text, edition_name, profile)]
    if not found:
        found = _numeric(text, edition_name, store, profile)
    return found


def _beidou(text: str) -> list[Explanation]:
    if text[:1] not in ("N", "S"):
        return []
    cell = decode(text)
    west, south, east, north = (
        f"{float(side):.9f}" for side in (cell.west, cell.south, cell.east, cell.north)
    )
    parts = (
        ("level", str(cell.level)),
        ("longitude", f"{west} - {east}"),
        ("latitude", f"{south} - {north}"),
    )
    return [Explanation("BeiDou grid code", "GB/T 39409-2020", text, parts)]


def _credit(text: str, store: Reading | None) -> list[Explanation]:
    if len(text) != CREDIT_CODE_LENGTH or not text.isascii():
        return []
    canonical = credit_code(text)
    parts = [
        ("division", _named(canonical[2:8], store)),
        ("organisation", canonical[8:17]),
        ("check character", canonical[17]),
    ]
    return [
        Explanation(
            "credit code", "GB 32100-2015", canonical, tuple(parts), _objects(store, "parties", canonical)
        )
    ]


def _classes(text: str, edition_name: str | None, profile: Profile | None) -> list[Explanation]:
    """Return the classes of components and events with a code of four or five digits."""
    tables = {table.edition: table for table in profile.catalogues()} if profile else {}
    found = []
    for name in EDITIONS:
        if edition_name in (None, name) and len(text) == edition(name).class_digits:
            table = tables.get(name) or catalogue(name)
            for kind in ("component", "event"):
                if (entry := table.find(text, kind)) is not None:
                    parts = (
                        ("major", f"{entry.major_code} {entry.major_zh}"),
                        ("minor", f"{entry.minor_code} {entry.zh}"),
                    )
                    more = (("English", entry.en), ("status", entry.status))
                    found.append(Explanation(f"{kind} class", name, text, parts + more))
    if not found and text.isascii() and text.isdigit() and len(text) in (4, 5):
        raise CodeError(
            f"{text!r} is no class of {edition_name or 'any edition'}.",
            hint="Search one: gridcity catalogue TEXT.",
        )
    return found


def _numeric(
    text: str, edition_name: str | None, store: Reading | None, profile: Profile | None
) -> list[Explanation]:
    if edition_name is None and profile is not None:
        edition_name = profile.edition_of(len(text))
    codes = readings(text) if edition_name is None else (parse_code(text, edition_name),)
    if not codes:
        # Without a reading the parser says which position is wrong.
        codes = (parse_code(text),)
    tables = {table.edition: table for table in profile.catalogues()} if profile else {}
    explain_as: dict[type, Callable[[Any, dict[str, Catalogue], Reading | None], Explanation]] = {
        AreaCode: _area,
        CellCode: _cell,
        ComponentCode: _component,
        ClassCode: _class_in_place,
    }
    return [explain_as[type(code)](code, tables, store) for code in codes]


def _area(code: AreaCode, tables: dict[str, Catalogue], store: Reading | None) -> Explanation:
    return Explanation(
        "area", "", code.text, _place_parts(code.text, store), _objects(store, "areas", code.text)
    )


def _cell(code: CellCode, tables: dict[str, Catalogue], store: Reading | None) -> Explanation:
    parts = (*_place_parts(code.community, store), ("serial", str(code.serial)))
    return Explanation(
        "cell", code.edition, code.text, parts, _objects(store, "cells", code.text, code.edition)
    )


def _component(code: ComponentCode, tables: dict[str, Catalogue], store: Reading | None) -> Explanation:
    parts = (
        *_place_parts(code.district, store),
        *_class_parts(code, "component", tables),
        ("serial", str(code.serial)),
    )
    objects = _objects(store, "components", code.text, code.edition)
    return Explanation("component", code.edition, code.text, parts, objects)


def _class_in_place(code: ClassCode, tables: dict[str, Catalogue], store: Reading | None) -> Explanation:
    parts = (*_place_parts(code.district, store), *_class_parts(code, "event", tables))
    return Explanation("class in a place", code.edition, code.text, parts)


def _place_parts(code: str, store: Reading | None) -> tuple[tuple[str, str], ...]:
    lengths = {"province": 2, "city": 4, "district": 6, "street": 9, "community": 12}
    return tuple(
        (level, _named(code[:length], store)) for level, length in lengths.items() if length <= len(code)
    )


def _class_parts(
    code: ComponentCode | ClassCode, kind: str, tables: dict[str, Catalogue]
) -> tuple[tuple[str, str], ...]:
    table = tables.get(code.edition) or catalogue(code.edition)
    entry = table.find(code.class_code, kind)
    if entry is None:
        return (("class", f"{code.class_code} (not in the catalogue of {code.edition})"),)
    return (
        ("major", f"{entry.major_code} {entry.major_zh}"),
        ("class", f"{entry.code} {entry.zh} ({entry.en}), status: {entry.status}"),
    )


def _named(code: str, store: Reading | None) -> str:
    """Return a code with the name the list has for it, else the one the city has."""
    listed = area_name(code)
    if listed is None and store is not None:
        listed = next((name for (name,) in store.rows("areas", ("name",), {"code": code})), None)
    return f"{code} {listed or '(not in the list of areas)'}"


def _objects(
    store: Reading | None, table: str, code: str, edition_name: str | None = None
) -> tuple[dict[str, object], ...]:
    if store is None:
        return ()
    where = {"code": code} if edition_name is None else {"code": code, "edition": edition_name}
    columns = _OBJECT_COLUMNS[table]
    return tuple(dict(zip(columns, row, strict=True)) for row in store.rows(table, columns, where))
