"""The options of a second survey, and what it found as text, CSV and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from gridcity_cli import options
from gridcity_cli.output import shown, table, write_csv

if TYPE_CHECKING:
    from gridcity.importing import Comparison

__all__ = ["OPTIONS", "as_json", "as_text", "settled", "write_changes"]

OPTIONS = (
    click.option(
        "--resurvey",
        is_flag=True,
        help="A second survey of --area: say what is new, changed, moved, gone; find rows by their place.",
    ),
    click.option(
        "--area", metavar="CODE|FILE", help="What it covered: code of an area or cell, or a file of polygons."
    ),
    click.option(
        "--accept-vanished", is_flag=True, help="End the components in the area that it did not find."
    ),
    click.option(
        "--date",
        "ended_on",
        type=options.Day(),
        metavar="YYYY-MM-DD",
        help="The first day on which these are no longer valid; today if not given.",
    ),
    click.option(
        "--changes",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write what became of each object of a second survey as CSV.",
    ),
)

# The first of each kind are shown; all are in the CSV and in JSON.
_SHOWN = 3
_OWN = ("kind", "file", "row", "code", "edition", "class_code", "class_name", "lng", "lat", "moved_m")
COLUMNS = (*_OWN, "fields", "changes", "candidates")


def settled(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of an import of components as the library takes them.

    Raises
    ------
    click.UsageError
        Some mean nothing without others.
    """
    texts = given.pop("class_texts")
    second = given["resurvey"]
    if second != bool(given["area"]):
        raise click.UsageError(
            "--resurvey and --area belong together: only what lies in the area can vanish."
        )
    for name in ("accept_vanished", "changes"):
        if given[name] and not second:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --resurvey and --area.")
    if given["ended_on"] and not given["accept_vanished"]:
        raise click.UsageError("--date goes with --accept-vanished.")
    if len(texts) > 1 and not second:
        raise click.UsageError("--class is given once: it is the class of all rows.")
    if len(texts) > 1:
        return given | {"classes": texts}
    return given | {"class_text": texts[0] if texts else None}


def as_text(found: Comparison) -> str:
    """Return the figures and the first objects of each kind."""
    counts = found.counts()
    median, most = found.move_m()
    words = {
        "moved": f"of the changed; median {median:.2f} m, at most {most:.2f} m" if counts["moved"] else ""
    }
    words["vanished"] = f"ended on {found.ended_on}" if found.ended_on and counts["vanished"] else ""
    rows = [(kind, n, words.get(kind, "")) for kind, n in counts.items()]
    classes = ", ".join(found.classes) or "no class"
    lines = [shown(f"second survey of {found.area}: {classes}"), table(("objects", "count", ""), rows)]
    for kind, n in counts.items():
        at = [i for i in _first(found, kind) if kind != "unchanged"]
        lines += [shown(f"  {kind}: {_line(found, i, kind)}") for i in at]
        if at and n > len(at):
            lines.append(f"  (and {n - len(at)} more; all: --changes FILE)")
    return "\n".join(line.rstrip() for line in lines)


def as_json(found: Comparison) -> dict[str, Any]:
    """Return everything, object by object."""
    median, most = found.move_m()
    return {
        "area": found.area,
        "classes": list(found.classes),
        "ended_on": found.ended_on,
        **found.counts(),
        "moved_median_m": median,
        "moved_most_m": most,
        "objects": [_object(found, i) for i in range(len(found))],
    }


def write_changes(file: IO[str], found: Comparison) -> None:
    """Write a line for each object."""
    write_csv(file, COLUMNS, (_cells(found, i) for i in range(len(found))))


def _first(found: Comparison, kind: str) -> list[int]:
    where = found.moved_m > 0 if kind == "moved" else found.kind == kind
    return [int(i) for i in where.nonzero()[0][:_SHOWN]]


def _line(found: Comparison, i: int, kind: str) -> str:
    """Return one object as its kind is read."""
    row = f"row {found.row[i]}" if found.row[i] else ""
    if found.file[i]:
        row += f" of {found.file[i]}"
    told = {
        "changed": _changes(found, i) or ("its place" if found.moved_m[i] > 0 else "its shape"),
        "moved": f"{found.moved_m[i]:.2f} m",
        "vanished": f"at {found.lng[i]:.6f} {found.lat[i]:.6f}",
        "ambiguous": f"may be {found.candidates[i]}",
    }
    return "  ".join(filter(None, (found.code[i], found.class_name[i], row, told.get(kind, ""))))


def _changes(found: Comparison, i: int) -> str:
    """Return the fields that differ, without the place, whose distance stands for it."""
    return "; ".join(
        f"{field}: {before or '(empty)'} -> {after or '(empty)'}"
        for field, before, after in found.changes(i)
        if field != "geometry"
    )


def _own(found: Comparison, i: int) -> dict[str, Any]:
    values = {name: getattr(found, name)[i] for name in _OWN}
    numbers = {"row": int(values["row"]) or None, "lng": float(values["lng"]), "lat": float(values["lat"])}
    moved_m = float(values["moved_m"])
    return values | numbers | {"moved_m": None if moved_m != moved_m else moved_m}


def _object(found: Comparison, i: int) -> dict[str, Any]:
    changes = [dict(zip(("field", "before", "after"), change, strict=True)) for change in found.changes(i)]
    return {**_own(found, i), "changes": changes, "candidates": found.candidates[i]}


def _cells(found: Comparison, i: int) -> list[Any]:
    own = ["" if value is None else value for value in _own(found, i).values()]
    fields = ";".join(field for field, _, _ in found.changes(i))
    return [*own, fields, _changes(found, i), found.candidates[i]]
