"""The inventory and its page: counts, order, escaping, and a page that needs no network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.errors import ArgumentError, MissingPackageError
from gridcity.profile import Profile, parse_profile
from gridcity.reporting import DIMENSIONS, MISSING, inventory
from gridcity.reporting.page import MOST_BARS, MOST_ROWS
from gridcity.store.geopackage import GeoPackage

PROFILE = parse_profile(
    '[city]\nname = "东城区"\narea_code = "110101"\nolder_edition = "cjt214-2007"\n'
    '[[classes]]\nedition = "cjt214-2007"\ncode = "0698"\nname = "文物古迹"\n'
)
PAYLOADS = [
    "<img src=x onerror=\"document.title='PWNED'\">",
    "</script><script>document.title='PWNED'</script>",
    "'\"><svg onload=document.title='PWNED'>",
    "{{ 7 * 7 }}{% raw %}",
    "@count{safe} $index",
]
RECEIPT = {name: [""] for name in ("at", "source", "layer", "sha256", "system", "system_wkt", "datum")} | {
    "kind": ["components"],
    "encoding": [""],
    "options": ["{}"],
    **{name: [0] for name in ("read", "added", "changed", "unchanged", "rejected", "collapsed")},
}
# class, name of the class, edition, cell, maintainer, owner, supervisor, date, until
COMPONENTS: list[tuple[Any, ...]] = [
    ("01001", "供水井盖", "gbt47678.5-2026", 1, "水务集团", "产权单位", "", "2020-01-02", ""),
    ("01001", "供水井盖", "gbt47678.5-2026", 1, "无", "产权单位", "主管", "2021-01-02", ""),
    ("0101", "上水井盖", "cjt214-2007", 2, "", "00000000", " 主管 ", "2020-05-05", ""),
    ("0698", "文物古迹", "cjt214-2007", 3, "", "", "无", "", ""),
    ("01001", "供水井盖", "gbt47678.5-2026", None, "", "", "", "", ""),
    ("01001", "供水井盖", "gbt47678.5-2026", 1, "水务集团", "", "", "2020-01-02", "2024-01-01"),
]


def as_array(values: list[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def square(i: int) -> Any:
    return shapely.multipolygons([shapely.box(116.4 + i / 100, 39.9, 116.41 + i / 100, 39.91)])


def build(path: Path, *, codes: list[str], components: list[tuple[Any, ...]]) -> GeoPackage:
    """Make a city of two streets, three communities (two alike, without code), and cells in turn in them."""
    store = GeoPackage.create(path, {"stored_epsg": "4490", "profile": "", "name": "城"})
    with store.transaction() as t:
        r = int(t.insert("receipts", RECEIPT)[0])
        t.insert(
            "areas",
            {
                "geom": as_array([square(0)] * 6),
                "level": ["district", "street", "street", "community", "community", "community"],
                "code": ["110101", "110101005", "110101006", "110101005001", "", ""],
                "name": ["东城区", "北新桥街道", "东四街道", "青龙社区", "新社区", "新社区"],
                "parent_id": [None, 1, None, 2, 2, 3],
                "receipt": [r] * 6,
            },
        )
        n = len(codes)
        t.insert(
            "cells",
            {
                "geom": as_array([square(i) for i in range(n)]),
                "code": codes,
                "community_id": [4 + i % 3 for i in range(n)],
                "area_m2": [1.0] * n,
                "receipt": [r] * n,
            },
        )
        columns = list(zip(*components, strict=True))
        names = ("class_code", "class_name", "edition", "cell_id", "maintainer_name", "owner_name")
        names += ("supervisor_name", "initial_date", "until")
        t.insert(
            "components",
            {name: list(column) for name, column in zip(names, columns, strict=True)}
            | {
                "geom": as_array([shapely.Point(116.4, 39.9)] * len(components)),
                "code": [f"{i:017d}" for i in range(len(components))],
                "receipt": [r] * len(components),
            },
        )
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GeoPackage]:
    codes = ["110101005001002", "110101005001001", ""]
    store = build(tmp_path / "city.gpkg", codes=codes, components=COMPONENTS)
    yield store
    store.close()


@pytest.fixture
def evil(tmp_path: Path) -> Iterator[GeoPackage]:
    rows = [("01001", text, "", 1 + i, text, "", "", text, "") for i, text in enumerate(PAYLOADS)]
    store = build(tmp_path / "evil.gpkg", codes=PAYLOADS, components=rows)
    yield store
    store.close()


def rows(store: GeoPackage, *by: str) -> list[tuple[Any, ...]]:
    return inventory(store, PROFILE, by).rows


def test_totals_are_of_current_objects(store: GeoPackage) -> None:
    """Retired components are not counted; cells, classes and parties are counted once each."""
    report = inventory(store, PROFILE)
    assert report.rows == [(5,)]
    assert report.columns == ("count",)
    assert report.totals == {
        "cells": 3,
        "coded_cells": 2,
        "components": 5,
        "classes": 3,
        "without_cell": 1,
        "without_party": 2,
        "parties": 3,
    }
    assert report.cell_counts == {1: 2, 2: 1, 3: 1}


def test_places_follow_from_the_cell(store: GeoPackage) -> None:
    """Cell, community, street and district come from the cell, outside every cell from the place."""
    assert rows(store, "cell") == [
        ("#3", 1),
        ("110101005001001", 1),
        ("110101005001002", 2),
        (MISSING, 1),
    ]
    assert rows(store, "street") == [("110101005 北新桥街道", 4), ("110101006 东四街道", 1)]
    # The second street has no district above it: the profile's stands in.
    assert rows(store, "district") == [("110101 东城区", 5)]


def test_outside_every_area_all_are_missing(store: GeoPackage) -> None:
    """A component that stands in no cell and no area counts for none of them."""
    with store.transaction() as t:
        t.update("components", [5], {"geom": as_array([shapely.Point(117, 39)])})
    assert rows(store, "street") == [("110101005 北新桥街道", 3), ("110101006 东四街道", 1), (MISSING, 1)]
    for name, n in (("cell", 4), ("community", 4), ("district", 2)):
        assert rows(store, name)[-1] == (MISSING, 1)
        assert len(rows(store, name)) == n


def test_areas_of_one_name_stay_apart(store: GeoPackage) -> None:
    """Two communities with the same name and no code are two groups."""
    assert rows(store, "community") == [
        ("110101005001 青龙社区", 3),
        ("新社区 #5", 1),
        ("新社区 #6", 1),
    ]


def test_classes_and_majors_by_their_edition(store: GeoPackage) -> None:
    """Majors come from the catalogue of each component's edition, local classes included."""
    assert rows(store, "class") == [("01001 供水井盖", 3), ("0101 上水井盖", 1), ("0698 文物古迹", 1)]
    majors = dict(rows(store, "major"))
    assert majors == {"01 市政公用设施": 3, "01 公用设施": 1, "06 其他设施": 1}


