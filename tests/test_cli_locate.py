"""`gridcity locate`: one point, and streams of points."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_city import build, city, gridcity, point, write_features
from tiny_city import COMMUNITY_1, EDITION, LAMP, STREET, add, at, tiny_city

from gridcity.model import Placement

__all__ = ["city"]

PLAIN = " (lng, lat as EPSG:4490; web maps and phones in China need --datum gcj02)\n"
INSIDE, OUTSIDE = ("116.4115", "39.9305"), ("120", "39")
POINTS = """id,lng,lat,class,basis
a,116.4115,39.9305,路灯,x
b,abc,39.9305,,
c,120,39,,
d,116.4115,39.9305,恐龙,
e,116.4105
"""


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_one_point_as_a_table(city: Path) -> None:
    """Labels and values stand in two columns, empty values are left out."""
    result = gridcity("locate", *INSIDE, "--class", "路灯", "--format", "table", "--city", city)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "lng                   116.4115\n"
        "lat                   39.9305\n"
        "basis                 inside\n"
        "cell_id               3\n"
        "cell_code             110101005002002\n"
        "overlap               false\n"
        "distance_to_border_m  42.74\n"
        "community_code        110101005002\n"
        "community_name        北新仓社区\n"
        "street_code           110101005\n"
        "street_name           北新桥街道\n"
        "district_code         110101\n"
        "district_name         样例城\n"
        "class_code            01037\n"
        "class_name            路灯\n"
        "component_id          2\n"
        "component_code        11010101037000001\n"
        "component_name        路灯\n"
        "component_distance_m  0.0\n"
        "party_name            北新桥街道办事处\n"
        "step                  territory\n"
        "component_cell_code   110101005002002\n"
        "cells_differ          false\n"
        "unowned               true\n"
        "passed                maintainer=blank; owner=blank; supervisor=blank; agreed=no-duty; "
        "ground=no-duty; duty=no-duty\n"
        "duty_place            110101005\n"
    )


def test_one_point_is_json_when_piped(city: Path) -> None:
    """All fields of a Placement are there, in order; one token means the same as two."""
    two, one = (
        gridcity("locate", *INSIDE, "--city", city),
        gridcity("locate", ",".join(INSIDE), "--city", city),
    )
    assert two.stdout == one.stdout
    assert tuple(json.loads(two.stdout)) == Placement.columns()


@pytest.mark.parametrize(
    ("output_format", "expected"),
    [
        ("csv", "basis,cell_id\ninside,3\n"),
        ("ndjson", '{"basis": "inside", "cell_id": 3}\n'),
        (
            "geojsonseq",
            '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [116.4115, 39.9305]}, '
            '"properties": {"basis": "inside", "cell_id": 3}}\n',
        ),
    ],
)
def test_one_point_in_other_formats(city: Path, output_format: str, expected: str) -> None:
    """The chosen fields are written in the order they are named."""
    line = ("locate", *INSIDE, "--fields", "basis,cell_id", "--format", output_format)
    assert gridcity(*line, "--city", city).stdout == expected


def test_a_point_outside_exits_1(city: Path) -> None:
    """Outside is an answer, and a problem of the data."""
    result = gridcity("locate", *OUTSIDE, "--fields", "basis", "--city", city)
    assert (result.exit_code, result.stdout, result.stderr) == (1, '{\n  "basis": "outside"\n}\n', "")


def test_near_gives_the_nearest_cell(city: Path) -> None:
    """--near takes a point just outside into the city."""
    line = ("locate", "116.4095", "39.9305", "--fields", "basis", "--format", "csv", "--city", city)
    assert gridcity(*line).stdout == "basis\noutside\n"
    assert gridcity(*line, "--near", "100").stdout == "basis\nnear\n"


def test_negative_numbers_are_values(city: Path) -> None:
    """A longitude west of Greenwich needs no -- before it, in one token or two."""
    for where in (("-77.03", "38.9"), ("-77.03,38.9",), ("-.5", "-38.9")):
        result = gridcity("locate", *where, "--fields", "basis", "--city", city)
        assert (result.exit_code, json.loads(result.stdout)) == (1, {"basis": "outside"})


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (("nan", "39.9"), "lng 'nan' is not a finite number"),
        (("116.4", "1e999"), "lat '1e999' is not a finite number"),
        (("１１６.4", "39.9"), "full-width"),
        (("116.4，39.9",), "full-width comma"),
        (("200", "39.9"), "lng 200 is outside -180..180"),
        (("39.9", "116.4", "3"), "one point as LNG LAT"),
        (("1_16.001", "39.9"), "lng '1_16.001' is not a finite number"),
        (("1_16.001,39.9",), "lng '1_16.001' is not a finite number"),
        (("116.4,３９.9",), "full-width"),
        (("١١٦", "39.9"), "not a finite number"),
        (("10", "100"), "lat 100 is outside -90..90; longitude comes first"),
    ],
)
def test_what_is_no_point_is_a_usage_error(city: Path, where: tuple[str, ...], said: str) -> None:
    """Numbers must be finite, half-width, and in range."""
    result = gridcity("locate", *where, "--city", city)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_swapped_axes_are_seen_and_not_mended(city: Path) -> None:
    """Latitude first exits 1 with the line to type; no answer for the swapped point is printed."""
    result = gridcity("locate", "39.9305", "116.4115", "--city", city)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "The coordinates look swapped (lat, lng?); try: gridcity locate 116.4115 39.9305\n"
    )


def test_a_usage_error_of_a_stream(city: Path) -> None:
    """Options that make no sense together are refused before a file is opened."""
    for line in (("x.csv", "--format", "json"), ("x.csv", "--x", "a"), ("x.csv", "--fields", "bogus")):
        assert gridcity("locate", *line, "--city", city).exit_code == 2
    assert gridcity("locate", "x.csv", "--city", city).exit_code == 3


def test_a_csv_comes_back_row_by_row(city: Path, tmp_path: Path) -> None:
    """Every row is there in order, its own columns first; a bad one names its line and costs itself."""
    source = tmp_path / "点 'x'.csv"
    source.write_text(POINTS, encoding="utf-8")
    result = gridcity("locate", source, "--class-field", "class", "--city", city)
    assert result.exit_code == 1
    assert result.stderr == "5 rows: 1 located, 1 outside, 3 bad" + PLAIN
    rows = rows_of(result.stdout)
    assert list(rows[0])[:5] == ["id", "lng", "lat", "class", "basis"]
    assert set(rows[0]) >= {"gridcity_lng", "gridcity_lat", "gridcity_basis", "cell_code", "ok", "error"}
    shown = [(r["id"], r["gridcity_basis"], r["party_name"], r["component_id"], r["ok"]) for r in rows]
    assert shown == [
        ("a", "inside", "北新桥街道办事处", "2", "true"),
        ("b", "", "", "", "false"),
        ("c", "outside", "", "", "true"),
        ("d", "", "", "", "false"),
        ("e", "", "", "", "false"),
    ]
    assert [r["error"].split(":")[0] for r in rows] == ["", "line 3", "", "line 5", "line 6"]
    assert "'恐龙' is no class" in rows[3]["error"]
    assert rows[0]["basis"] == "x"


def test_the_stream_answers_as_one_point_does(city: Path) -> None:
    """The same point gives the same answer on both paths."""
    one = json.loads(gridcity("locate", *INSIDE, "--class", "路灯", "--city", city).stdout)
    point = json.dumps({"x": float(INSIDE[0]), "y": float(INSIDE[1])})
    many = gridcity("locate", "-", "--class", "路灯", "--city", city, input=point).stdout
    answer = json.loads(many)
    assert {name: answer[name] for name in Placement.columns()} == one


def test_json_lines_keep_their_members(city: Path) -> None:
    """Members stay as they are; a name both sides use gets a prefix on ours, in every row."""
    data = '{"lng":116.4115,"lat":39.9305,"tags":["\\u001b",1],"ok":7}\n{"lng":1}\nnonsense\n'
    result = gridcity(
        "locate",
        "-",
        "--fields",
        "basis,lng",
        "--city",
        city,
        input=data,
    )
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    first, second, third = (json.loads(line) for line in result.stdout.splitlines())
    assert first == {
        "lng": 116.4115,
        "lat": 39.9305,
        "tags": ["\x1b", 1],
        "ok": 7,
        "basis": "inside",
        "gridcity_lng": 116.4115,
        "gridcity_ok": True,
        "error": "",
    }
    assert second == {
        "lng": 1,
        "basis": None,
        "gridcity_lng": None,
        "gridcity_ok": False,
        "error": "line 2: no pair of coordinates such as lng and lat",
    }
    assert third["error"].startswith("line 3: not JSON: ")


def feature(lng: float, lat: float, **properties: Any) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [lng, lat]}
    return {"type": "Feature", "id": 9, "geometry": geometry, "properties": properties}


def test_features_come_back_as_features(city: Path, tmp_path: Path) -> None:
    """A collection, a sequence and a sequence with separators give one feature a line."""
    one = feature(116.4115, 39.9305, n=1)
    for text, start in (
        (json.dumps({"type": "FeatureCollection", "features": [one, one]}, indent=1), ""),
        (json.dumps(one) + "\n" + json.dumps(one) + "\n", ""),
        ("\x1e" + json.dumps(one) + "\n\x1e" + json.dumps(one) + "\n", "\x1e"),
    ):
        source = tmp_path / "points.geojson"
        source.write_text(text, encoding="utf-8")
        result = gridcity("locate", source, "--fields", "basis", "--city", city)
        assert result.exit_code == 0
        lines = result.stdout.split("\n")[:-1]
        assert [line[: len(start)] for line in lines] == [start] * 2
        expected = {**one, "properties": {"n": 1, "basis": "inside", "ok": True, "error": ""}}
        assert [json.loads(line.lstrip("\x1e")) for line in lines] == [expected] * 2


def test_formats_are_turned_into_one_another(city: Path) -> None:
    """CSV becomes JSON lines or features, JSON becomes CSV, and any of them a table."""
    table = "n,lng,lat\n1,116.4115,39.9305\n2,?,0\n"
    line = ("locate", "-", "--fields", "basis", "--city", city, "--format")
    assert gridcity(*line, "ndjson", input=table).stdout == (
        '{"n": "1", "lng": "116.4115", "lat": "39.9305", "basis": "inside", "ok": true, "error": ""}\n'
        '{"n": "2", "lng": "?", "lat": "0", "basis": null, "ok": false, '
        '"error": "line 3: lng \'?\' is not a finite number"}\n'
    )
    features = [json.loads(text) for text in gridcity(*line, "geojsonseq", input=table).stdout.splitlines()]
    assert [f["geometry"] for f in features] == [{"type": "Point", "coordinates": [116.4115, 39.9305]}, None]
    assert gridcity(*line, "csv", input='{"lng":116.4115,"lat":39.9305,"a":[1]}').stdout == (
        "lng,lat,a,basis,ok,error\n116.4115,39.9305,[1],inside,true,\n"
    )
    assert gridcity(*line, "table", input=table).stdout == (
        "line  basis      ok  error\n"
        "----  ------  -----  --------------------------------------\n"
        "   2  inside   true\n"
        "   3          false  line 3: lng '?' is not a finite number\n"
    )


def test_nothing_of_a_row_is_lost_in_silence(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name twice in a header is two members; a member met after the header was written is named."""
    line = ("locate", "-", "--fields", "basis", "--city", city, "--format")
    twice = gridcity(*line, "ndjson", input="n,lng,lat,n\n1,116.4115,39.9305,2\n")
    assert json.loads(twice.stdout)["n_2"] == "2"
    monkeypatch.setattr("gridcity_cli.commands.locate.CHUNK", 1)
    late = gridcity(*line, "csv", input='{"lng":1,"lat":2}\n{"lng":1,"lat":2,"late":3}\n')
    assert late.stderr.startswith("Not written, met too late for the header: late\n")


