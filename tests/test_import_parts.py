"""Import in parts is import in one: every table, whatever the city held before; and the way back."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import survey
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from survey import about, balance, column, contents, features, rules, spot, square, why

from gridcity import City
from gridcity.importing import parts
from gridcity.importing.parts import _together

LAMP, GRATE = "路灯", "雨水箅子"
QUIET = {"state": "完好", "initial_date": "20240301", "maintainer_name": "样例公司"}
CODE = "1101010103700{:04d}"
# Chosen so that objects of one class meet: most rows of a survey share nothing.
PLACES = [spot(x / 4, 0.5) for x in range(4)] + [square(0.2, 0.2, 1, 0.3)]
FAR = spot(9999, 0)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city with areas and four numbered cells; only to be copied."""
    return survey.built(tmp_path_factory.mktemp("ready"))


def lamp(x: float, y: float = 0.5, **more: Any) -> dict[str, Any]:
    return {"shape": spot(x, y), "class_name": LAMP, "code": "", "id": "", "note": "", **QUIET, **more}


@st.composite
def surveys(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows with codes, keys and places that come again, some of them wrong."""
    row = st.fixed_dictionaries(
        {
            "shape": st.sampled_from([*PLACES * 3, FAR]),
            "class_name": st.sampled_from([LAMP, LAMP, LAMP, GRATE]),
            "code": st.sampled_from(["", "", "", "", *(CODE.format(n) for n in (1, 2, 5, 7))]),
            "id": st.sampled_from(["", "", "a", "b", "c"]),
            "note": st.sampled_from(["", "", "重"]),
            **{name: st.just(text) for name, text in QUIET.items()},
            "initial_date": st.sampled_from(["20240301"] * 8 + ["20243301"]),
        }
    )
    return draw(st.lists(row, min_size=1, max_size=9))


def tables(city: City, known: set[str]) -> list[Any]:
    """Everything an import writes, without internal ids and without the codes it gave itself."""
    one = "SELECT hex(geom), code, class_code, name, cell_id, state, note, key, since, until FROM components"
    objects = Counter(
        (shape, code if code in known else "", *rest) for shape, code, *rest in survey._read(city.path, one)
    )
    lists = [
        Counter(survey._read(city.path, f"SELECT {names} FROM {table}"))
        for table, names in {
            "rejected_rows": "receipt, row, record",
            "findings": "receipt, rule, severity, row, field",
            "receipts": "fid, kind, read, added, changed, unchanged, rejected, collapsed, findings",
        }.items()
    ]
    codes = survey._read(city.path, "SELECT code, edition FROM components")
    assert len(codes) == len(set(codes))
    assert survey._read(city.path, "SELECT rtreecheck('rtree_components_geom')") == [("ok",)]
    return [objects, *lists]


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.lists(st.tuples(surveys(), st.booleans()), min_size=1, max_size=3), st.integers(1, 4))
def test_parts_write_what_one_part_writes(
    ready: City, tmp_path: Path, files: list[tuple[list[dict[str, Any]], bool]], size: int
) -> None:
    """Parts of any size write the same tables, into a filled city too; undo leaves what was before."""
    base, target = tmp_path / "base.gpkg", tmp_path / "city.gpkg"
    known = {row["code"] for rows, _ in files for row in rows}
    with survey.copied(ready, base) as city:
        for rows, keyed in files[:-1]:
            options = {"key": "id"} if keyed else {}
            city.import_components(features(tmp_path / "before.geojson", rows), **options)
        known |= set(column(city, "components", "code"))
    rows, keyed = files[-1]
    path, options = features(tmp_path / "last.geojson", rows), {"key": "id"} if keyed else {}
    found = []
    for part_rows in (100, size):
        shutil.copyfile(base, target)
        with City.open(target) as city, pytest.MonkeyPatch.context() as patch:
            patch.setattr(parts, "PART_ROWS", part_rows)
            before = contents(city, "components")
            result = city.import_components(path, **options)
            found.append([balance(result), why(result), rules(result), *tables(city, known)])
            city.undo()
            assert contents(city, "components") == before
    assert found[0] == found[1]


@pytest.mark.parametrize("size", [1, 100])
def test_two_keys_at_the_place_of_one_object(
    ready: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Nothing says which of two keys is the object that stands there without one: both are new."""
    monkeypatch.setattr(parts, "PART_ROWS", size)
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        city.import_components(features(tmp_path / "a.geojson", [lamp(0.5)]))
        rows = [lamp(0.5, id="a"), lamp(0.7, id="c"), lamp(0.5, id="b")]
        assert balance(city.import_components(features(tmp_path / "b.geojson", rows), key="id")) == (
            3,
            0,
            0,
            0,
        )


@pytest.mark.parametrize("size", [1, 100])
def test_a_key_goes_before_a_bare_place(
    ready: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Of a row with a key and one without at the place of an object, the object is the one with the key."""
    monkeypatch.setattr(parts, "PART_ROWS", size)
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        city.import_components(features(tmp_path / "a.geojson", [lamp(0.5)]))
        rows = [lamp(0.5, note="x"), lamp(0.5, id="a")]
        assert balance(city.import_components(features(tmp_path / "b.geojson", rows), key="id")) == (
            1,
            1,
            0,
            0,
        )
        assert column(city, "components", "key") == ["id=a", ""]


def test_places_tie_rows_in_a_long_chain() -> None:
    """A chain of keys and places, however long, is followed to its first row, and soon."""
    n = 200_000
    leader = np.arange(n) // 2 * 2
    place = (np.arange(n, dtype=np.uint64) + 1) // 2
    assert (_together(leader, np.arange(n), place) == 0).all()
    alone = _together(leader, np.arange(n), np.arange(n, dtype=np.uint64))
    assert (alone == leader).all()


# Codes are given once.


def test_a_code_of_a_rejected_row_is_not_given(ready: City, tmp_path: Path) -> None:
    """The rejected row comes again corrected, and no other object has its code in the meantime."""
    rows = [lamp(0.2, code=CODE.format(1), initial_date="20243301"), lamp(0.4)]
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        assert balance(city.import_components(features(tmp_path / "a.geojson", rows))) == (1, 0, 0, 1)
        assert column(city, "components", "code") == [CODE.format(2)]
        rows[0]["initial_date"] = "20240301"
        assert balance(city.import_components(features(tmp_path / "b.geojson", rows))) == (1, 0, 1, 0)


@pytest.mark.parametrize("filled", [False, True])
def test_no_file_of_a_delivery_takes_a_code_of_another(ready: City, tmp_path: Path, filled: bool) -> None:
    """A file with some codes gives its other rows none that a later file brings."""
    place = tmp_path / "d"
    place.mkdir()
    features(place / "a.geojson", [lamp(0.1, code=CODE.format(5)), lamp(0.2), lamp(0.3)])
    features(place / "b.geojson", [lamp(0.4, code=CODE.format(6)), lamp(0.6, code=CODE.format(7))])
    features(place / "路灯.geojson", [])
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        if filled:
            city.import_components(features(tmp_path / "z.geojson", [lamp(0.9)]))
        result = city.import_components(place)
        assert balance(result) == (5, 0, 0, 0)
        ours = [CODE.format(1)] if filled else []
        assert column(city, "components", "code") == [*ours, *(CODE.format(n) for n in (5, 6, 7, 8, 9))]
        # All receipts of a delivery go together, and the log says of which it is.
        city.undo()
        assert column(city, "components", "code") == ours
        assert json.loads(result.files[1].receipt.options) == {"delivery": result.files[0].receipt.id}


def test_a_mended_row_may_be_one_of_another_file(ready: City, tmp_path: Path) -> None:
    """With --repair a row that crosses itself has its code in two files like any other."""
    corners = [(0.1, 0.1), (0.4, 0.4), (0.4, 0.1), (0.1, 0.4)]
    west, south, side = survey.WEST, survey.SOUTH, survey.SIDE
    crossed = shapely.Polygon([(west + x * side, south + y * side) for x, y in corners])
    place = tmp_path / "d"
    place.mkdir()
    features(place / "a.geojson", [lamp(0, code=CODE.format(5), shape=square(0.1, 0.1, 0.5, 0.5))])
    features(place / "b.geojson", [lamp(0, code=CODE.format(5), shape=crossed), lamp(0.7)])
    with survey.copied(ready, tmp_path / "city.gpkg") as city:
        result = city.import_components(place, repair=True)
    assert balance(result) == (1, 0, 0, 2)
    assert [set(about(one, "delivery-duplicate")) for one in result.files] == [{1}, {1}]
