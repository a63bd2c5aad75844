"""From a question to an answer: embed, retrieve, choose the evidence, cite it or say that there is none."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rag.answer import not_found, quoted
from rag.centring import LanguageMeans
from rag.cite import cite
from rag.embedding import Embedder, Vectors
from rag.errors import EmptyCollectionError, QuestionError
from rag.evidence import Evidence, PassageReader, choose_evidence, load_calibration, rank_evidence
from rag.language import detect, primary
from rag.retrieve import TOP_K, retrieve
from rag.store import NO_ARTICLES, Store
from rag.types import Answer, Hit

# A question is a sentence or a few. Beyond this somebody pasted a document, and the model reads 512 tokens at most.
LONGEST_QUESTION = 2000


class Assistant:
    """Answers questions from one collection. Threads may share one."""

    def __init__(
        self, store: Store, embedder: Embedder, means: LanguageMeans, *, min_confidence: float | None = None
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._means = means
        self._reader = PassageReader(embedder, means)
        self._calibration = load_calibration()
        self._min_confidence = self._calibration.min_confidence if min_confidence is None else min_confidence

    def ask(self, question: str) -> Answer:
        """The answer to a question in any language.

        Raises QuestionError for an empty or overlong question, EmptyCollectionError when there is nothing to ask,
        StoreError when the collection cannot be read.
        """
        *_, answer = self.stream(question)
        return answer

    def stream(self, question: str) -> Iterator[Answer]:
        """The answer as it grows; the last one is whole and is what ``ask`` returns. Raises what ``ask`` raises."""
        question = check_question(question)
        if not self._store.count():
            raise EmptyCollectionError(NO_ARTICLES)
        clock = _Clock()
        language = detect(question) or "en"
        vector, tokens = self.read(question, language)
        clock.lap("embed")
        hits = retrieve(vector, self._store, language=language)
        clock.lap("search")
        ranked = rank_evidence(tokens, hits, self._reader, language=language)
        clock.lap("evidence")
        confidence = self._calibration.confidence(ranked[0].score) if ranked else 0.0
        if confidence < self._min_confidence:
            yield not_found(question, language=language, confidence=confidence, timings_ms=clock.total())
            return
        cited = cite(choose_evidence(ranked, language=language), self._calibration)
        yield from quoted(question, cited, language=language, confidence=confidence, timings_ms=clock.total())

    def search(self, question: str, *, k: int = TOP_K) -> list[Hit]:
        """The ``k`` passages nearest to a question, best first, whether or not they answer it."""
        question = check_question(question)
        language = detect(question) or "en"
        vector, _ = self.read(question, language)
        return retrieve(vector, self._store, language=language, k=k)

    def evidence(self, question: str) -> list[Evidence]:
        """Every sentence of the nearest passages, best first: what ``ask`` chooses from."""
        question = check_question(question)
        language = detect(question) or "en"
        vector, tokens = self.read(question, language)
        hits = retrieve(vector, self._store, language=language)
        return rank_evidence(tokens, hits, self._reader, language=language)

    def read(self, question: str, language: str) -> tuple[Vectors, Vectors]:
        """The centred unit vector of a question, shape (dimension,), and its tokens', shape (tokens, dimension)."""
        vector, tokens = self._embedder.read_question(question)
        spoken = primary(language)
        return (
            self._means.centre_questions(vector[None], [spoken])[0],
            self._means.centre_question_tokens(tokens.states, spoken),
        )


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
