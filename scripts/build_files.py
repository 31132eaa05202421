"""Write docs/files.md: what gridcity does with every file of a folder of real data.

    python scripts/build_files.py FOLDER            write the page
    python scripts/build_files.py FOLDER --check    say whether it is stale, and exit 1 if it is

The page has names, counts and verdicts, and none of the data.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from gridcity.errors import GridcityError, ReferenceSystemError, SourceError
from gridcity.intake import Source, list_layers, read_source

PAGE = Path(__file__).resolve().parents[1] / "docs" / "files.md"

# What belongs to a shapefile, and what is about the files and not one of them.
_PARTS = {
    *(".shx", ".dbf", ".prj", ".qpj", ".cpg", ".xml", ".qmd"),
    *(".sbn", ".sbx", ".qix", ".idm", ".ind"),  # indexes
    ".csvt",  # types of a CSV's columns
}
_ABOUT = re.compile("source|.*readme|license|attribution|config.yml|attributes.csv", re.IGNORECASE)
# Folders whose files are lists and samples of an interface, not surveys.
_OTHER_DATA = ("admin-codes", "open311")

OPTIONS: dict[str, Mapping[str, str]] = {
    "shenzhen/*.shp": {"crs": "EPSG:4326"},
    "washington-dc/components/streetlights.csv": {"crs": "EPSG:4326", "x": "XCOORD", "y": "YCOORD"},
    "yaizu/components/*.csv": {"crs": "EPSG:6668"},
}
"""What is known of files that do not say it themselves, by a pattern of their path."""

# A file of a test suite says nothing about where it lies; any system shows whether the rest can be read.
_ANY = "EPSG:4490"
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes
    ----------
    name : str
        The file below the folder.
    options : str
        As typed on the command line; empty for none.
    source : Source or None
        What was read; None where the file was refused.
    reason : str
        Why it was refused, with these options and without, and which rules were noticed.
    """

    name: str
    options: str
    source: Source | None
    reason: str

    def markdown(self, folder: str) -> str:
        """Return the line without the name of the folder it stands under."""
        name = f"`{_cell(self.name.removeprefix(folder + '/'))}`"
        if self.source is None:
            return f"| {name} | refused | | | | {_cell(self.reason)} |"
        verdict = f"read with `{_cell(self.options)}`" if self.options else "read"
        system = self.source.system.name if self.source.system else ""
        if self.source.assumed:
            system += " (assumed)"
        facts = (f"{len(self.source):,}", self.source.encoding, system, self.reason)
        return f"| {name} | {verdict} | {' | '.join(map(_cell, facts))} |"


def lines(folder: Path) -> Iterator[Line]:
    """Yield what becomes of each file in a folder, sorted by path; a refused one again with its options."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and _is_input(path, folder):
            yield from _tried(path, path.relative_to(folder).as_posix(), {})


def page(folder: Path) -> str:
    """Return the text of docs/files.md."""
    found = list(lines(folder))
    files = {line.name for line in found}
    read = {line.name for line in found if line.source is not None}
    at_once = {line.name for line in found if line.source is not None and not line.options}
    text = [
        "<!-- Made by scripts/build_files.py; edit the code, then run it again. -->",
        "",
        "# Real files",
        "",
        "What gridcity does with files that cities, surveyors and other projects' test suites really hold:",
        f"of {len(files)} files {len(at_once)} are read as they are, {len(read - at_once)} are read with an",
        f"option, and {len(files - read)} are refused, each with its reason.",
        "`--crs …` stands for any reference system: a test file without one lies nowhere.",
        "*Assumed* is WGS 84 where GeoJSON says nothing else; in China such files are often GCJ-02.",
        "The last column says why a file is refused, or is without the option; then the rules that were",
        "noticed ([findings.md](findings.md)), with how often.",
        "How files are read: [import.md](import.md).",
    ]
    shown = ""
    for line in found:
        group = "/".join(line.name.split("/")[:-1][:2])
        if group != shown:
            shown = group
            text += ["", f"## {group}", "", "| file | verdict | rows | text | reference system | why |"]
            text += ["|---|---|---:|---|---|---|"]
        text.append(line.markdown(group))
    return "\n".join(text) + "\n"


def _is_input(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    if len(parts) == 1 or parts[0] in _OTHER_DATA or _ABOUT.match(path.name):
        return False
    suffix = path.suffix.lower()
    if suffix not in _PARTS:
        return True
    # A table alone is handed over too; whatever else has the name of another file belongs to it.
    stem = path.name.partition(".")[0].casefold()
    beside = {other.name.casefold() for other in path.parent.iterdir()}
    owners = {f"{stem}.shp"} if suffix == ".dbf" else {f"{stem}.shp", f"{stem}.csv", f"{stem}.dbf"}
    return not owners & (beside - {path.name.casefold()})


def _tried(path: Path, name: str, options: Mapping[str, Any], before: str = "") -> Iterator[Line]:
    """Yield what becomes of a file; one that is refused is tried layer by layer, or with more options."""
    typed = " ".join(f"--{key} {'…' if value == _ANY else value}" for key, value in options.items())
    try:
        with warnings.catch_warnings(action="error"):
            source = read_source(path, **options)
    except GridcityError as error:
        reason = f"{before} {_sentence(error, path)}".strip()
        more = next((found for pattern, found in OPTIONS.items() if fnmatch(name, pattern)), {})
        if not more and isinstance(error, ReferenceSystemError):
            more = {"crs": _ANY}
        if "layer" not in options and (layers := _several(path)):
            for layer in layers:
                yield from _tried(path, name, {"layer": layer}, reason)
        elif more and not more.keys() <= options.keys():
            yield from _tried(path, name, {**options, **more}, reason)
        else:
            yield Line(name, typed, None, reason)
    else:
        noticed = ", ".join(f"`{rule}` {n:,}" for rule, n in source.findings.counts().items())
        yield Line(name, typed, source, f"{before} {noticed}".strip())


def _several(path: Path) -> list[str]:
    """Return the layers of a file that has several."""
    try:
        found = [layer.layer for layer in list_layers(path) if layer.layer]
    except SourceError:
        return []
    return found if len(found) > 1 else []


def _sentence(error: GridcityError, path: Path) -> str:
    """Return the message, cut, without the folder of the file, which is another on every machine."""
    text = error.message.replace(f"{path.parent}/", "")
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + " …"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    made = page(Path(sys.argv[1]))
    if "--check" in sys.argv[2:]:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made
        print("docs/files.md is stale" if stale else "docs/files.md is up to date")
        sys.exit(stale)
    PAGE.write_text(made, encoding="utf-8", newline="\n")
