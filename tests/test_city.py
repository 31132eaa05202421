"""The city: opening and closing, questions in every form, and what is refused."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from math import inf, nan
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from tiny_city import CODES, LAMP, PROFILE, add, array, at, box, component, line, point, tiny_city

import gridcity
from gridcity.city import City, UnlistedAreaWarning
from gridcity.crs import from_lnglat, reference_system
from gridcity.errors import ArgumentError, CityNotFoundError, ProfileError, ReferenceSystemError, StoreError
from gridcity.locating.bulk import BulkLocator
from gridcity.model import Placement
from gridcity.profile import parse_profile

PLACES = [(0.5, 0.5), (1, 1), (2.5, 1.5), (9, 9)]
CELLS = [3, 1, 6, -1]
LNG, LAT = np.array([at(*place) for place in PLACES]).T


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with tiny_city(tmp_path / "city.gpkg") as city:
        add(city, "components", component(LAMP, point(0.5, 0.625), class_name="路灯"))
        yield city


# Opening and closing.


def test_create_open_close(tmp_path: Path) -> None:
    """A city keeps its profile; a second one is never made over it; closing twice is no error."""
    path = tmp_path / "city.gpkg"
    profile = parse_profile(PROFILE)
    with City.create(path, profile) as city:
        assert (city.path, city.profile, city.stored_epsg) == (path, profile, 4490)
        assert set(city.summary().values()) == {0}
        assert list(city.summary()) == ["areas", "cells", "components", "parties", "duties", "receipts"]
    city.close()
    with pytest.raises(StoreError, match="cannot be used"):
        city.summary()
    with pytest.raises(StoreError, match="exists already"):
        City.create(path, profile)
    with City.open(str(path)) as again:
        assert again.profile == profile
        assert repr(again).startswith(f"<City 样例城 at {path}: 0 areas")
    with pytest.raises(CityNotFoundError, match="There is no city"):
        City.open(tmp_path / "none.gpkg")


def test_a_city_abroad(tmp_path: Path) -> None:
    """A city whose area code is in no province is stored in WGS 84."""
    with City.create(tmp_path / "city.gpkg", parse_profile(PROFILE.replace("110101", "990101"))) as city:
        assert city.stored_epsg == 4326


def test_a_profile_that_contradicts_the_catalogue(tmp_path: Path) -> None:
    """A local class with the code of another is refused before a file is made."""
    text = PROFILE + f'[[classes]]\nkind = "component"\ncode = "{LAMP}"\nname = "灯笼"\n'
    with pytest.raises(ProfileError, match="灯笼"):
        City.create(tmp_path / "city.gpkg", parse_profile(text))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("area_code", ["123456", "440300", "110100"])
def test_an_unlisted_area_code_is_warned_of(tmp_path: Path, area_code: str) -> None:
    """A Chinese area code that is not in the list makes a city, with a warning that names it."""
    with pytest.warns(UnlistedAreaWarning, match=f"The area code {area_code} is not in the list") as caught:
        City.create(tmp_path / "city.gpkg", parse_profile(PROFILE.replace("110101", area_code))).close()
    assert caught[0].filename == __file__


@pytest.mark.parametrize("area_code", ["110101", "999001"])
def test_a_listed_or_foreign_area_code_is_not(tmp_path: Path, area_code: str) -> None:
    """A code in the list, and one of a city abroad, is made without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        City.create(tmp_path / "city.gpkg", parse_profile(PROFILE.replace("110101", area_code))).close()


def test_another_profile(city: City) -> None:
    """A city takes another profile of its own area code: the next answer follows it, and it is kept."""
    place = at(0.5, 0.625)
    with pytest.raises(ArgumentError, match="样例灯"):
        city.locate(*place, class_text="样例灯")
    text = PROFILE.replace("样例城", "新城") + '[[classes]]\ncode = "01999"\nname = "样例灯"\n'
    rows = city.summary()
    city.update_profile(parse_profile(text))
    assert city.locate(*place, class_text="样例灯").class_code == "01999"
    assert city.locate_many(*np.array([place]).T, class_text="样例灯")["class_code"].tolist() == ["01999"]
    assert city.summary() == rows
    with City.open(city.path) as again:
        assert (again.profile.name, again.profile.text) == ("新城", text)
        assert again.store.meta()["name"] == "新城"


def test_a_profile_of_another_city_is_refused(city: City) -> None:
    """Another area code, or a class that contradicts the catalogue, changes nothing."""
    before = city.profile
    clash = PROFILE + f'[[classes]]\ncode = "{LAMP}"\nname = "灯笼"\n'
    for text, message in ((PROFILE.replace("110101", "110102"), "area code is 110101"), (clash, "灯笼")):
        with pytest.raises(ProfileError, match=message):
            city.update_profile(parse_profile(text))
    assert city.profile is before
    with City.open(city.path) as again:
        assert again.profile == before


