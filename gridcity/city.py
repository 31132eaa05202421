"""One city: its store, its profile, and the verbs of this library.

>>> from gridcity import City                                  # doctest: +SKIP
>>> city = City.open("demo/city.gpkg")                         # doctest: +SKIP
>>> city.locate(116.41, 39.93, class_text="路灯").party_name    # doctest: +SKIP
'样例路灯管理处'
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import date
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gridcity.errors import ArgumentError, ProfileError
from gridcity.model import Placement
from gridcity.profile import Profile, parse_profile
from gridcity.store.geopackage import TABLES, GeoPackage

if TYPE_CHECKING:
    from gridcity.explaining import Explanation
    from gridcity.findings import Findings
    from gridcity.importing import Import
    from gridcity.locating.bulk import BulkLocator
    from gridcity.reporting import Inventory

__all__ = ["City", "UnlistedAreaWarning", "look_up"]


class UnlistedAreaWarning(UserWarning):
    """A city's own area code is not in the list of areas."""


_COUNTED = ("areas", "cells", "components", "parties", "duties", "receipts")


class City:
    """An open city.

    Opening one loads nothing heavy; the methods load what they need. A city can be used in a ``with``
    statement. It holds no lock between calls.
    """

    def __init__(self, store: GeoPackage) -> None:
        meta = store.meta()
        self.store = store
        self.profile: Profile = parse_profile(
            meta["profile"], where=f"the profile in {store.path.name}", stored=True
        )
        self.stored_epsg = int(meta["stored_epsg"])
        self._bulk: tuple[tuple[str, int], BulkLocator] | None = None

    @classmethod
    def create(cls, path: str | Path, profile: Profile) -> City:
        """Make a new, empty city.

        Parameters
        ----------
        path : str or Path
            The GeoPackage to make; nothing may exist there.
        profile : Profile
            From `gridcity.profile.read_profile`; it is kept in the store.

        Raises
        ------
        StoreError
            Something exists at the path, or the folder cannot be written.
        ProfileError
            A local class of the profile contradicts the catalogue.
        """
        from gridcity.catalogue import area_name

        profile.catalogues()
        if profile.in_china and area_name(profile.area_code) is None:
            warnings.warn(
                f"The area code {profile.area_code} is not in the list of areas of 2023. A city here is "
                "a district, a county or a city without districts; check it before codes are given.",
                UnlistedAreaWarning,
                stacklevel=2,
            )
        meta = {"profile": profile.text, "name": profile.name, "stored_epsg": str(profile.stored_epsg)}
        return cls(GeoPackage.create(path, meta))

    @classmethod
    def open(cls, path: str | Path) -> City:
        """Open a city.

        Raises
        ------
        CityNotFoundError
            There is no file at the path.
        StoreError
            The file is no city of gridcity, or one of another version.
        """
        return cls(GeoPackage(path))

    def update_profile(self, profile: Profile) -> None:
        """Give the city another profile: a new alias, digits, a local class, another order of steps.

        What is stored stays as it is; the next import, answer or check follows the new profile.

        Parameters
        ----------
        profile : Profile
            Of the same city.

        Raises
        ------
        ProfileError
            The profile has another area code, or a local class that contradicts the catalogue.
        StoreError
            The store cannot be written.
        """
        if profile.area_code != self.profile.area_code:
            raise ProfileError(
                f"The city's area code is {self.profile.area_code}, the profile's {profile.area_code}.",
                hint="Another area code is another city: make it with gridcity init.",
            )
        profile.catalogues()
        with self.store.transaction() as tx:
            for key, value in (("profile", profile.text), ("name", profile.name)):
                (row,) = tx.rows("gridcity_meta", ("fid",), {"key": key})
                tx.update("gridcity_meta", row, {"value": [value]})
        self.profile = profile
        self._bulk = None

    @property
    def path(self) -> Path:
        """Where the city is kept."""
        return self.store.path

    def close(self) -> None:
        """Close the city; closing twice is no error."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {table}" for table, n in self.summary().items())
        return f"<City {self.profile.name} at {self.path}: {counts}>"

    def summary(self) -> dict[str, int]:
        """Return the number of areas, cells, components, parties, duties and receipts."""
        return {table: self.store.count(table) for table in TABLES if table in _COUNTED}

    # Rows in.

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
        self, path: str | Path, *, number: bool = False, edition: str | None = None, **options: Any
    ) -> Import:
        """Take unit cells in.

        Parameters
        ----------
        path : str or Path
            Shapefile (also zipped), GeoJSON, GeoPackage.
        number : bool, optional
            Give cells without a code the next serials of their community.
        edition : str, optional
            Edition of the file's own codes.
        **options
            As for `import_areas`; the same exceptions.
        """
        from gridcity.importing import Options, import_cells

        return import_cells(
            self.store, self.profile, path, Options(number=number, edition=edition, **options)
        )

    def import_components(
        self, path: str | Path, *, class_text: str | None = None, edition: str | None = None, **options: Any
    ) -> Import:
        """Take components in.

        Parameters
        ----------
        path : str or Path
            Shapefile (also zipped), GeoJSON, GeoPackage, or CSV with coordinates.
        class_text : str, optional
            Class of all rows: a code or name.
        edition : str, optional
            Edition of the file's own codes and classes.
        **options
            As for `import_areas`; the same exceptions.

        Raises
        ------
        ArgumentError
            The class does not exist; the nearest ones are named.
        """
        from gridcity.importing import Options, import_components

        return import_components(
            self.store, self.profile, path, Options(class_text=class_text, edition=edition, **options)
        )

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
            CSV, or another table.
        **options
            ``mapping``, ``encoding``, ``layer``, ``dry_run``: see `gridcity.importing.Options`.
        """
        from gridcity.importing import Options, import_duties

        return import_duties(self.store, self.profile, path, Options(**options))

    # Questions.

    def locate(
        self,
        lng: float,
        lat: float,
        *,
        crs: str | int | None = None,
        datum: str | None = None,
        near_m: float = 0.0,
        class_text: str | None = None,
        radius_m: float = 50.0,
        as_of: str | date | None = None,
    ) -> Placement:
        """Return the cell of a point and the party that must answer.

        Parameters
        ----------
        lng, lat : float
            Longitude and latitude in degrees in the stored system; with ``crs`` easting and northing in
            that system, with ``datum`` (``gcj02``, ``bd09``, ``wgs84``, ``cgcs2000``) degrees of that datum.
        near_m : float, optional
            A point outside every cell is given the nearest one within this distance; 0 gives none.
        class_text : str, optional
            The class of what happened: a code, a name, or a part of a name (井盖). The nearest component of
            the class is named, and its bodies answer.
        radius_m : float, optional
            How far that component may be away.
        as_of : date or ISO text, optional
            The day of the question; today when not given.

        Raises
        ------
        ArgumentError
            A coordinate is not finite or not on the globe, a distance is negative, the class or the date
            does not exist.
        ReferenceSystemError
            The coordinates cannot be brought to the city's system.
        """
        from gridcity.locating import NOTHING, locate_one, wanted

        on = _day(as_of)
        _check_distances(near_m, radius_m)
        if not (isfinite(lng) and isfinite(lat)):
            raise ArgumentError(f"The point {lng} {lat} is not finite.", hint="Give two numbers.")
        if crs is not None or datum is not None:
            from gridcity.crs import reference_system, to_lnglat

            system = reference_system(crs, datum)
            lng, lat = (float(n) for n in to_lnglat(lng, lat, system, stored=self.stored_epsg))
        if not (-180 <= lng <= 180 and -90 <= lat <= 90):
            raise ArgumentError(
                f"The point {lng} {lat} is not on the globe.",
                hint="Longitude comes first; eastings and northings need --crs.",
                code="E_COORD_RANGE",
            )
        with self.store.snapshot():
            return locate_one(
                self.store,
                self.profile,
                float(lng),
                float(lat),
                near_m=near_m,
                radius_m=radius_m,
                wanted=wanted(class_text, self.profile) if class_text else NOTHING,
                on=on,
            )

    def locate_many(
        self,
        lng: Any,
        lat: Any = None,
        *,
        crs: str | int | None = None,
        datum: str | None = None,
        near_m: float = 0.0,
        class_text: str | Sequence[str | None] | None = None,
        radius_m: float = 50.0,
        as_of: str | date | None = None,
    ) -> Any:
        """Return the placements of many points, the same that `locate` gives one by one.

        Parameters
        ----------
        lng, lat : sequences of float
            As for `locate`. Instead of both: an array of shapely points, or a GeoDataFrame of points, whose
            own reference system is used unless ``crs`` or ``datum`` says otherwise.
        class_text : str or sequence of str, optional
            One class for all points, or one per point; empty for none. In a sequence, a text that names no
            class finds no component and leaves ``class_name`` empty.
        crs, datum, near_m, radius_m, as_of
            As for `locate`.

        Returns
        -------
        dict of str to numpy.ndarray, or GeoDataFrame
            The fields of `Placement` as columns; ids are -1 and distances NaN where there is none. A
            GeoDataFrame comes back with the columns appended, its index and reference system kept. A point
            that is NaN or not on the globe is ``outside``.

        Raises
        ------
        ArgumentError, ReferenceSystemError
            As for `locate`, about the call as a whole.
        """
        import numpy as np

        from gridcity.locating.asking import asked_classes, coordinates

        on = _day(as_of)
        _check_distances(near_m, radius_m)
        x, y, frame = coordinates(lng, lat, crs=crs, datum=datum, stored=self.stored_epsg)
        on_globe = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        asked, which = asked_classes(class_text, len(x), self.profile)
        with self.store.snapshot():
            columns = self._locator(on).locate(
                np.where(on_globe, x, np.nan),
                np.where(on_globe, y, np.nan),
                near_m=near_m,
                radius_m=radius_m,
                wanted=asked,
                which=which,
            )
        if frame is None:
            return columns
        from gridcity.frames import joined

        return joined(frame, columns)

    def look_up(self, code: str, edition: str | None = None) -> list[Explanation]:
        """Return every reading of a code, with the objects the city has under it; see `look_up`."""
        from gridcity.explaining import explain

        return explain(code, edition, store=self.store, profile=self.profile)

    def check(self) -> Findings:
        """Return what breaks a rule in the whole city; ``row`` is the object's internal id."""
        from gridcity.auditing import audit

        with self.store.snapshot():
            return audit(self.store, self.profile)

    # Rows out.

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
            return export(self.store, self.profile, Path(target), format, overwrite=overwrite)

    def _locator(self, on: str) -> BulkLocator:
        """Return the city made ready for many points; kept until the store or the day changes."""
        from gridcity.locating.bulk import BulkLocator

        key = on, self.store.version()
        if self._bulk is None or self._bulk[0] != key:
            self._bulk = key, BulkLocator(self.store, self.profile, on)
        return self._bulk[1]


def look_up(code: str, edition: str | None = None) -> list[Explanation]:
    """Return every reading of a code.

    Parameters
    ----------
    code : str
        A code of any kind: area, cell, component, class, unified social credit code, BeiDou grid code.
    edition : str, optional
        Only readings under this edition.

    Raises
    ------
    CodeError
        The text is no code; the message names the wrong position.
    """
    from gridcity.explaining import explain

    return explain(code, edition)


def _day(as_of: str | date | None) -> str:
    if as_of is None:
        return date.today().isoformat()
    try:
        return (date.fromisoformat(as_of) if isinstance(as_of, str) else as_of).isoformat()
    except ValueError as error:
        raise ArgumentError(f"{as_of!r} is not a date.", hint="Write it as 2026-03-31.") from error


def _check_distances(near_m: float, radius_m: float) -> None:
    for name, value in (("near_m", near_m), ("radius_m", radius_m)):
        if not (isfinite(value) and value >= 0):
            raise ArgumentError(f"{name} is {value}; it must be a distance of 0 m or more.")
