"""A second survey of an area: what was found again, what is new, what is gone."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import survey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from survey import (
    HAIYUNCANG,
    SOUTH,
    STREET,
    WEST,
    about,
    balance,
    city,
    contents,
    features,
    ready,
    rules,
    square,
    why,
)

from gridcity import City
from gridcity.crs import metres_per_degree, wgs84_to_gcj02
from gridcity.errors import ArgumentError, ReferenceSystemError, SourceError
from gridcity.importing import Comparison
from gridcity.profile import parse_profile

__all__ = ["city", "ready"]

DATA = Path(__file__).parents[1].parent / "shared" / "data"
LAMP, GRATE, BIN = "路灯", "雨水箅子", "垃圾箱"
QUIET = {"state": "完好", "initial_date": "20240301", "maintainer_name": "样例排水公司"}
PER_LNG, PER_LAT = metres_per_degree(SOUTH)
TODAY = date.today().isoformat()


def place(east_m: float, north_m: float) -> shapely.Point:
    """A place counted in metres from the south-west corner of the city."""
    return shapely.Point(WEST + east_m / PER_LNG, SOUTH + north_m / PER_LAT)


def row(east_m: float, north_m: float, class_name: str = LAMP, **more: Any) -> dict[str, Any]:
    return {"shape": place(east_m, north_m), "class_name": class_name, **QUIET, **more}


def first(city: City, folder: Path, *rows: dict[str, Any], **options: Any) -> list[str]:
    """Import a first survey and return the codes in the order of its rows."""
    result = city.import_components(features(folder / "first.geojson", rows), **options)
    assert result.receipt.added == len(rows)
    return [code for (code,) in city.store.rows("components", ("code",))][-len(rows) :]


def again(city: City, folder: Path, *rows: dict[str, Any], area: Any = STREET, **options: Any) -> Any:
    path = features(folder / "second.geojson", rows)
    return city.import_components(path, resurvey=True, area=area, **options)


def kinds(found: Comparison) -> dict[str, list[Any]]:
    """Return for each kind what it names: rows for added and ambiguous ones, codes for the others."""
    named: dict[str, list[Any]] = {}
    for i in range(len(found)):
        of = found.row[i] if found.kind[i] in ("added", "ambiguous") else found.code[i]
        named.setdefault(found.kind[i], []).append(of)
    return named


def changes(found: Comparison) -> dict[str, list[tuple[str, str, str]]]:
    return {found.code[i]: found.changes(i) for i in range(len(found)) if found.kind[i] == "changed"}


def test_each_kind_once_worked_by_hand(city: City, tmp_path: Path) -> None:
    """Same, moved, changed by code, gone, unclear, new; outside the area and of another class stays."""
    a, b, c, d, e, f, _, _ = first(
        city,
        tmp_path,
        *(row(10, 10), row(30, 10), row(50, 10), row(10, 60), row(30, 60), row(34, 60)),
        *(row(120, 10), row(10, 30, GRATE)),
    )
    result = again(
        city,
        tmp_path,
        row(10, 10),
        row(30.3, 10.4),
        row(50, 10, code=c, state="破损"),
        row(32, 60),
        row(70, 100),
        area=HAIYUNCANG,
    )
    assert balance(result) == (1, 2, 1, 1)
    found = result.comparison
    assert (found.area, found.classes, found.ended_on) == (f"{HAIYUNCANG} 海运仓社区", (LAMP,), "")
    assert kinds(found) == {
        "unchanged": [a],
        "changed": [b, c],
        "ambiguous": [4],
        "added": [5],
        "vanished": [d],
    }
    figures = {"added": 1, "changed": 2, "moved": 1, "unchanged": 1, "vanished": 1, "ambiguous": 1}
    assert found.counts() == figures
    assert found.row.tolist() == [1, 2, 3, 4, 5, 0]
    assert found.moved_m.tolist()[:3] == [0.0, 0.5, 0.0]
    assert np.isnan(found.moved_m[3:]).all()
    assert found.move_m() == (0.5, 0.5)
    assert changes(found) == {b: [("geometry", "", "")], c: [("state", "完好", "破损")]}
    assert found.candidates[3] == f"{e} (2.00 m), {f} (2.00 m)"
    assert why(result) == {4: "resurvey-ambiguous"}
    assert about(result, "component-vanished").keys() == {None}
    assert d in about(result, "component-vanished")[None]
    # Queried, never ended: all eight and the new one are there.
    assert city.summary()["components"] == 9
    assert city.store.rows("components", ("until",)) == [("",)] * 9


def test_two_rows_for_one_object_are_unclear(city: City, tmp_path: Path) -> None:
    """Both are rejected and name it, and it has not vanished; their order is nothing."""
    a, *_ = first(city, tmp_path, row(10, 10), row(40, 10), row(70, 10))
    for places in ((9, 11.5), (11.5, 9)):
        rows = [row(east, 10) for east in places]
        result = again(city, tmp_path, *rows, row(40, 10), row(70, 10), dry_run=True)
        assert why(result) == {1: "resurvey-ambiguous", 2: "resurvey-ambiguous"}
        assert all(a in message for message in about(result, "resurvey-ambiguous").values())
        assert "vanished" not in kinds(result.comparison)


def test_what_a_clear_match_takes_is_no_candidate(city: City, tmp_path: Path) -> None:
    """A new lamp 4 m beside one that was found again is new, though 4 m are within the radius."""
    a, b, c = first(city, tmp_path, row(10, 10), row(40, 10), row(70, 10))
    result = again(city, tmp_path, row(10.2, 10), row(14, 10), row(40, 10), row(70, 10))
    assert kinds(result.comparison) == {"changed": [a], "added": [2], "unchanged": [b, c]}
    assert result.comparison.moved_m[0] == 0.2


def test_place_stands_for_no_code_and_no_other_key(city: City, tmp_path: Path) -> None:
    """An unknown code of its own and another key of the same column are new; another column is none."""
    olds = [row(10 + 20 * i, 10, id=str(i)) for i in range(4)]
    first(city, tmp_path, *olds, key="id")
    own = f"11010101037{900:06d}"
    rows = [row(10.3, 10, id="", code=own), row(30.3, 10, id="9"), row(50.3, 10, id="")]
    result = again(city, tmp_path, *rows, key="id", dry_run=True)
    codes = [code for (code,) in city.store.rows("components", ("code",))]
    assert kinds(result.comparison) == {
        "added": [1, 2],
        "changed": [codes[2]],
        "vanished": [codes[0], codes[1], codes[3]],
    }
    other = [{**r, "number": r.pop("id")} for r in rows[1:]]
    result = again(city, tmp_path, *other, key="number")
    assert kinds(result.comparison)["changed"] == [codes[1], codes[2]]
    assert ("key", "id=1", "number=9") in result.comparison.changes(0)


def test_objects_with_a_refused_row_have_not_vanished(city: City, tmp_path: Path) -> None:
    """A row with a bad date, code or shape is rejected, but its object was found."""
    a, b, c, d = first(city, tmp_path, *(row(10 + 20 * i, 10) for i in range(4)))
    rows = [
        row(10, 10, code=a, initial_date="29990101"),
        row(30.3, 10, initial_date="20241399"),
        {**row(0, 0, code=c), "shape": None},
        row(70.2, 10, code="12x"),
    ]
    result = again(city, tmp_path, *rows, class_text=LAMP, accept_vanished=True)
    assert balance(result) == (0, 0, 0, 4)
    assert kinds(result.comparison) == {}
    assert {b, d} <= {code for (code,) in city.store.rows("components", ("code",), {"until": ""})}


def test_a_row_of_no_known_class_stands_for_what_is_beside_it(city: City, tmp_path: Path) -> None:
    """A misspelt class costs the row, not the object at its place; what stands elsewhere has vanished."""
    codes = first(city, tmp_path, *(row(10 + 30 * i, 10) for i in range(4)))
    rows = [row(10.2, 10, "路登"), row(40, 10, ""), row(70, 25, "路登")]
    result = again(city, tmp_path, *rows, classes=[LAMP], accept_vanished=True)
    assert why(result) == {1: "class-unknown", 2: "class-missing", 3: "class-unknown"}
    assert kinds(result.comparison) == {"vanished": codes[2:]}


def test_keyed_objects_with_a_refused_row_have_not_vanished(city: City, tmp_path: Path) -> None:
    """The key of a rejected row, and two rows with one key, stand for the object."""
    first(city, tmp_path, *(row(10 + 20 * i, 10, id=str(i)) for i in range(3)), key="id")
    rows = [row(10, 10, id="0", initial_date="29990101"), row(30, 10, id="1"), row(31, 10, id="1")]
    result = again(city, tmp_path, *rows, key="id", class_text=LAMP)
    assert balance(result) == (0, 0, 0, 3)
    assert [found[-1] for found in kinds(result.comparison).values()] == [
        city.store.rows("components", ("code",))[2][0]
    ]


def test_classes_of_another_edition_are_found_again(city: City, tmp_path: Path) -> None:
    """A lamp with a code of 2007 is the lamp of a survey without codes: it keeps code, edition and class."""
    first(city, tmp_path, *(row(10 + 20 * i, 10) for i in range(3)), edition=survey.OLD)
    before = contents(city, "components")
    result = again(city, tmp_path, *(row(10 + 20 * i, 10) for i in range(2)), row(50.5, 10))
    found = result.comparison
    assert found.counts()["unchanged"] == 2
    assert (found.edition[2], found.class_code[2], found.moved_m[2]) == (survey.OLD, "0118", 0.5)
    assert city.summary()["components"] == 3
    after = contents(city, "components")
    assert len(after) == len(before)


def test_lines_and_polygons_are_found_by_the_middle_of_their_box(city: City, tmp_path: Path) -> None:
    """A wall drawn anew a little longer is the wall; its move is that of the middle."""
    lines = [
        {"shape": shapely.LineString([place(10, y).coords[0], place(30, y).coords[0]]), **QUIET}
        for y in (10, 30, 50)
    ]
    walls = [{**line, "class_name": "柔性隔离体"} for line in lines]
    codes = first(city, tmp_path, *walls)
    longer = shapely.LineString([place(10, 10).coords[0], place(31, 10).coords[0]])
    result = again(city, tmp_path, {**walls[0], "shape": longer}, walls[1])
    assert kinds(result.comparison) == {
        "changed": [codes[0]],
        "unchanged": [codes[1]],
        "vanished": [codes[2]],
    }
    assert result.comparison.moved_m[0] == 0.5


# What can vanish.


def test_nothing_vanishes_without_resurvey(city: City, tmp_path: Path) -> None:
    """An ordinary import of half the lamps says nothing of the other half and has no comparison."""
    first(city, tmp_path, row(10, 10), row(30, 10))
    result = city.import_components(features(tmp_path / "half.geojson", [row(10, 10)]))
    assert result.comparison is None
    assert "component-vanished" not in rules(result)


def test_the_border_belongs_to_the_area(city: City, tmp_path: Path) -> None:
    """A lamp exactly on the border of the area vanishes, one a centimetre outside does not."""
    area = features(tmp_path / "area.geojson", [{"shape": square(0, 0, 1, 1)}])
    corner = shapely.Point(*shapely.box(*square(0, 0, 1, 1).bounds).exterior.coords[0])
    on = {**row(0, 0), "shape": corner}
    inside, _ = first(city, tmp_path, on, row(-0.01, 50))
    result = again(city, tmp_path, area=area, class_text=LAMP)
    assert kinds(result.comparison) == {"vanished": [inside]}
    assert result.comparison.area == "area.geojson"


def test_an_object_that_moved_into_the_area_is_found(city: City, tmp_path: Path) -> None:
    """A lamp a little outside the area is the row a little inside it."""
    area = features(tmp_path / "area.geojson", [{"shape": square(0, 0, 1, 1)}])
    (code,) = first(city, tmp_path, row(40, PER_LAT * 0.001 + 0.5))
    result = again(city, tmp_path, row(40, PER_LAT * 0.001 - 0.5), area=area)
    assert kinds(result.comparison) == {"changed": [code]}
    assert result.comparison.moved_m.tolist() == [1.0]


def test_classes_that_were_looked_for(city: City, tmp_path: Path) -> None:
    """Named classes vanish though no row has them, others do not; rows keep the class they state."""
    lamp, grate, bin_ = first(city, tmp_path, row(10, 10), row(30, 10, GRATE), row(50, 10, BIN))
    by_rows = again(city, tmp_path, row(70, 10), dry_run=True)
    assert kinds(by_rows.comparison)["vanished"] == [lamp]
    named = again(city, tmp_path, row(50, 10, BIN), classes=(LAMP, GRATE), dry_run=True)
    assert kinds(named.comparison) == {"unchanged": [bin_], "vanished": [lamp, grate]}
    one = again(city, tmp_path, row(50, 10, BIN), class_text=GRATE, dry_run=True)
    assert kinds(one.comparison) == {"unchanged": [bin_], "vanished": [grate]}
    unstated = {"shape": place(30, 10), **QUIET}
    as_given = again(city, tmp_path, unstated, class_text=GRATE, dry_run=True)
    assert kinds(as_given.comparison) == {"unchanged": [grate]}
    assert as_given.comparison.classes == (GRATE,)


def test_ended_objects_neither_vanish_nor_are_found(city: City, tmp_path: Path) -> None:
    """What has ended is not current: a row at its place is a new object."""
    codes = first(city, tmp_path, row(10, 10), row(30, 10))
    for code in codes:
        city.retire(code, TODAY)
    result = again(city, tmp_path, row(10.2, 10))
    assert kinds(result.comparison) == {"added": [1]}


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"area": "110101006"}, "The nearest code is 110101005."),
        ({"area": STREET, "classes": ("没有此类",)}, "is no component class"),
        ({"area": STREET, "accept_vanished": True, "ended_on": "2999-01-01"}, "has not come yet"),
        ({"area": STREET, "accept_vanished": True, "ended_on": "soon"}, "is not a date"),
        ({"area": STREET, "accept_vanished": True, "ended_on": "2020-01-01"}, "cannot end on 2020-01-01"),
        ({"area": STREET, "ended_on": "2020-01-01"}, "Give --accept-vanished too"),
        ({"area": None}, "belong together"),
        ({"resurvey": False, "area": STREET}, "belong together"),
        ({"resurvey": False, "area": None, "accept_vanished": True}, "option of a second survey"),
    ],
)
def test_refused_calls(city: City, tmp_path: Path, given: dict[str, Any], part: str) -> None:
    """Nothing is written, and the sentence says what to give."""
    first(city, tmp_path, row(10, 10), row(30, 10))
    before = city.summary()
    with pytest.raises(ArgumentError) as error:
        city.import_components(features(tmp_path / "s.geojson", [row(10, 10)]), **{"resurvey": True, **given})
    assert part in str(error.value)
    assert city.summary() == before


def test_refused_areas(city: City, tmp_path: Path) -> None:
    """A file of no rows, of points or of a crossed polygon is no area; one without a system is refused."""
    points = features(tmp_path / "points.geojson", [{"shape": place(1, 1)}])
    bow = shapely.Polygon([place(0, 0), place(9, 9), place(9, 0), place(0, 9)])
    crossed = features(tmp_path / "crossed.geojson", [{"shape": square(0, 0)}, {"shape": bow}])
    empty = features(tmp_path / "empty.geojson", [])
    for path, part in ((points, "row 1 is no polygon"), (crossed, "row 2 is not valid"), (empty, "no row")):
        with pytest.raises(SourceError) as refused:
            again(city, tmp_path, row(10, 10), area=path)
        assert part in str(refused.value)
    with pytest.raises(ArgumentError, match="neither a code"):
        again(city, tmp_path, row(10, 10), area="11O101")
    undeclared = tmp_path / "area.csv"
    undeclared.write_text(f'wkt\n"{square(0, 0).wkt}"\n', encoding="utf-8")
    with pytest.raises(ReferenceSystemError, match="area's own file"):
        again(city, tmp_path, row(10, 10), area=undeclared)


# Ending, taking back, telling.


def test_accepted_and_taken_back(city: City, tmp_path: Path) -> None:
    """What vanished ends on the day, with its history; undo makes the city what it was."""
    a, b = first(city, tmp_path, row(10, 10), row(40, 10))
    before = contents(city, "components")
    dry = again(city, tmp_path, row(10.5, 10), accept_vanished=True, dry_run=True)
    assert kinds(dry.comparison) == {"changed": [a], "vanished": [b]}
    assert contents(city, "components") == before
    result = again(city, tmp_path, row(10.5, 10), accept_vanished=True, ended_on="2024-06-01")
    assert result.comparison.ended_on == "2024-06-01"
    assert city.store.rows("components", ("until",), {"code": b}) == [("2024-06-01",)]
    assert [(event.kind, event.moved_m) for event in city.history(a)] == [("added", None), ("moved", 0.5)]
    assert [event.kind for event in city.history(b)] == ["added", "retired"]
    assert city.history(b)[-1].receipt == result.receipt.id
    options = json.loads(city.log()[0].receipt.options)
    assert (options["resurvey"], options["area"], options["accept_vanished"]) == (True, STREET, True)
    city.undo()
    assert contents(city, "components") == before


def test_one_delivery_of_many_files(city: City, tmp_path: Path) -> None:
    """A folder is compared as a whole; each file names what vanished of its classes; undo takes all back."""
    lamp, grate, gone = first(city, tmp_path, row(10, 10), row(30, 10, GRATE), row(50, 10, GRATE))
    before = contents(city, "components")
    folder = tmp_path / "delivery"
    folder.mkdir()
    for name, east in ((LAMP, 10.5), (GRATE, 30.5)):
        rows = [{"shape": place(east, 10), **QUIET}]
        features(folder / f"{name}.geojson", rows)
    result = city.import_components(folder, resurvey=True, area=STREET, accept_vanished=True)
    assert {kind: sorted(codes) for kind, codes in kinds(result.comparison).items()} == {
        "changed": sorted([lamp, grate]),
        "vanished": [gone],
    }
    of_files = {one.label: rules(one).get("component-vanished", 0) for one in result.files}
    assert of_files == {f"{LAMP}.geojson": 0, f"{GRATE}.geojson": 1}
    assert sorted(set(result.comparison.file)) == ["", *sorted(of_files)]
    city.undo()
    assert contents(city, "components") == before


def test_parts_are_one_survey(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file taken in parts of two rows is told as one that is taken whole."""
    first(city, tmp_path, *(row(10 + 20 * i, 10) for i in range(7)))
    rows = [row(10.3 + 20 * i, 10 + i % 2, state="破损" if i == 3 else "完好") for i in range(1, 7)]
    rows += [row(20, 80), row(10 + 20 * 2, 10)]
    told = []
    for part in (100_000, 2):
        monkeypatch.setattr("gridcity.importing.parts.PART_ROWS", part)
        monkeypatch.setattr("gridcity.importing.resurvey.PART_ROWS", part)
        found = again(city, tmp_path, *rows, dry_run=True).comparison
        told.append((kinds(found), found.row.tolist(), changes(found), found.candidates.tolist()))
    assert told[0] == told[1]
    assert {"added", "changed", "vanished", "unchanged"} <= told[0][0].keys()


