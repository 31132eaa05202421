"""One file in, one `Source` out: every row as text, its geometry, its reference system, its origin."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gridcity.crs import ReferenceSystem, reference_system
from gridcity.errors import ArgumentError, SourceError, SourceNotFoundError
from gridcity.findings import Findings
from gridcity.intake.archive import unpacked_shapefile
from gridcity.intake.delimited import read_delimited
from gridcity.intake.geojson import read_geojson
from gridcity.intake.geopackage import read_geopackage
from gridcity.intake.shapefile import members, read_shapefile
from gridcity.intake.table import Column, Numbers, Table

__all__ = ["Source", "read_source"]

_SHAPEFILE, _ZIP, _GEOPACKAGE, _JSON, _SEQUENCE, _TEXT = (
    "shapefile",
    "zip",
    "GeoPackage",
    "JSON",
    "sequence",
    "text",
)
_FORMATS = {
    ".shp": _SHAPEFILE,
    ".zip": _ZIP,
    ".gpkg": _GEOPACKAGE,
    ".geojson": _JSON,
    ".json": _JSON,
    ".geojsonl": _SEQUENCE,
    ".geojsons": _SEQUENCE,
    ".ndjson": _SEQUENCE,
    ".csv": _TEXT,
    ".tsv": _TEXT,
    ".txt": _TEXT,
}
_BEGINNINGS = {
    _SHAPEFILE: (b"\x00\x00\x27\x0a",),
    _ZIP: (b"PK\x03\x04", b"PK\x05\x06"),
    _GEOPACKAGE: (b"SQLite format 3\x00",),
    _JSON: (b"{", b"\x1e"),
    _SEQUENCE: (b"{", b"\x1e"),
}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WGS84 = "EPSG:4326"


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
        ``GPKG``) or ``CSV``.
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
        The two columns of a text table that became the geometry.
    assumed : bool
        Nothing says what the coordinates mean but the format's own rule, as with plain GeoJSON.
    findings : Findings
        ``encoding-declared``, ``value-cut``, ``value-unreadable``, ``row-deleted``, ``geometry-z``,
        ``geometry-invalid``, ``coordinate-not-finite``.
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

    def __len__(self) -> int:
        return len(self.rows)


def read_source(
    path: str | os.PathLike[str],
    *,
    layer: str | None = None,
    encoding: str | None = None,
    crs: str | int | None = None,
    datum: str | None = None,
    x: str | None = None,
    y: str | None = None,
    geometry: Literal["required", "none"] = "required",
) -> Source:
    """Read one layer of a file.

    Parameters
    ----------
    path : str or path
        A shapefile (``.shp``), a ``.zip`` that holds one, GeoJSON (``.geojson``, ``.json``), a GeoJSON
        text sequence (``.geojsonl``, ``.geojsons``, ``.ndjson``), a GeoPackage (``.gpkg``), or a text
        table (``.csv``, ``.tsv``, ``.txt``).
    layer : str, optional
        Which layer, where the file holds several.
    encoding : str, optional
        Encoding of the text, where the bytes should not decide.
    crs, datum : optional
        The reference system over the file's own declaration, see `gridcity.crs.reference_system`.
    x, y : str, optional
        Columns of the coordinates of a text table, eastward and northward.
    geometry : {"required", "none"}, optional
        ``none`` for tables of parties and duties, whose rows have no place.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    SourceError
        The file is refused as a whole: of another format than it says, damaged, unsafe, ambiguous.
    ReferenceSystemError
        Neither the file nor the call says what the coordinates mean.
    ArgumentError
        ``encoding`` or ``geometry`` is no known value.
    """
    if geometry not in ("required", "none"):
        raise ArgumentError(f"geometry={geometry!r} is neither 'required' nor 'none'.")
    placed = geometry == "required"
    try:
        file = _existing(path)
        form = _format(file)
        if form != _TEXT and (x is not None or y is not None):
            raise SourceError(f"{file.name} has a geometry of its own.", hint="Leave out --x and --y.")
        if form == _ZIP:
            with unpacked_shapefile(file, layer) as (inner, inner_name):
                table = read_shapefile(
                    inner, where=f"{inner_name}.shp", layer=inner_name, encoding=encoding, geometry=placed
                )
                digest = _sha256(members(inner).values())
        else:
            parts = members(file).values() if form == _SHAPEFILE else [file]
            digest = _sha256(parts)
            table = _read(file, form, layer, encoding, x, y, placed)
    except SourceError:
        raise
    except OSError as problem:
        raise SourceError(
            f"{os.fspath(path)} cannot be read: {problem.strerror or problem}.",
            hint="Check the path and your permission to read it.",
        ) from problem
    silent = not (crs or datum or table.declared_wkt or table.declared_crs)
    return Source(
        path=file,
        name=file.name,
        layer=table.layer,
        driver=table.driver,
        columns=table.columns,
        geometry=table.geometry,
        rows=table.rows,
        system=_system(table, crs, datum, file.name) if placed else None,
        encoding=table.encoding,
        evidence=table.evidence,
        sha256=digest,
        coordinate_columns=table.coordinate_columns,
        assumed=placed and silent,
        findings=table.findings,
    )


def _read(
    file: Path, form: str, layer: str | None, encoding: str | None, x: str | None, y: str | None, placed: bool
) -> Table:
    if form == _GEOPACKAGE:
        return read_geopackage(file, layer=layer, geometry=placed)
    if layer is not None and layer != file.stem:
        raise SourceError(
            f"{file.name} has one layer, {file.stem}, not {layer!r}.", hint="Leave out --layer."
        )
    if form == _SHAPEFILE:
        return read_shapefile(file, encoding=encoding, geometry=placed)
    if form == _TEXT:
        return read_delimited(file, encoding=encoding, x=x, y=y, geometry=placed)
    return read_geojson(file, sequence=form == _SEQUENCE, encoding=encoding, geometry=placed)


def _existing(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path)
    if "://" in text or text.startswith("/vsi"):
        raise SourceError(f"{text} is no local file.", hint="Fetch it first, then name the file.")
    file = Path(text)
    if "\0" in text or not file.exists():
        raise SourceNotFoundError(f"There is no file {text}.", hint="Check the path.")
    if file.is_dir():
        raise SourceError(f"{text} is a folder, not a file.", hint="Name one file in it.")
    if not file.is_file():
        raise SourceError(
            f"{text} is no ordinary file.", hint="Write the rows to a file first, then name it."
        )
    if file.stat().st_size == 0:
        raise SourceError(f"{text} is empty: 0 bytes.", hint="Deliver the file again.")
    return file


def _format(file: Path) -> str:
    """Return the format that the suffix names, once the first bytes agree with it."""
    form = _FORMATS.get(file.suffix.lower())
    if form is None:
        raise SourceError(
            f"{file.name} has no known suffix; known are {', '.join(_FORMATS)}.",
            hint="Export the data in one of these formats.",
        )
    with file.open("rb") as opened:
        head = opened.read(512)
    shown = head[:16]
    if form in (_JSON, _SEQUENCE):
        head = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if form in _BEGINNINGS and not head.startswith(_BEGINNINGS[form]):
        raise SourceError(
            f"{file.name} is no {form}, though its suffix says so: it begins with {shown!r}.",
            hint="Check what the file really is.",
        )
    return form


def _sha256(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _system(table: Table, crs: str | int | None, datum: str | None, where: str) -> ReferenceSystem:
    """Settle the reference system: the call's own word over the file's."""
    if crs is not None:
        return reference_system(crs, datum, where=where)
    if table.declared_wkt:
        return reference_system(None, datum, wkt=table.declared_wkt, where=where)
    if table.declared_crs:
        return reference_system(table.declared_crs, datum, where=where)
    if datum is None and table.driver in ("GeoJSON", "GeoJSONSeq"):
        return reference_system(_WGS84, where=where)  # RFC 7946, section 4
    return reference_system(None, datum, where=where)
