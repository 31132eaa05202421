"""Connections to a GeoPackage, and the tables of a new city."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from gridcity.errors import StoreError, readable
from gridcity.store import wkb

__all__ = [
    "APPLICATION_ID",
    "CODED",
    "FORMER_VERSIONS",
    "LAYERS",
    "SCHEMA_VERSION",
    "TABLES",
    "YOUNGER_INDEX",
    "build",
    "connect",
    "schema_script",
    "store_error",
    "upgrade",
]

APPLICATION_ID: Final = 0x47504B47  # "GPKG"
_USER_VERSION: Final = 10300
SCHEMA_VERSION: Final = "3"
# The first without the places of components, both without duties in places of their own and the spacing of
# classes. They are read as they are, and upgraded by the first transaction.
FORMER_VERSIONS: Final = ("1", "2")
# A check of a million components reads for some ten seconds, and a writer must outwait it.
_BUSY_S: Final = 60.0
# Ours: the places and rows around points that are asked about one by one; SQLite's own 2 MB hold them for a
# tenth of a city of 170,000 components.
_READ_CACHE_KIB: Final = 32_768
# Some cities of the former version have it, some were made before it.
YOUNGER_INDEX: Final = "CREATE INDEX IF NOT EXISTS components_key ON components(key) WHERE key <> ''"

LAYERS: Final = {
    "areas": "MULTIPOLYGON",
    "cells": "MULTIPOLYGON",
    "components": "GEOMETRY",
    "duties": "MULTIPOLYGON",
}
"""The tables with geometry and the type their contents are registered with."""
CODED: Final = ("components", "cells", "areas", "parties")
"""The tables whose objects have codes."""
TABLES: Final = (
    *LAYERS,
    "parties",
    "receipts",
    "findings",
    "rejected_rows",
    "history",
    "serials",
    "spacings",
    "gridcity_meta",
)


def connect(path: str | os.PathLike[str], *, read_only: bool, create: bool = False) -> sqlite3.Connection:
    """Open a GeoPackage with everything its triggers and gridcity's guarantees need.

    Parameters
    ----------
    path : str or Path
        The file.
    read_only : bool
        Refuse every write on this connection.
    create : bool, optional
        Make the file where there is none.

    Raises
    ------
    StoreError
        The file cannot be opened.
    """
    # Opened for writing even to read: after a crash the first reader must be able to roll back the journal.
    mode = "rwc" if create else "rw" if os.access(path, os.W_OK) else "ro"
    try:
        uri = f"{_uri(path)}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_S)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA trusted_schema = ON")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA cache_size = -{_READ_CACHE_KIB}")
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} cannot be opened: {error}.", hint=_hint(error, "Check the path and its permissions.")
        ) from error
    for name, function in _ST_FUNCTIONS.items():
        connection.create_function(name, 1, function, deterministic=True)
    return connection


def _uri(path: str | os.PathLike[str]) -> str:
    """Return the address of a file as SQLite reads it (https://sqlite.org/uri.html, 3.1)."""
    # pathlib writes it too, and takes as long to load as SQLite.
    name = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")  # noqa: PTH100
    return f"file://{name}" if os.sep == "/" else f"file:///{name.replace(os.sep, '/')}"


def build(connection: sqlite3.Connection, meta: Mapping[str, str]) -> None:
    """Make the tables of an empty city in an empty database, in one transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
        From `connect`.
    meta : mapping of str to str
        What ``gridcity_meta`` holds; ``stored_epsg`` among it.
    """
    srs_id = int(meta["stored_epsg"])
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_USER_VERSION}")
    from gridcity.store.places import places_script

    scripts = [schema_script("geopackage.sql"), schema_script("city.sql")]
    scripts += [f"{YOUNGER_INDEX};", places_script()]
    scripts += [schema_script("rtree.sql").replace("{t}", layer) for layer in LAYERS]
    connection.executescript("BEGIN;" + "".join(scripts))
    for table in TABLES:
        kind, srs = ("features", srs_id) if table in LAYERS else ("attributes", None)
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?, ?, ?, ?)",
            (table, kind, table, srs),
        )
    for layer, shape in LAYERS.items():
        connection.execute(
            "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)", (layer, shape, srs_id)
        )
        connection.execute(
            "INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index',"
            " 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')",
            (layer,),
        )
    connection.executemany(
        "INSERT INTO gridcity_meta (key, value) VALUES (?, ?)",
        [("schema_version", SCHEMA_VERSION), *meta.items()],
    )
    connection.execute("COMMIT")


def upgrade(connection: sqlite3.Connection) -> None:
    """Make a city of a former version one of this version, in the transaction that is open.

    Parameters
    ----------
    connection : sqlite3.Connection
        From `connect`, in a transaction; a city of this version is left as it is.
    """
    from gridcity.store.places import fill_places, places_script

    found = connection.execute("SELECT value FROM gridcity_meta WHERE key = 'schema_version'").fetchone()
    if found not in {(version,) for version in FORMER_VERSIONS}:
        return
    if found == (FORMER_VERSIONS[0],):
        connection.execute(YOUNGER_INDEX)
        _execute(connection, places_script())
        fill_places(connection, 0)
    _execute(connection, schema_script("upgrade.sql"))
    _execute(connection, schema_script("rtree.sql").replace("{t}", "duties"))
    connection.execute("UPDATE gridcity_meta SET value = ? WHERE key = 'schema_version'", (SCHEMA_VERSION,))


def schema_script(name: str) -> str:
    """Return the text of a file of statements."""
    from pathlib import Path

    return (Path(__file__).parent / "schema" / name).read_text(encoding="utf-8")


def _execute(connection: sqlite3.Connection, script: str) -> None:
    """Run statements one by one: a script run at once would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _side(name: str) -> Any:
    def side(blob: bytes | None) -> float | None:
        found = None if blob is None else wkb.box(blob)
        return None if found is None else float(getattr(found, name))

    return side


# What the R*Tree triggers call; SQLite itself does not have them.
_ST_FUNCTIONS: Final = {
    "ST_IsEmpty": lambda blob: None if blob is None else int(wkb.is_empty(blob)),
    "ST_MinX": _side("west"),
    "ST_MaxX": _side("east"),
    "ST_MinY": _side("south"),
    "ST_MaxY": _side("north"),
}


_HINTS: Final = {
    "locked": "Another process is writing; try again when it has finished.",
    "readonly": "The file or its folder cannot be written; check the permissions.",
    "full": "The disk is full; nothing was changed.",
    "disk I/O error": "The disk is full or failing; nothing was changed.",
    "malformed": "The file is damaged; restore a backup.",
    "not a database": "Name a city with --city, or make one with gridcity init.",
}


def store_error(error: sqlite3.Error, connection: sqlite3.Connection) -> StoreError:
    """Return what SQLite says as an exception of gridcity, with the file and what to do about it."""
    path = _file_of(connection)
    if "readonly" in str(error):
        return StoreError(
            f"The city {path} cannot be written: the file or its folder is read-only.",
            hint="Give yourself the right to write both, or work on a copy in a folder of your own.",
        )
    hint = _hint(error, "Check the file and its folder.")
    return StoreError(f"The store{' ' * bool(path)}{path} cannot be used: {error}.", hint=hint)


def _file_of(connection: sqlite3.Connection) -> str:
    """Return the path of a connection's file; empty once it is closed."""
    try:
        return readable(connection.execute("PRAGMA database_list").fetchone()[2])
    except sqlite3.Error:
        return ""


def _hint(error: sqlite3.Error, otherwise: str) -> str:
    return next((hint for words, hint in _HINTS.items() if words in str(error)), otherwise)
