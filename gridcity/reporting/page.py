"""The inventory as one HTML file: totals, bars, a map of the cells, the table; nothing is fetched."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gridcity.reporting.cellmap import EMPTY_COLOUR, cell_map
from gridcity.reporting.counts import DIMENSIONS, Inventory
from gridcity.reporting.shell import page, require_packages, shown

if TYPE_CHECKING:
    from gridcity.store.base import Reading

__all__ = ["MOST_BARS", "MOST_ROWS", "render"]

MOST_BARS: Final = 30
"""Groups of the first dimension that get a bar: more cannot be read."""
MOST_ROWS: Final = 2000
"""Rows of the table that are written; a browser is slow with more, and nobody scrolls further."""

_TEMPLATE: Final = Path(__file__).with_name("page.html.j2")
_TOTALS: Final = {
    "components": ("部件", "Components"),
    "classes": ("部件小类", "Classes"),
    "cells": ("单元网格", "Cells"),
    "coded_cells": ("已编码网格", "Coded cells"),
    "parties": ("责任单位", "Parties"),
    "without_cell": ("网格外部件", "Outside every cell"),
    "without_party": ("无责任单位", "Without a party"),
}


def render(inventory: Inventory, store: Reading) -> str:
    """Return the page for an inventory.

    Raises
    ------
    MissingPackageError
        bokeh or Jinja2 is not installed.
    """
    require_packages()
    scripts, place = _map(inventory, store)
    return page(
        _TEMPLATE,
        scripts=scripts,
        city=shown(inventory.city),
        made_at=inventory.made_at,
        totals=[(*_TOTALS[key], inventory.totals[key]) for key in _TOTALS],
        headings=[DIMENSIONS[name] for name in inventory.by],
        by=",".join(inventory.by),
        rows=[[shown(text) for text in row[:-1]] + [row[-1]] for row in inventory.rows[:MOST_ROWS]],
        row_count=len(inventory.rows),
        bars=_bars(inventory),
        most_bars=MOST_BARS,
        place=place,
        empty_colour=EMPTY_COLOUR,
    )


def _bars(inventory: Inventory) -> list[tuple[str, int, float]]:
    """Return label, count and width in percent of the largest groups of the first dimension."""
    if not inventory.by:
        return []
    counts: dict[str, int] = {}
    for row in inventory.rows:
        counts[row[0]] = counts.get(row[0], 0) + row[-1]
    largest = sorted(counts.items(), key=lambda item: -item[1])[:MOST_BARS]
    return [(shown(label), count, 100 * count / largest[0][1]) for label, count in largest]


def _map(inventory: Inventory, store: Reading) -> tuple[list[str], str]:
    """Return the scripts of the map and the element it appears in; nothing for a city without cells."""
    from bokeh.models import LinearColorMapper, NumeralTickFormatter
    from bokeh.models.annotations import ColorBar
    from bokeh.palettes import YlGnBu9, interp_palette

    colours = LinearColorMapper(
        palette=interp_palette(YlGnBu9[::-1], 128),
        low=1,
        high=max(2, *inventory.cell_counts.values(), 2),
        low_color=EMPTY_COLOUR,
    )
    scale = ColorBar(
        color_mapper=colours,
        height=10,
        title="部件数 Components per cell",
        title_text_font_style="normal",
        formatter=NumeralTickFormatter(format="0,0"),
    )
    return cell_map(
        store,
        date.today().isoformat(),
        {"count": inventory.cell_counts},
        colours=colours,
        tooltips=[("部件 Components", "@count{0,0}")],
        scale=scale,
    )
