"""`gridcity log`, `history`, `undo` and `retire`."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from cli_city import city, gridcity, shell
from test_cli_main import COLD, HEAVY

__all__ = ["city"]

LAMP = "11010101037000001"
TODAY = date.today().isoformat()


@pytest.fixture
def own(city: Path, tmp_path: Path) -> Path:
    """A copy of the city, to be changed."""
    return Path(shutil.copy(city, tmp_path / "city.gpkg"))


# The log.


def test_the_log_in_three_formats(city: Path) -> None:
    """Newest first; the table has local times with their offset, JSON and CSV the stored UTC."""
    result = gridcity("log", "--city", city, "--format", "json")
    assert result.exit_code == 0
    entries = json.loads(result.stdout)
    assert [(entry["receipt"], entry["kind"]) for entry in entries] == [
        (6, "duties"),
        (5, "components"),
        (4, "parties"),
        (3, "cells"),
        (2, "areas"),
        (1, "areas"),
    ]
    counts = ("read", "added", "changed", "unchanged", "rejected", "undone_by")
    assert [entries[1][name] for name in counts] == [3, 2, 0, 0, 1, None]
    assert entries[1]["source"] == "components.geojson"
    assert entries[0]["at"].endswith("+00:00")
    rows = list(csv.DictReader(io.StringIO(gridcity("log", "--city", city, "--format", "csv").stdout)))
    assert rows == [{name: "" if v is None else str(v) for name, v in entry.items()} for entry in entries]
    ran = shell("log", "--limit", "2", "--city", city, TZ="Asia/Shanghai")
    header, _, *lines = ran.stdout.decode().splitlines()
    assert header.split()[:4] == ["receipt", "at", "kind", "source"]
    assert len(lines) == 2 and "+08:00  duties" in lines[0]


def test_the_log_marks_second_surveys_and_deliveries(own: Path, tmp_path: Path) -> None:
    """Who reads the log sees how many a second survey ended, and which files came together."""
    folder = tmp_path / "lamps"
    folder.mkdir()
    for name, lng in (("a", 116.4104), ("b", 116.4108)):
        text = f"class_name,lng,lat\n路灯,{lng},39.9305\n"
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    taken = gridcity("import", "components", folder, "--datum", "cgcs2000", "--yes", "--city", own)
    assert taken.exit_code == 0, taken.output
    again = ("--resurvey", "--area", "110101005", "--accept-vanished", "--datum", "cgcs2000")
    assert gridcity("import", "components", folder / "a.csv", *again, "--city", own).exit_code == 0
    log = json.loads(gridcity("log", "--city", own, "--format", "json").stdout)
    names = ("receipt", "resurvey_area", "ended", "delivery", "files")
    said = [tuple(entry[name] for name in names) for entry in log[:4]]
    assert said[1:] == [(8, "", 0, 7, 2), (7, "", 0, 7, 2), (6, "", 0, None, 0)]
    receipt, area, ended, *delivery = said[0]
    assert (receipt, area, delivery) == (9, "110101005", [None, 0]) and ended > 0
    lines = gridcity("log", "--city", own).stdout.splitlines()
    assert lines[0].split()[-1] == "mark"
    assert lines[2].endswith(f"second survey, ended {ended}")
    assert lines[3].endswith("delivery 7, 2 files")


def test_the_log_of_an_empty_city(tmp_path: Path) -> None:
    """A city without imports says so in words, and is an empty list in JSON."""
    (tmp_path / "p.toml").write_text('[city]\nname = "x"\narea_code = "110101"\n', encoding="utf-8")
    path = tmp_path / "c.gpkg"
    gridcity("init", path, "--profile", tmp_path / "p.toml")
    assert gridcity("log", "--city", path).stdout == "Nothing was imported yet.\n"
    assert gridcity("log", "--city", path, "--format", "json").stdout == "[]\n"


# History.


def test_the_history_of_a_component_reads_as_a_story(own: Path) -> None:
    """Kind, code and edition on top; an event a block, with what changed from what to what."""
    assert gridcity("retire", LAMP, "--date", TODAY, "--city", own).exit_code == 0
    result = gridcity("history", LAMP, "--city", own)
    assert (result.exit_code, result.stderr) == (0, "")
    text = re.sub(r"\d{4}-\d\d-\d\d \S+", "WHEN", result.stdout)
    lines = text.splitlines()
    assert lines[:2] == [
        f"{LAMP}  component (gbt47678.5-2026)",
        "WHEN  added  (receipt 5: components.geojson)",
    ]
    assert "  class_name    路灯" in lines and "  cell          110101005002002" in lines
    assert lines[-2:] == [f"WHEN  retired  (receipt 7: {LAMP})", f"  until  {TODAY}"]
    events = json.loads(gridcity("history", LAMP, "--city", own, "--format", "json").stdout)
    assert [event["kind"] for event in events] == ["added", "retired"]
    assert events[1]["changes"] == [{"field": "until", "before": "", "after": TODAY}]


def test_the_history_of_a_code_that_nothing_had(city: Path) -> None:
    """Exit 1, one sentence with the nearest code on stderr; JSON is an empty list."""
    result = gridcity("history", "11010101037000009", "--city", city)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Nothing in this city has or had the code '11010101037000009'. The nearest code is {LAMP}.\n"
    )
    result = gridcity("history", "\x1b[31m", "--city", city, "--format", "json")
    assert (result.exit_code, result.stdout) == (1, "[]\n")
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("line", [["history"], ["retire", "--date", TODAY]])
def test_full_width_digits_are_told(city: Path, line: list[str]) -> None:
    """A code typed in full-width digits is shown as it should have been typed."""
    wide = LAMP.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    result = gridcity(line[0], wide, *line[1:], "--city", city)
    assert result.exit_code in (1, 2, 3)
    assert f"Write half-width digits 0-9: {LAMP}." in result.stderr


@pytest.mark.parametrize("line", [["log"], ["history", LAMP], ["undo", "--dry-run"]])
def test_a_cold_look_back_loads_nothing_heavy(city: Path, line: list[str]) -> None:
    """Looking at the log or at one object's history imports none of the heavy packages; undo only numpy."""
    code = COLD.format(arguments=[*line, "--city", str(city)], heavy=HEAVY)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    loaded = ["numpy"] if line[0] == "undo" else []
    assert ran.stdout.splitlines()[-1].endswith(f" loaded {loaded}"), ran.stderr


