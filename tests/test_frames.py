"""GeoDataFrames in and out."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from tiny_city import array, line, point

from gridcity.errors import ArgumentError, ReferenceSystemError
from gridcity.frames import joined, points_of

SHAPES = [point(0, 0), point(1, 1), None, shapely.Point()]


def frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"n": [1, 2, 3, 4]}, geometry=array(SHAPES), crs=4490, index=list("dcba"))


def test_points_of() -> None:
    """Coordinates come in the order of rows, missing and empty points as NaN, with the reference system."""
    for given in (frame(), frame().geometry, frame().rename_geometry("shape")):
        lng, lat, wkt = points_of(given)
        assert lng[:2].tolist() == [SHAPES[0].x, SHAPES[1].x] and lat[:2].tolist() == [
            SHAPES[0].y,
            SHAPES[1].y,
        ]
        assert np.isnan([lng[2:], lat[2:]]).all()
        assert "China Geodetic Coordinate System 2000" in wkt
    assert len(points_of(frame()[:0])[0]) == 0


def test_refusals() -> None:
    """No reference system, and what is no point, are refused by name; nothing is guessed."""
    with pytest.raises(ReferenceSystemError, match="no reference system") as caught:
        points_of(gpd.GeoSeries([point(0, 0)]))
    assert "set_crs" in caught.value.hint
    lines = gpd.GeoSeries([point(0, 0), line((0, 0), (1, 1))], index=["a", "b"], crs=4490)
    with pytest.raises(ArgumentError, match="Row 'b' of the frame is a LineString, not a point"):
        points_of(lines)


def test_joined() -> None:
    """Columns are appended by position, whatever the index; the frame itself stays as it was."""
    given = frame()
    given.index = pd.Index(["x", "x", "y", "x"])
    before = given.copy()
    found = joined(given, {"a": np.array([9, 8, 7, 6]), "b": np.array(list("wxyz"), dtype=object)})
    assert found["a"].tolist() == [9, 8, 7, 6] and found["b"].tolist() == list("wxyz")
    assert list(found.columns) == ["n", "geometry", "a", "b"]
    assert found.index.equals(given.index) and found.crs == given.crs
    found.loc[:, "n"] = 0
    assert_geodataframe_equal(given, before)


def test_joined_to_a_series() -> None:
    """A GeoSeries becomes a frame with the same index and reference system."""
    found = joined(frame().geometry, {"a": np.arange(4)})
    assert isinstance(found, gpd.GeoDataFrame) and list(found.columns) == ["geometry", "a"]
    assert found.index.tolist() == list("dcba") and found.crs.to_epsg() == 4490


def test_a_column_is_never_overwritten() -> None:
    """A column that is there already is refused by its name."""
    with pytest.raises(ArgumentError, match="has a column 'n' already"):
        joined(frame(), {"a": np.arange(4), "n": np.arange(4)})
