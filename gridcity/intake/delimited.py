"""Text tables (CSV, TSV, semicolons), with or without the places of their rows.

A file is read line by line into blocks, and each block is turned into columns, so that neither the
text nor the rows of the whole file are ever held beside the columns.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake.gathering import Gathered
from gridcity.intake.geometry import no_geometry
from gridcity.intake.places import COORDINATE_NAMES, find_places
from gridcity.intake.table import Table, column_names, record_numbers
from gridcity.intake.textfile import open_text
from gridcity.intake.unreadable import report_unreadable

__all__ = ["COORDINATE_NAMES", "header_names", "read_delimited"]

_SEPARATORS = ",;\t"
_HEADER_CHARACTERS = 100_000
_BLOCK_ROWS = 20_000
# Ours: the WKT of a polygon of a quarter of a million corners; Python's own limit of 131,072 is one of 3,000.
_LONGEST_FIELD = 10_000_000
# Ours: no note has so many lines; a quotation mark that is never closed does.
_MOST_LINES = 1_000
_PLAIN_NUMBER = re.compile(r"\s*[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?\s*")


@dataclass(slots=True)
class _Ragged:
    """The rows that have another number of values than the header."""

    rows: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)


def read_delimited(
    path: Path,
    *,
    encoding: str | None = None,
    x: str | None = None,
    y: str | None = None,
    geometry: bool = True,
) -> Table:
    """Read a text table whose first line names the columns.

    A row that has another number of values than the header is kept as far as it goes and rejected
    (``record-unreadable``). What makes the number of rows uncertain refuses the file.

    Parameters
    ----------
    path : pathlib.Path
        The file; comma, semicolon or tab separates, by what parts the first line most.
    encoding : str, optional
        Encoding of the text, where the bytes should not decide.
    x, y : str, optional
        Columns of the coordinates, eastward and northward; known names, and WKT, are found without.
    geometry : bool, optional
        Whether the rows have places (default); parties and duties have none.

    Raises
    ------
    SourceError
        The file is binary, has no header, most of its rows have another number of values than the
        header, a quotation mark is not closed, a column's name stands twice, or the columns of the
        coordinates are not named or not to be told.
    """
    with path.open("rb") as opened:
        head = opened.read(4096)
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{path.name} is no text: it begins with {head[:12]!r}.", hint="Export it as CSV.")
    findings = Findings()
    with open_text(path, wanted=encoding) as (file, settled), _long_fields():
        names, gathered, ragged = _gathered(file, path.name)
    rows = record_numbers(gathered.rows)
    findings.add(
        "record-unreadable",
        ragged.rows,
        values=[f"line {line}" for line in ragged.lines],
        reason=[f"it has {n} values, the header {len(names)}" for n in ragged.values],
    )
    columns = report_unreadable(gathered.columns(), rows, settled.name, findings)
    shapes, used = no_geometry(len(rows)), tuple[str, ...]()
    if geometry:
        shapes, used = find_places(columns, rows, x, y, path.name, findings)
    return Table(
        columns=columns,
        geometry=shapes,
        rows=rows,
        layer=path.stem,
        driver="CSV",
        encoding=settled.name,
        evidence=settled.evidence,
        samples=settled.samples,
        coordinate_columns=used,
        findings=findings,
    )


def header_names(cells: Sequence[str], where: str) -> list[str]:
    """Return the names of the columns from the first line of a table.

    Raises
    ------
    SourceError
        The line names nothing but numbers, or a name stands twice.
    """
    names = [cell.strip() for cell in cells]
    if not names:
        raise SourceError(f"{where} has no line that names its columns.", hint="Give it a header.")
    if all(not name or _PLAIN_NUMBER.fullmatch(name) for name in names):
        shown = ", ".join(names[:5])
        raise SourceError(
            f"the first line of {where} does not name its columns: {shown!r}.",
            hint="Put a line above it that names every column.",
        )
    return column_names(names, where)


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _gathered(file: TextIOWrapper, where: str) -> tuple[list[str], Gathered, _Ragged]:
    """Read the header and the records; blank lines are no records."""
    separator = _separator(file)
    records = _records(file, separator, where)
    names = header_names(next(records, (0, 0, []))[2], where)
    gathered, ragged = Gathered(), _Ragged()
    block: list[list[str]] = []
    for first, last, record in records:
        if len(record) != len(names):
            if first != last:
                raise _unclosed(where, first, f"a row of {len(record)} values, the header has {len(names)}")
            ragged.rows.append(gathered.rows + len(block) + 1)
            ragged.lines.append(first)
            ragged.values.append(len(record))
            record = _fitted(record, len(names), separator)
        block.append(record)
        if len(block) == _BLOCK_ROWS:
            _add(gathered, names, block)
            block = []
    _add(gathered, names, block)
    if 2 * len(ragged.rows) > gathered.rows:
        raise SourceError(
            f"{len(ragged.rows):,} of {gathered.rows:,} rows of {where} have another number of values than "
            f"the header ({len(names)}); the first is line {ragged.lines[0]} with {ragged.values[0]}.",
            hint="Check what separates the values, and the quotation marks.",
        )
    return names, gathered, ragged


def _add(gathered: Gathered, names: list[str], block: list[list[str]]) -> None:
    columns: list[Sequence[str]] = list(zip(*block, strict=True)) or [()] * len(names)
    gathered.add(dict(zip(names, columns, strict=True)), len(block))


def _fitted(record: list[str], width: int, separator: str) -> list[str]:
    """Return a record of the header's width that loses nothing: what is too much stands in the last value."""
    kept = [*record[: width - 1], separator.join(record[width - 1 :])]
    return [*kept, *[""] * (width - len(kept))]


def _records(file: TextIOWrapper, separator: str, where: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield each record with its first and its last line."""
    reader = csv.reader(_lines(file, where), delimiter=separator, strict=True)
    last = 0
    try:
        for record in reader:
            first, last = last + 1, reader.line_num
            if last - first >= _MOST_LINES:
                raise _unclosed(where, first, f"a row of {last - first + 1:,} lines")
            if record:
                yield first, last, record
    except csv.Error as problem:
        raise _unclosed(where, last + 1, str(problem)) from problem


def _lines(file: TextIOWrapper, where: str) -> Iterator[str]:
    number = 0
    while line := file.readline(_LONGEST_FIELD):
        number += 1
        if len(line) == _LONGEST_FIELD:
            raise SourceError(
                f"line {number} of {where} has more than {_LONGEST_FIELD:,} characters.",
                hint="Check what the file really is.",
            )
        yield line


def _unclosed(where: str, line: int, reason: str) -> SourceError:
    return SourceError(
        f"the row that begins in line {line} of {where} cannot be read: {reason}.",
        hint="Check the quotation marks of that line: what stands between two of them is one value.",
    )


def _separator(file: TextIOWrapper) -> str:
    """Return what parts the first line most, and put the file back to its beginning."""
    start = file.tell()
    beginning = file.read(_HEADER_CHARACTERS).lstrip("\r\n")
    file.seek(start)
    return max(_SEPARATORS, key=lambda mark: _width(beginning, mark))


def _width(text: str, separator: str) -> int:
    """Return the number of columns that a separator makes of the first line."""
    try:
        return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), []))
    except csv.Error:
        return 0
