"""What happened, and the way back: log, history, undo, retire."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
import survey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_store_places import make_former
from tiny_city import (
    CODES,
    COMMUNITY_1,
    EDITION,
    LAMP,
    SIDE,
    STREET,
    add,
    array,
    box,
    columns,
    component,
    empty_city,
    point,
    tiny_city,
)

from gridcity.chronicle import Event, code_hint, latest
from gridcity.city import City
from gridcity.errors import AmbiguousCodeError, ArgumentError, StoreError
from gridcity.store.connection import YOUNGER_INDEX
from gridcity.store.geopackage import LAYERS

TODAY = date.today()
OBJECTS = ("areas", "cells", "components", "parties", "duties")


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with tiny_city(tmp_path / "city.gpkg") as city:
        yield city


def raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def state(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything but the records of what happened: objects, boxes, registered extents, metadata, schema."""
    connection = raw(path)
    sql = {table: f"SELECT * FROM {table} ORDER BY fid" for table in (*OBJECTS, "gridcity_meta")}
    sql |= {f"{layer} boxes": f"SELECT * FROM rtree_{layer}_geom ORDER BY id" for layer in LAYERS}
    sql["extents"] = "SELECT table_name, min_x, min_y, max_x, max_y FROM gpkg_contents ORDER BY table_name"
    sql["schema"] = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
    found = {name: connection.execute(statement).fetchall() for name, statement in sql.items()}
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    return found


def written(city: City, *names: str, **options: object) -> int:
    """Open a receipt, as an import does, and return its number; ``names`` are source and kind."""
    row = dict(zip(("source", "kind"), names, strict=False)) | {"options": json.dumps(options)}
    return add(city, "receipts", row)[0]


# Undo.


class Writer:
    """Writes of many kinds into a tiny city, as hypothesis draws them."""

    def __init__(self, city: City, draw: st.DrawFn) -> None:
        self.city, self.draw, self.next = city, draw, 0

    def whole(self) -> None:
        """One transaction with one receipt, or a delivery of two."""
        with self.city.store.transaction() as tx:
            first = None
            for _ in range(self.draw(st.integers(1, 2))):
                options = {} if first is None else {"delivery": first}
                (number,) = tx.insert("receipts", columns("receipts", [{"options": json.dumps(options)}]))
                first = first or int(number)
                for step in self.draw(st.lists(st.sampled_from(STEPS), max_size=4)):
                    step(self, tx, int(number))

    def some(self, tx: Any, table: str) -> list[int]:
        ids = [fid for (fid,) in tx.rows(table, ("fid",))]
        return self.draw(st.lists(st.sampled_from(ids), unique=True, max_size=5)) if ids else []

    def places(self, n: int) -> list[shapely.Geometry]:
        spots = [(self.draw(st.integers(0, 11)) / 2, self.draw(st.integers(0, 7)) / 2) for _ in range(n)]
        return [point(*spot) if self.draw(st.booleans()) else box(*spot, 0.5, 0.5) for spot in spots]

    def add_components(self, tx: Any, number: int) -> None:
        rows = []
        for shape in self.places(self.draw(st.integers(1, 4))):
            self.next += 1
            text = self.draw(st.text(st.characters(codec="utf-8"), max_size=5))
            code = f"{110101010370000000 + self.next}" if self.draw(st.booleans()) else ""
            rows.append(component(LAMP, shape, code=code, name=text, cell_id=1, receipt=number))
        tx.insert("components", columns("components", rows))

    def move_components(self, tx: Any, number: int) -> None:
        ids = self.some(tx, "components")
        n = len(ids)
        if n:
            changed = {"geom": array(self.places(n)), "note": ["moved"] * n, "receipt": [number] * n}
            tx.update("components", ids, changed)

    def swap_codes(self, tx: Any, number: int) -> None:
        ids = self.some(tx, "components")
        codes = dict(tx.rows("components", ("fid", "code"), {"fid": ids}))
        tx.update("components", ids, {"code": [""] * len(ids)})
        turned = [codes[i] for i in ids[1:] + ids[:1]]
        tx.update("components", ids, {"code": turned, "receipt": [number] * len(ids)})

    def add_cells(self, tx: Any, number: int) -> None:
        shapes = [box(self.draw(st.integers(0, 5)), 2) for _ in range(self.draw(st.integers(1, 2)))]
        rows = [{"geom": shape, "area_m2": 912345.67, "street_id": 2, "receipt": number} for shape in shapes]
        new = tx.insert("cells", columns("cells", rows)).tolist()
        # What follows from an import has no receipt of its own in the rows.
        stand = self.some(tx, "components")
        tx.update("components", stand, {"cell_id": [new[0]] * len(stand)})

    def end_cells(self, tx: Any, number: int) -> None:
        ids = self.some(tx, "cells")
        tx.update("cells", ids, {"until": ["2026-03-01"] * len(ids), "receipt": [number] * len(ids)})

    def add_areas(self, tx: Any, number: int) -> None:
        rows = [{"name": "社区", "parent_id": 1, "geom": box(4, 2), "receipt": number}]
        (new,) = tx.insert("areas", columns("areas", rows)).tolist()
        tx.update("areas", [new], {"parent_id": [2]})
        moved = self.some(tx, "cells")
        tx.update("cells", moved, {"community_id": [new] * len(moved)})

    def add_parties(self, tx: Any, number: int) -> None:
        tx.insert("parties", columns("parties", [{"name": "甲", "aliases": '"', "receipt": number}]))
        tx.insert("duties", columns("duties", [{"place_code": STREET, "priority": 3, "receipt": number}]))
        tx.raise_serial("p", number)


