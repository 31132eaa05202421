"""The nouns of a stream of points: how a row is read, one row, and many rows in columns.

A row that cannot be read is kept with what is wrong with it, and costs only itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gridcity_cli.options import check_range, read_number

LARGEST = 1e8
"""Metres; beyond it lies no easting or northing, not even one that begins with its zone."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the input.

    Attributes
    ----------
    line : int
        Where it begins, counted from 1; in a feature collection the number of the feature.
    record : list of str or dict
        The cells of a CSV line, or the JSON object; as it came.
    lng, lat : float
        NaN where ``error`` says why.
    class_text, condition : str
        What the columns of classes and conditions say; empty when none was asked for.
    """

    line: int
    record: Any
    lng: float
    lat: float
    class_text: str
    error: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """How the rows of one input are to be read.

    Attributes
    ----------
    x, y : str
        Columns or members of the coordinates; empty for the known names.
    class_field : str
        Column, member or property that names a class; empty for none.
    condition_field : str
        The same for a condition.
    degrees : bool
        Whether the numbers are longitude and latitude, so that their range is known.
    taken : dict of str to None
        Filled in reading: the pairs of columns or members that the coordinates came from, in their order.
    """

    x: str = ""
    y: str = ""
    class_field: str = ""
    condition_field: str = ""
    degrees: bool = True
    taken: dict[str, None] = field(default_factory=dict)

    def point(self, x: object, y: object) -> tuple[float, float]:
        """Return both coordinates, or raise ValueError with what is wrong."""
        if x is None and y is None:
            raise ValueError("no pair of coordinates such as lng and lat")
        names = ("lng", "lat") if self.degrees else ("x", "y")
        lng, lat = _number(x, names[0]), _number(y, names[1])
        if self.degrees:
            check_range(lng, lat)
        elif max(abs(lng), abs(lat)) > LARGEST:
            raise ValueError(f"{names[0]} {lng:g}, {names[1]} {lat:g} is no place on Earth")
        return lng, lat

    def row(self, line: int, record: Any, x: object, y: object, class_text: str, condition: str) -> Row:
        """Return a row with its point, or with what is wrong with it."""
        try:
            lng, lat = self.point(x, y)
        except ValueError as error:
            return bad_row(line, record, str(error))
        return Row(line, record, lng, lat, class_text, "", condition)


def _number(value: object, name: str) -> float:
    if isinstance(value, str):
        return read_number(value, name)
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return read_number(str(value), name)
    raise ValueError(f"{name} is missing" if value is None else f"{name} is no number")


def bad_row(line: int, record: Any, error: str) -> Row:
    """Return a row with what is wrong with it."""
    return Row(line, record, math.nan, math.nan, "", f"line {line}: {error}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that are answered together, in columns.

    Attributes
    ----------
    own : list of str or of dict
        The rows as they came: each the text of its cells as CSV, without a line break, or a JSON object.
    lines : sequence of int
        Where each begins, as in `Row`.
    lng, lat : float arrays
        NaN where a row is bad.
    classes, conditions : list of str, optional
        What the columns of classes and conditions say; None when none was asked for.
    errors : dict of int to str
        What is wrong with a row, by its position.
    """

    own: list[Any]
    lines: Sequence[int]
    lng: Floats
    lat: Floats
    classes: list[str] | None
    conditions: list[str] | None
    errors: dict[int, str]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Self:
        """Return rows as columns."""
        return cls(
            [row.record for row in rows],
            [row.line for row in rows],
            np.array([row.lng for row in rows], dtype=np.float64),
            np.array([row.lat for row in rows], dtype=np.float64),
            [row.class_text for row in rows],
            [row.condition for row in rows],
            {i: row.error for i, row in enumerate(rows) if row.error},
        )

    def __len__(self) -> int:
        return len(self.own)

    def refuse(self, position: int, error: str) -> None:
        """Make a row a bad one."""
        self.errors[position] = f"line {self.lines[position]}: {error}"
        self.lng[position] = self.lat[position] = math.nan
