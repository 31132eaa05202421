"""Washington, D.C.: wards, block groups as cells, components of four kinds, a year of service requests."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from survey import balance, column, rules

from gridcity import City
from gridcity.intake.mapping import Mapping
from gridcity.profile import parse_profile
from gridcity_cli.main import cli

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "washington-dc"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data of Washington are not here")

# 999001 is no code of GB/T 2260: a city outside China numbers itself.
PROFILE = """
[city]
name = "Washington, D.C."
area_code = "999001"
[areas]
community_of_street = "001"
[areas.digits]
""" + "\n".join(f'"Ward {n}" = "{n:03d}"' for n in range(1, 9))

# The sources say no more than that a component stands; here it is taken as in place and working.
INTACT = {"state": "完好"}
LIGHTS = Mapping(
    columns={"OWNER_DESC": ("owner_name",)}, constants=INTACT, x="XCOORD", y="YCOORD", key="FACILITYID"
)
CAMERAS = Mapping(columns={"DEPARTMENT": ("owner_name",)}, constants=INTACT)
COMPONENTS: list[tuple[str, str, Mapping | None]] = [
    ("streetlights.csv", "路灯", LIGHTS),
    ("cctv-street-cameras.geojson", "监控电子眼设施", CAMERAS),
    ("litter-cans.geojson", "垃圾箱", None),
    ("bollards.geojson", "柔性隔离体", None),
]


def components_in(city: City, name: str, class_text: str, mapping: Mapping | None) -> Any:
    crs = {"crs": "EPSG:4326"} if name.endswith(".csv") else {}
    return city.import_components(DATA / "components" / name, class_text=class_text, mapping=mapping, **crs)


@pytest.fixture(scope="module")
def imports() -> dict[str, Any]:
    """What each import returned."""
    return {}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, imports: dict[str, Any]) -> City:
    """The whole city; not to be changed."""
    city = City.create(tmp_path_factory.mktemp("dc") / "dc.gpkg", parse_profile(PROFILE))
    polygons = DATA / "polygons"
    imports["wards"] = city.import_areas(polygons / "ward-2012.geojson", level="street")
    imports["cells"] = city.import_cells(polygons / "census-block-groups-2010.geojson", number=True)
    for name, class_text, mapping in COMPONENTS:
        imports[class_text] = components_in(city, name, class_text, mapping)
    return city


@pytest.fixture(scope="module")
def requests(city: City) -> tuple[Any, Any, dict[str, Any]]:
    """Longitudes, latitudes and placements of all service requests of 2016."""
    with gzip.open(DATA / "service_requests_2016.csv.gz", "rt", encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    lng, lat = (np.array([float(row[name] or "nan") for row in rows]) for name in ("lon", "lat"))
    return lng, lat, city.locate_many(lng, lat, class_text="路灯")


def test_wards_are_streets_and_communities(city: City, imports: dict[str, Any]) -> None:
    """8 wards become 8 streets by the profile's digits, and each is one community."""
    assert balance(imports["wards"]) == (8, 0, 0, 0)
    assert rules(imports["wards"]) == {"area-whole-street": 8}
    codes = column(city, "areas", "code")
    assert sorted(codes) == sorted(
        [f"999001{n:03d}" for n in range(1, 9)] + [f"999001{n:03d}001" for n in range(1, 9)]
    )
    assert city.stored_epsg == 4326


def test_block_groups_are_coded_cells(city: City, imports: dict[str, Any]) -> None:
    """All 450 block groups get 15 digits, 999001 00x 001 nnn, numbered from 1 in each ward."""
    assert balance(imports["cells"]) == (450, 0, 0, 0)
    assert rules(imports["cells"]) == {}
    codes = column(city, "cells", "code")
    assert len(set(codes)) == 450
    wards = Counter(code[:12] for code in codes)
    assert sorted(wards) == [f"999001{n:03d}001" for n in range(1, 9)]
    assert set(codes) == {f"{ward}{n:03d}" for ward, last in wards.items() for n in range(1, last + 1)}


