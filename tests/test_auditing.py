"""The rules over a stored city: each defect is found alone, and a clean city has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
import survey
from survey import BEIXINCANG, HAIYUNCANG, STREET, changed_by_hand, features, spot, square, table

from gridcity import City
from gridcity.findings import Finding

CREDIT = "91350100M000100Y43"
LAMP = {"class_name": "路灯", "state": "完好", "initial_date": "20240301", "maintainer_name": "样例公司"}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city without a defect; only to be copied."""
    folder = tmp_path_factory.mktemp("clean")
    city = survey.built(folder)
    rows = [{"shape": spot(0.3 + column, 0.5), **LAMP} for column in (0, 1)]
    city.import_components(features(folder / "lamps.geojson", rows))
    city.import_parties(table(folder / "parties.csv", [{"code": CREDIT, "name": "样例公司"}]))
    duty = {"party_code": CREDIT, "place_code": STREET, "class_name": "路灯"}
    city.import_duties(table(folder / "duties.csv", [duty, duty | {"place_code": "110101"}]))
    return city


@pytest.fixture
def city(clean: City, tmp_path: Path) -> Iterator[City]:
    with survey.copied(clean, tmp_path / "city.gpkg") as opened:
        yield opened


def test_clean_city_has_no_finding(clean: City) -> None:
    """Nothing is found in a city in which nothing is wrong."""
    assert list(clean.check()) == []


def test_empty_city_has_no_finding(tmp_path: Path) -> None:
    """A city without a row has nothing to find."""
    with City.create(tmp_path / "city.gpkg", survey.profile()) as city:
        assert city.check().counts() == {}


def by_hand(table_name: str, fid: int, **values: Any) -> Callable[[City], None]:
    return lambda city: changed_by_hand(city, table_name, [fid], **values)


def moved(table_name: str, fid: int, shape: Any) -> Callable[[City], None]:
    return lambda city: changed_by_hand(city, table_name, [fid], geom=shape)


CROSSED = shapely.Polygon([spot(*place) for place in ((0.2, 0.2), (0.3, 0.3), (0.3, 0.2), (0.2, 0.3))])

# What is done to the clean city, and the findings it must then have: rule, row, field, part of the message.
DEFECTS: list[tuple[Callable[[City], None], list[tuple[str, int, str, str]]]] = [
    (
        by_hand("areas", 3, code="", name="北宫厅"),
        [
            (
                "area-unlisted",
                3,
                "areas.code",
                f"not in the list of areas below {STREET}; nearest: 北官厅社区居委会 ({STREET}009)",
            )
        ],
    ),
    (
        by_hand("areas", 3, name="门楼社区"),
        [("area-code-name", 3, "areas.name", f"the list names {BEIXINCANG} '北新仓社区居委会'")],
    ),
    (by_hand("areas", 3, parent_id=None), [("area-parent", 3, "areas.parent_id", "lies in no street")]),
    (
        by_hand("cells", 1, code=""),
        [("cell-uncoded", 1, "cells.code", "it was not numbered")],
    ),
    (
        by_hand("cells", 1, code="", community_id=None),
        [("cell-uncoded", 1, "cells.code", "it lies in no community")],
    ),
    (
        by_hand("cells", 1, code=f"{BEIXINCANG}009"),
        [
            (
                "cell-code-area",
                1,
                "cells.code",
                f"names community {BEIXINCANG}, the cell lies in {HAIYUNCANG}",
            )
        ],
    ),
    (
        moved("cells", 2, square(0, 0.9, 1, 1.1)),
        [("cell-overlap", 1, "cells.geom", f"the cell overlaps cell {HAIYUNCANG}001 by 94")],
    ),
    (
        by_hand("components", 1, code="11010201037000001"),
        [
            (
                "component-code-district",
                1,
                "components.code",
                "names district 110102, the object stands in 110101",
            )
        ],
    ),
    (
        by_hand("components", 1, code="11010101004000001"),
        [("component-code-class", 1, "components.code", "names class 01004, the row says 01037")],
    ),
    (
        moved("components", 1, spot(2.5, 0.5)),
        [("component-outside", 1, "components.geom", "the object stands in no cell")],
    ),
    (
        by_hand("components", 1, declared_cell=f"{HAIYUNCANG}001"),
        [
            (
                "component-cell",
                1,
                "components.declared_cell",
                f"names cell '{HAIYUNCANG}001', the object stands in {HAIYUNCANG}002",
            )
        ],
    ),
    (
        by_hand("components", 1, declared_cell=f"{HAIYUNCANG}02"),
        [
            (
                "component-cell-unknown",
                1,
                "components.declared_cell",
                f"names cell '{HAIYUNCANG}02', which this city does not have",
            )
        ],
    ),
    (
        by_hand("components", 1, code="1101010103700000X"),
        [("code-malformed", 1, "components.code", "no component code of gbt47678.5-2026")],
    ),
    (
        by_hand("components", 1, class_code="01998", code="11010101998000001"),
        [("class-unknown", 1, "components.class_code", "'01998' is no class of gbt47678.5-2026")],
    ),
    (
        moved("components", 1, CROSSED),
        [("geometry-invalid", 1, "components.geom", "Self-intersection")],
    ),
    (
        moved("components", 1, square(0.2, 0.8, 0.1, 0.4)),
        [("component-many-cells", 1, "components.geom", "the object crosses 2 cells")],
    ),
    (
        by_hand("components", 1, maintainer_name="无", owner_code="00000000"),
        [("component-no-party", 1, "components.maintainer_name", "no maintainer, owner or supervisor")],
    ),
    (
        moved("components", 2, spot(0.3, 0.5)),
        [
            ("component-place-shared", 1, "components.geom", "the same place: 11010101037000002"),
            ("component-place-shared", 2, "components.geom", "the same place: 11010101037000001"),
        ],
    ),
    (
        moved("components", 2, shapely.Point(spot(0.3, 0.5).x, spot(0.3, 0.5).y + 0.0000045)),
        [
            ("component-near", 1, "components.geom", "stands 0.50 m away: 11010101037000002"),
            ("component-near", 2, "components.geom", "stands 0.50 m away: 11010101037000001"),
        ],
    ),
    (by_hand("components", 1, state="??"), [("state-unknown", 1, "components.state", "possible: 完好")]),
    (by_hand("components", 1, state=""), [("state-missing", 1, "components.state", "no state")]),
    (
        by_hand("components", 1, initial_date=""),
        [("date-missing", 1, "components.initial_date", "no initial date")],
    ),
    (
        by_hand("components", 1, initial_date="2999-01-01"),
        [("date-future", 1, "components.initial_date", "2999-01-01 lies in the future")],
    ),
    (
        by_hand("components", 1, changed_date="2024-02-29"),
        [("date-order", 1, "components.changed_date", "before the initial date 2024-03-01")],
    ),
    (
        by_hand("parties", 1, code="91350100M000100Y44"),
        [("credit-code", 1, "parties.code", "wrong check digit")],
    ),
    (
        by_hand("duties", 1, party_code="", party_name="别的单位"),
        [("party-unknown", 1, "duties.party_name", "'别的单位' is no party of this city")],
    ),
    (
        by_hand("duties", 1, place_code="110101006"),
        [("place-unknown", 1, "duties.place_code", "'110101006' is no place of this city")],
    ),
]


