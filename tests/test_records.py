"""Records into drafts: JSON Lines, JSON, CSV, TSV and Parquet, fields guessed or mapped, and what is refused."""

from __future__ import annotations

import datetime
import io
import json
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from ingest.draft import Draft, Failure, Loader, Source
from ingest.formats.records import load_csv, load_json, load_jsonl, load_parquet, load_tsv
from rag.errors import ArticleError

_TEXTS = {
    "ar": "التقى الرئيس الروسي بنظيره الإيراني في طهران، وبحث الجانبان تصدير الحبوب.",
    "zh": "中国的问天实验舱于七月二十四日发射升空，它随后与天和核心舱成功对接。",
    "en": "The leaders met on Tuesday, and spoke of grain.",
}


def _read(loader: Loader, raw: bytes, **fields: str) -> list[Draft | Failure]:
    return list(loader(Source("records", io.BytesIO(raw), fields=fields)))


def _drafts(loader: Loader, raw: bytes, **fields: str) -> list[Draft]:
    found = _read(loader, raw, **fields)
    assert all(isinstance(each, Draft) for each in found), found
    return [each for each in found if isinstance(each, Draft)]


def _lines(*records: object) -> bytes:
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode()


def _parquet(**columns: list[Any]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


_FORMATS: list[tuple[Loader, Any, str]] = [
    (load_jsonl, lambda text: _lines({"headline": "قمة", "body": text}), "line 1"),
    (load_json, lambda text: json.dumps([{"headline": "قمة", "body": text}]).encode(), "record 1"),
    (load_csv, lambda text: f'headline,body\nقمة,"{text}"\n'.encode(), "line 2"),
    (load_tsv, lambda text: f"headline\tbody\nقمة\t{text}\n".encode(), "line 2"),
    (load_parquet, lambda text: _parquet(headline=["قمة"], body=[text]), "record 1"),
]


@pytest.mark.parametrize("language", _TEXTS)
@pytest.mark.parametrize(("loader", "write", "where"), _FORMATS, ids=["jsonl", "json", "csv", "tsv", "parquet"])
def test_every_format_gives_the_record_and_its_place(loader: Loader, write: Any, where: str, language: str) -> None:
    """Title and text under common names, and where in the file they stand."""
    (draft,) = _drafts(loader, write(_TEXTS[language]))
    assert (draft.title, draft.text, draft.where) == ("قمة", _TEXTS[language], where)


@pytest.mark.parametrize("name", ["Article Text", "article-text", "FULLTEXT", "maintext", "Body"])
def test_common_names_are_known_however_they_are_written(name: str) -> None:
    """Case and separators do not count."""
    assert _drafts(load_jsonl, _lines({name: "x"}))[0].text == "x"


def test_the_likeliest_name_that_is_filled_wins() -> None:
    """A text goes before a summary, unless it is empty."""
    drafts = _drafts(load_jsonl, _lines({"summary": "s", "text": "t"}, {"summary": "s", "text": "", "content": None}))
    assert [draft.text for draft in drafts] == ["t", "s"]


def test_names_can_be_mapped_also_into_objects() -> None:
    """A dotted path leads into a nested object."""
    record = {"inhalt": "x", "body": "no", "source": {"org": {"label": "Agentur"}}}
    (draft,) = _drafts(load_jsonl, _lines(record), text="inhalt", publisher="source.org.label")
    assert (draft.text, draft.publisher) == ("x", "Agentur")


@pytest.mark.parametrize(
    ("value", "author"),
    [(["Ann", "Bo"], "Ann, Bo"), ({"name": "سامر"}, "سامر"), ([{"name": "林"}, {"name": "Bo"}], "林, Bo"), (None, "")],
)
def test_lists_and_objects_are_names(value: object, author: str) -> None:
    """Several authors are one line."""
    assert _drafts(load_jsonl, _lines({"text": "x", "author": value}))[0].author == author


@pytest.mark.parametrize(
    ("written", "published"),
    [
        (1658232000, "2022-07-19T12:00:00+00:00"),
        (1658232000000, "2022-07-19T12:00:00+00:00"),
        ("1658232000", "2022-07-19T12:00:00+00:00"),
        (20220719, "20220719"),
        ("2022-07-19", "2022-07-19"),
        (None, ""),
    ],
)
def test_seconds_since_1970_are_dates(written: object, published: str) -> None:
    """Also milliseconds, and in quotes; a date in digits is none of them."""
    assert _drafts(load_jsonl, _lines({"text": "x", "date": written}))[0].published == published


def test_parquet_moments_keep_their_zone() -> None:
    """A typed date is written in ISO 8601."""
    moment = datetime.datetime(2022, 7, 19, 10, 30, tzinfo=datetime.UTC)
    assert _drafts(load_parquet, _parquet(text=["x"], date=[moment]))[0].published == "2022-07-19T10:30:00+00:00"


def test_html_in_a_field_is_text() -> None:
    """Blocks are lines of their own; angle brackets alone are no HTML."""
    drafts = _drafts(load_jsonl, _lines({"text": "<p>قمة &amp; more.</p><p>Two <b>b</b>.</p>"}, {"text": "a < b > c"}))
    assert drafts[0].text.split("\n") == ["قمة & more.", "Two b."]
    assert drafts[1].text == "a < b > c"


@pytest.mark.parametrize("language", _TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "legacy"])
@pytest.mark.parametrize("loader", [load_jsonl, load_csv])
def test_every_encoding_is_read(loader: Loader, encoding: str, language: str) -> None:
    """As whole files are, though they are read as they stream."""
    codec = {"ar": "cp1256", "zh": "gb18030", "en": "cp1252"}[language] if encoding == "legacy" else encoding
    text = _TEXTS[language]
    raw = _lines({"text": text}).decode() if loader is load_jsonl else f'text,url\n"{text}",u\n'
    assert _drafts(loader, raw.encode(codec))[0].text == text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_a_csv_is_found(delimiter: str) -> None:
    """Whatever parts the names of the columns; a quoted cell may have lines of its own, and line numbers count them."""
    rows = [["title", "text"], ["a", '"x\ny"'], ["b", "z"]]
    drafts = _drafts(load_csv, "\n".join(delimiter.join(row) for row in rows).encode())
    assert [(draft.title, draft.text, draft.where) for draft in drafts] == [
        ("a", "x\ny", "line 2"),
        ("b", "z", "line 4"),
    ]


