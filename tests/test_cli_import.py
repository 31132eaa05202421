"""`gridcity init` and `gridcity import`: rows in, the balance out."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_city import PROFILE, build, gridcity, point, shell, write_features, write_sources

from gridcity.city import City
from gridcity_cli.output import check_target


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
    again = gridcity(*line)
    assert again.exit_code == 3
    assert "exists already" in again.stderr
    assert "--update" in again.stderr
    assert path.read_bytes() == before


def test_a_city_is_given_another_profile(city: Path, tmp_path: Path) -> None:
    """--update changes the profile and keeps what is stored; another area code, or no city, is refused."""
    profile = tmp_path / "new.toml"
    profile.write_text(PROFILE.replace("样例城", "新样例城"), encoding="utf-8")
    line = ("--profile", profile, "--update")
    result = gridcity("init", city, *line)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"{city} has the new profile: 新样例城, area code 110101, edition gbt47678.5-2026\n"
    )
    with City.open(city) as opened:
        assert (opened.profile.name, opened.summary()["components"]) == ("新样例城", 2)
    profile.write_text(PROFILE.replace('"110101"', '"110102"'), encoding="utf-8")
    refused = gridcity("init", city, *line)
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "area code is 110101" in refused.stderr
    assert gridcity("init", tmp_path / "none.gpkg", *line).exit_code == 3
    assert not (tmp_path / "none.gpkg").exists()


def test_init_warns_of_an_area_code_nobody_lists(tmp_path: Path) -> None:
    """A mistyped area code is said in one sentence on stderr when the city is made."""
    (tmp_path / "p.toml").write_text('[city]\nname = "x"\narea_code = "123456"\n', encoding="utf-8")
    ran = shell("init", tmp_path / "c.gpkg", "--profile", tmp_path / "p.toml")
    assert ran.returncode == 0
    assert ran.stderr.decode().startswith("Warning: The area code 123456 is not in the list of areas")
    assert ran.stderr.count(b"\n") == 1


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
    result = gridcity("import", "components", source, "--crs", "EPSG:4326", "--city", city)
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
        "text-control        warning       1\n"
        "component-no-party  note          1\n"
        "state-unknown: row 1, state: '良好\\x1b[31m' is no state; possible: 完好, 破损, 丢失, 废弃, 移除\n"
        "  Correct the state, or translate it in the mapping under [values.state].\n"
        "text-control: row 1, state: the text '良好\\x1b[31m' has control characters or marks of writing "
        "direction, which are kept\n"
        "  Remove them at the source.\n"
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
    assert facts["counts"]["class-unknown"] == 1
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


@pytest.mark.parametrize("name", ["lamps.dbf", "LAMPS.DBF", "lamps.prj", "lamps.cpg", "map.toml"])
def test_rejects_never_replace_what_was_read(city: Path, tmp_path: Path, name: str) -> None:
    """A shapefile is several files, and the mapping is read too: --rejects naming any of them is refused."""
    for part in ("lamps.shp", "lamps.dbf", "lamps.prj", "map.toml"):
        (tmp_path / part).write_text("as it was")
    before = sorted(tmp_path.iterdir())
    line = ("import", "components", tmp_path / "lamps.shp", "--mapping", tmp_path / "map.toml")
    result = gridcity(*line, "--rejects", tmp_path / name, "--city", city)
    assert result.exit_code == 3
    assert "is read by this command and would be replaced" in result.stderr
    assert sorted(tmp_path.iterdir()) == before
    # Beside them and under the same stem there is room for a file that is none of them.
    check_target(tmp_path / "lamps.csv", city, tmp_path / "lamps.shp")


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


def test_all_findings_are_in_json(city: Path, tmp_path: Path) -> None:
    """The table shows the first case of a rule and says how to see the others; JSON has every case."""
    lamps = [(point(0.1 * i, 0.2), {"class_name": "路灯", "state": "??"}) for i in range(1, 4)]
    source = write_features(tmp_path / "lamps.geojson", *lamps)
    line = ("import", "components", source, "--crs", "EPSG:4326", "--city", city, "--dry-run")
    table = gridcity(*line).stdout
    assert table.count("state-unknown: row") == 1
    assert "  (and 2 more; all: gridcity import components … --dry-run --format json)\n" in table
    facts = json.loads(gridcity(*line, "--format", "json").stdout)
    cases = [found for found in facts["findings"] if found["rule"] == "state-unknown"]
    assert facts["counts"]["state-unknown"] == 3
    assert [(found["row"], found["value"]) for found in cases] == [(1, "??"), (2, "??"), (3, "??")]
    assert list(cases[0]) == ["rule", "severity", "row", "field", "value", "message", "hint"]


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_rejects_replace_nothing_but_files(city: Path, tmp_path: Path, kind: str) -> None:
    """A link or a device under the name of the rejects is refused before a row is imported."""
    target = tmp_path / "r.csv"
    (tmp_path / "other").write_text("as it was")
    os.mkfifo(target) if kind == "pipe" else target.symlink_to(tmp_path / "other")
    before = city.read_bytes(), target.lstat()
    line = ("import", "components", tmp_path / "components.geojson", "--city", city, "--rejects", target)
    result = gridcity(*line)
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"a {kind}" in result.stderr
    assert (city.read_bytes(), target.lstat()) == before
    assert (tmp_path / "other").read_text() == "as it was"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder on this system that nobody can write")
def test_rejects_that_cannot_be_written_stop_the_import(city: Path, tmp_path: Path) -> None:
    """Where no file can be made nothing is imported either."""
    before = city.read_bytes()
    line = ("import", "components", tmp_path / "components.geojson", "--city", city)
    result = gridcity(*line, "--rejects", "/proc/self/r.csv")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "/proc/self/r.csv cannot be written" in result.stderr
    assert city.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_balance_that_cannot_be_printed_undoes_nothing(city: Path, tmp_path: Path) -> None:
    """A full disk behind stdout exits 3 and says that the import was kept, and it was."""
    line = ("import", "cells", tmp_path / "cells.geojson", "--city", city)
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "gridcity_cli.main", *map(str, line)]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ran.returncode == 3
    assert ran.stderr.decode() == (
        "Error: The import was kept (receipt 7), but its balance could not be written: "
        "No space left on device.\n"
        "Hint: Import the same file again: it changes nothing and answers again.\n"
    )
    with City.open(city) as opened:
        assert opened.summary()["receipts"] == 7


@pytest.mark.parametrize(
    ("problem", "said", "code"),
    [
        (OSError(28, "No space left on device", "r.csv"), "receipt 7), but r.csv could not be written", 3),
        (KeyboardInterrupt(), "Interrupted; the import was kept (receipt 7).", 130),
    ],
)
def test_rejects_that_fail_undo_nothing(
    city: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    problem: BaseException,
    said: str,
    code: int,
) -> None:
    """A disk that fills up, or Ctrl-C, after the import says that the import was kept; a dry run does not."""

    def fails(*_: object) -> None:
        raise problem

    monkeypatch.setattr("gridcity_cli.commands.import_.write_file", fails)
    line = ("import", "cells", tmp_path / "cells.geojson", "--city", city, "--rejects", tmp_path / "r.csv")
    dry = gridcity(*line, "--dry-run")
    assert dry.exit_code == code
    assert "kept" not in dry.stderr
    result = gridcity(*line)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


def test_an_interrupted_import_says_what_became_of_it(
    city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C exits 130 with one line: nothing was written, unless it came after the last row was kept."""
    line = ("import", "cells", tmp_path / "cells.geojson", "--city", city)
    finish = City.import_cells

    def interrupted(self: City, *given: object, **more: object) -> None:
        raise KeyboardInterrupt

    def late(self: City, *given: object, **more: object) -> None:
        finish(self, *given, **more)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    for broken, said in ((interrupted, "nothing was written"), (late, "the import was kept")):
        monkeypatch.setattr(City, "import_cells", broken)
        result = gridcity(*line)
        assert (result.exit_code, result.stdout, result.stderr) == (130, "", f"Interrupted; {said}.\n")


