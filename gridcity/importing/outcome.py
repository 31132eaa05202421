"""What became of a file: its balance, its findings, the rows that were not taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridcity.findings import Findings
from gridcity.importing.comparison import Comparison
from gridcity.model import Receipt

__all__ = ["Import", "Rejected", "Replaced"]


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that was not taken, with the first rule it broke and everything it held.

    ``record`` has the columns of the source and, where the geometry is no column, its WKT as ``geometry``,
    in the reference system of the source.
    """

    row: int
    rule: str
    field: str
    value: str
    message: str
    hint: str
    record: dict[str, str]


@dataclass(frozen=True, slots=True)
class Replaced:
    """Which cells took the place of which.

    Attributes
    ----------
    on : str
        ISO date: the end of the former cells, and the first day of the new ones.
    successors : mapping of str to tuple of str
        Code of each former cell: those of the new cells that have ground of it, ``id 7`` where one has no
        code.
    """

    on: str
    successors: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Import:
    """What became of a file.

    Attributes
    ----------
    receipt : Receipt
        The balance and the circumstances.
    findings : Findings
        Everything that was noticed, row by row.
    rejected : tuple of Rejected
        The rows that were not taken.
    matched : dict of str to str
        Field: the column that filled it, and how it was found.
    files : tuple of Import
        Of a delivery of several files or layers: what became of each. The receipt is then the first of
        theirs with the balance of all, and findings and rejected rows are those of all.
    label : str
        Of a file in a delivery: what it is called there, ``部件/路灯.shp``.
    comparison : Comparison or None
        Of a second survey: what it found, object by object; of a delivery that of all its files together.
    replaced : Replaced or None
        Of cells that took the place of others.
    """

    receipt: Receipt
    findings: Findings
    rejected: tuple[Rejected, ...]
    matched: dict[str, str]
    files: tuple[Import, ...] = ()
    label: str = ""
    comparison: Comparison | None = None
    replaced: Replaced | None = None
