"""Import of components: balance, identity, codes, classes, cells."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import shapely
import survey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from survey import (
    HAIYUNCANG,
    MIDDLE,
    NEW,
    OLD,
    about,
    balance,
    city,
    column,
    contents,
    digest,
    features,
    path_line,
    profile,
    ready,
    rules,
    spot,
    square,
    why,
)

from gridcity import City
from gridcity.city import UnlistedAreaWarning
from gridcity.errors import ArgumentError, ReferenceSystemError
from gridcity.intake.mapping import Mapping
from gridcity.model import Receipt

__all__ = ["city", "ready"]

LAMP, GRATE = "路灯", "雨水箅子"  # 01037 and 01004 in 2026, 0118 and 0104 in 2007
PARTY = {"maintainer_name": "样例排水公司"}
QUIET = {"state": "完好", "initial_date": "20240301", **PARTY}


def lamp(column: float = 0.5, row: float = 0.5, **more: Any) -> dict[str, Any]:
    return {"shape": spot(column, row), "class_name": LAMP, **QUIET, **more}


def rows_in(city: City, folder: Path, *rows: dict[str, Any], name: str = "rows", **options: Any) -> Any:
    return city.import_components(features(folder / f"{name}.geojson", rows), **options)


# What every import owes: the balance.

GOOD_CODES = ["", "", "11010101037000005", "11010101037000007", "1101010118000003"]
BAD_CODES = ["110101O1037000005", "123", "１１０１０１０１０３７００００１", "11010101037000000"]


@st.composite
def defective_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Small surveys in which every rule that costs a row is broken now and then."""
    shapes: list[Any] = [spot(0.5, 0.5), spot(1.5, 0.5), spot(0.5, 1.5), square(0.2, 0.2, 1, 0.3)]
    rare = [None, spot(500, 500), shapely.Point(), path_line((0.1, 0.1), (1.8, 0.1))]
    row = st.fixed_dictionaries(
        {
            "shape": st.sampled_from(shapes * 3 + rare),
            "class_name": st.sampled_from([LAMP] * 4 + [GRATE, GRATE, "没有此类", ""]),
            "code": st.sampled_from(GOOD_CODES * 2 + BAD_CODES),
            "id": st.sampled_from(["", "", "a", "b"]),
            "state": st.sampled_from(["完好"] * 6 + ["", "在天上"]),
            "initial_date": st.sampled_from(["20240301"] * 6 + ["", "20241301", "29990101"]),
            "changed_date": st.sampled_from([""] * 6 + ["2024-05-05", "20200101", "2024-02-30"]),
            "note": st.sampled_from(["", "", "重"]),
        }
    )
    return draw(st.lists(row, min_size=0, max_size=7))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(defective_rows(), st.booleans(), st.randoms(use_true_random=False))
def test_balance_holds_for_every_survey(
    ready: City, tmp_path: Path, rows: list[dict[str, Any]], keyed: bool, chance: random.Random
) -> None:
    """read = added + changed + unchanged + rejected; twice changes nothing; order decides no rejection."""
    options: dict[str, Any] = {"key": "id"} if keyed and rows else {}
    path = features(tmp_path / "rows.geojson", rows)
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        first = city.import_components(path, **options)
        added, changed, _, _ = balance(first)
        assert (added, changed) == (len(city.store.rows("components", ("fid",))), 0)
        before = contents(city, "components")
        second = city.import_components(path, **options)
        assert balance(second)[:2] == (0, 0)
        assert why(second) == why(first)
        assert contents(city, "components") == before
    order = list(range(len(rows)))
    chance.shuffle(order)
    shuffled = features(tmp_path / "shuffled.geojson", [rows[i] for i in order])
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        other = city.import_components(shuffled, **options)
        assert balance(other)[0] == added
        assert {order[row - 1] + 1: rule for row, rule in why(other).items()} == why(first)


def test_empty_survey_is_balanced(city: City, tmp_path: Path) -> None:
    """A file without a row leaves a receipt with an even balance and nothing else."""
    result = rows_in(city, tmp_path)
    assert balance(result) == (0, 0, 0, 0)
    assert city.summary()["components"] == 0


PLANTED = [
    ({"shape": None}, "geometry-missing", "geometry"),
    ({"shape": shapely.Point()}, "geometry-missing", "geometry"),
    ({"shape": shapely.MultiPoint([spot(0.1, 0.1), spot(0.2, 0.2)])}, "geometry-kind", "geometry"),
    ({"shape": shapely.GeometryCollection([spot(0.1, 0.1)])}, "geometry-kind", "geometry"),
    (
        {"shape": shapely.Polygon([spot(0, 0), spot(0.5, 0.5), spot(0.5, 0), spot(0, 0.5)])},
        "geometry-invalid",
        "geometry",
    ),
    ({"shape": spot(30, 0.5)}, "outside-city", "geometry"),
    ({"shape": shapely.Point(39.93, 116.41)}, "outside-city", "geometry"),
    ({"shape": shapely.Point(0, 0)}, "outside-city", "geometry"),
    ({"class_name": "没有此类"}, "class-unknown", "class_code"),
    ({"class_name": ""}, "class-missing", "class_code"),
    ({"state": "在天上"}, "state-unknown", "state"),
    ({"initial_date": "20241301"}, "date-malformed", "initial_date"),
    ({"initial_date": "2023-02-30"}, "date-malformed", "initial_date"),
    ({"initial_date": "00010101"}, "date-malformed", "initial_date"),
    ({"initial_date": "45292"}, "date-malformed", "initial_date"),
    ({"initial_date": "2999-01-01"}, "date-future", "initial_date"),
    ({"changed_date": "20200101"}, "date-order", "changed_date"),
    ({"code": "1101010103700000"}, "class-unknown", "class_code"),
    ({"code": "110101O1037000001"}, "code-malformed", "code"),
    ({"code": "１１０１０１０１０３７００００１"}, "code-malformed", "code"),
    ({"code": "1.10101E+16"}, "code-malformed", "code"),
    ({"code": "110101010370001"}, "code-malformed", "code"),
    ({"code": "11010101037000000"}, "code-malformed", "code"),
]