def test_an_answer_is_no_formula(tmp_path: Path) -> None:
    """A party named like a formula gets an apostrophe in CSV, as a point and in a stream; the input's own
    cells and negative numbers come back as they are."""
    path = build(tmp_path)
    (tmp_path / "more.csv").write_text("code,name,kind\n,=1+1,company\n")
    lamp = {"class_name": "路灯", "state": "完好", "maintainer_name": "=1+1"}
    source = write_features(tmp_path / "lamp.geojson", (point(0.5, 1.5), lamp))
    for kind, file in (("parties", tmp_path / "more.csv"), ("components", source)):
        assert gridcity("import", kind, file, "--city", path).exit_code == 0
    line = ("--class", "路灯", "--fields", "lng,party_name", "--format", "csv", "--city", path)
    one = gridcity("locate", "116.4105", "39.9315", *line)
    assert one.stdout == "lng,party_name\n116.4105,'=1+1\n"
    many = gridcity("locate", "-", *line, input="=a,x,y\n=b,116.4105,39.9315\n+c,-77.5,38.9\n")
    assert many.stdout == (
        "=a,x,y,lng,party_name,ok,error\n"
        "=b,116.4105,39.9315,116.4105,'=1+1,true,\n"
        "+c,-77.5,38.9,-77.5,,true,\n"
    )


