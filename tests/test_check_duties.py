"""The audit of the duties: each rule worked by hand on a tiny city, incidents, the page, the CLI."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from cli_city import gridcity
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_city import (
    CODES,
    COMMUNITY_1,
    COMMUNITY_2,
    EDITION,
    GREEN,
    LAMP,
    SEWAGE_COVER,
    STREET,
    add,
    at,
    box,
    component,
    empty_city,
    line,
    point,
    tiny_city,
)

from gridcity.auditing import DutyAudit
from gridcity.auditing.page import MOST_ROWS
from gridcity.city import City

DAY = "2026-03-01"
DISTRICT = "110101"
NAMES = {LAMP: "路灯", SEWAGE_COVER: "污水井盖", GREEN: "绿地"}


@pytest.fixture
def city(tmp_path: Path) -> Any:
    with tiny_city(tmp_path / "city.gpkg") as opened:
        yield opened


def lamp(x: float, y: float, number: int = 1, **more: Any) -> dict[str, Any]:
    """A lamp with a code, in the cell that covers its place."""
    columns = {"class_name": "路灯", "code": f"1101010103700000{number}", **more}
    return component(LAMP, point(x, y), **columns)


def duty(party: str, place: str, class_code: str = "", **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"party_name": party, "place_code": place, "role": "handler"}
    if class_code:
        row |= {"class_kind": "component", "edition": EDITION, "class_code": class_code}
        row |= {"class_name": NAMES[class_code]}
    return row | more


def parties(city: City, *names: str, **more: Any) -> None:
    add(city, "parties", *({"name": name, "code": f"P{name}", **more} for name in names))


def audit(city: City, *incidents: str, **more: Any) -> DutyAudit:
    """The audit of the day; an incident is a line ``class,x,y,party`` in sides of the city."""
    if not incidents:
        return city.check_duties(as_of=DAY, **more)
    lines = ["class,lng,lat,condition,party"]
    for text in incidents:
        klass, x, y, *rest = text.split(",")
        lng, lat = at(float(x), float(y))
        condition, party = (*rest, "", "")[:2]
        lines.append(f"{klass},{lng!r},{lat!r},{condition},{party}")
    path = city.path.with_name("past.csv")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return city.check_duties(path, crs="EPSG:4490", as_of=DAY, **more)


def told(found: DutyAudit, *rules: str) -> list[tuple[str, int, str, int]]:
    """Rule, row, value and incidents of the findings of some rules, or of all."""
    columns = zip(found.findings, found.defects["incidents"].tolist(), strict=True)
    return [(f.rule, f.row or 0, f.value, n) for f, n in columns if not rules or f.rule in rules]


def test_a_city_without_defects_has_none(city: City) -> None:
    """Where every lamp has a maintainer and the street a territory nothing is found."""
    parties(city, "街道", "路灯处")
    add(city, "components", lamp(0.5, 0.5, maintainer_name="路灯处", cell_id=3))
    add(city, "duties", duty("街道", STREET))
    found = audit(city, "路灯,0.5,0.5", "路灯,3.5,3.5")
    assert told(found) == [] and found.sound and found.to_records() == []
    assert found.totals == {"cells": 7, "components": 1, "pairs": 1, "duties": 1, "parties": 2}
    assert found.incidents is not None
    counts = found.incidents
    assert (counts.rows, counts.judged, counts.outside, counts.nobody, counts.told) == (2, 2, 1, 0, 0)


def test_a_cell_without_a_party_for_a_class(city: City) -> None:
    """Two owned lamps stand in cell 4; nobody answers for a third that is not in the books."""
    parties(city, "灯")
    lamps = [lamp(1.25 + i / 4, 0.5, i + 1, owner_name="灯", cell_id=4) for i in range(2)]
    add(city, "components", *lamps)
    found = audit(city, "路灯,1.5,0.5", "路灯,1.95,0.5", "路灯,0.1,1.9", "绿地,1.5,0.5", "绿地,9,9")
    # The first two are the lamps'; the third, in cell 1, has no lamp near; no green stands in cell 4.
    assert told(found, "cell-no-party") == [
        ("cell-no-party", 4, "路灯", 0),
        ("cell-no-party", 1, "路灯", 1),
        ("cell-no-party", 4, "绿地", 1),
    ]
    assert found.defects["components"].tolist() == [2, 0, 0]
    assert found.defects["place"].tolist() == [CODES[4], CODES[1], CODES[4]]
    assert found.incidents is not None and found.incidents.nobody == 3
    west, south = at(1, 0)
    inside = shapely.box(west, south, *at(2, 1))
    assert inside.contains(shapely.Point(found.defects["lng"][0], found.defects["lat"][0]))
    assert found.cells["worst"].tolist() == [5, 0, 0, 5, 0, 0, 0]
    assert found.cells["incidents"].tolist() == [1, 0, 0, 1, 0, 0, 0]


def test_a_polygon_counts_for_a_cell_that_it_covers_whole(city: City) -> None:
    """A duty's polygon over all of cell 4 answers for it; over half of it the other half has nobody."""
    parties(city, "园")
    add(city, "components", lamp(1.25, 0.5, owner_name="园", cell_id=4))
    shape = shapely.MultiPolygon([box(1, 0, 1, 1)])
    (fid,) = add(city, "duties", duty("园", "", LAMP, geom=shape, area_m2=9000.0))
    assert told(audit(city)) == []
    with city.store.transaction() as tx:
        tx.update("duties", [fid], {"geom": [shapely.MultiPolygon([box(1, 0, 0.5, 1)])]})
    assert told(audit(city)) == [("cell-no-party", 4, "路灯", 0)]


