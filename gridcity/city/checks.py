"""What a city is held against: the rules, its duties, and the reports that came before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from gridcity.city.opened import day_of
from gridcity.city.questions import Questions

if TYPE_CHECKING:
    from pathlib import Path

    from gridcity.auditing import DutyAudit
    from gridcity.city.repeated import RepeatedReports
    from gridcity.findings import Findings

__all__ = ["Checks"]


class Checks(Questions):
    """Checks, which change nothing either."""

    def check(self) -> Findings:
        """Return what breaks a rule in the whole city; ``row`` is the object's internal id."""
        from gridcity.auditing import audit

        with self.store.snapshot():
            return audit(self.store, self.profile)

    def check_duties(
        self,
        incidents: str | Path | None = None,
        *,
        as_of: str | date | None = None,
        mapping: Any = None,
        columns: Sequence[tuple[str, str]] = (),
        **options: Any,
    ) -> DutyAudit:
        """Return where the duties of the city leave nobody, two, or the wrong party to answer.

        Parameters
        ----------
        incidents : str or Path, optional
            A file of past incidents with place and class, and with condition and the party that handled them
            where there are such columns: how many each defect touches is counted.
        as_of : date or ISO text, optional
            The day whose tables are audited; today when not given.
        mapping : Mapping, str or Path, optional
            Which column of the file is which field, and what its values mean.
        columns : sequence of (str, str), optional
            Field and column, before the mapping.
        **options
            Of the file: ``layer``, ``encoding``, ``crs``, ``datum``, ``x``, ``y``.

        Raises
        ------
        SourceError, ReferenceSystemError, MappingError
            The file is refused as a whole.
        ArgumentError
            There is no such day.
        """
        from gridcity.auditing import audit_duties
        from gridcity.intake import mapping_of
        from gridcity.intake.incidents import read_incidents

        on, past = day_of(as_of), None
        if incidents is not None:
            known, extent = mapping_of(mapping, columns), self.store.extent()
            past = read_incidents(incidents, self.profile, mapping=known, extent=extent, **options)
        with self.store.snapshot():
            return audit_duties(self.store, self.profile, self._locator(on), on, past)

    def find_repeats(
        self,
        incidents: Any,
        earlier: Any = None,
        *,
        period_h: float = 24.0,
        as_of: str | date | None = None,
        mapping: Any = None,
        columns: Sequence[tuple[str, str]] = (),
        **options: Any,
    ) -> RepeatedReports:
        """Return which reports repeat an earlier one, and how far from it they are.

        A report repeats one that was made within the period before it and is not closed: at the same
        component, else of the same class within the radius of the class where not both have a component;
        see `gridcity.repeats`.

        Parameters
        ----------
        incidents : str, Path or GeoDataFrame
            The reports, a file of any format that is imported or a frame of points: with class and time;
            with id, and with what says that a report is closed, where there is such a column. The columns
            are found by their usual names, those of the kind ``incident``.
        earlier : str, Path or GeoDataFrame, optional
            Earlier reports, read in the same way. Of a report in both files the row of ``incidents`` holds.
        period_h : float, optional
            Hours that may lie between a report and the one that it repeats; 24 was seen in one running
            system.
        as_of : date or ISO text, optional
            The day whose components are asked; today when not given.
        mapping : Mapping, str or Path, optional
            Which column is which field, and what its values mean: a mapping file, as for an import.
        columns : sequence of (str, str), optional
            Field and column, before the mapping.
        **options
            Of both files: ``layer``, ``encoding``, ``crs``, ``datum``, ``x``, ``y``; of frames ``crs`` and
            ``datum`` alone.

        Returns
        -------
        gridcity.city.repeated.RepeatedReports
            ``columns`` has a value for each row; the order of the rows makes no difference to any. Rows
            that lack a class, a time or a place in the city are named in ``errors``.

        Raises
        ------
        SourceError, ReferenceSystemError, MappingError
            A file is refused as a whole, has no column of classes or times, or times with and without an
            offset from UTC are mixed.
        ArgumentError
            The period is negative, there is no such day, or what is given is neither a file nor a frame of
            points.
        """
        from gridcity.city.repeated import repeated_reports

        with self.store.snapshot():
            return repeated_reports(
                incidents,
                earlier,
                store=self.store,
                profile=self.profile,
                locate=partial(self.locate_many, as_of=as_of),
                period_h=period_h,
                mapping=mapping,
                columns=columns,
                **options,
            )
