"""The benchmarks' command line: `python -m benchmarks locate`, then `python -m benchmarks page`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from benchmarks.run import Run


@click.group()
def cli() -> None:
    """Measure gridcity beside its peers; the results are kept in benchmarks/results."""


def _number(name: str, default: int, text: str) -> Callable[[Any], Any]:
    return click.option(name, default=default, show_default=True, help=text)


_cells = _number("--cells", 100_000, "Cells of the city.")
_rounds = _number("--rounds", 5, "Turns of each contender.")
_seed = _number("--seed", 1, "Of the data.")
_folder = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Keep the city here and take it from here; else it is removed.",
)


@contextmanager
def _room(folder: Path | None) -> Iterator[Path]:
    """Give the folder for the data, or one that is removed."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="gridcity-benchmark-") as temporary:
            yield Path(temporary)


def _keep(runs: Iterable[Run]) -> None:
    for run in runs:
        click.echo("\n".join(run.lines()))
        click.echo(f"\nKept in {run.keep()}.\n")


@cli.command("import")
@_number("--rows", 1_000_000, "Components of the survey.")
@_number("--rounds", 3, "Turns of each; 0 measures the memory alone.")
@_seed
@_folder
def import_(rows: int, rounds: int, seed: int, folder: Path | None) -> None:
    """Import a survey into a city, beside a plain conversion of the same file."""
    from benchmarks.import_ import measure

    with _room(folder) as room:
        _keep([measure(room, rows, rounds, seed)])


@cli.command()
@_cells
@_number("--points", 1_000_000, "Points to be located.")
@_rounds
@click.option(
    "--memory",
    nargs=2,
    type=int,
    default=(300_000, 10_000_000),
    show_default=True,
    metavar="CELLS POINTS",
    help="Sizes at which the memory is measured; 0 0 leaves it out.",
)
@_seed
@_folder
def locate(
    cells: int, points: int, rounds: int, memory: tuple[int, int], seed: int, folder: Path | None
) -> None:
    """Find the cells of many points, beside programs that join points with polygons."""
    from benchmarks.locate import measure_memory, measure_peers, measure_scaling

    with _room(folder) as room:
        if rounds:
            _keep([measure_peers(room, cells, points, rounds, seed)])
            # Without peers a round takes less than a second.
            _keep([measure_scaling(room, cells, points, 5 * rounds, seed)])
        if all(memory):
            _keep([measure_memory(room, *memory, seed)])


@cli.command()
@_cells
@_number("--components", 1_000_000, "Components of the city.")
@_number("--rounds", 15, "Turns of each contender.")
@_seed
@_folder
def cold(cells: int, components: int, rounds: int, seed: int, folder: Path | None) -> None:
    """Ask for one point from a cold shell, beside the start of Python and a read with geopandas."""
    from benchmarks.cold import measure

    with _room(folder) as room:
        _keep([measure(room, cells, components, rounds, seed)])


@cli.command()
@_cells
@_number("--rows", 1_000_000, "Rows of the CSV.")
@_number("--more", 5_000_000, "Rows at which the memory is measured again; 0 leaves it out.")
@_rounds
@_seed
@_folder
def stream(cells: int, rows: int, more: int, rounds: int, seed: int, folder: Path | None) -> None:
    """Locate a CSV as a stream, beside a program that copies it."""
    from benchmarks.stream import measure

    with _room(folder) as room:
        _keep([measure(room, cells, rows, more, rounds, seed)])


@cli.command()
@_number("--cells", 1_700, "Cells of the city.")
@_number("--components", 170_000, "Components of the city.")
@_number("--points", 1_000_000, "Points that ask at once.")
@_number("--single", 5_000, "Points that ask one after the other.")
@_rounds
@_seed
@_folder
def nearest(
    cells: int, components: int, points: int, single: int, rounds: int, seed: int, folder: Path | None
) -> None:
    """Find the nearest component of a class within 50 m, beside STRtree and rtree."""
    # pykdtree would use every core, its peers use one; it looks when it is loaded.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from benchmarks.nearest import measure_many, measure_one

    with _room(folder) as room:
        _keep([measure_many(room, cells, components, points, rounds, seed)])
        _keep([measure_one(room, cells, components, single, rounds, seed)])


@cli.command()
@_cells
@_number("--points", 1_000_000, "Points, each with a class.")
@_number("--parties", 2_000, "Parties of the city.")
@_number("--duties", 50_000, "Their duties.")
@_number("--rounds", 15, "Turns of each contender.")
@_seed
@_folder
def responsibility(
    cells: int, points: int, parties: int, duties: int, rounds: int, seed: int, folder: Path | None
) -> None:
    """Say who answers for many points, beside finding their cells."""
    from benchmarks.responsibility import measure

    with _room(folder) as room:
        _keep([measure(room, cells, points, parties, duties, rounds, seed)])


@cli.command()
@_cells
@_rounds
@_seed
@_folder
def build(cells: int, rounds: int, seed: int, folder: Path | None) -> None:
    """Make the index of the cells, beside a raster and a tree of the same cells."""
    from benchmarks.build import measure

    with _room(folder) as room:
        _keep([measure(room, cells, rounds, seed)])


@cli.command("page")
def write_page() -> None:
    """Write docs/performance.md from the results."""
    from benchmarks.page import PAGE, page

    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    click.echo(f"Wrote {PAGE}.")


if __name__ == "__main__":
    cli(prog_name="python -m benchmarks")
