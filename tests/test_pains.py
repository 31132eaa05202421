"""Bad input and odd surroundings that no other file of tests has a place for."""

from __future__ import annotations

import os
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pyogrio
import pytest
from survey import balance, built, copied, features, profile, shapefile, spot
from test_intake import geopackage, set_of
from test_intake import shapefile as points_file

from gridcity import City
from gridcity.catalogue import catalogue
from gridcity.errors import ReferenceSystemError, SourceError
from gridcity.exporting import ShapefileSizeWarning, shapefiles
from gridcity.intake import read_source

LAMP = "路灯"
CUSTOM = (
    'PROJCS["City_Local",GEOGCS["GCS_X",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
    'PARAMETER["False_Easting",{east}],PARAMETER["False_Northing",0.0],'
    'PARAMETER["Central_Meridian",{meridian}],PARAMETER["Scale_Factor",1.0],'
    'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> City:
    return built(tmp_path_factory.mktemp("base"))


@pytest.fixture
def city(base: City, tmp_path: Path) -> City:
    return copied(base, tmp_path / "city.gpkg")


def lamp(folder: Path) -> Path:
    return features(folder / "rows.geojson", [{"shape": spot(0.5, 0.5), "class_name": LAMP}])


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="another user can only be played by root")
@pytest.mark.parametrize("closed", [".shp", ".dbf", ".gpkg"])
def test_case_01_a_file_that_may_not_be_read_is_one_sentence(tmp_path: Path, closed: str) -> None:
    """Whichever of its files is closed to the user, a source is refused with the reason of the system."""
    path = geopackage(tmp_path / "a.gpkg") if closed == ".gpkg" else points_file(tmp_path)
    path.with_suffix(closed).chmod(0)
    # The folders of the test are root's alone; the other user must be able to walk through them.
    way = [tmp_path, *tmp_path.parents]
    modes = {folder: folder.stat().st_mode for folder in way if not folder.stat().st_mode & 0o001}
    try:
        for folder, mode in modes.items():
            folder.chmod(mode | 0o055)
        os.seteuid(65534)
        with pytest.raises(SourceError, match="Permission denied") as caught:
            read_source(path)
    finally:
        os.seteuid(0)
        for folder, mode in modes.items():
            folder.chmod(mode)
    assert "permission to read it" in caught.value.hint


def test_case_50_a_name_that_stands_twice_in_a_zip_is_named(tmp_path: Path) -> None:
    """Of two entries with one name neither is preferred, and the refusal says which name it is."""
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as pack, pytest.warns(UserWarning, match="Duplicate"):
        for name, content in set_of(tmp_path).items():
            pack.writestr(name, content)
        pack.writestr("部件.dbf", b"other")
    with pytest.raises(SourceError, match=r"by nothing or by case alone: 部件\.dbf"):
        read_source(path)


@pytest.mark.parametrize("suffix", [".kml", ".kmz", ".gml", ".vrt"])
def test_case_53_formats_of_xml_are_refused_under_their_own_names(tmp_path: Path, suffix: str) -> None:
    """No KML, GML or VRT is opened, so no entity in one is ever expanded or fetched."""
    path = tmp_path / f"a{suffix}"
    path.write_text(
        '<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY e SYSTEM "file:///etc/passwd">]><kml>&e;</kml>'
    )
    with pytest.raises(SourceError) as caught:
        read_source(path)
    assert caught.value.code == "E_DRIVER"


@pytest.mark.parametrize("text", ["%", "_", "*", "路%", "?", "[路]", "'; DROP TABLE components; --"])
def test_case_48_a_search_takes_wildcards_literally(text: str) -> None:
    """No class name holds such a text, so a search for it finds none."""
    assert list(catalogue("gbt47678.5-2026").search(text)) == []


@pytest.mark.parametrize("remote", ["WFS:http://x/y", "ftp://h/a.shp", "gs://b/c.csv", "/vsizip/a.zip/b.shp"])
def test_case_69_no_address_is_followed(remote: str) -> None:
    """Whatever GDAL would fetch or unpack by a name is no local file here."""
    with pytest.raises(SourceError, match="is no local file"):
        read_source(remote)


