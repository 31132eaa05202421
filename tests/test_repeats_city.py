"""Repeated reports of a city: on its components, by place, in files and frames, and the command."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from cli_city import gridcity
from tiny_city import EDITION, LAMP, SEWAGE_COVER, STORM_COVER, add, at, component, point, tiny_city

from gridcity import City
from gridcity.errors import ArgumentError, SourceError
from gridcity.intake.mapping import Mapping
from gridcity.profile import parse_profile
from gridcity.proximity.plane import metres_between

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "washington-dc"
DAY = "2026-03-01"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """Two lamps 31 m apart, two covers 3 m apart, and a drain; a side is 84 m by 108 m."""
    city = tiny_city(tmp_path_factory.mktemp("repeats") / "tiny.gpkg")
    lamps = [
        component(LAMP, point(1.5, 1.5), code="L1"),
        component(LAMP, point(1.5, 1.5 + 31 / 108.4), code="L2"),
    ]
    covers = [component(SEWAGE_COVER, point(0.5, 0.5), code="C1")]
    covers.append(component(SEWAGE_COVER, point(0.5, 0.5 + 3 / 108.4), code="C2"))
    named = {LAMP: "路灯", SEWAGE_COVER: "污水井盖", STORM_COVER: "雨水井盖"}
    for row in (*lamps, *covers, component(STORM_COVER, point(3.5, 0.5), code="D1")):
        add(city, "components", {**row, "class_name": named[row["class_code"]]})
    return city


def reported(path: Path, *rows: tuple[str, str, str, float, float]) -> Path:
    """A file of reports: id, class, clock, and the place in sides."""
    lines = ["id,class,time,lng,lat"]
    for number, klass, clock, x, y in rows:
        lng, lat = at(x, y)
        lines.append(f"{number},{klass},{DAY} {clock},{lng!r},{lat!r}")
    return write(path, "\n".join(lines) + "\n")


def answers(found: Any) -> list[tuple[str, str, str]]:
    return list(
        zip(*(found.columns[name].tolist() for name in ("id", "repeat_of", "repeat_by")), strict=True)
    )


def test_reports_on_the_components_of_a_city(city: City, tmp_path: Path) -> None:
    """A lamp reported twice is one case, two covers are two, and a word for covers means the cover found."""
    file = reported(
        tmp_path / "a.csv",
        ("1", "路灯", "08:00", 1.5, 1.48),
        ("2", LAMP, "08:30", 1.52, 1.51),
        ("3", "路灯", "08:40", 1.5, 1.77),
        ("4", "污水井盖", "09:00", 0.5, 0.5),
        ("5", "污水井盖", "09:01", 0.5, 0.53),
        ("6", "井盖", "09:02", 0.5, 0.53),
    )
    found = city.find_repeats(file, crs=4490)
    assert found.columns["component_code"].tolist() == ["L1", "L1", "L2", "C1", "C2", "C2"]
    assert answers(found) == [
        ("1", "", ""),
        ("2", "1", "component"),
        ("3", "", ""),
        ("4", "", ""),
        ("5", "", ""),
        ("6", "5", "component"),
    ]
    assert (found.cases, int(found.repeats.sum()), found.errors) == (4, 2, {})
    assert found.columns["repeat_after_h"][1] == 0.5


def test_events_go_by_place(city: City, tmp_path: Path) -> None:
    """Reports of an event within 50 m of each other are one case, for an event has no component."""
    file = reported(
        tmp_path / "a.csv",
        ("1", "无照经营游商", "08:00", 1.5, 1.5),
        ("2", "无照经营游商", "09:00", 1.5, 1.9),
        ("3", "无照经营游商", "09:00", 1.5, 2.4),
    )
    found = city.find_repeats(file, crs=4490)
    assert found.errors == {}
    assert answers(found) == [("1", "", ""), ("2", "1", "place"), ("3", "", "")]
    assert found.columns["component_id"].tolist() == [-1, -1, -1]


def test_the_spacing_of_a_class_is_its_radius(tmp_path: Path) -> None:
    """Far from any lamp two reports 15 m apart are one case, unless lamps usually stand 12 m apart."""
    city = tiny_city(tmp_path / "tiny.gpkg")
    rows = [("1", "路灯", "08:00", 4.5, 3.5), ("2", "路灯", "09:00", 4.5, 3.5 + 15 / 108.4)]
    file = reported(tmp_path / "a.csv", *rows)
    assert answers(city.find_repeats(file, crs=4490))[1] == ("2", "1", "place")
    add(city, "spacings", {"edition": EDITION, "class_code": LAMP, "places": 9, "spacing_m": 12.0})
    assert answers(city.find_repeats(file, crs=4490))[1] == ("2", "", "")


def test_earlier_reports_are_repeated_and_not_answered(city: City, tmp_path: Path) -> None:
    """A report of the earlier file is repeated; in both files it is one; a chain goes back through it."""
    earlier = reported(
        tmp_path / "old.csv",
        ("1", "路灯", "06:00", 1.5, 1.5),
        ("2", "路灯", "07:00", 1.5, 1.5),
        ("3", "路灯", "07:30", 1.5, 1.5),
    )
    file = reported(tmp_path / "new.csv", ("3", "路灯", "07:30", 1.5, 1.5), ("4", "路灯", "08:00", 1.5, 1.5))
    found = city.find_repeats(file, earlier, crs=4490)
    assert answers(found) == [("3", "2", "component"), ("4", "3", "component")]
    assert found.columns["repeat_first"].tolist() == ["1", "1"]
    assert found.cases == 1


def test_earlier_reports_of_the_same_minute_came_before(city: City, tmp_path: Path) -> None:
    """Where only the day is known, a report repeats the earlier file's of that day, also without any ids."""
    places = "".join(f"路灯,{DAY},{lng!r},{lat!r}\n" for lng, lat in (at(1.5, 1.5), at(1.5, 1.77)))
    file = write(tmp_path / "a.csv", "class,time,lng,lat\n" + places)
    found = city.find_repeats(file, write(tmp_path / "b.csv", file.read_text(encoding="utf-8")), crs=4490)
    assert answers(found) == [
        ("row 1", "earlier row 1", "component"),
        ("row 2", "earlier row 2", "component"),
    ]


