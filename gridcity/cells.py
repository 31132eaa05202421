"""The cells of a city made ready for questions about points, and the file that keeps them ready.

To draw the pixels of `gridcity.tiling` takes seconds for a large city, to map them from a file nothing. They
are kept in ``CITY.gpkg.cells`` beside the city, with a digest of the cells they were drawn from. Where the
digest is another, because cells have changed, by whatever program, or the question is about a day with other
cells, the file counts for nothing. It may be removed at any time.
"""

from __future__ import annotations

import contextlib
from datetime import date
from pathlib import Path
from typing import Final

from gridcity.store.arrays import read_arrays, write_arrays
from gridcity.store.base import Reading
from gridcity.tiling.index import PolygonIndex
from gridcity.tiling.pixels import Pixels

__all__ = ["CellIndex", "cell_index", "index_file"]

# To be raised when the arrays of `Pixels` come to mean something else: older files then count for nothing.
_FORM: Final = 1
# A cell is drawn in the time in which some ten points are found by a tree; the file serves later ones too.
_POINTS_PER_CELL: Final = 5


def index_file(store: Reading) -> Path:
    """Return where the pixels of a city's cells are kept."""
    return store.path.with_name(f"{store.path.name}.cells")


def cell_index(store: Reading, on: str, *, keep: bool = False) -> CellIndex:
    """Return the cells of a city on a day as an index, with the pixels of the file where they are the same.

    Parameters
    ----------
    store : Reading
        The city's store, or a transaction, whose own changes count.
    on : str
        ISO date on which the cells must be valid.
    keep : bool, optional
        Write pixels that had to be drawn into the file, where the day is today. Not for a transaction, whose
        cells may yet be given up.
    """
    pixels = None
    if index_file(store).exists():
        arrays = read_arrays(index_file(store), _key(store, on))
        pixels = None if arrays is None else Pixels.from_arrays(arrays)
    return CellIndex(store, on, pixels, keep=keep and on == date.today().isoformat())


class CellIndex(PolygonIndex):
    """The cells of a city on a day; `cell_index` makes it.

    Their shapes are read when they are first needed, and with the pixels of a file they seldom are. Ask the
    index in the snapshot or transaction in which it was made, or in one that sees the same cells.

    Parameters
    ----------
    store, on, keep
        As for `cell_index`.
    pixels : Pixels or None
        Those of the file.
    """

    def __init__(self, store: Reading, on: str, pixels: Pixels | None, *, keep: bool) -> None:
        cells = store.columns("cells", ("fid", "code"), on=on)
        super().__init__(
            cells["fid"],
            cells["code"],
            lambda: store.columns("cells", ("geom",), on=on)["geom"],
            pixels,
        )
        self._store, self._on = store, on
        self._keep = keep and pixels is None
        self._expected = 0

    def expect(self, points: int) -> None:
        """Be told that so many points will be asked, in however many parts: it may pay to `prepare`."""
        self._expected += points
        if self._expected >= _POINTS_PER_CELL * len(self):
            self.prepare()

    def prepare(self) -> None:
        """Draw the pixels, unless they are there, and write them where they are to be kept.

        A file that cannot be written is no error: without it the answers are the same.
        """
        if not len(self) or not len(self.edges):
            return
        pixels = self.pixels
        if self._keep:
            self._keep = False
            with contextlib.suppress(OSError):
                write_arrays(index_file(self._store), _key(self._store, self._on), pixels.arrays())


def _key(store: Reading, on: str) -> str:
    return f"{_FORM} {store.fingerprint('cells', ('fid', 'code', 'geom'), on)}"
