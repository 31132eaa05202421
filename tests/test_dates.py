"""Dates as people write them: which texts name one day, and what is said of the others."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridcity.intake import date_reasons, parse_dates
from gridcity.intake.table import objects


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20090601", "2009-06-01"),
        ("2009-06-01", "2009-06-01"),
        ("2009-6-1", "2009-06-01"),
        ("2009/6/1", "2009-06-01"),
        ("2009.6.1", "2009-06-01"),
        ("2009年6月1日", "2009-06-01"),
        ("2009-06-01T23:59:59", "2009-06-01"),
        ("2009-06-01T23:59:59.123Z", "2009-06-01"),
        ("2009-06-01 23:59:59+08:00", "2009-06-01"),
        ("2024/10/10 8:05:04", "2024-10-10"),
        ("2024/10/10 上午 08:55:04", "2024-10-10"),
        (" 20090601 ", "2009-06-01"),
        ("20240229", "2024-02-29"),
        ("", ""),
        ("  ", ""),
        ("00000000", ""),
        ("1899-11-30", ""),
        ("1899-11-30T00:00:00", ""),
        ("1899-12-30", ""),
        ("1899/12/30 0:00:00", ""),
    ],
)
def test_accepted_dates(text, expected):
    """Every form surveyors write gives the day, and the zero days of programs are missing dates."""
    dates, bad = parse_dates(objects([text]))
    assert (dates.tolist(), bad.tolist()) == ([expected], [False])


@pytest.mark.parametrize(
    "text",
    [
        "20091301",
        "20090230",
        "20230229",
        "18990101",
        "00010101",
        "6/1/2009",
        "01-06-2009",
        "40000",
        "2009",
        "200906",
        "2009-06/01",
        "abc",
        "****",
        "２００９０６０１",
        "20090601x",
        "2009-06-01T",
        "1.1E+7",
    ],
)
def test_bad_dates(text):
    """What is no day, or no single day, is bad and stays empty."""
    dates, bad = parse_dates(objects([text]))
    assert (dates.tolist(), bad.tolist()) == ([""], [True])


@given(st.dates(date(1900, 1, 1), date(9999, 12, 31) - timedelta(days=1)))
def test_every_day_comes_back_from_every_form(day):
    """A day is read the same in each form."""
    forms = [
        f"{day:%Y%m%d}",
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.isoformat()}T08:00:00",
    ]
    dates, bad = parse_dates(objects(forms))
    assert set(dates) == {day.isoformat()}
    assert not bad.any()


@given(st.lists(st.text(max_size=12), max_size=20))
def test_any_text_is_a_date_missing_or_bad(texts):
    """No text breaks the parser, and a bad one is always empty."""
    dates, bad = parse_dates(objects(texts))
    assert len(dates) == len(bad) == len(texts)
    assert all(not text or len(text) == 10 for text in dates)
    assert not any(dates[bad])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("20091301", "there is no month 13"),
        ("2009年13月1日", "there is no month 13"),
        ("20230230", "2023-02 has no day 30"),
        ("2023-02-30", "2023-02 has no day 30"),
        ("00010101", "the year 1 lies before 1900"),
        ("42064", "as the day number of a spreadsheet it would be 2015-03-01"),
        ("42064.5", "as the day number of a spreadsheet it would be 2015-03-01"),
        ("20150301.0", "something read it as a number, it may have been 20150301"),
        ("6/1/2009", "day and month cannot be told apart"),
        ("01-06-2009", "day and month cannot be told apart"),
        ("200906", "it names no day"),
        ("2009", "it names no day"),
    ],
)
def test_case_38_a_text_that_is_no_date_is_rejected_with_what_it_looks_like(text, reason):
    """No such text becomes a day, and its reason says what it may have been."""
    texts = objects([text])
    dates, bad = parse_dates(texts)
    assert (dates.tolist(), bad.tolist()) == ([""], [True])
    assert date_reasons(texts, bad).tolist() == [f"; {reason}"]


def test_case_38_dates_of_the_far_future_are_days():
    """The year 2099 is a day here; that it lies in the future is another rule's word."""
    dates, bad = parse_dates(objects(["20990101", "2015年3月1日"]))
    assert (dates.tolist(), bad.tolist()) == (["2099-01-01", "2015-03-01"], [False, False])


@given(st.lists(st.text(alphabet="0123456789-/.年月日: 上午Te+", max_size=12), max_size=20))
def test_reasons_are_given_for_bad_texts_only(texts):
    """A date or a missing date has no reason, and no text breaks the search for one."""
    column = objects(texts)
    _, bad = parse_dates(column)
    reasons = date_reasons(column, bad)
    assert not any(reasons[~bad])
    assert all(reason == "" or reason.startswith("; ") for reason in reasons)
