"""Import of duties: their places and polygons, and what is said about the table as a whole."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import openpyxl
import pandas
import pyogrio
import pytest
import shapely
import survey
from cli_city import gridcity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from survey import HAIYUNCANG, STREET, about, balance, contents, features, rules, square, table, why

from gridcity import City
from gridcity.errors import ReferenceSystemError
from gridcity.responsibility.tables import DutyTable, PartyTable, check_duties

CREDIT = "91350100M000100Y43"
LAMP = "1101010118000005"
OFFICE, DRAINS, PARKS = "北新桥街道办事处", "样例排水公司", "样例绿化公司"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city with areas, cells, three parties and one lamp; only to be copied."""
    folder = tmp_path_factory.mktemp("ready")
    city = survey.built(folder, survey.profile('[aliases]\n"北新"="北新桥"\n'))
    rows = [
        {"code": "", "name": OFFICE, "aliases": "街道办"},
        {"code": CREDIT, "name": DRAINS, "aliases": "样例排水集团"},
        {"code": "P-3", "name": PARKS, "aliases": ""},
    ]
    city.import_parties(table(folder / "parties.csv", rows))
    lamp = {"shape": survey.spot(0.5, 0.5), "class_name": "路灯", "code": LAMP, "initial_date": "2022-01-01"}
    city.import_components(features(folder / "lamps.geojson", [lamp]))
    return city


@pytest.fixture
def city(ready: City, tmp_path: Path) -> Iterator[City]:
    with survey.copied(ready, tmp_path / "city.gpkg") as opened:
        yield opened


DUTY = {
    "party_name": OFFICE,
    "role": "",
    "class_name": "",
    "condition": "",
    "place_code": "",
    "place_name": "",
    "since": "",
    "until": "",
    "priority": "",
    "note": "",
}


def duty(**more: str) -> dict[str, str]:
    return DUTY | more


def taken(city: City, folder: Path, *rows: dict[str, Any], **options: Any) -> Any:
    return city.import_duties(table(folder / "duties.csv", rows), **options)


def drawn(city: City, folder: Path, *rows: dict[str, Any], **options: Any) -> Any:
    return city.import_duties(features(folder / "duties.geojson", rows), **options)


def in_store(city: City, *fields: str) -> list[tuple[Any, ...]]:
    return city.store.rows("duties", fields)


# Places.


PLACES = [
    ({"place_code": "110000"}, "110000"),
    ({"place_code": "110100"}, "110100"),
    ({"place_code": LAMP}, LAMP),
    ({"place_code": "北新桥街道"}, STREET),
    ({"place_name": "北新桥街道"}, STREET),
    ({"place_name": " 北新桥　街道"}, STREET),
    ({"place_name": "北新"}, STREET),
    ({"place_name": "北新街道"}, STREET),
    ({"place_name": "海运仓社区"}, HAIYUNCANG),
    ({"place_name": "样例城"}, "110101"),
    ({"place_name": "东城区"}, "110101"),
    ({"place_code": HAIYUNCANG, "place_name": "北新桥街道"}, HAIYUNCANG),
    ({"place_code": HAIYUNCANG, "place_name": "某路口"}, HAIYUNCANG),
    ({"place_code": STREET, "place_name": "样例城"}, STREET),
    ({"place_code": LAMP, "place_name": "北新桥街道"}, LAMP),
]


@pytest.mark.parametrize(("said", "code"), PLACES)
def test_place_by_code_or_name(city: City, tmp_path: Path, said: dict[str, str], code: str) -> None:
    """A place is a code of the city, its wider six digits, a component, or an area's exact name or alias."""
    result = taken(city, tmp_path, duty(**said))
    assert (balance(result), rules(result)) == ((1, 0, 0, 0), {})
    assert in_store(city, "place_code", "place_name", "area_m2") == [(code, "", None)]


NO_PLACES = [
    ({"place_name": "海运仓"}, "place-unknown", "'海运仓' is no place of this city; nearest: 海运仓社区"),
    ({"place_code": "120000"}, "place-unknown", "'120000' is no place of this city; nearest: 110000"),
    ({"place_code": "1101010118000009"}, "place-unknown", "'1101010118000009' is no place of this city"),
    (
        {"place_code": HAIYUNCANG, "place_name": "北新仓社区"},
        "duty-two-places",
        f"the row names two places: {HAIYUNCANG} and 北新仓社区 (110101005002)",
    ),
    (
        {"place_code": "110100", "place_name": "北新桥街道"},
        "duty-two-places",
        f"the row names two places: 110100 and 北新桥街道 ({STREET})",
    ),
]


