"""Reports of one case that was reported before: the rule, worked by hand and pair by pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.errors import ArgumentError
from gridcity.proximity.plane import metres_between
from gridcity.repeats import Repeats, find_repeats

# Metres on the plane of the tiny city.
METRE = 1 / 111_018.0
DAY = "2026-03-01"


def times(*clocks: str) -> Any:
    """Hours of one day, or whole times; an empty one is missing."""
    texts = [f"{DAY}T{text}" if len(text) == 5 else text or "NaT" for text in clocks]
    return np.array(texts, dtype="datetime64[ms]")


def repeats(
    north_m: list[float],
    clocks: list[str],
    component: list[int] | None = None,
    *,
    klass: list[int] | None = None,
    ids: str = "",
    **more: Any,
) -> Repeats:
    """Reports on a meridian, so many metres north of its beginning, of one class unless said otherwise."""
    n = len(north_m)
    return find_repeats(
        np.array(list(ids or "abcdefgh"[:n]), dtype=object),
        np.full(n, 116.5),
        39.5 + np.array(north_m) * METRE,
        np.array(klass or [0] * n),
        np.array(component or [-1] * n),
        times(*clocks),
        **{"radius_m": np.array([50.0, 10.0])} | more,
    )


# The rule, worked by hand.


def test_manholes_three_metres_apart_stay_two() -> None:
    """Reports on two components are two cases, though they lie 3 m and a minute apart."""
    found = repeats([0, 3], ["08:00", "08:01"], [11, 12])
    assert found.of.tolist() == [-1, -1]
    assert found.first.tolist() == [0, 1]


def test_the_same_lamp_reported_twice_is_one() -> None:
    """Two reports on one component are one case, however far the reporters stood from each other."""
    found = repeats([0, 80], ["08:00", "09:30"], [11, 11])
    assert found.of.tolist() == [-1, 0]
    assert found.by.tolist() == ["", "component"]
    assert found.distance_m[1] == pytest.approx(80, abs=0.02)
    assert found.after_h[1] == 1.5
    assert found.first.tolist() == [0, 0]


def test_without_a_component_the_radius_of_the_class_decides() -> None:
    """At 50 m a report of a class with that radius is a repeat, at 51 m it is not; another class never is."""
    assert repeats([0, 49.9], ["08:00", "09:00"]).by.tolist() == ["", "place"]
    assert repeats([0, 51], ["08:00", "09:00"]).of.tolist() == [-1, -1]
    assert repeats([0, 11], ["08:00", "09:00"], klass=[1, 1]).of.tolist() == [-1, -1]
    assert repeats([0, 5], ["08:00", "09:00"], klass=[0, 1]).of.tolist() == [-1, -1]


def test_one_component_and_none_go_by_place() -> None:
    """Where one of two reports has no component they are one case if they lie within the radius."""
    assert repeats([0, 20], ["08:00", "09:00"], [11, -1]).by.tolist() == ["", "place"]
    assert repeats([0, 20], ["08:00", "09:00"], [-1, 11]).by.tolist() == ["", "place"]


def test_the_component_goes_before_the_place() -> None:
    """A report repeats that of its own component, though another without one is nearer and later."""
    found = repeats([30, 1, 0], ["07:00", "08:00", "09:00"], [11, -1, 11])
    assert (found.of[2], found.by[2]) == (0, "component")


def test_of_one_component_the_latest_report_is_repeated() -> None:
    """Of several reports on one component the latest is named; the first of the case is the first of all."""
    found = repeats([0, 5, 9], ["06:00", "07:00", "09:00"], [11, 11, 11])
    assert found.of.tolist() == [-1, 0, 1]
    assert found.first.tolist() == [0, 0, 0]


def test_by_place_the_nearest_report_is_repeated() -> None:
    """By place the nearest is named, not the latest; of two equally near the latest; its own place first."""
    assert repeats([8, 30, 0], ["06:00", "08:00", "09:00"]).of[2] == 0
    assert repeats([8, -8, 0], ["06:00", "08:00", "09:00"]).of[2] == 1
    assert repeats([0, 0.001, 0], ["06:00", "08:00", "09:00"]).of[2] == 0


def test_the_period_is_inclusive() -> None:
    """A report exactly 24 hours later is a repeat, one a minute later is not."""
    assert repeats([0, 0], ["08:00", "2026-03-02T08:00"]).of.tolist() == [-1, 0]
    assert repeats([0, 0], ["08:00", "2026-03-02T08:01"]).of.tolist() == [-1, -1]
    assert repeats([0, 0], ["08:00", "09:00"], period_h=0.5).of.tolist() == [-1, -1]
    assert repeats([0, 0], ["08:00", "08:00"], period_h=0).of.tolist() == [-1, 0]


def test_a_closed_report_is_not_repeated() -> None:
    """What is closed, or was before the new report, is not repeated; what was closed at that minute is."""
    clocks = ["08:00", "09:00"]
    closed = np.array([False, True])
    assert repeats([0, 0], clocks, [11, 11], is_open=closed).of.tolist() == [-1, -1]
    assert repeats([0, 0], clocks, [11, 11], is_open=~closed).of.tolist() == [-1, 0]
    assert repeats([0, 0], clocks, [11, 11], closed_at=times("08:59", "")).of.tolist() == [-1, -1]
    assert repeats([0, 0], clocks, [11, 11], closed_at=times("09:00", "")).of.tolist() == [-1, 0]
    # The time of closing says more than the word.
    assert repeats([0, 0], clocks, is_open=closed, closed_at=times("10:00", "")).of.tolist() == [-1, 0]


def test_behind_a_closed_report_an_open_one_is_found() -> None:
    """Where the latest report on a component is closed, the one before it that is open is repeated."""
    closed_at = times("", "06:30", "08:30", "")
    found = repeats([0] * 4, ["05:00", "06:00", "07:00", "09:00"], [11] * 4, closed_at=closed_at)
    assert found.of.tolist() == [-1, 0, 0, 0]


def test_of_one_time_the_lower_id_is_the_earlier() -> None:
    """Reports of one minute are ordered by their ids, not by their rows; 9 comes before 10."""
    assert repeats([0, 0], ["08:00", "08:00"], ids="ba").of.tolist() == [1, -1]
    pair = np.array(["10", "9"], dtype=object)
    one = np.zeros(2)
    found = find_repeats(
        pair, one, one, np.zeros(2, int), np.full(2, -1), times("08:00", "08:00"), radius_m=np.array([1.0])
    )
    assert found.of.tolist() == [1, -1]


def test_of_one_time_what_came_before_is_the_earlier() -> None:
    """Of reports of one minute that of an earlier delivery is the earlier, whatever its id."""
    found = repeats([0, 0], ["08:00", "08:00"], ids="ab", before=np.array([1, 0]))
    assert found.of.tolist() == [1, -1]
    assert repeats([0, 0], ["08:00", "07:59"], ids="ab", before=np.array([0, 1])).of.tolist() == [1, -1]


def test_a_period_longer_than_all_time() -> None:
    """A period of any finite length is taken: the first report of a century is still repeated."""
    clocks = ["1900-01-01T00:00", "9999-12-31T23:59"]
    assert repeats([0, 0], clocks, period_h=1e300).of.tolist() == [-1, 0]
    assert repeats([0, 9], clocks, period_h=1e300).of.tolist() == [-1, 0]


def test_what_cannot_be_compared_takes_no_part() -> None:
    """A report without class, time or place repeats none and is repeated by none."""
    for wrong in ({"klass": [-1, 0]}, {"clocks": ["", "09:00"]}, {"north_m": [float("nan"), 0]}):
        given = {"north_m": [0, 0], "clocks": ["08:00", "09:00"]} | wrong
        assert repeats(**given).of.tolist() == [-1, -1]  # type: ignore[arg-type]
    nothing = repeats([], [])
    assert len(nothing.of) == len(nothing.first) == 0


def test_wrong_arguments_are_refused() -> None:
    """An id that stands twice is named; a period is a number of hours from 0."""
    with pytest.raises(ArgumentError, match="The id 'a' stands on several reports"):
        repeats([0, 0], ["08:00", "09:00"], ids="aa")
    for period_h in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ArgumentError, match="period_h"):
            repeats([0], ["08:00"], period_h=period_h)


# Properties, against the rule written down once more without any index.

REPORT = st.fixed_dictionaries(
    {
        "x": st.integers(0, 5),
        "y": st.integers(0, 3),
        "klass": st.integers(-1, 1),
        "component": st.integers(-1, 2),
        "hour": st.one_of(st.none(), st.integers(0, 40)),
        "open": st.booleans(),
        "closed": st.one_of(st.none(), st.integers(0, 40)),
    }
)
CASES = st.tuples(
    st.lists(REPORT, max_size=12),
    st.sampled_from([1e-4, 3e-4, 1e-8]),
    st.sampled_from([0.0, 10.0, 25.0, 50.0]),
    st.sampled_from([0.0, 5.0, 24.0]),
)


def columns_of(rows: list[dict[str, Any]], step: float) -> dict[str, Any]:
    def moments(name: str) -> Any:
        found = [np.datetime64("NaT") if r[name] is None else np.timedelta64(r[name], "h") for r in rows]
        return np.datetime64(DAY, "ms") + np.array(found, dtype="timedelta64[ms]")

    return {
        "lng": np.array([116 + r["x"] * step for r in rows], dtype=np.float64),
        "lat": np.array([39 + r["y"] * step for r in rows], dtype=np.float64),
        "klass": np.array([r["klass"] for r in rows], dtype=np.int64),
        "component": np.array([r["component"] for r in rows], dtype=np.int64),
        "time": moments("hour"),
        "is_open": np.array([r["open"] for r in rows], dtype=bool),
        "closed_at": moments("closed"),
    }


def slowly(ids: Any, rows: list[dict[str, Any]], step: float, radius_m: float, period_h: float) -> list[int]:
    """The rule, pair by pair."""
    found = []
    for i, new in enumerate(rows):
        best: list[tuple[Any, int]] = []
        for j, old in enumerate(rows):
            if new["klass"] < 0 or old["klass"] != new["klass"] or None in (new["hour"], old["hour"]):
                continue
            order, own = (old["hour"], len(ids[j]), ids[j]), (new["hour"], len(ids[i]), ids[i])
            if not order < own or new["hour"] - old["hour"] > period_h:
                continue
            if (not old["open"]) if old["closed"] is None else old["closed"] < new["hour"]:
                continue
            x, y = (np.array([r["x"], r["y"]]) * step + [116, 39] for r in (new, old))
            metres = float(metres_between(x[0], x[1], y[0], y[1]))
            both = new["component"] >= 0 and old["component"] >= 0
            if both and new["component"] == old["component"]:
                best.append(((2, 0, 0, order), j))
            elif not both and metres <= radius_m:
                best.append(((1, bool((x == y).all()), -metres, order), j))
        found.append(max(best)[1] if best else -1)
    return found


@settings(max_examples=150, deadline=None)
@given(CASES, st.randoms(use_true_random=False))
def test_the_rule_pair_by_pair_gives_the_same(case: Any, random: Any) -> None:
    """The index changes no answer: each report repeats the one that the rule finds pair by pair."""
    rows, step, radius_m, period_h = case
    ids = np.array([str(n) for n in random.sample(range(30), len(rows))], dtype=object)
    found = find_repeats(ids, **columns_of(rows, step), radius_m=np.full(2, radius_m), period_h=period_h)
    assert found.of.tolist() == slowly(ids, rows, step, radius_m, period_h)


@settings(max_examples=100, deadline=None)
@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_makes_no_difference(case: Any, random: Any) -> None:
    """Shuffled rows give the same answers, report by report."""
    rows, step, radius_m, period_h = case
    ids = [str(n) for n in range(len(rows))]
    answers = []
    for order in (list(range(len(rows))), random.sample(range(len(rows)), len(rows))):
        own = np.array([ids[i] for i in order], dtype=object)
        found = find_repeats(
            own,
            **columns_of([rows[i] for i in order], step),
            radius_m=np.full(2, radius_m),
            period_h=period_h,
        )
        of = np.append(own, "")[found.of]
        told = zip(
            of,
            found.by,
            found.distance_m.astype(str),
            found.after_h.astype(str),
            own[found.first],
            strict=True,
        )
        answers.append(dict(zip(own, told, strict=True)))
    assert answers[0] == answers[1]


@settings(max_examples=100, deadline=None)
@given(CASES)
def test_a_case_begins_with_a_report_that_repeats_none(case: Any) -> None:
    """The first of a case is no repeat itself, is not later than its repeats, and is of their class."""
    rows, step, radius_m, period_h = case
    ids = np.array([str(n) for n in range(len(rows))], dtype=object)
    columns = columns_of(rows, step)
    found = find_repeats(ids, **columns, radius_m=np.full(2, radius_m), period_h=period_h)
    assert (found.of[found.first] == -1).all()
    for i in np.flatnonzero(found.of >= 0):
        assert columns["time"][found.first[i]] <= columns["time"][found.of[i]] <= columns["time"][i]
        assert columns["klass"][found.first[i]] == columns["klass"][i]
        closed = columns["closed_at"][found.of[i]]
        assert columns["is_open"][found.of[i]] if np.isnat(closed) else closed >= columns["time"][i]
    assert ((found.of >= 0) == (found.by != "")).all()
    assert ((found.of >= 0) == np.isfinite(found.distance_m)).all()
