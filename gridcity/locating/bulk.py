"""Many points, in columns: the same answers as `gridcity.locating.single`, vectorised.

========================  ==================================================
`columns`                 the columns of an answer
`areas`                   the place of each cell, and of points in no cell
`components`              which component is nearest
`rulings`                 who answers, every distinct situation decided once
========================  ==================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from gridcity.cells import cell_index
from gridcity.locating.areas import Places
from gridcity.locating.columns import Column, new_columns
from gridcity.locating.components import Components
from gridcity.locating.places import Place
from gridcity.locating.rulings import RULED, Rulings
from gridcity.locating.wanted import Wanted
from gridcity.profile import Profile
from gridcity.store.base import Reading
from gridcity.tiling.index import BASES, Hits

__all__ = ["BulkLocator"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]

_CLASSES: Final = ("class_code", "class_name")
_COMPONENTS: Final = ("component_id", "component_code", "component_name")
# Points located together: what is held beside the answer does not grow with the number of points.
_CHUNK: Final = 262_144
# The columns for which no cell is looked up.
_WITHOUT_CELLS: Final = frozenset({"lng", "lat", *_CLASSES, *_COMPONENTS, "component_distance_m"})
_BASES: Final = np.array(BASES, dtype=object)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked about every point."""

    columns: frozenset[str]
    near_m: float
    radius_m: float
    wanted: Sequence[Wanted]


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

    def locate(
        self,
        lng: Floats,
        lat: Floats,
        *,
        near_m: float,
        radius_m: float,
        wanted: Sequence[Wanted],
        which: npt.NDArray[np.int64] | None,
        columns: Sequence[str],
    ) -> dict[str, Column]:
        """Return columns of the placements of many points.

        Parameters
        ----------
        lng, lat : float arrays
            Degrees, in the stored reference system; NaN, and what is not on the globe, is outside.
        near_m, radius_m : float
            As for `gridcity.locating.locate_one`.
        wanted : sequence of Wanted
            The distinct classes asked for.
        which : int array or None
            Position in ``wanted``, one per point; None where all points ask for the first.
        columns : sequence of str
            Fields of `Placement`. What none of them needs is not computed.
        """
        question = _Question(frozenset(columns), near_m, radius_m, wanted)
        found = new_columns(columns, len(lng))
        if not question.columns <= _WITHOUT_CELLS:
            self.cells.expect(len(lng))
        for begin in range(0, len(lng), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            answer = _Answer(self, question, lng[part], lat[part], None if which is None else which[part])
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
        return Rulings(self._store, self._profile, self._on, self.places, self.cells.codes)

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


class _Answer:
    """The answer about some points; each part of it is found when a column asks for it."""

    def __init__(
        self, city: BulkLocator, question: _Question, lng: Floats, lat: Floats, which: Ints | None
    ) -> None:
        self._city, self._question, self._which = city, question, which
        self._given = lng, lat

    def fill(self, name: str, column: Column) -> None:
        """Fill in one column."""
        if name == "lng":
            column[:] = self._lng
        elif name == "lat":
            column[:] = self._lat
        elif name == "overlap":
            column[:] = self._hits.overlap
        elif name == "distance_to_border_m":
            column[:] = self._hits.distance_m
        elif name == "component_distance_m":
            column[:] = self._nearest[1]
        else:
            texts, number = self._texts(name)
            # The last of the texts stands for none, whose number is -1; another mode would copy `column`.
            np.take(texts, number, out=column, mode="wrap")

    def _texts(self, name: str) -> tuple[Column, Ints]:
        """Return the distinct values of a column, and the number of that of each point."""
        city = self._city
        if name in city.cell_columns:
            return city.cell_columns[name], self._cell
        if name == "basis":
            return _BASES, self._hits.basis
        if name in Place._fields:
            return city.places.columns[name], self._place
        if name in RULED:
            # Its number first: the answer may be a new one.
            number = self._ruling
            return city.rulings.columns[name], number
        if name in _CLASSES:
            return self._labels[name], self._label
        return self._components.columns[name], self._nearest[0]

    @cached_property
    def _points(self) -> tuple[Floats, Floats]:
        return _on_globe(*self._given)

    @property
    def _lng(self) -> Floats:
        return self._points[0]

    @property
    def _lat(self) -> Floats:
        return self._points[1]

    @cached_property
    def _hits(self) -> Hits:
        distances = "distance_to_border_m" in self._question.columns
        near_m = self._question.near_m
        return self._city.cells.locate(self._lng, self._lat, near_m=near_m, distances=distances)

    @cached_property
    def _cell(self) -> Ints:
        """Position of the cell, -1 for none."""
        by_hits = {"basis", "overlap", "distance_to_border_m"} & self._question.columns
        if by_hits or self._question.near_m > 0:
            return self._hits.polygon
        # No cell lies beyond the globe: what does is in none.
        return self._city.cells.winners(*self._given)

    @cached_property
    def _place(self) -> npt.NDArray[np.int32]:
        return self._city.places.of_points(self._cell, self._lng, self._lat)

    @cached_property
    def _components(self) -> Components:
        return self._city.components(frozenset().union(*(item.components for item in self._question.wanted)))

    @cached_property
    def _nearest(self) -> tuple[Ints, Floats]:
        """Position and distance of the component of each point."""
        n = len(self._lng)
        component, distance = np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
        for i, item in enumerate(self._question.wanted):
            points = np.arange(n) if self._which is None else np.flatnonzero(self._which == i)
            if item.components and len(points):
                component[points], distance[points] = self._components.nearest(
                    item.components, self._lng[points], self._lat[points], self._question.radius_m
                )
        return component, distance

    @cached_property
    def _labels(self) -> dict[str, Column]:
        """Code and name of the classes: those of the components, then what was asked for."""
        classes, wanted = self._components.classes, self._question.wanted
        singles = [item.single for item in wanted]
        codes = [klass.code if klass else "" for klass in (*classes, *singles)]
        names = [item.classes[0].zh if item.single else item.label for item in wanted]
        names = [*(klass.name for klass in classes), *names]
        return {"class_code": np.array(codes, dtype=object), "class_name": np.array(names, dtype=object)}

    @cached_property
    def _label(self) -> Ints:
        """The class of each point: that of its component, else the one asked for."""
        components, component = self._components, self._nearest[0]
        asked = len(components.classes) + (0 if self._which is None else self._which)
        return np.where(component < 0, asked, np.append(components.klass, 0).take(component, mode="wrap"))

    @cached_property
    def _ruling(self) -> Ints:
        """The number of the answer: who must act, and who would be next."""
        rulings, wanted = self._city.rulings, self._question.wanted
        spot = rulings.spots(self._cell, self._place)
        found = rulings.by_place(spot, [item.single for item in wanted], self._which)
        if any(item.components for item in wanted):
            component = self._nearest[0]
            there = np.flatnonzero(component >= 0)
            found[there] = rulings.by_component(spot[there], component[there], self._components)
        return found


def _on_globe(lng: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the points with NaN for those that are not on the globe."""
    # NaN is less than nothing and not less either: one among the points, and the least is NaN too.
    if lng.min() >= -180 and lng.max() <= 180 and lat.min() >= -90 and lat.max() <= 90:
        return lng, lat
    there = (np.abs(lng) <= 180) & (np.abs(lat) <= 90)
    return np.where(there, lng, np.nan), np.where(there, lat, np.nan)
