"""One layer of one file in, one `Source` out: every row, its geometry, its reference system, its origin."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal

from gridcity.findings import Findings
from gridcity.intake.layers import Source, open_layer

__all__ = ["Source", "read_source"]


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
    heights: bool = False,
) -> Source:
    """Read one layer of a file, whole.

    Parameters
    ----------
    path : str or path
        A shapefile (``.shp``), a ``.zip`` that holds one, GeoJSON (``.geojson``, ``.json``), a GeoJSON
        text sequence (``.geojsonl``, ``.geojsons``, ``.ndjson``), a GeoPackage (``.gpkg``), a text
        table (``.csv``, ``.tsv``, ``.txt``), or an Excel workbook (``.xlsx``).
    layer : str, optional
        Which layer, where the file holds several.
    encoding : str, optional
        Encoding of the text, where the bytes should not decide.
    crs, datum : optional
        The reference system over the file's own declaration, see `gridcity.crs.reference_system`.
    x, y : str, optional
        Columns of the coordinates of a text table or a sheet, eastward and northward.
    geometry : {"required", "none"}, optional
        ``none`` for tables of parties and duties, whose rows have no place.
    heights : bool, optional
        Keep the heights of the points of a shapefile; any other file is refused then.

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
    with open_layer(
        path,
        layer=layer,
        encoding=encoding,
        crs=crs,
        datum=datum,
        x=x,
        y=y,
        geometry=geometry,
        heights=heights,
    ) as opened:
        rows = opened.read(geometry=geometry == "required")
        findings = Findings()
        findings.extend(opened.findings)
        findings.extend(rows.findings)
        return replace(rows, findings=findings)
