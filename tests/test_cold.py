"""One question from a cold shell: what it loads, what it reads, and the profile it need not read again."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import import_module
from math import hypot
from pathlib import Path

import click
import pytest
import shapely
from cli_city import city, gridcity
from tiny_city import PROFILE, at, box, columns, empty_city

import gridcity as gridcity_package
import gridcity_cli
from gridcity import City
from gridcity.city.kept import kept_as
from gridcity.errors import ProfileError, StoreError
from gridcity.profile import parse_profile
from gridcity.store.wkb import Box

__all__ = ["city"]

# What click, the interpreter and a coverage tool load before gridcity does is not gridcity's.
COLD = """
import sys
import click
before = set(sys.modules)
from gridcity_cli.main import cli
code = cli.main(sys.argv[1:], standalone_mode=False)
print("code", code, *sorted(set(sys.modules) - before), file=sys.stderr)
"""
# Without the site's own start, which loads the paths of an editable install and modules of its own.
BARE = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(
        str(Path(module.__file__ or "").parents[1]) for module in (gridcity_package, gridcity_cli, click)
    ),
}
# All that one question loads of gridcity. A name is added when a question cannot do without it: each costs
# 0.15 ms and more, where the whole of a question may cost 20.
OF_A_POINT = """
gridcity gridcity.errors gridcity.model gridcity.profile gridcity.profile.choices
gridcity.responsibility gridcity.distance
gridcity.responsibility.chain gridcity.responsibility.duties gridcity.responsibility.parties
gridcity.city gridcity.city.checks gridcity.city.kept gridcity.city.opened gridcity.city.past
gridcity.city.questions gridcity.city.rows gridcity.crs gridcity.crs.datums
gridcity.tiling gridcity.tiling.point
gridcity.locating gridcity.locating.places gridcity.locating.single gridcity.locating.wanted
gridcity.store gridcity.store.connection gridcity.store.geopackage gridcity.store.reading
gridcity.store.wkb gridcity_cli gridcity_cli.main gridcity_cli.output gridcity_cli.options
gridcity_cli.commands gridcity_cli.commands.locate
"""
OUTSIDE = "gridcity.store.tree"
OF_A_CLASS = """
gridcity.catalogue gridcity.catalogue.classes gridcity.catalogue.tables
gridcity.codes gridcity.codes.layouts gridcity.codes.standards
gridcity.locating.nearby gridcity.spacings gridcity.store.places gridcity.store.rows csv unicodedata
"""
# Of the standard library: each takes 0.2 to 4 ms, and a question was once rid of it.
SLOW = """
argparse ast copy csv dataclasses decimal difflib fractions hashlib importlib.metadata importlib.resources
ipaddress logging pathlib shutil tempfile tomllib unicodedata urllib.parse
"""


@pytest.mark.parametrize(
    ("arguments", "possible"),
    [
        (["116.4115", "39.9305"], OF_A_POINT),
        (["116.4115,39.9305", "--near", "20", "--fields", "basis,party_name"], OF_A_POINT),
        (["-77.03", "38.9"], OF_A_POINT + OUTSIDE),
        (["116.4115", "39.9305", "--class", "路灯"], OF_A_POINT + OF_A_CLASS),
    ],
    ids=["point", "one token", "outside", "class"],
)
def test_what_one_question_loads(city: Path, arguments: list[str], possible: str) -> None:
    """One point from a shell loads the listed modules of gridcity, nothing slow, and no other package."""
    line = ["locate", *arguments, "--format", "json", "--city", str(city)]
    ran = subprocess.run(
        [sys.executable, "-S", "-c", COLD, *line], env=BARE, capture_output=True, text=True, check=False
    )
    _, code, *loaded = ran.stderr.splitlines()[-1].split()
    assert (code, json.loads(ran.stdout)["basis"]) in (("0", "inside"), ("1", "outside")), ran.stderr
    mine = {name for name in loaded if name.split(".")[0] in ("gridcity", "gridcity_cli")}
    assert mine <= set(possible.split())
    assert not set(SLOW.split()) & set(loaded) - set(possible.split())
    assert {name.split(".")[0] for name in set(loaded) - mine} <= sys.stdlib_module_names


@pytest.mark.parametrize("package", ["gridcity", "gridcity.codes", "gridcity.catalogue", "gridcity.crs"])
def test_what_is_loaded_on_first_use_is_there(package: str) -> None:
    """Every public name of a package that loads on first use can be had, and no other."""
    found = import_module(package)
    for name in found.__all__:
        assert getattr(found, name) is not None
    with pytest.raises(AttributeError, match=rf"module '{package}' has no attribute 'nonsense'"):
        found.nonsense  # noqa: B018


# The profile a city keeps.

LONG = f"""
# 样例
{PROFILE}
[areas]
community_of_street = "001"
[areas.digits]
"样例社区" = "901"
[aliases]
"崇外" = "崇文门外"
[columns]
"DEPTNAME3" = "supervisor_name"
[[classes]]
edition = "cjt214-2007"
code = "0698"
name = "文物古迹"
geometry = "polygon"
[responsibility]
steps = ["duty", "owner"]
"""


def written(path: Path, key: str, value: str | None) -> None:
    """Change what a city says of itself, as another program would."""
    with closing(sqlite3.connect(path)) as connection, connection:
        if value is None:
            connection.execute("DELETE FROM gridcity_meta WHERE key = ?", (key,))
        else:
            connection.execute("UPDATE gridcity_meta SET value = ? WHERE key = ?", (value, key))


@pytest.mark.parametrize("text", [PROFILE, LONG], ids=["short", "long"])
def test_the_kept_profile_is_the_one_of_its_text(tmp_path: Path, text: str) -> None:
    """What a city was made with comes back in every field, of the same types."""
    profile = parse_profile(text)
    City.create(tmp_path / "city.gpkg", profile).close()
    with City.open(tmp_path / "city.gpkg") as opened:
        assert opened.profile == profile and repr(opened.profile) == repr(profile)


@pytest.mark.parametrize("damage", [None, "", "{}", "[]", '{"form": []}', "not JSON"])
def test_a_city_without_the_kept_form_reads_the_text(tmp_path: Path, damage: str | None) -> None:
    """A city of an older gridcity, or one whose kept form is not this gridcity's, is read from its text."""
    City.create(tmp_path / "city.gpkg", parse_profile(LONG)).close()
    written(tmp_path / "city.gpkg", "profile_read", damage)
    with City.open(tmp_path / "city.gpkg") as opened:
        assert opened.profile == parse_profile(LONG)
        opened.update_profile(parse_profile(PROFILE))
        kept = opened.store.meta()
    assert {key: kept[key] for key in kept_as(parse_profile(PROFILE))} == kept_as(parse_profile(PROFILE))


