"""The duty table: which party answers for which class, where, from when until when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from gridcity.model import Duty

if TYPE_CHECKING:
    from gridcity.store.base import Reading

__all__ = ["ROLES", "Duties", "Klass", "read_duties"]

ROLES = ("handler", "maintainer", "owner", "supervisor")
"""The roles of a duty; of several duties at one place the one who handles goes first."""

_COLUMNS: Final = Duty._fields[1:]


class Klass(NamedTuple):
    """A class of the catalogue, as duties name it."""

    kind: str
    edition: str
    code: str
    name: str = ""


class Duties:
    """The duty table, found by place and class.

    Parameters
    ----------
    duties : iterable of Duty
        All of them, past ones too, in any order.
    """

    def __init__(self, duties: Iterable[Duty]) -> None:
        self._at: dict[str, list[Duty]] = {}
        # With the places in the order, which those within a place keep.
        self._own: dict[int, tuple[int, Duty]] = {}
        for duty in sorted(duties, key=_order):
            if duty.area_m2 is None:
                self._at.setdefault(duty.place_code, []).append(duty)
            else:
                self._own[duty.id] = len(self._own), duty

    def at(self, place: str) -> list[Duty]:
        """Return the duties at the place with a code, in their order; none where it has no code."""
        return self._at.get(place, []) if place else []

    def within(self, polygons: Collection[int]) -> list[list[Duty]]:
        """Return the duties with polygons of their own, from the smallest polygon to the largest.

        Parameters
        ----------
        polygons : collection of int
            Ids of the duties whose polygons cover a point.

        Returns
        -------
        list of list of Duty
            Those with equally large polygons stand at one place: a park has several.
        """
        if not polygons:
            return []
        places: dict[float, list[Duty]] = {}
        for _, duty in sorted(self._own[i] for i in set(polygons) if i in self._own):
            places.setdefault(duty.area_m2 or 0.0, []).append(duty)
        return [places[area] for area in sorted(places)]


def _order(duty: Duty) -> tuple[object, ...]:
    """Return the order of duties for one class at one place; their rows have a say only between equals."""
    party, period = (duty.party_code, duty.party_name), (duty.since, duty.until)
    place = duty.place_code, duty.place_name
    return ROLES.index(duty.role), duty.priority, party, place, period, duty.id


def for_class(places: Iterable[Sequence[Duty]], klass: Klass, condition: str) -> Iterator[tuple[Duty, bool]]:
    """Iterate over the duties for a class, the one that goes first before the others.

    Parameters
    ----------
    places : iterable of sequence of Duty
        The duties at each place, the finest place first.
    klass : Klass
        The class asked for.
    condition : str
        The condition asked for; empty for none.

    Yields
    ------
    duty : Duty
        Those of the first place, then those of the next; at one place those for the class itself before
        those for its major class, those for the condition before those for every one.
    fits : bool
        False where it is for another condition; such a duty does not answer.
    """
    for here in places:
        for of_class in _of_class(here, klass) if here else ():
            if condition:
                yield from ((duty, True) for duty in of_class if duty.condition == condition)
            yield from ((duty, True) for duty in of_class if not duty.condition)
            yield from ((duty, False) for duty in of_class if duty.condition not in ("", condition))


def _of_class(here: Sequence[Duty], klass: Klass) -> tuple[list[Duty], list[Duty]]:
    """Return the duties for a class or its namesake of another edition, and those for its major class."""
    itself: list[Duty] = []
    major: list[Duty] = []
    for duty in here:
        if not duty.class_code or duty.class_kind != klass.kind:
            continue
        if (duty.class_code == klass.code and duty.edition == klass.edition) or (
            klass.name and duty.class_name == klass.name
        ):
            itself.append(duty)
        elif duty.class_code == klass.code[:2] and duty.edition == klass.edition:
            major.append(duty)
    return itself, major


def read_duties(
    store: Reading, places: list[str] | None = None, ids: Sequence[int] | None = None
) -> list[Duty]:
    """Return the duties of a store.

    Parameters
    ----------
    store : Reading
        The city's.
    places : list of str, optional
        Only those at the places with these codes.
    ids : sequence of int, optional
        Only these.
    """
    where: dict[str, object] | None = None if places is None else {"place_code": places}
    if ids is not None:
        where = {"fid": list(ids)}
    return [Duty(*row) for row in store.rows("duties", ("fid", *_COLUMNS), where)]
