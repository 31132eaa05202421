"""Who answers for many points: every distinct situation is decided once, when it is first met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gridcity.locating.areas import Places
from gridcity.locating.columns import Column
from gridcity.locating.components import Components
from gridcity.locating.places import codes_of
from gridcity.profile import Profile
from gridcity.responsibility import Duties, Klass, Parties, Roles, answers, read_duties, read_parties
from gridcity.store.base import Reading

__all__ = ["RULED", "Rulings"]

Ints = npt.NDArray[np.integer]
Numbers = npt.NDArray[np.int32]

RULED: Final = ("party_code", "party_name", "step", "next_party_code", "next_party_name", "next_step")
"""The columns that a ruling fills."""


class Rulings:
    """The answers that a city's parties and duties give, numbered as they come.

    An answer depends on the spot, on the class and on the bodies of a component. The spot is the place of
    the cell; only a cell that a duty names is a spot of its own.

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
    cell_codes : sequence of str
        The codes of the cells, in the order of their ids.
    """

    def __init__(
        self, store: Reading, profile: Profile, on: str, places: Places, cell_codes: Sequence[str]
    ) -> None:
        duties = read_duties(store)
        self._parties, self._duties = Parties(read_parties(store)), Duties(duties)
        self._profile, self._on = profile, on
        named = {duty.place_code for duty in duties if duty.place_code}
        own = [i for i, code in enumerate(cell_codes) if code in named]
        self._codes = [codes_of("", place, profile) for place in places.all]
        self._codes += [codes_of(cell_codes[i], places.all[places.of_cell[i]], profile) for i in own]
        self._spot_of_cell: Numbers | None = None
        if own:
            self._spot_of_cell = places.of_cell.copy()
            self._spot_of_cell[own] = np.arange(len(places.all), len(self._codes))
        self._classes: dict[Klass | None, int] = {}
        # Class by spot, the number of the answer where no component has a say; -1 while undecided.
        self._table: Numbers = np.empty((0, len(self._codes)), dtype=np.int32)
        self._decided: dict[tuple[int, Klass | None, Roles | None], int] = {}
        self._numbers: dict[tuple[str, ...], int] = {}
        self._columns: dict[str, Column] = {}

    @property
    def columns(self) -> dict[str, Column]:
        """The texts of all answers given so far, by the names of `RULED`."""
        if len(self._numbers) != len(self._columns.get(RULED[0], ())):
            texts = zip(*self._numbers, strict=True)
            self._columns = {
                name: np.array(column, dtype=object) for name, column in zip(RULED, texts, strict=True)
            }
        return self._columns

    def spots(self, cell: Ints, place: Numbers) -> Numbers:
        """Return the spot of each point from the position of its cell, -1 for none, and its place."""
        if self._spot_of_cell is None:
            return place
        spot: Numbers = np.where(cell < 0, place, self._spot_of_cell.take(cell, mode="wrap"))
        return spot

    def by_place(self, spot: Numbers, classes: Sequence[Klass | None], which: Ints | None) -> Numbers:
        """Return the number of the answer for each point where no component has a say.

        Parameters
        ----------
        spot : int32 array
            From `spots`.
        classes : sequence of Klass or None
            The classes asked for.
        which : int array or None
            Position in ``classes``, one per point; None where all ask for the first.
        """
        self._add_classes(classes)
        first = np.array([self._classes[klass] for klass in classes]) * len(self._codes)
        at = spot + (first[0] if which is None else first[which])
        table = self._table.reshape(-1)
        found: Numbers = table.take(at, mode="wrap")
        if (found < 0).any():
            known = list(self._classes)
            for place in np.unique(at[found < 0]).tolist():
                klass, where = divmod(place, len(self._codes))
                table[place] = self._decide(where, known[klass], None)
            found = table.take(at, mode="wrap")
        return found

    def by_component(self, spot: Numbers, component: Ints, components: Components) -> Numbers:
        """Return the number of the answer for each point that has a component.

        Parameters
        ----------
        spot : int32 array
            From `spots`.
        component : int array
            Position of the component of each point.
        components : Components
            Those that were asked for.
        """
        n = len(components.roles)
        key = (components.klass[component] * n + components.role[component]) * len(self._codes) + spot
        distinct, back = np.unique(key, return_inverse=True)
        found = []
        for number in distinct.tolist():
            said, where = divmod(number, len(self._codes))
            klass, role = divmod(said, n)
            found.append(self._decide(where, components.classes[klass], components.roles[role]))
        return np.array(found, dtype=np.int32)[back]

    def _add_classes(self, classes: Sequence[Klass | None]) -> None:
        known = len(self._classes)
        for klass in classes:
            self._classes.setdefault(klass, len(self._classes))
        if len(self._classes) > known:
            undecided = np.full((len(self._classes) - known, len(self._codes)), -1, dtype=np.int32)
            self._table = np.concatenate([self._table, undecided])

    def _decide(self, spot: int, klass: Klass | None, roles: Roles | None) -> int:
        """Return the number of the answer in one situation."""
        situation = spot, klass, roles
        if situation not in self._decided:
            first, second = answers(
                roles,
                self._codes[spot],
                klass,
                parties=self._parties,
                duties=self._duties,
                steps=self._profile.steps,
                on=self._on,
            )
            said = (*first, *second[:2], "" if second.step == "none" else second.step)
            self._decided[situation] = self._numbers.setdefault(said, len(self._numbers))
        return self._decided[situation]