STEPS = [step for name, step in vars(Writer).items() if name.split("_")[0] in ("add", "move", "swap", "end")]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_undo_goes_back_through_every_state(data: st.DataObject) -> None:
    """After any writes, each undo gives the state before the latest of them, back to the empty city."""
    with tempfile.TemporaryDirectory() as folder, tiny_city(Path(folder) / "city.gpkg") as city:
        writer = Writer(city, data.draw)
        states = [state(city.path)]
        for _ in range(data.draw(st.integers(1, 4))):
            writer.whole()
            states.append(state(city.path))
        undos = data.draw(st.integers(1, len(states) - 1))
        for expected in states[-2 : -undos - 2 : -1]:
            undone = city.undo()
            assert state(city.path) == expected
            assert city.store.rows("serials", ("prefix",)) == [("p",)] or not city.store.count("serials")
            assert [r.id for r in undone.undid] == sorted(r.id for r in undone.undid)
        # What was written after an undo is the latest again.
        writer.whole()
        city.undo()
        assert state(city.path) == states[-undos - 1]
        assert len(city.log()) == city.store.count("receipts")


def deliver(city: City, folder: Path, what: str) -> None:
    """One import of the real kind, or an end."""
    lamps = [{"class_name": "路灯", "shape": survey.spot(x, 0.5)} for x in (0.2, 0.5, 0.9, 1.5, 1.9)]
    if what == "areas":
        wider = {"shape": survey.square(0, 0, 1.5, 2), "code": survey.HAIYUNCANG, "name": "海运仓社区"}
        other = {"shape": survey.square(2, 0, 1, 2), "code": survey.STREET + "003", "name": "东四社区"}
        city.import_areas(survey.features(folder / "a.geojson", [wider, other]))
    elif what == "cells":
        rows = [{"shape": survey.square(2, row), "note": f"2{row}"} for row in (0, 1)]
        city.import_cells(survey.features(folder / "c.geojson", rows), number=True)
    elif what == "ended cells":
        (code,) = city.store.rows("cells", ("code",), {"fid": 1})[0]
        row = {"shape": survey.square(0, 0), "code": code, "end_date": "2026-01-01"}
        city.import_cells(survey.features(folder / "e.geojson", [row]))
    elif what == "lamps":
        city.import_components(survey.features(folder / "l.geojson", lamps))
    elif what == "more lamps":
        more = [row | {"state": "破损"} for row in lamps[:3]]
        more += [{"class_name": "路灯", "state": "完好", "shape": survey.spot(2.5, 1.5)}]
        city.import_components(survey.features(folder / "m.geojson", more))
    elif what == "parties":
        city.import_parties(survey.table(folder / "p.csv", [{"name": "样例排水公司", "kind": "company"}]))
    else:
        open_cells = city.store.rows("cells", ("code",), {"until": ""})
        city.retire(open_cells[0][0], TODAY)


