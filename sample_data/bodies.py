"""Invented bodies and the table of their duties.

No name belongs to anyone: all begin with 样例 ("sample") or end with （样例）. The credit codes have a
right check digit of their own, but the organisation code inside each has a wrong one, which no issued
code can have.
"""

from __future__ import annotations

from stdnum.cn import uscc

from gridcity.catalogue import area_name, catalogue

_EDITION = "gbt47678.5-2026"

# key: name, kind, leading digits of the credit code (11 organ, 12 institution, 91 company), aliases
BODIES: dict[str, tuple[str, str, str, str]] = {
    "城管委": ("东城区城市管理委员会（样例）", "主管部门", "11", "区城管委（样例）"),
    "园林局": ("东城区园林绿化局（样例）", "主管部门", "11", ""),
    "交管": ("东城区交通管理支队（样例）", "主管部门", "11", ""),
    "公安": ("东城区公安分局（样例）", "主管部门", "11", ""),
    "文物": ("东城区文物保护所（样例）", "主管部门", "12", ""),
    "市政": ("样例市政工程管理处", "事业单位", "12", ""),
    "供水": ("样例供水公司", "企业", "91", "样例自来水公司"),
    "排水": ("样例排水公司", "企业", "91", "样例排水集团"),
    "电力": ("样例电力公司", "企业", "91", "样例供电公司"),
    "通信甲": ("样例通信甲公司", "企业", "91", ""),
    "通信乙": ("样例通信乙公司", "企业", "91", ""),
    "电视": ("样例有线电视公司", "企业", "91", ""),
    "热力": ("样例热力公司", "企业", "91", ""),
    "燃气": ("样例燃气公司", "企业", "91", ""),
    "路灯": ("样例路灯管理中心", "事业单位", "12", "样例路灯处"),
    "交通设施": ("样例交通设施养护公司", "企业", "91", ""),
    "公交": ("样例公交公司", "企业", "91", ""),
    "绿化中心": ("样例园林绿化服务中心", "事业单位", "12", ""),
    "绿化一": ("样例绿化养护一公司", "企业", "91", ""),
    "绿化二": ("样例绿化养护二公司", "企业", "91", ""),
    "环卫中心": ("样例环境卫生服务中心", "事业单位", "12", "样例环卫中心"),
    "环卫": ("样例环卫作业公司", "企业", "91", ""),
    "停车甲": ("样例停车管理甲公司", "企业", "91", ""),
    "停车乙": ("样例停车管理乙公司", "企业", "91", ""),
    "充电": ("样例充电服务公司", "企业", "91", ""),
    "快递": ("样例快递柜服务公司", "企业", "91", ""),
    "邮政": ("样例邮政服务公司", "企业", "91", ""),
    "回收": ("样例再生资源公司", "企业", "91", ""),
    "售货": ("样例自动售货公司", "企业", "91", ""),
}

# class: supervisor, owner, maintainer; a class that is not here names no party in the survey
NAMED: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(("供水井盖", "消防设施"), ("城管委", "供水", "供水")),
    **dict.fromkeys(("污水井盖", "雨水井盖", "雨水箅子"), ("城管委", "排水", "排水")),
    **dict.fromkeys(("电力井盖", "电力立杆", "变压器（箱）"), ("城管委", "电力", "电力")),
    **dict.fromkeys(("通信井盖", "通信立杆"), ("城管委", "通信甲", "通信甲")),
    "通信交接箱": ("城管委", "通信乙", "通信乙"),
    "电视井盖": ("城管委", "电视", "电视"),
    "热力井盖": ("城管委", "热力", "热力"),
    "燃气井盖": ("城管委", "燃气", "燃气"),
    **dict.fromkeys(("公安井盖", "监控电子眼设施"), ("公安", "公安", "交通设施")),
    **dict.fromkeys(("园林井盖", "行道树", "树池树穴", "绿地护栏"), ("园林局", "绿化中心", "绿化一")),
    **dict.fromkeys(("绿地", "独立树"), ("园林局", "绿化中心", "绿化二")),
    "古树名木": ("园林局", "绿化中心", "绿化中心"),
    **dict.fromkeys(("路灯井盖", "路灯", "路灯配电箱"), ("城管委", "路灯", "路灯")),
    **dict.fromkeys(
        ("信号灯电源井盖", "交通信号灯", "交通标志牌及标线", "交通护栏", "减速带"),
        ("交管", "交管", "交通设施"),
    ),
    **dict.fromkeys(("便道桩", "路名牌", "沟槽盖板"), ("城管委", "市政", "市政")),
    "公交站设施": ("城管委", "公交", "公交"),
    **dict.fromkeys(("垃圾箱", "公共厕所"), ("城管委", "环卫中心", "环卫")),
    "停车场": ("交管", "停车甲", "停车甲"),
    "充电桩": ("城管委", "充电", "充电"),
    **dict.fromkeys(("快递柜", "智能信包箱（自定义）"), ("城管委", "快递", "快递")),
    "邮筒": ("城管委", "邮政", "邮政"),
    "文物古迹": ("文物", "文物", ""),
}


