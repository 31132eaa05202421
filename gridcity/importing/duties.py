"""Import of duties: which party answers for which class, where, from when until when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gridcity.catalogue import Catalogue
from gridcity.importing.batch import Batch, Column, blank, joined
from gridcity.importing.duty_places import find_places, open_duties, place_marks
from gridcity.importing.identity import Marks, collapse, match, shape_text
from gridcity.importing.merge import keep_absent, merge
from gridcity.importing.options import Options
from gridcity.importing.outcome import Import
from gridcity.importing.parties import in_file, read_periods
from gridcity.importing.placing import promoted
from gridcity.importing.record import recorded
from gridcity.importing.shapes import check_polygons
from gridcity.intake.table import objects, per_distinct
from gridcity.model import NO_PARTY, Duty, Party
from gridcity.profile import Profile
from gridcity.responsibility import ROLES, Klass, Parties, folded
from gridcity.responsibility.duties import for_class
from gridcity.responsibility.spans import share_a_day
from gridcity.responsibility.tables import DutyTable, PartyTable, check_duties, nearest_names
from gridcity.store.base import Store, Transaction

__all__ = ["import_duties"]

_ROLE_WORDS = {
    "处置": "handler",
    "属地": "handler",
    "养护": "maintainer",
    "权属": "owner",
    "主管": "supervisor",
    # The standard's names of the bodies, which a table written from a survey repeats.
    "养护单位": "maintainer",
    "权属单位": "owner",
    "主管部门": "supervisor",
}
_KIND_WORDS = {
    "": "component",
    "部件": "component",
    "事件": "event",
    "component": "component",
    "event": "event",
}
# What a duty is: another one of these makes another duty. Its party and place come besides.
_SAME = ("role", "class_kind", "class_code", "edition", "condition", "since")
# Ours: where so many parties of a file are unknown it is another city's, and names like theirs say nothing.
_MOST_SUGGESTED = 100
# What the store holds for certain as a whole number.
_MOST_DIGITS = 18


def import_duties(store: Store, profile: Profile, path: str | Path, options: Options) -> Import:
    """Take duties into a city: which party answers for which class, where, from when until when.

    A duty is its party, role, class, condition, place and beginning; its end, priority and note may be
    delivered anew, and the shape of a polygon that has a code or a name.

    Parameters
    ----------
    store, profile
        The city's; parties and places must be known before.
    path : str or path
        A table or a layer with ``party_code`` or ``party_name``, and where needed ``place_code`` or
        ``place_name``, ``class_code`` or ``class_name``, ``class_kind`` (``component`` or ``event``),
        ``condition``, ``role``, ``since``, ``until``, ``priority``, ``note``. A duty without a class is
        territorial. Its place is a cell, an area or a component by its code, an area by its name or an
        alias of the profile, the city or province by its six digits; or the polygon of the row, with a code
        or name of its own. A table row that says no place is for the whole city.
    options : Options
        How to read it; ``key`` is the column that identifies a polygon without a code.

    Returns
    -------
    Import
        Among its findings those of `gridcity.responsibility.tables.check_duties` for the rows of the file.

    Raises
    ------
    SourceError, MappingError, ReferenceSystemError
        The file is refused as a whole; nothing was written.
    """
    batch = open_duties(path, profile, options)
    check_polygons(batch, repair=options.repair)
    batch.geometry = promoted(batch.geometry)
    columns: dict[str, Any] = read_periods(batch) | _read_classes(batch, profile)
    columns |= {"role": _read_roles(batch), "priority": _read_priority(batch)}
    columns["condition"] = _read_conditions(batch, columns["class_code"])
    columns["note"] = batch.column("note")
    with recorded(store, batch, "duties", options) as (tx, receipt_id, result):
        parties = PartyTable.read(tx)
        book = parties.book()
        columns |= _find_parties(batch, parties, book, columns)
        places = find_places(tx, batch, profile, columns["since"])
        columns |= places.columns()
        _note_other_classes(tx, batch, columns)
        identity = _identities(columns, places.marks, book)
        free = {name: columns[name] for name in ("until", "priority", "note", "place_name")}
        content = [
            shape_text(places.shapes),
            *(column.astype(str).astype(object) for column in free.values()),
        ]
        label = joined([columns["party_name"], columns["class_name"]])
        # What a message calls the duty stands first.
        collapse(batch, joined(["key\x1f\x1f" + columns["party_name"], identity]), content, label=label)
        ids = _known(tx, batch, identity, book)
        keep_absent(tx, "duties", batch, ids, batch.absent(free))
        merge(tx, "duties", batch, ids, columns, receipt_id)
        table, told = in_file(DutyTable.read(tx), batch)
        batch.findings.extend(check_duties(table, parties, told))
    return result[0]


def _note_other_classes(tx: Transaction, batch: Batch, columns: dict[str, Any]) -> None:
    """Name the duties for one component that are for another class than the component's."""
    place, code = columns["place_code"], columns["class_code"]
    at = np.flatnonzero(batch.alive & (code != ""))
    names = ("code", "edition", "class_code", "class_name")
    rows = tx.rows("components", names, {"code": sorted(set(place[at]))})
    own = {of: Klass("component", *klass) for of, *klass in rows}
    named = blank(len(batch))
    for i in at[[text in own for text in place[at]]].tolist():
        klass = own[place[i]]
        kind, name, edition = (columns[field][i] for field in ("class_kind", "class_name", "edition"))
        duty = Duty(0, "", "", ROLES[0], kind, code[i], name, edition, place[i], "", "", 0)
        if not any(for_class([[duty]], klass, "")):
            named[i] = klass.name or klass.code
    values = np.where(columns["class_name"] == "", code, columns["class_name"])
    facts = {"component": place, "named": named}
    batch.note("duty-other-class", named != "", field="class_code", values=values, **facts)


