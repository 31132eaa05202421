"""Import of districts, streets and communities: codes by name, parents, streets that are communities."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
import survey
from survey import (
    BEIXINCANG,
    HAIYUNCANG,
    STREET,
    about,
    balance,
    column,
    contents,
    digest,
    features,
    profile,
    rules,
    square,
    why,
)

from gridcity import City
from gridcity.errors import ArgumentError

DATA = Path(__file__).parents[1].parent / "shared" / "data"
COUNTIES = DATA / "gbk-shapefiles" / "chongqing_shp" / "区县界_area.shp"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with City.create(tmp_path / "city.gpkg", profile()) as made:
        yield made


def area(name: str, at: tuple[float, float, float, float] = (0, 0, 1, 1), **more: Any) -> dict[str, Any]:
    return {"shape": square(*at), "name": name, **more}


def areas_in(city: City, folder: Path, *rows: dict[str, Any], name: str = "areas", **options: Any) -> Any:
    return city.import_areas(features(folder / f"{name}.geojson", rows), **options)


def test_streets_are_named_by_the_list(city: City, tmp_path: Path) -> None:
    """A street without a code gets that of its name in the list, with or without 街道."""
    rows = [area("北新桥街道"), area("景山", (1, 0, 1, 1))]
    result = areas_in(city, tmp_path, *rows, level="street")
    assert balance(result) == (2, 0, 0, 0)
    assert rules(result) == {}
    fields = ("level", "code", "name", "parent_id")
    assert city.store.rows("areas", fields) == [
        ("street", STREET, "北新桥街道", None),
        ("street", "110101002", "景山", None),
    ]


def test_alias_of_the_profile_is_followed(tmp_path: Path) -> None:
    """A delivered name the profile translates gets the code of the listed one, and raises no doubt."""
    with City.create(tmp_path / "city.gpkg", profile('[aliases]\n"崇外" = "崇文门外"\n')) as city:
        result = areas_in(city, tmp_path, area("崇外街道"), level="street")
        assert rules(result) == {}
        assert column(city, "areas", "code") == ["110101012"]
        assert city.check().counts() == {}


def test_unlisted_area_is_kept_with_the_nearest_name(city: City, tmp_path: Path) -> None:
    """A community the list does not have is kept without a code, and the finding names the nearest."""
    areas_in(city, tmp_path, area("北新桥街道", code=STREET), name="street")
    result = areas_in(city, tmp_path, area("北宫厅"), area("无何有之乡", (0, 0, 0.5, 0.5)), level="community")
    assert balance(result) == (2, 0, 0, 0)
    assert about(result, "area-unlisted") == {
        1: "'北宫厅' is not in the list of areas below 110101005; nearest: 北官厅社区居委会 (110101005009)",
        2: "'无何有之乡' is not in the list of areas below 110101005; nearest: none",
    }
    assert column(city, "areas", "code") == [STREET, "", ""]
    assert balance(areas_in(city, tmp_path, area("北宫厅"), level="community")) == (0, 0, 1, 0)


def test_digits_of_the_profile_go_first(tmp_path: Path) -> None:
    """Three digits follow the parent's code, nine or twelve stand for themselves; the list comes after."""
    more = (
        '[areas.digits]\n"样例社区" = "901"\n"他乡" = "110102001902"\n'
        '"北新桥街道" = "905"\n"甲街道" = "110101099"\n'
    )
    with City.create(tmp_path / "city.gpkg", profile(more)) as city:
        streets = [area("北新桥街道", (0, 0, 2, 2)), area("甲街道", (2, 0, 1, 1))]
        areas_in(city, tmp_path, *streets, level="street")
        communities = [area("样例社区"), area("他乡", (1, 0, 1, 1))]
        result = areas_in(city, tmp_path, *communities, level="community")
        assert rules(result) == {}
        assert column(city, "areas", "code") == ["110101905", "110101099", "110101905901", "110102001902"]


