"""Which format a file has: by its suffix, borne out by its first bytes."""

from __future__ import annotations

import os
from pathlib import Path

from gridcity.errors import SourceError, SourceNotFoundError
from gridcity.intake.foreign import refuse_foreign

__all__ = [
    "GEOPACKAGE",
    "JSON",
    "SEQUENCE",
    "SHAPEFILE",
    "SPREADSHEET",
    "SUFFIXES",
    "TEXT",
    "ZIP",
    "existing",
    "format_of",
    "unreadable",
]

SHAPEFILE, ZIP, GEOPACKAGE, JSON, SEQUENCE, TEXT, SPREADSHEET = (
    "shapefile",
    "zip",
    "GeoPackage",
    "JSON",
    "sequence",
    "text",
    "Excel workbook",
)
SUFFIXES = {
    ".shp": SHAPEFILE,
    ".zip": ZIP,
    ".gpkg": GEOPACKAGE,
    ".geojson": JSON,
    ".json": JSON,
    ".geojsonl": SEQUENCE,
    ".geojsons": SEQUENCE,
    ".ndjson": SEQUENCE,
    ".csv": TEXT,
    ".tsv": TEXT,
    ".txt": TEXT,
    ".xlsx": SPREADSHEET,
}
_BEGINNINGS = {
    SHAPEFILE: (b"\x00\x00\x27\x0a",),
    ZIP: (b"PK\x03\x04", b"PK\x05\x06"),
    GEOPACKAGE: (b"SQLite format 3\x00",),
    JSON: (b"{", b"\x1e"),
    SEQUENCE: (b"{", b"\x1e"),
    SPREADSHEET: (b"PK\x03\x04",),
}
# The other files of a shapefile: each is a part of a layer, none is one.
_PARTS = (".dbf", ".shx", ".prj", ".cpg")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def existing(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file or folder that exists on this machine.

    Raises
    ------
    SourceNotFoundError
        There is nothing of that name.
    SourceError
        The path leads to another machine, to what is neither a file nor a folder, or to a geodatabase.
    """
    text = os.fspath(path)
    if "://" in text or text.startswith("/vsi"):
        raise SourceError(f"{text} is no local file.", hint="Fetch it first, then name the file.")
    file = Path(text)
    if "\0" in text or not file.exists():
        raise SourceNotFoundError(f"There is no file {text}.", hint="Check the path.")
    if not file.is_file() and not file.is_dir():
        raise SourceError(
            f"{text} is no ordinary file.", hint="Write the rows to a file first, then name it."
        )
    if file.is_dir():
        refuse_foreign(file)
    return file


def format_of(file: Path) -> str:
    """Return the format that the suffix names, once the first bytes agree with it.

    Raises
    ------
    SourceError
        The file is a folder, is empty, has no known suffix, or begins like something else.
    """
    if file.is_dir():
        raise SourceError(f"{file} is a folder, not a file.", hint="Name one file in it.")
    suffix = file.suffix.lower()
    form = SUFFIXES.get(suffix)
    code = "E_NOT_A_SHAPEFILE" if form == SHAPEFILE else None
    if file.stat().st_size == 0:
        raise SourceError(f"{file} is empty: 0 bytes.", hint="Deliver the file again.", code=code)
    if suffix in _PARTS:
        raise SourceError(
            f"{file.name} alone is a part of a shapefile, not a layer.",
            hint="Name the .shp file; it needs its .shx and .dbf beside it.",
        )
    with file.open("rb") as opened:
        head = opened.read(512)
    if form is None:
        refuse_foreign(file, head)
        raise SourceError(
            f"{file.name} has no known suffix; known are {', '.join(SUFFIXES)}.",
            hint="Export the data in one of these formats.",
        )
    if form == TEXT:
        refuse_foreign(file, head, table=True)
    shown = head[:16]
    if form in (JSON, SEQUENCE):
        head = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if form in _BEGINNINGS and not head.startswith(_BEGINNINGS[form]):
        refuse_foreign(file, head)
        raise SourceError(
            f"{file.name} is no {form}, though its suffix says so: it begins with {shown!r}.",
            hint="Check what the file really is.",
            code=code or "E_DRIVER",
        )
    return form


def unreadable(path: str | os.PathLike[str], problem: OSError) -> SourceError:
    """Return what a planner can be told of an error of the operating system."""
    if isinstance(problem, SourceError):
        return problem
    return SourceError(
        f"{os.fspath(path)} cannot be read: {problem.strerror or problem}.",
        hint="Check the path and your permission to read it.",
    )
