"""Who answers where duties of all kinds meet: one point like many, in any order of rows."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_locating import Place, random_city, rows, same
from tiny_city import (
    CODES,
    COMMUNITY_1,
    COMMUNITY_2,
    EDITION,
    GREEN,
    LAMP,
    PROFILE,
    RAILING,
    SEWAGE_COVER,
    STREET,
    add,
    at,
    box,
    component,
    line,
    point,
    tiny_city,
)

from gridcity.city import City
from gridcity.errors import ArgumentError
from gridcity.locating import across
from gridcity.model import Placement
from gridcity.responsibility import Parties, StoredParties, read_parties

DAYS = ("2026-01-01", "2026-02-01", "2026-03-01")
WIDER = ("110101", "110100", "110000")
RUBBISH = "06010"
CONDITIONS = ("", "破损", "缺失")
NAMES = {LAMP: "路灯", SEWAGE_COVER: "污水井盖", RAILING: "交通护栏", GREEN: "绿地"}
CLASSES = (None, "路灯", "绿地", "井盖", "暴露垃圾", "道路破损", SEWAGE_COVER)
PARTIES = ("甲", "乙", "丙", "丁", "", "无")
CHAINS = (
    "",
    '[responsibility]\ncomponent = ["duty", "maintainer", "ground"]\nevent = ["authority", "territory"]\n',
    '[responsibility]\ncomponent = ["agreed", "owner", "authority", "territory", "duty"]\naccuracy = "C"\n',
)
# What the order of rows may change: ids, and nothing else.
IDS = ("cell_id", "component_id", "other_component_id")


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with tiny_city(tmp_path / "city.gpkg") as city:
        yield city


def duty(party: str, place: str | shapely.Geometry, klass: str = "", **more: Any) -> dict[str, Any]:
    """A duty's row: at a code, or in a polygon of its own; for a class of components unless it says so."""
    kind = more.pop("kind", "component")
    kind = kind if klass else ""
    found = {
        "party_name": party,
        "role": "handler",
        "class_kind": kind,
        "class_code": klass,
        "class_name": NAMES.get(klass, "") if kind == "component" else "",
        "edition": EDITION if klass else "",
        "place_code": "",
        "area_m2": None,
        "geom": None,
    }
    if isinstance(place, str):
        return found | {"place_code": place} | more
    multi = shapely.MultiPolygon([place]) if place.geom_type == "Polygon" else place
    return found | {"geom": multi, "area_m2": round(place.area * 1e10, 3), "place_name": "园"} | more


def eighths(low: int, high: int) -> st.SearchStrategy[float]:
    """Places on and beside the borders of cells and polygons."""
    return st.integers(8 * low, 8 * high).map(lambda n: n / 8)


days = st.sampled_from(("", *DAYS))


@st.composite
def duties(draw: st.DrawFn) -> dict[str, Any]:
    place: Any = draw(
        st.sampled_from(
            [*filter(None, CODES.values()), COMMUNITY_1, COMMUNITY_2, STREET, *WIDER, "k0", "k1", *[None] * 4]
        )
    )
    if place is None:
        width, height = draw(st.sampled_from([(0.5, 0.5), (1, 1), (2, 1), (3, 0.25)]))
        place = box(draw(eighths(0, 4)), draw(eighths(0, 3)), width, height)
    kind = draw(st.sampled_from(["component", "component", "event"]))
    codes = ["", "", "01", LAMP, GREEN, SEWAGE_COVER] if kind == "component" else ["", "06", RUBBISH, RUBBISH]
    return duty(
        draw(st.sampled_from(PARTIES)),
        place,
        draw(st.sampled_from(codes)),
        kind=kind,
        role=draw(st.sampled_from(["handler", "maintainer", "owner", "supervisor"])),
        condition=draw(st.sampled_from(CONDITIONS)),
        priority=draw(st.sampled_from([0, 0, 1])),
        since=draw(days),
        until=draw(days),
    )


