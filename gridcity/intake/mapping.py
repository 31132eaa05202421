"""Columns of a source to fields of gridcity: by a mapping file, by the profile, by known names.

A mapping is a TOML file::

    class = "路灯"                  # class of all rows: code or name
    edition = "cjt214-2007"         # edition of the file's own codes and classes
    key = "FACILITYID"              # column that names a row, where it has no code
    [geometry]
    x = "XCOORD"                    # columns of the coordinates of a text table
    y = "YCOORD"
    [columns]                       # source column = field, or a list of fields
    "OWNER_DESC" = "owner_name"
    "STATE" = ""                    # a column that means something else and is not read
    [constants]                     # field = value of all rows
    state = "完好"
    [values.state]                  # translation of the source's values, per field
    "Active" = "完好"

It is checked whole before a row is read. No column is guessed: one that matches no name is left out
and reported.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as Lookup
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gridcity.catalogue import fields as known_fields
from gridcity.errors import MappingError
from gridcity.findings import Findings
from gridcity.intake.sources import Source
from gridcity.intake.table import Column, Numbers, objects, per_distinct

__all__ = ["Draft", "Mapping", "Match", "apply_mapping", "check_mapping", "read_mapping"]

_TABLES = ("geometry", "columns", "constants", "values")
_TEXTS = ("class", "edition", "key")
_MAPPED, _PROFILE, _KNOWN, _CUT = "mapping", "profile", "known name", "cut name"
_RANKS = (_MAPPED, _PROFILE, _KNOWN, _CUT)
_SHAPEFILE_NAME_BYTES = 10


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a mapping file says; an empty one says nothing.

    Attributes
    ----------
    columns : dict of str to tuple of str
        Source column: the fields it fills.
    constants : dict of str to str
        Field: the value of all rows.
    values : dict of str to dict of str to str
        Field: source value: value. The empty source value is the missing one.
    class_text, edition : str
        Class of all rows, code or name; edition of the file's own codes.
    key : str
        Column that names a row.
    x, y : str
        Columns of the coordinates, eastward and northward.
    name : str
        Name of the mapping file, for messages.
    """

    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    class_text: str = ""
    edition: str = ""
    key: str = ""
    x: str = ""
    y: str = ""
    name: str = "the mapping"


@dataclass(frozen=True, slots=True)
class Match:
    """The source column that fills a field, and how it was found; ``str()`` gives ``column (how)``."""

    column: str
    how: str

    def __str__(self) -> str:
        return f"{self.column} ({self.how})"


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """Rows in gridcity's fields, not yet checked.

    Attributes
    ----------
    kind : str
        ``component``, ``cell``, ``area``, ``party``, ``duty``, …
    columns : dict of str to numpy.ndarray
        Field: object array of str, stripped and translated; missing values are empty.
    rows : numpy.ndarray
        Record numbers of the source, int64.
    geometry : numpy.ndarray
        As in the source.
    key : numpy.ndarray or None
        The values of the key column, where the mapping names one.
    matched : dict of str to Match
        Field: the column that fills it. Constants are not in it.
    unused : tuple of str
        Source columns that fill no field.
    findings : Findings
        One ``column-unused`` for each of them; the source's own findings stay with the source.
    """

    kind: str
    columns: dict[str, Column]
    rows: Numbers
    geometry: Column
    key: Column | None
    matched: dict[str, Match]
    unused: tuple[str, ...]
    findings: Findings