def test_three_digits_without_a_parent_give_no_code(tmp_path: Path) -> None:
    """Digits of a community in no street of the city cannot become a code: it is kept with two findings."""
    with City.create(tmp_path / "city.gpkg", profile('[areas.digits]\n"样例社区" = "901"\n')) as city:
        result = areas_in(city, tmp_path, area("样例社区"), level="community")
        assert rules(result) == {"area-unlisted": 1, "area-parent": 1}
        assert column(city, "areas", "code") == [""]


@pytest.mark.parametrize(
    ("more", "parent"),
    [
        ({"code": "110101002001"}, 2),  # its own code
        ({"parent_code": "110101002"}, 2),  # the parent's code
        ({}, 1),  # the place
        ({"shape": square(5, 5)}, None),
    ],
)
def test_parent_by_code_else_by_place(
    city: City, tmp_path: Path, more: dict[str, Any], parent: int | None
) -> None:
    """The street of a community is that of its code, else of its parent_code, else the one it lies in."""
    streets = [area("北新桥街道", code=STREET), area("景山街道", (1, 0, 1, 1), code="110101002")]
    areas_in(city, tmp_path, *streets, name="streets")
    result = areas_in(city, tmp_path, area("样例社区") | more, level="community")
    assert column(city, "areas", "parent_id")[-1] == parent
    assert ("area-parent" in rules(result)) == (parent is None)


def test_level_by_column_then_code_then_option(city: City, tmp_path: Path) -> None:
    """The level is that of the column, else of the code, else of the call; without any it is rejected."""
    rows = [
        area("甲", level="district", code=""),
        area("北新桥街道", level="", code=STREET),
        area("乙街道", level="", code=""),
        area("丙", level="hamlet", code=""),
    ]
    result = areas_in(city, tmp_path, *rows)
    assert why(result) == {3: "level-missing", 4: "level-missing"}
    assert result.rejected[0].message == (
        "nothing says whether '乙街道' is a district, a street or a community"
    )
    assert column(city, "areas", "level") == ["district", "street"]
    assert balance(areas_in(city, tmp_path, *rows[2:], level="street"))[3] == 1
    with pytest.raises(ArgumentError, match="no level 'hamlet'"):
        areas_in(city, tmp_path, *rows, level="hamlet")


@pytest.mark.parametrize("option", [None, "community"])
def test_level_that_contradicts_the_code_costs_the_row(
    city: City, tmp_path: Path, option: str | None
) -> None:
    """A code whose length is that of another level than the column or the call states is rejected."""
    stated = {} if option else {"level": "community"}
    rows = [area("北新桥街道", code=STREET, **stated), area("海运仓社区", code=HAIYUNCANG, **stated)]
    result = areas_in(city, tmp_path, *rows, level=option)
    assert about(result, "level-code") == {
        1: f"the row is a community, its code {STREET} is that of a street"
    }
    assert (balance(result), why(result)) == ((1, 0, 0, 1), {1: "level-code"})


def test_districts_get_codes_by_name(tmp_path: Path) -> None:
    """A district without a code gets that of its name among those of the city above the area code."""
    with City.create(tmp_path / "city.gpkg", profile('[areas.digits]\n"样例区" = "901"\n')) as city:
        rows = [area(name, (i, 0, 1, 1)) for i, name in enumerate(["东城区", "西城区", "样例区", "无何有区"])]
        result = areas_in(city, tmp_path, *rows, level="district")
        assert column(city, "areas", "code") == ["110101", "110102", "", ""]
        assert sorted(about(result, "area-unlisted")) == [3, 4]
        assert "below 1101;" in about(result, "area-unlisted")[4]


