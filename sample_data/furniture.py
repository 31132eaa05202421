"""Invented components: covers in the carriageway, lamps and trees in rows, bins at corners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from bodies import NAMED
from delivery import Packing
from numpy.random import Generator
from shapely import affinity
from street_net import DISTRICT, LAKE, Edge, StreetNet

from gridcity.catalogue import catalogue

EDITION = "gbt47678.5-2026"
FIRST_DAY, LAST_DAY = np.datetime64("2022-03-11"), np.datetime64("2024-06-30")
LOCAL_CLASS = ("01999", "智能信包箱（自定义）")

FIELDS: dict[str, tuple[str, int, int]] = {
    "GLBJBSM": ("C", 17, 0),
    "GLBJMC": ("C", 40, 0),
    "ZGBMDM": ("C", 18, 0),
    "ZGBMMC": ("C", 60, 0),
    "QSDWDM": ("C", 18, 0),
    "QSDWMC": ("C", 60, 0),
    "YHDWDM": ("C", 18, 0),
    "YHDWMC": ("C", 60, 0),
    "SZDYWGBSM": ("C", 15, 0),
    "GLBJZT": ("C", 10, 0),
    "CSRQ": ("C", 8, 0),
    "BGRQ": ("C", 8, 0),
    "SJLY": ("C", 20, 0),
    "BZ": ("C", 60, 0),
}

# file: geometry type, how it is packed, and per class: count, where, distance from the middle of the street
_PLAN: dict[str, tuple[str, Packing, dict[str, tuple[int, str, float]]]] = {
    "components_covers.zip": (
        "Point",
        Packing("井盖普查/井盖", 0x4D),
        {
            "污水井盖": (620, "any", 1.5),
            "雨水井盖": (520, "any", 2.0),
            "雨水箅子": (480, "any", 3.6),
            "供水井盖": (420, "any", 2.4),
            "通信井盖": (340, "any", 2.8),
            "电力井盖": (300, "any", 3.0),
            "燃气井盖": (200, "any", 1.8),
            "热力井盖": (160, "main", 2.2),
            "路灯井盖": (120, "main", 6.0),
            "电视井盖": (90, "any", 3.2),
            "园林井盖": (80, "main", 8.5),
            "公安井盖": (60, "corner", 4.0),
            "信号灯电源井盖": (60, "main corner", 5.0),
        },
    ),
    "components_poles.zip": (
        "Point",
        Packing("POLES", 0x00, "936"),
        {
            "路灯": (1250, "row of 2", 7.0),
            "电力立杆": (300, "lane", 4.5),
            "路名牌": (280, "corner", 7.5),
            "交通标志牌及标线": (190, "main", 6.5),
            "监控电子眼设施": (180, "corner", 8.2),
            "交通信号灯": (160, "main corner", 6.2),
            "便道桩": (160, "main", 5.4),
            "通信立杆": (120, "lane", 4.9),
            "通信交接箱": (110, "any", 5.8),
            "变压器（箱）": (70, "any", 8.8),
            "路灯配电箱": (40, "main", 8.2),
        },
    ),
    "components_green.zip": (
        "Point",
        Packing("园林/行道树等", 0x4D, "UTF-8"),
        {
            "行道树": (1450, "row of 3", 9.0),
            "树池树穴": (180, "main", 9.6),
            "街头座椅": (150, "main", 8.0),
            "花架花钵": (120, "main", 7.6),
            "独立树": (60, "inside", 0.0),
            "古树名木": (24, "inside", 0.0),
            "雕塑": (12, "inside", 0.0),
        },
    ),
    "components_facilities.zip": (
        "Point",
        Packing("facilities", 0x57),
        {
            "垃圾箱": (420, "corner", 9.0),
            "宣传栏": (120, "lane", 5.2),
            "公交站设施": (90, "main", 5.0),
            "充电桩": (90, "inside", 0.0),
            "快递柜": (80, "inside", 0.0),
            "公共厕所": (60, "lane", 9.5),
            "户外健身设施": (60, "inside", 0.0),
            "旧衣物回收箱": (50, "inside", 0.0),
            "邮筒": (30, "main", 7.2),
            "自动售货机": (25, "inside", 0.0),
            LOCAL_CLASS[1]: (20, "inside", 0.0),
        },
    ),
    "components_lines.zip": (
        "LineString",
        Packing("线状部件", 0x4D, "GBK"),
        {
            "交通护栏": (200, "main", 5.0),
            "绿地护栏": (80, "any", 7.0),
            "沟槽盖板": (60, "lane", 3.0),
            "减速带": (50, "lane", 0.6),
        },
    ),
    "components_areas.zip": (
        "Polygon",
        Packing("areas", 0x4D),
        {"绿地": (180, "inside", 0.4), "停车场": (90, "inside", 0.28), "文物古迹": (18, "inside", 0.3)},
    ),
}
CODED_FILE = "components_facilities.zip"


@dataclass(slots=True)
class Item:
    """One record to be delivered.

    Attributes
    ----------
    geometry : shapely geometry or None
        In metres.
    row : dict
        Column: text.
    flaws : list of (rule, stage, note)
        What is wrong with it on purpose.
    deleted : bool
        Whether the record is marked as deleted.
    spared : bool
        Whether a flaw of another record refers to it, so that it must stay as it is.
    partner : Item or None
        The other record, where the flaw is about two.
    """

    geometry: Any
    row: dict[str, str]
    flaws: list[tuple[str, str, str]] = field(default_factory=list)
    deleted: bool = False
    spared: bool = False
    partner: Item | None = None


@dataclass(slots=True)
class Layer:
    """One file to be delivered."""

    name: str
    geometry_type: str
    packing: Packing
    fields: dict[str, tuple[str, int, int]]
    items: list[Item]

    def sound(self, klass: str = "") -> Iterator[Item]:
        """Yield the records without a planted flaw, of one class or of all."""
        for item in self.items:
            if not (item.flaws or item.spared or item.deleted) and klass in ("", item.row.get("GLBJMC")):
                yield item


def make_components(net: StreetNet, bodies: dict[str, dict[str, str]], rng: Generator) -> list[Layer]:
    """Return the component files of a seed, without flaws."""
    places = _Places(net, rng)
    layers = []
    for name, (geometry_type, packing, classes) in _PLAN.items():
        items = []
        for klass, (count, where, offset) in classes.items():
            shapes = places.shapes(geometry_type, klass, count, where, offset)
            code = class_code(klass)
            for serial, shape in enumerate(shapes, 1):
                row = _attributes(klass, bodies, rng)
                row["GLBJBSM"] = f"{DISTRICT}{code}{serial:06d}" if name == CODED_FILE else ""
                items.append(Item(shape, row))
        layers.append(Layer(name, geometry_type, packing, dict(FIELDS), items))
    return layers


def class_code(klass: str) -> str:
    """Return the code of a class by its name."""
    if klass == LOCAL_CLASS[1]:
        return LOCAL_CLASS[0]
    return catalogue(EDITION).named(klass, "component")[0].code


def _attributes(klass: str, bodies: dict[str, dict[str, str]], rng: Generator) -> dict[str, str]:
    """Return one record's text; most parties by code and name, some by name or by another name alone."""
    day = FIRST_DAY + int(rng.integers(0, 820))
    changed = day + int(rng.integers(1, 400)) if rng.random() < 0.12 else None
    row = {
        "GLBJMC": klass,
        "GLBJZT": str(rng.choice(["完好", "破损", "丢失", "废弃"], p=[0.955, 0.035, 0.005, 0.005])),
        "CSRQ": str(day).replace("-", ""),
        "BGRQ": str(min(changed, LAST_DAY)).replace("-", "") if changed else "",
        "SJLY": str(rng.choice(["实测", "地形图"], p=[0.9, 0.1])),
        "BZ": "井盖有轻微沉降" if "井盖" in klass and rng.random() < 0.01 else "",
    }
    how = rng.random()
    for column, key in zip(("ZGBM", "QSDW", "YHDW"), NAMED.get(klass, ("", "", "")), strict=True):
        if key:
            body = bodies[key]
            row[f"{column}DM"] = body["code"] if how < 0.9 else ""
            row[f"{column}MC"] = body["aliases"] or body["name"] if how > 0.97 else body["name"]
    return row


