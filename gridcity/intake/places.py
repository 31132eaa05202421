"""Where the rows of a table stand: two columns of coordinates, or a column of WKT."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake.geometry import no_geometry
from gridcity.intake.table import Column, Numbers, few

__all__ = ["COORDINATE_NAMES", "find_places", "wkt_column"]

# The names under which coordinates are commonly exported, eastward before northward.
COORDINATE_NAMES = (
    ("lng", "lat"),
    ("lon", "lat"),
    ("long", "lat"),
    ("longitude", "latitude"),
    ("经度", "纬度"),
    ("經度", "緯度"),
    ("経度", "緯度"),
    ("x", "y"),
    ("point_x", "point_y"),
    ("pointx", "pointy"),
    ("xcoord", "ycoord"),
    ("x坐标", "y坐标"),
)
# gridcity's own exports and rejects, GDAL and QGIS write WKT under these names.
_WKT_NAMES = ("wkt", "wkt_geom", "geometry")
_NUMBER = r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*"
_WKT = re.compile(
    r"\s*(?:POINT|LINESTRING|LINEARRING|POLYGON|MULTIPOINT|MULTILINESTRING|MULTIPOLYGON|GEOMETRYCOLLECTION)"
    r"\b[A-Za-z0-9\s(),.+\-]*",
    re.IGNORECASE,
)
# Ours: a multipolygon is three deep. GEOS reads WKT by recursion: nested a million deep it ends the process.
_DEEPEST_WKT = 8
# Ours, of the coordinate: a point on a line that was rounded otherwise is still on it (0.5 m at x = 500,000).
_NEAR = 1e-6


def find_places(
    columns: dict[str, Column], rows: Numbers, x: str | None, y: str | None, where: str, findings: Findings
) -> tuple[Column, tuple[str, ...]]:
    """Build the geometry of a table.

    Coordinates named by the caller go alone. Else a column of WKT gives the geometry of the rows in which
    it is filled, and columns under the `COORDINATE_NAMES` that of the others; where a row has both, the
    point must lie in the box around the other geometry.

    Parameters
    ----------
    columns : dict of str to numpy.ndarray
        The table's texts.
    rows : numpy.ndarray
        Record numbers, for the findings.
    x, y : str or None
        Columns of the coordinates as the caller names them, eastward and northward.
    where : str
        The file's name in messages.
    findings : Findings
        Takes ``coordinate-not-finite``, ``geometry-invalid``, ``geometry-z``.

    Returns
    -------
    geometry : numpy.ndarray
        Shapely geometries in two dimensions, None where a row has none.
    used : tuple of str
        The columns that were used.

    Raises
    ------
    SourceError
        The columns are not named or not to be told, or a row stands at two places.
    """
    names = list(columns)
    if x is not None or y is not None:
        named = _named(names, x, y, where)
        return _points(columns, named, rows, findings), named
    wkt = wkt_column(columns, where)
    pair = _known_pair(names, where, required=wkt is None)
    shapes = _points(columns, pair, rows, findings) if pair else no_geometry(len(rows))
    if wkt is None:
        return shapes, pair
    drawn = _drawn(columns[wkt], rows, wkt, findings)
    _check_agreement(drawn, shapes, rows, f"{', '.join(pair)} and {wkt}", where)
    filled = np.not_equal(columns[wkt], "").astype(bool)
    shapes[filled] = drawn[filled]
    return shapes, (*pair, wkt)


def _named(names: list[str], x: str | None, y: str | None, where: str) -> tuple[str, str]:
    if x is None or y is None:
        raise SourceError(
            f"of the coordinates of {where} only one column is named.", hint="Name both with --x and --y."
        )
    for wanted in (x, y):
        if wanted not in names:
            near = ", ".join(get_close_matches(wanted, names, n=3, cutoff=0.5)) or few(names)
            raise SourceError(
                f"{where} has no column {wanted!r}; nearest: {near}.", hint="Correct --x or --y."
            )
    return x, y


def _known_pair(names: list[str], where: str, *, required: bool) -> tuple[str, str] | tuple[()]:
    folded = {name.strip().casefold(): name for name in names}
    pairs = [(folded[a], folded[b]) for a, b in COORDINATE_NAMES if a in folded and b in folded]
    if len(pairs) == 1:
        return pairs[0]
    if not pairs and not required:
        return ()
    if pairs:
        seen = " or ".join(f"{a} and {b}" for a, b in pairs)
        raise SourceError(
            f"{where} has several pairs of columns that may be the coordinates: {seen}.",
            hint="Name the right pair with --x and --y.",
        )
    raise SourceError(
        f"no two columns of {where} have a known name for coordinates: {few(names)}.",
        hint="Name them with --x and --y.",
    )


def _points(columns: dict[str, Column], used: Sequence[str], rows: Numbers, findings: Findings) -> Column:
    import shapely

    numbers = []
    written = np.zeros(len(rows), dtype=bool)
    wrong = np.zeros(len(rows), dtype=bool)
    for name in used:
        column = columns[name]
        filled = np.not_equal(column, "").astype(bool)
        number = _numbers(column)
        bad = filled & ~np.isfinite(number)
        findings.add("coordinate-not-finite", rows[bad].tolist(), field=name, values=column[bad].tolist())
        numbers.append(number)
        written |= filled
        wrong |= bad
    shapes = no_geometry(len(rows))
    good = np.isfinite(numbers[0]) & np.isfinite(numbers[1])
    half = written & ~good & ~wrong
    findings.add("coordinate-not-finite", rows[half].tolist(), values="one coordinate without the other")
    shapes[good] = shapely.points(np.stack([number[good] for number in numbers], axis=1))
    return shapes


def _numbers(column: Column) -> npt.NDArray[np.float64]:
    """Return the column as numbers, NaN where it holds none."""
    import pandas as pd

    texts = pd.Series(column, dtype=object)
    # Python also reads 1_000 and full-width digits as numbers; in a survey they are slips of the pen.
    plain = texts.str.fullmatch(_NUMBER).to_numpy(dtype=bool)
    return np.where(plain, column, "nan").astype(np.float64)


def wkt_column(columns: dict[str, Column], where: str) -> str | None:
    """Return the column that holds WKT under a known name; a name alone is no evidence.

    Parameters
    ----------
    columns, where
        As for `find_places`.

    Raises
    ------
    SourceError
        Several columns hold geometries.
    """
    found = [
        name
        for name, column in columns.items()
        if name.strip().casefold() in _WKT_NAMES and any(map(_WKT.match, column.tolist()))
    ]
    if len(found) > 1:
        raise SourceError(
            f"several columns of {where} hold geometries: {few(found)}.", hint="Leave out all but one."
        )
    return found[0] if found else None


def _drawn(texts: Column, rows: Numbers, name: str, findings: Findings) -> Column:
    """Build geometries from WKT of foreign origin."""
    import pandas as pd
    import shapely

    held = pd.Series(texts, dtype=object)
    sound = held.str.fullmatch(_WKT).to_numpy(dtype=bool)
    deep = (held.str.count(r"\(") > _DEEPEST_WKT).to_numpy(dtype=bool, copy=True)
    deep[deep] = [_depth(text) > _DEEPEST_WKT for text in texts[deep]]
    taken = texts.copy()
    taken[~sound | deep] = None
    built: Column = shapely.from_wkt(taken, on_invalid="ignore")
    lifted = shapely.has_z(built) | shapely.has_m(built)
    if lifted.any():
        findings.add("geometry-z", [None], values=str(int(lifted.sum())))
    bad = np.not_equal(texts, "").astype(bool) & shapely.is_missing(built)
    for where, reason in ((bad & deep, "it is nested too deeply"), (bad & ~deep, "the text is no sound WKT")):
        findings.add("geometry-invalid", rows[where].tolist(), field=name, values=reason)
    drawn: Column = shapely.force_2d(built)
    return drawn


def _depth(text: str) -> int:
    """Return how deep the brackets of a text are nested."""
    depth = most = 0
    for bracket in re.findall(r"[()]", text):
        depth += 1 if bracket == "(" else -1
        most = max(most, depth)
    return most


def _check_agreement(drawn: Column, points: Column, rows: Numbers, pair: str, where: str) -> None:
    """Refuse a table whose coordinates lie elsewhere than its WKT: nothing says which of them is meant."""
    import shapely

    box, at = shapely.bounds(drawn), np.stack([shapely.get_x(points), shapely.get_y(points)], axis=1)
    slack = np.abs(at) * _NEAR
    with np.errstate(invalid="ignore"):
        outside = (at < box[:, :2] - slack) | (at > box[:, 2:] + slack)
    away = np.flatnonzero(outside.any(axis=1))
    if len(away):
        row = rows[away[0]]
        raise SourceError(
            f"{pair} of row {row} of {where} name different places.",
            hint="Leave out the column of WKT, or name the coordinates with --x and --y.",
        )
