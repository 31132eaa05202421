"""`gridcity init` and `gridcity import`: rows in, the balance out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from cli_city import build, gridcity, point, write_features, write_sources


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return build(tmp_path)


def test_init_says_what_it_made(tmp_path: Path) -> None:
    """The profile's choices are repeated; a second time nothing is touched."""
    write_sources(tmp_path)
    path = tmp_path / "城 市.gpkg"
    line = ("init", path, "--profile", tmp_path / "profile.toml")
    result = gridcity(*line)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{path}: 样例城, area code 110101, edition gbt47678.5-2026\n"
    before = path.read_bytes()
    assert gridcity(*line).exit_code == 3
    assert path.read_bytes() == before


def test_init_refuses_a_broken_profile(tmp_path: Path) -> None:
    """A profile that is no TOML, or is not there, makes no city."""
    (tmp_path / "p.toml").write_text("[city\n")
    for name in ("p.toml", "none.toml"):
        assert gridcity("init", tmp_path / "c.gpkg", "--profile", tmp_path / name).exit_code == 3
    assert not (tmp_path / "c.gpkg").exists()


def test_the_balance_and_the_findings_are_printed(city: Path, tmp_path: Path) -> None:
    """The whole text: balance, system, columns with how they were matched, findings by rule."""
    source = write_features(
        tmp_path / "more.geojson",
        (point(0.2, 0.2), {"class_name": "路灯", "state": "良好\x1b[31m", "weather": "sun"}),
        (point(0.4, 0.4), {"class_name": "路灯", "state": "完好", "initial_date": "2024-01-01"}),
    )
    result = gridcity("import", "components", source, "--city", city)
    assert result.exit_code == 1
    assert result.stderr == ""
    assert result.stdout == (
        "read 2 = added 1 + changed 0 + unchanged 0 + rejected 1\n"
        "reference system  EPSG:4326 WGS 84\n"
        "datum             wgs84\n"
        "encoding          UTF-8\n"
        "columns\n"
        "  class_name    <- class_name (known name)\n"
        "  state         <- state (known name)\n"
        "  initial_date  <- initial_date (known name)\n"
        "not used: weather\n"
        "findings\n"
        "rule                severity  count\n"
        "------------------  --------  -----\n"
        "state-unknown       error         1\n"
        "component-no-party  note          1\n"
        "state-unknown: row 1, state: '良好\\x1b[31m' is no state; possible: 完好, 破损, 丢失, 废弃, 移除\n"
        "  Correct the state, or translate it in the mapping under [values.state].\n"
        "component-no-party: row 2, maintainer_name: no maintainer, owner or supervisor is named\n"
        "  Complete the survey; until then the duty table and the territory answer.\n"
    ).replace("UTF-8", result.stdout.split("encoding          ")[1].split("\n")[0])


def test_the_same_file_twice_changes_nothing(city: Path, tmp_path: Path) -> None:
    """The second time every row is unchanged."""
    result = gridcity("import", "cells", tmp_path / "cells.geojson", "--number", "--city", city)
    assert result.exit_code == 0
    assert result.stdout.startswith("read 4 = added 0 + changed 0 + unchanged 4 + rejected 0\n")


def test_json_has_the_same_facts(city: Path, tmp_path: Path) -> None:
    """A script reads the balance, the matched columns and the findings by name."""
    line = ("import", "components", tmp_path / "components.geojson", "--city", city, "--format", "json")
    result = gridcity(*line, "--allow-rejects")
    assert result.exit_code == 0
    facts = json.loads(result.stdout)
    assert [facts[name] for name in ("read", "added", "changed", "unchanged", "rejected")] == [3, 0, 0, 2, 1]
    assert facts["matched"]["class_name"] == "class_name (known name)"
    assert {f["rule"]: f["count"] for f in facts["findings"]}["class-unknown"] == 1
    assert facts["dry_run"] is False


def test_a_dry_run_writes_nothing(city: Path, tmp_path: Path) -> None:
    """--dry-run prints the balance and keeps none of it."""
    source = write_features(tmp_path / "one.geojson", (point(0.2, 0.2), {"class_name": "路灯"}))
    line = ("import", "components", source, "--city", city)
    for _ in range(2):
        result = gridcity(*line, "--dry-run")
        assert result.stdout.startswith("read 1 = added 1")
        assert "A dry run: nothing was written." in result.stdout
    assert gridcity(*line).stdout.startswith("read 1 = added 1")


def test_rejected_rows_are_written_with_their_reason(city: Path, tmp_path: Path) -> None:
    """The file has the row, the rule, what to do, and the columns of the source; exit code 1."""
    rejects = tmp_path / "rejects.csv"
    line = ("import", "components", tmp_path / "components.geojson", "--city", city, "--rejects", rejects)
    result = gridcity(*line)
    assert result.exit_code == 1
    assert result.stderr == f"The rejected rows are in {rejects}.\n"
    with rejects.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["row"], row["rule"], row["field"], row["value"]) == (
        "3",
        "class-unknown",
        "class_code",
        "没有此类",
    )
    assert (row["class_name"], row["initial_date"]) == ("没有此类", "20240301")
    assert "mapping" in row["hint"]


def test_the_rejects_cannot_replace_what_is_read(city: Path, tmp_path: Path) -> None:
    """--rejects naming the city, the source or no folder stops before anything is written."""
    source = tmp_path / "components.geojson"
    before = city.read_bytes(), source.read_bytes()
    for target in (city, source, tmp_path / "none" / "r.csv"):
        line = ("import", "components", source, "--city", city, "--rejects", target)
        assert gridcity(*line).exit_code == 3
    assert (city.read_bytes(), source.read_bytes()) == before


def test_tables_and_options_reach_the_library(city: Path, tmp_path: Path) -> None:
    """CSV with named columns, a class for all rows, a key, and GB18030 text are taken as asked."""
    source = tmp_path / "lamps.csv"
    source.write_bytes("编号,东,北,备注\nL1,116.4102,39.9302,高杆\n".encode("gb18030"))
    line = ("import", "components", source, "--city", city, "--class", "路灯", "--key", "编号")
    where = ("--x", "东", "--y", "北", "--datum", "wgs84", "--encoding", "gb18030")
    assert gridcity(*line).exit_code == 3
    result = gridcity(*line, *where)
    assert result.exit_code == 0
    assert result.stdout.startswith("read 1 = added 1")
    assert gridcity(*line, *where).stdout.startswith("read 1 = added 0 + changed 0 + unchanged 1")
    assert gridcity(*line, "--x", "东").exit_code == 2


@pytest.mark.parametrize(
    ("name", "data"),
    [("no.shp", None), ("zero.shp", b""), ("text.shp", b"text"), ("vrt.geojson", b"<OGRVRTDataSource/>")],
)
def test_a_refused_file_is_one_sentence(city: Path, tmp_path: Path, name: str, data: bytes | None) -> None:
    """Missing, empty and disguised files exit 3 with one line and write nothing."""
    if data is not None:
        (tmp_path / name).write_bytes(data)
    before = city.read_bytes()
    result = gridcity("import", "cells", tmp_path / name, "--city", city)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("Error: ")
    assert city.read_bytes() == before


def test_a_remote_path_is_refused(city: Path) -> None:
    """Nothing is fetched from an address."""
    for address in ("http://localhost/x.geojson", "/vsicurl/http://localhost/x.geojson"):
        assert gridcity("import", "cells", address, "--city", city).exit_code == 3
