"""The lines of a CSV that need no CSV reader, found in a block of bytes at once.

A line is plain when it has as many cells as the header, quotes only whole cells, and both coordinates are
digits, a point and a sign, within their limits. All else is left to the careful reader, so that what is
said of a bad row is said in one place. A line among those of a quoted cell may look plain too: the careful
reader, which meets the line where that cell begins, knows better.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridcity_cli.decimals import read_decimals

__all__ = ["Layout", "PlainLines", "plain_lines"]

_BREAK, _RETURN, _QUOTE, _COMMA = b'\n\r",'

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of every line.

    Attributes
    ----------
    delimiter : str
        Between cells: one character of ASCII.
    width : int
        Number of cells.
    x, y : int
        Positions of the coordinates.
    klass, condition : int
        Positions of the class and the condition; -1 for none.
    limits : tuple of float
        How far from zero both coordinates may be.
    """

    delimiter: str
    width: int
    x: int
    y: int
    klass: int
    condition: int
    limits: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PlainLines:
    """What was read, a value for each line of the block.

    Attributes
    ----------
    plain : bool array
    lng, lat : float arrays
        NaN where a line is not plain.
    classes, conditions : list of str, optional
        Empty where a line is not plain; None when the layout has no such column.
    """

    plain: npt.NDArray[np.bool_]
    lng: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    classes: list[str] | None
    conditions: list[str] | None = None


def plain_lines(raw: bytes, layout: Layout) -> PlainLines:
    """Return the plain lines of a text.

    Parameters
    ----------
    raw : bytes
        UTF-8, each line with its break.
    layout : Layout
    """
    text = np.frombuffer(raw, dtype=np.uint8)
    cuts = _cuts(raw, text, layout)
    # A cut is where a cell ends; the last one of a line is its break.
    last = np.flatnonzero(text[cuts] == _BREAK)
    breaks = cuts[last]
    plain = np.diff(last, prepend=-1) == layout.width
    plain &= np.diff(breaks, prepend=-1) <= csv.field_size_limit()
    plain[np.searchsorted(breaks, _obstacles(raw, text, layout))] = False
    at = np.flatnonzero(plain)
    cuts = np.concatenate([[-1], cuts])
    before = last[at] - (layout.width - 1)

    def cells(column: int) -> tuple[Ints, Ints]:
        start, end = cuts[before + column] + 1, cuts[before + column + 1]
        if column == layout.width - 1:
            end = end - ((end > start) & (text[end - 1] == _RETURN))
        quoted = text[start] == _QUOTE
        return start + quoted, end - quoted

    lng, lng_plain = read_decimals(text, *cells(layout.x))
    lat, lat_plain = read_decimals(text, *cells(layout.y))
    good = lng_plain & lat_plain & (np.abs(lng) <= layout.limits[0]) & (np.abs(lat) <= layout.limits[1])
    plain[at[~good]] = False

    def texts(column: int) -> list[str] | None:
        if column < 0:
            return None
        found = [""] * len(plain)
        start, end = cells(column)
        for line, i, j in zip(at[good].tolist(), start[good].tolist(), end[good].tolist(), strict=True):
            found[line] = raw[i:j].decode(errors="surrogatepass").replace('""', '"')
        return found

    places = _spread(lng[good], plain), _spread(lat[good], plain)
    return PlainLines(plain, *places, texts(layout.klass), texts(layout.condition))


def _cuts(raw: bytes, text: Bytes, layout: Layout) -> Ints:
    """Return the places of line breaks, and of delimiters that are not quoted within their line."""
    cut = (text == ord(layout.delimiter)) | (text == _BREAK)
    if b'"' not in raw:
        return np.flatnonzero(cut)
    marks = np.flatnonzero(cut | (text == _QUOTE))
    kind = text[marks]
    cuts: Ints = marks[(kind == _BREAK) | ((kind != _QUOTE) & ~_open(kind))]
    return cuts


def _open(kind: Bytes) -> npt.NDArray[np.bool_]:
    """Return after which marks a quotation of their line is open; the last of them is a line break."""
    quotes = np.cumsum(kind == _QUOTE)
    ends = np.flatnonzero(kind == _BREAK)
    # How many marks stand before the line of each.
    lengths = np.diff(ends, prepend=-1)
    before = np.repeat(np.concatenate([[0], quotes[ends[:-1]]]), lengths)
    opened: npt.NDArray[np.bool_] = (quotes - before) % 2 == 1
    return opened


def _obstacles(raw: bytes, text: Bytes, layout: Layout) -> Ints:
    """Return places that keep their line from being plain: it would be read or written in another way."""
    places = [np.empty(0, dtype=np.int64)]
    if b"\r" in raw:
        returns = np.flatnonzero(text == _RETURN)
        places.append(returns[text[returns + 1] != _BREAK])
    if layout.delimiter != ",":
        # A line is given back with commas between its cells.
        places.append(np.flatnonzero((text == _COMMA) | (text == _QUOTE)))
    elif b'"' in raw:
        places.append(_odd_quotes(text))
    return np.concatenate(places)


def _odd_quotes(text: Bytes) -> Ints:
    """Return quotation marks that neither enclose a cell nor stand doubled in one, and open line ends."""
    marks = np.flatnonzero((text == _QUOTE) | (text == _BREAK))
    kind = text[marks]
    opened = _open(kind)
    before, after = text[marks - 1], text[np.minimum(marks + 1, len(text) - 1)]
    at_start = (marks == 0) | np.isin(before, (_COMMA, _BREAK, _QUOTE))
    at_end = np.isin(after, (_COMMA, _BREAK, _RETURN, _QUOTE))
    return marks[np.where(kind == _BREAK, opened, ~np.where(opened, at_start, at_end))]


def _spread(values: npt.NDArray[np.float64], where: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    column = np.full(len(where), np.nan)
    column[where] = values
    return column
