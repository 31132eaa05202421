"""The relics of Beijing Dongcheng: the chain of each object, under two readings of its three bodies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import shapely

from gridcity import City
from gridcity.profile import parse_profile
from gridcity.responsibility import BODIES, REASONS

if TYPE_CHECKING:
    from gridcity.locating.justify import Justification
    from gridcity.responsibility import Considered

_FOLDER = Path("dongcheng")
_DATUM = "gcj02"
_CLASS = "文物古迹（自定义）"
# The day after the latest record: what was surveyed stands, and the page is the same on any day.
_DAY = "2012-06-01"
_PROFILE = f"""
[city]
name = "北京市东城区"
area_code = "110101"
older_edition = "cjt214-2007"
[aliases]
"崇外" = "崇文门外"
"体育馆" = "体育馆路"
"永定门" = "永定门外"
[[classes]]
edition = "cjt214-2007"
code = "0698"
name = "{_CLASS}"
"""
_ROLES = """
[columns]
"DEPTNAME1" = "maintainer_name"
"DEPTCODE1" = "maintainer_code"
"DEPTNAME3" = "supervisor_name"
"DEPTCODE3" = "supervisor_code"
"""
_EXAMPLES: Final = ("雍和宫", "东药王庙遗存")
"""The objects whose answers are told in full: one with three bodies, one whose first body is 无."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One object and its answer under one reading.

    Attributes
    ----------
    code, name, declared : str
        Of the object: its code, its name, and the cell that the survey names.
    cell_id : int or None
        The cell that has most of it.
    bodies : tuple of str
        As stored: the values of `gridcity.responsibility.BODIES`.
    why : Justification
        The answer at a point inside the object.
    """

    code: str
    name: str
    declared: str
    cell_id: int | None
    bodies: tuple[str, ...]
    why: Justification


@dataclass(frozen=True, slots=True)
class Reading:
    """The objects under one reading of the columns.

    Attributes
    ----------
    name : str
        As the page calls it.
    columns : mapping of str to str
        Column of the survey: the role of the body that it names.
    answered : tuple of Answered
        In the order of the codes.
    """

    name: str
    columns: Mapping[str, str]
    answered: tuple[Answered, ...]


def measure(data: Path, room: Path) -> tuple[Reading, Reading]:
    """Build the district twice, and ask who answers for each object.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    room : Path
        A folder for the cities.
    """
    folder = data / _FOLDER
    bare = room / "dongcheng.gpkg"
    with City.create(bare, parse_profile(_PROFILE)) as city:
        city.import_areas(folder / "streets_17_gcj02.geojson", level="street", datum=_DATUM)
        city.import_areas(folder / "beixinqiao_communities_12_gcj02.geojson", level="community", datum=_DATUM)
        parcels = folder / "land_parcels_gcj02.geojson"
        city.import_cells(parcels, number=True, allow_overlaps=True, datum=_DATUM)
        city.store.backup(room / "roles.gpkg")
        standard = _reading(city, folder, "the standard's roles")
    with City.open(room / "roles.gpkg") as city:
        city.update_profile(parse_profile(_PROFILE + _ROLES))
        real = _reading(city, folder, "the roles of the records")
    return standard, real


def _reading(city: City, folder: Path, name: str) -> Reading:
    """Import both surveys, and ask at a point inside each object, by its class."""
    for survey in ("point", "area"):
        result = city.import_components(folder / f"bujian_relics_{survey}_gcj02.geojson", datum=_DATUM)
    columns = {
        result.matched[field].split(" ")[0]: field.removesuffix("_name")
        for field in BODIES
        if field.endswith("_name")
    }
    stored = city.store.columns("components", ("code", "name", "declared_cell", "cell_id", *BODIES, "geom"))
    answered = []
    for row in sorted(zip(*stored.values(), strict=True)):
        code, called, declared, cell_id, *bodies, shape = row
        inside = shapely.point_on_surface(shape)
        why = city.justify(inside.x, inside.y, class_text=_CLASS, as_of=_DAY)
        assert why.placement.component_code == code, (code, why.placement.component_code)
        answered.append(Answered(code, called, declared, cell_id, tuple(bodies), why))
    return Reading(name, columns, tuple(answered))


def text(readings: tuple[Reading, Reading]) -> Iterator[str]:
    """Yield the lines of the page about the district."""
    standard, real = readings
    n = len(standard.answered)
    yield from ("", "## Beijing Dongcheng", "")
    yield (
        f"{n} surveyed relics (文物古迹), each asked about by its class at a point inside it, as of {_DAY}, "
        "the day after the latest record."
    )
    yield (
        "The land parcels of the district play its cells; those outside the 12 communities of Beixinqiao "
        "have no code. Parties and duties are not in the data, so the steps from `agreed` on find none."
    )
    yield "Each record names three bodies, and what they are to the object is read in two ways:"
    yield ""
    yield f"| column | {standard.name} | {real.name} |"
    yield "|---|---|---|"
    for column in sorted(standard.columns):
        yield f"| `{column}` | {standard.columns[column]} | {real.columns[column]} |"
    yield ""
    codes = {code for one in standard.answered for code in one.bodies[::2]}
    nobody = sum(name == "无" for one in standard.answered for name in one.bodies[1::2])
    yield (
        f"The codes of the bodies are {_listed(codes)} in all records, which names nobody; of the {3 * n} "
        f"names {nobody} {'is' if nobody == 1 else 'are'} `无`, nobody too."
    )
    supervisors = {name for one in real.answered for name in one.bodies[5::6]}
    yield (
        f"The second reading is given by the profile's `[columns]`: {_listed(supervisors)} in every record "
        "is a supervising body, and the occupant is taken as who maintains. Who did answer is not in the "
        "data, so neither reading is judged."
    )
    yield from ("", "### What differs", "")
    yield from _differences(standard, real)
    for reading in readings:
        yield from ("", f"### The answers under {reading.name}", "")
        yield from _answers(reading)
    yield from ("", "### The cells", "")
    yield from _cells(standard)
    for reading in readings:
        yield from ("", f"### The chains under {reading.name}", "")
        for one in reading.answered:
            yield f"- `{one.code}` {one.name}: {_chain(one)}."
    yield from ("", "### Two answers in full", "")
    yield from _in_full(readings)


def _differences(standard: Reading, real: Reading) -> Iterator[str]:
    pairs = list(zip(standard.answered, real.answered, strict=True))
    other = [a for a, b in pairs if a.why.decision.first[:2] != b.why.decision.first[:2]]
    following = [a for a, b in pairs if a.why.decision.second[:2] != b.why.decision.second[:2]]
    yield (
        f"{len(other)} of {len(pairs)} objects get another answer, and {len(following)} another one who "
        "would be next."
    )
    yield ""
    for reading in (standard, real):
        first = Counter(one.why.placement.party_name for one in reading.answered)
        steps = Counter(one.why.placement.step for one in reading.answered)
        said = ", ".join(f"`{step}` {n}" for step, n in steps.most_common())
        yield (
            f"- Under {reading.name}: bodies that answer, {len(first)}; most often "
            f"{first.most_common(1)[0][0]}, {first.most_common(1)[0][1]} times; steps that decide: {said}."
        )


def _answers(reading: Reading) -> Iterator[str]:
    yield "| code | object | answers | step | next | step |"
    yield "|---|---|---|---|---|---|"
    for one in reading.answered:
        p = one.why.placement
        yield (
            f"| `{one.code}` | {one.name} | {p.party_name} | {p.step} | {p.next_party_name or 'nobody'} "
            f"| {p.next_step} |"
        )


def _cells(reading: Reading) -> Iterator[str]:
    placements = [one.why.placement for one in reading.answered]
    outside = sum(p.cell_id is None for p in placements)
    differ = sum(p.cells_differ for p in placements)
    yield (
        "An object stands in the cell that has most of it ([decision "
        f"0008](decisions/0008-which-area-which-cell.md)). Of the {len(placements)} points inside the "
        f"objects {outside} lie between the parcels, in no cell; {differ} objects do not stand in the cell "
        "of their point."
    )
    yield "The survey names cells of its own numbering, of 14 digits."
    yield ""
    yield "| code | object | cell of the point | cell of the object | differ | cell in the survey |"
    yield "|---|---|---|---|---|---|"
    for one, p in zip(reading.answered, placements, strict=True):
        point, own = _cell(p.cell_id, p.cell_code), _cell(one.cell_id, p.component_cell_code)
        differs = "yes" if p.cells_differ else "no"
        yield f"| `{one.code}` | {one.name} | {point} | {own} | {differs} | `{one.declared}` |"


def _cell(cell_id: int | None, code: str) -> str:
    if cell_id is None:
        return "none"
    return f"`{code}`" if code else "one without code"


def _chain(one: Answered) -> str:
    """Return all steps of an answer in a line, those that failed for one reason together."""
    decision = one.why.decision
    answers = (decision.first[:2], decision.second[:2])

    def told(step: Considered) -> str:
        if step.reason:
            return REASONS[step.reason]
        if step.step == decision.first.step:
            return "answers"
        if step.step == decision.second.step:
            return "is next"
        return "once more" if (step.code, step.name) in answers else "after that"

    parts = []
    for (reason, name), steps in groupby(decision.considered, key=lambda step: (told(step), step.name)):
        listed = ", ".join(step.step for step in steps)
        parts.append(f"{listed}: {f'{name} {reason}' if name else reason}")
    return "; ".join(parts)


def _in_full(readings: tuple[Reading, Reading]) -> Iterator[str]:
    yield "As `City.justify` says it, without the first sentence, which has the coordinates."
    for name in _EXAMPLES:
        for reading in readings:
            (one,) = (one for one in reading.answered if one.name == name)
            yield from ("", f"{name}, {reading.name}:", "", "```text", *one.why.sentences()[1:], "```")


def _listed(texts: set[str]) -> str:
    return " or ".join(f"`{text}`" if text else "empty" for text in sorted(texts))