NAMES = ["部 件", 'it\'s "q"', "two\nlines", "a\tb", "a!b", "a.zip!b", "a#b?c%20d&e=f", "x;y", "s3:"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", NAMES)
def test_case_70_a_city_and_all_its_exports_live_under_any_name(tmp_path: Path, name: str) -> None:
    """A folder and file of any name takes a city, an import into it and every export of it."""
    folder = tmp_path / name
    folder.mkdir()
    with City.create(folder / f"{name}.gpkg", profile()) as city:
        city.import_components(lamp(folder))
        for suffix in (".csv", ".geojson", ".gpkg"):
            assert city.export(folder / f"out {name}{suffix}")
        city.export(folder / "shapes")
    assert (folder / "shapes" / "components_points.dbf").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with City.open(folder / f"{name}.gpkg") as city:
        assert city.summary()["components"] == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_case_70_a_relative_folder_named_like_an_address(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export to the folder ``http:`` writes into that folder and asks no network."""
    monkeypatch.chdir(tmp_path)
    Path("http:").mkdir()
    city.import_components(lamp(tmp_path))
    city.export(Path("http:") / "shapes")
    assert pyogrio.read_info(tmp_path / "http:" / "shapes" / "components_points.shp")["features"] == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", NAMES)
def test_case_70_sources_are_read_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A relative folder that GDAL would take for an address or an archive is a folder."""
    good = geopackage(tmp_path / "good.gpkg")
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    shutil.copy(good, Path(name) / "a.gpkg")
    assert len(read_source(Path(name) / "a.gpkg")) == 3
    assert len(read_source(points_file(Path(name)))) == 3


@pytest.mark.parametrize("name", ["é" * 120, "a" * 250, "x;y", "two\nlines"])
def test_case_70_a_geopackage_of_any_name_is_read(tmp_path: Path, name: str) -> None:
    """Long names, line breaks and semicolons are names of GeoPackages too."""
    path = Path(shutil.copy(geopackage(tmp_path / "good.gpkg"), tmp_path / f"{name}.gpkg"))
    assert len(read_source(path)) == 3


@pytest.mark.parametrize(
    "cpg", ["GBK", "GB18030", "cp936", "GB2312", "gbk\r\n", "\ufeffGBK", "54936", "ANSI 936"]
)
def test_every_way_to_declare_gbk_is_no_contradiction(tmp_path: Path, cpg: str) -> None:
    """A .cpg that says GBK, in whatever spelling, agrees with GBK bytes and raises no warning."""
    path = points_file(tmp_path)
    path.with_suffix(".cpg").write_text(cpg, encoding="utf-8")
    source = read_source(path)
    assert source.columns["名称"].tolist()[0] == "雍和宫"
    assert source.findings.counts() == {}


@pytest.mark.parametrize(("east", "meridian"), [("500000.0", "117.0"), ("120000.0", "116.35")])
def test_the_receipt_keeps_the_declared_system_word_by_word(
    city: City, tmp_path: Path, east: str, meridian: str
) -> None:
    """The .prj of a file, of a national or of the city's own system, stands in the receipt as it was."""
    from gridcity import crs

    wkt = CUSTOM.format(east=east, meridian=meridian)
    place = spot(0.5, 0.5)
    x, y = crs.from_lnglat(place.x, place.y, crs.reference_system(wkt=wkt))
    path = shapefile(tmp_path / "路灯.shp", [{"shape": type(place)(x, y), "class_name": LAMP}], wkt)
    result = city.import_components(path, class_text=LAMP)
    assert balance(result) == (1, 0, 0, 0)
    with closing(sqlite3.connect(city.path)) as connection:
        (stored,) = connection.execute("SELECT system_wkt FROM receipts ORDER BY fid DESC").fetchone()
    assert stored == wkt


def test_case_22_an_old_datum_in_a_prj_refuses_the_import(city: City, tmp_path: Path) -> None:
    """A shapefile in Xian 1980 writes no byte of the city, and the error has its code."""
    wkt = CUSTOM.format(east="500000.0", meridian="117.0").replace("D_China_2000", "D_Xian_1980")
    wkt = wkt.replace('"CGCS2000",6378137.0,298.257222101', '"Xian_1980",6378140.0,298.257')
    path = shapefile(tmp_path / "路灯.shp", [{"shape": spot(0.5, 0.5), "class_name": LAMP}], wkt)
    before = city.path.read_bytes()
    with pytest.raises(ReferenceSystemError) as caught:
        city.import_components(path, class_text=LAMP)
    assert caught.value.code == "E_DATUM"
    assert city.path.read_bytes() == before


def test_a_shapefile_near_two_gigabytes_is_warned_of(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the limit of other programs is reached an export names the file and the format without one."""
    city.import_components(lamp(tmp_path))
    monkeypatch.setattr(shapefiles, "_LARGE", 500)
    with pytest.warns(ShapefileSizeWarning, match=r"components_points\.dbf.* export as gpkg"):
        city.export(tmp_path / "out")
