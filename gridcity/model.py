"""The nouns of the city as frozen records: parties, duties, placements, receipts.

All coordinates are longitude and latitude in degrees, in the reference system the city is stored in
(EPSG:4490 for a Chinese city, EPSG:4326 elsewhere). Dates are ISO text, ``2026-03-01``. A missing
text is an empty string, never None.

They are named tuples because one lookup from a shell loads them: a data class of as many fields takes six
times as long to make.
"""

# Without the annotations of the future: a named tuple compiles each that is text, and takes twice as long.

from typing import NamedTuple

__all__ = ["NO_PARTY", "Duty", "Party", "Placement", "Receipt"]

NO_PARTY = frozenset({"", "无", "00000000"})
"""Texts that stand where a party should be and name none, as seen in surveys."""


class Party(NamedTuple):
    """A body that supervises, owns, maintains or handles."""

    id: int
    code: str
    name: str
    kind: str
    aliases: tuple[str, ...]
    parent_code: str
    since: str
    until: str


class Duty(NamedTuple):
    """What a party answers for: a class (or every class) at a place, for a time."""

    id: int
    party_code: str
    party_name: str
    role: str
    class_kind: str
    """``component`` or ``event``."""
    class_code: str
    """Empty for every class: the territory; two digits for a major class."""
    class_name: str
    """The same class of another edition is the one with this name."""
    edition: str
    place_code: str
    """A cell or area code."""
    since: str
    until: str
    priority: int
    """The lower number goes first where two duties fit equally well."""


class Placement(NamedTuple):
    """The answer to a point: which cell, on what basis, and who must answer.

    Attributes
    ----------
    basis : str
        ``inside`` strictly inside the cell; ``edge`` on its border; ``near`` outside every cell but
        within the distance asked for; ``outside``.
    overlap : bool
        More than one cell covers the point with its inside: the cells themselves overlap.
    distance_to_border_m : float or None
        Inside or on the edge: to the cell's own border. Near or outside: to the nearest cell. Metres,
        rounded to centimetres, never negative; None in a city without cells.
    step : str
        The step of the responsibility chain that decided: ``maintainer``, ``owner``, ``supervisor``,
        ``duty``, ``territory``, or ``none``.
    next_step, next_party_name, next_party_code : str
        Who would have answered had that step not; empty when nobody.
    """

    lng: float
    lat: float
    basis: str
    cell_id: int | None
    cell_code: str
    overlap: bool
    distance_to_border_m: float | None
    community_code: str
    community_name: str
    street_code: str
    street_name: str
    district_code: str
    district_name: str
    class_code: str
    class_name: str
    component_id: int | None
    component_code: str
    component_name: str
    component_distance_m: float | None
    party_code: str
    party_name: str
    step: str
    next_party_code: str
    next_party_name: str
    next_step: str

    def as_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary, in order."""
        return self._asdict()

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Return the names of the fields, in order: the columns of `City.locate_many`."""
        return cls._fields


class Receipt(NamedTuple):
    """What one import did: its source, its balance, its options.

    ``read == added + changed + unchanged + rejected`` always holds; ``collapsed`` counts the rows
    among the unchanged that only repeated another row of the same file.
    """

    id: int
    at: str
    """UTC, ISO."""
    kind: str
    """``areas``, ``cells``, ``components``, ``parties`` or ``duties``."""
    source: str
    layer: str
    sha256: str
    system: str
    """Name of the source's reference system; empty for tables without geometry."""
    system_wkt: str
    datum: str
    encoding: str
    options: str
    """JSON."""
    read: int
    added: int
    changed: int
    unchanged: int
    rejected: int
    collapsed: int
    dry_run: bool
