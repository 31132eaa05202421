"""`gridcity mapping`: mapping files, written and to be completed."""

from __future__ import annotations

from pathlib import Path

import click

from gridcity_cli import options

EXAMPLES = """
gridcity mapping suggest lamps.shp > lamps.toml
gridcity mapping suggest survey.gpkg --layer covers --city city.gpkg > covers.toml
gridcity mapping suggest bodies.csv --kind parties > bodies.toml
"""

_KINDS = {"components": "component", "cells": "cell", "areas": "area", "parties": "party", "duties": "duty"}


@click.group("mapping")
def mapping() -> None:
    """Say which column of a file is which field.

    A mapping is a TOML file for `gridcity import … --mapping FILE`.
    """


@mapping.command("suggest", cls=options.Command, examples=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--layer", metavar="NAME", help="Layer to read, where the file has several.")
@options.encoding_option
@click.option(
    "--kind", type=click.Choice(tuple(_KINDS)), help="What the rows are; else what inspect takes them for."
)
@options.optional_city_option
def suggest(
    file: Path, layer: str | None, encoding: str | None, kind: str | None, city_path: str | None
) -> None:
    """Write a mapping for a file, with its doubts as comments, and import nothing.

    Unchanged, it changes nothing. No reference system is needed.
    """
    from gridcity.inspecting import suggest as written

    profile = None
    if city_path is not None:
        with options.open_city(city_path) as city:
            profile = city.profile
    chosen = _KINDS[kind] if kind else None
    click.echo(written(file, profile=profile, layer=layer, encoding=encoding, kind=chosen), nl=False)
