"""The components nearest to one point, from the store and in plain Python; see `gridcity.locating.single`."""

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

__all__ = ["Nearby", "nearest_components"]

_COLUMNS: Final = ("fid", "code", "name", "edition", "class_code", "class_name", "cell_id", *BODIES)
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
    cell_id : int or None
        The cell that it was given when it was stored.
    lng, lat : float
        Degrees, of its first vertex.
    """

    id: int
    code: str
    name: str
    klass: Klass
    class_name: str
    distance_m: float
    roles: Roles
    cell_id: int | None
    lng: float
    lat: float

    @property
    def order(self) -> tuple[float, bool, str, int]:
        """The nearest first; of those equally near coded before uncoded, then by code, then by id."""
        return self.distance_m, not self.code, self.code, self.id


class _Question(NamedTuple):
    """What is asked: a point, the classes that count, the day, and what is as likely as the nearest."""

    lng: float
    lat: float
    classes: frozenset[tuple[str, str]]
    on: str
    open_m: float

    def first_two(self, found: list[Nearby], reach_m: float) -> list[Nearby]:
        """Return those within the reach that may be meant, the nearest and a second as likely, in order."""
        two = [one for one in found if one.distance_m <= reach_m]
        if len(two) > 1:
            two = sorted(two, key=lambda one: one.order)[:2]
        return two[:1] if len(two) > 1 and two[1].distance_m > self.limit_m(two[0]) else two

    def limit_m(self, nearest: Nearby) -> float:
        """Return how far a second may be, rounded as distances are."""
        return round((nearest.distance_m + self.open_m) * 100) / 100


def nearest_components(
    store: Reading,
    lng: float,
    lat: float,
    radius_m: float,
    classes: frozenset[tuple[str, str]],
    on: str,
    open_m: float,
) -> tuple[Nearby | None, Nearby | None]:
    """Return the nearest component of some classes that is valid on a day, and a second as likely as it.

    Parameters
    ----------
    store : Reading
        The city's store, best inside a `snapshot`: several questions are asked.
    lng, lat : float
        Degrees, in the stored reference system.
    radius_m : float
        How far away a component may be, its own distance being rounded to centimetres.
    classes : frozenset of (edition, code)
        Edition and code of each class that counts.
    on : str
        ISO date.
    open_m : float
        How much farther than the nearest the second may be: twice the positional accuracy, for a point that
        is so much off may be nearer to the second.

    Returns
    -------
    nearest, second : Nearby or None
        None where there is none within the radius. Of those equally near coded ones come before uncoded,
        then the order is that of the codes and the ids.
    """
    if not classes:
        return None, None
    question = _Question(lng, lat, classes, on, open_m)
    reach = min(radius_m, _FIRST_REACH_M)
    while True:
        found = _within(store, question, reach)
        wanted = min(radius_m, question.limit_m(found[0])) if found else radius_m
        # Neither nearer than what was found within the reach nor as likely can stand outside it.
        if reach >= wanted:
            first, second, *_ = *found, None, None
            return first, second
        farther = min(reach * _WIDER, radius_m) if reach < _EVERYWHERE_M else radius_m
        reach = wanted if found else farther


def _within(store: Reading, question: _Question, reach_m: float) -> list[Nearby]:
    """Return the nearest component within a reach, and the second where one is as likely."""
    lng, lat, classes, _, _ = question
    per_lng, per_lat = metres_per_degree(lat)
    x, y = (reach_m + _SLACK_M) / per_lng, (reach_m + _SLACK_M) / per_lat
    if x > _FAR or y > _FAR:
        x, y = min(x, _FAR), min(y, _FAR)
    box = Box(lng - x, lat - y, lng + x, lat + y)
    points, others = store.places_near(list({code for _, code in classes}), box)
    found: list[Nearby] = []
    if points:
        squared = [
            ((east := (x - lng) * per_lng) * east + (north := (y - lat) * per_lat) * north, i, x, y)
            for i, x, y in points
        ]
        found = _nearest_points(store, question, sorted(squared), reach_m)
    return question.first_two(found + _shapes(store, question, others), reach_m) if others else found


def _metres(squared: float) -> float:
    """Return the distance of a point by the arithmetic of `gridcity.distance.distance_m`, to the last bit."""
    return round(sqrt(squared) * 100) / 100


def _nearest_points(
    store: Reading,
    question: _Question,
    candidates: Sequence[tuple[float, int, float, float]],
    reach_m: float,
) -> list[Nearby]:
    """Return the first that counts of candidates, and the second where it is as likely.

    Candidates are squared distance, id and place, in order. What stands behind the second is not read.
    """
    best: list[Nearby] = []
    limit_m, begin, size = reach_m, 0, 1
    while begin < len(candidates) and _metres(candidates[begin][0]) <= limit_m:
        part = {i: (_metres(squared), x, y) for squared, i, x, y in candidates[begin : begin + size]}
        where = {"fid": candidates[begin][1] if size == 1 else list(part)}
        rows = store.rows("components", _COLUMNS, where, on=question.on)
        best += [_nearby(row, *part[row[0]]) for row in rows if (row[3], row[4]) in question.classes]
        best = question.first_two(best, reach_m)
        if best:
            limit_m = best[1].distance_m if len(best) > 1 else min(reach_m, question.limit_m(best[0]))
        begin, size = begin + size, size * _MORE
    return best


def _shapes(store: Reading, question: _Question, ids: Sequence[int]) -> list[Nearby]:
    """Return those of some objects that count, with their distances."""
    lng, lat, classes, on, _ = question
    where = {"fid": ids, "class_code": sorted({code for _, code in classes})}
    found = []
    for *row, blob in store.rows("components", (*_COLUMNS, "geom"), where, on=on):
        if (row[3], row[4]) in classes:
            dimension, shape = paths(blob)
            within = dimension == 2 and position(lng, lat, shape) != OUTSIDE
            found.append(_nearby(row, 0.0 if within else distance_m(lng, lat, shape), *shape[0][0]))
    return found


def _nearby(row: Sequence[Any], metres: float, lng: float, lat: float) -> Nearby:
    i, code, name, edition, class_code, class_name, cell_id, *bodies = row
    klass = Klass("component", edition, class_code, class_name)
    return Nearby(i, code, name, klass, class_name, metres, roles_of(bodies), cell_id, lng, lat)
