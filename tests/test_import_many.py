"""Import in parts, and of deliveries of many files: one transaction, one balance, nothing twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import survey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import CRS
from survey import about, balance, city, column, contents, digest, features, ready, rules, spot, square, why

from gridcity import City
from gridcity.errors import GridcityError, SourceError
from gridcity.importing import delivery, parts

__all__ = ["city", "ready"]

LAMP, GRATE = "路灯", "雨水箅子"  # 01037 and 01004 in 2026
PARTY = {"maintainer_name": "样例排水公司"}
QUIET = {"state": "完好", "initial_date": "20240301", **PARTY}
CODE = "1101010103700{:04d}"


def lamp(column: float = 0.5, row: float = 0.5, **more: Any) -> dict[str, Any]:
    return {"shape": spot(column, row), "class_name": LAMP, **QUIET, **more}


def plain(column: float = 0.5, row: float = 0.5, **more: Any) -> dict[str, Any]:
    """A row that says no class."""
    return {name: value for name, value in lamp(column, row, **more).items() if name != "class_name"}


def folder(place: Path, **files: list[dict[str, Any]]) -> Path:
    place.mkdir()
    for name, rows in files.items():
        features(place / f"{name}.geojson", rows)
    return place


# In parts.


@st.composite
def repeated_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Surveys in which codes, keys and places come again, rows far apart."""
    row = st.fixed_dictionaries(
        {
            "shape": st.sampled_from([spot(x / 4, 0.5) for x in range(8)] + [square(0.2, 0.2, 1, 0.3), None]),
            "class_name": st.sampled_from([LAMP, LAMP, GRATE]),
            "code": st.sampled_from(["", "", "", CODE.format(5), CODE.format(7)]),
            "id": st.sampled_from(["", "", "a", "b"]),
            "note": st.sampled_from(["", "", "重"]),
        }
    )
    return draw(st.lists(row, min_size=0, max_size=12))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(repeated_rows(), st.booleans(), st.integers(1, 4))
def test_parts_decide_nothing(
    ready: City, tmp_path: Path, rows: list[dict[str, Any]], keyed: bool, size: int
) -> None:
    """A survey in parts of any size gives the balance and the rejected rows of the survey in one part."""
    options: dict[str, Any] = {"key": "id"} if keyed and rows else {}
    path = features(tmp_path / "rows.geojson", rows)
    found = []
    for part_rows in (100, size):
        with survey.copied(ready, tmp_path / "city.gpkg") as city, pytest.MonkeyPatch.context() as patch:
            patch.setattr(parts, "PART_ROWS", part_rows)
            result = city.import_components(path, **options)
            objects = {
                row[:-1] for row in city.store.rows("components", ("class_code", "key", "note", "fid"))
            }
            found.append((balance(result), why(result), rules(result), objects))
            again = city.import_components(path, **options)
            assert balance(again)[:2] == (0, 0)
            assert len(city.store.near("components", city.store.extent())) == city.store.count("components")
    assert found[0] == found[1]


