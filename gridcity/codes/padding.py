"""Codes that lost their leading zero when something read them as numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from gridcity.codes.many import check_many

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.object_]
    Mask = NDArray[np.bool_]


def repad(texts: Column, kind: str, *, begins: str, edition: str | None = None) -> tuple[Column, Mask]:
    """Give codes of areas, cells or components back the one leading zero that they lost.

    Only codes of a city whose own digits begin with 0 can have lost one: no province of GB/T 2260 does, so
    in China a code that is one digit short is a wrong code and stays as it is. Two zeros are never lost,
    for no code begins with 00.

    Parameters
    ----------
    texts : numpy.ndarray
        Object array of str, without blanks around them.
    kind : str
        ``area``, ``cell`` or ``component``.
    begins : str
        What the codes of the city begin with: the first two digits of its area code.
    edition : str, optional
        Of cells and components; without one, the lengths of every edition are possible.

    Returns
    -------
    padded : numpy.ndarray
        The texts, with their zero where it was lost.
    lost : numpy.ndarray of bool
        Which texts those are: no code of the city as they stand, and one behind a 0.

    Raises
    ------
    ArgumentError
        The kind is unknown.
    CodeError
        The edition is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array(["12345001001007", "012345001001007"], dtype=object)
    >>> padded, lost = repad(cells, "cell", begins="01")
    >>> padded.tolist(), lost.tolist()
    (['012345001001007', '012345001001007'], [True, False])
    >>> repad(cells, "cell", begins="11")[1].tolist()
    [False, False]
    """
    import numpy as np

    if not begins.startswith("0"):
        return texts, np.zeros(len(texts), dtype=bool)

    def fits(candidates: Column) -> Mask:
        begun = (text.startswith(begins) for text in candidates)
        of_city = np.fromiter(begun, dtype=bool, count=len(candidates))
        return of_city & check_many(candidates, kind, edition)

    return _repadded(texts, fits)


def repad_classes(texts: Column, known: Collection[str]) -> tuple[Column, Mask]:
    """Give class codes back the leading zero that they lost, where only the padded code is a class.

    Parameters
    ----------
    texts : numpy.ndarray
        Object array of str, without blanks around them; names of classes stay as they are.
    known : collection of str
        The class codes of the editions that the file may use.

    Returns
    -------
    padded, lost : numpy.ndarray
        As for `repad`.

    Examples
    --------
    >>> import numpy as np
    >>> padded, lost = repad_classes(np.array(["101", "0101", "路灯", "999"], dtype=object), {"0101"})
    >>> padded.tolist(), lost.tolist()
    (['0101', '0101', '路灯', '999'], [True, False, False, False])
    """
    import numpy as np

    def fits(candidates: Column) -> Mask:
        return np.fromiter((text in known for text in candidates), dtype=bool, count=len(candidates))

    return _repadded(texts, fits)


def _repadded(texts: Column, fits: Callable[[Column], Mask]) -> tuple[Column, Mask]:
    import numpy as np
    import pandas as pd

    number, distinct = pd.factorize(texts)
    candidates = np.asarray(distinct, dtype=object)
    behind_zero = np.array([f"0{text}" for text in candidates] or [], dtype=object)
    lost = fits(behind_zero) & ~fits(candidates)
    padded = np.where(lost, behind_zero, candidates).astype(object)
    return padded[number], lost[number]
