"""From a question to an answer: embed, retrieve, choose the evidence, cite it or say that there is none."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.analyse import analyse
from rag.answer import not_found, quoted
from rag.centring import LanguageMeans
from rag.check import Checker
from rag.chroma import NO_ARTICLES
from rag.cite import cite, in_context
from rag.confidence import describe, load_calibration
from rag.conversation import Standalone, understand, weigh
from rag.direct import Holdings, answer_directly
from rag.embedding import Embedder
from rag.errors import EmptyCollectionError, LanguageModelError, QuestionError, UsageError
from rag.evidence import Evidence, PassageReader, choose_evidence, rank_evidence
from rag.index import Selection
from rag.language import detect, primary, script
from rag.query import Query
from rag.rerank import READ, RERANKED, Reranker
from rag.retrieve import TOP_K, retrieve
from rag.rewrite import rewrite
from rag.store import Store
from rag.translate import Translator
from rag.types import Answer, Article, Filters, Hit, Mode, Notice, Status, Support, Turn
from rag.write import Writer

if TYPE_CHECKING:
    from rag.llm import LanguageModel

log = logging.getLogger(__name__)

# A question is a sentence or a few. Beyond this somebody pasted a document, and the model reads 512 tokens at most.
LONGEST_QUESTION = 2000

# So many letters tell a language from others in its script.
_TELLING = 20
# Passages among which a list of articles about something is looked for.
_LISTED = 60
# What a written answer rests on is at most so much further from the question than the best sentence. Of the orders in
# tests/poisoned.jsonl the nearest is at 0.11.
_TO_THE_QUESTION = 0.1
# Articles that a refusal names, and how near they have to be: over the samples, what has nothing to do with any article
# scores up to 0.33.
_NEARBY = 3
_NEAR = 0.34
# A word or two are found in many a text.
_LEAST_WORDS = 3

# More are no help to a reader, and each is read by the model.
MOST_PASSAGES = 64


@dataclass(frozen=True, slots=True)
class Options:
    """How one question is answered: ``mode`` as the settings say or with quotations though there is a language model,
    from the ``top_k`` best passages, and not at all below ``min_confidence`` (0–1; None is what the settings say).
    """

    mode: Mode | None = None
    top_k: int = TOP_K
    min_confidence: float | None = None


_ALL = Filters()
_AS_SET = Options()


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
        checker: Checker | None = None,
        llm: LanguageModel | None = None,
        drop_unsupported: bool = False,
    ) -> None:
        """With ``llm`` answers are written, checked by ``checker``; without, they are quotations."""
        self._store = store
        self._embedder = embedder
        self._means = means
        self._reader = PassageReader(store, embedder, means)
        self._reranker = reranker
        self._calibration = load_calibration()
        checker = checker or Checker(embedder, means)
        self._llm = llm
        self._writer = Writer(llm, checker, self._reader, embedder, drop=drop_unsupported) if llm else None
        self._translator = Translator(llm, checker, self._reader) if llm else None
        self._min_confidence = self._calibration.min_confidence if min_confidence is None else min_confidence

    def ask(
        self, question: str, filters: Filters = _ALL, *, turns: Sequence[Turn] = (), options: Options = _AS_SET
    ) -> Answer:
        """The answer to a question in any language, from the articles that the filters let through.

        ``turns`` are the conversation before it, ``options`` how to answer. Raises QuestionError for an empty or
        overlong question, EmptyCollectionError when there is nothing to ask, UsageError when the filters let nothing
        through or an option is out of range, StoreError when the collection cannot be read.
        """
        *_, answer = self.stream(question, filters, turns=turns, options=options)
        return answer

    def stream(
        self, question: str, filters: Filters = _ALL, *, turns: Sequence[Turn] = (), options: Options = _AS_SET
    ) -> Generator[Answer, None, None]:
        """The answer as it grows; the last one is whole and is what ``ask`` returns. Raises what ``ask`` raises."""
        question = check_question(question)
        check_options(options)
        if not self._store.size()[0]:
            raise EmptyCollectionError(NO_ARTICLES)
        selection = self._select(filters)
        clock = _Clock()

        def confidence(asked: str) -> float:
            query = self.read(asked, detect(asked) or spoken)
            ranked = self.rank(query, self.retrieve(query, k=options.top_k, selection=selection))
            found = self.confidence(query, ranked, passages=self._passages(selection))
            return found if found >= self._least(options) else 0.0  # one refusal is as good as another

        spoken = _spoken(question, turns)
        wants = understand(question, spoken, turns, confidence)
        language = wants.question.language or spoken
        holdings = Holdings(
            self._store,
            lambda topic: self.retrieve(self.read(topic, language), k=_LISTED, selection=selection),
            self._embedder.embed_passages,
            selection,
        )
        direct = answer_directly(wants.wish, question, language=language, turns=turns, holdings=holdings)
        if direct:
            yield from self._finished(replace(direct, timings_ms=clock.total()))
            return
        alone = wants.question
        if self._llm and options.mode is not Mode.EXTRACTIVE and alone.question not in {turn.asked for turn in turns}:
            alone = rewrite(self._llm, wants.wish.message, turns) or alone
        clock.lap("understand")
        yield from self._answer(question, alone, language, selection, options, clock)

    def _least(self, options: Options) -> float:
        return self._min_confidence if options.min_confidence is None else options.min_confidence

    def _passages(self, selection: Selection | None) -> int:
        return self._store.size()[1] if selection is None else selection.passages

    def _answer(
        self,
        question: str,
        alone: Standalone,
        language: str,
        selection: Selection | None,
        options: Options,
        clock: _Clock,
    ) -> Iterator[Answer]:
        """The answer to a question, given in ``language``, from what the articles say."""
        query = weigh(self.read(alone.question, detect(alone.question) or language), alone.own)
        clock.lap("embed")
        hits = self.retrieve(query, k=options.top_k, selection=selection)
        clock.lap("search")
        ranked = self.rank(query, hits)
        clock.lap("evidence")
        passages = self._passages(selection)
        confidence = self.confidence(query, ranked, passages=passages)
        base = Answer(
            question, Status.ANSWERED, Mode.EXTRACTIVE, "", language, confidence,
            timings_ms=clock.total(), asked=alone.question,
            notices=() if alone.question in question else (Notice.CARRIED,),
        )  # fmt: skip
        if confidence < self._least(options):
            yield replace(not_found(base), nearby=_nearby(hits))
            return
        if self._writer and options.mode is not Mode.EXTRACTIVE:
            yield replace(base, mode=Mode.GENERATED, draft=True)
            written = yield from _write(self._writer, base, hits, ranked)
            if isinstance(written, Answer):
                if written.status is Status.NOT_FOUND:
                    written = replace(written, nearby=_nearby(hits))
                yield from self._finished(written)
                return
            base = replace(base, notices=(*base.notices, written))
        cited = cite(
            choose_evidence(ranked, language=language),
            lambda each: self._calibration.probability(describe(each, query, ranked, passages=passages)),
        )
        for answer in quoted(base, cited):
            if answer.draft:
                yield answer
        yield from self._finished(answer)

    def _finished(self, answer: Answer) -> Iterator[Answer]:
        """The answer with its passages in their context, and once more with translations where it gets any."""
        if self._translator and any(
            primary(each.article.language) != primary(answer.language) for each in answer.citations
        ):
            yield replace(self._in_context(answer), draft=True)
            answer = self._translator.translate(answer)
        yield self._in_context(answer)

    def _in_context(self, answer: Answer) -> Answer:
        return replace(answer, citations=tuple(in_context(each, self._store.beside) for each in answer.citations))

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


def _nearby(hits: Sequence[Hit]) -> tuple[Article, ...]:
    """The articles of the best hits, where these are near at all."""
    near = {hit.article.id: replace(hit.article, text="") for hit in reversed(hits) if hit.score >= _NEAR}
    return tuple(reversed(near.values()))[:_NEARBY]


def _spoken(message: str, turns: Sequence[Turn]) -> str:
    """The language of a message: of a few words in the script of the last question's, that question's."""
    language = detect(message) or "en"
    if turns and sum(map(str.isalpha, message)) < _TELLING:
        last = detect(turns[-1].question)
        if last and script(last) == script(language):
            return last
    return language


def _write(
    writer: Writer, base: Answer, hits: Sequence[Hit], ranked: Sequence[Evidence]
) -> Generator[Answer, None, Answer | Notice]:
    """Drafts of a written answer; returns the whole one, or why there is none."""
    answer = base
    try:
        for answer in writer.stream(replace(base, mode=Mode.GENERATED), hits):
            if answer.draft:
                yield answer
    except LanguageModelError as error:
        log.warning("Answered with quotations: %s", error)
        return Notice.MODEL_FAILED
    if answer.status is Status.NOT_FOUND:
        return not_found(answer)
    return answer if _answers(answer, ranked) else Notice.MODEL_UNSUPPORTED


def _answers(answer: Answer, ranked: Sequence[Evidence]) -> bool:
    """Whether some sentence is supported, by a sentence that has to do with the question: a model can be made to write
    what an article says of something else, or tells it to.
    """
    near = {
        (each.hit.article.id, each.quote.start) for each in ranked if each.score >= ranked[0].score - _TO_THE_QUESTION
    }
    whole = [each for each in answer.sentences if len(analyse(each.text, answer.language)) >= _LEAST_WORDS]
    return any(sentence.support is Support.SUPPORTED for sentence in whole) and any(
        (citation.article.id, quote.start) in near for citation in answer.citations for quote in citation.quotes
    )


def check_options(options: Options) -> None:
    """Raises UsageError for a number of passages or a confidence that cannot be."""
    if not 1 <= options.top_k <= MOST_PASSAGES:
        raise UsageError(f"The number of passages is {options.top_k}; expected 1 to {MOST_PASSAGES}.")
    if options.min_confidence is not None and not 0 <= options.min_confidence <= 1:
        raise UsageError(f"The minimum confidence is {options.min_confidence}; expected 0 to 1.")


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
