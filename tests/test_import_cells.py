"""Import of cells: codes of two lengths, numbering, and what moves when cells arrive."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
import survey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from survey import (
    BEIXINCANG,
    HAIYUNCANG,
    MIDDLE,
    NEW,
    OLD,
    SIDE,
    SOUTH,
    STREET,
    WEST,
    about,
    balance,
    column,
    contents,
    digest,
    features,
    profile,
    rules,
    spot,
    square,
    why,
)

from gridcity import City
from gridcity.errors import SourceError
from gridcity.importing import shapes


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city with areas and without cells; only to be copied."""
    folder = tmp_path_factory.mktemp("ready")
    city = City.create(folder / "city.gpkg", profile())
    survey.areas(city, folder)
    return city


@pytest.fixture
def city(ready: City, tmp_path: Path) -> Iterator[City]:
    with survey.copied(ready, tmp_path / "city.gpkg") as opened:
        yield opened


def cell(column: float, row: float, **more: Any) -> dict[str, Any]:
    return {"shape": square(column, row), **more}


def cells_in(city: City, folder: Path, *rows: dict[str, Any], name: str = "cells", **options: Any) -> Any:
    return city.import_cells(features(folder / f"{name}.geojson", rows), **options)


FOUR = [cell(column, row, note=f"{column}{row}") for column in (0, 1) for row in (0, 1)]


