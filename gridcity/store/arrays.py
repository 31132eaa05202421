"""Arrays in one file that many processes can map: written once, then only replaced as a whole.

A file is a header and the arrays behind it, each at a multiple of 64 bytes. The header names what the
arrays were made from (the key) and says of each its name, type, shape, check sum and place, as JSON. The
sums are taken when the file is mapped, a quarter of a second for a gigabyte. Nothing in a file is executed
or unpickled.

Whoever has a file mapped keeps it when another process puts a new one in its place: a file is written
under another name and moved, and the system keeps the old one as long as somebody reads it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import struct
import sys
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Arrays = Mapping[str, npt.NDArray[Any]]

__all__ = ["MAGIC", "read_arrays", "write_arrays"]

MAGIC: Final = b"gridcity arrays\n"
"""The first bytes of every file of this form."""
_VERSION: Final = 2
# Magic, version, byte order (1 little, 2 big), length of the JSON, length of the file, digest of all that.
_HEAD: Final = struct.Struct("<16sHHIQ32s")
_ORDER: Final = 1 if sys.byteorder == "little" else 2
# A line of the processor's cache; the arrays of a mapped file are as well aligned as numpy's own.
_ALIGNED: Final = 64
# The JSON of some ten arrays has some hundred bytes: a length beyond this is no header of ours.
_LONGEST_JSON: Final = 1 << 20


def write_arrays(path: Path, key: str, arrays: Arrays) -> None:
    """Write arrays into a file, in the place of an older one of this form.

    Parameters
    ----------
    path : Path
        The file. It appears whole or not at all.
    key : str
        What the arrays were made from; `read_arrays` asks for it.
    arrays : mapping of str to array
        Of numbers or records of numbers, of any shape.

    Raises
    ------
    OSError
        The file cannot be written, or another program's file stands there (FileExistsError).
    ValueError
        An array holds objects.
    """
    import numpy as np

    held = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    if any(array.dtype.hasobject for array in held.values()):
        raise ValueError("Objects cannot be mapped.")
    head, places, total = _header(key, held)
    if path.exists() and not _is_ours(path):
        raise FileExistsError(f"{path} is no file of gridcity's arrays.")
    building = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    try:
        with building.open("wb") as file:
            file.write(head)
            for array, place in zip(held.values(), places, strict=True):
                file.seek(place)
                file.write(array.data if array.size else b"")
            file.truncate(total)
            file.flush()
            # A header is believed: after a power cut it must not stand before pages that were never written.
            os.fsync(file.fileno())
        building.replace(path)
    finally:
        with contextlib.suppress(OSError):
            building.unlink(missing_ok=True)


def read_arrays(path: Path, key: str) -> dict[str, npt.NDArray[Any]] | None:
    """Return the arrays of a file, mapped; None where it is not there or of another key.

    Parameters
    ----------
    path : Path
        The file.
    key : str
        What the arrays must have been made from.

    Returns
    -------
    dict of str to array, or None
        Read-only views of the file. None also for a file that is damaged, cut short, of another program,
        another version or another byte order, or that cannot be read: it can be made again.
    """
    import numpy as np

    try:
        with path.open("rb") as file:
            listed = _listed(file, key)
            if listed is None:
                return None
            whole = np.memmap(file, dtype=np.uint8, mode="r")
    except OSError:
        return None
    arrays = {}
    for name, kind, shape, check, place in listed:
        arrays[name] = np.ndarray(shape, kind, buffer=whole, offset=place)
        if zlib.crc32(whole[place : place + arrays[name].nbytes].data) != check:
            return None
    return arrays


def _header(key: str, arrays: Arrays) -> tuple[bytes, list[int], int]:
    """Return the header of a file, where each of its arrays begins, and its length."""
    from numpy.lib.format import dtype_to_descr

    kinds = [
        (name, dtype_to_descr(array.dtype), array.shape, zlib.crc32(array.data if array.size else b""))
        for name, array in arrays.items()
    ]
    sizes = [array.nbytes for array in arrays.values()]
    # The places are part of the JSON whose length decides them: room is left for the longest numbers.
    longest = _json(key, [(*kind, 2**63) for kind in kinds])
    begin = _aligned(_HEAD.size + len(longest))
    places = []
    for size in sizes:
        places.append(begin)
        begin = _aligned(begin + size)
    text = _json(key, [(*kind, place) for kind, place in zip(kinds, places, strict=True)])
    return _sealed(text, begin) + text, places, begin


def _json(key: str, listed: list[Any]) -> bytes:
    return json.dumps({"key": key, "arrays": listed}, ensure_ascii=True).encode("ascii")


def _sealed(text: bytes, total: int) -> bytes:
    """Return the fixed part of a header, with the digest of itself and the JSON."""
    plain = _HEAD.pack(MAGIC, _VERSION, _ORDER, len(text), total, bytes(32))
    digest = hashlib.blake2b(plain + text, digest_size=32).digest()
    return plain[: -len(digest)] + digest


def _listed(file: BinaryIO, key: str) -> list[tuple[str, np.dtype[Any], tuple[int, ...], int, int]] | None:
    """Return name, type, shape, check sum and place of each array of a whole file with a key."""
    from numpy.lib.format import descr_to_dtype

    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or not head.startswith(MAGIC):
        return None
    _, version, order, length, total, _ = _HEAD.unpack(head)
    if (version, order) != (_VERSION, _ORDER) or length > _LONGEST_JSON:
        return None
    text = file.read(length)
    if head != _sealed(text, total) or os.fstat(file.fileno()).st_size != total:
        return None
    said = json.loads(text)
    if said["key"] != key:
        return None
    listed = [
        (name, descr_to_dtype(_tupled(kind)), tuple(shape), check, place)
        for name, kind, shape, check, place in said["arrays"]
    ]
    # The digest is no signature: somebody else's file must not reach beyond itself, or hold pointers.
    within = all(
        0 <= place <= total - kind.itemsize * math.prod(shape) for _, kind, shape, _, place in listed
    )
    return listed if within and not any(kind.hasobject for _, kind, *_ in listed) else None


def _tupled(kind: Any) -> Any:
    """Return the description of a type, in which JSON has made lists of the tuples."""
    if not isinstance(kind, list):
        return kind
    items = [_tupled(item) for item in kind]
    # Fields are a list of tuples; a field, and the shape of one, is a tuple.
    return items if items and isinstance(items[0], tuple) else tuple(items)


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _aligned(place: int) -> int:
    return -(-place // _ALIGNED) * _ALIGNED
