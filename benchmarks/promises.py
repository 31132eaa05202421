"""What gridcity promises itself, and what the kept runs say about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from statistics import median

from benchmarks import build, cold, joining, locate, nearest, responsibility, stream
from benchmarks.run import Run

__all__ = ["PROMISES", "Promise", "lines"]


@dataclass(frozen=True, slots=True)
class Promise:
    """A bound on a ratio of two contenders' times, or on what was measured beside them.

    Attributes
    ----------
    figure : str
        In plain words.
    runs : str
        Names of the runs that tell, as a pattern; of several the largest does.
    bound : float
        What the figure must reach or keep.
    faster : bool
        Whether the ratio must be at least the bound; else the figure is at most the bound.
    contender, base : str
        Whose time is divided by whose.
    measured : str
        Instead of both: a name among those measured in the run.
    reason : str
        Why it is not reached, where it was seen not to be.
    """

    figure: str
    runs: str
    bound: float
    faster: bool = False
    contender: str = ""
    base: str = ""
    measured: str = ""
    reason: str = ""

    def reached(self, value: float) -> bool:
        """Return whether a value is what was promised."""
        return value >= self.bound if self.faster else value <= self.bound

    def value(self, runs: Sequence[Run]) -> float | None:
        """Return the median ratio or what was measured; None where no run tells."""
        telling = [run for run in runs if fnmatch(run.name, self.runs)]
        if not telling:
            return None
        run = max(telling, key=lambda run: [int(size) for size in re.findall("[0-9]+", run.name)])
        if self.measured:
            return run.measured.get(self.measured)
        if not (run.seconds.get(self.contender) and run.seconds.get(self.base)):
            return None
        return median(run.ratios(self.contender, self.base))

    def row(self, runs: Sequence[Run]) -> str:
        """Return the promise as a row of the table."""
        unit = self.measured.rpartition(", ")[2] or ("times faster" if self.faster else "times")
        bound = f"{self.bound:g} {unit}" if self.faster else f"at most {self.bound:g} {unit}"
        value = self.value(runs)
        if value is None:
            return f"| {self.figure} | {bound} | not measured yet |"
        said = f"{value:.3g}" if value < 1000 else f"{value:.0f}"
        return (
            f"| {self.figure} | {bound} | {said} {unit}{'' if self.reached(value) else ', **not reached**'} |"
        )


def _faster(figure: str, runs: str, peer: str, own: str, bound: float, reason: str = "") -> Promise:
    return Promise(figure, runs, bound, faster=True, contender=peer, base=own, reason=reason)


def _at_most(figure: str, runs: str, own: str, peer: str, bound: float, reason: str = "") -> Promise:
    return Promise(figure, runs, bound, contender=own, base=peer, reason=reason)


_MANY, _MORE, _COLD = "locate-100000-*", "scaling-100000-*", "cold-100000-*"
_STREAM, _ONE = "stream-100000-1000000", "nearest-one-170000"

_WHO = "responsibility-100000-*"
PROMISES = (
    _faster(
        "the cell of each point, against geopandas.sjoin",
        _MANY,
        joining.GEOPANDAS,
        locate.OWN,
        30,
        "Runs of one day gave 24 to 33 times. Of some 45 ns a point reading the picture takes 6, turning "
        "degrees into pixels 5, the slots of the points in border pixels (28 %) 17, the 2 % on borders, "
        "which are decided exactly, 8, the ids and the column 5.",
    ),
    _faster("the same, against DuckDB spatial with 2 threads", _MANY, joining.DUCKDB, locate.OWN, 20),
    _faster("the same, against SedonaDB with 2 threads", _MANY, joining.SEDONA, locate.OWN, 12),
    _at_most("the same, against a bare numpy take of the same length", _MORE, locate.OWN, locate.TAKE, 5),
    _at_most("basis, area names and party codes as well", _MORE, locate.WITH_COLUMNS, locate.OWN, 3),
    Promise(
        "who answers, of 2,000 parties with 50,000 duties, beyond the cell of each point",
        _WHO,
        3,
        measured=responsibility.ITSELF[responsibility.NAMED],
    ),
    Promise(
        "the same, with the reasons and who would be next",
        _WHO,
        3,
        measured=responsibility.ITSELF[responsibility.ANSWERED],
        reason="Runs of one day gave 2.9 to 3.2 times. Of 120 ms for a million points the place and the "
        "polygons over it take 50, the decision 7, and eight columns of texts 60: 5 to fill in each, 2 to "
        "free it.",
    ),
    _at_most(
        "who answers and the cell together, against the cell",
        _WHO,
        responsibility.NAMED,
        locate.OWN,
        3,
        "Runs of one day gave 2.9 to 3.2 times. Of 120 ms for a million points the cell takes 40, the place "
        "and the polygons over it 50, the decision 7, three columns of texts 20.",
    ),
    _at_most("twice the points", _MORE, locate.TWICE_POINTS, locate.OWN, 2.1),
    _at_most("twice the cells", _MORE, locate.TWICE_CELLS, locate.OWN, 1.2),
    _at_most(
        "making the index, against rasterio.rasterize of the same cells at 10 m",
        "build-100000",
        build.OWN,
        build.RASTERIZE,
        1.5,
    ),
    Promise("what the index of 100,000 cells holds", "build-100000", 150, measured=build.HELD),
    _at_most(
        'one point from a cold shell, against `python -c "import click"`', _COLD, cold.OWN, cold.CLICK, 1.6
    ),
    _faster(
        "the same, against geopandas reading the same file by bbox",
        _COLD,
        cold.GEOPANDAS,
        cold.OWN,
        10,
        "Three quarters of gridcity's time are Python's start and the import of click; a program that did "
        "nothing else would be some 11 times faster than geopandas here.",
    ),
    _at_most(
        "a stream of 1 million CSV rows, four fields, against Python's csv module copying them",
        _STREAM,
        stream.OWN,
        stream.COPY,
        3,
    ),
    _at_most(
        "the same, all fields",
        _STREAM,
        stream.ALL,
        stream.COPY,
        3,
        "Beyond the four fields it takes 4.2 s more: 2.1 for the distance to the border, mostly for the "
        "12 % of points that lie outside, and 2.1 for the texts of the other columns. The answer is several "
        "times as long as these rows of some 80 bytes; to rows of 130 bytes, whose copy takes longer, the "
        "ratio was 2.8 before distances became faster.",
    ),
    _faster(
        "nearest component within 50 m for 1 million points, against STRtree.query_nearest",
        "nearest-170000-1000000",
        nearest.STRTREE,
        nearest.OWN,
        5,
    ),
    _faster(
        "nearest component of one point from the store, against an rtree for each class",
        _ONE,
        nearest.RTREE,
        nearest.ONE,
        1.5,
        "Runs of one day gave 1.2 to 1.5 times. gridcity reads the component and its bodies, which is a "
        "third of its 17 to 19 µs; rtree gives a number, from 121 trees in "
        "memory.",
    ),
    _faster("the same, against one rtree and a filter", _ONE, nearest.BOX, nearest.ONE, 1.5),
    Promise(
        "memory of a process that locates 10 million points in 300,000 cells",
        "locate-memory-300000-10000000",
        2048,
        measured=locate.PEAK,
    ),
)


def lines(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the table of promises as Markdown."""
    yield from (
        "## What gridcity promises itself",
        "",
        "The measured ratios are medians of the rounds above.",
    )
    yield from ("", "| figure | must reach | measured |", "|---|---:|---:|")
    yield from (promise.row(runs) for promise in PROMISES)
    for promise in PROMISES:
        value = promise.value(runs)
        if promise.reason and value is not None and not promise.reached(value):
            yield from ("", f"Not reached: {promise.figure}. {promise.reason}")
