"""Points coming in: what a line is taken for, and that a broken one costs only itself."""

from __future__ import annotations

import csv
import io
import math
from itertools import repeat

import pytest

from gridcity.errors import ArgumentError
from gridcity.intake.delimited import COORDINATE_NAMES
from gridcity_cli import lines as lines_module
from gridcity_cli.inputs import open_rows
from gridcity_cli.json_rows import read_json
from gridcity_cli.lines import Lines
from gridcity_cli.rows import Reader, Row


def rows_of(data: bytes, reader: Reader | None = None, **more: str) -> list[Row]:
    found = open_rows(io.BytesIO(data), reader or Reader(), **more)
    rows = []
    for chunk in found.chunks(2):
        records = csv.reader(chunk.own) if found.columns else chunk.own
        columns = (chunk.lines, records, chunk.lng.tolist(), chunk.lat.tolist(), chunk.classes or repeat(""))
        for i, values in enumerate(zip(*columns, strict=False)):
            rows.append(Row(*values, chunk.errors.get(i, "")))
    return rows


def test_csv_rows_keep_their_cells_and_their_line() -> None:
    """A blank line is no row, and a cell with a line break counts both its lines."""
    rows = rows_of(b'id,lng,lat\n1,116.4,39.9\n\n"two\nlines",116.5,39.8\n3,1,2\n')
    assert [(row.line, row.record, row.lng, row.lat) for row in rows] == [
        (2, ["1", "116.4", "39.9"], 116.4, 39.9),
        (4, ["two\nlines", "116.5", "39.8"], 116.5, 39.8),
        (6, ["3", "1", "2"], 1.0, 2.0),
    ]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("abc,39.9", "lng 'abc' is not a finite number"),
        (",39.9", "lng is empty"),
        ("nan,39.9", "not a finite number"),
        ("inf,39.9", "not a finite number"),
        ("1_16,39.9", "not a finite number"),
        ("１１６,39.9", "full-width"),
        ("116.4,٣٩", "lat '٣٩' is not a finite number"),
        ("39.9,116.4", "lat 116.4 is outside -90..90; longitude comes first"),
        ("116.4", "1 cells where the header has 2"),
        ("116.4,39.9,more", "also 'more'"),
    ],
)
def test_a_bad_csv_row_costs_only_itself(cells: str, said: str) -> None:
    """The row names its line and what is wrong, and the row after it is read."""
    bad, good = rows_of(f"lng,lat\n{cells}\n116.4,39.9\n".encode())
    assert bad.error.startswith("line 2: ")
    assert said in bad.error
    assert math.isnan(bad.lng)
    assert good.error == ""


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("names", [("lng", "lat"), ("Lon", "LAT"), ("经度", "纬度"), ("POINT_X", "POINT_Y")])
def test_known_columns_are_found(delimiter: str, names: tuple[str, str]) -> None:
    """Coordinates are found by their usual names, whatever separates the cells."""
    header, line = delimiter.join(("id", *names)), delimiter.join(("7", "116.4", "39.9"))
    (row,) = rows_of(f"{header}\n{line}".encode())
    assert (row.lng, row.lat) == (116.4, 39.9)


def test_gb18030_and_bom_are_seen() -> None:
    """Chinese text comes out right from GB18030 and from UTF-8 with a byte order mark."""
    text = "名称,lng,lat\n井盖,116.4,39.9\n"
    for data in (text.encode("gb18030"), b"\xef\xbb\xbf" + text.encode()):
        (row,) = rows_of(data)
        assert row.record[0] == "井盖"


def test_bytes_that_are_no_text_cost_their_row() -> None:
    """A byte that is of no encoding is shown with its position; the rows around it are read."""
    padding = b"ok,116.4,39.9\n" * 6000
    rows = rows_of("名,lng,lat\n井,1,2\n".encode() + padding + b"\xff\xfe,116.4,39.9\nok,1,2\n")
    assert [row.line for row in rows if row.error] == [6003]
    assert "ff fe 2c 31 at position 1 are not utf-8 or gb18030 text" in rows[-2].error


