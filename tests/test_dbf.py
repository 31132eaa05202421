"""The dBase reader: what arrives is what was written, and damage is said, not swallowed."""

from __future__ import annotations

import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.errors import ArgumentError, SourceError
from gridcity.findings import Findings
from gridcity.intake.dbf import open_dbf

GBK_ROWS = [["1101010698000005", "雍和宫", "20090601"], ["1101010698000036", "柏林寺", "00000000"]]
FIELDS = [("OBJCODE", "C", 16), ("名称", "C", 20), ("ORDATE", "D", 8)]


def dbf_bytes(
    fields: list[tuple[str | bytes, str, int]],
    rows: list[list[str | bytes]],
    *,
    encoding: str = "gbk",
    language: int = 0,
    deleted: tuple[int, ...] = (),
    declared: int | None = None,
    end: bytes = b"\x1a",
) -> bytes:
    """A dBase III table; values longer than their field are cut as writers cut them, by bytes."""

    def raw(value: str | bytes) -> bytes:
        return value if isinstance(value, bytes) else value.encode(encoding)

    described = b"".join(
        raw(name)[:10].ljust(11, b"\0") + kind.encode() + bytes(4) + bytes([width, 0]) + bytes(14)
        for name, kind, width in fields
    )
    length = 32 + len(described) + 1
    width = 1 + sum(w for _, _, w in fields)
    number = len(rows) if declared is None else declared
    head = struct.pack("<BBBBIHH17xBxx", 3, 120, 1, 1, number, length, width, language)
    body = b"".join(
        (b"*" if i in deleted else b" ")
        + b"".join(
            raw(v)[:w].rjust(w) if kind == "N" else raw(v)[:w].ljust(w)
            for v, (_, kind, w) in zip(row, fields, strict=True)
        )
        for i, row in enumerate(rows, start=1)
    )
    return head + described + b"\r" + body + end


def whole(path: Path, **options) -> SimpleNamespace:
    """The table read in one go, with the findings about the file and those about its rows."""
    table = open_dbf(path, **options)
    columns, findings = table.read()
    together = Findings()
    together.extend(table.findings)
    together.extend(findings)
    return SimpleNamespace(
        columns=columns, rows=table.rows, records=table.records, encoding=table.encoding, findings=together
    )


@pytest.fixture
def read(tmp_path: Path):
    def reader(data: bytes, **options):
        path = tmp_path / "部件.dbf"
        path.write_bytes(data)
        return whole(path, **options)

    return reader


def test_gbk_without_any_declaration_is_read_as_gb18030(read):
    """Case 11: Chinese text, names and codes come out right though the file declares no encoding."""
    table = read(dbf_bytes(FIELDS, GBK_ROWS))
    assert list(table.columns) == ["OBJCODE", "名称", "ORDATE"]
    assert table.columns["名称"].tolist() == ["雍和宫", "柏林寺"]
    assert table.columns["OBJCODE"].tolist() == ["1101010698000005", "1101010698000036"]
    assert table.columns["ORDATE"].tolist() == ["20090601", "00000000"]
    assert table.encoding.name == "GB18030"
    assert "nothing is declared" in table.encoding.evidence
    assert not len(table.findings)


@pytest.mark.parametrize(
    ("encoding", "language", "cpg", "found", "wrong"),
    [
        ("gbk", 0x4D, "", "GB18030", False),
        ("gbk", 0x57, "", "GB18030", False),
        ("gbk", 0x00, "936", "GB18030", False),
        ("gbk", 0x00, "UTF-8", "GB18030", True),
        ("gbk", 0x4D, "UTF-8", "GB18030", True),
        ("gbk", 0x03, "", "GB18030", True),
        ("gbk", 0x00, "<html>", "GB18030", True),
        ("utf-8", 0x00, "", "UTF-8", False),
        ("utf-8", 0x4D, "", "UTF-8", True),
        ("utf-8", 0x00, "UTF-8", "UTF-8", False),
        ("big5", 0x4F, "", "cp950", False),
    ],
)
def test_a_declaration_is_checked_against_the_bytes(read, encoding, language, cpg, found, wrong):
    """Case 12: the bytes win over a wrong declaration, which becomes a finding; a right one is silent."""
    rows = [["1", "中山路人行道", ""], ["2", "公共廁所", ""]] if encoding == "big5" else GBK_ROWS
    fields = [("CODE", "C", 16), ("NAME", "C", 20), ("D", "D", 8)]
    table = read(dbf_bytes(fields, rows, encoding=encoding, language=language), cpg=cpg)
    assert table.encoding.name == found
    assert table.columns["NAME"].tolist() == [row[1] for row in rows]
    assert ("encoding-declared" in table.findings.counts()) is wrong


