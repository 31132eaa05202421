"""Who answers for many points: every distinct situation is decided once, when it is first met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gridcity.locating.areas import Places
from gridcity.locating.columns import Column
from gridcity.locating.relevant import Relevance
from gridcity.locating.spots import Spots
from gridcity.locating.zones import Zones
from gridcity.model import Duty
from gridcity.profile import Profile
from gridcity.responsibility import (
    NOBODY,
    Concerned,
    Decision,
    Klass,
    Parties,
    Situation,
    decide,
    read_duties,
    read_parties,
)
from gridcity.store.base import Reading
from gridcity.tiling.index import PolygonIndex

__all__ = ["RULED", "Rulings"]

Ints = npt.NDArray[np.integer]
Numbers = npt.NDArray[np.int32]

RULED: Final = (
    "party_code",
    "party_name",
    "step",
    "next_party_code",
    "next_party_name",
    "next_step",
    "unowned",
    "passed",
    "duty_place",
)
"""The columns that a ruling fills."""


class Rulings:
    """The answers that a city's parties and duties give, numbered as they come.

    An answer depends on the spot, on the class and its condition, and on the bodies of a component. Where no
    duty at a place has a say about a class, the place is as good as none: so many situations are one.

    Parameters
    ----------
    store : Reading
        The city's store; its parties and duties are read here.
    profile : Profile
        The city's profile.
    on : str
        ISO date on which parties and duties must be valid.
    places : Places
        The places of the city's cells.
    cells : PolygonIndex
        The cells.

    Attributes
    ----------
    spots : Spots
        The places that differ in their duties.
    agreed : set of str
        The codes that duties name: those of components among them.
    conditions : set of str
        The conditions that duties are for.
    """

    def __init__(
        self, store: Reading, profile: Profile, on: str, places: Places, cells: PolygonIndex
    ) -> None:
        duties = read_duties(store)
        self._parties, self._relevance = Parties(read_parties(store)), Relevance(duties)
        self._chains, self._on = (profile.component_steps, profile.event_steps), on
        self.agreed = {duty.place_code for duty in duties if duty.place_code and duty.area_m2 is None}
        self.conditions = {duty.condition for duty in duties}
        zones = Zones(store, [duty.id for duty in duties if duty.area_m2 is not None])
        self.spots = Spots(places, cells, profile, self.agreed, zones)
        self._take_subjects(duties)
        self._rows: dict[tuple[Klass | None, str], int] = {}
        # Row by spot, the number of the answer where no component has a say; -1 while undecided.
        self._table: Numbers = np.empty((0, len(self.spots)), dtype=np.int32)
        self._decided: dict[Situation, int] = {}
        self._numbers: dict[tuple[str | bool, ...], int] = {}
        self._texts: dict[str | bool, str | bool] = {}
        self._columns: dict[str, Column] = {}

    @property
    def columns(self) -> dict[str, Column]:
        """The values of all answers given so far, by the names of `RULED`."""
        if len(self._numbers) != len(self._columns.get(RULED[0], ())):
            values = zip(*self._numbers, strict=True)
            self._columns = {
                name: np.array(column, dtype=bool if name == "unowned" else object)
                for name, column in zip(RULED, values, strict=True)
            }
        return self._columns

    def row(self, klass: Klass | None, condition: str) -> int:
        """Return the number of a class and a condition, for `by_place`."""
        key = klass, self._telling(klass, condition)
        return self._rows.setdefault(key, len(self._rows))

    def by_place(self, spot: Numbers, row: int | Ints) -> Ints:
        """Return the number of the answer for each point where no component has a say.

        Parameters
        ----------
        spot : int32 array
            From `spots`.
        row : int, or int array of one per point
            From `row`.
        """
        self._widen()
        width = self._table.shape[1]
        at = spot + np.multiply(row, width, dtype=np.int64)
        table = self._table.reshape(-1)
        # As the numbers by which columns are taken: each column would have to turn them into these.
        found: Ints = table.take(at, mode="wrap").astype(np.intp)
        if len(found) and found.min() < 0:
            asked, spots = np.divmod(np.unique(at[found < 0]), width)
            begins = np.flatnonzero(np.diff(asked, prepend=-1))
            for number, of_row in zip(asked[begins].tolist(), np.split(spots, begins[1:]), strict=True):
                self._fill(number, of_row)
            found = table.take(at, mode="wrap").astype(np.intp)
        return found

    def by_component(
        self, concerned: Sequence[Concerned], klass: Sequence[Klass], condition: str, spot: Numbers
    ) -> Numbers:
        """Return the number of the answer for components, one after the other.

        Parameters
        ----------
        concerned : sequence of Concerned
            The components.
        klass : sequence of Klass
            The class of each.
        condition : str
            The condition asked for.
        spot : int32 array
            The spot of each.
        """
        found = [
            self._number(int(where), one, of, condition)
            for where, one, of in zip(spot.tolist(), concerned, klass, strict=True)
        ]
        return np.array(found, dtype=np.int32)

    def _take_subjects(self, duties: Sequence[Duty]) -> None:
        """Note the conditions of the duties for each subject, and what those at single cells are for."""
        self._conditions: dict[int, set[str]] = {}
        spots, subjects = [], []
        for duty in duties:
            subject = self._relevance.subject[duty.id]
            self._conditions.setdefault(subject, set()).add(duty.condition)
            if duty.area_m2 is None and duty.place_code in self.spots.own:
                spots.append(self.spots.own[duty.place_code])
                subjects.append(subject)
        # The cells with duties of their own, each as often as it has such.
        self._own_spot: Numbers = np.array(spots, dtype=np.int32)
        self._own_subject = np.array(subjects, dtype=np.int64)

    def _telling(self, klass: Klass | None, condition: str) -> str:
        """Return a condition where a duty for the class is for it; else it is as good as none."""
        there = condition and any(
            condition in self._conditions[i] for i in self._relevance.about(klass).subjects
        )
        return condition if there else ""

    def _widen(self) -> None:
        """Give the table a line for each row and a column for each spot."""
        rows, width = self._table.shape
        more = len(self._rows) - rows
        if more or len(self.spots) > width:
            # Twice as many, since new spots are met again and again.
            wider = width if len(self.spots) <= width else 2 * len(self.spots)
            self._table = np.pad(self._table, ((0, more), (0, wider - width)), constant_values=-1)

    def _fill(self, number: int, spots: Ints) -> None:
        """Decide about some spots in one row, and so about all that stand for the same places."""
        klass, condition = list(self._rows)[number]
        line, parent = self._table[number], self.spots.parent
        # A cell whose own duties have no say about the class stands for its place.
        stands_for = parent.copy()
        has_say = np.zeros(len(self._conditions), dtype=bool)
        has_say[list(self._relevance.about(klass).subjects)] = True
        own = self._own_spot[has_say[self._own_subject]]
        stands_for[own] = own
        whole = np.unique(stands_for[spots[spots < len(parent)]])
        for spot in (*whole.tolist(), *spots[spots >= len(parent)].tolist()):
            line[spot] = self._number(spot, None, klass, condition)
        line[: len(parent)] = line[stands_for]

    def _number(self, spot: int, concerned: Concerned | None, klass: Klass | None, condition: str) -> int:
        """Return the number of the answer in one situation."""
        if concerned and concerned.code not in self.agreed:
            concerned = Concerned("", concerned.roles)
        places, polygons = self.spots.situation(spot)
        situation = self._relevance.reduced(
            Situation(concerned, places, polygons, klass, self._telling(klass, condition))
        )
        if situation not in self._decided:
            duties = self._relevance.about(klass)
            decision = decide(
                situation, parties=self._parties, duties=duties, chains=self._chains, on=self._on
            )
            # Equal texts as one object: so few fit into the processor's own memory.
            said = tuple(self._texts.setdefault(value, value) for value in _said(decision))
            self._decided[situation] = self._numbers.setdefault(said, len(self._numbers))
        return self._decided[situation]


def _said(decision: Decision) -> tuple[str | bool, ...]:
    """Return the values of `RULED`."""
    second = decision.second
    step = "" if second == NOBODY else second.step
    return (
        *decision.first,
        *second[:2],
        step,
        decision.unowned,
        decision.passed,
        decision.duty_place,
    )
