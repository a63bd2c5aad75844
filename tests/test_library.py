"""The table of articles: searched in any spelling, sorted both ways, paged, and nothing in it but text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from rag.types import Article, Copy
from ui.library import View, table_html


def _article(number: int, title: str, language: str = "en", **fields: str) -> Article:
    values = {"publisher": "The Daily", "published": f"2022-07-{number % 28 + 1:02}", **fields}
    return Article(id=f"a{number}", title=title, text="…", language=language, **values)


_ARTICLES = [
    _article(1, "إسطنبول تستضيف المحادثات", "ar", publisher="وكالة"),
    _article(2, "国际粮价连跌四个月", "zh", publisher="样例"),
    _article(3, "Istanbul hosts the talks"),
    _article(4, "Überall Staub", "de", published=""),
]


def _ids(html: str) -> list[str]:
    return re.findall(r'data-article="(\w+)"', html)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("اسطنبول", ["a1"]),  # written without the hamza that the title has
        ("粮价", ["a2"]),
        ("ISTANBUL talks", ["a3"]),
        ("uberall", ["a4"]),
        ("2022-07-04", ["a3"]),
        ("daily", ["a3", "a4"]),
        ("", ["a1", "a2", "a3", "a4"]),
        ("nothing like it", []),
    ],
)
def test_the_search_finds_all_words_in_any_spelling(words: str, found: list[str]) -> None:
    """In title, publisher and day, whatever the case, the marks and the order."""
    assert sorted(_ids(table_html(_ARTICLES, View(words), "en"))) == found


def test_a_column_sorts_both_ways() -> None:
    """The second choice of a column turns it round; an unknown column changes nothing."""
    view = View().by("title")
    assert _ids(table_html(_ARTICLES, view, "en"))[0] == "a3"
    assert _ids(table_html(_ARTICLES, view.by("title"), "en"))[-1] == "a3"
    assert 'aria-sort="descending"' in table_html(_ARTICLES, view.by("title"), "en")
    assert view.by("<script>") == view


def test_pages_have_fifty_rows() -> None:
    """A page beyond the last is the last, one before the first the first; the search begins anew."""
    many = [_article(number, f"Story {number}") for number in range(120)]
    assert [len(_ids(table_html(many, View(page=page), "en"))) for page in (-5, 0, 1, 2, 99)] == [50, 50, 50, 20, 20]
    assert "Page 3 of 3" in table_html(many, View(page=2), "en")
    assert "isnad-pager" not in table_html(many[:50], View(), "en")


@pytest.mark.parametrize(("interface", "direction"), [("ar", "rtl"), ("zh", "ltr"), ("en", "ltr")])
def test_titles_keep_their_language_in_every_interface(interface: str, direction: str) -> None:
    """The table runs as the page does, each title as its own language does."""
    html = table_html(_ARTICLES, View(), interface, chosen="a1")
    assert f'<table lang="{interface}" dir="{direction}">' in html
    assert 'data-article="a1" lang="ar" dir="rtl" aria-current="true"' in html
    assert 'data-article="a2" lang="zh" dir="ltr"' in html


def test_an_empty_collection_and_an_empty_search_are_told_apart() -> None:
    """Without articles it says so; where the search finds none, that it found none."""
    assert "There are no articles" in table_html([], View("words"), "en")
    assert "No article has these words" in table_html(_ARTICLES, View("nothing like it"), "en")


def test_nothing_from_an_article_becomes_markup() -> None:
    """Title, publisher, day and id stay text."""
    evil = '<img src=x onerror=alert(1)>"'
    html = table_html([replace(_article(1, evil, publisher=evil, published=evil), id=evil)], View(), "en")
    assert "<img" not in html
    assert 'onerror=alert(1)>"' not in html


def test_copies_name_their_publishers() -> None:
    """Each publisher once, the article's own first."""
    copied = replace(
        _ARTICLES[2], copies=(Copy("c", "", "", publisher="Another"), Copy("d", "", "", publisher="The Daily"))
    )
    assert ", ".join(copied.publishers) == "The Daily, Another"