@pytest.mark.parametrize(("said", "rule", "message"), NO_PLACES)
def test_no_place(city: City, tmp_path: Path, said: dict[str, str], rule: str, message: str) -> None:
    """A place that is unknown, not there in time, or two, costs the row; likeness is only offered."""
    result = taken(city, tmp_path, duty(**said))
    assert why(result) == {1: rule}
    assert result.rejected[0].message == message


def test_a_name_of_two_places_names_both(city: City, tmp_path: Path) -> None:
    """A name that two areas have is rejected, and both are named."""
    shape = square(0, 2)
    twin = {"shape": shape, "code": f"{STREET}003", "name": "海运仓社区", "parent_code": STREET}
    city.import_areas(features(tmp_path / "twin.geojson", [twin]))
    result = taken(city, tmp_path, duty(place_name="海运仓社区"))
    assert about(result, "place-ambiguous") == {
        1: f"'海运仓社区' is the name of several places: 海运仓社区 ({HAIYUNCANG}), 海运仓社区 ({STREET}003)"
    }


def test_an_agreed_duty_for_another_class_is_named(city: City, tmp_path: Path) -> None:
    """A duty at a lamp's code for covers never answers; for lamps, in either edition, or for all it does."""
    rows = [
        duty(place_code=LAMP, class_name=name, since=f"2024-01-0{i}")
        for i, name in enumerate(("路灯", "0118", "", "雨水井盖", "暴露垃圾"), 1)
    ]
    rows[-1]["class_kind"] = "event"
    result = taken(city, tmp_path, *[{"class_kind": ""} | row for row in rows])
    assert balance(result) == (5, 0, 0, 0)
    assert about(result, "duty-other-class") == {
        4: f"the duty is for 雨水井盖, the component {LAMP} is a 路灯: it never answers",
        5: f"the duty is for 暴露垃圾, the component {LAMP} is a 路灯: it never answers",
    }


def test_a_lamp_that_is_gone_has_no_duty_any_more(city: City, tmp_path: Path) -> None:
    """A component is a place for duties that begin before its end, past ones too."""
    city.retire(LAMP, "2024-06-01")
    spans = (("2024-05-01", ""), ("2024-06-01", ""), ("", "2020-01-01"))
    rows = [duty(place_code=LAMP, since=since, until=until) for since, until in spans]
    result = taken(city, tmp_path, *rows)
    assert about(result, "place-unknown") == {
        2: f"'{LAMP}' is no place of this city any more: it ended on 2024-06-01"
    }
    assert balance(result) == (2, 0, 0, 1)


# Polygons.


def park(**more: Any) -> dict[str, Any]:
    return {"party_name": PARKS, "role": "养护", "shape": square(0.2, 0.2, 0.5, 0.5)} | more


def test_polygon_of_its_own(city: City, tmp_path: Path) -> None:
    """A polygon is stored as it lies, with its area and what it is called, and answers inside it only."""
    result = drawn(city, tmp_path, park(place_name="样例公园", note="合同"))
    assert (balance(result), rules(result)) == ((1, 0, 0, 0), {})
    ((code, name, note, size),) = in_store(city, "place_code", "place_name", "note", "area_m2")
    (shape,) = city.store.columns("duties", ("geom",))["geom"]
    assert (code, name, note, shape.geom_type) == ("", "样例公园", "合同", "MultiPolygon")
    assert shape.equals(square(0.2, 0.2, 0.5, 0.5))
    assert size == pytest.approx(0.25 * 85.5 * 111, rel=0.01)
    assert [i for i, _ in city.store.near("duties", survey_box(0.3, 0.3))] == [1]
    assert balance(drawn(city, tmp_path, park(place_name="样例公园", note="合同"))) == (0, 0, 1, 0)


def survey_box(column: float, row: float) -> Any:
    from gridcity.store.wkb import Box

    x, y = survey.spot(column, row).coords[0]
    return Box(x, y, x, y)


def test_a_code_no_place_has_is_the_polygons_own(city: City, tmp_path: Path) -> None:
    """The place code of a polygon is its own where the city has no such place."""
    assert balance(drawn(city, tmp_path, park(place_code="GY-7", place_name="样例公园"))) == (1, 0, 0, 0)
    assert in_store(city, "place_code", "place_name") == [("GY-7", "样例公园")]


