"""What articles have to do with a day: those published on it, and sentences that speak of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from rag.analyse import analyse
from rag.days import read_days
from rag.index import Selection
from rag.language import primary
from rag.store import Store
from rag.types import Article, Passage, Quote

# Passages a language that are looked through for the day, found by its words.
_LOOKED_THROUGH = 48
# Sentences at most, and of one article.
_MOST = 8
_OF_ONE_ARTICLE = 2
_MONTHS = 12


def on_day(day: str, articles: Iterable[Article]) -> list[Article]:
    """The articles published on a day (ISO 8601, or --MM-DD for that of any year)."""
    return [each for each in articles if each.published[:10] == day or f"-{each.published[4:10]}" == day]


def mentions(
    day: str, articles: Iterable[Article], store: Store, selection: Selection | None
) -> list[tuple[Quote, Passage, Article]]:
    """Sentences that name a day (ISO 8601, or --MM-DD), with their passages and articles.

    A date without a year is of the year in which its article was published.
    """
    month, number = int(day[-5:-3]), int(day[-2:])
    year = 0 if day.startswith("--") else int(day[:4])
    ids: dict[str, None] = {}
    for language in dict.fromkeys(primary(article.language) for article in articles if article.language):
        words = analyse(_written(month, number, language), language)
        ids |= dict.fromkeys(each for each, _ in store.matching(words, k=_LOOKED_THROUGH, selection=selection))
    loaded = store.load(list(ids))
    found: dict[tuple[str, int], tuple[Quote, Passage, Article]] = {}
    counts: dict[str, int] = {}
    for passage, article in (loaded[each] for each in ids if each in loaded):
        for index, (start, end) in enumerate(passage.sentences):
            text = passage.sentence(index)
            if (
                (article.id, start) not in found
                and counts.get(article.id, 0) < _OF_ONE_ARTICLE
                and _names(text, article, (year, month, number))
            ):
                found[article.id, start] = Quote(text, start, end), passage, article
                counts[article.id] = counts.get(article.id, 0) + 1
    return list(found.values())[:_MOST]


def _names(text: str, article: Article, day: tuple[int, int, int]) -> bool:
    year, month, number = day
    issued = int(article.published[:4]) if article.published[:4].isdecimal() else 0
    return any(
        reading[1:] == (month, number) and (not year or (reading[0] or issued) in (year, 0))
        for each in read_days(text, article.language)
        for reading in _common(each.readings)
    )


def _common(
    readings: Sequence[tuple[int | None, int, int | None]],
) -> list[tuple[int | None, int, int | None]]:
    """Those in the common calendar."""
    return [reading for reading in readings if reading[1] <= _MONTHS]


def _written(month: int, number: int, language: str) -> str:
    from babel import UnknownLocaleError
    from babel.dates import format_skeleton

    try:
        return str(format_skeleton("MMMMd", date(2000, month, number), locale=language))
    except (UnknownLocaleError, ValueError):
        return f"{number} {month}"
