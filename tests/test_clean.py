"""Cleaning: what goes, what stays, and reversed right-to-left text put in order, right text never touched."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from pathlib import Path

import arabic_reshaper
import pytest
from bidi import get_display
from fpdf import FPDF
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.clean import clean_pages, clean_text
from ingest.draft import Draft, Source
from ingest.formats.pdf import load_pdf

_ROOT = Path(__file__).parent.parent
_ARTICLES = sorted((_ROOT / "ingest" / "sample_articles").glob("*.md"))
_LANGUAGE_TEXTS = sorted((_ROOT / "rag" / "assets" / "language_text").glob("*.json"))
_RTL = ("ar", "fa", "ur", "he")
_shaped = arabic_reshaper.ArabicReshaper({"delete_harakat": False, "support_ligatures": True}).reshape


def _texts(path: Path) -> list[str]:
    if path.suffix == ".md":
        return [re.sub(r"\A---.*?---\n", "", path.read_text("utf-8"), flags=re.DOTALL).strip()]
    return ["\n".join(part) for part in json.loads(path.read_text("utf-8")).values()]


def _visual(text: str) -> str:
    return "\n".join(get_display(line, base_dir="R") if line else line for line in text.split("\n"))


@pytest.mark.parametrize("path", [*_ARTICLES, *_LANGUAGE_TEXTS], ids=lambda path: path.name)
def test_right_text_is_left_as_it_is(path: Path) -> None:
    """No sample in any language is taken for reversed; only spaces and unseen characters become plain."""
    for text in _texts(path):
        plain = re.sub("[\u200e\u200f\u00ad]", "", re.sub("[\u00a0\u2000-\u200a\u202f\u3000]", " ", text))
        assert clean_text(text) == (unicodedata.normalize("NFC", plain), ())


@pytest.mark.parametrize("language", _RTL)
def test_reversed_text_is_put_in_order(language: str) -> None:
    """Text as it lies on paper is restored to the letter, with its numbers, brackets and foreign words."""
    paths = [path for path in (*_ARTICLES, *_LANGUAGE_TEXTS) if language in path.name.split(".")[-2:]]
    for text in [
        text for path in (*paths, _ROOT / f"rag/assets/language_text/{language}.json") for text in _texts(path)
    ]:
        cleaned, notes = clean_text(_visual(text))
        assert cleaned == clean_text(text)[0]
        assert len(notes) == 1


def test_only_the_reversed_lines_are_turned() -> None:
    """A reversed line among right ones is turned, the others are not."""
    lines = [
        "وقال الوزير إن الحكومة قررت ذلك في اجتماع أمس.",
        "وأضاف أن القرار صدر عن اللجنة بعد جلسة في 19/07/2022 (الثلاثاء).",
    ]
    assert clean_text("\n".join([lines[0], _visual(lines[1])]))[0] == "\n".join(lines)


def test_presentation_forms_become_letters() -> None:
    """Letters in the shapes of old fonts are ordinary ones, and a note says so; the honorific sign stays."""
    text = "قال إنه لا يعلم ﷺ"
    cleaned, notes = clean_text(_shaped("قال إنه لا يعلم") + " ﷺ")
    assert cleaned == text
    assert "presentation forms" in notes[0]


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
        ("a\u00a0b\u3000c", "a b c"),
        ("a \t\n\n\n\nb", "a\n\nb"),
        ("\ufeffso\u00adft\u200e\u202e\x00", "soft"),
        ("می\u200cشود 👩\u200d🔬", "می\u200cشود 👩\u200d🔬"),
        ("e\u0301 中\ufeff文", "é 中文"),
        ("", ""),
    ],
)
def test_what_is_not_seen_goes(written: str, clean: str) -> None:
    """Line breaks and spaces become plain, unseen characters go, the joiners that spelling needs stay."""
    assert clean_text(written) == (clean, ())


_PIECES = [*"ةىﻻﷲ(«»)19/,.a B\n\u200c\u0651\u0301\u00ad\ufeff\u3000中", "من ", "نم ", " يف", " لع", "של ", " לש", "את "]
_LETTERS = st.lists(st.sampled_from(_PIECES), max_size=40).map("".join)


@settings(max_examples=300, deadline=None)
@example("ى\ufef9")
@given(st.one_of(st.text(), _LETTERS))
def test_what_is_clean_stays_clean(text: str) -> None:
    """Cleaning twice is cleaning once."""
    once, _ = clean_text(text)
    assert clean_text(once)[0] == once


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["", " \n", "نص الصفحة ", "第一页。", "One ", "\n\nTwo\u00a0x"]), max_size=6))
def test_pages_begin_where_their_text_does(pages: list[str]) -> None:
    """Offsets rise, one a page, and each page's text stands at its own."""
    text, begins, _ = clean_pages(pages)
    assert text == clean_text("".join(pages))[0]
    assert len(begins) == len(pages)
    assert list(begins) == sorted(begins)
    for page, begin in zip(pages, begins, strict=True):
        assert text[begin:].startswith(clean_text(page)[0])


def _pdf(lines: list[str]) -> Draft:
    document = FPDF()
    document.add_page()
    document.set_font("helvetica", size=14)
    for line in lines:
        document.cell(0, 8, line, new_x="LMARGIN", new_y="NEXT")
    (draft,) = load_pdf(Source("a.pdf", io.BytesIO(bytes(document.output()))))
    assert isinstance(draft, Draft)
    return draft


def test_a_word_cut_at_the_end_of_a_line_is_whole_again() -> None:
    """The lines of a paragraph in a PDF are joined, without the hyphen between them."""
    draft = _pdf(["The committee discussed the inter-", "national agreement with the two sides."])
    assert draft.text == "The committee discussed the international agreement with the two sides."
