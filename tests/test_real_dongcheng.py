"""Beijing Dongcheng as it really is: areas, land parcels as cells, and 35 records of a component survey."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from survey import OLD, about, balance, column, contents, rules

from gridcity import City
from gridcity.codes import CellCode, ComponentCode
from gridcity.model import Placement
from gridcity.profile import parse_profile

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "dongcheng"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data of Dongcheng are not here")

STREETS = DATA / "streets_17_gcj02.geojson"
COMMUNITIES = DATA / "beixinqiao_communities_12_gcj02.geojson"
PARCELS = DATA / "land_parcels_gcj02.geojson"
POINTS = DATA / "bujian_relics_point_gcj02.geojson"
POLYGONS = DATA / "bujian_relics_area_gcj02.geojson"
UNLISTED = ["北宫厅", "十三条", "藏经馆"]

# The survey calls the occupant DEPT1 and the heritage bureau DEPT3; the profile says who they are.
PROFILE = """
[city]
name = "北京市东城区"
area_code = "110101"
older_edition = "cjt214-2007"
[aliases]
"崇外" = "崇文门外"
"体育馆" = "体育馆路"
"永定门" = "永定门外"
{aliases}
[areas.digits]
{digits}
[columns]
"DEPTNAME1" = "maintainer_name"
"DEPTCODE1" = "maintainer_code"
"DEPTNAME3" = "supervisor_name"
"DEPTCODE3" = "supervisor_code"
[[classes]]
edition = "cjt214-2007"
code = "0698"
name = "文物古迹（自定义）"
"""


def taken(city: City, name: str, path: Path, **options: Any) -> Any:
    """Import a file of Dongcheng; everything there is undeclared GCJ-02."""
    result = getattr(city, f"import_{name}")(path, datum="gcj02", **options)
    balance(result)
    return result


def areas_of(folder: Path, aliases: str = "", digits: str = "") -> City:
    folder.mkdir(exist_ok=True)
    profile = parse_profile(PROFILE.format(aliases=aliases, digits=digits))
    city = City.create(folder / "dongcheng.gpkg", profile)
    taken(city, "areas", STREETS, level="street")
    taken(city, "areas", COMMUNITIES, level="community")
    return city


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dongcheng")


@pytest.fixture(scope="module")
def city(folder: Path) -> City:
    """Areas, numbered parcels and the survey, points before polygons; not to be changed."""
    city = areas_of(folder / "city")
    taken(city, "cells", PARCELS, number=True, allow_overlaps=True)
    taken(city, "components", POINTS)
    taken(city, "components", POLYGONS)
    return city


def test_streets_and_communities(tmp_path: Path) -> None:
    """17 streets are all in the list, three by alias; of 12 communities three are not, and are named."""
    city = areas_of(tmp_path / "areas")
    streets = taken(city, "areas", STREETS, level="street")
    assert balance(streets) == (0, 0, 17, 0)
    assert rules(streets) == {}
    communities = taken(city, "areas", COMMUNITIES, level="community")
    assert balance(communities) == (0, 0, 12, 0)
    assert rules(communities) == {"area-unlisted": 3}
    found = {f.value: f.message for f in communities.findings if f.rule == "area-unlisted"}
    assert sorted(found) == UNLISTED
    assert "nearest: 北官厅社区居委会 (110101005009)" in found["北宫厅"]
    codes = city.store.rows("areas", ("level", "code", "parent_id"))
    assert sorted(code for level, code, _ in codes if level == "street") == [
        f"110101{n:03d}" for n in range(1, 18)
    ]
    beixinqiao = city.store.rows("areas", ("fid",), {"code": "110101005"})[0][0]
    assert {parent for level, _, parent in codes if level == "community"} == {beixinqiao}
    assert sum(code != "" for level, code, _ in codes if level == "community") == 9


def test_streets_without_aliases(tmp_path: Path) -> None:
    """Without the profile's aliases the three streets that are called otherwise are kept with a finding."""
    profile = parse_profile('[city]\nname = "东城区"\narea_code = "110101"\n')
    with City.create(tmp_path / "city.gpkg", profile) as plain:
        result = taken(plain, "areas", STREETS, level="street")
        assert balance(result) == (17, 0, 0, 0)
        names = [f.value for f in result.findings if f.rule == "area-unlisted"]
        assert len(names) == 3
        assert {name.removesuffix("街道") for name in names} == {"崇外", "体育馆", "永定门"}


