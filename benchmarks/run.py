"""What one benchmark found, where it was measured, and how it is kept and shown."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["RESULTS", "Run", "kept", "machine", "today"]

RESULTS = Path(__file__).with_name("results")
_LIBRARIES = ("gridcity", "numpy", "pandas", "shapely", "geopandas", "pyproj", "pyogrio", "pykdtree", "rtree")
_PEERS = ("duckdb", "rasterio", "sedonadb")


@dataclass(frozen=True, slots=True)
class Run:
    """Times of contenders that took turns in one run, and what was checked.

    Attributes
    ----------
    name : str
        Of the file it is kept in; a later run of the same name replaces it.
    title : str
        What was done, as a heading.
    setting : tuple of str
        Sentences that a reader needs to judge the figures.
    own : str
        The contender that the others are compared with.
    seconds : dict of str to tuple of float
        Of each contender, ``own`` among them, the seconds of each round; empty where no time was taken.
    absent : dict of str to str
        Contenders that did not run, and why.
    measured : dict of str to float
        What else was measured; the unit stands in the name, behind a comma.
    facts : dict of str to str
        What was checked, in words.
    machine : dict of str to str
        See `machine`; this one unless said otherwise.
    on : str
        The day, ISO; today unless said otherwise.
    """

    name: str
    title: str
    setting: tuple[str, ...]
    own: str
    seconds: dict[str, tuple[float, ...]]
    absent: dict[str, str] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=lambda: machine())
    on: str = field(default_factory=lambda: today())

    def ratios(self, contender: str, base: str = "") -> list[float]:
        """Return the contender's time over that of another, else over the own, round by round."""
        both = zip(self.seconds[contender], self.seconds[base or self.own], strict=True)
        return [taken / other for taken, other in both]

    def keep(self, folder: Path | None = None) -> Path:
        """Write the run to the results, or to another folder, and return its file."""
        folder = folder or RESULTS
        folder.mkdir(exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return path

    def lines(self) -> Iterator[str]:
        """Yield the run as Markdown."""
        yield from (f"## {self.title}", "", *self.setting, "")
        yield from self._table()
        if self.measured or self.facts:
            yield from ("| also measured | |", "|---|---|")
        for name, value in self.measured.items():
            what, _, unit = name.rpartition(", ")
            yield f"| {what} | {value:,.4g} {unit} |" if value < 1000 else f"| {what} | {value:,.0f} {unit} |"
        yield from (f"| {name} | {value} |" for name, value in self.facts.items())
        where = "; ".join(f"{name} {value}" for name, value in self.machine.items())
        yield from ("", f"Measured on {self.on}: {where}.")

    def _table(self) -> Iterator[str]:
        if not self.seconds.get(self.own):
            return
        rounds = len(self.seconds[self.own])
        heads = "seconds: min | median | max | ratio: min | median | max"
        yield f"| {rounds} round{'s' * (rounds > 1)} | {heads} |"
        yield "|---|---:|---:|---:|---:|---:|---:|"
        for name, taken in self.seconds.items():
            ratios = " | |" if name == self.own else _figures(self.ratios(name))
            yield f"| {name} | {_figures(taken)} | {ratios} |"
        for name, why in self.absent.items():
            yield f"| {name} | {why} | | | | | |"
        yield ""
        if len(self.seconds) > 1:
            yield from (f"The ratio is the time over that of *{self.own}*, round by round.", "")


def kept(folder: Path = RESULTS) -> list[Run]:
    """Return the runs in a folder, by name."""
    found = []
    for path in sorted(folder.glob("*.json")):
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        values["setting"] = tuple(values["setting"])
        values["seconds"] = {name: tuple(taken) for name, taken in values["seconds"].items()}
        found.append(Run(**values))
    return found


def machine() -> dict[str, str]:
    """Return what the figures depend on: processor, memory, system, versions; of peers those installed."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": platform.system(),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in _LIBRARIES},
        **{name: version(name) for name in _PEERS if find_spec(name)},
    }


def today() -> str:
    """Return the day of a run."""
    return date.today().isoformat()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _figures(values: Sequence[float]) -> str:
    return " | ".join(_figure(pick(values)) for pick in (min, median, max))


def _figure(value: float) -> str:
    """Return a number with about three digits that count."""
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"
