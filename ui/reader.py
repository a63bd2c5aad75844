"""An article as HTML to be read: whole, in its own direction, with a passage found and its quotes marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.language import name
from rag.types import Article
from ui.render import in_language, inline, lines, link_html
from ui.texts import text

Span = tuple[int, int]

# Characters of a long article that are shown before and behind the passage; a browser need not lay out a book.
_AROUND = 20_000
_PARAGRAPHS = re.compile(r"\n\s*\n|\n")
_SPAN = re.compile(r"(\d{1,9})-(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an article a citation points: the ``passage`` and the ``quotes`` in it, offsets in the article."""

    article_id: str
    passage: Span = (0, 0)
    quotes: tuple[Span, ...] = ()


def place_of(reference: str) -> Place:
    """What the value of a citation's button stands for, as ``ui.render.reference`` wrote it; of anything else, an
    article of that id.
    """
    parts = reference.split(":")
    if len(parts) != 4:
        return Place(parts[0])
    _, article_id, passage, quotes = parts
    spans = [(int(left), int(right)) for left, right in _SPAN.findall(quotes)]
    return Place(article_id, next(((int(a), int(b)) for a, b in _SPAN.findall(passage)), (0, 0)), tuple(spans))


def article_html(article: Article, place: Place, interface: str) -> str:
    """The article with its title and facts, the passage of ``place`` set off and its quotes marked."""
    facts = [
        ", ".join(article.publishers),
        article.author,
        article.published[:10] or text("undated", interface),
        text("reader_language", interface, language=name(article.language, reader=interface))
        if article.language
        else "",
    ]
    about = " · ".join(f"<bdi>{inline(fact)}</bdi>" for fact in facts if fact)
    hint = inline(text("reader_quoted", interface)) if place.quotes else ""
    return (
        f'<header><h2 class="isnad-reader-title" tabindex="-1"{in_language(article.language)}>'
        f"{inline(article.title) or '—'}</h2>"
        f'<p class="isnad-about"{in_language(interface)}>{about}</p>{link_html(article.url, interface)}'
        f'<p class="isnad-hint"{in_language(interface)}>{hint}</p></header>'
        f'<div class="isnad-text"{in_language(article.language)}>{"".join(_body(article.text, place))}</div>'
    )


def _body(words: str, place: Place) -> Iterator[str]:
    """The paragraphs, of a long article those around the passage."""
    first = max(0, place.passage[0] - _AROUND)
    last = min(len(words), max(place.passage[1], place.passage[0]) + _AROUND)
    if first:
        yield "<p>…</p>"
    position = first
    for end in [*(match.start() for match in _PARAGRAPHS.finditer(words, first, last)), last]:
        if words[position:end].strip():
            yield f"<p>{_pieces(words, position, end, place)}</p>"
        position = end
    if last < len(words):
        yield "<p>…</p>"


def _pieces(words: str, start: int, end: int, place: Place) -> str:
    """One paragraph, cut where the passage and its quotes begin and end."""
    cuts = sorted({start, end, *(cut for span in (place.passage, *place.quotes) for cut in span if start < cut < end)})
    parts = []
    for left, right in pairwise(cuts):
        piece = lines(words[left:right].strip("\n"))
        if _within(left, place.quotes):
            piece = f"<mark>{piece}</mark>"
        elif _within(left, [place.passage]):
            piece = f'<span class="isnad-around">{piece}</span>'
        parts.append(piece)
    return "".join(parts)


def _within(offset: int, spans: Sequence[Span]) -> bool:
    return any(left <= offset < right for left, right in spans)
