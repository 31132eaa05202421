"""The distinct values of a column of fixed-width bytes, without sorting it.

Sorting a million names of forty bytes takes a second; most columns of a survey hold a few dozen of
them. Each value is hashed as whole 64-bit words, those left out that all rows share; the hashes are
numbered by a hash table, and every row is compared with the first value of its number, so that a
collision can change nothing. Two different single words never have one hash.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["distinct"]

# The multiplier of Knuth's multiplicative hashing, 2**64 divided by the golden ratio, made odd.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def distinct(values: npt.NDArray[np.bytes_]) -> tuple[list[bytes], npt.NDArray[np.intp]]:
    """Return the distinct values in order of appearance, and which of them every row has.

    Parameters
    ----------
    values : numpy.ndarray
        Fixed-width bytes, contiguous or a field of records.

    Examples
    --------
    >>> distinct(np.array([b"ok", b"bad", b"ok"]))
    ([b'ok', b'bad'], array([0, 1, 0]))
    """
    import pandas as pd

    if not len(values):
        return [], np.empty(0, dtype=np.intp)
    words = _words(values)
    words = words[:, (words != words[0]).any(axis=0)]
    which, _ = pd.factorize(_hashes(words))
    first = np.empty(int(which.max()) + 1, dtype=np.intp)
    first[which[::-1]] = np.arange(len(which) - 1, -1, -1)
    if words.shape[1] > 1 and not np.array_equal(words, words[first[which]]):  # two values of one hash
        raw, which = np.unique(values, return_inverse=True)
        return raw.tolist(), which
    return values[first].tolist(), which


def _words(values: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint64]:
    """Return the values as rows of 64-bit words, filled with NULs."""
    width = values.dtype.itemsize
    filled = np.zeros((len(values), -(-width // 8) * 8), dtype=np.uint8)
    filled[:, :width] = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), width)
    return filled.view(np.uint64)


def _hashes(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    hashes = np.zeros(len(words), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column in range(words.shape[1]):
            hashes ^= words[:, column]
            hashes *= _GOLDEN
            hashes ^= hashes >> _SHIFT
    return hashes
