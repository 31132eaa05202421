"""Small surveys made in code: files to import, a city to import them into, and what an import owes."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from gridcity import City
from gridcity.importing import Import
from gridcity.profile import Profile, parse_profile

# Degrees of CGCS2000: a square of the city is about 85 m wide and 111 m high.
WEST, SOUTH, SIDE = 116.410, 39.930, 0.001
NEW, OLD, MIDDLE = "gbt47678.5-2026", "cjt214-2007", "gbt30428.2-2013"
STREET, HAIYUNCANG, BEIXINCANG = "110101005", "110101005001", "110101005002"

Row = Mapping[str, Any]


def profile(more: str = "", *, edition: str = NEW, older: str = OLD, area_code: str = "110101") -> Profile:
    """A profile of Dongcheng; ``more`` is TOML that follows the table of the city."""
    text = f'[city]\nname = "样例城"\narea_code = "{area_code}"\nedition = "{edition}"\n'
    return parse_profile(text + (f'older_edition = "{older}"\n' if older else "") + more)


def square(column: float, row: float, columns: float = 1, rows: float = 1) -> BaseGeometry:
    """A rectangle, counted in squares from the south-west corner of the city."""
    west, south = WEST + column * SIDE, SOUTH + row * SIDE
    return shapely.box(west, south, west + columns * SIDE, south + rows * SIDE)


def spot(column: float, row: float) -> BaseGeometry:
    """A point, counted like `square`."""
    return shapely.Point(WEST + column * SIDE, SOUTH + row * SIDE)


def path_line(*spots: tuple[float, float]) -> BaseGeometry:
    """A line through points, counted like `square`."""
    return shapely.LineString([(WEST + column * SIDE, SOUTH + row * SIDE) for column, row in spots])


def features(path: Path, rows: Iterable[Row]) -> Path:
    """Write GeoJSON; the member ``shape`` of a row is its geometry, the others its properties."""
    found = [
        {
            "type": "Feature",
            "geometry": mapping(row["shape"]) if row["shape"] is not None else None,
            "properties": {name: value for name, value in row.items() if name != "shape"},
        }
        for row in rows
    ]
    declared = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    document = {"type": "FeatureCollection", "crs": declared, "features": found}
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def table(path: Path, rows: Iterable[Row]) -> Path:
    """Write CSV; every row has the columns of the first."""
    listed = list(rows)
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
    return path


def shapefile(path: Path, rows: Iterable[Row], wkt: str) -> Path:
    """Write a shapefile of points with GBK text and no .cpg, as surveyors deliver them."""
    import shapefile as pyshp

    listed = list(rows)
    with pyshp.Writer(str(path.with_suffix("")), shapeType=pyshp.POINT, encoding="gbk") as writer:
        for name in listed[0]:
            if name != "shape":
                writer.field(name, "C", 60)
        for row in listed:
            writer.point(row["shape"].x, row["shape"].y)
            writer.record(*[value for name, value in row.items() if name != "shape"])
    path.with_suffix(".prj").write_text(wkt, encoding="ascii")
    return path.with_suffix(".shp")


def built(folder: Path, chosen: Profile | None = None, *, number: bool = True) -> City:
    """Build a city of one street, two communities side by side, and two cells in each."""
    city = City.create(folder / "city.gpkg", chosen or profile())
    areas(city, folder)
    rows = [{"shape": square(column, row), "note": f"{column}{row}"} for column in (0, 1) for row in (0, 1)]
    city.import_cells(features(folder / "cells.geojson", rows), number=number)
    return city


def areas(city: City, folder: Path) -> None:
    street = {"shape": square(0, 0, 2, 2), "code": STREET, "name": "北新桥街道"}
    city.import_areas(features(folder / "streets.geojson", [street]))
    communities = [
        {"shape": square(0, 0, 1, 2), "code": HAIYUNCANG, "name": "海运仓社区"},
        {"shape": square(1, 0, 1, 2), "code": BEIXINCANG, "name": "北新仓社区"},
    ]
    city.import_areas(features(folder / "communities.geojson", communities))


def copied(city: City, target: Path) -> City:
    """A copy of a city to change."""
    shutil.copyfile(city.path, target)
    return City.open(target)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city with areas and four numbered cells; only to be copied."""
    return built(tmp_path_factory.mktemp("ready"))


@pytest.fixture
def city(ready: City, tmp_path: Path) -> Iterator[City]:
    """A copy of it to change."""
    with copied(ready, tmp_path / "city.gpkg") as opened:
        yield opened


def balance(result: Import) -> tuple[int, int, int, int]:
    """Return added, changed, unchanged, rejected, once everything that any import owes is checked."""
    receipt = result.receipt
    counted = (receipt.added, receipt.changed, receipt.unchanged, receipt.rejected)
    assert min(counted) >= 0
    assert receipt.read == sum(counted)
    assert 0 <= receipt.collapsed <= receipt.unchanged
    assert len(result.rejected) == receipt.rejected
    assert {row.row for row in result.rejected} == result.findings.rejected_rows()
    for row in result.rejected:
        assert row.rule
        assert row.message
        assert row.hint
        found = [f for f in result.findings if f.row == row.row and f.rule == row.rule]
        assert (row.field, row.value, row.message) in {(f.field, f.value, f.message) for f in found}
    return counted


def why(result: Import) -> dict[int, str]:
    """Return the rule that cost each rejected row."""
    return {row.row: row.rule for row in result.rejected}


def rules(result: Import, *left_out: str) -> dict[str, int]:
    """Return the counts of findings without those about unused columns."""
    return {
        rule: n for rule, n in result.findings.counts().items() if rule not in ("column-unused", *left_out)
    }


def about(result: Import, rule: str) -> dict[int | None, str]:
    """Return the messages of one rule by row."""
    return {finding.row: finding.message for finding in result.findings if finding.rule == rule}


def contents(city: City, name: str) -> list[tuple[Any, ...]]:
    """Return every row of a table as it is stored, geometry as bytes, without its receipt."""
    columns = [row[1] for row in _read(city.path, f"PRAGMA table_info({name})") if row[1] != "receipt"]
    return _read(city.path, f"SELECT {', '.join(columns)} FROM {name} ORDER BY fid")


def column(city: City, name: str, field: str) -> list[Any]:
    """Return one column of a table in order of the ids."""
    return [row[0] for row in city.store.rows(name, (field,))]


def changed_by_hand(city: City, name: str, ids: list[int], /, **values: Any) -> None:
    """Change stored rows behind the library's imports, as a GIS or a later command does."""
    with city.store.transaction() as tx:
        tx.update(name, ids, {field: [value] * len(ids) for field, value in values.items()})


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()