def test_three_levels_in_one_file_find_each_other(city: City, tmp_path: Path) -> None:
    """In a file of all levels, in any order, every area finds its parent in the same import."""
    rows = [
        area("海运仓社区", level="community"),
        area("北新桥街道", (0, 0, 2, 2), level="street"),
        area("东城区", (0, 0, 3, 3), level="district", code="110101"),
    ]
    result = areas_in(city, tmp_path, *rows)
    assert balance(result) == (3, 0, 0, 0)
    assert rules(result) == {}
    assert city.store.rows("areas", ("fid", "level", "code", "parent_id")) == [
        (1, "district", "110101", None),
        (2, "street", STREET, 1),
        (3, "community", HAIYUNCANG, 2),
    ]
    before = contents(city, "areas")
    assert balance(areas_in(city, tmp_path, *rows)) == (0, 0, 3, 0)
    assert contents(city, "areas") == before


def test_padded_codes_are_those_they_stand_for(city: City, tmp_path: Path) -> None:
    """The twelve digits the statistical list gives streets and districts are stored as nine and six."""
    rows = [area("东城区", code="110101000000"), area("北新桥街道", (0, 0, 0.9, 0.9), code="110101005000")]
    areas_in(city, tmp_path, *rows)
    areas_in(city, tmp_path, area("海运仓社区", (0, 0, 0.5, 0.5)), level="community", name="community")
    assert column(city, "areas", "code") == ["110101", STREET, HAIYUNCANG]
    assert column(city, "areas", "parent_id") == [None, 1, 2]


PLANTED = [
    ({"shape": None}, "geometry-missing"),
    ({"shape": survey.spot(0.5, 0.5)}, "geometry-kind"),
    ({"shape": survey.path_line((0, 0), (1, 1))}, "geometry-kind"),
    (
        {"shape": shapely.Polygon([survey.spot(*at) for at in ((0, 0), (1, 1), (1, 0), (0, 1))])},
        "geometry-invalid",
    ),
    ({"name": "", "code": ""}, "name-missing"),
    ({"code": "11O101005"}, "code-malformed"),
    ({"code": "１１０１０１００５"}, "code-malformed"),
    ({"code": "1101010"}, "code-malformed"),
    ({"code": "1.10101E+08"}, "code-malformed"),
]


@pytest.mark.parametrize(("defect", "rule"), PLANTED, ids=lambda value: str(value)[:40])
def test_one_defect_costs_one_row(city: City, tmp_path: Path, defect: dict[str, Any], rule: str) -> None:
    """An area with one defect is rejected by its rule and kept; the others are taken."""
    rows = [area("北新桥街道"), area("景山街道") | defect, area("东四街道", (2, 0, 1, 1))]
    result = areas_in(city, tmp_path, *rows, level="street")
    assert balance(result) == (2, 0, 0, 1)
    assert why(result) == {2: rule}
    assert city.store.count("rejected_rows") == 1


def test_one_code_with_two_contents_costs_both(city: City, tmp_path: Path) -> None:
    """Two areas of one code are rejected naming each other; also where the list gave the code to both."""
    rows = [area("北新桥", (0, 0, 1, 1)), area("北新桥街道", (1, 0, 1, 1)), area("景山", (2, 0, 1, 1))]
    result = areas_in(city, tmp_path, *rows, level="street")
    assert balance(result) == (1, 0, 0, 2)
    assert about(result, "code-duplicate") == {
        1: f"the code '{STREET}' is also on row 2, with other content",
        2: f"the code '{STREET}' is also on row 1, with other content",
    }


def test_identical_areas_collapse(city: City, tmp_path: Path) -> None:
    """An area delivered twice is taken once."""
    result = areas_in(city, tmp_path, area("北新桥街道"), area("北新桥街道"), level="street")
    assert balance(result) == (1, 0, 1, 0)
    assert result.receipt.collapsed == 1


