"""The exceptions of gridcity, one tree.

Findings are about the data and are collected; exceptions are about the call and stop it.

::

    GridcityError
    ├── CodeError (ValueError)                a code that cannot be read
    │   └── AmbiguousCodeError                a code with several readings
    ├── ProfileError (ValueError)             a city's profile that contradicts itself
    ├── MappingError (ValueError)             a mapping that does not fit its file
    ├── ArgumentError (ValueError)            an argument outside its range
    ├── ReferenceSystemError (ValueError)     no reference system, or one that cannot be used
    ├── SourceError (OSError)                 a file that is refused as a whole
    │   └── SourceNotFoundError (FileNotFoundError)
    ├── StoreError (OSError)                  a city's store that cannot be opened or written
    │   └── CityNotFoundError (FileNotFoundError)
    └── MissingPackageError (ImportError)     an optional package is needed and absent

Every message says what failed, where, and what was found; ``hint`` says what to do next.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

__all__ = [
    "AmbiguousCodeError",
    "ArgumentError",
    "CityNotFoundError",
    "CodeError",
    "GridcityError",
    "MappingError",
    "MissingPackageError",
    "ProfileError",
    "ReferenceSystemError",
    "SourceError",
    "SourceNotFoundError",
    "StoreError",
    "readable",
]

# No byte of a two- or four-byte character of GB18030 is below "0", or between "9" and "@".
_LONE = "[^\\x00-/:-?]*[\ud800-\udfff][^\\x00-/:-?]*"


def readable(text: str | os.PathLike[str]) -> str:
    r"""Return a path, or a sentence that names one, as text that can be shown, printed and stored.

    A file name whose bytes are no UTF-8 comes as a str of lone surrogates. It is read as GB18030, in which
    Chinese Windows packs its names; what is neither is spelled out byte by byte.

    Examples
    --------
    >>> readable("路灯.geojson".encode("gbk").decode("utf-8", "surrogateescape"))
    '路灯.geojson'
    >>> readable(b"\xff.shp".decode("utf-8", "surrogateescape"))
    '\\xff.shp'
    """
    return re.sub(_LONE, _spelled, os.fspath(text))


def _spelled(part: re.Match[str]) -> str:
    try:
        raw = part[0].encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair, which was never a byte
        return part[0].encode("utf-8", "backslashreplace").decode("utf-8")
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace")


class GridcityError(Exception):
    """The root of every exception that gridcity raises on purpose.

    Parameters
    ----------
    message : str
        What failed, where, and what was found.
    hint : str, optional
        What to do next: an option to give, a command to type.
    code : str, optional
        A stable name for scripts, ``E_…``; the class's own when not given.
    """

    code = "E_GRIDCITY"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        # One sentence or several, whoever wrote them; the hint is printed behind.
        message = message if message.endswith((".", "?", "!", "。")) else f"{message}."
        message = readable(message)
        super().__init__(message)
        self.message = message
        self.hint = readable(hint)
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class CodeError(GridcityError, ValueError):
    """A code cannot be read.

    Parameters
    ----------
    message, hint
        As for `GridcityError`.
    position : int, optional
        The first wrong character, counted from 1; None where the length is wrong.
    """

    code = "E_CODE"

    def __init__(self, message: str, *, hint: str = "", position: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.position = position


class AmbiguousCodeError(CodeError):
    """A code reads differently under several editions; ``readings`` lists them."""

    code = "E_CODE_AMBIGUOUS"

    def __init__(self, message: str, *, hint: str = "", readings: Sequence[object] = ()) -> None:
        super().__init__(message, hint=hint)
        self.readings = tuple(readings)


class ProfileError(GridcityError, ValueError):
    """A city's profile is incomplete or contradicts itself."""

    code = "E_PROFILE"


class MappingError(GridcityError, ValueError):
    """A mapping names a column or field that does not exist, or two for one."""

    code = "E_MAPPING"


class ArgumentError(GridcityError, ValueError):
    """An argument is outside its range: a latitude of 95, an unknown format."""

    code = "E_ARGUMENT"


class ReferenceSystemError(GridcityError, ValueError):
    """A reference system is missing, unknown, or cannot be brought to the city's."""

    code = "E_CRS"


class SourceError(GridcityError, OSError):
    """A file is refused as a whole; nothing of it was taken."""

    code = "E_SOURCE"


class SourceNotFoundError(SourceError, FileNotFoundError):
    """A file that should be read does not exist."""

    code = "E_NOT_FOUND"


class StoreError(GridcityError, OSError):
    """A city's store cannot be opened, read or written."""

    code = "E_STORE"


class CityNotFoundError(StoreError, FileNotFoundError):
    """There is no city at the given path."""

    code = "E_NO_CITY"


class MissingPackageError(GridcityError, ImportError):
    """An optional package is needed for this call and is not installed."""

    code = "E_PACKAGE"
