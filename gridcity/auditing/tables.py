"""The rules over the tables of parties and duties as they stand on one day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridcity.auditing.cases import Cases, last_ended
from gridcity.auditing.city import check_named
from gridcity.auditing.defects import Defects
from gridcity.auditing.world import World
from gridcity.findings import Findings
from gridcity.importing.replacing import in_its_place
from gridcity.model import Duty
from gridcity.responsibility import valid
from gridcity.responsibility.tables import DutyTable, PartyTable, check_duties, check_parties
from gridcity.tiling.shares import sound

__all__ = ["check_tables"]


def check_tables(world: World, cases: Cases, defects: Defects) -> None:
    """Find duties that name nobody, that have ended, overlap or leave gaps, and parties without any.

    What ended before the day is told only where nothing follows.
    """
    touched = cases.by_duty()

    def of_duties(ids: Sequence[int]) -> Mapping[str, Any]:
        return _columns(world, [world.of_duty[i] for i in ids], touched)

    defects.take(check_named(world.store, world.profile), of_duties)
    parties, duties = PartyTable.read(world.store), DutyTable.read(world.store)
    going_on = (duties.until == "") | (duties.until > world.on)
    defects.take(check_duties(duties, parties, going_on).within("duties", {}), of_duties)
    _check_ended(world, defects, of_duties)
    _check_places(world, defects, of_duties)
    current = (parties.until == "") | (parties.until > world.on)
    _take_parties(world, check_parties(parties, current).within("parties", {}), cases, defects)
    _take_parties(world, _orphans(world), cases, defects)


def _columns(world: World, duties: list[Duty], touched: Mapping[int, int]) -> Mapping[str, Any]:
    """Return the columns of defects of duties."""
    places, points, cells = world.duty_places(duties)
    return {
        "place": places,
        "lng": points[:, 0],
        "lat": points[:, 1],
        "class_code": [duty.class_code for duty in duties],
        "class_name": [duty.class_name for duty in duties],
        "party_code": [duty.party_code for duty in duties],
        "party_name": [duty.party_name for duty in duties],
        "cell_id": cells,
        "incidents": [touched[duty.id] for duty in duties],
    }


def _check_ended(world: World, defects: Defects, columns: Callable[[list[int]], Mapping[str, Any]]) -> None:
    """Find duties that ended and that nothing follows, at places that are still there."""
    gone = _ends_of_cells(world)
    duties = [duty for duty in last_ended(world) if duty.place_code not in gone]
    found = Findings()
    found.add(
        "duty-expired",
        [duty.id for duty in duties],
        field="duties.until",
        values=[duty.until for duty in duties],
        party=[duty.party_name or duty.party_code for duty in duties],
    )
    defects.take(found, columns)


def _check_places(world: World, defects: Defects, columns: Callable[[list[int]], Mapping[str, Any]]) -> None:
    """Find duties that go on at cells that have ended."""
    gone = _ends_of_cells(world)
    duties = [duty for duty in world.valid_duties if duty.area_m2 is None and duty.place_code in gone]
    found = Findings()
    found.add(
        "duty-place-ended",
        [duty.id for duty in duties],
        field="duties.place_code",
        values=[duty.place_code for duty in duties],
        party=[duty.party_name or duty.party_code for duty in duties],
        until=[gone[duty.place_code] for duty in duties],
        successors=_successors(world, [duty.place_code for duty in duties]),
    )
    defects.take(found, columns)


def _ends_of_cells(world: World) -> dict[str, str]:
    """Return the code of each cell that has ended, with its last day."""
    rows = world.store.rows("cells", ("code", "until"))
    return {code: until for code, until in rows if code and until and until <= world.on}


def _successors(world: World, codes: list[str]) -> list[str]:
    """Return of each ended cell which cells have ground of it on the day, as the end of a sentence."""
    table = world.store.columns("cells", ("code", "geom"), {"code": sorted(set(codes))})
    heirs: dict[str, list[str]] = {code: [] for code in table["code"].tolist()}
    former, cells = sound(table["geom"]), sound(world.locator.cells.polygons)
    pairs = shapely.STRtree(cells).query(former, predicate="intersects")
    shared = shapely.area(shapely.intersection(former[pairs[0]], cells[pairs[1]])) > 0
    for one, cell in sorted(pairs[:, shared].T.tolist()):
        heirs[table["code"][one]].append(world.cell_labels[cell])
    return [in_its_place(heirs[code]) for code in codes]


def _take_parties(world: World, found: Findings, cases: Cases, defects: Defects) -> None:
    """Record findings about parties; an orphan is touched by the incidents that it handled."""
    of_id = {party.id: party for party in world.parties}
    handled: dict[int, int] = {}
    for text, n in pd.Series(cases.party[cases.party != ""], dtype=object).value_counts().items():
        party = world.party_of(str(text), str(text))
        if party is not None:
            handled[party.id] = handled.get(party.id, 0) + int(n)

    def columns(ids: Sequence[int]) -> Mapping[str, Any]:
        parties = [of_id[i] for i in ids]
        return {
            "party_code": [party.code for party in parties],
            "party_name": [party.name for party in parties],
            "incidents": [handled.get(party.id, 0) for party in parties],
        }

    defects.take(found, columns)


def _orphans(world: World) -> Findings:
    """Find parties without a duty that goes on, that no component names and that are no parent."""
    known = world.components
    used = {
        party.id
        for code, name in {
            *(
                (duty.party_code, duty.party_name)
                for duty in world.duties
                if not duty.until or duty.until > world.on
            ),
            *(pair for roles in known.roles for pair in roles),
        }
        for party in world.book.find(code, name)
    }
    parents = {party.parent_code for party in world.parties if party.parent_code}
    orphans = [
        party
        for party in world.parties
        if valid(party.since, party.until, world.on) and party.id not in used and party.code not in parents
    ]
    found = Findings()
    ids = np.array([party.id for party in orphans], dtype=np.int64)
    found.add(
        "party-orphan", ids, field="parties.name", values=[party.name or party.code for party in orphans]
    )
    return found
