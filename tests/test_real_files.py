"""Files that others made: the table in the docs, and whether texts and places are right."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import shapefile as pyshp
import shapely

from gridcity.errors import GridcityError, ReferenceSystemError
from gridcity.intake import read_source

REPOSITORY = Path(__file__).parents[1]
DATA = REPOSITORY.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not here")

# Declared in the .cpg of Yaizu and in the language byte of the others, and taken from there by the oracle.
ENCODED = {
    "gbk-shapefiles/chongqing_shp/区县界_area": "gbk",
    "gbk-shapefiles/derived-ldid0/区县界_area": "gbk",
    "gbk-shapefiles/shanghai_shp/区县界_area": "gbk",
    "yaizu/polygons/中学校区/中学校区": "cp932",
    "yaizu/polygons/小学校区/小学校区": "cp932",
    "yaizu/polygons/自主防災会境界/自主防災会区域更新": "cp932",
    "yaizu/polygons/自治会区域/自治会区域": "cp932",
}
WASHINGTON = {
    "components/bollards.geojson": 11_608,
    "components/parking-meters-2009.geojson": 11_443,
    "components/sidewalk-grates.geojson": 10_147,
    "components/litter-cans.geojson": 5_265,
    "components/sewers-inlets.geojson": 2_772,
    "components/guardrails-and-barriers.geojson": 2_699,
    "components/trees/benches.shp": 2_782,
    "components/trees/bike_racks.shp": 740,
    "polygons/census-block-groups-2010.geojson": 450,
    "polygons/police-service-areas-psa.geojson": 56,
    "polygons/ward-2012.geojson": 8,
    "polygons/traffic-analysis-zones.geojson": 319,
    "polygons/trash-pickup-days-for-2015.geojson": 144,
}


@pytest.fixture(scope="module")
def build_files() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REPOSITORY / "scripts"))
        yield importlib.import_module("build_files")


def test_the_table_of_files_is_current(build_files: ModuleType) -> None:
    """Each file is read or refused with a GridcityError, without a warning, as docs/files.md says."""
    assert build_files.PAGE.read_text(encoding="utf-8") == build_files.page(DATA)


def test_the_table_leaves_no_shapefile_out(build_files: ModuleType) -> None:
    """Each .shp of the data, whatever its state, has its line."""
    shapefiles = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*.shp")}
    listed = {p.relative_to(DATA).as_posix() for p in DATA.rglob("*") if build_files._is_input(p, DATA)}
    assert len(shapefiles) > 80
    assert shapefiles <= listed


@pytest.mark.filterwarnings("ignore:Specified encoding")
@pytest.mark.parametrize("name", ENCODED)
def test_every_text_is_the_one_that_another_reader_finds_under_the_right_encoding(name: str) -> None:
    """No character differs from what pyshp reads when it is told the encoding."""
    found = read_source(DATA / f"{name}.shp")
    with pyshp.Reader(str(DATA / name), encoding=ENCODED[name]) as reader:
        texts = [field[0] for field in reader.fields[1:] if field[1] == "C"]
        records = reader.records(fields=texts)
    assert len(found) == len(records) > 0
    for column in texts:
        assert found.columns[column].tolist() == [record[column].strip() for record in records], column


def test_names_read_as_a_resident_would_write_them() -> None:
    """The names of districts and schools are theirs, not what other encodings make of the bytes."""
    chongqing = read_source(DATA / "gbk-shapefiles/derived-ldid0/区县界_area.shp")
    assert {"奉节县", "云阳县", "开县"} <= set(chongqing.columns["NAME"])
    shanghai = read_source(DATA / "gbk-shapefiles/shanghai_shp/区县界_area.shp")
    assert any("浦东" in name for name in shanghai.columns["NAME"])
    schools = read_source(DATA / "yaizu/polygons/中学校区/中学校区.shp")
    assert "焼津中学校" in schools.columns["item2"]
    one = read_source(DATA / "gbk-shapefiles/shapefile-rs/file_cp936.shp", datum="wgs84")
    assert one.columns["TEST"].tolist() == ["测试中文"]


def test_a_table_whose_language_byte_was_zeroed_reads_like_the_original() -> None:
    """Chongqing without its declaration of the encoding has the texts and shapes of Chongqing with it."""
    with_it, without = (
        read_source(DATA / "gbk-shapefiles" / folder / "区县界_area.shp")
        for folder in ("chongqing_shp", "derived-ldid0")
    )
    assert with_it.encoding == without.encoding == "GB18030"
    for name, column in with_it.columns.items():
        assert column.tolist() == without.columns[name].tolist()
    assert shapely.equals_exact(with_it.geometry, without.geometry).all()


def test_all_hydrants_of_taichung_arrive_with_their_texts_and_places() -> None:
    """6,328 rows, each with the owner, the office and the coordinates that the JSON has."""
    path = DATA / "taichung/hydrants.geojson"
    found = read_source(path)
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    assert len(found) == len(features) == 6_328
    for field in ("產權", "水公司單位名稱", "消防栓位置"):
        delivered = [str(feature["properties"].get(field) or "").rstrip() for feature in features]
        assert found.columns[field].tolist() == delivered
    delivered = [feature["geometry"]["coordinates"][:2] for feature in features]
    assert np.array_equal(shapely.get_coordinates(found.geometry), np.array(delivered))


def test_shenzhen_is_refused_until_its_system_is_named_and_then_lies_in_place() -> None:
    """Without .prj no row is taken; as WGS 84, 94.8 % of the cells' centroids lie in the districts."""
    for name in ("grid", "sz"):
        with pytest.raises(ReferenceSystemError, match="no reference system") as refused:
            read_source(DATA / "shenzhen" / f"{name}.shp")
        assert "--crs" in refused.value.hint
    cells, districts = (read_source(DATA / "shenzhen" / f"{n}.shp", crs=4326) for n in ("grid", "sz"))
    assert (len(cells), len(districts)) == (9_005, 10)
    inside = shapely.contains(shapely.union_all(districts.geometry), shapely.centroid(cells.geometry))
    assert inside.mean() == pytest.approx(0.948, abs=0.0005)


@pytest.mark.parametrize("name", WASHINGTON)
def test_washington_arrives_in_full(name: str) -> None:
    """No row of the files of Washington is lost on the way in."""
    assert len(read_source(DATA / "washington-dc" / name)) == WASHINGTON[name]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pyshp/corrupt_too_long.shp", "1144 bytes"),
        ("pyshp/empty_zipfile.zip", "no shapefile"),
        ("shapefile-js/no-dbf.shp", "no .dbf"),
        ("shapefile-js/bad.shp", "no shapefile"),
        ("shapefile-js/htmlprj.shp", "no reference system"),
        ("shapefile-js/badzip.zip", "no zip"),
        ("gdal-autotest/shp/departs.vrt", "virtual layer"),
    ],
)
def test_a_refusal_names_its_reason_and_what_to_do(name: str, reason: str) -> None:
    """A damaged or foreign file costs a sentence with the reason and a hint, not a traceback."""
    with pytest.raises(GridcityError) as refused:
        read_source(DATA / "odd-shapefiles" / name)
    assert reason in refused.value.message
    assert refused.value.hint
