"""Areas of a file that an import would not take for this city's."""

from __future__ import annotations

import numpy as np
import shapely

from gridcity.catalogue import area_name
from gridcity.crs import geometries_to_lnglat
from gridcity.findings import RULES
from gridcity.importing.batch import blank
from gridcity.importing.belonging import apart, provinces
from gridcity.importing.shapes import corners
from gridcity.inspecting.model import Problem
from gridcity.inspecting.places import KnownPlaces
from gridcity.intake import Draft, Source
from gridcity.profile import Profile
from gridcity.store.wkb import Box

__all__ = ["strangers"]


def strangers(
    source: Source, draft: Draft, level: str, known: KnownPlaces | None, profile: Profile | None
) -> list[Problem]:
    """Return why areas would be rejected that belong to another province, or lie apart from the city.

    Parameters
    ----------
    source : Source
        The rows.
    draft : Draft
        The rows as areas.
    level : str
        Theirs; empty where it is not to be told.
    known, profile
        The city's; without them nothing is found.
    """
    if profile is None or known is None or not len(source):
        return []
    code, name, own = (draft.columns.get(field, blank(len(source))) for field in ("code", "name", "level"))
    level = level or (str(own[0]) if (own == own[0]).all() else "")
    found = []
    listed = provinces(code, name, level, profile)
    if n := int((listed != "").sum()):
        first = int(np.argmax(listed != ""))
        message = RULES["area-elsewhere"].sentence.format(
            value=name[first] or code[first], listed=listed[first], own=area_name(profile.area_code[:2])
        )
        found.append(Problem("area-elsewhere", n, f"row {source.rows[first]}: {message}"))
    there = np.flatnonzero((listed == "") & ~shapely.is_missing(source.geometry))
    if source.system is None or not len(known.areas["geom"]):
        return found
    shapes = geometries_to_lnglat(
        source.geometry[there], source.system, stored=profile.stored_epsg, where=source.name
    )
    extent = Box(*shapely.total_bounds(known.areas["geom"]).tolist())
    far = apart(shapes, code[there], level, extent, known.areas["code"], profile)
    if far.any():
        first = int(np.argmax(far))
        message = RULES["outside-city"].sentence.format(value=corners(shapes[first : first + 1])[0])
        found.append(Problem("outside-city", int(far.sum()), f"row {source.rows[there[first]]}: {message}"))
    return found
