"""In which encoding text is: Chinese without asking, anything else only when it is sure or named."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcity.catalogue import catalogue
from gridcity.errors import SourceError
from gridcity.intake import read_source
from gridcity.intake.dbf import open_dbf
from gridcity.intake.encoding import decode_sound, decode_value, settle
from gridcity.intake.likelihood import CANDIDATES, advantage

DATA = Path(__file__).parents[1].parent / "shared" / "data"
CLASSES = [entry.zh for entry in catalogue("cjt214-2007").entries]
PLACES = [
    "东直门内大街",
    "垡头街道",
    "邛崃市",
    "盱眙县",
    "麒麟区",
    "东四奥林匹克社区公园",
    "北京市东城区市政管委",
]
BIG5 = ["中山路人行道", "公共廁所", "臺北市大安區", "路燈", "一心一意公園"]
JAPANESE = ["焼津市役所", "ごみ箱", "カーブミラー", "東益津中学校"]


def data(*parts: str) -> Path:
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the data folder is absent: {'/'.join(parts)}")
    return path


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(CLASSES + PLACES), min_size=1, max_size=4))
def test_one_short_row_of_gbk_is_read_unasked(values):
    """Names of classes, parties and streets in GBK are GB18030, were there only one of them."""
    raw = [value.encode("gbk") for value in values]
    assert settle(raw).name == "GB18030"


def test_every_street_of_china_is_read_unasked():
    """Of 41,352 names of streets and towns each is GB18030 by itself."""
    path = data("admin-codes", "streets.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        names = {line.rstrip("\n").split(",")[1] for line in lines} - {"name"}
    foreign = [name.encode("gb18030") for name in names if not name.isascii()]
    assert len(foreign) > 30_000
    for raw in random.Random(7).sample(foreign, 4_000):
        assert settle([raw]).name == "GB18030", raw


def test_a_word_of_gbk_that_happens_to_be_utf8():
    """D2 BB is the Chinese one; two accented letters and Cyrillic in UTF-8 stay UTF-8."""
    assert settle(["一".encode("gbk")]).name == "GB18030"
    assert settle(["一".encode("gbk")], declared="UTF-8", declared_by=".cpg").name == "UTF-8"
    for text in ("Québec", "Гренада", "路灯"):
        assert settle([text.encode()]).name == "UTF-8"


def test_bytes_that_are_both_are_asked_about():
    """C2 A5 is ¥ and 楼: A楼 is not read as A¥ nor 5 m² as 5 m虏, and a declaration that fits decides."""
    for text in ("A楼", "12楼"):
        raw = [text.encode("gbk")]
        with pytest.raises(SourceError, match=rf"as UTF-8 it says \w+¥; as GB18030 it says {text}") as caught:
            settle(raw)
        assert "--encoding UTF-8 or --encoding GB18030" in caught.value.hint
        assert settle(raw, declared="cp936", declared_by="the language byte").name == "GB18030"
    for text in ("5 m²", "30°"):
        with pytest.raises(SourceError, match="unclear"):
            settle([text.encode()])
        assert settle([text.encode()], declared="UTF-8", declared_by=".cpg").name == "UTF-8"
    assert settle(["A楼".encode("gbk"), "东楼".encode("gbk")]).name == "GB18030"
    assert settle(["30°".encode(), "东楼".encode()]).name == "UTF-8"


def test_a_word_with_an_accent_in_a_text_file_is_utf8(tmp_path):
    """Café in a text table keeps its accent, although the bytes of é are 茅 in GBK."""
    (tmp_path / "a.csv").write_text("name\nCafé 30°\n", encoding="utf-8")
    assert read_source(tmp_path / "a.csv", geometry="none").columns["name"].tolist() == ["Café 30°"]


def test_utf8_in_a_text_file_of_gbk_is_found(tmp_path):
    """A line pasted from a file of UTF-8 is read as it is meant and rejected; the others are unharmed."""
    lines = ["名称", "路灯", "供水公司", "热力公司", "电力公司"]
    pasted = "井盖、（北）路灯"
    (tmp_path / "a.csv").write_bytes("\n".join(lines).encode("gbk") + f"\n{pasted}\n".encode())
    found = read_source(tmp_path / "a.csv", geometry="none")
    assert found.columns["名称"].tolist() == [*lines[1:], pasted]
    assert [(finding.rule, finding.row) for finding in found.findings] == [("value-encoding", 5)]


def test_a_mark_of_utf8_before_gbk(tmp_path):
    """The names of columns are asked about, not taken as bytes; the mark itself never is text."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "名称,n\n路灯,1\n".encode("gbk"))
    with pytest.raises(SourceError, match=r"column 1 of a\.csv is no text .* may be 名称"):
        read_source(path, geometry="none")
    found = read_source(path, encoding="GB18030", geometry="none")
    assert {name: column.tolist() for name, column in found.columns.items()} == {"名称": ["路灯"], "n": ["1"]}


