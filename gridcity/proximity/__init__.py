"""How near components stand to a point, to one another and to those of an earlier survey."""

from gridcity.proximity.doubles import Match, Near, Spacing, match_by_place, near_duplicates, spacing
from gridcity.proximity.nearest import Neighbours
from gridcity.proximity.twice import surveyed_twice

__all__ = [
    "Match",
    "Near",
    "Neighbours",
    "Spacing",
    "match_by_place",
    "near_duplicates",
    "spacing",
    "surveyed_twice",
]