def test_a_bad_row_does_not_hide_the_earlier_report(city: City, tmp_path: Path) -> None:
    """A report whose row in the newer file is bad is still repeated as the earlier file tells it."""
    earlier = reported(tmp_path / "a.csv", ("1", "路灯", "08:00", 1.5, 1.5))
    newer = reported(tmp_path / "b.csv", ("1", "路灯", "", 1.5, 1.5), ("2", "路灯", "09:00", 1.5, 1.5))
    text = newer.read_text(encoding="utf-8").replace(f"1,路灯,{DAY} ,", "1,路灯,,")
    found = city.find_repeats(write(newer, text), earlier, crs=4490)
    assert answers(found) == [("1", "", ""), ("2", "1", "component")]


def test_reports_beyond_the_city_are_bad(city: City, tmp_path: Path) -> None:
    """A report more than 1 km beyond the city is named with its place; one just outside takes part."""
    file = reported(
        tmp_path / "a.csv",
        ("1", "路灯", "08:00", -1, 1),
        ("2", "路灯", "08:30", -1, 1),
        ("3", "路灯", "09:00", -40, 1),
    )
    found = city.find_repeats(file, crs=4490)
    assert answers(found) == [("1", "", ""), ("2", "1", "place"), ("3", "", "")]
    assert list(found.errors) == [2] and "outside the city's extent" in found.errors[2]


