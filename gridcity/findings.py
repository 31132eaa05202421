"""Findings: what is wrong with the data, row by row, as records.

A finding never stops a run. It names a rule, the row of the source, the field, what was found and
what to do. A rule of severity ``error`` costs the row it was found in (at import the row is
rejected and kept); ``warning`` and ``note`` cost nothing.

Findings are kept in batches, one per rule and call, so that a million equal findings cost an array
and not a million objects; iterating yields one `Finding` per row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["RULES", "Finding", "Findings", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule about the data.

    Attributes
    ----------
    id : str
        The stable name, for example ``component-code-class``.
    severity : str
        ``error``, ``warning`` or ``note``.
    sentence : str
        A template for `str.format` with ``value`` and the facts of the call.
    hint : str
        What to do about it; a template like the sentence.
    """

    id: str
    severity: str
    sentence: str
    hint: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken by one row.

    Attributes
    ----------
    rule, severity : str
        See `Rule`.
    row : int or None
        Record number in the source, counted from 1 without the header; in a check of a stored city
        the internal id of the object. None when the finding is about the whole file.
    field : str
        The field or column, empty when the finding is about the row.
    value : str
        What was found, as text.
    message, hint : str
        The rule's sentences filled in.
    """

    rule: str
    severity: str
    row: int | None
    field: str
    value: str
    message: str
    hint: str


def _table(*rules: Rule) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


# fmt: off
RULES: dict[str, Rule] = _table(
    # rows that cannot be taken
    Rule("geometry-missing", "error", "the row has no geometry", "Locate the object and deliver the row again."),
    Rule("geometry-kind", "error", "a {value} where {expected} is needed", "Deliver the object as {expected}."),
    Rule("geometry-invalid", "error", "the geometry is not valid: {value}", "Mend it in a GIS and deliver the row again."),
    Rule("geometry-vertices", "error", "the shape has {value} vertices, more than {limit}", "Divide the object, or draw it with fewer vertices."),
    Rule("coordinate-not-finite", "error", "a coordinate is not a finite number, or has no place in the reference system", "Correct the coordinates, or name their reference system with --crs."),
    Rule("coordinate-range", "error", "{value} is no longitude and latitude", "Longitude comes first: exchange the two if they are swapped, or name their reference system with --crs."),
    Rule("outside-city", "error", "the object lies at {value}, outside the city's extent", "Check the reference system of the row, or import the area it lies in first, or what lies between."),
    Rule("code-malformed", "error", "the code {value!r} cannot be read: {reason}", "Correct the code at its source, or leave it blank to be given one."),
    Rule("code-zero-lost", "error", "the code {value!r} has lost its leading zero; it was {padded}", "Deliver codes as text, or give --pad-codes."),
    Rule("code-ambiguous", "error", "the code {value!r} has several readings: {reason}", "Say which edition with --edition, or older_edition in the profile."),
    Rule("code-duplicate", "error", "the code {value!r} is also on row {other}, with other content", "One object, one code: correct one of the two rows."),
    Rule("code-retired", "error", "the code {value!r} was retired on {other} and is never given again", "Leave the code blank to be given a new one."),
    Rule("cell-code-taken", "error", "the code {value!r} is that of a current cell that is not replaced", "Name that cell with --replaces too, or leave the code blank to be given a new one."),
    Rule("cell-period", "error", "the row says {value}, but the new cells begin on {day} and have no end", "Correct the date or leave it blank, or name the day with --on."),
    Rule("key-duplicate", "error", "the key {value!r} is also on row {other}, with other content", "A key column holds each value once: choose another with --key."),
    Rule("place-duplicate", "error", "row {other} has the same class at exactly the same place and says something else", "If they are two objects, name the column that tells them apart with --key; else deliver one of them."),
    Rule("delivery-duplicate", "error", "{what} also stands on {other}", "One object, one row: leave it out of one of the files, or name the column that tells the objects apart with --key."),
    Rule("resurvey-ambiguous", "error", "the row may be any of several objects, or one object any of several rows: {value}", "Give the row the code of its object, or leave it out and survey the place again."),
    Rule("level-missing", "error", "nothing says whether {value!r} is a district, a street or a community", "Give --level, or deliver its code."),
    Rule("class-missing", "error", "the row names no class", "Give --class, or map a column to class_code or class_name."),
    Rule("class-unknown", "error", "{value!r} is no class of {edition}; nearest: {nearest}", "Correct the class, translate it in the mapping, or add a local class to the profile."),
    Rule("state-unknown", "error", "{value!r} is no state; possible: {possible}", "Correct the state, or translate it in the mapping under [values.state]."),
    Rule("date-malformed", "error", "{value!r} is not a date{reason}", "Write dates as YYYYMMDD or YYYY-MM-DD."),
    Rule("date-future", "error", "the date {value} lies in the future", "Correct the date at its source."),
    Rule("date-order", "error", "changed on {value}, before the initial date {initial}", "Correct one of the two dates."),
    Rule("period-order", "error", "ends on {value}, which is not after its beginning on {since}", "Correct one of the two dates; the end is the first day on which it no longer holds."),
    Rule("role-unknown", "error", "{value!r} is no role of a duty; possible: {possible}", "Correct the role, or translate it in the mapping under [values.role]."),
    Rule("area-elsewhere", "error", "{value!r} is in {listed}, the city in {own}", "Check the file; if it is an area of this city, deliver its code or give its digits in the profile."),
    Rule("level-code", "error", "the row is a {value}, its code {code} is that of a {coded}", "Correct the level or the code."),
    Rule("number-malformed", "error", "{value!r} is not a whole number", "Correct the number at its source."),
    Rule("name-missing", "error", "the row has no name and no code", "Deliver at least one of the two."),
    Rule("party-unknown", "error", "{value!r} is no party of this city{more}", "Import the party first, correct its code, or add the name to its aliases."),
    Rule("party-ambiguous", "error", "{value!r} names several parties that are valid together: {others}", "Give the code of the one that is meant."),
    Rule("place-unknown", "error", "{value!r} is no place of this city{more}", "Import the cell, area or component first, correct its code or name, or add the name to the profile's aliases; a road or a park needs a polygon."),
    Rule("place-ambiguous", "error", "{value!r} is the name of several places: {others}", "Give the code of the one that is meant."),
    Rule("duty-two-places", "error", "the row names two places: {value} and {other}", "Leave one of them blank; the code of a polygon is a code of its own."),
    Rule("duty-other-class", "warning", "the duty is for {value}, the component {component} is a {named}: it never answers", "Correct the class or the component's code; without a class the duty is for the component whatever it is."),
    Rule("duty-condition", "error", "the condition {value!r} is of no class", "Name the class whose condition it is."),
    Rule("value-unreadable", "error", "the bytes {value} are not {encoding} text", "Correct the value, or name the encoding with --encoding."),
    Rule("record-unreadable", "error", "the record in {value} cannot be read: {reason}", "Correct that line at its source and deliver the file again."),
    Rule("number-digits", "error", "the cell holds the number {value}, of whose digits a spreadsheet keeps 15 only", "Format the column as text, type the codes anew, and deliver the file again."),
    Rule("formula-uncomputed", "error", "the formula of the cell has no computed value", "Open the file in a spreadsheet program, save it, and deliver it again."),
    Rule("time-missing", "error", "the report has no time", "Deliver the time at which the report was made."),
    Rule("time-malformed", "error", "{value!r} is not a time", "Write times as YYYY-MM-DD HH:MM."),
    Rule("incident-id", "error", "the id {value!r} is also on row {other}, with other content", "One report, one row: correct one of them, or leave it out."),
    # rows that are taken, with a doubt
    Rule("duplicate-identical", "warning", "the row repeats row {other} and was taken once", "Nothing to do; deliver each object once."),
    Rule("point-and-polygon", "warning", "{value!r} arrived as a point and as a line or polygon, which is kept", "Nothing to do; deliver each object once."),
    Rule("geometry-repaired", "warning", "the polygon was not valid ({value}) and was mended: {before} m² became {after} m²", "Compare it with the survey; without --repair the row is rejected."),
    Rule("geometry-large", "warning", "the shape has {value} vertices; questions about it are slow", "Check whether several objects were drawn as one, or a scan was traced."),
    Rule("code-padded", "warning", "the code {value!r} had lost its leading zero and was read as {padded}", "Nothing to do; deliver codes as text next time."),
    Rule("component-code-district", "warning", "the code {value!r} names district {coded}, the object stands in {there}", "Check the place; if it is right, the code was given by mistake."),
    Rule("component-code-class", "warning", "the code {value!r} names class {coded}, the row says {stated}", "Correct the class or the code."),
    Rule("component-cell", "warning", "the row names cell {value!r}, the object stands in {there}", "Check the place; the cell by geometry is kept."),
    Rule("component-cell-unknown", "note", "the row names cell {value!r}, which this city does not have; the object stands in {there}", "Nothing to do where the survey has an older numbering."),
    Rule("class-name-other", "warning", "the row is called {value!r}, which is the class {named}; it was taken as {stated}", "Check the file: rows of several classes need a column that names the class, not one class for all."),
    Rule("component-moved", "warning", "the object lies {value} m from where it was", "Check the code or key: it may be that of another object."),
    Rule("datum-suspect", "warning", "as {declared}, {value} points lie in the places that their rows name ({off}); as {datum} {other} would", "Ask where the coordinates come from; if that datum is right, import the file again with it (--datum)."),
    Rule("datum-assumed", "warning", "the file declares no reference system; by RFC 7946 it was read as WGS 84", "Coordinates of web maps and phones are GCJ-02 in China: then import it with --datum gcj02."),
    Rule("component-ended-here", "warning", "the {mark} is that of {value}, which ended on {until}; the row was taken as a new object", "If the object never went, take this import and that end back with gridcity undo; else nothing to do."),
    Rule("component-outside", "warning", "the object stands in no cell", "Check the place, or import the missing cells."),
    Rule("component-many-cells", "note", "the object crosses {value}; the largest share decides", "Nothing to do."),
    Rule("component-no-party", "note", "no maintainer, owner or supervisor is named", "Complete the survey; until then the duty table and the territory answer."),
    Rule("component-place-shared", "warning", "another component of class {value} stands at exactly the same place: {other}", "Check whether one object was surveyed twice."),
    Rule("component-party-unknown", "warning", "no party of this city has the code {value!r}", "Import the party first, or correct the code; --require-parties rejects such rows."),
    Rule("component-near", "warning", "another component of class {value} stands {distance} m away: {other}", "Check whether one object was surveyed twice."),
    Rule("component-vanished", "warning", "the component {value}, {name}, at {place} lies in the area and no row of the survey is it", "Ask whether it is gone; with --accept-vanished all of these are ended, with gridcity retire a single one."),
    Rule("component-overlap", "warning", "the shape coincides by {value} with another of its class: {other}", "Check whether one object was surveyed twice."),
    Rule("state-missing", "note", "the row names no state", "Complete the survey."),
    Rule("date-missing", "note", "the row has no initial date", "Complete the survey."),
    Rule("credit-code", "warning", "{value!r} is no unified social credit code: {reason}", "Correct the party's code."),
    Rule("area-unlisted", "warning", "{value!r} is not in the list of areas below {within}; nearest: {nearest}", "Add an alias or its digits to the profile, or deliver its code."),
    Rule("area-other-city", "warning", "{value!r} has the code {code}, the city's own begin with {digits}", "Check that it belongs to this city."),
    Rule("area-code-name", "warning", "the list names {code} {listed!r}, the row says {value!r}", "Check the code; the row's name is kept."),
    Rule("area-whole-street", "note", "the street is one community, {value}, by the profile", "Nothing to do."),
    Rule("area-parent", "warning", "{value!r} lies in no {parent} of this city", "Import the {parent} areas first."),
    Rule("cell-uncoded", "warning", "the cell has no code: {reason}", "Import its community, or set community_of_street in the profile; then import the cells again with --number."),
    Rule("cell-code-area", "warning", "the code {value!r} names community {coded}, the cell lies in {found}", "Check the code and the place."),
    Rule("cell-overlap", "warning", "the cell overlaps cell {other} by {value} m²", "Correct the border; the edge rule decides for points in both."),
    Rule("cell-gap", "warning", "a gap of {value} m², narrower than {width} m, lies between the cell and its neighbours at {place}", "Draw the common border once: a point in the gap is in no cell."),
    Rule("cell-replaced-area", "warning", "{value} m² of the replaced cells lie in no new cell, and {outside} m² of the new cells outside the replaced ones", "Compare the borders; gridcity undo takes the replacement back."),
    Rule("duty-place-ended", "warning", "the duty of {party} stands at {value}, which ended on {until}{successors}", "Deliver a duty at the cells that are there now: nothing is carried over."),
    Rule("duty-overlap", "warning", "{other} has the same duty from {value}: two answer at once", "End one of the two, or say by their priority which goes first."),
    Rule("duty-gap", "warning", "by this duty nobody answers from {value}: {before} ends before {after} begins", "Correct one of the two dates if there is to be no gap; an end is the first day on which the duty no longer holds."),
    Rule("duty-party-period", "warning", "the duty holds from {value}, on days on which {party} is not valid ({valid}): then it does not answer", "End the duty with its party, or correct the dates of one of them."),
    Rule("party-parent-unknown", "warning", "no party of this city has the code {value!r} of the parent", "Import the parent too, or correct its code."),
    Rule("party-parent-cycle", "warning", "the party is its own parent: {value}", "Correct the parent of one of them."),
    Rule("party-name-shared", "warning", "{value!r} is a name or alias of {other} too, valid at the same time", "Rows that give the name alone are rejected: give codes, or take the alias from one of them."),
    Rule("cell-no-party", "warning", "nobody answers for {value} in the cell; components of it that stand there: {components}", "Deliver a duty for the class, or a territory for the place; where a component is known, its own bodies go first."),
    Rule("component-no-answer", "warning", "nobody answers for this component of class {value}", "Complete its bodies, or deliver a duty for the class or a territory for the place."),
    Rule("component-unowned", "note", "no more than the territory answers for this component of class {value}: {party}", "Settle whose it is; until then the territory answers."),
    Rule("component-claimed-twice", "warning", "{party} and {other} claim this component of class {value} with the same right", "End one of the two duties, or give them priorities; where their polygons cross, correct the borders."),
    Rule("component-party-ended", "warning", "the component names {value} as its {role}, which is not valid that day", "Import the component again with the party that has taken over."),
    Rule("party-outside", "warning", "{party} answers at {value}, outside its own territory: {territory}", "Check the place and the party; where both are right, deliver the territory it has there."),
    Rule("duty-expired", "warning", "the duty of {party} ended on {value}, and nothing follows it", "Deliver who has taken over; if nobody is meant to, nothing."),
    Rule("party-orphan", "warning", "{value} has no duty, no component names it, and it is no parent", "Deliver its duties, or end it: gridcity retire, or its last day (until) in a table of parties."),
    Rule("cell-serials-full", "warning", "community {value} has used all {limit} serials; the cell stays uncoded", "Divide the community, or use an edition with more digits."),
    Rule("code-serials-full", "error", "all {limit} serials of class {value} in district {district} are used", "Serials are never given twice: use a local class of the profile."),
    Rule("column-unused", "note", "the column {value!r} matches no field and was not read", "Map it with --map or in a mapping file if it is needed{nearest}."),
    Rule("encoding-declared", "warning", "{value} is declared, the bytes are {found}", "Nothing to do; the text was read as {found}."),
    Rule("value-cut", "warning", "the text {value!r} was cut in the middle of a character by the field's width", "Deliver the full text in a wider field."),
    Rule("index-rebuilt", "warning", "{value}; it was made anew from the .shp, in a temporary folder", "Nothing to do; all rows were read."),
    Rule("text-control", "warning", "the text {value!r} has control characters or marks of writing direction, which are kept", "Remove them at the source."),
    Rule("value-encoding", "error", "the text {value!r} is UTF-8 in a table that is {encoding}", "Export the table again in one encoding."),
    Rule("row-deleted", "note", "rows marked as deleted, which were not read: {value}", "Nothing to do."),
    Rule("cell-error", "warning", "the cell holds the error {value} and was read as empty", "Correct the formula at its source where the value is needed."),
    Rule("formula-value", "warning", "cells with formulas, of which the values of the last computation were read: {value}", "Check that the file was computed anew before it was saved."),
    Rule("cells-merged", "warning", "merged cells, each of whose rows was read with the value they share: {value}", "Check that the value holds for every one of these rows."),
    Rule("sheet-hidden", "note", "hidden sheets, which were not read: {value}", "Name one with --layer if it is wanted."),
    Rule("incident-state", "warning", "{value!r} does not say whether the report is closed; it counts as open", "Translate it in a mapping: open or closed under [values.{column}]."),
    Rule("incident-closed-at", "warning", "{value!r} is not a time; unless its state says that it is closed, the report counts as open", "Write times as YYYY-MM-DD HH:MM."),
    Rule("geometry-z", "note", "rows with heights or measures, which are not kept: {value}", "Nothing to do."),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class _Same:
    """One value that stands for every row, whatever its number."""

    value: object

    def __getitem__(self, at: object) -> object:
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """One rule for several rows; an array of record numbers stays one, of eight bytes a row."""

    rule: Rule
    rows: Any
    field: str
    values: Any
    facts: tuple[tuple[str, Any], ...]

    def chosen(self, wanted: Collection[int | None]) -> _Batch:
        """Return the batch with some rows only."""
        if hasattr(self.rows, "dtype"):
            import numpy as np

            numbers = [row for row in wanted if row is not None]
            at = np.flatnonzero(np.isin(self.rows, np.array(numbers, dtype=np.int64))).tolist()
            rows = self.rows[at]
        else:
            at = [i for i, row in enumerate(self.rows) if row in wanted]
            rows = [self.rows[i] for i in at]
        facts = tuple((name, _taken(column, at)) for name, column in self.facts)
        return _Batch(self.rule, rows, self.field, _taken(self.values, at), facts)

    def __iter__(self) -> Iterator[Finding]:
        for i, row in enumerate(self.rows):
            facts = {name: column[i] for name, column in self.facts}
            value = self.values[i]
            text = "" if value is None else str(value)
            yield Finding(
                rule=self.rule.id,
                severity=self.rule.severity,
                row=None if row is None else int(row),
                field=self.field,
                value=text,
                message=self.rule.sentence.format(value=text, **facts),
                hint=self.rule.hint.format(value=text, **facts),
            )


@dataclass(slots=True)
class Findings:
    """A growing collection of findings.

    Examples
    --------
    >>> found = Findings()
    >>> found.add("state-unknown", [3, 8], field="state", values=["??", "ok"], possible="完好, 破损")
    >>> len(found), found.counts()
    (2, {'state-unknown': 2})
    >>> [f.row for f in found]
    [3, 8]
    """

    _batches: list[_Batch] = field(default_factory=list)

    def add(
        self,
        rule: str,
        rows: Iterable[int | None],
        *,
        field: str = "",
        values: Any = None,
        **facts: object,
    ) -> None:
        """Record one rule for several rows.

        Parameters
        ----------
        rule : str
            An id of `RULES`.
        rows : iterable of int or None
            Record numbers; nothing is recorded when there are none.
        field : str, optional
            The field that was looked at.
        values : sequence or str, optional
            What was found, one per row, or one text for all.
        **facts
            What the rule's sentence names besides, one per row (list, tuple or array) or one for all.

        Raises
        ------
        KeyError
            The rule does not exist.
        """
        known = RULES[rule]
        numbers: Any = rows if hasattr(rows, "dtype") else list(rows)
        if not len(numbers):
            return
        columns = tuple((name, _column(fact)) for name, fact in facts.items())
        self._batches.append(_Batch(known, numbers, field, _column(values), columns))

    def extend(self, other: Findings) -> None:
        """Take over all findings of another collection."""
        self._batches.extend(other._batches)

    def only(self, rows: Collection[int | None]) -> Findings:
        """Return the findings about some rows."""
        chosen = [batch.chosen(rows) for batch in self._batches]
        return Findings([batch for batch in chosen if len(batch.rows)])

    def within(self, table: str, columns: Mapping[str, str]) -> Findings:
        """Return the same findings with fields as columns of a table; those not named keep their name."""
        named = Findings()
        named._batches = [
            _Batch(b.rule, b.rows, f"{table}.{columns.get(b.field, b.field)}", b.values, b.facts)
            for b in self._batches
        ]
        return named

    def counts(self) -> dict[str, int]:
        """Return the number of findings per rule, in the order of `RULES`."""
        counted = dict.fromkeys(RULES, 0)
        for batch in self._batches:
            counted[batch.rule.id] += len(batch.rows)
        return {rule: n for rule, n in counted.items() if n}

    def severe(self, *severities: str) -> Iterator[Finding]:
        """Iterate over the findings of some severities."""
        for batch in self._batches:
            if batch.rule.severity in severities:
                yield from batch

    def rejected_rows(self) -> set[int]:
        """Return the rows with at least one finding of severity ``error``."""
        errors = (batch.rows for batch in self._batches if batch.rule.severity == "error")
        return {int(row) for rows in errors for row in rows if row is not None}

    def __iter__(self) -> Iterator[Finding]:
        for batch in self._batches:
            yield from batch

    def __len__(self) -> int:
        return sum(len(batch.rows) for batch in self._batches)


def _column(value: object) -> Any:
    """One value per row: a column as it is, a single value for all."""
    if isinstance(value, (list, tuple)):
        return value
    if not isinstance(value, (str, bytes)) and hasattr(value, "__len__") and hasattr(value, "__getitem__"):
        return value  # a numpy array or a pandas column
    return _Same(value)


def _taken(column: Any, at: Sequence[int]) -> Any:
    return column if isinstance(column, _Same) else [column[i] for i in at]
