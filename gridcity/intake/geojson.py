"""GeoJSON (RFC 7946) and GeoJSON text sequences (RFC 8142, or one feature per line).

Records are read one after the other with the standard library: whole numbers keep all their digits,
as codes need, and a record that cannot be read costs itself. Geometries are built by GEOS from the
parsed record, whose nesting Python has limited.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake.gathering import Gathered
from gridcity.intake.geometry import no_geometry
from gridcity.intake.jsonrecords import RECORD_SEPARATOR, Record, read_array, read_sequence
from gridcity.intake.table import Column, Table, column_names, is_text, record_numbers
from gridcity.intake.textfile import open_text
from gridcity.intake.unreadable import report_unreadable

__all__ = ["read_geojson"]

_BLOCK_ROWS = 20_000
# That of SQLite, where the rows are going; records that share no names would fill the memory with blanks.
_MOST_COLUMNS = 2_000
_CRS_NAME = re.compile(r"(?:urn:ogc:def:crs:)?(EPSG|OGC):(?:[^:]*:)?([0-9A-Za-z]+)$", re.IGNORECASE)
_KINDS = (
    *("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"),
    "GeometryCollection",
)


def read_geojson(
    path: Path, *, sequence: bool = False, encoding: str | None = None, geometry: bool = True
) -> Table:
    """Read a FeatureCollection, or a sequence of features.

    The ``id`` of the features is a column as their properties are; a property of that name goes before it. A
    record that is no Feature, holds NaN or a key twice, and in a sequence one that is no JSON, is
    rejected (``record-unreadable``); the others are read.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    sequence : bool, optional
        Whether the file is a text sequence; a file that begins with a record separator always is.
    encoding : str, optional
        Encoding of the text, where the bytes should not decide; the format's own is UTF-8.
    geometry : bool, optional
        Whether to read the geometry (default) or the properties alone.

    Raises
    ------
    SourceError
        The text is no JSON, is no FeatureCollection, or holds no feature that can be read.
    """
    features = _Features(path.name, geometry)
    findings = Findings()
    with open_text(path, wanted=encoding, declared="UTF-8") as (file, settled):
        start = file.tell()
        sequence = sequence or file.read(1024).lstrip().startswith(RECORD_SEPARATOR)
        file.seek(start)
        declared = ""
        if sequence:
            features.take(read_sequence(file))
        else:
            declared = _declared_crs(_take_collection(features, file.read(), path.name))
    settled.report(findings)
    features.report(findings)
    rows = record_numbers(features.texts.rows)
    columns = features.texts.columns()
    columns = dict(zip(column_names(list(columns), path.name), columns.values(), strict=True))
    return Table(
        columns=report_unreadable(columns, rows, settled.name, findings),
        geometry=np.concatenate([no_geometry(0), *features.shapes]),
        rows=rows,
        layer=path.stem,
        driver="GeoJSONSeq" if sequence else "GeoJSON",
        encoding=settled.name,
        evidence=settled.evidence,
        samples=settled.samples,
        declared_crs=declared,
        findings=findings,
    )


class _Features:
    """The rows of a file while its records arrive."""

    def __init__(self, where: str, geometry: bool) -> None:
        self.texts = Gathered()
        self.shapes: list[Column] = []
        self._where = where
        self._geometry = geometry
        self._names: set[str] = set()
        self._lines: list[int] = []
        self._unreadable: dict[int, str] = {}
        self._unbuilt: dict[int, str] = {}
        self._lifted = 0

    def take(self, records: Iterable[Record]) -> None:
        """Take all records."""
        block: list[Record] = []
        for record in records:
            block.append(record)
            if len(block) == _BLOCK_ROWS:
                self._add(block)
                block = []
        self._add(block)

    def report(self, findings: Findings) -> None:
        """Add ``record-unreadable``, ``geometry-invalid`` and ``geometry-z``.

        Raises
        ------
        SourceError
            There are records, and not one of them can be read.
        """
        lines = [f"line {self._lines[row - 1]}" for row in self._unreadable]
        if lines and len(lines) == self.texts.rows:
            raise SourceError(
                f"no record of {self._where} can be read; the first, in {lines[0]}: {self._unreadable[1]}.",
                hint="Export the file as GeoJSON (RFC 7946).",
            )
        reasons = list(self._unreadable.values())
        findings.add("record-unreadable", self._unreadable, values=lines, reason=reasons)
        if self._lifted:
            findings.add("geometry-z", [None], values=str(self._lifted))
        findings.add("geometry-invalid", self._unbuilt, field="geometry", values=list(self._unbuilt.values()))

    def _add(self, block: list[Record]) -> None:
        first = self.texts.rows + 1
        properties: list[dict[str, Any]] = []
        geometries: list[Any] = []
        for row, (line, feature, fault) in enumerate(block, start=first):
            reason = fault or _wrong(feature)
            held = {} if reason else _texts_of(feature)
            if not reason and (new := held.keys() - self._names):
                reason = self._take_names(new)
                held = {} if reason else held
            if reason:
                self._unreadable[row] = reason
            properties.append(held)
            geometries.append(None if reason else feature.get("geometry"))
            self._lines.append(line)
        names = dict.fromkeys(chain.from_iterable(properties))
        self.texts.add({name: self._column(name, properties, first) for name in names}, len(block))
        self.shapes.append(self._built(geometries, first) if self._geometry else no_geometry(len(block)))

    def _take_names(self, new: set[str]) -> str:
        """Take new names of properties; return what is wrong with them."""
        if not is_text("".join(new)):
            return "the name of a property is no text"
        self._names |= new
        if len(self._names) > _MOST_COLUMNS:
            raise SourceError(
                f"the features of {self._where} have more than {_MOST_COLUMNS:,} different properties.",
                hint="Export a layer whose features share their properties.",
            )
        return ""

    def _column(self, name: str, properties: list[dict[str, Any]], first: int) -> list[str]:
        """Return the texts of one property; a number that no float holds costs its row."""
        values = [row.get(name) for row in properties]
        kinds = set(map(type, values))
        if float in kinds:
            for i, value in enumerate(values):
                if isinstance(value, float) and not math.isfinite(value):
                    self._unreadable.setdefault(first + i, f"{name!r} is a number too large for a float")
        return [value if type(value) is str else _text(value) for value in values]

    def _built(self, geometries: list[Any], first: int) -> Column:
        """Build the geometries of a block; what cannot be built costs its row."""
        import shapely

        built = no_geometry(len(geometries))
        given = [i for i, geometry in enumerate(geometries) if geometry is not None]
        points = [i for i in given if _is_point(geometries[i])]
        if points:
            at = np.array([geometries[i]["coordinates"] for i in points], dtype=np.float64)
            built[points] = shapely.points(at)
        alike = set(points)
        others = [i for i in given if i not in alike]
        written = [_written(geometries[i]) for i in others]
        with np.errstate(over="ignore"):  # GEOS meets numbers that no float holds
            built[others] = shapely.from_geojson(np.array(written, dtype=object), on_invalid="ignore")
        lifted = shapely.has_z(built)
        self._lifted += int(lifted.sum())
        built[lifted] = shapely.force_2d(built[lifted])
        for i in others:
            if built[i] is None:
                self._unbuilt[first + i] = "it cannot be built as a simple feature"
        return built


def _take_collection(features: _Features, text: str, where: str) -> Any:
    """Take the features of a FeatureCollection; return its ``crs`` member."""
    others: dict[str, Any] = {}
    features.take(read_array(text, where, "features", others))
    if wrong := _no_collection(others):
        raise SourceError(
            f"{where} is no FeatureCollection: {wrong}.",
            hint='Put the features into {"type": "FeatureCollection", "features": [...]}, or export it '
            "as GeoJSON (RFC 7946) again.",
            code="E_DRIVER",
        )
    return others.get("crs")


def _no_collection(members: dict[str, Any]) -> str:
    """Return why a JSON object is no collection of features; empty where it is one."""
    kind = members.get("type")
    if kind == "FeatureCollection":
        return "" if isinstance(members.get("features"), list) else 'it has no list of "features"'
    if kind is not None:
        return f"it is one {kind}" if kind in ("Feature", *_KINDS) else f"its type is {kind!r:.40}"
    if "geometry" in members:
        return 'it has no "type", and looks like a single Feature that lost its own'
    return 'it has no "type"'


def _wrong(feature: Any) -> str:
    """Return why a value is no Feature with properties; empty where it is one."""
    if not isinstance(feature, dict):
        return "it is no object"
    if feature.get("type") != "Feature":
        return f"it is of type {feature.get('type')!r:.40}, not a Feature"
    if not isinstance(feature.setdefault("properties", None), dict | None):
        return "its properties are no object"
    return ""


def _texts_of(feature: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a feature, with the ``id`` that may stand beside them instead of in them."""
    held: dict[str, Any] = feature["properties"] or {}
    return {"id": feature["id"], **held} if "id" in feature else held


