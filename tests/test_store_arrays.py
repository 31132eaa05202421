"""Arrays in a file that processes map: whole, of the right key, or not at all."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.store import arrays as module
from gridcity.store.arrays import MAGIC, read_arrays, write_arrays

RECORD = np.dtype([("bits", np.uint16), ("begin", np.int32), ("edge", np.float32, 4)])
ARRAYS: dict[str, Any] = {
    "value": np.arange(12, dtype=np.int32).reshape(3, 4),
    "frame": np.array([116.5, 39.5]),
    "slots": np.array([(1, 2, (1, 2, 3, 4)), (5, 6, (7, 8, 9, 10))], dtype=RECORD),
    "none": np.empty((0, 4), dtype=np.float32),
    "one": np.array(7.5),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "city.gpkg.cells"
    write_arrays(path, "key", ARRAYS)
    return path


def read(path: Path, key: str = "key") -> dict[str, Any]:
    found = read_arrays(path, key)
    assert found is not None
    return found


def same(found: dict[str, Any], given: dict[str, Any]) -> bool:
    return list(found) == list(given) and all(
        found[name].dtype == given[name].dtype
        and found[name].shape == given[name].shape
        and found[name].tobytes() == given[name].tobytes()
        for name in given
    )


def test_what_is_written_is_read(path: Path) -> None:
    """Names, order, types, shapes and bytes come back; the arrays are aligned, and nobody can write them."""
    found = read(path)
    assert same(found, ARRAYS)
    assert all(a.__array_interface__["data"][0] % 64 == 0 for a in found.values() if a.size)
    assert not any(a.flags.writeable for a in found.values())
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.tuples(
            st.sampled_from([np.int8, np.uint16, np.int64, np.float32, np.complex128, "S3", RECORD]),
            st.lists(st.integers(0, 4), max_size=3),
        ),
        max_size=4,
    ),
    st.text(max_size=20),
)
def test_any_arrays(tmp_path_factory: pytest.TempPathFactory, kinds: dict[str, Any], key: str) -> None:
    """Any plain types and shapes, names and keys come back."""
    path = tmp_path_factory.mktemp("any") / "a"
    random = np.random.default_rng(1)
    given = {
        name: np.frombuffer(
            random.bytes(np.dtype(kind).itemsize * int(np.prod(shape, dtype=int))), dtype=kind
        ).reshape(shape)
        for name, (kind, shape) in kinds.items()
    }
    write_arrays(path, key, given)
    assert same(read(path, key), given)


def test_another_key(path: Path) -> None:
    """What was made from something else is as good as nothing; an absent file and a folder are, too."""
    assert read_arrays(path, "another") is None
    assert read_arrays(path.with_name("absent"), "key") is None
    assert read_arrays(path.parent, "key") is None


def test_cut_short_anywhere(path: Path) -> None:
    """A file that ends early, wherever, is not believed, nor is one that goes on."""
    whole = path.read_bytes()
    for length in [*range(0, 400, 7), len(whole) - 64, len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert read_arrays(path, "key") is None, length
    path.write_bytes(whole + b"\0")
    assert read_arrays(path, "key") is None


def test_damaged_header(path: Path) -> None:
    """One wrong byte anywhere in the header, and the file is not believed."""
    whole = path.read_bytes()
    text = struct.unpack_from("<I", whole, len(MAGIC) + 4)[0]
    for place in range(module._HEAD.size + text):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert read_arrays(path, "key") is None, place


def test_damaged_array(path: Path) -> None:
    """One wrong bit in an array, and the file is not believed; between arrays there is nothing to damage."""
    whole = path.read_bytes()
    found = read(path)
    for place in range(module._HEAD.size, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        again = read_arrays(path, "key")
        assert again is None or same(again, found), place
    path.write_bytes(whole[:-64] + bytes([whole[-64] ^ 1]) + whole[-63:])
    assert read_arrays(path, "key") is None


@pytest.mark.parametrize("name, value", [("_VERSION", 3), ("_ORDER", 3 - module._ORDER)])
def test_another_version_or_byte_order(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    """A sound file of another version or byte order is not read, and may be replaced."""
    monkeypatch.setattr(module, name, value)
    assert read_arrays(path, "key") is None
    write_arrays(path, "key", ARRAYS)
    assert same(read(path), ARRAYS)


@pytest.mark.parametrize(
    "listed",
    [
        [["a", "<i4", [10**9], 0, 128]],
        [["a", "<i4", [1], 0, -64]],
        [["a", "|O", [1], 0, 128]],
        [["a", [["x", "|O"]], [1], 0, 128]],
    ],
    ids=["beyond the end", "before the beginning", "pointers", "pointers in records"],
)
def test_made_by_somebody_else(tmp_path: Path, listed: list[Any]) -> None:
    """A header with a right digest that names places outside the file, or pointers, is not followed."""
    text = module._json("key", listed)
    path = tmp_path / "forged"
    path.write_bytes((module._sealed(text, 1024) + text).ljust(1024, b"\1"))
    assert read_arrays(path, "key") is None


def test_other_peoples_files_stay(tmp_path: Path) -> None:
    """A file that does not begin as ours is never replaced, and nothing is left beside it."""
    path = tmp_path / "city.gpkg.cells"
    for content in (b"", b"notes about cells", MAGIC[:-1]):
        path.write_bytes(content)
        with pytest.raises(FileExistsError):
            write_arrays(path, "key", ARRAYS)
        assert path.read_bytes() == content and len(list(tmp_path.iterdir())) == 1


def test_objects_are_refused(path: Path) -> None:
    """Objects have no place in a file without pickle; the file that is there stays."""
    with pytest.raises(ValueError, match="Objects"):
        write_arrays(path, "new", {"a": np.array(["x"], dtype=object)})
    assert same(read(path), ARRAYS)


def test_failing_writes_leave_the_old(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full or the folder is not ours, the error comes out and the old file stays alone."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_arrays(path, "new", ARRAYS)
    assert same(read(path), ARRAYS) and [p.name for p in path.parent.iterdir()] == [path.name]
    with pytest.raises(FileNotFoundError):
        write_arrays(path.parent / "absent" / "a", "new", ARRAYS)


MAPPED = """
import sys
from pathlib import Path
from gridcity.store.arrays import read_arrays
held = read_arrays(Path(sys.argv[1]), "key")["value"]
print(held.sum(), flush=True)
sys.stdin.readline()
print(held.sum(), read_arrays(Path(sys.argv[1]), "key") is None, flush=True)
"""


def test_replaced_while_mapped(path: Path) -> None:
    """A process that has a file mapped keeps what it saw while another one puts a new file in its place."""
    command = [sys.executable, "-c", MAPPED, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None and reader.stdout is not None
        assert reader.stdout.readline() == "66\n"
        write_arrays(path, "new", {"value": np.zeros(10**6, dtype=np.int32)})
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "66 True\n"
    assert read(path, "new")["value"].sum() == 0
