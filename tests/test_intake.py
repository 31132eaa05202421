"""Files coming in: every row as it was written, or a refusal with a sentence; never a traceback."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import random
import sqlite3
import struct
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import shapely
from test_dbf import dbf_bytes

from gridcity.errors import (
    GridcityError,
    ReferenceSystemError,
    SourceError,
    SourceNotFoundError,
)
from gridcity.intake import read_source

DATA = Path(__file__).parents[1].parent / "shared" / "data"
WGS84 = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],'
    'PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]]'
)
POINTS = [(116.41, 39.94), (116.42, 39.95), None]
FIELDS = [("OBJCODE", "C", 16), ("名称", "C", 20)]
ROWS = [["0101", "雍和宫"], ["0102", "柏林寺"], ["0103", "无处"]]


def data(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the data folder is absent: {'/'.join(parts)}")
    return path


def shapes(points: list[tuple[float, ...] | None], kind: int = 1) -> tuple[bytes, bytes]:
    """The .shp and .shx of points; None is a null shape."""
    records, index, at = b"", b"", 50
    for number, point in enumerate(points, start=1):
        body = struct.pack("<i", 0) if point is None else struct.pack(f"<i{len(point)}d", kind, *point)
        records += struct.pack(">ii", number, len(body) // 2) + body
        index += struct.pack(">ii", at, len(body) // 2)
        at += 4 + len(body) // 2

    def head(size: int) -> bytes:
        return struct.pack(">i20xi", 9994, size // 2) + struct.pack("<ii8d", 1000, kind, *[0.0] * 8)

    return head(100 + len(records)) + records, head(100 + len(index)) + index


def shapefile(folder: Path, name: str = "部件", *, points=POINTS, kind=1, prj=WGS84, **table) -> Path:
    shp, shx = shapes(points, kind)
    rows = table.pop("rows", ROWS)
    for suffix, content in ((".shp", shp), (".shx", shx), (".dbf", dbf_bytes(FIELDS, rows, **table))):
        folder.joinpath(name + suffix).write_bytes(content)
    if prj:
        folder.joinpath(name + ".prj").write_text(prj)
    return folder / f"{name}.shp"


def geojson(folder: Path, features: list[dict], name: str = "a.geojson", **members) -> Path:
    path = folder / name
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": features, **members}, ensure_ascii=False),
        encoding="utf-8",
    )
    return path


def feature(properties: dict | None, *at: float, **members) -> dict:
    place = {"type": "Point", "coordinates": at} if at else None
    return {"type": "Feature", "properties": properties, "geometry": place, **members}


def table(folder: Path, text: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def texts(source) -> dict[str, list[str]]:
    return {name: column.tolist() for name, column in source.columns.items()}


# ---------------------------------------------------------------- shapefiles


def test_a_shapefile_is_text_points_and_origin(tmp_path):
    """Codes keep their zeros, null geometry is None, numbers of records are the file's."""
    path = shapefile(tmp_path)
    source = read_source(path)
    assert texts(source) == {"OBJCODE": ["0101", "0102", "0103"], "名称": ["雍和宫", "柏林寺", "无处"]}
    assert [g and (g.x, g.y) for g in source.geometry] == POINTS
    assert source.rows.tolist() == [1, 2, 3]
    assert (source.name, source.layer, source.driver) == ("部件.shp", "部件", "ESRI Shapefile")
    assert source.encoding == "GB18030"
    assert source.system is not None and source.system.datum == "wgs84"
    parts = [tmp_path / f"部件{suffix}" for suffix in (".dbf", ".prj", ".shp", ".shx")]
    assert source.sha256 == hashlib.sha256(b"".join(p.read_bytes() for p in parts)).hexdigest()


def test_deleted_rows_keep_geometry_and_rows_together(tmp_path):
    """A deleted record takes its geometry with it, and nobody else's."""
    source = read_source(shapefile(tmp_path, deleted=(1,)))
    assert source.rows.tolist() == [2, 3]
    assert texts(source)["OBJCODE"] == ["0102", "0103"]
    assert source.geometry[0].x == 116.42
    assert source.geometry[1] is None
    assert source.findings.counts() == {"row-deleted": 1}


