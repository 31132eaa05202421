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

>>> from gridcity.codes import parse
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

from typing import TYPE_CHECKING

from gridcity.codes.layouts import DEFAULT_EDITION, Edition, ProvisionalEditionWarning, edition, editions

if TYPE_CHECKING:
    from gridcity.codes.credit import CREDIT_CODE_LENGTH, credit_code
    from gridcity.codes.many import check_many
    from gridcity.codes.nouns import AreaCode, CellCode, ClassCode, Code, ComponentCode
    from gridcity.codes.parsing import parse, readings

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

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # Loaded on first use: the class of one question needs the editions and none of the codes.
        if name == "EDITIONS":
            return tuple(editions())
        if name in ("CREDIT_CODE_LENGTH", "credit_code"):
            from gridcity.codes import credit as home
        elif name == "check_many":
            from gridcity.codes import many as home
        elif name in ("parse", "readings"):
            from gridcity.codes import parsing as home
        elif name in __all__:
            from gridcity.codes import nouns as home
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(home, name)
