"""The areas of a city for many points: the place of each cell, and of points in no cell."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.locating.columns import Column
from gridcity.locating.places import NOWHERE, AreaRow, Place, place_of
from gridcity.profile import Profile
from gridcity.store.base import Reading
from gridcity.tiling.index import PolygonIndex

__all__ = ["Places"]

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int32]

_LEVELS: Final = ("community", "street", "district")


class Places:
    """The places of a city, numbered: one for each area, one for cells without an area, and nowhere.

    Parameters
    ----------
    store : Reading
        The city's store, read here.
    profile : Profile
        The city's profile.
    on : str
        ISO date on which the cells must be valid; areas have no period.

    Attributes
    ----------
    all : list of Place
        By their numbers; the last is nowhere.
    of_cell : int32 array
        Of each cell in the order of their ids, and last of no cell at all: nowhere.
    columns : dict of str to object array
        The texts of the places by the names of their fields.
    """

    def __init__(self, store: Reading, profile: Profile, on: str) -> None:
        rows = store.rows("areas", ("fid", "level", "code", "name", "parent_id"))
        areas = {row[0]: AreaRow(*row) for row in rows}
        self.all = [place_of(area_id, areas, profile) for area_id in areas]
        self.all += [place_of(None, areas, profile), NOWHERE]
        self.columns: dict[str, Column] = {
            name: np.array(texts, dtype=object)
            for name, texts in zip(Place._fields, zip(*self.all, strict=True), strict=True)
        }
        number: dict[int | None, int] = {area_id: i for i, area_id in enumerate(areas)}
        number[None] = len(areas)
        cells = store.rows("cells", ("community_id", "street_id"), on=on)
        of_cell = [number[community or street] for community, street in cells]
        self.of_cell: Numbers = np.array([*of_cell, self.nowhere], dtype=np.int32)
        self._levels = self._drawn(store, number)

    @property
    def nowhere(self) -> int:
        """The number of the place that is none."""
        return len(self.all) - 1

    def of_points(self, cell: npt.NDArray[np.integer], lng: Floats, lat: Floats) -> Numbers:
        """Return the place of each point: that of its cell, else of the finest area that covers it.

        Parameters
        ----------
        cell : int array
            Position of the cell of each point, -1 for none.
        lng, lat : float arrays
            Degrees; NaN is nowhere.
        """
        place = self.of_cell.take(cell, mode="wrap")
        away = np.flatnonzero(cell < 0)
        for level in self._levels:
            if not len(away):
                break
            found = level.places.take(level.polygons.winners(lng[away], lat[away]), mode="wrap")
            place[away] = found
            away = away[found == self.nowhere]
        return place

    def _drawn(self, store: Reading, number: dict[int | None, int]) -> list[_Level]:
        """Return the levels that have areas with a shape, the finest first."""
        areas = store.columns("areas", ("fid", "level", "code", "geom"))
        there = ~shapely.is_missing(areas["geom"])
        levels = []
        for level in _LEVELS:
            of_level = np.flatnonzero((areas["level"] == level) & there)
            if len(of_level):
                index = PolygonIndex(*(areas[name][of_level] for name in ("fid", "code", "geom")))
                places = [*(number[i] for i in index.ids.tolist()), self.nowhere]
                levels.append(_Level(index, np.array(places, dtype=np.int32)))
        return levels


class _Level(NamedTuple):
    """The areas of one level, and the numbers of their places."""

    polygons: PolygonIndex
    places: Numbers
