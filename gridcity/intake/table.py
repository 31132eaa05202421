"""What a reader hands over: the columns of one layer as text, with its geometry and where it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gridcity.errors import SourceError
from gridcity.findings import Findings

__all__ = ["Column", "Numbers", "Table", "column_names", "objects", "per_distinct", "record_numbers"]

Column = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One layer of one file, before its reference system is settled.

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


def column_names(names: Sequence[str], where: str) -> list[str]:
    """Return the names of the columns; a column without one is called ``column N``.

    Raises
    ------
    SourceError
        A name stands twice: the values of the two columns could not be told apart.
    """
    filled = [name or f"column {i}" for i, name in enumerate(names, start=1)]
    twice = [name for name, n in Counter(filled).items() if n > 1]
    if twice:
        raise SourceError(
            f"{where} has several columns of one name: {', '.join(twice)}.",
            hint="Rename them at the source, so that every column has a name of its own.",
        )
    return filled
