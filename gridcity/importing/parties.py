"""Import of parties and of their duties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gridcity.checking import check_credit_codes
from gridcity.importing.batch import Batch, Column, blank, joined, open_batch, read_dates
from gridcity.importing.identity import Marks, collapse, identify, match
from gridcity.importing.merge import keep_absent, keep_given, merge
from gridcity.importing.options import Options
from gridcity.importing.outcome import Import
from gridcity.importing.record import recorded
from gridcity.model import NO_PARTY
from gridcity.profile import Profile
from gridcity.responsibility import ROLES
from gridcity.store.base import Store, Transaction

__all__ = ["import_duties", "import_parties"]

_PERIOD = ("since", "until")
_ROLE_WORDS = {
    "处置": "handler",
    "属地": "handler",
    "养护": "maintainer",
    "权属": "owner",
    "主管": "supervisor",
}


def import_parties(store: Store, profile: Profile, path: str | Path, options: Options) -> Import:
    """Take supervisors, owners, maintainers and handlers into a city.

    A party is identified by its code, else by its name. A code of 18 characters is checked as a
    unified social credit code (GB 32100-2015); a wrong one is a finding and is kept as delivered.

    Parameters
    ----------
    store, profile
        The city's.
    path : str or path
        A table with ``name`` and, where there are any, ``code``, ``kind``, ``aliases`` (separated by
        ``;``), ``parent_code``, ``since`` and ``until``.
    options : Options
        How to read it.

    Raises
    ------
    SourceError, MappingError
        The file is refused as a whole; nothing was written.
    """
    batch = open_batch(path, "party", profile, options, geometry="none")
    code, name = batch.column("code"), batch.column("name")
    code[np.isin(code.astype(str), list(NO_PARTY))] = ""
    batch.reject("name-missing", (name == "") | np.isin(name.astype(str), list(NO_PARTY)), field="name")
    batch.findings.extend(check_credit_codes(batch.rows, code))
    dates = _read_periods(batch)
    aliases = batch.column("aliases")
    aliases[:] = [
        ";".join(filter(None, (part.strip() for part in text.replace("；", ";").split(";"))))
        for text in aliases
    ]
    texts = {
        field: batch.column(field) for field in ("code", "name", "kind", "aliases", "parent_code")
    } | dates
    with recorded(store, batch, "parties", options) as (tx, receipt_id, result):
        identity = identify(code, None, blank(len(batch)), name, other="name")
        collapse(batch, identity, list(texts.values()), label=name)
        known = tx.columns("parties", ("fid", "code", "name"))
        stored = Marks(known["code"], blank(len(known["fid"])), known["name"])
        rows = Marks(code, blank(len(batch)), name)
        ids = match(batch.going, rows, stored, known["fid"].astype(np.int64))
        keep_given(tx, "parties", batch, ids, {"code": code})
        keep_absent(tx, "parties", batch, ids, batch.absent(texts))
        merge(tx, "parties", batch, ids, texts, receipt_id)
    return result[0]


def _read_periods(batch: Batch) -> dict[str, Column]:
    found = read_dates(batch, _PERIOD)
    since, until = (found[name].astype(str) for name in _PERIOD)
    wrong = (until != "") & (until < since)
    batch.reject("period-order", wrong, field="until", values=found["until"], since=found["since"])
    return found


def import_duties(store: Store, profile: Profile, path: str | Path, options: Options) -> Import:
    """Take duties into a city: which party answers for which class, where, from when until when.

    Parameters
    ----------
    store, profile
        The city's; parties and places must be known before.
    path : str or path
        A table with ``party_code`` or ``party_name``, ``place_code`` (a cell or area code; empty for
        the whole city), and where needed ``class_code`` or ``class_name``, ``class_kind``
        (``component`` or ``event``), ``role``, ``since``, ``until``, ``priority``. A duty without a
        class is territorial.
    options : Options
        How to read it.

    Raises
    ------
    SourceError, MappingError
        The file is refused as a whole; nothing was written.
    """
    batch = open_batch(path, "duty", profile, options, geometry="none")
    dates = _read_periods(batch)
    kinds, editions, codes, names = _read_classes(batch, profile)
    priority = _read_priority(batch)
    role = _read_roles(batch)
    with recorded(store, batch, "duties", options) as (tx, receipt_id, result):
        party_code, party_name = _find_parties(tx, batch)
        place = _find_places(tx, batch, profile)
        columns: dict[str, Any] = {"party_code": party_code, "party_name": party_name, "role": role}
        columns |= {"class_kind": kinds, "class_code": codes, "class_name": names, "edition": editions}
        columns["place_code"] = place
        columns |= dates | {"priority": priority}
        identity = joined([party_code, party_name, role, kinds, codes, editions, place, dates["since"]])
        content = [dates["until"], priority.astype(str).astype(object)]
        prefix = np.full(len(batch), "key\x1f\x1f", dtype=object)
        collapse(batch, prefix + identity, content, label=identity)
        ids = _match_duties(tx, batch, identity)
        keep_absent(tx, "duties", batch, ids, batch.absent({"until": dates["until"], "priority": priority}))
        merge(tx, "duties", batch, ids, columns, receipt_id)
    return result[0]


def _match_duties(tx: Transaction, batch: Batch, identity: Column) -> npt.NDArray[np.int64]:
    names = ("party_code", "party_name", "role", "class_kind", "class_code", "edition", "place_code", "since")
    known = tx.columns("duties", ("fid", *names))
    ids = known["fid"].astype(np.int64)
    rows, stored = blank(len(batch)), blank(len(ids))
    marks = Marks(identity, rows, rows), Marks(joined([known[name] for name in names]), stored, stored)
    return match(batch.going, *marks, ids)


def _read_roles(batch: Batch) -> Column:
    """Read roles in English or Chinese; a duty without a role is the handler's."""
    given = batch.column("role")
    words = {"": ROLES[0]} | {role: role for role in ROLES} | _ROLE_WORDS
    unknown = np.array([text.casefold() not in words for text in given] or [], dtype=bool)
    possible = ", ".join(filter(None, words))
    batch.reject("role-unknown", unknown, field="role", values=given, possible=possible)
    return np.array([words.get(text.casefold(), "") for text in given] or [], dtype=object)


