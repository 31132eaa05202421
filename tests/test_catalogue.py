"""The catalogue: its tables are whole, and names and codes find each other."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridcity import catalogue as cat
from gridcity import codes
from gridcity.errors import ArgumentError, CodeError, ProfileError

DATA = Path(__file__).parents[1].parent / "shared" / "data"
STANDARDS = Path(cat.__file__).parents[1] / "standards"
STATUS = {"confirmed", "one source", "inferred", "provisional"}
NEW, OLD, DRAFT = "gbt47678.5-2026", "cjt214-2007", "gbt30428.2-2013"

pytestmark = pytest.mark.filterwarnings("ignore::gridcity.codes.ProvisionalEditionWarning")


# The tables


@pytest.mark.parametrize(
    ("edition", "components", "events", "component_majors", "event_majors"),
    [(OLD, 85, 54, 6, 5), (DRAFT, 138, 70, 5, 4), (NEW, 153, 250, 5, 10)],
)
def test_numbers_of_classes(
    edition: str, components: int, events: int, component_majors: int, event_majors: int
) -> None:
    """Each edition has the numbers of classes its README states."""
    classes = cat.catalogue(edition)
    kinds = [entry.kind for entry in classes.entries]
    assert (kinds.count("component"), kinds.count("event")) == (components, events)
    assert len(classes.majors("component")) == component_majors
    assert len(classes.majors("event")) == event_majors


@pytest.mark.parametrize("edition", codes.EDITIONS)
def test_classes_are_whole(edition: str) -> None:
    """Every class has a code of its edition's width, a name, a known status, an origin, and is there once."""
    classes = cat.catalogue(edition)
    width = codes.edition(edition).class_digits
    for entry in classes.entries:
        assert entry.code == entry.major_code + entry.minor_code
        assert entry.code.isdigit() and len(entry.code) == width
        assert entry.zh.strip("? ") and entry.source and entry.major_zh
        assert entry.status in STATUS
        assert (entry.status == "provisional") == (edition == DRAFT)
        assert entry.geometry in ("", "point", "line", "polygon")
        assert classes.find(entry.code, entry.kind) is entry
        assert entry in classes.named(entry.zh, entry.kind)
    assert len({(entry.kind, entry.code) for entry in classes.entries}) == len(classes.entries)


@pytest.mark.parametrize("file", sorted(STANDARDS.rglob("*.csv")), ids=lambda file: file.name)
def test_tables_are_clean(file: Path) -> None:
    """No cell of a shipped table has blanks around it, and every row has every column."""
    rows = list(csv.reader(file.open(encoding="utf-8", newline="")))
    assert all(len(row) == len(rows[0]) for row in rows)
    assert all(cell == cell.strip() for row in rows for cell in row)


def test_matters_mirror_components() -> None:
    """In the 2026 edition every component class has the matter class of the same code: its name and 异常."""
    classes = cat.catalogue(NEW)
    components = [entry for entry in classes.entries if entry.kind == "component"]
    matters = [classes.find(entry.code, "event") for entry in components]
    assert all(matter is not None for matter in matters)
    same = sum(
        matter.zh == entry.zh + "异常" for entry, matter in zip(components, matters, strict=True) if matter
    )
    assert same >= len(components) - 1


def test_one_code_two_meanings() -> None:
    """The same digits name different classes in different editions."""
    assert cat.catalogue(OLD).find("0118").zh == "路灯"  # type: ignore[union-attr]
    assert cat.catalogue(DRAFT).find("0118").zh != "路灯"  # type: ignore[union-attr]
    assert cat.catalogue(NEW).find("01037").zh == "路灯"  # type: ignore[union-attr]
    assert cat.catalogue(OLD).find("01037") is None
    assert cat.catalogue(OLD).find("0401", "event").zh == "路面塌陷"  # type: ignore[union-attr]