def _identities(columns: dict[str, Any], place_marks: Column, book: Parties) -> Column:
    """Return what identifies each duty; a party that has received a code since is the same."""

    def called(pair: tuple[str, str]) -> str:
        found = book.find(*pair)
        code, name = (found[0].code, found[0].name) if len(found) == 1 else pair
        return code or folded(name)

    party = per_distinct(list(zip(columns["party_code"], columns["party_name"], strict=True)), called)
    return joined([party, *(columns[name] for name in _SAME), place_marks])


def _known(tx: Transaction, batch: Batch, identity: Column, book: Parties) -> npt.NDArray[np.int64]:
    """Return the duty that each row stands for, 0 for a new one."""
    names = ("party_code", "party_name", *_SAME, "place_code", "place_name", "area_m2", "geom")
    known = tx.columns("duties", ("fid", *names))
    drawn = known["area_m2"] != np.array(None)
    marks = place_marks(known["place_code"], known["place_name"], drawn, known["geom"])
    rows, stored = blank(len(batch)), blank(len(known["fid"]))
    given = Marks(identity, rows, rows), Marks(_identities(known, marks, book), stored, stored)
    return match(batch.going, *given, known["fid"].astype(np.int64))


def _read_roles(batch: Batch) -> Column:
    """Read roles in English or Chinese; a duty without a role is the handler's."""
    given = batch.column("role")
    words = {"": ROLES[0]} | {role: role for role in ROLES} | _ROLE_WORDS
    unknown = np.array([text.casefold() not in words for text in given] or [], dtype=bool)
    possible = ", ".join(filter(None, words))
    batch.reject("role-unknown", unknown, field="role", values=given, possible=possible)
    return np.array([words.get(text.casefold(), "") for text in given] or [], dtype=object)


def _read_classes(batch: Batch, profile: Profile) -> dict[str, Column]:
    """Find the class of each duty in the city's editions; a major class of two digits stays as it is.

    Returns
    -------
    dict
        ``class_kind``, ``class_code``, ``class_name`` and ``edition``; empty where the duty is for every
        class. A major class has no name of its own here.
    """
    code, name, kind = (batch.column(field) for field in ("class_code", "class_name", "class_kind"))
    wanted = np.where(code == "", name, code).astype(object)
    tables = profile.catalogues()
    found = per_distinct(list(zip(kind, wanted, strict=True)), lambda pair: _class_of(tables, *pair))
    *columns, unknown, nearest = _columns(found, 6)
    order = " or ".join(table.edition for table in tables)
    batch.reject(
        "class-unknown", unknown != "", field="class_code", values=unknown, edition=order, nearest=nearest
    )
    return dict(zip(("class_kind", "class_code", "class_name", "edition"), columns, strict=True))


