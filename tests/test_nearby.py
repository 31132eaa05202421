"""The components nearest to one point, from the store: what many are told, and a walk through all tells."""

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
from gridcity.locating.components import Components
from gridcity.locating.nearby import Nearby, nearest_components
from gridcity.proximity import Neighbours
from gridcity.store import wkb

TODAY = "2026-03-01"
M = 1 / 108.43  # a metre to the north, in sides
LAMPS = frozenset({(EDITION, LAMP)})


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with empty_city(tmp_path / "city.gpkg") as opened:
        yield opened


def nearest(
    city: City, place: tuple[float, float], radius_m: float, classes: frozenset[tuple[str, str]] = LAMPS
) -> Nearby | None:
    """The nearest alone."""
    return nearest_components(city.store, *place, radius_m, classes, TODAY, 0.0)[0]


def two(city: City, x: float, y: float, open_m: float, radius_m: float = 50.0) -> list[tuple[int, float]]:
    """Ids and distances of the nearest lamp and of a second as likely."""
    found = nearest_components(city.store, *at(x, y), radius_m, LAMPS, TODAY, open_m)
    return [(one.id, one.distance_m) for one in found if one]


def ask(
    city: City, x: float, y: float, radius_m: float = 50.0, classes: frozenset[tuple[str, str]] = LAMPS
) -> tuple[int, float] | None:
    found = nearest(city, at(x, y), radius_m, classes)
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
    found = nearest(city, at(0, 0), 50.0)
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


def test_two_equally_likely(city: City) -> None:
    """A second is named as far behind the first as is open, to the centimetre, and within the radius."""
    add(city, "components", *(component(LAMP, point(0, metres * M)) for metres in (10, -12, -12.03, 60, -62)))
    assert two(city, 0, 0, 1.99) == [(1, 10.0)]
    assert two(city, 0, 0, 2.0) == [(1, 10.0), (2, 12.0)]
    assert two(city, 0, 0, 2.0, radius_m=11.99) == [(1, 10.0)]
    # From 49 m north of the first the fourth is nearer; then the first alone, past what one box holds.
    assert two(city, 0, 59 * M, 48.0) == [(4, 1.0), (1, 49.0)]
    assert two(city, 0, 59 * M, 47.99) == [(4, 1.0)]
    assert two(city, 0, -112 * M, 0.01, radius_m=99.96) == [(5, 50.0)]
    assert two(city, 0, -112 * M, 49.97, radius_m=99.96) == [(5, 50.0), (3, 99.96)]
    assert two(city, 0, -112 * M, 49.97, radius_m=99.95) == [(5, 50.0)]


def test_two_at_one_place(city: City) -> None:
    """Of several at one place the first two in order are named, and each has its cell and its place."""
    cell = add(city, "cells", {"geom": box(0, 0), "edition": EDITION})
    rows = [component(LAMP, point(0, 1 * M), code=code) for code in ("", "b", "a", "")]
    rows[2]["cell_id"] = cell[0]
    add(city, "components", *rows, component(LAMP, line((1, 1), (0, 1 * M))))
    first, second = nearest_components(city.store, *at(0, 0), 50.0, LAMPS, TODAY, 0.0)
    assert first and second and (first.id, second.id) == (3, 2)
    assert (first.cell_id, second.cell_id) == (cell[0], None)
    assert (first.lng, first.lat) == at(0, 1 * M)
    on_line = nearest(city, at(0.5, 0.5), 50.0)
    assert on_line and on_line.id == 5 and (on_line.lng, on_line.lat) == at(1, 1)


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
        found = nearest(city, place, 0.0)
        # All meridians meet at a pole, to the centimetre too.
        assert found is not None and (found.id == i or abs(lat) == 90) and found.distance_m == 0.0
        assert nearest(city, place, 1e8) == found


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


Answer = list[tuple[int, float]]


def by_hand(places: Any, keys: Any, shapes: Any, radius_m: float, open_m: float) -> list[Answer]:
    """The first two of all shapes in order (distance, coded first, code, id), the second if as likely."""
    found: list[Answer] = []
    for p in places:
        orders = []
        for (i, code), shape in zip(keys, shapes, strict=True):
            paths = wkb.paths(wkb.encode_many(array([shape]), 4490)[0] or b"")[1]
            inside = shape.geom_type == "Polygon" and shapely.intersects_xy(shape, *p)
            orders.append((0.0 if inside else distance_m(*p, paths), not code, code, i))
        orders.sort()
        limit_m = min(round((orders[0][0] + open_m) * 100) / 100, radius_m) if orders else 0.0
        found.append([(i, metres) for metres, _, _, i in orders[:2] if metres <= limit_m])
    return found


def in_columns(ids: Any, columns: tuple[Any, ...]) -> list[Answer]:
    """The columns of the two nearest as ids and distances of those that are there."""
    return [
        [(int(ids[i]), metres) for i, metres in ((first, first_m), (other, other_m)) if i >= 0]
        for first, first_m, other, other_m in zip(*(column.tolist() for column in columns), strict=True)
    ]


@given(
    rows,
    st.lists(spots, min_size=1, max_size=6),
    st.sampled_from([0.0, 5.0, 14.14, 50.0, 52.0, 333.0, 5000.0]),
    st.sampled_from([0.0, 1.0, 2.07, 5.0, 20.0, 400.0]),
    corners,
    st.sampled_from([{LAMP}, {RAILING, GREEN}]),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_one_is_many_is_every(
    built: list[Any],
    places: list[tuple[float, float]],
    radius_m: float,
    open_m: float,
    corner: tuple[float, float],
    klasses: set[str],
    former: bool,
) -> None:
    """One from the store, many in memory and a walk through all components have the same two answers."""
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
    expected = by_hand(asked, keys, [shapes[i] for i in counts], radius_m, open_m)
    lng, lat = np.array(asked).T
    ids = [i for i, _ in keys]
    index = Neighbours(ids, [code for _, code in keys], array([shapes[i] for i in counts]))
    many = index.two_nearest(lng, lat, radius_m, open_m)
    assert in_columns(ids, many) == expected
    alone = index.nearest(lng, lat, radius_m)
    assert all(np.array_equal(one, two, equal_nan=True) for one, two in zip(alone, many, strict=False))
    with tempfile.TemporaryDirectory() as folder, empty_city(Path(folder) / "city.gpkg") as city:
        add(city, "components", *components)
        if former:
            make_former(city.path)
        wanted = frozenset((EDITION, klass) for klass in klasses)
        in_bulk = Components(city.store, wanted, TODAY)
        stored = in_bulk.two_nearest(wanted, lng, lat, radius_m, open_m)
        assert in_columns(in_bulk.columns["component_id"], stored) == expected
        for p, answer, i in zip(asked, expected, stored[0].tolist(), strict=True):
            found = nearest_components(city.store, *p, radius_m, wanted, TODAY, open_m)
            assert [(one.id, one.distance_m) for one in found if one] == answer
            if found[0]:
                assert found[0][-2:] == (in_bulk.place[0][i], in_bulk.place[1][i])
