"""Many points in cells, beside the programs that join points with polygons, on the same points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.city import block_city, mixed_points, read_cells
from benchmarks.joining import joiners, lowest
from benchmarks.run import Run, today
from benchmarks.turns import peak_of_call, take_turns
from gridcity import City
from gridcity.cells import cell_index

__all__ = [
    "OWN",
    "PEAK",
    "TAKE",
    "TWICE_CELLS",
    "TWICE_POINTS",
    "WITH_COLUMNS",
    "measure_memory",
    "measure_peers",
    "measure_scaling",
]

OWN = "gridcity: `locate_many`, cell only"
WITH_COLUMNS = "gridcity: with basis, area names and party codes"
TWICE_POINTS = "gridcity: twice the points"
TWICE_CELLS = "gridcity: a city of twice the cells"
TAKE = "numpy: `take` of a random element for each point"
PEAK = "peak memory of gridcity's process, MiB"

_INNER = "gridcity: `PolygonIndex.winners` alone"
# Points that are asked for one by one, too.
_ASKED = 500
_COLUMNS = ("cell_id", "basis", "community_name", "street_name", "district_name", "party_code")

Floats = npt.NDArray[np.float64]


def measure_peers(folder: Path, cells: int, points: int, rounds: int, seed: int = 1) -> Run:
    """Locate the same points with gridcity and every peer that is installed.

    Parameters
    ----------
    folder : Path
        Where the city is kept, some 2 KiB a cell; it exists.
    cells, points : int
        Of the city, and how many are located.
    rounds : int
        How often each contender takes its turn.
    seed : int, optional
        Of the city.
    """
    path = block_city(folder, cells, seed)
    ids, shapes = read_cells(path)
    lng, lat = mixed_points(shapes, points)
    peers, absent = joiners(shapes, lng, lat)
    with City.open(path) as city:
        expected = _positions(ids, _cells_of(city, lng, lat))
        facts = {"points outside every cell": f"{np.count_nonzero(expected < 0):,}"}

        def check(name: str, answer: Any) -> None:
            """Note how many points a peer places otherwise; of several cells the lowest code counts."""
            if name in peers:
                differ = np.count_nonzero(lowest(peers[name].pairs(answer), points) != expected)
                facts[f"points that {name} places otherwise"] = f"{differ:,} of {points:,}"

        contenders = {OWN: lambda: _cells_of(city, lng, lat)} | {name: p.ask for name, p in peers.items()}
        seconds = take_turns(contenders, rounds, check)
    return Run(
        name=f"locate-{cells}-{points}",
        title=f"{points:,} points in {cells:,} cells",
        setting=(
            f"The cell of each of {points:,} points in longitude and latitude, in a city of {cells:,} cells",
            "of about 0.8 ha with 4 to some 40 vertices, some with holes and enclaves, a river between them.",
            "40 % of the points lie anywhere, 58 % around hot spots, 2 % exactly on borders and vertices.",
            "Every contender has its cells, points and index ready; gridcity maps its index from disk.",
            "geopandas is asked both ways round: as is usual, and with the cells on the left.",
            "gridcity answers one cell a point. The peers answer every cell that covers it; "
            "the lowest code among these is compared.",
        ),
        own=OWN,
        seconds=seconds,
        facts=facts,
        absent=absent,
    )


def measure_scaling(folder: Path, cells: int, points: int, rounds: int, seed: int = 1) -> Run:
    """Locate more points, more cells and more columns, and read memory; parameters as for the peers."""
    path, larger = block_city(folder, cells, seed), block_city(folder, 2 * cells, seed)
    shapes = read_cells(path)[1]
    lng, lat = mixed_points(shapes, points)
    more_lng, more_lat = mixed_points(shapes, 2 * points)
    wide_lng, wide_lat = mixed_points(read_cells(larger)[1], points)
    with City.open(path) as city, City.open(larger) as second:
        with city.store.snapshot():
            index = cell_index(city.store, today())
            pixels = index.pixels
        picture = np.array(pixels.value).ravel()
        random = np.random.default_rng(0).integers(0, len(picture), points, dtype=np.intp)
        contenders = {
            OWN: lambda: _cells_of(city, lng, lat),
            TAKE: lambda: picture.take(random),
            _INNER: lambda: index.winners(lng, lat),
            WITH_COLUMNS: lambda: city.locate_many(lng, lat, columns=_COLUMNS),
            TWICE_POINTS: lambda: _cells_of(city, more_lng, more_lat),
            TWICE_CELLS: lambda: _cells_of(second, wide_lng, wide_lat),
        }
        expected = _cells_of(city, lng, lat)
        facts = {}

        def check(name: str, answer: Any) -> None:
            """Note how many points come to lie in another cell."""
            if name == WITH_COLUMNS:
                facts[f"{name}: points of which `City.locate` tells otherwise"] = _otherwise(
                    city, lng, lat, answer
                )
                answer = answer["cell_id"]
            elif name == _INNER:
                answer = np.where(answer < 0, -1, index.ids[answer])
            else:
                return
            differ = np.count_nonzero(answer != expected)
            facts[f"{name}: points placed otherwise"] = f"{differ:,} of {points:,}"

        seconds = take_turns(contenders, rounds, check)
    return Run(
        name=f"scaling-{cells}-{points}",
        title=f"More columns, points and cells than {points:,} points in {cells:,} cells",
        setting=(
            "The same city and points, gridcity alone: more columns, twice the points, twice the cells.",
            f"The columns are {', '.join(_COLUMNS)}.",
            "numpy reads one element for each point, anywhere in an array as large as gridcity's picture: "
            f"{len(picture):,} pixels.",
        ),
        own=OWN,
        seconds=seconds,
        facts=facts,
    )


def measure_memory(folder: Path, cells: int, points: int, seed: int = 1) -> Run:
    """Measure the most that a process holds which opens a city and locates so many points."""
    path = block_city(folder, cells, seed)
    lng, lat = mixed_points(read_cells(path)[1], points)
    kept = folder / "points.npy"
    np.save(kept, np.stack([lng, lat]))
    with City.open(path) as city:
        # The first question draws the index, where the import has not.
        _cells_of(city, lng, lat)
    peak = peak_of_call(_located, path, kept)
    kept.unlink()
    return Run(
        name=f"locate-memory-{cells}-{points}",
        title=f"Memory for {points:,} points in {cells:,} cells",
        setting=(
            f"A process of its own opens the city, maps its index and locates {points:,} points at once.",
            f"The points take {points * 16 / 2**20:,.0f} MiB and the answer {points * 8 / 2**20:,.0f} MiB "
            "of what it holds; mapped files count where they are read.",
        ),
        own=OWN,
        seconds={},
        measured={PEAK: round(peak)},
    )


def _cells_of(city: City, lng: Floats, lat: Floats) -> Any:
    return city.locate_many(lng, lat, columns=["cell_id"])["cell_id"]


def _otherwise(city: City, lng: Floats, lat: Floats, answer: Any) -> str:
    """Return of how many of the first points the one-point answer is another in any column."""
    asked, differ = min(len(lng), _ASKED), 0
    for i in range(asked):
        one = city.locate(float(lng[i]), float(lat[i])).as_dict()
        one["cell_id"] = -1 if one["cell_id"] is None else one["cell_id"]
        differ += any(one[column] != answer[column][i] for column in _COLUMNS)
    return f"{differ:,} of {asked:,}"


def _located(city_path: Path, points_path: Path) -> None:
    lng, lat = np.load(points_path)
    with City.open(city_path) as city:
        _cells_of(city, lng, lat)


def _positions(ids: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where ids stand among those of the cells, -1 for none."""
    where = np.full(ids.max() + 2, -1)
    where[ids] = np.arange(len(ids))
    return where[found]
