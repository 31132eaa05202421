"""Codes for components that arrive without one: the next serials of their district and class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridcity.codes import edition
from gridcity.importing.batch import Batch, Column, Mask, joined
from gridcity.importing.classes import Classes
from gridcity.store.base import Transaction

__all__ = ["give_codes"]


def give_codes(tx: Transaction, batch: Batch, classes: Classes, district: Column, editions: Column) -> None:
    """Give the next serials of their district and class to rows without a code, in file order.

    Parameters
    ----------
    tx : Transaction
        It keeps the serials.
    batch : Batch
        Its codes are filled in place; rows for which no serial is left are rejected.
    classes : Classes
        Of the rows.
    district : object array
        Six digits of the district of each row.
    editions : object array
        Of the codes; empty where a code cannot be read.
    """
    code = batch.column("code")
    _raise_marks(tx, code, editions, (code != "") & (editions != ""))
    at = np.flatnonzero(batch.going & (code == ""))
    group = joined([classes.edition[at], district[at] + classes.code[at]])
    for key, chosen in pd.Series(at).groupby(group, sort=True):
        name, prefix = str(key).split("\x1f")
        rows = chosen.to_numpy()
        width = edition(name).component_serial_digits
        limit = 10**width - 1
        serials = tx.take_serials(f"component:{prefix}", len(rows), limit=limit)
        code[rows[: len(serials)]] = [f"{prefix}{serial:0{width}d}" for serial in serials]
        full = np.zeros(len(batch), dtype=bool)
        full[rows[len(serials) :]] = True
        batch.reject(
            "code-serials-full", full, field="code", values=prefix[6:], limit=limit, district=prefix[:6]
        )


def _raise_marks(tx: Transaction, code: Column, editions: Column, coded: Mask) -> None:
    """Put the serial marks above the codes that arrived ready-made, so that they are never given again.

    Those of rejected rows among them: such a row comes again when it is corrected, and must not find
    another object under its code. The digits before the serial are the mark's name: two editions have
    codes of 16 digits, and they must not meet.
    """
    for name in dict.fromkeys(editions[coded].tolist()):
        width = edition(name).component_serial_digits
        own = code[coded & (editions == name)]
        numbers: npt.NDArray[np.int64] = np.array([int(text) for text in own], dtype=np.int64)
        last = pd.Series(numbers % 10**width).groupby(numbers // 10**width).max()
        digits = edition(name).component_digits - width
        for prefix, serial in last.items():
            tx.raise_serial(f"component:{prefix:0{digits}d}", int(serial))