BALANCES = {
    "路灯": ((3963, 0, 0, 0), 0, {"component-place-shared": 4, "component-near": 6, "date-missing": 3963}),
    "监控电子眼设施": (
        (537, 0, 0, 59),
        0,
        {
            "place-duplicate": 59,
            "component-near": 25,
            "component-outside": 8,
            "component-no-party": 1,
            "date-missing": 596,
        },
    ),
    "垃圾箱": (
        (5263, 0, 0, 2),
        0,
        {
            "place-duplicate": 2,
            "component-near": 8,
            "component-outside": 5,
            "component-no-party": 5263,
            "state-missing": 5265,
            "date-missing": 5265,
        },
    ),
    "柔性隔离体": (
        (11608, 0, 0, 0),
        0,
        {
            "component-near": 40,
            "component-outside": 165,
            "component-no-party": 11608,
            "state-missing": 11608,
            "date-missing": 11608,
        },
    ),
}


@pytest.mark.parametrize("class_text", BALANCES)
def test_balance_of_each_survey(city: City, imports: dict[str, Any], class_text: str) -> None:
    """Lights and cameras have owners, bins and bollards none; every row is accounted for."""
    expected, collapsed, found = BALANCES[class_text]
    result = imports[class_text]
    assert balance(result) == expected
    assert result.receipt.collapsed == collapsed
    assert rules(result) == found
    rows = city.store.rows("components", ("owner_name",), {"class_name": class_text})
    assert len(rows) == expected[0]
    assert any(owner for (owner,) in rows) == (class_text in ("路灯", "监控电子眼设施"))


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize(
    ("name", "class_text"),
    [("cctv-street-cameras.geojson", "监控电子眼设施"), ("litter-cans.geojson", "垃圾箱")],
)
def test_what_shares_a_place_and_says_something_else(
    imports: dict[str, Any], name: str, class_text: str
) -> None:
    """The 59 cameras and 2 bins rejected are all that share a place; no two of them agree in everything."""
    features = json.loads((DATA / "components" / name).read_text(encoding="utf-8"))["features"]
    places = Counter(str(feature["geometry"]) for feature in features)
    shared = {row for row, feature in enumerate(features, 1) if places[str(feature["geometry"])] > 1}
    result = imports[class_text]
    assert {row.row for row in result.rejected} == shared
    assert {row.rule for row in result.rejected} == {"place-duplicate"}
    assert len({json.dumps(features[row - 1], sort_keys=True) for row in shared}) == len(shared)


@pytest.mark.parametrize(("name", "class_text", "mapping"), COMPONENTS, ids=[c[1] for c in COMPONENTS])
def test_the_same_file_twice_changes_nothing(
    city: City, imports: dict[str, Any], name: str, class_text: str, mapping: Mapping | None
) -> None:
    """A second import of each survey adds and changes nothing and rejects the same rows."""
    first = imports[class_text]
    result = city.import_components(
        DATA / "components" / name,
        class_text=class_text,
        mapping=mapping,
        dry_run=True,
        **({"crs": "EPSG:4326"} if name.endswith(".csv") else {}),
    )
    added, _, unchanged, rejected = balance(first)
    assert balance(result) == (0, 0, added + unchanged, rejected)
    assert [row.row for row in result.rejected] == [row.row for row in first.rejected]


def test_requests_lie_in_block_groups(city: City, requests: tuple[Any, Any, dict[str, Any]]) -> None:
    """All 22,576 requests have a place, and 22,555 of them (99.9 %) lie in a block group."""
    lng, _, found = requests
    assert len(lng) == 22576
    assert Counter(found["basis"]) == {"inside": 22555, "outside": 21}
    assert np.isfinite(lng).all()
    assert (found["cell_code"][found["basis"] == "inside"] != "").all()


def test_block_groups_with_requests(city: City, requests: tuple[Any, Any, dict[str, Any]]) -> None:
    """449 of the 450 block groups have a request; the last one has none because no request lies in it."""
    lng, lat, found = requests
    used = set(found["cell_id"].tolist()) - {-1}
    unused = set(column(city, "cells", "fid")) - used
    assert (len(used), len(unused)) == (449, 1)
    (shape,) = city.store.columns("cells", ("geom",), {"fid": sorted(unused)})["geom"]
    assert not shapely.intersects_xy(shape, lng, lat).any()


def test_owner_of_the_nearest_light_answers(requests: tuple[Any, Any, dict[str, Any]]) -> None:
    """Within 18 m of a street light, their spacing, its owner answers; elsewhere nobody is named."""
    _, _, found = requests
    near = found["component_id"] >= 0
    assert Counter(found["step"]) == {"owner": 1799, "none": 20777}
    assert (near == (found["step"] == "owner")).all()
    assert np.nanmax(found["component_distance_m"]) <= 18.0
    assert (found["party_name"][near] != "").all()
    assert (found["party_name"][~near] == "").all()


