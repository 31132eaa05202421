"""Points surveyed twice, the spacing of a class, and the objects of an earlier survey."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.crs import metres_per_degree
from gridcity.proximity import doubles, match_by_place, near_duplicates, spacing

DATA = Path(__file__).parents[1].parent / "shared" / "data"
LNG, LAT = 116.41, 39.93
PER_LNG, PER_LAT = metres_per_degree(LAT)

Place = tuple[float, float]


def at(*places: Place) -> tuple[Any, Any]:
    """Degrees of places counted in metres east and north of a corner."""
    east, north = np.array(places, dtype=float).reshape(-1, 2).T
    return LNG + east / PER_LNG, LAT + north / PER_LAT


def near(*places: Place, radius_m: float = 1.0) -> list[tuple[int, int, float, bool]]:
    lng, lat = at(*places)
    found = near_duplicates(lng, lat, np.zeros(len(lng), dtype=np.int64), np.array([radius_m]))
    columns = (found.row, found.other, found.distance_m, found.same)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_case_near_duplicates_by_hand() -> None:
    """Manholes 3 m apart stay two; the same one some decimetres off is found, from both sides."""
    assert near((0, 0), (3, 0), (3.3, 0)) == [(1, 2, 0.3, False), (2, 1, 0.3, False)]
    assert near((0, 0), (0, 1)) == [(0, 1, 1.0, False), (1, 0, 1.0, False)]
    assert near((0, 0), (0, 1.01)) == near((0, 0)) == near() == []


def test_rows_of_one_place_name_each_other() -> None:
    """Rows at exactly one place name the next of them, the last the first; others name the nearest place."""
    found = near((0, 0), (0, 0), (0, 0), (0, 0.4), (0.1, 0.4))
    assert found[:3] == [(0, 1, 0.0, True), (1, 2, 0.0, True), (2, 0, 0.0, True)]
    assert found[3:] == [(3, 4, 0.1, False), (4, 3, 0.1, False)]


def test_classes_do_not_see_each_other() -> None:
    """A lamp beside a bin is no duplicate; each class has its radius; without class nothing is looked at."""
    lng, lat = at((0, 0), (0.2, 0), (0.4, 0), (0.6, 0), (0.6, 0))
    found = near_duplicates(lng, lat, np.array([0, 1, 0, 1, -1]), np.array([0.5, 0.3]))
    assert (found.row.tolist(), found.other.tolist()) == ([0, 2], [2, 0])
    lng[0] = np.nan
    assert not len(near_duplicates(lng, lat, np.array([0, 1, 0, 1, -1]), np.array([0.5, 0.3])).row)


def test_against_the_inventory() -> None:
    """With other objects given, the nearest of those is named and the rows themselves are not."""
    lng, lat = at((0, 0), (0.1, 0), (50, 0))
    known = (*at((0.3, 0), (50, 0), (0, 0.1)), np.array([0, 0, 1]))
    found = near_duplicates(lng, lat, np.zeros(3, dtype=np.int64), np.array([1.0, 1.0]), known)
    assert found.row.tolist() == [0, 1, 2]
    assert found.other.tolist() == [0, 0, 1]
    assert found.distance_m.tolist() == [0.3, 0.2, 0.0]
    assert found.same.tolist() == [False, False, True]


def test_spacing_by_hand() -> None:
    """Lamps every 30 m: the radii are 1 m and 10 m; bollards every 1.2 m: 0.4 m and 0.6 m."""
    lamps, bollards = [(30.0 * i, 0.0) for i in range(40)], [(1.2 * i, 50.0) for i in range(40)]
    lng, lat = at(*lamps, *bollards, (0, 90))
    klass = np.repeat([0, 1, 2], [40, 40, 1])
    found = spacing(lng, lat, klass, 4)
    assert found.places.tolist() == [40, 40, 1, 0]
    assert found.nearest_m[:2] == pytest.approx([30, 1.2], rel=1e-3)
    assert found.second_m[:2] == pytest.approx([30, 1.2], rel=1e-3)
    assert np.isnan(found.nearest_m[2:]).all()
    assert found.twice_m == pytest.approx([1.0, 0.4, 1.0, 1.0], rel=1e-3)
    assert found.again_m == pytest.approx([10.0, 0.6, 10.0, 10.0], rel=1e-3)


def test_a_class_surveyed_twice_keeps_its_spacing() -> None:
    """Every bollard surveyed twice, 0.2 m apart, and once more at its place: the pairs are still found."""
    once = [(1.5 * i, 0.0) for i in range(50)]
    rows = once + [(x + 0.2, 0.0) for x, _ in once] + once
    lng, lat = at(*rows)
    radius = spacing(lng, lat, np.zeros(150, dtype=np.int64), 1).twice_m
    assert 0.3 < radius[0] < 0.5
    assert len(near(*rows[:100], radius_m=float(radius[0]))) == 100


def matched(new: list[Place], old: list[Place], radius_m: float = 5.0) -> list[tuple[int, bool]]:
    rows, objects = ((*at(*places), np.zeros(len(places), dtype=np.int64)) for places in (new, old))
    found = match_by_place(rows, objects, np.array([radius_m]))
    return list(zip(found.old.tolist(), found.ambiguous.tolist(), strict=True))


def test_case_resurvey_by_place() -> None:
    """A row is the object nearest to it if that is clear from both sides, and otherwise it is asked about."""
    assert matched([(1, 0), (20, 0)], [(0, 0), (40, 0)]) == [(0, False), (-1, False)]
    assert matched([(1, 0)], [(0, 0), (2.5, 0)]) == [(-1, True)]
    assert matched([(1, 0)], [(0, 0), (3, 0)]) == [(0, False)]
    assert matched([(1, 0), (-1.5, 0)], [(0, 0)]) == [(-1, True), (-1, True)]
    assert matched([(1, 0), (-2.5, 0)], [(0, 0)]) == [(0, False), (-1, True)]
    assert matched([(5.01, 0)], [(0, 0)]) == matched([(5.01, 0)], []) == [(-1, False)]


def test_rows_or_objects_of_one_place_are_ambiguous() -> None:
    """Two meters on one post cannot be told apart by their place, on either side; alone at it one can."""
    assert matched([(0, 0)], [(0, 0), (0, 0)]) == [(-1, True)]
    assert matched([(0, 0), (0, 0)], [(0, 0)]) == [(-1, True), (-1, True)]
    assert matched([(0, 0), (0.3, 0)], [(0, 0), (0.3, 0)]) == [(0, False), (1, False)]


metres = st.integers(-30, 30).map(lambda n: n * 0.1)
rows = st.lists(st.tuples(metres, metres, st.integers(0, 1)), max_size=14)


@given(rows, st.floats(0.05, 3.0), st.sampled_from([3, 500_000]))
@settings(max_examples=60, deadline=None)
def test_near_duplicates_against_every_pair(
    found: list[tuple[float, float, int]], r: float, strip: int
) -> None:
    """In one strip or many, a row with another of its class within the radius names the nearest."""
    lng, lat = at(*[(x, y) for x, y, _ in found])
    klass = np.array([k for *_, k in found], dtype=np.int64)
    expected = {}
    for i in range(len(found)):
        x, y = (lng - lng[i]) * metres_per_degree(lat[i])[0], (lat - lat[i]) * metres_per_degree(lat[i])[1]
        distance = np.rint(np.hypot(x, y) * 100) / 100
        distance[(klass != klass[i]) | (np.arange(len(found)) == i)] = np.inf
        if distance.min() <= r:
            expected[i] = distance.min()
    before, doubles._ASKED = doubles._ASKED, strip
    try:
        got = near_duplicates(lng, lat, klass, np.array([r, r]))
    finally:
        doubles._ASKED = before
    assert dict(zip(got.row.tolist(), got.distance_m.tolist(), strict=True)) == pytest.approx(
        expected, abs=0.011
    )
    assert (klass[got.row] == klass[got.other]).all() and (got.row != got.other).all()


@pytest.mark.parametrize(
    ("name", "same", "near", "radius_m"),
    [
        ("washington-dc/components/bollards.geojson", 0, 40, 0.41),
        ("washington-dc/components/litter-cans.geojson", 2, 8, 1.0),
        ("taichung/hydrants.geojson", 166, 28, 1.0),
        ("dongcheng/bus_subway_stops_gcj02.geojson", 587, 41, 0.41),
    ],
)
def test_real_classes(name: str, same: int, near: int, radius_m: float) -> None:
    """Real inventories: so many rows stand at exactly one place, and so many nearer than the radius."""
    if not (DATA / name).exists():
        pytest.skip("the real data lie beside the project and are not here")
    features = json.loads((DATA / name).read_text(encoding="utf-8"))["features"]
    points = [f["geometry"]["coordinates"][:2] for f in features if f["geometry"]]
    lng, lat = np.array(points, dtype=float).T
    klass = np.zeros(len(lng), dtype=np.int64)
    radius = spacing(lng, lat, klass, 1).twice_m
    found = near_duplicates(lng, lat, klass, radius)
    assert radius[0] == pytest.approx(radius_m, abs=0.005)
    assert (int(found.same.sum()), int((~found.same).sum())) == (same, near)
