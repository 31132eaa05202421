"""The polygons around many points: those that come within so many metres of each."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import metres_per_degree
from gridcity.tiling.exact import OUTSIDE, positions
from gridcity.tiling.index import PolygonIndex

__all__ = ["Around"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Distances are compared after rounding to centimetres.
_SLACK_M: Final = 0.01


class Around:
    """Polygons that can be asked which of them come near points.

    Parameters
    ----------
    index : PolygonIndex
        The polygons; where their pixels are drawn, points far from any border cost next to nothing.
    """

    def __init__(self, index: PolygonIndex) -> None:
        self._index = index

    def candidates(self, lng: Floats, lat: Floats, reach_m: float) -> tuple[Ints, Ints]:
        """Return pairs of a point and a polygon; among them are all that are within reach of each other.

        Parameters
        ----------
        lng, lat : float arrays
            Degrees; finite.
        reach_m : float
            Metres, to be compared with the rounded distances of `distance_m`.
        """
        if not len(lng):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        per_lng, per_lat = metres_per_degree(lat)
        x, y = (reach_m + _SLACK_M) / per_lng, (reach_m + _SLACK_M) / per_lat
        alone = np.full(len(lng), -1, dtype=np.int64)
        if self._index.is_drawn:
            alone = self._index.pixels.alone(lng, lat, (float(x.max()), float(y.max())))
        one, at = np.flatnonzero(alone >= 0), np.flatnonzero(alone < 0)
        lng, lat, x, y = lng[at], lat[at], x[at], y[at]
        point, polygon = self._tree.query(shapely.box(lng - x, lat - y, lng + x, lat + y))
        return np.concatenate([one, at[point]]), np.concatenate([alone[one], polygon])

    def distance_m(self, lng: Floats, lat: Floats, polygon: Ints) -> Floats:
        """Return the metres from each point to the polygon named for it, 0 on it; rounded to centimetres."""
        edges = self._index.edges
        distance = np.zeros(len(lng))
        away = np.flatnonzero(positions(lng, lat, polygon, edges) == OUTSIDE)
        distance[away] = edges.distance_m(lng[away], lat[away], polygon[away])
        return distance

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(np.asarray(shapely.box(*self._index.edges.boxes.T)))
