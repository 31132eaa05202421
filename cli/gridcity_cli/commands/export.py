"""`gridcity export`: the inventory as files for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from gridcity.errors import ArgumentError
from gridcity_cli import options
from gridcity_cli.output import check_replaceable, shown

EXAMPLES = """
gridcity export inventory.gpkg --city city.gpkg
gridcity export components.csv --city city.gpkg --overwrite
gridcity export shapes --format shapefile --city city.gpkg
"""


def _check_kind(target: Path, output_format: str | None) -> None:
    """Refuse, as typed wrong, a target that no export can be."""
    from gridcity.exporting import format_of

    try:
        kind = output_format or format_of(target)
    except ArgumentError as error:
        raise click.BadParameter(shown(f"{error.message} {error.hint}"), param_hint="TARGET") from error
    if kind == "shapefile" and target.suffix.lower() in (".shp", ".zip"):
        raise click.BadParameter(
            f"{shown(target)} is one file, a shapefile export is a folder; name one, without suffix.",
            param_hint="TARGET",
        )


@options.command("export", EXAMPLES)
@click.argument("target", type=click.Path(path_type=Path))
@options.city_option
@options.format_option("gpkg", "csv", "geojson", "shapefile")
@options.overwrite_option
def export(target: Path, city_path: str, output_format: str | None, overwrite: bool) -> None:
    """Write the inventory to TARGET; without --format its suffix decides.

    A GeoPackage holds the whole city, the others its components. Every file is written beside its place
    first and moved there when it is complete.
    """
    _check_kind(target, output_format)
    check_replaceable(target)
    with options.open_city(city_path) as city:
        written = city.export(target, format=output_format, overwrite=overwrite)
    for path in written:
        click.echo(shown(path))
