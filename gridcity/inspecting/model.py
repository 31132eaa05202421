"""What an inspection says, as records."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from gridcity.crs.evidence import DatumEvidence

__all__ = [
    "ClassLine",
    "CodeLine",
    "ColumnLine",
    "Inspection",
    "LayerDetail",
    "LayerLine",
    "PlaceLine",
    "Problem",
]


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One layer of the file or folder.

    Attributes
    ----------
    label : str
        What names it, for people and for ``--layer``.
    rows : int or None
        Without deleted ones; None where it cannot be opened.
    geometry : str
        The kinds of its geometries in a sample of its rows.
    problem : str
        Why it cannot be opened.
    file_class : str
        Code and name of the class that its name tells.
    """

    label: str
    rows: int | None
    geometry: str
    problem: str = ""
    file_class: str = ""


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """One column.

    Attributes
    ----------
    name : str
        As the file has it.
    field, how : str
        The field it fills and how that was found; empty where none.
    nearest : tuple of str
        Without a field: fields with names like its own, each with its score; suggestions only.
    filled : float
        Share of the rows looked at that are not blank.
    samples : tuple of str
        Up to three different values.
    """

    name: str
    field: str
    how: str
    nearest: tuple[str, ...]
    filled: float
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassLine:
    """One text that names a class, or should.

    Attributes
    ----------
    column, text : str
        Where it stands and what it is.
    rows : int
        How many of the rows looked at have it.
    found : tuple of str
        Code, name and edition of each class it can be; empty where it is none.
    nearest : tuple of str
        The nearest classes where it is none.
    """

    column: str
    text: str
    rows: int
    found: tuple[str, ...]
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeLine:
    """The codes of one length in one column.

    Attributes
    ----------
    column, kind : str
        Where they stand; ``area``, ``cell`` or ``component``.
    digits : int
        Their length.
    editions : tuple of str
        The editions that have codes of this length, those of the city where it is known.
    rows, valid : int
        How many of the rows looked at have a text of this length, and how many of them are codes.
    """

    column: str
    kind: str
    digits: int
    editions: tuple[str, ...]
    rows: int
    valid: int


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """What the coordinates may be, and where they would then lie.

    Attributes
    ----------
    option : str
        What to type for it; empty for what the file declares.
    name, why : str
        What it is and what speaks for it.
    share : float or None
        Of the points looked at that lie in the city; None where no city is known.
    swapped : bool
        The numbers stand the wrong way round for it, northing before easting; no option mends that.
    """

    option: str
    name: str
    why: str
    share: float | None
    swapped: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """What would cost rows, or the whole file, at import.

    Attributes
    ----------
    rule : str
        A rule of `gridcity.findings.RULES`, or the code of the refusal.
    rows : int or None
        How many of the rows looked at; None where it is the whole file.
    message : str
        One case, as a sentence.
    """

    rule: str
    rows: int | None
    message: str


@dataclass(frozen=True, slots=True)
class LayerDetail:
    """Everything about one layer.

    Attributes
    ----------
    label, format : str
        The layer and its format.
    rows, deleted, looked_at : int
        Rows without the deleted ones; deleted ones; rows that the shares and counts below are about.
    geometry : dict of str to int
        Kind of geometry: rows; ``none`` for rows without.
    heights : str
        How many rows have heights or measures; empty for none.
    encoding, encoding_evidence : str
        How the text was read and why.
    encoding_samples : tuple of str
        Values beyond ASCII, to see whether it is right.
    system, declared, system_problem : str
        The reference system as understood; what the file says itself; why it cannot be used.
    columns, classes, codes, places : tuples
        See their records.
    file_class : str
        What the name of the file says of the class.
    place_basis : str
        What the shares of `places` are about.
    evidence : DatumEvidence or None
        What known places say about the datum.
    evidence_basis : str
        Which places these are.
    kind, kind_reason : str
        ``areas``, ``cells``, ``components``, ``parties``, ``duties``, or empty where a human must decide.
    problems : tuple of Problem
        What would cost rows.
    command : str
        What to type next.
    decisions : tuple of str
        What a human must decide before.
    mapping : str
        What to type for a mapping; empty where no column and no class asks for one.
    """

    label: str
    format: str
    rows: int
    deleted: int
    looked_at: int
    geometry: dict[str, int]
    heights: str
    encoding: str
    encoding_evidence: str
    encoding_samples: tuple[str, ...]
    system: str
    declared: str
    system_problem: str
    columns: tuple[ColumnLine, ...]
    classes: tuple[ClassLine, ...]
    file_class: str
    codes: tuple[CodeLine, ...]
    places: tuple[PlaceLine, ...]
    place_basis: str
    evidence: DatumEvidence | None
    evidence_basis: str
    kind: str
    kind_reason: str
    problems: tuple[Problem, ...]
    command: str
    decisions: tuple[str, ...]
    mapping: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file is, before any import.

    Attributes
    ----------
    path : str
        The file or folder.
    layers : tuple of LayerLine
        What it holds.
    others : tuple of str
        Files in the folder that are no layer.
    detail : LayerDetail or None
        The one layer, or the chosen one; None where there are several and none was chosen, or where it
        was refused.
    refusal, hint, code : str
        Why the file or layer cannot be imported at all, what to do, and the stable name of the reason;
        empty where it can be read.
    command, decisions : str, tuple of str
        Where there are several layers and none was chosen: what to type next, and what a human must
        decide before. Those of one layer are in `detail`.
    """

    path: str
    layers: tuple[LayerLine, ...] = ()
    others: tuple[str, ...] = ()
    detail: LayerDetail | None = None
    refusal: str = ""
    hint: str = ""
    code: str = ""
    command: str = ""
    decisions: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain dictionaries and lists, for JSON; NaN becomes None."""
        found: dict[str, Any] = _plain(asdict(self))
        if self.detail is not None and self.detail.evidence is not None:
            better = self.detail.evidence.better
            found["detail"]["evidence"]["better"] = better.datum if better else None
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
