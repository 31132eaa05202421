"""Import of parties: who supervises, owns, maintains and handles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridcity.checking import check_credit_codes
from gridcity.importing.batch import Batch, Column, blank, open_batch, read_dates
from gridcity.importing.identity import Marks, collapse, identify, match
from gridcity.importing.merge import keep_absent, keep_given, merge
from gridcity.importing.options import Options
from gridcity.importing.outcome import Import
from gridcity.importing.record import recorded
from gridcity.model import NO_PARTY
from gridcity.profile import Profile
from gridcity.responsibility import folded
from gridcity.responsibility.tables import DutyTable, PartyTable, check_parties
from gridcity.store.base import Store

__all__ = ["import_parties", "in_file", "read_periods"]

_PERIOD = ("since", "until")

Table = TypeVar("Table", PartyTable, DutyTable)


def import_parties(store: Store, profile: Profile, path: str | Path, options: Options) -> Import:
    """Take supervisors, owners, maintainers and handlers into a city.

    A party is identified by its code, else by its name without regard to blanks. A code of 18 characters
    is checked as a unified social credit code (GB 32100-2015); a wrong one is a finding and is kept as
    delivered.

    Parameters
    ----------
    store, profile
        The city's.
    path : str or path
        A table with ``name`` and, where there are any, ``code``, ``kind``, ``aliases`` (separated by
        ``;``), ``parent_code``, ``since`` and ``until``.
    options : Options
        How to read it.

    Raises
    ------
    SourceError, MappingError
        The file is refused as a whole; nothing was written.
    """
    batch = open_batch(path, "party", profile, options, geometry="none")
    code, name = batch.column("code"), batch.column("name")
    code[np.isin(code.astype(str), list(NO_PARTY))] = ""
    batch.reject("name-missing", (name == "") | np.isin(name.astype(str), list(NO_PARTY)), field="name")
    batch.findings.extend(check_credit_codes(batch.rows, code))
    dates = read_periods(batch)
    aliases = batch.column("aliases")
    aliases[:] = [_aliases(text, own) for text, own in zip(aliases, name, strict=True)]
    texts = {
        field: batch.column(field) for field in ("code", "name", "kind", "aliases", "parent_code")
    } | dates
    with recorded(store, batch, "parties", options) as (tx, receipt_id, result):
        called = _folded(name)
        identity = identify(code, None, blank(len(batch)), called, other="name")
        collapse(batch, identity, list(texts.values()), label=called)
        known = tx.columns("parties", ("fid", "code", "name"))
        stored = Marks(known["code"], blank(len(known["fid"])), _folded(known["name"]))
        rows = Marks(code, blank(len(batch)), called)
        ids = match(batch.going, rows, stored, known["fid"].astype(np.int64))
        keep_given(tx, "parties", batch, ids, {"code": code})
        keep_absent(tx, "parties", batch, ids, batch.absent(texts))
        merge(tx, "parties", batch, ids, texts, receipt_id)
        batch.findings.extend(check_parties(*in_file(PartyTable.read(tx), batch)))
    return result[0]


def read_periods(batch: Batch) -> dict[str, Column]:
    """Return ``since`` and ``until`` in ISO form; a row with a wrong date, or without a day, is rejected."""
    found = read_dates(batch, _PERIOD)
    since, until = (found[name].astype(str) for name in _PERIOD)
    wrong = (until != "") & (until <= since)
    batch.reject("period-order", wrong, field="until", values=found["until"], since=found["since"])
    return found


def in_file(table: Table, batch: Batch) -> tuple[Table, npt.NDArray[np.bool_]]:
    """Return a whole table of a city with the rows of a file called by their numbers, and which those are.

    Parameters
    ----------
    table : PartyTable or DutyTable
        Read once the rows of the file were written.
    batch : Batch
        The file.
    """
    going = np.flatnonzero(batch.going)
    rows = pd.Series(batch.rows[going], index=batch.ids[going]).reindex(table.rows)
    told = rows.notna().to_numpy()
    numbers = rows.fillna(0).to_numpy(dtype=np.int64)
    marks = np.full(len(numbers), "in the city", dtype=object)
    marks[told] = [f"row {row}" for row in numbers[told]]
    return replace(table, rows=numbers, marks=marks), told


def _aliases(text: str, name: str) -> str:
    """Return aliases parted by ``;``, each once and without the name itself or a word for none."""
    parts = (part.strip() for part in text.replace("；", ";").split(";"))
    own = {folded(name): ""}
    for part in parts:
        if part not in NO_PARTY:
            own.setdefault(folded(part), part)
    return ";".join(filter(None, own.values()))


def _folded(names: Column) -> Column:
    return np.array([folded(name) for name in names] or [], dtype=object)
