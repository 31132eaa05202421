"""Who must answer: the steps of the chain, tried in the order the city's profile gives.

==============  =======================================================================
step            who answers
==============  =======================================================================
``maintainer``  the component's maintainer (养护单位)
``owner``       the component's owner (权属单位)
``supervisor``  the component's supervising body (主管部门)
``duty``        a duty for the class, at the finest place: cell, community, street, district
``territory``   a duty without a class, at the finest place (属地)
==============  =======================================================================

When no step answers, the step is ``none``. The default order, 先属主后属地 (the owner before the
territory), is gridcity's reading of how cities work, not the text of a standard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gridcity.model import NO_PARTY, Duty, Party

if TYPE_CHECKING:
    from gridcity.store.base import Reading

__all__ = [
    "BODIES",
    "NOBODY",
    "ROLES",
    "Answer",
    "Duties",
    "Klass",
    "Parties",
    "Roles",
    "StoredParties",
    "answers",
    "read_duties",
    "read_parties",
    "roles_of",
]


class Answer(NamedTuple):
    """A party and the step that named it."""

    code: str
    name: str
    step: str


NOBODY = Answer("", "", "none")

ROLES = ("handler", "maintainer", "owner", "supervisor")
"""The roles of a duty; of several duties at one place the one who handles goes first."""


BODIES = tuple(
    f"{role}_{part}" for role in ("maintainer", "owner", "supervisor") for part in ("code", "name")
)
"""The columns of a component that name its bodies."""


class Klass(NamedTuple):
    """A class of the catalogue, as duties name it."""

    kind: str
    edition: str
    code: str
    name: str = ""


class Roles(NamedTuple):
    """The bodies a component names, each as (code, name)."""

    maintainer: tuple[str, str]
    owner: tuple[str, str]
    supervisor: tuple[str, str]


def _valid(since: str, until: str, on: str) -> bool:
    """Return whether a period holds on a day: from ``since`` on, ``until`` no longer."""
    return since <= on and (not until or on < until)


class Parties:
    """The parties of a city, found by code, name or alias.

    Parameters
    ----------
    parties : iterable of Party
        All of them, past ones too; of several with one name that are valid together, the oldest answers.
    """

    def __init__(self, parties: Iterable[Party]) -> None:
        self._by_code: dict[str, list[Party]] = {}
        self._by_name: dict[str, list[Party]] = {}
        for party in sorted(parties, key=lambda p: p.id):
            if party.code:
                self._by_code.setdefault(party.code, []).append(party)
            for name in (party.name, *party.aliases):
                self._by_name.setdefault(_folded(name), []).append(party)

    def find(self, code: str, name: str) -> list[Party]:
        """Return the parties of a code, or else of a name or alias."""
        return self._by_code.get(code, []) or self._by_name.get(_folded(name), [])

    def named(self, code: str, name: str, on: str) -> tuple[str, str] | None:
        """Return code and name of the party that a component names.

        Parameters
        ----------
        code, name : str
            As the survey gave them. Blank, 无 and 00000000 name nobody.
        on : str
            ISO date.

        Returns
        -------
        tuple or None
            The party's own code and name where the city knows it; what the survey says where it
            does not; None where nobody is named, or the party is known and not valid that day.
        """
        code = "" if code in NO_PARTY else code
        name = "" if name in NO_PARTY else name
        if not code and not name:
            return None
        known = self.find(code, name)
        if not known:
            return code, name
        current = [party for party in known if _valid(party.since, party.until, on)]
        return (current[0].code, current[0].name) if current else None


class StoredParties(Parties):
    """The parties of a store, read when they are asked for: by code one by one, for a name all.

    Parameters
    ----------
    store : Reading
        The city's.
    """

    def __init__(self, store: Reading) -> None:
        self._store = store
        self._all: Parties | None = None

    def find(self, code: str, name: str) -> list[Party]:
        """Return the parties of a code, or else of a name or alias."""
        found = read_parties(self._store, code) if code else []
        if found:
            return found
        if self._all is None:
            self._all = Parties(read_parties(self._store))
        return self._all.find(code, name)


class Duties:
    """The duty table, found by place and class.

    Parameters
    ----------
    duties : iterable of Duty
        All of them, past ones too.
    """

    def __init__(self, duties: Iterable[Duty]) -> None:
        self._at: dict[str, list[Duty]] = {}
        for duty in sorted(duties, key=lambda d: (ROLES.index(d.role), d.priority, d.id)):
            self._at.setdefault(duty.place_code, []).append(duty)

    def matching(self, places: Sequence[str], klass: Klass | None, on: str) -> Iterator[Duty]:
        """Iterate over the duties that fit, the one that goes first before the others.

        Parameters
        ----------
        places : sequence of str
            Codes from the finest to the widest; empty ones are passed over.
        klass : Klass or None
            The class asked for; None asks for duties without a class.
        on : str
            ISO date.

        Yields
        ------
        Duty
            Those of the first place, then those of the next; at one place those for the class itself
            before those for its major class, then by role (`ROLES`), then the lowest priority number,
            then the oldest.
        """
        for place in filter(None, places):
            here = [duty for duty in self._at.get(place, ()) if _valid(duty.since, duty.until, on)]
            for code in (klass.code, klass.code[:2]) if klass else ("",):
                for duty in here:
                    if _fits(duty, klass, code):
                        yield duty


def _fits(duty: Duty, klass: Klass | None, code: str) -> bool:
    """Return whether a duty is for a class under one of its codes, or for its namesake of another edition."""
    if klass is None:
        return not duty.class_code
    if duty.class_kind != klass.kind:
        return False
    same_name = code == klass.code and duty.class_name != "" and duty.class_name == klass.name
    return same_name or (duty.edition, duty.class_code) == (klass.edition, code)


def answers(
    roles: Roles | None,
    places: Sequence[str],
    klass: Klass | None,
    *,
    parties: Parties,
    duties: Duties,
    steps: Sequence[str],
    on: str,
) -> tuple[Answer, Answer]:
    """Return the party that must answer and the one that would be next.

    Parameters
    ----------
    roles : Roles or None
        The bodies of the component concerned; None when there is none.
    places : sequence of str
        Codes of cell, community, street and district.
    klass : Klass or None
        The class of what happened.
    parties, duties
        The city's.
    steps : sequence of str
        The chain, first step first.
    on : str
        ISO date.

    Returns
    -------
    first, second : Answer
        `NOBODY` where no step (or no further step with another party) answers.
    """
    found: list[Answer] = []
    for step in steps:
        named: tuple[str, str] | None = None
        if step == "territory" or (step == "duty" and klass):
            fitting = duties.matching(places, klass if step == "duty" else None, on)
            # A duty of a party that has ended leaves the next duty to answer.
            named = next(filter(None, (parties.named(d.party_code, d.party_name, on) for d in fitting)), None)
        elif step != "duty" and roles:
            code, name = getattr(roles, step)
            named = parties.named(code, name, on)
        if named and all((answer.code, answer.name) != named for answer in found):
            found.append(Answer(*named, step))
            if len(found) == 2:
                break
    return found[0] if found else NOBODY, found[1] if len(found) > 1 else NOBODY


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


def roles_of(bodies: Sequence[str]) -> Roles:
    """Return the bodies of a component from the values of `BODIES`."""
    return Roles((bodies[0], bodies[1]), (bodies[2], bodies[3]), (bodies[4], bodies[5]))


def read_parties(store: Reading, code: str | None = None) -> list[Party]:
    """Return the parties of a store, all or those with a code."""
    columns = ("fid", "code", "name", "kind", "aliases", "parent_code", "since", "until")
    where = None if code is None else {"code": code}
    return [
        Party(fid, code, name, kind, tuple(filter(None, aliases.split(";"))), parent_code, since, until)
        for fid, code, name, kind, aliases, parent_code, since, until in store.rows("parties", columns, where)
    ]


def read_duties(store: Reading, places: list[str] | None = None) -> list[Duty]:
    """Return the duties of a store, all or those at some places."""
    columns = (
        *("fid", "party_code", "party_name", "role", "class_kind", "class_code", "class_name", "edition"),
        *("place_code", "since", "until", "priority"),
    )
    where = None if places is None else {"place_code": places}
    return [Duty(*row) for row in store.rows("duties", columns, where)]
