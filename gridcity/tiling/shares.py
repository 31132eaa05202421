"""The cell of a line or a polygon: the one that holds the largest share of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import metres_per_degree
from gridcity.tiling.index import PolygonIndex

__all__ = ["cell_of", "sound"]

# Shares closer than this are equal: an intersection is exact to some ten digits.
_EQUAL = 1e-9


def cell_of(geometries: Any, index: PolygonIndex) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the cell of each geometry and the number of cells it stands in.

    Parameters
    ----------
    geometries : array of shapely geometries
        Points, lines and polygons in longitude and latitude, mixed.
    index : PolygonIndex
        The cells.

    Returns
    -------
    cell : int64 array
        Position in the index: of points by the edge rule, of lines the cell with the greatest
        length, of polygons that with the greatest area, of equal shares the first by the edge rule;
        -1 outside every cell.
    count : int64 array
        Cells that hold a part; 1 for a point in a cell, 0 outside.
    """
    geometries = np.asarray(geometries, dtype=object)
    cell = np.full(len(geometries), -1, dtype=np.int64)
    dimension = shapely.get_dimensions(geometries)
    points = np.flatnonzero(dimension == 0)
    places = geometries[points]
    if (shapely.get_type_id(places) != 0).any():
        places = shapely.centroid(places)
    xy = shapely.get_coordinates(places)
    cell[points] = index.winners(xy[:, 0], xy[:, 1])
    count = (cell >= 0).astype(np.int64)
    extended = np.flatnonzero(dimension > 0)
    if len(extended):
        best, parts = _largest(geometries[extended], index)
        cell[extended], count[extended] = best, parts
    return cell, count


def _largest(
    geometries: npt.NDArray[np.object_], index: PolygonIndex
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    best = np.full(len(geometries), -1, dtype=np.int64)
    geometries, polygons = sound(geometries), sound(index.polygons)
    item, cell = shapely.STRtree(polygons).query(geometries, predicate="intersects")
    common = shapely.intersection(geometries[item], polygons[cell])
    share = _measure(common, shapely.get_dimensions(geometries)[item])
    there = share > 0
    item, cell, share = item[there], cell[there], share[there]
    whole = np.zeros(len(geometries))
    np.maximum.at(whole, item, share)
    rounded = np.rint(share / whole[item] / _EQUAL)
    order = np.lexsort((index.rank[cell], -rounded, item))
    first = order[np.flatnonzero(np.diff(item[order], prepend=-1))]
    best[item[first]] = cell[first]
    return best, np.bincount(item, minlength=len(geometries)).astype(np.int64)


def sound(geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return geometries with those that cross themselves divided into parts that do not.

    Imports refuse such geometries, but another program may have drawn them into the stored city, and no
    intersection is defined with them.
    """
    broken = np.flatnonzero(~shapely.is_valid(geometries) & ~shapely.is_missing(geometries))
    if len(broken):
        geometries = geometries.copy()
        geometries[broken] = shapely.make_valid(geometries[broken])
    return geometries


def _measure(
    geometries: npt.NDArray[np.object_], dimension: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Return square metres where the whole is a polygon, metres where it is a line."""
    bounds = shapely.bounds(geometries)
    middle = float(np.nanmean(bounds[:, [1, 3]])) if np.isfinite(bounds).any() else 0.0
    per_lng, per_lat = metres_per_degree(middle)
    plane = shapely.transform(geometries, lambda xy: xy * (per_lng, per_lat))
    sizes: npt.NDArray[np.float64] = np.where(dimension == 2, shapely.area(plane), shapely.length(plane))
    return sizes
