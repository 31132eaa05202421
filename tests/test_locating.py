"""Where a point lies and who must answer: by hand, and one point like ten million."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
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
    STORM_COVER,
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

from gridcity.city import City
from gridcity.errors import ArgumentError
from gridcity.locating import NOTHING, wanted
from gridcity.model import Placement
from gridcity.profile import parse_profile

Place = tuple[float, float]
IDS = ("cell_id", "component_id", "other_component_id")
DISTANCES = ("distance_to_border_m", "component_distance_m", "other_component_distance_m")
OLD = "cjt214-2007"


def rows(columns: dict[str, Any]) -> list[Placement]:
    """Columns of `locate_many` as the placements that `locate` gives."""
    found = []
    for values in zip(*(columns[name].tolist() for name in Placement.columns()), strict=True):
        row = dict(zip(Placement.columns(), values, strict=True))
        row |= {name: None if row[name] == -1 else row[name] for name in IDS}
        row |= {name: None if isnan(row[name]) else row[name] for name in DISTANCES}
        found.append(Placement(**row))
    return found


def same(city: City, points: list[Place], **question: Any) -> list[Placement]:
    """Assert that many at once are what one by one are, field by field, and return them."""
    lng, lat = np.array(points).reshape(-1, 2).T
    many = rows(city.locate_many(lng, lat, **question))
    of_each = [
        [texts] * len(points) if texts is None or isinstance(texts, str) else texts
        for texts in (question.pop("class_text", None), question.pop("condition", ""))
    ]
    one = [
        city.locate(*p, class_text=text, condition=condition, **question)
        for p, text, condition in zip(points, *of_each, strict=True)
    ]
    for a, b, p in zip(one, many, points, strict=True):
        assert a == b, p
        assert all(
            type(x) is type(y) for x, y in zip(a.as_dict().values(), b.as_dict().values(), strict=True)
        )
    return many


# A city by hand.


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with tiny_city(tmp_path_factory.mktemp("locating") / "city.gpkg") as city:
        add(
            city,
            "components",
            component(
                SEWAGE_COVER, point(0.5, 0.5), code="c2", class_name="污水井盖", maintainer_name="排水"
            ),
            component(STORM_COVER, point(0.5, 0.625), code="c1", class_name="雨水井盖", owner_code="P9"),
            component(LAMP, point(1.5, 0.5), class_name="路灯", until="2026-01-01"),
            component(LAMP, point(1.5, 0.75), class_name="路灯", since="2026-01-01", name="灯 7"),
            component(GREEN, box(2.25, 0.25, 0.5, 0.5), class_name="绿地"),
            component(RAILING, line((0, 1.5), (2, 1.5)), class_name="交通护栏"),
        )
        add(
            city,
            "parties",
            {"code": "P9", "name": "水务局"},
            {"code": "P1", "name": "排水集团", "aliases": "排水"},
        )
        add(
            city,
            "duties",
            {"party_name": "街道办", "place_code": STREET},
            {"party_name": "区城管委", "place_code": "110101"},
            {
                "party_name": "园林队",
                "place_code": COMMUNITY_2,
                "class_kind": "component",
                "edition": EDITION,
                "class_code": GREEN,
            },
        )
        yield city


@pytest.mark.parametrize(
    "place, cell, basis, community",
    [
        ((0.5, 0.5), 3, "inside", COMMUNITY_1),
        ((1, 1), 1, "edge", COMMUNITY_1),  # the corner of 1-4: the lowest code
        ((2, 0.5), 4, "edge", COMMUNITY_1),  # 4 has a code, 5 has none
        ((2.5, 1), 6, "edge", COMMUNITY_2),
        ((2.5, 0.5), 5, "inside", COMMUNITY_2),
        ((3.5, 0.5), None, "outside", COMMUNITY_2),  # no cell; the community by its own area
        ((2, 3), None, "outside", COMMUNITY_1),  # no cell, on the border of two communities
    ],
)
def test_cell_and_place(city: City, place: Place, cell: int | None, basis: str, community: str) -> None:
    """The cell by the edge rule, with its areas; without a cell the finest area that covers the point."""
    (found,) = same(city, [at(*place)])
    assert (found.cell_id, found.basis, found.community_code) == (cell, basis, community)
    assert found.cell_code == CODES.get(cell or 0, "")
    assert (found.street_code, found.street_name) == (STREET, "北新桥街道")
    assert (found.district_code, found.district_name) == ("110101", "东城区")


def test_without_street_or_outside(city: City) -> None:
    """A cell without areas has the city's own district; outside every area there is no place at all."""
    in_seven, district, nowhere = same(city, [at(5.25, 0.5), at(5.75, 3), at(7, 7)])
    assert (in_seven.cell_id, in_seven.district_code, in_seven.district_name) == (7, "110101", "样例城")
    assert (district.cell_id, district.district_name, district.street_code) == (None, "东城区", "")
    assert (nowhere.district_code, nowhere.party_name, nowhere.step) == ("", "", "none")
    assert [p.party_name for p in (in_seven, district)] == ["区城管委"] * 2