def test_a_common_shift_is_named(city: City, tmp_path: Path) -> None:
    """Objects found by code that all lie off as GCJ-02 does are taken, with the figure."""
    spots = [(10.0 + 5 * i, 10.0 + 8 * (i % 7)) for i in range(14)]
    codes = first(city, tmp_path, *(row(*spot) for spot in spots))
    shifted = []
    for code, spot in zip(codes, spots, strict=True):
        lng, lat = wgs84_to_gcj02(place(*spot).x, place(*spot).y)
        shifted.append({**row(0, 0, code=code), "shape": shapely.Point(lng, lat)})
    result = again(city, tmp_path, *shifted, dry_run=True)
    (message,) = about(result, "datum-suspect").values()
    assert "GCJ-02" in message
    assert "m to the" in message
    assert result.comparison.counts()["moved"] == 14


# Properties.

PLACES = st.lists(
    st.tuples(st.integers(0, 16), st.integers(0, 20), st.sampled_from([LAMP, GRATE])),
    max_size=10,
    unique=True,
)
CALM = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows_of(places: list[tuple[int, int, str]]) -> list[dict[str, Any]]:
    return [row(1 + east * 10.0, 1 + north * 10.0, name) for east, north, name in places]


@CALM
@given(PLACES)
def test_same_survey_twice_changes_nothing(ready: City, tmp_path: Path, places: Any) -> None:
    """Every row is unchanged and nothing vanishes."""
    with survey.copied(ready, tmp_path / "twice.gpkg") as city:
        city.import_components(features(tmp_path / "rows.geojson", rows_of(places)))
        before = contents(city, "components")
        result = again(city, tmp_path, *rows_of(places), accept_vanished=True)
        assert set(result.comparison.kind) <= {"unchanged"}
        assert len(result.comparison) == len(places)
        assert contents(city, "components") == before


