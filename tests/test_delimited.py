"""Text tables: every row as written, a row that is not whole by itself, or a sentence with its line."""

from __future__ import annotations

import csv

import pytest
import shapely
from test_intake import shapefile, table, texts

from gridcity.errors import ArgumentError, ReferenceSystemError, SourceError
from gridcity.intake import read_source


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_text_tables_of_every_make(tmp_path, separator, encoding):
    """Comma, semicolon or tab, with or without a mark, UTF-8, GBK or UTF-16, CR LF or LF."""
    lines = [
        ["编号", "经度", "纬度", "备注"],
        ["007", "116.41", "39.94", f'"甲{separator}乙"'],
        ["008", "", "", ""],
    ]
    text = "\r\n".join(separator.join(line) for line in lines) + "\r\n"
    source = read_source(table(tmp_path, text.encode(encoding)), crs=4490)
    assert texts(source)["编号"] == ["007", "008"]
    assert texts(source)["备注"] == [f"甲{separator}乙", ""]
    assert source.geometry[0] == shapely.Point(116.41, 39.94)
    assert source.geometry[1] is None
    assert source.coordinate_columns == ("经度", "纬度")
    assert source.driver == "CSV"
    assert not len(source.findings)


def test_a_text_table_has_no_reference_system_of_its_own(tmp_path):
    """CSV declares nothing: --crs or --datum must."""
    path = table(tmp_path, "lng,lat\n116,39\n")
    with pytest.raises(ReferenceSystemError, match=r"a.csv.*--crs"):
        read_source(path)
    assert read_source(path, datum="bd09").system.datum == "bd09"


def test_coordinates_that_are_none_cost_their_row(tmp_path):
    """A word, an infinity or half a pair is a finding for the row; the others keep their digits."""
    rows = "x,y\n500000.125,4400000.5\nabc,1\n1,inf\n,2\n,\n1e3, 2 \n"
    source = read_source(table(tmp_path, rows), crs=4548)
    assert [None if g is None else (g.x, g.y) for g in source.geometry] == [
        (500000.125, 4400000.5),
        None,
        None,
        None,
        None,
        (1000.0, 2.0),
    ]
    assert source.findings.counts() == {"coordinate-not-finite": 3}
    assert source.findings.rejected_rows() == {2, 3, 4}


def test_only_plain_numbers_are_coordinates(tmp_path):
    """What Python alone takes for a number, and what a spreadsheet shows for one, costs its row."""
    good = ["116.5", " +116.5 ", "1165e-1", "1.165E2", "116.50", "0116.5"]
    bad = ["1_16.5", "１１６.5", "116,5", "0x74", "116.5°", "nan", "inf", "1e", ".", "--1", "116 5", "1e999"]
    lines = [f'"{text}",39.5' for text in [*good, ".5", "5.", *bad]]
    source = read_source(table(tmp_path, "\n".join(["x,y", *lines, ""])), crs=4490)
    found = [None if g is None else g.x for g in source.geometry]
    assert found == [116.5] * len(good) + [0.5, 5.0] + [None] * len(bad)
    assert source.findings.counts() == {"coordinate-not-finite": len(bad)}


def test_coordinate_columns_are_named_or_unambiguous(tmp_path):
    """Two pairs of known names, one column alone or a wrong one are refused with what there is."""
    path = table(tmp_path, "lng,lat,X,Y\n1,2,3,4\n")
    with pytest.raises(SourceError, match=r"several pairs.*lng and lat or X and Y"):
        read_source(path, crs=4490)
    assert read_source(path, crs=4490, x="X", y="Y").geometry[0] == shapely.Point(3, 4)
    with pytest.raises(SourceError, match="only one column"):
        read_source(path, crs=4490, x="X")
    with pytest.raises(SourceError, match="no column 'lgn'; nearest: lng"):
        read_source(path, crs=4490, x="lgn", y="lat")
    with pytest.raises(SourceError, match="geometry of its own"):
        read_source(shapefile(tmp_path), x="X", y="Y")