@pytest.mark.parametrize(("defect", "rule", "field"), PLANTED, ids=lambda value: str(value)[:40])
def test_one_defect_costs_one_row(
    city: City, tmp_path: Path, defect: dict[str, Any], rule: str, field: str
) -> None:
    """A row with one defect is rejected by its rule, the rows beside it are taken."""
    if "code" in defect and rule == "class-unknown":
        defect = {**defect, "class_name": "", "code": "1101010198000001"}
    result = rows_in(city, tmp_path, lamp(0.3), lamp(0.5) | defect, lamp(0.7))
    assert balance(result) == (2, 0, 0, 1)
    (row,) = result.rejected
    assert (row.row, row.rule, row.field) == (2, rule, field)


def test_rejected_row_is_kept_whole(city: City, tmp_path: Path) -> None:
    """A rejected row stands in the result and in the store with rule, place, value, hint and whole record."""
    result = rows_in(city, tmp_path, lamp(), lamp(0.6, state="=HYPERLINK(1)", 备用="'); DROP TABLE x"))
    assert balance(result) == (1, 0, 0, 1)
    (row,) = result.rejected
    assert (row.row, row.rule, row.field, row.value) == (2, "state-unknown", "state", "=HYPERLINK(1)")
    assert row.message == "'=HYPERLINK(1)' is no state; possible: 完好, 破损, 丢失, 废弃, 移除"
    assert row.hint == "Correct the state, or translate it in the mapping under [values.state]."
    assert row.record == {
        "class_name": LAMP,
        "state": "=HYPERLINK(1)",
        "initial_date": "20240301",
        "maintainer_name": "样例排水公司",
        "备用": "'); DROP TABLE x",
        "geometry": "POINT (116.4106 39.9305)",
    }
    where = {"receipt": result.receipt.id}
    ((number, record),) = city.store.rows("rejected_rows", ("row", "record"), where)
    assert (number, json.loads(record)) == (2, row.record)
    names = ("rule", "severity", "row", "field", "value", "message", "hint")
    stored = city.store.rows("findings", names, where | {"severity": "error"})
    assert stored == [(row.rule, "error", 2, row.field, row.value, row.message, row.hint)]


def test_row_with_two_defects_is_rejected_once(city: City, tmp_path: Path) -> None:
    """A row that breaks two rules of dates is one rejected row with two findings."""
    result = rows_in(city, tmp_path, lamp(initial_date="2999-01-01", changed_date="2024-01-01"))
    assert balance(result) == (0, 0, 0, 1)
    assert rules(result) == {"date-future": 1, "date-order": 1}
    assert result.rejected[0].rule == "date-future"


def test_dry_run_is_the_same_and_writes_nothing(city: City, tmp_path: Path) -> None:
    """A dry run returns the import that follows, but for its identity, and leaves every byte of the file."""
    rows = [lamp(), lamp(0.6, state="??"), lamp(0.7, code="11010101037000009")]
    before = digest(city.path)
    dry = rows_in(city, tmp_path, *rows, dry_run=True)
    assert digest(city.path) == before
    assert dry.receipt.dry_run
    wet = rows_in(city, tmp_path, *rows)

    def plain(receipt: Receipt) -> Receipt:
        return receipt._replace(id=0, at="", options="", dry_run=False)

    assert plain(dry.receipt) == plain(wet.receipt)
    assert (dry.rejected, dry.matched) == (wet.rejected, wet.matched)
    assert list(dry.findings) == list(wet.findings)
    assert balance(wet) == (2, 0, 0, 1)


def test_receipt_says_what_was_read(city: City, tmp_path: Path) -> None:
    """The receipt names file, layer, checksum, reference system, datum, encoding and options."""
    path = features(tmp_path / "rows.geojson", [lamp()])
    receipt = city.import_components(path, datum="gcj02").receipt
    assert (receipt.kind, receipt.source, receipt.layer) == ("components", "rows.geojson", "rows")
    assert receipt.sha256 == digest(path)
    assert (receipt.datum, receipt.encoding.lower()) == ("gcj02", "utf-8")
    assert json.loads(receipt.options) == {"datum": "gcj02"}
    ((stored,),) = city.store.rows("receipts", ("sha256",), {"fid": receipt.id})
    assert stored == receipt.sha256


def test_refused_file_leaves_nothing(city: City, tmp_path: Path) -> None:
    """A file that is refused as a whole leaves no byte changed: no receipt, no finding, no row."""
    before = digest(city.path)
    path = survey.table(tmp_path / "rows.csv", [{"lng": 116.4105, "lat": 39.9305, "class_name": LAMP}])
    with pytest.raises(ReferenceSystemError):
        city.import_components(path, x="lng", y="lat")
    with pytest.raises(ArgumentError) as caught:
        rows_in(city, tmp_path, lamp(), class_text="路灯灯灯")
    assert "路灯" in str(caught.value.hint)
    assert digest(city.path) == before


def test_surveyors_shapefile_is_taken(city: City, tmp_path: Path) -> None:
    """A GBK shapefile without .cpg, with national field names, becomes components with right text."""
    from pyproj import CRS

    wkt = CRS.from_epsg(4490).to_wkt("WKT1_ESRI")
    rows = [{"shape": spot(0.5, 0.5), "OBJNAME": LAMP, "DEPTNAME3": "样例路灯管理处", "OBJSTATE": "完好"}]
    result = city.import_components(survey.shapefile(tmp_path / "lamps.shp", rows, wkt))
    assert balance(result) == (1, 0, 0, 0)
    assert column(city, "components", "maintainer_name") == ["样例路灯管理处"]
    assert result.receipt.encoding.lower().startswith("gb")


# Which row is which object.


def test_code_identifies_a_component_that_moved(city: City, tmp_path: Path) -> None:
    """A component with its own code keeps its id wherever it is delivered; the old state is history."""
    rows_in(city, tmp_path, lamp(0.5, 0.5, code="11010101037000009"))
    result = rows_in(city, tmp_path, lamp(1.5, 1.5, code="11010101037000009"))
    assert balance(result) == (0, 1, 0, 0)
    assert column(city, "components", "fid") == [1]
    (place,) = city.store.columns("components", ("geom",))["geom"]
    assert place.equals(spot(1.5, 1.5))
    assert city.store.rows("history", ("table_name", "object_id")) == [("components", 1)]


