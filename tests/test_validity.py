"""Valid that day: what has begun and has not ended, the same wherever it is asked."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import survey
from survey import balance, changed_by_hand, column, features, rules, spot, square

from gridcity import City

LAMP = {"class_name": "路灯", "state": "完好", "initial_date": "20240301", "maintainer_name": "样例公司"}
PLACE = spot(0.5, 0.5).coords[0]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city of four cells with a lamp in the first; only to be copied."""
    folder = tmp_path_factory.mktemp("ready")
    city = survey.built(folder)
    city.import_components(features(folder / "lamp.geojson", [lamp()]))
    return city


@pytest.fixture
def city(ready: City, tmp_path: Path) -> Iterator[City]:
    with survey.copied(ready, tmp_path / "city.gpkg") as opened:
        yield opened


def lamp(at: float = 0.5, **more: Any) -> dict[str, Any]:
    return {"shape": spot(at, 0.5), **LAMP, **more}


def exported(city: City, folder: Path) -> list[dict[str, str]]:
    (path,) = city.export(folder / "out.csv")
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


PERIODS = [
    ({"until": "2999-01-01"}, True),
    ({"since": "2024-03-01", "until": "2999-01-01"}, True),
    ({"until": "2025-01-01"}, False),
    ({"since": "2999-01-01"}, False),
]


@pytest.mark.parametrize(("period", "valid"), PERIODS)
def test_a_component_is_valid_everywhere_or_nowhere(
    city: City, tmp_path: Path, period: dict[str, str], valid: bool
) -> None:
    """Located, counted, exported and checked alike: an end in the future is no end yet."""
    changed_by_hand(city, "components", [1], **period, state="??")
    assert (city.locate(*PLACE, class_text="路灯").component_id == 1) == valid
    many = city.locate_many([PLACE[0]], [PLACE[1]], class_text="路灯")
    assert (many["component_id"].tolist() == [1]) == valid
    assert (city.report_inventory([]).total == 1) == valid
    assert (len(exported(city, tmp_path)) == 1) == valid
    assert (city.check().counts() == {"state-unknown": 1}) == valid


@pytest.mark.parametrize(("period", "valid"), PERIODS)
def test_a_cell_is_valid_everywhere_or_nowhere(
    city: City, tmp_path: Path, period: dict[str, str], valid: bool
) -> None:
    """Components are placed in the cells that answers, reports and checks know."""
    changed_by_hand(city, "cells", [1], **period)
    result = city.import_components(features(tmp_path / "new.geojson", [lamp(0.7)]))
    assert ("component-outside" not in rules(result)) == valid
    assert column(city, "components", "cell_id")[1] == (1 if valid else None)
    assert (city.locate(*PLACE).cell_id == 1) == valid
    assert (city.locate_many([PLACE[0]], [PLACE[1]])["cell_id"].tolist() == [1]) == valid
    assert city.report_inventory([]).totals["cells"] == 3 + valid
    assert ("component-outside" not in city.check().counts()) == valid


def test_an_object_that_ends_later_is_still_itself(city: City, tmp_path: Path) -> None:
    """A survey finds the lamp whose end is planned; once it has ended the place has another one."""
    changed_by_hand(city, "components", [1], until="2999-01-01")
    again = features(tmp_path / "again.geojson", [lamp()])
    assert balance(city.import_components(again)) == (0, 0, 1, 0)
    changed_by_hand(city, "components", [1], until="2025-01-01")
    assert balance(city.import_components(again)) == (1, 0, 0, 0)


def test_cells_that_have_ended_are_left_alone(city: City, tmp_path: Path) -> None:
    """New cells over an ended one overlap nothing, and its lamp moves to the new one."""
    changed_by_hand(city, "cells", [1], until="2025-01-01")
    new = {"shape": square(0, 0, 1, 0.9), "note": "new"}
    result = city.import_cells(features(tmp_path / "new.geojson", [new]), number=True)
    assert rules(result) == {}
    assert column(city, "components", "cell_id") == [5]
