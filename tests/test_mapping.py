"""Columns to fields: what a mapping may say, which column wins, and what dates are."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridcity.errors import MappingError
from gridcity.intake import (
    Mapping,
    Source,
    apply_mapping,
    check_mapping,
    parse_dates,
    read_mapping,
    read_source,
)
from gridcity.intake import mapping as module
from gridcity.intake.table import objects, record_numbers

DATA = Path(__file__).parents[1].parent / "shared" / "data"

NAMES = {
    "objcode": "code",
    "glbjbsm": "code",
    "管理部件标识码": "code",
    "objname": "class_name",
    "主管部门代码": "supervisor_code",
    "主管部门名称": "supervisor_name",
    "权属单位名称": "owner_name",
    "所在单元网格标识码": "cell_code",
    "初始日期": "initial_date",
    "objstate": "state",
    "note": "note",
    "maintainer": "maintainer_name",
    "maintainer_code": "maintainer_code",
}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """A small list of known names, so that these tests do not move with the standard's tables."""
    monkeypatch.setattr(module, "known_fields", lambda kind: NAMES)


def source(**columns: list[str]) -> Source:
    n = len(next(iter(columns.values())))
    return Source(
        path=Path("a.shp"),
        name="a.shp",
        layer="a",
        driver="ESRI Shapefile",
        columns={name: objects(values) for name, values in columns.items()},
        geometry=np.full(n, None, dtype=object),
        rows=record_numbers(n),
        system=None,
        encoding="GB18030",
        evidence="",
        sha256="",
    )


def written(tmp_path: Path, text: str) -> Mapping:
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    return read_mapping(path)


WHOLE = """
class = "路灯"
edition = "cjt214-2007"
key = "FACILITYID"
[geometry]
x = "XCOORD"
y = "YCOORD"
[columns]
"OWNER_DESC" = "owner_name"
"AGENCY" = ["supervisor_name", "maintainer_name"]
[constants]
note = "2016"
[values.state]
"Active" = "完好"
"" = "未知"
"""


