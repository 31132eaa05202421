"""Reference systems, shifted datums and metres per degree."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod
from pyproj.enums import WktVersion

from gridcity import crs
from gridcity.crs.transform import gauss_kruger_codes
from gridcity.errors import ArgumentError, ReferenceSystemError

DATA = Path(__file__).parents[1].parent / "shared" / "data"
TIANANMEN = (116.397428, 39.90923)
TIANANMEN_4548 = (448475.815, 4419624.325)
MICROMETRE_DEG = 1e-6 / 111_000

lng_in_china = st.floats(72.02, 137.82)
lat_in_china = st.floats(0.85, 55.81)


def esri_gk(name: str, datum: str, spheroid: str, easting: float, meridian: float, extra: str = "") -> str:
    """Build a .prj text as ArcGIS writes it, around a datum of one's choice."""
    return (
        f'PROJCS["{name}",GEOGCS["GCS_X",DATUM["{datum}",SPHEROID[{spheroid}]{extra}],'
        'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],'
        f'PARAMETER["False_Easting",{easting}],PARAMETER["False_Northing",0.0],'
        f'PARAMETER["Central_Meridian",{meridian}],PARAMETER["Scale_Factor",1.0],'
        'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )


CGCS2000 = '"CGCS2000",6378137.0,298.257222101'
KRASOVSKY = '"Krasovsky_1940",6378245.0,298.3'


# ---- shifted datums -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "given_point", "expected"),
    [
        (crs.wgs84_to_gcj02, TIANANMEN, (116.40367163, 39.91063351)),
        (crs.gcj02_to_bd09, (116.40367163, 39.91063351), (116.41004410, 39.91697286)),
        (crs.wgs84_to_gcj02, (114.057868, 22.543099), (114.06298196, 22.54038176)),
    ],
)
def test_worked_numbers(function, given_point, expected):
    """The worked numbers of the public formulas come out, to one unit in the eighth decimal."""
    assert function(*given_point) == pytest.approx(expected, abs=1e-8, rel=0)


@given(lng_in_china, lat_in_china)
@example(137.82, 53.0)  # inside the rectangle, and its position in BD-09 outside
@example(137.8346, 53.0)  # inside the rectangle, and its position in GCJ-02 outside
def test_round_trips_are_exact_to_a_micrometre(lng, lat):
    """There and back moves no point by a micrometre, by GCJ-02, by BD-09 and by both."""
    gcj = crs.wgs84_to_gcj02(lng, lat)
    assert crs.gcj02_to_wgs84(*gcj) == pytest.approx((lng, lat), abs=MICROMETRE_DEG, rel=0)
    assert crs.bd09_to_gcj02(*crs.gcj02_to_bd09(*gcj)) == pytest.approx(gcj, abs=MICROMETRE_DEG, rel=0)
    assert crs.bd09_to_wgs84(*crs.wgs84_to_bd09(lng, lat)) == pytest.approx(
        (lng, lat), abs=MICROMETRE_DEG, rel=0
    )


@given(st.lists(st.tuples(st.floats(60, 150), st.floats(-10, 65)), min_size=1, max_size=30))
def test_floats_and_arrays_agree(points):
    """An array is shifted as its points are one by one, inside the rectangle and outside."""
    lng, lat = np.array(points).T
    for function in (crs.wgs84_to_gcj02, crs.gcj02_to_wgs84, crs.gcj02_to_bd09, crs.bd09_to_gcj02):
        together = np.column_stack(function(lng, lat))
        single = np.array([function(*point) for point in points])
        np.testing.assert_allclose(together, single, rtol=0, atol=1e-13)


def test_outside_the_rectangle_nothing_moves():
    """A point outside 72.004-137.8347 E, 0.8293-55.8271 N is returned as it is, and NaN stays NaN."""
    for function in (crs.wgs84_to_gcj02, crs.gcj02_to_wgs84, crs.wgs84_to_bd09, crs.bd09_to_wgs84):
        assert function(139.7, 35.7) == (139.7, 35.7)
        assert function(116.4, 0.8) == (116.4, 0.8)
        assert all(map(math.isnan, function(math.nan, math.nan)))
        lng, lat = function(np.array([np.nan, -77.0]), np.array([39.9, 38.9]))
        assert np.isnan(lng[0])
        assert (lng[1], lat[1]) == (-77.0, 38.9)


