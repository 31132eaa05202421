"""Import of parties and duties: who they are, what they answer for, and where."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import survey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from survey import (
    HAIYUNCANG,
    NEW,
    OLD,
    STREET,
    about,
    balance,
    column,
    contents,
    digest,
    rules,
    table,
    why,
)

from gridcity import City

CREDIT = "91350100M000100Y43"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city with areas and cells, a street office and a company; only to be copied."""
    folder = tmp_path_factory.mktemp("ready")
    city = survey.built(folder)
    rows = [
        {"code": "", "name": "北新桥街道办事处", "aliases": "北新桥办；街道办"},
        {"code": CREDIT, "name": "样例排水公司", "aliases": ""},
    ]
    city.import_parties(table(folder / "parties.csv", rows))
    return city


@pytest.fixture
def city(ready: City, tmp_path: Path) -> Iterator[City]:
    with survey.copied(ready, tmp_path / "city.gpkg") as opened:
        yield opened


def parties_in(city: City, folder: Path, *rows: dict[str, Any], **options: Any) -> Any:
    return city.import_parties(table(folder / "parties.csv", rows), **options)


DUTY = {
    "party_code": "",
    "party_name": "北新桥街道办事处",
    "role": "",
    "class_kind": "",
    "class_code": "",
    "class_name": "",
    "place_code": STREET,
    "since": "",
    "until": "",
    "priority": "",
}


def duty(**more: str) -> dict[str, str]:
    return DUTY | more


def duties_in(city: City, folder: Path, *rows: dict[str, Any], **options: Any) -> Any:
    return city.import_duties(table(folder / "duties.csv", rows), **options)


# Parties.


def test_party_is_known_by_code_else_by_name(city: City, tmp_path: Path) -> None:
    """A party with a code may be renamed, one without is its name; neither becomes a second party."""
    rows = [
        {"code": CREDIT, "name": "样例排水集团", "kind": "company"},
        {"code": "", "name": "北新桥街道办事处", "kind": "street"},
        {"code": "", "name": "新单位", "kind": ""},
    ]
    result = parties_in(city, tmp_path, *rows)
    assert balance(result) == (1, 2, 0, 0)
    assert city.store.rows("parties", ("fid", "code", "name", "kind")) == [
        (1, "", "北新桥街道办事处", "street"),
        (2, CREDIT, "样例排水集团", "company"),
        (3, "", "新单位", ""),
    ]
    assert balance(parties_in(city, tmp_path, *rows)) == (0, 0, 3, 0)


def test_party_keeps_its_code_when_a_file_has_none(city: City, tmp_path: Path) -> None:
    """A party delivered by name alone keeps the code it has; one without receives it later."""
    assert balance(parties_in(city, tmp_path, {"code": "", "name": "样例排水公司"})) == (0, 0, 1, 0)
    assert column(city, "parties", "code") == ["", CREDIT]
    result = parties_in(city, tmp_path, {"code": "B-7", "name": "北新桥街道办事处", "aliases": "街道办"})
    assert balance(result) == (0, 1, 0, 0)
    assert column(city, "parties", "code") == ["B-7", CREDIT]


def test_two_parties_of_one_name(city: City, tmp_path: Path) -> None:
    """Two codes with one name are two parties; a third row without a code is one of its own."""
    rows = [{"code": code, "name": "分公司", "kind": code} for code in ("A", "B", "")]
    assert balance(parties_in(city, tmp_path, *rows)) == (3, 0, 0, 0)
    before = contents(city, "parties")
    assert balance(parties_in(city, tmp_path, *rows)) == (0, 0, 3, 0)
    assert balance(parties_in(city, tmp_path, *reversed(rows))) == (0, 0, 3, 0)
    assert contents(city, "parties") == before


@pytest.mark.parametrize(
    ("code", "doubt"),
    [
        (CREDIT, ""),
        ("91350100M000100Y44", "wrong check digit"),
        ("B-7", ""),
        ("7E1", ""),
        ("1.11101E+17", "a spreadsheet made it a number"),
    ],
)
def test_credit_code_is_checked_and_kept(city: City, tmp_path: Path, code: str, doubt: str) -> None:
    """A wrong unified social credit code, or one that lost digits, is told and kept; other codes are free."""
    result = parties_in(city, tmp_path, {"code": code, "name": "甲"})
    assert code in column(city, "parties", "code")
    assert doubt in about(result, "credit-code").get(1, "")
    assert ("credit-code" in rules(result)) == bool(doubt)


