"""The benchmarks: their data are what they say, and their page is made from the kept runs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapefile as pyshp
import shapely

from gridcity import City
from gridcity.crs import metres_per_degree

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
    assert next(iter(run.seconds)) == run.own
    assert [len(taken) for taken in run.seconds.values()] == [1, 1]
    assert run.measured["peak memory of gridcity's process, MiB"] > 10


def test_the_blocks_are_a_valid_coverage_of_the_wanted_size() -> None:
    """There are as many cells as asked for, of 4 to 40 vertices, and neighbours share their borders."""
    from benchmarks.blocks import make_blocks

    blocks = make_blocks(1_700)
    assert len(blocks.cells) == len(blocks.community) == 1_700
    assert set(shapely.get_type_id(blocks.cells)) == {shapely.GeometryType.POLYGON}
    assert shapely.is_valid(blocks.cells).all()
    for coverage in (blocks.cells, blocks.communities, blocks.streets):
        assert shapely.coverage_is_valid(coverage)
    vertices = shapely.get_num_coordinates(blocks.cells) - 1
    assert vertices.min() >= 4
    assert vertices.max() <= 45
    area_m2 = shapely.area(blocks.cells) * np.prod(metres_per_degree(39.9))
    assert 7_000 < area_m2.mean() < 9_000
    assert 4 <= len(blocks.streets) <= 16


def test_the_blocks_have_holes_enclaves_a_river_and_crooked_shapes() -> None:
    """Some cells have a hole, most holes a cell; it lies on two banks; some cells are L and T shapes."""
    from benchmarks.blocks import make_blocks

    cells = make_blocks(1_700).cells
    hosts = cells[shapely.get_num_interior_rings(cells) > 0]
    holes = shapely.polygons(shapely.get_interior_ring(hosts, 0))
    enclaves = shapely.equals(holes[:, None], cells).any(axis=1)
    assert len(hosts) > enclaves.sum() > 5
    banks = shapely.area(shapely.get_parts(shapely.coverage_union_all(cells)))
    assert sorted(banks / banks.sum())[-2] > 0.1
    bent = shapely.area(cells) / shapely.area(shapely.convex_hull(cells)) < 0.82
    assert bent.mean() > 0.02


def test_the_same_seed_makes_the_same_blocks_and_points() -> None:
    """Two cities of one seed are equal to the bit, those of two seeds are not; so are their points."""
    from benchmarks.blocks import make_blocks
    from benchmarks.city import mixed_points

    one, again, other = (make_blocks(300, seed) for seed in (5, 5, 6))
    assert (shapely.to_wkb(one.cells) == shapely.to_wkb(again.cells)).all()
    assert (shapely.to_wkb(one.cells) != shapely.to_wkb(other.cells)).any()
    points = [np.stack(mixed_points(one.cells, 500, seed)) for seed in (2, 2, 3)]
    assert np.array_equal(points[0], points[1])
    assert not np.array_equal(points[0], points[2])


def test_two_points_in_a_hundred_lie_exactly_on_a_border() -> None:
    """Of the mixed points 2 % touch a border, some of them in a corner; some lie in no cell."""
    from benchmarks.blocks import make_blocks
    from benchmarks.city import mixed_points

    cells = make_blocks(300).cells
    points = shapely.points(*mixed_points(cells, 10_000))
    borders = shapely.union_all(shapely.boundary(cells))
    shapely.prepare(borders)
    assert shapely.intersects(borders, points).sum() == 200
    corners = {tuple(xy) for xy in shapely.get_coordinates(cells)}
    assert sum(tuple(xy) in corners for xy in shapely.get_coordinates(points)) == 100
    tree = shapely.STRtree(cells)
    covered = np.unique(tree.query(points, predicate="intersects")[0])
    assert 0.05 < 1 - len(covered) / len(points) < 0.5


@pytest.fixture(scope="module")
def city_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the measurements below keep their cities."""
    return tmp_path_factory.mktemp("cities")


def test_a_city_is_imported_whole_and_kept(city_folder: Path) -> None:
    """The stored cells are the generated ones to the bit; a point in one has area names and a party."""
    from benchmarks.blocks import make_blocks
    from benchmarks.city import block_city, mixed_points, read_cells

    path = block_city(city_folder, 300)
    written = path.stat().st_mtime_ns
    assert block_city(city_folder, 300) == path
    assert path.stat().st_mtime_ns == written
    _, shapes = read_cells(path)
    made = shapely.to_wkb(shapely.normalize(make_blocks(300).cells))
    assert sorted(shapely.to_wkb(shapely.normalize(shapes))) == sorted(made)
    with City.open(path) as city:
        placed = city.locate_many(*mixed_points(shapes, 1_000))
    inside = placed["basis"] != "outside"
    assert inside.any()
    for column in ("street_name", "community_name", "party_code"):
        assert (placed[column][inside] != "").all()


