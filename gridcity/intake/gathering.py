"""Texts of columns, gathered block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gridcity.intake.table import Column, objects

__all__ = ["Gathered"]

# Ours: beyond this a column is taken for one of different texts, and what it held is not searched again.
_MOST_REMEMBERED = 65_536


class _Texts(dict[str, str]):
    """Texts without the blanks and NULs at their end; equal ones are one object."""

    def __missing__(self, text: str) -> str:
        kept = self[text] = text.rstrip(" \0")
        return kept


class Gathered:
    """The columns of a table while it is read.

    Equal texts of a column are held once, so that a million rows of a few owners cost a few texts.

    Examples
    --------
    >>> held = Gathered()
    >>> held.add({"class": ["0101", "0102"]}, 2)
    >>> held.add({"owner": ["甲 "]}, 1)
    >>> {name: column.tolist() for name, column in held.columns().items()}
    {'class': ['0101', '0102', ''], 'owner': ['', '', '甲']}
    """

    def __init__(self) -> None:
        self._parts: dict[str, list[Column]] = {}
        self._known: dict[str, _Texts] = {}
        self.rows = 0

    def add(self, block: Mapping[str, Sequence[str]], n: int) -> None:
        """Take ``n`` rows; a column that the block does not have, or no block before it, is empty there."""
        for name, texts in block.items():
            if name not in self._parts:
                self._parts[name] = [np.full(self.rows, "", dtype=object)]
                self._known[name] = _Texts()
            known = self._known[name]
            self._parts[name].append(objects(map(known.__getitem__, texts)))
            if len(known) > _MOST_REMEMBERED:
                known.clear()
        for name in self._parts.keys() - block.keys():
            self._parts[name].append(np.full(n, "", dtype=object))
        self.rows += n

    def columns(self) -> dict[str, Column]:
        """Return the columns, in the order in which they were first met."""
        return {name: np.concatenate(parts) for name, parts in self._parts.items()}
