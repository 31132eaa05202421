"""`gridcity lookup`: what codes mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gridcity.errors import CodeError
from gridcity_cli import options
from gridcity_cli.output import json_text, pairs, shown

if TYPE_CHECKING:
    from gridcity.explaining import Explanation

EXAMPLES = """
gridcity lookup 110101005001005
gridcity lookup 1101010698000005 --edition cjt214-2007
gridcity lookup 11010101037000001 --city city.gpkg
"""


@options.command("lookup", EXAMPLES)
@click.argument("codes", nargs=-1, required=True, metavar="CODE...")
@options.edition_option
@options.optional_city_option
@options.format_option("table", "json", "ndjson", default="table")
@click.pass_context
def lookup(
    ctx: click.Context,
    codes: tuple[str, ...],
    edition: str | None,
    city_path: str | None,
    output_format: str,
) -> None:
    """Explain codes of areas, cells, components and classes: every reading, every part with its name.

    With a city its own classes and areas are known too, and what it holds under the code is shown.
    """
    if city_path is None:
        from gridcity.city import look_up

        answers = [_answer(code, edition, look_up) for code in codes]
    else:
        with options.open_city(city_path) as city:
            answers = [_answer(code, edition, city.look_up) for code in codes]
    if output_format == "json":
        click.echo(json_text(answers, indent=2))
    elif output_format == "ndjson":
        for answer in answers:
            click.echo(json_text(answer))
    else:
        click.echo(
            "\n\n".join(_block(answer, reading) for answer in answers for reading in answer["readings"])
        )
    wrong = [answer for answer in answers if not answer["ok"]]
    for answer in wrong:
        click.echo(shown(f"{answer['error']} {answer['hint']}".rstrip()), err=True)
    ctx.exit(1 if wrong else 0)


def _answer(code: str, edition: str | None, look_up: Any) -> dict[str, Any]:
    try:
        readings: list[Explanation] = look_up(code, edition)
    except CodeError as error:
        return {
            "code": code.strip(),
            "ok": False,
            "error": error.message,
            "position": error.position,
            "hint": error.hint,
            "readings": [],
        }
    return {"code": code.strip(), "ok": True, "readings": [_reading(reading) for reading in readings]}


def _reading(reading: Explanation) -> dict[str, Any]:
    return {
        "kind": reading.kind,
        "edition": reading.edition,
        "text": reading.text,
        "parts": dict(reading.parts),
        "objects": list(reading.objects),
    }


def _block(answer: dict[str, Any], reading: dict[str, Any]) -> str:
    edition = f" ({reading['edition']})" if reading["edition"] else ""
    lines = [
        f"{reading['text'] or answer['code']}  {reading['kind']}{edition}",
        pairs(reading["parts"].items()),
    ]
    for each in reading["objects"]:
        lines += ["in this city:", pairs(each.items())]
    return "\n".join(line for line in lines if line)
