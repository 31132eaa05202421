"""The receipts of a city: what was written, in which order, and what was taken back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gridcity.findings import RULES
from gridcity.model import Receipt
from gridcity.store.base import Reading, Transaction

__all__ = ["UNDO", "Entry", "heirs_of", "options_of", "read_log", "write_receipt"]

UNDO = "undo"
"""The kind of a receipt that takes others back; its options name them under ``undid``."""

_COLUMNS = tuple(name for name in Receipt._fields if name not in ("id", "dry_run"))
_COUNTS = ("read", "added", "changed", "unchanged", "rejected", "collapsed")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    Attributes
    ----------
    receipt : Receipt
        What was written.
    warnings : int
        Findings of severity ``warning``.
    undid : tuple of int
        The receipts that this one took back; empty for an import.
    undone_by : int or None
        The receipt that took this one back.
    resurvey_area : str
        What a second survey covered, as it was given; empty for every other receipt.
    ended : int
        The components that a second survey did not find and was told to end.
    delivery : int or None
        The first receipt of the delivery of many files that this one belongs to.
    files : int
        How many files that delivery has; 0 without one.
    replaced : int
        The cells whose place others took.
    """

    receipt: Receipt
    warnings: int
    undid: tuple[int, ...]
    undone_by: int | None
    resurvey_area: str
    ended: int
    delivery: int | None
    files: int
    replaced: int


def read_log(store: Reading) -> tuple[Entry, ...]:
    """Return all receipts, the newest first.

    The order is that in which they were written, whatever the clock of the computer said.

    Parameters
    ----------
    store : Reading
        The city's.
    """
    rows = store.rows("receipts", ("fid", *_COLUMNS, "findings"))
    receipts = [
        (Receipt(id=fid, **dict(zip(_COLUMNS, row, strict=True)), dry_run=False), findings)
        for fid, *row, findings in rows
    ]
    undid = {receipt.id: _undid(receipt) for receipt, _ in receipts}
    undone_by = {old: new for new, those in undid.items() for old in those}
    options = {receipt.id: options_of(receipt) for receipt, _ in receipts}
    # The first file of a delivery is named by the others and does not name itself.
    others = Counter(given["delivery"] for given in options.values() if "delivery" in given)
    entries = []
    for receipt, findings in reversed(receipts):
        given, counts = options[receipt.id], json.loads(findings)
        delivery = given.get("delivery", receipt.id if receipt.id in others else None)
        entry = Entry(
            receipt,
            _warnings(counts),
            undid[receipt.id],
            undone_by.get(receipt.id),
            resurvey_area=str(given["area"]) if given.get("resurvey") else "",
            ended=counts.get("component-vanished", 0) if given.get("accept_vanished") else 0,
            delivery=delivery,
            files=others[delivery] + 1 if delivery else 0,
            replaced=len(heirs_of(given)),
        )
        entries.append(entry)
    return tuple(entries)


def options_of(receipt: Receipt) -> dict[str, Any]:
    """Return the options of a receipt; a receipt without any has none."""
    found: dict[str, Any] = json.loads(receipt.options or "{}")
    return found


def heirs_of(options: Mapping[str, Any]) -> dict[int, tuple[int, ...]]:
    """Return the cells that an import replaced, each with those that took its place, from its options."""
    found = options.get("replaced", {})
    return {int(old): tuple(new) for old, new in found.items()}


def write_receipt(
    tx: Transaction, kind: str, source: str, options: Mapping[str, object], *, changed: int
) -> int:
    """Write the receipt of something that changed objects and read no file; return its number.

    Parameters
    ----------
    tx : Transaction
        Everything it writes afterwards goes into the history under this receipt.
    kind, source : str
        What was done, and to what.
    options : mapping
        What is kept as JSON.
    changed : int
        Number of objects, which is the whole balance.
    """
    row: dict[str, object] = dict.fromkeys(_COLUMNS, "") | dict.fromkeys(_COUNTS, 0)
    row |= {"at": datetime.now(UTC).isoformat(timespec="seconds"), "kind": kind, "source": source}
    row |= {"options": json.dumps(options, ensure_ascii=False), "read": changed, "changed": changed}
    (number,) = tx.insert("receipts", {name: [value] for name, value in row.items()})
    return int(number)


def _undid(receipt: Receipt) -> tuple[int, ...]:
    return tuple(options_of(receipt)["undid"]) if receipt.kind == UNDO else ()


def _warnings(counts: Mapping[str, int]) -> int:
    """Return the number of warnings; a rule that a newer gridcity knows is not counted."""
    return sum(n for rule, n in counts.items() if rule in RULES and RULES[rule].severity == "warning")