def test_provisional_tables_warn_once() -> None:
    """The reconstructed tables warn once per run; the others and the bare layout never do."""
    program = (
        "import warnings; from gridcity import catalogue as c, codes\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        f"    codes.parse('1101010698000005', '{DRAFT}'); c.catalogue('{NEW}'); c.states('{DRAFT}')\n"
        f"    before = len(seen); c.catalogue('{DRAFT}'); c.catalogue('{DRAFT}')\n"
        "print(before, [w.category.__name__ for w in seen])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0 ['ProvisionalEditionWarning']"


def test_unknown_edition() -> None:
    """An unknown edition is refused, not treated as empty."""
    with pytest.raises(CodeError, match="no edition 'x'"):
        cat.catalogue("x")


# Finding classes


@pytest.mark.parametrize(
    "text", ["燃气调压站（箱）", " 燃气调压站(箱) ", "GAS PRESSURE-REGULATING STATION (BOX)"]
)
def test_named_ignores_width_case_and_blanks(text: str) -> None:
    """A name is found with full-width or plain brackets, in any case, in both languages."""
    listed = cat.catalogue(OLD).find("0135")
    assert listed is not None
    wanted = listed.en if text.isascii() else text
    assert cat.catalogue(OLD).named(wanted.upper() if text.isascii() else text) == (listed,)


def test_named_wants_the_whole_name() -> None:
    """A part of a name is no name."""
    assert cat.catalogue(NEW).named("井盖") == ()
    assert cat.catalogue(NEW).named("") == ()


def test_search_order() -> None:
    """A search gives equal names first, then beginnings, then the rest; every word must occur."""
    found = cat.catalogue(NEW).search("路灯")
    assert found[0].zh == "路灯"
    begins = [entry.zh.startswith("路灯") for entry in found]
    assert begins == sorted(begins, reverse=True)
    assert all("路灯" in entry.zh for entry in found)
    assert {e.code for e in cat.catalogue(NEW).search("manhole sewage", "component")} == {"01002"}
    assert cat.catalogue(NEW).search("01037", "component")[0].zh == "路灯"
    assert cat.catalogue(NEW).search("  ") == ()
    majors = {entry.major_zh for entry in cat.catalogue(NEW).search("园林绿化设施", "component")}
    assert majors == {"园林绿化设施"}


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("路登", "路灯"), ("污水井蓋", "污水井盖"), ("street lamps", "路灯"), ("0137", "路灯")],
)
def test_nearest(text: str, nearest: str) -> None:
    """A misspelt name or a code with a digit lost has the right class among its three suggestions."""
    found = cat.catalogue(NEW).nearest(text, "component")
    assert nearest in [entry.zh for entry in found]
    assert len(found) <= 3


# Local classes


def test_local_class() -> None:
    """A local class is found beside the standard's, in its place, with status local."""
    local = cat.extension("component", OLD, "0698", "文物古迹", "Historic relic", "polygon")
    classes = cat.catalogue(OLD, (local,))
    assert classes.find("0698") is local
    assert (local.status, local.major_zh, local.minor_code) == ("local", "其他设施", "98")
    assert len(classes.entries) == len(cat.catalogue(OLD).entries) + 1
    assert cat.catalogue(OLD).find("0698") is None
    assert cat.catalogue(NEW, (local,)) is cat.catalogue(NEW)
    component_codes = [entry.code for entry in classes.entries if entry.kind == "component"]
    assert component_codes == sorted(component_codes)


def test_local_codes_count_down() -> None:
    """Free local minors count down from 99 or 999, past those taken; new majors count up from 21."""
    assert cat.catalogue(OLD).next_minor("06", "component") == "99"
    assert cat.catalogue(NEW).next_minor("06", "event") == "999"
    taken = (
        cat.extension("component", OLD, "0699", "一"),
        cat.extension("component", OLD, "2101", "二", major_name="扩展部件"),
    )
    assert cat.catalogue(OLD, taken).next_minor("06", "component") == "98"
    assert cat.catalogue(OLD, taken).next_major("component") == "22"
    assert cat.catalogue(OLD).next_major("event") == "21"
    assert cat.catalogue(OLD, taken).majors("component")[-1] == ("21", "扩展部件", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("component", NEW, "", "花架"),
            r"花架: the class has no code; it needs 5 digits.*01 市政公用设施: 01999.*or 21001",
        ),
        (
            ("component", NEW, "0199", "花架"),
            r"'0199' is no class code of gbt47678.5-2026; it needs 5 digits",
        ),
        (("component", OLD, "01999", "花架"), r"it needs 4 digits.*0199"),
        (("component", NEW, "01037", "花架"), r"01037 is 路灯 in gbt47678.5-2026.*01999"),
        (("thing", NEW, "01999", "花架"), r"'thing' is no kind.*component, event"),
        (("component", "x", "01999", "花架"), r"no edition 'x'"),
        (("component", NEW, "01999", "花架", "", "solid"), r"'solid' is no geometry"),
    ],
)
def test_wrong_local_classes(arguments: tuple[str, ...], message: str) -> None:
    """A local class that contradicts its edition is refused, with a code that is free."""
    with pytest.raises(ProfileError, match=message):
        cat.extension(*arguments)


