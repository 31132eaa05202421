"""Rules about the geometry of rows: its kind, its validity, its place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import metres_per_degree
from gridcity.importing.batch import Batch, blank
from gridcity.store.wkb import Box

__all__ = ["MARGIN_M", "check_any", "check_place", "check_polygons"]

MARGIN_M = 1000.0
"""What reaches farther than this beyond everything the city knows has another city's coordinates, or none."""

_MULTIPOINT, _COLLECTION = 4, 7


def check_polygons(batch: Batch) -> None:
    """Reject rows that are no polygon, or one that crosses itself."""
    kind = shapely.get_type_id(batch.geometry)
    areal = np.isin(kind, (3, 6))
    batch.reject("geometry-kind", ~areal, field="geometry", values="geometry", expected="a polygon")
    _check_valid(batch)


def check_any(batch: Batch) -> None:
    """Reject rows that are no single point, line or polygon; a multipoint of one point becomes a point."""
    kind = shapely.get_type_id(batch.geometry)
    collection = kind == _COLLECTION
    expected = "a point, line or polygon"
    batch.reject("geometry-kind", collection, field="geometry", values="collection", expected=expected)
    points = kind == _MULTIPOINT
    single = points & (shapely.get_num_geometries(batch.geometry) == 1)
    batch.geometry[single] = shapely.get_geometry(batch.geometry[single], 0)
    several = points & ~single
    batch.reject("geometry-kind", several, field="geometry", values="multipoint", expected="a single point")
    _check_valid(batch)


def _check_valid(batch: Batch) -> None:
    broken = batch.alive & ~shapely.is_valid(batch.geometry)
    reasons = blank(len(batch))
    reasons[broken] = shapely.is_valid_reason(batch.geometry[broken])
    batch.reject("geometry-invalid", broken, field="geometry", values=reasons)


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
    per_lng, per_lat = metres_per_degree((known.south + known.north) / 2)
    x, y = MARGIN_M / per_lng, MARGIN_M / per_lat
    bounds: npt.NDArray[np.float64] = shapely.bounds(batch.geometry)
    outside = (bounds[:, 0] < known.west - x) | (bounds[:, 2] > known.east + x)
    outside |= (bounds[:, 1] < known.south - y) | (bounds[:, 3] > known.north + y)
    outside &= batch.alive
    place = blank(len(batch))
    place[outside] = [f"{west:.6f} {south:.6f}" for west, south, _, _ in bounds[outside]]
    batch.reject("outside-city", outside, field="geometry", values=place)
