"""`gridcity import`: rows in, the balance out."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from gridcity.errors import GridcityError, MappingError
from gridcity_cli import balance, options, progress, resurvey
from gridcity_cli.output import check_target, json_text, shown, table, write_csv, write_file

if TYPE_CHECKING:
    from gridcity.city import City
    from gridcity.importing import Delivered, Import
    from gridcity.importing.outcome import Replaced

REJECT_COLUMNS = ("row", "rule", "field", "value", "message", "hint")
FINDING = ("rule", "severity", "row", "field", "value", "message", "hint")

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


_TABLE_OPTIONS: tuple[Decorator, ...] = (
    options.city_option,
    options.mapping_option,
    options.map_option,
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


_REPAIR = click.option("--repair", is_flag=True, help="Mend lines and polygons that cross themselves.")


@click.group("import")
def import_() -> None:
    """Bring rows into a city: areas first, then cells, components, parties and duties.

    Sources are shapefiles (zipped or not), GeoPackage, GeoJSON and tables; of components also whole
    folders. An import is one transaction; read = added + changed + unchanged + rejected, and the same
    file twice changes nothing.
    """


def _importer(kind: str, examples: str, *more: Decorator, placed: bool = True) -> Decorator:
    """Declare one of the commands: its file, its own options, and those all imports have."""

    def declare(function: Callable[..., Any]) -> options.Command:
        declared = function
        for option in reversed((*more, *_TABLE_OPTIONS, *(_PLACED_OPTIONS if placed else ()))):
            declared = option(declared)
        declared = click.argument("file", callback=options.file_path)(declared)
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
    """
    gridcity import cells cells.zip --number --city city.gpkg
    gridcity import cells parts.geojson --replaces 110101005001001 --number --city city.gpkg
    """,
    click.option(
        "--number", is_flag=True, help="Give codes to cells without one, west to east, north to south."
    ),
    _REPAIR,
    click.option("--allow-overlaps", is_flag=True, help="Take cells that overlap others, with a warning."),
    click.option(
        "--replaces",
        multiple=True,
        metavar="CODE",
        help="Current cell whose place the cells of FILE take; may be given several times.",
    ),
    click.option(
        "--on",
        type=options.Day(),
        metavar="YYYY-MM-DD",
        help="The day on which they take it; today if not given.",
    ),
    options.edition_option,
)
def import_cells(**given: Any) -> None:
    """Import unit cells (单元网格).

    With --replaces a cell is divided, or several become one: the former cells end on the day on which the
    new ones begin, stay known, and their codes are never given again.
    """
    if given["on"] and not given["replaces"]:
        raise click.UsageError("--on goes with --replaces.")
    _run("cells", given)


@_importer(
    "components",
    """
    gridcity import components lamps.zip --city city.gpkg --rejects lamps-rejected.csv
    gridcity import components trees.csv --class 行道树 --crs EPSG:4548 --x X --y Y --city city.gpkg
    gridcity import components web-map.csv --class 雨水井盖 --datum gcj02 --city city.gpkg
    gridcity import components delivery/ --dry-run --city city.gpkg
    gridcity import components lamps-2026.zip --resurvey --area 110101005 --dry-run --city city.gpkg
    """,
    click.option(
        "--class",
        "class_texts",
        multiple=True,
        metavar="TEXT",
        help="Class of all rows: a code or a name; with --resurvey a class looked for, one or several times.",
    ),
    click.option(
        "--pad-codes", is_flag=True, help="Give codes the leading zero that a spreadsheet took from them."
    ),
    click.option(
        "--require-parties", is_flag=True, help="Reject rows that name a body by a code no party has."
    ),
    _REPAIR,
    click.option("--yes", is_flag=True, help="Take the classes that file names tell without asking."),
    *resurvey.OPTIONS,
    options.edition_option,
)
def import_components(**given: Any) -> None:
    """Import components (部件); those without a code are given one.

    FILE may be a folder, or a zip or GeoPackage with several layers: all are taken in one transaction. The
    class of a layer whose columns say none is told by its name (路灯_点.shp, 0101_上水井盖.shp); the list is
    shown and asked about first, unless --yes is given.

    With --resurvey the file is a second survey of an area: rows are found again by code, key, place, or class
    and distance, and components in the area that no row is are named; --accept-vanished ends them.
    """
    given = resurvey.settled(given)
    dry_run, yes = given["dry_run"], given.pop("yes")
    given["approve"] = lambda files, left: _approve(files, left, ask=not (dry_run or yes))
    _run("components", given)


@_importer("parties", "gridcity import parties parties.csv --city city.gpkg", placed=False)
def import_parties(**given: Any) -> None:
    """Import the bodies that supervise, own and maintain."""
    _run("parties", given)


@_importer(
    "duties",
    """
    gridcity import duties duties.csv --city city.gpkg
    gridcity import duties parks.gpkg --key 编号 --city city.gpkg
    """,
    click.option("--key", metavar="COLUMN", help="Column that identifies a polygon where it has no code."),
    options.crs_option,
    options.datum_option,
    _REPAIR,
    placed=False,
)
def import_duties(**given: Any) -> None:
    """Import who answers for which class at which place.

    FILE is a table, or a layer whose rows have polygons of their own: a park, a road, a market.
    """
    _run("duties", given)


def _approve(files: Sequence[Delivered], left: Sequence[str], *, ask: bool) -> None:
    """Show the layers of a delivery, and ask about the classes that their names tell."""
    rows = [(shown(f.label), f.rows, f.class_text or "-", f.reason) for f in files]
    click.echo(table(("file", "rows", "class", "why"), rows), err=True)
    for name in left:
        click.echo(f"{shown(name)}: of no known format, left out", err=True)
    if not ask or not any(file.class_text for file in files):
        return
    if not sys.stdin.isatty():
        raise GridcityError(
            "Classes are told by file names, and nobody is there to be asked.",
            hint="Look at the list, then give --yes.",
        )
    click.confirm("Take these classes?", abort=True, err=True)


def _run(kind: str, given: dict[str, Any]) -> None:
    """Import one file and say what became of its rows."""
    city_path, source, rejects = given.pop("city_path"), given.pop("file"), given.pop("rejects")
    output_format, allowed = given.pop("output_format"), given.pop("allow_rejects")
    changes = given.pop("changes", None)
    if bool(given.get("x")) != bool(given.get("y")):
        raise click.UsageError("--x and --y belong together.")
    area = Path(given["area"]) if given.get("area") else None
    for target, other in ((rejects, None), (changes, rejects)):
        if target is not None:
            check_target(target, *filter(None, (Path(city_path), source, given["mapping"], area, other)))
    with options.open_city(city_path) as city, progress.shown() as told:
        watched = {"progress": told} if kind == "components" else {}
        result = _imported(city, kind, source, given | watched)
    with _kept(result):
        # The rejects first: a reader of the balance that goes away does not cost them.
        if rejects is not None:
            write_file(rejects, lambda file: _write_rejects(file, result))
        if changes is not None and (compared := result.comparison) is not None:
            write_file(changes, lambda file: resurvey.write_changes(file, compared))
        if output_format == "json":
            click.echo(json_text((_delivery_json if result.files else _as_json)(result), indent=2))
        else:
            click.echo(balance.as_text(result))
            if result.replaced is not None:
                click.echo(_replaced_text(result.replaced))
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
    # Of a delivery the first column says which file the row is of.
    own = [*(["file"] if result.files else []), *REJECT_COLUMNS]
    taken = [name if name not in own else f"source_{name}" for name in columns]
    rows = (
        [
            *([one.label] if result.files else []),
            *(getattr(reject, name) for name in REJECT_COLUMNS),
            *(reject.record.get(name, "") for name in columns),
        ]
        for one in result.files or (result,)
        for reject in one.rejected
    )
    write_csv(file, [*own, *taken], rows)


def _as_json(result: Import) -> dict[str, Any]:
    receipt = result.receipt
    counts = {name: getattr(receipt, name) for name in balance.COUNTS}
    return {
        "kind": receipt.kind,
        "source": receipt.source,
        "layer": receipt.layer,
        "system": receipt.system,
        "encoding": receipt.encoding,
        "dry_run": receipt.dry_run,
        "receipt": receipt.id,
        **counts,
        **_compared(result),
        **_replaced_json(result),
        "matched": dict(result.matched),
        "unused": balance.unused(result),
        "counts": result.findings.counts(),
        "findings": [{name: getattr(finding, name) for name in FINDING} for finding in result.findings],
    }


def _compared(result: Import) -> dict[str, Any]:
    return {} if result.comparison is None else {"comparison": resurvey.as_json(result.comparison)}


def _replaced_text(replaced: Replaced) -> str:
    """Return which cells took the place of which, a former one a line."""
    lines = [f"replaced on {replaced.on}"]
    for former, heirs in replaced.successors.items():
        lines.append(shown(f"  {former} by {', '.join(heirs) or 'no cell of the file'}"))
    return "\n".join(lines)


def _replaced_json(result: Import) -> dict[str, Any]:
    if result.replaced is None:
        return {}
    return {"replaced": {"on": result.replaced.on, "cells": dict(result.replaced.successors)}}


def _delivery_json(result: Import) -> dict[str, Any]:
    whole = {name: getattr(result.receipt, name) for name in balance.COUNTS}
    # What a second survey found is told once, of all files together.
    files = [{"file": one.label, **_as_json(replace(one, comparison=None))} for one in result.files]
    receipt = result.receipt
    return {
        "kind": receipt.kind,
        "source": receipt.source,
        "dry_run": receipt.dry_run,
        **whole,
        **_compared(result),
        "files": files,
    }
