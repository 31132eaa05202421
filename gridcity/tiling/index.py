"""Many points against many polygons: which polygon, on what basis, how far to its border.

The edge rule (one polygon a point, the same for one point and for ten million, whatever the order of
rows): of the polygons whose closed area covers the point, coded before uncoded, then by code, then by
id, the first wins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.distance import Edges
from gridcity.tiling.drawing import draw
from gridcity.tiling.nearest import Nearest
from gridcity.tiling.pixels import Pixels

__all__ = ["BASES", "Hits", "PolygonIndex"]

BASES = ("outside", "near", "edge", "inside")
"""Bases by their number in `Hits.basis`."""

_OUTSIDE, _NEAR, _EDGE, _INSIDE = range(4)
# An edge is drawn in the time in which half a point is found by the tree.
_POINTS_PER_EDGE = 0.5
# 4 MiB: pixels of 30 m in a city of 30 km.
_FINELY = 2**20

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
    finely : bool, optional
        Draw many pixels for few polygons: parks that lie far apart in a city.
    """

    def __init__(
        self,
        ids: Any,
        codes: Any,
        polygons: Any | Callable[[], Any],
        pixels: Pixels | None = None,
        *,
        finely: bool = False,
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
        self._finely = finely

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def polygons(self) -> npt.NDArray[np.object_]:
        """The polygons, an array of shapely geometries."""
        return np.asarray(self._given() if callable(self._given) else self._given, dtype=object)

    @property
    def is_drawn(self) -> bool:
        """Whether the polygons are there as pixels already."""
        return self._drawn is not None

    @property
    def pixels(self) -> Pixels:
        """The polygons as pixels, drawn when this is first asked for; from then on they answer.

        Raises
        ------
        ValueError
            There are no polygons, or all are empty.
        """
        if self._drawn is None:
            more = {"fewest": _FINELY} if self._finely else {}
            self._drawn = draw(self.edges, self.rank, **more)
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
            distance[found] = self.edges.distance_m(lng[found], lat[found], polygon[found])
        away = np.flatnonzero((polygon < 0) & np.isfinite(lng) & np.isfinite(lat))
        if (distances or near_m > 0) and len(away) and len(self.edges):
            nearest, distance[away] = self._nearest.find(lng[away], lat[away])
            close = distance[away] <= near_m
            if near_m > 0:
                polygon[away[close]] = nearest[close]
                basis[away[close]] = _NEAR
        return Hits(polygon, basis, several, distance)

    @cached_property
    def edges(self) -> Edges:
        """The edges of the polygons."""
        return Edges(self.polygons) if self._drawn is None else self._drawn.edges

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.polygons)

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self.edges, self.rank)

    def _pays(self, points: int) -> bool:
        """Return whether pixels are there, or are sooner drawn than so many more points are found without."""
        self._asked += points
        return self._drawn is not None or self._asked >= _POINTS_PER_EDGE * len(self.edges) > 0

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
