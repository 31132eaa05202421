"""`gridcity locate`: one point without heavy imports, or a stream of points."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import click

from gridcity.model import Placement
from gridcity_cli import options
from gridcity_cli.output import json_text, pairs, shown, write_csv

if TYPE_CHECKING:
    from io import BufferedReader

    from gridcity.city import City
    from gridcity_cli.inputs import Rows
    from gridcity_cli.rows import Chunk, Reader

CHUNK = 65_536
"""Rows of a stream answered together: enough that what each chunk costs does not show."""

IN_FORMATS = ("csv", "ndjson", "geojsonseq", "geojson")
OUT_FORMATS = ("table", "json", "ndjson", "csv", "geojsonseq")

EXAMPLES = """
gridcity locate 116.41520 39.93010 --city city.gpkg
gridcity locate 116.4152,39.9301 --class 井盖 --explain --city city.gpkg
gridcity locate web-map.csv --datum gcj02 --class-field class > located.csv
tail -f points.ndjson | gridcity locate - --line-buffered
"""

# What could be one token of coordinates; also with full-width forms and the underscores that float()
# would take, so that they are refused for what they are and not as a file that is missing.
_PAIR = r"[-+\s0-9._０-９．－]+[,，][-+\s0-9._０-９．－]+"


class Accuracy(options.Number):
    """A class of positional accuracy, or metres."""

    name = "accuracy"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the letter of a class; read the metres, or refuse them as a usage error."""
        from gridcity.profile import ACCURACY_M

        letter = str(value).strip().upper()
        return letter if letter in ACCURACY_M else super().convert(value, param, ctx)


class Question(NamedTuple):
    """What is asked about every point."""

    crs: str | None
    datum: str | None
    near_m: float
    radius_m: float | None
    class_text: str | None
    condition: str
    accuracy: str | float | None
    as_of: str | None

    def arguments(self) -> dict[str, Any]:
        """Return it as the keyword arguments of `City.locate` without class and condition."""
        return {
            "crs": self.crs,
            "datum": self.datum,
            "near_m": self.near_m,
            "radius_m": self.radius_m,
            "accuracy": self.accuracy,
            "as_of": self.as_of,
        }


@options.command("locate", EXAMPLES)
@click.argument("where", nargs=-1, required=True, metavar="LNG LAT | FILE | -")
@options.city_option
@click.option(
    "--class", "class_text", metavar="TEXT", help="Class asked about: a code, a name or a part of one."
)
@click.option("--class-field", metavar="COLUMN", help="Column that names the class of each row.")
@click.option("--condition", default="", metavar="TEXT", help="Condition of what happened: 破损, 缺失.")
@click.option("--condition-field", metavar="COLUMN", help="Column that names the condition of each row.")
@click.option(
    "--radius", "radius_m", type=options.Number(0), metavar="M",
    help="How many metres away a component of the class may be; by default as far as the components of "
    "the class stand apart in this city.",
)  # fmt: skip
@click.option(
    "--accuracy", type=Accuracy(0), metavar="A|B|C|M",
    help="How well the place is known: class A (0.5 m), B (1 m) or C (10 m), or metres; by default as the "
    "city's profile says.",
)  # fmt: skip
@click.option(
    "--near", "near_m", type=options.Number(0), default=0, show_default=True, metavar="M",
    help="Give a point outside every cell the nearest one within so many metres.",
)  # fmt: skip
@options.crs_option
@options.datum_option
@click.option("--as-of", type=options.Day(), metavar="DATE", help="Answer as of this day, YYYY-MM-DD.")
@click.option("--x", metavar="COLUMN", default="", help="Column of the longitude or easting.")
@click.option("--y", metavar="COLUMN", default="", help="Column of the latitude or northing.")
@click.option("--in-format", type=click.Choice(IN_FORMATS), help="What the input is, where it is not seen.")
@options.encoding_option
@options.format_option(*OUT_FORMATS)
@click.option("--fields", metavar="A,B,…", help="Which columns of the answer are written.")
@click.option("--explain", is_flag=True, help="Tell how the answer for one point was found, step by step.")
@click.option("--line-buffered", is_flag=True, help="Answer what has come, without waiting for more.")
@click.pass_context
def locate(
    ctx: click.Context,
    /,
    where: tuple[str, ...],
    city_path: str,
    output_format: str | None,
    fields: str | None,
    crs: str | None,
    datum: str | None,
    near_m: float,
    radius_m: float | None,
    class_text: str | None,
    condition: str,
    accuracy: str | float | None,
    as_of: str | None,
    explain: bool,
    **stream: Any,
) -> None:
    """Say in which cell a point lies, on what basis, and who must answer.

    One point is written as longitude and latitude. A file, or - for standard input, is a CSV with a
    header, JSON objects one a line, a GeoJSON text sequence or a feature collection; every row comes
    back in order with the answer beside it, and a bad row says what is wrong with it.
    """
    question = Question(crs, datum, near_m, radius_m, class_text, condition, accuracy, as_of)
    wanted = _fields(fields)
    point = _point(where)
    if explain:
        _check_explain(point, fields, output_format)
    if point is None:
        if output_format == "json":
            raise click.UsageError(
                "--format json is for one point; a stream is written with --format ndjson."
            )
        problems = _stream(where[0], city_path, question, wanted, output_format, **stream)
    else:
        chosen = None if explain else wanted or list(Placement.columns())
        problems = _one(point, city_path, question, chosen, output_format)
    ctx.exit(1 if problems else 0)


