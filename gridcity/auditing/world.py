"""A city on one day, as the audit of its duties looks at it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.auditing.answers import Answers, Asked, Judge
from gridcity.locating.places import codes_of
from gridcity.locating.sites import Sites, component_sites
from gridcity.model import Duty, Party
from gridcity.profile import Profile
from gridcity.responsibility import Klass, Parties, read_duties, read_parties, valid
from gridcity.store.base import Reading
from gridcity.tiling.shares import sound

if TYPE_CHECKING:
    from gridcity.locating.bulk import BulkLocator

__all__ = ["World", "labels", "texts"]

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[Any]


class World:
    """A city on one day.

    Parameters
    ----------
    store, profile
        The city's.
    locator : BulkLocator
        The city made ready, for the same day.
    on : str
        ISO date.

    Attributes
    ----------
    duties, parties : lists of Duty and Party
        All of them, past ones too.
    components : Components
        Those of the day, of all classes.
    sites : Sites
        Where they stand.
    spot : int64 array
        Their spots.
    """

    def __init__(self, store: Reading, profile: Profile, locator: BulkLocator, on: str) -> None:
        self.store, self.profile, self.locator, self.on = store, profile, locator, on
        self.duties, self.parties = read_duties(store), read_parties(store)
        self.book = Parties(self.parties)
        self.of_duty = {duty.id: duty for duty in self.duties}
        kept = store.columns("components", ("edition", "class_code"), on=on)
        classes = set(zip(kept["edition"].tolist(), kept["class_code"].tolist(), strict=True))
        self.components = locator.components(frozenset(classes))
        self.ids: Ints = self.components.columns["component_id"][:-1].astype(np.int64)
        self.sites: Sites = component_sites(self.components, locator.cells)
        self.spot: Ints = self.locator.rulings.spots.of(self.sites, held=False).astype(np.int64)
        self._numbers = {("", ""): 0}
        self.judge = self.new_judge(self.book, self.duties)

    def new_judge(self, parties: Parties, duties: Sequence[Duty]) -> Judge:
        """Return who decides by some tables of parties and duties."""
        rulings, numbers = self.locator.rulings, self._numbers
        return Judge(rulings, parties, duties, self.profile, self.on, self._crossing, numbers)

    @property
    def names(self) -> list[tuple[str, str]]:
        """Code and name of the parties that have answered, by their numbers in `Answers`; first nobody."""
        return list(self._numbers)

    def of_components(self, component: Ints) -> Asked:
        """Return the cases of some components, without a condition."""
        known = self.components
        nothing = np.zeros(len(component), dtype=np.int64)
        return Asked(
            self.spot[component],
            known.klass[component],
            nothing,
            known.role[component],
            self.agreed[component],
            labels(nothing, [""]),
        )

    @cached_property
    def answers(self) -> Answers:
        """Who answers for each component."""
        everyone = np.arange(len(self.ids))
        return self.judge.answers(
            self.of_components(everyone), self.components.classes, [""], self.components.roles
        )

    @cached_property
    def valid_duties(self) -> list[Duty]:
        """The duties that hold on the day, whether or not their party does."""
        return [duty for duty in self.duties if valid(duty.since, duty.until, self.on)]

    @cached_property
    def cell_points(self) -> npt.NDArray[np.float64]:
        """A point in each cell, and last of no cell; longitude and latitude."""
        inside = shapely.point_on_surface(self.locator.cells.polygons)
        found = np.full((len(inside) + 1, 2), np.nan)
        found[:-1] = np.column_stack([shapely.get_x(inside), shapely.get_y(inside)])
        return found

    @cached_property
    def cell_labels(self) -> Column:
        """Code of each cell, or its id where it has none, and last of no cell."""
        cells = self.locator.cells
        known = [code or f"#{i}" for i, code in zip(cells.ids.tolist(), cells.codes, strict=True)]
        return texts([*known, ""])

    @cached_property
    def cell_of_code(self) -> dict[str, int]:
        """Position of each cell of the day by its code."""
        return {code: i for i, code in enumerate(self.locator.cells.codes) if code}

    @cached_property
    def component_of_code(self) -> dict[str, int]:
        """Position of each component by its code, of those that duties name."""
        at = np.flatnonzero(self.agreed != "")
        return dict(zip(self.agreed[at].tolist(), at.tolist(), strict=True))

    def duty_places(self, duties: Sequence[Duty]) -> tuple[list[str], npt.NDArray[np.float64], Ints]:
        """Return what the places of duties are called, a point in each, and the id of its cell or -1."""
        points = np.full((len(duties), 2), np.nan)
        cells = np.full(len(duties), -1, dtype=np.int64)
        for i, duty in enumerate(duties):
            if duty.area_m2 is not None:
                points[i] = self._polygon_points.get(duty.id, (np.nan, np.nan))
            elif (cell := self.cell_of_code.get(duty.place_code)) is not None:
                points[i], cells[i] = self.cell_points[cell], self.locator.cells.ids[cell]
            elif (component := self.component_of_code.get(duty.place_code)) is not None:
                points[i] = self.sites.lng[component], self.sites.lat[component]
            else:
                points[i] = self._area_points.get(duty.place_code, (np.nan, np.nan))
        return [duty.place_code or duty.place_name for duty in duties], points, cells

    def codes_of_duty(self, duty: Duty) -> tuple[str, ...]:
        """Return the codes of the place of a duty and of the areas above it; empty where it is unknown."""
        if duty.area_m2 is not None:
            lng, lat = (np.array([n]) for n in self._polygon_points.get(duty.id, (np.nan, np.nan)))
            cell = self.locator.cells.winners(lng, lat)
            place = int(self.locator.places.of_points(cell, lng, lat)[0])
            return codes_of("", self.locator.places.all[place], self.profile)
        if (cell_at := self.cell_of_code.get(duty.place_code)) is not None:
            place = int(self.locator.places.of_cell[cell_at])
            return codes_of(duty.place_code, self.locator.places.all[place], self.profile)
        if (component := self.component_of_code.get(duty.place_code)) is not None:
            return self.locator.rulings.spots.situation(int(self.spot[component]))[0]
        return self.area_chains.get(duty.place_code, ())

    @cached_property
    def area_chains(self) -> dict[str, tuple[str, ...]]:
        """The codes of each area and of those above it, by its code."""
        chains = (codes_of("", place, self.profile) for place in self.locator.places.all)
        found = {next(filter(None, codes), ""): codes for codes in chains}
        found.pop("", None)
        return found

    def party_of(self, code: str, name: str) -> Party | None:
        """Return the party that a code and a name mean: one valid that day, else one that was or will be."""
        known = self.book.find(code, name)
        current = (party for party in known if valid(party.since, party.until, self.on))
        return next(current, known[0] if known else None)

    @cached_property
    def agreed(self) -> Column:
        """The code of each component that a duty names, empty for the others."""
        if "agreed" not in self.profile.component_steps:
            return labels(np.zeros(len(self.ids), dtype=np.int64), [""])
        named = pd.Series(self.components.codes, dtype=object).isin(list(self.locator.rulings.agreed))
        return np.where(named.to_numpy(dtype=bool), self.components.codes, "").astype(object)

    @cached_property
    def _polygons(self) -> tuple[Ints, Column]:
        """Ids and polygons of the duties that have their own."""
        own = [duty.id for duty in self.duties if duty.area_m2 is not None]
        table = self.store.columns("duties", ("fid", "geom"), {"fid": own})
        there = ~shapely.is_missing(table["geom"])
        return table["fid"][there].astype(np.int64), table["geom"][there]

    @cached_property
    def _polygon_points(self) -> dict[int, tuple[float, float]]:
        ids, shapes = self._polygons
        return dict(zip(ids.tolist(), _points(shapes), strict=True))

    @cached_property
    def _area_points(self) -> dict[str, tuple[float, float]]:
        return dict(zip(self._areas, _points(texts([*self._areas.values()])), strict=True))

    @cached_property
    def _areas(self) -> dict[str, shapely.Geometry]:
        """The shapes of the areas that have one, by their codes."""
        table = self.store.columns("areas", ("code", "geom"))
        there = ~shapely.is_missing(table["geom"])
        return dict(zip(table["code"][there].tolist(), sound(table["geom"][there]), strict=True))

    def has_ground_of(self, duty: Duty, areas: Iterable[str]) -> bool:
        """Return whether the polygon of a duty shares ground with some areas, given by their codes."""
        ids, shapes = self._polygons
        own = sound(shapes[ids == duty.id])
        known = texts([self._areas[code] for code in areas if code in self._areas])
        return bool((shapely.area(shapely.intersection(own[:, None], known)) > 0).any())

    @cached_property
    def _crossing(self) -> frozenset[tuple[int, int]]:
        """The pairs of duties, the lower id first, whose polygons cross, neither inside the other."""
        ids, shapes = self._polygons
        one, other = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
        pairs = np.column_stack([ids[one], ids[other]])
        return frozenset((a, b) for a, b in pairs.tolist() if a < b)

    def covering(self, cell: Ints) -> list[tuple[int, ...]]:
        """Return the ids of the duties whose polygons cover each of some cells as a whole."""
        ids, shapes = self._polygons
        whole = self.locator.cells.polygons[cell]
        at, polygon = shapely.STRtree(shapes).query(whole, predicate="covered_by")
        found: list[list[int]] = [[] for _ in cell]
        for i, number in zip(at.tolist(), ids[polygon].tolist(), strict=True):
            found[i].append(number)
        return [tuple(sorted(one)) for one in found]

    def label(self, klass: Klass | None) -> str:
        """Return the name of a class, or its code where it has none."""
        return "" if klass is None else klass.name or klass.code


def texts(values: Sequence[Any]) -> Column:
    """Return texts, or other objects, as an object array."""
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def labels(number: Ints, values: Sequence[str]) -> Column:
    """Return the text of each number."""
    return texts(values)[number]


def _points(shapes: Column) -> list[tuple[float, float]]:
    inside = shapely.point_on_surface(shapes)
    return list(zip(shapely.get_x(inside).tolist(), shapely.get_y(inside).tolist(), strict=True))