def test_one_by_one_is_the_same_as_all_together(
    city: City, requests: tuple[Any, Any, dict[str, Any]]
) -> None:
    """For 300 requests the single answer equals the bulk answer in every field."""
    lng, lat, found = requests
    for i in random.Random(20161231).sample(range(len(lng)), 300):
        one = city.locate(float(lng[i]), float(lat[i]), class_text="路灯").as_dict()
        for name, value in one.items():
            bulk = found[name][i]
            if value is None:
                assert bulk == -1 or bulk != bulk, (i, name, bulk)
            else:
                assert value == bulk, (i, name, value, bulk)


def test_duties_one_by_one_are_the_same_as_all_together(tmp_path: Path, city: City) -> None:
    """With duties at wards, cells and in polygons of their own, 300 requests singly and in bulk agree."""
    draw = random.Random(2016)
    city.store.backup(tmp_path / "dc.gpkg")
    with gzip.open(DATA / "service_requests_2016.csv.gz", "rt", encoding="utf-8-sig", newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if row["lon"]]
    chosen = draw.sample(rows, 300)
    lng, lat = (np.array([float(row[name]) for row in chosen]) for name in ("lon", "lat"))
    with City.open(tmp_path / "dc.gpkg") as copy:
        cells = copy.store.columns("cells", ("code", "geom"))
        areas = [code for (code,) in copy.store.rows("areas", ("code",))]
        receipt = copy.store.rows("receipts", ("fid",))[0][0]
        duties = []
        for i in range(400):
            place = draw.choice([draw.choice(areas), draw.choice(cells["code"].tolist()), ""])
            # Some blocks with their surroundings, whose borders run near many requests.
            shape = (
                None if place else draw.choice(cells["geom"].tolist()).buffer(draw.choice([0.0, 1e-4, 5e-3]))
            )
            shape = (
                shapely.MultiPolygon([shape]) if shape is not None and shape.geom_type == "Polygon" else shape
            )
            lamp = draw.random() < 0.4
            duties.append(
                {
                    "party_name": f"agency {i % 17}",
                    "role": draw.choice(["handler", "maintainer"]),
                    "class_kind": "component" if lamp else "",
                    "class_code": "01037" if lamp else "",
                    "edition": "gbt47678.5-2026" if lamp else "",
                    "place_code": place,
                    "place_name": "" if place else f"block {i}",
                    "area_m2": None if place else shape.area * 1e10,
                    "geom": shape,
                    "receipt": receipt,
                }
            )
        table = {name: [row[name] for row in duties] for name in duties[0]}
        shapes = np.empty(len(duties), dtype=object)
        shapes[:] = table["geom"]
        with copy.store.transaction() as tx:
            tx.insert("duties", table | {"geom": shapes})
        for question in ({"class_text": "路灯", "accuracy": "C"}, {"accuracy": 30.0}):
            many = copy.locate_many(lng, lat, **question)
            for i in range(len(lng)):
                one = copy.locate(float(lng[i]), float(lat[i]), **question).as_dict()
                for name, value in one.items():
                    bulk = many[name][i]
                    assert bulk == value or (value is None and (bulk == -1 or bulk != bulk)), (i, name)
            assert len(set(many["step"])) > ("class_text" in question)
            assert (many["across_party_name"] != "").sum() > 10


def test_swapped_columns_of_a_stream_are_seen(city: City) -> None:
    """Where no row lies in the city and the first would with its axes swapped, the last line says so."""
    rows = "lat,lng\n38.9072,-77.0369\n38.91,-77.03\n"
    line = ["locate", "-", "--city", str(city.path), "--fields", "basis"]
    swapped = CliRunner().invoke(cli, [*line, "--x", "lat", "--y", "lng"], input=rows)
    assert (swapped.exit_code, swapped.stderr) == (
        1,
        "2 rows: 0 located, 2 outside, 0 bad (lat, lng as EPSG:4326)\n"
        "No row lies in the city, but the first one would with its coordinates swapped (lat, lng?); "
        "name the columns with --x and --y.\n",
    )
    right = CliRunner().invoke(cli, line, input=rows)
    assert (right.exit_code, right.stderr) == (
        0,
        "2 rows: 2 located, 0 outside, 0 bad (lng, lat as EPSG:4326)\n",
    )
