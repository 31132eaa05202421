"""Serial numbers for cells without a code: north to south in bands, west to east within a band.

The standards say west to east and north to south (DB11/T 2157-2023, 5.4) and give no procedure for
irregular polygons; this one is gridcity's own, written down in ``docs/decisions``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gridcity.crs import metres_per_degree

__all__ = ["reading_order"]


def reading_order(lng: Any, lat: Any, area_m2: Any) -> npt.NDArray[np.int64]:
    """Return the order in which the cells of one community are numbered.

    Parameters
    ----------
    lng, lat : float arrays
        A point inside each cell, degrees.
    area_m2 : float array
        The cells' areas; bands are as high as the side of a square of the median area.

    Returns
    -------
    int64 array
        Positions, the first to be numbered first. It depends on the cells alone, not on their order.

    Examples
    --------
    Two rows of two, 100 m apart:

    >>> reading_order([116.002, 116.0, 116.0, 116.002], [39.0, 39.001, 39.0, 39.001], [1e4] * 4).tolist()
    [1, 3, 2, 0]
    """
    lng, lat, area_m2 = (np.asarray(column, dtype=float) for column in (lng, lat, area_m2))
    if not len(lng):
        return np.empty(0, dtype=np.int64)
    _, per_lat = metres_per_degree(float(lat.max()))
    height_m = np.sqrt(np.median(area_m2))
    # Half a band is added so that a straight row of cells is not cut by rounding.
    band = np.floor((lat.max() - lat) * per_lat / height_m + 0.5)
    return np.lexsort((-lat, lng, band)).astype(np.int64)
