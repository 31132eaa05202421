"""The rules over what stands in the city: classes nobody answers for in a cell, components two claim."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridcity.auditing.answers import BODY_STEPS, NO_STEP, Asked
from gridcity.auditing.cases import Cases
from gridcity.auditing.defects import Defects
from gridcity.auditing.world import World, labels, texts
from gridcity.locating.sites import Sites
from gridcity.profile import STEPS
from gridcity.responsibility import Klass, Roles
from gridcity.responsibility.parties import said

__all__ = ["check_cells", "check_components"]

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_TERRITORY = STEPS.index("territory")


def check_cells(world: World, cases: Cases, defects: Defects) -> int:
    """Find the classes that nobody answers for in a cell, unless the component is known.

    Asked is the whole cell: a polygon of a duty counts where it covers all of it. A class is asked for where
    a component of it stands, and where a past incident without a known component found nobody.

    Returns
    -------
    int
        How many pairs of a cell and a class were asked for.
    """
    pairs = _standing(world)
    none = pairs[_unanswered(world, pairs)].assign(incidents=0)
    lost = cases.nobody & (cases.component < 0) & (cases.cell >= 0)
    reported = pd.DataFrame({"cell": cases.cell[lost], "klass": cases.klass[lost], "components": 0})
    reported = reported.assign(incidents=1)[[cases.classes[i] is not None for i in reported["klass"]]]
    # A class of two editions is one; the first of its pairs, which has the components, stands for all.
    found = pd.concat([none, reported], ignore_index=True)
    label = np.array(pd.factorize(texts([world.label(klass) for klass in cases.classes]))[0], dtype=np.int64)
    by_label = [found["cell"], label[found["klass"].to_numpy(dtype=np.int64)]]
    how = {"cell": "first", "klass": "first", "components": "sum", "incidents": "sum"}
    _add_cells(world, found.groupby(by_label, sort=False).agg(how), cases.classes, defects)
    return len(pairs)


def _standing(world: World) -> pd.DataFrame:
    """Return the pairs of a cell and a class that has components there, with their number."""
    known = world.components
    table = pd.DataFrame({"cell": world.sites.cell, "klass": known.klass})
    table = table[table["cell"] >= 0]
    return table.groupby(["cell", "klass"], as_index=False).size().rename(columns={"size": "components"})


def _unanswered(world: World, pairs: pd.DataFrame) -> Mask:
    """Return the pairs of a cell and a class that nobody answers for anywhere in the cell's whole."""
    cell, klass = pairs["cell"].to_numpy(dtype=np.int64), pairs["klass"].to_numpy(dtype=np.int64)
    nothing, nowhere = np.zeros(len(pairs), dtype=np.int64), np.full(len(world.locator.cells), np.nan)
    everywhere = Sites(np.arange(len(nowhere)), nowhere, nowhere)
    spot = world.locator.rulings.spots.of(everywhere, held=False).astype(np.int64)
    blank = labels(nothing, [""])
    asked = Asked(spot[cell], klass, nothing, nothing - 1, blank, blank)
    classes = world.components.classes
    none: Mask = world.judge.answers(asked, classes, [""], []).step == NO_STEP
    at = np.flatnonzero(none)
    for i, polygons in zip(at.tolist(), world.covering(cell[at]), strict=True):
        if polygons:
            situation = world.judge.situation(int(asked.spot[i]), classes[klass[i]], "", "", "")
            none[i] = world.judge.ruling(situation._replace(polygons=polygons))[0] == NO_STEP
    return none


def _add_cells(world: World, pairs: pd.DataFrame, classes: list[Any], defects: Defects) -> None:
    cell, klass = pairs["cell"].to_numpy(dtype=np.int64), pairs["klass"].to_numpy(dtype=np.int64)
    ids = world.locator.cells.ids[cell]
    defects.add(
        "cell-no-party",
        ids,
        where="cells.code",
        values=[world.label(classes[i]) for i in klass.tolist()],
        facts={"components": pairs["components"].tolist()},
        place=world.cell_labels[cell],
        lng=world.cell_points[cell, 0],
        lat=world.cell_points[cell, 1],
        class_code=_codes(classes)[klass],
        class_name=_names(classes)[klass],
        cell_id=ids,
        components=pairs["components"].to_numpy(),
        incidents=pairs["incidents"].to_numpy(),
    )


