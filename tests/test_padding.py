"""Lost zeros: which codes get theirs back, and which are left as they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.catalogue import catalogue
from gridcity.codes import CellCode, ComponentCode, parse
from gridcity.codes.padding import repad, repad_classes
from gridcity.errors import ArgumentError, CodeError
from gridcity.intake.table import objects


@settings(deadline=None)  # the first call loads pandas
@given(st.integers(1, 999_999), st.integers(10_000, 99_999))
def test_case_37_a_component_code_that_lost_its_zero_gets_it_back(serial, place):
    """Outside China a city's digits may begin with 0; written as a number its codes are one digit short."""
    code = str(ComponentCode.compose(f"0{place}", "01037", serial))
    lost_one = str(int(code))
    padded, lost = repad(objects([lost_one, code, ""]), "component", begins="0" + str(place)[0])
    assert padded.tolist() == [code, code, ""]
    assert lost.tolist() == [True, False, False]


@given(st.integers(11, 82), st.integers(0, 10**13 - 1))
def test_case_37_no_code_of_a_chinese_city_is_ever_padded(province, rest):
    """No province begins with 0, so a short code there is a wrong code and not one that lost a zero."""
    texts = objects([f"{province}{rest:013d}"[:n] for n in (5, 8, 11, 13, 14, 15)])
    for kind in ("area", "cell", "component"):
        padded, lost = repad(texts, kind, begins=str(province))
        assert not lost.any()
        assert padded.tolist() == texts.tolist()


def test_case_37_codes_of_another_place_or_kind_are_left():
    """Two zeros are never put back, nor one before what would still be no code, nor before other text."""
    cell = str(CellCode.compose("012345001001", 7))
    texts = objects([cell[1:], cell[2:], "2345" + cell[4:], "路灯", "1.2E+13", "12345001001000"])
    assert repad(texts, "cell", begins="01")[1].tolist() == [True, False, False, False, False, False]
    assert repad(objects(["12345"]), "area", begins="01")[0].tolist() == ["012345"]


def test_case_37_a_code_that_is_whole_under_another_edition_is_left():
    """Sixteen digits of the city are a code of 2007; they are not taken for seventeen with one lost."""
    whole = str(ComponentCode.compose("012345", "0101", 7, "cjt214-2007"))
    assert not repad(objects([whole]), "component", begins="01")[1].any()


def test_case_37_class_codes_are_padded_only_to_a_class():
    """'101' was '0101'; what is a class as it stands, or none behind a zero either, stays."""
    known = {entry.code for name in ("cjt214-2007", "gbt47678.5-2026") for entry in catalogue(name).entries}
    padded, lost = repad_classes(objects(["101", "1037", "0101", "路灯", "", "99", "001"]), known)
    assert padded.tolist() == ["0101", "01037", "0101", "路灯", "", "99", "001"]
    assert lost.tolist() == [True, True, False, False, False, False, False]


def test_no_rows_are_no_trouble():
    """Empty columns come back empty, of the right types."""
    for padded, lost in (repad(objects([]), "cell", begins="01"), repad_classes(objects([]), {"0101"})):
        assert (padded.dtype, lost.dtype, len(padded), len(lost)) == (np.dtype(object), np.dtype(bool), 0, 0)


def test_a_kind_or_edition_that_does_not_exist_is_refused():
    """As everywhere else."""
    with pytest.raises(ArgumentError):
        repad(objects(["1"]), "lamp", begins="01")
    with pytest.raises(CodeError):
        repad(objects(["1"]), "cell", begins="01", edition="gbt0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.23E+15", "written as a number; of its 16 digits only the first, 123, are left"),
        ("4.20101E+15", "of its 16 digits only the first, 420101, are left"),
        (
            "3301020101000123.0",
            "written as a number; it may have been 3301020101000123, but a number need not keep",
        ),
        ("110101.0", r"written as a number; it may have been 110101\."),
        ("1101O100500105", "letter 'O' at position 5; it may have been 11010100500105.*Is it the digit 0"),
        ("１１０１０１", "full-width digit '１' at position 1; it may have been 110101.*half-width"),
    ],
)
def test_cases_35_and_36_a_code_that_is_none_says_what_it_looks_like_and_may_have_been(text, message):
    """The sentence alone, without its hint, tells a planner what happened to the code."""
    with pytest.raises(CodeError, match=message):
        parse(text)
