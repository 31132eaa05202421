"""What the pixels on a border must know: their polygons, their edges, what holds the centre."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gridcity.distance import ranges
from gridcity.tiling.pixels import MOST, SLOT

__all__ = ["Crossings", "Lines", "Several", "make_slots"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# So far from the centre, in pixels, an edge is cut off.
_REACH = 1.5
# A centre that lies nearer to an edge is not told apart from one on it; twice the area of the triangle
# between the centre and the edge, in pixels.
_CENTRE = 1e-6
# Slots made together; the temporaries stay small.
_CHUNK = 2**16
# The edges of a slot are numbered with eight bits; the last number stands for the centre.
_BITS = 8
_CENTRE_NUMBER = 2**_BITS - 1


class Lines(NamedTuple):
    """The different edges, in pixels, the lower end first, and the polygons of each."""

    ax: Floats
    ay: Floats
    bx: Floats
    by: Floats
    polygon: Ints
    """The polygons, those of one line together."""
    first: Ints
    """Where those of each line begin, and last their number."""
    drawn: npt.NDArray[np.int32]
    """One of the edges that each line is."""


class Crossings(NamedTuple):
    """All pairs of a pixel and a line that passes through it, by pixel and then by line."""

    pixel: Ints
    line: Ints


class Several(NamedTuple):
    """Pixels whose centre lies in more than one polygon, with each of these."""

    pixel: Ints
    polygon: Ints


class Slotted(NamedTuple):
    """The attributes of `gridcity.tiling.pixels.Pixels` of the same names."""

    slots: npt.NDArray[Any]
    others: npt.NDArray[np.float32]
    flips: npt.NDArray[np.uint16]
    drawn: npt.NDArray[np.int32]
    polygons: npt.NDArray[np.int32]


def make_slots(
    lines: Lines,
    crossings: Crossings,
    value: npt.NDArray[np.int32],
    several: Several,
    size: Ints,
    rank: Ints,
) -> Slotted:
    """Return the slots of all pixels with an edge or with several polygons, and name them in ``value``.

    Parameters
    ----------
    lines, crossings
        The edges, and the pixels they pass through.
    value : int32 array
        Of each pixel the polygon + 1 that holds its centre, 0 for none or several; then ``~slot``.
    several : Several
        The pixels whose centre is held by several.
    size : int array
        Rows and columns of pixels.
    rank : int array
        The order of the polygons by the edge rule.
    """
    place = crossings.pixel[np.append(True, crossings.pixel[1:] != crossings.pixel[:-1])]
    if len(several.pixel):
        place = np.union1d(place, several.pixel)
    order = np.argsort(rank)
    parts: list[Slotted] = []
    listed = 0
    for begin in range(0, len(place), _CHUNK):
        pixels = place[begin : begin + _CHUNK]
        here = slice(*np.searchsorted(crossings.pixel, (pixels[0], pixels[-1] + 1)))
        there = slice(*np.searchsorted(several.pixel, (pixels[0], pixels[-1] + 1)))
        crossed = Crossings(crossings.pixel[here], crossings.line[here])
        held = np.flatnonzero(value[pixels] > 0)
        slot = np.concatenate([held, np.searchsorted(pixels, several.pixel[there])])
        polygon = np.concatenate([value[pixels[held]] - 1, several.polygon[there]])
        members = _members(lines, pixels, crossed, (slot, polygon), rank, order)
        part = _part(lines, pixels, crossed, members, size)
        part.slots["polygons"] += listed
        listed += len(part.polygons)
        parts.append(part)
    slots, others, flips, drawn, polygons = (np.concatenate(column) for column in zip(*parts, strict=True))
    # One more at the end: nothing can be taken from an array of nothing.
    others = np.append(others, np.zeros((1, 4), dtype=np.float32), axis=0)
    flips = np.append(flips, np.zeros(1, dtype=np.uint16))
    further = np.maximum(slots["edges"] - 1, 0)
    slots["others"] = np.cumsum(further) - further
    value[place] = ~np.arange(len(place), dtype=np.int32)
    return Slotted(slots, others, flips, drawn, polygons)


class _Members(NamedTuple):
    """The polygons of some slots."""

    counts: Ints
    """Of each slot."""
    begin: Ints
    """Where in ``polygons`` those of each slot begin."""
    holds: npt.NDArray[np.uint16]
    flips: npt.NDArray[np.uint16]
    """Of each crossing."""
    polygons: npt.NDArray[np.int32]
    """As in `gridcity.tiling.pixels.Pixels`."""


def _part(lines: Lines, pixels: Ints, crossings: Crossings, members: _Members, size: Ints) -> Slotted:
    """Return the slots of some pixels; where their polygons and further edges begin comes later."""
    slot = np.searchsorted(pixels, crossings.pixel)
    counts = np.bincount(slot, minlength=len(pixels))
    edges, beside = _local(lines, crossings, size)
    crowded = (members.counts > MOST) | (counts >= _CENTRE_NUMBER)
    crowded[slot[beside]] = True
    slots = np.zeros(len(pixels), dtype=SLOT)
    slots["holds"], slots["polygons"] = members.holds, members.begin
    # An edge that no way from the centre reaches. A crowded slot is left with an edge of no length, which
    # puts every point in doubt.
    slots["edge"][~crowded] = (_REACH, -_REACH, _REACH, _REACH)
    slots["edges"][crowded] = -members.counts[crowded]
    full = (counts > 0) & ~crowded
    first = (np.cumsum(counts) - counts)[full]
    slots["edges"][full], slots["edge"][full] = counts[full], edges[first]
    slots["flips"][full] = members.flips[first]
    kept = full[slot]
    line = lines.drawn[crossings.line[kept]]
    begin = np.maximum(slots["edges"], 0)
    drawn = np.insert(line, (np.cumsum(begin) - begin)[~full], 0)
    kept[first] = False
    return Slotted(slots, edges[kept], members.flips[kept], drawn, members.polygons)


def _members(
    lines: Lines, pixels: Ints, crossings: Crossings, held: tuple[Ints, Ints], rank: Ints, order: Ints
) -> _Members:
    """Give the polygons of each slot their bits.

    ``held`` are pairs of a slot and a polygon that holds its centre; ``order`` has the polygons in the order
    of the edge rule.
    """
    slot = np.searchsorted(pixels, crossings.pixel)
    start = np.searchsorted(slot, np.arange(len(pixels)))
    local = np.minimum(np.arange(len(slot)) - start[slot], _CENTRE_NUMBER - 1)
    crossing, member = ranges(lines.first[crossings.line], np.diff(lines.first)[crossings.line])
    # One number a polygon in a slot, in the order of the edge rule, and within it one an edge.
    of_edges = _key(slot[crossing], rank[lines.polygon[member]], local[crossing], len(order))
    of_centres = _key(held[0], rank[held[1]], _CENTRE_NUMBER, len(order))
    key = np.sort(np.concatenate([of_edges, of_centres]), kind="stable")
    new = np.append(True, (key[1:] >> _BITS) != (key[:-1] >> _BITS))
    of, ranked = np.divmod(key[new] >> _BITS, len(order))
    counts = np.bincount(of, minlength=len(pixels))
    begin = np.cumsum(counts) - counts
    # An edge that one polygon has twice flips nothing.
    single = np.append(True, key[1:] != key[:-1]) & np.append(key[1:] != key[:-1], True)
    number, local = (np.cumsum(new) - 1)[single], key[single] & _CENTRE_NUMBER
    bit = (1 << np.minimum(number - begin[of[number]], MOST - 1)).astype(np.uint16)
    centre = local == _CENTRE_NUMBER
    holds, flips = np.zeros(len(pixels), dtype=np.uint16), np.zeros(len(slot), dtype=np.uint16)
    np.add.at(holds, of[number[centre]], bit[centre])
    np.add.at(flips, start[of[number[~centre]]] + local[~centre], bit[~centre])
    polygons, place = _lists(counts, begin, ranked, order)
    return _Members(counts, place, holds, flips, polygons)


def _lists(counts: Ints, begin: Ints, ranked: Ints, order: Ints) -> tuple[npt.NDArray[np.int32], Ints]:
    """Return the polygons of some slots behind one another, and where those of each begin.

    Pixels along one border have the same two polygons, and share them.
    """
    pair = ranked[begin] * len(order) + ranked[begin + counts - 1]
    alike = np.where(counts <= 2, pair, -1 - np.arange(len(counts)))
    _, one, back = np.unique(alike, return_index=True, return_inverse=True)
    size = counts[one] + 1
    start = np.cumsum(size) - size
    which, member = ranges(begin[one], counts[one])
    polygons = np.zeros(int(size.sum()), dtype=np.int32)
    polygons[np.arange(len(which)) + which + 1] = order[ranked[member]] + 1
    return polygons, start[back]


def _key(slot: Ints, rank: Ints, local: Ints | int, polygons: int) -> Ints:
    return (slot * polygons + rank) << _BITS | local


def _local(lines: Lines, crossings: Crossings, size: Ints) -> tuple[npt.NDArray[np.float32], Ints]:
    """Return the line of each crossing from the centre of its pixel; and those that pass by the centre."""
    row, column = np.divmod(crossings.pixel, size[1])
    local = np.stack([ends[crossings.line] for ends in lines[:4]])
    local[::2] -= column + 0.5
    local[1::2] -= row + 0.5
    _cut(local[:2], local[2:])
    _cut(local[2:], local[:2])
    ax, ay, bx, by = local
    side = ax * by - ay * bx
    left = np.flatnonzero(side > 0)
    local[:, left] = local[:, left][[2, 3, 0, 1]]
    return local.T.astype(np.float32, order="C"), np.flatnonzero(np.abs(side) < _CENTRE)


def _cut(end: Floats, other: Floats) -> None:
    """Move ends that lie too far from the centre along their edges."""
    far = np.flatnonzero(np.abs(end).max(axis=0) > _REACH)
    here, way = end[:, far], other[:, far] - end[:, far]
    over = np.abs(here) - _REACH
    share = np.divide(over, np.abs(way), out=np.zeros_like(over), where=(over > 0) & (way != 0))
    end[:, far] = here + np.clip(share.max(axis=0), 0.0, 1.0) * way
