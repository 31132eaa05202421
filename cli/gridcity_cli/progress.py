"""A bar on standard error for work that takes a while, where a person watches it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

__all__ = ["shown"]

# Shorter work is over before anybody has read the bar.
_PATIENCE_S = 0.5


@contextlib.contextmanager
def shown() -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that is told what is done and what is to do; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    begun = time.monotonic()
    bar: Any = None

    def told(done: int, total: int) -> None:
        nonlocal bar
        if bar is None and time.monotonic() - begun > _PATIENCE_S and done < total:
            bar = click.progressbar(length=total, label="rows", file=sys.stderr)
            bar.__enter__()
        if bar is not None:
            bar.update(done - bar.pos)

    try:
        yield told
    finally:
        if bar is not None:
            bar.__exit__(None, None, None)
