"""Numbers for sources: which passages are cited, in which order, with which sentences marked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from rag.evidence import Evidence
from rag.types import Citation, Passage, Quote


def cite(chosen: Sequence[Evidence], confidence: Callable[[Evidence], float]) -> list[tuple[Quote, Citation]]:
    """Each chosen sentence with its citation, in the order given; sentences of one passage share a citation.

    ``confidence`` gives the probability that a sentence answers. Overlapping passages of an article are one source
    where one of them holds both sentences.
    """
    passages: list[tuple[Passage, list[Evidence]]] = []
    for evidence in chosen:
        for passage, held in passages:
            if passage.article_id == evidence.hit.article.id and _holds(passage, evidence.quote):
                held.append(evidence)
                break
        else:
            passages.append((evidence.hit.passage, [evidence]))
    cited = {}
    for n, (passage, held) in enumerate(passages, start=1):
        quotes = sorted((evidence.quote for evidence in held), key=lambda quote: quote.start)
        score = max(confidence(evidence) for evidence in held)
        others = tuple(dict.fromkeys(other for evidence in held for other in evidence.hit.others))
        citation = Citation(n, held[0].hit.article, passage, tuple(quotes), score, others)
        for evidence in held:
            cited[id(evidence)] = citation
    return [(evidence.quote, cited[id(evidence)]) for evidence in chosen]


def _holds(passage: Passage, quote: Quote) -> bool:
    return (quote.start, quote.end) in passage.sentences


def in_context(citation: Citation, beside: Callable[[Passage], Iterable[Passage]]) -> Citation:
    """The citation with one sentence more where the first or the last of its passage is quoted.

    ``beside`` gives the passages of the article before and behind one.
    """
    passage = citation.passage
    quoted = {(quote.start, quote.end) for quote in citation.quotes}
    before, behind = passage.sentences[0] in quoted, passage.sentences[-1] in quoted
    if not (before or behind):
        return citation
    spans = [span for other in beside(passage) for span in other.sentences]
    added = []
    if before:
        added += sorted(span for span in spans if span[1] <= passage.start)[-1:]
    if behind:
        added += sorted(span for span in spans if span[0] >= passage.end)[:1]
    sentences = tuple(sorted((*passage.sentences, *added)))
    start, end = sentences[0][0], sentences[-1][1]
    wider = replace(passage, start=start, end=end, text=citation.article.text[start:end], sentences=sentences)
    return replace(citation, passage=wider)
