"""What the codes stand for: classes, areas, attribute names, states; the tables of ``standards/`` in memory.

Every table is read on first use. A class is found by its code or its name, in one edition:

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

from gridcity.catalogue.areas import AreaMatch, area_name, areas_below, match_area, other_name
from gridcity.catalogue.classes import Catalogue, ClassEntry, catalogue, extension
from gridcity.catalogue.tables import attribute_tables, fields, states

__all__ = [
    "AreaMatch",
    "Catalogue",
    "ClassEntry",
    "area_name",
    "areas_below",
    "attribute_tables",
    "catalogue",
    "extension",
    "fields",
    "match_area",
    "other_name",
    "states",
]
