"""Where duties hold: at a place the city knows, by its code or name, or in a polygon of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.catalogue import area_name, area_names
from gridcity.importing.batch import Batch, Column, Geometry, Mask, blank, open_batch, opened
from gridcity.importing.identity import shape_text
from gridcity.importing.options import Options
from gridcity.importing.placing import Areas
from gridcity.importing.shapes import area_m2, check_place
from gridcity.intake.formats import GEOPACKAGE, SPREADSHEET, TEXT, existing, format_of
from gridcity.intake.geopackage import feature_layers
from gridcity.intake.places import wkt_column
from gridcity.profile import Profile
from gridcity.responsibility.tables import nearest_names
from gridcity.store.base import Reading

__all__ = ["Places", "find_places", "open_duties", "place_marks"]

# Ours: a border that was exported and drawn again covers its place to within this share of its area.
_OTHER_GROUND = 0.01
# Ours: as for parties; beyond that the places are another city's.
_MOST_SUGGESTED = 100
_SEPARATOR = "\x1f"


class Places(NamedTuple):
    """Where the duties of a file hold.

    Attributes
    ----------
    code, name : object arrays
        Code of the place; code and name of a polygon.
    shapes : object array
        The polygons of their own; None for a duty at a place of the city.
    area_m2 : object array
        Of the polygon; None without one.
    marks : object array
        What the place is known by, as text; see `place_marks`.
    """

    code: Column
    name: Column
    shapes: Column
    area_m2: Column
    marks: Column

    def columns(self) -> dict[str, Column]:
        """Return the columns of the store."""
        named = {"place_code": self.code, "place_name": self.name}
        return named | {"area_m2": self.area_m2, "geom": self.shapes}


def place_marks(code: Column, name: Column, drawn: Mask, shapes: Column) -> Column:
    """Return what places are known by: a code, or of a polygon its code, else its name, else its shape.

    Parameters
    ----------
    code, name, shapes : object arrays
        As in the table ``duties``.
    drawn : bool array
        Where there is a polygon.
    """
    marks: Column = "at" + _SEPARATOR + code
    marks[drawn] = "code" + _SEPARATOR + code[drawn]
    named = drawn & (code == "")
    marks[named] = "name" + _SEPARATOR + name[named]
    unnamed = named & (name == "")
    marks[unnamed] = "shape" + _SEPARATOR + shape_text(shapes[unnamed])
    return marks


def open_duties(path: str | Path, profile: Profile, options: Options) -> Batch:
    """Read a file of duties whole, with its polygons where the file has any."""
    geometry: Geometry = "optional" if _has_shapes(path, options) else "none"
    return open_batch(path, "duty", profile, options, geometry=geometry)


def _has_shapes(path: str | Path, options: Options) -> bool:
    """Tell whether a file has geometry; a table has it in a column of WKT."""
    file = existing(path)
    form = format_of(file)
    if form == GEOPACKAGE:
        layers = feature_layers(file)
        return bool(layers) if options.layer is None else options.layer in layers
    if form not in (TEXT, SPREADSHEET):
        return True
    with opened(path, options.read_mapping(), options, geometry="none") as layer:
        return wkt_column(layer.read(geometry=False).columns, layer.name) is not None


def find_places(tx: Reading, batch: Batch, profile: Profile, since: Column) -> Places:
    """Find the place of each duty; rows whose place is unknown, ambiguous or another one are rejected.

    Parameters
    ----------
    tx : Reading
        The import's.
    batch : Batch
        With polygons that are valid.
    profile : Profile
        The city's: its aliases are names of areas too.
    since : object array
        The first days of the duties.
    """
    check_place(batch, tx.extent())
    drawn = ~shapely.is_missing(batch.geometry)
    found = _city_places(tx, batch, profile, drawn, since)
    _refuse_other_shapes(tx, batch, found, drawn)
    own = drawn & (found == "")
    key = batch.draft.key if batch.draft.key is not None else blank(len(batch))
    said = batch.column("place_code")
    code = np.where(own, np.where(said == "", key, said), found).astype(object)
    name, shapes = np.where(own, batch.column("place_name"), "").astype(object), batch.geometry.copy()
    shapes[~own] = None
    sizes = np.full(len(batch), None, dtype=object)
    sizes[own] = area_m2(shapes[own])
    return Places(code, name, shapes, sizes, place_marks(code, name, own, shapes))


def _city_places(tx: Reading, batch: Batch, profile: Profile, drawn: Mask, since: Column) -> Column:
    """Return the codes of the places of the city that rows name; empty where a polygon has its own."""
    code, name = batch.column("place_code"), batch.column("place_name")
    word = np.where((code == "") & ~drawn, name, code).astype(object)
    # Whoever delivers shapes and lost one does not mean the whole city.
    if batch.source.system is not None:
        batch.reject("geometry-missing", ~drawn & (word == ""), field="geometry")
    word[(word == "") & ~drawn] = profile.area_code
    known = _Known(tx, profile, word[batch.alive])
    number, distinct = pd.factorize(word)
    meant = [known.codes_of(text) for text in distinct]
    found: Column = np.array([codes[0] if len(codes) == 1 else "" for codes in meant] or [""], dtype=object)
    several = np.array([known.told(codes) for codes in meant] or [""], dtype=object)[number]
    found = found[number]
    # The code of a polygon is its own where the city has no such place.
    lost = ~drawn & (found == "")
    suggested, ended = known.suggested(word, lost & batch.alive), known.ended(found, since)
    unknown = (lost & (several == "")) | (ended != "")
    more = np.where(lost, suggested, ended).astype(object)
    for field, said in (("place_code", code != ""), ("place_name", code == "")):
        where = said & lost & (several != "")
        batch.reject("place-ambiguous", where, field=field, values=word, others=several)
        batch.reject("place-unknown", said & unknown, field=field, values=word, more=more)
    _refuse_other_names(batch, known, found, drawn)
    return found


class _Known:
    """The places of a city that some words may mean.

    Parameters
    ----------
    tx, profile
        The city's.
    words : iterable of str
        Codes and names.
    """

    def __init__(self, tx: Reading, profile: Profile, words: Iterable[str]) -> None:
        areas = Areas.read(tx)
        self.names: dict[str, str] = {code: code for code in _wide(profile, areas)}
        self.names |= {profile.area_code: area_name(profile.area_code) or profile.name}
        self.names |= {code: name for code, name in zip(areas.code, areas.name, strict=True) if code}
        self._called: dict[str, set[str]] = {}
        for code, name in [(profile.area_code, profile.name), *self.names.items()]:
            for form in area_names(name, profile.aliases):
                self._called.setdefault(form, set()).add(code)
        asked = sorted(set(words) - self.names.keys() - {""})
        components, cells = (
            dict(tx.rows(table, ("code", "until"), {"code": asked}) if asked else ())
            for table in ("components", "cells")
        )
        self.components, self.ends = components.keys(), components | cells

    def codes_of(self, word: str) -> list[str]:
        """Return the codes of the places that a code or a name means."""
        if word in self.names or word in self.ends:
            return [word]
        (form,) = area_names(word)
        return sorted(self._called.get(form, ())) if word else []

    def within(self, code: str, area: str) -> bool:
        """Return whether a place lies in an area, as far as codes tell: a component's tell its district."""
        if code in self.components:
            code, area = code[:6], area[:6]
        # Cities and provinces end in zeros.
        wide = area.removesuffix("00").removesuffix("00") if len(area) == len("110000") else area
        return code.startswith(wide)

    def told(self, codes: list[str]) -> str:
        """Return several places for a message; empty for one or none."""
        return ", ".join(f"{self.names[code]} ({code})" for code in codes) if len(codes) > 1 else ""

    def suggested(self, words: Column, unknown: Mask) -> Column:
        """Return what a message says besides of places that nobody knows: those that are called alike."""
        asked = sorted(set(words[unknown]))[:_MOST_SUGGESTED]
        called, codes = sorted(set(self.names.values())), sorted(self.names)
        nearest = {}
        for text in asked:
            alike = [code for code in codes if len(code) == len(text)] if text.isdecimal() else called
            nearest[text] = nearest_names(text, alike)
        return np.array([nearest.get(text, "") for text in words] or [], dtype=object)

    def ended(self, codes: Column, since: Column) -> Column:
        """Return what a message says of cells and components that ended before a duty begins.

        When they began has no say: what a survey calls their beginning is often the day of the survey.
        """
        end = np.array([self.ends.get(code, "") for code in codes] or [], dtype=object)
        over = (end != "") & (since >= end)
        return np.where(over, " any more: it ended on " + end, "").astype(object)


