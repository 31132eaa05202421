"""Invented incidents: a thousand harmless reports, in GCJ-02 as a phone's map gives them."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import shapely
from furniture import Item
from numpy.random import Generator
from street_net import SYSTEM, StreetNet

from gridcity.crs import reference_system, to_lnglat, wgs84_to_gcj02

COUNT = 1000
ALONE = 60
OUTSIDE = 8
_RADIUS_M = 60.0

# Part of a class name: what is reported about it.
_REPORTS = (
    ("井盖", ("井盖松动，车辆经过有声响", "井盖边缘有破损", "井盖与路面有高差")),
    ("雨水箅子", ("箅子被落叶堵住", "箅子缺一根格栅")),
    ("路灯", ("路灯不亮", "路灯白天常亮", "路灯杆编号脱落")),
    ("树", ("树枝低垂，挡住路牌", "树下有断枝", "树坑缺土")),
    ("垃圾箱", ("垃圾箱满了", "垃圾箱门关不上")),
    ("护栏", ("护栏移位", "护栏缺一节")),
    ("牌", ("牌面有污渍", "牌面被树叶挡住")),
    ("信号灯", ("信号灯罩有裂纹",)),
    ("绿地", ("草坪需要浇水", "绿地内有纸屑")),
    ("座椅", ("座椅缺一根木条",)),
)
_ANY = ("巡查发现需要擦洗", "外观有轻微破损", "编号看不清")


def make_incidents(net: StreetNet, sound: list[Item], rng: Generator) -> list[dict[str, str]]:
    """Return the rows of incidents.csv.

    Most lie within metres of a component of their class; some have none within the search radius;
    a few lie outside the city.

    Parameters
    ----------
    net : StreetNet
        Where the city is.
    sound : list of Item
        The components without a planted flaw.
    rng : Generator
        Chooses.
    """
    shapes = np.array([item.geometry for item in sound], dtype=object)
    classes = np.array([item.row["GLBJMC"] for item in sound], dtype=object)
    chosen = rng.choice(len(sound), COUNT - ALONE - OUTSIDE, replace=False)
    city = shapely.coverage_union_all(net.cells)
    shapely.prepare(city)
    points, names = [], []
    for k in chosen:
        spot = np.array(shapes[k].representative_point().coords[0])
        turn = rng.uniform(0, 2 * np.pi)
        near = spot + min(rng.exponential(3.0), 20.0) * np.array([np.cos(turn), np.sin(turn)])
        points.append(near if city.contains(shapely.Point(near)) else spot)
        names.append(classes[k])
    for _ in range(ALONE):
        name = str(rng.choice(classes))
        points.append(_alone(net, shapes[classes == name], rng))
        names.append(name)
    bounds = shapely.total_bounds(np.array(net.cells, dtype=object))
    for _ in range(OUTSIDE):
        points.append(np.array([bounds[2] + rng.uniform(2_000, 9_000), rng.uniform(bounds[1], bounds[3])]))
        names.append(str(rng.choice(classes)))
    order = rng.permutation(COUNT)
    x, y = np.array(points)[order].T
    lng, lat = wgs84_to_gcj02(*to_lnglat(x, y, reference_system(SYSTEM)))
    minutes = np.sort(rng.integers(0, 92 * 24 * 60, COUNT))
    start = datetime(2024, 7, 1)
    rows = []
    for n, k in enumerate(order.tolist()):
        rows.append(
            {
                "id": f"YL-2024-{n + 1:06d}",
                "class": names[k],
                "time": (start + timedelta(minutes=int(minutes[n]))).strftime("%Y-%m-%d %H:%M"),
                "description": _report(names[k], rng),
                "lng": f"{lng[n]:.7f}",
                "lat": f"{lat[n]:.7f}",
            }
        )
    return rows


def _alone(net: StreetNet, same_class: np.ndarray, rng: Generator) -> np.ndarray:
    """Return a point in some cell that is far from every component of a class."""
    while True:
        cell = net.cells[int(rng.integers(len(net.cells)))]
        point = cell.centroid
        if shapely.distance(same_class, point).min() > _RADIUS_M:
            return np.array(point.coords[0])


def _report(klass: str, rng: Generator) -> str:
    fitting = next((texts for part, texts in _REPORTS if part in klass), _ANY)
    return str(rng.choice(fitting))
