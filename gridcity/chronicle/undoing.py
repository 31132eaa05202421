"""Taking back what was written last."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gridcity.chronicle.receipts import UNDO, options_of, read_log, write_receipt
from gridcity.errors import StoreError
from gridcity.model import Receipt
from gridcity.spacings import note_spacings
from gridcity.store.base import Reading, Store

__all__ = ["Undone", "latest", "undo"]


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back.

    Attributes
    ----------
    receipt : int
        Number of the receipt that records it.
    undid : tuple of Receipt
        What was taken back, the oldest first.
    removed : mapping of str to int
        Objects that are no longer there, per table.
    restored : mapping of str to int
        Objects that are again what they were, per table; also those that had only been given another
        cell or area.
    dry_run : bool
        Nothing was written.
    """

    receipt: int
    undid: tuple[Receipt, ...]
    removed: Mapping[str, int]
    restored: Mapping[str, int]
    dry_run: bool


def latest(store: Reading) -> tuple[Receipt, ...]:
    """Return what would be taken back next, the oldest first; nothing where there is nothing.

    That is the latest receipt that is not taken back already, and with a file of a delivery all files
    of it: they were written together.
    """
    standing = [e.receipt for e in read_log(store) if e.receipt.kind != UNDO and e.undone_by is None]
    if not standing:
        return ()
    delivery = _delivery(standing[0])
    return tuple(receipt for receipt in reversed(standing) if _delivery(receipt) == delivery)


def _delivery(receipt: Receipt) -> int:
    return int(options_of(receipt).get("delivery", receipt.id))


def undo(store: Store, *, expected: Sequence[int] | None = None, dry_run: bool = False) -> Undone:
    """Take back what was written last: an import, a delivery of several files, an end that was set.

    What it added leaves the city, what it changed becomes what it was, and with it everything that
    followed from it: cells and components have the areas and cells again that they had. It is one
    transaction with a receipt of its own, in whose balance every object counts as changed. A second
    undo goes one further back. Codes that were given are not given again.

    Parameters
    ----------
    store : Store
        The city's.
    expected : sequence of int, optional
        The receipts to be taken back, as `latest` has named them to somebody.
    dry_run : bool, optional
        Do everything and keep nothing.

    Raises
    ------
    StoreError
        There is nothing to take back (``E_NOTHING_TO_UNDO``), something else was written since the
        expected receipts (``E_CHANGED_SINCE``), or the store cannot be written.
    """
    with store.transaction(keep=not dry_run) as tx:
        receipts = latest(tx)
        numbers = [receipt.id for receipt in receipts]
        if not receipts:
            raise StoreError(
                "There is nothing to undo: every import of this city has been taken back, or none was made.",
                hint="gridcity log lists what happened.",
                code="E_NOTHING_TO_UNDO",
            )
        if expected is not None and list(expected) != numbers:
            raise StoreError(
                f"The latest receipt is {numbers[-1]} now: something was written in the meantime.",
                hint="Look at gridcity log, and decide again.",
                code="E_CHANGED_SINCE",
            )
        source = f"receipt {numbers[0]}" if len(numbers) == 1 else f"receipts {numbers[0]}-{numbers[-1]}"
        number = write_receipt(tx, UNDO, source, {"undid": numbers}, changed=0)
        found = tx.take_back(numbers)
        if "components" in found:
            note_spacings(tx, None)
        removed = {table: n for table, (n, _) in found.items() if n}
        restored = {table: n for table, (_, n) in found.items() if n}
        total = sum(removed.values()) + sum(restored.values())
        options = json.dumps({"undid": numbers, "removed": removed, "restored": restored})
        tx.update("receipts", [number], {"options": [options], "read": [total], "changed": [total]})
    return Undone(number, receipts, removed, restored, dry_run)
