"""Files of formats that are not read, told by name or first bytes, and how to bring what is in them."""

from __future__ import annotations

from pathlib import Path

from gridcity.errors import SourceError

__all__ = ["refuse_foreign"]

_GIS = "Open it in a GIS such as QGIS and export the layer as a GeoPackage (.gpkg) or shapefile."
_CAD = "Export its layers from the CAD or GIS program as shapefiles, with the reference system."
_EXCEL = "Open it in a spreadsheet program and save it as an Excel workbook (.xlsx)."
_PACKED = "Unpack it and name the files in it, or pack one shapefile as a plain .zip."
_DATABASE = "Export its layers as a GeoPackage (.gpkg) or as shapefiles, its tables as .csv."
_REAL = "Name the file that holds the rows, not one that points to others."
_BY_SUFFIX = {
    ".kml": ("a KML file", _GIS),
    ".kmz": ("a packed KML file", _GIS),
    ".gml": ("a GML file", _GIS),
    ".gpx": ("a GPX file", _GIS),
    ".xml": ("an XML file", _GIS),
    ".tab": ("a MapInfo table", _GIS),
    ".mif": ("a MapInfo exchange file", _GIS),
    ".fgb": ("a FlatGeobuf file", _GIS),
    ".parquet": ("a (Geo)Parquet file", _GIS),
    ".geoparquet": ("a GeoParquet file", _GIS),
    ".topojson": ("a TopoJSON file", _GIS),
    ".dxf": ("a CAD drawing", _CAD),
    ".dwg": ("a CAD drawing", _CAD),
    ".mdb": ("an Access or personal geodatabase", _DATABASE),
    ".accdb": ("an Access database", _DATABASE),
    ".gdb": ("a file geodatabase", _DATABASE),
    ".sqlite": ("an SQLite database", _DATABASE),
    ".db": ("a database", _DATABASE),
    ".xls": ("an Excel file of the old kind", _EXCEL),
    ".xlsb": ("a binary Excel file", _EXCEL),
    ".xlsm": ("an Excel file with macros", _EXCEL),
    ".et": ("a WPS spreadsheet", _EXCEL),
    ".ods": ("an OpenDocument spreadsheet", _EXCEL),
    ".rar": ("a RAR archive", _PACKED),
    ".7z": ("a 7z archive", _PACKED),
    ".tar": ("a tar archive", _PACKED),
    ".tgz": ("a packed tar archive", _PACKED),
    ".gz": ("a gzip file", _PACKED),
    ".bz2": ("a bzip2 file", _PACKED),
    ".vrt": ("a description of a virtual layer", _REAL),
    ".lnk": ("a Windows shortcut", _REAL),
    ".qgz": ("a QGIS project", _REAL),
    ".mxd": ("an ArcMap project", _REAL),
}
_BY_BYTES = (
    (b"Rar!", "a RAR archive", _PACKED),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _PACKED),
    (b"\x1f\x8b", "a gzip file", _PACKED),
    (b"PAR1\x15", "a (Geo)Parquet file", _GIS),
    (b"\x00\x01\x00\x00Standard", "an Access database", _DATABASE),
    (b"\xd0\xcf\x11\xe0", "an Office file of the old kind, or one with a password", _EXCEL),
    (b"<OGRVRT", "a description of a virtual layer", _REAL),
    (b"<?xml", "an XML file", _GIS),
    (b"<kml", "a KML file", _GIS),
    (b"<html", "a web page", "Download the file itself."),
    (b"<!doctype html", "a web page", "Download the file itself."),
)
# A table names its columns in its first line; these begin XML, JSON, a zip and a GeoPackage.
_NO_TABLE = (b"<", b"{", b"[", b"PK\x03\x04", b"SQLite format 3\x00", b"%PDF")


def refuse_foreign(file: Path, head: bytes = b"", *, table: bool = False) -> None:
    """Refuse a file of a format that is known and not read.

    Parameters
    ----------
    file : pathlib.Path
        The file; of its name only the suffix is looked at.
    head : bytes, optional
        Its first bytes, which go before the suffix.
    table : bool, optional
        Whether the suffix is that of a text table, for which its first bytes must look like one.

    Raises
    ------
    SourceError
        The file is of such a format; code ``E_DRIVER``.

    Examples
    --------
    >>> refuse_foreign(Path("survey.kmz"))
    Traceback (most recent call last):
        ...
    gridcity.errors.SourceError: survey.kmz is a packed KML file, which is not read. Open it in a GIS ...
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    known = [(what, hint) for mark, what, hint in _BY_BYTES if text[:20].lower().startswith(mark.lower())]
    if not known and (of_suffix := _BY_SUFFIX.get(file.suffix.lower())):
        known = [of_suffix]
    if known:
        what, hint = known[0]
        raise SourceError(f"{file.name} is {what}, which is not read.", hint=hint, code="E_DRIVER")
    if table and text.startswith(_NO_TABLE):
        raise SourceError(
            f"{file.name} is no text table: it begins with {head[:16]!r}.",
            hint="Check what the file really is, and give it the suffix of its format.",
            code="E_DRIVER",
        )