def test_an_input_without_rows_keeps_its_header(city: Path) -> None:
    """A CSV that holds only its header comes back as a header."""
    result = gridcity("locate", "-", "--fields", "basis", "--city", city, input="n,lng,lat\n")
    assert (result.exit_code, result.stdout) == (0, "n,lng,lat,basis,ok,error\n")


def test_datum_and_reference_system(city: Path) -> None:
    """GCJ-02 numbers and metres are brought to the stored system; numbers beyond the Earth are bad rows."""
    shifted = gridcity("locate", "116.417743", "39.931907", "--datum", "gcj02", "--city", city)
    assert json.loads(shifted.stdout)["basis"] == "inside"
    metres = "x,y\n449694.6,4421978.0\n1e30,1\n"
    result = gridcity(
        "locate", "-", "--crs", "EPSG:4548", "--fields", "basis,lng", "--city", city, input=metres
    )
    good, bad = rows_of(result.stdout)
    assert (good["basis"], good["lng"][:7]) == ("inside", "116.411")
    assert "no place on Earth" in bad["error"]


def test_a_class_that_no_city_knows_stops_the_call(city: Path) -> None:
    """--class is part of the call, so a wrong one is exit 3, for a point and for a stream."""
    for where, data in ((INSIDE, None), (("-",), "lng,lat\n1,2\n")):
        result = gridcity("locate", *where, "--class", "恐龙", "--city", city, input=data)
        assert (result.exit_code, result.stdout) == (3, "")


