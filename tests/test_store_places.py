"""The places of components: always what the components say, whoever writes them and how."""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_city import GREEN, LAMP, RAILING, add, array, box, columns, component, empty_city, line, point

from gridcity.city import City
from gridcity.store import places as table
from gridcity.store import wkb
from gridcity.store.connection import FORMER_VERSIONS, SCHEMA_VERSION
from gridcity.store.past import end
from gridcity.store.wkb import Box

Place = tuple[str, int, float, int, float]
TRIGGERS = tuple(f"component_places_{what}" for what in ("insert", "update", "delete"))


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with empty_city(tmp_path / "city.gpkg") as opened:
        yield opened


def raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def kept(path: Path) -> list[Place]:
    with closing(raw(path)) as connection:
        return connection.execute("SELECT * FROM component_places").fetchall()


def computed(path: Path) -> list[Place]:
    """The places worked out afresh, in the order of the table."""
    with closing(raw(path)) as connection:
        rows = connection.execute("SELECT fid, class_code, geom FROM components").fetchall()
    places: list[Place] = []
    for fid, klass, blob in rows:
        coordinates = [xy for path_ in wkb.paths(blob)[1] for xy in path_]
        if len(set(coordinates)) == 1:
            ((x, y), *_) = coordinates
            places.append((klass, int(y * 1000), x, fid, y))
        elif coordinates:
            places.append((klass, -1_000_000, 0.0, fid, 0.0))
    return sorted(places, key=lambda place: place[:4])


