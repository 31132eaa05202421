"""Cells that take the place of others: division, union, their day, their story, and the way back."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import survey
from cli_city import gridcity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from survey import BEIXINCANG, HAIYUNCANG, SIDE, SOUTH, WEST, about, balance, column, features, rules

from gridcity import City
from gridcity.chronicle import Event
from gridcity.errors import ArgumentError, SourceError
from gridcity.importing import Import
from gridcity.profile import parse_profile

TODAY = date.today()
DAY = "2026-03-01"
BEFORE = "2026-02-28"
COLUMNS = ("cell_code", "overlap")
DONGCHENG = Path(__file__).parents[1].parent / "shared" / "data" / "dongcheng"

# Quarters of a square: the lines of a grid on which every shape of these tests stands exactly.
QUARTERS = 4


def atom(i: int, j: int, *, east: int = 1, north: int = 1) -> shapely.Polygon:
    """A box of so many half squares, by the number of its south-western one."""
    half = SIDE / 2
    xs, ys = (WEST + i * half, WEST + (i + east) * half), (SOUTH + j * half, SOUTH + (j + north) * half)
    return shapely.box(xs[0], ys[0], xs[1], ys[1])


def middle(i: int, j: int) -> tuple[float, float]:
    return WEST + (i + 0.5) * SIDE / 2, SOUTH + (j + 0.5) * SIDE / 2


def build(folder: Path) -> Path:
    """A city of two communities with two cells of 2 by 2 half squares each: 001 north, 002 south."""
    with City.create(folder / "city.gpkg", survey.profile()) as city:
        survey.areas(city, folder)
        rows = [{"shape": atom(i, j, east=2, north=2), "note": f"{i}{j}"} for i in (0, 2) for j in (0, 2)]
        city.import_cells(features(folder / "cells.geojson", rows), number=True)
    return folder / "city.gpkg"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def city(built: Path, tmp_path: Path) -> Iterator[City]:
    with City.open(shutil.copy(built, tmp_path / "city.gpkg")) as opened:
        yield opened


WESTERN = {"shape": atom(0, 2, east=1, north=2)}
EASTERN = {"shape": atom(1, 2, east=1, north=2)}
OLD, SOUTHERN = f"{HAIYUNCANG}001", f"{HAIYUNCANG}002"
PARTS = (f"{HAIYUNCANG}003", f"{HAIYUNCANG}004")


def replaced(
    city: City, folder: Path, *rows: Mapping[str, Any], replaces: Any = OLD, on: Any = DAY, **more: Any
) -> Import:
    """Import rows in the place of cells; by default the northern cell of Haiyuncang, divided in two."""
    path = features(folder / "parts.geojson", rows or (WESTERN, EASTERN))
    return city.import_cells(path, replaces=replaces, on=on, **{"number": True} | more)


def found_at(city: City, day: str) -> set[str]:
    return {code for (code,) in city.store.rows("cells", ("code",), on=day)}


# What becomes of the cells.


def test_a_cell_is_divided(city: City, tmp_path: Path) -> None:
    """The old one ends on the day, the new ones begin on it with new codes; the import says who is where."""
    result = replaced(city, tmp_path)
    assert balance(result) == (2, 0, 0, 0)
    assert rules(result) == {}
    columns = ("code", "since", "until")
    assert city.store.rows("cells", columns, {"code": [OLD, *PARTS]}) == [
        (OLD, "", DAY),
        (PARTS[0], DAY, ""),
        (PARTS[1], DAY, ""),
    ]
    others = {SOUTHERN, f"{BEIXINCANG}001", f"{BEIXINCANG}002"}
    assert found_at(city, BEFORE) == {OLD, *others}
    assert found_at(city, DAY) == found_at(city, TODAY.isoformat()) == {*PARTS, *others}
    assert result.replaced is not None
    assert (result.replaced.on, dict(result.replaced.successors)) == (DAY, {OLD: PARTS})


def test_several_cells_become_one(city: City, tmp_path: Path) -> None:
    """Two cells end, one begins; today is the day where none is given."""
    whole = {"shape": atom(0, 0, east=2, north=4)}
    result = replaced(city, tmp_path, whole, replaces=(OLD, SOUTHERN), on=None)
    assert (balance(result), rules(result)) == ((1, 0, 0, 0), {})
    rows = city.store.rows("cells", ("code", "since", "until"))
    assert [row for row in rows if row[1] or row[2]] == [
        (SOUTHERN, "", TODAY.isoformat()),
        (OLD, "", TODAY.isoformat()),
        (PARTS[0], TODAY.isoformat(), ""),
    ]


def test_many_become_others(city: City, tmp_path: Path) -> None:
    """Two in a row become three: each old one names those that have ground of it, and no others."""
    thirds = [{"shape": shapely.union(atom(0, j, east=2), atom(0, j, east=2))} for j in (3, 0)]
    thirds.insert(1, {"shape": atom(0, 1, east=2, north=2)})
    result = replaced(city, tmp_path, *thirds, replaces=[SOUTHERN, OLD])
    assert rules(result) == {}
    new = [f"{HAIYUNCANG}{n:03d}" for n in (3, 4, 5)]
    assert result.replaced is not None
    assert dict(result.replaced.successors) == {SOUTHERN: (new[1], new[2]), OLD: (new[0], new[1])}


def test_points_are_found_in_the_cells_of_their_day(city: City, tmp_path: Path) -> None:
    """Singly and in bulk: the day before exactly the old cell, from the day on exactly the new ones."""
    replaced(city, tmp_path)
    places = [middle(0, 3), middle(1, 3)]
    expected = {
        "1999-12-31": (OLD, OLD),
        BEFORE: (OLD, OLD),
        DAY: PARTS,
        "2026-03-02": PARTS,
        TODAY.isoformat(): PARTS,
        None: PARTS,
        "2999-12-31": PARTS,
    }
    lng, lat = (list(axis) for axis in zip(*places, strict=True))
    for day, codes in expected.items():
        single = [city.locate(*place, as_of=day) for place in places]
        assert tuple(one.cell_code for one in single) == codes
        assert {(one.basis, one.overlap) for one in single} == {("inside", False)}
        many = city.locate_many(lng, lat, as_of=day, columns=COLUMNS)
        assert tuple(many["cell_code"]) == codes
        assert not many["overlap"].any()


def test_components_are_placed_anew(city: City, tmp_path: Path) -> None:
    """A lamp in the divided cell stands in the new one around it; an undo gives it the old one back."""
    lamps = [{"class_name": "路灯", "shape": shapely.Point(middle(i, 3))} for i in (0, 1)]
    city.import_components(features(tmp_path / "lamps.geojson", lamps))
    codes = dict(city.store.rows("cells", ("code", "fid")))
    assert column(city, "components", "cell_id") == [codes[OLD]] * 2
    replaced(city, tmp_path)
    codes = dict(city.store.rows("cells", ("code", "fid")))
    assert column(city, "components", "cell_id") == [codes[PARTS[0]], codes[PARTS[1]]]
    city.undo()
    assert column(city, "components", "cell_id") == [codes[OLD]] * 2


def test_an_undo_takes_the_whole_replacement_back(city: City, tmp_path: Path) -> None:
    """The old cell is open again, the new ones gone; done once more it gives codes that were never given."""
    before = survey.contents(city, "cells")
    replaced(city, tmp_path)
    undone = city.undo()
    assert (undone.removed, undone.restored) == ({"cells": 2}, {"cells": 1})
    assert survey.contents(city, "cells") == before
    result = replaced(city, tmp_path)
    assert result.replaced is not None
    assert result.replaced.successors[OLD] == (f"{HAIYUNCANG}005", f"{HAIYUNCANG}006")


def test_a_dry_run_says_the_same_and_writes_nothing(city: City, tmp_path: Path) -> None:
    before = city.path.read_bytes()
    dry = replaced(city, tmp_path, dry_run=True)
    assert city.path.read_bytes() == before
    assert replaced(city, tmp_path).replaced == dry.replaced


# What is refused.


def test_what_cannot_be_replaced_is_refused(city: City, tmp_path: Path) -> None:
    """Unknown, an area, ended, twice, a day that does not fit: a sentence each, and nothing is written."""
    city.retire(f"{BEIXINCANG}001", "2026-01-01")
    survey.changed_by_hand(city, "cells", [1], since="2025-06-01")
    (younger,) = city.store.rows("cells", ("code",), {"fid": 1})[0]
    tomorrow = (TODAY + timedelta(days=1)).isoformat()
    before = city.path.read_bytes()
    for codes, on, said in (
        ([f"{HAIYUNCANG}009"], DAY, f"No cell of this city has the code '{HAIYUNCANG}009'"),
        (["１１０１０１００５００１００１"], DAY, f"The nearest code is {OLD}"),
        (["1"], DAY, f"No cell of this city has the code '1'.* The nearest code is {OLD}"),
        ([""], DAY, "No cell of this city has the code ''"),
        ([HAIYUNCANG], DAY, f"{HAIYUNCANG} is an area, and only cells are replaced"),
        ([f"{BEIXINCANG}001"], DAY, f"{BEIXINCANG}001 has its end already, 2026-01-01. Nothing was changed"),
        ([OLD, SOUTHERN, f" {OLD}"], DAY, f"The cell '{OLD}' is named twice"),
        (OLD, tomorrow, "has not come yet"),
        (OLD, "2026-02-30", "is not a date"),
        (younger, "2025-05-31", "began on 2025-06-01; it cannot be replaced on 2025-05-31"),
        ((), DAY, "on is the day of a replacement"),
    ):
        with pytest.raises(ArgumentError, match=said) as caught:
            replaced(city, tmp_path, replaces=codes, on=on)
        assert caught.value.hint
    assert city.path.read_bytes() == before
    # On its first day a cell may give way: then it was never there.
    replaced(city, tmp_path, {"shape": atom(0, 0, east=2, north=2)}, replaces=younger, on="2025-06-01")


def test_the_same_file_twice_changes_nothing(city: City, tmp_path: Path) -> None:
    """With --replaces the second time is refused, for the cell has ended; without it nothing differs."""
    named = [row | {"initial_date": "", "id": str(i)} for i, row in enumerate((WESTERN, EASTERN))]
    replaced(city, tmp_path, *named, key="id")
    before = city.path.read_bytes()
    with pytest.raises(ArgumentError, match=f"{OLD} has its end already, {DAY}") as caught:
        replaced(city, tmp_path, *named, key="id")
    assert (caught.value.code, caught.value.hint) == (
        "E_ENDED",
        f"What became of it: gridcity history {OLD}",
    )
    assert city.path.read_bytes() == before
    for options in ({}, {"number": True}, {"key": "id"}):
        again = city.import_cells(tmp_path / "parts.geojson", **options)
        assert (balance(again), rules(again)) == ((0, 0, 2, 0), {})


def test_the_first_survey_imported_again_brings_no_ended_cell_back(city: City, tmp_path: Path) -> None:
    """The file of which the divided cell came finds it ended and leaves all as it is."""
    rows = [{"shape": atom(i, j, east=2, north=2), "note": f"{i}{j}"} for i in (0, 2) for j in (0, 2)]
    replaced(city, tmp_path)
    before = survey.contents(city, "cells")
    again = city.import_cells(features(tmp_path / "cells.geojson", rows), number=True)
    assert (balance(again), rules(again)) == ((0, 0, 4, 0), {})
    assert survey.contents(city, "cells") == before


def test_a_cell_that_is_whole_again_is_the_current_one(city: City, tmp_path: Path) -> None:
    """Divided and made one again: a later file with that shape or key means the cell that is there now."""
    first = {"shape": atom(0, 2, east=2, north=2), "id": "7"}
    city.import_cells(features(tmp_path / "keyed.geojson", [first]), key="id")
    replaced(city, tmp_path)
    whole = replaced(city, tmp_path, first, replaces=PARTS, on=None, key="id")
    assert (balance(whole), rules(whole)) == ((1, 0, 0, 0), {})
    for options in ({}, {"key": "id"}):
        row = first | {"name": f"new {len(options)}"}
        later = city.import_cells(features(tmp_path / "later.geojson", [row]), **options)
        assert (balance(later), rules(later, "column-unused")) == ((0, 1, 0, 0), {})
        named = city.store.rows("cells", ("code",), {"name": row["name"]})
        assert named == [(f"{HAIYUNCANG}005",)]


@pytest.mark.parametrize(
    "wrong, reason",
    [
        ({"code": OLD}, rf"the code '{OLD}' was retired on {DAY} and is never given again"),
        ({"code": f"{BEIXINCANG}001"}, "was retired on 2026-01-01"),
        ({"code": SOUTHERN}, SOUTHERN),
        ({"initial_date": "20260302"}, "the row says 2026-03-02, but the new cells begin on 2"),
        ({"end_date": "20260401"}, "2026-04-01"),
        ({"shape": shapely.Point(middle(0, 0))}, "where a polygon is needed"),
    ],
)
def test_a_row_that_cannot_be_a_new_cell_refuses_the_file(
    city: City, tmp_path: Path, wrong: dict[str, Any], reason: str
) -> None:
    """A code of an ended, a replaced or another cell, another first day, an end, no polygon: no hole."""
    city.retire(f"{BEIXINCANG}001", "2026-01-01")
    before = city.path.read_bytes()
    with pytest.raises(SourceError, match=rf"1 of 2 rows cannot be taken.* row 2: .*{reason}") as caught:
        replaced(city, tmp_path, WESTERN, EASTERN | wrong)
    assert caught.value.hint and caught.value.message.endswith("Nothing was changed.")
    assert city.path.read_bytes() == before


def test_a_new_cell_may_bring_its_code_and_first_day(city: City, tmp_path: Path) -> None:
    """A code of its own is kept, and the next serial lies above it."""
    own = {"initial_date": "20260301", "code": f"{HAIYUNCANG}017"}
    replaced(city, tmp_path, WESTERN | own, EASTERN | own | {"code": f"{HAIYUNCANG}016"})
    assert {code for (code,) in city.store.rows("cells", ("code",), {"since": DAY})} == {
        f"{HAIYUNCANG}016",
        f"{HAIYUNCANG}017",
    }
    more = replaced(city, tmp_path, replaces=SOUTHERN, allow_overlaps=True)
    assert more.replaced is not None
    assert city.store.rows("cells", ("code",))[-2:] == [(f"{HAIYUNCANG}018",), (f"{HAIYUNCANG}019",)]


def test_ground_that_is_lost_or_won_is_named(city: City, tmp_path: Path) -> None:
    """Square metres of the old in no new cell, and of the new outside the old; rounded vertices are none."""
    narrow = {"shape": atom(1, 2)}
    wide = {"shape": shapely.box(WEST - SIDE, SOUTH + SIDE, WEST + SIDE / 2, SOUTH + 2 * SIDE)}
    result = replaced(city, tmp_path, narrow, wide)
    (message,) = about(result, "cell-replaced-area").values()
    quarter, beyond = 9491.0 / 4, 9491.0
    figures = [float(text.split(" m²")[0]) for text in message.split(", and ")]
    assert figures == pytest.approx([quarter, beyond], rel=0.001)
    city.undo()
    shaken = [{"shape": shapely.transform(row["shape"], lambda xy: xy + 2e-11)} for row in (WESTERN, EASTERN)]
    assert rules(replaced(city, tmp_path, *shaken)) == {}


def test_new_cells_overlap_neither_neighbours_nor_one_another(city: City, tmp_path: Path) -> None:
    """The replaced cell is in nobody's way, its neighbours are, also one that ended after the day."""
    wide = {"shape": atom(0, 1, east=2, north=3)}
    with pytest.raises(
        SourceError, match=rf"row 1 \(\d+\) and cell {SOUTHERN} of the city by 4745"
    ) as caught:
        replaced(city, tmp_path, wide)
    assert caught.value.code == "E_OVERLAP"
    with pytest.raises(SourceError, match=r"row 1 .*and row 2"):
        replaced(city, tmp_path, WESTERN, {"shape": atom(0, 2, east=2, north=2)})
    city.retire(SOUTHERN, "2026-03-02")
    with pytest.raises(SourceError, match=rf"row 1 .*and cell {SOUTHERN} of the city"):
        replaced(city, tmp_path, wide)
    city.undo()
    city.retire(SOUTHERN, DAY)
    taken = replaced(city, tmp_path, wide)
    assert rules(taken) == {"cell-replaced-area": 1}