def test_code_and_polygon_of_one_place(city: City, tmp_path: Path) -> None:
    """With a code of the city the code is the place; a polygon that is not that place's costs the row."""
    rows = [
        park(place_code=HAIYUNCANG, shape=square(0, 0, 1, 2)),
        park(place_code=HAIYUNCANG),
        park(place_code="110101"),
        park(place_code=LAMP),
        park(place_code="海运仓社区"),
    ]
    result = drawn(city, tmp_path, *rows)
    assert why(result) == dict.fromkeys((2, 3, 4, 5), "duty-two-places")
    assert in_store(city, "place_code", "area_m2") == [(HAIYUNCANG, None)]
    assert about(result, "duty-two-places")[2] == f"the row names two places: {HAIYUNCANG} and its polygon"


def test_border_drawn_again_is_the_same_place(city: City, tmp_path: Path) -> None:
    """A border that differs by less than a hundredth of the area is still that of its place."""
    near = [park(place_code=HAIYUNCANG, shape=square(0, 0, 1 + off, 2)) for off in (0.009, 0.011)]
    assert why(drawn(city, tmp_path, *near)) == {2: "duty-two-places"}


def test_shapes_that_are_no_polygon(city: City, tmp_path: Path) -> None:
    """Points and lines are refused, crossing rings too; --repair mends those."""
    bow = shapely.Polygon([survey.spot(*at).coords[0] for at in ((0, 0), (1, 1), (1, 0), (0, 1))])
    rows = [
        park(shape=survey.spot(0.5, 0.5)),
        park(shape=survey.path_line((0, 0), (1, 1))),
        park(shape=bow),
        park(shape=square(90, 90)),
        park(shape=None),
        park(shape=None, place_code=STREET),
    ]
    result = drawn(city, tmp_path, *rows)
    kinds = ("geometry-kind", "geometry-kind", "geometry-invalid", "outside-city", "geometry-missing")
    assert why(result) == dict(enumerate(kinds, 1))
    assert in_store(city, "place_code", "area_m2") == [(STREET, None)]
    assert "geometry-repaired" in rules(drawn(city, tmp_path, *rows, repair=True))


def test_identity_of_a_polygon(city: City, tmp_path: Path) -> None:
    """A named polygon may change its shape, which keeps the old one; a nameless one is its shape."""
    drawn(city, tmp_path, park(place_name="样例公园"), park(shape=square(1, 1, 0.5, 0.5)))
    wider = park(place_name="样例公园", shape=square(0.2, 0.2, 0.6, 0.5))
    assert balance(drawn(city, tmp_path, wider, park(shape=square(1, 1, 0.4, 0.4)))) == (1, 1, 0, 0)
    assert len(city.store.images("duties", 1)) == 2
    assert city.store.columns("duties", ("geom",), {"fid": 1})["geom"][0].equals(wider["shape"])


def test_key_identifies_a_polygon(city: City, tmp_path: Path) -> None:
    """With a key the polygon is known by it, which becomes its code."""
    assert balance(drawn(city, tmp_path, park(NO="7"), park(NO="8"), key="NO")) == (2, 0, 0, 0)
    moved = park(NO="7", shape=square(0.2, 0.2, 0.6, 0.5))
    assert balance(drawn(city, tmp_path, moved, key="NO")) == (0, 1, 0, 0)
    assert in_store(city, "place_code") == [("7",), ("8",)]


def test_reference_system_is_never_guessed(city: City, tmp_path: Path) -> None:
    """A table with polygons needs its reference system named; one without needs none."""
    rows = [{"party_name": PARKS, "wkt": square(0.2, 0.2, 0.5, 0.5).wkt}]
    with pytest.raises(ReferenceSystemError):
        taken(city, tmp_path, *rows)
    assert balance(taken(city, tmp_path, *rows, crs="EPSG:4490")) == (1, 0, 0, 0)
    assert in_store(city, "area_m2")[0][0] > 2000
    assert balance(taken(city, tmp_path, {"party_name": PARKS, "lng": "1", "lat": "2"})) == (1, 0, 0, 0)


def test_shifted_coordinates_are_brought_back(city: City, tmp_path: Path) -> None:
    """The datum of an import holds for polygons of duties too."""
    rows = [{"party_name": PARKS, "wkt": square(0.2, 0.2, 0.5, 0.5).wkt}]
    taken(city, tmp_path, *rows, datum="gcj02")
    (shape,) = city.store.columns("duties", ("geom",))["geom"]
    off = shapely.Point(shape.centroid).distance(square(0.2, 0.2, 0.5, 0.5).centroid)
    assert 0.003 < off < 0.01


