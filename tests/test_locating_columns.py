"""Some columns of an answer: the same as in the whole answer, without the work that only others need."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from geopandas.testing import assert_geodataframe_equal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_locating import Place, random_city, same
from tiny_city import (
    CODES,
    COMMUNITY_1,
    EDITION,
    GREEN,
    LAMP,
    STREET,
    add,
    at,
    box,
    component,
    point,
    tiny_city,
)

from gridcity.catalogue import Catalogue
from gridcity.city import City
from gridcity.errors import ArgumentError
from gridcity.locating import bulk
from gridcity.model import Placement
from gridcity.responsibility import Parties
from gridcity.store.reading import Reader
from gridcity.tiling.index import PolygonIndex

COLUMNS = Placement.columns()
TEXTS = ["路灯", "井盖", "", None, "绿地", "护栏", "暴露垃圾", LAMP]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[City, list[Place]]]:
    city, points = random_city(tmp_path_factory.mktemp("columns") / "city.gpkg", 3)
    with city:
        yield city, [*points, (np.nan, 39.5), (181.0, 0.0)]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with tiny_city(tmp_path / "city.gpkg") as city:
        yield city


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(COLUMNS), unique=True),
    st.sampled_from([0.0, 40.0]),
    st.sampled_from(["none", "one", "each"]),
)
def test_columns_are_those_of_the_whole_answer(
    crowded: tuple[City, list[Place]], names: list[str], near_m: float, classes: str
) -> None:
    """Whatever columns are asked for, they come in that order, and each is what it is among all."""
    city, points = crowded
    lng, lat = np.array(points).T
    question: dict[str, Any] = {"near_m": near_m, "radius_m": 60.0}
    if classes != "none":
        each = [TEXTS[i % len(TEXTS)] for i in range(len(points))]
        question["class_text"] = "井盖" if classes == "one" else each
    whole = city.locate_many(lng, lat, **question)
    found = city.locate_many(lng, lat, columns=names, **question)
    assert list(found) == names
    for name in names:
        assert found[name].dtype == whole[name].dtype
        np.testing.assert_array_equal(found[name], whole[name], err_msg=name)


def test_unknown_columns(city: City) -> None:
    """A column that is none is refused before anything is read, with the nearest and all names."""
    with pytest.raises(ArgumentError) as caught:
        city.locate_many(["no number"], [0], columns=["cell_id", "cell_cod"])
    assert caught.value.message == "There is no column 'cell_cod'; 'cell_code' is one."
    assert all(name in caught.value.hint for name in COLUMNS)
    with pytest.raises(ArgumentError, match="no column 7"):
        city.locate_many([0], [0], columns=[7])  # type: ignore[list-item]


def test_names_given_otherwise(city: City) -> None:
    """One name may come alone, a name given twice is one column, and no name gives none."""
    lng, lat = at(0.5, 0.5)
    assert {n: c.tolist() for n, c in city.locate_many([lng], [lat], columns="cell_id").items()} == {
        "cell_id": [3]
    }
    assert list(city.locate_many([lng], [lat], columns=["basis", "basis"])) == ["basis"]
    assert city.locate_many([lng], [lat], columns=[]) == {}


def test_nothing_else_is_read(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """For cells only the cells are read, without distances; parties without a class need no components."""
    read, distances = set(), []
    name = Reader._name

    def told(self: Reader, table: str, column: str) -> str:
        read.add(table)
        return name(self, table, column)

    monkeypatch.setattr(Reader, "_name", told)
    locate = PolygonIndex.locate

    def watched(*given: Any, **more: Any) -> Any:
        distances.append(more["distances"])
        return locate(*given, **more)

    monkeypatch.setattr(PolygonIndex, "locate", watched)
    steps: list[tuple[list[str], set[str], list[bool]]] = [
        (["cell_id", "cell_code", "lng"], {"cells"}, []),
        (["cell_id", "basis", "overlap"], {"cells"}, [False]),
        (["distance_to_border_m", "cell_id"], {"cells"}, [True]),
        (["street_name"], {"cells", "areas"}, []),
        (["party_code"], {"cells", "areas", "parties", "duties"}, []),
        (["component_id"], {"cells", "areas", "parties", "duties", "components"}, []),
    ]
    for names, tables, asked in steps:
        distances.clear()
        asking = "路灯" if names == ["component_id"] else None
        city.locate_many(*([n] for n in at(0.5, 0.5)), columns=names, class_text=asking)
        assert (names, read, distances) == (names, tables, asked)


def test_a_frame_with_some_columns(city: City) -> None:
    """A frame comes back with these columns only, its index and system kept, and itself as it was."""
    frame = gpd.GeoDataFrame({"lng": ["甲", "乙"]}, geometry=[point(0.5, 0.5), point(9, 9)], crs=4490)
    frame.index = [7, 3]
    before = frame.copy()
    found = city.locate_many(frame, columns=["street_name", "cell_id"])
    assert_geodataframe_equal(frame, before)
    assert list(found.columns) == ["lng", "geometry", "street_name", "cell_id"]
    assert found.index.tolist() == [7, 3] and found.crs == frame.crs
    assert found["cell_id"].tolist() == [3, -1] and found["street_name"].tolist() == ["北新桥街道", ""]
    with pytest.raises(ArgumentError, match="has a column 'lng' already"):
        city.locate_many(frame, columns=["lng"])


def test_a_duty_at_a_cell(city: City) -> None:
    """A duty that names a cell counts in that cell, and only there; one like many."""
    add(
        city,
        "duties",
        {"party_name": "街道办", "place_code": STREET},
        {"party_name": "楼长", "place_code": CODES[3]},
        {
            "party_name": "园林队",
            "place_code": CODES[4],
            "class_kind": "component",
            "edition": EDITION,
            "class_code": GREEN,
        },
    )
    places = [at(x + 0.5, y + 0.5) for x in range(6) for y in range(4)]
    found = same(city, places)
    assert [p.party_name for p in found[:4]] == ["楼长", "街道办", "街道办", "街道办"]
    assert sum(p.party_name == "楼长" for p in found) == 1
    add(city, "components", component(LAMP, point(0.5, 1.5), maintainer_name="灯"))
    texts = ["绿地", "路灯", "", "暴露垃圾"]
    found = same(city, places, class_text=[texts[i % 4] for i in range(len(places))])
    assert {p.party_name for p in found} == {"楼长", "街道办", "园林队", "灯", ""}


def test_every_situation_is_decided_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many points and chunks, each place and class is decided once, also in later questions."""
    add(city, "duties", {"party_name": "街道办", "place_code": STREET})
    asked = []
    named = Parties.named

    def told(self: Parties, code: str, name: str, on: str) -> tuple[str, str] | None:
        asked.append(name)
        return named(self, code, name, on)

    monkeypatch.setattr(Parties, "named", told)
    monkeypatch.setattr(bulk, "_CHUNK", 100)
    lng, lat = (np.tile(n, 500) for n in np.array([at(0.5, 0.5), at(1.5, 0.5), at(2.5, 0.5)]).T)
    for _ in range(3):
        found = city.locate_many(lng, lat, columns=["party_name"])
        assert set(found["party_name"]) == {"街道办"}
    # Two communities without duties of their own are one situation.
    assert asked == ["街道办"]


