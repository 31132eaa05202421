"""The shifted datums of Chinese web maps, and the length of a degree.

GCJ-02 (AMap, Tencent, Google in China) and BD-09 (Baidu) are longitudes and latitudes that have been
shifted by a few hundred metres. The formulas are not published officially; they are the ones that
every open implementation shares, and apply inside a rectangle around China
(72.004-137.8347 E, 0.8293-55.8271 N) that also covers Seoul and Kathmandu. A point outside the
rectangle is returned unchanged, and so is NaN.

CGCS2000 counts as WGS 84 here: the two agree to centimetres.

One formula serves floats (through `math`) and arrays (through `numpy`); arrays are worked in chunks,
so that ten million points need no more room than their result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Degrees = TypeVar("Degrees", float, "npt.NDArray[np.float64]")

_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
_A = 6378245.0  # Krasovsky's ellipsoid, which the public formula is built on
_EE = 0.006693421622965823
_BD_TURN = math.pi * 3000.0 / 180.0
_BD_LNG, _BD_LAT = 0.0065, 0.006
_GCJ_STEPS = 6  # leaves 0.01 µm, and 0.6 µm along 105 E, where the formula has a root; four leave 5 µm
_BD_STEPS = 5  # leaves 0.01 µm; four leave 0.15 µm
_CHUNK = 262_144

_A_GRS80 = 6378137.0
_E2_GRS80 = (2.0 - 1.0 / 298.257222101) / 298.257222101

# Degrees that no shift near the rectangle exceeds: farther away no origin can lie inside.
_REACH = 0.1
# Formulas take the module that has sin, cos and sqrt: math for floats, numpy for arrays.
_Formula = Callable[[ModuleType, Any, Any], tuple[Any, Any]]


def wgs84_to_gcj02(lng: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Shift WGS 84 or CGCS2000 to GCJ-02.

    Parameters
    ----------
    lng, lat : float or ndarray of float
        Degrees; arrays of one shape.

    Returns
    -------
    tuple
        Longitude and latitude in GCJ-02, of the same kind and shape.

    Examples
    --------
    >>> lng, lat = wgs84_to_gcj02(116.397428, 39.90923)
    >>> f"{lng:.8f} {lat:.8f}"
    '116.40367163 39.91063351'
    """
    return _apply(_to_gcj, lng, lat)


