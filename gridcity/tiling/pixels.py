"""A picture of polygons in which a point's polygon is found by reading one pixel.

Most pixels lie in one polygon as a whole and say which. The others, on a border, have a slot: which of
their few polygons hold the centre of the pixel, and the edges that cross it. A polygon holds a point when it
holds the centre and the way from there to the point crosses its edges an even number of times, or the other
way round. The polygons of a slot are bits, so that one edge between two neighbours flips both at once, and
polygons may overlap, leave gaps or meet anywhere.

The edges are rounded to 32 bits. A point so near to an edge, or so much in line with one, that this could
matter is decided on the same way by the edges as they were drawn, with `gridcity.tiling.exact`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gridcity.distance import Edges, ranges
from gridcity.tiling.exact import EDGE, INSIDE, OUTSIDE, positions, sides

__all__ = ["MOST", "SLOT", "Found", "Pixels"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST = 16
"""Polygons of one pixel that have a bit; a pixel with more is crowded, and answered by whole polygons."""

SLOT = np.dtype(
    [
        ("holds", np.uint16),  # bits of the polygons that hold the centre
        ("flips", np.uint16),  # bits that the first edge flips
        ("edges", np.int32),  # how many; below 0 the number of polygons of a crowded pixel
        ("others", np.int32),  # where the edges after the first begin
        ("polygons", np.int32),  # where the polygons begin
        ("edge", np.float32, 4),  # from the centre, in pixels; the centre is on its right
    ]
)

# Points looked up together; the temporaries stay in the processor's own memory.
_CHUNK = 131_072
# Points and polygons of crowded pixels looked at together, some 100 MB.
_PAIRS = 1_000_000
# What a determinant may be off by: three products of coordinates of at most 1.5 pixels in 24 bits.
_DOUBT = np.float32(4e-6)
# The lowest bit of 16, counted from 1.
_LOWEST = np.zeros(1 << MOST, dtype=np.uint8)
for _bit in range(MOST, 0, -1):
    _LOWEST[1 << (_bit - 1) :: 1 << _bit] = _bit


class Found(NamedTuple):
    """What was found for some points.

    Attributes
    ----------
    polygon : int32 array
        Position of the first polygon, -1 for none.
    edge : int64 array
        The points on the border of their polygon; the others are strictly inside theirs.
    overlap : int64 array
        The points strictly inside more than one polygon.
    """

    polygon: npt.NDArray[np.int32]
    edge: Ints
    overlap: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """Pixels over polygons; `gridcity.tiling.drawing.draw` makes them.

    Attributes
    ----------
    frame : float array
        West and south of the picture, and pixels per unit of x and y.
    size : int64 array
        Rows and columns.
    value : int32 array
        Row by row from the south: 0 outside, the polygon's position + 1, or ``~slot`` on a border.
    slots : array of `SLOT`
    others : float32 array of shape (n, 4)
        The edges of slots after the first of each.
    flips : uint16 array
        The bits that these flip.
    drawn : int32 array
        Number of each edge as it was drawn: of each slot the first (0 where it has none), then the others.
    polygons : int32 array
        Of each slot a 0, then position + 1 of its polygons in the order of the edge rule; slots with the
        same polygons may share them.
    edges : Edges
        Those that were drawn.
    """

    frame: Floats
    size: Ints
    value: npt.NDArray[np.int32]
    slots: npt.NDArray[Any]
    others: npt.NDArray[np.float32]
    flips: npt.NDArray[np.uint16]
    drawn: npt.NDArray[np.int32]
    polygons: npt.NDArray[np.int32]
    edges: Edges

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything as arrays by name."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        edges: Edges = found.pop("edges")
        return found | {"xy": edges.xy, "begin": edges.begin, "first": edges.first}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Pixels:
        """Return pixels from what `arrays` has returned."""
        found = dict(arrays)
        edges = Edges.from_arrays(*(found.pop(name) for name in ("xy", "begin", "first")))
        return cls(**found, edges=edges)

    def find(self, lng: Floats, lat: Floats) -> Found:
        """Return the polygon of each point.

        Parameters
        ----------
        lng, lat : float arrays
            In the coordinates of the polygons; NaN is outside.
        """
        polygon = np.empty(len(lng), dtype=np.int32)
        doubtful, several = [], []
        for begin in range(0, len(lng), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            doubts, more = self._look_up(lng[part], lat[part], polygon[part])
            doubtful.append(doubts + begin)
            several.append(more + begin)
        polygon -= 1
        at, overlap = np.concatenate(doubtful or [_NONE]), np.concatenate(several or [_NONE])
        if not len(at):
            return Found(polygon, at, overlap)
        first, on_edge, twice = self._decide(lng[at], lat[at])
        polygon[at] = first
        return Found(polygon, at[on_edge], np.concatenate([overlap, at[twice]]))

    def alone(self, lng: Floats, lat: Floats, reach: tuple[float, float]) -> Ints:
        """Return the position of the polygon that alone takes all the room around each point.

        Parameters
        ----------
        lng, lat : float arrays
            In the coordinates of the polygons; finite.
        reach : tuple of float
            How far the room reaches to either side of a point, along x and along y.

        Returns
        -------
        int64 array
            Where it is -1, several polygons may be in the room, or none. It is -1 for all points where the
            room is larger than a pixel.
        """
        if 2 * max(abs(reach[0] * self.frame[2]), abs(reach[1] * self.frame[3])) > 1:
            return np.full(len(lng), -1, dtype=np.int64)
        # The corners of the room lie in all the pixels that it meets.
        columns = [self._across(lng + x, 0)[1] for x in (-reach[0], reach[0])]
        rows = [self._across(lat + y, 1)[1] * self.size[1] for y in (-reach[1], reach[1])]
        first = self.value.take(rows[0] + columns[0])
        there = first > 0
        for row, column in ((rows[0], columns[1]), (rows[1], columns[0]), (rows[1], columns[1])):
            there &= self.value.take(row + column) == first
        return np.where(there, first, 0).astype(np.int64) - 1

    def _look_up(self, lng: Floats, lat: Floats, value: npt.NDArray[np.int32]) -> tuple[Ints, Ints]:
        """Fill in position + 1 of each point; return the points in doubt and those in several polygons."""
        x, column = self._across(lng, 0)
        y, row = self._across(lat, 1)
        row *= self.size[1]
        row += column
        self.value.take(row, out=value, mode="wrap")
        at = np.flatnonzero(value < 0)
        slots = self._take_slots(~value.take(at))
        px, py = (_local(p, at) for p in (x, y))
        numbers = slots.view(np.int32).reshape(-1, 8)
        bits = slots.view(np.uint16).reshape(-1, 16)
        holds = bits[:, 0].copy()
        doubt = _cross(px, py, slots.view(np.float32).reshape(-1, 8)[:, 4:], bits[:, 1], holds)
        more = np.flatnonzero(numbers[:, 1] > 1)
        left, place = numbers[:, 1].take(more), numbers[:, 2].take(more)
        edges = self.others.view(np.complex128).ravel()
        while len(more):
            edge = edges.take(place, mode="wrap").view(np.float32).reshape(-1, 4)
            flipped = holds.take(more)
            doubt[more] |= _cross(
                px.take(more), py.take(more), edge, self.flips.take(place, mode="wrap"), flipped
            )
            holds[more] = flipped
            left -= 1
            on = np.flatnonzero(left > 1)
            more, left, place = more.take(on), left.take(on), place.take(on) + 1
        value[at] = self.polygons.take(numbers[:, 3] + _LOWEST.take(holds), mode="wrap")
        several = at.take(np.flatnonzero((holds & (holds - np.uint16(1)) > 0) & ~doubt))
        return at.take(np.flatnonzero(doubt)), several

    def _take_slots(self, number: npt.NDArray[np.int32]) -> npt.NDArray[Any]:
        # Plain bytes are taken faster than records.
        return self.slots.view("V32").take(number, mode="wrap").view(SLOT)

    def _across(self, coordinate: Floats, axis: int) -> tuple[Floats, Ints]:
        """Return coordinates in pixels, and the row or column; what is outside goes to the empty rim."""
        # What is no coordinate at all may be too large a number in pixels.
        with np.errstate(over="ignore"):
            p = coordinate - self.frame[axis]
            p *= self.frame[2 + axis]
        # fmax passes over NaN.
        np.fmax(p, 0.0, out=p)
        np.minimum(p, self.size[1 - axis] - 1, out=p)
        return p, p.astype(np.int64)

    def _decide(self, lng: Floats, lat: Floats) -> tuple[Ints, Ints, Ints]:
        """Return the polygon of points in doubt, and which are on its border or in several."""
        row, column = self._across(lat, 1)[1], self._across(lng, 0)[1]
        number = ~self.value[row * self.size[1] + column]
        slots = self._take_slots(number)
        centre: Floats = (np.column_stack([column, row]) + 0.5) / self.frame[2:] + self.frame[:2]
        point, place = ranges(number + slots["others"], np.maximum(slots["edges"], 0))
        begin, end = self.edges.ends(self.drawn.take(place))
        crossed, on_edge = _way(centre[point], np.column_stack([lng[point], lat[point]]), begin, end)
        further = place - number[point] - slots["others"][point]
        flips = self.flips.take(slots["others"][point] + further - 1, mode="clip")
        flips = np.where(further > 0, flips, slots["flips"][point])
        holds, borders = slots["holds"].copy(), np.zeros(len(slots), dtype=np.uint16)
        np.bitwise_xor.at(holds, point[crossed], flips[crossed])
        np.bitwise_or.at(borders, point[on_edge], flips[on_edge])
        strict, lowest = holds & ~borders, _LOWEST[holds | borders]
        polygon = self.polygons[slots["polygons"] + lowest].astype(np.int64) - 1
        on_border = borders >> np.maximum(lowest, 1) - 1 & 1 == 1
        several = strict & (strict - np.uint16(1)) > 0
        crowded = np.flatnonzero(slots["edges"] < 0)
        if len(crowded):
            answers = self._decide_crowded(lng[crowded], lat[crowded], slots[crowded])
            polygon[crowded], on_border[crowded], several[crowded] = answers
        return polygon, np.flatnonzero(on_border), np.flatnonzero(several)

    def _decide_crowded(
        self, lng: Floats, lat: Floats, slots: npt.NDArray[Any]
    ) -> tuple[Ints, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return the polygon of points, whether they are on its border and whether in several."""
        found, on_border = np.full(len(lng), -1, dtype=np.int64), np.zeros(len(lng), dtype=bool)
        several = np.zeros(len(lng), dtype=bool)
        west, south, east, north = self.edges.boxes.T.copy()
        # One cell far from all others makes pixels so large that thousands lie in one.
        total = np.cumsum(-slots["edges"].astype(np.int64))
        begin = 0
        while begin < len(lng):
            before = total[begin - 1] if begin else 0
            end = max(begin + 1, int(np.searchsorted(total, before + _PAIRS, side="right")))
            part, begin = slice(begin, end), end
            x, y = lng[part], lat[part]
            point, place = ranges(slots["polygons"][part] + 1, -slots["edges"][part])
            polygon = self.polygons.take(place).astype(np.int64) - 1
            for low, high, p in ((south, north, y), (west, east, x)):
                here = p.take(point)
                boxed = np.flatnonzero((low.take(polygon) <= here) & (here <= high.take(polygon)))
                point, polygon = point[boxed], polygon[boxed]
            where = positions(x[point], y[point], polygon, self.edges)
            covers = np.flatnonzero(where != OUTSIDE)
            first = covers[np.flatnonzero(np.diff(point[covers], prepend=-1))]
            found[part][point[first]] = polygon[first]
            on_border[part][point[first]] = where[first] == EDGE
            several[part] = np.bincount(point[where == INSIDE], minlength=len(x)) > 1
        return found, on_border, several


