"""The area that a second survey covered: a place of the city, or polygons out of a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.checking import invalid_reasons
from gridcity.crs import geometries_to_lnglat
from gridcity.errors import AmbiguousCodeError, ArgumentError, ReferenceSystemError, SourceError
from gridcity.intake.layers import Source, open_layer
from gridcity.profile import Profile
from gridcity.store.base import Reading

__all__ = ["SurveyArea", "nearest_code", "read_area"]


@dataclass(frozen=True, slots=True, eq=False)
class SurveyArea:
    """What a survey covered.

    Attributes
    ----------
    name : str
        For people: code and name of the place, or the name of the file.
    shape : shapely geometry
        Polygons in the stored longitude and latitude.
    """

    name: str
    shape: shapely.Geometry

    def holds(self, lng: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return which points lie in the area; its border belongs to it."""
        shapely.prepare(self.shape)
        found: npt.NDArray[np.bool_] = shapely.intersects_xy(self.shape, lng, lat)
        return found


def read_area(store: Reading, profile: Profile, area: str | Path) -> SurveyArea:
    """Return the area of a survey.

    Parameters
    ----------
    store, profile
        The city's.
    area : str or path
        Digits are the code of a district, street, community or current cell of the city; anything else
        is a file of polygons, which must declare its reference system.

    Raises
    ------
    ArgumentError
        No such place is in the city (``E_AREA``; the nearest code is named), it has no shape, or there is
        no such file.
    AmbiguousCodeError
        Two cells have the code.
    SourceError, ReferenceSystemError
        The file cannot be read, or holds anything but valid polygons.
    """
    text = str(area).strip()
    return _place(store, text) if text.isascii() and text.isdigit() else _file(profile, text)


def _place(store: Reading, code: str) -> SurveyArea:
    """Return an area or a current cell by its code."""
    today = date.today().isoformat()
    found = [
        store.columns(table, ("name", "geom"), {"code": code}, on=today if table == "cells" else None)
        for table in ("areas", "cells")
    ]
    names, shapes = (np.concatenate([table[name] for table in found]) for name in ("name", "geom"))
    if not len(shapes):
        nearest = nearest_code(store, code)
        raise ArgumentError(
            f"No area or cell of this city has the code {code!r}.",
            hint=f"The nearest code is {nearest}."
            if nearest
            else "Import it first, or name a file of polygons.",
            code="E_AREA",
        )
    if len(shapes) > 1:
        raise AmbiguousCodeError(
            f"{len(shapes)} cells have the code {code!r}.", hint="Name a file of polygons."
        )
    if shapes[0] is None or shapes[0].is_empty:
        raise ArgumentError(
            f"The area {code} has no shape.",
            hint="Import its border, or name a file of polygons.",
            code="E_AREA",
        )
    return SurveyArea(f"{code} {names[0]}".strip(), shapes[0])


def nearest_code(store: Reading, code: str, tables: Sequence[str] = ("areas", "cells")) -> str:
    """Return the code in some tables that has the longest beginning in common with one; empty for none.

    Full-width digits are read as the half-width ones.
    """
    code = unicodedata.normalize("NFKC", code)
    codes = {text for table in tables for (text,) in store.rows(table, ("code",)) if text}

    def likeness(text: str) -> tuple[int, bool]:
        differ = [a != b for a, b in zip(text, code, strict=False)]
        return differ.index(True) if True in differ else len(differ), len(text) == len(code)

    return max(sorted(codes), key=likeness, default="")


def _file(profile: Profile, name: str) -> SurveyArea:
    """Return the polygons of a file as one area."""
    if not Path(name).exists():
        raise ArgumentError(
            f"The area {name!r} is neither a code, which is digits, nor a file.",
            hint="Give the code of an area or cell, or the path of a file of polygons.",
            code="E_AREA",
        )
    try:
        with open_layer(name) as layer:
            source = layer.read(columns=())
    except ReferenceSystemError as error:
        raise ReferenceSystemError(
            f"The area of the survey: {error.message}",
            hint="The area's own file must declare it, in a .prj or the like; --crs and --datum do not.",
        ) from error
    assert source.system is not None
    shapes = geometries_to_lnglat(
        source.geometry, source.system, stored=profile.stored_epsg, where=source.name
    )
    _refuse_others(source, shapes)
    return SurveyArea(source.name, shapely.union_all(shapes))


def _refuse_others(source: Source, shapes: npt.NDArray[np.object_]) -> None:
    """Refuse a file that is not all valid polygons, for what it leaves out could not vanish."""
    areal = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
    at = np.flatnonzero(~(areal & shapely.is_valid(shapes)))
    if len(shapes) and not len(at):
        return
    if not len(shapes):
        what = "it has no row"
    elif not areal[at[0]]:
        what = f"row {source.rows[at[0]]} is no polygon"
    else:
        what = f"row {source.rows[at[0]]} is not valid: {invalid_reasons(shapes[at[:1]])[0]}"
    raise SourceError(
        f"{source.name} is no area of a survey: {what}.",
        hint="Name a file of valid polygons, or the code of an area or cell.",
        code="E_AREA",
    )
