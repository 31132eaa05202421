"""The requests for street lights of Washington, D.C., answered by the owner of the nearest light."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from responsibility_washington import Mask, Measured, Texts

from gridcity import City
from gridcity.intake.mapping import Mapping

WIDE_M: Final = 50.0
"""A radius to compare with: the widest that a class gets by its spacing."""

_SURVEY = Path("washington-dc") / "components" / "streetlights.csv"
_CATEGORIES = ("Streetlight Repair Investigation", "Alleylight Repair")
_CLASS = "路灯"
# The file does not say that a light is in place and working; here it is taken so.
_MAPPING = Mapping(
    columns={"OWNER_DESC": ("owner_name",)},
    constants={"state": "完好"},
    x="XCOORD",
    y="YCOORD",
    key="FACILITYID",
)


@dataclass(frozen=True, slots=True)
class Near:
    """What the lights within a radius answer.

    Attributes
    ----------
    radius_m : float
        How far a light may be away.
    answered, steps : object arrays
        Of each request: who answers, and the step that decided.
    other : bool array
        Whether a second light is as likely as the nearest.
    """

    radius_m: float
    answered: Texts
    steps: Texts
    other: Mask


@dataclass(frozen=True, slots=True)
class Lights:
    """The requests for lights, and what the lights answer.

    Attributes
    ----------
    known : int
        Lights in the city.
    handled : object array
        The agency of each request.
    near : tuple of Near
        Within the radius that their spacing supports, and within `WIDE_M`.
    """

    known: int
    handled: Texts
    near: tuple[Near, ...]


def measure(data: Path, found: Measured) -> Lights:
    """Import the lights into a copy of the city, and ask by their class about the requests for lights.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    found : Measured
        The requests and the city without duties.
    """
    requests = found.requests
    rows = np.flatnonzero(np.isin(requests.category.astype(str), _CATEGORIES))
    lng, lat = requests.lng[rows], requests.lat[rows]
    near = []
    with City.open(shutil.copyfile(found.city, found.city.parent / "lights.gpkg")) as city:
        survey = city.import_components(data / _SURVEY, class_text=_CLASS, mapping=_MAPPING, crs="EPSG:4326")
        for radius_m in (city.justify(lng[0], lat[0], class_text=_CLASS).radius_m, WIDE_M):
            columns = ["party_name", "step", "other_component_id"]
            said = city.locate_many(lng, lat, class_text=_CLASS, radius_m=radius_m, columns=columns)
            near.append(Near(radius_m, said["party_name"], said["step"], said["other_component_id"] >= 0))
    return Lights(survey.receipt.added, requests.agency[rows], tuple(near))


def text(lights: Lights) -> Iterator[str]:
    """Yield the lines of the page about the lights."""
    yield from ("", "### The nearest street light", "")
    yield (
        f"{lights.known:,} street lights of a part of the city are known with their owners. The "
        f"{len(lights.handled):,} requests for lights are asked about by that class of component, so that "
        "the owner of the nearest light answers."
    )
    yield ""
    yield (
        "| radius | a light is near | a second is as likely | its owner handled the request | other owners |"
    )
    yield "|---|---:|---:|---:|---|"
    for near in lights.near:
        owned = near.steps == "owner"
        right = owned & (near.answered == lights.handled)
        others = Counter(near.answered[owned & ~right]).most_common()
        listed = ", ".join(f"{owner} {n:,}" for owner, n in others) or "none"
        counts = " | ".join(f"{int(rows.sum()):,}" for rows in (owned, near.other, right))
        yield f"| {near.radius_m:g} m | {counts} | {listed} |"
    yield ""
    first, last = (int((near.steps == "owner").sum()) for near in lights.near)
    yield (
        "The first radius is what the spacing of these lights supports. Requests stand at addresses and "
        f"not at lights: {last - first:,} of the {last:,} that have a light within {WIDE_M:g} m have none "
        "within it."
    )
