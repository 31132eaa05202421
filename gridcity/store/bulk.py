"""What imports of very many rows need of a transaction: indexes set aside, places asked together."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

from gridcity.errors import StoreError
from gridcity.store import wkb
from gridcity.store.connection import store_error
from gridcity.store.past import Past
from gridcity.store.places import INSERT_TRIGGER, fill_places, standing
from gridcity.store.tree import write_tree

__all__ = ["Bulk"]

# The pages that an import of many rows writes again and again stay in memory.
_CACHE_KIB: Final = 65_536
_FETCHED: Final = 100_000


class Bulk(Past):
    """The part of a transaction for many rows; see `base.Transaction`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._bulk = ""
        self._boxes: tuple[Any, Any] | None = None
        self._held = 0
        self._ended = False

    @contextlib.contextmanager
    def bulk(self, table: str, rows: int) -> Iterator[None]:
        """Insert up to so many rows in several calls inside the block; an exception ends the transaction.

        A table that is empty at the beginning gets its indexes and its R*Tree when all rows are there,
        and components get their places, which is faster than row by row.
        """
        import numpy as np

        self._table(table)
        self._run(f"PRAGMA cache_size = -{_CACHE_KIB}")
        (filled,) = self._run(f"SELECT EXISTS (SELECT 1 FROM {table})").fetchone()
        aside = self._run(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL"
            " AND (type = 'index' AND NOT ? OR name IN (?, ?))",
            (table, filled, f"rtree_{table}_geom_insert", INSERT_TRIGGER),
        ).fetchall()
        last = self._run("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        whole = False
        try:
            for kind, name, _ in aside:
                self._run(f"DROP {kind} {name}")
            self._bulk, self._held = table, 0
            if not filled:
                # Room for all at once: arrays that grow part by part lie in the way of the caller's own.
                self._boxes = np.empty(rows, dtype=np.int64), np.empty((rows, 4), dtype=np.float32)
            yield
            if self._held and self._boxes:
                self._fill_tree(f"rtree_{table}_geom", *(column[: self._held] for column in self._boxes))
            self._boxes = None
            if table == "components":
                fill_places(self._connection, (last[0] if last else 0) + 1)
            for _, _, statement in aside:
                self._run(statement)
            whole = True
        finally:
            self._bulk, self._boxes = "", None
            self._ended = not whole
            # Without its indexes and its trigger the table must not be kept.
            if not whole and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _fill_tree(self, tree: str, ids: Any, boxes: Any) -> None:
        """Write the whole tree at once, or box by box where SQLite will not have it so."""
        self._run("SAVEPOINT whole_tree")
        try:
            write_tree(self._connection, tree, ids, boxes)
            sound = self._run("SELECT rtreecheck(?)", (tree,)).fetchone() == ("ok",)
        except sqlite3.OperationalError as error:
            # A full disk ends the transaction, and the savepoint with it.
            if not self._connection.in_transaction:
                raise store_error(error, self._connection) from error
            sound = False
        if not sound:
            self._run("ROLLBACK TO whole_tree")
            self._insert_boxes(tree, ids, boxes)
        self._run("RELEASE whole_tree")

    def _insert_boxes(self, tree: str, ids: Any, boxes: Any) -> None:
        rows = zip(ids.tolist(), *boxes.T.tolist(), strict=True)
        self._run_many(f"INSERT INTO {tree} VALUES (?, ?, ?, ?, ?)", rows)

    def _run(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        if self._ended:
            raise StoreError("The transaction has ended with an error before.", hint="Begin a new one.")
        return super()._run(sql, values)

    def touching(self, table: str, bounds: Any) -> tuple[Any, Any]:
        """Return the pairs of a given box and an object whose box meets it."""
        import numpy as np

        self._table(table)
        self._run(
            "CREATE TEMP TABLE asked (at INTEGER PRIMARY KEY, west REAL, south REAL, east REAL, north REAL)"
        )
        rows = zip(range(len(bounds)), *bounds.T.tolist(), strict=True)
        self._run_many("INSERT INTO asked VALUES (?, ?, ?, ?, ?)", rows)
        pairs = self._run(
            f"SELECT at, id FROM asked JOIN rtree_{table}_geom"
            " WHERE minx <= east AND maxx >= west AND miny <= north AND maxy >= south"
        ).fetchall()
        self._run("DROP TABLE asked")
        found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    def points(self, table: str, columns: Sequence[str], on: str) -> Iterator[tuple[Any, Any, list[Any]]]:
        """Read the points among the objects of a table that are valid on a day, some at a time."""
        import numpy as np

        names = ", ".join(self._name(table, column) for column in columns)
        condition, values = self._where(table, {}, on)
        cursor = self._run(
            f"SELECT fid, geom, {names} FROM {table} {condition} AND length(geom) = {wkb.POINT_BYTES}", values
        )
        while rows := cursor.fetchmany(_FETCHED):
            fids, blobs, *texts = zip(*rows, strict=True)
            yield np.array(fids, dtype=np.int64), wkb.decode_points(blobs), texts

    def standing(self, class_codes: Sequence[str] | None) -> Iterator[tuple[str, str, Any]]:
        """Read where the components of some classes stand that are points and have not ended."""
        try:
            yield from standing(self._connection, class_codes)
        except sqlite3.Error as error:
            raise store_error(error, self._connection) from error

    def _run_many(self, sql: str, rows: Iterator[tuple[Any, ...]]) -> None:
        try:
            self._connection.executemany(sql, rows)
        except sqlite3.Error as error:
            raise store_error(error, self._connection) from error