def test_exception_closes(city: City) -> None:
    """An exception inside a with block closes the city and arrives."""
    with pytest.raises(ZeroDivisionError), city:
        1 / 0  # noqa: B018
    with pytest.raises(StoreError):
        city.locate(*at(0, 0))


def test_lazy_names() -> None:
    """The package offers City and Profile, and says so of a name it does not have."""
    assert gridcity.City is City and gridcity.Profile is type(parse_profile(PROFILE))
    with pytest.raises(AttributeError, match="no attribute 'Town'"):
        gridcity.Town  # noqa: B018


# Reference systems.


@pytest.mark.parametrize(
    "system",
    [
        {"crs": "EPSG:4548"},
        {"crs": 4527},
        {"crs": 3857},
        {"crs": "EPSG:4326"},
        {"crs": 4490, "datum": "gcj02"},
        {"datum": "gcj02"},
        {"datum": "bd09"},
        {"datum": "wgs84"},
    ],
    ids=str,
)
def test_other_systems(city: City, system: dict[str, Any]) -> None:
    """A point given in another system or datum lies where the same point in degrees lies, to millimetres."""
    x, y = from_lnglat(LNG, LAT, reference_system(**system), stored=4490)
    columns = city.locate_many(x, y, **system)
    assert columns["cell_id"][[0, 2, 3]].tolist() == [3, 6, -1]  # not the corner: its digits are rounded
    assert np.allclose(columns["lng"], LNG, rtol=0, atol=1e-8) and np.allclose(
        columns["lat"], LAT, rtol=0, atol=1e-8
    )
    one = city.locate(float(x[0]), float(y[0]), **system)
    assert one.cell_id == 3
    assert (one.lng, one.lat) == pytest.approx((LNG[0], LAT[0]), abs=1e-8)


def test_systems_that_are_refused(city: City) -> None:
    """An unknown system, a shifted datum of metres and an old datum are refused, for one and for many."""
    for question, message in [
        ({"crs": "EPSG:1"}, "EPSG:1"),
        ({"crs": 2433}, "Beijing 1954"),
        ({"datum": "mars"}, "mars"),
        ({"crs": 4548, "datum": "gcj02"}, "4548"),
    ]:
        with pytest.raises(ReferenceSystemError, match=message):
            city.locate(447000, 4374000, **question)
        with pytest.raises(ReferenceSystemError, match=message):
            city.locate_many([447000], [4374000], **question)


# Arguments.


@pytest.mark.parametrize(
    "arguments, question, message",
    [
        ((nan, 39.5), {}, "The point nan 39.5 is not finite"),
        ((116.5, inf), {}, "is not finite"),
        ((39.5, 116.5), {}, "The point 39.5 116.5 is not on the globe"),
        ((500000, 39.5), {}, "is not on the globe"),
        ((116.5, 39.5), {"near_m": -1}, "near_m is -1; it must be a distance of 0 m or more"),
        ((116.5, 39.5), {"near_m": nan}, "near_m is nan"),
        ((116.5, 39.5), {"radius_m": inf}, "radius_m is inf"),
        ((116.5, 39.5), {"as_of": "2026-02-30"}, "'2026-02-30' is not a date"),
        ((116.5, 39.5), {"as_of": "yesterday"}, "'yesterday' is not a date"),
        ((116.5, 39.5), {"class_text": "没有此类"}, "'没有此类' is no class of"),
    ],
)
def test_refused_arguments(city: City, arguments: Any, question: dict[str, Any], message: str) -> None:
    """A wrong argument is refused with what was found, for one point and, about the call, for many."""
    with pytest.raises(ArgumentError, match=message):
        city.locate(*arguments, **question)
    if question:
        with pytest.raises(ArgumentError, match=message):
            city.locate_many([arguments[0]], [arguments[1]], **question)
    else:
        assert city.locate_many([arguments[0]], [arguments[1]])["basis"].tolist() == ["outside"]


@pytest.mark.parametrize(
    "arguments, question, message",
    [
        (([1, 2], [1]), {}, r"\(2,\) longitudes and \(1,\) latitudes"),
        (([[1, 2]], [[1, 2]]), {}, "do not go together"),
        ((1.0, 2.0), {}, "do not go together"),
        (([1, 2], [1, 2]), {"class_text": ["路灯"]}, "2 points and 1 classes do not go together"),
        (([1.0, 2.0],), {}, "must be shapely points or a GeoDataFrame"),
        (([None, "x"],), {}, "must be shapely points or a GeoDataFrame"),
        ((116.5,), {}, "must be shapely points or a GeoDataFrame"),
        (([point(0, 0), line((0, 0), (1, 1))],), {}, "Geometry 1 is a LineString, not a point"),
    ],
)
def test_shapes_that_do_not_fit(city: City, arguments: Any, question: dict[str, Any], message: str) -> None:
    """Columns of different lengths and things that are no points are refused as a whole."""
    with pytest.raises(ArgumentError, match=message):
        city.locate_many(*arguments, **question)


