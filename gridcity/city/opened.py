"""An open city without its verbs: making, opening, closing, its profile."""

from __future__ import annotations

import warnings
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gridcity.city.kept import kept_as, read_kept
from gridcity.errors import ArgumentError, ProfileError
from gridcity.store.geopackage import GeoPackage

if TYPE_CHECKING:
    from pathlib import Path

    from gridcity.locating.bulk import BulkLocator
    from gridcity.profile import Profile

__all__ = ["OpenCity", "UnlistedAreaWarning", "day_of"]

_COUNTED = ("areas", "cells", "components", "parties", "duties", "receipts")


class UnlistedAreaWarning(UserWarning):
    """A city's own area code is not in the list of areas."""


class OpenCity:
    """A store that is open, with its profile."""

    def __init__(self, store: GeoPackage) -> None:
        meta = store.meta()
        self.store = store
        self.profile: Profile = read_kept(store, meta)
        self.stored_epsg = int(meta["stored_epsg"])
        self._bulk: tuple[int, dict[str, BulkLocator]] | None = None

    @classmethod
    def create(cls, path: str | Path, profile: Profile) -> Self:
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
            A local class of the profile contradicts the catalogue, or the profile was not read from a text.
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
        return cls(GeoPackage.create(path, {**kept_as(profile), "stored_epsg": str(profile.stored_epsg)}))

    @classmethod
    def open(cls, path: str | Path) -> Self:
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
            for key, value in kept_as(profile).items():
                row = tx.rows("gridcity_meta", ("fid",), {"key": key})
                if row:
                    tx.update("gridcity_meta", row[0], {"value": [value]})
                else:
                    tx.insert("gridcity_meta", {"key": [key], "value": [value]})
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
        return {table: self.store.count(table) for table in _COUNTED}


def day_of(as_of: str | date | None) -> str:
    """Return a day as ISO text, today where none is given; raise ArgumentError where it is no date."""
    if as_of is None:
        return date.today().isoformat()
    try:
        return (date.fromisoformat(as_of) if isinstance(as_of, str) else as_of).isoformat()
    except ValueError as error:
        raise ArgumentError(f"{as_of!r} is not a date.", hint="Write it as 2026-03-31.") from error
