"""What a file is, told before any import: `inspect`.

==============  ==============================================================
``looking``     a file, its layers, one of them in detail: `inspect`; a mapping for it: `suggest`
``contents``    codes, classes, columns, and the kind of rows they make
``places``      reference systems and datums, laid out over the city
``problems``    what would cost rows
``repeated``    rows that claim to be one object and contradict each other
``overlapping`` cells that overlap, for which a file is refused
``advice``      the command to type, and what a human must decide before
``words``       words of a command line that survive copy and paste
``model``       what is said, as records: `Inspection`
==============  ==============================================================
"""

from __future__ import annotations

from gridcity.inspecting.looking import inspect, suggest
from gridcity.inspecting.model import (
    ClassLine,
    CodeLine,
    ColumnLine,
    Inspection,
    LayerDetail,
    LayerLine,
    PlaceLine,
    Problem,
)

__all__ = [
    "ClassLine",
    "CodeLine",
    "ColumnLine",
    "Inspection",
    "LayerDetail",
    "LayerLine",
    "PlaceLine",
    "Problem",
    "inspect",
    "suggest",
]
