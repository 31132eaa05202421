"""Damage good shapefiles at random, import each in a child process with limits, and judge what comes of it.

    python tests/mutation.py --count 10000 --seed 1
    python tests/mutation.py --seed 1 --number 4711        one mutant, told in full

Outcomes
--------
refused       the whole file, with a reason
equal         every row is as it was
listed        rows were rejected or read otherwise, and each of them has a finding that says so
undetectable  only bytes of coordinates or of text were changed, and what was read is what they say
silent        a row differs and nothing says so: a defect
traceback, crash, hang   defects
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import shapely
from mutants import COMMUNITY, SUFFIXES, Base, Files, area, bases, mutant

LIMIT_S, LIMIT_BYTES = 10.0, 2 * 2**30
DEFECTS = ("silent", "traceback", "crash", "hang")
NAMES = ("points", "cells", "lines")

_PROFILE = '[city]\nname = "样例城"\narea_code = "110101"\nedition = "gbt47678.5-2026"\n'
_TOLERANCE_DEGREES = 1e-9

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant."""

    number: int
    base: str
    outcome: str
    why: str
    done: tuple[str, ...]


@dataclass(frozen=True)
class Taken:
    """What an import left behind: stored rows, findings, and the receipt's balance."""

    rows: tuple[Row, ...]
    findings: frozenset[tuple[str, int | None, str]]
    rejected: frozenset[int]
    read: int
    balanced: bool
    system: str


def judge(count: int, seed: int, *, first: int = 0) -> list[Verdict]:
    """Return the verdicts of so many mutants, each from a worker that is replaced when it dies."""
    with tempfile.TemporaryDirectory(prefix="gridcity-mutants-") as folder:
        prepared(Path(folder))
        return list(_judged(Path(folder), range(first, first + count), seed))


def _judged(folder: Path, numbers: range, seed: int) -> Iterator[Verdict]:
    worker: subprocess.Popen[str] | None = None
    for number in numbers:
        worker = worker or _worker(folder, seed)
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(f"{number}\n")
        worker.stdin.flush()
        line = _line(worker.stdout)
        if line:
            found = json.loads(line)
            yield Verdict(number, found["base"], found["outcome"], found["why"], tuple(found["done"]))
            continue
        hung = line is None
        worker.kill()
        code = worker.wait()
        worker = None
        why = f"no answer in {LIMIT_S:.0f} s" if hung else f"ended with {code}"
        yield Verdict(number, NAMES[number % len(NAMES)], "hang" if hung else "crash", why, ())
    if worker is not None:
        worker.communicate("")


def _line(stream: IO[str]) -> str | None:
    """Return the worker's next line, empty where it has died, None where it does not answer."""
    ready, _, _ = select.select([stream], [], [], LIMIT_S)
    return stream.readline() if ready else None


