"""Geometry blobs: what goes in comes out, and no bytes do worse than a StoreError."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.errors import StoreError
from gridcity.store import wkb

degrees = st.floats(-180, 180, allow_nan=False)
places = st.tuples(degrees, degrees)
points = places.map(shapely.Point)
lines = st.lists(places, min_size=2, max_size=6).map(shapely.LineString)
boxes = st.tuples(degrees, degrees, st.floats(0.001, 10), st.floats(0.001, 10)).map(
    lambda b: shapely.box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)
# A hole in the middle half of the box.
holed = boxes.map(lambda b: b.difference(shapely.affinity.scale(b, 0.5, 0.5)))
polygons = st.one_of(boxes, holed)
singles = st.one_of(points, lines, polygons)
geometries = st.one_of(
    singles,
    st.lists(points, max_size=4).map(shapely.MultiPoint),
    st.lists(lines, max_size=4).map(shapely.MultiLineString),
    st.lists(polygons, max_size=4).map(shapely.MultiPolygon),
    st.lists(singles, max_size=4).map(shapely.GeometryCollection),
    st.sampled_from([shapely.Point(), shapely.LineString(), shapely.Polygon()]),
)


def blob(geometry: Any) -> bytes:
    return wkb.encode_many([geometry], 4490)[0] or b""


def all_paths(geometry: Any) -> list[list[tuple[float, float]]]:
    """The oracle: the coordinates of points, lines and rings as shapely tells them."""
    found = []
    for part in shapely.get_parts(geometry):
        if hasattr(part, "geoms"):
            found += all_paths(part)
        else:
            paths = shapely.get_rings(part) if part.geom_type == "Polygon" else [part]
            found += [[(float(x), float(y)) for x, y in path.coords] for path in paths]
    return [path for path in found if path]


@given(st.lists(st.one_of(geometries, st.none()), max_size=5))
@settings(deadline=None)
def test_round_trip(found: list[Any]) -> None:
    """Every two-dimensional geometry and None come back as they went in."""
    back = wkb.decode_many(wkb.encode_many(found, 4490))
    assert [None if g is None else g.wkb for g in back] == [None if g is None else g.wkb for g in found]


@given(geometries)
@settings(deadline=None)
def test_reads_what_shapely_reads(geometry: Any) -> None:
    """Paths, dimension, box and emptiness agree with shapely's."""
    data = blob(geometry)
    dimension, paths = wkb.paths(data)
    assert paths == all_paths(geometry)
    if not geometry.is_empty:
        assert dimension == shapely.get_dimensions(geometry)
    assert wkb.is_empty(data) == geometry.is_empty
    assert wkb.box(data) == (None if geometry.is_empty else wkb.Box(*geometry.bounds))


@given(geometries)
@settings(deadline=None)
def test_big_endian_and_no_envelope(geometry: Any) -> None:
    """A blob without envelope, its numbers in network order, says the same: other programs write such."""
    own = blob(geometry)
    other = struct.pack(">2sBBi", b"GP", 0, 0, 4490) + shapely.to_wkb(geometry, byte_order=0)
    assert wkb.paths(other) == wkb.paths(own)
    assert wkb.box(other) == wkb.box(own)
    assert wkb.is_empty(other) == wkb.is_empty(own)
    assert wkb.decode_many([other])[0] == geometry


@pytest.mark.parametrize("code, size", [(1, 32), (2, 48), (3, 48), (4, 64)])
def test_every_envelope(code: int, size: int) -> None:
    """An envelope with heights or measures is passed over, and its first four numbers are the box."""
    numbers = struct.pack(">4d", 1, 2, 3, 4) + bytes(size - 32)
    body = shapely.to_wkb(shapely.LineString([(1, 3), (2, 4)]))
    data = struct.pack(">2sBBi", b"GP", 0, code << 1, 4490) + numbers + body
    assert wkb.box(data) == wkb.Box(west=1, south=3, east=2, north=4)
    assert wkb.paths(data) == (1, [[(1, 3), (2, 4)]])


@pytest.mark.parametrize("dimensions", [3, 4])
def test_heights_are_passed_over(dimensions: int) -> None:
    """Heights and measures (ISO types 1000 to 3000) do not shift longitude and latitude."""
    kind = {3: 1002, 4: 3002}[dimensions]
    numbers = [1.0, 2.0, 9.0, 9.0][:dimensions] + [3.0, 4.0, 9.0, 9.0][:dimensions]
    body = struct.pack(f"<BII{len(numbers)}d", 1, kind, 2, *numbers)
    assert wkb.paths(struct.pack("<2sBBi", b"GP", 0, 1, 4490) + body) == (1, [[(1, 2), (3, 4)]])


