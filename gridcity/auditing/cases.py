"""Past incidents, each judged by the tables of the day of the audit.

An incident is judged twice: by the tables as they are, and by mended ones. In these nothing has ended that
still stands where an answer is looked for: a duty that nothing follows goes on, a party that has ended is
there, and a duty at a cell that has ended counts where the cell was. Where the second judgement names another
party than the first, the tables still send whoever reads them to one that is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.auditing.answers import NO_STEP, Answers, Asked, Judge
from gridcity.auditing.world import World, labels, texts
from gridcity.locating.asking import asked_classes
from gridcity.locating.sites import Sites
from gridcity.locating.wanted import Wanted
from gridcity.model import Duty, Party
from gridcity.responsibility import Klass, Parties, folded, valid

if TYPE_CHECKING:
    from gridcity.intake.incidents import Incidents

__all__ = ["Cases", "judged", "last_ended"]

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Incidents that have a place and a known class, one value each.

    Attributes
    ----------
    rows, without_place, without_class : int
        Rows of the file; those of them without a place, and the others without a class that the city knows.
    cell, component : int64 arrays
        Positions of the cell in which the incident lies and of the component that it is about; -1 for none.
    klass : int64 array
        Number of the class in ``classes``.
    answers, mended : Answers
        By the tables as they are, and by the mended ones.
    party : object array
        The party that handled it, as the file says; empty where it does not.
    """

    rows: int
    without_place: int
    without_class: int
    classes: list[Klass | None]
    cell: Ints
    component: Ints
    klass: Ints
    answers: Answers
    mended: Answers
    party: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.cell)

    @property
    def nobody(self) -> Mask:
        """Those that nobody answers for."""
        return np.equal(self.answers.step, NO_STEP)

    @property
    def ended(self) -> Mask:
        """Those that stand with a party or a duty that has ended before the one that answers."""
        return np.not_equal(self.mended.party, self.answers.party)

    def by_duty(self) -> Counter[int]:
        """Return by the id of a duty how many incidents it decides, claims too, or would decide mended."""
        answers, mended = self.answers, self.mended
        ids = np.concatenate([answers.duty, answers.rival, mended.duty[mended.duty != answers.duty]])
        return Counter(ids[ids > 0].tolist())

    def by_component(self, chosen: Mask, n: int) -> Ints:
        """Return for each of n components how many of some incidents are about it."""
        return np.bincount(self.component[chosen & (self.component >= 0)], minlength=n)


def judged(world: World, incidents: Incidents | None) -> Cases:
    """Judge incidents as of the day of the audit; none where there is no file."""
    nothing = np.zeros(0, dtype=np.int64)
    if incidents is None:
        none = Answers(nothing, nothing, nothing, nothing)
        return Cases(0, 0, 0, [*world.components.classes], nothing, nothing, nothing, none, none, texts([]))
    asked, which = asked_classes(incidents.class_text.tolist(), len(incidents), world.profile)
    number = nothing if which is None else which
    known = np.array([bool(one.classes) for one in asked])[number]
    there = np.isfinite(incidents.lng) & np.isfinite(incidents.lat)
    at = np.flatnonzero(known & there)
    lng, lat, number = incidents.lng[at], incidents.lat[at], number[at]
    cell, component = _located(world, lng, lat, asked, number)
    own = world.components
    about = component >= 0
    classes: list[Klass | None] = [*own.classes, *(one.single for one in asked)]
    klass = len(own.classes) + number
    klass[about] = own.klass[component[about]]
    sites = Sites(cell, lng, lat)
    spot = world.locator.rulings.spots.of(sites, held=True).astype(np.int64)
    spot[about] = world.spot[component[about]]
    role = np.full(len(at), -1, dtype=np.int64)
    role[about] = own.role[component[about]]
    condition, conditions = pd.factorize(incidents.condition[at])
    # The last stands for no component.
    code = np.append(world.agreed, "")[component]
    cases = Asked(spot, klass, condition.astype(np.int64), role, code, labels(np.zeros_like(spot), [""]))
    judge = _mended(world)
    stood = Sites(
        cell,
        np.where(about, np.append(world.sites.lng, np.nan)[component], lng),
        np.where(about, np.append(world.sites.lat, np.nan)[component], lat),
    )
    texts_of = [str(text) for text in conditions] or [""]
    return Cases(
        rows=len(incidents),
        without_place=int((~there).sum()),
        without_class=int((there & ~known).sum()),
        classes=classes,
        cell=cell,
        component=component,
        klass=klass,
        answers=world.judge.answers(cases, classes, texts_of, own.roles),
        mended=judge.answers(cases._replace(ended=_ended_cells(world, stood)), classes, texts_of, own.roles),
        party=incidents.party[at],
    )