def test_components_that_nobody_or_only_the_territory_answers_for(city: City) -> None:
    """Of two lamps without bodies one stands in the community that has a territory, one does not."""
    parties(city, "居委会")
    add(city, "components", lamp(0.5, 0.5, 1, cell_id=3), lamp(2.5, 0.5, 2, cell_id=5))
    add(city, "duties", duty("居委会", COMMUNITY_1))
    found = audit(city, "路灯,0.5,0.6", "路灯,2.5,0.6", "路灯,2.5,0.4")
    assert told(found) == [
        ("cell-no-party", 5, "路灯", 0),
        ("component-no-answer", 2, "路灯", 2),
        ("component-unowned", 1, "路灯", 1),
    ]
    assert found.defects["party_name"].tolist() == ["", "", "居委会"]
    assert found.incidents is not None and found.incidents.nobody == 2


def test_a_component_that_two_claim(city: City) -> None:
    """Two duties for lamps in one street; a priority of one of them settles it."""
    parties(city, "甲", "乙")
    add(city, "components", lamp(0.5, 0.5, cell_id=3))
    _, second = add(city, "duties", duty("甲", STREET, LAMP), duty("乙", STREET, LAMP))
    found = audit(city, "路灯,0.5,0.5", "路灯,3.5,3.5")
    # The party with the lower code answers; both duties are touched by the lamp and by what has none.
    assert told(found) == [
        ("component-claimed-twice", 1, "路灯", 1),
        ("duty-overlap", 1, "the beginning on", 2),
        ("duty-overlap", 2, "the beginning on", 2),
    ]
    names = found.defects["party_name"][0], found.defects["other_name"][0]
    assert names == ("乙", "甲")
    assert found.incidents is not None and found.incidents.by_order == 2
    with city.store.transaction() as tx:
        tx.update("duties", [second], {"priority": [1]})
    assert told(audit(city)) == []


def test_two_agreed_duties(city: City) -> None:
    """Two parties that each agreed to keep one lamp both claim it."""
    parties(city, "甲", "乙")
    add(city, "components", lamp(0.5, 0.5, cell_id=3))
    code = "11010101037000001"
    add(city, "duties", duty("甲", code), duty("乙", code), duty("甲", STREET))
    found = audit(city)
    assert told(found, "component-claimed-twice") == [("component-claimed-twice", 1, "路灯", 0)]
    assert "place-unknown" not in found.findings.counts()


