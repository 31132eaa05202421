"""`gridcity check`, `gridcity report` and `gridcity export`."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest
from cli_city import build, city, gridcity, point, write_features

from gridcity.reporting import DIMENSIONS

__all__ = ["city"]


def test_notes_alone_are_no_problem(city: Path) -> None:
    """The whole text; a note does not change the exit code."""
    result = gridcity("check", "--city", city)
    assert result.exit_code == 0
    assert result.stdout == (
        "rule                severity  count\n"
        "------------------  --------  -----\n"
        "component-no-party  note          1\n"
        "\n"
        "component-no-party\n"
        "row  field                       found\n"
        "---  --------------------------  -------------------------------------------\n"
        "  2  components.maintainer_name  no maintainer, owner or supervisor is named\n"
        "Complete the survey; until then the duty table and the territory answer.\n"
    )


def test_an_empty_city_has_no_findings(tmp_path: Path) -> None:
    """Nothing found is said in words in the table and is an empty list in JSON."""
    (tmp_path / "p.toml").write_text('[city]\nname = "x"\narea_code = "110101"\n', encoding="utf-8")
    path = tmp_path / "c.gpkg"
    gridcity("init", path, "--profile", tmp_path / "p.toml")
    assert gridcity("check", "--city", path).stdout == "No findings.\n"
    assert json.loads(gridcity("check", "--city", path, "--format", "json").stdout) == []


def test_warnings_exit_1_and_the_table_is_cut(tmp_path: Path) -> None:
    """Of many findings the table shows 20, CSV and JSON show all."""
    path = build(tmp_path)
    outside = [(point(-1 - i / 100, 0), {"class_name": "路灯", "state": "完好"}) for i in range(25)]
    source = write_features(tmp_path / "outside.geojson", *outside)
    gridcity("import", "components", source, "--city", path)
    table = gridcity("check", "--city", path)
    assert table.exit_code == 1
    assert "component-outside, the first 20 of 25\n" in table.stdout
    rows = list(csv.DictReader(io.StringIO(gridcity("check", "--city", path, "--format", "csv").stdout)))
    found = json.loads(gridcity("check", "--city", path, "--format", "json").stdout)
    assert [row["rule"] for row in rows] == [one["rule"] for one in found]
    assert sum(one["rule"] == "component-outside" for one in found) == 25


def test_the_inventory_as_table_csv_and_json(city: Path) -> None:
    """The three say the same."""
    line = ("report", "inventory", "--by", "class,community", "--city", city, "--format")
    assert gridcity(*line, "table").stdout == (
        "class           community                count\n"
        "--------------  -----------------------  -----\n"
        "01003 雨水井盖  110101005001 海运仓社区      1\n"
        "01037 路灯      110101005002 北新仓社区      1\n"
        "2 components\n"
    )
    assert gridcity(*line, "csv").stdout == (
        "class,community,count\n"
        "01003 雨水井盖,110101005001 海运仓社区,1\n"
        "01037 路灯,110101005002 北新仓社区,1\n"
    )
    assert [row["count"] for row in json.loads(gridcity(*line, "json").stdout)] == [1, 1]


@pytest.mark.parametrize("output_format", ["csv", "json", "html"])
def test_a_report_can_be_a_file(city: Path, tmp_path: Path, output_format: str) -> None:
    """--output holds what stdout would, and stdout stays empty."""
    target = tmp_path / "report"
    line = ("report", "inventory", "--format", output_format, "--city", city)
    result = gridcity(*line, "--output", target)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"The report is in {target}.\n")
    text = target.read_text(encoding="utf-8")
    assert "路灯" in text
    assert (output_format == "html") == text.lower().startswith("<!doctype html>")
    assert list(tmp_path.iterdir()) == [target]


def test_a_report_cannot_replace_the_city(city: Path) -> None:
    """--output naming the city is refused, and what SQLite would take for its journal too."""
    before = city.read_bytes()
    assert gridcity("report", "inventory", "--output", city, "--city", city).exit_code == 3
    journal = city.with_name(f"{city.name}-journal")
    assert gridcity("report", "inventory", "--output", journal, "--city", city).exit_code == 3
    assert city.read_bytes() == before
    assert not journal.exists()


@pytest.mark.parametrize(
    ("by", "said"), [("class,colour", "no dimension 'colour'"), ("class,class", "twice")]
)
def test_a_wrong_dimension_is_a_usage_error(by: str, said: str) -> None:
    """--by is checked before the city is opened, and the message lists what is possible."""
    result = gridcity("report", "inventory", "--by", by, "--city", "none.gpkg")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert all(name in result.stderr for name in DIMENSIONS)


def test_an_export_names_what_it_wrote(city: Path, tmp_path: Path) -> None:
    """The suffix decides the format; what exists is kept unless --overwrite is given."""
    for name in ("a.csv", "a.geojson", "a.gpkg"):
        result = gridcity("export", tmp_path / name, "--city", city)
        assert (result.exit_code, result.stdout) == (0, f"{tmp_path / name}\n")
    assert gridcity("export", tmp_path / "a.csv", "--city", city).exit_code == 3
    assert gridcity("export", tmp_path / "a.csv", "--city", city, "--overwrite").exit_code == 0
    assert gridcity("check", "--city", tmp_path / "a.gpkg").exit_code == 0
    shapes = gridcity("export", tmp_path / "shapes", "--format", "shapefile", "--city", city)
    assert "components_points.shp" in shapes.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["out.shp"], "no export format has the suffix '.shp'"),
        (["out.zip"], "no export format has the suffix '.zip'"),
        (["out.shp", "--format", "shapefile"], "a shapefile export is a folder"),
        (["out.ZIP", "--format", "shapefile"], "a shapefile export is a folder"),
        (["out", "--format", "kml"], "'kml' is not one of"),
    ],
)
def test_an_export_that_can_never_be_is_a_usage_error(line: list[str], said: str) -> None:
    """A target or format that no city could be written to is refused before the city is opened."""
    result = gridcity("export", *line, "--city", "none.gpkg")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said.casefold() in " ".join(result.stderr.split()).casefold()


def test_an_export_cannot_replace_the_city(city: Path) -> None:
    """The city's own file is refused, with --overwrite too."""
    before = city.read_bytes()
    assert gridcity("export", city, "--overwrite", "--city", city).exit_code == 3
    assert city.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "more", "start"),
    [
        ("r.csv", [], "class,count\n"),
        ("r.JSON", [], "[\n"),
        ("r.html", [], "<!doctype html>"),
        ("r.txt", [], "class "),
        ("r.txt", ["--format", "csv"], "class,count\n"),
    ],
)
def test_the_suffix_decides_the_format(
    city: Path, tmp_path: Path, name: str, more: list[str], start: str
) -> None:
    """A report named .csv is CSV; a suffix that means nothing leaves it to --format."""
    result = gridcity("report", "inventory", "--output", tmp_path / name, *more, "--city", city)
    assert result.exit_code == 0
    assert (tmp_path / name).read_text(encoding="utf-8").lower().startswith(start)


