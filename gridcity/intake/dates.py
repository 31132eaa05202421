"""Dates as surveyors, databases and offices write them, brought to ``YYYY-MM-DD``."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from gridcity.intake.table import Column, per_distinct

__all__ = ["parse_dates"]

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


def _parsed(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    for form in _FORMS:
        if match := form.fullmatch(text):
            year, month, day = (int(part) for part in match.groups())
            break
    else:
        return _BAD
    if (year, month, day) in _MISSING:
        return ""
    try:
        return date(year, month, day).isoformat() if year >= _EARLIEST_YEAR else _BAD
    except ValueError:
        return _BAD
