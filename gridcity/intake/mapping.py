"""The mapping file: which column is which field, and how a source's values are translated.

A mapping is a TOML file::

    class = "路灯"                  # class of all rows: code or name
    edition = "cjt214-2007"         # edition of the file's own codes and classes
    key = "FACILITYID"              # column that names a row, where it has no code
    [geometry]
    x = "XCOORD"                    # columns of the coordinates of a text table
    y = "YCOORD"
    z = "note"                      # field of text that receives the height of points of a shapefile
    [columns]                       # source column = field, or a list of fields
    "OWNER_DESC" = "owner_name"
    "STATE" = ""                    # a column that means something else and is not read
    [constants]                     # field = value of all rows
    state = "完好"
    [values.state]                  # translation of the source's values, per field
    "Active" = "完好"

It is checked whole before a row is read: its words, its fields, and the values that it writes.

Heights are dropped unless ``z`` names a field for them, ``note`` or ``data_source``, which no column or
constant fills; ``[values.note]`` translates them like other text, ``"0" = ""`` where 0 means none. They are
those of the file, in its own unit, above what its surveyor measured from. Measures (M) are never kept.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridcity.catalogue import catalogue, states
from gridcity.catalogue import fields as known_fields
from gridcity.codes import editions
from gridcity.errors import ArgumentError, MappingError, readable
from gridcity.intake.dates import parse_dates
from gridcity.intake.table import objects

if TYPE_CHECKING:
    from gridcity.profile import Profile

__all__ = [
    "Mapping",
    "check_mapping",
    "mapping_of",
    "read_mapping",
    "refuse_missing_columns",
    "with_columns",
]

_TABLES = ("geometry", "columns", "constants", "values")
_TEXTS = ("class", "edition", "key")
_CLASS_FIELDS = ("class_code", "class_name")
_DATE_FIELDS = ("initial_date", "changed_date", "end_date", "since", "until")
# Fields whose text means nothing to gridcity, so that a height can stand there.
_FREE_TEXTS = ("note", "data_source")
_LEVELS = ("district", "street", "community")


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
    z : str
        Field that receives the height of points.
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
    z: str = ""
    name: str = "the mapping"


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
    name = readable(file.name)
    _refuse_unknown(document, (*_TEXTS, *_TABLES), name, "key")
    for table in _TABLES:
        if not isinstance(document.get(table, {}), dict):
            raise MappingError(
                f"{table} in {name} is no table.", hint=f"Write [{table}] and its lines below."
            )
    place = document.get("geometry", {})
    _refuse_unknown(place, ("x", "y", "z"), name, "key of [geometry]")
    pair = [axis for axis in ("x", "y") if axis in place]
    if len(pair) == 2 and place["x"] == place["y"]:
        raise MappingError(f"[geometry] in {name} names {place['x']!r} twice.", hint="Name both x and y.")
    if len(pair) == 1:
        raise MappingError(f"[geometry] in {name} names only {pair[0]}.", hint="Name both x and y.")
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
        z=_text(place.get("z", ""), f"z in {name}"),
        name=name,
    )


def mapping_of(given: Mapping | str | Path | None, pairs: Iterable[tuple[str, str]] = ()) -> Mapping:
    """Return a mapping that is given as such, as the file it stands in, or not at all; see `with_columns`."""
    mapping = given if isinstance(given, Mapping) else read_mapping(given) if given else Mapping()
    return with_columns(mapping, pairs)


def with_columns(mapping: Mapping, pairs: Iterable[tuple[str, str]]) -> Mapping:
    """Return a mapping in which some fields are filled by other columns.

    Parameters
    ----------
    mapping : Mapping
        What holds for every other field.
    pairs : iterable of (str, str)
        Field and source column. They go before the columns, constants and heights of the mapping; a column
        that filled only these fields is not read any more.

    Raises
    ------
    MappingError
        A field or a column is empty, or a field is named twice. Whether they exist is seen when the file
        is opened (`check_mapping`, `gridcity.intake.matching.match_columns`).

    Examples
    --------
    >>> with_columns(Mapping(columns={"A": ("note", "name")}), [("name", "B")]).columns
    {'A': ('note',), 'B': ('name',)}
    """
    given: dict[str, str] = {}
    for target, column in pairs:
        if not target or not column:
            raise MappingError(
                f"{target!r}={column!r} names no field and column.", hint="Write FIELD=COLUMN."
            )
        if given.setdefault(target, column) != column:
            raise MappingError(
                f"{target} is to be filled by {given[target]} and by {column}.", hint="Keep one of them."
            )
    columns = {
        column: tuple(target for target in several if target not in given)
        for column, several in mapping.columns.items()
    }
    for target, column in given.items():
        columns[column] = (*columns.get(column, ()), target)
    constants = {target: value for target, value in mapping.constants.items() if target not in given}
    return replace(mapping, columns=columns, constants=constants, z="" if mapping.z in given else mapping.z)


def check_mapping(mapping: Mapping, kind: str, profile: Profile | None = None) -> None:
    """Check that a mapping fits a kind of row; no file is opened.

    Parameters
    ----------
    mapping : Mapping
        From `read_mapping`.
    kind : str
        A kind of `gridcity.catalogue.fields`.
    profile : Profile, optional
        The city's; without one, classes are not looked up, for a city may have classes of its own.

    Raises
    ------
    MappingError
        It names a field that the kind does not have, fills one field twice, names an edition that does not
        exist, writes a value that no row of this kind can have, a state or level that is none, a text that
        is no date; or brings heights into a field that is not free text.
    ArgumentError
        It names a class that does not exist.
    """
    possible = tuple(dict.fromkeys(known_fields(kind).values()))
    whole = f"{'an' if kind[0] in 'ai' else 'a'} {kind}"
    targets = [target for several in mapping.columns.values() for target in several]
    for named in (targets, mapping.constants, mapping.values):
        _refuse_unknown(named, possible, mapping.name, f"field of {whole}")
    fillers: dict[str, list[str]] = {name: ["a constant"] for name in mapping.constants}
    if mapping.z:
        free = tuple(name for name in _FREE_TEXTS if name in possible)
        _refuse_unknown([mapping.z], free, f"z of [geometry] in {mapping.name}", f"free text of {whole}")
        fillers.setdefault(mapping.z, []).append("the heights")
    for column, several in mapping.columns.items():
        for target in several:
            fillers.setdefault(target, []).append(column)
    for target, columns in fillers.items():
        if len(columns) > 1:
            raise MappingError(
                f"{mapping.name} fills {target} twice: by {' and by '.join(columns)}.",
                hint="Keep one of them.",
            )
    if mapping.edition:
        _refuse_unknown([mapping.edition], tuple(editions()), mapping.name, "edition")
    _check_words(mapping)
    if profile is not None:
        _check_classes(mapping, kind, profile)


def _written(mapping: Mapping, target: str) -> list[tuple[str, str]]:
    """Return where a mapping writes values into a field, and the values; empty ones mean none."""
    found = [(f"[constants] in {mapping.name}", mapping.constants.get(target, ""))]
    found += [
        (f"[values.{target}] in {mapping.name}", value) for value in mapping.values.get(target, {}).values()
    ]
    return [(where, value) for where, value in found if value]


def _check_words(mapping: Mapping) -> None:
    all_states = tuple(dict.fromkeys(state for name in editions() for state in states(name)))
    for target, possible in (("state", all_states), ("level", _LEVELS)):
        for where, value in _written(mapping, target):
            _refuse_unknown([value], possible, where, target)
    for target in _DATE_FIELDS:
        for where, value in _written(mapping, target):
            if parse_dates(objects([value]))[1].any():
                raise MappingError(
                    f"{value!r} in {where} is no date, which {target} needs.", hint="Write it YYYY-MM-DD."
                )


def _check_classes(mapping: Mapping, kind: str, profile: Profile) -> None:
    """Check the classes that a mapping states; those of duties can be events, and major classes."""
    tables = list(profile.catalogues())
    if mapping.edition and mapping.edition not in [table.edition for table in tables]:
        tables.append(catalogue(mapping.edition))
    kinds = ("component",) if kind == "component" else ("component", "event")
    stated = [(f"class in {mapping.name}", mapping.class_text)] if mapping.class_text else []
    for where, value in [*stated, *(pair for target in _CLASS_FIELDS for pair in _written(mapping, target))]:
        known = any(table.find(value, one) or table.named(value, one) for table in tables for one in kinds)
        major = kind == "duty" and any(
            value == code for table in tables for one in kinds for code, _, _ in table.majors(one)
        )
        if not known and not major:
            near = [entry for table in tables for entry in table.nearest(value, kinds[0])]
            nearest = ", ".join(dict.fromkeys(f"{entry.code} {entry.zh}" for entry in near))
            raise ArgumentError(
                f"{value!r} ({where}) is no class of {' or '.join(table.edition for table in tables)}.",
                hint=f"Nearest: {nearest}." if nearest else "Look one up: gridcity catalogue TEXT.",
            )


def refuse_missing_columns(mapping: Mapping, columns: Collection[str], where: str) -> None:
    """Refuse a mapping that names columns which a source does not have.

    Raises
    ------
    MappingError
        A mapped column, the key or a column of the coordinates is not there; the nearest are named.
    """
    named = [*mapping.columns, *filter(None, (mapping.key, mapping.x, mapping.y))]
    for column in named:
        if column not in columns:
            raise MappingError(
                f"{where} has no column {column!r}, which {mapping.name} names; {_nearest(column, columns)}.",
                hint="Correct the column in the mapping.",
            )


def _refuse_unknown(named: Iterable[str], possible: tuple[str, ...], where: str, what: str) -> None:
    for name in named:
        if name not in possible:
            raise MappingError(
                f"{name!r} in {where} is no {what}; {_nearest(name, possible)}.",
                hint=f"Possible are {', '.join(possible) or 'none'}.",
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
