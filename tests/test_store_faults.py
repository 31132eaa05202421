"""Files that are no city, full disks, signals: the city is what it was before or what it is after."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from cli_city import SIDE, SOUTH, WEST, city, gridcity, point, write_features
from tiny_city import LAMP, add, component, tiny_city
from tiny_city import point as place

from gridcity.city import City

__all__ = ["city"]


@pytest.fixture
def own(city: Path, tmp_path: Path) -> Path:
    """A copy of the city, alone in its folder, to be damaged."""
    folder = tmp_path / "own"
    folder.mkdir()
    return Path(shutil.copy(city, folder / "city.gpkg"))


def dump(path: Path) -> list[str]:
    """Everything in a city as SQL."""
    connection = sqlite3.connect(path)
    found = list(connection.iterdump())
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    return found


# Case 65: not a city, or one in a bad state.


def execute(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(sql)
    connection.close()


def damage(path: Path) -> None:
    with path.open("rb+") as file:
        for offset in range(4096 * 4, path.stat().st_size, 4096):
            file.seek(offset)
            file.write(b"\xff" * 64)


UNUSABLE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "newer": (
        lambda p: execute(p, "UPDATE gridcity_meta SET value = '99' WHERE key = 'schema_version'"),
        "newer one",
    ),
    "foreign": (lambda p: execute(p, "DROP TABLE gridcity_meta"), "gridcity init"),
    "empty": (lambda p: p.write_bytes(b""), "gridcity init"),
    "text": (lambda p: p.write_text("code,name\n" * 900), "gridcity init"),
    "damaged": (damage, "restore a backup"),
    "cut": (lambda p: os.truncate(p, p.stat().st_size // 3), "restore a backup"),
}


@pytest.mark.parametrize("what", UNUSABLE)
@pytest.mark.parametrize("line", [["check"], ["log"], ["undo", "--yes"]], ids=lambda line: line[0])
def test_case_65_a_file_that_is_no_city_is_left_alone(own: Path, what: str, line: list[str]) -> None:
    """Exit 3 with what to do next, and not one byte of the file is changed: nothing mends it silently."""
    make, hint = UNUSABLE[what]
    make(own)
    before = own.read_bytes()
    result = gridcity(*line, "--city", own)
    assert (result.exit_code, result.stdout) == (3, "")
    first, second = result.stderr.splitlines()
    assert first.startswith("Error: ") and "gridcity itself failed" not in first
    assert second.startswith("Hint: ") and hint.casefold() in second.casefold()
    assert own.read_bytes() == before
    assert list(own.parent.iterdir()) == [own]


@pytest.mark.parametrize("suffix", ["-journal", "-wal"])
@pytest.mark.parametrize("content", [b"", b"left over" * 500], ids=["empty", "rubbish"])
def test_case_65_a_strange_file_beside_the_city_is_not_believed(
    own: Path, suffix: str, content: bytes
) -> None:
    """A journal that is none changes nothing that is stored; reading and writing go on."""
    before = dump(own)
    own.with_name(own.name + suffix).write_bytes(content)
    result = gridcity("log", "--city", own)
    assert (result.exit_code, result.stderr) == (0, "")
    with City.open(own) as opened:
        assert opened.store.count("cells") == 4
    assert dump(own) == before
    assert gridcity("undo", "--yes", "--city", own).exit_code == 0


WRITER = """
import os, sys
from gridcity.city import City
with City.open(sys.argv[1]) as city:
    with city.store.transaction() as tx:
        tx._run("PRAGMA cache_size = 5")
        for i in range(200):
            tx.insert("parties", {"name": ["x" * 500] * 20, "receipt": [1] * 20})
        os._exit(9)