def test_key_identifies_within_its_class(city: City, tmp_path: Path) -> None:
    """One key in two classes is two components; a moved row with its key is the same one."""
    first = rows_in(city, tmp_path, lamp(id="7"), lamp(class_name=GRATE, id="7"), key="id")
    assert balance(first) == (2, 0, 0, 0)
    second = rows_in(city, tmp_path, lamp(1.5, id="7"), key="id")
    assert balance(second) == (0, 1, 0, 0)
    assert column(city, "components", "key") == ["id=7", "id=7"]


def test_one_number_in_two_columns_is_two_objects(city: City, tmp_path: Path) -> None:
    """OBJECTID 7 of one file and LITTERID 7 of another are two components, each known by its own column."""
    one, other = lamp(0.3, OBJECTID="7"), lamp(0.6, LITTERID="7")
    assert balance(rows_in(city, tmp_path, one, key="OBJECTID")) == (1, 0, 0, 0)
    assert balance(rows_in(city, tmp_path, other, key="LITTERID")) == (1, 0, 0, 0)
    assert column(city, "components", "key") == ["OBJECTID=7", "LITTERID=7"]
    assert balance(rows_in(city, tmp_path, lamp(0.31, OBJECTID="7"), key="OBJECTID")) == (0, 1, 0, 0)


def test_exact_geometry_identifies_within_its_class(city: City, tmp_path: Path) -> None:
    """Without code and key the place decides: the same place is the same lamp, a hair off another."""
    assert balance(rows_in(city, tmp_path, lamp(), lamp(class_name=GRATE))) == (2, 0, 0, 0)
    assert balance(rows_in(city, tmp_path, lamp(state="破损"))) == (0, 1, 0, 0)
    assert balance(rows_in(city, tmp_path, lamp(0.50001))) == (1, 0, 0, 0)
    assert column(city, "components", "state") == ["破损", "完好", "完好"]


def test_key_that_comes_later_is_received(city: City, tmp_path: Path) -> None:
    """A survey first read without and then with its key is the same survey, and keeps the key afterwards."""
    rows = [lamp(id="a"), lamp(0.6, id="b")]
    rows_in(city, tmp_path, *rows)
    result = rows_in(city, tmp_path, *rows, key="id")
    assert balance(result) == (0, 2, 0, 0)
    assert column(city, "components", "key") == ["id=a", "id=b"]
    assert balance(rows_in(city, tmp_path, *rows)) == (0, 0, 2, 0)
    assert column(city, "components", "key") == ["id=a", "id=b"]


def test_identical_rows_collapse(city: City, tmp_path: Path) -> None:
    """Rows that repeat another are taken once and counted as unchanged and collapsed."""
    result = rows_in(city, tmp_path, lamp(), lamp(), lamp(0.6), lamp())
    assert balance(result) == (2, 0, 2, 0)
    assert result.receipt.collapsed == 2
    assert about(result, "duplicate-identical") == {
        2: "the row repeats row 1 and was taken once",
        4: "the row repeats row 1 and was taken once",
    }


def test_repeated_row_shares_the_fate_of_the_first(city: City, tmp_path: Path) -> None:
    """A row that repeats a rejected one is rejected too: none counts as unchanged that is not in the city."""
    rows_in(city, tmp_path, lamp(code="11010101037000009"))
    survey.changed_by_hand(city, "components", [1], until="2025-01-01")
    row = lamp(code="11010101037000009")
    result = rows_in(city, tmp_path, row, row)
    assert balance(result) == (0, 0, 0, 2)
    assert result.receipt.collapsed == 0
    assert why(result) == {1: "code-retired", 2: "code-retired"}


def test_code_with_two_contents_costs_both_rows(city: City, tmp_path: Path) -> None:
    """Rows that claim one code and differ are all rejected and name each other."""
    code = "11010101037000009"
    result = rows_in(city, tmp_path, lamp(code=code), lamp(0.6, code=code), lamp(0.7))
    assert balance(result) == (1, 0, 0, 2)
    assert about(result, "code-duplicate") == {
        1: f"the code {code!r} is also on row 2, with other content",
        2: f"the code {code!r} is also on row 1, with other content",
    }


def test_key_with_two_contents_costs_both_rows(city: City, tmp_path: Path) -> None:
    """Rows of one class that claim one key and differ are all rejected and name each other."""
    result = rows_in(city, tmp_path, lamp(id="7"), lamp(0.6, id="7"), lamp(0.7, id="8"), key="id")
    assert balance(result) == (1, 0, 0, 2)
    assert about(result, "key-duplicate") == {
        1: "the key 'id=7' is also on row 2, with other content",
        2: "the key 'id=7' is also on row 1, with other content",
    }


def test_place_with_two_contents_costs_both_rows(city: City, tmp_path: Path) -> None:
    """Rows of one class at one place that differ are all rejected and name each other."""
    result = rows_in(city, tmp_path, lamp(note="a"), lamp(note="b"), lamp(note="c"))
    assert balance(result) == (0, 0, 0, 3)
    assert sorted(about(result, "place-duplicate")) == [1, 2, 3]
    assert "row 2 has the same class" in about(result, "place-duplicate")[1]


def test_rows_of_one_place_must_agree_in_every_column(city: City, tmp_path: Path) -> None:
    """Rows that differ only in a column that is not read are rejected, or told apart by it as the key."""
    rows = [lamp(LITTERID="338"), lamp(LITTERID="339"), lamp(0.6, LITTERID="1"), lamp(0.6, LITTERID="1")]
    result = rows_in(city, tmp_path, *rows)
    assert balance(result) == (1, 0, 1, 2)
    assert about(result, "place-duplicate") == {
        1: "row 2 has the same class at exactly the same place and says something else",
        2: "row 1 has the same class at exactly the same place and says something else",
    }
    assert "--key" in result.rejected[0].hint
    keyed = rows_in(city, tmp_path, *rows[:2], key="LITTERID")
    assert balance(keyed) == (2, 0, 0, 0)
    assert rules(keyed) == {"component-place-shared": 2}