def test_western_text_with_a_western_declaration_stays_western(read):
    """Single high bytes are Chinese only if they ever stand side by side."""
    rows = [["Côte d'Ivoire"], ["Québec"]]
    table = read(dbf_bytes([("NAME", "C", 20)], rows, encoding="latin-1"), cpg="ISO 8859-1")
    assert table.columns["NAME"].tolist() == ["Côte d'Ivoire", "Québec"]


def test_ascii_contradicts_no_declaration(read):
    """A table of ASCII is ascii whatever it declares."""
    table = read(dbf_bytes([("A", "C", 5)], [["abc"]], language=0x4D), cpg="rubbish")
    assert table.encoding.name == "ascii"
    assert table.findings.counts() == {}


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_half_a_character_at_the_end_of_a_full_field_is_let_go(read, encoding):
    """Case 13: a text cut by its field costs half a character and a warning, not the row."""
    table = read(dbf_bytes([("NAME", "C", 7)], [["路灯杆体"], ["井盖"]], encoding=encoding))
    kept = "路灯杆" if encoding == "gbk" else "路灯"
    assert table.columns["NAME"].tolist() == [kept, "井盖"]
    (finding,) = table.findings
    assert (finding.rule, finding.row, finding.value) == ("value-cut", 1, kept)


def test_a_cut_field_name_loses_its_half_character(read):
    """Case 16: a UTF-8 name of four characters keeps three in ten bytes."""
    table = read(dbf_bytes([("初始日期", "C", 8), ("名称", "C", 9)], [["1", "路灯"]], encoding="utf-8"))
    assert list(table.columns) == ["初始日", "名称"]


def numbered(name: str, encoding: str) -> bytes:
    """A name as GDAL cuts and numbers it."""
    return name.encode(encoding)[:8] + b"_1"


def test_case_16_a_name_cut_before_its_number_keeps_the_piece_of_a_character(read):
    """UTF-8 names of which only a piece of a character is left before ``_1`` are read, and told apart."""
    names: list[str | bytes] = ["所在街道", numbered("所在街道", "utf-8"), numbered("所在社区", "utf-8")]
    table = read(dbf_bytes([(name, "C", 6) for name in names], [["1", "2", "3"]], encoding="utf-8"))
    assert table.encoding.name == "UTF-8"
    assert list(table.columns) == ["所在街", r"所在\xe8\xa1_1", r"所在\xe7\xa4_1"]


def test_case_16_half_a_character_of_gbk_does_not_swallow_the_number(read):
    """The underscore before a number could be the second byte of a character in GBK, and is none."""
    names: list[str | bytes] = ["A管理部件", numbered("A管理部件", "gbk"), "道路编号10", "道路编号_2"]
    table = read(dbf_bytes([(name, "C", 6) for name in names], [["1", "2", "3", "4"]]))
    assert list(table.columns) == ["A管理部件", r"A管理部\xbc_1", "道路编号10", "道路编号_2"]


