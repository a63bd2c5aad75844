"""The yardstick of ``eval/bench/naive.py`` as a system that is evaluated: a LangChain tutorial's retrieval and answer.

With a language model, the tutorial's prompt over the four nearest chunks; without one, the nearest chunk is the answer.
It cites the chunks that it was given, whole: there is nothing in it that tells which sentence an answer rests on, and,
but for the model's own word, nothing that tells when there is none.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from eval.bench.naive import TOP, NaivePipeline
from eval.run import DEPTH, Reply
from eval.types import Case, Found
from rag.language import detect
from rag.types import Answer, AnswerSentence, Article, Citation, Mode, Passage, Quote, Status, Support

if TYPE_CHECKING:
    from langchain_core.documents import Document

    from rag.llm import LanguageModel

# The prompt of LangChain's tutorial on retrieval; what to say where there is no answer is given word for word, so that
# a refusal is seen.
_REFUSAL = "I don't know."
_PROMPT = (
    "You are an assistant for question-answering tasks. Use the following pieces of retrieved context to answer the "
    f'question. If you don\'t know the answer, say exactly "{_REFUSAL}" Use three sentences maximum and keep the '
    "answer concise. Answer in the language of the question.\n\nContext:\n{context}"
)


class NaiveSystem(NaivePipeline):
    """A tutorial's pipeline over articles; ``model`` is a sentence-transformers folder or hub name."""

    def __init__(self, model: str, articles: Sequence[Article], *, llm: LanguageModel | None = None) -> None:
        super().__init__(model)
        self._articles = {article.id: article for article in articles}
        self._llm = llm
        self.add(articles)

    def reply(self, case: Case) -> Reply:
        """The chunks nearest to the question, and the answer made of the first of them."""
        began = time.perf_counter()
        where = {"article": {"$nin": list(case.without)}} if case.without else None
        ranked = self._store.similarity_search_with_score(case.question, k=DEPTH, filter=where)
        chunks = [_found(document, distance, self._articles) for document, distance in ranked]
        searched = time.perf_counter()
        words = self._write(case, chunks[:TOP]) if self._llm else (chunks[0].text if chunks else "")
        times = {"search": searched - began, "write": time.perf_counter() - searched, "total": 0.0}
        times["total"] = times["search"] + times["write"]
        answer = self._answer(case, words, chunks[: TOP if self._llm else 1])
        return tuple(chunks), {
            **answer.to_dict(),
            "timings_ms": {step: round(seconds * 1000, 1) for step, seconds in times.items()},
        }

    def _write(self, case: Case, chunks: Sequence[Found]) -> str:
        from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

        assert self._llm is not None
        messages: list[BaseMessage] = [
            SystemMessage(_PROMPT.replace("{context}", "\n\n".join(chunk.text for chunk in chunks)))
        ]
        for message in case.conversation:
            messages.append((HumanMessage if message.role == "user" else AIMessage)(message.content))
        return self._llm.complete([*messages, HumanMessage(case.question)]).strip()

    def _answer(self, case: Case, words: str, chunks: Sequence[Found]) -> Answer:
        refused = not words or words.strip("\"'“” ").casefold().startswith(_REFUSAL.rstrip(".").casefold())
        base = Answer(
            case.question,
            Status.NOT_FOUND if refused else Status.ANSWERED,
            Mode.GENERATED if self._llm else Mode.EXTRACTIVE,
            words,
            (detect(words) or case.language) if self._llm else case.language,
            max(0.0, min(1.0, chunks[0].score)) if chunks else 0.0,
            model=self._llm.name if self._llm else "",
        )
        if refused:
            return base
        citations = tuple(self._citation(number, chunk) for number, chunk in enumerate(chunks, 1))
        numbers = tuple(citation.n for citation in citations)
        return Answer(
            base.question, base.status, base.mode, base.text, base.language, base.confidence, model=base.model,
            sentences=(AnswerSentence(words, numbers, Support.UNCHECKED),), citations=citations,
        )  # fmt: skip

    def _citation(self, number: int, chunk: Found) -> Citation:
        span = (chunk.start, chunk.end)
        passage = Passage(chunk.passage_id, chunk.article_id, chunk.text, *span, chunk.language, (span,))
        quotes = (Quote(chunk.text, *span),)
        return Citation(number, self._articles[chunk.article_id], passage, quotes, max(0.0, min(1.0, chunk.score)))


def _found(document: Document, distance: float, articles: Mapping[str, Article]) -> Found:
    """A chunk with its cosine: Chroma's distance of unit vectors is 2 − 2 cos."""
    article = articles[str(document.metadata["article"])]
    start = int(document.metadata["start_index"])
    end = start + len(document.page_content)
    score = round(1 - distance / 2, 4)
    return Found(f"{article.id}:{start}", article.id, article.language, start, end, document.page_content, score)
