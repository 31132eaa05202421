"""Who answers in many cases, and by which duty: the audit asks for what a placement does not say.

The steps of the chain do not know of one another. What the bodies of a component say does not depend on
where it stands, and what the duties of a place say does not depend on the bodies. So both are found apart,
each once, and joined by the order of the chain.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gridcity.locating.relevant import Relevance
from gridcity.model import Duty
from gridcity.profile import STEPS, Profile
from gridcity.responsibility import Concerned, Decision, Duties, Klass, Parties, Roles, Situation, decide

if TYPE_CHECKING:
    from gridcity.locating.rulings import Rulings

__all__ = ["BODY_STEPS", "NO_STEP", "Answers", "Asked", "Judge"]

Ints = npt.NDArray[np.int64]

NO_STEP: Final = len(STEPS)
"""The number of the step where none answers."""
BODY_STEPS: Final = tuple(STEPS.index(role) for role in Roles._fields)
"""The numbers of the steps that the component's own bodies are."""
_NO_BODIES: Final = Roles(("", ""), ("", ""), ("", ""))
_NO_DUTIES: Final = Duties([])


class Answers(NamedTuple):
    """The answers to some cases, one value each.

    Attributes
    ----------
    step : int64 array
        Number of the step in `gridcity.profile.STEPS`, `NO_STEP` where nobody answers.
    party : int64 array
        Number of the party among the names of the judge, 0 for nobody.
    duty, rival : int64 arrays
        Ids of the duty that decided, and of another party's that claims the same with the same right; 0 for
        none.
    """

    step: Ints
    party: Ints
    duty: Ints
    rival: Ints


class Asked(NamedTuple):
    """Cases to be decided, one value each.

    Attributes
    ----------
    spot, klass, condition : int64 arrays
        Where; numbers of the class and of the condition.
    role : int64 array
        Number of the bodies of the component, -1 where none is known.
    code : object array
        Code of the component where a duty may name it, else empty.
    ended : object array
        Code of a cell that has ended and whose duties are tried first; empty for none.
    """

    spot: Ints
    klass: Ints
    condition: Ints
    role: Ints
    code: npt.NDArray[np.object_]
    ended: npt.NDArray[np.object_]


