"""How far the components of a class usually stand apart, and how far a question about one may reach.

Every write that changes which components a city has notes the spacing of the classes it touched
(`note_spacings`); a question reads it (`radius_for`). The rule is gridcity's own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gridcity.store.base import Reading, Transaction

__all__ = ["note_spacings", "radius_for", "radius_of"]

# A place is known to 10 m in the coarsest of the three accuracy classes (C): what is nearer may be meant.
_LEAST_M: Final = 10.0
# Ours: what a question reaches where the city says nothing, some street's width.
_MOST_M: Final = 50.0


def radius_of(spacing_m: float | None) -> float:
    """Return how far a question about a class reaches for a component, in metres.

    The spacing itself, for beyond it another component of the class is to be expected; at least 10 m, which
    is how exactly a place of class C is known, and at most 50 m. The rule is ours.

    Parameters
    ----------
    spacing_m : float or None
        Median distance from a component of the class to the next; None where it is not known.

    Examples
    --------
    Lamps, manholes, and a class of a single component:

    >>> radius_of(30.0), radius_of(3.0), radius_of(None)
    (30.0, 10.0, 50.0)
    """
    return _MOST_M if spacing_m is None else min(max(spacing_m, _LEAST_M), _MOST_M)


def radius_for(store: Reading, classes: Collection[tuple[str, str]]) -> float:
    """Return how far a question about some classes reaches in a city, in metres.

    Of several classes (井盖) the widest of their radii. A class without a spacing, of which the city has one
    component or none or no points, says nothing beside one that has; where none has, it is 50 m.

    Parameters
    ----------
    store : Reading
        The city's store; one question is asked.
    classes : collection of (edition, code)
        Edition and code of each class.
    """
    codes = sorted({code for _, code in classes})
    rows = store.rows("spacings", ("edition", "class_code", "spacing_m"), {"class_code": codes})
    known = [spacing_m for edition, code, spacing_m in rows if (edition, code) in classes]
    return radius_of(max(known, default=None))


def note_spacings(tx: Transaction, class_codes: Collection[str] | None) -> None:
    """Note how far apart the components of some classes stand, in the transaction that has changed them.

    The spacing is the median distance from a place to the nearest other one of its class and edition
    (`gridcity.proximity.Spacing.nearest_m`), to the centimetre, over the points that have not ended; of a
    large class some 20,000 places are asked, spread evenly. It depends on nothing else, so that equal
    components have equal spacings, whichever came first. A class of fewer than two places has none.

    Parameters
    ----------
    tx : Transaction
        The components are as they shall be.
    class_codes : collection of str or None
        Codes of the classes whose components changed; None for all. Of a city that has no spacing yet, all
        are noted: it may be one of a former version.
    """
    import numpy as np

    from gridcity.proximity import spacing

    codes = None if class_codes is None or not tx.count("spacings") else sorted(class_codes)
    rows = []
    for edition, code, places in tx.standing(codes):
        lng, lat = places.T
        found = spacing(lng, lat, np.zeros(len(places), dtype=np.int64), 1)
        if found.places[0] > 1:
            rows.append((edition, code, int(found.places[0]), round(float(found.nearest_m[0]), 2)))
    tx.replace_spacings(codes, rows)