def test_an_unknown_class_is_told_the_nearest_of_both_kinds(city: City, tmp_path: Path) -> None:
    """A slip in the name of an event is told the event, one in that of a component the component."""
    rows = (("1", "暴露拉圾", "08:00", 1.5, 1.5), ("2", "路登", "08:00", 1.5, 1.5))
    found = city.find_repeats(reported(tmp_path / "a.csv", *rows), crs=4490)
    assert "nearest: 暴露垃圾 (06010)" in found.errors[0]
    assert f"nearest: 路灯 ({LAMP})" in found.errors[1]


def test_many_unknown_classes_are_named(city: City, tmp_path: Path) -> None:
    """Of a column of descriptions every row is named; what is nearest is looked for in the first hundred."""
    rows = [(str(i), f"描述{i}号路灯", "08:00", 1.5, 1.5) for i in range(102)]
    found = city.find_repeats(reported(tmp_path / "a.csv", *rows), crs=4490)
    assert len(found.errors) == 102
    assert "nearest: 路灯" in found.errors[0] and "nearest: not looked for" in found.errors[101]


def test_what_is_neither_file_nor_points_is_refused(city: City) -> None:
    """A frame without places, or nothing at all, is refused with what is possible."""
    for wrong in (pd.DataFrame({"class": ["路灯"], "time": [DAY]}), None):
        with pytest.raises(
            ArgumentError, match=r"GeoDataFrame with a geometry of points; this \w+ is neither"
        ):
            city.find_repeats(wrong)


def test_bad_rows_have_no_answer(city: City, tmp_path: Path) -> None:
    """Rows without a class of the city, a time or a place keep their position and say what they lack."""
    file = write(
        tmp_path / "a.csv",
        "class,time,lng,lat\n路灯杆杆,2026-03-01,116.5,39.5\n路灯,,116.5,39.5\n路灯,2026-03-01,,\n路灯,2026-03-01,116.5,39.5\n",
    )
    found = city.find_repeats(file, crs=4490)
    assert {i: text.split(";")[0] for i, text in found.errors.items()} == {
        0: "'路灯杆杆' is no class of gbt47678.5-2026 or cjt214-2007",
        1: "the report has no time",
        2: "the row has no geometry",
    }
    assert found.columns["repeat_first"].tolist() == ["", "", "", "row 4"]
    assert found.cases == 1


def test_a_row_delivered_twice_is_one_report(city: City, tmp_path: Path) -> None:
    """Rows equal in everything are one report and have one answer; they do not repeat each other."""
    rows = [("1", "路灯", "08:00", 1.5, 1.5), ("2", "路灯", "09:00", 1.5, 1.5)]
    found = city.find_repeats(reported(tmp_path / "a.csv", *rows, *rows), crs=4490)
    assert answers(found) == [("1", "", ""), ("2", "1", "component")] * 2
    assert (found.cases, found.errors) == (1, {})


def test_a_frame_is_answered_as_its_file(city: City, tmp_path: Path) -> None:
    """A frame of points with typed columns gives the answers of the same rows in a file."""
    rows = [
        ("7", "路灯", "08:00", 1.5, 1.5),
        ("8", "路灯", "09:00", 1.5, 1.5),
        ("9", "路灯", "10:00", 1.5, 1.5),
    ]
    file = reported(tmp_path / "a.csv", *rows)
    told = city.find_repeats(file, crs=4490)
    frame = gpd.GeoDataFrame(
        {
            "id": [7.0, 8.0, 9.0],
            "class": [row[1] for row in rows],
            "time": pd.to_datetime([f"{DAY} {row[2]}" for row in rows]),
            "open": [True, True, None],
        },
        geometry=[shapely.Point(at(*row[3:])) for row in rows],
        crs=4490,
    )
    found = city.find_repeats(frame)
    for name, column in told.columns.items():
        assert column.tolist() == found.columns[name].tolist() or name.endswith(("_m", "_h")), name
    frame["open"] = [False, False, False]
    assert not city.find_repeats(frame).repeats.any()


