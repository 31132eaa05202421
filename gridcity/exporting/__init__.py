"""The inventory as files for other programs: GeoPackage, CSV, GeoJSON, shapefile.

A file appears whole or not at all: it is written under another name in the same folder and then
moved to its place. The city's own file is never opened by a second library and never written over.

Other than the GeoPackage, which is the whole city, an export holds the current components: their
codes and names, the cell, community and street they stand in, and their parties. Coordinates are
longitude and latitude as stored.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gridcity.errors import ArgumentError, StoreError
from gridcity.exporting.shapefiles import SHAPES, ShapefileSizeWarning, TextCutWarning, write_shapefiles
from gridcity.exporting.tables import write_csv, write_geojson

if TYPE_CHECKING:
    from gridcity.profile import Profile
    from gridcity.store.base import Store

__all__ = ["FORMATS", "ShapefileSizeWarning", "TextCutWarning", "export", "format_of"]

FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "gpkg": (".gpkg",),
    "csv": (".csv",),
    "geojson": (".geojson", ".json"),
    "shapefile": ("",),
}
"""The formats, each with the suffixes that mean it; a shapefile export is a folder and has none."""

_ROOM: Final = "Check that the folder exists, can be written, and has room."


def format_of(target: str | Path) -> str:
    """Return the format a path asks for by its suffix.

    Raises
    ------
    ArgumentError
        No format has the suffix.

    Examples
    --------
    >>> format_of("city.geojson"), format_of("out/city")
    ('geojson', 'shapefile')
    """
    suffix = Path(target).suffix.lower()
    for name, suffixes in FORMATS.items():
        if suffix in suffixes:
            return name
    raise ArgumentError(
        f"No export format has the suffix {suffix!r}.",
        hint=f"Name the format: {', '.join(FORMATS)}; a shapefile export is a folder, without a suffix.",
    )


def export(
    store: Store,
    profile: Profile,
    target: str | Path,
    format: str | None = None,  # noqa: A002
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write the inventory to a file, or for shapefiles to a folder.

    ``gpkg``
        A consistent copy of the whole city, history and receipts included.
    ``csv``
        UTF-8, with ``lng`` and ``lat`` (of lines and polygons a point on them) and ``wkt``, which is
        empty for points. A text that begins with ``= + - @``, their full-width forms, a tab or a line
        break is written with an apostrophe before it, so that no spreadsheet runs it as a formula;
        whoever reads the file with a program takes the apostrophe off. Codes are digits: import them
        as text.
    ``geojson``
        RFC 7946: one FeatureCollection, a feature a line, exterior rings counter-clockwise. The RFC
        knows WGS 84 only; the coordinates of a city stored in CGCS2000 are written as they are, which
        agrees with WGS 84 to centimetres.
    ``shapefile``
        ``components_points.shp``, ``_lines``, ``_polygons`` (those that have rows), UTF-8 with
        ``.cpg``, columns under the short names of GB/T 47678.5-2026 and explained in ``columns.csv``;
        texts are cut to 254 bytes, at a character.

    Parameters
    ----------
    store : Store
        The city's store.
    profile : Profile
        The city's profile; it names the district where no area does.
    target : str or Path
        The file, or the folder; its parent must exist.
    format : str, optional
        See `FORMATS`; by the suffix of the target when not given.
    overwrite : bool, optional
        Replace an earlier export; a folder only when it holds nothing else.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    ArgumentError
        The format is unknown or does not go with the target.
    StoreError
        The target exists or is the city itself, or it cannot be written; nothing half-written stays.

    Warns
    -----
    TextCutWarning
        Texts were too long for a shapefile; ``columns.csv`` counts them by column.
    ShapefileSizeWarning
        A file of a shapefile has more than 1.8 GB; many programs stop at 2 GB.
    """
    target = Path(target)
    kind = format_of(target) if format is None else format
    _check_target(store, target, kind, overwrite=overwrite)
    with _in_place(target) as part:
        if kind == "gpkg":
            store.backup(part)
        elif kind == "csv":
            write_csv(store, profile, part)
        elif kind == "geojson":
            write_geojson(store, profile, part)
        else:
            write_shapefiles(store, profile, part)
    return sorted(target.iterdir()) if kind == "shapefile" else [target]


def _check_target(store: Store, target: Path, kind: str, *, overwrite: bool) -> None:
    if kind not in FORMATS:
        raise ArgumentError(f"There is no export format {kind!r}.", hint=f"Possible: {', '.join(FORMATS)}.")
    city = store.path.resolve()
    own = (city, city.with_name(f"{city.name}-journal"))
    if target.resolve() in own or (target.exists() and target.samefile(city)):
        raise StoreError(f"{target} is the city itself.", hint="Choose another path.")
    if kind == "shapefile":
        _check_folder(target, overwrite=overwrite)
    elif target.is_dir():
        raise ArgumentError(f"{target} is a folder; {kind} is one file.", hint="Name a file.")
    elif target.is_symlink() or (target.exists() and not target.is_file()):
        raise StoreError(f"{target} is no ordinary file.", hint="Choose another path.")
    elif target.exists() and not overwrite:
        raise StoreError(
            f"{target} exists already.", hint="Choose another path, or replace it with --overwrite."
        )


def _check_folder(target: Path, *, overwrite: bool) -> None:
    if target.suffix.lower() in (".shp", ".zip") or (target.exists() and not target.is_dir()):
        raise ArgumentError(
            f"{target} is no folder, and a shapefile export has several files.",
            hint="Name a folder; it is made.",
        )
    if not target.exists():
        return
    if not overwrite:
        raise StoreError(
            f"{target} exists already.", hint="Choose another path, or replace it with --overwrite."
        )
    ours = {f"components_{shape}" for shape in SHAPES}
    others = [path.name for path in target.iterdir() if path.stem not in ours and path.name != "columns.csv"]
    if others:
        raise StoreError(
            f"{target} holds something else than an export: {min(others)}.", hint="Choose another folder."
        )


@contextlib.contextmanager
def _in_place(target: Path) -> Iterator[Path]:
    """Yield a path on the target's disk to write to; move it into place when all went well."""
    part = target
    try:
        with tempfile.TemporaryDirectory(prefix=".gridcity-", dir=target.parent) as folder:
            part = Path(folder, "export")
            yield part
            _keep(part)
            _move(part, target, aside=Path(folder, "earlier"))
    except StoreError as error:
        # Whoever asked knows nothing of the name in between.
        message = error.message.replace(str(part), str(target))
        raise StoreError(message, hint=error.hint, code=error.code) from error
    except OSError as error:
        raise StoreError(
            f"The export {target} cannot be written: {error.strerror or error}.", hint=_ROOM
        ) from error


def _keep(part: Path) -> None:
    """Bring what was written to the disk, so that a full or failing one is noticed now."""
    for path in part.iterdir() if part.is_dir() else [part]:
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _move(part: Path, target: Path, *, aside: Path) -> None:
    if not target.is_dir():
        part.replace(target)
        return
    # A folder cannot be replaced in one step: the earlier one waits aside until the new one is there.
    target.rename(aside)
    try:
        part.rename(target)
    except OSError:
        aside.rename(target)
        raise