@pytest.mark.parametrize(("spoil", "expected"), DEFECTS, ids=[found[0][0] for _, found in DEFECTS])
def test_each_defect_is_found_alone(
    city: City, spoil: Callable[[City], None], expected: list[tuple[str, int, str, str]]
) -> None:
    """A city with one defect has its finding, at its row and column, and no other."""
    spoil(city)
    found = list(city.check())

    def fits(finding: Finding, wanted: tuple[str, int, str, str]) -> bool:
        rule, row, field, message = wanted
        return (finding.rule, finding.row, finding.field) == (rule, row, field) and message in finding.message

    assert all(any(fits(finding, wanted) for finding in found) for wanted in expected), found
    assert all(any(fits(finding, wanted) for wanted in expected) for finding in found), found


def test_community_without_code_makes_its_cells_uncoded(city: City) -> None:
    """Cells of a community without a code are named with that reason, beside the community itself."""
    changed_by_hand(city, "areas", [3], code="")
    changed_by_hand(city, "cells", [3, 4], code="")
    found = [(f.rule, f.row) for f in city.check()]
    assert sorted(found) == [("area-unlisted", 3), ("cell-uncoded", 3), ("cell-uncoded", 4)]
    assert "its community has none" in "".join(f.message for f in city.check())


def test_what_is_retired_is_not_held_against_the_city(city: City) -> None:
    """Retired cells and components are history: their defects are no findings."""
    changed_by_hand(city, "components", [1], state="??", until="2025-01-01")
    changed_by_hand(city, "cells", [3, 4], code="", until="2025-01-01")
    changed_by_hand(city, "components", [2], until="2025-01-01")
    assert city.check().counts() == {}


def test_import_and_check_agree(city: City, tmp_path: Path) -> None:
    """What an import finds about the rows it takes, the check finds about the stored components."""
    rows = [
        {"shape": spot(0.6, 0.6), **LAMP, "state": "", "maintainer_name": ""},
        {"shape": spot(2.4, 0.6), **LAMP, "initial_date": ""},
        {"shape": square(0.5, 0.2, 1, 0.1), **LAMP, "cell_code": f"{HAIYUNCANG}001"},
        {"shape": spot(0.7, 0.6), **LAMP, "code": "11010201004000001"},
    ]
    result = city.import_components(features(tmp_path / "rows.geojson", rows))
    found = survey.rules(result)
    assert len(found) == 8
    assert city.check().counts() == found


def test_broken_cell_is_named_and_disturbs_no_other(city: City) -> None:
    """A cell that crosses itself is named by its reason, and the overlaps of the others are still found."""
    bow = shapely.Polygon([spot(*place) for place in ((1, 0), (2, 1), (2, 0), (1, 1))])
    changed_by_hand(city, "cells", [3], geom=bow)
    changed_by_hand(city, "cells", [2], geom=square(0, 0.9, 1, 1.1))
    found = {(f.rule, f.row, f.field) for f in city.check()}
    assert {("geometry-invalid", 3, "cells.geom"), ("cell-overlap", 1, "cells.geom")} <= found


def test_district_without_a_code_is_compared_with_districts(city: City) -> None:
    """A district whose name the list has is named with the code it may have."""
    with city.store.transaction() as tx:
        columns = {"geom": [shapely.MultiPolygon([square(0, 0)])], "level": ["district"], "name": ["西城区"]}
        tx.insert("areas", columns | {"receipt": [1]})
    assert [f.message for f in city.check()] == [
        "'西城区' is not in the list of areas below 1101; nearest: 西城区 (110102)"
    ]
