"""`gridcity report`: how things stand."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gridcity_cli import options
from gridcity_cli.output import check_target, json_text, shown, table, write_csv, write_file

EXAMPLES = """
gridcity report inventory --by street,class --city city.gpkg
gridcity report inventory --by class --format html --output inventory.html --city city.gpkg
"""


@click.group("report")
def report() -> None:
    """Report how things stand in a city."""


@options.command("inventory", EXAMPLES)
@options.city_option
@click.option(
    "--by",
    default="class",
    show_default=True,
    metavar="A,B,…",
    help="What to count by: cell, community, street, district, class, major, state, party, year.",
)
@options.format_option("table", "csv", "json", "html", default="table")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write to a file."
)
def inventory(city_path: Path, by: str, output_format: str, output: Path | None) -> None:
    """Count the components of a city.

    The HTML report is one file with table, chart and map, and needs no network.
    """
    if output is not None:
        check_target(output, city_path)
    with options.open_city(city_path) as city:
        counted = city.report_inventory([name.strip() for name in by.split(",") if name.strip()])
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
