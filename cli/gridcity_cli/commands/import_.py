"""`gridcity import`: rows in, the balance out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from gridcity.errors import GridcityError, MappingError
from gridcity_cli import options
from gridcity_cli.output import (
    check_target,
    json_text,
    pairs,
    shown,
    summary_of,
    table,
    write_csv,
    write_file,
)

if TYPE_CHECKING:
    from gridcity.city import City
    from gridcity.importing import Import

REJECT_COLUMNS = ("row", "rule", "field", "value", "message", "hint")
FINDING = ("rule", "severity", "row", "field", "value", "message", "hint")

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_TABLE_OPTIONS: tuple[Decorator, ...] = (
    options.city_option,
    click.option(
        "--mapping",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="TOML that says which column is which field, and translates values.",
    ),
    options.encoding_option,
    click.option("--layer", metavar="NAME", help="Layer to read, where the file has several."),
    click.option("--dry-run", is_flag=True, help="Say what would happen and write nothing."),
    click.option(
        "--rejects",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write the rejected rows, with their reasons and all their columns, as CSV.",
    ),
    click.option("--allow-rejects", is_flag=True, help="Exit 0 although rows were rejected."),
    options.format_option("table", "json", default="table"),
)
_PLACED_OPTIONS: tuple[Decorator, ...] = (
    click.option("--key", metavar="COLUMN", help="Column that identifies a row where it has no code."),
    options.crs_option,
    options.datum_option,
    click.option("--x", metavar="COLUMN", help="Column of the longitude or easting of a CSV."),
    click.option("--y", metavar="COLUMN", help="Column of the latitude or northing of a CSV."),
)


@click.group("import")
def import_() -> None:
    """Bring rows into a city: areas first, then cells, components, parties and duties.

    Sources are shapefiles (zipped or not), GeoPackage, GeoJSON and CSV. An import is one transaction;
    read = added + changed + unchanged + rejected, and the same file twice changes nothing.
    """


def _importer(kind: str, examples: str, *more: Decorator, placed: bool = True) -> Decorator:
    """Declare one of the commands: its file, its own options, and those all imports have."""

    def declare(function: Callable[..., Any]) -> options.Command:
        declared = function
        for option in reversed((*more, *_TABLE_OPTIONS, *(_PLACED_OPTIONS if placed else ()))):
            declared = option(declared)
        declared = click.argument("file", type=click.Path(path_type=Path))(declared)
        command = options.command(kind, examples)(declared)
        import_.add_command(command)
        return command

    return declare


@_importer(
    "areas",
    "gridcity import areas streets.zip --level street --city city.gpkg",
    click.option(
        "--level",
        type=click.Choice(("district", "street", "community")),
        help="Level of all rows, where no column says it.",
    ),
)
def import_areas(**given: Any) -> None:
    """Import districts, streets (街道) and communities (社区) with their borders."""
    _run("areas", given)


@_importer(
    "cells",
    "gridcity import cells cells.zip --number --city city.gpkg",
    click.option(
        "--number", is_flag=True, help="Give codes to cells without one, west to east, north to south."
    ),
    options.edition_option,
)
def import_cells(**given: Any) -> None:
    """Import unit cells (单元网格)."""
    _run("cells", given)


@_importer(
    "components",
    """
    gridcity import components lamps.zip --city city.gpkg --rejects lamps-rejected.csv
    gridcity import components trees.csv --class 行道树 --crs EPSG:4548 --x X --y Y --city city.gpkg
    gridcity import components web-map.csv --class 雨水井盖 --datum gcj02 --city city.gpkg
    """,
    click.option("--class", "class_text", metavar="TEXT", help="Class of all rows: a code or a name."),
    options.edition_option,
)
def import_components(**given: Any) -> None:
    """Import components (部件); those without a code are given one."""
    _run("components", given)


@_importer("parties", "gridcity import parties parties.csv --city city.gpkg", placed=False)
def import_parties(**given: Any) -> None:
    """Import the bodies that supervise, own and maintain."""
    _run("parties", given)


@_importer("duties", "gridcity import duties duties.csv --city city.gpkg", placed=False)
def import_duties(**given: Any) -> None:
    """Import who answers for which class at which place."""
    _run("duties", given)


def _run(kind: str, given: dict[str, Any]) -> None:
    """Import one file and say what became of its rows."""
    city_path, source, rejects = given.pop("city_path"), given.pop("file"), given.pop("rejects")
    output_format, allowed = given.pop("output_format"), given.pop("allow_rejects")
    if bool(given.get("x")) != bool(given.get("y")):
        raise click.UsageError("--x and --y belong together.")
    if rejects is not None:
        check_target(rejects, *filter(None, (city_path, source, given["mapping"])))
    with options.open_city(city_path) as city:
        result = _imported(city, kind, source, given)
    with _kept(result):
        # The rejects first: a reader of the balance that goes away does not cost them.
        if rejects is not None:
            write_file(rejects, lambda file: _write_rejects(file, result))
        click.echo(json_text(_as_json(result), indent=2) if output_format == "json" else _as_text(result))
    if rejects is not None and result.rejected:
        click.echo(f"The rejected rows are in {shown(rejects)}.", err=True)
    click.get_current_context().exit(1 if result.receipt.rejected and not allowed else 0)


def _imported(city: City, kind: str, source: Path, given: dict[str, Any]) -> Import:
    """Import, and say of what stops it what this command line knows of it."""
    before = city.store.count("receipts")
    try:
        result: Import = getattr(city, f"import_{kind}")(source, **given)
        return result
    except KeyboardInterrupt:
        # Asked about below, when the exception no longer holds what the import had open.
        pass
    except MappingError as error:
        if f"has no column {given.get('key')!r}" not in error.message:
            raise
        message = error.message.replace(", which the mapping names", "")
        raise MappingError(message, hint="Correct --key.") from error
    # It may have come while the last of the import was brought to the disk.
    kept = city.store.count("receipts") > before
    raise KeyboardInterrupt("the import was kept" if kept else "nothing was written")


@contextlib.contextmanager
def _kept(result: Import) -> Iterator[None]:
    """Say of a failure or an interruption after the import that it does not undo the import."""
    said = f"the import was kept (receipt {result.receipt.id})"
    try:
        yield
    except (OSError, KeyboardInterrupt) as error:
        if result.receipt.dry_run or isinstance(error, BrokenPipeError):
            raise
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(said) from None
        raise GridcityError(
            f"{said.capitalize()}, but {error.filename or 'its balance'} could not be written: "
            f"{error.strerror}.",
            hint="Import the same file again: it changes nothing and answers again.",
        ) from error


def _write_rejects(file: IO[str], result: Import) -> None:
    columns = list(dict.fromkeys(name for reject in result.rejected for name in reject.record))
    taken = [name if name not in REJECT_COLUMNS else f"source_{name}" for name in columns]
    rows = (
        [
            *(getattr(reject, name) for name in REJECT_COLUMNS),
            *(reject.record.get(name, "") for name in columns),
        ]
        for reject in result.rejected
    )
    write_csv(file, [*REJECT_COLUMNS, *taken], rows)


def _unused(result: Import) -> list[str]:
    return [finding.value for finding in result.findings if finding.rule == "column-unused"]


def _summary(result: Import) -> list[tuple[str, str, int, str, str]]:
    counts = {rule: n for rule, n in result.findings.counts().items() if rule != "column-unused"}
    return summary_of((f for f in result.findings if f.rule in counts), counts)


def _as_json(result: Import) -> dict[str, Any]:
    receipt = result.receipt
    balance = {
        name: getattr(receipt, name)
        for name in ("read", "added", "changed", "unchanged", "rejected", "collapsed")
    }
    return {
        "kind": receipt.kind,
        "source": receipt.source,
        "layer": receipt.layer,
        "system": receipt.system,
        "encoding": receipt.encoding,
        "dry_run": receipt.dry_run,
        "receipt": receipt.id,
        **balance,
        "matched": dict(result.matched),
        "unused": _unused(result),
        "counts": result.findings.counts(),
        "findings": [{name: getattr(finding, name) for name in FINDING} for finding in result.findings],
    }


def _as_text(result: Import) -> str:
    receipt = result.receipt
    parts = [
        f"read {receipt.read} = added {receipt.added} + changed {receipt.changed}"
        f" + unchanged {receipt.unchanged} + rejected {receipt.rejected}"
    ]
    if receipt.dry_run:
        parts.append("A dry run: nothing was written.")
    facts = [("reference system", receipt.system), ("datum", receipt.datum), ("encoding", receipt.encoding)]
    parts.append(pairs(facts))
    if result.matched:
        parts.append(
            "columns\n" + pairs((f"  {field}", f"<- {how}") for field, how in result.matched.items())
        )
    if unused := _unused(result):
        parts.append(shown(f"not used: {', '.join(unused)}"))
    if summary := _summary(result):
        parts.append(_findings_text(summary, receipt.kind))
    return "\n".join(part for part in parts if part)


def _findings_text(summary: list[tuple[str, str, int, str, str]], kind: str) -> str:
    """Return the summary of findings as text: a table, and for each rule its first case and the hint."""
    lines = ["findings", table(("rule", "severity", "count"), [row[:3] for row in summary])]
    for rule, _, n, first, hint in summary:
        lines += [shown(f"{rule}: {first}"), shown(f"  {hint}")]
        if n > 1:
            lines.append(f"  (and {n - 1} more; all: gridcity import {kind} … --dry-run --format json)")
    return "\n".join(lines)
