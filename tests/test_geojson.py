"""GeoJSON and its text sequences: a record that cannot be read costs itself, never the others."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from test_intake import feature, geojson, shapefile, table, texts, zipped

from gridcity.errors import ReferenceSystemError, SourceError
from gridcity.intake import read_source


def test_geojson_values_become_the_text_a_code_has(tmp_path):
    """Whole numbers keep every digit, floats read as written, null is missing, objects stay JSON."""
    rows = [
        {
            "code": 1101010698000005123,
            "f": 505119.59,
            "b": True,
            "n": None,
            "s": "a \x00",
            "o": {"k": [1, "中"]},
        },
        {"code": "0101", "late": -0},
    ]
    source = read_source(geojson(tmp_path, [feature(row, 116.4, 39.9) for row in rows]))
    assert texts(source) == {
        "code": ["1101010698000005123", "0101"],
        "f": ["505119.59", ""],
        "b": ["true", ""],
        "n": ["", ""],
        "s": ["a", ""],
        "o": ['{"k": [1, "中"]}', ""],
        "late": ["", "0"],
    }
    assert source.system.epsg == 4326


def test_rows_and_geometry_of_geojson_stay_together(tmp_path):
    """Feature ids in any order, doubled or missing, and null geometry move nothing."""
    ids = [9, 3, 3, "x", None, 1]
    features = [feature({"n": i}, 100 + i, 30, id=fid) for i, fid in enumerate(ids)]
    features.insert(2, feature({"n": "nowhere"}))
    source = read_source(geojson(tmp_path, features))
    assert source.geometry[2] is None
    kept = [(t, g.x) for t, g in zip(source.columns["n"], source.geometry, strict=True) if g]
    assert kept == [(str(i), 100.0 + i) for i in range(6)]


@pytest.mark.parametrize(
    ("crs", "epsg"),
    [
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}, 4326),
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4548"}}, 4548),
        ({"type": "name", "properties": {"name": "EPSG:4490"}}, 4490),
        (None, 4326),
    ],
)
def test_the_crs_member_of_geojson_is_honoured(tmp_path, crs, epsg):
    """The member of the 2008 format decides; without it GeoJSON is WGS 84."""
    path = geojson(tmp_path, [feature({}, 116.4, 39.9)], crs=crs)
    assert read_source(path).system.epsg == epsg
    assert read_source(path, crs=4490).system.epsg == 4490


def test_a_datum_stands_over_geojsons_wgs84(tmp_path):
    """--datum gcj02 is the word for undeclared GCJ-02; an unreadable crs member is refused."""
    path = geojson(tmp_path, [feature({}, 116.4, 39.9)])
    assert read_source(path, datum="gcj02").system.datum == "gcj02"
    path = geojson(tmp_path, [feature({}, 1, 1)], crs={"type": "link"})
    with pytest.raises(ReferenceSystemError, match=r"'{\"type\": \"link\"}' is no reference system .* --crs"):
        read_source(path)
    assert read_source(path, crs=4490).system.epsg == 4490


def test_the_id_beside_the_properties_is_a_column(tmp_path):
    """A feature's id is text like its properties, leading zeros and all; a property ``id`` goes first."""
    features = [feature({"n": "a"}, 1, 1) | {"id": "0101"}, feature({"id": "own"}, 2, 2) | {"id": 7}]
    found = read_source(geojson(tmp_path, [*features, feature({}, 3, 3)]))
    assert found.columns["id"].tolist() == ["0101", "own", ""]


def test_case_60_a_coordinate_that_no_float_holds_costs_its_row(tmp_path):
    """A whole number of 400 digits is no coordinate, and no crash."""
    found = read_source(geojson(tmp_path, [feature({}, 10**400, 1), feature({}, 2, 2)]))
    assert [(finding.rule, finding.row) for finding in found.findings] == [("geometry-invalid", 1)]
    assert (found.geometry[0], found.geometry[1].x) == (None, 2)


def test_a_source_says_whether_its_system_was_only_assumed(tmp_path):
    """Plain GeoJSON is read by the rule of its format; a declaration, --crs or --datum is a word for it."""
    plain = geojson(tmp_path, [feature({}, 1, 2)])
    assert read_source(plain).assumed
    assert not read_source(plain, crs=4326).assumed and not read_source(plain, datum="wgs84").assumed
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert not read_source(geojson(tmp_path, [feature({}, 1, 2)], "b.geojson", crs=crs)).assumed
    assert not read_source(shapefile(tmp_path)).assumed
    assert not read_source(table(tmp_path, "code\n1\n"), geometry="none").assumed


