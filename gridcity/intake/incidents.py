"""Files of incidents: what was reported, where, when, whether it is still open, and who handled it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from gridcity.crs import to_lnglat
from gridcity.crs.plausible import check_coordinates
from gridcity.errors import MappingError
from gridcity.findings import Findings
from gridcity.intake.mapping import Mapping
from gridcity.intake.matching import Draft, draft_of, match_columns, refuse_missing_fields
from gridcity.intake.sources import Source, read_source
from gridcity.intake.table import Column, Numbers, column_names, few, per_distinct, record_numbers
from gridcity.intake.times import Times, parse_times

if TYPE_CHECKING:
    from gridcity.profile import Profile

__all__ = ["Incidents", "incidents_of", "read_incidents"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_KIND: Final = "incident"
_CHINA: Final = 4490
_YES, _NO = ("true", "yes", "1", "是"), ("false", "no", "0", "否")
_OPEN, _CLOSED = ("open", "未结案", "未结"), ("closed", "已结案", "已结", "结案")
# Field: the words by which it says that a report is open, and those by which it says that it is closed.
# What a yes means depends on the question that heads the column.
_WORDS: Final = {
    "status": (_OPEN, _CLOSED),
    "open": ((*_OPEN, *_YES), (*_CLOSED, *_NO)),
    "closed": ((*_OPEN, *_NO), (*_CLOSED, *_YES)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Incidents:
    """The rows of a file of incidents, all of them; what is wrong with one is a finding about it.

    Attributes
    ----------
    name : str
        Name of the file.
    rows : int64 array
        Record numbers, counted from 1.
    id : object array of str
        The number of each report; empty where it has none.
    lng, lat : float arrays
        Degrees in the stored system, NaN for a row without a place.
    class_text : object array of str
        Code or name of the class, as it is written; the code where a row has both.
    condition : object array of str
        The condition under which the case was registered (立案条件).
    time : datetime64[ms] array
        When it was reported, in UTC where the text says its offset; NaT where there is none.
    open : bool array
        Whether the report is still open; true where nothing says so.
    closed_at : datetime64[ms] array
        When it was closed, NaT where that is not known.
    zones : frozenset of bool
        Whether the times of the file say their offset from UTC: both where some do and others do not.
    party : object array of str
        Code or name of the party that handled it; the code where a row has both.
    findings : Findings
        About the file and its rows; an ``error`` is about a row that lacks a place, a class or a time, or
        whose id stands on another row with other content. No row is left out for it.
    system : str
        Name of the reference system of the file.
    coordinate_columns : tuple of str
        The columns that were taken for the coordinates.
    """

    name: str
    rows: Numbers
    id: Column
    lng: Floats
    lat: Floats
    class_text: Column
    condition: Column
    time: Times
    open: Mask
    closed_at: Times
    zones: frozenset[bool]
    party: Column
    findings: Findings
    system: str = ""
    coordinate_columns: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.rows)


def read_incidents(
    path: str | os.PathLike[str],
    profile: Profile,
    *,
    mapping: Mapping | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    crs: str | int | None = None,
    datum: str | None = None,
    x: str | None = None,
    y: str | None = None,
    timed: bool = False,
    extent: tuple[float, float, float, float] | None = None,
) -> Incidents:
    """Read a file of incidents.

    Parameters
    ----------
    path, layer, encoding, crs, datum, x, y
        See `gridcity.intake.sources.read_source`.
    profile : Profile
        The city's: its names of columns and its stored system.
    mapping : Mapping, optional
        Which column is which field of the kind ``incident``, and what its values mean.
    timed : bool, optional
        Refuse a file without a column of times.
    extent : (west, south, east, north), optional
        Of the city, in degrees: what `gridcity.crs.plausible.check_coordinates` holds the places against.

    Raises
    ------
    SourceNotFoundError, SourceError, ReferenceSystemError, ArgumentError
        As `read_source` raises them; and where the coordinates are not what their system says.
    MappingError
        The mapping does not fit the file, or no column says the class, or the time where it is needed.
    """
    mapping = mapping or Mapping()
    source = read_source(
        path,
        layer=layer,
        encoding=encoding,
        crs=crs,
        datum=datum,
        x=x or mapping.x or None,
        y=y or mapping.y or None,
    )
    findings = Findings()
    findings.extend(source.findings)
    if source.assumed and profile.stored_epsg == _CHINA:
        findings.add("datum-assumed", [None], field="geometry")
    lng, lat = _places(source, profile, extent, findings)
    draft = _draft(source, list(source.columns), mapping, profile, timed)
    return _incidents(source, draft, lng, lat, findings)


def incidents_of(
    frame: Any,
    lng: Floats,
    lat: Floats,
    profile: Profile,
    *,
    mapping: Mapping | None = None,
    timed: bool = False,
) -> Incidents:
    """Return the incidents of a table in memory, whose columns are found as those of a file.

    Parameters
    ----------
    frame : GeoDataFrame or DataFrame
        Its rows are counted from 1; its geometry is not looked at.
    lng, lat : float arrays
        Degrees in the stored system; NaN for a row without a place.
    profile, mapping, timed
        As for `read_incidents`.

    Raises
    ------
    MappingError
        As for `read_incidents`.
    """
    shape = getattr(frame, "_geometry_column_name", None)
    names = column_names([str(name) for name in frame.columns], "the frame")
    held = {name: frame[own] for name, own in zip(names, frame.columns, strict=True) if own != shape}
    rows = record_numbers(len(frame))
    source = Source(
        path=Path(),
        name="the frame",
        layer="",
        driver="",
        columns={},
        geometry=np.full(len(frame), None, dtype=object),
        rows=rows,
        system=None,
        encoding="",
        evidence="",
        sha256="",
    )
    mapping = mapping or Mapping()
    matched = match_columns(list(held), _KIND, mapping, profile_columns=profile.columns).matched
    source.columns.update((name, _texts(held[name])) for name in {one.column for one in matched.values()})
    findings = Findings()
    findings.add("geometry-missing", rows[np.isnan(lng) | np.isnan(lat)], field="geometry")
    lng, lat = _on_globe(lng, lat, rows, findings)
    draft = _draft(source, list(held), mapping, profile, timed)
    return _incidents(source, draft, lng, lat, findings)


def _draft(source: Source, names: list[str], mapping: Mapping, profile: Profile, timed: bool) -> Draft:
    """Bring the columns of some rows to the fields of incidents."""
    matching = match_columns(
        names,
        _KIND,
        mapping,
        profile_columns=profile.columns,
        coordinate_columns=source.coordinate_columns,
        where=source.name,
    )
    refuse_missing_fields(matching, mapping, names, source.name)
    if timed and "time" not in {*matching.matched, *mapping.constants}:
        raise MappingError(
            f"{source.name} has no column for the time of its reports; its columns are {few(names)}.",
            hint="Name the column, for example --map time=COLUMN.",
            code="E_FIELD_MISSING",
        )
    draft = draft_of(source, matching, mapping)
    draft.findings.extend(matching.findings())
    return draft


def _incidents(source: Source, draft: Draft, lng: Floats, lat: Floats, findings: Findings) -> Incidents:
    findings.extend(draft.findings)
    rows, n = source.rows, len(source)
    nothing = np.full(n, "", dtype=object)

    def column(name: str) -> Column:
        return draft.columns.get(name, nothing)

    time, bad, time_zoned = parse_times(column("time"))
    findings.add("time-malformed", rows[bad], field="time", values=column("time")[bad])
    closed_at, bad, closed_zoned = parse_times(column("closed_at"))
    findings.add("incident-closed-at", rows[bad], field="closed_at", values=column("closed_at")[bad])
    if "time" in draft.columns:
        findings.add("time-missing", rows[np.equal(column("time"), "").astype(bool)], field="time")
    class_text = _either(column("class_code"), column("class_name"))
    findings.add("class-missing", rows[np.equal(class_text, "").astype(bool)], field="class_name")
    known = Incidents(
        name=source.name,
        rows=rows,
        id=column("id"),
        lng=lng,
        lat=lat,
        class_text=class_text,
        condition=column("condition"),
        time=time,
        open=_still_open(draft, rows, findings) & np.isnat(closed_at),
        closed_at=closed_at,
        zones=frozenset(
            flag
            for moments, zoned in ((time, time_zoned), (closed_at, closed_zoned))
            for flag in np.unique(zoned[~np.isnat(moments)]).tolist()
        ),
        party=_either(column("party_code"), column("party_name")),
        findings=findings,
        system=source.system.name if source.system else "",
        coordinate_columns=source.coordinate_columns,
    )
    _note_repeated_ids(known)
    return known


def _places(
    source: Source,
    profile: Profile,
    extent: tuple[float, float, float, float] | None,
    findings: Findings,
) -> tuple[Floats, Floats]:
    """Return the places of a file in the stored system, NaN for what has none on the globe."""
    x, y = _points(source.geometry, source.rows, findings)
    system = source.system
    if system is None:
        return x, y
    check_coordinates(x, y, system, extent, where=source.name)
    if system.geographic:
        x, y = _on_globe(x, y, source.rows, findings)
    lng, lat = to_lnglat(x, y, system, stored=profile.stored_epsg, where=source.name)
    lost = np.isnan(lng) & ~(np.isnan(x) & np.isnan(y))
    findings.add("coordinate-not-finite", source.rows[lost], field="geometry")
    return lng, lat


def _points(shapes: Column, rows: Numbers, findings: Findings) -> tuple[Floats, Floats]:
    """Return the coordinates of the points among some shapes, NaN for what is none."""
    import shapely

    # A layer of multipoints may hold points all the same.
    alone = (shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT) & (
        shapely.get_num_geometries(shapes) == 1
    )
    shapes = np.where(alone, shapely.get_geometry(shapes, 0), shapes)
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    findings.add("geometry-missing", rows[missing], field="geometry")
    points = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    other = np.flatnonzero(~(missing | points))
    kinds = np.array([kind.name.lower() for kind in shapely.GeometryType], dtype=object)
    findings.add(
        "geometry-kind",
        rows[other],
        field="geometry",
        values=kinds[shapely.get_type_id(shapes[other]) + 1],
        expected="a point",
    )
    x, y = np.full(len(shapes), np.nan), np.full(len(shapes), np.nan)
    at = np.flatnonzero(points & ~missing)
    x[at], y[at] = shapely.get_x(shapes[at]), shapely.get_y(shapes[at])
    # One coordinate that is not finite is seen as such later; two would be no place.
    findings.add("coordinate-not-finite", rows[at[np.isnan(x[at]) & np.isnan(y[at])]], field="geometry")
    return x, y


def _on_globe(lng: Floats, lat: Floats, rows: Numbers, findings: Findings) -> tuple[Floats, Floats]:
    """Return places with NaN for those that are not on the globe."""
    finite = np.isfinite(lng) & np.isfinite(lat)
    half = ~(finite | (np.isnan(lng) & np.isnan(lat)))
    findings.add("coordinate-not-finite", rows[half], field="geometry")
    good = finite & (np.abs(lng) <= 180) & (np.abs(lat) <= 90)
    beyond = np.flatnonzero(finite & ~good)
    places = [f"{x:.6f} {y:.6f}" for x, y in zip(lng[beyond], lat[beyond], strict=True)]
    findings.add("coordinate-range", rows[beyond], field="geometry", values=places)
    return np.where(good, lng, np.nan), np.where(good, lat, np.nan)


def _either(first: Column, second: Column) -> Column:
    """Return the first text of each row, the second where it is empty."""
    return np.where(np.equal(first, "").astype(bool), second, first)


def _still_open(draft: Draft, rows: Numbers, findings: Findings) -> Mask:
    """Return which reports no column calls closed."""
    still = np.ones(len(rows), dtype=bool)
    for name, (says_open, says_closed) in _WORDS.items():
        if name not in draft.columns:
            continue
        words = per_distinct(draft.columns[name], str.lower)
        closed = np.isin(words, says_closed)
        unclear = ~(closed | np.isin(words, says_open) | (words == ""))
        unknown = draft.columns[name][unclear]
        findings.add("incident-state", rows[unclear], field=name, values=unknown, column=name)
        still &= ~closed
    return still


def _note_repeated_ids(known: Incidents) -> None:
    """Note the rows with one id: those that say the same, and those that contradict each other."""
    import pandas as pd

    ids = pd.Series(known.id, dtype=object)
    at = np.flatnonzero(ids.duplicated(keep=False) & (ids != ""))
    if not len(at):
        return
    rows = known.rows[at]
    columns = (known.class_text, known.condition, known.party, known.open, known.time, known.closed_at)
    content = pd.DataFrame({i: column[at] for i, column in enumerate((*columns, known.lng, known.lat))})
    content["id"] = known.id[at]
    # Rows that are equal in everything are one; an id with more than one of these contradicts itself.
    same = content.duplicated()
    contradicted = ((~same).groupby(content["id"]).transform("sum") > 1).to_numpy()
    of_id = pd.Series(rows).groupby(content["id"])
    first, last = of_id.transform("min").to_numpy(), of_id.transform("max").to_numpy()
    other = np.where(first == rows, last, first)
    for rule, chosen in (("incident-id", contradicted), ("duplicate-identical", same & ~contradicted)):
        where = np.flatnonzero(chosen)
        known.findings.add(rule, rows[where], field="id", values=known.id[at][where], other=other[where])


def _texts(values: Any) -> Column:
    """Return a column of a frame as text: times in ISO 8601, what is missing empty."""
    import pandas as pd

    missing = values.isna().to_numpy()
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        zone = getattr(values.dt, "tz", None)
        naive = values if zone is None else values.dt.tz_convert("UTC").dt.tz_localize(None)
        texts = np.datetime_as_string(naive.to_numpy().astype("datetime64[ms]")).astype(object)
        texts = texts + ("" if zone is None else "Z")
    else:
        texts = per_distinct(values.to_numpy(dtype=object), _text)
    texts[missing] = ""
    column: Column = texts
    return column


def _text(value: Any) -> str:
    # A whole number beside missing ones has become a float.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