@CALM
@given(PLACES)
def test_survey_of_nothing_loses_all_of_its_class_in_the_area(
    ready: City, tmp_path: Path, places: Any
) -> None:
    """Lamps in the community vanish, all of them; grates and what stands elsewhere never do."""
    with survey.copied(ready, tmp_path / "nothing.gpkg") as city:
        city.import_components(features(tmp_path / "rows.geojson", rows_of(places)))
        result = again(city, tmp_path, area=HAIYUNCANG, class_text=LAMP)
        east = square(0, 0, 1, 2)
        expected = sum(
            name == LAMP and place(1 + x * 10.0, 1 + y * 10.0).intersects(east) for x, y, name in places
        )
        assert result.comparison.counts()["vanished"] == expected
        assert set(result.comparison.class_name) <= {LAMP}


@CALM
@given(PLACES, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(
    ready: City, tmp_path: Path, places: Any, chance: random.Random
) -> None:
    """Shuffled rows are the same objects, with the same distances."""
    new = []
    for east, north, name in places:
        if chance.random() < 0.8:
            new.append(row(1 + east * 10.0 + chance.uniform(-4, 4), 1 + north * 10.0, name))
        if chance.random() < 0.2:
            new.append(row(1 + east * 10.0 + chance.uniform(-6, 6), 2 + north * 10.0, name))
    order = list(range(len(new)))
    chance.shuffle(order)
    with survey.copied(ready, tmp_path / "order.gpkg") as city:
        city.import_components(features(tmp_path / "rows.geojson", rows_of(places)))
        told = []
        for numbers in (list(range(len(new))), order):
            found = again(city, tmp_path, *(new[i] for i in numbers), dry_run=True).comparison
            row_of = [numbers[number - 1] if number else -1 for number in found.row.tolist()]
            known = np.where(found.kind == "added", "", found.code)
            told.append(
                sorted(zip(row_of, found.kind, known, map(str, found.moved_m), found.candidates, strict=True))
            )
        assert told[0] == told[1]


# Real objects, surveyed a second time by a seeded hand.

WASHINGTON = """
[city]
name = "Washington, D.C."
area_code = "999001"
"""


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not here")
@pytest.mark.parametrize(
    ("name", "class_text", "right"),
    [("bollards", "柔性隔离体", 0.94), ("litter-cans", BIN, 0.999)],
)
def test_real_objects_surveyed_again(tmp_path: Path, name: str, class_text: str, right: float) -> None:
    """Of the objects found again nearly all are right; what was removed and added is told so."""
    truth, found = second_survey(tmp_path, name, class_text)
    told = outcome(truth, found)
    stayed = sum(told["stayed"].values())
    assert told["stayed"]["right"] >= right * stayed
    assert told["stayed"]["wrong"] <= 0.005 * stayed
    assert told["added"]["new"] >= 0.9 * sum(told["added"].values())
    assert told["removed"]["vanished"] >= 0.9 * sum(told["removed"].values())


def second_survey(folder: Path, name: str, class_text: str) -> tuple[dict[str, Any], Comparison]:
    """Import real points, then again: 5 % removed, 2 % moved 5 m, the rest 0.3 m off, 5 % added."""
    document = json.loads((DATA / "washington-dc" / "components" / f"{name}.geojson").read_text("utf-8"))
    xy = np.array(
        sorted({tuple(f["geometry"]["coordinates"][:2]) for f in document["features"] if f["geometry"]})
    )
    chance = np.random.default_rng(20260301)
    per_lng, per_lat = metres_per_degree(float(xy[:, 1].mean()))
    fate = chance.permutation(len(xy)) / len(xy)
    removed, moved = fate < 0.05, (fate >= 0.05) & (fate < 0.07)
    angle = chance.uniform(0, 2 * np.pi, len(xy))
    far = np.where(moved, 5.0, np.abs(chance.normal(0, 0.3, len(xy))))
    step = np.column_stack([np.cos(angle) * far / per_lng, np.sin(angle) * far / per_lat])
    stays = np.flatnonzero(~removed)
    beside = chance.integers(len(xy), size=len(xy) // 20)
    away = chance.uniform(-30, 30, (len(beside), 2)) / [per_lng, per_lat]
    new = np.concatenate([(xy + step)[stays], xy[beside] + away])
    order = chance.permutation(len(new))
    with City.create(folder / f"{name}.gpkg", parse_profile(WASHINGTON)) as city:
        box = shapely.box(*(xy.min(axis=0) - 0.01), *(xy.max(axis=0) + 0.01))
        area = folder / "area.geojson"
        features(area, [{"shape": box, "name": "Washington", "code": "999001"}])
        city.import_areas(area, level="district", crs="EPSG:4326")
        for number, points in enumerate((xy, new[order])):
            rows = [f"{lng!r},{lat!r}" for lng, lat in points.tolist()]
            (folder / f"{number}.csv").write_text("\n".join(["lng,lat", *rows]), encoding="utf-8")
        given = {"crs": "EPSG:4326", "class_text": class_text}
        city.import_components(folder / "0.csv", **given)
        codes = np.array([code for (code,) in city.store.rows("components", ("code",))], dtype=object)
        result = city.import_components(folder / "1.csv", resurvey=True, area="999001", **given)
    # What each row of the second survey is: the position of its object, -1 for an added one.
    is_ = np.concatenate([stays, np.full(len(beside), -1)])[order]
    assert result.comparison is not None
    return {"codes": codes, "is": is_, "moved": moved, "removed": removed}, result.comparison


def outcome(truth: dict[str, Any], found: Comparison) -> dict[str, Counter[str]]:
    """Count how the objects that stayed, moved, were added and removed were told."""
    told: dict[str, Counter[str]] = {
        kind: Counter() for kind in ("stayed", "moved 5 m", "added", "removed", "vanished")
    }
    position = {code: i for i, code in enumerate(truth["codes"].tolist())}
    for kind, number, code in zip(found.kind, found.row.tolist(), found.code, strict=True):
        if kind == "vanished":
            really = truth["removed"][position[code]]
            told["vanished"][
                "right" if really else "moved" if truth["moved"][position[code]] else "wrong"
            ] += 1
            told["removed"]["vanished"] += int(really)
            continue
        is_ = int(truth["is"][number - 1])
        whose = "added" if is_ < 0 else "moved 5 m" if truth["moved"][is_] else "stayed"
        if kind in ("added", "ambiguous"):
            told[whose]["new" if kind == "added" else "asked"] += 1
        else:
            told[whose]["right" if position[code] == is_ else "wrong"] += 1
    told["removed"]["not told"] = int(truth["removed"].sum()) - told["removed"]["vanished"]
    return told
