"""Columns of a source to fields of gridcity: by the mapping, by the profile, by known names.

No column is guessed: one that matches no name is left out and reported, with the fields that it is near to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Mapping as Lookup
from dataclasses import dataclass, field

import numpy as np

from gridcity.catalogue import fields as known_fields
from gridcity.errors import MappingError
from gridcity.findings import Findings
from gridcity.intake.headers import Near, cut_field, known_field, nearest_fields, numbered_fields
from gridcity.intake.layers import Source
from gridcity.intake.mapping import Mapping, check_mapping, refuse_missing_columns
from gridcity.intake.table import Column, Heights, Numbers, few, objects, per_distinct

__all__ = [
    "Draft",
    "Match",
    "Matching",
    "apply_mapping",
    "column_claims",
    "draft_of",
    "match_columns",
    "refuse_missing_fields",
]

_MAPPED, _PROFILE, _KNOWN, _CUT, _NUMBERED = "mapping", "profile", "known name", "cut name", "numbered name"
_RANKS = (_MAPPED, _PROFILE, _KNOWN, _CUT, _NUMBERED)
# Without one of these fields, no row of the kind can be taken.
_REQUIRED = {
    "area": ("a name or a code", ("name", "code")),
    "component": ("a class", ("class_code", "class_name", "name", "code")),
    "party": ("a name", ("name",)),
    "duty": ("a party", ("party_code", "party_name")),
    "incident": ("a class", ("class_code", "class_name")),
}


@dataclass(frozen=True, slots=True)
class Match:
    """The source column that fills a field, and how it was found; ``str()`` gives ``column (how)``."""

    column: str
    how: str

    def __str__(self) -> str:
        return f"{self.column} ({self.how})"


@dataclass(frozen=True, slots=True)
class Matching:
    """Which column of a source fills which field.

    Attributes
    ----------
    kind : str
        Kind of the rows.
    matched : dict of str to Match
        Field: the column that fills it. Constants are not in it.
    unused : dict of str to tuple of Near
        Columns that fill no field, each with the fields whose names are like its own.
    """

    kind: str
    matched: dict[str, Match]
    unused: dict[str, tuple[Near, ...]]

    def findings(self) -> Findings:
        """Return one ``column-unused`` for each column that fills no field."""
        found = Findings()
        nearest = [
            f"; nearest: {', '.join(str(near) for near in nears)}" if nears else ""
            for nears in self.unused.values()
        ]
        found.add("column-unused", [None] * len(nearest), values=list(self.unused), nearest=nearest)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """Rows in gridcity's fields, not yet checked.

    Attributes
    ----------
    kind : str
        ``component``, ``cell``, ``area``, ``party``, ``duty``, …
    columns : dict of str to numpy.ndarray
        Field: object array of str, stripped and translated; missing values are empty.
    rows : numpy.ndarray
        Record numbers of the source, int64.
    geometry : numpy.ndarray
        As in the source.
    key : numpy.ndarray or None
        The values of the key column, where the mapping names one.
    matched : dict of str to Match
        Field: the column that fills it. Constants are not in it.
    unused : tuple of str
        Source columns that fill no field.
    findings : Findings
        One ``column-unused`` for each of them; the source's own findings stay with the source.
    """

    kind: str
    columns: dict[str, Column]
    rows: Numbers
    geometry: Column
    key: Column | None
    matched: dict[str, Match]
    unused: tuple[str, ...]
    findings: Findings = field(default_factory=Findings)


def match_columns(
    columns: Sequence[str],
    kind: str,
    mapping: Mapping | None = None,
    *,
    profile_columns: Lookup[str, str] | None = None,
    coordinate_columns: Collection[str] = (),
    where: str = "the file",
) -> Matching:
    """Find the column that fills each field of a kind of row.

    A field is filled by the first of: a constant or column of the mapping; a column of the profile; a
    known name, national or gridcity's own, whatever its case; a known name cut at ten bytes, as
    shapefiles cut them, if the rest is at least two Chinese characters or six letters and no other
    field's name begins so; a cut and numbered name (`gridcity.intake.headers.numbered_fields`).

    Parameters
    ----------
    columns : sequence of str
        Names of the columns, in the order of the file.
    kind : str
        Kind of the rows, a kind of `gridcity.catalogue.fields`.
    mapping : Mapping, optional
        The mapping file's content.
    profile_columns : mapping of str to str, optional
        Source column: field, as the city's profile has them; columns the file lacks are no error.
    coordinate_columns : collection of str, optional
        The columns of a text table that became its geometry.
    where : str, optional
        Name of the file, for messages.

    Raises
    ------
    MappingError
        The mapping does not fit the kind (`check_mapping`) or names a column that the source lacks; or
        two columns of the same standing, or a column and the heights, fill one field.
    """
    mapping = mapping or Mapping()
    check_mapping(mapping, kind)
    refuse_missing_columns(mapping, columns, where)
    claims = column_claims(columns, kind, mapping, profile_columns=profile_columns)
    matched = {target: _only(target, matches, where) for target, matches in claims.items()}
    if mapping.z in matched:
        column = matched[mapping.z].column
        raise MappingError(
            f"{mapping.name} brings the heights of {where} into {mapping.z}, which {column} fills.",
            hint=f'To leave the column out, write "{column}" = "" in [columns].',
        )
    used = {match.column for match in matched.values()} | {mapping.key, *coordinate_columns}
    unused = [column for column in columns if column not in used]
    return Matching(kind, matched, {column: nearest_fields(column, kind) for column in unused})


def column_claims(
    columns: Sequence[str],
    kind: str,
    mapping: Mapping | None = None,
    *,
    profile_columns: Lookup[str, str] | None = None,
) -> dict[str, list[Match]]:
    """Return the columns that claim each field with equal right: one, or several that need a decision.

    Parameters
    ----------
    columns, kind, mapping, profile_columns
        As for `match_columns`, which refuses several claims for one field.
    """
    mapping = mapping or Mapping()
    # A profile has the columns of every kind of row; those of other kinds mean nothing here.
    possible = set(known_fields(kind).values())
    profile = {
        name.strip().casefold(): target
        for name, target in (profile_columns or {}).items()
        if target in possible
    }
    numbered = numbered_fields(columns, kind)
    claims: dict[str, list[Match]] = {}
    for column in columns:
        targets, how = _resolved(column, kind, mapping, profile, numbered)
        for target in targets:
            if target not in mapping.constants:
                claims.setdefault(target, []).append(Match(column, how))
    best = {target: min(_RANKS.index(m.how) for m in matches) for target, matches in claims.items()}
    return {
        target: [m for m in matches if _RANKS.index(m.how) == best[target]]
        for target, matches in claims.items()
    }


def refuse_missing_fields(matching: Matching, mapping: Mapping, columns: Iterable[str], where: str) -> None:
    """Refuse a source none of whose rows could be taken, because a field they need has no column.

    Raises
    ------
    MappingError
        Components without any of class, name and code, and without a class for all rows; parties without
        a name, duties without a party, areas without name and code. The nearest columns are named.
    """
    what, needed = _REQUIRED.get(matching.kind, ("", ()))
    if not needed or any(name in matching.matched or name in mapping.constants for name in needed):
        return
    if matching.kind == "component" and mapping.class_text:
        return
    near = {
        column: max(close, key=lambda one: one.score)
        for column, nears in matching.unused.items()
        if (close := [one for one in nears if one.field in needed])
    }
    best = sorted(near, key=lambda column: -near[column].score)[:3]
    nearest = (
        "nearest: " + ", ".join(f"{column} to {near[column]}" for column in best)
        if best
        else f"its columns are {few(list(columns)) or 'none'}"
    )
    raise MappingError(
        f"{where} has no column for {what} of its {matching.kind} rows; {nearest}.",
        hint=f"Name the column, for example --map {needed[0]}=COLUMN"
        + (", or give the class of all rows with --class." if matching.kind == "component" else "."),
        code="E_FIELD_MISSING",
    )


def apply_mapping(
    source: Source,
    kind: str,
    mapping: Mapping | None = None,
    *,
    profile_columns: Lookup[str, str] | None = None,
) -> Draft:
    """Bring a source's columns to the fields of a kind of row.

    Parameters
    ----------
    source : Source
        The rows.
    kind, mapping, profile_columns
        As for `match_columns`.

    Raises
    ------
    MappingError
        As `match_columns` and `refuse_missing_fields` raise it.
    """
    mapping = mapping or Mapping()
    matching = match_columns(
        list(source.columns),
        kind,
        mapping,
        profile_columns=profile_columns,
        coordinate_columns=source.coordinate_columns,
        where=source.name,
    )
    if len(source):
        refuse_missing_fields(matching, mapping, source.columns, source.name)
    draft = draft_of(source, matching, mapping)
    draft.findings.extend(matching.findings())
    return draft


def draft_of(source: Source, matching: Matching, mapping: Mapping) -> Draft:
    """Fill the fields of some rows; what `Matching.findings` says of the whole file is left to the caller.

    Parameters
    ----------
    source : Source
        The rows, all or a part of those whose columns were matched.
    matching : Matching
        From `match_columns`.
    mapping : Mapping
        Its translations, constants and key, and the field of the heights, if the source has them.
    """
    columns = {
        target: _filled(source.columns[match.column], mapping.values.get(target, {}))
        for target, match in matching.matched.items()
    }
    for target, value in mapping.constants.items():
        columns[target] = objects([value] * len(source))
    if mapping.z and source.heights is not None:
        columns[mapping.z] = _filled(_height_texts(source.heights), mapping.values.get(mapping.z, {}))
    return Draft(
        kind=matching.kind,
        columns=columns,
        rows=source.rows,
        geometry=source.geometry,
        key=_filled(source.columns[mapping.key], {}) if mapping.key else None,
        matched=matching.matched,
        unused=tuple(matching.unused),
    )


def _resolved(
    column: str, kind: str, mapping: Mapping, profile: Lookup[str, str], numbered: Lookup[str, str]
) -> tuple[tuple[str, ...], str]:
    """Return the fields that a column fills, and how they were found."""
    if column in mapping.columns:
        return mapping.columns[column], _MAPPED
    if target := profile.get(column.strip().casefold(), ""):
        return (target,), _PROFILE
    if target := known_field(column, kind):
        return (target,), _KNOWN
    if target := cut_field(column, kind):
        return (target,), _CUT
    if target := numbered.get(column, ""):
        return (target,), _NUMBERED
    return (), ""


def _only(target: str, matches: list[Match], where: str) -> Match:
    if len(matches) > 1:
        columns = " and ".join(match.column for match in matches)
        raise MappingError(
            f"{where} has several columns for {target}: {columns}.",
            hint=f"Say which of them is {target}, for example --map {target}={matches[0].column}.",
        )
    return matches[0]


def _height_texts(heights: Heights) -> Column:
    """Return heights as text, ``51.2`` and ``51``; empty where there is none.

    >>> _height_texts(np.array([51.2, 51.0, np.nan])).tolist()
    ['51.2', '51', '']
    """
    known = np.isfinite(heights)
    texts = np.full(len(heights), "", dtype=object)
    texts[known] = objects(repr(height).removesuffix(".0") for height in (heights[known] + 0.0).tolist())
    return texts


def _filled(column: Column, translation: dict[str, str]) -> Column:
    if not translation:
        held = column.tolist()
        # Few texts on many rows, and hardly any to be stripped.
        if all(text == text.strip() for text in set(held)):
            return column.copy()
        return objects(map(str.strip, held))

    def translated(text: str) -> str:
        stripped = text.strip()
        return translation.get(stripped, stripped)

    return per_distinct(column, translated)
