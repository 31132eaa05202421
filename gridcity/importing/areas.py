"""Import of districts, streets and communities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gridcity.catalogue import match_area, other_name
from gridcity.codes import AreaCode
from gridcity.errors import ArgumentError, CodeError
from gridcity.importing.batch import Batch, Column, Mask, blank, joined, open_batch
from gridcity.importing.belonging import check_belonging
from gridcity.importing.identity import Marks, collapse, identify, match, shape_text
from gridcity.importing.merge import keep_absent, keep_given, merge, stored
from gridcity.importing.options import Options
from gridcity.importing.outcome import Import
from gridcity.importing.placing import Areas, anchors, promoted, replace_cells, replace_parents
from gridcity.importing.record import recorded
from gridcity.importing.shapes import check_polygons
from gridcity.profile import Profile
from gridcity.store.base import Store, Transaction

__all__ = ["import_areas"]

LEVELS = ("district", "street", "community")
_ABOVE = {"street": "district", "community": "street"}
_LENGTHS = {"district": 6, "street": 9, "community": 12}


def import_areas(store: Store, profile: Profile, path: str | Path, options: Options) -> Import:
    """Take districts, streets or communities into a city.

    An area without a code gets the one that the profile gives its name, else the one the list of
    areas has for its name or alias; else it is kept without one, with a finding. Cells that lie in the
    areas are assigned anew.

    Parameters
    ----------
    store, profile
        The city's.
    path : str or path
        The file.
    options : Options
        ``level`` says what all rows are, where no column does.

    Raises
    ------
    SourceError, MappingError, ReferenceSystemError
        The file is refused as a whole; nothing was written.
    ArgumentError
        The level is none of the three.
    """
    if options.level is not None and options.level not in LEVELS:
        raise ArgumentError(f"There is no level {options.level!r}.", hint=f"Possible: {', '.join(LEVELS)}.")
    batch = open_batch(path, "area", profile, options)
    check_polygons(batch, repair=options.repair)
    _read_codes(batch, profile, options)
    with recorded(store, batch, "areas", options) as (tx, receipt_id, result):
        _write(tx, profile, batch, receipt_id)
        replace_parents(tx)
        replace_cells(tx)
    return result[0]


def _read_codes(batch: Batch, profile: Profile, options: Options) -> None:
    """Check names, codes and levels of the rows by themselves."""
    code, name, level = (batch.column(field) for field in ("code", "name", "level"))
    batch.reject("name-missing", (code == "") & (name == ""), field="name")
    reasons, levels = blank(len(batch)), blank(len(batch))
    for i in np.flatnonzero(code != ""):
        try:
            parsed = AreaCode.parse(code[i])
            # The statistical list pads districts and streets to 12 digits; here they have 6 and 9.
            code[i], levels[i] = parsed.community or parsed.street or parsed.district, parsed.level
        except CodeError as error:
            reasons[i] = error.message
    batch.reject("code-malformed", reasons != "", field="code", values=code, reason=reasons)
    stated = np.where(level == "", options.level or "", level).astype(object)
    wrong = (stated != "") & (levels != "") & (stated != levels)
    batch.reject("level-code", wrong, field="level", values=stated, code=code, coded=levels)
    level[:] = np.where(stated != "", stated, levels)
    unknown = ~np.isin(level.astype(str), LEVELS)
    batch.reject("level-missing", unknown, field="level", values=np.where(level != "", level, name))
    pairs = zip(code, name, strict=True)
    listed = np.array(
        [other_name(c, n, profile.aliases) if c and n else "" for c, n in pairs] or [], dtype=object
    )
    different = batch.alive & (listed != "")
    batch.note("area-code-name", different, field="name", values=name, code=code, listed=listed)


def _write(tx: Transaction, profile: Profile, batch: Batch, receipt_id: int) -> None:
    """Give codes and parents, one level after the other, and write."""
    batch.geometry = promoted(batch.geometry)
    level, name = batch.column("level"), batch.column("name")
    shapes = shape_text(batch.geometry)
    parent = np.full(len(batch), None, dtype=object)
    total = [0, 0, 0]
    for one in LEVELS:
        rows = batch.going & (level == one)
        if not rows.any():
            continue
        areas = Areas.read(tx)
        _give_parents(batch, rows, one, areas, parent)
        unlisted = _give_codes(batch, rows, one, areas, parent, profile)
        check_belonging(batch, rows, one, areas, profile)
        _note_doubts(batch, rows & batch.alive, one, parent, unlisted)
        identity = identify(batch.column("code"), None, level, name + "\x1f" + shapes)
        content = [shapes, batch.column("code"), level, name]
        collapse(batch, identity, content, label=level + "\x1f" + name)
        place = joined([level, name, shapes])
        known = joined([areas.level, areas.name, shape_text(areas.shape)])
        none = (blank(len(batch)), blank(len(known)))
        marks = Marks(batch.column("code"), none[0], place), Marks(areas.code, none[1], known)
        ids = match(batch.going & (level == one), *marks, areas.ids)
        keep_given(tx, "areas", batch, ids, {"code": batch.column("code")})
        keep_absent(tx, "areas", batch, ids, batch.absent({"name": name}))
        waiting = batch.settled.copy()
        batch.settled |= level != one
        columns: dict[str, Any] = {"geom": batch.geometry, "level": level, "code": batch.column("code")}
        columns |= {"name": name, "parent_id": parent}
        merge(tx, "areas", batch, ids, columns, receipt_id)
        batch.settled = waiting
        total = [a + b for a, b in zip(total, (batch.added, batch.changed, batch.unchanged), strict=True)]
        if one == "street" and profile.community_of_street:
            _whole_streets(tx, profile, batch, rows, receipt_id)
    batch.added, batch.changed, batch.unchanged = total


def _give_parents(batch: Batch, rows: Mask, level: str, areas: Areas, parent: Column) -> None:
    """Find the area above each: by its own code, by the parent's code or name, by place."""
    if level not in _ABOVE:
        return
    above = _ABOVE[level]
    code, parent_code, parent_name = (batch.column(f) for f in ("code", "parent_code", "parent_name"))
    length = _LENGTHS[above]
    at = np.flatnonzero(rows)
    lng, lat = anchors(batch.geometry[at])
    placed = areas.at(above, lng, lat)
    for i, by_place in zip(at, placed, strict=True):
        named = areas.with_code(parent_code[i]) or areas.with_name(above, parent_name[i])
        parent[i] = areas.with_code(code[i][:length]) or named or by_place


