"""`gridcity repeats`: which reports of a file are about a case that was reported before."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from gridcity_cli import options
from gridcity_cli.output import json_text, records, shown, summary_of, table, write_csv

if TYPE_CHECKING:
    from gridcity.city.repeated import RepeatedReports
    from gridcity.intake.incidents import Incidents

EXAMPLES = """
gridcity repeats today.csv --earlier open.csv --datum gcj02 --city city.gpkg
gridcity repeats 311.xlsx --crs EPSG:4548 --map time=受理时间 --format csv > answered.csv
"""

ANSWER = ("repeat_of", "repeat_by", "repeat_distance_m", "repeat_after_h", "repeat_first")
SHOWN = ("row", "id", "class_name", "component_code", *ANSWER)


@options.command("repeats", EXAMPLES)
@click.argument("incidents", metavar="FILE", callback=options.file_path)
@options.city_option
@click.option(
    "--earlier",
    metavar="FILE",
    callback=options.file_path,
    help="Earlier reports, which those of FILE may repeat as well.",
)
@click.option(
    "--period", "period_h", type=options.Number(0), default=24, show_default=True, metavar="H",
    help="How many hours before a report the one that it repeats may have been made.",
)  # fmt: skip
@options.crs_option
@options.datum_option
@click.option(
    "--as-of", type=options.Day(), metavar="DATE", help="Ask the components of this day, YYYY-MM-DD."
)
@click.option("--x", metavar="COLUMN", help="Column of the longitude or easting.")
@click.option("--y", metavar="COLUMN", help="Column of the latitude or northing.")
@options.mapping_option
@options.map_option
@options.encoding_option
@click.option("--layer", metavar="NAME", help="Layer to read, where a file has several.")
@options.format_option("table", "csv", "json", default="table")
@click.pass_context
def repeats(ctx: click.Context, /, city_path: str, output_format: str, **asked: Any) -> None:
    """Find the reports that repeat an earlier one: at the same component, else near by and of its class.

    The table shows the repeats, CSV and JSON every row with its answer. The options about columns and
    coordinates hold for both files. Exit 1 where a row could not be compared; stderr says why.
    """
    with options.open_city(city_path) as city:
        found = city.find_repeats(**asked)
    rows = _rows(found)
    if output_format == "csv":
        write_csv(sys.stdout, list(rows), zip(*rows.values(), strict=True))
    elif output_format == "json":
        click.echo(json_text(records(list(rows), zip(*rows.values(), strict=True)), indent=2))
    elif found.repeats.any():
        chosen = found.repeats.nonzero()[0].tolist()
        click.echo(table(SHOWN, [[rows[name][i] for name in SHOWN] for i in chosen]))
    _say_counts(found)
    bad = [_say_bad(part) for part in (found.incidents, found.earlier) if part is not None]
    ctx.exit(1 if any(bad) else 0)


def _rows(found: RepeatedReports) -> dict[str, list[Any]]:
    """Return the columns as lists, None where there is nothing to say."""
    import numpy as np

    from gridcity_cli.answers import answer_values

    facts = {name: column for name, column in found.columns.items() if name not in ANSWER}
    times = facts["time"].astype("datetime64[s]").astype(str)
    zone = "Z" if True in found.incidents.zones else ""
    facts["time"] = np.where(np.isnat(facts["time"]), "", times.astype(object) + zone)
    known = answer_values(facts, {})
    answer = answer_values({name: found.columns[name] for name in ANSWER}, found.errors)
    return {name: known[name] for name in facts} | answer


def _say_counts(found: RepeatedReports) -> None:
    by = found.columns["repeat_by"].tolist()
    counted = (
        f"{len(found)} reports: {int(found.repeats.sum())} repeats ({by.count('component')} by component, "
        f"{by.count('place')} by place), {found.cases} cases, {len(found.errors)} bad"
    )
    if found.earlier is not None:
        counted += f"; {len(found.earlier)} earlier reports"
    if taken := " and ".join(found.incidents.coordinate_columns):
        counted += f" ({taken} as {found.incidents.system})"
    click.echo(shown(counted), err=True)


def _say_bad(incidents: Incidents) -> bool:
    """Say what was found in a file, each rule once with its first row; return whether any row was bad."""
    from gridcity.findings import RULES

    findings = incidents.findings
    counts = {rule: n for rule, n in findings.counts().items() if RULES[rule].severity != "note"}
    for rule, severity, n, first, hint in summary_of(findings.severe("error", "warning"), counts):
        more = f" (and {n - 1} more)" if n > 1 else ""
        click.echo(shown(f"{severity} {rule}: {incidents.name}, {first}{more}"), err=True)
        click.echo(shown(f"  {hint}"), err=True)
    return bool(findings.rejected_rows())
