"""How answers are written."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from gridcity_cli import output


def test_a_table_is_aligned_for_chinese() -> None:
    """A Chinese character takes two columns; numbers stand to the right; blanks do not end a line."""
    assert output.table(("名称", "count"), [("井盖", 3), ("a", 12)]) == (
        "名称  count\n----  -----\n井盖      3\na        12"
    )


def test_controls_never_reach_the_terminal() -> None:
    """Escape sequences, C1 controls, direction marks and lone surrogates are shown as what they are."""
    wild = "a\x1b[31m\x9b\u202eb\ud800\x00\n"
    safe = "a\\x1b[31m\\x9b\\u202eb\\ud800\\x00\\x0a"
    assert output.shown(wild) == safe
    assert safe in output.table(("x",), [(wild,)])
    text = output.json_text({"x": wild}, indent=2)
    assert json.loads(text) == {"x": wild}
    assert not set(text) & set(wild[1:2] + "\x9b\u202e\ud800\x00")


def test_rich_markup_is_literal() -> None:
    """Square brackets are text."""
    assert output.shown("[bold]x[/]") == "[bold]x[/]"


def test_csv_is_no_formula() -> None:
    """A text a spreadsheet would run gets an apostrophe; numbers and negative numbers do not."""
    file = io.StringIO()
    rows = [("=1+1", "+x"), ("-77.03", -5), ("＝A1", "@x"), (None, True)]
    output.write_csv(file, ("a", "b"), rows)
    assert file.getvalue() == "a,b\n'=1+1,'+x\n-77.03,-5\n'＝A1,'@x\n,true\n"


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """A write that fails leaves what was there, and nothing beside it."""
    target = tmp_path / "r.csv"
    target.write_text("before")

    def fails(file: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        output.write_file(target, fails)
    assert target.read_text() == "before"
    output.write_file(target, lambda file: file.write("after"))
    assert target.read_text() == "after"
    assert list(tmp_path.iterdir()) == [target]