def test_codes_that_arrive_go_before_codes_that_are_given(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code at the end of a file of several parts is not given to a row before it."""
    monkeypatch.setattr(parts, "PART_ROWS", 2)
    rows = [lamp(0.1 * i) for i in range(1, 6)] + [
        lamp(0.7, code=CODE.format(2)),
        lamp(0.8, code=CODE.format(4)),
    ]
    result = city.import_components(features(tmp_path / "rows.geojson", rows))
    assert balance(result) == (7, 0, 0, 0)
    codes = dict(city.store.rows("components", ("code", "fid")))
    assert sorted(codes) == [CODE.format(i) for i in (2, 4, 5, 6, 7, 8, 9)]


def test_progress_counts_to_the_end(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is told rows taken and rows in all after every part."""
    monkeypatch.setattr(parts, "PART_ROWS", 2)
    told: list[tuple[int, int]] = []
    path = features(tmp_path / "rows.geojson", [lamp(0.1 * i) for i in range(1, 6)])
    city.import_components(path, progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_a_refusal_in_a_later_part_leaves_nothing(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that ends after some of its parts leaves every byte of the city as it was."""
    monkeypatch.setattr(parts, "PART_ROWS", 2)
    before = digest(city.path)

    def stop(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    path = features(tmp_path / "rows.geojson", [lamp(0.1 * i) for i in range(1, 8)])
    with pytest.raises(KeyboardInterrupt):
        city.import_components(path, progress=stop)
    assert digest(city.path) == before
    assert balance(city.import_components(path)) == (7, 0, 0, 0)


def test_indexes_are_back_after_the_import(city: City, tmp_path: Path) -> None:
    """An import into an empty table leaves it with all its indexes and triggers."""
    names = "SELECT type, name FROM sqlite_master WHERE tbl_name = 'components' ORDER BY name"
    before = survey._read(city.path, names)
    city.import_components(features(tmp_path / "rows.geojson", [lamp()]))
    assert survey._read(city.path, names) == before
    assert ("index", "components_code") in before


# Near and shared places.


def test_points_close_together_are_a_doubt(city: City, tmp_path: Path) -> None:
    """A lamp some decimetres beside another is named with the distance, in one file and in two."""
    near = 0.005  # of a square: half a metre
    first = city.import_components(features(tmp_path / "a.geojson", [lamp(0.5), lamp(0.5 + near), lamp(0.9)]))
    assert set(about(first, "component-near")) == {1, 2}
    assert "stands 0.43 m away: 11010101037000002" in about(first, "component-near")[1]
    second = city.import_components(features(tmp_path / "b.geojson", [lamp(0.9 + near), lamp(1.5)]))
    assert list(about(second, "component-near")) == [1]
    assert about(second, "component-near")[1].endswith(": 11010101037000003")


def test_lamps_three_metres_apart_are_two(city: City, tmp_path: Path) -> None:
    """What stands metres apart is no doubt."""
    result = city.import_components(features(tmp_path / "a.geojson", [lamp(0.5), lamp(0.53)]))
    assert rules(result) == {}


def test_lines_that_coincide_are_a_doubt(city: City, tmp_path: Path) -> None:
    """A polygon that covers most of another of its class is named with the share."""
    rows = [{**lamp(), "shape": square(0.1, 0.1, 0.5, 0.5)}, {**lamp(), "shape": square(0.1, 0.1, 0.5, 0.4)}]
    result = city.import_components(features(tmp_path / "a.geojson", rows))
    assert about(result, "component-overlap") == {
        1: "the shape coincides by 100% with another of its class: 11010101037000002",
        2: "the shape coincides by 100% with another of its class: 11010101037000001",
    }


# Deliveries.


def test_a_folder_is_one_delivery(city: City, tmp_path: Path) -> None:
    """Every file of a folder is taken, each with its receipt; all name the first, which sums nothing up."""
    place = folder(tmp_path / "d", 路灯_点=[plain(0.2), plain(0.3)], 雨水箅子=[plain(0.4), plain(state="??")])
    (place / "说明.txt").write_text("x", encoding="utf-8")
    seen: list[Any] = []
    result = city.import_components(place, approve=lambda files, left: seen.extend([files, left]))
    assert balance(result) == (3, 0, 0, 1)
    assert [one.label for one in result.files] == ["路灯_点.geojson", "雨水箅子.geojson"]
    assert [balance(one) for one in result.files] == [(2, 0, 0, 0), (1, 0, 0, 1)]
    assert [(f.label, f.rows, f.class_text) for f in seen[0]] == [
        ("路灯_点.geojson", 2, "01037 路灯"),
        ("雨水箅子.geojson", 2, "01004 雨水箅子"),
    ]
    assert seen[1] == ("说明.txt",)
    first, second = (one.receipt for one in result.files)
    assert (json.loads(first.options), json.loads(second.options)) == ({}, {"delivery": first.id})
    assert (first.sha256, second.source) == (digest(place / "路灯_点.geojson"), "雨水箅子.geojson")
    assert column(city, "components", "class_code") == ["01037", "01037", "01004"]


def test_a_delivery_twice_changes_nothing(city: City, tmp_path: Path) -> None:
    """The same folder again leaves every component unchanged."""
    place = folder(tmp_path / "d", 路灯=[plain(0.2)], 雨水箅子=[plain(0.4)])
    city.import_components(place)
    before = contents(city, "components")
    assert balance(city.import_components(place)) == (0, 0, 2, 0)
    assert contents(city, "components") == before


def test_a_zip_with_several_layers_is_one_delivery(city: City, tmp_path: Path) -> None:
    """Shapefiles in a zip are taken together; --layer takes one."""
    wkt = CRS.from_epsg(4490).to_wkt("WKT1_ESRI")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for i, name in enumerate(("路灯", "雨水箅子")):
            path = survey.shapefile(
                tmp_path / f"{name}.shp", [{"shape": spot(0.2 + i / 5, 0.5), "备用": "x"}], wkt
            )
            for part in tmp_path.glob(f"{name}.*"):
                archive.write(part, f"部件/{part.name}")
            assert path.exists()
    result = city.import_components(tmp_path / "d.zip", dry_run=True)
    assert balance(result) == (2, 0, 0, 0)
    assert [one.receipt.layer for one in result.files] == ["路灯", "雨水箅子"]
    one = city.import_components(tmp_path / "d.zip", layer="路灯", class_text=LAMP)
    assert (balance(one), one.files) == ((1, 0, 0, 0), ())


def test_files_that_cannot_be_read_refuse_the_delivery_together(city: City, tmp_path: Path) -> None:
    """All bad files are named at once with their reasons and their folders, and nothing is written."""
    before = digest(city.path)
    place = folder(tmp_path / "d", 路灯=[plain()])
    (place / "东区").mkdir()
    (place / "东区" / "坏.zip").write_bytes(b"no zip")
    with pytest.raises(SourceError, match=r"^1 of 2 files cannot be imported: 东区/坏\.zip ") as single:
        city.import_components(place)
    assert "Nothing was taken of the others." in single.value.message
    assert "Or take it out of the delivery" in single.value.hint
    (place / "东区" / "坏.zip").rename(place / "坏.zip")
    (place / "井盖.geojson").write_text('{"a": 1}')
    with pytest.raises(GridcityError) as caught:
        city.import_components(place)
    assert caught.value.message.startswith("2 of 3 files cannot be imported: ")
    assert "; 坏.zip is refused: it is no zip" in caught.value.message
    assert ": 井盖.geojson is no FeatureCollection" in caught.value.message
    assert digest(city.path) == before


def test_a_name_that_is_no_utf8_stands_in_the_receipt_as_text(city: City, tmp_path: Path) -> None:
    """A file under a name of GBK bytes is imported, its class told by the name and its receipt readable."""
    (tmp_path / "d").mkdir()
    for name in ("路灯", "雨水箅子"):
        written = features(tmp_path / "a.geojson", [plain(0.2 if name == LAMP else 0.4)])
        written.rename(os.fsdecode(os.fsencode(tmp_path / "d") + b"/" + f"{name}.geojson".encode("gbk")))
    result = city.import_components(tmp_path / "d")
    assert balance(result) == (2, 0, 0, 0)
    assert sorted(one.label for one in result.files) == ["路灯.geojson", "雨水箅子.geojson"]
    assert {"路灯.geojson", "雨水箅子.geojson"} <= set(column(city, "receipts", "source"))


def test_the_history_names_the_receipt_of_the_file_itself(city: City, tmp_path: Path) -> None:
    """What a file of a delivery changed was replaced by that file, not by the last of the delivery."""
    place = folder(tmp_path / "d", 路灯=[plain(0.2)], 雨水箅子=[plain(0.4)])
    city.import_components(place)
    for name, x in ((LAMP, 0.2), (GRATE, 0.4)):
        features(place / f"{name}.geojson", [plain(x, note="新")])
    changed = city.import_components(place)
    own = {one.label: one.receipt.id for one in changed.files}
    rows = city.store.rows("history", ("replaced_by", "record"), {"table_name": "components"})
    names = {json.loads(record)["class_name"]: number for number, record in rows}
    assert names == {LAMP: own["路灯.geojson"], GRATE: own["雨水箅子.geojson"]}
    city.undo()
    assert set(column(city, "components", "note")) == {""}


def test_classes_that_no_name_tells_refuse_the_delivery(city: City, tmp_path: Path) -> None:
    """All files whose class cannot be told are named at once, and nothing is written."""
    before = digest(city.path)
    place = folder(tmp_path / "d", 路灯=[plain()], 井盖东区=[plain(0.2)], points=[plain(0.3)])
    with pytest.raises(GridcityError) as caught:
        city.import_components(place)
    assert caught.value.code == "E_CLASS_OF_FILE"
    assert "2 of 3 files" in caught.value.message
    assert "井盖东区.geojson" in caught.value.message
    assert "points.geojson" in caught.value.message
    assert digest(city.path) == before


def test_a_blank_column_says_no_class(city: City, tmp_path: Path) -> None:
    """Where the columns of code and name are there and blank, the file's name tells the class."""
    blank = {"code": "", "name": " "}
    place = folder(tmp_path / "d", 路灯=[plain(**blank)], 雨水箅子=[plain(0.2, **blank), plain(0.3, **blank)])
    assert balance(city.import_components(place)) == (3, 0, 0, 0)
    assert column(city, "components", "class_name") == [LAMP, GRATE, GRATE]
    features(place / "成果.geojson", [plain(0.4, **blank)])
    with pytest.raises(GridcityError, match=r"成果\.geojson") as caught:
        city.import_components(place)
    assert caught.value.code == "E_CLASS_OF_FILE"


def test_a_value_behind_the_first_rows_says_the_class(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One code at the end of a column is enough for the column to say the class."""
    monkeypatch.setattr(delivery, "_FIRST_ROWS", 2)
    rows = [plain(0.1 * i, code="", note=str(i)) for i in range(1, 5)] + [plain(0.6, code=CODE.format(1))]
    seen: list[Any] = []
    place = folder(tmp_path / "d", 路灯=rows, 雨水箅子=[plain(0.8)])
    city.import_components(place, approve=lambda files, left: seen.extend(files), dry_run=True)
    assert {file.label: file.reason for file in seen} == {
        "路灯.geojson": "its columns say the class: code (known name)",
        "雨水箅子.geojson": "the name holds 雨水箅子",
    }


def test_names_of_rows_may_say_the_class(city: City, tmp_path: Path) -> None:
    """What decides is said of every file before it is taken, also where the rows' own names must."""
    seen: list[Any] = []
    place = folder(tmp_path / "d", 成果=[plain(name=LAMP)], 雨水箅子=[plain(0.2)])
    result = city.import_components(place, approve=lambda files, left: seen.extend(files))
    assert balance(result) == (2, 0, 0, 0)
    reasons = {file.label: file.reason for file in seen}
    assert reasons["成果.geojson"] == (
        "the names of its rows must say it: name (known name); the name holds no class"
    )


def test_a_class_for_all_files_is_held_against_their_names(city: City, tmp_path: Path) -> None:
    """Who gives one class for a whole delivery sees which file names say another."""
    seen: list[Any] = []
    place = folder(tmp_path / "d", 路灯=[plain(0.2)], 雨水箅子=[plain(0.4)])
    city.import_components(
        place, class_text=LAMP, approve=lambda files, left: seen.extend(files), dry_run=True
    )
    assert {file.label: file.reason for file in seen} == {
        "路灯.geojson": "all files are of class 路灯",
        "雨水箅子.geojson": "all files are of class 路灯, but the name holds 雨水箅子",
    }


def test_one_layer_of_a_folder(city: City, tmp_path: Path) -> None:
    """A layer is chosen from a folder by its name or its label; a wrong name is answered with the names."""
    place = folder(tmp_path / "d", 路灯=[plain(0.2)], 雨水箅子=[plain(0.4)])
    for name in ("路灯", "路灯.geojson"):
        result = city.import_components(place, layer=name, class_text=LAMP, dry_run=True)
        assert (balance(result), result.receipt.layer) == ((1, 0, 0, 0), LAMP)
    with pytest.raises(SourceError, match="d has no layer '井盖'") as caught:
        city.import_components(place, layer="井盖", class_text=LAMP)
    assert caught.value.hint == "Possible: 路灯.geojson, 雨水箅子.geojson."


def test_one_file_twice_refuses_the_delivery(city: City, tmp_path: Path) -> None:
    """Two files with the same bytes are refused by name."""
    place = folder(tmp_path / "d", 路灯=[plain()])
    shutil.copyfile(place / "路灯.geojson", place / "路灯_副本.geojson")
    with pytest.raises(GridcityError, match=r"路灯\.geojson and 路灯_副本\.geojson are the same file"):
        city.import_components(place, class_text=LAMP)


def test_empty_files_of_a_delivery_are_in_nobodys_way(city: City, tmp_path: Path) -> None:
    """Templates that nobody filled are alike and say no class; they are taken with no row."""
    place = folder(tmp_path / "d", 路灯=[plain()], 雨水箅子=[], 行道树=[], template=[])
    assert balance(city.import_components(place)) == (1, 0, 0, 0)


def test_a_code_in_two_files_costs_both_rows(city: City, tmp_path: Path) -> None:
    """A code, a key or a place that two files have is rejected in both, each naming the other."""
    place = folder(
        tmp_path / "d",
        a=[lamp(0.2, code=CODE.format(5)), lamp(0.3), lamp(0.4, note="x")],
        b=[lamp(0.5), lamp(0.6, code=CODE.format(5)), lamp(0.4)],
    )
    result = city.import_components(place)
    assert balance(result) == (2, 0, 0, 4)
    first, second = result.files
    assert about(first, "delivery-duplicate") == {
        1: f"the code {CODE.format(5)} also stands on row 2 of b.geojson",
        3: "an object of this class at exactly this place also stands on row 3 of b.geojson",
    }
    assert set(about(second, "delivery-duplicate")) == {2, 3}
    assert [(one.row, one.value) for one in first.rejected] == [(1, CODE.format(5)), (3, "")]


def test_one_key_in_two_classes_is_two_objects(city: City, tmp_path: Path) -> None:
    """Files of two classes may count from one."""
    place = folder(tmp_path / "d", 路灯=[plain(0.2, id="1")], 雨水箅子=[plain(0.4, id="1")])
    assert balance(city.import_components(place, key="id")) == (2, 0, 0, 0)


def test_what_stops_the_approval_stops_the_delivery(city: City, tmp_path: Path) -> None:
    """Nothing is written when the caller does not approve of the classes."""
    before = digest(city.path)

    def no(files: Any, left: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        city.import_components(folder(tmp_path / "d", 路灯=[plain()]), approve=no)
    assert digest(city.path) == before


def test_order_of_files_decides_no_serial_twice(city: City, tmp_path: Path) -> None:
    """Codes that stand in a later file are not given to the rows of an earlier one."""
    place = folder(tmp_path / "d", a=[lamp(0.2), lamp(0.3)], b=[lamp(0.4, code=CODE.format(1))])
    assert balance(city.import_components(place)) == (3, 0, 0, 0)
    codes = [code for (code,) in city.store.rows("components", ("code",))]
    random.shuffle(codes)
    assert sorted(codes) == [CODE.format(i) for i in (1, 2, 3)]