# Duties.


def test_duties_at_a_replaced_cell_are_named(city: City, tmp_path: Path) -> None:
    """Those that go on after the day, each party once; nothing is carried over."""
    add_duties(city, ("甲", "", ""), ("甲", "2020-01-01", ""), ("乙", "", DAY), ("丙", "", "2026-03-02"))
    result = replaced(city, tmp_path)
    said = [f.message for f in result.findings if f.rule == "duty-place-ended"]
    heirs = ", ".join(PARTS)
    assert said == [
        f"the duty of {party} stands at {OLD}, which ended on {DAY}; in its place: {heirs}"
        for party in ("甲", "丙")
    ]
    assert {place for (place,) in city.store.rows("duties", ("place_code",))} == {OLD}
    assert city.log()[0].warnings == 2


def add_duties(city: City, *duties: tuple[str, str, str]) -> None:
    """Duties of parties at the northern cell, with their first days and ends."""
    names, since, until = zip(*duties, strict=True)
    n = len(duties)
    rows = {"party_name": names, "role": ["handler"] * n, "place_code": [OLD] * n}
    with city.store.transaction() as tx:
        tx.insert("duties", rows | {"since": since, "until": until, "receipt": [1] * n})


# The story.


def told(events: tuple[Event, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(event.kind, event.others) for event in events]


def test_both_sides_tell_the_story(city: City, tmp_path: Path) -> None:
    """The old cell names its successors, the new ones whose place they took; undone, it is told as well."""
    replaced(city, tmp_path)
    assert told(city.history(OLD)) == [("added", ()), ("replaced", PARTS)]
    assert [c.field for c in city.history(OLD)[1].changes] == ["until"]
    assert told(city.history(PARTS[1])) == [("added", (OLD,))]
    replaced(city, tmp_path, {"shape": atom(0, 0, east=2, north=4)}, replaces=[*PARTS, SOUTHERN], on=TODAY)
    new = f"{HAIYUNCANG}005"
    assert told(city.history(PARTS[0])) == [("added", (OLD,)), ("replaced", (new,))]
    assert set(city.history(new)[0].others) == {*PARTS, SOUTHERN}
    city.undo()
    assert told(city.history(SOUTHERN)) == [("added", ()), ("replaced", (new,)), ("restored", ())]
    assert [event.kind for event in city.history(new)] == ["added", "taken back"]
    city.retire(SOUTHERN, TODAY)
    assert told(city.history(SOUTHERN))[-1] == ("retired", ())


def test_cells_without_a_code_are_told_by_their_id(city: City, tmp_path: Path) -> None:
    """A successor without a code is `id 5`, and by its code once it has one."""
    result = replaced(city, tmp_path, number=False)
    ids = ("id 5", "id 6")
    assert result.replaced is not None and result.replaced.successors == {OLD: ids}
    assert city.history(OLD)[1].others == ids
    city.import_cells(tmp_path / "parts.geojson", number=True)
    assert city.history(OLD)[1].others == PARTS
    assert told(city.history(PARTS[0])) == [("added", (OLD,)), ("changed", ())]


def test_the_command_line_replaces_and_tells(built: Path, tmp_path: Path) -> None:
    """Import, history and log say in words what took the place of what; JSON has the same."""
    path = shutil.copy(built, tmp_path / "city.gpkg")
    parts = features(tmp_path / "parts.geojson", [WESTERN, EASTERN])
    line = ("import", "cells", parts, "--replaces", OLD, "--on", DAY, "--number", "--city", path)
    dry = json.loads(gridcity(*line, "--dry-run", "--format", "json").stdout)
    assert dry["replaced"] == {"on": DAY, "cells": {OLD: list(PARTS)}}
    result = gridcity(*line)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-2:] == [f"replaced on {DAY}", f"  {OLD} by {', '.join(PARTS)}"]
    history = gridcity("history", OLD, "--city", path).stdout.splitlines()
    assert history[-2].endswith(f"  replaced by {PARTS[0]}, {PARTS[1]}  (receipt 4: parts.geojson)")
    assert history[-1] == f"  until  {DAY}"
    first = gridcity("history", PARTS[0], "--city", path).stdout.splitlines()[1]
    assert first.endswith(f"  added in the place of {OLD}  (receipt 4: parts.geojson)")
    events = json.loads(gridcity("history", PARTS[0], "--city", path, "--format", "json").stdout)
    assert events[0]["others"] == [OLD]
    log = gridcity("log", "--city", path).stdout.splitlines()
    assert log[2].endswith("cells replaced: 1")
    assert json.loads(gridcity("log", "--city", path, "--format", "json").stdout)[0]["replaced"] == 1
    again = gridcity(*line)
    assert again.exit_code == 3
    assert f"The cell {OLD} has its end already, {DAY}. Nothing was changed." in again.stderr
    alone = gridcity("import", "cells", parts, "--on", DAY, "--city", path)
    assert (alone.exit_code, "--on goes with --replaces." in alone.stderr) == (2, True)


