"""What stands in the columns: codes, classes, and the kind of rows they make."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
import shapely

from gridcity.catalogue import Catalogue, area_name, catalogue, match_area
from gridcity.codes import ProvisionalEditionWarning, check_many, editions
from gridcity.codes.layouts import names_by_length
from gridcity.codes.nouns import AREA_LENGTHS
from gridcity.errors import MappingError
from gridcity.inspecting.model import ClassLine, CodeLine, ColumnLine, Problem
from gridcity.intake import Draft, Mapping, Source
from gridcity.intake.matching import Matching, draft_of, match_columns
from gridcity.intake.suggesting import DECIMAL, LIKE
from gridcity.intake.table import Column
from gridcity.profile import Profile

__all__ = [
    "KINDS",
    "class_tables",
    "classes_of",
    "codes_of",
    "columns_of",
    "decimal_columns",
    "drafts_of",
    "key_columns",
    "kind_of",
    "level_of",
]

KINDS = {"area": "areas", "cell": "cells", "component": "components", "party": "parties", "duty": "duties"}
"""Kinds of rows, and the words of ``gridcity import`` for them."""

# Fields whose texts are codes of the grid; in other columns only lengths that nothing else has count.
_CODED = {"code", "cell_code", "parent_code", "place_code", "community_code", "street_code"}
_COUNTY = 6
# Ours: so many values of a column must be codes or class names before it is taken for one of them.
_MOST = 0.5
# Ours: a column with more different texts than the national catalogues have classes holds no classes.
_MOST_CLASSES = 300
# Formats without a geometry of their own.
_TEXT_TABLES = ("CSV", "XLSX")
# Ours: so many names show what the others are.
_SAMPLED_NAMES = 100
_LEVELS = dict(zip(AREA_LENGTHS, ("district", "street", "community"), strict=True))
# Endings that only names of areas have; 区 and 村 end names of parks and housing estates too.
_ENDINGS = {"street": ("街道", "街道办事处", "镇", "乡"), "community": ("社区", "居委会", "村委会")}


def class_tables(profile: Profile | None) -> tuple[Catalogue, ...]:
    """Return the class tables to look in: the city's, else those of all editions, the newest first."""
    if profile is not None:
        return profile.catalogues()
    with warnings.catch_warnings():
        # Nothing is taken from a reconstructed edition here; its name stands beside every class it has.
        warnings.simplefilter("ignore", ProvisionalEditionWarning)
        return tuple(catalogue(name) for name in reversed(editions()))


def drafts_of(
    source: Source, profile: Profile | None
) -> tuple[dict[str, Draft], dict[str, Matching], dict[str, Problem]]:
    """Return the rows as each kind of row, how their columns were matched, and why a kind is not possible."""
    drafts, matchings, problems = {}, {}, {}
    for kind in KINDS:
        try:
            matching = match_columns(
                list(source.columns),
                kind,
                profile_columns=profile.columns if profile else None,
                coordinate_columns=source.coordinate_columns,
                where=source.name,
            )
        except MappingError as error:
            problems[kind] = Problem(error.code, None, str(error))
            continue
        drafts[kind], matchings[kind] = draft_of(source, matching, Mapping()), matching
    return drafts, matchings, problems


def columns_of(source: Source, matching: Matching | None) -> tuple[ColumnLine, ...]:
    """Return every column with its field or the nearest ones, how full it is, and three values."""
    fields: dict[str, list[tuple[str, str]]] = {}
    unused = matching.unused if matching else {}
    for field, match in matching.matched.items() if matching else ():
        fields.setdefault(match.column, []).append((field, match.how))
    lines = []
    for name, values in source.columns.items():
        texts = _stripped(values)
        filled = texts[texts != ""]
        matches = fields.get(name, [])
        field = ", ".join(field for field, _ in matches)
        how = ", ".join(dict.fromkeys(how for _, how in matches))
        if name in source.coordinate_columns:
            field, how = "geometry", "coordinates"
        share = len(filled) / len(texts) if len(texts) else 0.0
        nearest = tuple(str(near) for near in unused.get(name, ()) if near.score >= LIKE)
        lines.append(ColumnLine(name, field, how, nearest, share, tuple(pd.unique(filled)[:3])))
    return tuple(lines)