def test_names_that_only_a_piece_of_a_character_tells_apart_keep_it(read):
    """Names cut alike but for a last piece are columns of their own; names equal to the byte are refused."""
    table = read(dbf_bytes([("初始日期", "C", 6), ("初始日记", "C", 6)], [["1", "2"]], encoding="utf-8"))
    assert list(table.columns) == [r"初始日\xe6", r"初始日\xe8"]
    with pytest.raises(SourceError, match=r"several columns of one name: 初始日"):
        read(dbf_bytes([("初始日期", "C", 6), ("初始日曆", "C", 6)], [["1", "2"]], encoding="utf-8"))


def test_an_unreadable_value_costs_its_row_alone(read):
    """Case 14: the bytes are shown in hex, the other rows are read, and the encoding is still found."""
    rows: list[list[str | bytes]] = [["路灯"], [b"ab\xff\xffcd"], ["井盖"]]
    table = read(dbf_bytes([("NAME", "C", 10)], rows))
    assert table.columns["NAME"].tolist() == ["路灯", "ab\\xff\\xffcd", "井盖"]
    (finding,) = table.findings
    assert (finding.rule, finding.row, finding.field) == ("value-unreadable", 2, "NAME")
    assert finding.value == "61 62 ff ff 63 64"


def test_one_bad_value_does_not_turn_utf8_into_gb18030(read):
    """The encoding that most values fit is the table's."""
    rows: list[list[str | bytes]] = [["路灯"], ["井盖"], ["雨水口"], [b"\xe8\xb7x"]]
    table = read(dbf_bytes([("NAME", "C", 10)], rows, encoding="utf-8"))
    assert table.encoding.name == "UTF-8"
    assert table.columns["NAME"].tolist()[:3] == ["路灯", "井盖", "雨水口"]
    assert table.findings.rejected_rows() == {4}


def test_deleted_rows_keep_their_numbers_out(read):
    """Row numbers are the file's, so a deleted record leaves a gap."""
    table = read(dbf_bytes([("A", "C", 1)], [["a"], ["b"], ["c"]], deleted=(2,)))
    assert table.rows.tolist() == [1, 3]
    assert table.columns["A"].tolist() == ["a", "c"]
    assert table.records == 3
    assert [f.value for f in table.findings] == ["1"]


def test_numbers_are_never_converted(read):
    """A number of any length, an overflow of stars and a leading zero come out as written."""
    values = ["1101010698000005123", "0101", "****", "1.50", ""]
    table = read(dbf_bytes([("N", "N", 19)], [[v] for v in values]))
    assert table.columns["N"].tolist() == values


def test_fields_of_no_width_and_nul_filling(read):
    """A field without width is empty, and NULs after a text are no text."""
    table = read(dbf_bytes([("A", "C", 0), ("B", "C", 4), ("L", "L", 1)], [["", b"x\0\0\0", "?"]]))
    assert {name: column.tolist() for name, column in table.columns.items()} == {
        "A": [""],
        "B": ["x"],
        "L": [""],
    }


def test_a_table_without_rows_has_its_columns(read):
    """No rows are no error."""
    table = read(dbf_bytes(FIELDS, []))
    assert [len(column) for column in table.columns.values()] == [0, 0, 0]


@pytest.mark.parametrize("extra", [b"", b"\x1a", b"\x1a" + bytes(500)])
def test_the_end_mark_is_no_record(read, extra):
    """With, without and after an end mark the records are the same."""
    assert read(dbf_bytes(FIELDS, GBK_ROWS, end=extra)).records == 2


def test_rows_of_a_long_table_keep_their_numbers_and_text(tmp_path):
    """Beyond 65,536 rows a record is the one of its number, deleted ones are left out, in any order asked."""
    n = 70_000
    rows = [[f"{i:06d}", ""] for i in range(1, n + 1)]
    rows[66_000][1] = b"\xff\xff"
    deleted = (66_001, 68_000)
    path = tmp_path / "a.dbf"
    path.write_bytes(dbf_bytes([("CODE", "C", 6), ("NAME", "C", 4)], rows, deleted=deleted))
    table = open_dbf(path)
    assert table.encoding.name == "ascii"
    assert table.findings.counts() == {"row-deleted": 1}
    codes = table.read()[0]["CODE"].astype(int)
    assert codes.tolist() == table.rows.tolist() == [i for i in range(1, n + 1) if i not in deleted]
    asked = np.array([69_999, 65_537, 3, 68_001])
    assert table.read(asked)[0]["CODE"].astype(int).tolist() == asked.tolist()
    rows[69_999][1] = "路灯"
    path.write_bytes(dbf_bytes([("CODE", "C", 6), ("NAME", "C", 4)], rows, deleted=deleted))
    assert open_dbf(path).read(np.array([70_000]))[0]["NAME"].tolist() == ["路灯"]