def test_a_whole_mapping_is_read_as_written(tmp_path):
    """Every table and key of the format arrives in the mapping."""
    mapping = written(tmp_path, WHOLE)
    assert mapping == Mapping(
        columns={"OWNER_DESC": ("owner_name",), "AGENCY": ("supervisor_name", "maintainer_name")},
        constants={"note": "2016"},
        values={"state": {"Active": "完好", "": "未知"}},
        class_text="路灯",
        edition="cjt214-2007",
        key="FACILITYID",
        x="XCOORD",
        y="YCOORD",
        name="map.toml",
    )
    check_mapping(mapping, "component")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[colums]", "'colums' in map.toml is no key; nearest: columns"),
        ("klass = 'x'", "'klass' in map.toml is no key; nearest: class"),
        ("[geometry]\nlng = 'x'", r"'lng' in map.toml is no key of \[geometry\].*Possible are x, y"),
        ("[geometry]\nx = 'X'", "names only x"),
        ("[geometry]\nx = 'X'\ny = 'X'", "names 'X' twice"),
        ("columns = 'x'", "columns in map.toml is no table"),
        ("[values]\nstate = 'x'", r"\[values.state\] in map.toml is no table"),
        ("[constants]\nnote = 7", "'note' of .* is 7, not text"),
        ("[columns]\nA = 7", "'A' in map.toml is 7, not text"),
        ("key = ", "is no TOML"),
        ("[columns]\nA = 'note'\nA = 'code'", "is no TOML"),
    ],
)
def test_a_wrong_mapping_is_refused_with_what_is_possible(tmp_path, text, message):
    """No unknown word of a mapping is passed over."""
    with pytest.raises(MappingError, match=message):
        written(tmp_path, text)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            Mapping(columns={"A": ("stat",)}),
            "'stat' in the mapping is no field of a component; nearest: state",
        ),
        (Mapping(constants={"colour": "red"}), "'colour' in the mapping is no field"),
        (Mapping(values={"colour": {}}), "'colour' in the mapping is no field"),
        (Mapping(columns={"A": ("note",), "B": ("note",)}), "fills note twice: by A and by B"),
        (
            Mapping(columns={"A": ("note",)}, constants={"note": ""}),
            "fills note twice: by a constant and by A",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_its_kind_is_refused(mapping, message):
    """Fields are checked against the kind before a row is read."""
    with pytest.raises(MappingError, match=message):
        check_mapping(mapping, "component")


def test_a_missing_mapping_file_is_a_mapping_error(tmp_path):
    """No traceback of the operating system."""
    with pytest.raises(MappingError, match="cannot be read"):
        read_mapping(tmp_path / "absent.toml")


def test_known_names_match_in_any_case():
    """National names match whatever their case; the rest is left out and said."""
    draft = apply_mapping(source(ObjCode=["1"], OBJNAME=["路灯"], 备用=["x"]), "component")
    assert {target: str(match) for target, match in draft.matched.items()} == {
        "code": "ObjCode (known name)",
        "class_name": "OBJNAME (known name)",
    }
    assert draft.unused == ("备用",)
    (finding,) = draft.findings
    assert (finding.rule, finding.row, finding.value) == ("column-unused", None, "备用")


@pytest.mark.parametrize(
    ("column", "target"),
    [
        ("主管部门代", "supervisor_code"),
        ("主管部门名", "supervisor_name"),
        ("所在单元网", "cell_code"),
        ("初始日", "initial_date"),
        ("权属单", "owner_name"),
    ],
)
def test_a_name_cut_at_ten_bytes_matches_the_only_name_that_begins_so(column, target):
    """Shapefiles cut names at ten bytes of GBK or UTF-8."""
    draft = apply_mapping(source(**{column: ["x"]}), "component")
    assert str(draft.matched[target]) == f"{column} (cut name)"


@pytest.mark.parametrize(
    "column", ["主管部", "主管部门", "objs", "初始", "maintainer"[:9], "MAINTAINER_"[:10]]
)
def test_no_other_beginning_is_guessed(column):
    """An ambiguous beginning, or one that is too short to have been cut, fills nothing by prefix."""
    draft = apply_mapping(source(**{column: ["x"]}), "component")
    assert all(match.how != "cut name" for match in draft.matched.values())


def test_the_mapping_stands_over_the_profile_over_known_names():
    """Of several columns for a field the one named closest to the file wins; the others are unused."""
    rows = source(OBJCODE=["known"], 编号=["profile"], FID=["mapping"])
    assert apply_mapping(rows, "component").columns["code"].tolist() == ["known"]
    by_profile = apply_mapping(rows, "component", profile_columns={"编号": "code", "别的": "owner_name"})
    assert by_profile.columns["code"].tolist() == ["profile"]
    both = apply_mapping(
        rows, "component", Mapping(columns={"FID": ("code",)}), profile_columns={"编号": "code"}
    )
    assert both.columns["code"].tolist() == ["mapping"]
    assert both.unused == ("OBJCODE", "编号")


def test_profile_columns_of_other_kinds_mean_nothing():
    """A profile serves every kind of row; a field this kind lacks is no error."""
    assert "编号" in apply_mapping(source(编号=["1"]), "component", profile_columns={"编号": "alien"}).unused


def test_two_columns_of_one_standing_are_refused_by_name():
    """Two known names for one field need a decision."""
    with pytest.raises(MappingError, match="several columns for code: OBJCODE and GLBJBSM"):
        apply_mapping(source(OBJCODE=["1"], GLBJBSM=["2"]), "component")


def test_a_mapped_column_that_is_missing_is_refused_with_the_nearest():
    """The message offers the columns the file has."""
    for mapping in (
        Mapping(columns={"OBJCOD": ("code",)}),
        Mapping(key="OBJCOD"),
        Mapping(x="OBJCOD", y="B"),
    ):
        with pytest.raises(MappingError, match=r"no column 'OBJCOD'.*nearest: OBJCODE"):
            apply_mapping(source(OBJCODE=["1"]), "component", mapping)


def test_values_are_stripped_and_translated():
    """Translations apply to stripped text, the empty value is the missing one, others stay."""
    mapping = Mapping(columns={"S": ("state",)}, values={"state": {"Active": "完好", "": "未知"}})
    draft = apply_mapping(source(S=[" Active", "", "\u3000破损 "]), "component", mapping)
    assert draft.columns["state"].tolist() == ["完好", "未知", "破损"]


def test_a_column_that_means_something_else_is_not_read(tmp_path):
    """A column mapped to nothing fills no field, although its name is known, and is said to be unused."""
    mapping = written(tmp_path, '[columns]\n"OBJSTATE" = ""\n"LEVEL" = []\n')
    assert mapping.columns == {"OBJSTATE": (), "LEVEL": ()}
    columns = {"OBJSTATE": ["DC", "MD"], "LEVEL": ["1", "2"]}
    assert apply_mapping(source(**columns), "component").matched["state"].column == "OBJSTATE"
    draft = apply_mapping(source(**columns), "component", mapping)
    assert "state" not in draft.columns and "state" not in draft.matched
    assert set(draft.unused) == {"OBJSTATE", "LEVEL"}


def test_constants_one_column_for_two_fields_and_the_key():
    """A constant fills every row over any column; one column may fill several fields; the key is used."""
    mapping = Mapping(
        columns={"AGENCY": ("supervisor_name", "owner_name")}, constants={"state": "完好"}, key="ID"
    )
    draft = apply_mapping(
        source(AGENCY=["a", "b"], OBJSTATE=["x", "y"], ID=["7 ", "8"]), "component", mapping
    )
    assert draft.columns["supervisor_name"].tolist() == draft.columns["owner_name"].tolist() == ["a", "b"]
    assert draft.columns["state"].tolist() == ["完好", "完好"]
    assert draft.key is not None and draft.key.tolist() == ["7", "8"]
    assert draft.unused == ("OBJSTATE",)
    assert draft.rows.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20090601", "2009-06-01"),
        ("2009-06-01", "2009-06-01"),
        ("2009-6-1", "2009-06-01"),
        ("2009/6/1", "2009-06-01"),
        ("2009.6.1", "2009-06-01"),
        ("2009年6月1日", "2009-06-01"),
        ("2009-06-01T23:59:59", "2009-06-01"),
        ("2009-06-01T23:59:59.123Z", "2009-06-01"),
        ("2009-06-01 23:59:59+08:00", "2009-06-01"),
        ("2024/10/10 8:05:04", "2024-10-10"),
        ("2024/10/10 上午 08:55:04", "2024-10-10"),
        (" 20090601 ", "2009-06-01"),
        ("20240229", "2024-02-29"),
        ("", ""),
        ("  ", ""),
        ("00000000", ""),
        ("1899-11-30", ""),
        ("1899-11-30T00:00:00", ""),
        ("1899-12-30", ""),
        ("1899/12/30 0:00:00", ""),
    ],
)
def test_accepted_dates(text, expected):
    """Every form surveyors write gives the day, and the zero days of programs are missing dates."""
    dates, bad = parse_dates(objects([text]))
    assert (dates.tolist(), bad.tolist()) == ([expected], [False])