@st.composite
def components(draw: st.DrawFn, number: int) -> dict[str, Any]:
    x, y = draw(eighths(0, 6)), draw(eighths(0, 4))
    code, shape = draw(
        st.sampled_from(
            [
                (LAMP, point(x, y)),
                (SEWAGE_COVER, point(x, y)),
                (RAILING, line((x, y), (x + 1, y + 0.5))),
                (GREEN, box(x, y, 0.5, 0.25)),
            ]
        )
    )
    bodies = {
        f"{role}_name": draw(st.sampled_from(["", "", *PARTIES]))
        for role in ("maintainer", "owner", "supervisor")
    }
    cell = draw(st.sampled_from([None, None, 1, 4, 6, 7]))
    until = draw(st.sampled_from(["", "", "2026-02-01"]))
    return component(
        code, shape, code=f"k{number}", class_name=NAMES[code], cell_id=cell, until=until, **bodies
    )


@st.composite
def cities(draw: st.DrawFn, most_components: int = 5) -> dict[str, Any]:
    """Tables of a city beside its areas and cells."""
    parties = [
        {"name": name, "code": code, "since": draw(days), "until": draw(days)}
        for name, code in draw(st.sampled_from([[], [("甲", "P1")], [("甲", "P1"), ("乙", "")]]))
    ]
    number = draw(st.integers(0, most_components))
    return {
        "parties": parties,
        "duties": draw(st.lists(duties(), max_size=10)),
        "components": [draw(components(i)) for i in range(number)],
        "ended": draw(st.sampled_from([(), (2,), (4, 6)])),
        "profile": PROFILE + draw(st.sampled_from(CHAINS)),
    }


@contextmanager
def made(tables: dict[str, Any], shuffled: int | None = None) -> Iterator[City]:
    """A city of such tables, its rows in another order where a number is given."""
    with (
        tempfile.TemporaryDirectory() as folder,
        tiny_city(Path(folder) / "city.gpkg", tables["profile"]) as city,
    ):
        for table in ("parties", "duties", "components"):
            given = list(tables[table])
            if shuffled is not None:
                random.Random(shuffled).shuffle(given)
            if given:
                add(city, table, *given)
        with city.store.transaction() as tx:
            for cell in tables["ended"]:
                tx.update("cells", [cell], {"until": ["2026-02-01"]})
        yield city


places = st.tuples(eighths(-1, 7), eighths(-1, 5), st.sampled_from([-0.02, -0.004, 0.0, 0.004, 0.02])).map(
    lambda p: at(p[0] + p[2], p[1] + p[2] / 2)
)


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Place], dict[str, Any]]:
    points = draw(st.lists(places, min_size=1, max_size=10))
    each = draw(st.booleans())
    question = {
        "class_text": [draw(st.sampled_from(CLASSES)) for _ in points]
        if each
        else draw(st.sampled_from(CLASSES)),
        "condition": [draw(st.sampled_from(CONDITIONS)) for _ in points]
        if each
        else draw(st.sampled_from((*CONDITIONS, "别的"))),
        "near_m": draw(st.sampled_from([0.0, 0.0, 20.0])),
        "accuracy": draw(st.sampled_from([None, "A", "C", 40.0])),
        "as_of": draw(st.sampled_from(DAYS)),
        "radius_m": draw(st.sampled_from([None, 30.0, 150.0])),
    }
    return points, question


EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def without_ids(found: Sequence[Placement]) -> list[Placement]:
    return [one._replace(**dict.fromkeys(IDS)) for one in found]


@EXAMPLES
@given(cities(), questions())
def test_exactly_one_party_and_one_like_many(
    tables: dict[str, Any], asked: tuple[list[Place], dict[str, Any]]
) -> None:
    """Each point has exactly one party or explicitly none, and each field is the same singly and in bulk."""
    points, question = asked
    with made(tables) as city:
        for one in same(city, points, **question):
            assert (one.step == "none") == (not one.party_name and not one.party_code)
            assert (one.next_step == "") == (not one.next_party_name and not one.next_party_code)
            assert (one.party_code, one.party_name) != (one.across_party_code, one.across_party_name) or (
                one.step == "none"
            )