class Judge:
    """Decides cases; every distinct situation once.

    Parameters
    ----------
    rulings : Rulings
        Knows the spots of the city, and what may have a say there.
    parties, duties
        The tables that decide.
    profile : Profile
        The city's: its chains.
    on : str
        ISO date.
    crossing : collection of (int, int)
        The pairs of duties whose polygons cross, neither inside the other.
    names : dict of (str, str) to int
        The numbers of the parties that have answered, by code and name; judges of one city share it.
    """

    def __init__(
        self,
        rulings: Rulings,
        parties: Parties,
        duties: Sequence[Duty],
        profile: Profile,
        on: str,
        crossing: Collection[tuple[int, int]],
        names: dict[tuple[str, str], int],
    ) -> None:
        self._rulings, self._parties, self._relevance = rulings, parties, Relevance(duties)
        self._chains, self._on = (profile.component_steps, profile.event_steps), on
        self._crossing, self._names = crossing, names
        self._decided: dict[Situation, tuple[int, int, int, int]] = {}

    def answers(
        self,
        asked: Asked,
        classes: Sequence[Klass | None],
        conditions: Sequence[str],
        roles: Sequence[Roles],
    ) -> Answers:
        """Return the answers to some cases.

        Parameters
        ----------
        asked : Asked
            The cases.
        classes, conditions, roles
            What the numbers of the cases stand for.
        """
        duties, back = self._of_duties(asked, classes, conditions)
        step, party, duty, rival = duties.T[:, back]
        bodies = self._of_bodies(roles)
        own_step, own_party = bodies[asked.role].T
        # The place of a step in the chain of components; the chain of events has no bodies.
        rank = np.full(NO_STEP + 1, NO_STEP + 1)
        for i, name in enumerate(self._chains[0]):
            rank[STEPS.index(name)] = i
        first = (asked.role >= 0) & (own_step < NO_STEP) & (rank[own_step] < rank[step])
        return Answers(
            np.where(first, own_step, step),
            np.where(first, own_party, party),
            np.where(first, 0, duty),
            np.where(first, 0, rival),
        )

    def situation(self, spot: int, klass: Klass | None, condition: str, code: str, ended: str) -> Situation:
        """Return the situation of a case, as far as duties have a say in it."""
        places, polygons = self._rulings.spots.situation(spot)
        concerned = Concerned(code, _NO_BODIES) if code else None
        places = ended or places[0], *places[1:]
        return self._relevance.reduced(Situation(concerned, places, polygons, klass, condition))

    def ruling(self, situation: Situation) -> tuple[int, int, int, int]:
        """Return step, party, duty and rival of one situation; see `Answers`."""
        if situation not in self._decided:
            self._decided[situation] = self._ruled(situation)
        return self._decided[situation]

    def _of_duties(
        self, asked: Asked, classes: Sequence[Klass | None], conditions: Sequence[str]
    ) -> tuple[Ints, Ints]:
        """Return what the duties say in each distinct case, and which of these each case is."""
        n = len(asked.spot)
        key = (asked.spot * len(classes) + asked.klass) * len(conditions) + asked.condition
        apart = np.flatnonzero((asked.code != "") | (asked.ended != ""))
        key[apart] = -1 - np.arange(len(apart))
        _, first, back = np.unique(key, return_index=True, return_inverse=True)
        found = np.zeros((len(first), 4), dtype=np.int64)
        cases = zip(
            *(column[first].tolist() for column in (asked.spot, asked.klass, asked.condition)), strict=True
        )
        texts = zip(asked.code[first].tolist(), asked.ended[first].tolist(), strict=True)
        for i, ((spot, klass, condition), (code, ended)) in enumerate(zip(cases, texts, strict=True)):
            found[i] = self.ruling(self.situation(spot, classes[klass], conditions[condition], code, ended))
        return found, back.reshape(n)

    def _of_bodies(self, roles: Sequence[Roles]) -> Ints:
        """Return step and party of the first body that answers among each bodies, and last of none."""
        found = np.full((len(roles) + 1, 2), (NO_STEP, 0), dtype=np.int64)
        steps = [step for step in self._chains[0] if step in Roles._fields]
        for i, bodies in enumerate(roles):
            decision = self._decide(Situation(Concerned("", bodies), (), (), None), _NO_DUTIES, steps)
            found[i] = self._said(decision)[:2]
        return found

    def _ruled(self, situation: Situation) -> tuple[int, int, int, int]:
        decision = self._decide(situation, self._relevance.about(situation.klass))
        step, party, duty, rival = self._said(decision)
        deciding = decision.deciding
        if not rival and deciding and deciding.duty and deciding.duty.area_m2 is not None:
            rival = self._across(situation, deciding.duty, decision)
        return step, party, duty, rival

    def _across(self, situation: Situation, duty: Duty, decision: Decision) -> int:
        """Return the duty that would decide in the same step but for a smaller polygon that it crosses."""
        others = tuple(i for i in situation.polygons if (min(i, duty.id), max(i, duty.id)) in self._crossing)
        if not others:
            return 0
        without = self._decide(situation._replace(polygons=others), self._relevance.about(situation.klass))
        other = without.deciding
        same_step = other is not None and other.step == decision.first.step
        if other is None or other.duty is None or not same_step or without.first[:2] == decision.first[:2]:
            return 0
        return other.duty.id if other.duty.id in others else 0

    def _decide(self, situation: Situation, duties: Duties, steps: Sequence[str] | None = None) -> Decision:
        chains = self._chains if steps is None else (steps, steps)
        return decide(situation, parties=self._parties, duties=duties, chains=chains, on=self._on, whole=True)

    def _said(self, decision: Decision) -> tuple[int, int, int, int]:
        first, deciding = decision.first, decision.deciding
        if deciding is None:
            return NO_STEP, 0, 0, 0
        party = self._names.setdefault(first[:2], len(self._names))
        duty, rival = (0 if one is None else one.id for one in (deciding.duty, deciding.rival))
        return STEPS.index(first.step), party, duty, rival
