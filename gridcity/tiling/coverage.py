"""Shapes that cover one another: overlaps between cells as they arrive, gaps, objects drawn twice.

The boxes stand in an R-tree in memory (the rtree package), the one index that loads a city's boxes from
arrays in a twentieth of a second and goes on growing and shrinking afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from rtree.index import Index, Property

from gridcity.crs import metres_per_degree
from gridcity.tiling.shares import sound

__all__ = ["GAP_M", "Coverage", "gaps", "overlaps", "shared", "uncovered"]

GAP_M = 0.5
"""What lies between cells and is narrower was left by drawing; a street or a ditch left out is wider."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

# Below this, two cells that share a border only seem to overlap because their vertices are rounded.
_TOLERANCE_M2 = 0.01
# Small nodes: taking a box out costs a sixth of what it does with the library's own hundred a node.
_NODE = 10
# Loading all boxes anew takes as long as putting in or out one in so many of them.
_SINGLY = 40
# Lines of one class so near to each other were drawn along one object; two rails of one island are farther.
_BESIDE_M = 0.25
# Of the smaller of two shapes, what must coincide before they are named as one object drawn twice.
_SHARE = 0.5


class Coverage:
    """Polygons that can be asked which of them overlap another, while they come and go.

    Parameters
    ----------
    ids : sequence of int, optional
        Unique.
    polygons : array of shapely polygons, optional
        In longitude and latitude.

    Examples
    --------
    >>> here = Coverage([1, 2], shapely.box([116.0, 116.001], 39.0, [116.001, 116.002], 39.001))
    >>> here.remove([2])
    >>> arrived, other, area_m2 = here.add([3], [shapely.box(116.0005, 39.0, 116.0015, 39.001)])
    >>> arrived.tolist(), other.tolist(), area_m2.round().tolist()
    ([3], [1], [4808.0])
    """

    def __init__(self, ids: Any = (), polygons: Any = ()) -> None:
        self._shapes: dict[int, Any] = {}
        self._put(np.asarray(ids, dtype=np.int64), _sound(polygons))
        self._load()

    def __len__(self) -> int:
        return len(self._shapes)

    def __contains__(self, number: int) -> bool:
        return number in self._shapes

    def add(self, ids: Any, polygons: Any) -> tuple[Ints, Ints, Floats]:
        """Take polygons in, one after the other, and return what each overlaps.

        Parameters
        ----------
        ids, polygons
            As for the class; none of the ids is there yet.

        Returns
        -------
        arrived, other : int64 arrays
            Ids, by ``arrived`` in the order of arrival, then by ``other``; an ``other`` was there before
            or arrived earlier.
        area_m2 : float array
            Common area; pairs below 0.01 m² are rounded vertices and left out.
        """
        arriving = np.asarray(ids, dtype=np.int64)
        shapes = _sound(polygons)
        self._put(arriving, shapes)
        if len(arriving) * _SINGLY > len(self):
            self._load()
        else:
            for number, box in zip(arriving.tolist(), shapely.bounds(shapes).tolist(), strict=True):
                self._boxes.insert(number, box)
        at, other = self._candidates(shapes)
        # Of two that arrive together the later one is the one that overlaps.
        turn = pd.Series(np.arange(len(arriving)), index=arriving).reindex(other, fill_value=-1).to_numpy()
        earlier = turn < at
        at, other, area_m2 = self._common(shapes, at[earlier], other[earlier])
        return arriving[at], other, area_m2

    def remove(self, ids: Iterable[int]) -> None:
        """Take polygons out.

        Raises
        ------
        KeyError
            One of the ids is not there.
        """
        leaving = {int(number): self._shapes.pop(int(number)) for number in ids}
        if len(leaving) * _SINGLY > len(self):
            self._load()
        else:
            for number, shape in leaving.items():
                self._boxes.delete(number, shape.bounds)

    def overlaps_of(self, polygons: Any) -> tuple[Ints, Ints, Floats]:
        """Return what polygons that are not taken in would overlap.

        Returns
        -------
        position : int64 array
            Position of the polygon asked about, ascending.
        other : int64 array
            Ids.
        area_m2 : float array
            As for `add`.
        """
        shapes = _sound(polygons)
        return self._common(shapes, *self._candidates(shapes))

    def _put(self, ids: Ints, shapes: Shapes) -> None:
        shapely.prepare(shapes)
        self._shapes.update(zip(ids.tolist(), shapes, strict=True))

    def _load(self) -> None:
        ids = np.fromiter(self._shapes, dtype=np.int64, count=len(self))
        shape = Property(dimension=2, leaf_capacity=_NODE, index_capacity=_NODE)
        if not len(ids):
            self._boxes = Index(properties=shape)
            return
        low, high = _boxes(_array(self._shapes.values()))
        self._boxes = Index((ids, low, high), properties=shape)

    def _candidates(self, shapes: Shapes) -> tuple[Ints, Ints]:
        """Return position and id of all pairs whose boxes meet, in this order."""
        if not len(shapes) or not len(self):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        hits, counts = self._boxes.intersection_v(*_boxes(shapes))
        at, other = np.repeat(np.arange(len(shapes)), counts.astype(np.int64)), hits.astype(np.int64)
        order = np.lexsort((other, at))
        return at[order], other[order]

    def _common(self, shapes: Shapes, at: Ints, other: Ints) -> tuple[Ints, Ints, Floats]:
        """Return those pairs that have an area in common, with it."""
        there = _array(self._shapes[number] for number in other.tolist())
        # Neighbours touch along a border; only pairs whose insides meet are worth an intersection.
        meet = np.flatnonzero(shapely.intersects(there, shapes[at]) & ~shapely.touches(there, shapes[at]))
        at, other = at[meet], other[meet]
        area_m2 = _area_m2(shapely.intersection(there[meet], shapes[at]))
        large = area_m2 > _TOLERANCE_M2
        return at[large], other[large], area_m2[large]