def test_a_suffix_and_a_format_must_agree(tmp_path: Path) -> None:
    """JSON in a file named .csv is a usage error, before the city is opened."""
    line = ("report", "inventory", "--output", tmp_path / "r.csv", "--format", "json")
    result = gridcity(*line, "--city", "none.gpkg")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--format json does not go with --output" in result.stderr


def test_a_report_that_exists_is_kept(city: Path, tmp_path: Path) -> None:
    """It is replaced only with --overwrite."""
    target = tmp_path / "r.csv"
    target.write_text("as it was")
    line = ("report", "inventory", "--output", target, "--city", city)
    refused = gridcity(*line)
    assert (refused.exit_code, target.read_text()) == (3, "as it was")
    assert "--overwrite" in refused.stderr
    assert gridcity(*line, "--overwrite").exit_code == 0
    assert target.read_text(encoding="utf-8").startswith("class,count\n")


@pytest.mark.parametrize("line", [["report", "inventory", "--output"], ["export"]])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_only_files_are_replaced(city: Path, tmp_path: Path, line: list[str], kind: str) -> None:
    """A device, a pipe or a link stays what it is, with --overwrite too."""
    target = tmp_path / "r.csv"
    (tmp_path / "other").write_text("as it was")
    os.mkfifo(target) if kind == "pipe" else target.symlink_to(tmp_path / "other")
    before = target.lstat()
    result = gridcity(*line, target, "--overwrite", "--city", city)
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"a {kind}" in result.stderr
    assert target.lstat() == before
    assert (tmp_path / "other").read_text() == "as it was"