def test_times_with_and_without_an_offset_are_not_mixed(city: City, tmp_path: Path) -> None:
    """Local times and times in UTC are refused together: the hours between them are not known."""
    old = write(tmp_path / "old.csv", "class,time,lng,lat\n路灯,2026-03-01T00:00:00Z,116.5,39.5\n")
    new = reported(tmp_path / "new.csv", ("1", "路灯", "08:00", 1.5, 1.5))
    with pytest.raises(SourceError, match="offset from UTC"):
        city.find_repeats(new, old, crs=4490)


# The command.


def test_the_command_says_what_it_found(city: City, tmp_path: Path) -> None:
    """The table has the repeats alone, the count line goes to stderr, and no bad row is exit 0."""
    file = reported(tmp_path / "a.csv", ("1", "路灯", "08:00", 1.5, 1.5), ("2", "路灯", "08:30", 1.5, 1.51))
    result = gridcity("repeats", file, "--crs", "EPSG:4490", "--city", city.path)
    assert (result.exit_code, result.stderr) == (
        0,
        "2 reports: 1 repeats (1 by component, 0 by place), 1 cases, 0 bad (lng and lat as "
        "EPSG:4490 China Geodetic Coordinate System 2000)\n",
    )
    assert result.stdout.splitlines()[2].split() == [
        "2", "2", "路灯", "L1", "1", "component", "1.08", "0.5", "1",
    ]  # fmt: skip
    none = gridcity("repeats", file, "--crs", "EPSG:4490", "--city", city.path, "--period", "0.4")
    assert (none.exit_code, none.stdout) == (0, "")


def test_the_command_writes_every_row(city: City, tmp_path: Path) -> None:
    """CSV and JSON have all rows with ok and error last; a bad row is exit 1 and is named on stderr."""
    lng, lat = at(1.5, 1.5)
    rows = f"=1,路灯,2026-03-01T08:00:00Z,{lng!r},{lat!r}\n2,路灯,,116.5,39.5\n"
    file = write(tmp_path / "a.csv", f"号,种类,何时,lng,lat\n{rows}")
    mapped = ["--map", "id=号", "--map", "class_name=种类", "--map", "time=何时"]
    line = ["repeats", file, "--crs", "EPSG:4490", "--city", city.path, *mapped]
    result = gridcity(*line, "--format", "json")
    assert result.exit_code == 1
    assert "error time-missing: a.csv, row 2, time: the report has no time" in result.stderr
    first, second = json.loads(result.stdout)
    assert first == {
        "row": 1, "id": "=1", "time": "2026-03-01T08:00:00Z", "class_code": LAMP,
        "class_name": "路灯", "component_id": 1, "component_code": "L1",
        "repeat_of": "", "repeat_by": "", "repeat_distance_m": None, "repeat_after_h": None,
        "repeat_first": "=1", "ok": True, "error": "",
    }  # fmt: skip
    assert (second["id"], second["repeat_first"], second["ok"]) == ("2", None, False)
    assert second["error"] == "the report has no time"
    rows = list(csv.DictReader(io.StringIO(gridcity(*line, "--format", "csv").stdout)))
    assert [(row["id"], row["time"], row["ok"]) for row in rows] == [
        ("'=1", "2026-03-01T08:00:00Z", "true"),
        ("2", "", "false"),
    ]


def test_the_command_refuses_what_it_was_not_given(city: City) -> None:
    """An empty name of a file and a --map without a column are usage, known before any file is opened."""
    for line, said in (
        (["", "--city", "no.gpkg"], "The name of the file is empty"),
        (["no.csv", "--earlier", "", "--city", "no.gpkg"], "The name of the file is empty"),
        (["no.csv", "--map", "time", "--city", "no.gpkg"], "'time' is not FIELD=COLUMN"),
    ):
        result = gridcity("repeats", *line)
        assert (result.exit_code, said in result.stderr) == (2, True)
    result = gridcity("repeats", "no.csv", "--crs", "EPSG:4490", "--city", city.path)
    assert (result.exit_code, "There is no file no.csv" in result.stderr) == (3, True)


