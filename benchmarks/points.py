"""A point shapefile written as fast as the disk takes it: numpy records, part after part."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["write_points"]

_HEADER = 100
_POINT = 1
_GBK_DRIVER = 0x4D

_SHP = np.dtype([("number", ">i4"), ("words", ">i4"), ("type", "<i4"), ("x", "<f8"), ("y", "<f8")])
_SHX = np.dtype([("offset", ">i4"), ("words", ">i4")])

Part = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], dict[str, npt.NDArray[np.bytes_]]]


def write_points(path: Path, fields: Mapping[str, tuple[str, int]], parts: Iterable[Part], wkt: str) -> int:
    """Write .shp, .shx, .dbf and .prj, with no more than one part in memory, and return the rows.

    Parameters
    ----------
    path : Path
        The ``.shp``; files of the same stem are replaced.
    fields : mapping of str to (str, int)
        Field: its type (``C`` or ``D``) and width in bytes, at most 254.
    parts : iterable of (x, y, columns)
        Coordinates in the system of ``wkt``; each column GBK bytes no wider than its field.
    wkt : str
        The reference system.

    Returns
    -------
    int
        Rows written.
    """
    record = np.dtype([("flag", "S1"), *((name, f"S{width}") for name, (_, width) in fields.items())])
    rows, low, high = 0, np.full(2, np.inf), np.full(2, -np.inf)
    with (
        path.open("wb") as shp,
        path.with_suffix(".shx").open("wb") as shx,
        path.with_suffix(".dbf").open("wb") as dbf,
    ):
        for head in (shp, shx):
            head.write(bytes(_HEADER))
        dbf.write(_dbf_header(fields, record.itemsize, 0))
        for x, y, columns in parts:
            numbers = np.arange(rows + 1, rows + len(x) + 1)
            words = (_SHP.itemsize - 8) // 2
            points = np.empty(len(x), dtype=_SHP)
            points["number"], points["words"], points["type"] = numbers, words, _POINT
            points["x"], points["y"] = x, y
            points.tofile(shp)
            index = np.empty(len(x), dtype=_SHX)
            index["offset"], index["words"] = (_HEADER + (numbers - 1) * _SHP.itemsize) // 2, words
            index.tofile(shx)
            _records(record, columns, len(x)).tofile(dbf)
            rows += len(x)
            low = np.minimum(low, (x.min(), y.min()))
            high = np.maximum(high, (x.max(), y.max()))
        dbf.write(b"\x1a")
        bounds = (*low, *high)
        for file, size in ((shp, _SHP.itemsize), (shx, _SHX.itemsize)):
            file.seek(0)
            file.write(_shp_header(_HEADER + rows * size, bounds))
        dbf.seek(0)
        dbf.write(_dbf_header(fields, record.itemsize, rows))
    path.with_suffix(".prj").write_text(wkt, encoding="ascii")
    return rows


def _records(
    record: np.dtype[np.void], columns: Mapping[str, npt.NDArray[np.bytes_]], n: int
) -> npt.NDArray[np.void]:
    """Return the records of one part; numpy pads texts with NUL, a DBF with blanks."""
    records = np.zeros(n, dtype=record)
    records["flag"] = b" "
    for name, column in columns.items():
        records[name] = column
    flat = records.view(np.uint8)
    flat[flat == 0] = ord(" ")
    return records


def _shp_header(size: int, bounds: tuple[float, ...]) -> bytes:
    return struct.pack(">7i", 9994, 0, 0, 0, 0, 0, size // 2) + struct.pack(
        "<2i8d", 1000, _POINT, *bounds, 0.0, 0.0, 0.0, 0.0
    )


def _dbf_header(fields: Mapping[str, tuple[str, int]], width: int, rows: int) -> bytes:
    """Return the header of a table in code page 936, of a fixed day."""
    length = 32 + 32 * len(fields) + 1
    head = struct.pack("<4BIHH", 3, 126, 7, 1, rows, length, width) + bytes(17) + bytes([_GBK_DRIVER, 0, 0])
    described = b"".join(
        name.encode("ascii").ljust(11, b"\0") + kind.encode() + bytes(4) + bytes([size, 0]) + bytes(14)
        for name, (kind, size) in fields.items()
    )
    return head + described + b"\r"
