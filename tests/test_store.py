"""The store: a GeoPackage to other programs, and all or nothing to its own."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from tiny_city import CODES, LAMP, STREET, add, array, box, columns, component, empty_city, point, tiny_city

from gridcity.city import City
from gridcity.errors import CityNotFoundError, StoreError
from gridcity.store.geopackage import LAYERS, TABLES, GeoPackage
from gridcity.store.wkb import Box

META = {"stored_epsg": "4490", "profile": "", "name": "城"}
SYSTEM_PYTHON = Path("/usr/bin/python3")
TESTS = Path(__file__).parent


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with tiny_city(tmp_path / "city.gpkg") as city:
        add(city, "components", component(LAMP, point(0.5, 0.5), code="1"), component(LAMP, point(1, 1)))
        yield city


def raw(path: Path) -> sqlite3.Connection:
    """A plain connection, as another program would make it."""
    return sqlite3.connect(path, isolation_level=None)


def python(code: str, *arguments: object, **more: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, **more)


def boxes(path: Path, layer: str) -> dict[int, tuple[float, ...]]:
    """The R-tree of a layer: west, south, east, north by id."""
    connection = raw(path)
    found = connection.execute(f"SELECT id, minx, miny, maxx, maxy FROM rtree_{layer}_geom").fetchall()
    connection.close()
    return {row[0]: row[1:] for row in found}


def check_boxes(city: City) -> None:
    """Assert that every R-tree holds exactly the bounds of its layer, but for 32-bit rounding outwards."""
    for layer in LAYERS:
        stored = city.store.columns(layer, ("fid", "geom"))
        bounds = dict(zip(stored["fid"], shapely.bounds(stored["geom"]).tolist(), strict=True))
        expected = {i: b for i, b in bounds.items() if not np.isnan(b[0])}
        found = boxes(city.path, layer)
        assert found.keys() == expected.keys()
        for i, (west, south, east, north) in expected.items():
            outer = found[i]
            assert outer[0] <= west and outer[1] <= south and outer[2] >= east and outer[3] >= north
            assert np.allclose(outer, (west, south, east, north), rtol=0, atol=3e-5)


# What other programs see.


def test_gdal_validator(city: City) -> None:
    """GDAL's own validator of GeoPackages finds nothing wrong."""
    probe = [SYSTEM_PYTHON, "-c", "import osgeo_utils.samples.validate_gpkg"]
    if not SYSTEM_PYTHON.exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("python3-gdal, which brings validate_gpkg, is not installed")
    command = [SYSTEM_PYTHON, "-m", "osgeo_utils.samples.validate_gpkg", "-k", "-v", city.path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower(), done.stdout


def test_gdal_lists_every_table(city: City, tmp_path: Path) -> None:
    """GDAL finds three layers with EPSG:4490 and every other table as attributes, in a copy."""
    import pyogrio

    copy = tmp_path / "copy.gpkg"
    city.store.backup(copy)
    listed = dict(pyogrio.list_layers(copy).tolist())
    assert set(listed) == set(TABLES)
    assert {name for name, shape in listed.items() if shape is not None} == set(LAYERS)
    for layer in LAYERS:
        info = pyogrio.read_info(copy, layer=layer)
        assert (info["crs"], info["features"]) == ("EPSG:4490", city.store.count(layer))
    meta, _, bodies, values = pyogrio.raw.read(copy, layer="cells")
    assert values[list(meta["fields"]).index("code")].tolist() == list(CODES.values())
    assert shapely.from_wkb(bodies).tolist() == city.store.columns("cells", ("geom",))["geom"].tolist()


def test_header_and_journal(city: City) -> None:
    """The file says GeoPackage 1.3, keeps its journal in a file that goes away, and is whole."""
    connection = raw(city.path)
    facts = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version", "journal_mode", "integrity_check")
    }
    assert facts == {
        "application_id": 0x47504B47,
        "user_version": 10300,
        "journal_mode": "delete",
        "integrity_check": "ok",
    }
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    assert [path.name for path in city.path.parent.iterdir()] == ["city.gpkg"]


