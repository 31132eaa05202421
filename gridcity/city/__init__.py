"""One city: its store, its profile, and the verbs of this library.

>>> from gridcity import City                                  # doctest: +SKIP
>>> city = City.open("demo/city.gpkg")                         # doctest: +SKIP
>>> city.locate(116.41, 39.93, class_text="路灯").party_name    # doctest: +SKIP
'样例路灯管理处'

===============  ============================================
``opened``       making, opening, closing, the profile
``rows``         imports, reports, exports
``questions``    locate, justify, look up, inspect
``checks``       the rules, the duties, repeated reports
``past``         receipts, history, undo, retirement
===============  ============================================
"""

from __future__ import annotations

from gridcity.city.checks import Checks
from gridcity.city.opened import UnlistedAreaWarning
from gridcity.city.past import Past
from gridcity.city.questions import look_up
from gridcity.city.rows import Rows

__all__ = ["City", "UnlistedAreaWarning", "look_up"]


class City(Rows, Checks, Past):
    """An open city.

    Opening one loads nothing heavy; the methods load what they need. A city can be used in a ``with``
    statement. It holds no lock between calls.
    """
