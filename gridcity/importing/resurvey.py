"""A second survey of an area: which object each row is, by its place too, and which objects are gone.

A row that no code, key or exact place identifies is compared with the inventory by class and distance
(`gridcity.proximity`). What stands in the area, is of a class that was looked for, and was found by no
row has vanished: it is named, and ended only where that was asked for.

All rows are read once before the first is taken, and some 40 bytes of each are kept; of the inventory
what lies in the area's box.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.crs import metres_per_degree
from gridcity.crs.evidence import datum_evidence
from gridcity.errors import ArgumentError
from gridcity.findings import Findings
from gridcity.importing.again import Again, Stand, match_again
from gridcity.importing.batch import Batch, Column, Mask, blank
from gridcity.importing.classes import Classes, class_names
from gridcity.importing.comparison import Comparison
from gridcity.importing.inventory import Inventory
from gridcity.importing.ledger import Ledger
from gridcity.importing.merge import stored
from gridcity.importing.options import Options, ending_day
from gridcity.importing.parts import PART_ROWS, Part
from gridcity.importing.placing import anchors, middles
from gridcity.importing.survey_area import read_area
from gridcity.profile import Profile
from gridcity.proximity import near_duplicates, spacing
from gridcity.store.base import Transaction
from gridcity.store.past import end

__all__ = ["Resurvey", "check_options"]

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]

# No radius of a class is larger: an object so far outside the area may have moved into it.
_MARGIN_M = 10.0
# A message names so many of the objects that a row may be.
_NAMED = 3
# Evidence about a datum needs no more; it takes an even sample itself.
_SAMPLE = 10_000

_OLD = ("fid", "code", "edition", "class_code", "class_name", "key", "since")


class _Old(NamedTuple):
    """Current components in the box of the area, of the classes that rows have or that were looked for."""

    fid: Ids
    code: Column
    edition: Column
    class_code: Column
    class_name: Column
    key: Column
    since: Column
    klass: Ids
    lng: Floats
    lat: Floats
    inside: Mask

    def at(self, where: npt.NDArray[Any]) -> _Old:
        """Return some of them."""
        return _Old(*(column[where] for column in self))


class Resurvey:
    """A second survey, told of every part twice: before a row is taken, and when its rows were written.

    Parameters
    ----------
    tx : Transaction
        The import's, before it has written a component.
    profile : Profile
        The city's.
    options : Options
        ``area``; ``classes`` or ``class_text``; ``accept_vanished`` and ``ended_on``.
    sizes : sequence of int
        Rows of each file.

    Raises
    ------
    ArgumentError, AmbiguousCodeError, SourceError, ReferenceSystemError
        The area is unknown or has no shape, a class does not exist, or the day has not come.
    """

    def __init__(self, tx: Transaction, profile: Profile, options: Options, sizes: Sequence[int]) -> None:
        assert options.area is not None
        self._tx = tx
        self._area = read_area(tx, profile, options.area)
        self._accepted = options.accept_vanished
        self._day = ending_day(options.ended_on)
        self._key = options.read_mapping().key
        texts = options.classes or ([options.class_text] if options.class_text else [])
        self._wanted = tuple(dict.fromkeys(name for text in texts for name in class_names(text, profile)))
        self._number = {name: number for number, name in enumerate(self._wanted)}
        self._begin: Ids = np.cumsum([0, *sizes], dtype=np.int64)
        n = int(self._begin[-1])
        self._ids = np.zeros(n, dtype=np.int64)
        self._lng, self._lat = np.full(n, np.nan), np.full(n, np.nan)
        self._klass = np.full(n, -1, dtype=np.int32)
        self._alive, self._looking, self._keyed, self._named, self._ambiguous = (
            np.zeros(n, dtype=bool) for _ in range(5)
        )
        self._refused: list[Hashes] = []
        self._candidates: dict[int, str] = {}
        self._vanished: _Old | None = None
        self._ledger = Ledger(tx)

    # Before a row is taken.

    def see(self, part: Part, batch: Batch, ids: Ids, code_editions: Column, names: Column) -> None:
        """Keep what tells which objects the rows of a part are.

        Parameters
        ----------
        part, batch
            The rows, checked and collapsed.
        ids : int64 array
            The objects that code, key or exact place identify, 0 for none.
        code_editions : object array
            Edition of each row's own code; empty where there is none that can be read.
        names : object array
            Of their classes; empty where there is none.
        """
        at = self._begin[part.file] + part.at
        code, key, dead = batch.column("code"), batch.key(), ~batch.alive
        self._lng[at], self._lat[at] = middles(batch.geometry)
        self._klass[at] = self._numbers(names)
        self._ids[at] = ids
        self._alive[at] = batch.alive
        # A rejected row still says that its object is there.
        self._looking[at] = (ids == 0) & (code_editions == "") & ~batch.settled
        self._keyed[at] = key != ""
        self._named[at] = (ids > 0) & ((code != "") | (key != ""))
        self._refused += [_hashed(texts[dead & (texts != "")]) for texts in (code, key)]

    def settle(self, inventory: Inventory) -> None:
        """Settle which object each row is that nothing identifies, and which objects vanished.

        Raises
        ------
        ArgumentError
            Vanished objects are to be ended before their first day.
        """
        alive = np.unique(self._klass[self._alive])
        of_rows = [name for name, number in self._number.items() if number in alive]
        self._wanted = self._wanted or tuple(of_rows)
        old = self._read()
        refused = np.concatenate([np.empty(0, dtype=np.uint64), *self._refused])
        standing = inventory.claimed(old.fid)
        for texts in (old.code, old.key):
            standing |= (texts != "") & np.isin(_hashed(texts), refused)
        self._find(old, standing)
        inventory.claim(self._ids)
        wanted = [self._number[name] for name in self._wanted]
        self._vanished = old.at(np.flatnonzero(old.inside & np.isin(old.klass, wanted) & ~standing))
        self._refuse_early_end(self._vanished)

    def displaced(self, file: int, datum: str) -> Findings:
        """Hold the rows of a file that a code or key identifies against the places of their objects."""
        found = Findings()
        begin, after = self._begin[file : file + 2]
        at = begin + np.flatnonzero(self._named[begin:after])
        at = at[:: max(1, len(at) // _SAMPLE)]
        if len(at):
            places = stored(self._tx, "components", ["geom"], self._ids[at])["geom"]
            evidence = datum_evidence(self._lng[at], self._lat[at], places, datum=datum)
            if evidence is not None and (facts := evidence.facts()):
                found.add("datum-suspect", [None], field="geometry", values=facts.pop("value"), **facts)
        return found

    # When the rows of a part are taken.

    def ids_of(self, part: Part, batch: Batch, classes: Classes) -> Ids:
        """Return the object of each row, 0 for a new one; rows that may be several are rejected.

        A row that only its place identifies takes over the edition of its object's class, as it takes
        over the code.
        """
        at = self._begin[part.file] + part.at
        unclear = self._ambiguous[at]
        values = blank(len(batch))
        values[unclear] = [self._candidates[i] for i in at[unclear].tolist()]
        batch.reject("resurvey-ambiguous", unclear, field="geometry", values=values)
        ids: Ids = self._ids[at]
        known = np.flatnonzero(batch.going & (ids > 0) & self._looking[at])
        if len(known):
            before = stored(self._tx, "components", ["edition", "class_code", "class_name"], ids[known])
            same = np.asarray(before["class_name"] == classes.name[known], dtype=bool)
            classes.edition[known[same]] = before["edition"][same]
            classes.code[known[same]] = before["class_code"][same]
        return ids

    def note(
        self,
        part: Part,
        label: str,
        batch: Batch,
        ids: Ids,
        columns: dict[str, Any],
        before: dict[str, Column],
    ) -> None:
        """Keep what became of the rows of a part, which have been written.

        Parameters
        ----------
        part, label, batch, ids
            The rows, what their file is called, and from `ids_of` their objects.
        columns : dict of str to array
            Store column: what was written, for all rows.
        before : dict of str to object array
            Store column: what the known objects were, in the order of the rows that have one.
        """
        position = self._begin[part.file] + part.at
        unclear = np.flatnonzero(self._ambiguous[position])
        candidates = [self._candidates[i] for i in position[unclear].tolist()]
        self._ledger.note(part.file, label, batch, ids, columns, before, unclear, candidates)

    # When all rows are written.

    def finish(self, receipt: int) -> Comparison:
        """End what vanished, where that was asked for, and return what the survey found.

        Parameters
        ----------
        receipt : int
            The latest receipt of the transaction.
        """
        gone = self._vanished
        assert gone is not None
        if self._accepted and len(gone.fid):
            end(self._tx, "components", gone.fid.tolist(), self._day, receipt)
        ended_on = self._day if self._accepted else ""
        return self._ledger.close(self._area.name, self._wanted, ended_on, gone)

    def vanished(self, files: int) -> list[Findings]:
        """Return, for each file, what vanished of the classes of its rows; with the first what no row has."""
        gone = self._vanished
        assert gone is not None
        klass, first = np.unique(self._klass, return_index=True)
        file_of = dict(
            zip(klass.tolist(), (np.searchsorted(self._begin, first, side="right") - 1).tolist(), strict=True)
        )
        file = np.array([file_of.get(number, 0) for number in gone.klass.tolist()], dtype=np.int64)
        found = [Findings() for _ in range(files)]
        for number, findings in enumerate(found):
            these = gone.at(np.flatnonzero(file == number))
            place = [f"{lng:.6f} {lat:.6f}" for lng, lat in zip(these.lng, these.lat, strict=True)]
            facts: dict[str, Any] = {"values": these.code, "name": these.class_name, "place": place}
            findings.add("component-vanished", [None] * len(place), field="code", **facts)
        return found

    def _numbers(self, names: Column) -> Ids:
        """Return the numbers of classes by their names, -1 for none: a class has one name in all editions."""
        for name in dict.fromkeys(names.tolist()):
            if name:
                self._number.setdefault(name, len(self._number))
        return np.fromiter((self._number.get(name, -1) for name in names), dtype=np.int64, count=len(names))

    def _read(self) -> _Old:
        """Read what stands in the box of the area."""
        west, south, east, north = shapely.bounds(self._area.shape).tolist()
        x, y = (_MARGIN_M / per for per in metres_per_degree((south + north) / 2))
        box = np.array([[west - x, south - y, east + x, north + y]])
        _, near = self._tx.touching("components", box)
        near = np.sort(near)
        today = date.today().isoformat()
        parts = []
        for begin in range(0, max(len(near), 1), PART_ROWS):
            wanted = {"fid": near[begin : begin + PART_ROWS].tolist()}
            table = self._tx.columns("components", (*_OLD, "geom"), wanted, on=today)
            klass = np.fromiter((self._number.get(name, -1) for name in table["class_name"]), dtype=np.int64)
            shapes = table.pop("geom")
            inside = self._area.holds(*anchors(shapes))
            lng, lat = middles(shapes)
            table["fid"] = table["fid"].astype(np.int64)
            found = _Old(**table, klass=klass, lng=lng, lat=lat, inside=inside)
            parts.append(found.at(np.flatnonzero(klass >= 0)))
        return _Old(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _find(self, old: _Old, standing: Mask) -> None:
        """Match rows and objects by their places; mark the objects that rows stand for, or may."""
        rows = np.flatnonzero(self._looking & (self._klass >= 0) & np.isfinite(self._lng))
        seen = np.flatnonzero(self._alive & np.isfinite(self._lng))
        klass = self._klass.astype(np.int64)
        # Each survey by itself: two rows of one object are no two objects that stand close.
        classes = len(self._number)
        of_rows = spacing(self._lng[seen], self._lat[seen], klass[seen], classes)
        of_old = spacing(old.lng, old.lat, old.klass, classes)
        radius_m = np.minimum(of_rows.again_m, of_old.again_m)
        own_key = pd.Series(old.key, dtype=object).str.startswith(f"{self._key}=").to_numpy(dtype=bool)
        new = Stand(self._lng[rows], self._lat[rows], klass[rows], self._keyed[rows])
        free = np.flatnonzero(~standing)
        objects = Stand(old.lng[free], old.lat[free], old.klass[free], own_key[free])
        found = match_again(new, objects, radius_m)
        at = np.flatnonzero(found.old >= 0)
        self._ids[rows[at]] = old.fid[free[found.old[at]]]
        self._ambiguous[rows] = found.unclear & self._alive[rows]
        self._name(rows, found, old.code[free])
        standing[free[found.old[at]]] = True
        standing[free[found.candidate]] = True
        standing[free[self._beside_unknown(objects, radius_m)]] = True

    def _beside_unknown(self, objects: Stand, radius_m: Floats) -> Ids:
        """Return the objects beside a row of no known class, which is rejected and may be any of them."""
        rows = np.flatnonzero(self._looking & (self._klass < 0) & np.isfinite(self._lng))
        if not len(rows) or not len(objects.lng):
            return np.empty(0, dtype=np.int64)
        any_class = np.zeros(len(objects.lng), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
        known = self._lng[rows], self._lat[rows], any_class[1]
        widest_m = np.array([radius_m.max()])
        near = near_duplicates(objects.lng, objects.lat, any_class[0], widest_m, known)
        return near.row[near.distance_m <= radius_m[objects.klass[near.row]]]

    def _name(self, rows: Ids, found: Again, codes: Column) -> None:
        """Keep for each unclear row the nearest objects that it may be, as text."""
        pairs = pd.DataFrame({"row": found.row, "m": found.distance_m, "code": codes[found.candidate]})
        pairs = pairs.sort_values(["row", "m", "code"])
        pairs = pairs[pairs.groupby("row").cumcount() < _NAMED]
        text = pairs["code"] + " (" + pairs["m"].map("{:.2f}".format) + " m)"
        named = text.groupby(pairs["row"]).agg(", ".join)
        self._candidates = dict(zip(rows[named.index].tolist(), named.tolist(), strict=True))

    def _refuse_early_end(self, gone: _Old) -> None:
        """Refuse to end an object before its first day."""
        if not self._accepted:
            return
        for i in np.flatnonzero(gone.since > self._day)[:1]:
            raise ArgumentError(
                f"The vanished {gone.code[i]} began on {gone.since[i]}; it cannot end on {self._day}.",
                hint="Give with --date the first day on which the vanished ones are no longer valid.",
            )


def check_options(options: Options) -> None:
    """Refuse options of a second survey that mean nothing without one another.

    Raises
    ------
    ArgumentError
        One is missing.
    """
    if options.resurvey != (options.area is not None):
        raise ArgumentError(
            "A second survey and its area belong together.",
            hint="Give both --resurvey and --area: only what lies in the area can vanish.",
        )
    alone = {"classes": options.classes, "accept_vanished": options.accept_vanished}
    for name, given in alone.items():
        if given and not options.resurvey:
            raise ArgumentError(
                f"{name} is an option of a second survey.", hint="Give --resurvey and --area."
            )
    if options.ended_on and not options.accept_vanished:
        raise ArgumentError("ended_on is the end of what vanished.", hint="Give --accept-vanished too.")


def _hashed(texts: Column) -> Hashes:
    return pd.util.hash_array(np.asarray(texts, dtype=object), categorize=False)
