"""Many points against many polygons: which polygon, on what basis, how far to its border.

The edge rule (one polygon a point, the same for one point and for ten million, whatever the order of
rows): of the polygons whose closed area covers the point, coded before uncoded, then by code, then by
id, the first wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pykdtree.kdtree import KDTree

from gridcity.crs import metres_per_degree
from gridcity.distance import Edges
from gridcity.tiling.drawing import draw
from gridcity.tiling.pixels import Pixels

__all__ = ["BASES", "Hits", "PolygonIndex"]

BASES = ("outside", "near", "edge", "inside")
"""Bases by their number in `Hits.basis`."""

_OUTSIDE, _NEAR, _EDGE, _INSIDE = range(4)
# An edge is drawn in the time in which half a point is found by the tree.
_POINTS_PER_EDGE = 0.5
# Distances are compared after rounding to centimetres.
_SLACK_M = 0.01
# Pairs of points and boxes looked at together, however far away the points are.
_PAIRS = 200_000

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found for each point.

    Attributes
    ----------
    polygon : int32 or int64 array
        Position of the polygon in the index, -1 for none.
    basis : int8 array
        Numbers of `BASES`.
    overlap : bool array
        More than one polygon covers the point with its inside.
    distance_m : float array
        To the winner's border; outside, to the nearest polygon. NaN in an empty index, and where no
        distances were wanted.
    """

    polygon: npt.NDArray[np.integer[Any]]
    basis: npt.NDArray[np.int8]
    overlap: npt.NDArray[np.bool_]
    distance_m: Floats


