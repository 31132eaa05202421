"""The tables of ``standards/``, read once: attribute names and states; and how names are compared."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from gridcity.codes import edition
from gridcity.codes.standards import rows
from gridcity.errors import ArgumentError


def normal(text: str) -> str:
    """Return a name as it is compared: full-width forms, case and outer blanks do not count."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


@functools.cache
def fields(kind: str) -> Mapping[str, str]:
    """Return the known source columns of a kind of record and the field each fills.

    Parameters
    ----------
    kind : str
        ``component``, ``cell``, ``area``, ``party`` or ``duty``.

    Returns
    -------
    Mapping
        Column name (casefolded; also with full-width forms made plain): field. The names are those of the
        national attribute tables of every edition, in pinyin and Chinese, those seen in data, and
        gridcity's own; ``standards/fields.csv`` says which.

    Raises
    ------
    ArgumentError
        There is no such kind.

    Examples
    --------
    >>> fields("component")["objid"], fields("cell")["单元网格标识码"]
    ('code', 'code')
    """
    found = [row for row in rows("fields.csv") if row["kind"] == kind]
    if not found:
        kinds = dict.fromkeys(row["kind"] for row in rows("fields.csv"))
        raise ArgumentError(f"No columns are known for {kind!r}.", hint=f"Possible: {', '.join(kinds)}.")
    by_name = {normal(row["name"]): row["field"] for row in found}
    by_name |= {row["name"].casefold(): row["field"] for row in found}
    return MappingProxyType(by_name)


@functools.cache
def attribute_tables(kind: str) -> tuple[Mapping[str, str], ...]:
    """Return the attributes of a kind of record as the editions list them, one table per edition.

    Returns
    -------
    tuple of Mapping
        Chinese name of the attribute: the field it fills, in the order of the standard; editions without
        a table of this kind are left out.

    Examples
    --------
    >>> [list(table)[:2] for table in attribute_tables("component")][0]
    ['管理部件标识码', '管理部件名称']
    """
    tables: dict[str, dict[str, str]] = {}
    for row in rows("fields.csv"):
        # The rows of the short names; those of the Chinese ones are shared by editions of other orders.
        if row["kind"] == kind and row["name"] != row["zh"]:
            for name in filter(None, row["editions"].split(";")):
                tables.setdefault(name, {})[row["zh"]] = row["field"]
    return tuple(MappingProxyType(table) for table in tables.values())


@functools.cache
def states(edition_name: str) -> tuple[str, ...]:
    """Return the states a component can have in an edition, as text.

    The standards give no numeric codes for them.

    Raises
    ------
    CodeError
        The edition is unknown.

    Examples
    --------
    >>> states("gbt47678.5-2026")
    ('完好', '破损', '丢失', '废弃', '移除')
    """
    known = edition(edition_name).name
    return tuple(
        row["zh"] for row in rows("states.csv") if row["edition"] == known and row["list"] == "state"
    )
