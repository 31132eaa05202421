"""The component nearest to a point, for many points."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import metres_per_degree
from gridcity.distance import Edges

__all__ = ["Neighbours"]

# Slack on the radius when it is laid on a plane whose scale belongs to another latitude.
_SLACK = 1.001


class Neighbours:
    """Shapes that can be asked which of them is nearest to a point.

    Parameters
    ----------
    ids : sequence of int
        Internal ids; of shapes equally near the lowest code wins, then the lowest id.
    codes : sequence of str
        Codes; an empty one comes last.
    shapes : array of shapely geometries
        Points, lines and polygons in longitude and latitude.
    """

    def __init__(self, ids: Any, codes: Any, shapes: Any) -> None:
        self.shapes = np.asarray(shapes, dtype=object)
        keys = np.asarray(ids, dtype=np.int64)
        texts = np.asarray([str(code) for code in codes], dtype=str)
        order = np.lexsort((keys, texts, texts == ""))
        self._rank = np.empty(len(order), dtype=np.int64)
        self._rank[order] = np.arange(len(order))
        self._edges = Edges(self.shapes)
        self._areal = shapely.get_dimensions(self.shapes) == 2
        middle = float(np.mean(shapely.bounds(self.shapes)[:, [1, 3]])) if len(order) else 0.0
        self._per_lng, self._per_lat = metres_per_degree(middle)
        scale = (self._per_lng, self._per_lat)
        self._tree = shapely.STRtree(shapely.transform(self.shapes, lambda xy: xy * scale))

    def nearest(
        self, lng: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], radius_m: float
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the nearest shape of each point and its distance.

        Parameters
        ----------
        lng, lat : float arrays
            Degrees; NaN finds nothing.
        radius_m : float
            Shapes farther away do not count.

        Returns
        -------
        shape : int64 array
            Position of the shape, -1 where none lies within the radius.
        distance_m : float array
            To the shape; 0 inside a polygon; NaN where there is none.
        """
        shape = np.full(len(lng), -1, dtype=np.int64)
        nearest = np.full(len(lng), np.nan)
        if not len(self.shapes):
            return shape, nearest
        # GEOS raises where it is asked for the neighbours of NaN.
        asked = np.flatnonzero(np.isfinite(lng) & np.isfinite(lat))
        own_lng, own_lat = metres_per_degree(lat[asked])
        stretch = np.maximum(self._per_lng / own_lng, self._per_lat / own_lat)
        points = shapely.points(lng[asked] * self._per_lng, lat[asked] * self._per_lat)
        hit, found = self._tree.query(
            points, predicate="dwithin", distance=radius_m * stretch * _SLACK + 0.01
        )
        point = asked[hit]
        distance = self._edges.distance_m(lng[point], lat[point], found)
        areal = np.flatnonzero(self._areal[found])
        within = shapely.intersects_xy(self.shapes[found[areal]], lng[point[areal]], lat[point[areal]])
        distance[areal[within]] = 0.0
        close = distance <= radius_m
        point, found, distance = point[close], found[close], distance[close]
        order = np.lexsort((self._rank[found], distance, point))
        first = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
        shape[point[first]] = found[first]
        nearest[point[first]] = distance[first]
        return shape, nearest