class PolygonIndex:
    """Polygons that can be asked for points.

    A few points are found through a tree of boxes. When so many have been asked that it pays, the polygons
    are drawn as `gridcity.tiling.pixels` first; the answers are the same.

    Parameters
    ----------
    ids : sequence of int
        Internal ids, unique.
    codes : sequence of str
        Codes; empty for none.
    polygons : array of shapely polygons, or a function that returns it
        Valid, in longitude and latitude. The function is called when they are needed, which is never
        where pixels are given and no distance outside the polygons is asked for.
    pixels : Pixels, optional
        The same polygons in the same order, drawn before.
    """

    def __init__(
        self, ids: Any, codes: Any, polygons: Any | Callable[[], Any], pixels: Pixels | None = None
    ) -> None:
        self.ids: Ints = np.asarray(ids, dtype=np.int64)
        self.codes: tuple[str, ...] = tuple(str(code) for code in codes)
        texts = np.asarray(self.codes, dtype=str)
        order = np.lexsort((self.ids, texts, texts == ""))
        self.rank = np.empty(len(order), dtype=np.int64)
        self.rank[order] = np.arange(len(order))
        self._given = polygons
        self._asked = 0
        self._drawn = pixels

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def polygons(self) -> npt.NDArray[np.object_]:
        """The polygons, an array of shapely geometries."""
        return np.asarray(self._given() if callable(self._given) else self._given, dtype=object)

    @property
    def pixels(self) -> Pixels:
        """The polygons as pixels, drawn when this is first asked for; from then on they answer.

        Raises
        ------
        ValueError
            There are no polygons, or all are empty.
        """
        if self._drawn is None:
            self._drawn = draw(self._edges, self.rank)
        return self._drawn

    def winners(self, lng: Floats, lat: Floats) -> npt.NDArray[np.integer[Any]]:
        """Return the position of the polygon of each point by the edge rule, -1 for none."""
        if self._pays(len(lng)):
            return self.pixels.find(lng, lat).polygon
        return self._first(*self._pairs(lng, lat), len(lng))

    def locate(self, lng: Floats, lat: Floats, *, near_m: float = 0.0, distances: bool = True) -> Hits:
        """Return polygon, basis and distance of each point.

        Parameters
        ----------
        lng, lat : float arrays
            Degrees, in the reference system of the polygons; NaN is outside.
        near_m : float, optional
            A point outside every polygon is given the nearest one within this distance.
        distances : bool, optional
            Whether distances are wanted; they take many times as long as the rest.
        """
        n = len(lng)
        polygon, edge, overlap = self._cover(lng, lat)
        basis = np.where(polygon < 0, _OUTSIDE, _INSIDE).astype(np.int8)
        basis[edge] = _EDGE
        several = np.zeros(n, dtype=bool)
        several[overlap] = True
        distance = np.full(n, np.nan)
        if distances:
            found = np.flatnonzero(polygon >= 0)
            distance[found] = self._edges.distance_m(lng[found], lat[found], polygon[found])
        away = np.flatnonzero((polygon < 0) & np.isfinite(lng) & np.isfinite(lat))
        if (distances or near_m > 0) and len(away) and len(self._edges):
            nearest, distance[away] = self._nearest(lng[away], lat[away])
            close = distance[away] <= near_m
            if near_m > 0:
                polygon[away[close]] = nearest[close]
                basis[away[close]] = _NEAR
        return Hits(polygon, basis, several, distance)

    @cached_property
    def _edges(self) -> Edges:
        return Edges(self.polygons) if self._drawn is None else self._drawn.edges

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.polygons)

    @cached_property
    def _bounds(self) -> Floats:
        return shapely.bounds(self.polygons)

    def _pays(self, points: int) -> bool:
        """Return whether pixels are there, or are sooner drawn than so many more points are found without."""
        self._asked += points
        return self._drawn is not None or self._asked >= _POINTS_PER_EDGE * len(self._edges) > 0

    def _cover(self, lng: Floats, lat: Floats) -> tuple[Any, Ints, Ints]:
        """Return the winners, the points on their border, and those strictly inside several polygons."""
        if self._pays(len(lng)):
            return self.pixels.find(lng, lat)
        point, polygon = self._pairs(lng, lat)
        inside = shapely.contains_xy(self.polygons[polygon], lng[point], lat[point])
        winner = self._first(point, polygon, len(lng))
        strictly = np.zeros(len(lng), dtype=bool)
        strictly[point[inside & (winner[point] == polygon)]] = True
        covers = np.bincount(point[inside], minlength=len(lng))
        return winner, np.flatnonzero((winner >= 0) & ~strictly), np.flatnonzero(covers > 1)

    def _pairs(self, lng: Floats, lat: Floats) -> tuple[Ints, Ints]:
        """Return the pairs of a point and a polygon that covers it, with its border."""
        point, polygon = self._tree.query(shapely.points(lng, lat), predicate="intersects")
        return point.astype(np.int64), polygon.astype(np.int64)

    def _first(self, point: Ints, polygon: Ints, n: int) -> Ints:
        """Return of each of n points the polygon that is first by the edge rule, -1 for none."""
        winner = np.full(n, -1, dtype=np.int64)
        order = np.lexsort((self.rank[polygon], point))
        first = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
        winner[point[first]] = polygon[first]
        return winner

    def _nearest(self, lng: Floats, lat: Floats) -> tuple[Ints, Floats]:
        """Return the nearest polygon of points outside all, the first by the edge rule among equals."""
        tree, there, per_lng, per_lat = self._corners
        _, candidate = tree.query(np.column_stack([lng * per_lng, lat * per_lat]))
        # The polygon whose first corner is nearest is near, if not the nearest.
        candidate = there[candidate]
        reach_m = self._edges.distance_m(lng, lat, candidate) + _SLACK_M
        polygon, distance = np.empty(len(lng), dtype=np.int64), np.empty(len(lng))
        for part in self._parts(lat, reach_m):
            polygon[part], distance[part] = self._nearest_within(lng[part], lat[part], reach_m[part])
        return polygon, distance

    @cached_property
    def _corners(self) -> tuple[KDTree, Ints, float, float]:
        """The first corners on a plane, whose they are, and the metres per degree of the plane's middle."""
        # Other programs may write an empty polygon, which has none.
        there = np.flatnonzero(np.diff(self._edges.first))
        corners = self._edges.xy[self._edges.begin[self._edges.first[there]]]
        per_lng, per_lat = metres_per_degree(float(corners[:, 1].min() + corners[:, 1].max()) / 2)
        return KDTree(corners * (per_lng, per_lat)), there, per_lng, per_lat

    @cached_property
    def _extent(self) -> Floats:
        """Width and height of all polygons together, in degrees."""
        size: Floats = np.ptp(self._edges.xy, axis=0)
        return size

    def _parts(self, lat: Floats, reach_m: Floats) -> Iterator[slice]:
        """Yield points whose boxes of this reach meet so many polygons as may be looked at together."""
        width, height = self._extent
        per_lng, per_lat = metres_per_degree(lat)
        share = np.minimum(2 * reach_m / per_lng / width, 1.0) * np.minimum(
            2 * reach_m / per_lat / height, 1.0
        )
        # Twice as many as were the polygons spread evenly, and some.
        met = np.cumsum(16 + 2 * share * len(self))
        begin = 0
        while begin < len(lat):
            before = met[begin - 1] if begin else 0.0
            end = max(begin + 1, int(np.searchsorted(met, before + _PAIRS, side="right")))
            yield slice(begin, end)
            begin = end

    def _nearest_within(self, lng: Floats, lat: Floats, reach_m: Floats) -> tuple[Ints, Floats]:
        """Return the nearest polygon of points that have at least one so near."""
        per_lng, per_lat = metres_per_degree(lat)
        x, y = reach_m / per_lng, reach_m / per_lat
        point, polygon = self._tree.query(shapely.box(lng - x, lat - y, lng + x, lat + y))
        west, south, east, north = self._bounds[polygon].T
        dx = np.maximum(np.maximum(west - lng[point], lng[point] - east), 0.0) * per_lng[point]
        dy = np.maximum(np.maximum(south - lat[point], lat[point] - north), 0.0) * per_lat[point]
        hopeful = np.hypot(dx, dy) <= reach_m[point]
        point, polygon = point[hopeful], polygon[hopeful]
        distance = self._edges.distance_m(lng[point], lat[point], polygon)
        order = np.lexsort((self.rank[polygon], distance, point))
        first = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
        return polygon[first], distance[first]
