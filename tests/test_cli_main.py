"""Exit codes, errors as sentences, streams, and what a cold start may load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_city import city, gridcity, shell

import gridcity as library
from gridcity.errors import ArgumentError
from gridcity_cli.main import COMMANDS, SKIPPED_DRIVERS

__all__ = ["city"]

HEAVY = ("numpy", "shapely", "pandas", "geopandas", "pyogrio", "pyproj", "tabulate", "importlib.metadata")
COLD = """
import sys
from gridcity_cli.main import cli
code = cli.main({arguments!r}, standalone_mode=False)
loaded = [name for name in {heavy!r} if name in sys.modules]
print("code", code, "loaded", loaded)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["locate", "116.4115", "39.9305", "--class", "路灯", "--format", "table"],
        ["locate", "116.4115", "39.9305", "--format", "json"],
        ["locate", "116.4115,39.9305", "--format", "csv", "--datum", "gcj02", "--near", "2000"],
        ["lookup", "110101005001001"],
    ],
)
def test_a_cold_lookup_loads_nothing_heavy(city: Path, arguments: list[str]) -> None:
    """One point or one code from a shell imports none of the heavy packages."""
    line = [*arguments, "--city", str(city)]
    code = COLD.format(arguments=line, heavy=HEAVY)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines()[-1] == "code 0 loaded []", ran.stderr


def test_help_lists_every_command_without_loading_one() -> None:
    """--help and -h are the same and name all commands with their summary."""
    result = gridcity("-h")
    assert (result.exit_code, result.output) == (0, gridcity("--help").output)
    for name, (_, _, summary) in COMMANDS.items():
        assert f"  {name} " in result.output
        assert summary.split()[0] in result.output


@pytest.mark.parametrize(
    "line",
    [
        *((name,) for name in COMMANDS),
        ("report", "inventory"),
        ("import", "components"),
        ("mapping", "suggest"),
    ],
)
def test_every_command_has_help(line: tuple[str, ...]) -> None:
    """The help of a command shows its examples before its options."""
    result = gridcity(*line, "-h")
    assert result.exit_code == 0
    if line not in (("import",), ("report",), ("mapping",)):
        assert 0 < result.output.index("Examples:\n  gridcity ") < result.output.index("Options:")


def test_version_is_that_of_the_library() -> None:
    """--version names the library's own version."""
    assert gridcity("--version").output == f"gridcity {library.__version__}\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("locat",), "No such command 'locat'"),
        (("locate", "1", "2", "--city", "x", "--clas", "y"), "--class"),
        (("locate", "1", "2"), "Missing option '--city' (env var: 'GRIDCITY_CITY')"),
        (("lookup",), "Missing argument"),
        (("lookup", "110101", "--edition", "1999"), "Known editions: cjt214-2007"),
        (("import", "cells", "x", "--city", "x", "--encoding", "klingon"), "no text encoding 'klingon'"),
        (("locate", "x", "--city", "x", "--encoding", "hex"), "no text encoding 'hex'"),
    ],
)
def test_what_is_typed_wrong_exits_2(
    line: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A usage error says what is possible, on stderr."""
    monkeypatch.delenv("GRIDCITY_CITY", raising=False)
    result = gridcity(*line)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_what_cannot_be_done_exits_3_in_two_lines(tmp_path: Path) -> None:
    """A library error is one line that says what, and one that says what to do next."""
    result = gridcity("check", "--city", tmp_path / "no.gpkg")
    assert result.exit_code == 3
    assert result.stdout == ""
    first, second = result.stderr.splitlines()
    assert first.startswith("Error: ")
    assert second.startswith("Hint: ")


def test_a_traceback_is_shown_only_when_asked_for(tmp_path: Path) -> None:
    """--debug shows where it failed; the exit code stays."""
    line = ("check", "--city", tmp_path / "no.gpkg")
    quiet, loud = shell(*line), shell("--debug", *line)
    assert (quiet.returncode, loud.returncode) == (3, 3)
    assert b"Traceback" not in quiet.stderr
    assert b"Traceback" in loud.stderr


def test_a_fault_of_gridcity_is_no_traceback(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception is a sentence too, and names what to report."""
    from gridcity.city import City

    def broken(self: City) -> None:
        raise KeyError("x\x1b[31m")

    monkeypatch.setattr(City, "check", broken)
    result = gridcity("check", "--city", city)
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: gridcity itself failed: KeyError: 'x\\x1b[31m'.\nHint: ")


def test_an_interrupted_command_says_so(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C exits 130 with one word."""
    from gridcity.city import City

    def interrupted(self: City) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(City, "check", interrupted)
    result = gridcity("check", "--city", city)
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "Interrupted.\n")


def test_the_text_of_an_error_cannot_move_the_cursor(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control characters in a message are escaped."""
    from gridcity.city import City

    def broken(self: City) -> None:
        raise ArgumentError("bad \x1b[2J", hint="try\x07")

    monkeypatch.setattr(City, "check", broken)
    assert gridcity("check", "--city", city).stderr == "Error: bad \\x1b[2J.\nHint: try\\x07\n"


def test_the_city_can_come_from_the_environment(city: Path) -> None:
    """GRIDCITY_CITY stands for --city."""
    assert gridcity("check", env={"GRIDCITY_CITY": str(city)}).exit_code == 0


def test_a_closed_pipe_exits_141_in_silence() -> None:
    """A reader that goes away is no error to talk about."""
    command = [sys.executable, "-m", "gridcity_cli.main", "catalogue", "--format", "ndjson"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_exits_3() -> None:
    """An answer that could not be written is a failure, said once."""
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "gridcity_cli.main", "catalogue", "路灯"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (3, b"Error: No space left on device.\n")


def test_output_is_utf8_whatever_the_console_says() -> None:
    """Redirected output does not depend on the locale."""
    ran = shell("catalogue", "路灯", "--format", "csv", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert ran.returncode == 0
    assert "路灯井盖" in ran.stdout.decode("utf-8")


def test_warnings_are_sentences() -> None:
    """A warning of the library is one line on stderr, without its place in the source."""
    ran = shell("catalogue", "路灯", "--edition", "gbt30428.2-2013")
    assert ran.stderr.decode().startswith("Warning: The class tables of gbt30428.2-2013 are a reconstruction")
    assert b".py" not in ran.stderr


def test_dangerous_drivers_are_skipped() -> None:
    """GDAL starts without the drivers that fetch or refer, knows every name on the list, and keeps ours."""
    code = "import pyogrio; print(*sorted(pyogrio.list_drivers()), sep='\\n')"
    environment = {**os.environ, "OGR_SKIP": SKIPPED_DRIVERS}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    drivers = set(ran.stdout.splitlines())
    assert {"ESRI Shapefile", "GPKG", "GeoJSON", "GeoJSONSeq"} <= drivers
    assert not drivers & set(SKIPPED_DRIVERS.split(","))
    assert "Warning" not in ran.stderr
