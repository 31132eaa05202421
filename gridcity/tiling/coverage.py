"""Overlaps between cells, found as the cells arrive.

The boxes of the cells stand in an R-tree in memory (the rtree package): of the libraries measured it
loads a city's boxes fastest from arrays and is the one that goes on growing and shrinking afterwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from rtree.index import Index, Property

from gridcity.crs import metres_per_degree
from gridcity.tiling.shares import sound

__all__ = ["overlaps"]

# Below this, two cells that share a border only seem to overlap because their vertices are rounded.
_TOLERANCE_M2 = 0.01


def overlaps(
    polygons: Any, among: Any | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the pairs of cells that overlap, with the common area.

    Parameters
    ----------
    polygons : array of shapely polygons
        In longitude and latitude.
    among : int array, optional
        Only pairs with at least one of these positions; all pairs when not given.

    Returns
    -------
    first, second : int64 arrays
        Positions, ``first < second``.
    area_m2 : float array
        Common area; pairs below 0.01 m² are rounded vertices and left out.
    """
    polygons = sound(np.asarray(polygons, dtype=object))
    asked = np.arange(len(polygons)) if among is None else np.asarray(among, dtype=np.int64)
    empty = np.empty(0, dtype=np.int64)
    if not len(asked):
        return empty, empty, np.empty(0)
    bounds = shapely.bounds(polygons)
    boxes = Index(
        (np.arange(len(polygons), dtype=np.int64), bounds[:, :2].copy(), bounds[:, 2:].copy()),
        properties=Property(dimension=2),
    )
    hits, counts = boxes.intersection_v(bounds[asked, :2].copy(), bounds[asked, 2:].copy())
    one, other = np.repeat(asked, counts.astype(np.int64)), hits.astype(np.int64)
    pairs = np.unique(np.column_stack([np.minimum(one, other), np.maximum(one, other)])[one != other], axis=0)
    first, second = pairs[:, 0], pairs[:, 1]
    shapely.prepare(polygons)
    # Neighbours touch along a border; only pairs whose insides meet are worth an intersection.
    meet = shapely.intersects(polygons[first], polygons[second]) & ~shapely.touches(
        polygons[first], polygons[second]
    )
    first, second = first[meet], second[meet]
    common = shapely.intersection(polygons[first], polygons[second])
    per_lng, per_lat = metres_per_degree((bounds[first, 1] + bounds[first, 3]) / 2)
    area_m2 = shapely.area(common) * per_lng * per_lat
    large = area_m2 > _TOLERANCE_M2
    return first[large], second[large], area_m2[large]
