"""Which reports of a file repeat an earlier one: read, laid on the city, compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridcity.catalogue import Catalogue
from gridcity.errors import ArgumentError, SourceError
from gridcity.importing.shapes import widened
from gridcity.intake.incidents import Incidents, incidents_of, read_incidents
from gridcity.intake.mapping import Mapping, mapping_of
from gridcity.locating.asking import asked_classes, coordinates
from gridcity.locating.wanted import wanted
from gridcity.profile import Profile
from gridcity.repeats import find_repeats
from gridcity.spacings import radius_for
from gridcity.store.base import Reading
from gridcity.store.wkb import Box

__all__ = ["RepeatedReports", "repeated_reports"]

Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
# `City.locate_many` with everything set but the points and their classes.
Locate = Callable[..., dict[str, Column]]

# Each is compared with all names of classes; a column of descriptions taken for classes has a text a row.
_MOST_COMPARED: Final = 100
_PLACED: Final = ("class_code", "class_name", "component_id", "component_code")


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedReports:
    """The rows of a file of incidents, each with the report that it repeats.

    Attributes
    ----------
    columns : dict of str to numpy.ndarray
        One value for each row, in the order of the file: ``row``, its number; ``id``, or ``row 12`` where
        it has none; ``time``, ``datetime64[ms]``; ``class_code`` and ``class_name``; ``component_id``, -1
        for none, and ``component_code``; ``repeat_of``, the id of the earlier report, empty for none;
        ``repeat_by``, ``component`` or ``place``; ``repeat_distance_m`` and ``repeat_after_h``, metres and
        hours between the two reports, NaN for none; ``repeat_first``, the id of the first report of the
        case, its own for a report that repeats none.
    errors : dict of int to str
        Position of each bad row: what is wrong with it. A bad row repeats none and is not repeated; its
        ``repeat_first`` is empty.
    incidents : Incidents
        The rows as they were read, with the findings about them.
    earlier : Incidents or None
        Those of the earlier file.
    """

    columns: dict[str, Column]
    errors: dict[int, str]
    incidents: Incidents
    earlier: Incidents | None

    def __len__(self) -> int:
        return len(self.incidents)

    @property
    def repeats(self) -> Mask:
        """Which rows repeat an earlier report."""
        repeats: Mask = self.columns["repeat_by"] != ""
        return repeats

    @property
    def cases(self) -> int:
        """How many cases the rows report that are not bad."""
        return len(set(self.columns["repeat_first"].tolist()) - {""})


def repeated_reports(
    incidents: Any,
    earlier: Any,
    *,
    store: Reading,
    profile: Profile,
    locate: Locate,
    period_h: float,
    mapping: Mapping | str | Path | None,
    columns: Sequence[tuple[str, str]],
    **options: Any,
) -> RepeatedReports:
    """Find the rows that repeat an earlier report; see `City.find_repeats`.

    Parameters
    ----------
    incidents, earlier, period_h, mapping, columns, **options
        As for `City.find_repeats`.
    store : Reading
        The city's, for the spacing of its classes.
    profile : Profile
        The city's.
    locate : callable
        `City.locate_many` as of the day of the question.
    """
    known = mapping_of(mapping, columns)
    city = _City(store, profile, locate)
    new = _Reports(incidents, "row", city, known, options)
    old = None if earlier is None else _Reports(earlier, "earlier row", city, known, options)
    parts = [(new, new.standing)]
    if old is not None:
        # A report that stands in both files is one, as the newer file tells it.
        told = pd.Series(old.ids[old.standing], dtype=object).isin(new.ids[new.standing].tolist())
        parts.append((old, old.standing[~told.to_numpy()]))
    if len(frozenset().union(*(part.incidents.zones for part, _ in parts))) > 1:
        raise SourceError(
            "Some times say their offset from UTC (2026-03-01T08:00:00Z) and others do not: the hours "
            "between two of them are not known.",
            hint="Write all times in one way, in both files.",
        )

    def column(name: str) -> Column:
        return np.concatenate([part.column(name)[at] for part, at in parts])

    ids = column("ids")
    klass, names = pd.factorize(column("class_name"))
    found = find_repeats(
        ids,
        column("lng"),
        column("lat"),
        klass.astype(np.int64),
        column("component_id"),
        column("time"),
        before=np.repeat([1, 0], [len(new.standing), len(ids) - len(new.standing)]),
        is_open=column("open"),
        closed_at=column("closed_at"),
        radius_m=np.array([_radius(name, store, profile) for name in names], dtype=np.float64),
        period_h=period_h,
    )
    answer = {
        "repeat_of": np.append(ids, "")[found.of],
        "repeat_by": found.by,
        "repeat_distance_m": found.distance_m,
        "repeat_after_h": found.after_h,
        "repeat_first": ids[found.first],
    }
    return RepeatedReports(
        columns=new.facts() | {name: new.spread(column) for name, column in answer.items()},
        errors=new.errors(),
        incidents=new.incidents,
        earlier=old.incidents if old else None,
    )


class _City(NamedTuple):
    """What the reports are laid on."""

    store: Reading
    profile: Profile
    locate: Locate


class _Reports:
    """The reports of one file, laid on the city."""

    def __init__(
        self, source: Any, unnamed: str, city: _City, mapping: Mapping, options: dict[str, Any]
    ) -> None:
        store, profile, locate = city
        extent = store.extent()
        if hasattr(source, "geometry"):
            system = {name: options.get(name) for name in ("crs", "datum")}
            lng, lat, _ = coordinates(source, None, **system, stored=profile.stored_epsg)
            self.incidents = incidents_of(source, lng, lat, profile, mapping=mapping, timed=True)
        elif isinstance(source, str | os.PathLike):
            self.incidents = read_incidents(
                source, profile, mapping=mapping, timed=True, extent=extent, **options
            )
        else:
            raise ArgumentError(
                "Reports come as a file or as a GeoDataFrame with a geometry of points; "
                f"this {type(source).__name__} is neither.",
                hint="geopandas.GeoDataFrame(frame, geometry=geopandas.points_from_xy(x, y), crs=...)",
            )
        _note_outside(self.incidents, extent)
        texts = self.incidents.class_text
        asked, which = asked_classes(texts.tolist(), len(texts), profile)
        known: Mask = np.array([bool(one.classes) for one in asked])[[] if which is None else which]
        _note_unknown(self.incidents, ~known & (texts != ""), profile)
        self.placed = locate(
            self.incidents.lng,
            self.incidents.lat,
            class_text=np.where(known, texts, "").tolist(),
            columns=_PLACED,
        )
        self.ids = self.incidents.id.copy()
        blank = np.flatnonzero(self.ids == "")
        self.ids[blank] = [f"{unnamed} {row}" for row in self.incidents.rows[blank].tolist()]
        bad = list(self.incidents.findings.rejected_rows())
        self.bad = np.isin(self.incidents.rows, bad)
        # Of rows that are the same report the first stands for all.
        good = pd.Series(self.ids, dtype=object).mask(self.bad)
        self._number, _ = pd.factorize(good)
        self.standing = np.flatnonzero(~self.bad & ~good.duplicated().to_numpy())

    def column(self, name: str) -> Column:
        """Return a column of the ids, of what the city says, or of the file."""
        if name == "ids":
            return self.ids
        found: Column = self.placed[name] if name in self.placed else getattr(self.incidents, name)
        return found

    def facts(self) -> dict[str, Column]:
        """Return what the file and the city say of each row."""
        return {
            "row": self.incidents.rows,
            "id": self.ids,
            "time": self.incidents.time,
            **{name: self.placed[name] for name in _PLACED},
        }

    def spread(self, answer: Column) -> Column:
        """Return the answers of the standing reports for all rows; a bad one has none."""
        nothing = np.nan if answer.dtype.kind == "f" else ""
        return np.append(answer[: len(self.standing)], nothing).astype(answer.dtype)[self._number]

    def errors(self) -> dict[int, str]:
        """Return what is wrong with each bad row, by its position."""
        at = dict(zip(self.incidents.rows[self.bad].tolist(), np.flatnonzero(self.bad).tolist(), strict=True))
        said: dict[int, str] = {}
        for finding in self.incidents.findings.severe("error"):
            if finding.row is not None:
                said.setdefault(at[finding.row], finding.message)
        return said


def _note_outside(incidents: Incidents, extent: Box | None) -> None:
    """Note the rows that lie so far away that no import would take an object there."""
    if extent is None:
        return
    most, lng, lat = widened(extent), incidents.lng, incidents.lat
    outside = (lng < most.west) | (lng > most.east) | (lat < most.south) | (lat > most.north)
    at = np.flatnonzero(outside)
    places = [f"{x:.6f} {y:.6f}" for x, y in zip(lng[at], lat[at], strict=True)]
    incidents.findings.add("outside-city", incidents.rows[at], field="geometry", values=places)


def _note_unknown(incidents: Incidents, unknown: Mask, profile: Profile) -> None:
    """Note the rows whose class the city does not know, each with the classes whose names are nearest."""
    at = np.flatnonzero(unknown)
    texts = incidents.class_text[at]
    tables = profile.catalogues()
    nearest = {
        text: _nearest(text, tables) or "none"
        for text in islice(dict.fromkeys(texts.tolist()), _MOST_COMPARED)
    }
    incidents.findings.add(
        "class-unknown",
        incidents.rows[at],
        field="class_name",
        values=texts,
        edition=" or ".join(one.edition for one in tables),
        nearest=[nearest.get(text, "not looked for") for text in texts.tolist()],
    )


def _nearest(text: str, tables: Sequence[Catalogue]) -> str:
    """Return the classes of components and events whose names are nearest, a name of two editions once."""
    names: dict[str, str] = {}
    for kind in ("component", "event"):
        for entry in (entry for one in tables for entry in one.nearest(text, kind)):
            names.setdefault(entry.zh, entry.code)
    return ", ".join(f"{name} ({code})" for name, code in names.items())


def _radius(name: str, store: Reading, profile: Profile) -> float:
    """Return how far two reports of a class may lie apart."""
    try:
        classes = wanted(name, profile).components
    except ArgumentError:
        # A component may be of a class that the profile no longer has.
        classes = frozenset()
    return radius_for(store, classes)