def test_a_day_is_text_or_a_date(city: City) -> None:
    """The day of a question can be a date, or ISO text; without one it is today."""
    add(city, "cells", {"geom": box(4, 0), "since": "2026-01-01", "until": "2026-06-01"})
    for day in (date(2026, 3, 1), "2026-03-01", "20260301"):
        assert city.locate(*at(4.5, 0.5), as_of=day).cell_id == 8
        assert city.locate_many(*([n] for n in at(4.5, 0.5)), as_of=day)["cell_id"].tolist() == [8]
    assert city.locate(*at(4.5, 0.5), as_of="2026-06-01").cell_id is None
    assert city.locate(*at(0.5, 0.5)) == city.locate(*at(0.5, 0.5), as_of=date.today())


# Answers in the form of the question.


def test_columns(city: City) -> None:
    """Sequences give one column per field of a placement: ids whole, distances floats, texts without None."""
    for lng, lat in ((LNG, LAT), (LNG.tolist(), LAT.tolist()), (pd.Series(LNG), tuple(LAT))):
        columns = city.locate_many(lng, lat, class_text="路灯")
        assert tuple(columns) == Placement.columns()
        kinds = {name: column.dtype.kind for name, column in columns.items()}
        known = {"lng": "f", "lat": "f", "overlap": "b", "cells_differ": "b", "unowned": "b"}
        for name, kind in kinds.items():
            expected = known.get(name, {"id": "i", "m": "f"}.get(name.rpartition("_")[2], "O"))
            assert kind == expected, name
            assert kind != "O" or all(type(text) is str for text in columns[name])
        assert columns["cell_id"].tolist() == CELLS
        assert columns["cell_code"].tolist() == [CODES.get(i, "") for i in CELLS]
        assert columns["component_id"].tolist() == [1, -1, -1, -1]


def test_shapely_points(city: City) -> None:
    """An array or list of points gives what its coordinates give; a missing or empty one is outside."""
    points = [point(*place) for place in PLACES]
    for given in (points, array(points), shapely.points(LNG, LAT)):
        assert city.locate_many(given)["cell_id"].tolist() == CELLS
    assert city.locate_many([None, shapely.Point(), points[0]])["cell_id"].tolist() == [-1, -1, 3]
    assert city.locate_many(array([]))["cell_id"].tolist() == []


def test_classes_of_a_column(city: City) -> None:
    """One class per point; a missing one asks for nothing, one that does not exist finds nothing."""
    texts = pd.Series(["路灯", None, nan, "没有此类", ""])
    found = city.locate_many(*np.tile([[LNG[0]], [LAT[0]]], 5), class_text=texts)
    assert found["component_id"].tolist() == [1, -1, -1, -1, -1]
    assert found["class_name"].tolist() == ["路灯", "", "", "", ""]


@pytest.mark.parametrize("epsg", [4490, 4326, 4548, 3857])
def test_frames(city: City, epsg: int) -> None:
    """A frame in any system comes back with the answers beside its rows; itself it stays as it was."""
    places = gpd.GeoSeries([point(*place) for place in PLACES[::2]], index=[7, 3], crs=4490)
    frame = gpd.GeoDataFrame({"name": ["甲", "乙"]}, geometry=places.to_crs(epsg), index=[7, 3])
    before = frame.copy()
    found = city.locate_many(frame, class_text="路灯")
    assert_geodataframe_equal(frame, before)
    assert found.crs == frame.crs and found.index.tolist() == [7, 3]
    assert list(found.columns) == ["name", "geometry", *Placement.columns()]
    assert found["cell_id"].tolist() == CELLS[::2] and found["component_id"].tolist() == [1, -1]
    assert city.locate_many(frame.geometry)["cell_id"].tolist() == CELLS[::2]
    with pytest.raises(ArgumentError, match="has a column 'lng' already"):
        city.locate_many(found)


def test_frame_with_a_datum(city: City) -> None:
    """A datum given wins over the system a frame declares: GCJ-02 is written as WGS 84 everywhere."""
    x, y = from_lnglat(LNG, LAT, reference_system(datum="gcj02"), stored=4490)
    frame = gpd.GeoDataFrame(geometry=shapely.points(x, y), crs=4326)
    assert city.locate_many(frame, datum="gcj02")["cell_id"].tolist()[::2] == CELLS[::2]
    assert city.locate_many(frame)["cell_id"].tolist() != CELLS
    with pytest.raises(ReferenceSystemError, match="no reference system"):
        city.locate_many(frame.set_crs(None, allow_override=True))


