"""Cells that would overlap: an import refuses their file as a whole."""

from __future__ import annotations

import numpy as np
import shapely

from gridcity.crs import to_lnglat
from gridcity.errors import ReferenceSystemError
from gridcity.inspecting.model import Problem
from gridcity.inspecting.places import KnownPlaces
from gridcity.intake import Draft, Source
from gridcity.tiling.coverage import overlaps

__all__ = ["overlapping"]


def overlapping(
    source: Source, draft: Draft, known: KnownPlaces | None, *, stored: int
) -> tuple[Problem, ...]:
    """Return the problem that rows, as cells, overlap one another or the cells of the city.

    Parameters
    ----------
    source : Source
        The rows; without a reference system nothing is said.
    draft : Draft
        The same rows as cells.
    known : KnownPlaces or None
        The city's; its cells that the rows replace, by code or by the same shape, are in nobody's way.
    stored : int
        EPSG code of the city's coordinates.
    """
    system = source.system
    if system is None:
        return ()
    sound = (shapely.get_dimensions(source.geometry) == 2) & shapely.is_valid(source.geometry)
    try:
        shapes = shapely.transform(
            source.geometry[sound],
            lambda xy: np.column_stack(to_lnglat(xy[:, 0], xy[:, 1], system, stored=stored)),
        )
    except ReferenceSystemError:
        return ()
    # The same cell twice is one cell.
    _, first = np.unique(shapely.to_wkb(shapes), return_index=True)
    first.sort()
    shapes, rows = shapes[first], source.rows[sound][first]
    called = [f"row {row}" for row in rows.tolist()]
    among = np.arange(len(shapes))
    if known is not None and len(known.cells["fid"]):
        cells = known.cells
        codes = draft.columns.get("code", ())
        stays = ~np.isin(cells["code"].astype(str), [code for code in codes if code])
        stays &= ~np.isin(shapely.to_wkb(cells["geom"]), shapely.to_wkb(shapes))
        shapes = np.concatenate([shapes, cells["geom"][stays]])
        named = zip(cells["code"][stays], cells["fid"][stays], strict=True)
        called += [f"cell {code or f'with id {fid}'} of the city" for code, fid in named]
    one, other, area_m2 = overlaps(shapes, among)
    if not len(one):
        return ()
    case = f"{called[one[0]]} and {called[other[0]]} by {area_m2[0]:,.2f} m²"
    message = f"cells overlap in {len(one):,} {'place' if len(one) == 1 else 'places'}, as {case}"
    return (Problem("E_OVERLAP", None, f"{message}; only --allow-overlaps takes them"),)