def check(city: City) -> None:
    """Assert that the table holds what the components say, and that every trigger stands."""
    assert kept(city.path) == computed(city.path)
    with closing(raw(city.path)) as connection:
        sql = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'components'"
        assert connection.execute(sql).fetchone() == (9,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def make_former(path: Path, version: str = "1") -> None:
    """Give a city the schema of a former version."""
    with closing(raw(path)) as connection:
        if version == "1":
            connection.execute("DROP TABLE component_places")
            for name in TRIGGERS:
                connection.execute(f"DROP TRIGGER {name}")
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'duties'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DROP TABLE rtree_duties_geom")
        connection.execute("DROP TABLE spacings")
        for column in ("condition", "place_name", "note", "area_m2", "geom"):
            connection.execute(f"ALTER TABLE duties DROP COLUMN {column}")
        for table in ("gpkg_extensions", "gpkg_geometry_columns"):
            connection.execute(f"DELETE FROM {table} WHERE table_name = 'duties'")
        connection.execute("DELETE FROM gpkg_contents WHERE table_name = 'spacings'")
        connection.execute(
            "UPDATE gpkg_contents SET data_type = 'attributes', srs_id = NULL WHERE table_name = 'duties'"
        )
        connection.execute("UPDATE gridcity_meta SET value = ? WHERE key = 'schema_version'", (version,))


def schema_of(path: Path) -> dict[str, object]:
    """Return the tables with their columns, the statements of all else, and what GeoPackage says of them."""
    with closing(raw(path)) as connection:
        found: dict[str, object] = {}
        for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
            # A column that was added later stands otherwise in the text of its table.
            columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
            found[name] = columns if kind == "table" else sql
        for table in ("gpkg_extensions", "gpkg_geometry_columns"):
            found[table, "rows"] = sorted(connection.execute(f"SELECT * FROM {table}").fetchall())
        sql = "SELECT table_name, data_type, identifier, srs_id FROM gpkg_contents"
        found["contents"] = sorted(connection.execute(sql).fetchall())
        return found


SHAPES = [
    point(0, 0),
    shapely.Point(-0.0, 0.0),
    shapely.Point(-70.00025, -33.4567),
    shapely.Point(180, 90),
    shapely.Point(-180, -90),
    shapely.Point(np.nextafter(-0.001, 0), np.nextafter(0.001, 0)),
    shapely.MultiPoint([(116.5, 39.5)]),
    shapely.MultiPoint([(116.5, 39.5), (116.6, 39.5)]),
    shapely.LineString([(1, 1), (1, 1)]),
    line((0, 0), (1, 1)),
    box(2, 2),
    shapely.Point(),
    shapely.Polygon(),
]


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("filled", [False, True])
def test_places_of_every_shape(city: City, bulk: bool, filled: bool) -> None:
    """Points have their place, others one entry without, what is empty has none; in every sign."""
    rows = [component(klass, shape) for shape in SHAPES for klass in (LAMP, RAILING)]
    if filled:
        add(city, "components", component(GREEN, box(0, 0)), component(LAMP, point(1, 1)))
    with city.store.transaction() as tx:
        if bulk:
            with tx.bulk("components", len(rows)):
                tx.insert("components", columns("components", rows[:7]))
                tx.insert("components", columns("components", rows[7:]))
        else:
            tx.insert("components", columns("components", rows))
    assert len(kept(city.path)) == 2 * (len(SHAPES) - 2) + 2 * filled
    check(city)


def test_places_after_each_writing(city: City) -> None:
    """Moves, changes of class and shape, ends and what is taken back are followed."""
    ids = add(city, "components", *(component(LAMP, shape) for shape in SHAPES))
    with city.store.transaction() as tx:
        (second,) = tx.insert("receipts", columns("receipts", [{}])).tolist()
        tx.update("components", ids[:3], {"geom": array([box(0, 0), point(5, 5), shapely.Point()])})
        tx.update("components", ids[2:5], {"class_code": [GREEN] * 3, "receipt": [second] * 3})
        tx.update("components", [ids[9], ids[11]], {"geom": array([point(-1, -1), point(-2, 7)])})
        tx.insert(
            "components", columns("components", [component(RAILING, s, receipt=second) for s in SHAPES])
        )
        assert end(tx, "components", ids[5:7], "2026-01-01", second) == ids[5:7]
    check(city)
    before = kept(city.path)
    with city.store.transaction() as tx:
        tx.insert("receipts", columns("receipts", [{"kind": "undo"}]))
        tx.take_back([second])
    assert kept(city.path) != before
    assert {place[3] for place in kept(city.path)} <= set(ids)
    check(city)


def test_places_of_what_is_moved_while_much_is_written(city: City) -> None:
    """What is inserted, moved and given another class within one block is entered once, where it is."""
    with city.store.transaction() as tx, tx.bulk("components", len(SHAPES)):
        ids = tx.insert("components", columns("components", [component(LAMP, shape) for shape in SHAPES]))
        tx.update("components", ids[:2], {"class_code": [GREEN] * 2, "geom": array([point(7, 7)] * 2)})
    check(city)


@pytest.mark.parametrize("others", [1, 40])
def test_places_after_a_large_undo(city: City, others: int) -> None:
    """Whether few or nearly all components go, the places of those that stay, and no others, stay."""
    add(city, "components", *(component(LAMP, point(0.1 * i, 0)) for i in range(others)))
    with city.store.transaction() as tx:
        (second,) = tx.insert("receipts", columns("receipts", [{}])).tolist()
        rows = [component(LAMP, shape, receipt=second) for shape in SHAPES]
        tx.insert("components", columns("components", rows))
    with city.store.transaction() as tx:
        tx.insert("receipts", columns("receipts", [{"kind": "undo"}]))
        assert tx.take_back([second]) == {"components": (len(SHAPES), 0)}
    assert len(kept(city.path)) == others
    check(city)


writings = st.lists(
    st.tuples(
        st.sampled_from(["insert", "bulk", "move", "class", "delete", "undo"]),
        st.integers(0, 30),
        st.sampled_from(SHAPES),
        st.sampled_from([LAMP, RAILING, GREEN]),
    ),
    max_size=12,
)


@given(writings)
@settings(deadline=None, max_examples=40)
def test_places_after_any_writings(steps: list[tuple[str, int, Any, str]]) -> None:
    """Whatever is inserted, moved, given another class, deleted or taken back, in whatever order."""
    with tempfile.TemporaryDirectory() as folder, empty_city(Path(folder) / "city.gpkg") as city:
        last = 1
        for what, chosen, shape, klass in steps:
            ids = [fid for (fid,) in city.store.rows("components", ("fid",))]
            one = ids[chosen % len(ids)] if ids else None
            if what == "delete":
                with closing(raw(city.path)) as connection:
                    connection.execute("DELETE FROM components WHERE fid = ?", (one,))
            elif what == "undo" and last == 1:
                continue
            else:
                with city.store.transaction() as tx:
                    (receipt,) = tx.insert("receipts", columns("receipts", [{}])).tolist()
                    row = columns("components", [component(klass, shape, receipt=receipt)] * (1 + chosen % 3))
                    if what == "insert":
                        tx.insert("components", row)
                    elif what == "bulk":
                        with tx.bulk("components", 3):
                            tx.insert("components", row)
                    elif what == "undo":
                        tx.take_back([last])
                    elif one and what == "move":
                        tx.update("components", [one], {"geom": array([shape]), "receipt": [receipt]})
                    elif one:
                        tx.update("components", [one], {"class_code": [klass], "receipt": [receipt]})
                last = 1 if what == "undo" else receipt
            assert kept(city.path) == computed(city.path)
        check(city)


def test_a_failed_writing_leaves_the_places(city: City) -> None:
    """Rows that are refused leave neither places nor a missing trigger behind."""
    add(city, "components", component(LAMP, point(0, 0), code="1"))
    with pytest.raises(Exception, match="UNIQUE"), city.store.transaction() as tx:
        tx.insert("components", columns("components", [component(LAMP, point(1, 1), code="1")] * 2))
    check(city)
    with pytest.raises(Exception, match="UNIQUE"), city.store.transaction() as tx, tx.bulk("components", 2):
        tx.insert("components", columns("components", [component(LAMP, point(1, 1), code="1")] * 2))
    check(city)


EDITS = {
    "insert": "INSERT INTO components (geom, code, edition, class_code, class_name, receipt)"
    " SELECT {shape}, '', 'e', '01037', '', 1",
    "move": "UPDATE components SET geom = {shape} WHERE fid IN (1, 3)",
    "class": "UPDATE components SET class_code = '01002' WHERE fid < 3",
    "number": "UPDATE components SET fid = fid + 100 WHERE fid < 4",
    "delete": "DELETE FROM components WHERE fid < 4",
}


@pytest.mark.parametrize("shape", [(-70.5, -33.5, -70.5, -33.5), (-71, -34, -70, -33)])
@pytest.mark.parametrize("edit", EDITS)
def test_places_follow_another_program(city: City, edit: str, shape: tuple[float, ...]) -> None:
    """What GDAL, and QGIS through it, inserts, moves, renumbers or deletes is followed."""
    if subprocess.run(["which", "ogrinfo"], capture_output=True, check=False).returncode:
        pytest.skip("GDAL's programs are not installed")
    add(city, "components", *(component(LAMP, s) for s in (point(0, 0), box(0, 0), line((0, 0), (1, 1)))))
    before = kept(city.path)
    west, south, east, north = shape
    geometry = shapely.Point(west, south) if (west, south) == (east, north) else shapely.box(*shape)
    (blob,) = wkb.encode_many(array([geometry]), 4490)
    assert blob is not None
    command = ["ogrinfo", "-q", str(city.path), "-sql", EDITS[edit].format(shape=f"x'{blob.hex()}'")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "ERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert kept(city.path) != before
    check(city)


def test_a_program_without_functions_can_delete(city: City) -> None:
    """Plain SQLite, which has no ST_MinX, may delete components: their places go, too."""
    add(city, "components", *(component(LAMP, shape) for shape in SHAPES))
    with closing(raw(city.path)) as connection:
        for fid in range(1, len(SHAPES) + 1):
            connection.execute("DELETE FROM components WHERE fid = ?", (fid,))
            assert kept(city.path) == computed(city.path)


# Cities of the former version.


@pytest.mark.parametrize("version", FORMER_VERSIONS)
def test_a_former_city_answers_and_is_upgraded_by_the_first_writing(city: City, version: str) -> None:
    """What it lacks is empty; a writing that fails leaves it; then it has what a new city has."""
    add(city, "components", *(component(LAMP, shape) for shape in SHAPES))
    schema = schema_of(city.path)
    make_former(city.path, version)
    around = Box(*point(-1, -1).coords[0], *point(1, 1).coords[0])
    everywhere = Box(-180, -90, 180, 90)
    duty = ("party_name", "condition", "place_name", "note", "area_m2", "geom")
    with City.open(city.path) as former, City.open(city.path) as other:
        points, others = former.store.places_near([LAMP], around)
        assert {i for i, _, _ in points} | set(others) == {1, 7, 8, 10}
        assert former.store.rows("spacings", ("spacing_m",)) == []
        assert former.store.near("duties", everywhere) == []
        with pytest.raises(ZeroDivisionError), former.store.transaction():
            1 / 0  # noqa: B018
        assert former.store.meta()["schema_version"] == version
        row = {"party_name": "甲", "place_code": "110101", "note": "约定", "geom": box(0, 0), "area_m2": 7.0}
        add(former, "duties", row)
        assert former.store.meta()["schema_version"] == SCHEMA_VERSION
        points, others = former.store.places_near([LAMP], around)
        assert {i for i, _, _ in points} == {1, 7} and set(others) == {8, 10}
        with other.store.snapshot():
            for reading in (former.store, other.store):
                assert [r[:-1] for r in reading.rows("duties", duty)] == [("甲", "", "", "约定", 7.0)]
                assert [i for i, _ in reading.near("duties", everywhere)] == [1]
    assert schema_of(city.path) == schema
    check(city)


# Questions.


@pytest.mark.parametrize("reach", [0.0, 0.0004, 0.01, 0.2, 90.0, 400.0])
def test_places_near(city: City, reach: float) -> None:
    """What is of the classes and in the box, its rim included, is found, runs sought or a band read."""
    draw = np.random.default_rng(8)
    places = np.concatenate(
        [centre + draw.uniform(-0.3, 0.3, (60, 2)) for centre in ((116.5, 39.5), (0, 0), (-70, -33))]
    )
    classes = [(LAMP, RAILING, GREEN)[i % 3] for i in range(len(places))]
    rows = [component(c, shapely.Point(*p)) for c, p in zip(classes, places.tolist(), strict=True)]
    ids = add(city, "components", *rows)
    for x, y in [*places[::20].tolist(), (0.0, 0.0), (-0.00025, 0.00025)]:
        west, south, east, north = x - reach, y - reach, x + reach, y + reach
        inside = (places >= (west, south)).all(axis=1) & (places <= (east, north)).all(axis=1)
        for asked in ([LAMP], [GREEN, LAMP], ["none"]):
            points, others = city.store.places_near(asked, Box(west, south, east, north))
            found = {i: (a, b) for i, a, b in points}
            wanted = {
                ids[i]: tuple(places[i].tolist()) for i in np.flatnonzero(inside) if classes[i] in asked
            }
            assert others == [] and len(found) == len(points)
            assert found == wanted


def test_shapes_near(city: City) -> None:
    """Lines and polygons of the classes are found by their boxes, and only they."""
    kinds = [(LAMP, point(0, 0)), (GREEN, box(0, 0)), (LAMP, line((0, 0), (1, 1))), (RAILING, box(0, 0))]
    add(city, "components", *(component(klass, shape) for klass, shape in kinds))
    here = Box(*point(-0.1, -0.1).coords[0], *point(0.1, 0.1).coords[0])
    far = Box(*point(50, 50).coords[0], *point(51, 51).coords[0])
    assert city.store.places_near([LAMP], here) == ([(1, *point(0, 0).coords[0])], [3])
    assert city.store.places_near([GREEN, RAILING], here) == ([], [2, 4])
    assert city.store.places_near([LAMP, GREEN], far) == ([], [])
    with city.store.transaction() as tx:
        assert tx.places_near([GREEN], here) == ([], [2])


def test_places_are_found_by_index(city: City) -> None:
    """No question for places walks through the table."""
    statements = [(table._runs(2, 3), 9), (table._BAND, 7), (table._SHAPES, 5)]
    with closing(raw(city.path)) as connection:
        for statement, values in statements:
            plan = str(connection.execute(f"EXPLAIN QUERY PLAN {statement}", ("[]",) * values).fetchall())
            assert "SCAN component_places" not in plan
            assert "SEARCH component_places USING PRIMARY KEY (class_code=? AND row" in plan