def codes_of(source: Source, drafts: dict[str, Draft], profile: Profile | None) -> tuple[CodeLine, ...]:
    """Return the codes of the grid that stand in the columns."""
    coded = {
        match.column
        for draft in drafts.values()
        for field, match in draft.matched.items()
        if field in _CODED and draft.kind != "party"
    }
    lines = []
    for name, values in source.columns.items():
        texts = _stripped(values)
        lengths = texts.str.len()
        digits = texts.str.fullmatch("[0-9]+").to_numpy(dtype=bool)
        if not digits.any() or digits.sum() < _MOST * int((texts != "").sum()):
            continue
        for length in sorted(set(lengths[digits].tolist())):
            those = texts[digits & (lengths == length)]
            kinds = _kinds_of_length(length)
            lines += [_code_line(name, kind, length, those, profile) for kind in kinds]
    return tuple(line for line in lines if line.valid > _MOST * line.rows or line.column in coded)


def _kinds_of_length(length: int) -> tuple[str, ...]:
    if length in AREA_LENGTHS:
        return ("area",)
    return tuple(kind for kind in ("cell", "component") if length in names_by_length(kind))


def _code_line(name: str, kind: str, length: int, texts: pd.Series[str], profile: Profile | None) -> CodeLine:
    of_city = profile.edition_of(length) if profile and kind != "area" else None
    possible = () if kind == "area" else tuple(names_by_length(kind)[length])
    found = (of_city,) if of_city in possible and of_city else possible
    valid = check_many(texts.to_numpy(dtype=str), kind, found[0] if len(found) == 1 else None)
    # Long numbers of other registers begin with anything; codes begin with a county, or with the city.
    begins = texts.str[:_COUNTY]
    own = {profile.area_code} if profile else set()
    real = {one for one in begins.unique() if one in own or area_name(one) is not None}
    valid = valid & begins.isin(real).to_numpy()
    return CodeLine(name, kind, length, found, len(texts), int(valid.sum()))


def classes_of(
    source: Source, draft: Draft | None, tables: Sequence[Catalogue], kinds: Sequence[str] = ("component",)
) -> tuple[ClassLine, ...]:
    """Return the texts that name classes of these kinds, those that should and do not, and such columns."""
    matched = draft.matched if draft else {}
    stated = {matched[field].column for field in ("class_code", "class_name") if field in matched}
    lines: list[ClassLine] = []
    for name, values in source.columns.items():
        counts = _stripped(values).value_counts()
        counts = counts[counts.index != ""]
        if not len(counts) or (len(counts) > _MOST_CLASSES and name not in stated):
            continue
        found = {text: _entries(text, tables, kinds) for text in counts.index[:_MOST_CLASSES]}
        named = sum(int(counts[text]) for text, entries in found.items() if entries)
        digits = all(text.isdigit() for text in counts.index)
        if name in stated or (named >= _MOST * int(counts.sum()) and not digits):
            for text, entries in found.items():
                nearest = () if entries else _nearest(text, tables, kinds)
                lines.append(ClassLine(name, text, int(counts[text]), entries, nearest))
    return tuple(lines)


def _entries(text: str, tables: Sequence[Catalogue], kinds: Sequence[str]) -> tuple[str, ...]:
    found = []
    for table, kind in product(tables, kinds):
        by_code = table.find(text, kind)
        entries = [by_code] if by_code else table.named(text, kind)
        found += [f"{entry.code} {entry.zh} ({table.edition})" for entry in entries]
    return tuple(found)


def _nearest(text: str, tables: Sequence[Catalogue], kinds: Sequence[str]) -> tuple[str, ...]:
    found = [entry for kind, table in product(kinds, tables) for entry in table.nearest(text, kind)]
    return tuple(dict.fromkeys(f"{entry.code} {entry.zh}" for entry in found))[:3]


