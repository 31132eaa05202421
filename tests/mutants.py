"""Three good shapefiles, random damage to their bytes, and what the damaged bytes still say."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyproj
import shapefile as pyshp

EPSG, WEST, SOUTH, SIDE_M = 4548, 449_000.0, 4_419_000.0, 100.0
DISTRICT, COMMUNITY = "110101", "110101001001"
COLUMNS, ROWS = 4, 3
SUFFIXES = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_SHP_HEADER = 100

Field = tuple[str, str, int]
Files = dict[str, bytes]


@dataclass(frozen=True)
class Base:
    """One good shapefile and how it is imported.

    Attributes
    ----------
    fields : mapping of str to str
        Column of the table: the stored column its text goes to.
    table : str
        ``cells`` or ``components``.
    options : mapping
        Of the import.
    same : tuple of str
        Stored columns that must be as they were, besides those of ``fields``.
    """

    name: str
    table: str
    files: Files
    encoding: str
    epsg: int
    fields: Mapping[str, str]
    options: Mapping[str, Any]
    same: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The stored columns that an accepted row is judged by."""
        return (*self.fields.values(), *self.same, "geom")

    @cached_property
    def layout(self) -> list[tuple[str, int, int]]:
        """Column, first byte within the record, and width, of the undamaged table."""
        dbf, at, found = self.files[".dbf"], 1, []
        for k in range(32, struct.unpack("<H", dbf[8:10])[0] - 1, 32):
            name = dbf[k : k + 11].partition(b"\0")[0].decode(self.encoding)
            found.append((name, at, dbf[k + 16]))
            at += dbf[k + 16]
        return found

    def free_bytes(self, suffix: str) -> Iterator[range]:
        """Yield where any byte may be another without the file being wrong: coordinates and text."""
        if suffix == ".dbf":
            number, head, width = struct.unpack("<IHH", self.files[".dbf"][4:12])
            yield from (range(head + k * width, head + (k + 1) * width) for k in range(number))
        elif suffix == ".shp":
            yield from (place for places in self.coordinates() for place in places)

    def _knowable(self, suffix: str, bad: bytes) -> bytes:
        """Return the good file with the damage to its free bytes alone."""
        mended = bytearray(self.files[suffix])
        if len(bad) == len(mended):
            for place in self.free_bytes(suffix):
                mended[place.start : place.stop] = bad[place.start : place.stop]
        return bytes(mended)

    def coordinates(self) -> Iterator[list[range]]:
        """Yield for each record where its coordinates stand; its box and counts are not among them."""
        shp, at = self.files[".shp"], _SHP_HEADER
        while at < len(shp):
            kind, body = struct.unpack("<i", shp[at + 8 : at + 12])[0], at + 12
            if kind == pyshp.POINT:
                yield [range(body, body + 16)]
            else:
                parts, points = struct.unpack("<2i", shp[body + 32 : body + 40])
                first = body + 40 + 4 * parts
                yield [range(first, first + 16 * points)]
            at += 8 + 2 * struct.unpack(">i", shp[at + 4 : at + 8])[0]

    def said(self, files: Files) -> list[dict[str, Any]]:
        """Return what the records of damaged files say to a reader that cannot know better.

        Only the damage to coordinates and text counts, in a file of the right length: what else is damaged
        is to be noticed. Text that cannot be decoded is None.
        """
        files = {suffix: self._knowable(suffix, files[suffix]) for suffix in (".shp", ".dbf")}
        head, width = struct.unpack("<HH", self.files[".dbf"][8:12])
        found = []
        for k, places in enumerate(self.coordinates()):
            record = files[".dbf"][head + k * width : head + (k + 1) * width]
            row: dict[str, Any] = {"deleted": record[:1] == b"*"}
            for name, at, size in self.layout:
                row[name] = _decoded(record[at : at + size], self.encoding)
            raw = b"".join(files[".shp"][place.start : place.stop] for place in places)
            numbers = struct.unpack(f"<{len(raw) // 8}d", raw)
            row["xy"] = _to_lnglat(self.epsg)(numbers[::2], numbers[1::2])
            found.append(row)
        return found