KINDS = ("areas", "cells", "ended cells", "lamps", "more lamps", "parties", "retire")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    survey.built(folder).close()
    return folder / "city.gpkg"


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
def test_imports_are_taken_back_one_by_one(built: Path, sequence: list[str]) -> None:
    """Whatever was imported and ended, in any order: each undo gives the state before the latest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(built, folder / "city.gpkg")
        with City.open(folder / "city.gpkg") as city:
            states = []
            for what in sequence:
                states.append(state(city.path))
                deliver(city, folder, what)
            for before in reversed(states):
                city.undo()
                assert state(city.path) == before


def test_a_code_once_given_is_not_given_again_after_an_undo(built: Path, tmp_path: Path) -> None:
    """The serials that an import used stay used when it is taken back."""
    shutil.copy(built, tmp_path / "city.gpkg")
    with City.open(tmp_path / "city.gpkg") as city:
        deliver(city, tmp_path, "lamps")
        first = {code for (code,) in city.store.rows("components", ("code",))}
        city.undo()
        assert city.store.count("components") == 0
        deliver(city, tmp_path, "lamps")
        second = {code for (code,) in city.store.rows("components", ("code",))}
        assert len(first) == len(second) == 5 and not first & second


def test_an_undo_is_recorded_with_its_balance(city: City) -> None:
    """Its receipt says what it took back and how many objects differ; the rows' images are kept."""
    number = written(city, "lamps.zip", "components")
    lamps = [component(LAMP, point(x, 1), receipt=number) for x in (0, 1)]
    add(city, "components", *lamps)
    with city.store.transaction() as tx:
        tx.update("cells", [3], {"note": ["x"]})
    undone = city.undo()
    assert (undone.removed, undone.restored, undone.dry_run) == ({"components": 2}, {"cells": 1}, False)
    assert [(r.id, r.source) for r in undone.undid] == [(number, "lamps.zip")]
    latest_entry, old, _ = city.log()
    receipt = latest_entry.receipt
    assert (receipt.id, receipt.kind, receipt.source) == (undone.receipt, "undo", f"receipt {number}")
    assert (receipt.read, receipt.added, receipt.changed, receipt.rejected) == (3, 0, 3, 0)
    assert json.loads(receipt.options)["removed"] == {"components": 2}
    assert (latest_entry.undid, latest_entry.undone_by) == ((number,), None)
    assert (old.undid, old.undone_by) == ((), undone.receipt)
    kept = city.store.rows("history", ("table_name", "object_id"), {"replaced_by": undone.receipt})
    assert sorted(kept) == [("cells", 3), ("components", 1), ("components", 2)]


def test_a_delivery_is_taken_back_whole(city: City) -> None:
    """Files that were written together are taken back together, whichever of them name the first."""
    first = written(city, "a.shp")
    others = [written(city, name, delivery=first) for name in ("b.shp", "c.shp")]
    assert [receipt.id for receipt in latest(city.store)] == [first, *others]
    undone = city.undo()
    assert [receipt.id for receipt in undone.undid] == [first, *others]
    assert [entry.undone_by for entry in city.log()[1:4]] == [undone.receipt] * 3
    assert city.log()[0].receipt.source == f"receipts {first}-{others[-1]}"


def test_a_dry_undo_writes_nothing(city: City) -> None:
    """It says what the undo would say, and the file stays as it is."""
    before = city.path.read_bytes()
    dry = city.undo(dry_run=True)
    assert city.path.read_bytes() == before
    real = city.undo()
    assert (dry.removed, dry.restored, dry.undid) == (real.removed, real.restored, real.undid)
    assert dry.removed == {"areas": 4, "cells": 7}


def test_nothing_to_undo(tmp_path: Path) -> None:
    """A city without imports, or with all of them taken back, refuses with a sentence."""
    with empty_city(tmp_path / "city.gpkg") as city:
        city.undo()
        before = city.path.read_bytes()
        with pytest.raises(StoreError, match="nothing to undo") as caught:
            city.undo()
        assert (caught.value.code, bool(caught.value.hint)) == ("E_NOTHING_TO_UNDO", True)
        assert city.path.read_bytes() == before


def test_an_undo_of_something_else_is_refused(city: City) -> None:
    """Who was shown one import does not take back another that came in the meantime."""
    shown = [receipt.id for receipt in latest(city.store)]
    written(city, "later.shp")
    before = city.path.read_bytes()
    with pytest.raises(StoreError, match="The latest receipt is 2 now"):
        city.undo(expected=shown)
    assert city.path.read_bytes() == before


