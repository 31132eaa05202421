"""Unified social credit codes, the codes of parties."""

from __future__ import annotations

from gridcity.codes.digits import shown
from gridcity.errors import CodeError

CREDIT_CODE_LENGTH = 18
_EXCLUDED = frozenset("IOSVZ")  # GB 32100-2015: letters that look like digits


def credit_code(text: str) -> str:
    """Return a unified social credit code (统一社会信用代码) in its written form, 18 characters.

    Source: GB 32100-2015; GB/T 47678.5-2026 names parties by it. The check digit is verified.

    Raises
    ------
    CodeError
        Length, characters or check digit are wrong.

    Examples
    --------
    >>> credit_code("91110000600037341l")
    '91110000600037341L'
    """
    from stdnum.cn import uscc
    from stdnum.exceptions import InvalidChecksum

    number = text.strip().upper()
    named = f"The unified social credit code {shown(number)}"
    for position, character in enumerate(number, 1):
        possible = character in "0123456789" or (
            position > 8 and character.isascii() and character.isalpha() and character not in _EXCLUDED
        )
        if not possible:
            raise CodeError(
                f"{named} has {character!r} at position {position}.",
                hint="The first 8 are digits, the others digits or letters without I, O, S, V, Z.",
                position=position,
            )
    if len(number) != CREDIT_CODE_LENGTH:
        raise CodeError(f"{named} has {len(number)} characters; it needs {CREDIT_CODE_LENGTH}.")
    try:
        return str(uscc.validate(number))
    except InvalidChecksum as error:
        raise CodeError(
            f"{named} has a wrong check digit.", hint="Compare it with the original.", position=18
        ) from error
