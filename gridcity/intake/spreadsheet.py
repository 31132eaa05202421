"""One sheet of an Excel workbook (.xlsx) as a table of text, read by openpyxl."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import numpy as np

from gridcity.errors import MissingPackageError, SourceError
from gridcity.findings import Findings
from gridcity.intake.archive import check_limits
from gridcity.intake.delimited import header_names
from gridcity.intake.gathering import Gathered
from gridcity.intake.geometry import no_geometry
from gridcity.intake.places import find_places
from gridcity.intake.table import Column, Table, record_numbers
from gridcity.intake.unreadable import report_unreadable

if TYPE_CHECKING:
    from openpyxl.worksheet._reader import WorkSheetParser

__all__ = ["read_spreadsheet", "sheet_names"]

_DIGITS_KEPT = 15
# Formats of days that Chinese Excel writes by number alone (ECMA-376 part 1, 18.8.30), openpyxl has none.
_CHINESE_DAYS = {*range(27, 37), *range(50, 59)}
_SAVE_AGAIN = "Open it in a spreadsheet program and save it as .xlsx again."
# What openpyxl raises for damage (RuntimeError: an encrypted part; TypeError and AttributeError: XML that
# is no workbook's; OSError: no workbook in the zip).
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ParseError, RuntimeError),
    *(ValueError, TypeError, AttributeError, LookupError, ArithmeticError),
)
_Range = tuple[int, int, int, int]


@dataclass(slots=True)
class _Rows:
    """The rows of a sheet that are not empty; places are (row from 0, column from 0), doubts by rule."""

    lines: list[int] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    doubts: dict[str, dict[tuple[int, int], str]] = field(default_factory=dict)
    formulas: int = 0
    merged: list[_Range] = field(default_factory=list)


def sheet_names(path: Path) -> tuple[str, ...]:
    """Return the names of the sheets that are neither hidden nor empty.

    Raises
    ------
    MissingPackageError
        openpyxl or defusedxml is not installed.
    SourceError
        The file is no workbook that can be read.
    """
    with _opened(path) as sheets:
        return tuple(sheet.title for sheet in _visible(sheets))


def read_spreadsheet(
    path: Path, *, layer: str | None = None, x: str | None = None, y: str | None = None, geometry: bool = True
) -> Table:
    """Read one sheet whose first row that is not empty names the columns; empty rows are no records.

    Every value is text: whole numbers without ``.0``, dates as ``YYYY-MM-DD``, formulas as what they last
    gave. Merged cells below the header all have the value that they show.

    Parameters
    ----------
    path : pathlib.Path
        The workbook.
    layer : str, optional
        Name of the sheet, where there are several; a hidden one is read only when it is named.
    x, y : str, optional
        Columns of the coordinates, as for a text table.
    geometry : bool, optional
        Whether the rows have places (default); parties and duties have none.

    Raises
    ------
    MissingPackageError
        openpyxl or defusedxml is not installed.
    SourceError
        The file is no workbook that can be read, has no or several sheets that are meant, its header is
        merged or names nothing, or the columns of the coordinates are not to be told.
    """
    findings = Findings()
    with _opened(path) as sheets:
        sheet = _chosen(sheets, layer, path.name)
        held = _read(sheet)
    where = f"sheet {sheet.title} of {path.name}"
    if not held.texts:
        raise SourceError(f"{where} is empty.", hint="Deliver the file again.")
    cells = list(zip_longest(*held.texts, fillvalue=""))
    merged = _merged_records(held, len(cells), where)
    names = header_names([column[0] for column in cells], where)
    gathered = Gathered()
    gathered.add({name: column[1:] for name, column in zip(names, cells, strict=True)}, len(held.texts) - 1)
    rows = record_numbers(gathered.rows)
    _report(held, names, findings)
    columns = gathered.columns()
    _fill(columns, names, merged, findings)
    columns = report_unreadable(columns, rows, "utf-8", findings)
    hidden = [other.title for other in sheets if other.sheet_state != "visible" and other is not sheet]
    if hidden:
        findings.add("sheet-hidden", [None], values=", ".join(hidden))
    shapes, used = no_geometry(len(rows)), tuple[str, ...]()
    if geometry:
        shapes, used = find_places(columns, rows, x, y, path.name, findings)
    return Table(
        columns=columns,
        geometry=shapes,
        rows=rows,
        layer=sheet.title,
        driver="XLSX",
        encoding="UTF-8",
        evidence="an Excel workbook is UTF-8",
        coordinate_columns=used,
        findings=findings,
    )


@contextmanager
def _opened(path: Path) -> Iterator[list[Any]]:
    """Open a workbook for one reading of its sheets; whatever is damaged in it is a SourceError."""
    try:
        import openpyxl

        if not openpyxl.DEFUSEDXML:  # without it openpyxl expands entities
            raise ImportError(name="defusedxml")
    except ImportError as error:
        raise MissingPackageError(
            f"Reading {path.name} needs {error.name}, which is not installed.",
            hint='Install it: pip install "gridcity[excel]"',
        ) from error
    with path.open("rb") as file, warnings.catch_warnings():
        # openpyxl warns of what it would not write again: charts, extensions, styles.
        warnings.simplefilter("ignore")
        try:
            with zipfile.ZipFile(file) as zipped:
                check_limits(zipped, path.name, _SAVE_AGAIN)
            yield openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False).worksheets
        except SourceError:
            raise
        except _DAMAGE as problem:
            raise SourceError(
                f"{path.name} is refused: it is no workbook that can be read "
                f"({problem.__cause__ or problem}).",
                hint=_SAVE_AGAIN,
            ) from problem


def _parser(sheet: Any, part: Any) -> WorkSheetParser:
    """Return openpyxl's parser of a sheet, each of whose cells also says whether it has a formula.

    The sheets that openpyxl reads row by row do not give their merged cells, and a value or its formula,
    not both; whole ones take four times the memory, and a merged range over a whole sheet all there is.
    The parser below both has everything in one reading; openpyxl does not promise to keep its name.
    """
    from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

    class Parser(WorkSheetParser):
        def parse_cell(self, element: Any) -> dict[str, Any]:
            return super().parse_cell(element) | {"formula": element.find(FORMULA_TAG) is not None}

    book = sheet.parent
    days = {at for at, style in enumerate(book._cell_styles) if style.numFmtId in _CHINESE_DAYS}
    return Parser(
        part,
        sheet._shared_strings,
        data_only=True,
        epoch=book.epoch,
        date_formats=book._date_formats | days,
        timedelta_formats=book._timedelta_formats,
    )


def _visible(sheets: list[Any]) -> list[Any]:
    """Return the sheets that a person sees something in."""
    return [sheet for sheet in sheets if sheet.sheet_state == "visible" and _is_filled(sheet)]


def _is_filled(sheet: Any) -> bool:
    with sheet._get_source() as part:
        rows = _parser(sheet, part).parse()
        return any(cell["value"] is not None or cell["formula"] for _, cells in rows for cell in cells)


def _chosen(sheets: list[Any], wanted: str | None, where: str) -> Any:
    if wanted is not None:
        for sheet in sheets:
            if sheet.title == wanted:
                return sheet
        names = ", ".join(sheet.title for sheet in sheets)
        raise SourceError(
            f"{where} has no sheet {wanted!r}; it has {names}.", hint="Choose one with --layer."
        )
    visible = _visible(sheets)
    if len(visible) == 1:
        return visible[0]
    names = ", ".join(sheet.title for sheet in visible) or "none that is visible and filled"
    raise SourceError(f"{where} has {len(visible)} sheets: {names}.", hint="Choose one with --layer.")


def _read(sheet: Any) -> _Rows:
    held = _Rows()
    zeros = _zeros(sheet.parent)
    with sheet._get_source() as part:
        parser = _parser(sheet, part)
        for line, cells in parser.parse():
            texts: list[str] = []
            for cell in cells:
                text, rule = _cell_text(cell, zeros)
                held.formulas += cell["formula"]
                if rule:
                    held.doubts.setdefault(rule, {})[len(held.texts), cell["column"] - 1] = text
                if text or rule:
                    texts += [""] * (cell["column"] - len(texts))
                    texts[cell["column"] - 1] = "" if rule == "cell-error" else text
            if texts:
                held.lines.append(line)
                held.texts.append(texts)
    if parser.merged_cells is not None:
        held.merged = [cells.bounds for cells in parser.merged_cells.mergeCell]
    return held


def _zeros(book: Any) -> dict[int, int]:
    """Return to how many digits formats such as ``0000`` fill a number up, by the number of their style."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS_MAX_SIZE as FIRST_OWN

    return {
        at: len(book._number_formats[style.numFmtId - FIRST_OWN])
        for at, style in enumerate(book._cell_styles)
        if style.numFmtId >= FIRST_OWN and set(book._number_formats[style.numFmtId - FIRST_OWN]) == {"0"}
    }


