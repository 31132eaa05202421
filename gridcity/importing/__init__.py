"""Rows in, balance out: areas, cells, components, parties and duties."""

from __future__ import annotations

from gridcity.importing.areas import import_areas
from gridcity.importing.cells import import_cells
from gridcity.importing.comparison import Comparison
from gridcity.importing.delivery import Delivered, import_components
from gridcity.importing.duties import import_duties
from gridcity.importing.options import Options
from gridcity.importing.outcome import Import, Replaced
from gridcity.importing.parties import import_parties

__all__ = [
    "Comparison",
    "Delivered",
    "Import",
    "Options",
    "Replaced",
    "import_areas",
    "import_cells",
    "import_components",
    "import_duties",
    "import_parties",
]
