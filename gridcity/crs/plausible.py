"""What numbers without a declaration can mean, and what a declaration must not be taken for.

The ranges are those of China's systems: longitudes 73-136, latitudes 3-54; eastings of eight digits
carry a Gauss-Krüger zone of CGCS2000 (25-45 of 3 degrees, EPSG:4513-4533; 13-23 of 6 degrees,
EPSG:4491-4501); eastings of six digits are counted from a central meridian (EPSG:4534-4554), which the
numbers do not name. A range names candidates and decides nothing: Xian 1980 and Beijing 1954 have the
same numbers as CGCS2000, and GCJ-02 and BD-09 those of WGS 84.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridcity.crs.systems import ReferenceSystem, parsed, reference_system
from gridcity.crs.transform import gauss_kruger_codes, median_of, to_lnglat
from gridcity.errors import ReferenceSystemError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Inside = Callable[[Floats, Floats], npt.NDArray[np.bool_]]

__all__ = ["Candidate", "Guess", "Ranked", "check_coordinates", "guess", "ranked"]

_LNG, _LAT = (73.0, 136.0), (3.0, 54.0)
_NORTHING_M = (1_000_000.0, 6_000_000.0)  # seven digits: latitudes 9-54, all of China's cities
_EASTING_M = (100_000.0, 1_000_000.0)  # six digits: 500,000 at the central meridian
_MERCATOR_X, _MERCATOR_Y = (8.12e6, 15.15e6), (3.3e5, 7.2e6)  # the same degrees in EPSG:3857

# Ours: a swap is certain when nearly all points fall into the city by it and nearly none without it.
# The few others are the strays that every survey has.
_NEARLY_ALL, _NEARLY_NONE = 0.95, 0.05
# Ours: a city may keep the meridian of the next zone, and a zone is 3 or 6 degrees wide.
_BESIDE_DEG = 3.0
# Ours: an even sample of this size tells a share to a percentage point.
_SAMPLE = 10_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that coordinates can be.

    Attributes
    ----------
    crs, datum : str
        What is given with ``--crs`` and ``--datum``; one of the two is empty.
    name, why : str
        For people: what it is, and what speaks for it.
    swapped : bool
        The file has north before east; the numbers are exchanged before they are read.
    """

    crs: str
    datum: str
    name: str
    why: str
    swapped: bool = False

    @property
    def option(self) -> str:
        """The option to type."""
        return f"--crs {self.crs}" if self.crs else f"--datum {self.datum}"

    def to_lnglat(self, x: Floats, y: Floats, *, stored: int = 4490) -> tuple[Floats, Floats]:
        """Return longitude and latitude of coordinates read as this candidate."""
        system = reference_system(self.crs or None, self.datum or None)
        return (
            to_lnglat(y, x, system, stored=stored) if self.swapped else to_lnglat(x, y, system, stored=stored)
        )


