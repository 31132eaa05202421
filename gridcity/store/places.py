"""The table of the places of components: a B-tree of class, row and longitude, beside the R*Tree of boxes.

An R*Tree knows no class: the nearest lamp is found in it among everything that stands around. The table
holds an entry for each component; the lamps of one row of latitude stand in it together, from west to
east, so that those around a point are two or three runs of entries. Triggers keep it right whoever
writes; many components are entered in order instead.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from gridcity.store import wkb
from gridcity.store.wkb import Box

__all__ = ["DELETE_TRIGGER", "INSERT_TRIGGER", "fill_places", "places_near", "places_script", "standing"]

INSERT_TRIGGER: Final = "component_places_insert"
DELETE_TRIGGER: Final = "component_places_delete"
# Ours: a row is some 111 m high, so that the usual radius of 50 m meets one or two. The row of a latitude is
# cut towards zero, as SQLite cuts: that at the equator is twice as high, but rows are in order of latitude.
_PER_DEGREE: Final = 1000
# Ours: so many runs, classes times rows, are sought one by one; else all entries between two rows are looked
# at. A statement of 64 parts takes SQLite 0.3 ms to prepare, once.
_MOST_RUNS: Final = 64
# The row of lines and polygons, which lie in many. No latitude is -1000.
_SHAPE: Final = -1_000_000
# Components read at a time, so few that the next ones use the same memory: 100,000 take a third longer.
_FETCHED: Final = 4_000
# A point in two dimensions as gridcity writes it and most programs do: little-endian, without an envelope.
_PLAIN: Final = f"length(geom) = {wkb.POINT_BYTES} AND substr(geom, 9, 5) = x'0101000000'"
# A component that was moved since it was inserted has been entered by the trigger.
_INTO: Final = "INSERT OR REPLACE INTO component_places (class_code, row, x, component, y) VALUES"
_INSIDE: Final = "x BETWEEN ?1 AND ?3 AND y BETWEEN ?2 AND ?4"
_CODES: Final = "SELECT value FROM json_each(?5)"


def places_script() -> str:
    """Return the statements that make the table and its triggers."""
    from pathlib import Path

    script = (Path(__file__).parent / "schema" / "places.sql").read_text(encoding="utf-8")
    return script.replace("{n}", f"{_PER_DEGREE}.0").replace("{shape}", str(_SHAPE))


def places_near(
    connection: sqlite3.Connection, class_codes: Sequence[str], box: Box
) -> tuple[list[tuple[int, float, float]], list[int]]:
    """Return the components of some classes in a box; see `base.Reading.places_near`.

    Parameters
    ----------
    connection : sqlite3.Connection
        To a city that has the table.
    class_codes : sequence of str
        The classes.
    box : Box
        Degrees.
    """
    first, last = int(box[1] * _PER_DEGREE), int(box[3] * _PER_DEGREE)
    rows = last - first + 1
    if len(class_codes) * rows <= _MOST_RUNS:
        sql = _runs(len(class_codes), rows)
        found = connection.execute(sql, (*box, *class_codes, *range(first, last + 1))).fetchall()
    else:
        found = connection.execute(_BAND, (*box, json.dumps(class_codes), first, last)).fetchall()
    if not found or found[-1][0] is not None:
        return found, []
    shapes = connection.execute(_SHAPES, (*box, json.dumps(class_codes)))
    return found[:-1], [i for (i,) in shapes]


def _any_shape(codes: str) -> str:
    """Return the part of a statement that adds one row of NULL where there are shapes of some classes."""
    return (
        "SELECT * FROM (SELECT NULL, NULL, NULL FROM component_places"
        f" WHERE class_code IN ({codes}) AND row = {_SHAPE} LIMIT 1)"
    )


@cache
def _runs(classes: int, rows: int) -> str:
    """Return the statement for the places of some classes in a box: the box, the classes, the rows.

    The same text each time, because SQLite prepares each text once.
    """
    codes = [f"?{i + 5}" for i in range(classes)]
    parts = [
        "SELECT component, x, y FROM component_places"
        f" WHERE class_code = {code} AND row = ?{5 + classes + i} AND {_INSIDE}"
        for code in codes
        for i in range(rows)
    ]
    return " UNION ALL ".join([*parts, _any_shape(", ".join(codes))])


# A box, the classes as JSON, the first and the last row.
_BAND: Final = (
    f"SELECT component, x, y FROM component_places WHERE class_code IN ({_CODES})"
    f" AND row BETWEEN ?6 AND ?7 AND {_INSIDE} UNION ALL {_any_shape(_CODES)}"
)
# A box, the classes as JSON. The tree is asked first, and the table about each that it finds.
_SHAPES: Final = (
    "SELECT id FROM rtree_components_geom r WHERE minx <= ?3 AND maxx >= ?1 AND miny <= ?4 AND maxy >= ?2"
    f" AND EXISTS (SELECT 1 FROM component_places WHERE class_code IN ({_CODES}) AND row = {_SHAPE}"
    " AND x = 0 AND component = r.id)"
)


def standing(
    connection: sqlite3.Connection, class_codes: Sequence[str] | None
) -> Iterator[tuple[str, str, Any]]:
    """Yield where the components of some classes stand; see `base.Transaction.standing`.

    Parameters
    ----------
    connection : sqlite3.Connection
        To a city that has the table.
    class_codes : sequence of str or None
        The classes; None for all.
    """
    import numpy as np

    # Most are of one edition and have not ended. The others are found in one pass over the components: to
    # look up each place among them takes four times as long.
    (usual,) = connection.execute("SELECT edition FROM components LIMIT 1").fetchone() or ("",)
    others = connection.execute(
        "SELECT fid, CASE until WHEN '' THEN edition END FROM components"
        " WHERE until <> '' OR edition <> ? ORDER BY fid",
        (usual,),
    ).fetchall()
    editions = list(dict.fromkeys([usual, *(edition for _, edition in others)]))
    number = {edition: i for i, edition in enumerate(editions)}
    # The last is beyond every id, so that each has a place before one.
    ids = np.array([*(fid for fid, _ in others), np.iinfo(np.int64).max])
    of = np.array([*(number[edition] for _, edition in others), 0])
    if class_codes is None:
        found = connection.execute("SELECT DISTINCT class_code FROM component_places").fetchall()
        class_codes = [code for (code,) in found]
    for code in sorted(class_codes):
        at = f"WHERE class_code = ? AND row <> {_SHAPE}"
        cursor = connection.execute(f"SELECT component, x, y FROM component_places {at}", (code,))
        parts = [np.empty((0, 3))]
        while rows := cursor.fetchmany(_FETCHED):
            parts.append(np.array(rows, dtype=np.float64))
        table = np.concatenate(parts)
        near = np.searchsorted(ids, table[:, 0])
        edition = np.where(ids[near] == table[:, 0], of[near], 0)
        for i in np.unique(edition).tolist():
            if editions[i] is not None:
                yield editions[i], code, table[edition == i, 1:]


def fill_places(connection: sqlite3.Connection, first: int) -> None:
    """Enter the components from an id on, in the order of the table.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction; the trigger of inserts has entered no component from ``first`` on.
    first : int
        The lowest id.
    """
    import numpy as np

    from gridcity.store.rows import insert_rows

    numbers: dict[str, int] = {}
    parts = list(_read_places(connection, first, numbers))
    if not parts:
        return
    fid, x, y, number = (np.concatenate(column) for column in zip(*parts, strict=True))
    del parts
    codes = np.array(sorted(numbers), dtype=object)
    rank = np.argsort(np.argsort(list(numbers)))[number]
    shape = np.isnan(x)
    row = np.where(shape, _SHAPE, np.nan_to_num(y) * _PER_DEGREE).astype(np.int64)
    x[shape] = y[shape] = 0.0
    order = np.lexsort((x, row, rank))
    for begin in range(0, len(order), _FETCHED):
        some = order[begin : begin + _FETCHED]
        columns = codes[rank[some]], row[some], x[some], fid[some], y[some]
        insert_rows(connection, _INTO, [column.tolist() for column in columns])


def _read_places(
    connection: sqlite3.Connection, first: int, numbers: dict[str, int]
) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Yield ids, places (NaN for what is no point) and class numbers of components that are not empty."""
    import numpy as np

    columns = f"fid, class_code, geom, {_PLAIN}"
    cursor = connection.execute(f"SELECT {columns} FROM components WHERE fid >= ?", (first,))
    while rows := cursor.fetchmany(_FETCHED):
        fids, classes, blobs, plain = zip(*rows, strict=True)
        for code in dict.fromkeys(classes):
            numbers.setdefault(code, len(numbers))
        of_class = np.array([numbers[code] for code in classes], dtype=np.int16)
        xy = wkb.decode_points([blob for blob, known in zip(blobs, plain, strict=True) if known])
        there = np.isfinite(xy).all(axis=1)
        if len(xy) < len(rows):
            xy, there = _with_others(blobs, np.array(plain, dtype=bool), xy, there)
        yield np.array(fids, dtype=np.int64)[there], xy[there, 0], xy[there, 1], of_class[there]


def _with_others(blobs: tuple[bytes, ...], plain: Any, places: Any, finite: Any) -> tuple[Any, Any]:
    """Return the places of all geometries, those of the plain points being known, and which are not empty."""
    import numpy as np
    import shapely

    bounds = shapely.bounds(wkb.decode_many([blobs[i] for i in np.flatnonzero(~plain).tolist()]))
    point = (bounds[:, :2] == bounds[:, 2:]).all(axis=1)
    xy, there = np.empty((len(blobs), 2)), np.empty(len(blobs), dtype=bool)
    xy[plain], there[plain] = places, finite
    xy[~plain], there[~plain] = (
        np.where(point[:, None], bounds[:, :2], np.nan),
        np.isfinite(bounds).all(axis=1),
    )
    return xy, there
