"""How each column of an answer about many points is found; `gridcity.locating.bulk` asks chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from gridcity.locating.across import ACROSS
from gridcity.locating.columns import Column
from gridcity.locating.components import Components
from gridcity.locating.concerns import Concerns
from gridcity.locating.places import Place
from gridcity.locating.rulings import RULED
from gridcity.locating.sites import Sites
from gridcity.locating.wanted import Wanted
from gridcity.tiling.index import BASES, Hits

if TYPE_CHECKING:
    from gridcity.locating.bulk import BulkLocator

__all__ = ["WITHOUT_CELLS", "Answer", "Question"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]
Numbers = npt.NDArray[np.int32]

_CLASSES: Final = ("class_code", "class_name")
_COMPONENTS: Final = ("component_id", "component_code", "component_name")
_OTHERS: Final = ("other_component_id", "other_component_code")
WITHOUT_CELLS: Final = frozenset(
    {"lng", "lat", *_CLASSES, *_COMPONENTS, "component_distance_m", *_OTHERS, "other_component_distance_m"}
)
"""The columns for which no cell is looked up."""
_BASES: Final = np.array(BASES, dtype=object)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about every point; see `BulkLocator.locate`."""

    columns: frozenset[str]
    near_m: float
    radius_m: float | None
    wanted: Sequence[Wanted]
    conditions: Sequence[str]
    accuracy_m: float


