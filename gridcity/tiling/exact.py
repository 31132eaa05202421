"""Many points against polygons, exactly, by the same arithmetic as `gridcity.tiling.point`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridcity.distance import Edges
from gridcity.tiling.point import ROUNDING, side_of

__all__ = ["EDGE", "INSIDE", "OUTSIDE", "positions", "sides"]

OUTSIDE, EDGE, INSIDE = range(3)
"""What `positions` returns."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Signs = npt.NDArray[np.int8]

# Cuts a double of 53 bits into two halves whose products are exact (Dekker 1971).
_SPLITTER = 2.0**27 + 1.0
# Below it the lost part of a product may be too small for a double.
_TINY = 2.0**-960


def positions(lng: Floats, lat: Floats, polygon: Ints, edges: Edges) -> Signs:
    """Return whether each point lies inside, on the edge of, or outside the polygon named for it.

    Parameters
    ----------
    lng, lat : float arrays
        In the coordinates of the polygons.
    polygon : int array
        Number of a polygon in ``edges``, one per point.
    edges : Edges
        Of polygons and multipolygons.

    Returns
    -------
    int8 array
        `OUTSIDE`, `EDGE` or `INSIDE` (strictly); never wrong.

    Examples
    --------
    >>> import shapely
    >>> edges = Edges([shapely.box(0, 0, 2, 2)])
    >>> x, y = np.array([1.0, 2.0, 3.0]), np.ones(3)
    >>> positions(x, y, np.zeros(3, dtype=np.int64), edges).tolist()
    [2, 1, 0]
    """
    found = np.empty(len(lng), dtype=np.int8)
    for part, pair, edge in edges.of(polygon):
        found[part] = _positions(lng[part], lat[part], pair, edge, edges)
    return found


def _positions(lng: Floats, lat: Floats, pair: Ints, edge: Ints, edges: Edges) -> Signs:
    """Return the position of each pair of a point and a polygon whose edges are named."""
    begin, end = edges.ends(edge)
    y = lat[pair]
    low, high = np.minimum(begin[:, 1], end[:, 1]), np.maximum(begin[:, 1], end[:, 1])
    level = np.flatnonzero((low <= y) & (y <= high))
    pair, begin, end, y, high = pair[level], begin[level], end[level], y[level], high[level]
    x, (ax, ay), (bx, by) = lng[pair], begin.T, end.T
    side = sides(x, y, ax, ay, bx, by)
    # On the line of a level edge a point may still lie beside the edge.
    beside = (ay == by) & ((x < np.minimum(ax, bx)) | (x > np.maximum(ax, bx)))
    on_edge = (side == 0) & ~beside
    # Each edge owns its lower end, so a ray through a vertex is counted once.
    crossed = (y < high) & (side != 0) & ((side > 0) == (by > ay))
    odd = np.bincount(pair[crossed], minlength=len(lng)) % 2 == 1
    found = np.where(odd, INSIDE, OUTSIDE).astype(np.int8)
    found[pair[on_edge]] = EDGE
    return found


def sides(x: Floats, y: Floats, ax: Floats, ay: Floats, bx: Floats, by: Floats) -> Signs:
    """Return 1 where a point lies left of the edge from a to b, -1 right, 0 on its line; never wrong.

    Parameters
    ----------
    x, y, ax, ay, bx, by : float arrays
        Of one length.
    """
    left, right = (bx - ax) * (y - ay), (x - ax) * (by - ay)
    determinant = left - right
    sign = np.sign(determinant).astype(np.int8)
    doubtful = np.flatnonzero(np.abs(determinant) <= ROUNDING * (np.abs(left) + np.abs(right)))
    if len(doubtful):
        sign[doubtful] = _exact_sides(*(v[doubtful] for v in (x, y, ax, ay, bx, by)))
    return sign


def _exact_sides(x: Floats, y: Floats, ax: Floats, ay: Floats, bx: Floats, by: Floats) -> Signs:
    """Return the same from all bits of both products."""
    factors = [_difference(*pair) for pair in ((bx, ax), (y, ay), (x, ax), (by, ay))]
    left, left_rest = _product(factors[0][0], factors[1][0])
    right, right_rest = _product(factors[2][0], factors[3][0])
    # The products are within a factor of two of each other, so that their difference is exact.
    high, (low, lost) = left - right, _difference(left_rest, right_rest)
    total, rest = _sum(high, low)
    sign = np.sign(total + (rest + lost)).astype(np.int8)
    # Differences of neighbouring coordinates are exact; where one is not, fractions decide.
    lossy = np.any([error != 0 for _, error in factors], axis=0)
    for product, pair in ((left, factors[:2]), (right, factors[2:])):
        lossy |= (np.abs(product) < _TINY) & (pair[0][0] != 0) & (pair[1][0] != 0)
    for i in np.flatnonzero(lossy).tolist():
        sign[i] = side_of(*(float(v[i]) for v in (x, y, ax, ay, bx, by)))
    return sign


def _sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the rounded sum and what rounding lost (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _difference(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    return _sum(a, -b)


def _product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the rounded product and what rounding lost (Dekker)."""
    product = a * b
    a_high, b_high = _upper(a), _upper(b)
    a_low, b_low = a - a_high, b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _upper(a: Floats) -> Floats:
    part = _SPLITTER * a
    return part - (part - a)
