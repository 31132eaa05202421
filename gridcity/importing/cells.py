"""Import of unit cells, and the numbering of those without a code."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridcity.checking import check_cell_codes
from gridcity.codes import CellCode, edition
from gridcity.errors import AmbiguousCodeError, CodeError, SourceError
from gridcity.importing.batch import Batch, Column, blank, open_batch, read_dates
from gridcity.importing.identity import Marks, collapse, identify, match, shape_text
from gridcity.importing.merge import keep_absent, keep_given, merge, stored
from gridcity.importing.options import Options
from gridcity.importing.outcome import Import
from gridcity.importing.placing import Areas, anchors, areas_of_cells, promoted, replace_components
from gridcity.importing.record import recorded
from gridcity.importing.replacing import Former, former_cells, settle_rows, surroundings, take_place
from gridcity.importing.shapes import area_m2, check_place, check_polygons
from gridcity.profile import Profile
from gridcity.store.base import Store, Transaction
from gridcity.tiling.coverage import Coverage
from gridcity.tiling.numbering import reading_order

__all__ = ["import_cells"]

_COMMUNITY_DIGITS = 12
# Pairs that a refusal names; --allow-overlaps lists them all.
_SHOWN = 5


def import_cells(store: Store, profile: Profile, path: str | Path, options: Options) -> Import:
    """Take unit cells into a city.

    A cell belongs to the community and street in which a point inside it lies. With ``number`` the
    cells without a code get the next serials of their community, from north to south and west to east.
    Components are assigned to the cells anew.

    With ``replaces`` the cells take the place of others, which end on the day on which they begin. Then
    every row is a new cell, whatever shape or key it shares with one of the city.

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
        The file is refused as a whole; nothing was written. Code ``E_OVERLAP`` where cells overlap by
        more than 0.01 m² and ``options`` do not allow it.
    ArgumentError
        The cells to be replaced or the day do not fit; see `gridcity.importing.replacing.former_cells`.
    """
    batch = open_batch(path, "cell", profile, options)
    check_polygons(batch, repair=options.repair)
    batch.geometry = promoted(batch.geometry)
    editions = _read_codes(batch, profile)
    dates = read_dates(batch, ("initial_date", "end_date"))
    with recorded(store, batch, "cells", options) as (tx, receipt_id, result):
        former = former_cells(tx, options)
        here = _current(tx) if former is None else surroundings(tx, batch, former)
        _write(tx, profile, batch, editions, dates, receipt_id, former, number=options.number)
        replaced = None if former is None else take_place(tx, batch, former, receipt_id)
        _judge_overlaps(tx, batch, here, allowed=options.allow_overlaps)
        replace_components(tx)
    return replace(result[0], replaced=replaced)


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
    former: Former | None,
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
    if former is None:
        ids = _known(tx, batch, Marks(code, key, shapes))
        _refuse_retired(tx, batch, ids, shapes)
    else:
        ids = np.zeros(len(batch), dtype=np.int64)
        settle_rows(tx, batch, former, dates)
    keep_given(tx, "cells", batch, ids, {"code": code, "edition": editions})
    keep_given(tx, "cells", batch, ids, {"key": key})
    # A cell does not begin again, or earlier, because a later file leaves its dates blank.
    keep_given(tx, "cells", batch, ids, {"until": dates["end_date"]})
    keep_given(tx, "cells", batch, ids, {"since": dates["initial_date"]})
    keep_absent(tx, "cells", batch, ids, batch.absent({"name": name, "note": note}))
    _raise_marks(tx, batch)
    if number:
        _number(tx, profile, batch, areas, community, editions)
    going = batch.going
    above, nowhere = areas.codes(community), community == np.array(None)
    batch.findings.extend(check_cell_codes(batch.rows[going], code[going], above[going], nowhere[going]))
    columns: dict[str, Any] = {"geom": batch.geometry, "code": code, "edition": editions, "name": name}
    columns |= {"community_id": community, "street_id": street, "area_m2": area_m2(batch.geometry)}
    columns |= {"key": key, "note": note, "since": dates["initial_date"], "until": dates["end_date"]}
    merge(tx, "cells", batch, ids, columns, receipt_id)


def _known(tx: Transaction, batch: Batch, rows: Marks) -> npt.NDArray[np.int64]:
    """Return the cell that each row stands for, 0 for a new one."""
    known = tx.columns("cells", ("fid", "code", "key", "geom", "until"))
    # A cell may have the shape or key of one whose place it took: then the one without an end is meant.
    order = np.argsort(known["until"] != "", kind="stable")
    marks = Marks(known["code"][order], known["key"][order], shape_text(known["geom"])[order])
    return match(batch.going, rows, marks, known["fid"][order].astype(np.int64))


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
    sizes = area_m2(batch.geometry[at])
    for prefix, group in pd.Series(np.arange(len(at))).groupby(above[at]):
        chosen = group.to_numpy()
        ordered = at[chosen[reading_order(lng[chosen], lat[chosen], sizes[chosen])]]
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


def _current(tx: Transaction) -> Coverage:
    """Return the cells that are there before those of the file."""
    cells = tx.columns("cells", ("fid", "geom"), on=date.today().isoformat())
    return Coverage(cells["fid"], cells["geom"])


def _judge_overlaps(tx: Transaction, batch: Batch, here: Coverage, *, allowed: bool) -> None:
    """Refuse a file whose cells overlap one another or others of the city, or name the pairs.

    The old shapes of the file's cells leave first, then its rows come in their order.

    Raises
    ------
    SourceError
        Cells overlap and that was not allowed.
    """
    going = np.flatnonzero(batch.going)
    row_of = dict(zip(batch.ids[going].tolist(), batch.rows[going].tolist(), strict=True))
    here.remove([number for number in row_of if number in here])
    # What has ended or has not yet begun is in nobody's way.
    arriving = tx.columns("cells", ("fid", "geom"), {"fid": list(row_of)}, on=date.today().isoformat())
    rows = np.array([row_of[int(number)] for number in arriving["fid"]], dtype=np.int64)
    order = np.argsort(rows)
    one, other, sizes = here.add(arriving["fid"][order], arriving["geom"][order])
    # A pair stands at the first of its rows.
    met = sorted(
        (row_of[b], b, a, size) if b in row_of else (row_of[a], a, b, size)
        for a, b, size in zip(one.tolist(), other.tolist(), sizes.tolist(), strict=True)
    )
    cells = tx.columns("cells", ("fid", "code"), {"fid": sorted({*one.tolist(), *other.tolist()})})
    codes = dict(zip(cells["fid"].tolist(), cells["code"].tolist(), strict=True))
    if met and not allowed:
        raise _refusal(batch.source.name, met, row_of, codes)
    batch.findings.add(
        "cell-overlap",
        [row for row, *_ in met],
        field="geometry",
        values=[f"{size:.2f}" for *_, size in met],
        other=[codes[b] or f"with id {b}" for _, _, b, _ in met],
    )


def _refusal(
    source: str, met: list[tuple[int, int, int, float]], row_of: dict[int, int], codes: dict[int, str]
) -> SourceError:
    """Return the error that names the first pairs of cells and counts all."""

    def called(number: int) -> str:
        if number in row_of:
            return f"row {row_of[number]}" + (f" ({codes[number]})" if codes[number] else "")
        return f"cell {codes[number] or f'with id {number}'} of the city"

    pairs = [f"{called(a)} and {called(b)} by {size:.2f} m²" for _, a, b, size in met[:_SHOWN]]
    more = [f"{len(met) - _SHOWN} more"] if len(met) > _SHOWN else []
    return SourceError(
        f"{source}: cells overlap in {len(met)} {'place' if len(met) == 1 else 'places'}: "
        f"{'; '.join(pairs + more)}. Nothing was taken.",
        hint="Correct the borders, or take the cells as they are with --allow-overlaps.",
        code="E_OVERLAP",
    )
