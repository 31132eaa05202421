"""Shapefiles whose files disagree: what can be made good is, what cannot is refused, nothing is shifted."""

from __future__ import annotations

import hashlib
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from test_intake import POINTS, ROWS, WGS84, dbf_bytes, shapefile, shapes, texts

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake import Source, open_layer, read_source

SQUARE = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)]


def record(number: int, body: bytes) -> bytes:
    return struct.pack(">ii", number, len(body) // 2) + body


def polygon(rings: list[list[tuple[float, float]]], kind: int = 5) -> bytes:
    """The content of a polygon or line record."""
    vertices = [vertex for ring in rings for vertex in ring]
    begins = np.cumsum([0, *map(len, rings)])[:-1].tolist()
    return (
        struct.pack("<i4dii", kind, 0, 0, 9, 9, len(rings), len(vertices))
        + struct.pack(f"<{len(rings)}i", *begins)
        + b"".join(struct.pack("<2d", *vertex) for vertex in vertices)
    )


def header(kind: int, size: int) -> bytes:
    return struct.pack(">i20xi", 9994, size // 2) + struct.pack("<ii8d", 1000, kind, *[0.0] * 8)


def written(folder: Path, kind: int, bodies: list[bytes], *, first: int = 1) -> Path:
    """A shapefile of these contents, its index in order."""
    records = [record(first + i, body) for i, body in enumerate(bodies)]
    path = folder / "a.shp"
    path.write_bytes(header(kind, 100 + sum(map(len, records))) + b"".join(records))
    starts = np.cumsum([100, *map(len, records)])[:-1].tolist()
    index = b"".join(
        struct.pack(">ii", at // 2, len(body) // 2) for at, body in zip(starts, bodies, strict=True)
    )
    path.with_suffix(".shx").write_bytes(header(kind, 100 + len(index)) + index)
    path.with_suffix(".dbf").write_bytes(dbf_bytes([("N", "C", 4)], [[str(i)] for i in range(len(bodies))]))
    path.with_suffix(".prj").write_text(WGS84)
    return path


def checksums(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def rules(source: Source) -> list[tuple[str, int | None]]:
    return [(f.rule, f.row) for f in source.findings]


# ----------------------------------------------------------------- the index


def _missing(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def _older(path: Path) -> None:
    path.write_bytes(shapes(POINTS[:2])[1])


def _swapped(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:100] + data[108:116] + data[100:108] + data[116:])


def _shared(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:100] + data[100:108] * 2 + data[116:])


def _lengths_with_header(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(104, len(data), 8):
        struct.pack_into(">i", data, at, struct.unpack_from(">i", data, at)[0] + 4)
    path.write_bytes(data)


def _a_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html>" * 20)


@pytest.mark.parametrize("spoil", [_missing, _cut, _older, _swapped, _shared, _lengths_with_header, _a_page])
def test_case_09_a_wrong_index_is_made_anew(tmp_path, spoil):
    """Rows and geometry are those of the whole shapefile, with a warning; the folder stays as it was."""
    folder = tmp_path / "in"
    folder.mkdir()
    path = shapefile(folder)
    spoil(path.with_suffix(".shx"))
    before = checksums(folder)
    source = read_source(path)
    assert [g and (g.x, g.y) for g in source.geometry] == POINTS
    assert texts(source)["OBJCODE"] == ["0101", "0102", "0103"]
    assert rules(source) == [("index-rebuilt", None)]
    assert checksums(folder) == before


def test_case_09_shapes_of_any_length(tmp_path):
    """The index of polygons of several sizes is found by walking over their records."""
    rings = [[SQUARE], [SQUARE, [(0.2, 0.2), (0.4, 0.2), (0.4, 0.4), (0.2, 0.2)]], [SQUARE]]
    path = written(tmp_path, 5, [*map(polygon, rings), struct.pack("<i", 0)])
    whole = read_source(path)
    path.with_suffix(".shx").unlink()
    source = read_source(path)
    assert [g and g.wkt for g in source.geometry] == [g and g.wkt for g in whole.geometry]
    assert shapely.area(source.geometry[:3]).tolist() == pytest.approx([1, 0.98, 1])


def test_case_08_an_index_that_hides_a_record_does_not_hide_it_here(tmp_path):
    """Two rows in table and index, three in the .shp: the counts of both are named."""
    path = shapefile(tmp_path, rows=ROWS[:2])
    _older(path.with_suffix(".shx"))
    with pytest.raises(SourceError, match=r"部件.shp has 3 geometries, 部件.dbf has 2 records"):
        read_source(path)


def test_a_shape_that_grew_in_place_is_read_where_it_is(tmp_path):
    """A GIS writes a grown shape at the end and leaves the old one: the index says which one counts."""
    small, large = polygon([SQUARE]), polygon([[(x * 2, y * 2) for x, y in SQUARE], SQUARE])
    path = written(tmp_path, 5, [small, small])
    data = path.read_bytes() + record(1, large)
    path.write_bytes(header(5, len(data)) + data[100:])
    index = bytearray(path.with_suffix(".shx").read_bytes())
    struct.pack_into(">ii", index, 100, (len(data) - len(large) - 8) // 2, len(large) // 2)
    path.with_suffix(".shx").write_bytes(index)
    source = read_source(path)
    assert [g.bounds for g in source.geometry] == [(0, 0, 2, 2), (0, 0, 1, 1)]
    assert rules(source) == []
    # The same file where the record at the end has another number: nothing says what is true.
    path.write_bytes(header(5, len(data)) + data[100:].replace(record(1, large), record(9, large)))
    path.with_suffix(".shx").write_bytes(index)
    with pytest.raises(SourceError, match="cannot be told from one another"):
        read_source(path)


def test_records_counted_from_zero_are_records(tmp_path):
    """Some writers count from 0; numbers in no order are refused."""
    body = polygon([SQUARE])
    assert len(read_source(written(tmp_path, 5, [body] * 3, first=0))) == 3
    path = written(tmp_path, 5, [body] * 3)
    data = bytearray(path.read_bytes())
    struct.pack_into(">i", data, 100, 7)
    path.write_bytes(data)
    with pytest.raises(
        SourceError, match=r"cannot be told from one another: a\.shx and the \.shp differ at record 1"
    ):
        read_source(path)


# --------------------------------------------------------------- the records


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (36, 2),
        (36, -1),
        (36, 2_000_000_000),
        (40, 4),
        (40, 6),
        (40, -5),
        (44, 1),
        (44, 99),
        (44, -1),
        (0, 3),
        (0, 77),
    ],
)
def test_a_record_that_contradicts_itself_costs_its_row(tmp_path, at, value):
    """A wrong count of parts or vertices, a part that begins elsewhere, another kind: that row alone."""
    broken = bytearray(polygon([SQUARE]))
    struct.pack_into("<i", broken, at, value)
    source = read_source(written(tmp_path, 5, [polygon([SQUARE]), bytes(broken), polygon([SQUARE])]))
    assert [g is None for g in source.geometry] == [False, True, False]
    assert rules(source) == [("geometry-invalid", 2)]


def test_case_29_null_and_empty_shapes_have_no_geometry(tmp_path):
    """A null shape and a polygon without a vertex are rows without geometry, and no damage."""
    empty = struct.pack("<i4dii", 5, 0, 0, 0, 0, 0, 0)
    source = read_source(written(tmp_path, 5, [struct.pack("<i", 0), empty, polygon([SQUARE])]))
    assert [g is None or g.is_empty for g in source.geometry] == [True, True, False]
    assert rules(source) == []
    one, two = (struct.pack("<i4dii", 3, 0, 0, 0, 0, n, 0) + bytes(4 * n) for n in (1, 2))
    source = read_source(written(tmp_path, 3, [one, two, polygon([SQUARE], 3)]))
    assert [g is None or g.is_empty for g in source.geometry] == [True, True, False]
    assert rules(source) == []


def test_a_header_that_names_another_shape_is_refused(tmp_path):
    """Polygons under a header of points: the file says which it found."""
    path = written(tmp_path, 5, [polygon([SQUARE])])
    data = bytearray(path.read_bytes())
    for kind, message in ((1, "declares points, its records are polygons"), (99, "shapes of type 99")):
        struct.pack_into("<i", data, 32, kind)
        path.write_bytes(data)
        with pytest.raises(SourceError, match=message):
            read_source(path)


def test_multipatches_are_refused_by_name(tmp_path):
    """Bodies in space are no rows with broken polygons: the message says what they are and what to export."""
    path = written(tmp_path, 5, [polygon([SQUARE])])
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, 32, 31)
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"holds multipatches \(shape type 31\)") as caught:
        read_source(path)
    assert caught.value.code == "E_SHAPE_TYPE" and "footprints as polygons" in caught.value.hint


def test_a_ring_that_does_not_close_costs_its_row(tmp_path):
    """What cannot be built is a finding."""
    source = read_source(written(tmp_path, 5, [polygon([SQUARE[:4]]), polygon([SQUARE])]))
    assert rules(source) == [("geometry-invalid", 1)]


def test_case_27_coordinates_that_are_no_place(tmp_path):
    """NaN is a finding of its row, infinity stays for the reference system to reject, -0.0 is 0.0."""
    points = [(math.nan, math.nan), (39.9, math.nan), (math.inf, 39.9), (-0.0, -0.0), (116.4, 39.9)]
    for more in ([], [None]):
        rows = [["1", "a"]] * (5 + len(more))
        source = read_source(shapefile(tmp_path, points=points + more, rows=rows))
        assert rules(source) == [("coordinate-not-finite", 1), ("coordinate-not-finite", 2)]
        assert math.isinf(source.geometry[2].x)
        assert math.copysign(1, source.geometry[3].x) == math.copysign(1, source.geometry[3].y) == 1
        assert source.geometry[4].x == 116.4


def test_case_32_heights_and_measures_are_left_out_and_counted(tmp_path):
    """PointZM becomes a point; one finding counts the rows of the file, however many parts are read."""
    points = [(116.4, 39.9, 51.0, 7.0), None, (116.5, 39.9, 52.0, 8.0)]
    path = shapefile(tmp_path, points=points, kind=11)
    with open_layer(path) as layer:
        assert [(f.rule, f.value) for f in layer.findings] == [("geometry-z", "2")]
        parts = [layer.read(np.array([i])) for i in range(3)]
    assert not any(shapely.has_z(part.geometry).any() or len(part.findings) for part in parts)


def test_case_32_heights_of_points_are_kept_if_asked_for(tmp_path):
    """The heights come with the rows, in any order, the geometry stays flat, and none is reported lost."""
    points = [(116.4, 39.9, 51.5, 7.0), None, (116.5, 39.9, -2.0, 8.0)]
    path = shapefile(tmp_path, points=points, kind=11)
    with open_layer(path, heights=True) as layer:
        assert not len(layer.findings)
        part = layer.read(np.array([2, 0, 1, 2]))
        assert layer.read(geometry=False).heights is None
    assert part.heights[[0, 1, 3]].tolist() == [-2, 51.5, -2] and math.isnan(part.heights[2])
    assert not shapely.has_z(part.geometry).any()
    assert read_source(path).heights is None


@pytest.mark.parametrize("kind", [1, 21])
def test_case_32_heights_of_what_has_none_are_refused(tmp_path, kind):
    """Points without heights, and formats whose heights are not read, are refused before a row is read."""
    path = shapefile(tmp_path, points=[(116.4, 39.9, 7.0)[: 2 if kind == 1 else 3]] * 3, kind=kind)
    with pytest.raises(SourceError, match=r"部件\.shp is no shapefile of points with heights"):
        read_source(path, heights=True)
    other = tmp_path / "a.csv"
    other.write_text("x,y\n1,2\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"a\.csv is no shapefile of points with heights"):
        read_source(other, heights=True)
    assert read_source(path, heights=True, geometry="none").heights is None


def test_case_31_multipoints_arrive_as_such(tmp_path):
    """Sets of points keep their kind; how many members are too many is the import's to say."""
    bodies = [struct.pack(f"<i4di{2 * n}d", 8, 0, 0, 9, 9, n, *range(2 * n)) for n in (1, 3)]
    source = read_source(written(tmp_path, 8, bodies))
    assert [len(g.geoms) for g in source.geometry] == [1, 3]


# ------------------------------------------------------------- whole refusals


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "E_NOT_A_SHAPEFILE"), (b"just text", "E_NOT_A_SHAPEFILE"), (b"\0\0\x27\x0a", "E_NOT_A_SHAPEFILE")],
)
def test_case_02_and_03_what_is_no_shapefile(tmp_path, content, code):
    """Nothing, text, and four right bytes alone are no shapefile."""
    path = shapefile(tmp_path)
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_source(path)
    assert caught.value.code == code and caught.value.hint


