"""The dBase reader: what arrives is what was written, and damage is said, not swallowed."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.errors import ArgumentError, SourceError
from gridcity.intake.dbf import read_dbf

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


@pytest.fixture
def read(tmp_path: Path):
    def reader(data: bytes, **options):
        path = tmp_path / "部件.dbf"
        path.write_bytes(data)
        return read_dbf(path, **options)

    return reader


def test_gbk_without_any_declaration_is_read_as_gb18030(read):
    """Chinese text, names and codes come out right though the file declares no encoding."""
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
    """The bytes win over a wrong declaration, which becomes a finding; a right one is silent."""
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
    """A text cut by its field costs half a character and a warning, not the row."""
    table = read(dbf_bytes([("NAME", "C", 7)], [["路灯杆体"], ["井盖"]], encoding=encoding))
    kept = "路灯杆" if encoding == "gbk" else "路灯"
    assert table.columns["NAME"].tolist() == [kept, "井盖"]
    (finding,) = table.findings
    assert (finding.rule, finding.row, finding.value) == ("value-cut", 1, kept)


def test_a_cut_field_name_loses_its_half_character(read):
    """A UTF-8 name of four characters keeps three in ten bytes."""
    table = read(dbf_bytes([("初始日期", "C", 8), ("名称", "C", 9)], [["1", "路灯"]], encoding="utf-8"))
    assert list(table.columns) == ["初始日", "名称"]


def test_an_unreadable_value_costs_its_row_alone(read):
    """The bytes are shown in hex, the other rows are read, and the encoding is still found."""
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
    """A damaged header, a doubled name and a binary field stop the file with a sentence."""
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
    """Several Chinese values in UTF-8 or GB18030 are read as they were written."""
    path = tmp_path_factory.mktemp("dbf") / "t.dbf"
    path.write_bytes(dbf_bytes([("NAME", "C", 40)], [[v] for v in values], encoding=encoding))
    table = read_dbf(path)
    # Two short GBK values can happen to be UTF-8 too; then the rule says UTF-8.
    if encoding == "utf-8" or table.encoding.name == "GB18030":
        assert table.columns["NAME"].tolist() == values
    assert table.findings.rejected_rows() == set()