@st.composite
def defective_cells(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Small files of cells in which every rule that costs a row is broken now and then."""
    bow = shapely.Polygon([spot(*at) for at in ((0, 0), (1, 1), (1, 0), (0, 1))])
    places = [square(*at) for at in ((0, 0), (0, 1), (1, 0), (1, 1), (3, 3))]
    codes = [f"{HAIYUNCANG}001", f"{HAIYUNCANG}017", f"{BEIXINCANG}02", "11010100500100", "12", "abc"]
    row = st.fixed_dictionaries(
        {
            "shape": st.sampled_from(places * 2 + [None, bow, spot(0.5, 0.5)]),
            "code": st.sampled_from([""] * 5 + codes),
            "id": st.sampled_from(["", "a", "b"]),
            "name": st.sampled_from(["", "", "甲"]),
            "initial_date": st.sampled_from(["", "", "20240101", "20241301"]),
        }
    )
    return draw(st.lists(row, max_size=6))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(defective_cells(), st.booleans(), st.booleans(), st.randoms(use_true_random=False))
def test_balance_holds_for_every_survey(
    ready: City,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    keyed: bool,
    number: bool,
    chance: random.Random,
) -> None:
    """read = added + changed + unchanged + rejected; twice changes nothing; order decides no rejection."""
    options: dict[str, Any] = {"number": number, "allow_overlaps": True}
    options |= {"key": "id"} if keyed and rows else {}
    path = features(tmp_path / "rows.geojson", rows)
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        first = city.import_cells(path, **options)
        added = balance(first)[0]
        before = contents(city, "cells")
        second = city.import_cells(path, **options)
        assert balance(second)[:2] == (0, 0)
        assert (why(second), contents(city, "cells")) == (why(first), before)
    order = list(range(len(rows)))
    chance.shuffle(order)
    shuffled = features(tmp_path / "shuffled.geojson", [rows[i] for i in order])
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        other = city.import_cells(shuffled, **options)
        assert balance(other)[0] == added
        assert {order[row - 1] + 1: rule for row, rule in why(other).items()} == why(first)


def test_cells_are_numbered_north_to_south_west_to_east(city: City, tmp_path: Path) -> None:
    """In each community the northern row comes first and in it the western cell: worked by hand."""
    rows = [
        {"shape": square(column / 2, row / 2, 0.5, 0.5), "note": f"{column}{row}"}
        for row in (0, 1, 2, 3)
        for column in (3, 1, 0, 2)
    ]
    result = cells_in(city, tmp_path, *rows, number=True)
    assert balance(result) == (16, 0, 0, 0)
    assert rules(result) == {}
    found = dict(city.store.rows("cells", ("note", "code")))
    west = ["03", "13", "02", "12", "01", "11", "00", "10"]
    east = ["23", "33", "22", "32", "21", "31", "20", "30"]
    assert [found[note] for note in west] == [f"{HAIYUNCANG}{n:03d}" for n in range(1, 9)]
    assert [found[note] for note in east] == [f"{BEIXINCANG}{n:03d}" for n in range(1, 9)]
    assert set(column(city, "cells", "edition")) == {NEW}


def test_unnumbered_cells_stay_the_same_cells(city: City, tmp_path: Path) -> None:
    """Without number no cell is coded, with a finding; numbered later each keeps its id, then its code."""
    first = cells_in(city, tmp_path, *FOUR)
    assert set(about(first, "cell-uncoded").values()) == {"the cell has no code: it was not numbered"}
    result = cells_in(city, tmp_path, *FOUR, number=True)
    assert balance(result) == (0, 4, 0, 0)
    assert column(city, "cells", "fid") == [1, 2, 3, 4]
    assert balance(cells_in(city, tmp_path, *FOUR, number=True)) == (0, 0, 4, 0)
    assert balance(cells_in(city, tmp_path, *FOUR)) == (0, 0, 4, 0)
    assert all(column(city, "cells", "code"))


def test_rings_that_run_the_other_way_change_nothing(city: City, tmp_path: Path) -> None:
    """A cell whose ring comes back in the other direction, as in another format, is the same shape."""
    cells_in(city, tmp_path, *FOUR)
    turned = [{**row, "shape": row["shape"].reverse()} for row in FOUR]
    assert turned[0]["shape"].exterior.is_ccw != FOUR[0]["shape"].exterior.is_ccw
    assert balance(cells_in(city, tmp_path, *turned)) == (0, 0, 4, 0)


def test_reasons_why_a_cell_has_no_code(city: City, tmp_path: Path) -> None:
    """A cell in no community, and one whose community has no code, stay uncoded even when numbered."""
    nameless = {"shape": square(2, 0), "name": "无何有之乡", "level": "community"}
    city.import_areas(features(tmp_path / "area.geojson", [nameless]))
    result = cells_in(city, tmp_path, cell(0, 0), cell(2, 0), cell(5, 5), number=True)
    assert about(result, "cell-uncoded") == {
        2: "the cell has no code: its community has none",
        3: "the cell has no code: it lies in no community",
    }
    assert column(city, "cells", "code") == [f"{HAIYUNCANG}001", "", ""]


def test_serials_go_on_after_codes_that_arrived(city: City, tmp_path: Path) -> None:
    """Numbering continues above the highest serial delivered, in the same file or before, retired or not."""
    cells_in(city, tmp_path, cell(0, 0, code=f"{HAIYUNCANG}017"))
    survey.changed_by_hand(city, "cells", [1], until="2025-01-01")
    rows = [cell(0, 1, code=""), cell(1, 0, code=f"{BEIXINCANG}005"), cell(1, 1, code="")]
    cells_in(city, tmp_path, *rows, number=True)
    assert column(city, "cells", "code")[1:] == [
        f"{HAIYUNCANG}018",
        f"{BEIXINCANG}005",
        f"{BEIXINCANG}006",
    ]


def test_codes_of_two_lengths_stand_side_by_side(city: City, tmp_path: Path) -> None:
    """14 and 15 digits are kept with their editions, and each counts its own serials."""
    rows = [cell(0, 0, code=f"{HAIYUNCANG}05"), cell(0, 1, code=f"{HAIYUNCANG}005"), cell(0.5, 0.5, code="")]
    result = cells_in(city, tmp_path, *rows, number=True, allow_overlaps=True)
    assert balance(result) == (3, 0, 0, 0)
    assert city.store.rows("cells", ("code", "edition")) == [
        (f"{HAIYUNCANG}05", OLD),
        (f"{HAIYUNCANG}005", NEW),
        (f"{HAIYUNCANG}006", NEW),
    ]


@pytest.mark.filterwarnings("ignore::gridcity.codes.ProvisionalEditionWarning")
def test_two_editions_of_fifteen_digits_never_meet(city: City, tmp_path: Path) -> None:
    """A serial delivered under one edition of 15 digits is not given again under the other."""
    cells_in(city, tmp_path, cell(0, 0, code=f"{HAIYUNCANG}001"), edition=MIDDLE)
    result = cells_in(city, tmp_path, cell(0, 1), number=True, name="more")
    assert balance(result) == (1, 0, 0, 0)
    assert column(city, "cells", "code") == [f"{HAIYUNCANG}001", f"{HAIYUNCANG}002"]


@pytest.mark.filterwarnings("ignore::gridcity.codes.ProvisionalEditionWarning")
def test_fifteen_digits_are_ambiguous_without_a_word(tmp_path: Path) -> None:
    """In a city of 2007 alone 15 digits have two readings: the row is rejected until an edition is named."""
    with City.create(tmp_path / "city.gpkg", profile(edition=OLD, older="")) as city:
        row = cell(0, 0, code=f"{HAIYUNCANG}001")
        result = cells_in(city, tmp_path, row)
        assert why(result) == {1: "code-ambiguous"}
        assert balance(cells_in(city, tmp_path, row, edition=NEW)) == (1, 0, 0, 0)


def test_two_digits_of_serial_end_at_ninety_nine(tmp_path: Path) -> None:
    """Under cjt214-2007 a community has 99 cells: the hundredth stays uncoded with a finding, and is kept."""
    with City.create(tmp_path / "city.gpkg", profile(edition=OLD, older="")) as city:
        survey.areas(city, tmp_path)
        rows = [{"shape": square(0.05 + 0.009 * i, 0.5, 0.009, 0.1)} for i in range(100)]
        result = cells_in(city, tmp_path, *rows, number=True)
        assert balance(result) == (100, 0, 0, 0)
        assert about(result, "cell-serials-full") == {
            100: f"community {HAIYUNCANG} has used all 99 serials; the cell stays uncoded"
        }
        assert column(city, "cells", "code") == [f"{HAIYUNCANG}{n:02d}" for n in range(1, 100)] + [""]


PLANTED = [
    ({"shape": None}, "geometry-missing"),
    ({"shape": spot(0.5, 0.5)}, "geometry-kind"),
    ({"shape": shapely.Polygon([spot(*at) for at in ((0, 0), (1, 1), (1, 0), (0, 1))])}, "geometry-invalid"),
    ({"code": "1101010050010O1"}, "code-malformed"),
    ({"code": "１１０１０１００５００１００１"}, "code-malformed"),
    ({"code": "110101005001"}, "code-malformed"),
    ({"code": f"{HAIYUNCANG}000"}, "code-malformed"),
    ({"initial_date": "20241301"}, "date-malformed"),
    ({"end_date": "1/2/2024"}, "date-malformed"),
]


@pytest.mark.parametrize(("defect", "rule"), PLANTED, ids=lambda value: str(value)[:40])
def test_one_defect_costs_one_row(city: City, tmp_path: Path, defect: dict[str, Any], rule: str) -> None:
    """A cell with one defect is rejected by its rule and kept; the others are taken."""
    result = cells_in(city, tmp_path, cell(0, 0), cell(0, 1) | defect, cell(1, 0))
    assert balance(result) == (2, 0, 0, 1)
    assert why(result) == {2: rule}


def test_one_code_or_key_with_two_contents_costs_both(city: City, tmp_path: Path) -> None:
    """Cells that claim one code or one key and differ are rejected and name each other."""
    code = f"{HAIYUNCANG}001"
    result = cells_in(city, tmp_path, cell(0, 0, code=code), cell(0, 1, code=code))
    assert about(result, "code-duplicate") == {
        1: f"the code '{code}' is also on row 2, with other content",
        2: f"the code '{code}' is also on row 1, with other content",
    }
    result = cells_in(city, tmp_path, cell(0, 0, id="7"), cell(0, 1, id="7"), key="id")
    assert why(result) == {1: "key-duplicate", 2: "key-duplicate"}
    result = cells_in(city, tmp_path, cell(0, 0, note="a"), cell(0, 0, note="b"))
    assert why(result) == {1: "place-duplicate", 2: "place-duplicate"}


def test_cells_of_one_place_agree_in_what_is_read(city: City, tmp_path: Path) -> None:
    """Cells that differ only in a column that is not read are one cell."""
    result = cells_in(city, tmp_path, cell(0, 0, OBJECTID="1"), cell(0, 0, OBJECTID="2"))
    assert balance(result) == (1, 0, 1, 0)
    assert rules(result, "cell-uncoded") == {"duplicate-identical": 1}


def test_cells_far_outside_the_areas_are_not_kept(city: City, tmp_path: Path) -> None:
    """A cell more than a kilometre beyond the areas is rejected; where there are no areas none is."""
    rows = [cell(0, 0), cell(2 + 10.6, 0), cell(2 + 10.8, 1)]
    result = cells_in(city, tmp_path, *rows)
    assert why(result) == {3: "outside-city"}
    with City.create(tmp_path / "bare.gpkg", profile()) as bare:
        assert balance(cells_in(bare, tmp_path, *rows)) == (3, 0, 0, 0)


def test_key_stays_with_its_cell(city: City, tmp_path: Path) -> None:
    """A key, with its column, is not lost by a file without it, and finds a cell whose border moved."""
    cells_in(city, tmp_path, cell(0, 0, id="7"), key="id")
    assert balance(cells_in(city, tmp_path, cell(0, 0))) == (0, 0, 1, 0)
    moved = {"shape": square(0, 0, 1, 0.9), "id": "7"}
    assert balance(cells_in(city, tmp_path, moved, key="id")) == (0, 1, 0, 0)
    assert city.store.rows("cells", ("fid", "key")) == [(1, "id=7")]


def test_code_that_comes_later_is_received(city: City, tmp_path: Path) -> None:
    """An uncoded cell delivered again with a code is the same cell, not a second one upon it."""
    cells_in(city, tmp_path, cell(0, 0))
    result = cells_in(city, tmp_path, cell(0, 0, code=f"{HAIYUNCANG}009"))
    assert balance(result) == (0, 1, 0, 0)
    assert rules(result) == {}
    assert city.store.rows("cells", ("fid", "code")) == [(1, f"{HAIYUNCANG}009")]


def test_code_of_another_community_is_a_doubt(city: City, tmp_path: Path) -> None:
    """A cell whose code names another community than it lies in is kept, with a finding."""
    result = cells_in(city, tmp_path, cell(0, 0, code=f"{BEIXINCANG}001"))
    assert about(result, "cell-code-area") == {
        1: f"the code '{BEIXINCANG}001' names community {BEIXINCANG}, the cell lies in {HAIYUNCANG}"
    }


def test_overlap_is_named_with_its_size(city: City, tmp_path: Path) -> None:
    """Cells of the file that overlap others are named with the common area, once, by the row of this file."""
    cells_in(city, tmp_path, cell(0, 0, code=f"{HAIYUNCANG}001"))
    rows = [{"shape": square(0.9, 0)}, {"shape": square(0, 1)}]
    result = cells_in(city, tmp_path, *rows, name="more", allow_overlaps=True)
    ((row, message),) = about(result, "cell-overlap").items()
    assert row == 1
    assert message.startswith(f"the cell overlaps cell {HAIYUNCANG}001 by 9")
    # A tenth of a cell of 85.4 by 111.0 m.
    assert float(message.split(" by ")[1].split(" ")[0]) == pytest.approx(948.6, abs=1.0)


def test_area_is_that_on_the_ellipsoid(city: City, tmp_path: Path) -> None:
    """The stored area of a cell agrees with the geodesic one to a millionth part."""
    from pyproj import Geod

    cells_in(city, tmp_path, cell(0, 0), {"shape": square(1, 0, 0.3, 0.7)})
    geod = Geod(ellps="GRS80")
    shapes = city.store.columns("cells", ("geom",))["geom"]
    exact = [abs(geod.geometry_area_perimeter(shape)[0]) for shape in shapes]
    assert column(city, "cells", "area_m2") == pytest.approx(exact, rel=2e-6)


def test_components_find_their_cell_when_it_comes_after_them(city: City, tmp_path: Path) -> None:
    """Components imported first stand in no cell; once the cells are there they stand in them."""
    rows = [{"shape": spot(column + 0.5, 0.5), "class_name": "路灯"} for column in (0, 1, 2)]
    city.import_components(features(tmp_path / "lamps.geojson", rows))
    assert column(city, "components", "cell_id") == [None, None, None]
    cells_in(city, tmp_path, *FOUR)
    notes = dict(city.store.rows("cells", ("fid", "note")))
    assert [notes.get(i) for i in column(city, "components", "cell_id")] == ["00", "10", None]


def test_dates_of_a_cell(city: City, tmp_path: Path) -> None:
    """A cell with an end date is no current cell: it is kept and found unchanged, and located no more."""
    row = cell(0, 0, initial_date="20100101", end_date="2020-12-31")
    cells_in(city, tmp_path, row)
    assert city.store.rows("cells", ("since", "until")) == [("2010-01-01", "2020-12-31")]
    assert balance(cells_in(city, tmp_path, row)) == (0, 0, 1, 0)
    assert city.locate(*spot(0.5, 0.5).coords[0]).basis == "outside"


def test_multipolygon_and_polygon_are_one_cell(city: City, tmp_path: Path) -> None:
    """A cell delivered once as polygon and once as multipolygon of it is unchanged."""
    cells_in(city, tmp_path, cell(0, 0))
    again = {"shape": shapely.MultiPolygon([square(0, 0)])}
    assert balance(cells_in(city, tmp_path, again)) == (0, 0, 1, 0)


def test_dry_run_numbers_and_writes_nothing(city: City, tmp_path: Path) -> None:
    """A dry run shows what numbering would do and leaves every byte; the real run gives the same serials."""
    before = digest(city.path)
    dry = cells_in(city, tmp_path, *FOUR, number=True, dry_run=True)
    assert balance(dry) == (4, 0, 0, 0)
    assert digest(city.path) == before
    cells_in(city, tmp_path, *FOUR, number=True)
    assert sorted(column(city, "cells", "code"))[0] == f"{HAIYUNCANG}001"


def test_street_of_a_cell_without_community(city: City, tmp_path: Path) -> None:
    """A cell in a street but in none of its communities belongs to the street."""
    wide = {"shape": square(0, 0, 3, 3), "code": STREET, "name": "北新桥街道"}
    city.import_areas(features(tmp_path / "street.geojson", [wide]))
    cells_in(city, tmp_path, cell(2, 2))
    assert city.store.rows("cells", ("community_id", "street_id")) == [(None, 1)]


def test_a_cell_that_has_ended_does_not_begin_again(tmp_path: Path) -> None:
    """A later file with a blank end date leaves the end of a cell as it is."""
    with survey.built(tmp_path) as city:
        survey.changed_by_hand(city, "cells", [1], until="2025-01-01")
        row = {"shape": square(0, 0), "end_date": "", "note": "00"}
        city.import_cells(features(tmp_path / "again.geojson", [row]))
        assert survey.column(city, "cells", "until")[0] == "2025-01-01"


def test_the_code_of_an_ended_cell_is_not_given_to_another_shape(tmp_path: Path) -> None:
    """A row with the code of a cell that has ended is rejected; the same cell delivered again is not."""
    with survey.built(tmp_path) as city:
        code = survey.column(city, "cells", "code")[0]
        before = survey.contents(city, "cells")[0]
        survey.changed_by_hand(city, "cells", [1], until="2025-01-01")
        row = {"shape": square(0.2, 0.2, 0.5, 0.5), "code": code}
        result = city.import_cells(features(tmp_path / "other.geojson", [row]))
        assert survey.why(result) == {1: "code-retired"}
        same = {"shape": square(0, 0), "code": code}
        assert survey.balance(city.import_cells(features(tmp_path / "same.geojson", [same])))[3] == 0
        assert survey.contents(city, "cells")[0][:3] == before[:3]


# Numbers are those of the table of bad input in the design of the project.


def test_case_57_overlapping_cells_refuse_the_file(city: City, tmp_path: Path) -> None:
    """A file with overlapping cells is refused with rows, codes and areas, and nothing of it is kept."""
    cells_in(city, tmp_path, cell(1, 0, code=f"{BEIXINCANG}001"))
    before = contents(city, "cells"), contents(city, "receipts")
    rows = [cell(0, 0, code=f"{HAIYUNCANG}001"), {"shape": square(0, 0.9, 1.1, 0.5)}, cell(0.75, 1.5)]
    with pytest.raises(SourceError) as refused:
        cells_in(city, tmp_path, *rows, name="more")
    assert refused.value.code == "E_OVERLAP"
    assert refused.value.message == (
        f"more.geojson: cells overlap in 2 places: row 1 ({HAIYUNCANG}001) and row 2 by 949.11 m²; "
        f"row 2 and cell {BEIXINCANG}001 of the city by 94.91 m². Nothing was taken."
    )
    assert "--allow-overlaps" in refused.value.hint
    assert (contents(city, "cells"), contents(city, "receipts")) == before
    result = cells_in(city, tmp_path, *rows, name="more", allow_overlaps=True)
    assert balance(result) == (3, 0, 0, 0)
    assert rules(result, "cell-uncoded") == {"cell-overlap": 2}


def test_case_57_many_overlaps_are_counted(city: City, tmp_path: Path) -> None:
    """A refusal names the first five pairs and says how many more there are."""
    rows = [cell(0.01 * i, 0.01 * i) for i in range(5)]
    with pytest.raises(SourceError, match=r"in 10 places: row 1 and row 2 by .*; 5 more\. Nothing was taken"):
        cells_in(city, tmp_path, *rows)


def test_case_57_old_shapes_leave_before_new_ones_come(city: City, tmp_path: Path) -> None:
    """A border that moves between two cells is no overlap, in whatever order the two rows come."""
    west, east = f"{HAIYUNCANG}001", f"{BEIXINCANG}001"
    cells_in(city, tmp_path, cell(0, 0, code=west), cell(1, 0, code=east))
    moved = [{"shape": square(0, 0, 1.2, 1), "code": west}, {"shape": square(1.2, 0, 0.8, 1), "code": east}]
    result = cells_in(city, tmp_path, *moved, name="moved")
    assert (balance(result), rules(result)) == ((0, 2, 0, 0), {})
    with pytest.raises(SourceError, match="in 1 place: row 1"):
        cells_in(city, tmp_path, cell(1, 0, code=east), name="back")


def test_case_57_rows_that_are_rejected_or_ended_are_in_nobodys_way(city: City, tmp_path: Path) -> None:
    """A rejected row and a cell that has ended overlap nothing; rounded vertices are no overlap."""
    rows = [
        cell(0, 0, code="abc"),
        cell(0, 0, note="ended", end_date="20200101"),
        cell(0, 0, note="here", end_date=""),
        {"shape": square(1 - 1e-9, 0)},
    ]
    result = cells_in(city, tmp_path, *rows, key="note")
    assert why(result) == {1: "code-malformed"}
    assert "cell-overlap" not in rules(result)


BOW = shapely.Polygon([spot(*at) for at in ((0, 0), (1, 1), (1, 0), (0, 1))])
SPIKE = shapely.Polygon([spot(*at) for at in ((0, 0), (1, 0), (1, 2), (1, 1), (0, 1))])
FLAT = shapely.Polygon([spot(*at) for at in ((0, 0), (1, 0), (0, 0))])


@pytest.mark.parametrize(
    ("shape", "reason", "area"),
    [
        (BOW, "Self-intersection at 116.4105 39.9305", 0.5),
        (SPIKE, "Ring Self-intersection at 116.411 39.931", 1.0),
    ],
    ids=["bow", "spike"],
)
def test_case_58_invalid_cells(city: City, tmp_path: Path, shape: Any, reason: str, area: float) -> None:
    """A cell that crosses itself is rejected with reason and place, or mended with both areas."""
    row = {"shape": shape}
    rejected = cells_in(city, tmp_path, row)
    assert about(rejected, "geometry-invalid")[1].startswith(f"the geometry is not valid: {reason}")
    result = cells_in(city, tmp_path, row, repair=True)
    assert balance(result) == (1, 0, 0, 0)
    assert rules(result, "cell-uncoded") == {"geometry-repaired": 1}
    (kept,) = city.store.columns("cells", ("geom",))["geom"]
    assert kept.is_valid and kept.geom_type == "MultiPolygon"
    assert kept.area / square(0, 0).area == pytest.approx(area, rel=1e-6)
    message = about(result, "geometry-repaired")[1]
    assert f"became {column(city, 'cells', 'area_m2')[0]:.1f} m²" in message


def test_case_58_nothing_areal_stays_rejected(city: City, tmp_path: Path) -> None:
    """What has no area once it is mended is rejected all the same."""
    result = cells_in(city, tmp_path, {"shape": FLAT}, cell(1, 0), repair=True)
    assert (balance(result), why(result)) == ((1, 0, 0, 1), {1: "geometry-invalid"})


def test_case_58_valid_shapes_are_taken_as_they_are(city: City, tmp_path: Path) -> None:
    """Rings in the other direction, repeated vertices and vertices on an edge are kept without a word."""
    clockwise = shapely.reverse(square(0, 0))
    repeated = shapely.Polygon(
        [spot(*at) for at in ((1, 0), (1, 0), (1.5, 0), (2, 0), (2, 1), (1, 1), (1, 1))]
    )
    for options in ({}, {"repair": True}):
        result = cells_in(city, tmp_path, {"shape": clockwise}, {"shape": repeated}, **options)
        assert rules(result, "cell-uncoded") == {}
    kept = city.store.columns("cells", ("geom",))["geom"]
    assert [list(shape.geoms[0].exterior.coords) for shape in kept] == [
        list(clockwise.exterior.coords),
        list(repeated.exterior.coords),
    ]


def test_case_56_vertices(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand holes are taken; beyond the first limit there is a warning, beyond the second no row."""
    corners = [(0.01 * i, 0.01 * j) for i in range(100) for j in range(100)]
    holes = [square(column + 0.003, row + 0.003, 0.004, 0.004).exterior.coords for column, row in corners]
    row = {"shape": shapely.Polygon(square(0, 0).exterior.coords, holes)}
    result = cells_in(city, tmp_path, row, dry_run=True)
    assert (balance(result), rules(result, "cell-uncoded")) == ((1, 0, 0, 0), {})
    monkeypatch.setattr(shapes, "LARGE", 50_004)
    result = cells_in(city, tmp_path, row, dry_run=True)
    assert about(result, "geometry-large")[1].startswith("the shape has 50005 vertices;")
    monkeypatch.setattr(shapes, "MOST", 50_004)
    result = cells_in(city, tmp_path, row, cell(1, 0), dry_run=True)
    assert about(result, "geometry-vertices") == {1: "the shape has 50005 vertices, more than 50004"}
    assert balance(result) == (1, 0, 0, 1)


def test_case_57_gaps_are_named_by_check(city: City, tmp_path: Path) -> None:
    """A sliver between cells is no matter of the import; the check of the city names cell, size and place."""
    sliver = 0.2 / 85_500
    east = shapely.box(WEST + SIDE + sliver, SOUTH, WEST + 2 * SIDE, SOUTH + SIDE)
    result = cells_in(city, tmp_path, cell(0, 0), {"shape": east}, cell(0, 1))
    assert rules(result) == {"cell-uncoded": 3}
    (found,) = [finding for finding in city.check() if finding.rule == "cell-gap"]
    assert (found.row, found.field, float(found.value)) == (1, "cells.geom", pytest.approx(22.2, abs=0.1))
    assert found.message.endswith("lies between the cell and its neighbours at 116.411001 39.930500")