_NONE = np.empty(0, dtype=np.int64)


def _way(
    centre: Floats, point: Floats, begin: Floats, end: Floats
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return whether the way from a centre to a point crosses an edge, and whether the point is on it."""
    side = sides(*point.T, *begin.T, *end.T)
    within = (point >= np.minimum(begin, end)).all(axis=1) & (point <= np.maximum(begin, end)).all(axis=1)
    crossed = (side != 0) & (side != sides(*centre.T, *begin.T, *end.T))
    opposite = np.flatnonzero(crossed)
    way = *centre[opposite].T, *point[opposite].T
    # An end that lies on the way counts as left of it, for both of the edges that meet there.
    begins, ends = (sides(*xy[opposite].T, *way) >= 0 for xy in (begin, end))
    crossed[opposite] = begins != ends
    return crossed, (side == 0) & within


def _local(p: Floats, at: Ints) -> npt.NDArray[np.float32]:
    """Return some coordinates from the centre of their pixel."""
    chosen = p.take(at)
    chosen -= np.floor(chosen)
    chosen -= 0.5
    return chosen.astype(np.float32)


def _cross(px: Any, py: Any, edge: Any, flips: Any, holds: Any) -> npt.NDArray[np.bool_]:
    """Flip the bits of the edges that lie between the centre and each point; return which are in doubt."""
    ax, ay, bx, by = edge.T
    # On which sides of the way the ends of the edge lie, and on which side of the edge the point.
    a = px * ay - py * ax
    b = px * by - py * bx
    side = ax * by - ay * bx + a - b
    holds ^= np.where((a >= 0) & (b < 0) & (side > 0), flips, np.uint16(0))
    doubt: npt.NDArray[np.bool_] = np.minimum(np.minimum(np.abs(a), np.abs(b)), np.abs(side)) < _DOUBT
    return doubt
