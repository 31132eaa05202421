"""The benchmarks: their data are what they say, and their page is made from the kept runs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import shapefile as pyshp

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def root_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is run from the root of the repository and not installed."""
    monkeypatch.syspath_prepend(str(REPOSITORY))


def test_the_survey_is_a_shapefile_that_another_reader_accepts(tmp_path: Path) -> None:
    """pyshp finds every row with its 18 attributes, in GBK, and a number of rows that no part divides."""
    from benchmarks.survey import FIELDS, write_survey

    path = write_survey(tmp_path, 1_234)
    with pyshp.Reader(str(path), encoding="gbk") as reader:
        assert len(reader) == 1_234
        assert [field[0] for field in reader.fields[1:]] == list(FIELDS)
        assert len(FIELDS) == 18
        records, points = reader.records(), [shape.points[0] for shape in reader.shapes()]
        box = list(reader.bbox)
    assert {record["GLBJZT"] for record in records} >= {"完好", "破损"}
    assert all(record["ZGBMMC"].endswith(("（样例）", "公司", "处", "中心")) for record in records)
    codes = [record["GLBJBSM"] for record in records if record["GLBJBSM"]]
    assert len(codes) == len(set(codes))
    assert 0.6 < len(codes) / len(records) < 0.73
    x, y = zip(*points, strict=True)
    assert box == [min(x), min(y), max(x), max(y)]


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    """Two surveys of one seed are equal, those of two seeds are not."""
    from benchmarks.survey import write_survey

    digests = []
    for k, seed in enumerate((5, 5, 6)):
        (tmp_path / str(k)).mkdir()
        path = write_survey(tmp_path / str(k), 500, seed)
        digests.append([hashlib.sha256(path.with_suffix(s).read_bytes()).digest() for s in (".shp", ".dbf")])
    assert digests[0] == digests[1] != digests[2]


def test_a_small_import_can_be_measured(tmp_path: Path) -> None:
    """A run takes every row in, finds the peer's texts in the city, and can be kept and shown."""
    from benchmarks.import_ import measure

    run = measure(tmp_path, 2_000, 1)
    assert run.facts["rows in both results"] == "2,000"
    assert len(run.own_s) == len(run.peer_s) == 1
    assert run.ratios == [run.own_s[0] / run.peer_s[0]]
    assert f"**ratio**, round by round | {run.ratios[0]:.2f}" in "\n".join(run.lines())


def test_the_page_is_made_from_the_kept_runs() -> None:
    """docs/performance.md is what `python -m benchmarks page` writes."""
    from benchmarks.page import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_command_line_lists_the_measurements() -> None:
    """`python -m benchmarks --help` names the import and the page."""
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "import" in said.stdout
    assert "page" in said.stdout
