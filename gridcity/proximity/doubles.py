"""Points of one class that stand closer than two objects of that class do: surveyed twice, or again.

How close two objects may stand is read from the city itself, class by class (`Spacing`): bollards a
metre apart are two, litter bins a metre apart are likely one. The rules and the figures behind them
are gridcity's own; ``docs/decisions`` has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pykdtree.kdtree import KDTree

from gridcity.crs import metres_per_degree
from gridcity.proximity.plane import Places, metres_between, scale_of

__all__ = ["Match", "Near", "Spacing", "match_by_place", "near_duplicates", "spacing"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Points = tuple[Floats, Floats, Ints]

# The closest twentieth of a class says how close its objects come; the least distance alone may be an error.
_LOW = 0.05
# Of two objects three radii apart, each keeps a ball of its own and a radius of air between them.
_TWICE_SHARE = 1 / 3
# No two objects of one class are thinner than this; a class surveyed several times over seems to be.
_TWICE_LEAST_M = 0.1
# Two surveys that are each right to half a metre, the finest of the accuracy classes in use.
_TWICE_MOST_M = 1.0
# Half the way to the next object: farther off, a row is as likely that one.
_AGAIN_SHARE = 1 / 2
# A place told by phone or from an aerial photograph; what lies farther off has moved or is another object.
_AGAIN_MOST_M = 10.0
# The runner-up must be twice as far as the nearest, or the two are not told apart.
_CLEARLY = 2.0
# A class's spacing is an estimate: this many of its places are asked, spread evenly over the city.
_SAMPLE = 20_000
# Points asked together, some 20 MB.
_ASKED = 500_000
# A radius on the plane of another latitude is laid out a little too wide; the exact distance decides.
_SLACK, _ROUNDING_M = 1.01, 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Spacing:
    """How close the objects of each class stand.

    Attributes
    ----------
    places : int64 array
        Distinct places of each class.
    nearest_m : float array
        Median distance from a place to the nearest other of its class; NaN for fewer than two places.
    second_m : float array
        The distance to the *second* nearest other place that 5 % of the places stay below; NaN for fewer
        than three places. The nearest may be the same object surveyed twice, the second nearest is not.
    """

    places: Ints
    nearest_m: Floats
    second_m: Floats

    @property
    def twice_m(self) -> Floats:
        """Return the distance within which two rows of a class are likely one object, per class.

        A third of `second_m`, at least 0.1 m and at most 1 m; 1 m where there are too few places.
        """
        radius = np.clip(self.second_m * _TWICE_SHARE, _TWICE_LEAST_M, _TWICE_MOST_M)
        return np.where(np.isnan(radius), _TWICE_MOST_M, radius)

    @property
    def again_m(self) -> Floats:
        """Return the distance within which a row of a new survey may be an object of the old one, per class.

        Half of `second_m`, at least 0.1 m and at most 10 m; 10 m where there are too few places.
        """
        radius = np.clip(self.second_m * _AGAIN_SHARE, _TWICE_LEAST_M, _AGAIN_MOST_M)
        return np.where(np.isnan(radius), _AGAIN_MOST_M, radius)


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Rows that have another of their class close by, each with the nearest.

    Attributes
    ----------
    row : int64 array
        Position of the row, ascending, each once.
    other : int64 array
        Position of the nearest other.
    distance_m : float array
        Metres, rounded to centimetres.
    same : bool array
        Both stand at exactly the same coordinates.
    """

    row: Ints
    other: Ints
    distance_m: Floats
    same: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """The object of an earlier survey that each row of a new one stands for by its place.

    Attributes
    ----------
    old : int64 array
        Position in the earlier survey, -1 for none.
    distance_m : float array
        To the nearest object, rounded to centimetres; NaN where none lies within the radius.
    ambiguous : bool array
        An object lies within the radius, but so does another, or another row claims it.
    """

    old: Ints
    distance_m: Floats
    ambiguous: Mask