def test_suggested_code_is_free_beside_other_local_classes() -> None:
    """The code a refusal suggests is none that another local class has."""
    one = cat.extension("component", NEW, "01999", "一")
    for code, name in (("", "二"), ("01037", "二")):
        with pytest.raises(ProfileError, match="01998"):
            cat.extension("component", NEW, code, name, others=(one,))


def test_local_classes_must_differ() -> None:
    """Two local classes with one code are refused; a class the standard has already is the standard's."""
    one, two = (cat.extension("component", NEW, "01999", name) for name in ("一", "二"))
    with pytest.raises(ProfileError, match=r"01999 .* is named twice: 一 and 二"):
        cat.catalogue(NEW, (one, two))
    lamp = cat.extension("component", NEW, "01037", "路灯")
    assert lamp.status == "one source"
    assert cat.catalogue(NEW, (lamp,)) is cat.catalogue(NEW)


# Columns and states


def test_fields_of_the_editions() -> None:
    """The national names of every edition, in pinyin and Chinese, lead to their fields in any case."""
    fields = cat.fields("component")
    for name, field in [
        ("GLBJBSM", "code"), ("管理部件标识码", "code"), ("OBJID", "code"), ("objcode", "code"),
        ("DEPTNAME1", "supervisor_name"), ("DeptCode2", "owner_code"), ("YHDWMC", "maintainer_name"),
        ("BGCODE", "cell_code"), ("ORDATE", "initial_date"), ("BZ", "note"), ("owner", "owner_name"),
        ("所在街道（镇、乡）代码", "street_code"), ("所在街道(镇、乡)代码", "street_code"),
    ]:  # fmt: skip
        assert fields[name.casefold()] == field
    assert cat.fields("cell")["bgcode"] == "code"
    assert cat.fields("duty")["优先级"] == "priority"
    with pytest.raises(ArgumentError, match=r"Possible: component, cell, area, party, duty"):
        cat.fields("lamp")


def test_no_column_fills_two_fields() -> None:
    """Within one kind of record a column name stands once in the table."""
    rows = list(csv.DictReader((STANDARDS / "fields.csv").open(encoding="utf-8", newline="")))
    names = [(row["kind"], row["name"].casefold()) for row in rows]
    assert len(set(names)) == len(names)
    editions = {edition for row in rows for edition in row["editions"].split(";")} - {""}
    assert editions == set(codes.EDITIONS)
    assert {row["status"] for row in rows} <= STATUS | {"seen in data", "own"}


def test_dongcheng_columns_are_known() -> None:
    """The national columns of a real survey are all recognised."""
    file = DATA / "dongcheng" / "bujian_relics_area_gcj02.geojson"
    if not file.exists():
        pytest.skip("the Dongcheng survey is not here")
    columns = json.loads(file.read_text("utf-8"))["features"][0]["properties"]
    known = {cat.fields("component").get(column.casefold()) for column in columns}
    assert known >= {
        "code", "name", "supervisor_code", "supervisor_name", "owner_code", "owner_name", "maintainer_code",
        "maintainer_name", "cell_code", "state", "initial_date", "changed_date", "data_source", "note",
    }  # fmt: skip


def test_states() -> None:
    """States are the texts of their edition; the oldest has 占用 besides."""
    assert cat.states(NEW) == ("完好", "破损", "丢失", "废弃", "移除")
    assert cat.states(OLD) == (*cat.states(NEW), "占用")
    with pytest.raises(CodeError, match="no edition"):
        cat.states("x")


# Areas


def test_area_list_equals_its_source() -> None:
    """The packed list gives back every code and name of its source, and nothing else."""
    folder = DATA / "admin-codes"
    if not folder.exists():
        pytest.skip("the source of the area list is not here")
    source: dict[str, str] = {}
    for file in folder.glob("*.csv.gz"):
        text = gzip.decompress(file.read_bytes()).decode("utf-8")
        source.update((row["code"], row["name"]) for row in csv.DictReader(io.StringIO(text)))
    assert len(source) == 53_026
    assert {code: cat.area_name(code) for code in source} == source
    below = [""]
    walked: dict[str, str] = {}
    while below:
        children = [pair for code in below for pair in cat.areas_below(code)]
        walked.update(children)
        below = [code for code, _ in children]
    assert walked == source


