"""The layers that a file or a folder of files holds, before any of them is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gridcity.errors import MissingPackageError, SourceError, readable
from gridcity.intake.archive import zipped_shapefiles
from gridcity.intake.formats import GEOPACKAGE, SPREADSHEET, SUFFIXES, ZIP, existing, format_of, unreadable
from gridcity.intake.geopackage import feature_layers
from gridcity.intake.spreadsheet import sheet_names

__all__ = ["LayerName", "layer_named", "list_layers", "other_files"]

# Beside a shapefile these belong to it: its parts, its spatial indexes, its metadata and its encoding.
_COMPANIONS = frozenset(
    {
        ".ain",
        ".aih",
        ".atx",
        ".cpg",
        ".cst",
        ".dbf",
        ".fbn",
        ".fbx",
        ".ixs",
        ".mxs",
        ".prj",
        ".qix",
        ".qmd",
        ".qpj",
        ".sbn",
        ".sbx",
        ".shx",
        ".xml",
    }
)
# In a folder a text file is a note about the delivery more often than a table; named alone it is a table.
_NOTES = frozenset({".txt"})
# Ours: more names than these a message does not list.
_SHOWN_LAYERS = 20


@dataclass(frozen=True, slots=True)
class LayerName:
    """A layer to be opened with `gridcity.intake.open_layer`.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    layer : str or None
        Its name for ``open_layer(path, layer=...)``; None where the file has just one.
    label : str
        What a person is shown, ``井盖.shp`` or ``survey.zip/部件/路灯.shp``; below a folder its path in it.
    problem : SourceError or MissingPackageError or None
        Why the layers of a file in a folder cannot be told; the file stands for them.
    """

    path: Path
    layer: str | None
    label: str
    problem: SourceError | MissingPackageError | None = field(default=None, compare=False)


def list_layers(path: str | os.PathLike[str]) -> tuple[LayerName, ...]:
    """Return the layers of a file, or those of all files in a folder and below it, sorted by label.

    Of a zip these are its shapefiles, of a GeoPackage its feature layers, of a workbook its sheets that
    are neither hidden nor empty; any other file is one layer. Hidden files, shadow files of macOS and
    text files (``.txt``) are left out of a folder. A file in a folder whose layers cannot be told is named
    with its problem.

    Raises
    ------
    SourceNotFoundError
        There is no such file or folder.
    SourceError
        The file is of no known format, or no file in the folder is; the zip, GeoPackage or workbook is
        damaged.
    MissingPackageError
        The file is a workbook, and what reads workbooks is not installed.
    """
    place = existing(path)
    try:
        if not place.is_dir():
            format_of(place)
            found = list(_layers(place, place.name))
        else:
            found = [
                layer
                for file in _files(place)
                if _is_layer(file)
                for layer in _told(file, file.relative_to(place).as_posix())
            ]
    except OSError as problem:
        raise unreadable(place, problem) from problem
    if not found:
        raise SourceError(
            f"{place} holds no file of a known format; known are {', '.join(SUFFIXES)}.",
            hint="Name the folder that holds the shapefiles, or a file.",
        )
    return tuple(sorted(found, key=lambda layer: layer.label))


def layer_named(layers: Sequence[LayerName], wanted: str, where: str) -> LayerName:
    """Return the one layer of that name: its own, its label, or that of its file.

    Parameters
    ----------
    layers : sequence of LayerName
        From `list_layers`.
    wanted : str
        The name.
    where : str
        The file or folder, for the message.

    Raises
    ------
    SourceError
        No layer is called so, or several are.
    """
    found = [name for name in layers if wanted in (name.layer, name.label, name.path.stem)]
    if len(found) != 1:
        what = "several layers" if found else "no layer"
        shown = (found or layers)[:_SHOWN_LAYERS]
        more = ", …" if len(found or layers) > len(shown) else ""
        raise SourceError(
            f"{where} has {what} {wanted!r}.",
            hint=f"Possible: {', '.join(name.label for name in shown)}{more}.",
        )
    return found[0]


def other_files(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the files in a folder and below it that are no layer and no part of one, by their path in it.

    Hidden files and shadow files of macOS are no one's business and left out. Empty for a file.

    Raises
    ------
    SourceNotFoundError
        There is no such folder.
    """
    place = existing(folder)
    if not place.is_dir():
        return ()
    files = list(_files(place))
    shapefiles = {_stem(file) for file in files if file.suffix.lower() == ".shp"}
    return tuple(
        readable(file.relative_to(place).as_posix())
        for file in files
        if not _is_layer(file) and not (file.suffix.lower() in _COMPANIONS and _stem(file) in shapefiles)
    )


def _files(folder: Path) -> Iterator[Path]:
    """Iterate over the ordinary files below a folder; a geodatabase, which is a folder, is one of them."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        yield from (Path(place, name) for name in folders if name.lower().endswith(".gdb"))
        folders[:] = [name for name in folders if not name.lower().endswith(".gdb")]
        for name in sorted(names):
            file = Path(place, name)
            if not name.startswith(".") and file.is_file():
                yield file


def _stem(file: Path) -> tuple[Path, str]:
    """Return what the files of one shapefile share; ``.shp.xml`` is among them."""
    return file.parent, file.stem.casefold().removesuffix(".shp")


def _is_layer(file: Path) -> bool:
    suffix = file.suffix.lower()
    return suffix in SUFFIXES and suffix not in _NOTES


def _told(file: Path, label: str) -> list[LayerName]:
    """Return the layers of one file in a folder; where they cannot be told, the file with the reason."""
    try:
        return list(_layers(file, label))
    except MissingPackageError as problem:
        return [LayerName(file, None, readable(label), problem)]
    except OSError as problem:
        return [LayerName(file, None, readable(label), unreadable(file, problem))]


def _layers(file: Path, label: str) -> Iterator[LayerName]:
    form = SUFFIXES[file.suffix.lower()]
    if form == ZIP:
        inner = zipped_shapefiles(file)
    elif form == GEOPACKAGE:
        inner = feature_layers(file)
    elif form == SPREADSHEET:
        inner = sheet_names(file)
    else:
        inner = ()
    if not inner:
        yield LayerName(file, None, readable(label))
    for name in inner:
        yield LayerName(file, name, readable(f"{label}/{name}"))
