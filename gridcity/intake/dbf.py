"""The dBase table of a shapefile (``.dbf``), read as text.

The header is read by hand and the records are one view of fixed-width bytes, so that nothing is
converted on the way: a code keeps its leading zeros, a date stays ``20090601``, a number stays as it
was written. Each distinct value of a column is decoded once. Records marked as deleted are left out,
and their numbers with them, so that a row number is always the record's number in the file.

Layout (dBase III, as the ESRI shapefile description of 1998 refers to it): 32 bytes of header with
the number of records at byte 4, the length of the header at 8, the length of a record at 10 and the
language at 29; then 32 bytes per field up to a 0x0D; then the records, each with a deletion mark
before it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake.encoding import Encoding, decode_value, settle
from gridcity.intake.table import Column, Numbers, column_names

__all__ = ["DbfTable", "read_dbf"]

_NAME_BYTES = 11
_END_OF_FILE = b"\x1a"
# Language bytes that are met in practice; 0x00 and 0x57 ("the system's code page") declare nothing.
_LANGUAGES = {
    0x01: "cp437",
    0x02: "cp850",
    0x03: "cp1252",
    0x13: "cp932",
    0x4D: "cp936",
    0x4E: "cp949",
    0x4F: "cp950",
    0x64: "cp852",
    0x65: "cp866",
    0xC8: "cp1250",
    0xC9: "cp1251",
}


@dataclass(frozen=True, slots=True, eq=False)
class DbfTable:
    """The text of a dBase table.

    Attributes
    ----------
    columns : dict of str to numpy.ndarray
        Object arrays of str, without the blanks and NULs that fill a field; numbers and dates as written.
    rows : numpy.ndarray
        Record numbers of the rows that are not deleted, int64, counted from 1.
    records : int
        Number of records in the file, deleted ones included.
    encoding : Encoding
        How the text was decoded.
    findings : Findings
        ``encoding-declared``, ``value-cut``, ``value-unreadable``, ``row-deleted``.
    """

    columns: dict[str, Column]
    rows: Numbers
    records: int
    encoding: Encoding
    findings: Findings


@dataclass(frozen=True, slots=True)
class _Field:
    name: bytes
    type: str
    offset: int
    width: int


@dataclass(frozen=True, slots=True)
class _Header:
    records: int
    length: int
    record_length: int
    language: int
    fields: tuple[_Field, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The distinct values of one column, and which of them each row has."""

    width: int
    distinct: list[bytes]
    which: npt.NDArray[np.intp]


def read_dbf(path: Path, *, encoding: str | None = None, cpg: str = "", where: str = "") -> DbfTable:
    """Read a dBase table as text.

    Parameters
    ----------
    path : pathlib.Path
        The ``.dbf`` file.
    encoding : str, optional
        The encoding of the text, where the bytes should not decide.
    cpg : str, optional
        The text of the ``.cpg`` file beside it; a hint, like the language byte of the header.
    where : str, optional
        The file's name in messages.

    Raises
    ------
    SourceError
        The header is damaged, the size contradicts it, a field is binary, or a name stands twice.
    """
    where = where or path.name
    header = _header(path, where)
    _check_size(path, header, where)
    records = _records(path, header)
    alive = records["mark"] != b"*"
    rows = np.flatnonzero(alive).astype(np.int64) + 1
    cells = [_cells(records, alive, str(i), field) for i, field in enumerate(header.fields)]

    settled = settle(
        {value for column in cells for value in column.distinct} | {field.name for field in header.fields},
        wanted=encoding,
        declared=cpg or _LANGUAGES.get(header.language, ""),
        declared_by=".cpg" if cpg else f"the language byte 0x{header.language:02X}",
    )
    findings = Findings()
    settled.report(findings)
    names = column_names([_name(field, settled.name, where, findings) for field in header.fields], where)
    columns = {
        name: _text(name, column, rows, settled.name, findings)
        for name, column in zip(names, cells, strict=True)
    }
    deleted = header.records - len(rows)
    if deleted:
        findings.add("row-deleted", [None], values=str(deleted))
    return DbfTable(columns, rows, header.records, settled, findings)


