"""An answer as HTML: what is said with its numbers, how sure it is, and the sources with the quotes marked.

Pure functions. Every text that comes from an article or a reader is escaped here. The HTML is one line without blank
lines: Gradio's chat shows Markdown, which takes such a block as it is. What the page says of itself is in the reader's
``interface`` language, what is said to the question in the answer's, and what is quoted in the article's.
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
from ui.texts import DEFAULT, percent, text

# No estimate is certain, and rounding must not make it so.
_SUREST = 0.99
# From these confidences on, in words; of questions at them some 3 in 4 and 1 in 2 are answered by the quotes
# (docs/evaluation.md).
_SURE, _FAIRLY = 0.75, 0.5
# Of a quote that a number shows before it is opened.
_GLIMPSE = 400
_SPACES = re.compile(r"\s*\n\s*")


def answer_html(answer: Answer, interface: str = DEFAULT, *, key: str = "", share: bool = False) -> str:
    """The answer as one block: what is said, how sure it is, and the sources.

    ``key`` names the answer for the buttons under it, which are there when there is a key; ``share`` adds one that
    makes a link.
    """
    notices = _notices(answer)
    tools = _tools(key, interface, share=share) if key and not answer.draft else ""
    if answer.status is Status.NOT_FOUND:
        said = element("p", answer.text or phrases(answer.language).not_found, answer.language)
        shown = f'<div class="isnad-said">{notices}{said}</div>{_nearby(answer.nearby, interface)}{tools}'
        return f'<div class="isnad-answer isnad-not-found"{in_language(interface)}>{shown}</div>'
    by_number = {citation.n: citation for citation in answer.citations}
    said = _said(answer, by_number, interface)
    sure = "" if answer.draft or answer.mode is Mode.DIRECT else _sure(answer, interface)
    return (
        f'<div class="isnad-answer"{in_language(interface)}><div class="isnad-said">{notices}{said}</div>'
        f"{sure}{_sources(answer, interface)}{tools}</div>"
    )


def error_html(message: str, interface: str = DEFAULT) -> str:
    """A message that says what went wrong, told apart from an answer."""
    title = f"<strong{in_language(interface)}>{inline(text('error_title', interface))}</strong> "
    said = f'{title}<p dir="auto">{inline(message)}</p>'
    return f'<div class="isnad-error" role="alert"{in_language(interface)}>{said}</div>'


def waiting_html(message: str, interface: str = DEFAULT) -> str:
    """A message that says what is being done before there is an answer."""
    return f'<div class="isnad-waiting" role="status">{element("p", message, interface)}</div>'


def step_html(answer: Answer, interface: str) -> str:
    """A draft of an answer, with what is being done to it."""
    if not answer.sentences:
        return waiting_html(text("step_reading", interface), interface)
    unchecked = any(each.support is Support.UNCHECKED for each in answer.sentences)
    step = "step_writing" if unchecked else "step_checking"
    return answer_html(answer, interface) + waiting_html(text(step, interface), interface)


def _tools(key: str, interface: str, *, share: bool) -> str:
    names = ("copy", "share") if share else ("copy",)
    buttons = "".join(
        f'<button type="button" class="isnad-tool isnad-{each}" value="{escape(key, quote=True)}">'
        f"{inline(text(each, interface))}</button>"
        for each in names
    )
    return f'<p class="isnad-tools"{in_language(interface)}>{buttons}</p>'


def _notices(answer: Answer) -> str:
    """What the reader should know first, a line each."""
    lines = [notice(each, answer.language, asked=answer.asked) for each in answer.notices]
    return "".join(f'<p class="isnad-notice"{in_language(answer.language)}>{inline(line)}</p>' for line in lines)


def _sure(answer: Answer, interface: str) -> str:
    """How sure the answer is, and how many of its sentences could not be verified, in words."""
    explained = escape(text("sure_explained", interface), quote=True)
    shown = f'<span class="isnad-level">{inline(sure(answer, interface))}</span>'
    parts = [f'<span title="{explained}">{shown}</span>']
    if answer.mode is Mode.GENERATED:
        count = sum(each.support in (Support.PARTLY, Support.UNSUPPORTED) for each in answer.sentences)
        verified = text("unverified_count", interface, count=count) if count else text("all_verified", interface)
        parts.append(f'<span class="isnad-verified">{inline(verified)}</span>')
    return f'<p class="isnad-sure"{in_language(interface)}>{" · ".join(parts)}</p>'


def sure(answer: Answer, interface: str) -> str:
    """How sure an answer is, in words and in percent."""
    confidence = min(round(answer.confidence, 4), _SUREST)  # as the browser has it, of what it kept
    level = "sure_high" if confidence >= _SURE else "sure_middle" if confidence >= _FAIRLY else "sure_low"
    return text("confidence", interface, level=text(level, interface), percent=percent(confidence, interface))


def _nearby(articles: Sequence[Article], interface: str) -> str:
    """The articles that come nearest to a refused question, to be opened."""
    if not articles:
        return ""
    items = "".join(
        f'<li><button type="button" class="isnad-open" value="{escape(article.id, quote=True)}">'
        f"<span{in_language(article.language)}>{inline(article.title)}</span></button> "
        f'<span class="isnad-about">{_facts((article.publisher, article.published[:10]))}</span></li>'
        for article in articles
    )
    title = element("p", text("nearby", interface), interface)
    return f'<div class="isnad-nearby">{title}<ul{in_language(interface)}>{items}</ul></div>'


def _said(answer: Answer, by_number: Mapping[int, Citation], interface: str) -> str:
    """The sentences: quotes word for word, each with its translation beside it if there is one, and what is written,
    with what the sources do not carry marked so in words.
    """
    parts: list[str] = []
    line: list[str] = []
    rest = answer.text
    if answer.mode is Mode.EXTRACTIVE and all(sentence.citations for sentence in answer.sentences):
        languages = [by_number[sentence.citations[0]].article.language for sentence in answer.sentences]
        parts.append(element("p", introduction(answer.language, languages), answer.language))
    for sentence in answer.sentences:
        before, _, rest = rest.partition(sentence.text)
        quote = _quote_of(sentence, by_number) if answer.mode is not Mode.GENERATED else None
        if line and (quote or "\n" in before):
            parts.append(_paragraph(line, answer.language))
            line = []
        if quote is None:
            line.append(_sentence(sentence, answer.language, by_number, interface))
            continue
        citation = by_number[sentence.citations[0]]
        said = f"“{inline(quote.text)}” {_cite(citation, interface)}"
        parts.append(f"<blockquote{in_language(citation.article.language)}>{said}</blockquote>")
        parts.append(translation_html(quote, answer.language))
    return "".join([*parts, _paragraph(line, answer.language) if line else ""])


def _quote_of(sentence: AnswerSentence, by_number: Mapping[int, Citation]) -> Quote | None:
    """The quote that a sentence is, word for word."""
    quotes = [quote for n in sentence.citations for quote in by_number[n].quotes]
    return next((quote for quote in quotes if quote.text == sentence.text), None)


def _paragraph(sentences: Sequence[str], language: str) -> str:
    return f"<p{in_language(language)}>{' '.join(sentences)}</p>"


def _sentence(sentence: AnswerSentence, language: str, by_number: Mapping[int, Citation], interface: str) -> str:
    cites = "".join(f" {_cite(by_number[n], interface)}" for n in sentence.citations)
    if sentence.support not in (Support.PARTLY, Support.UNSUPPORTED):
        return f"<span>{inline(sentence.text)}</span>{cites}"
    label = support_label(sentence.support, language)
    if problems := ", ".join(dict.fromkeys(each.text for each in sentence.problems if each.text)):
        label += f": {problems}"
    return (
        f'<span class="isnad-{sentence.support}">{inline(sentence.text)}</span>{cites} '
        f'<span class="isnad-verdict">({inline(label)})</span>'
    )


def _cite(citation: Citation, interface: str) -> str:
    """A number that opens its source; what it quotes is shown beside it while it is pointed at or has the focus.

    Gradio's sanitizer takes data- and aria- attributes away, so that what page.js needs is the button's value.
    """
    spoken = in_language(citation.article.language)
    source = f'<span class="isnad-unseen">{inline(text("source", interface))} </span>'
    title = f'<span class="isnad-unseen"{spoken}>: {inline(citation.article.title)}</span>'
    glimpse = " … ".join(quote.text for quote in citation.quotes) or citation.passage.text
    if len(glimpse) > _GLIMPSE:
        glimpse = glimpse[:_GLIMPSE].rsplit(" ", 1)[0] + " …"
    tip = f'<span class="isnad-tip" role="tooltip"{spoken}>{inline(glimpse)}</span>'
    return (
        f'<span class="isnad-cited"><button type="button" class="isnad-cite" value="{reference(citation)}">'
        f"{source}{citation.n}{title}</button>{tip}</span>"
    )


def reference(citation: Citation) -> str:
    """Where a citation points, for a button's value: number, article, passage and quotes, parted by colons."""
    spans = ",".join(f"{quote.start}-{quote.end}" for quote in citation.quotes)
    passage = citation.passage
    return escape(f"{citation.n}:{citation.article.id}:{passage.start}-{passage.end}:{spans}", quote=True)


