"""Which layers a delivery holds, before one of them is opened."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from test_intake import feature, geojson, geopackage, set_of, shapefile, table, zipped

from gridcity.errors import MissingPackageError, SourceError, SourceNotFoundError
from gridcity.intake import list_layers, open_layer, other_files


def labels(path: Path) -> list[str]:
    return [layer.label for layer in list_layers(path)]


def delivery(folder: Path) -> Path:
    """What arrives: per-class shapefiles in folders, a zip, a GeoPackage, and what lies beside them."""
    for name in ("0103/井盖", "0201/路灯", ".hidden/a", "__MACOSX/b"):
        place = folder / name
        place.parent.mkdir(parents=True)
        shapefile(place.parent, place.name)
        place.with_suffix(".shp.xml").write_text("<metadata/>")
        place.with_suffix(".sbn").write_bytes(b"x")
    zipped(folder / "survey.zip", set_of(folder / "0103", "部件/") | {"__MACOSX/._a.shp": b"x"})
    geopackage(geopackage(folder / "c.gpkg", "cells"), "areas")
    geojson(folder, [feature({"a": 1}, 1, 2)])
    (folder / "说明.txt").write_text("notes")
    (folder / "map.pdf").write_bytes(b"%PDF")
    (folder / "0103" / "alone.dbf").write_bytes(b"x")
    (folder / "._a.geojson").write_bytes(b"x")
    return folder


def test_a_folder_is_all_its_layers(tmp_path):
    """Every layer below a folder once, sorted, under a name a person knows; hidden files are none."""
    folder = delivery(tmp_path / "in")
    assert labels(folder) == [
        "0103/井盖.shp",
        "0103/部件.shp",
        "0201/路灯.shp",
        "a.geojson",
        "c.gpkg/areas",
        "c.gpkg/cells",
        "survey.zip/部件/部件.shp",
    ]
    assert other_files(folder) == ("map.pdf", "说明.txt", "0103/alone.dbf")


def test_every_layer_that_is_listed_can_be_opened(tmp_path):
    """Path and layer are what open_layer takes."""
    for found in list_layers(delivery(tmp_path / "in")):
        with open_layer(found.path, layer=found.layer, crs=4326) as layer:
            assert len(layer) in (1, 3), found.label


def test_one_file_is_its_layers(tmp_path):
    """A shapefile, a table, a zip of one folder within another: named after the file."""
    assert labels(shapefile(tmp_path)) == ["部件.shp"]
    assert list_layers(table(tmp_path, "a,b\n1,2\n"))[0].layer is None
    inner = {name.replace("部件.", "x/部件."): c for name, c in set_of(tmp_path).items()}
    path = zipped(tmp_path / "z.zip", set_of(tmp_path) | inner)
    found = list_layers(path)
    assert [layer.label for layer in found] == ["z.zip/x/部件.shp", "z.zip/部件.shp"]
    for layer in found:
        with open_layer(path, layer=layer.layer) as opened:
            assert len(opened) == 3
    assert other_files(path) == ()


def test_case_01_what_holds_no_layer_is_refused(tmp_path):
    """Nothing there, an empty folder, a folder of other things, a file of no known format."""
    with pytest.raises(SourceNotFoundError):
        list_layers(tmp_path / "absent")
    for name in ("empty", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("x")
    for name in ("empty", "notes"):
        with pytest.raises(SourceError, match=f"{name} holds no file of a known format"):
            list_layers(tmp_path / name)
    (tmp_path / "a.docx").write_bytes(b"x")
    with pytest.raises(SourceError):
        list_layers(tmp_path / "a.docx")


def test_a_geodatabase_is_one_other_thing(tmp_path):
    """A folder that is a geodatabase is shown as one, and nothing in it is a layer."""
    (tmp_path / "in" / "city.gdb").mkdir(parents=True)
    (tmp_path / "in" / "city.gdb" / "a00000001.json").write_text("{}")
    shapefile(tmp_path / "in")
    assert labels(tmp_path / "in") == ["部件.shp"]
    assert other_files(tmp_path / "in") == ("city.gdb",)


def test_a_bad_file_in_a_folder_costs_itself(tmp_path):
    """A zip that is none is listed under its name with its problem, and the others as ever."""
    shapefile(tmp_path)
    (tmp_path / "坏.zip").write_bytes(b"no zip")
    (tmp_path / "空.gpkg").write_bytes(b"")
    found = {layer.label: layer for layer in list_layers(tmp_path)}
    assert [label for label, layer in found.items() if layer.problem is None] == ["部件.shp"]
    assert "坏.zip is refused" in found["坏.zip"].problem.message
    assert found["空.gpkg"].problem.message.startswith("空.gpkg ")
    with pytest.raises(SourceError, match=r"坏.zip is no zip"):
        list_layers(tmp_path / "坏.zip")


def test_a_workbook_in_a_folder_needs_its_package_alone(tmp_path, monkeypatch):
    """Without openpyxl the workbook says so, and what lies beside it is listed."""
    shapefile(tmp_path)
    (tmp_path / "表.xlsx").write_bytes(b"PK\x03\x04")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    book, shapes = sorted(list_layers(tmp_path), key=lambda layer: layer.path.suffix, reverse=True)
    assert (shapes.label, shapes.problem) == ("部件.shp", None)
    assert (book.label, type(book.problem)) == ("表.xlsx", MissingPackageError)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("路灯.geojson".encode("gbk"), "路灯.geojson"),
        ("路灯 (东区).geojson".encode("gbk"), "路灯 (东区).geojson"),
        (b"\xff\xfe.geojson", "\\xff\\xfe.geojson"),
    ],
)
def test_a_name_that_is_no_utf8_is_readable(tmp_path, name, shown):
    """Name and layer are text that can be stored, of a GBK name what it says; a refusal names the file so."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    geojson(tmp_path, [feature({"a": 1}, 1, 2)]).rename(path)
    (listed,) = list_layers(tmp_path)
    assert listed.label == shown
    with open_layer(listed.path) as layer:
        assert (layer.name, layer.layer) == (shown, shown.removesuffix(".geojson"))
    path.write_bytes(b"{}")
    with pytest.raises(SourceError) as caught, open_layer(path):
        pass
    assert caught.value.message.startswith(f"{shown} is no FeatureCollection")
