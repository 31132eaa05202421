"""The city of irregular blocks as a store: imported by gridcity itself, and kept for the next run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from benchmarks.blocks import make_blocks
from benchmarks.points import Part, write_points
from benchmarks.town import DISTRICT, PROFILE, community_name, street_code, street_names, write_table
from gridcity import City
from gridcity.catalogue import ClassEntry, catalogue
from gridcity.crs import metres_per_degree
from sample_data.bodies import NAMED, duties, parties

__all__ = [
    "CLASSES",
    "EPSG",
    "block_city",
    "component_points",
    "furnished_city",
    "mixed_points",
    "point_classes",
    "read_cells",
]

EPSG = 4490
CLASSES = 121
"""Classes of the components: as many as the older national standards list."""

_UNIFORM, _CLUSTERED = 0.40, 0.58
_MARGIN = 0.02
_SPREAD_M = 250.0
_ALONG = 0.7
_KERB_M = 4.0
_PART = 500_000
_FIELDS = {"GLBJBSM": ("C", 17), "GLBJMC": ("C", 30), "YHDWMC": ("C", 40)}

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def block_city(folder: Path, cells: int, seed: int = 1) -> Path:
    """Make a city with areas, cells, parties and duties, or return the one that is there.

    Every street has an office that answers for its territory, so that every point within has a party.
    """
    path = folder / f"city-{cells}-{seed}.gpkg"
    if path.exists():
        return path
    blocks = make_blocks(cells, seed)
    streets = [street_code(s) for s in range(len(blocks.streets))]
    number = _serials(blocks.street)
    communities = [f"{streets[s]}{n:03d}" for s, n in zip(blocks.street, number, strict=True)]
    serials = _serials(blocks.community)
    codes = [f"{communities[c]}{n:03d}" for c, n in zip(blocks.community, serials, strict=True)]
    names = street_names()
    bodies = parties(streets)
    with _made(path) as making, City.create(making, PROFILE) as city:
        room = making.parent
        for level, columns, shapes in (
            ("street", {"code": streets, "name": names[: len(streets)]}, blocks.streets),
            (
                "community",
                {"code": communities, "name": [community_name(n - 1) for n in number]},
                blocks.communities,
            ),
        ):
            city.import_areas(_layer(room / f"{level}.gpkg", columns, shapes), level=level)
        city.import_cells(_layer(room / "cells.gpkg", {"BGID": codes}, blocks.cells))
        city.import_parties(write_table(room / "parties.csv", list(bodies.values())))
        city.import_duties(write_table(room / "duties.csv", duties(bodies, streets, communities)))
    return path


def furnished_city(folder: Path, cells: int, components: int, seed: int = 1) -> Path:
    """Make the same city with point components, or return the one that is there."""
    path = folder / f"city-{cells}-{components}-{seed}.gpkg"
    if path.exists():
        return path
    empty = block_city(folder, cells, seed)
    _, shapes = read_cells(empty)
    wkt = pyproj.CRS.from_epsg(EPSG).to_wkt("WKT1_ESRI")
    with _made(path) as making:
        survey = making.with_name("components.shp")
        write_points(survey, _FIELDS, _survey(shapes, components, seed), wkt)
        for file in folder.glob(f"{empty.name}*"):
            shutil.copyfile(file, making.with_name(file.name.replace(empty.name, path.name)))
        with City.open(making) as city:
            city.import_components(survey)
    return path


def read_cells(path: Path) -> tuple[Ints, npt.NDArray[Any]]:
    """Return ids and polygons of a city's cells, by code: of several the first is the edge rule's choice.

    The store has them as multipolygons of one part; as polygons they cost a peer less.
    """
    with City.open(path) as city:
        columns = city.store.columns("cells", ("fid", "code", "geom"))
    order = np.argsort(columns["code"].astype(str))
    return columns["fid"][order].astype(np.int64), shapely.get_geometry(columns["geom"][order], 0)


def mixed_points(shapes: npt.NDArray[Any], n: int, seed: int = 2) -> tuple[Floats, Floats]:
    """Return points as a city's are: many in few places, many anywhere, some exactly on a border.

    40 % lie anywhere in the box around the cells and 2 % of its width beyond, 58 % around hot spots, 1 % on a
    corner of a cell and 1 % in the middle of an edge, exactly.
    """
    rng = np.random.default_rng(seed)
    begin, end = _edges(shapes)
    low, high = begin.min(axis=0), begin.max(axis=0)
    margin = (high - low) * _MARGIN
    anywhere = rng.uniform(low - margin, high + margin, (int(n * _UNIFORM), 2))
    crowded = _crowded(begin, len(shapes), int(n * _CLUSTERED), rng)
    rest = n - len(anywhere) - len(crowded)
    corner = begin[rng.integers(0, len(begin), rest // 2)]
    edge = rng.integers(0, len(begin), rest - rest // 2)
    middle = (begin[edge] + end[edge]) / 2
    points = rng.permutation(np.concatenate([anywhere, crowded, corner, middle]))
    return np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])


def component_points(shapes: npt.NDArray[Any], n: int, seed: int) -> tuple[Floats, Floats, Ints]:
    """Return places and classes of things: most stand along borders, the others around hot spots.

    A few classes are many.
    """
    rng = np.random.default_rng(seed)
    begin, end = _edges(shapes)
    edge = rng.integers(0, len(begin), int(n * _ALONG))
    kerb = begin[edge] + (end[edge] - begin[edge]) * rng.random((len(edge), 1))
    kerb += rng.normal(0, _KERB_M, kerb.shape) / metres_per_degree(float(begin[:, 1].mean()))
    points = np.concatenate([kerb, _crowded(begin, len(shapes), n - len(edge), rng)])
    weight = np.arange(1, CLASSES + 1) ** -0.5
    return points[:, 0], points[:, 1], rng.choice(CLASSES, n, p=weight / weight.sum())


def point_classes() -> list[ClassEntry]:
    """Return the classes of the components, by number."""
    listed = catalogue("gbt47678.5-2026").entries
    return [found for found in listed if (found.kind, found.geometry) == ("component", "point")][:CLASSES]


def _edges(shapes: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Return both ends of every edge."""
    rings = shapely.get_rings(shapes)
    xy = shapely.get_coordinates(rings)
    last = np.cumsum(shapely.get_num_coordinates(rings)) - 1
    begin = np.delete(np.arange(len(xy)), last)
    return xy[begin], xy[begin + 1]


