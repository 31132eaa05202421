"""Who must answer: every step of the chain, alone and against the others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.model import NO_PARTY, Duty, Party
from gridcity.profile import COMPONENT_STEPS, EVENT_STEPS, STEPS
from gridcity.responsibility import (
    BODIES,
    NOBODY,
    REASONS,
    Answer,
    Concerned,
    Decision,
    Duties,
    Klass,
    Parties,
    Roles,
    Situation,
    decide,
    roles_of,
)

EDITION = "gbt47678.5-2026"
COVER, LAMP = Klass("component", EDITION, "01002"), Klass("component", EDITION, "01037")
CELL, COMMUNITY, STREET, DISTRICT = "110101005001001", "110101005001", "110101005", "110101"
PLACES = (CELL, COMMUNITY, STREET, DISTRICT)
TODAY = "2026-03-01"
NO_ROLES = Roles(("", ""), ("", ""), ("", ""))


def party(number: int, name: str, **more: Any) -> Party:
    plain = Party(number, f"C{number}", name, "", (), "", "", "")
    return plain._replace(**more)


def duty(number: int, place: str, klass: Klass | None = None, **more: Any) -> Duty:
    kind, edition, code, name = klass or ("", "", "", "")
    plain = Duty(number, "", f"D{number}", "handler", kind, code, name, edition, place, "", "", 0)
    return plain._replace(**more)


def resolve(
    *rows: Party | Duty,
    roles: Roles | None = None,
    klass: Klass | None = COVER,
    places: tuple[str, ...] = PLACES,
    polygons: tuple[int, ...] = (),
    condition: str = "",
    code: str = "",
    steps: tuple[str, ...] | None = None,
    on: str = TODAY,
    whole: bool = False,
) -> Decision:
    return decide(
        Situation(Concerned(code, roles) if roles else None, places, polygons, klass, condition),
        parties=Parties([row for row in rows if isinstance(row, Party)]),
        duties=Duties([row for row in rows if isinstance(row, Duty)]),
        chains=(COMPONENT_STEPS, EVENT_STEPS) if steps is None else (steps, steps),
        on=on,
        whole=whole,
    )


def ask(*rows: Party | Duty, **more: Any) -> tuple[Answer, Answer]:
    found = resolve(*rows, **more)
    return found.first, found.second


def first(*rows: Party | Duty, **more: Any) -> tuple[str, str]:
    """Name and step of the answer."""
    answer = ask(*rows, **more)[0]
    return answer.name, answer.step


ALL = Roles(("", "养护"), ("", "权属"), ("", "主管"))
BOTH_DUTIES = (duty(1, STREET, COVER), duty(2, STREET))


# The chain.


@pytest.mark.parametrize(
    "roles, klass, rows, answer, following",
    [
        (ALL, COVER, BOTH_DUTIES, ("养护", "maintainer"), ("权属", "owner")),
        (ALL._replace(maintainer=("", "")), COVER, BOTH_DUTIES, ("权属", "owner"), ("主管", "supervisor")),
        (Roles(("", ""), ("", ""), ("", "主管")), COVER, BOTH_DUTIES, ("主管", "supervisor"), ("D1", "duty")),
        (NO_ROLES, COVER, BOTH_DUTIES, ("D1", "duty"), ("D2", "territory")),
        (None, COVER, BOTH_DUTIES, ("D1", "duty"), ("D2", "territory")),
        (None, None, BOTH_DUTIES, ("D2", "territory"), ("", "none")),
        (None, LAMP, BOTH_DUTIES, ("D2", "territory"), ("", "none")),
        (None, LAMP, BOTH_DUTIES[:1], ("", "none"), ("", "none")),
        (ALL, None, (), ("养护", "maintainer"), ("权属", "owner")),
        (None, None, (), ("", "none"), ("", "none")),
    ],
)
def test_every_step(roles: Any, klass: Any, rows: Any, answer: Any, following: Any) -> None:
    """Each step answers where no earlier one does, the next one with another party is next, then nobody."""
    one, two = ask(*rows, roles=roles, klass=klass)
    assert ((one.name, one.step), (two.name, two.step)) == (answer, following)
    if one.step == "none":
        assert (one, two) == (NOBODY, NOBODY) == (Answer("", "", "none"),) * 2


def test_order_of_the_profile() -> None:
    """The steps are tried in the order given, and a step left out is not tried."""
    assert first(*BOTH_DUTIES, roles=ALL, steps=("territory", "owner")) == ("D2", "territory")
    assert first(*BOTH_DUTIES, roles=ALL, steps=("supervisor", "maintainer")) == ("主管", "supervisor")
    assert ask(*BOTH_DUTIES, roles=ALL, steps=("owner",)) == (Answer("", "权属", "owner"), NOBODY)
    assert ask(*BOTH_DUTIES, roles=ALL, steps=()) == (NOBODY, NOBODY)


def test_next_is_another_party() -> None:
    """A party that answers twice is not its own successor."""
    roles = Roles(("", "排水"), ("C1", ""), ("", "水务"))
    company = party(1, "排水公司", aliases=("排水",))
    one, two = ask(company, roles=roles)
    assert (one, two) == (Answer("C1", "排水公司", "maintainer"), Answer("", "水务", "supervisor"))


# Who is nobody.


@pytest.mark.parametrize("nobody", sorted(NO_PARTY))
def test_no_party(nobody: str) -> None:
    """Blank, 无 and 00000000 as code or name name nobody; with one of them blank the other counts."""
    assert first(roles=Roles((nobody, nobody), ("", "权属"), ("", ""))) == ("权属", "owner")
    assert first(roles=Roles((nobody, "养护"), ("", "权属"), ("", ""))) == ("养护", "maintainer")
    assert ask(party(7, "七"), roles=Roles(("C7", nobody), ("", ""), ("", "")))[0].name == "七"
    # Not even where a party is called so.
    assert first(party(7, nobody or "x"), roles=Roles((nobody, nobody), ("", "权属"), ("", "")))[0] == "权属"


def test_parties_are_found_by_code_name_and_alias() -> None:
    """The code decides before the name; spaces and case do not count; a stranger stays as surveyed."""
    known = (party(1, "北京 排水集团", aliases=("BDC", "排水")), party(2, "燃气"))
    cases = {
        ("C1", "燃气"): ("C1", "北京 排水集团"),
        ("", "北京排水集团"): ("C1", "北京 排水集团"),
        ("", "bdc"): ("C1", "北京 排水集团"),
        ("C9", "燃气"): ("C2", "燃气"),
        ("C9", "陌生"): ("C9", "陌生"),
        ("", "陌生"): ("", "陌生"),
    }
    for named, expected in cases.items():
        assert ask(*known, roles=Roles(named, ("", ""), ("", "")))[0][:2] == expected


@pytest.mark.parametrize(
    "on, answer",
    [
        ("2025-12-31", "owner"),
        ("2026-01-01", "maintainer"),  # the first day
        ("2026-05-31", "maintainer"),
        ("2026-06-01", "owner"),  # until is the first day it no longer holds
    ],
)
def test_period_of_a_party(on: str, answer: str) -> None:
    """A known party answers from its first day on and no longer on the day it ends."""
    known = party(1, "养护", since="2026-01-01", until="2026-06-01")
    assert first(known, roles=ALL, on=on)[1] == answer


def test_successor_of_the_same_name() -> None:
    """Of two parties with one name the one that is valid that day answers; of two valid the oldest."""
    old = party(1, "养护", until="2026-01-01")
    new = party(2, "养护", since="2026-01-01")
    assert ask(old, new, roles=ALL, on="2025-06-01")[0].code == "C1"
    assert ask(old, new, roles=ALL, on="2026-06-01")[0].code == "C2"
    assert ask(new, old._replace(until=""), roles=ALL, on="2026-06-01")[0].code == "C1"


# Duties.


@pytest.mark.parametrize(
    "on, answer", [("2025-12-31", "D2"), ("2026-01-01", "D1"), ("2026-05-31", "D1"), ("2026-06-01", "D2")]
)
def test_period_of_a_duty(on: str, answer: str) -> None:
    """A duty holds from its first day on and no longer on the day it ends; then the wider place has it."""
    dated = duty(1, STREET, COVER, since="2026-01-01", until="2026-06-01")
    assert first(dated, duty(2, DISTRICT, COVER), on=on)[0] == answer


def test_finest_place_first() -> None:
    """Cell, community, street, district: the finest place that has a duty decides, priority or not."""
    rows = [duty(i, place, COVER, priority=9 - i) for i, place in enumerate(reversed(PLACES), 1)]
    for end, answer in ((4, "D4"), (3, "D3"), (2, "D2"), (1, "D1")):
        assert first(*rows[:end])[0] == answer
    territories = [duty(i, place) for i, place in enumerate(reversed(PLACES), 1)]
    assert first(*territories) == ("D4", "territory")
    assert first(*territories, places=("", "", STREET, DISTRICT)) == ("D2", "territory")


def test_place_without_a_code() -> None:
    """A duty that names no place answers nowhere; a cell without code is passed over."""
    assert first(duty(1, "", COVER), places=("", "", "", "")) == ("", "none")
    assert first(duty(1, "", COVER), duty(2, STREET, COVER), places=("", "", STREET, "")) == ("D2", "duty")


def test_class_before_major_class_before_others() -> None:
    """At one place the duty for the class comes before that for its major class, whatever the priority."""
    major = COVER._replace(code="01")
    rows = (duty(1, STREET, major, priority=-5), duty(2, STREET, COVER), duty(3, STREET, LAMP, priority=-9))
    assert first(*rows)[0] == "D2"
    assert first(rows[0], rows[2])[0] == "D1"
    assert first(rows[2])[0] == ""
    # The finest place comes before the finest class.
    assert first(duty(1, COMMUNITY, major), duty(2, STREET, COVER))[0] == "D1"


def test_classes_of_another_table_do_not_count() -> None:
    """The same digits in another edition, or of events, are another class."""
    others = (COVER._replace(edition="cjt214-2007"), COVER._replace(kind="event"))
    for other in others:
        assert first(duty(1, STREET, other)) == ("", "none")
        assert first(duty(1, STREET, other), klass=other) == ("D1", "duty")
        assert first(duty(1, STREET, other._replace(code="01"))) == ("", "none")


def test_a_class_is_its_namesake_in_another_edition() -> None:
    """A duty for a class is one for its namesake in any edition; without a name it has none."""
    new = Klass("component", EDITION, "01037", "路灯")
    old = Klass("component", "cjt214-2007", "0118", "路灯")
    assert first(duty(1, STREET, new), klass=old) == ("D1", "duty")
    assert first(duty(1, STREET, old), klass=new) == ("D1", "duty")
    assert first(duty(1, STREET, new), klass=old._replace(kind="event")) == ("", "none")
    assert first(duty(1, STREET, new), klass=old._replace(name="景观灯")) == ("", "none")
    assert first(duty(1, STREET, new._replace(name="")), klass=old._replace(name="")) == ("", "none")
    # The duty for the class goes before that for its major class, also where it is a namesake.
    assert (
        first(duty(1, STREET, old._replace(code="01", name="")), duty(2, STREET, new), klass=old)[0] == "D2"
    )


def test_roles_of_duties_in_order() -> None:
    """At one place the handler goes before maintainer, owner and supervisor, whatever their priorities."""
    rows = [
        duty(i, STREET, COVER, role=role, priority=i)
        for i, role in enumerate(("supervisor", "owner", "maintainer", "handler"), 1)
    ]
    for n, answer in ((4, "D4"), (3, "D3"), (2, "D2"), (1, "D1")):
        assert first(*rows[:n])[0] == answer
    # The finest place goes before the role.
    assert first(duty(1, COMMUNITY, COVER, role="supervisor"), duty(2, STREET, COVER))[0] == "D1"


def test_a_class_duty_is_no_territory() -> None:
    """The territory answers by duties without a class only, and those are no answer of the duty step."""
    assert first(duty(1, CELL, COVER), duty(2, STREET), steps=("territory",)) == ("D2", "territory")
    assert first(duty(2, STREET), steps=("duty",)) == ("", "none")


def test_priority_then_party() -> None:
    """Of equal duties the lowest priority number decides, then the party's code and name, never the row."""
    rows = [duty(3, STREET, COVER), duty(2, STREET, COVER), duty(9, STREET, COVER, priority=-1)]
    assert first(*rows)[0] == "D9"
    assert first(*rows[:2])[0] == "D2"
    assert first(rows[0]._replace(party_name="A"), rows[1])[0] == "A"
    assert first(rows[0]._replace(party_code="1"), rows[1]._replace(party_code="0"))[0] == "D2"


