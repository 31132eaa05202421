"""`gridcity catalogue`: the classes of components and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gridcity_cli import options
from gridcity_cli.output import write_rows

if TYPE_CHECKING:
    from gridcity.catalogue import Catalogue

EXAMPLES = """
gridcity catalogue 井盖
gridcity catalogue "street lamp" --edition cjt214-2007
gridcity catalogue --kind event --format csv
"""

COLUMNS = ("kind", "code", "name", "english", "major", "major_name", "geometry", "status", "edition")


@options.command("catalogue", EXAMPLES)
@click.argument("text", default="", required=False)
@options.edition_option
@click.option("--kind", type=click.Choice(("component", "event")), help="Only components, or only events.")
@options.optional_city_option
@options.format_option("table", "json", "ndjson", "csv", default="table")
def catalogue(
    text: str, edition: str | None, kind: str | None, city_path: str | None, output_format: str
) -> None:
    """List the classes of an edition, or those whose names or code contain every word of TEXT.

    With a city, the classes of its editions are listed, its own among them. The status says how sure a
    row is: a provisional one was reconstructed and not read in the standard.
    """
    from gridcity.catalogue import catalogue as standard
    from gridcity.codes import DEFAULT_EDITION

    if city_path is None:
        catalogues: tuple[Catalogue, ...] = (standard(edition or DEFAULT_EDITION),)
    else:
        with options.open_city(city_path) as city:
            catalogues = city.profile.catalogues()
        if edition is not None:
            catalogues = tuple(c for c in catalogues if c.edition == edition) or (standard(edition),)
    found = [
        entry
        for classes in catalogues
        for entry in (classes.search(text, kind) if text.strip() else classes.entries)
        if kind in (None, entry.kind)
    ]
    rows = [
        (e.kind, e.code, e.zh, e.en, e.major_code, e.major_zh, e.geometry, e.status, e.edition) for e in found
    ]
    write_rows(output_format, COLUMNS, rows)
    if not rows:
        near = [f"{e.code} {e.zh}" for c in catalogues for e in c.nearest(text, kind or "component")]
        click.echo(
            f"No class contains {text!r}." + (f" Nearest: {', '.join(near)}." if near else ""), err=True
        )