@dataclass(frozen=True, slots=True)
class Guess:
    """What coordinates look like.

    Attributes
    ----------
    kind : str
        ``degrees``, ``zone``, ``meridian``, ``mercator``, ``zeros``, ``none`` (no finite number) or
        ``unknown``.
    sentence : str
        What was seen, with an example.
    candidates : tuple of Candidate
        What it can be; empty where the numbers alone cannot say.
    """

    kind: str
    sentence: str
    candidates: tuple[Candidate, ...] = ()

    def __str__(self) -> str:
        """Return sentence and options, for a refusal."""
        if not self.candidates:
            return self.sentence
        offered = "; ".join(f"{candidate.option} ({candidate.name})" for candidate in self.candidates)
        return f"{self.sentence} Possible: {offered}."


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate and the share of the points that lie in the city under it."""

    candidate: Candidate
    share: float


def guess(x: Floats, y: Floats, city: tuple[float, float] | None = None) -> Guess:
    """Return what coordinates can be, judged by their medians.

    Parameters
    ----------
    x, y : float arrays
        First and second coordinate, as the file has them.
    city : (float, float), optional
        Longitude and latitude of a point of the city; it names the meridians that eastings of six
        digits can be counted from.

    Examples
    --------
    >>> import numpy as np
    >>> found = guess(np.array([39_448_475.8]), np.array([4_419_624.3]))
    >>> found.kind, found.candidates[0].option
    ('zone', '--crs EPSG:4527')
    """
    import numpy

    x, y = _sampled(x, y)
    finite = numpy.isfinite(x) & numpy.isfinite(y)
    if not finite.any():
        return Guess("none", "No row has finite coordinates.")
    if not (x[finite].any() or y[finite].any()):
        return Guess("zeros", "All points lie at (0, 0): the coordinates were not filled in.")
    mx, my = median_of(x), median_of(y)
    found = _looks(mx, my, city)
    if found is None and (turned := _looks(my, mx, city)) is not None and turned.kind != "mercator":
        candidates = tuple(
            Candidate(c.crs, c.datum, f"{c.name}, north before east", c.why, swapped=True)
            for c in turned.candidates
        )
        return Guess(
            turned.kind,
            f"Numbers such as ({_shown(mx)}, {_shown(my)}) have north before east. {turned.sentence}",
            candidates,
        )
    if found is not None:
        return found
    return Guess(
        "unknown",
        f"Numbers such as ({_shown(mx)}, {_shown(my)}) were found. {_UNKNOWN}",
    )


def ranked(candidates: tuple[Candidate, ...], x: Floats, y: Floats, inside: Inside) -> tuple[Ranked, ...]:
    """Return candidates by the share of the points that lie in the city, best first.

    Parameters
    ----------
    candidates : tuple of Candidate
        Equal shares keep their order: a tie is no decision.
    x, y : float arrays
        As the file has them; more than 10,000 points are sampled evenly.
    inside : callable
        Takes longitudes and latitudes in degrees and returns which of them lie in the city.
    """
    x, y = _sampled(x, y)
    shares = []
    for candidate in candidates:
        try:
            lng, lat = candidate.to_lnglat(x, y)
        except ReferenceSystemError:
            shares.append(Ranked(candidate, 0.0))
            continue
        shares.append(Ranked(candidate, float(inside(lng, lat).mean()) if len(x) else 0.0))
    return tuple(sorted(shares, key=lambda one: -one.share))


def check_coordinates(
    x: Floats,
    y: Floats,
    system: ReferenceSystem,
    box: tuple[float, float, float, float] | None = None,
    *,
    where: str = "",
) -> None:
    """Refuse coordinates of a whole layer that are not what their reference system says.

    Nothing is ever exchanged or shifted by itself.

    Parameters
    ----------
    x, y : float arrays
        As the file has them, not yet transformed; of more than 10,000 an even sample is looked at.
    system : ReferenceSystem
        The declared one.
    box : (west, south, east, north), optional
        The city's extent in degrees of longitude and latitude.
    where : str, optional
        The name of the source, for messages.

    Raises
    ------
    ReferenceSystemError
        All points lie at (0, 0) (``E_COORD_ZERO``); by exchanging the two numbers at least 95 % of the
        points come to lie in the city and without it less than 5 %, or the numbers can only be degrees
        or CGCS2000 metres the other way round (``E_COORD_SWAPPED``); projected numbers lie far from
        where their system holds (``E_COORD_LOCAL``). The shares are ours.

    Examples
    --------
    >>> import numpy as np
    >>> check_coordinates(np.zeros(3), np.zeros(3), reference_system(4490), where="a.shp")
    Traceback (most recent call last):
    gridcity.errors.ReferenceSystemError: a.shp: all 3 points lie at (0, 0). Locate the objects and ...
    """
    import numpy

    prefix = f"{where}: " if where else ""
    finite = numpy.isfinite(x) & numpy.isfinite(y)
    n = int(finite.sum())
    if not n:
        return
    if not (x[finite].any() or y[finite].any()):
        raise ReferenceSystemError(
            f"{prefix}all {n:,} points lie at (0, 0)",
            hint="Locate the objects and deliver the file again.",
            code="E_COORD_ZERO",
        )
    x, y = _sampled(x[finite], y[finite])
    here = _share_in(box, x, y, system) if box else 0.0
    if here >= _NEARLY_NONE:
        return
    there = _share_in(box, y, x, system) if box else 0.0
    if there >= _NEARLY_ALL or _only_swapped(x, y, system):
        proof = (
            f"exchanged, {there:.0%} of the points lie in the city, as they are {here:.0%}"
            if there >= _NEARLY_ALL
            else f"numbers such as ({_shown(median_of(x))}, {_shown(median_of(y))}) have north before east"
        )
        raise ReferenceSystemError(
            f"{prefix}the coordinates are swapped under {system.name}: {proof}",
            hint="In a text table name the columns the right way round with --x (east) and --y (north); "
            "in other formats exchange the two in a GIS and deliver the file again.",
            code="E_COORD_SWAPPED",
        )
    _refuse_far(median_of(x), median_of(y), system, prefix)


def _looks(x: float, y: float, city: tuple[float, float] | None) -> Guess | None:
    """Return what a pair of numbers, east before north, looks like; None for nothing known."""
    shown = f"Numbers such as ({_shown(x)}, {_shown(y)})"
    if _within(x, _LNG) and _within(y, _LAT):
        return Guess("degrees", f"{shown} are degrees in China; the range cannot tell the datum.", _DEGREES)
    if abs(x) <= 180 and abs(y) <= 90 and not (_within(x, _LAT) and _within(y, _LNG)):
        return Guess("degrees", f"{shown} look like degrees outside China.", _DEGREES_ELSEWHERE)
    mercator = _within(x, _MERCATOR_X) and _within(y, _MERCATOR_Y)
    zone = gauss_kruger_codes(int(x // 1e6)) if 1e7 <= x < 1e8 and _within(y, _NORTHING_M) else None
    if zone:
        found = _zone_candidate(int(x // 1e6), zone[0])
        also = (_MERCATOR,) if mercator else ()
        return Guess("zone", f"{shown} begin with the zone {int(x // 1e6)}.", (found, *also))
    if mercator:
        return Guess("mercator", f"{shown} are metres of a web map in China.", (_MERCATOR,))
    if _within(x, _EASTING_M) and _within(y, _NORTHING_M):
        return Guess("meridian", f"{shown} {_NO_ZONE}", _meridian_candidates(city) if city else ())
    return None


_NO_ZONE = (
    "are metres from a central meridian that they do not name (EPSG:4534 for 75 E, EPSG:4535 for 78 E, "
    "and so on by 3 degrees to EPSG:4554 for 135 E; or UTM): the one of the city must be declared."
)
_UNKNOWN = (
    "They fit no national system of China: they are a local system, whose keeper must say what they mean, "
    "or a system elsewhere, which must be declared with --crs."
)
_LOCAL = " Its keeper must bring a local system to CGCS2000."
_DEGREES = (
    Candidate("EPSG:4490", "", "CGCS2000; WGS 84, EPSG:4326, is the same to centimetres", "degrees in China"),
    Candidate("", "gcj02", "GCJ-02, web maps and phones", "degrees in China"),
    Candidate("", "bd09", "BD-09, Baidu", "degrees in China"),
)
_DEGREES_ELSEWHERE = (Candidate("EPSG:4326", "", "WGS 84", "degrees outside China"),)
_MERCATOR = Candidate("EPSG:3857", "", "Web Mercator", "the metres of web maps")


def _zone_candidate(zone: int, epsg: int) -> Candidate:
    width = 3 if zone >= 25 else 6
    name = f"CGCS2000, {width}-degree zone {zone}"
    return Candidate(f"EPSG:{epsg}", "", name, f"the eastings begin with {zone}")


def _meridian_candidates(city: tuple[float, float]) -> tuple[Candidate, ...]:
    """Return the systems without a zone in the easting whose meridian is the city's or the next."""
    found = []
    meridians = [meridian for meridian in range(75, 136, 3) if abs(meridian - city[0]) <= _BESIDE_DEG]
    for meridian in sorted(meridians, key=lambda one: abs(one - city[0])):
        epsg = 4509 + meridian // 3
        # Every central meridian of the zones of 6 degrees is one of those of 3 degrees, with equal numbers.
        six = (
            f"; the same numbers as EPSG:{4489 + (meridian + 3) // 6}, 6-degree" if meridian % 6 == 3 else ""
        )
        name = f"CGCS2000, 3-degree, central meridian {meridian} E{six}"
        found.append(Candidate(f"EPSG:{epsg}", "", name, "eastings without a zone"))
        if meridian % 6 == 3:
            zone = (meridian + 183) // 6
            found.append(
                Candidate(f"EPSG:{32600 + zone}", "", f"WGS 84, UTM zone {zone}N", "eastings of UTM")
            )
    return tuple(found)