"""


def test_case_65_the_journal_of_a_crash_is_rolled_back(own: Path) -> None:
    """After a crash in the middle of writing the next reader sees the city as it was before."""
    before = dump(own)
    subprocess.run([sys.executable, "-c", WRITER, str(own)], check=False)
    assert own.with_name("city.gpkg-journal").stat().st_size > 0
    assert own.stat().st_size > 100_000
    assert gridcity("log", "--city", own).exit_code == 0
    assert dump(own) == before
    assert list(own.parent.iterdir()) == [own]


# Case 66: no room.


def in_room(kilobytes: int, *line: object) -> subprocess.CompletedProcess[bytes]:
    """Run a command line that can make no file longer than that."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024))

    command = [sys.executable, "-B", "-m", "gridcity_cli.main", *map(str, line)]
    return subprocess.run(command, capture_output=True, check=False, preexec_fn=limit)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with 3,000 components from its latest receipt."""
    path = tmp_path_factory.mktemp("big") / "city.gpkg"
    with tiny_city(path) as city:
        (number,) = add(city, "receipts", {"kind": "components", "source": "lamps.zip"})
        rows = [
            component(
                LAMP, place(i % 60 / 10, i / 1000), code=f"11010101037{i:06d}", cell_id=1, receipt=number
            )
            for i in range(3000)
        ]
        add(city, "components", *rows)
    return path


@pytest.mark.parametrize("more", [0, 50, 200])
def test_case_66_a_full_disk_leaves_the_city_as_it_was(big: Path, tmp_path: Path, more: int) -> None:
    """An import and an undo without room exit 3 and say so; the city is whole and unchanged."""
    path = Path(shutil.copy(big, tmp_path / "city.gpkg"))
    before = dump(path)
    points = [(point(i % 50 / 50, i / 5000), {"class_name": "路灯"}) for i in range(3000)]
    source = write_features(tmp_path / "l.geojson", *points)
    room = path.stat().st_size // 1024 + more
    add_line = ["import", "components", source, "--city", path, "--crs", "EPSG:4490"]
    for line in (["undo", "--yes", "--city", path], add_line):
        ran = in_room(room, *line)
        assert (ran.returncode, ran.stdout) == (3, b""), ran.stderr
        assert b"Hint: " in ran.stderr and b"nothing was changed" in ran.stderr
        assert dump(path) == before
        assert sorted(file.name for file in tmp_path.iterdir()) == ["city.gpkg", "l.geojson"]


@pytest.mark.parametrize("name", ["out.gpkg", "out.csv", "out.geojson", "shapes", "out.html"])
def test_case_66_no_half_output(big: Path, tmp_path: Path, name: str) -> None:
    """What could not be written whole is not there at all, and what was there before still is."""
    line = ["export", tmp_path / name, "--city", big]
    if name == "out.html":
        line = [
            "report",
            "inventory",
            "--by",
            "cell",
            "--format",
            "html",
            "--output",
            tmp_path / name,
            "--city",
            big,
        ]
    if name == "shapes":
        line += ["--format", "shapefile"]
    ran = in_room(1, *line)
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr.startswith(b"Error: ") and b"Traceback" not in ran.stderr
    assert list(tmp_path.iterdir()) == []


# Case 67: stopped at any moment.

UNDO = """
import sys
from gridcity.city import City
city = City.open(sys.argv[1])
print("ready", flush=True)
city.undo()
"""


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda kind: kind.name)
def test_case_67_an_undo_that_is_stopped_is_whole_or_not_at_all(big: Path, tmp_path: Path, kind: int) -> None:
    """After Ctrl-C, SIGTERM or SIGKILL the city is what it was before the undo or what it is after it."""
    before = dump(big)
    moments = random.Random(int(kind))
    for attempt in range(4):
        path = Path(shutil.copy(big, tmp_path / f"city{attempt}.gpkg"))
        child = subprocess.Popen(
            [sys.executable, "-c", UNDO, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        time.sleep(moments.uniform(0, 0.3))
        child.send_signal(kind)
        child.communicate()
        with City.open(path) as city:
            after = (city.store.count("components"), city.store.count("receipts"), len(city.log()))
        assert after in ((3000, 2, 2), (0, 3, 3))
        found = dump(path)
        assert found == before or after == (0, 3, 3)


def test_case_67_an_import_that_is_interrupted_says_which(city: Path, tmp_path: Path) -> None:
    """Ctrl-C in the middle of an import exits 130, and the city is what the last line says."""
    path = Path(shutil.copy(city, tmp_path / "city.gpkg"))
    points = [(point(i % 50 / 50, i / 5000), {"class_name": "路灯"}) for i in range(5000)]
    source = write_features(tmp_path / "l.geojson", *points)
    line = ["import", "components", source, "--city", path]
    for delay in (0.9, 1.4, 1.9):
        shutil.copy(city, path)
        child = subprocess.Popen(
            [sys.executable, "-m", "gridcity_cli.main", *map(str, line)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(delay)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate()
        with City.open(path) as opened:
            components = opened.store.count("components")
        assert components in (2, 5002)
        assert b"Traceback" not in said
        if child.returncode == 130 and b"nothing was written" in said:
            assert components == 2
        if b"was kept" in said or child.returncode == 0:
            assert components == 5002


IMPORT = """
import sys
from gridcity import City
from gridcity.importing import parts
parts.PART_ROWS = 5_000
with City.open(sys.argv[1]) as city:
    print("ready", flush=True)
    city.import_components(sys.argv[2], class_text="路灯", progress=lambda done, _: print(done, flush=True))
