"""The lines of a byte stream, one by one or many at once, decoded so that a broken one costs only itself."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gridcity.errors import ArgumentError

ENCODINGS = ("utf-8", "gb18030")
"""What a text is read in when nobody says, in this order."""

LONGEST_LINE = 16 * 2**20
"""Bytes; what is longer is no line of points and is not kept in memory."""

_BLOCK = 65536
# In these the bytes of a line mean the same alone as among others, so that many can be decoded at once.
_WHOLE = frozenset({"utf-8", "gb18030", "gbk"})
# One line break, unless these bytes write another or undo it: so do UTF-7, HZ and the escapes of Python.
_BREAKS = b"+AAo-\\u000a~\n"
# What UTF-8 writes in three bytes and more, all of Chinese among it. Text without it is, beside lines of
# GB18030, of GB18030 too: pairs of bytes alone would be letters of Latin, Greek or Cyrillic.
_LONG = re.compile(rb"[\xe0-\xf4][\x80-\xbf]{2}")


class ByteStream(Protocol):
    """What is read from: a buffered binary file."""

    def read(self, size: int = -1, /) -> bytes:
        """Return so many bytes, waiting for them."""

    def read1(self, size: int = -1, /) -> bytes:
        """Return what is there, at most so many bytes, waiting only while there is nothing."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines that were read together; the last one of an input may lack its break.

    Attributes
    ----------
    raw : bytes
        The text in UTF-8.
    text : str
        The lines with their breaks.
    problems : dict of int to str
        What was wrong with the bytes of a line, by its position among these lines.
    """

    raw: bytes
    text: str
    problems: dict[int, str]


class Lines(Iterator[str]):
    """Lines with their breaks, in constant memory.

    Parameters
    ----------
    stream : binary file
    encoding : str, optional
        Of the text. When it is not given every line decides for itself: UTF-8, or else GB18030. A line
        whose bytes are both, as of the one character 路, is read as the lines before it, the first ones
        as the first 64 KB.
    eager : bool
        Do not wait for the first 64 KB: begin when the first line has come.

    Attributes
    ----------
    number : int
        The line last returned, counted from 1.
    problem : str
        What was wrong with its bytes; empty when nothing was.
    """

    def __init__(self, stream: ByteStream, *, encoding: str | None = None, eager: bool = False) -> None:
        self.number = 0
        self.problem = ""
        self._stream = stream
        self._ready = b""  # whole lines, of which those before _at were returned
        self._at = 0
        self._rest = b""
        self._ended = False
        self.head = self._first_line() if eager else self._stream.read(_BLOCK)
        self._encodings = (_checked(encoding),) if encoding else ENCODINGS
        self._likely = self._encodings[0] if encoding else _likely(self.head)
        if self.head.startswith(codecs.BOM_UTF8):
            self.head = self.head[len(codecs.BOM_UTF8) :]
        self._take(self.head)

    @property
    def waiting(self) -> bool:
        """Whether the next line has already been read."""
        return self._at < len(self._ready)

    def __next__(self) -> str:
        while not self.waiting:
            if self._ended:
                raise StopIteration
            self._take(self._stream.read1(_BLOCK))
        end = self._ready.find(b"\n", self._at) + 1 or len(self._ready)
        raw, self._at = self._ready[self._at : end], end
        self.number += 1
        self.problem = ""
        if len(raw) > LONGEST_LINE:
            self.problem = f"longer than {LONGEST_LINE >> 20} MB"
            return "\n"
        return self._decoded(raw)

    def block(self, size: int, *, eager: bool = False) -> Block | None:
        """Return the next lines together, None when there are no more.

        Parameters
        ----------
        size : int
            Bytes to be read, if no line is waiting: the block holds about as many.
        eager : bool
            Take what has come instead of waiting for so many. Lines before one that opens a quotation are
            a block of their own, so that they need not wait for its end.
        """
        while not self.waiting:
            if self._ended:
                return None
            self._take(self._stream.read1(_BLOCK) if eager else self._stream.read(size))
        raw = self._ready[self._at :]
        if eager:
            raw = raw[: _opening(raw)] or raw
        text = self._decoded_whole(raw)
        if text is None:
            return self._one_by_one(self._at + len(raw))
        self._at += len(raw)
        self.number += raw.count(b"\n") + (not raw.endswith(b"\n"))
        return Block(raw if self._likely == "utf-8" else text.encode(), text, {})

    def everything(self) -> str:
        """Return all that has not been returned yet as one text.

        Raises
        ------
        ArgumentError
            It is not text in this encoding.
        """
        raw = self._ready[self._at :] + self._rest + self._stream.read()
        try:
            return _read(raw, self._encodings)[0]
        except UnicodeDecodeError as error:
            raise ArgumentError(
                f"The input is not {' or '.join(self._encodings)} text, from byte {error.start + 1} on.",
                hint="Name its encoding with --encoding.",
            ) from error

    def _first_line(self) -> bytes:
        """Return what has come when a line that is not blank is whole, at most some 64 KB without one."""
        head = piece = self._stream.read1(_BLOCK)
        while piece and b"\n" not in head.lstrip() and len(head) < _BLOCK:
            piece = self._stream.read1(_BLOCK)
            head += piece
        return head

    def _decoded(self, raw: bytes) -> str:
        """Return a line as text, and remember what was wrong with it."""
        try:
            if self._likely == "gb18030" and not _LONG.search(raw):
                return raw.decode("gb18030")
            text, self._likely = _read(raw, self._encodings)
        except UnicodeDecodeError as error:
            wrong, names = raw[error.start : error.start + 4].hex(" "), " or ".join(self._encodings)
            self.problem = f"the bytes {wrong} at position {error.start + 1} are not {names} text"
            text = raw.decode(self._encodings[0], errors="backslashreplace")
            # The break may be among the bytes that were wrong.
            return text + "\n" if raw.endswith(b"\n") and not text.endswith("\n") else text
        return text

    def _decoded_whole(self, raw: bytes) -> str | None:
        """Return lines as the text that they are one by one, None where that must be seen line by line."""
        if len(raw) > LONGEST_LINE or self._likely not in _WHOLE:
            return None
        if self._likely == "gb18030" and len(self._encodings) > 1 and _LONG.search(raw):
            return None
        try:
            return raw.decode(self._likely)
        except UnicodeDecodeError:
            return None

    def _one_by_one(self, end: int) -> Block:
        """Return the waiting lines before a position, each decoded for itself."""
        texts: list[str] = []
        problems: dict[int, str] = {}
        while self._at < end:
            texts.append(next(self))
            if self.problem:
                problems[len(texts) - 1] = self.problem
        text = "".join(texts)
        return Block(text.encode(errors="surrogatepass"), text, problems)

    def _take(self, block: bytes) -> None:
        """Cut a block after its last line break; no multibyte character of UTF-8 or GB18030 holds one."""
        if not block:
            self._ended = True
            self._ready, self._at, self._rest = self._rest, 0, b""
            return
        end = block.rfind(b"\n") + 1
        if end:
            self._ready, self._at, self._rest = self._rest + block[:end], 0, block[end:]
        elif len(self._rest) <= LONGEST_LINE:
            self._rest += block


def _opening(raw: bytes) -> int:
    """Return where the line begins whose quotation is open at the end of lines; their length for none."""
    start = len(raw)
    if raw.count(b'"') % 2:
        while raw.count(b'"', start) % 2 == 0:
            start = raw.rfind(b"\n", 0, start - 1) + 1
    return start


def _read(raw: bytes, encodings: Sequence[str]) -> tuple[str, str]:
    """Return bytes as text and in which encoding they are; in none, raise what the first one says."""
    first, *others = encodings
    try:
        return raw.decode(first), first
    except UnicodeDecodeError:
        for name in others:
            try:
                return raw.decode(name), name
            except UnicodeDecodeError:
                continue
        raise


def _likely(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ArgumentError("The input is UTF-16 text.", hint="Save it as UTF-8.")
    for name in ENCODINGS:
        try:
            # Not final: the 64 KB may end in the middle of a character.
            codecs.getincrementaldecoder(name)().decode(head, final=False)
        except UnicodeDecodeError:
            continue
        return name
    return ENCODINGS[0]


def _checked(name: str) -> str:
    try:
        found = codecs.lookup(name)
        if found.encode("\n,{")[0] == b"\n,{" and found.decode(_BREAKS)[0].count("\n") == 1:
            return found.name
    except LookupError as error:
        raise ArgumentError(f"There is no encoding {name!r}.", hint="Try utf-8 or gb18030.") from error
    raise ArgumentError(f"Lines cannot be read in {name}.", hint="Save the file as UTF-8.")
