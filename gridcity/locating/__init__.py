"""Where a point lies and who must answer: one point without heavy imports, ten million in columns."""

from __future__ import annotations

from gridcity.locating.single import Question, locate_one
from gridcity.locating.wanted import NOTHING, Wanted, accuracy_m, wanted

__all__ = ["NOTHING", "Question", "Wanted", "accuracy_m", "locate_one", "wanted"]