def _codes(classes: list[Any]) -> npt.NDArray[np.object_]:
    return texts([klass.code if klass else "" for klass in classes])


def _names(classes: list[Any]) -> npt.NDArray[np.object_]:
    return texts([klass.name if klass else "" for klass in classes])


def check_components(world: World, cases: Cases, defects: Defects) -> None:
    """Find components that nobody answers for, that only the territory answers for, or that two claim."""
    answers, n = world.answers, len(world.ids)
    nobody = np.flatnonzero(answers.step == NO_STEP)
    of_class = texts([world.label(klass) for klass in world.components.classes])
    label = of_class[world.components.klass] if n else texts([])
    counts = cases.by_component(cases.nobody, n)
    _add(world, "component-no-answer", nobody, label[nobody], counts, defects)
    unowned = np.flatnonzero(answers.step == _TERRITORY)
    counts = cases.by_component(cases.answers.step == _TERRITORY, n)
    _add(world, "component-unowned", unowned, label[unowned], counts, defects, **_named(world, unowned))
    claimed = np.flatnonzero(answers.rival > 0)
    counts = cases.by_component(cases.answers.rival > 0, n)
    rivals = [world.of_duty[i] for i in answers.rival[claimed].tolist()]
    other_code, other_name = (
        texts([duty.party_code for duty in rivals]),
        texts([duty.party_name for duty in rivals]),
    )
    named = _named(world, claimed)
    _add(
        world, "component-claimed-twice", claimed, label[claimed], counts, defects,
        **named, other_code=other_code, other_name=other_name,
    )  # fmt: skip
    _check_bodies(world, cases, defects)


def _named(world: World, component: Ints) -> dict[str, Any]:
    """Return code and name of the party that answers for each component."""
    party = world.answers.party[component]
    codes, names = zip(*world.names, strict=True)
    return {"party_code": texts(codes)[party], "party_name": texts(names)[party]}


def _check_bodies(world: World, cases: Cases, defects: Defects) -> None:
    """Find components that name a party which is not valid that day."""
    known = world.components
    for step, role in zip(BODY_STEPS, Roles._fields, strict=True):
        pairs = [getattr(roles, role) for roles in known.roles]
        over = [
            any(map(said, pair)) and world.book.named(pair[0], pair[1], world.on) is None for pair in pairs
        ]
        at = np.flatnonzero(np.array([*over, False])[known.role])
        of_role = known.role[at]
        codes, names = (texts([pair[i] for pair in pairs])[of_role] if len(at) else texts([]) for i in (0, 1))
        passed = (cases.mended.step == step) & ((cases.answers.step != step) | cases.ended)
        counts = cases.by_component(passed, len(world.ids))
        _add(
            world, "component-party-ended", at, np.where(names == "", codes, names), counts, defects,
            column=f"{role}_name", role=role, party_code=codes, party_name=names,
        )  # fmt: skip


def _add(
    world: World, rule: str, at: Ints, values: Any, incidents: Ints, defects: Defects,
    *, column: str = "class_code", role: str = "", **parties: Any,
) -> None:  # fmt: skip
    """Record a rule for the components at some positions."""
    if not len(at):
        return
    klass, cell = world.components.klass[at], world.sites.cell[at]
    classes: list[Klass] = world.components.classes
    facts: dict[str, Any] = {"role": role} if role else {}
    for name in ("party", "other"):
        if f"{name}_name" in parties:
            own, code = parties[f"{name}_name"], parties[f"{name}_code"]
            facts[name] = np.where(own == "", code, own)
    defects.add(
        rule,
        world.ids[at],
        where=f"components.{column}",
        values=values,
        facts=facts,
        place=world.components.codes[at],
        lng=world.sites.lng[at],
        lat=world.sites.lat[at],
        class_code=_codes(classes)[klass],
        class_name=_names(classes)[klass],
        cell_id=np.append(world.locator.cells.ids, -1)[cell],
        components=1,
        incidents=incidents[at],
        **parties,
    )