@pytest.mark.parametrize(
    ("east", "claimed"),
    [
        (box(0.25, 0, 1, 1), True),  # crosses the border of the other
        (box(0, 0, 2, 1), False),  # holds the other: the smaller park lies in the larger
        (box(1, 0, 1, 1), False),  # beside it
    ],
)
def test_polygons_that_cross(city: City, east: Any, claimed: bool) -> None:
    """A component in two polygons of which neither lies in the other is claimed twice."""
    parties(city, "甲", "乙")
    add(city, "components", lamp(0.5, 0.5, cell_id=3))
    shapes = [shapely.MultiPolygon([shape]) for shape in (box(0, 0, 1, 1), east)]
    own = {"role": "maintainer"}
    add(
        city,
        "duties",
        duty("甲", "", geom=shapes[0], area_m2=9000.0) | own,
        duty("乙", "", geom=shapes[1], area_m2=9100.0 + 9000 * (not claimed)) | own,
        duty("甲", DISTRICT, LAMP, geom=None),
    )
    expected = [("component-claimed-twice", 1, "路灯", 0)] if claimed else []
    assert told(audit(city)) == expected


def test_a_party_outside_its_territory(city: City) -> None:
    """The committee of community 1 has a lamp duty and owns a lamp in community 2."""
    parties(city, "一", "二")
    add(
        city,
        "components",
        lamp(2.5, 0.5, 1, owner_name="一", cell_id=5),
        lamp(0.5, 0.5, 2, owner_name="一", cell_id=3),
        lamp(2.5, 1.5, 3, cell_id=6),
    )
    add(
        city,
        "duties",
        duty("一", COMMUNITY_1),
        duty("二", COMMUNITY_2),
        duty("一", CODES[6], LAMP),
        duty("一", CODES[1], LAMP),
        # The street holds its territory: that is wider, not elsewhere.
        duty("一", STREET, GREEN),
    )
    found = audit(city, "路灯,2.5,0.5", "路灯,2.5,1.5", "路灯,0.5,0.5")
    assert told(found) == [
        ("party-outside", 3, CODES[6], 1),
        ("party-outside", 1, COMMUNITY_2, 1),
    ]
    fields = [f.field for f in found.findings]
    assert fields == ["duties.place_code", "components.owner_name"]
    assert f"outside its own territory: {COMMUNITY_1}" in next(iter(found.findings)).message
    assert found.incidents is not None and found.incidents.outside_territory == 2


def test_a_polygon_across_the_border_of_a_territory(city: City) -> None:
    """A park is outside where it shares no ground with the territory, wherever its middle lies."""
    parties(city, "一", "二")
    shapes = [box(1.5, 0, 2, 1), box(2, 1, 1, 1)]
    parks = (duty("一", "", LAMP, geom=shapely.MultiPolygon([one]), area_m2=9.0) for one in shapes)
    add(city, "duties", duty("一", COMMUNITY_1, geom=None, area_m2=None), *parks)
    assert [row for _, row, _, _ in told(audit(city), "party-outside")] == [3]


def test_a_duty_that_ended(city: City) -> None:
    """Of three duties that ended the one that nothing follows is told, and what it would have decided."""
    parties(city, "甲", "乙", "街道")
    add(city, "components", lamp(0.5, 0.5, cell_id=3))
    over = {"since": "2020-01-01", "until": "2025-01-01"}
    add(
        city,
        "duties",
        duty("甲", CODES[3], LAMP, **over),
        duty("甲", COMMUNITY_2, LAMP, **over),
        duty("乙", COMMUNITY_2, LAMP, since="2025-01-01"),
        duty("街道", STREET),
    )
    found = audit(city, "路灯,0.5,0.5", "路灯,2.5,0.5")
    assert told(found, "duty-expired") == [("duty-expired", 1, "2025-01-01", 1)]
    assert set(found.findings.counts()) == {"duty-expired", "component-unowned", "party-orphan"}
    assert found.incidents is not None and found.incidents.ended == 1
    # A year before there was nothing to tell.
    assert "duty-expired" not in city.check_duties(as_of="2024-03-01").findings.counts()


def test_a_party_that_ended(city: City) -> None:
    """A duty and a component still name a party that is gone: the case goes there first."""
    add(city, "parties", {"name": "旧", "code": "P1", "until": "2025-01-01"}, {"name": "街道", "code": "P2"})
    add(city, "components", lamp(0.5, 0.5, 1, owner_name="旧", cell_id=3), lamp(2.5, 0.5, 2, cell_id=5))
    add(city, "duties", duty("旧", STREET, LAMP), duty("街道", STREET))
    found = audit(city, "路灯,0.5,0.5", "路灯,2.5,0.5", "绿地,2.5,0.5")
    ended = told(found, "component-party-ended", "duty-party-period")
    assert [(rule, row, n) for rule, row, _, n in ended] == [
        ("component-party-ended", 1, 1),
        ("duty-party-period", 1, 1),
    ]
    assert found.incidents is not None and found.incidents.ended == 2
    # The street answers in its place.
    assert found.incidents.nobody == 0


