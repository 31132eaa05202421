"""Rows that claim to be one object and contradict each other: an import rejects all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.findings import Findings
from gridcity.importing.identity import shape_text
from gridcity.inspecting.model import ClassLine
from gridcity.intake import Draft, Source
from gridcity.intake.table import Column

__all__ = ["check_repeated"]

_CLASS_FIELDS = ("class_code", "class_name")


def check_repeated(source: Source, draft: Draft, classes: Sequence[ClassLine], found: Findings) -> None:
    """Find the rows with one code, and the components without one in one place, that say different things.

    Rows that repeat another one exactly are left out, and so are a point and a larger shape with one code,
    which an import takes for one object.

    Parameters
    ----------
    source, draft
        The rows, and the same rows as the kind they look like.
    classes : sequence of ClassLine
        The class texts found; a column of names that are classes tells them apart.
    found : Findings
        Where they are noted.
    """
    places = shape_text(source.geometry)
    there = ~(shapely.is_missing(source.geometry) | shapely.is_empty(source.geometry))
    there &= ~np.isin(source.rows, list(found.rejected_rows()))
    code = draft.columns.get("code", np.full(len(draft.rows), "", dtype=object))
    at, other = _contradicting(there & (code != ""), [code], [places, *draft.columns.values()])
    dimensions = shapely.get_dimensions(source.geometry)
    alike = dimensions[at] == dimensions[other]
    at, other = at[alike], other[alike]
    found.add(
        "code-duplicate",
        source.rows[at].tolist(),
        field="code",
        values=code[at].tolist(),
        other=source.rows[other].tolist(),
    )
    if draft.kind != "component":
        return
    stated = [draft.columns[field] for field in _CLASS_FIELDS if field in draft.columns]
    named = {line.column for line in classes if line.found}
    if "name" in draft.matched and draft.matched["name"].column in named:
        stated.append(draft.columns["name"])
    at, other = _contradicting(there & (code == ""), [places, *stated], list(source.columns.values()))
    rows = source.rows[at].tolist()
    found.add("place-duplicate", rows, field="geometry", other=source.rows[other].tolist())


def _contradicting(
    asked: npt.NDArray[np.bool_], identity: Sequence[Column], content: Sequence[Column]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the rows that are one object with others, but not the same, and the next one of these."""
    at = np.flatnonzero(asked)
    objects = _numbers([column[at] for column in identity])
    several = np.bincount(objects)[objects] > 1
    at, objects = at[several], objects[several]
    said = pd.Series(_numbers([column[at] for column in content]), dtype=np.int64)
    differ = said.groupby(objects).transform("nunique").to_numpy() > 1
    at, objects = at[differ], objects[differ]
    following = pd.Series(at).groupby(objects).transform(lambda group: np.roll(group.to_numpy(), -1))
    return at, following.to_numpy(dtype=np.intp)


def _numbers(columns: Sequence[Column]) -> npt.NDArray[np.int64]:
    """Return one number for each different row of some columns."""
    numbers = np.zeros(len(columns[0]) if columns else 0, dtype=np.int64)
    for column in columns:
        more, distinct = pd.factorize(column)
        numbers = pd.factorize(numbers * max(1, len(distinct)) + more)[0]
    return numbers