def kind_of(
    source: Source,
    drafts: dict[str, Draft],
    codes: Sequence[CodeLine],
    classes: Sequence[ClassLine],
    profile: Profile | None,
) -> tuple[str, str]:
    """Return which kind of rows a layer looks like, and why; an empty kind where a human must decide."""
    if not len(source):
        return "", "it has no rows"
    shapes = source.geometry[~shapely.is_missing(source.geometry)]
    if not len(shapes):
        if source.driver in _TEXT_TABLES and not source.coordinate_columns:
            return _kind_of_table(source, drafts)
        return "", "no row has a geometry"
    dimensions = set(shapely.get_dimensions(shapes).tolist())
    if dimensions == {2} and "duty" in drafts and "role" in drafts["duty"].matched:
        column = drafts["duty"].matched["role"].column
        return "duty", f"{column} is the role of a duty, which may have polygons"
    own = {draft.matched["code"].column: kind for kind, draft in drafts.items() if "code" in draft.matched}
    for line in codes:
        fits = line.kind == "component" or dimensions == {2}
        if fits and line.column in own and line.valid > _MOST * line.rows:
            return line.kind, f"{line.column} holds {line.kind} codes of {line.digits} digits"
    if classes and any(line.found for line in classes):
        return "component", f"{classes[0].column} holds names or codes of component classes"
    areas = [line.column for line in codes if line.kind == "area" and line.valid > _MOST * line.rows]
    keys = [column for column in key_columns(source) if column in areas] if dimensions == {2} else []
    if keys:
        return "area", f"{keys[0]} holds the codes of {len(source):,} different areas"
    if dimensions - {2}:
        return "component", "points and lines can only be components"
    level, why = _level_of_names(drafts.get("area"), profile)
    if level:
        return "area", why
    fitting = {kind: len(drafts[kind].matched) for kind in ("area", "cell", "component") if kind in drafts}
    best = max(fitting.values(), default=0)
    winners = [kind for kind, n in fitting.items() if n == best]
    if best > 1 and len(winners) == 1:
        return winners[0], f"{best} of its columns are fields of {KINDS[winners[0]]}"
    return "", "polygons can be areas, cells or components, and the columns do not say which"


def level_of(draft: Draft | None, codes: Sequence[CodeLine], profile: Profile | None) -> tuple[str, str]:
    """Return the one level that the codes of areas, or their names, show, and how; empty where none does."""
    coded = {line.digits: line for line in codes if line.kind == "area" and line.valid > _MOST * line.rows}
    if len(coded) == 1:
        ((digits, line),) = coded.items()
        return _LEVELS[digits], f"the codes in {line.column} have {digits} digits"
    return _level_of_names(draft, profile)


def _level_of_names(draft: Draft | None, profile: Profile | None) -> tuple[str, str]:
    """Return the level of which most rows have a name of their own, by its ending or the list of areas."""
    if draft is None or "name" not in draft.columns:
        return "", ""
    distinct = [name for name in pd.unique(_stripped(draft.columns["name"])).tolist() if name]
    # Cells name their street too, many the same one.
    if len(distinct) <= _MOST * len(draft.rows):
        return "", ""
    for level, ends in _ENDINGS.items():
        n = sum(name.endswith(ends) for name in distinct)
        if n > _MOST * len(distinct):
            return level, f"{n:,} of {len(distinct):,} names end like {ends[0]}"
    if profile is None or area_name(profile.area_code) is None:
        return "", ""
    for level in _ENDINGS:
        sample = distinct[:_SAMPLED_NAMES]
        n = sum(
            bool(match_area(name, profile.area_code, profile.aliases, level=level).code) for name in sample
        )
        if n > _MOST * len(sample):
            return level, f"{n:,} of {len(sample):,} names are listed for {profile.area_code} as {level}"
    return "", ""


def _kind_of_table(source: Source, drafts: dict[str, Draft]) -> tuple[str, str]:
    if "duty" in drafts and {"role", "place_code"} & set(drafts["duty"].matched):
        return "duty", "it has no geometry, and a column for the role or the place of a duty"
    if decimal_columns(source):
        return "", "it shows no coordinates, but has columns of decimal numbers that may be some"
    if "party" in drafts and "name" in drafts["party"].matched:
        return "party", "it has no geometry and a column for names"
    return "", "it has no geometry; tables can be parties or duties, or lack their coordinate columns"


def key_columns(source: Source) -> tuple[str, ...]:
    """Return the columns that are filled and different in every row looked at."""
    found = []
    for name, values in source.columns.items():
        texts = _stripped(values)
        if (
            len(texts) > 1
            and name not in source.coordinate_columns
            and (texts != "").all()
            and texts.is_unique
            # A measure is different in every row and names none of them.
            and not texts.str.fullmatch(DECIMAL).any()
        ):
            found.append(name)
    return tuple(found)


def decimal_columns(source: Source) -> tuple[str, ...]:
    """Return the columns in which most filled rows hold a number with decimals."""
    found = []
    for name, values in source.columns.items():
        texts = _stripped(values)
        filled = texts[texts != ""]
        if len(filled) and filled.str.fullmatch(DECIMAL).sum() > _MOST * len(filled):
            found.append(name)
    return tuple(found)


def _stripped(values: Column) -> pd.Series[str]:
    """Return the texts of a column without outer blanks; one look at each distinct value."""
    numbers, distinct = pd.factorize(values)
    stripped = pd.Series([text.strip() for text in distinct], dtype=object)
    return stripped.iloc[np.asarray(numbers)].reset_index(drop=True)
