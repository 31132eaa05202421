"""Periods of many rows: days as numbers, and which rows of a group have a day in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Spans", "numbered_days", "partners", "period_text", "share_a_day"]

Column = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.int64]


class Spans(NamedTuple):
    """Periods as numbers of days in their order: the first day, and the first day that is no longer in it.

    Attributes
    ----------
    days : list of str
        The days with these numbers; the last is the empty text, for periods without an end.
    begin, end : int64 arrays
        Of each row.
    """

    days: list[str]
    begin: Numbers
    end: Numbers

    def text(self, begin: int, end: int) -> str:
        """Return a period as a message has it, after the word ``from``."""
        return period_text(self.days[begin], self.days[end])


def share_a_day(since: str, until: str, begin: str, end: str) -> bool:
    """Return whether two periods have a day in common.

    Parameters
    ----------
    since, until, begin, end : str
        ISO dates, the ends being the first days that are no longer in them; empty for always.

    Examples
    --------
    >>> share_a_day("2024-01-01", "", "", "2024-01-01"), share_a_day("2024-01-01", "", "", "2024-01-02")
    (False, True)
    """
    return (not end or since < end) and (not until or begin < until)


def period_text(since: str, until: str) -> str:
    """Return a period as a message has it, after the word ``from``."""
    return f"{since or 'the beginning'} {f'to {until}' if until else 'on'}"


def numbered_days(*dates: Column) -> tuple[list[str], Numbers, Numbers, Numbers, Numbers]:
    """Return days and the numbers of beginnings and ends.

    Parameters
    ----------
    *dates : object arrays
        ISO dates: beginnings, ends, beginnings, ends. A blank beginning is before, a blank end after all.

    Returns
    -------
    days : list of str
        The days in their order; the last is the empty text.
    begin, end, begin, end : int64 arrays
        Positions in it.
    """
    numbers, days = pd.factorize(np.concatenate(dates), sort=True)
    blank = np.concatenate([np.full(len(column), i % 2 == 1) for i, column in enumerate(dates)])
    numbers[blank & (np.concatenate(dates) == "")] = len(days)
    one, two, three, four = np.split(numbers, np.cumsum([len(column) for column in dates])[:-1])
    return [*days.tolist(), ""], one, two, three, four


def partners(group: Numbers, who: Numbers, begin: Numbers, end: Numbers, called: Column) -> Numbers:
    """Return for each row another one of its group, of another party, with a day in common.

    Parameters
    ----------
    group, who : int64 arrays
        What must be the same of two rows, and what must differ.
    begin, end : int64 arrays
        Their periods, see `numbered_days`; one without a day has nothing in common with any.
    called : object array
        Text of the parties: in its order rows of equal periods are looked at, so that the order of the rows
        has no say.

    Returns
    -------
    int64 array
        Position of one such row, -1 where there is none.
    """
    tie = pd.factorize(called, sort=True)[0]
    partner = np.full(len(group), -1, dtype=np.int64)
    several = pd.Series(who).groupby(group).transform("nunique").to_numpy() > 1
    at = np.flatnonzero(several & (begin < end))
    order = at[np.lexsort((tie[at], end[at], begin[at], group[at]))].tolist()
    longest: list[int] = []
    for i in order:
        if longest and group[longest[0]] != group[i]:
            longest = []
        # Of the rows before it the one that ends last, and the one that does of all other parties.
        other = next((j for j in longest if who[j] != who[i]), None)
        if other is not None and end[other] > begin[i]:
            partner[i] = other
        longest = sorted([*longest, i], key=lambda j: -end[j])
        longest = longest[:1] + [j for j in longest[1:] if who[j] != who[longest[0]]][:1]
    # Of the rows after it the first of another party: no other begins earlier.
    following = previous = -1
    for i in reversed(order):
        if previous < 0 or group[previous] != group[i]:
            following = -1
        elif who[previous] != who[i]:
            following = previous
        if following >= 0 and partner[i] < 0 and begin[following] < end[i]:
            partner[i] = following
        previous = i
    return partner
