"""The embedded store: one GeoPackage a city, through the standard `sqlite3` module.

The file is a GeoPackage 1.3 that GIS programs open as it is. Whoever reads it from the same process
with another library must do so from a copy (`GeoPackage.backup`): two SQLite libraries in one process
undo each other's locks.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gridcity.errors import CityNotFoundError, StoreError
from gridcity.store.connection import (
    APPLICATION_ID,
    FORMER_VERSIONS,
    LAYERS,
    SCHEMA_VERSION,
    TABLES,
    build,
    connect,
    schema_script,
    store_error,
    upgrade,
)
from gridcity.store.reading import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from gridcity.store.transaction import WriteTransaction

__all__ = ["LAYERS", "TABLES", "GeoPackage"]


class GeoPackage(Reader):
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
        self._file = os.fspath(path)
        if not os.path.isfile(self._file):  # noqa: PTH113  # see `path`
            raise CityNotFoundError(
                f"There is no city at {self.path}.",
                hint="Name one with --city, or make one: gridcity init CITY.gpkg --profile PROFILE.toml",
            )
        super().__init__(connect(self._file, read_only=True))
        self._depth = 0
        self._former = self._check_identity() in FORMER_VERSIONS
        if self._former:
            with self._unlocked():
                self._connection.executescript(schema_script("former.sql"))
        self._leave_wal()

    @property
    def path(self) -> Path:
        """Where the city is kept."""
        # pathlib takes as long to load as SQLite, and one question never asks for it.
        from pathlib import Path

        return Path(self._file)

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
        from pathlib import Path

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
    def transaction(self, *, keep: bool = True) -> Iterator[WriteTransaction]:
        """Open a transaction: all of the block is written, or nothing when it raises or is not kept.

        Raises
        ------
        StoreError
            The store cannot be written, or another process has been writing for a minute.
        """
        # A question never writes, and should not load what writing needs.
        from gridcity.store.transaction import WriteTransaction

        connection = connect(self.path, read_only=False)
        try:
            try:
                connection.execute("BEGIN IMMEDIATE")
                upgrade(connection)
            except sqlite3.Error as error:
                raise store_error(error, connection) from error
            try:
                transaction = WriteTransaction(connection, self.path)
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
                    raise store_error(error, connection) from error
                raise
        finally:
            connection.close()
            if self._former and self._depth == 0:
                self._forget_former()

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
            if self._former:
                self._forget_former()
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

    def _check_identity(self) -> str:
        """Return the version of the schema; close the file and raise where it is none that can be read."""
        try:
            (application,) = self._connection.execute("PRAGMA application_id").fetchone()
            version = self.meta().get("schema_version") if application == APPLICATION_ID else None
        except (sqlite3.Error, StoreError) as error:
            self.close()
            raise StoreError(
                f"{self.path} is not a city of gridcity: {error}.", hint="Make one with gridcity init."
            ) from error
        if version not in (*FORMER_VERSIONS, SCHEMA_VERSION):
            self.close()
            if version is None:
                raise StoreError(
                    f"{self.path} is not a city of gridcity.", hint="Make one with gridcity init."
                )
            raise StoreError(
                f"{self.path} has schema {version}; this gridcity knows {SCHEMA_VERSION}.",
                hint="Install the gridcity that made it, or a newer one.",
            )
        return version

    def _forget_former(self) -> None:
        """Read a city as it is now where somebody has upgraded it since it was opened."""
        if self.meta()["schema_version"] == SCHEMA_VERSION:
            with self._unlocked():
                for view in ("duties", "spacings", "rtree_duties_geom"):
                    self._connection.execute(f"DROP VIEW temp.{view}")
            self._known.clear()
            self._former = False

    @contextlib.contextmanager
    def _unlocked(self) -> Iterator[None]:
        """Let this connection write for the time of the block."""
        self._run("PRAGMA query_only = OFF")
        try:
            yield
        finally:
            self._run("PRAGMA query_only = ON")

    def _leave_wal(self) -> None:
        """Give a file that another program has left in WAL its journal back, unless that has it open still.

        A city on a shared drive cannot use the shared memory that WAL needs.
        """
        if self._run("PRAGMA journal_mode").fetchone() == ("wal",):
            with self._unlocked(), contextlib.suppress(sqlite3.OperationalError):
                self._connection.execute("PRAGMA journal_mode = DELETE")
