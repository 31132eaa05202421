"""The chain: steps tried one after the other until one names a party.

===============  ========================================================================================
step             who answers
===============  ========================================================================================
``maintainer``   the component's maintainer (养护单位)
``owner``        the component's owner (权属单位)
``supervisor``   the component's supervising body (主管部门)
``agreed``       a duty for this very component: agreed among its owners, or its builder's
``ground``       the maintainer of the road, green or square: a duty with a polygon of its own, without class
``duty``         a duty for the class, at the finest place: polygon, cell, community, street, district, city
``territory``    a duty without a class, at the finest place (属地)
``authority``    a supervisor's duty for the class at the district, then at the city (条线主管)
===============  ========================================================================================

When no step answers, the step is ``none``. The default orders, `gridcity.profile.COMPONENT_STEPS` and
`EVENT_STEPS`, are our reading of one city's rule (部件先属主后属地, 事件先属地后属主), not the text of a
standard; a profile may give others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from gridcity.model import Duty
from gridcity.responsibility.duties import Duties, Klass, for_class
from gridcity.responsibility.parties import Parties, Roles, said, valid

__all__ = ["NOBODY", "REASONS", "Answer", "Concerned", "Considered", "Decision", "Situation", "decide"]

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no-component": "no component is concerned",
        "no-class": "no class was asked about",
        "blank": "the component names nobody",
        "no-duty": "there is no such duty",
        "other-condition": "the duties there are for other conditions",
        "not-valid": "the party or its duty is not valid that day",
    }
)
"""Why a step did not decide."""

# Where in the places of a situation the district stands; what follows is wider.
_DISTRICT: Final = 3


class Answer(NamedTuple):
    """A party and the step that named it."""

    code: str
    name: str
    step: str


NOBODY = Answer("", "", "none")


class Concerned(NamedTuple):
    """The component that a question is about: its code, and the bodies that it names."""

    code: str
    roles: Roles


class Situation(NamedTuple):
    """What an answer depends on.

    Attributes
    ----------
    component : Concerned or None
        None where none is concerned.
    places : tuple of str
        Codes of cell, community, street, district, and of what is wider; empty where there is none.
    polygons : tuple of int
        Ids of the duties whose own polygons cover the place.
    klass : Klass or None
        The class of what happened.
    condition : str
        Its condition; empty for none.
    """

    component: Concerned | None
    places: tuple[str, ...]
    polygons: tuple[int, ...]
    klass: Klass | None
    condition: str = ""

    @property
    def of_component(self) -> bool:
        """Whether it is about a component, one that is known or one of a class: it has a chain of its own."""
        return self.component is not None or (self.klass is not None and self.klass.kind == "component")


class Considered(NamedTuple):
    """A step and what it said.

    Attributes
    ----------
    step : str
        One of `gridcity.profile.STEPS`.
    reason : str
        Why it did not answer, one of `REASONS`; empty where it did.
    code, name : str
        The party it named, or would have named were it valid that day.
    duty : Duty or None
        The duty behind it.
    rival : Duty or None
        A duty of another party with the same claim: only the order of the parties' codes decided.
    conditions : tuple of str
        The conditions for which other duties are, there or at a finer place: another word for what happened
        would have had another answer. Only where all steps are considered.
    """

    step: str
    reason: str
    code: str = ""
    name: str = ""
    duty: Duty | None = None
    rival: Duty | None = None
    conditions: tuple[str, ...] = ()


class Decision(NamedTuple):
    """Exactly one party, or explicitly none, and why.

    Attributes
    ----------
    first, second : Answer
        Who answers, and who would be next; `NOBODY` where no step, or no further step with another party,
        names one.
    considered : tuple of Considered
        The steps in their order: up to the one that named the second, or all of them.
    unowned : bool
        A component for which only the territory answers, or nobody (无责任主体).
    """

    first: Answer
    second: Answer
    considered: tuple[Considered, ...]
    unowned: bool

    @property
    def deciding(self) -> Considered | None:
        """The step that decided; None where none did."""
        return next((one for one in self.considered if not one.reason), None)

    @property
    def passed(self) -> str:
        """The steps before the one that decided, each with its reason: ``maintainer=blank; owner=blank``."""
        said = []
        for one in self.considered:
            if not one.reason:
                break
            said.append(f"{one.step}={one.reason}")
        return "; ".join(said)

    @property
    def duty_place(self) -> str:
        """Code of the place, or name of the polygon, of the duty that decided; empty where none did."""
        one = self.deciding
        if one is None or one.duty is None:
            return ""
        return one.duty.place_code or one.duty.place_name


def decide(
    situation: Situation,
    *,
    parties: Parties,
    duties: Duties,
    chains: tuple[Sequence[str], Sequence[str]],
    on: str,
    whole: bool = False,
) -> Decision:
    """Return the party that must answer, the one that would be next, and the steps on the way.

    Parameters
    ----------
    situation : Situation
        What is asked about.
    parties, duties
        The city's; of the duties at least those at the places of the situation, at its component and
        with its polygons.
    chains : two sequences of str
        The steps for components and those for events, first step first. What is about no class has the
        chain of events.
    on : str
        ISO date.
    whole : bool, optional
        Consider all steps, and look for rivals; else no more than the answer needs.

    Examples
    --------
    >>> lamp = Klass("component", "gbt47678.5-2026", "01037", "路灯")
    >>> street = Duty(1, "", "东四街道", "handler", "", "", "", "", "110101006", "", "", 0)
    >>> situation = Situation(None, ("", "", "110101006", "110101"), (), lamp)
    >>> found = decide(situation, parties=Parties([]), duties=Duties([street]),
    ...                chains=(["owner", "duty", "territory"], ["duty"]), on="2026-03-01")
    >>> found.first.name, found.first.step, found.passed, found.unowned
    ('东四街道', 'territory', 'owner=no-component; duty=no-duty', True)
    """
    steps = chains[0] if situation.of_component else chains[1]
    considered: list[Considered] = []
    answers: list[Answer] = []
    for step in steps:
        one = _consider(step, situation, parties, duties, apart="authority" in steps, on=on, whole=whole)
        considered.append(one)
        if not one.reason and all((one.code, one.name) != answer[:2] for answer in answers):
            answers.append(Answer(one.code, one.name, step))
            if len(answers) == 2 and not whole:
                break
    first, second = (*answers[:2], NOBODY, NOBODY)[:2]
    unowned = situation.of_component and first.step in ("territory", "none")
    return Decision(first, second, tuple(considered), unowned)


def _consider(
    step: str, situation: Situation, parties: Parties, duties: Duties, *, apart: bool, on: str, whole: bool
) -> Considered:
    """Return what one step says; ``apart``: supervisors' duties for wide places have a step of their own."""
    if step in Roles._fields:
        return _body(step, situation.component, parties, on)
    if step == "agreed":
        if situation.component is None:
            return Considered(step, "no-component")
    elif step in ("duty", "authority") and situation.klass is None:
        return Considered(step, "no-class")
    found = _candidates(step, situation, duties, apart=apart)
    return _first(step, found, parties, on, whole=whole)


