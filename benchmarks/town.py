"""The city that the benchmarks import into: 16 streets, communities, and irregular cells of about 0.8 ha.

Everything follows from the number of rows that are to stand in it, and a seed. The names of the streets are
those of Beijing Dongcheng; all else is invented.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import shapely

from gridcity import City
from gridcity.catalogue import area_name
from gridcity.profile import parse_profile
from sample_data.bodies import parties

__all__ = [
    "CELL_M",
    "DISTRICT",
    "EPSG",
    "ORIGIN",
    "PROFILE",
    "Town",
    "build_city",
    "community_name",
    "street_code",
    "street_names",
    "town_for",
    "write_table",
]

DISTRICT = "110101"
EPSG = 4548
CELL_M = 90.0
JITTER_M = 3.0
ORIGIN = (445_000.0, 4_415_000.0)
_STREETS = 4
_CELLS = 16
_STEPS = 3
# Dongcheng has about a hundred components in a cell.
_ROWS_PER_CELL = 100

PROFILE = parse_profile(f'[city]\nname = "样例城"\narea_code = "{DISTRICT}"\nedition = "gbt47678.5-2026"\n')

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Town:
    """A square town of 4 x 4 streets, each of ``blocks`` x ``blocks`` communities of 16 x 16 cells.

    Attributes
    ----------
    blocks : int
        Communities along one side of a street.
    seed : int
        Of the crooked borders.
    """

    blocks: int
    seed: int

    @property
    def side(self) -> int:
        """Cells along one side of the town."""
        return _STREETS * self.blocks * _CELLS

    @cached_property
    def lattice(self) -> Floats:
        """Corners and points between them along all borders, in metres; shape (n, n, 2), [row, column]."""
        n = self.side * _STEPS + 1
        at = np.arange(n) * (CELL_M / _STEPS)
        straight = np.stack(np.meshgrid(ORIGIN[0] + at, ORIGIN[1] + at), axis=-1)
        return straight + np.random.default_rng(self.seed).uniform(-JITTER_M, JITTER_M, straight.shape)

    def polygons(self, cells: int) -> Any:
        """Return squares of so many cells a side, row by row from the south-west, as shapely polygons."""
        step = cells * _STEPS
        run, still, end = np.arange(step), np.zeros(step, dtype=int), np.full(step, step)
        rows = np.concatenate([still, run, end, step - run, [0]])
        columns = np.concatenate([run, end, step - run, still, [0]])
        corner = np.arange(0, self.side * _STEPS, step)
        row, column = (a.ravel()[:, None] for a in np.meshgrid(corner, corner, indexing="ij"))
        return shapely.polygons(self.lattice[row + rows, column + columns])

    def streets(self, row: Ints, column: Ints) -> Ints:
        """Return the street of cells by their row and column: 0 to 15."""
        size = self.blocks * _CELLS
        return row // size * _STREETS + column // size

    def communities(self, row: Ints, column: Ints) -> Ints:
        """Return the community of cells within their street: 0 to blocks² - 1."""
        return row // _CELLS % self.blocks * self.blocks + column // _CELLS % self.blocks

    def cell_codes(self, row: Ints, column: Ints) -> npt.NDArray[np.bytes_]:
        """Return the codes of cells, 15 digits as bytes."""
        serial = row % _CELLS * _CELLS + column % _CELLS + 1
        number = (self.streets(row, column) + 1) * 1_000_000
        number = number + (self.communities(row, column) + 1) * 1000 + serial
        return (int(DISTRICT) * 10**9 + number).astype("S15")


def town_for(rows: int, seed: int) -> Town:
    """Return the town in which so many components stand as densely as in Dongcheng, within limits.

    It has 4,096 cells or more and 102,400 or fewer.
    """
    blocks = round((rows / _ROWS_PER_CELL) ** 0.5 / (_STREETS * _CELLS))
    return Town(min(max(blocks, 1), 5), seed)


def street_code(street: int) -> str:
    """Return the nine digits of a street counted from 0."""
    return f"{DISTRICT}{street + 1:03d}"


def street_names() -> list[str]:
    """Return the names of the 16 streets, by their number."""
    return [area_name(street_code(street)) or "" for street in range(_STREETS**2)]


def community_name(community: int) -> str:
    """Return the invented name of a community counted from 0 within its street."""
    return f"样例第{community + 1}社区"


def build_city(folder: Path, rows: int, seed: int = 1) -> Path:
    """Make ``city.gpkg`` with areas, cells and parties, and without components.

    Parameters
    ----------
    folder : Path
        Exists; the files that are imported stay there.
    rows : int
        Components that the town is to hold; see `town_for`.
    seed : int, optional
        The one given to `benchmarks.survey.write_survey`.

    Returns
    -------
    Path
        The city.
    """
    town = town_for(rows, seed)
    path = folder / "city.gpkg"
    path.unlink(missing_ok=True)
    with City.create(path, PROFILE) as city:
        size = town.blocks * _CELLS
        for level, cells in (("street", size), ("community", _CELLS)):
            city.import_areas(_written(folder / f"{level}.shp", town, cells, level), level=level)
        city.import_cells(_written(folder / "cells.shp", town, 1, "cell"))
        city.import_parties(write_table(folder / "parties.csv", list(parties([]).values())))
    return path


def _written(path: Path, town: Town, cells: int, level: str) -> Path:
    """Write the squares of one level as a shapefile with their codes and names."""
    corner = np.arange(0, town.side, cells)
    row, column = (a.ravel() for a in np.meshgrid(corner, corner, indexing="ij"))
    street, community = town.streets(row, column), town.communities(row, column)
    columns: Mapping[str, list[str]]
    if level == "cell":
        columns = {"BGID": town.cell_codes(row, column).astype(str).tolist()}
    elif level == "street":
        names = street_names()
        columns = {"code": [street_code(s) for s in street], "name": [names[s] for s in street]}
    else:
        codes = [f"{street_code(s)}{c + 1:03d}" for s, c in zip(street, community, strict=True)]
        columns = {"code": codes, "name": [community_name(c) for c in community]}
    frame = geopandas.GeoDataFrame(dict(columns), geometry=town.polygons(cells), crs=EPSG)
    frame.to_file(path, encoding="UTF-8", engine="pyogrio")
    return path


def write_table(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """Write a CSV with a header."""
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