@pytest.mark.parametrize("names", ["經度,緯度", "経度,緯度", "经度,纬度"])
def test_coordinates_are_found_under_their_chinese_and_japanese_names(tmp_path, names):
    """In simplified, traditional and Japanese characters, eastward first."""
    assert read_source(table(tmp_path, f"{names}\n1,2\n"), crs=4490).geometry[0] == shapely.Point(1, 2)


def test_a_message_names_twelve_columns_at_most(tmp_path):
    """Of a table of forty columns without known names the others are counted."""
    names = [f"c{i}" for i in range(40)]
    path = table(tmp_path, ",".join(names) + "\n" + ",".join("1" * 40) + "\n")
    for options in ({}, {"x": "zzz", "y": "c1"}):
        with pytest.raises(SourceError) as caught:
            read_source(path, crs=4490, **options)
        assert "c11 and 28 more" in caught.value.message and "c12" not in caught.value.message


def test_tables_without_places_have_no_geometry(tmp_path):
    """Parties and duties are read with geometry='none'."""
    source = read_source(table(tmp_path, "code,name\n01,甲\n\n02,乙\n"), geometry="none")
    assert texts(source) == {"code": ["01", "02"], "name": ["甲", "乙"]}
    assert source.system is None and source.geometry.tolist() == [None, None]
    with pytest.raises(ArgumentError):
        read_source(tmp_path / "a.csv", geometry="maybe")  # type: ignore[arg-type]


