"""A text as the digits of a code: the checks all codes share, and what their errors say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import SupportsIndex

from gridcity.codes.layouts import Edition, edition, length_of, names_by_length, serial_of
from gridcity.errors import AmbiguousCodeError, CodeError

_LONGEST_SHOWN = 40
LOST_ZERO = "Was a leading zero lost? Read codes as text."

_EXPONENT = re.compile(r"([0-9]+)(?:\.([0-9]+))?[eE]\+?([0-9]{1,2})")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+|[0-9]+\.[0-9]*")
_DECIMAL = re.compile(r"([0-9]+)\.0*")
_CONFUSED = {"O": "0", "o": "0", "I": "1", "i": "1", "l": "1"}
# Digits that a double keeps whatever they are.
_KEPT_DIGITS = 15


def read_digits(kind: str, text: str) -> str:
    """Return the text without blanks around it, or say which character is no digit."""
    if not isinstance(text, str):
        raise CodeError(
            f"The {kind} code {text!r} is of type {type(text).__name__}, not text.",
            hint="Read codes as text: a number loses leading zeros and, as a float, its last digits.",
        )
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit():
        if stripped.startswith("00"):
            raise CodeError(
                f"The {kind} code {shown(stripped)} begins with province 00, which does not exist.",
                position=1,
            )
        return stripped
    if not stripped:
        raise CodeError(f"The {kind} code is empty.")
    position = next(i for i, c in enumerate(stripped, 1) if not (c.isascii() and c.isdigit()))
    what, hint = _diagnosis(stripped, position)
    raise CodeError(f"The {kind} code {shown(stripped)} {what}.", hint=hint, position=position)


def _diagnosis(text: str, position: int) -> tuple[str, str]:
    """Say what is wrong with the character at a position, and what to do about it."""
    wrong = text[position - 1]
    if _NUMBER.fullmatch(text):
        return (
            f"is written as a number{_meant_by_number(text)}",
            "Read codes as text: a spreadsheet or a numeric column changed it.",
        )
    if wrong in _CONFUSED:
        meant = _meant_by("".join(_CONFUSED.get(c, c) for c in text))
        return (
            f"has the letter {wrong!r} at position {position}{meant}",
            f"Is it the digit {_CONFUSED[wrong]}?",
        )
    if wrong.isspace():
        return f"has a blank at position {position}", "Remove the blanks."
    if wrong.isdecimal() and unicodedata.east_asian_width(wrong) == "F":
        meant = _meant_by(unicodedata.normalize("NFKC", text))
        return (
            f"has the full-width digit {wrong!r} at position {position}{meant}",
            "Write half-width digits 0-9.",
        )
    return f"has {wrong!r} at position {position}", "Only the digits 0-9 are possible."


def _meant_by_number(text: str) -> str:
    """Say which code a number may have been, as far as its digits are still there."""
    if match := _DECIMAL.fullmatch(text):
        rounded = ", but a number need not keep its last digits" if len(match[1]) > _KEPT_DIGITS else ""
        return f"; it may have been {match[1]}{rounded}"
    if match := _EXPONENT.fullmatch(text):
        kept, length = match[1] + (match[2] or ""), len(match[1]) + int(match[3])
        if len(kept) < length:
            return f"; of its {length} digits only the first, {kept}, are left"
    return ""


def _meant_by(text: str) -> str:
    possible = text.isascii() and text.isdigit() and len(text) <= _LONGEST_SHOWN
    return f"; it may have been {text}" if possible else ""


def shown(text: str) -> str:
    """Quote a text for a message, cut where it is too long to be a code."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")


def layout_of(kind: str, text: str, name: str | None, read: Callable[[str, str], object]) -> Edition:
    """Return the edition a text of digits is read under, by name or by its length alone."""
    lengths = names_by_length(kind)
    fitting = lengths.get(len(text), [])
    if name is not None:
        layout = edition(name)
        if layout.name not in fitting:
            raise _wrong_length(
                f"A {kind} code of {name} has {length_of(kind, layout)} digits", text, lengths, name
            )
        return layout
    if not fitting:
        possible = " or ".join(f"{n} ({', '.join(names)})" for n, names in lengths.items())
        raise _wrong_length(f"A {kind} code has {possible} digits", text, lengths)
    if len(fitting) > 1:
        raise AmbiguousCodeError(
            f"The {kind} code {text!r} reads under {len(fitting)} editions: {', '.join(fitting)}.",
            hint="Name the edition.",
            readings=[read(text, name) for name in fitting],
        )
    return edition(fitting[0])


def _wrong_length(
    sentence: str, text: str, lengths: dict[int, list[str]], name: str | None = None
) -> CodeError:
    wanted = [n for n, names in lengths.items() if name is None or name in names]
    hints = []
    if len(text) in lengths:
        hints.append(f"{len(text)} digits are read under {', '.join(lengths[len(text)])}.")
    if len(text) + 1 in wanted:
        hints.append(LOST_ZERO)
    return CodeError(f"{sentence}; {shown(text)} has {len(text)}.", hint=" ".join(hints))


def check_serial(kind: str, text: str, layout: Edition) -> None:
    """Refuse serial 0 at the end of a code."""
    digits = serial_of(kind, layout)
    if not text[-digits:].strip("0"):
        raise CodeError(
            f"The {kind} code {text!r} ends in serial {text[-digits:]}; serials count from 1.",
            position=len(text) - digits + 1,
        )


def write_serial(kind: str, serial: SupportsIndex, layout: Edition) -> str:
    """Return a serial with the leading zeros of its edition."""
    digits, number = serial_of(kind, layout), serial.__index__()
    if not 1 <= number < 10**digits:
        raise CodeError(f"A {kind} serial of {layout.name} runs from 1 to {10**digits - 1}, found {number}.")
    return f"{number:0{digits}d}"


def part(what: str, text: str, length: int) -> str:
    """Return one part of a code to be composed, checked for digits and length."""
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) == length):
        raise CodeError(f"A {what} has {length} digits, found {text!r}.")
    return text
