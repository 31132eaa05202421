"""What a reader hands over: the columns of one layer as text, with its geometry and where it came from.

A format that is read in one go hands over a `Table`, one that is read in parts something of its own
that can do the same: `Opened`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gridcity.errors import SourceError
from gridcity.findings import Findings

__all__ = [
    "Column",
    "Heights",
    "Numbers",
    "Opened",
    "Part",
    "Table",
    "column_names",
    "few",
    "is_text",
    "objects",
    "per_distinct",
    "record_numbers",
]

# Ours: enough to recognise the right column among them, and still a sentence.
_SHOWN_NAMES = 12

Column = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.int64]
Heights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some rows of a layer: their text, their geometry, what was found in them, and heights, if asked."""

    columns: dict[str, Column]
    geometry: Column
    findings: Findings
    heights: Heights | None = None


class Opened(Protocol):
    """A layer of a file before its reference system is settled; the attributes are those of `Table`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""

    @property
    def rows(self) -> Numbers:
        """Record numbers of all rows."""

    @property
    def layer(self) -> str:
        """Name of the layer."""

    @property
    def driver(self) -> str:
        """Name of the format."""

    @property
    def encoding(self) -> str:
        """How the text is decoded."""

    @property
    def evidence(self) -> str:
        """Why."""

    @property
    def samples(self) -> tuple[str, ...]:
        """Up to three values beyond ASCII, as decoded."""

    @property
    def declared_crs(self) -> str:
        """The reference system that the file names."""

    @property
    def declared_wkt(self) -> str:
        """The reference system that the file describes."""

    @property
    def coordinate_columns(self) -> tuple[str, ...]:
        """The columns that became the geometry."""

    @property
    def about_file(self) -> Findings:
        """What was found about the file as a whole."""

    def part(self, at: Numbers | None, columns: Collection[str] | None, geometry: bool) -> Part:
        """Read the rows at these positions; None means all."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One layer of one file, read whole, before its reference system is settled.

    Attributes
    ----------
    columns : dict of str to numpy.ndarray
        Text of every column, object arrays of str; a missing value is the empty text.
    geometry : numpy.ndarray
        Shapely geometries in two dimensions, or None, as the file holds them.
    rows : numpy.ndarray
        Record numbers of the file, int64, counted from 1.
    layer, driver : str
        Name of the layer; name of the format as GDAL spells it, or ``CSV``.
    encoding, evidence : str
        How the text was decoded and why.
    samples : tuple of str
        Up to three values beyond ASCII, as decoded.
    declared_crs, declared_wkt : str
        What the file says of its reference system; empty where it says nothing.
    coordinate_columns : tuple of str
        The columns that became the geometry of a text table.
    findings : Findings
        What was found while reading.
    """

    columns: dict[str, Column]
    geometry: Column
    rows: Numbers
    layer: str
    driver: str
    encoding: str
    evidence: str
    declared_crs: str = ""
    declared_wkt: str = ""
    coordinate_columns: tuple[str, ...] = ()
    findings: Findings = field(default_factory=Findings)
    samples: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.columns)

    @property
    def about_file(self) -> Findings:
        """The findings about no single row."""
        return self.findings.only({None})

    def part(self, at: Numbers | None, columns: Collection[str] | None, geometry: bool) -> Part:
        """Return the rows at these positions, all of them if None, and the findings about them."""
        held = slice(None) if at is None else at
        rows = self.rows[held]
        return Part(
            columns={
                name: column[held]
                for name, column in self.columns.items()
                if columns is None or name in columns
            },
            geometry=self.geometry[held] if geometry else np.full(len(rows), None, dtype=object),
            findings=self.findings.only(set(rows.tolist())),
        )


def objects(values: Iterable[Any]) -> Column:
    """Return the values as an object array of one dimension, whatever they are."""
    held = list(values)
    column = np.empty(len(held), dtype=object)
    column[:] = held
    return column


def record_numbers(n: int) -> Numbers:
    """Return 1, 2, ... n."""
    return np.arange(1, n + 1, dtype=np.int64)


def per_distinct(values: Sequence[Any] | Column, convert: Callable[[Any], Any]) -> Column:
    """Convert every distinct value once and return the results in the order of the values.

    Examples
    --------
    >>> per_distinct(["a", "b", "a"], str.upper).tolist()
    ['A', 'B', 'A']
    """
    held = values.tolist() if isinstance(values, np.ndarray) else values
    converted = {value: convert(value) for value in dict.fromkeys(held)}
    return objects(map(converted.__getitem__, held))


def is_text(text: str) -> bool:
    """Tell whether text has no lone surrogates, which stand for bytes that were none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def column_names(names: Sequence[str], where: str) -> list[str]:
    """Return the names of the columns; a column without one is called ``column N``.

    Raises
    ------
    SourceError
        A name is no text in the encoding of the file, or stands twice: the values of the two columns could
        not be told apart.
    """
    filled = [name or f"column {i}" for i, name in enumerate(names, start=1)]
    if unreadable := [name for name in filled if not is_text(name)]:
        raise SourceError(
            f"the name of column {filled.index(unreadable[0]) + 1} of {where} is no text in the encoding of "
            f"the file; in GB18030 it may be {unreadable[0]}.",
            hint="Name the encoding with --encoding.",
        )
    twice = [name for name, n in Counter(filled).items() if n > 1]
    if twice:
        raise SourceError(
            f"{where} has several columns of one name: {few(twice)}.",
            hint="Rename them at the source, so that every column has a name of its own.",
        )
    return filled


def few(names: Sequence[str]) -> str:
    """Return names for a message, the first twelve where there are more.

    Examples
    --------
    >>> few(["a", "b"]), few([str(i) for i in range(20)])
    ('a, b', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more')
    """
    left = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {left} more" if left > 0 else "")