def test_case_13_a_blank_before_a_cut_text_does_not_make_it_damaged(read):
    """A value that fills its field is cut whatever stands before it; one that ends earlier is damaged."""
    half = "路灯井盖".encode("gbk")[:7]
    table = read(dbf_bytes([("NAME", "C", 8)], [[b" " + half], [half]]))
    assert table.columns["NAME"].tolist() == ["路灯井", "路灯井\\xb8"]
    assert table.findings.counts() == {"value-unreadable": 1, "value-cut": 1}


def test_case_12_a_pasted_row_does_not_make_the_table_unclear(read):
    """One value of UTF-8 among few of GBK costs its row; no other encoding is offered for the table."""
    names = ["路灯", "井盖", "公司"]
    rows = [["路灯井盖".encode()], *([name] for name in names)]
    table = read(dbf_bytes([("NAME", "C", 20)], rows))
    assert table.columns["NAME"].tolist() == ["路灯井盖", *names]
    assert [(finding.rule, finding.row) for finding in table.findings] == [("value-encoding", 1)]


def test_a_cut_table_is_refused_with_both_numbers(read):
    """A table that lost records is not read as a shorter one."""
    data = dbf_bytes(FIELDS, GBK_ROWS * 5)
    with pytest.raises(SourceError, match="declares 10 records, holds 9"):
        read(data[:-20])
    with pytest.raises(SourceError, match="declares 1 records, holds 2"):
        read(dbf_bytes(FIELDS, GBK_ROWS, declared=1))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x03" * 20, "20 bytes"),
        (dbf_bytes(FIELDS, GBK_ROWS)[:60], "no dBase table"),
        (dbf_bytes([("A", "C", 3), ("A", "C", 3)], [["a", "b"]]), "several columns of one name: A"),
        (dbf_bytes([("A", "I", 4)], [[b"\1\0\0\0"]]), "has the type 'I'"),
        (dbf_bytes([(b"A\xff\xff", "C", 3)], [["a"]]), "41 ff ff"),
    ],
)
def test_damage_is_refused_with_its_place(read, data, message):
    """Case 17: a damaged header, a doubled name and a binary field stop the file with a sentence."""
    with pytest.raises(SourceError, match=message):
        read(data)


def test_the_callers_encoding_is_not_questioned(read):
    """--encoding decides, and a name that is none is refused."""
    data = dbf_bytes([("NAME", "C", 10)], [["中山路"]], encoding="big5")
    assert read(data, encoding="big5").columns["NAME"].tolist() == ["中山路"]
    for wrong in ("no-such", "zlib"):
        with pytest.raises(ArgumentError, match=wrong):
            read(data, encoding=wrong)


_chinese = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(_chinese, min_size=2, max_size=8), encoding=st.sampled_from(["utf-8", "gb18030"]))
def test_chinese_text_comes_back(tmp_path_factory, values, encoding):
    """Several Chinese values in UTF-8 or GB18030 are read as they were written, or asked about."""
    path = tmp_path_factory.mktemp("dbf") / "t.dbf"
    path.write_bytes(dbf_bytes([("NAME", "C", 40)], [[v] for v in values], encoding=encoding))
    try:
        table = whole(path)
    except SourceError as problem:
        # Characters that nobody writes may look like another encoding; then the caller is asked.
        assert problem.code == "E_ENCODING" and encoding == "gb18030"
        table = whole(path, encoding=encoding)
    # Two short GBK values can happen to be UTF-8 too; then the rule says UTF-8.
    if encoding == "utf-8" or table.encoding.name == "GB18030":
        assert table.columns["NAME"].tolist() == values
    assert table.findings.rejected_rows() == set()