def test_a_duty_at_a_cell_that_ended(city: City) -> None:
    """A duty at cell 3, which ended and whose ground cell 4 now has, is touched by what happens there."""
    parties(city, "甲", "街道")
    add(city, "duties", duty("甲", CODES[3], LAMP), duty("街道", STREET), duty("甲", STREET, GREEN))
    with city.store.transaction() as tx:
        tx.update("cells", [3], {"until": ["2025-01-01"]})
        tx.update("cells", [4], {"geom": [shapely.MultiPolygon([box(0, 0, 2, 1)])]})
    found = audit(city, "路灯,0.5,0.5", "路灯,1.5,0.5")
    assert told(found) == [("duty-place-ended", 1, CODES[3], 1)]
    assert f"in its place: {CODES[4]}" in next(iter(found.findings)).message
    assert found.incidents is not None and found.incidents.ended == 1


def test_parties_without_duties(city: City) -> None:
    """A party is an orphan unless it has a duty, a component names it, or it is a parent."""
    add(
        city,
        "parties",
        {"name": "有职责", "code": "P1", "parent_code": "P2"},
        {"name": "上级", "code": "P2"},
        {"name": "被提及", "code": "P3", "aliases": "别名"},
        {"name": "孤儿", "code": "P4"},
        {"name": "已撤销", "code": "P5", "until": "2025-01-01"},
    )
    add(city, "components", lamp(0.5, 0.5, owner_name="别名", cell_id=3))
    add(city, "duties", duty("有职责", STREET))
    found = audit(city, "路灯,0.5,0.5,,孤儿", "路灯,0.5,0.5,,被提及")
    assert told(found) == [("party-orphan", 4, "孤儿", 1)]
    counts = found.incidents
    assert counts is not None
    assert (counts.told, counts.misrouted, counts.confusion) == (2, 1, (("孤儿", "被提及", 1),))


def test_unknown_parties_and_places(city: City) -> None:
    """A duty that names a stranger or a place which is none is an error, and ends with exit code 1."""
    parties(city, "街道")
    add(city, "duties", duty("陌生", STREET), duty("街道", "999999"))
    found = audit(city, "绿地,0.5,0.5")
    assert told(found) == [("party-unknown", 1, "陌生", 1), ("place-unknown", 2, "999999", 0)]
    assert not found.sound


def test_conditions_are_asked(city: City) -> None:
    """An incident's condition chooses the duty, and so what a file's handler is held against."""
    parties(city, "修", "换")
    add(
        city,
        "duties",
        duty("修", STREET, LAMP, condition="破损"),
        duty("换", STREET, LAMP, condition="缺失"),
    )
    found = audit(city, "路灯,0.5,0.5,破损,修", "路灯,0.5,0.5,缺失,修", "路灯,0.5,0.5,倾斜,修")
    assert found.incidents is not None
    assert found.incidents.confusion == (("修", "", 1), ("修", "换", 1))
    assert told(found) == [("cell-no-party", 3, "路灯", 1)]


