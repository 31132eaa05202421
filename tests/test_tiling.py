"""Cells as a covering: the edge rule by hand and against exact arithmetic, numbering, overlaps, shares."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import combinations, pairwise
from math import cos, nextafter, radians, sin
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tiny_city import array, at, box, line, point

from gridcity.crs import metres_per_degree
from gridcity.tiling.coverage import Coverage, gaps, overlaps, shared
from gridcity.tiling.index import BASES, PolygonIndex
from gridcity.tiling.numbering import reading_order
from gridcity.tiling.point import EDGE, INSIDE, OUTSIDE, position
from gridcity.tiling.shares import cell_of, sound

Place = tuple[float, float]


def ask(index: PolygonIndex, *places: Place, near_m: float = 0.0) -> list[tuple[int | None, str, bool]]:
    """Id, basis and overlap at places counted in sides."""
    lng, lat = np.array([at(*place) for place in places]).T
    hits = index.locate(lng, lat, near_m=near_m)
    ids = [int(index.ids[i]) if i >= 0 else None for i in hits.polygon]
    bases = [BASES[b] for b in hits.basis]
    return list(zip(ids, bases, hits.overlap.tolist(), strict=True))


# The edge rule by hand: four squares around (1, 1); 10 and 30 lie west, 30 and 40 north.
SQUARES = {10: box(0, 0), 20: box(1, 0), 30: box(0, 1), 40: box(1, 1)}
CODED = PolygonIndex(list(SQUARES), ["D", "C", "B", ""], array(list(SQUARES.values())))


@pytest.mark.parametrize(
    "place, winner, basis",
    [
        ((0.5, 0.5), 10, "inside"),
        ((1.5, 1.5), 40, "inside"),
        ((1, 0.5), 20, "edge"),  # between D and C: C
        ((0.5, 1), 30, "edge"),  # between D and B: B
        ((1, 1.5), 30, "edge"),  # between B and no code: the coded one
        ((1.5, 1), 20, "edge"),
        ((1, 1), 30, "edge"),  # the corner of all four: B
        ((1, 0), 20, "edge"),  # a corner of two, on the outer border
        ((0, 0), 10, "edge"),
        ((2, 2), 40, "edge"),
        ((2, 1), 20, "edge"),
        ((2.001, 1), None, "outside"),
    ],
)
def test_edge_rule_on_four_squares(place: Place, winner: int | None, basis: str) -> None:
    """On shared edges and corners the lowest code wins and a cell without code wins only alone."""
    assert ask(CODED, place) == [(winner, basis, False)]


def test_without_codes_the_lowest_id_wins() -> None:
    """Among cells without code the lowest id wins, not the first row."""
    squares = [SQUARES[i] for i in (40, 30, 20, 10)]
    index = PolygonIndex([40, 30, 20, 10], [""] * 4, array(squares))
    assert [hit[0] for hit in ask(index, (1, 1), (1, 0.5), (1.5, 1), (1, 1.5))] == [10, 10, 20, 30]


def test_codes_are_compared_as_text() -> None:
    """'10' comes before '9', and '0' before '00'."""
    index = PolygonIndex([1, 2], ["9", "10"], array([box(0, 0), box(1, 0)]))
    assert ask(index, (1, 0.5))[0][0] == 2
    index = PolygonIndex([1, 2], ["00", "0"], array([box(0, 0), box(1, 0)]))
    assert ask(index, (1, 0.5))[0][0] == 2


def test_overlap_hole_enclave_and_t_junction() -> None:
    """Overlap counts strict covers only; a hole is outside; its rim is the ring's edge."""
    ring = box(0, 0, 3, 3).difference(box(1, 1))
    index = PolygonIndex([1, 2, 3], ["a", "b", "c"], array([ring, box(2.5, 0, 1, 1), box(3.5, 0, 1, 3)]))
    assert ask(index, (2.75, 0.5)) == [(1, "inside", True)]  # strictly in two
    assert ask(index, (3, 0.5)) == [(1, "edge", False)]  # a's edge, strictly in b: a, and one strict cover
    assert ask(index, (3.25, 0.5)) == [(2, "inside", False)]
    assert ask(index, (1.5, 1.5)) == [(None, "outside", False)]
    assert ask(index, (1, 1.5)) == [(1, "edge", False)]
    assert ask(index, (3.5, 1)) == [(2, "edge", False)]  # T-junction of b's corner on c's side
    enclave = PolygonIndex([1, 2], ["b", "a"], array([ring, box(1, 1)]))
    assert ask(enclave, (1.5, 1.5), (1, 1.5), (1, 1), (0.5, 0.5)) == [
        (2, "inside", False),
        (2, "edge", False),
        (2, "edge", False),
        (1, "inside", False),
    ]


