"""A survey of point components with the 18 attributes of GB/T 47678.5-2026, as large as wanted.

    python -m benchmarks.survey FOLDER [ROWS]

Text is GBK without a .cpg. Classes are mixed; two thirds of the rows bring their code, one third is new and
gets one. Most points stand along the cells' borders, some on them, one in five hundred outside every cell.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

from benchmarks.points import Part, write_points
from benchmarks.town import (
    CELL_M,
    DISTRICT,
    EPSG,
    ORIGIN,
    Town,
    build_city,
    community_name,
    street_names,
    town_for,
)
from gridcity.catalogue import catalogue
from sample_data.bodies import NAMED, parties

__all__ = ["FIELDS", "write_survey"]

FIELDS = {
    "GLBJBSM": ("C", 17),
    "GLBJMC": ("C", 30),
    "ZGBMDM": ("C", 18),
    "ZGBMMC": ("C", 40),
    "QSDWDM": ("C", 18),
    "QSDWMC": ("C", 40),
    "YHDWDM": ("C", 18),
    "YHDWMC": ("C", 40),
    "SZDYWGBSM": ("C", 15),
    "GLBJZT": ("C", 10),
    "CSRQ": ("D", 8),
    "BGRQ": ("D", 8),
    "SJLY": ("C", 20),
    "BZ": ("C", 40),
    "SZJDDM": ("C", 9),
    "SZJDMC": ("C", 20),
    "SZSQDM": ("C", 12),
    "SZSQMC": ("C", 20),
}
"""Types and widths. Names and notes are narrower than the standard allows (100 and 1,000 characters), as in
deliveries, so that the table of ten million rows stays below the 4 GiB that other readers stop at."""

_PART = 200_000
_KERB_M = (6.0, 12.0)
_FIRST_DAYS = np.arange("2019-03-01", "2024-09-01", dtype="datetime64[D]")
_STATES = ("完好", "破损", "丢失", "废弃", "移除")
_STATE_SHARES = (0.93, 0.04, 0.01, 0.01, 0.01)
_SOURCES = ("实测", "地形图", "其他")
_NOTES = ("", "权属待确认", "井盖轻微破损", "位于人行道", "现场无法打开", "已通知权属单位")
_NOTE_SHARES = (0.75, 0.05, 0.05, 0.05, 0.05, 0.05)

Texts = npt.NDArray[np.bytes_]


def write_survey(folder: Path, rows: int, seed: int = 1) -> Path:
    """Write ``survey.shp`` in EPSG:4548, in parts of 200,000 rows.

    Parameters
    ----------
    folder : Path
        Exists.
    rows : int
        Up to ten million; the city has one serial of six digits per class.
    seed : int, optional
        The same seed gives the same bytes, and the town of `benchmarks.town.build_city`.

    Returns
    -------
    Path
        The ``.shp``.
    """
    path = folder / "survey.shp"
    wkt = pyproj.CRS.from_epsg(EPSG).to_wkt("WKT1_ESRI")
    write_points(path, FIELDS, _parts(town_for(rows, seed), rows, np.random.default_rng(seed)), wkt)
    return path


def _parts(town: Town, rows: int, rng: np.random.Generator) -> Iterator[Part]:
    taken: dict[int, int] = {}
    for start in range(0, rows, _PART):
        n = min(_PART, rows - start)
        row, column = rng.integers(0, town.side, (2, n))
        x, y, sure = _places(row, column, rng)
        outside = rng.random(n) < 0.002
        x[outside] = town.lattice[..., 0].min() - rng.uniform(10, 200, outside.sum())
        columns = _where(town, row, column, sure & ~outside) | _what(rng, n, taken) | _when(rng, n)
        yield np.round(x, 3), np.round(y, 3), columns


def _places(
    row: npt.NDArray[np.int64], column: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return points along the kerbs and within the cells, and whether the cell is certain.

    Borders are crooked by three metres, so what stands farther than that from the straight one is inside.
    """
    n = len(row)
    inner = rng.uniform(_KERB_M[0], CELL_M - _KERB_M[0], (2, n))
    kerb = rng.uniform(*_KERB_M, n)
    kerb = np.where(rng.random(n) < 0.5, kerb, CELL_M - kerb)
    kind = rng.random(n)
    inner[0] = np.where(kind < 0.35, kerb, inner[0])
    inner[1] = np.where((kind >= 0.35) & (kind < 0.7), kerb, inner[1])
    near_border = kind > 0.98
    inner[:, near_border] = rng.uniform(-_KERB_M[0], _KERB_M[0], (2, near_border.sum()))
    west, south = ORIGIN
    return west + column * CELL_M + inner[0], south + row * CELL_M + inner[1], ~near_border


