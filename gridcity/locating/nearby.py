"""The component nearest to one point, from the store and in plain Python; see `gridcity.locating.single`."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gridcity.crs import metres_per_degree
from gridcity.distance import distance_m
from gridcity.responsibility import BODIES, Klass, Roles, roles_of
from gridcity.store.wkb import Box, paths
from gridcity.tiling.point import OUTSIDE, position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridcity.store.base import Reading

__all__ = ["Nearby", "nearest_component"]

_COLUMNS: Final = ("fid", "code", "name", "edition", "class_code", "class_name", *BODIES)
# Ours: what is asked most often, so that one question answers it.
_FIRST_REACH_M: Final = 50.0
_WIDER: Final = 2.0
# Of candidates that do not count, because they have ended, each reading takes so many times more.
_MORE: Final = 4
# A box is made this much larger than its radius: distances are compared after rounding to centimetres.
_SLACK_M: Final = 0.01
# Degrees; beyond the globe, and small enough to be counted in rows, which metres near a pole are not.
_FAR: Final = 1000.0
# Farther than any two places stand apart on the plane of one of them.
_EVERYWHERE_M: Final = 5e7


class Nearby(NamedTuple):
    """A component and how far it is.

    Attributes
    ----------
    id : int
    code, name, class_name : str
    klass : Klass
    distance_m : float
        Metres, rounded to centimetres; 0 inside a polygon.
    roles : Roles
        The bodies that the component names.
    """

    id: int
    code: str
    name: str
    klass: Klass
    class_name: str
    distance_m: float
    roles: Roles

    @property
    def order(self) -> tuple[float, bool, str, int]:
        """The nearest first; of those equally near coded before uncoded, then by code, then by id."""
        return self.distance_m, not self.code, self.code, self.id


def nearest_component(
    store: Reading, lng: float, lat: float, radius_m: float, classes: frozenset[tuple[str, str]], on: str
) -> Nearby | None:
    """Return the nearest component of some classes that is valid on a day.

    Parameters
    ----------
    store : Reading
        The city's store, best inside a `snapshot`: several questions are asked.
    lng, lat : float
        Degrees, in the stored reference system.
    radius_m : float
        How far away it may be, its own distance being rounded to centimetres.
    classes : frozenset of (edition, code)
        Edition and code of each class that counts.
    on : str
        ISO date.

    Returns
    -------
    Nearby or None
        None where there is none within the radius.
    """
    if not classes:
        return None
    codes = list({code for _, code in classes})
    per_lng, per_lat = metres_per_degree(lat)
    reach = min(radius_m, _FIRST_REACH_M)
    while True:
        x, y = (reach + _SLACK_M) / per_lng, (reach + _SLACK_M) / per_lat
        if x > _FAR or y > _FAR:
            x, y = min(x, _FAR), min(y, _FAR)
        points, others = store.places_near(codes, Box(lng - x, lat - y, lng + x, lat + y))
        found = None
        if points:
            squared = [
                ((east := (x - lng) * per_lng) * east + (north := (y - lat) * per_lat) * north, i)
                for i, x, y in points
            ]
            found = _nearest_point(store, sorted(squared), reach, classes, on)
        for other in _shapes(store, lng, lat, others, classes, on) if others else ():
            if other.distance_m <= reach and (found is None or other.order < found.order):
                found = other
        # Nothing nearer than what was found within the reach can stand outside it.
        if found is not None or reach >= radius_m:
            return found
        reach = min(reach * _WIDER, radius_m) if reach < _EVERYWHERE_M else radius_m


def _metres(squared: float) -> float:
    """Return the distance of a point by the arithmetic of `gridcity.distance.distance_m`, to the last bit."""
    return round(sqrt(squared) * 100) / 100


def _nearest_point(
    store: Reading,
    candidates: Sequence[tuple[float, int]],
    reach_m: float,
    classes: frozenset[tuple[str, str]],
    on: str,
) -> Nearby | None:
    """Return the first that counts of candidates, squared distances and ids in order.

    What stands behind it is not read.
    """
    best: Nearby | None = None
    limit_m, begin, size = reach_m, 0, 1
    while begin < len(candidates) and _metres(candidates[begin][0]) <= limit_m:
        metres = {i: _metres(squared) for squared, i in candidates[begin : begin + size]}
        where = {"fid": candidates[begin][1] if size == 1 else list(metres)}
        for row in store.rows("components", _COLUMNS, where, on=on):
            if (row[3], row[4]) in classes and metres[row[0]] <= limit_m:
                one = _nearby(row, metres[row[0]])
                if best is None or one.order < best.order:
                    best, limit_m = one, one.distance_m
        begin, size = begin + size, size * _MORE
    return best


def _shapes(
    store: Reading,
    lng: float,
    lat: float,
    ids: Sequence[int],
    classes: frozenset[tuple[str, str]],
    on: str,
) -> list[Nearby]:
    """Return those of some objects that count, with their distances."""
    where = {"fid": ids, "class_code": sorted({code for _, code in classes})}
    found = []
    for *row, blob in store.rows("components", (*_COLUMNS, "geom"), where, on=on):
        if (row[3], row[4]) in classes:
            dimension, shape = paths(blob)
            within = dimension == 2 and position(lng, lat, shape) != OUTSIDE
            found.append(_nearby(row, 0.0 if within else distance_m(lng, lat, shape)))
    return found


def _nearby(row: Sequence[Any], metres: float) -> Nearby:
    i, code, name, edition, class_code, class_name, *bodies = row
    klass = Klass("component", edition, class_code, class_name)
    return Nearby(i, code, name, klass, class_name, metres, roles_of(bodies))
