"""The service requests of Washington, D.C.: duties from one half of them, judged on the other half."""

from __future__ import annotations

import csv
import gzip
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from responsibility_audit import Audited, audited, write_incidents

from gridcity import City
from gridcity.profile import parse_profile

LEAST: Final = 20
"""Requests that a ward or block group must have before a duty of its own is derived for it. Ours, and fixed
before anything was judged."""

NOBODY: Final = "nobody"
LEVELS: Final = {6: "city", 9: "ward", 15: "block group"}
"""By the length of a code."""

_FILE = Path("washington-dc") / "service_requests_2016.csv.gz"
_POLYGONS = Path("washington-dc") / "polygons"
_INCIDENTS = "incidents.csv"
# 999001 is no code of GB/T 2260: a city outside China numbers itself.
_AREA_CODE = "999001"
_PROFILE = """
[city]
name = "Washington, D.C."
area_code = "999001"
[areas]
community_of_street = "001"
[areas.digits]
{wards}
{classes}
"""
_CLASS = '[[classes]]\nkind = "event"\ncode = "21{n:03d}"\nname = "{name}"\nmajor_name = "Service requests"\n'
# Of the city's middle: on the ground a degree of longitude is shorter than one of latitude by its cosine.
_LATITUDE = 38.9

Texts = np.ndarray[Any, np.dtype[np.object_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Rows = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
Duty = dict[str, str]


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests, a column each, in the order of the file."""

    ids: Texts
    category: Texts
    agency: Texts
    opened: Texts
    state: Texts
    ward: Texts
    lng: Floats
    lat: Floats

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Table:
    """A way to write a duty table.

    Attributes
    ----------
    name : str
        As the page calls it.
    role : str
        Of the agency for a category.
    territories : bool
        Whether there are duties without a class too.
    steps : tuple of str
        Order of the steps for events in the city's profile; empty for the default.
    """

    name: str
    role: str
    territories: bool
    steps: tuple[str, ...] = ()


TABLES: Final = (
    Table("categories", "handler", False),
    Table("categories and territories", "handler", True),
    Table("lines and territories", "supervisor", True),
    Table("lines asked first", "supervisor", True, ("duty", "authority", "territory")),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was answered about the requests of a second half.

    Attributes
    ----------
    name : str
        Of the duty table, or of the rule tried instead.
    duties : dict of (str, str) to int
        Derived duties, by ``category`` or ``territory`` and by level.
    handled, answered : object arrays
        The agency of each request, by the file and by the answer; `NOBODY` where it names none.
    steps : object array
        The step that decided; empty texts where no city was asked.
    audit : Audited or None
        What the audit says of the duty table; None for a simpler rule.
    """

    name: str
    duties: dict[tuple[str, str], int]
    handled: Texts
    answered: Texts
    steps: Texts
    audit: Audited | None = None

    @property
    def right(self) -> Mask:
        """Whether each answer is the agency that handled the request."""
        return np.asarray(self.handled == self.answered, dtype=bool)


@dataclass(frozen=True, slots=True)
class Split:
    """The file halved in one way, and what was answered about its second half.

    Attributes
    ----------
    name : str
        What it is halved by.
    first, second : int arrays
        Positions of the requests.
    judged : tuple of Judged
        One for each of `TABLES`.
    baselines : tuple of Judged
        One for each simpler rule.
    """

    name: str
    first: Rows
    second: Rows
    judged: tuple[Judged, ...]
    baselines: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """The whole measure.

    Attributes
    ----------
    requests : Requests
        As the file has them.
    cells, wards : object arrays
        Codes of the block group that each request lies in, and of the ward that this belongs to; empty where
        it lies in none.
    in_ward : bool array
        Whether each request lies in the polygon of the ward that it names.
    classes : object array
        Code of the class that each request was asked about; empty where its category names none.
    splits : tuple of Split
        By the order of the file, and by time.
    city : Path
        The city without duties.
    """

    requests: Requests
    cells: Texts
    wards: Texts
    in_ward: Mask
    classes: Texts
    splits: tuple[Split, ...]
    city: Path


def measure(data: Path, room: Path) -> Measured:
    """Build the city, derive duties from each first half, and ask about each second half.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    room : Path
        A folder for the cities.
    """
    requests = _read(data / _FILE)
    path = _build(data / _POLYGONS, room, requests)
    with City.open(path) as city:
        placed = city.locate_many(
            requests.lng,
            requests.lat,
            class_text=requests.category.tolist(),
            columns=["cell_code", "street_code", "class_code"],
        )
        cells = city.store.columns("cells", ("code", "geom"))
        wards = city.store.columns("areas", ("code", "geom"), {"level": "street"})
    asking = _Asking(path, requests, placed["cell_code"], placed["street_code"], cells)
    splits = tuple(asking.split(*half) for half in halves(requests.opened))
    in_ward = np.zeros(len(requests), dtype=bool)
    for code, polygon in zip(wards["code"], wards["geom"], strict=True):
        named = np.flatnonzero(requests.ward == str(int(code[6:])))
        in_ward[named] = shapely.intersects_xy(polygon, requests.lng[named], requests.lat[named])
    return Measured(requests, asking.cells, asking.wards, in_ward, placed["class_code"], splits, path)


def halves(opened: Texts) -> Iterator[tuple[str, Rows, Rows]]:
    """Yield what requests are halved by, and the positions of the first and the second half of them."""
    by_time = np.argsort(opened.astype(str), kind="stable")
    for name, order in (("order of the file", np.arange(len(opened))), ("time of opening", by_time)):
        half = len(order) // 2
        yield name, np.sort(order[:half]), np.sort(order[half:])


def _read(path: Path) -> Requests:
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))

    def column(name: str) -> Texts:
        return np.array([row[name] for row in rows], dtype=object)

    return Requests(
        ids=column("SERVICEREQUESTID"),
        category=column("SERVICECODEDESCRIPTION"),
        agency=column("ORGANIZATIONACRONYM"),
        opened=column("ADDDATE"),
        state=column("SERVICEORDERSTATUS"),
        ward=column("WARD"),
        lng=np.array([float(row["lon"] or "nan") for row in rows]),
        lat=np.array([float(row["lat"] or "nan") for row in rows]),
    )


