"""The numbered cases of bad input that concern the rows of components, each by its number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
import survey
from survey import about, balance, city, column, features, ready, rules, spot, square, table, why

from gridcity import City
from gridcity.errors import MappingError, ReferenceSystemError

__all__ = ["city", "ready"]

LAMP = "路灯"  # 01037 in 2026, 0118 in 2007
CODE = "11010101037{:06d}"
QUIET = {"state": "完好", "initial_date": "20240301", "maintainer_name": "样例排水公司"}


def lamp(column: float = 0.5, row: float = 0.5, **more: Any) -> dict[str, Any]:
    return {"shape": spot(column, row), "class_name": LAMP, **QUIET, **more}


def rows_in(city: City, folder: Path, *rows: dict[str, Any], **options: Any) -> Any:
    return city.import_components(features(folder / "rows.geojson", rows), **options)


def test_case_24_swapped_coordinates_refuse_the_file(city: City, tmp_path: Path) -> None:
    """A file of degrees with latitude first is refused, and never exchanged."""
    rows = [lamp(shape=shapely.Point(39.9305, 116.4105 + i / 10000)) for i in range(9)]
    with pytest.raises(ReferenceSystemError) as caught:
        rows_in(city, tmp_path, *rows)
    assert caught.value.code == "E_COORD_SWAPPED"
    assert city.summary()["components"] == 0


def test_case_25_some_rows_outside_are_listed(city: City, tmp_path: Path) -> None:
    """One row in a hundred outside the city is rejected with its place, the others are taken."""
    rows = [lamp(0.01 * i) for i in range(1, 100)] + [lamp(shape=spot(500, 500))]
    result = rows_in(city, tmp_path, *rows)
    assert balance(result) == (99, 0, 0, 1)
    assert about(result, "outside-city") == {
        100: "the object lies at 116.910000 40.430000, outside the city's extent"
    }


def test_case_26_all_points_at_zero_refuse_the_file(city: City, tmp_path: Path) -> None:
    """A file none of whose points was located is refused."""
    with pytest.raises(ReferenceSystemError, match="all 3 points lie at"):
        rows_in(city, tmp_path, *[lamp(shape=shapely.Point(0, 0))] * 3)


def test_case_27_numbers_that_are_no_place_cost_their_row(city: City, tmp_path: Path) -> None:
    """NaN, infinity and 1e308 are rejected."""
    good = {"x": "116.4105", "y": "39.9305", "class_name": LAMP}
    rows = [good, *({**good, "x": text} for text in ("nan", "inf", "-inf", "1e308"))]
    result = city.import_components(table(tmp_path / "a.csv", rows), x="x", y="y", crs=4490)
    assert balance(result) == (1, 0, 0, 4)
    assert set(why(result)) == {2, 3, 4, 5}


def test_case_27_minus_zero_is_zero(tmp_path: Path) -> None:
    """A place at minus zero is stored, and known again, as the place at zero."""
    with City.create(tmp_path / "c.gpkg", survey.profile(area_code="110101")) as city:
        first = rows_in(city, tmp_path, lamp(shape=shapely.Point(-0.0, 0.5)))
        assert balance(first) == (1, 0, 0, 0)
        (shape,) = city.store.columns("components", ("geom",))["geom"]
        assert shapely.to_wkb(shape) == shapely.to_wkb(shapely.Point(0.0, 0.5))
        assert balance(rows_in(city, tmp_path, lamp(shape=shapely.Point(0.0, 0.5)))) == (0, 0, 1, 0)


def test_case_28_a_datum_that_fits_better_is_named(tmp_path: Path) -> None:
    """Points that lie where GCJ-02 would put those of their own cells are taken with a warning."""
    from gridcity.crs import wgs84_to_gcj02

    profile = survey.profile()
    with City.create(tmp_path / "c.gpkg", profile) as city:
        area = {"shape": square(-20, -20, 40, 40), "code": survey.STREET, "name": "北新桥街道"}
        city.import_areas(features(tmp_path / "areas.geojson", [area]))
        code = f"{survey.HAIYUNCANG}{{:03d}}"
        cells = [{"shape": square(i % 8, i // 8), "code": code.format(i + 1)} for i in range(64)]
        city.import_cells(features(tmp_path / "cells.geojson", cells))
        rows = []
        for i in range(64):
            place = spot(i % 8 + 0.5, i // 8 + 0.5)
            shape = shapely.Point(*wgs84_to_gcj02(place.x, place.y))
            rows.append(lamp(shape=shape, cell_code=code.format(i + 1)))
        result = rows_in(city, tmp_path, *rows)
        assert list(about(result, "datum-suspect")) == [None]
        right = rows_in(city, tmp_path, *rows, datum="gcj02")
        assert "datum-suspect" not in rules(right)


def test_case_29_rows_without_geometry_are_rejected(city: City, tmp_path: Path) -> None:
    """A null and an empty geometry cost their rows."""
    result = rows_in(city, tmp_path, lamp(), lamp(shape=None), lamp(shape=shapely.Point()))
    assert why(result) == {2: "geometry-missing", 3: "geometry-missing"}


def test_case_30_lines_and_polygons_are_what_they_are(city: City, tmp_path: Path) -> None:
    """A line or polygon among points is taken as a line or polygon and never made a point."""
    result = rows_in(city, tmp_path, lamp(), lamp(shape=square(0.2, 0.2, 0.1, 0.1)))
    assert balance(result) == (2, 0, 0, 0)
    kinds = [shape.geom_type for shape in city.store.columns("components", ("geom",))["geom"]]
    assert kinds == ["Point", "Polygon"]


def test_case_31_a_multipoint_of_one_is_a_point(city: City, tmp_path: Path) -> None:
    """One member is a point; several are rejected, for nothing says which is the object."""
    several = shapely.MultiPoint([spot(0.1, 0.1), spot(0.2, 0.2)])
    result = rows_in(city, tmp_path, lamp(shape=shapely.MultiPoint([spot(0.5, 0.5)])), lamp(shape=several))
    assert balance(result) == (1, 0, 0, 1)
    assert why(result) == {2: "geometry-kind"}


def test_case_32_heights_are_counted(city: City, tmp_path: Path) -> None:
    """Heights that are not kept are said with their number."""
    path = tmp_path / "z.geojson"
    features(path, [lamp(shape=shapely.Point(116.4105, 39.9305, 44.0))])
    result = city.import_components(path)
    assert about(result, "geometry-z")[None].endswith(": 1")


def test_case_32_heights_reach_the_note_if_the_mapping_says_so(city: City, tmp_path: Path) -> None:
    """The heights of a PointZ shapefile stand in the stored notes; without the mapping nothing does."""
    path, mapping = tmp_path / "井盖.shp", tmp_path / "map.toml"
    places = [shapely.Point(116.4105 + i / 10000, 39.9305, 44.5 + i) for i in range(2)]
    gpd.GeoDataFrame({"编号": ["a", "b"]}, geometry=places, crs=4490).to_file(path, encoding="GBK")
    lines = f'class = "{LAMP}"\nkey = "编号"\n'
    mapping.write_text(lines, encoding="utf-8")
    assert about(city.import_components(path, mapping=mapping), "geometry-z")[None].endswith(": 2")
    assert column(city, "components", "note") == ["", ""]
    mapping.write_text(f'{lines}[geometry]\nz = "note"\n', encoding="utf-8")
    result = city.import_components(path, mapping=mapping)
    assert balance(result) == (0, 2, 0, 0) and "geometry-z" not in rules(result)
    assert column(city, "components", "note") == ["44.5", "45.5"]


def test_case_33_one_code_on_two_places_costs_both(city: City, tmp_path: Path) -> None:
    """Both rows are rejected, and each names the other."""
    result = rows_in(city, tmp_path, lamp(code=CODE.format(9)), lamp(0.6, code=CODE.format(9)))
    assert about(result, "code-duplicate") == {
        1: f"the code '{CODE.format(9)}' is also on row 2, with other content",
        2: f"the code '{CODE.format(9)}' is also on row 1, with other content",
    }


def test_case_34_identical_rows_are_taken_once(city: City, tmp_path: Path) -> None:
    """The repetition is counted as collapsed, with a warning."""
    result = rows_in(city, tmp_path, lamp(), lamp())
    assert (balance(result), result.receipt.collapsed) == ((1, 0, 1, 0), 1)
    assert rules(result) == {"duplicate-identical": 1}


@pytest.mark.parametrize(
    "code", ["110101010370001", "110101O1037000001", "１１０１０１０１０３７００００１", "11010101037000000"]
)
def test_case_35_codes_that_cannot_be_read_are_rejected(city: City, tmp_path: Path, code: str) -> None:
    """A code of a wrong length, with letters, full-width digits or serial 0 is rejected with a hint."""
    result = rows_in(city, tmp_path, lamp(code=code), lamp(0.6))
    assert balance(result) == (1, 0, 0, 1)
    assert result.rejected[0].rule in ("code-malformed", "class-unknown")
    assert result.rejected[0].hint


@pytest.mark.parametrize("code", ["4.20101E+15", "1.10101010370001E+16", "11010101037000001.0"])
def test_case_36_codes_made_numbers_are_rejected(city: City, tmp_path: Path, code: str) -> None:
    """A code that went through a spreadsheet is rejected, never rounded back."""
    result = rows_in(city, tmp_path, lamp(code=code), lamp(0.6))
    assert why(result) == {1: "code-malformed"}


def test_case_37_lost_zeros_come_back_only_when_asked(city: City, tmp_path: Path) -> None:
    """A class code without its leading zero costs its row; with the rule it is read, with a warning."""
    row = {name: value for name, value in lamp(class_code="1037").items() if name != "class_name"}
    refused = rows_in(city, tmp_path, row)
    assert why(refused) == {1: "code-zero-lost"}
    assert "--pad-codes" in refused.rejected[0].hint
    padded = rows_in(city, tmp_path, row, pad_codes=True)
    assert balance(padded) == (1, 0, 0, 0)
    assert about(padded, "code-padded") == {
        1: "the code '1037' had lost its leading zero and was read as 01037"
    }
    assert column(city, "components", "class_code") == ["01037"]


@pytest.mark.parametrize("day", ["20241301", "2024-02-30", "00010101", "45292", "2999-01-01"])
def test_case_38_days_that_are_none_are_rejected(city: City, tmp_path: Path, day: str) -> None:
    """Month 13, 30 February, year 1, a spreadsheet's number and the future cost their row."""
    result = rows_in(city, tmp_path, lamp(initial_date=day))
    assert why(result)[1] in ("date-malformed", "date-future")