def test_chunks_do_not_show():
    """An array longer than a chunk, of any shape, is shifted throughout, and the input stays as it was."""
    lng = np.linspace(73.0, 137.0, 600_000).reshape(2, 300_000)
    lat = np.full_like(lng, 40.0)
    before = lng.copy()
    east, north = crs.wgs84_to_gcj02(lng, lat)
    assert east.shape == lng.shape
    assert (east != lng).all()
    assert (lng == before).all()
    picked = [(0, 262_143), (0, 262_144), (1, 299_999)]
    for at in picked:
        assert (east[at], north[at]) == pytest.approx(crs.wgs84_to_gcj02(float(lng[at]), 40.0), abs=1e-13)


def test_an_independent_implementation_agrees():
    """The library geocoordinates gives the same shifts to a nanometre, and the same way back to 1 µm."""
    oracle = pytest.importorskip("geocoordinates_ffi")
    rng = np.random.default_rng(20260701)
    for lng, lat in zip(rng.uniform(75, 135, 300).tolist(), rng.uniform(5, 53, 300).tolist(), strict=True):
        gcj = oracle.wgs84_to_gcj02(oracle.Wgs84(lat=lat, lon=lng))
        assert crs.wgs84_to_gcj02(lng, lat) == pytest.approx((gcj.lon, gcj.lat), abs=1e-13)
        bd = oracle.gcj02_to_bd09(gcj)
        assert crs.gcj02_to_bd09(gcj.lon, gcj.lat) == pytest.approx((bd.lon, bd.lat), abs=1e-13)
        back = oracle.gcj02_to_wgs84_refined(gcj)
        assert crs.gcj02_to_wgs84(gcj.lon, gcj.lat) == pytest.approx((back.lon, back.lat), abs=MICROMETRE_DEG)


@cache
def land_parcels() -> tuple[list[dict], list[dict]]:
    """The same 3,057 parcels of Beixinqiao in WGS 84 and in GCJ-02."""
    folder = DATA / "dongcheng"
    files = [folder / f"beixinqiao_land_3057_{datum}.geojson" for datum in ("wgs84", "gcj02")]
    if not all(file.exists() for file in files):
        pytest.skip(f"the parcels of Beixinqiao are not at {folder}")
    first, second = (json.loads(file.read_text("utf-8"))["features"] for file in files)
    return first, second


def rings(feature: dict) -> list[np.ndarray]:
    geometry = feature["geometry"]
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return [np.array(ring)[:, :2] for polygon in polygons for ring in polygon]


def test_real_parcels_vertex_for_vertex():
    """3,008 real parcels agree in WGS 84 and GCJ-02 vertex for vertex to a micrometre, both ways."""
    pairs = [(rings(a), rings(b)) for a, b in zip(*land_parcels(), strict=True)]
    alike = [(a, b) for a, b in pairs if [len(ring) for ring in a] == [len(ring) for ring in b]]
    assert len(alike) == 3008
    wgs = np.vstack([ring for a, _ in alike for ring in a])
    gcj = np.vstack([ring for _, b in alike for ring in b])
    there = np.column_stack(crs.wgs84_to_gcj02(wgs[:, 0], wgs[:, 1]))
    back = np.column_stack(crs.gcj02_to_wgs84(gcj[:, 0], gcj[:, 1]))
    assert np.abs(there - gcj).max() < MICROMETRE_DEG
    assert np.abs(back - wgs).max() < MICROMETRE_DEG


def test_the_other_49_parcels_lost_their_holes():
    """The 49 parcels that differ have two to four rings in WGS 84 and one in GCJ-02."""
    pairs = [(rings(a), rings(b)) for a, b in zip(*land_parcels(), strict=True)]
    unlike = [(a, b) for a, b in pairs if [len(ring) for ring in a] != [len(ring) for ring in b]]
    assert len(unlike) == 49
    assert all(2 <= len(a) <= 4 and len(b) == 1 for a, b in unlike)
    lost = [sum(map(len, a)) - sum(map(len, b)) for a, b in unlike]
    assert lost.count(5) == 31  # a square hole
    assert (min(lost), max(lost), lost.count(-1)) == (-1, 65, 3)


