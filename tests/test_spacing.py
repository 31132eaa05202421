"""How far the components of a class stand apart, and how far a question about one reaches."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from survey import SOUTH, STREET, WEST, city, features, ready
from test_store_places import make_former
from tiny_city import EDITION, GREEN, LAMP, RAILING, add, component, empty_city

from gridcity import City
from gridcity.crs import metres_per_degree
from gridcity.spacings import note_spacings, radius_for, radius_of

__all__ = ["city", "ready"]

PER_LNG, PER_LAT = metres_per_degree(SOUTH)
COVER, HYDRANT = "污水井盖", "消防设施"
QUIET = {"state": "完好", "initial_date": "20240301", "maintainer_name": "样例排水公司"}
Spacings = dict[str, tuple[int, float]]


def place(east_m: float, north_m: float) -> shapely.Point:
    """A place counted in metres from the south-west corner of the city."""
    return shapely.Point(WEST + east_m / PER_LNG, SOUTH + north_m / PER_LAT)


def row(class_name: str, east_m: float, north_m: float = 50.0, **more: Any) -> dict[str, Any]:
    return {"shape": place(east_m, north_m), "class_name": class_name, **QUIET, **more}


def lamps(*east_m: float) -> list[dict[str, Any]]:
    return [row("路灯", east_m) for east_m in east_m]


def take(city: City, folder: Path, *rows: dict[str, Any], **options: Any) -> Any:
    return city.import_components(features(folder / "survey.geojson", rows), **options)


def spacings(city: City) -> Spacings:
    """Places and spacing of each class, by its code."""
    columns = ("class_code", "places", "spacing_m")
    return {code: (places, spacing_m) for code, places, spacing_m in city.store.rows("spacings", columns)}


def by_hand(city: City) -> Spacings:
    """What the spacings of a city have to be, from a walk through all pairs."""
    found = {}
    table = city.store.columns("components", ("class_code", "until", "geom"))
    for code in set(table["class_code"]):
        shapes = table["geom"][(table["class_code"] == code) & (table["until"] == "")]
        xy = np.unique([(shape.x, shape.y) for shape in shapes if shape.geom_type == "Point"], axis=0)
        if len(xy) > 1:
            scale = metres_per_degree(float(xy[:, 1].min() + xy[:, 1].max()) / 2)
            apart = np.hypot(*((xy[:, None] - xy[None]) * scale).transpose(2, 0, 1))
            nearest = (apart + np.diag([np.inf] * len(xy))).min(axis=1)
            found[code] = len(xy), round(float(np.median(nearest)), 2)
    return found


def test_radius_by_hand(city: City, tmp_path: Path) -> None:
    """Lamps 30 m apart are looked for within 30 m, covers 3 m apart within 10 m, one hydrant within 50 m."""
    covers = [row(COVER, 3 * i, 80) for i in range(4)]
    take(city, tmp_path, *lamps(0, 30, 60, 90), *covers, row(HYDRANT, 40, 90))
    codes = dict(city.store.rows("components", ("class_name", "class_code")))
    assert spacings(city) == {codes["路灯"]: (4, 30.0), codes[COVER]: (4, 3.0)}
    radii = {name: radius_for(city.store, {(EDITION, code)}) for name, code in codes.items()}
    assert radii == {"路灯": 30.0, COVER: 10.0, HYDRANT: 50.0}


@pytest.mark.parametrize(
    "spacing_m, radius_m",
    [(None, 50.0), (0.0, 10.0), (9.99, 10.0), (10.01, 10.01), (49.99, 49.99), (50.01, 50.0), (9e6, 50.0)],
)
def test_radius_of(spacing_m: float | None, radius_m: float) -> None:
    """The radius is the spacing, at least 10 m and at most 50 m; 50 m where nothing is known."""
    assert radius_of(spacing_m) == radius_m


def test_radius_of_several_classes(tmp_path: Path) -> None:
    """Of several classes the widest radius is meant, of those that have a spacing; the edition counts."""
    with empty_city(tmp_path / "city.gpkg") as city:
        with city.store.transaction() as tx:
            tx.replace_spacings(
                None, [(EDITION, "1", 9, 3.0), (EDITION, "2", 9, 21.5), ("other", "3", 9, 40.0)]
            )
        for codes, radius_m in {"": 50.0, "1": 10.0, "2": 21.5, "12": 21.5, "13": 10.0, "4": 50.0}.items():
            assert radius_for(city.store, {(EDITION, code) for code in codes}) == radius_m
        assert radius_for(city.store, {("other", "3"), (EDITION, "1")}) == 40.0


def test_what_counts(tmp_path: Path) -> None:
    """Places of points count, two at one place as one; neither ended ones nor those of another edition."""
    with empty_city(tmp_path / "city.gpkg") as city:
        line = shapely.LineString([place(1, 0), place(2, 0)])
        rows = [
            component(LAMP, place(0, 0)),
            component(LAMP, place(0, 0)),
            component(LAMP, place(0, 20)),
            component(LAMP, place(0, 5), until="2026-01-01"),
            component(LAMP, place(0, 7), edition="older"),
            component(LAMP, line),
            component(LAMP, shapely.MultiPoint([place(0, 1), place(0, 2)])),
            component(GREEN, place(0, 0).buffer(1e-4)),
            component(GREEN, place(9, 0).buffer(1e-4)),
            component(RAILING, place(0, 0)),
        ]
        add(city, "components", *rows)
        with city.store.transaction() as tx:
            note_spacings(tx, None)
        assert city.store.rows("spacings", ("edition", "class_code", "places", "spacing_m")) == [
            (EDITION, LAMP, 2, 20.0)
        ]


def test_every_import_notes_what_it_touched(city: City, tmp_path: Path) -> None:
    """New, moved and reclassified components change the spacing of their classes, also of the former one."""
    take(city, tmp_path, *lamps(0, 30, 60), row(HYDRANT, 0, 90), row(HYDRANT, 25, 90))
    lamp, hydrant = sorted(spacings(city), key=lambda code: spacings(city)[code])[1::-1]
    assert spacings(city) == {lamp: (3, 30.0), hydrant: (2, 25.0)}
    take(city, tmp_path, *lamps(12))
    assert spacings(city) == {lamp: (4, 15.0), hydrant: (2, 25.0)} == by_hand(city)
    codes = [code for (code,) in city.store.rows("components", ("code",))]
    take(city, tmp_path, row("路灯", 80, code=codes[1]), dry_run=True)
    assert spacings(city) == {lamp: (4, 15.0), hydrant: (2, 25.0)}
    take(city, tmp_path, row("路灯", 80, code=codes[1]))
    assert spacings(city) == {lamp: (4, 16.0), hydrant: (2, 25.0)} == by_hand(city)
    take(city, tmp_path, row(HYDRANT, 80, code=codes[1]))
    assert spacings(city) == {lamp: (3, 12.0), hydrant: (3, 25.0)} == by_hand(city)


def test_undo_and_retire(city: City, tmp_path: Path) -> None:
    """An undone import leaves the spacing that was, a retired lamp the one without it; undone, it is back."""
    take(city, tmp_path, *lamps(0, 30, 60))
    before = spacings(city)
    take(city, tmp_path, *lamps(10, 20), row(HYDRANT, 0, 90), row(HYDRANT, 25, 90))
    assert spacings(city) != before
    city.undo()
    assert spacings(city) == before == by_hand(city)
    (code,) = city.store.rows("components", ("code",), {"fid": 2})[0]
    city.retire(code, date.today())
    assert list(spacings(city).values()) == [(2, 60.0)] and spacings(city) == by_hand(city)
    city.undo()
    assert spacings(city) == before
    city.undo()
    assert spacings(city) == {}


def test_a_second_survey_ends_what_vanished(city: City, tmp_path: Path) -> None:
    """What a second survey ends no longer counts, whatever its class."""
    take(city, tmp_path, *lamps(0, 10, 40), row(HYDRANT, 0, 90), row(HYDRANT, 25, 90))
    classes = ["路灯", HYDRANT]
    options: dict[str, Any] = {"resurvey": True, "area": STREET, "classes": classes, "accept_vanished": True}
    take(city, tmp_path, *lamps(0, 40), **options)
    assert list(spacings(city).values()) == [(2, 40.0)] and spacings(city) == by_hand(city)


def test_a_former_city(city: City, tmp_path: Path) -> None:
    """A city of a former version reaches 50 m, and has the spacing of all its classes after one import."""
    take(city, tmp_path, *lamps(0, 30), row(HYDRANT, 0, 90), row(HYDRANT, 25, 90))
    noted = spacings(city)
    assert len(noted) == 2
    city.close()
    make_former(city.path)
    with City.open(city.path) as former:
        assert radius_for(former.store, {(EDITION, code) for code in noted}) == 50.0
        take(former, tmp_path, *lamps(60))
        assert spacings(former) == by_hand(former) and len(spacings(former)) == 2


def test_no_history(city: City, tmp_path: Path) -> None:
    """Spacings follow from the components, so what they were is not kept."""
    take(city, tmp_path, *lamps(0, 30))
    take(city, tmp_path, *lamps(60))
    with closing(sqlite3.connect(city.path)) as connection:
        kept = connection.execute("SELECT DISTINCT table_name FROM history").fetchall()
    assert "spacings" not in {name for (name,) in kept}


steps = st.tuples(st.sampled_from([LAMP, GREEN]), st.integers(0, 8), st.integers(0, 8))


@given(st.lists(st.lists(steps, min_size=1, max_size=6), min_size=1, max_size=4), st.randoms())
@settings(deadline=None, max_examples=30)
def test_the_order_of_imports_does_not_matter(imports: list[list[tuple[str, int, int]]], chance: Any) -> None:
    """Whichever components came first, the spacings are those that a walk through all pairs finds."""
    ends = chance.randrange(3)

    def built(parts: Collection[list[tuple[str, int, int]]], folder: str) -> Iterator[Spacings]:
        with empty_city(Path(folder) / f"{len(list(Path(folder).iterdir()))}.gpkg") as city:
            for part in parts:
                rows = [
                    component(code, place(7 * x, 7 * y), until="2026-01-01" if x < ends else "")
                    for code, x, y in part
                ]
                add(city, "components", *rows)
                with city.store.transaction() as tx:
                    note_spacings(tx, {code for code, _, _ in part})
            yield spacings(city)
            yield by_hand(city)

    with tempfile.TemporaryDirectory() as folder:
        found = [*built(imports, folder), *built(chance.sample(imports, len(imports)), folder)]
    assert all(one == found[0] for one in found)


def test_the_rule_loads_no_library() -> None:
    """The radius of a class needs neither numpy nor a geometry library."""
    import subprocess
    import sys

    code = (
        "import sys, gridcity.spacings\n"
        "print(sorted({'numpy', 'shapely', 'pykdtree', 'pyproj'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
