"""Rows coming in: files as text, geometry and origin, and the mapping of their columns to fields.

======================  ==========================================================
``sources``             one file in, one `Source` out
``shapefile``           .shp with its .shx and .dbf, checked against one another
``dbf``                 dBase tables as text
``archive``             a shapefile inside a zip
``geojson``             GeoJSON and its text sequences
``geopackage``          one layer of a GeoPackage
``delimited``           CSV and its relatives
``geometry``            what GDAL reads, and nothing but geometry
``encoding``            the encoding of text by its bytes
``table``               what the readers hand over
``mapping``             columns to fields: `Mapping`, `Draft`
``dates``               dates as people write them
======================  ==========================================================
"""

from __future__ import annotations

from gridcity.intake.dates import parse_dates
from gridcity.intake.mapping import Draft, Mapping, Match, apply_mapping, check_mapping, read_mapping
from gridcity.intake.sources import Source, read_source

__all__ = [
    "Draft",
    "Mapping",
    "Match",
    "Source",
    "apply_mapping",
    "check_mapping",
    "parse_dates",
    "read_mapping",
    "read_source",
]