def test_half_a_character_of_utf16_is_no_text(tmp_path):
    """A lone surrogate costs its row instead of becoming a question mark."""
    path = tmp_path / "a.csv"
    path.write_bytes("n\n路灯\n路".encode("utf-16") + b"\x00\xd8\n\x00")
    found = read_source(path, geometry="none")
    assert [(finding.rule, finding.row) for finding in found.findings] == [("value-unreadable", 2)]


@pytest.mark.parametrize(("codec", "values"), [("cp950", BIG5), ("cp932", JAPANESE), ("euc_jp", JAPANESE)])
def test_case_15_big5_and_japanese_are_asked_about(codec, values):
    """Text of another encoding is refused with samples of both readings and what to type, never misread."""
    with pytest.raises(SourceError, match=r"the encoding of a\.dbf is unclear") as caught:
        settle([value.encode(codec) for value in values], where="a.dbf")
    assert caught.value.code == "E_ENCODING"
    assert f"says {values[0]} / {values[1]}" in caught.value.message
    assert "--encoding GB18030" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "text"), [("井盖.csv", "x,y,名稱,a\n1,2,{},"), ("井盖.geojsonl", '{{"名稱":"{}"}}')]
)
def test_case_40_an_unclear_text_file_is_named(tmp_path, name, text):
    """The refusal of a text file names the file, as that of a table does."""
    content = text.format("臺北市信義區松高路東區立德街西區公益路").encode("big5")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=f"the encoding of {name} is unclear: as Big5 it says"):
        read_source(tmp_path / name)


@pytest.mark.parametrize(
    ("declared", "codec", "values"),
    [
        ("Big5", "cp950", BIG5),
        ("cp950", "cp950", BIG5),
        ("Shift_JIS", "cp932", JAPANESE),
        ("cp949", "cp949", ["중구청", "가로등", "맨홀 뚜껑"]),
        ("EUC-JP", "euc_jp", JAPANESE),
        ("ISO-8859-1", "iso8859-1", ["Québec", "Frédéric", "Pallaïssou"]),
        ("1251", "cp1251", ["Улица Ленина", "Площадь Мира"]),
    ],
)
def test_a_declaration_that_the_bytes_bear_out_is_followed(declared, codec, values):
    """A declared encoding is used where the bytes are likelier in it, and is then no contradiction."""
    found = settle([v.encode(codec) for v in values], declared=declared, declared_by=".cpg")
    assert (found.name, found.contradicted) == (codec, "")
    assert found.samples[0] == values[0]


@pytest.mark.parametrize("declared", ["Big5", "Shift_JIS", "cp949", "EUC-JP", "1252", "1251", "ISO-8859-1"])
def test_a_declaration_that_the_bytes_contradict_is_not(declared):
    """GBK stays GB18030 whatever is declared; the contradiction is kept for the report."""
    found = settle([v.encode("gbk") for v in PLACES], declared=declared, declared_by=".cpg")
    assert (found.name, found.contradicted) == ("GB18030", declared)


