"""The index of the cells in its file beside the store: there after an import, right whatever happens."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from tiny_city import CODES, COMMUNITY_1, add, at, box, component, empty_city, point, tiny_city

from gridcity import cells as module
from gridcity.cells import cell_index, index_file
from gridcity.city import City
from gridcity.store.connection import connect
from gridcity.tiling import index as tiling

Place = tuple[float, float]
PLACES = [at(x / 2, y / 2) for x in range(-1, 14) for y in range(-1, 9)]
LNG, LAT = np.array(PLACES).T
INSIDE = [at(0.5, 0.5), at(1.5, 0.5), at(2.5, 0.5), at(5.25, 0.5), at(9, 9)]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with tiny_city(tmp_path / "city.gpkg") as city:
        yield city


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of cells of every picture that is drawn."""
    pictures: list[int] = []
    draw = tiling.draw

    def told(edges: Any, rank: Any) -> Any:
        pictures.append(len(rank))
        return draw(edges, rank)

    monkeypatch.setattr(tiling, "draw", told)
    return pictures


def cells_file(path: Path, *squares: shapely.Polygon, **properties: str) -> Path:
    """Write cells as GeoJSON."""
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(square),
            "properties": {"备注": "x", **properties},
        }
        for square in squares
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def cell_ids(city: City, **question: Any) -> list[int]:
    """Where every place lies, asked together and, to compare, one by one."""
    many: list[int] = city.locate_many(LNG, LAT, columns=["cell_id"], **question)["cell_id"].tolist()
    one = [city.locate(*place, **question).cell_id for place in PLACES]
    assert many == [-1 if found is None else found for found in one]
    return many


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# When it is made.


def test_an_import_of_cells_makes_it(tmp_path: Path, drawn: list[int]) -> None:
    """After an import of cells the file is there and a question of many points draws nothing."""
    with empty_city(tmp_path / "city.gpkg") as city:
        source = cells_file(tmp_path / "cells.geojson", *(box(x, y) for x in range(6) for y in range(4)))
        city.import_cells(source, crs=4490, dry_run=True)
        assert names(tmp_path) == ["cells.geojson", "city.gpkg"] and drawn == []
        city.import_cells(source, crs=4490)
        assert names(tmp_path) == ["cells.geojson", "city.gpkg", "city.gpkg.cells"] and drawn == [24]
        assert len(set(cell_ids(city))) == 25
        city.import_cells(source, crs=4490)
        city.import_parties(_csv(tmp_path / "p.csv", "name", "某公司"))
        assert len(set(cell_ids(city))) == 25 and drawn == [24]


def _csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_many_points_make_it(city: City, drawn: list[int]) -> None:
    """Without a file few points draw nothing; many do, in however many questions, and write it once."""
    few = LNG[:10], LAT[:10]
    city.locate_many(*few, columns=["cell_id"])
    city.locate_many(LNG, LAT, columns=["lng", "component_id", "class_name"])
    assert drawn == [] and not index_file(city.store).exists()
    for _ in range(10):
        city.locate_many(*few, columns=["cell_id"])
    assert drawn == [7] and index_file(city.store).exists()
    written = index_file(city.store).stat().st_mtime_ns
    cell_ids(city)
    with City.open(city.path) as other:
        cell_ids(other)
    assert drawn == [7] and index_file(city.store).stat().st_mtime_ns == written


def test_a_city_without_cells(tmp_path: Path) -> None:
    """A city without cells has no file and finds nothing."""
    with empty_city(tmp_path / "city.gpkg") as city:
        assert set(cell_ids(city)) == {-1}
        assert names(tmp_path) == ["city.gpkg"]


# Who uses it.

SECOND = """
import sys
from gridcity import City
from gridcity.store import wkb
from gridcity.tiling import index
def never(*_):
    raise AssertionError("read or drawn anew")
wkb.decode_many = index.draw = never
with City.open(sys.argv[1]) as city:
    lng, lat = eval(sys.argv[2])
    print(city.locate_many(lng, lat, columns=["cell_id", "basis", "cell_code"])["cell_id"].tolist())
    pixels = city._locator(sys.argv[3]).cells.pixels
    print(pixels.value.flags.owndata, pixels.value.flags.writeable)
"""


