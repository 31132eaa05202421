"""One point from a cold shell: whole processes, from the start of Python to its end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np

from benchmarks.city import furnished_city, mixed_points, read_cells
from benchmarks.run import Run
from benchmarks.turns import process, take_turns
from gridcity import City

__all__ = ["CLICK", "GEOPANDAS", "OWN", "measure"]

OWN = "`gridcity locate LNG LAT --format json`"
CLICK = '`python -c "import click"`'
GEOPANDAS = "geopandas: cells read by bbox, then intersects"

_OUTSIDE = "the same, outside every cell"
_CLASS = "the same, with --class 路灯"
_POINTS = 20
_READ = """\
import sys
import geopandas
from shapely import Point
path, lng, lat = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
cells = geopandas.read_file(path, layer="cells", bbox=(lng, lat, lng, lat))
print(cells.loc[cells.intersects(Point(lng, lat)), "code"].min())
"""


def measure(folder: Path, cells: int, components: int, rounds: int, seed: int = 1) -> Run:
    """Ask a city for one point at a time, in a new process each time.

    Parameters
    ----------
    folder : Path
        Where the city is kept, some 5 KiB a cell and 350 bytes a component; it exists.
    cells, components : int
        Of the city.
    rounds : int
        How often each contender takes its turn.
    seed : int, optional
        Of the city.
    """
    path = furnished_city(folder, cells, components, seed)
    lng, lat = mixed_points(read_cells(path)[1], 1000)
    with City.open(path) as city:
        placed = city.locate_many(lng, lat, columns=["basis", "cell_code"])
    inside, outside = (np.flatnonzero(placed["basis"] == basis)[:_POINTS] for basis in ("inside", "outside"))
    program, python = Path(sys.executable).with_name("gridcity"), Path(sys.executable)

    def asking(where: Any, *before: str | Path, after: tuple[str, ...] = ()) -> Callable[[], Any]:
        """Return a contender that asks for the next of some points each time."""
        turn = cycle(where.tolist())

        def ask() -> tuple[int, CompletedProcess[bytes]]:
            i = next(turn)
            return i, process([*before, repr(float(lng[i])), repr(float(lat[i])), *after])

        return ask

    rest = ("--city", str(path), "--format", "json")
    contenders = {
        OWN: asking(inside, program, "locate", after=rest),
        _OUTSIDE: asking(outside, program, "locate", after=rest),
        _CLASS: asking(inside, program, "locate", after=(*rest, "--class", "路灯")),
        "`python -c pass`": lambda: process([python, "-c", "pass"]),
        CLICK: lambda: process([python, "-c", "import click"]),
        GEOPANDAS: asking(inside, python, "-c", _READ, path),
    }
    compared = []

    def check(name: str, answer: Any) -> None:
        """Compare the cell with that of `City.locate_many`."""
        if not isinstance(answer, tuple):
            return
        i, done = answer
        said = done.stdout.decode()
        code = said.strip() if name == GEOPANDAS else json.loads(said)["cell_code"]
        assert code == placed["cell_code"][i], (name, code, placed["cell_code"][i])
        compared.append(name)

    seconds = take_turns(contenders, rounds, check)
    return Run(
        name=f"cold-{cells}-{components}",
        title=f"One point from a cold shell, {cells:,} cells and {components:,} components",
        setting=(
            "Each turn is a new process, from its start to its end; "
            "the files were read before, so that no disk is waited for.",
            f"Turn by turn another of {_POINTS} points.",
        ),
        own=OWN,
        seconds=seconds,
        facts={"contenders whose cell was compared with `locate_many`, and equal": str(len(compared))},
    )
