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

__all__ = ["Edges", "distance_m"]

# Pairs of points and edges looked at together; more would leave the processor's own memory.
_PAIRS = 200_000


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
        import numpy as np

        counts = self.first[shape + 1] - self.first[shape]
        total = np.cumsum(counts)
        begin = 0
        while begin < len(shape):
            before = total[begin - 1] if begin else 0
            end = max(begin + 1, int(np.searchsorted(total, before + _PAIRS, side="right")))
            part = slice(begin, end)
            pair = np.repeat(np.arange(end - begin), counts[part])
            # Edges of one shape count on from its first.
            step = self.first[shape[part]] - (total[part] - counts[part] - before)
            yield part, pair, np.arange(len(pair)) + step[pair]
            begin = end

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
        for part, pair, edge in self.of(shape):
            result[part] = self._distances(lng[part], lat[part], pair, edge)
        return result

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