# ---- metres ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("latitude", "bound"), [(0, 1e-8), (20, 6e-6), (40, 1.3e-5), (60, 3e-5)])
def test_metres_per_degree_against_the_geodesic(latitude, bound):
    """Up to 500 m, the length of a degree gives the geodesic's distance to 3 in 100,000."""
    rng = np.random.default_rng(latitude)
    n = 5000
    lng, lat = np.full(n, 116.0), np.full(n, float(latitude))
    distance_m = rng.uniform(1, 500, n)
    to_lng, to_lat, _ = Geod(ellps="GRS80").fwd(lng, lat, rng.uniform(0, 360, n), distance_m)
    lng_m, lat_m = crs.metres_per_degree(lat)
    found_m = np.hypot((to_lng - lng) * lng_m, (to_lat - lat) * lat_m)
    assert np.abs(found_m / distance_m - 1).max() < bound
    assert crs.metres_per_degree(float(latitude)) == pytest.approx((lng_m[0], lat_m[0]), rel=1e-14)


# ---- what a declaration means ---------------------------------------------------------------


@pytest.mark.parametrize("declared", [4548, "4548", "EPSG:4548", "epsg:4548", " EPSG:4548 "])
def test_epsg_codes(declared):
    """An EPSG code is understood as number and as text."""
    system = crs.reference_system(declared)
    assert (system.epsg, system.datum, system.geographic) == (4548, "cgcs2000", False)
    assert system.name == "EPSG:4548 CGCS2000 / 3-degree Gauss-Kruger CM 117E"


def test_the_written_out_systems_are_those_of_epsg():
    """What is written out for EPSG:4490 and 4326 is what the register says."""
    for code in (4490, 4326):
        system = crs.reference_system(code)
        registered = CRS.from_epsg(code)
        assert system.name == f"EPSG:{code} {registered.name}"
        assert CRS.from_wkt(system.wkt).to_epsg() == code
        assert system.wkt == registered.to_wkt(WktVersion.WKT1_ESRI)


@pytest.mark.parametrize(
    ("name", "easting", "epsg"),
    [("CGCS2000_3_Degree_GK_CM_117E", 500000.0, 4548), ("CGCS2000_3_Degree_GK_Zone_39", 39500000.0, 4527)],
)
def test_esri_names_are_recognised(name, easting, epsg):
    """A .prj that names no code but means one is given its code, and keeps its text."""
    text = esri_gk(name, "D_China_2000", CGCS2000, easting, 117.0)
    system = crs.reference_system(wkt=text, where="cells.shp")
    assert (system.epsg, system.datum, system.wkt) == (epsg, "cgcs2000", text)


@pytest.mark.parametrize("datum", ["D_China_2000", "CGCS2000", "D_CGCS_2000", "China_2000"])
def test_local_gauss_kruger_on_cgcs2000(datum):
    """A city's own meridian on CGCS2000 is accepted without a code, however the datum is spelled."""
    system = crs.reference_system(wkt=esri_gk("City_Local", datum, CGCS2000, 500000.0, 116.35))
    assert (system.epsg, system.datum) == (None, "cgcs2000")
    lng, lat = crs.to_lnglat(*TIANANMEN_4548, system)
    expected = crs.to_lnglat(*TIANANMEN_4548, crs.reference_system(4548))
    assert (lng + 0.65, lat) == pytest.approx(expected, abs=1e-9)


def test_a_datum_supplies_what_a_system_leaves_out():
    """A system on an unknown datum is refused when used, and accepted with --datum."""
    text = "+proj=tmerc +lon_0=117 +x_0=500000 +ellps=GRS80 +units=m"
    with pytest.raises(ReferenceSystemError, match="no operation better than ballpark") as caught:
        crs.to_lnglat(*TIANANMEN_4548, crs.reference_system(text), where="a.csv")
    assert "--datum" in caught.value.hint
    found = crs.to_lnglat(*TIANANMEN_4548, crs.reference_system(text, "cgcs2000"))
    assert found == pytest.approx(TIANANMEN, abs=1e-8)


