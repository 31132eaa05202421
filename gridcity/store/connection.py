"""Connections to a GeoPackage, and the tables of a new city."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gridcity.errors import StoreError, readable
from gridcity.store import wkb

__all__ = [
    "APPLICATION_ID",
    "CODED",
    "LAYERS",
    "SCHEMA_VERSION",
    "TABLES",
    "YOUNGER_INDEX",
    "build",
    "connect",
    "store_error",
]

_SCHEMA: Final = Path(__file__).parent / "schema"
APPLICATION_ID: Final = 0x47504B47  # "GPKG"
_USER_VERSION: Final = 10300
SCHEMA_VERSION: Final = "1"
# A check of a million components reads for some ten seconds, and a writer must outwait it.
_BUSY_S: Final = 60.0
# Cities made before it get it in their next transaction; where it stands the statement does nothing.
YOUNGER_INDEX: Final = "CREATE INDEX IF NOT EXISTS components_key ON components(key) WHERE key <> ''"

LAYERS: Final = {"areas": "MULTIPOLYGON", "cells": "MULTIPOLYGON", "components": "GEOMETRY"}
"""The tables with geometry and the type their contents are registered with."""
CODED: Final = ("components", "cells", "areas", "parties")
"""The tables whose objects have codes."""
TABLES: Final = (
    *LAYERS,
    "parties",
    "duties",
    "receipts",
    "findings",
    "rejected_rows",
    "history",
    "serials",
    "gridcity_meta",
)


def connect(path: Path, *, read_only: bool, create: bool = False) -> sqlite3.Connection:
    """Open a GeoPackage with everything its triggers and gridcity's guarantees need.

    Parameters
    ----------
    path : Path
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
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_S)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA trusted_schema = ON")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} cannot be opened: {error}.", hint=_hint(error, "Check the path and its permissions.")
        ) from error
    for name, function in _ST_FUNCTIONS.items():
        connection.create_function(name, 1, function, deterministic=True)
    return connection


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
    scripts = [(_SCHEMA / name).read_text(encoding="utf-8") for name in ("geopackage.sql", "city.sql")]
    scripts.append(f"{YOUNGER_INDEX};")
    triggers = (_SCHEMA / "rtree.sql").read_text(encoding="utf-8")
    scripts += [triggers.replace("{t}", layer) for layer in LAYERS]
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