def _where(
    town: Town, row: npt.NDArray[np.int64], column: npt.NDArray[np.int64], sure: npt.NDArray[np.bool_]
) -> dict[str, Texts]:
    """Return the columns of cell, street and community; no cell is named where it is not certain."""
    cell = town.cell_codes(row, column)
    named = _gbk([community_name(c) for c in range(town.blocks**2)])
    return {
        "SZDYWGBSM": np.where(sure, cell, b""),
        "SZJDDM": cell.astype("S9"),
        "SZJDMC": _gbk(street_names())[town.streets(row, column)],
        "SZSQDM": cell.astype("S12"),
        "SZSQMC": named[town.communities(row, column)],
    }


def _what(rng: np.random.Generator, n: int, taken: dict[int, int]) -> dict[str, Texts]:
    """Return the columns of code, class and bodies; ``taken`` counts the serials given per class."""
    classes = [
        found
        for name in NAMED
        for found in catalogue("gbt47678.5-2026").named(name, "component")
        if found.geometry == "point"
    ]
    which = rng.integers(0, len(classes), n)
    bodies = parties([])
    columns = {"GLBJMC": _gbk([found.zh for found in classes])[which]}
    for role, fields in enumerate((("ZGBMDM", "ZGBMMC"), ("QSDWDM", "QSDWMC"), ("YHDWDM", "YHDWMC"))):
        of_class = [bodies.get(NAMED[found.zh][role], {"code": "", "name": ""}) for found in classes]
        for field, name in zip(fields, ("code", "name"), strict=True):
            columns[field] = _gbk([body[name] for body in of_class])[which]
    code = np.zeros(n, dtype=f"S{FIELDS['GLBJBSM'][1]}")
    coded = rng.random(n) < 2 / 3
    for number, found in enumerate(classes):
        at = np.flatnonzero(coded & (which == number))
        first = taken.get(number, 0) + 1
        taken[number] = first + len(at) - 1
        code[at] = (int(DISTRICT + found.code) * 10**6 + first + np.arange(len(at))).astype("S17")
    return columns | {"GLBJBSM": code}


def _when(rng: np.random.Generator, n: int) -> dict[str, Texts]:
    """Return the columns of state, dates, source and note."""
    first = rng.choice(_FIRST_DAYS, n)
    changed = first + rng.integers(1, 600, n).astype("timedelta64[D]")
    return {
        "GLBJZT": rng.choice(_gbk(_STATES), n, p=_STATE_SHARES),
        "CSRQ": _day(first),
        "BGRQ": np.where(rng.random(n) < 0.3, _day(changed), b""),
        "SJLY": rng.choice(_gbk(_SOURCES), n),
        "BZ": rng.choice(_gbk(_NOTES), n, p=_NOTE_SHARES),
    }


def _day(days: npt.NDArray[Any]) -> Texts:
    """Return days as YYYYMMDD."""
    every = np.arange("2019-01-01", "2027-01-01", dtype="datetime64[D]")
    texts = _gbk([str(day).replace("-", "") for day in every])
    chosen: Texts = texts[(days - every[0]).astype(int)]
    return chosen


def _gbk(texts: list[str] | tuple[str, ...]) -> Texts:
    return np.array([text.encode("gbk") for text in texts])


if __name__ == "__main__":
    where, size = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    where.mkdir(parents=True, exist_ok=True)
    print(write_survey(where, size))
    print(build_city(where, size))
