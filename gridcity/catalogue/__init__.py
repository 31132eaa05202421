"""What the codes stand for: classes, areas, attribute names, states; the tables of ``standards/`` in memory.

Every table is read on first use. A class is found by its code or its name, in one edition:

>>> from gridcity.catalogue import area_name, catalogue, fields
>>> classes = catalogue("gbt47678.5-2026")
>>> classes.find("01037").zh
'路灯'
>>> [entry.code for entry in classes.named("Street lamp", "component")]
['01037']
>>> area_name("110101005")
'北新桥街道'
>>> fields("component")["glbjzt"]
'state'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridcity.catalogue.areas import AreaMatch, area_name, area_names, areas_below, match_area, other_name
    from gridcity.catalogue.classes import Catalogue, ClassEntry, catalogue, extension
    from gridcity.catalogue.tables import attribute_tables, fields, states

__all__ = [
    "AreaMatch",
    "Catalogue",
    "ClassEntry",
    "area_name",
    "area_names",
    "areas_below",
    "attribute_tables",
    "catalogue",
    "extension",
    "fields",
    "match_area",
    "other_name",
    "states",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # Loaded on first use: who asks for a class needs no areas.
        if name in ("Catalogue", "ClassEntry", "catalogue", "extension"):
            from gridcity.catalogue import classes as home
        elif name in ("attribute_tables", "fields", "states"):
            from gridcity.catalogue import tables as home
        elif name in __all__:
            from gridcity.catalogue import areas as home
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(home, name)
