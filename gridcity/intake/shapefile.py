"""Shapefiles: three files that must agree before a row of them is believed.

GDAL reads a cut ``.shp`` as null geometries and tables of different lengths as far as the shorter
one goes, both without a word; so the files are compared first (`gridcity.intake.structure`). Text
comes from the table, and geometry through GDAL.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake.dbf import DbfTable, open_dbf
from gridcity.intake.geometry import Features, GeometryFile, alone, no_geometry, without_negative_zero
from gridcity.intake.structure import Structure, check_structure
from gridcity.intake.table import Column, Numbers, Part

__all__ = ["SUFFIXES", "Shapefile", "members", "no_heights", "open_shapefile"]

_POINT = 0  # of shapely's types
SUFFIXES = (".cpg", ".dbf", ".prj", ".shp", ".shx")


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


@dataclass(frozen=True, slots=True, eq=False)
class Shapefile:
    """An open shapefile; see `gridcity.intake.table.Opened`."""

    layer: str
    declared_wkt: str
    about_file: Findings
    _table: DbfTable
    _structure: Structure
    _shapes: GeometryFile | None
    driver: str = "ESRI Shapefile"
    declared_crs: str = ""
    coordinate_columns: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self._table.names

    @property
    def rows(self) -> Numbers:
        """Record numbers of the rows that are not deleted."""
        return self._table.rows

    @property
    def encoding(self) -> str:
        """How the text is decoded."""
        return self._table.encoding.name

    @property
    def evidence(self) -> str:
        """Why."""
        return self._table.encoding.evidence

    @property
    def samples(self) -> tuple[str, ...]:
        """Up to three values beyond ASCII, as decoded."""
        return self._table.encoding.samples

    def part(self, at: Numbers | None, columns: Collection[str] | None, geometry: bool) -> Part:
        """Read the rows at these positions; None means all."""
        rows = self.rows if at is None else self.rows[at]
        texts, findings = self._table.read(rows, columns)
        if not geometry or self._shapes is None:
            return Part(texts, no_geometry(len(rows)), findings)
        features = self._shapes.read(rows - 1)
        return Part(texts, self._placed(features, rows, findings), findings, features.heights)

    def _placed(self, features: Features, rows: Numbers, findings: Findings) -> Column:
        """Return the geometries that can be believed; what became of the others is a finding."""
        shapes, broken = features.geometry, features.broken
        null, damaged = self._structure.null[rows - 1], self._structure.damaged[rows - 1]
        shapes[null | damaged] = None
        findings.add(
            "geometry-invalid", rows[damaged], values="its record contradicts itself or the file's header"
        )
        lost = (broken | shapely.is_missing(shapes)) & ~null & ~damaged
        findings.add("geometry-invalid", rows[lost], values="it cannot be built as a simple feature")
        points = shapely.get_type_id(shapes) == _POINT
        shapes[points & shapely.is_empty(shapes)] = None  # what GDAL makes of two NaN
        unplaced = points & (np.isnan(shapely.get_x(shapes)) | np.isnan(shapely.get_y(shapes)))
        shapes[unplaced] = None
        findings.add("coordinate-not-finite", rows[unplaced], field="geometry")
        return without_negative_zero(shapes)


@contextmanager
def open_shapefile(
    path: Path,
    *,
    where: str = "",
    layer: str = "",
    encoding: str | None = None,
    geometry: bool = True,
    heights: bool = False,
) -> Iterator[Shapefile]:
    """Open a shapefile.

    Parameters
    ----------
    path : pathlib.Path
        The ``.shp`` file; the others stand beside it.
    where, layer : str, optional
        The name in messages and the name of the layer; the file's own if not given.
    encoding : str, optional
        Encoding of the table, where the bytes should not decide.
    geometry : bool, optional
        Whether the geometry will be read (default) or the table alone.
    heights : bool, optional
        Whether to keep the heights of the points.

    Raises
    ------
    SourceError
        A file of the set is missing, cut off, or has another number of rows than the others; or heights
        are wanted and the shapes are no points with heights.
    """
    where = where or path.name
    files = members(path)
    if ".dbf" not in files:
        raise SourceError(
            f"{where} has no .dbf file, the table of a shapefile.",
            hint="Deliver the shapefile with its .shp, .shx and .dbf; .dbf is missing.",
        )
    structure = check_structure(files[".shp"], files.get(".shx"), where)
    records = structure.records
    if heights and geometry and not structure.high_points:
        raise no_heights(where)
    cpg = _cpg(files[".cpg"]) if ".cpg" in files else ""
    stem = where.removesuffix(path.suffix)
    table = open_dbf(files[".dbf"], encoding=encoding, cpg=cpg, where=f"{stem}.dbf")
    if table.records != records:
        raise SourceError(
            f"{where} has {records} geometries, {stem}.dbf has {table.records} records.",
            hint="The files do not belong together: deliver the shapefile again.",
        )
    findings = Findings()
    findings.extend(table.findings)
    if structure.index is not None:
        findings.add("index-rebuilt", [None], values=structure.reason)
    wkt = _prj(files[".prj"]) if ".prj" in files else ""
    lifted = np.count_nonzero(~structure.null[table.rows - 1]) if structure.lifted else 0
    if geometry and lifted and not heights:
        findings.add("geometry-z", [None], values=str(lifted))
    if not (geometry and records):
        yield Shapefile(layer or path.stem, wkt, findings, table, structure, None)
        return
    with alone(shp=files[".shp"], shx=structure.index or files[".shx"]) as folder:
        # Without a table beside them the geometries come complete, those of deleted rows included.
        shapes = GeometryFile(folder / "source.shp", where, heights=heights)
        if shapes.count != records:
            raise SourceError(
                f"{where} declares {records} geometries, {shapes.count} could be read.",
                hint="Open it in a GIS and export it again.",
            )
        yield Shapefile(layer or path.stem, wkt, findings, table, structure, shapes)


def no_heights(where: str) -> SourceError:
    """Return the refusal of a layer whose heights are wanted and which has none."""
    return SourceError(
        f"{where} is no shapefile of points with heights (PointZ), which the mapping asks for.",
        hint="Leave z out of [geometry] in the mapping; a height that is a column is mapped in [columns].",
    )


def _cpg(path: Path) -> str:
    """Return what a ``.cpg`` says, of a web page under that name no more than its beginning."""
    return " ".join(path.read_bytes()[:32].decode("ascii", "replace").split())


def _prj(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace").strip()