def test_heights_are_left_out_and_counted(tmp_path):
    """Geometry is two-dimensional; the finding says how many rows lost a height."""
    points = [(116.4, 39.9, 51.0, 0.0), None, (116.5, 39.9, 52.0, 0.0)]
    source = read_source(shapefile(tmp_path, points=points, kind=11))
    assert not shapely.has_z(source.geometry).any()
    assert [(f.rule, f.value) for f in source.findings] == [("geometry-z", "2")]


@pytest.mark.parametrize("name", ["a!b", "a.zip.b", "with space", "'quote\"", "很长的名字" * 10, "#?%20&"])
def test_any_name_of_a_file_works(tmp_path, name):
    """Names that GDAL would take apart are read like others."""
    assert len(read_source(shapefile(tmp_path, name))) == 3


def test_reading_leaves_the_folder_alone(tmp_path):
    """Nothing is written beside a source."""
    folder = tmp_path / "in"
    folder.mkdir()
    path = shapefile(folder)
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}
    read_source(path)
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()} == before


@pytest.mark.parametrize("share", range(0, 100, 10))
@pytest.mark.parametrize("suffix", [".shp", ".dbf"])
def test_a_cut_shapefile_is_refused(tmp_path, suffix, share):
    """Cut anywhere, a part of a shapefile is refused, never read as less."""
    path = shapefile(tmp_path)
    part = path.with_suffix(suffix)
    part.write_bytes(part.read_bytes()[: part.stat().st_size * share // 100])
    with pytest.raises(SourceError, match=r"declares|begins with|no dBase table|0 bytes"):
        read_source(path)


def test_sizes_and_counts_are_named(tmp_path):
    """The message holds the declared and the real number."""
    path = shapefile(tmp_path, rows=ROWS[:2])
    with pytest.raises(SourceError, match=r"部件.shp has 3 geometries, 部件.dbf has 2 records"):
        read_source(path)
    path.write_bytes(path.read_bytes() + b"1234")
    with pytest.raises(SourceError, match=r"部件\.shp declares 168 bytes, holds 172"):
        read_source(path)


def test_a_missing_table_is_refused_by_name(tmp_path):
    """Case 10: no table: refused, with the missing suffix."""
    path = shapefile(tmp_path)
    path.with_suffix(".dbf").unlink()
    with pytest.raises(SourceError, match=r"has no \.dbf file"):
        read_source(path)


def test_a_reference_system_is_never_guessed(tmp_path):
    """Without .prj the call must say it; a .prj that is a web page is no declaration either."""
    path = shapefile(tmp_path, prj="")
    with pytest.raises(ReferenceSystemError, match=r"部件.shp.*--crs"):
        read_source(path)
    assert read_source(path, crs="EPSG:4490").system.epsg == 4490
    assert read_source(path, datum="gcj02").system.datum == "gcj02"
    assert read_source(path, geometry="none").system is None
    path.with_suffix(".prj").write_text("<!DOCTYPE html>")
    with pytest.raises(ReferenceSystemError):
        read_source(path)


def test_the_callers_reference_system_stands_over_the_files(tmp_path):
    """--crs wins over .prj."""
    assert read_source(shapefile(tmp_path), crs=4490).system.epsg == 4490


# ---------------------------------------------------------------------- zips


def zipped(path: Path, files: dict[str, bytes], mode: int = 0o644) -> Path:
    with zipfile.ZipFile(path, "w") as pack:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            pack.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path


def set_of(folder: Path, prefix: str = "", suffix_case=str) -> dict[str, bytes]:
    path = shapefile(folder)
    return {
        prefix + path.stem + suffix_case(s): path.with_suffix(s).read_bytes()
        for s in (".shp", ".shx", ".dbf", ".prj")
    }


def test_a_zipped_shapefile_is_the_same_source(tmp_path):
    """In a folder of the zip, in upper case, with a Chinese name: same rows, same sha256."""
    plain = read_source(shapefile(tmp_path))
    for case in (str, str.upper):
        source = read_source(zipped(tmp_path / "投递.zip", set_of(tmp_path, "数据/2026/", case)))
        assert texts(source) == texts(plain)
        assert source.sha256 == plain.sha256
        assert (source.name, source.layer) == ("投递.zip", "部件")


def test_names_in_gbk_are_read(tmp_path):
    """Case 52: a zip of Chinese Windows shows its names as they are."""
    files = {name.replace("部件", "@@@@"): content for name, content in set_of(tmp_path, "@@/").items()}
    path = zipped(tmp_path / "gbk.zip", files)
    names = path.read_bytes().replace(b"@@/", "区".encode("gbk") + b"/")
    path.write_bytes(names.replace(b"@@@@", "部件".encode("gbk")))
    with zipfile.ZipFile(path) as pack:
        assert "部件" not in "".join(pack.namelist())
    source = read_source(path)
    assert source.layer == "部件"
    assert texts(source)["名称"][0] == "雍和宫"


def test_several_shapefiles_ask_for_a_layer(tmp_path):
    """Case 52: the message lists them; --layer takes the name with or without folder."""
    files = set_of(tmp_path, "甲/") | {
        k.replace("部件", "事件"): v for k, v in set_of(tmp_path, "乙/").items()
    }
    path = zipped(tmp_path / "two.zip", files)
    with pytest.raises(SourceError, match=r"several shapefiles: 甲/部件.shp, 乙/事件.shp.*--layer"):
        read_source(path)
    assert read_source(path, layer="事件").layer == "事件"
    assert read_source(path, layer="甲/部件").layer == "部件"
    with pytest.raises(SourceError, match="no layer '丙'; it holds"):
        read_source(path, layer="丙")


def test_shadow_files_of_macos_are_no_shapefiles(tmp_path):
    """__MACOSX/._a.shp is not a second layer."""
    files = set_of(tmp_path) | {"__MACOSX/._部件.shp": b"x", "._部件.shp": b"x"}
    assert len(read_source(zipped(tmp_path / "mac.zip", files))) == 3


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"../escaped.shp": b"x"}, "leads out of it"),
        ({"/abs.shp": b"x"}, "leads out of it"),
        ({"C:/x.shp": b"x"}, "leads out of it"),
        ({"a\\..\\..\\x.shp": b"x"}, "leads out of it"),
        ({"inner.zip": b"PK"}, "another zip"),
        ({"部件.SHP": b"x"}, "by case alone"),
        ({f"{i}.txt": b"" for i in range(1000)}, "1,004 entries"),
        ({"zeros.bin": bytes(110 * 1024**2)}, "would become"),
    ],
)
def test_an_unsafe_zip_is_refused_before_it_is_unpacked(tmp_path, extra, message):
    """Cases 49 and 50: escapes, bombs and nesting are refused whatever else is in the zip."""
    path = zipped(tmp_path / "bad.zip", set_of(tmp_path) | extra)
    with pytest.raises(SourceError, match=message):
        read_source(path)


