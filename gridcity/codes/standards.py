"""The tables of ``standards/`` as rows of text."""

from __future__ import annotations

import os

__all__ = ["STANDARDS", "rows"]

# pathlib takes longer to load than a table takes to be read, and one question reads two or three of them.
STANDARDS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "standards")  # noqa: PTH118, PTH120


def rows(*parts: str) -> list[dict[str, str]]:
    """Return the rows of a table of ``standards/``, each as its columns and their texts."""
    import csv

    with open(os.path.join(STANDARDS, *parts), encoding="utf-8", newline="") as lines:  # noqa: PTH118, PTH123
        columns, *found = csv.reader(lines)
    return [dict(zip(columns, row, strict=True)) for row in found]
