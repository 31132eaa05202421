"""BeiDou grid location codes (北斗网格位置码), two-dimensional: GB/T 39409-2020, clauses 5.1-5.2.

A code names one cell of a grid over CGCS2000 longitude and latitude. It begins with the hemisphere
and divides the cell again and again, in ten levels:

=====  ===========  ===========  ======  =============================================
level  longitude    latitude     length  characters added
=====  ===========  ===========  ======  =============================================
1      6°           4°           4       zone 01-60 and band A-V
2      30′          30′          6       longitude 0-B, latitude 0-7
3      15′          10′          7       one of 0-5, latitude * 2 + longitude (Z order)
4      1′           1′           9       longitude 0-E, latitude 0-9
5      4″           4″           11      longitude 0-E, latitude 0-E
6      2″           2″           12      one of 0-3, as level 3
7-10   1/4″-1/2048″              14-20   longitude 0-7, latitude 0-7
=====  ===========  ===========  ======  =============================================

From level 2 on, counting starts at the corner nearest the equator and the prime meridian, so it runs
west in the western hemisphere and south in the southern one. Zones run from 180° W; zone 31 begins
at the prime meridian. Beyond 88° the standard has a polar scheme, which is not supported.

Everything is computed with exact fractions: 1/2048″ has no exact decimal in degrees, so rounded
arithmetic puts points on a border into the wrong cell.

>>> encode("116.397428", "39.90923", 5)
'N50J47584C8'
>>> cell = decode("N50J47")
>>> cell.west, cell.south, cell.width_deg
(Fraction(116, 1), Fraction(79, 2), Fraction(1, 2))
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from gridcity.codes.standards import rows
from gridcity.errors import ArgumentError, CodeError

__all__ = ["BeidouCell", "decode", "encode"]

_BANDS = "ABCDEFGHIJKLMNOPQRSTUV"
_DIGITS = "0123456789ABCDE"
_POLAR = 88
_ZONES_PER_HALF = 30


@dataclass(frozen=True, slots=True)
class _Level:
    """One row of ``standards/beidou_levels.csv``; sizes in degrees."""

    lng_size: Fraction
    lat_size: Fraction
    lng_parts: int
    lat_parts: int
    characters: int
    length: int


@functools.cache
def _levels() -> tuple[_Level, ...]:
    return tuple(
        _Level(
            Fraction(row["lng_size_s"]) / 3600,
            Fraction(row["lat_size_s"]) / 3600,
            *(int(row[key]) for key in ("lng_parts", "lat_parts", "characters", "length")),
        )
        for row in rows("beidou_levels.csv")
    )


@dataclass(frozen=True, slots=True)
class BeidouCell:
    """One cell of the BeiDou grid, in degrees of CGCS2000, exact.

    Attributes
    ----------
    code : str
        The location code.
    level : int
        1 to 10.
    hemisphere : str
        ``N`` or ``S``.
    west, south, east, north : fractions.Fraction
        The borders; west and south are negative in their hemispheres. ``float(cell.west)`` is the
        nearest float.
    """

    code: str
    level: int
    hemisphere: str
    west: Fraction
    south: Fraction
    east: Fraction
    north: Fraction

    @property
    def width_deg(self) -> Fraction:
        """Extent in longitude."""
        return self.east - self.west

    @property
    def height_deg(self) -> Fraction:
        """Extent in latitude."""
        return self.north - self.south

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north as the nearest floats."""
        return float(self.west), float(self.south), float(self.east), float(self.north)

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the middle, as the nearest floats."""
        return float((self.west + self.east) / 2), float((self.south + self.north) / 2)


def encode(lng: float | str | Decimal | Fraction, lat: float | str | Decimal | Fraction, level: int) -> str:
    """Return the code of the cell that holds a point.

    A point on a border belongs to the cell farther from the equator or the prime meridian. Points
    on the equator are northern, points on the prime meridian eastern, ``-0.0`` included. The outer
    borders have no cell beyond and belong to the last one: longitude 180 to zone 60, -180 to zone 01,
    latitude 88 and -88 to band V.

    Parameters
    ----------
    lng, lat : float, int, str, Decimal or Fraction
        Degrees in CGCS2000, exact: a float counts as the binary fraction it is, a text as the decimal
        it shows.
    level : int
        1 (6° by 4°) to 10 (1/2048″).

    Raises
    ------
    ArgumentError
        The level is not 1 to 10, a coordinate is no finite number or out of range, or the latitude is
        beyond 88 degrees.

    Examples
    --------
    >>> from fractions import Fraction
    >>> encode(116 + Fraction("18.75") / 60, 40 - Fraction(1, 100), 4)
    'N50J47539'
    """
    levels = _levels()
    if not isinstance(level, int) or not 1 <= level <= len(levels):
        raise ArgumentError(f"There is no level {level!r} of the BeiDou grid.", hint="Levels: 1 to 10.")
    x, y = _degrees("longitude", lng, 180), _degrees("latitude", lat, 90)
    if abs(y) > _POLAR:
        raise ArgumentError(
            f"Latitude {lat} is beyond 88 degrees: the polar scheme is not supported.",
            hint="GB/T 39409-2020 has a scheme of its own there.",
        )
    east, north = x >= 0, y >= 0
    rest_x, rest_y = abs(x), abs(y)
    code = "N" if north else "S"
    for number, step in enumerate(levels[:level]):
        # min: on the outer borders (180°, 88°) there is no next cell.
        i = min(int(rest_x // step.lng_size), (_ZONES_PER_HALF if number == 0 else step.lng_parts) - 1)
        j = min(int(rest_y // step.lat_size), step.lat_parts - 1)
        rest_x -= i * step.lng_size
        rest_y -= j * step.lat_size
        if number == 0:
            zone = _ZONES_PER_HALF + 1 + i if east else _ZONES_PER_HALF - i
            code += f"{zone:02d}{_BANDS[j]}"
        elif step.characters == 1:
            code += _DIGITS[j * step.lng_parts + i]
        else:
            code += _DIGITS[i] + _DIGITS[j]
    return code


def _degrees(what: str, value: float | str | Decimal | Fraction, limit: int) -> Fraction:
    try:
        degrees = Fraction(value)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError) as error:
        raise ArgumentError(
            f"The {what} {value!r} is no finite number.", hint="Give decimal degrees, like 116.397428."
        ) from error
    if abs(degrees) > limit:
        raise ArgumentError(
            f"The {what} {value} is out of range.",
            hint=f"It runs from -{limit} to {limit}; longitude comes first.",
        )
    return degrees


def decode(code: str) -> BeidouCell:
    """Return the cell a code names.

    Parameters
    ----------
    code : str
        4 to 20 characters; small letters are read as capitals.

    Raises
    ------
    CodeError
        A character is not possible at its place, missing or too many; ``position`` names it.

    Examples
    --------
    >>> decode("S30A").bounds
    (-6.0, -4.0, 0.0, 0.0)
    """
    text = code.strip().upper()
    levels = [step for step in _levels() if step.length - step.characters < len(text)] or [_levels()[0]]
    if text[:1] not in ("N", "S"):
        raise _wrong(text, 1, "NS")
    east, i, j = _first_level(text)
    x, y = i * levels[0].lng_size, j * levels[0].lat_size
    for step in levels[1:]:
        start = step.length - step.characters
        if step.characters == 1:
            j, i = divmod(_digit(text, start, step.lng_parts * step.lat_parts), step.lng_parts)
        else:
            i, j = _digit(text, start, step.lng_parts), _digit(text, start + 1, step.lat_parts)
        x += i * step.lng_size
        y += j * step.lat_size
    last = levels[-1]
    if len(text) > last.length:
        raise CodeError(
            f"The BeiDou code {text!r} has {len(text)} characters.",
            hint=f"The longest, of level {len(levels)}, has {last.length}.",
            position=last.length + 1,
        )
    west, east_border = (x, x + last.lng_size) if east else (-x - last.lng_size, -x)
    south, north_border = (y, y + last.lat_size) if text[0] == "N" else (-y - last.lat_size, -y)
    return BeidouCell(text, len(levels), text[0], west, south, east_border, north_border)


def _first_level(text: str) -> tuple[bool, int, int]:
    """Read zone and band: whether it lies east, and the steps from the prime meridian and the equator."""
    tens = _digit(text, 1, 7)
    zone = 10 * tens + _digit(text, 2, 10)
    if not 1 <= zone <= 2 * _ZONES_PER_HALF:
        raise CodeError(
            f"The BeiDou code {text!r} has zone {zone:02d}; zones run from 01 to 60.",
            position=3,
        )
    band = text[3:4]
    if not band or band not in _BANDS:
        raise _wrong(text, 4, _BANDS)
    east = zone > _ZONES_PER_HALF
    return east, (zone - _ZONES_PER_HALF - 1 if east else _ZONES_PER_HALF - zone), _BANDS.index(band)


def _digit(text: str, index: int, parts: int) -> int:
    possible = _DIGITS[:parts]
    character = text[index : index + 1]
    if not character or character not in possible:
        raise _wrong(text, index + 1, possible)
    return possible.index(character)


def _wrong(text: str, position: int, possible: str) -> CodeError:
    found = repr(text[position - 1]) if len(text) >= position else "nothing"
    return CodeError(
        f"The BeiDou code {text!r} has {found} at position {position}.",
        hint=f"Possible there: {possible[0]} {'or' if len(possible) == 2 else 'to'} {possible[-1]}.",
        position=position,
    )
