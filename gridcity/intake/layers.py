"""A layer of a file, opened: everything is known of it before its first row is read.

A layer is read in parts, so that the memory of an import is that of one part and not of its file.
Shapefiles stay on disk; the other formats are read whole when they are opened, and sliced.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import shapely

from gridcity.crs import ReferenceSystem, reference_system
from gridcity.crs.plausible import Guess, guess
from gridcity.errors import ArgumentError, ReferenceSystemError, SourceError, readable
from gridcity.findings import Findings
from gridcity.intake.archive import unpacked_shapefile
from gridcity.intake.delimited import read_delimited
from gridcity.intake.formats import (
    GEOPACKAGE,
    SEQUENCE,
    SHAPEFILE,
    SPREADSHEET,
    TEXT,
    ZIP,
    existing,
    format_of,
    unreadable,
)
from gridcity.intake.geojson import read_geojson
from gridcity.intake.geopackage import read_geopackage
from gridcity.intake.shapefile import members, no_heights, open_shapefile
from gridcity.intake.spreadsheet import read_spreadsheet
from gridcity.intake.table import Column, Heights, Numbers, Opened

__all__ = ["Layer", "Source", "open_layer"]

_WGS84 = "EPSG:4326"
# Ours: so many rows show what the numbers look like, however many there are.
_GUESSED_ROWS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The rows of one layer of one file, nothing converted and nothing transformed.

    Attributes
    ----------
    path : pathlib.Path
        The file that was read.
    name : str
        Its name without folder.
    layer, driver : str
        The layer's name; the format as GDAL spells it (``ESRI Shapefile``, ``GeoJSON``, ``GeoJSONSeq``,
        ``GPKG``), ``CSV`` or ``XLSX``.
    columns : dict of str to numpy.ndarray
        The text of every column, object arrays of str without blanks and NULs at their end; a missing
        value is the empty text.
    geometry : numpy.ndarray
        Shapely geometries in two dimensions in the system of the file, None where a row has none.
    rows : numpy.ndarray
        Record numbers in the file, int64, counted from 1; a deleted record keeps its number out.
    system : ReferenceSystem or None
        What the coordinates mean; None when no geometry was asked for.
    encoding, evidence : str
        How the text was decoded and why.
    sha256 : str
        Of the bytes of the file; of a shapefile those of its .cpg, .dbf, .prj, .shp and .shx in this
        order, zipped or not.
    coordinate_columns : tuple of str
        The columns of a text table or a sheet that became the geometry: coordinates, WKT or both.
    assumed : bool
        Nothing says what the coordinates mean but the format's own rule, as with plain GeoJSON.
    findings : Findings
        What was found in these rows; from `read_source` also what was found about the file.
    heights : numpy.ndarray or None
        Heights of the points as the file has them, float, NaN where there is none; None if they were not
        asked for.
    """

    path: Path
    name: str
    layer: str
    driver: str
    columns: dict[str, Column]
    geometry: Column
    rows: Numbers
    system: ReferenceSystem | None
    encoding: str
    evidence: str
    sha256: str
    coordinate_columns: tuple[str, ...] = ()
    assumed: bool = False
    findings: Findings = field(default_factory=Findings)
    heights: Heights | None = None

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer of one file, open; from `open_layer`. Attributes not named here are those of `Source`.

    Attributes
    ----------
    names : tuple of str
        Names of the columns.
    rows : numpy.ndarray
        Record numbers of all rows that are not deleted, int64, counted from 1.
    samples : tuple of str
        Up to three values beyond ASCII, for a person to see whether the encoding is right.
    findings : Findings
        About the file as a whole: ``encoding-declared``, ``row-deleted``, ``geometry-z``, ``index-rebuilt``.
    declared : str
        What the file itself says of its reference system, as delivered; empty where it says nothing.
    system_problem : str
        Why `system` is None though a geometry was asked for; only with ``declared_only``.
    """

    path: Path
    name: str
    layer: str
    driver: str
    names: tuple[str, ...]
    rows: Numbers
    system: ReferenceSystem | None
    encoding: str
    evidence: str
    samples: tuple[str, ...]
    sha256: str
    coordinate_columns: tuple[str, ...]
    assumed: bool
    findings: Findings
    declared: str
    system_problem: str
    _opened: Opened = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def read(
        self, at: Numbers | None = None, *, columns: Collection[str] | None = None, geometry: bool = True
    ) -> Source:
        """Read some rows.

        Parameters
        ----------
        at : numpy.ndarray of int64, optional
            Positions in `rows`, in the order wanted; all rows if not given.
        columns : collection of str, optional
            The columns wanted, of `names`; all if not given.
        geometry : bool, optional
            Whether to read the geometry; without it every geometry is None.

        Returns
        -------
        Source
            The rows with the findings about them; the findings about the file are the layer's.

        Raises
        ------
        SourceError
            The geometry cannot be read after all.
        """
        try:
            part = self._opened.part(at, columns, geometry)
        except OSError as problem:
            raise unreadable(self.path, problem) from problem
        return Source(
            path=self.path,
            name=self.name,
            layer=self.layer,
            driver=self.driver,
            columns=part.columns,
            geometry=part.geometry,
            rows=self.rows if at is None else self.rows[at],
            system=self.system,
            encoding=self.encoding,
            evidence=self.evidence,
            sha256=self.sha256,
            coordinate_columns=self.coordinate_columns,
            assumed=self.assumed,
            findings=part.findings,
            heights=part.heights,
        )


@contextmanager
def open_layer(
    path: str | os.PathLike[str],
    *,
    layer: str | None = None,
    encoding: str | None = None,
    crs: str | int | None = None,
    datum: str | None = None,
    x: str | None = None,
    y: str | None = None,
    geometry: Literal["required", "none"] = "required",
    declared_only: bool = False,
    heights: bool = False,
) -> Iterator[Layer]:
    """Open one layer of a file to read it in parts.

    Parameters
    ----------
    path, layer, encoding, crs, datum, x, y, geometry, heights
        See `gridcity.intake.sources.read_source`.
    declared_only : bool, optional
        Open the layer also where nothing says what its coordinates mean: then its ``system`` is None
        and its ``system_problem`` says why. For those who look at a file before it is imported.

    Yields
    ------
    Layer
        The layer; it can be read until the context ends.

    Raises
    ------
    SourceNotFoundError, SourceError, ReferenceSystemError, ArgumentError
        See `gridcity.intake.sources.read_source`.
    """
    if geometry not in ("required", "none"):
        raise ArgumentError(f"geometry={geometry!r} is neither 'required' nor 'none'.")
    placed = geometry == "required"
    with ExitStack() as stack:
        try:
            file = existing(path)
            form = format_of(file)
            if form not in (TEXT, SPREADSHEET) and (x is not None or y is not None):
                raise SourceError(f"{file.name} has a geometry of its own.", hint="Leave out --x and --y.")
            opened, parts = _open(stack, file, form, layer, encoding, x, y, placed, heights and placed)
            digest = _sha256(parts)
        except OSError as problem:
            raise unreadable(path, problem) from problem
        system, trouble = None, ""
        if placed:
            try:
                system = _system(opened, crs, datum, file.name)
            except ReferenceSystemError as problem:
                if not declared_only:
                    raise
                trouble = str(problem)
        yield Layer(
            path=file,
            name=readable(file.name),
            layer=readable(opened.layer),
            driver=opened.driver,
            names=opened.names,
            rows=opened.rows,
            system=system,
            encoding=opened.encoding,
            evidence=opened.evidence,
            samples=opened.samples,
            sha256=digest,
            coordinate_columns=opened.coordinate_columns,
            assumed=placed and not (crs or datum or opened.declared_wkt or opened.declared_crs),
            findings=opened.about_file,
            declared=opened.declared_wkt or opened.declared_crs,
            system_problem=trouble,
            _opened=opened,
        )


def _open(
    stack: ExitStack,
    file: Path,
    form: str,
    layer: str | None,
    encoding: str | None,
    x: str | None,
    y: str | None,
    placed: bool,
    heights: bool,
) -> tuple[Opened, Iterable[Path]]:
    """Open the layer; return it with the files whose bytes it is made of."""
    if heights and form not in (SHAPEFILE, ZIP):
        raise no_heights(file.name)
    if form == ZIP:
        inner, name = stack.enter_context(unpacked_shapefile(file, layer))
        shapefile = open_shapefile(
            inner,
            where=f"{name}.shp",
            layer=name,
            encoding=encoding,
            geometry=placed,
            heights=heights,
        )
        return stack.enter_context(shapefile), members(inner).values()
    if form == GEOPACKAGE:
        return read_geopackage(file, layer=layer, geometry=placed), [file]
    if form == SPREADSHEET:
        return read_spreadsheet(file, layer=layer, x=x, y=y, geometry=placed), [file]
    if layer is not None and layer not in (file.stem, readable(file.stem)):
        raise SourceError(
            f"{file.name} has one layer, {file.stem}, not {layer!r}.", hint="Leave out --layer."
        )
    if form == SHAPEFILE:
        shapefile = open_shapefile(file, encoding=encoding, geometry=placed, heights=heights)
        return stack.enter_context(shapefile), members(file).values()
    if form == TEXT:
        return read_delimited(file, encoding=encoding, x=x, y=y, geometry=placed), [file]
    return read_geojson(file, sequence=form == SEQUENCE, encoding=encoding, geometry=placed), [file]


def _sha256(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _system(opened: Opened, crs: str | int | None, datum: str | None, where: str) -> ReferenceSystem:
    """Settle the reference system: the call's own word over the file's."""

    def guesses() -> Guess:
        return _guess(opened)

    if crs is not None:
        return reference_system(crs, datum, where=where, guesses=guesses)
    if opened.declared_wkt:
        return reference_system(None, datum, wkt=opened.declared_wkt, where=where, guesses=guesses)
    if opened.declared_crs:
        return reference_system(opened.declared_crs, datum, where=where, guesses=guesses)
    if datum is None and opened.driver in ("GeoJSON", "GeoJSONSeq"):
        return reference_system(_WGS84, where=where)  # RFC 7946, section 4
    return reference_system(None, datum, where=where, guesses=guesses)


def _guess(opened: Opened) -> Guess:
    """Return what the coordinates look like, by an even sample of the rows."""
    at = np.arange(0, len(opened.rows), max(1, len(opened.rows) // _GUESSED_ROWS))
    xy = shapely.get_coordinates(opened.part(at, (), True).geometry)
    return guess(xy[:, 0], xy[:, 1])