def _check_explain(point: tuple[str, str] | None, fields: str | None, output_format: str | None) -> None:
    """Refuse to explain what has no explanation."""
    if point is None:
        raise click.UsageError(
            "--explain is for one point; a stream has the columns passed, duty_place and across_party_name."
        )
    if fields:
        raise click.UsageError("--explain tells everything; leave --fields out.")
    if output_format not in (None, "table", "json"):
        raise click.UsageError("--explain is written as text (--format table) or JSON (--format json).")


def _fields(text: str | None) -> list[str]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    possible = Placement.columns()
    unknown = [name for name in names if name not in possible]
    if unknown:
        raise click.BadParameter(
            f"there is no column {unknown[0]!r}; possible: {', '.join(possible)}", param_hint="--fields"
        )
    return names


def _point(where: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the two numbers as typed, None where a file is meant."""
    if len(where) == 2:
        return where[0], where[1]
    if len(where) > 2:
        raise click.UsageError("Give one point as LNG LAT, or one FILE, or -.")
    if not re.fullmatch(_PAIR, where[0]):
        return None
    if "，" in where[0]:
        raise click.UsageError(f"{where[0]!r} has a full-width comma; write LNG,LAT with a half-width one.")
    lng, lat = where[0].split(",", 1)
    return lng, lat


def _one(
    point: tuple[str, str],
    path: str,
    question: Question,
    fields: list[str] | None,
    output_format: str | None,
) -> bool:
    """Answer one point, with its reasons where no fields are chosen; return whether it is outside."""
    try:
        lng, lat = (options.read_number(text, name) for text, name in zip(point, ("lng", "lat"), strict=True))
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error
    swappable = question.crs is None
    impossible = ""
    if swappable:
        try:
            options.check_range(lng, lat)
        except ValueError as error:
            impossible = f"{error}."
            if abs(lng) > 90 or abs(lat) > 180:  # no point with the axes swapped either
                raise click.UsageError(impossible) from error
    with options.open_city(path) as city:
        arguments = question.arguments()
        arguments |= {"class_text": question.class_text, "condition": question.condition}
        if impossible:
            if city.locate(lat, lng, **arguments).basis == "outside":
                raise click.UsageError(impossible)
            _say_swapped(lng, lat)
            return True
        told = city.justify(lng, lat, **arguments) if fields is None else None
        placement = told.placement if told else city.locate(lng, lat, **arguments)
        outside = placement.basis == "outside"
        if outside and swappable and abs(lng) <= 90 and city.locate(lat, lng, **arguments).basis != "outside":
            _say_swapped(lng, lat)
    if fields is None:
        assert told is not None
        sentences = "\n".join(shown(line) for line in told.sentences())
        click.echo(json_text(told.as_dict(), indent=2) if output_format == "json" else sentences)
        return outside
    _write_one(placement, fields, output_format or ("table" if sys.stdout.isatty() else "json"))
    return outside


def _say_swapped(lng: float, lat: float) -> None:
    click.echo(
        f"The coordinates look swapped (lat, lng?); try: gridcity locate {lat:.12g} {lng:.12g}", err=True
    )


def _write_one(placement: Placement, fields: list[str], output_format: str) -> None:
    everything = placement.as_dict()
    answer = {name: everything[name] for name in fields}
    if output_format == "table":
        click.echo(pairs(answer.items()))
    elif output_format == "csv":
        write_csv(sys.stdout, list(answer), [list(answer.values())])
    elif output_format == "geojsonseq":
        geometry = {"type": "Point", "coordinates": [placement.lng, placement.lat]}
        click.echo(json_text({"type": "Feature", "geometry": geometry, "properties": answer}))
    else:
        click.echo(json_text(answer, indent=2 if output_format == "json" else None))


def _stream(
    name: str,
    path: str,
    question: Question,
    fields: list[str],
    output_format: str | None,
    *,
    x: str,
    y: str,
    class_field: str | None,
    condition_field: str | None,
    in_format: str | None,
    encoding: str | None,
    line_buffered: bool,
) -> bool:
    """Answer a stream of points; return whether any row was bad or outside."""
    from gridcity_cli import placements
    from gridcity_cli.inputs import open_rows
    from gridcity_cli.rows import Reader

    if bool(x) != bool(y):
        raise click.UsageError("--x and --y belong together.")
    reader = Reader(x, y, class_field or "", condition_field or "", degrees=question.crs is None)
    with options.open_city(path) as city, _opened(name) as stream:
        rows = open_rows(stream, reader, in_format=in_format, encoding=encoding, eager=line_buffered)
        chosen = output_format or {"geojson": "geojsonseq"}.get(rows.format, rows.format)
        default = placements.TABLE_FIELDS if chosen == "table" else Placement.columns()
        counts = _Counts()
        placed = _placed(city, rows, question, fields or list(default), counts, line_buffered)
        placements.write_placed(chosen, placed, rows, sys.stdout, eager=line_buffered)
        located = counts.rows - counts.outside - counts.bad
        said = f"{counts.rows} rows: {located} located, {counts.outside} outside, {counts.bad} bad"
        click.echo(shown(said + _taken(reader, question, city.stored_epsg)), err=True)
        if not located and question.crs is None and _swapped(city, counts.astray, question):
            click.echo(
                "No row lies in the city, but the first one would with its coordinates swapped (lat, lng?); "
                "name the columns with --x and --y.",
                err=True,
            )
    return located < counts.rows


class _Counts:
    """What became of the rows of a stream, and the first point that lies outside."""

    def __init__(self) -> None:
        self.rows = self.outside = self.bad = 0
        self.astray: tuple[float, float] | None = None


def _swapped(city: City, point: tuple[float, float] | None, question: Question) -> bool:
    """Return whether a point would lie in the city with its coordinates swapped."""
    if point is None or abs(point[0]) > 90:
        return False
    return city.locate(point[1], point[0], **question.arguments()).basis != "outside"


def _taken(reader: Reader, question: Question, stored: int) -> str:
    """Return from which columns the coordinates came, and what they were taken for."""
    from gridcity.crs import DATUMS, reference_system

    hint = ""
    if question.crs is not None:
        system = reference_system(question.crs, question.datum).name
    elif question.datum is not None:
        system = DATUMS[question.datum]
    else:
        system = f"EPSG:{stored}"
        if stored == 4490:
            hint = "; web maps and phones in China need --datum gcj02"
    return f" ({' or '.join(reader.taken)} as {system}{hint})" if reader.taken else ""


def _opened(name: str) -> BufferedReader:
    from pathlib import Path

    from gridcity.errors import SourceError, SourceNotFoundError

    if name == "-":
        if sys.stdin is None:
            raise SourceError("There is no standard input: it is closed.", hint="Name a file.")
        return cast("BufferedReader", sys.stdin.buffer)
    path = Path(name)
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"There is no file {shown(name)}.", hint="Check the path.") from error
    except OSError as error:
        raise SourceError(f"{shown(name)} cannot be read: {error.strerror}.") from error


def _placed(
    city: City, rows: Rows, question: Question, fields: list[str], counts: _Counts, eager: bool
) -> Iterator[tuple[Chunk, dict[str, Any]]]:
    """Locate the rows chunk by chunk; the columns are those of ``fields``."""
    from gridcity.locating import wanted

    # Of many classes a wrong one costs its rows; the one of --class costs the call.
    wanted(question.class_text or "", city.profile)
    asked = list(dict.fromkeys([*fields, "basis"]))
    for chunk in rows.chunks(CHUNK, eager=eager):
        _refuse_unknown_classes(city, chunk)
        one = question.class_text
        texts = one if chunk.classes is None else [text or one or "" for text in chunk.classes]
        same = question.condition
        conditions = same if chunk.conditions is None else [text or same for text in chunk.conditions]
        columns = city.locate_many(
            chunk.lng,
            chunk.lat,
            class_text=texts,
            condition=conditions,
            columns=asked,
            **question.arguments(),
        )
        outside = columns["basis"] == "outside"
        bad = len(chunk.errors)
        counts.rows += len(chunk)
        counts.bad += bad
        counts.outside += int(outside.sum()) - bad
        if counts.astray is None and counts.outside:
            first = int((outside & (chunk.lng == chunk.lng)).argmax())
            counts.astray = float(chunk.lng[first]), float(chunk.lat[first])
        yield chunk, {name: columns[name] for name in fields}


def _refuse_unknown_classes(city: City, chunk: Chunk) -> None:
    """Make rows bad ones whose class the city does not know; each distinct class is asked once."""
    from gridcity.errors import ArgumentError
    from gridcity.locating import wanted

    problems = {}
    for text in set(chunk.classes or ()):
        try:
            wanted(text, city.profile)
        except ArgumentError as error:
            problems[text] = f"{error.message} {error.hint}"
    if problems and chunk.classes:
        for i, text in enumerate(chunk.classes):
            if text in problems:
                chunk.refuse(i, problems[text])
