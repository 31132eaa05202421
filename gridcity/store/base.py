"""What a store must do, whatever database stands behind it.

A store keeps tables (`TABLES`) of columns. It knows nothing of codes, classes or responsibility: it
returns rows and columns as they are, finds boxes near a place, and takes whole imports as one
transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from gridcity.store.wkb import Box

__all__ = ["Reading", "Store", "Transaction"]

Where = Mapping[str, object]
"""Column: value, or a list of values of which one must match."""


class Reading(Protocol):
    """The reading half, the same on a store and inside a transaction."""

    @property
    def path(self) -> Path:
        """Where the city is kept."""

    def meta(self) -> dict[str, str]:
        """Return the city's metadata: the profile's text, the stored reference system, the version."""

    def rows(
        self, table: str, columns: Sequence[str], where: Where | None = None, *, on: str | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a table that match, in the order of their ids.

        With ``on``, an ISO date, only rows that are valid that day: begun (``since``, empty for always)
        and not ended (``until`` is empty or lies after it).
        """

    def columns(
        self, table: str, columns: Sequence[str], where: Where | None = None, *, on: str | None = None
    ) -> dict[str, Any]:
        """Return the same as numpy object arrays; ``geom`` as shapely geometries."""

    def near(self, table: str, box: Box) -> list[tuple[int, Box]]:
        """Return id and box of the objects whose box meets the given one.

        Boxes may be some centimetres too large, never too small.
        """

    def outwards(self, table: str, distance: Callable[[Box], float]) -> Iterator[tuple[float, int]]:
        """Iterate over distance and id of all objects of a layer, those with the nearest boxes first.

        ``distance`` says how far away a box is, and of a box within another not less.
        """

    def places_near(
        self, class_codes: Sequence[str], box: Box
    ) -> tuple[list[tuple[int, float, float]], list[int]]:
        """Return the components of some classes in a box.

        First id, longitude and latitude of those that are points; then the ids of others, lines and
        polygons, whose boxes meet it. In a city of the former version all ids come second, those of
        components of other classes among them.
        """

    def fingerprint(self, table: str, columns: Sequence[str], on: str) -> str:
        """Return a digest of some columns of the rows of a table that are valid on a day.

        Equal where their values are equal, row by row in the order of the ids, whoever wrote them and when.
        """

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""

    def ever_coded(self, code: str) -> list[tuple[str, int]]:
        """Return table and id of the objects that have a code or had it once, removed ones too."""

    def images(self, table: str, object_id: int) -> list[tuple[int | None, dict[str, Any], bytes | None]]:
        """Return what an object was and is, the oldest first.

        Each is the receipt that replaced it, its columns, and its geometry as the store keeps it. The
        last, of an object that is still there, has None for the receipt.
        """

    def codes_beside(self, code: str) -> list[str]:
        """Return the codes before and after a code in every table that has codes, in order of the text."""

    def extent(self) -> Box | None:
        """Return the box around all areas and cells; None while there are none."""


class Transaction(Reading, Protocol):
    """One import, visible to others as a whole or not at all."""

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> Any:
        """Insert rows and return their new ids as an int64 array; ``geom`` are shapely geometries."""

    def bulk(self, table: str, rows: int) -> AbstractContextManager[None]:
        """Insert up to so many rows in several calls inside the block; an exception ends the transaction.

        The boxes of rows that are inserted into an empty table are found when the block has ended.
        """

    def touching(self, table: str, bounds: Any) -> tuple[Any, Any]:
        """Return the pairs of a given box and an object whose box meets it.

        ``bounds`` has a row a box: west, south, east, north. Returned are the number of the box and the id
        of the object, int64 arrays. Boxes of objects may be some centimetres too large, never too small.
        """

    def points(self, table: str, columns: Sequence[str], on: str) -> Iterator[tuple[Any, Any, list[Any]]]:
        """Read the points among the objects of a table that are valid on a day, some at a time.

        Yields ids (int64 array), places (float array of two columns), and the columns asked for.
        """

    def standing(self, class_codes: Sequence[str] | None) -> Iterator[tuple[str, str, Any]]:
        """Read where the components of some classes stand that are points and have not ended; None for all.

        Yields edition, class code and places (float array of two columns) of each class that has any.
        """

    def replace_spacings(
        self, class_codes: Sequence[str] | None, rows: Sequence[tuple[str, str, int, float]]
    ) -> None:
        """Put spacings in place of those that some classes had, or all.

        A row is edition, class code, number of places and spacing in metres.
        """

    def update(self, table: str, ids: Sequence[int], columns: Mapping[str, Sequence[Any]]) -> None:
        """Change rows; what they were before goes into the history."""

    def take_back(self, receipts: Sequence[int]) -> dict[str, tuple[int, int]]:
        """Make everything that the latest receipts wrote what it was before them.

        What they added is removed, what they changed becomes what it was; both go into the history
        under the newest receipt, which must not be one of them. Nothing that is not taken back itself
        may have been written after them. Serials stay as high as they are.

        Returns the number of objects removed and restored per table, of the tables that had any.
        """

    def raise_serial(self, prefix: str, last: int) -> None:
        """Put the mark below a prefix at least so high: serials that arrived ready-made are given too."""

    def take_serials(self, prefix: str, count: int, *, limit: int) -> range:
        """Return the next serials below a prefix, never given before; fewer where the limit is reached."""


class Store(Reading, Protocol):
    """One city's store."""

    def transaction(self, *, keep: bool = True) -> AbstractContextManager[Transaction]:
        """Open a transaction: all of the block is written, or nothing when it raises or is not kept."""

    def snapshot(self) -> AbstractContextManager[None]:
        """See one state of the store in all readings of the block, whatever others write meanwhile."""

    def backup(self, target: Path) -> None:
        """Write a consistent copy to a new file."""

    def version(self) -> int:
        """Return a number that changes whenever somebody has written to the store."""

    def close(self) -> None:
        """Close the store; closing twice is no error."""