def test_rows_of_one_code_agree_in_what_is_read(city: City, tmp_path: Path) -> None:
    """Rows with one code or key are one object whatever stands in the columns that are not read."""
    code = "11010101037000009"
    coded = rows_in(city, tmp_path, lamp(code=code, OBJECTID="1"), lamp(code=code, OBJECTID="2"))
    assert balance(coded) == (1, 0, 1, 0)
    keyed = rows_in(city, tmp_path, lamp(0.6, id="7", n="1"), lamp(0.6, id="7", n="2"), key="id")
    assert balance(keyed) == (1, 0, 1, 0)


def test_coded_and_uncoded_row_at_one_place_are_two(city: City, tmp_path: Path) -> None:
    """A row with a code and one without at its place are two components, both times, in either order."""
    rows = [lamp(note="a"), lamp(code="11010101037000009", note="b")]
    assert balance(rows_in(city, tmp_path, *rows)) == (2, 0, 0, 0)
    before = contents(city, "components")
    assert balance(rows_in(city, tmp_path, *rows)) == (0, 0, 2, 0)
    assert balance(rows_in(city, tmp_path, *reversed(rows))) == (0, 0, 2, 0)
    assert contents(city, "components") == before


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_point_and_polygon_are_one_component(city: City, tmp_path: Path, order: tuple[int, int]) -> None:
    """A point and a polygon of one code, name and class are one component; the polygon is kept."""
    more = {"code": "11010101037000009", "name": "雍和宫"}
    both = [lamp(**more), lamp(**more) | {"shape": square(0.2, 0.2, 0.3, 0.3)}]
    rows = [both[i] for i in order]
    result = rows_in(city, tmp_path, *rows)
    assert balance(result) == (1, 0, 1, 0)
    assert result.receipt.collapsed == 0
    assert list(about(result, "point-and-polygon")) == [order.index(0) + 1]
    (shape,) = city.store.columns("components", ("geom",))["geom"]
    assert shape.equals(both[1]["shape"])
    assert balance(rows_in(city, tmp_path, *rows)) == (0, 0, 2, 0)


@pytest.mark.parametrize("point_first", [True, False])
def test_point_and_polygon_in_two_files_are_one_component(
    city: City, tmp_path: Path, point_first: bool
) -> None:
    """Point file and polygon file give one component with the polygon, whichever comes first."""
    more = {"code": "11010101037000009", "name": "雍和宫"}
    point, polygon = lamp(**more), lamp(**more) | {"shape": square(0.2, 0.2, 0.3, 0.3)}
    first, second = (point, polygon) if point_first else (polygon, point)
    assert balance(rows_in(city, tmp_path, first)) == (1, 0, 0, 0)
    result = rows_in(city, tmp_path, second)
    assert balance(result) == ((0, 1, 0, 0) if point_first else (0, 0, 1, 0))
    assert rules(result) == {"point-and-polygon": 1}
    (shape,) = city.store.columns("components", ("geom",))["geom"]
    assert shape.equals(polygon["shape"])
    for row in (point, polygon, point):
        assert balance(rows_in(city, tmp_path, row)) == (0, 0, 1, 0)


def test_point_and_polygon_of_two_names_contradict(city: City, tmp_path: Path) -> None:
    """A point and a polygon of one code and two names are no pair: both are rejected."""
    code = "11010101037000009"
    polygon = lamp(code=code, name="柏林寺") | {"shape": square(0.2, 0.2, 0.3, 0.3)}
    result = rows_in(city, tmp_path, lamp(code=code, name="雍和宫"), polygon)
    assert why(result) == {1: "code-duplicate", 2: "code-duplicate"}


# Codes.


def test_serials_count_from_one_per_class(city: City, tmp_path: Path) -> None:
    """Components without a code get the next serials of their district and class in the order of the file."""
    rows_in(city, tmp_path, lamp(0.7), lamp(0.3), lamp(class_name=GRATE))
    assert column(city, "components", "code") == [
        "11010101037000001",
        "11010101037000002",
        "11010101004000001",
    ]
    rows_in(city, tmp_path, lamp(0.4), name="more")
    assert column(city, "components", "code")[-1] == "11010101037000003"


def test_serials_go_on_after_codes_that_arrived(city: City, tmp_path: Path) -> None:
    """A code that arrived with a high serial is never given again: the next one is higher."""
    rows_in(city, tmp_path, lamp(0.3), lamp(0.4, code="11010101037000500"))
    assert column(city, "components", "code") == ["11010101037000501", "11010101037000500"]


def test_retired_serials_are_never_given_again(city: City, tmp_path: Path) -> None:
    """A retired component keeps its code: its place gets a new one, its own code is refused."""
    rows_in(city, tmp_path, lamp())
    survey.changed_by_hand(city, "components", [1], until="2025-01-01")
    result = rows_in(city, tmp_path, lamp())
    assert balance(result) == (1, 0, 0, 0)
    assert column(city, "components", "code") == ["11010101037000001", "11010101037000002"]
    refused = rows_in(city, tmp_path, lamp(0.6, code="11010101037000001"))
    assert balance(refused) == (0, 0, 0, 1)
    assert refused.rejected[0].message == (
        "the code '11010101037000001' was retired on 2025-01-01 and is never given again"
    )


def test_full_class_rejects_what_has_no_serial(city: City, tmp_path: Path) -> None:
    """When 999,999 serials are used the rows left over are rejected, those of other classes are not."""
    rows_in(city, tmp_path, lamp(0.1, code="11010101037999998"))
    result = rows_in(city, tmp_path, lamp(0.2), lamp(0.3), lamp(0.4), lamp(class_name=GRATE))
    assert balance(result) == (2, 0, 0, 2)
    assert why(result) == {2: "code-serials-full", 3: "code-serials-full"}
    assert result.rejected[0].message == "all 999999 serials of class 01037 in district 110101 are used"
    assert "11010101037999999" in column(city, "components", "code")


