"""Bytes into text: encodings that are marked, declared or guessed, what is refused, and wrong readings repaired."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decode import decode, repair_mojibake, sniff
from rag.errors import ArticleError

_ROOT = Path(__file__).parent.parent
_ARTICLES = {
    path.name: path.read_text(encoding="utf-8") for path in sorted((_ROOT / "ingest/sample_articles").glob("*.md"))
}
_PARALLEL = {
    path.stem: "\n".join(text for texts in json.loads(path.read_text(encoding="utf-8")).values() for text in texts)
    for path in sorted((_ROOT / "rag/assets/language_text").glob("*.json"))
}
_ARABIC = "التقى الرئيس الروسي بنظيره الإيراني في طهران، وبحث الجانبان تصدير الحبوب عبر البحر الأسود."
_CHINESE = "中国的问天实验舱于七月二十四日发射升空，它随后与天和核心舱成功对接。"
# By language the legacy encodings that can write it, as Python and as people call them.
_LEGACY = [
    ("ar", "cp1256", "windows-1256"),
    ("fa", "cp1256", "windows-1256"),
    ("ur", "cp1256", "windows-1256"),
    ("ru", "cp1251", "windows-1251"),
    ("ru", "koi8-r", "koi8-r"),
    ("ru", "iso8859-5", "iso8859-5"),
    ("uk", "cp1251", "windows-1251"),
    ("zh", "gb18030", "gb18030"),
    ("ja", "cp932", "shift_jis"),
    ("ja", "euc_jp", "euc-jp"),
    ("ko", "cp949", "euc-kr"),
    ("tr", "cp1254", "windows-1254"),
    ("fr", "cp1252", "windows-1252"),
    ("el", "cp1253", "windows-1253"),
    ("he", "cp1255", "windows-1255"),
    ("pl", "iso8859-2", "iso-8859-2"),
    ("th", "cp874", "windows-874"),
]


def _legacy_text(language: str, codec: str) -> str:
    """What the encoding can write of a text in the language; the yeh of Persian and Urdu was not in it."""
    text = _PARALLEL[language].replace("ی", "ي") if language in ("fa", "ur") else _PARALLEL[language]
    return text.encode(codec, "ignore").decode(codec)


@pytest.mark.parametrize(("language", "codec", "name"), _LEGACY)
@pytest.mark.parametrize("start", [0, 300, 600])
def test_legacy_encodings_are_told_from_300_characters(language: str, codec: str, name: str, start: int) -> None:
    """What comes back is the very text, with a note that says how it was read."""
    text = _legacy_text(language, codec)[start : start + 300]
    assert len(text) == 300
    decoded = decode(text.encode(codec))
    assert decoded.text == text
    assert decoded.notes == (f"read as {decoded.encoding}, guessed",)
    # Two encodings may write this text the same; then either name is right.
    assert decoded.encoding == name or text.encode(codec).decode(decoded.encoding) == text


def test_traditional_chinese_is_told_from_simplified() -> None:
    """Big5 is not read as the encoding of mainland China."""
    text = "總統週二在臺北宣布新的能源政策，並表示將在三年內關閉兩座核電廠。反對黨認為這個計畫過於倉促。"
    assert (decode(text.encode("big5")).text, decode(text.encode("big5")).encoding) == (text, "big5")


@pytest.mark.parametrize("text", [_ARABIC, _CHINESE, "Größe"], ids=["ar", "zh", "de"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_needs_no_guess(codec: str, text: str) -> None:
    """With and without a byte order mark; spaces and line ends tell UTF-16 that has none."""
    if codec in ("utf-16-le", "utf-16-be"):
        text += "\n" + text
    assert decode(text.encode(codec)).text == text


def test_chinese_utf16_without_mark_and_spaces_is_read() -> None:
    """It has no NUL bytes that would give it away."""
    for codec in ("utf-16-le", "utf-16-be"):
        assert decode(_CHINESE.encode(codec)).text == _CHINESE


@pytest.mark.parametrize(
    ("codec", "declared"), [("cp1256", "windows-1256"), ("cp1256", "WINDOWS-1256"), ("cp1256", "cp1256")]
)
def test_a_declared_encoding_is_believed(codec: str, declared: str) -> None:
    """Then nothing is guessed, and there is no note."""
    decoded = decode(_ARABIC.encode(codec), declared=declared)
    assert (decoded.text, decoded.notes) == (_ARABIC, ())


@pytest.mark.parametrize(
    "declared", ["iso-8859-1", "utf-8", "no-such-thing", "rot13", "idna", "a\0b", "unicode_escape"]
)
def test_a_declared_encoding_that_cannot_be_is_not(declared: str) -> None:
    """Pages often declare what their template did; names that are no character set are passed over."""
    assert decode(_ARABIC.encode("cp1256"), declared=declared).text == _ARABIC


@pytest.mark.parametrize("declared", ["gb2312", "gbk"])
def test_a_declared_subset_is_read_as_the_whole(declared: str) -> None:
    """A page that declares GB2312 may hold letters that only GB18030 has."""
    text = _CHINESE + "喆镕"
    assert decode(text.encode("gb18030"), declared=declared).text == text


def test_a_record_of_mostly_markup_is_read_by_its_few_words() -> None:
    """Names of fields and addresses in ASCII do not make Arabic a Western language."""
    lines = [json.dumps({"url": f"https://example.org/{i}", "title": "x"}) for i in range(300)]
    text = "\n".join([*lines, json.dumps({"text": _ARABIC}, ensure_ascii=False)])
    assert decode(text.encode("cp1256")).text == text


@pytest.mark.parametrize(
    "raw",
    [
        b"text\x00text",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"a\x02b",
        bytes(range(0x80, 0x100)) * 4,
        b"\x1f\x8b\x08" + bytes(i * 37 % 256 for i in range(600)),
        "سلام".encode()[:-1],
        b"\xff\xfea",
    ],
)
def test_what_is_no_text_is_refused(raw: bytes) -> None:
    """Binary bytes, noise and broken text each get one line that says what to do."""
    with pytest.raises(ArticleError) as caught:
        decode(raw)
    assert "\n" not in str(caught.value) and len(str(caught.value)) > 30


def test_a_damaged_byte_leaves_a_note() -> None:
    """The text around it is kept; more than a character in a hundred lost is too much."""
    raw = (_ARABIC * 3).encode()
    decoded = decode(raw[:100] + b"\xd8" + raw[100:])
    assert decoded.text.count("\ufffd") == 1 and decoded.notes == ("1 unreadable character in it",)
    with pytest.raises(ArticleError, match="10 of its"):
        decode((_ARABIC + "\ufffd" * 10).encode())


def test_line_ends_and_control_marks_are_normalised() -> None:
    """One kind of line end, no form feeds and no escapes."""
    assert decode(b"a\r\nb\rc\x0cd\x1be").text == "a\nb\nc\nde"


@pytest.mark.parametrize("name", _ARTICLES)
def test_good_text_is_left_alone(name: str) -> None:
    """No sample article is changed, or said to be wrongly read."""
    assert repair_mojibake(_ARTICLES[name]) == (_ARTICLES[name], ())


@pytest.mark.parametrize("language", _PARALLEL)
def test_good_text_of_any_language_is_left_alone(language: str) -> None:
    """Nor is any of the languages that Isnad is made for."""
    assert repair_mojibake(_PARALLEL[language]) == (_PARALLEL[language], ())


@pytest.mark.parametrize("language", ["ar", "fa", "ru", "zh", "ja", "hi", "tr", "fr"])
@pytest.mark.parametrize(
    "wrong", [("cp1252",), ("cp1251",), ("cp1256",), ("latin-1",), ("latin-1", "latin-1"), ("cp1252", "cp1252")]
)
def test_text_read_in_a_wrong_encoding_is_repaired(wrong: tuple[str, ...], language: str) -> None:
    """Once or twice wrong, exactly as it was, with a note; typographic quotes and wide letters stay as they are."""
    text = _PARALLEL[language] + " “”ﬁ１"
    spoilt = text
    for codec in wrong:
        spoilt = spoilt.encode().decode(codec if codec == "latin-1" else f"sloppy-windows-{codec[2:]}")
    repaired, notes = repair_mojibake(spoilt)
    assert repaired == text and len(notes) == 1


def test_one_bad_paragraph_among_good_ones_is_repaired() -> None:
    """The others are in the right encoding already."""
    bad = _ARABIC.encode().decode("sloppy-windows-1256")
    assert repair_mojibake(f"{_CHINESE}\n{bad}\nGood.")[0] == f"{_CHINESE}\n{_ARABIC}\nGood."


def test_what_cannot_be_repaired_is_said() -> None:
    """Where letters were lost on the way the text stays, and the reader is told."""
    spoilt = _ARABIC.encode().decode("sloppy-windows-1256").replace("ط§", "ط?", 1)
    repaired, notes = repair_mojibake(spoilt)
    assert repaired == spoilt and any("wrong encoding" in note for note in notes)


@pytest.mark.parametrize("codec", ["cp1256", "cp1251", "gb18030", "cp932", "utf-8"])
def test_a_head_may_end_within_a_character(codec: str) -> None:
    """The encoding of a file is told from its beginning wherever that is cut."""
    text = {"cp1256": _ARABIC, "cp1251": _PARALLEL["ru"], "gb18030": _CHINESE, "cp932": _PARALLEL["ja"]}
    raw = text.get(codec, _CHINESE).encode(codec)
    for cut in range(len(raw) - 4, len(raw)):
        assert raw.decode(sniff(raw[:cut], whole=False)) == raw.decode(codec)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """Nothing but text or ArticleError comes of them."""
    try:
        assert "\r" not in decode(raw).text
    except ArticleError as error:
        assert "\n" not in str(error)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_text_is_read_or_refused(data: st.DataObject) -> None:
    """A flipped bit or a cut end of a file in any encoding raises nothing else."""
    codec = data.draw(st.sampled_from(["cp1256", "gb18030", "utf-8", "utf-16", "cp932"]))
    raw = bytearray(_ARABIC.encode(codec, "ignore") + _CHINESE.encode(codec, "ignore"))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        decode(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    except ArticleError as error:
        assert "\n" not in str(error)