# Equal content from every format.


MIXED = [
    duty(party_name=" 样例排水集团 ", class_name="雨水箅子", place_name="北新", since="2024-01-01"),
    duty(place_code=STREET),
    duty(party_name=PARKS, role="养护", place_name="样例公园", priority="2", note="合同"),
    duty(party_name=PARKS, class_name="路灯", place_code=LAMP, until="2030-01-01"),
]
SHAPES = [None, None, square(0.2, 0.2, 0.5, 0.5), None]


def written(folder: Path, form: str) -> tuple[Path, dict[str, Any]]:
    with_wkt = [row | {"wkt": shape.wkt if shape else ""} for row, shape in zip(MIXED, SHAPES, strict=True)]
    if form == "csv":
        return table(folder / "duties.csv", with_wkt), {"crs": "EPSG:4490"}
    if form == "xlsx":
        book = openpyxl.Workbook()
        book.active.append(list(with_wkt[0]))
        for row in with_wkt:
            book.active.append(list(row.values()))
        book.save(folder / "duties.xlsx")
        return folder / "duties.xlsx", {"crs": "EPSG:4490"}
    if form == "geojson":
        rows = [row | {"shape": shape} for row, shape in zip(MIXED, SHAPES, strict=True)]
        return features(folder / "duties.geojson", rows), {}
    frame = geopandas.GeoDataFrame(MIXED, geometry=SHAPES, crs=4490)
    path = folder / f"duties.{form}"
    frame.to_file(path, **({"encoding": "UTF-8"} if form == "shp" else {}))
    return path, {}


def test_every_format_gives_equal_tables(ready: City, tmp_path: Path) -> None:
    """The same duties as CSV, Excel, GeoJSON, GeoPackage and shapefile are the same table, twice the same."""
    stored = {}
    for form in ("csv", "xlsx", "geojson", "gpkg", "shp"):
        folder = tmp_path / form
        folder.mkdir()
        path, options = written(folder, form)
        with survey.copied(ready, folder / "city.gpkg") as city:
            assert balance(city.import_duties(path, **options)) == (4, 0, 0, 0), form
            assert balance(city.import_duties(path, **options)) == (0, 0, 4, 0), form
            columns = (*DUTY_COLUMNS, "area_m2")
            shapes = city.store.columns("duties", ("geom",))["geom"]
            stored[form] = (city.store.rows("duties", columns), shapely.to_wkb(shapely.normalize(shapes)))
    for form, (rows, shapes) in stored.items():
        assert rows == stored["csv"][0], form
        assert shapes.tolist() == stored["csv"][1].tolist(), form


DUTY_COLUMNS = (
    *("party_code", "party_name", "role", "class_kind", "class_code", "class_name", "edition", "condition"),
    *("place_code", "place_name", "since", "until", "priority", "note"),
)


def test_a_geopackage_without_shapes_is_a_table(city: City, tmp_path: Path) -> None:
    """A GeoPackage of attributes alone, and a table whose column of WKT is empty, need no system."""
    path = tmp_path / "duties.gpkg"
    pyogrio.write_dataframe(pandas.DataFrame([duty(place_code=STREET)]), path, layer="duties")
    assert balance(city.import_duties(path)) == (1, 0, 0, 0)
    assert balance(taken(city, tmp_path, duty(place_code=STREET) | {"wkt": ""})) == (0, 0, 1, 0)


def test_separators_in_texts_are_texts(city: City, tmp_path: Path) -> None:
    """Control characters in names cost their rows and nothing else."""
    rows = [duty(party_name="样例\x1f公司"), duty(class_name="路\x1f灯"), duty(place_name="东\x1f四")]
    result = taken(city, tmp_path, *rows)
    assert why(result) == {1: "party-unknown", 2: "class-unknown", 3: "place-unknown"}


def test_the_command_line_takes_polygons(ready: City, tmp_path: Path) -> None:
    """`gridcity import duties` has the options that polygons need, and keeps what it rejects."""
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        path = city.path
    rows = [
        {"party_name": PARKS, "NO": no, "geometry": shape.wkt}
        for no, shape in (("7", square(0.2, 0.2, 0.5, 0.5)), ("8", square(90, 90)))
    ]
    parks, rejects = table(tmp_path / "parks.csv", rows), tmp_path / "rejects.csv"
    asked = ("import", "duties", parks, "--city", path, "--key", "NO", "--repair", "--rejects", rejects)
    refused = gridcity(*asked)
    assert (refused.exit_code, "--crs" in refused.stderr) == (3, True)
    assert gridcity(*asked, "--crs", "EPSG:4490").exit_code == 1
    assert "outside-city" in rejects.read_text("utf-8")
    with City.open(path) as city:
        assert in_store(city, "place_code", "party_code") == [("7", "P-3")]


