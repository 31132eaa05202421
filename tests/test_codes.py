"""Codes: what is read, what is refused, and at which character."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridcity import codes
from gridcity.codes import AreaCode, CellCode, ClassCode, ComponentCode
from gridcity.errors import AmbiguousCodeError, ArgumentError, CodeError

DATA = Path(__file__).parents[1].parent / "shared" / "data"
EDITIONS = list(codes.EDITIONS)
edition_names = st.sampled_from(EDITIONS)
districts = st.integers(10_000, 999_999).map(lambda n: f"{n:06d}")


def digits(n: int) -> st.SearchStrategy[str]:
    return st.integers(0, 10**n - 1).map(lambda number: f"{number:0{n}d}")


def test_editions_oldest_first() -> None:
    """The editions are three, oldest first, and the default is the newest."""
    assert EDITIONS == ["cjt214-2007", "gbt30428.2-2013", "gbt47678.5-2026"]
    assert EDITIONS[-1] == codes.DEFAULT_EDITION


@pytest.mark.parametrize(
    ("name", "cell", "component", "class_digits", "event"),
    [
        ("cjt214-2007", 14, 16, 4, 10),
        ("gbt30428.2-2013", 15, 16, 4, 10),
        ("gbt47678.5-2026", 15, 17, 5, 11),
    ],
)
def test_layouts_add_up(name: str, cell: int, component: int, class_digits: int, event: int) -> None:
    """The parts of each edition's codes add up to their lengths."""
    e = codes.edition(name)
    assert (e.cell_digits, e.component_digits, e.class_digits, e.event_code_digits) == (
        cell,
        component,
        class_digits,
        event,
    )
    assert e.cell_digits == 12 + e.cell_serial_digits
    assert e.component_digits == 6 + e.class_digits + e.component_serial_digits
    assert e.event_code_digits == 6 + e.class_digits


def test_unknown_edition_lists_the_known() -> None:
    """An unknown edition is refused with the list of the known ones."""
    with pytest.raises(
        CodeError, match=r"no edition 'gb2013'.*cjt214-2007, gbt30428.2-2013, gbt47678.5-2026"
    ):
        codes.parse("110101", "gb2013")


REAL = [  # real codes and what is known of them
    (
        "1101080118077209",
        "cjt214-2007",
        ComponentCode,
        {"district": "110108", "class_code": "0118", "serial": 77209},
    ),
    (
        "3205080101000001",
        "cjt214-2007",
        ComponentCode,
        {"district": "320508", "class_code": "0101", "serial": 1},
    ),
    ("1101010698000005", "cjt214-2007", ComponentCode, {"major": "06", "minor": "98", "serial": 5}),
    ("11010801100408", None, CellCode, {"street": "110108011", "community": "110108011004", "serial": 8}),
    ("22020600100706", None, CellCode, {"district": "220206", "serial": 6}),
    ("11010100500105", None, CellCode, {"street": "110101005", "serial": 5}),
]


@pytest.mark.parametrize(("text", "edition", "noun", "parts"), REAL)
def test_real_codes(text: str, edition: str | None, noun: type, parts: dict[str, object]) -> None:
    """Codes found in real surveys read as their records say."""
    code = codes.parse(text, edition)
    assert type(code) is noun
    assert str(code) == text
    assert {name: getattr(code, name) for name in parts} == parts


def test_dongcheng_survey_reads() -> None:
    """Every component and cell code of the Dongcheng survey reads under CJ/T 214-2007."""
    files = sorted((DATA / "dongcheng").glob("bujian_*.geojson"))
    if not files:
        pytest.skip("the Dongcheng survey is not here")
    rows = [f["properties"] for file in files for f in json.loads(file.read_text("utf-8"))["features"]]
    assert len(rows) == 35
    assert {ComponentCode.parse(row["OBJCODE"], "cjt214-2007").class_code for row in rows} == {"0698"}
    assert all(CellCode.parse(row["BGCODE"]).district == "110101" for row in rows)


@pytest.mark.parametrize(
    ("text", "level", "street", "community", "parent"),
    [
        ("110101", "district", "", "", None),
        ("441900", "district", "", "", None),
        ("999001", "district", "", "", None),
        ("110101005", "street", "110101005", "", "110101"),
        ("350527000", "street", "350527000", "", "350527"),
        ("110101005001", "community", "110101005", "110101005001", "110101005"),
        ("110101005000", "street", "110101005", "", "110101"),
        ("110101000000", "district", "", "", None),
    ],
)
def test_areas(text: str, level: str, street: str, community: str, parent: str | None) -> None:
    """An area knows its level and parents; the padded 12 digits of the statistical list are seen through."""
    code = AreaCode.parse(text)
    assert (str(code), code.level, code.district) == (text, level, text[:6])
    assert (code.street, code.community) == (street, community)
    assert (code.parent and code.parent.text) == parent


