"""What an import says as text: its balance, how the source was read, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gridcity_cli import resurvey
from gridcity_cli.output import pairs, shown, summary_of, table

if TYPE_CHECKING:
    from gridcity.importing import Import

__all__ = ["COUNTS", "as_text", "unused"]

COUNTS = ("read", "added", "changed", "unchanged", "rejected", "collapsed")

_DRY = "A dry run: nothing was written."
_FACTS = {"reference system": "system", "datum": "datum", "encoding": "encoding"}
_SEVERITIES = ("error", "warning", "note")
# Ours: what fits a line or two; the rest is in JSON.
_UNUSED_SHOWN, _FILES_SHOWN = 20, 3
# What stands in no file is kept with the first of a delivery.
_OF_NO_FILE = frozenset({"component-vanished"})

_Summary = tuple[str, str, int, str, str]


def unused(result: Import) -> list[str]:
    """Return the columns that fill no field."""
    return [finding.value for finding in result.findings if finding.rule == "column-unused"]


def as_text(result: Import) -> str:
    """Return the page about an import; of a delivery the files stand in it side by side."""
    files = result.files or (result,)
    receipt = result.receipt
    parts = [
        f"read {receipt.read} = added {receipt.added} + changed {receipt.changed}"
        f" + unchanged {receipt.unchanged} + rejected {receipt.rejected}"
    ]
    if result.files:
        parts.append(_files(files))
    if not receipt.read:
        parts.append("There is no row in it.")
    if receipt.dry_run:
        parts.append(_DRY)
    if result.comparison is not None:
        parts.append(resurvey.as_text(result.comparison))
    facts = [
        (name, _by_file(files, [getattr(one.receipt, field) for one in files]))
        for name, field in _FACTS.items()
    ]
    parts.append(pairs(facts))
    if fields := dict.fromkeys(field for one in files for field in one.matched):
        found = {field: [f"<- {one.matched.get(field, 'nothing')}" for one in files] for field in fields}
        lines = pairs((f"  {field}", _by_file(files, told)) for field, told in found.items())
        parts.append(f"columns\n{lines}")
    if names := list(dict.fromkeys(name for one in files for name in unused(one))):
        parts.append(shown(f"not used: {', '.join(names[:_UNUSED_SHOWN])}"))
        if len(names) > _UNUSED_SHOWN:
            parts[-1] += f", and {len(names) - _UNUSED_SHOWN} more; all: --format json"
    if summary := _summary(result):
        parts.append(_findings(summary, receipt.kind))
    return "\n".join(part for part in parts if part)


def _files(files: Sequence[Import]) -> str:
    """Return the balance of each file of a delivery."""
    rows = [(shown(one.label), *(getattr(one.receipt, name) for name in COUNTS[:-1])) for one in files]
    return table(("file", *COUNTS[:-1]), rows)


def _by_file(files: Sequence[Import], told: Sequence[str]) -> str:
    """Return what is true of all files once, else each value with the files it is true of."""
    of: dict[str, list[str]] = {}
    for one, value in zip(files, told, strict=True):
        of.setdefault(value, []).append(one.label)
    if len(of) == 1:
        return next(iter(of))
    return "; ".join(
        f"{value or 'nothing'} ({', '.join(labels[:_FILES_SHOWN])}"
        + (f" and {len(labels) - _FILES_SHOWN} more)" if len(labels) > _FILES_SHOWN else ")")
        for value, labels in of.items()
    )


def _summary(result: Import) -> list[_Summary]:
    """Return the findings by rule, the worst first; of a delivery the first case names its file."""
    found: dict[str, _Summary] = {}
    for one in result.files or (result,):
        counts = {rule: n for rule, n in one.findings.counts().items() if rule != "column-unused"}
        for rule, severity, n, first, hint in summary_of(
            (f for f in one.findings if f.rule in counts), counts
        ):
            where = f"{one.label}, {first}" if result.files and rule not in _OF_NO_FILE else first
            before = found.get(rule, (rule, severity, 0, where, hint))
            found[rule] = (rule, severity, before[2] + n, before[3], hint)
    return sorted(found.values(), key=lambda row: _SEVERITIES.index(row[1]))


def _findings(summary: list[_Summary], kind: str) -> str:
    """Return the summary of findings as text: a table, and for each rule its first case and the hint."""
    lines = ["findings", table(("rule", "severity", "count"), [row[:3] for row in summary])]
    for rule, _, n, first, hint in summary:
        lines += [shown(f"{rule}: {first}"), shown(f"  {hint}")]
        if n > 1:
            lines.append(f"  (and {n - 1} more; all: gridcity import {kind} … --dry-run --format json)")
    return "\n".join(lines)
