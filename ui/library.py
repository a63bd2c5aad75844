"""The table of articles as HTML: searched, sorted and paged on the server, so that a collection may have any size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from rag.language import name
from rag.spelling import fold
from rag.types import Article
from ui.render import element, in_language, inline
from ui.texts import text

# Rows of one page of the table.
_ROWS = 50


@dataclass(frozen=True, slots=True)
class View:
    """Which part of the articles is shown: those with all the words of ``search``, sorted by a column, page by page."""

    search: str = ""
    sort: str = "published"
    descending: bool = True
    page: int = 0

    def by(self, column: str) -> View:
        """Sorted by another column, or by the same the other way round."""
        if column not in _COLUMNS:
            return self
        return View(self.search, column, self.sort == column and not self.descending)


# What sorts a column, by the name of the column.
_COLUMNS: Mapping[str, Callable[[Article], str]] = {
    "title": lambda article: fold(article.title or article.id),
    "publisher": lambda article: fold(", ".join(article.publishers)),
    "published": lambda article: article.published,
    "language": lambda article: article.language,
    "added_at": lambda article: article.added_at,
}
_TITLES = {"published": "column_date", "added_at": "column_added"}


def table_html(articles: Sequence[Article], view: View, interface: str, *, chosen: str = "") -> str:
    """The page of the table that the view shows, with buttons to sort, to turn pages and to read an article."""
    words = fold(view.search).split()
    found = [article for article in articles if all(word in _searched(article) for word in words)]
    found.sort(key=_COLUMNS[view.sort], reverse=view.descending)
    pages = max(1, math.ceil(len(found) / _ROWS))
    page = min(max(view.page, 0), pages - 1)
    rows = "".join(_row(each, interface, each.id == chosen) for each in found[page * _ROWS : (page + 1) * _ROWS])
    if not rows:
        return element("p", text("library_not_found" if articles else "library_none", interface), interface)
    heads = "".join(_head(column, view, interface) for column in _COLUMNS)
    caption = text("library_count", interface, count=len(found))
    return (
        f'<div class="isnad-table" role="region" tabindex="0" aria-label="{escape(text("library_title", interface))}">'
        f"<table{in_language(interface)}><caption>{inline(caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{_pager(page, pages, interface)}"
    )


def _searched(article: Article) -> str:
    named = ", ".join(article.publishers)
    return fold(f"{article.title} {named} {article.published} {article.language} {article.author}")


def _head(column: str, view: View, interface: str) -> str:
    title = inline(text(_TITLES.get(column, f"column_{column}"), interface))
    if column != view.sort:
        return f'<th scope="col" aria-sort="none"><button type="button" data-sort="{column}">{title}</button></th>'
    way, arrow = ("descending", "▼") if view.descending else ("ascending", "▲")
    return (
        f'<th scope="col" aria-sort="{way}"><button type="button" data-sort="{column}">{title} '
        f'<span aria-hidden="true">{arrow}</span></button></th>'
    )


def _row(article: Article, interface: str, chosen: bool) -> str:
    current = ' aria-current="true"' if chosen else ""
    spoken = in_language(article.language)
    title = (
        f'<button type="button" data-article="{escape(article.id, quote=True)}"{spoken}{current}>'
        f"{inline(article.title) or inline(article.id)}</button>"
    )
    language = name(article.language, reader=interface) if article.language else ""
    cells = (", ".join(article.publishers), article.published[:10], language, article.added_at[:10])
    return f"<tr><td>{title}</td>{''.join(f'<td><bdi>{inline(cell)}</bdi></td>' for cell in cells)}</tr>"


def _pager(page: int, pages: int, interface: str) -> str:
    if pages == 1:
        return ""
    place = inline(text("library_page", interface, page=page + 1, pages=pages))
    back = "" if page else " disabled"
    on = "" if page < pages - 1 else " disabled"
    return (
        f'<nav class="isnad-pager"{in_language(interface)}>'
        f'<button type="button" data-page="{page - 1}"{back}>{inline(text("library_previous", interface))}</button>'
        f'<span>{place}</span><button type="button" data-page="{page + 1}"{on}>'
        f"{inline(text('library_next', interface))}</button></nav>"
    )