def test_near(city: City) -> None:
    """Within the distance asked for, the nearest cell and its areas are given; the distance stays."""
    outside, near = (same(city, [at(3.25, 0.5)], near_m=m)[0] for m in (0, 25))
    assert (outside.cell_id, outside.basis, near.cell_id, near.basis) == (None, "outside", 5, "near")
    assert outside.distance_to_border_m == near.distance_to_border_m == 21.0


def test_class_by_code_name_and_part(city: City) -> None:
    """A class is asked for by code, name or a part of names; the nearest component answers for its class."""
    place = at(0.5, 0.53125)  # 3.39 m from the sewage cover, 10.16 m from the storm cover
    for text, code, metres in [
        (SEWAGE_COVER, "c2", 3.39),
        ("污水井盖", "c2", 3.39),
        ("雨水井盖", "c1", 10.16),
        ("井盖", "c2", 3.39),
        ("manhole", "c2", 3.39),
    ]:
        (found,) = same(city, [place], class_text=text)
        assert (found.component_code, found.component_distance_m) == (code, metres)
        assert found.class_name in ("污水井盖", "雨水井盖")
    (found,) = same(city, [place], class_text="井盖", radius_m=3)
    assert (found.component_id, found.class_code, found.class_name) == (None, "", "井盖")
    (found,) = same(city, [place], class_text="雨水井盖", radius_m=3)
    assert (found.component_id, found.class_code, found.class_name) == (None, STORM_COVER, "雨水井盖")


def test_who_answers(city: City) -> None:
    """The component's bodies, then duties for its class, then the territory; events have duties only."""
    questions = {
        "污水井盖": ("排水集团", "maintainer", "街道办", "territory"),
        "雨水井盖": ("水务局", "owner", "街道办", "territory"),
        "路灯": ("街道办", "territory", "", ""),
        "暴露垃圾": ("街道办", "territory", "", ""),
    }
    found = same(city, [at(0.5, 0.5)] * 4, class_text=list(questions))
    assert [(p.party_name, p.step, p.next_party_name, p.next_step) for p in found] == list(questions.values())
    (green,) = same(city, [at(2.5, 0.5)], class_text="绿地")
    assert (green.component_distance_m, green.party_name, green.next_party_name) == (0.0, "园林队", "街道办")


def test_as_of(city: City) -> None:
    """A component counts from its first day on and no longer on its last."""
    for day, name, metres in [("2025-12-31", "", 13.55), ("2026-01-01", "灯 7", 13.55)]:
        (found,) = same(city, [at(1.5, 0.625)], class_text="路灯", as_of=day)
        assert (found.component_name, found.component_distance_m) == (name, metres)
        assert found.component_id == (3 if day < "2026" else 4)


@pytest.mark.parametrize("radius_m", [0.0, 0.1])
def test_small_radius(city: City, radius_m: float) -> None:
    """Distances are compared after rounding to centimetres, for one point as for many."""
    per_side_m = 108.43
    steps = [radius_m + d for d in (0.0, 0.003, 0.0049, 0.0051, 0.02)]
    found = same(
        city, [at(0.5, 0.5 - m / per_side_m) for m in steps], class_text="污水井盖", radius_m=radius_m
    )
    assert [p.component_id for p in found] == [1, 1, 1, None, None]


def test_nothing_asked(city: City) -> None:
    """No points give empty columns; NaN and places off the globe are outside and have nothing."""
    assert {len(c) for c in city.locate_many([], [], class_text="路灯").values()} == {0}
    found = city.locate_many(
        [np.nan, 116.5, np.inf, 39.5], [39.5, np.nan, 0, 116.5], class_text="路灯", near_m=9e9
    )
    for p in rows(found):
        assert (p.basis, p.cell_id, p.distance_to_border_m, p.component_id) == ("outside", None, None, None)
        assert (p.district_code, p.step, p.overlap) == ("", "none", False)
    assert np.isnan([found["lng"], found["lat"]]).all()


# One point like many.


