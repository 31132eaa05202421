"""Where the rows lie: in which share under each reference system, and what known places say of the datum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.crs import ReferenceSystem, reference_system, to_lnglat
from gridcity.crs.evidence import DatumEvidence, datum_evidence
from gridcity.crs.plausible import check_coordinates, guess, ranked
from gridcity.errors import ReferenceSystemError
from gridcity.findings import RULES
from gridcity.importing.shapes import widened
from gridcity.inspecting.model import PlaceLine, Problem
from gridcity.intake import Draft, Source
from gridcity.intake.table import Column
from gridcity.store.base import Reading
from gridcity.store.wkb import Box
from gridcity.tiling.index import PolygonIndex

__all__ = ["KnownPlaces", "Whereabouts", "whereabouts"]

Floats = npt.NDArray[np.float64]

# Ours: an even sample of so many rows tells a share to a percentage point.
_SAMPLE = 10_000
# Ours: fewer rows than this that name a place of the city prove nothing about a datum.
_FEWEST = 10
_ENDS = ("街道", "社区")
# Ours: a column holds names of areas when half of its different texts are some.
_MOST = 0.5


class KnownPlaces:
    """What a city knows of places: its cells, areas and components, read when they are asked for."""

    def __init__(self, store: Reading) -> None:
        self._store = store
        self.extent = store.extent()
        self._today = date.today().isoformat()

    @cached_property
    def cells(self) -> dict[str, Column]:
        """Id, code and shape of the current cells."""
        return self._store.columns("cells", ("fid", "code", "geom"), on=self._today)

    @cached_property
    def areas(self) -> dict[str, Column]:
        """Id, code, name, level and shape of the areas that have a shape."""
        table = self._store.columns("areas", ("fid", "code", "name", "level", "geom"))
        there = ~shapely.is_missing(table["geom"])
        return {name: column[there] for name, column in table.items()}

    @cached_property
    def basis(self) -> str:
        """What "in the city" means; empty where it has neither areas nor cells."""
        kinds = [
            name for name, table in (("an area", self.areas), ("a cell", self.cells)) if len(table["fid"])
        ]
        return f"in {' or '.join(kinds)} of the city" if kinds else ""

    @cached_property
    def index(self) -> PolygonIndex:
        """The areas and cells; not the cells alone, for a city may have cells only in parts of its areas."""
        shapes = np.concatenate([self.areas["geom"], self.cells["geom"]])
        codes = np.concatenate([self.areas["code"], self.cells["code"]])
        return PolygonIndex(np.arange(len(shapes)), codes, shapes)

    def inside(self, lng: Floats, lat: Floats) -> npt.NDArray[np.bool_]:
        """Tell which points lie in the city."""
        found: npt.NDArray[np.bool_] = self.index.winners(lng, lat) >= 0
        return found

    @cached_property
    def whole(self) -> shapely.Geometry:
        """The city in one piece; of its areas where it has some, which are fewer than its cells."""
        return shapely.union_all((self.areas if len(self.areas["fid"]) else self.cells)["geom"])

    def cells_named(self, codes: Column) -> Column:
        """Return the shape of the cell with each code, None where there is none."""
        return _chosen(codes, dict(zip(self.cells["code"], self.cells["geom"], strict=True)))

    def components_named(self, codes: Column) -> Column:
        """Return the shape of the component with each code, None where there is none."""
        wanted = [code for code in pd.unique(codes).tolist() if code]
        table = self._store.columns("components", ("code", "geom"), {"code": wanted}, on=self._today)
        return _chosen(codes, dict(zip(table["code"], table["geom"], strict=True)))

    def areas_named(self, names: Column, level: str) -> Column:
        """Return the shape of the area of a level with each name or code, None where there is none."""
        at = np.flatnonzero(self.areas["level"] == level).tolist()
        forms = [(form, i) for i in at for form in _forms(self.areas["name"][i], self.areas["code"][i])]
        owners = pd.Series([i for _, i in forms], index=[form for form, _ in forms], dtype=object)
        # Two areas of one name say nothing about where a point of that name lies.
        owners = owners[~owners.index.duplicated(keep=False)]
        return _chosen(names, {str(form): self.areas["geom"][i] for form, i in owners.items()})


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What was found about the places of some rows."""

    lines: tuple[PlaceLine, ...] = ()
    basis: str = ""
    evidence: DatumEvidence | None = None
    evidence_basis: str = ""
    problems: tuple[Problem, ...] = ()
    looks: str = ""

    @property
    def nowhere(self) -> bool:
        """Whether under no reading a point lies in the city."""
        return bool(self.lines) and all(line.share == 0.0 for line in self.lines)


