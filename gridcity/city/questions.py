"""What a city is asked: where a point lies, who answers and why, what a code means, what a file is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Any

from gridcity.city.opened import OpenCity, day_of
from gridcity.errors import ArgumentError
from gridcity.model import Placement

if TYPE_CHECKING:
    from pathlib import Path

    from gridcity.explaining import Explanation
    from gridcity.inspecting import Inspection
    from gridcity.locating import Question
    from gridcity.locating.bulk import BulkLocator
    from gridcity.locating.justify import Justification

__all__ = ["Questions", "look_up"]

# A report compares today with a month and a year ago; a city of 100,000 cells takes some 50 MB a day.
_DAYS = 3


class Questions(OpenCity):
    """Questions, which change nothing."""

    def inspect(self, path: str | Path, **options: Any) -> Inspection:
        """Return what a file is before it is imported, and what to type to import it into this city.

        Parameters
        ----------
        path : str or Path
            A file, or a folder of files.
        **options
            ``layer``, ``encoding``, ``crs``, ``datum``: see `gridcity.inspecting.inspect`, which also looks
            at a file without a city.

        Raises
        ------
        SourceNotFoundError
            There is no such file. One that could not be imported says so in ``refusal``.
        """
        from gridcity.inspecting import inspect

        return inspect(path, store=self.store, profile=self.profile, **options)

    def locate(
        self,
        lng: float,
        lat: float,
        *,
        crs: str | int | None = None,
        datum: str | None = None,
        near_m: float = 0.0,
        class_text: str | None = None,
        condition: str = "",
        radius_m: float | None = None,
        accuracy: str | float | None = None,
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
        condition : str, optional
            The condition of what happened (破损, 缺失): a duty for one condition answers for it alone.
        radius_m : float, optional
            How far that component may be away; where it is not given, as far as the spacing of the class in
            this city supports, see `gridcity.spacings.radius_for`.
        accuracy : str or float, optional
            How well the place is known: class A (0.5 m), B (1 m) or C (10 m), or metres; the profile's class
            when not given. Within it a second component is as likely, and an answer across a border.
        as_of : date or ISO text, optional
            The day of the question; today when not given.

        Raises
        ------
        ArgumentError
            A coordinate is not finite or not on the globe, a distance is negative, the class, the accuracy
            or the date does not exist.
        ReferenceSystemError
            The coordinates cannot be brought to the city's system.
        """
        from gridcity.locating import locate_one

        question = self._question(class_text, condition, near_m, radius_m, accuracy, as_of)
        lng, lat = self._stored_point(lng, lat, crs, datum)
        with self.store.snapshot():
            return locate_one(self.store, self.profile, lng, lat, question)[0]

    def justify(
        self,
        lng: float,
        lat: float,
        *,
        crs: str | int | None = None,
        datum: str | None = None,
        near_m: float = 0.0,
        class_text: str | None = None,
        condition: str = "",
        radius_m: float | None = None,
        accuracy: str | float | None = None,
        as_of: str | date | None = None,
    ) -> Justification:
        """Return the answer of `locate` with all its reasons: every step, its duty, its rival, in sentences.

        Parameters
        ----------
        lng, lat, crs, datum, near_m, class_text, condition, radius_m, accuracy, as_of
            As for `locate`; the same exceptions.
        """
        from gridcity.locating.justify import justify_one

        question = self._question(class_text, condition, near_m, radius_m, accuracy, as_of)
        lng, lat = self._stored_point(lng, lat, crs, datum)
        with self.store.snapshot():
            return justify_one(self.store, self.profile, lng, lat, question)

    def _question(
        self,
        class_text: str | None,
        condition: str,
        near_m: float,
        radius_m: float | None,
        accuracy: str | float | None,
        as_of: str | date | None,
    ) -> Question:
        """Return what is asked about one point; raise ArgumentError where it cannot be asked."""
        from gridcity.locating import NOTHING, Question, accuracy_m, wanted

        on = day_of(as_of)
        _check_distances(near_m, radius_m)
        return Question(
            wanted(class_text, self.profile) if class_text else NOTHING,
            on,
            accuracy_m(accuracy, self.profile),
            near_m=near_m,
            radius_m=radius_m,
            condition=condition.strip(),
        )

    def _stored_point(
        self, lng: float, lat: float, crs: str | int | None, datum: str | None
    ) -> tuple[float, float]:
        """Return a point in the stored system; raise ArgumentError where it is none."""
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
        return float(lng), float(lat)

    def locate_many(
        self,
        lng: Any,
        lat: Any = None,
        *,
        crs: str | int | None = None,
        datum: str | None = None,
        near_m: float = 0.0,
        class_text: str | Sequence[str | None] | None = None,
        condition: str | Sequence[str | None] = "",
        radius_m: float | None = None,
        accuracy: str | float | None = None,
        as_of: str | date | None = None,
        columns: Sequence[str] | None = None,
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
        condition : str or sequence of str, optional
            One condition for all points, or one per point; empty for none.
        crs, datum, near_m, radius_m, accuracy, as_of
            As for `locate`.
        columns : sequence of str, optional
            Only these fields of `Placement`, in this order; all when not given. What none of them needs is
            not computed: ``["cell_id"]`` is many times faster than everything.

        Returns
        -------
        dict of str to numpy.ndarray, or GeoDataFrame
            The fields of `Placement` as columns; ids are -1 and distances NaN where there is none. A
            GeoDataFrame comes back with the columns appended, its index and reference system kept. A point
            that is NaN or not on the globe is ``outside``.

        Raises
        ------
        ArgumentError, ReferenceSystemError
            As for `locate`, about the call as a whole; there is no column of a name.

        Notes
        -----
        A column takes 8 bytes a point (``overlap`` 1): numbers are ``float64`` and ``int64``, texts are
        arrays of objects that share their strings, so that a thousand points of one street hold its name
        once. All columns together are some 270 bytes a point. What is held beside the columns does not grow
        with the number of points, except 16 bytes a point where they do not come as two ``float64`` arrays
        in the stored system, and 8 where each point has its own class or its own condition.
        """
        from gridcity.locating import accuracy_m
        from gridcity.locating.asking import asked_classes, asked_conditions, coordinates
        from gridcity.locating.columns import chosen_columns

        on, names = day_of(as_of), chosen_columns(columns)
        _check_distances(near_m, radius_m)
        x, y, frame = coordinates(lng, lat, crs=crs, datum=datum, stored=self.stored_epsg)
        asked, which = asked_classes(class_text, len(x), self.profile)
        conditions, of_point = asked_conditions(condition, len(x))
        with self.store.snapshot():
            found = self._locator(on).locate(
                x,
                y,
                near_m=near_m,
                radius_m=radius_m,
                wanted=asked,
                which=which,
                columns=names,
                accuracy_m=accuracy_m(accuracy, self.profile),
                conditions=conditions,
                condition=of_point,
            )
        if frame is None:
            return found
        from gridcity.frames import joined

        return joined(frame, found)

    def look_up(self, code: str, edition: str | None = None) -> list[Explanation]:
        """Return every reading of a code, with the objects the city has under it; see `look_up`."""
        from gridcity.explaining import explain

        return explain(code, edition, store=self.store, profile=self.profile)

    def _locator(self, on: str) -> BulkLocator:
        """Return the city made ready for many points; a few days are kept until the store changes."""
        from gridcity.locating.bulk import BulkLocator

        version = self.store.version()
        if self._bulk is None or self._bulk[0] != version:
            self._bulk = version, {}
        kept = self._bulk[1]
        # The day asked last stands last.
        kept[on] = kept.pop(on) if on in kept else BulkLocator(self.store, self.profile, on)
        if len(kept) > _DAYS:
            del kept[next(iter(kept))]
        return kept[on]


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


def _check_distances(near_m: float, radius_m: float | None) -> None:
    for name, value in (("near_m", near_m), ("radius_m", radius_m)):
        if value is not None and not (isfinite(value) and value >= 0):
            raise ArgumentError(f"{name} is {value}; it must be a distance of 0 m or more.")
