"""Text that means something to a program (formula, markup, SQL) is text from file to store and back."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from survey import balance, built, copied, features, path_line, spot, square, table
from test_intake import texts
from test_spreadsheet import one

from gridcity import City
from gridcity.intake import read_source

LAMP = "路灯"
NAMED = {
    44: ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "a\tTAB", "＝1+1", "＋1", "－1", "＠x"],
    45: [
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(1)</script>",
        "javascript:alert(1)",
        "&amp;",
    ],
    46: ["[/]", "[link=http://example.org]x[/link]", "[bold red]x", "{0} %s {name}"],
    47: ["'); DROP TABLE components; --", 'a"b', "a'b", "`x`", "100%", "a\\b", "a;b"],
    48: ["%", "_", "*", "?", "路%", "[a-z]"],
}
HOSTILE = [text for found in NAMED.values() for text in found]
# Columns of a survey that the city has no field for; names may hold the same.
COLUMNS = ['"; DROP TABLE components; --', "a'b", "<b>x</b>", "[/]", "%s{0}", "=1+1", 'x" OR 1=1 --']


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> City:
    return built(tmp_path_factory.mktemp("base"))


@pytest.fixture
def city(base: City, tmp_path: Path) -> City:
    return copied(base, tmp_path / "city.gpkg")


def rows() -> list[dict[str, Any]]:
    """A lamp for each dangerous text: as a note, as the owner's name and in columns of dangerous names."""
    return [
        {"shape": spot(0.1 + i * 0.04, 0.5), "class_name": LAMP, "id": f"n{i}", "state": "完好"}
        | {"note": text, "owner_name": text, "initial_date": "20240301"}
        | dict.fromkeys(COLUMNS, text)
        for i, text in enumerate(HOSTILE)
    ]


def delivered(folder: Path, suffix: str) -> Path:
    """The same rows as a file of some format."""
    if suffix == ".geojson":
        return features(folder / "a.geojson", rows())
    flat = [
        {name: value for name, value in row.items() if name != "shape"}
        | {"lng": row["shape"].x, "lat": row["shape"].y}
        for row in rows()
    ]
    if suffix == ".csv":
        return table(folder / "a.csv", flat)
    if suffix == ".xlsx":
        return one(folder, [list(flat[0]), *[list(row.values()) for row in flat]])
    frame = geopandas.GeoDataFrame(rows(), geometry="shape", crs=4490)
    frame.to_file(folder / "a.gpkg", layer=COLUMNS[-1], engine="pyogrio")
    return folder / "a.gpkg"


@pytest.mark.parametrize("suffix", [".geojson", ".csv", ".xlsx", ".gpkg"])
def test_cases_44_to_48_values_and_names_are_literal(city: City, tmp_path: Path, suffix: str) -> None:
    """Formulas, HTML, markup, SQL and wildcards in values and names stand in the store as written."""
    path = delivered(tmp_path, suffix)
    options: dict[str, Any] = {} if suffix in {".geojson", ".gpkg"} else {"crs": 4490}
    source = read_source(path, **options)
    assert set(COLUMNS) <= set(texts(source))
    for name in ["note", *COLUMNS]:
        assert source.columns[name].tolist() == HOSTILE
    result = city.import_components(path, key="id", **options)
    assert balance(result) == (len(HOSTILE), 0, 0, 0)
    unused = {f.value for f in result.findings if f.rule == "column-unused"}
    assert set(COLUMNS) <= unused
    stored = [tuple(row) for row in city.store.rows("components", ("note", "owner_name"), {})]
    assert sorted(stored) == sorted((text, text) for text in HOSTILE)
    with sqlite3.connect(city.path) as connection:
        assert connection.execute("SELECT count(*) FROM components").fetchone() == (len(HOSTILE),)


def test_cases_44_to_48_are_literal_in_every_export(city: City, tmp_path: Path) -> None:
    """A spreadsheet is shown no formula, and whoever reads the files with a program has every text again."""
    city.import_components(delivered(tmp_path, ".geojson"), key="id")
    for name in ("e.csv", "e.geojson", "e"):
        city.export(tmp_path / name)
    with (tmp_path / "e.csv").open(encoding="utf-8", newline="") as file:
        notes = [row["note"] for row in csv.DictReader(file)]
    assert not [note for note in notes if note.startswith(tuple("=+-@\t＝＋－＠"))]
    assert sorted(
        note.removeprefix("'") if note[1:] in HOSTILE and note not in HOSTILE else note for note in notes
    ) == sorted(HOSTILE)
    document = json.loads((tmp_path / "e.geojson").read_text(encoding="utf-8"))
    assert sorted(f["properties"]["note"] for f in document["features"]) == sorted(HOSTILE)
    shapes = read_source(tmp_path / "e" / "components_points.shp")
    assert any(sorted(column.tolist()) == sorted(HOSTILE) for column in shapes.columns.values())


def test_an_exported_table_brings_back_lines_and_polygons_whole(city: City, tmp_path: Path) -> None:
    """Read again, CSV changes nothing: points by their coordinates, lines and polygons by their WKT."""
    common = {"class_name": "雨水箅子", "state": "完好", "initial_date": "20240301", "note": "甲"}
    shapes = [spot(0.5, 0.5), path_line((0.1, 0.1), (1 / 3, 0.7)), square(1.2, 0.1, 1 / 7, 0.3)]
    city.import_components(features(tmp_path / "a.geojson", [common | {"shape": shape} for shape in shapes]))
    city.export(tmp_path / "e.csv")
    again = city.import_components(tmp_path / "e.csv", datum="cgcs2000")
    kept = [tuple(row) for row in city.store.rows("components", ("class_name",), {})]
    assert len(kept) == 3
    assert balance(again)[0] == 0 and balance(again)[3] == 0
    after = city.store.columns("components", ("geom",))["geom"]
    assert sorted(shapely.to_wkt(after, rounding_precision=-1)) == sorted(
        shapely.to_wkt(shapes, rounding_precision=-1)
    )
