"""The sample city: what its script writes, and what the city finds in it."""

from __future__ import annotations

import csv
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely

from gridcity.catalogue import area_name, catalogue
from gridcity.city import City
from gridcity.codes import credit_code
from gridcity.crs import gcj02_to_wgs84, geometries_to_lnglat
from gridcity.findings import RULES
from gridcity.intake import Source, read_source
from gridcity.profile import read_profile

SAMPLE = Path(__file__).parents[1] / "sample_data"
AREAS = ("areas_streets.zip", "areas_communities.zip")
COMPONENTS = tuple(
    f"components_{name}.zip" for name in ("areas", "covers", "facilities", "green", "lines", "poles")
)
TABLES = ("parties.csv", "duties.csv", "duties_events.csv", "incidents.csv", "flaws.csv")
PLACES = "duties_places.zip"


def rows_of(name: str, folder: Path = SAMPLE) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def sources() -> dict[str, Source]:
    return {name: read_source(SAMPLE / name) for name in (*AREAS, "cells.zip", *COMPONENTS, PLACES)}


@pytest.fixture(scope="module")
def flaws() -> list[dict[str, str]]:
    return rows_of("flaws.csv")


@pytest.fixture(scope="module")
def imported(tmp_path_factory, flaws):
    """The city made of the sample, and what every file's import found."""
    city = City.create(
        tmp_path_factory.mktemp("sample") / "sample.gpkg", read_profile(SAMPLE / "profile.toml")
    )
    found = {
        AREAS[0]: city.import_areas(SAMPLE / AREAS[0], level="street"),
        AREAS[1]: city.import_areas(SAMPLE / AREAS[1], level="community"),
        "cells.zip": city.import_cells(SAMPLE / "cells.zip", number=True, allow_overlaps=True),
        "parties.csv": city.import_parties(SAMPLE / "parties.csv"),
        "duties.csv": city.import_duties(SAMPLE / "duties.csv"),
    }
    for name in COMPONENTS:
        found[name] = city.import_components(SAMPLE / name)
    for name in ("duties_events.csv", PLACES):
        found[name] = city.import_duties(SAMPLE / name)
    yield city, found
    city.close()


def test_the_script_writes_what_is_shipped(tmp_path, sources):
    """The script gives the rows, the coordinates to a millimetre, and the tables that are shipped."""
    subprocess.run(
        [sys.executable, "-B", SAMPLE / "make_sample.py", tmp_path], check=True, capture_output=True
    )
    for name in (*TABLES, "profile.toml"):
        assert (tmp_path / name).read_text("utf-8") == (SAMPLE / name).read_text("utf-8"), name
    for name, shipped in sources.items():
        made = read_source(tmp_path / name)
        assert list(made.columns) == list(shipped.columns)
        for column, values in shipped.columns.items():
            assert made.columns[column].tolist() == values.tolist(), (name, column)
        same = shapely.equals_exact(made.geometry, shipped.geometry, tolerance=0.001)
        missing = shapely.is_missing(made.geometry) & shapely.is_missing(shipped.geometry)
        assert (same | missing).all(), name


def test_sizes(sources):
    """The sample has about 1,600 cells and 10,000 components of more than 40 classes in under 2.5 MB."""
    assert sum(path.stat().st_size for path in SAMPLE.iterdir() if path.is_file()) < 2_500_000
    assert 1550 <= len(sources["cells.zip"].rows) <= 1650
    assert 9_900 <= sum(len(sources[name].rows) for name in COMPONENTS) <= 10_200
    classes = {text for name in COMPONENTS for text in sources[name].columns["GLBJMC"]}
    known = {entry.zh for entry in catalogue("gbt47678.5-2026").entries if entry.kind == "component"}
    assert len(classes & known) >= 45


def test_readme_counts(sources):
    """The README states the number of rows of every file."""
    text = (SAMPLE / "README.md").read_text("utf-8")
    counts = {name: len(source.rows) + (name == "components_poles.zip") for name, source in sources.items()}
    counts |= {name: len(rows_of(name)) for name in TABLES}
    for name, count in counts.items():
        assert f"| `{name}` | {count:,} |" in text, (name, count)


def test_cells_are_a_coverage(sources, flaws):
    """Sound cells share their borders exactly; communities and streets are unions of them."""
    cells = sources["cells.zip"]
    flawed = [int(flaw["row"]) for flaw in flaws if flaw["file"] == "cells.zip" and flaw["row"]]
    sound = cells.geometry[~np.isin(cells.rows, flawed)]
    assert shapely.coverage_is_valid(sound)
    for name in AREAS:
        assert shapely.coverage_is_valid(sources[name].geometry)
    communities, streets = (shapely.union_all(sources[name].geometry) for name in reversed(AREAS))
    assert communities.symmetric_difference(streets).area < 1e-6
    assert len(streets.interiors) == 1  # the lake


