"""Writing into a GeoPackage: one transaction, with the history of what it changes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gridcity.store import wkb
from gridcity.store.bulk import Bulk
from gridcity.store.connection import LAYERS, store_error
from gridcity.store.places import INSERT_TRIGGER, fill_places
from gridcity.store.rows import insert_rows
from gridcity.store.tree import rounded_outwards

__all__ = ["WriteTransaction"]

# Tables whose rows are records of what happened, or follow from other tables.
_WITHOUT_HISTORY: Final = frozenset(
    {"receipts", "findings", "rejected_rows", "history", "serials", "spacings", "gridcity_meta"}
)


class WriteTransaction(Bulk):
    """Writing, between BEGIN IMMEDIATE and COMMIT; see `base.Transaction`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection)
        self.path = path
        self._srs_id = int(self.meta()["stored_epsg"])

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> Any:
        """Insert rows and return their new ids."""
        import numpy as np

        names = [self._name(table, column) for column in columns]
        values = [self._values(name, column) for name, column in columns.items()]
        n = len(values[0])
        last = self._run("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        first = (last[0] if last else 0) + 1
        ids = range(first, first + n)
        into = f"INSERT INTO {table} (fid, {', '.join(names)}) VALUES"
        own_trigger = "geom" in columns and table != self._bulk
        with self._triggers_aside(table) if own_trigger else contextlib.nullcontext():
            self._insert_rows(into, [ids, *values])
            if "geom" in columns:
                self._index(table, ids, columns["geom"])
            if own_trigger and table == "components":
                fill_places(self._connection, first)
        self._touched.add(table)
        return np.arange(first, first + n, dtype=np.int64)

    def update(self, table: str, ids: Sequence[int], columns: Mapping[str, Sequence[Any]]) -> None:
        """Change rows; what they were goes into the history."""
        names = [self._name(table, column) for column in columns]
        values = [self._values(name, column) for name, column in columns.items()]
        keys = [int(i) for i in ids]
        if table not in _WITHOUT_HISTORY:
            own = next(iter(columns.get("receipt", ())), None)
            self._remember(table, "SELECT value FROM json_each(?)", (json.dumps(keys),), receipt=own)
        assignments = ", ".join(f"{name} = ?" for name in names)
        self._run_many(f"UPDATE {table} SET {assignments} WHERE fid = ?", zip(*values, keys, strict=True))
        self._touched.add(table)

    def replace_spacings(
        self, class_codes: Sequence[str] | None, rows: Sequence[tuple[str, str, int, float]]
    ) -> None:
        """Put spacings in place of those that some classes had, or all."""
        if class_codes is None:
            self._run("DELETE FROM spacings")
        else:
            among = "(SELECT value FROM json_each(?))"
            self._run(f"DELETE FROM spacings WHERE class_code IN {among}", (json.dumps(list(class_codes)),))
        columns = "edition, class_code, places, spacing_m"
        self._run_many(f"INSERT INTO spacings ({columns}) VALUES (?, ?, ?, ?)", iter(rows))
        self._touched.add("spacings")

    def raise_serial(self, prefix: str, last: int) -> None:
        """Put the mark below a prefix at least so high."""
        self._run(
            "INSERT INTO serials (prefix, last) VALUES (?, ?)"
            " ON CONFLICT (prefix) DO UPDATE SET last = max(last, excluded.last)",
            (prefix, last),
        )
        self._touched.add("serials")

    def take_serials(self, prefix: str, count: int, *, limit: int) -> range:
        """Return the next serials below a prefix, never given before."""
        row = self._run("SELECT last FROM serials WHERE prefix = ?", (prefix,)).fetchone()
        last = row[0] if row else 0
        taken = range(last + 1, min(last + count, limit) + 1)
        if taken:
            self.raise_serial(prefix, taken[-1])
        return taken

    def finish(self) -> None:
        """Bring the contents table up to date: extents and times of what was touched."""
        for table in sorted(self._touched):
            box: tuple[float | None, ...] = (None,) * 4
            if table in LAYERS:
                sql = f"SELECT min(minx), min(miny), max(maxx), max(maxy) FROM rtree_{table}_geom"
                box = self._run(sql).fetchone()
            self._run(
                "UPDATE gpkg_contents SET last_change = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),"
                " min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?",
                (*box, table),
            )

    def _values(self, name: str, column: Sequence[Any]) -> Sequence[Any]:
        if name == "geom":
            return wkb.encode_many(column, self._srs_id)
        return column.tolist() if hasattr(column, "tolist") else column

    def _insert_rows(self, into: str, columns: Sequence[Sequence[Any]]) -> None:
        try:
            insert_rows(self._connection, into, columns)
        except sqlite3.Error as error:
            raise store_error(error, self._connection) from error

    @contextlib.contextmanager
    def _triggers_aside(self, table: str) -> Iterator[None]:
        """Take the insert triggers away while rows, boxes and places go in together, or not at all."""
        made = self._run(
            "SELECT name, sql FROM sqlite_master WHERE name IN (?, ?) AND tbl_name = ?",
            (f"rtree_{table}_geom_insert", INSERT_TRIGGER, table),
        ).fetchall()
        self._run("SAVEPOINT rows_and_boxes")
        whole = False
        try:
            for name, _ in made:
                self._run(f"DROP TRIGGER {name}")
            yield
            for _, sql in made:
                self._run(sql)
            whole = True
        finally:
            # A full disk ends the transaction, and the savepoint with it.
            if not whole and self._connection.in_transaction:
                self._run("ROLLBACK TO rows_and_boxes")
        self._run("RELEASE rows_and_boxes")

    def _index(self, table: str, ids: range, geometries: Sequence[Any]) -> None:
        import numpy as np
        import shapely

        bounds = shapely.bounds(np.asarray(geometries, dtype=object))
        there = ~np.isnan(bounds[:, 0])
        keys, boxes = np.asarray(ids, dtype=np.int64)[there], rounded_outwards(bounds[there])
        if table == self._bulk and self._boxes is not None:
            held = slice(self._held, self._held + len(keys))
            self._boxes[0][held], self._boxes[1][held] = keys, boxes
            self._held = held.stop
        else:
            self._insert_boxes(f"rtree_{table}_geom", keys, boxes)
