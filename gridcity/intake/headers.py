"""Names of columns: which field a name stands for, also where a shapefile cut it at ten bytes.

A name is known exactly, or it is the beginning of known names of one field only and as long as a cut
leaves it, or it is one of a family that writers of shapefiles number (``所在街道（``, ``所在街道_1``).
Likeness is never enough: it is offered to a person and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from gridcity.catalogue import attribute_tables
from gridcity.catalogue import fields as known_fields

__all__ = ["Near", "cut_field", "known_field", "nearest_fields", "numbered_fields"]

_NAME_BYTES = 10
_ENCODINGS = ("gb18030", "utf-8")
_NUMBERED = re.compile(r"(.+)_([1-9][0-9]?)")
# Ours: how many other columns must stand in the order of the standard before a numbered family is read in
# that order too. Without them nothing says that the first of two columns is the code and not the name.
_WITNESSES = 3
# Ours: below half of their characters in common, names are not alike to a reader either.
_LEAST_SCORE = 50


@dataclass(frozen=True, slots=True)
class Near:
    """A field whose known name resembles that of a column; a suggestion, never a match.

    Attributes
    ----------
    field, name : str
        The field and its name that is nearest.
    score : int
        Share of the characters that both names have in this order, 0 to 100.
    """

    field: str
    name: str
    score: int

    def __str__(self) -> str:
        return f"{self.field} ({self.score})"


def known_field(column: str, kind: str) -> str:
    """Return the field of a known name, whatever its case; empty where the name is not known."""
    return known_fields(kind).get(column.strip().casefold(), "")


def cut_field(column: str, kind: str) -> str:
    """Return the field of a name that was cut at ten bytes, where no other field's name begins so.

    Examples
    --------
    >>> [cut_field(name, "component") for name in ("主管部门代", "所在单元网", "管理部")]
    ['supervisor_code', 'cell_code', '']
    """
    folded = column.strip().casefold()
    if not _is_cut(folded):
        return ""
    possible = {field for name, field in known_fields(kind).items() if name.startswith(folded)}
    return possible.pop() if len(possible) == 1 else ""


def _is_cut(name: str) -> bool:
    """Tell whether a name may be the first ten bytes of a longer one, in GBK or in UTF-8.

    Examples
    --------
    >>> _is_cut("所在单元网"), _is_cut("初始日"), _is_cut("note")
    (True, True, False)
    """
    letters = sum(character.isascii() and character.isalpha() for character in name)
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in name)
    lengths = {len(name.encode(encoding, "replace")) for encoding in _ENCODINGS}
    return (chinese >= 2 or letters >= 6) and bool(lengths & {_NAME_BYTES - 1, _NAME_BYTES})


def numbered_fields(columns: Sequence[str], kind: str) -> dict[str, str]:
    r"""Return the fields of columns whose names became equal when they were cut and were numbered then.

    GDAL and ArcGIS cut the first name at ten bytes and the others at eight, and add ``_1``, ``_2``; a piece
    of a character before that is expected as its bytes, ``管理\xe9\x83_1``. They are read only where every
    name of the standard that is cut so has its column, and where at least three other columns show that
    the file keeps the order of the standard. Anything else would be a guess.

    Parameters
    ----------
    columns : sequence of str
        Names of all columns, in the order of the file.
    kind : str
        A kind of `gridcity.catalogue.fields`.

    Examples
    --------
    >>> columns = ["管理部件标", "初始日期", "变更日期", "数据来源", "备注", "所在街道（", "所在街道_1"]
    >>> numbered_fields(columns, "component")
    {'所在街道（': 'street_code', '所在街道_1': 'street_name'}
    >>> numbered_fields(columns[-2:], "component")
    {}
    """
    found: dict[str, set[str]] = {}
    for table in attribute_tables(kind):
        for encoding in _ENCODINGS:
            for column, field in _numbered(columns, table, encoding).items():
                found.setdefault(column, set()).add(field)
    return {column: fields.pop() for column, fields in found.items() if len(fields) == 1}


def _numbered(columns: Sequence[str], table: Mapping[str, str], encoding: str) -> dict[str, str]:
    """Return the numbered columns by one table of attributes and one encoding of their names."""
    standing = {name: i for i, name in enumerate(table)}
    families: dict[str, list[str]] = {}
    for name in table:
        families.setdefault(_cut(name, _NAME_BYTES, encoding), []).append(name)
    named = {cut: names[0] for cut, names in families.items() if len(names) == 1}
    named |= {name: name for name in table}
    found: dict[str, str] = {}
    for cut, names in families.items():
        shorter = names[0].encode(encoding)[: _NAME_BYTES - 2].decode(encoding, "backslashreplace")
        members = _members(columns, cut, shorter)
        if len(names) > 1 and len(members) == len(names):
            found |= dict(zip(members, names, strict=True))
    order = [standing[(named | found)[column]] for column in columns if column in named or column in found]
    in_order = all(before < after for before, after in pairwise(order))
    if not in_order or len(order) - len(found) < _WITNESSES:
        return {}
    return {column: table[name] for column, name in found.items()}


def _members(columns: Sequence[str], cut: str, shorter: str) -> list[str]:
    """Return the column with the cut name and the numbered ones behind it; none where a number is missing."""
    if cut not in columns:
        return []
    numbers = {}
    for column in columns:
        match = _NUMBERED.fullmatch(column)
        if match and match[1] in (cut, shorter):
            numbers[int(match[2])] = column
    if sorted(numbers) != list(range(1, len(numbers) + 1)):
        return []
    return [cut, *(numbers[i] for i in sorted(numbers))]


def _cut(name: str, size: int, encoding: str) -> str:
    """Return what is left of a name in so many bytes, without the piece of a character at its end."""
    return name.encode(encoding)[:size].decode(encoding, "ignore")


def nearest_fields(column: str, kind: str, n: int = 3) -> tuple[Near, ...]:
    """Return up to n fields with a known name like that of a column, the most similar first.

    The likeness of two names proves nothing: ``OBJECTID``, a running number, is near to ``ObjID``, a code.

    Examples
    --------
    >>> [near.field for near in nearest_fields("OWNERNAME", "component", 1)]
    ['owner_name']
    """
    folded = column.strip().casefold()
    best: dict[str, Near] = {}
    for name, field in known_fields(kind).items():
        matcher = SequenceMatcher(None, folded, name)
        if matcher.quick_ratio() * 100 < _LEAST_SCORE:
            continue
        score = round(matcher.ratio() * 100)
        if score >= _LEAST_SCORE and (field not in best or best[field].score < score):
            best[field] = Near(field, name, score)
    return tuple(sorted(best.values(), key=lambda near: -near.score)[:n])
