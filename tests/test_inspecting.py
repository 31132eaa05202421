"""What an inspection says of a file, and the command that it ends in."""

from __future__ import annotations

import json
import shlex
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from cli_city import gridcity
from test_spreadsheet import sheet_xml, workbook
from tiny_city import CODES, SIDE, SOUTH, STREET, WEST, add, at, empty_city, tiny_city

from gridcity import City, crs
from gridcity.errors import ArgumentError, SourceError, SourceNotFoundError
from gridcity.inspecting import Inspection, inspect, looking
from gridcity.inspecting.model import LayerDetail

DATA = Path(__file__).parents[1].parent / "shared" / "data"
FULL = {"GLBJZT": "完好", "CSRQ": "20240301"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The tiny city; not to be changed."""
    return tiny_city(tmp_path_factory.mktemp("city") / "city.gpkg")


def lamps(n: int = 40) -> tuple[list[shapely.Point], dict[str, list[str]]]:
    """Street lamps in the four coded cells of the first community, each naming its cell."""
    rng = np.random.default_rng(20260701)
    places = {1: (0, 1), 2: (1, 1), 3: (0, 0), 4: (1, 0)}
    chosen = [1 + i % 4 for i in range(n)]
    spots = [np.add(places[i], rng.uniform(0.05, 0.95, 2)) for i in chosen]
    columns = {"class_name": ["路灯"] * n, "SZDYWGBSM": [CODES[i] for i in chosen]}
    columns |= {name: [value] * n for name, value in FULL.items()}
    return [shapely.Point(at(*spot)) for spot in spots], columns


def shapefile(
    path: Path, shapes: list[Any], columns: dict[str, list[Any]], *, epsg: int | None = 4490
) -> Path:
    """A shapefile in UTF-8; without an EPSG code it has no .prj."""
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=4490)
    if epsg not in (None, 4490):
        frame = frame.to_crs(epsg)
    frame.to_file(path, encoding="UTF-8")
    if epsg is None:
        path.with_suffix(".prj").unlink()
    return path


def moved(shapes: list[Any], function: Any) -> list[Any]:
    """Shapes with every position put through a function of longitudes and latitudes."""
    return list(shapely.transform(shapes, lambda xy: np.column_stack(function(*xy.T))))


def detail_of(found: Inspection) -> LayerDetail:
    assert found.refusal == ""
    assert found.detail is not None
    json.dumps(found.as_dict(), allow_nan=False)
    return found.detail


def test_a_good_file_ends_in_a_command_that_imports_it(city: City, tmp_path: Path) -> None:
    """Where nothing is open, the printed line imports every row as it stands, in a shell too."""
    path = shapefile(tmp_path / "东区 路灯's.shp", *lamps())
    detail = detail_of(city.inspect(path))
    assert (detail.kind, detail.problems, detail.rows) == ("components", (), 40)
    assert detail.geometry == {"Point": 40}
    assert (detail.places[0].option, detail.places[0].share) == ("", 1.0)
    assert [decision for decision in detail.decisions if "--key" not in decision] == []
    program, *words = shlex.split(detail.command)
    assert (program, words[:3]) == ("gridcity", ["import", "components", str(path)])
    result = gridcity(*words, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "read 40 = added 40" in result.stdout


def test_undeclared_gcj02_is_found_and_not_chosen(city: City, tmp_path: Path) -> None:
    """Shifted lamps are suspicious, with the figure; the command asks for the datum and names none."""
    shapes, columns = lamps()
    path = shapefile(tmp_path / "路灯.shp", moved(shapes, crs.wgs84_to_gcj02), columns)
    detail = detail_of(city.inspect(path))
    assert detail.evidence_basis == "the cells that the rows name"
    assert detail.evidence is not None
    assert detail.evidence.better is not None
    assert (detail.evidence.better.datum, detail.evidence.better.share) == ("gcj02", 1.0)
    assert 500 < detail.evidence.offset_m < 600
    assert "--datum DATUM" in detail.command
    assert "--datum gcj02" not in detail.command
    assert "--datum gcj02" in " ".join(detail.decisions)
    said = detail_of(city.inspect(path, datum="gcj02"))
    assert said.evidence is not None
    assert said.evidence.better is None
    assert "--datum gcj02" in said.command


def test_resurvey_codes_and_area_names_are_known_places_too(tmp_path: Path) -> None:
    """Without a cell column, the components that have the codes are asked, else a column of area names."""
    city = tiny_city(tmp_path / "city.gpkg")
    shapes, _ = lamps()
    codes = [f"11010101037{i:06d}" for i in range(1, 41)]
    rows = [
        {"class_code": "01037", "code": code, "geom": shape}
        for code, shape in zip(codes, shapes, strict=True)
    ]
    add(city, "components", *rows)
    shifted = moved(shapes, crs.wgs84_to_gcj02)
    coded = detail_of(city.inspect(shapefile(tmp_path / "a.shp", shifted, {"GLBJBSM": codes})))
    assert coded.evidence_basis == "the components that have their codes"
    assert coded.evidence is not None
    assert coded.evidence.better is not None
    east = [shapely.Point(at(3, 0.1 * i)) for i in range(40)]
    names = {"where": ["海运仓"] * 40 + ["北新仓"] * 40}
    named = detail_of(
        city.inspect(shapefile(tmp_path / "b.shp", moved(shapes + east, crs.wgs84_to_gcj02), names))
    )
    assert named.evidence_basis == "the community that the column where names"
    assert named.evidence is not None
    assert named.evidence.better is not None


def test_eastings_without_a_prj(city: City, tmp_path: Path) -> None:
    """Eastings of a zone name their system, those of a meridian are ranked by the city; both are asked."""
    shapes, columns = lamps()
    for epsg, others in ((4527, 0), (4548, 2)):
        path = shapefile(tmp_path / f"{epsg}.shp", shapes, columns, epsg=epsg)
        path.with_suffix(".prj").unlink()
        detail = detail_of(city.inspect(path))
        assert detail.system == ""
        assert "no reference system is declared" in detail.system_problem
        best, *rest = detail.places
        assert (best.option, best.share) == (f"--crs EPSG:{epsg}", 1.0)
        assert len(rest) >= others
        assert all((line.share or 0) < 0.5 for line in rest)
        assert f"--crs EPSG:{epsg}" in detail.command
        assert "Xian 1980" in " ".join(detail.decisions)


def test_degrees_without_a_prj_are_asked(city: City, tmp_path: Path) -> None:
    """Degrees without a declaration bring three options and the placeholder, with and without a city."""
    path = shapefile(tmp_path / "a.shp", *lamps(), epsg=None)
    for found in (city.inspect(path), inspect(path)):
        detail = detail_of(found)
        assert {line.option for line in detail.places} == {"--crs EPSG:4490", "--datum gcj02", "--datum bd09"}
        assert "--datum DATUM" in detail.command


def test_without_a_city(tmp_path: Path) -> None:
    """What needs a city is left out and said so: no shares, no evidence, a placeholder for the city."""
    detail = detail_of(inspect(shapefile(tmp_path / "a.shp", *lamps())))
    assert (detail.place_basis, detail.evidence, detail.evidence_basis) == ("", None, "")
    assert all(line.share is None for line in detail.places)
    assert detail.command.endswith("--city CITY.gpkg")
    assert any(decision.startswith("CITY.gpkg") for decision in detail.decisions)


def test_swapped_columns_are_a_problem_of_the_file(city: City, tmp_path: Path) -> None:
    """A table with latitude under the name of longitude is said to be refused, with the code."""
    shapes, _ = lamps()
    lines = ["lng,lat,class_name", *(f"{shape.y},{shape.x},路灯" for shape in shapes)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    detail = detail_of(city.inspect(path, datum="cgcs2000"))
    assert [(one.rule, one.rows) for one in detail.problems] == [("E_COORD_SWAPPED", None)]


def test_classes_known_unknown_and_unmapped(city: City, tmp_path: Path) -> None:
    """Texts that are classes are named with code and edition, others with the nearest; counts add up."""
    shapes, columns = lamps()
    columns["class_name"] = ["路灯"] * 30 + ["路灯灯"] * 10
    detail = detail_of(city.inspect(shapefile(tmp_path / "a.shp", shapes, columns)))
    known, unknown = sorted(detail.classes, key=lambda line: -line.rows)
    assert (known.rows, known.found[0]) == (30, "01037 路灯 (gbt47678.5-2026)")
    assert (unknown.rows, unknown.found, unknown.nearest[0]) == (10, (), "01037 路灯")
    assert [(one.rule, one.rows) for one in detail.problems] == [("class-unknown", 10)]
    assert "路灯灯" in " ".join(detail.decisions)
    columns["Sort"] = ["路灯"] * 40
    del columns["class_name"]
    other = detail_of(city.inspect(shapefile(tmp_path / "b.shp", shapes, columns)))
    assert [line.column for line in other.classes] == ["Sort"]
    assert "Whether Sort is the class of the rows" in " ".join(other.decisions)


def test_duties_for_events_and_major_classes_are_known(city: City, tmp_path: Path) -> None:
    """A duty may be for a component, an event or a major class; only what is none of them costs its row."""
    table = tmp_path / "duties.csv"
    rows = ("部件,路灯", "事件,暴露垃圾", "事件,01", "事件,飞船降落")
    table.write_text("\n".join(("职责,类别种类,小类名称", *(f"处置,{row}" for row in rows))), "utf-8")
    detail = detail_of(city.inspect(table))
    assert detail.kind == "duties"
    assert [(one.rule, one.rows, one.message.split(" is ")[0]) for one in detail.problems] == [
        ("class-unknown", 1, "row 4: '飞船降落'")
    ]


def test_the_class_of_a_file_name_is_proposed(city: City, tmp_path: Path) -> None:
    """A file named after a class is imported with it, once a human agrees; any other name asks."""
    shapes, columns = lamps()
    del columns["class_name"]
    named = detail_of(city.inspect(shapefile(tmp_path / "雨水井盖_2026.shp", shapes, columns)))
    assert "--class 雨水井盖" in shlex.join(shlex.split(named.command)).replace("'", "")
    assert any(decision.startswith("Whether all rows are 雨水井盖") for decision in named.decisions)
    other = detail_of(city.inspect(shapefile(tmp_path / "survey.shp", shapes, columns)))
    assert "--class CLASS" in other.command


def test_codes_are_counted_by_edition(city: City, tmp_path: Path) -> None:
    """Codes are named by kind and length, with the number that are sound; other long numbers are not."""
    shapes, columns = lamps()
    columns["GLBJBSM"] = [f"11010101037{i:06d}" for i in range(1, 40)] + ["1101010103700000X"]
    columns["serial"] = [f"9876543210{i:06d}" for i in range(40)]
    detail = detail_of(city.inspect(shapefile(tmp_path / "a.shp", shapes, columns)))
    found = {(line.column, line.kind, line.digits): (line.rows, line.valid) for line in detail.codes}
    assert found == {("GLBJBSM", "component", 17): (39, 39), ("SZDYWGBSM", "cell", 15): (40, 40)}
    assert [(one.rule, one.rows) for one in detail.problems] == [("code-malformed", 1)]


def test_kinds_of_rows(city: City, tmp_path: Path) -> None:
    """Cell codes make cells, area codes areas; bare polygons are asked about; a table of names is parties."""
    squares = [shapely.box(WEST + i * SIDE, SOUTH, WEST + (i + 1) * SIDE, SOUTH + SIDE) for i in range(3)]
    cells = shapefile(tmp_path / "cells.shp", squares, {"BGCODE": [CODES[1], CODES[2], CODES[3]]})
    assert detail_of(city.inspect(cells)).kind == "cells"
    areas = shapefile(tmp_path / "a.shp", squares, {"ADMINCODE": [f"{STREET}", "110101001", "110101002"]})
    detail = detail_of(city.inspect(areas))
    assert (detail.kind, "--level street" in detail.command) == ("areas", True)
    assert (
        "Whether all rows are of the level street: the codes in ADMINCODE have 9 digits." in detail.decisions
    )
    assert any("--map code=ADMINCODE" in decision for decision in detail.decisions)
    bare = detail_of(city.inspect(shapefile(tmp_path / "b.shp", squares, {"x1": [1, 2, 3]})))
    assert (bare.kind, shlex.split(bare.command)[2]) == ("", "KIND")
    table = tmp_path / "p.csv"
    table.write_text("name,kind\n样例公司,company\n", encoding="utf-8")
    assert detail_of(city.inspect(table)).kind == "parties"


def test_what_would_reject_rows_is_counted(city: City, tmp_path: Path) -> None:
    """Missing geometry, crossing polygons, unknown states and impossible dates are counted by rule."""
    shapes, columns = lamps(10)
    bow = shapely.Polygon([at(0, 0), at(1, 1), at(1, 0), at(0, 1), at(0, 0)])
    columns["GLBJZT"][:2] = ["不存在的状态"] * 2
    columns["CSRQ"][0] = "20241301"
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame(columns, geometry=[None, bow, *shapes[2:]], crs=4490).to_file(path, layer="路灯")
    problems = {one.rule: one.rows for one in detail_of(city.inspect(path)).problems}
    assert problems == {
        "geometry-missing": 1,
        "geometry-invalid": 1,
        "state-unknown": 2,
        "date-malformed": 1,
    }


def test_points_far_outside_are_counted(city: City, tmp_path: Path) -> None:
    """Points more than 1 km beyond the city are counted, as an import would reject them; others are not."""
    shapes, columns = lamps()
    shapes[0], shapes[1] = shapely.Point(at(20, 0)), shapely.Point(at(-5, 0))
    (problem,) = detail_of(city.inspect(shapefile(tmp_path / "a.shp", shapes, columns))).problems
    assert (problem.rule, problem.rows) == ("outside-city", 1)


def test_folders_list_their_layers(city: City, tmp_path: Path) -> None:
    """Of several layers each has a line, the damaged one its reason; one is chosen by name, not guessed."""
    shapefile(tmp_path / "路灯.shp", *lamps())
    (tmp_path / "坏.shp").write_bytes(b"not a shapefile")
    (tmp_path / "readme.pdf").write_bytes(b"%PDF")
    found = city.inspect(tmp_path)
    assert found.detail is None
    lines = {line.label: (line.rows, line.geometry, bool(line.problem)) for line in found.layers}
    assert lines == {"路灯.shp": (40, "Point", False), "坏.shp": (None, "", True)}
    assert found.others == ("readme.pdf",)
    assert detail_of(city.inspect(tmp_path, layer="路灯")).rows == 40
    missing = city.inspect(tmp_path, layer="nothing")
    assert "no layer 'nothing'" in missing.refusal
    assert len(missing.layers) == 2


def test_a_folder_names_its_identical_files(city: City, tmp_path: Path) -> None:
    """What an import of all would refuse as one file twice is said before; another file is not named."""
    shapefile(tmp_path / "路灯.shp", *lamps())
    for part in list(tmp_path.iterdir()):
        part.with_stem("路灯_副本").write_bytes(part.read_bytes())
    shapefile(tmp_path / "别的.shp", *lamps(39))
    found = [said for said in city.inspect(tmp_path).decisions if "the same file" in said]
    assert len(found) == 1
    assert found[0].startswith("Which of 路灯.shp and 路灯_副本.shp to remove")
    assert "the same file" in gridcity("inspect", tmp_path).output


def test_a_bad_zip_in_a_folder_is_a_line(city: City, tmp_path: Path) -> None:
    """The others are shown, the reason stands in full, and an import of all is said to be refused."""
    shapefile(tmp_path / "路灯.shp", *lamps())
    (tmp_path / "坏.zip").write_bytes(b"no zip")
    lines = {line.label: (line.rows, line.problem) for line in city.inspect(tmp_path).layers}
    assert lines["路灯.shp"] == (40, "")
    assert lines["坏.zip"][0] is None
    shown = gridcity("inspect", tmp_path)
    assert shown.exit_code == 0
    assert "坏.zip is refused: it is no zip that can be read (File is not a zip file)." in shown.output
    assert "an import of all is refused" in shown.output


def test_a_layer_of_a_folder_ends_in_a_command_that_imports_it(tmp_path: Path) -> None:
    """The layer was chosen by its label in the folder, which is no layer's name in its own file."""
    tiny_city(tmp_path / "city.gpkg")
    (tmp_path / "f").mkdir()
    shapefile(tmp_path / "f" / "路灯.shp", *lamps())
    odd = {"type": "FeatureCollection", "crs": {"type": "link"}, "features": []}
    (tmp_path / "f" / "odd.geojson").write_text(json.dumps(odd))
    with City.open(tmp_path / "city.gpkg") as city:
        found = city.inspect(tmp_path / "f", layer="路灯.shp")
    assert {line.label for line in found.layers} == {"路灯.shp", "odd.geojson"}
    command = shlex.split(detail_of(found).command)
    assert "--layer" not in command
    assert gridcity(*command[1:]).exit_code == 0


def test_numbers_that_are_no_place_are_not_said_to_lie_at_zero(city: City, tmp_path: Path) -> None:
    """Where no row has finite coordinates nothing is laid out, and each row has its own reason."""
    path = shapefile(tmp_path / "路灯.shp", [shapely.Point(116.5, 39.5)] * 2, {"class_name": ["路灯"] * 2})
    path.write_bytes(path.read_bytes().replace(struct.pack("<d", 116.5), struct.pack("<d", np.inf)))
    detail = detail_of(city.inspect(path))
    assert [(problem.rule, problem.rows) for problem in detail.problems] == [("geometry-invalid", 2)]
    assert detail.places == ()


def test_coordinates_with_a_comma_do_not_make_a_table_of_parties(city: City, tmp_path: Path) -> None:
    """A table whose columns of coordinates hold no number is not offered as one without places."""
    (tmp_path / "a.csv").write_text("name;lng;lat\n甲;116,5;39,5\n乙;116,6;39,6\n", encoding="utf-8")
    detail = detail_of(city.inspect(tmp_path / "a.csv"))
    assert (detail.kind, detail.kind_reason) == ("", "no row has a geometry")
    assert any(problem.rule == "coordinate-not-finite" for problem in detail.problems)


def test_of_a_workbook_one_sheet_is_taken(city: City, tmp_path: Path) -> None:
    """Inspect asks for a name and offers no import of all; the import asks for --layer."""
    rows = [["class_name", "lng", "lat"], ["路灯", 116.501, 39.501]]
    path = workbook(tmp_path, {"路灯": sheet_xml(rows), "说明": sheet_xml([["a"], ["b"]])})
    found = city.inspect(path)
    assert "--layer NAME" in found.command and len(found.decisions) == 1
    with pytest.raises(SourceError, match=r"has 2 sheets: 路灯, 说明.*--layer"):
        city.import_components(path, datum="cgcs2000", dry_run=True)
    assert city.import_components(path, layer="路灯", datum="cgcs2000", dry_run=True).receipt.read == 1


def test_areas_of_another_province_are_shown_as_the_import_rejects_them(city: City, tmp_path: Path) -> None:
    """With the province of the first."""
    path = shapefile(
        tmp_path / "区县.shp", [shapely.box(107, 29, 108, 30)], {"name": ["万州区"], "level": ["district"]}
    )
    detail = detail_of(city.inspect(path))
    assert [(one.rule, one.rows) for one in detail.problems] == [("area-elsewhere", 1)]
    assert "重庆市" in detail.problems[0].message


def test_what_is_refused_says_why(city: City, tmp_path: Path) -> None:
    """A damaged file is a refusal with its code; a missing one and an unknown encoding are errors."""
    path = tmp_path / "a.shp"
    path.write_bytes(b"<html>")
    found = city.inspect(path)
    assert (found.detail, found.code[:2]) == (None, "E_")
    assert found.hint
    with pytest.raises(SourceNotFoundError):
        city.inspect(tmp_path / "nowhere.shp")
    with pytest.raises(ArgumentError):
        city.inspect(shapefile(tmp_path / "b.shp", *lamps()), encoding="klingon")


def test_large_files_are_sampled_evenly(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file beyond the limit that many rows are looked at, from its first to its last, and said so."""
    monkeypatch.setattr(looking, "_ROWS", 400)
    shapes, columns = lamps(2000)
    columns["class_name"][1999] = "路灯灯"
    detail = detail_of(city.inspect(shapefile(tmp_path / "a.shp", shapes, columns)))
    assert (detail.rows, detail.looked_at) == (2000, 400)
    assert sum(line.rows for line in detail.classes) == 400
    assert [line.rows for line in detail.classes if not line.found] == [1]


def test_a_mapping_conflict_is_said_before_the_import(city: City, tmp_path: Path) -> None:
    """Two columns for one field are a problem of the whole file, and the rest is still shown."""
    shapes, columns = lamps()
    columns["BGCODE"] = columns["SZDYWGBSM"]
    detail = detail_of(city.inspect(shapefile(tmp_path / "a.shp", shapes, columns)))
    assert ("E_MAPPING", None) in [(one.rule, one.rows) for one in detail.problems]
    assert detail.rows == 40


def table(path: Path, columns: str, *rows: str) -> Path:
    path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    return path


def test_areas_are_known_by_their_names(city: City, tmp_path: Path) -> None:
    """Names of streets, by ending or by the list of areas, make areas of that level; repeated ones do not."""
    squares = [shapely.box(WEST + i * SIDE, SOUTH, WEST + (i + 1) * SIDE, SOUTH + SIDE) for i in range(3)]
    ended = shapefile(tmp_path / "a.shp", squares, {"name": ["甲街道", "乙街道", "丙镇"]})
    detail = detail_of(city.inspect(ended))
    assert (detail.kind, detail.kind_reason) == ("areas", "3 of 3 names end like 街道")
    assert "--level street" in detail.command
    listed = shapefile(tmp_path / "b.shp", squares, {"name": ["北新仓", "草园", "海运仓"]})
    detail = detail_of(city.inspect(listed))
    assert (detail.kind, "--level community" in detail.command) == ("areas", True)
    assert detail_of(inspect(listed)).kind == ""
    parcels = shapefile(tmp_path / "c.shp", squares, {"name": ["甲街道"] * 3})
    assert detail_of(city.inspect(parcels)).kind == ""


def test_areas_of_which_some_have_no_code_need_a_level(city: City, tmp_path: Path) -> None:
    """The level of a row without a code is in the command, for its code cannot say it."""
    squares = [shapely.box(WEST + i * SIDE, SOUTH, WEST + (i + 1) * SIDE, SOUTH + SIDE) for i in range(3)]
    codes = {"code": ["110101005001", "110101005002", ""], "name": ["甲", "乙", "丙"]}
    detail = detail_of(city.inspect(shapefile(tmp_path / "a.shp", squares, codes)))
    assert (detail.kind, "--level community" in detail.command) == ("areas", True)


def test_a_table_that_shows_no_coordinates_is_asked_about(city: City, tmp_path: Path) -> None:
    """Columns of decimal numbers are offered as X and Y; such a table is not taken for parties."""
    path = table(tmp_path / "aed.csv", "name,北,東", "甲,39.931,116.411", "乙,39.932,116.412")
    detail = detail_of(city.inspect(path))
    assert detail.kind == ""
    assert "--x X --y Y" in detail.command
    assert any("decimal numbers stand in 北, 東" in decision for decision in detail.decisions)
    empty = detail_of(city.inspect(table(tmp_path / "note.txt", "github.com/somebody")))
    assert (empty.kind, empty.kind_reason) == ("", "it has no rows")
    assert "--x" not in empty.command


def test_rows_without_any_geometry_are_not_parties(city: City, tmp_path: Path) -> None:
    """A shapefile whose geometries are all missing is damaged or unfinished, not a list of bodies."""
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"name": ["甲", "乙"]}, geometry=[None, None], crs=4490).to_file(path, layer="a")
    detail = detail_of(city.inspect(path))
    assert (detail.kind, detail.kind_reason) == ("", "no row has a geometry")


def test_rows_that_contradict_each_other_are_counted(city: City, tmp_path: Path) -> None:
    """As many as the import rejects: one place and class, or one code, with other words; repeats are not."""
    shapes, columns = lamps(10)
    shapes[1] = shapes[0]
    shapes[3] = shapes[2]
    for values in columns.values():
        values[3] = values[2]
    columns["GLBJZT"][1] = "破损"
    columns["GLBJBSM"] = [""] * 8 + ["11010101037000901"] * 2
    path = shapefile(tmp_path / "a.shp", shapes, columns)
    problems = {one.rule: one.rows for one in detail_of(city.inspect(path)).problems}
    assert problems == {"place-duplicate": 2, "code-duplicate": 2}
    result = gridcity("import", "components", path, "--city", city.path, "--dry-run")
    assert "rejected 4" in result.stdout


def test_cells_that_overlap_are_said_before_the_import_refuses_them(city: City, tmp_path: Path) -> None:
    """A cell over another of the file or of the city is a problem of the file; the same cell again is not."""
    one, other = shapely.box(*at(2, 0), *at(3, 1)), shapely.box(*at(2.5, 0), *at(3.5, 1))
    columns = {"BGCODE": ["110101005001091", "110101005001092"]}
    detail = detail_of(city.inspect(shapefile(tmp_path / "a.shp", [one, other], columns)))
    assert detail.kind == "cells"
    assert "E_OVERLAP" in [problem.rule for problem in detail.problems]
    known = city.store.columns("cells", ("code", "geom"))
    same = shapefile(tmp_path / "b.shp", list(known["geom"][:4]), {"BGCODE": list(known["code"][:4])})
    assert detail_of(city.inspect(same)).problems == ()


def test_a_file_of_another_place_is_questioned_as_a_whole(city: City, tmp_path: Path) -> None:
    """Where under no reading a point lies in the city, that is the first question, also without a .prj."""
    path = shapefile(
        tmp_path / "a.shp", [shapely.Point(120.5 + i / 100, 24) for i in range(20)], {"a": [1] * 20}
    )
    for given in (
        path,
        shapefile(tmp_path / "b.shp", list(gpd.read_file(path).geometry), {"a": [1] * 20}, epsg=None),
    ):
        detail = detail_of(city.inspect(given))
        assert detail.decisions[0].startswith("Whether this is the right file for this city")
        assert [(one.rule, one.rows) for one in detail.problems] == [("outside-city", 20)]
    towns = shapefile(tmp_path / "c.shp", [shapely.box(120, 24, 121, 25)], {"name": ["甲街道"]})
    detail = detail_of(city.inspect(towns))
    assert (detail.kind, [problem.rule for problem in detail.problems]) == ("areas", ["outside-city"])
    assert detail.decisions[0].startswith("Whether this is the right file for this city")


def test_measures_are_no_keys(city: City, tmp_path: Path) -> None:
    """A column of decimal numbers, though different in every row, is not offered as the key; a number is."""
    shapes, columns = lamps(5)
    columns["len"] = [f"{i}.5" for i in range(5)]
    columns["no"] = [f"L'{i}" for i in range(5)]
    decisions = " ".join(detail_of(city.inspect(shapefile(tmp_path / "a.shp", shapes, columns))).decisions)
    assert "--key no" in decisions
    assert "--key len" not in decisions


def test_several_layers_end_in_what_to_type(city: City, tmp_path: Path) -> None:
    """A folder with a layer named like a class: look at one, or import all; paths are quoted."""
    folder = tmp_path / "it's all"
    folder.mkdir()
    shapefile(folder / "路灯.shp", *lamps())
    shapefile(folder / "别的.shp", *lamps())
    found = city.inspect(folder)
    assert [line.file_class for line in found.layers] == ["", "01037 路灯"]
    words = shlex.split(found.command)
    assert words == ["gridcity", "inspect", str(folder), "--layer", "NAME", "--city", str(city.path)]
    assert "1 of 2 names tell a class" in found.decisions[1]
    assert shlex.quote(str(folder)) in found.decisions[1]


def test_swapped_coordinates_are_not_given_an_option_that_fails(city: City, tmp_path: Path) -> None:
    """Northing before easting cannot be mended by --crs: the command asks, and says what is to be done."""
    shapes, columns = lamps()
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=4490).to_crs(4526)
    turned = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    path = tmp_path / "a.shp"
    gpd.GeoDataFrame(columns, geometry=turned).to_file(path, encoding="UTF-8")
    detail = detail_of(city.inspect(path))
    assert detail.places[0].swapped
    assert "--crs CODE" in detail.command
    assert any("the wrong way round" in decision for decision in detail.decisions)


def test_a_workbook_is_not_offered_as_a_whole(city: City, tmp_path: Path) -> None:
    """An import takes one sheet of a workbook, so only a folder, zip or GeoPackage is offered as one."""
    book = pytest.importorskip("openpyxl").Workbook()
    for sheet in (book.active, book.create_sheet("路灯")):
        sheet.append(["名称", "经度", "纬度"])
        sheet.append(["路灯", WEST, SOUTH])
    book.save(tmp_path / "a.xlsx")
    found = city.inspect(tmp_path / "a.xlsx")
    assert [line.file_class for line in found.layers].count("01037 路灯") == 1
    assert len(found.decisions) == 1


@pytest.mark.parametrize(
    "name", ["two\nlines.geojson", "-dash.geojson", '$x `id` "最终" & \'s.geojson', "\u202eevil.geojson"]
)
def test_the_command_survives_copy_and_paste(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whatever the file is called, bash reads back the path from the line that the screen shows."""
    monkeypatch.chdir(tmp_path)
    source = shapefile(tmp_path / "a.gpkg", *lamps())
    Path(tmp_path / name).write_text(gpd.read_file(source).to_json(), encoding="utf-8")
    command = detail_of(inspect(name)).command
    assert command.isprintable()
    program = "import sys; sys.stdout.write(sys.argv[3])"
    line = command.replace("gridcity", f"{shlex.quote(sys.executable)} -c {shlex.quote(program)}", 1)
    ran = subprocess.run(["bash", "-c", line], capture_output=True, check=True, encoding="utf-8")
    assert Path(ran.stdout) == Path(name)


@pytest.mark.skipif(not (DATA / "dongcheng").is_dir(), reason="the real data of Dongcheng are not here")
def test_the_shops_of_dongcheng(tmp_path: Path) -> None:
    """482 real shops, some of which name their street, are found to be GCJ-02 and nothing is decided."""
    city = empty_city(tmp_path / "city.gpkg")
    streets = gpd.read_file(DATA / "dongcheng" / "streets_17_gcj02.geojson")
    shapes = moved(list(streets.geometry), crs.gcj02_to_wgs84)
    rows = [
        {"level": "street", "name": f"{name}街道", "geom": shape}
        for name, shape in zip(streets["name"], shapes, strict=True)
    ]
    add(city, "areas", *rows)
    detail = detail_of(city.inspect(DATA / "dongcheng" / "markets_shops_gcj02.geojson"))
    assert detail.evidence_basis == "the street that the column street_name names"
    assert detail.evidence is not None
    assert detail.evidence.better is not None
    assert detail.evidence.better.datum == "gcj02"
    assert "--datum DATUM" in detail.command