def test_areas_outside_the_list() -> None:
    """An unlisted code has no name and nothing below it, whatever its length."""
    for code in ("999001", "110101999", "1101", "1", "", "x" * 12):
        name = cat.area_name(code)
        assert name == ("市辖区" if code == "1101" else None)
    assert cat.areas_below("999001") == ()
    assert cat.areas_below("110101005001") == ()
    assert cat.area_name("441900") == "东莞市"
    assert cat.areas_below("441900")[0] == ("441900003", "东城街道")


def delivered(file: str) -> list[str]:
    path = DATA / "dongcheng" / file
    if not path.exists():
        pytest.skip("the Dongcheng areas are not here")
    return [feature["properties"]["name"] for feature in json.loads(path.read_text("utf-8"))["features"]]


def test_dongcheng_streets_match() -> None:
    """All 17 streets of Dongcheng as delivered match: 14 by name, 3 by the aliases of the city."""
    aliases = {"崇外": "崇文门外", "体育馆": "体育馆路", "永定门": "永定门外"}
    names = delivered("streets_17_gcj02.geojson")
    matches = [cat.match_area(name, "110101", aliases) for name in names]
    assert sorted(match.code or "" for match in matches) == [code for code, _ in cat.areas_below("110101")]
    assert [match.how for match in matches].count("exact") == 14
    bare = [cat.match_area(name, "110101") for name in names]
    assert sum(match.code is None for match in bare) == 3


def test_dongcheng_communities_match() -> None:
    """9 of 12 communities match in their whole district and in their street; 3 are not in the list."""
    names = delivered("beixinqiao_communities_12_gcj02.geojson")
    matches = {name: cat.match_area(name, "110101", level="community") for name in names}
    assert {name for name, match in matches.items() if match.code is None} == {"北宫厅", "藏经馆", "十三条"}
    assert all(match.code is None or match.code.startswith("110101005") for match in matches.values())
    assert {name: cat.match_area(name, "110101005").code for name in names} == {
        name: match.code for name, match in matches.items()
    }
    assert matches["北宫厅"].nearest[0][1] == "北官厅社区居委会"


@pytest.mark.parametrize(
    ("name", "within", "aliases", "code", "how"),
    [
        ("北新桥街道", "110101", {}, "110101005", "exact"),
        ("北新桥", "110101", {}, "110101005", "stem"),
        (" 北新桥 街道办事处", "110101", {}, "110101005", "stem"),
        ("崇外街道", "110101", {"崇外": "崇文门外"}, "110101012", "alias"),
        ("崇外", "110101", {"崇外街道": "崇文门外街道"}, "110101012", "alias"),
        ("崇外", "110101", {"崇文门外": "崇外"}, "110101012", "alias"),
        ("东城", "1101", {}, None, "none"),
        ("东城区", "1101", {}, "110101", "exact"),
        ("街道", "110101", {}, None, "none"),
        ("", "110101", {}, None, "none"),
        ("北新桥", "999001", {}, None, "none"),
    ],
)
def test_match_area(name: str, within: str, aliases: dict[str, str], code: str | None, how: str) -> None:
    """A delivered name matches whole, without its kind of unit, or through an alias in either direction."""
    match = cat.match_area(name, within, aliases)
    assert (match.code, match.how) == (code, how)
    assert match.name == (cat.area_name(code) if code else "")


def test_two_areas_of_one_name_are_no_match() -> None:
    """A name that two communities of a district have is not decided; both are named."""
    stems: dict[str, list[str]] = {}
    for street, _ in cat.areas_below("110105"):
        for code, name in cat.areas_below(street):
            stems.setdefault(name, []).append(code)
    name, twins = next((name, found) for name, found in stems.items() if len(found) > 1)
    match = cat.match_area(name, "110105", level="community")
    assert (match.code, match.how) == (None, "ambiguous")
    assert match.nearest == tuple((code, name) for code in twins)
    assert cat.match_area(name, twins[0][:9]).code == twins[0]


@pytest.mark.parametrize(
    ("within", "level"), [("110101", "district"), ("110101005001", None), ("110101", "lamp")]
)
def test_match_area_looks_downwards(within: str, level: str | None) -> None:
    """A level that does not lie below the area is an error of the call."""
    with pytest.raises(ArgumentError, match="can be looked for within"):
        cat.match_area("北新桥", within, level=level)


@given(st.sampled_from(cat.areas_below("110101")), st.sampled_from(["", "街道", "街道办事处"]))
def test_every_street_is_found_by_its_stem(street: tuple[str, str], suffix: str) -> None:
    """Each street of a district is found by its stem with any word for its kind of unit."""
    code, name = street
    assert cat.match_area(name.removesuffix("街道") + suffix, "110101").code == code
