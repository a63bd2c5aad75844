"""From a question to an answer: embed, retrieve, choose the evidence, cite it or say that there is none."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.analyse import analyse
from rag.answer import not_found, quoted
from rag.centring import LanguageMeans
from rag.chroma import NO_ARTICLES
from rag.cite import cite, in_context
from rag.confidence import describe, load_calibration
from rag.embedding import Embedder
from rag.errors import EmptyCollectionError, QuestionError, UsageError
from rag.evidence import Evidence, PassageReader, choose_evidence, rank_evidence
from rag.index import Selection
from rag.language import detect, primary
from rag.query import Query
from rag.rerank import READ, RERANKED, Reranker
from rag.retrieve import TOP_K, retrieve
from rag.store import Store
from rag.types import Answer, Filters, Hit

# A question is a sentence or a few. Beyond this somebody pasted a document, and the model reads 512 tokens at most.
LONGEST_QUESTION = 2000

_ALL = Filters()


class Assistant:
    """Answers questions from one collection. Threads may share one."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        means: LanguageMeans,
        *,
        min_confidence: float | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._means = means
        self._reader = PassageReader(store, embedder, means)
        self._reranker = reranker
        self._calibration = load_calibration()
        self._min_confidence = self._calibration.min_confidence if min_confidence is None else min_confidence

    def ask(self, question: str, filters: Filters = _ALL) -> Answer:
        """The answer to a question in any language, from the articles that the filters let through.

        Raises QuestionError for an empty or overlong question, EmptyCollectionError when there is nothing to ask,
        UsageError when the filters let nothing through, StoreError when the collection cannot be read.
        """
        *_, answer = self.stream(question, filters)
        return answer

    def stream(self, question: str, filters: Filters = _ALL) -> Iterator[Answer]:
        """The answer as it grows; the last one is whole and is what ``ask`` returns. Raises what ``ask`` raises."""
        question = check_question(question)
        if not self._store.size()[0]:
            raise EmptyCollectionError(NO_ARTICLES)
        clock = _Clock()
        selection = self._select(filters)
        language = detect(question) or "en"
        query = self.read(question, language)
        clock.lap("embed")
        hits = self.retrieve(query, selection=selection)
        clock.lap("search")
        ranked = self.rank(query, hits)
        clock.lap("evidence")
        passages = self._store.size()[1] if selection is None else selection.passages
        confidence = self.confidence(query, ranked, passages=passages)
        if confidence < self._min_confidence:
            yield not_found(question, language=language, confidence=confidence, timings_ms=clock.total())
            return
        cited = cite(
            choose_evidence(ranked, language=language),
            lambda each: self._calibration.probability(describe(each, query, ranked, passages=passages)),
        )
        wider = {citation.n: in_context(citation, self._store.beside) for _, citation in cited}
        cited = [(quote, wider[citation.n]) for quote, citation in cited]
        yield from quoted(question, cited, language=language, confidence=confidence, timings_ms=clock.total())

    def confidence(self, query: Query, ranked: Sequence[Evidence], *, passages: int) -> float:
        """The estimated probability (0–1) that the best of the evidence, found among so many passages, answers."""
        if not ranked:
            return 0.0
        return self._calibration.probability(describe(ranked[0], query, ranked, passages=passages))

    def search(self, question: str, *, k: int = TOP_K, filters: Filters = _ALL) -> list[Hit]:
        """The ``k`` best passages for a question, best first, whether or not they answer it. Raises as ``ask`` does."""
        question = check_question(question)
        selection = self._select(filters)
        return self.retrieve(self.read(question, detect(question) or "en"), k=k, selection=selection)

    def retrieve(self, query: Query, *, k: int = TOP_K, selection: Selection | None = None) -> list[Hit]:
        """The ``k`` best passages for a question read by ``read``, best first; of the selection if there is one."""
        if self._reranker is None:
            return retrieve(query, self._store, self._reader, k=k, selection=selection)
        hits = retrieve(query, self._store, self._reader, k=max(k, RERANKED), selection=selection)
        return self._reranker.rank(query.text, hits)[:k]

    def evidence(self, question: str) -> list[Evidence]:
        """Every sentence of the nearest passages, best first: what ``ask`` chooses from."""
        question = check_question(question)
        query = self.read(question, detect(question) or "en")
        return self.rank(query, self.retrieve(query))

    def rank(self, query: Query, hits: Sequence[Hit]) -> list[Evidence]:
        """Every sentence of the hits, best first, for a question read by ``read``."""
        return rank_evidence(query, hits[:READ] if self._reranker else hits, self._reader)

    def read(self, question: str, language: str) -> Query:
        """A question, known to be in that language, as it is compared with passages."""
        vector, tokens = self._embedder.read_question(question)
        spoken = primary(language)
        return Query(
            question,
            language,
            self._means.centre_questions(vector[None], [spoken])[0],
            replace(tokens, states=self._means.centre_question_tokens(tokens.states, spoken)),
            tuple(analyse(question, language)),
        )

    def _select(self, filters: Filters) -> Selection | None:
        if not filters:
            return None
        selection = self._store.select(filters)
        if not selection.revisions:
            raise UsageError(
                "No article passes these filters. The languages, publishers, dates and ids that there are can be seen "
                "with: isnad articles"
            )
        return selection


def check_question(question: str) -> str:
    """The question without the white space around it. Raises QuestionError when it is empty or too long."""
    question = question.strip()
    if not question:
        raise QuestionError("The question is empty. Type what you want to know from the articles.")
    if len(question) > LONGEST_QUESTION:
        raise QuestionError(
            f"The question has {len(question):,} characters; at most {LONGEST_QUESTION:,} are read. Shorten it, or add "
            "the text as an article."
        )
    return question


class _Clock:
    """Milliseconds spent in each step."""

    def __init__(self) -> None:
        self._started = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self._laps[step] = (now - self._last) * 1000
        self._last = now

    def total(self) -> dict[str, float]:
        return {**self._laps, "total": (time.perf_counter() - self._started) * 1000}
