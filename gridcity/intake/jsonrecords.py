"""JSON records out of a long text, one after the other, each with what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from io import TextIOWrapper
from typing import Any, NamedTuple

from gridcity.errors import SourceError
from gridcity.intake.textfile import pieces

__all__ = ["RECORD_SEPARATOR", "Record", "read_array", "read_sequence"]

RECORD_SEPARATOR = "\x1e"
# Ours: a polygon of a million corners; a longer record is no feature of a city.
_LONGEST_RECORD = 1 << 25
# Python makes no number of more digits; they stay text, as codes do.
_LONGEST_NUMBER = 4_000
_BLANKS = re.compile(r"[ \t\r\n]*")
_DEEP = "it is nested too deeply"


class Record(NamedTuple):
    """One record: the line it begins in, its value, and what is wrong with it (empty where nothing is)."""

    line: int
    value: Any
    fault: str


class _Decoder:
    """JSON by the letter: NaN is none, and a key that stands twice leaves its value unknown."""

    def __init__(self) -> None:
        self._fault = ""
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_constant=self._constant, parse_int=_whole
        )

    def value(self, text: str, at: int = 0) -> tuple[Any, int, str]:
        """Return the value that begins at a position, where it ends, and what is wrong with it."""
        self._fault = ""
        value, end = self._decoder.raw_decode(text, at)
        return value, end, self._fault

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            self._fault = f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice in it"
        return found

    def _constant(self, text: str) -> None:
        self._fault = f"it holds {text}, which is no JSON"


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def read_sequence(file: TextIOWrapper) -> Iterator[Record]:
    """Yield the records of a text sequence: one a line, or each after a record separator (RFC 8142)."""
    decoder = _Decoder()
    start = file.tell()
    separator = RECORD_SEPARATOR if RECORD_SEPARATOR in file.read(1 << 20) else "\n"
    file.seek(start)
    for line, text in pieces(file, separator, _LONGEST_RECORD):
        if text is None:
            yield Record(line, None, f"it has more than {_LONGEST_RECORD:,} characters")
            continue
        try:
            value, end, fault = decoder.value(text, _after_blanks(text, 0))
            after = _after_blanks(text, end)
            if after < len(text):
                fault = f"something follows it in column {after + 1}"
        except json.JSONDecodeError as problem:
            value, fault = None, f"{problem.msg} in column {problem.colno}"
        except RecursionError:
            value, fault = None, _DEEP
        yield Record(line, value, fault)


def read_array(text: str, where: str, member: str, others: dict[str, Any]) -> Iterator[Record]:
    """Yield the elements of one array of a JSON object.

    Parameters
    ----------
    text : str
        One JSON object.
    where : str
        The file's name in messages.
    member : str
        The key of the array.
    others : dict
        Takes the object's other members; the array itself stands in it as an empty one.

    Raises
    ------
    SourceError
        The text is no JSON object; the message names line and column.
    """
    try:
        at = yield from _members(text, member, others)
        if at < len(text):
            raise json.JSONDecodeError("Extra data", text, at)
    except json.JSONDecodeError as problem:
        hint = "Check what the file really is, or export it again."
        if problem.msg == "Extra data":
            hint = "A file with one feature per line is called .geojsonl."
        raise SourceError(
            f"{where} is no JSON: {problem.msg} in line {problem.lineno}, column {problem.colno}.", hint=hint
        ) from problem
    except RecursionError as problem:
        raise SourceError(
            f"{where} is nested too deeply.", hint="Check what the file really is."
        ) from problem


def _members(text: str, member: str, others: dict[str, Any]) -> Generator[Record, None, int]:
    """Walk the members of the object; return the position behind it."""
    decoder = _Decoder()
    at = _behind(text, _after_blanks(text, 0), "{")
    more = text[at : at + 1] != "}"
    while more:
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("Expecting a key in quotation marks", text, at)
        begin = at
        key, at, _ = decoder.value(text, at)
        at = _behind(text, _after_blanks(text, at), ":")
        if key in others:
            raise json.JSONDecodeError(f"The key {key!r} stands twice", text, begin)
        if key == member and text[at : at + 1] == "[":
            others[key] = []
            at = yield from _elements(text, at, decoder)
        else:
            start = at
            others[key], at, fault = decoder.value(text, at)
            if fault:
                raise json.JSONDecodeError(f"In the member {key!r}, {fault}", text, start)
        at = _after_blanks(text, at)
        more = text[at : at + 1] == ","
        at = _behind(text, at, ",") if more else at
    return _behind(text, at, "}")


def _elements(text: str, at: int, decoder: _Decoder) -> Generator[Record, None, int]:
    """Yield the elements of the array that begins here; return the position behind it."""
    line, counted = 1, 0
    at = _behind(text, at, "[")
    more = text[at : at + 1] != "]"
    while more:
        line, counted = line + text.count("\n", counted, at), at
        value, at, fault = decoder.value(text, at)
        yield Record(line, value, fault)
        at = _after_blanks(text, at)
        more = text[at : at + 1] == ","
        at = _behind(text, at, ",") if more else at
    return _behind(text, at, "]")


def _behind(text: str, at: int, mark: str) -> int:
    """Return the position after a mark that must stand here, and after the blanks that follow it."""
    if text[at : at + 1] != mark:
        raise json.JSONDecodeError(f"Expecting {mark!r}", text, at)
    return _after_blanks(text, at + 1)


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return at if found is None else found.end()
