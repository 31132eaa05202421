"""`gridcity demo`: a sample city, built by the same commands anyone would type."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path

import click

from gridcity.errors import ArgumentError, SourceNotFoundError
from gridcity_cli import options
from gridcity_cli.output import shown

EXAMPLES = """
gridcity demo
gridcity demo --output tour --overwrite
"""

CITY, LOCATED, REPORT, REJECTS = "city.gpkg", "located.csv", "inventory.html", "rejected"


@options.command("demo", EXAMPLES)
@click.option(
    "--sample", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Folder of the sample."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default="demo",
    show_default=True,
    metavar="DIR",
    help="Where the city and the reports are written.",
)
@options.overwrite_option
@click.pass_context
def demo(ctx: click.Context, sample: Path | None, output: Path, overwrite: bool) -> None:
    """Build a sample city, locate a batch of incidents, and write a report.

    Every step is a command, shown before it runs. The sample is invented; its flaws are meant, and the
    imports say what they found.
    """
    source = sample or _sample()
    _prepare(output, overwrite)
    for line, to_file in _steps(source, output):
        _run(ctx.find_root().command, line, to_file)
    click.echo(_ending(output))


def _sample() -> Path:
    """Return the sample that came with the package, or the one of the repository it runs from."""
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "sample_data", here.parents[3] / "sample_data"):
        if (folder / "profile.toml").is_file():
            return folder
    raise SourceNotFoundError("The sample did not come with this package.", hint="Name it with --sample DIR.")


def _prepare(output: Path, overwrite: bool) -> None:
    """Make the folder; of an earlier tour remove only what a tour writes."""
    if output.is_dir() and any(output.iterdir()):
        if not overwrite:
            raise ArgumentError(
                f"{shown(output)} is there already.",
                hint="Replace it with --overwrite, or name another --output.",
            )
        for pattern in (f"{CITY}*", f"{Path(CITY).stem}.*", LOCATED, REPORT, f"{REJECTS}-*.csv"):
            for path in output.glob(pattern):
                path.unlink()
    output.mkdir(parents=True, exist_ok=True)


def _steps(sample: Path, output: Path) -> list[tuple[list[str], Path | None]]:
    """Return the command lines, each with the file its answer goes to."""
    city = ["--city", str(output / CITY)]

    def rejects(name: str) -> list[str]:
        return ["--rejects", str(output / f"{REJECTS}-{name}.csv")]

    def bring(kind: str, name: str, *more: str) -> list[str]:
        return ["import", kind, str(sample / name), *more, *city, *rejects(Path(name).stem)]

    components = sorted(path.name for path in sample.glob("components_*.zip"))
    located = ["locate", str(sample / "incidents.csv"), "--datum", "gcj02", "--class-field", "class", *city]
    report = ["report", "inventory", "--by", "street,class", "--format", "html"]
    return [
        (["init", str(output / CITY), "--profile", str(sample / "profile.toml")], None),
        (bring("areas", "areas_streets.zip", "--level", "street"), None),
        (bring("areas", "areas_communities.zip", "--level", "community"), None),
        (bring("cells", "cells.zip", "--number"), None),
        (bring("parties", "parties.csv"), None),
        *((bring("components", name), None) for name in components),
        (bring("duties", "duties.csv"), None),
        (["report", "inventory", "--by", "major", *city], None),
        (located, output / LOCATED),
        ([*report, "--output", str(output / REPORT), *city], None),
    ]


def _run(root: click.Command, line: list[str], to_file: Path | None) -> None:
    """Show a command line and run it; that data has problems does not end the tour."""
    shell = " ".join(["gridcity", *map(shlex.quote, line)])
    click.echo(f"\n$ {shell}" + (f" > {shlex.quote(str(to_file))}" if to_file else ""))
    if to_file is None:
        root.main(line, prog_name="gridcity", standalone_mode=False)
        return
    with to_file.open("w", encoding="utf-8", newline="") as file, contextlib.redirect_stdout(file):
        root.main(line, prog_name="gridcity", standalone_mode=False)


def _ending(output: Path) -> str:
    city = shlex.quote(str(output / CITY))
    return f"""
The city:       {shown(output / CITY)}  (open it in QGIS)
The incidents:  {shown(output / LOCATED)}
The report:     {shown(output / REPORT)}  (open it in a browser)

Try next:
  gridcity check --city {city}
  gridcity catalogue 井盖 --city {city}
  gridcity locate 116.42 39.93 --class 路灯 --city {city}"""
