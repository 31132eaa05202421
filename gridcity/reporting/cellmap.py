"""A map of the cells as a figure of bokeh: no tiles, nothing fetched."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from gridcity.reporting.shell import shown

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gridcity.store.base import Reading

__all__ = ["EMPTY_COLOUR", "cell_map"]

EMPTY_COLOUR: Final = "#ededed"
"""The colour of a cell about which there is nothing to say."""


def cell_map(
    store: Reading,
    on: str,
    values: Mapping[str, Mapping[int, Any]],
    *,
    colours: Any,
    tooltips: Sequence[tuple[str, str]],
    scale: Any = None,
) -> tuple[list[str], str]:
    """Return the scripts of a map of the cells, and the element it appears in.

    Parameters
    ----------
    store : Reading
        The cells are read from it.
    on : str
        ISO date: the cells of this day.
    values : mapping
        Name of a column: its value by the id of the cell, 0 where it has none. The first one colours.
    colours : bokeh mapper
        Of the first column.
    tooltips : sequence of (str, str)
        What is said of a cell under the pointer, in bokeh's notation.
    scale : bokeh annotation, optional
        Stands below the map.

    Returns
    -------
    scripts : list of str
        None for a city without cells.
    element : str
        HTML; empty for a city without cells.
    """
    import shapely
    from bokeh.embed import components
    from bokeh.resources import Resources

    cells = store.columns("cells", ("fid", "code", "name", "geom"), on=on)
    if not len(cells["fid"]) or math.isnan(shapely.total_bounds(cells["geom"])[0]):
        return [], ""
    labels = [
        shown(code or name or f"#{fid}")
        for fid, code, name in zip(cells["fid"], cells["code"], cells["name"], strict=True)
    ]
    xs, ys = _rings(cells["geom"])
    columns = {name: [known.get(fid, 0) for fid in cells["fid"]] for name, known in values.items()}
    figure = _figure(
        {"xs": xs, "ys": ys, "cell": labels, **columns},
        shapely.total_bounds(cells["geom"]),
        {"field": next(iter(values)), "transform": colours},
        tooltips,
    )
    if scale is not None:
        figure.add_layout(scale, "below")
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


def _figure(
    data: dict[str, Any],
    bounds: npt.NDArray[np.float64],
    fill: Any,
    tooltips: Sequence[tuple[str, str]],
) -> Any:
    """Return the map: cells in longitude and latitude, filled with their colour."""
    from bokeh.models import (
        BasicTicker,
        BoxZoomTool,
        ColumnDataSource,
        HoverTool,
        NumeralTickFormatter,
        PanTool,
        ResetTool,
        WheelZoomTool,
    )
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
    cells: Any = plot.multi_polygons(
        xs="xs",
        ys="ys",
        source=ColumnDataSource(data),
        fill_color=fill,
        line_color="#8a8a8a",
        line_width=0.5,
        hover_line_color="#c2410c",
    )
    cells.hover_glyph.line_width = 2
    plot.add_tools(
        HoverTool(
            renderers=[cells],
            tooltips=[("单元网格 Cell", "@cell"), *tooltips],
            point_policy="follow_mouse",
            # Above or below the pointer: beside it the text would leave a narrow screen.
            attachment="vertical",
        )
    )
    return plot
