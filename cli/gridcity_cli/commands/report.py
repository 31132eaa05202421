"""`gridcity report`: how things stand."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gridcity.errors import StoreError
from gridcity_cli import options
from gridcity_cli.output import check_target, json_text, shown, table, write_csv, write_file

EXAMPLES = """
gridcity report inventory --by street,class --city city.gpkg
gridcity report inventory --by class --output inventory.html --city city.gpkg
"""

SUFFIXES = {".csv": "csv", ".json": "json", ".html": "html", ".htm": "html"}


def _dimensions(ctx: click.Context, param: click.Parameter, value: str) -> list[str]:
    """Return the names of the dimensions, each once."""
    from gridcity.reporting import DIMENSIONS

    names = [name.strip() for name in value.split(",") if name.strip()]
    possible = f"Possible, each once: {', '.join(DIMENSIONS)}."
    for at, name in enumerate(names):
        if name not in DIMENSIONS:
            raise click.BadParameter(f"there is no dimension {name!r}. {possible}", ctx, param)
        if name in names[:at]:
            raise click.BadParameter(f"{name!r} is named twice. {possible}", ctx, param)
    return names


def chosen_format(asked: str | None, output: Path | None) -> str:
    """Return the format that is asked for, or that the suffix of the file means."""
    meant = SUFFIXES.get(output.suffix.lower()) if output is not None else None
    if asked and meant and asked != meant:
        raise click.UsageError(f"--format {asked} does not go with --output {shown(output)}.")
    return asked or meant or "table"


def free_target(output: Path, overwrite: bool, *read: str) -> None:
    """Refuse a file that is there and not to be replaced, or that this command reads."""
    check_target(output, *map(Path, read))
    if output.exists() and not overwrite:
        raise StoreError(
            f"{shown(output)} exists already.",
            hint="Choose another path, or replace it with --overwrite.",
        )


@click.group("report")
def report() -> None:
    """Report how things stand in a city."""


@options.command("inventory", EXAMPLES)
@options.city_option
@click.option(
    "--by",
    callback=_dimensions,
    default="class",
    show_default=True,
    metavar="A,B,…",
    help="What to count by: cell, community, street, district, class, major, state, party, year.",
)
@options.format_option("table", "csv", "json", "html")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write to a file."
)
@options.overwrite_option
def inventory(
    city_path: str, by: list[str], output_format: str | None, output: Path | None, overwrite: bool
) -> None:
    """Count the components of a city.

    Without --format the suffix of the file decides, else it is a table. The HTML report is one file with
    table, chart and map, and needs no network.
    """
    output_format = chosen_format(output_format, output)
    if output is not None:
        free_target(output, overwrite, city_path)
    with options.open_city(city_path) as city:
        counted = city.report_inventory(by)
        page = counted.to_html(city.store) if output_format == "html" else ""
    if output_format == "table":
        page = table(counted.columns, counted.rows) + f"\n{counted.total} components\n"
    elif output_format == "json":
        page = json_text(counted.to_records(), indent=2) + "\n"
    if output is None:
        stdout = sys.stdout
        if output_format == "csv":
            write_csv(stdout, counted.columns, counted.rows)
        stdout.write(page)
        return
    if output_format == "csv":
        write_file(output, lambda file: write_csv(file, counted.columns, counted.rows))
    else:
        write_file(output, lambda file: file.write(page))
    click.echo(f"The report is in {shown(output)}.", err=True)


report.add_command(inventory)
