"""Import of components: read, checked, placed, coded, stored, one part of the file after the other."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridcity.checking import check_dates, check_states
from gridcity.crs.evidence import datum_evidence
from gridcity.crs.plausible import check_coordinates
from gridcity.findings import Findings
from gridcity.importing.batch import Batch, Column, Mask, about_file, blank, joined, read_batch, read_dates
from gridcity.importing.classes import Classes, read_classes, read_codes
from gridcity.importing.former import compare_places, refuse_retired
from gridcity.importing.identity import collapse, identify, shape_text
from gridcity.importing.inventory import Inventory
from gridcity.importing.merge import keep_absent, keep_given, merge
from gridcity.importing.options import Options
from gridcity.importing.outcome import Import
from gridcity.importing.parts import Part, Plan, plan
from gridcity.importing.placing import Ground, middles
from gridcity.importing.record import Register
from gridcity.importing.resurvey import Resurvey, check_options
from gridcity.importing.serials import give_codes
from gridcity.importing.shapes import check_any, check_place
from gridcity.importing.spots import Spots
from gridcity.importing.standing import TEXTS, check_standing, place
from gridcity.intake.layers import Layer
from gridcity.intake.mapping import Mapping
from gridcity.intake.matching import Matching
from gridcity.model import NO_PARTY
from gridcity.profile import Profile
from gridcity.responsibility import ROLES
from gridcity.spacings import note_spacings
from gridcity.store.base import Store, Transaction

__all__ = ["File", "Progress", "take_layers"]

# Rows that are looked at before a file is taken: a share of theirs is right to a percentage point.
_SAMPLE = 10_000
_RUN = 100
_SAME_PLACE = "an object of this class at exactly this place"


Progress = Callable[[int, int], None]
"""Told the rows taken so far and the rows in all."""


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """An open layer with the columns that fill its fields; in a delivery also what it is called there."""

    layer: Layer
    matching: Matching
    mapping: Mapping
    label: str = ""


def take_layers(
    store: Store,
    profile: Profile,
    files: Sequence[File],
    options: Options,
    *,
    progress: Progress | None = None,
) -> tuple[Import, ...]:
    """Take the components of some open layers into a city, in one transaction.

    Parameters
    ----------
    store, profile
        The city's.
    files : sequence of File
        The layers.
    options, progress
        See `gridcity.importing.delivery.import_components`.

    Returns
    -------
    tuple of Import
        One for each layer, in their order.

    Raises
    ------
    SourceError, ReferenceSystemError
        A layer is refused as a whole; nothing was written.
    ArgumentError
        The class given for a whole layer does not exist, or a second survey is not told its area.
    """
    check_options(options)
    if options.resurvey:
        files = [_stating_classes(file) for file in files]
    division = plan([(file.layer, file.matching, file.mapping) for file in files])
    total, done = sum(len(file.layer) for file in files), 0
    with store.transaction(keep=not options.dry_run) as tx:
        work = _Work(tx, profile, options, total)
        about = [work.look_at(file) for file in files]
        elsewhere = work.rows_elsewhere(files, division)
        registers: list[Register] = []
        for file, findings in zip(files, about, strict=True):
            first = registers[0].id if registers else None
            delivery = first if len(files) > 1 else None
            registers.append(Register(tx, file.layer, "components", options, delivery, file.label))
            registers[-1].note(findings)
        second = work.look_again(files, division, elsewhere) if options.resurvey else None
        if second is not None:
            for number, register in enumerate(registers):
                system = files[number].layer.system
                register.note(second.displaced(number, system.datum if system else ""))
        with tx.bulk("components", total):
            for part in division.parts:
                file = files[part.file]
                with _collector_at_rest():
                    batch = read_batch(file.layer, file.matching, file.mapping, profile, part.at)
                    _refuse_elsewhere(batch, part, elsewhere[part.file])
                    work.take(batch, part, registers[part.file].id, file.label, second)
                    registers[part.file].take(batch)
                done += len(part.at)
                if progress is not None:
                    progress(done, total)
        doubles = work.spots.doubles(tx, work.inventory, len(files))
        for register, found in zip(registers, doubles, strict=True):
            register.note(found)
        if second is None:
            note_spacings(tx, work.touched())
            return tuple(register.close() for register in registers)
        for register, found in zip(registers, second.vanished(len(files)), strict=True):
            register.note(found)
        comparison = second.finish(registers[-1].id)
        # What vanished may be of any class.
        note_spacings(tx, None)
        return tuple(register.close(comparison) for register in registers)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep Python from looking for cycles among the shapes of a part: it takes long and finds none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _stating_classes(file: File) -> File:
    """Let rows that say their class keep it: the one given says what a second survey looked for."""
    says = {"class_code", "class_name"} & {*file.matching.matched, *file.mapping.constants}
    return replace(file, mapping=replace(file.mapping, class_text="")) if says else file


class _Rows(NamedTuple):
    """What the rows of a part state, once those that stand for one object have been brought together."""

    code_editions: Column
    classes: Classes
    dates: dict[str, Column]
    names: Column
    own: Column

    @property
    def kind(self) -> Column:
        """Edition and class."""
        return self.classes.kind


class _Work:
    """What all parts of an import share: the ground, the inventory before it, and where its points stand."""

    def __init__(self, tx: Transaction, profile: Profile, options: Options, rows: int) -> None:
        self.tx = tx
        self.profile = profile
        self.options = options
        self.ground = Ground.read(tx, profile)
        self.inventory = Inventory(tx)
        self.spots = Spots(rows)
        self.parties = frozenset(code for (code,) in tx.rows("parties", ("code",)) if code)
        self._former: set[str] = set()

    def look_at(self, file: File) -> Findings:
        """Look at an even sample of a layer before a row is taken; return what is to be said of the whole.

        Raises
        ------
        ReferenceSystemError
            The coordinates are not what their reference system says.
        """
        layer = file.layer
        at = _sampled(len(layer))
        batch = read_batch(layer, file.matching, file.mapping, self.profile, at)
        found = about_file(layer, file.matching, self.profile)
        if layer.system is None or not len(batch):
            return found
        x, y = middles(batch.draft.geometry)
        check_coordinates(x, y, layer.system, self.ground.extent, where=layer.name)
        lng, lat = middles(batch.geometry)
        cells = self.ground.shapes_of(batch.column("cell_code"))
        evidence = datum_evidence(lng, lat, cells, datum=layer.system.datum)
        if evidence is not None and (facts := evidence.facts()):
            found.add("datum-suspect", [None], field="geometry", values=facts.pop("value"), **facts)
        return found

    def rows_elsewhere(self, files: Sequence[File], division: Plan) -> list[dict[int, str]]:
        """Return, for each file, the rows that another file of the delivery has too, with one of those.

        Files are held against one another before a row is taken, for neither of two rows says which is
        right.
        """
        found = []
        for number, (file, at) in enumerate(zip(files, division.shared, strict=True)):
            batch = read_batch(file.layer, file.matching, file.mapping, self.profile, at)
            check_any(batch, repair=self.options.repair)
            code_editions, classes = self._read(batch)
            own, kind = _own(batch, code_editions), classes.kind
            marks = identify(own, batch.key(), kind, shape_text(batch.geometry))
            name = file.label or file.layer.name
            rows = pd.DataFrame({"mark": marks, "file": number, "row": batch.rows, "name": name})
            found.append(rows[batch.alive])
        every = pd.concat(found)
        every = every[every.groupby("mark")["file"].transform("nunique") > 1]
        met: list[dict[int, str]] = [{} for _ in files]
        for number, others in enumerate(met):
            other = every[every["file"] != number].drop_duplicates("mark").set_index("mark")
            mine = every[every["file"] == number]
            stands = other.reindex(mine["mark"])
            texts = "row " + stands["row"].astype(str) + " of " + stands["name"]
            others.update(zip(mine["row"].tolist(), texts.tolist(), strict=True))
        return met

    def _read(self, batch: Batch) -> tuple[Column, Classes]:
        """Return the edition of each row's own code, and the class of each row."""
        code_editions, code_classes = read_codes(batch, self.profile, pad=self.options.pad_codes)
        return code_editions, read_classes(batch, self.profile, code_editions, code_classes)

    def look_again(
        self, files: Sequence[File], division: Plan, elsewhere: Sequence[dict[int, str]]
    ) -> Resurvey:
        """Read all rows of a second survey, for which object a row is depends on the others."""
        second = Resurvey(self.tx, self.profile, self.options, [len(file.layer) for file in files])
        for part in division.parts:
            file = files[part.file]
            batch = read_batch(file.layer, file.matching, file.mapping, self.profile, part.at)
            _refuse_elsewhere(batch, part, elsewhere[part.file])
            rows = self._check(batch, part)
            ids = self.inventory.ids_of(batch, rows.own, rows.kind)
            second.see(part, batch, ids, rows.code_editions, rows.classes.name)
        second.settle(self.inventory)
        return second

    def _check(self, batch: Batch, part: Part) -> _Rows:
        """Check the rows of a part, and bring together those that stand for one object."""
        check_any(batch, repair=self.options.repair)
        code_editions, classes = self._read(batch)
        dates = read_dates(batch, ("initial_date", "changed_date"))
        _check_rows(batch, classes, dates)
        self._check_parties(batch)
        check_place(batch, self.ground.extent)
        names = np.where(batch.column("name") == "", classes.name, batch.column("name")).astype(object)
        rows = _Rows(code_editions, classes, dates, names, _own(batch, code_editions))
        _collapse(batch, part.repeated, rows.own, rows.kind, names, dates)
        return rows

    def take(
        self, batch: Batch, part: Part, receipt_id: int, label: str, second: Resurvey | None = None
    ) -> None:
        """Check the rows of a part, settle which object each one is, place them and write them."""
        rows = self._check(batch, part)
        code_editions, classes, dates, names, own = rows
        code, key = batch.column("code"), batch.key()
        if second is None:
            ids = self.inventory.ids_of(batch, own, rows.kind)
        else:
            ids = second.ids_of(part, batch, classes)
        kind = rows.kind
        if ids.any():
            refuse_retired(self.tx, batch, ids)
            compare_places(self.tx, batch, ids, kind, names)
            _keep_unsaid(self.tx, batch, ids, classes, names, dates)
        self.inventory.note_ended(batch, kind, ids)
        editions = np.where(code == "", classes.edition, code_editions).astype(object)
        keep_given(self.tx, "components", batch, ids, {"code": code, "edition": editions})
        keep_given(self.tx, "components", batch, ids, {"key": key})
        places = place(batch, self.ground)
        check_standing(batch, classes, places)
        give_codes(self.tx, batch, classes, places.district, editions)
        columns: dict[str, Any] = {"geom": batch.geometry, "code": code, "edition": editions, "name": names}
        columns |= {"class_code": classes.code, "class_name": classes.name, "cell_id": places.cell_id}
        columns |= {name: batch.column(name) for name in TEXTS} | dates
        columns |= {"declared_cell": batch.column("cell_code"), "since": dates["initial_date"], "key": key}
        before = merge(self.tx, "components", batch, ids, columns, receipt_id)
        self._former.update(before.get("class_code", ()))
        if second is not None:
            second.note(part, label, batch, ids, columns, before)
        self.inventory.claim(batch.ids[batch.going])
        self.spots.add(part.file, batch, kind)

    def touched(self) -> set[str]:
        """Return the codes of the classes that objects of the rows taken have or had."""
        return self._former | {kind.partition(":")[2] for kind in self.spots.classes}

    def _check_parties(self, batch: Batch) -> None:
        """Find bodies that are named by a code which no party of the city has."""
        known = list(self.parties | NO_PARTY)
        for role in ROLES[1:]:
            code = batch.column(f"{role}_code")
            unknown = ~pd.Series(code).isin(known).to_numpy()
            if self.options.require_parties:
                batch.reject("party-unknown", unknown, field=f"{role}_code", values=code, more="")
            elif self.parties:
                batch.note(
                    "component-party-unknown", unknown & batch.alive, field=f"{role}_code", values=code
                )


