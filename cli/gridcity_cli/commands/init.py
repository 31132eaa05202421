"""`gridcity init`: a new city from a profile."""

from __future__ import annotations

from pathlib import Path

import click

from gridcity_cli import options
from gridcity_cli.output import shown

EXAMPLES = """
gridcity init city.gpkg --profile profile.toml
"""


@options.command("init", EXAMPLES)
@click.argument("city", type=click.Path(path_type=Path), metavar="CITY.gpkg")
@click.option(
    "--profile",
    "profile_path",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The city's name, area code, edition, local classes and aliases, as TOML.",
)
def init(city: Path, profile_path: Path) -> None:
    """Make a new, empty city.

    The store is a GeoPackage that QGIS opens as it is. A city that exists already is left alone.
    """
    from gridcity.city import City
    from gridcity.profile import read_profile

    profile = read_profile(profile_path)
    City.create(city, profile).close()
    click.echo(f"{shown(city)}: {profile.name}, area code {profile.area_code}, edition {profile.edition}")