def test_byte_order_mark_and_gbk_in_geojson(tmp_path):
    """A mark is no text; GBK is read, with a finding that the format says UTF-8."""
    text = geojson(tmp_path, [feature({"名": "路灯"}, 116.4, 39.9)]).read_text(encoding="utf-8")
    path = tmp_path / "b.json"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert texts(read_source(path)) == {"名": ["路灯"]}
    path.write_bytes(text.encode("gbk"))
    source = read_source(path)
    assert texts(source) == {"名": ["路灯"]}
    assert source.geometry[0].x == 116.4
    assert source.findings.counts() == {"encoding-declared": 1}


def test_bad_text_in_geojson_costs_its_row(tmp_path):
    """A lone surrogate or a byte that is no UTF-8 is a finding for that row alone."""
    path = tmp_path / "a.geojson"
    features = ",".join(json.dumps(feature({"n": n}, 116.4, 39.9)) for n in ("ok", "@1", "@2"))
    raw = '{"type":"FeatureCollection","features":[' + features.replace("ok", "路灯井盖") + "]}"
    path.write_bytes(raw.encode().replace(b"@1", b"\\ud800").replace(b"@2", b"a\xff"))
    source = read_source(path)
    assert texts(source)["n"] == ["路灯井盖", "\\xed\\xa0\\x80", "a\\xff"]
    assert source.findings.rejected_rows() == {2, 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"type":"FeatureCollection","features":[{"type":"Point"}]}',
            "line 1: it is of type 'Point', not a Feature",
        ),
        ('{"type":"FeatureCollection","features":[\n7]}', "line 2: it is no object"),
        ('{"type":"Point","coordinates":[1,1]}', "no FeatureCollection: it is one Point"),
        ('{"type":"Topology"}', "its type is 'Topology'"),
        ('{"type":"FeatureCollection","features":{}}', 'has no list of "features"'),
        ('{"type":', "is no JSON"),
        ('{"a":1}\n{"a":2}', "geojsonl"),
        ('{"a":' + "[" * 100_000, "nested too deeply"),
        ('{"a":' + "9" * 5000 + "}", 'it has no "type"'),
        ('{"crs":NaN}', "is no JSON: In the member 'crs', it holds NaN"),
        ('{"type":"FeatureCollection","type":"x"}', "The key 'type' stands twice in line 1, column 29"),
        ('{"type":"FeatureCollection",\n"features":[{"a":1},\n{oops}]}', r"line 3, column 2"),
        ('{"type":"Feature","properties":{},"geometry":null}', "it is one Feature"),
        ('{"properties":{},"geometry":{"type":"Point"}}', "looks like a single Feature that lost its own"),
        ("[]", "begins with"),
        ("<html>", "web page"),
    ],
)
def test_what_is_no_feature_collection_is_refused(tmp_path, text, message):
    """Each refusal says what was found."""
    path = tmp_path / "a.geojson"
    path.write_text(text)
    with pytest.raises(SourceError, match=message):
        read_source(path)


@pytest.mark.parametrize("separator", ["\n", "\x1e"])
@pytest.mark.parametrize("suffix", [".geojsonl", ".geojsons", ".ndjson"])
def test_sequences_of_features_are_read(tmp_path, suffix, separator):
    """One feature per line, or after each record separator, also over several lines."""
    path = tmp_path / f"a{suffix}"
    indent = 1 if separator == "\x1e" else None
    records = [json.dumps(feature({"n": i}, 100 + i, 30), indent=indent) for i in range(3)]
    path.write_text("".join(separator + r if separator == "\x1e" else r + separator for r in records))
    source = read_source(path)
    assert texts(source) == {"n": ["0", "1", "2"]}
    assert [g.x for g in source.geometry] == [100, 101, 102]
    assert (source.driver, source.system.epsg) == ("GeoJSONSeq", 4326)


