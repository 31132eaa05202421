"""Many rows in one transaction: indexes and boxes at the end, or nothing at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from tiny_city import LAMP, array, columns, component, empty_city, line, point

from gridcity.city import City
from gridcity.errors import StoreError
from gridcity.store import bulk, wkb
from gridcity.store.tree import rounded_outwards
from gridcity.store.wkb import Box

EVERYWHERE = Box(-180, -90, 180, 90)
SCHEMA = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
TODAY = date.today().isoformat()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with empty_city(tmp_path / "city.gpkg") as opened:
        yield opened


def lamps(*places: tuple[float, float]) -> dict[str, object]:
    return columns("components", [component(LAMP, point(*place)) for place in places])


def schema(city: City) -> list[tuple[str, str, str]]:
    with sqlite3.connect(city.path) as connection:
        return connection.execute(SCHEMA).fetchall()


@pytest.mark.parametrize("filled", [False, True])
def test_bulk_leaves_what_single_inserts_leave(city: City, filled: bool) -> None:
    """Rows, boxes, indexes and triggers are there after the block, whether the table was empty or not."""
    before = schema(city)
    if filled:
        with city.store.transaction() as tx:
            tx.insert("components", lamps((9, 9)))
    with city.store.transaction() as tx:
        with tx.bulk("components", 6_000):
            tx.insert("components", lamps((0, 0), (1, 1)))
            tx.insert("components", lamps((2, 2)))
        assert len(tx.near("components", EVERYWHERE)) == 3 + filled
    assert city.store.count("components") == 3 + filled
    assert sorted(schema(city)) == sorted(before)
    with sqlite3.connect(city.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT rtreecheck('rtree_components_geom')").fetchone() == ("ok",)


def test_an_exception_in_bulk_ends_the_transaction(city: City) -> None:
    """Even where the caller goes on after the exception, nothing is kept."""
    before = city.path.read_bytes()
    with pytest.raises(StoreError, match="has ended"), city.store.transaction() as tx:
        with pytest.raises(KeyError), tx.bulk("components", 6_000):
            tx.insert("components", lamps((0, 0)))
            raise KeyError
        tx.finish()
    assert city.path.read_bytes() == before


def test_boxes_beyond_one_node_are_all_found(city: City) -> None:
    """A tree of three levels is sound, finds every row by its place, and takes and loses single rows."""
    places = np.random.default_rng(3).uniform(-80, 80, (6_000, 2))
    shapes = shapely.points(places)
    shapes[::7] = shapely.box(*places[::7].T, *(places[::7] + 0.5).T)
    rows = columns("components", [component(LAMP, shape) for shape in shapes])
    with city.store.transaction() as tx:
        with tx.bulk("components", 6_000):
            ids = np.concatenate(
                [
                    tx.insert("components", {n: c[part] for n, c in rows.items()})  # type: ignore[index]
                    for part in (slice(0, 2_500), slice(2_500, None))
                ]
            )
        at, found = tx.touching("components", shapely.bounds(shapes))
        pairs = set(zip(ids[at].tolist(), found.tolist(), strict=True))
        assert pairs >= set(zip(ids.tolist(), ids.tolist(), strict=True))
        exact = shapely.STRtree(shapes).query(shapes, predicate="intersects")
        assert pairs >= set(zip(*ids[exact].tolist(), strict=True))
        tx.insert("components", lamps(*[(0.001 * i, 0.0) for i in range(200)]))
    with sqlite3.connect(city.path) as connection:
        assert connection.execute(
            "SELECT max(length(data)), min(length(data)) FROM rtree_components_geom_node"
        ).fetchone() == (1228, 1228)
        (root,) = connection.execute(
            "SELECT data FROM rtree_components_geom_node WHERE nodeno = 1"
        ).fetchone()
        assert root[:2] == bytes([0, 2])
        connection.execute("DELETE FROM rtree_components_geom WHERE id % 3 = 0")
        assert connection.execute("SELECT rtreecheck('rtree_components_geom')").fetchone() == ("ok",)


@pytest.mark.parametrize("sound", [True, False])
def test_boxes_go_in_one_by_one_where_the_whole_tree_cannot(
    city: City, monkeypatch: pytest.MonkeyPatch, sound: bool
) -> None:
    """Where SQLite forbids to write the tables of a tree, or finds fault with it, no box is missing."""

    def forbidden(connection: sqlite3.Connection, tree: str, ids: object, boxes: object) -> None:
        connection.execute(f"DELETE FROM {tree}_rowid")
        connection.execute(f"INSERT INTO {tree}_rowid VALUES (1, 77)")
        if sound:
            raise sqlite3.OperationalError(f"table {tree}_rowid may not be modified")

    monkeypatch.setattr(bulk, "write_tree", forbidden)
    with city.store.transaction() as tx, tx.bulk("components", 6_000):
        tx.insert("components", lamps((0, 0), (1, 1)))
    assert len(city.store.near("components", EVERYWHERE)) == 2
    with sqlite3.connect(city.path) as connection:
        assert connection.execute("SELECT rtreecheck('rtree_components_geom')").fetchone() == ("ok",)


@given(st.lists(st.floats(-180, 180).map(lambda side: round(side, 12)), min_size=4, max_size=4))
def test_boxes_are_rounded_as_sqlite_rounds_them(sides: list[float]) -> None:
    """A box has the same 32 bits a side whether SQLite rounds it or gridcity, and none is too small."""
    west, east = sorted(sides[:2])
    south, north = sorted(sides[2:])
    (box,) = rounded_outwards(np.array([[west, south, east, north]])).tolist()
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE tree USING rtree(id, minx, maxx, miny, maxy)")
        connection.execute("INSERT INTO tree VALUES (1, ?, ?, ?, ?)", (west, east, south, north))
        (theirs,) = connection.execute("SELECT minx, maxx, miny, maxy FROM tree").fetchall()
    assert tuple(box) == theirs
    assert box[0] <= west and box[1] >= east and box[2] <= south and box[3] >= north


def test_touching_finds_the_objects_of_each_box(city: City) -> None:
    """Each box is paired with the objects that meet it, none is left out."""
    with city.store.transaction() as tx:
        ids = tx.insert("components", lamps((0, 0), (1, 1), (1, 1)))
        boxes = shapely.bounds(array([point(1, 1), point(5, 5), point(0, 0)]))
        at, found = tx.touching("components", boxes)
        pairs = sorted(zip(at.tolist(), found.tolist(), strict=True))
        assert pairs == [(0, ids[1]), (0, ids[2]), (2, ids[0])]
        assert [len(part) for part in tx.touching("components", boxes[:0])] == [0, 0]


def test_points_are_read_in_few_bytes(city: City) -> None:
    """Points that are valid come with their exact place; lines and ended points do not."""
    with city.store.transaction() as tx:
        rows = [component(LAMP, point(1, 2)), component(LAMP, line((0, 0), (1, 1)))]
        rows.append(component(LAMP, point(3, 3), until="2020-01-01"))
        (first, _, _) = tx.insert("components", columns("components", rows))
        ((ids, places, (classes,)),) = tx.points("components", ("class_code",), TODAY)
    assert (ids.tolist(), classes) == ([first], (LAMP,))
    assert places.tolist() == [list(point(1, 2).coords[0])]


def test_points_are_encoded_as_all_shapes_are() -> None:
    """A column of points alone has the bytes that its points have in a mixed column."""
    points = [point(1, 2), point(-3, 0), shapely.Point(1e-300, -0.0)]
    alone = wkb.encode_many(array(points), 4490)
    mixed = wkb.encode_many(array([*points, line((0, 0), (1, 1))]), 4490)
    assert alone == mixed[:3]
    assert {len(blob) for blob in alone if blob} == {wkb.POINT_BYTES}
    assert np.array_equal(wkb.decode_points(alone), shapely.get_coordinates(array(points)))  # type: ignore[arg-type]
