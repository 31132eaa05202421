"""`gridcity import components --resurvey`: a second survey on the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from cli_city import build, gridcity, point, write_features

from gridcity.city import City

GOOD = {"class_name": "路灯", "state": "完好", "initial_date": "20240301", "maintainer_name": "样例排水公司"}
STREET = "110101005"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """The tiny city with three lamps in its first community."""
    path = build(tmp_path)
    lamps = write_features(tmp_path / "lamps.geojson", *((point(0.1 + 0.3 * i, 0.2), GOOD) for i in range(3)))
    assert gridcity("import", "components", lamps, "--city", path).exit_code == 0
    return path


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """The first lamp changed, the second set aside by some 85 cm, the third gone, and a new one."""
    rows = (
        (point(0.1, 0.2), {**GOOD, "state": "破损"}),
        (point(0.41, 0.2), GOOD),
        (point(0.5, 0.8), GOOD),
    )
    return write_features(tmp_path / "second.geojson", *rows)


def lamps(city: Path) -> list[tuple[str, str]]:
    with City.open(city) as opened:
        rows = opened.store.rows("components", ("code", "until", "class_name"))
    return [(code, until) for code, until, name in rows if name == "路灯"]


def test_the_figures_and_the_first_of_each_kind(city: Path, second: Path, tmp_path: Path) -> None:
    """The whole text of a dry run: balance, figures, one line an object; nothing is written."""
    before = lamps(city)
    elsewhere, first, moved, gone = (code for code, _ in before)
    line = ("--resurvey", "--area", "110101005001", "--dry-run")
    result = gridcity("import", "components", second, *line, "--city", city)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(
        f"""\
read 3 = added 1 + changed 2 + unchanged 0 + rejected 0
A dry run: nothing was written.
second survey of 110101005001 海运仓社区: 路灯
objects    count
---------  -----  ---------------------------------------------
added          1
changed        2
moved          1  of the changed; median 0.85 m, at most 0.85 m
unchanged      0
vanished       1
ambiguous      0
  added: {moved[:-1]}5  路灯  row 3
  changed: {first}  路灯  row 1  state: 完好 -> 破损
  changed: {moved}  路灯  row 2  its place
  moved: {moved}  路灯  row 2  0.85 m
  vanished: {gone}  路灯  at 116.410700 39.930200
"""
    )
    assert "component-vanished" in result.stdout
    assert elsewhere not in result.stdout
    assert lamps(city) == before


def test_all_objects_as_csv_and_json(city: Path, second: Path, tmp_path: Path) -> None:
    """Both have every object, with the fields that differ, the metres, and what vanished."""
    changes = tmp_path / "changes.csv"
    line = ("--resurvey", "--area", STREET, "--class", "路灯", "--format", "json", "--changes", changes)
    result = gridcity("import", "components", second, *line, "--city", city)
    told = json.loads(result.stdout)["comparison"]
    figures = {
        name: told[name] for name in ("added", "changed", "moved", "unchanged", "vanished", "ambiguous")
    }
    assert figures == {"added": 1, "changed": 2, "moved": 1, "unchanged": 0, "vanished": 2, "ambiguous": 0}
    assert (told["classes"], told["ended_on"], told["moved_most_m"]) == (["路灯"], "", 0.85)
    assert [one["kind"] for one in told["objects"]] == ["changed", "changed", "added", "vanished", "vanished"]
    assert told["objects"][0]["changes"] == [{"field": "state", "before": "完好", "after": "破损"}]
    assert [one["moved_m"] for one in told["objects"]] == [0.0, 0.85, None, None, None]
    assert [one["row"] for one in told["objects"]] == [1, 2, 3, None, None]
    with changes.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == [one["kind"] for one in told["objects"]]
    assert (rows[0]["fields"], rows[0]["changes"]) == ("state", "state: 完好 -> 破损")
    assert (rows[1]["fields"], rows[1]["moved_m"]) == ("geometry", "0.85")
    assert {row["code"] for row in rows[3:]} < {code for code, _ in lamps(city)}


def test_vanished_ones_end_where_that_is_asked(city: Path, second: Path) -> None:
    """With --accept-vanished they end on the day, undo takes it back, and log shows the import."""
    before = lamps(city)
    line = ("--resurvey", "--area", "110101005001", "--accept-vanished", "--date", "2024-05-01")
    result = gridcity("import", "components", second, *line, "--city", city)
    assert result.exit_code == 0
    assert "vanished       1  ended on 2024-05-01" in result.stdout
    assert [until for _, until in lamps(city)] == ["", "", "", "2024-05-01", ""]
    story = gridcity("history", before[3][0], "--city", city)
    assert "retired" in story.stdout
    assert gridcity("undo", "--yes", "--city", city).exit_code == 0
    assert lamps(city) == before


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (("--resurvey",), "--resurvey and --area belong together"),
        (("--area", STREET), "--resurvey and --area belong together"),
        (("--accept-vanished",), "--accept-vanished goes with --resurvey"),
        (("--changes", "x.csv"), "--changes goes with --resurvey"),
        (("--resurvey", "--area", STREET, "--date", "2024-01-01"), "--date goes with --accept-vanished"),
        (("--class", "路灯", "--class", "垃圾箱"), "--class is given once"),
    ],
)
def test_options_that_mean_nothing_alone(city: Path, second: Path, line: tuple[str, ...], part: str) -> None:
    """They are refused before anything is read, with exit 2."""
    result = gridcity("import", "components", second, *line, "--city", city)
    assert result.exit_code == 2
    assert part in " ".join(result.stderr.split())


def test_an_unknown_area_is_refused(city: Path, second: Path) -> None:
    """Exit 3, with the nearest code; nothing is written."""
    line = ("--resurvey", "--area", "110101005009")
    result = gridcity("import", "components", second, *line, "--city", city)
    assert result.exit_code == 3
    assert result.stderr == (
        "Error: No area or cell of this city has the code '110101005009'.\n"
        "Hint: The nearest code is 110101005001.\n"
    )


def test_the_changes_do_not_replace_what_is_read(city: Path, second: Path, tmp_path: Path) -> None:
    """Neither the source, the area's file nor the rejects are overwritten by the changes."""
    area = tmp_path / "area.geojson"
    area.write_bytes((tmp_path / "streets.geojson").read_bytes())
    line = ("--resurvey", "--area", area, "--rejects", tmp_path / "out.csv", "--changes")
    for target in (second, area, tmp_path / "out.csv"):
        result = gridcity("import", "components", second, *line, target, "--city", city)
        assert result.exit_code == 3
        assert "would be replaced" in result.stderr


def test_several_classes_are_looked_for(city: Path, second: Path) -> None:
    """--class twice: the rows keep their own class, and both classes can vanish."""
    line = ("--resurvey", "--area", STREET, "--class", "路灯", "--class", "雨水井盖", "--format", "json")
    result = gridcity("import", "components", second, *line, "--city", city)
    told = json.loads(result.stdout)["comparison"]
    assert told["classes"] == ["路灯", "雨水井盖"]
    gone = [one["class_name"] for one in told["objects"] if one["kind"] == "vanished"]
    assert sorted(gone) == ["路灯", "路灯", "雨水井盖"]