@EXAMPLES
@given(cities(), questions(), st.integers(0, 9))
def test_no_answer_depends_on_the_order_of_rows(
    tables: dict[str, Any], asked: tuple[list[Place], dict[str, Any]], seed: int
) -> None:
    """Parties, duties and components in another order give the same answers, their ids apart."""
    points, question = asked
    lng, lat = np.array(points).T
    with made(tables) as city, made(tables, seed) as other:
        assert without_ids(rows(city.locate_many(lng, lat, **question))) == without_ids(
            rows(other.locate_many(lng, lat, **question))
        )


@EXAMPLES
@given(cities(most_components=0), questions(), st.data())
def test_closing_a_duty_changes_only_what_it_was_for(
    tables: dict[str, Any], asked: tuple[list[Place], dict[str, Any]], data: st.DataObject
) -> None:
    """Answers change only inside the duty's place, for its class and condition, until its former end."""
    if not tables["duties"]:
        return
    points, question = asked
    lng, lat = np.array(points).T
    number = data.draw(st.integers(0, len(tables["duties"]) - 1))
    closed, day = dict(tables["duties"][number]), data.draw(st.sampled_from(DAYS))
    if closed["until"] and closed["until"] <= day:
        return
    changed = {**tables, "duties": [*tables["duties"]]}
    changed["duties"][number] = {**closed, "until": day}
    with made(tables) as city, made(changed) as other:
        before, after = (rows(one.locate_many(lng, lat, **question)) for one in (city, other))
    conditions = question["condition"]
    for i, (one, two) in enumerate(zip(before, after, strict=True)):
        nothing = {"across_party_code": "", "across_party_name": ""}
        if one._replace(**nothing) == two._replace(**nothing):
            continue
        assert day <= question["as_of"] and (not closed["until"] or question["as_of"] < closed["until"])
        if closed["geom"] is not None:
            assert shapely.intersects_xy(closed["geom"], *points[i])
        else:
            assert closed["place_code"] in (one.cell_code, one.community_code, one.street_code, *WIDER)
        if closed["class_code"]:
            assert one.class_code[: len(closed["class_code"])] == closed["class_code"]
            condition = conditions if isinstance(conditions, str) else conditions[i]
            assert closed["condition"] in ("", condition)


@pytest.mark.parametrize(
    "question",
    [
        {"accuracy": "C"},
        {"class_text": "路灯", "accuracy": 3.0, "radius_m": 60.0},
        {"class_text": "护栏", "accuracy": "A", "near_m": 15.0, "condition": "破损"},
    ],
    ids=str,
)
def test_one_like_many_in_a_crowd(tmp_path: Path, question: dict[str, Any]) -> None:
    """Gaps, overlaps, holes, polygons over polygons: each field of hundreds of points is the same."""
    city, points = random_city(tmp_path / "city.gpkg", 7)
    draw = random.Random(8)
    with city:
        codes = [code for (code,) in city.store.rows("components", ("code",)) if code]
        own = []
        for i in range(60):
            shape = box(draw.uniform(-1, 9), draw.uniform(-1, 9), draw.choice([0.3, 1, 4]), 0.5)
            if draw.random() < 0.3:
                shape = shape.union(shapely.affinity.translate(shape, 0.003, 0.002))
            klass = draw.choice(["", LAMP, RAILING, "02"])
            role = draw.choice(["maintainer", "handler"])
            condition = draw.choice(["", "破损"]) if klass else ""
            place = draw.choice([shape, shape, draw.choice(codes)])
            own.append(duty(f"园{i % 9}", place, klass, role=role, condition=condition))
        # Drawn once more by another party.
        own += [{**row, "party_name": "又"} for row in own[:5]]
        add(city, "duties", *own)
        found = same(city, points, **question)
    assert sum(bool(one.across_party_name) for one in found) > 10
    assert len({one.step for one in found}) > (3 if "class_text" in question else 1)


