"""The rows of one import on their way into the store, and what became of each of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import geometries_to_lnglat
from gridcity.findings import Findings
from gridcity.intake.dates import parse_dates
from gridcity.intake.mapping import Draft, Mapping, apply_mapping, read_mapping
from gridcity.intake.sources import Source, read_source
from gridcity.model import Receipt
from gridcity.profile import Profile

__all__ = ["Batch", "Column", "Import", "Options", "Rejected", "blank", "open_batch"]

_CHINA = 4490

Column = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be read; the options every import shares.

    Attributes
    ----------
    mapping : Mapping or path, optional
        Columns to fields; see `gridcity.intake.mapping`.
    layer, encoding, crs, datum, x, y : str, optional
        See `gridcity.intake.sources.read_source`.
    key : str, optional
        Column that names a row, where it has no code.
    edition : str, optional
        Edition of the file's own codes and classes.
    class_text : str, optional
        Class of all rows: code or name.
    level : str, optional
        Level of all areas.
    number : bool
        Give cells without a code the next serials of their community.
    dry_run : bool
        Do everything and keep nothing.
    """

    mapping: Mapping | str | Path | None = None
    layer: str | None = None
    encoding: str | None = None
    crs: str | int | None = None
    datum: str | None = None
    x: str | None = None
    y: str | None = None
    key: str | None = None
    edition: str | None = None
    class_text: str | None = None
    level: str | None = None
    number: bool = False
    dry_run: bool = False

    def read_mapping(self) -> Mapping:
        """Return the mapping with the options that go before it."""
        mapping = self.mapping if isinstance(self.mapping, Mapping) else Mapping()
        if isinstance(self.mapping, (str, Path)):
            mapping = read_mapping(self.mapping)
        return replace(
            mapping,
            key=self.key or mapping.key,
            edition=self.edition or mapping.edition,
            class_text=self.class_text or mapping.class_text,
            x=self.x or mapping.x,
            y=self.y or mapping.y,
        )

    def as_json(self) -> str:
        """Return the options that were given, for the receipt."""
        given = {
            name: value.name if isinstance(value, Mapping) else value
            for name in self.__slots__
            if (value := getattr(self, name)) not in (None, False)
        }
        return json.dumps(given, ensure_ascii=False, default=str)


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
    """

    receipt: Receipt
    findings: Findings
    rejected: tuple[Rejected, ...]
    matched: dict[str, str]


@dataclass(slots=True)
class Batch:
    """The rows of one file; those that break a rule are marked and kept.

    Attributes
    ----------
    columns : dict of str to object array
        Field: text, for all rows.
    geometry : object array
        In the stored longitude and latitude; None where there is none.
    alive : bool array
        The rows that have broken no rule so far.
    settled : bool array
        Rows that count as unchanged without going further: another row stands for them.
    leader : int array
        Position of the row that stands for each, its own where none does.
    repeats : bool array
        The settled rows that repeat their leader exactly.
    """

    source: Source
    mapping: Mapping
    draft: Draft
    columns: dict[str, Column]
    geometry: Column
    rows: npt.NDArray[np.int64]
    alive: Mask
    settled: Mask
    leader: npt.NDArray[np.int64]
    repeats: Mask
    findings: Findings
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    ids: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def going(self) -> Mask:
        """The rows that still need a place in the store."""
        return self.alive & ~self.settled

    def column(self, name: str) -> Column:
        """Return the texts of a field; blanks where the file does not have it."""
        if name not in self.columns:
            self.columns[name] = blank(len(self))
        return self.columns[name]

    def key(self) -> Column:
        """Return the key of each row with the name of its column, for one number means nothing by itself."""
        if self.draft.key is None:
            return blank(len(self))
        column = f"{self.mapping.key}=" + self.draft.key
        return np.where(self.draft.key == "", "", column).astype(object)

    def absent(self, columns: dict[str, Column], fields: dict[str, str] | None = None) -> dict[str, Column]:
        """Return those of some store columns whose field the file does not have.

        ``fields`` names the field of a column where it is called otherwise.
        """
        delivered = self.draft.columns
        return {
            name: column
            for name, column in columns.items()
            if (fields or {}).get(name, name) not in delivered
        }

    def note(self, rule: str, where: Mask, *, field: str = "", values: Any = None, **facts: Any) -> None:
        """Record a rule for some rows; array facts have one value for every row of the batch."""
        at = np.flatnonzero(where)
        self.findings.add(
            rule,
            self.rows[at].tolist(),
            field=field,
            values=_chosen(values, self.leader[at], len(self)),
            **{name: _chosen(fact, self.leader[at], len(self)) for name, fact in facts.items()},
        )

    def reject(self, rule: str, where: Mask, *, field: str = "", values: Any = None, **facts: Any) -> None:
        """Record a rule that costs some rows, among those still alive, and the rows they stand for."""
        where = (where & self.alive)[self.leader] & self.alive
        self.note(rule, where, field=field, values=values, **facts)
        self.alive &= ~where

    def settle(self, at: npt.NDArray[np.int64], leader: npt.NDArray[np.int64]) -> None:
        """Let other rows stand for some; what becomes of those becomes of them."""
        self.settled[at] = True
        self.leader[at] = leader

    def rejected(self) -> tuple[Rejected, ...]:
        """Return the rows that were not taken, each with the first rule that cost it."""
        first = {
            finding.row: finding
            for finding in reversed([f for f in self.findings.severe("error") if f.row is not None])
        }
        dead = np.flatnonzero(~self.alive)
        shapes = shapely.to_wkt(self.source.geometry[dead], rounding_precision=-1)
        found = []
        for i, shape in zip(dead.tolist(), shapes, strict=True):
            row = int(self.rows[i])
            finding = first[row]
            record = {name: column[i] for name, column in self.source.columns.items()}
            if shape is not None and not self.source.coordinate_columns:
                record.setdefault("geometry", shape)
            found.append(
                Rejected(
                    row, finding.rule, finding.field, finding.value, finding.message, finding.hint, record
                )
            )
        return tuple(found)


def blank(n: int) -> Column:
    """Return n empty texts."""
    return np.full(n, "", dtype=object)


def _chosen(value: Any, at: npt.NDArray[np.int64], n: int) -> Any:
    """Return the values of some rows of a column, or the one value of all."""
    if isinstance(value, np.ndarray) and value.shape == (n,):
        return value[at].tolist()
    return value


def open_batch(
    path: str | Path,
    kind: str,
    profile: Profile,
    options: Options,
    *,
    geometry: Literal["required", "none"] = "required",
) -> Batch:
    """Read a file and bring its columns and coordinates to the city's.

    Parameters
    ----------
    path : str or path
        The file.
    kind : str
        ``area``, ``cell``, ``component``, ``party`` or ``duty``.
    profile : Profile
        The city's.
    options : Options
        How to read.
    geometry : {"required", "none"}
        Rows without geometry are rejected, or the rule.

    Raises
    ------
    SourceError, MappingError, ReferenceSystemError
        The file is refused as a whole.
    """
    mapping = options.read_mapping()
    source = read_source(
        path,
        layer=options.layer,
        encoding=options.encoding,
        crs=options.crs,
        datum=options.datum,
        x=mapping.x or None,
        y=mapping.y or None,
        geometry=geometry,
    )
    draft = apply_mapping(source, kind, mapping, profile_columns=profile.columns)
    findings = Findings()
    findings.extend(source.findings)
    findings.extend(draft.findings)
    shapes = draft.geometry
    if source.assumed and profile.stored_epsg == _CHINA:
        findings.add("datum-assumed", [None], field="geometry")
    if source.system is not None:
        shapes = geometries_to_lnglat(shapes, source.system, stored=profile.stored_epsg, where=source.name)
    batch = Batch(
        source=source,
        mapping=mapping,
        draft=draft,
        columns=dict(draft.columns),
        geometry=shapes,
        rows=draft.rows,
        alive=~np.isin(draft.rows, list(findings.rejected_rows())),
        settled=np.zeros(len(draft.rows), dtype=bool),
        leader=np.arange(len(draft.rows)),
        repeats=np.zeros(len(draft.rows), dtype=bool),
        findings=findings,
    )
    if geometry == "required":
        missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
        batch.reject("geometry-missing", missing, field="geometry")
        finite = np.ones(len(batch), dtype=bool)
        xy, owner = shapely.get_coordinates(shapes, return_index=True)
        finite[owner[~np.isfinite(xy).all(axis=1)]] = False
        batch.reject("coordinate-not-finite", ~finite, field="geometry")
    return batch


def read_dates(batch: Batch, names: Sequence[str]) -> dict[str, Column]:
    """Return date fields in ISO form; a row with a text that is no date is rejected."""
    found = {}
    for name in names:
        found[name], bad = parse_dates(batch.column(name))
        batch.reject("date-malformed", bad, field=name, values=batch.column(name))
    return found


def joined(parts: Iterable[Column]) -> Column:
    """Return the texts of several columns as one, row by row, with a separator no text contains."""
    columns = list(parts)
    whole = columns[0].astype(object)
    for column in columns[1:]:
        whole = whole + "\x1f" + column
    return whole