def test_equal_texts_are_one_object(city: City) -> None:
    """A text column holds each distinct text once, so that a point costs its 8 bytes."""
    lng, lat = (np.tile(n, 50_000) for n in np.array([at(0.5, 0.5), at(0.25, 0.5)]).T)
    found = city.locate_many(lng, lat, columns=["cell_code", "basis", "street_name", "party_name"])
    for column in found.values():
        assert column.dtype == object and len({id(text) for text in column}) == 1


def test_memory_does_not_grow_with_the_points(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the answer itself a question of twice the points takes no more memory."""
    monkeypatch.setattr(bulk, "_CHUNK", 8192)
    names = ["lng", "cell_id", "basis", "overlap", "community_name", "party_code"]
    add(city, "duties", {"party_name": "街道办", "place_code": STREET})
    draw = np.random.default_rng(1)
    beside = []
    for n in (1000, 40_000, 80_000):
        lng, lat = at(*draw.uniform(0, 4, (2, n)))
        tracemalloc.start()
        found = city.locate_many(lng, lat, columns=names)
        beside.append(tracemalloc.get_traced_memory()[1] - sum(column.nbytes for column in found.values()))
        tracemalloc.stop()
    assert beside[2] < beside[1] + 80_000


def test_some_days_are_kept(city: City) -> None:
    """The last few days asked about stay ready, the oldest goes first, and a change of the city ends all."""
    add(
        city,
        "cells",
        {"geom": box(3, 3), "code": f"{COMMUNITY_1}9", "since": "2026-01-02"},
    )
    place = [[n] for n in at(3.5, 3.5)]
    for day, ids in [("2026-01-01", [-1]), ("2026-01-02", [8]), ("2026-01-01", [-1])]:
        assert city.locate_many(*place, as_of=day, columns=["cell_id"])["cell_id"].tolist() == ids
    first = city._locator("2026-01-01")
    for day in ("2026-01-02", "2026-01-03", "2026-01-01"):
        city.locate_many(*place, as_of=day)
    assert city._locator("2026-01-01") is first
    for day in ("2026-02-01", "2026-02-02", "2026-02-03"):
        city.locate_many(*place, as_of=day)
    assert city._bulk is not None and list(city._bulk[1]) == ["2026-02-01", "2026-02-02", "2026-02-03"]
    last = city._locator("2026-02-03")
    add(city, "parties", {"name": "甲"})
    assert city._locator("2026-02-03") is not last


def test_many_texts_that_name_no_class_are_not_compared(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest names are for the one wrong class that is refused, not for each of many that are passed."""
    asked: list[str] = []
    monkeypatch.setattr(Catalogue, "nearest", lambda self, text, *more: asked.append(text) or ())
    found = city.locate_many(*([n] * 3 for n in at(0.5, 0.5)), class_text=["飞船", "路灯", "不明物"])
    assert found["class_name"].tolist() == ["", "路灯", ""]
    assert asked == []
    with pytest.raises(ArgumentError):
        city.locate_many(*([n] for n in at(0.5, 0.5)), class_text="飞船")
    assert asked
