"""The polygons that duties have of their own, a park, a road, a market, and which of them cover points."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import metres_per_degree
from gridcity.distance import Edges
from gridcity.store.base import Reading
from gridcity.store.wkb import decode_many, wkb
from gridcity.tiling.index import PolygonIndex

__all__ = ["Zones"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]

# Distances are compared after rounding to centimetres.
_SLACK_M: Final = 0.01
# Degrees: more than a union may move a border by.
_SLACK: Final = 1e-7


class Layer(NamedTuple):
    """Polygons that do not even touch: a point lies in one of them at most."""

    drawn: PolygonIndex
    polygons: Ints


class Zones:
    """The distinct polygons of duties, and the sets of them that cover points, numbered as they come.

    Set 0 is the empty one, then come those of one polygon. Polygons drawn alike count once, with all their
    duties.

    Parameters
    ----------
    store : Reading
        The city's store, read here.
    ids : sequence of int
        Ids of the duties that have a polygon of their own.
    """

    def __init__(self, store: Reading, ids: Sequence[int]) -> None:
        alike: dict[bytes, tuple[bytes, list[int]]] = {}
        for fid, blob in store.rows("duties", ("fid", "geom"), {"fid": list(ids)}) if ids else ():
            if blob is not None:
                alike.setdefault(wkb(blob), (blob, []))[1].append(fid)
        self.duties = [tuple(fids) for _, fids in alike.values()]
        """The ids of the duties of each polygon."""
        self._shapes = decode_many([blob for blob, _ in alike.values()])
        self.layers = [
            Layer(PolygonIndex(polygons, [""] * len(polygons), self._shapes[polygons], finely=True), polygons)
            for polygons in _apart(self._shapes)
        ]
        self._sets = [frozenset[int](), *(frozenset((i,)) for i in range(len(self.duties)))]
        self._numbers = {members: i for i, members in enumerate(self._sets)}
        self._edges = Edges(self._shapes)
        self._tree = shapely.STRtree(self._shapes)

    def __len__(self) -> int:
        return len(self.duties)

    def of_set(self, number: int) -> tuple[int, ...]:
        """Return the polygons of a set, in their order."""
        return tuple(sorted(self._sets[number]))

    def covering(self, lng: Floats, lat: Floats, near: Sequence[Ints] | None = None) -> Numbers:
        """Return the number of the set of polygons that cover each point, with their borders.

        Parameters
        ----------
        lng, lat : float arrays
            Degrees; NaN is nowhere.
        near : sequence of int array, optional
            The points that polygons of each of the `layers` may cover; all of them when not given.
        """
        found = np.zeros(len(lng), dtype=np.int32)
        for i, layer in enumerate(self.layers):
            x, y = (lng, lat) if near is None else (lng[near[i]], lat[near[i]])
            winner = layer.drawn.winners(x, y)
            there = np.flatnonzero(winner >= 0)
            if len(there):
                at = there if near is None else near[i][there]
                found[at] = self.toggled(found[at], layer.polygons[winner[there]])
        return found

    def roughly(self, lng: Floats, lat: Floats) -> npt.NDArray[np.bool_]:
        """Return which points may be covered by a polygon: those in the boxes around them."""
        return self._boxes.winners(lng, lat) >= 0

    @cached_property
    def _boxes(self) -> PolygonIndex:
        west, south, east, north = shapely.bounds(self._shapes).T
        boxes = shapely.box(west - _SLACK, south - _SLACK, east + _SLACK, north + _SLACK)
        return PolygonIndex([0], [""], np.array([shapely.union_all(boxes)]))

    def toggled(self, number: Numbers, polygon: Ints) -> Numbers:
        """Return the sets with a polygon more where it is none of theirs, and without it where it is."""
        # The sets of one polygon are numbered from 1, as most are.
        changed: Numbers = polygon.astype(np.int32) + 1
        more = np.flatnonzero(number)
        if len(more):
            key = number[more].astype(np.int64) * len(self) + polygon[more]
            distinct, back = np.unique(key, return_inverse=True)
            found = [
                self._number(self._sets[one] ^ {i})
                for one, i in zip(*np.divmod(distinct, len(self)), strict=True)
            ]
            changed[more] = np.array(found, dtype=np.int32)[back]
        return changed

    def _number(self, members: frozenset[int]) -> int:
        if members not in self._numbers:
            self._numbers[members] = len(self._sets)
            self._sets.append(members)
        return self._numbers[members]

    def bordering(self, lng: Floats, lat: Floats, reach_m: float) -> tuple[Ints, Ints, Floats]:
        """Return the pairs of a point and a polygon whose border is within reach, and how far it is.

        Parameters
        ----------
        lng, lat : float arrays
            Degrees; finite.
        reach_m : float
            Metres, compared with distances rounded to centimetres.
        """
        per_lng, per_lat = metres_per_degree(lat)
        x, y = (reach_m + _SLACK_M) / per_lng, (reach_m + _SLACK_M) / per_lat
        point, polygon = self._tree.query(shapely.box(lng - x, lat - y, lng + x, lat + y))
        distance = self._edges.distance_m(lng[point], lat[point], polygon)
        close = np.flatnonzero(distance <= reach_m)
        return point[close], polygon[close], distance[close]

    def meeting(self, boxes: Floats, reach_m: float) -> list[npt.NDArray[np.bool_]]:
        """Return which boxes a polygon of each of the `layers` comes within reach of.

        Parameters
        ----------
        boxes : float array of shape (n, 4)
            West, south, east, north in degrees; NaN is nowhere.
        reach_m : float
            Metres; 0 for those that a polygon meets.
        """
        per_lng, per_lat = metres_per_degree(np.nan_to_num(boxes[:, [1, 3]]))
        x, y = ((reach_m + _SLACK_M) / per.min() for per in (per_lng, per_lat))
        west, south, east, north = boxes.T
        tree = shapely.STRtree(shapely.box(west - x, south - y, east + x, north + y))
        polygon, box = tree.query(self._shapes, predicate="intersects")
        found = []
        for layer in self.layers:
            met = np.zeros(len(boxes), dtype=bool)
            met[box[np.isin(polygon, layer.polygons)]] = True
            found.append(met)
        return found


def _apart(shapes: npt.NDArray[np.object_]) -> list[Ints]:
    """Return polygons in groups of which no two members meet; those that are empty are in none."""
    met: dict[int, set[int]] = {i: set() for i in np.flatnonzero(~shapely.is_empty(shapes)).tolist()}
    for one, other in shapely.STRtree(shapes).query(shapes, predicate="intersects").T.tolist():
        met[one].add(other)
    groups: list[list[int]] = []
    group_of: dict[int, int] = {}
    for polygon, others in met.items():
        taken = {group_of[other] for other in others if other in group_of}
        free = next(i for i in range(len(groups) + 1) if i not in taken)
        if free == len(groups):
            groups.append([])
        groups[free].append(polygon)
        group_of[polygon] = free
    return [np.array(group, dtype=np.int64) for group in groups]
