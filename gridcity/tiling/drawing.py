"""Drawing polygons as pixels: the frame, the lines, the fill; then `gridcity.tiling.slots`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridcity.distance import Edges, ranges
from gridcity.tiling.pixels import Pixels
from gridcity.tiling.slots import Crossings, Lines, Several, make_slots

__all__ = ["draw"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# A cell of a hectare with a dozen edges gets 84 pixels of some 11 m, and with all that belongs to them takes
# 1.5 kB. Twice as many would make a lookup a tenth faster and the whole half as large again.
_PER_POLYGON = 60
_PER_EDGE = 7
# At least a picture that costs nothing; at most 256 MiB.
_FEWEST, _PIXELS = 2**16, 2**26
# Long edges cross many pixels: pixels are made larger until an edge crosses so many on average.
_CROSSED = 24
# Pixels are this much larger, in their own size, when it is asked which edges cross them.
_SLACK = 1e-6
# Lines looked at together.
_CHUNK = 2**19


def draw(edges: Edges, rank: Ints, fewest: int = _FEWEST) -> Pixels:
    """Return polygons as pixels.

    Parameters
    ----------
    edges : Edges
        Of polygons and multipolygons, in any plane coordinates; they may overlap, leave gaps, have
        holes and meet anywhere.
    rank : int array
        The order of the polygons by the edge rule.
    fewest : int, optional
        Of pixels, about, however few polygons there are; each takes 4 bytes.
    """
    frame, size = _frame(edges, fewest)
    lines = _lines(edges, frame)
    crossings = _crossings(lines, size)
    value, several = _fill(edges, frame, size)
    slotted = make_slots(lines, crossings, value, several, size, rank)
    return Pixels(frame, size, value, *slotted, edges)


def _frame(edges: Edges, fewest: int) -> tuple[Floats, Ints]:
    """Return the frame and the size of `Pixels`."""
    low, high = edges.xy.min(axis=0), edges.xy.max(axis=0)
    extent = np.maximum(high - low, np.spacing(np.abs(high) + np.abs(low)) * 2**20)
    begin, end = edges.ends(np.arange(len(edges)))
    reach = np.maximum(np.abs(end - begin).sum(axis=0), extent / _PIXELS)
    wanted = min(max(_PER_POLYGON * (len(edges.first) - 1), _PER_EDGE * len(edges), fewest), _PIXELS)
    # Pixels are as much wider than high as edges are: squares on the ground, whatever the coordinates.
    columns = np.clip(np.sqrt(wanted * (extent / reach)[0] / (extent / reach)[1]), 1.0, wanted)
    pixel = extent / (columns, wanted / columns)
    while (reach / pixel).sum() > _CROSSED * len(edges):
        pixel *= 1.5
    # The rim of one pixel and more belongs to no polygon; the uneven part keeps borders that lie on round
    # numbers off the centres.
    corner = low - 1.1234567 * pixel
    size = np.floor((high - corner) / pixel).astype(np.int64) + 2
    return np.concatenate([corner, 1 / pixel]), size[::-1].copy()


def _lines(edges: Edges, frame: Floats) -> Lines:
    begin, end = edges.ends(np.arange(len(edges)))
    turned = (begin[:, 1] > end[:, 1]) | ((begin[:, 1] == end[:, 1]) & (begin[:, 0] > end[:, 0]))
    low = np.where(turned[:, None], end, begin)
    # As they are, not in pixels: there two that differ in their last bits may have become one, and a point
    # in doubt is decided by the edge itself.
    ends = np.concatenate([low, np.where(turned[:, None], begin, end)], axis=1)
    polygon = np.repeat(np.arange(len(edges.first) - 1), np.diff(edges.first))
    # Sorting by a mixture of all bits brings equal edges together. Two others with one mixture may stay
    # apart: an edge that is listed twice, each time for one polygon, is right as well.
    mixture = np.zeros(len(ends), dtype=np.uint64)
    for column in ends.T:
        mixture = (mixture ^ np.ascontiguousarray(column).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixture ^= mixture >> np.uint64(29)
    order = np.argsort(mixture)
    alike = ends[order]
    first = np.flatnonzero(np.append(True, (alike[1:] != alike[:-1]).any(axis=1)))
    counts = np.diff(np.append(first, len(order)))
    # Back to the order of the polygons: neighbours in memory are neighbours in the city.
    back = np.argsort(order[first])
    first, counts = first[back], counts[back]
    _, member = ranges(first, counts)
    drawn = order[first]
    ax, ay, bx, by = ((ends[drawn].reshape(-1, 2) - frame[:2]) * frame[2:]).reshape(-1, 4).T.copy()
    total = np.append(0, np.cumsum(counts))
    return Lines(ax, ay, bx, by, polygon[order[member]], total, drawn.astype(np.int32))


def _crossings(lines: Lines, size: Ints) -> Crossings:
    """Return all pairs of a line and a pixel it passes through."""
    keys = [
        _crossed(lines, begin, min(begin + _CHUNK, len(lines.ax)), size)
        for begin in range(0, len(lines.ax), _CHUNK)
    ]
    key = np.concatenate(keys)
    del keys
    key.sort()
    return Crossings(*np.divmod(key, len(lines.ax)))


def _crossed(lines: Lines, begin: int, end: int, size: Ints) -> Ints:
    """Return ``pixel * number of lines + line`` of the pixels that some lines pass through."""
    ax, ay, bx, by = (column[begin:end] for column in (lines.ax, lines.ay, lines.bx, lines.by))
    lowest, highest = np.floor(ay - _SLACK).astype(np.int64), np.floor(by + _SLACK).astype(np.int64)
    line, row = ranges(lowest, highest - lowest + 1)
    # The part of the line in the row, from its lower to its upper end.
    ax, ay, bx, by = ax[line], ay[line], bx[line], by[line]
    low, high = np.maximum(ay, row - _SLACK), np.minimum(by, row + 1 + _SLACK)
    slope = np.divide(bx - ax, by - ay, out=np.zeros_like(ax), where=by > ay)
    west, east = np.minimum(ax, bx), np.maximum(ax, bx)
    one = np.where(by > ay, ax + (low - ay) * slope, ax)
    other = np.where(by > ay, ax + (high - ay) * slope, bx)
    left = np.floor(np.maximum(np.minimum(one, other), west) - _SLACK).astype(np.int64)
    right = np.floor(np.minimum(np.maximum(one, other), east) + _SLACK).astype(np.int64)
    part, column = ranges(left, np.maximum(right - left + 1, 0))
    key: Ints = (row[part] * size[1] + column) * len(lines.ax) + (line[part] + begin)
    return key


def _fill(edges: Edges, frame: Floats, size: Ints) -> tuple[npt.NDArray[np.int32], Several]:
    """Return the polygon + 1 of the centre of each pixel, 0 for none, and the centres that have several."""
    polygon, row, begin, end = _spans(edges, frame, size)
    pixels = int(size[0] * size[1])
    left, right = row * size[1] + begin, row * size[1] + end
    # Along a row, what has begun less what has ended; modulo 2**32 the sum of one polygon is itself.
    value = np.zeros(pixels, dtype=np.int32)
    number = (polygon + 1).astype(np.int32)
    np.add.at(value, left, number)
    np.subtract.at(value, right, number)
    np.cumsum(value, out=value)
    count = np.zeros(pixels, dtype=np.int32)
    once = np.ones(len(left), dtype=np.int32)
    np.add.at(count, left, once)
    np.subtract.at(count, right, once)
    np.cumsum(count, out=count)
    several = np.flatnonzero(count > 1)
    value[several] = 0
    if not len(several):
        return value, Several(several, several)
    # The spans that hold one of them, and in each of these all that it holds.
    low, high = np.searchsorted(several, left), np.searchsorted(several, right)
    held, place = ranges(low, high - low)
    order = np.argsort(place, kind="stable")
    return value, Several(several[place[order]], polygon[held[order]])


def _spans(edges: Edges, frame: Floats, size: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return polygon, row, and columns from and to of all runs of centres inside a polygon."""
    polygon = np.repeat(np.arange(len(edges.first) - 1), np.diff(edges.first))
    keys = []
    for first in range(0, len(edges), _CHUNK):
        number = np.arange(first, min(first + _CHUNK, len(edges)))
        begin, end = ((xy - frame[:2]) * frame[2:] for xy in edges.ends(number))
        edge, row, column = _passed(begin, end, size)
        keys.append((polygon[number[edge]] * size[0] + row) * size[1] + column)
    # Sorted, the crossings of one polygon in one row are pairs: in and out.
    key = np.concatenate(keys)
    key.sort()
    line, column = np.divmod(key, size[1])
    of, row = np.divmod(line[::2], size[0])
    return of, row, column[::2], column[1::2]


def _passed(begin: Floats, end: Floats, size: Ints) -> tuple[Ints, Ints, Ints]:
    """Return for each row of centres that an edge crosses the first centre to the right of the crossing."""
    # A level edge crosses no row; each edge owns its lower end.
    rows = np.ceil(np.stack([begin[:, 1], end[:, 1]]) - 0.5).astype(np.int64)
    low, high = rows.min(axis=0), rows.max(axis=0)
    edge, row = ranges(low, high - low)
    (ax, ay), (bx, by) = begin[edge].T, end[edge].T
    x = ax + (row + 0.5 - ay) * ((bx - ax) / (by - ay))
    return edge, row, np.clip(np.ceil(x - 0.5).astype(np.int64), 0, size[1] - 1)
