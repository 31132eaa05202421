"""What would cost rows at an import, counted over the rows looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import shapely

from gridcity.catalogue import Catalogue, states
from gridcity.checking import invalid_reasons
from gridcity.codes import check_many
from gridcity.findings import Findings
from gridcity.inspecting.model import ClassLine, Problem
from gridcity.inspecting.repeated import check_repeated
from gridcity.intake import Draft, Source, parse_dates
from gridcity.intake.dates import date_reasons

__all__ = ["problems_of"]

_DATES = ("initial_date", "changed_date", "end_date", "since", "until")
_CODED = {"area", "cell", "component"}
_MULTIPOINT, _COLLECTION = 4, 7


def problems_of(
    source: Source, draft: Draft | None, classes: Sequence[ClassLine], tables: Sequence[Catalogue]
) -> tuple[Problem, ...]:
    """Return what would cost rows, by rule: unreadable values, geometry, codes, classes, states, repetition.

    Parameters
    ----------
    source : Source
        The rows.
    draft : Draft or None
        The rows as the kind they look like; None where that is open, and only geometry is looked at.
    classes, tables
        The class texts found, and the tables they were looked up in.
    """
    found = Findings()
    found.extend(source.findings)
    if source.system is not None or any(shape is not None for shape in source.geometry[:1]):
        _check_geometry(source, draft, found)
    if draft is not None:
        _check_texts(draft, classes, tables, found)
        if draft.kind in _CODED:
            check_repeated(source, draft, classes, found)
    return tuple(_by_rule(found))


def _by_rule(found: Findings) -> Iterator[Problem]:
    """Return the errors about rows, a line a rule with its first case."""
    counts: dict[str, int] = {}
    first: dict[str, str] = {}
    for finding in found.severe("error"):
        counts[finding.rule] = counts.get(finding.rule, 0) + 1
        first.setdefault(finding.rule, f"row {finding.row}: {finding.message}")
    for rule, n in counts.items():
        yield Problem(rule, n, first[rule])


def _check_geometry(source: Source, draft: Draft | None, found: Findings) -> None:
    shapes = source.geometry
    settled = found.rejected_rows()
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    missing &= ~np.isin(source.rows, list(settled))
    if draft is not None and draft.kind == "duty":
        # The place of a duty may be named instead.
        for field in ("place_code", "place_name"):
            missing &= draft.columns.get(field, np.full(len(missing), "", dtype=object)) == ""
    found.add("geometry-missing", source.rows[missing].tolist(), field="geometry")
    types = shapely.get_type_id(shapes)
    areal = draft is not None and draft.kind in ("area", "cell", "duty")
    several = (types == _COLLECTION) | ((types == _MULTIPOINT) & (shapely.get_num_geometries(shapes) > 1))
    wrong = (several | (areal & (shapely.get_dimensions(shapes) < 2))) & ~shapely.is_missing(shapes)
    found.add(
        "geometry-kind",
        source.rows[wrong].tolist(),
        field="geometry",
        values=[shape.geom_type for shape in shapes[wrong]],
        expected="a polygon" if areal else "a single point, line or polygon",
    )
    broken = ~missing & ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    broken &= ~np.isin(source.rows, list(settled))
    reasons = invalid_reasons(shapes[broken])
    found.add("geometry-invalid", source.rows[broken].tolist(), field="geometry", values=reasons)


def _check_texts(
    draft: Draft, classes: Sequence[ClassLine], tables: Sequence[Catalogue], found: Findings
) -> None:
    columns = draft.columns
    if "code" in columns and draft.kind in _CODED:
        code = columns["code"]
        bad = (code != "") & ~check_many(code.astype(str), draft.kind)
        reason = f"it is no {draft.kind} code of any edition"
        found.add(
            "code-malformed", draft.rows[bad].tolist(), field="code", values=code[bad].tolist(), reason=reason
        )
    if draft.kind in ("component", "duty"):
        _check_classes(draft, classes, tables, found)
    if "state" in columns:
        possible = tuple(dict.fromkeys(name for table in tables for name in states(table.edition)))
        state = columns["state"]
        unknown = (state != "") & ~pd.Series(state).isin(possible).to_numpy()
        found.add(
            "state-unknown",
            draft.rows[unknown].tolist(),
            field="state",
            values=state[unknown].tolist(),
            possible=", ".join(possible),
        )
    for name in _DATES:
        if name in columns:
            bad = parse_dates(columns[name])[1]
            found.add(
                "date-malformed",
                draft.rows[bad].tolist(),
                field=name,
                values=columns[name][bad].tolist(),
                reason=date_reasons(columns[name], bad)[bad].tolist(),
            )


def _check_classes(
    draft: Draft, classes: Sequence[ClassLine], tables: Sequence[Catalogue], found: Findings
) -> None:
    """Find the rows whose stated class no table has; a coded row has its class from its code."""
    nearest = {(line.column, line.text): ", ".join(line.nearest) for line in classes if not line.found}
    editions = " or ".join(table.edition for table in tables)
    # A duty may be for a whole major class.
    kinds = ("component", "event") if draft.kind == "duty" else ()
    majors = {code for table in tables for kind in kinds for code, _, _ in table.majors(kind)}
    coded = draft.columns.get("code", np.full(len(draft.rows), "", dtype=object)) != ""
    for field in ("class_code", "class_name"):
        if field not in draft.matched:
            continue
        column, texts = draft.matched[field].column, draft.columns[field]
        unknown = [text for place, text in nearest if place == column and text not in majors]
        rows = pd.Series(texts).isin(unknown).to_numpy() & ~coded
        found.add(
            "class-unknown",
            draft.rows[rows].tolist(),
            field=field,
            values=texts[rows].tolist(),
            edition=editions,
            nearest=[nearest[column, text] or "none" for text in texts[rows]],
        )