def test_nothing_declared():
    """Without a declaration the error names the source and both options."""
    for wkt in (None, "", " \n"):
        with pytest.raises(
            ReferenceSystemError, match=r"^no reference system is declared in lamps\.shp"
        ) as caught:
            crs.reference_system(wkt=wkt, where="lamps.shp")
        assert "--crs" in caught.value.hint
        assert "--datum" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "EPSG:2436",
        "EPSG:2383",
        "EPSG:4214",
        "EPSG:4610",
        esri_gk("Old_local", "D_Beijing_1954", KRASOVSKY, 500000.0, 116.35),
        esri_gk("Old_local", "D_Xian_1980", '"Xian_1980",6378140.0,298.257', 38500000.0, 114.0),
        esri_gk("Old_local", "Beijing_1954", KRASOVSKY, 500000.0, 116.35, ",TOWGS84[0,0,0,0,0,0,0]"),
    ],
)
def test_old_datums_are_refused(text):
    """Beijing 1954 and Xian 1980 are refused by their datum, in codes and in WKT, with the reason."""
    with pytest.raises(
        ReferenceSystemError, match=r"old\.shp: .*(Beijing 1954|Xian 1980).*ballpark.*not public"
    ):
        crs.reference_system(text, where="old.shp")


def test_every_listed_old_code_is_refused():
    """All EPSG codes of both old datums are refused."""
    table = DATA.parent / "standards" / "crs_codes.csv"
    if not table.exists():
        pytest.skip(f"no list of codes at {table}")
    rows = [line.split(",") for line in table.read_text("utf-8").splitlines()[1:]]
    old = [row[0] for row in rows if "Beijing" in row[2] or "Xian" in row[2]]
    assert len(old) > 40
    for code in old:
        with pytest.raises(ReferenceSystemError, match="ballpark"):
            crs.reference_system(code)


def test_stated_parameters_open_the_way():
    """Beijing 1954 with its own TOWGS84 parameters is transformed with them."""
    text = esri_gk("Stated", "Beijing_1954", KRASOVSKY, 500000.0, 117.0, ",TOWGS84[12,-113,-41,0,0,0,0]")
    lng, lat = crs.to_lnglat(*TIANANMEN_4548, crs.reference_system(text))
    assert 10 < math.hypot((lng - TIANANMEN[0]) * 85_000, (lat - TIANANMEN[1]) * 111_000) < 200


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('LOCAL_CS["Beijing local",LOCAL_DATUM["x",0],UNIT["Meter",1.0]]', "Engineering CRS"),
        ("EPSG:4479", "Geocentric CRS"),
        ("EPSG:5775", "Vertical CRS"),
        ("EPSG:999999", "no reference system that PROJ can read"),
        ("<!DOCTYPE html><html>", "no reference system that PROJ can read"),
        ("\ud800", "no reference system that PROJ can read"),
        ("\0", "no reference system"),
    ],
)
def test_what_is_no_place_on_earth_is_refused(text, found):
    """Local, geocentric and vertical systems and damaged texts are refused, naming the source."""
    with pytest.raises(ReferenceSystemError, match=found) as caught:
        crs.reference_system(wkt=text, where="odd.shp")
    assert "odd.shp" in caught.value.message


@pytest.mark.parametrize("text", ["Hong Kong", "Web Mercator", "WGS 1984", "EPSG:4490.0"])
def test_a_name_is_not_taken_for_the_nearest_one(text):
    """PROJ's guess at a name is no declaration, and half a code is no code."""
    with pytest.raises(ReferenceSystemError, match="no reference system that PROJ can read"):
        crs.reference_system(text)


