"""The transaction of an import and what stays of it: receipt, findings, rejected rows."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from gridcity.findings import Findings
from gridcity.importing.batch import Batch
from gridcity.importing.comparison import Comparison
from gridcity.importing.options import Options
from gridcity.importing.outcome import Import, Rejected
from gridcity.intake.layers import Layer, Source
from gridcity.model import Receipt
from gridcity.store.base import Store, Transaction

__all__ = ["Register", "recorded"]

_BALANCE = ("read", "added", "changed", "unchanged", "rejected", "collapsed")


class Register:
    """The receipt of one file, opened before its first row is taken and closed after its last.

    Parameters
    ----------
    tx : Transaction
        The import's.
    source : Source or Layer
        The file.
    kind : str
        What is imported: ``components``, ...
    options : Options
        As given; they are kept in the receipt.
    delivery : int, optional
        The first receipt of a delivery of many files, for the others of it.
    label : str, optional
        What the file is called in its delivery.

    Attributes
    ----------
    id : int
        What new rows name as their receipt.
    findings : Findings
        Everything that was noticed so far.
    """

    def __init__(
        self,
        tx: Transaction,
        source: Source | Layer,
        kind: str,
        options: Options,
        delivery: int | None = None,
        label: str = "",
    ) -> None:
        self._tx = tx
        self._label = label
        self._receipt = Receipt(
            id=0,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            kind=kind,
            source=source.name,
            layer=source.layer,
            sha256=source.sha256,
            system=source.system.name if source.system else "",
            system_wkt=source.system.wkt if source.system else "",
            datum=source.system.datum if source.system else "",
            encoding=source.encoding,
            options=options.as_json(delivery),
            **dict.fromkeys(_BALANCE, 0),
            dry_run=options.dry_run,
        )
        columns = {
            name: [value] for name, value in self._receipt._asdict().items() if name not in ("id", "dry_run")
        }
        self.id = int(tx.insert("receipts", columns)[0])
        self.findings = Findings()
        self._rejected: list[Rejected] = []
        self._matched: dict[str, str] = {}

    def note(self, findings: Findings) -> None:
        """Keep findings; notes are only counted in the store, and a check of the city finds them again."""
        self.findings.extend(findings)
        names = ("rule", "severity", "row", "field", "value", "message", "hint")
        found = list(findings.severe("error", "warning"))
        if found:
            columns: dict[str, Sequence[Any]] = {name: [getattr(f, name) for f in found] for name in names}
            self._tx.insert("findings", {"receipt": [self.id] * len(found), **columns})

    def take(self, batch: Batch) -> None:
        """Count what became of the rows of a batch, and keep its findings and its rejected rows."""
        counted = {
            "read": len(batch),
            "added": batch.added,
            "changed": batch.changed,
            "unchanged": batch.unchanged + int((batch.settled & batch.alive).sum()),
            "rejected": int((~batch.alive).sum()),
            "collapsed": int((batch.repeats & batch.alive).sum()),
        }
        receipt = self._receipt
        self._receipt = receipt._replace(**{name: getattr(receipt, name) + n for name, n in counted.items()})
        self._matched = {name: str(match) for name, match in batch.draft.matched.items()}
        self.note(batch.findings)
        rejected = batch.rejected()
        if rejected:
            records = [json.dumps(r.record, ensure_ascii=False) for r in rejected]
            columns = {"receipt": [self.id] * len(rejected), "row": [r.row for r in rejected]}
            self._tx.insert("rejected_rows", {**columns, "record": records})
            self._rejected += rejected

    def close(self, comparison: Comparison | None = None) -> Import:
        """Write the balance and return what became of the file, with what a second survey found."""
        self._receipt = self._receipt._replace(id=self.id)
        figures = {name: [getattr(self._receipt, name)] for name in _BALANCE}
        self._tx.update("receipts", [self.id], {**figures, "findings": [json.dumps(self.findings.counts())]})
        rejected = tuple(self._rejected)
        return Import(
            self._receipt, self.findings, rejected, self._matched, label=self._label, comparison=comparison
        )


@contextlib.contextmanager
def recorded(
    store: Store, batch: Batch, kind: str, options: Options
) -> Iterator[tuple[Transaction, int, list[Import]]]:
    """Open the transaction of an import of one batch; at its end its receipt is written.

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
        register = Register(tx, batch.source, kind, options)
        yield tx, register.id, result
        register.take(batch)
        result.append(register.close())