PARTY = {"code": "", "name": "甲", "kind": "", "aliases": "", "since": "", "until": ""}
PLANTED_PARTIES = [
    ({"name": ""}, "name-missing"),
    ({"name": "无"}, "name-missing"),
    ({"since": "20241301"}, "date-malformed"),
    ({"until": "tomorrow"}, "date-malformed"),
    ({"since": "2024-02-01", "until": "2024-01-31"}, "period-order"),
    ({"since": "2024-02-01", "until": "2024-02-01"}, "period-order"),
]


@pytest.mark.parametrize(("defect", "rule"), PLANTED_PARTIES)
def test_one_defect_costs_one_party(city: City, tmp_path: Path, defect: dict[str, str], rule: str) -> None:
    """A party with one defect is rejected by its rule; the others are taken."""
    rows = [PARTY | {"name": "乙"}, PARTY | defect, PARTY | {"name": "丙"}]
    result = parties_in(city, tmp_path, *rows)
    assert balance(result) == (2, 0, 0, 1)
    assert why(result) == {2: rule}


def test_one_code_or_name_with_two_contents_costs_both(city: City, tmp_path: Path) -> None:
    """Rows that claim one code, or without codes one name, and differ are rejected naming each other."""
    rows = [
        PARTY | {"code": "A"},
        PARTY | {"code": "A", "name": "乙"},
        PARTY | {"kind": "x"},
        PARTY | {"kind": "y"},
    ]
    result = parties_in(city, tmp_path, *rows)
    assert why(result) == {1: "code-duplicate", 2: "code-duplicate", 3: "key-duplicate", 4: "key-duplicate"}
    assert about(result, "key-duplicate")[3] == "the key '甲' is also on row 4, with other content"


def test_no_party_code_is_none(city: City, tmp_path: Path) -> None:
    """Codes of eight zeros and 无 name nobody: parties with them are known by their names."""
    rows = [
        {"code": "00000000", "name": "甲"},
        {"code": "00000000", "name": "乙"},
        {"code": "无", "name": "丙"},
    ]
    assert balance(parties_in(city, tmp_path, *rows)) == (3, 0, 0, 0)
    assert column(city, "parties", "code")[2:] == ["", "", ""]


def test_texts_of_a_party_are_literal(city: City, tmp_path: Path) -> None:
    """Quotes, formulas and markup in names are stored as they are."""
    names = ["'); DROP TABLE parties; --", "=HYPERLINK(1)", "<img src=x onerror=alert(1)>", "100%s {0}"]
    parties_in(city, tmp_path, *[{"name": name, "aliases": '"'} for name in names])
    assert column(city, "parties", "name")[2:] == names


# Duties.


def test_duty_in_full(city: City, tmp_path: Path) -> None:
    """Every column of a duty reaches the store; the edition is that of the class."""
    row = duty(
        party_code=CREDIT,
        role="maintainer",
        class_name="雨水箅子",
        place_code=HAIYUNCANG,
        since="20240101",
        until="2025/12/31",
        priority="-2",
    )
    assert balance(duties_in(city, tmp_path, row)) == (1, 0, 0, 0)
    fields = ("party_code", "party_name", "role", "class_kind", "class_code", "edition", "place_code")
    assert city.store.rows("duties", fields) == [
        (CREDIT, "样例排水公司", "maintainer", "component", "01004", NEW, HAIYUNCANG)
    ]
    assert column(city, "duties", "class_name") == ["雨水箅子"]
    assert city.store.rows("duties", ("since", "until", "priority")) == [("2024-01-01", "2025-12-31", -2)]