def test_points_are_located_as_every_peer_does(city_folder: Path) -> None:
    """A run of `locate` has times of every contender that is installed, and no answer differs."""
    from benchmarks import joining, locate

    run = locate.measure_peers(city_folder, 150, 2_000, 2)
    for name in (locate.OWN, joining.GEOPANDAS, joining.GEOPANDAS_CELLS, joining.STRTREE):
        assert len(run.seconds[name]) == 2
    assert {joining.DUCKDB, joining.SEDONA} <= {*run.seconds, *run.absent}
    _, *differ = run.facts.values()
    assert len(differ) == len(run.seconds) - 1
    assert set(differ) == {"0 of 2,000"}


def test_more_columns_change_no_answer(city_folder: Path) -> None:
    """Points lie in the same cells whatever else is asked about them, and however."""
    from benchmarks import locate

    run = locate.measure_scaling(city_folder, 150, 2_000, 1)
    assert {locate.TAKE, locate.WITH_COLUMNS, locate.TWICE_POINTS, locate.TWICE_CELLS} < set(run.seconds)
    assert sorted(run.facts.values()) == ["0 of 2,000", "0 of 2,000", "0 of 500"]


def test_a_wrong_answer_is_noticed(city_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells, columns and components that are not the peers' or those of one point are counted."""
    from benchmarks import locate, nearest

    right = City.locate_many

    def wrong(self: City, *arguments: Any, **more: Any) -> dict[str, Any]:
        answer = right(self, *arguments, **more)
        for name, value in (("cell_id", -1), ("party_code", "?"), ("component_id", -1)):
            if name in answer:
                answer[name] = np.where(np.arange(len(answer[name])) % 2, answer[name], value)
        return answer

    monkeypatch.setattr(City, "locate_many", wrong)
    peers = locate.measure_peers(city_folder, 150, 2_000, 0).facts
    columns = locate.measure_scaling(city_folder, 150, 2_000, 0).facts
    many = nearest.measure_many(city_folder, 150, 500, 400, 0).facts
    differ = [said for name, said in peers.items() if "otherwise" in name]
    differ += [said for name, said in columns.items() if "City.locate" in name or "winners" in name]
    differ += [said for name, said in many.items() if "locate_many" in name]
    assert len(differ) >= 6
    assert all(int(said.split()[0]) > 20 for said in differ)


def test_a_peer_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without DuckDB and SedonaDB the others run, and the table says what was not installed."""
    from benchmarks.joining import DUCKDB, GEOPANDAS, SEDONA, joiners

    for name in ("duckdb", "sedonadb"):
        monkeypatch.setitem(sys.modules, name, None)
    square = shapely.box([0.0], 0.0, 1.0, 1.0)
    found, absent = joiners(square, np.array([0.5]), np.array([0.5]))
    assert GEOPANDAS in found
    assert set(absent) == {DUCKDB, SEDONA}
    assert all(why.startswith("not installed") for why in absent.values())


def test_the_memory_of_many_points_is_that_of_a_process(city_folder: Path) -> None:
    """A process that locates points holds more than Python does."""
    from benchmarks import locate

    run = locate.measure_memory(city_folder, 150, 1_000)
    assert run.measured[locate.PEAK] > 10
    assert not run.seconds


def test_one_point_is_asked_for_from_a_cold_shell(city_folder: Path) -> None:
    """The command gives the cell that `locate_many` and geopandas give."""
    from benchmarks import cold

    run = cold.measure(city_folder, 150, 500, 0)
    assert {cold.OWN, cold.CLICK, cold.GEOPANDAS} <= set(run.seconds)
    assert list(run.facts.values()) == ["4"]


def test_a_stream_is_timed_and_compared(city_folder: Path) -> None:
    """Every row of the stream comes back as it came, with the answer of `locate_many`."""
    from benchmarks import stream

    run = stream.measure(city_folder, 150, 500, 600, 0)
    assert set(run.seconds) == {stream.OWN, stream.ALL, stream.COPY}
    assert list(run.facts.values()) == ["500"]
    assert len(run.measured) == 2
    assert not list(city_folder.glob("*.csv"))


def test_the_nearest_components_are_those_of_the_peers(city_folder: Path) -> None:
    """Distances of gridcity, STRtree and rtree are the same, for many points and for one after the other."""
    from benchmarks import nearest

    many = nearest.measure_many(city_folder, 150, 500, 400, 1)
    one = nearest.measure_one(city_folder, 150, 500, 100, 1)
    assert {nearest.OWN, nearest.STRTREE} <= set(many.seconds)
    assert set(one.seconds) == {nearest.ONE, nearest.RTREE, nearest.BOX}
    for run, n in ((many, "400"), (one, "100")):
        differ = [text for name, text in run.facts.items() if name.endswith("that differ")]
        within = next(iter(run.facts.values()))
        assert 0.3 * int(n) < int(within) < int(n)
        assert len(differ) == 3
        assert set(differ) == {f"0 of {n}"}


def test_who_answers_is_measured_and_compared(city_folder: Path) -> None:
    """Somebody answers for points with duties at every level, and for one point as for many."""
    from benchmarks import responsibility

    run = responsibility.measure(city_folder, 150, 2_000, 40, 1_500, 1)
    assert {responsibility.NAMED, responsibility.ANSWERED, responsibility.LISTED} < set(run.seconds)
    *differ, answered = run.facts.values()
    assert set(differ) == {"0 of 500"}
    assert 1_500 < int(answered.split()[0].replace(",", "")) <= 2_000


def test_the_making_of_the_index_is_measured(city_folder: Path) -> None:
    """What is held is counted, and rasterio is timed or named as missing."""
    from benchmarks import build

    run = build.measure(city_folder, 150, 1)
    assert run.measured[build.HELD] > 0
    assert build.RASTERIZE in {*run.seconds, *run.absent}
    assert len(run.seconds) + 2 * len(run.absent) == 4


def test_a_run_is_kept_and_shown_with_what_was_missing(tmp_path: Path) -> None:
    """A kept run comes back equal; its table has ratios round by round and names who did not run."""
    from benchmarks.run import Run, kept

    run = Run(
        name="race-2",
        title="A race",
        setting=("Both run.",),
        own="gridcity",
        seconds={"gridcity": (1.0, 2.0, 1.0), "other": (10.0, 30.0, 40.0)},
        facts={"rows": "7"},
        machine={"processor": "one"},
        on="2026-01-02",
        absent={"third": "not installed"},
        measured={"peak memory, MiB": 1234.0},
    )
    run.keep(tmp_path)
    assert kept(tmp_path) == [run]
    lines = list(run.lines())
    assert "| other | 10.0 | 30.0 | 40.0 | 10.0 | 15.0 | 40.0 |" in lines
    assert "| third | not installed | | | | | |" in lines
    assert "| peak memory | 1,234 MiB |" in lines
    assert "| rows | 7 |" in lines


def test_a_promise_is_judged_by_the_largest_run_and_by_the_median() -> None:
    """A bound that is not kept is marked, and of several runs the one of the largest numbers tells."""
    from benchmarks.promises import Promise
    from benchmarks.run import Run

    runs = [
        Run(name, "", (), "own", {"own": (1.0, 1.0, 2.0), "peer": peer}, measured={"held, MB": 9})
        for name, peer in (("race-9", (1.0, 1.0, 1.0)), ("race-10", (8.0, 3.0, 8.0)))
    ]
    faster = Promise("figure", "race-*", 4, faster=True, contender="peer", base="own")
    assert faster.row(runs) == "| figure | 4 times faster | 4 times faster |"
    slower = Promise("figure", "race-*", 0.2, contender="own", base="peer")
    assert slower.row(runs) == "| figure | at most 0.2 times | 0.25 times, **not reached** |"
    held = Promise("figure", "race-*", 9, measured="held, MB")
    assert held.row(runs) == "| figure | at most 9 MB | 9 MB |"
    assert Promise("figure", "walk-*", 9, measured="held, MB").row(runs).endswith("| not measured yet |")


def test_the_page_is_made_from_the_kept_runs() -> None:
    """docs/performance.md is what `python -m benchmarks page` writes, and it ends with every promise."""
    from benchmarks.page import PAGE, page
    from benchmarks.promises import PROMISES

    text = PAGE.read_text(encoding="utf-8")
    assert text == page()
    assert text.count("\n| ", text.index("## What gridcity promises itself")) == len(PROMISES) + 1


def test_every_kept_run_can_be_judged() -> None:
    """A promise about a run that is kept finds its contenders in it, unless they were not installed."""
    from fnmatch import fnmatch

    from benchmarks.promises import PROMISES
    from benchmarks.run import kept

    for promise in PROMISES:
        of = [
            run for run in kept() if fnmatch(run.name, promise.runs) and promise.contender not in run.absent
        ]
        assert not of or promise.value(of) is not None, promise.figure


def test_no_kept_run_has_an_answer_that_differs() -> None:
    """The ratios on the page are those of equal answers."""
    from benchmarks.run import kept

    compared = [
        (run.name, name, said)
        for run in kept()
        for name, said in run.facts.items()
        if "otherwise" in name or name.endswith("that differ")
    ]
    assert [found for found in compared if not found[2].startswith("0 of ")] == []


def test_the_command_line_lists_the_measurements() -> None:
    """`python -m benchmarks --help` names every measurement and the page."""
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in ("import", "locate", "cold", "stream", "nearest", "responsibility", "build", "page"):
        assert f"  {name} " in said.stdout