def test_the_first_wins_even_by_its_edge() -> None:
    """The lowest code wins although the point is strictly inside another cell; the basis is its own."""
    index = PolygonIndex([1, 2], ["a", "b"], array([box(0, 0), box(0.5, 0, 2, 1)]))
    assert ask(index, (1, 0.5), (1.5, 0.5)) == [(1, "edge", False), (2, "inside", False)]


def test_near_and_distance() -> None:
    """Outside every cell the nearest wins within the distance, the lowest code where two are as near."""
    index = PolygonIndex([1, 2], ["b", "a"], array([box(0, 0), box(2, 0)]))
    per_lng, _ = metres_per_degree(at(0, 0.5)[1])
    half_m = round(per_lng * 2**-11, 2)
    assert ask(index, (1.5, 0.5), near_m=half_m) == [(2, "near", False)]
    assert ask(index, (1.5, 0.5), near_m=half_m - 0.01) == [(None, "outside", False)]
    assert ask(index, (1.25, 0.5), near_m=1e4) == [(1, "near", False)]
    lng, lat = np.array([at(0.5, 0.75), at(1.5, 0.5), at(1.0, 0.5), at(0.5, -0.5)]).T
    quarter, per = metres_per_degree(lat[0])[1] * 2**-12, metres_per_degree(lat[3])[1]
    expected = [round(float(quarter), 2), half_m, 0.0, round(float(per) * 2**-11, 2)]
    assert index.locate(lng, lat).distance_m.tolist() == expected


def test_nothing_to_find() -> None:
    """NaN is outside without a distance; so is everything in an empty index; no points give no answers."""
    lng, lat = np.array([np.nan, np.nan, at(0, 0)[0]]), np.array([np.nan, at(0, 0)[1], np.nan])
    empty = PolygonIndex([], [], array([]))
    for index in (CODED, empty):
        hits = index.locate(lng, lat, near_m=1e6)
        assert hits.polygon.tolist() == [-1] * 3 and hits.basis.tolist() == [0] * 3
        assert np.isnan(hits.distance_m).all() and not hits.overlap.any()
        assert len(index.locate(np.empty(0), np.empty(0)).polygon) == 0
    assert ask(empty, (0, 0), near_m=10) == [(None, "outside", False)]


# The edge rule against exact arithmetic.


def oracle(lng: float, lat: float, rings: list[list[Place]]) -> str:
    """Where a point lies, by fractions: on a segment, else by the crossings of a ray to the east."""
    x, y = Fraction(lng), Fraction(lat)
    crossings = 0
    for ring in rings:
        for edge in pairwise(ring):
            # Doubles are compared exactly: an edge above or below is neither met nor crossed.
            if lat < min(edge[0][1], edge[1][1]) or lat > max(edge[0][1], edge[1][1]):
                continue
            (ax, ay), (bx, by) = ((Fraction(p), Fraction(q)) for p, q in edge)
            cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
            dot = (x - ax) * (x - bx) + (y - ay) * (y - by)
            if cross == 0 and dot <= 0:
                return EDGE
            if (ay > y) != (by > y) and ax + (y - ay) * (bx - ax) / (by - ay) > x:
                crossings += 1
    return INSIDE if crossings % 2 else OUTSIDE


def rings_of(polygon: Any) -> list[list[Place]]:
    return [list(ring.coords) for ring in shapely.get_rings(polygon)]


# Degrees as surveys write them: seven decimals, which no double holds exactly.
offsets = st.integers(-40, 40).map(lambda n: n * 0.0000137)


