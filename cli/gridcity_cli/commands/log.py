"""`gridcity log`: what was written, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gridcity_cli import options
from gridcity_cli.output import table, write_rows
from gridcity_cli.receipts import local_time

if TYPE_CHECKING:
    from gridcity.chronicle import Entry

EXAMPLES = """
gridcity log --city city.gpkg
gridcity log --limit 5 --city city.gpkg
gridcity log --format csv --city city.gpkg > log.csv
"""

COLUMNS = (
    *("receipt", "at", "kind", "source", "layer", "read", "added", "changed", "unchanged", "rejected"),
    *("warnings", "undone_by"),
)
MORE = ("resurvey_area", "ended", "delivery", "files", "replaced")
"""What CSV and JSON have besides; the table says it in one column."""


@options.command("log", EXAMPLES)
@options.city_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the latest N.")
@options.format_option("table", "json", "csv", default="table")
def log(city_path: str, limit: int | None, output_format: str) -> None:
    """List the receipts of a city: every import, end and undo, the newest first.

    They stand in the order in which they were written. The table shows the time of this computer with its
    offset; CSV and JSON have UTC. undone_by is the receipt of the undo that took the import back.
    A second survey is marked, with the number of components that it ended; so are the files that were
    one delivery, by its first receipt, and cells that took the place of others, by the number of these.
    """
    with options.open_city(city_path) as city:
        entries = city.log()[:limit]
    rows = [_row(entry) for entry in entries]
    if output_format != "table":
        more = [tuple(getattr(entry, name) for name in MORE) for entry in entries]
        named = (*COLUMNS, *MORE)
        write_rows(output_format, named, [(*row, *rest) for row, rest in zip(rows, more, strict=True)])
    elif rows:
        local = [(row[0], local_time(str(row[1])), *row[2:]) for row in rows]
        marks = [_mark(entry) for entry in entries]
        if any(marks):
            click.echo(table((*COLUMNS, "mark"), [(*row, m) for row, m in zip(local, marks, strict=True)]))
        else:
            click.echo(table(COLUMNS, local))
    else:
        click.echo("Nothing was imported yet.")


def _mark(entry: Entry) -> str:
    """Return what a receipt is besides one import of one file."""
    second = f"second survey, ended {entry.ended}" if entry.resurvey_area else ""
    several = f"delivery {entry.delivery}, {entry.files} files" if entry.delivery else ""
    cells = f"cells replaced: {entry.replaced}" if entry.replaced else ""
    return "; ".join(filter(None, (second, several, cells)))


def _row(entry: Entry) -> tuple[object, ...]:
    receipt = entry.receipt
    balance = (receipt.read, receipt.added, receipt.changed, receipt.unchanged, receipt.rejected)
    named = (receipt.id, receipt.at, receipt.kind, receipt.source, receipt.layer)
    return (*named, *balance, entry.warnings, entry.undone_by)
