"""The entry point: the table of commands, the exit codes, and how errors become sentences.

===  ==========================================================================================
0    done
1    done, but the data has problems: rows rejected, points outside, invalid codes, findings
2    the command was typed wrong
3    it could not be done: a file refused, no city, a full disk
130  interrupted
141  the reader closed the pipe
===  ==========================================================================================
"""

from __future__ import annotations

import gc
import io
import os
import sys
import warnings
from typing import IO, Any, NoReturn

import click

import gridcity
from gridcity.errors import GridcityError
from gridcity_cli.output import shown

COULD_NOT = 3
INTERRUPTED = 130
PIPE_CLOSED = 141

# Drivers of GDAL that fetch addresses, open other files, or read XML that can: a source file that is
# one of these in disguise is not opened at all. pyogrio must see the list before it is imported.
SKIPPED_DRIVERS = (
    "OGR_VRT,GDALG,HTTP,WFS,OAPIF,OGCAPI,CSW,EEDA,PLSCENES,AmigoCloud,Carto,Elasticsearch,NGW,ADBC,"
    "AIVector,GML,KML,LIBKML,GeoRSS,GPX"
)

# name: (module in gridcity_cli.commands, attribute, summary); a module is loaded when its command runs.
COMMANDS = {
    "init": ("init", "init", "Make a new city from a profile."),
    "inspect": ("inspect", "inspect", "Say what a file is, before it is imported."),
    "import": ("import_", "import_", "Bring rows in: areas, cells, components, parties, duties."),
    "mapping": ("mapping", "mapping", "Write a mapping for a file, to be completed."),
    "lookup": ("lookup", "lookup", "Explain codes: every reading, every part."),
    "catalogue": ("catalogue", "catalogue", "List or search the classes of an edition."),
    "locate": ("locate", "locate", "Find the cell of a point, or of a stream of points, and who answers."),
    "repeats": ("repeats", "repeats", "Find the reports that repeat an earlier one."),
    "check": ("check", "check", "Look for what is wrong in the stored city."),
    "report": ("report", "report", "Counts of the inventory as table, CSV, JSON or HTML."),
    "export": ("export", "export", "Write the inventory as GeoPackage, CSV, GeoJSON or shapefile."),
    "log": ("log", "log", "List what was written: imports, ends and undos."),
    "history": ("history", "history", "Tell what happened to one object."),
    "undo": ("undo", "undo", "Take the latest import back."),
    "retire": ("retire", "retire", "End one component, cell or party."),
    "demo": ("demo", "demo", "Build a sample city step by step."),
}


class Failure(click.ClickException):
    """Something could not be done: one line that says what, one that says what to do next."""

    exit_code = COULD_NOT

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        """Write both lines to stderr."""
        target = file or sys.stderr
        click.echo(f"Error: {shown(self.message)}", file=target)
        if self.hint:
            click.echo(f"Hint: {shown(self.hint)}", file=target)


class Commands(click.Group):
    """The group `gridcity`, which loads a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order a new user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, summary = COMMANDS[cmd_name]
        name = f"gridcity_cli.commands.{module}"
        # __import__ and not importlib: the cold path loads nothing it can do without.
        command: click.Command = getattr(__import__(name, fromlist=[attribute]), attribute)
        command.short_help = summary
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; every error becomes its exit code here and nowhere else."""
        if sys.stdout is None:
            raise Failure("There is no standard output: it is closed.", "Send it to a file, or to /dev/null.")
        try:
            result = super().invoke(ctx)
            # Inside the try: a full disk or a closed pipe may show only now.
            sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            _drop_stdout()
            raise click.exceptions.Exit(PIPE_CLOSED) from None
        except KeyboardInterrupt as interrupt:
            # A command that knows what became of its work says so in the exception.
            click.echo("; ".join(["Interrupted", *map(str, interrupt.args)]) + ".", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        except Exception as error:  # the last line before the user
            _drop_stdout()
            if ctx.params.get("debug"):
                sys.excepthook(type(error), error, error.__traceback__)
            raise _failure(error) from error
        return result


def _failure(error: Exception) -> Failure:
    if isinstance(error, GridcityError):
        return Failure(error.message, error.hint)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return Failure(f"{where}{error.strerror or error}.", "")
    return Failure(
        f"gridcity itself failed: {type(error).__name__}: {error}.",
        "This is a fault of gridcity. Run it again with `gridcity --debug …` and report what it prints.",
    )


def _drop_stdout() -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush cannot fail again."""
    try:
        sys.stdout.flush()
    except OSError:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except io.UnsupportedOperation:  # a stream without a descriptor, in a test
            return


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"gridcity {gridcity.__version__}")
        ctx.exit()


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"Warning: {shown(str(message))}", err=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def cli(debug: bool) -> None:
    """Codes, cells, components and responsibility of a city's management grid (城市网格化管理).

    Longitude comes before latitude, everywhere. `gridcity demo` builds a sample city to try.
    """


def run() -> NoReturn:
    """Run the command line and leave the process: the entry point of the package."""
    # What is loaded by now stays. Looked through for cycles again and again, and once more when the process
    # ends, it would take a fifth of the time of a question.
    gc.freeze()
    os.environ.setdefault("OGR_SKIP", SKIPPED_DRIVERS)
    # A console in another encoding must not break redirected output half-way.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    warnings.showwarning = _warn
    try:
        cli(prog_name="gridcity")
    finally:
        gc.freeze()
    raise AssertionError("click leaves the process by itself")


if __name__ == "__main__":
    run()