def test_a_wrong_line_does_not_stop_the_others() -> None:
    """Wrong JSON on line 3 of 10 is one failure that names the line."""
    lines = _lines(*({"text": f"article {i}"} for i in range(10))).split(b"\n")
    lines[2] = lines[2][:-3]
    found = _read(load_jsonl, b"\n".join(lines))
    assert [each.where for each in found if isinstance(each, Failure)] == ["line 3"]
    assert sum(isinstance(each, Draft) for each in found) == 9


def test_a_row_of_another_length_does_not_stop_the_others() -> None:
    """Too few and too many cells are failures with their lines."""
    found = _read(load_csv, b"title,text\na,b\nc\nd,e,f\ng,h\n")
    assert [each.where for each in found if isinstance(each, Failure)] == ["line 3", "line 4"]
    assert [each.text for each in found if isinstance(each, Draft)] == ["b", "h"]


@pytest.mark.parametrize("quote", ['"never closed', '"closed" wrongly'])
def test_a_stray_quote_costs_its_own_row(quote: str) -> None:
    """Whether it is closed in its row, in a later one or nowhere."""
    rows = [f"{number},text {number}" for number in range(2, 9)]
    rows[2] = f"4,{quote}"
    found = _read(load_csv, "\n".join(["id,text", *rows]).encode())
    failed = [each for each in found if isinstance(each, Failure)]
    assert [each.where for each in failed] == ["line 4"]
    assert "not valid CSV" in failed[0].reason
    drafts = [each for each in found if isinstance(each, Draft)]
    assert [(each.where, each.text) for each in drafts] == [(f"line {n}", f"text {n}") for n in (2, 3, 5, 6, 7, 8)]