def _body(step: str, component: Concerned | None, parties: Parties, on: str) -> Considered:
    """Return what a body that the component names says."""
    if component is None:
        return Considered(step, "no-component")
    code, name = map(said, getattr(component.roles, step))
    if not code and not name:
        return Considered(step, "blank")
    named = parties.named(code, name, on)
    if named:
        return Considered(step, "", *named)
    known = parties.find(code, name)[0]
    return Considered(step, "not-valid", known.code, known.name)


def _candidates(
    step: str, situation: Situation, duties: Duties, *, apart: bool
) -> Iterator[tuple[Duty, bool]]:
    """Iterate over the duties that a step looks at, with whether their condition fits."""
    klass, condition = situation.klass, situation.condition
    if step == "agreed":
        here = duties.at(situation.component.code if situation.component else "")
        if klass is not None:
            yield from for_class([here], klass, condition)
        yield from _without_class([here])
        return
    polygons = duties.within(situation.polygons)
    if step == "ground":
        yield from _without_class([duty for duty in place if duty.role == "maintainer"] for place in polygons)
        return
    if step == "territory":
        own = [[duty for duty in place if duty.role != "maintainer"] for place in polygons]
        yield from _without_class([*own, *map(duties.at, situation.places)])
        return
    assert klass is not None
    near = [*polygons, *map(duties.at, situation.places[:_DISTRICT])]
    wide = [duties.at(code) for code in situation.places[_DISTRICT:]]
    if step == "authority":
        places = [[duty for duty in place if duty.role == "supervisor"] for place in wide]
    elif apart:
        places = [*near, *([duty for duty in place if duty.role != "supervisor"] for place in wide)]
    else:
        places = [*near, *wide]
    yield from for_class(places, klass, condition)


def _without_class(places: Iterable[Sequence[Duty]]) -> Iterator[tuple[Duty, bool]]:
    return ((duty, True) for place in places for duty in place if not duty.class_code)


def _first(
    step: str, candidates: Iterable[tuple[Duty, bool]], parties: Parties, on: str, *, whole: bool
) -> Considered:
    """Return what the first duty says that is valid that day and whose party is; else why there is none."""
    missed = Considered(step, "no-duty")
    candidates = list(candidates) if whole else candidates
    for i, (duty, fits) in enumerate(candidates):
        if not fits:
            if missed.reason == "no-duty":
                missed = Considered(step, "other-condition", duty.party_code, duty.party_name, duty)
            continue
        # A duty of a party that has ended leaves the next duty to answer.
        named = parties.named(duty.party_code, duty.party_name, on) if _holds(duty, on) else None
        if named:
            if not isinstance(candidates, list):
                return Considered(step, "", *named, duty)
            rival = _rival(duty, named, candidates[i + 1 :], parties, on)
            return Considered(step, "", *named, duty, rival, _other_conditions(duty, candidates, i))
        if missed.reason != "not-valid":
            missed = Considered(step, "not-valid", duty.party_code, duty.party_name, duty)
    return missed


def _holds(duty: Duty, on: str) -> bool:
    return valid(duty.since, duty.until, on)


def _rival(
    duty: Duty, named: tuple[str, str], rest: Iterable[tuple[Duty, bool]], parties: Parties, on: str
) -> Duty | None:
    """Return the next duty of another party that claims the same as one, with the same right."""
    for other, fits in rest:
        if _claim(other) != _claim(duty):
            return None
        if fits and _holds(other, on):
            also = parties.named(other.party_code, other.party_name, on)
            if also and also != named:
                return other
    return None


def _other_conditions(duty: Duty, candidates: Sequence[tuple[Duty, bool]], at: int) -> tuple[str, ...]:
    """Return the conditions of duties that do not fit, at the place of the one that answers or before it."""
    others = [
        other.condition
        for i, (other, fits) in enumerate(candidates)
        if not fits and (i < at or _place(other) == _place(duty))
    ]
    return tuple(sorted(set(others)))


def _place(duty: Duty) -> tuple[str, float | None]:
    return (duty.place_code, None) if duty.area_m2 is None else ("", duty.area_m2)


def _claim(duty: Duty) -> tuple[object, ...]:
    """Return what a duty claims; two with the same claim are told apart by nothing but their party."""
    klass = duty.class_kind, duty.class_name or (duty.edition, duty.class_code)
    return _place(duty), klass, duty.condition, duty.role, duty.priority
