"""The rules over a stored city: every finding an import would have, and those that need the whole."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.catalogue import catalogue, match_area, other_name
from gridcity.cells import cell_index
from gridcity.checking import (
    ComponentColumns,
    check_cell_codes,
    check_components,
    check_credit_codes,
    check_dates,
    check_states,
    districts,
    invalid_reasons,
)
from gridcity.codes import EDITIONS, check_many
from gridcity.findings import Findings
from gridcity.profile import Profile
from gridcity.proximity import surveyed_twice
from gridcity.responsibility import Parties, read_parties
from gridcity.store.base import Reading
from gridcity.tiling.coverage import GAP_M, gaps, overlaps
from gridcity.tiling.shares import cell_of

__all__ = ["audit", "check_named"]

_COMPONENT_FIELDS = (
    *("state", "supervisor_code", "supervisor_name", "owner_code", "owner_name"),
    *("maintainer_code", "maintainer_name", "declared_cell"),
)


def audit(store: Reading, profile: Profile) -> Findings:
    """Hold everything a city has against the rules.

    Parameters
    ----------
    store, profile
        The city's.

    Returns
    -------
    Findings
        ``row`` is the internal id (``fid``) of the object, ``field`` its table and column.
    """
    found = Findings()
    for check in (_areas, _cells, _components, _parties, check_named):
        found.extend(check(store, profile))
    return found


def _areas(store: Reading, profile: Profile) -> Findings:
    found = Findings()
    rows = store.rows("areas", ("fid", "level", "code", "name", "parent_id"))
    codes = {fid: code for fid, _, code, _, _ in rows}
    for fid, level, code, name, parent in rows:
        if not code:
            # Districts lie beside the city's own six digits, everything else below the area above it.
            widest = profile.area_code[:4] if level == "district" else profile.area_code
            within = codes.get(parent) or widest
            nearest = _nearest(name, within, level, profile)
            found.add(
                "area-unlisted", [fid], field="areas.code", values=[name], within=within, nearest=nearest
            )
        elif name and (listed := other_name(code, name, profile.aliases)):
            found.add("area-code-name", [fid], field="areas.name", values=[name], code=code, listed=listed)
        if level == "community" and parent is None:
            found.add("area-parent", [fid], field="areas.parent_id", values=[name], parent="street")
    return found


def _nearest(name: str, within: str, level: str, profile: Profile) -> str:
    """Return the listed areas a name without a code may mean."""
    found = match_area(name, within, profile.aliases, level=level)
    near = ((found.code, found.name),) if found.code else found.nearest
    return ", ".join(f"{listed} ({code})" for code, listed in near) or "none"


def _cells(store: Reading, profile: Profile) -> Findings:
    found = Findings()
    cells = store.columns("cells", ("fid", "code", "community_id", "geom"), on=date.today().isoformat())
    area_codes = dict(store.rows("areas", ("fid", "code")))
    above = np.array(["" if i is None else area_codes[i] for i in cells["community_id"]] or [], dtype=object)
    nowhere = cells["community_id"] == np.array(None)
    fids = cells["fid"].astype(np.int64)
    found.extend(check_cell_codes(fids, cells["code"], above, nowhere).within("cells", {}))
    valid = shapely.is_valid(cells["geom"])
    broken = np.flatnonzero(~valid)
    reasons = invalid_reasons(cells["geom"][broken])
    found.add("geometry-invalid", cells["fid"][broken].tolist(), field="cells.geom", values=reasons)
    cells = {name: column[valid] for name, column in cells.items()}
    first, second, area_m2 = overlaps(cells["geom"])
    found.add(
        "cell-overlap",
        cells["fid"][first].tolist(),
        field="cells.geom",
        values=[f"{size:.2f}" for size in area_m2],
        other=[cells["code"][i] or f"with id {cells['fid'][i]}" for i in second],
    )
    beside, size_m2, place = gaps(cells["geom"])
    found.add(
        "cell-gap",
        cells["fid"][beside].tolist(),
        field="cells.geom",
        values=[f"{size:.2f}" for size in size_m2],
        width=GAP_M,
        place=[f"{lng:.6f} {lat:.6f}" for lng, lat in place],
    )
    return found


def _components(store: Reading, profile: Profile) -> Findings:
    names = (
        "fid",
        "code",
        "edition",
        "class_code",
        "initial_date",
        "changed_date",
        "geom",
        *_COMPONENT_FIELDS,
    )
    today = date.today().isoformat()
    table = store.columns("components", names, on=today)
    cells = store.columns("cells", ("code", "community_id", "street_id"), on=today)
    area_codes: dict[int | None, str] = {None: "", **dict(store.rows("areas", ("fid", "code")))}
    community, street = (
        np.array([area_codes[i] for i in cells[name]] or [], dtype=object)
        for name in ("community_id", "street_id")
    )
    there = districts(community, street, cells["code"], default=profile.area_code)
    rows = table["fid"].astype(np.int64)
    position, counts = cell_of(table["geom"], cell_index(store, today))
    cell_code = np.append(cells["code"], "")[position]
    district = np.append(there, profile.area_code)[position]
    columns = ComponentColumns(
        rows=rows,
        code=table["code"],
        edition=table["edition"],
        class_code=table["class_code"],
        fields={name: table[name] for name in _COMPONENT_FIELDS},
        district=district,
        cell_code=cell_code,
        in_cell=position >= 0,
        cells=counts,
        known_cells=frozenset(cells["code"]),
        shapes=np.asarray(shapely.to_wkb(table["geom"], hex=True), dtype=object),
    )
    found = check_components(columns)
    found.extend(_doubles(table, rows))
    found.extend(_component_codes(table, rows, profile))
    found.extend(check_states(rows, table["state"], table["edition"]))
    today = date.today().isoformat()
    found.extend(check_dates(rows, table["initial_date"], table["changed_date"], today=today))
    return found.within("components", {"cell_code": "declared_cell", "geometry": "geom"})


def _doubles(table: dict[str, Any], rows: npt.NDArray[np.int64]) -> Findings:
    """Find points of one class that stand too close for two objects; one place is a rule of its own."""
    found = Findings()
    at = np.flatnonzero(shapely.get_type_id(table["geom"]) == 0)
    klass, classes = pd.factorize(table["edition"][at] + ":" + table["class_code"][at])
    lng, lat = shapely.get_coordinates(table["geom"][at]).T
    near = surveyed_twice((lng, lat, klass), len(classes))
    row, other = at[near.row[~near.same]], at[near.other[~near.same]]
    found.add(
        "component-near",
        rows[row],
        field="geometry",
        values=table["class_code"][row],
        other=table["code"][other],
        distance=[f"{metres:.2f}" for metres in near.distance_m[~near.same]],
    )
    return found


def _component_codes(table: dict[str, Any], rows: npt.NDArray[np.int64], profile: Profile) -> Findings:
    """Find codes and classes that no edition has, and shapes that cross themselves.

    Imports refuse them; they come in when the file is edited in a GIS or a local class leaves the profile.
    """
    found = Findings()
    known = {one.edition: one for one in profile.catalogues()}
    for name in dict.fromkeys(table["edition"].tolist()):
        if name not in EDITIONS:
            continue
        of_edition = table["edition"] == name
        wrong = of_edition & ~check_many(table["code"].astype(str), "component", name)
        reason = f"it is no component code of {name}"
        found.add(
            "code-malformed",
            rows[wrong].tolist(),
            field="code",
            values=table["code"][wrong].tolist(),
            reason=reason,
        )
        classes = known.get(name) or catalogue(name)
        strange = [code for code in set(table["class_code"][of_edition]) if classes.find(code) is None]
        lost = of_edition & np.isin(table["class_code"].astype(str), strange)
        found.add(
            "class-unknown",
            rows[lost].tolist(),
            field="class_code",
            values=table["class_code"][lost].tolist(),
            edition=name,
            nearest="none",
        )
    broken = np.flatnonzero(~shapely.is_valid(table["geom"]))
    reasons = invalid_reasons(table["geom"][broken])
    found.add("geometry-invalid", rows[broken].tolist(), field="geometry", values=reasons)
    return found


def _parties(store: Reading, profile: Profile) -> Findings:
    parties = store.columns("parties", ("fid", "code"))
    return check_credit_codes(parties["fid"].astype(np.int64), parties["code"]).within("parties", {})


def check_named(store: Reading, profile: Profile) -> Findings:
    """Find duties that name a party or a place which the city does not have."""
    found = Findings()
    book = Parties(read_parties(store))
    places = {code for table in ("areas", "cells", "components") for (code,) in store.rows(table, ("code",))}
    above = {code[:6] for (code,) in store.rows("areas", ("code",)) if code} | {profile.area_code}
    places |= above | {f"{code[:4]}00" for code in above} | {f"{code[:2]}0000" for code in above}
    columns = ("fid", "party_code", "party_name", "place_code", "area_m2")
    for fid, code, name, place, area_m2 in store.rows("duties", columns):
        if not book.find(code, name):
            found.add("party-unknown", [fid], field="duties.party_name", values=[name or code], more="")
        # The code of a polygon is its own.
        if area_m2 is None and place not in places:
            found.add("place-unknown", [fid], field="duties.place_code", values=[place], more="")
    return found
