"""Times of the clock as systems write them, brought to one count of milliseconds."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gridcity.intake.table import Column, per_distinct

__all__ = ["Times", "parse_times"]

Times = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]

# The same first year that dates have.
_EARLIEST: Final = np.datetime64("1900-01-01", "ms")
# YYYYMMDD is the shortest text that names a day. No time is longer than the other, and a column of texts as
# wide as a description would not fit into memory.
_SHORTEST, _LONGEST = 8, 64
# Behind the day of YYYY-MM-DD a hyphen or a plus begins an offset.
_DAY = 10
# As systems exchange times: YYYYMMDDhhmmss.
_COMPACT = re.compile(r"[0-9]{14}")
_CHINESE = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
    r"(?:(?:(?<=日)|[T ])\s*(上午|下午)?\s*([0-9]{1,2})[:时点]([0-9]{1,2})"
    r"(?:[:分]([0-9]{1,2})?(?:\.[0-9]+)?秒?)?)?"
)


def parse_times(texts: Column) -> tuple[Times, Mask, Mask]:
    """Parse a column of times.

    Accepted are a day, a clock behind it, and an offset from UTC behind that: ISO 8601 in all its forms
    (``2024-07-01T02:05:00Z``), YYYY/M/D, YYYY.M.D and YYYY年M月D日, with 上午 or 下午 before hours of
    1 to 12, and YYYYMMDDhhmmss. A day alone is its beginning. A time with an offset is brought to UTC; one
    without stays as it stands.

    Parameters
    ----------
    texts : numpy.ndarray
        Object array of str.

    Returns
    -------
    times : numpy.ndarray
        ``datetime64[ms]``, NaT where missing or bad.
    bad : numpy.ndarray
        Which texts are no time, bool: also a time of a year before 1900, and a day that does not exist.
    zoned : numpy.ndarray
        Which texts say their offset from UTC, bool.

    Examples
    --------
    >>> texts = ["2024-07-01 02:05", "2024年7月1日 下午 2:05", "", "1/7/2024", "2024-07-01T02:05:00+08:00"]
    >>> times, bad, zoned = parse_times(np.array(texts, dtype=object))
    >>> times.astype(str).tolist()
    ['2024-07-01T02:05:00.000', '2024-07-01T14:05:00.000', 'NaT', 'NaT', '2024-06-30T18:05:00.000']
    >>> bad.tolist(), zoned.tolist()
    ([False, False, False, True, False], [False, False, False, False, True])
    """
    long = np.fromiter(map(len, texts), np.int64, len(texts)) > _LONGEST
    held = np.char.strip(np.where(long, "", texts).astype(str))
    filled = held != ""
    # Beside ISO 8601 the parser takes words such as "now", and months without a day.
    plain = filled & np.char.isdigit(held.astype("U1")) & (np.char.str_len(held) >= _SHORTEST)
    times = np.full(len(held), "NaT", dtype="datetime64[ms]")
    times[plain] = _iso(held[plain].astype(object))
    left = plain & np.isnat(times)
    times[left] = _iso(per_distinct(held[left].tolist(), _as_iso))
    with np.errstate(invalid="ignore"):
        times[times < _EARLIEST] = "NaT"
    bad: Mask = long | (filled & np.isnat(times))
    signs = (np.char.find(held, "+") >= _DAY) | (np.char.rfind(held, "-") >= _DAY)
    zoned: Mask = ~np.isnat(times) & (np.char.endswith(held, "Z") | signs)
    return times, bad, zoned


def _iso(texts: Any) -> Times:
    """Return texts in ISO 8601 as times in UTC, NaT for others."""
    import pandas as pd

    found = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    times: Times = found.tz_localize(None).to_numpy().astype("datetime64[ms]")
    return times


def _as_iso(text: str) -> str:
    """Return a time as Chinese offices and systems write it in ISO 8601; empty where it is none."""
    if _COMPACT.fullmatch(text):
        return f"{text[:8]}T{text[8:]}"
    match = _CHINESE.fullmatch(text)
    if match is None:
        return ""
    year, month, day, half, hour, minute, second = match.groups()
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return ""
        hours = hours % 12 + (12 if half == "下午" else 0)
    clock = f"{hours:02d}:{int(minute or 0):02d}:{int(second or 0):02d}"
    return f"{year}-{int(month):02d}-{int(day):02d}T{clock}"
