"""Points on a plane in metres: distances between pairs, and the distinct places of many points."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gridcity.crs import metres_per_degree

__all__ = ["Places", "metres_between", "scale_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Places:
    """The distinct places of some points, from west to east.

    Parameters
    ----------
    lng, lat : float arrays
        Degrees.
    at : int64 array
        Positions of the points that count, all finite. Those of one place keep their order.

    Attributes
    ----------
    rows : int64 array
        Positions of the points, those of one place together.
    begins : int64 array
        Where each place begins in ``rows``; after the last one their number.
    shared : bool array
        The places where several points stand.
    lng, lat : float arrays
        Of the places.
    """

    def __init__(self, lng: Floats, lat: Floats, at: Ints) -> None:
        self.rows = at[np.lexsort((lat[at], lng[at]))]
        x, y = lng[self.rows], lat[self.rows]
        first = np.ones(len(at), dtype=bool)
        first[1:] = (x[1:] != x[:-1]) | (y[1:] != y[:-1])
        self.begins: Ints = np.append(np.flatnonzero(first), len(at))
        self.shared: Mask = np.diff(self.begins) > 1
        self.lng, self.lat = x[first], y[first]

    def __len__(self) -> int:
        return len(self.lng)

    def first(self, place: Ints) -> Ints:
        """Return the first point at each place, -1 where the place is -1."""
        return np.where(place >= 0, self.rows[self.begins[:-1][place]], -1)

    def standing(self, begin: int, end: int) -> tuple[Ints, Ints]:
        """Return the points at a run of places, and the number of each one's place within the run."""
        counts = np.diff(self.begins[begin : end + 1])
        return self.rows[self.begins[begin] : self.begins[end]], np.repeat(np.arange(end - begin), counts)


def scale_of(lat: Floats) -> Floats:
    """Return metres per degree of longitude and of latitude in the middle of some latitudes."""
    return np.array(metres_per_degree(float(lat.min() + lat.max()) / 2))


def metres_between(lng: Floats, lat: Floats, to_lng: Floats, to_lat: Floats) -> Floats:
    """Return distances by the arithmetic of `gridcity.distance`: on the plane at the first point.

    Parameters
    ----------
    lng, lat, to_lng, to_lat : float arrays
        Degrees, of shapes that go together.

    Returns
    -------
    float array
        Metres, rounded to centimetres; equal to `gridcity.distance.distance_m` of the one pair.
    """
    per_lng, per_lat = metres_per_degree(lat)
    x, y = (to_lng - lng) * per_lng, (to_lat - lat) * per_lat
    metres: Floats = np.rint(np.sqrt(x * x + y * y) * 100) / 100
    return metres