def test_line_buffered_answers_what_has_come(city: Path) -> None:
    """With --line-buffered an answer comes before the next question is asked."""
    command = [sys.executable, "-m", "gridcity_cli.main", "locate", "-", "--line-buffered"]
    process = subprocess.Popen(
        [*command, "--fields", "basis", "--city", str(city)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(2):
        process.stdin.write('{"lng":116.4115,"lat":39.9305}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["basis"] == "inside"
    _, said = process.communicate()
    assert (process.returncode, said) == (0, "2 rows: 2 located, 0 outside, 0 bad" + PLAIN)


FEATURE = '{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{}}\n'


@pytest.mark.parametrize(
    ("data", "options", "taken"),
    [
        ("x,y,lng,lat\n1,2,3,4\n", [], PLAIN),
        ("x,y,lng,lat\n", ["--x", "x", "--y", "y"], PLAIN.replace("lng, lat", "x, y")),
        ("经度,纬度\n1,2\n", ["--datum", "gcj02"], " (经度, 纬度 as GCJ-02)\n"),
        ("x,y\n450000,4420000\n", ["--crs", "4548"], " (x, y as EPSG:4548 CGCS2000 / "),
        ('{"Lon":1,"lat":2}\n{"x":1,"y":2}\n', ["--datum", "wgs84"], " (lon, lat or x, y as WGS 84)\n"),
        (FEATURE, [], PLAIN.replace("lng, lat", "points")),
        ("{}\n", [], ", 1 bad\n"),
    ],
)
def test_the_summary_says_how_coordinates_were_taken(
    city: Path, data: str, options: list[str], taken: str
) -> None:
    """One line names the columns that were chosen and the system they were taken in."""
    said = gridcity("locate", "-", *options, "--city", city, input=data).stderr
    assert taken in said
    assert said.count("\n") == 1


def test_the_datum_is_hinted_at_in_china_only(tmp_path: Path) -> None:
    """A city stored in WGS 84 has no shifted maps."""
    text = '[city]\nname = "x"\narea_code = "990001"\n'
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    path = tmp_path / "c.gpkg"
    assert gridcity("init", path, "--profile", tmp_path / "p.toml").exit_code == 0
    said = gridcity("locate", "-", "--city", path, input="lng,lat\n1,2\n").stderr
    assert said == "1 rows: 0 located, 1 outside, 0 bad (lng, lat as EPSG:4326)\n"


@pytest.mark.parametrize("name", ["points.csv.gz", "points.zip", "points.shp", "points.gpkg", "points.bin"])
def test_a_file_that_is_no_text_is_refused(city: Path, tmp_path: Path, name: str) -> None:
    """Archives, shapefiles, GeoPackages and other bytes are a refusal that names what is read."""
    import gzip
    import zipfile

    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(POINTS.encode()))
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("points.csv", POINTS)
    elif name.endswith(".gpkg"):
        path.write_bytes(city.read_bytes())
    else:
        path.write_bytes(b"\0\0\x27\x0a" + bytes(96))
    result = gridcity("locate", path, "--city", city)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "locate reads CSV, NDJSON, GeoJSON sequences and feature collections" in result.stderr


def test_conditions_and_accuracy(tmp_path: Path) -> None:
    """A condition is asked about once or row by row; within the accuracy another party is named."""
    lamp = {"class_kind": "component", "class_code": LAMP, "edition": EDITION}
    with tiny_city(tmp_path / "city.gpkg") as made:
        add(
            made,
            "duties",
            {"party_name": "修补队", "place_code": STREET, "condition": "破损", **lamp},
            {"party_name": "路灯所", "place_code": COMMUNITY_1, **lamp},
            {"party_name": "街道办", "place_code": STREET},
        )
    lng, lat = (str(number) for number in at(2.05, 0.5))
    asked = ["--class", "路灯", "--fields", "party_name,across_party_name", "--city", made.path]
    one = gridcity("locate", lng, lat, *asked, "--condition", "破损", "--accuracy", "c", "--format", "csv")
    assert one.stdout == "party_name,across_party_name\n修补队,路灯所\n"
    rows = f"lng,lat,what\n{lng},{lat},破损\n{lng},{lat},\n"
    for stream in (rows, rows.replace("破损", '"破损"'), f'{{"lng":{lng},"lat":{lat},"what":"破损"}}\n'):
        many = gridcity("locate", "-", *asked, "--condition-field", "what", "--accuracy", "0.4", input=stream)
        assert many.exit_code == 0 and "修补队" in many.stdout.splitlines()[len(stream) > 60]
    assert "街道办" in gridcity("locate", "-", *asked, "--condition-field", "what", input=rows).stdout
    wrong = gridcity("locate", lng, lat, *asked, "--accuracy", "D")
    assert wrong.exit_code == 2 and "--accuracy" in wrong.stderr