def random_city(path: Path, seed: int) -> tuple[City, list[Place]]:
    """A warped city with gaps, overlaps, holes, past objects and equal codes-free cells; and its points."""
    draw = random.Random(seed)
    n = 9
    corner = {
        (x, y): at(x + draw.uniform(-0.3, 0.3), y + draw.uniform(-0.3, 0.3))
        for x in range(n + 1)
        for y in range(n + 1)
    }
    city = empty_city(path)
    add(
        city,
        "areas",
        {"level": "district", "code": "110101", "name": "区", "geom": box(-1, -1, n + 4, n + 2)},
        {"level": "street", "code": STREET, "name": "街", "parent_id": 1, "geom": box(-1, -1, n, n + 2)},
        {"level": "street", "name": "无码街", "parent_id": 1, "geom": box(n - 1, -1, 2, n + 2)},
        {"code": COMMUNITY_1, "name": "一", "parent_id": 2, "geom": box(-1, -1, 4, n + 2)},
        {"code": COMMUNITY_2, "name": "二", "parent_id": 2, "geom": box(2, -1, 3, n + 2)},
        {"name": "三", "parent_id": 3, "geom": box(n - 1, 0, 2, n)},
    )
    cells = []
    for x in range(n):
        for y in range(n):
            if draw.random() < 0.15:
                continue
            quad = shapely.Polygon([corner[x, y], corner[x + 1, y], corner[x + 1, y + 1], corner[x, y + 1]])
            shape = quad
            if draw.random() < 0.2:
                shape = quad.difference(shapely.affinity.scale(quad, 0.4, 0.4))
            elif draw.random() < 0.1:
                shape = shapely.MultiPolygon([quad, box(x + 20, y, 0.5, 0.5)])
            cells.append({"geom": shape, "community_id": draw.choice([4, 5, 6, None])})
    cells += [{"geom": box(draw.uniform(0, n), draw.uniform(0, n), 1, 0.7)} for _ in range(8)]
    draw.shuffle(cells)
    for i, cell in enumerate(cells):
        cell["code"] = f"{COMMUNITY_1}{draw.randrange(10**6)}{i}" if draw.random() < 0.7 else ""
        cell["until"] = "2026-01-01" if draw.random() < 0.1 else ""
        cell["street_id"] = {4: 2, 5: 2, 6: 3, None: None}[cell.get("community_id")]
    add(city, "cells", *cells)
    add(city, "components", *(random_component(draw, n, i) for i in range(150)))
    add(
        city,
        "parties",
        *({"code": f"P{i}", "name": f"甲{i}", "until": draw.choice(["", "2026-01-01"])} for i in range(5)),
    )
    places = ["110101", STREET, COMMUNITY_1, COMMUNITY_2, *(c["code"] for c in cells if c["code"])]
    duties = []
    for i in range(60):
        kind, code = draw.choice(
            [("", ""), ("component", draw.choice([LAMP, GREEN, "01"])), ("event", "01001")]
        )
        duties.append(
            {
                "party_name": f"队{i % 7}",
                "party_code": draw.choice(["", "P1", "P3"]),
                "place_code": draw.choice(places),
                "class_kind": kind,
                "class_code": code,
                "edition": EDITION if kind else "",
                "priority": draw.choice([0, 1]),
                "since": draw.choice(["", "2026-02-01"]),
            }
        )
    add(city, "duties", *duties)
    return city, list(random_points(draw, n, cells, list(corner.values())))


def random_component(draw: random.Random, n: int, i: int) -> dict[str, Any]:
    x, y = draw.uniform(0, n), draw.uniform(0, n)
    code, shape = draw.choice(
        [
            (LAMP, point(x, y)),
            (SEWAGE_COVER, point(round(x), round(y))),  # many at one place
            (RAILING, line((x, y), (x + draw.uniform(-1, 1), y + 0.5))),
            (GREEN, box(x, y, 0.4, 0.3).difference(box(x + 0.1, y + 0.1, 0.1, 0.1))),
            (LAMP, shapely.MultiPoint([at(x, y), at(x + 0.2, y)])),
        ]
    )
    more = {
        f"{role}_{part}": draw.choice(["", "", "无", f"P{draw.randrange(6)}" if part == "code" else "甲2"])
        for role in ("maintainer", "owner", "supervisor")
        for part in ("code", "name")
    }
    own = draw.choice(["", f"k{draw.randrange(9**6)}-{i}"])
    names = {LAMP: "路灯", SEWAGE_COVER: "污水井盖", RAILING: "交通护栏", GREEN: "绿地"}
    return component(
        code, shape, code=own, class_name=names[code], until=draw.choice(["", "", "2026-02-15"]), **more
    )