def test_the_audit_agrees_with_locate(city: City) -> None:
    """What the audit counts as nobody's is what `locate` answers with none, and nothing else differs."""
    parties(city, "甲", "乙")
    add(
        city,
        "components",
        lamp(0.5, 0.5, 1, cell_id=3),
        lamp(1.5, 0.5, 2, owner_name="乙", cell_id=4),
        component(GREEN, box(2, 0, 1, 0.5), class_name="绿地", cell_id=5, code="11010104013000001"),
        component(SEWAGE_COVER, line((0.5, 1.5), (0.6, 1.5)), class_name="污水井盖", cell_id=1, code="x"),
    )
    park = shapely.MultiPolygon([box(0.25, 0, 1.5, 1.5)])
    add(
        city,
        "duties",
        duty("甲", CODES[1], SEWAGE_COVER, geom=None),
        duty("乙", "11010104013000001", geom=None),
        duty("乙", "", role="maintainer", geom=park, area_m2=9.0),
        duty("甲", COMMUNITY_2, LAMP, role="supervisor", geom=None),
    )
    spots = [
        (klass, x / 4, y / 4) for klass in NAMES.values() for x in range(0, 24, 3) for y in range(0, 12, 3)
    ]
    found = audit(city, *(f"{klass},{x},{y}" for klass, x, y in spots))
    places = [at(x, y) for _, x, y in spots]
    placed = city.locate_many(
        [p[0] for p in places], [p[1] for p in places], class_text=[s[0] for s in spots], as_of=DAY
    )
    assert found.incidents is not None
    assert found.incidents.nobody == (placed["step"] == "none").sum() > 10
    assert found.incidents.outside == (placed["cell_id"] < 0).sum()
    handled = zip(spots, placed["party_name"].tolist(), strict=True)
    again = audit(city, *(f"{klass},{x},{y},,{party}" for (klass, x, y), party in handled))
    assert again.incidents is not None
    assert (again.incidents.told, again.incidents.misrouted) == ((placed["step"] != "none").sum(), 0)


@given(
    places=st.lists(
        st.tuples(st.sampled_from(sorted(NAMES)), st.integers(0, 47), st.integers(0, 31)), max_size=8
    ),
    territory=st.sampled_from([(DISTRICT,), (STREET, DISTRICT), (COMMUNITY_1, COMMUNITY_2, DISTRICT)]),
)
@settings(max_examples=15, deadline=None)
def test_a_territory_everywhere_leaves_no_cell_alone(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[str, int, int]], territory: tuple[str, ...]
) -> None:
    """Where the whole city is somebody's territory, no class and no component is without a party."""
    with tiny_city(tmp_path_factory.mktemp("t") / "city.gpkg") as city:
        rows = [
            component(klass, point(x / 8 + 1 / 16, y / 8 + 1 / 16), class_name=NAMES[klass], code=str(i))
            for i, (klass, x, y) in enumerate(places)
        ]
        add(city, "components", *rows)
        before = audit(city)
        assert before.findings.counts().get("component-no-answer", 0) == len(rows)
        add(city, "duties", *(duty("街道", place) for place in territory))
        counts = audit(city).findings.counts()
        assert not {"cell-no-party", "component-no-answer"} & set(counts)
        assert counts.get("component-unowned", 0) == len(rows)


# The page and the command line.


@pytest.fixture
def flawed(city: City) -> City:
    """One lamp that nobody answers for in cell 5, and an orphan whose name reads like a script."""
    add(city, "parties", {"name": "<script>alert(1)</script>", "code": "P1"})
    add(city, "components", lamp(2.5, 0.5, cell_id=5))
    return city


def test_the_page(flawed: City) -> None:
    """The page has the counts, the defects and the map, and no script of the data."""
    found = audit(flawed, "路灯,2.5,0.5,,甲", "绿地,0.5,0.5")
    page = found.to_html(flawed.store)
    assert page.count("<script>") == 2 and "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for rule, n in found.findings.counts().items():
        assert f'id="{rule}"' in page and f'<a href="#{rule}">' in page
        assert page.split(f'id="{rule}"')[1].split("</section>")[0].count("<tr><td>") == n
    assert "http" not in page.split("<body>")[1].split("<script>")[0]
    assert "<td>甲</td><td>—</td>" in page
    # Two cells of seven have a defect: one class each that nobody answers for.
    assert '<span class="en" lang="en">nobody answers</span> 2</p>' in page


def test_the_page_shows_the_first(city: City) -> None:
    """Of many defects of one rule the page has so many and says how many there are."""
    rows = [
        component(GREEN, point(0.5 + i / 2048, 0.5), code=str(i), cell_id=3) for i in range(MOST_ROWS + 20)
    ]
    add(city, "components", *rows)
    page = audit(city).to_html(city.store)
    assert f"The first {MOST_ROWS:,} of {MOST_ROWS + 20:,} are shown" in page


