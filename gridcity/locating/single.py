"""One point, from the store and in plain Python: the path of a lookup from a cold shell.

Nothing here imports numpy or a geometry library; the answers equal those of `gridcity.locating.bulk`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from gridcity.crs import metres_per_degree
from gridcity.distance import distance_m
from gridcity.locating.places import NOWHERE, AreaRow, Place, codes_of, place_of
from gridcity.model import Placement
from gridcity.responsibility import Duties, StoredParties, answers, read_duties
from gridcity.store.wkb import Box, paths
from gridcity.tiling.point import EDGE, INSIDE, OUTSIDE, position

if TYPE_CHECKING:
    from gridcity.locating.wanted import Wanted
    from gridcity.profile import Profile
    from gridcity.store.base import Reading

__all__ = ["locate_one"]


class _Cell(NamedTuple):
    id: int
    code: str
    community_id: int | None
    street_id: int | None
    rings: list[list[tuple[float, float]]]

    @property
    def order(self) -> tuple[bool, str, int]:
        """The edge rule: coded before uncoded, then by code, then by id."""
        return not self.code, self.code, self.id


def locate_one(
    store: Reading,
    profile: Profile,
    lng: float,
    lat: float,
    *,
    near_m: float,
    radius_m: float,
    wanted: Wanted,
    on: str,
) -> Placement:
    """Return the placement of one point.

    Parameters
    ----------
    store : Reading
        The city's store.
    profile : Profile
        The city's profile.
    lng, lat : float
        Degrees, in the stored reference system.
    near_m : float
        A point outside every cell is given the nearest one within this distance.
    radius_m : float
        How far a component of the wanted class may be away.
    wanted : Wanted
        The class asked for.
    on : str
        ISO date on which cells, components, parties and duties must be valid.
    """
    cell, basis, overlap, distance = _cell(store, lng, lat, near_m, on)
    place = _place(store, profile, cell, lng, lat)
    component = None
    if wanted.components:
        from gridcity.locating.nearby import nearest_component

        component = nearest_component(store, lng, lat, radius_m, wanted.components, on)
    klass = component.klass if component else wanted.single
    codes = codes_of(cell.code if cell else "", place, profile)
    first, second = answers(
        component.roles if component else None,
        codes,
        klass,
        parties=StoredParties(store),
        duties=Duties(read_duties(store, [code for code in codes if code])),
        steps=profile.steps,
        on=on,
    )
    return Placement(
        lng=lng,
        lat=lat,
        basis=basis,
        cell_id=cell.id if cell else None,
        cell_code=cell.code if cell else "",
        overlap=overlap,
        distance_to_border_m=distance,
        **place._asdict(),
        class_code=klass.code if klass else "",
        class_name=component.class_name if component else wanted.classes[0].zh if klass else wanted.label,
        component_id=component.id if component else None,
        component_code=component.code if component else "",
        component_name=component.name if component else "",
        component_distance_m=component.distance_m if component else None,
        party_code=first.code,
        party_name=first.name,
        step=first.step,
        next_party_code=second.code,
        next_party_name=second.name,
        next_step="" if second.step == "none" else second.step,
    )


def _cells(store: Reading, ids: int | list[int], on: str) -> list[_Cell]:
    columns = ("fid", "code", "community_id", "street_id", "geom")
    return [
        _Cell(fid, code, community_id, street_id, paths(blob)[1])
        for fid, code, community_id, street_id, blob in store.rows("cells", columns, {"fid": ids}, on=on)
    ]


def _cell(
    store: Reading, lng: float, lat: float, near_m: float, on: str
) -> tuple[_Cell | None, str, bool, float | None]:
    """Return the cell of a point by the edge rule, with basis, overlap and distance."""
    boxes = store.near("cells", Box(lng, lat, lng, lat))
    placed = [(position(lng, lat, cell.rings), cell) for cell in _cells(store, [i for i, _ in boxes], on)]
    covering = [(basis, cell) for basis, cell in placed if basis != OUTSIDE]
    if covering:
        basis, winner = min(covering, key=lambda pair: pair[1].order)
        strict = sum(basis == INSIDE for basis, _ in covering)
        return winner, INSIDE if basis == INSIDE else EDGE, strict > 1, distance_m(lng, lat, winner.rings)
    nearest = _nearest_cell(store, lng, lat, on)
    if nearest is None:
        return None, OUTSIDE, False, None
    distance, cell = nearest
    if near_m > 0 and distance <= near_m:
        return cell, "near", False, distance
    return None, OUTSIDE, False, distance


def _nearest_cell(store: Reading, lng: float, lat: float, on: str) -> tuple[float, _Cell] | None:
    """Return distance and cell, reading none that cannot be the nearest."""
    best: tuple[float, _Cell] | None = None
    for at_least, i in store.outwards("cells", partial(_box_distance_m, lng, lat)):
        if best is not None and at_least > best[0]:
            break
        for cell in _cells(store, i, on):
            found = distance_m(lng, lat, cell.rings), cell
            if best is None or (found[0], cell.order) < (best[0], best[1].order):
                best = found
    return best


def _box_distance_m(lng: float, lat: float, box: Box) -> float:
    """Return a lower bound of the distance to anything inside a box, in metres."""
    per_lng, per_lat = metres_per_degree(lat)
    x = max(box.west - lng, 0.0, lng - box.east) * per_lng
    y = max(box.south - lat, 0.0, lat - box.north) * per_lat
    # One centimetre less, because distances are compared after rounding to centimetres.
    return max(float((x * x + y * y) ** 0.5) - 0.01, 0.0)


def _place(store: Reading, profile: Profile, cell: _Cell | None, lng: float, lat: float) -> Place:
    if cell is not None:
        return place_of(
            cell.community_id or cell.street_id, _lineage(store, cell.community_id or cell.street_id), profile
        )
    ids = [i for i, _ in store.near("areas", Box(lng, lat, lng, lat))]
    columns = ("fid", "level", "code", "geom")
    covering = [
        (("community", "street", "district").index(level), not code, code, i)
        for i, level, code, blob in store.rows("areas", columns, {"fid": ids})
        if position(lng, lat, paths(blob)[1]) != OUTSIDE
    ]
    if not covering:
        return NOWHERE
    finest = min(covering)[3]
    return place_of(finest, _lineage(store, finest), profile)


def _lineage(store: Reading, area_id: int | None) -> dict[int, AreaRow]:
    """Return an area and those above it."""
    found: dict[int, AreaRow] = {}
    while area_id is not None:
        (row,) = store.rows("areas", ("fid", "level", "code", "name", "parent_id"), {"fid": area_id})
        found[area_id] = AreaRow(*row)
        area_id = found[area_id].parent_id
    return found
