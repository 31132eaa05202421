"""Excel workbooks: what a person sees in the cells is what is read, or a finding says why not."""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import openpyxl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from test_intake import texts

from gridcity.errors import GridcityError, SourceError
from gridcity.intake import list_layers, read_source

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
CONTENT = "http://schemas.openxmlformats.org/package/2006/content-types"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
# What Excel gives to the parts of a workbook.
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# Style 0 is General, then a date, a date with time, four digits, percent, a day of the file's own format,
# a Chinese day that Excel writes by number alone, a time.
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="170" formatCode="0000"/>'
    '<numFmt numFmtId="171" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;;@"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>'
    + "".join(f'<xf numFmtId="{n}"/>' for n in (0, 14, 22, 170, 9, 171, 31, 21))
    + "</cellXfs></styleSheet>"
)


def letters(column: int) -> str:
    name = ""
    while column >= 0:
        name = chr(65 + column % 26) + name
        column = column // 26 - 1
    return name


def cell(value: object, at: str) -> str:
    """One cell: text becomes a shared-free string, a number a number; a tuple gives the inside and kind."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        attributes, inside = value
        return f'<c r="{at}" {attributes}>{inside}</c>'
    if isinstance(value, str):
        return f'<c r="{at}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{at}"><v>{value}</v></c>'


def sheet_xml(rows: list[list[object]], merged: tuple[str, ...] = (), head: str = "") -> str:
    lines = [
        f'<row r="{i}">' + "".join(cell(v, f"{letters(k)}{i}") for k, v in enumerate(row)) + "</row>"
        for i, row in enumerate(rows, start=1)
    ]
    ranges = "".join(f'<mergeCell ref="{ref}"/>' for ref in merged)
    return (
        f'{head}<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData>'
        f"<mergeCells>{ranges}</mergeCells></worksheet>"
    )


def workbook(
    folder: Path, sheets: dict[str, str], *, name="a.xlsx", states=(), date1904=False, shared="", parts=None
) -> Path:
    states = dict(states)
    listed = "".join(
        f'<sheet name={quoteattr(n)} sheetId="{i}" r:id="r{i}" state="{states.get(n, "visible")}"/>'
        for i, n in enumerate(sheets, start=1)
    )
    relations = "".join(
        f'<Relationship Id="r{i}" Type="{OFFICE}/worksheet" Target="worksheets/s{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    relations += f'<Relationship Id="t" Type="{OFFICE}/styles" Target="/xl/styles.xml"/>'
    types = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{TYPES}.{kind}+xml"/>'
        for part, kind in (
            ("workbook", "sheet.main"),
            *([("sharedStrings", "sharedStrings")] if shared else ()),
        )
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{CONTENT}">{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}">'
        f'<Relationship Id="a" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        f'<workbookPr date1904="{int(date1904)}"/>'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/styles.xml": STYLES,
    }
    if shared:
        relations += f'<Relationship Id="s" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
        files["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{shared}</sst>'
    files["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{PACKAGE}">{relations}</Relationships>'
    files |= {f"xl/worksheets/s{i}.xml": content for i, content in enumerate(sheets.values(), start=1)}
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as pack:
        for part, content in (files | (parts or {})).items():
            pack.writestr(part, content)
    return folder / name


def one(folder: Path, rows: list[list[object]], **more) -> Path:
    merged = more.pop("merged", ())
    return workbook(folder, {"部件": sheet_xml(rows, merged)}, **more)


def read(path: Path, **options):
    return read_source(path, **({"geometry": "none"} | options))


# ---------------------------------------------------------------- what the cells hold


def test_case_62_a_sheet_is_text_and_points(tmp_path):
    """Text keeps its zeros, whole numbers have no .0, coordinates become points, empty rows are no rows."""
    rows = [
        [],
        ["编号", "经度", "纬度", "名称"],
        ["0101", 116.41, 39.94, "雍和宫"],
        [],
        [102, "116.42", "1.1642E2", None],
    ]
    source = read_source(one(tmp_path, rows), crs=4490)
    assert texts(source) == {
        "编号": ["0101", "102"],
        "经度": ["116.41", "116.42"],
        "纬度": ["39.94", "1.1642E2"],
        "名称": ["雍和宫", ""],
    }
    assert source.geometry[0] == shapely.Point(116.41, 39.94)
    assert (source.driver, source.layer, source.rows.tolist()) == ("XLSX", "部件", [1, 2])
    assert source.coordinate_columns == ("经度", "纬度")
    assert not len(source.findings)


def test_case_62_shared_texts_are_read_without_their_readings(tmp_path):
    """Rich text is joined, the reading above a word is not, escaped characters and blanks come back."""
    shared = (
        "<si><t>code</t></si>"
        "<si><r><t>路</t></r><r><rPr/><t xml:space='preserve'> 灯</t></r>"
        "<rPh sb='0' eb='1'><t>ludeng</t></rPh></si>"
        "<si><t>a_x000D_b_x005F_</t></si>"
    )
    at = [[('t="s"', f"<v>{i}</v>")] for i in range(3)]
    source = read(one(tmp_path, at, shared=shared))
    assert texts(source) == {"code": ["路 灯", "a\rb_"]}


@pytest.mark.parametrize(
    ("raw", "style", "text"),
    [
        ("101", 0, "101"),
        ("101.0", 0, "101"),
        ("-5", 0, "-5"),
        ("0.30000000000000004", 0, "0.3"),
        ("116.41234567890123", 0, "116.412345678901"),
        ("1E-3", 0, "0.001"),
        ("123456789012345", 0, "123456789012345"),
        ("101", 3, "0101"),
        ("0.5", 4, "0.5"),
        ("42064", 1, "2015-03-01"),
        ("42064.5", 2, "2015-03-01 12:00:00"),
        ("42064", 2, "2015-03-01"),
        ("42064", 5, "2015-03-01"),
        ("42064", 6, "2015-03-01"),
        ("0.5", 7, "12:00:00"),
        ("1", 1, "1900-01-01"),
        ("59", 1, "1900-02-28"),
        ("61", 1, "1900-03-01"),
    ],
)
def test_case_62_a_number_is_what_its_cell_shows(tmp_path, raw, style, text):
    """Days count from 1900 with the leap day that year did not have; formats of zeros keep the zeros."""
    source = read(one(tmp_path, [["a"], [(f's="{style}"', f"<v>{raw}</v>")]]))
    assert texts(source) == {"a": [text]}
    assert not len(source.findings)


def test_case_62_days_may_count_from_1904(tmp_path):
    """The file says so."""
    source = read(one(tmp_path, [["a"], [('s="1"', "<v>40602</v>")]], date1904=True))
    assert texts(source) == {"a": ["2015-03-01"]}


def test_case_62_a_day_beyond_all_years_is_an_error_of_its_cell(tmp_path):
    """It is read as empty with a warning, as a spreadsheet shows no day for it."""
    source = read(one(tmp_path, [["a", "b"], ["x", ('s="1"', "<v>9999999</v>")]]))
    assert texts(source) == {"a": ["x"], "b": [""]}
    assert [(f.rule, f.row, f.value) for f in source.findings] == [("cell-error", 1, "#VALUE!")]


@pytest.mark.parametrize("raw", ["1101010698000005", "1.1010106980000051e+17", "9" * 400])
def test_case_62_a_number_of_more_than_15_digits_costs_its_row(tmp_path, raw):
    """A spreadsheet has lost digits of it; the other rows go on."""
    source = read(one(tmp_path, [["code"], [('s="0"', f"<v>{raw}</v>")], ["1101010698000005"]]))
    assert texts(source)["code"] == [raw, "1101010698000005"]
    (finding,) = source.findings
    assert (finding.rule, finding.row, finding.field) == ("number-digits", 1, "code")
    assert "as text" in finding.hint


def test_case_62_formulas_give_their_last_values_and_are_counted(tmp_path):
    """A formula without a value costs its row, an error is an empty value with a warning."""
    rows = [
        ["a", "b"],
        [("", "<f>1+1</f><v>2</v>"), ('t="str"', '<f>"x"</f><v>x</v>')],
        ["y", ("", "<f>NOW()</f>")],
        ["z", ('t="e"', "<f>1/0</f><v>#DIV/0!</v>")],
        ["w", ('t="b"', "<v>1</v>")],
        ["v", ('t="d"', "<v>2015-03-01T00:00:00</v>")],
    ]
    source = read(one(tmp_path, rows))
    assert texts(source) == {"a": ["2", "y", "z", "w", "v"], "b": ["x", "", "", "TRUE", "2015-03-01"]}
    assert [(f.rule, f.row, f.value) for f in source.findings] == [
        ("formula-value", None, "4"),
        ("formula-uncomputed", 2, ""),
        ("cell-error", 3, "#DIV/0!"),
    ]
    assert source.findings.rejected_rows() == {2}


def test_case_62_merged_cells(tmp_path):
    """In the header they are refused with their place; below it every row has the value it shows."""
    rows = [["class", "n"], ["路灯", 1], [None, 2], [None, 3], ["井盖", 4]]
    source = read(one(tmp_path, rows, merged=("A2:A4",)))
    assert texts(source)["class"] == ["路灯", "路灯", "路灯", "井盖"]
    assert [(f.rule, f.value) for f in source.findings] == [("cells-merged", "1")]
    with pytest.raises(
        SourceError, match=r"cells of the header of sheet 部件 of a.xlsx are merged: rows 1 to 1"
    ):
        read(one(tmp_path, [["普查表"], ["class", "n"], ["路灯", 1]], merged=("A1:B1",)))
    with pytest.raises(SourceError, match="overlap"):
        read(one(tmp_path, rows, merged=("A2:XFD1048576",) * 3))


def test_case_62_sheets_are_asked_for_and_hidden_ones_named(tmp_path):
    """Empty sheets do not count, hidden ones are read only by name."""
    full, empty = sheet_xml([["a"], [1]]), sheet_xml([])
    sheets = {"甲": full, "Sheet2": empty, "暗": full}
    path = workbook(tmp_path, sheets, states={"暗": "veryHidden"})
    source = read(path)
    assert source.layer == "甲"
    assert [(f.rule, f.value) for f in source.findings] == [("sheet-hidden", "暗")]
    assert read(path, layer="暗").layer == "暗"
    assert [(name.layer, name.label) for name in list_layers(path)] == [("甲", "a.xlsx/甲")]
    with pytest.raises(SourceError, match="no sheet '丙'; it has 甲, Sheet2, 暗"):
        read(path, layer="丙")
    path = workbook(tmp_path, {"甲": full, "乙": full})
    with pytest.raises(SourceError, match=r"a.xlsx has 2 sheets: 甲, 乙.*--layer"):
        read(path)
    with pytest.raises(SourceError, match="0 sheets: none that is visible and filled"):
        read(workbook(tmp_path, {"甲": empty}))
    with pytest.raises(SourceError, match=r"sheet 甲 of a.xlsx is empty"):
        read(workbook(tmp_path, {"甲": empty}), layer="甲")


def test_case_62_headers_of_a_sheet_follow_the_rules_of_a_table(tmp_path):
    """Doubled names and a first row of numbers are refused; a column without name is kept under a number."""
    with pytest.raises(SourceError, match="several columns of one name: a"):
        read(one(tmp_path, [["a", "a"], [1, 2]]))
    with pytest.raises(SourceError, match="does not name its columns"):
        read(one(tmp_path, [[116.4, 39.9], [1, 2]]))
    assert texts(read(one(tmp_path, [["a"], [1, 2], [3]]))) == {"a": ["1", "3"], "column 2": ["2", ""]}
    assert texts(read(one(tmp_path, [["a", "b"]]))) == {"a": [], "b": []}


def test_case_62_old_and_locked_workbooks_are_refused_with_what_to_do(tmp_path):
    """A .xls, and an .xlsx with a password, are the same container; the hint says save as .xlsx."""
    for name in ("a.xls", "a.xlsx"):
        (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500))
        with pytest.raises(SourceError, match="old kind") as caught:
            read(tmp_path / name)
        assert ".xlsx" in caught.value.hint


# ---------------------------------------------------------------- hostile workbooks


def test_case_53_an_entity_in_a_workbook_is_refused(tmp_path):
    """None is expanded or fetched, in whichever part it is declared and however that is encoded."""
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    outer = '<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    late = "<!--" + "x" * (1 << 18) + "-->" + bomb
    for head in (bomb, outer, late):
        content = sheet_xml([["a"], ["b"]], head=head).replace(">b<", ">&b;<")
        with pytest.raises(SourceError, match="EntitiesForbidden"):
            read(workbook(tmp_path, {"s": content}))
    foreign = sheet_xml([["a"]], head='<?xml version="1.0" encoding="utf-16"?>' + bomb).encode("utf-16")
    with pytest.raises(SourceError, match="EntitiesForbidden"):
        read(workbook(tmp_path, {"s": ""}, parts={"xl/worksheets/s1.xml": foreign}))
    for part in ("xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
        with pytest.raises(SourceError, match="EntitiesForbidden"):
            read(workbook(tmp_path, {"s": sheet_xml([["a"]])}, parts={part: bomb + "<x>&b;</x>"}))
    strings = bomb + f'<sst xmlns="{MAIN}"><si><t>&b;</t></si></sst>'
    with pytest.raises(SourceError, match="EntitiesForbidden"):
        read(one(tmp_path, [["a"]], shared="<si/>", parts={"xl/sharedStrings.xml": strings}))


def test_case_49_a_workbook_that_is_a_bomb_is_refused_unread(tmp_path):
    """The limits of zips hold: total size, ratio, number of parts."""
    with pytest.raises(SourceError, match="would become"):
        read(one(tmp_path, [["a"]], parts={"xl/media/zeros.bin": bytes(110 * 1024**2)}))
    with pytest.raises(SourceError, match=r"1,00[0-9] entries, 1,000 are allowed"):
        read(one(tmp_path, [["a"]], parts={f"x{i}": "" for i in range(1000)}))


def test_case_62_damage_in_a_workbook_ends_in_a_sentence(tmp_path):
    """Cut, without parts, with wrong references, nested deeply: refused, never a traceback."""
    good = one(tmp_path, [["a"], [1]]).read_bytes()
    bad = tmp_path / "b.xlsx"
    for content in (good[:-30], good[:200], b"PK\x03\x04" + bytes(50)):
        bad.write_bytes(content)
        with pytest.raises(SourceError, match=r"b.xlsx is refused"):
            read(bad)
    for content in (
        "<worksheet><row>",
        sheet_xml([[('t="s"', "<v>7</v>")]]),
        sheet_xml([["a"]]).replace('r="A1"', 'r="Ａ１"'),
        sheet_xml([["a"]]).replace('r="1"', 'r="x"'),
        sheet_xml([["a"]], merged=("A:B",)),
    ):
        with pytest.raises(SourceError, match="is refused: it is no workbook that can be read"):
            read(workbook(tmp_path, {"s": content}))
    far = sheet_xml([["a"], [1]]).replace('r="2"', 'r="99999999999"').replace('"A2"', '"A99999999999"')
    assert texts(read(workbook(tmp_path, {"s": far}))) == {"a": ["1"]}
    deep = "<is>" * 100_000 + "<t>x</t>" + "</is>" * 100_000
    assert len(read(workbook(tmp_path, {"s": sheet_xml([["a"], [1], [('t="inlineStr"', deep)]])}))) == 1


@given(st.binary(max_size=300), st.integers(0, 2000))
def test_no_damage_to_a_sheet_ends_in_a_traceback(tmp_path_factory, piece, at):
    """Bytes put anywhere into a sheet are read or refused."""
    content = sheet_xml([["a", "b"], [1, "x"], [('s="1"', "<v>5</v>"), None]], merged=("A2:A3",)).encode()
    at %= len(content)
    folder = tmp_path_factory.mktemp("damage")
    path = workbook(
        folder, {"s": ""}, parts={"xl/worksheets/s1.xml": content[:at] + piece + content[at + 9 :]}
    )
    try:
        source = read(path)
    except GridcityError:
        return
    assert all(len(column) == len(source) for column in source.columns.values())


@given(st.lists(st.integers(-(10**15) + 1, 10**15 - 1), min_size=1))
def test_whole_numbers_of_15_digits_come_back(tmp_path_factory, numbers):
    """Every whole number that a spreadsheet keeps is read as its digits, also where it was written as 5.0."""
    rows = [["a", "b"], *([number, f"{number}.0"] for number in numbers)]
    rows[1:] = [[a, ("", f"<v>{b}</v>")] for a, b in rows[1:]]
    columns = texts(read(one(tmp_path_factory.mktemp("whole"), rows)))
    assert columns["a"] == columns["b"] == [str(number) for number in numbers]


@pytest.mark.parametrize("package", ["openpyxl", "defusedxml"])
def test_without_its_packages_a_workbook_names_the_extra(tmp_path, package):
    """The message says which package is wanted and the hint how to install it."""
    path = one(tmp_path, [["a"], [1]])
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from gridcity.intake import list_layers, read_source\n"
        "from gridcity.errors import MissingPackageError\n"
        f"for read in (list_layers, lambda path: read_source(path, geometry='none')):\n"
        f"    try: read({str(path)!r})\n"
        "    except MissingPackageError as problem: print(problem)\n"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    line = (
        f'Reading a.xlsx needs {package}, which is not installed. Install it: pip install "gridcity[excel]"'
    )
    assert shown.splitlines() == [line, line]


def test_openpyxl_is_loaded_by_a_workbook_only():
    """Reading other files costs nothing of it."""
    script = (
        "import sys, gridcity, gridcity.intake; sys.exit(bool({'openpyxl', 'defusedxml'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_workbooks_of_another_writer_are_read(tmp_path):
    """What openpyxl writes comes back as it was put in."""
    book = openpyxl.Workbook()
    book.active.append(["code", "n", "day", "说明", "=1+1"])
    book.active.append(["0101", 7, datetime.date(2026, 3, 1), " 甲 <b> ", 2.5])
    book.save(tmp_path / "o.xlsx")
    source = read(tmp_path / "o.xlsx")
    assert re.fullmatch("Sheet.*", source.layer)
    values = [column[0] for column in source.columns.values()]
    assert values == ["0101", "7", "2026-03-01", " 甲 <b>", "2.5"]
