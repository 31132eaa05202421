"""Exports: every format, the dangerous texts, and what happens when writing fails."""

from __future__ import annotations

import csv
import io
import json
import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.errors import ArgumentError, StoreError
from gridcity.exporting import FORMATS, TextCutWarning, export, format_of
from gridcity.exporting.tables import FIELDS, write_csv, write_geojson
from gridcity.profile import Profile
from gridcity.store.geopackage import GeoPackage

PROFILE = Profile(name="东城区", area_code="110101", edition="gbt47678.5-2026")
SQUARE = shapely.box(116.40, 39.90, 116.41, 39.91)
CLOCKWISE = shapely.Polygon(list(SQUARE.exterior.coords)[:: 1 if not SQUARE.exterior.is_ccw else -1])
RECEIPT = {name: [""] for name in ("at", "source", "layer", "sha256", "system", "system_wkt", "datum")} | {
    "kind": ["components"],
    "encoding": [""],
    "options": ["{}"],
    **{name: [0] for name in ("read", "added", "changed", "unchanged", "rejected", "collapsed")},
}
GEOMETRIES: list[Any] = [
    shapely.Point(116.404, 39.904),
    shapely.LineString([[116.401, 39.901], [116.4025, 39.903]]),
    CLOCKWISE,
    shapely.Point(116.5, 39.9),
    shapely.Point(116.404, 39.904),
]
NAMES = ["=HYPERLINK(1)", "管线", "绿" * 100, "x\0y", "retired"]


