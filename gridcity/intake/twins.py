"""Layers of one delivery that are the same file, copied or packed twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gridcity.intake.layers import Layer

__all__ = ["Mark", "twins"]


class Mark(NamedTuple):
    """What tells a layer from others, small enough to be kept after it was closed.

    Attributes
    ----------
    label : str
        What it is called in its delivery.
    path, driver, layer, sha256, rows
        As of the `Layer`.
    """

    label: str
    path: Path
    driver: str
    layer: str
    sha256: str
    rows: int

    @classmethod
    def of(cls, label: str, layer: Layer) -> Mark:
        """Return the mark of an open layer."""
        return cls(label, layer.path, layer.driver, layer.layer, layer.sha256, len(layer))


def twins(marks: Sequence[Mark]) -> list[tuple[str, str]]:
    """Return the labels of the layers that have the same bytes, each behind the first that has them.

    Layers without rows are no twins: the blank templates of a delivery are alike.
    """
    first: dict[tuple[str, str], str] = {}
    found = []
    paths = Counter(mark.path for mark in marks if mark.driver != "ESRI Shapefile")
    for mark in marks:
        # Layers of one GeoPackage share its checksum; shapefiles in one zip have their own.
        inner = mark.layer if paths[mark.path] > 1 else ""
        other = first.setdefault((mark.sha256, inner), mark.label)
        if other != mark.label and mark.rows:
            found.append((other, mark.label))
    return found
