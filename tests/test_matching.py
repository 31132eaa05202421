"""Columns to fields: which column wins, which names are read though they were cut, and what is refused."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
import survey
from hypothesis import given
from hypothesis import strategies as st

from gridcity import City
from gridcity.catalogue import attribute_tables
from gridcity.errors import MappingError
from gridcity.intake import (
    Draft,
    Mapping,
    Source,
    apply_mapping,
    match_columns,
    parse_dates,
    read_mapping,
    read_source,
    with_columns,
)
from gridcity.intake.headers import nearest_fields
from gridcity.intake.table import objects, record_numbers

DATA = Path(__file__).parents[1].parent / "shared" / "data"


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


def applied(rows: Source, mapping: Mapping | None = None, **options: object) -> Draft:
    """The rows as street lamps, so that no test needs a column for the class."""
    return apply_mapping(rows, "component", replace(mapping or Mapping(), class_text="路灯"), **options)


def test_known_names_match_in_any_case():
    """National names match whatever their case; the rest is left out and said."""
    draft = applied(source(ObjCode=["1"], OBJNAME=["路灯"], 备用=["x"]))
    assert {target: str(match) for target, match in draft.matched.items()} == {
        "code": "ObjCode (known name)",
        "name": "OBJNAME (known name)",
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
        ("养护单位代", "maintainer_code"),
        ("变更日", "changed_date"),
    ],
)
def test_a_name_cut_at_ten_bytes_matches_the_only_name_that_begins_so(column, target):
    """Shapefiles cut names at ten bytes of GBK or UTF-8."""
    draft = applied(source(**{column: ["x"]}))
    assert str(draft.matched[target]) == f"{column} (cut name)"


@pytest.mark.parametrize(
    "column", ["主管部", "主管部门", "objs", "初始", "maintainer"[:9], "MAINTAINER_"[:10]]
)
def test_no_other_beginning_is_guessed(column):
    """An ambiguous beginning, or one that is too short to have been cut, fills nothing by prefix."""
    draft = applied(source(**{column: ["x"]}))
    assert all(match.how != "cut name" for match in draft.matched.values())


def test_the_mapping_stands_over_the_profile_over_known_names():
    """Of several columns for a field the one named closest to the file wins; the others are unused."""
    rows = source(OBJCODE=["known"], 编号=["profile"], FID=["mapping"])
    assert applied(rows).columns["code"].tolist() == ["known"]
    by_profile = applied(rows, profile_columns={"编号": "code", "别的": "owner_name"})
    assert by_profile.columns["code"].tolist() == ["profile"]
    both = applied(rows, Mapping(columns={"FID": ("code",)}), profile_columns={"编号": "code"})
    assert both.columns["code"].tolist() == ["mapping"]
    assert both.unused == ("OBJCODE", "编号")


def test_profile_columns_of_other_kinds_mean_nothing():
    """A profile serves every kind of row; a field this kind lacks is no error."""
    assert "编号" in applied(source(编号=["1"]), profile_columns={"编号": "alien"}).unused


def test_two_columns_of_one_standing_are_refused_by_name():
    """Two known names for one field need a decision."""
    with pytest.raises(MappingError, match="several columns for code: OBJCODE and GLBJBSM"):
        applied(source(OBJCODE=["1"], GLBJBSM=["2"]))


def test_a_mapped_column_that_is_missing_is_refused_with_the_nearest():
    """The message offers the columns the file has."""
    for mapping in (
        Mapping(columns={"OBJCOD": ("code",)}),
        Mapping(key="OBJCOD"),
        Mapping(x="OBJCOD", y="B"),
    ):
        with pytest.raises(MappingError, match=r"no column 'OBJCOD'.*nearest: OBJCODE"):
            applied(source(OBJCODE=["1"]), mapping)


def test_values_are_stripped_and_translated():
    """Translations apply to stripped text, the empty value is the missing one, others stay."""
    mapping = Mapping(columns={"S": ("state",)}, values={"state": {"Active": "完好", "": "移除"}})
    draft = applied(source(S=[" Active", "", "\u3000破损 "]), mapping)
    assert draft.columns["state"].tolist() == ["完好", "移除", "破损"]


def test_a_column_that_means_something_else_is_not_read(tmp_path):
    """A column mapped to nothing fills no field, although its name is known, and is said to be unused."""
    path = tmp_path / "map.toml"
    path.write_text('[columns]\n"OBJSTATE" = ""\n"LEVEL" = []\n', encoding="utf-8")
    mapping = read_mapping(path)
    assert mapping.columns == {"OBJSTATE": (), "LEVEL": ()}
    columns = {"OBJSTATE": ["DC", "MD"], "LEVEL": ["1", "2"]}
    assert applied(source(**columns)).matched["state"].column == "OBJSTATE"
    draft = applied(source(**columns), mapping)
    assert "state" not in draft.columns and "state" not in draft.matched
    assert set(draft.unused) == {"OBJSTATE", "LEVEL"}


def test_constants_one_column_for_two_fields_and_the_key():
    """A constant fills every row over any column; one column may fill several fields; the key is used."""
    mapping = Mapping(
        columns={"AGENCY": ("supervisor_name", "owner_name")}, constants={"state": "完好"}, key="ID"
    )
    draft = applied(source(AGENCY=["a", "b"], OBJSTATE=["x", "y"], ID=["7 ", "8"]), mapping)
    assert draft.columns["supervisor_name"].tolist() == draft.columns["owner_name"].tolist() == ["a", "b"]
    assert draft.columns["state"].tolist() == ["完好", "完好"]
    assert draft.key is not None and draft.key.tolist() == ["7", "8"]
    assert draft.unused == ("OBJSTATE",)
    assert draft.rows.tolist() == [1, 2]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
@pytest.mark.parametrize("kind", ["component", "cell"])
def test_case_16_a_national_name_cut_anywhere_in_a_character_fills_its_own_field_or_none(kind, encoding):
    """Whatever a width of ten bytes leaves of a national name, it never fills another name's field."""
    for table in attribute_tables(kind):
        for name, field in table.items():
            raw = name.encode(encoding)
            cut = raw[:10].decode(encoding, "ignore")
            matched = match_columns([cut], kind).matched
            assert set(matched) <= {field}
            if encoding == "gb18030" and len(raw) > 10 and "（" not in name:
                assert set(matched) == {field}, name


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
@pytest.mark.parametrize("table", attribute_tables("component"))
def test_case_16_names_that_gdal_cut_and_numbered_are_read_in_the_order_of_the_standard(table, encoding):
    """Two or three names may become one when they are cut; the whole table says which is which."""
    columns = cut_names(list(table), encoding)
    matched = match_columns(columns, "component").matched
    assert {field: match.column for field, match in matched.items()} == dict(
        zip(table.values(), columns, strict=True)
    )


