"""`gridcity history`: the story of one object."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

import click

from gridcity_cli import options
from gridcity_cli.output import json_text, pairs, shown, text_of
from gridcity_cli.receipts import local_time

if TYPE_CHECKING:
    from gridcity.chronicle import Event

EXAMPLES = """
gridcity history 11010101037000001 --city city.gpkg
gridcity history 110101005001005 --format json --city city.gpkg
"""

_UNDONE = ("taken back", "restored")
KINDS = {"components": "component", "cells": "cell", "areas": "area", "parties": "party"}


@options.command("history", EXAMPLES)
@click.argument("code")
@options.city_option
@options.format_option("table", "json", default="table")
@click.pass_context
def history(ctx: click.Context, code: str, city_path: str, output_format: str) -> None:
    """Tell what happened to a component, a cell, an area or a party: when, by which file, and what changed.

    Objects that have ended or were taken back are told too. Where several objects have or had the code,
    they follow one another. Of a cell that was divided or became one with others, both sides are named.
    The table shows the time of this computer with its offset; JSON has UTC.
    Exit 1 where nothing ever had the code.
    """
    from gridcity.chronicle import code_hint

    with options.open_city(city_path) as city:
        events = city.history(code)
        hint = "" if events else code_hint(city.store, code)
    if output_format == "json":
        click.echo(json_text([asdict(event) for event in events], indent=2))
    elif events:
        objects = groupby(events, key=lambda event: (event.table, event.object_id))
        click.echo("\n\n".join(_story(list(those)) for _, those in objects))
    if not events:
        click.echo(
            shown(f"Nothing in this city has or had the code {code.strip()!r}. {hint}".rstrip()), err=True
        )
    ctx.exit(0 if events else 1)


def _story(events: list[Event]) -> str:
    """Return one object's events as text, with its kind and code on top."""
    last = events[-1]
    edition = f" ({last.edition})" if last.edition else ""
    lines = [shown(f"{last.code or 'without a code'}  {KINDS[last.table]}{edition}")]
    for event in events:
        how = event.kind if event.moved_m is None else f"{event.kind}, {event.moved_m:.2f} m"
        if event.others:
            others = ", ".join(event.others)
            how += f" in the place of {others}" if event.kind == "added" else f" by {others}"
        # The source of an undo is the receipts that it took back.
        source = f"undo of {event.source}" if event.kind in _UNDONE else event.source
        lines.append(shown(f"{local_time(event.at)}  {how}  (receipt {event.receipt}: {source})"))
        lines.append(
            pairs((f"  {change.field}", _told(change.before, change.after)) for change in event.changes)
        )
    return "\n".join(line for line in lines if line)


def _told(before: object, after: object) -> str:
    """Return both values, or the one there is; an empty one that follows another is said to be empty."""
    old, new = text_of(before), text_of(after)
    return f"{old} -> {new or '(empty)'}" if old else new
