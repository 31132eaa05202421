"""`gridcity inspect`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from cli_city import gridcity, write_features
from tiny_city import CODES, at, tiny_city

from gridcity.crs import wgs84_to_gcj02


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny city; not to be changed."""
    path = tmp_path_factory.mktemp("city") / "city.gpkg"
    tiny_city(path).close()
    return path


def lamps(path: Path, *, shifted: bool = False, **more: str) -> Path:
    """Twenty lamps in cell 1, in WGS 84 or in GCJ-02, as GeoJSON, which declares neither."""
    spots = [at(0.04 * (i + 1), 1.5) for i in range(20)]
    places = [wgs84_to_gcj02(*spot) if shifted else spot for spot in spots]
    properties = {"class_name": "路灯", "SZDYWGBSM": CODES[1], "state": "完好", **more}
    return write_features(path, *(({"type": "Point", "coordinates": place}, properties) for place in places))


def _fact(path: Path, name: str) -> str:
    return str(json.loads(gridcity("inspect", path, "--format", "json").stdout)["detail"][name])


def test_the_page_of_a_suspicious_file(city: Path, tmp_path: Path) -> None:
    """The page names text, system, columns, classes, codes, places, the suspicion, and what to decide."""
    path = lamps(tmp_path / "lamps.geojson", shifted=True)
    page = gridcity("inspect", path, "--city", city)
    assert page.exit_code == 0
    for line in (
        "rows              20\n",
        "geometry          Point 20\n",
        "reference system  EPSG:4326 WGS 84 (by the rule of the format; the file declares nothing)\n",
        "looks like        components: class_name holds names or codes of component classes\n",
        "class_name  class_name (known name)  100%    路灯\n",
        "01037 路灯 (gbt47678.5-2026)",
        "SZDYWGBSM  cell, 15 digits  gbt47678.5-2026    20     20\n",
        "points in an area or a cell of the city, by what they may be\n",
        "datum: 20 points held against the cells that the rows name\n",
        "SUSPICIOUS: read as GCJ-02 the points fit clearly better than as declared.\n",
        "Nothing was found that would reject rows; only --dry-run knows all.\n",
        f"  gridcity import components {path} --datum DATUM --city {city}\n",
        "  - DATUM: the points fit GCJ-02 (--datum gcj02) clearly better than what is declared;",
    ):
        assert line in page.stdout, line
    assert page.stderr == ""


def test_options_are_passed_on_and_given_again(city: Path, tmp_path: Path) -> None:
    """With the datum named nothing is suspicious, and the command has it, quoted for a shell."""
    path = lamps(tmp_path / "the lamps.geojson", shifted=True)
    page = gridcity("inspect", path, "--city", city, "--datum", "gcj02").stdout
    assert "SUSPICIOUS" not in page
    (command,) = [line.strip() for line in page.splitlines() if line.startswith("  gridcity import")]
    words = ["import", "components", str(path), "--datum", "gcj02", "--city", str(city)]
    assert shlex.split(command) == ["gridcity", *words]


def test_without_a_city_the_page_says_what_is_left_out(tmp_path: Path) -> None:
    """No city is no error: the page says that nothing tells where the points lie."""
    page = gridcity("inspect", lamps(tmp_path / "a.geojson"), env={"GRIDCITY_CITY": ""})
    assert page.exit_code == 0
    assert "no city is named (--city), so that nothing says where they lie" in page.stdout
    assert "--city CITY.gpkg" in page.stdout


def test_json_is_the_inspection(city: Path, tmp_path: Path) -> None:
    """JSON has the same facts, with the better datum by its key."""
    path = lamps(tmp_path / "a.geojson", shifted=True)
    found = json.loads(gridcity("inspect", path, "--city", city, "--format", "json").stdout)
    assert (found["refusal"], found["detail"]["rows"]) == ("", 20)
    assert found["detail"]["evidence"]["better"] == "gcj02"
    assert found["detail"]["places"][0]["share"] is not None


def test_a_refused_file_exits_3_with_what_was_found(city: Path, tmp_path: Path) -> None:
    """A damaged layer in a folder: its line is printed, the reason is on stderr, the exit code is 3."""
    lamps(tmp_path / "good.geojson")
    (tmp_path / "bad.shp").write_bytes(b"<html>")
    result = gridcity("inspect", tmp_path, "--layer", "bad", "--city", city)
    assert result.exit_code == 3
    assert "layers: 2" in result.stdout
    assert "cannot be imported as it is" in result.stdout
    assert result.stderr.startswith("Error: ")
    found = gridcity("inspect", tmp_path / "bad.shp", "--format", "json")
    assert found.exit_code == 3
    assert json.loads(found.stdout)["code"].startswith("E_")
    assert gridcity("inspect", tmp_path / "nowhere.shp").exit_code == 3


def test_several_layers_are_listed_and_none_is_chosen(tmp_path: Path) -> None:
    """A folder of two files is a list and a sentence how to go on; the exit code is 0."""
    lamps(tmp_path / "a.geojson")
    lamps(tmp_path / "b.geojson")
    result = gridcity("inspect", tmp_path)
    assert result.exit_code == 0
    assert "a.geojson  20    Point\n" in result.stdout
    assert "--layer NAME" in result.stdout


def test_text_of_the_file_cannot_move_the_cursor(city: Path, tmp_path: Path) -> None:
    """Escape sequences in values, names and class texts are shown escaped."""
    path = lamps(tmp_path / "a.geojson", class_name="\x1b[31m路灯", note="\x1b[2J")
    assert "\x1b" not in gridcity("inspect", path, "--city", city).stdout


def test_the_page_stays_short(city: Path, tmp_path: Path) -> None:
    """Of 200 columns those with a field and twenty others are shown, and long values are cut."""
    columns = {f"column_{i}": "x" * 500 for i in range(200)}
    page = gridcity("inspect", lamps(tmp_path / "a.geojson", **columns), "--city", city).stdout
    assert "(and 180 more columns without a field; all: --format json)" in page
    assert len(page.splitlines()) < 70
    assert max(map(len, page.splitlines())) < 200 + len(str(tmp_path))