@pytest.mark.parametrize("ascii_lines", [0, 6000])
def test_every_line_decides_its_encoding(ascii_lines: int) -> None:
    """Lines of GBK are read wherever they begin, beside lines of UTF-8 and of neither."""
    data = b"name,lng,lat\n" + b"ok,116.4,39.9\n" * ascii_lines
    data += "井盖,1,2\n路灯,1,2\n".encode("gbk") + "井\udcff,1,2\n行道树,1,2\n".encode(
        errors="surrogateescape"
    )
    rows = rows_of(data)[ascii_lines:]
    assert [row.record[0] for row in rows] == ["井盖", "路灯", "井\\xff", "行道树"]
    assert [row.error for row in rows if row.error] == [
        f"line {ascii_lines + 4}: the bytes ff 2c 31 2c at position 4 are not utf-8 or gb18030 text"
    ]


def test_bytes_of_both_encodings_are_read_as_the_lines_before() -> None:
    """路 in GBK is also a UTF-8 dot: among GBK lines it is 路, among UTF-8 lines or alone it is the dot."""
    both = "路,1,2\n".encode("gbk")
    assert both.decode() == "·,1,2\n"
    head, gbk, utf8 = b"name,lng,lat\n", "井盖,1,2\n".encode("gbk"), "井盖,1,2\n".encode()
    padding = b"ok,1,2\n" * 20_000
    for data, read in (
        (both, "·"),
        (both + gbk, "路井盖"),
        (padding + gbk + both, "井盖路"),
        (gbk + both + utf8 + both, "井盖路井盖·"),
    ):
        assert "".join(row.record[0] for row in rows_of(head + data)).replace("ok", "") == read
    pairs = [bytes((first, second)) for first in range(0xC2, 0xE0) for second in range(0x80, 0xC0)]
    assert all(len(pair.decode()) == len(pair.decode("gb18030")) == 1 for pair in pairs)


def test_a_named_encoding_is_not_questioned() -> None:
    """With --encoding a line that is other text is a bad row."""
    for name, other in (("utf-8", "gbk"), ("gbk", "utf-8")):
        (row,) = rows_of("name,lng,lat\n井,1,2\n".encode(other), encoding=name)
        assert row.error.endswith(f"are not {name} text")


def test_a_collection_in_gb18030_is_read() -> None:
    """A collection is one text of one encoding; one of no encoding is refused."""
    start = b'{"type":"FeatureCollection","features":[{"type":"Feature",' + b" " * 70_000
    text = '"properties":{"c":"井盖"},"geometry":{"type":"Point","coordinates":[1,2]}}]}'
    (row,) = rows_of(start + text.encode("gbk"), Reader(class_field="c"))
    assert row.class_text == "井盖"
    with pytest.raises(ArgumentError, match="not utf-8 or gb18030 text, from byte 70059 on"):
        rows_of(start + b"\xff")


@pytest.mark.parametrize("pair", COORDINATE_NAMES)
def test_what_can_be_imported_can_be_located(pair: tuple[str, str]) -> None:
    """Every pair of columns in which an import finds coordinates is found in a stream too."""
    (row,) = rows_of(f"{pair[1]},{pair[0]}\n2,1\n".encode())
    assert (row.lng, row.lat, row.error) == (1.0, 2.0, "")


