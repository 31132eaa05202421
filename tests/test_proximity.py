"""The nearest component."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_city import array, at, box, line, point

from gridcity.crs import metres_per_degree
from gridcity.distance import distance_m
from gridcity.proximity import Neighbours
from gridcity.store import wkb

Place = tuple[float, float]
M = 1 / 108.43  # a metre to the north, in sides


def ask(index: Neighbours, *places: Place, radius_m: float = 50.0) -> list[tuple[int, float | None]]:
    lng, lat = np.array([at(*place) for place in places]).T
    shape, metres = index.nearest(lng, lat, radius_m)
    return [(int(i), None if np.isnan(m) else float(m)) for i, m in zip(shape, metres, strict=True)]


def test_nearest_by_hand() -> None:
    """The nearest within the radius, to the centimetre; 0 m inside a polygon, its rim included."""
    shapes = [point(0, 10 * M), line((-1, -20 * M), (1, -20 * M)), box(2, 2)]
    index = Neighbours([1, 2, 3], ["a", "b", "c"], array(shapes))
    assert ask(index, (0, 0), (0, -10 * M), (2.5, 2.5), (2, 2.5), (9, 9)) == [
        (0, 10.0),
        (1, 10.0),
        (2, 0.0),
        (2, 0.0),
        (-1, None),
    ]


@pytest.mark.parametrize("radius_m, found", [(10.0, 0), (9.99, -1), (0.0, -1)])
def test_radius_is_closed(radius_m: float, found: int) -> None:
    """A shape exactly as far as the radius counts, one a centimetre farther does not."""
    index = Neighbours([1], [""], array([point(0, 10 * M)]))
    assert ask(index, (0, 0), radius_m=radius_m)[0][0] == found


def test_inside_a_hole() -> None:
    """In the hole of a polygon the distance is to its inner rim."""
    ring = box(0, 0, 3, 3).difference(box(1, 1))
    assert ask(Neighbours([1], [""], array([ring])), (1.5, 1.25), radius_m=100)[0] == (0, 27.11)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]])
def test_equally_near(order: list[int]) -> None:
    """Of shapes equally near the lowest code wins, an empty one last, then the lowest id."""
    rows = [(9, ""), (7, ""), (8, "b"), (6, "c")]
    for keep, winner in ((4, 8), (2, 7)):
        chosen = [rows[i] for i in order if i < keep]
        index = Neighbours(
            [i for i, _ in chosen], [code for _, code in chosen], array([point(0, 0)] * len(chosen))
        )
        ((position, metres),) = ask(index, (0, 5 * M))
        assert (chosen[position][0], metres) == (winner, 5.0)


def test_nothing_to_find() -> None:
    """No shapes, no points and NaN find nothing."""
    empty = Neighbours([], [], array([]))
    assert ask(empty, (0, 0)) == [(-1, None)]
    index = Neighbours([1], [""], array([point(0, 0)]))
    shape, metres = index.nearest(np.array([np.nan, at(0, 0)[0]]), np.array([np.nan, at(0, 0)[1]]), 5.0)
    assert shape.tolist() == [-1, 0] and np.isnan(metres[0])
    assert [len(column) for column in index.nearest(np.empty(0), np.empty(0), 5.0)] == [0, 0]
    for nothing in (empty, index):
        found = nothing.two_nearest(np.array([np.nan]), np.array([40.0]), 5.0, 5.0)
        assert [column.tolist() for column in found[::2]] == [[-1], [-1]] and np.isnan(found[1::2]).all()
    assert [len(column) for column in index.two_nearest(np.empty(0), np.empty(0), 5.0, 5.0)] == [0] * 4


def test_the_second_by_hand() -> None:
    """The next in order, as far behind the nearest as is asked; of points, lines and polygons alike."""
    shapes = [
        point(0, 10 * M),
        line((-1, -12 * M), (1, -12 * M)),
        box(2, 2),
        box(2, 2, 2, 2),
        point(2.5, 2.5),
    ]
    index = Neighbours(range(5), ["e", "d", "c", "b", "a"], array(shapes))
    places = np.array([at(0, 0), at(0, -12 * M), at(2.5, 2.5), at(3.5, 3.5), (np.nan, 40.0)]).T
    for within_m, expected in {
        1.99: [(0, -1), (1, -1), (4, 3), (3, -1), (-1, -1)],
        2.0: [(0, 1), (1, -1), (4, 3), (3, -1), (-1, -1)],
        22.0: [(0, 1), (1, 0), (4, 3), (3, -1), (-1, -1)],
    }.items():
        first, _, other, other_m = index.two_nearest(*places, 50.0, within_m)
        assert list(zip(first.tolist(), other.tolist(), strict=True)) == expected
        assert np.array_equal(np.isnan(other_m), other < 0)
    assert index.two_nearest(*places, 11.99, 22.0)[2].tolist() == [-1, -1, 3, -1, -1]


def test_shapes_far_apart() -> None:
    """The radius is metres at the point, also where the shapes spread from the equator to 60 N."""
    lats = [0.5, 30.0, 60.0]
    index = Neighbours([1, 2, 3], [""] * 3, array([shapely.Point(116.5, lat) for lat in lats]))
    east = [49.9 / metres_per_degree(lat)[0] for lat in lats]
    shape, metres = index.nearest(116.5 + np.array(east), np.array(lats), 50.0)
    assert (shape.tolist(), metres.tolist()) == ([0, 1, 2], [49.9] * 3)


@pytest.mark.parametrize("many", [3, 12, 200])
@pytest.mark.parametrize("lat", [0.0, 39.5, -89.5])
def test_many_equally_near(many: int, lat: float) -> None:
    """Of any number of points that are equally far to the centimetre the first in order wins."""
    chance = np.random.default_rng(many)
    turn = np.linspace(0, 2 * np.pi, many, endpoint=False)
    metres = 10 + chance.uniform(-0.0045, 0.0045, many)
    per_lng, per_lat = metres_per_degree(lat)
    ring = np.column_stack([metres * np.cos(turn) / per_lng, lat + metres * np.sin(turn) / per_lat])
    around = np.column_stack([np.zeros(many), np.full(many, lat + 11 / per_lat)])
    ids = chance.permutation(2 * many)
    index = Neighbours(ids, [""] * (2 * many), np.concatenate([ring, around]))
    shape, found = index.nearest(np.array([0.0]), np.array([lat]), 50.0)
    assert (ids[shape[0]], found.tolist()) == (ids[:many].min(), [10.0])
    assert index.nearest(np.array([0.0]), np.array([lat]), 9.99)[0].tolist() == [-1]
    first, _, other, other_m = index.two_nearest(np.array([0.0]), np.array([lat]), 50.0, 0.0)
    assert [ids[first[0]], ids[other[0]], *other_m] == [*sorted(ids[:many])[:2], 10.0]


@pytest.mark.parametrize("together", [1, 2, 7])
def test_the_second_among_many(together: int) -> None:
    """However many stand together, the second is the one that a walk through all finds."""
    chance = np.random.default_rng(together)
    places = np.repeat((116.5, 39.5) + chance.integers(0, 40, (150, 2)) * 1e-5, together, axis=0)
    ids = chance.permutation(len(places))
    index = Neighbours(ids, [""] * len(ids), places)
    lng, lat = np.array([116.5, 39.5])[:, None] + chance.uniform(0, 4e-4, (2, 80))
    found = index.two_nearest(lng, lat, 30.0, 1.5)
    for i, (x, y) in enumerate(zip(lng.tolist(), lat.tolist(), strict=True)):
        orders = sorted(
            (distance_m(x, y, [[place]]), number) for place, number in zip(places, ids, strict=True)
        )
        likely = orders[:1] + [
            one for one in orders[1:2] if one[0] <= min(round(orders[0][0] + 1.5, 2), 30.0)
        ]
        pairs = [(float(found[j + 1][i]), ids[found[j][i]]) for j in (0, 2) if found[j][i] >= 0]
        assert pairs == likely


def test_places_are_points() -> None:
    """Points may be given by their places: the answers are those of the geometries."""
    chance = np.random.default_rng(2)
    places = (116.5, 39.5) + chance.uniform(0, 0.01, (500, 2)) * (1, 0.01)
    lng, lat = 116.5 + chance.uniform(0, 0.01, 300), np.full(300, 39.5)
    ids, codes = range(500), [str(i % 7) for i in range(500)]
    given_as = (places, shapely.points(places))
    answers = [Neighbours(ids, codes, shapes).nearest(lng, lat, 50.0) for shapes in given_as]
    assert (answers[0][0] >= 0).any()
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(*answers, strict=True))


def test_one_place_far_off_costs_nothing() -> None:
    """A pole among the places asked about, or among the shapes, changes no other answer."""
    places = np.column_stack([np.full(200, 116.5), 39.5 + np.arange(200) * 1e-4])
    lng, lat = np.append(np.full(200, 116.5001), 0.0), np.append(places[:, 1] + 1e-5, 90.0)
    plain = Neighbours(range(200), [""] * 200, places)
    pole = Neighbours(range(201), [""] * 201, np.append(places, [[0.0, -90.0]], axis=0))
    assert plain.nearest(lng, lat, 50.0)[0].tolist() == [*range(200), -1]
    for one, other in zip(plain.nearest(lng, lat, 50.0), pole.nearest(lng, lat, 50.0), strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    for one, other in zip(
        plain.two_nearest(lng, lat, 50.0, 9.0), pole.two_nearest(lng, lat, 50.0, 9.0), strict=True
    ):
        assert np.array_equal(one, other, equal_nan=True)


spots = st.tuples(st.floats(-3, 3), st.floats(-3, 3))
shapes = st.one_of(
    spots.map(lambda p: point(*p)),
    st.tuples(spots, spots).map(lambda pair: line(*pair)),
    spots.map(lambda p: box(*p, 0.7, 0.7)),
)


@given(
    st.lists(shapes, min_size=1, max_size=8),
    st.lists(spots, min_size=1, max_size=8),
    st.floats(0, 300),
    st.sampled_from([0.0, 20.0, -39.4, 50.2]),
)
@settings(deadline=None)
def test_against_every_shape(found: list[Any], places: list[Place], radius_m: float, north: float) -> None:
    """At any latitude the answer is the least of the distances to every shape, 0 inside a polygon."""
    moved = [shapely.transform(shape, lambda xy: xy + np.array([0.0, north])) for shape in found]
    index = Neighbours(range(len(moved)), [""] * len(moved), array(moved))
    points = [(x, y + north) for x, y in (at(*p) for p in places)]
    shape, metres = index.nearest(*np.array(points).T, radius_m)
    for i, p in enumerate(points):
        distances = []
        for candidate in moved:
            paths = wkb.paths(wkb.encode_many([candidate], 4490)[0] or b"")[1]
            inside = candidate.geom_type == "Polygon" and shapely.intersects_xy(candidate, *p)
            distances.append(0.0 if inside else distance_m(*p, paths))
        if min(distances) <= radius_m:
            assert (shape[i], metres[i]) == (distances.index(min(distances)), min(distances))
        else:
            assert shape[i] == -1 and np.isnan(metres[i])