def test_a_duty_names_its_party() -> None:
    """The party of a duty is found by code or name; where it has ended, the step does not answer."""
    rows = (duty(1, STREET, COVER, party_code="C5", party_name="旧名"), duty(2, STREET))
    assert first(party(5, "新名"), *rows) == ("新名", "duty")
    assert first(party(5, "新名", until="2026-01-01"), *rows) == ("D2", "territory")


def test_roles_of_a_record() -> None:
    """A component's record gives its three bodies as code and name."""
    record = {
        f"{role}_{part}": f"{role} {part}"
        for role in ("owner", "supervisor", "maintainer")
        for part in ("code", "name")
    }
    assert roles_of([record[name] for name in BODIES]) == Roles(
        ("maintainer code", "maintainer name"),
        ("owner code", "owner name"),
        ("supervisor code", "supervisor name"),
    )


# For every city.

codes = st.sampled_from(["", "C1", "C2", "无", "00000000"])
names = st.sampled_from(["", "甲", "乙", "丙", "无"])
bodies = st.tuples(codes, names)
days = st.sampled_from(["", "2026-01-01", "2026-03-01", "2026-06-01"])
classes = st.sampled_from([COVER, LAMP, COVER._replace(code="01"), None])
parties = st.builds(
    party, st.just(0), st.sampled_from(["甲", "乙"]), code=codes, since=days, until=days,
    aliases=st.sampled_from([(), ("丙",)]),
)  # fmt: skip
duties = st.builds(
    duty, st.just(0), st.sampled_from(PLACES), classes, party_name=names, since=days, until=days,
    priority=st.integers(0, 1),
)  # fmt: skip


