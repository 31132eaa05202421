"""The class in the name of a file: by code or by exact name, or none, with the reason."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridcity.catalogue import catalogue
from gridcity.catalogue.file_names import class_of_name

NEW, OLD = catalogue("gbt47678.5-2026"), catalogue("cjt214-2007")
TABLES = (NEW, OLD)


@pytest.mark.parametrize(
    ("stem", "edition", "zh", "reason"),
    [
        ("0101_上水井盖", "cjt214-2007", "上水井盖", "the code 0101 of cjt214-2007, 上水井盖"),
        ("路灯_点", "gbt47678.5-2026", "路灯", "holds 路灯"),
        ("路灯", "gbt47678.5-2026", "路灯", "holds 路灯"),
        ("0601", "cjt214-2007", "", "the code 0601 of cjt214-2007"),
        ("01037", "gbt47678.5-2026", "路灯", "the code 01037 of gbt47678.5-2026"),
        ("GGSS_上水井盖_2026", "cjt214-2007", "上水井盖", "holds 上水井盖"),
        ("东城区路灯", "gbt47678.5-2026", "路灯", "holds 路灯"),
        ("路灯点2026", "gbt47678.5-2026", "路灯", "holds 路灯"),
        ("路灯东区", "gbt47678.5-2026", "路灯", "holds 路灯"),
        ("A0101", "cjt214-2007", "上水井盖", "the code 0101"),
        ("路灯井盖", "gbt47678.5-2026", "路灯井盖", "holds 路灯井盖"),
        ("北新桥_燃气调压站(箱)", "gbt47678.5-2026", "", "holds 燃气调压站"),
        ("紧急报警点SOS", "gbt47678.5-2026", "", "holds 紧急报警点SOS"),
    ],
)
def test_a_name_that_names_one_class_is_that_class(stem, edition, zh, reason):
    """By the code of an edition, or by the exact Chinese name, whatever stands beside it."""
    entry, why = class_of_name(stem, TABLES)
    assert entry is not None
    assert entry.edition == edition
    assert zh in ("", entry.zh)
    assert reason in why


@pytest.mark.parametrize(
    ("stem", "reason"),
    [
        ("井盖东区", "no class; nearest:"),
        ("给水井盖", "no class; nearest:"),
        ("下水井", "no class; nearest:"),
        ("路灯杆", "no class; nearest:"),
        ("路灯_绿地", "fits several classes: "),
        ("0101_路灯", "fits several classes: "),
        ("20260101", "no class"),
        ("layer_1", "no class"),
        ("2026", "no class"),
        ("", "no class"),
    ],
)
def test_a_name_that_names_no_class_or_two_is_none(stem, reason):
    """Nothing is taken by likeness; the reason offers what is near, or names what contradicts itself."""
    entry, why = class_of_name(stem, TABLES)
    assert entry is None
    assert reason in why


def test_a_code_that_two_editions_give_to_two_classes_is_none():
    """Two editions of four digits: only a code that means the same in both is a class."""
    with warnings.catch_warnings(action="ignore"):
        middle = catalogue("gbt30428.2-2013")
    shared = {entry.code for entry in OLD.entries if entry.kind == "component"} & {
        entry.code for entry in middle.entries if entry.kind == "component"
    }
    for code in shared:
        entry, _ = class_of_name(code, (middle, OLD))
        old, new = OLD.find(code), middle.find(code)
        assert old is not None and new is not None
        assert (entry is None) == (old.zh != new.zh)


@given(st.sampled_from([entry for table in TABLES for entry in table.entries if entry.kind == "component"]))
def test_every_class_is_found_by_its_code_and_by_its_name(entry):
    """No class of an edition is hidden by another's name."""
    table = NEW if entry.edition == NEW.edition else OLD
    for stem in (f"x_{entry.code}", f"{entry.zh}_2026", f"{entry.code}{entry.zh}"):
        found, _ = class_of_name(stem, [table])
        assert found == entry


@given(st.text(max_size=20))
def test_any_text_has_an_answer_and_a_reason(stem):
    """No name breaks the search."""
    entry, why = class_of_name(stem, TABLES)
    assert why.startswith("the name ")
    assert entry is None or entry.kind == "component"