def test_other_formats_in_disguise_are_refused(tmp_path):
    """A VRT or a GDALG text under a trusted suffix never makes another file come back."""
    secret = geojson(tmp_path, [feature({"secret": 1}, 1, 1)], "secret.geojson")
    layer = f'<OGRVRTLayer name="secret"><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer>'
    vrt = f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"
    gdalg = json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {secret}"})
    for suffix in (".shp", ".zip", ".gpkg", ".geojson", ".json", ".geojsonl"):
        for text in (vrt, gdalg):
            path = tmp_path / f"disguise{suffix}"
            path.write_text(text)
            with pytest.raises(SourceError):
                read_source(path)


# ---------------------------------------------------------------- case 60: broken records

GOOD = json.dumps(feature({"n": "good"}, 116.4, 39.9))
BROKEN = {
    "no JSON": ("{oops", "Expecting property name enclosed in double quotes in column 2"),
    "NaN": ('{"type":"Feature","properties":{"a":NaN},"geometry":null}', "it holds NaN, which is no JSON"),
    "doubled key": (
        '{"type":"Feature","properties":{"code":"1","code":"2"},"geometry":null}',
        "the key 'code' stands twice in it",
    ),
    "too large": ('{"type":"Feature","properties":{"a":1e999},"geometry":null}', "'a' is a number too large"),
    "not a Feature": ('{"type":"Point","coordinates":[1,2]}', "it is of type 'Point', not a Feature"),
    "no object": ("[1]", "it is no object"),
    "properties": ('{"type":"Feature","properties":[1],"geometry":null}', "its properties are no object"),
    "surrogate as a name": (
        '{"type":"Feature","properties":{"\\ud800":1},"geometry":null}',
        "the name of a property is no text",
    ),
}
SEQUENCE_ONLY = {
    "deep": ('{"a":' + "[" * 100_000, "it is nested too deeply"),
    "two in one": (GOOD + GOOD, f"something follows it in column {len(GOOD) + 1}"),
    "cut": (GOOD[:-4], "in column"),
}


@pytest.mark.parametrize("separator", ["\n", "\x1e"])
@pytest.mark.parametrize("case", [*BROKEN, *SEQUENCE_ONLY])
def test_case_60_a_bad_record_of_a_sequence_costs_itself(tmp_path, separator, case):
    """The records around it are read, the count is right, and the finding names line and reason."""
    text, reason = (BROKEN | SEQUENCE_ONLY)[case]
    path = tmp_path / "a.geojsonl"
    end = "\n" if separator == "\x1e" else ""
    path.write_text(separator.join(["", GOOD + end, text + end, GOOD + end]))
    source = read_source(path)
    assert texts(source)["n"] == ["good", "", "good"]
    assert [shape is None for shape in source.geometry] == [False, True, False]
    (finding,) = source.findings
    line = 3 if separator == "\n" else 2
    assert (finding.rule, finding.row, finding.value) == ("record-unreadable", 2, f"line {line}")
    assert reason in finding.message


@pytest.mark.parametrize("case", [case for case in BROKEN if case != "no JSON"])
def test_case_60_a_wrong_feature_of_a_collection_costs_itself(tmp_path, case):
    """What is JSON and no sound feature is a rejected row of its collection."""
    text, reason = BROKEN[case]
    path = tmp_path / "a.geojson"
    path.write_text(f'{{"type":"FeatureCollection","features":[\n{GOOD},\n{text},\n{GOOD}\n]}}')
    source = read_source(path)
    assert texts(source)["n"] == ["good", "", "good"]
    (finding,) = source.findings
    assert (finding.rule, finding.row, finding.value) == ("record-unreadable", 2, "line 3")
    assert reason in finding.message


def test_case_60_a_line_beyond_the_limit_is_passed_over(tmp_path, monkeypatch):
    """A line of any length costs its row and no memory; the lines after it keep their numbers."""
    monkeypatch.setattr("gridcity.intake.jsonrecords._LONGEST_RECORD", 1_500_000)
    path = tmp_path / "a.geojsonl"
    path.write_text("\n".join([GOOD, '{"a":"' + "x" * 5_000_000 + '"}', GOOD, "{", GOOD]))
    source = read_source(path)
    assert texts(source)["n"] == ["good", "", "good", "", "good"]
    assert [(f.row, f.value) for f in source.findings] == [(2, "line 2"), (4, "line 4")]
    assert "more than 1,500,000 characters" in next(iter(source.findings)).message