def random_points(
    draw: random.Random, n: int, cells: list[dict[str, Any]], corners: list[Place]
) -> Iterator[Place]:
    yield from corners
    for cell in cells:
        for ring in shapely.get_rings(shapely.get_parts(cell["geom"])):
            (ax, ay), (bx, by) = draw.sample(list(ring.coords), 2)
            yield (ax + bx) / 2, (ay + by) / 2
    for _ in range(500):
        yield at(draw.uniform(-1, n + 3), draw.uniform(-2, n + 2))
    for _ in range(40):
        yield at(draw.uniform(-40, 40), draw.uniform(-40, 40))
    yield from [(0.0, 0.0), (121.5, 31.2), (-116.5, -39.5), (180.0, 90.0), (-180.0, -90.0), (116.5, 89.95)]


@pytest.fixture(scope="module", params=[1, 2])
def crowded(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[City, list[Place]]]:
    city, points = random_city(tmp_path_factory.mktemp("random") / "city.gpkg", request.param)
    with city:
        yield city, points


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"near_m": 30.0},
        {"near_m": 1e9, "as_of": "2025-06-01"},
        {"class_text": "路灯", "radius_m": 40.0},
        {"class_text": "", "as_of": "1999-01-01"},
    ],
    ids=str,
)
def test_one_like_many(crowded: tuple[City, list[Place]], question: dict[str, Any]) -> None:
    """Every field of every point is the same for one point and for many, far away and on corners too."""
    city, points = crowded
    found = same(city, points, **question)
    if question.get("near_m", 0) > 1e6:
        assert {p.basis for p in found} == {"inside", "edge", "near"}
    elif "as_of" not in question:
        assert {p.overlap for p in found} == {True, False} and len({p.basis for p in found}) > 2
    if question.get("class_text"):
        assert {p.step for p in found} >= {"maintainer", "owner", "duty", "none"}
        assert 50 < sum(p.component_id is not None for p in found) < len(found)


def test_one_like_many_with_a_class_each(crowded: tuple[City, list[Place]]) -> None:
    """Points that each ask for a class of their own get what each gets alone."""
    city, points = crowded
    texts = ["路灯", "井盖", "", None, "绿地", "护栏", "暴露垃圾", LAMP]
    asked = [texts[i % len(texts)] for i in range(len(points))]
    found = same(city, points, class_text=asked, radius_m=60.0, as_of="2026-02-20")
    assert {p.class_code for p in found} >= {LAMP, SEWAGE_COVER, GREEN, RAILING, ""}


def test_chunks_do_not_show(crowded: tuple[City, list[Place]], monkeypatch: pytest.MonkeyPatch) -> None:
    """However few points are located together, the answers are the same; so in any order of points."""
    city, points = crowded
    lng, lat = np.array(points).T
    question: dict[str, Any] = {"class_text": "井盖", "near_m": 50.0}
    whole = rows(city.locate_many(lng, lat, **question))
    monkeypatch.setattr("gridcity.locating.bulk._CHUNK", 97)
    monkeypatch.setattr("gridcity.tiling.nearest._PAIRS", 1000)
    assert rows(city.locate_many(lng, lat, **question)) == whole
    order = np.random.default_rng(1).permutation(len(points))
    shuffled = rows(city.locate_many(lng[order], lat[order], **question))
    assert shuffled == [whole[i] for i in order]


def test_row_order_does_not_matter(tmp_path: Path) -> None:
    """The same coded cells stored in another order give the same codes and bases everywhere."""
    draw = random.Random(3)
    cells = [
        {"geom": box(x * 0.75, y * 0.75), "code": f"{COMMUNITY_1}{x}{y}"} for x in range(4) for y in range(4)
    ]
    points = [at(x / 8, y / 8) for x in range(-1, 28) for y in range(-1, 28)]
    answers = []
    for i in range(2):
        with empty_city(tmp_path / f"{i}.gpkg") as city:
            add(city, "cells", *cells)
            found = city.locate_many(*np.array(points).T)
            answers.append([found[name].tolist() for name in ("cell_code", "basis", "overlap")])
        draw.shuffle(cells)
    assert answers[0] == answers[1]


