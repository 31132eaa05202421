"""Deliveries of many files: folders, zips and GeoPackages with a layer for each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gridcity.catalogue.file_names import class_of_name
from gridcity.errors import (
    GridcityError,
    MappingError,
    MissingPackageError,
    ReferenceSystemError,
    SourceError,
    readable,
)
from gridcity.findings import Findings
from gridcity.importing.batch import matched, opened
from gridcity.importing.components import File, Progress, take_layers
from gridcity.importing.options import Options
from gridcity.importing.outcome import Import
from gridcity.intake.layers import Layer
from gridcity.intake.listing import LayerName, layer_named, list_layers, other_files
from gridcity.intake.mapping import Mapping
from gridcity.intake.matching import Matching
from gridcity.intake.twins import Mark, twins
from gridcity.profile import Profile
from gridcity.store.base import Store

__all__ = ["Approve", "Delivered", "import_components"]

# What says the class of a row; a layer with none of them is of one class, which its name tells.
_SAYS_CLASS = frozenset({"class_code", "class_name", "code"})
_SEVERAL = (".zip", ".gpkg")
_FIRST_ROWS = 1000
_BALANCE = ("read", "added", "changed", "unchanged", "rejected", "collapsed")


@dataclass(frozen=True, slots=True)
class Delivered:
    """One layer of a delivery, before a row of it is taken.

    Attributes
    ----------
    label : str
        What it is called in the delivery.
    rows : int
        How many rows it has.
    class_text : str
        Its class by its name, code and name; empty where its columns or the options say it.
    reason : str
        Why, as a clause.
    """

    label: str
    rows: int
    class_text: str
    reason: str


Approve = Callable[[Sequence[Delivered], Sequence[str]], None]
"""Told the layers and the files that are none of them; what it raises stops the import before it begins."""


def import_components(
    store: Store,
    profile: Profile,
    path: str | Path,
    options: Options,
    *,
    approve: Approve | None = None,
    progress: Progress | None = None,
) -> Import:
    """Take components into a city: those of one file, or of all files of a delivery in one transaction.

    Each row is identified (own code, key, or class and exact geometry), checked, put into the cell that
    holds it or its largest share, and given a code if it has none. Rows of large files are taken in
    parts: those with a code first, then those with a key, then the others, each in the order of the files.

    Parameters
    ----------
    store, profile
        The city's.
    path : str or path
        A file, or a folder of files; of a folder, a zip and a GeoPackage all layers are taken, unless
        ``options.layer`` names one.
    options : Options
        How to read it; ``class_text`` for files of one class. In a delivery a layer whose columns say no
        class has the class that its name tells.
    approve : callable, optional
        Called before the first row of a delivery is taken.
    progress : callable, optional
        Called after every part with the rows taken so far and the rows in all.

    Raises
    ------
    SourceError, MappingError, ReferenceSystemError
        The delivery is refused as a whole; nothing was written. Codes ``E_CLASS_OF_FILE`` where the name
        of a file tells no class, ``E_FILE_TWICE`` where two files are the same.
    ArgumentError
        The class given for the whole file does not exist.
    """
    place, mapping = Path(path), options.read_mapping()
    several = place.is_dir() or (options.layer is None and place.suffix.lower() in _SEVERAL)
    layers = list_layers(path) if several else ()
    with ExitStack() as stack:
        if place.is_dir() and options.layer is not None:
            one = layer_named(layers, options.layer, place.name or str(place))
            if one.problem is not None:
                raise one.problem
            path, options = one.path, replace(options, layer=one.layer)
            several = False
        if not several or (not place.is_dir() and len(layers) < 2):
            layer = stack.enter_context(opened(path, mapping, options))
            file = File(layer, matched(layer, "component", mapping, profile), mapping)
            return take_layers(store, profile, [file], options, progress=progress)[0]
        files, shown = _open(stack, layers, mapping, options, profile)
        _refuse_twins(files)
        if approve is not None:
            approve(shown, other_files(path))
        results = take_layers(store, profile, files, options, progress=progress)
    return _summed(readable(place.name), results)


def _open(
    stack: ExitStack, layers: Sequence[LayerName], mapping: Mapping, options: Options, profile: Profile
) -> tuple[list[File], list[Delivered]]:
    """Open all layers and settle the class of those whose columns say none."""
    files, shown, untold, refused = [], [], [], []
    for name in layers:
        try:
            if name.problem is not None:
                raise name.problem
            layer = stack.enter_context(opened(name.path, mapping, options, layer=name.layer))
        except (SourceError, ReferenceSystemError, MissingPackageError) as problem:
            refused.append((name.label, problem))
            continue
        matching = matched(layer, "component", mapping, profile, complete=False)
        text, reason = _class_of(layer, matching, mapping, profile)
        # A layer without rows needs no class: the templates of a delivery are all there, filled or not.
        if not text and not reason and len(layer):
            _, why = class_of_name(layer.layer, profile.catalogues())
            untold.append(f"{name.label} ({why})")
        own = (
            replace(mapping, class_text=text.partition(" ")[0], edition=mapping.edition) if text else mapping
        )
        files.append(File(layer, matching, own, name.label))
        shown.append(Delivered(name.label, len(layer), text, reason))
    _refuse(refused, len(layers))
    if untold:
        raise MappingError(
            f"The class of {len(untold)} of {len(layers)} files cannot be told: {'; '.join(untold)}.",
            hint="Name the class in the file's name or a column, or import such a file alone with --class.",
            code="E_CLASS_OF_FILE",
        )
    return files, shown


def _refuse(refused: Sequence[tuple[str, GridcityError]], files: int) -> None:
    """Refuse a delivery for the files of it that cannot be read, all at once."""
    if not refused:
        return
    one = len(refused) == 1
    if one and files == 1:
        raise refused[0][1]
    told = [(label, problem.message.removesuffix(".")) for label, problem in refused]
    shown = "; ".join(said if said.startswith(label) else f"{label} ({said})" for label, said in told)
    hints = dict.fromkeys(problem.hint for _, problem in refused if problem.hint)
    said = f"{len(refused)} of {files} files cannot be imported: {shown}. Nothing was taken of the others."
    hint = " ".join([*hints, f"Or take {'it' if one else 'them'} out of the delivery, and import the rest."])
    if one:
        problem = refused[0][1]
        raise type(problem)(said, hint=hint, code=problem.code) from problem
    raise SourceError(said, hint=hint)


def _class_of(layer: Layer, matching: Matching, mapping: Mapping, profile: Profile) -> tuple[str, str]:
    """Return the class that a layer's name tells, where nothing else does, and why it is or is not asked."""
    entry, reason = class_of_name(layer.layer, profile.catalogues())
    if mapping.class_text:
        other = entry is not None and mapping.class_text not in (entry.code, entry.zh)
        doubt = f", but {reason}" if other else ""
        return "", f"all files are of class {mapping.class_text}{doubt}"
    if _SAYS_CLASS & {*mapping.constants}:
        return "", "the mapping says the class of all rows"
    if says := [field for field in sorted(_SAYS_CLASS) if _has_values(layer, matching, field)]:
        return "", "its columns say the class: " + ", ".join(str(matching.matched[field]) for field in says)
    if entry:
        return f"{entry.code} {entry.zh}", reason
    if _has_values(layer, matching, "name"):
        return "", f"the names of its rows must say it: {matching.matched['name']}; {reason}"
    return "", ""


