"""Validity of many codes at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gridcity.codes.layouts import edition, editions, length_of, serial_of
from gridcity.codes.nouns import AREA_LENGTHS, NOUNS
from gridcity.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def check_many(
    texts: Sequence[str] | NDArray[Any], kind: str, edition: str | None = None
) -> NDArray[np.bool_]:
    """Say for each of many texts whether it is a code of one kind.

    Parameters
    ----------
    texts : sequence of str or numpy array
        One code per row, without blanks around it; an array of numbers holds no code. As in every numpy text,
        NUL characters at the end do not count.
    kind : str
        ``area``, ``cell``, ``component`` or ``class``.
    edition : str, optional
        The edition the codes are of; without one, a code of any edition is valid. Areas have none.

    Returns
    -------
    numpy.ndarray of bool
        True where ``parse`` would read the text.

    Raises
    ------
    ArgumentError
        The kind is unknown.
    CodeError
        The edition is unknown.

    Examples
    --------
    >>> check_many(["110101005001005", "110101005001000", ""], "cell", "gbt47678.5-2026").tolist()
    [True, False, False]
    """
    import numpy as np

    if kind != "area" and kind not in NOUNS:
        raise ArgumentError(
            f"There is no kind of code {kind!r}.", hint=f"Possible: area, {', '.join(NOUNS)}."
        )
    found = np.asarray(texts)
    valid = np.zeros(found.shape, dtype=bool)
    if found.dtype.kind not in "UO" or not found.size:
        return valid
    # One character more than the longest code: what is longer still shows that it is too long.
    characters = found.astype("U18").reshape(-1, 1).view(np.uint32)
    is_digit = (characters >= ord("0")) & (characters <= ord("9"))
    lengths = (characters != 0).sum(axis=1)
    all_digits = is_digit.sum(axis=1) == lengths
    all_digits &= ~(characters[:, :2] == ord("0")).all(axis=1)
    for length, serial_digits in _lengths_and_serials(kind, edition):
        rows = all_digits & (lengths == length)
        if serial_digits:
            rows &= (characters[:, length - serial_digits : length] != ord("0")).any(axis=1)
        valid |= rows.reshape(valid.shape)
    return valid


def _lengths_and_serials(kind: str, name: str | None) -> set[tuple[int, int]]:
    if kind == "area":
        return {(length, 0) for length in AREA_LENGTHS}
    layouts = editions().values() if name is None else [edition(name)]
    return {(length_of(kind, layout), serial_of(kind, layout)) for layout in layouts}