def test_case_60_lone_surrogates_marks_and_other_encodings(tmp_path):
    """A lone surrogate costs its row, a byte order mark nothing; UTF-16 is no JSON by its own rule."""
    path = tmp_path / "a.geojsonl"
    path.write_bytes(b"\xef\xbb\xbf" + (GOOD + "\n" + GOOD.replace("good", "a\\ud800")).encode())
    source = read_source(path)
    assert texts(source)["n"] == ["good", "a\\xed\\xa0\\x80"]
    assert source.findings.counts() == {"value-unreadable": 1}
    path.write_text(GOOD, encoding="utf-16")
    with pytest.raises(SourceError, match="no sequence, though its suffix says so"):
        read_source(path)


def test_a_file_without_one_feature_is_refused(tmp_path):
    """Lines of plain objects are no features; the first reason is in the message."""
    path = tmp_path / "a.ndjson"
    path.write_text('{"id": 1}\n{"id": 2}\n')
    with pytest.raises(
        SourceError, match=r"no record of a.ndjson can be read; the first, in line 1: it is of type None"
    ):
        read_source(path)


def test_a_file_of_thousands_of_names_is_refused(tmp_path):
    """Features that share no property would fill the memory with blanks."""
    path = tmp_path / "a.geojsonl"
    path.write_text("\n".join(json.dumps(feature({f"p{i}": 1}, 1, 2)) for i in range(2_001)))
    with pytest.raises(SourceError, match="more than 2,000 different properties"):
        read_source(path)


def test_numbers_of_any_size_are_text(tmp_path):
    """Five thousand digits, a code of twenty, true and nested values are the text they were."""
    path = tmp_path / "a.geojsonl"
    values = {"long": "9" * 5000, "code": "11010106980000051234", "b": "true", "o": '{"k": [1, null]}'}
    inside = ",".join(f'"{name}":{value}' for name, value in values.items())
    path.write_text(f'{{"type":"Feature","properties":{{{inside}}},"geometry":null}}')
    assert {name: column[0] for name, column in read_source(path).columns.items()} == values


# ---------------------------------------------------------------- geometries


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [1]},
        {"type": "Point", "coordinates": ["116.4", "39.9"]},
        {"type": "Point", "coordinates": [True, 2]},
        {"type": "Point"},
        {"type": "LineString", "coordinates": [[1, 2], [3, None]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}},
        {"type": "Circle", "coordinates": [1, 2]},
        {"type": ["Point"], "coordinates": [1, 2]},
        [1, 2],
        "POINT (1 2)",
    ],
)
def test_a_geometry_that_is_none_costs_its_row(tmp_path, geometry):
    """Nothing is made of a geometry that the format does not have."""
    features = [feature({}, 1, 2), {"type": "Feature", "properties": {"n": 1}, "geometry": geometry}]
    source = read_source(geojson(tmp_path, features))
    assert [shape is None for shape in source.geometry] == [False, True]
    assert [(f.rule, f.row) for f in source.findings] == [("geometry-invalid", 2)]


def test_lines_and_polygons_keep_every_digit_and_lose_heights(tmp_path):
    """Coordinates are those of the file to the last bit; heights are counted."""
    at = [[116.41000000000001, 39.9], [116.42, 39.900000000000006, 51.5]]
    flat = [pair[:2] for pair in at]
    line = {"type": "LineString", "coordinates": flat}
    lifted = {"type": "LineString", "coordinates": [[*flat[0], 1.0], at[1]]}
    point = {"type": "Point", "coordinates": at[1]}
    features = [{"type": "Feature", "properties": {}, "geometry": g} for g in (line, lifted, point)]
    source = read_source(geojson(tmp_path, features))
    assert [list(map(list, shape.coords)) for shape in source.geometry] == [flat, flat, [flat[1]]]
    assert [(f.rule, f.value) for f in source.findings] == [("geometry-z", "2")]


@pytest.mark.parametrize("depth", [100, 900, 100_000])
@pytest.mark.parametrize("kind", ["collections", "coordinates"])
def test_case_54_deep_geometries_end_in_a_finding_or_a_refusal(tmp_path, depth, kind):
    """Nested a hundred thousand deep, a geometry costs its row and never the process."""
    inner = '{"type":"Point","coordinates":[1,2]}'
    deep = '{"type":"GeometryCollection","geometries":[' * depth + inner + "]}" * depth
    if kind == "coordinates":
        deep = '{"type":"Polygon","coordinates":' + "[" * depth + "]" * depth + "}"
    path = tmp_path / "a.geojsonl"
    path.write_text(f'{GOOD}\n{{"type":"Feature","properties":{{}},"geometry":{deep}}}\n{GOOD}')
    source = read_source(path)
    assert len(source) == 3
    assert source.geometry[0] is not None and source.geometry[2] is not None
    if depth == 100_000:
        assert source.findings.rejected_rows() == {2}


