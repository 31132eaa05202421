"""The spots of a city: places that differ in the duties that may count there, numbered."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import numpy.typing as npt

from gridcity.locating.areas import Places
from gridcity.locating.places import codes_of
from gridcity.locating.sites import Sites
from gridcity.locating.zones import Zones
from gridcity.profile import Profile
from gridcity.tiling.index import PolygonIndex

__all__ = ["Spots"]

Ints = npt.NDArray[np.integer]
Numbers = npt.NDArray[np.int32]

# Ours: with fewer points it does not pay to look which cells the polygons of duties come near.
_POINTS_PER_CELL: Final = 0.2
_NONE: Final = np.empty(0, dtype=np.int64)


class Spots:
    """The spots of a city.

    First come the places of `Places`; then each cell that a duty names; then, as they are met, the parts of
    these that one and the same set of duties' own polygons covers.

    Parameters
    ----------
    places : Places
        The places of the cells.
    cells : PolygonIndex
        The cells.
    profile : Profile
        The city's profile.
    named : collection of str
        The codes that duties name.
    zones : Zones
        The polygons of duties.

    Attributes
    ----------
    parent : int32 array
        Of each spot that is no part of another the place it belongs to: of a place itself.
    own : dict of str to int
        The spots of the cells that duties name, by the codes of the cells.
    """

    def __init__(
        self, places: Places, cells: PolygonIndex, profile: Profile, named: Collection[str], zones: Zones
    ) -> None:
        self._places, self._cells, self._zones = places, cells, zones
        own = [i for i, code in enumerate(cells.codes) if code in named]
        n = len(places.all)
        self._codes = [codes_of("", place, profile) for place in places.all]
        self._codes += [codes_of(cells.codes[i], places.all[places.of_cell[i]], profile) for i in own]
        self._of_cell: Numbers = places.of_cell.copy()
        self._of_cell[own] = np.arange(n, n + len(own))
        self.parent: Numbers = np.concatenate([np.arange(n, dtype=np.int32), places.of_cell[own]])
        self.own = {cells.codes[i]: n + j for j, i in enumerate(own)}
        # Of each spot the one it is a part of, and the set of polygons that covers it.
        self._base: Numbers = np.arange(len(self._codes), dtype=np.int32)
        self._set: Numbers = np.zeros(len(self._codes), dtype=np.int32)
        self._parts: dict[int, int] = {}
        self._asked = 0
        self._met: dict[float, list[npt.NDArray[np.bool_]]] = {}

    def __len__(self) -> int:
        return len(self._base)

    def situation(self, spot: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Return the codes of the places of a spot, and the ids of the duties whose polygons cover it."""
        polygons = self._zones.of_set(int(self._set[spot]))
        ids = sorted(fid for polygon in polygons for fid in self._zones.duties[polygon])
        return self._codes[self._base[spot]], tuple(ids)

    def of(self, sites: Sites, *, held: bool) -> Numbers:
        """Return the spot of each site.

        Parameters
        ----------
        sites : Sites
            What is asked about.
        held : bool
            Whether each lies within its cell, where it has one.
        """
        spot: Numbers = self._of_cell.take(sites.cell, mode="wrap")
        away = np.flatnonzero(sites.cell < 0)
        if len(away):
            spot[away] = self._places.of_points(sites.cell[away], sites.lng[away], sites.lat[away])
        if len(self._zones):
            near = self._near_zones(sites, 0.0, held=held)
            covering = self._zones.covering(sites.lng, sites.lat, near)
            inside = np.flatnonzero(covering)
            spot[inside] = self._within(spot[inside], covering[inside])
        return spot

    def bordering(
        self, sites: Sites, reach_m: float, *, held: bool
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return pairs of a site and a polygon of duties whose border is within reach, and how far it is.

        Parameters
        ----------
        sites : Sites
            Finite.
        reach_m : float
            Metres.
        held : bool
            As for `of`.
        """
        if not len(self._zones):
            return _NONE, _NONE, np.empty(0)
        near = self._near_zones(sites, reach_m, held=held)
        at = np.arange(len(sites.cell)) if near is None else np.unique(np.concatenate([_NONE, *near]))
        site, polygon, distance = self._zones.bordering(sites.lng[at], sites.lat[at], reach_m)
        return at[site], polygon, distance

    def _near_zones(self, sites: Sites, reach_m: float, *, held: bool) -> list[npt.NDArray[np.int64]] | None:
        """Return the sites that polygons of each layer may be within reach of; None for all of them."""
        self._asked += len(sites.cell)
        if not (held and len(self._cells)) or self._asked < _POINTS_PER_CELL * len(self._cells):
            return None
        if reach_m not in self._met:
            met = self._zones.meeting(self._cells.edges.boxes, reach_m)
            # The last stands for no cell.
            self._met[reach_m] = [np.append(np.any(met, axis=0), False), *met]
        # What is in no cell may be anywhere.
        away = np.flatnonzero(sites.cell < 0)
        away = away[self._zones.roughly(sites.lng[away], sites.lat[away])]
        anywhere, *layers = self._met[reach_m]
        there = np.flatnonzero(anywhere.take(sites.cell, mode="wrap"))
        cell = sites.cell[there]
        return [np.concatenate([there[met.take(cell)], away]) for met in layers]

    def moved(self, spot: Numbers, cell: Ints) -> Numbers:
        """Return spots as they were in other cells, covered by the same polygons."""
        return self._within(self._of_cell.take(cell), self._set.take(spot))

    def toggled(self, spot: Numbers, polygon: npt.NDArray[np.int64]) -> Numbers:
        """Return spots as they were on the other side of a polygon's border."""
        return self._within(self._base.take(spot), self._zones.toggled(self._set.take(spot), polygon))

    def _within(self, base: Numbers, covering: Numbers) -> Numbers:
        """Return the spots that are the part of others which a set of polygons covers."""
        n = len(self._codes)
        distinct, back = np.unique(covering.astype(np.int64) * n + base, return_inverse=True)
        found = []
        new: list[tuple[int, int]] = []
        for key in distinct.tolist():
            if key < n:
                # The empty set.
                found.append(key)
                continue
            if key not in self._parts:
                self._parts[key] = len(self) + len(new)
                new.append(divmod(key, n))
            found.append(self._parts[key])
        if new:
            sets, bases = np.array(new, dtype=np.int32).T
            self._base, self._set = np.append(self._base, bases), np.append(self._set, sets)
        return np.array(found, dtype=np.int32)[back]