def _read_classes(batch: Batch, profile: Profile) -> tuple[Column, Column, Column, Column]:
    """Find the class of each duty in the city's editions; a major class of two digits stays as it is.

    Returns
    -------
    kind, edition, code, name : object arrays
        Empty where the duty is for every class; a major class has no name of its own here.
    """
    kinds, editions, codes, names = (blank(len(batch)) for _ in range(4))
    tables = profile.catalogues()
    wanted_kind = batch.column("class_kind")
    unknown, nearest = blank(len(batch)), blank(len(batch))
    for i in range(len(batch)):
        kind = wanted_kind[i] or "component"
        text = batch.column("class_code")[i] or batch.column("class_name")[i]
        if not text:
            continue
        found = next(
            ((t, e) for t in tables for e in filter(None, (t.find(text, kind), *t.named(text, kind)))), None
        )
        major = next((t for t in tables if any(text == code for code, _, _ in t.majors(kind))), None)
        if found is not None:
            kinds[i], editions[i], codes[i] = kind, found[0].edition, found[1].code
            names[i] = found[1].zh
        elif major is not None:
            kinds[i], editions[i], codes[i] = kind, major.edition, text
        else:
            unknown[i] = text
            nearest[i] = ", ".join(e.zh for t in tables for e in t.nearest(text, kind)) or "none"
    order = " or ".join(table.edition for table in tables)
    batch.reject(
        "class-unknown", unknown != "", field="class_code", values=unknown, edition=order, nearest=nearest
    )
    return kinds, editions, codes, names


def _read_priority(batch: Batch) -> Column:
    texts = batch.column("priority")
    good = np.array([text == "" or text.removeprefix("-").isdecimal() for text in texts] or [], dtype=bool)
    batch.reject("number-malformed", ~good, field="priority", values=texts)
    return np.array(
        [int(t) if t and ok else 0 for t, ok in zip(texts, good, strict=True)] or [], dtype=object
    )


def _find_parties(tx: Transaction, batch: Batch) -> tuple[Column, Column]:
    known = tx.rows("parties", ("code", "name", "aliases"))
    by_code = {code: (code, name) for code, name, _ in known if code}
    by_name = {
        alias: (code, name) for code, name, aliases in known for alias in (name, *aliases.split(";")) if alias
    }
    given = list(zip(batch.column("party_code"), batch.column("party_name"), strict=True))
    found = [by_code.get(code) or by_name.get(name) if code or name else None for code, name in given]
    missing = np.array([party is None for party in found] or [], dtype=bool)
    values = np.array([name or code for code, name in given] or [], dtype=object)
    batch.reject("party-unknown", missing, field="party_name", values=values)
    pairs = [party or ("", "") for party in found]
    return (
        np.array([code for code, _ in pairs] or [], dtype=object),
        np.array([name for _, name in pairs] or [], dtype=object),
    )


def _find_places(tx: Transaction, batch: Batch, profile: Profile) -> Column:
    known = {code for table in ("areas", "cells") for (code,) in tx.rows(table, ("code",))} | {
        profile.area_code
    }
    place = batch.column("place_code")
    place[place == ""] = profile.area_code
    missing = np.array([code not in known for code in place] or [], dtype=bool)
    batch.reject("place-unknown", missing, field="place_code", values=place)
    return place
