"""How long it takes to make the index of a city's cells, and what it holds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import mapping

from benchmarks.city import block_city, read_cells
from benchmarks.joining import NOT_INSTALLED
from benchmarks.run import Run
from benchmarks.turns import peak_of_call, take_turns
from gridcity import City
from gridcity.crs import metres_per_degree
from gridcity.tiling.index import PolygonIndex

__all__ = ["HELD", "OWN", "RASTERIZE", "measure"]

OWN = "gridcity: the picture of the cells is drawn"
RASTERIZE = "rasterio.features.rasterize, 10 m"
HELD = "held by gridcity's index, MB"

_STRTREE = "shapely: STRtree built"
_PREPARED = "the same, its polygons given as GeoJSON"
_PIXEL_M = 10.0


def measure(folder: Path, cells: int, rounds: int, seed: int = 1) -> Run:
    """Make the index from polygons in memory, beside a raster of the same cells.

    Parameters
    ----------
    folder : Path
        Where the city is kept; it exists.
    cells : int
        Of the city.
    rounds : int
        How often each contender takes its turn.
    seed : int, optional
        Of the city.
    """
    path = block_city(folder, cells, seed)
    ids, shapes = read_cells(path)
    with City.open(path) as city:
        by_id = city.store.columns("cells", ("fid", "code"))
    codes = by_id["code"][np.searchsorted(by_id["fid"].astype(np.int64), ids)]
    contenders = {
        OWN: lambda: PolygonIndex(ids, codes, shapes).pixels,
        # The tree is built by its first question.
        _STRTREE: lambda: shapely.STRtree(shapes).query(shapely.Point(0, 0)),
    }
    absent = {}
    try:
        contenders[RASTERIZE] = _rasterize(shapes, shapes)
        contenders[_PREPARED] = _rasterize(shapes, map(mapping, shapes))
    except ImportError as error:
        absent[RASTERIZE] = f"{NOT_INSTALLED} ({error})"
    arrays = PolygonIndex(ids, codes, shapes).pixels.arrays()
    return Run(
        name=f"build-{cells}",
        title=f"The index of {cells:,} cells",
        setting=(
            f"The polygons of {cells:,} cells are in memory. gridcity makes of them what answers for points, "
            "borders included;",
            "rasterio burns the number of each cell into a raster, which is wrong along every border. "
            "Of its time with shapely's polygons most goes into taking them apart.",
            "gridcity does this once, when cells are imported, and keeps it beside the city.",
        ),
        own=OWN,
        seconds=take_turns(contenders, rounds),
        absent=absent,
        measured={
            HELD: round(sum(array.nbytes for array in arrays.values()) / 1e6, 1),
            "peak memory of a process that reads the cells and makes the index, MiB": round(
                peak_of_call(_built, path)
            ),
        },
    )


def _built(path: Path) -> None:
    ids, shapes = read_cells(path)
    PolygonIndex(ids, ids, shapes).pixels.arrays()


def _rasterize(shapes: npt.NDArray[Any], given: Iterable[Any]) -> Any:
    """Return a call that burns the shapes, as they are given to it, into a raster."""
    from rasterio.features import rasterize
    from rasterio.transform import Affine

    west, south, east, north = shapely.total_bounds(shapes)
    width, height = _PIXEL_M / np.array(metres_per_degree((south + north) / 2))
    size = int((north - south) / height) + 1, int((east - west) / width) + 1
    place = Affine(width, 0, west, 0, -height, north)
    numbered = list(zip(given, range(1, len(shapes) + 1), strict=True))
    return lambda: rasterize(numbered, size, transform=place, dtype="int32")
