"""What lies where, kept true as areas, cells and components arrive in any order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.cells import cell_index
from gridcity.checking import districts
from gridcity.importing.batch import Column
from gridcity.profile import Profile
from gridcity.store.base import Reading, Transaction
from gridcity.store.wkb import Box
from gridcity.tiling.index import PolygonIndex
from gridcity.tiling.shares import cell_of

__all__ = [
    "Areas",
    "Ground",
    "anchors",
    "middles",
    "promoted",
    "replace_cells",
    "replace_components",
    "replace_parents",
]


def promoted(geometries: Column) -> Column:
    """Return polygons as multipolygons, so that a layer holds one type."""
    single = shapely.get_type_id(geometries) == 3
    if single.any():
        geometries = geometries.copy()
        # One collection a polygon: the index says which parts belong together.
        geometries[single] = shapely.multipolygons(geometries[single], indices=np.arange(single.sum()))
    return geometries


def middles(geometries: Column) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the middle of the box of each geometry, NaN where there is none."""
    bounds = shapely.bounds(geometries)
    return bounds[:, 0] / 2 + bounds[:, 2] / 2, bounds[:, 1] / 2 + bounds[:, 3] / 2


def anchors(geometries: Column) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return a point inside each polygon (or on each line): the place that decides its area."""
    xy = shapely.get_coordinates(shapely.point_on_surface(geometries))
    return xy[:, 0], xy[:, 1]


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """The areas of a city, found by place, id or code."""

    ids: npt.NDArray[np.int64]
    level: Column
    code: Column
    name: Column
    parent_id: Column
    shape: Column

    @classmethod
    def read(cls, store: Reading) -> Areas:
        """Read all areas of a store."""
        table = store.columns("areas", ("fid", "level", "code", "name", "parent_id", "geom"))
        return cls(
            table["fid"].astype(np.int64),
            table["level"],
            table["code"],
            table["name"],
            table["parent_id"],
            table["geom"],
        )

    def at(self, level: str, lng: Any, lat: Any) -> Column:
        """Return the id of the area of a level at each point, None where there is none."""
        there = np.flatnonzero((self.level == level) & ~shapely.is_missing(self.shape))
        index = PolygonIndex(self.ids[there], self.code[there], self.shape[there])
        found = np.full(len(lng), None, dtype=object)
        hit = index.winners(np.asarray(lng, dtype=float), np.asarray(lat, dtype=float))
        found[hit >= 0] = self.ids[there[hit[hit >= 0]]]
        return found

    def extent(self) -> Box | None:
        """Return the box around all areas; None while there are none."""
        there = self.shape[~shapely.is_missing(self.shape)]
        return Box(*shapely.total_bounds(there).tolist()) if len(there) else None

    def parents(self, ids: Column) -> Column:
        """Return the parent of each area, None for none."""
        parent = dict(zip(self.ids.tolist(), self.parent_id, strict=True))
        return np.array([None if i is None else parent[int(i)] for i in ids] or [], dtype=object)

    def codes(self, ids: Column) -> Column:
        """Return the code of each area, empty where there is none."""
        code = dict(zip(self.ids.tolist(), self.code, strict=True))
        return np.array(["" if i is None else code[int(i)] for i in ids] or [], dtype=object)

    def with_name(self, level: str, name: str) -> int | None:
        """Return the id of the one area of a level with a name."""
        at = (
            np.flatnonzero((self.level == level) & (self.name == name))
            if name
            else np.empty(0, dtype=np.int64)
        )
        return int(self.ids[at[0]]) if len(at) == 1 else None

    def with_code(self, code: str) -> int | None:
        """Return the id of the area with a code."""
        at = np.flatnonzero(self.code == code) if code else np.empty(0, dtype=np.int64)
        return int(self.ids[at[0]]) if len(at) else None


def replace_parents(tx: Transaction) -> None:
    """Give a street to communities that arrived before it."""
    areas = Areas.read(tx)
    orphan = (areas.level == "community") & (areas.parent_id == np.array(None))
    at = np.flatnonzero(orphan & ~shapely.is_missing(areas.shape))
    if not len(at):
        return
    placed = areas.at("street", *anchors(areas.shape[at]))
    parent = [areas.with_code(areas.code[i][:9]) or street for i, street in zip(at, placed, strict=True)]
    found = [i for i, street in enumerate(parent) if street is not None]
    if found:
        columns = {"parent_id": _plain(np.array([parent[i] for i in found], dtype=object))}
        tx.update("areas", areas.ids[at[found]].tolist(), columns)


def areas_of_cells(areas: Areas, geometries: Column) -> tuple[Column, Column]:
    """Return community and street of each cell: those at a point inside it."""
    lng, lat = anchors(geometries)
    community = areas.at("community", lng, lat)
    street = areas.parents(community)
    missing = np.flatnonzero(street == np.array(None))
    street[missing] = areas.at("street", lng[missing], lat[missing])
    return community, street


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a city knows of its ground, read once for all rows of an import.

    Attributes
    ----------
    index : PolygonIndex
        The current cells.
    district : object array
        Six digits of the district of each cell, and last those of what stands in none.
    known : frozenset of str
        The codes of the cells.
    extent : Box or None
        Around all areas and cells.
    """

    index: PolygonIndex
    district: Column
    known: frozenset[str]
    extent: Box | None

    @classmethod
    def read(cls, store: Reading, profile: Profile) -> Ground:
        """Read the ground of a store."""
        today = date.today().isoformat()
        cells = store.columns("cells", ("code", "community_id", "street_id"), on=today)
        areas = Areas.read(store)
        above = areas.codes(cells["community_id"]), areas.codes(cells["street_id"])
        district = districts(*above, cells["code"], default=profile.area_code)
        index = cell_index(store, today)
        return cls(index, np.append(district, profile.area_code), frozenset(index.codes), store.extent())

    def codes_at(self, position: npt.NDArray[np.int64]) -> Column:
        """Return the code of the cell at each position, empty for -1."""
        return np.array([*self.index.codes, ""], dtype=object)[position]

    def shapes_of(self, codes: Column) -> Column:
        """Return the cells with some codes, None where there is none."""
        shape_of = dict(zip(self.index.codes, self.index.polygons, strict=True))
        shape_of.pop("", None)
        found = np.full(len(codes), None, dtype=object)
        found[:] = [shape_of.get(code) for code in codes]
        return found


