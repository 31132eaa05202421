"""Whether points lie in another datum than they say, by the places they should lie in."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity import crs
from gridcity.crs.evidence import datum_evidence
from gridcity.findings import Findings

DATA = Path(__file__).parents[1].parent / "shared" / "data"
SHIFTS = {
    "gcj02": crs.wgs84_to_gcj02,
    "bd09": crs.wgs84_to_bd09,
    "gcj02-twice": lambda lng, lat: crs.wgs84_to_gcj02(*crs.wgs84_to_gcj02(lng, lat)),
    "unshifted": crs.gcj02_to_wgs84,
}


def cells(west: float, south: float, n: int = 30, side: float = 0.001) -> np.ndarray:
    """A square of n by n cells of 0.001 degrees, some 100 m."""
    east, north = np.meshgrid(west + side * np.arange(n), south + side * np.arange(n))
    return shapely.box(east, north, east + side, north + side).ravel()


def inside(places: np.ndarray, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    west, south, east, north = shapely.bounds(places).T
    rng = np.random.default_rng(seed)
    return rng.uniform(west, east), rng.uniform(south, north)


@settings(max_examples=25, deadline=None)
@given(st.floats(75, 133), st.floats(19, 52), st.sampled_from(sorted(SHIFTS)))
def test_every_shift_is_seen_wherever_it_lies(lng, lat, datum):
    """Points of cells of 100 m that were shifted are suspicious anywhere in China, and by the right datum.

    Where a shift is no longer than a cell the misfits may stay ordinary, and then nothing is said.
    """
    places = cells(lng, lat, n=15)
    x, y = inside(places)
    honest = datum_evidence(x, y, places)
    assert honest is not None
    assert (honest.better, honest.facts(), honest.declared.share) == (None, {}, 1.0)
    found = datum_evidence(*SHIFTS[datum](x, y), places)
    assert found is not None
    assert found.better is None if found.declared.share > 0.9 else found.better.datum == datum


def test_the_offset_is_that_of_the_shift():
    """At Tiananmen GCJ-02 lies 555 m to the east of WGS 84, and the evidence says so, to some metres."""
    places = cells(116.39, 39.90)
    x, y = crs.wgs84_to_gcj02(*inside(places))
    found = datum_evidence(x, y, places)
    assert found is not None
    assert found.offset_m == pytest.approx(555, abs=10)
    assert found.direction == "east"
    assert found.declared.share == 0.0
    assert found.better is not None
    assert found.better.datum == "gcj02"


def test_a_datum_given_by_mistake_is_seen_too():
    """WGS 84 that was read with --datum gcj02 fits clearly better as WGS 84."""
    places = cells(116.39, 39.90)
    found = datum_evidence(*crs.gcj02_to_wgs84(*inside(places)), places, datum="gcj02")
    assert found is not None
    assert found.declared.datum == "gcj02"
    assert found.better is not None
    assert found.better.datum == "wgs84"


def test_noise_is_no_shift():
    """With a third of the cell codes wrong nothing is suspicious: no datum mends them."""
    places = cells(116.39, 39.90)
    x, y = inside(places)
    wrong = np.arange(len(places)) % 3 == 0
    named = places.copy()
    named[wrong] = np.random.default_rng(2).permutation(places[wrong])
    found = datum_evidence(x, y, named)
    assert found is not None
    assert found.declared.share < 0.75
    assert found.better is None


def test_too_little_is_no_evidence():
    """Nine points, points without a place, and points outside the shifts' rectangle prove nothing."""
    places = cells(116.39, 39.90)
    x, y = inside(places)
    assert datum_evidence(x[:9], y[:9], places[:9]) is None
    assert datum_evidence(x, y, np.full(len(x), None)) is None
    washington = cells(-77.05, 38.9)
    assert datum_evidence(*inside(washington), washington) is None


def test_the_finding_is_a_sentence():
    """The facts fill the rule datum-suspect."""
    places = cells(116.39, 39.90)
    evidence = datum_evidence(*crs.wgs84_to_gcj02(*inside(places)), places)
    assert evidence is not None
    found = Findings()
    facts = evidence.facts()
    found.add("datum-suspect", [None], field="geometry", values=facts.pop("value"), **facts)
    (one,) = found
    assert one.severity == "warning"
    assert "as WGS 84 or CGCS2000, 0% of 900 points" in one.message
    assert "as GCJ-02 100% would" in one.message


