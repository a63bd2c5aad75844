"""An answer as HTML: the quotes with their numbers, and beside them the sources with the quotes marked.

Pure functions. Every text that comes from an article or a reader is escaped here. The HTML is one line without blank
lines: Gradio's chat shows Markdown, which takes such a block as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlsplit

from rag.language import direction, name
from rag.phrases import introduction, notice, phrases, support_label
from rag.text import without_controls
from rag.types import Answer, AnswerSentence, Article, Citation, Copy, Mode, Quote, Status, Support

# No estimate is certain, and rounding must not make it so.
_SUREST = 0.99
_SPACES = re.compile(r"\s*\n\s*")


def answer_html(answer: Answer) -> str:
    """The answer as one block: what is said, and beside it the sources."""
    notices = _notices(answer)
    if answer.status is Status.NOT_FOUND:
        said = _element("p", answer.text or phrases(answer.language).not_found, answer.language)
        return f'<div class="isnad-answer isnad-not-found">{notices}{said}</div>'
    by_number = {citation.n: citation for citation in answer.citations}
    said = _said(answer, by_number)
    sure = "" if answer.draft or answer.mode is Mode.DIRECT else _sure(answer)
    sources = "".join(
        _source(citation, answer.language, opened=place == 0) for place, citation in enumerate(answer.citations)
    )
    beside = f'<div class="isnad-sources" role="group">{sources}</div>' if sources else ""
    return (
        f'<div class="isnad-answer{" isnad-answered" if sources else ""}">'
        f'<div class="isnad-said">{notices}{said}{sure}</div>{beside}</div>'
    )


def error_html(message: str) -> str:
    """A message that says what went wrong, told apart from an answer."""
    return f'<div class="isnad-error" role="alert"><p dir="auto">{_inline(message)}</p></div>'


def waiting_html(message: str) -> str:
    """A message that says what is being done before there is an answer."""
    return f'<div class="isnad-waiting" role="status"><p dir="auto">{_inline(message)}</p></div>'


def _notices(answer: Answer) -> str:
    """What the reader should know first, a line each."""
    lines = [notice(each, answer.language, asked=answer.asked) for each in answer.notices]
    return "".join(f'<p class="isnad-notice"{_in(answer.language)}>{_inline(line)}</p>' for line in lines)


def _sure(answer: Answer) -> str:
    return f'<p class="isnad-sure">Confidence {min(answer.confidence, _SUREST):.0%}</p>'


def _said(answer: Answer, by_number: Mapping[int, Citation]) -> str:
    """The sentences: quotes word for word, each with its translation under it if there is one, and what is written,
    with what the sources do not carry marked so in words.
    """
    parts: list[str] = []
    line: list[str] = []
    rest = answer.text
    if answer.mode is Mode.EXTRACTIVE and all(sentence.citations for sentence in answer.sentences):
        languages = [by_number[sentence.citations[0]].article.language for sentence in answer.sentences]
        parts.append(_element("p", introduction(answer.language, languages), answer.language))
    for sentence in answer.sentences:
        before, _, rest = rest.partition(sentence.text)
        quote = _quote_of(sentence, by_number) if answer.mode is not Mode.GENERATED else None
        if line and (quote or "\n" in before):
            parts.append(_paragraph(line, answer.language))
            line = []
        if quote is None:
            line.append(_sentence(sentence, answer.language, by_number))
            continue
        citation = by_number[sentence.citations[0]]
        said = f"“{_inline(quote.text)}” {_cite(citation)}"
        parts.append(f"<blockquote{_in(citation.article.language)}>{said}</blockquote>")
        parts.append(_translation(quote, answer.language))
    return "".join([*parts, _paragraph(line, answer.language) if line else ""])


def _quote_of(sentence: AnswerSentence, by_number: Mapping[int, Citation]) -> Quote | None:
    """The quote that a sentence is, word for word."""
    quotes = [quote for n in sentence.citations for quote in by_number[n].quotes]
    return next((quote for quote in quotes if quote.text == sentence.text), None)


def _paragraph(sentences: Sequence[str], language: str) -> str:
    return f"<p{_in(language)}>{' '.join(sentences)}</p>"


def _sentence(sentence: AnswerSentence, language: str, by_number: Mapping[int, Citation]) -> str:
    cites = "".join(f" {_cite(by_number[n])}" for n in sentence.citations)
    if sentence.support not in (Support.PARTLY, Support.UNSUPPORTED):
        return f"<span>{_inline(sentence.text)}</span>{cites}"
    label = support_label(sentence.support, language)
    if problems := ", ".join(dict.fromkeys(each.text for each in sentence.problems if each.text)):
        label += f": {problems}"
    return (
        f'<span class="isnad-{sentence.support}">{_inline(sentence.text)}</span>{cites} '
        f'<span class="isnad-verdict">({_inline(label)})</span>'
    )


def _cite(citation: Citation) -> str:
    # Gradio's sanitizer takes data- and aria- attributes away; page.js finds the source by the number on the button.
    label = escape(without_controls(f"Source {citation.n}: {citation.article.title}"), quote=True)
    return f'<button type="button" class="isnad-cite" title="{label}">{citation.n}</button>'


def _translation(quote: Quote, reader: str) -> str:
    if not quote.translation:
        return ""
    label = phrases(reader).machine_translation
    return (
        f'<p class="isnad-translation"{_in(reader)}>{_inline(quote.translation)} '
        f'<span class="isnad-verdict">({_inline(label)})</span></p>'
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
        f'<p class="isnad-passage"{_in(article.language)}>{marked_passage(citation)}</p>'
        f"{''.join(_translation(quote, reader) for quote in citation.quotes)}{_link(article.url)}</details>"
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
    return escape(" ".join(without_controls(text).split()))


def _lines(text: str) -> str:
    return _SPACES.sub("<br>", escape(without_controls(text)))