def street_office(street_code: str) -> str:
    """Return the key of a street's office."""
    return f"街道 {street_code}"


def parties(streets: list[str]) -> dict[str, dict[str, str]]:
    """Return the rows of parties.csv by key: the bodies above, and an office for each street."""
    table = dict(BODIES)
    for code in streets:
        name = area_name(code)
        table[street_office(code)] = (f"{name}办事处（样例）", "街道办事处", "11", f"{name}（样例）")
    rows = {}
    for number, (key, (name, kind, leading, aliases)) in enumerate(table.items(), 1):
        rows[key] = {"code": credit_code(leading, number), "name": name, "kind": kind, "aliases": aliases}
    return rows


def credit_code(leading: str, number: int) -> str:
    """Return a credit code that passes its check and that nobody can hold.

    The ninth character of the organisation code (GB 11714) is one more than it should be; the check
    character of the whole (GB 32100) is right.
    """
    organisation = f"9999{number:04d}"
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    right = (11 - sum(int(d) * w for d, w in zip(organisation, weights, strict=True)) % 11) % 11
    body = f"{leading}110101{organisation}{(right + 1) % 10}"
    code: str = body + uscc.calc_check_digit(body)
    return code


def duties(
    rows: dict[str, dict[str, str]], streets: list[str], communities: list[str]
) -> list[dict[str, str]]:
    """Return the rows of duties.csv.

    Every street office answers for its street. Classes that name no party in the survey have duties
    for the district, for single streets, or for single communities; one of them changed hands.
    """
    table = [_duty(rows[street_office(code)], "属地", "", code) for code in streets]
    for klass, key in (
        ("街头座椅", "绿化二"),
        ("花架花钵", "绿化一"),
        ("雕塑", "绿化中心"),
        ("户外健身设施", "城管委"),
        ("旧衣物回收箱", "回收"),
        ("自动售货机", "售货"),
    ):
        table.append(_duty(rows[key], "养护", klass, "110101"))
    table += [_duty(rows[street_office(code)], "养护", "宣传栏", code) for code in streets[:5]]
    table += [_duty(rows["环卫"], "养护", "旧衣物回收箱", code) for code in communities[10:60:10]]
    table.append(_duty(rows["停车甲"], "养护", "停车场", "110101", until="2024-07-01"))
    table.append(_duty(rows["停车乙"], "养护", "停车场", "110101", since="2024-07-01"))
    table.append(_duty(rows["城管委"], "主管", "宣传栏", "110101", priority="2"))
    return table


def _duty(
    party: dict[str, str], role: str, klass: str, place: str, *, since: str = "2023-01-01", **more: str
) -> dict[str, str]:
    """Return one duty; those for a class name it by code, and the party by its code as well."""
    found = catalogue(_EDITION).named(klass, "component") if klass else ()
    return {
        "party_name": party["name"],
        "party_code": party["code"],
        "role": role,
        "class_code": found[0].code if found else "",
        "class_name": klass,
        "place_code": place,
        "since": since,
        "until": more.get("until", ""),
        "priority": more.get("priority", "1"),
    }
