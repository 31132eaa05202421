"""Reading rows, columns and boxes from an open GeoPackage."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from gridcity.store import wkb
from gridcity.store.connection import CODED, LAYERS, TABLES, store_error
from gridcity.store.wkb import Box

__all__ = ["Reader"]


class Reader:
    """The reading half of a store, on its own connection or on that of a transaction; see `base.Reading`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str, frozenset[str]] = {}

    def _run(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.Error as error:
            raise store_error(error, self._connection) from error

    def meta(self) -> dict[str, str]:
        """Return the city's metadata."""
        return dict(self._run("SELECT key, value FROM gridcity_meta").fetchall())

    def rows(
        self,
        table: str,
        columns: Sequence[str],
        where: Mapping[str, object] | None = None,
        *,
        on: str | None = None,
    ) -> list[tuple[Any, ...]]:
        """Return the rows that match, in the order of their ids."""
        names = ", ".join(self._name(table, column) for column in columns)
        condition, values = self._where(table, where or {}, on)
        # The parts of the statement are names out of the schema; every value is bound.
        return self._run(f"SELECT {names} FROM {table} {condition} ORDER BY fid", values).fetchall()

    def columns(
        self,
        table: str,
        columns: Sequence[str],
        where: Mapping[str, object] | None = None,
        *,
        on: str | None = None,
    ) -> dict[str, Any]:
        """Return the same as numpy object arrays, geometry as shapely's."""
        import numpy as np

        rows = self.rows(table, columns, where, on=on)
        found: dict[str, Any] = {}
        for i, column in enumerate(columns):
            if column == "geom":
                found[column] = wkb.decode_many([row[i] for row in rows])
            else:
                array = np.empty(len(rows), dtype=object)
                array[:] = [row[i] for row in rows]
                found[column] = array
        return found

    def near(self, table: str, box: Box) -> list[tuple[int, Box]]:
        """Return id and box of the objects whose box meets the given one."""
        if table not in LAYERS:
            raise KeyError(table)
        sql = (
            f"SELECT id, minx, miny, maxx, maxy FROM rtree_{table}_geom"
            " WHERE minx <= ? AND maxx >= ? AND miny <= ? AND maxy >= ?"
        )
        found = self._run(sql, (box.east, box.west, box.north, box.south))
        return [(row[0], Box(*row[1:])) for row in found]

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        self._table(table)
        return int(self._run(f"SELECT count(*) FROM {table}").fetchone()[0])

    def ever_coded(self, code: str) -> list[tuple[str, int]]:
        """Return table and id of the objects that have a code or had it once, removed ones too."""
        found = [(table, fid) for table in CODED for (fid,) in self.rows(table, ("fid",), {"code": code})]
        # The images are JSON without blanks; a quotation mark inside a text has a backslash before it.
        sql = (
            "SELECT DISTINCT table_name, object_id FROM history"
            " WHERE instr(record, '\"code\":' || json_quote(?)) ORDER BY table_name, object_id"
        )
        return list(dict.fromkeys([*found, *self._run(sql, (code,))])) if code else []

    def images(self, table: str, object_id: int) -> list[tuple[int | None, dict[str, Any], bytes | None]]:
        """Return what an object was and is, the oldest first, each with the receipt that replaced it."""
        self._table(table)
        where = "WHERE table_name = ? AND object_id = ? ORDER BY fid"
        found = self._run(
            f"SELECT replaced_by, record, geom FROM history {where}", (table, object_id)
        ).fetchall()
        found += self._run(f"SELECT NULL, {self._image(table)} FROM {table} WHERE fid = ?", (object_id,))
        return [(receipt, json.loads(record), geom) for receipt, record, geom in found]

    def codes_beside(self, code: str) -> list[str]:
        """Return the codes before and after a code in every table that has codes."""
        found = [
            self._run(
                f"SELECT {side}(code) FROM {table} WHERE code {sign} ? AND code <> ''", (code,)
            ).fetchone()
            for table in CODED
            for side, sign in (("max", "<"), ("min", ">"))
        ]
        return sorted(text for (text,) in found if text is not None)

    def extent(self) -> Box | None:
        """Return the box around all areas and cells."""
        sql = (
            "SELECT min(minx), min(miny), max(maxx), max(maxy) FROM"
            " (SELECT * FROM rtree_areas_geom UNION ALL SELECT * FROM rtree_cells_geom)"
        )
        row = self._run(sql).fetchone()
        return None if row[0] is None else Box(*row)

    def _table(self, table: str) -> None:
        if table not in TABLES:
            raise KeyError(table)

    def _name(self, table: str, column: str) -> str:
        self._table(table)
        if table not in self._known:
            self._known[table] = frozenset(row[1] for row in self._run(f"PRAGMA table_info({table})"))
        if column not in self._known[table]:
            raise KeyError(f"{table}.{column}")
        return column

    def _image(self, table: str) -> str:
        """Return the expressions for a row of a table as the history keeps it: a record and a geometry."""
        columns = [row[1] for row in self._run(f"PRAGMA table_info({table})") if row[1] != "geom"]
        record = ", ".join(f"'{column}', {column}" for column in columns)
        return f"json_object({record}), {'geom' if table in LAYERS else 'NULL'}"

    def _where(self, table: str, where: Mapping[str, object], on: str | None) -> tuple[str, list[object]]:
        parts: list[str] = []
        values: list[object] = []
        for column, value in where.items():
            name = self._name(table, column)
            if isinstance(value, (str, int, float)) or value is None:
                wanted = [value]
                parts.append(f"{name} IS ?")
                values.append(value)
            else:
                wanted = list(value)  # type: ignore[call-overload]
                parts.append(f"{name} IN (SELECT value FROM json_each(?))")
                values.append(json.dumps(wanted))
            if all(isinstance(text, str) and text for text in wanted):
                # Codes and keys are indexed where there are any, and SQLite must see that there is one.
                parts.append(f"{name} <> ''")
        if on is not None:
            since, until = self._name(table, "since"), self._name(table, "until")
            parts.append(f"{since} <= ? AND ({until} = '' OR {until} > ?)")
            values += [on, on]
        return ("WHERE " + " AND ".join(parts) if parts else ""), values
