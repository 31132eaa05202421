"""What a stream of points is: CSV, NDJSON, a GeoJSON text sequence or a feature collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from gridcity.errors import ArgumentError
from gridcity_cli.csv_rows import CsvRows
from gridcity_cli.json_rows import SEPARATOR, collection_rows, json_rows
from gridcity_cli.lines import ByteStream, Lines
from gridcity_cli.rows import Chunk, Reader, Row

# No header of a table holds one; every archive, shapefile, GeoPackage and picture begins with some.
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(slots=True)
class Rows:
    """The rows of one input.

    Attributes
    ----------
    format : str
        ``csv``, ``ndjson``, ``geojsonseq`` or ``geojson``.
    columns : list of str
        The header of a CSV; empty for JSON.
    separated : bool
        Whether the texts of a JSON sequence begin with a record separator.
    """

    format: str
    columns: list[str]
    separated: bool
    _chunks: Callable[[int, bool], Iterator[Chunk]]

    def chunks(self, size: int, *, eager: bool = False) -> Iterator[Chunk]:
        """Yield rows by about the ``size``; when eager, not waiting for rows that have not come yet.

        An input without rows is one empty chunk, so that its header is answered too.
        """
        empty = True
        for chunk in self._chunks(size, eager):
            if len(chunk):
                empty = False
                yield chunk
        if empty:
            yield Chunk.of([])


def open_rows(
    stream: ByteStream,
    reader: Reader,
    *,
    in_format: str | None = None,
    encoding: str | None = None,
    eager: bool = False,
) -> Rows:
    """Begin to read an input, and find out what it is unless ``in_format`` says so.

    Raises
    ------
    ArgumentError
        The input is empty or no text, a CSV has no columns of coordinates, or a collection is not one.
    """
    lines = Lines(stream, encoding=encoding, eager=eager)
    start = lines.head.lstrip()
    if not start:
        raise ArgumentError(
            "The input is empty.", hint="Give a CSV with a header, or JSON objects, one a line."
        )
    found = in_format or _format_of(start)
    if found == "csv" and _CONTROLS.search(start.split(b"\n", 1)[0]):
        raise ArgumentError(
            "The input is no text; locate reads CSV, NDJSON, GeoJSON sequences and feature collections.",
            hint="Unpack an archive first; save a workbook, shapefile or GeoPackage as CSV or GeoJSON.",
        )
    separated = start.startswith(SEPARATOR.encode())
    if found == "csv":
        table = CsvRows(lines, reader)
        return Rows(found, table.columns, separated, table.chunks)
    if found == "geojson":
        rows = collection_rows(lines, reader)
    else:
        rows = json_rows(lines, reader, separated=separated)
    return Rows(found, [], separated, partial(_grouped, rows, lines))


def _grouped(rows: Iterator[Row], lines: Lines, size: int, eager: bool) -> Iterator[Chunk]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == size or (eager and not lines.waiting):
            yield Chunk.of(group)
            group = []
    yield Chunk.of(group)


def _format_of(start: bytes) -> str:
    if start[:1] not in (b"{", b"[", SEPARATOR.encode()):
        return "csv"
    if b'"FeatureCollection"' in start:
        return "geojson"
    if start[:1] == b"[":
        raise ArgumentError("The input is a JSON array.", hint="Write one JSON object a line.")
    return "geojsonseq" if b'"Feature"' in start else "ndjson"