def test_accents_without_a_declaration_are_asked_about():
    """French in Windows-1252 is no Chinese."""
    with pytest.raises(SourceError, match="Frédéric / Bàlicôt"):
        settle([v.encode("cp1252") for v in ("Frédéric", "Bàlicôt", "Pallaïssou")])


def test_the_caller_is_not_asked_twice():
    """A named encoding decides, in the vendor's larger table of it."""
    found = settle([v.encode("cp950") for v in BIG5], wanted="Big5")
    assert (found.name, found.evidence, found.samples[0]) == ("cp950", "named by the caller", BIG5[0])
    assert settle([b"\x87\x40"], wanted="Shift_JIS").samples == ("①",)


def test_utf8_in_a_table_of_gbk_is_found():
    """A row that was pasted from another file is text in its own encoding, and an error of its row."""
    assert decode_value("路灯井盖".encode(), "GB18030", full=False) == ("路灯井盖", "mixed")
    assert decode_sound(["路灯".encode("gbk"), "路灯井盖".encode()], "GB18030") is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=12), max_size=8))
def test_decoding_at_once_is_decoding_one_by_one(values):
    """What can be decoded in one go comes out as each value by itself."""
    for encoding in ("GB18030", "UTF-8", "cp932"):
        together = decode_sound(values, encoding)
        if together is not None:
            assert [(text, "") for text in together] == [
                decode_value(v, encoding, full=False) for v in values
            ] or not values


@pytest.mark.parametrize("rows", [1, 5, 20])
def test_taichung_in_big5_is_caught(rows):
    """Real rows of a city of Taiwan, written in Big5, are asked about: of a thousand draws every one."""
    features = json.loads(data("taichung", "hydrants.geojson").read_text(encoding="utf-8"))["features"]
    chance = random.Random(rows)
    for _ in range(1_000 // rows):
        drawn = chance.sample(features, rows)
        values = {str(v) for f in drawn for v in f["properties"].values() if v and not str(v).isascii()}
        raw = sorted({v.encode("cp950", "replace") for v in values})
        with pytest.raises(SourceError, match="unclear"):
            settle(raw)


def test_yaizu_is_read_by_its_declaration_and_caught_without(tmp_path):
    """Tables of a city of Japan in Shift_JIS: right as declared, asked about once the declaration is gone."""
    tables = sorted(data("yaizu").rglob("*.dbf"))
    beyond_ascii = 0
    for path in tables:
        found = open_dbf(path, cpg="Shift_JIS").encoding
        if found.name == "ascii":
            continue
        beyond_ascii += 1
        assert (found.name, found.contradicted) == ("cp932", "")
        silent = bytearray(path.read_bytes())
        silent[29] = 0
        (tmp_path / "a.dbf").write_bytes(silent)
        with pytest.raises(SourceError, match="unclear"):
            open_dbf(tmp_path / "a.dbf")
    assert beyond_ascii >= 4


def test_rare_names_that_fill_a_table_are_no_doubt():
    """A city whose name is rare has it in every value, and is read unasked all the same."""
    for rare in ("筼筜", "邛崃", "盱眙", "麒麟", "鄌郚"):
        kinds = ("街道办事处", "社区居委会", "路灯管理所", "供水公司", "北路", "中学", "医院", "公园", "市场")
        values = [f"{rare}{kind}".encode("gb18030") for kind in kinds]
        assert settle(values).name == "GB18030", rare


def test_gb18030_has_no_advantage_over_itself():
    """The measure is a ratio to GB18030, and every candidate can be weighed against it."""
    values = ["中山公園".encode("gb18030")]
    assert advantage(values, "GB18030") == 0
    assert all(advantage(values, name) < 0 for name in CANDIDATES[1:])
