"""Whether delivered areas are this city's, by their codes, their names and their place."""

from __future__ import annotations

import numpy as np
import shapely

from gridcity.catalogue import area_name, match_area
from gridcity.importing.batch import Batch, Column, Mask, blank
from gridcity.importing.placing import Areas
from gridcity.importing.shapes import corners, widened
from gridcity.profile import Profile
from gridcity.store.wkb import Box

__all__ = ["apart", "check_belonging", "provinces"]


def check_belonging(batch: Batch, rows: Mask, level: str, areas: Areas, profile: Profile) -> None:
    """Reject areas of another province, and those that lie apart from all others of the city.

    Parameters
    ----------
    batch : Batch
        With the codes that the rows have or were given.
    rows : bool array
        The rows of one level.
    level : str
        Theirs.
    areas : Areas
        Those of the city.
    profile : Profile
        The city's.
    """
    code, name = batch.column("code"), batch.column("name")
    shown = np.where(name == "", code, name).astype(object)
    listed, at = blank(len(batch)), np.flatnonzero(rows & batch.alive)
    listed[at] = provinces(code[at], name[at], level, profile)
    own = area_name(profile.area_code[:2])
    batch.reject("area-elsewhere", listed != "", field="code", values=shown, listed=listed, own=own)
    if level == "district" and own is not None:
        digits = _digits(profile)
        other = rows & batch.alive & (code != "") & ~np.char.startswith(code.astype(str), digits)
        batch.note("area-other-city", other, field="code", values=shown, code=code, digits=digits)
    if (known := areas.extent()) is not None:
        far, at = np.zeros(len(batch), dtype=bool), np.flatnonzero(rows & batch.alive)
        far[at] = apart(batch.geometry[at], code[at], level, known, areas.code, profile)
        place = blank(len(batch))
        place[far] = corners(batch.geometry[far])
        batch.reject("outside-city", far, field="geometry", values=place)


def provinces(code: Column, name: Column, level: str, profile: Profile) -> Column:
    """Return the province of each area that is in another one than the city, empty for the others.

    An area has the province of its code; a district without a code is in another one where all districts
    of its name in the list of areas are. Names that the list does not have go with the others of their
    file, where all of those are elsewhere.
    """
    found, own = blank(len(code)), profile.area_code[:2]
    if area_name(own) is None:  # a city outside the list has digits of its own
        return found
    unlisted = np.zeros(len(code), dtype=bool)
    for i in range(len(code)):
        codes = [code[i]] if code[i] else _codes_anywhere(name[i]) if level == "district" else []
        unlisted[i] = not codes
        if codes and all(one[:2] != own for one in codes):
            names = dict.fromkeys(area_name(one[:2]) or f"province {one[:2]}" for one in codes)
            found[i] = " or ".join(names)
    elsewhere = found != ""
    if level == "district" and elsewhere.any() and (elsewhere | unlisted).all():
        found[unlisted] = found[np.argmax(elsewhere)]
    return found


def apart(
    shapes: Column, code: Column, level: str, known: Box, known_codes: Column, profile: Profile
) -> Mask:
    """Tell which areas neither come within 1 km of those of the city nor are joined to them by others.

    Areas make the extent of a city, so that a neighbour may reach far beyond it. A new district with a code
    of the city is one wherever it lies, for the districts of a city need not touch.

    Parameters
    ----------
    shapes, code : object array
        The areas, in the stored longitude and latitude.
    level : str
        Their level.
    known : Box
        Around the areas of the city.
    known_codes : object array
        Theirs.
    profile : Profile
        The city's.
    """
    met = np.zeros(len(shapes), dtype=bool)
    if level == "district":
        met = np.char.startswith(code.astype(str), _digits(profile)) & ~np.isin(code, known_codes)
    west, south, east, north = shapely.bounds(shapes).T
    left = np.ones(len(shapes), dtype=bool)
    while True:
        if met.any():
            left &= ~met
            known = Box(
                min(known.west, float(west[met].min())),
                min(known.south, float(south[met].min())),
                max(known.east, float(east[met].max())),
                max(known.north, float(north[met].max())),
            )
        most = widened(known)
        met = left & (west <= most.east) & (east >= most.west) & (south <= most.north) & (north >= most.south)
        if not met.any():
            return left


def _codes_anywhere(name: str) -> list[str]:
    """Return the codes of all districts of the country with a name."""
    found = match_area(name, "", level="district")
    if found.how == "ambiguous":
        return [code for code, _ in found.nearest]
    return [found.code] if found.code else []


def _digits(profile: Profile) -> str:
    """Return the digits that the codes of all districts of the city begin with."""
    return profile.area_code[:2] if profile.area_code.endswith("0000") else profile.area_code[:4]