@st.composite
def stars(draw: st.DrawFn) -> Any:
    """A polygon around a centre, its corners in the order of their directions, some with a hole."""
    x, y = 116.4107 + draw(offsets), 39.9307 + draw(offsets)
    radii = draw(st.lists(st.floats(0.0001, 0.001), min_size=3, max_size=8))
    turn = draw(st.floats(0, 1))
    corners = [
        (x + r * cos(6.28318 * (i + turn) / len(radii)), y + r * sin(6.28318 * (i + turn) / len(radii)))
        for i, r in enumerate(radii)
    ]
    if draw(st.booleans()):
        corners = [(round(p, 7), round(q, 7)) for p, q in corners]
    star = shapely.Polygon(corners)
    assume(star.is_valid and star.area > 0)
    hole = [(x + (p - x) / 3, y + (q - y) / 3) for p, q in corners]
    holed = shapely.Polygon(corners, [hole])
    return holed if draw(st.booleans()) and holed.is_valid else star


@st.composite
def crowds(draw: st.DrawFn) -> tuple[list[Any], list[Place]]:
    """Polygons, and points on, beside and between their corners and edges."""
    polygons = draw(st.lists(stars(), min_size=1, max_size=5))
    points: list[Place] = []
    for polygon in polygons:
        for ring in rings_of(polygon):
            for (ax, ay), (bx, by) in pairwise(ring):
                t = draw(st.floats(0, 1))
                points += [(ax, ay), ((ax + bx) / 2, (ay + by) / 2), (ax + t * (bx - ax), ay + t * (by - ay))]
                points += [(ax, nextafter(ay, 90)), (nextafter(ax, 0), ay), (ax, by), (bx, ay)]
    points += draw(st.lists(st.tuples(st.floats(116.409, 116.413), st.floats(39.929, 39.933)), max_size=5))
    return polygons, points


@given(crowds())
@settings(max_examples=60, deadline=None)
def test_one_point_is_exact(crowd: tuple[list[Any], list[Place]]) -> None:
    """`position` gives what exact fractions give, on corners, on edges, and a last bit beside them."""
    polygons, points = crowd
    for polygon in polygons:
        rings = rings_of(polygon)
        assert [position(*p, rings) for p in points] == [oracle(*p, rings) for p in points]


def test_one_point_is_exact_where_floats_are_not() -> None:
    """Beside long edges, where rounding turns the sign of the plain determinant, the side is told right."""
    draw = random.Random(1)
    turned = 0
    for _ in range(3000):
        (ax, ay), (bx, by), c = [(draw.uniform(-180, 180), draw.uniform(-90, 90)) for _ in range(3)]
        t = draw.random()
        x, y = ax + t * (bx - ax), ay + t * (by - ay)
        triangle = [[(ax, ay), (bx, by), c, (ax, ay)]]
        assert position(x, y, triangle) == oracle(x, y, triangle)
        plain = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
        exact = (Fraction(bx) - Fraction(ax)) * (Fraction(y) - Fraction(ay))
        exact -= (Fraction(x) - Fraction(ax)) * (Fraction(by) - Fraction(ay))
        turned += plain * exact < 0
    assert turned > 10


@given(crowds(), st.data())
@settings(max_examples=60, deadline=None)
def test_index_is_exact_whatever_the_order(crowd: tuple[list[Any], list[Place]], data: st.DataObject) -> None:
    """Winner, basis and overlap follow the rule by exact fractions, in every order of the rows."""
    polygons, points = crowd
    n = len(polygons)
    codes = data.draw(st.lists(st.sampled_from(["", "1", "2"]), min_size=n, max_size=n))
    ids = list(range(100, 100 + n))
    expected = []
    for p in points:
        where = [oracle(*p, rings_of(polygon)) for polygon in polygons]
        covering = [i for i in range(n) if where[i] != OUTSIDE]
        if covering:
            winner = min(covering, key=lambda i: (codes[i] == "", codes[i], ids[i]))
            expected.append((ids[winner], where[winner], where.count(INSIDE) > 1))
        else:
            expected.append((-1, OUTSIDE, False))
    order = data.draw(st.permutations(range(n)))
    index = PolygonIndex(
        [ids[i] for i in order], [codes[i] for i in order], array([polygons[i] for i in order])
    )
    lng, lat = np.array(points).T
    hits = index.locate(lng, lat)
    found_ids = np.where(hits.polygon < 0, -1, index.ids[hits.polygon])
    bases = [BASES[b] for b in hits.basis]
    assert list(zip(found_ids.tolist(), bases, hits.overlap.tolist(), strict=True)) == expected
    assert index.winners(lng, lat).tolist() == hits.polygon.tolist()


