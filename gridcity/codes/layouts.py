"""The layouts of the editions: how many digits a code has and where it is divided."""

from __future__ import annotations

import functools
from typing import NamedTuple

from gridcity.codes.standards import rows
from gridcity.errors import CodeError

__all__ = ["DEFAULT_EDITION", "Edition", "ProvisionalEditionWarning", "edition", "editions"]

DEFAULT_EDITION = "gbt47678.5-2026"
"""The edition of new codes where a city does not name one."""


class ProvisionalEditionWarning(UserWarning):
    """Class tables are used that were reconstructed and not read in the standard."""


class Edition(NamedTuple):
    """The layout of one edition's codes.

    Attributes
    ----------
    name : str
        As in file names and commands: ``gbt47678.5-2026``.
    title_zh : str
        Title of the standard.
    cell_digits, cell_serial_digits : int
        Length of a cell code and of the serial at its end.
    component_digits, component_serial_digits : int
        Length of a component code and of the serial at its end.
    minor_digits : int
        Length of the minor class: 2 or 3. A major class has 2 digits in every edition.
    event_code_digits : int
        Length of a class in a place: district, major, minor.
    status, source, note : str
        How sure the layout is, where it was read, and what is less sure.
    """

    name: str
    title_zh: str
    cell_digits: int
    cell_serial_digits: int
    component_digits: int
    component_serial_digits: int
    minor_digits: int
    event_code_digits: int
    status: str
    source: str
    note: str

    @property
    def class_digits(self) -> int:
        """Length of a class code, major and minor together: 4 or 5."""
        return 2 + self.minor_digits


@functools.cache
def editions() -> dict[str, Edition]:
    """Return the editions by name, oldest first, from ``standards/editions.csv``."""
    found = {}
    for row in rows("editions.csv"):
        name = row.pop("edition")
        numbers = {key: int(value) for key, value in row.items() if key.endswith("_digits")}
        texts = {key: value for key, value in row.items() if not key.endswith("_digits")}
        found[name] = Edition(name=name, **numbers, **texts)  # type: ignore[arg-type]
    return found


def edition(name: str) -> Edition:
    """Return the layout of an edition.

    Raises
    ------
    CodeError
        The edition is not known; the hint lists the known ones.

    Examples
    --------
    >>> edition("cjt214-2007").component_digits
    16
    """
    known = editions()
    if name not in known:
        raise CodeError(f"There is no edition {name!r}.", hint=f"Known editions: {', '.join(known)}.")
    return known[name]


def length_of(kind: str, layout: Edition) -> int:
    """Return how many digits a code of a kind (``cell``, ``component``, ``class``) has."""
    return {
        "cell": layout.cell_digits,
        "component": layout.component_digits,
        "class": layout.event_code_digits,
    }[kind]


def serial_of(kind: str, layout: Edition) -> int:
    """Return how many digits at the end of a code are its serial; 0 for a class."""
    return {
        "cell": layout.cell_serial_digits,
        "component": layout.component_serial_digits,
        "class": 0,
    }[kind]


@functools.cache
def names_by_length(kind: str) -> dict[int, list[str]]:
    """Return the lengths a kind of code can have, each with the editions that use it."""
    lengths: dict[int, list[str]] = {}
    for layout in editions().values():
        lengths.setdefault(length_of(kind, layout), []).append(layout.name)
    return dict(sorted(lengths.items()))
