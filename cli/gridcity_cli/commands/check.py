"""`gridcity check`: the rules over the stored city."""

from __future__ import annotations

import click

from gridcity.findings import RULES, Finding, Findings
from gridcity_cli import options
from gridcity_cli.output import shown, table, write_rows

EXAMPLES = """
gridcity check --city city.gpkg
gridcity check --city city.gpkg --format csv > findings.csv
"""

COLUMNS = ("rule", "severity", "row", "field", "value", "message", "hint")
SHOWN_PER_RULE = 20


@options.command("check", EXAMPLES)
@options.city_option
@options.format_option("table", "json", "csv", default="table")
@click.pass_context
def check(ctx: click.Context, city_path: str, output_format: str) -> None:
    """Look for what is wrong in the stored city; exit 1 where there is an error or a warning.

    Rows are the internal ids of the objects. The table shows the first 20 cases of every rule, CSV and
    JSON show all.
    """
    with options.open_city(city_path) as city:
        findings = city.check()
    if output_format == "table":
        click.echo(_text(findings))
    else:
        rows = [(f.rule, f.severity, f.row, f.field, f.value, f.message, f.hint) for f in findings]
        write_rows(output_format, COLUMNS, rows)
    ctx.exit(1 if any(RULES[rule].severity != "note" for rule in findings.counts()) else 0)


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
