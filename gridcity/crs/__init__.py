"""Named reference systems, the shifted datums GCJ-02 and BD-09, and metres near a point.

Everything a city stores is longitude and latitude (EPSG:4490 in China, EPSG:4326 elsewhere). This
room brings coordinates there and back, and refuses what cannot be brought there honestly.

Three facts rule it:

* WGS 84 and CGCS2000 agree to centimetres, so the one passes for the other by name, unchanged. Every
  other change of datum goes through PROJ, and never by a "ballpark" operation.
* No reference system is guessed: without a declaration there is an error that names ``--crs`` and
  ``--datum``, and what the numbers can be (``plausible``). What contradicts the numbers is refused, and a
  datum that does not fit is suspected (``evidence``), never replaced.
* Longitude stands before latitude and east before north, whatever the authority's axis order is.

Importing this package, the datum functions with floats, and the systems EPSG:4490, EPSG:4326,
GCJ-02 and BD-09 cost neither numpy nor pyproj.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridcity.crs.datums import (
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    metres_per_degree,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)

if TYPE_CHECKING:
    from gridcity.crs.systems import DATUMS, ReferenceSystem, reference_system
    from gridcity.crs.transform import from_lnglat, geometries_to_lnglat, to_lnglat

__all__ = [
    "DATUMS",
    "ReferenceSystem",
    "bd09_to_gcj02",
    "bd09_to_wgs84",
    "from_lnglat",
    "gcj02_to_bd09",
    "gcj02_to_wgs84",
    "geometries_to_lnglat",
    "metres_per_degree",
    "reference_system",
    "to_lnglat",
    "wgs84_to_bd09",
    "wgs84_to_gcj02",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # Loaded on first use: a point in the city's own degrees needs the length of a degree and no more.
        if name in ("DATUMS", "ReferenceSystem", "reference_system"):
            from gridcity.crs import systems as home
        elif name in __all__:
            from gridcity.crs import transform as home
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(home, name)
