"""`gridcity demo`: the tour through the sample city."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from cli_city import gridcity
from click.testing import Result

SAMPLE = Path(__file__).parents[1] / "sample_data"


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    if not (SAMPLE / "profile.toml").is_file():
        pytest.skip("the sample has not been made; run sample_data/make_sample.py")
    output = tmp_path_factory.mktemp("tour") / "demo"
    return output, gridcity("demo", "--output", output, "--sample", SAMPLE)


def test_the_tour_builds_a_city(toured: tuple[Path, Result]) -> None:
    """City, located incidents and report are there, and every command line was shown."""
    output, result = toured
    assert result.exit_code == 0, result.stderr
    assert {"city.gpkg", "located.csv", "inventory.html"} <= {path.name for path in output.iterdir()}
    shown = [line for line in result.stdout.splitlines() if line.startswith("$ gridcity ")]
    assert len(shown) >= 10
    # A file is looked at before it is taken, and what was taken is listed at the end.
    assert [line.split()[2] for line in shown].count("inspect") == 1
    assert shown[-1].startswith("$ gridcity log ")
    assert result.stdout.rstrip().splitlines()[-5] == "Try next:"


def test_every_incident_came_back(toured: tuple[Path, Result]) -> None:
    """As many rows as the sample has, in its order, most of them in a cell with a party."""
    with (SAMPLE / "incidents.csv").open(encoding="utf-8-sig", newline="") as file:
        asked = [row["id"] for row in csv.DictReader(file)]
    with (toured[0] / "located.csv").open(encoding="utf-8", newline="") as file:
        answered = list(csv.DictReader(file))
    assert [row["id"] for row in answered] == asked
    assert sum(bool(row["cell_code"] and row["party_name"]) for row in answered) > 0.9 * len(asked)


def test_what_it_suggests_works(toured: tuple[Path, Result]) -> None:
    """The command lines under "Try next" can be typed as they are."""
    import shlex

    lines = [shlex.split(line) for line in toured[1].stdout.rstrip().splitlines()[-4:]]
    assert all(line[0] == "gridcity" for line in lines)
    codes = [gridcity(*line[1:]).exit_code for line in lines]
    assert codes == [1, 0, 0, 1]  # the sample's flaws are findings


def test_a_second_tour_asks_first(toured: tuple[Path, Result]) -> None:
    """What is there stays unless --overwrite is given, and then only what a tour writes is replaced."""
    output, _ = toured
    mine = [output / name for name in ("mine.txt", "city.toml", "rejected-mine.csv")]
    for path in mine:
        path.write_text("x")
    (output / "located.csv").write_text("of the earlier tour")
    refused = gridcity("demo", "--output", output, "--sample", SAMPLE)
    assert refused.exit_code == 3
    assert "--overwrite" in refused.stderr
    again = gridcity("demo", "--output", output, "--sample", SAMPLE, "--overwrite")
    assert again.exit_code == 0, again.stderr
    assert [path.read_text() for path in mine] == ["x"] * 3
    assert (output / "located.csv").read_text(encoding="utf-8").startswith("id,")


@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, more: list[str]) -> None:
    """Files under the names of a tour, in a folder that no tour made, are neither removed nor replaced."""
    mine = [tmp_path / name for name in ("city.gpkg", "city.toml", "located.csv", "rejected-mine.csv")]
    for path in mine:
        path.write_text("x")
    result = gridcity("demo", "--output", tmp_path, "--sample", SAMPLE, *more)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "no earlier demo made it" in result.stderr
    assert sorted(tmp_path.iterdir()) == mine
    assert {path.read_text() for path in mine} == {"x"}


def test_an_interruption_ends_the_tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in a step is not taken for data with problems: no later step runs."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gridcity.city.City.import_areas", interrupted)
    result = gridcity("demo", "--output", tmp_path / "demo", "--sample", SAMPLE)
    assert (result.exit_code, result.stderr) == (130, "Interrupted; nothing was written.\n")
    assert result.stdout.count("$ gridcity ") == 2
