"""`gridcity inspect`: what a file is, before it is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridcity_cli import options
from gridcity_cli.output import json_text, pairs, shown, table, width

if TYPE_CHECKING:
    from gridcity.crs.evidence import DatumEvidence
    from gridcity.inspecting import ColumnLine, Inspection, LayerDetail

EXAMPLES = """
gridcity inspect lamps.shp --city city.gpkg
gridcity inspect survey.zip --layer 井盖 --datum gcj02
"""

_REFUSED = 3
_MOST_LINES = 20
# Widths on the screen.
_LONGEST, _SAMPLE = 40, 20
# Readings that are shown beside the declared one: the best, and who it is clearly better than.
_READINGS = 3
_ALL = "all: --format json"


@options.command("inspect", EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@options.optional_city_option
@click.option("--layer", metavar="NAME", help="Layer to look at, where there are several.")
@options.encoding_option
@options.crs_option
@options.datum_option
@options.format_option("table", "json", default="table")
def inspect(file: Path, city_path: str | None, output_format: str, **given: Any) -> None:
    """Say what a file is: text, places, columns, classes, and the command that imports it.

    Nothing is written and nothing is decided. Without a city, what lies where is left out.
    """
    if city_path is None:
        from gridcity.inspecting import inspect as look

        found = look(file, **given)
    else:
        with options.open_city(city_path) as city:
            found = city.inspect(file, **given)
    click.echo(json_text(found.as_dict(), indent=2) if output_format == "json" else _text(found, city_path))
    if found.refusal:
        click.echo(f"Error: {shown(found.refusal)}", err=True)
        if found.hint:
            click.echo(f"Hint: {shown(found.hint)}", err=True)
        click.get_current_context().exit(_REFUSED)


def _text(found: Inspection, city_path: str | None) -> str:
    parts = []
    # Who has named a layer has seen the list.
    if len(found.layers) > 1 and found.detail is None:
        parts.append(_layers(found))
    if found.others and found.detail is None:
        parts.append(f"no layers: {_listed(found.others)}")
    if found.detail is not None:
        parts += _detail(found.detail, city_path)
    elif found.refusal:
        parts.append(f"{shown(found.path)} cannot be imported as it is.")
    else:
        parts.append(_next("to see more of one", found.command, found.decisions))
    return "\n\n".join(part for part in parts if part)


def _layers(found: Inspection) -> str:
    head = ("layer", "rows", "geometry", "class by its name")
    rows = [
        (
            line.label,
            "" if line.rows is None else f"{line.rows:,}",
            "cannot be read" if line.problem else line.geometry,
            line.file_class,
        )
        for line in found.layers
    ]
    columns = 4 if any(line.file_class for line in found.layers) else 3
    problems = [
        shown(line.problem if line.problem.startswith(line.label) else f"{line.label}: {line.problem}")
        for line in found.layers
        if line.problem
    ]
    listed = table(head[:columns], [row[:columns] for row in rows])
    return "\n".join([f"layers: {len(rows)}", listed, *problems])


def _detail(detail: LayerDetail, city_path: str | None) -> list[str]:
    looked = "" if detail.looked_at == detail.rows else f", of which {detail.looked_at:,} were looked at"
    deleted = f", {detail.deleted:,} deleted" if detail.deleted else ""
    kinds = ", ".join(f"{name} {n:,}" for name, n in detail.geometry.items())
    facts = [
        ("layer", detail.label),
        ("format", detail.format),
        ("rows", f"{detail.rows:,}{deleted}{looked}"),
        ("geometry", kinds),
        ("heights", f"{detail.heights} rows have some; they are not kept" if detail.heights else ""),
        ("encoding", f"{detail.encoding}: {detail.encoding_evidence}"),
        ("such as", ", ".join(_cut(text) for text in detail.encoding_samples)),
        ("reference system", detail.system or _first_sentence(detail.system_problem)),
        ("declared", _cut(" ".join(detail.declared.split())) if detail.declared else "nothing"),
        ("looks like", f"{detail.kind or 'undecided'}: {detail.kind_reason}"),
    ]
    return [
        pairs(facts),
        _columns(detail),
        _classes(detail),
        _codes(detail),
        _places(detail, city_path),
        _evidence(detail),
        _problems(detail),
        _next("to import", detail.command, detail.decisions),
        f"to write a mapping before, for use with --mapping\n  {shown(detail.mapping)}"
        if detail.mapping
        else "",
    ]


def _columns(detail: LayerDetail) -> str:
    # Fields first in importance, then what is like one, then what is filled; all in the order of the file.
    ranked = sorted(detail.columns, key=lambda line: (not line.field, not line.nearest, not line.filled))
    matched = sum(bool(line.field) for line in detail.columns)
    kept = {line.name for line in ranked[: matched + _MOST_LINES]}
    rows = [
        (
            _cut(line.name),
            f"{line.field} ({line.how})" if line.field else f"-{_near(line.nearest)}",
            f"{line.filled:.0%}",
            ", ".join(_cut(text, _SAMPLE) for text in line.samples),
        )
        for line in detail.columns
        if line.name in kept
    ]
    text = table(("column", "field", "filled", "such as"), rows)
    left = [line for line in detail.columns if line.name not in kept]
    return text + (f"\n(and {_left_out(left)}; {_ALL})" if left else "")


def _left_out(left: list[ColumnLine]) -> str:
    empty = sum(not line.filled for line in left)
    return f"{len(left):,} more columns without a field{f', {empty:,} of them empty' if empty else ''}"


def _classes(detail: LayerDetail) -> str:
    lines = sorted(detail.classes, key=lambda line: (bool(line.found), -line.rows))
    rows = [
        (
            line.column,
            _cut(line.text),
            line.rows,
            "; ".join(line.found) or f"unknown; nearest: {', '.join(line.nearest) or 'none'}",
        )
        for line in lines[:_MOST_LINES]
    ]
    parts = [table(("column", "class", "rows", "is"), rows)] if rows else []
    if len(lines) > _MOST_LINES:
        parts.append(f"(and {len(lines) - _MOST_LINES} more; {_ALL})")
    if not detail.classes:
        parts.append(f"class by the file's name: {shown(detail.file_class)}")
    return "\n".join(parts)


def _codes(detail: LayerDetail) -> str:
    rows = [
        (line.column, f"{line.kind}, {line.digits} digits", " or ".join(line.editions), line.rows, line.valid)
        for line in detail.codes
    ]
    return table(("column", "codes", "edition", "rows", "valid"), rows) if rows else ""


def _places(detail: LayerDetail, city_path: str | None) -> str:
    if not detail.places:
        return ""
    rows = [
        (
            line.option or "as declared",
            line.name,
            "" if line.share is None else f"{line.share:.1%}",
        )
        for line in detail.places
    ]
    if detail.place_basis:
        return f"points {detail.place_basis}, by what they may be\n" + table(("option", "is", "share"), rows)
    why = "the city has no areas and cells" if city_path else "no city is named (--city)"
    return f"what the coordinates may be; {why}, so that nothing says where they lie\n" + table(
        ("option", "is"), [row[:2] for row in rows]
    )


def _evidence(detail: LayerDetail) -> str:
    evidence = detail.evidence
    if evidence is None:
        return ""
    lines = [f"datum: {evidence.points:,} points held against {detail.evidence_basis}"]
    shares = {f"{reading.share:.1%}" for reading in (evidence.declared, *evidence.others)}
    if shares == {"0.0%"}:
        away = min(reading.distance_m for reading in (evidence.declared, *evidence.others))
        return f"{lines[0]}: under no reading is one in its place; they are off by {_far(away)} (median)."
    if len(shares) == 1:
        return f"{lines[0]}: {shares.pop()} are in place, however they are read; that tells nothing."
    declared, best = evidence.declared, evidence.others[0]
    how = "as declared" if detail.system else f"as {declared.name}"
    if declared.share >= best.share:
        beside = f"the next is {best.name} with {best.share:.1%}"
        return f"{lines[0]}: read {how} {declared.share:.1%} are in place, more than otherwise; {beside}."
    lines.append(_readings(evidence, "as declared" if detail.system else "nothing is declared"))
    if evidence.direction:
        lines.append(
            f"Read {how} the points lie a median {evidence.offset_m:,.0f} m to the {evidence.direction} "
            "of the middle of their places."
        )
    if evidence.better is not None:
        lines.append(f"SUSPICIOUS: read as {evidence.better.name} the points fit clearly better than {how}.")
    return "\n".join(lines)


def _readings(evidence: DatumEvidence, declared: str) -> str:
    best = sorted(evidence.others, key=lambda reading: -reading.share)[:_READINGS]
    readings = sorted((evidence.declared, *best), key=lambda reading: -reading.share)
    rows = [
        (
            reading.name + (f", {declared}" if reading is evidence.declared else ""),
            f"{reading.share:.1%}",
            _far(reading.distance_m) if reading.share < 1 else "",
        )
        for reading in readings
    ]
    return table(("read as", "in place", "the others off by (median)"), rows)


def _far(distance_m: float) -> str:
    return f"{distance_m:,.0f} m" if distance_m < 10_000 else f"{distance_m / 1000:,.0f} km"


def _problems(detail: LayerDetail) -> str:
    if not detail.problems:
        return (
            "Nothing was found that would reject rows; only --dry-run knows all."
            if detail.rows
            else "It has no rows."
        )
    rows = [
        ("the file" if one.rows is None else f"{one.rows:,}", one.rule, one.message)
        for one in detail.problems
    ]
    return "problems that would reject rows\n" + table(("rows", "rule", "first case"), rows)


def _next(what: str, command: str, decisions: tuple[str, ...]) -> str:
    lines = [what, f"  {shown(command)}"]
    if decisions:
        lines.append("to decide before")
        lines += [f"  - {shown(decision)}" for decision in decisions]
    return "\n".join(lines)


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_LINES} more" if len(names) > _MOST_LINES else ""
    return shown(", ".join(names[:_MOST_LINES]) + more)


def _near(nearest: tuple[str, ...]) -> str:
    return f", perhaps {nearest[0]}" if nearest else ""


def _first_sentence(text: str) -> str:
    return text.split(". ", 1)[0]


def _cut(text: str, most: int = _LONGEST) -> str:
    """Return as much of a text as fits into so many columns of the screen."""
    if width(text) <= most:
        return text
    kept = text[:most]
    while width(kept) >= most:
        kept = kept[:-1]
    return f"{kept}…"