def test_a_line_too_long_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beyond the limit is an error of its own and the next is read."""
    monkeypatch.setattr(lines_module, "LONGEST_LINE", 100)
    data = b'{"lng":1,"lat":2}\n{"a":"' + b"x" * 200_000 + b'"}\n{"lng":3,"lat":4}\n'
    first, long, last = rows_of(data)
    assert (first.lng, last.lng) == (1.0, 3.0)
    assert "longer than" in long.error


def test_json_rows() -> None:
    """Objects have their coordinates under any usual pair of names, as numbers or as text."""
    rows = rows_of(b'{"lng":1,"lat":2}\n{"Longitude":"3","Latitude":"4"}\n\n{"x":5.5,"y":6}')
    assert [(row.line, row.lng, row.lat) for row in rows] == [(1, 1, 2), (2, 3, 4), (4, 5.5, 6)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[1,2]", "not a JSON object"),
        ('{"lng":NaN,"lat":1}', "NaN is no JSON number"),
        ('{"lng":1e999,"lat":1}', "1e999 is too large"),
        ('{"lng":1,"lng":2,"lat":1}', "the member 'lng' stands twice"),
        ('{"lng":true,"lat":1}', "lng is no number"),
        ('{"lng":"1_16.001","lat":1}', "lng '1_16.001' is not a finite number"),
        ('{"lng":"１１６","lat":1}', "full-width"),
        ('{"lat":1}', "no pair of coordinates"),
        ('{"lng":null,"lat":1}', "lng is missing"),
        ("[" * 100_000, "nested too deeply"),
        ('{"type":"Feature","geometry":null,"properties":{}}', "no geometry"),
        ('{"type":"Feature","geometry":{"type":"LineString","coordinates":[]}}', "a LineString where"),
        ('{"type":"Feature","geometry":{"type":"Point","coordinates":[1]}}', "no coordinates"),
    ],
)
def test_a_bad_json_row_costs_only_itself(text: str, said: str) -> None:
    """Broken JSON, NaN, a member twice, great depth: the row says so and the next is read."""
    first, bad, last = rows_of(f'{{"lng":1,"lat":2}}\n{text}\n{{"lng":3,"lat":4}}\n'.encode())
    assert bad.error.startswith("line 2: ")
    assert said in bad.error
    assert (first.error, last.error) == ("", "")


def test_sequences_with_and_without_separators() -> None:
    """RFC 8142 texts are read, also one that runs over several lines."""
    one = '{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2,9]},"properties":{"c":"路灯"}}'
    spread = one.replace(",", ",\n")
    reader = Reader(class_field="c")
    for data, lines in (
        (f"{one}\n{one}\n", [1, 2]),
        (f"\x1e{one}\n\x1e{one}\n", [1, 2]),
        (f"\x1e{spread}\n\x1e{one}", [1, 7]),
    ):
        rows = rows_of(data.encode(), reader)
        assert [(row.line, row.lng, row.lat, row.class_text) for row in rows] == [
            (line, 1.0, 2.0, "路灯") for line in lines
        ]


def test_a_broken_text_of_a_sequence_costs_only_itself() -> None:
    """The separator says where the next text begins."""
    rows = rows_of(b'\x1e{"lng":1,\n\x1e{"lng":1,"lat":2}\n')
    assert [bool(row.error) for row in rows] == [True, False]


def test_a_collection_is_read_as_one() -> None:
    """A pretty-printed feature collection has one row per feature."""
    data = b"""{
  "type": "FeatureCollection",
  "features": [
    {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": null}
  ]
}"""
    (row,) = rows_of(data)
    assert (row.line, row.lng, row.lat) == (1, 1.0, 2.0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The input is empty"),
        (b"a,b\n1,2\n", "names no columns of longitude and latitude"),
        (b"116.4,39.9\n116.5,39.8\n", "names no columns"),
        (b"lng,lat\r116.4,39.9\r", "cannot be read as the header"),
        (b"PK\x03\x04\n\0", "no text; locate reads CSV, NDJSON"),
        (b'[{"lng":1}]', "JSON array"),
        (b'{"type":"FeatureCollection"}', "no list of features"),
        (b'{"type":"FeatureCollection","features":[', "not a GeoJSON feature collection"),
        ("lng,lat\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_no_stream_of_points_is_refused(data: bytes, said: str) -> None:
    """An input without rows of points stops with a sentence."""
    with pytest.raises(ArgumentError, match=said):
        rows_of(data)


def test_named_columns_must_exist() -> None:
    """--x with a column that is not there lists those that are."""
    with pytest.raises(ArgumentError, match="no column 'easting'") as caught:
        rows_of(b"e,n\n1,2\n", Reader("easting", "n"))
    assert caught.value.hint == "Its columns: e, n."


def test_encodings_that_cannot_be_cut_into_lines_are_refused() -> None:
    """A line break must be one byte and have no other spelling; an unknown name is refused too."""
    for name in ("utf-16", "hz", "utf-7", "raw_unicode_escape", "klingon"):
        with pytest.raises(ArgumentError):
            Lines(io.BytesIO(b"a"), encoding=name)


def test_json_is_read_strictly() -> None:
    """Numbers keep their value and duplicates are found at any depth."""
    assert read_json('{"a":[1,2.5,{"b":null}]}') == {"a": [1, 2.5, {"b": None}]}
    with pytest.raises(ValueError, match="'b' stands twice"):
        read_json('{"a":{"b":1,"b":1}}')
