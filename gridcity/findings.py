"""Findings: what is wrong with the data, row by row, as records.

A finding never stops a run. It names a rule, the row of the source, the field, what was found and
what to do. A rule of severity ``error`` costs the row it was found in (at import the row is
rejected and kept); ``warning`` and ``note`` cost nothing.

Findings are kept in batches, one per rule and call, so that a million equal findings cost an array
and not a million objects; iterating yields one `Finding` per row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    Rule("geometry-invalid", "error", "the polygon is not valid: {value}", "Mend the polygon in a GIS and deliver it again."),
    Rule("coordinate-not-finite", "error", "a coordinate is not a finite number, or has no place in the reference system", "Correct the coordinates, or name their reference system with --crs."),
    Rule("outside-city", "error", "the object lies at {value}, outside the city's extent", "Check the reference system of the row, or import the area it lies in first."),
    Rule("code-malformed", "error", "the code {value!r} cannot be read: {reason}", "Correct the code at its source, or leave it blank to be given one."),
    Rule("code-ambiguous", "error", "the code {value!r} has several readings: {reason}", "Say which edition with --edition, or older_edition in the profile."),
    Rule("code-duplicate", "error", "the code {value!r} is also on row {other}, with other content", "One object, one code: correct one of the two rows."),
    Rule("code-retired", "error", "the code {value!r} was retired on {other} and is never given again", "Leave the code blank to be given a new one."),
    Rule("key-duplicate", "error", "the key {value!r} is also on row {other}, with other content", "A key column holds each value once: choose another with --key."),
    Rule("place-duplicate", "error", "row {other} has the same class at exactly the same place and says something else", "If they are two objects, name the column that tells them apart with --key; else deliver one of them."),
    Rule("level-missing", "error", "nothing says whether {value!r} is a district, a street or a community", "Give --level, or deliver its code."),
    Rule("class-missing", "error", "the row names no class", "Give --class, or map a column to class_code or class_name."),
    Rule("class-unknown", "error", "{value!r} is no class of {edition}; nearest: {nearest}", "Correct the class, translate it in the mapping, or add a local class to the profile."),
    Rule("state-unknown", "error", "{value!r} is no state; possible: {possible}", "Correct the state, or translate it in the mapping under [values.state]."),
    Rule("date-malformed", "error", "{value!r} is not a date", "Write dates as YYYYMMDD or YYYY-MM-DD."),
    Rule("date-future", "error", "the date {value} lies in the future", "Correct the date at its source."),
    Rule("date-order", "error", "changed on {value}, before the initial date {initial}", "Correct one of the two dates."),
    Rule("period-order", "error", "ends on {value}, before it begins on {since}", "Correct one of the two dates."),
    Rule("role-unknown", "error", "{value!r} is no role of a duty; possible: {possible}", "Correct the role, or translate it in the mapping under [values.role]."),
    Rule("level-code", "error", "the row is a {value}, its code {code} is that of a {coded}", "Correct the level or the code."),
    Rule("number-malformed", "error", "{value!r} is not a whole number", "Correct the number at its source."),
    Rule("name-missing", "error", "the row has no name and no code", "Deliver at least one of the two."),
    Rule("party-unknown", "error", "{value!r} is no party of this city", "Import the party first, or add the name to its aliases."),
    Rule("place-unknown", "error", "{value!r} is no cell or area of this city", "Import the cell or area first, or correct its code."),
    Rule("value-unreadable", "error", "the bytes {value} are not {encoding} text", "Correct the value, or name the encoding with --encoding."),
    # rows that are taken, with a doubt
    Rule("duplicate-identical", "warning", "the row repeats row {other} and was taken once", "Nothing to do; deliver each object once."),
    Rule("point-and-polygon", "warning", "{value!r} arrived as a point and as a line or polygon, which is kept", "Nothing to do; deliver each object once."),
    Rule("component-code-district", "warning", "the code {value!r} names district {coded}, the object stands in {there}", "Check the place; if it is right, the code was given by mistake."),
    Rule("component-code-class", "warning", "the code {value!r} names class {coded}, the row says {stated}", "Correct the class or the code."),
    Rule("component-cell", "warning", "the row names cell {value!r}, the object stands in {there}", "Check the place; the cell by geometry is kept."),
    Rule("component-cell-unknown", "note", "the row names cell {value!r}, which this city does not have; the object stands in {there}", "Nothing to do where the survey has an older numbering."),
    Rule("component-moved", "warning", "the object lies {value} m from where it was", "Check the code or key: it may be that of another object."),
    Rule("datum-assumed", "warning", "the file declares no reference system; by RFC 7946 it was read as WGS 84", "Coordinates of web maps and phones are GCJ-02 in China: then import it with --datum gcj02."),
    Rule("component-outside", "warning", "the object stands in no cell", "Check the place, or import the missing cells."),
    Rule("component-many-cells", "note", "the object crosses {value}; the largest share decides", "Nothing to do."),
    Rule("component-no-party", "note", "no maintainer, owner or supervisor is named", "Complete the survey; until then the duty table and the territory answer."),
    Rule("component-place-shared", "warning", "another component of class {value} stands at exactly the same place: {other}", "Check whether one object was surveyed twice."),
    Rule("state-missing", "note", "the row names no state", "Complete the survey."),
    Rule("date-missing", "note", "the row has no initial date", "Complete the survey."),
    Rule("credit-code", "warning", "{value!r} is no unified social credit code: {reason}", "Correct the party's code."),
    Rule("area-unlisted", "warning", "{value!r} is not in the list of areas below {within}; nearest: {nearest}", "Add an alias or its digits to the profile, or deliver its code."),
    Rule("area-code-name", "warning", "the list names {code} {listed!r}, the row says {value!r}", "Check the code; the row's name is kept."),
    Rule("area-whole-street", "note", "the street is one community, {value}, by the profile", "Nothing to do."),
    Rule("area-parent", "warning", "{value!r} lies in no {parent} of this city", "Import the {parent} areas first."),
    Rule("cell-uncoded", "warning", "the cell has no code: {reason}", "Import its community, or set community_of_street in the profile; then import the cells again with --number."),
    Rule("cell-code-area", "warning", "the code {value!r} names community {coded}, the cell lies in {found}", "Check the code and the place."),
    Rule("cell-overlap", "warning", "the cell overlaps cell {other} by {value} m²", "Correct the border; the edge rule decides for points in both."),
    Rule("cell-serials-full", "warning", "community {value} has used all {limit} serials; the cell stays uncoded", "Divide the community, or use an edition with more digits."),
    Rule("code-serials-full", "error", "all {limit} serials of class {value} in district {district} are used", "Serials are never given twice: use a local class of the profile."),
    Rule("column-unused", "note", "the column {value!r} matches no field and was not read", "Map it in a mapping file if it is needed."),
    Rule("encoding-declared", "warning", "{value} is declared, the bytes are {found}", "Nothing to do; the text was read as {found}."),
    Rule("value-cut", "warning", "the text {value!r} was cut in the middle of a character by the field's width", "Deliver the full text in a wider field."),
    Rule("row-deleted", "note", "rows marked as deleted, which were not read: {value}", "Nothing to do."),
    Rule("geometry-z", "note", "rows with heights or measures, which are not kept: {value}", "Nothing to do."),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class _Batch:
    rule: Rule
    rows: Sequence[int | None]
    field: str
    values: Sequence[object]
    facts: tuple[tuple[str, Sequence[object]], ...]

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
        values: Sequence[object] | str | None = None,
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
        numbers = list(rows)
        if not numbers:
            return
        columns = tuple((name, _column(fact, len(numbers))) for name, fact in facts.items())
        self._batches.append(_Batch(known, numbers, field, _column(values, len(numbers)), columns))

    def extend(self, other: Findings) -> None:
        """Take over all findings of another collection."""
        self._batches.extend(other._batches)

    def only(self, rows: set[int]) -> Findings:
        """Return the findings about some rows."""
        kept = Findings()
        for batch in self._batches:
            at = [i for i, row in enumerate(batch.rows) if row in rows]
            facts = tuple((name, [column[i] for i in at]) for name, column in batch.facts)
            if at:
                chosen = [batch.rows[i] for i in at]
                kept._batches.append(
                    _Batch(batch.rule, chosen, batch.field, [batch.values[i] for i in at], facts)
                )
        return kept

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
        return {
            int(row)
            for batch in self._batches
            if batch.rule.severity == "error"
            for row in batch.rows
            if row is not None
        }

    def __iter__(self) -> Iterator[Finding]:
        for batch in self._batches:
            yield from batch

    def __len__(self) -> int:
        return sum(len(batch.rows) for batch in self._batches)


def _column(value: object, n: int) -> Sequence[object]:
    """One value per row: a column as it is, a single value repeated."""
    if isinstance(value, (list, tuple)):
        return value
    if not isinstance(value, (str, bytes)) and hasattr(value, "__len__") and hasattr(value, "__getitem__"):
        return value  # type: ignore[return-value]  # a numpy array or a pandas column
    return [value] * n