def test_header_as_gdal_writes_it() -> None:
    """Points carry no envelope; other shapes do; an empty geometry is flagged empty and has none."""
    point, line, empty = wkb.encode_many(
        [shapely.Point(1, 2), shapely.LineString([(1, 2), (3, 5)]), shapely.Polygon()], 4490
    )
    assert point is not None and line is not None and empty is not None
    assert point[:8] == b"GP\0\x01" + struct.pack("<i", 4490) and len(point) == 8 + 21
    assert line[:40] == b"GP\0\x03" + struct.pack("<i4d", 4490, 1, 3, 2, 5)
    assert empty[:8] == b"GP\0\x11" + struct.pack("<i", 4490) and len(empty) == 8 + 9


READERS = {
    "wkb": wkb.wkb,
    "box": wkb.box,
    "paths": wkb.paths,
    "is_empty": wkb.is_empty,
    "decode_many": lambda data: wkb.decode_many([data]),
}
SHAPES = [
    shapely.Point(1, 2),
    shapely.LineString([(1, 2), (3, 4)]),
    shapely.box(0, 0, 2, 2).difference(shapely.box(0.5, 0.5, 1, 1)),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)]),
    shapely.GeometryCollection([shapely.Point(1, 2), shapely.MultiPoint([(1, 2), (3, 4)])]),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.geom_type)
@pytest.mark.parametrize("envelope", [True, False])
def test_cut_at_every_byte(shape: Any, envelope: bool) -> None:
    """A blob cut anywhere is a StoreError for whoever reads all of it, and never another exception."""
    whole = blob(shape) if envelope else b"GP\0\x01" + struct.pack("<i", 4490) + shapely.to_wkb(shape)
    for size in range(len(whole)):
        for name in ("paths", "decode_many"):
            with pytest.raises(StoreError):
                READERS[name](whole[:size])
        for name in ("wkb", "box", "is_empty"):
            try:
                READERS[name](whole[:size])
            except StoreError:
                continue


@given(st.sampled_from(SHAPES), st.data())
@settings(deadline=None)
def test_changed_bytes(shape: Any, data: st.DataObject) -> None:
    """Bytes turned over anywhere give an answer or a StoreError, nothing else."""
    damaged = bytearray(blob(shape))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    for read in READERS.values():
        try:
            read(bytes(damaged))
        except StoreError:
            continue


@pytest.mark.parametrize("kind", range(1, 8))
@pytest.mark.parametrize("name", ["paths", "decode_many"])
def test_count_of_four_billion(kind: int, name: str) -> None:
    """A count beyond the end of the bytes is a StoreError at once; nothing of that size is laid out."""
    body = struct.pack("<BII", 1, kind, 0xFFFFFFFF)
    with pytest.raises(StoreError):
        READERS[name](b"GP\0\x01" + struct.pack("<i", 4490) + body)


@pytest.mark.parametrize("text", [b"", b"GP", b"\0" * 40, b"PK\3\4" + b"\0" * 40, b"GP\0\x0f" + b"\0" * 90])
@pytest.mark.parametrize("name", READERS)
def test_no_blob(text: bytes, name: str) -> None:
    """Bytes that are no GeoPackage blob are a StoreError."""
    with pytest.raises(StoreError):
        READERS[name](text)


@pytest.mark.parametrize("name", ["paths", "decode_many"])
def test_nested_100_000_deep(name: str) -> None:
    """Collections nested 100,000 deep are a StoreError, and the process lives on (GEOS alone dies)."""
    code = f"""
import struct
from gridcity.store import wkb
from gridcity.errors import StoreError
data = b"GP\\0\\x01" + struct.pack("<i", 4490) + struct.pack("<BII", 1, 7, 1) * 100_000
try:
    wkb.paths(data) if {name!r} == "paths" else wkb.decode_many([data])
except StoreError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nested too deep" in done.stdout


def test_gdal_reads_what_is_written(tmp_path: Path) -> None:
    """A GeoPackage of GDAL's whose blobs are replaced by ours is read by GDAL as the same geometries."""
    import sqlite3

    import pyogrio.raw

    shapes = np.array([*SHAPES[:4], shapely.MultiLineString([[(0, 0), (1, 1)]])], dtype=object)
    path = tmp_path / "gdal.gpkg"
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array([shapely.Point(0, 0)] * len(shapes), dtype=object)),
        [],
        [],
        geometry_type="Unknown",
        crs="EPSG:4490",
        layer="shapes",
        SPATIAL_INDEX="NO",
    )
    connection = sqlite3.connect(path)
    ours = wkb.encode_many(shapes, 4490)
    connection.executemany("UPDATE shapes SET geom = ? WHERE fid = ?", zip(ours, range(1, 9), strict=False))
    connection.commit()
    connection.close()
    _, _, bodies, _ = pyogrio.raw.read(path)
    assert shapely.from_wkb(bodies).tolist() == shapes.tolist()