def spacing(lng: Floats, lat: Floats, klass: Ints, classes: int) -> Spacing:
    """Return how close the objects of each class stand.

    Parameters
    ----------
    lng, lat : float arrays
        Degrees; not finite for what is not looked at.
    klass : int array
        Number of each point's class, from 0; negative for what is not looked at.
    classes : int
        How many classes there are.

    Examples
    --------
    Four lamps some 30 m apart, one of them surveyed twice:

    >>> lat = np.array([39.0, 39.00027, 39.00054, 39.00081, 39.000812])
    >>> found = spacing(np.full(5, 116.0), lat, np.zeros(5, dtype=int), classes=1)
    >>> found.second_m.round(1).tolist(), found.twice_m.tolist()
    ([30.0], [1.0])
    """
    places = np.zeros(classes, dtype=np.int64)
    nearest_m, second_m = np.full(classes, np.nan), np.full(classes, np.nan)
    for number, at in _by_class(lng, lat, klass):
        one = Places(lng, lat, at)
        places[number] = len(one)
        if len(one) < 2:
            continue
        step = max(1, len(one) // _SAMPLE)
        xy = np.column_stack([one.lng, one.lat]) * scale_of(one.lat)
        metres, _ = KDTree(xy).query(np.ascontiguousarray(xy[::step]), k=3)
        nearest_m[number] = np.median(metres[:, 1])
        if len(one) > 2:
            second_m[number] = np.quantile(metres[:, 2], _LOW)
    return Spacing(places, nearest_m, second_m)


def near_duplicates(
    lng: Floats, lat: Floats, klass: Ints, radius_m: Floats, known: Points | None = None
) -> Near:
    """Find the rows that have another of their class within the radius of the class.

    Parameters
    ----------
    lng, lat, klass : arrays
        As for `spacing`.
    radius_m : float array
        One per class, `Spacing.twice_m`.
    known : tuple of three arrays, optional
        Longitude, latitude and class of other objects. Given, the nearest of them is looked for, not
        the nearest other row. An object that a row stands for does not belong among them.

    Returns
    -------
    Near
        A row at exactly the same coordinates as another names that one, else the nearest.
    """
    empty = np.empty(0, dtype=np.int64)
    rows, others = [empty], [empty]
    there = dict(_by_class(*known)) if known is not None else {}
    for number, at in _by_class(lng, lat, klass):
        own = Places(lng, lat, at)
        if known is None:
            pairs = _within(own, float(radius_m[number]))
        elif number in there:
            objects = Places(known[0], known[1], there[number])
            pairs = _against(own, objects, float(radius_m[number]))
        else:
            continue
        for row, other in pairs:
            rows.append(row[other >= 0])
            others.append(other[other >= 0])
    row, other = np.concatenate(rows), np.concatenate(others)
    order = np.argsort(row)
    row, other = row[order], other[order]
    to_lng, to_lat = (lng[other], lat[other]) if known is None else (known[0][other], known[1][other])
    same = (lng[row] == to_lng) & (lat[row] == to_lat)
    return Near(row, other, metres_between(lng[row], lat[row], to_lng, to_lat), same)


def match_by_place(new: Points, old: Points, radius_m: Floats) -> Match:
    """Find the object of an earlier survey that each row of a new one stands for.

    A row is an object if each is the nearest to the other of its class, within the radius of the class,
    and if on both sides the runner-up is at least twice as far.

    Parameters
    ----------
    new, old : tuples of three arrays
        Longitude, latitude and class, as for `spacing`.
    radius_m : float array
        One per class, `Spacing.again_m`.

    Examples
    --------
    The first bin was set aside by a metre and a half, the second is new:

    >>> old = np.array([116.0]), np.array([39.0]), np.array([0])
    >>> new = np.array([116.0, 116.0]), np.array([39.0000135, 39.01]), np.array([0, 0])
    >>> found = match_by_place(new, old, np.array([5.0]))
    >>> found.old.tolist(), found.distance_m.tolist(), found.ambiguous.tolist()
    ([0, -1], [1.5, nan], [False, False])
    """
    n = len(new[0])
    matched, distance_m = np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
    ambiguous = np.zeros(n, dtype=bool)
    there = dict(_by_class(*old))
    for number, at in _by_class(*new):
        if number not in there:
            continue
        rows, objects = Places(new[0], new[1], at), Places(old[0], old[1], there[number])
        radius = float(radius_m[number])
        row_of, back_m = (
            np.concatenate(part) for part in zip(*_neighbours(objects, rows, radius), strict=True)
        )
        alone = _is_clear(back_m) & ~objects.shared
        begin = 0
        for object_of, metres in _neighbours(rows, objects, radius):
            asked = np.arange(begin, begin + len(metres))
            best = object_of[:, 0]
            near = best >= 0
            clear = near & (row_of[best, 0] == asked) & alone[best] & _is_clear(metres) & ~rows.shared[asked]
            row, of = rows.standing(begin, begin + len(metres))
            matched[row] = objects.first(np.where(clear, best, -1))[of]
            distance_m[row] = metres[of, 0]
            ambiguous[row] = (near & ~clear)[of]
            begin += len(metres)
    return Match(matched, distance_m, ambiguous)


def _by_class(lng: Floats, lat: Floats, klass: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield each class with the positions of its points."""
    at = np.flatnonzero((klass >= 0) & np.isfinite(lng) & np.isfinite(lat))
    at = at[np.argsort(klass[at], kind="stable")]
    ends = np.flatnonzero(np.diff(klass[at], append=-1)) + 1
    for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=False):
        yield int(klass[at[begin]]), at[begin:end]


def _within(own: Places, radius_m: float) -> Iterator[tuple[Ints, Ints]]:
    """Yield rows and for each another within the radius: at its own place, else the nearest; -1 for none."""
    begin = 0
    for place, _ in _neighbours(own, own, radius_m):
        end = begin + len(place)
        # Of places a rounding apart either may come first.
        nearest = np.where(place[:, 0] == np.arange(begin, end), place[:, 1], place[:, 0])
        row, of = own.standing(begin, end)
        following = np.append(row[1:], row[:1])
        following[own.begins[begin + 1 : end + 1] - own.begins[begin] - 1] = own.rows[own.begins[begin:end]]
        elsewhere = own.first(nearest)[of]
        yield row, np.where(own.shared[begin:end][of], following, elsewhere)
        begin = end


def _against(own: Places, objects: Places, radius_m: float) -> Iterator[tuple[Ints, Ints]]:
    """Yield rows and the nearest object of each within the radius; -1 for none."""
    begin = 0
    for place, _ in _neighbours(own, objects, radius_m):
        row, of = own.standing(begin, begin + len(place))
        yield row, objects.first(place[:, 0])[of]
        begin += len(place)


def _neighbours(asked: Places, there: Places, radius_m: float) -> Iterator[tuple[Ints, Floats]]:
    """Yield the two nearest places within a radius of the asked ones, strip by strip from west to east.

    Yields
    ------
    place : int64 array, two columns
        Numbers of places, -1 for none.
    distance_m : float array, two columns
        Rounded to centimetres; NaN for none.
    """
    for begin in range(0, len(asked), _ASKED):
        lng, lat = asked.lng[begin : begin + _ASKED], asked.lat[begin : begin + _ASKED]
        scale = scale_of(lat)
        # Metres on the plane are longer than true ones on the side of the strip that is nearer to the pole.
        stretch = scale[0] / metres_per_degree(np.array([lat.min(), lat.max()]))[0].min()
        reach_m = radius_m * _SLACK * stretch + _ROUNDING_M
        side = reach_m / scale[0]
        low = int(np.searchsorted(there.lng, lng[0] - side))
        high = int(np.searchsorted(there.lng, lng[-1] + side, side="right"))
        place, metres = np.full((len(lng), 2), -1, dtype=np.int64), np.full((len(lng), 2), np.nan)
        if high > low:
            tree = KDTree(np.column_stack([there.lng[low:high], there.lat[low:high]]) * scale)
            _, found = tree.query(np.column_stack([lng, lat]) * scale, k=2, distance_upper_bound=reach_m)
            # The tree says "none" by the number after its last place.
            near = found < high - low
            number = np.where(near, found.astype(np.int64) + low, 0)
            exact = metres_between(lng[:, None], lat[:, None], there.lng[number], there.lat[number])
            near &= exact <= radius_m
            place[near], metres[near] = number[near], exact[near]
        yield place, metres


def _is_clear(metres: Floats) -> Mask:
    """Return where the runner-up is clearly farther than the nearest."""
    nearest, second = metres.T
    clear: Mask = np.isnan(second) | ((second > 0) & (second >= _CLEARLY * nearest))
    return clear
