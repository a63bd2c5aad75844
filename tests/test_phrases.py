"""What Isnad says: every phrase in every language, with the same things to fill in."""

from __future__ import annotations

import string
from dataclasses import fields

import pytest

from rag.language import is_rtl
from rag.phrases import Phrases, all_phrases, introduction, listed, notice, phrases, support_label
from rag.types import Notice, Support

_NAMES = [field.name for field in fields(Phrases)]


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", sorted(all_phrases()))
def test_every_language_has_every_phrase(language: str) -> None:
    """None is empty, none is left in English, and what is filled in is the same as in English."""
    here, english = all_phrases()[language], all_phrases()["en"]
    for name in _NAMES:
        text = getattr(here, name)
        assert text.strip() == text != ""
        assert _placeholders(text) == _placeholders(getattr(english, name)), name
        assert language == "en" or text != getattr(english, name), name


def test_there_are_as_many_languages_as_before() -> None:
    """26 languages, four of them written from right to left."""
    assert len(all_phrases()) == 26
    assert [code for code in sorted(all_phrases()) if is_rtl(code)] == ["ar", "fa", "he", "ur"]


@pytest.mark.parametrize(
    ("reader", "quoted", "said"),
    [
        ("en", ["en"], "Quoted from the articles:"),
        ("en", ["ar", "en", "ar"], "Quoted from the articles (Arabic, English):"),
        ("ar-EG", ["zh", "tr"], "نقلًا حرفيًا عن المقالات (الصينية، التركية):"),
        ("zh", ["ja"], "以下为文章原文引述 (日语):"),
        ("xx", [""], "Quoted from the articles:"),
        ("", [], "Quoted from the articles:"),
    ],
)
def test_quotes_are_introduced_with_their_languages(reader: str, quoted: list[str], said: str) -> None:
    """In the reader's language, or in English; the languages are named where there are others than the reader's."""
    assert introduction(reader, quoted) == said


@pytest.mark.parametrize("language", ["en", "ar", "zh", ""])
def test_every_notice_and_every_support_has_words(language: str) -> None:
    """Notices say how a question was understood, and a sentence that was not checked has no label."""
    for each in Notice:
        assert notice(each, language, asked="{Why}?")
    assert "{Why}?" in notice(Notice.CARRIED, language, asked="{Why}?")
    labels = {support_label(each, language) for each in (Support.SUPPORTED, Support.PARTLY, Support.UNSUPPORTED)}
    assert len(labels) == 3
    assert "" not in labels
    assert support_label(Support.UNCHECKED, language) == ""


def test_languages_are_listed_in_the_readers_language() -> None:
    """With the comma that is used there."""
    assert listed(["en", "fa"], "ar") == "الإنجليزية، الفارسية"
    assert phrases("pt-BR") is phrases("pt")
