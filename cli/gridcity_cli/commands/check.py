"""`gridcity check`: the rules over the stored city, and the audit of its duties."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridcity.findings import RULES, Finding, Findings
from gridcity_cli import options
from gridcity_cli.commands.report import chosen_format, free_target
from gridcity_cli.output import json_text, shown, table, write_csv, write_file, write_rows

if TYPE_CHECKING:
    from gridcity.auditing import DutyAudit, IncidentCounts

EXAMPLES = """
gridcity check --city city.gpkg
gridcity check --city city.gpkg --format csv > findings.csv
gridcity check duties --city city.gpkg --output duties.html
gridcity check duties --incidents 2025.csv --datum gcj02 --format csv --city city.gpkg > defects.csv
"""

COLUMNS = ("rule", "severity", "row", "field", "value", "message", "hint")
SHOWN_PER_RULE = 20
_SHOWN = {"row": "id", "place": "place", "message": "found", "incidents": "incidents"}
# What a message about one duty and another does not say of the first.
_OF_DUTY = {"row": "id", "place": "place", "class_name": "class", "party_name": "party"} | _SHOWN
# What a file of incidents is read with; a check without one has no use for it.
OF_INCIDENTS = ("crs", "datum", "mapping", "columns", "encoding", "layer", "x", "y")


@options.command("check", EXAMPLES)
@click.argument("what", type=click.Choice(["all", "duties"]), default="all", metavar="[duties]")
@options.city_option
@options.format_option("table", "json", "csv", "html")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write to a file."
)
@options.overwrite_option
@click.option(
    "--incidents", metavar="FILE", callback=options.file_path,
    help="Past incidents: count how many each defect touches.",
)  # fmt: skip
@click.option("--as-of", type=options.Day(), metavar="DATE", help="Audit the duties of this day, YYYY-MM-DD.")
@options.crs_option
@options.datum_option
@click.option("--x", metavar="COLUMN", help="Column of the longitude or easting of the incidents.")
@click.option("--y", metavar="COLUMN", help="Column of the latitude or northing of the incidents.")
@options.mapping_option
@options.map_option
@options.encoding_option
@click.option("--layer", metavar="NAME", help="Layer of the incidents, where the file has several.")
@click.pass_context
def check(
    ctx: click.Context,
    /,
    what: str,
    city_path: str,
    output_format: str | None,
    output: Path | None,
    overwrite: bool,
    incidents: Path | None,
    as_of: str | None,
    **asked: Any,
) -> None:
    """Look for what is wrong in the stored city; exit 1 where there is an error or a warning.

    With `duties`: where nobody answers, two do, or a party that has ended or is outside its territory; with
    --incidents, how many of a file each defect touches. Rows are the internal ids of the objects. The table
    shows the first 20 cases of every rule, and sums up many cells without a party by street and class; CSV
    and JSON show all, HTML a map.
    """
    output_format = chosen_format(output_format, output)
    if what == "all":
        if as_of or incidents or any(asked.values()):
            raise click.UsageError("Options of incidents and days go with gridcity check duties.")
        if output is not None or output_format == "html":
            raise click.UsageError("--output and HTML go with gridcity check duties.")
        with options.open_city(city_path) as city:
            findings = city.check()
        if output_format == "table":
            click.echo(_text(findings))
        else:
            rows = [(f.rule, f.severity, f.row, f.field, f.value, f.message, f.hint) for f in findings]
            write_rows(output_format, COLUMNS, rows)
        ctx.exit(1 if any(RULES[rule].severity != "note" for rule in findings.counts()) else 0)
    if not incidents and any(asked.values()):
        raise click.UsageError("Options about columns and coordinates go with --incidents.")
    if output is not None:
        free_target(output, overwrite, *filter(None, (city_path, incidents, asked["mapping"])))
    with options.open_city(city_path) as city:
        audit = city.check_duties(incidents, as_of=as_of, **(asked if incidents else {}))
        page = audit.to_html(city.store) if output_format == "html" else ""
    _write(audit, output_format, output, page)
    if audit.incidents:
        click.echo(shown(_counted(audit.incidents)), err=True)
    ctx.exit(0 if audit.sound else 1)


def _write(audit: DutyAudit, output_format: str, output: Path | None, page: str) -> None:
    """Write an audit to a file or to stdout."""
    if output_format == "table":
        page = _duties_text(audit) + "\n"
    elif output_format == "json":
        page = json_text(_json(audit), indent=2) + "\n"

    def write(file: Any) -> None:
        if output_format == "csv":
            records = audit.to_records()
            names = list(records[0]) if records else list(_csv_columns())
            rows = ([None if value != value else value for value in one.values()] for one in records)
            write_csv(file, names, rows)
        else:
            file.write(page)

    if output is None:
        write(sys.stdout)
        return
    write_file(output, write)
    click.echo(f"The audit is in {shown(output)}.", err=True)


def _csv_columns() -> tuple[str, ...]:
    from gridcity.auditing.defects import DEFECT_COLUMNS

    return (*DEFECT_COLUMNS, "value", "message", "hint")


def _json(audit: DutyAudit) -> dict[str, object]:
    import dataclasses

    return {
        "as_of": audit.on,
        "totals": dict(audit.totals),
        "incidents": dataclasses.asdict(audit.incidents) if audit.incidents else None,
        "defects": [
            {name: None if value != value else value for name, value in one.items()}
            for one in audit.to_records()
        ],
    }


def _duties_text(audit: DutyAudit) -> str:
    """Return the counts by rule, then the first cases of each, those that touch most incidents first."""
    rules = audit.rules()
    if not rules:
        return "No findings."
    # The number of incidents is the last column, where there is a file of them.
    last = None if audit.incidents is not None else -1
    summary = [(rule, RULES[rule].severity, *numbers)[:last] for rule, *numbers in rules]
    parts = [table(("rule", "severity", "count", "incidents")[:last], summary)]
    counts = {rule: number for rule, number, _ in rules}
    for rule, found in audit.by_rule(SHOWN_PER_RULE).items():
        columns = _OF_DUTY if rule.startswith("duty-") else _SHOWN
        head: tuple[str, ...] = tuple(columns.values())
        rows: list[tuple[Any, ...]] = [tuple(one[name] for name in columns) for one in found]
        title, number = rule, counts[rule]
        if rule == "cell-no-party" and number > SHOWN_PER_RULE:
            head, rows = ("street", "class", "cells", "components", "incidents"), _by_street(audit)
            title, number, rows = f"{rule}, by street and class", len(rows), rows[:SHOWN_PER_RULE]
        cut = f", the first {len(rows)} of {number}" if len(rows) < number else ""
        text = table(head[:last], [row[:last] for row in rows])
        parts.append(f"{title}{cut}\n{text}\n{shown(found[0]['hint'])}")
    return "\n\n".join(parts)


def _by_street(audit: DutyAudit) -> list[tuple[Any, ...]]:
    """Return by street and class the cells in which nobody answers, their components and incidents.

    One duty that is missing leaves open all cells of its place, which nobody wants to read one by one.
    """
    names = ("rule", "street_code", "street_name", "class_name", "class_code", "components", "incidents")
    sums: dict[tuple[str, str], tuple[int, int, int]] = {}
    for rule, code, name, klass, class_code, *n in zip(
        *(audit.defects[column].tolist() for column in names), strict=True
    ):
        if rule == "cell-no-party":
            key = f"{code} {name}".strip(), klass or class_code
            cells, components, incidents = sums.get(key, (0, 0, 0))
            sums[key] = cells + 1, components + n[0], incidents + n[1]
    listed = sorted(sums.items(), key=lambda item: (-item[1][2], -item[1][0], item[0]))
    return [(*key, *numbers) for key, numbers in listed]


def _counted(counts: IncidentCounts) -> str:
    """Return how the incidents would fare, in one line."""
    said = (
        f"{counts.rows} incidents of {counts.name}: {counts.without_place} without a place, "
        f"{counts.without_class} without a known class, {counts.judged} judged. Of these "
        f"{counts.outside} in no cell, "
        f"{counts.nobody} to nobody, {counts.by_order} claimed by two, {counts.ended} by what has ended, "
        f"{counts.outside_territory} outside a territory"
    )
    if counts.told:
        said += f"; {counts.misrouted} of {counts.told} not to the party that handled them"
    return said


def _text(findings: Findings) -> str:
    """Return the counts by rule, then the first cases of each."""
    counts = findings.counts()
    if not counts:
        return "No findings."
    cases: dict[str, list[Finding]] = {rule: [] for rule in counts}
    for finding in findings:
        if len(cases[finding.rule]) < SHOWN_PER_RULE:
            cases[finding.rule].append(finding)
    parts = [table(("rule", "severity", "count"), [(r, RULES[r].severity, n) for r, n in counts.items()])]
    for rule, found in cases.items():
        more = f", the first {len(found)} of {counts[rule]}" if len(found) < counts[rule] else ""
        rows = [(f.row, f.field, f.message) for f in found]
        parts.append(f"{rule}{more}\n{table(('row', 'field', 'found'), rows)}\n{shown(found[0].hint)}")
    return "\n\n".join(parts)