@pytest.mark.parametrize("shape", ["POLYGON EMPTY", "MULTIPOLYGON EMPTY"])
def test_a_lost_polygon_is_not_the_whole_city(city: City, tmp_path: Path, shape: str) -> None:
    """Where no row of a layer has its polygon, none of them is for the whole city."""
    row = {"party_name": PARKS, "wkt": shape}
    assert why(taken(city, tmp_path, row, crs="EPSG:4490")) == {1: "geometry-missing"}
    assert why(drawn(city, tmp_path, park(shape=None))) == {1: "geometry-missing"}


# Kinds and priorities.


@pytest.mark.parametrize("priority", ["1.0", "²", "9" * 20, "9" * 5000, "--1"])
def test_priority_is_a_whole_number(city: City, tmp_path: Path, priority: str) -> None:
    """What is no whole number that the store can hold costs its row and nothing else."""
    result = taken(city, tmp_path, duty(priority=priority), duty(priority="-3", place_code=STREET))
    assert why(result) == {1: "number-malformed"}
    assert in_store(city, "priority") == [(-3,)]


def test_kinds_of_classes(city: City, tmp_path: Path) -> None:
    """A kind counts in any case of letters; one that is none costs the row, with a class and without."""
    rows = [
        duty(class_name="路灯", class_kind="Component"),
        duty(class_name="路灯", class_kind="设施"),
        duty(class_kind="设施"),
    ]
    result = taken(city, tmp_path, *rows)
    assert why(result) == {2: "class-unknown", 3: "class-unknown"}
    assert about(result, "class-unknown")[2].startswith("'设施 路灯' is no class of")


# Parties of duties.


def test_unknown_party_names_the_nearest(city: City, tmp_path: Path) -> None:
    """Likeness to a name, an alias or a code is offered and never applied."""
    rows = [duty(party_name=name) for name in ("样例排水集", "北新桥街办事处", "完全不同")]
    result = taken(city, tmp_path, *rows)
    assert about(result, "party-unknown") == {
        1: "'样例排水集' is no party of this city; nearest: 样例排水集团, 样例排水公司",
        2: f"'北新桥街办事处' is no party of this city; nearest: {OFFICE}",
        3: "'完全不同' is no party of this city",
    }


@pytest.mark.parametrize("name", [" 样例排水公司", "样例　排水公司", "样例排水集团 ", "样例排水 集团"])
def test_padding_changes_no_name(city: City, tmp_path: Path, name: str) -> None:
    """Blanks in a name, full-width ones too, are not part of it."""
    assert balance(taken(city, tmp_path, duty(party_name=name))) == (1, 0, 0, 0)
    assert in_store(city, "party_code") == [(CREDIT,)]


def test_a_name_of_two_parties_needs_a_code(city: City, tmp_path: Path) -> None:
    """A name that two parties have together is refused; of two that follow each other the period tells."""
    rows = [
        {"code": "S-1", "name": "分公司", "aliases": "", "since": "2020-01-01", "until": "2022-01-01"},
        {"code": "S-2", "name": "分公司", "aliases": "", "since": "2022-01-01", "until": ""},
        {"code": "T-1", "name": "甲站", "aliases": "站", "since": "", "until": ""},
        {"code": "T-2", "name": "乙站", "aliases": "站", "since": "", "until": ""},
    ]
    result = city.import_parties(table(tmp_path / "parties.csv", rows))
    assert about(result, "party-name-shared") == {
        3: "'站' is a name or alias of 乙站 (row 4) too, valid at the same time",
        4: "'站' is a name or alias of 甲站 (row 3) too, valid at the same time",
    }
    rows = [
        duty(party_name="分公司", since="2020-06-01", until="2021-01-01"),
        duty(party_name="分公司", since="2023-01-01"),
        duty(party_name="分公司", since="2021-01-01"),
        duty(party_name="站"),
    ]
    result = taken(city, tmp_path, *rows)
    assert about(result, "party-ambiguous") == {
        4: "'站' names several parties that are valid together: 乙站 (T-2), 甲站 (T-1)"
    }
    assert in_store(city, "party_code", "party_name") == [
        ("S-1", "分公司"),
        ("S-2", "分公司"),
        ("", "分公司"),
    ]