def gcj02_to_wgs84(lng: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Shift GCJ-02 back to WGS 84, to less than a micrometre.

    The way back has no closed form; six steps of a fixed-point iteration leave 0.01 µm,
    and up to 0.6 µm within a metre of the meridian 105 E.
    Within a kilometre of the rectangle's edge a position can have two origins, of which the one inside is
    meant, or none, and then it is returned as it is.

    Parameters
    ----------
    lng, lat : float or ndarray of float
        Degrees; arrays of one shape.

    Returns
    -------
    tuple
        Longitude and latitude in WGS 84 (or CGCS2000), of the same kind and shape.
    """
    return _apply(_from_gcj, lng, lat, back=True)


def gcj02_to_bd09(lng: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Shift GCJ-02 on to BD-09; parameters and result as in `wgs84_to_gcj02`.

    Examples
    --------
    >>> lng, lat = gcj02_to_bd09(116.4036716, 39.9106335)
    >>> f"{lng:.6f} {lat:.6f}"
    '116.410044 39.916973'
    """
    return _apply(_to_bd, lng, lat)


def bd09_to_gcj02(lng: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Shift BD-09 back to GCJ-02, to less than a micrometre; as in `gcj02_to_wgs84`."""
    return _apply(_from_bd, lng, lat, back=True)


def wgs84_to_bd09(lng: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Shift WGS 84 or CGCS2000 to BD-09, by way of GCJ-02."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lng, lat))


def bd09_to_wgs84(lng: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Shift BD-09 back to WGS 84, by way of GCJ-02."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lng, lat))


def metres_per_degree(lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return the length of one degree of longitude and of latitude at a latitude.

    From the radii of curvature of the CGCS2000 ellipsoid (GRS 80) in the prime vertical, N, and in
    the meridian, M. A distance of up to 500 m measured with the lengths at one of its ends differs
    from the geodesic by less than 3 parts in 100,000 up to 60 degrees of latitude (1.5 cm in 500 m),
    and by less than 1.3 in 100,000 at 40 degrees.

    Parameters
    ----------
    lat : float or ndarray of float
        Degrees.

    Returns
    -------
    tuple
        Metres per degree of longitude, metres per degree of latitude.

    Examples
    --------
    >>> lng_m, lat_m = metres_per_degree(40.0)
    >>> f"{lng_m:.1f} {lat_m:.1f}"
    '85393.9 111034.6'
    """
    m: Any = math
    if not isinstance(lat, (int, float)):
        import numpy

        m = numpy
    radians = lat * (math.pi / 180.0)
    sine = m.sin(radians)
    root = m.sqrt(1.0 - _E2_GRS80 * sine * sine)
    prime_vertical_m = _A_GRS80 / root
    meridian_m = _A_GRS80 * (1.0 - _E2_GRS80) / (root * root * root)
    return prime_vertical_m * m.cos(radians) * (math.pi / 180.0), meridian_m * (math.pi / 180.0)


def _inside(x: Any, y: Any, margin: float = 0.0) -> Any:
    east_west = (x >= _WEST - margin) & (x <= _EAST + margin)
    return east_west & (y >= _SOUTH - margin) & (y <= _NORTH + margin)


def _shifted(formula: _Formula, m: ModuleType, x: Any, y: Any, *, back: bool) -> tuple[Any, Any, Any]:
    """Return what a formula makes of positions, and which of them it holds for.

    It holds for origins inside the rectangle: forth the origin is the position itself, back it is the
    result, for near the edge the shifted position of a point inside lies outside.
    """
    to_x, to_y = formula(m, x, y)
    return to_x, to_y, _inside(to_x, to_y) if back else _inside(x, y)


def _apply(formula: _Formula, lng: Any, lat: Any, *, back: bool = False) -> tuple[Any, Any]:
    """Run a formula on the points whose origin lies in the rectangle, one float or an array in chunks."""
    if isinstance(lng, (int, float)) and isinstance(lat, (int, float)):
        x, y = float(lng), float(lat)
        if _inside(x, y, _REACH):
            to_x, to_y, holds = _shifted(formula, math, x, y, back=back)
            return (to_x, to_y) if holds else (x, y)
        return x, y
    import numpy

    xs, ys = (numpy.array(part, dtype=numpy.float64) for part in numpy.broadcast_arrays(lng, lat))
    flat_x, flat_y = xs.reshape(-1), ys.reshape(-1)
    for start in range(0, flat_x.size, _CHUNK):
        part_x, part_y = flat_x[start : start + _CHUNK], flat_y[start : start + _CHUNK]
        at = numpy.flatnonzero(_inside(part_x, part_y, _REACH))
        to_x, to_y, holds = _shifted(formula, numpy, part_x[at], part_y[at], back=back)
        part_x[at[holds]], part_y[at[holds]] = to_x[holds], to_y[holds]
    return xs, ys


def _gcj_offset(m: Any, lng: Any, lat: Any) -> tuple[Any, Any]:
    """Return the shift of GCJ-02 at a WGS 84 position, in degrees."""
    x, y, pi = lng - 105.0, lat - 35.0, math.pi
    root = m.sqrt(abs(x))
    waves = 20.0 * m.sin(6.0 * x * pi) + 20.0 * m.sin(2.0 * x * pi)
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east_m = east_m + (
        waves
        + (20.0 * m.sin(x * pi) + 40.0 * m.sin(x / 3.0 * pi))
        + (150.0 * m.sin(x / 12.0 * pi) + 300.0 * m.sin(x / 30.0 * pi))
    ) * (2.0 / 3.0)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north_m = north_m + (
        waves
        + (20.0 * m.sin(y * pi) + 40.0 * m.sin(y / 3.0 * pi))
        + (160.0 * m.sin(y / 12.0 * pi) + 320.0 * m.sin(y / 30.0 * pi))
    ) * (2.0 / 3.0)
    radians = lat / 180.0 * pi
    sine = m.sin(radians)
    magic = 1.0 - _EE * sine * sine
    root = m.sqrt(magic)
    east = east_m * 180.0 / (_A / root * m.cos(radians) * pi)
    north = north_m * 180.0 / (_A * (1.0 - _EE) / (magic * root) * pi)
    return east, north


def _to_gcj(m: Any, lng: Any, lat: Any) -> tuple[Any, Any]:
    east, north = _gcj_offset(m, lng, lat)
    return lng + east, lat + north


def _from_gcj(m: Any, lng: Any, lat: Any) -> tuple[Any, Any]:
    x, y = lng, lat
    for _ in range(_GCJ_STEPS):
        east, north = _gcj_offset(m, x, y)
        x, y = lng - east, lat - north
    return x, y


def _to_bd(m: Any, lng: Any, lat: Any) -> tuple[Any, Any]:
    """Turn and stretch around the origin; rotating the vector itself spares its polar form."""
    radius = m.sqrt(lng * lng + lat * lat)
    stretch = 1.0 + 2e-5 * m.sin(lat * _BD_TURN) / radius
    turn = 3e-6 * m.cos(lng * _BD_TURN)
    cosine, sine = m.cos(turn), m.sin(turn)
    return (
        stretch * (lng * cosine - lat * sine) + _BD_LNG,
        stretch * (lat * cosine + lng * sine) + _BD_LAT,
    )


def _from_bd(m: Any, lng: Any, lat: Any) -> tuple[Any, Any]:
    x, y = lng - _BD_LNG, lat - _BD_LAT
    for _ in range(_BD_STEPS):
        shifted_x, shifted_y = _to_bd(m, x, y)
        x, y = x + (lng - shifted_x), y + (lat - shifted_y)
    return x, y
