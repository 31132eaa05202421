"""The components of some classes, in columns, and which of them are nearest to each of many points."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.locating.columns import Column
from gridcity.proximity import Neighbours
from gridcity.responsibility import BODIES, Klass, roles_of
from gridcity.store.base import Reading

__all__ = ["Components"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FIELDS: Final = ("fid", "code", "name", "edition", "class_code", "class_name", "cell_id", "geom")


class Components:
    """Components of some classes as they were on one day.

    Parameters
    ----------
    store : Reading
        The city's store, read here.
    classes : frozenset of (edition, code)
        The classes.
    on : str
        ISO date on which the components must be valid.

    Attributes
    ----------
    columns : dict of str to array
        ``component_id``, ``component_code``, ``component_name``, and last of each what stands for none.
    classes : list of Klass
        Their distinct classes, and ``klass`` the number of each component's.
    roles : list of Roles
        The distinct bodies they name, and ``role`` the number of each component's.
    codes : object array
        Code of each component.
    cell_id : int64 array
        The cell that each was given when it was stored, -1 for none.
    """

    def __init__(self, store: Reading, classes: frozenset[tuple[str, str]], on: str) -> None:
        # Without a class there is nothing to look for, in however many rows.
        where = {"class_code": sorted({code for _, code in classes})} if classes else {"fid": []}
        table = store.columns("components", (*_FIELDS, *BODIES), where, on=on)
        self._ids, self._shapes = table["fid"].astype(np.int64), table["geom"]
        self.codes = table["code"]
        self.cell_id: Ints = np.array([-1 if i is None else i for i in table["cell_id"]], dtype=np.int64)
        self.columns: dict[str, Column] = {
            "component_id": np.append(self._ids, -1),
            "component_code": np.append(self.codes, ""),
            "component_name": np.append(table["name"], ""),
        }
        texts = (table[name] for name in ("edition", "class_code", "class_name"))
        keys = [Klass("component", *text) for text in zip(*texts, strict=True)]
        numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        self.classes = list(numbers)
        self.klass: Ints = np.array([numbers[key] for key in keys], dtype=np.int64)
        bodies = list(zip(*(table[name] for name in BODIES), strict=True))
        role_numbers = {body: i for i, body in enumerate(dict.fromkeys(bodies))}
        self.roles = [roles_of(names) for names in role_numbers]
        self.role: Ints = np.array([role_numbers[body] for body in bodies], dtype=np.int64)
        self._indexes: dict[frozenset[tuple[str, str]], tuple[Ints, Neighbours]] = {}

    def there(self, classes: frozenset[tuple[str, str]]) -> bool:
        """Return whether there is any component of some classes."""
        return any((key.edition, key.code) in classes for key in self.classes)

    @cached_property
    def place(self) -> tuple[Floats, Floats]:
        """Longitude and latitude of the first vertex of each component."""
        xy, shape = shapely.get_coordinates(self._shapes, return_index=True)
        first = np.full((len(self._shapes), 2), np.nan)
        begin = np.flatnonzero(np.diff(shape, prepend=-1))
        first[shape[begin]] = xy[begin]
        return first[:, 0], first[:, 1]

    def nearest(
        self, classes: frozenset[tuple[str, str]], lng: Floats, lat: Floats, radius_m: float
    ) -> tuple[Ints, Floats]:
        """Return position and distance in metres of the nearest component of some of the classes.

        Parameters
        ----------
        classes : frozenset of (edition, code)
            Those asked for together.
        lng, lat : float arrays
            Degrees; NaN finds nothing.
        radius_m : float
            How far a component may be.

        Returns
        -------
        position : int64 array
            -1 where none is within the radius.
        distance_m : float array
            NaN where there is none.
        """
        chosen, index = self._index(classes)
        found, metres = index.nearest(lng, lat, radius_m)
        return chosen.take(found, mode="wrap"), metres

    def two_nearest(
        self, classes: frozenset[tuple[str, str]], lng: Floats, lat: Floats, radius_m: float, open_m: float
    ) -> tuple[Ints, Floats, Ints, Floats]:
        """Return position and distance of the nearest component, and of a second as likely as it.

        Parameters
        ----------
        classes, lng, lat, radius_m
            As for `nearest`.
        open_m : float
            How much farther than the nearest the second may be; see `gridcity.locating.nearby`.

        Returns
        -------
        position, distance_m, other, other_distance_m : arrays
            -1 and NaN where there is none.
        """
        chosen, index = self._index(classes)
        found, metres, other, other_m = index.two_nearest(lng, lat, radius_m, open_m)
        return chosen.take(found, mode="wrap"), metres, chosen.take(other, mode="wrap"), other_m

    def _index(self, classes: frozenset[tuple[str, str]]) -> tuple[Ints, Neighbours]:
        """Return the positions of the components of some classes, and last -1 for none, with their index."""
        if classes not in self._indexes:
            numbers = [i for i, key in enumerate(self.classes) if (key.edition, key.code) in classes]
            chosen = np.flatnonzero(np.isin(self.klass, numbers))
            index = Neighbours(self._ids[chosen], self.codes[chosen], self._shapes[chosen])
            self._indexes[classes] = np.append(chosen, -1), index
        return self._indexes[classes]
