"""The codes of the management grid: areas, cells, components and classes in a place, parsed and composed.

==========================  ==============  ==================  ==================
what                        CJ/T 214-2007   GB/T 30428.2-2013   GB/T 47678.5-2026
==========================  ==============  ==================  ==================
area (GB/T 2260, 10114)     6, 9 or 12      6, 9 or 12          6, 9 or 12
cell (单元网格)             14 = 12 + 2     15 = 12 + 3         15 = 12 + 3
component (部件)            16 = 6+2+2+6    16 = 6+2+2+6        17 = 6+2+3+6
class in a place            10 = 6+2+2      10 = 6+2+2          11 = 6+2+3
==========================  ==============  ==================  ==================

An area code is 6 digits of the county-level district, 3 of the street or town, 3 of the community
or village. A cell code is its community and a serial; a component code is its district, major and
minor class, and a serial. Serials count from 1. None of these codes has a check digit, so only
digits, length and serial can be wrong in them; whether a class or an area exists is the catalogue's
question. The numbers of the table stand in ``standards/editions.csv``, with how sure they are.

The same digits mean different things in different editions, so every code knows its edition, and a
length that two editions share is ambiguous until one is named:

>>> parse("11010100500105")
CellCode(text='11010100500105', edition='cjt214-2007')
>>> parse("1101010698000005", "cjt214-2007").class_code
'0698'
>>> parse("1101010698000005")
Traceback (most recent call last):
    ...
gridcity.errors.AmbiguousCodeError: The component code '1101010698000005' reads under 2 editions: \
cjt214-2007, gbt30428.2-2013. Name the edition.
"""

from __future__ import annotations

from typing import cast

from gridcity.codes.credit import CREDIT_CODE_LENGTH, credit_code
from gridcity.codes.digits import LOST_ZERO, read_digits, shown
from gridcity.codes.layouts import (
    DEFAULT_EDITION,
    Edition,
    ProvisionalEditionWarning,
    edition,
    editions,
    names_by_length,
)
from gridcity.codes.many import check_many
from gridcity.codes.nouns import AREA_LENGTHS, NOUNS, AreaCode, CellCode, ClassCode, Code, ComponentCode
from gridcity.errors import AmbiguousCodeError, CodeError

__all__ = [
    "CREDIT_CODE_LENGTH",
    "DEFAULT_EDITION",
    "EDITIONS",
    "AreaCode",
    "CellCode",
    "ClassCode",
    "Code",
    "ComponentCode",
    "Edition",
    "ProvisionalEditionWarning",
    "check_many",
    "credit_code",
    "edition",
    "editions",
    "parse",
    "readings",
]

EDITIONS: tuple[str, ...]
"""The names of the editions, oldest first; read from ``standards/editions.csv`` on first use."""


def __getattr__(name: str) -> tuple[str, ...]:
    if name == "EDITIONS":
        return tuple(editions())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# Under another name: `parse` has a parameter `edition`, which would hide it.
layout_named = edition


def parse(text: str, edition: str | None = None) -> Code:
    """Read any code: its length says what it is, the edition how it is divided.

    Parameters
    ----------
    text : str
        The code; blanks around it do not count.
    edition : str, optional
        Decides between editions that share a length. A code of a length that this edition does not
        have is refused. Area codes have no edition.

    Raises
    ------
    CodeError
        A character is no digit, the length belongs to no code, the serial is 0, or the edition is unknown.
    AmbiguousCodeError
        No edition is named and two have this length; ``readings`` holds the code under each.
    """
    if edition is not None:
        layout_named(edition)
    digits = read_digits("given", text)
    if len(digits) in AREA_LENGTHS:
        return AreaCode.parse(digits)
    for kind, noun in NOUNS.items():
        if len(digits) in names_by_length(kind):
            return noun.parse(digits, edition)
    possible = {"area": AREA_LENGTHS, **{kind: tuple(names_by_length(kind)) for kind in NOUNS}}
    lengths = "; ".join(f"{kind} {' or '.join(map(str, n))}" for kind, n in possible.items())
    lost = any(len(digits) + 1 in n for n in possible.values())
    raise CodeError(
        f"No code has {len(digits)} digits: {shown(digits)}.",
        hint=f"Possible: {lengths}.{' ' + LOST_ZERO if lost else ''}",
    )


def readings(text: str) -> tuple[Code, ...]:
    """Return every way a text can be read, one code per edition; none where it is no code.

    Examples
    --------
    >>> [code.edition for code in readings("110101005001005")]
    ['gbt30428.2-2013', 'gbt47678.5-2026']
    >>> readings("hello")
    ()
    """
    try:
        return (parse(text),)
    except AmbiguousCodeError as ambiguous:
        return cast("tuple[Code, ...]", ambiguous.readings)
    except CodeError:
        return ()
