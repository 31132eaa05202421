"""The nearest component of a class within 50 m: for many points at once, and for one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rtree
import shapely

from benchmarks.city import CLASSES, furnished_city, mixed_points, point_classes, read_cells
from benchmarks.run import Run, today
from benchmarks.turns import take_turns
from gridcity import City
from gridcity.crs import metres_per_degree
from gridcity.locating.nearby import nearest_components
from gridcity.proximity import Neighbours

__all__ = ["BOX", "ONE", "OWN", "RTREE", "STRTREE", "measure_many", "measure_one"]

OWN = "gridcity: `Neighbours.nearest` of each class"
STRTREE = "shapely: STRtree.query_nearest of each class"
ONE = "gridcity: from the store"
RTREE = "rtree: an index of each class, nearest"
BOX = "rtree: one index, box and filter"

RADIUS_M = 50.0
# Twice the positional accuracy of class B.
_OPEN_M = 2.0
_LOCATE = "gridcity: `City.locate_many` with a class for each point"
_EDITION = "gbt47678.5-2026"
_NEAR = 0.6
_NEAR_M = 40.0
# Peers measure on the plane of the city's middle, gridcity on that of the point, rounded to centimetres.
_TOLERANCE_M = 0.03

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class _Survey:
    """The components of a city and questions about them.

    60 % of the questions are asked some 40 m from a component of their class, the others as points are in
    `benchmarks.city.mixed_points`, about any class.
    """

    def __init__(self, path: Path, questions: int) -> None:
        listed = [found.code for found in point_classes()]
        with City.open(path) as city:
            table = city.store.columns("components", ("fid", "code", "class_code", "geom"))
        self.ids, self.codes = table["fid"].astype(np.int64), table["code"]
        self.shapes = table["geom"]
        self.xy = shapely.get_coordinates(self.shapes)
        self.klass = np.array([listed.index(code) for code in table["class_code"]], dtype=np.int64)
        random = np.random.default_rng(4)
        near = int(questions * _NEAR)
        chosen = random.integers(0, len(self.xy), near)
        self.scale = np.array(metres_per_degree(float(self.xy[:, 1].mean())))
        beside = self.xy[chosen] + random.normal(0, _NEAR_M, (near, 2)) / self.scale
        elsewhere = np.stack(mixed_points(read_cells(path)[1], questions - near, seed=5), axis=1)
        order = random.permutation(questions)
        self.at = np.concatenate([beside, elsewhere])[order]
        asked = np.concatenate([self.klass[chosen], random.integers(0, CLASSES, questions - near)])
        self.asked: Ints = asked[order]

    def of_class(self) -> list[Ints]:
        """Return the components of each class."""
        return [np.flatnonzero(self.klass == k) for k in range(CLASSES)]

    def distances(self, found: Ints) -> Floats:
        """Return how far components are from their questions; 50 m where none was found."""
        per = np.stack(metres_per_degree(self.at[: len(found), 1]), axis=1)
        metres = np.hypot(*((self.xy[found] - self.at[: len(found)]) * per).T)
        return np.where(found < 0, RADIUS_M, np.minimum(metres, RADIUS_M))


def measure_many(
    folder: Path, cells: int, components: int, questions: int, rounds: int, seed: int = 1
) -> Run:
    """Ask for many points at once.

    Parameters
    ----------
    folder : Path
        Where the city is kept; it exists.
    cells, components : int
        Of the city.
    questions, rounds : int
        How many points are asked for, and how often each contender takes its turn.
    seed : int, optional
        Of the city.
    """
    path = furnished_city(folder, cells, components, seed)
    survey = _Survey(path, questions)
    members = survey.of_class()
    asking = [np.flatnonzero(survey.asked == k) for k in range(CLASSES)]
    own = [Neighbours(survey.ids[m], survey.codes[m], survey.shapes[m]) for m in members]
    trees = [shapely.STRtree(shapely.points(survey.xy[m] * survey.scale)) for m in members]
    places = shapely.points(survey.at * survey.scale)
    lng, lat = (np.ascontiguousarray(column) for column in survey.at.T)

    def by_class(ask: Callable[[int, Ints], tuple[Any, Any]]) -> Callable[[], Ints]:
        def answer() -> Ints:
            found = np.full(questions, -1)
            for k, (of_class, points) in enumerate(zip(members, asking, strict=True)):
                if len(of_class) and len(points):
                    point, shape = ask(k, points)
                    found[point] = of_class[shape]
            return found

        return answer

    def ask_own(k: int, points: Ints) -> tuple[Any, Any]:
        shape, _ = own[k].nearest(lng[points], lat[points], RADIUS_M)
        there = shape >= 0
        return points[there], shape[there]

    def ask_tree(k: int, points: Ints) -> tuple[Any, Any]:
        point, shape = trees[k].query_nearest(places[points], max_distance=RADIUS_M, all_matches=False)
        return points[point], shape

    texts = np.array([found.code for found in point_classes()], dtype=object)[survey.asked].tolist()
    columns = ["component_id", "component_distance_m"]
    contenders = {OWN: by_class(ask_own), STRTREE: by_class(ask_tree)}
    expected = survey.distances(contenders[STRTREE]())
    position = np.full(survey.ids.max() + 2, -1)
    position[survey.ids] = np.arange(len(survey.ids))
    with City.open(path) as city:
        contenders[_LOCATE] = lambda: position[
            city.locate_many(lng, lat, class_text=texts, radius_m=RADIUS_M, columns=columns)["component_id"]
        ]
        facts = {"questions with a component within 50 m": f"{np.count_nonzero(expected < RADIUS_M):,}"}
        seconds = take_turns(contenders, rounds, _comparison(survey, expected, facts))
    facts["threads of gridcity's k-d trees"] = os.environ.get("OMP_NUM_THREADS", "one for each core")
    return Run(
        name=f"nearest-{components}-{questions}",
        title=f"The nearest of {components:,} components for {questions:,} points",
        setting=(
            f"{components:,} point components of {CLASSES} classes in {cells:,} cells; "
            f"{questions:,} points ask for the nearest of one class within 50 m.",
            "Most components stand along the borders of cells; 60 % of the points lie some 40 m from one.",
            "All indexes are ready. Distances are compared, within 3 cm.",
        ),
        own=OWN,
        seconds=seconds,
        facts=facts,
    )


def measure_one(folder: Path, cells: int, components: int, questions: int, rounds: int, seed: int = 1) -> Run:
    """Ask for one point after the other; parameters as for `measure_many`."""
    path = furnished_city(folder, cells, components, seed)
    survey = _Survey(path, questions)
    members = survey.of_class()
    xy, klass = survey.xy * survey.scale, survey.klass.tolist()
    trees = [_index(m, xy[m]) for m in members]
    everything = _index(np.arange(len(xy)), xy)
    sought = [frozenset({(_EDITION, found.code)}) for found in point_classes()]
    plane = list(zip(*(survey.at * survey.scale).T.tolist(), survey.asked.tolist(), strict=True))
    points = list(zip(*survey.at.T.tolist(), survey.asked.tolist(), strict=True))
    x, y = (column.tolist() for column in xy.T)
    position = {fid: i for i, fid in enumerate(survey.ids.tolist())}

    def first(candidates: Iterable[int], at_x: float, at_y: float, k: int) -> int:
        """Return the nearest candidate of a class within the radius, -1 for none."""
        best, found = RADIUS_M * RADIUS_M, -1
        for i in candidates:
            if klass[i] == k and (metres2 := (x[i] - at_x) ** 2 + (y[i] - at_y) ** 2) <= best:
                best, found = metres2, i
        return found

    def nearest(at_x: float, at_y: float, k: int) -> int:
        return first(trees[k].nearest((at_x, at_y, at_x, at_y), 1), at_x, at_y, k)

    def box(at_x: float, at_y: float, k: int) -> int:
        around = at_x - RADIUS_M, at_y - RADIUS_M, at_x + RADIUS_M, at_y + RADIUS_M
        return first(everything.intersection(around), at_x, at_y, k)

    on = today()
    with City.open(path) as city, city.store.snapshot():

        def stored(lng: float, lat: float, k: int) -> int:
            found, _ = nearest_components(city.store, lng, lat, RADIUS_M, sought[k], on, _OPEN_M)
            return -1 if found is None else position[found.id]

        contenders = {
            ONE: lambda: np.array([stored(*point) for point in points]),
            RTREE: lambda: np.array([nearest(*point) for point in plane]),
            BOX: lambda: np.array([box(*point) for point in plane]),
        }
        expected = survey.distances(contenders[BOX]())
        facts = {"questions with a component within 50 m": f"{np.count_nonzero(expected < RADIUS_M):,}"}
        seconds = take_turns(contenders, rounds, _comparison(survey, expected, facts))
    return Run(
        name=f"nearest-one-{components}",
        title=f"The nearest of {components:,} components, one point after the other",
        setting=(
            f"{questions:,} points, one after the other, ask an open city for the nearest of one class",
            "within 50 m.",
            "gridcity asks the store and reads the component with its bodies, and a second that is hardly "
            "farther; "
            "rtree has its boxes in memory and gives a number.",
        ),
        own=ONE,
        seconds=seconds,
        facts=facts,
    )


def _index(numbers: Ints, xy: Floats) -> rtree.index.Index:
    """Return boxes of points, loaded at once."""
    if not len(numbers):
        return rtree.index.Index()
    return rtree.index.Index((numbers, np.ascontiguousarray(xy), np.ascontiguousarray(xy)))


def _comparison(survey: _Survey, expected: Floats, facts: dict[str, str]) -> Callable[[str, Any], None]:
    """Return a check that notes how many distances are others than those expected."""

    def check(name: str, found: Any) -> None:
        differ = np.abs(survey.distances(found) - expected) > _TOLERANCE_M
        facts[f"distances of {name.removeprefix('gridcity: ')} that differ"] = (
            f"{np.count_nonzero(differ):,} of {len(expected):,}"
        )

    return check