def test_any_rows_in_any_order(read, tmp_path):
    """A part of a table holds the records asked for, in the order asked for, and only the columns named."""
    read(dbf_bytes([("A", "C", 3), ("B", "C", 3)], [[f"a{i}", f"b{i}"] for i in range(9)], deleted=(4,)))
    table = open_dbf(tmp_path / "部件.dbf")
    columns, _ = table.read(np.array([9, 2, 2, 5]), {"B"})
    assert {name: column.tolist() for name, column in columns.items()} == {"B": ["b8", "b1", "b1", "b4"]}
    assert table.read(np.array([], dtype=np.int64))[0]["A"].tolist() == []


def test_findings_of_a_part_are_about_its_rows(read, tmp_path):
    """A value that cannot be read is told with the part that holds it, and with no other."""
    rows: list[list[str | bytes]] = [["路灯"], ["井盖"], [b"ab\xff\xffcd"], ["雨水口"]]
    read(dbf_bytes([("NAME", "C", 10)], rows))
    table = open_dbf(tmp_path / "部件.dbf")
    assert not len(table.read(np.array([1, 2]))[1])
    assert [f.row for f in table.read(np.array([3, 4]))[1]] == [3]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_many_values_are_read_as_few_are(tmp_path_factory, data):
    """A long column reads the same whether its values are all different or not, and whatever they hold."""
    several = st.text("AB 路灯\0\x1b0-", max_size=4)
    few = data.draw(st.lists(several, min_size=1, max_size=9))
    values = [f"{text}{i}" if i % 2 else text for i, text in enumerate(few * 300)]
    path = tmp_path_factory.mktemp("dbf") / "t.dbf"
    path.write_bytes(dbf_bytes([("NAME", "C", 16)], [[v] for v in values]))
    table = whole(path, encoding="gbk")
    assert table.columns["NAME"].tolist() == [v.strip(" \0").replace("\0", "") for v in values]
    odd = {i for i, v in enumerate(values, start=1) if {"\0", "\x1b"} & set(v.strip(" \0"))}
    assert {f.row for f in table.findings if f.rule == "text-control"} == odd


def test_case_43_what_cannot_be_seen_is_kept_and_counted(read):
    """Escapes and marks of direction stay in the data, NULs do not, and each row is a warning."""
    values = ["plain", "a\x1b[31mred", "b\u202egnp", "c\0d", "two\nlines"]
    table = read(dbf_bytes([("NAME", "C", 16)], [[v] for v in values], encoding="utf-8"))
    assert table.columns["NAME"].tolist() == ["plain", "a\x1b[31mred", "b\u202egnp", "cd", "two\nlines"]
    assert [(f.rule, f.row) for f in table.findings] == [("text-control", i) for i in (2, 3, 4)]
    assert table.findings.rejected_rows() == set()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({8: 130}, "the end of its 3 fields is not where its header says"),
        ({8: 128}, "the end of its 3 fields is not where its header says"),
        ({10: 44}, "its fields take 45 bytes, a record has 44"),
        ({48: 15}, "its fields take 44 bytes, a record has 45"),
        ({64: 0x0D}, "its fields take 17 bytes, a record has 45"),
        ({129 + 45: 0x30}, "record 2 begins with b'0' where a blank or \\* belongs"),
    ],
)
def test_records_that_would_be_shifted_are_refused(read, change, message):
    """One wrong number in the header would move every value: the header must agree with itself."""
    data = bytearray(dbf_bytes(FIELDS, GBK_ROWS))
    assert len(data) == 129 + 2 * 45 + 1
    for at, octet in change.items():
        data[at] = octet
    with pytest.raises(SourceError, match=message):
        read(bytes(data))
