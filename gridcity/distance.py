"""Metres between points and shapes, for one pair and for many, by the same arithmetic.

Distances are taken on the plane that touches the ellipsoid at the point: exact to some millimetres
within the few hundred metres a city asks about, and free of any projection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING, Any

from gridcity.crs import metres_per_degree

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

__all__ = ["Edges", "distance_m", "ranges"]

# Pairs of points and edges looked at together; more would leave the processor's own memory.
_PAIRS = 200_000
# Edges that are passed over together where their box is too far away.
_RUN = 32
# More than what rounding may add to a distance.
_SLACK_M = 1e-6


def distance_m(lng: float, lat: float, paths: Sequence[Sequence[tuple[float, float]]]) -> float:
    """Return the distance from a point to the nearest place on a set of paths.

    Parameters
    ----------
    lng, lat : float
        Degrees.
    paths : sequence of paths
        Rings, lines or single points, in the same reference system.

    Returns
    -------
    float
        Metres, rounded to centimetres.

    Examples
    --------
    >>> distance_m(116.0, 40.0, [[(116.001, 39.0), (116.001, 41.0)]])
    85.39
    """
    per_lng, per_lat = metres_per_degree(lat)
    nearest = float("inf")
    for path in paths:
        local = [((x - lng) * per_lng, (y - lat) * per_lat) for x, y in path]
        for (ax, ay), (bx, by) in zip(local, local[1:] or local, strict=False):
            ux, uy = bx - ax, by - ay
            length2 = ux * ux + uy * uy
            along = -(ax * ux + ay * uy) / length2 if length2 > 0 else 0.0
            along = min(max(along, 0.0), 1.0)
            x, y = ax + along * ux, ay + along * uy
            nearest = min(nearest, x * x + y * y)
    return round(sqrt(nearest) * 100) / 100


class Edges:
    """The edges of many shapes, laid out so that those of one shape are neighbours.

    Parameters
    ----------
    shapes : array of shapely geometries
        Points, lines and polygons, single or multiple, in longitude and latitude. A point is an edge
        of no length; a polygon has the edges of its rings.

    Attributes
    ----------
    xy : float array of shape (n, 2)
        The vertices, path by path.
    begin : int32 array
        The vertex at which each edge begins; it ends at the next one.
    first : int64 array
        The first edge of each shape, and last the number of edges.
    """

    def __init__(self, shapes: Any) -> None:
        import numpy as np
        import shapely

        shapes = np.asarray(shapes, dtype=object)
        parts, owner = shapely.get_parts(shapes, return_index=True)
        areal = shapely.get_dimensions(parts) == 2
        rings, of_part = shapely.get_rings(parts[areal], return_index=True)
        paths = np.concatenate([parts[~areal], rings])
        path_owner = np.concatenate([owner[~areal], owner[areal][of_part]])
        order = np.argsort(path_owner, kind="stable")
        xy, path = shapely.get_coordinates(paths[order], return_index=True)
        alone = np.bincount(path, minlength=len(paths))[path] == 1
        # A path of one vertex has it twice: an edge of no length.
        xy, path = np.repeat(xy, 1 + alone, axis=0), np.repeat(path, 1 + alone)
        self.xy = xy
        self.begin = np.flatnonzero(path[1:] == path[:-1]).astype(np.int32)
        counts = np.bincount(path_owner[order][path[self.begin]], minlength=len(shapes))
        self.first = np.concatenate([[0], np.cumsum(counts)])

    @classmethod
    def from_arrays(cls, xy: Floats, begin: npt.NDArray[np.int32], first: Ints) -> Edges:
        """Return edges with the attributes of others."""
        edges = cls.__new__(cls)
        edges.xy, edges.begin, edges.first = xy, begin, first
        return edges

    def __len__(self) -> int:
        return len(self.begin)

    def ends(self, edge: npt.NDArray[np.integer[Any]]) -> tuple[Floats, Floats]:
        """Return the vertices at which some edges begin and end, arrays of shape (n, 2)."""
        import numpy as np

        # Taken as one number each, both coordinates come at once.
        vertices, begin = self.xy.view(np.complex128).ravel(), self.begin.take(edge)
        ends = vertices.take(begin), vertices.take(begin + 1)
        return ends[0].view(np.float64).reshape(-1, 2), ends[1].view(np.float64).reshape(-1, 2)

    @cached_property
    def boxes(self) -> Floats:
        """West, south, east and north of each shape; NaN of an empty one."""
        import numpy as np

        boxes = np.full((len(self.first) - 1, 4), np.nan)
        there = np.flatnonzero(np.diff(self.first))
        if len(there):
            begin, end = self.ends(np.arange(len(self)))
            boxes[there, :2] = np.minimum.reduceat(np.minimum(begin, end), self.first[there])
            boxes[there, 2:] = np.maximum.reduceat(np.maximum(begin, end), self.first[there])
        return boxes

    def of(self, shape: Ints) -> Iterator[tuple[slice, Ints, Ints]]:
        """Iterate over the edges of the shapes named, so many at a time as memory allows.

        Yields
        ------
        part : slice
            Which of the shapes named.
        pair, edge : int64 arrays
            Number of the shape within the part, and an edge of it; the edges of one are neighbours.
        """
        yield from _members(self.first, shape, _PAIRS)

    @cached_property
    def _runs(self) -> tuple[Ints, Ints, Floats]:
        """The edges of each shape in runs: the first of each shape, the first edge of each, their boxes."""
        import numpy as np

        counts = -(-np.diff(self.first) // _RUN)
        of_shape = np.concatenate([[0], np.cumsum(counts)])
        shape, edge = ranges(np.zeros(len(counts), dtype=np.int64), counts)
        edge = self.first[shape] + edge * _RUN
        boxes = np.empty((len(edge), 4))
        if len(edge):
            begin, end = self.ends(np.arange(len(self)))
            boxes[:, :2] = np.minimum.reduceat(np.minimum(begin, end), edge)
            boxes[:, 2:] = np.maximum.reduceat(np.maximum(begin, end), edge)
        return of_shape, np.append(edge, len(self)), boxes

    def distance_m(self, lng: Floats, lat: Floats, shape: Ints) -> Floats:
        """Return the distance of each point to the edges of the shape named for it.

        Parameters
        ----------
        lng, lat : float arrays
            Degrees.
        shape : int array
            Position of a shape, one per point.

        Returns
        -------
        float array
            Metres, rounded to centimetres; equal to `distance_m` of the one pair.
        """
        import numpy as np

        result = np.empty(len(lng))
        first, begin, _ = self._runs
        short = first[shape + 1] - first[shape] == 1
        few, many = np.flatnonzero(short), np.flatnonzero(~short)
        for chosen, pair, edge in self.of(shape[few]):
            part = few[chosen]
            result[part] = self._distances(lng[part], lat[part], pair, edge)
        for chosen, pair, run in _members(first, shape[many], _PAIRS // 4):
            part = many[chosen]
            pair, run = self._near(lng[part], lat[part], pair, run)
            number, edge = ranges(begin[run], begin[run + 1] - begin[run])
            result[part] = self._distances(lng[part], lat[part], pair[number], edge)
        return result

    def _near(self, lng: Floats, lat: Floats, pair: Ints, run: Ints) -> tuple[Ints, Ints]:
        """Return the pairs of a point and a run of edges that the nearest edge may be in."""
        import numpy as np

        _, begin, boxes = self._runs
        x, y = lng[pair], lat[pair]
        per_x, per_y = (per[pair] for per in metres_per_degree(lat))
        corner = self.xy[self.begin[begin[run]]]
        farthest = np.hypot((corner[:, 0] - x) * per_x, (corner[:, 1] - y) * per_y)
        west, south, east, north = boxes[run].T
        across = np.maximum(np.maximum(west - x, x - east), 0.0) * per_x
        along = np.maximum(np.maximum(south - y, y - north), 0.0) * per_y
        reach = np.minimum.reduceat(farthest, np.flatnonzero(np.diff(pair, prepend=-1)))
        # Written so that NaN, which is at no distance, keeps its runs.
        kept = np.flatnonzero(~(np.hypot(across, along) > reach[pair] + _SLACK_M))
        return pair[kept], run[kept]

    def _distances(self, lng: Floats, lat: Floats, pair: Ints, edge: Ints) -> Floats:
        import numpy as np

        per_lng, per_lat = metres_per_degree(lat)
        (ax, ay), (bx, by) = (end.T for end in self.ends(edge))
        x, y, per_x, per_y = lng[pair], lat[pair], per_lng[pair], per_lat[pair]
        ax, ay = (ax - x) * per_x, (ay - y) * per_y
        ux, uy = (bx - x) * per_x - ax, (by - y) * per_y - ay
        length2 = ux * ux + uy * uy
        along = -(ax * ux + ay * uy)
        along = np.divide(along, length2, out=np.zeros_like(along), where=length2 > 0)
        np.clip(along, 0.0, 1.0, out=along)
        cx, cy = ax + along * ux, ay + along * uy
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        nearest: Floats = np.rint(np.sqrt(np.minimum.reduceat(cx * cx + cy * cy, first)) * 100) / 100
        return nearest


def ranges(begin: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Return for each range its number as often as it has members, and the members.

    Examples
    --------
    >>> import numpy as np
    >>> number, member = ranges(np.array([10, 20]), np.array([2, 3]))
    >>> number.tolist(), member.tolist()
    ([0, 0, 1, 1, 1], [10, 11, 20, 21, 22])
    """
    import numpy as np

    number = np.repeat(np.arange(len(counts)), counts)
    step = begin - (np.cumsum(counts) - counts)
    return number, np.arange(len(number)) + step[number]


def _members(first: Ints, shape: Ints, most: int) -> Iterator[tuple[slice, Ints, Ints]]:
    """Yield parts of the shapes named, with the members of each: its number in the part, and a member."""
    import numpy as np

    counts = first[shape + 1] - first[shape]
    total = np.cumsum(counts)
    begin = 0
    while begin < len(shape):
        before = total[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(total, before + most, side="right")))
        part = slice(begin, end)
        yield part, *ranges(first[shape[part]], counts[part])
        begin = end
