"""One point against one polygon, exactly, without any geometry library.

The answers are those of `gridcity.tiling.index`, which asks pixels for many points at once, GEOS for a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["EDGE", "INSIDE", "OUTSIDE", "ROUNDING", "position", "side_of"]

INSIDE, EDGE, OUTSIDE = "inside", "edge", "outside"

Path = Sequence[tuple[float, float]]

ROUNDING = 8 * 2.0**-53
"""A double has 53 bits; the determinant of `side_of` is off by at most four roundings of its two products."""


def position(lng: float, lat: float, rings: Sequence[Path]) -> str:
    """Return whether a point lies inside, on the edge of, or outside a polygon.

    Parameters
    ----------
    lng, lat : float
        Degrees, in the same reference system as the rings.
    rings : sequence of paths
        Closed rings of a polygon or multipolygon, outer and inner alike.

    Returns
    -------
    str
        ``"inside"`` (strictly), ``"edge"`` or ``"outside"``.

    Examples
    --------
    >>> square = [[(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0), (0.0, 0.0)]]
    >>> position(1, 1, square), position(2, 1, square), position(3, 1, square)
    ('inside', 'edge', 'outside')
    """
    odd = False
    for ring in rings:
        for (ax, ay), (bx, by) in pairwise(ring):
            if ay == by == lat:
                if min(ax, bx) <= lng <= max(ax, bx):
                    return EDGE
            elif min(ay, by) <= lat <= max(ay, by):
                side = side_of(lng, lat, ax, ay, bx, by)
                if side == 0:
                    return EDGE
                # Each edge owns its lower end, so a ray through a vertex is counted once.
                if lat < max(ay, by) and (side > 0) == (by > ay):
                    odd = not odd
    return INSIDE if odd else OUTSIDE


def side_of(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> int:
    """Return 1 when the point lies left of the edge, -1 right, 0 on its line; never wrong."""
    left, right = (bx - ax) * (y - ay), (x - ax) * (by - ay)
    determinant = left - right
    if abs(determinant) > ROUNDING * (abs(left) + abs(right)):
        return 1 if determinant > 0 else -1
    # Hardly ever needed, and long to load.
    from fractions import Fraction

    ex, ey = Fraction(ax), Fraction(ay)
    exact = (Fraction(bx) - ex) * (Fraction(y) - ey) - (Fraction(x) - ex) * (Fraction(by) - ey)
    return (exact > 0) - (exact < 0)