@pytest.mark.parametrize(
    ("text", "epsg"),
    [
        ("WGS84", 4326),
        ("Hong Kong 1980", 4611),
        ("CGCS2000_3_Degree_GK_CM_117E", 4548),
        ("CGCS2000 / Gauss-Kruger CM 117E", 4509),
    ],
)
def test_the_names_of_epsg_and_arcgis_are_known(text, epsg):
    """A system may be named as its authority or ArcGIS writes it."""
    assert crs.reference_system(text).epsg == epsg


@settings(max_examples=30, deadline=None)  # PROJ searches its register for each text
@given(st.text(max_size=60))
def test_no_text_brings_another_error(text):
    """Whatever stands in a .prj, only ReferenceSystemError comes out."""
    with contextlib.suppress(ReferenceSystemError):
        crs.reference_system(wkt=text)


def test_shifted_degrees_under_a_declaration():
    """--datum gcj02 stands above a geographic declaration, and is refused above metres."""
    system = crs.reference_system(4326, "gcj02")
    assert system.name == "GCJ-02 (declared EPSG:4326 WGS 84)"
    assert (system.epsg, system.datum, system.geographic) == (None, "gcj02", True)
    with pytest.raises(ReferenceSystemError, match="GCJ-02 shifts longitudes and latitudes"):
        crs.reference_system(4548, "gcj02")


def test_unknown_and_contradicting_datums():
    """A datum gridcity does not know, or one that contradicts the system, is refused."""
    with pytest.raises(ReferenceSystemError, match="'mars' is no datum") as caught:
        crs.reference_system(datum="mars")
    assert "gcj02" in caught.value.hint
    with pytest.raises(ReferenceSystemError, match="CGCS2000 contradicts EPSG:26985"):
        crs.reference_system(26985, "cgcs2000")
    assert crs.reference_system(4326, "cgcs2000").epsg == 4326


# ---- there and back -------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "projected"), [(4548, TIANANMEN_4548), (4527, (39448475.815, 4419624.325))])
def test_worked_projections(code, projected):
    """Tiananmen is where the worked numbers say, with the zone in the easting and without."""
    system = crs.reference_system(code)
    assert crs.from_lnglat(*TIANANMEN, system) == pytest.approx(projected, abs=5.1e-4)
    assert crs.to_lnglat(*projected, system) == pytest.approx(TIANANMEN, abs=1e-8)
    assert crs.to_lnglat(*projected, system, stored=4326) == crs.to_lnglat(*projected, system)


@given(st.floats(115.5, 118.5), st.floats(20, 50), st.sampled_from([4548, 4527, 3857, 4490, 4326]))
def test_projections_round_trip(lng, lat, code):
    """From longitude and latitude to any system and back moves nothing by 0.1 mm."""
    system = crs.reference_system(code)
    assert crs.to_lnglat(*crs.from_lnglat(lng, lat, system), system) == pytest.approx((lng, lat), abs=1e-9)


def test_the_shifted_datums_are_unshifted():
    """GCJ-02 and BD-09 systems use the shifts, for floats and arrays, both ways."""
    for datum, shift in (("gcj02", crs.wgs84_to_gcj02), ("bd09", crs.wgs84_to_bd09)):
        system = crs.reference_system(datum=datum)
        shifted = shift(*TIANANMEN)
        assert crs.to_lnglat(*shifted, system) == pytest.approx(TIANANMEN, abs=1e-11)
        assert crs.from_lnglat(*TIANANMEN, system) == shifted
        lng, lat = crs.to_lnglat(np.array([shifted[0]]), np.array([shifted[1]]), system)
        assert (lng[0], lat[0]) == pytest.approx(TIANANMEN, abs=1e-11)


def test_other_datums_go_through_proj():
    """A system on another datum passes with its registered operation."""
    system = crs.reference_system(26985)
    assert system.datum == "North American Datum 1983"
    lng, lat = crs.to_lnglat(np.array([400000.0]), np.array([136000.0]), system, stored=4326)
    assert (lng[0], lat[0]) == pytest.approx((-77.0, 38.89), abs=0.01)


