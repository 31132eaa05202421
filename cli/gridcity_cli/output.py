"""How answers are written: tables for eyes, JSON and CSV for programs, files as a whole or not at all."""

from __future__ import annotations

import functools
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

import click

from gridcity.errors import ArgumentError

if TYPE_CHECKING:
    from pathlib import Path

# The patterns are compiled when a text needs them: hardly one does.
# Controls (C0, DEL, C1), marks that turn the direction of writing, line separators, lone surrogates:
# text from a survey must not move the cursor of the terminal that shows it.
_UNSAFE = "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
JOURNALS = ("-journal", "-wal", "-shm")
"""What SQLite writes beside a database, after its name; a database without its own is damaged."""

# What begins a formula for a spreadsheet, unless a plain number follows.
_FORMULA = tuple("=@＝＋－＠\t\r\n+-")
_SIGNED = r"[+-]\d*\.?\d+"


def shown(value: object) -> str:
    r"""Return a value as text for a terminal, control characters escaped.

    Examples
    --------
    >>> print(shown("red" + chr(27) + "[31m"))
    red\x1b[31m
    """
    text = text_of(value)
    # Nothing that is unsafe counts as printable.
    return text if text.isprintable() else re.sub(_UNSAFE, _escaped, text)


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def text_of(value: object) -> str:
    """Return a value as text for a table or CSV; None is empty, booleans are ``true`` and ``false``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes; a Chinese character takes two."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, header: bool = True) -> str:
    """Return rows as aligned columns, without lines between them; numbers stand to the right."""
    values = [list(row) for row in rows]
    texts = [[shown(value) for value in row] for row in values]
    right = [
        bool(values) and all(isinstance(row[i], (int, float)) for row in values) for i in range(len(columns))
    ]
    lines = [list(columns), *texts] if header else texts
    widths = [max((width(line[i]) for line in lines), default=0) for i in range(len(columns))]
    if header:
        lines.insert(1, ["-" * n for n in widths])
    return "\n".join(
        "  ".join(
            _padded(cell, n, at_right) for cell, n, at_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def _padded(text: str, columns: int, at_right: bool) -> str:
    blanks = " " * (columns - width(text))
    return blanks + text if at_right else text + blanks


def pairs(items: Iterable[tuple[str, object]]) -> str:
    """Return labels and values, one pair a line; empty values are left out."""
    rows = [(label, text) for label, value in items if (text := text_of(value))]
    return table(("", ""), rows, header=False)


def json_text(value: object, *, indent: int | None = None) -> str:
    """Return JSON with Chinese left readable and everything unsafe for a terminal escaped."""
    text = _encode(indent)(value)
    # Line breaks of the indentation are the only raw controls the encoder leaves.
    return "\n".join(line if line.isprintable() else _without_unsafe(line) for line in text.split("\n"))


def _without_unsafe(line: str) -> str:
    return re.sub(_UNSAFE, lambda match: f"\\u{ord(match[0]):04x}", line)


@functools.cache
def _encode(indent: int | None) -> Callable[[object], str]:
    import json

    return json.JSONEncoder(ensure_ascii=False, indent=indent, allow_nan=False).encode


def write_csv(file: IO[str], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write CSV for a spreadsheet: text that would become a formula there gets an apostrophe in front."""
    import csv

    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([harmless(name) for name in columns])
    writer.writerows([harmless(value) for value in row] for row in rows)


def harmless(value: object) -> str:
    """Return a value as text for CSV, with an apostrophe before what a spreadsheet would run.

    Examples
    --------
    >>> harmless("=1+1"), harmless(-5)
    ("'=1+1", '-5')
    """
    text = text_of(value)
    if not (isinstance(value, str) and text.startswith(_FORMULA)):
        return text
    return text if re.fullmatch(_SIGNED, text) else "'" + text


def records(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[dict[str, object]]:
    """Return rows as dictionaries."""
    return [dict(zip(columns, row, strict=True)) for row in rows]


def write_rows(output_format: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write rows to stdout as ``table``, ``csv``, ``json`` or ``ndjson``."""
    if output_format == "csv":
        write_csv(sys.stdout, columns, rows)
    elif output_format == "json":
        click.echo(json_text(records(columns, rows), indent=2))
    elif output_format == "ndjson":
        for record in records(columns, rows):
            click.echo(json_text(record))
    elif rows:
        click.echo(table(columns, rows))


def check_target(target: Path, *read: Path) -> None:
    """Refuse, before anything is done, a file that could not be written afterwards.

    Parameters
    ----------
    target : Path
        The file to be written.
    *read : Path
        Files of the same command that must not be replaced by it, nor anything read with them.

    Raises
    ------
    ArgumentError
        The target is one of them or of their sets, it is no regular file, or its folder does not exist
        or cannot be written.
    """
    if not target.parent.is_dir():
        raise ArgumentError(f"There is no folder {shown(target.parent)}.", hint="Make it first.")
    for path in read:
        if _belongs(target, path):
            raise ArgumentError(
                f"{shown(target)} is read by this command and would be replaced.", hint="Name another file."
            )
    check_replaceable(target)
    beside = _beside(target)
    try:
        beside.touch()
        beside.unlink()
    except OSError as error:
        raise ArgumentError(
            f"{shown(target)} cannot be written: {error.strerror}.", hint="Name a file in another folder."
        ) from error


def check_replaceable(target: Path) -> None:
    """Refuse to put a file in the place of a device, a pipe or a link; a folder is not looked at.

    Raises
    ------
    ArgumentError
        One of them is there.
    """
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        found = "a link" if stat.S_ISLNK(mode) else "a device or a pipe"
        raise ArgumentError(
            f"{shown(target)} is {found}, and would be replaced by a file.", hint="Name a file."
        )


def _belongs(target: Path, path: Path) -> bool:
    """Return whether a file is the other one, a part of its shapefile, or a journal of its database."""
    if target.exists() and path.exists() and target.samefile(path):
        return True
    if target.parent.resolve() != path.parent.resolve():
        return False
    if path.suffix.lower() == ".shp":
        from gridcity.intake.shapefile import SUFFIXES

        return target.stem.casefold() == path.stem.casefold() and target.suffix.lower() in SUFFIXES
    return target.name in (path.name, *(path.name + end for end in JOURNALS))


def write_file(path: Path, write: Callable[[IO[str]], object]) -> None:
    """Write a text file as a whole: beside its place first, then moved into it.

    Raises
    ------
    OSError
        The folder cannot be written or the disk is full; what stood there before still stands.
    """
    beside = _beside(path)
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        # Whoever asked knows nothing of the name in between.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        beside.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{os.getpid()}.part")


def summary_of(findings: Iterable[Any], counts: Mapping[str, int]) -> list[tuple[str, str, int, str, str]]:
    """Return rule, severity, count, first sentence and hint of every rule that was broken.

    Parameters
    ----------
    findings : iterable of gridcity.findings.Finding
    counts : dict
        Number of findings per rule, in the order to be shown.
    """
    first: dict[str, Any] = {}
    for finding in findings:
        first.setdefault(finding.rule, finding)
        if len(first) == len(counts):
            break
    return [
        (rule, first[rule].severity, n, _located(first[rule]), first[rule].hint) for rule, n in counts.items()
    ]


def _located(finding: Any) -> str:
    place = "" if finding.row is None else f"row {finding.row}"
    where = ", ".join(filter(None, (place, finding.field)))
    return f"{where}: {finding.message}" if where else str(finding.message)