def test_area_that_gets_its_code_later_stays_the_same(city: City, tmp_path: Path) -> None:
    """An area first kept without a code keeps its id when one is delivered, and keeps that code."""
    areas_in(city, tmp_path, area("样例街道"), level="street")
    result = areas_in(city, tmp_path, area("样例街道", code="110101098"))
    assert balance(result) == (0, 1, 0, 0)
    assert city.store.rows("areas", ("fid", "code")) == [(1, "110101098")]
    assert balance(areas_in(city, tmp_path, area("样例街道"), level="street")) == (0, 0, 1, 0)
    assert city.store.rows("areas", ("fid", "code")) == [(1, "110101098")]


def test_name_that_the_list_does_not_have_under_the_code(city: City, tmp_path: Path) -> None:
    """A code and a name that do not go together in the list are a doubt; the row's name is kept."""
    result = areas_in(city, tmp_path, area("景山街道", code=STREET))
    assert about(result, "area-code-name") == {
        1: f"the list names {STREET} '北新桥街道', the row says '景山街道'"
    }
    assert column(city, "areas", "name") == ["景山街道"]


def test_cells_are_assigned_when_areas_come_after_them(city: City, tmp_path: Path) -> None:
    """Cells imported first belong nowhere; once the areas are there they belong to community and street."""
    rows = [{"shape": square(0, 0)}, {"shape": square(1, 0)}, {"shape": square(5, 5)}]
    city.import_cells(features(tmp_path / "cells.geojson", rows))
    assert column(city, "cells", "community_id") == [None, None, None]
    survey.areas(city, tmp_path)
    codes = dict(city.store.rows("areas", ("fid", "code")))
    found = city.store.rows("cells", ("community_id", "street_id"))
    assert [tuple(codes.get(i) for i in row) for row in found] == [
        (HAIYUNCANG, STREET),
        (BEIXINCANG, STREET),
        (None, None),
    ]


def test_dry_run_writes_nothing(city: City, tmp_path: Path) -> None:
    """A dry run of areas leaves the file as it was, byte for byte."""
    before = digest(city.path)
    result = areas_in(city, tmp_path, area("北新桥街道"), level="street", dry_run=True)
    assert balance(result) == (1, 0, 0, 0)
    assert digest(city.path) == before


def test_empty_file_is_balanced(city: City, tmp_path: Path) -> None:
    """A file of areas without a row is even."""
    assert balance(areas_in(city, tmp_path, level="street")) == (0, 0, 0, 0)


def test_every_street_is_one_community(tmp_path: Path) -> None:
    """With community_of_street each street becomes one community of its own shape, once, and follows it."""
    more = '[areas]\ncommunity_of_street = "001"\n[areas.digits]\n"Ward 1" = "001"\n"Ward 2" = "002"\n'
    chosen = profile(more, area_code="999001", older="")
    with City.create(tmp_path / "city.gpkg", chosen) as city:
        wards = [area("Ward 1"), area("Ward 2", (1, 0, 1, 1))]
        result = areas_in(city, tmp_path, *wards, level="street")
        assert balance(result) == (2, 0, 0, 0)
        assert rules(result) == {"area-whole-street": 2}
        found = city.store.rows("areas", ("level", "code", "name", "parent_id"))
        assert found == [
            ("street", "999001001", "Ward 1", None),
            ("street", "999001002", "Ward 2", None),
            ("community", "999001001001", "Ward 1", 1),
            ("community", "999001002001", "Ward 2", 2),
        ]
        before = contents(city, "areas")
        assert balance(areas_in(city, tmp_path, *wards, level="street")) == (0, 0, 2, 0)
        assert contents(city, "areas") == before
        moved = [area("Ward 1", (0, 0, 1, 2)), wards[1]]
        assert balance(areas_in(city, tmp_path, *moved, level="street")) == (0, 1, 1, 0)
        shapes = city.store.columns("areas", ("geom",))["geom"]
        assert shapely.equals(shapes[[0, 2]], square(0, 0, 1, 2)).all()
        assert shapely.equals(shapes[[1, 3]], square(1, 0)).all()


