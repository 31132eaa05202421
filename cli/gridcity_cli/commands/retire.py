"""`gridcity retire`: one object ended."""

from __future__ import annotations

import click

from gridcity_cli import options
from gridcity_cli.output import shown

EXAMPLES = """
gridcity retire 11010101037000001 --date 2026-03-01 --city city.gpkg
gridcity retire 1101010698000005 --edition cjt214-2007 --date 2026-03-01 --city city.gpkg
"""


@options.command("retire", EXAMPLES)
@click.argument("code")
@options.city_option
@click.option(
    "--date",
    "day",
    type=options.Day(),
    required=True,
    metavar="YYYY-MM-DD",
    help="The first day on which it is no longer valid.",
)
@options.edition_option
@click.option("--dry-run", is_flag=True, help="Say what would happen and write nothing.")
def retire(code: str, city_path: str, day: str, edition: str | None, dry_run: bool) -> None:
    """End a component, a cell or a party; it stays known, and its code is not given again.

    The components of a cell that ends are given the cell they lie in then. The day must have come and not
    be before the first day. gridcity undo takes the end back.
    """
    with options.open_city(city_path) as city:
        retired = city.retire(code, day, edition=edition, dry_run=dry_run)
    name = f" {retired.name}" if retired.name else ""
    click.echo(shown(f"{retired.kind} {retired.code}{name} ends on {retired.until}"))
    if retired.replaced:
        click.echo(f"components placed anew: {retired.replaced}")
    click.echo("A dry run: nothing was written." if dry_run else f"receipt {retired.receipt}")
