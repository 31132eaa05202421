"""A city's choices: what a profile may say, and the sentence it gets where it may not."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from survey import MIDDLE, NEW, OLD, profile

from gridcity import City
from gridcity.errors import ProfileError
from gridcity.profile import COMPONENT_STEPS, EVENT_STEPS, Profile, parse_profile, read_profile

CITY = '[city]\nname = "东城区"\narea_code = "110101"\n'


def test_smallest_profile_has_the_defaults() -> None:
    """Name and area code suffice; the edition of new codes is the newest, no older one is named."""
    found = parse_profile(CITY)
    assert (found.name, found.area_code, found.edition, found.older_edition) == ("东城区", "110101", NEW, "")
    assert (dict(found.digits), found.community_of_street, dict(found.aliases)) == ({}, "", {})
    assert (dict(found.columns), found.classes, found.component_steps) == ({}, (), COMPONENT_STEPS)
    assert found.text == CITY


def test_profile_goes_to_other_processes() -> None:
    """A profile made of nothing but its name and codes can be pickled and copied as a read one can."""
    made = Profile("样例城", "110101", NEW)
    for one in (made, parse_profile('[city]\nname = "样例城"\narea_code = "110101"')):
        assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == copy.copy(one) == one


def test_everything_a_profile_can_say() -> None:
    """Every key of the format reaches its attribute, texts without blanks around them."""
    found = parse_profile(
        f'[city]\nname = " 东城区 "\narea_code = "110101"\nedition = "{OLD}"\nolder_edition = "{MIDDLE}"\n'
        '[areas]\ncommunity_of_street = "001"\n[areas.digits]\n"样例社区" = "901"\n"Ward 1" = "999001001"\n'
        '[aliases]\n"崇外" = "崇文门外"\n[columns]\n"DEPTNAME3" = "supervisor_name"\n'
        f'[[classes]]\nedition = "{OLD}"\ncode = "0698"\nname = "文物古迹"\nname_en = "Relic"\n'
        'geometry = "polygon"\n[[classes]]\nkind = "event"\ncode = "21001"\nname = "扩展"\n'
        'major_name = "扩展事件"\n[responsibility]\nsteps = ["duty", "owner"]\n'
    )
    assert (found.name, found.edition, found.older_edition) == ("东城区", OLD, MIDDLE)
    assert found.digits == {"样例社区": "901", "Ward 1": "999001001"}
    assert (found.community_of_street, found.aliases) == ("001", {"崇外": "崇文门外"})
    assert (found.columns, found.component_steps) == ({"DEPTNAME3": "supervisor_name"}, ("duty", "owner"))
    first, second = found.classes
    assert (first.kind, first.edition, first.code, first.name) == ("component", OLD, "0698", "文物古迹")
    assert (first.name_en, first.geometry) == ("Relic", "polygon")
    assert (second.kind, second.edition, second.major_name) == ("event", OLD, "扩展事件")


WRONG = [
    ("[city", "is not TOML", "Mend the line"),
    ('[city]\nname = "a"\nname = "b"', "is not TOML", "Mend"),
    ("", "[city]: name is missing", 'name = "…"'),
    ('[city]\nname = "东城区"', "[city]: area_code is missing", "area_code"),
    ('[city]\nname = "  "\narea_code = "110101"', "[city]: name is missing", "name"),
    ('[city]\nname = "东城区"\narea_code = 110101', "city.area_code: 110101 is not text", "quotes"),
    ('[city]\nname = "东城区"\narea_code = "11010"', "An area code has 6, 9 or 12 digits", ""),
    ('[city]\nname = "东城区"\narea_code = "110101005"', "'110101005' is not six digits", "110101"),
    ('[city]\nname = "东城区"\narea_code = "110101000000"', "'110101000000' is not six digits", "110101"),
    ('[city]\nname = "东城区"\narea_code = "000101"', "begins with province 00", ""),
    ('[city]\nname = "东城区"\narea_code = "11O101"', "the letter 'O' at position 3", ""),
    ('city = "东城区"', "city is not a table", "Write [city]"),
    (CITY + 'colour = "red"', "[city] has the unknown key 'colour'", "older_edition"),
    (CITY + "[area]\n", "the profile has the unknown key 'area'", "areas"),
    (CITY + 'edition = "gbt2030"', "'gbt2030'", NEW),
    (CITY + 'older_edition = "cjt214"', "'cjt214'", OLD),
    (CITY + '[areas]\ndigit = "1"', "[areas] has the unknown key 'digit'", "community_of_street, digits"),
    (CITY + '[areas]\ndigits = "901"', "areas.digits is not a table", "[areas.digits]"),
    (CITY + '[areas.digits]\n"a" = 901', "areas.digits.a: 901 is not text", "quotes"),
    (CITY + '[areas.digits]\n"a" = "90"', "a = '90' has neither 3, 9 nor 12 digits", "three digits"),
    (CITY + '[areas.digits]\n"a" = "９０１"', "has neither 3, 9 nor 12 digits", "three digits"),
    (CITY + '[areas]\ncommunity_of_street = "1"', "community_of_street = '1' is not three digits", "001"),
    (CITY + '[areas]\ncommunity_of_street = "110101005"', "is not three digits", "001"),
    (CITY + '[aliases]\n"a" = ["b"]', "aliases.a: ['b'] is not text", "quotes"),
    (CITY + 'aliases = "a"\n', "[city] has the unknown key 'aliases'", "area_code"),
    (CITY + '[columns]\n"A" = "supervisor_nmae"', "'A' = 'supervisor_nmae' is no field", "supervisor_name"),
    ("classes = 3\n" + CITY, "classes is not a list", "[[classes]]"),
    ("classes = [3]\n" + CITY, "[[classes]] number 1 is not a table", "[[classes]]"),
    (CITY + '[classes]\ncode = "0698"', "classes is not a list", "[[classes]]"),
    (CITY + '[[classes]]\ncode = "0698"', "[[classes]] number 1 has no name", "name"),
    (CITY + '[[classes]]\nname = "a"\ncolour = "b"', "number 1 has the unknown key 'colour'", "geometry"),
    (CITY + '[[classes]]\nname = "a"\ncode = 698', "number 1.code: 698 is not text", "quotes"),
    (CITY + f'[[classes]]\nedition = "{OLD}"\nname = "甲"', f"甲 is of {OLD}", f'older_edition = "{OLD}"'),
    (CITY + '[responsibility]\nsteps = "owner"', "steps is not a list", "steps = ["),
    (CITY + "[responsibility]\nsteps = [1]", "responsibility.steps: 1 is not text", "quotes"),
    (CITY + '[responsibility]\nsteps = ["boss", "owner"]', "responsibility.steps: boss", "maintainer, owner"),
    (CITY + '[responsibility]\nsteps = ["owner", "owner"]', "a step is named twice", "each once"),
    (CITY + '[responsibility]\nevent = ["duty", "boss"]', "responsibility.event: boss", "authority"),
    (CITY + '[responsibility]\naccuracy = "D"', "responsibility.accuracy: 'D'", "C (10 m)"),
]


@pytest.mark.parametrize(("text", "message", "hint"), WRONG, ids=lambda value: str(value)[-40:])
def test_wrong_profile_is_refused_in_a_sentence(text: str, message: str, hint: str) -> None:
    """A profile that is wrong is refused by the name of its file, what was found and what to write."""
    with pytest.raises(ProfileError) as caught:
        parse_profile(text, where="mine.toml")
    assert message in caught.value.message
    assert caught.value.message.startswith("mine.toml")
    assert hint in (caught.value.hint or "")


def test_chains_of_a_profile() -> None:
    """Each chain has its own key; `steps`, the former name, is that of components."""
    found = parse_profile(CITY + '[responsibility]\ncomponent = ["ground"]\nevent = []\naccuracy = "C"')
    assert (found.component_steps, found.event_steps, found.accuracy) == (("ground",), (), "C")
    former = parse_profile(CITY + '[responsibility]\nsteps = ["owner"]')
    assert (former.component_steps, former.event_steps, former.accuracy) == (("owner",), EVENT_STEPS, "B")
    both = parse_profile(CITY + '[responsibility]\nsteps = ["owner"]\ncomponent = ["duty"]')
    assert both.component_steps == ("duty",)


def test_file_of_a_profile(tmp_path: Path) -> None:
    """A byte order mark is no error; a missing file, a folder and a GBK file are, by their name."""
    path = tmp_path / "东城.toml"
    path.write_text("\ufeff" + CITY, encoding="utf-8")
    assert read_profile(path).name == "东城区"
    for wrong in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ProfileError, match="cannot be read"):
            read_profile(wrong)
    path.write_bytes(CITY.encode("gbk"))
    with pytest.raises(ProfileError, match="is not UTF-8") as caught:
        read_profile(path)
    assert "东城.toml" in caught.value.message


def test_city_keeps_its_profile(tmp_path: Path) -> None:
    """The profile comes back out of the store as it was read."""
    chosen = profile('[aliases]\n"崇外" = "崇文门外"\n')
    City.create(tmp_path / "city.gpkg", chosen).close()
    with City.open(tmp_path / "city.gpkg") as city:
        assert city.profile == chosen


@pytest.mark.parametrize(
    ("edition", "older", "lengths"),
    [
        (NEW, OLD, {15: NEW, 17: NEW, 11: NEW, 14: OLD, 16: OLD, 10: OLD, 6: None, 9: None, 12: None}),
        (NEW, MIDDLE, {15: NEW, 14: None, 16: MIDDLE, 10: MIDDLE}),
        (NEW, "", {15: NEW, 17: NEW, 14: None, 16: None, 10: None}),
        (OLD, "", {14: OLD, 16: OLD, 10: OLD, 15: None, 17: None}),
        (MIDDLE, OLD, {15: MIDDLE, 16: MIDDLE, 14: OLD}),
    ],
)
def test_length_decides_the_edition(edition: str, older: str, lengths: dict[int, str | None]) -> None:
    """A code is read under the edition of new codes where that has its length, else under the older one."""
    chosen = profile(edition=edition, older=older)
    assert {digits: chosen.edition_of(digits) for digits in lengths} == lengths


@pytest.mark.parametrize(
    ("area_code", "epsg"), [("110101", 4490), ("650102", 4490), ("999001", 4326), ("440300", 4490)]
)
def test_stored_system_follows_the_country(area_code: str, epsg: int) -> None:
    """A city with a Chinese area code is stored in CGCS2000, any other in WGS 84."""
    chosen = profile(area_code=area_code)
    assert (chosen.stored_epsg, chosen.in_china) == (epsg, epsg == 4490)


def local(**keys: str) -> str:
    lines = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    return f"[[classes]]\n{lines}"


def test_class_without_code_names_the_next_free_ones() -> None:
    """A local class without a code is refused with the next minors, counted down, and the next major, 21."""
    with pytest.raises(ProfileError, match="has no code; it needs 4 digits") as caught:
        profile(local(edition=OLD, name="文物古迹")).catalogues()
    assert "06 其他设施: 0699" in (caught.value.hint or "")
    assert "2101 in a new major class" in (caught.value.hint or "")
    with pytest.raises(ProfileError, match="it needs 5 digits") as caught:
        profile(local(edition=NEW, name="样例设施")).catalogues()
    assert ": 01999" in (caught.value.hint or "")
    assert "21001 in a new major class" in (caught.value.hint or "")


def test_class_is_of_the_editions_of_the_city() -> None:
    """A class without an edition is of the city's own; a code suggested is none that another class has."""
    (klass,) = profile(local(code="0698", name="文物古迹"), edition=OLD, older="").classes
    assert klass.edition == OLD
    (table,) = profile(local(code="0698", name="文物古迹"), edition=OLD, older="").catalogues()
    assert table.find("0698", "component").zh == "文物古迹"  # type: ignore[union-attr]
    with pytest.raises(ProfileError, match="二: the class has no code") as caught:
        profile(local(edition=OLD, code="0699", name="一") + local(edition=OLD, name="二")).catalogues()
    assert "06 其他设施: 0698" in (caught.value.hint or "")