def test_communities_that_arrive_before_their_street_get_it_when_it_comes(tmp_path: Path) -> None:
    """The order of the two files does not decide whose the communities are."""
    with City.create(tmp_path / "late.gpkg", survey.profile()) as city:
        rows = [
            {"shape": square(0, 0), "code": HAIYUNCANG, "name": "海运仓社区"},
            {"shape": square(1, 0), "code": BEIXINCANG, "name": "北新仓社区"},
        ]
        early = city.import_areas(features(tmp_path / "communities.geojson", rows))
        assert survey.rules(early) == {"area-parent": 2}
        street = {"shape": square(0, 0, 2, 1), "code": STREET, "name": "北新桥街道"}
        city.import_areas(features(tmp_path / "street.geojson", [street]))
        assert city.store.rows("areas", ("name", "parent_id")) == [
            ("海运仓社区", 3),
            ("北新仓社区", 3),
            ("北新桥街道", None),
        ]


def test_a_parent_can_be_named(tmp_path: Path) -> None:
    """A community that names its street belongs to it, wherever it is drawn."""
    with City.create(tmp_path / "named.gpkg", survey.profile()) as city:
        street = {"shape": square(0, 0), "code": STREET, "name": "北新桥街道"}
        city.import_areas(features(tmp_path / "street.geojson", [street]))
        row = {"shape": square(5, 5), "name": "某社区", "level": "community", "parent_name": "北新桥街道"}
        city.import_areas(features(tmp_path / "community.geojson", [row]))
        assert city.store.rows("areas", ("name", "parent_id"))[1] == ("某社区", 1)


def test_the_community_of_a_whole_street_is_renamed_with_it(tmp_path: Path) -> None:
    """Where a street is one community, a new name of the street is that of its community too."""
    more = '[areas]\ncommunity_of_street = "001"\n'
    with City.create(tmp_path / "whole.gpkg", survey.profile(more)) as city:
        street = {"shape": square(0, 0), "code": STREET, "name": "北新桥街道"}
        city.import_areas(features(tmp_path / "a.geojson", [street]))
        city.import_areas(features(tmp_path / "b.geojson", [{**street, "name": "北新桥"}]))
        assert city.store.rows("areas", ("level", "name")) == [("street", "北新桥"), ("community", "北新桥")]


def test_case_58_invalid_areas(city: City, tmp_path: Path) -> None:
    """A community that crosses itself is rejected with the place, or mended where that was asked for."""
    bow = shapely.Polygon(square(0, 0).exterior.coords)
    bow = shapely.Polygon([bow.exterior.coords[i] for i in (0, 2, 1, 3)])
    row = {"shape": bow, "name": "海运仓社区", "code": "110101005001"}
    result = areas_in(city, tmp_path, row)
    assert "not valid: Self-intersection at 116." in about(result, "geometry-invalid")[1]
    result = areas_in(city, tmp_path, row, repair=True)
    assert (balance(result), rules(result)["geometry-repaired"]) == ((1, 0, 0, 0), 1)


# Whose areas they are.


def test_districts_of_another_province_are_rejected(city: City, tmp_path: Path) -> None:
    """By name or by code, also in a first import; a name that two provinces have is no evidence."""
    rows = [
        area("万州区"),
        area("河东区", (1, 0, 1, 1)),  # in 天津 and in 临沂
        area("某区", (2, 0, 1, 1), code="310101"),
        area("西城区", (3, 0, 1, 1)),
    ]
    result = areas_in(city, tmp_path, *rows, level="district")
    assert why(result) == {1: "area-elsewhere", 2: "area-elsewhere", 3: "area-elsewhere"}
    assert "'万州区' is in 重庆市, the city in 北京市" in about(result, "area-elsewhere")[1]
    assert "天津市 or 山东省" in about(result, "area-elsewhere")[2]
    assert column(city, "areas", "code") == ["110102"]


