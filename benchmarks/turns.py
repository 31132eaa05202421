"""How contenders are timed and watched: alternately in one process, or as processes of their own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

__all__ = ["peak_of_call", "peak_of_process", "process", "take_turns"]

_POLL_S = 0.02


def take_turns(
    contenders: Mapping[str, Callable[[], Any]],
    rounds: int,
    check: Callable[[str, Any], None] | None = None,
) -> dict[str, tuple[float, ...]]:
    """Time contenders one right after the other, each round beginning with another one.

    Parameters
    ----------
    contenders : mapping of str to callable
        Named as they are to be shown.
    rounds : int
        How often each takes its turn; before the first each runs once untimed.
    check : callable, optional
        Told name and answer of the untimed turn; raises where the answer is wrong.
    """
    for name, contender in contenders.items():
        answer = contender()
        if check:
            check(name, answer)
    names = list(contenders)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            began = time.perf_counter()
            contenders[name]()
            taken[name].append(time.perf_counter() - began)
        print(f"round {turn + 1}: {', '.join(f'{n} {s[-1]:.3f} s' for n, s in taken.items())}", flush=True)
    return {name: tuple(round(s, 6) for s in seconds) for name, seconds in taken.items()}


def process(
    command: Sequence[str | Path], given: Path | None = None, written: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command as from a shell: compiled modules may be kept, as they are for every user.

    Parameters
    ----------
    command : sequence of str or Path
        A program and its arguments; it may end with 0, or with 1 for a negative answer.
    given, written : Path, optional
        Files for its input and output; without the second the output is returned.
    """
    with Path(given or os.devnull).open("rb") as stdin, Path(written or os.devnull).open("wb") as stdout:
        done = subprocess.run(  # noqa: S603
            [str(part) for part in command],
            env=_environment(),
            stdin=stdin,
            stdout=stdout if written else subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode in (0, 1), done.stderr.decode()
    return done


def peak_of_process(command: Sequence[str | Path], given: Path) -> float:
    """Return the most memory that a command held, in MiB, its input read from a file; NaN outside Linux."""
    peak = float("nan")
    with given.open("rb") as stdin, Path(os.devnull).open("wb") as nowhere:
        running = subprocess.Popen(  # noqa: S603
            [str(part) for part in command], env=_environment(), stdin=stdin, stdout=nowhere, stderr=nowhere
        )
        # The peak belongs to the program and only grows; the system's account of an ended process begins
        # with what its parent held.
        while running.poll() is None:
            peak = _peak_mib(running.pid) or peak
            time.sleep(_POLL_S)
    assert running.returncode in (0, 1), command
    return peak


def peak_of_call(function: Callable[..., Any], *arguments: Any) -> float:
    """Return the most memory that a call held in a process of its own, in MiB, mapped files among it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_called, function, arguments).result()


def _called(function: Callable[..., Any], arguments: Sequence[Any]) -> float:
    function(*arguments)
    if (peak := _peak_mib(os.getpid())) is not None:
        return peak
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _peak_mib(pid: int) -> float | None:
    """Return what Linux calls VmHWM; None elsewhere, and when the process has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    _, found, rest = status.partition("VmHWM:")
    return int(rest.split()[0]) / 1024 if found else None


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
