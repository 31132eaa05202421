"""Points in: CSV, NDJSON, GeoJSON text sequences and feature collections, read row by row.

A row that cannot be read is returned with what is wrong with it, and costs only itself.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gridcity.errors import ArgumentError
from gridcity.intake.delimited import COORDINATE_NAMES
from gridcity_cli.lines import ByteStream, Lines
from gridcity_cli.options import check_range, read_number

FORMATS = ("csv", "ndjson", "geojsonseq", "geojson")

LARGEST = 1e8
"""Metres; beyond it lies no easting or northing, not even one that begins with its zone."""

_SEPARATOR = "\x1e"  # RFC 8142: each text of a sequence begins with it
# No header of a table holds one; every archive, shapefile, GeoPackage and picture begins with some.
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the input.

    Attributes
    ----------
    line : int
        Where it begins, counted from 1; in a feature collection the number of the feature.
    record : list of str or dict
        The cells of a CSV line, or the JSON object; as it came.
    lng, lat : float
        NaN where ``error`` says why.
    class_text : str
        What the column of classes says; empty when none was asked for.
    """

    line: int
    record: Any
    lng: float
    lat: float
    class_text: str
    error: str


@dataclass(frozen=True, slots=True)
class Reader:
    """How the rows of one input are to be read.

    Attributes
    ----------
    x, y : str
        Columns or members of the coordinates; empty for the known names.
    class_field : str
        Column, member or property that names a class; empty for none.
    degrees : bool
        Whether the numbers are longitude and latitude, so that their range is known.
    taken : dict of str to None
        Filled in reading: the pairs of columns or members that the coordinates came from, in their order.
    """

    x: str = ""
    y: str = ""
    class_field: str = ""
    degrees: bool = True
    taken: dict[str, None] = field(default_factory=dict)

    def point(self, x: object, y: object) -> tuple[float, float]:
        """Return both coordinates, or raise ValueError with what is wrong."""
        if x is None and y is None:
            raise ValueError("no pair of coordinates such as lng and lat")
        names = ("lng", "lat") if self.degrees else ("x", "y")
        lng, lat = _number(x, names[0]), _number(y, names[1])
        if self.degrees:
            check_range(lng, lat)
        elif max(abs(lng), abs(lat)) > LARGEST:
            raise ValueError(f"{names[0]} {lng:g}, {names[1]} {lat:g} is no place on Earth")
        return lng, lat


def _number(value: object, name: str) -> float:
    if isinstance(value, str):
        return read_number(value, name)
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return read_number(str(value), name)
    raise ValueError(f"{name} is missing" if value is None else f"{name} is no number")


@dataclass(slots=True)
class Rows:
    """The rows of one input.

    Attributes
    ----------
    format : str
        One of `FORMATS`.
    columns : list of str
        The header of a CSV; empty for JSON.
    separated : bool
        Whether the texts of a JSON sequence begin with a record separator.
    """

    format: str
    columns: list[str]
    separated: bool
    _rows: Iterator[Row]
    _lines: Lines

    def chunks(self, size: int, *, eager: bool = False) -> Iterator[list[Row]]:
        """Yield rows by the ``size``; when eager, not waiting for rows that have not come yet.

        An input without rows is one empty chunk, so that its header is answered too.
        """
        chunk: list[Row] = []
        empty = True
        for row in self._rows:
            chunk.append(row)
            if len(chunk) == size or (eager and not self._lines.waiting):
                yield chunk
                chunk, empty = [], False
        if chunk or empty:
            yield chunk


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
            hint="Unpack an archive first; save a shapefile or a GeoPackage as CSV or GeoJSON.",
        )
    separated = start.startswith(_SEPARATOR.encode())
    columns: list[str] = []
    if found == "csv":
        columns, rows = _csv_rows(lines, reader)
    elif found == "geojson":
        rows = _collection_rows(lines, reader)
    else:
        texts = _separated_texts(lines) if separated else ((lines.number, t, lines.problem) for t in lines)
        rows = _json_rows(texts, reader)
    return Rows(found, columns, separated, rows, lines)


def _format_of(start: bytes) -> str:
    if start[:1] not in (b"{", b"[", _SEPARATOR.encode()):
        return "csv"
    if b'"FeatureCollection"' in start:
        return "geojson"
    if start[:1] == b"[":
        raise ArgumentError("The input is a JSON array.", hint="Write one JSON object a line.")
    return "geojsonseq" if b'"Feature"' in start else "ndjson"


def _csv_rows(lines: Lines, reader: Reader) -> tuple[list[str], Iterator[Row]]:
    first = next(lines)
    delimiter = max(",;\t", key=first.count)
    try:
        columns = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    except csv.Error as error:
        raise ArgumentError(
            "The first line cannot be read as the header of a CSV.",
            hint="Save the rows as CSV with a header, one row a line.",
        ) from error
    at = [_column(columns, reader.x, 0), _column(columns, reader.y, 1)]
    reader.taken[", ".join(columns[i] for i in at)] = None
    if reader.class_field:
        at.append(_column(columns, reader.class_field, 0))
    return columns, _csv_lines(lines, delimiter, len(columns), at, reader)


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


