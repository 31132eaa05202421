"""A tiny city built in code, straight into its store.

Places are counted in *sides* from the south-west corner of the city: ``at(2, 1)`` is the place two
sides east and one side north of it. A side is 1/1024 of a degree, some 84 m by 108 m, and the corner
is at 116.5 E 39.5 N: every place at a binary fraction of a side is an exact double, so that edges and
corners meet exactly and answers can be worked by hand::

    4 +-------+-------+-------+-------+-------+-------+
      |               |               |               |
    3 |   community   |   community   |               |
      |     ...001    |     ...002    |   a district  |
    2 +-------+-------+-------+       |   without a   |
      |   1   |   2   |   6           |   street      |
    1 +-------+-------+-------+       |       +---+   |
      |   3   |   4   |   5   |       |       | 7 |   |
    0 +-------+-------+-------+-------+-------+-------+
      0       1       2       3       4       5       6

Cells 1-4 and 6 have codes, 5 and 7 have none; 7 stands in no street.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from gridcity.city import City
from gridcity.profile import parse_profile

WEST, SOUTH, SIDE = 116.5, 39.5, 2.0**-10
EDITION = "gbt47678.5-2026"
STREET, COMMUNITY_1, COMMUNITY_2 = "110101005", "110101005001", "110101005002"
CODES = {1: f"{COMMUNITY_1}001", 2: f"{COMMUNITY_1}002", 3: f"{COMMUNITY_1}003", 4: f"{COMMUNITY_1}004"}
CODES |= {5: "", 6: f"{COMMUNITY_2}001", 7: ""}
SEWAGE_COVER, STORM_COVER, LAMP, GREEN, RAILING = "01002", "01003", "01037", "04013", "02017"

PROFILE = """
[city]
name = "样例城"
area_code = "110101"
older_edition = "cjt214-2007"
"""

_RECEIPT = dict.fromkeys(
    ("at", "source", "layer", "sha256", "system", "system_wkt", "datum", "encoding", "options"), ""
) | {"kind": "cells", **dict.fromkeys(("read", "added", "changed", "unchanged", "rejected", "collapsed"), 0)}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "areas": {"level": "community", "receipt": 1},
    "cells": {"area_m2": 1.0, "receipt": 1},
    "components": {"code": "", "edition": EDITION, "class_name": "", "receipt": 1},
    "parties": {"receipt": 1},
    "duties": {"party_name": "", "receipt": 1},
    "receipts": _RECEIPT,
}
# What a row has that does not name the column; ids and counts have no empty text.
_NULL = frozenset({"parent_id", "community_id", "street_id", "cell_id"})


def at(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of a place."""
    return WEST + x * SIDE, SOUTH + y * SIDE


def point(x: float, y: float) -> shapely.Point:
    return shapely.Point(at(x, y))


def line(*places: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([at(*place) for place in places])


def box(x: float, y: float, width: float = 1, height: float = 1) -> shapely.Polygon:
    """A rectangle by its south-west corner."""
    return shapely.box(*at(x, y), *at(x + width, y + height))


def array(geometries: Sequence[Any]) -> Any:
    """Geometries as an object array, whatever numpy would make of them."""
    found = np.empty(len(geometries), dtype=object)
    found[:] = geometries
    return found


def columns(table: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows as the columns that a transaction inserts, what a row leaves out filled in."""
    defaults = _DEFAULTS.get(table, {})
    names = dict.fromkeys([*defaults, *(name for row in rows for name in row)])
    found: dict[str, Any] = {
        name: [row.get(name, defaults.get(name, None if name in _NULL else "")) for row in rows]
        for name in names
    }
    if "geom" in found:
        # Areas and cells are registered as multipolygons.
        multi = table in ("areas", "cells")
        found["geom"] = array(
            [shapely.MultiPolygon([g]) if multi and g.geom_type == "Polygon" else g for g in found["geom"]]
        )
    return found


def add(city: City, table: str, *rows: Mapping[str, Any]) -> list[int]:
    """Insert rows and return their ids."""
    with city.store.transaction() as tx:
        return [int(i) for i in tx.insert(table, columns(table, rows))]


def empty_city(path: Path, profile: str = PROFILE) -> City:
    """A city with one receipt and nothing else."""
    city = City.create(path, parse_profile(profile))
    add(city, "receipts", {})
    return city


def tiny_city(path: Path, profile: str = PROFILE) -> City:
    """The city of the drawing, without components, parties and duties."""
    city = empty_city(path, profile)
    add(
        city,
        "areas",
        {"level": "district", "code": "110101", "name": "东城区", "geom": box(0, 0, 6, 4)},
        {"level": "street", "code": STREET, "name": "北新桥街道", "parent_id": 1, "geom": box(0, 0, 4, 4)},
        {"code": COMMUNITY_1, "name": "海运仓社区", "parent_id": 2, "geom": box(0, 0, 2, 4)},
        {"code": COMMUNITY_2, "name": "北新仓社区", "parent_id": 2, "geom": box(2, 0, 2, 4)},
    )
    places = {1: box(0, 1), 2: box(1, 1), 3: box(0, 0), 4: box(1, 0), 5: box(2, 0), 6: box(2, 1)}
    places[7] = box(5, 0, 0.5, 1)
    community = {1: 3, 2: 3, 3: 3, 4: 3, 5: 4, 6: 4}
    add(
        city,
        "cells",
        *(
            {
                "geom": shape,
                "code": CODES[i],
                "edition": EDITION,
                "community_id": community.get(i),
                "street_id": 2 if i in community else None,
            }
            for i, shape in places.items()
        ),
    )
    return city


def component(class_code: str, geom: Any, **more: Any) -> dict[str, Any]:
    """A component's row."""
    return {"class_code": class_code, "geom": geom, **more}