def test_case_38_a_chinese_date_is_read(city: City, tmp_path: Path) -> None:
    """2015年3月1日 is the first of March 2015."""
    assert balance(rows_in(city, tmp_path, lamp(initial_date="2015年3月1日"))) == (1, 0, 0, 0)
    assert column(city, "components", "initial_date") == ["2015-03-01"]


def test_case_39_a_change_before_the_beginning_is_rejected(city: City, tmp_path: Path) -> None:
    """A row changed before its initial date is rejected."""
    assert why(rows_in(city, tmp_path, lamp(changed_date="20200101"))) == {1: "date-order"}


def test_case_40_unknown_classes_and_states_show_the_nearest(city: City, tmp_path: Path) -> None:
    """The nearest classes and the possible states stand in the message."""
    result = rows_in(city, tmp_path, lamp(class_name="路灯杆"), lamp(0.6, state="完整"))
    assert why(result) == {1: "class-unknown", 2: "state-unknown"}
    assert "路灯" in result.rejected[0].message
    assert "完好" in result.rejected[1].message


def test_case_41_unknown_bodies_are_a_doubt_or_cost_the_row(city: City, tmp_path: Path) -> None:
    """A body's code that no party has is a warning once there are parties, an error with the option."""
    row = lamp(owner_code="91110101000000001X", supervisor_code="00000000")
    assert rules(rows_in(city, tmp_path, row)) == {}
    city.import_parties(table(tmp_path / "parties.csv", [{"code": "P1", "name": "样例排水公司"}]))
    doubted = rows_in(city, tmp_path, row, lamp(0.6, owner_code="P1"))
    assert about(doubted, "component-party-unknown") == {
        1: "no party of this city has the code '91110101000000001X'"
    }
    strict = rows_in(city, tmp_path, row, lamp(0.6, owner_code="P1"), require_parties=True)
    assert why(strict) == {1: "party-unknown"}
    assert strict.rejected[0].field == "owner_code"


def test_a_field_is_given_its_column(city: City, tmp_path: Path) -> None:
    """A pair of field and column goes before every other way to find the column."""
    result = rows_in(city, tmp_path, lamp(OWNER="某单位"), columns=[("owner_name", "OWNER")])
    assert balance(result) == (1, 0, 0, 0)
    assert column(city, "components", "owner_name") == ["某单位"]
    with pytest.raises(MappingError):
        rows_in(city, tmp_path, lamp(), columns=[("owner_name", "NONE")])


def test_a_polygon_that_crosses_itself_is_mended_when_asked(city: City, tmp_path: Path) -> None:
    """Without the option the row is rejected, with it the valid parts are taken and said."""
    bow = shapely.Polygon([spot(0, 0), spot(0.5, 0.5), spot(0.5, 0), spot(0, 0.5)])
    assert why(rows_in(city, tmp_path, lamp(shape=bow))) == {1: "geometry-invalid"}
    mended = rows_in(city, tmp_path, lamp(shape=bow), repair=True)
    assert balance(mended) == (1, 0, 0, 0)
    assert set(about(mended, "geometry-repaired")) == {1}
