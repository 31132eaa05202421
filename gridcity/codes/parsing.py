"""A text read as whatever code it is."""

from __future__ import annotations

from typing import cast

from gridcity.codes.digits import LOST_ZERO, read_digits, shown

# Under another name: `parse` has a parameter `edition`, which would hide it.
from gridcity.codes.layouts import edition as layout_named
from gridcity.codes.layouts import names_by_length
from gridcity.codes.nouns import AREA_LENGTHS, NOUNS, AreaCode, Code
from gridcity.errors import AmbiguousCodeError, CodeError

__all__ = ["parse", "readings"]


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