@pytest.mark.parametrize("text", ["a\0b", "\\u0000", "\x01\x1f\x7f", "'\"\\/", "😀\u2028"])
def test_a_text_is_restored_as_it_was(city: City, text: str) -> None:
    """Whatever characters a text holds, an undo gives back all of them."""
    add(city, "parties", {"name": "甲", "aliases": text})
    number = written(city)
    with city.store.transaction() as tx:
        tx.update("parties", [1], {"aliases": [""], "receipt": [number]})
    city.undo()
    assert city.store.rows("parties", ("aliases", "receipt")) == [(text, 1)]


@pytest.mark.parametrize("kept", [2, 40])
def test_boxes_after_an_undo(city: City, kept: int) -> None:
    """Few boxes are left over in a new R*Tree, many in the old one: both hold what is there, triggers too."""
    add(city, "components", *(component(LAMP, point(i / 10, 1)) for i in range(kept)))
    before = state(city.path)
    number = written(city)
    add(city, "components", *(component(LAMP, point(i / 10, 2), receipt=number) for i in range(20)))
    city.undo()
    assert state(city.path) == before


# The log.


def test_case_71_the_log_follows_the_numbers_not_the_clock(city: City) -> None:
    """A clock that jumps back changes neither the order of the log nor what an undo takes back."""
    add(city, "receipts", {"at": "2026-03-02T00:00:00+00:00", "source": "first"})
    add(city, "receipts", {"at": "2020-01-01T00:00:00+00:00", "source": "second"})
    assert [entry.receipt.source for entry in city.log()] == ["second", "first", ""]
    assert city.undo().undid[0].source == "second"


def test_warnings_are_counted(city: City) -> None:
    """The log counts findings of severity warning, not errors, notes, or rules it does not know."""
    counts = {"cell-overlap": 3, "geometry-missing": 2, "column-unused": 5, "rule-of-the-future": 7}
    add(city, "receipts", {"findings": json.dumps(counts)}, {"findings": "{}"})
    assert [entry.warnings for entry in city.log()] == [0, 3, 0]


# History.


def told(events: tuple[Event, ...]) -> list[tuple[str, int, dict[str, tuple[Any, Any]]]]:
    return [
        (event.kind, event.receipt, {c.field: (c.before, c.after) for c in event.changes}) for event in events
    ]


def test_the_story_of_a_component(city: City) -> None:
    """Added, changed, moved into another cell, retired, restored: each with its fields and metres."""
    add(city, "components", component(LAMP, point(0.5, 0.5), code="11010101037000001", cell_id=3))
    for source, changes in (
        ("b.shp", {"state": ["破损"], "name": ["灯"]}),
        ("c.shp", {"geom": array([point(0.5, 1.5)]), "cell_id": [1]}),
    ):
        number = written(city, source)
        with city.store.transaction() as tx:
            tx.update("components", [1], changes | {"receipt": [number]})
    city.retire("11010101037000001", TODAY)
    city.undo()
    events = city.history(" 11010101037000001 ")
    kinds = ["added", "changed", "moved", "retired", "restored"]
    assert [event.kind for event in events] == kinds
    assert [event.receipt for event in events] == [1, 2, 3, 4, 5]
    assert [event.source for event in events] == ["", "b.shp", "c.shp", "11010101037000001", "receipt 4"]
    changes = [fields for _, _, fields in told(events)]
    assert changes[0]["cell"] == ("", CODES[3]) and changes[0]["class_code"] == ("", LAMP)
    assert changes[1] == {"name": ("", "灯"), "state": ("", "破损")}
    assert changes[2] == {"cell": (CODES[3], CODES[1])}
    assert changes[3] == {"until": ("", TODAY.isoformat())}
    assert changes[4] == {"until": (TODAY.isoformat(), "")}
    # A degree of latitude is 111.03 km here.
    assert events[2].moved_m == pytest.approx(SIDE * 111_034, rel=1e-3)
    assert [event.moved_m for event in events if event.kind != "moved"] == [None] * 4
    assert {(e.table, e.object_id, e.code, e.edition) for e in events} == {
        ("components", 1, "11010101037000001", EDITION)
    }