def test_contents_have_the_extent(city: City) -> None:
    """The contents table gives each layer's extent: where QGIS zooms to."""
    connection = raw(city.path)
    sql = "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = 'areas'"
    assert np.allclose(connection.execute(sql).fetchone(), box(0, 0, 6, 4).bounds, atol=3e-5)
    connection.close()


# The R-tree.


def triggers(path: Path) -> dict[str, int]:
    connection = raw(path)
    sql = (
        "SELECT tbl_name, count(*) FROM sqlite_master"
        " WHERE type = 'trigger' AND name LIKE 'rtree%' GROUP BY tbl_name"
    )
    found = dict(connection.execute(sql).fetchall())
    connection.close()
    return found


def test_rtree_follows_our_writing(city: City) -> None:
    """After inserts and updates, empty geometry among them, boxes are the bounds; six triggers a layer."""
    check_boxes(city)
    with city.store.transaction() as tx:
        moved = array([point(3, 3), shapely.Polygon(), shapely.Point(-170.123456789, -80.1)])
        tx.insert("components", columns("components", [component(LAMP, g) for g in moved]))
        tx.update("components", [1, 2, 3], {"geom": array([box(1, 1), shapely.Point(), point(0, 1)])})
        tx.update("cells", [1], {"note": ["x"]})
    check_boxes(city)
    assert triggers(city.path) == dict.fromkeys(LAYERS, 6)


def test_near_misses_nothing(city: City) -> None:
    """Whatever truly meets a box is found, touching included; what is found meets it within metres."""
    draw = random.Random(7)
    shapes = [box(draw.uniform(0, 6), draw.uniform(0, 4), 0.3, 0.3) for _ in range(300)]
    add(city, "components", *(component(LAMP, shape) for shape in shapes))
    for west, south in [(draw.uniform(0, 6), draw.uniform(0, 4)) for _ in range(50)]:
        asked = box(west, south, 0.5, 0)
        found = {i - 3 for i, _ in city.store.near("components", Box(*asked.bounds)) if i > 2}
        assert {i for i, shape in enumerate(shapes) if shape.intersects(asked)} <= found
        assert all(shapes[i].distance(asked) < 5e-5 for i in found)
    edge = Box(*point(3.3, 3.3).coords[0], *point(3.3, 3.3).coords[0])
    (touching,) = add(city, "components", component(LAMP, box(3, 3, 0.3, 0.3)))
    assert touching in dict(city.store.near("components", edge))


def test_rtree_follows_another_program(city: City) -> None:
    """A GIS program that has the ST functions can edit attributes, shapes, ids and rows: boxes follow."""
    from gridcity.store import wkb

    connection = raw(city.path)

    def shape(blob: bytes) -> Any:
        return shapely.from_wkb(blob[8 + (0, 32)[(blob[3] >> 1) & 1] :])

    connection.create_function("ST_IsEmpty", 1, lambda blob: int(shape(blob).is_empty))
    for i, name in enumerate(("ST_MinX", "ST_MinY", "ST_MaxX", "ST_MaxY")):
        connection.create_function(name, 1, lambda blob, i=i: shape(blob).bounds[i])
    (new,) = wkb.encode_many([point(5, 5)], 4490)
    connection.execute("UPDATE cells SET note = '改' WHERE fid = 1")
    connection.execute("UPDATE components SET geom = ? WHERE fid = 1", (new,))
    connection.execute("UPDATE components SET fid = 9 WHERE fid = 2")
    connection.execute("DELETE FROM cells WHERE fid = 7")
    connection.close()
    check_boxes(city)
    assert city.store.rows("cells", ("note",), {"fid": 1}) == [("改",)]
    assert city.locate(point(5, 5).x, point(5, 5).y, class_text=LAMP).component_id == 1


