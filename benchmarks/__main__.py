"""The benchmarks' command line: `python -m benchmarks import`, then `python -m benchmarks page`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from benchmarks.page import PAGE, page


@click.group()
def cli() -> None:
    """Measure gridcity beside a peer; the results are kept in benchmarks/results."""


@cli.command("import")
@click.option("--rows", default=1_000_000, show_default=True, help="Components of the survey.")
@click.option("--rounds", default=3, show_default=True, help="Turns of each; 0 measures the memory alone.")
@click.option("--seed", default=1, show_default=True, help="Of the survey.")
@click.option("--folder", type=click.Path(path_type=Path), help="Keep the files here; else they are removed.")
def import_(rows: int, rounds: int, seed: int, folder: Path | None) -> None:
    """Import a survey into a city, beside a plain conversion of the same file."""
    from benchmarks.import_ import measure

    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        run = measure(folder, rows, rounds, seed)
    else:
        with tempfile.TemporaryDirectory(prefix="gridcity-benchmark-") as temporary:
            run = measure(Path(temporary), rows, rounds, seed)
    click.echo("\n".join(run.lines()))
    click.echo(f"\nKept in {run.keep()}.")


@cli.command("page")
def write_page() -> None:
    """Write docs/performance.md from the results."""
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    click.echo(f"Wrote {PAGE}.")


if __name__ == "__main__":
    cli(prog_name="python -m benchmarks")