@pytest.mark.parametrize(
    ("declared", "easting", "says"),
    [
        (4548, 39_448_475.0, r"39,448,475 carry zone 39.*EPSG:4527"),
        (4547, 39_448_475.0, r"39,448,475 carry zone 39.*EPSG:4527"),
        (4527, 448_475.0, r"448,475 carry no zone.*EPSG:4548"),
        (4526, 39_448_475.0, r"carry zone 39.*EPSG:4527"),
        (4509, 20_448_475.0, r"carry zone 20.*EPSG:4498"),
    ],
)
def test_zone_prefixes(declared, easting, says):
    """Eastings that carry another zone than declared are refused, and the right code is named."""
    system = crs.reference_system(declared)
    with pytest.raises(ReferenceSystemError, match=says):
        crs.to_lnglat(easting, 4_419_624.0, system)
    with pytest.raises(ReferenceSystemError, match=says):
        crs.to_lnglat(np.array([easting, easting, np.nan]), np.full(3, 4_419_624.0), system, where="a.shp")


def test_zones_are_decided_by_the_median():
    """One stray easting among many does not speak for the file: it alone has no place."""
    x = np.array([448_475.0, 448_500.0, 39_448_475.0])
    lng, lat = crs.to_lnglat(x, np.full(3, 4_419_624.0), crs.reference_system(4548))
    assert np.isnan(lng).tolist() == np.isnan(lat).tolist() == [False, False, True]


def test_one_absurd_coordinate_costs_its_row():
    """Of two positions the absurd one is dropped, whichever comes first: the median is one of the values."""
    for absurd in (1e12, 1e300):
        for x in ([448_475.0, absurd], [absurd, 448_475.0]):
            lng, _ = crs.to_lnglat(np.array(x), np.full(2, 4_419_624.0), crs.reference_system(4548))
            assert sorted(np.isnan(lng).tolist()) == [False, True]
            assert np.isnan(lng[x.index(absurd)])
    lng, lat = crs.to_lnglat(np.array([116.4, 1e6]), np.array([39.9, 39.9]), crs.reference_system(4490))
    assert (lng[0], lat[0]) == (116.4, 39.9)


def test_the_named_pairs_are_those_of_epsg():
    """For every zone the two codes are named as the register names them."""
    for zone in (*range(13, 24), *range(25, 46)):
        pair = gauss_kruger_codes(zone)
        assert pair is not None
        prefixed, plain = (CRS.from_epsg(code) for code in pair)
        assert prefixed.name.endswith(f"zone {zone}")
        assert (prefixed.datum.name, plain.datum.name) == ("China 2000", "China 2000")
        meridian = [{p.name: p.value for p in c.coordinate_operation.params} for c in (prefixed, plain)]
        key = "Longitude of natural origin"
        assert meridian[0][key] == meridian[1][key] == (zone * 3 if zone > 24 else zone * 6 - 3)
    assert gauss_kruger_codes(24) is None


def test_metres_declared_as_degrees_are_refused():
    """Metres under a geographic declaration are refused; swapped axes are not this error."""
    for datum in ("cgcs2000", "gcj02"):
        system = crs.reference_system(datum=datum)
        with pytest.raises(ReferenceSystemError, match=r"448,475.8, 4,419,624.3\) are no degrees"):
            crs.to_lnglat(*TIANANMEN_4548, system)
        with pytest.raises(ReferenceSystemError, match="are no degrees"):
            crs.to_lnglat(np.array([448475.8]), np.array([4419624.3]), system)
    assert crs.to_lnglat(39.9, 116.4, crs.reference_system(4490)) == (39.9, 116.4)


def test_missing_coordinates_stay_missing():
    """NaN and infinity come out as NaN and stop nothing."""
    x = np.array([np.nan, np.inf, 448_475.815, 448_475.815])
    y = np.array([4_419_624.0, 4_419_624.0, np.nan, 4_419_624.325])
    lng, lat = crs.to_lnglat(x, y, crs.reference_system(4548))
    assert np.isnan(lng).tolist() == np.isnan(lat).tolist() == [True, True, True, False]
    assert all(map(math.isnan, crs.to_lnglat(math.nan, 1.0, crs.reference_system(4548))))


