"""The inventory: current components counted by place, class, state, party and year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from gridcity.errors import ArgumentError
from gridcity.responsibility import Parties, read_parties

if TYPE_CHECKING:
    import pandas as pd

    from gridcity.profile import Profile
    from gridcity.store.base import Reading

__all__ = ["DIMENSIONS", "MISSING", "Inventory", "inventory"]

MISSING: Final = "—"
"""Stands where a component has no value: no cell, no party, no date."""

DIMENSIONS: Final[Mapping[str, tuple[str, str]]] = {
    "cell": ("单元网格", "Cell"),
    "community": ("社区", "Community"),
    "street": ("街道", "Street"),
    "district": ("区县", "District"),
    "class": ("小类", "Class"),
    "major": ("大类", "Major class"),
    "state": ("状态", "State"),
    "party": ("责任单位", "Party"),
    "year": ("年份", "Year"),
}
"""What components can be counted by, each with its Chinese and English heading."""

_PLACES: Final = ("cell", "community", "street", "district")
_CELL_COLUMNS: Final = ("fid", "code", "name", "community_id", "street_id")
_COMPONENT_COLUMNS: Final = (
    "fid",
    "cell_id",
    "class_code",
    "class_name",
    "edition",
    "state",
    "maintainer_code",
    "maintainer_name",
    "owner_code",
    "owner_name",
    "supervisor_code",
    "supervisor_name",
    "initial_date",
)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The counts of a city's current components.

    Attributes
    ----------
    by : tuple of str
        The dimensions counted by, see `DIMENSIONS`.
    columns : tuple of str
        ``by`` and ``count``.
    rows : list of tuple
        One per group that occurs: a label per dimension and the count, ordered by the labels, with
        `MISSING` last.
    total : int
        All current components; the counts add up to it.
    city : str
        The city's name.
    made_at : datetime
        UTC.
    totals : dict
        ``cells``, ``coded_cells``, ``components``, ``classes`` (as edition and code), ``without_cell``,
        ``without_party``, ``parties``.
    cell_counts : dict
        Components by internal cell id, for the map.
    """

    by: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    total: int
    city: str
    made_at: datetime
    totals: dict[str, int]
    cell_counts: dict[int, int]

    def to_records(self) -> list[dict[str, Any]]:
        """Return one dictionary per row, with the columns as keys."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def to_html(self, store: Reading) -> str:
        """Return the inventory as one HTML file that needs no network.

        Parameters
        ----------
        store : Reading
            The store the inventory was made from; the cells of the map are read from it.

        Raises
        ------
        MissingPackageError
            bokeh or Jinja2 is not installed.
        """
        from gridcity.reporting.page import render

        return render(self, store)


def inventory(
    store: Reading, profile: Profile, by: Sequence[str] = (), *, made_at: datetime | None = None
) -> Inventory:
    """Count the current components of a city.

    A component counts for the cell it stands in, and through the cell for its community, street and
    district; outside every cell it counts for the areas it stands in. Classes and areas are labelled with
    code and name, so that equal names stay apart. Its party is the maintainer, where there is none the
    owner, then the supervisor; a blank, ``无`` and ``00000000`` are no party. Its year is that of the
    initial date.

    Parameters
    ----------
    store : Reading
        The city's store.
    profile : Profile
        Names the city, the district of streets without one, and local classes.
    by : sequence of str, optional
        Dimensions, see `DIMENSIONS`, each at most once; none counts everything into one row.
    made_at : datetime, optional
        When the report is made; now when not given.

    Raises
    ------
    ArgumentError
        A dimension is unknown or named twice.
    """
    import pandas as pd

    by, today = _checked(by), date.today().isoformat()
    components = pd.DataFrame(store.columns("components", _COMPONENT_COLUMNS, on=today))
    cells = pd.DataFrame(store.columns("cells", _CELL_COLUMNS))
    at = pd.Index(cells["fid"].astype("float64")).get_indexer(pd.Index(_ids(components["cell_id"])))
    party = _party(store, components)

    labels: dict[str, pd.Series[Any]] = {}
    if set(by) & set(_PLACES):
        places = _places(store, profile, cells, components, at)
        labels = {name: places[name] for name in by if name in _PLACES}
    for name in (name for name in by if name not in _PLACES):
        labels[name] = party if name == "party" else _attribute(name, components, profile)

    n = len(components)
    current = cells["fid"].isin(store.columns("cells", ("fid",), on=today)["fid"])
    per_cell = pd.Series(at[at >= 0]).value_counts()
    return Inventory(
        by=by,
        columns=(*by, "count"),
        rows=_count({name: labels[name] for name in by}) if by else [(n,)],
        total=n,
        city=profile.name or profile.area_code,
        made_at=(made_at or datetime.now(UTC)).astimezone(UTC),
        totals={
            "cells": int(current.sum()),
            "coded_cells": int((current & (cells["code"] != "")).sum()),
            "components": n,
            "classes": len(components[["edition", "class_code"]].drop_duplicates()),
            "without_cell": int((at < 0).sum()),
            "without_party": int((party == "").sum()),
            "parties": int(party[party != ""].nunique()),
        },
        cell_counts=dict(zip(cells["fid"].iloc[per_cell.index].tolist(), per_cell.tolist(), strict=True)),
    )


def _checked(by: Sequence[str]) -> tuple[str, ...]:
    wrong = [name for name in by if name not in DIMENSIONS]
    if wrong or len(set(by)) != len(by):
        raise ArgumentError(
            f"Components cannot be counted by {wrong[0]!r}."
            if wrong
            else f"A dimension is named twice: {', '.join(by)}.",
            hint=f"Possible, each once: {', '.join(DIMENSIONS)}.",
        )
    return tuple(by)


def _count(labels: Mapping[str, pd.Series[Any]]) -> list[tuple[Any, ...]]:
    """Return the groups that occur with their sizes, in the order of their labels."""
    import numpy as np
    import pandas as pd

    ranks, sorted_labels = {}, {}
    for name, series in labels.items():
        codes, found = pd.factorize(series.to_numpy(dtype=object))
        texts = np.array([text or MISSING for text in found], dtype=object)
        order = np.array(sorted(range(len(texts)), key=lambda i: (texts[i] == MISSING, texts[i])), dtype=int)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        ranks[name], sorted_labels[name] = rank[codes], texts[order]
    sizes = pd.DataFrame(ranks).groupby(list(ranks), sort=True).size().reset_index(name="count")
    columns = [sorted_labels[name][sizes[name].to_numpy()].tolist() for name in labels]
    return list(zip(*columns, sizes["count"].tolist(), strict=True))


def _ids(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return ids as floats, with -1 for none; no id comes near the 53 bits of a float."""
    import pandas as pd

    return pd.to_numeric(column).astype("float64").fillna(-1.0)


