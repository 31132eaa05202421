"""Ending one object, so that it is no longer valid from a day on and still known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from gridcity.chronicle.receipts import write_receipt
from gridcity.chronicle.story import code_hint
from gridcity.errors import AmbiguousCodeError, ArgumentError
from gridcity.spacings import note_spacings
from gridcity.store.base import Reading, Store, Transaction
from gridcity.store.past import end

__all__ = ["Retired", "retire"]

_KINDS = {"components": "component", "cells": "cell", "parties": "party"}


@dataclass(frozen=True, slots=True)
class Retired:
    """What was ended.

    Attributes
    ----------
    receipt : int
        Number of the receipt that records it.
    kind : str
        ``component``, ``cell`` or ``party``.
    id : int
        The object's internal id.
    code, edition, name : str
        Edition is empty for a party.
    until : str
        ISO date: the first day on which it is no longer valid.
    replaced : int
        Components that stood in an ended cell and have been given the cell they lie in now, if any.
    dry_run : bool
        Nothing was written.
    """

    receipt: int
    kind: str
    id: int
    code: str
    edition: str
    name: str
    until: str
    replaced: int
    dry_run: bool


def retire(
    store: Store,
    code: str,
    day: str,
    *,
    edition: str | None = None,
    replace: Callable[[Transaction], None],
    dry_run: bool = False,
) -> Retired:
    """End a component, a cell or a party.

    The object stays in the city with its code, which is not given again. An end is set when it has
    come: a day in the future is refused, for the components of a cell are given their new cells at once.

    Parameters
    ----------
    store : Store
        The city's.
    code : str
        The object's.
    day : str
        ISO date, the first day on which it is no longer valid; not before its first day.
    edition : str, optional
        Which of two objects that share a code is meant.
    replace : callable
        Gives all components the cells they lie in; called when a cell was ended.
    dry_run : bool, optional
        Do everything and keep nothing.

    Raises
    ------
    ArgumentError
        No object has the code, it is an area, it has ended already, or the day is before its first day
        or in the future.
    AmbiguousCodeError
        Objects of two editions have the code.
    StoreError
        The store cannot be written.
    """
    code = code.strip()
    if day > date.today().isoformat():
        raise ArgumentError(
            f"{day} has not come yet.", hint="Set the end on the day itself or later.", code="E_FUTURE"
        )
    with store.transaction(keep=not dry_run) as tx:
        table, fid, named, name, since, until = _object(tx, code, edition)
        kind = _KINDS[table]
        if until:
            raise ArgumentError(f"The {kind} {code} has ended already, on {until}.", code="E_ENDED")
        if day < since:
            raise ArgumentError(
                f"The {kind} {code} began on {since}; it cannot end on {day}.",
                hint="Give the first day on which it is no longer valid.",
            )
        options = {"code": code, "edition": named, "date": day}
        number = write_receipt(tx, "retire", code, options, changed=1)
        end(tx, table, [fid], day, number)
        replaced = 0
        if table == "components":
            note_spacings(tx, [class_code for (class_code,) in tx.rows(table, ("class_code",), {"fid": fid})])
        if table == "cells":
            standing = {"cell_id": fid}
            before = len(tx.rows("components", ("fid",), standing))
            replace(tx)
            replaced = before - len(tx.rows("components", ("fid",), standing))
    return Retired(number, kind, fid, code, named, name, day, replaced, dry_run)


def _object(tx: Reading, code: str, edition: str | None) -> tuple[str, int, str, str, str, str]:
    """Return table, id, edition, name, first day and end of the one object with a code."""
    found = []
    for table in _KINDS:
        columns = ["fid", "name", "since", "until"] + ["edition"] * (table != "parties")
        for fid, name, since, until, *named in tx.rows(table, columns, {"code": code}) if code else ():
            if edition is None or named == [edition]:
                found.append((table, fid, "".join(named), name, since, until))
    if len(found) > 1:
        raise AmbiguousCodeError(
            f"{len(found)} objects have the code {code!r}: "
            + ", ".join(f"a {_KINDS[table]} of {named}" for table, _, named, *_ in found),
            hint="Name the edition with --edition.",
        )
    if found:
        return found[0]
    if tx.rows("areas", ("fid",), {"code": code}):
        raise ArgumentError(
            f"{code} is an area, and areas have no end: they are as the last import left them.",
            hint="Import the areas as they are now.",
        )
    raise ArgumentError(
        f"No component, cell or party has the code {code!r}{f' in {edition}' if edition else ''}.",
        hint=code_hint(tx, code),
    )
