"""The current components as one table, and the table as CSV and GeoJSON."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

    from gridcity.profile import Profile
    from gridcity.store.base import Store

__all__ = ["FIELDS", "components", "write_csv", "write_geojson"]

FIELDS: Final = (
    "code",
    "edition",
    "class_code",
    "class_name",
    "name",
    "state",
    "cell_code",
    "community_code",
    "community_name",
    "street_code",
    "street_name",
    "district_code",
    "district_name",
    "supervisor_code",
    "supervisor_name",
    "owner_code",
    "owner_name",
    "maintainer_code",
    "maintainer_name",
    "initial_date",
    "changed_date",
    "data_source",
    "note",
)
"""The columns of an export, in order: the fields of components and where they stand."""
_JOINED: Final = tuple(
    f"{place}_{part}" for place in ("cell", "community", "street", "district") for part in ("code", "name")
)

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), full-width forms too.
_FORMULA: Final = "^[=+\\-@\t\r\n＝＋－＠]"
_CHUNK: Final = 50_000


def components(store: Store, profile: Profile) -> tuple[pd.DataFrame, Any]:
    """Return the current components, one text column per field, and their geometries.

    The district is the area above the street or community; where none was imported, the profile's.
    """
    import pandas as pd

    own = [field for field in FIELDS if field not in _JOINED]
    columns = store.columns("components", [*own, "cell_id", "geom"], on=date.today().isoformat())
    geometries = columns.pop("geom")
    table = pd.DataFrame(columns)
    cells = _by_id(store, "cells", ("code", "community_id", "street_id"))
    areas = _by_id(store, "areas", ("level", "code", "name", "parent_id"))
    above = pd.to_numeric(areas["parent_id"])

    cell = pd.to_numeric(table["cell_id"])
    community = cell.map(pd.to_numeric(cells["community_id"]))
    street = cell.map(pd.to_numeric(cells["street_id"])).fillna(community.map(above))
    district = street.map(above).fillna(community.map(above))
    table["cell_code"] = _found(cell.map(cells["code"]))
    for level, ids in (("community", community), ("street", street), ("district", district)):
        of_level = areas[areas["level"] == level]
        for part in ("code", "name"):
            table[f"{level}_{part}"] = _found(ids.map(of_level[part]))
    alone = cell.notna() & ~district.isin(areas.index[areas["level"] == "district"])
    table.loc[alone, "district_code"] = profile.area_code
    table.loc[alone, "district_name"] = profile.name
    return table[list(FIELDS)], geometries


def _found(texts: pd.Series[Any]) -> pd.Series[Any]:
    return texts.astype(object).where(texts.notna(), "")


def _by_id(store: Store, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    found = store.columns(name, ("fid", *columns))
    # As floats, like every column of ids that may be empty.
    ids = pd.Index(pd.to_numeric(found.pop("fid")), dtype="float64")
    return pd.DataFrame(found, index=ids)


def write_csv(store: Store, profile: Profile, path: Path) -> None:
    """Write the components as CSV, see `gridcity.exporting.export`."""
    import shapely

    table, geometries = components(store, profile)
    for field in FIELDS:
        text = table[field].astype(object)
        table[field] = text.where(~text.str.match(_FORMULA).astype(bool), "'" + text)
    points = shapely.get_type_id(geometries) == 0
    place = geometries.copy()
    place[~points] = shapely.point_on_surface(geometries[~points])
    table["lng"], table["lat"] = shapely.get_x(place), shapely.get_y(place)
    shapes = geometries.copy()
    shapes[points] = None
    # Sixteen decimals and trimmed: the shortest text that gives the same coordinate again.
    table["wkt"] = shapely.to_wkt(shapes, rounding_precision=16, trim=True)
    # Both characters of the line end are quoted inside a text only when both end a line.
    table.to_csv(path, index=False, encoding="utf-8", lineterminator="\r\n")


def write_geojson(store: Store, profile: Profile, path: Path) -> None:
    """Write the components as GeoJSON (RFC 7946), see `gridcity.exporting.export`."""
    import numpy as np
    import shapely

    table, geometries = components(store, profile)
    shapes = shapely.orient_polygons(geometries)
    shapes[shapely.is_empty(shapes)] = None
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for start in range(0, len(table), _CHUNK):
            rows = slice(start, start + _CHUNK)
            records = table.iloc[rows].to_json(orient="records", lines=True, force_ascii=False)
            drawn = shapely.to_geojson(shapes[rows])
            drawn[shapely.is_missing(shapes[rows])] = "null"
            properties = np.array(records.strip("\n").split("\n"), dtype=object)
            file.write(",\n" if start else "\n")
            file.write(
                ",\n".join('{"type": "Feature", "geometry": ' + drawn + ', "properties": ' + properties + "}")
            )
        file.write("\n]}\n")
