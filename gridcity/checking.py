"""Rules about components: columns in, findings out; the same at import and over a stored city."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridcity.catalogue import states
from gridcity.codes import CREDIT_CODE_LENGTH, credit_code
from gridcity.errors import CodeError
from gridcity.findings import Findings
from gridcity.model import NO_PARTY

__all__ = [
    "ComponentColumns",
    "check_cell_codes",
    "check_components",
    "check_credit_codes",
    "check_dates",
    "check_states",
    "districts",
    "invalid_reasons",
]

Column = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]

_COMMUNITY_DIGITS = 12
_ROLES = ("maintainer", "owner", "supervisor")
# A long code that a spreadsheet made a number: 1.11101E+17.
_SHORTENED = re.compile(r"\d\.\d+E\+\d+")
# GEOS writes the place behind the reason: Self-intersection[116.4 39.9].
_PLACE = re.compile(r"\[(?=[^\[]*\]$)")


@dataclass(frozen=True, slots=True, eq=False)
class ComponentColumns:
    """What the rules look at, one value per component.

    Attributes
    ----------
    rows : int array
        Record numbers at import, internal ids in a stored city.
    code, edition, class_code : object arrays
        Of the component; an empty code is one still to be given.
    fields : mapping of str to object array
        State, dates, bodies and the declared cell as text; dates in ISO form.
    district : object array
        Six digits of the district by geometry.
    cell_code : object array
        Code of the cell by geometry; empty where it has none.
    in_cell : bool array
        Whether the component stands in a cell at all.
    cells : int array
        Number of cells it stands in.
    known_cells : frozenset of str
        The codes of all cells of the city.
    shapes : object array or None
        The exact geometry as text; None where equal places are looked for otherwise.
    """

    rows: npt.NDArray[np.int64]
    code: Column
    edition: Column
    class_code: Column
    fields: Mapping[str, Column]
    district: Column
    cell_code: Column
    in_cell: Mask
    cells: npt.NDArray[np.int64]
    known_cells: frozenset[str]
    shapes: Column | None


def districts(community: Column, street: Column, cell: Column, *, default: str) -> Column:
    """Return the six digits of the district of each cell.

    Parameters
    ----------
    community, street, cell : object arrays
        Codes of the cell's community and street and its own, the first that is there decides; empty for
        none.
    default : str
        Where there is none of the three.
    """
    codes = zip(community, street, cell, strict=True)
    return np.array([(a or b or c)[:6] or default for a, b, c in codes] or [], dtype=object)


def check_cell_codes(rows: npt.NDArray[np.int64], code: Column, above: Column, nowhere: Mask) -> Findings:
    """Find cells without a code, and codes of another community than the one the cell lies in.

    Parameters
    ----------
    rows : int array
        What findings name.
    code : object array
        Of the cells; empty for none.
    above : object array
        Code of the community each cell lies in; empty where it has none.
    nowhere : bool array
        The cells that lie in no community at all.
    """
    found = Findings()
    uncoded = code == ""
    for where, reason in (
        (nowhere, "it lies in no community"),
        (~nowhere & (above == ""), "its community has none"),
        (above != "", "it was not numbered"),
    ):
        found.add("cell-uncoded", rows[uncoded & where], field="code", values="", reason=reason)
    coded = np.array([text[:_COMMUNITY_DIGITS] for text in code] or [], dtype=object)
    wrong = ~uncoded & (above != "") & (coded != above)
    found.add(
        "cell-code-area",
        rows[wrong],
        field="code",
        values=code[wrong].tolist(),
        coded=coded[wrong].tolist(),
        found=above[wrong].tolist(),
    )
    return found


def check_credit_codes(rows: npt.NDArray[np.int64], code: Column) -> Findings:
    """Find codes of 18 characters that are no unified social credit code, and what is left of longer numbers.

    Parameters
    ----------
    rows : int array
        What findings name.
    code : object array
        Of the parties; one of another length is a city's own and is not looked at.
    """
    found = Findings()
    for row, text in zip(rows.tolist(), code, strict=True):
        if len(text) == CREDIT_CODE_LENGTH:
            try:
                credit_code(text)
            except CodeError as error:
                found.add("credit-code", [row], field="code", values=[text], reason=error.message)
        elif _SHORTENED.fullmatch(text):
            reason = "a spreadsheet made it a number and dropped its last digits"
            found.add("credit-code", [row], field="code", values=[text], reason=reason)
    return found


def invalid_reasons(shapes: Any) -> list[str]:
    """Return why shapes are not valid, each with the place in the coordinates of the shape.

    Examples
    --------
    >>> invalid_reasons([shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])])
    ['Self-intersection at 1 1']
    """
    return [_PLACE.sub(" at ", text).rstrip("]") for text in shapely.is_valid_reason(shapes)]


def check_states(rows: npt.NDArray[np.int64], state: Column, edition: Column) -> Findings:
    """Find states that the component's edition does not have.

    Parameters
    ----------
    rows : int array
        What findings name.
    state, edition : object arrays
        Text; an empty state is only a note.
    """
    found = Findings()
    for name in dict.fromkeys(edition[edition != ""].tolist()):
        possible = states(name)
        wrong = (edition == name) & (state != "") & ~pd.Series(state).isin(possible).to_numpy()
        found.add(
            "state-unknown",
            rows[wrong],
            field="state",
            values=state[wrong].tolist(),
            possible=", ".join(possible),
        )
    found.add("state-missing", rows[state == ""], field="state")
    return found


def check_dates(rows: npt.NDArray[np.int64], initial: Column, changed: Column, *, today: str) -> Findings:
    """Find dates in the future, and changes before the beginning.

    Parameters
    ----------
    rows : int array
        What findings name.
    initial, changed : object arrays
        ISO dates; empty where there is none.
    today : str
        ISO date.
    """
    found = Findings()
    first, last = initial, changed
    for name, dates in (("initial_date", first), ("changed_date", last)):
        late = np.asarray(dates > today, dtype=bool)
        found.add("date-future", rows[late], field=name, values=dates[late].tolist())
    wrong = np.asarray((last != "") & (first != "") & (last < first), dtype=bool)
    found.add(
        "date-order",
        rows[wrong],
        field="changed_date",
        values=last[wrong].tolist(),
        initial=first[wrong].tolist(),
    )
    found.add("date-missing", rows[first == ""], field="initial_date")
    return found


def check_components(table: ComponentColumns) -> Findings:
    """Hold codes, cells and bodies of components against their place.

    None of these rules costs a row: what the survey says and what the map says differ, and a person
    must look.
    """
    found = Findings()
    _check_codes(table, found)
    _check_cells(table, found)
    _check_parties(table, found)
    _check_places(table, found)
    return found


def _add(
    findings: Findings, rule: str, table: ComponentColumns, where: Mask, field: str, **columns: Any
) -> None:
    chosen = {name: column[where].tolist() for name, column in columns.items()}
    findings.add(rule, table.rows[where], field=field, **chosen)


def _check_codes(table: ComponentColumns, found: Findings) -> None:
    """Digits 1-6 of a code name the district, the next four or five the class."""
    coded = table.code != ""
    district = np.array([code[:6] for code in table.code] or [], dtype=object)
    wrong = coded & (district != table.district)
    _add(
        found,
        "component-code-district",
        table,
        wrong,
        "code",
        values=table.code,
        coded=district,
        there=table.district,
    )
    pairs = zip(table.code, table.class_code, strict=True)
    klass = np.array([code[6 : 6 + len(of_class)] for code, of_class in pairs] or [], dtype=object)
    wrong = coded & (klass != table.class_code)
    _add(
        found,
        "component-code-class",
        table,
        wrong,
        "code",
        values=table.code,
        coded=klass,
        stated=table.class_code,
    )


def _check_cells(table: ComponentColumns, found: Findings) -> None:
    _add(found, "component-outside", table, ~table.in_cell, "geometry")
    declared = table.fields["declared_cell"]
    wrong = (declared != "") & (table.cell_code != "") & (declared != table.cell_code)
    known = np.zeros(len(declared), dtype=bool)
    known[wrong] = [code in table.known_cells for code in declared[wrong]]
    for rule, where in (("component-cell", wrong & known), ("component-cell-unknown", wrong & ~known)):
        _add(found, rule, table, where, "cell_code", values=declared, there=table.cell_code)
    several = table.cells > 1
    counted = np.full(len(several), "", dtype=object)
    counted[several] = [f"{n} cells" for n in table.cells[several]]
    _add(found, "component-many-cells", table, several, "geometry", values=counted)


def _check_parties(table: ComponentColumns, found: Findings) -> None:
    unnamed = np.ones(len(table.rows), dtype=bool)
    for role in _ROLES:
        for part in ("code", "name"):
            rest = np.flatnonzero(unnamed)
            unnamed[rest] = pd.Series(table.fields[f"{role}_{part}"][rest]).isin(list(NO_PARTY))
    _add(found, "component-no-party", table, unnamed, "maintainer_name")


def _check_places(table: ComponentColumns, found: Findings) -> None:
    """Two objects of one class at exactly one place are likely one object surveyed twice."""
    if table.shapes is None:
        return
    place = pd.Series(table.edition + "\x1f" + table.class_code + "\x1f" + table.shapes)
    shared = place.duplicated(keep=False).to_numpy()
    if not shared.any():
        return
    at = np.flatnonzero(shared)
    following = (
        pd.Series(at).groupby(place[at].to_numpy()).transform(lambda group: np.roll(group, -1)).to_numpy()
    )
    other = np.full(len(table.rows), "", dtype=object)
    other[at] = [table.code[i] or f"row {table.rows[i]}" for i in following]
    _add(found, "component-place-shared", table, shared, "geometry", values=table.class_code, other=other)