def test_component_found_by_place_keeps_its_code(city: City, tmp_path: Path) -> None:
    """A row without a code that is a known component leaves it the code it has, its own or given."""
    rows_in(city, tmp_path, lamp(0.3), lamp(0.4, code="11010101037000500"))
    result = rows_in(city, tmp_path, lamp(0.3, note="x"), lamp(0.4, note="x"))
    assert balance(result) == (0, 2, 0, 0)
    assert column(city, "components", "code") == ["11010101037000501", "11010101037000500"]


def test_two_editions_stand_side_by_side(city: City, tmp_path: Path) -> None:
    """Codes of 16 and 17 digits keep their editions, and a class by name is that of the code's edition."""
    result = rows_in(
        city,
        tmp_path,
        lamp(0.3, code="1101010118000005"),
        lamp(0.4, code="11010101037000005"),
        lamp(0.6),
    )
    assert balance(result) == (3, 0, 0, 0)
    assert rules(result) == {}
    assert city.store.rows("components", ("code", "edition", "class_code", "class_name")) == [
        ("1101010118000005", OLD, "0118", LAMP),
        ("11010101037000005", NEW, "01037", LAMP),
        ("11010101037000006", NEW, "01037", LAMP),
    ]


def test_new_code_follows_the_edition_of_its_class(city: City, tmp_path: Path) -> None:
    """A class that only the older edition has gives a code of 16 digits."""
    rows_in(city, tmp_path, lamp(class_name="上水井盖"), lamp(class_name="0118"))
    assert city.store.rows("components", ("code", "edition")) == [
        ("1101010101000001", OLD),
        ("1101010118000001", OLD),
    ]


def test_edition_of_the_file_goes_first(city: City, tmp_path: Path) -> None:
    """With an edition for the file its classes are looked for there alone."""
    result = rows_in(city, tmp_path, lamp(), lamp(0.6, class_name="供水井盖"), edition=OLD)
    assert why(result) == {2: "class-unknown"}
    assert column(city, "components", "code") == ["1101010118000001"]


@pytest.mark.filterwarnings("ignore::gridcity.codes.ProvisionalEditionWarning")
def test_sixteen_digits_are_ambiguous_without_a_word(tmp_path: Path) -> None:
    """16 digits read under two editions; without older_edition or --edition the row is rejected."""
    city = survey.built(tmp_path, profile(older=""))
    row = lamp(code="1101010118000005")
    result = rows_in(city, tmp_path, row)
    assert why(result) == {1: "code-ambiguous"}
    assert OLD in result.rejected[0].message
    assert MIDDLE in result.rejected[0].message
    assert "--edition" in result.rejected[0].hint
    assert balance(rows_in(city, tmp_path, row, edition=OLD)) == (1, 0, 0, 0)
    assert balance(rows_in(city, tmp_path, row, edition=MIDDLE)) == (1, 0, 0, 0)


def test_code_of_another_place_or_class_is_a_doubt(city: City, tmp_path: Path) -> None:
    """A code that names another district or class than the object is kept, with a finding."""
    result = rows_in(
        city,
        tmp_path,
        lamp(0.3, code="11010201037000005"),
        lamp(0.4, code="11010101004000005"),
    )
    assert balance(result) == (2, 0, 0, 0)
    assert about(result, "component-code-district") == {
        1: "the code '11010201037000005' names district 110102, the object stands in 110101"
    }
    assert about(result, "component-code-class") == {
        2: "the code '11010101004000005' names class 01004, the row says 01037"
    }
    assert column(city, "components", "class_code") == ["01037", "01037"]


def test_district_is_that_of_the_place(tmp_path: Path) -> None:
    """In a city of two districts a code begins with the district of the street the object stands in."""
    with pytest.warns(UnlistedAreaWarning, match="110100"):
        city = City.create(tmp_path / "city.gpkg", profile(area_code="110100"))
    streets = [
        {"shape": square(0, 0), "code": "110101005", "name": "北新桥街道"},
        {"shape": square(1, 0), "code": "110102001", "name": "西长安街街道"},
    ]
    city.import_areas(features(tmp_path / "streets.geojson", streets))
    rows = [{"shape": square(column, 0, 0.9)} for column in (0, 1)]
    city.import_cells(features(tmp_path / "cells.geojson", rows))
    result = rows_in(city, tmp_path, lamp(0.5), lamp(1.5), lamp(1.95))
    assert rules(result) == {"component-outside": 1}
    assert column(city, "components", "code") == [
        "11010101037000001",
        "11010201037000001",
        "11010001037000001",
    ]
    assert "component-code-district" not in city.check().counts()


def test_malformed_code_says_what_is_wrong(city: City, tmp_path: Path) -> None:
    """The message of a code that cannot be read names the character and its position, or the length."""
    codes = ["110101O1037000001", "１1010101037000001", "11010101037 00001", "110101", "1.10101E+16"]
    result = rows_in(city, tmp_path, *[lamp(0.1 + i / 10, code=code) for i, code in enumerate(codes)])
    found = [row.message for row in result.rejected]
    assert len(found) == len(codes)
    assert "the letter 'O' at position 7" in found[0]
    assert "full-width digit '１' at position 1" in found[1]
    assert "a blank at position 12" in found[2]
    assert "has 6" in found[3]
    assert "written as a number" in found[4]


@pytest.mark.filterwarnings("ignore::gridcity.codes.ProvisionalEditionWarning")
def test_two_editions_of_sixteen_digits_never_meet(city: City, tmp_path: Path) -> None:
    """A serial delivered under one edition of 16 digits is not given again under the other."""
    rows_in(city, tmp_path, lamp(0.3, code="1101010118000007"), edition=MIDDLE)
    result = rows_in(city, tmp_path, lamp(0.6, class_name="0118"), name="more")
    assert balance(result) == (1, 0, 0, 0)
    assert city.store.rows("components", ("code", "edition")) == [
        ("1101010118000007", MIDDLE),
        ("1101010118000008", OLD),
    ]


# Classes.

