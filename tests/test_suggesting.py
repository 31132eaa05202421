"""A mapping written for a file: it is valid, changes nothing, and names every doubt."""

from __future__ import annotations

import tomllib
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridcity.catalogue import fields
from gridcity.errors import ArgumentError
from gridcity.intake import (
    Mapping,
    apply_mapping,
    check_mapping,
    open_layer,
    read_mapping,
    read_source,
    suggest_mapping,
)
from gridcity.intake.suggesting import KINDS, toml_text
from gridcity.profile import parse_profile

pytestmark = pytest.mark.filterwarnings("ignore::gridcity.codes.ProvisionalEditionWarning")

DATA = Path(__file__).parents[1].parent / "shared" / "data"
PROFILE = parse_profile(
    """
[city]
name = "样例"
area_code = "110101"
older_edition = "cjt214-2007"
[columns]
"杆号" = "code"
"""
)


def table(path: Path, columns: dict[str, list[str]]) -> Path:
    """A text table with these columns, every value in quotes."""
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    quoted = [",".join('"' + text.replace('"', '""') + '"' for text in row) for row in [names, *rows]]
    path.write_text("\n".join(quoted) + "\n", encoding="utf-8")
    return path


def suggested(path: Path, kind: str | None = "component", *, city: bool = False) -> str:
    with open_layer(path, geometry="none") as layer:
        return suggest_mapping(layer, kind, PROFILE if city else None)


def test_every_column_stands_in_the_suggestion(tmp_path):
    """Matches are in force with how they were found; everything in doubt is a comment with what is known."""
    path = table(
        tmp_path / "0101_上水井盖.csv",
        {
            "OBJNAME": ["路灯", "路灯杆子", ""],
            "主管部门名": ["a", "b", "c"],
            "STATE": ["完好", "Active", "Active"],
            "OWNER_DESC": ["甲", "乙", ""],
            "FACILITYID": ["1", "2", "3"],
            "lng": ["1", "1", "1"],
            "lat": ["2", "2", "2"],
            "奥运专题": ["", "", ""],
        },
    )
    lines = suggested(path).splitlines()
    for line in (
        '"OBJNAME" = "name"  # known name',
        '"主管部门名" = "supervisor_name"  # cut name',
        '# key = "FACILITYID"  # filled and different in every row',
        '# "lng": a coordinate',
        '# "奥运专题" = ""  # like no field; always empty',
        "[values.state]",
        '# "Active" = ""  # 2 rows',
    ):
        assert line in lines
    (owner,) = [line for line in lines if line.startswith('# "OWNER_DESC"')]
    assert owner.startswith('# "OWNER_DESC" = "owner_code"  # like owner_code (80), owner_name (70); ')
    assert owner.endswith('; values: "甲", "乙"')
    assert any(line.startswith('# class = "0101"  # ') and "上水井盖" in line for line in lines)


def test_values_of_classes_that_no_edition_knows_are_offered_the_nearest(tmp_path):
    """A class that is spelled otherwise gets a line that only waits for its # to go."""
    path = table(tmp_path / "a.csv", {"class": ["路灯", "路登", "路登"], "owner": ["a", "b", "c"]})
    text = suggested(path)
    assert "[values.class_name]\n# possible:" in text
    assert '# "路登" = "路灯"  # 2 rows' in text
    assert '# "路灯"' not in text
    decided = text.replace('# "路登"', '"路登"')
    file = tmp_path / "decided.toml"
    file.write_text(decided, encoding="utf-8")
    mapping = read_mapping(file)
    check_mapping(mapping, "component", PROFILE)
    source = read_source(path, geometry="none")
    assert apply_mapping(source, "component", mapping).columns["class_name"].tolist() == ["路灯"] * 3


def test_faint_likeness_and_measures_are_not_offered(tmp_path):
    """A name that shares less than three quarters with a known one is like no field; no measure is a key."""
    path = table(
        tmp_path / "a.csv",
        {"Side": ["N", "R"], "备注": ["x", "y"], "lng": ["116.1", "116.2"], "len": ["1.5", "2.5"]},
    )
    text = suggested(path, "party")
    assert '# "Side" = ""  # like no field; values: "N", "R"' in text
    keys = [line for line in suggested(path).splitlines() if line.startswith("# key")]
    assert keys == ['# key = "Side"  # filled and different in every row']


def test_values_to_translate_stand_by_frequency_and_are_few(tmp_path):
    """Of a thousand unknown states the fifty most frequent are listed, the first first."""
    states = [f"状{i}" for i in range(1000)] + ["坏"] * 3
    text = suggested(table(tmp_path / "a.csv", {"STATE": states}))
    lines = text.split("[values.state]\n")[1].splitlines()
    assert lines[1] == '# "坏" = ""  # 3 rows'
    assert lines[2] == '# "状0" = ""  # 1 row'
    assert lines[51] == "# and 951 more values"


def test_two_columns_for_one_field_are_a_question(tmp_path):
    """Neither is in force; with the answer the file can be read."""
    path = table(tmp_path / "a.csv", {"ObjID": ["1"], "GLBJBSM": ["2"], "备注": ["x"]})
    text = suggested(path)
    assert '# "ObjID" = "code"  # ObjID and GLBJBSM claim it' in text
    assert '# "GLBJBSM" = "code"  # ObjID and GLBJBSM claim it' in text
    assert '\n"备注" = "note"' in text