def test_unlisted_names_go_with_their_file(city: City, tmp_path: Path) -> None:
    """Beside districts of another province alone they are that province's; beside one of the city its own."""
    rows = [area("万州区"), area("从未有区", (1, 0, 1, 1))]
    assert set(why(areas_in(city, tmp_path, *rows, level="district")).values()) == {"area-elsewhere"}
    result = areas_in(city, tmp_path, *rows, area("西城区", (2, 0, 1, 1)), level="district", name="b")
    assert why(result) == {1: "area-elsewhere"}
    assert column(city, "areas", "name") == ["从未有区", "西城区"]


def test_a_district_of_another_city_of_the_province_is_doubted(tmp_path: Path) -> None:
    """A neighbour of the province is taken with a warning, one of the own city without."""
    with City.create(tmp_path / "city.gpkg", profile(area_code="440305")) as city:
        rows = [area("罗湖区"), area("惠城区", (1, 0, 1, 1), code="441302")]
        result = areas_in(city, tmp_path, *rows, level="district")
    assert balance(result) == (2, 0, 0, 0)
    assert "441302" in about(result, "area-other-city")[2]
    assert rules(result) == {"area-other-city": 1}


def test_areas_join_those_of_the_city(city: City, tmp_path: Path) -> None:
    """A neighbour may reach far beyond the city, and its own neighbour too; what lies apart is rejected."""
    areas_in(city, tmp_path, area("北新桥街道"), level="street", name="first")
    rows = [
        area("景山", (200, 0, 10, 10)),  # 17 km away
        area("东华门", (101, 0, 95, 10)),  # between them
        area("交道口", (5, 0, 100, 10)),
        area("安定门", (0, 300, 10, 10)),  # 33 km to the north
    ]
    result = areas_in(city, tmp_path, *rows, level="street", name="second")
    assert why(result) == {4: "outside-city"}
    assert balance(result) == (3, 0, 0, 1)


def test_districts_of_one_city_need_not_touch(city: City, tmp_path: Path) -> None:
    """In files of their own, in any order, by name or code; but one that is known stays where it is."""
    far = (900, 100, 10, 10)
    areas_in(city, tmp_path, area("东城区"), level="district", name="a")
    assert balance(areas_in(city, tmp_path, area("延庆区", far), level="district", name="b")) == (1, 0, 0, 0)
    street = area("张山营镇", (901, 101, 2, 2), code="110119101")
    assert balance(areas_in(city, tmp_path, street, level="street", name="c")) == (1, 0, 0, 0)
    moved = area("东城区", (0, 5000, 1, 1))
    assert why(areas_in(city, tmp_path, moved, level="district", name="d")) == {1: "outside-city"}


def test_a_city_outside_the_list_takes_districts_of_any_name(tmp_path: Path) -> None:
    """Where the city's own digits are in no province, neither names nor codes say where an area is."""
    with City.create(tmp_path / "city.gpkg", profile(area_code="990001")) as city:
        rows = [area("万州区"), area("West", (1, 0, 1, 1), code="110101")]
        assert balance(areas_in(city, tmp_path, *rows, level="district")) == (2, 0, 0, 0)


@pytest.mark.skipif(not COUNTIES.exists(), reason="needs the shapefile of the counties of Chongqing")
def test_the_counties_of_chongqing_are_no_districts_of_beijing(city: City, tmp_path: Path) -> None:
    """All 38 are rejected by their names in a new city, and in one that has areas; Chongqing takes all."""
    assert set(why(city.import_areas(COUNTIES, level="district")).values()) == {"area-elsewhere"}
    areas_in(city, tmp_path, area("东城区"), level="district")
    assert balance(city.import_areas(COUNTIES, level="district")) == (0, 0, 0, 38)
    assert set(why(city.import_areas(COUNTIES, level="street")).values()) == {"outside-city"}
    with City.create(tmp_path / "other.gpkg", profile(area_code="500101")) as other:
        assert balance(other.import_areas(COUNTIES, level="district")) == (38, 0, 0, 0)