def test_parcels_as_cells(city: City) -> None:
    """Of 4,153 parcels 340 lie in a community: the 288 in listed ones are numbered, the rest say why not."""
    cells = city.store.columns("cells", ("code", "community_id", "street_id"))
    within = cells["community_id"] != np.array(None)
    coded = cells["code"] != ""
    assert (len(within), int(within.sum()), int(coded.sum())) == (4153, 340, 288)
    assert not (coded & ~within).any()
    result = taken(city, "cells", PARCELS, number=True, allow_overlaps=True, dry_run=True)
    assert balance(result) == (0, 0, 4153, 0)
    assert rules(result) == {"cell-uncoded": 3865, "cell-overlap": 41}
    reasons = list(about(result, "cell-uncoded").values())
    assert reasons.count("the cell has no code: its community has none") == 52
    assert reasons.count("the cell has no code: it lies in no community") == 3813
    codes = [CellCode.parse(code, city.profile.edition) for code in cells["code"][coded]]
    serials: dict[str, list[int]] = {}
    for code in codes:
        serials.setdefault(code.community, []).append(code.serial)
    assert len(serials) == 9
    assert all(sorted(numbers) == list(range(1, len(numbers) + 1)) for numbers in serials.values())


def test_digits_of_the_profile_number_all_340(folder: Path) -> None:
    """With an alias and two local numbers (this test's own) every parcel in a community gets a code."""
    digits = '"藏经馆" = "901"\n"十三条" = "902"'
    other = areas_of(folder / "digits", aliases='"北宫厅" = "北官厅"', digits=digits)
    result = taken(other, "cells", PARCELS, number=True, allow_overlaps=True)
    assert balance(result) == (4153, 0, 0, 0)
    assert rules(result) == {"cell-uncoded": 3813, "cell-overlap": 41}
    assert sum(code != "" for code in column(other, "cells", "code")) == 340
    assert other.check().counts() == {"cell-uncoded": 3813, "cell-overlap": 41, "cell-gap": 378}


def test_every_parcel_is_located(city: City) -> None:
    """A point inside each parcel is found in it, or where parcels overlap in one that holds the point too."""
    cells = city.store.columns("cells", ("fid", "code", "geom"))
    points = shapely.point_on_surface(cells["geom"])
    found = city.locate_many(points)
    assert set(found["basis"]) <= {"inside", "edge"}
    own = found["cell_id"] == cells["fid"].astype(np.int64)
    others = np.flatnonzero(~own)
    assert 0 < len(others) <= 2 * 41
    position = {int(fid): i for i, fid in enumerate(cells["fid"])}
    winners = [position[int(i)] for i in found["cell_id"][others]]
    assert shapely.covers(cells["geom"][winners], points[others]).all()
    assert found["overlap"][others].all()
    assert (found["cell_code"][own] == cells["code"][own]).all()


def test_survey_of_35_records_is_18_components(city: City) -> None:
    """17 points and 18 polygons are 18 objects with their own codes of 2007, kept as polygons."""
    components = city.store.columns("components", ("code", "edition", "class_code", "name", "geom"))
    assert len(components["code"]) == 18
    assert set(components["edition"]) == {OLD}
    parsed = [ComponentCode.parse(code, OLD) for code in components["code"]]
    assert {(code.district, code.class_code) for code in parsed} == {("110101", "0698")}
    assert components["code"][0] == "1101010698000005"
    assert set(shapely.get_dimensions(components["geom"])) == {2}
    declared = [cell for cell in column(city, "components", "declared_cell") if cell]
    assert {CellCode.parse(cell).edition for cell in declared} == {OLD}
    assert set(column(city, "components", "supervisor_name")) == {"市文物局"}
    assert set(column(city, "components", "supervisor_code")) <= {"", "00000000"}


ORDERS = [
    (
        (POINTS, POLYGONS),
        (17, 0, 0, 0),
        {"component-cell-unknown": 9, "component-outside": 2},
        (1, 17, 0, 0),
        {
            "point-and-polygon": 17,
            "component-cell-unknown": 10,
            "component-outside": 1,
            "component-many-cells": 11,
        },
    ),
    (
        (POLYGONS, POINTS),
        (18, 0, 0, 0),
        {"component-cell-unknown": 10, "component-outside": 1, "component-many-cells": 11},
        (0, 0, 17, 0),
        {
            "point-and-polygon": 17,
            "component-cell-unknown": 10,
            "component-outside": 1,
            "component-many-cells": 11,
        },
    ),
]