def test_a_cover_without_owner_in_a_road(city: City) -> None:
    """A cover that names nobody goes to who maintains the road it stands on, wherever the reporter stood."""
    road = box(0.25, 0, 0.5, 4)
    add(
        city,
        "components",
        component(SEWAGE_COVER, point(0.5, 0.5), code="k1", class_name="污水井盖", owner_name="无"),
        component(SEWAGE_COVER, point(1.5, 0.5), code="k2", class_name="污水井盖"),
    )
    add(
        city,
        "duties",
        duty("市政中心", road, role="maintainer", place_name="北新桥路"),
        duty("街道办", STREET),
    )
    on_road, beside, reporter = same(
        city, [at(0.5, 0.5), at(1.5, 0.5), at(0.1, 0.5)], class_text="井盖", radius_m=50.0
    )
    assert (on_road.party_name, on_road.step, on_road.duty_place) == ("市政中心", "ground", "北新桥路")
    assert on_road.passed == "maintainer=blank; owner=blank; supervisor=blank; agreed=no-duty"
    assert (on_road.next_party_name, on_road.next_step, on_road.unowned) == ("街道办", "territory", False)
    assert (beside.party_name, beside.step, beside.unowned) == ("街道办", "territory", True)
    assert (reporter.component_code, reporter.party_name) == ("k1", "市政中心")
    # The road's maintainer keeps the road; rubbish on it belongs to the territory.
    (rubbish,) = same(city, [at(0.5, 0.5)], class_text="暴露垃圾")
    assert (rubbish.party_name, rubbish.step, rubbish.passed) == ("街道办", "territory", "duty=no-duty")


def test_an_agreed_duty(city: City) -> None:
    """A duty at a component's own code answers before the ground, and whatever border is near."""
    names = {"code": "k1", "class_name": "路灯"}
    add(city, "components", component(LAMP, point(0.999, 0.5), **names, cell_id=3))
    add(
        city,
        "duties",
        duty("建设单位", "k1", role="owner"),
        duty("街道办", STREET),
        duty("楼长", CODES[4]),
    )
    (found,) = same(city, [at(1.01, 0.5)], class_text="路灯", radius_m=20.0)
    assert (found.party_name, found.step, found.duty_place) == ("建设单位", "agreed", "k1")
    assert (found.across_party_name, found.next_party_name) == ("", "街道办")
    assert (found.cell_code, found.component_cell_code, found.cells_differ) == (CODES[4], CODES[3], True)


def test_where_a_component_stands(city: City) -> None:
    """Its stored cell counts while it is valid; then the cell of its first vertex; then the areas there."""
    add(
        city,
        "components",
        component(RAILING, line((0.5, 0.5), (1.5, 0.5)), code="k1", class_name="交通护栏", cell_id=4),
        component(LAMP, point(3.5, 0.5), code="k2", class_name="路灯"),
    )
    add(city, "duties", duty("三组", CODES[3]), duty("四组", CODES[4]), duty("社区", COMMUNITY_2))
    (found,) = same(city, [at(0.5, 0.6)], class_text="护栏", radius_m=20.0)
    assert (found.cell_code, found.component_cell_code, found.party_name) == (CODES[3], CODES[4], "四组")
    with city.store.transaction() as tx:
        tx.update("cells", [4], {"until": ["2026-01-01"]})
    (found,) = same(city, [at(0.5, 0.6)], class_text="护栏", radius_m=20.0)
    assert (found.component_cell_code, found.cells_differ, found.party_name) == (CODES[3], False, "三组")
    (found,) = same(city, [at(3.5, 0.5)], class_text="路灯", radius_m=20.0)
    assert (found.component_cell_code, found.cells_differ, found.party_name) == ("", False, "社区")
    (found,) = same(city, [at(2.9, 0.5)], class_text="路灯", radius_m=60.0)
    assert (found.component_code, found.component_cell_code, found.cells_differ) == ("k2", "", True)


