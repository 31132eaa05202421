"""The page about who answers in two real cities: what its script makes, which derives duties rightly."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[1]
DATA = REPOSITORY.parent / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not here")

CITY, WARD, OTHER_WARD = "999001", "999001001", "999001002"
CELL, OTHER_CELL = f"{WARD}001001", f"{WARD}001002"


@pytest.fixture(scope="module")
def scripts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REPOSITORY / "scripts"))
        yield


@pytest.fixture(scope="module")
def page(scripts: None) -> ModuleType:
    return importlib.import_module("build_responsibility")


@pytest.fixture(scope="module")
def washington(scripts: None) -> ModuleType:
    return importlib.import_module("responsibility_washington")


@real
def test_the_page_is_what_the_script_makes_of_the_data(page: ModuleType) -> None:
    """docs/responsibility-measured.md is up to date: run scripts/build_responsibility.py."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page(DATA)


def test_the_page_holds_no_coordinates(page: ModuleType) -> None:
    """No number of the page has as many decimals as a longitude or latitude."""
    assert not re.search(r"\d\.\d{3}", page.PAGE.read_text(encoding="utf-8"))


def duties(washington: ModuleType, *requests: tuple[int, str, str, str, str]) -> list[tuple[str, str, str]]:
    """Return category, party and place of the duties derived from so many requests of each kind."""
    rows = [row for n, *row in requests for _ in range(n)]
    columns = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
    found = washington.derived(*columns, "handler")
    return [(duty["class_name"], duty["party_name"], duty["place_code"]) for duty in found]


def test_an_area_has_a_duty_only_where_enough_of_it_is_otherwise(washington: ModuleType) -> None:
    """A ward with 20 requests of another agency has its own duty, one with 19 has that of the city."""
    enough = (20, "Pothole", "DPW", CELL, WARD)
    few = (19, "Pothole", "DPW", "", OTHER_WARD)
    city = (100, "Pothole", "DDOT", "", "")
    assert duties(washington, city, few) == [("Pothole", "DDOT", CITY)]
    assert duties(washington, city, enough) == [("Pothole", "DDOT", CITY), ("Pothole", "DPW", WARD)]


def test_a_block_group_is_held_against_its_ward(washington: ModuleType) -> None:
    """In a ward of another agency, the block group that works like the city has a duty, the others none."""
    requests = [
        (100, "Pothole", "DDOT", "", ""),
        (60, "Pothole", "DPW", CELL, WARD),
        (20, "Pothole", "DDOT", OTHER_CELL, WARD),
    ]
    expected = [("Pothole", "DDOT", CITY), ("Pothole", "DPW", WARD), ("Pothole", "DDOT", OTHER_CELL)]
    assert duties(washington, *requests) == expected


def test_equal_agencies_are_told_apart_by_name(washington: ModuleType) -> None:
    """Whatever the order of the requests, of two agencies with as many the first by name has the duty."""
    one, two = (5, "", "DPW", "", ""), (5, "", "DDOT", "", "")
    assert duties(washington, one, two) == duties(washington, two, one) == [("", "DDOT", CITY)]


def test_no_request_is_in_both_halves(washington: ModuleType) -> None:
    """The halves share no request and are the whole file; by time, nothing of the second half is earlier."""
    opened = np.array(["2016-08-02", "2016-07-09", "2016-08-01", "2016-07-09", "2016-07-08"], dtype=object)
    by_file, by_time = washington.halves(opened)
    assert [half.tolist() for half in by_file[1:]] == [[0, 1], [2, 3, 4]]
    assert [half.tolist() for half in by_time[1:]] == [[1, 4], [0, 2, 3]]
