"""Import of components: read, checked, placed, coded, stored."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.checking import ComponentColumns, check_components, check_dates, check_states, districts
from gridcity.codes import ComponentCode, edition
from gridcity.crs import metres_per_degree
from gridcity.importing.batch import Batch, Column, Import, Options, blank, joined, open_batch, recorded
from gridcity.importing.classes import Classes, read_classes, read_codes
from gridcity.importing.identity import Marks, collapse, identify, match, shape_text
from gridcity.importing.merge import keep_absent, keep_given, merge, stored
from gridcity.importing.placing import Areas, cell_index, ids_at
from gridcity.intake.dates import parse_dates
from gridcity.profile import Profile
from gridcity.store.base import Store, Transaction
from gridcity.tiling.shares import cell_of

__all__ = ["import_components"]

_TEXTS = (
    *("state", "supervisor_code", "supervisor_name", "owner_code", "owner_name"),
    *("maintainer_code", "maintainer_name", "data_source", "note"),
)
# What lies farther than this from every area and cell has another city's coordinates, or none.
_MARGIN_M = 1000.0


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
    _check_shapes(batch)
    code_editions, code_classes = read_codes(batch, profile)
    classes = read_classes(batch, profile, code_editions, code_classes)
    dates = {name: _read_dates(batch, name) for name in ("initial_date", "changed_date")}
    today = date.today().isoformat()
    _take(batch, check_states(batch.rows, batch.column("state"), classes.edition))
    _take(batch, check_dates(batch.rows, dates["initial_date"], dates["changed_date"], today=today))
    with recorded(store, batch, "components", options) as (tx, receipt_id, result):
        _write(tx, profile, batch, code_editions, classes, dates, receipt_id)
    return result[0]


def _check_shapes(batch: Batch) -> None:
    collection = shapely.get_type_id(batch.geometry) == 7
    batch.reject(
        "geometry-kind",
        collection,
        field="geometry",
        values="collection",
        expected="a point, line or polygon",
    )
    points = shapely.get_type_id(batch.geometry) == 4
    single = points & (shapely.get_num_geometries(batch.geometry) == 1)
    batch.geometry[single] = shapely.get_geometry(batch.geometry[single], 0)
    batch.reject(
        "geometry-kind", points & ~single, field="geometry", values="multipoint", expected="a single point"
    )
    broken = ~shapely.is_valid(batch.geometry)
    batch.reject("geometry-invalid", broken, field="geometry", values=shapely.is_valid_reason(batch.geometry))


def _read_dates(batch: Batch, name: str) -> Column:
    dates, bad = parse_dates(batch.column(name))
    batch.reject("date-malformed", bad, field=name, values=batch.column(name))
    return dates


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
    _check_extent(tx, batch)
    code = batch.column("code")
    names = np.where(batch.column("name") == "", classes.name, batch.column("name")).astype(object)
    own = np.where(code == "", "", code + "\x1f" + code_editions).astype(object)
    kind = classes.edition + ":" + classes.code
    shapes = shape_text(batch.geometry)
    key = batch.draft.key if batch.draft.key is not None else blank(len(batch))
    identity = identify(own, key, kind, shapes)
    texts = [batch.column(name) for name in _TEXTS]
    content = [shapes, code, kind, names, batch.column("cell_code"), *texts, *dates.values()]
    collapse(batch, identity, content, label=joined([kind, names]))
    ids = _match(tx, batch, own, key, kind, shapes)
    _refuse_retired(tx, batch, ids)
    _keep_polygons(tx, batch, ids, kind, names)
    unstated = {name: batch.column(name) for name in _TEXTS} | dates | {"name": names}
    unstated |= {"declared_cell": batch.column("cell_code")}
    keep_absent(tx, "components", batch, ids, batch.absent(unstated, {"declared_cell": "cell_code"}))
    index = cell_index(tx)
    going = np.flatnonzero(batch.going)
    position, cells = (np.full(len(batch), fill, dtype=np.int64) for fill in (-1, 0))
    position[going], cells[going] = cell_of(batch.geometry[going], index)
    cell_ids = ids_at(index, position)
    cell_codes, district = _cells(tx, cell_ids, profile)
    editions = np.where(code == "", classes.edition, code_editions).astype(object)
    keep_given(tx, "components", batch, ids, {"code": code, "edition": editions})
    keep_given(tx, "components", batch, ids, {"key": key})
    checked = ComponentColumns(
        rows=batch.rows[going],
        code=code[going],
        edition=classes.edition[going],
        class_code=classes.code[going],
        fields={name: batch.column(name)[going] for name in _TEXTS}
        | {"declared_cell": batch.column("cell_code")[going]},
        district=district[going],
        cell_code=cell_codes[going],
        in_cell=position[going] >= 0,
        cells=cells[going],
        shapes=shapes[going],
    )
    batch.findings.extend(check_components(checked))
    _give_codes(tx, batch, classes, district, editions)
    columns: dict[str, Any] = {"geom": batch.geometry, "code": code, "edition": editions, "name": names}
    columns |= {"class_code": classes.code, "class_name": classes.name, "cell_id": cell_ids}
    columns |= {name: batch.column(name) for name in _TEXTS} | dates
    columns |= {"declared_cell": batch.column("cell_code"), "since": dates["initial_date"], "key": key}
    merge(tx, "components", batch, ids, columns, receipt_id)


def _check_extent(tx: Transaction, batch: Batch) -> None:
    """Reject what lies far outside everything the city knows."""
    extent = tx.extent()
    if extent is None:
        return
    per_lng, per_lat = metres_per_degree((extent.south + extent.north) / 2)
    bounds = shapely.bounds(batch.geometry)
    x, y = _MARGIN_M / per_lng, _MARGIN_M / per_lat
    outside = (bounds[:, 2] < extent.west - x) | (bounds[:, 0] > extent.east + x)
    outside |= (bounds[:, 3] < extent.south - y) | (bounds[:, 1] > extent.north + y)
    place = np.array([f"{b[0]:.6f} {b[1]:.6f}" for b in bounds] or [], dtype=object)
    batch.reject("outside-city", outside, field="geometry", values=place)


def _match(
    tx: Transaction, batch: Batch, own: Column, key: Column, kind: Column, shapes: Column
) -> npt.NDArray[np.int64]:
    """Return the stored component each row stands for: by code, by key, by class and geometry."""
    known = tx.columns("components", ("fid", "code", "edition", "class_code", "key", "geom", "until"))
    ids = known["fid"].astype(np.int64)
    known_kind = known["edition"] + ":" + known["class_code"]
    # A retired component is still known by its code, which is never given again, but not by its place.
    current = known["until"] == ""
    stored = Marks(
        known["code"] + "\x1f" + known["edition"],
        _mark(known_kind, known["key"], current & (known["key"] != "")),
        _mark(known_kind, shape_text(known["geom"]), current),
    )
    everywhere = np.ones(len(batch), dtype=bool)
    rows = Marks(own, _mark(kind, key, key != ""), _mark(kind, shapes, everywhere))
    return match(batch.going, rows, stored, ids)


def _mark(kind: Column, text: Column, where: npt.NDArray[np.bool_]) -> Column:
    return np.where(where, kind + "\x1f" + text, "").astype(object)


def _refuse_retired(tx: Transaction, batch: Batch, ids: npt.NDArray[np.int64]) -> None:
    """Reject rows that name the code of a retired component."""
    known = np.flatnonzero(batch.going & (ids > 0))
    if len(known):
        until = blank(len(batch))
        until[known] = stored(tx, "components", ["until"], ids[known])["until"]
        batch.reject("code-retired", until != "", field="code", values=batch.column("code"), other=until)


def _keep_polygons(
    tx: Transaction, batch: Batch, ids: npt.NDArray[np.int64], kind: Column, names: Column
) -> None:
    """Keep the polygon of an object that the city has as a polygon and the file as a point, or reversed."""
    known = np.flatnonzero(batch.going & (ids > 0))
    if not len(known):
        return
    before = stored(tx, "components", ["geom", "edition", "class_code", "name"], ids[known])
    same = (before["edition"] + ":" + before["class_code"] == kind[known]) & (before["name"] == names[known])
    old, new = shapely.get_dimensions(before["geom"]), shapely.get_dimensions(batch.geometry[known])
    kept = same & (old == 2) & (new == 0)
    batch.geometry[known[kept]] = before["geom"][kept]
    where = np.zeros(len(batch), dtype=bool)
    where[known[kept | (same & (old == 0) & (new == 2))]] = True
    batch.note("point-and-polygon", where, field="geometry", values=names)


def _cells(tx: Transaction, cell_ids: Column, profile: Profile) -> tuple[Column, Column]:
    """Return the code of each component's cell, and the district the cell lies in."""
    cells = tx.columns("cells", ("fid", "code", "community_id", "street_id"), {"until": ""})
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
        serials = tx.take_serials(f"component:{name}:{prefix}", len(rows), limit=limit)
        width = edition(name).component_serial_digits
        code[rows[: len(serials)]] = [f"{prefix}{serial:0{width}d}" for serial in serials]
        full = np.zeros(len(batch), dtype=bool)
        full[rows[len(serials) :]] = True
        batch.reject(
            "code-serials-full", full, field="code", values=prefix[6:], limit=limit, district=prefix[:6]
        )


def _raise_marks(tx: Transaction, batch: Batch, code: Column, editions: Column) -> None:
    """Put the serial marks above the codes that arrived ready-made, so that they are never given again."""
    own = np.flatnonzero(batch.going & (code != ""))
    if not len(own):
        return
    parsed = [ComponentCode.parse(code[i], editions[i]) for i in own]
    marks = pd.Series(
        [p.serial for p in parsed],
        index=[f"component:{p.edition}:{p.district}{p.class_code}" for p in parsed],
    )
    for prefix, last in marks.groupby(level=0).max().items():
        tx.raise_serial(str(prefix), int(last))