def cut_names(names: list[str], encoding: str = "gb18030") -> list[str]:
    """The names of a table as GDAL writes them into a shapefile and gridcity reads them there."""
    written: list[str] = []
    for name in names:
        cut = name.encode(encoding)[:10].decode(encoding, "ignore")
        if cut in written:
            shorter = name.encode(encoding)[:8].decode(encoding, "backslashreplace")
            cut = next(f"{shorter}_{n}" for n in range(1, 10) if f"{shorter}_{n}" not in written)
        written.append(cut)
    return written


@pytest.mark.parametrize("options", [{}, *({"encoding": name} for name in ("UTF-8", "GBK", "GB18030"))])
@pytest.mark.parametrize("declared", [True, False])
def test_case_16_the_names_that_gdal_wrote_are_all_read(tmp_path, options, declared):
    """Eighteen national names, written by geopandas in any encoding: every field has its own column."""
    names = list(attribute_tables("component")[0])
    frame = gpd.GeoDataFrame(
        {name: [f"v{i}"] for i, name in enumerate(names)}, geometry=[shapely.Point(116.4, 39.9)], crs=4490
    )
    with warnings.catch_warnings(action="ignore"):  # of the cut names
        frame.to_file(tmp_path / "a.shp", **options)
    if not declared:
        (tmp_path / "a.cpg").unlink()
    source = read_source(tmp_path / "a.shp", geometry="none")
    assert source.encoding == ("GB18030" if "GB" in str(options) else "UTF-8")
    draft = apply_mapping(source, "component")
    fields = attribute_tables("component")[0].values()
    assert {field: draft.columns[field][0] for field in fields} == {f: f"v{i}" for i, f in enumerate(fields)}