def test_a_key_that_is_no_column_names_the_option(city: Path, tmp_path: Path) -> None:
    """The error is about --key and not about a mapping nobody wrote."""
    line = ("import", "components", tmp_path / "components.geojson", "--city", city, "--key", "NOPE")
    result = gridcity(*line)
    assert result.exit_code == 3
    assert "components.geojson has no column 'NOPE'" in result.stderr
    assert "mapping" not in result.stderr
    assert result.stderr.endswith("Hint: Correct --key.\n")


def test_an_empty_name_is_not_the_folder_one_stands_in(city: Path) -> None:
    """A variable of the shell that is not set does not import whatever lies around."""
    result = gridcity("import", "components", "", "--yes", "--city", city)
    assert result.exit_code == 2
    assert "The name of the file is empty" in result.stderr


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """A folder with a file for each of two classes, one row of it wrong, and a note."""
    place = tmp_path / "交付"
    place.mkdir()
    write_features(place / "路灯_点.geojson", (point(0.2, 0.2), {"state": "完好"}))
    write_features(
        place / "雨水井盖.geojson", (point(0.3, 0.3), {"state": "完好"}), (point(0.4, 0.4), {"state": "?"})
    )
    (place / "说明.docx").write_bytes(b"x")
    return place


def test_a_delivery_is_shown_before_it_is_taken(city: Path, delivery: Path, tmp_path: Path) -> None:
    """The classes that file names tell stand on standard error; a script must say that it has seen them."""
    line = ("import", "components", delivery, "--city", city)
    unseen = gridcity(*line)
    assert (unseen.exit_code, unseen.stdout) == (3, "")
    assert "--yes" in unseen.stderr
    tried = gridcity(*line, "--dry-run")
    assert tried.exit_code == 1
    for text in ("路灯_点.geojson", "01037 路灯", "the name holds 雨水井盖", "说明.docx: of no known format"):
        assert text in tried.stderr
    with City.open(city) as opened:
        assert opened.summary()["components"] == 2
    rejects = tmp_path / "rejects.csv"
    taken = gridcity(*line, "--yes", "--rejects", rejects)
    assert taken.exit_code == 1
    assert taken.stdout.startswith("read 3 = added 2 + changed 0 + unchanged 0 + rejected 1\n")
    assert taken.stdout.count("\nfindings\n") == 1
    assert "state-unknown: 雨水井盖.geojson, row 2, state: '?' is no state" in taken.stdout
    with rejects.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["file"], row["row"], row["rule"]) == ("雨水井盖.geojson", "2", "state-unknown")
    with City.open(city) as opened:
        assert opened.summary()["components"] == 4


