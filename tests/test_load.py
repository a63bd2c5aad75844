"""Files into articles: front matter, titles, languages, Markdown, and what is refused and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.complete import Overrides
from ingest.load import Loaded, file_item, load
from ingest.load import find_files as find_items
from rag.errors import ArticleError, UsageError
from rag.types import Article

_BODIES = {
    "ar": "التقى الرئيس الروسي بالرئيس الإيراني في طهران. وبحث الجانبان اتفاق تصدير الحبوب عبر البحر الأسود.",
    "zh": "中国的问天实验舱于七月二十四日发射升空。它随后与天和核心舱成功对接。",
    "en": "The leaders met in Tehran on Tuesday. They discussed the export of grain through the Black Sea.",
    "tr": "Cumhurbaşkanı salı günü Tahran'a gitti. Görüşmelerde tahılın Karadeniz üzerinden ihracatı ele alındı.",
}


def load_article(path: Path) -> Article:
    """The one article in a file."""
    (loaded,) = load(file_item(path, path.parent), Overrides())
    assert isinstance(loaded, Loaded)
    return loaded.article


def find_files(paths: list[Path]) -> Iterator[Path]:
    """The paths of the files that are found."""
    return (item.path for item in find_items(paths))


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def _refusal(path: Path) -> str:
    """What load_article says to a file that it refuses, which is one line and names the file."""
    with pytest.raises(ArticleError) as caught:
        load_article(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("suffix", [".md", ".txt", ".MD"])
@pytest.mark.parametrize("language", _BODIES)
def test_front_matter_gives_every_field(language: str, suffix: str, tmp_path: Path) -> None:
    """Title, publisher, date, address and language come from the front matter, and none of it is in the text."""
    path = _write(
        tmp_path,
        f"a{suffix}",
        "---\ntitle: قمة 峰会 Zirve\npublisher: Agence Example\npublished: 2022-07-19\n"
        f"url: https://example.org/{language}\nlanguage: {language}\n---\n\n{_BODIES[language]}\n",
    )
    article = load_article(path)
    assert article.title == "قمة 峰会 Zirve"
    assert (article.publisher, article.published) == ("Agence Example", "2022-07-19")
    assert (article.url, article.language) == (f"https://example.org/{language}", language)
    assert article.text == _BODIES[language]


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ('"Kyiv: the morning after"', "Kyiv: the morning after"),
        ("'It''s “here”'", "It's “here”"),
        ('"قال: \\"لا\\""', 'قال: "لا"'),
        ("No", "No"),
        ("2022", "2022"),
        ("  峰会  在  德黑兰  ", "峰会 在 德黑兰"),
        (">\n  two\n  lines", "two lines"),
    ],
)
def test_front_matter_values_are_the_text_they_are(written: str, title: str, tmp_path: Path) -> None:
    """Quotation marks are taken off, "No" and numbers stay text, white space is one space."""
    path = _write(tmp_path, "a.txt", f"---\ntitle: {written}\n---\nText.\n")
    assert load_article(path).title == title


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("2022-07-19", "2022-07-19"),
        ("20220719", "2022-07-19"),
        ("2022-07-19T10:30:00Z", "2022-07-19T10:30:00+00:00"),
        ("2022-07-19 10:30:00+03:00", "2022-07-19T10:30:00+03:00"),
        ("", ""),
    ],
)
def test_dates_are_iso_8601(written: str, published: str, tmp_path: Path) -> None:
    """A date, with or without its time, is stored in ISO 8601; a missing one is empty."""
    assert load_article(_write(tmp_path, "a.txt", f"---\npublished: {written}\n---\nText.\n")).published == published


@pytest.mark.parametrize("language", _BODIES)
@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n").encode(), id="crlf"),
        pytest.param(lambda text: text.replace("\n", "\r").encode(), id="cr"),
        pytest.param(lambda text: text.encode("utf-8-sig"), id="bom"),
        pytest.param(lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"), id="bom-crlf"),
        pytest.param(lambda text: text.encode("utf-16"), id="utf-16"),
    ],
)
def test_line_ends_and_byte_order_marks_change_nothing(encode, language: str, tmp_path: Path) -> None:
    """An article saved on another system reads the same as one saved here."""
    content = f"---\ntitle: عنوان 标题\nlanguage: {language}\n---\n\n{_BODIES[language]}\n\nZwei.\n"
    plain = load_article(_write(tmp_path, "a.txt", content))
    other = load_article(_write(tmp_path, "a.txt", encode(content)))
    assert other == plain
    assert plain.text == f"{_BODIES[language]}\n\nZwei."


@pytest.mark.parametrize("language", _BODIES)
def test_a_missing_title_is_the_first_line(language: str, tmp_path: Path) -> None:
    """Plain text without a title is called by its first line that is not empty."""
    path = _write(tmp_path, "a.txt", f"\n\n  {_BODIES[language]}  \nmore\n")
    assert load_article(path).title == _BODIES[language]


def test_a_long_first_line_is_cut_as_a_title(tmp_path: Path) -> None:
    """A title is at most 200 characters, however long the line; the text keeps all of it."""
    article = load_article(_write(tmp_path, "a.txt", "字" * 5000))
    assert len(article.title) == 200 and article.title.endswith("…")
    assert len(article.text) == 5000


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("# قمة طهران\n\nالنص هنا.\n", "قمة طهران"),
        ("Before.\n\n## 问天 *发射*\n\n正文。\n", "问天 发射"),
        ("Heading\n=======\n\nText.\n", "Heading"),
        ("Only text here.\n\nAnd more.\n", "Only text here."),
        ("[A **link**](https://example.org) first\n", "A link first"),
    ],
)
def test_a_missing_markdown_title_is_the_first_heading(body: str, title: str, tmp_path: Path) -> None:
    """Markdown is called by its first heading without its marks, else by its first line."""
    assert load_article(_write(tmp_path, "a.md", body)).title == title


def test_a_title_in_the_front_matter_wins_over_the_heading(tmp_path: Path) -> None:
    """The heading then stays in the text."""
    article = load_article(_write(tmp_path, "a.md", "---\ntitle: Given\n---\n# Heading\n\nText.\n"))
    assert (article.title, article.text) == ("Given", "Heading\n\nText.")


@pytest.mark.parametrize("language", _BODIES)
def test_a_missing_language_is_detected(language: str, tmp_path: Path) -> None:
    """The language is told from the text where the front matter does not say it."""
    assert load_article(_write(tmp_path, "a.txt", _BODIES[language])).language == language


def test_a_text_without_letters_has_no_language(tmp_path: Path) -> None:
    """Nothing is guessed from numbers."""
    assert load_article(_write(tmp_path, "a.txt", "1 2 3\n2022: 4")).language == ""


@pytest.mark.parametrize("language", ["pt-BR", "zh-Hant-TW", "sr-Latn", "ckb"])
def test_languages_may_have_a_region_and_a_script(language: str, tmp_path: Path) -> None:
    """Every form of a language code is taken as it is written."""
    assert load_article(_write(tmp_path, "a.txt", f"---\nlanguage: {language}\n---\nText.")).language == language


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ('See [the *summit*](https://example.org/x "t") today.', "See the summit today."),
        ("<https://example.org/x>", "https://example.org/x"),
        ("A **bold** and _slanted_ `word` with a \\* star.", "A bold and slanted word with a * star."),
        ("قال **الوزير** إن [الاتفاق](https://example.org) *قريب*.", "قال الوزير إن الاتفاق قريب."),
        ("他说**会议**在[德黑兰](https://example.org)举行。", "他说会议在德黑兰举行。"),
        ("One line\nand the next.", "One line and the next."),
        ("Kept  \napart.", "Kept\napart."),
        ("> Quoted *words*.\n\nPlain.", "Quoted words.\n\nPlain."),
        ("Before ![a picture](x.png)after.", "Before after."),
        ("Text &amp; more &lt;here&gt;.", "Text & more <here>."),
        ("With <b>tags</b><br> in it.", "With tags in it."),
        ("<div class='ad'>\nBuy now\n</div>\n\nText.", "Text."),
        ("<!-- a note -->\n\nText.", "Text."),
        ("```\ncode = 1\n```\n\nText.", "code = 1\n\nText."),
        ("Above\n\n---\n\nBelow", "Above\n\nBelow"),
    ],
)
def test_markdown_marks_are_not_text(markdown: str, text: str, tmp_path: Path) -> None:
    """Links, emphasis, pictures and HTML leave only the words that a reader sees."""
    path = _write(tmp_path, "a.md", f"---\ntitle: t\n---\n\n{markdown}\n")
    assert load_article(path).text == text


@pytest.mark.parametrize("mark", ["- ", "* ", "1. "])
def test_list_items_are_lines(mark: str, tmp_path: Path) -> None:
    """Each item of a list is a line of its own, so that each can be quoted alone."""
    items = ["القمح", "小麦", "wheat"]
    path = _write(tmp_path, "a.md", "Exports:\n\n" + "\n".join(mark + item for item in items) + "\n\nAfter.\n")
    lines = load_article(path).text.split("\n")
    assert [line for line in lines if line] == ["Exports:", *items, "After."]


@pytest.mark.parametrize("gap", ["\n", "\n\n"], ids=["tight", "loose"])
def test_nested_lists_keep_every_item(gap: str, tmp_path: Path) -> None:
    """Items within items are lines too, in the order they are written."""
    path = _write(tmp_path, "a.md", gap.join(["- one", "  - two", "    - three", "- four"]))
    assert load_article(path).text.split() == ["one", "two", "three", "four"]
    assert "one two" not in load_article(path).text


def test_tables_are_one_line_a_row(tmp_path: Path) -> None:
    """The cells of a row stay together, apart from those of the next row."""
    table = "| البلد | 数量 |\n|---|--:|\n| تركيا | **12** |\n| 中国 | 30 |\n"
    text = load_article(_write(tmp_path, "a.md", f"Before.\n\n{table}\nAfter.\n")).text
    assert [line for line in text.split("\n") if line] == ["Before.", "البلد\t数量", "تركيا\t12", "中国\t30", "After."]


def test_plain_text_keeps_its_marks(tmp_path: Path) -> None:
    """A .txt file is text as it is: stars and brackets in it mean themselves."""
    text = "# not a heading\n\n*stars* [brackets](x) <b>"
    assert load_article(_write(tmp_path, "a.txt", text)).text == text


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nul.txt", b"text\x00text", "NUL characters"),
        ("png.md", b"\x89PNG\r\n\x1a\n\x00\x00", "binary files"),
        ("half.txt", "سلام".encode()[:-1], "UTF-8"),
        ("odd.txt", b"\xff\xfea", "Save it as UTF-8"),
        ("empty.txt", b"", "no text"),
        ("blank.md", b"\xef\xbb\xbf \n\t\r\n", "no text"),
        ("front.md", b"---\ntitle: only\n---\n", "no text"),
        ("page.xyz", b"<p>text</p>", ".html"),
        ("noname", b"text", "no suffix"),
    ],
)
def test_what_is_not_text_is_refused(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    """Binary, wrongly encoded, empty and unknown files each get one line that says what was found."""
    assert says in _refusal(_write(tmp_path, name, content))


@pytest.mark.parametrize(
    ("front", "says"),
    [
        ("title: fine\npublisher: a: b", "line 3"),
        ('title: "not closed', "not valid YAML"),
        ("title: fine\n\tpublisher: x", "line 3"),
        ("- a\n- list", "list"),
        ("only words", "str"),
        ("title:\n  - a\n  - b", "title"),
        ("published: yesterday", "'yesterday'"),
        ("published: 2022-02-30", "'2022-02-30'"),
        ("published: 19.07.2022 10:30", "'19.07.2022 10:30'"),
        ("url: example.org/a", "'example.org/a'"),
        ("url: javascript:alert(1)", "https://"),
        ("language: Arabic!", "'Arabic!'"),
    ],
)
def test_front_matter_that_cannot_be_used_is_refused(front: str, says: str, tmp_path: Path) -> None:
    """Broken YAML is named with its line, a bad value with what was expected."""
    assert says in _refusal(_write(tmp_path, "a.md", f"---\n{front}\n---\nText.\n"))


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    """A link to nothing, a folder with the name of an article and a forbidden file say what the system says."""
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "nowhere.txt")
    assert "cannot be read" in _refusal(link)
    folder = tmp_path / "folder.md"
    folder.mkdir()
    assert "cannot be read" in _refusal(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    """A file that this user may not read says so."""
    path = _write(tmp_path, "a.txt", "Text.")
    path.chmod(0)
    assert "ermission" in _refusal(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    """A pipe that nobody writes to is refused instead of waited for."""
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    assert "not a file" in _refusal(pipe)


def test_an_archive_by_mistake_is_refused(tmp_path: Path) -> None:
    """A file of more than 20 MB is not read into memory."""
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(20_000_001)
    assert "20 MB" in _refusal(path)


def test_the_address_or_the_path_is_the_identity(tmp_path: Path) -> None:
    """The same address is the same article wherever it lies; without one the path counts, not the content."""
    with_url = "---\nurl: https://example.org/a\n---\n{}"
    ids = [
        load_article(_write(tmp_path, name, content)).id
        for name, content in [
            ("a.txt", with_url.format("One.")),
            ("b.txt", with_url.format("Two.")),
            ("c.txt", "Same."),
            ("d.txt", "Same."),
            ("c.txt", "Other."),
        ]
    ]
    assert ids[0] == ids[1]
    assert ids[2] == ids[4] != ids[3]
    assert len(set(ids)) == 3


def test_a_relative_path_is_the_same_article(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that a command is run in does not matter."""
    path = _write(tmp_path, "مقال.txt", "Text.")
    monkeypatch.chdir(tmp_path)
    assert load_article(Path("مقال.txt")).id == load_article(path).id


