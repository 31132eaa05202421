"""What becomes of the objects of a second survey, kept part by part as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gridcity.importing.again import metres_between
from gridcity.importing.batch import Batch, Column, Mask, blank
from gridcity.importing.comparison import CHANGE_COLUMNS, OBJECT_COLUMNS, Comparison
from gridcity.importing.identity import shape_text
from gridcity.importing.merge import stored
from gridcity.importing.placing import middles
from gridcity.store.base import Transaction

__all__ = ["Ledger"]

Ids = npt.NDArray[np.int64]

_CLASS = ("code", "edition", "class_code", "class_name")
# What a field is called where it is not the column of the store.
_FIELDS = {"geom": "geometry", "cell_id": "cell"}


class Ledger:
    """The objects of a comparison while the parts of its import are written.

    Parameters
    ----------
    tx : Transaction
        The import's.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._objects: list[dict[str, Any]] = []
        self._changes: list[dict[str, Any]] = []
        self._told = 0

    def note(
        self,
        file: int,
        label: str,
        batch: Batch,
        ids: Ids,
        columns: dict[str, Any],
        before: dict[str, Column],
        unclear: Ids,
        candidates: Sequence[str],
    ) -> None:
        """Keep what became of the rows of a part.

        Parameters
        ----------
        file, label
            Number and name of their file.
        batch, ids, columns, before
            See `Resurvey.note`.
        unclear : int64 array
            The rows that were rejected because they may be several objects.
        candidates : sequence of str
            These objects.
        """
        going = np.flatnonzero(batch.going)
        known = np.flatnonzero(ids[going] > 0)
        at = np.concatenate([going, unclear])
        kind, moved_m, told = (
            np.full(len(at), "added", dtype=object),
            np.full(len(at), np.nan),
            blank(len(at)),
        )
        kind[known], kind[len(going) :], told[len(going) :] = "unchanged", "ambiguous", candidates
        lng, lat = middles(batch.geometry[at])
        if len(known):
            kind[known[self._note_changes(going[known], known, columns, before)]] = "changed"
            moved_m[known] = metres_between(*middles(before["geom"]), lng[known], lat[known])
        found = {name: columns[name][at] for name in _CLASS}
        found |= {"number": np.full(len(at), file), "file": np.full(len(at), label, dtype=object)}
        found |= {"kind": kind, "row": batch.rows[at], "lng": lng, "lat": lat}
        self._objects.append(found | {"moved_m": moved_m, "candidates": told})
        self._told += len(at)

    def close(self, area: str, classes: tuple[str, ...], ended_on: str, gone: Any) -> Comparison:
        """Return the comparison: the rows in the order of the files, then what vanished.

        Parameters
        ----------
        area, classes, ended_on
            See `Comparison`.
        gone
            What vanished, with columns called as in `Comparison`.
        """
        objects = {name: np.concatenate([part[name] for part in self._objects]) for name in self._objects[0]}
        order = np.lexsort((objects["row"], objects.pop("number")))
        n = len(gone.code)
        last = {name: getattr(gone, name) for name in (*_CLASS, "lng", "lat")}
        last |= {"kind": np.full(n, "vanished", dtype=object), "file": blank(n), "candidates": blank(n)}
        last |= {"row": np.zeros(n, dtype=np.int64), "moved_m": np.full(n, np.nan)}
        columns = {name: np.concatenate([objects[name][order], last[name]]) for name in OBJECT_COLUMNS}
        changes = {
            name: np.concatenate([np.empty(0, dtype=object), *(part[name] for part in self._changes)])
            for name in CHANGE_COLUMNS
        }
        place = np.argsort(order)[changes.pop("change_of").astype(np.int64)]
        sequence = np.argsort(place, kind="stable")
        changes = {name: column[sequence] for name, column in changes.items()}
        return Comparison(area, classes, ended_on, **columns, change_of=place[sequence], **changes)

    def _note_changes(
        self, known: Ids, objects: Ids, columns: dict[str, Any], before: dict[str, Column]
    ) -> Mask:
        """Keep the fields in which known objects differ from what they were; return which differ at all."""
        changed = np.zeros(len(known), dtype=bool)
        for name, old in before.items():
            new = np.asarray(columns[name], dtype=object)[known]
            if name == "geom":
                differs = np.asarray(shape_text(old) != shape_text(new), dtype=bool)
                old = new = blank(len(known))
            else:
                differs = np.asarray(old != new, dtype=bool)
            changed |= differs
            at = np.flatnonzero(differs)
            # The first day follows from the initial date.
            if not len(at) or name == "since":
                continue
            pair = [old[at], new[at]]
            if name == "cell_id":
                pair = [self._cells(ids) for ids in pair]
            change_of = self._told + objects[at]
            fields = np.full(len(at), _FIELDS.get(name, name), dtype=object)
            self._changes.append(dict(zip(CHANGE_COLUMNS, (change_of, fields, *pair), strict=True)))
        return changed

    def _cells(self, ids: Column) -> Column:
        """Return the codes of cells; empty for none."""
        codes, there = blank(len(ids)), np.flatnonzero(ids != np.array(None))
        if len(there):
            codes[there] = stored(self._tx, "cells", ["code"], ids[there].astype(np.int64))["code"]
        return codes
