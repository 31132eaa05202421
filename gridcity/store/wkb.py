"""Geometry as the store keeps it: GeoPackage blobs, read without any geometry library.

A blob is a header (``GP``, version, flags, srs id, an optional envelope) and the geometry as WKB.
gridcity writes an envelope for everything but points, as GDAL does, and reads blobs with or without.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from gridcity.errors import StoreError

__all__ = [
    "POINT_BYTES",
    "Box",
    "Rings",
    "box",
    "decode_many",
    "decode_points",
    "encode_many",
    "is_empty",
    "paths",
    "wkb",
]

# Length in bytes of the envelope for each envelope code of the header's flags.
_ENVELOPES = (0, 32, 48, 48, 64)
_EMPTY = 16
_DIMENSIONS = {1: 0, 2: 1, 3: 2, 4: 0, 5: 1, 6: 2}
# A city's geometry is at most a collection of multi-geometries; deeper nesting is an attack on readers.
_DEEPEST = 4
_LONG = 100_000

_POINT = [("head", "S8"), ("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")]
POINT_BYTES = 29
"""Length of the blob of a point: a header without envelope, then WKB."""

Rings = list[list[tuple[float, float]]]
"""The rings of polygons, the lines of lines, the single points of points."""


class Box(NamedTuple):
    """The bounding box of a geometry, in degrees."""

    west: float
    south: float
    east: float
    north: float


def _header(blob: bytes) -> tuple[int, int]:
    """Return the flags and the offset at which the WKB begins."""
    if len(blob) < 8 or blob[:2] != b"GP":
        raise StoreError("A geometry of the store is not a GeoPackage blob.", hint="Restore a backup.")
    flags = blob[3]
    code = (flags >> 1) & 7
    if code >= len(_ENVELOPES):
        raise StoreError(f"A geometry of the store has the unknown envelope code {code}.")
    if len(blob) < 8 + _ENVELOPES[code]:
        raise _cut_short()
    return flags, 8 + _ENVELOPES[code]


def _cut_short() -> StoreError:
    return StoreError("A geometry of the store is cut short.", hint="Restore a backup.")


def wkb(blob: bytes) -> bytes:
    """Return the WKB inside a GeoPackage blob.

    Raises
    ------
    StoreError
        The bytes are not a GeoPackage blob.
    """
    return blob[_header(blob)[1] :]


def is_empty(blob: bytes) -> bool:
    """Return whether a blob holds no coordinate."""
    return next(_Reader(wkb(blob)).paths(), None) is None


def box(blob: bytes) -> Box | None:
    """Return the bounding box of a blob, from its envelope or else its coordinates; None when empty."""
    flags, _ = _header(blob)
    if flags & _EMPTY:
        return None
    if (flags >> 1) & 7:
        order = "<" if flags & 1 else ">"
        west, east, south, north = struct.unpack_from(f"{order}4d", blob, 8)
        return Box(west, south, east, north)
    points = [point for path in _Reader(wkb(blob)).paths() for point in path]
    if not points:
        return None
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return Box(min(xs), min(ys), max(xs), max(ys))


def paths(blob: bytes) -> tuple[int, Rings]:
    """Return the dimension and all paths of a geometry.

    Parameters
    ----------
    blob : bytes
        A GeoPackage blob.

    Returns
    -------
    dimension : int
        0 for points, 1 for lines, 2 for polygons; of a collection the highest.
    paths : list of list of (lng, lat)
        One path a point, line or ring, outer and inner rings alike: a point lies inside when a ray
        from it crosses them an odd number of times, whichever ring is which.

    Raises
    ------
    StoreError
        The geometry is cut short, nested too deep, or of a type that a city does not hold.
    """
    reader = _Reader(wkb(blob))
    found = list(reader.paths())
    return reader.dimension, found


class _Reader:
    """A cursor over WKB; ``dimension`` is the highest that it has met."""

    __slots__ = ("at", "data", "dimension")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.dimension = 0

    def paths(self) -> Iterator[list[tuple[float, float]]]:
        try:
            yield from self.geometry(0)
        except (struct.error, IndexError) as error:
            raise _cut_short() from error

    def geometry(self, depth: int) -> Iterator[list[tuple[float, float]]]:
        if depth > _DEEPEST:
            raise StoreError("A geometry of the store is nested too deep.")
        order = "<" if self.data[self.at] else ">"
        (kind,) = struct.unpack_from(f"{order}I", self.data, self.at + 1)
        self.at += 5
        width = 2 + (kind // 1000 in (1, 3)) + (kind // 1000 in (2, 3))
        kind %= 1000
        self.dimension = max(self.dimension, _DIMENSIONS.get(kind, 0))
        if kind == 1:
            point = self.path(order, width, 1)
            # An empty point is written as two NaN; they alone are unequal to themselves.
            if point[0][0] == point[0][0]:
                yield point
        elif kind == 2:
            yield from self.sequence(order, width)
        elif kind == 3:
            for _ in range(self.count(order)):
                yield from self.sequence(order, width)
        elif kind in (4, 5, 6, 7):
            for _ in range(self.count(order)):
                yield from self.geometry(depth + 1)
        else:
            raise StoreError(f"A geometry of the store has the unknown type {kind}.")

    def count(self, order: str) -> int:
        (n,) = struct.unpack_from(f"{order}I", self.data, self.at)
        self.at += 4
        return int(n)

    def sequence(self, order: str, width: int) -> Iterator[list[tuple[float, float]]]:
        n = self.count(order)
        if n:
            yield self.path(order, width, n)

    def path(self, order: str, width: int, n: int) -> list[tuple[float, float]]:
        if self.at + 8 * width * n > len(self.data):
            raise _cut_short()
        numbers = struct.unpack_from(f"{order}{width * n}d", self.data, self.at)
        self.at += 8 * width * n
        return list(zip(numbers[::width], numbers[1::width], strict=True))


def encode_many(geometries: Any, srs_id: int) -> list[bytes | None]:
    """Return GeoPackage blobs of shapely geometries; None stays None.

    Parameters
    ----------
    geometries : array of shapely geometries
        In the reference system of ``srs_id``, two-dimensional.
    srs_id : int
        EPSG code written into each header.
    """
    import numpy as np
    import shapely

    geometries = np.asarray(geometries, dtype=object)
    if (
        len(geometries)
        and (shapely.get_type_id(geometries) == 0).all()
        and not shapely.is_empty(geometries).any()
    ):
        return _encode_points(shapely.get_coordinates(geometries), srs_id)
    bodies = shapely.to_wkb(geometries, byte_order=1)
    plain = struct.pack("<2sBBi", b"GP", 0, 1, srs_id)
    boxed = struct.pack("<2sBBi", b"GP", 0, 3, srs_id)
    nothing = struct.pack("<2sBBi", b"GP", 0, 1 + _EMPTY, srs_id)
    bounds = shapely.bounds(geometries)[:, [0, 2, 1, 3]].astype("<f8")
    envelopes = np.ascontiguousarray(bounds).view("V32").ravel().tolist()
    headers = np.array([boxed, plain, nothing], dtype=object)
    empty = shapely.is_empty(geometries)
    bare = (shapely.get_type_id(geometries) == 0) | empty
    header = headers[np.where(empty, 2, np.where(bare, 1, 0))]
    return [
        None if body is None else head + body if alone else head + envelope + body
        for body, head, alone, envelope in zip(
            bodies.tolist(), header.tolist(), bare.tolist(), envelopes, strict=True
        )
    ]


def _encode_points(xy: Any, srs_id: int) -> list[bytes | None]:
    """Return the blobs of points as one table of 29 bytes a row: header, byte order, type, place."""
    import numpy as np

    table = np.zeros(len(xy), dtype=_POINT)
    table["head"] = struct.pack("<2sBBi", b"GP", 0, 1, srs_id)
    table["order"], table["type"] = 1, 1
    table["x"], table["y"] = xy.T
    blobs: list[bytes | None] = table.view(f"V{table.itemsize}").tolist()
    return blobs


def decode_points(blobs: Sequence[bytes]) -> Any:
    """Return longitude and latitude, two columns, of the blobs of points that have `POINT_BYTES` bytes."""
    import numpy as np

    table = np.frombuffer(b"".join(blobs), dtype=_POINT)
    return np.column_stack([table["x"], table["y"]])


def decode_many(blobs: Sequence[bytes | None]) -> Any:
    """Return an array of shapely geometries from GeoPackage blobs; None stays None.

    Raises
    ------
    StoreError
        A blob is damaged or nested deeper than a city's geometry can be.
    """
    import numpy as np
    import shapely

    bodies = np.array([None if blob is None else wkb(blob) for blob in blobs] or [], dtype=object)
    for body in bodies:
        # GEOS overruns its stack on some 20,000 levels, nine bytes each: only a long blob can do that.
        if body is not None and len(body) > _LONG:
            for _ in _Reader(body).paths():
                pass
    try:
        return shapely.from_wkb(bodies)
    except shapely.errors.GEOSException as error:
        raise StoreError(f"A geometry of the store is damaged: {error}.", hint="Restore a backup.") from error
