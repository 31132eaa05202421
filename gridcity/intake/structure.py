"""The records of a ``.shp`` and its ``.shx`` checked against one another, before GDAL sees them.

A shapefile says most things twice: where a record lies and how long it is (the index; the record
before it), which record it is (its number; its place), how many vertices it has (a count; its
length). GDAL believes one of the two and reads null, shifted or shared geometries where they differ.
Here both are compared, in blocks and without a loop over rows.

The ``.shp`` is the truth and the ``.shx`` can be made from it. If the records follow one another from
the header to the end of the file, numbered in order, then that is the index; where the ``.shx`` is
missing or says something else, a new one is made for GDAL in a temporary folder.

Layout (ESRI Shapefile Technical Description, 1998): a header of 100 bytes; records of a number and a
length, big-endian, and the content, little-endian, that begins with the type of the shape. Lengths and
offsets count words of 16 bits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gridcity.errors import SourceError

__all__ = ["Structure", "check_structure"]

Flags = npt.NDArray[np.bool_]
Octets = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Index = npt.NDArray[np.void]

_MAGIC = 9994
_HEADER_BYTES = 100
_ENTRY = np.dtype([("offset", ">u4"), ("words", ">u4")])
_RECORD_HEADER_BYTES = 8
# The type of the shape, which even a null shape has.
_LEAST_WORDS = 2
# Records checked in one go: some megabytes of offsets and counts.
_BLOCK = 65_536

_NULL = 0
_NAMES = {
    1: "points",
    3: "lines",
    5: "polygons",
    8: "sets of points",
    11: "points",
    13: "lines",
    15: "polygons",
    18: "sets of points",
    21: "points",
    23: "lines",
    25: "polygons",
    28: "sets of points",
    31: "multipatches",
}
_POINTS = {1: 20, 11: 28, 21: 20}
"""Least length of the content of a point; the measure of 11 and 21 may be left out."""
_POINT_Z = 11
_MULTIPATCH = 31
_WITH_PARTS = (3, 5, 13, 15, 23, 25)
_WITH_HEIGHTS = (13, 15, 18)
_MEASURABLE = (*_WITH_HEIGHTS, 23, 25, 28)
_LIFTED = (11, 13, 15, 18, 21, 23, 25, 28)


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """What the records of a ``.shp`` are, without their coordinates.

    Attributes
    ----------
    records : int
        Number of records.
    null, damaged : numpy.ndarray
        Which records have no geometry; which have a content that contradicts itself. bool, by record.
    lifted : bool
        Whether the shapes have heights or measures.
    high_points : bool
        Whether they are points with heights.
    index : bytes or None
        The ``.shx`` to be used instead of the one that was delivered.
    reason : str
        Why, where there is an `index`.
    """

    records: int
    null: Flags
    damaged: Flags
    lifted: bool
    high_points: bool
    index: bytes | None
    reason: str


def check_structure(shp: Path, shx: Path | None, where: str) -> Structure:
    """Compare the records of a shapefile with its index and with themselves.

    Parameters
    ----------
    shp : pathlib.Path
        The ``.shp`` file.
    shx : pathlib.Path or None
        The ``.shx`` file, if there is one.
    where : str
        The name of the ``.shp`` in messages.

    Raises
    ------
    SourceError
        The file is cut, longer than it says, no shapefile, of a kind of shape that is not read, or its
        records cannot be told from one another.
    """
    kind = _checked_header(shp, where)
    name = f"{where.rpartition('.')[0] or where}.shx"
    listed, reason = (None, f"{name} is missing") if shx is None else _listed(shx, name)
    if listed is not None:
        reason = _disagreement(shp, listed, name)
    index = None
    if reason and (walked := _walked(shp)) is not None:
        index, listed = _header_of(shp, walked) + walked.tobytes(), walked
    if listed is None or (reason and index is None and not _apart(shp, listed)):
        raise SourceError(
            f"the records of {where} cannot be told from one another: {reason}, "
            "and they do not follow one another to the end of the file.",
            hint="Open it in a GIS and export it again.",
        )
    null, damaged = _contents(shp, listed, kind, where)
    return Structure(
        records=len(listed),
        null=null,
        damaged=damaged,
        lifted=kind in _LIFTED,
        high_points=kind == _POINT_Z,
        index=index,
        reason=reason if index else "",
    )


def _checked_header(path: Path, where: str) -> int:
    """Return the type of the shapes, once the file begins like a shapefile and has the size that it says."""
    real = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES or struct.unpack_from(">i", head)[0] != _MAGIC:
        raise SourceError(
            f"{where} is no part of a shapefile: it begins with {head[:12]!r}"
            + (
                f" and has {real} bytes, a header alone has {_HEADER_BYTES}." if real < _HEADER_BYTES else "."
            ),
            hint="Check what the file really is.",
            code="E_NOT_A_SHAPEFILE",
        )
    declared = struct.unpack_from(">I", head, 24)[0] * 2
    if declared != real:
        raise SourceError(
            f"{where} declares {declared} bytes, holds {real}.",
            hint="The file is cut off or damaged: deliver it again.",
            code="E_CUT",
        )
    kind: int = struct.unpack_from("<i", head, 32)[0]
    if kind == _MULTIPATCH:
        raise SourceError(
            f"{where} holds multipatches (shape type {kind}), bodies in space, which are not read.",
            hint="Export their footprints as polygons, or a point for each, as a shapefile or GeoPackage.",
            code="E_SHAPE_TYPE",
        )
    if kind not in _NAMES and kind != _NULL:
        raise SourceError(
            f"{where} declares shapes of type {kind}, which does not exist.",
            hint="The header is damaged: export it again from its program as points, lines or polygons.",
            code="E_SHAPE_TYPE",
        )
    return kind


def _listed(shx: Path, where: str) -> tuple[Index | None, str]:
    """Return the entries of an index, or why they cannot be had."""
    size = shx.stat().st_size
    with shx.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES or struct.unpack_from(">i", head)[0] != _MAGIC:
        return None, f"{where} is no index of a shapefile"
    declared = struct.unpack_from(">I", head, 24)[0] * 2
    if declared != size or (size - _HEADER_BYTES) % _ENTRY.itemsize:
        return None, f"{where} declares {declared} bytes, holds {size}"
    return np.fromfile(shx, dtype=_ENTRY, offset=_HEADER_BYTES), ""


def _disagreement(shp: Path, index: Index, where: str) -> str:
    """Say where an index contradicts the records; empty if it lists each of them, in order and whole."""
    size = shp.stat().st_size
    if not len(index):
        return "" if size == _HEADER_BYTES else f"{where} lists no record"
    for first, at, words in _blocks(index):
        following = index["offset"][first + len(at) : first + len(at) + 1].astype(np.int64) * 2
        ends = np.concatenate([at[1:], following if len(following) else [size]])
        if at[0] < _HEADER_BYTES or (first == 0 and at[0] > _HEADER_BYTES) or ends[-1] > size:
            return f"{where} does not list the records in their order"
        if (at + _RECORD_HEADER_BYTES + 2 * words != ends).any() or words.min() < _LEAST_WORDS:
            return f"{where} does not list the records in their order and whole"
        wrong = _unlike(shp, first, at, words)
        if wrong.any():
            return f"{where} and the .shp differ at record {first + 1 + int(np.argmax(wrong))}"
    return ""


def _apart(shp: Path, index: Index) -> bool:
    """Tell whether an index lists whole records that share no byte, and none is left that it does not list.

    Programs that edit a shapefile in place write a grown shape at the end and leave the old one where
    it was, under the same number: a record that is in nobody's way.
    """
    size = shp.stat().st_size
    starts = index["offset"].astype(np.int64) * 2
    ends = starts + _RECORD_HEADER_BYTES + 2 * index["words"].astype(np.int64)
    order = np.argsort(starts)
    starts, ends = starts[order], ends[order]
    if not len(index) or starts[0] < _HEADER_BYTES or ends[-1] > size or (ends[:-1] > starts[1:]).any():
        return False
    if index["words"].min() < _LEAST_WORDS:
        return False
    if any(_unlike(shp, first, at, words).any() for first, at, words in _blocks(index)):
        return False
    gaps = np.concatenate([[_HEADER_BYTES], ends])
    room = np.concatenate([starts, [size]]) - gaps
    left = gaps[room >= _RECORD_HEADER_BYTES + 4]
    numbers = _integers(np.memmap(shp, dtype=np.uint8, mode="r"), left, ">i4")
    return not bool((numbers > len(index)).any())


def _unlike(shp: Path, first: int, at: Integers, words: Integers) -> Flags:
    """Tell which records, ``first`` and those after it, have another number or length than the index says."""
    start = int(at.min())
    octets = _octets(shp, start, int(at.max()) + _RECORD_HEADER_BYTES)
    numbers, lengths = _integers(octets, at - start, ">i4"), _integers(octets, at - start + 4, ">i4")
    unlike: Flags = (numbers != np.arange(first + 1, first + 1 + len(at))) | (lengths != words)
    return unlike


def _walked(shp: Path) -> Index | None:
    """Return the index that the records themselves make, or None if they do not follow one another."""
    size = shp.stat().st_size
    offsets, words, numbers = _even(shp, size) or _uneven(shp, size) or (None, None, None)
    if offsets is None or words is None or numbers is None:
        return None
    # Some writers count from 0, as the description of the format does not.
    if not any(np.array_equal(numbers, np.arange(n, n + len(numbers))) for n in (1, 0)):
        return None
    index = np.empty(len(offsets), dtype=_ENTRY)
    index["offset"], index["words"] = offsets // 2, words
    return index


def _even(shp: Path, size: int) -> tuple[Integers, Integers, Integers] | None:
    """Walk records that are all as long as the first, as those of points are; None if they are not."""
    if size < _HEADER_BYTES + _RECORD_HEADER_BYTES + 4:
        return None
    words = int(_integers(_octets(shp, _HEADER_BYTES, _HEADER_BYTES + 8), np.array([4]), ">i4")[0])
    step = _RECORD_HEADER_BYTES + 2 * words
    if words < _LEAST_WORDS or (size - _HEADER_BYTES) % step:
        return None
    layout = np.dtype({"names": ["no", "words"], "formats": [">i4", ">i4"], "itemsize": step})
    records = np.memmap(shp, dtype=layout, mode="r", offset=_HEADER_BYTES)
    if (records["words"] != words).any():
        return None
    offsets = _HEADER_BYTES + step * np.arange(len(records), dtype=np.int64)
    return offsets, np.full(len(records), words, dtype=np.int64), records["no"].astype(np.int64)


def _uneven(shp: Path, size: int) -> tuple[Integers, Integers, Integers] | None:
    """Walk records of any length; None if they do not end where the file does."""
    found: list[tuple[int, int, int]] = []
    at = _HEADER_BYTES
    with shp.open("rb") as file:
        while at + _RECORD_HEADER_BYTES + 4 <= size:
            file.seek(at)
            number, words = struct.unpack(">ii", file.read(_RECORD_HEADER_BYTES))
            if words < _LEAST_WORDS:
                return None
            found.append((at, words, number))
            at += _RECORD_HEADER_BYTES + 2 * words
    if at != size:
        return None
    offsets, words_, numbers = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return offsets, words_, numbers


def _header_of(shp: Path, index: Index) -> bytes:
    """Return the header of an index: that of the ``.shp`` with the index's own size."""
    with shp.open("rb") as file:
        head = bytearray(file.read(_HEADER_BYTES))
    struct.pack_into(">I", head, 24, (_HEADER_BYTES + index.nbytes) // 2)
    return bytes(head)


def _contents(shp: Path, index: Index, kind: int, where: str) -> tuple[Flags, Flags]:
    """Return which records have no geometry, and which have one that contradicts itself or the header."""
    null, damaged = np.zeros(len(index), dtype=bool), np.zeros(len(index), dtype=bool)
    others: set[int] = set()
    for first, at, words in _blocks(index):
        start = int(at.min())
        octets = _octets(shp, start, int((at + _RECORD_HEADER_BYTES + 2 * words).max()))
        content = at - start + _RECORD_HEADER_BYTES
        kinds = _integers(octets, content, "<i4")
        null[first : first + len(at)] = kinds == _NULL
        others.update(np.unique(kinds).tolist())
        sound = kinds == _NULL
        of_kind = (kinds == kind) & ~sound
        sound[of_kind], empty = _sound(octets, content[of_kind], 2 * words[of_kind], kind)
        null[first + np.flatnonzero(of_kind)[empty]] = True
        damaged[first : first + len(at)] = ~sound
    # One record of another kind is that record's fault; all of them are the header's.
    if len(index) and others - {_NULL} and kind not in others:
        shown = " and ".join(_NAMES.get(k, f"type {k}") for k in sorted(others - {_NULL}))
        raise SourceError(
            f"{where} declares {_NAMES.get(kind, 'no shapes')}, its records are {shown}.",
            hint="The header is damaged: deliver the shapefile again.",
        )
    return null, damaged


def _sound(octets: Octets, content: Integers, length: Integers, kind: int) -> tuple[Flags, Flags]:
    """Tell which contents are as long as their own counts say, their parts in order; and which are empty."""
    sound: Flags
    if kind in _POINTS:
        sound = length >= _POINTS[kind]
        return sound, np.zeros(len(content), dtype=bool)
    fixed = 44 if kind in _WITH_PARTS else 40
    sound = length >= fixed
    parts, vertices = np.zeros(len(content), dtype=np.int64), np.zeros(len(content), dtype=np.int64)
    if kind in _WITH_PARTS:
        parts[sound] = _integers(octets, content[sound] + 36, "<i4")
    vertices[sound] = _integers(octets, content[sound] + fixed - 4, "<i4")
    least = fixed + 4 * parts + 16 * vertices
    if kind in _WITH_HEIGHTS:
        least += 16 + 8 * vertices
    measured = least + 16 + 8 * vertices if kind in _MEASURABLE else least
    sound &= (parts >= 0) & (vertices >= 0) & ((length == least) | (length == measured))
    if kind in _WITH_PARTS:
        sound[sound] = _parts_in_order(octets, content[sound] + 44, parts[sound], vertices[sound])
    return sound, sound & (vertices == 0)


def _parts_in_order(octets: Octets, at: Integers, parts: Integers, vertices: Integers) -> Flags:
    """Tell where the parts begin with vertex 0, each after the one before it and before the last vertex."""
    owner = np.repeat(np.arange(len(at)), parts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)
    begins = _integers(octets, at[owner] + 4 * place, "<i4")
    wrong = begins >= vertices[owner]
    wrong |= np.where(place == 0, begins != 0, begins <= np.concatenate([[-1], begins[:-1]])[: len(begins)])
    wrong &= vertices[owner] > 0  # a part without a vertex begins nowhere, and its record is empty
    sound: Flags = (parts > 0) | (vertices == 0)
    sound[owner[wrong]] = False
    return sound


def _blocks(index: Index) -> Iterator[tuple[int, Integers, Integers]]:
    """Iterate over an index: position of the first record, offsets in bytes, words of content."""
    for first in range(0, len(index), _BLOCK):
        block = index[first : first + _BLOCK]
        yield first, block["offset"].astype(np.int64) * 2, block["words"].astype(np.int64)


def _octets(path: Path, first: int, stop: int) -> Octets:
    """Map a stretch of a file; the map ends with the array, and its memory with it."""
    return np.memmap(path, dtype=np.uint8, mode="r", offset=first, shape=(stop - first,))


def _integers(octets: Octets, at: Integers, kind: str) -> Integers:
    """Return the 32-bit integers at these bytes."""
    four: Octets = octets[at[:, np.newaxis] + np.arange(4)]
    return four.view(kind)[:, 0].astype(np.int64)