def test_what_was_taken_back_has_a_story(city: City) -> None:
    """Of an object that is gone the history still tells that it came and that it was taken back."""
    number = written(city, "lamps.zip")
    add(city, "components", component(LAMP, point(1, 1), code="11010101037000009", cell_id=7, receipt=number))
    city.undo()
    events = city.history("11010101037000009")
    assert [(event.kind, event.receipt) for event in events] == [("added", 2), ("taken back", 3)]
    assert told(events)[0][2]["cell"] == ("", "id 7")
    assert events[1].changes == ()


def test_one_import_is_one_event(city: City) -> None:
    """What an import adds and then puts in its place was added in that place."""
    number = written(city)
    (fid,) = add(city, "components", component(LAMP, point(1, 1), code="1", receipt=number))
    with city.store.transaction() as tx:
        tx.update("components", [fid], {"cell_id": [1]})
        tx.update("components", [fid], {"cell_id": [2]})
    (event,) = city.history("1")
    assert (event.kind, told((event,))[0][2]["cell"]) == ("added", ("", CODES[2]))


def test_the_files_of_a_delivery_are_told_apart(city: City) -> None:
    """A change is told of the file that brought it, though all receipts of the delivery came before."""
    add(city, "components", component(LAMP, point(1, 1), code="1"))
    first = written(city, "a.shp")
    written(city, "b.shp", delivery=first)
    with city.store.transaction() as tx:
        tx.update("components", [1], {"state": ["破损"], "receipt": [first]})
    city.undo()
    assert [(e.kind, e.source) for e in city.history("1")] == [
        ("added", ""),
        ("changed", "a.shp"),
        ("restored", "receipts 2-3"),
    ]


def test_every_table_with_codes_has_stories(city: City) -> None:
    """Areas, cells and parties are told too, and what was told of one code stays with its object."""
    add(city, "parties", {"code": 'P"1', "name": "甲"})
    assert [event.table for event in city.history('P"1')] == ["parties"]
    assert [event.table for event in city.history(STREET)] == ["areas"]
    (cell,) = city.history(CODES[1])
    assert told((cell,))[0][2]["community"] == ("", COMMUNITY_1)
    with city.store.transaction() as tx:
        written_number = int(tx.insert("receipts", columns("receipts", [{}]))[0])
        tx.update("cells", [5], {"code": [f"{COMMUNITY_1}099"], "receipt": [written_number]})
    given = city.history(f"{COMMUNITY_1}099")
    assert [event.kind for event in given] == ["added", "changed"]
    assert told(given)[1][2] == {"code": ("", f"{COMMUNITY_1}099")}
    with city.store.transaction() as tx:
        tx.insert("receipts", columns("receipts", [{}]))
        tx.update("cells", [5], {"code": [""]})
    assert len(city.history(f"{COMMUNITY_1}099")) == 3


def test_one_code_in_two_editions_is_two_stories(city: City) -> None:
    """Both objects are told, one after the other."""
    rows = [component(LAMP, point(1, 1), code="1101010698000005", edition=e) for e in ("a", "b")]
    add(city, "components", *rows)
    assert [(e.object_id, e.edition) for e in city.history("1101010698000005")] == [(1, "a"), (2, "b")]


def test_an_unknown_code_has_no_story_but_a_neighbour(city: City) -> None:
    """Nothing is told of a code nobody had; the code with the longest common beginning is named."""
    assert city.history("110101005001009") == city.history("") == ()
    assert code_hint(city.store, "110101005001009") == f"The nearest code is {CODES[4]}."
    assert code_hint(city.store, "1101010050020") == f"The nearest code is {CODES[6]}."
    assert code_hint(city.store, "999") == ""


# Retire.


def test_a_component_is_ended(city: City) -> None:
    """It is no longer valid from the day on, keeps its code, and the receipt says what was done."""
    add(city, "components", component(LAMP, point(1, 1), code="11010101037000001", since="2020-01-01"))
    retired = city.retire("11010101037000001", "2026-03-01")
    assert (retired.kind, retired.id, retired.until, retired.replaced) == ("component", 1, "2026-03-01", 0)
    assert city.store.rows("components", ("fid",), on="2026-02-28") == [(1,)]
    assert city.store.rows("components", ("fid",), on="2026-03-01") == []
    assert city.store.rows("components", ("code", "receipt")) == [("11010101037000001", retired.receipt)]
    receipt = city.log()[0].receipt
    assert (receipt.kind, receipt.read, receipt.changed) == ("retire", 1, 1)
    assert json.loads(receipt.options)["date"] == "2026-03-01"


