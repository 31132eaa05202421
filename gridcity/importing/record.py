"""The transaction of an import and what stays of it: receipt, findings, rejected rows."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from gridcity.findings import Findings
from gridcity.importing.batch import Batch, Import, Options, Rejected
from gridcity.model import Receipt
from gridcity.store.base import Store, Transaction

__all__ = ["recorded"]


@contextlib.contextmanager
def recorded(
    store: Store, batch: Batch, kind: str, options: Options
) -> Iterator[tuple[Transaction, int, list[Import]]]:
    """Open the transaction of an import; at its end receipt, findings and rejected rows are written.

    Yields
    ------
    transaction : Transaction
    receipt_id : int
        What new rows name as their receipt.
    result : list of Import
        Filled with the one result when the block has ended.
    """
    result: list[Import] = []
    with store.transaction(keep=not options.dry_run) as tx:
        receipt = Receipt(
            id=0,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            kind=kind,
            source=batch.source.name,
            layer=batch.source.layer,
            sha256=batch.source.sha256,
            system=batch.source.system.name if batch.source.system else "",
            system_wkt=batch.source.system.wkt if batch.source.system else "",
            datum=batch.source.system.datum if batch.source.system else "",
            encoding=batch.source.encoding,
            options=options.as_json(),
            read=0,
            added=0,
            changed=0,
            unchanged=0,
            rejected=0,
            collapsed=0,
            dry_run=options.dry_run,
        )
        columns = {name: [value] for name, value in asdict(receipt).items() if name not in ("id", "dry_run")}
        receipt_id = int(tx.insert("receipts", columns)[0])
        yield tx, receipt_id, result
        receipt = replace(
            receipt,
            id=receipt_id,
            read=len(batch),
            added=batch.added,
            changed=batch.changed,
            unchanged=batch.unchanged + int((batch.settled & batch.alive).sum()),
            rejected=int((~batch.alive).sum()),
            collapsed=int((batch.repeats & batch.alive).sum()),
        )
        balance = ("read", "added", "changed", "unchanged", "rejected", "collapsed")
        counts = json.dumps(batch.findings.counts())
        figures = {name: [getattr(receipt, name)] for name in balance} | {"findings": [counts]}
        tx.update("receipts", [receipt_id], figures)
        rejected = batch.rejected()
        _write_findings(tx, receipt_id, batch.findings, rejected)
        matched = {name: str(match) for name, match in batch.draft.matched.items()}
        result.append(Import(receipt, batch.findings, rejected, matched))


def _write_findings(
    tx: Transaction, receipt_id: int, findings: Findings, rejected: Sequence[Rejected]
) -> None:
    names = ("rule", "severity", "row", "field", "value", "message", "hint")
    found = list(findings.severe("error", "warning"))
    if found:
        columns: dict[str, Sequence[Any]] = {name: [getattr(f, name) for f in found] for name in names}
        tx.insert("findings", {"receipt": [receipt_id] * len(found), **columns})
    if rejected:
        tx.insert(
            "rejected_rows",
            {
                "receipt": [receipt_id] * len(rejected),
                "row": [r.row for r in rejected],
                "record": [json.dumps(r.record, ensure_ascii=False) for r in rejected],
            },
        )
