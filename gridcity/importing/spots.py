"""Where the objects of an import stand, kept in a few bytes each to find those surveyed twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.findings import Findings
from gridcity.importing.batch import Batch, Column
from gridcity.importing.inventory import Inventory
from gridcity.importing.merge import stored
from gridcity.proximity import surveyed_twice
from gridcity.store.base import Transaction
from gridcity.tiling.coverage import shared

__all__ = ["Spots"]

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class _Kept(NamedTuple):
    """Objects of one part: number of the class, id, row, file; the place of points, the box of others."""

    klass: npt.NDArray[Any]
    ids: npt.NDArray[Any]
    rows: npt.NDArray[Any]
    file: npt.NDArray[Any]
    place: npt.NDArray[Any]


class Spots:
    """The objects of all parts of a delivery, points in 34 bytes each.

    Parameters
    ----------
    rows : int
        How many rows the delivery has.

    Attributes
    ----------
    classes : dict of str to int
        Edition and class, ``edition:code``: its number.
    """

    def __init__(self, rows: int) -> None:
        self.classes: dict[str, int] = {}
        # Room for all at once: arrays that stay behind part by part lie in the way of the next part's.
        self._points = _Kept(
            klass=np.empty(rows, dtype=np.int16),
            ids=np.empty(rows, dtype=np.int64),
            rows=np.empty(rows, dtype=np.uint32),
            file=np.empty(rows, dtype=np.int32),
            place=np.empty((rows, 2)),
        )
        self._held = 0
        self._others: list[_Kept] = []

    def add(self, file: int, batch: Batch, kind: Column) -> None:
        """Keep what a batch that has been written stands for; ``kind`` is edition and class of its rows."""
        point = shapely.get_type_id(batch.geometry) == 0
        at = np.flatnonzero(batch.going & point)
        held = slice(self._held, self._held + len(at))
        for column, values in zip(self._points, self._kept(file, batch, kind, at), strict=True):
            column[held] = values
        self._held = held.stop
        if len(at := np.flatnonzero(batch.going & ~point)):
            self._others.append(self._kept(file, batch, kind, at))

    def _kept(self, file: int, batch: Batch, kind: Column, at: Numbers) -> _Kept:
        shapes, files = batch.geometry[at], np.full(len(at), file, dtype=np.int32)
        points = (shapely.get_type_id(shapes) == 0).all()
        place = shapely.get_coordinates(shapes) if points else shapely.bounds(shapes)
        rows = batch.rows[at].astype(np.uint32)
        return _Kept(self._numbers(kind[at]), batch.ids[at], rows, files, place)

    def doubles(self, tx: Transaction, inventory: Inventory, files: int) -> Sequence[Findings]:
        """Return, for each file, the objects that stand at or close to the place of another of their class.

        They are held against those of all files and against those the city had, but for the ones that a
        row stands for.

        Parameters
        ----------
        tx : Transaction
            In which everything has been written.
        inventory : Inventory
            It knows which stored objects a row stands for.
        files : int
            How many files there are.
        """
        found = [Findings() for _ in range(files)]
        if self._held:
            self._note_points(tx, inventory, found)
        if self._others:
            self._note_others(tx, found)
        return found

    def _numbers(self, kind: Column) -> npt.NDArray[np.int16]:
        for text in dict.fromkeys(kind.tolist()):
            self.classes.setdefault(text, len(self.classes))
        return np.fromiter(map(self.classes.__getitem__, kind), dtype=np.int16, count=len(kind))

    def _names(self, classes: npt.NDArray[np.int16]) -> Column:
        """Return the codes of classes by their numbers."""
        codes = np.array([text.partition(":")[2] for text in self.classes], dtype=object)
        return codes[classes]

    def _note_points(self, tx: Transaction, inventory: Inventory, found: Sequence[Findings]) -> None:
        own = _Kept(*(column[: self._held] for column in self._points))
        lng, lat, klass = own.place[:, 0], own.place[:, 1], own.klass.astype(np.int64)
        known, known_ids = self._known(tx, inventory)
        near = surveyed_twice((lng, lat, klass), len(self.classes), known)
        row, distance_m, same = near.row, near.distance_m, near.same
        if not len(row):
            return
        other = np.concatenate([own.ids, known_ids])[near.other]
        names = self._names(own.klass[row])
        codes = stored(tx, "components", ["code"], other)["code"]
        for number, findings in enumerate(found):
            at = np.flatnonzero(same & (own.file[row] == number))
            facts: dict[str, Any] = {"field": "geometry", "values": names[at], "other": codes[at]}
            findings.add("component-place-shared", own.rows[row[at]], **facts)
            at = np.flatnonzero(~same & (own.file[row] == number))
            metres = [f"{metres:.2f}" for metres in distance_m[at]]
            facts = {"field": "geometry", "values": names[at], "other": codes[at]}
            findings.add("component-near", own.rows[row[at]], distance=metres, **facts)

    def _known(self, tx: Transaction, inventory: Inventory) -> tuple[tuple[Floats, Floats, Numbers], Numbers]:
        """Return the points that the city has besides those of this import, of the same classes."""
        places, classes, ids = (
            [np.empty((0, 2))],
            [np.empty(0, dtype=np.int64)],
            [np.empty(0, dtype=np.int64)],
        )
        if not inventory.empty:
            today = date.today().isoformat()
            for fids, xy, (editions, codes) in tx.points("components", ("edition", "class_code"), today):
                pairs = zip(editions, codes, strict=True)
                number = np.array([self.classes.get(f"{e}:{c}", -1) for e, c in pairs], dtype=np.int64)
                other = (number >= 0) & ~inventory.claimed(fids)
                places.append(xy[other])
                classes.append(number[other])
                ids.append(fids[other])
        lng, lat = np.concatenate(places).T
        return (lng, lat, np.concatenate(classes)), np.concatenate(ids)

    def _note_others(self, tx: Transaction, found: Sequence[Findings]) -> None:
        """Hold lines and polygons against all current ones of their class whose boxes meet theirs."""
        own = _joined(self._others)
        _, near = tx.touching("components", own.place)
        names = ("fid", "code", "edition", "class_code", "geom")
        wanted = {"fid": np.unique(near).tolist()}
        known = tx.columns("components", names, wanted, on=date.today().isoformat())
        extended = shapely.get_dimensions(known["geom"]) > 0
        known = {name: column[extended] for name, column in known.items()}
        kinds = known["edition"] + ":" + known["class_code"]
        klass = np.array([self.classes.get(kind, -1) for kind in kinds] or [], dtype=np.int64)
        ids = known["fid"].astype(np.int64)
        order = np.argsort(own.ids)
        place = np.searchsorted(own.ids[order], ids)
        mine = np.isin(ids, own.ids)
        first, second, share = shared(known["geom"], klass, np.flatnonzero(mine))
        # Each of a pair that came with this import names the other.
        one, other = np.concatenate([first, second]), np.concatenate([second, first])
        share, at = np.concatenate([share, share])[mine[one]], np.flatnonzero(mine[one])
        row, other = order[place[one[at]]], other[at]
        for number, findings in enumerate(found):
            here = np.flatnonzero(own.file[row] == number)
            percent = [f"{part:.0%}" for part in share[here]]
            codes = known["code"][other[here]]
            findings.add(
                "component-overlap", own.rows[row[here]], field="geometry", values=percent, other=codes
            )


def _joined(kept: Sequence[_Kept]) -> _Kept:
    return _Kept(*(np.concatenate(columns) for columns in zip(*kept, strict=True)))
