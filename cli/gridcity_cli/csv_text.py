"""Cells as the text of CSV, written by Python's csv module one line at a time."""

from __future__ import annotations

import csv
from collections.abc import Sequence

__all__ = ["cell_text", "line_text"]


class _Line:
    """What a csv writer writes to: keeps the line last written."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


_END = "\r\n"  # both characters are quoted where they stand in a cell
_line = _Line()
_writer = csv.writer(_line, lineterminator=_END)


def line_text(cells: Sequence[str]) -> str:
    r"""Return cells as a line of CSV without a line break at its end.

    Examples
    --------
    >>> line_text(["a", "b,c", "d\ne"])
    'a,"b,c","d\ne"'
    """
    _writer.writerow(cells)
    return _line.text[: -len(_END)]


def cell_text(value: str) -> str:
    """Return one cell as it stands in a line of CSV beside others.

    Examples
    --------
    >>> cell_text('15" pipe'), cell_text("")
    ('"15"" pipe"', '')
    """
    return line_text(["", value])[1:]