def test_heights_fill_the_field_that_is_named_for_them():
    """Heights are text as short as it can be, none is empty, and they are translated like other text."""
    rows = replace(source(A=["1", "2", "3", "4"]), heights=np.array([51.25, 51.0, np.nan, -0.0]))
    assert applied(rows, Mapping(z="note")).columns["note"].tolist() == ["51.25", "51", "", "0"]
    none = Mapping(z="note", values={"note": {"0": ""}})
    assert applied(rows, none).columns["note"].tolist() == ["51.25", "51", "", ""]
    assert "note" not in applied(rows).columns


def test_heights_do_not_push_a_column_aside():
    """A column that already fills the field of the heights is named, and can be left out."""
    rows = replace(source(BZ=["x"]), heights=np.array([51.0]))
    with pytest.raises(MappingError, match=r"heights of a.shp into note, which BZ fills"):
        applied(rows, Mapping(z="note"))
    assert applied(rows, Mapping(z="note", columns={"BZ": ()})).columns["note"].tolist() == ["51"]


@given(st.permutations(cut_names(list(attribute_tables("component")[0])[-8:])))
def test_case_16_numbered_names_out_of_order_are_not_guessed(columns):
    """Once the file does not keep the order of the standard, the numbers say nothing."""
    matched = match_columns(columns, "component").matched
    numbered = {match.column for match in matched.values() if match.how == "numbered name"}
    assert bool(numbered) == (columns == cut_names(list(attribute_tables("component")[0])[-8:]))


@pytest.mark.parametrize(
    "columns",
    [
        ["所在街道（", "所在街道_1"],
        ["初始日期", "变更日期", "数据来源", "所在街道（", "所在街道_1", "所在街道_2"],
        ["初始日期", "变更日期", "数据来源", "所在街道（", "所在街道_2"],
        ["初始日期", "变更日期", "数据来源", "所在街道_1"],
        ["初始日期", "变更日期", "数据来源", "主管部门代", "主管部门代_1"],
    ],
)
def test_case_16_an_incomplete_family_of_numbered_names_is_left_out(columns):
    """Without witnesses, without a member or with one too many, a numbered name fills nothing."""
    matching = match_columns(columns, "component")
    assert all(match.how != "numbered name" for match in matching.matched.values())
    assert columns[-1] in matching.unused


@pytest.mark.parametrize(
    ("kind", "columns", "message"),
    [
        ("party", ["CODE", "NAMES"], "no column for a name of its party rows; nearest: NAMES to name"),
        ("duty", ["role", "PARTY"], "no column for a party of its duty rows; nearest: PARTY to party_"),
        (
            "component",
            ["OBJSTATE", "CLASSNAM"],
            "for a class of its component rows; nearest: CLASSNAM to class_",
        ),
        (
            "component",
            ["奥运", "X"],
            "for a class of its component rows; nearest: 奥运|its columns are 奥运, X",
        ),
        ("area", ["LVL"], "for a name or a code of its area rows"),
    ],
)
def test_case_18_a_file_without_a_field_that_all_rows_need_is_refused_with_the_nearest_columns(
    kind, columns, message
):
    """One sentence, not ten thousand rejected rows."""
    with pytest.raises(MappingError, match=message) as caught:
        apply_mapping(source(**{column: ["x", "y"] for column in columns}), kind)
    assert caught.value.code == "E_FIELD_MISSING"
    assert "--map" in caught.value.hint


def test_case_18_a_constant_a_mapped_column_or_a_class_for_all_rows_is_enough():
    """What the caller says counts like a column; an empty file lacks nothing."""
    rows = source(X=["a"])
    for mapping in (
        Mapping(class_text="路灯"),
        Mapping(constants={"class_name": "路灯"}),
        with_columns(Mapping(), [("class_name", "X")]),
    ):
        assert len(apply_mapping(rows, "component", mapping).rows) == 1
    assert len(apply_mapping(source(X=[]), "component").rows) == 0


def test_case_19_two_headers_for_one_field_are_refused():
    """In whatever way both were found, the file is refused and the hint names the option."""
    for columns in (["ObjID", "GLBJBSM"], ["主管部门名", "主管部门名 "]):
        with pytest.raises(MappingError, match=f"several columns for .*: {columns[0]} and ") as caught:
            match_columns(columns, "component")
        assert "--map" in caught.value.hint


