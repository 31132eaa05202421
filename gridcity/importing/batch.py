"""The rows of one import on their way into the store, and what became of each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import geometries_to_lnglat
from gridcity.findings import Findings
from gridcity.importing.options import Options
from gridcity.importing.outcome import Rejected
from gridcity.intake.dates import date_reasons, parse_dates
from gridcity.intake.layers import Layer, Source, open_layer
from gridcity.intake.mapping import Mapping
from gridcity.intake.matching import Draft, Matching, draft_of, match_columns, refuse_missing_fields
from gridcity.profile import Profile

__all__ = [
    "Batch",
    "Column",
    "Geometry",
    "about_file",
    "blank",
    "joined",
    "matched",
    "open_batch",
    "opened",
    "read_batch",
    "read_dates",
]

_CHINA = 4490
_NOWHERE = np.array(None, dtype=object)

Column = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]
Geometry = Literal["required", "optional", "none"]


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
            self.rows[at],
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


@contextmanager
def opened(
    path: str | Path,
    mapping: Mapping,
    options: Options,
    *,
    layer: str | None = None,
    geometry: Geometry = "required",
) -> Iterator[Layer]:
    """Open a layer of a file the way the options say; see `gridcity.intake.open_layer`."""
    with open_layer(
        path,
        layer=layer or options.layer,
        encoding=options.encoding,
        crs=options.crs,
        datum=options.datum,
        x=mapping.x or None,
        y=mapping.y or None,
        geometry="none" if geometry == "none" else "required",
        heights=bool(mapping.z),
    ) as found:
        yield found


def matched(
    layer: Layer, kind: str, mapping: Mapping, profile: Profile, *, complete: bool = True
) -> Matching:
    """Settle which column of a layer fills which field of its rows.

    Parameters
    ----------
    layer : Layer
        From `opened`.
    kind : str
        ``area``, ``cell``, ``component``, ``party`` or ``duty``.
    mapping : Mapping
        The options' own.
    profile : Profile
        The city's.
    complete : bool, optional
        Refuse a layer that lacks a column its rows need.

    Raises
    ------
    MappingError
        The mapping does not fit, or a column that the rows need is missing.
    """
    found = match_columns(
        layer.names,
        kind,
        mapping,
        profile_columns=profile.columns,
        coordinate_columns=layer.coordinate_columns,
        where=layer.name,
    )
    if complete and len(layer):
        refuse_missing_fields(found, mapping, layer.names, layer.name)
    return found


def read_batch(
    layer: Layer,
    matching: Matching,
    mapping: Mapping,
    profile: Profile,
    at: npt.NDArray[np.int64] | None = None,
    *,
    geometry: Geometry = "required",
) -> Batch:
    """Read rows of a layer and bring their columns and coordinates to the city's.

    Parameters
    ----------
    layer : Layer
        From `opened`.
    matching : Matching
        From `matched`.
    mapping : Mapping
        The options' own.
    profile : Profile
        The city's.
    at : int64 array, optional
        Positions of the rows; all if not given.
    geometry : {"required", "optional", "none"}
        Rows without geometry are rejected, or may be, or are the rule.

    Returns
    -------
    Batch
        With the findings about its rows; those about the whole file are `about_file`'s.

    Raises
    ------
    SourceError, ReferenceSystemError
        The file is refused as a whole.
    """
    source = layer.read(at, geometry=geometry != "none")
    draft = draft_of(source, matching, mapping)
    findings = Findings()
    findings.extend(source.findings)
    findings.extend(draft.findings)
    shapes = draft.geometry
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
    if geometry != "none":
        missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
        if geometry == "required":
            batch.reject("geometry-missing", missing, field="geometry")
        else:
            batch.geometry = shapes = np.where(missing, _NOWHERE, shapes)
        finite = np.ones(len(batch), dtype=bool)
        xy, owner = shapely.get_coordinates(shapes, return_index=True)
        finite[owner[~np.isfinite(xy).all(axis=1)]] = False
        batch.reject("coordinate-not-finite", ~finite, field="geometry")
        if (np.signbit(xy) & (xy == 0)).any():
            # Minus zero is zero, but its bytes are others, and equal places must have equal bytes.
            batch.geometry = shapely.set_coordinates(shapes, xy + 0.0)
    return batch


def about_file(layer: Layer, matching: Matching, profile: Profile) -> Findings:
    """Return what is to be said about a file as a whole."""
    found = Findings()
    found.extend(layer.findings)
    found.extend(matching.findings())
    if layer.assumed and profile.stored_epsg == _CHINA:
        found.add("datum-assumed", [None], field="geometry")
    return found


def open_batch(
    path: str | Path,
    kind: str,
    profile: Profile,
    options: Options,
    *,
    geometry: Geometry = "required",
) -> Batch:
    """Read a file whole; see `read_batch`."""
    mapping = options.read_mapping()
    with opened(path, mapping, options, geometry=geometry) as layer:
        matching = matched(layer, kind, mapping, profile)
        batch = read_batch(layer, matching, mapping, profile, geometry=geometry)
        of_rows, batch.findings = batch.findings, about_file(layer, matching, profile)
        batch.findings.extend(of_rows)
    return batch


def read_dates(batch: Batch, names: Sequence[str]) -> dict[str, Column]:
    """Return date fields in ISO form; a row with a text that is no date is rejected."""
    found = {}
    for name in names:
        texts = batch.column(name)
        found[name], bad = parse_dates(texts)
        reason = date_reasons(texts, bad)
        batch.reject("date-malformed", bad, field=name, values=texts, reason=reason)
    return found


def joined(parts: Iterable[Column]) -> Column:
    """Return the texts of several columns as one, row by row, with a separator no text contains."""
    columns = list(parts)
    whole = columns[0].astype(object)
    for column in columns[1:]:
        whole = whole + "\x1f" + column
    return whole
