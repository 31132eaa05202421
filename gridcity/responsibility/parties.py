"""The parties of a city, found by code, name or alias, and the bodies that a component names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gridcity.model import NO_PARTY, Party

if TYPE_CHECKING:
    from gridcity.store.base import Reading

__all__ = [
    "BODIES",
    "Parties",
    "Roles",
    "StoredParties",
    "folded",
    "read_parties",
    "roles_of",
    "said",
    "valid",
]

BODIES = tuple(
    f"{role}_{part}" for role in ("maintainer", "owner", "supervisor") for part in ("code", "name")
)
"""The columns of a component that name its bodies."""


class Roles(NamedTuple):
    """The bodies a component names, each as (code, name)."""

    maintainer: tuple[str, str]
    owner: tuple[str, str]
    supervisor: tuple[str, str]


def roles_of(bodies: Sequence[str]) -> Roles:
    """Return the bodies of a component from the values of `BODIES`."""
    return Roles((bodies[0], bodies[1]), (bodies[2], bodies[3]), (bodies[4], bodies[5]))


def valid(since: str, until: str, on: str) -> bool:
    """Return whether a period holds on a day: from ``since`` on, ``until`` no longer."""
    return since <= on and (not until or on < until)


def folded(name: str) -> str:
    """Return a name as names are compared: without blanks, and without regard to capitals.

    Examples
    --------
    >>> folded(" 北京 排水集团 ") == folded("北京排水集团")
    True
    """
    return "".join(name.split()).casefold()


class Parties:
    """The parties of a city, found by code, name or alias.

    Parameters
    ----------
    parties : iterable of Party
        All of them, past ones too, in any order. Of several with one name that are valid together the
        one with the lowest code answers, those without a code last.
    """

    def __init__(self, parties: Iterable[Party]) -> None:
        self._by_code: dict[str, list[Party]] = {}
        self._by_name: dict[str, list[Party]] = {}
        for party in sorted(parties, key=lambda p: (not p.code, p.code, p.name, p.since, p.id)):
            if party.code:
                self._by_code.setdefault(party.code, []).append(party)
            for name in dict.fromkeys(filter(None, map(folded, (party.name, *party.aliases)))):
                self._by_name.setdefault(name, []).append(party)

    def find(self, code: str, name: str) -> list[Party]:
        """Return the parties of a code, or else of a name or alias."""
        return self._by_code.get(code, []) or self._by_name.get(folded(name), [])

    def named(self, code: str, name: str, on: str) -> tuple[str, str] | None:
        """Return code and name of the party that a component or a duty names.

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
        code, name = said(code), said(name)
        if not code and not name:
            return None
        known = self.find(code, name)
        if not known:
            return code, name
        current = next((party for party in known if valid(party.since, party.until, on)), None)
        return None if current is None else (current.code, current.name)


class StoredParties(Parties):
    """The parties of a store, read when they are asked for.

    Parameters
    ----------
    store : Reading
        The city's.
    """

    def __init__(self, store: Reading) -> None:
        self._store = store
        # The ids of all, each with its folded names and aliases in one text; read for the first name.
        self._texts: list[tuple[int, str]] | None = None

    def find(self, code: str, name: str) -> list[Party]:
        """Return the parties of a code, or else of a name or alias."""
        found = read_parties(self._store, {"code": code}) if code else []
        sought = folded(name)
        if found or not sought:
            return found
        if self._texts is None:
            rows = self._store.rows("parties", ("fid", "name", "aliases"))
            self._texts = [(i, folded(name + aliases)) for i, name, aliases in rows]
        # SQLite does not fold names as Python does. What has the name somewhere in its text is looked at.
        ids = [i for i, text in self._texts if sought in text]
        return Parties(read_parties(self._store, {"fid": ids})).find("", name) if ids else []


def said(text: str) -> str:
    """Return what a text says of a party: nothing where it is a blank, 无 or 00000000."""
    return "" if text in NO_PARTY else text


def read_parties(store: Reading, where: Mapping[str, object] | None = None) -> list[Party]:
    """Return the parties of a store, all or those that match; see `Reading.rows`."""
    columns = ("fid", "code", "name", "kind", "aliases", "parent_code", "since", "until")
    return [
        Party(fid, code, name, kind, tuple(filter(None, aliases.split(";"))), parent_code, since, until)
        for fid, code, name, kind, aliases, parent_code, since, until in store.rows("parties", columns, where)
    ]
