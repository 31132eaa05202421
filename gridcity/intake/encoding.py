"""In which encoding a file's text is, decided by its bytes.

The order is: the encoding the caller names; UTF-8 where the bytes are UTF-8 with at least one
character of several bytes; GB18030, which holds GBK and GB 2312. A declaration (a ``.cpg`` file, the
language byte of a dBase header) is a hint that is checked against the bytes, because Chinese
shapefiles often declare nothing or the wrong thing. Every value is judged by itself, so that one
damaged value costs one row, and a last character that the field's width cut in two is let go.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gridcity.errors import ArgumentError
from gridcity.findings import Findings
from gridcity.intake.table import Column, Numbers

__all__ = ["Encoding", "codec_of", "decode_text", "decode_value", "report_unreadable", "settle"]

ASCII = "ascii"
UTF8 = "UTF-8"
GB18030 = "GB18030"

_GB_FAMILY = frozenset({"gb2312", "gbk", "gb18030"})
# Codecs of several bytes per character in which random text does not decode: valid bytes are evidence.
_STRICT_CODECS = frozenset(
    {"big5", "big5hkscs", "cp950", "cp932", "shift_jis", "euc_jp", "cp949", "euc_kr", "johab"}
)
_NEIGHBOURS = re.compile(rb"[\x80-\xff]{2}")
# From a high byte to the next mark of punctuation, none of which is ever part of a GB18030 character.
_WORDS = re.compile(rb"[\x80-\xff][0-9@-\xff]*")
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
    """

    name: str
    evidence: str
    contradicted: str = ""

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
    values: Iterable[bytes], *, wanted: str | None = None, declared: str = "", declared_by: str = ""
) -> Encoding:
    """Decide the encoding of a table by its distinct values.

    Parameters
    ----------
    values : iterable of bytes
        The distinct values; those of ASCII alone decide nothing.
    wanted : str, optional
        The encoding that the caller names; it is not questioned.
    declared, declared_by : str, optional
        What the file declares, and where it does.

    Raises
    ------
    ArgumentError
        ``wanted`` is no text encoding.

    Examples
    --------
    >>> settle(["路灯".encode("gbk")], declared="UTF-8", declared_by=".cpg").name
    'GB18030'
    """
    if wanted is not None:
        return Encoding(_checked(wanted), "named by the caller")
    foreign = [value for value in values if not value.isascii()]
    if not foreign:
        return Encoding(ASCII, "every byte is ASCII")
    utf8 = sum(_decodes(value, "utf-8") for value in foreign)
    gb18030 = sum(_decodes(value, "gb18030") for value in foreign)
    codec = codec_of(declared) if declared else None
    # Beside damaged values the majority decides: UTF-8 often passes for GB18030, hardly ever the reverse.
    if all(_fits(value, "utf-8") for value in foreign) or utf8 >= max(gb18030, 1):
        name = UTF8
    elif codec is not None and _bears_out(codec, foreign):
        name = codec
    else:
        name = GB18030
    evidence = (
        f"{len(foreign)} distinct values beyond ASCII, {utf8} valid as UTF-8, {gb18030} as GB18030; "
        + (f"{declared_by} declares {declared}" if declared else "nothing is declared")
    )
    wrong = bool(declared) and (codec is None or _family(codec) != _family(name))
    return Encoding(name, evidence, declared if wrong else "")


def decode_value(value: bytes, encoding: str, *, full: bool) -> tuple[str, str]:
    r"""Decode one value; return the text and what was wrong: nothing, ``cut`` or ``unreadable``.

    ``full`` says that the value fills its field, so that half a character at its end may be the
    field's doing. What cannot be read keeps its bytes as ``\xNN``.

    Examples
    --------
    >>> decode_value("路灯".encode("gbk")[:3], "GB18030", full=True)
    ('路', 'cut')
    """
    try:
        return value.decode(encoding), ""
    except UnicodeDecodeError:
        if full and (text := _without_half(value, encoding)) is not None:
            return text, "cut"
    return value.decode(encoding, "backslashreplace"), "unreadable"


def decode_text(data: bytes, *, wanted: str | None, declared: str = "") -> tuple[str, Encoding]:
    """Decode a whole text file; bytes that do not fit become lone surrogates, see `report_unreadable`.

    A byte order mark decides, unless the caller names an encoding; it never stays in the text.
    """
    if wanted is None and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), Encoding("UTF-16", "a byte order mark")
    marked = data.startswith(codecs.BOM_UTF8)
    if wanted is None and marked:
        encoding = Encoding(UTF8, "a byte order mark")
    else:
        words = set() if data.isascii() else set(_WORDS.findall(data))
        encoding = settle(words, wanted=wanted, declared=declared, declared_by="the format")
    if marked and _family(encoding.name) == "utf-8":
        data = data[len(codecs.BOM_UTF8) :]
    return data.decode(encoding.name, "surrogateescape"), encoding


def report_unreadable(
    columns: dict[str, Column], rows: Numbers, encoding: str, findings: Findings
) -> dict[str, Column]:
    """Replace text that could not be decoded by readable escapes, with a finding for each row."""
    return {name: _mended(name, column, rows, encoding, findings) for name, column in columns.items()}


def _mended(name: str, column: Column, rows: Numbers, encoding: str, findings: Findings) -> Column:
    try:
        "".join(column).encode()
    except UnicodeEncodeError:
        pass
    else:
        return column
    mended = column.copy()
    for value in dict.fromkeys(column.tolist()):
        try:
            value.encode()
        except UnicodeEncodeError:
            raw = _original_bytes(value, encoding)
            hit = np.equal(column, value)
            mended[hit] = raw.decode(encoding, "backslashreplace")
            findings.add(
                "value-unreadable", rows[hit].tolist(), field=name, values=raw.hex(" "), encoding=encoding
            )
    return mended


def _original_bytes(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate written as \uD800 in JSON was never a byte
        return text.encode("utf-8", "surrogatepass")


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
    return wanted


def _family(codec: str) -> str:
    name = codecs.lookup(codec).name
    return "gb" if name in _GB_FAMILY else name


def _without_half(value: bytes, encoding: str) -> str | None:
    """Decode all but half a character at the end; None where something else is wrong."""
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(value, final=False)
    except UnicodeDecodeError:
        return None


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


def _bears_out(codec: str, foreign: list[bytes]) -> bool:
    """Tell whether the bytes speak for a declared codec other than UTF-8 and GB18030.

    In one of the strict codecs validity is evidence. In a codec of one byte per character every byte
    is valid; there it is evidence that no two high bytes ever stand side by side, as they do in Chinese.
    """
    if _family(codec) in {"gb", "utf-8"}:
        return False
    if _family(codec) in _STRICT_CODECS:
        return all(_fits(value, codec) for value in foreign)
    return all(_fits(value, codec) and not _NEIGHBOURS.search(value) for value in foreign)