def _cell_text(cell: Mapping[str, Any], zeros: Mapping[int, int]) -> tuple[str, str]:
    """Return a cell's text, and the rule by which it is in doubt."""
    value, kind = cell["value"], cell["data_type"]
    if value is None:
        # A formula that gave an empty text says that it gave a text.
        return "", "formula-uncomputed" if cell["formula"] and kind != "str" else ""
    if isinstance(value, str):
        if "_x" in value:
            from openpyxl.utils.escape import unescape

            value = unescape(value)
        return value, "cell-error" if kind == "e" else ""
    if isinstance(value, bool):
        return str(value).upper(), ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds").removesuffix(" 00:00:00"), ""
    if isinstance(value, time):
        return value.isoformat("seconds"), ""
    if not isinstance(value, int | float):
        return str(value), ""
    if abs(value) >= 10**_DIGITS_KEPT:
        return str(value), "number-digits"
    text = format(Decimal(f"{value:.{_DIGITS_KEPT}g}"), "f")
    return text.zfill(zeros.get(cell["style_id"], 0)) if text.isdigit() else text, ""


def _report(held: _Rows, names: list[str], findings: Findings) -> None:
    """Report the cells below the header whose value is in doubt."""
    for rule, cells in held.doubts.items():
        for at, name in enumerate(names):
            found = {row: value for (row, column), value in cells.items() if column == at and row > 0}
            findings.add(rule, list(found), field=name, values=list(found.values()))
    if held.formulas:
        findings.add("formula-value", [None], values=str(held.formulas))


