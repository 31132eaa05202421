"""What the audit of the duties says of each duty table of Washington, D.C., before and after the requests."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gridcity import City

if TYPE_CHECKING:
    from responsibility_washington import Judged, Measured, Requests, Rows


@dataclass(frozen=True, slots=True)
class Audited:
    """The audit of one duty table.

    Attributes
    ----------
    before : dict of str to int
        Findings by rule, without a request.
    findings, touched : dict of str to int
        Given the requests of the second half: findings by rule, and the requests that these touch.
    misrouted : int
        Requests that the tables send to another agency than the one that handled them, or to nobody.
    """

    before: dict[str, int]
    findings: dict[str, int]
    touched: dict[str, int]
    misrouted: int


def write_incidents(path: Path, requests: Requests, rows: Rows) -> Path:
    """Write requests as a file of past incidents, and return its path."""
    columns = (requests.ids, requests.lng, requests.lat, requests.category, requests.opened, requests.agency)
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("id", "lng", "lat", "class", "time", "party"))
        writer.writerows(zip(*(column[rows] for column in columns), strict=True))
    return path


def audited(city: City, incidents: Path) -> Audited:
    """Audit a city with its duties, alone and with past incidents."""
    found = city.check_duties(incidents, crs="EPSG:4326")
    assert found.incidents is not None
    touched: Counter[str] = Counter()
    for rule, requests in zip(found.defects["rule"], found.defects["incidents"], strict=True):
        touched[rule] += int(requests)
    before = city.check_duties().findings.counts()
    return Audited(dict(before), dict(found.findings.counts()), dict(touched), found.incidents.misrouted)


def text(found: Measured) -> Iterator[str]:
    """Yield the lines of the page about the audit."""
    yield from ("", "### What the audit says", "")
    yield "`City.check_duties` audits each duty table, alone and with the second half as past incidents."
    yield "*Misrouted* is its own count of the requests that another agency handled than the table names."
    yield ""
    yield "| halved by | duties | findings alone | misrouted | findings with incidents: requests touched |"
    yield "|---|---|---|---:|---|"
    for split in found.splits:
        for judged in split.judged:
            audit = _audit(judged)
            before = ", ".join(f"`{rule}` {n:,}" for rule, n in audit.before.items()) or "none"
            after = ", ".join(
                f"`{rule}` {n:,}: {audit.touched[rule]:,}" for rule, n in audit.findings.items()
            )
            yield f"| {split.name} | {judged.name} | {before} | {audit.misrouted:,} | {after or 'none'} |"
    yield ""
    every = [(judged, _audit(judged)) for split in found.splits for judged in split.judged]
    agree = sum(audit.misrouted == int((~judged.right).sum()) for judged, audit in every)
    filled = [audit for judged, audit in every if ("territory", "city") in judged.duties]
    misrouted = sum(audit.misrouted for audit in filled)
    touched = sum(sum(audit.touched.values()) for audit in filled)
    yield (
        f"Its count is that of the comparison above for {agree} of {len(every)} tables. "
        "It finds each category that nobody answers for, cell by cell, and the agencies without a duty; a "
        "request that lies in no cell is in no finding."
    )
    yield (
        "A duty that stands and names the wrong agency is no defect that a table shows: of "
        f"{misrouted:,} wrong answers of the tables with territories, findings touch {touched:,}. "
        "Past cases alone tell the others."
    )


def _audit(judged: Judged) -> Audited:
    assert judged.audit is not None
    return judged.audit