def test_empty_city(tmp_path: Path) -> None:
    """A city with nothing in it, and one with areas only, answer: outside, nobody, no distance."""
    with empty_city(tmp_path / "empty.gpkg") as city:
        (found,) = same(city, [at(0, 0)], near_m=100.0, class_text="路灯")
        assert (found.basis, found.distance_to_border_m, found.district_code) == ("outside", None, "")
        add(city, "areas", {"level": "district", "code": "110101", "name": "区", "geom": box(0, 0)})
        (found,) = same(city, [at(0.5, 0.5)], near_m=100.0)
        assert (found.basis, found.distance_to_border_m, found.district_name) == ("outside", None, "区")


@pytest.mark.parametrize("lat", [-89.95, 0.0, 89.9, 89.9999])
def test_any_latitude(tmp_path: Path, lat: float) -> None:
    """Near the poles and on the equator cells and components are found, one like many."""
    with empty_city(tmp_path / "city.gpkg", PROFILE.replace("110101", "990101")) as city:
        side = 0.00004
        squares = [shapely.box(x, lat, x + 1, lat + side) for x in (-3, -2, 0, 170)]
        add(city, "cells", *({"geom": square} for square in squares))
        spots = [shapely.Point(x, lat + side / 2) for x in (-2.5, 0.5, 100, 175)]
        add(city, "components", *(component(LAMP, spot) for spot in spots))
        places = [(x / 7, lat + y * side / 3) for x in range(-30, 30, 3) for y in (-9, -1, 0, 1, 3, 4)]
        places += [(179.9, lat), (-180.0, lat), (10.0, 90.0), (10.0, -90.0), (10.0, -lat)]
        found = same(city, places, near_m=10.0, class_text="路灯", radius_m=30.0)
        assert {p.basis for p in found} >= {"inside", "edge", "outside"}


# The class asked for.


@pytest.mark.parametrize(
    "text, count, kind",
    [
        (LAMP, 1, "component"),
        ("0118", 1, "component"),
        ("路灯", 2, "component"),
        (" 路灯 ", 2, "component"),
        ("Street lamp", 2, "component"),
        ("污水井盖", 2, "component"),
        ("供水井盖", 1, "component"),
        ("暴露垃圾", 2, "event"),
    ],
)
def test_a_class_by_its_name(text: str, count: int, kind: str) -> None:
    """A code is one class, a whole name that class in every edition of the city; components before events."""
    found = wanted(text, parse_profile(PROFILE))
    assert (len(found.classes), found.classes[0].kind) == (count, kind)
    assert len({entry.edition for entry in found.classes}) == count
    assert found.single is not None
    assert (found.single.kind, found.single.edition) == (kind, OLD if text == "0118" else EDITION)
    assert found.single.name == found.classes[0].zh


def test_a_part_of_a_name() -> None:
    """A part of names is all classes that have it, of both the city's editions, and no single one."""
    found = wanted("井盖", parse_profile(PROFILE))
    assert found.single is None and len(found.components) > 20
    assert {entry.edition for entry in found.classes} == {EDITION, OLD}
    assert all("井盖" in entry.zh for entry in found.classes)
    assert wanted("  ", parse_profile(PROFILE)) is NOTHING and NOTHING.single is None


def test_no_such_class() -> None:
    """A class that does not exist is refused with the nearest names."""
    with pytest.raises(
        ArgumentError, match=r"'路登' is no class of gbt47678\.5-2026 or cjt214-2007"
    ) as caught:
        wanted("路登", parse_profile(PROFILE))
    assert "路灯" in caught.value.hint and caught.value.code == "E_CLASS"


# The cold path.

HEAVY = (
    "numpy",
    "shapely",
    "pandas",
    "geopandas",
    "pyogrio",
    "pyproj",
    "tabulate",
    "importlib.metadata",
    "rtree",
)


def python(code: str, *arguments: object) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_import_is_light() -> None:
    """`import gridcity` loads itself, and of the standard library typing only."""
    code = "import sys, typing; old = set(sys.modules); import gridcity; print(*set(sys.modules) - old)"
    assert set(python(code).split()) <= {"gridcity", "__future__"}


def test_one_point_from_a_cold_shell(city: City) -> None:
    """Locating one point with a class, a radius, a datum and a near distance loads nothing heavy."""
    code = f"""
import sys
from gridcity import City
with City.open(sys.argv[1]) as city:
    found = city.locate(float(sys.argv[2]), float(sys.argv[3]), class_text="井盖", radius_m=80, near_m=20)
    city.locate(0, 0, datum="gcj02", as_of="2026-01-01")
    city.locate(3.5, 0.5, crs="EPSG:4490")
print(found.component_code, found.party_name, *(set({HEAVY!r}) & set(sys.modules)))
"""
    assert python(code, city.path, *at(0.5, 0.5)).split() == ["c2", "排水集团"]
