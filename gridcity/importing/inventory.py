"""The components that a city had before an import, each offered to one row of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.importing.batch import Batch, Column, blank
from gridcity.importing.identity import Marks, match, shape_text
from gridcity.store.base import Transaction

__all__ = ["Inventory"]

Ids = npt.NDArray[np.int64]

_KNOWN_BY = ("fid", "code", "edition", "class_code", "key", "until", "geom")


class Inventory:
    """Finds the stored component that a row stands for: by code, by key, by class and geometry.

    Parameters
    ----------
    tx : Transaction
        The import's, before it has written a component.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.empty = tx.count("components") == 0
        self._claimed = np.zeros(0, dtype=bool)
        # Of the ended components met so far: code and last day by key and by place, within their class.
        self._ended: dict[str, dict[str, tuple[str, str]]] = {"key": {}, "place": {}}

    def ids_of(self, batch: Batch, own: Column, kind: Column) -> Ids:
        """Return the id of the stored component of each row, 0 where it is new.

        Parameters
        ----------
        batch : Batch
            The rows.
        own : object array
            Their codes with the edition; empty for none.
        kind : object array
            Their edition and class.
        """
        if self.empty or not batch.going.any():
            return np.zeros(len(batch), dtype=np.int64)
        key = batch.key()
        known = self._tx.columns("components", _KNOWN_BY, {"fid": self._candidates(batch, key).tolist()})
        ids = known["fid"].astype(np.int64)
        known_kind = known["edition"] + ":" + known["class_code"]
        # A retired component is still known by its code, which is never given again, but not by its place.
        current = (known["until"] == "") | np.asarray(known["until"] > date.today().isoformat(), dtype=bool)
        places = shape_text(known["geom"])
        self._remember_ended(known, known_kind, places, ~current)
        stored = Marks(
            known["code"] + "\x1f" + known["edition"],
            _mark(known_kind, known["key"], current & (known["key"] != "")),
            _mark(known_kind, places, current),
        )
        everywhere = np.ones(len(batch), dtype=bool)
        shapes = _mark(kind, shape_text(batch.geometry), everywhere)
        found = match(batch.going, Marks(own, _mark(kind, key, key != ""), shapes), stored, ids)
        self.claim(found)
        return found

    def note_ended(self, batch: Batch, kind: Column, ids: Ids) -> None:
        """Name the new rows without a code that have the key or the exact place of an ended component.

        Parameters
        ----------
        batch, kind
            As for `ids_of`, which has met them.
        ids : int array
            The component that each row stands for, 0 where it is new.
        """
        at = np.flatnonzero(batch.going & (ids == 0) & (batch.column("code") == ""))
        for mark, ended in self._ended.items():
            if not ended or not len(at):
                continue
            texts = batch.key()[at] if mark == "key" else shape_text(batch.geometry[at])
            marks = kind[at] + "\x1f" + texts
            met = pd.Series(marks).isin(list(ended)).to_numpy(dtype=bool)
            where, code, until = np.zeros(len(batch), dtype=bool), blank(len(batch)), blank(len(batch))
            where[at[met]] = True
            said = [ended[text] for text in marks[met]]
            code[where], until[where] = [code for code, _ in said], [day for _, day in said]
            facts: dict[str, Any] = {"values": code, "until": until, "mark": mark}
            batch.note("component-ended-here", where, field="geometry" if mark == "place" else mark, **facts)
            at = at[~met]

    def _remember_ended(
        self, known: dict[str, Column], kind: Column, places: Column, ended: npt.NDArray[np.bool_]
    ) -> None:
        said = list(zip(known["code"][ended], known["until"][ended], strict=True))
        keyed = ended & (known["key"] != "")
        by_key = zip(known["code"][keyed], known["until"][keyed], strict=True)
        self._ended["key"].update(zip(_mark(kind, known["key"], keyed)[keyed], by_key, strict=True))
        self._ended["place"].update(zip(_mark(kind, places, ended)[ended], said, strict=True))

    def claim(self, ids: Ids) -> None:
        """Offer these components to no further row: a row stands for them, or brought them."""
        self._grow(int(ids.max(initial=0)))
        self._claimed[ids] = True

    def claimed(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Return which components rows of this import stand for."""
        self._grow(int(ids.max(initial=0)))
        return self._claimed[ids]

    def _grow(self, highest: int) -> None:
        if highest >= len(self._claimed):
            longer = np.zeros(max(highest + 1, 2 * len(self._claimed)), dtype=bool)
            longer[: len(self._claimed)] = self._claimed
            self._claimed = longer

    def _candidates(self, batch: Batch, key: Column) -> Ids:
        """Return the components that share a code, a key or a box with a row, those taken left out."""
        going = batch.going
        code = batch.column("code")
        by_code = self._with("code", code[going])
        by_key = self._with("key", key[going])
        # A key may be that of another class: only codes settle a row so surely that its place is no matter.
        unseen = going & (code == "")
        _, by_place = self._tx.touching("components", shapely.bounds(batch.geometry[unseen]))
        ids = [*(fid for _, fid in by_code), *(fid for _, fid in by_key), *by_place.tolist()]
        found = np.unique(np.array(ids, dtype=np.int64))
        return found[~self.claimed(found)]

    def _with(self, column: str, texts: Column) -> list[tuple[str, int]]:
        wanted = list(dict.fromkeys(texts[texts != ""].tolist()))
        return self._tx.rows("components", (column, "fid"), {column: wanted}) if wanted else []


def _mark(kind: Column, text: Column, where: npt.NDArray[np.bool_]) -> Column:
    marks = blank(len(kind))
    marks[where] = kind[where] + "\x1f" + text[where]
    return marks