def _worker(folder: Path, seed: int) -> subprocess.Popen[str]:
    place = Path(tempfile.mkdtemp(dir=folder))
    worker = subprocess.Popen(
        [sys.executable, __file__, "--worker", str(folder), str(place), "--seed", str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(place / "stderr").open("w"),
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert worker.stdout is not None
    # It says so when it is ready: loading is not part of the limit.
    assert worker.stdout.readline() == "ready\n", (place / "stderr").read_text()
    return worker


def prepared(folder: Path) -> None:
    """Make the cities that the mutants are imported into: one with areas, one with cells too."""
    from gridcity import City
    from gridcity.profile import parse_profile

    good = folder / "good"
    good.mkdir()
    found = bases(good)
    with City.create(folder / "cells.gpkg", parse_profile(_PROFILE)) as city:
        city.import_areas(area(good, COMMUNITY[:9], "东华门街道"), level="street")
        city.import_areas(area(good, COMMUNITY, "样例社区"), level="community")
    shutil.copyfile(folder / "cells.gpkg", folder / "components.gpkg")
    with City.open(folder / "components.gpkg") as city:
        city.import_cells(_laid_out(good / "cells.shp", found["cells"].files))


def _laid_out(path: Path, files: Files) -> Path:
    for suffix in SUFFIXES:
        path.with_suffix(suffix).unlink(missing_ok=True)
    for suffix, data in files.items():
        path.with_suffix(suffix).write_bytes(data)
    return path


def work(folder: Path, place: Path, seed: int) -> None:
    """Answer numbers of mutants with verdicts, line by line, until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    found = bases(place)
    originals = {name: taken(folder, place, base, base.files) for name, base in found.items()}
    for name, base in found.items():
        there = [record for record in base.said(base.files) if not record["deleted"]]
        assert all(map(_is_said, [base] * len(there), originals[name].rows, there)), name
    print("ready", flush=True)
    for line in sys.stdin:
        number = int(line)
        base = found[NAMES[number % len(NAMES)]]
        files, done = mutant(base, seed, number)
        outcome, why = verdict(folder, place, base, originals[base.name], files)
        answer = {"base": base.name, "outcome": outcome, "why": why, "done": done}
        print(json.dumps(answer, ensure_ascii=False), flush=True)


def taken(folder: Path, place: Path, base: Base, files: Files) -> Taken:
    """Import files into a throw-away copy of their city and return what it holds then."""
    from gridcity import City

    path = _laid_out(place / f"{base.name}.shp", files)
    shutil.copyfile(folder / f"{base.table}.gpkg", place / "city.gpkg")
    with City.open(place / "city.gpkg") as city:
        take = city.import_cells if base.table == "cells" else city.import_components
        result = take(path, **base.options)
        columns = city.store.columns(base.table, base.columns)
        receipt = result.receipt
        columns["geom"] = shapely.to_wkb(columns["geom"])
        return Taken(
            rows=tuple(zip(*(columns[name] for name in base.columns), strict=True)),
            findings=frozenset((f.rule, f.row, f.value) for f in result.findings),
            rejected=frozenset(row.row for row in result.rejected),
            read=receipt.read,
            balanced=receipt.read == receipt.added + receipt.unchanged + receipt.rejected
            and receipt.added == len(columns["geom"])
            and receipt.unchanged == receipt.collapsed,
            system=receipt.system,
        )


def verdict(folder: Path, place: Path, base: Base, original: Taken, files: Files) -> tuple[str, str]:
    """Import one mutant and compare it with the original."""
    from gridcity.errors import GridcityError

    try:
        found = taken(folder, place, base, files)
    except GridcityError as error:
        return "refused", error.message.replace(str(place), "")
    except Exception:  # noqa: BLE001 - what escapes here is what is looked for
        return "traceback", traceback.format_exc()
    return compared(base, original, found, files)


def compared(base: Base, original: Taken, found: Taken, files: Files) -> tuple[str, str]:
    """Say whether what was taken equals the original, is accounted for, or differs in silence."""
    strange = list((Counter(found.rows) - Counter(original.rows)).elements())
    news = found.findings - original.findings
    rules = ", ".join(sorted({rule for rule, _, _ in news}))
    if not found.balanced:
        return "silent", "the balance does not add up"
    if not strange and len(found.rows) == len(original.rows):
        return "equal", rules
    said = base.said(files)
    there = sum(not row["deleted"] for row in said)
    if found.read not in (original.read, there) and not any(rule == "row-deleted" for rule, _, _ in news):
        return "silent", f"{found.read} rows were read instead of {original.read}"
    if len(found.rows) < there - len(found.rejected) and not news:
        return "silent", f"{len(found.rows)} rows are left and {len(found.rejected)} were rejected"
    unread = any(rule == "column-unused" for rule, _, _ in news)
    free = 0
    for row in strange:
        if _accounted(base, original, row, news) or found.system != original.system:
            continue
        if any(_is_said(base, row, record) for record in said):
            free += 1
        elif not (unread and any(_is_said(base, row, record, unread=True) for record in said)):
            return "silent", f"{_difference(base, original, row)}; findings: {rules or 'none'}"
    return ("undetectable", rules) if free else ("listed", rules or f"reference system {found.system}")


def _nearest(base: Base, original: Taken, row: Row) -> int:
    """Return the original row that a strange one was made of: that with the most equal columns."""
    equal = [sum(a == b for a, b in zip(row, other, strict=True)) for other in original.rows]
    return equal.index(max(equal))


def _accounted(base: Base, original: Taken, row: Row, news: frozenset[tuple[str, int | None, str]]) -> bool:
    """Say whether a finding tells that this row is not as it was."""
    record = records(base)[_nearest(base, original, row)]
    return any(number == record for _, number, _ in news)


def records(base: Base) -> list[int]:
    """Return the record numbers of the original rows, counted from 1, deleted ones left out."""
    return [k for k, row in enumerate(base.said(base.files), 1) if not row["deleted"]]


def _is_said(base: Base, row: Row, record: dict[str, Any], *, unread: bool = False) -> bool:
    """Say whether a stored row is what the bytes of a record say.

    Where columns were not read, and a finding says so, their texts are empty and the code is a given one.
    """
    stored = dict(zip(base.columns, row, strict=True))
    for column, field in base.fields.items():
        text, expected = stored[field], record[column]
        if unread and (text == "" or field == "code"):
            continue
        if expected is None:
            return False
        if field.endswith("_date") or field == "since":
            text, expected = _day(text), _day(expected)
        if field == "key":
            text = text.partition("=")[2]
        if text != expected:
            return False
    xy = sorted(map(tuple, shapely.get_coordinates(shapely.from_wkb(stored["geom"])).tolist()))
    # A ring is closed by a last point equal to the first, whether the bytes say so or not.
    return all(
        any(max(abs(x - lng), abs(y - lat)) < _TOLERANCE_DEGREES for lng, lat in record["xy"]) for x, y in xy
    ) and len(xy) in (len(record["xy"]), len(record["xy"]) + 1)


def _day(text: str) -> str:
    """Return the digits of a date, ``2022-1-3`` like ``20220103``; pyshp writes a missing one as zeros."""
    return "".join(digits.zfill(2) for digits in re.findall("[0-9]+", text)).strip("0")


def _difference(base: Base, original: Taken, row: Row) -> str:
    at = _nearest(base, original, row)
    names = [
        f"{name}: {before!r} became {after!r}"
        for name, before, after in zip(base.columns, original.rows[at], row, strict=True)
        if before != after
    ]
    return f"record {records(base)[at]}, " + ", ".join(names)[:400]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Damage good shapefiles and judge what importing them gives."
    )
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, help="only this mutant")
    parser.add_argument("--worker", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(*given.worker, given.seed)
        return
    if given.number is not None:
        print(*judge(1, given.seed, first=given.number))
        return
    found = judge(given.count, given.seed)
    for one in found:
        if one.outcome in DEFECTS:
            print(f"{one.outcome}: seed {given.seed}, number {one.number}, {one.base}, {one.done}: {one.why}")
    print(f"{given.count} mutants with seed {given.seed}:")
    for outcome, n in Counter(one.outcome for one in found).most_common():
        print(f"{n:7d} {outcome}")
    sys.exit(any(one.outcome in DEFECTS for one in found))


if __name__ == "__main__":
    main()