@given(
    st.lists(parties, max_size=4).map(lambda rows: [row._replace(id=i) for i, row in enumerate(rows)]),
    st.lists(duties, max_size=6).map(lambda rows: [row._replace(id=i) for i, row in enumerate(rows)]),
    st.none() | st.builds(Roles, bodies, bodies, bodies),
    st.sampled_from([COVER, None]),
    st.permutations(STEPS).flatmap(lambda order: st.integers(0, 8).map(lambda n: order[:n])),
    st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_exactly_one_answer(
    some: list[Party], rows: list[Duty], roles: Roles | None, klass: Klass | None, steps: Any, draw: Any
) -> None:
    """There is one answer or an explicit none, a different next or none, in any order of the rows."""
    one, two = ask(*some, *rows, roles=roles, klass=klass, steps=tuple(steps))
    for answer in (one, two):
        named = not {answer.code, answer.name} <= NO_PARTY
        assert named == (answer.step != "none")
        assert answer.step == "none" or answer.step in steps
    if one == NOBODY:
        assert two == NOBODY
    elif two != NOBODY:
        assert one[:2] != two[:2] and steps.index(one.step) < steps.index(two.step)
    draw.shuffle(some)
    draw.shuffle(rows)
    assert ask(*rows, *some, roles=roles, klass=klass, steps=tuple(steps)) == (one, two)


def test_a_duty_of_a_party_that_has_ended_leaves_the_next_duty_to_answer() -> None:
    """The office of the community was closed: the street's duty for the class answers, not the territory."""
    rows = (
        party(1, "D1", until="2025-01-01"),
        duty(1, COMMUNITY, COVER),
        duty(2, STREET, COVER),
        duty(3, COMMUNITY),
    )
    assert ask(*rows)[0] == Answer("", "D2", "duty")


# The steps beyond the bodies, the class and the territory.

SOMEONE = Roles(("", ""), ("", ""), ("", ""))
EVENT = Klass("event", EDITION, "06001", "暴露垃圾")


def own(number: int, area_m2: float, klass: Klass | None = None, **more: Any) -> Duty:
    """A duty with a polygon of its own."""
    return duty(number, "", klass, area_m2=area_m2, place_name=f"P{number}", **more)


def test_an_agreed_duty_is_for_one_component() -> None:
    """A duty at a component's code answers for it before the ground, and for no other component."""
    rows = (duty(1, "1101010100200001", role="owner"), own(2, 5e3, role="maintainer"), duty(3, STREET))
    found = resolve(*rows, roles=SOMEONE, code="1101010100200001", polygons=(2,))
    assert (found.first.name, found.first.step) == ("D1", "agreed")
    assert found.passed == "maintainer=blank; owner=blank; supervisor=blank"
    assert found.second.step == "ground"
    other = resolve(*rows, roles=SOMEONE, code="1101010100200002", polygons=(2,))
    assert (other.first.name, other.first.step) == ("D2", "ground")
    # A duty for the class of the component goes before one for all classes.
    of_class = duty(9, "1101010100200001", COVER, role="supervisor")
    assert first(*rows, of_class, roles=SOMEONE, code="1101010100200001")[0] == "D9"


def test_an_ownerless_cover_in_a_road_is_that_of_the_road() -> None:
    """Nobody is named: the road's maintainer answers, of two polygons the smaller; it is not unowned."""
    rows = (own(1, 9e4, role="maintainer"), own(2, 5e3, role="maintainer"), duty(3, STREET, COVER))
    found = resolve(*rows, roles=SOMEONE, polygons=(1, 2))
    assert (found.first.name, found.first.step, found.duty_place) == ("D2", "ground", "P2")
    assert not found.unowned
    # Also where no such cover is known; outside the polygon the duty for the class answers.
    assert first(*rows, polygons=(1,)) == ("D1", "ground")
    assert first(*rows, polygons=()) == ("D3", "duty")
    # Who handles what happens in a park is its territory, not the maintainer of its ground.
    manager = own(4, 5e3)
    assert first(manager, roles=SOMEONE, polygons=(4,)) == ("D4", "territory")
    assert first(rows[0], klass=EVENT, polygons=(1,)) == ("", "none")


def test_a_polygon_is_the_finest_place() -> None:
    """A duty with a polygon goes before one at the cell; of two polygons the smaller one decides."""
    rows = (duty(1, CELL, COVER), own(2, 9e4, COVER), own(3, 5e3, COVER))
    assert first(*rows, polygons=(3, 2)) == ("D3", "duty")
    assert first(*rows, polygons=(2,)) == ("D2", "duty")
    assert first(*rows) == ("D1", "duty")
    # Two duties in one park stand at one place: the class decides before the role.
    park = (own(4, 7.0, COVER._replace(code="01")), own(5, 7.0, COVER, role="supervisor"))
    assert first(*park, polygons=(4, 5))[0] == "D5"


def test_territory_before_line_authority_for_an_event() -> None:
    """A duty for the event, then the territory, then the supervisor for district and city (先属地后属主)."""
    rows = (
        duty(1, DISTRICT, EVENT, role="supervisor"),
        duty(2, "110000", EVENT, role="supervisor"),
        duty(3, STREET),
        duty(4, STREET, EVENT, role="supervisor"),
    )
    places = (*PLACES, "110100", "110000")
    assert ask(*rows, klass=EVENT, places=places) == (
        Answer("", "D4", "duty"),
        Answer("", "D3", "territory"),
    )
    assert ask(*rows[:3], klass=EVENT, places=places) == (
        Answer("", "D3", "territory"),
        Answer("", "D1", "authority"),
    )
    assert first(rows[1], klass=EVENT, places=places) == ("D2", "authority")
    # A component's chain has no such step: its supervisor stands in the duty table like everybody.
    assert first(duty(1, DISTRICT, COVER, role="supervisor")) == ("D1", "duty")


def test_conditions() -> None:
    """A duty for the condition goes before one for every one; one for another condition does not answer."""
    lost, dirty = (duty(i, STREET, COVER, condition=text) for i, text in ((1, "缺失"), (2, "污损")))
    every = duty(3, STREET, COVER, priority=-5)
    assert first(lost, dirty, every, condition="污损") == ("D2", "duty")
    assert first(lost, dirty, every, condition="移位") == ("D3", "duty")
    assert first(lost, dirty, every) == ("D3", "duty")
    found = resolve(lost, dirty)
    assert found.first == NOBODY and found.passed.endswith("duty=other-condition; territory=no-duty")
    # The class still goes before its major class, and the finer place before both.
    major = duty(4, STREET, COVER._replace(code="01"), condition="缺失")
    assert first(every, major, condition="缺失")[0] == "D3"
    assert first(lost, duty(5, CELL, COVER), condition="缺失")[0] == "D5"


def test_every_step_passed_has_its_reason() -> None:
    """The steps before the deciding one are told with why; the territory of a component marks it unowned."""
    rows = (
        party(1, "旧养护", until="2025-01-01"),
        duty(1, STREET, COVER, until="2026-01-01"),
        duty(2, STREET),
    )
    found = resolve(*rows, roles=Roles(("C1", ""), ("", "无"), ("", "")))
    assert found.passed == (
        "maintainer=not-valid; owner=blank; supervisor=blank; agreed=no-duty; ground=no-duty; duty=not-valid"
    )
    assert (found.first, found.duty_place, found.unowned) == (Answer("", "D2", "territory"), STREET, True)
    nothing = resolve(klass=None)
    assert (nothing.passed, nothing.unowned) == (
        "duty=no-class; territory=no-duty; authority=no-class",
        False,
    )
    nobody = resolve(klass=COVER)
    assert nobody.first == NOBODY and nobody.unowned and nobody.duty_place == ""
    assert nobody.passed.startswith("maintainer=no-component; owner=no-component; ")
    said = {one.reason for found in (found, nothing, nobody) for one in found.considered}
    assert said - {""} == set(REASONS) - {"other-condition"}


def test_a_rival_claims_the_same() -> None:
    """Two parties with one claim: the order of their codes decides, and the other is told as the rival."""
    rows = [duty(1, STREET, COVER, party_code="B"), duty(2, STREET, COVER, party_code="A")]
    (of_class,) = (one for one in resolve(*rows, whole=True).considered if one.step == "duty")
    assert of_class.duty == rows[1] and of_class.rival == rows[0]
    for change in ({"priority": 1}, {"role": "owner"}, {"condition": "缺失"}, {"until": "2026-01-01"}):
        calm = resolve(rows[0]._replace(**change), rows[1], whole=True)
        assert [one.rival for one in calm.considered] == [None] * len(COMPONENT_STEPS)
    same = resolve(rows[0]._replace(party_code="A", party_name="D2"), rows[1], whole=True)
    assert all(one.rival is None for one in same.considered)


@given(st.lists(duties, min_size=1, max_size=6), st.data())
@settings(deadline=None)
def test_closing_a_duty_changes_only_its_own(rows: list[Duty], data: Any) -> None:
    """The answer changes only where the closed duty had answered, or had been next, that day."""
    rows = [row._replace(id=i, party_name=f"{row.party_name}{i}") for i, row in enumerate(rows)]
    closed = data.draw(st.sampled_from(rows))
    day, on = (data.draw(st.sampled_from(["2026-01-01", "2026-02-01", "2026-04-01"])) for _ in range(2))
    place = data.draw(st.sampled_from([PLACES, PLACES[2:3]]))
    klass = data.draw(st.sampled_from([COVER, LAMP, None]))
    later = [row._replace(until=day) if row is closed else row for row in rows]
    before, after = (ask(*some, klass=klass, places=place, on=on) for some in (rows, later))
    if before != after:
        assert closed.place_code in place
        # From the new end to the former one; a later end would have opened it again.
        assert min(day, closed.until or day) <= on
        assert closed.since <= on
        assert not closed.class_code or (klass is not None and klass.code.startswith(closed.class_code))
