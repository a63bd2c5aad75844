"""An answer as HTML: the quotes with their numbers, and beside them the sources with the quotes marked.

Pure functions. Every text that comes from an article or a reader is escaped here. The HTML is one line without blank
lines: Gradio's chat shows Markdown, which takes such a block as it is.
"""

from __future__ import annotations

import re
from html import escape
from urllib.parse import urlsplit

from rag.language import direction, name
from rag.phrases import introduction, phrases
from rag.types import Answer, Article, Citation, Copy, Status

# No estimate is certain, and rounding must not make it so.
_SUREST = 0.99
_SPACES = re.compile(r"\s*\n\s*")


def answer_html(answer: Answer) -> str:
    """The answer as one block: what is said, and beside it the sources."""
    if answer.status is Status.NOT_FOUND:
        said = _element("p", phrases(answer.language).not_found, answer.language)
        return f'<div class="isnad-answer isnad-not-found">{said}</div>'
    by_number = {citation.n: citation for citation in answer.citations}
    intro = introduction(answer.language, [by_number[s.citations[0]].article.language for s in answer.sentences])
    quotes = "".join(_quote(sentence.text, by_number[sentence.citations[0]]) for sentence in answer.sentences)
    sources = "".join(
        _source(citation, answer.language, opened=place == 0) for place, citation in enumerate(answer.citations)
    )
    return (
        '<div class="isnad-answer isnad-answered">'
        f'<div class="isnad-said">{_element("p", intro, answer.language)}{quotes}'
        f'<p class="isnad-sure">Confidence {min(answer.confidence, _SUREST):.0%}</p></div>'
        f'<div class="isnad-sources" role="group">{sources}</div></div>'
    )


def error_html(message: str) -> str:
    """A message that says what went wrong, told apart from an answer."""
    return f'<div class="isnad-error" role="alert"><p dir="auto">{_inline(message)}</p></div>'


def waiting_html(message: str) -> str:
    """A message that says what is being done before there is an answer."""
    return f'<div class="isnad-waiting" role="status"><p dir="auto">{_inline(message)}</p></div>'


def _quote(text: str, citation: Citation) -> str:
    # Gradio's sanitizer takes data- and aria- attributes away; page.js finds the source by the number on the button.
    label = escape(f"Source {citation.n}: {citation.article.title}", quote=True)
    return (
        f"<blockquote{_in(citation.article.language)}>“{_inline(text)}” "
        f'<button type="button" class="isnad-cite" title="{label}">{citation.n}</button></blockquote>'
    )


def _source(citation: Citation, reader: str, *, opened: bool) -> str:
    article = citation.article
    page = article.page(citation.passage.start)
    # Whoever else carries the same text, or the same story in nearly the same words, stands beside the publisher.
    elsewhere: tuple[Article | Copy, ...] = (*article.copies, *citation.others)
    publishers = dict.fromkeys(filter(None, (article.publisher, *(other.publisher for other in elsewhere))))
    facts = [
        ", ".join(publishers),
        article.published[:10],
        name(article.language, reader=reader) if article.language else "",
        f"p. {page}" if page else "",
    ]
    about = " · ".join(f"<bdi>{_inline(fact)}</bdi>" for fact in facts if fact)
    return (
        f'<details class="isnad-source"{" open" if opened else ""}>'
        f'<summary><span class="isnad-number">{citation.n}</span> '
        f'<span class="isnad-title"{_in(article.language)}>{_inline(article.title)}</span>'
        f'<span class="isnad-about" dir="auto">{about}</span></summary>'
        f'<p class="isnad-passage"{_in(article.language)}>{marked_passage(citation)}</p>{_link(article.url)}</details>'
    )


def marked_passage(citation: Citation) -> str:
    """The passage, escaped, with its quotes in ``<mark>`` and line breaks as ``<br>``."""
    passage = citation.passage
    parts = []
    position = passage.start
    for quote in citation.quotes:
        parts.append(_lines(passage.text[position - passage.start : quote.start - passage.start]))
        parts.append(f"<mark>{_lines(passage.text[quote.start - passage.start : quote.end - passage.start])}</mark>")
        position = quote.end
    parts.append(_lines(passage.text[position - passage.start :]))
    return "".join(parts)


def _link(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    address = escape(url, quote=True)
    link = f'<a href="{address}" target="_blank" rel="noopener noreferrer">{_inline(parts.hostname)}</a>'
    return f'<p class="isnad-link" dir="ltr">{link}</p>'


def _element(tag: str, text: str, language: str) -> str:
    return f"<{tag}{_in(language)}>{_inline(text)}</{tag}>"


def _in(language: str) -> str:
    """The attributes that say which language an element is in and which way it runs."""
    lang = f' lang="{escape(language, quote=True)}"' if language else ""
    return f'{lang} dir="{direction(language)}"'


def _inline(text: str) -> str:
    return escape(" ".join(text.split()))


def _lines(text: str) -> str:
    return _SPACES.sub("<br>", escape(text))