def _class_of(tables: Sequence[Catalogue], kind: str, text: str) -> tuple[str, ...]:
    """Return kind, code, name and edition of a class, or the text that names none and the nearest names."""
    said, kind = kind, _KIND_WORDS.get(kind.casefold(), "")
    if not kind:
        return "", "", "", "", f"{said} {text}".rstrip(), "none, for a class is of kind component or event"
    if not text:
        return ("",) * 6
    for table in tables:
        for entry in filter(None, (table.find(text, kind), *table.named(text, kind))):
            # A duty for what happens to a component (路灯异常) is one for the component.
            subject = table.subject(entry)
            return subject.kind, subject.code, subject.zh, table.edition, "", ""
    for table in tables:
        if any(text == code for code, _, _ in table.majors(kind)):
            within = (e for e in table.entries if e.kind == kind and e.code.startswith(text))
            # The same holds for a major class that has no other matters.
            kinds = {table.subject(entry).kind for entry in within}
            return kinds.pop() if len(kinds) == 1 else kind, text, "", table.edition, "", ""
    # Most often the kind was left blank, which says component, and the class is one of events.
    other = "event" if kind == "component" else "component"
    near = [f"{entry.zh} of kind {other}" for table in tables for entry in table.named(text, other)]
    near += [entry.zh for table in tables for entry in table.nearest(text, kind)]
    return "", "", "", "", text, ", ".join(dict.fromkeys(near)) or "none"


def _read_conditions(batch: Batch, klass: Column) -> Column:
    """Return the conditions, with single blanks; one without a class would answer for all conditions."""
    given = batch.column("condition")
    texts = np.array([" ".join(text.split()) for text in given] or [], dtype=object)
    batch.reject("duty-condition", (texts != "") & (klass == ""), field="condition", values=given)
    return texts


def _read_priority(batch: Batch) -> Column:
    texts = batch.column("priority")
    digits = (text.removeprefix("-") for text in texts)
    whole = [one.isdecimal() and len(one) <= _MOST_DIGITS for one in digits]
    good = (texts == "") | np.array(whole or [], dtype=bool)
    batch.reject("number-malformed", ~good, field="priority", values=texts)
    return np.array(
        [int(t) if t and ok else 0 for t, ok in zip(texts, good, strict=True)] or [], dtype=object
    )


def _find_parties(
    batch: Batch, parties: PartyTable, book: Parties, columns: dict[str, Any]
) -> dict[str, Column]:
    """Find the party of each duty by its code, else by its name or an alias."""
    code, name = batch.column("party_code"), batch.column("party_name")
    code[np.isin(code.astype(str), list(NO_PARTY))] = ""
    asked = list(zip(code, name, columns["since"], columns["until"], strict=True))
    codes, names, others = _columns(per_distinct(asked, lambda one: _party_of(book, *one)), 3)
    values = np.where(name == "", code, name).astype(object)
    unknown = (names == "") & (others == "")
    more = _suggested(values, unknown & batch.alive, parties)
    batch.reject("party-unknown", unknown, field="party_name", values=values, more=more)
    batch.reject("party-ambiguous", others != "", field="party_name", values=values, others=others)
    return {"party_code": codes, "party_name": names}


def _party_of(book: Parties, code: str, name: str, since: str, until: str) -> tuple[str, str, str]:
    """Return code and name of the party that is meant, or the parties that may be; else empty texts."""
    found = book.find(code, name)
    during = [party for party in found if share_a_day(since, until, party.since, party.until)]
    meant = during or found
    if len(meant) == 1:
        return meant[0].code, meant[0].name, ""
    if any(_meet(one, other) for i, one in enumerate(meant) for other in meant[:i]):
        return "", "", ", ".join(sorted(f"{p.name} ({p.code or 'without a code'})" for p in meant))
    # One after the other under one name: the day that is asked about tells them apart.
    return ("", name, "") if meant else ("", "", "")


def _meet(one: Party, other: Party) -> bool:
    return share_a_day(one.since, one.until, other.since, other.until)


def _columns(rows: Column, n: int) -> list[Column]:
    """Return tuples of n texts as columns."""
    return [objects(row[i] for row in rows) for i in range(n)]


def _suggested(values: Column, unknown: npt.NDArray[np.bool_], parties: PartyTable) -> Column:
    """Return what a message says besides of parties that nobody knows: those that are called alike."""
    words = [*parties.name, *(part for text in parties.aliases for part in text.split(";")), *parties.code]
    words = sorted(set(filter(None, words)))
    asked = sorted(set(values[unknown]) - {""})[:_MOST_SUGGESTED]
    nearest = {text: nearest_names(text, words) for text in asked}
    return np.array([nearest.get(text, "") for text in values] or [], dtype=object)
