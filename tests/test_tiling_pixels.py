"""The pixels answer like GEOS and the edge rule, whatever the polygons and wherever the points."""

from __future__ import annotations

import tracemalloc
import warnings
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.distance import Edges
from gridcity.tiling import drawing
from gridcity.tiling import pixels as pixels_module
from gridcity.tiling.exact import positions, sides
from gridcity.tiling.index import BASES, PolygonIndex
from gridcity.tiling.pixels import Pixels
from gridcity.tiling.point import position, side_of

DATA = Path(__file__).parents[1].parent / "shared" / "data"
POINTS = 100_000


def index_of(polygons, seed=0):
    """An index whose codes do not follow the positions; every seventh polygon has no code."""
    rng = np.random.default_rng(seed)
    codes = [f"{n:06d}" if n % 7 else "" for n in rng.permutation(len(polygons))]
    return PolygonIndex(rng.permutation(len(polygons)) + 10, codes, np.asarray(polygons, dtype=object))


def points_for(polygons, n=POINTS, seed=0):
    """Uniform, clustered, outside, on vertices, on edges, and a hair beside them."""
    rng = np.random.default_rng(seed)
    low, high = np.split(shapely.total_bounds(polygons), 2)
    size = high - low
    uniform = rng.uniform(low - size / 10, high + size / 10, (n // 2, 2))
    edges = Edges(polygons)
    begin, end = edges.ends(rng.integers(0, len(edges), n // 2))
    share = rng.random((len(begin), 1))
    along = begin + share * (end - begin)
    kinds = np.array_split(np.arange(len(begin)), 5)
    along[kinds[0]] = begin[kinds[0]]
    along[kinds[1]] = (begin[kinds[1]] + end[kinds[1]]) / 2
    along[kinds[2]] = np.nextafter(along[kinds[2]], rng.choice([-np.inf, np.inf], (len(kinds[2]), 2)))
    along[kinds[3]] += rng.normal(0, 1e-7, (len(kinds[3]), 2)) * size
    along[kinds[4]] += rng.normal(0, 1e-2, (len(kinds[4]), 2)) * size
    odd = np.array([[np.nan, low[1]], [low[0], np.nan], [np.inf, low[1]], [low[0], -np.inf], [1e300, -1e300]])
    return np.concatenate([uniform, along, odd]).T


def assert_alike(polygons, n=POINTS, seed=0):
    """The tree's answer, which is GEOS's, is the pixels' answer in every respect."""
    lng, lat = points_for(polygons, n, seed)
    tree, drawn = index_of(polygons, seed), index_of(polygons, seed)
    tree._pays = lambda points: False
    assert drawn.pixels
    expected, found = (index.locate(lng, lat, distances=False, near_m=0.0) for index in (tree, drawn))
    assert np.array_equal(expected.polygon, found.polygon)
    assert np.array_equal(expected.basis, found.basis)
    assert np.array_equal(expected.overlap, found.overlap)
    assert np.array_equal(drawn.winners(lng, lat), found.polygon)
    return drawn.pixels


def blocks(side, seed, jitter=0.3, place=(116.3, 39.9), scale=(1e-3, 1e-3), steps=3):
    """A covering of crooked squares whose borders are shared bit for bit."""
    rng = np.random.default_rng(seed)
    at = np.arange(side * steps + 1, dtype=float)
    corners = np.stack(np.meshgrid(at, at), axis=-1)
    corners += rng.uniform(-jitter, jitter, corners.shape)
    corners = corners / steps * scale + place
    run, still, end = np.arange(steps), np.zeros(steps, dtype=int), np.full(steps, steps)
    rows = np.concatenate([still, run, end, steps - run, [0]])
    columns = np.concatenate([run, end, steps - run, still, [0]])
    begin = np.arange(side) * steps
    row, column = (a.ravel()[:, None] for a in np.meshgrid(begin, begin, indexing="ij"))
    return shapely.polygons(corners[row + rows, column + columns])


@pytest.mark.parametrize("place, scale", [((116.3, 39.9), (1e-3, 9e-4)), ((4.45e5, 4.4e6), (90.0, 90.0))])
@pytest.mark.parametrize("seed", range(3))
def test_a_clean_covering(place, scale, seed):
    """Every point of a covering in degrees or metres has the cell that GEOS and the edge rule give it."""
    assert_alike(blocks(25, seed, place=place, scale=scale), seed=seed)


def test_round_borders():
    """Borders on round numbers, which lie in line with the pixels, are decided like any others."""
    assert_alike(blocks(32, 0, jitter=0.0, place=(0.0, 0.0), scale=(8.0, 8.0), steps=2))


def test_holes_and_enclaves():
    """A point in a hole belongs to what stands in the hole, or to nothing."""
    cells = blocks(16, 1)
    holes = shapely.buffer(shapely.centroid(cells), 2e-4, quad_segs=5)
    pierced = shapely.difference(cells, holes)
    assert_alike(np.concatenate([pierced, holes[::2]]))


def test_gaps_and_overlaps():
    """Cells that overlap or leave slivers between them give the first by the edge rule, and say so."""
    cells = blocks(16, 2)
    wider = shapely.buffer(cells[::3], 3e-5, join_style="mitre")
    narrower = shapely.buffer(cells[1::3], -2e-5, join_style="mitre")
    pixels = assert_alike(np.concatenate([wider, narrower, cells[2::3]]))
    assert (np.bitwise_count(pixels.slots["holds"]) > 1).any()


def test_borders_that_meet_between_vertices():
    """A vertex of one cell on the straight border of another (rounded, so a hair beside it) is no trouble."""
    fine, coarse = blocks(16, 3, jitter=0.0, steps=5), blocks(16, 3, jitter=0.0, steps=1)
    checkered = (np.arange(16)[:, None] + np.arange(16)) % 2 == 0
    assert_alike(np.where(checkered.ravel(), fine, coarse))


def test_two_layers():
    """Whole coverings on top of each other overlap everywhere, far from every border too."""
    assert_alike(np.concatenate([blocks(10, 4), blocks(3, 5, scale=(3e-3, 3e-3)), blocks(10, 6)]))


def test_parts_far_apart():
    """One outlying part makes the pixels large; the answers stay."""
    cells = list(blocks(12, 7))
    cells[5] = shapely.union(cells[5], shapely.box(120.0, 30.0, 120.001, 30.001))
    pixels = assert_alike(np.array(cells), n=20_000)
    assert pixels.value.size <= drawing._FEWEST * 1.5


def test_one_cell_far_from_all_others(monkeypatch):
    """Thousands of cells in one pixel are looked at some at a time, and the answers stay."""
    monkeypatch.setattr(pixels_module, "_PAIRS", 1000)
    cells = [*blocks(20, 8), shapely.box(0, 0, 1e-3, 1e-3)]
    assert_alike(np.array(cells), n=10_000)
    lng, lat = np.random.default_rng(0).uniform(116.3, 116.32, 20_000), np.full(20_000, 39.91)
    index = index_of(cells)
    assert (index.pixels.slots["edges"] < -200).any()
    tracemalloc.start()
    index.winners(lng, lat)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 << 20


def test_borders_a_hair_apart():
    """Two borders that differ in the last bit of a number near zero are two, also for points between them."""
    rng = np.random.default_rng(1)
    cells = [
        shapely.Polygon(np.array(shapely.box(x, y, x + 1, y + 1).exterior.coords)[:4] / 7 + hair)
        for x in range(-9, 10)
        for y in range(-9, 10)
        for hair in [rng.uniform(-1e-16, 1e-16, (4, 2))]
    ]
    assert_alike(np.array(cells))


def test_empty_polygons():
    """An empty polygon, as another program may write it, has no point and is not near any."""
    lng, lat = np.array([0.5, 5.0]), np.array([0.5, 0.5])
    for cells in ([shapely.box(0, 0, 1, 1), shapely.Polygon()], [shapely.Polygon(), shapely.box(0, 0, 1, 1)]):
        for drawn in (False, True):
            index = PolygonIndex([1, 2], ["", ""], np.array(cells))
            assert not drawn or index.pixels
            found = index.locate(lng, lat, near_m=1e6)
            assert index.ids[found.polygon].tolist() == [1 + cells[0].is_empty] * 2
            assert [BASES[n] for n in found.basis] == ["inside", "near"]
    nothing = PolygonIndex([1], [""], np.array([shapely.Polygon()])).locate(lng, lat, near_m=1e6)
    assert nothing.polygon.tolist() == [-1, -1]
    assert np.isnan(nothing.distance_m).all()


def test_numbers_that_are_no_coordinates():
    """Of numbers as large as doubles hold nothing is said but that they are outside."""
    index = index_of(blocks(3, 1))
    assert index.pixels
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert index.winners(np.array([1e308, -1e308]), np.array([39.9, 1e308])).tolist() == [-1, -1]


def test_more_polygons_in_a_pixel_than_bits():
    """A place where thirty polygons meet is decided by the polygons themselves."""
    turn = np.linspace(0, 2 * np.pi, 31)
    ring = np.column_stack([np.cos(turn), np.sin(turn)]) * 1e-3 + (116.3, 39.9)
    slices = [shapely.Polygon([(116.3, 39.9), *ring[i : i + 2]]) for i in range(30)]
    many = [shapely.box(116.3005, 39.9005, 116.3006, 39.9006)] * 20
    pixels = assert_alike(np.array(slices + many), n=20_000)
    assert (pixels.slots["edges"] < 0).any()


def test_slivers_long_and_thin():
    """Long edges make the pixels larger instead of filling the memory."""
    rng = np.random.default_rng(8)
    begin, end = rng.random((2, 3000, 2))
    slivers = shapely.buffer(shapely.linestrings(np.stack([begin, end], axis=1)), 1e-6, cap_style="flat")
    assert assert_alike(slivers, n=4_000).nbytes < 60e6


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    spread=st.sampled_from([1e-4, 1e-2, 1.0, 50.0]),
    place=st.sampled_from([(0.0, 0.0), (116.3, 39.9), (-77.0, 38.9), (4.4e5, 4.4e6), (179.99, -40.0)]),
)
def test_any_polygons(seed, n, spread, place):
    """Random polygons with holes and several parts, lying over each other anyhow."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (n, 2)) * spread + place
    stars = []
    for x, y in centres:
        turn = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 40)))
        far = rng.uniform(0.1, 1.0, len(turn)) * spread
        stars.append(shapely.Polygon(np.column_stack([x + np.cos(turn) * far, y + np.sin(turn) * far])))
    shapes = shapely.make_valid(np.array(stars))
    cut = rng.integers(0, n, n // 2)
    shapes[cut] = shapely.difference(shapes[cut], shapes[rng.integers(0, n, n // 2)])
    shapes = shapely.buffer(shapes, 0)
    shapes = shapes[~shapely.is_empty(shapes)]
    if len(shapes):
        assert_alike(shapes, n=POINTS, seed=seed % 1000)


@pytest.mark.parametrize(
    "path",
    ["washington-dc/polygons/fcc/fcc.shp", "dongcheng/land_parcels_gcj02.geojson"],
    ids=["washington", "dongcheng"],
)
def test_real_polygons(path):
    """The blocks of Washington and the parcels of Dongcheng, as they are."""
    if not (DATA / path).exists():
        pytest.skip(f"the real data is not there: {path}")
    shapes = geopandas.read_file(DATA / path).to_crs(4326).geometry.force_2d().to_numpy()
    assert_alike(shapes[shapely.is_valid(shapes) & ~shapely.is_empty(shapes)])


def test_second_copy():
    """Pixels put together again from their arrays answer the same."""
    index = index_of(blocks(10, 9))
    lng, lat = points_for(index.polygons, 5_000)
    again = PolygonIndex(index.ids, index.codes, _never, pixels=Pixels.from_arrays(index.pixels.arrays()))
    assert np.array_equal(index.winners(lng, lat), again.winners(lng, lat))
    assert again.pixels.nbytes == index.pixels.nbytes


def _never():
    raise AssertionError("The polygons are not needed where pixels are there.")


def test_drawn_when_it_pays():
    """Few points draw nothing; half as many as there are edges, in several calls, draw the polygons."""
    index = index_of(blocks(4, 10))
    lng, lat = points_for(index.polygons, 400)
    index.winners(lng[:50], lat[:50])
    assert index._drawn is None
    index.winners(lng[:50], lat[:50])
    assert index._drawn is not None


def test_no_polygons():
    """Nothing is in an empty index."""
    assert (
        PolygonIndex([], [], np.empty(0, dtype=object)).winners(np.zeros(9), np.zeros(9)).tolist() == [-1] * 9
    )


def test_memory_in_proportion():
    """Twice the cells hold twice the memory, and not more than 1.6 kB a cell of twelve vertices."""
    one, two = (index_of(blocks(side, 11)).pixels.nbytes for side in (50, 71))
    assert two / one == pytest.approx(2, rel=0.15)
    assert two / 71**2 < 1600


numbers = st.one_of(
    st.integers(-8, 8).map(float),
    st.floats(-180, 180),
    st.floats(116, 116.001),
    st.sampled_from([5e-324, 1e-300, -1e-160, 0.1 + 0.2, 0.3]),
)


@settings(max_examples=400, deadline=None)
@given(points=st.lists(st.tuples(numbers, numbers), min_size=3, max_size=3))
def test_sides_are_exact(points):
    """The side of an edge is that of rational arithmetic, also for numbers that products lose."""
    (x, y), a, b = points
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    for px, py in ((x, y), a, b, middle):
        found = sides(*(np.array([v]) for v in (px, py, *a, *b)))
        assert found.tolist() == [side_of(px, py, *a, *b)]


def test_positions_one_and_many():
    """A whole polygon decides many points as it decides one."""
    shapes = blocks(4, 12)
    lng, lat = points_for(shapes, 2_000)
    lng, lat = lng[:-5], lat[:-5]
    which = np.arange(len(lng)) % len(shapes)
    found = positions(lng, lat, which, Edges(shapes))
    rings = [[list(zip(*ring.xy, strict=True)) for ring in [shape.exterior]] for shape in shapes]
    names = ("outside", "edge", "inside")
    expected = [position(x, y, rings[i]) for x, y, i in zip(lng, lat, which, strict=True)]
    assert [names[n] for n in found] == expected
