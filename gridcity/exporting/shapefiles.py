"""The current components as shapefiles, one for each kind of geometry."""

from __future__ import annotations

import contextlib
import csv
import os
import struct
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gridcity.errors import StoreError
from gridcity.exporting.tables import FIELDS, components

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from gridcity.profile import Profile
    from gridcity.store.base import Store

__all__ = ["SHAPES", "ShapefileSizeWarning", "TextCutWarning", "write_shapefiles"]

SHAPES: Final = {"points": "Point", "lines": "MultiLineString", "polygons": "MultiPolygon"}
"""The shapefiles of an export, ``components_points.shp`` and so on, by the dimension of their geometry."""

# Fields that no standard names as an attribute of a component.
_OWN_NAMES: Final = {
    "edition": ("edition", "编码所依标准"),
    "district_code": ("dist_code", "所在区县代码"),
    "district_name": ("dist_name", "所在区县名称"),
}
_STANDARD: Final = "gbt47678.5-2026"
_STANDARD_FIELDS: Final = Path(__file__).parents[1] / "standards" / "fields.csv"
_ROOM: Final = "Check that the disk has room."
_DBF_NAME: Final = 10  # bytes of a column name in dBASE III
_GDAL_WIDTH: Final = 80
_DBF_TEXT: Final = 254  # bytes of a text in dBASE III
_LARGE: Final = 1_800_000_000  # bytes; many programs read no .shp or .dbf beyond 2 GB
_MARKS: Final = frozenset("!\n\r\t")  # in a path pyogrio takes ! for an archive's end and drops the others


class TextCutWarning(UserWarning):
    """Texts were too long for a shapefile and were cut."""


class ShapefileSizeWarning(UserWarning):
    """A file of a shapefile is so large that other programs may not read it."""


def write_shapefiles(store: Store, profile: Profile, folder: Path) -> None:
    """Make the folder and write the components into it, see `gridcity.exporting.export`."""
    import numpy as np
    import shapely

    table, geometries = components(store, profile)
    kinds = shapely.get_type_id(geometries)
    if n := int((kinds == shapely.GeometryType.GEOMETRYCOLLECTION).sum()):
        raise StoreError(
            f"{n} components are geometry collections, which no shapefile holds.",
            hint="Export as gpkg or geojson.",
        )
    folder.mkdir()
    names = _short_names()
    cut = dict.fromkeys(FIELDS, 0)
    texts = []
    for field in FIELDS:
        fitted, cut[field] = _fitting(table[field])
        texts.append(fitted)
    epsg = f"EPSG:{store.meta()['stored_epsg']}"
    dimensions = shapely.get_dimensions(geometries)
    with _plainly_named(folder) as plain:
        for dimension, shape in enumerate(SHAPES):
            rows = np.flatnonzero(dimensions == dimension)
            if len(rows):
                path = plain / f"components_{shape}.shp"
                columns = {short: text[rows] for (short, _), text in zip(names.values(), texts, strict=True)}
                _write_layer(path, SHAPES[shape], geometries[rows], columns, epsg)
    with (folder / "columns.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["column", "field", "zh", "cut"])
        writer.writerows([short, field, zh, cut[field]] for field, (short, zh) in names.items())
    if total := sum(cut.values()):
        where = ", ".join(f"{field} ({n})" for field, n in cut.items() if n)
        warnings.warn(
            f"{total} texts were cut to {_DBF_TEXT} bytes for the shapefile: {where}.",
            TextCutWarning,
            stacklevel=3,
        )
    if large := sorted(path.name for path in folder.iterdir() if path.stat().st_size > _LARGE):
        warnings.warn(
            f"Larger than {_LARGE:,} bytes: {', '.join(large)}. "
            "Many programs read no .shp or .dbf beyond 2 GB; export as gpkg instead.",
            ShapefileSizeWarning,
            stacklevel=3,
        )


@contextlib.contextmanager
def _plainly_named(folder: Path) -> Iterator[Path]:
    """Yield a way to the folder in which pyogrio sees neither an address nor an archive."""
    folder = folder.resolve()
    if os.name == "nt" or _MARKS.isdisjoint(str(folder)):  # Windows: a path with a drive is taken as it is
        yield folder
        return
    with tempfile.TemporaryDirectory() as elsewhere:
        link = Path(elsewhere, "export")
        link.symlink_to(folder)
        yield link


def _short_names() -> dict[str, tuple[str, str]]:
    """Return the column's short name and the Chinese name of every field.

    The national name where the standard has one of at most ten ASCII characters, else the field's own.
    """
    found = dict(_OWN_NAMES)
    with _STANDARD_FIELDS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "component"]
    for field in FIELDS:
        for row in rows:
            national = _STANDARD in row["editions"].split(";") and row["name"].isascii()
            if row["field"] == field and (national or row["name"] == field) and len(row["name"]) <= _DBF_NAME:
                found.setdefault(field, (row["name"], row["zh"]))
    return {field: found[field] for field in FIELDS}


def _fitting(texts: pd.Series[Any]) -> tuple[npt.NDArray[Any], int]:
    """Return texts as dBASE can hold them and the number of those that had to be cut."""
    import numpy as np
    import pandas as pd

    number, distinct = pd.factorize(texts.to_numpy(dtype=object))
    # NUL ends a text in dBASE; a character that does not fit whole is left out.
    fitted = [text.replace("\0", "").encode()[:_DBF_TEXT].decode(errors="ignore") for text in distinct]
    cut = np.array([short != text for short, text in zip(fitted, distinct, strict=True)], dtype=bool)
    width = max((len(text.encode()) for text in fitted), default=0)
    # Numpy's fixed width becomes the width of the column. GDAL makes it 80 otherwise, and widens it.
    kind = f"U{max(width, 1)}" if width <= _GDAL_WIDTH else object
    return np.array(fitted, dtype=kind)[number], int(cut[number].sum())


def _write_layer(path: Path, kind: str, geometries: Any, columns: dict[str, Any], epsg: str) -> None:
    import numpy as np
    import pyogrio.raw
    import shapely
    from pyogrio.errors import DataLayerError, DataSourceError

    multi = shapely.get_type_id(geometries) == shapely.GeometryType.MULTIPOINT
    if multi.any():
        # A shapefile of points holds single points, or sets of points, never both.
        kind = "MultiPoint"
        single = np.flatnonzero(~multi)
        geometries[single] = shapely.multipoints(geometries[single], indices=np.arange(len(single)))
    try:
        pyogrio.raw.write(
            path,
            shapely.to_wkb(geometries),
            list(columns.values()),
            list(columns),
            geometry_type=kind,
            crs=epsg,
            driver="ESRI Shapefile",
            encoding="UTF-8",
        )
    except (DataLayerError, DataSourceError) as error:
        raise StoreError(f"The shapefile {path.name} cannot be written: {error}.", hint=_ROOM) from error
    _check_size(path, len(geometries))


def _check_size(path: Path, rows: int) -> None:
    """Compare the files with what their headers declare: GDAL can run out of room without a word."""
    with path.open("rb") as shp, path.with_suffix(".dbf").open("rb") as dbf:
        (declared,) = struct.unpack(">24xi", shp.read(28))  # in words of two bytes
        records, header, record = struct.unpack("<4xIHH", dbf.read(12))
    whole = (
        path.stat().st_size == 2 * declared
        and path.with_suffix(".shx").stat().st_size == 100 + 8 * rows
        and records == rows
        and path.with_suffix(".dbf").stat().st_size == header + rows * record + 1  # the end mark
    )
    if not whole:
        raise StoreError(f"The shapefile {path.name} came out incomplete.", hint=_ROOM)