def replace_cells(tx: Transaction) -> None:
    """Bring the areas of all current cells up to date after areas have changed."""
    cells = tx.columns("cells", ("fid", "community_id", "street_id", "geom"), on=date.today().isoformat())
    if not len(cells["fid"]):
        return
    community, street = areas_of_cells(Areas.read(tx), cells["geom"])
    moved = np.flatnonzero((cells["community_id"] != community) | (cells["street_id"] != street))
    if len(moved):
        columns = {"community_id": _plain(community[moved]), "street_id": _plain(street[moved])}
        tx.update("cells", cells["fid"][moved].tolist(), columns)


def replace_components(tx: Transaction) -> None:
    """Bring the cells of all current components up to date after cells have changed."""
    today = date.today().isoformat()
    table = tx.columns("components", ("fid", "cell_id", "geom"), on=today)
    if not len(table["fid"]):
        return
    index = cell_index(tx, today)
    position, _ = cell_of(table["geom"], index)
    found = ids_at(index, position)
    moved = np.flatnonzero(table["cell_id"] != found)
    if len(moved):
        tx.update("components", table["fid"][moved].tolist(), {"cell_id": _plain(found[moved])})


def ids_at(index: PolygonIndex, position: npt.NDArray[np.int64]) -> Column:
    """Return the id of the polygon at each position, None where there is none."""
    found = np.full(len(position), None, dtype=object)
    found[position >= 0] = index.ids[position[position >= 0]]
    return found


def _plain(ids: Column) -> list[int | None]:
    """Return ids as the store takes them."""
    return [None if i is None else int(i) for i in ids]
