"""Import of unit cells, and the numbering of those without a code."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.checking import check_cell_codes
from gridcity.codes import CellCode, edition
from gridcity.crs import metres_per_degree
from gridcity.errors import AmbiguousCodeError, CodeError
from gridcity.importing.batch import Batch, Column, Import, Options, blank, open_batch, read_dates
from gridcity.importing.identity import Marks, collapse, identify, match, shape_text
from gridcity.importing.merge import keep_absent, keep_given, merge, stored
from gridcity.importing.placing import Areas, anchors, areas_of_cells, promoted, replace_components
from gridcity.importing.record import recorded
from gridcity.importing.shapes import check_place, check_polygons
from gridcity.profile import Profile
from gridcity.store.base import Store, Transaction
from gridcity.tiling.coverage import overlaps
from gridcity.tiling.numbering import reading_order

__all__ = ["import_cells"]

_COMMUNITY_DIGITS = 12


def import_cells(store: Store, profile: Profile, path: str | Path, options: Options) -> Import:
    """Take unit cells into a city.

    A cell belongs to the community and street in which a point inside it lies. With ``number`` the
    cells without a code get the next serials of their community, from north to south and west to east.
    Components are assigned to the cells anew.

    Parameters
    ----------
    store, profile
        The city's.
    path : str or path
        The file.
    options : Options
        How to read it.

    Raises
    ------
    SourceError, MappingError, ReferenceSystemError
        The file is refused as a whole; nothing was written.
    """
    batch = open_batch(path, "cell", profile, options)
    check_polygons(batch)
    batch.geometry = promoted(batch.geometry)
    editions = _read_codes(batch, profile)
    dates = read_dates(batch, ("initial_date", "end_date"))
    with recorded(store, batch, "cells", options) as (tx, receipt_id, result):
        _write(tx, profile, batch, editions, dates, receipt_id, number=options.number)
        replace_components(tx)
    return result[0]


def _read_codes(batch: Batch, profile: Profile) -> Column:
    """Check the codes that the rows bring, and return the edition of each."""
    code = batch.column("code")
    editions, malformed, ambiguous = blank(len(batch)), blank(len(batch)), blank(len(batch))
    for i in np.flatnonzero(code != ""):
        try:
            parsed = CellCode.parse(code[i], batch.mapping.edition or profile.edition_of(len(code[i])))
            code[i], editions[i] = parsed.text, parsed.edition
        except AmbiguousCodeError as error:
            ambiguous[i] = error.message
        except CodeError as error:
            malformed[i] = error.message
    batch.reject("code-malformed", malformed != "", field="code", values=code, reason=malformed)
    batch.reject("code-ambiguous", ambiguous != "", field="code", values=code, reason=ambiguous)
    return editions


def _write(
    tx: Transaction,
    profile: Profile,
    batch: Batch,
    editions: Column,
    dates: dict[str, Column],
    receipt_id: int,
    *,
    number: bool,
) -> None:
    areas = Areas.read(tx)
    check_place(batch, areas.extent())
    community, street = (np.full(len(batch), None, dtype=object) for _ in range(2))
    alive = np.flatnonzero(batch.alive)
    community[alive], street[alive] = areas_of_cells(areas, batch.geometry[alive])
    shapes = shape_text(batch.geometry)
    code, name, note = (batch.column(field) for field in ("code", "name", "note"))
    key = batch.key()
    identity = identify(code, key, blank(len(batch)), shapes)
    collapse(batch, identity, [shapes, code, name, note, *dates.values()], label=name)
    known = tx.columns("cells", ("fid", "code", "key", "geom"))
    marks = Marks(known["code"], known["key"], shape_text(known["geom"]))
    ids = match(batch.going, Marks(code, key, shapes), marks, known["fid"].astype(np.int64))
    _refuse_retired(tx, batch, ids, shapes)
    keep_given(tx, "cells", batch, ids, {"code": code, "edition": editions})
    keep_given(tx, "cells", batch, ids, {"key": key})
    # A cell that has ended does not begin again because a later file leaves its end blank.
    keep_given(tx, "cells", batch, ids, {"until": dates["end_date"]})
    unstated = {"name": name, "note": note, "since": dates["initial_date"]}
    keep_absent(tx, "cells", batch, ids, batch.absent(unstated, {"since": "initial_date"}))
    _raise_marks(tx, batch)
    if number:
        _number(tx, profile, batch, areas, community, editions)
    going = batch.going
    above, nowhere = areas.codes(community), community == np.array(None)
    batch.findings.extend(check_cell_codes(batch.rows[going], code[going], above[going], nowhere[going]))
    columns: dict[str, Any] = {"geom": batch.geometry, "code": code, "edition": editions, "name": name}
    columns |= {"community_id": community, "street_id": street, "area_m2": _area_m2(batch.geometry)}
    columns |= {"key": key, "note": note, "since": dates["initial_date"], "until": dates["end_date"]}
    merge(tx, "cells", batch, ids, columns, receipt_id)
    _note_overlaps(tx, batch)


def _refuse_retired(tx: Transaction, batch: Batch, ids: npt.NDArray[np.int64], shapes: Column) -> None:
    """Reject rows that give the code of a cell that has ended to another shape."""
    known = np.flatnonzero(batch.going & (ids > 0))
    if not len(known):
        return
    before = stored(tx, "cells", ["until", "geom"], ids[known])
    ended = (before["until"] != "") & (before["until"].astype(str) <= date.today().isoformat())
    other = np.asarray(shape_text(before["geom"]) != shapes[known], dtype=bool)
    retired, until = np.zeros(len(batch), dtype=bool), blank(len(batch))
    retired[known[ended & other]] = True
    until[known] = before["until"]
    batch.reject("code-retired", retired, field="code", values=batch.column("code"), other=until)


def _number(
    tx: Transaction, profile: Profile, batch: Batch, areas: Areas, community: Column, editions: Column
) -> None:
    """Give cells without a code the next serials of their community."""
    code = batch.column("code")
    above = areas.codes(community)
    at = np.flatnonzero(batch.going & (code == "") & (above != ""))
    digits = edition(profile.edition).cell_digits
    limit = 10 ** edition(profile.edition).cell_serial_digits - 1
    lng, lat = anchors(batch.geometry[at])
    area_m2 = _area_m2(batch.geometry[at])
    for prefix, group in pd.Series(np.arange(len(at))).groupby(above[at]):
        chosen = group.to_numpy()
        ordered = at[chosen[reading_order(lng[chosen], lat[chosen], area_m2[chosen])]]
        serials = tx.take_serials(f"cell:{digits}:{prefix}", len(ordered), limit=limit)
        for serial, i in zip(serials, ordered, strict=False):
            code[i] = CellCode.compose(str(prefix), serial, profile.edition).text
            editions[i] = profile.edition
        full = np.zeros(len(batch), dtype=bool)
        full[ordered[len(serials) :]] = True
        batch.note("cell-serials-full", full, field="code", values=str(prefix), limit=limit)


def _raise_marks(tx: Transaction, batch: Batch) -> None:
    """Put the serial marks above the codes that arrived ready-made, so that they are never given again."""
    own = pd.Series(batch.column("code")[batch.going & (batch.column("code") != "")])
    # By length, not by edition: two editions have codes of 15 digits, and they must not meet.
    prefix = "cell:" + own.str.len().astype(str) + ":" + own.str[:_COMMUNITY_DIGITS]
    for name, last in own.str[_COMMUNITY_DIGITS:].astype(int).groupby(prefix).max().items():
        tx.raise_serial(str(name), int(last))


def _note_overlaps(tx: Transaction, batch: Batch) -> None:
    """Name the cells of this file that overlap others of the city."""
    cells = tx.columns("cells", ("fid", "code", "geom"), on=date.today().isoformat())
    ids = cells["fid"].astype(np.int64)
    row_of = {int(i): at for at, i in enumerate(batch.ids) if i and batch.going[at]}
    mine = np.array([i for i, cell_id in enumerate(ids) if int(cell_id) in row_of], dtype=np.int64)
    first, second, area_m2 = overlaps(cells["geom"], mine)
    mine_first = np.isin(first, mine)
    one, other = np.where(mine_first, first, second), np.where(mine_first, second, first)
    batch.findings.add(
        "cell-overlap",
        [int(batch.rows[row_of[int(ids[i])]]) for i in one],
        field="geometry",
        values=[f"{size:.1f}" for size in area_m2],
        other=[cells["code"][i] or f"with id {ids[i]}" for i in other],
    )


def _area_m2(polygons: Column) -> npt.NDArray[np.float64]:
    """Return areas to the centimetre squared, right to about a millionth for a cell of a hectare."""
    bounds = shapely.bounds(polygons)
    per_lng, per_lat = metres_per_degree((bounds[:, 1] + bounds[:, 3]) / 2)
    return np.round(shapely.area(polygons) * per_lng * per_lat, 2)