@pytest.mark.parametrize("share", range(10, 100, 10))
def test_case_06_a_cut_shp_names_both_sizes(tmp_path, share):
    """However much is left, the declared and the real size are in the message."""
    path = written(tmp_path, 5, [polygon([SQUARE])] * 9)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: size * share // 100])
    with pytest.raises(SourceError, match=f"declares {size} bytes, holds {size * share // 100}") as caught:
        read_source(path)
    assert caught.value.code == "E_CUT"


def test_case_07_a_cut_dbf_names_both_counts(tmp_path):
    """Declared and present records."""
    path = shapefile(tmp_path)
    table = path.with_suffix(".dbf")
    table.write_bytes(table.read_bytes()[:-10])
    with pytest.raises(SourceError, match="declares 3 records, holds 2") as caught:
        read_source(path)
    assert caught.value.code == "E_CUT"


def test_a_part_handed_over_alone(tmp_path):
    """The table, index or projection of a shapefile is no layer: the message says what to name."""
    path = shapefile(tmp_path)
    for suffix in (".dbf", ".shx", ".prj"):
        with pytest.raises(SourceError, match=r"part of a shapefile") as caught:
            read_source(path.with_suffix(suffix))
        assert ".shp" in caught.value.hint


@pytest.mark.parametrize(
    "name", ["部 件", "it's", 'say "a"', "two\nlines", "é" * 100, "a" * 251, "-rf", "%s{}"]
)
def test_case_70_any_name_of_a_shapefile(tmp_path, name):
    """Spaces, quotes, a line break and 255 bytes are names."""
    assert len(read_source(shapefile(tmp_path, name))) == 3


