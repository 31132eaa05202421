"""Metres: against the geodesic, and the same for one pair and for many."""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_city import array, at, box, line, point

from gridcity.distance import Edges, distance_m

GEOD = pyproj.Geod(ellps="GRS80")
bearings = st.floats(0, 360)
latitudes = st.floats(3, 54)  # China's

Place = tuple[float, float]


def geodesic_m(a: Place, b: Place) -> float:
    return float(GEOD.inv(*a, *b)[2])


@given(st.floats(73, 135), latitudes, bearings, st.floats(0, 500))
@settings(deadline=None)
def test_points_against_the_geodesic(lng: float, lat: float, bearing: float, metres: float) -> None:
    """Within 500 m in China the distance to a point is the geodesic's to 1 cm, beside the rounding.

    The error grows with the square of the distance and with latitude: at 500 m 4 mm at 30 N, 6 mm at
    40 N, 10 mm at 54 N; at 100 m less than half a millimetre.
    """
    x, y, _ = GEOD.fwd(lng, lat, bearing, metres)
    assert abs(distance_m(lng, lat, [[(x, y)]]) - metres) <= 0.0051 + 0.0105 * (metres / 500) ** 2


@given(st.floats(73, 135), latitudes, bearings, bearings, st.floats(0, 400), st.floats(0, 100))
@settings(deadline=None)
def test_segments_against_the_geodesic(
    lng: float, lat: float, bearing: float, along: float, metres: float, length: float
) -> None:
    """The distance to a segment is the least geodesic distance to 200 places on it, to 1 cm and rounding."""
    ax, ay, _ = GEOD.fwd(lng, lat, bearing, metres)
    bx, by, _ = GEOD.fwd(ax, ay, along, length)
    t = np.linspace(0, 1, 201)
    n = np.ones(len(t))
    _, _, sampled = GEOD.inv(lng * n, lat * n, ax + t * (bx - ax), ay + t * (by - ay))
    # Between two samples 0.5 m apart the true least can be lower by their sagitta.
    sagitta = sampled.min() - np.sqrt(max(sampled.min() ** 2 - (length / 400) ** 2, 0))
    found = distance_m(lng, lat, [[(ax, ay), (bx, by)]])
    assert sampled.min() - sagitta - 0.016 <= found <= sampled.min() + 0.016


@pytest.mark.parametrize(
    "place, paths, sides",
    [
        ((0, 0), [[(0, 1)]], 1.0),
        ((0, 0), [[(-1, 1), (1, 1)]], 1.0),
        ((0, 0), [[(-1, 2), (1, 2)], [(-1, -1), (1, -1)]], 1.0),
        ((0, 0), [[(0, 1), (0, 3)]], 1.0),  # beyond the end
        ((0, 0), [[(0, 1), (0, 1), (0, 1)]], 1.0),  # an edge of no length
        ((0.5, 0.25), [[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]], 0.25),  # from inside a ring
        ((0.5, 0), [[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]], 0.0),
    ],
)
def test_distance_by_hand(place: Place, paths: list[list[Place]], sides: float) -> None:
    """North of a point a side is 2^-10 degrees of latitude, 108.43 m at 39.5 N."""
    found = distance_m(*at(*place), [[at(*p) for p in path] for path in paths])
    assert found == pytest.approx(108.43 * sides, abs=0.011)


def test_rounded_to_centimetres() -> None:
    """A distance is a whole number of centimetres and never negative."""
    found = [distance_m(*at(0, 0), [[at(0.37 * i, 0.11)]]) for i in range(50)]
    assert all(d >= 0 and round(d, 2) == d for d in found)


places = st.tuples(st.floats(-5, 5), st.floats(-5, 5))


def shapes_of(draw: Any) -> Any:
    kind = draw(st.sampled_from(["point", "line", "polygon", "holed", "points", "lines", "polygons"]))
    x, y = draw(places)
    if kind == "point":
        return point(x, y)
    if kind == "points":
        return shapely.MultiPoint([at(*p) for p in draw(st.lists(places, min_size=1, max_size=4))])
    if kind == "line":
        return line(*draw(st.lists(places, min_size=2, max_size=5)))
    if kind == "lines":
        return shapely.MultiLineString([line((x, y), (x + 1, y)), line(*draw(st.tuples(places, places)))])
    square = box(x, y)
    if kind == "polygon":
        return square
    if kind == "holed":
        return square.difference(box(x + 0.25, y + 0.25, 0.5, 0.5))
    return shapely.MultiPolygon([square, box(x + 2, y).difference(box(x + 2.25, y + 0.25, 0.5, 0.5))])


def paths_of(shape: Any) -> list[list[Place]]:
    from gridcity.store import wkb

    return wkb.paths(wkb.encode_many([shape], 4490)[0] or b"")[1]


@given(st.data())
@settings(deadline=None)
def test_many_equal_one_by_one(data: st.DataObject) -> None:
    """For every kind of shape, many pairs at once give exactly what each pair gives alone."""
    shapes = [shapes_of(data.draw) for _ in range(data.draw(st.integers(1, 5)))]
    asked = data.draw(st.lists(st.tuples(places, st.integers(0, len(shapes) - 1)), max_size=12))
    points = [at(*place) for place, _ in asked] + [at(*place) for place, _ in asked[:1]]
    which = [i for _, i in asked] + [i for _, i in asked[:1]]
    lng, lat = np.array(points).reshape(-1, 2).T
    found = Edges(array(shapes)).distance_m(lng, lat, np.array(which, dtype=np.int64))
    expected = [distance_m(*p, paths_of(shapes[i])) for p, i in zip(points, which, strict=True)]
    assert found.tolist() == expected


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few pairs are looked at together, the answers are the same."""
    edges = Edges(array([box(0, 0), line((0, 0), (3, 3), (4, 0)), point(1, 1)]))
    lng, lat = np.array([at(i / 7, i / 5) for i in range(20)]).T
    shape = np.arange(20) % 3
    whole = edges.distance_m(lng, lat, shape)
    for pairs in (1, 3, 11):
        monkeypatch.setattr("gridcity.distance._PAIRS", pairs)
        assert edges.distance_m(lng, lat, shape).tolist() == whole.tolist()


def test_nan() -> None:
    """A point that is NaN has the distance NaN, and leaves its neighbours alone."""
    edges = Edges(array([box(0, 0)]))
    found = edges.distance_m(np.array([nan, at(0, 0)[0]]), np.array([nan, at(0, 0)[1]]), np.array([0, 0]))
    assert np.isnan(found[0]) and found[1] == 0.0
