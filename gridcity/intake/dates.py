"""Dates as surveyors, databases and offices write them, brought to ``YYYY-MM-DD``."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from gridcity.intake.table import Column, per_distinct

__all__ = ["date_reasons", "parse_dates"]

_EARLIEST_YEAR = 1900
_CLOCK = r"[0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:\.[0-9]+)?)?"
_TIME = rf"(?:[T ]\s*(?:上午|下午)?\s*{_CLOCK}\s*(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"([0-9]{4})([0-9]{2})([0-9]{2})",
        r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})" + _TIME,
        r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})" + _TIME,
        r"([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,2})" + _TIME,
        r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日" + _TIME,
    )
)
# No date at all: an empty dBase date, and the zero days of ArcGIS and of spreadsheets.
_MISSING: Final = {(0, 0, 0), (1899, 11, 30), (1899, 12, 30)}
_BAD = "bad"
_SPREADSHEET_ZERO = date(1899, 12, 30)
_DAY_NUMBER = re.compile(r"([0-9]{5})(?:\.[0-9]+)?")
_DECIMAL = re.compile(r"([0-9]{8})\.0*")
_DAY_OR_MONTH_FIRST = re.compile(r"[0-9]{1,2}([-/.])[0-9]{1,2}\1[0-9]{4}" + _TIME)
_NO_DAY = re.compile(r"[0-9]{4}(?:[-/.]?[0-9]{2})?")


def parse_dates(texts: Column) -> tuple[Column, npt.NDArray[np.bool_]]:
    """Parse a column of dates.

    Accepted are YYYYMMDD, YYYY-M-D, YYYY/M/D, YYYY.M.D and YYYY年M月D日, the last four also with a time,
    of which the day is taken as it stands. Empty text, ``00000000``, 1899-11-30 and 1899-12-30 are
    missing dates. Everything else is bad: a month 13, 30 February, a year before 1900, and M/D/YYYY,
    which cannot be told from D/M/YYYY.

    Parameters
    ----------
    texts : numpy.ndarray
        Object array of str.

    Returns
    -------
    dates : numpy.ndarray
        Object array of str, ``YYYY-MM-DD``, empty where missing or bad.
    bad : numpy.ndarray
        Which texts are no date, bool.

    Examples
    --------
    >>> dates, bad = parse_dates(np.array(["20090601", "2015年3月1日", "", "20091301"], dtype=object))
    >>> dates.tolist(), bad.tolist()
    (['2009-06-01', '2015-03-01', '', ''], [False, False, False, True])
    """
    dates = per_distinct(texts, _parsed)
    bad = np.equal(dates, _BAD).astype(bool)
    dates[bad] = ""
    return dates, bad


def date_reasons(texts: Column, bad: npt.NDArray[np.bool_]) -> Column:
    """Say of texts that are no dates what they look like, as the end of a sentence.

    Parameters
    ----------
    texts : numpy.ndarray
        Object array of str.
    bad : numpy.ndarray of bool
        Which of them are no date, from `parse_dates`.

    Returns
    -------
    numpy.ndarray
        Object array of str, beginning with a semicolon; empty where the text is a date or looks like
        nothing in particular.

    Examples
    --------
    >>> texts = np.array(["20091301", "42064"], dtype=object)
    >>> date_reasons(texts, np.array([True, True])).tolist()
    ['; there is no month 13', '; as the day number of a spreadsheet it would be 2015-03-01']
    """
    reasons = np.full(len(texts), "", dtype=object)
    reasons[bad] = per_distinct(texts[bad], _reason)
    return reasons


def _parts(text: str) -> tuple[int, int, int] | None:
    """Return the year, month and day that a text writes, whether there is such a day or not."""
    for form in _FORMS:
        if match := form.fullmatch(text):
            year, month, day = (int(part) for part in match.groups())
            return year, month, day
    return None


def _parsed(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    parts = _parts(text)
    if parts is None:
        return _BAD
    if parts in _MISSING:
        return ""
    try:
        return date(*parts).isoformat() if parts[0] >= _EARLIEST_YEAR else _BAD
    except ValueError:
        return _BAD


def _reason(text: str) -> str:
    text = text.strip()
    if parts := _parts(text):
        year, month, day = parts
        if year < _EARLIEST_YEAR:
            return f"; the year {year} lies before {_EARLIEST_YEAR}"
        if not 1 <= month <= 12:
            return f"; there is no month {month}"
        return f"; {year}-{month:02d} has no day {day}"
    if match := _DAY_NUMBER.fullmatch(text):
        day_meant = _SPREADSHEET_ZERO + timedelta(days=int(match[1]))
        return f"; as the day number of a spreadsheet it would be {day_meant.isoformat()}"
    if match := _DECIMAL.fullmatch(text):
        return f"; something read it as a number, it may have been {match[1]}"
    if _DAY_OR_MONTH_FIRST.fullmatch(text):
        return "; day and month cannot be told apart"
    return "; it names no day" if _NO_DAY.fullmatch(text) else ""
