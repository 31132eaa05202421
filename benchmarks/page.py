"""The page of docs/ that shows the kept runs."""

from __future__ import annotations

from pathlib import Path

from benchmarks.promises import lines
from benchmarks.run import kept

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"

_HEAD = """\
<!-- Made by python -m benchmarks page; run the benchmarks, then that command again. -->

# Performance

Measured, not promised: gridcity and its peers take turns on one machine, one right after the other.
What it promises itself stands at the end, beside what was measured.
Only the ratios carry over to another machine, and those only roughly.
`python -m benchmarks --help`, typed in the root of the repository, lists the measurements.
Each makes its own data from a seed.
"""


def page() -> str:
    """Return the text of docs/performance.md."""
    runs = kept()
    return "\n".join([_HEAD, *("\n".join(run.lines()) + "\n" for run in runs), *lines(runs)]) + "\n"