def _is_point(geometry: Any) -> bool:
    """Tell whether a geometry is a point of two plain numbers, as nearly all are."""
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return False
    at = geometry.get("coordinates")
    return isinstance(at, list) and len(at) == 2 and all(map(_is_plain, at))


def _is_plain(number: Any) -> bool:
    """Tell whether a value is a number that a float holds."""
    return type(number) is float or (type(number) is int and abs(number) <= sys.maxsize)


def _written(geometry: Any) -> str | None:
    """Return a geometry as the JSON it came from; None where it is none, or nested too deeply."""
    # GEOS also reads a Feature or a collection of them, which is no geometry of a row.
    if not isinstance(geometry, dict) or geometry.get("type") not in _KINDS:
        return None
    try:
        return json.dumps(geometry)
    except RecursionError:
        return None


def _declared_crs(crs: Any) -> str:
    """Return the ``crs`` member of the 2008 format as ``EPSG:n``, else as it is; empty for none."""
    if crs is None:
        return ""
    try:
        name = str(crs["properties"]["name"])
    except (TypeError, KeyError):
        return json.dumps(crs, ensure_ascii=False)
    match = _CRS_NAME.match(name)
    if match and match[1].upper() == "OGC":
        return "EPSG:4326" if match[2].upper() in {"CRS84", "84"} else name
    return f"EPSG:{match[2]}" if match else name


def _text(value: Any) -> str:
    """Return a JSON value as the text a code or a name would have."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)
