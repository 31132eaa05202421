"""Import of components: read, checked, placed, coded, stored."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.checking import ComponentColumns, check_components, check_dates, check_states, districts
from gridcity.codes import edition
from gridcity.crs import metres_per_degree
from gridcity.importing.batch import (
    Batch,
    Column,
    Import,
    Options,
    blank,
    joined,
    open_batch,
    read_dates,
)
from gridcity.importing.classes import Classes, read_classes, read_codes
from gridcity.importing.identity import Marks, collapse, identify, match, shape_text
from gridcity.importing.merge import keep_absent, keep_given, merge, stored
from gridcity.importing.placing import Areas, anchors, cell_index, ids_at
from gridcity.importing.record import recorded
from gridcity.importing.shapes import check_any, check_place
from gridcity.profile import Profile
from gridcity.store.base import Store, Transaction
from gridcity.store.wkb import Box
from gridcity.tiling.shares import cell_of

__all__ = ["import_components"]

_TEXTS = (
    *("state", "supervisor_code", "supervisor_name", "owner_code", "owner_name"),
    *("maintainer_code", "maintainer_name", "data_source", "note"),
)
# Beyond the errors of any survey: an object this far from its former place is likely another one.
_MOVED_M = 100.0


def import_components(store: Store, profile: Profile, path: str | Path, options: Options) -> Import:
    """Take components into a city.

    Each row is identified (own code, key, or class and exact geometry), checked, put into the cell that
    holds it or its largest share, and given a code if it has none.

    Parameters
    ----------
    store, profile
        The city's.
    path : str or path
        The file.
    options : Options
        How to read it; ``class_text`` for files of one class.

    Raises
    ------
    SourceError, MappingError, ReferenceSystemError
        The file is refused as a whole; nothing was written.
    ArgumentError
        The class given for the whole file does not exist.
    """
    batch = open_batch(path, "component", profile, options)
    check_any(batch)
    code_editions, code_classes = read_codes(batch, profile)
    classes = read_classes(batch, profile, code_editions, code_classes)
    dates = read_dates(batch, ("initial_date", "changed_date"))
    today = date.today().isoformat()
    _take(batch, check_states(batch.rows, batch.column("state"), classes.edition))
    _take(batch, check_dates(batch.rows, dates["initial_date"], dates["changed_date"], today=today))
    with recorded(store, batch, "components", options) as (tx, receipt_id, result):
        _write(tx, profile, batch, code_editions, classes, dates, receipt_id)
    return result[0]


def _take(batch: Batch, findings: Any) -> None:
    """Take over findings about rows that are still alive, and mark the rows they cost."""
    rejected = findings.rejected_rows()
    batch.findings.extend(findings.only(set(batch.rows[batch.alive].tolist())))
    batch.alive &= ~np.isin(batch.rows, list(rejected))


def _write(
    tx: Transaction,
    profile: Profile,
    batch: Batch,
    code_editions: Column,
    classes: Classes,
    dates: dict[str, Column],
    receipt_id: int,
) -> None:
    check_place(batch, tx.extent())
    code, key = batch.column("code"), batch.key()
    names = np.where(batch.column("name") == "", classes.name, batch.column("name")).astype(object)
    ids = _identify(tx, batch, code_editions, classes, names, dates)
    editions = np.where(code == "", classes.edition, code_editions).astype(object)
    keep_given(tx, "components", batch, ids, {"code": code, "edition": editions})
    keep_given(tx, "components", batch, ids, {"key": key})
    places = _place(tx, batch, profile)
    _check(batch, classes, places)
    _give_codes(tx, batch, classes, places.district, editions)
    columns: dict[str, Any] = {"geom": batch.geometry, "code": code, "edition": editions, "name": names}
    columns |= {"class_code": classes.code, "class_name": classes.name, "cell_id": places.cell_id}
    columns |= {name: batch.column(name) for name in _TEXTS} | dates
    columns |= {"declared_cell": batch.column("cell_code"), "since": dates["initial_date"], "key": key}
    merge(tx, "components", batch, ids, columns, receipt_id)


def _identify(
    tx: Transaction,
    batch: Batch,
    code_editions: Column,
    classes: Classes,
    names: Column,
    dates: dict[str, Column],
) -> npt.NDArray[np.int64]:
    """Settle which row is which object, and fill in what the file does not say about known ones."""
    code, key = batch.column("code"), batch.key()
    own = np.where(code == "", "", code + "\x1f" + code_editions).astype(object)
    kind = classes.edition + ":" + classes.code
    shapes = shape_text(batch.geometry)
    identity = identify(own, key, kind, shapes)
    texts = [batch.column(name) for name in _TEXTS]
    content = [shapes, code, kind, names, batch.column("cell_code"), *texts, *dates.values()]
    collapse(batch, identity, content, label=joined([kind, names]), whole=True)
    ids = _match(tx, batch, own, key, kind, shapes)
    _refuse_retired(tx, batch, ids)
    _compare_places(tx, batch, ids, kind, names)
    unstated = {name: batch.column(name) for name in _TEXTS} | dates | {"name": names}
    unstated |= {"declared_cell": batch.column("cell_code")}
    if not batch.mapping.class_text and not {"class_code", "class_name", "name"} & set(batch.draft.columns):
        unstated |= {"class_code": classes.code, "class_name": classes.name}
    keep_absent(tx, "components", batch, ids, batch.absent(unstated, {"declared_cell": "cell_code"}))
    return ids


class _Places(NamedTuple):
    """Where each row stands; rows that are settled or rejected stand nowhere."""

    cell_id: Column
    cell_code: Column
    district: Column
    cells: npt.NDArray[np.int64]
    known_cells: frozenset[str]


def _place(tx: Transaction, batch: Batch, profile: Profile) -> _Places:
    """Find the cell of each row, and through it the district."""
    index = cell_index(tx)
    going = np.flatnonzero(batch.going)
    position, cells = (np.full(len(batch), fill, dtype=np.int64) for fill in (-1, 0))
    position[going], cells[going] = cell_of(batch.geometry[going], index)
    cell_ids = ids_at(index, position)
    cell_codes, district = _cells(tx, cell_ids, profile)
    return _Places(cell_ids, cell_codes, district, cells, frozenset(index.codes))


def _check(batch: Batch, classes: Classes, places: _Places) -> None:
    """Apply the rules that hold what the survey says against the map."""
    going = np.flatnonzero(batch.going)
    fields = {name: batch.column(name)[going] for name in _TEXTS}
    table = ComponentColumns(
        rows=batch.rows[going],
        code=batch.column("code")[going],
        edition=classes.edition[going],
        class_code=classes.code[going],
        fields=fields | {"declared_cell": batch.column("cell_code")[going]},
        district=places.district[going],
        cell_code=places.cell_code[going],
        in_cell=places.cells[going] > 0,
        cells=places.cells[going],
        known_cells=places.known_cells,
        shapes=shape_text(batch.geometry[going]),
    )
    batch.findings.extend(check_components(table))


def _match(
    tx: Transaction, batch: Batch, own: Column, key: Column, kind: Column, shapes: Column
) -> npt.NDArray[np.int64]:
    """Return the stored component each row stands for: by code, by key, by class and geometry."""
    known = tx.columns("components", ("fid", "code", "edition", "class_code", "key", "until"))
    ids = known["fid"].astype(np.int64)
    known_kind = known["edition"] + ":" + known["class_code"]
    # A retired component is still known by its code, which is never given again, but not by its place.
    current = (known["until"] == "") | (known["until"].astype(str) > date.today().isoformat())
    places = _shapes_near(tx, batch, ids)
    stored = Marks(
        known["code"] + "\x1f" + known["edition"],
        _mark(known_kind, known["key"], current & (known["key"] != "")),
        _mark(known_kind, places, current & (places != "")),
    )
    everywhere = np.ones(len(batch), dtype=bool)
    rows = Marks(own, _mark(kind, key, key != ""), _mark(kind, shapes, everywhere))
    return match(batch.going, rows, stored, ids)


def _shapes_near(tx: Transaction, batch: Batch, ids: npt.NDArray[np.int64]) -> Column:
    """Return the exact geometry of the stored components where the batch lies, empty elsewhere."""
    found = blank(len(ids))
    going = batch.geometry[batch.going]
    if len(going) and len(ids):
        near = sorted(i for i, _ in tx.near("components", Box(*shapely.total_bounds(going).tolist())))
        shapes = tx.columns("components", ("geom",), {"fid": near})["geom"]
        found[np.searchsorted(ids, near)] = shape_text(shapes)
    return found


def _mark(kind: Column, text: Column, where: npt.NDArray[np.bool_]) -> Column:
    return np.where(where, kind + "\x1f" + text, "").astype(object)


def _refuse_retired(tx: Transaction, batch: Batch, ids: npt.NDArray[np.int64]) -> None:
    """Reject rows that name the code of a retired component."""
    known = np.flatnonzero(batch.going & (ids > 0))
    if len(known):
        until = blank(len(batch))
        until[known] = stored(tx, "components", ["until"], ids[known])["until"]
        ended = (until != "") & (until.astype(str) <= date.today().isoformat())
        batch.reject("code-retired", ended, field="code", values=batch.column("code"), other=until)


def _compare_places(
    tx: Transaction, batch: Batch, ids: npt.NDArray[np.int64], kind: Column, names: Column
) -> None:
    """Hold the geometry of known objects against the stored one."""
    known = np.flatnonzero(batch.going & (ids > 0))
    if len(known):
        before = stored(tx, "components", ["geom", "edition", "class_code", "name"], ids[known])
        same = (before["edition"] + ":" + before["class_code"] == kind[known]) & (
            before["name"] == names[known]
        )
        _note_moves(batch, known, before["geom"])
        _keep_polygons(batch, known, before["geom"], np.asarray(same, dtype=bool), names)


def _keep_polygons(
    batch: Batch, known: npt.NDArray[np.int64], before: Column, same: npt.NDArray[np.bool_], names: Column
) -> None:
    """Keep the line or polygon of an object that arrives as a point, or had arrived as one."""
    old, new = shapely.get_dimensions(before), shapely.get_dimensions(batch.geometry[known])
    kept = same & (old > 0) & (new == 0)
    batch.geometry[known[kept]] = before[kept]
    where = np.zeros(len(batch), dtype=bool)
    where[known[kept | (same & (old == 0) & (new > 0))]] = True
    batch.note("point-and-polygon", where, field="geometry", values=names)


def _note_moves(batch: Batch, known: npt.NDArray[np.int64], before: Column) -> None:
    """Name the objects that now lie far from where they were: likely another object under their code."""
    lng, lat = anchors(before)
    to_lng, to_lat = anchors(batch.geometry[known])
    per_lng, per_lat = metres_per_degree(lat)
    moved_m = np.hypot((to_lng - lng) * per_lng, (to_lat - lat) * per_lat)
    far = moved_m > _MOVED_M
    where, values = np.zeros(len(batch), dtype=bool), blank(len(batch))
    where[known[far]] = True
    values[known[far]] = [f"{metres:.0f}" for metres in moved_m[far]]
    batch.note("component-moved", where, field="geometry", values=values)


def _cells(tx: Transaction, cell_ids: Column, profile: Profile) -> tuple[Column, Column]:
    """Return the code of each component's cell, and the district the cell lies in."""
    cells = tx.columns("cells", ("fid", "code", "community_id", "street_id"), on=date.today().isoformat())
    areas = Areas.read(tx)
    above = areas.codes(cells["community_id"]), areas.codes(cells["street_id"])
    district = districts(*above, cells["code"], default=profile.area_code)
    # The last entry is that of components outside every cell.
    at = pd.Index(cells["fid"]).get_indexer(cell_ids)
    return np.append(cells["code"], "")[at], np.append(district, profile.area_code)[at]


