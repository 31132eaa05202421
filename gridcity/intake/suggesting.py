"""A mapping written for a file: what would be read as it is, and what a person must decide."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from gridcity.catalogue import Catalogue, catalogue, states
from gridcity.catalogue import fields as known_fields
from gridcity.catalogue.file_names import class_of_name
from gridcity.codes import editions
from gridcity.errors import ArgumentError
from gridcity.intake.headers import nearest_fields
from gridcity.intake.layers import Layer
from gridcity.intake.matching import Match, column_claims
from gridcity.intake.places import COORDINATE_NAMES

if TYPE_CHECKING:
    from gridcity.profile import Profile

__all__ = ["DECIMAL", "KINDS", "LIKE", "fitting_kind", "suggest_mapping", "toml_text"]

KINDS = ("component", "cell", "area", "party", "duty")
"""The kinds of rows that a mapping can be for."""

DECIMAL = re.compile(r"[-+]?[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?")
"""How a number with decimals is written: a coordinate or a measure, which is different in every row."""

LIKE = 75
"""Share of the characters, in percent, that two names have in common before one is offered for the other.

Ours: below three quarters a likeness is chance (``PID`` and ``BGID``, ``Side`` and ``since``).
"""

_SAMPLES = 3
# Ours: how many values of one column are listed for translation; beyond that it is no list of words.
_MOST_VALUES = 50
_SAMPLE_CHARACTERS = 30
# Formats without a geometry of their own.
_TEXT_TABLES = ("CSV", "XLSX")
_CLASS_FIELDS = ("class_code", "class_name")
# What TOML does not take in a quoted text or a comment, and what would turn a line around on a screen.
_UNWRITTEN = re.compile(
    '[\x00-\x1f"\\\\\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]'
)


def suggest_mapping(
    layer: Layer, kind: str | None = None, profile: Profile | None = None, *, why: str = ""
) -> str:
    """Write a commented mapping for a layer.

    The lines in force say what an import does with the file anyway; everything that needs a person is a
    comment: columns that are near to a field, columns that two of claim one field, values that no edition
    knows, columns that could be the key. So the text, unchanged, changes nothing.

    Parameters
    ----------
    layer : Layer
        From `open_layer`; only its columns are read, ``geometry="none"`` suffices.
    kind : str, optional
        ``component``, ``cell``, ``area``, ``party`` or ``duty``; without it the one that most columns fit.
    profile : Profile, optional
        The city's; its columns and its own classes are known then.
    why : str, optional
        What speaks for the kind, where nobody has named it; to be written into the text.

    Returns
    -------
    str
        TOML that `read_mapping` and `check_mapping` take.

    Raises
    ------
    ArgumentError
        No kind is given and several fit equally well.
    """
    chosen = kind or fitting_kind(layer, profile)
    claims = column_claims(layer.names, chosen, profile_columns=profile.columns if profile else None)
    taken = {matches[0].column: target for target, matches in claims.items() if len(matches) == 1}
    # Nothing is asked about the values of other columns, and reading a million of them takes a second.
    asked = [column for column in layer.names if taken.get(column, "") in ("", "state", *_CLASS_FIELDS)]
    counts = {column: _counted(layer, column) for column in asked}
    lines = [
        f"# Mapping of {_bare(layer.name)}: {len(layer)} {chosen} rows, {len(layer.names)} columns.",
        "# The lines in force say what is done anyway; a line behind # is a question: take the # away, and",
        '# keep what is right. A column that means something else is kept out with "NAME" = "".',
    ]
    if kind is None or why:
        reason = why or "most of its columns fit them"
        lines.append(f"# Taken for {chosen} rows: {_bare(reason)}; another kind is asked for with --kind.")
    if chosen == "component" and (found := list(_whole_file(layer, claims, counts, profile))):
        lines += ["", *found]
    lines += ["", "[columns]", *_column_lines(layer, chosen, claims, counts, taken)]
    lines += _value_lines(taken, counts, profile)
    missing = [name for name in dict.fromkeys(known_fields(chosen).values()) if name not in claims]
    if missing:
        lines += ["", "[constants]", "# FIELD = VALUE of all rows; no column fills:"]
        lines += [f"# {', '.join(missing)}"]
    return "\n".join(lines) + "\n"


def fitting_kind(layer: Layer, profile: Profile | None = None) -> str:
    """Return the kind of rows that most columns of a layer fit.

    Raises
    ------
    ArgumentError
        Several kinds fit equally well, or none does.
    """
    columns = profile.columns if profile else None
    fitting = {kind: len(column_claims(layer.names, kind, profile_columns=columns)) for kind in KINDS}
    best = max(fitting.values())
    several = [kind for kind, n in fitting.items() if n == best]
    if len(several) == 1:
        return several[0]
    what = (
        f"fits {' and '.join(several)} rows by {best} columns each"
        if best
        else "has no column of a known name"
    )
    raise ArgumentError(f"{layer.name} {what}.", hint="Say what its rows are with --kind.")


def toml_text(text: str) -> str:
    r"""Return a text in quotes as TOML writes it, with everything that a line cannot hold escaped.

    Examples
    --------
    >>> print(toml_text('say "路灯"'))
    "say \"路灯\""
    """
    return f'"{_bare(text)}"'


def _bare(text: str) -> str:
    return _UNWRITTEN.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match[0]}" if match[0] in '"\\' else f"\\u{ord(match[0]):04x}"


def _counted(layer: Layer, column: str) -> Counter[str]:
    """Return the distinct values of a column, one column in memory at a time."""
    values = layer.read(columns=[column], geometry=False).columns[column]
    return Counter(text.strip() for text in values.tolist())


def _samples(values: Counter[str]) -> str:
    shown = [text for text in values if text][:_SAMPLES]
    texts = [text if len(text) <= _SAMPLE_CHARACTERS else text[:_SAMPLE_CHARACTERS] + "…" for text in shown]
    return f"values: {', '.join(toml_text(text) for text in texts)}" if texts else "always empty"


def _whole_file(
    layer: Layer,
    claims: dict[str, list[Match]],
    counts: dict[str, Counter[str]],
    profile: Profile | None,
) -> Iterator[str]:
    """Say what can hold for all rows of components: the class and the key."""
    if not any(name in claims for name in (*_CLASS_FIELDS, "code")):
        entry, reason = class_of_name(layer.layer, _tables(profile))
        code = entry.code if entry else ""
        yield f"# class = {toml_text(code)}  # no column names the class; of the file, {_bare(reason)}"
    coordinates = _coordinates(layer)
    for column, values in counts.items() if "code" not in claims else ():
        every = len(layer) > 1 and len(values) == len(layer) and "" not in values and _is_text(column)
        if every and column not in coordinates and not any(map(DECIMAL.fullmatch, values)):
            yield f"# key = {toml_text(column)}  # filled and different in every row"


def _column_lines(
    layer: Layer,
    kind: str,
    claims: dict[str, list[Match]],
    counts: dict[str, Counter[str]],
    taken: dict[str, str],
) -> Iterator[str]:
    disputed = {
        match.column: target for target, matches in claims.items() if len(matches) > 1 for match in matches
    }
    coordinates = _coordinates(layer)
    for column in layer.names:
        if not _is_text(column):
            yield f"# {toml_text(column)}: its name cannot be written in TOML"
        elif column in taken:
            target = taken[column]
            how = claims[target][0].how
            yield f"{toml_text(column)} = {toml_text(target)}  # {how}"
        elif column in disputed:
            target = disputed[column]
            others = " and ".join(_bare(match.column) for match in claims[target])
            yield f'# {toml_text(column)} = "{target}"  # {others} claim it: keep one, set the others to ""'
        elif column in coordinates:
            yield f"# {toml_text(column)}: a coordinate"
        else:
            near = nearest_fields(column, kind)
            near = near if near and near[0].score >= LIKE else ()
            target = next((one.field for one in near if one.field not in claims), "")
            like = f"like {', '.join(str(one) for one in near)}" if near else "like no field"
            yield f'# {toml_text(column)} = "{target}"  # {like}; {_samples(counts[column])}'


def _is_text(name: str) -> bool:
    """Tell whether a name has no half of a surrogate pair, for which TOML has no spelling."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _coordinates(layer: Layer) -> set[str]:
    """Return the columns of a text table that an import takes for its coordinates."""
    if layer.driver not in _TEXT_TABLES:
        return set()
    folded = {name.strip().casefold(): name for name in layer.names}
    pair = next((pair for pair in COORDINATE_NAMES if all(name in folded for name in pair)), ())
    return {folded[name] for name in pair}


