"""What happened to a city, and the way back: receipts, the story of one object, undoing, ending."""

from __future__ import annotations

from gridcity.chronicle.receipts import Entry, read_log
from gridcity.chronicle.retiring import Retired, retire
from gridcity.chronicle.story import Change, Event, code_hint, history_of
from gridcity.chronicle.undoing import Undone, latest, undo

__all__ = [
    "Change",
    "Entry",
    "Event",
    "Retired",
    "Undone",
    "code_hint",
    "history_of",
    "latest",
    "read_log",
    "retire",
    "undo",
]