def test_party_is_maintainer_then_owner_then_supervisor(store: GeoPackage) -> None:
    """Blank, 无 and 00000000 are no party; the next one answers."""
    assert rows(store, "party") == [("主管", 1), ("产权单位", 1), ("水务集团", 1), (MISSING, 2)]


def test_spellings_of_one_party_are_one(store: GeoPackage) -> None:
    """Code, alias and name of a party in the table count under its name; a stranger under its own."""
    with store.transaction() as t:
        t.insert(
            "parties", {"code": ["C1"], "name": ["水务集团"], "aliases": ["自来水;北水"], "receipt": [1]}
        )
        t.update("components", [3], {"maintainer_name": ["北水"]})
        t.update("components", [4, 5], {"maintainer_code": ["C1", "C9"]})
    assert rows(store, "party") == [("C9", 1), ("产权单位", 1), ("水务集团", 3)]
    assert inventory(store, PROFILE).totals["without_party"] == 0


def test_what_ends_later_still_counts(store: GeoPackage) -> None:
    """A cell or component with an end in the future counts until then; what begins later does not yet."""
    with store.transaction() as t:
        t.update(
            "cells", [1, 2, 3], {"until": ["2999-01-01", "2020-01-01", ""], "since": ["", "", "2999-01-01"]}
        )
        t.update("components", [1, 2], {"until": ["2999-01-01", ""], "since": ["", "2999-01-01"]})
    totals = inventory(store, PROFILE).totals
    assert (totals["cells"], totals["coded_cells"], totals["components"]) == (1, 1, 4)


def test_year_is_of_the_initial_date(store: GeoPackage) -> None:
    """The year is the beginning of the initial date; without a date it is missing, and sorted last."""
    assert rows(store, "year") == [("2020", 2), ("2021", 1), (MISSING, 2)]


def test_records_carry_the_columns(store: GeoPackage) -> None:
    """A record names its dimensions and the count."""
    report = inventory(store, PROFILE, ["year", "state"])
    assert report.to_records()[0] == {"year": "2020", "state": MISSING, "count": 2}


@pytest.mark.parametrize("by", [["colour"], ["cell", "cell"]])
def test_unknown_and_repeated_dimensions_are_refused(by: list[str], store: GeoPackage) -> None:
    """The hint lists every dimension."""
    with pytest.raises(ArgumentError) as caught:
        inventory(store, PROFILE, by)
    assert all(name in caught.value.hint for name in DIMENSIONS)


