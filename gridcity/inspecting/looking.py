"""Looking at a file: its layers first, then one of them in detail."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.catalogue.file_names import class_of_name
from gridcity.errors import ReferenceSystemError, SourceError, SourceNotFoundError, readable
from gridcity.inspecting.advice import Asked, Columns, advice, advice_on_layers
from gridcity.inspecting.contents import (
    KINDS,
    class_tables,
    classes_of,
    codes_of,
    columns_of,
    decimal_columns,
    drafts_of,
    key_columns,
    kind_of,
    level_of,
)
from gridcity.inspecting.model import Inspection, LayerDetail, LayerLine
from gridcity.inspecting.overlapping import overlapping
from gridcity.inspecting.places import KnownPlaces, whereabouts
from gridcity.inspecting.problems import problems_of
from gridcity.inspecting.strangers import strangers
from gridcity.intake import (
    Layer,
    LayerName,
    Mark,
    Source,
    layer_named,
    list_layers,
    open_layer,
    other_files,
    suggest_mapping,
    twins,
)
from gridcity.intake.formats import GEOPACKAGE, JSON, SEQUENCE, SHAPEFILE, SUFFIXES, ZIP
from gridcity.profile import Profile
from gridcity.store.base import Reading, Store

__all__ = ["inspect", "suggest"]

# Ours: a file of so many rows is looked at whole, in some seconds; of a larger one that many rows are.
_ROWS = 100_000
# Ours: rows are taken in runs, for scattered ones are read one by one.
_RUNS = 100
_ROWS_OF_LINE = 1_000
_BY_RULE = " (by the rule of the format; the file declares nothing)"
_CHINA = 4490
_PLACED = {SHAPEFILE, ZIP, GEOPACKAGE, JSON, SEQUENCE}
# By shapely's type number; -1 for a row without geometry is the last.
_NAMES = (
    "Point",
    "LineString",
    "LinearRing",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
    "none",
)


def inspect(
    path: str | os.PathLike[str],
    *,
    store: Store | None = None,
    profile: Profile | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    crs: str | int | None = None,
    datum: str | None = None,
) -> Inspection:
    """Say what a file is before it is imported, and what to type to import it.

    Nothing is written and nothing is decided: a datum or class that the file does not state is a question.

    Parameters
    ----------
    path : str or path
        A file, or a folder of files.
    store : Store, optional
        A city's; without it what lies where is left out.
    profile : Profile, optional
        The city's; without it codes and classes are looked up in all editions.
    layer : str, optional
        Which layer, by its name or its label, where there are several.
    encoding, crs, datum : optional
        As `gridcity.intake.open_layer` takes them, to see what the file is with them.

    Returns
    -------
    Inspection
        A file that could not be imported at all says so in ``refusal``, with what was found before.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    ArgumentError
        ``encoding`` is no known encoding.
    """
    if store is None:
        return _inspect(Path(path), None, None, profile, layer, encoding, crs, datum)
    with store.snapshot():
        return _inspect(Path(path), store, store.path, profile, layer, encoding, crs, datum)


def _inspect(
    path: Path,
    store: Reading | None,
    city: Path | None,
    profile: Profile | None,
    layer: str | None,
    encoding: str | None,
    crs: str | int | None,
    datum: str | None,
) -> Inspection:
    others: tuple[str, ...] = ()
    lines: tuple[LayerLine, ...] = ()
    try:
        names = list_layers(path)
        others = other_files(path)
        # A single layer is shown in detail and needs no line before it is opened.
        marks: list[Mark] = []
        lines = tuple(_line(name, encoding, profile, marks) for name in names) if len(names) > 1 else ()
        chosen = _chosen(path, names, layer)
        if chosen is None:
            asked = Asked(path, city, None, encoding, crs, datum)
            told = sum(bool(line.file_class) for line in lines)
            command, decisions = advice_on_layers(
                asked,
                [line.label for line in lines],
                told,
                sum(bool(line.problem) for line in lines),
                twins(marks),
            )
            return Inspection(readable(path), lines, others, command=command, decisions=decisions)
        known = KnownPlaces(store) if store is not None else None
        # Nobody need name the only layer of a file.
        needed = chosen.layer if any(one.path == chosen.path for one in names if one != chosen) else None
        asked = Asked(chosen.path, city, needed, encoding, crs, datum)
        with ExitStack() as stack:
            opened, without = _opened(stack, chosen, encoding, crs, datum)
            detail = _detail(opened, without, chosen.label, asked, known, profile)
    except SourceNotFoundError:
        raise
    except (SourceError, ReferenceSystemError) as error:
        return Inspection(
            readable(path), lines, others, refusal=error.message, hint=error.hint, code=error.code
        )
    if not lines:
        lines = (LayerLine(chosen.label, detail.rows, ", ".join(detail.geometry)),)
    return Inspection(readable(path), lines, others, detail)


def _chosen(path: Path, names: tuple[LayerName, ...], layer: str | None) -> LayerName | None:
    """Return the layer to look at in detail; None where there are several and none is named."""
    if layer is None:
        return names[0] if len(names) == 1 else None
    return layer_named(names, layer, path.name or str(path))


def _opened(
    stack: ExitStack,
    name: LayerName,
    encoding: str | None,
    crs: str | int | None = None,
    datum: str | None = None,
) -> tuple[Layer, str]:
    """Open a layer, a table without coordinates too; the text says why it has no geometry."""
    try:
        opened = open_layer(
            name.path, layer=name.layer, encoding=encoding, crs=crs, datum=datum, declared_only=True
        )
        return stack.enter_context(opened), ""
    except SourceError as error:
        # What has a geometry of its own and cannot show it is refused; a table may have none.
        if SUFFIXES.get(name.path.suffix.lower()) in _PLACED:
            raise
        try:
            table = open_layer(name.path, layer=name.layer, encoding=encoding, geometry="none")
            return stack.enter_context(table), error.message
        except SourceError:
            raise error from None


def _line(name: LayerName, encoding: str | None, profile: Profile | None, marks: list[Mark]) -> LayerLine:
    """Return one line about a layer of several, and keep what tells it from the others."""
    if name.problem is not None:
        return LayerLine(name.label, None, "", str(name.problem))
    try:
        with ExitStack() as stack:
            layer, _ = _opened(stack, name, encoding)
            marks.append(Mark.of(name.label, layer))
            part = layer.read(_positions(len(layer), _ROWS_OF_LINE), columns=())
            entry, _ = class_of_name(layer.layer, class_tables(profile))
            told = f"{entry.code} {entry.zh}" if entry else ""
            return LayerLine(name.label, len(layer), ", ".join(_kinds(part)), file_class=told)
    except (SourceError, ReferenceSystemError) as error:
        return LayerLine(name.label, None, "", str(error))


def _positions(n: int, most: int) -> npt.NDArray[np.int64]:
    """Return the positions of all rows, or of runs that lie evenly over them."""
    if n <= most:
        return np.arange(n, dtype=np.int64)
    starts = np.linspace(0, n - most // _RUNS, _RUNS).astype(np.int64)
    return np.unique((starts[:, None] + np.arange(most // _RUNS)).ravel())


def _kinds(source: Source) -> dict[str, int]:
    """Return how many rows have which kind of geometry."""
    types = pd.Series([_NAMES[i] for i in shapely.get_type_id(source.geometry).tolist()], dtype=object)
    return {str(name): int(n) for name, n in types.value_counts().items()}


def _detail(
    layer: Layer, without: str, label: str, asked: Asked, known: KnownPlaces | None, profile: Profile | None
) -> LayerDetail:
    source = layer.read(_positions(len(layer), _ROWS))
    tables = class_tables(profile)
    drafts, matchings, impossible = drafts_of(source, profile)
    codes = codes_of(source, drafts, profile)
    classes = classes_of(source, drafts.get("component"), tables)
    kind, reason = kind_of(source, drafts, codes, classes, profile)
    draft = drafts.get(kind)
    if kind == "duty":
        classes = classes_of(source, draft, tables, ("component", "event"))
    refusals = [impossible[kind or "component"]] if (kind or "component") in impossible else []
    given = " ".join(
        f"{option} {value}" for option, value in (("--crs", asked.crs), ("--datum", asked.datum)) if value
    )
    stored = profile.stored_epsg if profile else _CHINA
    found = whereabouts(source, drafts, known, stored=stored, given=given)
    # Areas make the extent of a city, and have rules of their own for where they lie.
    refusals += [one for one in found.problems if kind != "area" or one.rule != "outside-city"]
    level = level_of(drafts.get("area"), codes, profile)
    if kind == "area" and draft is not None and not refusals:
        refusals += strangers(source, draft, level[0], known, profile)
    if kind == "cell" and draft is not None and not found.problems:
        refusals += overlapping(source, draft, known, stored=stored)
    entry, why = class_of_name(layer.layer, tables)
    file_class = (entry.zh if entry else "", why)
    columns = columns_of(source, matchings.get(kind or "component"))
    following = advice(
        asked,
        kind,
        draft,
        layer.system,
        layer.assumed,
        found,
        codes,
        classes,
        file_class,
        level,
        Columns(
            key_columns(source),
            decimal_columns(source) if without else (),
            tuple(line for line in columns if line.nearest),
        ),
        without,
    )
    notes = {finding.rule: finding.value for finding in layer.findings}
    return LayerDetail(
        label=label,
        format=layer.driver,
        rows=len(layer),
        deleted=int(notes.get("row-deleted") or 0),
        looked_at=len(source),
        geometry=_kinds(source),
        heights=notes.get("geometry-z", ""),
        encoding=layer.encoding,
        encoding_evidence=layer.evidence,
        encoding_samples=layer.samples,
        system=f"{layer.system.name}{_BY_RULE if layer.assumed else ''}" if layer.system else "",
        declared=layer.declared,
        system_problem=layer.system_problem,
        columns=columns,
        classes=classes,
        file_class=why,
        codes=codes,
        places=found.lines,
        place_basis=found.basis,
        evidence=found.evidence,
        evidence_basis=found.evidence_basis,
        kind=KINDS.get(kind, ""),
        kind_reason=reason,
        problems=(*refusals, *problems_of(source, draft, classes, tables)),
        command=following.command,
        decisions=following.decisions,
        mapping=following.mapping,
    )


def suggest(
    path: str | os.PathLike[str],
    *,
    profile: Profile | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    kind: str | None = None,
) -> str:
    """Write a commented mapping for a layer, of the kind of rows that `inspect` takes it for.

    Parameters
    ----------
    path : str or path
        A file, or a folder of files.
    profile : Profile, optional
        The city's; its columns and its own classes are known then.
    layer : str, optional
        Which layer, by its name or its label, where there are several.
    encoding : str, optional
        As `gridcity.intake.open_layer` takes it.
    kind : str, optional
        ``component``, ``cell``, ``area``, ``party`` or ``duty``; without it what the rows look like.

    Returns
    -------
    str
        TOML, as `gridcity.intake.suggest_mapping` writes it.

    Raises
    ------
    SourceNotFoundError, SourceError
        There is no such file, it cannot be read, or it has several layers and none is named.
    ArgumentError
        Nothing says what the rows are.
    """
    names = list_layers(path)
    chosen = _chosen(Path(path), names, layer)
    if chosen is None:
        labels = ", ".join(name.label for name in names[:20])
        raise SourceError(
            f"{Path(path).name or path} has {len(names)} layers: {labels}.", hint="Choose one with --layer."
        )
    with ExitStack() as stack:
        opened, _ = _opened(stack, chosen, encoding)
        if kind is not None:
            return suggest_mapping(opened, kind, profile)
        source = opened.read(_positions(len(opened), _ROWS))
        drafts = drafts_of(source, profile)[0]
        classes = classes_of(source, drafts.get("component"), class_tables(profile))
        found, reason = kind_of(source, drafts, codes_of(source, drafts, profile), classes, profile)
        return suggest_mapping(opened, found or None, profile, why=reason if found else "")
