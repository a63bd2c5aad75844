"""Answers made of verbatim quotes, and refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rag.phrases import introduction, phrases
from rag.types import Answer, AnswerSentence, Citation, Mode, Quote, Status, Support


def not_found(question: str, *, language: str, confidence: float, timings_ms: Mapping[str, float]) -> Answer:
    """The answer that says the articles do not answer, without citations."""
    return Answer(
        question=question,
        status=Status.NOT_FOUND,
        mode=Mode.EXTRACTIVE,
        text=phrases(language).not_found,
        language=language,
        confidence=confidence,
        timings_ms=timings_ms,
    )


def quoted(
    question: str,
    cited: Sequence[tuple[Quote, Citation]],
    *,
    language: str,
    confidence: float,
    timings_ms: Mapping[str, float],
) -> Iterator[Answer]:
    """The answer growing by one quote at a time; the last one is whole."""
    text = introduction(language, [citation.article.language for _, citation in cited])
    sentences: list[AnswerSentence] = []
    citations: dict[int, Citation] = {}
    for quote, citation in cited:
        text += f"\n\n“{quote.text}” [{citation.n}]"
        sentences.append(AnswerSentence(quote.text, (citation.n,), Support.SUPPORTED))
        citations.setdefault(citation.n, citation)
        yield Answer(
            question=question,
            status=Status.ANSWERED,
            mode=Mode.EXTRACTIVE,
            text=text,
            language=language,
            confidence=confidence,
            sentences=tuple(sentences),
            citations=tuple(citations[n] for n in sorted(citations)),
            timings_ms=timings_ms,
        )
