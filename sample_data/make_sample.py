"""Write the sample city: an invented piece of Beijing Dongcheng as surveyors would deliver it.

    python sample_data/make_sample.py [FOLDER]

Area codes and names are those of the list of areas; everything else is invented and comes from one
seed, so that two runs write the same rows. What is wrong on purpose is listed in flaws.csv.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from bodies import duties, parties
from delivery import Packing, write_csv, write_shapefile
from flaws import NOTES, REJECTS, WARNS, Planter, plant_cells
from furniture import LAST_DAY, LOCAL_CLASS, Item, Layer, make_components
from grounds import EVENT_COLUMNS, EVENTS, event_duties, place_duties
from incidents import make_incidents
from numpy.random import Generator
from street_net import DISTRICT, UNLISTED, StreetNet, make_net

from gridcity.catalogue import area_name

SEED = 20260701
_RENAMED = "110101008017"
# A class whose components name no party, so that what was agreed for one of them decides.
_AGREED = "户外健身设施"
FLAW_COLUMNS = ("file", "row", "rule", "stage", "count", "note")

_PROFILE = f"""\
# Choices of the sample city. Everything but area codes and names is invented.

[city]
name = "北京市东城区（样例）"
area_code = "{DISTRICT}"
edition = "gbt47678.5-2026"
older_edition = "cjt214-2007"

[areas.digits]
"样例社区" = "901"

[aliases]
"南锣" = "南锣鼓巷"

[columns]
"所属街道" = "parent_name"

[[classes]]
kind = "component"
edition = "gbt47678.5-2026"
code = "{LOCAL_CLASS[0]}"
name = "{LOCAL_CLASS[1]}"
geometry = "point"

[responsibility]
component = ["maintainer", "owner", "supervisor", "agreed", "ground", "duty", "territory"]
event = ["duty", "territory", "authority"]
"""

# Places are drawn by lot, and so some objects of one class came to stand where they look surveyed twice.
# How near that is depends on the class's own spacing: the numbers are those that an import counts.
_BY_LOT = {
    "components_covers.zip": ("component-near", 14, "covers that the lot put side by side"),
    "components_facilities.zip": ("component-near", 20, "objects that the lot put side by side"),
    "components_green.zip": ("component-near", 4, "objects that the lot put side by side"),
    "components_lines.zip": ("component-overlap", 26, "railings that the lot put along one kerb twice"),
    "components_poles.zip": ("component-near", 22, "poles that the lot put side by side"),
}

Flaw = dict[str, object]


def make_sample(folder: Path) -> None:
    """Write all files of the sample into a folder.

    Parameters
    ----------
    folder : Path
        Exists; files of the same names are replaced.
    """
    rng = np.random.default_rng(SEED)
    net = make_net(rng)
    streets = sorted(set(net.community_streets))
    bodies = parties(streets)
    flaws: list[Flaw] = []
    layers = [_streets(net), _communities(net, flaws), _cells(net, rng)]
    components = make_components(net, bodies, rng)
    Planter({layer.name: layer for layer in components}, net, rng).plant()
    for layer in (*layers, *components):
        if layer.name not in ("areas_streets.zip", "areas_communities.zip"):
            layer.items = [layer.items[k] for k in rng.permutation(len(layer.items))]
        flaws += _deliver(layer, folder)
    flaws += _write_bodies(folder, bodies, streets, [code for code in net.community_codes if code])
    agreed = min(item.row["GLBJBSM"] for layer in components for item in layer.sound(_AGREED))
    flaws += _deliver(place_duties(net, bodies, agreed), folder)
    events, event_flaws = event_duties(bodies)
    write_csv(folder / EVENTS, EVENT_COLUMNS, events)
    flaws += [_flaw(EVENTS, row, rule, stage, note) for row, rule, stage, note in event_flaws]
    sound = [item for layer in components for item in layer.sound()]
    incidents = make_incidents(net, sound, rng)
    write_csv(folder / "incidents.csv", tuple(incidents[0]), incidents)
    order = {layer.name: k for k, layer in enumerate((*layers, *components))}
    flaws.sort(key=lambda flaw: (order.get(str(flaw["file"]), 99), str(flaw["file"]), flaw["row"] or 0))
    write_csv(folder / "flaws.csv", FLAW_COLUMNS, flaws)
    (folder / "profile.toml").write_text(_PROFILE, encoding="utf-8", newline="\n")


def _streets(net: StreetNet) -> Layer:
    fields = {"编码": ("C", 9, 0), "名称": ("C", 40, 0)}
    items = [
        Item(polygon, {"编码": code, "名称": area_name(code) or ""})
        for code, polygon in net.street_polygons().items()
    ]
    return Layer("areas_streets.zip", "Polygon", Packing("街道界", 0x4D), fields, items)


def _communities(net: StreetNet, flaws: list[Flaw]) -> Layer:
    """Return the communities: every third with its code and full name, the others by their usual name."""
    fields = {"编码": ("C", 12, 0), "名称": ("C", 60, 0), "所属街道": ("C", 40, 0)}
    items = []
    for k, polygon in enumerate(net.community_polygons()):
        code, name = net.community_codes[k], net.community_names[k]
        coded = bool(code) and (k % 3 == 0 or code == _RENAMED)
        usual = name.removesuffix("居委会") if k % 2 else name.removesuffix("社区居委会")
        row = {"编码": code if coded else "", "名称": name if coded else usual}
        row["所属街道"] = area_name(net.community_streets[k]) or ""
        item = Item(polygon, row)
        if name == "南锣鼓巷社区居委会":
            item.row.update({"编码": "", "名称": "南锣"})
        elif name == UNLISTED["110101008"]:
            item.flaws.append(("area-unlisted", WARNS, "a community that the list of areas does not have"))
            count = net.cell_community.count(k)
            note = f"the cells of {name}, which has no code"
            flaws.append(_flaw("cells.zip", None, "cell-uncoded", WARNS, note, count))
        elif code == _RENAMED:
            item.row["名称"] = "东总布南社区居委会"
            item.flaws.append(("area-code-name", WARNS, f"the list calls {code} {name}"))
        items.append(item)
    return Layer("areas_communities.zip", "Polygon", Packing("communities", 0x00), fields, items)


def _cells(net: StreetNet, rng: Generator) -> Layer:
    """Return the cells, without codes, in no order; the surveyor's column is one nobody reads."""
    fields = {"面积": ("N", 12, 2), "初始日期": ("C", 8, 0), "备注": ("C", 40, 0), "测绘员": ("C", 10, 0)}
    items = []
    for cell in net.cells:
        day = str(LAST_DAY - int(rng.integers(0, 60))).replace("-", "")
        row = {
            "面积": f"{cell.area:.2f}",
            "初始日期": day,
            "测绘员": str(rng.choice(["甲组", "乙组", "丙组"])),
        }
        items.append(Item(cell, row | {"备注": "沿街商业" if rng.random() < 0.05 else ""}))
    plant_cells(items, net)
    return Layer("cells.zip", "Polygon", Packing("单元网格/单元网格", 0x4D, "GBK"), fields, items)