# ---- real data ------------------------------------------------------------------------------


@cache
def features(name: str) -> list[dict]:
    path = DATA / "dongcheng" / name
    if not path.exists():
        pytest.skip(f"the real data of Dongcheng are not at {path.parent}")
    return json.loads(path.read_text("utf-8"))["features"]


def shapes(name: str) -> np.ndarray:
    return shapely.from_geojson([json.dumps(one["geometry"]) for one in features(name)])


def unshifted(geometries: np.ndarray) -> np.ndarray:
    return shapely.transform(geometries, lambda xy: np.column_stack(crs.gcj02_to_wgs84(*xy.T)))


def named(name: str, column: str, within: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points of a file, and the true area that each names."""
    areas = zip(features(within), unshifted(shapes(within)), strict=True)
    by_name = {one["properties"]["name"].removesuffix("街道"): shape for one, shape in areas}
    texts = [str(one["properties"][column] or "").removesuffix("街道") for one in features(name)]
    places = np.array([by_name.get(text) for text in texts], dtype=object)
    return *shapely.get_coordinates(shapely.point_on_surface(shapes(name))).T, places


@pytest.mark.parametrize(
    ("name", "column", "within"),
    [
        ("markets_shops_gcj02.geojson", "street_name", "streets_17_gcj02.geojson"),
        ("sports_facilities_gcj02.geojson", "street_name", "streets_17_gcj02.geojson"),
        ("recycle_bins_gcj02.geojson", "street", "streets_17_gcj02.geojson"),
        (
            "beixinqiao_greenbelts_398_gcj02.geojson",
            "community_name",
            "beixinqiao_communities_12_gcj02.geojson",
        ),
    ],
)
def test_dongcheng_is_seen_through(name, column, within):
    """Every file of Dongcheng that names its area is GCJ-02, and without suspicion once that is said."""
    lng, lat, places = named(name, column, within)
    found = datum_evidence(lng, lat, places, datum="wgs84")
    assert found is not None
    assert found.better is not None
    assert found.better.datum == "gcj02"
    right = datum_evidence(*crs.gcj02_to_wgs84(lng, lat), places, datum="gcj02")
    assert right is not None
    assert right.better is None


def test_parking_lots_against_the_city_alone():
    """1,165 parking lots that name no street still lie 81 % in the district as WGS 84 and 99 % as GCJ-02."""
    district = shapely.union_all(unshifted(shapes("streets_17_gcj02.geojson")))
    found = datum_evidence(
        *shapely.get_coordinates(shapes("parking_lots_gcj02.geojson")).T, district, datum="wgs84"
    )
    assert found is not None
    assert (round(found.declared.share, 2), found.direction) == (0.81, "")
    assert found.better is not None
    assert (found.better.datum, round(found.better.share, 2)) == ("gcj02", 0.99)


def test_parcels_in_both_datums():
    """Parcels in GCJ-02 lie a median 546 m from themselves in WGS 84, to the east; as GCJ-02 they fit."""
    true, given_ = shapes("beixinqiao_land_3057_wgs84.geojson"), shapes("beixinqiao_land_3057_gcj02.geojson")
    n = min(len(true), len(given_))
    points = shapely.get_coordinates(shapely.point_on_surface(given_[:n]))
    found = datum_evidence(*points.T, true[:n])
    assert found is not None
    assert (found.declared.share, found.declared.distance_m) == (0.0, pytest.approx(546, abs=1))
    assert (found.offset_m, found.direction) == (pytest.approx(556, abs=1), "east")
    assert found.better is not None
    assert found.better.share > 0.99


def test_shenzhen_is_not_accused():
    """The cells of Shenzhen, WGS 84 with 94 % in the districts, raise no alarm."""
    pyogrio = pytest.importorskip("pyogrio")
    folder = DATA / "shenzhen"
    if not folder.is_dir():
        pytest.skip(f"the real data of Shenzhen are not at {folder}")
    grid, districts = (
        shapely.from_wkb(pyogrio.raw.read(folder / name, columns=[])[2]) for name in ("grid.shp", "sz.shp")
    )
    centres = shapely.get_coordinates(shapely.centroid(grid))
    found = datum_evidence(*centres.T, shapely.union_all(districts))
    assert found is not None
    assert found.declared.share == pytest.approx(0.94, abs=0.01)
    assert found.better is None
