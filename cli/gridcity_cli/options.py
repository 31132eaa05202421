"""The options that several commands share, each declared once, and the command class they use."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pathlib import Path

    from gridcity.city import City

F = TypeVar("F", bound=Callable[..., Any])

DATUMS = ("cgcs2000", "wgs84", "gcj02", "bd09")

_NEGATIVE = r"-\.?[0-9][-+0-9.,，eE]*"


class Command(click.Command):
    """A command that takes negative numbers as values and shows its examples first.

    Parameters
    ----------
    examples : str
        Command lines, one a line.
    """

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; a blank keeps ``-77.03`` from being read as an option.

        click's own `ignore_unknown_options` would do it too, and lose "did you mean" for options.
        """
        return super().parse_args(ctx, [f" {arg}" if _is_negative(arg) else arg for arg in args])

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then what the command does."""
        with formatter.section("Examples"):
            for line in self.examples.strip().splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line.strip()}\n")
        super().format_help_text(ctx, formatter)


def _is_negative(arg: str) -> bool:
    return arg.startswith("-") and not arg.startswith("--") and bool(re.fullmatch(_NEGATIVE, arg))


def command(name: str, examples: str) -> Callable[[Callable[..., Any]], Command]:
    """Declare a command of the class above."""
    return click.command(name, cls=Command, examples=examples, no_args_is_help=False)


def read_number(text: str, name: str) -> float:
    """Return a finite number.

    Raises
    ------
    ValueError
        The text is something else; the message says what and what to write.
    """
    stripped = text.strip()
    if not stripped.isascii():
        import unicodedata

        if any(unicodedata.east_asian_width(c) == "F" for c in stripped):
            raise ValueError(
                f"{name} {stripped!r} is written in full-width characters; write half-width 0-9 . , -"
            )
    try:
        # float() also takes 1_000 and the digits of other scripts.
        number = float(stripped) if stripped.isascii() and "_" not in stripped else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} {stripped!r} is not a finite number" if stripped else f"{name} is empty")
    return number


def check_range(lng: float, lat: float) -> None:
    """Raise ValueError when a longitude or latitude is none."""
    for name, value, limit in (("lng", lng, 180), ("lat", lat, 90)):
        if abs(value) > limit:
            raise ValueError(f"{name} {value:.12g} is outside -{limit}..{limit}; longitude comes first")


class Number(click.ParamType):  # type: ignore[type-arg]  # generic in newer clicks only
    """A finite number, at least ``least``."""

    name = "number"

    def __init__(self, least: float = -math.inf) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the number, or refuse it as a usage error."""
        try:
            number = read_number(str(value), "the number")
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        if number < self.least:
            self.fail(f"{number:g} is below {self.least:g}.", param, ctx)
        return number


class Day(click.ParamType):  # type: ignore[type-arg]
    """A date written YYYY-MM-DD, kept as text."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read the date, or refuse it as a usage error."""
        from datetime import date

        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError:
            self.fail(f"{value!r} is not a date; write YYYY-MM-DD.", param, ctx)


def _known_edition(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        from gridcity.codes import edition
        from gridcity.errors import CodeError

        try:
            edition(value)
        except CodeError as error:
            raise click.BadParameter(str(error), ctx, param) from error
    return value


def _known_encoding(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        try:
            "a".encode(value)
        except (LookupError, ValueError) as error:
            raise click.BadParameter(
                f"there is no text encoding {value!r}; name one such as GB18030, UTF-8 or Big5.", ctx, param
            ) from error
    return value


def file_path(_: click.Context, __: click.Parameter, given: str | None) -> Path | None:
    """Return the path of a file; an empty one would be the folder that the shell stands in."""
    if given == "":
        raise click.BadParameter("The name of the file is empty; is a variable of the shell not set?")
    if given is None:
        return None
    # The one question from a shell takes no file, and pathlib takes as long to load as SQLite.
    from pathlib import Path

    return Path(given)


def _pairs(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return FIELD=COLUMN as pairs."""
    for text in given:
        if not all(text.partition("=")):
            raise click.BadParameter(f"{text!r} is not FIELD=COLUMN.")
    return tuple((text.partition("=")[0], text.partition("=")[2]) for text in given)


def _city(required: bool) -> Callable[[F], F]:
    return click.option(
        "--city",
        "city_path",
        type=click.Path(),
        envvar="GRIDCITY_CITY",
        show_envvar=True,
        required=required,
        metavar="CITY.gpkg",
        help="The city's store.",
    )


city_option = _city(required=True)
optional_city_option = _city(required=False)
edition_option = click.option(
    "--edition", callback=_known_edition, metavar="NAME", help="Edition of the codes, e.g. gbt47678.5-2026."
)
crs_option = click.option(
    "--crs", metavar="CODE", help="Reference system of the coordinates, e.g. EPSG:4548; longitude first."
)
datum_option = click.option(
    "--datum",
    type=click.Choice(DATUMS),
    help="Datum of longitude and latitude; gcj02 for web maps and phones in China.",
)
encoding_option = click.option(
    "--encoding", callback=_known_encoding, metavar="NAME", help="Encoding of the text, e.g. gb18030."
)
mapping_option = click.option(
    "--mapping",
    type=click.Path(),
    callback=file_path,
    metavar="FILE",
    help="TOML that says which column is which field, and translates values.",
)
map_option = click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    callback=_pairs,
    help="Column that fills a field; may be given several times, and goes before the mapping.",
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace what is there.")


def format_option(*formats: str, default: str | None = None) -> Callable[[F], F]:
    """Declare ``--format`` with the given choices; without a default the command chooses."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default=default,
        show_default=default is not None,
        help="How the answer is written.",
    )


def open_city(path: str | Path) -> City:
    """Open a city; nothing heavy is loaded."""
    from gridcity.city import City

    return City.open(path)