@given(edition_names, districts, digits(6), st.integers(1, 99))
def test_cells_round_trip(edition: str, district: str, rest: str, serial: int) -> None:
    """A composed cell code parses back to its parts."""
    code = CellCode.compose(district + rest, serial, edition)
    assert CellCode.parse(code.text, edition) == code == codes.parse(code.text, edition)
    assert (code.district, code.community, code.serial) == (district, district + rest, serial)
    assert code.street == code.community[:9]


@given(edition_names, districts, digits(5), st.integers(1, 999_999))
def test_components_round_trip(edition: str, district: str, class_code: str, serial: int) -> None:
    """A composed component code parses back to its parts."""
    class_code = class_code[: codes.edition(edition).class_digits]
    code = ComponentCode.compose(district, class_code, serial, edition)
    assert ComponentCode.parse(code.text, edition) == code == codes.parse(code.text, edition)
    assert (code.district, code.class_code, code.serial) == (district, class_code, serial)
    assert code.major + code.minor == class_code
    assert ClassCode.compose(district, class_code, edition).text == code.text[: 6 + len(class_code)]


@pytest.mark.parametrize(
    ("text", "editions"),
    [
        ("110101005001005", ["gbt30428.2-2013", "gbt47678.5-2026"]),
        ("1101010698000005", ["cjt214-2007", "gbt30428.2-2013"]),
        ("1101010698", ["cjt214-2007", "gbt30428.2-2013"]),
    ],
)
def test_shared_lengths_are_ambiguous(text: str, editions: list[str]) -> None:
    """A length that two editions share raises with both readings, and never chooses."""
    with pytest.raises(AmbiguousCodeError, match="Name the edition") as caught:
        codes.parse(text)
    assert [code.edition for code in caught.value.readings] == editions  # type: ignore[attr-defined]
    assert codes.readings(text) == caught.value.readings
    assert [codes.parse(text, name) for name in editions] == list(caught.value.readings)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("110101", AreaCode),
        ("11010100500105", CellCode),
        ("11010101037000001", ComponentCode),
        ("11010106001", ClassCode),
    ],
)
def test_unshared_lengths_have_one_reading(text: str, kind: type) -> None:
    """A length that one edition has alone needs no edition."""
    assert codes.readings(text) == (codes.parse(text),)
    assert type(codes.parse(text)) is kind


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("11010100500１05", 12, "full-width digit '１' at position 12.*half-width"),
        ("1101O100500105", 5, "letter 'O' at position 5.*digit 0"),
        ("1101010050010I", 14, "letter 'I' at position 14.*digit 1"),
        ("110101 00500105", 7, "blank at position 7"),
        ("110101-00500105", 7, "'-' at position 7"),
        ("1.1E+15", 2, "written as a number.*text"),
        ("1101010698000005.0", 17, "written as a number.*text"),
        ("00010100500105", 1, "province 00"),
        ("11010100500100", 13, "serial 00.*from 1"),
        ("110101005001000", 13, "serial 000"),
        ("1101010698000000", 11, "serial 000000"),
        ("", None, "empty"),
        ("1101010", None, r"No code has 7 digits"),
        ("1101010050010", None, "leading zero"),
        ("九", 1, "'九' at position 1"),
    ],
)
def test_wrong_codes_say_where(text: str, position: int | None, message: str) -> None:
    """A wrong code is refused with the position of its first wrong character and what to do."""
    with pytest.raises(CodeError, match=message) as caught:
        codes.parse(text)
    assert not isinstance(caught.value, AmbiguousCodeError)
    assert caught.value.position == position
    assert codes.readings(text) == ()


@pytest.mark.parametrize(
    ("noun", "text", "edition", "message"),
    [
        (CellCode, "1101", None, r"14 \(cjt214-2007\) or 15 \(gbt30428.2-2013, gbt47678.5-2026\) digits"),
        (
            CellCode,
            "11010100500105",
            "gbt47678.5-2026",
            "15 digits; .* has 14. 14 digits are read under cjt214-2007",
        ),
        (ComponentCode, "110101069800005", "cjt214-2007", "16 digits; .* has 15.*leading zero"),
        (ComponentCode, "1101010698000005", "gbt47678.5-2026", "17 digits; .* has 16"),
        (AreaCode, "1101", None, "6, 9 or 12 digits; '1101' has 4"),
        (AreaCode, "11010", None, "leading zero"),
        (ClassCode, "110101", None, "10 .* or 11"),
    ],
)
def test_wrong_lengths_name_the_right_ones(noun: type, text: str, edition: str | None, message: str) -> None:
    """A wrong length is refused with the lengths that exist and the editions that have them."""
    arguments = (text,) if edition is None else (text, edition)
    with pytest.raises(CodeError, match=message):
        noun.parse(*arguments)  # type: ignore[attr-defined]


