"""The import of a survey into a city, beside a plain conversion of the same file to a GeoPackage.

gridcity does what it always does: every check, the projection, the cell of each point, codes for those that
have none, receipt, spatial index, journal and sync on. The peer copies attributes and points and builds its
index; it checks and projects nothing.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

from benchmarks.run import Run
from benchmarks.survey import write_survey
from benchmarks.town import build_city
from benchmarks.turns import peak_of_call
from gridcity import City

__all__ = ["measure"]

# What the peer keeps under the standard's name, and gridcity under its own.
_COMPARED = {
    "GLBJMC": "class_name",
    "ZGBMDM": "supervisor_code",
    "ZGBMMC": "supervisor_name",
    "QSDWDM": "owner_code",
    "QSDWMC": "owner_name",
    "YHDWDM": "maintainer_code",
    "YHDWMC": "maintainer_name",
    "GLBJZT": "state",
    "SJLY": "data_source",
    "BZ": "note",
}


def measure(folder: Path, rows: int, rounds: int, seed: int = 1) -> Run:
    """Make the survey and its city, let both take turns, and measure the memory of one more import.

    Parameters
    ----------
    folder : Path
        For the files, about 400 bytes a row and 1.5 KiB a row for each result; it exists.
    rows : int
        Components of the survey.
    rounds : int
        How often each takes its turn; 0 measures the memory alone.
    seed : int, optional
        Of the survey.

    Raises
    ------
    AssertionError
        A result does not hold what the survey does.
    """
    survey, city = write_survey(folder, rows, seed), build_city(folder, rows, seed)
    # First, and in a process of its own: what this one has used does not count.
    watched = folder / "memory.gpkg"
    peak_mib = peak_of_call(_timed_import, city, survey, watched)
    watched.unlink()
    peer, convert = _peer()
    own_s: list[float] = []
    peer_s: list[float] = []
    facts: dict[str, str] = {}
    for turn in range(rounds):
        mine, theirs = folder / "own.gpkg", folder / "peer.gpkg"
        if turn % 2:
            peer_s.append(_timed_conversion(convert, survey, theirs))
        own_s.append(_timed_import(city, survey, mine))
        if not turn % 2:
            peer_s.append(_timed_conversion(convert, survey, theirs))
        facts = _compared(mine, theirs, rows)
        print(f"round {turn + 1}: gridcity {own_s[-1]:.1f} s, {peer} {peer_s[-1]:.1f} s", flush=True)
    with City.open(city) as opened:
        cells = opened.store.count("cells")
    return Run(
        name=f"import-{rows}",
        title=f"Import of {rows:,} point components",
        setting=(
            f"A shapefile of {rows:,} points in EPSG:4548 with the 18 attributes of GB/T 47678.5-2026, text "
            "in GBK, goes into a city",
            f"of {cells:,} cells: checked, projected, placed, coded and stored in one journalled transaction "
            "with its spatial index.",
            "A third of the rows arrive without a code and are given one.",
            "The peer converts the same file to a GeoPackage with its spatial index, and does nothing else.",
        ),
        own="gridcity",
        seconds={
            "gridcity": tuple(round(seconds, 2) for seconds in own_s),
            peer: tuple(round(seconds, 2) for seconds in peer_s),
        },
        facts=facts,
        measured={"peak memory of gridcity's process, MiB": round(peak_mib)},
    )


def _peer() -> tuple[str, list[str]]:
    """Return the name and the command of the converter; none where GDAL's program is not installed."""
    if program := shutil.which("ogr2ogr"):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
        return f"`ogr2ogr -f GPKG` ({said.stdout.split(',')[0]})", [program, "-f", "GPKG"]
    return "pyogrio, read and write", []


def _timed_import(city: Path, survey: Path, target: Path) -> float:
    shutil.copyfile(city, target)
    with City.open(target) as opened:
        began = time.perf_counter()
        result = opened.import_components(survey)
        taken = time.perf_counter() - began
    assert result.receipt.read == result.receipt.added, result.receipt
    return taken


def _timed_conversion(convert: list[str], survey: Path, target: Path) -> float:
    target.unlink(missing_ok=True)
    began = time.perf_counter()
    if convert:
        subprocess.run([*convert, target, survey], check=True, capture_output=True)  # noqa: S603
    else:
        import pyogrio

        pyogrio.write_dataframe(pyogrio.read_dataframe(survey), target, layer=survey.stem)
    return time.perf_counter() - began


def _compared(mine: Path, theirs: Path, rows: int) -> dict[str, str]:
    """Say that both hold every row, and that rows of one code hold the same texts."""
    same = " AND ".join(f"c.{own} IS coalesce(p.{other}, '')" for other, own in _COMPARED.items())
    connection = sqlite3.connect(mine)
    try:
        connection.execute("ATTACH ? AS peer", (str(theirs),))
        (codes,) = connection.execute("SELECT count(DISTINCT code) FROM components").fetchone()
        (converted, delivered) = connection.execute(
            "SELECT count(*), count(nullif(GLBJBSM, '')) FROM peer.survey"
        ).fetchone()
        (equal,) = connection.execute(
            f"SELECT count(*) FROM peer.survey p JOIN components c ON c.code = p.GLBJBSM WHERE {same}"  # noqa: S608
        ).fetchone()
        (indexed,) = connection.execute("SELECT count(*) FROM rtree_components_geom").fetchone()
    finally:
        connection.close()
    assert codes == converted == indexed == rows, (codes, converted, indexed, rows)
    assert equal == delivered, (equal, delivered)
    return {
        "rows in both results": f"{rows:,}",
        "delivered codes found in both, with the same texts": f"{delivered:,}",
        "codes given by gridcity": f"{rows - delivered:,}",
    }