def test_a_party_that_received_a_code_keeps_its_duties(city: City, tmp_path: Path) -> None:
    """A duty is the same after its party was given a code."""
    taken(city, tmp_path, duty(place_code=STREET))
    rows = [{"code": "B-7", "name": OFFICE, "aliases": "街道办"}]
    city.import_parties(table(tmp_path / "parties.csv", rows))
    assert balance(taken(city, tmp_path, duty(place_code=STREET))) == (0, 1, 0, 0)
    assert balance(taken(city, tmp_path, duty(place_code=STREET))) == (0, 0, 1, 0)
    assert in_store(city, "party_code") == [("B-7",)]


# Conditions.


def test_conditions_make_two_duties(city: City, tmp_path: Path) -> None:
    """Condition and note are stored; a condition makes another duty, and needs a class."""
    rows = [
        duty(class_name="路灯", condition="灯杆  倾斜", note="协议 7 号"),
        duty(class_name="路灯", condition="灯不亮"),
        duty(condition="灯不亮"),
    ]
    result = taken(city, tmp_path, *rows)
    assert why(result) == {3: "duty-condition"}
    assert in_store(city, "condition", "note") == [("灯杆 倾斜", "协议 7 号"), ("灯不亮", "")]


# Overlaps, gaps and periods.


def lamps(**more: str) -> dict[str, str]:
    return duty(**({"class_name": "路灯", "place_code": STREET} | more))


def test_two_parties_at_once(city: City, tmp_path: Path) -> None:
    """Two parties with one duty on common days are named with those days, each at its own row."""
    rows = [
        lamps(party_name=DRAINS, since="2023-01-01", until="2024-07-01"),
        lamps(party_name=PARKS, since="2024-01-01"),
        lamps(party_name=OFFICE, since="2022-01-01", until="2023-01-01"),
    ]
    result = taken(city, tmp_path, *rows)
    assert rules(result) == {"duty-overlap": 2}
    assert about(result, "duty-overlap") == {
        1: f"{PARKS} (row 2) has the same duty from 2024-01-01 to 2024-07-01: two answer at once",
        2: f"{DRAINS} (row 1) has the same duty from 2024-01-01 to 2024-07-01: two answer at once",
    }


@pytest.mark.parametrize(
    "apart",
    [
        {"place_code": HAIYUNCANG},
        {"class_name": "雨水箅子"},
        {"class_name": ""},
        {"condition": "灯不亮"},
        {"role": "养护"},
        {"priority": "2"},
        {"party_name": OFFICE, "since": "2022-01-01"},
        {"since": "2025-01-01"},
    ],
)
def test_what_is_no_overlap(city: City, tmp_path: Path, apart: dict[str, str]) -> None:
    """Another place, class, condition, role or priority, the same party, or other days: one answers."""
    one = lamps(since="2023-01-01", until="2025-01-01")
    result = taken(city, tmp_path, one, lamps(party_name=PARKS, since="2024-01-01") | apart)
    assert balance(result) == (2, 0, 0, 0)
    assert "duty-overlap" not in rules(result)


def test_overlap_with_what_the_city_has(city: City, tmp_path: Path) -> None:
    """The file is held against the duties of the city; what it does not touch is not told again."""
    taken(city, tmp_path, lamps(), lamps(party_name=DRAINS, priority="1"))
    result = taken(city, tmp_path, lamps(party_name=PARKS), duty(place_code=HAIYUNCANG))
    assert about(result, "duty-overlap") == {
        1: f"{OFFICE} (in the city) has the same duty from the beginning on: two answer at once"
    }
    same = taken(city, tmp_path, lamps())
    assert about(same, "duty-overlap") == {
        1: f"{PARKS} (in the city) has the same duty from the beginning on: two answer at once"
    }


def test_a_class_of_two_editions_is_one(city: City, tmp_path: Path) -> None:
    """Duties for one class under its codes of two editions are for the same class."""
    rows = [lamps(), lamps(party_name=PARKS, class_code="0118", class_name="")]
    rows = [{"class_code": ""} | row for row in rows]
    assert rules(taken(city, tmp_path, *rows)) == {"duty-overlap": 2}


def test_one_polygon_is_one_place(city: City, tmp_path: Path) -> None:
    """Two parties in one polygon overlap, wherever its ring begins; in two polygons they do not."""
    same = shapely.Polygon(np.roll(np.array(park()["shape"].exterior.coords)[:-1], 1, axis=0))
    rows = [
        park(),
        park(party_name=DRAINS, shape=same),
        park(party_name=OFFICE, shape=square(1, 1, 0.5, 0.5)),
    ]
    result = drawn(city, tmp_path, *rows)
    assert sorted(about(result, "duty-overlap")) == [1, 2]


