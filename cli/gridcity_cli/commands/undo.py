"""`gridcity undo`: the latest import taken back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gridcity_cli import options
from gridcity_cli.receipts import listed

if TYPE_CHECKING:
    from gridcity.chronicle import Undone

EXAMPLES = """
gridcity undo --dry-run --city city.gpkg
gridcity undo --yes --city city.gpkg
"""


@options.command("undo", EXAMPLES)
@options.city_option
@click.option("--dry-run", is_flag=True, help="Say what would be taken back and write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
@click.pass_context
def undo(ctx: click.Context, city_path: str, dry_run: bool, yes: bool) -> None:
    """Take back the latest import, end or delivery that is not taken back already.

    What it added leaves the city, what it changed becomes what it was; the log keeps both receipts. A
    second undo goes one further back. Codes that were given are not given again.
    """
    if not (dry_run or yes or sys.stdin.isatty()):
        raise click.UsageError("undo changes the city; without a terminal to ask at it needs --yes.")
    with options.open_city(city_path) as city:
        expected = None
        if not (dry_run or yes):
            from gridcity.chronicle import latest

            receipts = latest(city.store)
            expected = [receipt.id for receipt in receipts]
            if receipts:
                click.echo(listed("To be taken back:", receipts), err=True)
                if not click.confirm("Take it back?", err=True):
                    click.echo("Nothing was changed.", err=True)
                    ctx.exit(3)
        undone = city.undo(expected=expected, dry_run=dry_run)
    click.echo(_as_text(undone))


def _as_text(undone: Undone) -> str:
    parts = [listed("Taken back:" if not undone.dry_run else "Would be taken back:", undone.undid)]
    for said, counts in (("removed", undone.removed), ("as before", undone.restored)):
        if counts:
            parts.append(f"{said}: {', '.join(f'{n} {table}' for table, n in counts.items())}")
    if not undone.removed and not undone.restored:
        parts.append("It had changed nothing: the city is as it was. A second undo goes one further back.")
    if given := [table for table in ("cells", "components") if table in undone.removed]:
        parts.append(f"The codes that gridcity gave to these {' and '.join(given)} are not given again.")
    parts.append("A dry run: nothing was written." if undone.dry_run else f"receipt {undone.receipt}")
    return "\n".join(parts)
