"""The answer to one point, told as a person would tell it: what was found, each step, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gridcity.locating.single import Question, locate_one
from gridcity.model import Duty, Placement
from gridcity.responsibility import REASONS, Considered, Decision

if TYPE_CHECKING:
    from gridcity.profile import Profile
    from gridcity.store.base import Reading

__all__ = ["Justification", "justify_one"]

_STEPS: Final = {
    "maintainer": "maintainer 养护单位",
    "owner": "owner 权属单位",
    "supervisor": "supervisor 主管部门",
    "agreed": "agreed 约定或建设单位",
    "ground": "ground 所在道路绿地广场",
    "duty": "duty 专项职责",
    "territory": "territory 属地",
    "authority": "authority 条线主管",
}
_SOUGHT: Final = {
    "agreed": "no duty is for this component",
    "ground": "no maintainer's polygon covers the place",
    "duty": "no duty for the class holds at the place",
    "territory": "no duty without a class holds at the place",
    "authority": "no supervisor's duty for the class holds at the district or wider",
}
_LEVELS: Final = {6: "all of ", 9: "street ", 12: "community ", 14: "cell ", 15: "cell "}


class Justification(NamedTuple):
    """One answer with all its reasons.

    Attributes
    ----------
    placement : Placement
        The answer, as `City.locate` gives it.
    decision : Decision
        All steps of the chain, with the duties behind them and their rivals.
    radius_m : float
        How far a component of the class might have been.
    accuracy_m : float
        How well the place is known.
    condition : str
        The condition asked about; empty for none.
    on : str
        ISO date of the question.
    sought : bool
        Whether a component was looked for.
    """

    placement: Placement
    decision: Decision
    radius_m: float
    accuracy_m: float
    condition: str
    on: str
    sought: bool

    def sentences(self) -> list[str]:
        """Return what a person would say: the place, the component, each step, the answer."""
        return [*self._place(), *self._component(), *self._steps(), *self._answer()]

    def as_dict(self) -> dict[str, Any]:
        """Return the answer with its steps, for JSON."""
        steps = [
            {
                "step": one.step,
                "reason": one.reason,
                "party_code": one.code,
                "party_name": one.name,
                "duty": _of_duty(one.duty),
                "rival": _of_duty(one.rival),
                "other_conditions": list(one.conditions),
            }
            for one in self.decision.considered
        ]
        asked = {"radius_m": self.radius_m, "accuracy_m": self.accuracy_m, "condition": self.condition}
        told = {"considered": steps, "sentences": self.sentences()}
        return {**self.placement.as_dict(), **asked, "as_of": self.on, **told}

    def _place(self) -> Iterator[str]:
        p = self.placement
        where = f"The point {p.lng:.6f} {p.lat:.6f}, asked about on {self.on},"
        names = [name for name in (p.community_name, p.street_name, p.district_name) if name]
        within = f" ({', '.join(names)})" if names else ""
        cell = _cell(p.cell_code, p.cell_id)
        if p.basis == "outside":
            far_m = p.distance_to_border_m
            far = "" if far_m is None else f"; the nearest is {_metres(far_m)} away"
            area = f", but in {', '.join(names)}" if names else ""
            yield f"{where} lies in no cell{area}{far}."
            if not names and p.component_id is None:
                yield "It lies in no area of the city either, so that no duty at a cell or area can answer."
        elif p.basis == "near":
            far = f"is {_metres(p.distance_to_border_m)} away and was taken"
            yield f"{where} lies in no cell; {cell}{within} {far}."
        elif p.basis == "edge":
            yield f"{where} lies on the border of {cell}{within}, which comes first by its code."
        else:
            yield f"{where} lies in {cell}{within}, {_metres(p.distance_to_border_m)} from its border."
        if p.overlap:
            yield "More than one cell covers it: the cells overlap."

    def _component(self) -> Iterator[str]:
        p = self.placement
        asked = f"{p.class_name}{f' ({self.condition})' if self.condition else ''}"
        if not p.class_name:
            yield "No class was named: only the territory can answer."
        elif p.component_id is None:
            if self.sought:
                yield f"No {asked} is known within {_metres(self.radius_m)}."
            elif p.class_code:
                yield f"It is about {asked}."
            else:
                yield (
                    f"{p.class_name} is in the names of several classes: only the territory can answer. "
                    f"Name one of them: gridcity catalogue {p.class_name}"
                )
        else:
            yield (
                f"The nearest {asked} within {_metres(self.radius_m)} is "
                f"{_object(p.component_code, p.component_id, p.component_name, p.class_name)}, "
                f"{_away(p.component_distance_m)}."
            )
            if p.other_component_id is not None:
                yield (
                    f"As likely, where places are known to {_metres(self.accuracy_m)}, is "
                    f"{_object(p.other_component_code, p.other_component_id)}, "
                    f"{_away(p.other_component_distance_m)}."
                )
            if p.cells_differ:
                said = "It does not stand in the cell of the point"
                if p.component_cell_code:
                    elsewhere = "in no cell" if p.cell_id is None else "in another cell"
                    said = f"It stands in cell {p.component_cell_code}, the point {elsewhere}"
                elif p.cell_id is None:
                    said = "It stands in a cell without a code, the point in none"
                yield f"{said}: where it stands decides."

    def _steps(self) -> Iterator[str]:
        first, second = self.decision.first, self.decision.second
        for number, one in enumerate(self.decision.considered, 1):
            said = f"{number}. {_STEPS[one.step]}: {self._said(one)}"
            if not one.reason:
                party = one.code, one.name
                if one.step == first.step:
                    said += " — answers"
                elif one.step == second.step:
                    said += " — would be next"
                elif party == first[:2]:
                    said += " — answers already"
                elif party == second[:2]:
                    said += " — would be next already"
                else:
                    said += " — comes after them"
            yield f"{said}."

    def _said(self, one: Considered) -> str:
        who = one.name or one.code
        if one.reason == "":
            rival = ""
            if one.rival is not None:
                rival = (
                    f"; {one.rival.party_name or one.rival.party_code} claims the same, "
                    "and only the order of codes decides"
                )
            others = f" (other duties there are for {', '.join(one.conditions)})" if one.conditions else ""
            said = f"{who}, by {_told(one.duty)}" if one.duty else f"the component names {who}"
            return said + others + rival
        if one.reason == "not-valid":
            if one.duty is None:
                return f"the component names {who}, who is not valid on that day"
            return f"{who}, by {_told(one.duty)}, but duty or party is not valid on that day"
        if one.reason == "other-condition" and one.duty is not None:
            asked = f"not for {self.condition}" if self.condition else "and none was named"
            return f"the duties there are for other conditions ({one.duty.condition}), {asked}"
        if one.reason == "no-duty":
            return _SOUGHT[one.step]
        if one.reason == "no-class" and self.placement.class_name:
            return "no single class was asked about"
        return REASONS[one.reason]

    def _answer(self) -> Iterator[str]:
        p = self.placement
        if p.step == "none":
            yield "Nobody answers: no step names a party."
        else:
            yield f"{_party(p.party_name, p.party_code)} must answer."
            if p.next_step:
                yield f"Next would be {_party(p.next_party_name, p.next_party_code)}."
        if p.unowned:
            what = "the component" if p.component_id is not None else f"such a component ({p.class_name})"
            yield f"无责任主体: no body of its own answers for {what}."
        if p.across_party_name or p.across_party_code:
            across = _party(p.across_party_name, p.across_party_code)
            yield (
                f"A border of duty is no farther than {_metres(self.accuracy_m)}, and on its other side "
                f"{across} would answer: make sure of the place."
            )


def justify_one(
    store: Reading, profile: Profile, lng: float, lat: float, question: Question
) -> Justification:
    """Return the placement of one point with all its reasons; see `gridcity.locating.locate_one`."""
    placement, decision = locate_one(store, profile, lng, lat, question, whole=True)
    return Justification(
        placement,
        decision,
        radius_m=question.reach_m(store),
        accuracy_m=question.accuracy_m,
        condition=question.condition,
        on=question.on,
        sought=bool(question.wanted.components),
    )


def _cell(code: str, number: int | None) -> str:
    return f"cell {code}" if code else f"the cell without a code (id {number})"


def _object(code: str, number: int, name: str = "", class_name: str = "") -> str:
    called = code or f"the one with id {number}"
    return f"{name} ({called})" if name not in ("", code, class_name) else called


def _away(metres: float | None) -> str:
    return f"{_metres(metres)} away" if metres else "at the point itself"


def _metres(metres: float | None) -> str:
    return f"{metres or 0.0:,.2f}".rstrip("0").rstrip(".") + " m"


def _party(name: str, code: str) -> str:
    return f"{name} ({code})" if name and code and name != code else name or code


def _told(duty: Duty | None) -> str:
    """Return a duty in words: its role, its class, its place, its period, what it rests on."""
    if duty is None:
        return "no duty"
    klass = duty.class_name or (f"major class {duty.class_code}" if duty.class_code else "every class")
    if duty.condition:
        klass += f" ({duty.condition})"
    if duty.area_m2 is not None:
        where = f"{duty.place_name or duty.place_code or 'a polygon'} ({duty.area_m2:,.0f} m²)"
    else:
        where = f"{_LEVELS.get(len(duty.place_code), 'component ')}{duty.place_code}"
    since = f", since {duty.since}" if duty.since else ""
    until = f", until {duty.until}" if duty.until else ""
    note = f" [{duty.note}]" if duty.note else ""
    return f"its duty as {duty.role} for {klass} at {where}{since}{until}{note}"


def _of_duty(duty: Duty | None) -> dict[str, Any] | None:
    return None if duty is None else duty._asdict()
