"""Peers that say which cells cover which points: geopandas, DuckDB spatial, SedonaDB, shapely's STRtree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import shapely

__all__ = [
    "DUCKDB",
    "GEOPANDAS",
    "GEOPANDAS_CELLS",
    "NOT_INSTALLED",
    "SEDONA",
    "STRTREE",
    "Joiner",
    "joiners",
    "lowest",
]

_THREADS = 2
NOT_INSTALLED = "not installed"
GEOPANDAS = "geopandas.sjoin"
GEOPANDAS_CELLS = "geopandas.sjoin, cells on the left"
STRTREE = "shapely STRtree.query"
DUCKDB = f"DuckDB spatial, {_THREADS} threads"
SEDONA = f"SedonaDB, {_THREADS} threads"

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Joiner:
    """A peer that has read the cells and the points, and made what index it keeps.

    Attributes
    ----------
    ask : callable
        Join them; what comes back is the peer's own.
    pairs : callable
        Turn that into positions of points and of cells that cover them, borders included.
    """

    ask: Callable[[], Any]
    pairs: Callable[[Any], tuple[Ints, Ints]]


def joiners(shapes: npt.NDArray[Any], lng: Floats, lat: Floats) -> tuple[dict[str, Joiner], dict[str, str]]:
    """Return the peers that are installed, by name, and why the others are not among them.

    Parameters
    ----------
    shapes : array of shapely polygons
        The cells.
    lng, lat : float arrays
        The points, in the same reference system.
    """
    found: dict[str, Joiner] = {}
    absent: dict[str, str] = {}
    for name, make in (
        (GEOPANDAS, _geopandas),
        (GEOPANDAS_CELLS, _geopandas_cells),
        (STRTREE, _strtree),
        (DUCKDB, _duckdb),
        (SEDONA, _sedona),
    ):
        try:
            found[name] = make(shapes, lng, lat)
        except ImportError as error:
            absent[name] = f"{NOT_INSTALLED} ({error})"
    return found, absent


def lowest(pairs: tuple[Ints, Ints], points: int) -> Ints:
    """Return of each point the lowest cell that covers it, -1 for none: gridcity's edge rule."""
    point, cell = pairs
    first = np.full(points, np.iinfo(np.int64).max)
    np.minimum.at(first, point, cell)
    return np.where(first == np.iinfo(np.int64).max, -1, first)


def _geopandas(shapes: npt.NDArray[Any], lng: Floats, lat: Floats) -> Joiner:
    points, cells = _frames(shapes, lng, lat)
    return Joiner(
        lambda: geopandas.sjoin(points, cells, predicate="intersects"),
        lambda joined: (joined.index.to_numpy(np.int64), joined["index_right"].to_numpy(np.int64)),
    )


def _geopandas_cells(shapes: npt.NDArray[Any], lng: Floats, lat: Floats) -> Joiner:
    # GEOS prepares what stands on the left: faster for cells, with an index of the points kept beside them.
    points, cells = _frames(shapes, lng, lat)
    return Joiner(
        lambda: geopandas.sjoin(cells, points, predicate="intersects"),
        lambda joined: (joined["index_right"].to_numpy(np.int64), joined.index.to_numpy(np.int64)),
    )


def _frames(shapes: npt.NDArray[Any], lng: Floats, lat: Floats) -> list[geopandas.GeoDataFrame]:
    """Return the points and the cells."""
    return [
        geopandas.GeoDataFrame(geometry=column, crs=4490)
        for column in (geopandas.points_from_xy(lng, lat), shapes)
    ]


def _strtree(shapes: npt.NDArray[Any], lng: Floats, lat: Floats) -> Joiner:
    tree = shapely.STRtree(shapes)
    points = shapely.points(lng, lat)
    return Joiner(
        lambda: tree.query(points, predicate="intersects"),
        lambda found: (found[0].astype(np.int64), found[1].astype(np.int64)),
    )


def _duckdb(shapes: npt.NDArray[Any], lng: Floats, lat: Floats) -> Joiner:
    import duckdb

    connection = duckdb.connect(config={"threads": _THREADS})
    try:
        # A package of Python brings the extension along; DuckDB itself would fetch it.
        if package := find_spec("duckdb_extension_spatial"):
            assert package.origin
            file = Path(package.origin).parent / f"extensions/v{duckdb.__version__}/spatial.duckdb_extension"
            connection.load_extension(str(file))
        else:
            connection.install_extension("spatial")
            connection.load_extension("spatial")
    except duckdb.Error as error:
        raise ImportError("DuckDB has no spatial extension here") from error
    coordinates = {"i": np.arange(len(lng)), "lng": lng, "lat": lat}
    connection.register("coordinates", coordinates)
    connection.execute("CREATE TABLE points AS SELECT i, ST_Point(lng, lat) AS geom FROM coordinates")
    wkb = {"c": np.arange(len(shapes)), "wkb": shapely.to_wkb(shapes)}
    connection.register("wkb", wkb)
    connection.execute("CREATE TABLE cells AS SELECT c, ST_GeomFromWKB(wkb) AS geom FROM wkb")
    query = "SELECT i, c FROM points JOIN cells ON ST_Intersects(cells.geom, points.geom)"
    return Joiner(
        lambda: connection.execute(query).fetchnumpy(),
        lambda found: (np.asarray(found["i"], dtype=np.int64), np.asarray(found["c"], dtype=np.int64)),
    )


def _sedona(shapes: npt.NDArray[Any], lng: Floats, lat: Floats) -> Joiner:
    import nanoarrow
    import sedonadb

    def table(view: str, select: str, columns: dict[str, tuple[Any, Any]]) -> None:
        kept = nanoarrow.c_array_from_buffers(
            nanoarrow.struct({name: kind for name, (kind, _) in columns.items()}),
            len(next(iter(columns.values()))[1]),
            buffers=[None],
            children=[nanoarrow.c_array(values, kind) for kind, values in columns.values()],
        )
        engine.create_data_frame(nanoarrow.ArrayStream(kept)).to_view(f"{view}_read")
        engine.sql(f"SELECT {select} AS geom FROM {view}_read").to_memtable().to_view(view)  # noqa: S608

    engine = sedonadb.connect()
    engine.sql(f"SET datafusion.execution.target_partitions = {_THREADS}").execute()
    number, real = nanoarrow.int64(), nanoarrow.float64()
    table(
        "points",
        "i, ST_Point(lng, lat)",
        {"i": (number, np.arange(len(lng))), "lng": (real, lng), "lat": (real, lat)},
    )
    table(
        "cells",
        "c, ST_GeomFromWKB(wkb)",
        {
            "c": (number, np.arange(len(shapes))),
            "wkb": (nanoarrow.binary(), shapely.to_wkb(shapes).tolist()),
        },
    )
    query = "SELECT i, c FROM points JOIN cells ON ST_Intersects(cells.geom, points.geom)"

    def pairs(found: Any) -> tuple[Ints, Ints]:
        point, cell = (np.asarray(column.to_pysequence()) for column in found.iter_children())
        return point, cell

    return Joiner(lambda: nanoarrow.ArrayStream(engine.sql(query)).read_all(), pairs)
