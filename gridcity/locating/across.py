"""Who else would answer for what stands so near a border that the positional accuracy leaves it open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from gridcity.locating.columns import Column
from gridcity.locating.rulings import Rulings
from gridcity.locating.single import SETTLED
from gridcity.locating.sites import Sites
from gridcity.profile import ACCURACY_M
from gridcity.tiling.around import Around
from gridcity.tiling.index import PolygonIndex

__all__ = ["ACROSS", "Across"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]
Numbers = npt.NDArray[np.int32]

ACROSS: Final = ("across_party_code", "across_party_name")
"""The columns that are found here."""

# Ours: of sites with an accuracy of class C so many at once; some 100 MB in a city of blocks 80 m wide.
_SITES: Final = 262_144
_FEWEST: Final = 64


class Across:
    """The answers on the other sides of borders: those of cells, and those of duties' own polygons.

    Parameters
    ----------
    cells : PolygonIndex
        The cells.
    rulings : Rulings
        Who answers.
    """

    def __init__(self, cells: PolygonIndex, rulings: Rulings) -> None:
        self._around, self._rulings = Around(cells), rulings
        self._known = 0
        self._party: Ints = np.empty(0, dtype=np.int64)
        self._settled = np.empty(0, dtype=bool)
        self._columns: dict[str, Column] = {}

    @property
    def columns(self) -> dict[str, Column]:
        """The texts of the parties of all answers, and last of none, by the names of `ACROSS`."""
        self._learn()
        return self._columns

    def find(
        self,
        sites: Sites,
        spot: Numbers,
        answer: Ints,
        again: Callable[[Ints, Numbers], Ints],
        *,
        accuracy_m: float,
        held: bool,
    ) -> Numbers:
        """Return for each site the number of the nearest answer that names another party, -1 for none.

        Parameters
        ----------
        sites : Sites
            What is asked about.
        spot : int32 array
            Its spots.
        answer : int array
            Its answers.
        again : callable
            Given some sites and other spots of theirs, returns the answers there.
        accuracy_m : float
            How far the true place may be away.
        held : bool
            Whether each site lies within its cell, where it has one.
        """
        self._learn()
        found: Numbers = np.full(len(spot), -1, dtype=np.int32)
        doubtful = np.flatnonzero((sites.cell >= 0) & np.isfinite(sites.lng) & ~self._settled.take(answer))
        many = _sites_at_once(accuracy_m)
        for part in (doubtful[begin : begin + many] for begin in range(0, len(doubtful), many)):
            pairs = [
                self._beyond_cells(sites, spot, answer, again, part, accuracy_m),
                self._beyond_polygons(sites, spot, answer, again, part, accuracy_m, held=held),
            ]
            at, there, distance = (np.concatenate(column) for column in zip(*pairs, strict=True))
            order = np.lexsort((self._party.take(there), distance, at))
            first = order[np.flatnonzero(np.diff(at[order], prepend=-1))]
            found[at[first]] = there[first]
        return found

    def _beyond_cells(
        self,
        sites: Sites,
        spot: Numbers,
        answer: Ints,
        again: Callable[[Ints, Numbers], Ints],
        doubtful: Ints,
        accuracy_m: float,
    ) -> tuple[Ints, Ints, Floats]:
        """Return sites, answers of other parties in other cells within reach, and how far these are."""
        point, cell = self._around.candidates(sites.lng[doubtful], sites.lat[doubtful], accuracy_m)
        at = doubtful[point]
        other: Ints = np.flatnonzero(cell != sites.cell[at])
        at, cell = at[other], cell[other]
        moved = self._rulings.spots.moved(spot[at], cell)
        other = np.flatnonzero(moved != spot[at])
        at, cell, moved = at[other], cell[other], moved[other]
        there = again(at, moved)
        # Distances last: in most cities most neighbours have the same answer.
        other = self._of_others(answer[at], there)
        at, cell, there = at[other], cell[other], there[other]
        distance = self._around.distance_m(sites.lng[at], sites.lat[at], cell)
        near = np.flatnonzero(distance <= accuracy_m)
        return at[near], there[near], distance[near]

    def _beyond_polygons(
        self,
        sites: Sites,
        spot: Numbers,
        answer: Ints,
        again: Callable[[Ints, Numbers], Ints],
        doubtful: Ints,
        accuracy_m: float,
        *,
        held: bool,
    ) -> tuple[Ints, Ints, Floats]:
        """Return the same for the other sides of the borders of duties' own polygons."""
        spots = self._rulings.spots
        point, polygon, distance = spots.bordering(sites.at(doubtful), accuracy_m, held=held)
        at = doubtful[point]
        there = again(at, spots.toggled(spot[at], polygon))
        other = self._of_others(answer[at], there)
        return at[other], there[other], distance[other]

    def _of_others(self, answer: Ints, there: Ints) -> Ints:
        """Return where the answers name a party, and another one than those given."""
        self._learn()
        party = self._party.take(there)
        return np.flatnonzero((party > 0) & (party != self._party.take(answer)))

    def _learn(self) -> None:
        """Take note of the answers that have been given since."""
        columns = self._rulings.columns
        if self._known == len(columns.get("step", ())):
            return
        self._known = len(columns["step"])
        named = list(zip(columns["party_code"], columns["party_name"], strict=True))
        # In the order of code and name; 0 is nobody.
        rank = {name: i for i, name in enumerate(sorted({("", ""), *named}))}
        self._party = np.array([rank[name] for name in named], dtype=np.int64)
        self._settled = np.array([step in SETTLED for step in columns["step"]], dtype=bool)
        self._columns = {name: np.append(columns[name.removeprefix("across_")], "") for name in ACROSS}


def _sites_at_once(accuracy_m: float) -> int:
    """Return for how many sites the cells around them are looked at together: they grow with the square."""
    farther = max(accuracy_m / ACCURACY_M["C"], 1.0)
    return max(int(_SITES / farther**2), _FEWEST)
