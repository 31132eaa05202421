"""Points out: the rows as they came, with the answer of each beside them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import IO, Any

import click

from gridcity_cli.output import harmless, json_text, shown, table
from gridcity_cli.rows import Row, Rows

Answers = dict[str, list[Any]]
Placed = Iterable[tuple[list[Row], Answers]]

FORMATS = ("csv", "ndjson", "geojsonseq", "table")
TABLE_FIELDS = ("lng", "lat", "basis", "cell_code", "community_name", "class_name", "party_name", "step")

_SEPARATOR = "\x1e"


def plain(columns: dict[str, Any], rows: Sequence[Row], fields: Sequence[str]) -> Answers:
    """Return columns of `City.locate_many` as lists, None where there is nothing to say.

    Parameters
    ----------
    columns : dict of numpy arrays
    rows : sequence of Row
        The rows the columns answer; a bad one has no answer.
    fields : sequence of str
        The columns wanted.
    """
    bad = [bool(row.error) for row in rows]
    answers: Answers = {
        name: [
            None if none or value == -1 or value != value else value
            for none, value in zip(bad, columns[name].tolist(), strict=True)
        ]
        if columns[name].dtype.kind in "fi" and name not in ("lng", "lat")
        else [None if none else value for none, value in zip(bad, columns[name].tolist(), strict=True)]
        for name in fields
    }
    return answers | {"ok": [not none for none in bad], "error": [row.error for row in rows]}


def write_placed(output_format: str, placed: Placed, source: Rows, file: IO[str], *, eager: bool) -> None:
    """Write the rows of a stream as they are answered.

    Parameters
    ----------
    output_format : str
        One of `FORMATS`.
    placed : iterable
        Rows and their answers, chunk by chunk.
    source : Rows
        Where the rows came from; says which columns they have.
    eager : bool
        Send every chunk on its way at once.
    """
    writers: dict[str, Callable[[Placed, Rows, IO[str]], Iterator[None]]] = {
        "csv": _csv,
        "ndjson": _ndjson,
        "geojsonseq": _sequence,
        "table": _table,
    }
    for _ in writers[output_format](placed, source, file):
        if eager:
            file.flush()


def _csv(placed: Placed, source: Rows, file: IO[str]) -> Iterator[None]:
    # The input's own cells are given back as they came; the answers are texts of surveys, as in reports.
    writer = csv.writer(file, lineterminator="\n")
    columns: list[str] = []
    unknown: dict[str, None] = {}
    for rows, answers in placed:
        if not columns:
            columns = source.columns or list(dict.fromkeys(name for row in rows for name in flat(row)))
            writer.writerow([*columns, *renamed(answers, columns).values()])
        elif not source.columns:
            unknown |= dict.fromkeys(name for row in rows for name in flat(row) if name not in columns)
        texts = zip(*([harmless(value) for value in column] for column in answers.values()), strict=True)
        for row, text in zip(rows, texts, strict=True):
            writer.writerow([*_cells(row, columns), *text])
        yield
    if unknown:
        # The header was written before these members were first seen.
        click.echo(f"Not written, met too late for the header: {shown(', '.join(unknown))}", err=True)


def _cells(row: Row, columns: Sequence[str]) -> list[str]:
    if isinstance(row.record, list):
        return row.record
    members = flat(row)
    return [
        value if isinstance(value := members.get(name, ""), str) else json_text(value) for name in columns
    ]


def flat(row: Row) -> dict[str, Any]:
    """Return what a JSON row says, the properties of a feature among its members."""
    record: dict[str, Any] = row.record
    if record.get("type") != "Feature":
        return record
    return {**(record.get("properties") or {}), "geometry": record.get("geometry")}


def _ndjson(placed: Placed, source: Rows, file: IO[str]) -> Iterator[None]:
    keys = distinct(source.columns)
    names = _Names(keys)
    for rows, answers in placed:
        names.take(() if keys else (row.record for row in rows))
        for row, answer in _each(rows, answers):
            record = dict(zip(keys, row.record, strict=True)) if keys else row.record
            file.write(json_text(names.joined(record, answer)) + "\n")
        yield


def _sequence(placed: Placed, source: Rows, file: IO[str]) -> Iterator[None]:
    start = _SEPARATOR if source.separated else ""
    keys = distinct(source.columns)
    names = _Names(keys)
    for rows, answers in placed:
        names.take(() if keys else (flat(row) for row in rows))
        for row, answer in _each(rows, answers):
            if keys:
                feature = _point(row, dict(zip(keys, row.record, strict=True)))
            elif row.record.get("type") == "Feature":
                feature = dict(row.record)
            else:
                feature = _point(row, row.record)
            feature["properties"] = names.joined(feature.get("properties") or {}, answer)
            file.write(start + json_text(feature) + "\n")
        yield


def _point(row: Row, properties: dict[str, Any]) -> dict[str, Any]:
    geometry = None if row.error else {"type": "Point", "coordinates": [row.lng, row.lat]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _table(placed: Placed, source: Rows, file: IO[str]) -> Iterator[None]:
    # The width of a column is known when all rows are: this format is for few rows.
    lines: list[tuple[Any, ...]] = []
    columns: list[str] = []
    for rows, answers in placed:
        columns = ["line", *answers]
        lines += zip((row.line for row in rows), *answers.values(), strict=True)
        yield
    file.write(table(columns, lines) + "\n")


def _each(rows: Sequence[Row], answers: Answers) -> Iterator[tuple[Row, dict[str, Any]]]:
    for row, values in zip(rows, zip(*answers.values(), strict=True), strict=True):
        yield row, dict(zip(answers, values, strict=True))


def distinct(columns: Sequence[str]) -> list[str]:
    """Return the header of a CSV with each name once, for JSON; a repeated name gets its number.

    Examples
    --------
    >>> distinct(["name", "lng", "name"])
    ['name', 'lng', 'name_2']
    """
    seen: dict[str, int] = {}
    for name in columns:
        seen[name] = seen.get(name, 0) + 1
    names = list(columns)
    for name, n in seen.items():
        for number in range(n, 1, -1):
            last = len(names) - 1 - names[::-1].index(name)
            names[last] = f"{name}_{number}"
    return names


class _Names:
    """What the columns of the answer are called in JSON; once a name was taken by a row it stays taken."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def take(self, records: Iterable[dict[str, Any]]) -> None:
        for record in records:
            self._taken.update(record)

    def joined(self, record: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        names = renamed(answer, self._taken)
        return {**record, **{names[name]: value for name, value in answer.items()}}


def renamed(names: Iterable[str], taken: Collection[str]) -> dict[str, str]:
    """Return what each column is called beside the input's own columns, whose names come first."""
    return {name: f"gridcity_{name}" if name in taken else name for name in names}