@pytest.mark.parametrize(("files", "first", "found", "second", "then"), ORDERS, ids=["points", "polygons"])
def test_balance_in_both_orders(
    city: City,
    tmp_path: Path,
    files: tuple[Path, Path],
    first: tuple[int, ...],
    found: dict[str, int],
    second: tuple[int, ...],
    then: dict[str, int],
) -> None:
    """Whichever file comes first, the balances add up, and the second time both change nothing."""
    copy = tmp_path / "city.gpkg"
    city.store.backup(copy)
    with City.open(copy) as other:
        emptied(other)
        results = [taken(other, "components", path) for path in files]
        assert [balance(result) for result in results] == [first, second]
        assert [rules(result) for result in results] == [found, then]
        before = contents(other, "components")
        assert [balance(taken(other, "components", path))[:2] for path in files] == [(0, 0), (0, 0)]
        assert contents(other, "components") == before
        assert set(column(other, "components", "initial_date")) == {"2009-06-01", "2012-05-31"}
        assert set(column(other, "components", "changed_date")) == {""}
        mine, theirs = (
            sorted(zip(column(one, "components", "code"), shapes(one), strict=True)) for one in (other, city)
        )
        assert mine == theirs


def shapes(city: City) -> list[str]:
    return [shape.wkt for shape in city.store.columns("components", ("geom",))["geom"]]


def emptied(city: City) -> None:
    """Take the components out of a copy."""
    with city.store.transaction() as tx:
        tx._run("DELETE FROM components")


def test_ignoring_the_datum_is_seen(city: City, tmp_path: Path) -> None:
    """Read as WGS 84 no record is lost, the file is said to declare nothing, and more stand in no cell."""
    copy = tmp_path / "city.gpkg"
    city.store.backup(copy)
    with City.open(copy) as other:
        emptied(other)
        result = other.import_components(POINTS)
        assert balance(result) == (17, 0, 0, 0)
        assert rules(result) == {"component-cell-unknown": 11, "component-outside": 4, "datum-assumed": 1}


def test_chain_of_responsibility_at_the_lama_temple(city: City) -> None:
    """At 雍和宫 its occupant answers and the owner is next; without an occupant (无) owner, then bureau."""
    found = at(city, "雍和宫")
    assert (found.basis, found.street_name, found.district_code) == ("inside", "北新桥街道", "110101")
    assert (found.component_code, found.component_distance_m) == ("1101010698000005", 0.0)
    assert (found.step, found.party_name) == ("maintainer", "雍和宫管理处")
    assert (found.next_step, found.next_party_name) == ("owner", "北京市民族宗教事务管理局")
    found = at(city, "东药王庙遗存")
    assert (found.component_name, found.step, found.party_name) == (
        "东药王庙遗存",
        "owner",
        "东城区文化委员会",
    )
    assert (found.next_step, found.next_party_name) == ("supervisor", "市文物局")


def at(city: City, name: str) -> Placement:
    """Locate a point inside a component, asking for its class."""
    (shape,) = city.store.columns("components", ("geom",), {"name": name})["geom"]
    inside = shapely.point_on_surface(shape)
    return city.locate(inside.x, inside.y, class_text="文物古迹（自定义）")


def test_check_of_the_whole_district(city: City) -> None:
    """The check finds over the stored city what the imports found, and the slivers between parcels."""
    assert city.check().counts() == {
        "component-cell-unknown": 10,
        "component-outside": 1,
        "component-many-cells": 11,
        "area-unlisted": 3,
        "cell-uncoded": 3865,
        "cell-overlap": 41,
        "cell-gap": 378,
    }


def test_real_codes_are_explained(city: City) -> None:
    """A component's code and the cell it names are explained, the object shown."""
    (found,) = city.look_up("1101010698000005")
    assert found.objects[0]["name"] == "雍和宫"
    assert dict(found.parts)["class"].startswith("0698 文物古迹（自定义）")
    (cell,) = city.look_up("11010100500105")
    assert (cell.kind, cell.edition) == ("cell", OLD)
