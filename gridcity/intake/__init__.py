"""Rows coming in: files as text, geometry and origin, and the mapping of their columns to fields.

======================  ==========================================================
``sources``             one layer read whole: `read_source`
``layers``              one layer read in parts: `open_layer`, `Layer`, `Source`
``listing``             the layers of a file or folder: `list_layers`
``formats``             which format a file has
``shapefile``           .shp with its .shx and .dbf, checked against one another
``structure``           a shapefile's records, walked and held against its index
``dbf``                 dBase tables as text
``distinct``            the distinct values of fixed-width bytes
``archive``             a shapefile inside a zip
``geojson``             GeoJSON and its text sequences, with ``jsonrecords``
``textfile``            text files in the encoding of their bytes
``gathering``           texts of columns, gathered block by block
``geopackage``          one layer of a GeoPackage
``delimited``           CSV and its relatives
``spreadsheet``         Excel workbooks, read by openpyxl
``places``              coordinates and WKT in the columns of a table
``foreign``             formats that are told and not read
``twins``               layers that are the same file
``geometry``            what GDAL reads, and nothing but geometry
``encoding``            the encoding of text by its bytes, weighed by ``likelihood``
``unreadable``          what could not be decoded, with its findings
``table``               what the readers hand over
``mapping``             the mapping file: `Mapping`
``headers``             names of columns, also cut and numbered ones
``matching``            columns to fields: `match_columns`, `Draft`
``suggesting``          a mapping written for a file
``dates``               dates as people write them
``times``               times of the clock
``incidents``           files of incidents: `read_incidents`
======================  ==========================================================
"""

from __future__ import annotations

from gridcity.intake.dates import date_reasons, parse_dates
from gridcity.intake.layers import Layer, Source, open_layer
from gridcity.intake.listing import LayerName, layer_named, list_layers, other_files
from gridcity.intake.mapping import Mapping, check_mapping, mapping_of, read_mapping, with_columns
from gridcity.intake.matching import (
    Draft,
    Match,
    Matching,
    apply_mapping,
    draft_of,
    match_columns,
    refuse_missing_fields,
)
from gridcity.intake.sources import read_source
from gridcity.intake.suggesting import suggest_mapping
from gridcity.intake.twins import Mark, twins

__all__ = [
    "Draft",
    "Layer",
    "LayerName",
    "Mapping",
    "Mark",
    "Match",
    "Matching",
    "Source",
    "apply_mapping",
    "check_mapping",
    "date_reasons",
    "draft_of",
    "layer_named",
    "list_layers",
    "mapping_of",
    "match_columns",
    "open_layer",
    "other_files",
    "parse_dates",
    "read_mapping",
    "read_source",
    "refuse_missing_fields",
    "suggest_mapping",
    "twins",
    "with_columns",
]
