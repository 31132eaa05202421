"""Files as a surveyor delivers them: zipped shapefiles with GBK tables, and CSV.

Everything that would make two runs differ (dates in headers, in zips) is fixed.
"""

from __future__ import annotations

import csv
import io
import struct
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import pyogrio

EPSG = 4548
_DATE = (2026, 7, 1)


@dataclass(frozen=True, slots=True)
class Packing:
    """How one shapefile is packed.

    Attributes
    ----------
    inner : str
        Folder and name of the shapefile inside the zip, in GBK as Chinese Windows writes it.
    language_driver : int
        Byte 29 of the DBF: 0x4D is code page 936, 0x57 is "ANSI", 0 says nothing.
    code_page : str
        Content of a ``.cpg`` file; empty for none.
    """

    inner: str
    language_driver: int = 0x4D
    code_page: str = ""


def write_shapefile(
    path: Path,
    geometry: Sequence[Any],
    geometry_type: str,
    fields: Mapping[str, tuple[str, int, int]],
    rows: Sequence[Mapping[str, str]],
    packing: Packing,
    deleted: Iterable[int] = (),
) -> None:
    """Write one zipped shapefile in EPSG:4548.

    Parameters
    ----------
    path : Path
        The zip.
    geometry : sequence of shapely geometries or None
        One per row, in metres.
    geometry_type : str
        ``Point``, ``LineString`` or ``Polygon``.
    fields : mapping
        Column: type (C or N), width in bytes, decimals.
    rows : sequence of mapping
        Column: text; one mapping per row.
    packing : Packing
        Names and declared encoding.
    deleted : iterable of int
        Positions of rows that are marked as deleted.
    """
    with tempfile.TemporaryDirectory() as folder:
        shape = Path(folder, "layer.shp")
        frame = geopandas.GeoDataFrame(geometry=list(geometry), crs=EPSG)
        pyogrio.write_dataframe(frame, shape, driver="ESRI Shapefile", geometry_type=geometry_type)
        members = {suffix: shape.with_suffix(suffix).read_bytes() for suffix in (".shp", ".shx", ".prj")}
    members[".dbf"] = _dbf(fields, rows, packing.language_driver, frozenset(deleted))
    if packing.code_page:
        members[".cpg"] = packing.code_page.encode("ascii")
    name = packing.inner.encode("gbk")
    # zipfile would mark names beyond ASCII as UTF-8; Windows does not, so a stand-in of the same
    # length is written and replaced.
    standin = b"~" * len(name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for suffix, content in sorted(members.items()):
            entry = zipfile.ZipInfo(standin.decode("ascii") + suffix, (*_DATE, 9, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0
            target.writestr(entry, content)
    path.write_bytes(packed.getvalue().replace(standin, name))


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write UTF-8 text with a header and plain line ends."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _dbf(
    fields: Mapping[str, tuple[str, int, int]],
    rows: Sequence[Mapping[str, str]],
    language_driver: int,
    deleted: frozenset[int],
) -> bytes:
    """Write a dBASE III table with text in GBK."""
    length = 1 + sum(width for _, width, _ in fields.values())
    year, month, day = _DATE
    head = struct.pack(
        "<4BIHH17xB2x",
        3, year - 1900, month, day, len(rows), 33 + 32 * len(fields), length, language_driver,
    )  # fmt: skip
    for name, (kind, width, decimals) in fields.items():
        head += struct.pack("<11sc4x2B14x", name.encode("gbk"), kind.encode("ascii"), width, decimals)
    body = bytearray(head + b"\r")
    for position, row in enumerate(rows):
        body += b"*" if position in deleted else b" "
        for name, (kind, width, _) in fields.items():
            value = row.get(name, "").encode("gbk")
            if len(value) > width:
                raise ValueError(f"{name} = {row[name]!r} has more than {width} bytes")
            body += value.rjust(width) if kind == "N" else value.ljust(width)
    return bytes(body + b"\x1a")