def overlaps(polygons: Any, among: Any | None = None) -> tuple[Ints, Ints, Floats]:
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
        Positions, ``first < second``, in this order.
    area_m2 : float array
        Common area; pairs below 0.01 m² are rounded vertices and left out.
    """
    shapes = _array(polygons)
    asked = np.ones(len(shapes), dtype=bool)
    if among is not None:
        asked[:] = False
        asked[np.asarray(among, dtype=np.int64)] = True
    rest, arriving = np.flatnonzero(~asked), np.flatnonzero(asked)
    one, other, area_m2 = Coverage(rest, shapes[rest]).add(arriving, shapes[arriving])
    first, second = np.minimum(one, other), np.maximum(one, other)
    order = np.lexsort((second, first))
    return first[order], second[order], area_m2[order]


def shared(shapes: Any, klass: Any, among: Any | None = None) -> tuple[Ints, Ints, Floats]:
    """Return the pairs of lines and polygons of one class that coincide for the most part.

    Parameters
    ----------
    shapes : array of shapely geometries
        In longitude and latitude; points and missing ones are not looked at.
    klass : int array
        Number of each shape's class; negative for what is not looked at.
    among : int array, optional
        Only pairs with at least one of these positions; all pairs when not given.

    Returns
    -------
    first, second : int64 arrays
        Positions, ``first < second``, in this order; both lines or both polygons.
    share : float array
        Common part of the smaller of the two, from 0.5 (a limit of gridcity's own) to 1: of the area, or
        of the length that runs within 0.25 m of the other line.
    """
    geometries, kinds = _array(shapes), np.asarray(klass, dtype=np.int64)
    dimension = np.where(kinds >= 0, shapely.get_dimensions(geometries), -1)
    asked = np.arange(len(geometries)) if among is None else np.asarray(among, dtype=np.int64)
    asked = asked[dimension[asked] > 0]
    extended = np.flatnonzero(dimension > 0)
    if not len(asked):
        return asked, asked, np.empty(0)
    low, high = _boxes(geometries[extended])
    boxes = Index((extended, low, high), properties=Property(dimension=2))
    low, high = _boxes(geometries[asked])
    per_lng, per_lat = metres_per_degree((low[:, 1] + high[:, 1]) / 2)
    reach = _BESIDE_M / np.column_stack([per_lng, per_lat])
    hits, counts = boxes.intersection_v(low - reach, high + reach)
    one, other = np.repeat(asked, counts.astype(np.int64)), hits.astype(np.int64)
    alike = (one != other) & (kinds[one] == kinds[other]) & (dimension[one] == dimension[other])
    first, second = np.minimum(one, other)[alike], np.maximum(one, other)[alike]
    pairs = np.unique(first * len(geometries) + second)
    first, second = pairs // len(geometries), pairs % len(geometries)
    share = _common_share(geometries[first], geometries[second])
    large = share >= _SHARE
    return first[large], second[large], share[large]


def gaps(polygons: Any, width_m: float = GAP_M) -> tuple[Ints, Floats, Floats]:
    """Return the slivers that cells leave between them, closed in or open to the outside.

    Parameters
    ----------
    polygons : array of shapely polygons
        In longitude and latitude.
    width_m : float, optional
        Only what is narrower; the default is gridcity's own.

    Returns
    -------
    beside : int64 array
        Position of a polygon on the rim of each gap, the first of them.
    area_m2 : float array
        Area; gaps below 0.01 m² are rounded vertices and left out.
    place : float array of shape (n, 2)
        Longitude and latitude of a point in each gap.
    """
    shapes = _sound(polygons)
    nothing = np.empty(0, dtype=np.int64), np.empty(0), np.empty((0, 2))
    if not len(shapes):
        return nothing
    bounds = shapely.total_bounds(shapes)
    scale = np.array(metres_per_degree(float(bounds[1] + bounds[3]) / 2))
    plane = shapely.transform(shapes, lambda xy: xy * scale)
    whole = shapely.union_all(plane)
    # Widened and narrowed again, the covering keeps its outline and loses what was too thin to stay open.
    wider = shapely.buffer(whole, width_m / 2, join_style="mitre")
    closed = shapely.buffer(wider, -width_m / 2, join_style="mitre")
    found = shapely.get_parts(shapely.difference(closed, whole))
    area_m2 = shapely.area(found)
    found, area_m2 = found[area_m2 > _TOLERANCE_M2], area_m2[area_m2 > _TOLERANCE_M2]
    if not len(found):
        return nothing
    at, cell = shapely.STRtree(plane).query(found, predicate="dwithin", distance=width_m)
    beside = np.full(len(found), len(plane), dtype=np.int64)
    np.minimum.at(beside, at, cell)
    place = shapely.get_coordinates(shapely.point_on_surface(found)) / scale
    return beside, area_m2, place


def uncovered(polygons: Any, by: Any) -> float:
    """Return how much of some polygons others leave uncovered.

    Parameters
    ----------
    polygons, by : array of shapely polygons
        In longitude and latitude.

    Returns
    -------
    float
        Square metres; parts below 0.01 m² are rounded vertices and left out.

    Examples
    --------
    >>> west, east = shapely.box([116.0, 116.001], 39.0, [116.001, 116.002], 39.001)
    >>> round(uncovered([west, east], [west])), uncovered([west], [west, east])
    (9617, 0.0)
    """
    left = shapely.difference(shapely.union_all(_sound(polygons)), shapely.union_all(_sound(by)))
    area_m2 = _area_m2(shapely.get_parts(left))
    return float(area_m2[area_m2 > _TOLERANCE_M2].sum())


def _common_share(one: Shapes, other: Shapes) -> Floats:
    """Return the common part of the smaller of each two lines or polygons, from 0 to 1."""
    if not len(one):
        return np.empty(0)
    bounds = shapely.bounds(one)
    scale = np.column_stack(metres_per_degree((bounds[:, 1] + bounds[:, 3]) / 2))
    one, other = _flat(one, scale), _flat(other, scale)
    areal = shapely.get_dimensions(one) == 2
    sizes = [np.where(areal, shapely.area(shapes), shapely.length(shapes)) for shapes in (one, other)]
    swap = sizes[1] < sizes[0]
    small, large = np.where(swap, other, one), np.where(swap, one, other)
    small[areal], large[areal] = sound(small[areal]), sound(large[areal])
    large[~areal] = shapely.buffer(large[~areal], _BESIDE_M, cap_style="flat")
    common = shapely.intersection(small, large)
    part, size = np.where(areal, shapely.area(common), shapely.length(common)), np.minimum(*sizes)
    share: Floats = np.divide(part, size, out=np.zeros_like(part), where=size > 0)
    return share


def _flat(shapes: Shapes, scale: Floats) -> Shapes:
    """Return shapes in metres, each by its own scale."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    return np.asarray(shapely.set_coordinates(shapes.copy(), xy * scale[owner]), dtype=object)


def _sound(polygons: Any) -> Shapes:
    return sound(_array(polygons))


def _array(shapes: Any) -> Shapes:
    """Return geometries as an object array, whatever numpy would make of them."""
    if isinstance(shapes, np.ndarray):
        return shapes
    listed = list(shapes)
    found = np.empty(len(listed), dtype=object)
    found[:] = listed
    return found


def _boxes(shapes: Shapes) -> tuple[Floats, Floats]:
    """Return the south-western and the north-eastern corners, as rtree takes them."""
    bounds = shapely.bounds(shapes)
    return bounds[:, :2].copy(), bounds[:, 2:].copy()


def _area_m2(shapes: Shapes) -> Floats:
    bounds = shapely.bounds(shapes)
    per_lng, per_lat = metres_per_degree((bounds[:, 1] + bounds[:, 3]) / 2)
    area_m2: Floats = np.nan_to_num(shapely.area(shapes) * per_lng * per_lat)
    return area_m2
