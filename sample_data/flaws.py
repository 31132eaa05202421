"""The flaws of the sample, planted one by one, each with the rule that must find it.

A flaw is one record that was changed, or one that was added. Its row number is only known when the
records have their final order, so a record carries its flaws with it until the file is written.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
import shapely
from furniture import DISTRICT, Item, Layer
from numpy.random import Generator
from shapely import affinity
from street_net import StreetNet

REJECTS, WARNS, NOTES = "import rejects", "import warns", "import notes"


@dataclass(slots=True)
class Planter:
    """Plants flaws into the component files.

    Attributes
    ----------
    layers : dict of str to Layer
        By file name.
    net : StreetNet
        Where cells and the lake are.
    rng : Generator
        Chooses the records.
    """

    layers: dict[str, Layer]
    net: StreetNet
    rng: Generator

    def plant(self) -> None:
        """Plant all flaws of the component files."""
        self._covers(self.layers["components_covers.zip"])
        self._poles(self.layers["components_poles.zip"])
        self._green(self.layers["components_green.zip"])
        self._facilities(self.layers["components_facilities.zip"])
        self._lines(self.layers["components_lines.zip"])
        self._areas(self.layers["components_areas.zip"])
        self._pairs()

    def _pick(self, layer: Layer, klass: str) -> Item:
        """Return a sound record of a class that names its parties in full."""
        sound = [item for item in layer.sound(klass) if item.row.get("ZGBMDM")] or list(layer.sound(klass))
        return sound[int(self.rng.integers(len(sound)))]

    def _change(self, layer: Layer, klass: str, rule: str, stage: str, note: str, **row: str) -> Item:
        item = self._pick(layer, klass)
        item.row.update(row)
        item.flaws.append((rule, stage, note))
        return item

    def _add(self, layer: Layer, like: Item, rule: str, stage: str, note: str, **row: str) -> Item:
        item = Item(like.geometry, like.row | row, [(rule, stage, note)], partner=like)
        layer.items.append(item)
        return item

    def _covers(self, layer: Layer) -> None:
        self._change(layer, "供水井盖", "geometry-missing", REJECTS, "null geometry").geometry = None
        self._change(layer, "雨水井盖", "class-unknown", REJECTS, "misspelt class", GLBJMC="雨水井葢")
        self._change(layer, "污水井盖", "class-missing", REJECTS, "no class, no code", GLBJMC="")
        like = self._pick(layer, "电力井盖")
        self._add(layer, like, "duplicate-identical", WARNS, "repeats another row exactly")
        like.spared = True
        like = self._pick(layer, "通信井盖")
        like.flaws.append(("place-duplicate", REJECTS, "same class, same place, another state"))
        like.row["GLBJZT"] = "完好"
        self._add(
            layer, like, "place-duplicate", REJECTS, "same class, same place, another state", GLBJZT="破损"
        )
        for variant in ("无", "00000000"):
            item = self._pick(layer, "热力井盖")
            nobody = {f"{body}MC": "无" for body in ("ZGBM", "QSDW", "YHDW")}
            codes = {f"{body}DM": variant if variant != "无" else "" for body in ("ZGBM", "QSDW", "YHDW")}
            item.row.update(nobody | codes)
            item.flaws.append(("component-no-party", NOTES, f"{variant} stands where parties should be"))

    def _poles(self, layer: Layer) -> None:
        self._change(layer, "路灯", "state-unknown", REJECTS, "no state of the edition", GLBJZT="良好")
        self._change(layer, "路灯", "date-malformed", REJECTS, "month 13", CSRQ="20231301")
        self._change(layer, "路名牌", "date-future", REJECTS, "in the year 2099", CSRQ="20991231", BGRQ="")
        self._change(layer, "电力立杆", "state-missing", NOTES, "no state", GLBJZT="")
        self._change(layer, "通信立杆", "date-missing", NOTES, "no initial date", CSRQ="")
        far = self._change(layer, "变压器（箱）", "outside-city", REJECTS, "30 km to the north-east")
        far.geometry = affinity.translate(far.geometry, 21_000, 21_000)
        item = copy(self._pick(layer, "便道桩"))
        item.geometry = affinity.translate(item.geometry, 1.5, 0)
        layer.items.append(Item(item.geometry, dict(item.row), [], deleted=True))

    def _green(self, layer: Layer) -> None:
        self._change(
            layer,
            "行道树",
            "date-order",
            REJECTS,
            "changed before it began",
            CSRQ="20230510",
            BGRQ="20220510",
        )
        lake = self._change(
            layer, "独立树", "component-outside", WARNS, "stands in the lake, where no cell is"
        )
        middle = self.net.lake.representative_point()
        lake.geometry = shapely.Point(np.round(middle.coords[0], 3))
        self._change(
            layer, "古树名木", "component-cell", WARNS, "names a cell of another street",
            SZDYWGBSM=self._other_cell(),
        )  # fmt: skip

    def _other_cell(self) -> str:
        """Return the first cell code of a community in the south-west, where no tree of the flaw stands."""
        return "110101001001001"

    def _facilities(self, layer: Layer) -> None:
        self._change(
            layer, "垃圾箱", "component-code-district", WARNS, "code of another district",
            GLBJBSM="11010203005000417",
        )  # fmt: skip
        self._change(
            layer, "垃圾箱", "component-code-class", WARNS, "code of 宣传栏", GLBJBSM=f"{DISTRICT}03008000901"
        )
        self._change(
            layer, "邮筒", "code-malformed", REJECTS, "letter O for zero", GLBJBSM=f"{DISTRICT}01042OOO031"
        )
        one, other = self._pick(layer, "充电桩"), self._pick(layer, "充电桩")
        while other is one:
            other = self._pick(layer, "充电桩")
        for item in (one, other):
            item.row["GLBJBSM"] = one.row["GLBJBSM"]
            item.flaws.append(("code-duplicate", REJECTS, "one code at two places"))
        like = self._pick(layer, "快递柜")
        self._add(layer, like, "duplicate-identical", WARNS, "repeats another row exactly")
        like.spared = True
        like = self._pick(layer, "公共厕所")
        note = "same class at exactly the same place, two codes"
        like.flaws.append(("component-place-shared", WARNS, note))
        self._add(layer, like, "component-place-shared", WARNS, note, GLBJBSM=f"{DISTRICT}03001000901")

    def _lines(self, layer: Layer) -> None:
        item = self._change(layer, "交通护栏", "component-many-cells", NOTES, "runs across a border of cells")
        inner = [e for e in self.net.edges if e.main and min(e.left, e.right) >= 0]
        edge = inner[len(inner) // 4]
        along = edge.points[2] - edge.points[0]
        start = edge.points[0] - along * 0.7 + np.array([3.0, 3.0])
        item.geometry = shapely.LineString(np.round([start, start + along * 1.6], 3))

    def _areas(self, layer: Layer) -> None:
        item = self._change(layer, "绿地", "component-many-cells", NOTES, "lies over three cells or more")
        middle = self.net.corners[len(self.net.corners) // 2]
        ring = middle + np.array([[-30, -25], [28, -30], [33, 24], [-26, 30]])
        item.geometry = shapely.Polygon(np.round(ring, 3))

    def _pairs(self) -> None:
        """Plant the flaws that lie between two files."""
        facilities = self.layers["components_facilities.zip"]
        polygon = self._pick(self.layers["components_areas.zip"], "文物古迹")
        polygon.row["GLBJBSM"] = f"{DISTRICT}05009000001"
        polygon.spared = True
        point = self._add(
            facilities, polygon, "point-and-polygon", WARNS,
            "also a polygon of the same code, class and name in components_areas.zip",
        )  # fmt: skip
        point.geometry = shapely.Point(np.round(polygon.geometry.centroid.coords[0], 3))
        cover = self._pick(self.layers["components_covers.zip"], "燃气井盖")
        cover.spared = True
        self._add(
            facilities, cover, "component-place-shared", WARNS,
            "at exactly the place of a cover in components_covers.zip", GLBJBSM=f"{DISTRICT}01011000901",
        )  # fmt: skip


def plant_cells(items: list[Item], net: StreetNet) -> None:
    """Plant the flaws of the cell file: an overlap, and a bow tie in the lake."""
    tree = shapely.STRtree([item.geometry for item in items])
    for item in items:
        ring = np.array(item.geometry.exterior.coords)
        if len(ring) != 9 or item.flaws:
            continue
        ring[3] += [3.0, 0.0]  # the bend of the eastern border
        pushed = shapely.Polygon(np.round(ring, 3))
        touched = [int(k) for k in tree.query(pushed) if pushed.intersection(items[k].geometry).area > 1.0]
        others = [items[k] for k in touched if items[k] is not item]
        if len(others) == 1 and not others[0].flaws:
            item.geometry = pushed
            item.flaws.append(("cell-overlap", WARNS, "its eastern border was pushed over the neighbour's"))
            item.partner = others[0]
            others[0].spared = True
            break
    x, y = net.lake.representative_point().coords[0]
    bow = shapely.Polygon(np.round([(x, y), (x + 40, y + 40), (x + 40, y), (x, y + 40)], 3))
    row = dict(items[0].row) | {"面积": "800.00"}
    items.append(Item(bow, row, [("geometry-invalid", REJECTS, "a polygon that crosses itself")]))