def test_components_of_an_ended_cell_are_placed_anew(city: City) -> None:
    """They get the cell that lies over the place then, or none; an undo gives them the old one back."""
    add(city, "cells", {"geom": box(0, 0, 0.5, 1), "code": f"{COMMUNITY_1}050"})
    places = (0.25, 0.75)
    add(city, "components", *(component(LAMP, point(x, 0.5), cell_id=3) for x in places))
    assert city.retire(CODES[3], TODAY).replaced == 2
    assert city.store.rows("components", ("cell_id",)) == [(8,), (None,)]
    city.undo()
    assert city.store.rows("components", ("cell_id",)) == [(3,), (3,)]


def test_a_party_is_ended(city: City) -> None:
    """A party has no edition, and ends like everything else."""
    add(city, "parties", {"code": "P1", "name": "甲"})
    retired = city.retire("P1", TODAY)
    assert (retired.kind, retired.name, retired.edition) == ("party", "甲", "")
    assert city.store.rows("parties", ("until",)) == [(TODAY.isoformat(),)]


def test_what_cannot_be_ended_is_refused(city: City) -> None:
    """Areas, unknown codes, a day before the first or in the future, what has ended: nothing is written."""
    rows = [component(LAMP, point(1, 1), code="1101010698000005", edition=e) for e in ("a", "b")]
    add(city, "components", *rows, component(LAMP, point(1, 1), code="7", since="2026-02-01"))
    city.retire("7", "2026-03-01")
    add(city, "components", component(LAMP, point(1, 1), code="8", since="2026-02-01"))
    before = city.path.read_bytes()
    tomorrow = TODAY + timedelta(days=1)
    for code, day, said in (
        (STREET, TODAY, "is an area, and areas have no end"),
        ("110101005001009", TODAY, f"No component, cell or party.* The nearest code is {CODES[4]}"),
        ("", TODAY, "No component, cell or party has the code ''"),
        ("8", "2026-01-31", "began on 2026-02-01; it cannot end on 2026-01-31"),
        ("8", tomorrow, "has not come yet"),
        ("8", "2026-02-30", "is not a date"),
        ("7", TODAY, "has ended already, on 2026-03-01"),
    ):
        with pytest.raises(ArgumentError, match=said):
            city.retire(code, day)
    with pytest.raises(AmbiguousCodeError, match=r"2 objects have the code.*--edition"):
        city.retire("1101010698000005", TODAY)
    with pytest.raises(ArgumentError, match="in c"):
        city.retire("1101010698000005", TODAY, edition="c")
    assert city.path.read_bytes() == before
    assert city.retire("1101010698000005", TODAY, edition="b", dry_run=True).id == 2
    assert city.path.read_bytes() == before
    assert city.retire("1101010698000005", TODAY, edition="b").id == 2


# What the store brings for it.


def plan(path: Path, where: str) -> str:
    connection = raw(path)
    rows = connection.execute(f"EXPLAIN QUERY PLAN SELECT fid FROM components {where}").fetchall()
    connection.close()
    return str(rows)


def test_an_older_city_gets_the_index_of_keys(city: City) -> None:
    """A city made before the index has it after the next transaction, and not after one that fails."""

    def schema() -> dict[str, str]:
        with closing(raw(city.path)) as connection:
            return dict(connection.execute("SELECT name, sql FROM sqlite_master").fetchall())

    make_former(city.path)
    with closing(raw(city.path)) as connection:
        connection.execute("DROP INDEX components_key")
    with pytest.raises(ZeroDivisionError), city.store.transaction():
        1 / 0  # noqa: B018
    assert "components_key" not in schema()
    add(city, "parties", {"name": "甲"})
    assert schema()["components_key"] == YOUNGER_INDEX.replace("IF NOT EXISTS ", "")


@pytest.mark.parametrize(
    "where", [{"key": ["a", "b"]}, {"key": "a"}, {"code": "1"}, {"code": "1", "edition": "x"}]
)
def test_codes_and_keys_are_found_by_index(city: City, where: dict[str, Any]) -> None:
    """A question for codes or keys does not walk through all components."""
    condition, values = city.store._where("components", where, None)
    for value in values:
        condition = condition.replace("?", f"'{value}'", 1)
    assert f"INDEX components_{next(iter(where))} (" in plan(city.path, condition)