def _wide(profile: Profile, areas: Areas) -> set[str]:
    """Return the codes of the cities and provinces that districts of the city name by their digits."""
    districts = {profile.area_code, *(code[:6] for code in areas.code if code)}
    return {wide for code in districts for wide in (f"{code[:4]}00", f"{code[:2]}0000")}


def _refuse_other_names(batch: Batch, known: _Known, found: Column, drawn: Mask) -> None:
    """Reject rows whose code is a place outside the one that they name, or wider than it."""
    code, name = batch.column("place_code"), batch.column("place_name")
    rows = np.flatnonzero(batch.alive & ~drawn & (code != "") & (name != ""))
    other = blank(len(batch))
    meant = {text: known.codes_of(text) for text in set(name[rows])}
    for i in rows:
        for one in meant[name[i]] if len(meant[name[i]]) == 1 else ():
            if not known.within(found[i], one):
                other[i] = f"{name[i]} ({one})"
    batch.reject("duty-two-places", other != "", field="place_name", values=code, other=other)


def _refuse_other_shapes(tx: Reading, batch: Batch, found: Column, drawn: Mask) -> None:
    """Reject rows whose polygon is not that of the place that they name."""
    at = np.flatnonzero(batch.alive & drawn & (found != ""))
    if not len(at):
        return
    shapes = _shapes_of(tx, found[at])
    known = np.array([shapes.get(code) for code in found[at]], dtype=object)
    there = ~shapely.is_missing(known)
    apart = np.ones(len(at))
    rest = shapely.symmetric_difference(known[there], batch.geometry[at[there]])
    with np.errstate(divide="ignore", invalid="ignore"):
        apart[there] = shapely.area(rest) / shapely.area(known[there])
    other = np.zeros(len(batch), dtype=bool)
    other[at[~(apart <= _OTHER_GROUND)]] = True
    batch.reject("duty-two-places", other, field="geometry", values=found, other="its polygon")


def _shapes_of(tx: Reading, codes: npt.NDArray[Any]) -> Mapping[str, Any]:
    """Return the shapes of the places with some codes; a place without one is not in it."""
    wanted = {"code": sorted(set(codes))}
    shapes: dict[str, Any] = {}
    for table in ("components", "cells", "areas"):
        found = tx.columns(table, ("code", "geom"), wanted)
        shapes |= {code: shape for code, shape in zip(found["code"], found["geom"], strict=True) if shape}
    return shapes