def test_class_that_takes_a_code_is_refused() -> None:
    """A local class with the code of another class is refused by both names, with the next free code."""
    with pytest.raises(ProfileError, match="样例灯: 0118 is 路灯") as caught:
        profile(local(edition=OLD, code="0118", name="样例灯")).catalogues()
    assert "0199" in (caught.value.hint or "")
    twice = local(edition=OLD, code="0698", name="甲") + local(edition=OLD, code="0698", name="乙")
    with pytest.raises(ProfileError, match="0698 of cjt214-2007 is named twice: 甲 and 乙"):
        profile(twice).catalogues()


def test_local_class_stands_in_its_edition_only() -> None:
    """A local class is found in the catalogue of its edition, with status local, and in no other."""
    newer, older = profile(local(edition=OLD, code="0698", name="样例古迹")).catalogues()
    found = older.find("0698")
    assert found is not None
    assert (found.zh, found.major_zh, found.status) == ("样例古迹", "其他设施", "local")
    assert newer.named("样例古迹") == ()
    assert [table.edition for table in (newer, older)] == [NEW, OLD]


def test_city_with_a_wrong_class_is_not_made(tmp_path: Path) -> None:
    """A profile whose local class contradicts the catalogue makes no city and leaves no file."""
    with pytest.raises(ProfileError):
        City.create(tmp_path / "city.gpkg", profile(local(edition=OLD, name="文物古迹")))
    assert list(tmp_path.iterdir()) == []