def test_a_position_without_a_place_costs_itself_and_many_cost_the_file():
    """Of many positions one without a place becomes NaN; a single one, or most of them, stop the call."""
    system = crs.reference_system(4548)
    x, y = np.array([448_475.0, 1e300, 448_476.0]), np.full(3, 4_419_624.0)
    assert np.isnan(crs.to_lnglat(x, y, system)[0]).tolist() == [False, True, False]
    with pytest.raises(ReferenceSystemError, match=r"has no place .* 1 of 1"):
        crs.to_lnglat(1e300, 4_419_624.0, system)
    here, lost = shapely.Point(448_475, 4_419_624), shapely.LineString([(448_475, 1), (1e300, 4_419_624)])
    moved = crs.geometries_to_lnglat([here, None, lost, here], system)
    assert moved[1] is None
    assert moved[0].equals(moved[3])
    assert shapely.get_type_id(moved[2]) == 0
    assert np.isnan(shapely.get_coordinates(moved[2])).all()
    with pytest.raises(ReferenceSystemError, match=r"a\.shp: .* 3 of 5 positions have none"):
        crs.geometries_to_lnglat([shapely.Point(1e300, 1)] * 3 + [here] * 2, system, where="a.shp")


def test_only_two_systems_are_stored():
    """Anything but EPSG:4490 and EPSG:4326 as the stored system is a wrong argument."""
    with pytest.raises(ArgumentError, match="not EPSG:4548"):
        crs.to_lnglat(1.0, 1.0, crs.reference_system(4490), stored=4548)


def test_geometries():
    """Geometries keep order, kind and gaps; heights go; NaN stays; the input is not changed."""
    system = crs.reference_system(4548)
    e, n = TIANANMEN_4548
    shell = [(e, n), (e + 100, n), (e + 100, n + 100), (e, n)]
    broken = shapely.from_wkb(shapely.to_wkb(shapely.LineString([(e, n), (math.nan, n)])))
    given_geometries = [
        shapely.Point(e, n, 45.0),
        None,
        shapely.Polygon(shell, holes=[[(e + 50, n + 10), (e + 60, n + 10), (e + 60, n + 20)]]),
        shapely.MultiPoint([(e, n), (e + 1, n)]),
        broken,
        shapely.Point(),
    ]
    found = crs.geometries_to_lnglat(given_geometries, system)
    assert found[1] is None
    assert [g.geom_type for g in found if g is not None] == [
        g.geom_type for g in given_geometries if g is not None
    ]
    assert not shapely.has_z(found[0])
    assert (found[0].x, found[0].y) == pytest.approx(TIANANMEN, abs=1e-8)
    assert found[2].is_valid
    assert len(found[2].interiors) == 1
    assert math.isnan(found[4].coords[1][0])
    assert found[5].is_empty
    assert given_geometries[0].has_z
    degrees = crs.geometries_to_lnglat(found[:4], crs.reference_system(4490))
    assert shapely.equals_exact(degrees[2], found[2], 0)
    assert len(crs.geometries_to_lnglat([], system)) == 0


def test_real_parcels_as_geometries():
    """Every ring of 3,057 real parcels still closes after it was unshifted."""
    _, gcj = land_parcels()
    geometries = [shapely.geometry.shape(feature["geometry"]) for feature in gcj]
    found = crs.geometries_to_lnglat(geometries, crs.reference_system(4326, "gcj02"))
    assert len(found) == 3057
    assert (shapely.get_num_coordinates(found) == shapely.get_num_coordinates(geometries)).all()


def test_cold_path():
    """One point in degrees or in a shifted datum loads neither numpy nor pyproj."""
    code = (
        "import sys; from gridcity import crs\n"
        "crs.wgs84_to_bd09(*crs.bd09_to_wgs84(116.4, 39.9)); crs.metres_per_degree(39.9)\n"
        "for s in (crs.reference_system(datum='gcj02'), crs.reference_system('EPSG:4490'),"
        " crs.reference_system(4326, 'bd09')):\n"
        "    crs.from_lnglat(*crs.to_lnglat(116.4, 39.9, s), s)\n"
        "print(sorted({'numpy', 'pyproj', 'shapely', 'pandas'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