def test_a_condition(city: City) -> None:
    """A duty for one condition answers for it alone, and before one for every condition."""
    add(
        city,
        "duties",
        duty("修补队", COMMUNITY_1, LAMP, condition="破损"),
        duty("路灯所", COMMUNITY_1, LAMP),
        duty("街道办", STREET),
    )
    asked = ["破损", "缺失", "", " 破损 "]
    found = same(city, [at(0.5, 0.5)] * 4, class_text="路灯", condition=asked)
    assert [p.party_name for p in found] == ["修补队", "路灯所", "路灯所", "修补队"]
    (found_one,) = same(city, [at(2.5, 0.5)], class_text="路灯", condition="破损")
    assert (found_one.party_name, found_one.unowned) == ("街道办", True)
    with pytest.raises(ArgumentError, match="4 points and 1 conditions do not go together"):
        city.locate_many([0] * 4, [0] * 4, condition=["破损"])


def test_the_line_authority(city: City) -> None:
    """Where no territory answers an event, the class's supervisor does: the district's, then the city's."""
    event = {"kind": "event", "role": "supervisor"}
    add(city, "duties", duty("市城管委", "110100", RUBBISH, **event), duty("社区", COMMUNITY_1))
    one, two = same(city, [at(0.5, 0.5), at(2.5, 0.5)], class_text="暴露垃圾")
    assert (one.party_name, one.next_party_name, one.next_step) == ("社区", "市城管委", "authority")
    assert (two.party_name, two.step, two.passed) == (
        "市城管委",
        "authority",
        "duty=no-duty; territory=no-duty",
    )
    add(city, "duties", duty("区城管委", "110101", "06", **event))
    (two,) = same(city, [at(2.5, 0.5)], class_text="暴露垃圾")
    assert (two.party_name, two.duty_place) == ("区城管委", "110101")


def test_across_a_border(city: City) -> None:
    """Another party within the accuracy is named, the nearest of several; a party farther away is not."""
    add(
        city,
        "duties",
        duty("三组", CODES[3]),
        duty("四组", CODES[4]),
        duty("一组", CODES[1]),
        duty("公园", box(0.25, 0.25, 0.25, 0.25)),
    )
    half_m = 0.5 / 83.7  # sides
    steps = [
        at(1 - half_m, 0.5),
        at(1 - 3 * half_m, 0.5),
        at(1 - half_m, 1 - half_m / 4),
        at(0.25 - half_m, 0.375),
    ]
    found = same(city, steps, accuracy="B")
    assert [(p.party_name, p.across_party_name) for p in found] == [
        ("三组", "四组"),
        ("三组", ""),
        ("三组", "一组"),
        ("三组", "公园"),
    ]
    assert [p.across_party_name for p in same(city, steps, accuracy=0.4)] == ["", "", "一组", ""]
    assert [p.across_party_name for p in same(city, steps, accuracy="C")] == ["四组", "四组", "一组", "公园"]
    # Well inside the park its border is no matter.
    (inside,) = same(city, [at(0.25 + 2 * half_m, 0.375)], accuracy="A")
    assert (inside.party_name, inside.across_party_name) == ("公园", "")
    # In no cell nothing is doubtful, nor where the neighbour has the same party.
    assert [p.across_party_name for p in same(city, [at(-half_m, 0.5), at(0.5, half_m)])] == ["", ""]


def test_what_a_component_says_of_itself_is_not_doubtful(tmp_path: Path) -> None:
    """Where its own body decides, no other party is named, though one would go first in the next cell."""
    chain = '[responsibility]\ncomponent = ["duty", "maintainer", "territory"]\n'
    with tiny_city(tmp_path / "c.gpkg", PROFILE + chain) as city:
        add(
            city,
            "components",
            component(LAMP, point(0.99, 0.5), code="k1", class_name="路灯", maintainer_name="灯"),
            component(LAMP, point(0.99, 0.75), code="k2", class_name="路灯"),
        )
        add(city, "duties", duty("四组", CODES[4], LAMP), duty("三组", CODES[3]))
        own, nobody = same(city, [at(0.99, 0.5), at(0.99, 0.75)], class_text="路灯", radius_m=5.0)
        assert (own.party_name, own.across_party_name) == ("灯", "")
        assert (nobody.party_name, nobody.across_party_name) == ("三组", "四组")