class Answer:
    """The answer about some points; each part of it is found when a column asks for it.

    Parameters
    ----------
    city : BulkLocator
        The city that is asked.
    question : Question
        What is asked about every point.
    points : two float arrays
        Longitudes and latitudes.
    which, condition : int array or None
        The class and the condition of each point.
    """

    def __init__(
        self,
        city: BulkLocator,
        question: Question,
        points: tuple[Floats, Floats],
        which: Ints | None,
        condition: Ints | None,
    ) -> None:
        self._city, self._question, self._given = city, question, points
        self._which, self._condition = which, condition

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
        elif name == "other_component_distance_m":
            column[:] = self._nearest[3]
        elif name == "cells_differ":
            column[:] = (self._nearest[0] >= 0) & (self._component_cell != self._cell)
        else:
            texts, number = self._texts(name)
            # The last of the texts stands for none, whose number is -1; another mode would copy `column`.
            np.take(texts, number, out=column, mode="wrap")

    def _texts(self, name: str) -> tuple[Column, Ints]:
        """Return the distinct values of a column, and the number of that of each point."""
        city = self._city
        if name in city.cell_columns:
            return city.cell_columns[name], self._cell
        if name == "component_cell_code":
            return city.cell_columns["cell_code"], self._component_cell
        if name == "basis":
            return _BASES, self._hits.basis
        if name in Place._fields:
            return city.places.columns[name], self._place
        if name in RULED or name in ACROSS:
            # Its number first: the answer may be a new one.
            number = self._ruling if name in RULED else self._beyond
            return (city.rulings if name in RULED else city.across).columns[name], number
        if name in _CLASSES:
            return self._labels[name], self._label
        if name in _OTHERS:
            return self._components.columns[name.removeprefix("other_")], self._nearest[2]
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
    def _place(self) -> Numbers:
        return self._city.places.of_points(self._cell, self._lng, self._lat)

    @cached_property
    def _components(self) -> Components:
        return self._city.components(frozenset().union(*(item.components for item in self._question.wanted)))

    def _there(self, item: Wanted) -> bool:
        """Return whether the city has a component of what is asked for; without a class none is read."""
        return bool(item.components) and self._components.there(item.components)

    @cached_property
    def _nearest(self) -> tuple[Ints, Floats, Ints, Floats]:
        """Position and distance of the component of each point, and of another that is as likely."""
        n, question = len(self._lng), self._question
        component, distance = np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
        other, other_m = component.copy(), distance.copy()
        seconds = not question.columns.isdisjoint({*_OTHERS, "other_component_distance_m"})
        for i, item in enumerate(question.wanted):
            if not self._there(item):
                continue
            points = np.arange(n) if self._which is None else np.flatnonzero(self._which == i)
            if not len(points):
                continue
            radius_m = question.radius_m
            if radius_m is None:
                radius_m = self._city.radius_m(item.components)
            asked = item.components, self._lng[points], self._lat[points], radius_m
            if seconds:
                found = self._components.two_nearest(*asked, 2 * question.accuracy_m)
                component[points], distance[points], other[points], other_m[points] = found
            else:
                component[points], distance[points] = self._components.nearest(*asked)
        return component, distance, other, other_m

    @cached_property
    def _with_component(self) -> npt.NDArray[np.int64]:
        """The points that have a component."""
        if not any(map(self._there, self._question.wanted)):
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self._nearest[0] >= 0)

    @cached_property
    def _concerns(self) -> Concerns:
        return self._city.concerns(self._components)

    @cached_property
    def _component_cell(self) -> Ints:
        """Position of the cell that the component of each point stands in, -1 for none."""
        there = self._with_component
        cell = np.full(len(self._lng), -1, dtype=np.int64)
        if len(there):
            cell[there] = self._concerns.sites.cell[self._nearest[0][there]]
        return cell

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
    def _sites(self) -> Sites:
        return Sites(self._cell, self._lng, self._lat)

    @property
    def _held(self) -> bool:
        """Whether each point lies within its cell."""
        return self._question.near_m == 0

    @cached_property
    def _spot(self) -> Numbers:
        return self._city.rulings.spots.of(self._sites, held=self._held)

    @cached_property
    def _row(self) -> Ints:
        """The number that class and condition of each point have among those of the rulings."""
        texts, condition = self._conditions
        singles = [item.single for item in self._question.wanted]
        rows = np.array([self._city.rulings.row(klass, text) for klass in singles for text in texts])
        which = 0 if self._which is None else self._which
        return np.asarray(rows.take(which * len(texts) + condition if len(texts) > 1 else which))

    @cached_property
    def _conditions(self) -> tuple[list[str], int | Ints]:
        """The distinct conditions that duties know of, and which of them each point asks about."""
        known, asked = self._city.rulings.conditions, self._question.conditions
        numbers: dict[str, int] = {}
        of_asked = [numbers.setdefault(text if text in known else "", len(numbers)) for text in asked]
        if self._condition is None:
            return list(numbers), 0
        return list(numbers), np.array(of_asked).take(self._condition)

    @cached_property
    def _ruling(self) -> Ints:
        """The number of the answer: who must act, and who would be next."""
        rulings, row = self._city.rulings, self._row
        there = self._with_component
        if not len(there):
            return rulings.by_place(self._spot, row)
        found = np.empty(len(self._lng), dtype=np.intp)
        alone = np.flatnonzero(self._nearest[0] < 0)
        found[alone] = rulings.by_place(self._spot[alone], row if row.ndim == 0 else row[alone])
        for points, component, condition in self._of_conditions(there):
            found[points] = self._concerns.answers(component, condition)
        return found

    @cached_property
    def _beyond(self) -> Ints:
        """The number of an answer across a border, -1 for none."""
        rulings, row = self._city.rulings, self._row
        there = self._with_component
        alone = np.arange(len(self._lng)) if not len(there) else np.flatnonzero(self._nearest[0] < 0)
        if row.ndim:
            row = row[alone]
        found = np.empty(len(self._lng), dtype=np.intp)
        found[alone] = self._city.across.find(
            self._sites.at(alone),
            self._spot[alone],
            self._ruling[alone],
            lambda at, spot: rulings.by_place(spot, row[at] if row.ndim else row),
            accuracy_m=self._question.accuracy_m,
            held=self._held,
        )
        for points, component, condition in self._of_conditions(there):
            found[points] = self._concerns.across(component, condition, self._question.accuracy_m)
        return found

    def _of_conditions(self, points: Ints) -> Iterator[tuple[Ints, Ints, str]]:
        """Yield points that have a component, their components and their condition, one after the other."""
        texts, condition = self._conditions
        for i, text in enumerate(texts):
            chosen = points if isinstance(condition, int) else points[condition[points] == i]
            yield chosen, self._nearest[0][chosen], text


def _on_globe(lng: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the points with NaN for those that are not on the globe."""
    # NaN is less than nothing and not less either: one among the points, and the least is NaN too.
    if lng.min() >= -180 and lng.max() <= 180 and lat.min() >= -90 and lat.max() <= 90:
        return lng, lat
    there = (np.abs(lng) <= 180) & (np.abs(lat) <= 90)
    return np.where(there, lng, np.nan), np.where(there, lat, np.nan)
