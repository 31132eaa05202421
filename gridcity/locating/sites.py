"""Where what is asked about stands: the cell and the very place of points and of components."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gridcity.locating.components import Components
from gridcity.tiling.index import PolygonIndex

__all__ = ["Sites", "component_sites"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]


class Sites(NamedTuple):
    """Where points or components stand, one after the other.

    Attributes
    ----------
    cell : int array
        Position of the cell, -1 for none.
    lng, lat : float arrays
        Degrees; NaN is nowhere.
    """

    cell: Ints
    lng: Floats
    lat: Floats

    def at(self, number: Ints) -> Sites:
        """Return some of them."""
        return Sites(self.cell[number], self.lng[number], self.lat[number])


def component_sites(components: Components, cells: PolygonIndex) -> Sites:
    """Return where each component stands: in its own cell where it is valid, else where it begins.

    Parameters
    ----------
    components : Components
        Their place is that of a point, or the first vertex of a line or polygon.
    cells : PolygonIndex
        The cells that are valid that day, in the order of their ids.
    """
    at = np.searchsorted(cells.ids, components.cell_id)
    # No cell has the id -1 or -2.
    cell = np.where(np.append(cells.ids, -2).take(at) == components.cell_id, at, -1)
    astray = np.flatnonzero(cell < 0)
    lng, lat = components.place
    cell[astray] = cells.winners(lng[astray], lat[astray])
    return Sites(cell, lng, lat)
