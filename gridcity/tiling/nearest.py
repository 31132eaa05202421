"""The polygon nearest to each of many points that lie outside all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import shapely
from pykdtree.kdtree import KDTree

from gridcity.crs import metres_per_degree
from gridcity.distance import Edges, ranges

__all__ = ["Nearest"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Distances are compared after rounding to centimetres.
_SLACK_M = 0.01
# Polygons that are passed over together: around a far point most of those in its square are too far away.
_GROUP = 64
# Pairs of points and polygons looked at together, however far away the points are.
_PAIRS = 200_000


class Nearest:
    """Polygons that can be asked which of them is nearest.

    Parameters
    ----------
    edges : Edges
        Of the polygons, in longitude and latitude; an empty one is nowhere. At least one is not.
    rank : int array
        The order of the polygons by the edge rule.
    """

    def __init__(self, edges: Edges, rank: Ints) -> None:
        self._edges, self._rank, self._boxes = edges, rank, edges.boxes
        there = np.flatnonzero(np.diff(edges.first))
        corners = edges.xy[edges.begin[edges.first[there]]]
        self._scale = metres_per_degree(float(corners[:, 1].min() + corners[:, 1].max()) / 2)
        self._corners, self._there = KDTree(corners * self._scale), there
        # Polygons whose corners lie in one square of the plane are a group.
        low, high = corners.min(axis=0), corners.max(axis=0)
        side = max(float(np.sqrt(np.prod((high - low) * self._scale) / (len(there) / _GROUP))), _SLACK_M)
        square = np.floor((corners - low) * self._scale / side).astype(np.int64)
        _, group = np.unique(square[:, 0] * (square[:, 1].max() + 1) + square[:, 1], return_inverse=True)
        order = np.argsort(group, kind="stable")
        self._members, counts = there[order], np.bincount(group)
        self._first = np.concatenate([[0], np.cumsum(counts)])
        boxes = self._boxes[self._members]
        self._around = np.concatenate(
            [
                np.minimum.reduceat(boxes[:, :2], self._first[:-1]),
                np.maximum.reduceat(boxes[:, 2:], self._first[:-1]),
            ],
            axis=1,
        )
        self._tree = shapely.STRtree(shapely.box(*self._around.T))

    def find(self, lng: Floats, lat: Floats) -> tuple[Ints, Floats]:
        """Return the nearest polygon of points outside all and its distance.

        Parameters
        ----------
        lng, lat : float arrays
            Degrees; finite.

        Returns
        -------
        polygon : int64 array
            Position; among equals the first by the edge rule.
        distance_m : float array
            Metres, rounded to centimetres.
        """
        places = np.column_stack([lng, lat]) * self._scale
        # The polygon whose first corner is nearest is near, if not the nearest.
        candidate = self._there[self._corners.query(places)[1]]
        reach_m = self._edges.distance_m(lng, lat, candidate) + _SLACK_M
        polygon, distance = np.empty(len(lng), dtype=np.int64), np.empty(len(lng))
        for part in self._parts(lat, reach_m):
            polygon[part], distance[part] = self._within(lng[part], lat[part], reach_m[part])
        return polygon, distance

    def _parts(self, lat: Floats, reach_m: Floats) -> Iterator[slice]:
        """Yield points whose squares meet so many groups as may be looked at together."""
        west, south = self._around[:, :2].min(axis=0)
        east, north = self._around[:, 2:].max(axis=0)
        per_lng, per_lat = metres_per_degree(lat)
        wide, high = 2 * reach_m / per_lng / (east - west), 2 * reach_m / per_lat / (north - south)
        # Twice as many groups as were they spread evenly, and the polygons of some.
        groups = 2 * np.minimum(wide, 1.0) * np.minimum(high, 1.0) * len(self._around)
        met = np.cumsum(groups + 4 * _GROUP)
        begin = 0
        while begin < len(lat):
            before = met[begin - 1] if begin else 0.0
            end = max(begin + 1, int(np.searchsorted(met, before + _PAIRS, side="right")))
            yield slice(begin, end)
            begin = end

    def _within(self, lng: Floats, lat: Floats, reach_m: Floats) -> tuple[Ints, Floats]:
        """Return the nearest polygon of points that have at least one so near."""
        per_lng, per_lat = metres_per_degree(lat)
        x, y = reach_m / per_lng, reach_m / per_lat
        point, group = self._tree.query(shapely.box(lng - x, lat - y, lng + x, lat + y))
        places = np.column_stack([lng, lat, per_lng, per_lat])
        near = _at_least_m(self._around[group], places[point]) <= reach_m[point]
        point, group = point[near], group[near]
        number, member = ranges(self._first[group], self._first[group + 1] - self._first[group])
        point, polygon = point[number], self._members[member]
        near = _at_least_m(self._boxes[polygon], places[point]) <= reach_m[point]
        point, polygon = point[near], polygon[near]
        distance = self._edges.distance_m(lng[point], lat[point], polygon)
        order = np.lexsort((self._rank[polygon], distance, point))
        first = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
        return polygon[first], distance[first]


def _at_least_m(boxes: Floats, places: Floats) -> Floats:
    """Return how far places, with their metres per degree, are at least from what lies in boxes."""
    lng, lat, per_lng, per_lat = places.T
    west, south, east, north = boxes.T
    across = np.maximum(np.maximum(west - lng, lng - east), 0.0) * per_lng
    along = np.maximum(np.maximum(south - lat, lat - north), 0.0) * per_lat
    metres: Floats = np.hypot(across, along)
    return metres
