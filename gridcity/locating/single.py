"""One point, from the store and in plain Python: the path of a lookup from a cold shell.

Nothing here imports numpy or a geometry library; the answers equal those of `gridcity.locating.bulk`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from gridcity.crs import metres_per_degree
from gridcity.distance import distance_m
from gridcity.locating.places import NOWHERE, AreaRow, Place, codes_of, place_of
from gridcity.model import Placement
from gridcity.responsibility import (
    Answer,
    Concerned,
    Decision,
    Duties,
    Klass,
    Roles,
    Situation,
    StoredParties,
    decide,
    read_duties,
)
from gridcity.store.wkb import Box, paths, wkb
from gridcity.tiling.point import EDGE, INSIDE, OUTSIDE, position

if TYPE_CHECKING:
    from gridcity.locating.nearby import Nearby
    from gridcity.locating.wanted import Wanted
    from gridcity.profile import Profile
    from gridcity.store.base import Reading

__all__ = ["SETTLED", "Question", "locate_one"]

SETTLED = (*Roles._fields, "agreed")
"""The steps that look at the component alone: wherever it stands, they give the same answer."""

# Distances are compared after rounding to centimetres.
_SLACK_M = 0.01

_Rings = list[list[tuple[float, float]]]


class Question(NamedTuple):
    """What is asked about one point.

    Attributes
    ----------
    wanted : Wanted
        The class asked for.
    on : str
        ISO date on which cells, components, parties and duties must be valid.
    accuracy_m : float
        How far the true place of the point, or of the component, may be away.
    near_m : float
        A point outside every cell is given the nearest one within this distance.
    radius_m : float or None
        How far a component of the wanted class may be away; None for what its spacing supports.
    condition : str
        The condition of what happened; empty for none.
    """

    wanted: Wanted
    on: str
    accuracy_m: float
    near_m: float = 0.0
    radius_m: float | None = None
    condition: str = ""

    def reach_m(self, store: Reading) -> float:
        """Return how far a component may be away in a city; see `gridcity.spacings.radius_for`."""
        if self.radius_m is not None:
            return self.radius_m
        from gridcity.spacings import radius_for

        return radius_for(store, self.wanted.components)


class _Cell(NamedTuple):
    id: int
    code: str
    community_id: int | None
    street_id: int | None
    rings: _Rings

    @property
    def order(self) -> tuple[bool, str, int]:
        """The edge rule: coded before uncoded, then by code, then by id."""
        return not self.code, self.code, self.id


class _Site(NamedTuple):
    """Where something stands: its cell, its areas, and the very place in degrees."""

    cell: _Cell | None
    place: Place
    lng: float
    lat: float


class _Zone(NamedTuple):
    """A polygon of duties near a place: their ids, whether it covers the place, how far its border is."""

    ids: frozenset[int]
    covers: bool
    border_m: float


class _Case(NamedTuple):
    """What an answer depends on beside the place."""

    store: Reading
    profile: Profile
    parties: StoredParties
    on: str
    concerned: Concerned | None
    klass: Klass | None
    condition: str

    def decide(self, site: _Site, polygons: frozenset[int], *, whole: bool = False) -> Decision:
        """Return who answers at a site that some duties' own polygons cover."""
        codes = codes_of(site.cell.code if site.cell else "", site.place, self.profile)
        ids = tuple(sorted(polygons))
        named = [code for code in (*codes, self.concerned.code if self.concerned else "") if code]
        duties = read_duties(self.store, named) + (read_duties(self.store, ids=ids) if ids else [])
        return decide(
            Situation(self.concerned, codes, ids, self.klass, self.condition),
            parties=self.parties,
            duties=Duties(duties),
            chains=(self.profile.component_steps, self.profile.event_steps),
            on=self.on,
            whole=whole,
        )