class _Places:
    """Where things stand."""

    def __init__(self, net: StreetNet, rng: Generator) -> None:
        self.net = net
        self.rng = rng
        self.main = [edge for edge in net.edges if edge.main]
        self.lane = [edge for edge in net.edges if not edge.main]
        ends = np.array([edge.points[0] for edge in self.main])
        apart = np.hypot(*(net.corners[:, None] - ends[None]).transpose(2, 0, 1)).min(axis=1)
        self.main_corners = net.corners[apart < 1.0]
        self.used_cells: set[int] = set()

    def shapes(self, geometry_type: str, klass: str, count: int, where: str, offset: float) -> list[Any]:
        if geometry_type == "Polygon":
            return [self._patch(offset) for _ in range(count)]
        if where == "inside":
            return [self._yard() for _ in range(count)]
        if where.endswith("corner"):
            return self._corners(
                self.main_corners if where.startswith("main") else self.net.corners, count, offset
            )
        edges = {"main": self.main, "lane": self.lane}.get(where, self.net.edges)
        if where.startswith("row"):
            return self._rows(int(where.rsplit(" ", 1)[1]), count, offset)
        chosen = [edges[int(k)] for k in self.rng.integers(0, len(edges), count)]
        if geometry_type == "LineString":
            return [self._line(edge, klass, offset) for edge in chosen]
        return [self._beside(edge, float(self.rng.uniform(0.14, 0.86)), offset) for edge in chosen]

    def _beside(self, edge: Edge, t: float, offset: float, side: int = 0) -> shapely.Point:
        """Return a point along an edge, to its left or right, always on a side with a cell."""
        if not side:
            side = int(self.rng.choice([-1, 1]))
        if (edge.left if side > 0 else edge.right) == LAKE:
            side = -side
        half = 0 if t < 0.5 else 1
        start, end = edge.points[half], edge.points[half + 1]
        step = (end - start) / np.hypot(*(end - start))
        normal = np.array([-step[1], step[0]]) * side
        off = offset * float(self.rng.uniform(0.95, 1.05))
        return shapely.Point(np.round(start + (end - start) * (2 * t - half) + normal * off, 3))

    def _rows(self, per_edge: int, count: int, offset: float) -> list[shapely.Point]:
        """Return points in even rows along main streets, on alternating sides."""
        points: list[shapely.Point] = []
        for k in self.rng.permutation(len(self.main)):
            for n in range(per_edge):
                t = (n + 0.5) / per_edge + float(self.rng.uniform(-0.01, 0.01)) - 0.02
                points.append(self._beside(self.main[k], t, offset, 1 if (n + k) % 2 else -1))
        return points[:count]

    def _corners(self, corners: np.ndarray, count: int, offset: float) -> list[shapely.Point]:
        points = []
        for k in self.rng.integers(0, len(corners), count):
            quarter = self.rng.choice([-1.0, 1.0], 2) * offset
            points.append(shapely.Point(np.round(corners[k] + quarter + self.rng.uniform(-0.8, 0.8, 2), 3)))
        return points

    def _yard(self) -> shapely.Point:
        """Return a point well inside some cell."""
        while True:
            cell = self.net.cells[int(self.rng.integers(len(self.net.cells)))]
            point = shapely.Point(
                np.round(np.array(cell.centroid.coords[0]) + self.rng.uniform(-18, 18, 2), 3)
            )
            if cell.buffer(-5).contains(point):
                return point

    def _patch(self, share: float) -> shapely.Polygon:
        """Return a small copy of a cell that was not used yet, inside that cell."""
        while True:
            k = int(self.rng.integers(len(self.net.cells)))
            cell = self.net.cells[k]
            scale = share * float(self.rng.uniform(0.6, 1.1))
            patch = shapely.set_precision(affinity.scale(cell, scale, scale, origin="centroid"), 0.001)
            if k not in self.used_cells and cell.buffer(-3).contains(patch):
                self.used_cells.add(k)
                return patch

    def _line(self, edge: Edge, klass: str, offset: float) -> shapely.LineString:
        """Return a line beside one half of an edge, or across one half of the carriageway."""
        side = int(self.rng.choice([-1, 1]))
        t = float(self.rng.uniform(0.14, 0.2))
        ends = (
            [(t, offset), (t + 0.006, offset + 3.2)] if klass == "减速带" else [(t, offset), (0.42, offset)]
        )
        return shapely.LineString([self._beside(edge, at, off, side) for at, off in ends])