CLASSES: list[tuple[dict[str, Any], str, str]] = [
    ({"class_code": "01004", "class_name": "", "name": LAMP}, GRATE, "file"),
    ({"class_code": "01037", "class_name": GRATE, "name": ""}, "", "01037"),
    ({"class_code": "", "class_name": GRATE, "name": LAMP}, "", "01004"),
    ({"class_code": "", "class_name": "", "name": "Street lamp"}, "", "01037"),
    ({"class_code": "", "class_name": "", "name": "王府井 7 号", "code": "11010101037000005"}, "", "01037"),
    ({"class_code": "Storm drain grate", "class_name": "", "name": ""}, "", "01004"),
]


@pytest.mark.parametrize(("stated", "whole", "expected"), CLASSES)
def test_class_is_settled_in_order(
    city: City, tmp_path: Path, stated: dict[str, Any], whole: str, expected: str
) -> None:
    """The file's class goes before class_code, class_name, the name of a class, and the own code."""
    result = rows_in(city, tmp_path, lamp() | stated, class_text=whole or None)
    assert balance(result) == (1, 0, 0, 0)
    assert column(city, "components", "class_code") == ["01004" if expected == "file" else expected]


OTHER_EDITION = [
    ("1101010118000005", "class_name", "供水井盖", "0118", OLD),
    ("1101010118000005", "class_code", "01037", "0118", OLD),
    ("11010101037000005", "class_code", "0118", "01037", NEW),
    ("11010101037000005", "class_name", "上水井盖", "01037", NEW),
]


@pytest.mark.parametrize(("code", "field", "stated", "kept", "edition"), OTHER_EDITION)
def test_coded_row_has_the_classes_of_its_own_edition(
    city: City, tmp_path: Path, code: str, field: str, stated: str, kept: str, edition: str
) -> None:
    """A class that the edition of the row's code does not know is a doubt; the class in the code is kept."""
    row = lamp(code=code, class_name="", class_code="") | {field: stated}
    result = rows_in(city, tmp_path, row)
    assert about(result, "component-code-class") == {
        1: f"the code {code!r} names class {kept}, the row says {stated}"
    }
    assert city.store.rows("components", ("class_code", "edition")) == [(kept, edition)]


@pytest.mark.parametrize("stated", ["street lamp", "STREET LAMP", "\u3000路灯", "01037"])
def test_another_spelling_of_the_class_in_the_code_is_no_doubt(
    city: City, tmp_path: Path, stated: str
) -> None:
    """A class that agrees with the code is no finding, however it is written."""
    result = rows_in(city, tmp_path, lamp(code="11010101037000005", class_name=stated))
    assert (balance(result), rules(result)) == ((1, 0, 0, 0), {})


def test_name_that_is_near_no_class_names_none(city: City, tmp_path: Path) -> None:
    """A row with nothing but a name of its own has no class: it is not an unknown one."""
    result = rows_in(city, tmp_path, lamp(class_name="", name="王府井 7 号"))
    assert why(result) == {1: "class-missing"}


def test_name_of_no_class_is_unknown(city: City, tmp_path: Path) -> None:
    """A name that is not exactly a class is none: the row is rejected and the nearest classes named."""
    result = rows_in(city, tmp_path, lamp(class_name="", name="雨水箅"))
    assert why(result) == {1: "class-unknown"}
    assert "nearest: 01004 雨水箅子" in result.rejected[0].message
    assert f"{NEW} or {OLD}" in result.rejected[0].message


def test_component_is_called_like_its_class_by_default(city: City, tmp_path: Path) -> None:
    """A component without a name of its own has that of its class."""
    rows_in(city, tmp_path, lamp(0.3), lamp(0.4, name="景观灯7号"))
    assert column(city, "components", "name") == [LAMP, "景观灯7号"]


def test_local_class_of_the_profile_is_known(tmp_path: Path) -> None:
    """A class the profile adds is found by code and by name, and coded like any other."""
    more = f'[[classes]]\nedition = "{NEW}"\ncode = "01999"\nname = "样例设施"\n'
    city = survey.built(tmp_path, profile(more))
    rows_in(city, tmp_path, lamp(0.3, class_name="样例设施"), lamp(0.4, class_name="01999"))
    assert column(city, "components", "code") == ["11010101999000001", "11010101999000002"]


def test_mapping_translates_and_fills(city: City, tmp_path: Path) -> None:
    """Columns, constants and translations of a mapping reach the rows."""
    mapping = Mapping(
        columns={"STATUS": ("state",), "BODY": ("owner_name", "maintainer_name")},
        constants={"initial_date": "20200101"},
        values={"state": {"Active": "完好"}},
        class_text=LAMP,
    )
    result = rows_in(
        city, tmp_path, {"shape": spot(0.5, 0.5), "STATUS": "Active", "BODY": "DDOT"}, mapping=mapping
    )
    assert rules(result) == {}
    fields = ("state", "owner_name", "maintainer_name", "initial_date")
    assert city.store.rows("components", fields) == [("完好", "DDOT", "DDOT", "2020-01-01")]


# Cells.


def test_cell_is_that_of_the_geometry(city: City, tmp_path: Path) -> None:
    """The cell by geometry is stored, the one the survey names is kept beside it with a finding."""
    north, south = f"{HAIYUNCANG}001", f"{HAIYUNCANG}002"
    result = rows_in(city, tmp_path, lamp(0.5, 0.5, cell_code=north), lamp(0.6, 0.5, cell_code=south))
    assert about(result, "component-cell") == {
        1: f"the row names cell '{north}', the object stands in {south}"
    }
    ids = column(city, "components", "cell_id")
    assert [city.store.rows("cells", ("code",), {"fid": i}) for i in ids] == [[(south,)], [(south,)]]
    assert column(city, "components", "declared_cell") == [north, south]


def test_cell_of_an_older_numbering_is_a_note(city: City, tmp_path: Path) -> None:
    """A cell that the row names and the city does not have is a note, not a contradiction, and is kept."""
    older = f"{HAIYUNCANG}02"
    result = rows_in(city, tmp_path, lamp(cell_code=older))
    assert rules(result) == {"component-cell-unknown": 1}
    assert about(result, "component-cell-unknown")[1] == (
        f"the row names cell '{older}', which this city does not have; the object stands in {HAIYUNCANG}002"
    )
    assert {finding.severity for finding in result.findings} == {"note"}
    assert column(city, "components", "declared_cell") == [older]