def _give_codes(tx: Transaction, batch: Batch, classes: Classes, district: Column, editions: Column) -> None:
    """Give the next serials of their district and class to rows without a code, in file order."""
    code = batch.column("code")
    _raise_marks(tx, batch, code, editions)
    at = np.flatnonzero(batch.going & (code == ""))
    group = joined([classes.edition[at], district[at] + classes.code[at]])
    for key, chosen in pd.Series(at).groupby(group, sort=True):
        name, prefix = str(key).split("\x1f")
        rows = chosen.to_numpy()
        limit = 10 ** edition(name).component_serial_digits - 1
        serials = tx.take_serials(f"component:{prefix}", len(rows), limit=limit)
        width = edition(name).component_serial_digits
        code[rows[: len(serials)]] = [f"{prefix}{serial:0{width}d}" for serial in serials]
        full = np.zeros(len(batch), dtype=bool)
        full[rows[len(serials) :]] = True
        batch.reject(
            "code-serials-full", full, field="code", values=prefix[6:], limit=limit, district=prefix[:6]
        )


def _raise_marks(tx: Transaction, batch: Batch, code: Column, editions: Column) -> None:
    """Put the serial marks above the codes that arrived ready-made, so that they are never given again.

    The digits before the serial are the mark's name: two editions have codes of 16 digits, and they must
    not meet.
    """
    for name in dict.fromkeys(editions[batch.going & (code != "")].tolist()):
        width = edition(name).component_serial_digits
        own = pd.Series(code[batch.going & (code != "") & (editions == name)])
        marks = own.str[-width:].astype(int).groupby(own.str[:-width]).max()
        for prefix, last in marks.items():
            tx.raise_serial(f"component:{prefix}", int(last))
