"""`gridcity check`, `gridcity report` and `gridcity export`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from cli_city import build, city, gridcity, point, write_features

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
    """--output naming the city is refused, an unknown dimension too."""
    before = city.read_bytes()
    assert gridcity("report", "inventory", "--output", city, "--city", city).exit_code == 3
    wrong = gridcity("report", "inventory", "--by", "colour", "--city", city)
    assert wrong.exit_code == 3
    assert "Possible" in wrong.stderr
    assert city.read_bytes() == before


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


def test_an_export_cannot_replace_the_city(city: Path) -> None:
    """The city's own file is refused, with --overwrite too."""
    before = city.read_bytes()
    assert gridcity("export", city, "--overwrite", "--city", city).exit_code == 3
    assert city.read_bytes() == before