def test_made_at_is_utc(store: GeoPackage) -> None:
    """The time is told in UTC whatever zone it was given in; without one it is now."""
    given = datetime(2026, 3, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    assert inventory(store, PROFILE, made_at=given).made_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert datetime.now(UTC) - inventory(store, PROFILE).made_at < timedelta(minutes=1)


@pytest.mark.parametrize("by", [[], list(DIMENSIONS)])
def test_an_empty_city_has_a_report(by: list[str], tmp_path: Path) -> None:
    """A city without any object is reported: no group, or a total of nought; its page has no map."""
    store = GeoPackage.create(tmp_path / "city.gpkg", {"stored_epsg": "4490", "profile": "", "name": ""})
    report = inventory(store, PROFILE, by)
    assert report.rows == ([] if by else [(0,)])
    page = report.to_html(store)
    assert "尚无单元网格" in page and "<script" not in page
    store.close()


class Components:
    """A store with nothing but components."""

    def __init__(self, classes: list[str], states: list[str]) -> None:
        self.values = {"class_code": classes, "state": states}

    def rows(self, table: str, columns: Any, where: Any = None, *, on: Any = None) -> list[Any]:
        return []

    def columns(self, table: str, columns: Any, where: Any = None, *, on: Any = None) -> dict[str, Any]:
        n = len(self.values["state"]) if table == "components" else 0
        found = {name: as_array(self.values.get(name, [""] * n)[:n]) for name in columns}
        if "cell_id" in found:
            found["cell_id"] = as_array([None] * n)
        return found


# Text comes in without NULs, which older versions of pandas take for the end of a text.
_LETTERS = st.characters(exclude_characters="\0")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["01001", "02", ""]), st.text(_LETTERS, max_size=2))))
def test_counts_are_those_of_a_plain_loop(pairs: list[tuple[str, str]]) -> None:
    """Grouping gives what counting one by one gives, ordered by label with the missing last."""
    source = Components([a for a, _ in pairs], [b for _, b in pairs])
    found = inventory(source, PROFILE, ["class", "state"]).rows  # type: ignore[arg-type]
    expected = Counter((a or MISSING, b or MISSING) for a, b in pairs)
    assert {row[:2]: row[2] for row in found} == expected
    assert [row[:2] for row in found] == sorted(
        expected, key=lambda pair: [(text == MISSING, text) for text in pair]
    )


def visible(page: str) -> str:
    """Return the page without what stands between script tags."""
    return re.sub(r"<script>.*?</script>", "", page, flags=re.S)


def test_page_fetches_nothing(store: GeoPackage) -> None:
    """No tag has an address, the policy forbids every fetch, and only two known scripts may run."""
    page = inventory(store, PROFILE, ["class"]).to_html(store)
    outside = visible(page)
    assert not re.search(r"\b(src|href|srcset|action)\s*=", outside)
    assert "http:" not in outside and "https:" not in outside
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1].split("style-src")[0]
    assert policy[1].count("'sha256-") == page.count("<script>") == 2
    assert '<html lang="zh-CN">' in page


def test_page_shows_values_as_text(evil: GeoPackage) -> None:
    """No value becomes a tag, in the table, the bars, the title, or the data of the map."""
    profile = Profile(name=PAYLOADS[0], area_code="110101", edition="gbt47678.5-2026")
    page = inventory(evil, profile, ["class", "party", "cell"]).to_html(evil)
    assert page.count("<script>") == page.count("</script>") == 2
    assert not re.search(r"<(img|svg)\b", visible(page))
    assert "{{ 7 * 7 }}" in page
    for text in PAYLOADS[:3]:
        assert text not in page


def test_page_drops_characters_that_are_not_seen(tmp_path: Path) -> None:
    """Control characters and those that turn the direction of text do not reach the page."""
    bad = "a\x00\x1b[31m\u202eb\u2066c"
    store = build(
        tmp_path / "c.gpkg", codes=[bad], components=[("01001", "x", "", 1, bad, "", "", "2020", "")]
    )
    page = inventory(store, PROFILE, ["party", "cell"]).to_html(store)
    assert "a[31mbc" in visible(page)
    assert not set(bad) & set("\x00\x1b\u202e\u2066") & set(page)
    store.close()


def test_long_tables_name_the_csv(tmp_path: Path) -> None:
    """More rows than a page can carry are cut, with a sentence that says so and the command for all."""
    n = MOST_ROWS + 1
    components = [("01001", "井盖", "", 1, f"单位{i:05d}", "", "", "2020", "") for i in range(n)]
    store = build(tmp_path / "c.gpkg", codes=["110101005001001"], components=components)
    page = inventory(store, PROFILE, ["party"]).to_html(store)
    assert page.count("<tr>") == MOST_ROWS + MOST_BARS + 1
    assert "The first 2,000 of 2,001 rows are shown" in page
    assert "gridcity report inventory --by party --format csv" in page
    store.close()


@pytest.mark.parametrize("package", ["bokeh.embed", "jinja2"])
def test_a_missing_package_is_named(package: str, store: GeoPackage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without bokeh or Jinja2 the error says what to install."""
    report = inventory(store, PROFILE)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=r'pip install "gridcity\[report\]"'):
        report.to_html(store)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_page_runs_in_a_browser(evil: GeoPackage, tmp_path: Path) -> None:
    """The map is drawn under the page's own policy, nothing is refused, and no payload runs."""
    page = inventory(evil, PROFILE, ["class", "cell"]).to_html(evil)
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    options += [
        "--enable-logging=stderr",
        "--virtual-time-budget=4000",
        f"--user-data-dir={tmp_path / 'browser'}",
    ]
    done = subprocess.run(
        ["chromium", *options, "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "<title>东城区 部件统计" in done.stdout
    assert 'class="bk-Figure"' in done.stdout
    assert "Refused to" not in done.stderr and "violates" not in done.stderr
    assert "Uncaught" not in done.stderr