def bases(folder: Path) -> dict[str, Base]:
    """Build the three shapefiles: coded points in GBK, cells in UTF-8, lines without codes."""
    rng = random.Random(20260701)
    return {base.name: base for base in (_points(folder, rng), _cells(folder, rng), _lines(folder, rng))}


def mutant(base: Base, seed: int, number: int) -> tuple[Files, list[str]]:
    """Return damaged files, and what was done to them; the same numbers give the same damage."""
    rng = random.Random(f"{seed}:{number}")
    files, done = dict(base.files), []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        weights = [{".shp": 6, ".dbf": 6, ".shx": 3, ".prj": 2, ".cpg": 1}[suffix] for suffix in files]
        (suffix,) = rng.choices(list(files), weights)
        data = bytearray(files[suffix])
        if not data:
            continue
        # The headers are small beside the records, and hold most of what can go wrong.
        at = rng.randrange(min(len(data), 200) if rng.random() < 0.4 else len(data))
        what = rng.choice(("flip", "flip", "set", "set", "set", "insert", "delete", "cut"))
        size = rng.randint(1, 8)
        if what == "flip":
            data[at] ^= 1 << rng.randrange(8)
        elif what == "set":
            data[at] = rng.choice((0, 0x20, 0x2A, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif what == "insert":
            data[at:at] = rng.randbytes(size)
        elif what == "delete":
            del data[at : at + size]
        else:
            del data[at:]
        files[suffix] = bytes(data)
        done.append(f"{what} {suffix} at {at}")
    return files, done


def _points(folder: Path, rng: random.Random) -> Base:
    classes = (("01001", "供水井盖"), ("01002", "污水井盖"), ("01037", "路灯"))
    fields = [("GLBJBSM", "C", 17), ("GLBJMC", "C", 24), ("QSDWMC", "C", 30), ("SZDYWGBSM", "C", 15)]
    fields += [("GLBJZT", "C", 6), ("CSRQ", "D", 8), ("BZ", "C", 30)]
    rows = []
    for k in range(24):
        code, name = classes[k % 3]
        column, row = rng.randrange(COLUMNS), rng.randrange(ROWS)
        x, y = (WEST + (column + rng.random()) * SIDE_M, SOUTH + (row + rng.random()) * SIDE_M)
        texts = [f"{DISTRICT}{code}{k + 1:06d}", name, f"样例{'排水供电'[k % 4]}公司", cell_code(column, row)]
        texts += [
            rng.choice(("完好", "破损")),
            f"2023{k % 12 + 1:02d}{k + 1:02d}",
            f"第{k + 1}号，人行道北侧",
        ]
        rows.append(((x, y), texts))
    to = {"GLBJBSM": "code", "GLBJMC": "name", "QSDWMC": "owner_name", "SZDYWGBSM": "declared_cell"}
    to |= {"GLBJZT": "state", "CSRQ": "initial_date", "BZ": "note"}
    files = _written(folder / "points", pyshp.POINT, fields, rows, "gbk", EPSG, driver=0x4D)
    same = ("supervisor_code", "owner_code", "maintainer_code", "changed_date", "data_source", "until")
    return Base("points", "components", files, "gb18030", EPSG, to, {}, same)


def _cells(folder: Path, rng: random.Random) -> Base:
    fields = [("BGID", "C", 15), ("名称", "C", 30), ("initialDat", "C", 12), ("remark", "C", 40)]
    rows = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            ring = _ring(column, row)
            # One cell lies around a yard, so that there is a record of two parts.
            rings = [ring]
            if (column, row) == (1, 1):
                x, y = ring[0]
                rings.append([(x + 40, y + 40), (x + 60, y + 40), (x + 60, y + 60), (x + 40, y + 60)])
            texts = [cell_code(column, row), f"单元网格{column}-{row}", f"2022-0{row + 1}-1{column}"]
            rows.append((rings, [*texts, f"样例说明 {rng.randrange(1000):03d}"]))
    to = {"BGID": "code", "名称": "name", "initialDat": "since", "remark": "note"}
    files = _written(folder / "cells", pyshp.POLYGON, fields, rows, "utf-8", EPSG, page=b"UTF-8")
    return Base("cells", "cells", files, "utf-8", EPSG, to, {}, ("until", "key"))


def _lines(folder: Path, rng: random.Random) -> Base:
    fields = [("NUMBER", "N", 6), ("类别", "C", 20), ("部件状态", "C", 6), ("初始日期", "D", 8)]
    fields += [("变更日期", "D", 8), ("备注", "C", 30)]
    lnglat = _to_lnglat(EPSG)
    rows = []
    for k in range(16):
        x, y = WEST + rng.uniform(10, 300), SOUTH + rng.uniform(10, 250)
        line = [lnglat([x + 6 * j], [y + rng.uniform(0, 8)])[0] for j in range(2 + k % 4)]
        texts = [k + 1, ("交通护栏", "沟槽盖板")[k % 2], "完好", "20220315"]
        texts += ["20240501" if k % 3 else "", f"护栏第{k + 1}段"]
        rows.append(([line], texts))
    to = {"NUMBER": "key", "类别": "class_name", "部件状态": "state", "初始日期": "initial_date"}
    to |= {"变更日期": "changed_date", "备注": "note"}
    files = _written(folder / "lines", pyshp.POLYLINE, fields, rows, "gbk", 4490, deleted=5)
    same = ("name", "owner_name", "maintainer_name", "declared_cell", "data_source", "until")
    return Base("lines", "components", files, "gb18030", 4490, to, {"key": "NUMBER"}, same)


def cell_code(column: int, row: int) -> str:
    """Return the code of a cell by its place."""
    return f"{COMMUNITY}{row * COLUMNS + column + 1:03d}"


def _ring(column: int, row: int, columns: int = 1, rows: int = 1) -> list[tuple[float, float]]:
    """Return the corners of a rectangle, clockwise, as a shapefile has outer rings."""
    west, south = WEST + column * SIDE_M, SOUTH + row * SIDE_M
    east, north = west + columns * SIDE_M, south + rows * SIDE_M
    return [(west, south), (west, north), (east, north), (east, south)]


def area(folder: Path, code: str, name: str) -> Path:
    """Write a shapefile of one area around all cells and return it."""
    path = folder / f"area{code}.shp"
    fields = [("code", "C", 12), ("name", "C", 30)]
    files = _written(path, pyshp.POLYGON, fields, [([_ring(0, 0, COLUMNS, ROWS)], [code, name])], "gbk", EPSG)
    path.with_suffix(".prj").write_bytes(files[".prj"])
    return path


def _written(
    path: Path,
    kind: int,
    fields: list[Field],
    rows: list[Any],
    encoding: str,
    epsg: int,
    *,
    driver: int = 0,
    page: bytes | None = None,
    deleted: int | None = None,
) -> Files:
    """Write a shapefile and return its files; the header's day, driver and deletion mark are set here."""
    with pyshp.Writer(str(path), shapeType=kind, encoding=encoding) as writer:
        for name, letter, width in fields:
            writer.field(name, letter, width)
        for shape, texts in rows:
            add: Callable[..., Any] = {pyshp.POLYGON: writer.poly, pyshp.POLYLINE: writer.line}.get(
                kind, writer.point
            )
            add(*shape) if kind == pyshp.POINT else add(shape)
            writer.record(*texts)
    dbf = bytearray(path.with_suffix(".dbf").read_bytes())
    dbf[1:4], dbf[29] = bytes((126, 7, 1)), driver
    if deleted is not None:
        head, width = struct.unpack("<HH", dbf[8:12])
        dbf[head + deleted * width] = ord("*")
    found = {suffix: path.with_suffix(suffix).read_bytes() for suffix in (".shp", ".shx")}
    found |= {".dbf": bytes(dbf), ".prj": pyproj.CRS.from_epsg(epsg).to_wkt("WKT1_ESRI").encode()}
    return found | ({".cpg": page} if page else {})


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding).replace("\0", "").strip()
    except UnicodeDecodeError:
        return None


def _to_lnglat(epsg: int) -> Callable[[Any, Any], list[tuple[float, float]]]:
    if epsg == 4490:
        return lambda x, y: list(zip(x, y, strict=True))
    transformer = pyproj.Transformer.from_crs(epsg, 4490, always_xy=True)
    return lambda x, y: list(zip(*transformer.transform(list(x), list(y)), strict=True))