def test_delimiters_within_quoted_names_do_not_count() -> None:
    (draft,) = _drafts(
        load_csv, '"text, in full, as printed";title\n"قال, ثم, مضى";عنوان\n'.encode(), text="text, in full, as printed"
    )
    assert (draft.title, draft.text) == ("عنوان", "قال, ثم, مضى")


def test_json_lines_and_json_are_told_apart_whatever_they_are_called() -> None:
    records = [{"text": text} for text in _TEXTS.values()]
    by_line, whole = _lines(*records), json.dumps(records, indent=2, ensure_ascii=False).encode()
    for loader in (load_json, load_jsonl):
        for raw in (by_line, whole):
            assert [draft.text for draft in _drafts(loader, raw)] == list(_TEXTS.values())


def test_what_only_some_writers_take_for_json_is_read() -> None:
    """Not a number, and half of a character, as Python's own writer leaves them."""
    (draft,) = _drafts(load_jsonl, b'{"text": "one \\ud83d two", "score": NaN}')
    assert draft.text == "one \ufffd two"


def test_a_replacement_character_that_is_in_the_file_fails_nothing() -> None:
    (draft,) = _drafts(load_jsonl, _lines({"text": "A sentence with one \ufffd in it."}))
    assert "\ufffd" in draft.text
    (failure,) = _read(load_jsonl, b'{"text": "caf\xe9"}\n'.replace(b"caf", "é".encode() * 40 + b"caf"))
    assert isinstance(failure, Failure) and "UTF-8" in failure.reason


def test_an_article_with_lists_of_its_own_is_one_article() -> None:
    """Its authors and pictures are no articles, however short its text."""
    article = {"title": "قمة", "body": "نص قصير.", "authors": [{"name": "ليلى"}], "images": [{"url": "a.png"}]}
    (draft,) = _drafts(load_json, json.dumps(article).encode())
    assert (draft.text, draft.author) == ("نص قصير.", "ليلى")
    export = {"description": "All of them", "tags": [{"name": "x"}], "articles": [article, article]}
    assert len(_drafts(load_json, json.dumps(export).encode())) == 2


def test_values_of_databases_are_read() -> None:
    record = {"_id": {"$oid": "62d6"}, "text": "A text.", "date": {"$date": "2022-07-19T10:00:00Z"}}
    (draft,) = _drafts(load_jsonl, _lines(record))
    assert (draft.key, draft.published) == ("62d6", "2022-07-19T10:00:00Z")
    (draft,) = _drafts(load_parquet, _parquet(text=["نص".encode()], picture=[b"\x00" * 100]))
    assert draft.text == "نص"


def test_a_guessed_encoding_is_noted_once() -> None:
    text = "التقى الرئيس الروسي بنظيره الإيراني في طهران، وبحث الجانبان تصدير الحبوب عبر البحر الأسود إلى أسواق العالم."
    drafts = _drafts(load_csv, f"title,text\nأول,{text}\nثان,{text}\n".encode("windows-1256"))
    assert [draft.notes for draft in drafts] == [("read as windows-1256, guessed",), ()]


def test_tags_nested_thousands_deep_are_passed_over() -> None:
    (draft,) = _drafts(load_jsonl, _lines({"html": "<div>" * 50_000 + "The text." + "</div>" * 50_000}))
    assert draft.text == "The text."


@pytest.mark.parametrize("record", [{"text": " "}, {"text": None}, {"title": "only"}, [1], "text", 7, None])
def test_a_record_without_text_is_a_failure(record: object) -> None:
    """The reason is one line."""
    (failure,) = _read(load_jsonl, _lines(record))
    assert isinstance(failure, Failure) and failure.where == "line 1" and "\n" not in failure.reason