def translation_html(quote: Quote, reader: str) -> str:
    """The translation of a quote and that a machine made it, or nothing."""
    if not quote.translation:
        return ""
    label = phrases(reader).machine_translation
    return (
        f'<p class="isnad-translation"{in_language(reader)}>{inline(quote.translation)} '
        f'<span class="isnad-verdict">({inline(label)})</span></p>'
    )


def _sources(answer: Answer, interface: str) -> str:
    """The articles in the order in which they are cited, each with the passages of it that are used."""
    if not answer.citations:
        return ""
    grouped: dict[str, list[Citation]] = {}
    for citation in answer.citations:
        grouped.setdefault(citation.article.id, []).append(citation)
    title = f'<p class="isnad-heading"{in_language(interface)}>{inline(text("sources", interface))}</p>'
    cards = "".join(_source(citations, answer.language, interface) for citations in grouped.values())
    return f'<div class="isnad-sources" role="group">{title}{cards}</div>'


def _source(citations: Sequence[Citation], reader: str, interface: str) -> str:
    article = citations[0].article
    numbers = " ".join(f'<span class="isnad-number">{citation.n}</span>' for citation in citations)
    about = f'<span class="isnad-about"{in_language(interface)}>{_about(citations, interface)}</span>'
    passages = "".join(_passage(citation, reader, interface) for citation in citations)
    others = {other.id: other for citation in citations for other in citation.others}
    elsewhere = _elsewhere((*article.copies, *others.values()), interface)
    return (
        f'<details class="isnad-source"><summary>{numbers} '
        f'<span class="isnad-title"{in_language(article.language)}>{inline(article.title)}</span>{about}</summary>'
        f"{passages}{elsewhere}{link_html(article.url, interface)}</details>"
    )


