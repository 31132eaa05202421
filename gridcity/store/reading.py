"""Reading rows, columns and boxes from an open GeoPackage."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gridcity.store import wkb
from gridcity.store.connection import CODED, LAYERS, TABLES, store_error
from gridcity.store.wkb import Box

__all__ = ["Reader"]

_PlacesNear = Callable[..., tuple[list[tuple[int, float, float]], list[int]]]
# Rows read together for a digest, which depends on it.
_HASHED = 4096


class Reader:
    """The reading half of a store, on its own connection or on that of a transaction; see `base.Reading`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str, frozenset[str]] = {}
        self._of_one: dict[tuple[str, tuple[str, ...]], str] = {}
        self._places_near: _PlacesNear | None = None

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
        if where and on is not None and len(where) == 1 and type(one := where.get("fid")) is int:
            # What one question after the other asks for, whose statement is worked out once.
            key = table, tuple(columns)
            if key not in self._of_one:
                self._of_one[key] = self._select(table, columns, where, on)[0]
            return self._run(self._of_one[key], (one, on, on)).fetchall()
        return self._run(*self._select(table, columns, where or {}, on)).fetchall()

    def _select(
        self, table: str, columns: Sequence[str], where: Mapping[str, object], on: str | None
    ) -> tuple[str, list[object]]:
        names = ", ".join(self._name(table, column) for column in columns)
        condition, values = self._where(table, where, on)
        # The parts of the statement are names out of the schema; every value is bound.
        return f"SELECT {names} FROM {table} {condition} ORDER BY fid", values

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

    def outwards(self, table: str, distance: Callable[[Box], float]) -> Iterator[tuple[float, int]]:
        """Iterate over distance and id of all objects of a layer, those with the nearest boxes first."""
        from gridcity.store.tree import outwards

        if table not in LAYERS:
            raise KeyError(table)
        try:
            yield from outwards(self._connection, f"rtree_{table}_geom", distance)
        except sqlite3.Error as error:
            raise store_error(error, self._connection) from error

    def places_near(
        self, class_codes: Sequence[str], box: Box
    ) -> tuple[list[tuple[int, float, float]], list[int]]:
        """Return the components of some classes in a box: points with their places, ids of others."""
        near = self._places_near or self._find_places()
        if near is None:
            return [], [i for i, _ in self.near("components", box)]
        try:
            return near(self._connection, class_codes, box)
        except sqlite3.Error as error:
            raise store_error(error, self._connection) from error

    def _find_places(self) -> _PlacesNear | None:
        """Return what looks into the places of components; the former version of a city had none."""
        if self._run("PRAGMA table_info(component_places)").fetchall():
            from gridcity.store.places import places_near

            self._places_near = places_near
        return self._places_near

    def fingerprint(self, table: str, columns: Sequence[str], on: str) -> str:
        """Return a digest of some columns of the rows of a table that are valid on a day."""
        import hashlib

        names = [self._name(table, column) for column in columns]
        condition, values = self._where(table, {}, on)
        cursor = self._run(f"SELECT {', '.join(names)} FROM {table} {condition} ORDER BY fid", values)
        digest = hashlib.blake2b(json.dumps([table, names]).encode(), digest_size=16)
        while rows := cursor.fetchmany(_HASHED):
            for name, column in zip(names, zip(*rows, strict=True), strict=True):
                if name == "geom":
                    # The lengths say where one geometry ends and the next begins.
                    digest.update(
                        json.dumps([None if blob is None else len(blob) for blob in column]).encode()
                    )
                    digest.update(b"".join(blob for blob in column if blob is not None))
                else:
                    digest.update(json.dumps(column).encode())
        return digest.hexdigest()

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
        known = self._known.get(table)
        if known is None:
            self._table(table)
            known = frozenset(row[1] for row in self._run(f"PRAGMA table_info({table})"))
            self._known[table] = known
        if column not in known:
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