def locate_one(
    store: Reading, profile: Profile, lng: float, lat: float, question: Question, *, whole: bool = False
) -> tuple[Placement, Decision]:
    """Return the placement of one point, and the decision behind it.

    Parameters
    ----------
    store : Reading
        The city's store.
    profile : Profile
        The city's profile.
    lng, lat : float
        Degrees, in the stored reference system.
    question : Question
        What is asked about the point.
    whole : bool, optional
        As for `gridcity.responsibility.decide`.
    """
    near_m, wanted, on, accuracy_m = question.near_m, question.wanted, question.on, question.accuracy_m
    cell, basis, overlap, distance = _cell(store, lng, lat, near_m, on)
    place = _place(store, profile, cell, lng, lat)
    component, other, site = None, None, _Site(cell, place, lng, lat)
    if wanted.components:
        from gridcity.locating.nearby import nearest_components

        radius_m = question.reach_m(store)
        open_m = 2 * accuracy_m
        component, other = nearest_components(store, lng, lat, radius_m, wanted.components, on, open_m)
        if component:
            site = _site(store, profile, component, on)
    own = site.cell if component else None
    klass = component.klass if component else wanted.single
    concerned = Concerned(component.code, component.roles) if component else None
    case = _Case(store, profile, StoredParties(store), on, concerned, klass, question.condition)
    zones = _zones(store, site, accuracy_m)
    polygons = frozenset(i for zone in zones if zone.covers for i in zone.ids)
    decision = case.decide(site, polygons, whole=whole)
    first, second = decision.first, decision.second
    beyond = _beyond(case, site, zones, polygons, first, accuracy_m)
    placement = Placement(
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
        component_cell_code=own.code if own else "",
        cells_differ=component is not None and (own and own.id) != (cell and cell.id),
        other_component_id=other.id if other else None,
        other_component_code=other.code if other else "",
        other_component_distance_m=other.distance_m if other else None,
        unowned=decision.unowned,
        passed=decision.passed,
        duty_place=decision.duty_place,
        across_party_code=beyond.code if beyond else "",
        across_party_name=beyond.name if beyond else "",
    )
    return placement, decision


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
    covering = _covering(store, lng, lat, on)
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


def _covering(store: Reading, lng: float, lat: float, on: str) -> list[tuple[str, _Cell]]:
    """Return the cells that cover a point, each with the position of the point."""
    boxes = store.near("cells", Box(lng, lat, lng, lat))
    placed = [(position(lng, lat, cell.rings), cell) for cell in _cells(store, [i for i, _ in boxes], on)]
    return [(basis, cell) for basis, cell in placed if basis != OUTSIDE]


def _site(store: Reading, profile: Profile, component: Nearby, on: str) -> _Site:
    """Return where a component stands: in its own cell where that is valid, else where it begins."""
    lng, lat = component.lng, component.lat
    cell = None
    if component.cell_id is not None:
        cell = next(iter(_cells(store, component.cell_id, on)), None)
    if cell is None:
        covering = (cell for _, cell in _covering(store, lng, lat, on))
        cell = min(covering, key=lambda one: one.order, default=None)
    return _Site(cell, _place(store, profile, cell, lng, lat), lng, lat)


def _zones(store: Reading, site: _Site, accuracy_m: float) -> list[_Zone]:
    """Return the polygons of duties that cover a site or come near it; those drawn alike are one."""
    ids = [i for i, _ in store.near("duties", _around(site, accuracy_m))]
    alike: dict[bytes, tuple[bytes, list[int]]] = {}
    for i, area_m2, blob in store.rows("duties", ("fid", "area_m2", "geom"), {"fid": ids}) if ids else ():
        if area_m2 is not None:
            alike.setdefault(wkb(blob), (blob, []))[1].append(i)
    found = []
    for blob, members in alike.values():
        _, rings = paths(blob)
        covers = position(site.lng, site.lat, rings) != OUTSIDE
        found.append(_Zone(frozenset(members), covers, distance_m(site.lng, site.lat, rings)))
    return found


def _beyond(
    case: _Case,
    site: _Site,
    zones: list[_Zone],
    polygons: frozenset[int],
    first: Answer,
    accuracy_m: float,
) -> Answer | None:
    """Return the nearest answer across a border that names another party; None where there is none."""
    if site.cell is None or first.step in SETTLED:
        return None
    sides: list[tuple[float, _Site, frozenset[int]]] = [
        (far, other, polygons) for far, other in _other_cells(case, site, accuracy_m)
    ]
    sides += [(zone.border_m, site, polygons ^ zone.ids) for zone in zones if zone.border_m <= accuracy_m]
    found = []
    for far, other, covering in sides:
        there = case.decide(other, covering).first
        if there.step != "none" and there[:2] != first[:2]:
            found.append((far, there.code, there.name, there))
    return min(found)[3] if found else None


def _other_cells(case: _Case, site: _Site, accuracy_m: float) -> Iterator[tuple[float, _Site]]:
    """Yield how far other cells are, and the site as if it stood in them."""
    assert site.cell is not None
    near = [i for i, _ in case.store.near("cells", _around(site, accuracy_m)) if i != site.cell.id]
    for cell in _cells(case.store, near, case.on) if near else ():
        covers = position(site.lng, site.lat, cell.rings) != OUTSIDE
        far = 0.0 if covers else distance_m(site.lng, site.lat, cell.rings)
        if far <= accuracy_m:
            place = _place(case.store, case.profile, cell, site.lng, site.lat)
            yield far, site._replace(cell=cell, place=place)


def _around(site: _Site, reach_m: float) -> Box:
    """Return the box in which all that is within reach of a site lies."""
    per_lng, per_lat = metres_per_degree(site.lat)
    x, y = (reach_m + _SLACK_M) / per_lng, (reach_m + _SLACK_M) / per_lat
    return Box(site.lng - x, site.lat - y, site.lng + x, site.lat + y)


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