def _has_values(layer: Layer, matching: Matching, field: str) -> bool:
    """Tell whether a column fills a field and has a value anywhere: many a delivered table is left blank."""
    if field not in matching.matched:
        return False
    column = matching.matched[field].column
    n = len(layer)
    # The first rows settle it nearly always, and a column that is not blank need not be read whole.
    parts = (np.arange(min(n, _FIRST_ROWS)), np.arange(_FIRST_ROWS, n))
    return any(
        str(value).strip()
        for at in parts
        if len(at)
        for value in set(layer.read(at, columns=(column,), geometry=False).columns[column])
    )


def _refuse_twins(files: Sequence[File]) -> None:
    """Refuse a delivery that holds one file twice."""
    for other, label in twins([Mark.of(file.label, file.layer) for file in files]):
        raise SourceError(
            f"{other} and {label} are the same file.", hint="Remove one of the two.", code="E_FILE_TWICE"
        )


def _summed(name: str, results: Sequence[Import]) -> Import:
    """Return a delivery as one import."""
    sums = {field: sum(getattr(one.receipt, field) for one in results) for field in _BALANCE}
    findings = Findings()
    for one in results:
        findings.extend(one.findings)
    receipt = results[0].receipt._replace(source=name, layer="", sha256="", **sums)
    rejected = tuple(row for one in results for row in one.rejected)
    comparison = results[0].comparison
    return Import(receipt, findings, rejected, {}, files=tuple(results), comparison=comparison)
