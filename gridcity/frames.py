"""GeoDataFrames in and out; the only module that imports geopandas."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridcity.errors import ArgumentError, ReferenceSystemError

__all__ = ["joined", "points_of"]


def points_of(
    frame: gpd.GeoDataFrame | gpd.GeoSeries, *, named: bool = False
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], str]:
    """Return the coordinates of a frame of points and the WKT of its reference system.

    Parameters
    ----------
    frame : GeoDataFrame or GeoSeries
        Points; a missing or empty one becomes NaN.
    named : bool, optional
        The reference system is known from elsewhere; a frame without one gives an empty WKT.

    Raises
    ------
    ReferenceSystemError
        The frame has no reference system, and none is named.
    ArgumentError
        A geometry is not a point.
    """
    if frame.crs is None and not named:
        raise ReferenceSystemError(
            "The frame has no reference system.",
            hint="Set it, frame.set_crs('EPSG:4490'), or name it: crs='EPSG:4490', datum='gcj02'.",
        )
    shapes = np.array(frame.geometry, dtype=object)
    # A missing geometry is of type -1, a point of type 0.
    other = np.flatnonzero(shapely.get_type_id(shapes) > 0)
    if len(other):
        raise ArgumentError(
            f"Row {frame.index[other[0]]!r} of the frame is a {shapes[other[0]].geom_type}, not a point.",
            hint="Locate points: frame.set_geometry(frame.representative_point()).",
        )
    # GEOS raises where it is asked for the coordinates of an empty point.
    shapes[shapely.is_empty(shapes)] = None
    return shapely.get_x(shapes), shapely.get_y(shapes), "" if frame.crs is None else frame.crs.to_wkt()


def joined(frame: gpd.GeoDataFrame | gpd.GeoSeries, columns: dict[str, Any]) -> gpd.GeoDataFrame:
    """Return a copy of a frame with columns appended; index, order and reference system stay.

    Raises
    ------
    ArgumentError
        The frame has a column of one of the names already.
    """
    result = frame.copy() if isinstance(frame, gpd.GeoDataFrame) else gpd.GeoDataFrame(geometry=frame)
    taken = [name for name in columns if name in result.columns]
    if taken:
        raise ArgumentError(
            f"The frame has a column {taken[0]!r} already.", hint="Rename it, or drop an earlier answer."
        )
    for name, column in columns.items():
        result[name] = column
    return result