def _own(batch: Batch, code_editions: Column) -> Column:
    """Return the own code of each row with its edition, empty for none."""
    code = batch.column("code")
    return np.where(code == "", "", code + "\x1f" + code_editions).astype(object)


def _refuse_elsewhere(batch: Batch, part: Part, elsewhere: dict[int, str]) -> None:
    """Reject the rows of a part that another file of the delivery has too."""
    if not elsewhere:
        return
    other = pd.Series(batch.rows).map(elsewhere).fillna("").to_numpy(dtype=object)
    code, key = batch.column("code"), batch.key()
    value = np.where(code != "", code, key).astype(object)
    what = np.where(code != "", "the code " + code, np.where(key != "", "the key " + key, _SAME_PLACE))
    facts: dict[str, Any] = {"values": value, "what": what.astype(object), "other": other}
    batch.reject("delivery-duplicate", other != "", field="code", **facts)


def _sampled(n: int) -> npt.NDArray[np.int64]:
    """Return the positions of an even sample of n rows, in short runs: scattered rows map half a file."""
    if n <= _SAMPLE:
        return np.arange(n)
    begins = np.linspace(0, n - _RUN, _SAMPLE // _RUN).astype(np.int64)
    # Runs of a file just longer than the sample meet.
    return np.unique(begins[:, None] + np.arange(_RUN))


def _check_rows(batch: Batch, classes: Classes, dates: dict[str, Column]) -> None:
    """Apply the rules about states and dates to rows that have broken no other."""
    at = np.flatnonzero(batch.alive)
    _take_over(batch, check_states(batch.rows[at], batch.column("state")[at], classes.edition[at]))
    at = np.flatnonzero(batch.alive)
    initial, changed = dates["initial_date"][at], dates["changed_date"][at]
    _take_over(batch, check_dates(batch.rows[at], initial, changed, today=date.today().isoformat()))


def _take_over(batch: Batch, findings: Findings) -> None:
    """Take over findings about rows that are still alive, and mark the rows they cost."""
    batch.findings.extend(findings)
    batch.alive &= ~np.isin(batch.rows, list(findings.rejected_rows()))


def _collapse(
    batch: Batch, repeated: Mask, own: Column, kind: Column, names: Column, dates: dict[str, Column]
) -> None:
    """Settle the rows of the part that stand for one object, among those that may."""
    at = np.flatnonzero(repeated & batch.going)
    if not len(at):
        return
    shapes, identity = blank(len(batch)), blank(len(batch))
    shapes[at] = shape_text(batch.geometry[at])
    identity[at] = identify(own[at], batch.key()[at], kind[at], shapes[at])
    texts = [batch.column(name) for name in TEXTS]
    content = [shapes, batch.column("code"), kind, names, batch.column("cell_code"), *texts, *dates.values()]
    label = blank(len(batch))
    label[at] = joined([kind[at], names[at]])
    collapse(batch, identity, content, label=label, whole=True)


def _keep_unsaid(
    tx: Transaction,
    batch: Batch,
    ids: npt.NDArray[np.int64],
    classes: Classes,
    names: Column,
    dates: dict[str, Column],
) -> None:
    """Fill in what the file does not say about known objects."""
    unstated = {name: batch.column(name) for name in TEXTS} | dates | {"name": names}
    unstated |= {"declared_cell": batch.column("cell_code")}
    if not batch.mapping.class_text and not {"class_code", "class_name", "name"} & set(batch.draft.columns):
        unstated |= {"class_code": classes.code, "class_name": classes.name}
    keep_absent(tx, "components", batch, ids, batch.absent(unstated, {"declared_cell": "cell_code"}))