def test_links_encryption_and_damage_in_a_zip_are_refused(tmp_path):
    """Cases 50 and 51: a link, an encrypted entry, a wrong checksum, a cut zip, a zip of nothing."""
    files = set_of(tmp_path)
    with pytest.raises(SourceError, match="is a link"):
        read_source(zipped(tmp_path / "link.zip", files, mode=0o120777))
    good = zipped(tmp_path / "good.zip", files).read_bytes()
    path = tmp_path / "bad.zip"
    encrypted = bytearray(good)
    encrypted[good.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(encrypted)
    with pytest.raises(SourceError, match="is encrypted"):
        read_source(path)
    damaged = bytearray(good)
    damaged[70] ^= 0xFF
    for content in (bytes(damaged), good[:-30], b"PK\x05\x06" + bytes(18), b"PK\x03\x04rubbish"):
        path.write_bytes(content)
        with pytest.raises(SourceError, match="refused"):
            read_source(path)


# ---------------------------------------------------------------- GeoPackage


def geopackage(path: Path, layer: str = "cells", n: int = 3) -> Path:
    import geopandas

    frame = geopandas.GeoDataFrame(
        {
            "code": [f"010{i}" for i in range(n)],
            "n": [10**15 + i for i in range(n)],
            "r": [0.1, None, 2.0][:n],
        },
        geometry=[shapely.Point(100 + i, 30) for i in range(n)],
        crs=4490,
    )
    frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio", mode="a" if path.exists() else "w")
    return path


def test_a_geopackage_is_read_in_the_order_of_its_key(tmp_path):
    """Attributes and geometry belong together after rows were deleted and added; whole numbers are exact."""
    path = geopackage(tmp_path / "a.gpkg")
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("DROP TRIGGER rtree_cells_geom_delete")
        base.execute("DELETE FROM cells WHERE fid = 2")
    source = read_source(path)
    assert texts(source) == {
        "fid": ["1", "3"],
        "code": ["0100", "0102"],
        "n": ["1000000000000000", "1000000000000002"],
        "r": ["0.1", "2.0"],
    }
    assert [g.x for g in source.geometry] == [100, 102]
    assert source.rows.tolist() == [1, 2]
    assert (source.driver, source.layer, source.system.epsg) == ("GPKG", "cells", 4490)


def with_blob(path: Path, wkb: bytes) -> Path:
    """A GeoPackage of one feature whose geometry is these bytes."""
    geopackage(path, n=1)
    with closing(sqlite3.connect(path)) as base, base:
        for name in [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("UPDATE cells SET geom = ?", (b"GP\0\x01" + struct.pack("<i", 4490) + wkb,))
    return path


@pytest.mark.parametrize(
    "wkb",
    [
        struct.pack("<BII", 1, 7, 1) * 100_000 + struct.pack("<BIdd", 1, 1, 1.0, 2.0),
        struct.pack("<BII", 1, 2, 4_000_000_000),
        struct.pack("<BII", 1, 99, 1),
    ],
)
def test_case_54_and_55_a_geometry_that_is_a_trap(tmp_path, wkb):
    """Nesting 100,000 deep, a count of four billion, an unknown kind: the file or its row is refused."""
    path = with_blob(tmp_path / "a.gpkg", wkb)
    try:
        source = read_source(path)
    except SourceError as problem:
        assert "a.gpkg" in problem.message
    else:
        assert source.geometry.tolist() == [None]


def test_layers_of_a_geopackage_are_chosen_by_name(tmp_path):
    """Several layers ask for one; a layer's name may hold anything."""
    path = geopackage(geopackage(tmp_path / "a.gpkg"), 'x" OR 1; --')
    with pytest.raises(SourceError, match=r"has 2 layers: cells, x.*--layer"):
        read_source(path)
    with pytest.raises(SourceError, match="no layer 'none'; its layers: cells"):
        read_source(path, layer="none")
    assert len(read_source(path, layer='x" OR 1; --')) == 3


def test_damaged_text_in_a_geopackage_costs_its_row(tmp_path):
    """SQLite keeps any bytes; those that are no UTF-8 are a finding."""
    path = geopackage(tmp_path / "a.gpkg")
    with closing(sqlite3.connect(path)) as base, base:
        for name in [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("UPDATE cells SET code = CAST(x'61ff' AS TEXT) WHERE fid = 2")
    source = read_source(path)
    assert texts(source)["code"] == ["0100", "a\\xff", "0102"]
    assert source.findings.rejected_rows() == {2}


def test_what_is_no_geopackage_is_refused(tmp_path):
    """Another SQLite file, and a cut one, end in a sentence."""
    path = tmp_path / "a.gpkg"
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("CREATE TABLE t (a)")
    with pytest.raises(SourceError, match="cannot be read as a GeoPackage"):
        read_source(path)
    whole = geopackage(tmp_path / "b.gpkg").read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(SourceError):
        read_source(path)


# ------------------------------------------------------------- paths and names


def test_paths_that_are_no_file(tmp_path):
    """Cases 1, 2 and 69: missing, a folder, empty, remote, unknown: one sentence each."""
    with pytest.raises(SourceNotFoundError, match="no file"):
        read_source(tmp_path / "absent.shp")
    with pytest.raises(FileNotFoundError):
        read_source("absent\0.shp")
    with pytest.raises(SourceError, match="folder"):
        read_source(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    for special in (tmp_path / "pipe.csv", "/dev/zero"):
        with pytest.raises(SourceError, match="no ordinary file") as caught:
            read_source(special)
        assert "Write the rows to a file" in caught.value.hint
    (tmp_path / "empty.shp").touch()
    with pytest.raises(SourceError, match="0 bytes"):
        read_source(tmp_path / "empty.shp")
    with pytest.raises(SourceError):
        read_source("x" * 5000 + ".shp")
    for remote in ("http://example.org/a.geojson", "/vsicurl/http://example.org/a.shp", "s3://a/b.gpkg"):
        with pytest.raises(SourceError, match="no local file"):
            read_source(remote)
    (tmp_path / "a.xls").write_text("x")
    with pytest.raises(SourceError, match="an Excel file of the old kind"):
        read_source(tmp_path / "a.xls")
    with pytest.raises(SourceError, match="has one layer, a, not 'b'"):
        read_source(geojson(tmp_path, []), layer="b")


def test_text_under_another_suffix_is_refused(tmp_path):
    """The first bytes must agree with the suffix."""
    for suffix in (".shp", ".zip", ".gpkg", ".geojson"):
        path = table(tmp_path, "just text", f"a{suffix}")
        with pytest.raises(SourceError, match="though its suffix says so: it begins with b'just text'"):
            read_source(path)


def test_no_file_is_left_open_or_behind(tmp_path, monkeypatch):
    """Temporary folders go away with the call."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    read_source(zipped(tmp_path / "a.zip", set_of(tmp_path)))
    read_source(geopackage(tmp_path / "a.gpkg"))
    gc.collect()
    assert list((tmp_path / "temp").iterdir()) == []


def test_no_damage_ends_in_a_traceback(tmp_path):
    """A few hundred files with random bytes changed, cut out or put in are read or refused."""
    chance = random.Random(20260601)
    shape = shapefile(tmp_path)
    files = [
        shape,
        *(shape.with_suffix(suffix) for suffix in (".shx", ".dbf", ".prj")),
        zipped(tmp_path / "z.zip", set_of(tmp_path)),
        geojson(tmp_path, [feature({"a": 1, "b": "路灯"}, 1, 2, id=4), feature({"a": 2}, 3, 4)]),
        geopackage(tmp_path / "g.gpkg"),
        table(tmp_path, "编号,lng,lat\n1,2,3\n路灯,3,4\n"),
    ]
    for file in files * 50:
        whole = file.read_bytes()
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 5))):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        file.write_bytes(damaged)
        try:
            source = read_source(shape if file.stem == shape.stem else file, crs=4326)
        except GridcityError:
            continue
        finally:
            file.write_bytes(whole)
        assert len(source) == len(source.geometry)
        "".join(text for column in source.columns.values() for text in column).encode()


# ------------------------------------------------------------------- real data


@pytest.mark.parametrize(
    ("parts", "n", "name"),
    [
        (("chongqing_shp", "区县界_area.shp"), 38, "奉节县"),
        (("derived-ldid0", "区县界_area.shp"), 38, "奉节县"),
        (("shanghai_shp", "区县界_area.shp"), 17, "宝山区"),
        (("nts", "chinese_encoding.shp"), 78, "安徽"),
        (("shapefile-rs", "file_cp936.shp"), 1, "测试中文"),
    ],
)
def test_the_gbk_shapefiles(parts, n, name):
    """Five real shapefiles in GBK, with and without declarations, are read as Chinese."""
    source = read_source(data("gbk-shapefiles", *parts), crs=4326)
    assert len(source) == n
    assert source.encoding == "GB18030"
    assert any(name in column.tolist() for column in source.columns.values())
    assert source.findings.rejected_rows() == set()


def test_the_survey_of_dongcheng():
    """35 records of 18 objects, codes of 16 digits exact, nulls of the source missing."""
    points = read_source(data("dongcheng", "bujian_relics_point_gcj02.geojson"), datum="gcj02")
    areas = read_source(data("dongcheng", "bujian_relics_area_gcj02.geojson"), datum="gcj02")
    assert (len(points), len(areas)) == (17, 18)
    codes = points.columns["OBJCODE"].tolist() + areas.columns["OBJCODE"].tolist()
    assert set(map(len, codes)) == {16}
    assert len(set(codes)) == 18
    assert not any("\0" in text for column in areas.columns.values() for text in column)
    assert points.system.datum == "gcj02"


def test_washington():
    """The kit's counts, its marks and its reference systems."""
    lights = read_source(
        data("washington-dc", "components", "streetlights.csv"), crs=26985, x="XCOORD", y="YCOORD"
    )
    assert len(lights) == 3963
    assert next(iter(lights.columns)) == "OID_"
    assert lights.findings.counts() == {}
    benches = read_source(data("washington-dc", "components", "trees", "benches.shp"))
    assert (len(benches), benches.system.epsg) == (2782, 26985)
    cells = read_source(data("washington-dc", "polygons", "fcc", "fcc.shp"))
    assert (len(cells), cells.system.epsg) == (574, 3857)
    assert set(shapely.get_dimensions(cells.geometry)) == {2}
    with pytest.raises(SourceError, match=r"has no \.dbf file"):
        read_source(data("washington-dc", "components", "trees", "trees.shp"))


def test_shenzhen_needs_a_reference_system():
    """9,005 cells without .prj are refused until the call says what they are."""
    path = data("shenzhen", "grid.shp")
    with pytest.raises(ReferenceSystemError, match=r"grid.shp"):
        read_source(path)
    assert len(read_source(path, crs=4326)) == 9005


def test_taichung():
    """6,328 hydrants of two schemas unioned, traditional Chinese."""
    source = read_source(data("taichung", "hydrants.geojson"))
    assert len(source) == 6328
    assert source.columns["name"][0] == "十九甲分隊"


def test_odd_files_are_read_or_refused():
    """Every odd file of other projects' test suites is read, or refused with a sentence."""
    read, refused = 0, 0
    for path in sorted(p for p in data("odd-shapefiles").rglob("*") if p.is_file()):
        try:
            source = read_source(path, crs=4326)
        except GridcityError as problem:
            assert problem.hint
            refused += 1
        else:
            assert len(source) == len(source.geometry) == len(source.rows)
            assert all(len(column) == len(source) for column in source.columns.values())
            assert all(isinstance(text, str) for column in source.columns.values() for text in column)
            read += 1
    assert read > 40 and refused > 40


def test_pyshp_agrees_with_our_reading_of_tables():
    """Text columns of a real table are what another reader finds."""
    shapefile_module = pytest.importorskip("shapefile")
    path = data("gbk-shapefiles", "nts", "chinese_encoding.shp")
    source = read_source(path, crs=4326)
    with shapefile_module.Reader(str(path), encoding="gb18030") as reader:
        names = [f[0] for f in reader.fields if f[0] != "DeletionFlag"]
        records = [list(record) for record in reader.records()]
        kinds = {f[0]: str(f[1])[-1] for f in reader.fields}
    assert list(source.columns) == names
    for i, name in enumerate(names):
        if kinds[name] == "C":
            assert source.columns[name].tolist() == [str(record[i]) for record in records], name
    assert np.array_equal(source.rows, np.arange(1, 79))
