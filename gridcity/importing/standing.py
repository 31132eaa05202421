"""Where components stand: cell and district, and what the survey says of them held against the map."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gridcity.checking import ComponentColumns, check_components
from gridcity.importing.batch import Batch, Column
from gridcity.importing.classes import Classes
from gridcity.importing.placing import Ground, ids_at
from gridcity.tiling.shares import cell_of

__all__ = ["TEXTS", "Places", "check_standing", "place"]

TEXTS = (
    *("state", "supervisor_code", "supervisor_name", "owner_code", "owner_name"),
    *("maintainer_code", "maintainer_name", "data_source", "note"),
)
"""The fields that are text and nothing else, as the store names them."""


class Places(NamedTuple):
    """Where each row stands; rows that are settled or rejected stand nowhere."""

    cell_id: Column
    cell_code: Column
    district: Column
    cells: npt.NDArray[np.int64]
    known_cells: frozenset[str]


def place(batch: Batch, ground: Ground) -> Places:
    """Find the cell of each row, and through it the district."""
    going = np.flatnonzero(batch.going)
    position, cells = (np.full(len(batch), fill, dtype=np.int64) for fill in (-1, 0))
    position[going], cells[going] = cell_of(batch.geometry[going], ground.index)
    cell_ids, codes = ids_at(ground.index, position), ground.codes_at(position)
    return Places(cell_ids, codes, ground.district[position], cells, ground.known)


def check_standing(batch: Batch, classes: Classes, places: Places) -> None:
    """Apply the rules that hold what the survey says against the map."""
    going = np.flatnonzero(batch.going)
    fields = {name: batch.column(name)[going] for name in TEXTS}
    table = ComponentColumns(
        rows=batch.rows[going],
        code=batch.column("code")[going],
        edition=classes.edition[going],
        class_code=classes.code[going],
        fields=fields | {"declared_cell": batch.column("cell_code")[going]},
        district=places.district[going],
        cell_code=places.cell_code[going],
        in_cell=places.cells[going] > 0,
        cells=places.cells[going],
        known_cells=places.known_cells,
        shapes=None,
    )
    batch.findings.extend(check_components(table))
