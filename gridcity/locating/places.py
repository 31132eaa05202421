"""The areas above a cell: community, street, district, by code and name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gridcity.profile import Profile

__all__ = ["NOWHERE", "AreaRow", "Place", "codes_of", "place_of"]


class AreaRow(NamedTuple):
    """What is needed of an area to name a place."""

    id: int
    level: str
    code: str
    name: str
    parent_id: int | None


class Place(NamedTuple):
    """Community, street and district of a place; empty texts where it has none."""

    community_code: str = ""
    community_name: str = ""
    street_code: str = ""
    street_name: str = ""
    district_code: str = ""
    district_name: str = ""


NOWHERE = Place()


def codes_of(cell_code: str, place: Place, profile: Profile) -> tuple[str, ...]:
    """Return the codes at which duties are looked for, from the finest to the widest.

    They are those of cell, community, street and district, the profile's own, and those of the city and the
    province that the district's digits name (110101: 110100 and 110000): a line authority may be of either.
    """
    near = cell_code, place.community_code, place.street_code, place.district_code
    if place == NOWHERE:
        return *near, "", "", ""
    district = place.district_code or profile.area_code
    wider = (profile.area_code, f"{district[:4]}00", f"{district[:2]}0000")
    # A code counts once: a city of its own digits is its own district.
    return *near, *("" if code in (place.district_code, *wider[:i]) else code for i, code in enumerate(wider))


def place_of(area_id: int | None, areas: Mapping[int, AreaRow], profile: Profile) -> Place:
    """Return the place of a cell or point of the city.

    Parameters
    ----------
    area_id : int or None
        The finest area known; None where the city has none there.
    areas : mapping of int to AreaRow
        At least the area and those above it.
    profile : Profile
        The city's: its own area code and name stand for the district where no area does.
    """
    named = {"district": (profile.area_code, profile.name)}
    while area_id is not None:
        area = areas[area_id]
        named[area.level] = (area.code, area.name)
        area_id = area.parent_id
    return Place(
        *named.get("community", ("", "")),
        *named.get("street", ("", "")),
        *named["district"],
    )