def test_numbers_are_no_codes() -> None:
    """An integer is refused even where its digits would be right."""
    with pytest.raises(CodeError, match=r"of type int, not text.*Read codes as text"):
        codes.parse(110101)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CellCode.compose("110101005001", 0), "from 1 to 999, found 0"),
        (lambda: CellCode.compose("110101005001", 100, "cjt214-2007"), "from 1 to 99, found 100"),
        (lambda: CellCode.compose("110101005", 1), "community has 12 digits"),
        (
            lambda: ComponentCode.compose("110101", "0118", 1),
            "class of gbt47678.5-2026 has 5 digits, found '0118'",
        ),
        (lambda: ComponentCode.compose("110101", "01037", 1_000_000), "to 999999"),
        (lambda: ClassCode.compose("11010", "01037"), "district has 6 digits"),
    ],
)
def test_compose_refuses_what_does_not_fit(build: object, message: str) -> None:
    """A code is not composed from parts of the wrong width."""
    with pytest.raises(CodeError, match=message):
        build()  # type: ignore[operator]


def test_codes_are_values() -> None:
    """Codes are equal by value, hashable, frozen and survive pickling; an edition makes a difference."""
    one, other = codes.readings("1101010698000005")
    assert one != other
    assert len({one, other, pickle.loads(pickle.dumps(one))}) == 2
    with pytest.raises(AttributeError):
        one.text = "1"  # type: ignore[misc]


@given(
    st.lists(
        st.one_of(
            st.text("01O９ .", max_size=20),
            st.text("0123456789", max_size=20),
            st.sampled_from([r[0] for r in REAL]),
        )
    ),
    st.sampled_from(["area", "cell", "component", "class"]),
    st.one_of(st.none(), edition_names),
)
def test_many_agree_with_one(texts: list[str], kind: str, edition: str | None) -> None:
    """`check_many` finds valid exactly the texts that the noun's own `parse` reads."""
    texts = [text.strip() for text in texts]
    noun = {"area": AreaCode, "cell": CellCode, "component": ComponentCode, "class": ClassCode}[kind]

    def reads(text: str) -> bool:
        try:
            noun.parse(text) if kind == "area" else noun.parse(text, edition)  # type: ignore[call-arg]
        except AmbiguousCodeError:
            return True
        except CodeError:
            return False
        return True

    assert codes.check_many(texts, kind, edition).tolist() == [reads(text) for text in texts]


def test_many_with_odd_input() -> None:
    """Missing values and over-long texts are no codes; an unknown kind is an error of the call."""
    import numpy as np

    column = np.array(["110101", None, "", float("nan"), "1" * 1000], dtype=object)
    assert codes.check_many(column, "area").tolist() == [True, False, False, False, False]
    assert codes.check_many(np.array([110101]), "area").tolist() == [False]
    assert codes.check_many([], "cell").tolist() == []
    with pytest.raises(ArgumentError, match="no kind of code 'lamp'"):
        codes.check_many(["1"], "lamp")


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("9111000060003734", None, "16 characters"),
        ("91110000600037341M", 18, "check digit"),
        ("A1110000600037341L", 1, "'A' at position 1"),
        ("91110000I00037341L", 9, "'I' at position 9.*without I, O, S, V, Z"),
        ("９1110000600037341L", 1, "position 1"),
    ],
)
def test_wrong_credit_codes(text: str, position: int | None, message: str) -> None:
    """A wrong credit code is refused with the reason and the place."""
    with pytest.raises(CodeError, match=message) as caught:
        codes.credit_code(text)
    assert caught.value.position == position


def test_words_import_nothing_heavy() -> None:
    """Parsing a code, finding a class, naming an area and a BeiDou code import none of the heavy packages."""
    program = (
        "import sys; from gridcity import beidou, catalogue, codes\n"
        "codes.parse('11010100500105'); catalogue.catalogue(codes.DEFAULT_EDITION).named('路灯')\n"
        "catalogue.area_name('110101005001'); catalogue.fields('component'); beidou.encode(116.4, 39.9, 10)\n"
        "heavy = 'numpy shapely pandas geopandas pyogrio pyproj tabulate stdnum'.split()\n"
        "print(*set(heavy) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