def _csv_lines(lines: Lines, delimiter: str, width: int, at: Sequence[int], reader: Reader) -> Iterator[Row]:
    # What was wrong with the bytes of any line of the record being read.
    problems: list[str] = []
    records = csv.reader(_watched(lines, problems), delimiter=delimiter)
    while True:
        problems.clear()
        line, error = lines.number + 1, ""
        try:
            cells = next(records)
        except StopIteration:
            return
        except csv.Error as wrong:
            cells, error = [""] * width, str(wrong)
        if not cells and not problems:
            continue
        if problems:
            error = problems[0]
        elif len(cells) != width:
            more = f": also {', '.join(map(repr, cells[width:]))}" if len(cells) > width else ""
            error = f"{len(cells)} cells where the header has {width}{more}"
        cells = (cells + [""] * width)[:width]
        if error:
            yield _bad(line, cells, error)
            continue
        class_text = cells[at[2]] if len(at) > 2 else ""
        yield _row(line, cells, cells[at[0]], cells[at[1]], class_text, reader)


def _watched(lines: Lines, problems: list[str]) -> Iterator[str]:
    for text in lines:
        if lines.problem:
            problems.append(lines.problem)
        yield text


def _row(line: int, record: Any, x: object, y: object, class_text: str, reader: Reader) -> Row:
    try:
        lng, lat = reader.point(x, y)
    except ValueError as error:
        return _bad(line, record, str(error))
    return Row(line, record, lng, lat, class_text, "")


def _bad(line: int, record: Any, error: str) -> Row:
    return Row(line, record, math.nan, math.nan, "", f"line {line}: {error}")


def _separated_texts(lines: Lines) -> Iterator[tuple[int, str, str]]:
    """Yield the texts of a sequence with separators; one may run over several lines."""
    start, parts, problem = 0, "", ""
    for text in lines:
        if text.startswith(_SEPARATOR):
            if parts:
                yield start, parts, problem
            start, parts, problem = lines.number, "", ""
        parts += text.lstrip(_SEPARATOR)
        problem = problem or lines.problem
        if parts.rstrip().endswith("}") and _is_json(parts):
            # Complete: no need to wait for the next separator.
            yield start, parts, problem
            parts = ""
    if parts.strip():
        yield start, parts, problem


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except ValueError:
        return False
    return True


def _json_rows(texts: Iterator[tuple[int, str, str]], reader: Reader) -> Iterator[Row]:
    for line, text, problem in texts:
        if problem:
            yield _bad(line, {}, problem)
        elif text.strip():
            try:
                record = read_json(text)
            except ValueError as error:
                yield _bad(line, {}, f"not JSON: {error}")
            else:
                yield _object_row(line, record, reader)


def _collection_rows(lines: Lines, reader: Reader) -> Iterator[Row]:
    # A collection is one JSON text and has to be read as a whole.
    try:
        collection = read_json(lines.everything())
    except ValueError as error:
        raise ArgumentError(
            f"The input is not a GeoJSON feature collection: {error}.",
            hint="One feature or object a line is read with --in-format geojsonseq or ndjson.",
        ) from error
    features = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(features, list):
        raise ArgumentError("The input is no GeoJSON feature collection: it has no list of features.")
    return (_object_row(number, feature, reader) for number, feature in enumerate(features, 1))


def _object_row(line: int, record: object, reader: Reader) -> Row:
    if not isinstance(record, dict):
        return _bad(line, {}, "not a JSON object")
    if record.get("type") != "Feature":
        x, y = _members(record, reader)
        return _row(line, record, x, y, _class_of(record, reader), reader)
    geometry, properties = record.get("geometry"), record.get("properties") or {}
    if not isinstance(geometry, dict) or not isinstance(properties, dict):
        return _bad(line, record, "the feature has no geometry")
    if geometry.get("type") != "Point":
        return _bad(line, record, f"a {geometry.get('type')} where a Point is needed")
    reader.taken["points"] = None
    position = geometry.get("coordinates")
    if not isinstance(position, list) or len(position) < 2:
        return _bad(line, record, "the Point has no coordinates")
    return _row(line, record, position[0], position[1], _class_of(properties, reader), reader)


def _members(record: dict[str, Any], reader: Reader) -> tuple[object, object]:
    if reader.x or reader.y:
        reader.taken[f"{reader.x}, {reader.y}"] = None
        return record.get(reader.x), record.get(reader.y)
    folded = {name.casefold(): value for name, value in record.items()}
    for x, y in COORDINATE_NAMES:
        if x in folded and y in folded:
            reader.taken[f"{x}, {y}"] = None
            return folded[x], folded[y]
    return None, None


def _class_of(record: dict[str, Any], reader: Reader) -> str:
    value = record.get(reader.class_field) if reader.class_field else None
    return "" if value is None else str(value)


def read_json(text: str) -> Any:
    """Read one JSON text strictly: no NaN, no infinity, no member twice.

    Raises
    ------
    ValueError
        The text is not JSON, or is nested too deeply to be read.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    """Read a number of JSON text; what is larger than a float is none."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large")
    return number


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(members)
    if len(record) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice!r} stands twice")
    return record


# Made once: json.loads with hooks makes one for every text.
_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_once)