def read_mapping(path: str | Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    MappingError
        The file is missing or no TOML, or has a table or key that is not known, or a value that is no
        text. Its fields are checked by `check_mapping`, once the kind of the rows is known.
    """
    file = Path(path)
    try:
        document = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as problem:
        raise MappingError(f"{file} cannot be read: {problem.strerror}.", hint="Check the path.") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise MappingError(
            f"{file.name} is no TOML: {problem}.", hint="Column names stand in quotes."
        ) from problem
    name = file.name
    _refuse_unknown(document, (*_TEXTS, *_TABLES), name, "key")
    for table in _TABLES:
        if not isinstance(document.get(table, {}), dict):
            raise MappingError(
                f"{table} in {name} is no table.", hint=f"Write [{table}] and its lines below."
            )
    place = document.get("geometry", {})
    _refuse_unknown(place, ("x", "y"), name, "key of [geometry]")
    if len(place) == 2 and place["x"] == place["y"]:
        raise MappingError(f"[geometry] in {name} names {place['x']!r} twice.", hint="Name both x and y.")
    if len(place) == 1:
        raise MappingError(f"[geometry] in {name} names only {next(iter(place))}.", hint="Name both x and y.")
    translations = document.get("values", {})
    return Mapping(
        columns={column: _targets(column, to, name) for column, to in document.get("columns", {}).items()},
        constants=_texts(document.get("constants", {}), f"[constants] in {name}"),
        values={key: _texts(table, f"[values.{key}] in {name}") for key, table in translations.items()},
        class_text=_text(document.get("class", ""), f"class in {name}"),
        edition=_text(document.get("edition", ""), f"edition in {name}"),
        key=_text(document.get("key", ""), f"key in {name}"),
        x=_text(place.get("x", ""), f"x in {name}"),
        y=_text(place.get("y", ""), f"y in {name}"),
        name=name,
    )


def check_mapping(mapping: Mapping, kind: str) -> None:
    """Check that a mapping fits a kind of row; no file is opened.

    Raises
    ------
    MappingError
        It names a field that the kind does not have, or fills one field twice.
    """
    possible = tuple(dict.fromkeys(known_fields(kind).values()))
    targets = [target for several in mapping.columns.values() for target in several]
    for named in (targets, mapping.constants, mapping.values):
        _refuse_unknown(named, possible, mapping.name, f"field of a {kind}")
    fillers: dict[str, list[str]] = {name: ["a constant"] for name in mapping.constants}
    for column, several in mapping.columns.items():
        for target in several:
            fillers.setdefault(target, []).append(column)
    for target, columns in fillers.items():
        if len(columns) > 1:
            raise MappingError(
                f"{mapping.name} fills {target} twice: by {' and by '.join(columns)}.",
                hint="Keep one of them.",
            )


def apply_mapping(
    source: Source,
    kind: str,
    mapping: Mapping | None = None,
    *,
    profile_columns: Lookup[str, str] | None = None,
) -> Draft:
    """Bring a source's columns to the fields of a kind of row.

    A field is filled by the first of: a constant or column of the mapping; a column of the profile; a
    known name, national or gridcity's own, whatever its case; a known name cut at ten bytes, as
    shapefiles cut them, if the rest is at least two Chinese characters or six letters and no other
    field's name begins so.

    Parameters
    ----------
    source : Source
        The rows.
    kind : str
        Kind of the rows, a kind of `gridcity.catalogue.fields`.
    mapping : Mapping, optional
        The mapping file's content.
    profile_columns : mapping of str to str, optional
        Source column: field, as the city's profile has them; columns the file lacks are no error.

    Raises
    ------
    MappingError
        The mapping does not fit the kind (`check_mapping`) or names a column that the source lacks; or
        two columns of the same standing fill one field.
    """
    mapping = mapping or Mapping()
    check_mapping(mapping, kind)
    _check_columns(mapping, source)
    known = {name.casefold(): target for name, target in known_fields(kind).items()}
    # A profile has the columns of every kind of row; those of other kinds mean nothing here.
    possible = set(known.values())
    from_profile = {
        name.strip().casefold(): target
        for name, target in (profile_columns or {}).items()
        if target in possible
    }
    claims: dict[str, list[Match]] = {}
    for column in source.columns:
        targets, how = _resolved(column, mapping, from_profile, known)
        for target in targets:
            if target not in mapping.constants:
                claims.setdefault(target, []).append(Match(column, how))
    matched = {target: _strongest(target, matches, source.name) for target, matches in claims.items()}
    columns = {
        target: _filled(source.columns[match.column], mapping.values.get(target, {}))
        for target, match in matched.items()
    }
    for target, value in mapping.constants.items():
        columns[target] = objects([value] * len(source))
    used = {match.column for match in matched.values()} | {mapping.key, *source.coordinate_columns}
    unused = tuple(column for column in source.columns if column not in used)
    findings = Findings()
    findings.add("column-unused", [None] * len(unused), values=unused)
    return Draft(
        kind=kind,
        columns=columns,
        rows=source.rows,
        geometry=source.geometry,
        key=_filled(source.columns[mapping.key], {}) if mapping.key else None,
        matched=matched,
        unused=unused,
        findings=findings,
    )


def _resolved(
    column: str, mapping: Mapping, profile: Lookup[str, str], known: Lookup[str, str]
) -> tuple[tuple[str, ...], str]:
    """Return the fields that a column fills, and how they were found."""
    folded = column.strip().casefold()
    if column in mapping.columns:
        return mapping.columns[column], _MAPPED
    if folded in profile:
        return (profile[folded],), _PROFILE
    if folded in known:
        return (known[folded],), _KNOWN
    if _is_cut(folded):
        possible = {target for name, target in known.items() if name.startswith(folded)}
        if len(possible) == 1:
            return tuple(possible), _CUT
    return (), ""


def _is_cut(name: str) -> bool:
    """Tell whether a name may be the first ten bytes of a longer one, in GBK or in UTF-8.

    Examples
    --------
    >>> _is_cut("所在单元网"), _is_cut("初始日"), _is_cut("note")
    (True, True, False)
    """
    letters = sum(character.isascii() and character.isalpha() for character in name)
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in name)
    lengths = {len(name.encode("gb18030")), len(name.encode("utf-8"))}
    return (chinese >= 2 or letters >= 6) and bool(
        lengths & {_SHAPEFILE_NAME_BYTES - 1, _SHAPEFILE_NAME_BYTES}
    )


def _strongest(target: str, matches: list[Match], where: str) -> Match:
    best = min(_RANKS.index(match.how) for match in matches)
    strongest = [match for match in matches if _RANKS.index(match.how) == best]
    if len(strongest) > 1:
        columns = " and ".join(match.column for match in strongest)
        raise MappingError(
            f"{where} has several columns for {target}: {columns}.",
            hint=f"Say in a mapping file which of them is {target}.",
        )
    return strongest[0]


def _filled(column: Column, translation: dict[str, str]) -> Column:
    def translated(text: str) -> str:
        stripped = text.strip()
        return translation.get(stripped, stripped)

    return per_distinct(column, translated)


def _check_columns(mapping: Mapping, source: Source) -> None:
    named = [*mapping.columns, *filter(None, (mapping.key, mapping.x, mapping.y))]
    for column in named:
        if column not in source.columns:
            raise MappingError(
                f"{source.name} has no column {column!r}, which {mapping.name} names; "
                f"{_nearest(column, source.columns)}.",
                hint="Correct the column in the mapping.",
            )


def _refuse_unknown(named: Iterable[str], possible: tuple[str, ...], where: str, what: str) -> None:
    for name in named:
        if name not in possible:
            raise MappingError(
                f"{name!r} in {where} is no {what}; {_nearest(name, possible)}.",
                hint=f"Possible are {', '.join(possible)}.",
            )


def _nearest(name: str, possible: Iterable[str]) -> str:
    folded = {candidate.casefold(): candidate for candidate in possible}
    near = get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)
    return f"nearest: {', '.join(folded[key] for key in near)}" if near else "nothing is like it"


def _targets(column: str, to: Any, where: str) -> tuple[str, ...]:
    several = to if isinstance(to, list) else [to] if to != "" else []
    return tuple(_text(target, f"{column!r} in {where}") for target in several)


def _texts(table: Any, where: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise MappingError(f"{where} is no table.", hint="Write its lines as source value = value.")
    return {key: _text(value, f"{key!r} of {where}") for key, value in table.items()}


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise MappingError(
            f"{where} is {value!r}, not text.", hint="Write it in quotation marks: codes are text."
        )
    return value