def test_in_parts_as_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The less is known of the place, the fewer points are looked at together; each has its own answer."""
    assert [across._sites_at_once(m) for m in (0.0, 10.0, 100.0, 1e6)] == [262_144, 262_144, 2_621, 64]
    monkeypatch.setattr(across, "_SITES", 100)
    monkeypatch.setattr(across, "_FEWEST", 3)
    city, points = random_city(tmp_path / "city.gpkg", 7)
    with city:
        codes = [code for (code,) in city.store.rows("cells", ("code",)) if code]
        add(city, "duties", *(duty(f"组{i % 5}", code) for i, code in enumerate(codes)))
        found = same(city, points, accuracy=80.0)
    assert sum(bool(one.across_party_name) for one in found) > 64


@pytest.mark.parametrize("accuracy", ["D", "", -1, float("nan"), float("inf"), "ten"])
def test_no_accuracy(city: City, accuracy: Any) -> None:
    """What is neither a class of accuracy nor metres is refused, with the classes."""
    for ask in (city.locate, lambda x, y, **more: city.locate_many([x], [y], **more)):
        with pytest.raises(ArgumentError, match="is no accuracy") as caught:
            ask(116.5, 39.5, accuracy=accuracy)
        assert "A (0.5 m), B (1 m), C (10 m)" in caught.value.hint


def test_the_accuracy_of_the_profile(tmp_path: Path) -> None:
    """A question that does not say how well its place is known has the accuracy of the city's profile."""
    with tiny_city(tmp_path / "c.gpkg", PROFILE + '[responsibility]\naccuracy = "C"\n') as city:
        add(city, "duties", duty("三组", CODES[3]), duty("四组", CODES[4]))
        (found,) = same(city, [at(0.95, 0.5)])
        assert found.across_party_name == "四组"
        assert city.locate(*at(0.95, 0.5), accuracy="B").across_party_name == ""


def test_polygons_alike_and_apart(city: City) -> None:
    """Of polygons over each other the smallest goes first; two drawn alike are one place with both duties."""
    small = box(0.25, 0.25, 0.25, 0.25)
    add(
        city,
        "duties",
        duty("大园", box(0, 0, 2, 2), LAMP, place_name="大"),
        duty("小园灯", small, LAMP, place_name="小"),
        duty("小园", small, place_name="小"),
        duty("街道办", STREET),
    )
    inside, border, outside = same(
        city, [at(0.375, 0.375), at(0.25, 0.375), at(0.75, 0.75)], class_text="路灯", accuracy=0.1
    )
    assert (inside.party_name, inside.next_party_name, inside.duty_place) == ("小园灯", "小园", "小")
    assert (border.party_name, border.across_party_name) == ("小园灯", "大园")
    assert (outside.party_name, outside.next_party_name) == ("大园", "街道办")


def test_parties_are_found_in_the_store_as_among_all(city: City) -> None:
    """By code, name or alias, whatever blanks and capitals; parts of a name are none, nor is an empty one."""
    add(
        city,
        "parties",
        {"code": "P2", "name": "北京 Gas 集团", "aliases": "燃气;煤气 公司"},
        {"code": "P1", "name": "燃气", "aliases": "北京;Straße"},
        {"code": "", "name": "燃气公司", "until": "2020-01-01"},
        {"code": "P9", "name": "", "aliases": " "},
    )
    names = [
        "北京gas集团",
        "燃气",
        " 煤气公司",
        "STRASSE",
        "气;煤",
        "北京",
        "燃气北京",
        "公司",
        "",
        " ",
        "无",
    ]
    everyone, stored = Parties(read_parties(city.store)), StoredParties(city.store)
    found = [everyone.find(code, name) for code in ("", "P1", "P7", "无") for name in names]
    assert [stored.find(code, name) for code in ("", "P1", "P7", "无") for name in names] == found
    told = [[party.code for party in parties] for parties in found[: len(names)]]
    assert told == [["P2"], ["P1", "P2"], ["P2"], ["P1"], [], ["P1"], [], [], [], [], []]