CLASSES = [
    ({"class_name": "路灯"}, ("component", "01037", NEW)),
    ({"class_name": "Street lamp"}, ("component", "01037", NEW)),
    ({"class_name": "上水井盖"}, ("component", "0101", OLD)),
    ({"class_code": "01037"}, ("component", "01037", NEW)),
    ({"class_code": "0118"}, ("component", "0118", OLD)),
    ({"class_code": "01004", "class_name": "路灯"}, ("component", "01004", NEW)),
    ({"class_code": "01"}, ("component", "01", NEW)),
    ({"class_code": "01", "class_kind": "event"}, ("component", "01", NEW)),
    ({"class_code": "06", "class_kind": "event"}, ("event", "06", NEW)),
    ({"class_name": "暴露垃圾", "class_kind": "event"}, ("event", "06010", NEW)),
    ({"class_code": "01001", "class_kind": "event"}, ("component", "01001", NEW)),
    ({"class_name": "供水井盖异常", "class_kind": "event"}, ("component", "01001", NEW)),
    ({"class_name": "供水井盖异常", "class_kind": "事件"}, ("component", "01001", NEW)),
    ({"class_name": "路灯", "class_kind": "部件"}, ("component", "01037", NEW)),
    ({}, ("", "", "")),
]


@pytest.mark.parametrize(("stated", "expected"), CLASSES)
def test_class_of_a_duty(
    city: City, tmp_path: Path, stated: dict[str, str], expected: tuple[str, str, str]
) -> None:
    """A class is found by code or name, two digits are a major class; matters of components are theirs."""
    assert balance(duties_in(city, tmp_path, duty(**stated))) == (1, 0, 0, 0)
    assert city.store.rows("duties", ("class_kind", "class_code", "edition")) == [expected]


def test_roles_in_english_and_chinese(city: City, tmp_path: Path) -> None:
    """A role is one of four in English, in any case, or a Chinese word; without one it is the handler's."""
    words = ["", "handler", "处置", "属地", "Maintainer", "养护", "养护单位"]
    words += ["owner", "权属", "权属单位", "SUPERVISOR", "主管", "主管部门"]
    rows = [duty(role=word, since=f"2024-01-{i:02d}") for i, word in enumerate(words, 1)]
    assert balance(duties_in(city, tmp_path, *rows)) == (len(words), 0, 0, 0)
    roles = column(city, "duties", "role")
    assert roles == ["handler"] * 4 + ["maintainer"] * 3 + ["owner"] * 3 + ["supervisor"] * 3
    refused = duties_in(city, tmp_path, duty(role="boss"))
    assert refused.rejected[0].message == (
        "'boss' is no role of a duty; possible: "
        "handler, maintainer, owner, supervisor, 处置, 属地, 养护, 权属, 主管, 养护单位, 权属单位, 主管部门"
    )


def test_duty_of_a_class_holds_in_every_edition(city: City, tmp_path: Path) -> None:
    """A duty for a class of the newer edition answers for the component of that name of the older one."""
    lamps = [{"shape": survey.spot(0.5, 0.5), "class_name": "路灯", "code": "1101010118000005"}]
    city.import_components(survey.features(tmp_path / "lamps.geojson", lamps))
    duties_in(city, tmp_path, duty(party_code=CREDIT, party_name="", class_code="01037"))
    place = survey.spot(0.5, 0.5).coords[0]
    for asked in ("路灯", "01037", "0118"):
        found = city.locate(*place, class_text=asked)
        assert (found.step, found.party_code) == ("duty", CREDIT)
        assert city.locate_many([place[0]], [place[1]], class_text=asked)["party_code"].tolist() == [CREDIT]
    assert city.locate(*place, class_text="路灯").component_code == "1101010118000005"


@pytest.mark.parametrize(
    "named",
    [
        {"party_name": "北新桥街道办事处"},
        {"party_name": "北新桥办"},
        {"party_name": "街道办"},
        {"party_code": "unknown", "party_name": "街道办"},
        {"party_code": "00000000", "party_name": "街道办"},
    ],
)
def test_party_by_code_name_or_alias(city: City, tmp_path: Path, named: dict[str, str]) -> None:
    """The party of a duty is found by its code, else by its name or one of its aliases."""
    assert balance(duties_in(city, tmp_path, duty(**named))) == (1, 0, 0, 0)
    assert column(city, "duties", "party_name") == ["北新桥街道办事处"]