def test_a_delivery_says_how_each_file_was_read(city: Path, delivery: Path) -> None:
    """Reference system, encoding and columns stand once where all files agree, else with the files."""
    write_features(delivery / "路灯_点.geojson", (point(0.2, 0.2), {"状态": "完好", "编": "1"}))
    path = delivery / "雨水井盖.geojson"
    path.write_text(json.dumps(json.loads(path.read_text()), ensure_ascii=False), encoding="gbk")
    page = gridcity("import", "components", delivery, "--dry-run", "--city", city).stdout
    assert "reference system  EPSG:4326 WGS 84\n" in page
    assert "encoding          ascii (路灯_点.geojson); GB18030 (雨水井盖.geojson)\n" in page
    assert (
        "  state  <- 状态 (known name) (路灯_点.geojson); <- state (known name) (雨水井盖.geojson)\n" in page
    )
    assert "not used: 编\n" in page


def test_errors_stand_above_notes(city: Path, tmp_path: Path) -> None:
    """Whatever was found first, the worst is told first."""
    rows = [
        (point(0.2, 0.2), {"class_name": "路灯"}),
        (point(0.3, 0.3), {"class_name": "路灯", "state": "?"}),
    ]
    source = write_features(tmp_path / "a.geojson", *rows)
    page = gridcity("import", "components", source, "--dry-run", "--city", city).stdout
    told = [line.split() for line in page.split("findings\n")[1].splitlines()[2:]]
    severities = [words[1] for words in told if len(words) == 3 and words[2].isdigit()]
    assert severities[0] == "error"
    assert severities == sorted(severities, key=("error", "warning", "note").index)


def test_a_file_without_rows_says_so(city: Path, tmp_path: Path) -> None:
    """Nought of nought is not taken for a success without a word."""
    source = tmp_path / "a.csv"
    source.write_text("class_name,lng,lat\n", encoding="utf-8")
    page = gridcity("import", "components", source, "--datum", "cgcs2000", "--dry-run", "--city", city).stdout
    assert page.splitlines()[1] == "There is no row in it."


def test_many_unused_columns_are_cut(city: Path, tmp_path: Path) -> None:
    """Of a file with a hundred columns the page names twenty; JSON names all."""
    row = {"class_name": "路灯", **{f"c{i}": "x" for i in range(100)}}
    source = write_features(tmp_path / "a.geojson", (point(0.2, 0.2), row))
    line = ("import", "components", source, "--dry-run", "--city", city)
    assert "c19, and 80 more; all: --format json\n" in gridcity(*line).stdout
    assert len(json.loads(gridcity(*line, "--format", "json").stdout)["unused"]) == 100


def test_a_delivery_in_json_has_the_files(city: Path, delivery: Path) -> None:
    """The balance of all, then one import for each file."""
    result = gridcity("import", "components", delivery, "--yes", "--city", city, "--format", "json")
    found = json.loads(result.stdout)
    assert (found["read"], found["added"], found["rejected"]) == (3, 2, 1)
    assert [(one["file"], one["read"]) for one in found["files"]] == [
        ("路灯_点.geojson", 1),
        ("雨水井盖.geojson", 2),
    ]


def test_columns_and_rules_reach_the_import(city: Path, tmp_path: Path) -> None:
    """--map, --pad-codes, --require-parties and --repair do what the library does with them."""
    source = write_features(tmp_path / "a.geojson", (point(0.2, 0.2), {"KIND": "1037", "BODY": "91X"}))
    line = ("import", "components", source, "--map", "class_code=KIND", "--city", city, "--format", "json")
    assert json.loads(gridcity(*line).stdout)["counts"]["code-zero-lost"] == 1
    padded = gridcity(*line, "--pad-codes", "--dry-run")
    assert json.loads(padded.stdout)["added"] == 1
    strict = gridcity(*line, "--pad-codes", "--require-parties", "--map", "owner_code=BODY")
    assert json.loads(strict.stdout)["counts"]["party-unknown"] == 1
    assert gridcity(*line[:3], "--map", "class_code", "--city", city).exit_code == 2
