"""The choices of one city, as a record, and the orders and classes they choose from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gridcity.catalogue import Catalogue, ClassEntry

__all__ = [
    "ACCURACY_M",
    "COMPONENT_STEPS",
    "EVENT_STEPS",
    "STEPS",
    "ExtensionClass",
    "Profile",
]

COMPONENT_STEPS = ("maintainer", "owner", "supervisor", "agreed", "ground", "duty", "territory")
"""The steps for a component, in our reading of 部件先属主后属地: the owner before the territory."""
EVENT_STEPS = ("duty", "territory", "authority")
"""The steps for an event, in our reading of 事件先属地后属主: the territory before the line authority."""
STEPS = tuple(dict.fromkeys((*COMPONENT_STEPS, *EVENT_STEPS)))
"""All steps that a chain may have."""
ACCURACY_M: Mapping[str, float] = MappingProxyType({"A": 0.5, "B": 1.0, "C": 10.0})
"""The classes of positional accuracy, in metres; their values stand in one source."""


class ExtensionClass(NamedTuple):
    """One local class as the profile writes it."""

    kind: str
    edition: str
    code: str
    name: str
    name_en: str = ""
    geometry: str = ""
    major_name: str = ""


_NO_NAMES: Mapping[str, str] = MappingProxyType({})


class Profile(NamedTuple):
    """The choices of one city.

    Attributes
    ----------
    area_code : str
        Six digits; the district of objects that stand in no area of their own.
    edition : str
        Edition of new codes.
    older_edition : str
        Edition under which a code is read whose length the edition of new codes does not have;
        empty: such a code is ambiguous where more than one edition has its length.
    digits : dict
        Delivered name of a street or community: its digits, or its whole code.
    community_of_street : str
        Three digits: each street is one community; empty where communities are delivered.
    aliases : dict
        Delivered name: listed name.
    columns : dict
        Source column: field.
    classes : tuple of ExtensionClass
        Local extension of the catalogue.
    component_steps, event_steps : tuple of str
        Order of the responsibility chain for components and for events.
    accuracy : str
        Class of positional accuracy, one of `ACCURACY_M`, of questions that do not say theirs.
    text : str
        The TOML the profile was read from.
    """

    name: str
    area_code: str
    edition: str
    older_edition: str = ""
    digits: Mapping[str, str] = _NO_NAMES
    community_of_street: str = ""
    aliases: Mapping[str, str] = _NO_NAMES
    columns: Mapping[str, str] = _NO_NAMES
    classes: tuple[ExtensionClass, ...] = ()
    component_steps: tuple[str, ...] = COMPONENT_STEPS
    event_steps: tuple[str, ...] = EVENT_STEPS
    accuracy: str = "B"
    text: str = ""

    def __reduce__(self) -> tuple[type[Profile], tuple[object, ...]]:
        # For pickle and copy, which do not take the default of the mappings.
        return type(self), tuple(dict(value) if isinstance(value, Mapping) else value for value in self)

    @property
    def in_china(self) -> bool:
        """Whether the area code belongs to a province of the list; decides the stored datum."""
        from gridcity.catalogue import area_name

        return area_name(self.area_code[:2]) is not None

    @property
    def stored_epsg(self) -> int:
        """EPSG code of the stored geometry: 4490 (CGCS2000) in China, 4326 (WGS 84) elsewhere."""
        return 4490 if self.in_china else 4326

    def catalogues(self) -> tuple[Catalogue, ...]:
        """Return the class tables of the city's editions, its own classes among them.

        Returns
        -------
        tuple of Catalogue
            That of the edition of new codes first, then that of the older one.

        Raises
        ------
        ProfileError
            A local class lacks a code or takes that of another class; the next free one is named.
        """
        from gridcity.catalogue import catalogue, extension

        local: tuple[ClassEntry, ...] = ()
        for c in self.classes:
            names = (c.name, c.name_en, c.geometry, c.major_name)
            local = (*local, extension(c.kind, c.edition, c.code, *names, others=local))
        return tuple(
            catalogue(name, local) for name in dict.fromkeys((self.edition, self.older_edition)) if name
        )

    def edition_of(self, digits: int) -> str | None:
        """Return the edition under which a cell, component or class code of this length is read.

        Parameters
        ----------
        digits : int
            Length of the code.

        Returns
        -------
        str or None
            The edition of new codes where it has this length, else the older one where that has
            it, else None: the length alone must decide.
        """
        from gridcity.codes import edition

        for name in (self.edition, self.older_edition):
            if name:
                e = edition(name)
                if digits in (e.cell_digits, e.component_digits, e.event_code_digits):
                    return name
        return None
