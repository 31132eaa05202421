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
    """What a party answers for: a class (or every class) at a place, for a time.

    Attributes
    ----------
    role : str
        ``handler``, ``maintainer``, ``owner`` or ``supervisor``.
    class_kind : str
        ``component`` or ``event``.
    class_code : str
        Empty for every class: the territory; two digits for a major class.
    class_name : str
        The same class of another edition is the one with this name.
    condition : str
        The registering condition of the class that it is for; empty for every one.
    place_code : str
        A cell, area or component code; where the duty has a polygon of its own its code, if any.
    place_name : str
        Name of the place, where the duty has a polygon of its own.
    priority : int
        The lower number goes first where two duties fit equally well.
    note : str
        What the duty rests on: an agreement, a notice, a contract.
    area_m2 : float or None
        Of a polygon of its own, a park, a road, a market; None without one.
    """

    id: int
    party_code: str
    party_name: str
    role: str
    class_kind: str
    class_code: str
    class_name: str
    edition: str
    place_code: str
    since: str
    until: str
    priority: int
    condition: str = ""
    place_name: str = ""
    note: str = ""
    area_m2: float | None = None


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
        The step of the responsibility chain that decided, see `gridcity.responsibility`; or ``none``.
    next_step, next_party_name, next_party_code : str
        Who would have answered had that step not; empty when nobody.
    component_cell_code : str
        The cell that the component stands in, whose duties and territory answer for it.
    cells_differ : bool
        There is a component, and it stands in another cell than the point; or one of the two in none.
    other_component_id, other_component_code, other_component_distance_m
        A second component that is as likely: the positional accuracy does not tell it from the nearest.
    unowned : bool
        A component for which only the territory answers, or nobody (无责任主体).
    passed : str
        The steps before the one that decided, each with the reason why it did not:
        ``maintainer=blank; owner=ended``. The reasons are `gridcity.responsibility.REASONS`.
    duty_place : str
        Code of the place, or name of the polygon, of the duty that decided; empty where none did.
    across_party_code, across_party_name : str
        Another party that answers so near that the positional accuracy leaves the answer open; empty where
        it does not.
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
    component_cell_code: str = ""
    cells_differ: bool = False
    other_component_id: int | None = None
    other_component_code: str = ""
    other_component_distance_m: float | None = None
    unowned: bool = False
    passed: str = ""
    duty_place: str = ""
    across_party_code: str = ""
    across_party_name: str = ""

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