def test_a_byte_that_is_no_text_costs_its_row_in_csv(tmp_path):
    """The cell keeps its bytes as escapes."""
    path = table(tmp_path, "name,n\n路灯,1\n".encode() + b"a\xffb,2\n" + "井盖,3\n".encode())
    source = read_source(path, geometry="none")
    assert texts(source)["name"] == ["路灯", "a\\xffb", "井盖"]
    (finding,) = source.findings
    assert (finding.rule, finding.row, finding.value) == ("value-unreadable", 2, "61 ff 62")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2,3\n1\n1,2\n", r"2 of 3 rows of a.csv .* the header \(2\); the first is line 2 with 3"),
        ("a,a\n1,2\n", "several columns of one name: a"),
        ('a,b\n1,"2\n', "begins in line 2 of a.csv cannot be read"),
        ("\n\n", "no line that names its columns"),
        ("a,b\n" + "x" * 10_000_001 + ",1\n", "line 2 of a.csv has more than 10,000,000 characters"),
        ("PK\x03\x04\x00\x00", "no text"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(tmp_path, text, message):
    """The line is named."""
    with pytest.raises(SourceError, match=message):
        read_source(table(tmp_path, text), geometry="none")


# ---------------------------------------------------------------- case 61: rows and lines


def test_case_61_a_ragged_row_costs_itself(tmp_path):
    """A row of more or fewer values is rejected with its line; the rows around it and the count are right."""
    text = 'code,name\n01,甲\n\n02\n03,乙,丙,丁\n"0\n4",戊\n05,己\n06,庚\n'
    source = read_source(table(tmp_path, text), geometry="none")
    assert texts(source) == {
        "code": ["01", "02", "03", "0\n4", "05", "06"],
        "name": ["甲", "", "乙,丙,丁", "戊", "己", "庚"],
    }
    assert [(f.rule, f.row, f.value) for f in source.findings] == [
        ("record-unreadable", 2, "line 4"),
        ("record-unreadable", 3, "line 5"),
    ]
    assert "it has 4 values, the header 2" in list(source.findings)[1].message


def test_case_61_a_quotation_mark_that_is_never_closed_refuses_the_file(tmp_path):
    """Rows would vanish in one value: the message names the line in which it begins."""
    rows = [f"{i},x" for i in range(3_000)]
    for broken, line in (('7,"never', 9), ('7,"a', 9)):
        swallowing = [*rows[:7], broken, *rows[8:]]
        with pytest.raises(SourceError, match=f"begins in line {line} of a.csv"):
            read_source(table(tmp_path, "a,b\n" + "\n".join(swallowing)), geometry="none")
    closed_late = [*rows[:7], '7,"a', *rows[8:2_000], 'b"', *rows[2_001:]]
    with pytest.raises(SourceError, match=r"begins in line 9 of a.csv .* a row of 1,994 lines"):
        read_source(table(tmp_path, "a,b\n" + "\n".join(closed_late)), geometry="none")
    merged = 'a,b\n1,x\n2,"y\n3,z"\n4,w\n'
    assert len(read_source(table(tmp_path, merged), geometry="none")) == 3
    with pytest.raises(SourceError, match=r"line 3 of a.csv cannot be read: a row of 3 values"):
        read_source(table(tmp_path, 'a,b\n1,x\n2,"y\n3",z\n4,w\n'), geometry="none")


@pytest.mark.parametrize("text", ["116.4,39.9\n116.5,40\n", "1\n2\n", ",,\na,b,c\n", '"1e5",-2.\n'])
def test_case_61_a_first_line_of_numbers_is_no_header(tmp_path, text):
    """A table without names is refused with the sentence that says so."""
    with pytest.raises(SourceError, match=r"the first line of a.csv does not name its columns"):
        read_source(table(tmp_path, text), crs=4490)


def test_case_61_utf16_and_a_late_gbk_row_are_read(tmp_path):
    """A mark decides for UTF-16; text beyond ASCII is looked for in the whole file, not in its beginning."""
    rows = ["name,n", *["x,1"] * 150_000, "路灯,2"]
    for encoding, name in (("gbk", "GB18030"), ("utf-16", "UTF-16")):
        source = read_source(table(tmp_path, "\n".join(rows).encode(encoding)), geometry="none")
        assert (len(source), source.encoding, source.columns["name"][-1]) == (150_001, name, "路灯")


@pytest.mark.parametrize("encoding", ["utf-7", "hz", "iso2022_jp", "utf-16", "utf-32", "punycode"])
def test_an_encoding_that_does_not_fit_is_refused_or_read(tmp_path, encoding):
    """Whatever encoding is named, the answer is rows or a sentence."""
    path = table(tmp_path, "a,b\n+AAA-路~{灯,1\n".encode("gbk") + b"\xff\xfe\x1b$B,2\n")
    try:
        assert len(read_source(path, encoding=encoding, geometry="none")) >= 0
    except (SourceError, ArgumentError) as refused:
        assert "a.csv" in str(refused) or "encoding" in str(refused)


def test_equal_texts_of_many_blocks_stay_in_their_rows(tmp_path):
    """Reading in blocks moves nothing: every row has its own values, the 70,000th too."""
    lines = [f"{i:06d},{i % 7},{i * i}" for i in range(70_000)]
    source = read_source(table(tmp_path, "code,class,n\n" + "\n".join(lines)), geometry="none")
    assert [",".join(row) for row in zip(*source.columns.values(), strict=True)] == lines


# ---------------------------------------------------------------- WKT


WKT = "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1))"


@pytest.mark.parametrize("name", ["wkt", "WKT", "geometry", "wkt_geom"])
def test_a_column_of_wkt_is_the_geometry(tmp_path, name):
    """Lines, polygons with holes and heights are read; text that is none costs its row."""
    rows = [
        WKT,
        "LINESTRING Z (0 0 5, 1 1.0000000000000002 5)",
        "",
        "POINT(1 2)",
        "POLYGON ((0 0, 1 1))",
        "none",
    ]
    text = f"n,{name}\n" + "\n".join(f'{i},"{wkt}"' for i, wkt in enumerate(rows))
    source = read_source(table(tmp_path, text), crs=4548)
    assert [shape and shape.wkt for shape in source.geometry] == [
        WKT,
        "LINESTRING (0 0, 1 1.0000000000000002)",
        None,
        "POINT (1 2)",
        None,
        None,
    ]
    assert source.coordinate_columns == (name,)
    assert source.findings.counts() == {"geometry-invalid": 2, "geometry-z": 1}
    assert source.findings.rejected_rows() == {5, 6}


def test_wkt_stands_above_the_coordinates_where_it_is_filled(tmp_path):
    """An export has points in two columns and everything else in WKT; each row has its own."""
    text = f'lng,lat,wkt\n116.4,39.9,\n3,3,"{WKT}"\n'
    source = read_source(table(tmp_path, text), crs=4490)
    assert [shape.wkt for shape in source.geometry] == ["POINT (116.4 39.9)", WKT]
    assert source.coordinate_columns == ("lng", "lat", "wkt")
    named = read_source(table(tmp_path, text), crs=4490, x="lng", y="lat")
    assert named.geometry[1].wkt == "POINT (3 3)"
    with pytest.raises(SourceError, match=r"lng, lat and wkt of row 2 of a.csv name different places"):
        read_source(table(tmp_path, text.replace("3,3", "30,3")), crs=4490)


def test_a_column_called_geometry_that_holds_other_text_is_a_column(tmp_path):
    """A name alone is no evidence; without WKT and coordinates the table is refused as before."""
    text = 'x,y,geometry\n1,2,"{""type"": ""Point""}"\n'
    source = read_source(table(tmp_path, text), crs=4548)
    assert source.geometry[0].wkt == "POINT (1 2)" and source.coordinate_columns == ("x", "y")
    with pytest.raises(SourceError, match="have a known name for coordinates: a, b, geometry"):
        read_source(table(tmp_path, text.replace("x,y", "a,b")), crs=4548)
    with pytest.raises(SourceError, match=r"several columns of a.csv hold geometries: wkt, geometry"):
        read_source(table(tmp_path, "wkt,geometry\nPOINT (1 1),POINT (2 2)\n"), crs=4548)


@pytest.mark.parametrize("depth", [9, 100_000])
def test_case_54_deep_wkt_costs_its_row(tmp_path, depth):
    """Nested a hundred thousand deep, WKT is a finding and the process goes on; many holes are not deep."""
    deep = "GEOMETRYCOLLECTION (" * depth + "POINT (1 2)" + ")" * depth
    holes = ", ".join(f"({i} 1, {i + 0.5} 1, {i} 2, {i} 1)" for i in range(1, 50))
    whole = f"POLYGON ((0 0, 99 0, 99 9, 0 9, 0 0), {holes})"
    source = read_source(table(tmp_path, f'wkt\n"{deep}"\n"{whole}"\n'), crs=4548)
    assert source.geometry[0] is None
    assert len(source.geometry[1].interiors) == 49
    assert [(f.rule, f.row, f.value) for f in source.findings] == [
        ("geometry-invalid", 1, "it is nested too deeply")
    ]


def test_case_54_wkt_is_plain_characters(tmp_path):
    """A NUL would end the text for GEOS; what stands behind it is not ignored."""
    good = ["POINT (1 2)"] * 1000
    text = "\n".join(["wkt", *good, "POINT (1 2)\0 x", "POINT (１ 2)"])
    source = read_source(table(tmp_path, text), crs=4548)
    assert len(source) == 1002
    assert source.findings.rejected_rows() == {1001, 1002}


def test_the_longest_field_of_the_csv_module_is_put_back(tmp_path):
    """Reading a long polygon leaves no trace in the process."""
    before = csv.field_size_limit()
    ring = ", ".join(f"{i} {i * i}" for i in range(20_000))
    source = read_source(table(tmp_path, f'wkt\n"LINESTRING ({ring})"\n'), crs=4548)
    assert shapely.get_num_coordinates(source.geometry[0]) == 20_000
    assert csv.field_size_limit() == before
