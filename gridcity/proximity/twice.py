"""The points of a city that look surveyed twice, by the spacing of all that the city has of their class."""

from __future__ import annotations

import numpy as np

from gridcity.proximity.doubles import Near, Points, near_duplicates, spacing

__all__ = ["surveyed_twice"]


def surveyed_twice(own: Points, classes: int, known: Points | None = None) -> Near:
    """Find the points that have another of their class at their place or too close for two objects.

    Parameters
    ----------
    own : tuple of three arrays
        Longitude, latitude (degrees) and class number from 0; see `spacing`.
    classes : int
        How many classes there are.
    known : tuple of three arrays, optional
        Other points of the city, which are not asked about themselves. A point that stands for one of
        the first does not belong among them.

    Returns
    -------
    Near
        ``other`` counts through the points asked about and then through the known ones. A point at
        exactly the same place goes before the nearest.

    Examples
    --------
    The third lamp was surveyed before, half a metre off:

    >>> own = np.full(3, 116.0), np.array([39.0, 39.0003, 39.0006]), np.zeros(3, dtype=int)
    >>> found = surveyed_twice(own, 1, (np.array([116.0]), np.array([39.0006045]), np.array([0])))
    >>> found.row.tolist(), found.other.tolist(), found.distance_m.tolist()
    ([2], [3], [0.5])
    """
    if known is None or not len(known[0]):
        return near_duplicates(*own, spacing(*own, classes).twice_m)
    lng, lat, klass = (np.concatenate(pair) for pair in zip(own, known, strict=True))
    radius_m = spacing(lng, lat, klass, classes).twice_m
    among, beside = near_duplicates(*own, radius_m), near_duplicates(*own, radius_m, known)
    row = np.concatenate([among.row, beside.row])
    other = np.concatenate([among.other, beside.other + len(own[0])])
    distance_m = np.concatenate([among.distance_m, beside.distance_m])
    same = np.concatenate([among.same, beside.same])
    order = np.lexsort((distance_m, ~same, row))
    first = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
    return Near(row[first], other[first], distance_m[first], same[first])