PLANTED_DUTIES = [
    ({"party_name": "没有此单位"}, "party-unknown"),
    ({"party_name": ""}, "party-unknown"),
    ({"party_name": "", "party_code": "没有"}, "party-unknown"),
    ({"place_code": "110101999"}, "place-unknown"),
    ({"place_code": f"{HAIYUNCANG}999"}, "place-unknown"),
    ({"class_name": "没有此类"}, "class-unknown"),
    ({"class_code": "99"}, "class-unknown"),
    ({"class_name": "路灯", "class_kind": "event"}, "class-unknown"),
    ({"class_name": "路灯", "class_kind": "人员"}, "class-unknown"),
    ({"role": "boss"}, "role-unknown"),
    ({"role": "处置单位"}, "role-unknown"),
    ({"priority": "first"}, "number-malformed"),
    ({"priority": "1,50"}, "number-malformed"),
    ({"priority": "1.5"}, "number-malformed"),
    ({"priority": "-"}, "number-malformed"),
    ({"priority": "****"}, "number-malformed"),
    ({"since": "2024-13-01"}, "date-malformed"),
    ({"since": "2024-02-01", "until": "2024-01-31"}, "period-order"),
]


@pytest.mark.parametrize(("defect", "rule"), PLANTED_DUTIES)
def test_one_defect_costs_one_duty(city: City, tmp_path: Path, defect: dict[str, str], rule: str) -> None:
    """A duty with one defect is rejected by its rule and kept whole; the others are taken."""
    rows = [duty(since="2021-01-01"), duty(**defect), duty(since="2022-01-01")]
    result = duties_in(city, tmp_path, *rows)
    assert balance(result) == (2, 0, 0, 1)
    assert why(result) == {2: rule}
    assert result.rejected[0].record == rows[1]


def test_unknown_class_names_the_nearest(city: City, tmp_path: Path) -> None:
    """The message of an unknown class names the editions looked in and the classes nearest to it."""
    result = duties_in(city, tmp_path, duty(class_name="雨水箅"))
    message = result.rejected[0].message
    assert message.startswith(f"'雨水箅' is no class of {NEW} or {OLD}; nearest: 雨水箅子")
    (of_event,) = duties_in(city, tmp_path, duty(class_name="暴露垃圾")).rejected
    assert "; nearest: 暴露垃圾 of kind event" in of_event.message


def test_place_is_a_cell_an_area_or_the_city(city: City, tmp_path: Path) -> None:
    """A duty without a place is for the whole city; cells, communities and streets are places too."""
    places = ["", "110101", STREET, HAIYUNCANG, f"{HAIYUNCANG}001"]
    result = duties_in(city, tmp_path, *[duty(place_code=place) for place in places])
    # The first two are one duty.
    assert balance(result) == (4, 0, 1, 0)
    assert column(city, "duties", "place_code") == places[1:]


def test_expired_period_is_kept(city: City, tmp_path: Path) -> None:
    """A duty whose period is over is part of the history and taken without a doubt."""
    result = duties_in(city, tmp_path, duty(since="2010-01-01", until="2012-12-31"))
    assert (balance(result), rules(result)) == ((1, 0, 0, 0), {})
    assert column(city, "duties", "role") == ["handler"]


def test_end_and_priority_may_change(city: City, tmp_path: Path) -> None:
    """A duty is party, role, class, place and beginning; its end and priority may be delivered anew."""
    duties_in(city, tmp_path, duty(since="2024-01-01"))
    changed = duty(since="2024-01-01", until="2025-01-01", priority="3")
    assert balance(duties_in(city, tmp_path, changed)) == (0, 1, 0, 0)
    assert balance(duties_in(city, tmp_path, changed)) == (0, 0, 1, 0)
    assert city.store.rows("duties", ("until", "priority")) == [("2025-01-01", 3)]


