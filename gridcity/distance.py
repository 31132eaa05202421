"""Metres between points and shapes, for one pair and for many, by the same arithmetic.

Distances are taken on the plane that touches the ellipsoid at the point: exact to some millimetres
within the few hundred metres a city asks about, and free of any projection.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any

from gridcity.crs import metres_per_degree

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

__all__ = ["Edges", "distance_m"]

# Pairs of points and edges looked at together: some 200 MB of temporaries.
_PAIRS = 2_000_000


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
        joined = path[1:] == path[:-1]
        alone = np.bincount(path, minlength=len(paths))[path] == 1
        begins = np.flatnonzero(np.append(joined, False) | alone)
        self._a, self._b = xy[begins], xy[begins + ~alone[begins]]
        counts = np.bincount(path_owner[order][path[begins]], minlength=len(shapes))
        self._start = np.concatenate([[0], np.cumsum(counts)])

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

        counts = self._start[shape + 1] - self._start[shape]
        total = np.cumsum(counts)
        result = np.empty(len(lng))
        begin = 0
        while begin < len(lng):
            before = total[begin - 1] if begin else 0
            end = max(begin + 1, int(np.searchsorted(total, before + _PAIRS, side="right")))
            part = slice(begin, end)
            result[part] = self._distances(lng[part], lat[part], shape[part], counts[part])
            begin = end
        return result

    def _distances(self, lng: Floats, lat: Floats, shape: Ints, counts: Ints) -> Floats:
        import numpy as np

        point = np.repeat(np.arange(len(lng)), counts)
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        edge = np.arange(len(point)) - first[point] + self._start[shape][point]
        per_lng, per_lat = metres_per_degree(lat)
        origin = np.column_stack([lng, lat])[point]
        scale = np.column_stack([per_lng, per_lat])[point]
        a = (self._a[edge] - origin) * scale
        u = (self._b[edge] - origin) * scale - a
        length2 = u[:, 0] * u[:, 0] + u[:, 1] * u[:, 1]
        along = -(a[:, 0] * u[:, 0] + a[:, 1] * u[:, 1])
        along = np.divide(along, length2, out=np.zeros_like(along), where=length2 > 0)
        c = a + np.clip(along, 0.0, 1.0)[:, None] * u
        squared = c[:, 0] * c[:, 0] + c[:, 1] * c[:, 1]
        nearest: Floats = np.rint(np.sqrt(np.minimum.reduceat(squared, first)) * 100) / 100
        return nearest