def test_likeness_is_offered_and_never_used():
    """`objectid` is near to `ObjID`; it stays unused, and the hint of its finding says what it is like."""
    draft = applied(source(objectid=["1"], OWNERNAME=["x"], 门牌=["y"]))
    assert not draft.matched
    hints = {finding.value: finding.hint for finding in draft.findings}
    assert "nearest: code (" in hints["objectid"]
    assert "nearest: owner_name (" in hints["OWNERNAME"]
    assert hints["门牌"].endswith("if it is needed.")


@given(st.text(max_size=12))
def test_any_name_of_a_column_has_near_fields_in_order(name):
    """No name breaks the search; scores fall, and each field is offered once."""
    nears = nearest_fields(name, "component")
    assert [near.score for near in nears] == sorted((near.score for near in nears), reverse=True)
    assert len({near.field for near in nears}) == len(nears) <= 3


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A small city with areas and cells."""
    return survey.built(tmp_path_factory.mktemp("city"))


@pytest.mark.parametrize(
    ("kind", "row", "code"),
    [
        ("components", {"lng": 116.4105, "lat": 39.9305, "LAMPNAM": "x"}, "E_FIELD_MISSING"),
        ("parties", {"NAMES": "x", "kind": "y"}, "E_FIELD_MISSING"),
        ("duties", {"role": "handler", "place_code": ""}, "E_FIELD_MISSING"),
        ("parties", {"name": "x", "单位名称": "x"}, "E_MAPPING"),
    ],
)
def test_cases_18_and_19_a_refused_file_leaves_the_city_as_it_was(city, tmp_path, kind, row, code):
    """A file without a field that all rows need, or with two columns for one, writes no byte."""
    before = survey.digest(city.path)
    path = survey.table(tmp_path / "rows.csv", [row])
    options = {"datum": "cgcs2000"} if kind == "components" else {}
    with pytest.raises(MappingError) as caught:
        getattr(city, f"import_{kind}")(path, **options)
    assert caught.value.code == code
    assert survey.digest(city.path) == before


@pytest.mark.parametrize("text", ["****", "1,50", "abc", "1.7", "1e3"])
def test_case_42_a_number_that_is_none_costs_its_row(city, tmp_path, text):
    """Nothing becomes 0 or 1 that was not written so."""
    city.import_parties(survey.table(tmp_path / "parties.csv", [{"name": "样例单位"}]))
    rows = [{"party_name": "样例单位", "priority": text}, {"party_name": "样例单位", "priority": "12"}]
    result = city.import_duties(survey.table(tmp_path / "duties.csv", rows), dry_run=True)
    assert [(reject.row, reject.rule, reject.value) for reject in result.rejected] == [
        (1, "number-malformed", text)
    ]


def test_case_38_a_bad_date_costs_its_row_and_says_what_it_looks_like(city, tmp_path):
    """The message in the balance names the day that a spreadsheet's number stands for."""
    rows = [
        {"name": f"单位{i}", "since": text} for i, text in enumerate(("42064", "20150230", "2015年3月1日"))
    ]
    result = city.import_parties(survey.table(tmp_path / "parties.csv", rows), dry_run=True)
    assert [(reject.row, reject.message) for reject in result.rejected] == [
        (1, "'42064' is not a date; as the day number of a spreadsheet it would be 2015-03-01"),
        (2, "'20150230' is not a date; 2015-02 has no day 30"),
    ]


def test_the_survey_of_dongcheng_needs_no_mapping():
    """The real survey's columns are found by their names, codes exact, its Chinese extras unused."""
    path = DATA / "dongcheng" / "bujian_relics_point_gcj02.geojson"
    if not path.exists():
        pytest.skip("the data folder is absent")
    draft = apply_mapping(read_source(path, datum="gcj02"), "component")
    assert draft.columns["code"][0] == "1101010698000005"
    assert draft.columns["cell_code"][0] == "11010100500105"
    assert draft.columns["supervisor_code"][0] == "00000000"
    assert draft.columns["initial_date"][0] == "20090601"
    assert {str(m) for m in draft.matched.values()} >= {"OBJCODE (known name)", "BGCODE (known name)"}
    assert "奥运专题" in draft.unused
    dates, bad = parse_dates(draft.columns["initial_date"])
    assert not bad.any() and dates[0] == "2009-06-01"
