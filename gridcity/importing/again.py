"""Rows of a second survey and the objects that stand where they do: matched one to one, or left unclear."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import metres_per_degree
from gridcity.proximity import match_by_place

__all__ = ["Again", "Stand", "match_again", "metres_between"]

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# As in `match_by_place`: what is twice as far as the nearest is told apart from it.
_CLEARLY = 2.0
# A radius on the plane is laid out a little too wide, by what the rounding to centimetres hides.
_SLACK, _ROUNDING_M = 1.001, 0.01


class Stand(NamedTuple):
    """Where rows or objects stand.

    Attributes
    ----------
    lng, lat : float arrays
        Degrees.
    klass : int64 array
        Number of the class.
    keyed : bool array
        They have a key of the survey's own key column. Two keys that differ are two objects, so a row
        with one is compared with the objects without one only.
    """

    lng: Floats
    lat: Floats
    klass: Ids
    keyed: Mask


class Again(NamedTuple):
    """What rows are.

    Attributes
    ----------
    old : int64 array
        For each row the position of its object, -1 for none.
    unclear : bool array
        Rows that may be several objects, or one object that may be several rows.
    row, candidate : int64 arrays
        Pairs of an unclear row and an object that it may be.
    distance_m : float array
        Of each pair, rounded to centimetres.
    """

    old: Ids
    unclear: Mask
    row: Ids
    candidate: Ids
    distance_m: Floats


def match_again(new: Stand, old: Stand, radius_m: Floats) -> Again:
    """Match rows and objects by class and distance until no clear match is left.

    Parameters
    ----------
    new, old : Stand
        The rows, and the objects that no row stands for yet.
    radius_m : float array
        One per class, `gridcity.proximity.Spacing.again_m`.

    Examples
    --------
    A lamp was set aside by half a metre; 4 m beside it stands a new one, which is no longer taken for it:

    >>> lat = np.array([39.0000045, 39.000036])
    >>> new = Stand(np.full(2, 116.0), lat, np.array([0, 0]), np.array([False, False]))
    >>> old = Stand(*(column[:1] for column in new))._replace(lat=np.array([39.0]))
    >>> found = match_again(new, old, np.array([5.0]))
    >>> found.old.tolist(), found.unclear.tolist()
    ([0, -1], [False, False])
    """
    # Rows with and without a key each have a class of their own; an object without one is in both.
    kind = new.klass * 2 + new.keyed
    of = np.concatenate([np.arange(len(old.lng)), np.flatnonzero(~old.keyed)])
    old_kind = old.klass[of] * 2
    old_kind[len(old.lng) :] += 1
    radius_m = np.repeat(radius_m, 2)
    matched, taken = np.full(len(kind), -1, dtype=np.int64), np.zeros(len(old.lng), dtype=bool)
    while True:
        left = new.lng, new.lat, np.where(matched >= 0, -1, kind)
        free = old.lng[of], old.lat[of], np.where(taken[of], -1, old_kind)
        found = match_by_place(left, free, radius_m)
        at = np.flatnonzero(found.old >= 0)
        mine = of[found.old[at]]
        # A row with a key and one without may have found the same object.
        alone = np.bincount(mine, minlength=len(taken))[mine] == 1
        matched[at[alone]] = mine[alone]
        taken[mine] |= alone
        if not alone.any():
            break
    unclear = found.ambiguous
    unclear[at] = True
    asked = np.flatnonzero(unclear)
    row, candidate, distance_m = _pairs(tuple(column[asked] for column in left), free, radius_m)
    return Again(matched, unclear, asked[row], of[candidate], distance_m)


def metres_between(lng: Floats, lat: Floats, to_lng: Floats, to_lat: Floats) -> Floats:
    """Return the distances between places and others, rounded to centimetres."""
    per_lng, per_lat = metres_per_degree(lat)
    x, y = (to_lng - lng) * per_lng, (to_lat - lat) * per_lat
    metres: Floats = np.rint(np.sqrt(x * x + y * y) * 100) / 100
    return metres


def _pairs(rows: tuple[Any, ...], there: tuple[Any, ...], radius_m: Floats) -> tuple[Ids, Ids, Floats]:
    """Return the objects that each row may be.

    They are of its class, within the radius, and not clearly farther than the nearest.
    """
    lng, lat, kind = rows
    if not len(lng):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    scale = metres_per_degree(float(np.median(lat)))
    at = np.flatnonzero(there[2] >= 0)
    places: Any = shapely.points(there[0][at] * scale[0], there[1][at] * scale[1])
    # The plane's scale belongs to another latitude; the exact distance decides.
    stretch = np.maximum(scale[0] / metres_per_degree(lat)[0], 1.0)
    reach_m = radius_m[kind] * stretch * _SLACK + _ROUNDING_M
    asked = shapely.points(lng * scale[0], lat * scale[1])
    row, found = shapely.STRtree(places).query(asked, predicate="dwithin", distance=reach_m)
    found = at[found]
    metres = metres_between(lng[row], lat[row], there[0][found], there[1][found])
    near = (kind[row] == there[2][found]) & (metres <= radius_m[kind[row]])
    row, found, metres = row[near], found[near], metres[near]
    nearest = np.full(len(lng), np.inf)
    np.minimum.at(nearest, row, metres)
    close = metres <= _CLEARLY * nearest[row]
    return row[close], found[close], metres[close]