def _party(store: Reading, components: pd.DataFrame) -> pd.Series[Any]:
    """Return the name of the body that answers first; empty where there is none.

    Codes, aliases and spellings of one party are that party; each distinct one is looked up once.
    """
    import pandas as pd

    parties, on = Parties(read_parties(store)), date.today().isoformat()
    party = pd.Series("", index=components.index, dtype=object)
    for role in ("maintainer", "owner", "supervisor"):
        pairs = components[[f"{role}_code", f"{role}_name"]]
        number = pairs.groupby(list(pairs), sort=False).ngroup().to_numpy()
        distinct = pairs.drop_duplicates().itertuples(index=False, name=None)
        named = [parties.named(code.strip(), name.strip(), on) for code, name in distinct]
        names = pd.Series([(found[1] or found[0]) if found else "" for found in named], dtype=object)
        party = party.mask(party == "", pd.Series(names.to_numpy()[number], index=components.index))
    return party


def _attribute(name: str, components: pd.DataFrame, profile: Profile) -> pd.Series[Any]:
    if name == "state":
        return components["state"]
    if name == "year":
        return components["initial_date"].str.slice(0, 4)
    if name == "class":
        return (components["class_code"] + " " + components["class_name"]).str.strip()
    keys = components["edition"] + " " + components["class_code"]
    distinct = components.loc[~keys.duplicated(), ["edition", "class_code"]]
    majors = {
        f"{edition} {code}": _major(edition, code, profile)
        for edition, code in distinct.itertuples(index=False, name=None)
    }
    return keys.map(majors)


