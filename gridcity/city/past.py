"""What happened in a city, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from gridcity.city.opened import OpenCity, day_of

if TYPE_CHECKING:
    from gridcity.chronicle import Entry, Event, Retired, Undone

__all__ = ["Past"]


class Past(OpenCity):
    """Receipts, the story of one object, undo and retirement."""

    def log(self) -> tuple[Entry, ...]:
        """Return the receipts of everything that was written, the newest first."""
        from gridcity.chronicle import read_log

        with self.store.snapshot():
            return read_log(self.store)

    def history(self, code: str) -> tuple[Event, ...]:
        """Return what happened to the objects with a code; see `gridcity.chronicle.history_of`.

        Parameters
        ----------
        code : str
            Of a component, cell, area or party, also of one that has ended or was taken back.
        """
        from gridcity.chronicle import history_of

        with self.store.snapshot():
            return history_of(self.store, code)

    def undo(self, *, expected: Sequence[int] | None = None, dry_run: bool = False) -> Undone:
        """Take back the latest import that is not taken back already; see `gridcity.chronicle.undo`.

        Parameters
        ----------
        expected : sequence of int, optional
            The receipts that are to be taken back; others are refused.
        dry_run : bool, optional
            Do everything and keep nothing.

        Raises
        ------
        StoreError
            There is nothing to take back, the expected receipts are no longer the latest, or the store
            cannot be written.
        """
        from gridcity.chronicle import undo

        return undo(self.store, expected=expected, dry_run=dry_run)

    def retire(
        self, code: str, day: str | date, *, edition: str | None = None, dry_run: bool = False
    ) -> Retired:
        """End a component, a cell or a party; see `gridcity.chronicle.retire`.

        Parameters
        ----------
        code : str
            The object's.
        day : date or ISO text
            The first day on which it is no longer valid; not in the future.
        edition : str, optional
            Which of two objects that share a code is meant.
        dry_run : bool, optional
            Do everything and keep nothing.

        Raises
        ------
        ArgumentError
            There is no such object, it has ended already, or the day does not fit.
        AmbiguousCodeError
            Objects of two editions have the code.
        """
        from gridcity.chronicle import retire
        from gridcity.importing.placing import replace_components

        on = day_of(day)
        return retire(self.store, code, on, edition=edition, replace=replace_components, dry_run=dry_run)
