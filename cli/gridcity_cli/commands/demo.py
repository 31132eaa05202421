"""`gridcity demo`: a sample city, built by the same commands anyone would type."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path

import click

from gridcity.errors import ArgumentError, SourceNotFoundError
from gridcity_cli import options
from gridcity_cli.output import JOURNALS, shown

EXAMPLES = """
gridcity demo
gridcity demo --output tour --overwrite
"""

CITY, LOCATED, REPORT, REJECTS = "city.gpkg", "located.csv", "inventory.html", "rejected"
MARK = ".gridcity-demo"
"""The file that says a folder was made by a tour: without it nothing in a folder is replaced."""

Step = tuple[list[str], Path | None]
_NAMING = ("--rejects", "--output")  # the options before a file that a step writes


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
    steps = _steps(sample or _sample(), output)
    _prepare(output, steps, overwrite=overwrite)
    for line, to_file in steps:
        _run(ctx.find_root().command, line, to_file)
    click.echo(_ending(output))


def _sample() -> Path:
    """Return the sample that came with the package, or the one of the repository it runs from."""
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "sample_data", here.parents[3] / "sample_data"):
        if (folder / "profile.toml").is_file():
            return folder
    raise SourceNotFoundError("The sample did not come with this package.", hint="Name it with --sample DIR.")


def _prepare(output: Path, steps: list[Step], *, overwrite: bool) -> None:
    """Make the folder; of an earlier tour remove the files that these steps write, and nothing else."""
    if output.is_dir() and any(output.iterdir()):
        if not (output / MARK).is_file():
            raise ArgumentError(
                f"{shown(output)} holds files, and no earlier demo made it.", hint="Name another --output."
            )
        if not overwrite:
            raise ArgumentError(
                f"{shown(output)} is there already.",
                hint="Replace it with --overwrite, or name another --output.",
            )
        city = output / CITY
        for path in [city, *(city.with_name(CITY + end) for end in JOURNALS), *_written(steps)]:
            path.unlink(missing_ok=True)
    output.mkdir(parents=True, exist_ok=True)
    (output / MARK).write_text("Made by `gridcity demo`, which replaces its files with --overwrite.\n")


def _written(steps: list[Step]) -> list[Path]:
    """Return the files that hold the answers, the reports and the rejected rows."""
    named = [line[line.index(option) + 1] for line, _ in steps for option in _NAMING if option in line]
    return [*map(Path, named), *(to_file for _, to_file in steps if to_file)]


def _steps(sample: Path, output: Path) -> list[Step]:
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
        (["inspect", str(sample / "cells.zip"), *city], None),
        # The sample has one planted overlap, for which the file would be refused.
        (bring("cells", "cells.zip", "--number", "--allow-overlaps"), None),
        (bring("parties", "parties.csv"), None),
        *((bring("components", name), None) for name in components),
        *((bring("duties", f"duties{name}"), None) for name in (".csv", "_events.csv", "_places.zip")),
        (["report", "inventory", "--by", "major", *city], None),
        (located, output / LOCATED),
        ([*report, "--output", str(output / REPORT), *city], None),
        (["log", *city], None),
    ]


def _run(root: click.Command, line: list[str], to_file: Path | None) -> None:
    """Show a command line and run it; that data has problems does not end the tour, an interruption does."""
    shell = " ".join(["gridcity", *map(shlex.quote, line)])
    click.echo(f"\n$ {shell}" + (f" > {shlex.quote(str(to_file))}" if to_file else ""))
    with contextlib.ExitStack() as stack:
        if to_file is not None:
            file = stack.enter_context(to_file.open("w", encoding="utf-8", newline=""))
            stack.enter_context(contextlib.redirect_stdout(file))
        code = root.main(line, prog_name="gridcity", standalone_mode=False)
    if code not in (None, 0, 1):
        raise click.exceptions.Exit(code)


def _ending(output: Path) -> str:
    city = shlex.quote(str(output / CITY))
    return f"""
The city:       {shown(output / CITY)}  (open it in QGIS)
The incidents:  {shown(output / LOCATED)}
The report:     {shown(output / REPORT)}  (open it in a browser)

Try next:
  gridcity check --city {city}
  gridcity catalogue 井盖 --city {city}
  gridcity locate 116.42 39.93 --class 路灯 --explain --city {city}
  gridcity check duties --city {city}"""