# ---------------------------------------------------------------- cases 4, 5, 53: disguises


class TooLongError(Exception):
    """Something waits for a pipe that nobody writes."""


@pytest.fixture
def bait(tmp_path):
    """A pipe that stops whoever opens it, and an alarm that tells."""

    def ring(*_: object) -> None:
        raise TooLongError

    pipe = tmp_path / "bait.geojson"
    os.mkfifo(pipe)
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(10)
    yield pipe
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


SUFFIXES = (
    *(".shp", ".zip", ".gpkg", ".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson"),
    *(".csv", ".tsv", ".txt", ".xlsx"),
)


def pointers(bait: Path) -> list[str]:
    """Texts that make GDAL open the bait, and XML that makes a careless reader do so."""
    layer = f'<OGRVRTLayer name="bait"><SrcDataSource>{bait}</SrcDataSource></OGRVRTLayer>'
    bomb = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    return [
        f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>",
        f'<?xml version="1.0"?>\n<OGRVRTDataSource>{layer}</OGRVRTDataSource>',
        json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {bait}"}),
        f'<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY e SYSTEM "file://{bait}">]><kml><name>&e;</name></kml>',
        f'<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY e0 "x">{bomb}]><kml><name>&e9;</name></kml>',
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_cases_04_05_53_a_pointer_under_any_suffix_never_opens_another_file(tmp_path, bait, suffix):
    """VRT, GDALG, external entities and entity bombs are refused, and the file they name is not touched."""
    for text in pointers(bait):
        path = tmp_path / f"disguise{suffix}"
        path.write_text(text)
        with pytest.raises(SourceError):
            read_source(path, crs=4490)


def test_cases_04_05_a_pointer_inside_a_zip_never_opens_another_file(tmp_path, bait):
    """As a member of a zip too."""
    for text in pointers(bait):
        members = {f"a{suffix}": text.encode() for suffix in (".shp", ".shx", ".dbf", ".prj")}
        with pytest.raises(SourceError):
            read_source(zipped(tmp_path / "a.zip", members), crs=4490)
        with pytest.raises(SourceError):
            read_source(zipped(tmp_path / "b.zip", {"a.geojson": text.encode()}), crs=4490)


@pytest.mark.parametrize(
    ("suffix", "hint"),
    [
        *[(s, "GIS") for s in (".kml", ".KMZ", ".gml", ".tab", ".parquet", ".geoparquet")],
        *[(s, "CAD") for s in (".dxf", ".dwg")],
        *[(s, ".gpkg") for s in (".mdb", ".sqlite")],
        *[(s, "Unpack it") for s in (".rar", ".7z", ".tar.gz", ".tgz")],
        *[(s, ".xlsx") for s in (".xls", ".ods", ".et", ".xlsm")],
        (".vrt", "holds the rows"),
    ],
)
def test_case_53_formats_that_are_not_read_say_how_to_convert_them(tmp_path, suffix, hint):
    """Each is refused by its name, with what to do."""
    path = tmp_path / f"survey{suffix}"
    path.write_bytes(b"\x01\x02\x03")
    with pytest.raises(SourceError, match="which is not read") as caught:
        read_source(path)
    assert hint in caught.value.hint
    assert caught.value.code == "E_DRIVER"


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"Rar!\x1a\x07", "RAR"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"\xd0\xcf\x11\xe0", "Office"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".shp", ".geojson", ".zip", ".xlsx"])
def test_other_formats_are_told_by_their_first_bytes(tmp_path, head, what, suffix):
    """A renamed archive or workbook is called what it is."""
    path = tmp_path / f"a{suffix}"
    path.write_bytes(head + bytes(100))
    with pytest.raises(SourceError, match=what):
        read_source(path)


def test_a_folder_that_is_a_geodatabase_is_told(tmp_path):
    """A file geodatabase is a folder; the sentence says what it is."""
    folder = tmp_path / "survey.gdb"
    folder.mkdir()
    with pytest.raises(SourceError, match="file geodatabase"):
        read_source(folder)
