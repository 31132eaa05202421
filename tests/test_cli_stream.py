"""`gridcity locate -`: many rows at once answer as they do one by one, in little memory, and end well."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from cli_city import city, gridcity, shell
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.errors import ArgumentError
from gridcity_cli import csv_rows
from gridcity_cli.answers import AnswerTexts, answer_values
from gridcity_cli.csv_rows import CsvRows
from gridcity_cli.decimals import read_decimals, write_decimals
from gridcity_cli.inputs import open_rows
from gridcity_cli.lines import Lines
from gridcity_cli.plain_lines import Layout, PlainLines, plain_lines
from gridcity_cli.rows import Reader

__all__ = ["city"]

PLAIN = " (lng, lat as EPSG:4490; web maps and phones in China need --datum gcj02)\n"
LOCATE = [sys.executable, "-m", "gridcity_cli.main", "locate", "-", "--city"]

Answer = list[tuple[Any, ...]] | str


def answer(data: bytes, size: int = 1000, encoding: str | None = None, *, eager: bool = False) -> Answer:
    """What is read of a CSV, or the sentence that refuses it."""
    try:
        source = open_rows(io.BytesIO(data), Reader(class_field="c"), encoding=encoding, eager=eager)
        rows: list[tuple[Any, ...]] = []
        for chunk in source.chunks(size, eager=eager):
            assert len(list(csv.reader(chunk.own))) == len(chunk)
            places = map(repr, zip(chunk.lng.tolist(), chunk.lat.tolist(), strict=True))
            classes = chunk.classes or [""] * len(chunk)
            errors = (chunk.errors.get(i, "") for i in range(len(chunk)))
            rows += zip(chunk.lines, chunk.own, places, classes, errors, strict=True)
    except ArgumentError as error:
        return str(error)
    return rows


def nothing_plain(raw: bytes, layout: Layout) -> PlainLines:
    found = plain_lines(raw, layout)
    missing = np.full(len(found.plain), np.nan)
    return PlainLines(found.plain & False, missing, missing.copy(), [""] * len(found.plain))


def careful(data: bytes, encoding: str | None) -> Answer:
    """The same, every line decoded for itself and every record read by the careful reader."""
    with (
        patch.object(csv_rows, "plain_lines", nothing_plain),
        patch.object(Lines, "_decoded_whole", lambda _self, _raw: None),
    ):
        return answer(data, encoding=encoding)


NUMBERS = ["116.4", "39.9", "-77.5", "116.41234567890123"]
ODD_NUMBERS = ["", "nan", "1e2", " 5", "1_0", "１", "200", "1.2.3"]
TEXTS = ["a", "井盖", "路", "", 'say "hi"', "a,b", "two\nlines", "q\r\nr", "\t", "\u2028", "\x00", "é;"]
# 0x81 begins a character of GB18030, 0xff is of no encoding.
BREAKERS = [bytes([n]) for n in b'\n\r",;\t\x00\xff\x81"1.-_ a'] + [b'"\n', b'""', b"\r\n"]


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A CSV as programs write it, and a few bytes of it put in, taken out or changed."""
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=draw(st.sampled_from([",", ",", ";", "\t"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
    )
    writer.writerow(["c", "lng", "n", "lat"])
    number, word = st.sampled_from(NUMBERS * 4 + ODD_NUMBERS), st.sampled_from(TEXTS)
    writer.writerows(draw(st.lists(st.tuples(word, number, word, number), max_size=12)))
    data = bytearray(text.getvalue().encode(draw(st.sampled_from(["utf-8", "gb18030"])), errors="replace"))
    for piece in draw(st.lists(st.sampled_from(BREAKERS), max_size=4)):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = piece
    return bytes(data)


@settings(max_examples=400, deadline=None)
@given(tables(), st.sampled_from([None, None, "utf-8", "gb18030", "big5"]), st.sampled_from([1, 30, 65_536]))
def test_many_rows_at_once_are_read_as_one_by_one(data: bytes, encoding: str | None, size: int) -> None:
    """Blocks of any length, decoded as a whole, give each row the cells, point and error it has alone."""
    expected = careful(data, encoding)
    with patch.object(csv_rows, "_FEWEST", size), patch.object(csv_rows, "_MOST", size):
        assert answer(data, 1, encoding) == expected
        assert answer(data, 1, encoding, eager=True) == expected


GOOD = b"b,1,,2\n"


@pytest.mark.parametrize(
    ("rows", "encoding", "said"),
    [
        (b'"a\na,1,x,2\nb",1,y,2\n', None, [(2, "")]),
        (b"a,1,x\ry,2\n", None, [(2, "new-line character seen")]),
        (b"a,1," + b"x" * 131_073 + b",2\n", None, [(2, "field larger than")]),
        (b"a,1,\xa65\n", "gb18030", [(2, "the bytes a6 35 0a at position 5 are not gb18030 text")]),
        (b"a,1\n\n", None, [(2, "2 cells where the header has 4")]),
        (b'a,1,15" pipe,2\n', None, [(2, "")]),
    ],
)
def test_a_line_that_is_not_plain_costs_no_other(
    rows: bytes, encoding: str | None, said: list[tuple[int, str]]
) -> None:
    """A line among those of a cell is no row; the row after a bad one is read, and without a careful step."""
    with patch.object(CsvRows, "_careful", autospec=True, side_effect=CsvRows._careful) as asked:
        found = answer(b"c,lng,n,lat\n" + rows + GOOD * 3, encoding=encoding)
    assert isinstance(found, list)
    first = 2 + rows.count(b"\n")
    expected = [*said, *((first + i, "") for i in range(3))]
    assert [row[0] for row in found] == [line for line, _ in expected]
    assert all(
        text in row[-1] and bool(text) == bool(row[-1])
        for row, (_, text) in zip(found, expected, strict=True)
    )
    assert asked.call_count <= 2
    assert all(len(cells) == 4 for cells in csv.reader(row[1] for row in found))


def test_plain_and_quoted_lines_need_no_careful_reader() -> None:
    """A usual file is read without a step for each row: quoted cells, CRLF, long numbers and all."""
    for quoting, end in ((csv.QUOTE_MINIMAL, "\n"), (csv.QUOTE_ALL, "\r\n")):
        text = io.StringIO()
        writer = csv.writer(text, quoting=quoting, lineterminator=end)
        writer.writerow(["text", "lng", "lat", "c"])
        cells = ['东直门内大街1号, 3"井盖', "116.41234567890123", "-39.9", "路灯"]
        writer.writerows([cells] * 50)
        data = text.getvalue()
        with patch.object(CsvRows, "_careful", side_effect=AssertionError):
            rows = answer(data.encode())
        assert isinstance(rows, list)
        assert [row[1] for row in rows] == data.splitlines()[1:]
        assert {row[2:] for row in rows} == {("(116.41234567890123, -39.9)", "路灯", "")}


def test_a_row_comes_back_as_it_was_written(city: Path) -> None:
    """Quotation marks stay as they were, also around several lines; other delimiters become commas."""
    line = ("locate", "-", "--fields", "basis", "--city", city)
    rows = ['"7",116.4115,39.9305,a b', '8,"116.4115",39.9305,"two\nlines"', '9,?,0,15" pipe']
    written = gridcity(*line, input="n,lng,lat,t\n" + "\n".join(rows) + "\n").stdout
    assert written == (
        "n,lng,lat,t,basis,ok,error\n"
        f"{rows[0]},inside,true,\n"
        f"{rows[1]},inside,true,\n"
        '9,?,0,"15"" pipe",,false,line 5: lng \'?\' is not a finite number\n'
    )
    written = gridcity(*line, input='n;lng;lat\n"1;2";116.4115;39.9305\n3,4;1;2\n5;1;2\n').stdout
    assert written == (
        "n,lng,lat,basis,ok,error\n"
        "1;2,116.4115,39.9305,inside,true,\n"
        '"3,4",1,2,outside,true,\n'
        "5,1,2,outside,true,\n"
    )


NUMBER = st.one_of(
    st.floats().map(repr),
    st.decimals(-1000, 1000, places=6, allow_nan=False).map(str),
    st.text("0123456789.-+e_ ", max_size=20),
)


@given(st.lists(NUMBER, min_size=1))
def test_plain_numbers_are_read_as_float_does(texts: list[str]) -> None:
    """A number that is called plain has the value of float(); digits with a point and a minus are plain."""
    raw = "".join(f"{text}," for text in texts).encode()
    ends = np.cumsum([len(text) + 1 for text in texts]) - 1
    starts = ends - [len(text) for text in texts]
    values, plain = read_decimals(np.frombuffer(raw, np.uint8), starts, ends)
    for text, value, is_plain in zip(texts, values.tolist(), plain.tolist(), strict=True):
        digits = text.removeprefix("-").replace(".", "", 1)
        assert is_plain == (digits.isdecimal() and len(text) <= 32)
        assert not is_plain or repr(value) == repr(float(text))


@given(st.lists(st.one_of(st.floats(), st.decimals(-1000, 1000, places=7, allow_nan=False).map(float))))
def test_numbers_are_written_as_str_does(values: list[float]) -> None:
    """Digits by threes, no zeros at the end but one, an exponent where str() has one."""
    assert write_decimals(np.array(values, dtype=float)) == list(map(str, values))


@given(
    st.lists(st.sampled_from(["街道", "=1+1", "a,b", 'x"y', "-5", "+x", "l\nm", ""]), min_size=1),
    st.lists(st.integers(0, 20), unique=True),
)
def test_every_text_of_an_answer_is_looked_at(texts: list[str], bad: list[int]) -> None:
    """Whatever stands beside it, a text is quoted where it must be and never a formula."""
    errors = {i: f"line {i}: =wrong" for i in bad if i < len(texts)}
    columns = {
        "name": np.array(texts, dtype=object),
        "lng": np.full(len(texts), -1.0),
        "id": np.arange(-1, len(texts) - 1),
    }
    written = AnswerTexts()
    for _ in range(2):
        spread = {
            name: [column] * len(texts) if isinstance(column, str) else column
            for name, column in written.of(columns, errors).items()
        }
        lines = list(csv.reader(map(",".join, zip(*spread.values(), strict=True))))
        values = answer_values(columns, errors)
        for i, line in enumerate(lines):
            if i in errors:
                assert line == ["", "", "", "false", errors[i]]
                assert [column[i] for column in values.values()] == [None, None, None, False, errors[i]]
            else:
                formula = texts[i] in ("=1+1", "+x")
                said = [f"'{texts[i]}" if formula else texts[i], "-1.0", str(i - 1) if i else "", "true", ""]
                assert line == said
                expected = [texts[i], -1.0, i - 1 if i else None, True, ""]
                assert [column[i] for column in values.values()] == expected


def rows_with_flaws(n: int) -> Iterator[bytes]:
    """Rows of which every tenth has no point, some a line break in a cell and some a quotation mark."""
    yield b"id,text,lng,lat\n"
    texts = ['"two\nlines"', '15" pipe', *(['"a, b"', "井盖"] * 40)]
    for i in range(n):
        lng = "" if i % 10 == 7 else "116.4115"
        yield f"{i},{texts[i % len(texts)]},{lng},39.9305\n".encode()


# Its memory is what the process itself had at most: what wait() says counts that of the parent, too.
MEASURED = """
import atexit, re, sys
from pathlib import Path
from gridcity_cli.main import run

def tell():
    print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1], file=sys.stderr)

atexit.register(tell)
run()
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc on this system")
def test_one_row_out_for_each_row_in_with_constant_memory(city: Path, tmp_path: Path) -> None:
    """Five times as many rows come back whole and in order, in no more memory."""
    peaks_kb = []
    source, written = tmp_path / "in.csv", tmp_path / "out.csv"
    for n in (100_000, 500_000):
        with source.open("wb") as file:
            file.writelines(rows_with_flaws(n))
        command = [sys.executable, "-c", MEASURED, "locate", "-", "--fields", "basis", "--city", str(city)]
        with source.open("rb") as rows, written.open("wb") as out:
            ran = subprocess.run(command, stdin=rows, stdout=out, stderr=subprocess.PIPE, check=False)
        said, peak = ran.stderr.decode().splitlines()
        assert ran.returncode == 1
        assert said + "\n" == f"{n} rows: {n - n // 10} located, 0 outside, {n // 10} bad" + PLAIN
        with written.open(encoding="utf-8", newline="") as back:
            answers = list(csv.reader(back))[1:]
        assert [row[0] for row in answers] == list(map(str, range(n)))
        assert [row[-2] == "false" for row in answers] == [i % 10 == 7 for i in range(n)]
        peaks_kb.append(int(peak))
    assert peaks_kb[1] < peaks_kb[0] + 30 * 1024


@pytest.mark.parametrize("first", ["116.4115,39.9305", '"116.4115",39.9305', '?,"39.9305"'])
def test_a_line_is_answered_before_the_next_comes(city: Path, first: str) -> None:
    """With --line-buffered a row of CSV gets its answer at once, plain, quoted or bad."""
    process = subprocess.Popen(
        [*LOCATE, str(city), "--line-buffered", "--fields", "basis"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for text, said in (
        ("lng,lat\n" + first, "?" not in first),
        ("120,39", True),
        ("120,", False),
    ):
        process.stdin.write(text + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        line = process.stdout.readline() if line.startswith("lng") else line
        assert (",true," in line) == said
    process.communicate()
    assert process.returncode == 1


def in_pieces(pieces: Iterable[bytes]) -> io.BufferedReader:
    """A stream of which each read brings the next piece, as of a program that flushes in mid-line."""
    rest = iter(pieces)

    class Pipe(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, into: Any) -> int:
            piece = next(rest, b"")
            into[: len(piece)] = piece
            return len(piece)

    return io.BufferedReader(Pipe())


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("head", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_a_first_line_in_pieces_is_one_line(size: int, head: bytes) -> None:
    """With --line-buffered a mark, blank lines and a first row come as they like and are read as a whole."""
    rows = b'{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{}}\n' * 2
    data = head + rows
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    found = open_rows(in_pieces(pieces), Reader(), eager=True)
    assert found.format == "geojsonseq"
    assert [(*chunk.lng, *chunk.errors) for chunk in found.chunks(9, eager=True)] == [(1.0,), (1.0,)]


def test_an_open_quotation_holds_up_no_row_before_it() -> None:
    """With --line-buffered rows that came before half a cell of two lines do not wait for its end."""
    pieces = [b"c,lng,lat\n", b'a,1,2\n"b\n c",1,2\nd,1,2\n"two\n', b'lines",1,2\ne,1,2\n']
    for encoding in (None, "big5"):
        given: list[bytes] = []
        source = in_pieces(given.append(piece) or piece for piece in pieces)
        found = open_rows(source, Reader(), encoding=encoding, eager=True).chunks(9, eager=True)
        assert (next(found).own, len(given)) == (["a,1,2", '"b\n c",1,2', "d,1,2"], 2)
        assert [row for chunk in found for row in chunk.own] == ['"two\nlines",1,2', "e,1,2"]


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="no shell on this system")
@pytest.mark.parametrize(("closed", "missing"), [("<&-", "input"), (">&-", "output")])
def test_a_closed_stream_is_named(city: Path, closed: str, missing: str) -> None:
    """A job that closes its standard streams gets a sentence and exit 3, and no traceback."""
    command = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *LOCATE, str(city)]
    ran = subprocess.run(command, input=b"lng,lat\n1,2\n", capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (3, b"")
    assert ran.stderr.startswith(f"Error: There is no standard {missing}: it is closed.\n".encode())
    assert len(ran.stderr.splitlines()) == 2


def test_the_reader_may_go(city: Path) -> None:
    """`| head` ends the stream with 141 and in silence."""
    process = subprocess.Popen(
        [*LOCATE, str(city)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def feed(into: Any) -> None:
        try:
            into.write(b"lng,lat\n")
            for _ in range(200):
                into.write(b"116.4115,39.9305\n" * 10_000)
            into.close()
        except BrokenPipeError:
            pass  # the stream has ended before its input did

    feeder = threading.Thread(target=feed, args=(process.stdin,))
    feeder.start()
    assert process.stdout.readline().startswith(b"lng,lat,")
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait() == 141
    feeder.join()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_ends_a_stream_with_a_sentence(city: Path) -> None:
    """What cannot be written is exit 3, and no count of rows is told as if they were."""
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*LOCATE, str(city)], input=b"lng,lat\n1,2\n", stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (ran.returncode, ran.stderr) == (3, b"Error: No space left on device.\n")


def test_a_stream_may_come_from_a_named_pipe(city: Path, tmp_path: Path) -> None:
    """A FIFO is read as a file is; one that nothing is written to is an empty input."""
    pipe = tmp_path / "rows"
    os.mkfifo(pipe)
    for data, code, said in (
        (b"lng,lat\n116.4115,39.9305\n", 0, b"1 rows: 1 located"),
        (b"", 3, b"Error: The input is empty."),
    ):
        writer = threading.Thread(target=pipe.write_bytes, args=(data,))
        writer.start()
        ran = shell("locate", pipe, "--city", city)
        writer.join()
        assert ran.returncode == code
        assert ran.stderr.startswith(said)