def test_days_on_which_nobody_answers(city: City, tmp_path: Path) -> None:
    """Between the end of a duty and the next one of its kind nobody answers: from and to are named."""
    rows = [
        lamps(party_name=DRAINS, until="2023-12-31"),
        lamps(party_name=PARKS, since="2024-01-01"),
        duty(class_name="雨水箅子", until="2024-01-01"),
        duty(class_name="雨水箅子", party_name=PARKS, since="2024-01-01"),
        duty(class_name="行道树", until="2025-01-01"),
        duty(class_name="行道树", party_name=PARKS, since="2023-01-01", until="2023-06-01", priority="1"),
    ]
    result = taken(city, tmp_path, *rows)
    assert rules(result) == {"duty-gap": 1}
    assert about(result, "duty-gap") == {
        2: "by this duty nobody answers from 2023-12-31 to 2024-01-01: "
        f"{DRAINS} (row 1) ends before {PARKS} (row 2) begins"
    }


def test_a_gap_before_what_the_city_has(city: City, tmp_path: Path) -> None:
    """A gap is told at the row of the file, also where the city's duty is the later one."""
    taken(city, tmp_path, lamps(since="2025-01-01"))
    (finding,) = taken(city, tmp_path, lamps(party_name=PARKS, until="2024-01-01")).findings
    assert (finding.rule, finding.row, finding.field, finding.value) == (
        *("duty-gap", 1, "until"),
        "2024-01-01 to 2025-01-01",
    )


def test_a_duty_of_an_absent_party(city: City, tmp_path: Path) -> None:
    """A duty beyond the days of its party is told, and counts for overlaps and gaps on common days only."""
    rows = [{"code": "E-1", "name": "旧站", "aliases": "", "since": "2020-01-01", "until": "2022-01-01"}]
    city.import_parties(table(tmp_path / "parties.csv", rows))
    rows = [
        lamps(party_name="旧站"),
        lamps(party_name=PARKS, since="2023-01-01"),
        duty(party_name="旧站", since="2019-01-01", until="2021-01-01"),
        duty(party_name="旧站", class_name="雨水箅子", until="2022-01-01"),
    ]
    result = taken(city, tmp_path, *rows)
    assert about(result, "duty-party-period") == {
        1: "the duty holds from the beginning on, on days on which 旧站 is not valid "
        "(from 2020-01-01 to 2022-01-01): then it does not answer",
        3: "the duty holds from 2019-01-01 to 2021-01-01, on days on which 旧站 is not valid "
        "(from 2020-01-01 to 2022-01-01): then it does not answer",
    }
    assert about(result, "duty-gap") == {
        2: "by this duty nobody answers from 2022-01-01 to 2023-01-01: "
        f"旧站 (row 1) ends before {PARKS} (row 2) begins"
    }
    assert "duty-overlap" not in rules(result)


# Parties.


def test_parents_and_names(city: City, tmp_path: Path) -> None:
    """Unknown parents, parents that lead back, and aliases that are the name itself."""
    rows = [
        {"code": "A", "name": "甲", "aliases": "甲 ;乙方；无;乙方", "parent_code": "B"},
        {"code": "B", "name": "乙", "aliases": "", "parent_code": "A"},
        {"code": "C", "name": "丙", "aliases": "", "parent_code": "B"},
        {"code": "D", "name": "丁", "aliases": "", "parent_code": "Z"},
        {"code": "E", "name": "戊", "aliases": "", "parent_code": CREDIT},
        {"code": "F", "name": "己", "aliases": "样例 排水集团", "parent_code": "F"},
    ]
    result = city.import_parties(table(tmp_path / "parties.csv", rows))
    assert about(result, "party-parent-unknown") == {
        4: "no party of this city has the code 'Z' of the parent"
    }
    assert about(result, "party-parent-cycle") == {
        1: "the party is its own parent: A → B → A",
        2: "the party is its own parent: B → A → B",
        6: "the party is its own parent: F → F",
    }
    assert about(result, "party-name-shared") == {
        6: "'样例 排水集团' is a name or alias of 样例排水公司 (in the city) too, valid at the same time"
    }
    assert [row[0] for row in city.store.rows("parties", ("aliases",))][3] == "乙方"