def test_one_duty_with_two_ends_costs_both(city: City, tmp_path: Path) -> None:
    """Rows that are one duty and end on different days are rejected naming each other."""
    rows = [duty(until="2024-12-31"), duty(until="2025-12-31")]
    result = duties_in(city, tmp_path, *rows)
    assert why(result) == {1: "key-duplicate", 2: "key-duplicate"}
    assert (
        about(result, "key-duplicate")[1] == "the key '北新桥街道办事处' is also on row 2, with other content"
    )


def test_dry_run_writes_nothing(city: City, tmp_path: Path) -> None:
    """Dry runs of parties and duties leave every byte of the file."""
    before = digest(city.path)
    assert balance(parties_in(city, tmp_path, {"name": "甲"}, dry_run=True)) == (1, 0, 0, 0)
    assert balance(duties_in(city, tmp_path, duty(), dry_run=True)) == (1, 0, 0, 0)
    assert digest(city.path) == before


def mostly(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from([values[0]] * 3 + list(values))


PARTY_ROWS = st.fixed_dictionaries(
    {
        "code": mostly("", "A", "B", CREDIT, "00000000"),
        "name": mostly("甲", "乙", "样例排水公司", ""),
        "kind": mostly("", "x"),
        "aliases": mostly("", "丙;丁"),
        "since": mostly("", "2024-01-01", "x"),
        "until": mostly("", "2023-01-01"),
    }
)
DUTY_ROWS = st.fixed_dictionaries(
    {
        "party_code": mostly("", CREDIT, "x"),
        "party_name": mostly("街道办", "样例排水公司", "谁", ""),
        "class_name": mostly("", "路灯", "没有此类"),
        "place_code": mostly("", STREET, "x"),
        "since": mostly("", "2024-01-01", "x"),
        "until": mostly("", "2023-01-01", "2025-01-01"),
        "priority": mostly("", "1", "x"),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.tuples(st.just("parties"), st.lists(PARTY_ROWS, min_size=1, max_size=6)),
        st.tuples(st.just("duties"), st.lists(DUTY_ROWS, min_size=1, max_size=6)),
    ),
    st.randoms(use_true_random=False),
)
def test_balance_holds_for_every_table(
    ready: City, tmp_path: Path, given_rows: tuple[str, list[dict[str, str]]], chance: random.Random
) -> None:
    """read = added + changed + unchanged + rejected; twice changes nothing; order decides no rejection."""
    kind, rows = given_rows
    path = table(tmp_path / "rows.csv", rows)
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        take = city.import_parties if kind == "parties" else city.import_duties
        first = take(path)
        counts, before = balance(first), contents(city, kind)
        second = take(path)
        assert balance(second)[:2] == (0, 0)
        assert (why(second), contents(city, kind)) == (why(first), before)
    order = list(range(len(rows)))
    chance.shuffle(order)
    shuffled = table(tmp_path / "shuffled.csv", [rows[i] for i in order])
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        other = (city.import_parties if kind == "parties" else city.import_duties)(shuffled)
        assert balance(other) == counts
        assert {order[row - 1] + 1: rule for row, rule in why(other).items()} == why(first)


def test_a_duty_without_a_place_answers_in_every_district_of_the_city(tmp_path: Path) -> None:
    """The city's own six digits are asked last, also where a point lies in another district."""
    with City.create(tmp_path / "city.gpkg", survey.profile()) as city:
        district = {"shape": survey.square(0, 0, 2, 2), "code": "110102", "name": "西城区"}
        city.import_areas(survey.features(tmp_path / "district.geojson", [district]))
        street = {"shape": survey.square(0, 0), "code": "110102001", "name": "西长安街街道"}
        city.import_areas(survey.features(tmp_path / "street.geojson", [street]))
        city.import_parties(survey.table(tmp_path / "parties.csv", [{"name": "样例城管委"}]))
        city.import_duties(survey.table(tmp_path / "duties.csv", [{"party_name": "样例城管委"}]))
        spot = survey.spot(0.5, 0.5)
        placement = city.locate(spot.x, spot.y)
        assert (placement.district_code, placement.party_name, placement.step) == (
            "110102",
            "样例城管委",
            "territory",
        )
        assert city.locate_many([spot.x], [spot.y])["party_name"].tolist() == ["样例城管委"]