def test_frame_without_a_system_that_is_named(city: City) -> None:
    """A frame that declares nothing is located where the call says what it is in."""
    frame = gpd.GeoDataFrame(geometry=[point(*place) for place in PLACES[::2]])
    assert city.locate_many(frame, crs="EPSG:4490", columns=["cell_id"])["cell_id"].tolist() == CELLS[::2]


def test_array_with_a_system(city: City) -> None:
    """The array of a GeoSeries is located in its own reference system."""
    places = gpd.GeoSeries([point(*place) for place in PLACES[::2]], crs=4490).to_crs(4548)
    assert city.locate_many(places.array, columns=["cell_id"])["cell_id"].tolist() == CELLS[::2]


def test_empty_frame(city: City) -> None:
    """A frame without rows comes back with the columns and without rows."""
    found = city.locate_many(gpd.GeoDataFrame(geometry=[], crs=4490))
    assert len(found) == 0 and set(Placement.columns()) < set(found.columns)


# What others write meanwhile.


def test_second_question_sees_new_data(city: City, tmp_path: Path) -> None:
    """After an import, by this object or another, both verbs see the new city."""
    place = at(3.5, 3.5)
    many = [[place[0]], [place[1]]]
    assert city.locate_many(*many)["cell_id"].tolist() == [-1]
    today = date.today().isoformat()
    kept = city._locator(today)
    assert city.locate_many(*many)["cell_id"].tolist() == [-1] and city._locator(today) is kept
    shape = shapely.geometry.mapping(box(3, 3))
    source = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": shape, "properties": {"note": "新"}}],
    }
    path = tmp_path / "new.geojson"
    path.write_text(json.dumps(source), encoding="utf-8")
    imported = city.import_cells(path, crs=4490)
    assert (imported.receipt.read, imported.receipt.added) == (1, 1)
    assert city.locate(*place).cell_id == 8 and city.locate_many(*many)["cell_id"].tolist() == [8]
    with City.open(city.path) as other:
        with other.store.transaction() as tx:
            tx.update("cells", [8], {"until": ["2020-01-01"]})
        assert city.locate(*place).cell_id is None and city.locate_many(*many)["cell_id"].tolist() == [-1]


INTRUDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("BEGIN IMMEDIATE")
    print("let in")
except sqlite3.OperationalError as error:
    print(error)
"""


def test_no_question_drops_the_lock(city: City, tmp_path: Path) -> None:
    """While a transaction is open, no reading verb of this process lets another process write.

    A second SQLite library (GDAL's), or a plain open and close of the file, would drop the lock silently.
    """
    readers: list[Callable[[], object]] = [
        lambda: city.locate(LNG[0], LAT[0], class_text="路灯"),
        lambda: city.locate_many(gpd.GeoSeries(shapely.points(LNG, LAT), crs=4490)),
        city.check,
        city.summary,
        lambda: city.look_up(CODES[1]),
        lambda: city.report_inventory(["class"]),
        *(lambda name=name: city.export(tmp_path / name) for name in ("a.csv", "a.geojson", "a")),
        lambda: City.open(city.path).close(),
    ]
    with city.store.transaction() as tx:
        tx.take_serials("p", 1, limit=9)
        for read in readers:
            read()
        command = [sys.executable, "-c", INTRUDER, str(city.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "database is locked\n"
    assert city.store.count("serials") == 1


def test_many_points_see_one_state(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first reading of a bulk answer to its last no other program can change the city."""
    answer, said = BulkLocator.locate, []

    def interrupted(*arguments: Any, **question: Any) -> Any:
        before = answer(*arguments, **question)
        connection = sqlite3.connect(city.path, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked") as caught:
            connection.execute("UPDATE parties SET name = 'x'")
        connection.close()
        said.append(str(caught.value))
        return before

    add(city, "parties", {"name": "甲"})
    monkeypatch.setattr(BulkLocator, "locate", interrupted)
    assert city.locate_many(LNG, LAT, class_text="路灯")["cell_id"].tolist() == CELLS
    assert len(said) == 1


def test_a_dry_run_changes_nothing(city: City, tmp_path: Path) -> None:
    """A dry run of an import leaves the city, its version and the answers alone."""
    before = city.path.read_bytes()
    path = tmp_path / "new.csv"
    path.write_text("name\n某公司\n", encoding="utf-8")
    imported = city.import_parties(path, dry_run=True)
    assert imported.receipt.added == 1 and imported.receipt.dry_run
    assert city.path.read_bytes() == before
