"""Components that the city knows, held against what arrives: ended ones, their shapes, how far they moved."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import metres_per_degree
from gridcity.importing.batch import Batch, Column, blank
from gridcity.importing.merge import stored
from gridcity.importing.placing import anchors
from gridcity.store.base import Transaction

__all__ = ["compare_places", "refuse_retired"]

# Beyond the errors of any survey: an object this far from its former place is likely another one.
_MOVED_M = 100.0


def refuse_retired(tx: Transaction, batch: Batch, ids: npt.NDArray[np.int64]) -> None:
    """Reject rows that name the code of a retired component."""
    known = np.flatnonzero(batch.going & (ids > 0))
    if len(known):
        until = blank(len(batch))
        until[known] = stored(tx, "components", ["until"], ids[known])["until"]
        ended = (until != "") & (until.astype(str) <= date.today().isoformat())
        batch.reject("code-retired", ended, field="code", values=batch.column("code"), other=until)


def compare_places(
    tx: Transaction, batch: Batch, ids: npt.NDArray[np.int64], kind: Column, names: Column
) -> None:
    """Hold the geometry of known objects against the stored one."""
    known = np.flatnonzero(batch.going & (ids > 0))
    if len(known):
        before = stored(tx, "components", ["geom", "edition", "class_code", "name"], ids[known])
        same = (before["edition"] + ":" + before["class_code"] == kind[known]) & (
            before["name"] == names[known]
        )
        _note_moves(batch, known, before["geom"])
        _keep_polygons(batch, known, before["geom"], np.asarray(same, dtype=bool), names)


def _keep_polygons(
    batch: Batch, known: npt.NDArray[np.int64], before: Column, same: npt.NDArray[np.bool_], names: Column
) -> None:
    """Keep the line or polygon of an object that arrives as a point, or had arrived as one."""
    old, new = shapely.get_dimensions(before), shapely.get_dimensions(batch.geometry[known])
    kept = same & (old > 0) & (new == 0)
    batch.geometry[known[kept]] = before[kept]
    where = np.zeros(len(batch), dtype=bool)
    where[known[kept | (same & (old == 0) & (new > 0))]] = True
    batch.note("point-and-polygon", where, field="geometry", values=names)


def _note_moves(batch: Batch, known: npt.NDArray[np.int64], before: Column) -> None:
    """Name the objects that now lie far from where they were: likely another object under their code."""
    lng, lat = anchors(before)
    to_lng, to_lat = anchors(batch.geometry[known])
    per_lng, per_lat = metres_per_degree(lat)
    moved_m = np.hypot((to_lng - lng) * per_lng, (to_lat - lat) * per_lat)
    far = moved_m > _MOVED_M
    where, values = np.zeros(len(batch), dtype=bool), blank(len(batch))
    where[known[far]] = True
    values[known[far]] = [f"{metres:.0f}" for metres in moved_m[far]]
    batch.note("component-moved", where, field="geometry", values=values)
