"""Rows into a city and out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gridcity.city.opened import OpenCity, day_of

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from gridcity.importing import Import
    from gridcity.importing.components import Progress
    from gridcity.importing.delivery import Approve
    from gridcity.reporting import Inventory

__all__ = ["Rows"]


class Rows(OpenCity):
    """Imports, reports and exports."""

    def import_areas(self, path: str | Path, *, level: str | None = None, **options: Any) -> Import:
        """Take districts, streets or communities in.

        Parameters
        ----------
        path : str or Path
            Shapefile (also zipped), GeoJSON, GeoPackage, or CSV.
        level : str, optional
            ``district``, ``street`` or ``community``, where no column or code says it.
        **options
            ``mapping``, ``layer``, ``encoding``, ``crs``, ``datum``, ``key``, ``x``, ``y``,
            ``dry_run``: see `gridcity.importing.Options`.

        Raises
        ------
        SourceError, MappingError, ReferenceSystemError
            The file is refused as a whole; nothing was written.
        StoreError
            The store cannot be written; nothing was.
        """
        from gridcity.importing import Options, import_areas

        return import_areas(self.store, self.profile, path, Options(level=level, **options))

    def import_cells(
        self,
        path: str | Path,
        *,
        number: bool = False,
        edition: str | None = None,
        replaces: str | Sequence[str] = (),
        on: str | date | None = None,
        **options: Any,
    ) -> Import:
        """Take unit cells in, and make the city ready for questions about many points.

        Parameters
        ----------
        path : str or Path
            Shapefile (also zipped), GeoJSON, GeoPackage.
        number : bool, optional
            Give cells without a code the next serials of their community.
        edition : str, optional
            Edition of the file's own codes.
        replaces : str or sequence of str, optional
            Codes of current cells whose place the cells of the file take: one that is divided, several that
            become one, any number of either. They end, and their codes are never given again.
        on : date or ISO text, optional
            The day on which they end and the new ones begin, today if not given; not in the future, and not
            before the first day of one of them.
        **options
            As for `import_areas`, and ``repair``, ``allow_overlaps``; the same exceptions.

        Raises
        ------
        ArgumentError
            A replaced cell is unknown, an area, named twice or has an end already, or the day does not fit.
        """
        from gridcity.cells import cell_index
        from gridcity.importing import Options, import_cells

        former = (replaces,) if isinstance(replaces, str) else tuple(replaces)
        day = None if on is None else day_of(on)
        chosen = Options(number=number, edition=edition, replaces=former, on=day, **options)
        imported = import_cells(self.store, self.profile, path, chosen)
        if not chosen.dry_run:
            with self.store.snapshot():
                cell_index(self.store, day_of(None), keep=True).prepare()
        return imported

    def import_components(
        self,
        path: str | Path,
        *,
        class_text: str | None = None,
        edition: str | None = None,
        approve: Approve | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Import:
        """Take components in; see `gridcity.importing.import_components`.

        Parameters
        ----------
        path : str or Path
            Shapefile (also zipped), GeoJSON, GeoPackage, or CSV with coordinates; or a folder, a zip or a
            GeoPackage with a layer for each class, all taken in one transaction.
        class_text : str, optional
            Class of all rows: a code or name.
        edition : str, optional
            Edition of the file's own codes and classes.
        approve : callable, optional
            Told the layers of a delivery, with the classes that their names tell, before a row is taken;
            what it raises stops the import.
        progress : callable, optional
            Called now and then with the rows taken so far and the rows in all.
        **options
            As for `import_areas`, and ``columns``, ``pad_codes``, ``require_parties``, ``repair``; of a
            second survey ``resurvey``, ``area``, ``classes``, ``accept_vanished``, ``ended_on``. The same
            exceptions.

        Raises
        ------
        ArgumentError
            The class does not exist, or the area of a second survey is not in the city; the nearest ones
            are named.
        """
        from gridcity.importing import Options, import_components

        chosen = Options(class_text=class_text, edition=edition, **options)
        return import_components(self.store, self.profile, path, chosen, approve=approve, progress=progress)

    def import_parties(self, path: str | Path, **options: Any) -> Import:
        """Take parties in; see `gridcity.importing.import_parties`.

        Parameters
        ----------
        path : str or Path
            CSV, or another table.
        **options
            ``mapping``, ``encoding``, ``layer``, ``dry_run``: see `gridcity.importing.Options`.
        """
        from gridcity.importing import Options, import_parties

        return import_parties(self.store, self.profile, path, Options(**options))

    def import_duties(self, path: str | Path, **options: Any) -> Import:
        """Take duties in; see `gridcity.importing.import_duties`.

        Parameters
        ----------
        path : str or Path
            A table, or a layer of polygons.
        **options
            ``mapping``, ``encoding``, ``layer``, ``dry_run``, and for polygons ``crs``, ``datum``, ``key``,
            ``repair``: see `gridcity.importing.Options`.
        """
        from gridcity.importing import Options, import_duties

        return import_duties(self.store, self.profile, path, Options(**options))

    def report_inventory(self, by: Sequence[str]) -> Inventory:
        """Return the number of current components per group.

        Parameters
        ----------
        by : sequence of str
            Any of cell, community, street, district, class, major, state, party, year.

        Raises
        ------
        ArgumentError
            A group does not exist.
        """
        from gridcity.reporting import inventory

        with self.store.snapshot():
            return inventory(self.store, self.profile, by)

    def export(self, target: str | Path, *, format: str | None = None, overwrite: bool = False) -> list[Path]:  # noqa: A002
        """Write the inventory to files; see `gridcity.exporting.export`.

        Parameters
        ----------
        target : str or Path
            The file, or for a shapefile the folder.
        format : str, optional
            ``gpkg``, ``csv``, ``geojson`` or ``shapefile``; by the suffix of the target when not given.
        overwrite : bool, optional
            Replace what exists.
        """
        from gridcity.exporting import export

        with self.store.snapshot():
            return export(self.store, self.profile, target, format, overwrite=overwrite)