def test_a_failed_insert_leaves_rows_boxes_and_triggers_alone(city: City) -> None:
    """An insert that fails part-way is undone alone, even where the caller goes on and commits."""
    twice = columns("cells", [{"geom": box(3, 3), "code": "x"}, {"geom": box(3, 2), "code": "x"}])
    with city.store.transaction() as tx:
        with pytest.raises(StoreError, match="UNIQUE"):
            tx.insert("cells", twice)
        tx.insert("parties", columns("parties", [{"name": "后来"}]))
    assert (city.store.count("cells"), city.store.count("parties")) == (7, 1)
    assert triggers(city.path) == dict.fromkeys(LAYERS, 6)
    check_boxes(city)


# Transactions.


def test_an_exception_leaves_nothing(city: City) -> None:
    """What was written before an exception is gone, serials too, and the exception arrives as it was."""
    before = city.store.version()
    with pytest.raises(ZeroDivisionError), city.store.transaction() as tx:
        tx.insert("cells", columns("cells", [{"geom": box(3, 3)}]))
        assert tx.count("cells") == 8
        assert tx.take_serials("p", 5, limit=9) == range(1, 6)
        1 / 0  # noqa: B018
    assert city.store.count("cells") == 7 and city.store.count("serials") == 0
    assert city.store.version() == before
    assert triggers(city.path) == dict.fromkeys(LAYERS, 6)
    check_boxes(city)


def test_not_kept_leaves_nothing(city: City) -> None:
    """A dry run sees its own rows and leaves none."""
    with city.store.transaction(keep=False) as tx:
        tx.insert("cells", columns("cells", [{"geom": box(3, 3)}]))
        assert len(tx.near("cells", city.store.extent())) == 8
    assert city.store.count("cells") == 7
    check_boxes(city)


def test_open_transaction_is_invisible(city: City) -> None:
    """Another reader sees the city as it was until the commit, and a new version after it."""
    with City.open(city.path) as reader:
        before = reader.store.version()
        with city.store.transaction() as tx:
            tx.insert("parties", columns("parties", [{"name": "甲"}]))
            assert reader.store.count("parties") == 0
        assert reader.store.count("parties") == 1
        assert reader.store.version() != before


