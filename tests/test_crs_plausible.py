"""What undeclared coordinates can mean, and which declared ones are refused."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridcity import crs
from gridcity.crs import plausible
from gridcity.errors import ReferenceSystemError

# A city of 10 km around the Drum Tower of Beijing.
BOX = (116.33, 39.89, 116.45, 39.98)
MIDDLE = (116.39, 39.935)


def points(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(20260701)
    return rng.uniform(BOX[0], BOX[2], n), rng.uniform(BOX[1], BOX[3], n)


def in_box(lng: np.ndarray, lat: np.ndarray) -> np.ndarray:
    return (lng >= BOX[0]) & (lng <= BOX[2]) & (lat >= BOX[1]) & (lat <= BOX[3])


def projected(code: int) -> tuple[np.ndarray, np.ndarray]:
    return crs.from_lnglat(*points(), crs.reference_system(code))


# ---- guesses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "options"),
    [
        (4527, "zone", ["--crs EPSG:4527"]),
        (4498, "zone", ["--crs EPSG:4498"]),
        (3857, "mercator", ["--crs EPSG:3857"]),
        (4548, "meridian", []),
    ],
)
def test_projected_numbers_name_their_systems(code, kind, options):
    """Zones and web maps are told by their numbers alone; a central meridian is not."""
    found = plausible.guess(*projected(code))
    assert (found.kind, [one.option for one in found.candidates]) == (kind, options)


def test_a_zone_and_a_web_map_of_the_east_are_both_named():
    """East of 116.8 E the metres of web maps begin like zone 13 of Xinjiang, and both are offered."""
    x, y = crs.from_lnglat(np.array([121.47]), np.array([31.23]), crs.reference_system(3857))
    found = plausible.guess(x, y)
    assert [one.crs for one in found.candidates] == ["EPSG:4491", "EPSG:3857"]


def test_every_zone_is_named_by_its_number():
    """Eastings with a zone are read with the system of exactly this zone, for all 32 of both widths."""
    for zone in (*range(25, 46), *range(13, 24)):
        meridian = zone * 3 if zone >= 25 else zone * 6 - 3
        candidate = plausible.guess(np.array([zone * 1e6 + 500_000]), np.array([3_000_000.0])).candidates[0]
        lng, _ = candidate.to_lnglat(np.array([zone * 1e6 + 500_000.0]), np.array([3_000_000.0]))
        assert lng[0] == pytest.approx(meridian, abs=1e-9)


def test_the_meridian_is_ranked_by_the_city():
    """Of the meridians beside the city only the right one brings the points into it."""
    x, y = projected(4548)
    found = plausible.guess(x, y, MIDDLE)
    assert "the same numbers as EPSG:4509" in found.candidates[0].name
    best, *others = plausible.ranked(found.candidates, x, y, in_box)
    assert (best.candidate.option, best.share) == ("--crs EPSG:4548", 1.0)
    assert all(other.share < 0.5 for other in others if other.candidate.crs.startswith("EPSG:45"))


def test_the_two_widths_share_the_numbers_of_a_meridian():
    """A 6-degree system without a zone gives the numbers of the 3-degree system it is named beside."""
    for meridian in range(75, 136, 6):
        found = plausible.guess(np.array([500_000.0]), np.array([4e6]), (float(meridian), 36.0))
        name = found.candidates[0].name
        three = crs.reference_system(found.candidates[0].crs)
        six = crs.reference_system(name.split("EPSG:")[1].split(",")[0])
        assert crs.to_lnglat(430_000.0, 4e6, three) == pytest.approx(crs.to_lnglat(430_000.0, 4e6, six))


def test_degrees_are_offered_in_three_datums_and_none_is_chosen():
    """Degrees in China may be CGCS2000, GCJ-02 or BD-09; inside one city's box they tie."""
    found = plausible.guess(*points())
    assert [one.option for one in found.candidates] == ["--crs EPSG:4490", "--datum gcj02", "--datum bd09"]
    assert "EPSG:4326, is the same to centimetres" in found.candidates[0].name
    everywhere = plausible.ranked(found.candidates, *points(), lambda lng, lat: np.ones(len(lng), dtype=bool))
    assert [one.candidate for one in everywhere] == list(found.candidates)


def test_swapped_numbers_are_read_swapped_and_said_to_be():
    """North before east is named, in degrees and in metres, and read the right way round."""
    lng, lat = points()
    for x, y in ((lng, lat), projected(4527)):
        found = plausible.guess(y, x)
        assert "north before east" in str(found)
        assert plausible.ranked(found.candidates[:1], y, x, in_box)[0].share == 1.0