print("closed", flush=True)
"""


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shapefile of 30,000 lamps, spread over the four cells of the city."""
    east, north = np.divmod(np.arange(30_000), 200)
    places = shapely.points(WEST + SIDE * (east + 0.5) / 75, SOUTH + SIDE * (north + 0.5) / 100)
    path = tmp_path_factory.mktemp("lamps") / "lamps.shp"
    gpd.GeoDataFrame({"BH": [str(i) for i in range(30_000)]}, geometry=places, crs=4490).to_file(path)
    return path


# Before the first part of six, after the first, after the fourth, and after the last, where it is all kept.
@pytest.mark.parametrize(("lines", "longest_s"), [(1, 0.3), (2, 0.1), (5, 0.1), (7, 0.2)])
def test_case_67_an_import_that_is_killed_is_whole_or_not_at_all(
    city: Path, lamps: Path, tmp_path: Path, lines: int, longest_s: float
) -> None:
    """After SIGKILL, wherever in an import of several parts, the city is as before it or as after it."""
    path = Path(shutil.copy(city, tmp_path / "city.gpkg"))
    before = dump(path)
    child = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(path), str(lamps)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    told = [child.stdout.readline() for _ in range(lines)]
    assert all(told)
    time.sleep(random.Random(lines).uniform(0, longest_s))
    child.kill()
    told += child.communicate()[0].splitlines()
    with City.open(path) as opened:
        rows = opened.store.count("components")
    assert rows == 30_002 or (rows == 2 and "closed" not in told and dump(path) == before)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT rtreecheck('rtree_components_geom')").fetchone() == ("ok",)
    for count in (
        "SELECT count(*) FROM rtree_components_geom",
        "SELECT sum(added) FROM receipts WHERE kind = 'components'",
    ):
        assert connection.execute(count).fetchone() == (rows,)
    connection.close()


# Case 68: an output that is an input.


def test_case_68_the_city_is_never_an_output(own: Path) -> None:
    """No command writes its answer over the city, its journal's name included, not even when told to."""
    before = own.read_bytes()
    for target in (own, own.with_name("city.gpkg-journal"), own.parent / "." / "city.gpkg"):
        report = ["report", "inventory", "--by", "cell", "--format", "csv", "--output", target]
        export = ["export", target, "--overwrite", "--format", "gpkg"]
        source = own.parent.parent / "none.geojson"
        for line in (report, export, ["import", "cells", source, "--rejects", target]):
            result = gridcity(*line, "--city", own)
            assert (result.exit_code, result.stdout) == (3, ""), (line, result.output)
            assert own.read_bytes() == before
            assert list(own.parent.iterdir()) == [own]
