"""How likely bytes are text of one encoding rather than of another.

Nearly all Big5 and Shift_JIS bytes are valid GB18030 too, and then decode to characters that nobody
writes. The standards themselves sort their characters by frequency: GB 2312 has the 3,755 most
frequent ones on level 1 (first byte B0-D7), Big5 its 5,401 on level 1 (A4-C6), JIS X 0208 its 2,965
on level 1, and kana have rows of their own. So each encoding is a small model of text: the shares of
its groups of characters, and within a group every character equally likely. The logarithm of the
probability of the same bytes under two models says which of them is right, and by how much: a single
value of two or three characters tells little, a column tells all.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["CANDIDATES", "advantage"]

CANDIDATES = ("GB18030", "Big5", "Shift_JIS", "EUC-KR", "EUC-JP", "Windows-1252")
_CODECS = {
    "GB18030": "gb18030",
    "Big5": "cp950",
    "Shift_JIS": "cp932",
    "EUC-KR": "cp949",
    "EUC-JP": "euc_jp",
    "Windows-1252": "cp1252",
}
# A byte that the codec cannot read tells nothing: each of its 256 values is as likely.
_UNREADABLE = -math.log(256)
_DIVIDED_ALIKE = frozenset({"cp950", "big5hkscs", "cp949", "euc_jp"})
# In the Latin alphabets a letter beyond ASCII stands among those of ASCII, one in twenty beside another.
_LATIN = frozenset(
    {
        "cp1250",
        "cp1252",
        "cp1254",
        "cp1257",
        "cp437",
        "cp850",
        "cp852",
        "iso8859-1",
        "iso8859-2",
        "iso8859-15",
    }
)
_NEIGHBOURS = re.compile(rb"[\x80-\xff](?=[\x80-\xff])")
_SIDE_BY_SIDE = math.log(0.05)
# A character of ASCII among others: one of the 95 that can be printed.
_ASCII = -math.log(95)


@dataclass(frozen=True, slots=True)
class _Group:
    """Characters of one kind: what share of text they are, and how many there are."""

    share: float
    size: int

    @property
    def each(self) -> float:
        return math.log(self.share / self.size)


# The shares of the frequent and the rarer level are those of the names of streets, villages and
# communities of China (98.6 % and 1.3 %), rounded towards doubt. Those of kana and kanji are ours, half
# each; twice or half as much in any of them weighs less than one character of another group.
_FREQUENT, _RARER, _MARK, _ODD = 0.95, 0.035, 0.01, 0.005
_KANA, _KANJI = 0.45, 0.5


def _gb18030(raw: bytes) -> _Group:
    if len(raw) == 4:
        return _Group(_ODD, 1_000_000)
    lead, trail = raw[0], raw[1]
    if trail >= 0xA1 and 0xB0 <= lead <= 0xD7:
        return _Group(_FREQUENT, 3_755)
    if trail >= 0xA1 and 0xD8 <= lead <= 0xF7:
        return _Group(_RARER, 3_008)
    if trail >= 0xA1 and 0xA1 <= lead <= 0xA3:
        return _Group(_MARK, 282)
    return _Group(_ODD, 14_000)


def _big5(raw: bytes) -> _Group:
    lead = raw[0]
    if len(raw) == 1:
        return _Group(_ODD, 128)
    if 0xA4 <= lead <= 0xC6:
        return _Group(_FREQUENT, 5_401)
    if 0xC9 <= lead <= 0xF9:
        return _Group(_RARER, 7_652)
    if 0xA1 <= lead <= 0xA3:
        return _Group(_MARK, 408)
    return _Group(_ODD, 6_000)


def _shift_jis(raw: bytes) -> _Group:
    if len(raw) == 1:
        return _Group(_MARK, 63)
    number = raw[0] << 8 | raw[1]
    if 0x829F <= number <= 0x82F1 or 0x8340 <= number <= 0x8396:
        return _Group(_KANA, 169)
    if 0x889F <= number <= 0x9872:
        return _Group(_KANJI, 2_965)
    if 0x989F <= number <= 0xEAA4:
        return _Group(_RARER, 3_390)
    if 0x8140 <= number <= 0x829A:
        return _Group(_MARK, 250)
    return _Group(_ODD, 4_000)


def _euc_jp(raw: bytes) -> _Group:
    lead = raw[0]
    if len(raw) == 2 and lead in (0xA4, 0xA5):
        return _Group(_KANA, 169)
    if len(raw) == 2 and 0xB0 <= lead <= 0xCF:
        return _Group(_KANJI, 2_965)
    if len(raw) == 2 and 0xD0 <= lead <= 0xF4:
        return _Group(_RARER, 3_390)
    if len(raw) == 2 and 0xA1 <= lead <= 0xA3:
        return _Group(_MARK, 250)
    return _Group(_ODD, 6_000)


def _euc_kr(raw: bytes) -> _Group:
    lead = raw[0]
    if len(raw) == 2 and raw[1] >= 0xA1:
        if 0xB0 <= lead <= 0xC8:
            return _Group(_FREQUENT, 2_350)
        if 0xCA <= lead <= 0xFD:
            return _Group(_RARER, 4_888)
        if 0xA1 <= lead <= 0xA3:
            return _Group(_MARK, 250)
    return _Group(_ODD, 9_000)


def _one_byte(raw: bytes) -> _Group:
    """Return the group of a sign of a code page of one byte, most of whose letters are C0-FF."""
    return _Group(_FREQUENT, 64) if raw[0] >= 0xC0 else _Group(_ODD, 64)


_MODELS: dict[str, Callable[[bytes], _Group]] = {
    "gb18030": _gb18030,
    "big5": _big5,
    "cp950": _big5,
    "big5hkscs": _big5,
    "cp932": _shift_jis,
    "shift_jis": _shift_jis,
    "cp949": _euc_kr,
    "euc_kr": _euc_kr,
    "euc_jp": _euc_jp,
}


def advantage(values: Sequence[bytes], encoding: str) -> float:
    """Return how much likelier values are as text of an encoding than as GB18030.

    Parameters
    ----------
    values : sequence of bytes
        Distinct values; half a character at the end of one does not count against it.
    encoding : str
        One of `CANDIDATES`, or the name of a codec; one without a model of its own is taken for a
        code page of one byte.

    Returns
    -------
    float
        The natural logarithm of the ratio of the two probabilities; negative where GB18030 is likelier.

    Examples
    --------
    >>> advantage(["東區立德街".encode("big5"), "西區公益路".encode("big5")], "Big5") > 20
    True
    >>> advantage(["东直门内大街".encode("gbk")], "Big5") < 0
    True
    """
    codec = _CODECS.get(encoding, encoding)
    # A rare character of a place stands in every name there and is no new evidence each time. Where two
    # encodings divide the bytes alike, each character can be counted once.
    once = codec in _DIVIDED_ALIKE
    return _log_likelihood(values, codec, once) - _log_likelihood(values, "gb18030", once)


def _log_likelihood(values: Sequence[bytes], codec: str, once: bool) -> float:
    model = _MODELS.get(codec, _one_byte)
    total, counted = 0.0, Counter[str]()
    for value in values:
        text = _whole(value, codec)
        if text is None:
            total += len(value) * _UNREADABLE
            continue
        counted.update(text)
        if codec in _LATIN:
            total += _SIDE_BY_SIDE * len(_NEIGHBOURS.findall(value))
    for character, n in counted.items():
        each = _ASCII if character.isascii() else model(character.encode(codec)).each
        total += each if once else n * each
    return total


def _whole(value: bytes, codec: str) -> str | None:
    for end in (len(value), len(value) - 1):
        try:
            return value[:end].decode(codec)
        except UnicodeDecodeError:
            continue
    return None