@pytest.mark.parametrize(
    ("x", "y", "kind"),
    [
        (-1200.0, 5300.0, "unknown"),
        (505_119.59, 308_856.94, "unknown"),
        (0.0, 0.0, "zeros"),
        (-0.0, 0.0, "zeros"),
        (math.nan, 39.9, "none"),
        (1e308, 1e308, "unknown"),
        (-77.03, 38.9, "degrees"),
    ],
)
def test_numbers_that_say_less(x, y, kind):
    """Local numbers, zeros, NaN and 1e308 bring no candidate of China, and no error."""
    found = plausible.guess(np.array([x]), np.array([y]))
    assert found.kind == kind
    assert not any(one.datum or one.crs == "EPSG:4490" for one in found.candidates)


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=20))
def test_no_numbers_bring_an_error(pairs):
    """Whatever the numbers, there is a sentence, and every candidate can be tried."""
    x, y = np.array(pairs, dtype=float).reshape(-1, 2).T
    found = plausible.guess(x, y, MIDDLE)
    assert found.sentence
    assert all(0 <= one.share <= 1 for one in plausible.ranked(found.candidates, x, y, in_box))


@pytest.mark.parametrize("wkt", ["", "\x00\x9f\x11 rubbish"])
def test_case_20_and_21_a_missing_or_damaged_prj_lists_the_guesses(wkt):
    """Without a usable .prj the refusal offers the options that fit the numbers, and decides nothing."""
    with pytest.raises(ReferenceSystemError) as caught:
        crs.reference_system(wkt=wkt, where="a.shp", guesses=lambda: plausible.guess(*projected(4527)))
    assert "--crs EPSG:4527 (CGCS2000, 3-degree zone 39)" in caught.value.hint


# ---- refusals -------------------------------------------------------------------------------


def test_case_22_old_datums_have_their_code():
    """Xian 1980 and Beijing 1954 are refused with E_DATUM."""
    for code in (2383, 2436):
        with pytest.raises(ReferenceSystemError) as caught:
            crs.reference_system(code)
        assert caught.value.code == "E_DATUM"


def test_case_23_the_zone_against_the_meridian_names_the_pair():
    """Eight-digit eastings under a system without a zone are refused with the right code, and the reverse."""
    for declared, real in ((4548, 4527), (4527, 4548)):
        with pytest.raises(ReferenceSystemError) as caught:
            crs.to_lnglat(*projected(real), crs.reference_system(declared))
        assert caught.value.code == "E_ZONE"
        assert f"EPSG:{real}" in caught.value.hint


@pytest.mark.parametrize("code", [4490, 4548, 4527])
@pytest.mark.parametrize("box", [BOX, None])
def test_case_24_swapped_coordinates_are_refused(code, box):
    """Latitude before longitude and north before east are refused, with the city known and without."""
    x, y = points() if code == 4490 else projected(code)
    system = crs.reference_system(code)
    plausible.check_coordinates(x, y, system, box)
    with pytest.raises(ReferenceSystemError, match="swapped") as caught:
        plausible.check_coordinates(y, x, system, box, where="a.csv")
    assert caught.value.code == "E_COORD_SWAPPED"
    assert "--x" in caught.value.hint


def test_case_25_a_few_points_elsewhere_are_no_matter_of_the_file():
    """One point in a hundred outside the city, or swapped, does not refuse the file."""
    lng, lat = points()
    lng[:2] += 5.0
    lng[2], lat[2] = lat[2], lng[2]
    plausible.check_coordinates(lng, lat, crs.reference_system(4490), BOX)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_case_26_all_points_at_zero_are_refused(zero):
    """A file whose points all lie at (0, 0) is refused, blanks or not; with one elsewhere it is not."""
    x = np.full(50, zero)
    for system in (crs.reference_system(4490), crs.reference_system(4548)):
        with pytest.raises(ReferenceSystemError, match=r"all 50 points lie at \(0, 0\)") as caught:
            plausible.check_coordinates(np.append(x, np.nan), np.append(x, 1.0), system, BOX)
        assert caught.value.code == "E_COORD_ZERO"
    plausible.check_coordinates(np.append(x, 116.4), np.append(x, 39.9), crs.reference_system(4490), BOX)


