"""Who answers for many points, beside finding their cells: the same points, each with a class."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.city import mixed_points, read_cells
from benchmarks.duties import CLASSES, POLYGONS, answering_city, asked_classes
from benchmarks.locate import OWN
from benchmarks.run import Run, today
from benchmarks.turns import take_turns
from gridcity import City
from gridcity.cells import index_file

__all__ = ["ANSWERED", "ITSELF", "LISTED", "NAMED", "measure"]

ANSWERED = "gridcity: who answers and why, who is next"
NAMED = "gridcity: who answers"
LISTED = "gridcity: who answers and why, the classes as a list of texts"

ITSELF = {name: f"{name}: beyond the location, times" for name in (NAMED, ANSWERED)}
"""Under which names the run has the time of the resolution itself, in times of that of the location."""

_WHO = ("party_code", "party_name", "step")
_ALL = (*_WHO, "next_party_code", "next_party_name", "next_step", "passed", "unowned", "duty_place")
# Points that are asked for one by one, too.
_ASKED = 500


def measure(
    folder: Path, cells: int, points: int, parties: int, duties: int, rounds: int, seed: int = 1
) -> Run:
    """Locate points, and say who answers for them.

    Parameters
    ----------
    folder : Path
        Where the city is kept, some 2 KiB a cell; it exists.
    cells, parties, duties : int
        Of the city.
    points : int
        How many are asked about.
    rounds : int
        How often each contender takes its turn.
    seed : int, optional
        Of city and points.
    """
    path = answering_city(folder, cells, parties, duties, seed)
    lng, lat = mixed_points(read_cells(path)[1], points)
    names = [entry.zh for entry in asked_classes()]
    number = np.random.default_rng(seed).integers(0, len(names), points)
    classes, texts = pd.Categorical.from_codes(number, names), [names[i] for i in number.tolist()]

    def located(city: City) -> Any:
        return city.locate_many(lng, lat, columns=["cell_id"])

    def answered(city: City, columns: tuple[str, ...], class_text: Any) -> Any:
        return city.locate_many(lng, lat, columns=columns, class_text=class_text)

    measured = {}
    with City.open(path) as city:
        index_file(city.store).unlink(missing_ok=True)
        measured["first location, which draws the index, s"] = _seconds(lambda: located(city))
    with City.open(path) as city:
        measured["first location with the index of the file, s"] = _seconds(lambda: located(city))
        measured["first resolution, which reads the duties and decides every situation, s"] = _seconds(
            lambda: answered(city, _ALL, classes)
        )
        contenders = {
            OWN: lambda: located(city),
            NAMED: lambda: answered(city, _WHO, classes),
            ANSWERED: lambda: answered(city, _ALL, classes),
            LISTED: lambda: answered(city, _ALL, texts),
        }
        facts = {}

        def check(name: str, answer: Any) -> None:
            """Note of how many points the one-point answer is another."""
            if name in (ANSWERED, LISTED):
                asked, differ = min(points, _ASKED), 0
                for i in range(asked):
                    one = city.locate(float(lng[i]), float(lat[i]), class_text=texts[i]).as_dict()
                    differ += any(one[column] != answer[column][i] for column in _ALL)
                facts[f"{name}: points of which `City.locate` tells otherwise"] = f"{differ:,} of {asked:,}"

        seconds = take_turns(contenders, rounds, check)
        with city.store.snapshot():
            named = np.count_nonzero(answered(city, _WHO, classes)["step"] != "none")
    facts["points for which somebody answers"] = f"{named:,} of {points:,}"
    for name, itself in ITSELF.items():
        both = zip(seconds[name], seconds[OWN], strict=True)
        measured[itself] = median(whole / cells_only - 1 for whole, cells_only in both)
    return Run(
        name=f"responsibility-{cells}-{points}",
        title=f"Who answers for {points:,} points, {parties:,} parties and {duties:,} duties",
        setting=(
            f"{parties:,} parties have {duties:,} duties for {CLASSES} classes in a city of {cells:,} cells: "
            "60 % at cells, the others at communities, streets and the district, and in "
            f"{POLYGONS:,} parks and roads of their own, which overlap; a fifth without a class.",
            "Each point asks about one of the classes; there are no components. "
            f"Named are {', '.join(_WHO)}; with the reasons {', '.join(_ALL)}.",
            "The times are those of the whole question, the location included; what is left without it is "
            "named below as beyond the location. The classes come as a category of pandas, and once as a "
            "list of texts, which are read first.",
            "The rounds ask for the same points again: every distinct situation was decided by the first "
            "resolution, whose time is named apart.",
        ),
        own=OWN,
        seconds=seconds,
        measured={name: round(value, 2) for name, value in measured.items()},
        facts=facts,
        on=today(),
    )


def _seconds(ask: Any) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began
