"""The components nearest to a point, for many points."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from pykdtree.kdtree import KDTree

from gridcity.crs import metres_per_degree
from gridcity.distance import Edges
from gridcity.proximity.plane import Places, metres_between

__all__ = ["Neighbours"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# Which of the points asked about, which shape, and how far it is.
Pairs = tuple[Ints, Ints, Floats]

# Slack on the radius when it is laid on a plane whose scale belongs to another latitude.
_SLACK, _ROUNDING_M = 1.001, 0.01
# What is half a centimetre farther may be as near after rounding; the rest is for the arithmetic.
_TIED_M = 0.0051
# So many neighbours are asked for where the first two do not decide, and each time so many times more.
_MORE = 8
# Pairs of points and neighbours looked at together, some 100 MB.
_PAIRS = 2_000_000


class Neighbours:
    """Shapes that can be asked which of them is nearest to a point.

    Points stand in a k-d tree, other shapes in an STRtree.

    Parameters
    ----------
    ids : sequence of int
        Internal ids; of shapes equally near the lowest code wins, then the lowest id.
    codes : sequence of str
        Codes; an empty one comes last.
    shapes : array of shapely geometries, or float array of two columns
        Points, lines and polygons in longitude and latitude; of nothing but points their places will do.

    Examples
    --------
    The second lamp stands 5 m to the north, the first too far away:

    >>> lamps = Neighbours([1, 2], ["", ""], np.array([[116.001, 40.0], [116.0, 40.000045]]))
    >>> found, metres = lamps.nearest(np.array([116.0]), np.array([40.0]), radius_m=50.0)
    >>> found.tolist(), metres.tolist()
    ([1], [5.0])
    """

    def __init__(self, ids: Any, codes: Any, shapes: Any) -> None:
        keys = np.asarray(ids, dtype=np.int64)
        texts = np.asarray([str(code) for code in codes], dtype=str)
        order = np.lexsort((keys, texts, texts == ""))
        self._rank = np.empty(len(order), dtype=np.int64)
        self._rank[order] = np.arange(len(order))
        lng, lat, others = _apart(shapes)
        self._points = _Points(lng, lat, order[np.isfinite(lng[order]) & np.isfinite(lat[order])], self._rank)
        self._shapes = _Shapes(others, np.asarray(shapes, dtype=object)[others]) if len(others) else None

    def nearest(self, lng: Floats, lat: Floats, radius_m: float) -> tuple[Ints, Floats]:
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
        x, y, asked = _finite(lng, lat)
        pairs = self._points.nearest(x, y, radius_m)
        if self._shapes is not None:
            pairs = _best(*_joined(pairs, self._shapes.within(x, y, radius_m)), self._rank)
        return _spread(pairs, asked, len(lng))

    def two_nearest(
        self, lng: Floats, lat: Floats, radius_m: float, within_m: float
    ) -> tuple[Ints, Floats, Ints, Floats]:
        """Return the nearest shape of each point, and a second that is hardly farther.

        Parameters
        ----------
        lng, lat, radius_m
            As for `nearest`.
        within_m : float
            How much farther than the nearest the second may be, after rounding to centimetres.

        Returns
        -------
        shape, distance_m : int64 and float array
            As for `nearest`.
        other, other_m : int64 and float array
            The next in the same order; -1 and NaN where none is so near.

        Examples
        --------
        Between two lamps, one of them half a metre nearer:

        >>> lamps = Neighbours([1, 2], ["", ""], np.array([[116.0, 40.000045], [116.0, 39.9999505]]))
        >>> lng, lat = np.array([116.0]), np.array([40.0])
        >>> [column.tolist() for column in lamps.two_nearest(lng, lat, radius_m=50.0, within_m=2.0)]
        [[0], [5.0], [1], [5.5]]
        >>> [column.tolist() for column in lamps.two_nearest(lng, lat, radius_m=50.0, within_m=0.2)]
        [[0], [5.0], [-1], [nan]]
        """
        x, y, asked = _finite(lng, lat)
        pairs = self._points.two_nearest(x, y, radius_m, within_m)
        if self._shapes is not None:
            pairs = _joined(pairs, self._shapes.within(x, y, radius_m))
        first = _best(*pairs, self._rank)
        shape, metres = _spread(first, None, len(x))
        point, found, distance = pairs
        left = (found != shape[point]) & (distance <= _limit_m(metres[point], within_m))
        second = _best(point[left], found[left], distance[left], self._rank)
        return *_spread(first, asked, len(lng)), *_spread(second, asked, len(lng))


class _Plane(NamedTuple):
    """Places asked about, in metres on the plane of a tree, and how far to look there.

    A distance on the plane is up to ``stretch`` times that at its place.
    """

    xy: Floats
    lng: Floats
    lat: Floats
    bound_m: float
    stretch: float


class _Points:
    """Points in a k-d tree, one for each place: the first there of those given."""

    def __init__(self, lng: Floats, lat: Floats, at: Ints, rank: Ints) -> None:
        self._places = Places(lng, lat, at)
        self._winner = self._places.rows[self._places.begins[:-1]]
        self._rank = rank[self._winner]
        if len(self._places):
            self._scale = np.array(metres_per_degree(float(self._places.lat.mean())))
            self._south, self._north = float(self._places.lat.min()), float(self._places.lat.max())
            self._tree = KDTree(np.column_stack([self._places.lng, self._places.lat]) * self._scale)

    def nearest(self, lng: Floats, lat: Floats, radius_m: float) -> Pairs:
        """Return the nearest point for each of the places asked about that has one within the radius."""
        return self._find(lng, lat, radius_m, None)

    def two_nearest(self, lng: Floats, lat: Floats, radius_m: float, within_m: float) -> Pairs:
        """Return the nearest point of each place asked about, and what may be the next.

        That is the second where the nearest stands, and the nearest elsewhere if it is near enough.
        """
        return self._find(lng, lat, radius_m, within_m)

    def _find(self, lng: Floats, lat: Floats, radius_m: float, within_m: float | None) -> Pairs:
        if not len(self._places) or not len(lng):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
        reach = (radius_m + _ROUNDING_M) / metres_per_degree(0.0)[1]
        south, north = float(lat.min()), float(lat.max())
        if south < self._south - reach or north > self._north + reach:
            # One place near a pole would stretch the plane for all.
            asked = np.flatnonzero((lat >= self._south - reach) & (lat <= self._north + reach))
            point, found, metres = self._find(lng[asked], lat[asked], radius_m, within_m)
            return asked[point], found, metres
        stretch = self._stretch(south, north)
        xy = np.empty((len(lng), 2))
        np.multiply(lng, self._scale[0], out=xy[:, 0])
        np.multiply(lat, self._scale[1], out=xy[:, 1])
        plane = _Plane(xy, lng, lat, radius_m * stretch * _SLACK + _ROUNDING_M, stretch)
        planar_m, place = self._tree.query(xy, k=2, distance_upper_bound=plane.bound_m)
        # The tree says "none" by the number after its last place.
        point = np.flatnonzero(place[:, 0] < len(self._places))
        found = place[point, 0].astype(np.int64)
        metres = metres_between(lng[point], lat[point], self._places.lng[found], self._places.lat[found])
        # No other place is nearer than the second is on the plane.
        least_m = planar_m[point, 1] / stretch - _TIED_M
        open_ = np.flatnonzero((least_m <= metres) & (least_m <= radius_m))
        if len(open_):
            nowhere = np.full(len(open_), -1)
            found[open_], metres[open_] = self._among_more(plane, point[open_], metres[open_], nowhere)
        near = np.flatnonzero(metres <= radius_m)
        point, found, metres = point[near], found[near], metres[near]
        nearest = point, self._winner[found], metres
        if within_m is None:
            return nearest
        limit_m = np.minimum(_limit_m(metres, within_m), radius_m)
        open_ = np.flatnonzero(least_m[near] <= limit_m)
        other, other_m = self._among_more(plane, point[open_], limit_m[open_], found[open_])
        close = other_m <= limit_m[open_]
        elsewhere = point[open_[close]], self._winner[other[close]], other_m[close]
        there = np.flatnonzero(self._places.shared[found])
        second = self._places.rows[self._places.begins[found[there]] + 1]
        return _joined(nearest, elsewhere, (point[there], second, metres[there]))

    def _stretch(self, south: float, north: float) -> float:
        """Return how much longer a distance on the plane may be than at its place between two latitudes."""
        low, high = min(abs(south), abs(north)), max(abs(south), abs(north))
        # Degrees of longitude are shortest next to the pole, those of latitude next to the equator.
        least = metres_per_degree(high)[0], metres_per_degree(0.0 if south < 0 < north else low)[1]
        return float(max(self._scale[0] / least[0], self._scale[1] / least[1]))

    def _among_more(self, plane: _Plane, point: Ints, limit_m: Floats, but: Ints) -> tuple[Ints, Floats]:
        """Return number and distance of the nearest place but one, where the first two do not decide.

        What is farther than the limit does not count, and may come back.
        """
        _, lng, lat, bound_m, stretch = plane
        found, metres = np.zeros(len(point), dtype=np.int64), np.empty(len(point))
        left, k = np.arange(len(point)), _MORE
        while len(left):
            k = min(k, len(self._places))
            undecided = []
            for part in np.array_split(left, -(-len(left) * k // _PAIRS)):
                at = point[part]
                planar_m, place = self._tree.query(plane.xy[at], k=max(k, 2), distance_upper_bound=bound_m)
                known = place < len(self._places)
                number = np.where(known, place, 0).astype(np.int64)
                exact = metres_between(
                    lng[at, None], lat[at, None], self._places.lng[number], self._places.lat[number]
                )
                exact[~known | (number == but[part, None])] = np.inf
                least = exact.min(axis=1)
                rank = np.where(exact == least[:, None], self._rank[number], np.iinfo(np.int64).max)
                best = rank.argmin(axis=1)
                found[part], metres[part] = number[np.arange(len(part)), best], least
                enough_m = np.minimum(least, limit_m[part])
                undecided.append(part[planar_m[:, -1] / stretch - _TIED_M <= enough_m])
            left = np.concatenate(undecided) if k < len(self._places) else left[:0]
            k *= _MORE
        return found, metres


class _Shapes:
    """Lines and polygons, and whatever else is no single point, in an STRtree."""

    def __init__(self, positions: Ints, shapes: Any) -> None:
        self._positions, self._shapes = positions, shapes
        self._edges = Edges(shapes)
        self._areal = shapely.get_dimensions(shapes) == 2
        self._scale = metres_per_degree(float(np.mean(shapely.bounds(shapes)[:, [1, 3]])))
        self._tree = shapely.STRtree(shapely.transform(shapes, lambda xy: xy * self._scale))

    def within(self, lng: Floats, lat: Floats, radius_m: float) -> Pairs:
        """Return all pairs of a place asked about and a shape within the radius."""
        per_lng, per_lat = self._scale
        own_lng, own_lat = metres_per_degree(lat)
        stretch = np.maximum(per_lng / own_lng, per_lat / own_lat)
        points = shapely.points(lng * per_lng, lat * per_lat)
        reach_m = radius_m * stretch * _SLACK + _ROUNDING_M
        point, found = self._tree.query(points, predicate="dwithin", distance=reach_m)
        distance = self._edges.distance_m(lng[point], lat[point], found)
        areal = np.flatnonzero(self._areal[found])
        inside = shapely.intersects_xy(self._shapes[found[areal]], lng[point[areal]], lat[point[areal]])
        distance[areal[inside]] = 0.0
        close = distance <= radius_m
        return point[close], self._positions[found[close]], distance[close]


def _apart(shapes: Any) -> tuple[Floats, Floats, Ints]:
    """Return the places of the points among some shapes, NaN for others, and which the others are."""
    nothing = np.empty(0, dtype=np.int64)
    if getattr(shapes, "ndim", 1) == 2:
        return shapes[:, 0], shapes[:, 1], nothing
    shapes = np.asarray(shapes, dtype=object)
    if not len(shapes):
        return np.empty(0), np.empty(0), nothing
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    single = there & (shapely.get_type_id(shapes) == 0)
    xy = np.full((len(shapes), 2), np.nan)
    xy[single] = shapely.get_coordinates(shapes[single])
    return xy[:, 0], xy[:, 1], np.flatnonzero(there & ~single)


def _best(point: Ints, found: Ints, distance: Floats, rank: Ints) -> Pairs:
    """Return the nearest shape of each point among some pairs; of those equally near the first in rank."""
    order = np.lexsort((rank[found], distance, point))
    first = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
    return point[first], found[first], distance[first]


def _limit_m(nearest_m: Floats, within_m: float) -> Floats:
    """Return how far a second may be, rounded as distances are."""
    limit: Floats = np.rint((nearest_m + within_m) * 100) / 100
    return limit


def _finite(lng: Floats, lat: Floats) -> tuple[Floats, Floats, Ints | None]:
    """Return the places that are finite and, where not all are, which: neither tree bears NaN."""
    finite = np.isfinite(lng) & np.isfinite(lat)
    if finite.all():
        return lng, lat, None
    asked = np.flatnonzero(finite)
    return lng[asked], lat[asked], asked


def _joined(*pairs: Pairs) -> Pairs:
    point, found, distance = (np.concatenate(columns) for columns in zip(*pairs, strict=True))
    return point, found, distance


def _spread(pairs: Pairs, asked: Ints | None, n: int) -> tuple[Ints, Floats]:
    """Return shape and distance for each of n points, -1 and NaN for those that have none."""
    point, found, distance = pairs
    shape, metres = np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
    at = point if asked is None else asked[point]
    shape[at], metres[at] = found, distance
    return shape, metres
