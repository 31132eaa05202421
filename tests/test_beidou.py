"""BeiDou grid codes against the standard's printed examples, and as properties."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridcity.beidou import decode, encode
from gridcity.errors import ArgumentError, CodeError

longitudes = st.one_of(
    st.fractions(-180, 180),
    st.floats(-180, 180),
    st.integers(-180, 180),
    st.integers(-21600, 21600).map(lambda m: Fraction(m, 120)),
)
latitudes = st.one_of(
    st.fractions(-88, 88),
    st.floats(-88, 88),
    st.integers(-88, 88),
    st.integers(-10560, 10560).map(lambda m: Fraction(m, 120)),
)
levels = st.integers(1, 10)


def dms(degrees: int, minutes: int, seconds: str) -> Fraction:
    return degrees + Fraction(minutes, 60) + Fraction(seconds) / 3600


@pytest.mark.parametrize(
    ("lng", "lat", "level", "code"),
    [
        (dms(116, 18, "45.37"), dms(39, 59, "35.38"), 8, "N50J47539B825534"),  # B.2
        (dms(116, 18, "45.37"), dms(39, 59, "35.38"), 10, "N50J47539B8255346152"),  # two public codecs
        (dms(116, 19, "14.3184"), dms(39, 59, "56.1444"), 5, "N50J475493E"),  # 8.1
        (dms(116, 19, "5.9808"), dms(39, 59, "59.7012"), 5, "N50J475491E"),  # 8.1
        (dms(116, 19, "9.3540"), dms(39, 59, "56.5260"), 5, "N50J475492E"),  # 8.1
    ],
)
def test_printed_examples(lng: Fraction, lat: Fraction, level: int, code: str) -> None:
    """The examples printed in GB/T 39409-2020 come out character for character."""
    assert encode(lng, lat, level) == code


@given(longitudes, latitudes, levels)
def test_a_cell_holds_its_point(lng: float, lat: float, level: int) -> None:
    """The cell of a point contains it exactly, and its middle has the same code."""
    code = encode(lng, lat, level)
    cell = decode(code)
    assert cell.west <= Fraction(lng) <= cell.east
    assert cell.south <= Fraction(lat) <= cell.north
    assert (cell.code, cell.level, cell.hemisphere) == (code, level, "N" if lat >= 0 else "S")
    assert encode((cell.west + cell.east) / 2, (cell.south + cell.north) / 2, level) == code


@given(longitudes, latitudes, levels)
def test_coarser_codes_are_prefixes(lng: float, lat: float, level: int) -> None:
    """The code of a level begins every code of the finer levels, and its cell holds theirs."""
    finest, coarse = decode(encode(lng, lat, 10)), decode(encode(lng, lat, level))
    assert finest.code.startswith(coarse.code)
    assert coarse.west <= finest.west < finest.east <= coarse.east
    assert coarse.south <= finest.south < finest.north <= coarse.north


@given(longitudes, latitudes, levels)
def test_borders_belong_to_the_cell_farther_out(lng: float, lat: float, level: int) -> None:
    """The corner of a cell nearest to equator and prime meridian belongs to the cell itself."""
    cell = decode(encode(lng, lat, level))
    # A corner on the equator or the prime meridian is northern or eastern: no other side has it.
    x = cell.west if cell.west >= 0 else cell.east
    y = cell.south if cell.south >= 0 else cell.north
    if (x > 0 or cell.west >= 0) and (y > 0 or cell.south >= 0):
        assert encode(x, y, level) == cell.code


@pytest.mark.parametrize(
    ("level", "width", "height"),
    [
        (1, "21600", "14400"),
        (2, "1800", "1800"),
        (3, "900", "600"),
        (4, "60", "60"),
        (5, "4", "4"),
        (6, "2", "2"),
        (7, "1/4", "1/4"),
        (8, "1/32", "1/32"),
        (9, "1/256", "1/256"),
        (10, "1/2048", "1/2048"),
    ],
)
def test_cell_sizes(level: int, width: str, height: str) -> None:
    """The cells of each level have the size of the standard, in arc seconds."""
    cell = decode(encode("116.397428", "39.90923", level))
    assert (cell.width_deg * 3600, cell.height_deg * 3600) == (Fraction(width), Fraction(height))


@pytest.mark.parametrize(
    ("lng", "lat", "code"),
    [
        (0, 0, "N31A0000000"),
        (-0.0, -0.0, "N31A0000000"),
        ("-0.001", "0.001", "N30A0000000"),
        ("0.001", "-0.001", "S31A0000000"),
        ("-0.001", "-0.001", "S30A0000000"),
        (6, 4, "N32B0000000"),
        (-6, -4, "S29B0000000"),
    ],
)
def test_the_four_quarters(lng: float, lat: float, code: str) -> None:
    """Counting starts at the corner nearest to equator and prime meridian in all four quarters."""
    assert encode(lng, lat, 5) == code


def test_the_outer_borders() -> None:
    """Longitude 180 is in zone 60, -180 in zone 01, latitude 88 in band V."""
    assert encode(180, 88, 1) == "N60V"
    assert encode(-180, -88, 1) == "S01V"
    assert decode("N60V").bounds == (174.0, 84.0, 180.0, 88.0)


def test_text_is_decimal_and_float_is_binary() -> None:
    """A text is taken as the decimal it shows, a float as the binary fraction it is."""
    border = Fraction(1, 10)  # a float of 0.1 lies above it; a level-4 border
    assert Fraction(0.1) > border
    assert encode("0.1", 1, 4) == encode(border, 1, 4) == encode(0.1, 1, 4)
    assert encode("0.29999999999999998", 1, 10) != encode("0.3", 1, 10)
    assert encode(0.3, 1, 10) == encode("0.29999999999999998", 1, 10)


@pytest.mark.parametrize(
    ("lng", "lat", "level", "message"),
    [
        (116, 88.1, 5, "polar scheme is not supported"),
        (116, -90, 5, "polar scheme is not supported"),
        (116, 91, 5, "latitude 91 is out of range"),
        (181, 40, 5, "longitude 181 is out of range"),
        (float("nan"), 40, 5, "longitude nan is no finite number"),
        (116, float("inf"), 5, "latitude inf is no finite number"),
        ("116°", 40, 5, "'116°' is no finite number"),
        (116, 40, 0, "no level 0"),
        (116, 40, 11, "no level 11"),
    ],
)
def test_refused_points(lng: float, lat: float, level: int, message: str) -> None:
    """A point without a cell is refused with the reason."""
    with pytest.raises(ArgumentError, match=message):
        encode(lng, lat, level)


@pytest.mark.parametrize(
    ("code", "position"),
    [
        ("", 1),
        ("X50J", 1),
        ("N", 2),
        ("N70J", 2),
        ("N61J", 3),
        ("N00J", 3),
        ("N5", 3),
        ("N50W", 4),
        ("N50JC7", 5),
        ("N50J48", 6),
        ("N50J4", 6),
        ("N50J476", 7),
        ("N50J475F9", 8),
        ("N50J4754A", 9),
        ("N50J47539F8", 10),
        ("N50J47539B84", 12),
        ("N50J47539B8285", 13),
        ("N50J47539B82553461528", 21),
    ],
)
def test_wrong_codes_say_where(code: str, position: int) -> None:
    """A wrong code is refused with the position of its first wrong or missing character."""
    with pytest.raises(CodeError) as caught:
        decode(code)
    assert caught.value.position == position


def test_small_letters_are_read() -> None:
    """A code in small letters names the same cell."""
    assert decode(" n50j475493e ") == decode("N50J475493E")