def _major(edition: str, class_code: str, profile: Profile) -> str:
    """Return code and name of a class's major class; its code alone where the catalogue has no such class."""
    from gridcity.catalogue import catalogue, extension
    from gridcity.codes import editions

    if edition in editions():
        local = tuple(extension(**entry._asdict()) for entry in profile.classes if entry.edition == edition)
        entry = catalogue(edition, local).find(class_code)
        if entry is not None:
            return f"{entry.major_code} {entry.major_zh}".strip()
    # A major class has two digits in every edition.
    return class_code[:2]


def _places(
    store: Reading, profile: Profile, cells: pd.DataFrame, components: pd.DataFrame, at: Any
) -> pd.DataFrame:
    """Return the labels of every component's cell and areas.

    The areas are those of its cell; outside every cell those whose polygon it stands in.
    """
    import numpy as np
    import pandas as pd

    areas = pd.DataFrame(store.columns("areas", ("fid", "level", "code", "name", "parent_id", "geom")))
    areas.index = pd.Index(areas["fid"].astype("float64"))
    parent, level = _ids(areas["parent_id"]), areas["level"]
    label = _unique((areas["code"] + " " + areas["name"]).str.strip(), areas["fid"])

    # Position -1, outside every cell, is the last entry.
    community = pd.Series(np.append(_ids(cells["community_id"]), -1.0)[at])
    street = pd.Series(np.append(_ids(cells["street_id"]), -1.0)[at])
    away = np.flatnonzero(at < 0)
    for name, column in (("community", community), ("street", street)):
        column[away] = _area_at(store, areas[level == name], components["fid"].iloc[away].tolist())
    street = street.mask(street < 0, community.map(parent))
    district = street.map(parent)
    district = district.where(district.map(level) == "district", community.map(parent))
    home = label[(areas["level"] == "district") & (areas["code"] == profile.area_code)]
    default = home.iloc[0] if len(home) else f"{profile.area_code} {profile.name}".strip()
    somewhere = (at >= 0) | (community >= 0) | (street >= 0)

    cell = _unique(cells["code"].mask(cells["code"] == "", cells["name"]), cells["fid"])
    found: dict[str, Any] = {"cell": np.append(cell.to_numpy(dtype=object), MISSING)[at]}
    for name, ids in (("community", community), ("street", street), ("district", district)):
        labels = ids.map(label).where(ids.map(level) == name, MISSING)
        found[name] = labels.mask((labels == MISSING) & somewhere, default) if name == "district" else labels
    return pd.DataFrame(found)


def _area_at(store: Reading, areas: pd.DataFrame, components: list[int]) -> Any:
    """Return the id of the area that each of some components stands in, -1 for none."""
    import numpy as np
    import shapely

    from gridcity.tiling.index import PolygonIndex

    drawn = areas[~shapely.is_missing(areas["geom"].to_numpy(dtype=object))]
    if drawn.empty or not components:
        return np.full(len(components), -1.0)
    shapes = store.columns("components", ("geom",), {"fid": components})["geom"]
    xy = shapely.get_coordinates(shapely.point_on_surface(shapes))
    index = PolygonIndex(drawn["fid"], drawn["code"], drawn["geom"])
    return np.append(index.ids.astype(float), -1.0)[index.winners(xy[:, 0], xy[:, 1])]


def _unique(labels: pd.Series[Any], ids: pd.Series[Any]) -> pd.Series[Any]:
    """Return labels with the internal id added where two objects share one or one has none."""
    alike = labels.duplicated(keep=False) | (labels == "")
    return labels.mask(alike, (labels + " #" + ids.astype(str)).str.strip())