def _build(polygons: Path, room: Path, requests: Requests) -> Path:
    """Build the city without duties: the wards are streets, the block groups cells, the agencies parties."""
    wards = "\n".join(f'"Ward {n}" = "{n:03d}"' for n in range(1, 9))
    categories = sorted(set(requests.category))
    classes = "".join(_CLASS.format(n=n, name=name) for n, name in enumerate(categories, 1))
    agencies = [{"code": name, "name": name} for name in sorted(set(requests.agency))]
    profile = parse_profile(_PROFILE.format(wards=wards, classes=classes))
    with City.create(room / "washington.gpkg", profile) as city:
        city.import_areas(polygons / "ward-2012.geojson", level="street")
        city.import_cells(polygons / "census-block-groups-2010.geojson", number=True)
        city.import_parties(_table(room / "parties.csv", agencies))
        return city.path


@dataclass(frozen=True, slots=True)
class _Asking:
    """The city without duties, and where each request lies in it."""

    path: Path
    requests: Requests
    cells: Texts
    wards: Texts
    known: dict[str, Any]

    def split(self, name: str, first: Rows, second: Rows) -> Split:
        write_incidents(self.path.parent / _INCIDENTS, self.requests, second)
        judged = tuple(self._judged(table, first, second) for table in TABLES)
        alone = Table("area alone: the territories, asked without class", "handler", True)
        tried = (*self._without_city(first, second), self._judged(alone, first, second, classes=False))
        return Split(name, first, second, judged, tried)

    def _judged(self, table: Table, first: Rows, second: Rows, *, classes: bool = True) -> Judged:
        """Derive a duty table from the first half, import it into a copy, ask it about the second half."""
        requests, where = self.requests, (self.cells[first], self.wards[first])
        duties: list[Duty] = []
        if classes:
            duties += derived(requests.category[first], requests.agency[first], *where, table.role)
        if table.territories:
            every = np.full(len(first), "", dtype=object)
            duties += derived(every, requests.agency[first], *where, "handler")
        room = self.path.parent
        copy = Path(shutil.copyfile(self.path, room / "asked.gpkg"))
        with City.open(copy) as city:
            if table.steps:
                order = ", ".join(f'"{step}"' for step in table.steps)
                chain = f"[responsibility]\nevent = [{order}]\n"
                city.update_profile(parse_profile(f"{city.profile.text}\n{chain}"))
            balance = city.import_duties(_table(room / "duties.csv", duties)).receipt
            found = city.locate_many(
                requests.lng[second],
                requests.lat[second],
                class_text=requests.category[second].tolist() if classes else None,
                columns=["party_name", "step"],
            )
            audit = audited(city, room / _INCIDENTS) if classes else None
        copy.unlink()
        assert balance.read == balance.added == len(duties), balance
        counted = Counter(
            ("category" if duty["class_name"] else "territory", LEVELS[len(duty["place_code"])])
            for duty in duties
        )
        answered = np.where(found["party_name"] == "", NOBODY, found["party_name"])
        return Judged(table.name, counted, requests.agency[second], answered, found["step"], audit)

    def _without_city(self, first: Rows, second: Rows) -> Iterator[Judged]:
        """Yield what is answered without a city: the largest agency, or that of the nearest cell centre."""
        agency, none = self.requests.agency, np.full(len(second), "", dtype=object)
        largest = _most(Counter(agency[first]))
        always = np.full(len(second), largest, dtype=object)
        yield Judged(f"always {largest}, the largest of the first half", {}, agency[second], always, none)
        of_cell: dict[str, Counter[str]] = {}
        for cell, name in zip(self.cells[first], agency[first], strict=True):
            of_cell.setdefault(cell, Counter())[name] += 1
        centres = shapely.centroid(self.known["geom"])
        tree = shapely.STRtree(_flat(shapely.get_x(centres), shapely.get_y(centres)))
        nearest = tree.nearest(_flat(self.requests.lng[second], self.requests.lat[second]))
        codes = self.known["code"][nearest]
        answered = [_most(of_cell[code]) if code in of_cell else NOBODY for code in codes]
        name = "nearest cell centre: the agency with most requests in that block group"
        yield Judged(name, {}, agency[second], np.array(answered, dtype=object), none)


