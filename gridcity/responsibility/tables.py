"""Rules about the tables of parties and duties as a whole: columns in, findings out.

They are the same when a file comes in, once its rows stand beside those of the city, and over a stored city.
None of them costs a row: each says where the answer would depend on chance, or where there would be none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.findings import Findings
from gridcity.intake.table import objects, per_distinct
from gridcity.model import NO_PARTY, Party
from gridcity.responsibility.parties import Parties, folded
from gridcity.responsibility.spans import Spans, numbered_days, partners, period_text

if TYPE_CHECKING:
    from gridcity.store.base import Reading

__all__ = ["DutyTable", "PartyTable", "check_duties", "check_parties", "nearest_names"]

Column = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# Ours: a reader follows so many parents in one message.
_SHOWN = 5
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True, eq=False)
class PartyTable:
    """The parties of a city, past ones too, one value per party.

    Attributes
    ----------
    rows : int64 array
        What findings name: internal ids, or record numbers of a file.
    marks : object array
        How a party is told from others in the messages about those: ``id 7``, ``row 3``.
    code, name, aliases, parent_code, since, until : object arrays
        As in the table ``parties``; aliases are parted by ``;``.
    """

    rows: Numbers
    marks: Column
    code: Column
    name: Column
    aliases: Column
    parent_code: Column
    since: Column
    until: Column

    @classmethod
    def read(cls, store: Reading) -> PartyTable:
        """Read all parties of a store."""
        columns = ("code", "name", "aliases", "parent_code", "since", "until")
        table = store.columns("parties", ("fid", *columns))
        return cls(*_named(table["fid"]), **{name: table[name] for name in columns})

    def book(self) -> Parties:
        """Return the parties to be found by code, name or alias; their ids are their positions here."""
        columns = self.code, self.name, self.aliases, self.parent_code, self.since, self.until
        return Parties(
            Party(at, code, name, "", _names(aliases), parent, since, until)
            for at, (code, name, aliases, parent, since, until) in enumerate(zip(*columns, strict=True))
        )


@dataclass(frozen=True, slots=True, eq=False)
class DutyTable:
    """The duties of a city, past ones too, one value per duty.

    Attributes
    ----------
    rows, marks
        As of `PartyTable`.
    party_code, party_name, role, condition, since, until : object arrays
        As in the table ``duties``.
    klass : object array
        Kind and name of the class, or kind, edition and code where it has no name; empty for every class.
    place : object array
        Code of the place; of a duty with a polygon of its own the polygon, as text.
    priority : int64 array
        The lower number goes first.
    """

    rows: Numbers
    marks: Column
    party_code: Column
    party_name: Column
    role: Column
    condition: Column
    since: Column
    until: Column
    klass: Column
    place: Column
    priority: Numbers

    @classmethod
    def read(cls, store: Reading) -> DutyTable:
        """Read all duties of a store."""
        own = ("party_code", "party_name", "role", "condition", "since", "until")
        of_class = ("class_kind", "class_name", "edition", "class_code")
        table = store.columns("duties", ("fid", *own, *of_class, "place_code", "priority", "geom"))
        kind, name, edition, code = (table[column] for column in of_class)
        unnamed = edition + _SEPARATOR + code
        klass = np.where(code == "", "", kind + _SEPARATOR + np.where(name == "", unnamed, name))
        place = table["place_code"].copy()
        drawn = np.flatnonzero(~shapely.is_missing(table["geom"]))
        place[drawn] = shapely.to_wkb(shapely.normalize(table["geom"][drawn]), hex=True)
        return cls(
            *_named(table["fid"]),
            **{column: table[column] for column in own},
            klass=klass.astype(object),
            place=place,
            priority=table["priority"].astype(np.int64),
        )


def check_parties(parties: PartyTable, told: Mask | None = None) -> Findings:
    """Find parents that are unknown or lead back to their party, and names that two parties have at once.

    Parameters
    ----------
    parties : PartyTable
        All of the city.
    told : bool array, optional
        The parties that findings are wanted of; all if not given.

    Returns
    -------
    Findings
        ``party-parent-unknown``, ``party-parent-cycle``, ``party-name-shared``.
    """
    found = Findings()
    told = np.ones(len(parties.rows), dtype=bool) if told is None else told
    parent = pd.Series(parties.parent_code, dtype=object)
    unknown = told & ~parent.isin([*parties.code, *NO_PARTY]).to_numpy(dtype=bool)
    values = parties.parent_code[unknown].tolist()
    found.add("party-parent-unknown", parties.rows[unknown], field="parent_code", values=values)
    _check_cycles(parties, told, found)
    _check_names(parties, told, found)
    return found


def _check_cycles(parties: PartyTable, told: Mask, found: Findings) -> None:
    parents = {
        code: parent
        for code, parent in zip(parties.code, parties.parent_code, strict=True)
        if code and parent
    }
    known = dict.fromkeys((code for code in parents.values() if code not in parents), False)
    for code in parents:
        way: dict[str, None] = {}
        while code not in known and code not in way:
            way[code] = None
            code = parents[code]
        # What led into a cycle is not in it.
        passed = list(way)
        start = passed.index(code) if code in way else len(passed)
        known |= {one: i >= start for i, one in enumerate(passed)}
    at = [i for i, code in enumerate(parties.code) if told[i] and known.get(code, False)]
    values = [_lineage(parties.code[i], parents) for i in at]
    found.add("party-parent-cycle", parties.rows[at], field="parent_code", values=values)


def _lineage(code: str, parents: dict[str, str]) -> str:
    """Return a party of a cycle and its parents, up to where they come back to it."""
    way = [code]
    while parents[way[-1]] != code and len(way) < _SHOWN:
        way.append(parents[way[-1]])
    return " → ".join([*way, code if parents[way[-1]] == code else "…"])


def _check_names(parties: PartyTable, told: Mask, found: Findings) -> None:
    named = [
        (name, at, text)
        for at in range(len(parties.rows))
        for name, text in _distinct((parties.name[at], *_names(parties.aliases[at]))).items()
    ]
    if not named:
        return
    names, owner, texts = (np.array(column, dtype=object) for column in zip(*named, strict=True))
    owner = owner.astype(np.int64)
    _, begin, end, *_ = numbered_days(parties.since, parties.until, parties.since[:0], parties.until[:0])
    group = pd.factorize(names)[0]
    called = (parties.code + _SEPARATOR + parties.name)[owner]
    partner = partners(group, owner, begin[owner], end[owner], called)
    at = np.flatnonzero((partner >= 0) & told[owner])
    others = owner[partner[at]]
    found.add(
        "party-name-shared",
        parties.rows[owner[at]],
        field="name",
        values=texts[at].tolist(),
        other=_called(parties.name[others], parties.code[others], parties.marks[others]),
    )


def check_duties(duties: DutyTable, parties: PartyTable, told: Mask | None = None) -> Findings:
    """Find duties that two parties have at once, days between two duties, and duties of absent parties.

    A duty is counted on the days on which its party is valid, too.

    Parameters
    ----------
    duties : DutyTable
        All of the city.
    parties : PartyTable
        All of the city.
    told : bool array, optional
        The duties that findings are wanted of; all if not given.

    Returns
    -------
    Findings
        ``duty-overlap``: place, class, condition, role and priority are the same, the party is another.
        ``duty-gap``: place, class, condition and role are the same, one ends and the next begins later.
        ``duty-party-period``: a duty goes on after the end of its party, or is said to begin before it. A
        blank beginning says nothing.
    """
    found = Findings()
    told = np.ones(len(duties.rows), dtype=bool) if told is None else told
    who, since, until = _bodies(duties, parties)
    days, begin, end, party_begin, party_end = numbered_days(duties.since, duties.until, since, until)
    # A party nobody knows is not held to be absent.
    late, early = told & (end > party_end), told & (duties.since != "") & (begin < party_begin)
    for field, where in (("until", late), ("since", early & ~late)):
        at = np.flatnonzero(where)
        found.add(
            "duty-party-period",
            duties.rows[at],
            field=field,
            values=[period_text(duties.since[i], duties.until[i]) for i in at],
            party=_texts(duties.party_name[at], duties.party_code[at]),
            valid=["from " + period_text(since[i], until[i]) for i in at],
        )
    spans = Spans(days, np.maximum(begin, party_begin), np.minimum(end, party_end))
    of_class = [duties.place, duties.klass, duties.condition, duties.role]
    _check_overlaps(duties, told, _joined([*of_class, duties.priority.astype(str)]), who, spans, found)
    _check_gaps(duties, told, _joined(of_class), spans, found)
    return found


def _bodies(duties: DutyTable, parties: PartyTable) -> tuple[Numbers, Column, Column]:
    """Return a number for the party of each duty, and since when until when it is valid.

    Under one name there may be several, one after the other: then it is they together.
    """
    book = parties.book()

    def body(pair: tuple[str, str]) -> tuple[object, str, str]:
        found = book.find(*pair)
        if not found:
            return pair, "", ""
        until = "" if any(not party.until for party in found) else max(party.until for party in found)
        return found[0].id if len(found) == 1 else pair, min(party.since for party in found), until

    bodies = per_distinct(list(zip(duties.party_code, duties.party_name, strict=True)), body)
    numbers = {one: number for number, one in enumerate(dict.fromkeys(one for one, _, _ in bodies))}
    who = np.array([numbers[one] for one, _, _ in bodies], dtype=np.int64)
    return who, objects(since for _, since, _ in bodies), objects(until for _, _, until in bodies)


def _check_overlaps(
    duties: DutyTable, told: Mask, group: Numbers, who: Numbers, spans: Spans, found: Findings
) -> None:
    called = duties.party_code + _SEPARATOR + duties.party_name
    partner = partners(group, who, spans.begin, spans.end, called)
    at = np.flatnonzero((partner >= 0) & told)
    other = partner[at]
    begin, end = np.maximum(spans.begin[at], spans.begin[other]), np.minimum(spans.end[at], spans.end[other])
    found.add(
        "duty-overlap",
        duties.rows[at],
        field="priority",
        values=[spans.text(*span) for span in zip(begin, end, strict=True)],
        other=_called(duties.party_name[other], duties.party_code[other], duties.marks[other]),
    )


def _check_gaps(duties: DutyTable, told: Mask, group: Numbers, spans: Spans, found: Findings) -> None:
    at = np.flatnonzero(spans.begin < spans.end)
    at = at[np.lexsort((spans.end[at], spans.begin[at], group[at]))]
    if len(at) < 2:
        return
    latest = pd.Series(spans.end[at]).groupby(group[at]).cummax().to_numpy()
    # The row that ends last of those so far: the first of a group always does.
    last = at[np.maximum.accumulate(np.where(spans.end[at] == latest, np.arange(len(at)), 0))][:-1]
    following = at[1:]
    gap = (group[following] == group[last]) & (spans.begin[following] > latest[:-1])
    for field, chosen, rows in (
        ("since", gap & told[following], following),
        ("until", gap & told[last] & ~told[following], last),
    ):
        before, after = last[chosen], following[chosen]
        ends = zip(spans.end[before], spans.begin[after], strict=True)
        found.add(
            "duty-gap",
            duties.rows[rows[chosen]],
            field=field,
            values=[spans.text(*span) for span in ends],
            before=_called(duties.party_name[before], duties.party_code[before], duties.marks[before]),
            after=_called(duties.party_name[after], duties.party_code[after], duties.marks[after]),
        )


def nearest_names(text: str, names: Iterable[str]) -> str:
    """Return up to three names that are like a text, to stand at the end of a message; empty for none.

    Examples
    --------
    >>> nearest_names("样例排水集", ["样例排水集团", "样例路灯处"])
    '; nearest: 样例排水集团'
    """
    near = get_close_matches(text, names, n=3)
    return f"; nearest: {', '.join(near)}" if near else ""


def _names(aliases: str) -> tuple[str, ...]:
    return tuple(filter(None, aliases.split(";")))


def _distinct(names: Iterable[str]) -> dict[str, str]:
    """Return names as they are compared, each with how it is first written."""
    found: dict[str, str] = {}
    for text in names:
        found.setdefault(folded(text), text)
    return found


def _named(fids: Any) -> tuple[Numbers, Column]:
    return fids.astype(np.int64), np.array([f"id {fid}" for fid in fids] or [], dtype=object)


def _joined(columns: list[Any]) -> Numbers:
    """Return equal numbers where all columns are equal."""
    whole = columns[0].astype(object)
    for column in columns[1:]:
        whole = whole + _SEPARATOR + column.astype(object)
    numbers: Numbers = pd.factorize(whole)[0]
    return numbers


def _texts(names: Column, codes: Column) -> list[str]:
    return [name or code for name, code in zip(names, codes, strict=True)]


def _called(names: Column, codes: Column, marks: Column) -> list[str]:
    """Return how parties are called in a message about others."""
    return [f"{text} ({mark})" for text, mark in zip(_texts(names, codes), marks, strict=True)]
