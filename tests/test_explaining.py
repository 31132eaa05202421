"""What a code means: every kind, every reading, and the objects of the city behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
import survey
from survey import MIDDLE, NEW, OLD, features, profile, spot

from gridcity import City
from gridcity.city import look_up
from gridcity.errors import CodeError
from gridcity.explaining import explain

pytestmark = pytest.mark.filterwarnings("ignore::gridcity.codes.ProvisionalEditionWarning")

PLACE = (
    ("province", "11 北京市"),
    ("city", "1101 市辖区"),
    ("district", "110101 东城区"),
    ("street", "110101005 北新桥街道"),
    ("community", "110101005001 海运仓社区居委会"),
)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("city")
    more = f'[[classes]]\nedition = "{OLD}"\ncode = "0698"\nname = "文物古迹"\n'
    city = survey.built(folder, profile(more))
    rows = [
        {"shape": spot(0.5, 0.5), "class_name": "路灯", "state": "完好"},
        {"shape": spot(0.6, 0.5), "code": "1101010698000005", "name": "雍和宫"},
        {"shape": spot(0.7, 0.5), "code": "1101010698000006", "name": "柏林寺"},
    ]
    city.import_components(features(folder / "rows.geojson", rows))
    parties = [{"code": "91350100M000100Y43", "name": "样例公司"}]
    city.import_parties(survey.table(folder / "parties.csv", parties))
    return city


@pytest.mark.parametrize(("code", "n"), [("110101", 3), ("110101005", 4), ("110101005001", 5)])
def test_area_is_named_level_by_level(code: str, n: int) -> None:
    """An area code is its provinces, cities, districts and streets by name; it has no edition."""
    (found,) = look_up(f" {code} ")
    assert (found.kind, found.edition, found.text, found.parts) == ("area", "", code, PLACE[:n])


def test_area_that_is_not_listed_says_so() -> None:
    """A part of an area code that the list does not have is shown with that remark."""
    (found,) = look_up("999001")
    assert found.parts[-1] == ("district", "999001 (not in the list of areas)")


def test_cell_of_fourteen_digits_has_one_reading() -> None:
    """14 digits are a cell of 2007: place and serial."""
    (found,) = look_up("11010100500105")
    assert (found.kind, found.edition) == ("cell", OLD)
    assert found.parts == (*PLACE, ("serial", "5"))


def test_every_reading_is_shown_without_a_city() -> None:
    """15 and 16 digits and a class of four read under two editions each; an edition leaves one."""
    assert [(e.kind, e.edition) for e in look_up("110101005001005")] == [("cell", MIDDLE), ("cell", NEW)]
    assert [(e.kind, e.edition) for e in look_up("1101010118000003")] == [
        ("component", OLD),
        ("component", MIDDLE),
    ]
    assert {(e.kind, e.edition) for e in look_up("0104") if e.kind == "component class"} == {
        ("component class", OLD),
        ("component class", MIDDLE),
    }
    assert [e.edition for e in look_up("1101010118000003", OLD)] == [OLD]
    assert dict(look_up("1101010118000003", OLD)[0].parts)["class"].startswith("0118 路灯 (Street lamp)")


def test_component_of_seventeen_digits() -> None:
    """17 digits are a component of 2026: district, major and minor class by name, serial."""
    (found,) = look_up("11010101037000012")
    parts = dict(found.parts)
    assert (found.kind, found.edition, parts["serial"]) == ("component", NEW, "12")
    assert parts["district"] == "110101 东城区"
    assert parts["major"] == "01 市政公用设施"
    assert parts["class"].startswith("01037 路灯 (Street lamp), status: ")


def test_class_that_is_not_in_the_catalogue_says_so() -> None:
    """A component code of an unknown class is explained as far as it goes."""
    (found,) = look_up("11010101998000012")
    assert ("class", f"01998 (not in the catalogue of {NEW})") in found.parts


def test_class_of_five_digits_is_component_and_event() -> None:
    """One class code can be a component class and a matter of 2026: both are shown."""
    found = look_up("01001")
    assert [(e.kind, e.edition) for e in found] == [("component class", NEW), ("event class", NEW)]
    assert dict(found[0].parts)["minor"] == "001 供水井盖"
    assert dict(found[1].parts)["minor"] == "001 供水井盖异常"


def test_class_in_a_place() -> None:
    """11 digits are an event class in a district, and name no single case."""
    (found,) = look_up("11010101001")
    assert (found.kind, found.edition) == ("class in a place", NEW)
    assert dict(found.parts)["class"].startswith("01001 供水井盖异常")


def test_credit_code() -> None:
    """18 characters are a unified social credit code with its division, organisation and check character."""
    (found,) = look_up("91350100m000100y43")
    assert (found.kind, found.edition, found.text) == ("credit code", "GB 32100-2015", "91350100M000100Y43")
    assert [label for label, _ in found.parts] == ["division", "organisation", "check character"]


def test_beidou_code() -> None:
    """A BeiDou grid code is its level and the edges of its cell."""
    (found,) = look_up("N50J")
    assert (found.kind, found.edition) == ("BeiDou grid code", "GB/T 39409-2020")
    assert found.parts == (
        ("level", "1"),
        ("longitude", "114.000000000 - 120.000000000"),
        ("latitude", "36.000000000 - 40.000000000"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("hello", "'h' at position 1"),
        ("1101010050010O", "the letter 'O' at position 14"),
        ("１１０１０１", "full-width digit"),
        ("11010100500100", "serial 00"),
        ("0000", "is no class of any edition"),
        ("1101", "is no class"),
        ("1101010", "No code has 7 digits"),
        ("91350100M000100Y44", "100Y44"),
        ("N50J99", "N50J99"),
        ("0" * 400, "…"),
    ],
)
def test_what_is_no_code_is_said_in_a_sentence(text: str, message: str) -> None:
    """A text that is no code is refused with the position or the length that is wrong, in few characters."""
    with pytest.raises(CodeError) as caught:
        look_up(text)
    assert message in caught.value.message
    assert len(caught.value.message) < 300


def test_unknown_edition_is_refused() -> None:
    """An edition that does not exist is an error that names those that do."""
    with pytest.raises(CodeError, match="cjt1") as caught:
        explain("110101", "cjt1")
    assert OLD in f"{caught.value.message} {caught.value.hint}"


def test_city_decides_what_is_ambiguous(city: City) -> None:
    """In a city 15 and 16 digits read under its own editions; another one must be named."""
    assert [e.edition for e in city.look_up("110101005001001")] == [NEW]
    assert [e.edition for e in city.look_up("1101010118000003")] == [OLD]
    assert [e.edition for e in city.look_up("1101010118000003", MIDDLE)] == [MIDDLE]


def test_city_shows_its_objects(city: City) -> None:
    """Areas, cells, components and parties of the city stand behind their codes, and only they."""
    (area,) = city.look_up("110101005001")
    assert [(o["level"], o["name"]) for o in area.objects] == [("community", "海运仓社区")]
    (cell,) = city.look_up("110101005001001")
    assert [o["note"] for o in cell.objects] == ["01"]
    (lamp,) = city.look_up("11010101037000001")
    assert [(o["class_name"], o["state"]) for o in lamp.objects] == [("路灯", "完好")]
    (party,) = city.look_up("91350100M000100Y43")
    assert [o["name"] for o in party.objects] == ["样例公司"]
    assert city.look_up("110101005001999")[0].objects == ()
    assert look_up("11010101037000001")[0].objects == ()


def test_local_class_of_the_city_is_named(city: City) -> None:
    """A class the profile adds is named in codes and by itself; without the city it is unknown."""
    (found,) = city.look_up("1101010698000005")
    assert dict(found.parts)["class"].startswith("0698 文物古迹")
    assert found.objects[0]["name"] == "雍和宫"
    assert [e.kind for e in city.look_up("0698")] == ["component class"]
    with pytest.raises(CodeError, match="'0698' is no class"):
        look_up("0698")


def test_objects_are_those_of_the_reading(tmp_path: Path) -> None:
    """An object is shown under the edition of its code, not under another reading of the same digits."""
    city = survey.built(tmp_path)
    rows = [{"shape": spot(0.5, 0.5), "code": "1101010118000003"}]
    city.import_components(features(tmp_path / "rows.geojson", rows))
    assert len(city.look_up("1101010118000003", OLD)[0].objects) == 1
    assert city.look_up("1101010118000003", MIDDLE)[0].objects == ()


def test_an_area_of_the_city_s_own_is_named_by_the_city(tmp_path: Path) -> None:
    """Outside the list of areas the names come from what the city has imported."""
    own = profile(older="", area_code="999001")
    with City.create(tmp_path / "city.gpkg", own) as city:
        ward = {"shape": survey.square(0, 0), "code": "999001001", "name": "Ward 1"}
        city.import_areas(features(tmp_path / "wards.geojson", [ward]))
        (found,) = city.look_up("999001001001001")
        assert dict(found.parts)["street"] == "999001001 Ward 1"
        assert dict(found.parts)["community"] == "999001001001 (not in the list of areas)"
