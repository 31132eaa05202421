"""The dBase table of a shapefile (``.dbf``), read as text.

The header is read by hand and the records are one view of fixed-width bytes, so that nothing is
converted on the way: a code keeps its leading zeros, a date stays ``20090601``, a number stays as it
was written. The table is read in parts, and each distinct value of a column of a part is decoded once.
Records marked as deleted are left out, and their numbers with them, so that a row number is always the
record's number in the file.

Layout (dBase III, as the ESRI shapefile description of 1998 refers to it): 32 bytes of header with
the number of records at byte 4, the length of the header at 8, the length of a record at 10 and the
language at 29; then 32 bytes per field up to a 0x0D; then the records, each with a deletion mark
before it.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake.distinct import distinct
from gridcity.intake.encoding import Encoding, decode_sound, decode_value, has_controls, settle
from gridcity.intake.table import Column, Numbers, column_names, objects

__all__ = ["DbfTable", "open_dbf"]

_NAME_BYTES = 11
# What writers put behind a name cut at eight bytes, or at seven, when it became equal to another:
# _1 to _99, and GDAL 10 to 99.
_NUMBER = re.compile(rb"(?:_[1-9][0-9]?|[1-9][0-9])$")
_END_OF_FILE = b"\x1a"
# Text is filled on its right, a number on its left; a blank before a text is none of it either.
_FILL = b" \0"
# Before each record: blank, deleted; some writers leave a NUL.
_MARKS = (b" ", b"*", b"")
# Records looked at in one go when the table is opened: at the widths of surveys, some tens of megabytes.
_BLOCK = 65_536
_SAMPLED = 1_000
_FIRST_PRINTABLE, _LAST_PRINTABLE = 0x20, 0x7E
_TROUBLES = {"cut": "value-cut", "mixed": "value-encoding", "unreadable": "value-unreadable"}
# Different values beyond ASCII by which the encoding is judged: of a field in one block, and in all.
_JUDGED, _JUDGED_IN_ALL = 2_000, 100_000
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
class DbfTable:
    """A dBase table on disk, its encoding settled; from `open_dbf`.

    Attributes
    ----------
    names : tuple of str
        Names of the columns.
    rows : numpy.ndarray
        Record numbers of the rows that are not deleted, int64, counted from 1.
    records : int
        Number of records in the file, deleted ones included.
    encoding : Encoding
        How the text is decoded.
    findings : Findings
        About the file as a whole: ``encoding-declared``, ``value-cut`` (a field's name), ``row-deleted``.
    """

    names: tuple[str, ...]
    rows: Numbers
    records: int
    encoding: Encoding
    findings: Findings
    _path: Path
    _header: _Header

    def read(
        self, rows: Numbers | None = None, columns: Collection[str] | None = None
    ) -> tuple[dict[str, Column], Findings]:
        """Read the text of some records.

        Parameters
        ----------
        rows : numpy.ndarray of int64, optional
            Record numbers, in the order wanted; all of `rows` if not given.
        columns : collection of str, optional
            The columns wanted; all if not given.

        Returns
        -------
        dict of str to numpy.ndarray
            Object arrays of str without the blanks and NULs that fill a field; numbers and dates as written.
        Findings
            About these rows: ``value-cut``, ``value-unreadable``, ``value-encoding``, ``text-control``.
        """
        rows = self.rows if rows is None else rows
        findings = Findings()
        records = _taken(self._path, self._header, rows)
        texts = {
            name: _text(name, field, records[str(i)], rows, self.encoding.name, findings)
            if field.width
            else np.full(len(rows), "", dtype=object)
            for i, (name, field) in enumerate(zip(self.names, self._header.fields, strict=True))
            if columns is None or name in columns
        }
        return texts, findings


def open_dbf(path: Path, *, encoding: str | None = None, cpg: str = "", where: str = "") -> DbfTable:
    """Open a dBase table: read its header, find its deleted records, settle its encoding.

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
        The header is damaged or contradicts itself, the size contradicts it, a field is binary, a name
        stands twice, or the encoding is unclear (``E_ENCODING``).
    """
    where = where or path.name
    header = _header(path, where)
    _check_size(path, header, where)
    alive, foreign = _surveyed(path, header, where)
    rows = np.flatnonzero(alive) + 1
    settled = settle(
        foreign | dict.fromkeys(_parted(field.name)[0] for field in header.fields),
        wanted=encoding,
        declared=cpg or _LANGUAGES.get(header.language, ""),
        declared_by=".cpg" if cpg else f"the language byte 0x{header.language:02X}",
        where=where,
    )
    findings = Findings()
    settled.report(findings)
    names = column_names(_names(header.fields, settled.name, where, findings), where)
    deleted = header.records - len(rows)
    if deleted:
        findings.add("row-deleted", [None], values=str(deleted))
    return DbfTable(tuple(names), rows, header.records, settled, findings, path, header)


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
    offset, end = 1, 0
    for start in range(0, len(described) - 31, 32):
        entry = described[start : start + 32]
        if entry[0] == 0x0D:
            break
        end = start + 32
        field = _Field(entry[:_NAME_BYTES].partition(b"\0")[0].strip(), chr(entry[11]), offset, entry[16])
        if field.type not in "CNFDL":
            raise SourceError(
                f"the field {field.name.decode('ascii', 'backslashreplace')} of {where} has the type "
                f"{field.type!r}; a shapefile's table has C, N, F, D and L.",
                hint="Export the table again with this field as text.",
            )
        fields.append(field)
        offset += field.width
    if offset != record_length:
        raise _damaged(where, f"its fields take {offset} bytes, a record has {record_length}")
    # Behind the fields stand an end mark and, with some writers, filling; never a record's mark.
    if len(described) == end or described[end + 1 : end + 2] in _MARKS[:2]:
        raise _damaged(where, f"the end of its {len(fields)} fields is not where its header says")
    return _Header(records, length, record_length, head[29], tuple(fields))


def _check_size(path: Path, header: _Header, where: str) -> None:
    """Refuse a table that holds less than it declares, or more: bytes too many shift the rest."""
    size = path.stat().st_size
    end = header.length + header.records * header.record_length
    held = (size - header.length) // header.record_length
    with path.open("rb") as file:
        file.seek(end)
        rest = file.read(1)
    if size >= end and rest in (b"", b"\0", _END_OF_FILE):
        return
    if held == header.records:
        raise SourceError(
            f"{where} declares {header.records} records and {end} bytes, holds {size}.",
            hint="Bytes were added or lost: deliver the file again.",
            code="E_CUT",
        )
    raise SourceError(
        f"{where} declares {header.records} records, holds {held}.",
        hint="The file is cut off or was changed by hand: deliver it again.",
        code="E_CUT",
    )


def _damaged(where: str, reason: str) -> SourceError:
    return SourceError(f"{where} is no dBase table: {reason}.", hint="Deliver the file again.")


def _records(path: Path, header: _Header, first: int, stop: int) -> npt.NDArray[np.void]:
    """Map the records from ``first`` to before ``stop``, counted from 0; the map ends with the array."""
    wide = [(str(i), field) for i, field in enumerate(header.fields) if field.width]
    layout = np.dtype(
        {
            "names": ["mark", *(name for name, _ in wide)],
            "formats": ["S1", *(f"S{field.width}" for _, field in wide)],
            "offsets": [0, *(field.offset for _, field in wide)],
            "itemsize": header.record_length,
        }
    )
    if stop <= first:
        return np.empty(0, dtype=layout)
    offset = header.length + first * header.record_length
    return np.memmap(path, dtype=layout, mode="r", offset=offset, shape=(stop - first,))


def _taken(path: Path, header: _Header, rows: Numbers) -> npt.NDArray[np.void]:
    """Return the records of these numbers, in this order."""
    if not len(rows):
        return _records(path, header, 0, 0)
    first, last = int(rows.min()) - 1, int(rows.max())
    records = _records(path, header, first, last)
    if last - first == len(rows) and bool((np.diff(rows) == 1).all()):
        return records
    return records[rows - 1 - first]


def _surveyed(path: Path, header: _Header, where: str) -> tuple[npt.NDArray[np.bool_], dict[bytes, None]]:
    """Return which records are not deleted, and the distinct values beyond ASCII of those."""
    alive = np.empty(header.records, dtype=bool)
    foreign: dict[bytes, None] = {}
    for first in range(0, header.records, _BLOCK):
        stop = min(first + _BLOCK, header.records)
        records = _records(path, header, first, stop)
        marks = records["mark"]
        odd = ~np.isin(marks, _MARKS)
        if odd.any():
            i = int(np.argmax(odd))
            raise _damaged(
                where, f"record {first + i + 1:,} begins with {bytes(marks[i])!r} where a blank or * belongs"
            )
        alive[first:stop] = marks != b"*"
        octets = np.bitwise_or.reduce(
            records.view(np.uint8).reshape(len(records), header.record_length), axis=0
        )
        for i, field in enumerate(header.fields):
            if (
                len(foreign) < _JUDGED_IN_ALL
                and (octets[field.offset : field.offset + field.width] & 0x80).any()
            ):
                values = records[str(i)][alive[first:stop]]
                found = (v.strip(_FILL) for v in distinct(values)[0] if not v.isascii())
                foreign.update(dict.fromkeys(islice(found, _JUDGED)))
    return alive, foreign


def _names(fields: tuple[_Field, ...], encoding: str, where: str, findings: Findings) -> list[str]:
    """Return the names of the fields; those that only the piece of a character tells apart keep it."""
    names = [_name(field, encoding, where, findings) for field in fields]
    times = Counter(names)
    return [
        name if times[name] == 1 else field.name.decode(encoding, "backslashreplace")
        for name, field in zip(names, fields, strict=True)
    ]


def _name(field: _Field, encoding: str, where: str, findings: Findings) -> str:
    # Ten bytes are room for five characters of GBK and three of UTF-8: names are cut, too.
    head, number = _parted(field.name)
    text, trouble = decode_value(head, encoding, full=bool(number) or len(head) >= _NAME_BYTES - 1)
    if trouble == "unreadable":
        raise SourceError(
            f"the field name {field.name.hex(' ')} of {where} is not {encoding} text.",
            hint="Name the encoding with --encoding.",
        )
    if number:
        # The piece stays: without it, 所在街道_1 and 所在社区_1 in UTF-8 would be one name.
        text = head.decode(encoding, "backslashreplace") + number.decode("ascii")
    if trouble == "cut":
        findings.add("value-cut", [None], field=text, values=text)
    return text


def _parted(name: bytes) -> tuple[bytes, bytes]:
    r"""Return a field's name without the number of a cut name, and the number, if a character ends there.

    >>> _parted("管理部件".encode()[:8] + b"_1")
    (b'\xe7\xae\xa1\xe7\x90\x86\xe9\x83', b'_1')
    """
    match = _NUMBER.search(name) if len(name) == _NAME_BYTES - 1 else None
    if match is None or name[: match.start()].isascii():
        return name, b""
    return name[: match.start()], match[0]


def _text(
    name: str,
    field: _Field,
    values: npt.NDArray[np.bytes_],
    rows: Numbers,
    encoding: str,
    findings: Findings,
) -> Column:
    """Return the text of one field of some records; what is wrong with single values is a finding."""
    values = np.ascontiguousarray(values)
    if _all_different(values) and (plain := _plain(values)) is not None:
        return plain
    filled, which = distinct(values)
    raw = [value.strip(_FILL) for value in filled]
    if field.type == "L":
        raw = [b"" if value == b"?" else value for value in raw]
    if (sound := decode_sound(raw, encoding)) is not None:
        return objects(sound).take(which)
    decoded = np.empty(len(raw), dtype=object)
    for i, value in enumerate(raw):
        text, trouble = decode_value(value, encoding, full=len(filled[i].rstrip(_FILL)) == field.width)
        if trouble:
            shown = value.hex(" ") if trouble == "unreadable" else text
            facts = {} if trouble == "cut" else {"encoding": encoding}
            findings.add(_TROUBLES[trouble], rows[which == i], field=name, values=shown, **facts)
        if has_controls(text):
            findings.add("text-control", rows[which == i], field=name, values=text)
            text = text.replace("\0", "")
        decoded[i] = text
    return decoded.take(which)


def _all_different(values: npt.NDArray[np.bytes_]) -> bool:
    """Tell by a sample whether looking for equal values would find few."""
    sample = values[:: max(len(values) // _SAMPLED, 1)]
    return len(sample) >= _SAMPLED and 2 * len(distinct(sample)[0]) > len(sample)


def _plain(values: npt.NDArray[np.bytes_]) -> Column | None:
    """Return values of printable ASCII without the blanks around them; None if they hold anything else."""
    width = values.dtype.itemsize
    octets = values.view(np.uint8)
    if octets.max() > _LAST_PRINTABLE or ((octets < _FIRST_PRINTABLE) & (octets != 0)).any():
        return None
    table = octets.reshape(len(values), width)
    kept = (table != ord(" ")) & (table != 0)
    begins = kept[:, 1:] & ~kept[:, :-1]
    if (kept[:, 0] + begins.sum(axis=1) <= 1).all():
        # No blank within a value: what is left of the table, line by line, is the values.
        lines = np.full((len(values), width + 1), ord("\n"), dtype=np.uint8)
        lines[:, :-1] = table
        ends = np.ones((len(values), 1), dtype=bool)
        return objects(lines[np.hstack([kept, ends])].tobytes().decode("ascii").split("\n")[:-1])
    text = values.tobytes().decode("ascii")
    cut = [text[i : i + width].strip(" \0") for i in range(0, len(text), width)]
    # A NUL in the middle is a finding, which is made elsewhere.
    return None if "\0" in text and any("\0" in value for value in cut) else objects(cut)