def test_what_touches_most_stands_first_on_the_page(city: City) -> None:
    """The list of the rules and the sections have one order, by incidents."""
    add(city, "components", lamp(0.5, 0.5, cell_id=3), lamp(1.5, 0.5, 2, cell_id=4))
    page = audit(city, "路灯,0.5,0.5").to_html(city.store)
    first, second = (
        page.index(f'<section id="{rule}">') for rule in ("component-no-answer", "cell-no-party")
    )
    assert first < second


def test_the_table(flawed: City) -> None:
    """The whole text, and exit code 1."""
    result = gridcity("check", "duties", "--city", flawed.path, "--as-of", DAY)
    assert result.exit_code == 1
    assert result.stdout == (
        "rule                 severity  count\n"
        "-------------------  --------  -----\n"
        "cell-no-party        warning       1\n"
        "component-no-answer  warning       1\n"
        "party-orphan         warning       1\n"
        "\n"
        "cell-no-party\n"
        "id  place  found\n"
        "--  -----  -------------------------------------------------------------------------\n"
        " 5  #5     nobody answers for 路灯 in the cell; components of it that stand there: 1\n"
        "Deliver a duty for the class, or a territory for the place; where a component is known, its own "
        "bodies go first.\n"
        "\n"
        "component-no-answer\n"
        "id  place              found\n"
        "--  -----------------  -----------------------------------------------\n"
        " 1  11010101037000001  nobody answers for this component of class 路灯\n"
        "Complete its bodies, or deliver a duty for the class or a territory for the place.\n"
        "\n"
        "party-orphan\n"
        "id  place  found\n"
        "--  -----  ---------------------------------------------------------------------------------\n"
        " 1         <script>alert(1)</script> has no duty, no component names it, and it is no parent\n"
        "Deliver its duties, or end it: gridcity retire, or its last day (until) in a table of parties.\n"
    )


def test_many_cells_are_summed_up(city: City, tmp_path: Path) -> None:
    """Of more than 20 pairs of cell and class the table has sums by street, the CSV each with its street."""
    lamps = [lamp(0.25, 0.25, 1, cell_id=3), lamp(1.5, 1.5, 2, cell_id=2), lamp(1.25, 1.5, 3, cell_id=2)]
    stray = component(GREEN, point(5.25, 0.5), class_name="绿地", cell_id=7)
    few = [f"{number:05d}" for number in range(1, 20)]
    more = [component(code, point(2.5, 0.5), class_name=f"类{code}", cell_id=5) for code in few]
    add(city, "components", *lamps, stray, *more)
    past = tmp_path / "past.csv"
    lng, lat = at(0.5, 1.5)
    past.write_text(f"class,lng,lat\n绿地,{lng!r},{lat!r}\n", encoding="utf-8")
    asked = ("check", "duties", "--city", city.path, "--incidents", past, "--crs", "EPSG:4490")
    text = gridcity(*asked).stdout.partition("cell-no-party, by")[2].splitlines()
    assert text[0] == " street and class, the first 20 of 22"
    assert [line.split() for line in text[1:5]] == [
        ["street", "class", "cells", "components", "incidents"],
        ["-" * n for n in (20, 7, 5, 10, 9)],
        [STREET, "北新桥街道", "绿地", "1", "0", "1"],
        [STREET, "北新桥街道", "路灯", "2", "3", "0"],
    ]
    rows = list(csv.DictReader(io.StringIO(gridcity(*asked, "--format", "csv").stdout)))
    cells = [row for row in rows if row["rule"] == "cell-no-party"]
    assert len(cells) == 23
    assert [row["street_code"] for row in cells if row["class_name"] == "绿地"] == [STREET, ""]
    assert [row["street_name"] for row in cells if row["class_name"] == "路灯"] == ["北新桥街道"] * 2


def test_a_table_of_duties_says_which(city: City) -> None:
    """Of a duty the table has class and party, which the sentence about another duty does not say."""
    parties(city, "甲", "乙")
    add(city, "duties", duty("甲", STREET, LAMP), duty("乙", STREET, LAMP))
    text = gridcity("check", "duties", "--city", city.path).stdout.partition("duty-overlap\n")[2]
    assert [line.split()[:5] for line in text.splitlines()[:4:2]] == [
        ["id", "place", "class", "party", "found"],
        ["1", STREET, "路灯", "甲", "乙"],
    ]


