"""Damaged shapefiles: refused, taken as they were, or taken with a word about every difference."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from mutation import DEFECTS, judge

SEEDS = {1, int(os.environ.get("GRIDCITY_MUTATION_SEED", "1"))}


@pytest.mark.parametrize("seed", sorted(SEEDS))
def test_damage_is_refused_listed_or_harmless(seed: int) -> None:
    """No random damage to a good shapefile crashes, hangs, or changes an accepted row in silence."""
    found = judge(300, seed)
    assert [one for one in found if one.outcome in DEFECTS] == []
    outcomes = Counter(one.outcome for one in found)
    # The harness would prove nothing if all were refused, or none were.
    assert min(outcomes["refused"], outcomes["equal"], outcomes["listed"], outcomes["undetectable"]) > 5
