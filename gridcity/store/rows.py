"""Many rows into one table."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

__all__ = ["insert_rows"]

# Values of one statement; what every build of SQLite takes.
_VARIABLES: Final = 999


def insert_rows(connection: sqlite3.Connection, into: str, columns: Sequence[Sequence[Any]]) -> None:
    """Insert rows, several with one statement: each statement costs SQLite as much as a row.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction.
    into : str
        The statement up to and with VALUES.
    columns : sequence of sequences
        Equally long.
    """
    n, width = len(columns[0]), len(columns)
    values: list[Any] = [None] * (n * width)
    for i, column in enumerate(columns):
        values[i::width] = column
    together = max(1, _VARIABLES // width)
    many = n // together * together
    row = f"({', '.join('?' * width)})"
    for rows, begin, end in ((together, 0, many), (1, many, n)):
        step = rows * width
        held = (tuple(values[i : i + step]) for i in range(begin * width, end * width, step))
        connection.executemany(f"{into} {', '.join([row] * rows)}", held)
