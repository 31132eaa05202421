"""Many points, in columns: the same answers as `gridcity.locating.single`, vectorised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gridcity.locating.places import NOWHERE, AreaRow, Place, codes_of, place_of
from gridcity.locating.wanted import Wanted
from gridcity.model import Placement
from gridcity.profile import Profile
from gridcity.proximity import Neighbours
from gridcity.responsibility import Duties, Klass, Parties, Roles, answers, read_duties, read_parties
from gridcity.store.base import Reading
from gridcity.tiling.index import BASES, PolygonIndex

__all__ = ["BulkLocator"]

_ROLES = ("maintainer", "owner", "supervisor")
# Points located together: what is held at once does not grow with the number of points.
_CHUNK = 131_072

Column = npt.NDArray[Any]


class BulkLocator:
    """A city made ready for many points, as it was on one day.

    Parameters
    ----------
    store : Reading
        The city's store; read once, here and when a class is first asked for.
    profile : Profile
        The city's profile.
    on : str
        ISO date on which cells, components, parties and duties must be valid.
    """

    def __init__(self, store: Reading, profile: Profile, on: str) -> None:
        self._store, self._profile, self._on = store, profile, on
        self._parties, self._duties = Parties(read_parties(store)), Duties(read_duties(store))
        cells = store.columns("cells", _CELL_COLUMNS, on=on)
        self._cells = PolygonIndex(cells["fid"], cells["code"], cells["geom"])
        self._cell_codes = cells["code"]
        areas = {
            row[0]: AreaRow(*row)
            for row in store.rows("areas", ("fid", "level", "code", "name", "parent_id"))
        }
        self._area_position = {area_id: i for i, area_id in enumerate(areas)}
        # Two more places stand behind the areas: a cell without an area, and nowhere at all.
        self._places = [place_of(i, areas, profile) for i in areas]
        self._places += [place_of(None, areas, profile), NOWHERE]
        self._cell_place = np.array(
            [
                self._area_position[community or street] if community or street else len(areas)
                for community, street in zip(cells["community_id"], cells["street_id"], strict=True)
            ],
            dtype=np.int64,
        )
        self._levels = self._area_indexes()
        self._components: dict[frozenset[tuple[str, str]], _Components] = {}

    def locate(
        self,
        lng: npt.NDArray[np.float64],
        lat: npt.NDArray[np.float64],
        *,
        near_m: float,
        radius_m: float,
        wanted: Sequence[Wanted],
        which: npt.NDArray[np.int64],
    ) -> dict[str, Column]:
        """Return the placements of many points as columns, named like the fields of `Placement`.

        Parameters
        ----------
        lng, lat : float arrays
            Degrees, in the stored reference system; NaN is outside.
        near_m, radius_m : float
            As for `gridcity.locating.locate_one`.
        wanted : sequence of Wanted
            The distinct classes asked for.
        which : int array
            Position in ``wanted``, one per point.
        """
        parts = [
            self._chunk(
                lng[i : i + _CHUNK], lat[i : i + _CHUNK], near_m, radius_m, wanted, which[i : i + _CHUNK]
            )
            for i in range(0, max(len(lng), 1), _CHUNK)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in Placement.columns()}

    def _chunk(
        self,
        lng: npt.NDArray[np.float64],
        lat: npt.NDArray[np.float64],
        near_m: float,
        radius_m: float,
        wanted: Sequence[Wanted],
        which: npt.NDArray[np.int64],
    ) -> dict[str, Column]:
        hits = self._cells.locate(lng, lat, near_m=near_m)
        place = self._place_of_points(lng, lat, hits.polygon)
        component, distance, sources = self._nearest(lng, lat, radius_m, wanted, which)
        labels = self._class_labels(component, sources, wanted, which)
        decided = self._decide(hits.polygon, place, component, sources, labels)
        columns: dict[str, Column] = {
            "lng": lng,
            "lat": lat,
            "basis": np.array(BASES, dtype=object)[hits.basis],
            "cell_id": _take(self._cells.ids, hits.polygon, -1),
            "cell_code": _take(self._cell_codes, hits.polygon, ""),
            "overlap": hits.overlap,
            "distance_to_border_m": hits.distance_m,
            "component_distance_m": distance,
        }
        for i, name in enumerate(Place._fields):
            columns[name] = np.array([p[i] for p in self._places], dtype=object)[place]
        columns |= {"class_code": labels.code, "class_name": labels.name} | decided
        columns["component_id"] = _take(sources.ids, component, -1)
        columns["component_code"] = _take(sources.codes, component, "")
        columns["component_name"] = _take(sources.names, component, "")
        return columns

    def _area_indexes(self) -> list[tuple[PolygonIndex, npt.NDArray[np.int64]]]:
        """Return an index for each level, the finest first, and the places of its polygons."""
        areas = self._store.columns("areas", ("fid", "level", "code", "geom"))
        there = np.array([shape is not None for shape in areas["geom"]], dtype=bool)
        indexes = []
        for level in ("community", "street", "district"):
            of_level = np.flatnonzero((areas["level"] == level) & there)
            index = PolygonIndex(areas["fid"][of_level], areas["code"][of_level], areas["geom"][of_level])
            places = np.array([self._area_position[int(i)] for i in index.ids], dtype=np.int64)
            indexes.append((index, places))
        return indexes

    def _place_of_points(
        self, lng: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], cell: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        nowhere = len(self._places) - 1
        place: npt.NDArray[np.int64] = _take(self._cell_place, cell, nowhere)
        for index, places in self._levels:
            away = np.flatnonzero((cell < 0) & (place == nowhere))
            if len(away) and len(index):
                place[away] = _take(places, index.winners(lng[away], lat[away]), nowhere)
        return place

    def _nearest(
        self,
        lng: npt.NDArray[np.float64],
        lat: npt.NDArray[np.float64],
        radius_m: float,
        wanted: Sequence[Wanted],
        which: npt.NDArray[np.int64],
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], _Components]:
        """Return position and distance of each point's component, and the components themselves."""
        asked = frozenset().union(*(item.components for item in wanted))
        if asked not in self._components:
            # Only the classes of the last question are kept: a city's components may be many.
            self._components = {asked: _Components(self._store, asked, self._on)}
        sources = self._components[asked]
        component = np.full(len(lng), -1, dtype=np.int64)
        distance = np.full(len(lng), np.nan)
        for i, item in enumerate(wanted):
            points = np.flatnonzero(which == i)
            if item.components and len(points):
                found, metres = sources.nearest(item.components, lng[points], lat[points], radius_m)
                component[points], distance[points] = found, metres
        return component, distance, sources

    def _class_labels(
        self,
        component: npt.NDArray[np.int64],
        sources: _Components,
        wanted: Sequence[Wanted],
        which: npt.NDArray[np.int64],
    ) -> _Labels:
        """Return the class of each point: that of its component, else the single one asked for."""
        classes = [*sources.classes, *(item.single for item in wanted)]
        number = np.where(component >= 0, _take(sources.klass, component, 0), len(sources.classes) + which)
        code = np.array([klass.code if klass else "" for klass in classes], dtype=object)
        names = [item.classes[0].zh if item.single else item.label for item in wanted]
        name = np.array([*(klass.name for klass in sources.classes), *names], dtype=object)
        return _Labels(classes, number, code[number], name[number])

    def _decide(
        self,
        cell: npt.NDArray[np.int64],
        place: npt.NDArray[np.int64],
        component: npt.NDArray[np.int64],
        sources: _Components,
        labels: _Labels,
    ) -> dict[str, Column]:
        """Return party and next party of each point; every distinct situation is decided once."""
        roles = _take(sources.role, component, len(sources.roles))
        situation = np.column_stack([cell, place, roles, labels.number])
        distinct, back = np.unique(situation, axis=0, return_inverse=True)
        decided = []
        for c, p, r, k in distinct.tolist():
            codes = codes_of(self._cell_codes[c] if c >= 0 else "", self._places[p], self._profile)
            first, second = answers(
                sources.roles[r] if r < len(sources.roles) else None,
                codes,
                labels.classes[k],
                parties=self._parties,
                duties=self._duties,
                steps=self._profile.steps,
                on=self._on,
            )
            decided.append((*first, *second[:2], "" if second.step == "none" else second.step))
        names = ("party_code", "party_name", "step", "next_party_code", "next_party_name", "next_step")
        table = np.array(decided, dtype=object).reshape(len(decided), len(names))
        return {name: table[:, i][back.ravel()] for i, name in enumerate(names)}