# Undo.


def test_undo_says_what_it_took_back(own: Path) -> None:
    """A dry run says the same and writes nothing; the log shows the undo and what it undid."""
    before = own.read_bytes()
    dry = gridcity("undo", "--dry-run", "--city", own)
    assert (dry.exit_code, own.read_bytes()) == (0, before)
    result = gridcity("undo", "--yes", "--city", own)
    assert result.exit_code == 0
    said = result.stdout.splitlines()
    assert said[0] == "Taken back:"
    assert re.fullmatch(r"  receipt 6  \S+ \S+  duties duties.csv: added 1, changed 0", said[1])
    assert said[2:] == ["removed: 1 duties", "receipt 7"]
    assert dry.stdout.splitlines() == [
        "Would be taken back:",
        *said[1:3],
        "A dry run: nothing was written.",
    ]
    gridcity("undo", "--yes", "--city", own)
    log = json.loads(gridcity("log", "--city", own, "--format", "json").stdout)
    assert [(entry["kind"], entry["undone_by"]) for entry in log[:4]] == [
        ("undo", None),
        ("undo", None),
        ("duties", 7),
        ("components", 8),
    ]
    assert (
        gridcity("history", LAMP, "--city", own)
        .stdout.splitlines()[-1]
        .endswith("taken back  (receipt 8: undo of receipt 5)")
    )