def whereabouts(
    source: Source, drafts: dict[str, Draft], known: KnownPlaces | None, *, stored: int, given: str
) -> Whereabouts:
    """Lay rows out under each plausible system, and hold them against the places that they name.

    Parameters
    ----------
    source : Source
        The rows.
    drafts : dict of str to Draft
        The rows as each kind of row.
    known : KnownPlaces or None
        The city's; None where no city is given.
    stored : int
        EPSG code of the city's coordinates.
    given : str
        The options that say what the coordinates are; empty for the file's own declaration.
    """
    at = np.flatnonzero(np.isfinite(shapely.bounds(source.geometry)).all(axis=1))
    at = at[:: max(1, -(-len(at) // _SAMPLE))]
    if not len(at):
        return Whereabouts()
    xy = shapely.get_coordinates(shapely.point_on_surface(source.geometry[at]))
    x, y = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    extent = known.extent if known else None
    middle = ((extent.west + extent.east) / 2, (extent.south + extent.north) / 2) if extent else None
    looks = guess(x, y, middle)
    problems = _refusals(x, y, source.system, known, source.name)
    lines = []
    rivals = [one for one in looks.candidates if not _same_system(one.crs, one.datum, source.system)]
    if source.system is not None:
        share = _share(x, y, source.system, known, stored)
        lines.append(PlaceLine(given, source.system.name, "as declared", share))
    if known is not None and known.basis:
        shares = [(one.candidate, one.share) for one in ranked(tuple(rivals), x, y, known.inside)]
        lines += [PlaceLine(one.option, one.name, one.why, share, one.swapped) for one, share in shares]
    else:
        lines += [PlaceLine(one.option, one.name, one.why, None, one.swapped) for one in rivals]
    evidence, about = None, ""
    system = source.system or _unshifted(rivals, x, y, known)
    if known is not None and known.basis and system is not None and not problems:
        lnglat = to_lnglat(x, y, system, stored=stored)
        evidence, about = _evidence(source, drafts, known, at, lnglat, system)
        problems = _outside(*lnglat, known.extent)
        # A shift of the datum moves some points over the border of the city, but never all of them.
        if source.system is None and any(one.rows != len(x) for one in problems):
            problems = ()
    basis = known.basis if known else ""
    return Whereabouts(tuple(lines), basis, evidence, about, problems, looks.sentence)


def _refusals(
    x: Floats, y: Floats, system: ReferenceSystem | None, known: KnownPlaces | None, where: str
) -> tuple[Problem, ...]:
    """Return why the coordinates would be refused under the system that is declared."""
    if system is None:
        return ()
    try:
        check_coordinates(x, y, system, known.extent if known else None, where=where)
        to_lnglat(x, y, system, where=where)
    except ReferenceSystemError as error:
        return (Problem(error.code, None, str(error)),)
    return ()


def _outside(lng: Floats, lat: Floats, extent: Box | None) -> tuple[Problem, ...]:
    """Count the points that an import would reject for lying far beyond all that the city knows."""
    if extent is None:
        return ()
    most = widened(extent)
    outside = (lng < most.west) | (lng > most.east) | (lat < most.south) | (lat > most.north)
    if not outside.any():
        return ()
    first = int(np.argmax(outside))
    place = f"{lng[first]:.6f} {lat[first]:.6f}"
    message = RULES["outside-city"].sentence.format(value=place)
    return (Problem("outside-city", int(outside.sum()), f"of {len(lng):,} points laid out: {message}"),)


def _same_system(crs: str, datum: str, system: ReferenceSystem | None) -> bool:
    if system is None:
        return False
    if datum:
        return datum == system.datum
    degrees = crs in ("EPSG:4490", "EPSG:4326") and system.epsg in (4490, 4326)
    return degrees or crs == f"EPSG:{system.epsg}"


def _share(
    x: Floats, y: Floats, system: ReferenceSystem, known: KnownPlaces | None, stored: int
) -> float | None:
    if known is None or not known.basis:
        return None
    try:
        return float(known.inside(*to_lnglat(x, y, system, stored=stored)).mean())
    except ReferenceSystemError:
        return 0.0


def _unshifted(rivals: list[Any], x: Floats, y: Floats, known: KnownPlaces | None) -> ReferenceSystem | None:
    """Return the system to hold undeclared numbers against known places in: the best without a shift."""
    plain = tuple(one for one in rivals if one.crs and not one.swapped)
    if not plain or known is None or not known.basis:
        return None
    return reference_system(ranked(plain, x, y, known.inside)[0].candidate.crs)


def _evidence(
    source: Source,
    drafts: dict[str, Draft],
    known: KnownPlaces,
    at: npt.NDArray[np.int64],
    lnglat: tuple[Floats, Floats],
    system: ReferenceSystem,
) -> tuple[DatumEvidence | None, str]:
    """Return the evidence of the best known places: cells, components, areas, else the city as a whole."""
    for about, places in _named_places(source, drafts, known, at):
        if (~shapely.is_missing(places)).sum() >= _FEWEST:
            return datum_evidence(*lnglat, places, datum=system.datum), about
    return datum_evidence(*lnglat, known.whole, datum=system.datum), "the city as a whole"


def _named_places(
    source: Source, drafts: dict[str, Draft], known: KnownPlaces, at: npt.NDArray[np.int64]
) -> list[tuple[str, Column]]:
    found = []
    component, cell = (drafts[kind].columns if kind in drafts else {} for kind in ("component", "cell"))
    for columns, field in ((component, "cell_code"), (cell, "code")):
        if field in columns:
            found.append(("the cells that the rows name", known.cells_named(columns[field][at])))
    if "code" in component:
        found.append(("the components that have their codes", known.components_named(component["code"][at])))
    named = []
    for level in ("community", "street", "district"):
        for name, values in source.columns.items():
            texts = values[at]
            places = known.areas_named(texts, level)
            distinct = pd.unique(texts[texts != ""])
            hit = pd.unique(texts[~shapely.is_missing(places)])
            if len(distinct) > 1 and len(hit) >= _MOST * len(distinct):
                named.append((f"the {level} that the column {name} names", places))
    return found + named


def _forms(name: str, code: str) -> set[str]:
    """Return how an area may be named: its code, its name, and its name with and without its kind."""
    bare = name
    for end in _ENDS:
        bare = bare.removesuffix(end) or bare
    return {name, code, bare, *(f"{bare}{end}" for end in _ENDS)} - {""} if name else {code} - {""}


def _chosen(keys: Column, shapes: dict[str, Any]) -> Column:
    """Return the shape of each key, one look-up for each distinct one."""
    numbers, distinct = pd.factorize(keys)
    held = np.empty(len(distinct), dtype=object)
    held[:] = [shapes.get(str(key).strip()) if str(key).strip() else None for key in distinct]
    chosen: Column = held[numbers]
    return chosen
