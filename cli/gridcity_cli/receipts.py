"""How receipts are shown: their time as the clock on the wall has it, and what they wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gridcity_cli.output import shown

if TYPE_CHECKING:
    from gridcity.model import Receipt


def local_time(at: str) -> str:
    """Return a UTC time as that of this computer, with its offset; empty for empty."""
    from datetime import datetime

    return datetime.fromisoformat(at).astimezone().isoformat(sep=" ", timespec="seconds") if at else ""


def listed(title: str, receipts: Sequence[Receipt]) -> str:
    """Return receipts as lines under a title."""
    lines = [
        f"  receipt {receipt.id}  {local_time(receipt.at)}  {receipt.kind} {receipt.source}:"
        f" added {receipt.added}, changed {receipt.changed}"
        for receipt in receipts
    ]
    return "\n".join([title, *(shown(line) for line in lines)])
