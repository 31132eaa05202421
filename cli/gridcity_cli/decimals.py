"""Numbers read and written many at once, each exactly as `float` and `str` do it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["read_decimals", "write_decimals"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LONGEST = 32
"""Characters; what is longer is left to the caller. No coordinate has as many."""

# So many digits are an integer that a float holds exactly, and so is the power of ten below them: one
# division of the two is rounded correctly, as float() is.
_EXACT_DIGITS = 15
_POWERS = 10.0 ** np.arange(LONGEST + 1)
# Digits are written by threes: of a number below 1000 its whole part, with and without a minus, and what
# stands behind the point, with all digits where others follow and else without the zeros at the end.
_GROUP = 1000
_MOST_GROUPS = 4
_WHOLE = np.array([f"{sign}{n}." for sign in ("", "-") for n in range(_GROUP)], dtype=object)
_BEHIND = np.array(
    [f"{n:03}" for n in range(_GROUP)] + [f"{n:03}".rstrip("0") for n in range(_GROUP)], dtype=object
)
_FIRST_BEHIND = np.where(_BEHIND == "", "0", _BEHIND)
# str() writes what is smaller with an exponent.
_SMALLEST = 1e-4
_ZERO, _DOT, _MINUS = (ord(character) for character in "0.-")


def read_decimals(text: npt.NDArray[np.uint8], start: Ints, end: Ints) -> tuple[Floats, Bools]:
    """Return the numbers that stand at some places, and which of them are plain.

    Parameters
    ----------
    text : uint8 array
        ASCII, or any encoding in which the bytes of ASCII mean nothing else; not empty.
    start, end : int arrays
        Where each number begins, and the position after it.

    Returns
    -------
    values : float array
        What `float` reads; of no meaning where a number is not plain.
    plain : bool array
        Digits with at most one point among them and at most one minus before them, no blanks.

    Examples
    --------
    >>> text = np.frombuffer(b"116.4,-.5,1e5,", np.uint8)
    >>> values, plain = read_decimals(text, np.array([0, 6, 10]), np.array([5, 9, 13]))
    >>> values[plain].tolist(), plain.tolist()
    ([116.4, -0.5], [True, True, False])
    """
    width = end - start
    mantissa, after = np.zeros(len(start), dtype=np.int64), np.zeros(len(start), dtype=np.int64)
    digits, dots = np.zeros(len(start), dtype=np.int8), np.zeros(len(start), dtype=np.int8)
    negative = (width > 0) & (text[np.minimum(start, len(text) - 1)] == _MINUS)
    odd = width > LONGEST
    for i in range(min(int(width.max(initial=0)), LONGEST)):
        character = text[np.minimum(start + i, len(text) - 1)]
        there = width > i
        value = character - np.uint8(_ZERO)  # wraps around below the zero
        digit, dot = there & (value < 10), there & (character == _DOT)
        other = there & ~(digit | dot)
        odd |= other & ~negative if i == 0 else other
        mantissa = np.where(digit, mantissa * 10 + value, mantissa)
        after += digit & (dots > 0)
        digits += digit
        dots += dot
    plain = ~odd & (dots <= 1) & (digits > 0)
    values = mantissa / _POWERS[after]
    values = np.where(negative, -values, values)
    long = np.flatnonzero(plain & (digits > _EXACT_DIGITS))
    values[long] = _one_by_one(text, start[long], end[long])
    return values, plain


def _one_by_one(text: npt.NDArray[np.uint8], start: Ints, end: Ints) -> list[float]:
    raw: Any = text.data
    return [float(bytes(raw[i:j])) for i, j in zip(start.tolist(), end.tolist(), strict=True)]


def write_decimals(values: Floats) -> list[str]:
    """Return what `str` makes of each number.

    Parameters
    ----------
    values : float array

    Examples
    --------
    >>> write_decimals(np.array([116.4115, -0.25, 7.0, 1e22]))
    ['116.4115', '-0.25', '7.0', '1e+22']
    """
    size = np.abs(values)
    for groups in range(1, _MOST_GROUPS + 1):
        scale = float(_GROUP**groups)
        with np.errstate(over="ignore", invalid="ignore"):
            digits = np.rint(size * scale)
            # Of so few digits no two are the same float, so that str() must find these.
            short = (digits < 10.0**_EXACT_DIGITS) & (digits / scale == size) & (size < _GROUP)
            short &= (size >= _SMALLEST) | (size == 0)
        if short.all() or groups == _MOST_GROUPS:
            break
    if np.count_nonzero(short) < len(values) / 2:
        return list(map(str, values.tolist()))
    texts = _grouped(np.where(short, digits, 0).astype(np.int64), np.signbit(values), groups)
    others = np.flatnonzero(~short)
    for i, value in zip(others.tolist(), values[others].tolist(), strict=True):
        texts[i] = str(value)
    return texts


def _grouped(digits: Ints, negative: Bools, groups: int) -> list[str]:
    """Return whole numbers of so many groups behind the point as texts."""
    parts: list[list[str]] = []
    last = np.ones(len(digits), dtype=bool)
    for position in range(groups, 0, -1):
        digits, group = np.divmod(digits, _GROUP)
        table = _FIRST_BEHIND if position == 1 else _BEHIND
        parts.insert(0, table[group + _GROUP * last].tolist())
        last &= group == 0
    parts.insert(0, _WHOLE[digits + _GROUP * negative].tolist())
    return list(map("".join, zip(*parts, strict=True)))
