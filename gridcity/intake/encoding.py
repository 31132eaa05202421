"""In which encoding a file's text is, decided by its bytes.

The order is: the encoding the caller names; UTF-8 where the bytes are UTF-8 with at least one
character of several bytes; GB18030, which holds GBK and GB 2312, unless the bytes are far likelier
text of another encoding: then the file is refused and the caller asked. A declaration (a ``.cpg`` file,
the language byte of a dBase header) is a hint that is checked against the bytes, because Chinese
shapefiles often declare nothing or the wrong thing. Only of bytes that are both (C2 A5 is ¥ and 楼)
does it decide. Every value is judged by itself, so that one
damaged value costs one row, and a last character that the field's width cut in two is let go.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from gridcity.errors import ArgumentError, SourceError
from gridcity.findings import Findings
from gridcity.intake.likelihood import CANDIDATES, advantage

__all__ = [
    "Encoding",
    "codec_of",
    "decode_sound",
    "decode_text",
    "decode_value",
    "has_controls",
    "is_mixed",
    "settle",
]

ASCII = "ascii"
UTF8 = "UTF-8"
GB18030 = "GB18030"

# Codecs of several bytes per character; of any other every byte is valid.
_STRICT_CODECS = frozenset({"cp950", "big5hkscs", "cp932", "euc_jp", "cp949", "johab"})
# Programs write the vendor's larger table under the standard's name.
_LARGER = {
    "big5": "cp950",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": GB18030,
    "gbk": GB18030,
    "gb18030": GB18030,
    "utf-8": UTF8,
}
# Our own bar for asking instead of reading GB18030: another encoding explains the bytes a million times
# better. Of the 41,352 names of streets and towns of China not one in GB18030 comes so far by itself.
_CLEARLY = math.log(1_000_000)
# Our own bar for a declared encoding of several bytes, which has a word for it: twenty times better.
_BETTER = math.log(20)
# Distinct values that are weighed; some hundred would do.
_WEIGHED = 2_000
_SAMPLES, _SAMPLE_CHARACTERS = 3, 40
_NEIGHBOURS = re.compile(rb"[\x80-\xff]{2}")
# From a high byte, with the letter before it, to the next mark of punctuation, none of which is ever part of
# a GB18030 character.
_WORDS = re.compile(rb"[A-Za-z]?[\x80-\xff][0-9@-\xff]*")
# Chinese in UTF-8, two characters of it, with its marks: GB18030 text does not look like this.
_BETWEEN = rb"(?:[\x00-\x09\x0b-\x7f]|\xe2\x80[\x80-\xbf]|\xe3\x80[\x80-\xbf]|\xef[\xbc\xbd][\x80-\xbf])*"
_CHINESE_UTF8 = re.compile(rb"^%b(?:[\xe4-\xe9][\x80-\xbf]{2}%b){2,}$" % (_BETWEEN, _BETWEEN), re.M)
# An accented letter in a word, as in Café or Štúr; a capital alone may number a house, as in A楼.
_ACCENTED = re.compile("[a-z][\u00c0-\u024f]|[\u00c0-\u024f][a-z]")
_GB2312_HANZI = re.compile(rb"(?:[\x00-\x7f]|[\xb0-\xf7][\xa1-\xfe])+")
# What a terminal obeys instead of showing it, and what turns the direction of writing.
_CONTROLS = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]"
)
_CPG_NUMBERS = {"65001": "utf-8", "54936": "gb18030"}


@dataclass(frozen=True, slots=True)
class Encoding:
    """A settled encoding.

    Attributes
    ----------
    name : str
        A codec's name; ``ascii`` where no byte needs more.
    evidence : str
        Why, as a sentence.
    contradicted : str
        The declaration that the bytes contradict, empty where there is none.
    samples : tuple of str
        Up to three values beyond ASCII, as decoded.
    """

    name: str
    evidence: str
    contradicted: str = ""
    samples: tuple[str, ...] = ()

    def report(self, findings: Findings) -> None:
        """Add the finding ``encoding-declared`` where the declaration was wrong."""
        if self.contradicted:
            findings.add("encoding-declared", [None], values=self.contradicted, found=self.name)


def codec_of(declaration: str) -> str | None:
    """Return the codec that the text of a ``.cpg`` file names, or None.

    Examples
    --------
    >>> codec_of("936"), codec_of("ISO 8859-1"), codec_of("<html>")
    ('gbk', 'iso8859-1', None)
    """
    text = declaration.strip().lower()
    number = re.search(r"(?:^|[^0-9])([0-9]{3,5})$", text)
    candidates = [text, text.replace(" ", "-")]
    if text.replace(" ", "").replace("-", "").startswith(("iso8859", "8859")):
        candidates.append("iso8859-" + text.removeprefix("iso").replace("-", "").replace(" ", "")[4:])
    elif number:
        candidates.append(_CPG_NUMBERS.get(number[1], f"cp{number[1]}"))
    for candidate in candidates:
        try:
            found = codecs.lookup(candidate)
        except (LookupError, ValueError):
            continue
        if found._is_text_encoding:
            return found.name
    return None


def settle(
    values: Iterable[bytes],
    *,
    wanted: str | None = None,
    declared: str = "",
    declared_by: str = "",
    where: str = "the file",
) -> Encoding:
    """Decide the encoding of a table by its distinct values.

    Parameters
    ----------
    values : iterable of bytes
        Distinct values; those of ASCII alone decide nothing.
    wanted : str, optional
        The encoding that the caller names; it is not questioned.
    declared, declared_by : str, optional
        What the file declares, and where it does.
    where : str, optional
        The file's name in messages.

    Raises
    ------
    ArgumentError
        ``wanted`` is no text encoding.
    SourceError
        The encoding is unclear (``E_ENCODING``): the bytes are valid GB18030, but rather text of another.

    Examples
    --------
    >>> settle(["路灯".encode("gbk")], declared="UTF-8", declared_by=".cpg").name
    'GB18030'
    """
    foreign = [value for value in dict.fromkeys(values) if not value.isascii()]
    if wanted is not None:
        name = _checked(wanted)
        return Encoding(name, "named by the caller", samples=_samples(foreign, name))
    if not foreign:
        return Encoding(ASCII, "every byte is ASCII")
    utf8, gb18030 = _valid(foreign, "utf-8"), _valid(foreign, "gb18030")
    codec = codec_of(declared) if declared else None
    # Beside damaged values the majority decides: UTF-8 often passes for GB18030, hardly ever the reverse.
    if not (all(_fits(value, "utf-8") for value in foreign) or utf8 >= max(gb18030, 1)):
        name = _weighed(foreign[:_WEIGHED], codec, where)
    elif _is_either(foreign):
        name = _of_either(foreign, codec, where)
    else:
        name = UTF8
    evidence = (
        f"{len(foreign):,} different values beyond ASCII, {utf8:,} valid as UTF-8, {gb18030:,} as GB18030; "
        + (f"{declared_by} declares {declared}" if declared else "nothing is declared")
    )
    wrong = bool(declared) and (codec is None or _family(codec) != _family(name))
    return Encoding(name, evidence, declared if wrong else "", _samples(foreign, name))


def _weighed(foreign: list[bytes], codec: str | None, where: str) -> str:
    """Return the likeliest encoding of values that are no UTF-8, or refuse to choose."""
    # Chinese in UTF-8 among them was pasted from elsewhere and says nothing of the others.
    foreign = [value for value in foreign if not _CHINESE_UTF8.fullmatch(value)] or foreign
    if codec is not None and _family(codec) not in {GB18030, UTF8}:
        name = _family(codec)
        gain = advantage(foreign, name)
        if name in _STRICT_CODECS:
            if gain > _BETTER:
                return name
            if gain > -_BETTER:
                raise _unclear(foreign, [name], where)
        # In a code page of one byte no two high bytes stand side by side, as they do in Chinese.
        elif all(_fits(v, name) for v in foreign) and (
            gain > _CLEARLY or not any(_NEIGHBOURS.search(v) for v in foreign)
        ):
            return name
    others = {name: advantage(foreign, name) for name in CANDIDATES[1:]}
    likelier = sorted((name for name in others if others[name] > _CLEARLY), key=lambda n: -others[n])
    if likelier:
        readable = [name for name in likelier if all(_fits(value, name) for value in foreign)]
        raise _unclear(foreign, (readable or likelier)[:2], where)
    return GB18030


def _unclear(foreign: list[bytes], names: list[str], where: str) -> SourceError:
    readings = [f"as {name} it says {' / '.join(_samples(foreign, name))}" for name in [*names, GB18030]]
    choices = " or ".join(f"--encoding {name}" for name in [*names, GB18030])
    return SourceError(
        f"the encoding of {where} is unclear: {'; '.join(readings)}.",
        hint=f"Choose the one that reads right: {choices}.",
        code="E_ENCODING",
    )


def _samples(foreign: list[bytes], encoding: str) -> tuple[str, ...]:
    """Return some values as a person would read them, those of several characters first."""
    shown = sorted(foreign[:_WEIGHED], key=lambda value: len(value) < _SAMPLES)[:_SAMPLES]
    return tuple(value.decode(encoding, "replace")[:_SAMPLE_CHARACTERS] for value in shown)


def _is_either(foreign: list[bytes]) -> bool:
    """Tell whether valid UTF-8 can as well be a few characters of GB 2312, as ``一`` is, D2 BB.

    Then there is no character of three bytes, as all Chinese has in UTF-8, and as GB 2312 each is a Chinese
    character.
    """
    return all(
        _GB2312_HANZI.fullmatch(value) and max(value.decode("utf-8", "replace")) < "\u0800"
        for value in foreign
    )


def _of_either(foreign: list[bytes], codec: str | None, where: str) -> str:
    """Choose between the two by a word with an accent, a declaration, or an alphabet that nobody has here."""
    texts = [value.decode("utf-8", "replace") for value in foreign]
    latin = all(max(text) < "\u0250" for text in texts)
    if codec == "utf-8" or (latin and any(map(_ACCENTED.search, texts))):
        return UTF8
    if not latin or (codec is not None and _family(codec) == GB18030):
        return GB18030
    # C2 B0 is a degree sign and 掳, C2 A5 is ¥ and 楼.
    raise _unclear(foreign, [UTF8], where)


def decode_value(value: bytes, encoding: str, *, full: bool) -> tuple[str, str]:
    r"""Decode one value; return the text and what was wrong: nothing, ``cut`` or ``unreadable``.

    ``full`` says that the value fills its field, so that half a character at its end may be the
    field's doing. What cannot be read keeps its bytes as ``\xNN``.

    Examples
    --------
    >>> decode_value("路灯".encode("gbk")[:3], "GB18030", full=True)
    ('路', 'cut')
    """
    if encoding == GB18030 and _CHINESE_UTF8.fullmatch(value) and _decodes(value, "utf-8"):
        return value.decode("utf-8"), "mixed"
    try:
        return value.decode(encoding), ""
    except UnicodeDecodeError:
        if full and (text := _without_half(value, encoding)) is not None:
            return text, "cut"
    return value.decode(encoding, "backslashreplace"), "unreadable"


def decode_sound(values: list[bytes], encoding: str) -> list[str] | None:
    r"""Decode values in one go; None if any of them is cut, mixed, unreadable or has control characters.

    Examples
    --------
    >>> decode_sound(["路灯".encode("gbk"), b"A1"], "GB18030"), decode_sound([b"\xff"], "GB18030")
    (['路灯', 'A1'], None)
    """
    joined = b"\n".join(values)
    if encoding == GB18030 and _CHINESE_UTF8.search(joined):
        return None
    try:
        text = joined.decode(encoding)
    except UnicodeDecodeError:
        return None
    decoded = text.split("\n")
    return None if len(decoded) != len(values) or has_controls(text) else decoded


def decode_text(
    data: bytes, *, wanted: str | None, declared: str = "", where: str = "the file"
) -> tuple[str, Encoding]:
    """Decode a whole text file; bytes that do not fit become lone surrogates.

    `gridcity.intake.unreadable` makes those readable. A byte order mark decides, unless the caller names
    an encoding; it never stays in the text. The encoding may be unclear as in `settle`; ``where`` names
    the file then.
    """
    if wanted is None and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), Encoding("UTF-16", "a byte order mark")
    marked = data.startswith(codecs.BOM_UTF8)
    if wanted is None and marked:
        encoding = Encoding(UTF8, "a byte order mark")
    else:
        words = set() if data.isascii() else set(_WORDS.findall(data))
        encoding = settle(words, wanted=wanted, declared=declared, declared_by="the format", where=where)
    if marked:
        data = data[len(codecs.BOM_UTF8) :]
    return data.decode(encoding.name, "surrogateescape"), encoding


def is_mixed(raw: bytes) -> bool:
    """Tell whether bytes have lines of Chinese in UTF-8, which text in GB18030 never looks like."""
    return any(_decodes(found[0], "utf-8") for found in _CHINESE_UTF8.finditer(raw))


def has_controls(text: str) -> bool:
    """Tell whether text has NULs, control characters other than tab and line breaks, or bidi marks."""
    return _CONTROLS.search(text) is not None


def _checked(wanted: str) -> str:
    try:
        codec = codecs.lookup(wanted)
    except (LookupError, ValueError) as problem:
        raise ArgumentError(
            f"{wanted!r} is no encoding.", hint="Name one such as GB18030, UTF-8 or Big5."
        ) from problem
    if not codec._is_text_encoding:
        raise ArgumentError(
            f"{wanted!r} is no encoding of text.", hint="Name one such as GB18030, UTF-8 or Big5."
        )
    return _family(codec.name)


def _family(codec: str) -> str:
    name = codecs.lookup(codec).name
    return _LARGER.get(name, name)


def _without_half(value: bytes, encoding: str) -> str | None:
    """Decode all but half a character at the end; None where something else is wrong."""
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(value, final=False)
    except UnicodeDecodeError:
        return None


def _valid(values: list[bytes], encoding: str) -> int:
    """Return how many values are text of an encoding; a line break is part of no character."""
    if _decodes(b"\n".join(values), encoding):
        return len(values)
    return sum(_decodes(value, encoding) for value in values)


def _decodes(value: bytes, encoding: str) -> bool:
    try:
        value.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _fits(value: bytes, encoding: str) -> bool:
    """Tell whether all but half a character at the end is text, and not of ASCII alone."""
    text = _without_half(value, encoding)
    return text is not None and not text.isascii()