def test_object_that_moved_far_is_a_doubt(city: City, tmp_path: Path) -> None:
    """A known component more than 100 m from where it was is taken with a warning; within it, in silence."""
    code = "11010101037000009"
    rows_in(city, tmp_path, lamp(0.5, 0.5, code=code))
    near = rows_in(city, tmp_path, lamp(0.5, 1.35, code=code))
    assert (balance(near), rules(near)) == ((0, 1, 0, 0), {})
    far = rows_in(city, tmp_path, lamp(0.5, 0.44, code=code))
    assert balance(far) == (0, 1, 0, 0)
    assert about(far, "component-moved") == {1: "the object lies 101 m from where it was"}


def test_largest_share_decides(city: City, tmp_path: Path) -> None:
    """A line belongs to the cell with most of its length, a polygon to that with most of its area."""
    rows = [
        lamp() | {"shape": path_line((0.3, 0.5), (1.9, 0.5))},
        lamp() | {"shape": square(0.2, 0.1, 1.0, 0.2)},
        lamp() | {"shape": path_line((0.2, 0.6), (0.9, 0.6))},
    ]
    result = rows_in(city, tmp_path, *rows)
    ids = column(city, "components", "cell_id")
    assert [city.store.rows("cells", ("note",), {"fid": i})[0][0] for i in ids] == ["10", "00", "00"]
    assert about(result, "component-many-cells") == {
        1: "the object crosses 2 cells; the largest share decides",
        2: "the object crosses 2 cells; the largest share decides",
    }


def test_within_a_kilometre_is_kept_beyond_is_not(city: City, tmp_path: Path) -> None:
    """Outside every cell a component is kept with a warning, a kilometre beyond the city's box it is not."""
    result = rows_in(
        city, tmp_path, lamp(2.1), lamp(2 + 11.6), lamp(2 + 11.8), lamp(0.5, -8.9), lamp(0.5, -9.1)
    )
    assert why(result) == {3: "outside-city", 5: "outside-city"}
    assert sorted(about(result, "component-outside")) == [1, 2, 4]
    assert column(city, "components", "cell_id") == [None, None, None]
    assert result.rejected[0].value == "116.423800 39.930500"


def test_component_that_reaches_far_out_is_not_kept(city: City, tmp_path: Path) -> None:
    """A line or polygon lies within a kilometre of the city as a whole, or it is rejected."""
    rows = [
        lamp() | {"shape": path_line((0.5, 0.5), (2 + 11.6, 0.5))},
        lamp() | {"shape": path_line((0.5, 0.5), (2 + 11.8, 0.5))},
        lamp() | {"shape": square(0.2, -9.1, 0.1, 9.5)},
        lamp() | {"shape": square(-50, -50, 100, 100)},
    ]
    result = rows_in(city, tmp_path, *rows)
    assert why(result) == {2: "outside-city", 3: "outside-city", 4: "outside-city"}


def test_city_without_areas_takes_components_from_anywhere(tmp_path: Path) -> None:
    """Where nothing is known of the city's extent no row is outside it."""
    with City.create(tmp_path / "city.gpkg", profile()) as city:
        assert balance(rows_in(city, tmp_path, lamp(), lamp(500))) == (2, 0, 0, 0)


def test_doubts_cost_no_row(city: City, tmp_path: Path) -> None:
    """Missing state, date and bodies are notes, a shared place is a warning; all rows are taken."""
    bare = {"shape": spot(0.5, 0.5), "class_name": LAMP, "maintainer_name": "无", "owner_code": "00000000"}
    result = rows_in(city, tmp_path, bare | {"id": "1"}, bare | {"id": "2"}, key="id")
    assert balance(result) == (2, 0, 0, 0)
    assert rules(result) == {
        "component-no-party": 2,
        "component-place-shared": 2,
        "state-missing": 2,
        "date-missing": 2,
    }
    assert about(result, "component-place-shared")[1].endswith("exactly the same place: 11010101037000002")


def test_multipoint_of_one_point_is_a_point(city: City, tmp_path: Path) -> None:
    """A multipoint with a single member is taken as that point."""
    rows_in(city, tmp_path, lamp() | {"shape": shapely.MultiPoint([spot(0.5, 0.5)])})
    (shape,) = city.store.columns("components", ("geom",))["geom"]
    assert shape.geom_type == "Point"
    assert shape.equals(spot(0.5, 0.5))


def test_coordinates_of_a_table(city: City, tmp_path: Path) -> None:
    """Coordinates that are missing, not finite or beyond the globe cost their own row of a table."""
    spots = ["116.4105", "", "nan", "inf", "-inf", "1e308", "-0.0", "116,4105", "116.4106"]
    rows = [{"lng": lng, "lat": "39.9305", "class_name": LAMP, "state": "完好"} for lng in spots]
    path = survey.table(tmp_path / "rows.csv", rows)
    result = city.import_components(path, x="lng", y="lat", crs="EPSG:4490")
    assert balance(result) == (2, 0, 0, 7)
    assert sorted(why(result)) == [2, 3, 4, 5, 6, 7, 8]
    assert result.rejected[0].record == rows[1]


def test_a_file_says_nothing_about_fields_it_does_not_have(city: City, tmp_path: Path) -> None:
    """Rows without a column leave that field of their objects alone; a blank in a column empties it."""
    first = lamp(note="at the gate", owner_name="样例路灯管理中心")
    assert balance(city.import_components(features(tmp_path / "a.geojson", [first]))) == (1, 0, 0, 0)
    bare = {"shape": first["shape"], "class_name": LAMP, "state": "破损"}
    assert balance(city.import_components(features(tmp_path / "b.geojson", [bare]))) == (0, 1, 0, 0)
    kept = city.store.rows("components", ("state", "owner_name", "maintainer_name", "note", "initial_date"))
    assert kept == [("破损", "样例路灯管理中心", PARTY["maintainer_name"], "at the gate", "2024-03-01")]
    blank = {**bare, "note": ""}
    assert balance(city.import_components(features(tmp_path / "c.geojson", [blank]))) == (0, 1, 0, 0)
    assert column(city, "components", "note") == [""]


