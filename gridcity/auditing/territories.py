"""Parties outside their territory: a street office that answers in another street."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gridcity.auditing.answers import BODY_STEPS
from gridcity.auditing.cases import Cases
from gridcity.auditing.defects import Defects
from gridcity.auditing.world import World, texts
from gridcity.model import Duty
from gridcity.responsibility import Roles

__all__ = ["Outside", "check_territories", "outside"]

Ints = npt.NDArray[np.int64]


class Outside(NamedTuple):
    """What lies outside the territory of the party that it names.

    Attributes
    ----------
    duties : dict of int to tuple of str
        Id of a duty: the codes of its party's territory.
    bodies : list of (int, int64 array, list of tuple of str)
        Number of a step, positions of the components whose body of that step is outside, and the codes of
        the territory of each.
    """

    duties: dict[int, tuple[str, ...]]
    bodies: list[tuple[int, Ints, list[tuple[str, ...]]]]


def outside(world: World) -> Outside:
    """Return the duties and the bodies of components outside the territory of their party.

    The territory of a party are the areas at which it has a duty without class and polygon, and not as
    a maintainer. A party without one may answer anywhere. A place is outside where neither it nor an area
    above it is part of the territory, nor any part of the territory lies within it; a polygon, where it
    shares no ground with the territory either.
    """
    territory = _territories(world)
    duties = {}
    for duty in world.valid_duties:
        if not duty.class_code and not _is_elsewhere(duty):
            continue
        own = territory.get(_identity(world, duty.party_code, duty.party_name), ())
        if not own or not _lies_outside(world.codes_of_duty(duty), own, world):
            continue
        # A point of a polygon tells where it lies, but not that all of it does.
        if duty.area_m2 is None or not world.has_ground_of(duty, own):
            duties[duty.id] = own
    return Outside(duties, [_bodies(world, step, territory) for step in BODY_STEPS] if territory else [])


def _is_elsewhere(duty: Duty) -> bool:
    """Return whether a duty without a class makes no territory: it is for a polygon, or a maintainer's."""
    return duty.area_m2 is not None or duty.role == "maintainer"


def _identity(world: World, code: str, name: str) -> tuple[str, str] | None:
    return world.book.named(code, name, world.on)


def _territories(world: World) -> dict[tuple[str, str] | None, tuple[str, ...]]:
    found: dict[tuple[str, str] | None, tuple[str, ...]] = {}
    for duty in world.valid_duties:
        if duty.class_code or _is_elsewhere(duty) or duty.place_code not in world.area_chains:
            continue
        party = _identity(world, duty.party_code, duty.party_name)
        if party is not None:
            found[party] = tuple(sorted({*found.get(party, ()), duty.place_code}))
    return found


def _lies_outside(codes: Sequence[str], territory: Iterable[str], world: World) -> bool:
    """Return whether a place, given by its codes from the finest on, lies outside a territory."""
    finest = next(filter(None, codes), "")
    return bool(finest) and not any(area in codes or finest in world.area_chains[area] for area in territory)


def _bodies(
    world: World, step: int, territory: dict[tuple[str, str] | None, tuple[str, ...]]
) -> tuple[int, Ints, list[tuple[str, ...]]]:
    """Return the components whose body of a step is outside its territory."""
    known, role = world.components, Roles._fields[BODY_STEPS.index(step)]
    own = [territory.get(_identity(world, *getattr(roles, role)), ()) for roles in known.roles]
    held = np.flatnonzero(np.array([*map(bool, own), False])[known.role])
    key = known.role[held] * (world.spot.max(initial=0) + 1) + world.spot[held]
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    spots, roles = world.spot[held[first]].tolist(), known.role[held[first]].tolist()
    situation = world.locator.rulings.spots.situation
    away = [_lies_outside(situation(spot)[0], own[at], world) for spot, at in zip(spots, roles, strict=True)]
    at = held[np.array([*away, False])[back]]
    return step, at, [own[i] for i in known.role[at].tolist()]


def check_territories(world: World, found: Outside, cases: Cases, defects: Defects) -> None:
    """Record what lies outside the territory of its party."""
    touched = cases.by_duty()
    duties = [world.of_duty[i] for i in found.duties]
    places, points, cells = world.duty_places(duties)
    defects.add(
        "party-outside",
        [duty.id for duty in duties],
        where="duties.place_code",
        values=places,
        facts={
            "party": [duty.party_name or duty.party_code for duty in duties],
            "territory": [", ".join(own) for own in found.duties.values()],
        },
        place=places,
        lng=points[:, 0],
        lat=points[:, 1],
        class_code=[duty.class_code for duty in duties],
        class_name=[duty.class_name for duty in duties],
        party_code=[duty.party_code for duty in duties],
        party_name=[duty.party_name for duty in duties],
        cell_id=cells,
        incidents=[touched[duty.id] for duty in duties],
    )
    for step, at, own in found.bodies:
        _add_bodies(world, step, at, own, cases, defects)


def _add_bodies(
    world: World, step: int, at: Ints, own: list[tuple[str, ...]], cases: Cases, defects: Defects
) -> None:
    if not len(at):
        return
    known, role = world.components, Roles._fields[BODY_STEPS.index(step)]
    pairs = [getattr(roles, role) for roles in known.roles]
    codes, names = (texts([pair[i] for pair in pairs])[known.role[at]] for i in (0, 1))
    spots, back = np.unique(world.spot[at], return_inverse=True)
    situation = world.locator.rulings.spots.situation
    finest = texts([next(filter(None, situation(spot)[0]), "") for spot in spots.tolist()])
    cell = world.sites.cell[at]
    defects.add(
        "party-outside",
        world.ids[at],
        where=f"components.{role}_name",
        values=finest[back],
        facts={
            "party": np.where(names == "", codes, names),
            "territory": [", ".join(areas) for areas in own],
        },
        place=known.codes[at],
        lng=world.sites.lng[at],
        lat=world.sites.lat[at],
        class_code=texts([klass.code for klass in known.classes])[known.klass[at]],
        class_name=texts([klass.name for klass in known.classes])[known.klass[at]],
        party_code=codes,
        party_name=names,
        cell_id=np.append(world.locator.cells.ids, -1)[cell],
        components=1,
        incidents=cases.by_component(cases.answers.step == step, len(world.ids))[at],
    )
