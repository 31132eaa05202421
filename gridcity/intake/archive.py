"""A shapefile inside a zip, as surveyors deliver it: anywhere in it, under any name.

Zips made by Chinese Windows hold names in GBK without saying so. One shapefile is taken out under
plain names into a temporary folder, within limits that are checked before a byte is unpacked.
"""

from __future__ import annotations

import lzma
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from gridcity.errors import SourceError
from gridcity.intake.shapefile import SUFFIXES

__all__ = ["check_limits", "unpacked_shapefile", "zipped_shapefiles"]

_MAX_ENTRIES = 1_000
_MAX_BYTES = 2 * 1024**3
_MAX_RATIO = 200
_RATIO_COUNTS_FROM_BYTES = 100 * 1024**2
_PACK_PLAINLY = "Pack the shapefiles into a plain zip, each with its .shp, .shx, .dbf and .prj."
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
# What zipfile raises for damage: besides its own, those of the codecs and of offsets and names it trusts
# (ValueError holds UnicodeDecodeError, RuntimeError holds NotImplementedError).
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, OSError)


@contextmanager
def unpacked_shapefile(path: Path, layer: str | None = None) -> Iterator[tuple[Path, str]]:
    """Unpack one shapefile; yield the path of its ``.shp`` and the name it has in the zip.

    Parameters
    ----------
    path : pathlib.Path
        The zip.
    layer : str, optional
        Name of the shapefile, with or without folder and suffix, where the zip holds several.

    Raises
    ------
    SourceError
        The zip is damaged, encrypted, too large or unsafe, or holds no or several shapefiles.
    """
    with _opened(path) as zipped, tempfile.TemporaryDirectory(prefix="gridcity-") as folder:
        entries = _entries(zipped, path.name)
        chosen = _chosen(entries, path.name, layer)
        for suffix, entry in _set_of(chosen, entries).items():
            _unpack(zipped, entry, Path(folder, f"source{suffix}"), path.name)
        yield Path(folder, "source.shp"), chosen.stem


def zipped_shapefiles(path: Path) -> tuple[str, ...]:
    """Return the names of the shapefiles in a zip, each as `unpacked_shapefile` takes it.

    Raises
    ------
    SourceError
        The zip is damaged, encrypted, too large or unsafe, or holds no shapefile.
    """
    with _opened(path) as zipped:
        return tuple(str(name) for name in _shapefiles(_entries(zipped, path.name), path.name))


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except _DAMAGE as problem:
        raise _refused(path.name, f"it is no zip that can be read ({problem})") from problem


def check_limits(zipped: zipfile.ZipFile, where: str, hint: str = _PACK_PLAINLY) -> None:
    """Refuse a zip that would become too large, before a byte of it is unpacked.

    Raises
    ------
    SourceError
        It has more than 1,000 entries, or unpacked more than 2 GiB, or more than 100 MiB and 200 times
        its packed size. The limits are ours.
    """
    listed = zipped.infolist()
    if len(listed) > _MAX_ENTRIES:
        raise _refused(where, f"it has {len(listed):,} entries, {_MAX_ENTRIES:,} are allowed", hint)
    unpacked = sum(entry.file_size for entry in listed)
    packed = sum(entry.compress_size for entry in listed)
    if unpacked > _MAX_BYTES:
        raise _refused(where, f"unpacked it has {unpacked:,} bytes, {_MAX_BYTES:,} are allowed", hint)
    if unpacked > _RATIO_COUNTS_FROM_BYTES and unpacked > _MAX_RATIO * packed:
        raise _refused(where, f"{packed:,} bytes would become {unpacked:,}", hint)


def _refused(where: str, reason: str, hint: str = _PACK_PLAINLY) -> SourceError:
    return SourceError(f"{where} is refused: {reason}.", hint=hint)


def _name(entry: zipfile.ZipInfo) -> str:
    name = entry.orig_filename
    if not entry.flag_bits & _UTF8_NAME:
        raw = name.encode("cp437")  # as zipfile decoded it: every byte comes back
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = raw.decode("gb18030", "replace")
    return name.replace("\\", "/")


def _entries(zipped: zipfile.ZipFile, where: str) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Check every entry of the zip against the limits; return the files by their real names."""
    check_limits(zipped, where)
    found: dict[PurePosixPath, zipfile.ZipInfo] = {}
    times: Counter[str] = Counter()
    for entry in zipped.infolist():
        name = _name(entry)
        _check_entry(entry, name, where)
        if not name.endswith("/"):
            path = PurePosixPath(name)
            found[path] = entry
            times[str(path).casefold()] += 1
    if doubled := [name for name, n in times.items() if n > 1]:
        raise _refused(where, f"names in it differ by nothing or by case alone: {', '.join(doubled)}")
    return found


def _check_entry(entry: zipfile.ZipInfo, name: str, where: str) -> None:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\0" in name or (parts and parts[0].endswith(":")):
        raise _refused(where, f"the name {name!r} leads out of it")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _refused(where, f"{name!r} is a link")
    if entry.flag_bits & _ENCRYPTED:
        raise _refused(where, f"{name!r} is encrypted")
    if name.lower().endswith(".zip"):
        raise _refused(where, f"it holds another zip, {name!r}")


def _shapefiles(entries: dict[PurePosixPath, zipfile.ZipInfo], where: str) -> list[PurePosixPath]:
    # macOS puts a shadow file of the same suffix beside every file of a zip.
    found = [
        name
        for name in entries
        if name.suffix.lower() == ".shp" and "__MACOSX" not in name.parts and not name.name.startswith("._")
    ]
    if not found:
        raise _refused(where, "it holds no shapefile")
    return found


def _chosen(entries: dict[PurePosixPath, zipfile.ZipInfo], where: str, layer: str | None) -> PurePosixPath:
    shapefiles = _shapefiles(entries, where)
    names = ", ".join(str(name) for name in shapefiles)
    if layer is not None:
        # The full name is one shapefile's, even where a file in a sub-folder is called the same.
        shapefiles = [name for name in shapefiles if str(name) == layer] or [
            name for name in shapefiles if layer in {str(name.with_suffix("")), name.name, name.stem}
        ]
        if not shapefiles:
            raise SourceError(
                f"{where} holds no layer {layer!r}; it holds {names}.", hint="Choose with --layer."
            )
    if len(shapefiles) > 1:
        raise SourceError(f"{where} holds several shapefiles: {names}.", hint="Choose one with --layer.")
    return shapefiles[0]


def _set_of(
    chosen: PurePosixPath, entries: dict[PurePosixPath, zipfile.ZipInfo]
) -> dict[str, zipfile.ZipInfo]:
    stem = str(chosen.with_suffix("")).casefold()
    return {
        name.suffix.lower(): entry
        for name, entry in entries.items()
        if name.suffix.lower() in SUFFIXES and str(name.with_suffix("")).casefold() == stem
    }


def _unpack(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path, where: str) -> None:
    try:
        with zipped.open(entry) as packed, place.open("wb") as file:
            shutil.copyfileobj(packed, file)
    except _DAMAGE as problem:
        raise _refused(where, f"{_name(entry)} cannot be unpacked ({problem})") from problem