def test_areas_are_listed(sources):
    """Codes and names of streets, and of coded communities but one, are those of the list."""
    for name in AREAS:
        codes, names = sources[name].columns["编码"], sources[name].columns["名称"]
        wrong = [names[k] for k in np.flatnonzero(codes != "") if area_name(codes[k]) != names[k]]
        assert wrong == (["东总布南社区居委会"] if name == AREAS[1] else [])


def test_codes_of_bodies_are_impossible():
    """Every credit code but the planted one passes its check; the organisation code inside does not."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    for party in rows_of("parties.csv")[:-1]:
        assert credit_code(party["code"]) == party["code"]
        body, check = party["code"][8:16], party["code"][16]
        right = (11 - sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11) % 11
        assert check != ("X" if right == 10 else str(right))
        assert "样例" in party["name"]


def test_incidents_are_where_the_readme_says(sources):
    """As GCJ-02, 932 incidents lie within 21 m of their class, 60 have none within 59 m, 8 lie outside."""
    incidents = rows_of("incidents.csv")
    points = shapely.points(
        *gcj02_to_wgs84(*(np.array([float(r[c]) for r in incidents]) for c in ("lng", "lat")))
    )
    streets = sources[AREAS[0]]
    city = shapely.union_all(geometries_to_lnglat(streets.geometry, streets.system))
    outside = ~shapely.contains(city, points)
    assert outside.sum() == 8
    metre = np.array([1 / 85_400, 1 / 111_000])
    near = 0
    for name in COMPONENTS:
        source = sources[name]
        shapes = shapely.transform(
            geometries_to_lnglat(source.geometry, source.system), lambda xy: xy / metre
        )
        for klass in {row["class"] for row in incidents}:
            same = shapes[(source.columns["GLBJMC"] == klass) & ~shapely.is_missing(shapes)]
            mine = np.array([row["class"] == klass for row in incidents]) & ~outside
            if not len(same) or not mine.any():
                continue
            scaled = shapely.transform(points[mine], lambda xy: xy / metre)
            nearest = shapely.STRtree(same).query_nearest(scaled, return_distance=True, all_matches=False)[1]
            assert not ((nearest > 21.5) & (nearest < 59)).any()
            near += int((nearest <= 21.5).sum())
    assert near == 932


def test_flaws_name_rules(flaws):
    """Every flaw names a rule that exists, with the severity of its stage; there are about fifty."""
    severity = {"import rejects": "error", "import warns": "warning", "import notes": "note"}
    for flaw in flaws:
        assert RULES[flaw["rule"]].severity == severity[flaw["stage"]], flaw
    assert 40 <= len(flaws) <= 60


def test_the_import_finds_the_flaws_and_no_others(imported, flaws):
    """Importing the sample gives the findings that flaws.csv lists, row by row, and no other."""
    _, found = imported
    rows = Counter((flaw["file"], flaw["rule"], flaw["row"]) for flaw in flaws if flaw["row"])
    whole = Counter({(f["file"], f["rule"]): int(f["count"]) for f in flaws if not f["row"]})
    for name, result in found.items():
        for finding in result.findings:
            if rows[name, finding.rule, str(finding.row)]:
                rows[name, finding.rule, str(finding.row)] -= 1
            else:
                whole[name, finding.rule] -= 1
    assert {key: n for key, n in (rows + whole).items() if n} == {}
    assert {key: n for key, n in whole.items() if n < 0} == {}
    for name, result in found.items():
        rejected = {f["row"] for f in flaws if f["file"] == name and f["stage"] == "import rejects"}
        assert {str(row.row) for row in result.rejected} == rejected


def test_the_check_finds_again_what_is_still_so(imported, flaws):
    """A check of the stored city finds the warnings of the import again, on both sides of a shared place."""
    city, _ = imported
    counted = city.check().counts()
    kept = (
        "component-outside",
        "component-cell",
        "component-code-class",
        "component-code-district",
        "cell-overlap",
    )
    for rule in kept:
        assert counted[rule] == sum(flaw["rule"] == rule for flaw in flaws), rule
    # The check names both of a pair, also where the import had met the one only.
    assert counted["component-near"] >= sum(
        int(flaw["count"]) for flaw in flaws if flaw["rule"] == "component-near"
    )
    assert counted["component-place-shared"] == 4  # two pairs, one of them between two files


def test_profile_is_what_the_readme_says():
    """The profile's alias, digits and local class are read."""
    text = tomllib.loads((SAMPLE / "profile.toml").read_text("utf-8"))
    profile = read_profile(SAMPLE / "profile.toml")
    assert profile.digits == {"样例社区": "901"}
    assert profile.aliases == {"南锣": "南锣鼓巷"}
    assert text["classes"][0]["code"] == "01999"
