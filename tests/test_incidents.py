"""Files of incidents: times of the clock, words for open and closed, rows that lack something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gridcity.errors import MappingError, ReferenceSystemError
from gridcity.intake.incidents import read_incidents
from gridcity.intake.mapping import Mapping
from gridcity.intake.times import parse_times
from gridcity.profile import parse_profile

SAMPLE = Path(__file__).parents[1] / "sample_data"


def times(*texts: str) -> Any:
    """Times of the clock; an empty one is missing."""
    return np.array([text or "NaT" for text in texts], dtype="datetime64[ms]")


@pytest.mark.parametrize(
    ("text", "time", "zoned"),
    [
        ("2024-07-01T02:05:11.123Z", "2024-07-01T02:05:11.123", True),
        ("2024-07-01 02:05+0800", "2024-06-30T18:05", True),
        ("20240701", "2024-07-01", False),
        ("20240701020511", "2024-07-01T02:05:11", False),
        ("2024/10/10 上午 08:55:04", "2024-10-10T08:55:04", False),
        ("2024年7月1日14时5分", "2024-07-01T14:05", False),
        ("2024-7-1 下午 12:30", "2024-07-01T12:30", False),
        ("2024-07-01 上午 12:30", "2024-07-01T00:30", False),
        ("2024.7.1 3:04", "2024-07-01T03:04", False),
    ],
)
def test_times_as_they_are_written(text: str, time: str, zoned: bool) -> None:
    """A time is read in each of these forms; one with an offset is brought to UTC and says so."""
    found, bad, has_zone = parse_times(np.array([text, ""], dtype=object))
    assert found.tolist() == times(time, "").tolist()
    assert (bad.tolist(), has_zone.tolist()) == ([False, False], [zoned, False])


@pytest.mark.parametrize(
    "text",
    [
        "now", "today", "2024-07", "202407", "3/1/2026", "2024-02-30", "2024-07-01 25:00", "1899-12-31",
        "2024-07-01 下午 13:00", "２０２４-07-01", "1467331200000", "20240732020511", "昨天",
        "2024-07-01" + " 路灯不亮" * 20,
    ],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    """A text that names no day of the clock, or one before 1900, is bad and never guessed."""
    found, bad, zoned = parse_times(np.array([text], dtype=object))
    assert (np.isnat(found).all(), bad.all(), zoned.any()) == (True, True, False)


PLAIN = parse_profile('[city]\nname = "x"\narea_code = "110101"\n')


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_fields_of_an_incident(tmp_path: Path) -> None:
    """Chinese headers are found, a code goes before a name, and what the file does not say is empty."""
    file = write(
        tmp_path / "a.csv",
        "案件编号,小类代码,小类名称,立案条件,上报时间,结案时间,处置单位,经度,纬度\n"
        "A-1,01037,路灯,灯杆倾斜,2026年3月1日 下午 2:05,,样例路灯管理处,116.5,39.5\n"
        "A-2,,井盖,,2026/3/2 8:00:30,2026-03-02 09:00,,116.5,39.5\n",
    )
    found = read_incidents(file, PLAIN, crs="EPSG:4490")
    assert found.id.tolist() == ["A-1", "A-2"]
    assert found.class_text.tolist() == ["01037", "井盖"]
    assert found.condition.tolist() == ["灯杆倾斜", ""]
    assert found.time.tolist() == times("2026-03-01T14:05", "2026-03-02T08:00:30").tolist()
    assert found.open.tolist() == [True, False]
    assert found.closed_at.tolist() == times("", "2026-03-02T09:00").tolist()
    assert found.party.tolist() == ["样例路灯管理处", ""]
    assert found.lng.tolist() == [116.5, 116.5]
    assert (list(found.findings), found.zones) == ([], {False})


@pytest.mark.parametrize(
    ("header", "still_open", "closed"),
    [
        (
            "open",
            ["true", "1", "YES", "是", "open", "未结案", ""],
            ["false", "0", "no", "否", "closed", "已结案", "结案"],
        ),
        (
            "是否结案",
            ["false", "0", "no", "否", "OPEN", "未结案", ""],
            ["true", "1", "yes", "是", "Closed", "已结案"],
        ),
        ("状态", ["open", "未结案", ""], ["closed", "已结案", "结案"]),
    ],
)
def test_words_for_open_and_closed(
    tmp_path: Path, header: str, still_open: list[str], closed: list[str]
) -> None:
    """A yes means what the column asks: 是 under 是否结案 is closed; no word means open."""
    rows = "".join(f"路灯,{word},116.5,39.5\n" for word in (*still_open, *closed))
    found = read_incidents(write(tmp_path / "a.csv", f"class,{header},lng,lat\n{rows}"), PLAIN, crs=4490)
    assert found.open.tolist() == [True] * len(still_open) + [False] * len(closed)
    assert found.findings.counts() == {}


def test_a_word_that_says_nothing_counts_as_open(tmp_path: Path) -> None:
    """A state that is neither open nor closed, and a closing time that is none, are warnings and open."""
    file = write(
        tmp_path / "a.csv", "class,状态,closed_at,lng,lat\n路灯,处理中,,116.5,39.5\n路灯,,昨天,116.5,39.5\n"
    )
    found = read_incidents(file, PLAIN, crs=4490)
    assert found.open.tolist() == [True, True]
    assert found.findings.counts() == {"incident-state": 1, "incident-closed-at": 1}
    (state,) = (f for f in found.findings if f.rule == "incident-state")
    assert "[values.status]" in state.hint
    assert found.findings.rejected_rows() == set()
    mapped = Mapping(values={"status": {"处理中": "closed"}})
    assert read_incidents(file, PLAIN, crs=4490, mapping=mapped).open.tolist() == [False, True]


def test_bad_rows_are_kept_and_named(tmp_path: Path) -> None:
    """Every row is there, and each that lacks something has an error that says what."""
    file = write(
        tmp_path / "a.csv",
        "id,class,time,lng,lat\n"
        "1,路灯,2026-03-01 08:00,116.5,39.5\n"
        "2,路灯,,116.5,39.5\n"
        "3,路灯,3/1/2026,116.5,39.5\n"
        "4,,2026-03-01,116.5,39.5\n"
        "5,路灯,2026-03-01,,\n"
        "6,路灯,2026-03-01,39.5,116.5\n"
        "7,路灯,2026-03-01,116.5,39.5\n"
        "7,路灯,2026-03-02,116.5,39.5\n"
        "8,路灯,2026-03-02,116.5,39.5\n"
        "8,路灯,2026-03-02,116.5,39.5\n",
    )
    found = read_incidents(file, PLAIN, crs=4490)
    assert len(found) == 10
    assert [(f.row, f.rule) for f in found.findings.severe("error")] == [
        (5, "geometry-missing"),
        (6, "coordinate-range"),
        (3, "time-malformed"),
        (2, "time-missing"),
        (4, "class-missing"),
        (7, "incident-id"),
        (8, "incident-id"),
    ]
    assert [(f.row, f.rule) for f in found.findings.severe("warning")] == [(10, "duplicate-identical")]
    assert np.isnan(found.lat[[4, 5]]).all() and np.isfinite(found.lat[[0, 1, 2, 3, 6]]).all()


@pytest.mark.parametrize(
    ("x", "y", "system", "code"),
    [
        ("39.5", "116.5", {"datum": "gcj02"}, "E_COORD_SWAPPED"),
        ("39.5", "116.5", {"crs": 4490}, "E_COORD_SWAPPED"),
        ("116.5", "39.5", {"crs": 4548}, "E_COORD_LOCAL"),
        ("0", "0", {"crs": 4490}, "E_COORD_ZERO"),
    ],
)
def test_places_that_are_not_what_their_system_says(
    tmp_path: Path, x: str, y: str, system: dict[str, Any], code: str
) -> None:
    """A file with exchanged axes, degrees declared as metres, or nothing but zeros is refused whole."""
    file = write(tmp_path / "a.csv", f"class,lng,lat\n路灯,{x},{y}\n")
    with pytest.raises(ReferenceSystemError) as caught:
        read_incidents(file, PLAIN, **system)
    assert caught.value.code == code


@pytest.mark.parametrize("system", [{"datum": "gcj02"}, {"crs": 4490}])
def test_one_row_with_exchanged_axes_shows_what_it_says(tmp_path: Path, system: dict[str, Any]) -> None:
    """Among good rows one with the axes exchanged is bad, and named with its numbers as they are written."""
    file = write(tmp_path / "a.csv", "class,lng,lat\n" + "路灯,116.5,39.5\n" * 3 + "路灯,39.5,116.5\n")
    found = read_incidents(file, PLAIN, **system)
    (error,) = found.findings.severe("error")
    assert (error.row, error.message) == (4, "39.500000 116.500000 is no longitude and latitude")
    assert np.isnan([found.lng[3], found.lat[3]]).all() and np.isfinite(found.lng[:3]).all()


def test_a_file_without_what_is_needed_is_refused(tmp_path: Path) -> None:
    """A file without a column of classes, or of times where they are needed, is refused."""
    file = write(tmp_path / "a.csv", "类型,lng,lat\n路灯,116.5,39.5\n")
    with pytest.raises(MappingError, match="no column for a class") as caught:
        read_incidents(file, PLAIN, crs=4490)
    assert "--map class_code=COLUMN" in caught.value.hint
    mapped = Mapping(columns={"类型": ("class_name",)})
    assert read_incidents(file, PLAIN, crs=4490, mapping=mapped).class_text.tolist() == ["路灯"]
    with pytest.raises(
        MappingError, match="no column for the time of its reports; its columns are 类型, lng, lat"
    ):
        read_incidents(file, PLAIN, crs=4490, mapping=mapped, timed=True)


def test_the_incidents_of_the_sample_are_read() -> None:
    """The sample's thousand incidents are read whole, without a finding but about the description."""
    found = read_incidents(SAMPLE / "incidents.csv", PLAIN, datum="gcj02", timed=True)
    assert len(found) == 1000
    assert found.findings.counts() == {"column-unused": 1}
    assert found.open.all() and len(set(found.id.tolist())) == 1000