@given(st.lists(stars(), min_size=1, max_size=6), st.floats(-179, 179), st.floats(-89.9, 89.9), st.data())
@settings(max_examples=150, deadline=None)
def test_nearest_is_the_nearest(polygons: list[Any], lng: float, lat: float, data: st.DataObject) -> None:
    """From anywhere on the globe the distance is the least of all, and the winner first by the rule."""
    from gridcity.distance import distance_m

    close = st.tuples(st.floats(116.40, 116.42), st.floats(39.92, 39.94))
    asked = [(lng, lat), *data.draw(st.lists(close, max_size=9))]
    away = [p for p in asked if all(position(*p, rings_of(g)) == OUTSIDE for g in polygons)]
    assume(away)
    index = PolygonIndex(range(len(polygons)), [""] * len(polygons), array(polygons))
    hits = index.locate(*np.array(away).T, near_m=1e8)
    for i, p in enumerate(away):
        distances = [distance_m(*p, rings_of(g)) for g in polygons]
        assert (hits.distance_m[i], hits.polygon[i]) == (min(distances), distances.index(min(distances)))


def test_many_points_far_away() -> None:
    """Points of another city cost no memory in proportion to the cells: 2,000 of them, 2,500 cells."""
    import tracemalloc

    cells = array([box(i % 50, i // 50) for i in range(2500)])
    index = PolygonIndex(range(2500), [""] * 2500, cells)
    lng, lat = np.linspace(121, 121.5, 2000), np.linspace(31, 31.5, 2000)
    tracemalloc.start()
    hits = index.locate(lng, lat)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6  # all pairs of points and cells at once took 450 MB
    assert (hits.basis == 0).all() and np.isfinite(hits.distance_m).all()


# Numbering.


def bent(x: float, y: float) -> Place:
    """A street that runs west to east and bends a quarter of a block to the north."""
    return at(x, y + 0.25 * (x / 3) ** 2)


def test_numbering_of_a_bent_block() -> None:
    """A bent 3 x 3 block is numbered row by row from the north-west, the bend notwithstanding."""
    places = {(x, y): bent(x + 0.5, y + 0.5) for y in (2, 1, 0) for x in (0, 1, 2)}
    side_m = metres_per_degree(39.5)[1] * 2**-10
    lng, lat = np.array(list(places.values())).T
    assert reading_order(lng, lat, np.full(9, side_m**2)).tolist() == list(range(9))


def test_numbering_of_a_crooked_row() -> None:
    """Cells a fifth of a side north or south of their row stay in it, also below a straight first row."""
    crooked = {2: [0, 0, 0, 0], 1: [0.2, -0.2, 0.1, -0.1], 0: [-0.2, 0.2, -0.1, 0]}
    lng, lat = np.array([at(x, y + crooked[y][x]) for y in (2, 1, 0) for x in range(4)]).T
    side_m = metres_per_degree(39.5)[1] * 2**-10
    assert reading_order(lng, lat, np.full(12, side_m**2)).tolist() == list(range(12))


def test_numbering_within_a_band() -> None:
    """Within a band west goes before east, of two due north of each other the northern one first."""
    side_m = metres_per_degree(39.5)[1] * 2**-10
    lng, lat = np.array([at(2, 0), at(0, -0.1), at(1, 0.2), at(1, 0.1), at(0, -1.6)]).T
    assert reading_order(lng, lat, np.full(5, side_m**2)).tolist() == [1, 2, 3, 0, 4]
    assert reading_order([], [], []).tolist() == []
    assert reading_order([1], [2], [3]).tolist() == [0]


@given(
    st.lists(st.tuples(offsets, offsets), min_size=1, max_size=12, unique=True).flatmap(
        lambda places: st.tuples(st.just(places), st.permutations(range(len(places))))
    )
)
@settings(deadline=None)
def test_numbering_does_not_depend_on_the_order(case: tuple[list[Place], list[int]]) -> None:
    """Whatever the order of the rows, each cell gets the same number."""
    places, order = case
    lng, lat = np.array(places).T + np.array([[116.4], [39.9]])
    areas = np.linspace(3e3, 9e3, len(places))
    straight = reading_order(lng, lat, areas)
    shuffled = reading_order(lng[order], lat[order], areas[order])
    assert np.array(order)[shuffled].tolist() == straight.tolist()
    assert sorted(straight.tolist()) == list(range(len(places)))


# Overlaps.


@given(st.lists(stars(), max_size=7), st.data())
@settings(max_examples=60, deadline=None)
def test_overlaps_against_every_pair(polygons: list[Any], data: st.DataObject) -> None:
    """The pairs found are those that an intersection of every pair finds, with its area."""
    n = len(polygons)
    among = data.draw(st.none() | st.lists(st.integers(0, n - 1), unique=True) if n else st.none())
    expected = {}
    for i, j in combinations(range(n), 2):
        common = polygons[i].intersection(polygons[j])
        if common.area == 0:
            continue
        per_lng, per_lat = metres_per_degree((common.bounds[1] + common.bounds[3]) / 2)
        area = common.area * per_lng * per_lat
        assume(not 0.005 < area < 0.02)
        if area > 0.01 and (among is None or i in among or j in among):
            expected[i, j] = pytest.approx(area, rel=1e-6)
    first, second, area_m2 = overlaps(array(polygons), None if among is None else np.array(among, dtype=int))
    found = dict(zip(zip(first.tolist(), second.tolist(), strict=True), area_m2.tolist(), strict=True))
    assert found == expected


def test_overlaps_of_neighbours() -> None:
    """Neighbours that share an edge or a corner do not overlap; a cell within another does, whole."""
    first, second, area_m2 = overlaps(array([*SQUARES.values(), box(0.25, 0.25, 0.5, 0.5)]))
    per_lng, per_lat = metres_per_degree(at(0, 0.5)[1])
    assert (first.tolist(), second.tolist()) == ([0], [4])
    assert area_m2.tolist() == pytest.approx([0.25 * 2**-20 * per_lng * per_lat])


# The cell of what has an extent.

LETTERS = PolygonIndex([1, 2, 3], ["b", "a", "c"], array([box(0, 0), box(1, 0), box(2, 0)]))


@pytest.mark.parametrize(
    "shape, cell, count",
    [
        (point(0.5, 0.5), 0, 1),
        (point(1, 0.5), 1, 1),  # the edge rule: a before b
        (point(5, 5), -1, 0),
        (shapely.MultiPoint([at(0.25, 0.5), at(0.75, 0.5)]), 0, 1),
        (line((0.5, 0.5), (1.25, 0.5)), 0, 2),  # 0.5 in b, 0.25 in a
        (line((0.5, 0.5), (1.5, 0.5)), 1, 2),  # equal: a before b
        (line((-9, 0.5), (0.25, 0.5)), 0, 1),  # most of it outside every cell
        (line((1, 0), (1, 1)), 1, 2),  # along the border of b and a: all of it in both
        (line((0, 2), (3, 2)), -1, 0),
        (line((0, -1), (0, 0)), -1, 0),  # touches a corner only
        (box(0.5, 0.25, 2, 0.5), 1, 3),  # 0.5 b, 1 a, 0.5 c
        (box(0.5, 0.25, 0.75, 0.5), 0, 2),
        (box(1.5, 0.25, 1, 0.5), 1, 2),  # equal halves: a before c
        (box(1, 1, 1, 1), -1, 0),  # shares an edge only
        (shapely.MultiPolygon([box(0.2, 0.2, 0.2, 0.2), box(2.2, 0.2, 0.3, 0.2)]), 2, 2),
    ],
    ids=str,
)
def test_largest_share(shape: Any, cell: int, count: int) -> None:
    """A line belongs to the cell with most of its length, a polygon to that with most of its area."""
    found, parts = cell_of(array([shape]), LETTERS)
    assert (found.tolist(), parts.tolist()) == ([cell], [count])


def test_largest_share_of_many() -> None:
    """Points, lines and polygons mixed give what each gives alone; nothing gives nothing."""
    shapes = [point(1, 0.5), line((0.5, 0.5), (1.25, 0.5)), box(1.5, 0.25, 1, 0.5), point(9, 9)]
    found, parts = cell_of(array(shapes * 3), LETTERS)
    assert (found.tolist(), parts.tolist()) == ([1, 0, 1, -1] * 3, [1, 2, 2, 0] * 3)
    assert [len(column) for column in cell_of(array([]), LETTERS)] == [0, 0]
    nowhere = PolygonIndex([], [], array([]))
    assert cell_of(array(shapes), nowhere)[0].tolist() == [-1] * 4


def test_length_is_measured_in_metres() -> None:
    """A degree of longitude is shorter than one of latitude: the share is metres, not degrees."""
    # 0.5 sides east in cell 0 are 42 m, 0.45 sides north in cell 1 are 49 m.
    index = PolygonIndex([1, 2], ["", ""], array([box(0, 0), box(1, 0)]))
    bend = line((0.5, 0.5), (1, 0.5), (1, 0.5), (1.001, 0.95))
    assert cell_of(array([bend]), index)[0].tolist() == [1]


@given(st.integers(-180, 180), st.integers(-89, 89))
@settings(deadline=None)
def test_corner_of_four_at_every_degree(lng: int, lat: int) -> None:
    """Four cells that meet at a whole degree share it: one winner, on the edge, wherever on the globe."""
    d = radians(1)
    corners = [(-d, -d), (0, -d), (-d, 0), (0, 0)]
    boxes = array([shapely.box(lng + x, lat + y, lng + x + d, lat + y + d) for x, y in corners])
    index = PolygonIndex([4, 3, 2, 1], [""] * 4, boxes)
    hits = index.locate(np.array([float(lng)]), np.array([float(lat)]))
    exact = [i for i, g in enumerate(boxes) if oracle(lng, lat, rings_of(g)) != OUTSIDE]
    assert hits.polygon.tolist() == [max(exact)]


BOW = shapely.Polygon([at(0, 0), at(1, 1), at(1, 0), at(0, 1)])


def test_shapes_that_cross_themselves_stop_nothing() -> None:
    """A polygon drawn crosswise in the stored city is measured in its parts, as a cell and as an object."""
    cells = PolygonIndex([1, 2], ["", ""], array([BOW, box(1, 0)]))
    found, parts = cell_of(array([box(0.5, 0.25, 1.25, 0.5), box(1.25, 0.25, 0.5, 0.5)]), cells)
    assert (found.tolist(), parts.tolist()) == ([1, 1], [2, 1])
    squares = PolygonIndex([1, 2], ["", ""], array([box(0, 0), box(1, 0)]))
    found, parts = cell_of(array([BOW, line((0.5, 0.5), (0.75, 0.5))]), squares)
    assert (found.tolist(), parts.tolist()) == ([0, 0], [1, 1])
    first, second, area_m2 = overlaps(array([BOW, box(0.5, 0), box(2, 2)]))
    assert (first.tolist(), second.tolist()) == ([0], [1])
    # A quarter of a side's square lies in both.
    assert area_m2[0] == pytest.approx(overlaps(array([box(0, 0), box(0.75, 0)]))[2][0], rel=1e-6)


def test_sound_shapes_stay_as_they_are() -> None:
    """Only what crosses itself is divided; the array given is left alone."""
    given = array([BOW, box(0, 0), None, point(1, 1)])
    found = sound(given)
    assert found is not given and given[0] is BOW
    assert shapely.is_valid(found[[0, 1, 3]]).all()
    assert all(found[i] is given[i] for i in (1, 2, 3))
    assert sound(given[1:]) is not None and sound(given[1:2])[0] is given[1]


# Shapes that come and go.


@given(st.lists(stars(), min_size=2, max_size=8), st.data())
@settings(max_examples=40, deadline=None)
def test_coverage_follows_every_change(polygons: list[Any], data: st.DataObject) -> None:
    """However shapes come and go, one at a time or many, what is asked is what is there then."""
    here, present = Coverage(), set()
    for _ in range(data.draw(st.integers(1, 4))):
        leaving = data.draw(st.lists(st.sampled_from(sorted(present)), unique=True)) if present else []
        here.remove(leaving)
        present -= set(leaving)
        absent = [i for i in range(len(polygons)) if i not in present]
        coming = data.draw(st.lists(st.sampled_from(absent), unique=True)) if absent else []
        expected = []
        for i in coming:
            for j in sorted(present):
                _, _, area_m2 = overlaps(array([polygons[i], polygons[j]]))
                expected += [(i, j, pytest.approx(float(area), rel=1e-6)) for area in area_m2]
            present.add(i)
        one, other, area_m2 = here.add(coming, array([polygons[i] for i in coming]))
        assert list(zip(one.tolist(), other.tolist(), area_m2.tolist(), strict=True)) == expected
        assert len(here) == len(present)


def test_coverage_changes_one_by_one() -> None:
    """A cell put in, asked about, replaced and taken out of a large covering; the index is not built anew."""
    squares = [box(x, y) for x in range(20) for y in range(20)]
    here = Coverage(range(400), array(squares))
    position, other, _ = here.overlaps_of([box(4.5, 4.5), box(40, 40), box(0, 0)])
    assert position.tolist() == [0, 0, 0, 0, 2]
    assert other.tolist() == [84, 85, 104, 105, 0]
    here.remove([84])
    assert 84 not in here and 85 in here
    assert here.overlaps_of([box(4.5, 4.5)])[1].tolist() == [85, 104, 105]
    one, met, _ = here.add([84], [box(4, 4, 1, 0.5)])
    assert (one.tolist(), met.tolist()) == ([], [])
    assert here.overlaps_of([box(4.5, 4.25)])[1].tolist() == [84, 85, 104, 105]
    with pytest.raises(KeyError):
        here.remove([1000])


def test_gaps_by_hand() -> None:
    """A sliver is found where it is closed in and where it is open; a street between cells is none."""
    sliver = 0.3 / metres_per_degree(at(0, 0)[1])[0] / 2**-10
    cells = array([box(0, 0), box(1 + sliver, 0), box(0, 1, 2 + sliver, 1), box(2.5, 0)])
    beside, area_m2, place = gaps(cells)
    assert beside.tolist() == [0]
    assert area_m2.tolist() == pytest.approx([0.3 * metres_per_degree(at(0, 0)[1])[1] * 2**-10], rel=1e-3)
    assert at(1, 0)[0] < place[0, 0] < at(1 + sliver, 0)[0] and at(0, 0)[1] < place[0, 1] < at(0, 1)[1]
    assert [len(part) for part in gaps(cells, 0.2)] == [0, 0, 0] == [len(part) for part in gaps(array([]))]
    assert not len(gaps(array([box(0, 0), box(1, 0), box(0.5, 0.5)]))[0])


def test_objects_drawn_twice() -> None:
    """Lines and polygons of one class that coincide by half or more are named, with the share."""
    m = 1 / 108.43
    shapes = array(
        [
            line((0, 0), (1, 0)),
            line((0.25, 0.2 * m), (1.25, 0.2 * m)),
            line((0, 0.5 * m), (1, 0.5 * m)),
            line((0.5, -1), (0.5, 1)),
            box(3, 3),
            box(3.25, 3, 0.5, 1),
            box(3.75, 3),
            point(0, 0),
            None,
        ]
    )
    first, second, share = shared(shapes, np.zeros(9, dtype=np.int64))
    assert (first.tolist(), second.tolist()) == ([0, 4], [1, 5])
    assert share.tolist() == pytest.approx([0.75, 1.0], abs=0.01)
    assert not len(shared(shapes, np.arange(9))[0])
    assert not len(shared(shapes, np.full(9, -1))[0])
    assert [len(part) for part in shared(shapes, np.zeros(9, dtype=np.int64), [2, 3, 7])] == [0, 0, 0]
    assert shared(shapes, np.zeros(9, dtype=np.int64), [5])[0].tolist() == [4]