def undeclared(path: Path) -> Path:
    """Write a GeoJSON file of one lamp that declares no reference system."""
    document = json.loads(features(path, [lamp()]).read_text(encoding="utf-8"))
    del document["crs"]
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_undeclared_coordinates_in_china_are_a_doubt(city: City, tmp_path: Path) -> None:
    """GeoJSON that declares nothing is read as WGS 84 with one warning, unless the call says what it is."""
    path = undeclared(tmp_path / "plain.geojson")
    result = city.import_components(path)
    assert rules(result) == {"datum-assumed": 1}
    (finding,) = (f for f in result.findings if f.rule == "datum-assumed")
    assert (finding.row, finding.severity) == (None, "warning")
    assert "--datum gcj02" in finding.hint
    for said in ({"crs": 4326}, {"datum": "wgs84"}, {"datum": "gcj02"}):
        assert "datum-assumed" not in rules(city.import_components(path, dry_run=True, **said))


def test_undeclared_coordinates_abroad_are_none(tmp_path: Path) -> None:
    """Outside China plain GeoJSON is what it says it is."""
    with City.create(tmp_path / "abroad.gpkg", profile(area_code="999001")) as city:
        result = city.import_components(undeclared(tmp_path / "plain.geojson"))
        assert (balance(result), rules(result)) == ((1, 0, 0, 0), {"component-outside": 1})


def test_notes_are_counted_and_not_stored(city: City, tmp_path: Path) -> None:
    """The store keeps errors and warnings row by row; the receipt has the counts of every rule."""
    result = rows_in(city, tmp_path, lamp(state=""), lamp(2.1), lamp(0.6, state="??"))
    counts = result.findings.counts()
    assert counts["state-missing"] == 1
    ((stored,),) = city.store.rows("receipts", ("findings",), {"fid": result.receipt.id})
    assert json.loads(stored) == counts
    rows = city.store.rows("findings", ("rule", "severity"), {"receipt": result.receipt.id})
    assert sorted(rows) == [("component-outside", "warning"), ("state-unknown", "error")]


def test_a_line_is_kept_where_the_same_object_arrives_as_a_point(city: City, tmp_path: Path) -> None:
    """A table of points, such as gridcity's own CSV, does not shrink what was surveyed as a line."""
    railing = {**QUIET, "class_name": "交通护栏", "shape": path_line((0.1, 0.5), (0.9, 0.5))}
    assert balance(city.import_components(features(tmp_path / "line.geojson", [railing]))) == (1, 0, 0, 0)
    (code,) = column(city, "components", "code")
    again = {**railing, "code": code, "shape": spot(0.5, 0.5)}
    result = city.import_components(features(tmp_path / "point.geojson", [again]))
    assert balance(result) == (0, 0, 1, 0)
    assert rules(result) == {"point-and-polygon": 1}


def test_an_object_keeps_its_class_when_a_file_says_nothing_about_classes(city: City, tmp_path: Path) -> None:
    """The class inside a wrong code does not replace the class that was surveyed."""
    row = lamp(code="11010101004000001")
    city.import_components(features(tmp_path / "a.geojson", [row]))
    bare = {"shape": row["shape"], "code": "11010101004000001", "state": "破损"}
    assert balance(city.import_components(features(tmp_path / "b.geojson", [bare]))) == (0, 1, 0, 0)
    assert city.store.rows("components", ("class_name", "state")) == [(LAMP, "破损")]


def test_a_line_and_a_point_of_one_object_in_one_file_are_the_line(city: City, tmp_path: Path) -> None:
    """Within one file the larger shape is kept, as it is across two."""
    code = "11010102017000007"
    line = {**QUIET, "class_name": "交通护栏", "code": code, "shape": path_line((0.1, 0.5), (0.9, 0.5))}
    point = {**line, "shape": spot(0.5, 0.5)}
    result = city.import_components(features(tmp_path / "both.geojson", [point, line]))
    assert balance(result) == (1, 0, 1, 0)
    assert rules(result) == {"point-and-polygon": 1}
    assert [shape.geom_type for shape in city.store.columns("components", ("geom",))["geom"]] == [
        "LineString"
    ]


def test_what_ended_does_not_come_back_without_a_word(city: City, tmp_path: Path) -> None:
    """A row without a code at the place of an ended component is new, and the finding names that one."""
    rows_in(city, tmp_path, lamp(), lamp(0.6))
    city.retire("11010101037000001", "2026-01-01")
    result = rows_in(city, tmp_path, lamp(), lamp(0.6))
    assert balance(result) == (1, 0, 1, 0)
    assert about(result, "component-ended-here") == {
        1: "the place is that of 11010101037000001, which ended on 2026-01-01; "
        "the row was taken as a new object"
    }
    assert column(city, "components", "code")[-1] == "11010101037000003"
    assert not about(rows_in(city, tmp_path, lamp(), lamp(0.6)), "component-ended-here")


def test_key_of_an_ended_component_is_named(city: City, tmp_path: Path) -> None:
    """A keyed row that stands elsewhere now is known by its key; a key of another class says nothing."""
    rows_in(city, tmp_path, lamp(id="a"), key="id")
    city.retire("11010101037000001", "2026-01-01")
    result = rows_in(city, tmp_path, lamp(0.6, id="a"), lamp(0.7, id="b"), key="id")
    assert balance(result) == (2, 0, 0, 0)
    (said,) = about(result, "component-ended-here").items()
    assert said[0] == 1 and said[1].startswith("the key is that of 11010101037000001")


def test_a_row_called_as_another_class_is_taken_with_a_doubt(city: City, tmp_path: Path) -> None:
    """The class of a whole file goes first; who gave it for a mixed file is told, row by row."""
    rows = [
        {"shape": spot(x, 0.2), "name": name} for x, name in ((0.2, "路灯"), (0.4, "行道树"), (0.6, "甲"))
    ]
    result = rows_in(city, tmp_path, *rows, class_text="行道树")
    assert balance(result) == (3, 0, 0, 0)
    (said,) = about(result, "class-name-other").items()
    assert said[0] == 1
    assert said[1].startswith("the row is called '路灯', which is the class 01037 路灯; it was taken as ")
    assert said[1].endswith(" 行道树")
