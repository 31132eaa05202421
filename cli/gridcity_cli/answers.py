"""The columns of an answer as what is written: values of JSON, or texts of CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gridcity_cli.csv_text import cell_text
from gridcity_cli.decimals import write_decimals
from gridcity_cli.output import harmless

__all__ = ["AnswerTexts", "Texts", "answer_values"]

Texts = list[str] | str
"""A text for each row, or the one text of all rows."""

_WORDS = np.array(["false", "true"], dtype=object)

# Ours: more different texts than a city of 300,000 cells answers with are not remembered.
_REMEMBERED = 1_000_000


def answer_values(columns: Mapping[str, Any], errors: Mapping[int, str]) -> dict[str, list[Any]]:
    """Return columns of `City.locate_many` as lists, None where there is nothing to say.

    Parameters
    ----------
    columns : dict of numpy arrays
    errors : dict of int to str
        What is wrong with a row, by its position: such a row has no answer.

    Returns
    -------
    dict of str to list
        The columns, and ``ok`` and ``error`` after them.
    """
    answers = {}
    n = 0
    for name, column in columns.items():
        n = len(column)
        values = column.tolist()
        if column.dtype.kind in "fi":
            for i in np.flatnonzero(_missing(column)).tolist():
                values[i] = None
        for i in errors:
            values[i] = None
        answers[name] = values
    bad = [i in errors for i in range(n)]
    return answers | {"ok": [not none for none in bad], "error": [errors.get(i, "") for i in range(n)]}


class AnswerTexts:
    """The texts of answers, each different one looked at once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._changed: dict[str, str] = {}

    def of(self, columns: Mapping[str, Any], errors: Mapping[int, str]) -> dict[str, Texts]:
        """Return columns as `answer_values` does, each value as the text of a cell of CSV."""
        answers: dict[str, Texts] = {name: self._texts(column) for name, column in columns.items()}
        answers |= {"ok": "true", "error": ""}
        if not errors:
            return answers
        n = max(map(len, columns.values()))
        spread = {name: [text] * n if isinstance(text, str) else text for name, text in answers.items()}
        for i, said in errors.items():
            for texts in spread.values():
                texts[i] = ""
            spread["ok"][i], spread["error"][i] = "false", cell_text(harmless(said))
        return dict(spread)

    def _texts(self, column: Any) -> Texts:
        if column.dtype.kind == "O":
            return self._checked(column.tolist())
        if column.dtype.kind == "b":
            return self._checked(_WORDS[column.astype(np.int8)].tolist())
        missing = np.flatnonzero(_missing(column))
        if len(missing) == len(column):
            return ""
        texts = write_decimals(column) if column.dtype.kind == "f" else list(map(str, column.tolist()))
        for i in missing.tolist():
            texts[i] = ""
        return texts

    def _checked(self, values: list[str]) -> Texts:
        """Return texts as they are written in CSV, with an apostrophe before what would be a formula."""
        distinct = set(values)
        if len(self._seen) > _REMEMBERED:
            self._seen.clear()
            self._changed.clear()
        for value in distinct - self._seen:
            # Letters and digits of any script need neither quotes nor an apostrophe.
            if not value.isalnum() and (text := cell_text(harmless(value))) != value:
                self._changed[value] = text
        self._seen |= distinct
        if len(distinct) == 1:
            return self._changed.get(values[0], values[0])
        if self._changed.keys().isdisjoint(distinct):
            return values
        return [self._changed.get(value, value) for value in values]


def _missing(column: Any) -> Any:
    """Return where a column of numbers has none: ids of -1, and what is no number."""
    return np.isnan(column) if column.dtype.kind == "f" else column == -1
