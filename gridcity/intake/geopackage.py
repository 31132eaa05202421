"""GeoPackages as input (OGC 12-128): attributes by SQLite, opened to read only; geometry through GDAL.

The two never have the file open at once: Python's SQLite and the one inside GDAL would each believe
to be alone in the process and drop the other's locks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake.geometry import alone, no_geometry, read_geometry
from gridcity.intake.table import Column, Table, column_names, objects, per_distinct, record_numbers
from gridcity.intake.unreadable import report_unreadable

__all__ = ["feature_layers", "read_geopackage"]


@dataclass(frozen=True, slots=True)
class _Layer:
    name: str
    names: list[str]
    keys: tuple[int, ...]
    values: list[Sequence[Any]]


def read_geopackage(path: Path, *, layer: str | None = None, geometry: bool = True) -> Table:
    """Read one layer of a GeoPackage, in the order of its primary key.

    Parameters
    ----------
    path : pathlib.Path
        The file; it is opened to read only.
    layer : str, optional
        Name of the layer, where there are several.
    geometry : bool, optional
        Whether to read features with their geometry (default), or the attributes of any layer.

    Raises
    ------
    SourceError
        The file is no GeoPackage, is damaged, or holds no layer or several.
    """
    with _opened(path) as connection:
        chosen = _layer(connection, path.name, layer, geometry)
        content = _content(connection, path.name, chosen)
    rows = record_numbers(len(content.keys))
    findings = Findings()
    columns = {name: _texts(values) for name, values in zip(content.names, content.values, strict=True)}
    columns = report_unreadable(columns, rows, "utf-8", findings)
    shapes, crs = no_geometry(len(rows)), ""
    if geometry:
        with alone(gpkg=path) as folder:
            features = read_geometry(folder / "source.gpkg", path.name, layer=chosen)
        features = features.taken(np.argsort(features.fids, kind="stable"))
        if not np.array_equal(features.fids, np.array(content.keys, dtype=np.int64)):
            raise SourceError(
                f"layer {chosen} of {path.name} has {len(rows)} rows, "
                f"{len(features.fids)} features could be read.",
                hint="Export the layer again.",
            )
        shapes, crs = features.geometry, features.crs
        features.report(rows, findings)
    return Table(
        columns=columns,
        geometry=shapes,
        rows=rows,
        layer=chosen,
        driver="GPKG",
        encoding="UTF-8",
        evidence="a GeoPackage is UTF-8",
        declared_crs=crs,
        findings=findings,
    )


def feature_layers(path: Path) -> tuple[str, ...]:
    """Return the names of the layers of a GeoPackage that have a geometry, sorted.

    Raises
    ------
    SourceError
        The file is no GeoPackage, or is damaged.
    """
    with _opened(path) as connection:
        return tuple(_layers(connection, ("features",)))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Connect to read only; whatever SQLite says of the file becomes a refusal."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            # Damaged text keeps its bytes as lone surrogates, and costs a row instead of the file.
            connection.text_factory = bytes
            connection.execute("PRAGMA trusted_schema = OFF")
            yield connection
    except (sqlite3.Error, UnicodeError) as problem:
        raise SourceError(
            f"{path.name} cannot be read as a GeoPackage: {problem}.",
            hint="Check that no other program is writing it, or export it again.",
        ) from problem


def _layers(connection: sqlite3.Connection, kinds: tuple[str, ...]) -> list[str]:
    listed = connection.execute("SELECT table_name, data_type FROM gpkg_contents ORDER BY table_name")
    return [_text(name) for name, kind in listed if _text(kind) in kinds]


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _layer(connection: sqlite3.Connection, where: str, wanted: str | None, geometry: bool) -> str:
    layers = _layers(connection, ("features",) if geometry else ("features", "attributes"))
    if not layers:
        what = "layer with a geometry" if geometry else "layer"
        raise SourceError(f"{where} has no {what}.", hint="Check whether it is the right file.")
    names = ", ".join(layers)
    if wanted is not None and wanted not in layers:
        raise SourceError(
            f"{where} has no layer {wanted!r}; its layers: {names}.", hint="Choose with --layer."
        )
    if wanted is None and len(layers) != 1:
        raise SourceError(f"{where} has {len(layers)} layers: {names}.", hint="Choose one with --layer.")
    return layers[0] if wanted is None else wanted


def _content(connection: sqlite3.Connection, where: str, layer: str) -> _Layer:
    found = connection.execute(
        "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
    ).fetchone()
    geometry_column = _text(found[0]) if found else ""
    described = [
        (_text(name), _text(kind).upper(), bool(key))
        for _, name, kind, _, _, key in connection.execute(f"PRAGMA table_info({_quoted(layer)})")
    ]
    keys = [name for name, _, key in described if key]
    if len(keys) != 1:
        raise SourceError(
            f"layer {layer} of {where} has no primary key of one column.", hint="Export the layer again."
        )
    # Binary columns (pictures, the geometry) hold no text.
    names = [name for name, kind, _ in described if kind != "BLOB" and name != geometry_column]
    wanted = ", ".join(_quoted(name) for name in [keys[0], *names])
    statement = f"SELECT {wanted} FROM {_quoted(layer)} ORDER BY {_quoted(keys[0])}"  # noqa: S608
    content = connection.execute(statement).fetchall()
    values = list(zip(*content, strict=True)) or [()] * (len(names) + 1)
    if not all(isinstance(key, int) for key in values[0]):
        raise SourceError(
            f"layer {layer} of {where} has keys that are no whole numbers.", hint="Export the layer again."
        )
    return _Layer(layer, column_names(names, f"layer {layer} of {where}"), values[0], list(values[1:]))


def _texts(values: Sequence[Any]) -> Column:
    # 1, 1.0 and True are one key of a dict: values of several types are converted one by one.
    if len(set(map(type, values)) - {type(None)}) <= 1:
        return per_distinct(values, _text)
    return objects(map(_text, values))


def _text(value: bytes | int | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape").rstrip(" \0")
    return repr(value)