@pytest.mark.parametrize(
    "text",
    [
        "20091301",
        "20090230",
        "20230229",
        "18990101",
        "00010101",
        "6/1/2009",
        "01-06-2009",
        "40000",
        "2009",
        "200906",
        "2009-06/01",
        "abc",
        "****",
        "２００９０６０１",
        "20090601x",
        "2009-06-01T",
        "1.1E+7",
    ],
)
def test_bad_dates(text):
    """What is no day, or no single day, is bad and stays empty."""
    dates, bad = parse_dates(objects([text]))
    assert (dates.tolist(), bad.tolist()) == ([""], [True])


@given(st.dates(date(1900, 1, 1), date(9999, 12, 31) - timedelta(days=1)))
def test_every_day_comes_back_from_every_form(day):
    """A day is read the same in each form."""
    forms = [
        f"{day:%Y%m%d}",
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.isoformat()}T08:00:00",
    ]
    dates, bad = parse_dates(objects(forms))
    assert set(dates) == {day.isoformat()}
    assert not bad.any()


@given(st.lists(st.text(max_size=12), max_size=20))
def test_any_text_is_a_date_missing_or_bad(texts):
    """No text breaks the parser, and a bad one is always empty."""
    dates, bad = parse_dates(objects(texts))
    assert len(dates) == len(bad) == len(texts)
    assert all(not text or len(text) == 10 for text in dates)
    assert not any(dates[bad])


def test_the_survey_of_dongcheng_needs_no_mapping(monkeypatch):
    """The real survey's columns are found by their names, codes exact, its Chinese extras unused."""
    path = DATA / "dongcheng" / "bujian_relics_point_gcj02.geojson"
    if not path.exists():
        pytest.skip("the data folder is absent")
    monkeypatch.undo()
    draft = apply_mapping(read_source(path, datum="gcj02"), "component")
    assert draft.columns["code"][0] == "1101010698000005"
    assert draft.columns["cell_code"][0] == "11010100500105"
    assert draft.columns["supervisor_code"][0] == "00000000"
    assert draft.columns["initial_date"][0] == "20090601"
    assert {str(m) for m in draft.matched.values()} >= {"OBJCODE (known name)", "BGCODE (known name)"}
    assert "奥运专题" in draft.unused
    dates, bad = parse_dates(draft.columns["initial_date"])
    assert not bad.any() and dates[0] == "2009-06-01"
