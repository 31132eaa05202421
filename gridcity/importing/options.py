"""How a file is to be taken: the options that every import shares."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from gridcity.errors import ArgumentError, readable
from gridcity.intake.mapping import Mapping, mapping_of

__all__ = ["Options", "ending_day"]


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be read; the options every import shares.

    Attributes
    ----------
    mapping : Mapping or path, optional
        Columns to fields; see `gridcity.intake.mapping`.
    layer, encoding, crs, datum, x, y : str, optional
        See `gridcity.intake.sources.read_source`.
    key : str, optional
        Column that names a row, where it has no code.
    edition : str, optional
        Edition of the file's own codes and classes.
    class_text : str, optional
        Class of all rows: code or name.
    level : str, optional
        Level of all areas.
    number : bool
        Give cells without a code the next serials of their community.
    columns : sequence of (str, str)
        Field and the column that fills it, before the mapping; see `gridcity.intake.mapping.with_columns`.
    pad_codes : bool
        Give codes that are one digit short the leading zero that they lost, where the rule is certain.
    require_parties : bool
        Reject components that name a body by a code which no party of the city has.
    repair : bool
        Take polygons and lines that cross themselves by the parts GEOS makes of them, with a finding.
    allow_overlaps : bool
        Take cells that overlap others, with a finding, where the file is refused otherwise.
    resurvey : bool
        The components are a second survey of an area: rows that nothing else identifies are compared with
        the inventory by class and distance, and what is missing is named. Goes with ``area``.
    area : str or path, optional
        The code of a district, street, community or cell, or a file of polygons.
    classes : sequence of str
        Classes that a second survey looked for, codes or names, where its rows say their own. Without it
        ``class_text``, else the classes of its rows.
    accept_vanished : bool
        End the components that a second survey did not find.
    ended_on : str, optional
        ISO date of this end; today if not given.
    replaces : sequence of str
        Codes of the current cells whose place the cells of the file take.
    on : str, optional
        ISO date on which they do; today if not given.
    dry_run : bool
        Do everything and keep nothing.
    """

    mapping: Mapping | str | Path | None = None
    layer: str | None = None
    encoding: str | None = None
    crs: str | int | None = None
    datum: str | None = None
    x: str | None = None
    y: str | None = None
    key: str | None = None
    edition: str | None = None
    class_text: str | None = None
    level: str | None = None
    number: bool = False
    columns: Sequence[tuple[str, str]] = ()
    pad_codes: bool = False
    require_parties: bool = False
    repair: bool = False
    allow_overlaps: bool = False
    resurvey: bool = False
    area: str | Path | None = None
    classes: Sequence[str] = ()
    accept_vanished: bool = False
    ended_on: str | None = None
    replaces: Sequence[str] = ()
    on: str | None = None
    dry_run: bool = False

    def read_mapping(self) -> Mapping:
        """Return the mapping with the options that go before it."""
        mapping = mapping_of(self.mapping, self.columns)
        return replace(
            mapping,
            key=self.key or mapping.key,
            edition=self.edition or mapping.edition,
            class_text=self.class_text or mapping.class_text,
            x=self.x or mapping.x,
            y=self.y or mapping.y,
        )

    def as_json(self, delivery: int | None = None) -> str:
        """Return the options that were given, for the receipt; with its delivery, where it is one of many."""
        given = {
            name: value.name if isinstance(value, Mapping) else _told(value)
            for name in self.__slots__
            if (value := getattr(self, name)) not in (None, False, ())
        }
        if delivery is not None:
            given["delivery"] = delivery
        return json.dumps(given, ensure_ascii=False, default=str)


def _told(value: Any) -> Any:
    return readable(value) if isinstance(value, str | Path) else value


def ending_day(given: str | None) -> str:
    """Return the day on which an import ends what is no longer there, today where none is given.

    Raises
    ------
    ArgumentError
        It is no date, or has not come yet (``E_FUTURE``).
    """
    today = date.today().isoformat()
    day = given or today
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise ArgumentError(f"{day!r} is not a date.", hint="Write it as 2026-03-31.") from error
    if day > today:
        raise ArgumentError(
            f"{day} has not come yet.", hint="Set the end on the day itself or later.", code="E_FUTURE"
        )
    return day