def as_array(values: list[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GeoPackage]:
    store = GeoPackage.create(tmp_path / "city.gpkg", {"stored_epsg": "4490", "profile": "", "name": "城"})
    multi = shapely.multipolygons([SQUARE])
    with store.transaction() as t:
        r = int(t.insert("receipts", RECEIPT)[0])
        t.insert(
            "areas",
            {
                "geom": as_array([multi] * 3),
                "level": ["district", "street", "community"],
                "code": ["110101", "110101005", "110101005001"],
                "name": ["东城区", "北新桥街道", "青龙社区"],
                "parent_id": [None, 1, 2],
                "receipt": [r] * 3,
            },
        )
        t.insert(
            "cells",
            {
                "geom": as_array([multi]),
                "code": ["110101005001001"],
                "community_id": [3],
                "area_m2": [1.0],
                "receipt": [r],
            },
        )
        t.insert(
            "components",
            {
                "geom": as_array(GEOMETRIES),
                "code": [f"1101010100100000{i}" for i in range(5)],
                "edition": ["gbt47678.5-2026"] * 5,
                "class_code": ["01001"] * 5,
                "class_name": ["供水井盖"] * 5,
                "name": NAMES,
                "cell_id": [1, 1, 1, None, 1],
                "note": ["-1", "", "", "", ""],
                "until": ["", "", "", "", "2026-01-01"],
                "receipt": [r] * 5,
            },
        )
    yield store
    store.close()


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_gpkg_is_the_whole_city(store: GeoPackage, tmp_path: Path) -> None:
    """A GeoPackage export is a city that opens, with every row, the retired ones too."""
    (path,) = export(store, PROFILE, tmp_path / "copy.gpkg", "gpkg")
    copy = GeoPackage(path)
    assert copy.count("components") == 5
    copy.close()


def test_csv_holds_current_components_with_their_place(store: GeoPackage, tmp_path: Path) -> None:
    """A CSV export has the current components only, with cell, community, street (through the community)."""
    (path,) = export(store, PROFILE, tmp_path / "out.csv", "csv")
    rows = read_csv(path)
    assert len(rows) == 4
    assert list(rows[0]) == [*FIELDS, "lng", "lat", "wkt"]
    assert (rows[0]["cell_code"], rows[0]["community_name"]) == ("110101005001001", "青龙社区")
    assert (rows[0]["street_code"], rows[0]["street_name"]) == ("110101005", "北新桥街道")
    assert (rows[0]["district_code"], rows[0]["district_name"]) == ("110101", "东城区")
    assert rows[3]["cell_code"] == rows[3]["street_name"] == rows[3]["district_name"] == ""
    assert (rows[0]["lng"], rows[0]["lat"], rows[0]["wkt"]) == ("116.404", "39.904", "")
    assert shapely.from_wkt(rows[2]["wkt"]).equals(SQUARE)
    assert SQUARE.covers(shapely.Point(float(rows[2]["lng"]), float(rows[2]["lat"])))


def test_the_profile_names_the_district_where_no_area_does(store: GeoPackage, tmp_path: Path) -> None:
    """A component in a cell without a district area stands in the profile's district."""
    with store.transaction() as t:
        t.update("areas", [2], {"parent_id": [None]})
    profile = Profile(name="西城区", area_code="110102", edition="gbt47678.5-2026")
    rows = read_csv(export(store, profile, tmp_path / "out.csv")[0])
    assert [row["district_name"] for row in rows] == ["西城区"] * 3 + [""]


def test_formulas_are_quoted_in_csv(store: GeoPackage, tmp_path: Path) -> None:
    """A text that a spreadsheet would run is written with an apostrophe before it."""
    (path,) = export(store, PROFILE, tmp_path / "out.csv", "csv")
    rows = read_csv(path)
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert rows[0]["note"] == "'-1"
    assert rows[1]["name"] == "管线"


class Rows:
    """A store with nothing but components of given names."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def columns(self, table: str, columns: Any, where: Any = None, *, on: Any = None) -> dict[str, Any]:
        n = len(self.names) if table == "components" else 0
        found = {column: as_array([""] * n) for column in columns}
        if table == "components":
            found["name"] = as_array(self.names)
            found["cell_id"] = as_array([None] * n)
            found["geom"] = as_array([shapely.Point(-1.5, -2.25)] * n)
        return found


@settings(max_examples=40, deadline=None)
@given(names=st.lists(st.one_of(st.text(), st.sampled_from(["=1", "\r\n", "＝1", "\t@", '"', "a\rb"]))))
def test_any_text_comes_back_from_csv_and_geojson(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every text comes back from CSV, after the apostrophe, and from GeoJSON; numbers are never quoted."""
    folder = tmp_path_factory.mktemp("texts")
    write_csv(Rows(names), PROFILE, folder / "a.csv")  # type: ignore[arg-type]
    write_geojson(Rows(names), PROFILE, folder / "a.geojson")  # type: ignore[arg-type]
    rows = read_csv(folder / "a.csv")
    for row, name in zip(rows, names, strict=True):
        guarded = name[:1] != "" and name[:1] in "=+-@\t\r\n＝＋－＠"
        assert row["name"] == ("'" + name if guarded else name)
        assert row["lng"] == "-1.5"
    features = json.loads((folder / "a.geojson").read_text(encoding="utf-8"))["features"]
    assert [feature["properties"]["name"] for feature in features] == names


def test_geojson_is_rfc_7946(store: GeoPackage, tmp_path: Path) -> None:
    """Coordinates are exactly those stored, rings run counter-clockwise, there is no crs member."""
    (path,) = export(store, PROFILE, tmp_path / "out.geojson", "geojson")
    text = path.read_text(encoding="utf-8")
    collection = json.loads(text)
    assert "crs" not in collection
    assert "管线" in text
    shapes = [shapely.from_geojson(json.dumps(f["geometry"])) for f in collection["features"]]
    assert shapes[0].equals(GEOMETRIES[0]) and shapes[1].equals(GEOMETRIES[1])
    assert not CLOCKWISE.exterior.is_ccw and shapes[2].exterior.is_ccw
    assert len(pyogrio.read_dataframe(path)) == 4


def test_shapefiles_have_national_names_and_say_what_was_cut(store: GeoPackage, tmp_path: Path) -> None:
    """One shapefile per kind of geometry, readable, with short names; cut texts are counted."""
    with pytest.warns(TextCutWarning, match=r"2 texts .* name \(2\)"):
        paths = export(store, PROFILE, tmp_path / "out", "shapefile")
    assert {path.name for path in paths if path.suffix in (".shp", ".csv")} == {
        "components_points.shp",
        "components_lines.shp",
        "components_polygons.shp",
        "columns.csv",
    }
    points = pyogrio.read_dataframe(tmp_path / "out" / "components_points.shp")
    assert points["GLBJBSM"].tolist() == ["11010101001000000", "11010101001000003"]
    assert points["GLBJMC"].tolist() == ["=HYPERLINK(1)", "xy"]
    assert points["SZDYWGBSM"].iloc[0] == "110101005001001"
    assert points.crs.to_epsg() == 4490
    polygons = pyogrio.read_dataframe(tmp_path / "out" / "components_polygons.shp")
    assert polygons["GLBJMC"].tolist() == ["绿" * 84]
    assert (tmp_path / "out" / "components_points.cpg").read_text() == "UTF-8"
    columns = read_csv(tmp_path / "out" / "columns.csv")
    assert [row["field"] for row in columns] == list(FIELDS)
    assert all(len(row["column"]) <= 10 and row["column"].isascii() for row in columns)
    assert len({row["column"].casefold() for row in columns}) == len(columns)
    assert {row["field"]: row["cut"] for row in columns}["name"] == "2"


def test_points_and_sets_of_points_share_a_shapefile(store: GeoPackage, tmp_path: Path) -> None:
    """Single points beside sets of points are written as sets; none is lost."""
    with store.transaction() as t:
        t.update("components", [1], {"geom": as_array([shapely.MultiPoint([[1, 2], [3, 4]])])})
    with pytest.warns(TextCutWarning):
        export(store, PROFILE, tmp_path / "out", "shapefile")
    points = pyogrio.read_dataframe(tmp_path / "out" / "components_points.shp")
    assert sorted(points.geometry.count_coordinates()) == [1, 2]


def test_collections_are_refused_as_shapefile(store: GeoPackage, tmp_path: Path) -> None:
    """A geometry collection stops a shapefile export and leaves nothing behind."""
    with store.transaction() as t:
        t.update("components", [1], {"geom": as_array([shapely.GeometryCollection([GEOMETRIES[0]])])})
    with pytest.raises(StoreError, match="geometry collections"):
        export(store, PROFILE, tmp_path / "out", "shapefile")
    assert [path.name for path in tmp_path.iterdir()] == ["city.gpkg"]


@pytest.mark.parametrize("kind", FORMATS)
def test_an_empty_city_is_exported(kind: str, tmp_path: Path) -> None:
    """A city without components gives a valid empty export in every format."""
    store = GeoPackage.create(tmp_path / "city.gpkg", {"stored_epsg": "4490", "profile": "", "name": ""})
    assert export(store, PROFILE, tmp_path / "out", kind)
    store.close()


@pytest.mark.filterwarnings("ignore::gridcity.exporting.TextCutWarning")
@pytest.mark.parametrize("kind", FORMATS)
def test_existing_targets_are_replaced_only_when_asked(kind: str, store: GeoPackage, tmp_path: Path) -> None:
    """An existing export is refused, untouched, and replaced as a whole with ``overwrite``."""
    target = tmp_path / "out"
    first = export(store, PROFILE, target, kind)
    before = {path: path.read_bytes() for path in first}
    with pytest.raises(StoreError, match="exists already"):
        export(store, PROFILE, target, kind)
    assert {path: path.read_bytes() for path in first} == before
    assert export(store, PROFILE, target, kind, overwrite=True) == first
    assert {path.name for path in tmp_path.iterdir()} == {"city.gpkg", "out"}


@pytest.mark.parametrize("kind", FORMATS)
def test_the_city_itself_is_never_written_over(kind: str, store: GeoPackage, tmp_path: Path) -> None:
    """The city's own file is refused under its name, a link, a hard link; so is its journal."""
    before = store.path.read_bytes()
    (tmp_path / "link").symlink_to(store.path)
    (tmp_path / "hard").hardlink_to(store.path)
    for name in ("city.gpkg", "link", "hard", "city.gpkg-journal", "./x/../city.gpkg"):
        with pytest.raises(StoreError, match="the city itself"):
            export(store, PROFILE, tmp_path / name, kind, overwrite=True)
    assert store.path.read_bytes() == before


def test_a_folder_with_other_files_is_not_replaced(store: GeoPackage, tmp_path: Path) -> None:
    """A folder that holds anything but an export is refused even with ``overwrite``."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"notes\.txt"):
        export(store, PROFILE, folder, "shapefile", overwrite=True)
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("kind", "name"), [("xlsx", "a.xlsx"), ("shapefile", "a.shp"), ("shapefile", "a.zip"), ("csv", "folder")]
)
def test_targets_that_do_not_fit_are_arguments_out_of_range(
    kind: str, name: str, store: GeoPackage, tmp_path: Path
) -> None:
    """An unknown format, a shapefile named as one file, a file named as a folder: ArgumentError."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(ArgumentError) as caught:
        export(store, PROFILE, tmp_path / name, kind)
    assert caught.value.hint


@pytest.mark.filterwarnings("ignore::gridcity.exporting.TextCutWarning")
@pytest.mark.parametrize("kind", FORMATS)
def test_a_full_disk_leaves_nothing_behind(kind: str, store: GeoPackage, tmp_path: Path) -> None:
    """When the disk has no room an earlier export stays as it was, and no half-written file is left."""
    target = tmp_path / "out"
    written = export(store, PROFILE, target, kind)
    before = {path: path.read_bytes() for path in written}
    most = max(len(content) for content in before.values())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in (most // 10, most // 2, most - 2, most - 1):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
            with pytest.raises(StoreError) as caught:
                export(store, PROFILE, target, kind, overwrite=True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert caught.value.hint
        assert ".gridcity-" not in caught.value.message
        assert {path: path.read_bytes() for path in written} == before
        assert {path.name for path in tmp_path.iterdir()} == {"city.gpkg", "out"}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_missing_folder_is_named(kind: str, store: GeoPackage, tmp_path: Path) -> None:
    """Writing below a folder that does not exist, or below a file, is a StoreError that names the target."""
    for target in (tmp_path / "no" / "out", store.path / "out"):
        with pytest.raises(StoreError, match="out"):
            export(store, PROFILE, target, kind)


def test_format_follows_the_suffix() -> None:
    """The suffix decides the format; an unknown one is refused with the list."""
    assert [format_of(name) for name in ("a.GPKG", "b.csv", "c.json", "d")] == list(FORMATS)
    with pytest.raises(ArgumentError, match="xlsx"):
        format_of("a.xlsx")


def test_the_city_is_read_through_its_own_connection(store: GeoPackage, tmp_path: Path) -> None:
    """A lock held on the city by another connection outlives every export: no second library opened it."""
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for kind in ("csv", "geojson", "gpkg"):
        export(store, PROFILE, tmp_path / kind, kind)
    third = sqlite3.connect(store.path, isolation_level=None, timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        third.execute("BEGIN IMMEDIATE")
    third.close()
    other.execute("ROLLBACK")
    other.close()


def test_csv_is_plain_utf_8(store: GeoPackage, tmp_path: Path) -> None:
    """The file is UTF-8 without a mark and its first line is the header."""
    (path,) = export(store, PROFILE, tmp_path / "out.csv", "csv")
    assert next(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))[0] == "code"


@pytest.mark.parametrize("kind", ["csv", "geojson", "gpkg"])
def test_a_link_or_device_is_never_replaced(store: GeoPackage, tmp_path: Path, kind: str) -> None:
    """What is no ordinary file stays, also with overwriting."""
    there = tmp_path / "there.txt"
    there.write_text("mine", encoding="utf-8")
    link = tmp_path / f"out.{kind}"
    link.symlink_to(there)
    for target in (link, Path("/dev/null")):
        with pytest.raises(StoreError, match="no ordinary file"):
            export(store, PROFILE, target, kind, overwrite=True)
    assert link.is_symlink()
    assert there.read_text(encoding="utf-8") == "mine"
