"""Reports: how many components the city has, by place, class, state, party or year."""

from __future__ import annotations

from gridcity.reporting.counts import DIMENSIONS, MISSING, Inventory, inventory

__all__ = ["DIMENSIONS", "MISSING", "Inventory", "inventory"]
