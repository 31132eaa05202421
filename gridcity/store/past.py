"""What objects were: an image before every change, and the way back to them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

from gridcity.store.base import Transaction
from gridcity.store.connection import LAYERS
from gridcity.store.places import DELETE_TRIGGER
from gridcity.store.reading import Reader

__all__ = ["Past", "end"]

_OBJECTS: Final = ("areas", "cells", "components", "parties", "duties")


class Past(Reader):
    """The part of a transaction that keeps what was and goes back to it; see `base.Transaction`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._touched: set[str] = set()

    def take_back(self, receipts: Sequence[int]) -> dict[str, tuple[int, int]]:
        """Make everything that some receipts wrote what it was before them."""
        undone = json.dumps([int(receipt) for receipt in receipts])
        # A cell may go before the components that stood in it have their old cell again.
        self._run("PRAGMA defer_foreign_keys = ON")
        # Receipts only ever grow, so the images of the latest ones stand together at the end.
        (begin,) = self._run(
            "SELECT coalesce((SELECT fid FROM history WHERE replaced_by < ? ORDER BY fid DESC LIMIT 1), 0)",
            (min(receipts),),
        ).fetchone()
        self._run("CREATE TEMP TABLE images (object_id INTEGER PRIMARY KEY, image INTEGER)")
        self._run("CREATE TEMP TABLE gone (fid INTEGER PRIMARY KEY)")
        found = {}
        for table in _OBJECTS:
            self._find(table, undone, begin)
            counts = tuple(
                self._run(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("gone", "images")
            )
            if any(counts):
                found[table] = (counts[0], counts[1])
                self._remember(table, "SELECT fid FROM gone UNION ALL SELECT object_id FROM images")
                self._remove(table, counts[0])
                self._restore(table)
                self._touched.add(table)
            self._run("DELETE FROM gone")
            self._run("DELETE FROM images")
        self._run("DROP TABLE gone")
        self._run("DROP TABLE images")
        return found

    def _find(self, table: str, undone: str, begin: int) -> None:
        """Note what the receipts added, and of what they changed the image from before the first of them."""
        among = "IN (SELECT value FROM json_each(?))"
        self._run(
            "INSERT INTO images SELECT object_id, min(fid) FROM history"
            f" WHERE fid > ? AND +table_name = ? AND replaced_by {among} GROUP BY object_id",
            (begin, table, undone),
        )
        # What was added and then changed by one import has an image that names the import itself.
        self._run(
            f"INSERT INTO gone SELECT o.fid FROM {table} o LEFT JOIN images i ON i.object_id = o.fid"
            f" LEFT JOIN history h ON h.fid = i.image WHERE o.receipt {among}"
            f" AND (i.image IS NULL OR json_extract(h.record, '$.receipt') {among})",
            (undone, undone),
        )
        self._run("DELETE FROM images WHERE object_id IN (SELECT fid FROM gone)")

    def _remove(self, table: str, gone: int) -> None:
        """Remove the noted objects with their boxes and places."""
        remove = f"DELETE FROM {table} WHERE fid IN (SELECT fid FROM gone)"
        # A box is taken out of an R*Tree in 20 microseconds and put into a new one in 8.
        if table not in LAYERS or gone < self.count(table) - gone:
            self._run(remove)
            return
        tree = f"rtree_{table}_geom"
        (made,) = self._run("SELECT sql FROM sqlite_master WHERE name = ?", (tree,)).fetchone()
        triggers = self._run(
            "SELECT name, sql FROM sqlite_master WHERE name IN (?, ?) AND tbl_name = ?",
            (f"{tree}_delete", DELETE_TRIGGER, table),
        ).fetchall()
        self._run(f"CREATE TEMP TABLE kept AS SELECT * FROM {tree} WHERE id NOT IN (SELECT fid FROM gone)")
        for name, _ in triggers:
            self._run(f"DROP TRIGGER {name}")
        self._run(remove)
        self._run(f"DROP TABLE {tree}")
        self._run(made)
        self._run(f"INSERT INTO {tree} SELECT * FROM kept")
        if table == "components":
            self._run("DELETE FROM component_places WHERE component IN (SELECT fid FROM gone)")
        for _, sql in triggers:
            self._run(sql)
        self._run("DROP TABLE kept")

    def _restore(self, table: str) -> None:
        """Write the noted images over what is there."""
        columns = [
            row[1] for row in self._run(f"PRAGMA table_info({table})") if row[1] not in ("fid", "geom")
        ]
        source = f"FROM images i JOIN history h ON h.fid = i.image WHERE {table}.fid = i.object_id"
        if "code" in columns:
            # Two objects may have exchanged their codes, and no two may have one at any moment.
            self._run(
                f"UPDATE {table} SET code = '' {source} AND {table}.code <> json_extract(h.record, '$.code')"
            )
        assignments = ", ".join(f"{column} = json_extract(h.record, '$.{column}')" for column in columns)
        self._run(f"UPDATE {table} SET {assignments} {source}")
        # SQLite ends a text out of JSON at a NUL, which it writes whole.
        nul = self._run(
            "SELECT i.object_id, h.record FROM images i JOIN history h ON h.fid = i.image"
            " WHERE instr(h.record, '\\u0000')"
        )
        for object_id, record in nul.fetchall():
            was = json.loads(record)
            self._run(
                f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in columns)} WHERE fid = ?",
                (*(was[column] for column in columns), object_id),
            )
        if table in LAYERS:
            # Only where it differs: every geometry written goes through the R*Tree again.
            self._run(f"UPDATE {table} SET geom = h.geom {source} AND {table}.geom IS NOT h.geom")

    def _remember(
        self, table: str, ids: str, values: Sequence[object] = (), *, receipt: int | None = None
    ) -> None:
        """Put what the objects are into the history; ``ids`` is the statement that selects theirs.

        The receipt is that of what replaces them, the latest one where the change has none of its own.
        """
        self._run(
            "INSERT INTO history (table_name, object_id, replaced_by, record, geom)"
            f" SELECT ?, fid, coalesce(?, (SELECT max(fid) FROM receipts)), {self._image(table)}"
            f" FROM {table} WHERE fid IN ({ids}) ORDER BY fid",
            (table, receipt, *values),
        )
        self._touched.add("history")


def end(tx: Transaction, table: str, ids: Sequence[int], day: str, receipt: int) -> list[int]:
    """End objects: from a day on they are no longer valid.

    Parameters
    ----------
    tx : Transaction
        Its latest receipt is the one given: what the objects were goes into the history under it.
    table : str
        ``cells``, ``components``, ``parties`` or ``duties``.
    ids : sequence of int
        The objects; those that have an end keep it.
    day : str
        ISO date, the first day on which they are not valid.
    receipt : int
        Stands in the objects that were ended.

    Returns
    -------
    list of int
        The objects that were ended.
    """
    ended = [fid for (fid,) in tx.rows(table, ("fid",), {"fid": [int(i) for i in ids], "until": ""})]
    if ended:
        tx.update(table, ended, {"until": [day] * len(ended), "receipt": [receipt] * len(ended)})
    return ended
