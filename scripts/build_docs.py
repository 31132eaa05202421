"""Write the pages of docs/ that the code itself can tell: commands, rules and exceptions.

    python scripts/build_docs.py            write the pages
    python scripts/build_docs.py --check    say which pages are stale, and exit 1 if any is

`tests/test_docs.py` makes the same comparison, so a new option, rule or exception without its page
fails the tests.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from gridcity import errors, findings
from gridcity_cli import main
from gridcity_cli.options import Command

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"

_NOTICE = "<!-- Made by scripts/build_docs.py; edit the code, then run it again. -->"
_SEVERITIES = {
    "error": "The row is rejected at import and kept with its reason.",
    "warning": "The row is taken; somebody should look.",
    "note": "The row is taken; nothing is wrong by itself.",
}


def pages() -> dict[str, str]:
    """Return the generated pages: file name, and text."""
    return {
        "cli.md": "\n".join(_commands_page()) + "\n",
        "findings.md": "\n".join(_findings_page()) + "\n",
        "errors.md": "\n".join(_errors_page()) + "\n",
    }


def stale() -> list[str]:
    """Return the names of the pages that differ from what the code says."""
    return [name for name, text in pages().items() if _current(DOCS / name) != text]


def _current(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _commands_page() -> Iterator[str]:
    yield from (_NOTICE, "", "# The command line", "")
    yield "Every command, argument and option; `-h` or `--help` says the same in the terminal."
    yield "Standard output is data, standard error is talk."
    yield "The same verbs in Python: [python.md](python.md)."
    yield from ("", "Exit codes:", "", "| code | meaning |", "|---:|---|")
    for code, meaning in re.findall(r"^(\d+) +(\S.*)$", main.__doc__ or "", flags=re.MULTILINE):
        yield f"| {code} | {_cell(meaning)} |"
    yield from ("", "## gridcity", "")
    yield from _described(main.cli)
    context = click.Context(main.cli, info_name="gridcity")
    for name in main.cli.list_commands(context):
        command = main.cli.get_command(context, name)
        assert command is not None, name
        yield from _command(f"gridcity {name}", command)


def _command(path: str, command: click.Command) -> Iterator[str]:
    yield from ("", f"## {path}", "")
    yield from _described(command)
    if isinstance(command, Command):
        lines = [line.strip() for line in command.examples.strip().splitlines()]
        yield from ("", "```text", *lines, "```")
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _command(f"{path} {name}", command.commands[name])


def _described(command: click.Command) -> Iterator[str]:
    """Yield what a command does and the table of its parameters."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    # One sentence a line, as in the pages written by hand.
    yield "\n\n".join(re.sub(r"(?<=\.) (?=[A-Z`])", "\n", _plain(part)) for part in paragraphs)
    rows = [_parameter(parameter) for parameter in command.params]
    if rows:
        yield from ("", "| parameter | meaning |", "|---|---|", *rows)


def _parameter(parameter: click.Parameter) -> str:
    values = "\\|".join(parameter.type.choices) if isinstance(parameter.type, click.Choice) else ""
    if isinstance(parameter, click.Argument):
        required = "" if parameter.required else ", optional"
        name = (parameter.metavar or str(parameter.name).upper()).replace("|", "\\|")
        return f"| `{name}` | argument{required} |"
    assert isinstance(parameter, click.Option)
    metavar = "" if parameter.is_flag else f" {values or parameter.metavar or 'TEXT'}"
    facts = [_cell(parameter.help or "")]
    if parameter.required:
        facts.append("Required.")
    if parameter.envvar:
        facts.append(f"Else from `{parameter.envvar}`.")
    if parameter.show_default and not parameter.is_flag:
        facts.append(f"Default: {parameter.default}.")
    return f"| `{', '.join(parameter.opts)}{metavar}` | {' '.join(facts)} |"


def _findings_page() -> Iterator[str]:
    yield from (_NOTICE, "", "# Findings", "")
    yield "What can be wrong with data, rule by rule."
    yield "A finding names the rule, the row, the field and the value, and never stops a run."
    yield "At import the row is the record number in the source, counted from 1."
    yield "In `gridcity check` it is the internal id of the object."
    yield "How findings reach you: [import.md](import.md)."
    for severity, meaning in _SEVERITIES.items():
        yield from (
            "",
            f"## {severity}",
            "",
            meaning,
            "",
            "| rule | what it says | what to do |",
            "|---|---|---|",
        )
        for rule in findings.RULES.values():
            if rule.severity == severity:
                yield f"| `{rule.id}` | {_template(rule.sentence)} | {_template(rule.hint)} |"


def _errors_page() -> Iterator[str]:
    yield from (_NOTICE, "", "# Exceptions", "")
    yield "What stops a call; problems of the data are [findings](findings.md) instead."
    yield "Every exception has a `message`: what failed, where, what was found."
    yield "Its `hint` says what to do next, its `code` is a stable name for scripts."
    yield "Each is also the builtin exception that a caller would catch."
    yield "On the command line they end with exit code 3, as one line `Error:` and one line `Hint:`."
    yield "What is wrong in the command line itself (an unknown option, a word for a number) ends with 2."
    yield from ("", "| exception | is also | code | when |", "|---|---|---|---|")
    known = _exceptions()
    for name, kind in known.items():
        bases = ", ".join(f"`{base.__name__}`" for base in kind.__bases__)
        when = inspect.cleandoc(kind.__doc__ or "").splitlines()[0].replace("``", "`")
        yield f"| `{name}` | {bases} | `{kind.code}` | {_cell(when)} |"
    special = sorted(_special_codes() - {kind.code for kind in known.values()})
    yield from ("", "Some calls narrow the code down: " + ", ".join(f"`{code}`" for code in special) + ".")


def _exceptions() -> dict[str, type[errors.GridcityError]]:
    """Return the exceptions among what `gridcity.errors` offers."""
    offered = {name: getattr(errors, name) for name in errors.__all__}
    return {name: kind for name, kind in offered.items() if isinstance(kind, type)}


def _special_codes() -> set[str]:
    """Return the codes that single raises give instead of their class's own."""
    sources = (path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "gridcity").rglob("*.py")))
    return {code for text in sources for code in re.findall(r'code="(E_[A-Z_]+)"', text)}


def _template(text: str) -> str:
    return _cell(text.replace("!r}", "}"))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        old = stale()
        print("stale: " + ", ".join(old) if old else "docs are up to date")
        sys.exit(1 if old else 0)
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8", newline="\n")