def test_second_writer_is_told(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds another writer at work waits, and is then told so."""
    monkeypatch.setattr("gridcity.store.connection._BUSY_S", 0.05)
    other = raw(city.path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked") as caught, city.store.transaction():
        pass
    assert "Another process is writing" in caught.value.hint
    assert city.store.count("cells") == 7
    other.close()


WRITER = """
import sys
from pathlib import Path
from gridcity.store.geopackage import GeoPackage
store = GeoPackage(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(25):
    with store.transaction() as tx:
        (serial,) = tx.take_serials("p", 1, limit=999)
        tx.insert("parties", {"name": [str(serial)], "receipt": [1]})
    print(serial)
"""


def test_four_writers_lose_nothing(tmp_path: Path) -> None:
    """Of 4 processes with 25 transactions each all 100 are kept, and no serial is given twice."""
    with empty_city(tmp_path / "city.gpkg") as city:
        children = [python(WRITER, city.path, stdin=subprocess.PIPE) for _ in range(4)]
        for child in children:
            assert child.stdout is not None and child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("\n")
            child.stdin.flush()
        given = [int(line) for child in children for line in child.communicate()[0].split()]
        assert [child.returncode for child in children] == [0] * 4
        assert sorted(given) == list(range(1, 101))
        assert sorted(int(name) for (name,) in city.store.rows("parties", ("name",))) == sorted(given)


INSERTER = """
import sys
from pathlib import Path
from gridcity.city import City
from tiny_city import box, columns
city = City.open(sys.argv[1])
rows = columns("cells", [{"geom": box(i % 100, i // 100)} for i in range(3000)])
print("ready", flush=True)
for i in range(1000):
    with city.store.transaction() as tx:
        tx.insert("receipts", columns("receipts", [{}]))
        tx.insert("cells", rows)
        tx.insert("parties", columns("parties", [{"name": str(i)}]))
"""


def test_kill_at_any_moment(tmp_path: Path) -> None:
    """After SIGKILL the store holds whole transactions only, opens by itself, and is sound."""
    moments = random.Random(20260301)
    path = tmp_path / "city.gpkg"
    empty_city(path).close()
    for _ in range(4):
        child = python(INSERTER, path)
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0, 0.35))
        child.kill()
        child.communicate()
        with City.open(path) as city:
            imports = city.store.count("parties")
            assert city.store.count("cells") == 3000 * imports
            assert city.store.count("receipts") == 1 + imports
            assert len(boxes(path, "cells")) == 3000 * imports
        connection = raw(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()
        assert triggers(path) == dict.fromkeys(LAYERS, 6)


# Files that are no city, or cannot be written.


def gpkg_of_another(path: Path) -> None:
    import pyogrio.raw

    body = shapely.to_wkb(np.array([shapely.Point(1, 2)], dtype=object))
    pyogrio.raw.write(path, body, [], [], geometry_type="Point", crs="EPSG:4326", layer="x")


def newer_schema(path: Path) -> None:
    GeoPackage.create(path, META).close()
    connection = raw(path)
    connection.execute("UPDATE gridcity_meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()


def cut_in_half(path: Path) -> None:
    tiny_city(path).close()
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size // 20)


@pytest.mark.parametrize(
    "make, message, hint",
    [
        (lambda path: path.write_text("id,name\n1,x\n" * 200), "not a database", ""),
        (lambda path: path.write_bytes(b""), "is not a city", "gridcity init"),
        (lambda path: raw(path).execute("CREATE TABLE t (a)"), "is not a city", "gridcity init"),
        (gpkg_of_another, "is not a city", "gridcity init"),
        (newer_schema, "has schema 99; this gridcity knows 3", "newer"),
        (cut_in_half, "malformed|not a city", ""),
    ],
    ids=["text", "empty", "sqlite", "gpkg", "newer", "cut"],
)
def test_no_city(tmp_path: Path, make: Any, message: str, hint: str) -> None:
    """A file that is no city of this version is a StoreError that says so and what to do."""
    path = tmp_path / "x.gpkg"
    make(path)
    content = path.read_bytes()
    with pytest.raises(StoreError, match=message) as caught:
        GeoPackage(path)
    assert caught.value.hint and hint in caught.value.hint
    assert path.read_bytes() == content and [p.name for p in tmp_path.iterdir()] == ["x.gpkg"]


def test_missing_city(tmp_path: Path) -> None:
    """No file and a folder are no city; nothing is made by opening."""
    for path in (tmp_path / "none.gpkg", tmp_path):
        with pytest.raises(CityNotFoundError, match="There is no city at"):
            GeoPackage(path)
    assert list(tmp_path.iterdir()) == []


def test_damaged_page(city: City) -> None:
    """A page overwritten in the middle is a StoreError when it is met, never another exception."""
    path = city.path
    city.close()
    size = path.stat().st_size
    with path.open("rb+") as file:
        for offset in range(4096 * 4, size, 4096):
            file.seek(offset)
            file.write(b"\xff" * 64)
    with pytest.raises(StoreError) as caught, City.open(path) as opened:
        for table in TABLES:
            opened.store.rows(table, ("fid",))
    assert caught.value.hint


def test_create_over_anything(tmp_path: Path) -> None:
    """A city is never made over a file or a folder, and leaves no half-made file behind."""
    there = tmp_path / "notes.txt"
    there.write_text("keep me")
    for path in (there, tmp_path):
        with pytest.raises(StoreError, match="exists already"):
            GeoPackage.create(path, META)
    with pytest.raises(StoreError, match="cannot be made"):
        GeoPackage.create(tmp_path / "none" / "city.gpkg", META)
    assert there.read_text() == "keep me" and list(tmp_path.iterdir()) == [there]


READ_ONLY = """
import os, sys
from pathlib import Path
import numpy
from gridcity.store.geopackage import GeoPackage
from gridcity.errors import StoreError
import tiny_city
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    store = GeoPackage(Path(sys.argv[1]))
    print(store.count("cells"), flush=True)
    with store.transaction() as tx:
        tx.insert("parties", {"name": ["x"], "receipt": [1]})
except StoreError as error:
    print(error.message, error.hint)
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_read_only(what: str) -> None:
    """A city that may only be read is read, and writing is refused with a reason."""
    import shutil
    import tempfile

    # Not below pytest's own folder, which is closed to other users.
    folder = Path(tempfile.mkdtemp())
    try:
        path = folder / "city.gpkg"
        tiny_city(path).close()
        path.chmod(0o444 if what == "file" else 0o666)
        folder.chmod(0o755 if what == "file" else 0o555)
        out = python(READ_ONLY, path).communicate()[0].splitlines()
        assert out[0] == "7"
        assert str(path) in out[1], "the file is named"
        assert "cannot be written" in out[1] and "the right to write both" in out[1]
        assert path.stat().st_size and len(list(folder.iterdir())) == 1
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_backup_is_equal(city: City, tmp_path: Path) -> None:
    """A copy has every row of every table; nothing is written over an existing file."""
    target = tmp_path / "copy.gpkg"
    city.store.backup(target)
    source, copy = raw(city.path), raw(target)
    assert list(source.iterdump()) == list(copy.iterdump())
    for name in ("application_id", "user_version", "journal_mode"):
        assert source.execute(f"PRAGMA {name}").fetchone() == copy.execute(f"PRAGMA {name}").fetchone()
    source.close()
    copy.close()
    with City.open(target) as again:
        assert again.locate(*point(0.5, 0.5).coords[0]) == city.locate(*point(0.5, 0.5).coords[0])
    for there in (target, city.path):
        with pytest.raises(StoreError, match="exists already"):
            city.store.backup(there)
    with pytest.raises(StoreError, match="cannot be written"):
        city.store.backup(tmp_path / "none" / "copy.gpkg")


# Questions.


def test_values_are_literal(city: City) -> None:
    """Quotes, percent signs and SQL in a value are text, alone and in a list."""
    names = ["o'neil\"; DROP TABLE cells; --", "%", "_", "a;b", "北新桥", "😀"]
    add(city, "parties", *({"name": name} for name in names))
    for i, name in enumerate(names, 1):
        assert city.store.rows("parties", ("fid",), {"name": name}) == [(i,)]
        assert city.store.rows("parties", ("fid",), {"name": [name, "nobody"]}) == [(i,)]
    assert city.store.rows("parties", ("fid",), {"name": []}) == []
    assert city.store.count("cells") == 7


def test_conditions(city: City) -> None:
    """Conditions are joined by and, None finds what is missing, rows come in the order of ids."""
    rows = city.store.rows
    assert rows("cells", ("fid",), {"fid": [6, 2, 1], "street_id": 2, "code": ["", CODES[2]]}) == [(2,)]
    assert rows("cells", ("fid",), {"community_id": None}) == [(7,)]
    assert rows("cells", ("code", "fid"), {"fid": [3, 1]}) == [(CODES[1], 1), (CODES[3], 3)]


DAYS = [
    ("", "", True),
    ("2026-03-01", "", True),
    ("2026-03-02", "", False),
    ("", "2026-03-01", False),
    ("", "2026-03-02", True),
    ("2026-01-01", "2026-02-01", False),
    ("2026-04-01", "2026-05-01", False),
    ("2026-03-01", "2999-01-01", True),
]


@pytest.mark.parametrize("table", ["cells", "components", "parties", "duties"])
def test_rows_of_a_day(city: City, table: str) -> None:
    """With a day only what has begun by then and has not ended is returned, with other conditions too."""
    dated: list[dict[str, Any]] = [{"since": since, "until": until} for since, until, _ in DAYS]
    if table in LAYERS:
        dated = [row | {"geom": box(2, 2)} for row in dated]
    if table == "components":
        dated = [component(LAMP, row.pop("geom"), **row) for row in dated]
    if table == "parties":
        dated = [row | {"name": f"P{i}"} for i, row in enumerate(dated)]
    if table == "duties":
        dated = [row | {"place_code": STREET} for row in dated]
    ids = add(city, table, *dated)
    valid = [(i,) for i, (_, _, there) in zip(ids, DAYS, strict=True) if there]
    where = {"fid": ids}
    assert city.store.rows(table, ("fid",), where, on="2026-03-01") == valid
    assert city.store.columns(table, ("fid",), where, on="2026-03-01")["fid"].tolist() == [
        i for (i,) in valid
    ]
    assert city.store.rows(table, ("fid",), {"fid": [ids[0], ids[2]]}, on="2026-03-01") == [(ids[0],)]
    assert city.store.rows(table, ("fid",), where) == [(i,) for i in ids]


@pytest.mark.parametrize("table", ["areas", "receipts", "findings"])
def test_tables_without_a_period_have_no_day(city: City, table: str) -> None:
    """Areas have no beginning and end: to ask for a day is a mistake."""
    with pytest.raises(KeyError, match="since"):
        city.store.rows(table, ("fid",), on="2026-03-01")


@pytest.mark.parametrize("bad", ["nothing", "sqlite_master", "cells; DROP TABLE cells", "rtree_cells_geom"])
def test_unknown_names(city: City, bad: str) -> None:
    """A table or column that the schema does not have is a KeyError, whatever it says."""
    with pytest.raises(KeyError):
        city.store.rows(bad, ("fid",))
    with pytest.raises(KeyError):
        city.store.count(bad)
    with pytest.raises(KeyError):
        city.store.near(bad, city.store.extent())
    with pytest.raises(KeyError):
        city.store.rows("cells", (bad,))
    with pytest.raises(KeyError):
        city.store.rows("cells", ("fid",), {bad: 1})
    with pytest.raises(KeyError), city.store.transaction() as tx:
        tx.insert("cells", {bad: [1]})


def test_columns_are_rows(city: City) -> None:
    """Columns hold what rows hold, geometry decoded; of nothing they are empty arrays."""
    names = ("fid", "code", "community_id", "geom")
    found = city.store.columns("cells", names)
    rows = city.store.rows("cells", names)
    assert [tuple(row[:3]) for row in rows] == list(
        zip(*(found[name].tolist() for name in names[:3]), strict=True)
    )
    assert found["geom"][0].normalize() == shapely.MultiPolygon([box(0, 1)]).normalize()
    assert {len(c) for c in city.store.columns("cells", names, {"fid": -1}).values()} == {0}


# Memory of what was.


def test_history_holds_the_row_before(city: City) -> None:
    """A change keeps the whole row as it was, its shape too, and the receipt that replaced it."""
    before = dict(zip(("code", "note", "street_id"), (CODES[1], "", 2), strict=True))
    shape = city.store.rows("cells", ("geom",), {"fid": 1})[0][0]
    with city.store.transaction() as tx:
        (receipt,) = tx.insert("receipts", columns("receipts", [{"source": "again"}]))
        tx.update("cells", [1, 2], {"note": ["新", "新"], "geom": array([box(0, 2), box(1, 2)])})
    history = city.store.rows("history", ("table_name", "object_id", "replaced_by", "record", "geom"))
    assert [row[:3] for row in history] == [("cells", 1, receipt), ("cells", 2, receipt)]
    assert {key: json.loads(history[0][3])[key] for key in before} == before
    assert history[0][4] == shape
    assert city.store.rows("cells", ("note",), {"fid": [1, 2, 3]}) == [("新",), ("新",), ("",)]


def test_ids_are_not_given_again(city: City) -> None:
    """An id that a removed row had is not given to another."""
    connection = raw(city.path)
    connection.execute("DELETE FROM components WHERE fid = 2")
    connection.close()
    assert add(city, "components", component(LAMP, point(1, 1))) == [3]


def test_serials_never_fall(city: City) -> None:
    """Serials go on from the highest ever given or taken in, prefix by prefix, up to the limit."""
    with city.store.transaction() as tx:
        assert tx.take_serials(STREET, 3, limit=999) == range(1, 4)
        tx.raise_serial(STREET, 2)
        assert tx.take_serials(STREET, 1, limit=999) == range(4, 5)
        tx.raise_serial(STREET, 990)
        assert tx.take_serials("other", 2, limit=999) == range(1, 3)
    with city.store.transaction() as tx:
        assert tx.take_serials(STREET, 20, limit=999) == range(991, 1000)
        assert len(tx.take_serials(STREET, 1, limit=999)) == 0
        assert len(tx.take_serials("other", 0, limit=999)) == 0
        assert tx.take_serials("other", 1, limit=999) == range(3, 4)


def test_a_snapshot_sees_one_state(tmp_path: Path) -> None:
    """Inside a snapshot nothing that others write is seen; their commit waits for its end, then all is."""
    with tiny_city(tmp_path / "city.gpkg") as city:
        before = city.store.rows("cells", ("fid", "note"))

        def change() -> None:
            with city.store.transaction() as tx:
                tx.update("cells", [before[0][0]], {"note": ["changed"]})
                written.set()

        written, writer = threading.Event(), threading.Thread(target=change)
        with city.store.snapshot(), city.store.snapshot():
            assert city.store.rows("cells", ("fid", "note")) == before
            writer.start()
            assert written.wait(10)
            writer.join(0.3)
            assert writer.is_alive()
            assert city.store.rows("cells", ("fid", "note")) == before
        writer.join()
        assert city.store.rows("cells", ("note",))[0] == ("changed",)


def test_a_file_left_in_wal_gets_its_journal_back(tmp_path: Path) -> None:
    """A city that another program has switched to WAL and closed is one file again once it is opened."""
    path = tmp_path / "city.gpkg"
    tiny_city(path).close()
    connection = raw(path)
    assert connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    connection.close()
    with City.open(path) as city:
        assert city.store.count("cells") == 7
        add(city, "parties", {"name": "甲"})
        assert [file.name for file in tmp_path.iterdir()] == ["city.gpkg"]
        with pytest.raises(StoreError, match="read-only"):
            city.store._run("DELETE FROM cells")
    connection = raw(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_a_file_in_wal_that_is_open_elsewhere_is_used_as_it_is(tmp_path: Path) -> None:
    """While another program holds the city open in WAL, it is read and written, and both see it."""
    with tiny_city(tmp_path / "city.gpkg") as city:
        connection = raw(city.path)
        assert connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
        add(city, "parties", {"name": "甲"})
        with City.open(city.path) as other:
            add(other, "parties", {"name": "乙"})
        assert connection.execute("SELECT name FROM parties").fetchall() == [("甲",), ("乙",)]
        assert [name for (name,) in city.store.rows("parties", ("name",))] == ["甲", "乙"]
        connection.close()


def test_a_lock_is_waited_for(city: City) -> None:
    """Every connection of a city waits a minute for a lock before it gives up."""
    assert city.store._run("PRAGMA busy_timeout").fetchone() == (60_000,)
    with city.store.transaction() as tx:
        assert tx._run("PRAGMA busy_timeout").fetchone() == (60_000,)
