"""Rules about the geometry of rows: its kind, its validity, its place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.checking import invalid_reasons
from gridcity.crs import metres_per_degree
from gridcity.importing.batch import Batch, Column, blank
from gridcity.store.wkb import Box

__all__ = [
    "LARGE",
    "MOST",
    "area_m2",
    "check_any",
    "check_place",
    "check_polygons",
    "corners",
    "widened",
]

# What reaches farther than this beyond everything the city knows has another city's coordinates, or none.
_MARGIN_M = 1000.0

LARGE, MOST = 100_000, 500_000
"""Vertices beyond which a shape is taken with a warning, and rejected; limits of gridcity's own.

To check one of a million crooked vertices takes some ten seconds, to hold it against a neighbour minutes.
"""

_NONE, _MULTIPOINT, _COLLECTION = -1, 4, 7


def check_polygons(batch: Batch, *, repair: bool = False) -> None:
    """Reject rows whose geometry is no polygon, or one that is not valid, with the reason and its place.

    What is valid is taken as it is: the direction of its rings, repeated vertices and vertices on a
    straight edge change no answer and stay.

    Parameters
    ----------
    batch : Batch
        Geometry in the stored longitude and latitude; mended in place. A row may have none.
    repair : bool, optional
        Mend what is not valid and take its polygonal parts, with a finding; what has none is rejected.
    """
    kind = shapely.get_type_id(batch.geometry)
    areal = np.isin(kind, (_NONE, 3, 6))
    batch.reject("geometry-kind", ~areal, field="geometry", values="geometry", expected="a polygon")
    _check_valid(batch, repair=repair)


def check_any(batch: Batch, *, repair: bool = False) -> None:
    """Reject rows that are no single point, line or polygon; a multipoint of one point becomes a point.

    Parameters
    ----------
    batch, repair
        As for `check_polygons`; a line without length cannot be mended.
    """
    kind = shapely.get_type_id(batch.geometry)
    collection = kind == _COLLECTION
    expected = "a point, line or polygon"
    batch.reject("geometry-kind", collection, field="geometry", values="collection", expected=expected)
    points = kind == _MULTIPOINT
    single = points & (shapely.get_num_geometries(batch.geometry) == 1)
    batch.geometry[single] = shapely.get_geometry(batch.geometry[single], 0)
    several = points & ~single
    batch.reject("geometry-kind", several, field="geometry", values="multipoint", expected="a single point")
    _check_valid(batch, repair=repair)


def area_m2(polygons: Column) -> npt.NDArray[np.float64]:
    """Return areas to the centimetre squared, right to about a millionth for a cell of a hectare."""
    bounds = shapely.bounds(polygons)
    per_lng, per_lat = metres_per_degree((bounds[:, 1] + bounds[:, 3]) / 2)
    return np.round(shapely.area(polygons) * per_lng * per_lat, 2)


def _check_valid(batch: Batch, *, repair: bool) -> None:
    count = shapely.get_num_coordinates(batch.geometry)
    batch.reject("geometry-vertices", count > MOST, field="geometry", values=count, limit=MOST)
    batch.note("geometry-large", batch.alive & (count > LARGE), field="geometry", values=count)
    broken = np.zeros(len(batch), dtype=bool)
    alive = np.flatnonzero(batch.alive & ~shapely.is_missing(batch.geometry))
    broken[alive] = ~shapely.is_valid(batch.geometry[alive])
    if broken.any():
        reasons = blank(len(batch))
        reasons[broken] = invalid_reasons(batch.geometry[broken])
        if repair:
            broken &= ~_mend(batch, broken, reasons)
        batch.reject("geometry-invalid", broken, field="geometry", values=reasons)


def _mend(batch: Batch, broken: npt.NDArray[np.bool_], reasons: Column) -> npt.NDArray[np.bool_]:
    """Put valid polygons in the place of others and return the rows where there was one."""
    at = np.flatnonzero(broken)
    # Rings stay what they are, shells or holes; what collapses into a line or a point is dropped.
    found = shapely.make_valid(batch.geometry[at], method="structure", keep_collapsed=False)
    areal = np.isin(shapely.get_type_id(found), (3, 6)) & ~shapely.is_empty(found)
    mended, before, after = np.zeros(len(batch), dtype=bool), blank(len(batch)), blank(len(batch))
    at, found = at[areal], found[areal]
    mended[at] = True
    before[at] = [f"{size:.1f}" for size in area_m2(batch.geometry[at])]
    after[at] = [f"{size:.1f}" for size in area_m2(found)]
    batch.geometry[at] = found
    batch.note("geometry-repaired", mended, field="geometry", values=reasons, before=before, after=after)
    return mended


def check_place(batch: Batch, known: Box | None) -> None:
    """Reject rows that reach far beyond what the city knows.

    Parameters
    ----------
    batch : Batch
        Geometry in the stored longitude and latitude.
    known : Box or None
        The box around what is known; None where nothing is, and everything is taken.
    """
    if known is None:
        return
    west, south, east, north = shapely.bounds(batch.geometry).T
    most = widened(known)
    outside = (west < most.west) | (east > most.east) | (south < most.south) | (north > most.north)
    outside &= batch.alive
    place = blank(len(batch))
    place[outside] = corners(batch.geometry[outside])
    batch.reject("outside-city", outside, field="geometry", values=place)


def widened(box: Box) -> Box:
    """Return the box with a margin of 1 km, beyond which nothing is a city's; the limit is ours."""
    per_lng, per_lat = metres_per_degree((box.south + box.north) / 2)
    x, y = _MARGIN_M / per_lng, _MARGIN_M / per_lat
    return Box(box.west - x, box.south - y, box.east + x, box.north + y)


def corners(shapes: Column) -> list[str]:
    """Return the south-western corner of each shape as text, as a place that a person can look up."""
    return [f"{west:.6f} {south:.6f}" for west, south, _, _ in shapely.bounds(shapes)]
