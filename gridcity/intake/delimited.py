"""Text tables (CSV, TSV, semicolons), with or without coordinates in two of their columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake.encoding import decode_text, report_unreadable
from gridcity.intake.geometry import no_geometry
from gridcity.intake.table import Column, Numbers, Table, column_names, per_distinct, record_numbers

__all__ = ["COORDINATE_NAMES", "read_delimited"]

_SEPARATORS = ",;\t"
_HEADER_CHARACTERS = 100_000
_NUMBER = r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*"
# The names under which coordinates are commonly exported, eastward before northward.
COORDINATE_NAMES = (
    ("lng", "lat"),
    ("lon", "lat"),
    ("long", "lat"),
    ("longitude", "latitude"),
    ("经度", "纬度"),
    ("x", "y"),
    ("point_x", "point_y"),
    ("pointx", "pointy"),
    ("xcoord", "ycoord"),
    ("x坐标", "y坐标"),
)


def read_delimited(
    path: Path,
    *,
    encoding: str | None = None,
    x: str | None = None,
    y: str | None = None,
    geometry: bool = True,
) -> Table:
    """Read a text table whose first line names the columns.

    Parameters
    ----------
    path : pathlib.Path
        The file; comma, semicolon or tab separates, by what parts the first line most.
    encoding : str, optional
        Encoding of the text, where the bytes should not decide.
    x, y : str, optional
        Columns of the coordinates, eastward and northward; known names are found without.
    geometry : bool, optional
        Whether the rows have coordinates (default); parties and duties have none.

    Raises
    ------
    SourceError
        The file is binary, a line has another number of values than the first, a column's name
        stands twice, or the columns of the coordinates are not named or not to be told.
    """
    data = path.read_bytes()
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{path.name} is no text: it begins with {data[:12]!r}.", hint="Export it as CSV.")
    text, settled = decode_text(data, wanted=encoding)
    header, content = _parsed(text, path.name)
    names = column_names([name.strip() for name in header], path.name)
    rows = record_numbers(len(content))
    values: list[Sequence[str]] = list(zip(*content, strict=True)) or [()] * len(names)
    findings = Findings()
    columns = {
        name: per_distinct(column, lambda value: value.rstrip(" \0"))
        for name, column in zip(names, values, strict=True)
    }
    columns = report_unreadable(columns, rows, settled.name, findings)
    shapes = no_geometry(len(rows))
    used = _coordinate_columns(names, x, y, path.name) if geometry else None
    if used:
        shapes = _points(columns, used, rows, findings)
    return Table(
        columns=columns,
        geometry=shapes,
        rows=rows,
        layer=path.stem,
        driver="CSV",
        encoding=settled.name,
        evidence=settled.evidence,
        coordinate_columns=used or (),
        findings=findings,
    )


def _parsed(text: str, where: str) -> tuple[list[str], list[list[str]]]:
    """Return the header and the records; blank lines are no records."""
    beginning = text.lstrip("\r\n")[:_HEADER_CHARACTERS]
    separator = max(_SEPARATORS, key=lambda mark: _width(beginning, mark))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header: list[str] = []
    records: list[list[str]] = []
    try:
        for record in reader:
            if not record:
                continue
            if not header:
                header = record
            elif len(record) == len(header):
                records.append(record)
            else:
                raise SourceError(
                    f"line {reader.line_num} of {where} has {len(record)} values, the header {len(header)}.",
                    hint="Check the separators and quotation marks of that line.",
                )
    except csv.Error as problem:
        raise SourceError(
            f"line {reader.line_num} of {where} cannot be read: {problem}.",
            hint="Check the quotation marks of that line.",
        ) from problem
    if not header:
        raise SourceError(f"{where} has no line that names its columns.", hint="Give it a header.")
    return header, records


def _width(text: str, separator: str) -> int:
    """Return the number of columns that a separator makes of the first line."""
    try:
        return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), []))
    except csv.Error:
        return 0


def _coordinate_columns(names: list[str], x: str | None, y: str | None, where: str) -> tuple[str, str]:
    if x is not None and y is not None:
        for wanted in (x, y):
            if wanted not in names:
                near = ", ".join(get_close_matches(wanted, names, n=3, cutoff=0.5)) or ", ".join(names)
                raise SourceError(
                    f"{where} has no column {wanted!r}; nearest: {near}.", hint="Correct --x or --y."
                )
        return x, y
    if x is not None or y is not None:
        raise SourceError(
            f"of the coordinates of {where} only one column is named.", hint="Name both with --x and --y."
        )
    folded = {name.strip().casefold(): name for name in names}
    pairs = [(folded[a], folded[b]) for a, b in COORDINATE_NAMES if a in folded and b in folded]
    if len(pairs) != 1:
        seen = " or ".join(f"{a}, {b}" for a, b in pairs) or f"none of {', '.join(names)}"
        raise SourceError(
            f"the columns of the coordinates of {where} are not to be told: {seen}.",
            hint="Name them with --x and --y.",
        )
    return pairs[0]


def _points(columns: dict[str, Column], used: tuple[str, str], rows: Numbers, findings: Findings) -> Column:
    import shapely

    numbers = []
    written = np.zeros(len(rows), dtype=bool)
    wrong = np.zeros(len(rows), dtype=bool)
    for name in used:
        column = columns[name]
        filled = np.not_equal(column, "").astype(bool)
        number = _numbers(column)
        bad = filled & ~np.isfinite(number)
        findings.add("coordinate-not-finite", rows[bad].tolist(), field=name, values=column[bad].tolist())
        numbers.append(number)
        written |= filled
        wrong |= bad
    shapes = no_geometry(len(rows))
    good = np.isfinite(numbers[0]) & np.isfinite(numbers[1])
    half = written & ~good & ~wrong
    findings.add("coordinate-not-finite", rows[half].tolist(), values="one coordinate without the other")
    shapes[good] = shapely.points(np.stack([number[good] for number in numbers], axis=1))
    return shapes


def _numbers(column: Column) -> npt.NDArray[np.float64]:
    """Return the column as numbers, NaN where it holds none."""
    import pandas as pd

    texts = pd.Series(column, dtype=object)
    # Python also reads 1_000 and full-width digits as numbers; in a survey they are slips of the pen.
    plain = texts.str.fullmatch(_NUMBER).to_numpy(dtype=bool)
    return np.where(plain, column, "nan").astype(np.float64)