def test_csv_json_and_files(flawed: City, tmp_path: Path) -> None:
    """CSV and JSON have one record a finding, sorted by incidents; the suffix of the file is its format."""
    past = tmp_path / "past.csv"
    lng, lat = at(2.5, 0.5)
    past.write_text(f"class,lng,lat\n路灯,{lng!r},{lat!r}\n绿地,{lng!r},{lat!r}\n", encoding="utf-8")
    asked = ("check", "duties", "--city", flawed.path, "--incidents", past, "--crs", "EPSG:4490")
    as_csv = gridcity(*asked, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(as_csv.stdout)))
    assert as_csv.exit_code == 1
    assert as_csv.stderr == (
        "2 incidents of past.csv: 0 without a place, 0 without a known class, 2 judged. Of these 0 in no "
        "cell, 2 to nobody, 0 claimed by two, 0 by what has ended, 0 outside a territory\n"
    )
    assert [(row["rule"], row["incidents"]) for row in rows] == [
        ("cell-no-party", "1"),
        ("component-no-answer", "1"),
        ("cell-no-party", "0"),
        ("party-orphan", "0"),
    ]
    assert (rows[3]["lng"], float(rows[1]["lng"]), rows[1]["class_name"]) == ("", lng, "路灯")
    as_json = json.loads(gridcity(*asked, "--format", "json").stdout)
    assert [one["message"] for one in as_json["defects"]] == [row["message"] for row in rows]
    assert as_json["incidents"]["nobody"] == 2
    for name in ("a.csv", "a.json", "a.html"):
        result = gridcity(*asked, "--output", tmp_path / name)
        assert (result.exit_code, result.stdout) == (1, "")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == as_csv.stdout
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert gridcity(*asked, "--output", tmp_path / "a.csv").exit_code == 3
    assert gridcity(*asked, "--output", past, "--overwrite").exit_code == 3
    mapping = tmp_path / "m.toml"
    mapping.write_text('[columns]\nclass = "class_name"\n', encoding="utf-8")
    for_mapping = ("--mapping", mapping, "--output", mapping, "--overwrite")
    refused = gridcity(*asked, *for_mapping)
    assert (refused.exit_code, "is read by this command" in refused.stderr) == (3, True)


def test_nothing_found(city: City) -> None:
    """A city without anything has nothing to find: exit code 0."""
    result = gridcity("check", "duties", "--city", city.path)
    assert (result.exit_code, result.stdout) == (0, "No findings.\n")
    empty = gridcity("check", "duties", "--city", city.path, "--format", "csv")
    assert empty.stdout.startswith("rule,severity,row,") and len(empty.stdout.splitlines()) == 1


def test_rows_that_cannot_be_judged(city: City, tmp_path: Path) -> None:
    """Rows without a place or a known class are counted apart, also where no other is left."""
    add(city, "duties", duty("甲", STREET))
    past = tmp_path / "bad.csv"
    past.write_text("class,lng,lat\n没有此类,116.5,39.5\n,116.5,39.5\n路灯,,\n", encoding="utf-8")
    found = city.check_duties(past, crs="EPSG:4490", as_of=DAY).incidents
    assert found is not None
    assert (found.rows, found.without_place, found.without_class, found.judged) == (3, 1, 2, 0)
    assert (found.nobody, found.misrouted, found.confusion) == (0, 0, ())


def test_a_city_without_cells(tmp_path: Path) -> None:
    """Without a cell there is no map, and components are asked for all the same."""
    with empty_city(tmp_path / "city.gpkg") as city:
        assert told(audit(city)) == []
        add(city, "components", lamp(0.5, 0.5))
        found = audit(city, "路灯,0.5,0.5")
        assert told(found) == [("component-no-answer", 1, "路灯", 1)]
        assert "The city has no cells yet." in found.to_html(city.store)


@pytest.mark.parametrize(
    "more",
    [
        ("--as-of", DAY),
        ("--output", "x.html"),
        ("--format", "html"),
        ("duties", "--datum", "gcj02"),
        ("nothing",),
    ],
)
def test_options_that_do_not_go_together(city: City, more: tuple[str, ...]) -> None:
    """Options of the audit without `duties`, and of incidents without a file, are usage errors."""
    assert gridcity("check", *more, "--city", city.path).exit_code == 2