def _deliver(layer: Layer, folder: Path) -> list[Flaw]:
    """Write one file and return its flaws, now that every record has its row."""
    write_shapefile(
        folder / layer.name,
        [item.geometry for item in layer.items],
        layer.geometry_type,
        layer.fields,
        [item.row for item in layer.items],
        layer.packing,
        [k for k, item in enumerate(layer.items) if item.deleted],
    )
    found = [
        _flaw(layer.name, _row_of(layer, number, rule), rule, stage, note)
        for number, item in enumerate(layer.items, 1)
        for rule, stage, note in item.flaws
    ]
    if layer.packing.code_page == "UTF-8":
        note = "the .cpg says UTF-8, the bytes are GBK"
        found.append(_flaw(layer.name, None, "encoding-declared", WARNS, note))
    if any(item.deleted for item in layer.items):
        found.append(_flaw(layer.name, None, "row-deleted", NOTES, "one record is marked as deleted"))
    if "测绘员" in layer.fields:
        found.append(_flaw(layer.name, None, "column-unused", NOTES, "测绘员 is no field of a cell"))
    nobody = [item for item in layer.sound() if item.row.get("GLBJMC") and not item.row.get("ZGBMMC")]
    if nobody:
        note = "classes whose survey names nobody: the duty table answers"
        found.append(_flaw(layer.name, None, "component-no-party", NOTES, note, len(nobody)))
    if layer.name in _BY_LOT:
        rule, count, note = _BY_LOT[layer.name]
        found.append(_flaw(layer.name, None, rule, WARNS, note, count))
    return found


def _row_of(layer: Layer, number: int, rule: str) -> int:
    """Return the row of a finding: of two records, repetitions at the later, overlaps at the first."""
    choice = {"duplicate-identical": max, "cell-overlap": min}.get(rule)
    if choice is None:
        return number
    partner = layer.items[number - 1].partner
    other = next(k for k, item in enumerate(layer.items, 1) if item is partner)
    return choice(number, other)


def _write_bodies(
    folder: Path, bodies: dict[str, dict[str, str]], streets: list[str], communities: list[str]
) -> list[Flaw]:
    """Write parties.csv and duties.csv with their flaws."""
    rows = list(bodies.values())
    code = rows[0]["code"]
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    rows.append({"code": wrong, "name": "样例报刊亭服务公司", "kind": "企业", "aliases": ""})
    write_csv(folder / "parties.csv", tuple(rows[0]), rows)
    flaws = [_flaw("parties.csv", len(rows), "credit-code", WARNS, "wrong check character")]
    table = duties(bodies, streets, communities)
    columns = tuple(table[0])
    for change, rule, note in (
        (
            {"party_name": "样例不存在公司", "party_code": ""},
            "party-unknown",
            "a party that was not delivered",
        ),
        ({"place_code": "110101099"}, "place-unknown", "a street that was not delivered"),
        ({"class_code": "", "class_name": "飞行汽车"}, "class-unknown", "a class that does not exist"),
    ):
        table.append(table[len(streets)] | change)
        flaws.append(_flaw("duties.csv", len(table), rule, REJECTS, note))
    write_csv(folder / "duties.csv", columns, table)
    return flaws


def _flaw(file: str, row: int | None, rule: str, stage: str, note: str, count: int = 1) -> Flaw:
    number = "" if row is None else row
    return {"file": file, "row": number, "rule": rule, "stage": stage, "count": count, "note": note}


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    target.mkdir(parents=True, exist_ok=True)
    make_sample(target)
    size = sum(file.stat().st_size for file in target.iterdir() if file.suffix in (".zip", ".csv", ".toml"))
    print(f"{target}: {size / 1e6:.2f} MB")
