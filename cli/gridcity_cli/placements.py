"""Points out: the rows as they came, with the answer of each beside them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import IO, Any

import click

from gridcity_cli.answers import AnswerTexts, Texts, answer_values
from gridcity_cli.csv_text import line_text
from gridcity_cli.inputs import Rows
from gridcity_cli.json_rows import SEPARATOR
from gridcity_cli.output import json_text, shown, table
from gridcity_cli.rows import Chunk

Placed = Iterable[tuple[Chunk, dict[str, Any]]]

FORMATS = ("csv", "ndjson", "geojsonseq", "table")
TABLE_FIELDS = ("lng", "lat", "basis", "cell_code", "community_name", "class_name", "party_name", "step")

# Lines that become one text on the way out: it fits into the memory next to the processor.
_WRITTEN = 2048


def write_placed(output_format: str, placed: Placed, source: Rows, file: IO[str], *, eager: bool) -> None:
    """Write the rows of a stream as they are answered.

    Parameters
    ----------
    output_format : str
        One of `FORMATS`.
    placed : iterable
        Rows and their answers chunk by chunk, these as columns of `City.locate_many`.
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
    written = AnswerTexts()
    columns: list[str] | None = None
    unknown: dict[str, None] = {}
    for chunk, answers in placed:
        texts = written.of(answers, chunk.errors)
        members = [] if source.columns else list(dict.fromkeys(chain.from_iterable(map(flat, chunk.own))))
        if columns is None:
            columns = source.columns or members
            file.write(line_text([*columns, *renamed(texts, columns).values()]) + "\n")
        unknown |= dict.fromkeys(name for name in members if name not in columns)
        own = chunk.own if source.columns else [line_text(_cells(record, columns)) for record in chunk.own]
        lines = _joined([*([own] if columns else []), *texts.values()], len(chunk))
        while text := "\n".join(islice(lines, _WRITTEN)):
            file.write(text + "\n")
        yield
    if unknown:
        # The header was written before these members were first seen.
        click.echo(f"Not written, met too late for the header: {shown(', '.join(unknown))}", err=True)


def _joined(columns: Iterable[Texts], n: int) -> Iterator[str]:
    """Return n lines of CSV; texts that all lines share are put together once."""
    merged: list[Texts] = []
    for column in columns:
        if isinstance(column, str) and merged and isinstance(merged[-1], str):
            merged[-1] = f"{merged[-1]},{column}"
        else:
            merged.append(column)
    return map(
        ",".join,
        zip(*(repeat(column, n) if isinstance(column, str) else column for column in merged), strict=True),
    )


def _cells(record: dict[str, Any], columns: Sequence[str]) -> list[str]:
    members = flat(record)
    return [
        value if isinstance(value := members.get(name, ""), str) else json_text(value) for name in columns
    ]


def flat(record: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a JSON row, the properties of a feature among them."""
    if record.get("type") != "Feature":
        return record
    return {**(record.get("properties") or {}), "geometry": record.get("geometry")}


def _records(chunk: Chunk, keys: Sequence[str]) -> Iterable[dict[str, Any]]:
    """Return rows as JSON objects, the cells of a CSV under these keys."""
    if not keys:
        return chunk.own
    return (dict(zip(keys, cells, strict=True)) for cells in csv.reader(chunk.own))


def _ndjson(placed: Placed, source: Rows, file: IO[str]) -> Iterator[None]:
    keys = distinct(source.columns)
    names = _Names(keys)
    for chunk, columns in placed:
        names.take(() if keys else chunk.own)
        for record, answer in zip(_records(chunk, keys), _each(chunk, columns), strict=True):
            file.write(json_text(names.joined(record, answer)) + "\n")
        yield


def _sequence(placed: Placed, source: Rows, file: IO[str]) -> Iterator[None]:
    start = SEPARATOR if source.separated else ""
    keys = distinct(source.columns)
    names = _Names(keys)
    for chunk, columns in placed:
        names.take(() if keys else map(flat, chunk.own))
        places = zip(chunk.lng.tolist(), chunk.lat.tolist(), strict=True)
        for i, (record, place, answer) in enumerate(
            zip(_records(chunk, keys), places, _each(chunk, columns), strict=True)
        ):
            feature = dict(record)
            if keys or record.get("type") != "Feature":
                geometry = None if i in chunk.errors else {"type": "Point", "coordinates": list(place)}
                feature = {"type": "Feature", "geometry": geometry, "properties": record}
            feature["properties"] = names.joined(feature.get("properties") or {}, answer)
            file.write(start + json_text(feature) + "\n")
        yield


def _table(placed: Placed, source: Rows, file: IO[str]) -> Iterator[None]:
    # The width of a column is known when all rows are: this format is for few rows.
    lines: list[tuple[Any, ...]] = []
    names: list[str] = []
    for chunk, columns in placed:
        values = answer_values(columns, chunk.errors)
        names = ["line", *values]
        lines += zip(chunk.lines, *values.values(), strict=True)
        yield
    file.write(table(names, lines) + "\n")


def _each(chunk: Chunk, columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the answer of each row as members of JSON."""
    values = answer_values(columns, chunk.errors)
    for row in zip(*values.values(), strict=True):
        yield dict(zip(values, row, strict=True))


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