def test_blanks_make_no_second_party(city: City, tmp_path: Path) -> None:
    """A party without a code is known by its name, whatever blanks stand in it."""
    result = city.import_parties(table(tmp_path / "parties.csv", [{"name": "北新桥　街道办事处"}]))
    assert balance(result)[0] == 0


# Properties.


def overlapping(spans: list[tuple[int, str, str, str]]) -> set[int]:
    """The rows that share a day with one of another party, found pair by pair."""
    found = set()
    for i, (_, party, since, until) in enumerate(spans):
        for _, other, begin, end in spans:
            if party != other and since < (end or "9") and begin < (until or "9"):
                found.add(i)
    return found


DAYS = [f"2024-01-0{n}" for n in range(1, 8)]
SPANS = st.tuples(
    st.integers(0, 1), st.sampled_from("ABC"), st.sampled_from(["", *DAYS]), st.sampled_from(["", *DAYS])
).filter(lambda span: not span[3] or span[2] < span[3])


@settings(max_examples=200, deadline=None)
@given(st.lists(SPANS, min_size=1, max_size=7, unique=True))
def test_overlaps_and_gaps_are_those_of_pairs_and_days(spans: list[tuple[int, str, str, str]]) -> None:
    """A duty is told exactly where another party shares a day, a gap exactly where days are left between."""
    n = len(spans)
    texts = {name: np.full(n, "", dtype=object) for name in ("party_name", "role", "condition", "klass")}
    columns = dict(
        zip(("place", "party_code", "since", "until"), np.array(spans, dtype=object).T, strict=True)
    )
    columns["place"] = columns["place"].astype(str).astype(object)
    rows, marks = np.arange(n), np.full(n, "", dtype=object)
    nobody = [np.empty(0, dtype=object)] * 7
    found = check_duties(
        DutyTable(rows=rows, marks=marks, priority=np.zeros(n, dtype=np.int64), **texts, **columns),
        PartyTable(np.empty(0, dtype=np.int64), *nobody),
    )
    gaps = 0
    for place in (0, 1):
        at = [i for i, span in enumerate(spans) if span[0] == place]
        told = {f.row for f in found if f.rule == "duty-overlap" and f.row in at}
        assert told == {at[i] for i in overlapping([spans[i] for i in at])}
        held = [any(spans[i][2] <= day < (spans[i][3] or "9") for i in at) for day in ["", *DAYS, "3"]]
        runs = "".join("x" if one else " " for one in held).strip()
        gaps += len(runs.split()) - 1 if runs else 0
    assert found.counts().get("duty-gap", 0) == gaps


DUTY_ROWS = st.fixed_dictionaries(
    {
        "party_name": st.sampled_from([OFFICE, "样例 排水集团", PARKS, "谁"]),
        "class_name": st.sampled_from(["", "路灯", "没有此类"]),
        "condition": st.sampled_from(["", "", "灯不亮"]),
        "place_name": st.sampled_from(["", "北新", "海运仓", "样例公园"]),
        "since": st.sampled_from(["", "2024-01-01", "2024-03-01"]),
        "until": st.sampled_from(["", "2024-02-01", "2025-01-01"]),
        "priority": st.sampled_from(["", "1"]),
        "shape": st.sampled_from([None, square(0.2, 0.2, 0.5, 0.5), square(1, 1, 0.5, 0.5)]),
    }
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DUTY_ROWS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_row_order_does_not_matter(
    ready: City, tmp_path: Path, given_rows: list[dict[str, Any]], chance: random.Random
) -> None:
    """The order of the rows of a file changes neither findings nor stored content."""
    order = list(range(len(given_rows)))
    chance.shuffle(order)
    outcomes = []
    for rows, number in (
        (given_rows, {i + 1: i for i in order}),
        ([given_rows[i] for i in order], {at + 1: i for at, i in enumerate(order)}),
    ):
        with survey.copied(ready, tmp_path / "city.gpkg") as city:
            result = drawn(city, tmp_path, *rows)
            named = {
                (f.rule, content(given_rows[number[f.row]]) if f.row else None, f.field, f.value)
                for f in result.findings
                if f.rule != "duplicate-identical"
            }
            stored = sorted(map(str, (row[1:] for row in contents(city, "duties"))))
            outcomes.append((balance(result), named, stored))
            assert balance(drawn(city, tmp_path, *rows))[:2] == (0, 0)
    assert outcomes[0] == outcomes[1]


def content(row: dict[str, Any]) -> str:
    return str(row | {"shape": row["shape"] and row["shape"].wkt})
