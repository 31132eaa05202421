"""The audit of the duties as one HTML file: a map of the cells, the rules, the defects, the incidents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gridcity.findings import RULES
from gridcity.reporting.cellmap import EMPTY_COLOUR, cell_map
from gridcity.reporting.shell import page, require_packages, shown

if TYPE_CHECKING:
    from gridcity.auditing.duties import DutyAudit, IncidentCounts
    from gridcity.store.base import Reading

__all__ = ["MOST_ROWS", "render"]

MOST_ROWS: Final = 500
"""Defects of one rule that are written, those first that touch most incidents."""

_TEMPLATE: Final = Path(__file__).with_name("page.html.j2")
_TOTALS: Final = {
    "cells": ("单元网格", "Cells"),
    "components": ("部件", "Components"),
    "pairs": ("网格·小类", "Cells by class"),
    "duties": ("职责", "Duties"),
    "parties": ("责任单位", "Parties"),
}
# Of `gridcity.auditing.duties.WORST`, told apart by those, too, who do not see red or green.
_WORST: Final = (
    ("无缺陷", "nothing found", EMPTY_COLOUR),
    ("仅属地负责", "only the territory answers", "#a6cee3"),
    ("单位或职责已失效", "a party or duty has ended", "#b2a1c7"),
    ("超出辖区", "outside the party's territory", "#f0c929"),
    ("重复认领", "claimed by two", "#e8862e"),
    ("无人负责", "nobody answers", "#a50f15"),
)
_RULES: Final = {
    "cell-no-party": "网格内无责任单位",
    "component-no-answer": "部件无责任单位",
    "component-unowned": "部件仅由属地负责",
    "component-claimed-twice": "部件被重复认领",
    "component-party-ended": "部件所列单位已失效",
    "party-outside": "单位超出辖区",
    "party-unknown": "单位不存在",
    "place-unknown": "地点不存在",
    "duty-overlap": "职责重叠",
    "duty-gap": "职责中断",
    "duty-party-period": "职责超出单位存续期",
    "duty-expired": "职责到期无接续",
    "duty-place-ended": "职责所在网格已撤销",
    "party-orphan": "单位无职责",
    "party-name-shared": "单位名称重复",
    "party-parent-unknown": "上级单位不存在",
    "party-parent-cycle": "上级单位循环",
}
_COUNTS: Final = {
    "rows": ("案件", "Incidents"),
    "judged": ("已判定", "Judged"),
    "outside": ("网格外", "In no cell"),
    "nobody": ("无人负责", "Nobody answers"),
    "by_order": ("两家同权", "Claimed by two"),
    "ended": ("指向已失效单位", "To what has ended"),
    "outside_territory": ("超出辖区", "Outside the territory"),
    "told": ("已知处置单位", "Handler known"),
    "misrouted": ("派错", "Misrouted"),
}


def render(audit: DutyAudit, store: Reading) -> str:
    """Return the page for an audit.

    Raises
    ------
    MissingPackageError
        bokeh or Jinja2 is not installed.
    """
    require_packages()
    scripts, place = _map(audit, store)
    rules = audit.rules()
    counts = {rule: number for rule, number, _ in rules}
    return page(
        _TEMPLATE,
        scripts=scripts,
        city=shown(audit.city),
        on=audit.on,
        made_at=audit.made_at,
        totals=[(*_TOTALS[key], audit.totals[key]) for key in _TOTALS],
        incidents=audit.incidents is not None,
        past=_past(audit.incidents),
        confusion=[
            (shown(expected), shown(answer), n)
            for expected, answer, n in (audit.incidents.confusion if audit.incidents else ())[:MOST_ROWS]
        ],
        rules=[
            (rule, _RULES.get(rule, ""), RULES[rule].severity, number, touched)
            for rule, number, touched in rules
        ],
        sections=[
            (rule, _RULES.get(rule, ""), counts[rule], shown(rows[0]["hint"]), [_row(one) for one in rows])
            for rule, rows in audit.by_rule(MOST_ROWS).items()
        ],
        most_rows=MOST_ROWS,
        key=[
            (colour, zh, en, int((audit.cells["worst"] == i).sum()))
            for i, (zh, en, colour) in enumerate(_WORST)
        ],
        place=place,
    )


def _past(counts: IncidentCounts | None) -> list[tuple[str, str, int]]:
    return [] if counts is None else [(*_COUNTS[key], getattr(counts, key)) for key in _COUNTS]


def _row(record: dict[str, Any]) -> tuple[str, str, str, str, int]:
    place = record["place"] or f"#{record['row']}"
    at = f"{record['lng']:.6f} {record['lat']:.6f}" if record["lng"] == record["lng"] else ""
    klass = f"{record['class_code']} {record['class_name']}".strip()
    return shown(place), at, shown(klass), shown(record["message"]), record["incidents"]


def _map(audit: DutyAudit, store: Reading) -> tuple[list[str], str]:
    """Return the scripts of the map and the element it appears in; nothing for a city without cells."""
    from bokeh.models import LinearColorMapper

    ids = audit.cells["cell_id"].tolist()
    worst = audit.cells["worst"].tolist()
    columns: dict[str, dict[int, Any]] = {
        "worst": dict(zip(ids, worst, strict=True)),
        "said": {i: f"{_WORST[n][0]} {_WORST[n][1]}" for i, n in zip(ids, worst, strict=True)},
        "defects": dict(zip(ids, audit.cells["defects"].tolist(), strict=True)),
        "incidents": dict(zip(ids, audit.cells["incidents"].tolist(), strict=True)),
    }
    tooltips = [("最重 Worst", "@said"), ("缺陷 Defects", "@defects{0,0}")]
    if audit.incidents is not None:
        tooltips.append(("受影响案件 Incidents", "@incidents{0,0}"))
    colours = LinearColorMapper(palette=[colour for _, _, colour in _WORST], low=-0.5, high=len(_WORST) - 0.5)
    return cell_map(store, audit.on, columns, colours=colours, tooltips=tooltips)
