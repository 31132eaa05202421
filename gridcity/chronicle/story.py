"""The story of one object: every event with what it changed, from the images that the store keeps."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gridcity.chronicle.receipts import UNDO, heirs_of
from gridcity.distance import distance_m
from gridcity.store import wkb
from gridcity.store.base import Reading
from gridcity.store.connection import CODED

__all__ = ["Change", "Event", "code_hint", "history_of"]

# Columns that hold the id of another object: how the field is called, and the table of that object.
_REFERENCES = {
    "cell_id": ("cell", "cells"),
    "community_id": ("community", "areas"),
    "street_id": ("street", "areas"),
    "parent_id": ("parent", "areas"),
}
_UNTOLD = frozenset({"fid", "receipt"})


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after; empty text where it had no value."""

    field: str
    before: str | int | float
    after: str | int | float


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one object.

    Attributes
    ----------
    table : str
        ``components``, ``cells``, ``areas`` or ``parties``.
    object_id : int
        The object's internal id there.
    code, edition : str
        Its code and edition after the event; before it, where it is gone.
    receipt : int
        Number of the receipt under which it happened.
    at : str
        When, UTC, ISO.
    source : str
        The file, or what the receipt has in its place.
    kind : str
        ``added``; ``changed``; ``moved``, its place or shape is another one; ``retired``, it was given
        an end; ``replaced``, other cells took its place; ``restored``, an undo made it what it was;
        ``taken back``, an undo removed it.
    changes : tuple of Change
        The fields that differ, in the order of the table. Cells and areas are named by their codes, by
        ``id 7`` where they have none. What was added has all its fields here; what was taken back none.
    moved_m : float or None
        Metres between the two places; of lines and polygons between the centres of their boxes. None
        where the shape is the same.
    others : tuple of str
        Of a cell that was replaced those that have ground of it; of one that was added in the place of
        others these. Codes, ``id 7`` where a cell has none.
    """

    table: str
    object_id: int
    code: str
    edition: str
    receipt: int
    at: str
    source: str
    kind: str
    changes: tuple[Change, ...]
    moved_m: float | None
    others: tuple[str, ...] = ()


class _Receipt(NamedTuple):
    """What an event tells of its receipt."""

    number: int
    at: str
    source: str
    kind: str
    heirs: Mapping[int, tuple[int, ...]]


class _State(NamedTuple):
    """What an object was for a time."""

    record: Mapping[str, Any]
    geom: bytes | None


def history_of(store: Reading, code: str) -> tuple[Event, ...]:
    """Return everything that happened to the objects that have a code or had it once.

    Objects of several tables and editions may share a code; their events follow each other object by
    object, those of one object in the order in which they were written. An object that was given its
    code later, or another one since, is told whole.

    Parameters
    ----------
    store : Reading
        The city's.
    code : str
        Of a component, cell, area or party.

    Returns
    -------
    tuple of Event
        Empty where no object ever had the code.
    """
    columns = ("fid", "at", "source", "kind", "options")
    receipts = {
        fid: _Receipt(fid, at, source, kind, heirs_of(json.loads(options or "{}")))
        for fid, at, source, kind, options in store.rows("receipts", columns)
    }
    names = _Names(store)
    found = sorted(store.ever_coded(code.strip()), key=lambda pair: (CODED.index(pair[0]), pair[1]))
    return tuple(
        event
        for table, object_id in found
        for number, before, after in _steps(store, table, object_id)
        if (event := _event(names, table, object_id, before, after, receipts[number])) is not None
    )


def code_hint(store: Reading, code: str) -> str:
    """Return what may have been meant by a code that nothing has, as a sentence; empty if that is unknown.

    A code in full-width digits is shown in half-width ones, else the stored code is named that has the
    longest beginning in common with it.
    """
    code = code.strip()
    plain = unicodedata.normalize("NFKC", code)
    if plain != code:
        return f"Write half-width digits 0-9: {plain}."
    shared = [(_shared(code, other), other) for other in store.codes_beside(code)]
    length, nearest = max(shared, key=lambda pair: pair[0], default=(0, ""))
    return f"The nearest code is {nearest}." if length else ""


def _shared(one: str, other: str) -> int:
    same = [a == b for a, b in zip(one, other, strict=False)]
    return same.index(False) if False in same else len(same)


def _steps(store: Reading, table: str, object_id: int) -> Iterator[tuple[int, _State | None, _State | None]]:
    """Yield receipt, state before and state after of each step in the life of an object."""
    # One receipt may change an object several times: what counts is what was before it.
    states: dict[int, _State] = {}
    current = None
    images = store.images(table, object_id)
    for number, record, geom in images:
        state = _State(record, geom)
        if number is None:
            current = state
        else:
            states.setdefault(number, state)
    born = int(images[0][1]["receipt"])
    states.pop(born, None)
    after = [*states.values(), current]
    yield born, None, after[0]
    for (number, before), then in zip(states.items(), after[1:], strict=True):
        # The files of a delivery have all their receipts before the first row: the row knows its own.
        own = int(then.record["receipt"]) if then is not None else 0
        yield own if int(before.record["receipt"]) < own else number, before, then


class _Names:
    """The codes of cells and areas by their ids, also of those that are gone."""

    def __init__(self, store: Reading) -> None:
        self._store = store
        self._known: dict[tuple[str, int], str] = {}

    def of(self, table: str, object_id: int) -> str:
        key = table, object_id
        if key not in self._known:
            self._known[key] = self._look_up(table, object_id) or f"id {object_id}"
        return self._known[key]

    def _look_up(self, table: str, object_id: int) -> str:
        images = self._store.images(table, object_id)
        return str(images[-1][1]["code"]) if images else ""


def _event(
    names: _Names,
    table: str,
    object_id: int,
    before: _State | None,
    after: _State | None,
    receipt: _Receipt,
) -> Event | None:
    """Return what a step was, None where nothing differs that is told."""
    known = after or before
    assert known is not None
    changes = _changes(names, before, after) if after is not None else ()
    reshaped = before is not None and after is not None and before.geom != after.geom
    if before is not None and after is not None and not (changes or reshaped):
        return None
    heirs = receipt.heirs if table == "cells" else {}
    undone, replaced = receipt.kind == UNDO, object_id in heirs
    kind = _kind(before, after, undone=undone, reshaped=reshaped, replaced=replaced)
    return Event(
        table=table,
        object_id=object_id,
        code=known.record["code"],
        edition=known.record.get("edition", ""),
        receipt=receipt.number,
        at=receipt.at,
        source=receipt.source,
        kind=kind,
        changes=changes,
        moved_m=_moved_m(before, after) if reshaped else None,
        others=tuple(names.of("cells", other) for other in _others(heirs, object_id, kind)),
    )


def _others(heirs: Mapping[int, tuple[int, ...]], cell: int, kind: str) -> tuple[int, ...]:
    """Return the cells that took the place of one, or whose place it took."""
    if kind == "added":
        return tuple(former for former, those in heirs.items() if cell in those)
    return heirs[cell] if kind == "replaced" else ()


def _kind(
    before: _State | None, after: _State | None, *, undone: bool, reshaped: bool, replaced: bool
) -> str:
    if before is None:
        return "added"
    if after is None:
        return "taken back"
    if undone:
        return "restored"
    if after.record.get("until") and not before.record.get("until"):
        return "replaced" if replaced else "retired"
    return "moved" if reshaped else "changed"


def _changes(names: _Names, before: _State | None, after: _State) -> tuple[Change, ...]:
    found = []
    for column, value in after.record.items():
        old = before.record.get(column) if before is not None else None
        field, table = _REFERENCES.get(column, (column, ""))
        pair = [_told(names, table, each) for each in (old, value)]
        if column not in _UNTOLD and pair[0] != pair[1]:
            found.append(Change(field, *pair))
    return tuple(found)


def _told(names: _Names, table: str, value: Any) -> Any:
    if value is None:
        return ""
    return names.of(table, value) if table else value


def _moved_m(before: _State | None, after: _State | None) -> float | None:
    ends = [_centre(state.geom) for state in (before, after) if state is not None]
    if len(ends) < 2 or ends[0] is None or ends[1] is None:
        return None
    return distance_m(*ends[0], [[ends[1]]])


def _centre(blob: bytes | None) -> tuple[float, float] | None:
    box = wkb.box(blob) if blob is not None else None
    return None if box is None else ((box.west + box.east) / 2, (box.south + box.north) / 2)
