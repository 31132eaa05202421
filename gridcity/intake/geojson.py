"""GeoJSON (RFC 7946) and GeoJSON text sequences (RFC 8142, or one feature per line).

Attributes are read with the standard library: whole numbers keep all their digits, as codes need.
Geometry comes through GDAL from the same bytes, and the two must agree in number.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any

from gridcity.errors import ReferenceSystemError, SourceError
from gridcity.findings import Findings
from gridcity.intake.encoding import decode_text, report_unreadable
from gridcity.intake.geometry import Features, alone, no_geometry, read_geometry
from gridcity.intake.table import Table, objects, record_numbers

__all__ = ["read_geojson"]

_RECORD_SEPARATOR = "\x1e"
_CRS_NAME = re.compile(r"(?:urn:ogc:def:crs:)?(EPSG|OGC):(?:[^:]*:)?([0-9A-Za-z]+)$", re.IGNORECASE)


def read_geojson(
    path: Path, *, sequence: bool = False, encoding: str | None = None, geometry: bool = True
) -> Table:
    """Read a FeatureCollection, or a sequence of features.

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
        The text is no JSON, holds NaN, is no FeatureCollection, or GDAL sees other features in it.
    ReferenceSystemError
        The ``crs`` member cannot be understood.
    """
    data = path.read_bytes()
    text, settled = decode_text(data, wanted=encoding, declared="UTF-8")
    sequence = sequence or text.lstrip().startswith(_RECORD_SEPARATOR)
    features, declared = _sequence(text, path.name) if sequence else _collection(text, path.name)
    properties = [_properties(feature, i, path.name) for i, feature in enumerate(features, start=1)]
    names = list(dict.fromkeys(chain.from_iterable(properties)))
    rows = record_numbers(len(features))
    findings = Findings()
    settled.report(findings)
    columns = {name: objects(_text(row.get(name), path.name) for row in properties) for name in names}
    columns = report_unreadable(columns, rows, settled.name, findings)
    shapes = no_geometry(len(rows))
    if geometry and len(rows):
        read = _geometry(path, data, text, sequence)
        if len(read.geometry) != len(rows):
            raise SourceError(
                f"{path.name} has {len(rows)} features, {len(read.geometry)} of them could be read.",
                hint="Check the geometries of the file.",
            )
        shapes = read.geometry
        read.report(rows, findings)
    return Table(
        columns=columns,
        geometry=shapes,
        rows=rows,
        layer=path.stem,
        driver="GeoJSONSeq" if sequence else "GeoJSON",
        encoding=settled.name,
        evidence=settled.evidence,
        declared_crs=declared,
        findings=findings,
    )


def _geometry(path: Path, data: bytes, text: str, sequence: bool) -> Features:
    """Let GDAL read the file itself if it is plain UTF-8, else the same text in UTF-8."""
    suffix = ("geojsons" if _RECORD_SEPARATOR in text[:16] else "geojsonl") if sequence else "geojson"
    plain = text.encode("utf-8", "replace")
    if plain == data:
        with alone(**{suffix: path}) as folder:
            return read_geometry(folder / f"source.{suffix}", path.name)
    with tempfile.TemporaryDirectory(prefix="gridcity-") as name:
        copy = Path(name, f"source.{suffix}")
        copy.write_bytes(plain)
        return read_geometry(copy, path.name)


def _parsed(text: str, where: str) -> Any:
    def refuse(constant: str) -> None:
        raise SourceError(f"{where} holds {constant}, which is no JSON.", hint="Write null instead.")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as problem:
        raise SourceError(
            f"{where} is nested too deeply.", hint="Check what the file really is."
        ) from problem
    except ValueError as problem:
        hint = "Check what the file really is."
        if "Extra data" in str(problem):
            hint = "A file with one feature per line is called .geojsonl."
        raise SourceError(f"{where} is no JSON: {problem}.", hint=hint) from problem


def _collection(text: str, where: str) -> tuple[list[Any], str]:
    document = _parsed(text, where)
    kind = document.get("type") if isinstance(document, dict) else type(document).__name__
    features = document.get("features") if isinstance(document, dict) else None
    if kind != "FeatureCollection" or not isinstance(features, list):
        raise SourceError(
            f"{where} holds a {kind}, not a FeatureCollection.", hint="Export it as GeoJSON (RFC 7946)."
        )
    return features, _declared_crs(document.get("crs"), where)


def _sequence(text: str, where: str) -> tuple[list[Any], str]:
    separator = _RECORD_SEPARATOR if _RECORD_SEPARATOR in text else "\n"
    texts = [record for record in text.split(separator) if record.strip()]
    return [_parsed(record, f"{where}, record {i}") for i, record in enumerate(texts, start=1)], ""


def _declared_crs(crs: Any, where: str) -> str:
    """Return the ``crs`` member of the 2008 format as ``EPSG:n``; empty where there is none."""
    if crs is None:
        return ""
    try:
        name = str(crs["properties"]["name"])
    except (TypeError, KeyError) as problem:
        raise ReferenceSystemError(
            f"the crs member of {where} names no reference system: {crs!r:.80}.", hint="Name it with --crs."
        ) from problem
    match = _CRS_NAME.match(name)
    if match and match[1].upper() == "OGC":
        return "EPSG:4326" if match[2].upper() in {"CRS84", "84"} else name
    return f"EPSG:{match[2]}" if match else name


def _properties(feature: Any, number: int, where: str) -> dict[str, Any]:
    kind = feature.get("type") if isinstance(feature, dict) else type(feature).__name__
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if kind != "Feature" or not isinstance(properties, dict | None):
        raise SourceError(
            f"record {number} of {where} is a {kind}, not a Feature with properties.",
            hint="Export the file as GeoJSON (RFC 7946).",
        )
    return properties or {}


def _text(value: Any, where: str) -> str:
    """Return a JSON value as the text a code or a name would have."""
    if isinstance(value, str):
        return value.rstrip(" \0")
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        raise SourceError(f"{where} holds a number too large for a float.", hint="Write it as text.")
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)