def derived(categories: Texts, agencies: Texts, cells: Texts, wards: Texts, role: str) -> Iterator[Duty]:
    """Yield a duty for who handled most of each category, and wherever a smaller area has it otherwise.

    Parameters
    ----------
    categories : object array
        Of each request; an empty text makes a territory.
    agencies : object array
        Who handled each request.
    cells, wards : object arrays
        Codes of where each request lies; empty where it lies in none.
    role : str
        Of the duties.
    """
    handled: dict[tuple[str, str], Counter[str]] = {}
    above: dict[str, str] = {}
    for category, agency, cell, ward in zip(categories, agencies, cells, wards, strict=True):
        for place in filter(None, (_AREA_CODE, ward, cell)):
            handled.setdefault((category, place), Counter())[agency] += 1
        above[cell] = ward
    said: dict[tuple[str, str], str] = {}
    # The code of the city is shorter than that of a ward, and that shorter than a block group's.
    for category, place in sorted(handled, key=lambda key: (key[0], len(key[1]), key[1])):
        ward, city = (category, above.get(place, "")), (category, _AREA_CODE)
        inherited = said.get(ward) or said.get(city)
        counted = handled[category, place]
        most = _most(counted)
        if most == inherited or (inherited and counted.total() < LEAST):
            continue
        said[category, place] = most
        kind = "event" if category else ""
        duty = {"party_name": most, "role": role, "class_kind": kind, "class_name": category}
        yield duty | {"place_code": place}


def _most(counted: Counter[str]) -> str:
    """Return the agency with the most requests, of several the first by name."""
    return min(counted, key=lambda agency: (-counted[agency], agency))


def _flat(lng: Floats, lat: Floats) -> Any:
    """Return points whose distances compare as on the ground, in a city as small as this one."""
    return shapely.points(lng * np.cos(np.radians(_LATITUDE)), lat)


def _table(path: Path, rows: Sequence[Duty]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
