"""Text files, opened in the encoding that their bytes speak for, and read without holding them twice."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from gridcity.errors import SourceError
from gridcity.intake.encoding import Encoding, decode_text

__all__ = ["open_text", "pieces"]

_BLOCK = 1 << 20
# Ours: so many bytes of lines beyond ASCII are evidence enough, whatever follows.
_SAMPLE_BYTES = 16 << 20


@contextmanager
def open_text(
    path: Path, *, wanted: str | None = None, declared: str = ""
) -> Iterator[tuple[TextIOWrapper, Encoding]]:
    """Open a text file for reading, line ends as they are.

    The encoding is settled by the first 16 MiB of those parts that are not ASCII. Bytes that do not fit
    become lone surrogates, see `gridcity.intake.unreadable.report_unreadable`. The text begins behind a byte
    order mark: who reads it again goes back to where `tell` said it began.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    wanted, declared : str, optional
        The encoding that the caller names; the one that the format has by rule.

    Raises
    ------
    SourceError
        The bytes are no text in the encoding, or which it is cannot be told.
    ArgumentError
        ``wanted`` is no text encoding.
    """
    name = wanted or declared
    try:
        _, settled = decode_text(_sample(path), wanted=wanted, declared=declared, where=path.name)
        name = codecs.lookup(settled.name).name
        # Of codecs whose characters are not bytes with meanings of their own, half a character is kept.
        errors = "surrogatepass" if name.startswith(("utf-16", "utf-32")) else "surrogateescape"
        with path.open("rb") as raw:
            if raw.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                raw.seek(0)
            with TextIOWrapper(raw, encoding=name, errors=errors, newline="") as file:
                yield file, settled
    except UnicodeError as problem:
        raise SourceError(
            f"{path.name} is no text in {name}: {problem}.",
            hint="Name the encoding that it was written in with --encoding.",
        ) from problem


def _sample(path: Path) -> bytes:
    """Return the first block, and of the others those with bytes beyond ASCII, whole lines each."""
    taken: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        while size < _SAMPLE_BYTES and (block := file.read(_BLOCK)):
            block += file.readline(_BLOCK)
            if not taken or not block.isascii():
                taken.append(block)
                size += len(block)
    return b"".join(taken)


def pieces(file: TextIOWrapper, separator: str, longest: int) -> Iterator[tuple[int, str | None]]:
    r"""Part a text at a separator; yield each piece that is not blank with the line it begins in.

    A piece of more than ``longest`` characters is passed over while it is read and yielded as None.

    Examples
    --------
    >>> import io
    >>> list(pieces(io.StringIO("a\n\nbcde\nf"), "\n", 3))
    [(1, 'a'), (3, None), (4, 'f')]
    """
    line, rest, skipping = 1, "", False
    while block := file.read(_BLOCK):
        *whole, rest = (rest + block).split(separator)
        for text in whole:
            if skipping or len(text) > longest:
                yield line, None
            elif text.strip():
                yield line, text
            skipping = False
            line += text.count("\n") + (separator == "\n")
        if len(rest) > longest:
            line, rest, skipping = line + rest.count("\n"), "", True
    if skipping or len(rest) > longest:
        yield line, None
    elif rest.strip():
        yield line, rest