def _header(path: Path, where: str) -> _Header:
    with path.open("rb") as file:
        head = file.read(32)
        if len(head) < 32:
            raise _damaged(where, f"it has {len(head)} bytes, a header alone has 32")
        records, length, record_length = struct.unpack_from("<IHH", head, 4)
        described = file.read(max(length - 32, 0))
    if length < 33 or len(described) < length - 32 or record_length == 0:
        raise _damaged(where, f"its header should have {length} bytes, the file has {32 + len(described)}")
    fields: list[_Field] = []
    offset = 1
    for start in range(0, len(described) - 31, 32):
        entry = described[start : start + 32]
        if entry[0] == 0x0D:
            break
        field = _Field(entry[:_NAME_BYTES].partition(b"\0")[0].strip(), chr(entry[11]), offset, entry[16])
        if field.type not in "CNFDL":
            raise SourceError(
                f"the field {field.name.decode('ascii', 'backslashreplace')} of {where} has the type "
                f"{field.type!r}; a shapefile's table has C, N, F, D and L.",
                hint="Export the table again with this field as text.",
            )
        fields.append(field)
        offset += field.width
    if offset > record_length:
        raise _damaged(where, f"its fields take {offset} bytes, a record has {record_length}")
    return _Header(records, length, record_length, head[29], tuple(fields))


def _check_size(path: Path, header: _Header, where: str) -> None:
    size = path.stat().st_size
    end = header.length + header.records * header.record_length
    held = (size - header.length) // header.record_length
    if size > end and held != header.records:
        with path.open("rb") as file:
            file.seek(end)
            if file.read(1) == _END_OF_FILE:
                return
    if held != header.records:
        raise SourceError(
            f"{where} declares {header.records} records, holds {held}.",
            hint="The file is cut off or was changed by hand: deliver it again.",
        )


def _damaged(where: str, reason: str) -> SourceError:
    return SourceError(f"{where} is no dBase table: {reason}.", hint="Deliver the file again.")


def _records(path: Path, header: _Header) -> npt.NDArray[np.void]:
    wide = [(str(i), field) for i, field in enumerate(header.fields) if field.width]
    layout = np.dtype(
        {
            "names": ["mark", *(name for name, _ in wide)],
            "formats": ["S1", *(f"S{field.width}" for _, field in wide)],
            "offsets": [0, *(field.offset for _, field in wide)],
            "itemsize": header.record_length,
        }
    )
    if not header.records:
        return np.empty(0, dtype=layout)
    return np.memmap(path, dtype=layout, mode="r", offset=header.length, shape=(header.records,))


def _cells(records: npt.NDArray[np.void], alive: npt.NDArray[np.bool_], name: str, field: _Field) -> _Cells:
    if not field.width:
        return _Cells(0, [b""], np.zeros(np.count_nonzero(alive), dtype=np.intp))
    raw, which = np.unique(records[name][alive], return_inverse=True)
    # Text is filled on its right; a number stands at the right of its field.
    filled = b" \0"
    values = [v.rstrip(filled) if field.type == "C" else v.strip(filled) for v in raw.tolist()]
    if field.type == "L":
        values = [b"" if value == b"?" else value for value in values]
    return _Cells(field.width, values, which)


def _name(field: _Field, encoding: str, where: str, findings: Findings) -> str:
    # Ten bytes are room for five characters of GBK and three of UTF-8: names are cut, too.
    text, trouble = decode_value(field.name, encoding, full=len(field.name) >= _NAME_BYTES - 1)
    if trouble == "unreadable":
        raise SourceError(
            f"the field name {field.name.hex(' ')} of {where} is not {encoding} text.",
            hint="Name the encoding with --encoding.",
        )
    if trouble == "cut":
        findings.add("value-cut", [None], field=text, values=text)
    return text


def _text(name: str, cells: _Cells, rows: Numbers, encoding: str, findings: Findings) -> Column:
    decoded = np.empty(len(cells.distinct), dtype=object)
    for i, value in enumerate(cells.distinct):
        text, trouble = decode_value(value, encoding, full=len(value) == cells.width)
        decoded[i] = text
        if trouble:
            hit = rows[cells.which == i].tolist()
            if trouble == "cut":
                findings.add("value-cut", hit, field=name, values=text)
            else:
                findings.add("value-unreadable", hit, field=name, values=value.hex(" "), encoding=encoding)
    return decoded.take(cells.which)