def test_files_are_found_in_order(tmp_path: Path) -> None:
    """Folders are searched to the bottom; other suffixes and everything hidden are passed over."""
    for name in ("b.md", "a.txt", "C.TXT", "sub/文章.md", "sub/deep/مقال.txt", "x.xyz", ".hidden.md", ".git/a.md"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        _write(tmp_path / "in", name, "text")
    (tmp_path / "in" / "folder.md").mkdir()
    found = [path.relative_to(tmp_path / "in").as_posix() for path in find_files([tmp_path / "in"])]
    assert found == ["C.TXT", "a.txt", "b.md", "sub/文章.md", "sub/deep/مقال.txt"]


def test_a_folder_in_a_hidden_place_can_be_named(tmp_path: Path) -> None:
    """What is asked for by name is read, hidden or not, known suffix or not."""
    folder = tmp_path / ".notes"
    folder.mkdir()
    inside, named = _write(folder, "a.md", "text"), _write(tmp_path, ".b.html", "text")
    assert list(find_files([folder, named])) == [inside, named]


def test_a_missing_path_is_a_usage_error(tmp_path: Path) -> None:
    """A path that does not exist is refused before any file is read, by its name."""
    _write(tmp_path, "a.txt", "text")
    with pytest.raises(UsageError, match=r"nowhere\.md") as caught:
        next(find_files([tmp_path / "a.txt", tmp_path / "nowhere.md"]))
    assert caught.value.exit_code == 2
