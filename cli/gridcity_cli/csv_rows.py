"""Points in as CSV: lines by the block, plain ones as columns and every other by a careful reader."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import compress

import numpy as np
import numpy.typing as npt

from gridcity.errors import ArgumentError
from gridcity.intake.delimited import COORDINATE_NAMES
from gridcity_cli.csv_text import line_text
from gridcity_cli.lines import Block, Lines
from gridcity_cli.plain_lines import Layout, plain_lines
from gridcity_cli.rows import LARGEST, Chunk, Reader, Row, bad_row

__all__ = ["CsvRows"]

# Bytes read together: with fewer the work that each block costs would show, with more its rows would be
# too many to be held.
_FEWEST, _MOST = 65_536, 16 * 2**20
# Cells that are quoted as a whole or hold nothing that must be: a line of them is read as it stands.
_CELL = r'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_WELL_FORMED = re.compile(f"{_CELL}(?:,{_CELL})*+")


class CsvRows:
    """The rows of a CSV with a header.

    Parameters
    ----------
    lines : Lines
        None of them has been read.
    reader : Reader
        Its ``taken`` is given the columns of the coordinates.

    Attributes
    ----------
    columns : list of str
        The header.

    Raises
    ------
    ArgumentError
        The first line is no header, or has no columns of coordinates.
    """

    def __init__(self, lines: Lines, reader: Reader) -> None:
        first = next(lines)
        delimiter = max(",;\t", key=first.count)
        try:
            self.columns = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
        except csv.Error as error:
            raise ArgumentError(
                "The first line cannot be read as the header of a CSV.",
                hint="Save the rows as CSV with a header, one row a line.",
            ) from error
        x, y = _column(self.columns, reader.x, 0), _column(self.columns, reader.y, 1)
        reader.taken[f"{self.columns[x]}, {self.columns[y]}"] = None
        klass, condition = (
            _column(self.columns, field, 0) if field else -1
            for field in (reader.class_field, reader.condition_field)
        )
        limits = (180.0, 90.0) if reader.degrees else (LARGEST, LARGEST)
        self._layout = Layout(delimiter, len(self.columns), x, y, klass, condition, limits)
        self._lines, self._reader = lines, reader

    def chunks(self, size: int, eager: bool) -> Iterator[Chunk]:
        """Yield about ``size`` rows at once; when eager, those that have come."""
        head = self._lines.head
        block_size = size * len(head) // max(head.count(b"\n"), 1)
        block_size = min(max(block_size, _FEWEST), _MOST)
        first = self._lines.number + 1
        while block := self._lines.block(block_size, eager=eager):
            yield self._chunk(block, first)
            # A record that the block broke off in has taken the lines it needed.
            first = self._lines.number + 1

    def _chunk(self, block: Block, first: int) -> Chunk:
        """Return the rows of a block whose first line has this number."""
        delimiter, ended = self._layout.delimiter, block.text.endswith("\n")
        found = plain_lines(block.raw if ended else block.raw + b"\n", self._layout)
        lines = _split(block.text)
        own = lines.copy()
        if delimiter != "," or b"\r" in block.raw:
            # Plain lines are given back with commas, and without what stands before their breaks.
            text = block.text if ended else block.text + "\n"
            own = _split(text.replace("\r\n", "\n").replace(delimiter, ","))
        kept = found.plain
        kept[list(block.problems)] = False
        errors: dict[int, str] = {}
        feed = _Feed(lines, ended, block.problems, self._lines)
        records = csv.reader(feed, delimiter=delimiter)
        for i in np.flatnonzero(~kept).tolist():
            if i < feed.at:
                continue  # a line of the record before
            feed.go_to(i)
            record = self._careful(records, feed, first + i)
            kept[i + 1 : feed.at] = False
            if record is None:
                continue
            kept[i] = True
            own[i], row = record
            found.lng[i], found.lat[i] = row.lng, row.lat
            if found.classes is not None:
                found.classes[i] = row.class_text
            if found.conditions is not None:
                found.conditions[i] = row.condition
            if row.error:
                errors[i] = row.error
        numbers = range(first, first + len(own))
        texts = found.classes, found.conditions
        return _kept(Chunk(own, numbers, found.lng, found.lat, *texts, errors), kept)

    def _careful(self, records: Iterator[list[str]], feed: _Feed, line: int) -> tuple[str, Row] | None:
        """Return the next record as CSV and as a row, None for a blank line."""
        layout, error = self._layout, ""
        width = layout.width
        try:
            cells = next(records)
        except csv.Error as wrong:
            cells, error = [], str(wrong)
        if not (cells or error or feed.problem):
            return None
        came = "".join(feed.given).rstrip("\r\n")
        if layout.delimiter != "," or len(cells) != width or not _WELL_FORMED.fullmatch(came):
            came = line_text((cells + [""] * width)[:width])
        if feed.problem:
            error = feed.problem
        elif len(cells) != width and not error:
            more = f": also {', '.join(map(repr, cells[width:]))}" if len(cells) > width else ""
            error = f"{len(cells)} cells where the header has {width}{more}"
        if error:
            return came, bad_row(line, cells, error)
        texts = (cells[column] if column >= 0 else "" for column in (layout.klass, layout.condition))
        return came, self._reader.row(line, cells, cells[layout.x], cells[layout.y], *texts)


class _Feed(Iterator[str]):
    """The lines of a block for a csv reader, from wherever it is told to go, and those after the block.

    Attributes
    ----------
    at : int
        Position of the next line.
    given : list of str
        The lines given since it was told to go.
    problem : str
        What was wrong with the bytes of the first bad one among them.
    """

    def __init__(self, lines: list[str], ended: bool, problems: dict[int, str], rest: Lines) -> None:
        self.at = 0
        self.given: list[str] = []
        self.problem = ""
        self._lines, self._ended, self._problems, self._rest = lines, ended, problems, rest

    def go_to(self, position: int) -> None:
        """Continue with the line at a position."""
        self.at, self.given, self.problem = position, [], ""

    def __next__(self) -> str:
        at = self.at
        if at < len(self._lines):
            unbroken = at == len(self._lines) - 1 and not self._ended
            text, problem = self._lines[at] + ("" if unbroken else "\n"), self._problems.get(at, "")
        else:
            text = next(self._rest)
            problem = self._rest.problem
        self.at += 1
        self.given.append(text)
        self.problem = self.problem or problem
        return text


def _split(text: str) -> list[str]:
    """Return lines without their breaks."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _kept(chunk: Chunk, kept: npt.NDArray[np.bool_]) -> Chunk:
    """Return the rows that are any; a blank line or the second one of a record is none."""
    if kept.all():
        return chunk
    position = np.cumsum(kept) - 1
    chosen = kept.tolist()
    return Chunk(
        list(compress(chunk.own, chosen)),
        list(compress(chunk.lines, chosen)),
        chunk.lng[kept],
        chunk.lat[kept],
        None if chunk.classes is None else list(compress(chunk.classes, chosen)),
        None if chunk.conditions is None else list(compress(chunk.conditions, chosen)),
        {int(position[i]): error for i, error in chunk.errors.items()},
    )


def _column(columns: Sequence[str], name: str, axis: int) -> int:
    """Return where a column is: the one named, else the known names of an axis."""
    folded = [column.casefold() for column in columns]
    if name:
        if name in columns:
            return columns.index(name)
        raise ArgumentError(f"The input has no column {name!r}.", hint=f"Its columns: {', '.join(columns)}.")
    for pair in COORDINATE_NAMES:
        if pair[0] in folded and pair[1] in folded:
            return folded.index(pair[axis])
    raise ArgumentError(
        "The first line of the CSV names no columns of longitude and latitude.",
        hint=f"Name them with --x and --y. The first line: {', '.join(columns)}.",
    )