def _located(
    world: World,
    lng: npt.NDArray[np.float64],
    lat: npt.NDArray[np.float64],
    asked: Sequence[Wanted],
    which: Ints,
) -> tuple[Ints, Ints]:
    """Return the positions of cell and component of each incident, -1 for none."""
    if not len(lng):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    found = world.locator.locate(
        lng,
        lat,
        near_m=0.0,
        radius_m=None,
        wanted=asked,
        which=which,
        columns=("cell_id", "component_id"),
        accuracy_m=0.0,
    )
    return (
        _positions(world.locator.cells.ids, found["cell_id"]),
        _positions(world.ids, found["component_id"]),
    )


def _positions(ids: Ints, wanted: Ints) -> Ints:
    return np.where(wanted < 0, -1, np.searchsorted(ids, wanted))


def last_ended(world: World) -> list[Duty]:
    """Return the duties that ended by the day and that nothing follows at their place, for their class.

    Nothing follows where no duty with the same place, class, condition and role ends later or goes on.
    """
    last: dict[tuple[object, ...], list[Duty]] = {}
    for duty in world.duties:
        if duty.until and duty.until < duty.since:
            continue
        known = last.setdefault(_claim(duty), [])
        if known and _end(known[0]) < _end(duty):
            known.clear()
        if not known or _end(known[0]) == _end(duty):
            known.append(duty)
    return [duty for known in last.values() for duty in known if duty.until and duty.until <= world.on]


def _end(duty: Duty) -> str:
    # No date is later than this text.
    return duty.until or "~"


def _claim(duty: Duty) -> tuple[object, ...]:
    place = (duty.place_code, duty.place_name, duty.area_m2)
    klass = duty.class_kind, duty.class_name or (duty.edition, duty.class_code), duty.class_code == ""
    return place, klass, duty.condition, duty.role


def _mended(world: World) -> Judge:
    """Return who decides by tables in which nothing has ended that still stands there."""
    going_on = {duty.id for duty in last_ended(world)}
    duties = [duty._replace(until="") if duty.id in going_on else duty for duty in world.duties]
    return world.new_judge(Parties(_revived(world)), duties)


def _revived(world: World) -> list[Party]:
    """Return the parties, those that have ended and whose names and code no other has going on."""
    on = world.on
    there = {key for p in world.parties if valid(p.since, p.until, on) for key in _keys(p)}
    return [
        party._replace(until="")
        if party.until and party.until <= on and there.isdisjoint(_keys(party))
        else party
        for party in world.parties
    ]


def _keys(party: Party) -> set[str]:
    return {folded(text) for text in (party.name, *party.aliases, party.code) if text}


def _ended_cells(world: World, sites: Sites) -> npt.NDArray[np.object_]:
    """Return the code of the ended cell with a duty that goes on in which each site lies; empty for none."""
    found = labels(np.zeros(len(sites.cell), dtype=np.int64), [""])
    codes = sorted({duty.place_code for duty in world.valid_duties if duty.place_code})
    table = world.store.columns("cells", ("code", "until", "geom"), {"code": codes})
    until = table["until"].astype(str)
    over = (until != "") & (until <= world.on)
    if over.any():
        places = shapely.points(sites.lng, sites.lat)
        site, cell = shapely.STRtree(table["geom"][over]).query(places, predicate="intersects")
        # Of several the one that ended last stands, then by its code.
        order = np.lexsort((table["code"][over][cell].astype(str), until[over][cell], site))
        found[site[order]] = table["code"][over][cell[order]]
    return found