def _give_codes(
    batch: Batch, rows: Mask, level: str, areas: Areas, parent: Column, profile: Profile
) -> tuple[Column, Column]:
    """Give codes to named areas: the profile's digits first, then the list of areas.

    Returns
    -------
    within, nearest : object array
        Of the areas that the list does not have: where they were looked for, and the nearest names.
    """
    code, name = batch.column("code"), batch.column("name")
    places, nearest = blank(len(batch)), blank(len(batch))
    above = areas.codes(parent)
    for i in np.flatnonzero(rows & (code == "")):
        # Districts lie beside the city's own six digits, everything else below the area above it.
        widest = profile.area_code[:4] if level == "district" else profile.area_code
        within = above[i] or widest
        digits = profile.digits.get(name[i], "")
        for whole in (digits, within + digits):
            if digits and len(whole) == _LENGTHS[level]:
                code[i] = whole
        if code[i]:
            continue
        found = match_area(name[i], within, profile.aliases, level=level)
        if found.code is None and within != widest:
            found = match_area(name[i], widest, profile.aliases, level=level)
        code[i] = found.code or ""
        if found.code is None:
            places[i] = within
            nearest[i] = ", ".join(f"{near} ({listed})" for listed, near in found.nearest) or "none"
    return places, nearest


def _note_doubts(
    batch: Batch, rows: Mask, level: str, parent: Column, unlisted: tuple[Column, Column]
) -> None:
    """Name the areas without a code or, where there should be one, without an area above."""
    name, (within, nearest) = batch.column("name"), unlisted
    batch.note(
        "area-unlisted", rows & (within != ""), field="name", values=name, within=within, nearest=nearest
    )
    if level == "community":
        orphan = rows & (parent == np.array(None))
        batch.note("area-parent", orphan, field="parent_code", values=name, parent=_ABOVE[level])


def _whole_streets(tx: Transaction, profile: Profile, batch: Batch, rows: Any, receipt_id: int) -> None:
    """Give each street the one community that the profile says it is."""
    areas = Areas.read(tx)
    at = np.flatnonzero(rows & batch.going & (batch.column("code") != ""))
    codes = batch.column("code")[at] + profile.community_of_street
    batch_codes = blank(len(batch))
    batch_codes[at] = codes
    batch.note("area-whole-street", batch_codes != "", field="code", values=batch_codes)
    known = np.array([areas.with_code(text) or 0 for text in codes] or [], dtype=np.int64)
    columns: dict[str, Any] = {
        "geom": batch.geometry[at],
        "name": batch.column("name")[at],
        "parent_id": [areas.with_code(text) for text in batch.column("code")[at]],
    }
    old = np.flatnonzero(known > 0)
    before = stored(tx, "areas", ["geom", "name"], known[old])
    differs = (shape_text(before["geom"]) != shape_text(columns["geom"][old])) | (
        before["name"] != columns["name"][old]
    )
    stale = old[np.asarray(differs, dtype=bool)]
    if len(stale):
        changed = {name: columns[name][stale] for name in ("geom", "name")}
        tx.update("areas", known[stale].tolist(), changed | {"receipt": [receipt_id] * len(stale)})
    new = np.flatnonzero(known == 0)
    if len(new):
        chosen = {name: [column[i] for i in new] for name, column in columns.items()}
        n = len(new)
        fixed = {"level": ["community"] * n, "code": codes[new].tolist(), "receipt": [receipt_id] * n}
        tx.insert("areas", chosen | fixed)
