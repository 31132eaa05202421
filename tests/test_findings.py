"""Rules and findings: one sentence each, filled row by row."""

from __future__ import annotations

import string
import tracemalloc

import numpy as np
import pytest

from gridcity.findings import RULES, Findings

FIELDS = sorted(
    {
        name
        for rule in RULES.values()
        for text in (rule.sentence, rule.hint)
        for _, name, _, _ in string.Formatter().parse(text)
        if name
    }
)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_rule_is_a_sentence_with_a_hint(rule: object) -> None:
    """Every rule has a known severity, a sentence without a full stop and a hint with one, both fillable."""
    assert rule.severity in ("error", "warning", "note")  # type: ignore[attr-defined]
    found = Findings()
    facts = dict.fromkeys(FIELDS, "样例")
    found.add(rule.id, [7], field="code", values=facts.pop("value"), **facts)  # type: ignore[attr-defined]
    (finding,) = found
    assert (finding.rule, finding.row, finding.field, finding.value) == (rule.id, 7, "code", "样例")  # type: ignore[attr-defined]
    assert not finding.message.endswith(".")
    assert finding.hint.endswith(".")
    assert "{" not in finding.message + finding.hint


def test_rules_are_named_by_their_ids() -> None:
    """The table is keyed by the id of each rule, and every id is lower case with hyphens."""
    assert all(name == rule.id for name, rule in RULES.items())
    assert all(set(name) <= set(string.ascii_lowercase + "-") for name in RULES)


def test_columns_are_one_value_per_row() -> None:
    """Lists, tuples and arrays are spread over the rows; a single text stands for all of them."""
    found = Findings()
    found.add("component-cell", [1, 2], field="cell_code", values=np.array(["a", "b"]), there=("x", "y"))
    found.add("component-cell", np.array([3, 4]), values="c", there="z")
    assert [(f.row, f.value, f.message) for f in found] == [
        (1, "a", "the row names cell 'a', the object stands in x"),
        (2, "b", "the row names cell 'b', the object stands in y"),
        (3, "c", "the row names cell 'c', the object stands in z"),
        (4, "c", "the row names cell 'c', the object stands in z"),
    ]
    assert all(type(f.row) is int for f in found)


def test_no_rows_no_finding() -> None:
    """A rule for no row leaves nothing, and an unknown rule is an error even then."""
    found = Findings()
    found.add("state-missing", [])
    assert (len(found), list(found), found.counts()) == (0, [], {})
    with pytest.raises(KeyError):
        found.add("no-such-rule", [])


def test_counts_stand_in_the_order_of_the_rules() -> None:
    """Counts add up over batches, errors first, whatever the order they came in."""
    found = Findings()
    found.add("state-missing", [1, 2])
    found.add("geometry-missing", [3])
    found.add("state-missing", [4])
    assert list(found.counts().items()) == [("geometry-missing", 1), ("state-missing", 3)]
    assert len(found) == 4


def test_only_errors_reject() -> None:
    """Warnings, notes and findings about the whole file cost no row."""
    found = Findings()
    found.add("duplicate-identical", [1], other=2)
    found.add("state-missing", [2])
    found.add("column-unused", [None], values="X")
    found.add("geometry-missing", [5, 3])
    assert found.rejected_rows() == {3, 5}


def test_findings_of_some_severities() -> None:
    """`severe` gives the findings of the severities asked for, in their order, and none without one."""
    found = Findings()
    found.add("state-missing", [1])
    found.add("geometry-missing", [2, 3])
    found.add("component-outside", [4])
    assert [f.row for f in found.severe("error", "warning")] == [2, 3, 4]
    assert [f.row for f in found.severe("note")] == [1]
    assert list(found.severe()) == []


def test_selection_and_table_leave_the_original_alone() -> None:
    """`only` keeps the rows asked for with their facts, `within` names the table; the first stays."""
    found = Findings()
    found.add("component-cell", [1, 2, 3], field="cell_code", values=["a", "b", "c"], there=["x", "y", "z"])
    found.add("state-missing", [9], field="state")
    kept = found.only({3, 1})
    assert [(f.row, f.value, f.message[-1]) for f in kept] == [(1, "a", "x"), (3, "c", "z")]
    named = found.within("components", {"cell_code": "declared_cell"})
    assert [f.field for f in named][::3] == ["components.declared_cell", "components.state"]
    assert [f.field for f in found][::3] == ["cell_code", "state"]
    kept.extend(found)
    assert (len(kept), len(found)) == (6, 4)


def test_braces_in_data_are_data() -> None:
    """A value with braces or per cent signs is shown as it stands and fills nothing."""
    found = Findings()
    found.add("state-unknown", [1], values="{possible} %s {0}", possible="完好")
    assert next(iter(found)).message == "'{possible} %s {0}' is no state; possible: 完好"


def test_rows_of_an_array_cost_eight_bytes() -> None:
    """A note of a hundred thousand rows keeps the array it was given and one text for all of them."""
    rows = np.arange(1, 100_001)
    found = Findings()
    found.add("state-missing", rows, field="state", values="")
    tracemalloc.start()
    more = Findings()
    more.add("state-missing", rows, field="state", values="")
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 10_000
    assert (len(found), found.counts()) == (100_000, {"state-missing": 100_000})
    kept = found.only({5, 100_000, None})
    assert [(f.row, f.value) for f in kept] == [(5, ""), (100_000, "")]
    assert all(type(f.row) is int for f in kept)
