"""Cells that take the place of others: one that is divided, several that become one, any number of either.

The former cells stay in the store with their end, the new ones begin on that day. Which new cell has ground
of which former one is kept in the options of the receipt, and the history of both tells it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.errors import ArgumentError, SourceError
from gridcity.importing.batch import Batch, Column
from gridcity.importing.options import Options, ending_day
from gridcity.importing.outcome import Replaced
from gridcity.importing.survey_area import nearest_code
from gridcity.store.base import Reading, Transaction
from gridcity.store.past import end
from gridcity.tiling.coverage import Coverage, uncovered

__all__ = ["Former", "former_cells", "in_its_place", "settle_rows", "surroundings", "take_place"]

# A sentence about a duty names so many of the cells that stand where its cell stood.
_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Former:
    """The cells that are to be replaced.

    Attributes
    ----------
    day : str
        ISO date: their end, and the first day of the new ones.
    ids : int64 array
        Theirs, ascending.
    codes, shapes : object arrays
        Theirs.
    """

    day: str
    ids: npt.NDArray[np.int64]
    codes: Column
    shapes: Column


def former_cells(store: Reading, options: Options) -> Former | None:
    """Return the cells that the options name as replaced; None where they name none.

    Raises
    ------
    ArgumentError
        There is a day without a cell, a cell is named twice, is not in the city or has an end already
        (``E_ENDED``), or the day is no date, in the future (``E_FUTURE``) or before a cell's first day.
    """
    if not options.replaces:
        if options.on is not None:
            raise ArgumentError(
                "on is the day of a replacement.", hint="Name the cells that are replaced with --replaces."
            )
        return None
    day = ending_day(options.on)
    codes = [code.strip() for code in options.replaces]
    code, times = Counter(codes).most_common(1)[0]
    if times > 1:
        raise ArgumentError(f"The cell {code!r} is named twice.", hint="Name each replaced cell once.")
    columns = ("fid", "code", "since", "until", "geom")
    found = store.columns("cells", columns, {"code": [code for code in codes if code]})
    known = set(found["code"].tolist())
    for code in codes:
        if code not in known:
            raise _unknown(store, code)
    for period in zip(found["code"], found["since"], found["until"], strict=True):
        _check_period(*period, day)
    return Former(day, found["fid"].astype(np.int64), found["code"], found["geom"])


def _check_period(code: str, since: str, until: str, day: str) -> None:
    """Refuse a cell that has an end, or begins after the day on which it is to have one."""
    if until:
        raise ArgumentError(
            f"The cell {code} has its end already, {until}. Nothing was changed.",
            hint=f"What became of it: gridcity history {code}",
            code="E_ENDED",
        )
    if day < since:
        raise ArgumentError(
            f"The cell {code} began on {since}; it cannot be replaced on {day}.",
            hint="Name with --on the first day of the new cells.",
        )


def _unknown(store: Reading, code: str) -> ArgumentError:
    """Return the error about a code that no cell has."""
    if code and store.rows("areas", ("fid",), {"code": code}):
        return ArgumentError(
            f"{code} is an area, and only cells are replaced.",
            hint="Name cells; of areas import the ones that are there now.",
        )
    nearest = nearest_code(store, code, ("cells",))
    return ArgumentError(
        f"No cell of this city has the code {code!r}.",
        hint=f"The nearest code is {nearest}." if nearest else "Import the cells first.",
    )


def surroundings(tx: Transaction, batch: Batch, former: Former) -> Coverage:
    """Return the cells around those of a file that are there on the day or at any time after it.

    Parameters
    ----------
    tx : Transaction
        The import's, before it has written a cell.
    batch, former
        The rows, and what they replace, which is not among the surroundings.
    """
    _, near = tx.touching("cells", shapely.bounds(batch.geometry[batch.alive]))
    near = np.setdiff1d(near, former.ids)
    cells = tx.columns("cells", ("fid", "until", "geom"), {"fid": near.tolist()})
    until = cells["until"].astype(str)
    there = (until == "") | (until > former.day)
    return Coverage(cells["fid"][there], cells["geom"][there])


def settle_rows(tx: Transaction, batch: Batch, former: Former, dates: Mapping[str, Column]) -> None:
    """Reject rows that cannot be new cells of the day; the others begin on it.

    Parameters
    ----------
    tx, former
        As for `surroundings`.
    batch : Batch
        Rows with the code of a cell of the city, ended, replaced or neither, are rejected, and so are those
        that state another first day, or an end.
    dates : mapping of str to object array
        ``initial_date`` is filled in place, ``end_date`` read.
    """
    code, since, until = batch.column("code"), dates["initial_date"], dates["end_date"]
    other = (since != "") & (since != former.day)
    batch.reject("cell-period", other, field="initial_date", values=since, day=former.day)
    batch.reject("cell-period", until != "", field="end_date", values=until, day=former.day)
    own = [text for text in dict.fromkeys(code.tolist()) if text]
    end_of = dict(tx.rows("cells", ("code", "until"), {"code": own}))
    end_of |= {text: former.day for text in former.codes if text in end_of}
    ended = pd.Series(code, dtype=object).map(end_of).to_numpy(dtype=object)
    known = np.asarray(pd.Series(code, dtype=object).isin(end_of), dtype=bool)
    batch.reject("code-retired", known & (ended != ""), field="code", values=code, other=ended)
    batch.reject("cell-code-taken", known & (ended == ""), field="code", values=code)
    since[batch.going] = former.day


def _incomplete(batch: Batch, former: Former) -> SourceError:
    """Return the error about a file whose rows cannot all be taken: the city would have a hole."""
    lost = [finding for finding in batch.findings.severe("error") if finding.row is not None]
    n = len({finding.row for finding in lost})
    why = f": row {lost[0].row}: {lost[0].message}" if lost else ""
    return SourceError(
        f"{batch.source.name}: {n or 'no'} of {len(batch)} rows cannot be taken, and the place of "
        f"{', '.join(former.codes)} must be filled whole{why}. Nothing was changed.",
        hint=lost[0].hint if lost else "Deliver the new cells.",
    )


def take_place(tx: Transaction, batch: Batch, former: Former, receipt: int) -> Replaced:
    """End the former cells, note what differs, and keep in the receipt which cells took their place.

    Parameters
    ----------
    tx : Transaction
        The import's, once the new cells are written.
    batch, former
        The new cells, and what they replace.
    receipt : int
        The import's.

    Raises
    ------
    SourceError
        A row cannot be taken, or there is none: a part of the city would stand in no cell.
    """
    if not (len(batch) and batch.alive.all()):
        raise _incomplete(batch, former)
    end(tx, "cells", former.ids.tolist(), former.day, receipt)
    going = np.flatnonzero(batch.going)
    new, shapes = batch.ids[going], batch.geometry[going]
    lost, outside = uncovered(former.shapes, shapes), uncovered(shapes, former.shapes)
    if lost or outside:
        values, beyond = [f"{lost:.2f}"], f"{outside:.2f}"
        batch.findings.add("cell-replaced-area", [None], field="geometry", values=values, outside=beyond)
    at, one, _ = Coverage(former.ids, former.shapes).overlaps_of(shapes)
    heirs = {int(old): sorted(new[at[one == old]].tolist()) for old in former.ids}
    (options,) = tx.rows("receipts", ("options",), {"fid": receipt})[0]
    # Ids, for new cells may be given their codes later.
    kept = json.loads(options) | {"on": former.day, "replaced": heirs}
    tx.update("receipts", [receipt], {"options": [json.dumps(kept, ensure_ascii=False)]})
    code_of = dict(zip(new.tolist(), batch.column("code")[going].tolist(), strict=True))
    named = [tuple(code_of[i] or f"id {i}" for i in heirs[int(old)]) for old in former.ids]
    replaced = Replaced(former.day, dict(zip(former.codes.tolist(), named, strict=True)))
    _note_duties(tx, batch, replaced)
    return replaced


def _note_duties(tx: Reading, batch: Batch, replaced: Replaced) -> None:
    """Name the duties at former cells that go on after their end, each party once a cell."""
    columns = ("place_code", "party_name", "party_code", "until")
    rows = tx.rows("duties", columns, {"place_code": list(replaced.successors)})
    going_on = [row for row in rows if row[3] == "" or row[3] > replaced.on]
    names = dict(tx.rows("parties", ("code", "name"), {"code": [code for _, _, code, _ in going_on if code]}))
    met = dict.fromkeys((place, name or names.get(code) or code) for place, name, code, _ in going_on)
    for place, party in met:
        facts = {"until": replaced.on, "successors": in_its_place(replaced.successors[place])}
        batch.findings.add(
            "duty-place-ended", [None], field="place_code", values=[place], party=party, **facts
        )


def in_its_place(successors: Sequence[str]) -> str:
    """Return the end of the sentence about a duty at a former cell: what stands there now, if anything.

    Examples
    --------
    >>> in_its_place(["110101005001003", "id 7"])
    '; in its place: 110101005001003, id 7'
    """
    more = f" and {len(successors) - _NAMED} more" if len(successors) > _NAMED else ""
    return f"; in its place: {', '.join(successors[:_NAMED])}{more}" if successors else ""