def test_case_27_odd_numbers():
    """NaN, inf and 1e308 cost their rows and not the file, and -0.0 becomes 0.0."""
    lng, lat = points()
    lng[0], lat[1], lng[2] = np.nan, np.inf, 1e308
    plausible.check_coordinates(lng, lat, crs.reference_system(4490), BOX)
    plausible.check_coordinates(np.array([np.nan]), np.array([np.nan]), crs.reference_system(4490), BOX)
    zero = crs.geometries_to_lnglat([shapely.Point(-0.0, -0.0)], crs.reference_system(4326), stored=4326)
    assert str(zero[0]) == "POINT (0 0)"


def test_local_numbers_under_a_national_system_are_refused():
    """The numbers of Beijing's own system, declared as CGCS2000, would lie at 2.8 N and are refused."""
    x, y = np.full(9, 505_119.59), np.full(9, 308_856.94)
    for box in (BOX, None):
        with pytest.raises(ReferenceSystemError, match=r"would lie at 117\.05 2\.79, far from") as caught:
            plausible.check_coordinates(x, y, crs.reference_system(4548), box, where="relics.shp")
        assert caught.value.code == "E_COORD_LOCAL"


def test_the_meridian_of_the_next_zone_is_not_refused():
    """A city may keep a neighbouring meridian: 116.4 E counted from 114 E or 120 E is taken."""
    for code in (4547, 4549):
        plausible.check_coordinates(*projected(code), crs.reference_system(code), BOX)
        plausible.check_coordinates(*projected(code), crs.reference_system(code))


def test_systems_elsewhere_are_left_alone():
    """Maryland's metres and Japan's, small numbers and all, pass where they are declared."""
    for code, lng, lat in ((26985, -77.03, 38.9), (2450, 138.32, 34.86), (6668, 138.32, 34.86)):
        system = crs.reference_system(code)
        x, y = crs.from_lnglat(np.array([lng]), np.array([lat]), system, stored=4326)
        plausible.check_coordinates(x, y, system, (lng - 0.1, lat - 0.1, lng + 0.1, lat + 0.1))
        plausible.check_coordinates(x, y, system)


# ---- local systems --------------------------------------------------------------------------

LOCAL = (
    'PROJCS["City_Local",GEOGCS["GCS_X",DATUM["{datum}",SPHEROID[{spheroid}]{shift}],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
    'PARAMETER["False_Easting",120000.0],PARAMETER["False_Northing",-2472000.0],'
    'PARAMETER["Central_Meridian",114.0],PARAMETER["Scale_Factor",1.0],'
    'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)


@pytest.mark.parametrize(
    ("datum", "spheroid", "shift"),
    [
        ("D_China_2000", '"CGCS2000",6378137.0,298.257222101', ""),
        ("D_WGS_1984", '"WGS_1984",6378137.0,298.257223563', ""),
        ("D_Local", '"Krasovsky_1940",6378245.0,298.3', ",TOWGS84[12,-113,-41,0,0,0,0]"),
    ],
)
def test_a_citys_own_system_with_a_known_datum(datum, spheroid, shift):
    """A local meridian and offset are accepted where the datum is known or its shift stated.

    The text is kept and no EPSG code is given to it: at a lower confidence PROJ would name a wrong one.
    """
    text = LOCAL.format(datum=datum, spheroid=spheroid, shift=shift)
    system = crs.reference_system(wkt=text, where="shenzhen.shp")
    assert (system.epsg, system.wkt) == (None, text)
    lng, lat = crs.to_lnglat(np.array([125_800.0]), np.array([22_300.0]), system)
    assert (lng[0], lat[0]) == pytest.approx((114.057, 22.55), abs=0.01)
    back = crs.from_lnglat(lng, lat, system)
    assert (back[0][0], back[1][0]) == pytest.approx((125_800.0, 22_300.0), abs=1e-3)


def test_a_local_system_on_an_unknown_datum_is_refused_when_used():
    """A local system that names no known datum and no shift is not taken for CGCS2000."""
    text = LOCAL.format(datum="D_Shenzhen", spheroid='"Krasovsky_1940",6378245.0,298.3', shift="")
    with pytest.raises(ReferenceSystemError, match="no operation better than ballpark"):
        crs.to_lnglat(125_800.0, 22_300.0, crs.reference_system(wkt=text))


def test_cold_path():
    """Importing the room loads neither numpy nor shapely nor pyproj."""
    code = (
        "import sys, gridcity.crs.plausible, gridcity.crs.evidence\n"
        "print({'numpy', 'shapely', 'pyproj'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