# The requests of Washington, D.C.

CLASSES = {
    "Streetlight Repair Investigation": "路灯",
    "Alleylight Repair": "路灯",
    "Parking Meter Repair": "停车计费设备",
}
LIGHTS = Mapping(x="XCOORD", y="YCOORD", key="FACILITYID")
METERS = Mapping(key="METERID")


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data of Washington are not here")
def test_the_requests_of_washington(tmp_path: Path) -> None:
    """Each of 22,576 requests has its answer, and every repeat keeps the rules when looked at alone."""
    with gzip.open(DATA / "service_requests_2016.csv.gz", "rt", encoding="utf-8-sig") as opened:
        text = opened.read()
    requests = list(csv.DictReader(io.StringIO(text)))
    others = dict.fromkeys(row["SERVICECODEDESCRIPTION"] for row in requests) | CLASSES
    events = [name for name in others if name not in CLASSES]
    local = "".join(
        f'[[classes]]\nkind = "event"\nedition = "gbt47678.5-2026"\ncode = "99{n:03d}"\nname = "{name}"\n'
        'major_name = "requests"\n'
        for n, name in enumerate(events, 1)
    )
    city = City.create(
        tmp_path / "dc.gpkg", parse_profile(f'[city]\nname = "DC"\narea_code = "999001"\n{local}')
    )
    folder = DATA / "components"
    city.import_components(folder / "streetlights.csv", class_text="路灯", mapping=LIGHTS, crs="EPSG:4326")
    city.import_components(folder / "parking-meters-2009.geojson", class_text="停车计费设备", mapping=METERS)
    mapping = Mapping(
        columns={
            "SERVICEREQUESTID": ("id",),
            "SERVICECODEDESCRIPTION": ("class_name",),
            "ADDDATE": ("time",),
            "RESOLUTIONDATE": ("closed_at",),
        },
        values={"class_name": CLASSES},
        x="lon",
        y="lat",
    )
    found = city.find_repeats(write(tmp_path / "requests.csv", text), crs="EPSG:4326", mapping=mapping)
    assert (len(found), found.errors) == (22576, {})
    at = np.flatnonzero(found.repeats)
    columns = found.columns
    position = {number: i for i, number in enumerate(columns["id"].tolist())}
    of = np.array([position[number] for number in columns["repeat_of"][at]])
    first = np.array([position[number] for number in columns["repeat_first"][at]])
    assert len(at) > 2000 and found.cases == len(found) - len(at)
    assert not found.repeats[first].any()
    assert (columns["class_name"][at] == columns["class_name"][of]).all()
    hours = (columns["time"][at] - columns["time"][of]) / np.timedelta64(1, "h")
    assert (hours >= 0).all() and (hours <= 24).all()
    assert np.allclose(columns["repeat_after_h"][at], hours, atol=0.005)
    incidents = found.incidents
    assert (np.isnat(incidents.closed_at[of]) | (incidents.closed_at[of] >= columns["time"][at])).all()
    metres = metres_between(incidents.lng[at], incidents.lat[at], incidents.lng[of], incidents.lat[of])
    assert (metres == columns["repeat_distance_m"][at]).all()
    by_place = columns["repeat_by"][at] == "place"
    assert 0 < (~by_place).sum() < by_place.sum() and (metres[by_place] <= 50).all()
    new, old = columns["component_id"][at], columns["component_id"][of]
    assert (new[~by_place] == old[~by_place]).all() and (new[~by_place] >= 0).all()
    assert ((new[by_place] < 0) | (old[by_place] < 0)).all()
    # What the city itself called a duplicate is found three times as often as any other request.
    called = np.array([row["SERVICEORDERSTATUS"].startswith("DUPLICATE") for row in requests])
    assert called.sum() == 495
    assert found.repeats[called].mean() > 3 * found.repeats[~called].mean()
