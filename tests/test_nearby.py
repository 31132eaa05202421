"""The component nearest to one point, from the store: what many are told, and a walk through all tells."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from test_store_places import make_former
from tiny_city import EDITION, GREEN, LAMP, RAILING, add, array, at, box, component, empty_city, line, point

from gridcity.city import City
from gridcity.distance import distance_m
from gridcity.locating.nearby import nearest_component
from gridcity.proximity import Neighbours
from gridcity.store import wkb

TODAY = "2026-03-01"
M = 1 / 108.43  # a metre to the north, in sides
LAMPS = frozenset({(EDITION, LAMP)})


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with empty_city(tmp_path / "city.gpkg") as opened:
        yield opened


def ask(
    city: City, x: float, y: float, radius_m: float = 50.0, classes: frozenset[tuple[str, str]] = LAMPS
) -> tuple[int, float] | None:
    found = nearest_component(city.store, *at(x, y), radius_m, classes, TODAY)
    return None if found is None else (found.id, found.distance_m)


def test_nearest_by_hand(city: City) -> None:
    """Only what is of the class, of its edition and valid on the day counts; 0 m inside a polygon."""
    add(
        city,
        "components",
        component(GREEN, point(0, 1 * M)),
        component(LAMP, point(0, 2 * M), edition="another"),
        component(LAMP, point(0, 3 * M), until=TODAY),
        component(LAMP, point(0, 4 * M), since="2026-03-02"),
        component(LAMP, point(0, 30 * M), code="1", owner_code="0", owner_name="甲", name="灯"),
        component(GREEN, box(2, 2), name="绿地"),
    )
    found = nearest_component(city.store, *at(0, 0), 50.0, LAMPS, TODAY)
    assert found is not None and found[:3] == (5, "1", "灯") and found.distance_m == 30.0
    assert found.klass[:3] == ("component", EDITION, LAMP) and found.roles.owner == ("0", "甲")
    assert ask(city, 0, 0, 29.99) is None
    assert ask(city, 0, 0, 30.0) == (5, 30.0)
    assert ask(city, 0, 0, 50.0, LAMPS | {("another", LAMP)}) == (2, 2.0)
    assert ask(city, 2.5, 2.5, 0.0, frozenset({(EDITION, GREEN)})) == (6, 0.0)
    assert ask(city, 0, 0, 50.0, frozenset()) is None
    assert ask(city, 0, 0, 50.0, frozenset({(EDITION, RAILING)})) is None


def test_equally_near(city: City) -> None:
    """Of those equally near to the centimetre coded ones come first, then the lowest code, then the id."""
    north = point(0, 10 * M)
    rows = [component(LAMP, north), component(LAMP, point(0, -10.0001 * M)), component(LAMP, north)]
    add(city, "components", *rows)
    assert ask(city, 0, 0) == (1, 10.0)
    add(city, "components", component(LAMP, line((-1, -10 * M), (1, -10 * M)), code="b"))
    assert ask(city, 0, 0) == (4, 10.0)
    add(city, "components", component(LAMP, point(0, 10.0002 * M), code="a"))
    assert ask(city, 0, 0) == (5, 10.0)


@pytest.mark.parametrize("metres", [49.99, 50.02, 200.5, 4_000.0, 900_000.0])
@pytest.mark.parametrize("radius_m", [1e6, 1e9, 1e300])
def test_far_away(city: City, metres: float, radius_m: float) -> None:
    """What stands alone is found as far away as the radius reaches, past many that do not count."""
    ended = [component(LAMP, point(0.01 * i, 0.01 * i), until="2020-01-01") for i in range(30)]
    add(city, "components", *ended, component(LAMP, point(0, -metres * M)))
    found = ask(city, 0, 0, radius_m)
    assert found is not None and found[0] == 31 and found[1] == pytest.approx(metres, rel=2e-3)
    assert ask(city, 0, 0, metres * 0.99) is None
    assert ask(city, 0, 0, radius_m, frozenset({(EDITION, RAILING)})) is None


@pytest.mark.parametrize("lat", [-90.0, -89.9999, 0.0, 90.0])
def test_at_the_ends_of_the_earth(city: City, lat: float) -> None:
    """At a pole and on the edges of the map a question has an answer, near and far."""
    places = [(-180.0, lat), (180.0, lat), (0.0, lat)]
    add(city, "components", *(component(LAMP, shapely.Point(*place)) for place in places))
    for i, place in enumerate(places, 1):
        found = nearest_component(city.store, *place, 0.0, LAMPS, TODAY)
        # All meridians meet at a pole, to the centimetre too.
        assert found is not None and (found.id == i or abs(lat) == 90) and found.distance_m == 0.0
        assert nearest_component(city.store, *place, 1e8, LAMPS, TODAY) == found


def test_the_cold_path_loads_no_library() -> None:
    """The nearest component of one point needs neither numpy nor a geometry library."""
    import subprocess
    import sys

    code = (
        "import sys, gridcity.locating.nearby, gridcity.store.geopackage\n"
        "print(sorted({'numpy', 'shapely', 'pykdtree', 'pyproj'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Places on a coarse grid, so that many are equally near and stand together; in every quarter of the globe.
steps = st.integers(-6, 6).map(lambda n: n * 5 * M)
spots = st.tuples(steps, steps)
shapes = st.one_of(
    spots.map(lambda p: point(*p)),
    spots.map(lambda p: point(*p)),
    spots.map(lambda p: point(40 * p[0], 40 * p[1])),
    st.tuples(spots, spots).map(lambda pair: line(*pair)),
    spots.map(lambda p: box(*p, 0.1, 0.05)),
)
rows = st.lists(
    st.tuples(
        shapes,
        st.sampled_from([LAMP, LAMP, RAILING, GREEN]),
        st.sampled_from(["", "", "1", "2", "3"]),
        st.sampled_from(["", "", "", "2026-01-01", TODAY, "2026-03-02"]),
    ),
    min_size=1,
    max_size=14,
)
corners = st.sampled_from(
    [(0.0, 0.0), (-116.5, -39.5), (-186.0, -73.0), (-116.5, 20.0), (63.0, -100.0), (0.0, 50.45)]
)


def by_hand(places: Any, keys: Any, shapes: Any, radius_m: float) -> list[tuple[int, float] | None]:
    """The nearest of every shape: distance, coded before uncoded, code, id."""
    found: list[tuple[int, float] | None] = []
    for p in places:
        orders = []
        for (i, code), shape in zip(keys, shapes, strict=True):
            paths = wkb.paths(wkb.encode_many(array([shape]), 4490)[0] or b"")[1]
            inside = shape.geom_type == "Polygon" and shapely.intersects_xy(shape, *p)
            orders.append((0.0 if inside else distance_m(*p, paths), not code, code, i))
        metres, _, _, i = min(orders, default=(np.inf, True, "", 0))
        found.append((i, metres) if metres <= radius_m else None)
    return found


@given(
    rows,
    st.lists(spots, min_size=1, max_size=6),
    st.sampled_from([0.0, 5.0, 14.14, 50.0, 333.0, 5000.0]),
    corners,
    st.sampled_from([{LAMP}, {RAILING, GREEN}]),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_one_is_many_is_every(
    built: list[Any],
    places: list[tuple[float, float]],
    radius_m: float,
    corner: tuple[float, float],
    klasses: set[str],
    former: bool,
) -> None:
    """One from the store, many in memory and a walk through all components have the same answer."""
    move = np.array(corner)
    shapes = [shapely.transform(shape, lambda xy: xy + move) for shape, _, _, _ in built]
    asked = [(x + corner[0], y + corner[1]) for x, y in (at(*p) for p in places)]
    codes = [code and f"{code}{n}" for n, (_, _, code, _) in enumerate(built)]
    components = [
        component(klass, shape, code=code, until=until)
        for shape, code, (_, klass, _, until) in zip(shapes, codes, built, strict=True)
    ]
    counts = [
        i for i, (_, klass, _, until) in enumerate(built) if klass in klasses and not "" < until <= TODAY
    ]
    keys = [(i + 1, codes[i]) for i in counts]
    expected = by_hand(asked, keys, [shapes[i] for i in counts], radius_m)
    index = Neighbours([i for i, _ in keys], [code for _, code in keys], array([shapes[i] for i in counts]))
    position, metres = index.nearest(*np.array(asked).T, radius_m)
    many = [
        (keys[i][0], m) if i >= 0 else None for i, m in zip(position.tolist(), metres.tolist(), strict=True)
    ]
    assert many == expected
    with tempfile.TemporaryDirectory() as folder, empty_city(Path(folder) / "city.gpkg") as city:
        add(city, "components", *components)
        if former:
            make_former(city.path)
        wanted = frozenset((EDITION, klass) for klass in klasses)
        for p, answer in zip(asked, expected, strict=True):
            found = nearest_component(city.store, *p, radius_m, wanted, TODAY)
            assert (found and (found.id, found.distance_m)) == answer