def _crowded(xy: Floats, cells: int, n: int, rng: np.random.Generator) -> Floats:
    """Return points around hot spots, one for every hundred cells, some far busier than others."""
    spots = xy[rng.integers(0, len(xy), max(20, cells // 100))]
    weight = rng.pareto(1.2, len(spots)) + 0.2
    spread = _SPREAD_M / np.array(metres_per_degree(float(xy[:, 1].mean())))
    return spots[rng.choice(len(spots), n, p=weight / weight.sum())] + rng.normal(0, spread, (n, 2))


def _survey(shapes: npt.NDArray[Any], n: int, seed: int) -> Iterator[Part]:
    classes, bodies = point_classes(), parties([])
    names = [found.zh for found in classes]
    keepers = [bodies[NAMED[zh][2]]["name"] if NAMED.get(zh, ("", "", ""))[2] else "" for zh in names]
    columns = [(field, _gbk(texts)) for field, texts in (("GLBJMC", names), ("YHDWMC", keepers))]
    prefixes = np.array([int(DISTRICT + found.code) for found in classes]) * 10**6
    taken = np.zeros(len(classes), dtype=np.int64)
    for number, start in enumerate(range(0, n, _PART)):
        size = min(_PART, n - start)
        lng, lat, klass = component_points(shapes, size, seed + 1000 * number)
        codes = (prefixes[klass] + taken[klass] + _serials(klass)).astype("S17")
        taken += np.bincount(klass, minlength=len(classes))
        yield lng, lat, {"GLBJBSM": codes} | {field: texts[klass] for field, texts in columns}


@contextmanager
def _made(path: Path) -> Iterator[Path]:
    """Give a room for making a file and what belongs to it; they come out of it only when all is done."""
    room = path.parent / "unfinished"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    yield room / path.name
    for file in room.glob(f"{path.name}*"):
        file.replace(path.parent / file.name)
    shutil.rmtree(room)


def _serials(group: Ints) -> Ints:
    """Return the number of each among those of its group, from 1."""
    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group)
    serials = np.empty(len(group), dtype=np.int64)
    serials[order] = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
    return serials


def _layer(path: Path, columns: Mapping[str, list[str]], shapes: npt.NDArray[Any]) -> Path:
    geopandas.GeoDataFrame(dict(columns), geometry=shapes, crs=EPSG).to_file(path, engine="pyogrio")
    return path


def _gbk(texts: list[str]) -> npt.NDArray[np.bytes_]:
    return np.array([text.encode("gbk") for text in texts])
