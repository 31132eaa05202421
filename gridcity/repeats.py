"""Reports of one case that was reported before: at the same component, else close by.

A report repeats an earlier one if that was made within a period before, is not closed, and is about

1. the same component; of several such reports it repeats the latest, since all stand at one place;
2. else, where not both name a component, the same class within the radius of the class: one at exactly
   its own place, else the nearest, and of those equally near the latest.

Reports with two different components are never repeats, however near: two covers three metres apart are
two cases. That holds too where a report lies so that its component might as well be the other one. Taken
for two, one case is looked at twice; taken for one, the second of two open covers stays open.

The steps, and that the class must be the same, are gridcity's own reading. The default period of 24 h and
the radius of 50 m where a class has none of its own were seen together in one running system.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gridcity.crs import metres_per_degree
from gridcity.distance import ranges
from gridcity.errors import ArgumentError
from gridcity.proximity.plane import metres_between

__all__ = ["COMPONENT", "PERIOD_H", "PLACE", "Repeats", "find_repeats"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Times = npt.NDArray[np.datetime64]
Texts = npt.NDArray[np.object_]

PERIOD_H: Final = 24.0
"""Hours within which a report may repeat an earlier one: one source, a running system."""
COMPONENT, PLACE = "component", "place"
"""What two reports have in common."""

_MS_PER_H = 3_600_000
# Longer than the years from 1 to 9999, and a number of 64 bits in milliseconds.
_LONGEST_H: Final = 1e8
_NEVER: Final = np.iinfo(np.int64).max
_BEFORE_ALL: Final = np.iinfo(np.int64).min
# A radius on the plane of another latitude is laid out a little too wide; the exact distance decides.
_SLACK, _ROUNDING_M = 1.01, 0.01
# So many squares along each side of a class's extent, at most: squares and reports are one number of 64 bits.
_SQUARES = 2**19
# At a pole a degree of longitude has no length.
_LEAST_M = 1e-9
# Pairs of reports looked at together, some 100 MB.
_PAIRS = 1_000_000
_SIDES = tuple((x, y) for x in (-1, 0, 1) for y in (-1, 0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Repeats:
    """Which report each report repeats.

    Attributes
    ----------
    of : int64 array
        Position of the earlier report, -1 for none.
    by : object array of str
        `COMPONENT` or `PLACE`; empty for none.
    distance_m : float array
        Between the two reports, metres rounded to centimetres, not to the component; NaN for none.
    after_h : float array
        Hours between the two reports, rounded to hundredths; NaN for none.
    first : int64 array
        Position of the first report of the case: a repeat of a repeat has the same one. A report that
        repeats none is its own, so that the distinct numbers count the cases.
    """

    of: Ints
    by: Texts
    distance_m: Floats
    after_h: Floats
    first: Ints


def find_repeats(
    ids: Texts,
    lng: Floats,
    lat: Floats,
    klass: Ints,
    component: Ints,
    time: Times,
    *,
    before: Ints | None = None,
    is_open: Mask | None = None,
    closed_at: Times | None = None,
    radius_m: Floats,
    period_h: float = PERIOD_H,
) -> Repeats:
    """Find the reports that repeat an earlier one.

    Parameters
    ----------
    ids : object array of str
        The number of each report, each once. Of reports of one time the one with the lower id is the
        earlier: the shorter, then by its characters, so that 9 comes before 10.
    lng, lat : float arrays
        Degrees of each report.
    klass : int64 array
        Number of the class of each, from 0.
    component : int64 array
        Id of the component of each, -1 for none.
    time : datetime64 array
        When each was made, all in one zone.
    before : int64 array, optional
        Of reports of one time the one with the lower number here is the earlier, whatever the ids.
    is_open : bool array, optional
        Whether each is open; all are when not given.
    closed_at : datetime64 array, optional
        When each was closed, NaT where that is not known; goes before ``is_open``. A report that was closed
        before another was made is not repeated by it.
    radius_m : float array
        One per class.
    period_h : float, optional
        Hours that may lie between two reports.

    Returns
    -------
    Repeats
        The order of the reports makes no difference to it. A report without place, time or class (NaN, NaT,
        negative) repeats none and is not repeated.

    Raises
    ------
    ArgumentError
        An id stands twice, or the period is negative or not finite.

    Examples
    --------
    A lamp that is dark is reported by two people, 12 m apart; the third report is about the next lamp:

    >>> lng, lat = np.full(3, 116.42), np.array([39.93, 39.930108, 39.930117])
    >>> time = np.array(["2026-03-01T08:00", "2026-03-01T09:30", "2026-03-01T09:40"], dtype="datetime64[ms]")
    >>> lamps, ids = np.array([7, 7, 8]), np.array(["a", "b", "c"], dtype=object)
    >>> found = find_repeats(ids, lng, lat, np.zeros(3, int), lamps, time, radius_m=np.array([50.0]))
    >>> found.of.tolist(), found.by.tolist(), found.distance_m.tolist(), found.after_h.tolist()
    ([-1, 0, -1], ['', 'component', ''], [nan, 11.99, nan], [nan, 1.5, nan])
    """
    if not (isfinite(period_h) and period_h >= 0):
        raise ArgumentError(f"period_h is {period_h}; it must be 0 hours or more.")
    at = np.flatnonzero((klass >= 0) & np.isfinite(lng) & np.isfinite(lat) & ~np.isnat(time))
    at = at[_order(ids[at], time[at], np.zeros(len(at)) if before is None else before[at])]
    reports = _Reports(
        lng=lng[at],
        lat=lat[at],
        klass=klass[at],
        component=component[at],
        time=time[at].astype("datetime64[ms]").astype(np.int64),
        closes=_closes(is_open, closed_at, len(ids))[at],
        period_ms=round(min(period_h, _LONGEST_H) * _MS_PER_H),
    )
    of, same = reports.earlier(radius_m)
    found = Repeats(
        of=np.full(len(ids), -1),
        by=np.full(len(ids), "", dtype=object),
        distance_m=np.full(len(ids), np.nan),
        after_h=np.full(len(ids), np.nan),
        first=np.arange(len(ids)),
    )
    there = np.flatnonzero(of >= 0)
    row, other = at[there], at[of[there]]
    found.of[row] = other
    found.by[row] = np.where(same[there], COMPONENT, PLACE)
    found.distance_m[row] = metres_between(lng[row], lat[row], lng[other], lat[other])
    found.after_h[row] = np.round((reports.time[there] - reports.time[of[there]]) / _MS_PER_H, 2)
    found.first[at] = at[_roots(of)]
    return found


def _order(ids: Texts, time: Times, before: npt.NDArray[Any]) -> Ints:
    """Return the positions of some reports in the order in which they were made."""
    # An array of texts of one width would be as wide as the longest, which may be a mistaken description.
    texts = ids.tolist()
    rank = {text: i for i, text in enumerate(sorted(set(texts)))}
    if len(rank) < len(texts):
        ((twice, _),) = Counter(texts).most_common(1)
        raise ArgumentError(f"The id {twice!r} stands on several reports.", hint="One report, one id.")
    ranks, lengths = (np.fromiter(map(of, texts), np.int64, len(texts)) for of in (rank.__getitem__, len))
    order: Ints = np.lexsort((ranks, lengths, before, time))
    return order


def _closes(is_open: Mask | None, closed_at: Times | None, n: int) -> Ints:
    """Return the millisecond at which each report was closed; one without end for those that are open."""
    closes = np.full(n, _NEVER)
    if is_open is not None:
        closes[~is_open] = _BEFORE_ALL
    if closed_at is not None:
        known = ~np.isnat(closed_at)
        closes[known] = closed_at[known].astype("datetime64[ms]").astype(np.int64)
    return closes


def _roots(of: Ints) -> Ints:
    """Return where the chain of each report begins; each one points at an earlier one or at none."""
    first = np.where(of < 0, np.arange(len(of)), of)
    while (first[first] != first).any():
        first = first[first]
    return first


@dataclass(frozen=True, slots=True, eq=False)
class _Reports:
    """Reports that take part, in the order in which they were made."""

    lng: Floats
    lat: Floats
    klass: Ints
    component: Ints
    time: Ints
    closes: Ints
    period_ms: int

    def earlier(self, radius_m: Floats) -> tuple[Ints, Mask]:
        """Return the report that each repeats, -1 for none, and whether by the component of both."""
        everyone = np.arange(len(self.time))
        # A report that was closed when the file was written, nobody knows when, is repeated by none.
        standing = self.closes != _BEFORE_ALL
        named = self.component >= 0
        of = self._latest(everyone[named], everyone[named & standing], self.klass, self.component)
        same = of >= 0
        left = everyone[~same]
        # With a component of its own a report repeats those without one.
        for asked, others in (
            (left[~named[left]], everyone[standing]),
            (left[named[left]], everyone[standing & ~named]),
        ):
            found = self._latest(asked, others, self.klass, self.lng, self.lat)[asked]
            of[asked] = found
            self._nearest(asked[found < 0], others, radius_m, of)
        return of, same

    def _latest(self, asked: Ints, others: Ints, *alike: npt.NDArray[np.generic]) -> Ints:
        """Return for each report asked about the latest earlier one of those alike that it may repeat."""
        of = np.full(len(self.time), -1)
        if not len(asked) or not len(others):
            return of
        group = _numbered(alike) * len(self.time)
        keys = group[others] + others
        order = np.argsort(keys, kind="stable")
        keys, others = keys[order], others[order]
        begin = np.searchsorted(keys, group[asked])
        end = np.searchsorted(keys, group[asked] + asked)
        last = others[end - 1]
        may = np.flatnonzero((end > begin) & (self.time[asked] - self.time[last] <= self.period_ms))
        found = _last_at_least(self.closes[others], self.time[asked[may]], end[may])
        other = others[found]
        good = (found >= begin[may]) & (self.time[asked[may]] - self.time[other] <= self.period_ms)
        of[asked[may[good]]] = other[good]
        return of

    def _nearest(self, asked: Ints, others: Ints, radius_m: Floats, of: Ints) -> None:
        """Fill in the nearest earlier report of its class for each one asked about, class by class."""
        there = dict(_by_class(self.klass, others))
        for number, rows in _by_class(self.klass, asked):
            if number in there:
                self._nearest_of_class(rows, there[number], float(radius_m[number]), of)

    def _nearest_of_class(self, asked: Ints, others: Ints, radius_m: float, of: Ints) -> None:
        """Fill in the nearest of some reports, all of one class."""
        square = _Squares(self.lng[others], self.lat[others], radius_m)
        keys = square.key(self.lng[others], self.lat[others]) * len(self.time) + others
        order = np.argsort(keys)
        keys, others = keys[order], others[order]
        earliest = np.searchsorted(self.time, self.time[asked] - self.period_ms)
        best_m = np.full(len(asked), np.inf)
        best = np.full(len(asked), -1)
        for x, y in _SIDES:
            key = square.key(self.lng[asked], self.lat[asked], x, y) * len(self.time)
            begin = np.searchsorted(keys, key + earliest)
            end = np.maximum(np.searchsorted(keys, key + asked), begin)
            for row, member in _pairs(begin, end - begin):
                other = others[member]
                open_ = np.flatnonzero(self.closes[other] >= self.time[asked[row]])
                row, other = row[open_], other[open_]
                metres = self._metres(asked[row], other)
                near = np.flatnonzero(metres <= radius_m)
                row, other, metres = row[near], other[near], metres[near]
                row, other, metres = _least(row, other, metres)
                better = (metres < best_m[row]) | ((metres == best_m[row]) & (other > best[row]))
                best[row[better]], best_m[row[better]] = other[better], metres[better]
        of[asked] = best

    def _metres(self, report: Ints, other: Ints) -> Floats:
        return metres_between(self.lng[report], self.lat[report], self.lng[other], self.lat[other])


class _Squares:
    """Squares of a plane, so wide that what lies within a radius of a point is in its own or the next one."""

    def __init__(self, lng: Floats, lat: Floats, radius_m: float) -> None:
        farthest = np.abs(lat).max() + radius_m / metres_per_degree(0.0)[1]
        # Degrees of longitude are shortest next to the pole, those of latitude next to the equator.
        per = max(metres_per_degree(min(farthest, 90.0))[0], _LEAST_M), metres_per_degree(0.0)[1]
        reach_m = radius_m * _SLACK + _ROUNDING_M
        self._low = float(lng.min()), float(lat.min())
        extent = float(np.ptp(lng)), float(np.ptp(lat))
        self._side = tuple(max(reach_m / m, wide / _SQUARES) for m, wide in zip(per, extent, strict=True))

    def key(self, lng: Floats, lat: Floats, x: int = 0, y: int = 0) -> Ints:
        """Return the number of the square so many squares east and north of each point."""
        column, row = (
            np.clip(np.floor((values - low) / side), -2, _SQUARES + 2).astype(np.int64) + 4 + step
            for values, low, side, step in zip((lng, lat), self._low, self._side, (x, y), strict=True)
        )
        number: Ints = column * (_SQUARES + 16) + row
        return number


def _numbered(columns: tuple[npt.NDArray[np.generic], ...]) -> Ints:
    """Return one number for each distinct row of some columns."""
    order = np.lexsort(columns)
    new = np.zeros(len(order), dtype=bool)
    for column in columns:
        new[1:] |= column[order][1:] != column[order][:-1]
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(new)
    return number


def _last_at_least(values: Ints, least: Ints, end: Ints) -> Ints:
    """Return for each question the last position before ``end`` with a value of at least ``least``; else -1.

    The values stand in a tree of maxima, which is climbed until a maximum is large enough, and then
    descended: as many steps for all questions together as the tree has levels, twice.

    Examples
    --------
    >>> _last_at_least(np.array([5, 9, 2, 1]), np.array([3, 6, 1, 10]), np.array([4, 1, 4, 4])).tolist()
    [1, -1, 3, -1]
    """
    levels = [values]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append(np.maximum(below[: len(below) // 2 * 2 : 2], below[1::2]))
    found = np.full(len(end), -1)
    height = np.zeros(len(end), dtype=np.int64)
    left = np.flatnonzero(end > 0)
    stop = end.copy()
    for level, maxima in enumerate(levels):
        # A block that ends where the question stands: an odd number of blocks of this size is left of it.
        odd = left[stop[left] >> level & 1 == 1]
        node = (stop[odd] >> level) - 1
        hit = maxima[node] >= least[odd]
        found[odd[hit]], height[odd[hit]] = node[hit], level
        stop[odd] -= 1 << level
        left = left[(found[left] < 0) & (stop[left] > 0)]
    for level in range(len(levels) - 1, 0, -1):
        at = np.flatnonzero((found >= 0) & (height == level))
        node = found[at] * 2 + 1
        found[at] = node - (levels[level - 1][node] < least[at])
        height[at] = level - 1
    return found


def _by_class(klass: Ints, rows: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield each class with its rows, which keep their order."""
    rows = rows[np.argsort(klass[rows], kind="stable")]
    ends = np.flatnonzero(np.diff(klass[rows], append=-1)) + 1
    for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=False):
        yield int(klass[rows[begin]]), rows[begin:end]


def _pairs(begin: Ints, counts: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield the members of ranges with the number of each one's range, so many at a time as memory allows."""
    total = np.cumsum(counts)
    low = 0
    while low < len(counts):
        before = total[low - 1] if low else 0
        high = max(low + 1, int(np.searchsorted(total, before + _PAIRS, side="right")))
        row, member = ranges(begin[low:high], counts[low:high])
        yield row + low, member
        low = high


def _least(row: Ints, other: Ints, metres: Floats) -> tuple[Ints, Ints, Floats]:
    """Return of each row's pairs the nearest, and of those equally near the latest."""
    order = np.lexsort((-other, metres, row))
    first = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
    return row[first], other[first], metres[first]
