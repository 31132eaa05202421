"""The columns of an answer about many points: their names, their types, and what is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gridcity.errors import ArgumentError
from gridcity.model import Placement

__all__ = ["Column", "chosen_columns", "new_columns"]

Column = npt.NDArray[Any]

_NUMBERS: Final = {
    "lng": np.float64,
    "lat": np.float64,
    "cell_id": np.int64,
    "overlap": np.bool_,
    "distance_to_border_m": np.float64,
    "component_id": np.int64,
    "component_distance_m": np.float64,
    "cells_differ": np.bool_,
    "other_component_id": np.int64,
    "other_component_distance_m": np.float64,
    "unowned": np.bool_,
}


def chosen_columns(columns: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the columns asked for, each once; all fields of `Placement` for None.

    Raises
    ------
    ArgumentError
        There is no such column; the possible ones are named.
    """
    possible = Placement.columns()
    if columns is None:
        return possible
    names = tuple(dict.fromkeys([columns] if isinstance(columns, str) else columns))
    unknown = next((name for name in names if name not in possible), None)
    if unknown is not None:
        near = get_close_matches(str(unknown), possible, n=1)
        raise ArgumentError(
            f"There is no column {unknown!r}" + (f"; {near[0]!r} is one." if near else "."),
            hint=f"The columns are {', '.join(possible)}.",
        )
    return names


def new_columns(names: Sequence[str], n: int) -> dict[str, Column]:
    """Return columns for n points, not yet filled in: numbers as numbers, texts as objects."""
    return {name: np.empty(n, dtype=_NUMBERS.get(name, np.object_)) for name in names}