@pytest.mark.parametrize(
    ("loader", "raw"), [(load_csv, b"headline,lead\na,b\n"), (load_parquet, _parquet(headline=["a"], lead=["b"]))]
)
def test_a_missing_column_is_named_with_those_there_are(loader: Loader, raw: bytes) -> None:
    """Whether it is asked for by name or guessed; and how to name it is said."""
    with pytest.raises(ArticleError, match=r"'inhalt'.*headline, lead"):
        _read(loader, raw, text="inhalt")
    with pytest.raises(ArticleError, match=r"headline, lead.*--map text=NAME"):
        _read(loader, raw)


@pytest.mark.parametrize("wrapped", [True, False])
def test_json_may_wrap_its_list(wrapped: bool) -> None:
    """A list, or an object with the one list of objects inside."""
    records = [{"text": "a"}, {"text": "b"}]
    drafts = _drafts(load_json, json.dumps({"status": "ok", "articles": records} if wrapped else records).encode())
    assert [draft.text for draft in drafts] == ["a", "b"]


def test_an_overlong_line_is_passed_over() -> None:
    """It is a failure, and the next line is read."""
    found = _read(load_jsonl, b'{"text":"' + b"x" * 50_000_001 + b'"}\n{"text":"ok"}')
    assert isinstance(found[0], Failure) and "50 MB" in found[0].reason
    assert isinstance(found[1], Draft) and found[1].text == "ok"


def test_lines_are_read_as_they_are_asked_for() -> None:
    """A large file is not in memory as a whole: after one record little of it is read."""
    file = io.BytesIO(_lines(*({"text": "x" * 1000} for _ in range(5000))))
    drafts = load_jsonl(Source("records", file))
    next(drafts)
    assert file.tell() < 1_000_000


@pytest.mark.parametrize("language", _TEXTS)
def test_isnads_own_export_comes_back_as_it_was(language: str) -> None:
    """Nothing is guessed, and what a draft has no place for is handed on."""
    record = {
        **{
            "isnad": 1,
            "id": "i",
            "identity": "a.html",
            "title": "t",
            "text": _TEXTS[language],
            "url": "https://x.example",
        },
        **{"publisher": "p", "author": "a", "published": "2022-07-19", "language": language, "added_at": "2022-07-20"},
        **{"guessed": ["language"], "pages": [0, 5], "origin": "a.html", "copies": [{"url": "u"}], "story": "s"},
    }
    (draft,) = _drafts(load_jsonl, _lines(record))
    assert (draft.text, draft.pages, draft.guessed) == (_TEXTS[language], (0, 5), ("language",))
    assert (draft.publisher, draft.published, draft.language) == ("p", "2022-07-19", language)
    assert {name: draft.extra[name] for name in ("identity", "added_at", "origin", "copies", "story")} == {
        name: record[name] for name in ("identity", "added_at", "origin", "copies", "story")
    }


@pytest.mark.parametrize("loader", [load_jsonl, load_json, load_csv, load_tsv, load_parquet])
@pytest.mark.parametrize("raw", [b"", b" \n", b"\x00\x01\x02", b"[" * 100_000, b'{"a":' * 100_000, b"PAR1" + b"x" * 50])
def test_what_holds_no_records_is_refused(loader: Loader, raw: bytes) -> None:
    """By an error or a failure, in one line, and soon."""
    try:
        found = _read(loader, raw)
    except ArticleError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(each, Failure) for each in found)


@pytest.mark.parametrize(("loader", "write", "where"), _FORMATS[:2] + _FORMATS[4:], ids=["jsonl", "json", "parquet"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(loader: Loader, write: Any, where: str, data: st.DataObject) -> None:
    """A flipped bit or a cut end raises nothing but ArticleError."""
    raw = bytearray(write(_TEXTS["ar"]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        _read(loader, bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    except ArticleError as error:
        assert "\n" not in str(error)