def test_a_text_that_another_program_changed_counts(tmp_path: Path) -> None:
    """The text is the profile: what was read from another text is not taken for it, and errors are told."""
    path = tmp_path / "city.gpkg"
    City.create(path, parse_profile(LONG)).close()
    written(path, "profile", LONG.replace('["duty", "owner"]', '["owner"]'))
    with City.open(path) as opened:
        assert opened.profile.component_steps == ("owner",)
    written(path, "profile", "[city")
    with pytest.raises(ProfileError, match=r"the profile in city\.gpkg is not TOML"):
        City.open(path)


def test_a_profile_that_was_never_a_text_makes_no_city(tmp_path: Path) -> None:
    """A profile whose text does not say it is refused before there is a file."""
    with pytest.raises(ProfileError):
        City.create(tmp_path / "city.gpkg", parse_profile(PROFILE)._replace(text=""))
    assert not (tmp_path / "city.gpkg").exists()


# The nearest box.


@pytest.mark.parametrize("n", [0, 1, 51, 52, 5_000])
def test_boxes_come_from_the_place_outwards(tmp_path: Path, n: int) -> None:
    """Every box comes once, the nearest first, and the first of many after a look at few."""
    draw = random.Random(n)
    shapes = [box(draw.uniform(0, 900), draw.uniform(0, 900)) for _ in range(n)]
    looked = 0

    def far(x: float, y: float, one: Box) -> float:
        nonlocal looked
        looked += 1
        return hypot(max(one.west - x, 0.0, x - one.east), max(one.south - y, 0.0, y - one.north))

    with empty_city(tmp_path / "city.gpkg") as made:
        with made.store.transaction() as tx, tx.bulk("cells", n):
            tx.insert("cells", columns("cells", [{"geom": shape} for shape in shapes]))
        for x, y in (at(450, 450), at(-3000, 200), (0.0, 0.0), (-116.5, -39.5)):
            found = list(made.store.outwards("cells", lambda one, x=x, y=y: far(x, y, one)))
            assert sorted(i for _, i in found) == list(range(1, n + 1))
            assert [distance for distance, _ in found] == sorted(distance for distance, _ in found)
            if n:
                exact = shapely.distance(shapely.Point(x, y), shapes).min()
                assert found[0][0] == pytest.approx(exact, abs=1e-4)
            looked = 0
            next(made.store.outwards("cells", lambda one, x=x, y=y: far(x, y, one)), None)
            assert looked <= min(2 * n, 600)


def test_a_damaged_tree_is_said_to_be_damaged(tmp_path: Path) -> None:
    """A node that is cut short or missing is an error of the store, not an answer."""
    with empty_city(tmp_path / "city.gpkg") as made:
        with made.store.transaction() as tx:
            tx.insert("cells", columns("cells", [{"geom": box(0, 0)}]))
        for node in ("substr(data, 1, 3)", "substr(data, 1, 20)"):
            with closing(sqlite3.connect(made.path)) as connection, connection:
                connection.execute(f"UPDATE rtree_cells_geom_node SET data = {node}")
            with pytest.raises(StoreError, match="rtree_cells_geom is damaged"):
                list(made.store.outwards("cells", lambda one: 0.0))
    with pytest.raises(KeyError):
        list(made.store.outwards("parties", lambda one: 0.0))


def test_names_of_files_that_mean_something_in_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A city is opened under the very name it has, whatever that means in an address."""
    for name in ("a?b.gpkg", "a#b.gpkg", "a%20b.gpkg", "a b.gpkg", "东城.gpkg", "a%3fb.gpkg"):
        City.create(tmp_path / name, parse_profile(PROFILE)).close()
        with City.open(tmp_path / name) as opened:
            assert opened.path == tmp_path / name
    assert len(list(tmp_path.iterdir())) == 6
    monkeypatch.chdir(tmp_path)
    assert gridcity("locate", "0", "0", "--city", "a?b.gpkg").exit_code == 1
