"""`gridcity init`: a new city from a profile, or another profile for a city."""

from __future__ import annotations

from pathlib import Path

import click

from gridcity.errors import StoreError
from gridcity_cli import options
from gridcity_cli.output import shown

EXAMPLES = """
gridcity init city.gpkg --profile profile.toml
gridcity init city.gpkg --profile profile.toml --update
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
@click.option("--update", is_flag=True, help="Give a city that exists already this profile.")
def init(city: Path, profile_path: Path, update: bool) -> None:
    """Make a new, empty city.

    The store is a GeoPackage that QGIS opens as it is. A city that exists already is left alone, or with
    --update given the new profile: what is stored stays as it is, and the next import, answer or check
    follows the new profile.
    """
    from gridcity.city import City
    from gridcity.profile import read_profile

    profile = read_profile(profile_path)
    said = f"{profile.name}, area code {profile.area_code}, edition {profile.edition}"
    if update:
        with options.open_city(city) as existing:
            existing.update_profile(profile)
        click.echo(shown(f"{city} has the new profile: {said}"))
        return
    if city.exists():
        raise StoreError(
            f"{shown(city)} exists already.",
            hint="Choose another path, or give the city this profile with --update.",
        )
    City.create(city, profile).close()
    click.echo(shown(f"{city}: {said}"))