# Any sequence.


@dataclass(slots=True)
class Ground:
    """What should be there: cells as sets of atoms with code, first day and end."""

    cells: list[tuple[frozenset[tuple[int, int]], str, str, str]] = field(default_factory=list)

    def at(self, place: tuple[int, int], day: str) -> str:
        """The code of the one cell that is valid there."""
        (code,) = [
            code
            for atoms, code, since, until in self.cells
            if place in atoms and since <= day and (not until or day < until)
        ]
        return code


ATOMS = [(i, j) for i in range(QUARTERS) for j in range(QUARTERS)]
DAYS = [(date(2026, 1, 1) + timedelta(days=i)).isoformat() for i in range(0, 20, 3)]


def first_ground(city: City) -> Ground:
    codes = dict(city.store.rows("cells", ("note", "code")))
    return Ground(
        [
            (frozenset((i + a, j + b) for a in (0, 1) for b in (0, 1)), codes[f"{i}{j}"], "", "")
            for i in (0, 2)
            for j in (0, 2)
        ]
    )


def step(city: City, ground: Ground, folder: Path, draw: Any) -> Ground:
    """Replace some cells by others on a day, and return what is there then."""
    current = [cell for cell in ground.cells if not cell[3]]
    chosen = draw(st.lists(st.sampled_from(current), min_size=1, max_size=3, unique_by=lambda cell: cell[1]))
    first = max(cell[2] for cell in chosen)
    day = draw(st.sampled_from([day for day in DAYS if day >= first]))
    atoms = sorted(frozenset().union(*(cell[0] for cell in chosen)))
    groups: dict[int, list[tuple[int, int]]] = {}
    for place in atoms:
        groups.setdefault(draw(st.integers(0, 2)), []).append(place)
    rows = [
        {"shape": shapely.union_all([atom(*place) for place in group]), "note": str(number)}
        for number, group in groups.items()
    ]
    codes = [cell[1] for cell in chosen]
    result = city.import_cells(features(folder / "parts.geojson", rows), replaces=codes, on=day, number=True)
    assert (balance(result), rules(result)) == ((len(rows), 0, 0, 0), {})
    new = city.store.rows("cells", ("note", "code"), {"receipt": result.receipt.id, "until": ""})
    given = dict(new)
    ended = [(*cell[:3], day) if cell in chosen else cell for cell in ground.cells]
    begun = [(frozenset(group), given[str(number)], day, "") for number, group in groups.items()]
    return Ground([*ended, *begun])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_day_has_one_cell_at_every_place(built: Path, data: st.DataObject) -> None:
    """After any divisions and unions on any days, undone now and then, and never a code twice."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with City.open(shutil.copy(built, folder / "city.gpkg")) as city:
            states = [first_ground(city)]
            ever = {code for _, code, _, _ in states[0].cells}
            for _ in range(data.draw(st.integers(1, 5))):
                if len(states) > 1 and data.draw(st.integers(0, 3)) == 0:
                    states.pop()
                    city.undo()
                    continue
                states.append(step(city, states[-1], folder, data.draw))
                new = {code for _, code, _, _ in states[-1].cells} - {c for _, c, _, _ in states[-2].cells}
                assert not new & ever
                ever |= new
            lng, lat = (np.array(axis) for axis in zip(*(middle(*place) for place in ATOMS), strict=True))
            around = [date.fromisoformat(day) - timedelta(days=1) for day in DAYS]
            for day in sorted({*DAYS, *(d.isoformat() for d in around), TODAY.isoformat()}):
                found = city.locate_many(lng, lat, as_of=day, columns=COLUMNS)
                assert list(found["cell_code"]) == [states[-1].at(place, day) for place in ATOMS]
                assert not found["overlap"].any()
                single = city.locate(lng[5], lat[5], as_of=day)
                assert single.cell_code == states[-1].at(ATOMS[5], day)
            assert sorted(column(city, "cells", "code")) == sorted(c for _, c, _, _ in states[-1].cells)


# Real parcels.


@pytest.mark.skipif(not DONGCHENG.is_dir(), reason="the real data of Dongcheng are not here")
def test_real_parcels_are_divided_and_made_one(tmp_path: Path) -> None:
    """A parcel of Beixinqiao cut by a line, and two neighbours made one, lose and win no ground."""
    profile = parse_profile('[city]\nname = "东城区"\narea_code = "110101"\n')
    with City.create(tmp_path / "city.gpkg", profile) as city:
        for name, level in (("streets_17", "street"), ("beixinqiao_communities_12", "community")):
            city.import_areas(DONGCHENG / f"{name}_gcj02.geojson", level=level, datum="gcj02")
        parcels = DONGCHENG / "land_parcels_gcj02.geojson"
        city.import_cells(parcels, number=True, allow_overlaps=True, datum="gcj02")
        cells = city.store.columns("cells", ("code", "geom"))
        coded = np.flatnonzero((cells["code"] != "") & (shapely.get_num_geometries(cells["geom"]) == 1))
        at = coded[np.argmax(shapely.area(cells["geom"][coded]))]
        west, south, east, north = cells["geom"][at].bounds
        cut = shapely.LineString([((west + east) / 2, south - 1), ((west + east) / 2, north + 1)])
        parts = shapely.get_parts(
            shapely.get_parts(shapely.polygonize([shapely.union(cells["geom"][at].boundary, cut)]))
        )
        parts = [part for part in parts if cells["geom"][at].buffer(1e-9).contains(part)]
        divided = replaced(city, tmp_path, *({"shape": p} for p in parts), replaces=cells["code"][at])
        assert (balance(divided)[0], rules(divided)) == (len(parts), {}) and len(parts) > 1
        first, second = neighbours(cells["geom"], coded, at)
        whole = {"shape": shapely.union(cells["geom"][first], cells["geom"][second])}
        codes = [cells["code"][first], cells["code"][second]]
        made_one = replaced(city, tmp_path, whole, replaces=codes)
        assert (balance(made_one), rules(made_one)) == ((1, 0, 0, 0), {})
        inside = shapely.point_on_surface(cells["geom"][[at, first, second]])
        found = {
            day: list(city.locate_many(inside, as_of=day, columns=COLUMNS)["cell_code"])
            for day in (BEFORE, DAY)
        }
        assert found[BEFORE] == [cells["code"][at], *codes]
        assert made_one.replaced is not None
        assert set(found[DAY][1:]) == set(made_one.replaced.successors[codes[0]])
        assert found[DAY][0] not in {"", cells["code"][at]}


def neighbours(shapes: Any, coded: Any, but: int) -> tuple[int, int]:
    """Two parcels with the longest border in common."""
    one, other = shapely.STRtree(shapes[coded]).query(shapes[coded], predicate="touches")
    free = (coded[one] != but) & (coded[other] != but)
    pairs = coded[one[free]], coded[other[free]]
    border = shapely.length(shapely.intersection(shapes[pairs[0]], shapes[pairs[1]]))
    longest = int(np.argmax(border))
    return int(pairs[0][longest]), int(pairs[1][longest])
