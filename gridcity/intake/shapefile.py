"""Shapefiles: three files that must agree before a row of them is believed.

GDAL reads a cut ``.shp`` as null geometries and tables of different lengths as far as the shorter
one goes, both without a word; so the sizes that the headers declare are compared with the real ones
first (ESRI Shapefile Technical Description, 1998: lengths are big-endian and count 16-bit words).
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from gridcity.errors import SourceError
from gridcity.intake.dbf import read_dbf
from gridcity.intake.geometry import alone, no_geometry, read_geometry
from gridcity.intake.table import Table

__all__ = ["SUFFIXES", "members", "read_shapefile"]

SUFFIXES = (".cpg", ".dbf", ".prj", ".shp", ".shx")
_MAGIC = 9994
_HEADER_BYTES = 100


def members(path: Path) -> dict[str, Path]:
    """Return the files of a shapefile by suffix, in the order of the suffixes.

    Upper and lower case are one, as on the systems that shapefiles come from.
    """
    found: dict[str, Path] = {}
    for neighbour in sorted(path.parent.iterdir(), key=lambda p: (p.stem != path.stem, p.name)):
        suffix = neighbour.suffix.lower()
        if suffix in SUFFIXES and neighbour.stem.casefold() == path.stem.casefold():
            found.setdefault(suffix, neighbour)
    found[".shp"] = path
    return dict(sorted(found.items()))


def read_shapefile(
    path: Path, *, where: str = "", layer: str = "", encoding: str | None = None, geometry: bool = True
) -> Table:
    """Read a shapefile.

    Parameters
    ----------
    path : pathlib.Path
        The ``.shp`` file; the others stand beside it.
    where, layer : str, optional
        The name in messages and the name of the layer; the file's own if not given.
    encoding : str, optional
        Encoding of the table, where the bytes should not decide.
    geometry : bool, optional
        Whether to read the geometry (default) or the table alone.

    Raises
    ------
    SourceError
        A file of the set is missing, cut off, or has another number of rows than the others.
    """
    where = where or path.name
    files = members(path)
    for suffix, role in ((".dbf", "table"), (".shx", "index")):
        if suffix not in files:
            raise SourceError(
                f"{where} has no {suffix} file, the {role} of a shapefile.",
                hint=f"Deliver the shapefile with its .shp, .shx and .dbf; {suffix} is missing.",
            )
    records = _indexed_records(files, where)
    cpg = files[".cpg"].read_bytes()[:64].decode("ascii", "replace").strip() if ".cpg" in files else ""
    stem = where.removesuffix(path.suffix)
    table = read_dbf(files[".dbf"], encoding=encoding, cpg=cpg, where=f"{stem}.dbf")
    if table.records != records:
        raise SourceError(
            f"{where} has {records} geometries, {stem}.dbf has {table.records} records.",
            hint="The files do not belong together: deliver the shapefile again.",
        )
    shapes = no_geometry(len(table.rows))
    findings = table.findings
    if geometry and records:
        with alone(shp=files[".shp"], shx=files[".shx"]) as folder:
            features = read_geometry(folder / "source.shp", where)
        if len(features.geometry) != records:
            raise SourceError(
                f"{where} declares {records} geometries, {len(features.geometry)} could be read.",
                hint="Open it in a GIS and export it again.",
            )
        # Without a table beside them the geometries come complete, those of deleted rows included.
        features = features.taken(table.rows - 1)
        shapes = features.geometry
        features.report(table.rows, findings)
    return Table(
        columns=table.columns,
        geometry=shapes,
        rows=table.rows,
        layer=layer or path.stem,
        driver="ESRI Shapefile",
        encoding=table.encoding.name,
        evidence=table.encoding.evidence,
        declared_wkt=_prj(files[".prj"]) if ".prj" in files else "",
        findings=findings,
    )


def _prj(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace").strip()


def _indexed_records(files: dict[str, Path], where: str) -> int:
    """Compare declared and real sizes; return the number of geometries that the index lists."""
    stem = Path(where).name.removesuffix(files[".shp"].suffix)
    for suffix in (".shp", ".shx"):
        _check_size(files[suffix], f"{stem}{suffix}")
    index = np.fromfile(files[".shx"], dtype=">i4", offset=_HEADER_BYTES).astype(np.int64)
    if len(index) % 2:
        raise SourceError(f"{stem}.shx ends in the middle of an entry.", hint="Deliver the shapefile again.")
    starts = index[::2] * 2
    if not len(starts):
        return 0
    size = files[".shp"].stat().st_size
    if starts.min() < _HEADER_BYTES or starts.max() + 12 > size:
        raise SourceError(
            f"{stem}.shx points to byte {starts.max()}, {where} has {size} bytes.",
            hint="The files do not belong together: deliver the shapefile again.",
        )
    # The last geometry's own length, not the index's, which some writers get wrong.
    last = int(starts.max())
    with files[".shp"].open("rb") as file:
        file.seek(last + 4)
        (words,) = struct.unpack(">i", file.read(4))
    if last + 8 + words * 2 != size:
        raise SourceError(
            f"the last geometry that {stem}.shx lists ends at byte {last + 8 + words * 2}, "
            f"{where} has {size} bytes.",
            hint="The index is older than the geometries: export the shapefile again.",
        )
    return len(starts)


def _check_size(path: Path, where: str) -> None:
    real = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES or struct.unpack_from(">i", head)[0] != _MAGIC:
        raise SourceError(
            f"{where} is no part of a shapefile: it begins with {head[:12]!r}.",
            hint="Check what the file really is.",
        )
    declared = struct.unpack_from(">i", head, 24)[0] * 2
    if declared != real:
        raise SourceError(
            f"{where} declares {declared} bytes, holds {real}.",
            hint="The file is cut off or damaged: deliver it again.",
        )
