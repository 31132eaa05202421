"""Text that could not be decoded, or that holds what nobody sees, made readable with a finding."""

from __future__ import annotations

import numpy as np

from gridcity.findings import Findings
from gridcity.intake.encoding import GB18030, has_controls, is_mixed
from gridcity.intake.table import Column, Numbers, is_text

__all__ = ["report_unreadable"]


def report_unreadable(
    columns: dict[str, Column], rows: Numbers, encoding: str, findings: Findings
) -> dict[str, Column]:
    """Replace text that could not be decoded by readable escapes, with a finding for each row.

    So does UTF-8 in a file of GB18030. Text with NULs loses them; it and text with other marks that cannot be
    seen are findings, too.
    """
    return {name: _mended(name, column, rows, encoding, findings) for name, column in columns.items()}


def _mended(name: str, column: Column, rows: Numbers, encoding: str, findings: Findings) -> Column:
    distinct = dict.fromkeys(column.tolist())
    if not any(_faults("\n".join(distinct), encoding)):
        return column
    mended = column.copy()
    for value in distinct:
        unreadable, mixed, controls = _faults(value, encoding)
        if not (unreadable or mixed or controls):
            continue
        hit = np.equal(column, value).astype(bool)
        raw = _original_bytes(value, encoding)
        if mixed:
            mended[hit] = value = raw.decode("utf-8", "backslashreplace")
            findings.add("value-encoding", rows[hit], field=name, values=value, encoding=encoding)
        elif unreadable:
            mended[hit] = value = raw.decode(encoding, "backslashreplace")
            findings.add("value-unreadable", rows[hit], field=name, values=raw.hex(" "), encoding=encoding)
        if has_controls(value):
            findings.add("text-control", rows[hit], field=name, values=value)
            mended[hit] = value.replace("\0", "")
    return mended


def _faults(text: str, encoding: str) -> tuple[bool, bool, bool]:
    """Tell whether decoded text was no text, whether it has lines of UTF-8, and whether of controls."""
    mixed = encoding == GB18030 and not text.isascii() and is_mixed(_original_bytes(text, encoding))
    return not is_text(text), mixed, has_controls(text)


def _original_bytes(text: str, encoding: str) -> bytes:
    wide = encoding.lower().startswith(("utf-16", "utf-32"))
    try:
        return text.encode(encoding, "surrogatepass" if wide else "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate written as \uD800 in JSON was never a byte
        return text.encode("utf-8", "surrogatepass")
