"""The embedded store: one GeoPackage a city, through the standard `sqlite3` module.

The file is a GeoPackage 1.3 that GIS programs open as it is. Whoever reads it from the same process
with another library must do so from a copy (`GeoPackage.backup`): two SQLite libraries in one process
undo each other's locks.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gridcity.errors import CityNotFoundError, StoreError
from gridcity.store import wkb
from gridcity.store.connection import (
    APPLICATION_ID,
    LAYERS,
    SCHEMA_VERSION,
    TABLES,
    build,
    connect,
    store_error,
)
from gridcity.store.wkb import Box

__all__ = ["LAYERS", "TABLES", "GeoPackage"]

# Tables whose rows are records of what happened: they are never changed into something else.
_WITHOUT_HISTORY: Final = frozenset(
    {"receipts", "findings", "rejected_rows", "history", "serials", "gridcity_meta"}
)


class _Reader:
    """Reading, on the connection of a store or of a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str, frozenset[str]] = {}

    def _run(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.Error as error:
            raise store_error(error) from error

    def meta(self) -> dict[str, str]:
        return dict(self._run("SELECT key, value FROM gridcity_meta").fetchall())

    def rows(
        self,
        table: str,
        columns: Sequence[str],
        where: Mapping[str, object] | None = None,
        *,
        on: str | None = None,
    ) -> list[tuple[Any, ...]]:
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
        if table not in LAYERS:
            raise KeyError(table)
        sql = (
            f"SELECT id, minx, miny, maxx, maxy FROM rtree_{table}_geom"
            " WHERE minx <= ? AND maxx >= ? AND miny <= ? AND maxy >= ?"
        )
        found = self._run(sql, (box.east, box.west, box.north, box.south))
        return [(row[0], Box(*row[1:])) for row in found]

    def count(self, table: str) -> int:
        self._table(table)
        return int(self._run(f"SELECT count(*) FROM {table}").fetchone()[0])

    def extent(self) -> Box | None:
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

    def _where(self, table: str, where: Mapping[str, object], on: str | None) -> tuple[str, list[object]]:
        parts: list[str] = []
        values: list[object] = []
        for column, value in where.items():
            name = self._name(table, column)
            if isinstance(value, (str, int, float)) or value is None:
                parts.append(f"{name} IS ?")
                values.append(value)
            else:
                parts.append(f"{name} IN (SELECT value FROM json_each(?))")
                values.append(json.dumps(list(value)))  # type: ignore[call-overload]
        if on is not None:
            since, until = self._name(table, "since"), self._name(table, "until")
            parts.append(f"{since} <= ? AND ({until} = '' OR {until} > ?)")
            values += [on, on]
        return ("WHERE " + " AND ".join(parts) if parts else ""), values


class _Transaction(_Reader):
    """Writing, between BEGIN IMMEDIATE and COMMIT."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._srs_id = int(self.meta()["stored_epsg"])
        self._touched: set[str] = set()

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> Any:
        import numpy as np

        names = [self._name(table, column) for column in columns]
        values = [self._values(name, column) for name, column in columns.items()]
        n = len(values[0])
        last = self._run("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        first = (last[0] if last else 0) + 1
        ids = range(first, first + n)
        marks = ", ".join("?" * (len(names) + 1))
        sql = f"INSERT INTO {table} (fid, {', '.join(names)}) VALUES ({marks})"
        with self._trigger_aside(table) if "geom" in columns else contextlib.nullcontext():
            self._run_many(sql, zip(ids, *values, strict=True))
            if "geom" in columns:
                self._index(table, ids, columns["geom"])
        self._touched.add(table)
        return np.arange(first, first + n, dtype=np.int64)

    def update(self, table: str, ids: Sequence[int], columns: Mapping[str, Sequence[Any]]) -> None:
        names = [self._name(table, column) for column in columns]
        values = [self._values(name, column) for name, column in columns.items()]
        keys = [int(i) for i in ids]
        if table not in _WITHOUT_HISTORY:
            self._remember(table, keys)
        assignments = ", ".join(f"{name} = ?" for name in names)
        self._run_many(f"UPDATE {table} SET {assignments} WHERE fid = ?", zip(*values, keys, strict=True))
        self._touched.add(table)

    def raise_serial(self, prefix: str, last: int) -> None:
        self._run(
            "INSERT INTO serials (prefix, last) VALUES (?, ?)"
            " ON CONFLICT (prefix) DO UPDATE SET last = max(last, excluded.last)",
            (prefix, last),
        )
        self._touched.add("serials")

    def take_serials(self, prefix: str, count: int, *, limit: int) -> range:
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

    def _run_many(self, sql: str, rows: Iterator[tuple[Any, ...]]) -> None:
        try:
            self._connection.executemany(sql, rows)
        except sqlite3.Error as error:
            raise store_error(error) from error

    def _values(self, name: str, column: Sequence[Any]) -> Sequence[Any]:
        if name == "geom":
            return wkb.encode_many(column, self._srs_id)
        return column.tolist() if hasattr(column, "tolist") else column

    @contextlib.contextmanager
    def _trigger_aside(self, table: str) -> Iterator[None]:
        """Take the insert trigger away while rows and their boxes go in together, or not at all."""
        name = f"rtree_{table}_geom_insert"
        (sql,) = self._run("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        self._run("SAVEPOINT rows_and_boxes")
        try:
            self._run(f"DROP TRIGGER {name}")
            yield
            self._run(sql)
        except BaseException:
            # A full disk ends the transaction, and the savepoint with it.
            if self._connection.in_transaction:
                self._run("ROLLBACK TO rows_and_boxes")
            raise
        self._run("RELEASE rows_and_boxes")

    def _index(self, table: str, ids: range, geometries: Sequence[Any]) -> None:
        import numpy as np
        import shapely

        bounds = shapely.bounds(np.asarray(geometries, dtype=object))
        there = ~np.isnan(bounds[:, 0])
        keys = np.asarray(ids, dtype=np.int64)[there].tolist()
        sides = bounds[there][:, [0, 2, 1, 3]].T.tolist()
        self._run_many(
            f"INSERT INTO rtree_{table}_geom VALUES (?, ?, ?, ?, ?)", zip(keys, *sides, strict=True)
        )

    def _remember(self, table: str, ids: list[int]) -> None:
        columns = [row[1] for row in self._run(f"PRAGMA table_info({table})") if row[1] != "geom"]
        record = ", ".join(f"'{column}', {column}" for column in columns)
        geometry = "geom" if table in LAYERS else "NULL"
        self._run(
            "INSERT INTO history (table_name, object_id, replaced_by, record, geom)"
            f" SELECT ?, fid, (SELECT max(fid) FROM receipts), json_object({record}), {geometry}"
            f" FROM {table} WHERE fid IN (SELECT value FROM json_each(?)) ORDER BY fid",
            (table, json.dumps(ids)),
        )
        self._touched.add("history")


class GeoPackage(_Reader):
    """One city in one GeoPackage.

    Parameters
    ----------
    path : str or Path
        An existing city; `GeoPackage.create` makes a new one.

    Raises
    ------
    CityNotFoundError
        There is no file at the path.
    StoreError
        The file is no city of gridcity, or one of a newer version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise CityNotFoundError(
                f"There is no city at {self.path}.",
                hint="Name one with --city, or make one: gridcity init CITY.gpkg --profile PROFILE.toml",
            )
        super().__init__(connect(self.path, read_only=True))
        self._depth = 0
        self._check_identity()
        self._leave_wal()

    @classmethod
    def create(cls, path: str | Path, meta: Mapping[str, str]) -> GeoPackage:
        """Make a new, empty city.

        Parameters
        ----------
        path : str or Path
            Where; nothing may exist there.
        meta : mapping of str to str
            ``profile`` (TOML), ``stored_epsg`` (4490 or 4326), ``name``.

        Raises
        ------
        StoreError
            Something exists at the path, or the folder cannot be written.
        """
        path = Path(path)
        if path.exists():
            raise StoreError(f"{path} exists already.", hint="Choose another path, or remove it first.")
        # A city appears whole: a half-made file would be refused by every later command.
        building = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            connection = connect(building, read_only=False, create=True)
            try:
                build(connection, meta)
            finally:
                connection.close()
            building.rename(path)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"The city {path} cannot be made: {error}.", hint="Check the folder.") from error
        finally:
            building.unlink(missing_ok=True)
        return cls(path)

    @contextlib.contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator[_Transaction]:
        """Open a transaction: all of the block is written, or nothing when it raises or is not kept.

        Raises
        ------
        StoreError
            The store cannot be written, or another process has been writing for a minute.
        """
        connection = connect(self.path, read_only=False)
        try:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise store_error(error) from error
            try:
                transaction = _Transaction(connection)
                yield transaction
                if keep:
                    transaction.finish()
                    connection.execute("COMMIT")
                else:
                    connection.execute("ROLLBACK")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise store_error(error) from error
                raise
        finally:
            connection.close()

    def backup(self, target: Path) -> None:
        """Write a consistent copy of the whole city to a new file.

        Raises
        ------
        StoreError
            Something exists at the path, or it cannot be written.
        """
        if target.exists():
            raise StoreError(f"{target} exists already.", hint="Choose another path, or remove it first.")
        copy = target.with_name(f".{target.name}.{os.getpid()}.new")
        try:
            connection = sqlite3.connect(copy, isolation_level=None)
            try:
                self._connection.backup(connection)
            finally:
                connection.close()
            copy.rename(target)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"The copy {target} cannot be written: {error}.", hint="Check the folder."
            ) from error
        finally:
            copy.unlink(missing_ok=True)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of the store in all readings of the block, whatever others write meanwhile.

        A writer waits at its commit until the block ends: read, then leave. Blocks may nest.
        """
        if self._depth == 0:
            self._run("BEGIN")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._run("ROLLBACK")

    def version(self) -> int:
        """Return a number that changes whenever somebody has written to the store."""
        return int(self._run("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close the store; closing twice is no error."""
        self._connection.close()

    def _check_identity(self) -> None:
        try:
            (application,) = self._connection.execute("PRAGMA application_id").fetchone()
            version = self.meta().get("schema_version") if application == APPLICATION_ID else None
        except (sqlite3.Error, StoreError) as error:
            self.close()
            raise StoreError(
                f"{self.path} is not a city of gridcity: {error}.", hint="Make one with gridcity init."
            ) from error
        if version != SCHEMA_VERSION:
            self.close()
            if version is None:
                raise StoreError(
                    f"{self.path} is not a city of gridcity.", hint="Make one with gridcity init."
                )
            raise StoreError(
                f"{self.path} has schema {version}; this gridcity knows {SCHEMA_VERSION}.",
                hint="Install the gridcity that made it, or a newer one.",
            )

    def _leave_wal(self) -> None:
        """Give a file that another program has left in WAL its journal back, unless that has it open still.

        A city on a shared drive cannot use the shared memory that WAL needs.
        """
        if self._run("PRAGMA journal_mode").fetchone() == ("wal",):
            self._run("PRAGMA query_only = OFF")
            with contextlib.suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode = DELETE")
            self._run("PRAGMA query_only = ON")
