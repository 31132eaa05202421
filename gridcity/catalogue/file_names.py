"""The class that the name of a file names, for deliveries with one file per class."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gridcity.catalogue.classes import Catalogue, ClassEntry
from gridcity.catalogue.tables import normal
from gridcity.codes import edition

# Ours: endings of what may stand beside a class name without being part of it (a place, a shape, a word
# for a file). Anything else may make it the name of another thing: 路灯杆 is no 路灯, 给水井盖 no 水井.
_BESIDE = ("市", "区", "县", "旗", "镇", "乡", "村", "街道", "点", "线", "面", "数据", "普查", "图层")
_DIGITS = re.compile(r"[0-9]+")
_CHINESE = r"[\u3400-\u9fff]"


def class_of_name(stem: str, tables: Sequence[Catalogue]) -> tuple[ClassEntry | None, str]:
    """Return the component class that a file's name names, and why it is this one or none.

    A class is named by its code, standing between other characters than digits, or by its exact Chinese
    name, alone between other characters than Chinese ones or beside a place or a shape (``东城区路灯``,
    ``路灯点``). It is never taken by likeness. The answer is meant to be shown before it is used.

    Parameters
    ----------
    stem : str
        Name of the file without folder and suffix.
    tables : sequence of Catalogue
        The class tables, that of new codes first, as `Profile.catalogues` returns them. A name that two
        of them have is the class of the first.

    Returns
    -------
    entry : ClassEntry or None
        None where nothing names a class, and where two classes are possible.
    reason : str
        A clause for people: what names the class, or what is nearest.

    Examples
    --------
    >>> from gridcity.catalogue import catalogue
    >>> tables = [catalogue("gbt47678.5-2026"), catalogue("cjt214-2007")]
    >>> class_of_name("GGSS_雨水井盖_2026", tables)[1]
    'the name holds 雨水井盖'
    >>> class_of_name("0101_上水井盖", tables)[1]
    'the name holds the code 0101 of cjt214-2007, 上水井盖'
    >>> class_of_name("井盖东区", tables)[0] is None
    True
    """
    text = normal(stem)
    named = _by_name(text, tables)
    coded = _by_code(text, tables)
    meanings = {entry.zh: entry for entry in (*named, *coded)}
    if len(meanings) == 1 and coded:
        return coded[0], f"the name holds the code {coded[0].code} of {coded[0].edition}, {coded[0].zh}"
    if len(meanings) == 1:
        return named[0], f"the name holds {named[0].zh}"
    if meanings:
        several = ", ".join(f"{entry.code} {entry.zh} ({entry.edition})" for entry in meanings.values())
        return None, f"the name fits several classes: {several}"
    nearest = _nearest(text, tables)
    return None, "the name holds no class" + (f"; nearest: {nearest}" if nearest else "")


def _by_code(text: str, tables: Sequence[Catalogue]) -> list[ClassEntry]:
    return [
        entry
        for digits in dict.fromkeys(_DIGITS.findall(text))
        for table in tables
        if len(digits) == edition(table.edition).class_digits and (entry := table.find(digits))
    ]


def _by_name(text: str, tables: Sequence[Catalogue]) -> list[ClassEntry]:
    """Return the classes whose name stands in the text with nothing but what may be beside it."""
    found: dict[str, ClassEntry] = {}
    for table in tables:
        for entry in table.entries:
            name = normal(entry.zh)
            if entry.kind != "component" or name not in text:
                continue
            around = re.finditer(f"({_CHINESE}*){re.escape(name)}({_CHINESE}*)", text)
            if any(all(not rest or rest.endswith(_BESIDE) for rest in match.groups()) for match in around):
                found.setdefault(name, entry)
    return list(found.values())


def _nearest(text: str, tables: Sequence[Catalogue]) -> str:
    runs = re.findall(f"{_CHINESE}+", text)
    found = [entry for run in runs for table in tables for entry in table.nearest(run, "component")]
    return ", ".join(dict.fromkeys(f"{entry.code} {entry.zh}" for entry in found[:6]))
