"""The mapping file: what it may say, what is refused before a row is read, and options over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridcity.errors import ArgumentError, MappingError
from gridcity.intake import Mapping, check_mapping, read_mapping, with_columns
from gridcity.profile import parse_profile

PROFILE = parse_profile(
    """
[city]
name = "样例"
area_code = "110101"
older_edition = "cjt214-2007"
[[classes]]
kind = "component"
edition = "gbt47678.5-2026"
code = "01999"
name = "样例杆"
"""
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
z = "data_source"
[columns]
"OWNER_DESC" = "owner_name"
"AGENCY" = ["supervisor_name", "maintainer_name"]
[constants]
note = "2016"
[values.state]
"Active" = "完好"
"" = "破损"
"""


def test_a_whole_mapping_is_read_as_written(tmp_path):
    """Every table and key of the format arrives in the mapping."""
    mapping = written(tmp_path, WHOLE)
    assert mapping == Mapping(
        columns={"OWNER_DESC": ("owner_name",), "AGENCY": ("supervisor_name", "maintainer_name")},
        constants={"note": "2016"},
        values={"state": {"Active": "完好", "": "破损"}},
        class_text="路灯",
        edition="cjt214-2007",
        key="FACILITYID",
        x="XCOORD",
        y="YCOORD",
        z="data_source",
        name="map.toml",
    )
    check_mapping(mapping, "component")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[colums]", "'colums' in map.toml is no key; nearest: columns"),
        ("klass = 'x'", "'klass' in map.toml is no key; nearest: class"),
        ("[geometry]\nlng = 'x'", r"'lng' in map.toml is no key of \[geometry\].*Possible are x, y, z"),
        ("[geometry]\nx = 'X'", "names only x"),
        ("[geometry]\nx = 'X'\nz = 'note'", "names only x"),
        ("[geometry]\nx = 'X'\ny = 'X'", "names 'X' twice"),
        ("[geometry]\nz = 7", "z in map.toml is 7, not text"),
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
        (Mapping(z="state"), r"'state' in z of \[geometry\] in the mapping is no free text of a component"),
        (Mapping(z="note", columns={"A": ("note",)}), "fills note twice: by the heights and by A"),
        (Mapping(z="note", constants={"note": "x"}), "fills note twice: by a constant and by the heights"),
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


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            Mapping(values={"state": {"Active": "好"}}),
            r"'好' in \[values.state\] in the mapping is no state; nearest: 完好",
        ),
        (Mapping(constants={"state": "intact"}), r"'intact' in \[constants\] in the mapping is no state"),
        (Mapping(edition="cjt214-2008"), "'cjt214-2008' in the mapping is no edition; nearest: cjt214-2007"),
        (Mapping(constants={"initial_date": "2016-13-01"}), "'2016-13-01' in .constants.* is no date"),
        (Mapping(values={"initial_date": {"x": "soon"}}), "'soon' in .values.initial_date.* is no date"),
    ],
)
def test_values_that_no_row_can_have_are_refused_before_a_row_is_read(mapping, message):
    """A translation to an unknown state, edition or date would cost every row it is used for."""
    with pytest.raises(MappingError, match=message) as caught:
        check_mapping(mapping, "component")
    assert caught.value.hint


@pytest.mark.parametrize(
    "mapping",
    [
        Mapping(class_text="路灯灯"),
        Mapping(constants={"class_name": "路灯灯"}),
        Mapping(values={"class_code": {"LAMP": "路灯灯"}}),
    ],
)
def test_a_class_that_does_not_exist_is_refused_with_the_nearest(mapping):
    """Wherever a mapping states a class, it must be one of the city's editions or of its own."""
    with pytest.raises(
        ArgumentError, match=r"路灯灯.*is no class of gbt47678\.5-2026 or cjt214-2007"
    ) as caught:
        check_mapping(mapping, "component", PROFILE)
    assert "路灯" in caught.value.hint


def test_classes_of_the_city_and_of_the_edition_are_known():
    """Local classes, codes, both languages and the mapping's own edition are all possible."""
    check_mapping(Mapping(class_text="样例杆"), "component", PROFILE)
    check_mapping(Mapping(values={"class_name": {"LAMP": "Street lamp", "x": ""}}), "component", PROFILE)
    check_mapping(Mapping(class_text="0101", edition="cjt214-2007"), "component", PROFILE)
    check_mapping(Mapping(constants={"class_code": "01"}), "duty", PROFILE)
    with pytest.raises(ArgumentError):
        check_mapping(Mapping(constants={"class_code": "01"}), "component", PROFILE)


def test_levels_of_areas_are_checked():
    """A level that is none would reject every area."""
    check_mapping(Mapping(values={"level": {"街道": "street"}}), "area")
    with pytest.raises(MappingError, match=r"'town' in .* is no level"):
        check_mapping(Mapping(constants={"level": "town"}), "area")


def test_options_go_before_the_columns_and_constants_of_a_mapping():
    """`--map FIELD=COLUMN` takes the field from whatever filled it and leaves the rest alone."""
    mapping = Mapping(
        columns={"A": ("note", "name"), "B": ("state",), "C": ()},
        constants={"owner_name": "x"},
        values={"state": {"1": "完好"}},
        key="K",
    )
    changed = with_columns(mapping, [("name", "C"), ("owner_name", "C"), ("state", "D")])
    assert changed.columns == {"A": ("note",), "B": (), "C": ("name", "owner_name"), "D": ("state",)}
    assert changed.constants == {}
    assert (changed.values, changed.key) == (mapping.values, "K")
    check_mapping(changed, "component")
    assert with_columns(mapping, []) == mapping
    assert with_columns(Mapping(z="note"), [("note", "A")]) == Mapping(columns={"A": ("note",)})
    assert with_columns(Mapping(z="note"), [("name", "A")]).z == "note"


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("", "A")], "names no field and column"),
        ([("note", "")], "names no field and column"),
        ([("note", "A"), ("note", "B")], "note is to be filled by A and by B"),
    ],
)
def test_options_that_contradict_themselves_are_refused(pairs, message):
    """A field has one column, and both are named."""
    with pytest.raises(MappingError, match=message):
        with_columns(Mapping(), pairs)


def test_an_option_for_a_field_that_does_not_exist_is_refused_by_the_check():
    """What `--map` names is held to the same rules as a mapping file."""
    with pytest.raises(
        MappingError, match="'stat' in the mapping is no field of a component; nearest: state"
    ):
        check_mapping(with_columns(Mapping(), [("stat", "A")]), "component")