def test_the_profile_is_known(tmp_path):
    """Columns of the city's profile are matched as an import matches them."""
    path = table(tmp_path / "a.csv", {"杆号": ["1"], "备注": ["x"]})
    assert '"杆号" = "code"  # profile' in suggested(path, city=True)
    assert '"杆号" = "code"  # profile' not in suggested(path)


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (["ObjID", "ObjName", "DeptName1"], "component"),
        (["BGID", "area", "endDate"], "cell"),
        (["name", "level", "parent_code"], "area"),
        (["name", "aliases", "since"], "party"),
        (["party_name", "role", "class_name"], "duty"),
    ],
)
def test_the_kind_that_most_columns_fit_is_taken_and_said(tmp_path, columns, kind):
    """Without a kind the columns decide, in a comment."""
    text = suggested(table(tmp_path / "a.csv", {column: ["1"] for column in columns}), None)
    assert f"1 {kind} rows" in text
    assert "--kind" in text


def test_a_tie_of_kinds_asks(tmp_path):
    """Code and name are of four kinds; the caller must say which."""
    with pytest.raises(ArgumentError, match="fits component and cell and area and party rows") as caught:
        suggested(table(tmp_path / "a.csv", {"code": ["1"], "name": ["a"]}), None)
    assert "--kind" in caught.value.hint
    with pytest.raises(ArgumentError, match="has no column of a known name"):
        suggested(table(tmp_path / "a.csv", {"qh": ["1"]}), None)


NAMES = st.one_of(
    st.sampled_from(sorted(fields("component"))),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
    st.text("\"\\'#=[]\n\t\r\x00\x1b\x7f\u202e 路灯", min_size=1, max_size=8),
)


@given(NAMES)
def test_any_name_comes_back_from_toml(name):
    """Quotes, backslashes, line ends, controls and marks of direction are escaped; nothing is lost."""
    written = toml_text(name)
    assert tomllib.loads(f"{written} = {written}") == {name: name}
    assert "\n" not in written
    assert not any(ord(character) < 32 or character == "\u202e" for character in written)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(NAMES, min_size=1, max_size=6, unique=True),
    values=st.lists(
        st.one_of(NAMES, st.sampled_from(["", "路灯", "完好", "Active"])), min_size=2, max_size=2
    ),
    kind=st.sampled_from(KINDS),
)
def test_an_unchanged_suggestion_is_valid_and_changes_nothing(tmp_path, names, values, kind):
    """Whatever the columns and values: the same fields get the same texts with it and without it."""
    from gridcity.errors import MappingError

    columns = dict.fromkeys(names, values)
    layer = MemoryLayer(columns)
    file = tmp_path / "map.toml"
    file.write_text(suggest_mapping(layer, kind), encoding="utf-8")  # type: ignore[arg-type]
    mapping = read_mapping(file)
    check_mapping(mapping, kind, PROFILE)
    source = layer.read()
    drafts = []
    for one in (Mapping(), mapping):
        try:
            drafts.append({name: c.tolist() for name, c in apply_mapping(source, kind, one).columns.items()})
        except MappingError as error:
            drafts.append({"refused": error.code})
    assert drafts[0] == drafts[1]


class MemoryLayer:
    """Columns that no file could hold, as a layer."""

    name, layer, driver = "rows.gpkg", "rows", "GPKG"

    def __init__(self, columns: dict[str, list[str]]) -> None:
        self.columns = columns
        self.names = tuple(columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def read(self, *, columns=None, geometry=False):
        import numpy as np

        from gridcity.intake import Source
        from gridcity.intake.table import objects, record_numbers

        n = len(self)
        return Source(
            path=Path("rows.gpkg"),
            name="rows.gpkg",
            layer="rows",
            driver="GPKG",
            columns={name: objects(self.columns[name]) for name in columns or self.names},
            geometry=np.full(n, None, dtype=object),
            rows=record_numbers(n),
            system=None,
            encoding="UTF-8",
            evidence="",
            sha256="",
        )


def test_the_suggestion_for_the_survey_of_dongcheng_changes_nothing(tmp_path):
    """The real survey: 39 columns, all in the text, and the same components with it and without it."""
    path = DATA / "dongcheng" / "bujian_relics_point_gcj02.geojson"
    if not path.exists():
        pytest.skip("the data folder is absent")
    with ExitStack() as stack:
        layer = stack.enter_context(open_layer(path, geometry="none"))
        text = suggest_mapping(layer)
        assert all(toml_text(name) in text for name in layer.names)
    file = tmp_path / "map.toml"
    file.write_text(text, encoding="utf-8")
    source = read_source(path, geometry="none")
    plain, mapped = (apply_mapping(source, "component", one) for one in (None, read_mapping(file)))
    assert {name: c.tolist() for name, c in plain.columns.items()} == {
        name: c.tolist() for name, c in mapped.columns.items()
    }
    assert plain.unused == mapped.unused
