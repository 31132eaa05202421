"""The duties that have a say about a class; without the others, many situations are one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gridcity.model import Duty
from gridcity.responsibility import Duties, Klass, Situation
from gridcity.responsibility.duties import for_class

__all__ = ["Relevance", "Relevant"]


class Relevance:
    """A duty table, its duties told apart by what they are for.

    Parameters
    ----------
    duties : sequence of Duty
        All of them, past ones too.

    Attributes
    ----------
    subject : dict of int to int
        A number for what each duty is for, by its id: kind, edition, code and name of a class.
    """

    def __init__(self, duties: Sequence[Duty]) -> None:
        self._every = Duties(duties)
        self.subject: dict[int, int] = {}
        self._examples: list[Duty] = []
        numbers: dict[tuple[str, str, str, str], int] = {}
        for duty in duties:
            of = duty.class_kind, duty.edition, duty.class_code, duty.class_name
            self.subject[duty.id] = numbers.setdefault(of, len(numbers))
            if len(numbers) > len(self._examples):
                self._examples.append(duty)
        self._about: dict[Klass | None, Relevant] = {}

    def about(self, klass: Klass | None) -> Relevant:
        """Return the duties that may have a say about a class; for None those without a class."""
        if klass not in self._about:
            subjects = {
                number
                for number, duty in enumerate(self._examples)
                if not duty.class_code or (klass and any(for_class([[duty]], klass, "")))
            }
            self._about[klass] = Relevant(self._every, self.subject, subjects)
        return self._about[klass]

    def reduced(self, situation: Situation) -> Situation:
        """Return a situation without the places and polygons where no duty has a say about its class."""
        about = self.about(situation.klass)
        return situation._replace(
            places=tuple(code if code and about.at(code) else "" for code in situation.places),
            polygons=tuple(i for i in situation.polygons if self.subject.get(i) in about.subjects),
        )


class Relevant(Duties):
    """The duties that may have a say about a class, those of each place picked when it is first met.

    Parameters
    ----------
    every : Duties
        All of them.
    subject : dict of int to int
        What each is for, by its id.
    subjects : collection of int
        What those that have a say are for.
    """

    def __init__(self, every: Duties, subject: dict[int, int], subjects: Collection[int]) -> None:
        super().__init__(())
        self.subjects = subjects
        self._every, self._subject = every, subject

    def at(self, place: str) -> list[Duty]:
        """Return the duties at the place with a code; see `Duties.at`."""
        if place not in self._at:
            self._at[place] = [
                duty for duty in self._every.at(place) if self._subject[duty.id] in self.subjects
            ]
        return self._at[place]

    def within(self, polygons: Collection[int]) -> list[list[Duty]]:
        """Return the duties with polygons of their own; see `Duties.within`."""
        return self._every.within(polygons)
