"""`gridcity lookup` and `gridcity catalogue`."""

from __future__ import annotations

import json
from pathlib import Path

from cli_city import city, gridcity

__all__ = ["city"]


def test_a_cell_code_is_explained_part_by_part() -> None:
    """Without a city and an edition every reading is shown, and that is no error."""
    result = gridcity("lookup", "110101005001001")
    assert (result.exit_code, result.stderr) == (0, "")
    assert (
        result.stdout
        == "\n\n".join(
            f"110101005001001  cell ({edition})\n"
            "province   11 北京市\n"
            "city       1101 市辖区\n"
            "district   110101 东城区\n"
            "street     110101005 北新桥街道\n"
            "community  110101005001 海运仓社区居委会\n"
            "serial     1"
            for edition in ("gbt30428.2-2013", "gbt47678.5-2026")
        )
        + "\n"
    )


def test_the_edition_decides() -> None:
    """--edition leaves one reading."""
    result = gridcity("lookup", "110101005001001", "--edition", "gbt47678.5-2026", "--format", "json")
    (answer,) = json.loads(result.stdout)
    assert [reading["edition"] for reading in answer["readings"]] == ["gbt47678.5-2026"]


def test_an_invalid_code_does_not_stop_the_others() -> None:
    """The wrong character is named with its position, the exit code is 1, the rest is explained."""
    result = gridcity("lookup", "11O101", "110101", "--format", "ndjson")
    assert result.exit_code == 1
    wrong, right = (json.loads(line) for line in result.stdout.splitlines())
    assert (wrong["ok"], wrong["position"], wrong["readings"]) == (False, 3, [])
    assert (right["ok"], right["readings"][0]["kind"]) == (True, "area")
    assert "position 3" in result.stderr


def test_a_city_shows_what_it_has_under_the_code(city: Path) -> None:
    """With --city the object behind the code is shown and the city's edition decides."""
    result = gridcity("lookup", "11010101037000001", "--city", city, "--format", "json")
    (answer,) = json.loads(result.stdout)
    (reading,) = answer["readings"]
    (found,) = reading["objects"]
    assert (found["class_name"], found["initial_date"]) == ("路灯", "2024-03-01")
    table = gridcity("lookup", "11010101037000001", "--city", city)
    assert "in this city:\n" in table.stdout


def test_the_catalogue_is_searched() -> None:
    """The best match stands first and the status of a row is shown."""
    result = gridcity("catalogue", "路灯", "--kind", "component")
    assert result.exit_code == 0
    header, line, *rows = result.stdout.splitlines()
    assert header.split() == [
        *("kind", "code", "name", "english", "major", "major_name", "geometry", "status", "edition")
    ]
    assert set(line) == {"-", " "}
    assert rows[0].split()[:3] == ["component", "01037", "路灯"]
    assert all("one source" in row for row in rows)


def test_the_whole_catalogue_is_listed() -> None:
    """Without a text every class of the kind is listed, as records."""
    result = gridcity("catalogue", "--kind", "event", "--edition", "cjt214-2007", "--format", "ndjson")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) > 50
    assert {row["kind"] for row in rows} == {"event"}


def test_a_city_adds_its_own_classes(city: Path) -> None:
    """With --city local classes and the older edition are searched too."""
    result = gridcity("catalogue", "样例设施", "--city", city, "--format", "json")
    (row,) = json.loads(result.stdout)
    assert (row["code"], row["status"]) == ("01999", "local")
    both = gridcity("catalogue", "路灯", "--city", city, "--format", "json", "--kind", "component")
    assert {row["edition"] for row in json.loads(both.stdout)} == {"gbt47678.5-2026", "cjt214-2007"}
    one = gridcity("catalogue", "路灯", "--city", city, "--format", "json", "--edition", "cjt214-2007")
    assert {row["edition"] for row in json.loads(one.stdout)} == {"cjt214-2007"}


def test_nothing_found_names_the_nearest() -> None:
    """An empty search is no failure; stderr says what resembles it."""
    result = gridcity("catalogue", "路登")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("No class contains '路登'. Nearest: 01037 路灯")
