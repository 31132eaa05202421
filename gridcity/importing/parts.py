"""A large file in parts: which rows are taken together, and which come first.

Rows that may be one object are in one part, and rows with keys that stand at one place: an object of the
city without a key may be either of them. Rows with a code come before those that are still to be given
one, rows with a key before those that only their place identifies. To find out, one pass reads nothing
but what identifies a row and keeps eight bytes of it, sixteen where there are keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.intake.layers import Layer
from gridcity.intake.mapping import Mapping
from gridcity.intake.matching import Draft, Matching, draft_of

__all__ = ["PART_ROWS", "Part", "Plan", "plan"]

PART_ROWS = 50_000
"""Rows of a part: some 130 MB while they are checked; parts of 100,000 are no faster."""

_CODED, _KEYED, _PLACED, _ALONE = range(4)
# A mark has its kind in its two highest bits, so that a code and a key never look like one.
_KIND_BITS = np.uint64(62)

Positions = npt.NDArray[np.int64]
_Hashes = npt.NDArray[np.uint64]


class _Marks(NamedTuple):
    """What identifies each row of a layer; of rows with a key also their place, where it may be shared."""

    own: _Hashes
    keyed: Positions
    place: _Hashes


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows that are taken together.

    Attributes
    ----------
    file : int
        Number of their layer among those of the plan.
    at : int64 array
        Their positions in it, ascending.
    repeated : bool array
        Which of them may be one object with another row of the part.
    """

    file: int
    at: Positions
    repeated: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The parts of a delivery in the order in which they are taken.

    Attributes
    ----------
    parts : tuple of Part
        Every row is in one of them.
    shared : tuple of int64 array
        For each layer the positions of rows that may be one object with a row of another layer.
    """

    parts: tuple[Part, ...]
    shared: tuple[Positions, ...]


def plan(files: Sequence[tuple[Layer, Matching, Mapping]]) -> Plan:
    """Divide the rows of some layers into parts.

    A code, a key or a place that stands on very many rows makes a part of very many rows.

    Parameters
    ----------
    files : sequence of (Layer, Matching, Mapping)
        Open layers; the other two say which columns are code and key.
    """
    marks = [_marks(*file) for file in files]
    # A code that one file brings must not have been given to a row of another.
    undivided = len(marks) == 1 and len(marks[0].own) <= PART_ROWS
    numbered = [
        (key, part) for file, found in enumerate(marks) for key, part in _parts(file, found, undivided)
    ]
    # Sorting is stable: within a kind the files keep their order, and the parts within a file.
    parts = [part for _, part in sorted(numbered, key=lambda pair: pair[0])]
    return Plan(tuple(parts), _shared([found.own for found in marks]))


def _parts(file: int, marks: _Marks, undivided: bool) -> Iterator[tuple[int, Part]]:
    """Yield the parts of one layer, each with its kind."""
    n = len(marks.own)
    leader, repeated = _leaders(marks.own)
    kind = (marks.own >> _KIND_BITS).astype(np.int8)
    if undivided or n == 0:
        yield int(kind.min(initial=_ALONE)), Part(file, np.arange(n), repeated)
        return
    leader = _together(leader, marks.keyed, marks.place)
    number = np.empty(n, dtype=np.int16)
    kinds: list[int] = []
    for one in range(_CODED, _ALONE + 1):
        at = np.flatnonzero((kind == one) & (leader == np.arange(n)))
        number[at] = len(kinds) + np.arange(len(at)) // PART_ROWS
        kinds += [one] * -(-len(at) // PART_ROWS)
    number = number[leader]
    order = np.argsort(number, kind="stable")
    for one, at in zip(kinds, np.split(order, np.cumsum(np.bincount(number))[:-1]), strict=True):
        yield one, Part(file, at, repeated[at])


def _leaders(marks: _Hashes) -> tuple[Positions, npt.NDArray[np.bool_]]:
    """Return for each row the first with its mark, and which marks stand on several rows."""
    ordered = np.sort(marks)
    several = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    leader = np.arange(len(marks))
    repeated = _among(marks, several)
    at = np.flatnonzero(repeated)
    _, first, back = np.unique(marks[at], return_index=True, return_inverse=True)
    leader[at] = at[first[back]]
    return leader, repeated


def _together(leader: Positions, at: Positions, place: _Hashes) -> Positions:
    """Return for each row the first of all that are tied to it by their leader or, of some rows, a place."""
    _, group, count = np.unique(place, return_inverse=True, return_counts=True)
    several = count[group] > 1
    at, group = at[several], group[several]
    while True:
        lowest = np.full(len(count), len(leader), dtype=np.int64)
        np.minimum.at(lowest, group, leader[at])
        first = np.arange(len(leader))
        np.minimum.at(first, leader[at], lowest[group])
        if (first[leader] == leader).all():
            return leader
        # A chain of any length is followed to its end by doubling the stride.
        while (first[first] != first).any():
            first = first[first]
        leader = first[leader]


def _shared(marks: Sequence[_Hashes]) -> tuple[Positions, ...]:
    if len(marks) == 1:
        return (np.empty(0, dtype=np.int64),)
    own = [np.unique(found[found >> _KIND_BITS != _ALONE]) for found in marks]
    ordered = np.sort(np.concatenate(own))
    several = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return tuple(np.flatnonzero(_among(found, several)) for found in marks)


def _among(marks: _Hashes, wanted: _Hashes) -> npt.NDArray[np.bool_]:
    """Return which marks are among some that are sorted."""
    if not len(wanted):
        return np.zeros(len(marks), dtype=bool)
    found: npt.NDArray[np.bool_] = wanted[np.searchsorted(wanted[:-1], marks)] == marks
    return found


def _marks(layer: Layer, matching: Matching, mapping: Mapping) -> _Marks:
    """Return what identifies each row of a layer."""
    code = {field: match for field, match in matching.matched.items() if field == "code"}
    narrow = replace(matching, matched=code), replace(mapping, constants={})
    columns = {match.column for match in code.values()} | {mapping.key} - {""}
    marks = np.empty(len(layer), dtype=np.uint64)
    keyed, places = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.uint64)]
    for begin in range(0, len(layer), PART_ROWS):
        at = np.arange(begin, min(begin + PART_ROWS, len(layer)))
        rows = layer.read(at, columns=columns, geometry=False)
        marks[at] = _marks_of(draft_of(rows, *narrow), layer, at)
        there = at[marks[at] >> _KIND_BITS == _KEYED]
        if len(there):
            keyed.append(there)
            places.append(_places(layer, there, otherwise=marks[there]))
    return _Marks(marks, np.concatenate(keyed), np.concatenate(places))


def _marks_of(draft: Draft, layer: Layer, at: Positions) -> _Hashes:
    """Return the marks of some rows: of the code, else of the key, else of the place."""
    marks = _of_kind(_ALONE, at.astype(np.uint64))
    rest = np.ones(len(at), dtype=bool)
    for kind, texts in ((_CODED, draft.columns.get("code")), (_KEYED, draft.key)):
        if texts is not None:
            there = rest & np.asarray(texts != "", dtype=bool)
            # A code may have lost the zero that another row of it still has.
            stripped = [text.lstrip("0") for text in texts[there]]
            marks[there] = _of_kind(
                kind, pd.util.hash_array(np.array(stripped, dtype=object), categorize=False)
            )
            rest &= ~there
    if rest.any():
        marks[rest] = _places(layer, at[rest], otherwise=marks[rest])
    return marks


def _places(layer: Layer, at: Positions, *, otherwise: _Hashes) -> _Hashes:
    """Return the marks of the places of some rows; ``otherwise`` holds those of rows without a place."""
    # Equal shapes have equal boxes; other shapes with equal boxes are told apart later.
    boxes = shapely.bounds(layer.read(at, columns=()).geometry) + 0.0
    known = np.isfinite(boxes).all(axis=1)
    marks = otherwise.copy()
    hashes = pd.util.hash_pandas_object(pd.DataFrame(boxes[known]), index=False)
    marks[known] = _of_kind(_PLACED, hashes.to_numpy())
    return marks


def _of_kind(kind: int, hashes: npt.NDArray[Any]) -> _Hashes:
    found: _Hashes = (hashes >> np.uint64(2)) | (np.uint64(kind) << _KIND_BITS)
    return found
