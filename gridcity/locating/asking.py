"""What a question about many points comes as: arrays, shapely points or a GeoDataFrame, with classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import reference_system, to_lnglat
from gridcity.errors import ArgumentError
from gridcity.locating.wanted import NOTHING, Wanted, classes_named, wanted
from gridcity.profile import Profile

__all__ = ["asked_classes", "asked_conditions", "coordinates"]

Floats = npt.NDArray[np.float64]


def coordinates(
    lng: Any, lat: Any, *, crs: str | int | None, datum: str | None, stored: int
) -> tuple[Floats, Floats, Any]:
    """Return longitudes and latitudes in the stored system, and the frame they came in.

    Parameters
    ----------
    lng, lat : sequences of float, or an array of points or a GeoDataFrame and None
        In ``crs`` or ``datum``; a frame brings its own system unless one of them is given.
    crs, datum : optional
        See `gridcity.crs.reference_system`.
    stored : int
        EPSG code of the stored system.

    Returns
    -------
    lng, lat : float arrays
        Degrees; NaN where there is no point.
    frame : GeoDataFrame or None
        The frame itself.

    Raises
    ------
    ArgumentError
        The values are no points, or not equally many.
    ReferenceSystemError
        A frame has no reference system, or it cannot be brought to the stored one.
    """
    frame = None
    if lat is None:
        lng, lat, wkt, frame = _points(lng, named=crs is not None or datum is not None)
        if crs is None and datum is None and wkt:
            crs = wkt
    x, y = (np.asarray(values, dtype=np.float64) for values in (lng, lat))
    if x.ndim != 1 or x.shape != y.shape:
        raise ArgumentError(f"{x.shape} longitudes and {y.shape} latitudes do not go together.")
    if crs is not None or datum is not None:
        x, y = to_lnglat(x, y, reference_system(crs, datum), stored=stored)
    return x, y, frame


def asked_classes(
    class_text: str | Sequence[str | None] | None, n: int, profile: Profile
) -> tuple[list[Wanted], npt.NDArray[np.int64] | None]:
    """Return the distinct classes asked for, and which of them each point asks for: None for one and all.

    Parameters
    ----------
    class_text : str or sequence
        One text for all points, or one per point; what is no text asks for nothing.
    n : int
        Number of points.
    profile : Profile
        The city's.

    Raises
    ------
    ArgumentError
        The one text for all names no class, or there are not as many texts as points.
    """
    if class_text is None or isinstance(class_text, str):
        one = wanted(class_text, profile) if class_text else NOTHING
        return [one], None
    distinct, which = _of_points(class_text, n, "classes")
    catalogues = profile.catalogues() if any(distinct) else ()
    # One wrong class among many costs its own rows only.
    found = [classes_named(text, catalogues) or NOTHING for text in distinct]
    return found or [NOTHING], which


def asked_conditions(
    condition: str | Sequence[str | None], n: int
) -> tuple[list[str], npt.NDArray[np.int64] | None]:
    """Return the distinct conditions asked for, and which of them each point has: None for one and all.

    Parameters
    ----------
    condition : str or sequence
        One text for all points, or one per point; what is no text is none.
    n : int
        Number of points.

    Raises
    ------
    ArgumentError
        There are not as many texts as points.
    """
    if isinstance(condition, str):
        return [condition.strip()], None
    distinct, which = _of_points(condition, n, "conditions")
    return [text.strip() for text in distinct] or [""], which


def _of_points(texts: Sequence[str | None], n: int, what: str) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the distinct ones of texts, and which of them each is; what is no text is an empty one."""
    if len(texts) != n:
        raise ArgumentError(f"{n} points and {len(texts)} {what} do not go together.")
    category: Any = getattr(texts, "cat", texts)
    if hasattr(category, "categories"):
        # A category of pandas knows its distinct texts; what is missing has the code -1, the last of them.
        given, codes = [*category.categories, None], np.array(category.codes, dtype=np.int64)
    else:
        listed: Any = texts.tolist() if hasattr(texts, "tolist") else texts
        numbers = _Numbers()
        codes, given = np.fromiter(map(numbers.__getitem__, listed), np.int64, n), [*numbers, None]
    # A missing value of a pandas column is no text.
    known = [text if isinstance(text, str) else "" for text in given]
    distinct = {text: i for i, text in enumerate(dict.fromkeys(known))}
    return list(distinct), np.array([distinct[text] for text in known], dtype=np.int64).take(
        codes, mode="wrap"
    )


class _Numbers(dict[Any, int]):
    """The number of each value, in the order in which they are first asked for."""

    def __missing__(self, value: Any) -> int:
        self[value] = number = len(self)
        return number


def _points(value: Any, *, named: bool) -> tuple[Any, Any, str, Any]:
    """Return coordinates of an array of points or a frame, its WKT, and the frame.

    A frame without a reference system is refused unless one is named.
    """
    if hasattr(value, "crs") and hasattr(value, "geometry"):
        from gridcity.frames import points_of

        return *points_of(value, named=named), value
    shapes = np.array(value, dtype=object)
    if shapes.ndim != 1 or not shapely.is_valid_input(shapes).all():
        raise ArgumentError(
            "Without latitudes the first argument must be shapely points or a GeoDataFrame.",
            hint="City.locate_many(lng, lat) takes two sequences.",
        )
    # A missing geometry is of type -1, a point of type 0.
    other = np.flatnonzero(shapely.get_type_id(shapes) > 0)
    if len(other):
        raise ArgumentError(
            f"Geometry {other[0]} is a {shapes[other[0]].geom_type}, not a point.",
            hint="Locate points: shapely.point_on_surface(geometries).",
        )
    # GEOS raises where it is asked for the coordinates of an empty point.
    shapes[shapely.is_empty(shapes)] = None
    # The array of a GeoSeries brings its reference system.
    system = getattr(value, "crs", None)
    return shapely.get_x(shapes), shapely.get_y(shapes), "" if system is None else system.to_wkt(), None
