"""Duties of events, and duties whose place is a polygon of its own: a park, a road, a market.

All of it is invented, like everything else here; the park lies around the lake, the road along a main street.
"""

from __future__ import annotations

import shapely
from delivery import Packing
from flaws import REJECTS, WARNS
from furniture import EDITION, Item, Layer
from shapely.affinity import rotate
from shapely.ops import substring
from street_net import CENTRE, SYSTEM, StreetNet

from gridcity.catalogue import catalogue
from gridcity.crs import from_lnglat, reference_system

EVENTS, PLACES = "duties_events.csv", "duties_places.zip"
EVENT_COLUMNS = (
    *(
        "责任单位",
        "职责",
        "类别种类",
        "小类名称",
        "立案条件",
        "地点",
        "起始日期",
        "终止日期",
        "优先级",
        "依据",
    ),
)
_CODE, _NAME = ("C", 20, 0), ("C", 60, 0)
_FIELDS = {
    "责任单位": _NAME,
    "职责": _CODE,
    "类别种类": _CODE,
    "小类名称": _NAME,
    "地点编码": _CODE,
    "地点名称": _NAME,
    "起始日期": ("C", 8, 0),
    "备注": _NAME,
}
# Metres: how wide the park is around the lake, half the width and the length of the road, the market's sides.
_PARK, _ROAD, _LENGTH, _MARKET = 45.0, 14.0, 1200.0, (90.0, 60.0)

Flaws = list[tuple[int, str, str, str]]


def event_duties(bodies: dict[str, dict[str, str]]) -> tuple[list[dict[str, str]], Flaws]:
    """Return the rows of duties_events.csv, and row, rule, stage and note of its flaws."""
    rows: list[dict[str, str]] = []
    flaws: Flaws = []

    def add(party: str, role: str, klass: str, place: str, *flaw: str, **more: str) -> None:
        row = dict.fromkeys(EVENT_COLUMNS, "")
        row |= {"责任单位": party, "职责": role, "小类名称": klass, "地点": place, "起始日期": "2023-01-01"}
        rows.append(row | {"类别种类": "事件", "优先级": "1"} | more)
        if flaw:
            rule, stage, note = flaw
            flaws.append((len(rows), rule, stage, note))

    names = {key: body["name"] for key, body in bodies.items()}
    late = {"立案条件": "积存超过24小时（样例）", "依据": "作业协议（样例）"}
    add(names["环卫"], "处置", "暴露垃圾", "东四街道")
    # A blank within a name, and an alias, are the parties they name.
    add("样例环境 卫生服务中心", "处置", "暴露垃圾", "东四街道", **late)
    add("区城管委（样例）", "主管", "暴露垃圾", "")
    add(names["交管"], "主管", "机动车乱停放", "110101")
    add(names["环卫"], "处置", "道路积雪、结冰", "", 终止日期="2024-03-01")
    gap = "from the end of the row before to this beginning nobody answers"
    add(names["市政"], "处置", "道路积雪、结冰", "", "duty-gap", WARNS, gap, 起始日期="2024-11-01")
    add(names["环卫"], "处置", "道路不洁", "东四街", "place-unknown", REJECTS, "a name that is only like one")
    add("样例环卫作业", "处置", "道路不洁", "", "party-unknown", REJECTS, "a name that is only like one")
    note = "a condition of no class"
    add(names["环卫"], "处置", "", "景山街道", "duty-condition", REJECTS, note, 立案条件="夜间（样例）")
    note = "ends on the day on which it begins"
    add(names["环卫"], "处置", "道路不洁", "", "period-order", REJECTS, note, 终止日期="2023-01-01")
    return rows, flaws


def place_duties(net: StreetNet, bodies: dict[str, dict[str, str]], component: str) -> Layer:
    """Return the polygons of duties, and a row without one: the duty agreed for one component.

    Parameters
    ----------
    net : StreetNet
        The piece of city.
    bodies : dict
        The rows of parties.csv by key.
    component : str
        Code of the component.
    """
    park, road, market = _shapes(net)
    known = {entry.zh for entry in catalogue(EDITION).entries if entry.kind == "event"}
    items = []
    for key, role, klass, shape, name, note in (
        ("绿化二", "养护", "", park, "湖滨公园（样例）", "养护合同（样例）"),
        ("绿化中心", "处置", "公园秩序", park, "湖滨公园（样例）", ""),
        ("环卫", "处置", "暴露垃圾", park, "湖滨公园（样例）", "作业协议（样例）"),
        ("市政", "养护", "", road, "横大街（样例）", "养护合同（样例）"),
        ("城管委", "处置", "店外经营", market, "样例集市", ""),
        ("公安", "处置", "店外经营", market, "样例集市", ""),
        ("绿化中心", "养护", "", None, "", "共有单位协议（样例）"),
    ):
        row = {"责任单位": bodies[key]["name"], "职责": role, "小类名称": klass, "备注": note}
        row |= {"类别种类": "事件" if klass in known else "", "地点名称": name, "起始日期": "20230101"}
        items.append(Item(shape, row | {"地点编码": component if shape is None else ""}))
    for item in items[4:6]:
        item.flaws.append(("duty-overlap", WARNS, "two parties have the same duty at the market"))
    return Layer(PLACES, "Polygon", Packing("责任区", 0x4D), _FIELDS, items)


def _shapes(net: StreetNet) -> tuple[shapely.Polygon, shapely.Polygon, shapely.Polygon]:
    """Return park, road and market, to the millimetre."""
    middle = shapely.Point(from_lnglat(*CENTRE, reference_system(SYSTEM)))
    park = net.lake.buffer(_PARK, quad_segs=2).difference(net.lake)
    west_east = [
        shapely.LineString(edge.points)
        for edge in net.edges
        if edge.main and abs(edge.points[-1] - edge.points[0]).argmax() == 0
    ]
    streets = shapely.get_parts(shapely.line_merge(shapely.union_all(west_east)))
    street = min(streets, key=lambda line: (line.distance(middle), line.wkt))
    road = substring(street, 0, _LENGTH).buffer(_ROAD, cap_style="flat", quad_segs=2)
    corner = min(net.corners.tolist(), key=lambda xy: (shapely.Point(xy).distance(middle), xy))
    width, height = _MARKET
    market = rotate(shapely.box(corner[0], corner[1], corner[0] + width, corner[1] + height), 20)
    return tuple(shapely.transform(shape, lambda xy: xy.round(3)) for shape in (park, road, market))
