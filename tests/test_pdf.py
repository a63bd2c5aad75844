"""PDF files: printed by a real browser in several scripts, and drawn line by line for what a layout means."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from fpdf import FPDF

from ingest.draft import Draft, Source
from ingest.formats.pdf import load_pdf
from rag.errors import ArticleError

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_ARTICLES = {
    "ar": (
        "ميناء سيدار يفتح أبوابه",
        ["افتُتح ميناء سيدار يوم الأحد بعد ست سنوات من العمل، وقصّت رئيسة البلدية لينا أورلو الشريط.",
         "يبلغ طول الرصيف 840 مترًا وكلّف 62 مليونًا (أي أكثر مما خُطط له)، كما قالت UNESCO في 4 مايو 2022."],
    ),
    "ru": (
        "Порт Сайдар открылся",
        ["Порт Сайдар открылся в воскресенье после шести лет работ; ленточку перерезала мэр Лена Орлу.",
         "Длина причала — 840 метров, он стоил 62 миллиона. Паромы пойдут с 4 мая."],
    ),
    "en": (
        "The harbour of Saidar opens",
        ["The harbour of Saidar opened on Sunday after six years of work. The mayor, Lena Orlu, cut the ribbon.",
         "The pier is 840 metres long and cost 62 million. Ferries to the islands start on 4 May."],
    ),
}  # fmt: skip


def _read(raw: bytes) -> Draft:
    (draft,) = load_pdf(Source("file.pdf", io.BytesIO(raw)))
    return draft


def _drawn(pages: Sequence[Sequence[tuple[float, float, float, str]]], **facts: str) -> bytes:
    """A PDF with lines of Latin text: for each its x and y in millimetres from the top left, its size, its words."""
    pdf = FPDF()
    for lines in pages:
        pdf.add_page()
        pdf.rect(5, 5, 1, 1)
        for x, y, size, text in lines:
            pdf.set_font("helvetica", size=size)
            pdf.text(x, y, text)
    if title := facts.get("title"):
        pdf.set_title(title)
    return bytes(pdf.output())


def _column(
    lines: Sequence[str], *, indented: Sequence[int] = (), begin: float = 40
) -> list[tuple[float, float, float, str]]:
    return [(26 if n in indented else 20, begin + 6 * n, 12, line) for n, line in enumerate(lines)]


@pytest.mark.skipif(_CHROMIUM is None, reason="no browser found; on Debian or Ubuntu: apt-get install chromium")
@pytest.mark.parametrize("language", _ARTICLES)
def test_what_a_browser_prints_is_read_in_order(language: str, tmp_path: Path) -> None:
    """Every word where it belongs, paragraphs as they were, title and language from the file, a page for every text."""
    title, paragraphs = _ARTICLES[language]
    body = "".join(f'<p style="page-break-after:always">{paragraph}</p>' for paragraph in paragraphs)
    page = tmp_path / "page.html"
    page.write_text(
        f'<!doctype html><html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"><meta charset="utf-8">'
        f"<title>{title}</title><body style='font:12pt DejaVu Sans,sans-serif'>{body}</body></html>",
        "utf-8",
    )
    target = tmp_path / "page.pdf"
    command = [str(_CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
               "--no-pdf-header-footer", f"--print-to-pdf={target}", str(page)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    draft = _read(target.read_bytes())
    assert (draft.title, draft.language) == (title, language)
    assert draft.text.split("\n") == paragraphs
    assert [draft.text[begin:].split("\n", 1)[0] for begin in draft.pages][:2] == paragraphs


def test_a_line_set_in_begins_a_paragraph() -> None:
    """When the one before ends a sentence, though it fills the column; an inset line within a sentence goes on."""
    lines = ["The harbour opened on Sunday after the six long years of work.",
             "The mayor, Lena Orlu, cut the ribbon while many were cheering",
             "and a band played on, and the first of the ferries left port."]  # fmt: skip
    draft = _read(_drawn([_column([*lines, *lines], indented=[3])]))
    assert draft.text == "\n".join([" ".join(lines)] * 2)
    draft = _read(_drawn([_column([*lines[:2], *lines[1:]], indented=[2])]))
    assert "\n" not in draft.text


def test_hyphens_go_where_a_line_broke_a_word_and_stay_elsewhere() -> None:
    draft = _read(
        _drawn([_column(["Der Hafen lebt vom Ge-", "treide und vom Import-", "und Exportgeschäft der", "Stadt."])])
    )
    assert draft.text == "Der Hafen lebt vom Getreide und vom Import- und Exportgeschäft der Stadt."


@pytest.mark.parametrize("pages", [2, 5])
def test_running_heads_and_page_numbers_are_no_text(pages: int) -> None:
    """Nor is a sentence torn where a page ends."""
    words = ["one", "two", "three", "four", "five"][:pages]
    drawn = []
    for number, word in enumerate(words, start=1):
        column = _column([f"Page {word} has words of its", f"own, and page {word} goes on"])
        drawn.append([(20.0, 15.0, 9.0, f"The Gazette, {number}"), *column, (100.0, 285.0, 9.0, str(number))])
    draft = _read(_drawn(drawn))
    assert draft.text == " ".join(f"Page {word} has words of its own, and page {word} goes on" for word in words)
    assert [draft.text[begin:].split()[1] for begin in draft.pages] == words
    alike = _drawn([_column(["Nothing new to report."])] * pages)
    assert "Nothing new to report." in _read(alike).text


def test_the_largest_letters_are_the_title_where_none_is_stated() -> None:
    """Marked as guessed; a stated title wins, a file name is none."""
    lines = [
        (20.0, 20.0, 22.0, "The harbour of Saidar"),
        (20.0, 30.0, 22.0, "opens after six years"),
        *_column(["Text follows."] * 4),
    ]
    draft = _read(_drawn([lines], title="draft3.docx"))
    assert draft.title == "The harbour of Saidar opens after six years"
    assert "title" in draft.guessed
    draft = _read(_drawn([lines], title="Harbour opens"))
    assert draft.title == "Harbour opens" and "title" not in draft.guessed
    assert _read(_drawn([_column(["All of one size.", "And no headline."])])).title == ""


def test_pages_without_a_text_layer_are_named() -> None:
    with pytest.raises(ArticleError, match=r"no text layer.*ocrmypdf"):
        _read(_drawn([[], []]))
    draft = _read(_drawn([_column(["There is text here."]), [], []]))
    assert draft.notes == ("2 of 3 pages have no text layer and were left out: 2, 3",)


def test_a_password_is_asked_for_in_words() -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.text(20, 20, "Secret.")
    pdf.set_encryption(owner_password="owner", user_password="user")
    with pytest.raises(ArticleError, match="needs a password"):
        _read(bytes(pdf.output()))


@pytest.mark.parametrize(
    "raw", [b"", b"%PDF-1.7\n", b"no pdf at all", b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 1 0 R>>\nendobj"]
)
def test_what_is_no_pdf_is_refused(raw: bytes) -> None:
    with pytest.raises(ArticleError, match="PDF"):
        _read(raw)