class _Labels:
    """The class of each point, by number and by text."""

    def __init__(self, classes: list[Klass | None], number: Column, code: Column, name: Column) -> None:
        self.classes, self.number, self.code, self.name = classes, number, code, name


class _Components:
    """The components of some classes, and for each set of classes asked together an index."""

    def __init__(self, store: Reading, classes: frozenset[tuple[str, str]], on: str) -> None:
        columns = ("fid", "code", "name", "edition", "class_code", "class_name", "geom")
        role_columns = tuple(f"{role}_{part}" for role in _ROLES for part in ("code", "name"))
        where = {"class_code": sorted({code for _, code in classes})}
        table = store.columns("components", (*columns, *role_columns), where, on=on)
        self.ids = table["fid"].astype(np.int64)
        self.codes, self.names, self._shapes = table["code"], table["name"], table["geom"]
        texts = (table[name] for name in ("edition", "class_code", "class_name"))
        keys = [Klass("component", *text) for text in zip(*texts, strict=True)]
        numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        self.classes: list[Klass] = list(numbers)
        self.klass = np.array([numbers[key] for key in keys], dtype=np.int64)
        bodies = list(zip(*(table[name] for name in role_columns), strict=True))
        role_numbers = {body: i for i, body in enumerate(dict.fromkeys(bodies))}
        self.roles = [Roles((b[0], b[1]), (b[2], b[3]), (b[4], b[5])) for b in role_numbers]
        self.role = np.array([role_numbers[body] for body in bodies], dtype=np.int64)
        self._indexes: dict[frozenset[tuple[str, str]], tuple[Column, Neighbours]] = {}

    def nearest(
        self,
        classes: frozenset[tuple[str, str]],
        lng: npt.NDArray[np.float64],
        lat: npt.NDArray[np.float64],
        radius_m: float,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        if classes not in self._indexes:
            numbers = [i for i, key in enumerate(self.classes) if (key.edition, key.code) in classes]
            chosen = np.flatnonzero(np.isin(self.klass, numbers))
            index = Neighbours(self.ids[chosen], self.codes[chosen], self._shapes[chosen])
            self._indexes[classes] = chosen, index
        chosen, index = self._indexes[classes]
        found, metres = index.nearest(lng, lat, radius_m)
        return _take(chosen, found, -1), metres


_CELL_COLUMNS = ("fid", "code", "community_id", "street_id", "geom")


def _take(column: Column, position: npt.NDArray[np.int64], missing: object) -> Column:
    """Return the values at some positions, another value where the position is negative."""
    if not len(column):
        return np.full(len(position), missing, dtype=column.dtype)
    taken = column[position]
    taken[position < 0] = missing
    return taken
