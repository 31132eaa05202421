"""Words of a command line, written so that they survive copy and paste."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable

__all__ = ["line_of", "path_word"]

# Controls, marks that turn the direction of writing, line separators, and the bytes of names that are not
# UTF-8: between plain quotes no terminal shows them, and a copy loses them.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def line_of(words: Iterable[str]) -> str:
    r"""Return words as one line for bash or zsh.

    Examples
    --------
    >>> print(line_of(["gridcity", "inspect", "东区's 路灯.shp", "two\nlines"]))
    gridcity inspect '东区'"'"'s 路灯.shp' $'two\x0alines'
    """
    return " ".join(_quoted(word) for word in words)


def path_word(path: str | os.PathLike[str]) -> str:
    """Return a path as a word that is not taken for an option.

    Examples
    --------
    >>> path_word("-x.shp")
    './-x.shp'
    """
    text = os.fspath(path)
    return f"./{text}" if text.startswith("-") else text


def _quoted(word: str) -> str:
    if not _UNSHOWN.search(word):
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + _UNSHOWN.sub(_bytes, escaped) + "'"


def _bytes(match: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(match[0]))
