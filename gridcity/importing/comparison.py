"""What a second survey found of an inventory, object by object, as columns."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

__all__ = ["CHANGE_COLUMNS", "OBJECT_COLUMNS", "Comparison"]

Column = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The objects of a second survey: those of its rows in the order of the files, then what vanished.

    Rows that were rejected are not among them, except those that may be several objects; see the rejected
    rows of the import.

    Attributes
    ----------
    area : str
        What the survey covered, for people.
    classes : tuple of str
        Names of the classes that were looked for.
    ended_on : str
        ISO date: the vanished ones have ended on it. Empty where they were left as they are.
    kind : object array
        ``added``, ``changed``, ``unchanged``, ``vanished`` or ``ambiguous``.
    file : object array
        What the file is called in its delivery; empty where there is only one, and for what vanished.
    row : int64 array
        Record number in its file; 0 for what vanished.
    code, edition, class_code, class_name : object arrays
        Of the object; a row that may be several objects has no code.
    lng, lat : float arrays
        Degrees in the stored system, of lines and polygons the middle of the box: where the survey found
        it, and for what vanished where it had been.
    moved_m : float array
        Metres, rounded to centimetres, from the place it had; NaN where there are not two places to
        compare. Above 0 only among ``changed``.
    candidates : object array
        Of an ambiguous row: the objects it may be, with their distances.
    change_of : int64 array
        One entry per object and field that differs: the number of the object, ascending.
    field : object array
        The column of the store; ``geometry`` for the place or shape, ``cell`` for the cell it stands in.
    before, after : object arrays
        Its values; empty for ``geometry``, of which `moved_m` tells.
    """

    area: str
    classes: tuple[str, ...]
    ended_on: str
    kind: Column
    file: Column
    row: npt.NDArray[np.int64]
    code: Column
    edition: Column
    class_code: Column
    class_name: Column
    lng: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    moved_m: npt.NDArray[np.float64]
    candidates: Column
    change_of: npt.NDArray[np.int64]
    field: Column
    before: Column
    after: Column

    def __len__(self) -> int:
        return len(self.kind)

    def counts(self) -> dict[str, int]:
        """Return the number of objects of each kind; those that moved are among the changed, too."""
        moved = int((self.moved_m > 0).sum())
        found = {kind: int((self.kind == kind).sum()) for kind in _KINDS}
        return {"added": found["added"], "changed": found["changed"], "moved": moved} | found

    def move_m(self) -> tuple[float, float]:
        """Return the median and the greatest distance of those that moved; 0 where none did."""
        far = self.moved_m[self.moved_m > 0]
        return (float(np.median(far)), float(far.max())) if len(far) else (0.0, 0.0)

    def changes(self, i: int) -> list[tuple[str, str, str]]:
        """Return field, value before and value after for one object."""
        begin, end = np.searchsorted(self.change_of, [i, i + 1])
        found = self.field[begin:end], self.before[begin:end], self.after[begin:end]
        return list(zip(*(column.tolist() for column in found), strict=True))


_KINDS = ("added", "changed", "unchanged", "vanished", "ambiguous")
CHANGE_COLUMNS = ("change_of", "field", "before", "after")
"""The columns of `Comparison` with an entry per object and field."""
OBJECT_COLUMNS = tuple(
    f.name for f in fields(Comparison) if f.name not in ("area", "classes", "ended_on", *CHANGE_COLUMNS)
)
"""The columns of `Comparison` with an entry per object."""
