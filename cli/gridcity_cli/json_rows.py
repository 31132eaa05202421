"""Points in as JSON: objects one a line, GeoJSON text sequences and feature collections."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from gridcity.errors import ArgumentError
from gridcity.intake.delimited import COORDINATE_NAMES
from gridcity_cli.lines import Lines
from gridcity_cli.rows import Reader, Row, bad_row

SEPARATOR = "\x1e"
"""RFC 8142: each text of a sequence begins with it."""


def _separated_texts(lines: Lines) -> Iterator[tuple[int, str, str]]:
    """Yield the texts of a sequence with separators; one may run over several lines."""
    start, parts, problem = 0, "", ""
    for text in lines:
        if text.startswith(SEPARATOR):
            if parts:
                yield start, parts, problem
            start, parts, problem = lines.number, "", ""
        parts += text.lstrip(SEPARATOR)
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


def json_rows(lines: Lines, reader: Reader, *, separated: bool) -> Iterator[Row]:
    """Yield the rows of JSON objects one a line, or of a sequence with record separators."""
    texts = _separated_texts(lines) if separated else ((lines.number, t, lines.problem) for t in lines)
    for line, text, problem in texts:
        if problem:
            yield bad_row(line, {}, problem)
        elif text.strip():
            try:
                record = read_json(text)
            except ValueError as error:
                yield bad_row(line, {}, f"not JSON: {error}")
            else:
                yield _object_row(line, record, reader)


def collection_rows(lines: Lines, reader: Reader) -> Iterator[Row]:
    """Yield the features of a collection, numbered from 1.

    Raises
    ------
    ArgumentError
        The text is no collection.
    """
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
        return bad_row(line, {}, "not a JSON object")
    if record.get("type") != "Feature":
        x, y = _members(record, reader)
        return reader.row(line, record, x, y, *_texts_of(record, reader))
    geometry, properties = record.get("geometry"), record.get("properties") or {}
    if not isinstance(geometry, dict) or not isinstance(properties, dict):
        return bad_row(line, record, "the feature has no geometry")
    if geometry.get("type") != "Point":
        return bad_row(line, record, f"a {geometry.get('type')} where a Point is needed")
    reader.taken["points"] = None
    position = geometry.get("coordinates")
    if not isinstance(position, list) or len(position) < 2:
        return bad_row(line, record, "the Point has no coordinates")
    return reader.row(line, record, position[0], position[1], *_texts_of(properties, reader))


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


def _texts_of(record: dict[str, Any], reader: Reader) -> tuple[str, str]:
    """Return class and condition."""
    klass, condition = (
        record.get(field) if field else None for field in (reader.class_field, reader.condition_field)
    )
    return "" if klass is None else str(klass), "" if condition is None else str(condition)


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
