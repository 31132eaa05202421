"""Many points, in columns: the same answers as `gridcity.locating.single`, vectorised.

========================  ==================================================
`columns`                 the columns of an answer
`answer`                  how each column of an answer is found
`areas`                   the place of each cell, and of points in no cell
`components`              which component is nearest
`sites`                   where points and components stand
`spots`, `zones`          places that differ in the duties that count there
`rulings`                 who answers, every distinct situation decided once
`relevant`                the duties that have a say about a class
`concerns`                who answers for components
`across`                  who else would, on the other side of a border
========================  ==================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from gridcity.cells import cell_index
from gridcity.locating.across import Across
from gridcity.locating.answer import WITHOUT_CELLS, Answer, Question
from gridcity.locating.areas import Places
from gridcity.locating.columns import Column, new_columns
from gridcity.locating.components import Components
from gridcity.locating.concerns import Concerns
from gridcity.locating.rulings import Rulings
from gridcity.locating.wanted import Wanted
from gridcity.profile import Profile
from gridcity.spacings import radius_for
from gridcity.store.base import Reading

__all__ = ["BulkLocator"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Points located together: what is held beside the answer does not grow with the number of points.
_CHUNK: Final = 262_144


class BulkLocator:
    """A city made ready for many points, as it was on one day.

    Parameters
    ----------
    store : Reading
        The city's store. Its cells are read here; areas, components, parties and duties when a column
        first needs them, so every question must see the state of the store that the first one saw.
    profile : Profile
        The city's profile.
    on : str
        ISO date on which cells, components, parties and duties must be valid.
    """

    def __init__(self, store: Reading, profile: Profile, on: str) -> None:
        self._store, self._profile, self._on = store, profile, on
        self.cells = cell_index(store, on, keep=True)
        self._components: dict[frozenset[tuple[str, str]], Components] = {}
        self._concerns: Concerns | None = None
        self._radii: dict[frozenset[tuple[str, str]], float] = {}

    def locate(
        self,
        lng: Floats,
        lat: Floats,
        *,
        near_m: float,
        radius_m: float | None,
        wanted: Sequence[Wanted],
        which: Ints | None,
        columns: Sequence[str],
        accuracy_m: float,
        conditions: Sequence[str] = ("",),
        condition: Ints | None = None,
    ) -> dict[str, Column]:
        """Return columns of the placements of many points.

        Parameters
        ----------
        lng, lat : float arrays
            Degrees, in the stored reference system; NaN, and what is not on the globe, is outside.
        near_m, radius_m, accuracy_m : float
            As for `gridcity.locating.Question`.
        wanted : sequence of Wanted
            The distinct classes asked for.
        which : int array or None
            Position in ``wanted``, one per point; None where all points ask for the first.
        columns : sequence of str
            Fields of `Placement`. What none of them needs is not computed.
        conditions : sequence of str, optional
            The distinct conditions asked for.
        condition : int array or None, optional
            Position in ``conditions``, one per point; None where all points ask for the first.
        """
        question = Question(frozenset(columns), near_m, radius_m, wanted, conditions, accuracy_m)
        found = new_columns(columns, len(lng))
        if not question.columns <= WITHOUT_CELLS:
            self.cells.expect(len(lng))
        for begin in range(0, len(lng), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            answer = Answer(
                self,
                question,
                (lng[part], lat[part]),
                None if which is None else which[part],
                None if condition is None else condition[part],
            )
            for name, column in found.items():
                answer.fill(name, column[part])
        return found

    @cached_property
    def places(self) -> Places:
        """The areas above cells and points."""
        return Places(self._store, self._profile, self._on)

    @cached_property
    def rulings(self) -> Rulings:
        """Who answers."""
        return Rulings(self._store, self._profile, self._on, self.places, self.cells)

    @cached_property
    def across(self) -> Across:
        """Who else would answer."""
        return Across(self.cells, self.rulings)

    @cached_property
    def cell_columns(self) -> dict[str, Column]:
        """Id and code of the cells, and last of no cell."""
        codes = np.array([*self.cells.codes, ""], dtype=object)
        return {"cell_id": np.append(self.cells.ids, -1), "cell_code": codes}

    def components(self, classes: frozenset[tuple[str, str]]) -> Components:
        """Return the components of some classes."""
        if classes not in self._components:
            # Only the classes of the last question are kept: a city's components may be many.
            self._components = {classes: Components(self._store, classes, self._on)}
        return self._components[classes]

    def concerns(self, components: Components) -> Concerns:
        """Return who answers for components, the last that were asked about being kept."""
        if self._concerns is None or self._concerns.components is not components:
            self._concerns = Concerns(self, components)
        return self._concerns

    def radius_m(self, classes: frozenset[tuple[str, str]]) -> float:
        """Return how far a component of some classes may be where the question does not say it."""
        if classes not in self._radii:
            self._radii[classes] = radius_for(self._store, classes)
        return self._radii[classes]
