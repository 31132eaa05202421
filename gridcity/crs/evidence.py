"""Whether points lie where their file says, or where they would lie in another datum.

GCJ-02 lies 20-720 m from WGS 84 (430 m in the median over China), BD-09 farther. No range tells them
apart; a place that is known otherwise does: the cell that the row names, the component that has its
code, or at least the city.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridcity.crs.datums import (
    bd09_to_wgs84,
    gcj02_to_wgs84,
    metres_per_degree,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from gridcity.crs.systems import DATUMS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Shift = Callable[[Floats, Floats], tuple[Floats, Floats]]

__all__ = ["DatumEvidence", "DatumReading", "datum_evidence"]

# Ours: the coarsest class of survey accuracy, 10 m; a point so near to its place counts as in it.
_FITS_M = 10.0
# Ours: fewer points than this may be wrong in their codes by chance.
_FEWEST = 10
# Ours: a tenth of misplaced points is ordinary in a survey whose datum is right.
_ORDINARY = 0.10
# Ours: another datum must leave no more than a quarter of the misfits; noise in the codes stays under
# every datum, a shift of the whole file goes.
_LEFT = 0.25
# Ours: 2,000 points, taken evenly, tell a share to two percentage points.
_SAMPLE = 2_000

_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True, slots=True)
class DatumReading:
    """How points fit their places when their numbers are read in one datum.

    Attributes
    ----------
    datum : str
        A key of `gridcity.crs.DATUMS`, or ``gcj02-twice`` (shifted twice) and ``unshifted`` (WGS 84 from
        which a shift was taken off that it never had), which no option declares.
    name : str
        For people.
    share : float
        Of the points that lie in their place or within 10 m of it (ours).
    distance_m : float
        Median distance of the others to their place; 0 where there are no others.
    """

    datum: str
    name: str
    share: float
    distance_m: float


@dataclass(frozen=True, slots=True)
class DatumEvidence:
    """What known places say about the datum of points.

    Attributes
    ----------
    points : int
        How many were looked at.
    declared : DatumReading
        The numbers as declared.
    others : tuple of DatumReading
        The other hypotheses, best first.
    offset_m : float
        From the middle of its place to each point, the median east and the median north taken together,
        as declared; NaN where all points share one place.
    direction : str
        Of this offset, one of eight points of the compass; empty where all points share one place.
    """

    points: int
    declared: DatumReading
    others: tuple[DatumReading, ...]
    offset_m: float
    direction: str

    @property
    def better(self) -> DatumReading | None:
        """The other datum that explains the points clearly better; None where none does.

        Clearly: as declared at least 10 % do not fit, and by the other datum at most a quarter as many.
        Both limits are ours.
        """
        misfits = 1.0 - self.declared.share
        best = self.others[0]
        return best if misfits >= _ORDINARY and 1.0 - best.share <= _LEFT * misfits else None

    def facts(self) -> dict[str, str]:
        """Return what the finding ``datum-suspect`` says; empty where nothing is suspicious."""
        if self.better is None:
            return {}
        offset = f"; all a median {self.offset_m:.0f} m to the {self.direction}" if self.direction else ""
        return {
            "value": f"{self.declared.share:.0%} of {self.points:,}",
            "declared": self.declared.name,
            "off": f"the others a median {self.declared.distance_m:.0f} m off{offset}",
            "datum": self.better.name,
            "other": f"{self.better.share:.0%}",
        }


def datum_evidence(lng: Floats, lat: Floats, places: Any, *, datum: str = "cgcs2000") -> DatumEvidence | None:
    """Hold points against the places they should lie in, under every datum they may be in.

    Parameters
    ----------
    lng, lat : float arrays
        Degrees as they were brought to the stored system.
    places : array of shapely geometries, or one geometry
        The known right place of each point (a cell, an area, a component), or one place of all (the
        city); in the stored longitude and latitude. None where a point has none.
    datum : str, optional
        The declared datum that they were brought from, `ReferenceSystem.datum`.

    Returns
    -------
    DatumEvidence or None
        None where fewer than 10 points have a place (ours), or none lies where the shifts apply. More
        than 2,000 points are sampled evenly.
    """
    import numpy
    import shapely

    lng, lat = numpy.asarray(lng, dtype=numpy.float64), numpy.asarray(lat, dtype=numpy.float64)
    single = isinstance(places, shapely.Geometry)
    places = numpy.asarray(places, dtype=object)
    known = (
        numpy.isfinite(lng) & numpy.isfinite(lat) & ~(shapely.is_missing(places) | shapely.is_empty(places))
    )
    at = numpy.flatnonzero(known)
    at = at[:: max(1, -(-len(at) // _SAMPLE))]
    if len(at) < _FEWEST:
        return None
    lng, lat = lng[at], lat[at]
    scale = metres_per_degree(float(numpy.median(lat)))
    plane = shapely.transform(places if single else places[at], lambda xy: xy * scale)
    shapely.prepare(plane)
    raw_lng, raw_lat = _RAW.get(datum, _same)(lng, lat)
    if not (gcj02_to_wgs84(raw_lng, raw_lat)[0] != raw_lng).any():
        return None
    readings = {
        name: _reading(name, *shift(raw_lng, raw_lat), plane, scale)
        for name, (_, shift) in _HYPOTHESES.items()
    }
    declared = datum if datum in ("gcj02", "bd09") else "wgs84"
    offset_m, direction = (math.nan, "") if single else _offset(lng, lat, plane, scale)
    # Hypotheses stand in the order of their likelihood, which decides among equals.
    others = sorted(
        (reading for name, reading in readings.items() if name != declared),
        key=lambda one: (-one.share, one.distance_m),
    )
    return DatumEvidence(len(at), readings[declared], tuple(others), offset_m, direction)


def _reading(datum: str, lng: Floats, lat: Floats, plane: Any, scale: tuple[float, float]) -> DatumReading:
    import numpy
    import shapely

    distance_m = shapely.distance(shapely.points(lng * scale[0], lat * scale[1]), plane)
    off_m = distance_m[distance_m > _FITS_M]
    share = 1.0 - len(off_m) / len(distance_m)
    return DatumReading(
        datum, _HYPOTHESES[datum][0], share, float(numpy.median(off_m)) if len(off_m) else 0.0
    )


def _offset(lng: Floats, lat: Floats, plane: Any, scale: tuple[float, float]) -> tuple[float, str]:
    """Return length and direction of the median vector from the middle of the places to their points."""
    import numpy
    import shapely

    middle = shapely.get_coordinates(shapely.centroid(plane))
    east = float(numpy.median(lng * scale[0] - middle[:, 0]))
    north = float(numpy.median(lat * scale[1] - middle[:, 1]))
    eighth = round(math.degrees(math.atan2(east, north)) / 45.0) % 8
    return math.hypot(east, north), _COMPASS[eighth]


def _same(lng: Floats, lat: Floats) -> tuple[Floats, Floats]:
    return lng, lat


# Back from the stored degrees to the numbers of the file.
_RAW: dict[str, Shift] = {"gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}
_HYPOTHESES: dict[str, tuple[str, Shift]] = {
    "wgs84": ("WGS 84 or CGCS2000", _same),
    "gcj02": (DATUMS["gcj02"], gcj02_to_wgs84),
    "bd09": (DATUMS["bd09"], bd09_to_wgs84),
    "gcj02-twice": (
        "GCJ-02 shifted twice (GCJ-02 applied to GCJ-02)",
        lambda lng, lat: gcj02_to_wgs84(*gcj02_to_wgs84(lng, lat)),
    ),
    "unshifted": ("WGS 84 from which a shift to GCJ-02 was taken off that it never had", wgs84_to_gcj02),
}