def test_undo_says_that_codes_are_used_up(own: Path) -> None:
    """Components that leave take their codes with them; who undoes is told, and before it is done."""
    gridcity("undo", "--yes", "--city", own)
    said = "The codes that gridcity gave to these components are not given again.\n"
    assert said in gridcity("undo", "--dry-run", "--city", own).stdout
    assert said in gridcity("undo", "--yes", "--city", own).stdout


def test_undo_of_an_import_that_changed_nothing_says_so(own: Path, tmp_path: Path) -> None:
    """Who took back a second import of one file is told that the first one stands."""
    source = tmp_path / "lamps.csv"
    source.write_text("class_name,lng,lat\n路灯,116.4105,39.9305\n", encoding="utf-8")
    for _ in range(2):
        gridcity("import", "components", source, "--datum", "cgcs2000", "--city", own)
    told = gridcity("undo", "--yes", "--city", own).stdout
    assert "It had changed nothing: the city is as it was. A second undo goes one further back." in told
    assert "removed: 1 components" in gridcity("undo", "--yes", "--city", own).stdout


def test_undo_without_a_terminal_needs_yes(own: Path) -> None:
    """Where nobody can be asked it is a usage error, and nothing is written."""
    before = own.read_bytes()
    result = gridcity("undo", "--city", own)
    assert (result.exit_code, result.stdout, own.read_bytes()) == (2, "", before)
    assert "--yes" in result.stderr


def at_a_terminal(line: list[str], answer: bytes) -> tuple[int, bytes, bytes]:
    """Run a command line with a terminal for its questions, and answer the first."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gridcity_cli.main", *line]
    child = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(theirs)
    os.write(ours, answer)
    out, said = child.communicate(timeout=60)
    os.close(ours)
    return child.returncode, out, said


def test_undo_asks_at_a_terminal(own: Path) -> None:
    """It shows what would be taken back; no leaves everything as it was, yes takes it back."""
    before = own.read_bytes()
    code, out, said = at_a_terminal(["undo", "--city", str(own)], b"n\n")
    assert (code, out, own.read_bytes()) == (3, b"", before)
    assert b"duties duties.csv: added 1" in said and said.endswith(b"Nothing was changed.\n")
    code, out, said = at_a_terminal(["undo", "--city", str(own)], b"y\n")
    assert code == 0 and b"Taken back:" in out and b"Take it back?" in said


def test_undo_when_there_is_nothing(own: Path) -> None:
    """After the last import is taken back the next undo is refused in two lines."""
    for _ in range(6):
        assert gridcity("undo", "--yes", "--city", own).exit_code == 0
    result = gridcity("undo", "--yes", "--city", own)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("Error: There is nothing to undo")
    assert "Hint: gridcity log" in result.stderr


# Retire.


def test_retire_ends_a_cell_and_moves_what_stood_in_it(own: Path) -> None:
    """It says how many components were placed anew; a second end is refused with the first day."""
    cell = "110101005002002"
    dry = gridcity("retire", cell, "--date", TODAY, "--city", own, "--dry-run")
    assert dry.stdout.splitlines()[-1] == "A dry run: nothing was written."
    result = gridcity("retire", cell, "--date", TODAY, "--city", own)
    assert (result.exit_code, result.stdout) == (
        0,
        f"cell {cell} ends on {TODAY}\ncomponents placed anew: 1\nreceipt 7\n",
    )
    again = gridcity("retire", cell, "--date", TODAY, "--city", own)
    assert (again.exit_code, again.stderr) == (3, f"Error: The cell {cell} has ended already, on {TODAY}.\n")


@pytest.mark.parametrize("day", ["2026-02-30", "1.3.2026", ""])
def test_retire_takes_only_iso_dates(city: Path, day: str) -> None:
    """Another way to write a day is a usage error that says how to write it."""
    result = gridcity("retire", LAMP, "--date", day, "--city", city)
    assert result.exit_code == 2
    assert "write YYYY-MM-DD" in result.stderr
