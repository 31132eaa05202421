"""The command to type next, and what a human must decide before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gridcity.crs import DATUMS, ReferenceSystem
from gridcity.inspecting.contents import KINDS
from gridcity.inspecting.model import ClassLine, CodeLine, ColumnLine
from gridcity.inspecting.places import Whereabouts
from gridcity.inspecting.words import line_of, path_word
from gridcity.intake import Draft

__all__ = ["Advice", "Asked", "Columns", "advice", "advice_on_layers"]

# Ours: under one system nearly all points lie in the city, under every other hardly half.
_CLEAR, _UNCLEAR = 0.95, 0.5
_SHOWN = 4
_NONE = np.array([], dtype=object)
_PLACED = ("area", "cell", "component")
_NO_CITY = "CITY.gpkg: the city; name it with --city and inspect again to see what lies in it."


@dataclass(frozen=True, slots=True)
class Asked:
    """How the file was asked about; what was given is given again at the import."""

    path: Path
    city: Path | None
    layer: str | None
    encoding: str | None
    crs: str | int | None
    datum: str | None

    def typed(self, *first: str) -> list[str]:
        """Return the words of a command about this file, up to the options that say how it is opened."""
        words = ["gridcity", *first, path_word(self.path)]
        for option, value in (("--layer", self.layer), ("--encoding", self.encoding)):
            if value is not None:
                words += [option, value]
        return words

    def in_city(self) -> list[str]:
        """Return the words that name the city."""
        return ["--city", path_word(self.city) if self.city else "CITY.gpkg"]

    def mapping(self, kind: str) -> str:
        """Return what to type to get a mapping."""
        words = self.typed("mapping", "suggest")
        words += ["--kind", KINDS[kind], *(self.in_city() if self.city else ())]
        return f"{line_of(words)} > mapping.toml"


@dataclass(frozen=True, slots=True)
class Columns:
    """What some columns are good for.

    Attributes
    ----------
    keys : sequence of str
        Could name a row.
    decimals : sequence of str
        Could be coordinates of a table that shows none; empty where it has a geometry.
    near : sequence of ColumnLine
        Without a field, but with a name like that of one.
    """

    keys: Sequence[str] = ()
    decimals: Sequence[str] = ()
    near: Sequence[ColumnLine] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """What to type next, what to decide before, and what to type for a mapping; empty for none."""

    command: str
    decisions: tuple[str, ...]
    mapping: str = ""


def advice(
    asked: Asked,
    kind: str,
    draft: Draft | None,
    system: ReferenceSystem | None,
    assumed: bool,
    found: Whereabouts,
    codes: Sequence[CodeLine],
    classes: Sequence[ClassLine],
    file_class: tuple[str, str],
    level: tuple[str, str],
    columns: Columns,
    without: str,
) -> Advice:
    """Return the import command, with a placeholder in capitals for each open decision, and these decisions.

    Parameters
    ----------
    asked : Asked
        The call.
    kind : str
        A key of `KINDS`; empty where it is open.
    draft : Draft or None
        The rows as that kind.
    system : ReferenceSystem or None
        As declared.
    assumed : bool
        Nothing declares it but the rule of the format.
    found : Whereabouts
        Where the rows lie.
    codes, classes : sequences
        What the columns hold.
    file_class : (str, str)
        The class that the file's name names, and why it is this one or none.
    level : (str, str)
        The level of areas that codes or names show, and how they do.
    columns : Columns
        What some columns are good for.
    without : str
        Why a table shows no coordinates; empty where it has a geometry.
    """
    words = asked.typed("import", KINDS.get(kind, "KIND"))
    decisions: list[str] = []
    if found.nowhere:
        decisions.append(
            "Whether this is the right file for this city: no row lies in it, whatever they are."
        )
    if not kind:
        possible = [KINDS[one] for one in (_PLACED if found.lines else KINDS)]
        decisions.append(f"KIND: which rows these are; one of {', '.join(possible)}.")
    if without and kind not in ("party", "duty"):
        _add_coordinates(columns.decimals, words, decisions)
    if kind != "party" and (not without or (kind != "duty" and columns.decimals)):
        _add_system(asked, system, assumed, found, words, decisions)
    if kind == "component":
        _add_class(draft, codes, classes, file_class, words, decisions)
        _add_key(draft, columns.keys, decisions)
    if kind == "area":
        _add_level(draft, codes, level, words, decisions)
    if kind == "cell" and (draft is None or "code" not in draft.matched):
        decisions.append("Whether the cells are to be given codes: then add --number.")
    if kind and columns.near:
        near = ", ".join(f"{line.name} like {line.nearest[0].split()[0]}" for line in columns.near[:_SHOWN])
        decisions.append(f"Whether columns fill fields under other names ({near}); that stands in a mapping.")
    words += asked.in_city()
    if asked.city is None:
        decisions.append(_NO_CITY)
    mapping = asked.mapping(kind) if kind and any("mapping" in decision for decision in decisions) else ""
    return Advice(line_of(words), tuple(decisions), mapping)


def advice_on_layers(
    asked: Asked, labels: Sequence[str], classes: int, broken: int, same: Sequence[tuple[str, str]]
) -> tuple[str, tuple[str, ...]]:
    """Return what to type about a file or folder of several layers, and what a human must decide before.

    Parameters
    ----------
    asked : Asked
        The call.
    labels : sequence of str
        The layers.
    classes : int
        How many of them have the name of a component class.
    broken : int
        How many of them cannot be read.
    same : sequence of (str, str)
        Labels of layers that are the same file.
    """
    words = asked.typed("inspect") + ["--layer", "NAME"] + (asked.in_city() if asked.city else [])
    decisions = ["NAME: which of the layers to look at; each is imported as the kind of rows that it is."]
    # Of a workbook one sheet is taken at a time.
    if classes and (asked.path.is_dir() or asked.path.suffix.lower() in (".zip", ".gpkg")):
        every = ["gridcity", "import", "components", path_word(asked.path), *asked.in_city()]
        decisions.append(
            f"Whether all of it are components, as {classes} of {len(labels)} names tell a class; one import "
            f"takes them all: {line_of(every)}"
        )
    if broken:
        decisions.append(
            f"What becomes of the {broken} that cannot be read: an import of all is refused with them."
        )
    for one, other in same[:_SHOWN]:
        decisions.append(
            f"Which of {one} and {other} to remove: they are the same file, and an import of all is refused."
        )
    if len(same) > _SHOWN:
        decisions.append(f"The same of {len(same) - _SHOWN} more pairs of files.")
    return line_of(words), tuple(decisions)


def _add_coordinates(decimals: Sequence[str], words: list[str], decisions: list[str]) -> None:
    """Ask for the columns of the coordinates where some hold decimal numbers, else whether there are any."""
    if not decimals:
        decisions.append("Whether the rows have places at all: no column has a known name for coordinates.")
        return
    words += ["--x", "X", "--y", "Y"]
    held = ", ".join(decimals[:_SHOWN])
    decisions.append(f"X, Y: the columns of longitude and latitude; decimal numbers stand in {held}.")


def _add_system(
    asked: Asked,
    system: ReferenceSystem | None,
    assumed: bool,
    found: Whereabouts,
    words: list[str],
    decisions: list[str],
) -> None:
    """Add the options for the coordinates; a datum is never chosen here."""
    better = found.evidence.better if found.evidence else None
    if asked.crs is not None:
        words += ["--crs", str(asked.crs)]
    if found.evidence is not None and better is not None:
        option = f" (--datum {better.datum})" if better.datum in DATUMS else ""
        decisions.append(
            f"DATUM: the points fit {better.name}{option} clearly better than "
            f"{'what is declared' if system else found.evidence.declared.name}; "
            "ask where the coordinates come from."
        )
        words += ["--datum", "DATUM"]
    elif asked.datum is not None:
        words += ["--datum", asked.datum]
    elif system is None:
        _add_undeclared(found, words, decisions)
    elif assumed and any(line.option.startswith("--datum") for line in found.lines):
        decisions.append(
            f"Whether the coordinates are {system.name}: the file does not say so; web maps and phones in "
            "China give GCJ-02 (then add --datum gcj02)."
        )


def _add_undeclared(found: Whereabouts, words: list[str], decisions: list[str]) -> None:
    """Add the one system that the numbers and the city leave, or a placeholder."""
    lines = found.lines
    degrees = any(line.option.startswith("--datum") for line in lines)
    shares = [line.share or 0.0 for line in lines]
    clear = bool(shares) and shares[0] >= _CLEAR and all(share < _UNCLEAR for share in shares[1:])
    if lines and lines[0].swapped:
        words += ["--crs", "CODE"]
        decisions.append(
            f"CODE: the numbers look like {lines[0].name}, the wrong way round; of a table name the columns "
            "with --x and --y, any other file must be delivered again."
        )
    elif degrees:
        words += ["--datum", "DATUM"]
        decisions.append(f"DATUM: nothing usable is declared; one of {', '.join(DATUMS)}. Ask the surveyor.")
    elif clear or len(lines) == 1:
        words += lines[0].option.split(" ", 1)
        alike = (
            ": the numbers of Xian 1980 and Beijing 1954 look the same" if "CGCS2000" in lines[0].name else ""
        )
        decisions.append(f"Whether {lines[0].name} is right; nothing usable is declared{alike}.")
    else:
        words += ["--crs", "CODE"]
        decisions.append("CODE: the reference system of the coordinates; nothing usable is declared.")


def _add_class(
    draft: Draft | None,
    codes: Sequence[CodeLine],
    classes: Sequence[ClassLine],
    file_class: tuple[str, str],
    words: list[str],
    decisions: list[str],
) -> None:
    """Say where the class of the rows comes from."""
    matched = draft.matched if draft else {}
    stated = {matched[field].column for field in ("class_code", "class_name", "name") if field in matched}
    own = matched["code"].column if "code" in matched else None
    if any(line.column == own and line.kind == "component" and line.valid == line.rows for line in codes):
        return
    known = [line for line in classes if line.column in stated and line.found]
    unknown = [line for line in classes if line.column in stated and not line.found]
    other = next((line for line in classes if line.column not in stated and line.found), None)
    if unknown:
        texts = ", ".join(line.text for line in unknown[:3])
        decisions.append(f"What class {texts} is; translate it in a mapping.")
    if known:
        return
    if other is not None:
        mapped = line_of(["--map", f"class_name={other.column}"])
        decisions.append(f"Whether {other.column} is the class of the rows; then add {mapped}.")
    elif file_class[0]:
        words += ["--class", file_class[0]]
        decisions.append(f"Whether all rows are {file_class[0]}: {file_class[1]}.")
    elif not unknown:
        words += ["--class", "CLASS"]
        decisions.append(f"CLASS: no column and no code names a class ({file_class[1]}).")


def _add_key(draft: Draft | None, keys: Sequence[str], decisions: list[str]) -> None:
    if draft is None or "code" in draft.matched or not keys:
        return
    possible = " or ".join(line_of(["--key", key]) for key in keys[:_SHOWN])
    decisions.append(f"Whether a column names each row in later deliveries too: then add {possible}.")


def _add_level(
    draft: Draft | None,
    codes: Sequence[CodeLine],
    level: tuple[str, str],
    words: list[str],
    decisions: list[str],
) -> None:
    """Say where the level of areas comes from: a column, a code, or a human."""
    matched = draft.matched if draft else {}
    coded = [line.column for line in codes if line.kind == "area" and line.valid]
    # A row without a code has no level from it.
    filled = draft is not None and bool((draft.columns.get("code", _NONE) != "").all())
    if "level" in matched or (filled and "code" in matched and matched["code"].column in coded):
        return
    words += ["--level", level[0] or "LEVEL"]
    if level[0]:
        decisions.append(f"Whether all rows are of the level {level[0]}: {level[1]}.")
    else:
        decisions.append("LEVEL: district, street or community; no column and no code says it.")
    if "code" not in matched and coded:
        mapped = line_of(["--map", f"code={coded[0]}"])
        decisions.append(f"Whether {coded[0]} is the code of the area; then add {mapped}.")