def test_another_process_maps_it(city: City) -> None:
    """A process that finds the file draws nothing, reads no shape of a cell, and copies no array."""
    cell_ids(city)
    lng, lat = np.array(INSIDE).T.tolist()
    command = [sys.executable, "-c", SECOND, str(city.path), repr((lng, lat)), date.today().isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[3, 4, 5, 7, -1]", "False False"]


def test_other_days(city: City, drawn: list[int]) -> None:
    """A day with the same cells uses the file; a day with others has its own answers and leaves it alone."""
    add(city, "cells", {"geom": box(3, 3), "code": f"{COMMUNITY_1}009", "since": "2026-01-02"})
    today = cell_ids(city)
    assert 8 in today and drawn == [8]
    written = index_file(city.store).read_bytes()
    assert cell_ids(city, as_of="2026-01-02") == today and drawn == [8]
    before = cell_ids(city, as_of="2026-01-01")
    assert 8 not in before and drawn == [8, 7]
    assert index_file(city.store).read_bytes() == written
    # A city of which a day before is asked first.
    index_file(city.store).unlink()
    with City.open(city.path) as other:
        assert cell_ids(other, as_of="2026-01-01") == before
        assert not index_file(city.store).exists()


# What makes it stale.


def qgis(city: City, sql: str, *values: Any) -> None:
    """Change a city as a GIS program does: by SQL, with the functions that the triggers call."""
    connection = connect(city.path, read_only=False)
    connection.execute(sql, values)
    connection.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE cells SET geom = (SELECT geom FROM cells WHERE fid = 7) WHERE fid = 1",
        "UPDATE cells SET code = '110101005001000' WHERE fid = 4",
        "UPDATE cells SET fid = 90 WHERE fid = 3",
        "UPDATE cells SET until = '2026-01-01' WHERE fid = 2",
        "UPDATE cells SET since = '9999-01-01' WHERE fid = 2",
        "DELETE FROM cells WHERE fid = 6",
        "DELETE FROM cells",
    ],
)
def test_edits_by_other_programs(city: City, sql: str, drawn: list[int]) -> None:
    """Whatever another program changes of the cells, the next question sees it, and the file is made anew."""
    before = cell_ids(city)
    qgis(city, sql)
    after = cell_ids(city)
    assert after != before
    with City.open(city.path) as other:
        drawn.clear()
        assert cell_ids(other) == after and drawn == []


def test_what_is_no_change(city: City, drawn: list[int]) -> None:
    """Other columns and tables do not count: neither the file nor the picture is made anew."""
    before = cell_ids(city)
    qgis(city, "UPDATE cells SET note = 'seen', street_id = NULL WHERE fid = 1")
    add(city, "components", component("01037", point(0.5, 0.5)))
    assert cell_ids(city) == before and drawn == [7]


def test_a_copied_city(city: City, tmp_path: Path) -> None:
    """The file of another city, or of a city as it was, is not believed."""
    before = cell_ids(city)
    shutil.copy(index_file(city.store), tmp_path / "old.cells")
    shutil.copy(city.path, tmp_path / "old.gpkg")
    qgis(city, "UPDATE cells SET code = '110101005001000' WHERE fid = 4")
    after = cell_ids(city)
    city.close()
    shutil.copy(tmp_path / "old.gpkg", city.path)
    with City.open(city.path) as restored:
        assert cell_ids(restored) == before != after
    with empty_city(tmp_path / "other.gpkg") as other:
        add(other, "cells", {"geom": box(0, 0), "code": CODES[1]})
        shutil.copy(tmp_path / "old.cells", index_file(other.store))
        assert set(cell_ids(other)) == {-1, 1}


def test_a_transaction_sees_its_own_cells(city: City) -> None:
    """In a transaction its changes count, the file stays as it is, and what is given up leaves no trace."""
    before = cell_ids(city)
    written = index_file(city.store).read_bytes()
    today = date.today().isoformat()
    with city.store.transaction(keep=False) as tx:
        same = cell_index(tx, today)
        assert same.ids[same.winners(LNG, LAT)].tolist() != [] and "polygons" not in vars(same)
        tx.insert("cells", {"geom": [shapely.MultiPolygon([box(3, 3)])], "area_m2": [1.0], "receipt": [1]})
        changed = cell_index(tx, today)
        changed.prepare()
        found = np.append(changed.ids, -1)[changed.winners(LNG, LAT)]
        assert 8 in found.tolist()
        assert index_file(city.store).read_bytes() == written
    assert cell_ids(city) == before
    assert index_file(city.store).read_bytes() == written


# What cannot be written or read.


def test_where_it_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import does not fail because the file cannot be written, and the answers are the same."""

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_arrays", full)
    with empty_city(tmp_path / "city.gpkg") as city:
        source = cells_file(tmp_path / "cells.geojson", *(box(x, y) for x in range(6) for y in range(4)))
        assert city.import_cells(source, crs=4490).receipt.added == 24
        assert len(set(cell_ids(city))) == 25
    assert names(tmp_path) == ["cells.geojson", "city.gpkg"]


def test_another_programs_file(city: City) -> None:
    """What stands in the place of the file and is not ours stays, and the answers are right."""
    index_file(city.store).write_bytes(b"my notes")
    assert set(cell_ids(city)) == {-1, *range(1, 8)}
    assert index_file(city.store).read_bytes() == b"my notes"
    index_file(city.store).unlink()
    index_file(city.store).mkdir()
    with City.open(city.path) as other:
        assert set(cell_ids(other)) == {-1, *range(1, 8)}
    assert index_file(city.store).is_dir()


def test_damaged(city: City) -> None:
    """A file that was cut short, as by a full disk, is made anew."""
    before = cell_ids(city)
    path = index_file(city.store)
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    with City.open(city.path) as other:
        assert cell_ids(other) == before
    assert path.read_bytes() == whole


# The digest.


def test_the_digest(city: City) -> None:
    """The digest follows the values of the columns asked for, whoever wrote them and in whatever order."""
    names, day = ("fid", "code", "geom"), "2026-06-01"
    before = city.store.fingerprint("cells", names, day)
    assert before == city.store.fingerprint("cells", names, "2020-01-01")
    assert before != city.store.fingerprint("cells", ("fid", "code"), day)
    assert before != city.store.fingerprint("cells", ("code", "fid", "geom"), day)
    qgis(city, "UPDATE cells SET code = code || '', note = 'x'")
    assert city.store.fingerprint("cells", names, day) == before
    with pytest.raises(KeyError):
        city.store.fingerprint("cells", ("nothing",), day)
