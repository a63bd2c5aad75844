"""What the page offers a reader of what is in the collection: questions to begin with, and what filters can choose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rag.language import name, primary
from rag.types import Article, Filters
from ui.texts import LANGUAGES, interface_language, text

_EXAMPLES = 4


def examples_of(articles: Sequence[Article], interface: str) -> list[str]:
    """Questions about the latest article of each of the commonest languages, the reader's first, in that language."""
    latest: dict[str, Article] = {}
    for article in articles:  # the latest first
        if article.title:
            latest.setdefault(primary(article.language or interface), article)
    common = [code for code, _ in Counter(primary(each.language or interface) for each in articles).most_common()]
    codes = sorted((code for code in common if code in latest), key=lambda code: code != interface)
    return [
        text("example_about", code if code in LANGUAGES else interface_language(interface), title=latest[code].title)
        for code in codes[:_EXAMPLES]
    ]


def choices(articles: Sequence[Article], field: str) -> list[str]:
    """The values of a field of the articles and of their copies, the commonest first."""
    values = Counter(getattr(each, field) for article in articles for each in (article, *article.copies))
    return [value for value, _ in values.most_common() if value]


def filters_text(filters: Filters, interface: str) -> str:
    """The filters in words, or nothing where nothing is left out."""
    parts = [
        *(name(code, reader=interface) for code in filters.languages),
        *filters.publishers,
        filters.since and text("filter_from", interface, day=filters.since),
        filters.until and text("filter_to", interface, day=filters.until),
        filters.articles and text("filter_count", interface, count=len(filters.articles)),
    ]
    shown = " · ".join(part for part in parts if part)
    return text("filters_active", interface, filters=shown) if shown else ""
