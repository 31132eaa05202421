"""Who answers for components: what stands somewhere has one answer, wherever the reporter stood."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from gridcity.locating.components import Components
from gridcity.locating.sites import Sites, component_sites
from gridcity.responsibility import Concerned

if TYPE_CHECKING:
    from gridcity.locating.bulk import BulkLocator

__all__ = ["Concerns"]

Ints = npt.NDArray[np.integer]
Numbers = npt.NDArray[np.int32]

_UNKNOWN: Final = -2


class Concerns:
    """The answers for components, each found once.

    Parameters
    ----------
    city : BulkLocator
        The city on that day.
    components : Components
        The components; all questions name them by their positions.
    """

    def __init__(self, city: BulkLocator, components: Components) -> None:
        self.components, self._city = components, city
        self._answers: dict[str, Numbers] = {}
        self._beyond: dict[tuple[str, float], Numbers] = {}

    @cached_property
    def sites(self) -> Sites:
        """Where each component stands."""
        return component_sites(self.components, self._city.cells)

    def answers(self, component: Ints, condition: str) -> Numbers:
        """Return the number of the answer for each component, under a condition."""
        known = self._answers.setdefault(condition, self._unknown())
        new = _first_asked(known, component)
        known[new] = self._decide(new, self._spots[new], condition)
        return known[component]

    def across(self, component: Ints, condition: str, accuracy_m: float) -> Numbers:
        """Return the number of an answer across a border for each component; see `Across.find`."""
        known = self._beyond.setdefault((condition, accuracy_m), self._unknown())
        new = _first_asked(known, component)
        known[new] = self._city.across.find(
            self.sites.at(new),
            self._spots[new],
            self.answers(new, condition),
            lambda at, spot: self._decide(new[at], spot, condition),
            accuracy_m=accuracy_m,
            held=False,
        )
        return known[component]

    @cached_property
    def _spots(self) -> Numbers:
        return self._city.rulings.spots.of(self.sites, held=False)

    @cached_property
    def _case(self) -> Ints:
        """A number for each class, bodies and agreement that components have."""
        components, agreed = self.components, self._city.rulings.agreed
        case = components.klass * len(components.roles) + components.role
        # One that is named by a duty has a case of its own.
        named = [i for i, code in enumerate(components.codes.tolist()) if code in agreed]
        case[named] = len(components.classes) * len(components.roles) + np.arange(len(named))
        return case

    def _decide(self, component: Ints, spot: Numbers, condition: str) -> Numbers:
        """Return the answers for components as if they stood at these spots."""
        known, rulings = self.components, self._city.rulings
        key = self._case[component] * len(rulings.spots) + spot
        _, first, back = np.unique(key, return_index=True, return_inverse=True)
        chosen = component[first]
        roles = [known.roles[i] for i in known.role[chosen].tolist()]
        concerned = [Concerned(*both) for both in zip(known.codes[chosen].tolist(), roles, strict=True)]
        klass = [known.classes[i] for i in known.klass[chosen].tolist()]
        return rulings.by_component(concerned, klass, condition, spot[first])[back]

    def _unknown(self) -> Numbers:
        return np.full(len(self.components.codes), _UNKNOWN, dtype=np.int32)


def _first_asked(known: Numbers, component: Ints) -> Ints:
    """Return which of some components are not known yet, each once."""
    asked = np.zeros(len(known), dtype=bool)
    asked[component] = True
    return np.flatnonzero(asked & (known == _UNKNOWN))