def _value_lines(
    taken: dict[str, str], counts: dict[str, Counter[str]], profile: Profile | None
) -> Iterator[str]:
    """List the values of states and classes that no edition knows, with what is near to them."""
    for column, target in taken.items():
        if target == "state":
            possible = list(dict.fromkeys(state for name in editions() for state in states(name)))
            unknown = [text for text, _ in counts[column].most_common() if text and text not in possible]
            note = f"possible: {', '.join(possible)}"
            listed = unknown[:_MOST_VALUES]
            nearest = {text: next(iter(get_close_matches(text, possible, 1)), "") for text in listed}
        elif target in _CLASS_FIELDS:
            tables = _tables(profile)
            values = (text for text, _ in counts[column].most_common())
            unknown = [text for text in values if text and not _is_class(text, tables)]
            note = "possible: the code or name of a class, see gridcity catalogue"
            nearest = {text: _nearest_class(text, tables) for text in unknown[:_MOST_VALUES]}
        else:
            continue
        if unknown:
            yield from ("", f"[values.{target}]", f"# {note}")
        for text in filter(_is_text, unknown[:_MOST_VALUES]):
            n = counts[column][text]
            yield f"# {toml_text(text)} = {toml_text(nearest[text])}  # {n} row{'' if n == 1 else 's'}"
        if len(unknown) > _MOST_VALUES:
            yield f"# and {len(unknown) - _MOST_VALUES} more values"


def _tables(profile: Profile | None) -> list[Catalogue]:
    return list(profile.catalogues()) if profile else [catalogue(name) for name in reversed(editions())]


def _is_class(text: str, tables: list[Catalogue]) -> bool:
    return any(table.find(text) or table.named(text, "component") for table in tables)


def _nearest_class(text: str, tables: list[Catalogue]) -> str:
    near = next((found for table in tables if (found := table.nearest(text, "component", 1))), ())
    return near[0].zh if near else ""