# ------------------------------------------------------------------- in parts


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 11), max_size=20),
    st.sets(st.integers(1, 15), max_size=3),
)
def test_a_part_is_the_rows_that_were_asked_for(tmp_path_factory, at, gone):
    """Whatever positions are read in whatever order, text and geometry are those of the whole, row by row."""
    folder = tmp_path_factory.mktemp("part")
    points = [None if i % 5 == 4 else (116 + i / 100, 39.9) for i in range(15)]
    path = shapefile(
        folder, points=points, rows=[[f"{i:04}", f"路{i}"] for i in range(15)], deleted=tuple(gone)
    )
    whole = read_source(path)
    with open_layer(path) as layer:
        assert (len(layer), layer.names) == (15 - len(gone), ("OBJCODE", "名称"))
        part = layer.read(np.array(at, dtype=np.int64))
        assert layer.read(np.array(at, dtype=np.int64), geometry=False).geometry.tolist() == [None] * len(at)
        assert set(layer.read(columns=["名称"]).columns) == {"名称"}
    assert part.rows.tolist() == [whole.rows[i] for i in at]
    for name, column in whole.columns.items():
        assert part.columns[name].tolist() == [column[i] for i in at]
    assert part.geometry.tolist() == [whole.geometry[i] for i in at]


def test_findings_of_the_file_are_the_layers(tmp_path):
    """What is wrong with the file is told once at opening, what is wrong with a row when it is read."""
    path = shapefile(tmp_path, deleted=(2,), language=0x03)
    with open_layer(path) as layer:
        assert set(layer.findings.counts()) == {"encoding-declared", "row-deleted"}
        assert layer.samples == ("雍和宫", "无处", "名称") or "雍和宫" in layer.samples
        assert not len(layer.read().findings)
    together: Findings = read_source(path).findings
    assert set(together.counts()) == {"encoding-declared", "row-deleted"}


def test_a_layer_without_a_system_can_be_looked_at(tmp_path):
    """Before an import the coordinates can be read though nothing says what they mean."""
    path = shapefile(tmp_path, prj="")
    with open_layer(path, declared_only=True) as layer:
        assert layer.system is None and "--crs" in layer.system_problem
        assert layer.read().geometry[0].x == 116.41


def test_rows_far_apart_are_read_too(tmp_path):
    """Two rows of ten thousand, one of them twice, come in the order wanted."""
    n = 10_000
    points = [(116 + i / n, 39.9) for i in range(n)]
    path = shapefile(tmp_path, points=points, rows=[[f"{i:05}", ""] for i in range(n)])
    with open_layer(path) as layer:
        part = layer.read(np.array([9_999, 3, 9_999]))
    assert part.columns["OBJCODE"].tolist() == ["09999", "00003", "09999"]
    assert [round(g.x * n) - 116 * n for g in part.geometry] == [9_999, 3, 9_999]
