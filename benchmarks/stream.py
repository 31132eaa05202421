"""A stream of points through `gridcity locate -`, beside a Python process that only copies the file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.city import block_city, mixed_points, read_cells
from benchmarks.run import Run
from benchmarks.turns import peak_of_process, process, take_turns
from gridcity import City
from gridcity.model import Placement

__all__ = ["ALL", "COPY", "OWN", "measure"]

OWN = "`gridcity locate -`, four fields"
ALL = "`gridcity locate -`, all fields"
COPY = "Python's csv module: read, write"

_FIELDS = ("cell_code", "street_name", "party_name", "basis")
# Every row also says whether it was answered, and what was wrong with it.
_JUDGEMENT = ("ok", "error")
_COPY = """\
import csv
with open(0, newline="") as given, open(1, "w", newline="") as written:
    csv.writer(written).writerows(csv.reader(given))
"""
_SUBJECTS = ("路面破损", "井盖缺失", "乱停车", "垃圾满溢", "路灯不亮", "Noise, at night")
_PART = 500_000


def measure(folder: Path, cells: int, rows: int, more: int, rounds: int, seed: int = 1) -> Run:
    """Locate a CSV of complaints, and watch the memory at two lengths.

    Parameters
    ----------
    folder : Path
        For city and files, some 80 bytes a row and 400 for a row with all fields; it exists.
    cells : int
        Of the city.
    rows, more : int
        Of the CSV that is timed, and of a longer one; both are watched. 0 leaves the longer one out.
    rounds : int
        How often each contender takes its turn.
    seed : int, optional
        Of the city.
    """
    path = block_city(folder, cells, seed)
    shapes = read_cells(path)[1]
    given = _written(folder / "rows.csv", shapes, rows)
    locate = [str(Path(sys.executable).with_name("gridcity")), "locate", "-", "--city", str(path)]
    four = [*locate, "--fields", ",".join(_FIELDS)]
    commands = {OWN: four, ALL: locate, COPY: [sys.executable, "-c", _COPY]}
    answers = {name: folder / f"answer-{i}.csv" for i, name in enumerate(commands)}
    contenders = {name: lambda name=name: process(commands[name], given, answers[name]) for name in commands}
    with City.open(path) as city:
        frame = pd.read_csv(given, dtype=str, keep_default_na=False)
        points = frame["lng"].to_numpy(np.float64), frame["lat"].to_numpy(np.float64)
        placed = city.locate_many(*points, columns=_FIELDS)

    def check(name: str, _: Any) -> None:
        """Compare every row with the row that came, and its cell with that of `City.locate_many`."""
        answered = pd.read_csv(answers[name], dtype=str, keep_default_na=False)
        assert answered[list(frame)].equals(frame), name
        if name != COPY:
            names = [n for n in answered if n not in frame]
            fields = len(_FIELDS) if name == OWN else len(Placement.columns())
            assert len(names) == fields + len(_JUDGEMENT), names
            for field in _FIELDS:
                assert (answered[field].to_numpy(object) == placed[field]).all(), (name, field)

    seconds = take_turns(contenders, rounds, check)
    measured: dict[str, float] = {}
    for length in (rows, more):
        if length:
            watched = given if length == rows else _written(folder / "more.csv", shapes, length)
            measured[f"peak memory at {length:,} rows, MiB"] = round(peak_of_process(four, watched))
    (folder / "more.csv").unlink(missing_ok=True)
    for file in (given, *answers.values()):
        file.unlink()
    return Run(
        name=f"stream-{cells}-{rows}",
        title=f"A stream of {rows:,} CSV rows through {cells:,} cells",
        setting=(
            f"A CSV of {rows:,} complaints with number, time, subject, longitude and latitude,",
            "from a file to a file, each turn a new process.",
            f"The four fields are {', '.join(_FIELDS)}; all are {len(Placement.columns())}.",
            "The peer reads every row and writes it again.",
        ),
        own=OWN,
        seconds=seconds,
        facts={"rows compared with those that came and with `locate_many`, and equal": f"{rows:,}"},
        measured=measured,
    )


def _written(path: Path, shapes: Any, rows: int) -> Path:
    """Write complaints, part by part."""
    random = np.random.default_rng(3)
    for start in range(0, rows, _PART):
        n = min(_PART, rows - start)
        lng, lat = mixed_points(shapes, n, seed=start)
        minute = np.datetime64("2025-01-01T00:00") + (start + np.arange(n)).astype("timedelta64[m]")
        part = pd.DataFrame(
            {
                "id": start + np.arange(n) + 1,
                "created": minute.astype(str),
                "subject": np.array(_SUBJECTS)[random.integers(0, len(_SUBJECTS), n)],
                "lng": lng,
                "lat": lat,
            }
        )
        part.to_csv(path, mode="a" if start else "w", header=not start, index=False, float_format="%.7f")
    return path