def _only_swapped(x: Floats, y: Floats, system: ReferenceSystem) -> bool:
    """Tell whether numbers have a meaning in the system only with north before east."""
    mx, my = median_of(x), median_of(y)
    if system.geographic:
        return abs(mx) <= 90 < abs(my) <= 180
    if system.datum != "cgcs2000" or _looks(mx, my, None) is not None:
        return False
    turned = _looks(my, mx, None)
    return turned is not None and turned.kind in ("zone", "meridian")


def _share_in(
    box: tuple[float, float, float, float] | None, x: Floats, y: Floats, system: ReferenceSystem
) -> float:
    """Return the share of points inside a box; 0 where the system cannot take the numbers."""
    if box is None:
        return 0.0
    west, south, east, north = box
    try:
        lng, lat = to_lnglat(x, y, system)
    except ReferenceSystemError:
        return 0.0
    return float(((lng >= west) & (lng <= east) & (lat >= south) & (lat <= north)).mean())


def _refuse_far(x: float, y: float, system: ReferenceSystem, prefix: str) -> None:
    """Refuse projected numbers that lie more than a zone away from where their system holds."""
    if system.geographic:
        return
    area = parsed(system.wkt if system.epsg is None else f"EPSG:{system.epsg}").area_of_use
    if area is None:
        return
    lng, lat = to_lnglat(x, y, system, where=prefix.removesuffix(": "))
    beside = (
        area.west - _BESIDE_DEG <= lng <= area.east + _BESIDE_DEG
        and area.south - _BESIDE_DEG <= lat <= area.north + _BESIDE_DEG
    )
    # Systems on both sides of 180 degrees have their west in the east.
    if beside or area.west > area.east:
        return
    raise ReferenceSystemError(
        f"{prefix}declared {system.name}, but numbers such as ({_shown(x)}, {_shown(y)}) would lie at "
        f"{lng:.2f} {lat:.2f}, far from where that system holds "
        f"({area.west:.1f} to {area.east:.1f} E, {area.south:.1f} to {area.north:.1f} N)",
        # Degrees are no local system.
        hint=f"{_looks(x, y, None) or _UNKNOWN}{_LOCAL if max(abs(x), abs(y)) > 360 else ''}",
        code="E_COORD_LOCAL",
    )


def _sampled(x: Any, y: Any) -> tuple[Floats, Floats]:
    """Return an even sample of points."""
    import numpy

    x, y = numpy.asarray(x, dtype=numpy.float64), numpy.asarray(y, dtype=numpy.float64)
    step = max(1, -(-len(x) // _SAMPLE))
    return x[::step], y[::step]


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _shown(value: float) -> str:
    return f"{value:.6f}" if abs(value) <= 360 else f"{value:,.1f}"
