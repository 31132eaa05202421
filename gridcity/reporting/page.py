"""The inventory as one HTML file: totals, bars, a map of the cells, the table; nothing is fetched.

Every value is escaped where it is written, and the page's content security policy lets only the
scripts run whose hashes it names: bokeh itself and the data of the map. A value that reads like a
script stays text even if the escaping failed.
"""

from __future__ import annotations

import base64
import hashlib
import math
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gridcity.errors import MissingPackageError
from gridcity.reporting.counts import DIMENSIONS, Inventory

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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
_EMPTY_COLOUR: Final = "#ededed"
# Control characters, and those that turn the direction of text: a name could rewrite what stands beside it.
_UNSEEN: Final = dict.fromkeys(
    [
        *range(0x20),
        *range(0x7F, 0xA0),
        0x061C,
        0x200E,
        0x200F,
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
        0xFEFF,
    ]
)


def render(inventory: Inventory, store: Reading) -> str:
    """Return the page for an inventory.

    Raises
    ------
    MissingPackageError
        bokeh or Jinja2 is not installed.
    """
    try:
        import bokeh.embed  # noqa: F401  (asked for before any work is done)
        import jinja2
    except ImportError as error:
        raise MissingPackageError(
            f"The HTML report needs {error.name}, which is not installed.",
            hint='Install it: pip install "gridcity[report]"',
        ) from error

    scripts, place = _map(inventory, store)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        city=_shown(inventory.city),
        made_at=inventory.made_at,
        totals=[(*_TOTALS[key], inventory.totals[key]) for key in _TOTALS],
        headings=[DIMENSIONS[name] for name in inventory.by],
        by=",".join(inventory.by),
        rows=[[_shown(text) for text in row[:-1]] + [row[-1]] for row in inventory.rows[:MOST_ROWS]],
        row_count=len(inventory.rows),
        bars=_bars(inventory),
        most_bars=MOST_BARS,
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
        place=place,
        empty_colour=_EMPTY_COLOUR,
    )


def _shown(text: str) -> str:
    return text.translate(_UNSEEN)


def _hash(script: str) -> str:
    """Return a script's hash as a content security policy names it (CSP level 2, 4.2.5)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _bars(inventory: Inventory) -> list[tuple[str, int, float]]:
    """Return label, count and width in percent of the largest groups of the first dimension."""
    if not inventory.by:
        return []
    counts: dict[str, int] = {}
    for row in inventory.rows:
        counts[row[0]] = counts.get(row[0], 0) + row[-1]
    largest = sorted(counts.items(), key=lambda item: -item[1])[:MOST_BARS]
    return [(_shown(label), count, 100 * count / largest[0][1]) for label, count in largest]


def _map(inventory: Inventory, store: Reading) -> tuple[list[str], str]:
    """Return the scripts of the map and the element it appears in; nothing for a city without cells."""
    import shapely
    from bokeh.embed import components
    from bokeh.resources import Resources

    cells = store.columns("cells", ("fid", "code", "name", "geom"), on=date.today().isoformat())
    if not len(cells["fid"]) or math.isnan(shapely.total_bounds(cells["geom"])[0]):
        return [], ""
    counts = [inventory.cell_counts.get(fid, 0) for fid in cells["fid"]]
    labels = [
        _shown(code or name or f"#{fid}")
        for fid, code, name in zip(cells["fid"], cells["code"], cells["name"], strict=True)
    ]
    xs, ys = _rings(cells["geom"])
    figure = _figure(
        {"xs": xs, "ys": ys, "cell": labels, "count": counts}, shapely.total_bounds(cells["geom"])
    )
    script, place = components(figure, wrap_script=False)
    library = "\n".join(Resources(mode="inline", components=["bokeh"], log_level="error").js_raw)
    return [_one_line_ends(library), _one_line_ends(script)], place


def _one_line_ends(script: str) -> str:
    # The HTML parser turns CR into LF before the browser hashes the script.
    return script.replace("\r\n", "\n").replace("\r", "\n")


def _rings(geometries: npt.NDArray[np.object_]) -> tuple[list[Any], list[Any]]:
    """Return longitudes and latitudes as bokeh nests them: per object its polygons, per polygon its rings.

    As float32, which is exact to less than a metre and half as large.
    """
    import numpy as np
    import shapely

    polygons, owner = shapely.get_parts(geometries, return_index=True)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)

    def nested(values: npt.NDArray[np.float32]) -> list[Any]:
        parts = np.split(values, np.flatnonzero(np.diff(ring)) + 1)
        return _grouped(_grouped(parts, polygon, len(polygons)), owner, len(geometries))

    return nested(points[:, 0].astype(np.float32)), nested(points[:, 1].astype(np.float32))


def _grouped(items: list[Any], group: npt.NDArray[np.int64], n: int) -> list[list[Any]]:
    import numpy as np

    ends = np.searchsorted(group, np.arange(n + 1))
    return [items[start:end] for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]


def _figure(data: dict[str, Any], bounds: npt.NDArray[np.float64]) -> Any:
    """Return the map: cells in longitude and latitude, shaded by their count."""
    from bokeh.models import (
        BasicTicker,
        BoxZoomTool,
        ColumnDataSource,
        HoverTool,
        LinearColorMapper,
        NumeralTickFormatter,
        PanTool,
        ResetTool,
        WheelZoomTool,
    )
    from bokeh.models.annotations import ColorBar
    from bokeh.palettes import YlGnBu9, interp_palette
    from bokeh.plotting import figure

    # A degree of longitude is shorter than one of latitude by the cosine of the latitude.
    shrink = max(math.cos(math.radians((bounds[1] + bounds[3]) / 2)), 0.01)
    # With a key, so that the wheel still scrolls the page where the map lies in the way.
    wheel = WheelZoomTool(modifiers={"ctrl": True})
    plot = figure(
        height=560,
        sizing_mode="stretch_width",
        match_aspect=True,
        aspect_scale=shrink,
        tools=[PanTool(), wheel, BoxZoomTool(match_aspect=True), ResetTool()],
        active_scroll=wheel,
        toolbar_location="above",
        output_backend="canvas",
        x_axis_label="经度 Longitude (°)",
        y_axis_label="纬度 Latitude (°)",
    )
    plot.axis.axis_label_text_font_style = "normal"
    plot.toolbar.logo = None
    plot.grid.visible = False
    plot.xaxis.ticker = BasicTicker(desired_num_ticks=4)
    plot.xaxis.formatter = plot.yaxis.formatter = NumeralTickFormatter(format="0.000")
    colours = LinearColorMapper(
        palette=interp_palette(YlGnBu9[::-1], 128),
        low=1,
        high=max(2, *data["count"]),
        low_color=_EMPTY_COLOUR,
    )
    cells: Any = plot.multi_polygons(
        xs="xs",
        ys="ys",
        source=ColumnDataSource(data),
        fill_color={"field": "count", "transform": colours},
        line_color="#8a8a8a",
        line_width=0.5,
        hover_line_color="#c2410c",
    )
    cells.hover_glyph.line_width = 2
    plot.add_tools(
        HoverTool(
            renderers=[cells],
            tooltips=[("单元网格 Cell", "@cell"), ("部件 Components", "@count{0,0}")],
            point_policy="follow_mouse",
            # Above or below the pointer: beside it the text would leave a narrow screen.
            attachment="vertical",
        )
    )
    plot.add_layout(
        ColorBar(
            color_mapper=colours,
            height=10,
            title="部件数 Components per cell",
            title_text_font_style="normal",
            formatter=NumeralTickFormatter(format="0,0"),
        ),
        "below",
    )
    return plot
