"""Rebuild the shipped tables of gridcity/standards/ from a folder of source tables.

Usage::

    python scripts/build_standards.py SOURCES [--areas AREAS]

SOURCES holds component_classes.csv, event_classes.csv, state_codes.csv and beidou_levels.csv as they
were collected, with their words of confidence; AREAS holds the area lists of china-division as
provinces, cities, areas, streets and communities (.csv.gz). The result is a difference for somebody to
review. editions.csv and fields.csv are written by hand.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import itertools
import lzma
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

STANDARDS = Path(__file__).parents[1] / "gridcity" / "standards"
PROVISIONAL = "gbt30428.2-2013"
CLASS_COLUMNS = (
    *("major_code", "major_zh", "major_en", "minor_code", "minor_zh", "minor_en"),
    *("geometry", "status", "source", "note"),
)
STATE_LISTS = {"管理部件状态": "state", "状态": "state", "现势性": "currency", "数据来源": "data_source"}
PARENT_DIGITS = {2: 0, 4: 2, 6: 4, 9: 6, 12: 9}


def read(path: Path) -> list[dict[str, str]]:
    """Read a table with every cell stripped."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [{key: (value or "").strip() for key, value in row.items()} for row in csv.DictReader(lines)]


def write(path: Path, columns: Iterable[str], rows: Iterable[dict[str, str]]) -> None:
    """Write a table with the given columns; other keys of the rows are left out."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(columns), extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def status_and_note(edition: str, confidence: str) -> tuple[str, str]:
    """Bring the words of a source to one word, and keep what they say beyond it."""
    if edition == PROVISIONAL:
        return "provisional", confidence
    if confidence.startswith("confirmed"):
        return "confirmed", confidence if ";" in confidence else ""
    if confidence.startswith("name: one source"):  # the code is read off the position in a list
        return "inferred", confidence
    said = confidence in ("one source", "one source for the code")
    return "one source", "" if said else confidence


def classes(rows: list[dict[str, str]], editions: Iterable[str], file: str) -> None:
    """Write one edition's classes per folder: coded, named, sorted, each code once."""
    for edition in editions:
        mine = [row for row in rows if row["edition"] == edition]
        kept: dict[str, dict[str, str]] = {}
        for row in mine:
            code = row["major_code"] + row["minor_code"]
            if not code.isdigit() or not row["minor_zh"].strip("?"):
                continue
            if code in kept:
                raise SystemExit(f"{file}: {edition} has {code} twice")
            status, note = status_and_note(edition, row["confidence"])
            kept[code] = {**row, "geometry": row["default_geometry"], "status": status, "note": note}
        write(STANDARDS / edition / file, CLASS_COLUMNS, (kept[code] for code in sorted(kept)))
        print(f"{edition}/{file}: {len(kept)} classes, {len(mine) - len(kept)} without code or name left out")


def states(rows: list[dict[str, str]]) -> None:
    """Write the values of the attribute lists, with the editions they belong to."""
    written = []
    for row in rows:
        if row["list"] not in STATE_LISTS:
            continue
        edition = {"GB/T 47678.5-2026": "gbt47678.5-2026", "2005-style deployment": "cjt214-2007"}[
            row["edition"]
        ]
        status = "one source"
        written.append({**row, "edition": edition, "list": STATE_LISTS[row["list"]], "status": status})
    # The attribute tables of the older editions name these five states too (ObjState).
    five = [row for row in written if row["edition"] == "gbt47678.5-2026" and row["list"] == "state"]
    source = "deployed systems (attribute ObjState: 完好/破损/丢失/废弃/移除 ...)"
    for edition in ("cjt214-2007", PROVISIONAL):
        written[:0] = [{**row, "edition": edition, "source": source} for row in five]
    written.sort(key=lambda row: (row["edition"], row["list"] != "state", row["list"]))
    write(STANDARDS / "states.csv", ("edition", "list", "zh", "en", "status", "source"), written)


def beidou_levels(rows: list[dict[str, str]]) -> None:
    """Write the levels of GB/T 39409-2020 with sizes in arc seconds, as exact fractions."""
    seconds = {" deg": 3600, "'": 60, '"': 1}

    def size(text: str) -> str:
        number, unit = re.fullmatch(r"([0-9/]+)( deg|'|\")", text).groups()  # type: ignore[union-attr]
        return number if unit == '"' else str(int(number) * seconds[unit])

    levels = []
    for row in rows:
        if row["level"] == "0":
            continue
        across, up = re.match(r"(\d+) x (\d+)", row["split_of_parent(lon x lat)"]).groups()  # type: ignore[union-attr]
        levels.append(
            {
                "level": row["level"],
                "lng_size_s": size(row["cell_lon"]),
                "lat_size_s": size(row["cell_lat"]),
                "lng_parts": across,
                "lat_parts": up,
                "characters": row["code_chars_added"][0],
                "length": row["total_chars"],
            }
        )
    write(STANDARDS / "beidou_levels.csv", levels[0], levels)


def runs(serials: list[str]) -> Iterator[str]:
    """Write consecutive serials of one length as first-last."""
    for _, group in itertools.groupby(
        enumerate(serials), lambda pair: (int(pair[1]) - pair[0], len(pair[1]))
    ):
        run = [serial for _, serial in group]
        yield run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}"


def areas(folder: Path) -> None:
    """Pack the area list: one line per parent, three xz streams (to districts, streets, communities)."""
    names: dict[str, str] = {}
    for file in sorted(folder.glob("*.csv.gz")):
        with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
            names.update((row["code"], row["name"].strip()) for row in csv.DictReader(lines))
    parents: dict[str, list[str]] = {}
    for code in sorted(names):
        parents.setdefault(code[: PARENT_DIGITS[len(code)]], []).append(code)
    streams: list[list[tuple[str, str]]] = [[], [], []]
    for parent, children in sorted(parents.items()):
        digits = " ".join(runs([code[len(parent) :] for code in children]))
        line = f"{parent}\t{digits}", " ".join(names[code] for code in children)
        streams[{9: 1, 12: 2}.get(len(children[0]), 0)].append(line)
    # All digits, then all names: apart they pack smaller than line by line.
    blocks = ["\n\n".join("\n".join(block) for block in zip(*stream, strict=True)) for stream in streams]
    tuned = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "pb": 0}]  # text: no alignment
    packed = b"".join(lzma.compress(block.encode(), filters=tuned) for block in blocks)
    (STANDARDS / "areas.tsv.xz").write_bytes(packed)
    print(f"areas.tsv.xz: {len(names)} areas, {len(packed)} bytes")


def main() -> None:
    """Rebuild every table that has a source."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("sources", type=Path)
    arguments.add_argument("--areas", type=Path)
    given = arguments.parse_args()
    editions = [row["edition"] for row in read(STANDARDS / "editions.csv")]
    for file in ("component_classes.csv", "event_classes.csv"):
        classes(read(given.sources / file), editions, file)
    states(read(given.sources / "state_codes.csv"))
    beidou_levels(read(given.sources / "beidou_levels.csv"))
    if given.areas:
        areas(given.areas)


if __name__ == "__main__":
    main()
