"""Defects of duties: findings, and beside each the columns by which it is sorted, mapped and counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gridcity.findings import RULES, Findings

__all__ = ["DEFECT_COLUMNS", "Defects"]

Column = npt.NDArray[Any]

DEFECT_COLUMNS: Final[Mapping[str, Any]] = {
    "rule": "",
    "severity": "",
    "row": 0,
    "field": "",
    "place": "",
    "street_code": "",
    "street_name": "",
    "lng": np.nan,
    "lat": np.nan,
    "class_code": "",
    "class_name": "",
    "party_code": "",
    "party_name": "",
    "other_code": "",
    "other_name": "",
    "cell_id": -1,
    "components": 0,
    "incidents": 0,
}
"""The columns of a defect, each with what stands where there is none."""


@dataclass(slots=True)
class Defects:
    """A growing table of defects, in the order of its findings."""

    findings: Findings = field(default_factory=Findings)
    _parts: list[dict[str, Column]] = field(default_factory=list)

    def add(
        self,
        rule: str,
        rows: Any,
        *,
        where: str,
        values: Any,
        facts: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> None:
        """Record one rule for several objects.

        Parameters
        ----------
        rule : str
            An id of `gridcity.findings.RULES`.
        rows : sequence of int
            Internal ids of the objects.
        where : str
            Their table and column.
        values : sequence of str
            What was found, one per row.
        facts : mapping, optional
            What the rule's sentence names besides.
        **columns
            Of `DEFECT_COLUMNS`, one value per row or one for all.
        """
        if not len(rows):
            return
        numbers = np.asarray(rows, dtype=np.int64)
        self.findings.add(rule, numbers, field=where, values=values, **(facts or {}))
        given = {"rule": rule, "severity": RULES[rule].severity, "row": numbers, "field": where, **columns}
        self._take(given, len(numbers))

    def take(self, found: Findings, columns: Callable[[list[int]], Mapping[str, Any]]) -> None:
        """Take over findings about single objects of one table.

        Parameters
        ----------
        found : Findings
            Each with a row.
        columns : callable
            Of `DEFECT_COLUMNS`, one value per id it is given.
        """
        listed = list(found)
        if not listed:
            return
        self.findings.extend(found)
        given = {
            "rule": [one.rule for one in listed],
            "severity": [one.severity for one in listed],
            "row": [one.row for one in listed],
            "field": [one.field for one in listed],
            **columns([one.row or 0 for one in listed]),
        }
        self._take(given, len(listed))

    def _take(self, given: Mapping[str, Any], n: int) -> None:
        self._parts.append(
            {name: _filled(given.get(name, none), none, n) for name, none in DEFECT_COLUMNS.items()}
        )

    def table(self) -> dict[str, Column]:
        """Return the columns, one value per finding."""
        empty = {name: _filled(none, none, 0) for name, none in DEFECT_COLUMNS.items()}
        return {
            name: np.concatenate([part[name] for part in (empty, *self._parts)]) for name in DEFECT_COLUMNS
        }


def _filled(value: Any, none: Any, n: int) -> Column:
    kind: Any = object if isinstance(none, str) else np.float64 if isinstance(none, float) else np.int64
    if isinstance(value, (str, int, float)):
        return np.full(n, value, dtype=kind)
    return np.array(value, dtype=kind)