def _about(citations: Sequence[Citation], interface: str) -> str:
    article = citations[0].article
    pages = sorted({page for each in citations if (page := article.page(each.passage.start))})
    return _facts(
        (
            article.publisher,
            article.published[:10] or text("undated", interface),
            name(article.language, reader=interface) if article.language else "",
            *(text("page_number", interface, page=page) for page in pages),
            text("passages_used", interface, count=len(citations)),
        )
    )


def _passage(citation: Citation, reader: str, interface: str) -> str:
    translations = "".join(translation_html(quote, reader) for quote in citation.quotes)
    button = (
        f'<button type="button" class="isnad-tool isnad-cite" value="{reference(citation)}"{in_language(interface)}>'
        f"{inline(text('open_source', interface))}</button>"
    )
    return (
        f'<div class="isnad-use"><p class="isnad-passage"{in_language(citation.article.language)}>'
        f'{marked_passage(citation)}</p>{translations}<p class="isnad-tools">{button}</p></div>'
    )


def _elsewhere(others: Sequence[Article | Copy], interface: str) -> str:
    """Whoever else carries the same text, or the same story in nearly the same words."""
    publishers = dict.fromkeys(other.publisher or other.title for other in others)
    if not publishers:
        return ""
    shown = text("also_in", interface, publishers=", ".join(publishers))
    return f'<p class="isnad-about"{in_language(interface)}>{inline(shown)}</p>'


def marked_passage(citation: Citation) -> str:
    """The passage, escaped, with its quotes in ``<mark>`` and line breaks as ``<br>``."""
    passage = citation.passage
    spans = [(quote.start, quote.end) for quote in citation.quotes]
    return marked(passage.text, spans, start=passage.start)


def marked(words: str, spans: Sequence[tuple[int, int]], *, start: int = 0) -> str:
    """Text that begins at the offset ``start``, escaped, with the spans in ``<mark>`` and line breaks as ``<br>``."""
    parts = []
    position = start
    for left, right in sorted(spans):
        parts.append(lines(words[position - start : left - start]))
        parts.append(f"<mark>{lines(words[left - start : right - start])}</mark>")
        position = right
    parts.append(lines(words[position - start :]))
    return "".join(parts)


def link_html(url: str, interface: str) -> str:
    """A link to the original, or nothing for an address that is none of the web."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    label = inline(text("original_link", interface, host=parts.hostname))
    link = f'<a href="{escape(url, quote=True)}" target="_blank" rel="noopener noreferrer">{label}</a>'
    return f'<p class="isnad-link"{in_language(interface)}>{link}</p>'


def _facts(facts: Sequence[str]) -> str:
    return " · ".join(f"<bdi>{inline(fact)}</bdi>" for fact in facts if fact)


def element(tag: str, words: str, language: str) -> str:
    """An element with text in a language."""
    return f"<{tag}{in_language(language)}>{inline(words)}</{tag}>"


def in_language(language: str) -> str:
    """The attributes that say which language an element is in and which way it runs."""
    lang = f' lang="{escape(language, quote=True)}"' if language else ""
    return f'{lang} dir="{direction(language)}"'


def inline(words: str) -> str:
    """Text as one line of HTML."""
    return escape(" ".join(without_controls(words).split()))


def lines(words: str) -> str:
    """Text as HTML that keeps its line breaks."""
    return _SPACES.sub("<br>", escape(without_controls(words)))
