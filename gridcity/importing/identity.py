"""Which row is which object: within one file, and against what the city has.

A row is identified by its own code; else by its key column, within its class; else by class and exact
geometry. The same file read twice therefore changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.importing.batch import Batch, Column, joined

__all__ = ["Marks", "collapse", "identify", "match", "shape_text"]

_RULES = {
    "code": "code-duplicate",
    "key": "key-duplicate",
    "shape": "place-duplicate",
    "name": "key-duplicate",
}
_FIELDS = {"code": "code", "key": "key", "shape": "geometry", "name": "name"}


def shape_text(geometries: Column) -> Column:
    """Return the exact geometry as text; equal texts are equal coordinates in equal order.

    Formats differ in the direction of rings (RFC 7946, the ESRI description), so it says nothing here.
    """
    if (shapely.get_dimensions(geometries) == 2).any():
        geometries = shapely.orient_polygons(geometries)
    texts: Column = np.asarray(shapely.to_wkb(geometries, hex=True), dtype=object)
    texts[shapely.is_missing(geometries)] = ""
    return texts


def identify(
    codes: Column, keys: Column | None, kind: Column, shapes: Column, *, other: str = "shape"
) -> Column:
    """Return what identifies each row, as text.

    Parameters
    ----------
    codes : object array
        Own codes, with whatever makes them unique (their edition); empty for none.
    keys : object array or None
        Values of the key column.
    kind : object array
        Class, within which a key or a shape identifies.
    shapes : object array
        What identifies a row without code and key.
    other : str
        How the last kind of identity is called in findings.
    """
    identity: Column = np.asarray(f"{other}\x1f" + kind + "\x1f" + shapes, dtype=object)
    if keys is not None:
        keyed = keys != ""
        identity[keyed] = "key\x1f" + kind[keyed] + "\x1f" + keys[keyed]
    coded = codes != ""
    identity[coded] = "code\x1f" + codes[coded]
    return identity


def collapse(
    batch: Batch, identity: Column, content: Sequence[Column], *, label: Column, whole: bool = False
) -> None:
    """Settle the rows of one file that stand for one object.

    Identical rows are taken once; a point and a line or polygon of one name and class are one object, of
    which the larger shape is kept; rows that contradict each other are all rejected, for nothing says
    which is right.

    Parameters
    ----------
    batch : Batch
        Rejected rows are left out; the settled ones are marked.
    identity : object array
        From `identify`; empty for a row that is known to stand alone.
    content : sequence of object arrays
        What must agree for two rows to be identical, the geometry first as text.
    label : object array
        What must agree for a point and a larger shape to be one object: name and class.
    whole : bool, optional
        Rows that only their place makes one object must agree in every column of the file, also in those
        that are not read: two lots in one place with two numbers may be two objects.
    """
    alive = np.flatnonzero(batch.going & (identity != ""))
    number = pd.factorize(identity[alive])[0]
    repeated = np.bincount(number)[number] > 1 if len(number) else np.zeros(0, dtype=bool)
    if not repeated.any():
        return
    at = alive[repeated]
    said = joined([column[at] for column in content])
    if whole:
        by_place = np.array([text.startswith("shape\x1f") for text in identity[at]], dtype=bool)
        said[by_place] = joined([said, *(c[at] for c in batch.source.columns.values())])[by_place]
    rows = pd.DataFrame(
        {
            "at": at,
            "object": number[repeated],
            "content": said,
            "label": label[at],
            "dimension": shapely.get_dimensions(batch.geometry[at]),
        }
    )
    same = rows.duplicated(["object", "content"])
    firsts = rows[~same].set_index(["object", "content"])["at"]
    _settle(
        batch, rows[same], firsts.reindex(pd.MultiIndex.from_frame(rows.loc[same, ["object", "content"]]))
    )
    rows = rows[~same]
    rows = rows[rows.groupby("object")["at"].transform("size") > 1]
    sizes = rows.groupby("object").agg(
        labels=("label", "nunique"), low=("dimension", "min"), high=("dimension", "max"), n=("at", "size")
    )
    pair = (sizes["labels"] == 1) & (sizes["low"] == 0) & (sizes["high"] > 0) & (sizes["n"] == 2)
    one = rows["object"].map(pair).to_numpy(dtype=bool)
    points = rows[one & (rows["dimension"] == 0)]
    larger = rows[one & (rows["dimension"] > 0)].set_index("object")["at"]
    _mark(batch, "point-and-polygon", points["at"].to_numpy(), values=batch.column("name"))
    batch.settle(points["at"].to_numpy(), larger.reindex(points["object"]).to_numpy())
    _contradict(batch, rows[~one], identity)


def _settle(batch: Batch, rows: pd.DataFrame, firsts: pd.Series) -> None:
    """Settle rows that repeat another one exactly."""
    other = np.full(len(batch), 0, dtype=np.int64)
    at = rows["at"].to_numpy()
    other[at] = batch.rows[firsts.to_numpy()]
    _mark(batch, "duplicate-identical", at, other=other)
    batch.settle(at, firsts.to_numpy())
    batch.repeats[at] = True


def _contradict(batch: Batch, rows: pd.DataFrame, identity: Column) -> None:
    """Reject rows that claim to be one object and differ; each names the next one."""
    if rows.empty:
        return
    at = rows["at"].to_numpy()
    following = rows.groupby("object")["at"].transform(lambda group: np.roll(group.to_numpy(), -1)).to_numpy()
    other = np.zeros(len(batch), dtype=np.int64)
    other[at] = batch.rows[following]
    parts = [str(identity[i]).split("\x1f") for i in at]
    for kind, rule in _RULES.items():
        chosen = np.zeros(len(batch), dtype=bool)
        values = np.full(len(batch), "", dtype=object)
        for i, part in zip(at, parts, strict=True):
            if part[0] == kind:
                chosen[i] = True
                values[i] = "" if kind == "shape" else part[1] if kind == "code" else part[2]
        batch.reject(rule, chosen, field=_FIELDS[kind], values=values, other=other)


def _mark(batch: Batch, rule: str, at: npt.NDArray[np.int64], **facts: Any) -> None:
    where = np.zeros(len(batch), dtype=bool)
    where[at] = True
    batch.note(rule, where, **facts)


class Marks(NamedTuple):
    """What objects can be known by, the strongest first; empty texts for what they do not have.

    Attributes
    ----------
    code, key : object arrays
        The own code; the value of the key column.
    place : object array
        What is left without both: class and exact geometry, or a name.
    """

    code: Column
    key: Column
    place: Column


def match(
    going: npt.NDArray[np.bool_], rows: Marks, known: Marks, ids: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the id of the stored object each row stands for, 0 where it is new.

    An object stands for one row only: what a stronger mark has found is not offered to a weaker one, so
    that no row writes over another. An object still without a code or key receives those of the row at
    its place.

    Parameters
    ----------
    going : bool array
        The rows that look for their object.
    rows : Marks
        Of the rows.
    known : Marks
        Of the stored objects; where several share one, the oldest is meant.
    ids : int array
        Of the stored objects.
    """
    coded, keyed = rows.code != "", rows.key != ""
    steps = (
        (rows.code, known.code),
        (_where(~coded, rows.key), known.key),
        (_where(~coded & keyed, rows.place), _where(known.key == "", known.place)),
        (_where(~coded & ~keyed, rows.place), known.place),
        (_where(coded, rows.place), _where(known.code == "", known.place)),
    )
    found = np.zeros(len(going), dtype=np.int64)
    free = np.ones(len(ids), dtype=bool)
    for offered, stored in steps:
        looking = np.flatnonzero(going & (found == 0) & (offered != ""))
        looking = looking[~pd.Series(offered[looking]).duplicated(keep=False).to_numpy()]
        there = free & (stored != "")
        by_mark = pd.Series(ids[there], index=stored[there])
        by_mark = by_mark[~by_mark.index.duplicated()]
        found[looking] = by_mark.reindex(offered[looking]).fillna(0).to_numpy(dtype=np.int64)
        free &= ~np.isin(ids, found)
    return found


def _where(condition: npt.NDArray[np.bool_], texts: Column) -> Column:
    return np.where(condition, texts, "").astype(object)
