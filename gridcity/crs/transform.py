"""Coordinates brought to longitude and latitude, and back.

Inside a family that agrees to centimetres (WGS 84 and CGCS2000) only projections are undone; every
other change of datum is an operation of PROJ to WGS 84, with ``allow_ballpark=False``. GCJ-02 and
BD-09 go through their own formulas.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from gridcity.crs.datums import bd09_to_wgs84, gcj02_to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from gridcity.crs.systems import SHIFTED, ReferenceSystem, parsed
from gridcity.errors import ArgumentError, ReferenceSystemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    from pyproj import Transformer

Coordinate = TypeVar("Coordinate", float, "npt.NDArray[np.float64]")

_STORED = (4490, 4326)
_UNSHIFT = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}
_SHIFT = {"gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}
_SAMPLE = 10_001


def to_lnglat(
    x: Coordinate, y: Coordinate, system: ReferenceSystem, *, stored: int = 4490, where: str = ""
) -> tuple[Coordinate, Coordinate]:
    """Return longitude and latitude in the stored system.

    Parameters
    ----------
    x, y : float or ndarray of float
        East and north, or longitude and latitude, in `system`; arrays of one shape.
    system : ReferenceSystem
        What the numbers are.
    stored : {4490, 4326}
        What they become: CGCS2000 in China, WGS 84 elsewhere. The two agree to centimetres and pass
        for one another unchanged.
    where : str, optional
        The name of the source, for messages.

    Returns
    -------
    tuple
        Longitude and latitude in degrees, of the same kind and shape; for degrees that need no change
        the arrays given. A position with a coordinate that is not finite becomes NaN, NaN; in arrays so
        does one that has no place in the system.

    Raises
    ------
    ReferenceSystemError
        PROJ has no operation better than ballpark; the eastings carry another zone than the system
        declares, or none, or the degrees are metres (decided by the median); a single position has no
        place in the system.
    ArgumentError
        `stored` is neither 4490 nor 4326.

    Examples
    --------
    >>> from gridcity.crs import reference_system
    >>> lng, lat = to_lnglat(448475.815, 4419624.325, reference_system(4548))
    >>> f"{lng:.6f} {lat:.6f}"
    '116.397428 39.909230'
    """
    _check_stored(stored)
    if isinstance(x, (int, float)) and isinstance(y, (int, float)):
        return _one_to_lnglat(float(x), float(y), system, where)
    return _arrays_to_lnglat(x, y, system, where)


def from_lnglat(
    lng: Coordinate, lat: Coordinate, system: ReferenceSystem, *, stored: int = 4490, where: str = ""
) -> tuple[Coordinate, Coordinate]:
    """Return coordinates of the stored system in another one: the way back of `to_lnglat`.

    Parameters
    ----------
    lng, lat : float or ndarray of float
        Degrees in the stored system; arrays of one shape.
    system : ReferenceSystem
        What the numbers become.
    stored : {4490, 4326}
        What they are.
    where : str, optional
        The name of the target, for messages.

    Returns
    -------
    tuple
        East and north, or longitude and latitude, of the same kind and shape.

    Raises
    ------
    ReferenceSystemError
        PROJ has no operation better than ballpark, or a single position has no place in the system.
    ArgumentError
        `stored` is neither 4490 nor 4326.
    """
    _check_stored(stored)
    if system.datum in SHIFTED:
        return _SHIFT[system.datum](lng, lat)
    if system.epsg in _STORED:
        return lng, lat
    x, y = _float_arrays(lng, lat)
    east, north = _through_proj(x, y, _transformer(system, back=True, where=where))
    if isinstance(lng, (int, float)) and isinstance(lat, (int, float)):
        _refuse_lost(x, y, east, system, where)
        return float(east), float(north)
    return east, north


def geometries_to_lnglat(
    geometries: Sequence[Any] | npt.NDArray[np.object_],
    system: ReferenceSystem,
    *,
    stored: int = 4490,
    where: str = "",
) -> npt.NDArray[np.object_]:
    """Return geometries in longitude and latitude, in two dimensions.

    Parameters
    ----------
    geometries : sequence of shapely geometries or None
        In `system`.
    system, stored, where
        As for `to_lnglat`.

    Returns
    -------
    ndarray of object
        As many geometries, in the same order. None stays None. A geometry with a coordinate that is
        not finite comes back as it was: a ring through NaN cannot be built, and such a row is rejected
        by its own rule. One with a position that has no place in the system becomes a point of NaN.

    Raises
    ------
    ReferenceSystemError, ArgumentError
        As for `to_lnglat`; and where most positions have no place in the system.
    """
    import numpy
    import shapely

    _check_stored(stored)
    flat = numpy.array(geometries, dtype=object)
    if (shapely.get_coordinate_dimension(flat) > 2).any():
        flat = shapely.force_2d(flat)
    coordinates, owners = shapely.get_coordinates(flat, return_index=True)
    sound = numpy.ones(len(flat), dtype=bool)
    sound[owners[~numpy.isfinite(coordinates).all(axis=1)]] = False
    if not sound.all():
        keep = numpy.flatnonzero(sound)
        coordinates, owners = shapely.get_coordinates(flat[keep], return_index=True)
        owners = keep[owners]
    moved = numpy.empty_like(coordinates)
    x, y = numpy.ascontiguousarray(coordinates[:, 0]), numpy.ascontiguousarray(coordinates[:, 1])
    moved[:, 0], moved[:, 1] = _arrays_to_lnglat(x, y, system, where)
    _refuse_lost(x, y, moved[:, 0], system, where)
    # -0.0 and 0.0 are one place and must have one text.
    moved += 0.0
    lost = numpy.isnan(moved[:, 0])
    nowhere = numpy.unique(owners[lost])
    # What cannot be built through NaN keeps its old numbers for a moment and is replaced.
    moved[lost] = coordinates[lost]
    flat[sound] = shapely.set_coordinates(flat[sound], moved)
    flat[nowhere] = shapely.points(numpy.nan, numpy.nan)
    return flat


def _check_stored(stored: int) -> None:
    if stored not in _STORED:
        raise ArgumentError(
            f"a city stores EPSG:4490 or EPSG:4326, not EPSG:{stored}",
            hint="Give stored=4490 for a Chinese city, stored=4326 elsewhere.",
        )


def _one_to_lnglat(x: float, y: float, system: ReferenceSystem, where: str) -> tuple[float, float]:
    if not (math.isfinite(x) and math.isfinite(y)):
        return math.nan, math.nan
    if system.geographic:
        _refuse_metres(x, y, system, where)
    if system.datum in SHIFTED:
        return _UNSHIFT[system.datum](x, y)
    if system.epsg in _STORED:
        return x, y
    lng, lat = _arrays_to_lnglat(x, y, system, where)
    _refuse_lost(x, y, lng, system, where)
    return float(lng), float(lat)


def _arrays_to_lnglat(x: Any, y: Any, system: ReferenceSystem, where: str) -> tuple[Any, Any]:
    x, y = _float_arrays(x, y)
    if system.geographic:
        _refuse_metres(median_of(x), median_of(y), system, where)
    else:
        _refuse_zone(median_of(x), system, where)
    if system.datum in SHIFTED:
        return _UNSHIFT[system.datum](x, y)
    if system.epsg in _STORED:
        return x, y
    return _through_proj(x, y, _transformer(system, back=False, where=where))


def _float_arrays(x: Any, y: Any) -> tuple[Any, Any]:
    import numpy

    return numpy.asarray(x, dtype=numpy.float64), numpy.asarray(y, dtype=numpy.float64)


def _through_proj(x: Any, y: Any, transformer: Transformer) -> tuple[Any, Any]:
    """Transform arrays; PROJ answers inf where there is no answer, and inf must not pass for one."""
    import numpy

    to_x, to_y = (numpy.asarray(part) for part in transformer.transform(x, y))
    placed = numpy.isfinite(x) & numpy.isfinite(y) & numpy.isfinite(to_x) & numpy.isfinite(to_y)
    return numpy.where(placed, to_x, numpy.nan), numpy.where(placed, to_y, numpy.nan)


def _refuse_lost(x: Any, y: Any, moved: Any, system: ReferenceSystem, where: str) -> None:
    """Refuse numbers most of which have no place in the system: it is not the one they are in."""
    import numpy

    finite = numpy.atleast_1d(numpy.isfinite(x) & numpy.isfinite(y))
    lost = numpy.flatnonzero(finite & numpy.atleast_1d(numpy.isnan(moved)))
    if 2 * len(lost) > finite.sum():
        first = int(lost[0])
        raise ReferenceSystemError(
            f"{_at(where)}({numpy.atleast_1d(x)[first]!s}, {numpy.atleast_1d(y)[first]!s}) has no place in "
            f"{system.name}; {len(lost)} of {finite.sum()} positions have none",
            hint="Check that the reference system is the one the numbers are in (--crs).",
        )


@lru_cache(maxsize=32)
def _proj_transformer(wkt: str, hub: int, back: bool) -> Transformer:
    from pyproj import CRS, Transformer

    ends = (parsed(wkt), CRS.from_epsg(hub))
    source, target = reversed(ends) if back else ends
    return Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False)


def _transformer(system: ReferenceSystem, *, back: bool, where: str) -> Transformer:
    """Return the operation between a system and its hub: EPSG:4490 for CGCS2000, EPSG:4326 for others."""
    from pyproj.exceptions import ProjError

    hub = 4490 if system.datum == "cgcs2000" else 4326
    try:
        return _proj_transformer(system.wkt, hub, back)
    except ProjError as error:
        raise ReferenceSystemError(
            f"{_at(where)}{system.name} (datum {system.datum!r}) cannot be brought to longitude and "
            f"latitude: PROJ has no operation better than ballpark ({error})",
            hint="Declare what the numbers are with --crs; where only the datum is missing, add --datum.",
        ) from error


def median_of(values: Any) -> float:
    """Return the median of the finite values, one of them, from an even sample where there are many.

    NaN where there is none.
    """
    import numpy

    flat = values.reshape(-1)
    flat = flat[:: max(1, flat.size // _SAMPLE)]
    finite = flat[numpy.isfinite(flat)]
    return float(numpy.percentile(finite, 50, method="lower")) if finite.size else math.nan


def _refuse_metres(x: float, y: float, system: ReferenceSystem, where: str) -> None:
    """Refuse degrees in the thousands; swapped axes stay below 360 and are a finding of each point."""
    if math.isnan(x) or (abs(x) <= 360 and abs(y) <= 360):
        return
    raise ReferenceSystemError(
        f"{_at(where)}declared {system.name}, but numbers such as ({x:,.1f}, {y:,.1f}) are no degrees",
        hint="Declare the projected system they are in with --crs.",
        code="E_COORD_RANGE",
    )


def _refuse_zone(easting: float, system: ReferenceSystem, where: str) -> None:
    """Refuse eastings of 8 digits, which carry their zone, for a system of 6, and the reverse."""
    declared = _zone(_false_easting(system))
    if declared is None or math.isnan(easting):
        return
    carried = _zone(easting)
    if carried is None or carried == declared:
        return
    pair = gauss_kruger_codes(carried or declared) if system.datum == "cgcs2000" else None
    if pair is None:
        hint = "Declare the system that the eastings are in with --crs."
    else:
        hint = f"Declare EPSG:{pair[0] if carried else pair[1]} with --crs."
    raise ReferenceSystemError(
        f"{_at(where)}declared {system.name}, but eastings such as {easting:,.0f} carry "
        f"{f'zone {carried}' if carried else 'no zone'}",
        hint=hint,
        code="E_ZONE",
    )


def gauss_kruger_codes(zone: int) -> tuple[int, int] | None:
    """Return the EPSG codes of a Gauss-Krüger zone of CGCS2000: with the zone in the easting, without.

    Zones 25-45 are 3 degrees wide, zones 13-23 are 6 degrees wide; others do not exist (None).

    Examples
    --------
    >>> gauss_kruger_codes(39)
    (4527, 4548)
    """
    if 25 <= zone <= 45:
        return 4488 + zone, 4509 + zone
    return (4478 + zone, 4489 + zone) if 13 <= zone <= 23 else None


def _zone(easting: float | None) -> int | None:
    """Return the zone in an easting of 8 digits, 0 in a shorter one, None where there is no telling."""
    if easting is None or easting >= 1e8:
        return None
    return int(easting // 1e6) if easting >= 1e7 else 0


@lru_cache(maxsize=64)
def _false_easting(system: ReferenceSystem) -> float | None:
    """Return the false easting of a transverse Mercator system, None for other projections."""
    crs = parsed(system.wkt)
    if crs.is_bound and crs.source_crs is not None:
        crs = crs.source_crs
    operation = crs.coordinate_operation
    if operation is None or not operation.method_name.startswith(("Transverse Mercator", "Gauss")):
        return None
    return next((float(p.value) for p in operation.params if p.name.casefold() == "false easting"), None)


def _at(where: str) -> str:
    return f"{where}: " if where else ""
