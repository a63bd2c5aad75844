"""Answers made of verbatim quotes, and refusals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.phrases import introduction, phrases
from rag.types import Answer, AnswerSentence, Citation, Mode, Quote, Status, Support


def not_found(base: Answer) -> Answer:
    """The answer that says the articles do not answer, without citations; all else is as in ``base``."""
    return replace(
        base,
        status=Status.NOT_FOUND,
        text=phrases(base.language).not_found,
        sentences=(),
        citations=(),
        removed_citations=0,
        draft=False,
    )


def quoted(base: Answer, cited: Sequence[tuple[Quote, Citation]]) -> Iterator[Answer]:
    """The answer growing by one quote at a time; the last one is whole. All but the quotes is as in ``base``."""
    text = introduction(base.language, [citation.article.language for _, citation in cited])
    sentences: list[AnswerSentence] = []
    citations: dict[int, Citation] = {}
    for quote, citation in cited:
        text += f"\n\n“{quote.text}” [{citation.n}]"
        sentences.append(AnswerSentence(quote.text, (citation.n,), Support.SUPPORTED))
        citations.setdefault(citation.n, citation)
        yield replace(
            base,
            status=Status.ANSWERED,
            mode=Mode.EXTRACTIVE,
            text=text,
            sentences=tuple(sentences),
            citations=tuple(citations[n] for n in sorted(citations)),
            draft=len(sentences) < len(cited),
        )
