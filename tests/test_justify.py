"""The chain as a person would say it: whole answers, and what is said of every turn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_city import gridcity
from test_locating_duties import duty
from tiny_city import CODES, COMMUNITY_1, LAMP, STREET, add, at, box, component, point, tiny_city

from gridcity.city import City
from gridcity.errors import ArgumentError

DAY = "2026-03-01"
LAMP_CODE = "11010101037000001"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with tiny_city(tmp_path / "city.gpkg") as city:
        add(
            city,
            "parties",
            {"code": "P1", "name": "路灯处", "until": "2026-01-01"},
            {"code": "P2", "name": "市政处"},
            {"name": "街道办"},
        )
        yield city


def lamp(**more: Any) -> dict[str, Any]:
    return component(LAMP, point(0.5, 1.5), code=LAMP_CODE, class_name="路灯", **more)


def said(city: City, x: float = 0.5, y: float = 1.5, **asked: Any) -> list[str]:
    return city.justify(*at(x, y), as_of=DAY, **asked).sentences()


def test_the_whole_chain_of_a_lamp(city: City) -> None:
    """Place, component, every step with its party or its reason, and who answers, in this order."""
    add(city, "components", lamp(name="灯1", cell_id=1, maintainer_code="P1", owner_name="无"))
    add(
        city,
        "duties",
        duty("市政处", box(0, 1), role="maintainer", place_name="大街", area_m2=9123.4, note="协议一"),
        duty("市政处", CODES[1], LAMP, condition="破损", since="2026-01-01"),
        duty("街道办", STREET),
    )
    assert said(city, class_text="路灯") == [
        "The point 116.500488 39.501465, asked about on 2026-03-01, lies in cell 110101005001001 "
        "(海运仓社区, 北新桥街道, 东城区), 42 m from its border.",
        f"The nearest 路灯 within 50 m is 灯1 ({LAMP_CODE}), at the point itself.",
        "1. maintainer 养护单位: the component names 路灯处, who is not valid on that day.",
        "2. owner 权属单位: the component names nobody.",
        "3. supervisor 主管部门: the component names nobody.",
        "4. agreed 约定或建设单位: no duty is for this component.",
        "5. ground 所在道路绿地广场: 市政处, by its duty as maintainer for every class at 大街 (9,123 m²) "
        "[协议一] — answers.",
        "6. duty 专项职责: the duties there are for other conditions (破损), and none was named.",
        f"7. territory 属地: 街道办, by its duty as handler for every class at street {STREET} "
        "— would be next.",
        "市政处 (P2) must answer.",
        "Next would be 街道办.",
    ]


def test_the_bodies_of_a_component(city: City) -> None:
    """Who is named twice answers already; who comes third comes after the two."""
    names = {"maintainer_name": "市政处", "owner_name": "市政处", "supervisor_name": "主管"}
    add(city, "components", lamp(**names))
    add(city, "duties", duty("主管", COMMUNITY_1, LAMP, until="2027-01-01"), duty("街道办", STREET))
    steps = [line.split(": ", 1)[1] for line in said(city, class_text="路灯") if line[0].isdigit()]
    assert steps == [
        "the component names 市政处 — answers.",
        "the component names 市政处 — answers already.",
        "the component names 主管 — would be next.",
        "no duty is for this component.",
        "no maintainer's polygon covers the place.",
        f"主管, by its duty as handler for 路灯 at community {COMMUNITY_1}, until 2027-01-01 "
        "— would be next already.",
        f"街道办, by its duty as handler for every class at street {STREET} — comes after them.",
    ]


def test_nothing_known(city: City) -> None:
    """A class without a component, an event, no class and a place outside are told for what they are."""
    assert "No 路灯 is known within 50 m." in said(city, class_text="路灯")
    assert "It is about 暴露垃圾." in said(city, class_text="暴露垃圾")
    assert said(city)[1:] == [
        "No class was named: only the territory can answer.",
        "1. duty 专项职责: no class was asked about.",
        "2. territory 属地: no duty without a class holds at the place.",
        "3. authority 条线主管: no class was asked about.",
        "Nobody answers: no step names a party.",
    ]
    outside = said(city, 7, 5)
    assert "lies in no cell; the nearest is " in outside[0]
    assert outside[1].startswith("It lies in no area of the city either")
    assert said(city, class_text="路灯")[-1] == (
        "无责任主体: no body of its own answers for such a component (路灯)."
    )


def test_a_word_of_several_classes(city: City) -> None:
    """A part of several names of events is no class: the answer says so, and where they are listed."""
    told = said(city, class_text="占道")
    assert told[1] == (
        "占道 is in the names of several classes: only the territory can answer. "
        "Name one of them: gridcity catalogue 占道"
    )
    assert "1. duty 专项职责: no single class was asked about." in told


def test_an_area_without_a_cell(city: City) -> None:
    """Where the cell has ended the point lies in no cell, but in its areas."""
    city.retire(CODES[2], "2026-01-02")
    assert " lies in no cell, but in 海运仓社区, 北新桥街道, 东城区; the nearest is " in said(city, 1.5)[0]


def test_doubts_are_told(city: City) -> None:
    """Two lamps as near, a lamp in another cell, two parties with one claim, a border that is too near."""
    add(
        city,
        "components",
        component(LAMP, point(1.01, 1.5), code=LAMP_CODE, class_name="路灯", cell_id=2),
        component(LAMP, point(1.01, 1.51), class_name="路灯", cell_id=2),
    )
    add(city, "duties", duty("甲", CODES[1]), duty("乙", CODES[2]), duty("丙", CODES[2]))
    found = said(city, 0.99, 1.5, class_text="路灯", accuracy="C")
    assert found[1] == f"The nearest 路灯 within 50 m is {LAMP_CODE}, 1.68 m away."
    assert found[2] == "As likely, where places are known to 10 m, is the one with id 2, 2 m away."
    assert found[3] == f"It stands in cell {CODES[2]}, the point in another cell: where it stands decides."
    assert "乙 claims the same, and only the order of codes decides — answers." in found[-4]
    assert found[-1] == (
        "A border of duty is no farther than 10 m, and on its other side 甲 would answer: "
        "make sure of the place."
    )


def test_the_placement_is_that_of_locate(city: City) -> None:
    """What is explained is the answer, field by field; wrong questions are refused alike."""
    add(city, "components", lamp(owner_name="市政处"))
    asked = {"class_text": "路灯", "near_m": 5.0, "as_of": DAY, "condition": "破损", "accuracy": 3.0}
    found = city.justify(*at(0.2, 1.5), **asked)
    assert found.placement == city.locate(*at(0.2, 1.5), **asked)
    assert (found.condition, found.accuracy_m, found.on) == ("破损", 3.0, DAY)
    for wrong in ({"class_text": "飞船"}, {"accuracy": "D"}, {"radius_m": -1.0}, {"as_of": "gestern"}):
        with pytest.raises(ArgumentError):
            city.justify(*at(0.2, 1.5), **wrong)


def test_explain_in_the_shell(city: City) -> None:
    """Text by default, JSON when asked for; a stream, fields and other formats are refused."""
    add(city, "duties", duty("街道办", STREET))
    line = ["locate", *map(str, at(0.5, 1.5)), "--explain", "--as-of", DAY, "--city", str(city.path)]
    ran = gridcity(*line)
    assert (ran.exit_code, ran.stdout) == (0, "\n".join(said(city)) + "\n")
    told = json.loads(gridcity(*line, "--format", "json").stdout)
    assert (told["party_name"], told["as_of"]) == ("街道办", DAY)
    assert [one["step"] for one in told["considered"]] == ["duty", "territory", "authority"]
    assert told["considered"][1]["duty"]["place_code"] == STREET
    assert told["sentences"] == said(city)
    for more in (["--fields", "step"], ["--format", "csv"]):
        assert gridcity(*line, *more).exit_code == 2
    assert gridcity("locate", "-", "--explain", "--city", str(city.path)).exit_code == 2
    outside = ["locate", "1", "1", "--explain", "--city", str(city.path)]
    assert gridcity(*outside).exit_code == 1


def test_a_matter_called_after_a_component_is_about_it(city: City, tmp_path: Path) -> None:
    """路灯异常 finds the lamp and has its chain, and so has a duty that is written for it."""
    add(city, "components", lamp(maintainer_name="市政处"))
    of_matter, of_lamp = (
        city.justify(*at(0.5, 1.5), class_text=text, as_of=DAY) for text in ("路灯异常", "路灯")
    )
    assert of_matter == of_lamp and of_lamp.placement.component_code == LAMP_CODE
    table = tmp_path / "duties.csv"
    table.write_text("责任单位,类别种类,小类名称,地点编码\n街道办,事件,路灯异常,110101\n", encoding="utf-8")
    assert city.import_duties(table).receipt.added == 1
    assert city.store.rows("duties", ("class_kind", "class_code", "class_name")) == [
        ("component", LAMP, "路灯")
    ]
    assert city.locate(*at(5.5, 2.5), class_text="路灯异常").step == "duty"
    assert city.locate(*at(5.5, 2.5), class_text="暴露垃圾").step == "none"


def test_a_condition_written_otherwise_is_seen(city: City) -> None:
    """The duty for every condition answers, and the conditions for which others are there are named."""
    add(
        city,
        "duties",
        duty("市政处", COMMUNITY_1, LAMP, condition="破损"),
        duty("街道办", COMMUNITY_1, LAMP),
        duty("区", "110101", LAMP, condition="缺失"),
    )
    (step,) = (line for line in said(city, class_text="路灯", condition="破碎") if "duty 专项职责" in line)
    assert step.endswith(f"community {COMMUNITY_1} (other duties there are for 破损) — answers.")
    (step,) = (line for line in said(city, class_text="路灯", condition="破损") if "duty 专项职责" in line)
    assert step.startswith("6. duty 专项职责: 市政处") and "other duties" not in step
