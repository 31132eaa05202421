"""The audit of the duties: where the answer will fail, before the first case comes in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridcity.auditing.cases import Cases, judged
from gridcity.auditing.defects import DEFECT_COLUMNS, Defects
from gridcity.auditing.standing import check_cells, check_components
from gridcity.auditing.tables import check_tables
from gridcity.auditing.territories import Outside, check_territories, outside
from gridcity.auditing.world import World, labels
from gridcity.findings import RULES, Findings
from gridcity.profile import Profile
from gridcity.responsibility import folded
from gridcity.store.base import Reading

if TYPE_CHECKING:
    from gridcity.intake.incidents import Incidents
    from gridcity.locating.bulk import BulkLocator

__all__ = ["WORST", "DutyAudit", "IncidentCounts", "audit_duties"]

Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

WORST: Final = (
    "none",
    "component-unowned",
    "ended",
    "party-outside",
    "component-claimed-twice",
    "nobody",
)
"""What may be wrong in a cell, the worst last; see `DutyAudit.cells`."""
_WORSE: Final = {
    "component-unowned": 1,
    "component-party-ended": 2,
    "duty-party-period": 2,
    "duty-expired": 2,
    "duty-place-ended": 2,
    "party-outside": 3,
    "component-claimed-twice": 4,
    "duty-overlap": 4,
    "cell-no-party": 5,
    "component-no-answer": 5,
}


@dataclass(frozen=True, slots=True)
class IncidentCounts:
    """How past incidents would fare by the tables of the day.

    Attributes
    ----------
    name : str
        The file.
    rows, without_place, without_class : int
        Its rows; those without a place, and the others without a class that the city knows.
    judged : int
        All others; what follows is counted among them.
    outside : int
        Those that lie in no cell.
    nobody : int
        Those that nobody answers for.
    by_order : int
        Those for which two parties claim the same with the same right.
    ended : int
        Those for which a party or a duty that has ended stands before the party that answers.
    outside_territory : int
        Those whose answer is a party outside its own territory.
    told, misrouted : int
        Those for which the file names the party that handled them, and those of them for which the tables
        name another party or nobody.
    confusion : tuple of (str, str, int)
        Party that handled, party that the tables name (empty: nobody), and how often, where they differ, the
        most frequent first.
    """

    name: str
    rows: int
    without_place: int
    without_class: int
    judged: int
    outside: int
    nobody: int
    by_order: int
    ended: int
    outside_territory: int
    told: int
    misrouted: int
    confusion: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class DutyAudit:
    """What the duties of a city leave open on one day.

    Attributes
    ----------
    findings : Findings
        ``row`` is the internal id of the object, ``field`` its table and column.
    defects : dict of str to numpy.ndarray
        One value per finding, in the same order: rule, severity, row, field, place (code or name), street of
        the cell, a point in the place (degrees; NaN where it has none), class, party, the other party, id of
        the cell (-1 for none), number of components, and ``incidents``: how many past incidents the defect
        touches. Of a cell and a class these are the ones there without a known component that nobody answers
        for; of a component, the ones about it that fare as the rule says; of a duty, what it decides, claims
        as well, or would decide had not it, its party or its cell ended; of a party without duties, what it
        handled.
    cells : dict of str to numpy.ndarray
        One value per cell of the day: ``cell_id``; ``worst``, a number of `WORST`; ``defects``, those in the
        cell and of its components; ``incidents``, those in it that nobody answers for, that two claim, that
        stand with what has ended or that leave a territory, or that went to another party.
    totals : dict
        ``cells``, ``components``, ``duties`` and ``parties`` of the day, and ``pairs``: cells by class.
    incidents : IncidentCounts or None
        None where no incidents were given.
    city : str
        Its name.
    on : str
        ISO date.
    made_at : datetime
        UTC.
    """

    findings: Findings
    defects: Mapping[str, Column]
    cells: Mapping[str, Column]
    totals: Mapping[str, int]
    incidents: IncidentCounts | None
    city: str
    on: str
    made_at: datetime

    @property
    def sound(self) -> bool:
        """Whether nothing worse than a note was found."""
        return all(RULES[rule].severity == "note" for rule in self.findings.counts())

    def to_records(self) -> list[dict[str, Any]]:
        """Return one dictionary per defect, those that touch most incidents first, with its sentences."""
        return self._records(None)

    def _records(self, most: int | None) -> list[dict[str, Any]]:
        order = self.order()
        if most is not None:
            rank = pd.Series(self.defects["rule"][order]).groupby(self.defects["rule"][order]).cumcount()
            order = order[rank.to_numpy() < most]
        chosen = set(order.tolist())
        findings = {i: one for i, one in enumerate(self.findings) if i in chosen}
        columns = [self.defects[name][order].tolist() for name in DEFECT_COLUMNS]
        return [
            dict(zip(DEFECT_COLUMNS, values, strict=True))
            | {"value": findings[i].value, "message": findings[i].message, "hint": findings[i].hint}
            for i, values in zip(order.tolist(), zip(*columns, strict=True), strict=True)
        ]

    def rules(self) -> list[tuple[str, int, int]]:
        """Return each broken rule, how many defects it has, and how many incidents they touch.

        Those that touch most incidents come first.
        """
        touched: Counter[str] = Counter()
        columns = (self.defects[name].tolist() for name in ("rule", "incidents"))
        for rule, n in zip(*columns, strict=True):
            touched[rule] += n
        counts = self.findings.counts()
        return [
            (rule, counts[rule], touched[rule]) for rule in sorted(counts, key=lambda rule: -touched[rule])
        ]

    def by_rule(self, most: int) -> dict[str, list[dict[str, Any]]]:
        """Return the records of each rule, no more than ``most`` of one, in the order of `rules`."""
        found: dict[str, list[dict[str, Any]]] = {rule: [] for rule, _, _ in self.rules()}
        for record in self._records(most):
            found[record["rule"]].append(record)
        return found

    def order(self) -> npt.NDArray[np.int64]:
        """Return the positions of the defects, those that touch most incidents first."""
        return np.argsort(-self.defects["incidents"], kind="stable")

    def to_html(self, store: Reading) -> str:
        """Return the audit as one HTML file that needs no network.

        Parameters
        ----------
        store : Reading
            The store the audit was made from; the cells of the map are read from it.

        Raises
        ------
        MissingPackageError
            bokeh or Jinja2 is not installed.
        """
        from gridcity.auditing.page import render

        return render(self, store)


def audit_duties(
    store: Reading, profile: Profile, locator: BulkLocator, on: str, incidents: Incidents | None = None
) -> DutyAudit:
    """Hold the duties and parties of a city against what stands in it, and against past incidents.

    Parameters
    ----------
    store, profile
        The city's.
    locator : BulkLocator
        The city made ready for questions about the day.
    on : str
        ISO date: cells, components, parties and duties are those of this day.
    incidents : Incidents, optional
        All are judged by the tables of the day, whenever they were reported.
    """
    world = World(store, profile, locator, on)
    cases, defects = judged(world, incidents), Defects()
    pairs = check_cells(world, cases, defects)
    check_components(world, cases, defects)
    beyond = outside(world)
    check_territories(world, beyond, cases, defects)
    check_tables(world, cases, defects)
    astray = _outside_territory(cases, beyond, len(world.ids))
    confused, confusion = _confusion(world, cases)
    counts = None
    if incidents is not None:
        counts = IncidentCounts(
            name=incidents.name,
            rows=cases.rows,
            without_place=cases.without_place,
            without_class=cases.without_class,
            judged=len(cases),
            outside=int((cases.cell < 0).sum()),
            nobody=int(cases.nobody.sum()),
            by_order=int((cases.answers.rival > 0).sum()),
            ended=int(cases.ended.sum()),
            outside_territory=int(astray.sum()),
            told=int((cases.party != "").sum()),
            misrouted=int(confused.sum()),
            confusion=confusion,
        )
    table = defects.table()
    table |= _streets(world, table["cell_id"])
    wrong = cases.nobody | (cases.answers.rival > 0) | cases.ended | astray | confused
    return DutyAudit(
        findings=defects.findings,
        defects=table,
        cells=_cells(world, table, cases.cell[wrong]),
        totals={
            "cells": len(locator.cells),
            "components": len(world.ids),
            "pairs": pairs,
            "duties": len(world.valid_duties),
            "parties": len(store.rows("parties", ("fid",), on=on)),
        },
        incidents=counts,
        city=profile.name or profile.area_code,
        on=on,
        made_at=datetime.now(UTC),
    )


def _streets(world: World, cell_id: npt.NDArray[np.int64]) -> dict[str, Column]:
    """Return code and name of the street of each cell; empty where there is no cell or it is in no street."""
    ids, places = world.locator.cells.ids, world.locator.places
    cell = np.where(cell_id < 0, len(ids), np.searchsorted(ids, cell_id))
    place = places.of_cell[cell].astype(np.int64)
    return {
        "street_code": labels(place, [one.street_code for one in places.all]),
        "street_name": labels(place, [one.street_name for one in places.all]),
    }


def _outside_territory(cases: Cases, found: Outside, n: int) -> Mask:
    """Return the incidents whose answer is a party outside its territory."""
    astray: Mask = np.isin(cases.answers.duty, list(found.duties))
    for step, at, _ in found.bodies:
        held = np.zeros(n + 1, dtype=bool)
        held[at] = True
        astray |= (cases.answers.step == step) & held[cases.component] & (cases.component >= 0)
    return astray


def _confusion(world: World, cases: Cases) -> tuple[Mask, tuple[tuple[str, str, int], ...]]:
    """Return the incidents that another party handled than the tables name, and who they are."""
    text, texts = pd.factorize(cases.party)
    names = world.names
    key, back = np.unique(text * len(names) + cases.answers.party, return_inverse=True)
    differs, pairs = np.zeros(len(key), dtype=bool), Counter[tuple[str, str]]()
    for i, n in enumerate(np.bincount(back, minlength=len(key)).tolist()):
        told, (code, name) = texts[key[i] // len(names)], names[key[i] % len(names)]
        party = world.party_of(told, told)
        own = (party.code, party.name) if party else ("", told)
        same = own[0] == code if own[0] and code else folded(own[1]) == folded(name)
        if told and not same:
            differs[i] = True
            pairs[own[1] or own[0], name or code] += n
    listed = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return differs[back], tuple((expected, answer, n) for (expected, answer), n in listed)


def _cells(world: World, defects: Mapping[str, Column], wrong: npt.NDArray[np.int64]) -> dict[str, Column]:
    """Return what is wrong in each cell."""
    ids, n = world.locator.cells.ids, len(world.locator.cells)
    there = np.flatnonzero(defects["cell_id"] >= 0)
    at = np.searchsorted(ids, defects["cell_id"][there])
    rules, number = np.unique(defects["rule"][there].astype(str), return_inverse=True)
    worse = np.array([_WORSE.get(rule, 0) for rule in rules.tolist()], dtype=np.int64)
    worst = np.zeros(n, dtype=np.int64)
    np.maximum.at(worst, at, worse[number] if len(there) else at)
    return {
        "cell_id": ids,
        "worst": worst,
        "defects": np.bincount(at, minlength=n),
        "incidents": np.bincount(wrong[wrong >= 0], minlength=n),
    }
