"""What one benchmark found, where it was measured, and how it is kept and shown."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["RESULTS", "Run", "kept", "machine", "today"]

RESULTS = Path(__file__).with_name("results")
_LIBRARIES = ("gridcity", "numpy", "pandas", "shapely", "pyproj", "pyogrio")


@dataclass(frozen=True, slots=True)
class Run:
    """Times of two contenders that took turns in one run, and what was checked.

    Attributes
    ----------
    name : str
        Of the file it is kept in; a later run of the same name replaces it.
    title : str
        What was done, as a heading.
    setting : tuple of str
        Sentences that a reader needs to judge the figures.
    own, peer : str
        The contenders.
    own_s, peer_s : tuple of float
        Seconds of each round, in the order they were run; empty where no time was taken.
    facts : dict of str to str
        What else was measured or checked.
    machine : dict of str to str
        See `machine`.
    on : str
        The day, ISO.
    """

    name: str
    title: str
    setting: tuple[str, ...]
    own: str
    peer: str
    own_s: tuple[float, ...]
    peer_s: tuple[float, ...]
    facts: dict[str, str]
    machine: dict[str, str]
    on: str

    @property
    def ratios(self) -> list[float]:
        """The own time over the peer's, round by round."""
        return [own / peer for own, peer in zip(self.own_s, self.peer_s, strict=True)]

    def keep(self) -> Path:
        """Write the run to the results and return its file."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return path

    def lines(self) -> Iterator[str]:
        """Yield the run as Markdown."""
        yield from (f"## {self.title}", "", *self.setting, "")
        if self.own_s:
            rounds = len(self.own_s)
            yield f"| seconds, {rounds} round{'s' * (rounds > 1)} | min | median | max |"
            yield "|---|---:|---:|---:|"
            for name, taken in ((self.own, self.own_s), (self.peer, self.peer_s)):
                yield f"| {name} | {_figures(taken, 1)} |"
            yield f"| **ratio**, round by round | {_figures(self.ratios, 2)} |"
            yield ""
        yield from ("| also measured | |", "|---|---|")
        yield from (f"| {name} | {value} |" for name, value in self.facts.items())
        where = "; ".join(f"{name} {value}" for name, value in self.machine.items())
        yield from ("", f"Measured on {self.on}: {where}.")


def kept() -> list[Run]:
    """Return the runs in the results, by name."""
    found = []
    for path in sorted(RESULTS.glob("*.json")):
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for field in fields(Run):
            if isinstance(values[field.name], list):
                values[field.name] = tuple(values[field.name])
        found.append(Run(**values))
    return found


def machine() -> dict[str, str]:
    """Return what the figures depend on: processor, memory, system, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": platform.system(),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in _LIBRARIES},
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


def _figures(values: tuple[float, ...] | list[float], digits: int) -> str:
    return " | ".join(f"{pick(values):.{digits}f}" for pick in (min, median, max))
