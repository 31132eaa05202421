"""The last step of every import: new rows in, changed ones over the old, equal ones left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gridcity.importing.batch import Batch, Column
from gridcity.importing.identity import shape_text
from gridcity.store.base import Transaction

__all__ = ["keep_absent", "keep_given", "merge", "stored"]


def stored(tx: Transaction, table: str, columns: list[str], ids: npt.NDArray[np.int64]) -> dict[str, Column]:
    """Return columns of stored objects in the order of the ids, which may repeat."""
    distinct, back = np.unique(ids, return_inverse=True)
    found = tx.columns(table, columns, {"fid": distinct.tolist()})
    return {name: column[back] for name, column in found.items()}


def keep_given(
    tx: Transaction, table: str, batch: Batch, ids: npt.NDArray[np.int64], columns: Mapping[str, Column]
) -> None:
    """Fill in what rows do not bring and their objects have: a code given earlier, a key.

    Parameters
    ----------
    tx, table, batch, ids
        As for `merge`.
    columns : mapping of str to object array
        Store column: values, changed in place where the first of them is empty.
    """
    lead = next(iter(columns.values()))
    _fill(tx, table, np.flatnonzero(batch.going & (ids > 0) & (lead == "")), ids, columns)


def keep_absent(
    tx: Transaction, table: str, batch: Batch, ids: npt.NDArray[np.int64], columns: Mapping[str, Column]
) -> None:
    """Fill in what the file has no column for: a survey says nothing about fields it does not have.

    Parameters
    ----------
    tx, table, batch, ids
        As for `merge`.
    columns : mapping of str to object array
        Store column: values, changed in place for all rows whose object is known.
    """
    _fill(tx, table, np.flatnonzero(batch.going & (ids > 0)), ids, columns)


def _fill(
    tx: Transaction,
    table: str,
    at: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64],
    columns: Mapping[str, Column],
) -> None:
    """Put what the store has into some rows of columns."""
    if len(at) and columns:
        before = stored(tx, table, list(columns), ids[at])
        for name, column in columns.items():
            column[at] = before[name]


def merge(
    tx: Transaction,
    table: str,
    batch: Batch,
    ids: npt.NDArray[np.int64],
    columns: Mapping[str, Any],
    receipt_id: int,
) -> dict[str, Column]:
    """Write the rows that are still going and count what became of them.

    Parameters
    ----------
    tx : Transaction
        The import's.
    table : str
        Where the rows belong.
    batch : Batch
        Its counts and ids are filled.
    ids : int array
        The stored object each row of the batch stands for, 0 for a new one.
    columns : mapping of str to array
        Store column: values for all rows of the batch. Only these are compared and written.
    receipt_id : int
        Stands in new and changed rows.

    Returns
    -------
    dict of str to object array
        What the known objects were, column by column, in the order of their rows; empty without any.
    """
    going = batch.going
    known = np.flatnonzero(going & (ids > 0))
    differs = np.zeros(len(known), dtype=bool)
    before: dict[str, Column] = {}
    if len(known):
        before = stored(tx, table, list(columns), ids[known])
        for name, column in columns.items():
            old, new = before[name], np.asarray(column, dtype=object)[known]
            if name == "geom":
                old, new = shape_text(old), shape_text(new)
            differs |= np.asarray(old != new, dtype=bool)
    changed = known[differs]
    if len(changed):
        tx.update(table, ids[changed].tolist(), _rows(columns, changed, receipt_id))
    new = np.flatnonzero(going & (ids == 0))
    batch.ids = ids.copy()
    if len(new):
        batch.ids[new] = tx.insert(table, _rows(columns, new, receipt_id))
    batch.added, batch.changed, batch.unchanged = len(new), len(changed), len(known) - len(changed)
    return before


def _rows(columns: Mapping[str, Any], at: npt.NDArray[np.int64], receipt_id: int) -> dict[str, Any]:
    chosen = {name: np.asarray(column, dtype=object)[at] for name, column in columns.items()}
    return chosen | {"receipt": [receipt_id] * len(at)}