def _merged_records(held: _Rows, width: int, where: str) -> list[_Range]:
    """Return the merged cells below the header: first column, first record, last column, end of records.

    Raises
    ------
    SourceError
        Cells of the header are merged, or merged cells overlap, which no program writes.
    """
    lines = np.array(held.lines[1:], dtype=np.int64)
    found: list[_Range] = []
    for left, top, right, bottom in held.merged:
        if top <= held.lines[0] <= bottom:
            raise SourceError(
                f"cells of the header of {where} are merged: rows {top} to {bottom}, "
                f"columns {left} to {right}.",
                hint="Leave titles out, unmerge the cells, and give every column a name of its own.",
            )
        first, end = np.searchsorted(lines, [top, bottom + 1]).tolist()
        if end > first and left <= width:
            found.append((left - 1, first, min(right, width) - 1, end))
    if sum((end - first) * (right - left + 1) for left, first, right, end in found) > len(lines) * width:
        raise SourceError(f"merged cells of {where} overlap.", hint="Deliver the file again.")
    return found


def _fill(columns: dict[str, Column], names: list[str], merged: list[_Range], findings: Findings) -> None:
    for left, first, right, end in merged:
        value = columns[names[left]][first]
        for at in range(left, right + 1):
            columns[names[at]][first:end] = value
    if merged:
        findings.add("cells-merged", [None], values=str(len(merged)))
