"""The city of irregular blocks with a duty table of its own: thousands of parties, duties at every level."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from benchmarks.city import block_city, read_cells
from gridcity import City
from gridcity.catalogue import ClassEntry, catalogue
from gridcity.crs import metres_per_degree

__all__ = ["CLASSES", "POLYGONS", "answering_city", "asked_classes"]

CLASSES = 60
"""Classes that are asked about: half of them of events, half of components."""

_EDITION = "gbt47678.5-2026"
POLYGONS = 1_000
# Shares of the duties; the rest are those of polygons.
_AT = {"cells": 0.60, "communities": 0.24, "streets": 0.10, "district": 0.005}
_PARK_M, _ROAD_M, _KERB_M = (60.0, 250.0), (400.0, 2_500.0), 12.0
# Duties that are for one condition, and territories: duties without a class.
_CONDITIONAL, _TERRITORIAL = 0.1, 0.2


def asked_classes() -> list[ClassEntry]:
    """Return the classes that are asked about, and that duties are for."""
    of_kind = (catalogue(_EDITION).of(kind) for kind in ("event", "component"))
    return [entry for entries in of_kind for entry in list(entries)[: CLASSES // 2]]


def answering_city(folder: Path, cells: int, parties: int, duties: int, seed: int = 1) -> Path:
    """Make the city with so many parties and duties, or return the one that is there."""
    path = folder / f"city-{cells}-{parties}-{duties}-{seed}.gpkg"
    if path.exists():
        return path
    empty = block_city(folder, cells, seed)
    making = path.with_suffix(".making")
    shutil.copyfile(empty, making)
    with City.open(making) as city:
        receipt = city.store.rows("receipts", ("fid",))[0][0]
        names = [f"样例单位{i}" for i in range(parties)]
        rows = list(_duties(city, names, duties, np.random.default_rng(seed)))
        with city.store.transaction() as tx:
            tx.insert("parties", {"name": names, "receipt": [receipt] * parties})
            table: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
            shapes = np.empty(len(rows), dtype=object)
            shapes[:] = table["geom"]
            tx.insert("duties", table | {"geom": shapes, "receipt": [receipt] * len(rows)})
    index = empty.with_name(f"{empty.name}.cells")
    if index.exists():
        shutil.copyfile(index, path.with_name(f"{path.name}.cells"))
    making.replace(path)
    return path


def _duties(city: City, parties: list[str], n: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    classes = asked_classes()
    codes = {
        "cells": [code for (code,) in city.store.rows("cells", ("code",)) if code],
        "district": ["110101"],
    }
    for level, name in (("community", "communities"), ("street", "streets")):
        codes[name] = [code for (code,) in city.store.rows("areas", ("code",), {"level": level})]
    polygons = _polygons(read_cells(city.path)[1], rng)
    places = [code for name, share in _AT.items() for code in rng.choice(codes[name], int(n * share))]
    places += [None] * (n - len(places))
    for i, code in enumerate(places):
        entry = None if rng.random() < _TERRITORIAL else classes[rng.integers(len(classes))]
        # Polygons in their order: each has some duties, and all of them are used.
        shape = polygons[i % len(polygons)] if code is None else None
        yield {
            "party_name": parties[rng.integers(len(parties))],
            "role": ("handler", "maintainer", "owner", "supervisor")[rng.integers(4)],
            "class_kind": entry.kind if entry else "",
            "class_code": entry.code if entry else "",
            "class_name": entry.zh if entry else "",
            "edition": _EDITION if entry else "",
            "condition": "破损" if entry and rng.random() < _CONDITIONAL else "",
            "place_code": code or "",
            "place_name": "" if code else f"样例园{i % len(polygons)}",
            "area_m2": None if shape is None else float(shapely.area(shape)) * 1e10,
            "geom": shape,
        }


def _polygons(cells: npt.NDArray[Any], rng: np.random.Generator) -> list[shapely.MultiPolygon]:
    """Return parks and roads: half of them round, half of them long."""
    middles = shapely.get_coordinates(shapely.centroid(rng.choice(cells, POLYGONS)))
    per = np.array(metres_per_degree(float(middles[:, 1].mean())))
    shapes = []
    for i, (x, y) in enumerate(middles):
        if i % 2:
            shape = shapely.Point(0, 0).buffer(rng.uniform(*_PARK_M))
        else:
            length, turn = rng.uniform(*_ROAD_M), rng.uniform(0, np.pi)
            way = np.array([np.cos(turn), np.sin(turn)]) * length / 2
            shape = shapely.LineString([-way, way]).buffer(_KERB_M)
        placed = shapely.transform(shape, lambda xy, x=x, y=y: xy / per + (x, y))
        shapes.append(shapely.MultiPolygon([placed]))
    return shapes
