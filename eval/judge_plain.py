"""The measures of ragas that need no language model.

Where a question has several reference answers, the one for which a measure is highest counts. Answers are taken without
citation marks; one that says nothing (a refusal) is given 0 rather than asked about: vectors of nothing are like any
other's. ragas' RougeScore is left out: it splits words at everything that is not ASCII, and gives Arabic 0.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from langchain_core.callbacks import Callbacks
from ragas.dataset_schema import SingleTurnSample
from ragas.metrics.base import MetricType, SingleTurnMetric
from ragas.metrics.collections import (
    CHRFScore,
    ExactMatch,
    QuotedSpansAlignment,
    SemanticSimilarity,
    StringPresence,
)
from ragas.metrics.collections.base import BaseMetric
from ragas.run_config import RunConfig
from rapidfuzz.fuzz import partial_ratio

from eval.judge import Embed
from eval.judge_ragas import Embeddings
from eval.metrics import answer_text
from eval.types import Outcome
from rag.quotations import read_quoted
from rag.types import Mode

with warnings.catch_warnings():
    # They are to go with ragas 1.0, and nothing else in 0.4 measures retrieval without a language model.
    warnings.simplefilter("ignore", DeprecationWarning)
    from ragas.metrics import (
        IDBasedContextPrecision,
        IDBasedContextRecall,
        NonLLMContextPrecisionWithReference,
        NonLLMContextRecall,
    )

log = logging.getLogger(__name__)

# Passages whose retrieval is measured, as many as the judge is shown.
PASSAGES = 5
# A passage has a quote from this share of its characters on, aligned at best: 1 is the quote itself, and one in another
# spelling or cut at its end has more than 0.8. Passages of other articles have 0.17 in the median and 0.5 at most, over
# the 250 questions of the sample set.
_HELD = 0.8
_ANSWERED = ("chrf", "string_presence", "exact_match", "similarity")
_RETRIEVED = ("id_precision", "id_recall", "context_precision", "context_recall")
# Marks that ragas takes for the beginning or the end of a quotation, an apostrophe too, and those it does not know.
_MARKS = re.compile("[\"'`´‘’‚‛“”„‟«»‹›「」『』]")

Score = Callable[[], Awaitable[float]]


@dataclass
class _Held(SingleTurnMetric):
    """How much of a quote (the shorter of two texts) a passage has, 0–1.

    ragas compares whole texts by default, and a quote of one sentence is never like a passage of ten.
    """

    name: str = "held"
    _required_columns: dict[MetricType, set[str]] = field(
        default_factory=lambda: {MetricType.SINGLE_TURN: {"reference", "response"}}
    )

    def init(self, run_config: RunConfig) -> None:
        """Nothing: there is nothing to prepare."""

    async def single_turn_ascore(
        self, sample: SingleTurnSample, callbacks: Callbacks = None, timeout: float | None = None
    ) -> float:
        """The share, without the bookkeeping of each comparison."""
        return _held(sample.reference or "", sample.response or "")

    async def _single_turn_ascore(self, sample: SingleTurnSample, callbacks: Callbacks) -> float:
        return await self.single_turn_ascore(sample, callbacks)


@lru_cache(50_000)
def _held(one: str, other: str) -> float:
    return partial_ratio(one, other, score_cutoff=100 * _HELD) / 100


@dataclass(frozen=True, slots=True)
class _Metrics:
    chrf: CHRFScore
    presence: StringPresence
    exact: ExactMatch
    quotes: QuotedSpansAlignment
    similarity: SemanticSimilarity | None
    retrieval: Mapping[str, SingleTurnMetric]


def measured(outcomes: Sequence[Outcome], *, embed: Embed | None) -> list[dict[str, float | None]]:
    """See ``eval.judge.ragas_measures``."""
    embeddings = Embeddings(embed) if embed else None
    if embeddings and (texts := _texts(outcomes)):
        embeddings.embed_texts(texts)
    return asyncio.run(_measured(outcomes, _metrics(embeddings)))


async def _measured(outcomes: Sequence[Outcome], metrics: _Metrics) -> list[dict[str, float | None]]:
    return [await _scores(outcome, metrics) for outcome in outcomes]


def _metrics(embeddings: Embeddings | None) -> _Metrics:
    return _Metrics(
        chrf=CHRFScore(),
        presence=StringPresence(),
        exact=ExactMatch(),
        quotes=QuotedSpansAlignment(min_span_words=1),  # what is too short is left out by us, in every script
        similarity=SemanticSimilarity(embeddings=embeddings) if embeddings else None,
        retrieval={
            "id_precision": IDBasedContextPrecision(),
            "id_recall": IDBasedContextRecall(),
            "context_precision": NonLLMContextPrecisionWithReference(distance_measure=_Held(), threshold=_HELD),
            # It asks for more than the threshold, the other for as much.
            "context_recall": NonLLMContextRecall(_distance_measure=_Held(), threshold=_HELD - 1e-9),
        },
    )


def _texts(outcomes: Sequence[Outcome]) -> list[str]:
    """All texts that will be compared by their vectors, each once."""
    pairs = [(answer_text(each.answer), each.case.answers) for each in outcomes if each.answer and not each.error]
    return list(dict.fromkeys(text for said, answers in pairs if said and answers for text in (said, *answers)))


async def _scores(outcome: Outcome, metrics: _Metrics) -> dict[str, float | None]:
    wanted = _retrieval(outcome, metrics) | _answer(outcome, metrics) | _quotations(outcome, metrics)
    if outcome.error:
        return dict.fromkeys(wanted)
    scores: dict[str, float | None] = {}
    for name, score in wanted.items():
        try:
            value = await score()
            # ragas adds 1e-10 to denominators.
            scores[name] = round(value, 6) if math.isfinite(value) else None
        except Exception:
            log.warning("%s of question %s failed", name, outcome.case.id, exc_info=True)
            scores[name] = None
    return scores


async def _zero() -> float:
    return 0.0


def _answer(outcome: Outcome, metrics: _Metrics) -> dict[str, Score]:
    """Each measure of an answer against the reference answers."""
    answers = outcome.case.answers
    if not answers or (outcome.answer is None and not outcome.error):
        return {}
    said = answer_text(outcome.answer) if outcome.answer else ""
    each: dict[str, BaseMetric | None] = dict(
        zip(_ANSWERED, (metrics.chrf, metrics.presence, metrics.exact, metrics.similarity), strict=True)
    )
    if not said:
        return {name: _zero for name, metric in each.items() if metric}
    return {name: _best(metric, said, answers) for name, metric in each.items() if metric}


def _best(metric: BaseMetric, said: str, answers: Sequence[str]) -> Score:
    async def score() -> float:
        results = [await metric.ascore(reference=answer, response=said) for answer in answers]
        return max(float(result.value) for result in results)

    return score


def _retrieval(outcome: Outcome, metrics: _Metrics) -> dict[str, Score]:
    """Each measure of the passages found: by the ids of their articles, and by the quotes that they hold."""
    references = outcome.case.references
    if not references:
        return {}
    found = outcome.found[:PASSAGES]
    if not found:
        return dict.fromkeys(_RETRIEVED, _zero)
    sample = SingleTurnSample(
        retrieved_contexts=[each.text for each in found],
        reference_contexts=[each.text for each in references],
        retrieved_context_ids=[each.article_id for each in found],
        reference_context_ids=[each.article_id for each in references],
    )
    return {name: _single(metric, sample) for name, metric in metrics.retrieval.items()}


def _single(metric: SingleTurnMetric, sample: SingleTurnSample) -> Score:
    async def score() -> float:
        return float(await metric.single_turn_ascore(sample))

    return score


def _quotations(outcome: Outcome, metrics: _Metrics) -> dict[str, Score]:
    """Whether what an answer has in quotation marks stands in the passages that it cites; of one without any, nothing.

    Quotations are read in the marks of all languages and given to ragas in the one form that it knows.
    """
    answer = outcome.answer
    if answer is None or answer.get("mode") == Mode.DIRECT:
        return {}
    quoted = [each.text for each in read_quoted(answer_text(answer)) if not each.short]
    if not quoted:
        return {}
    response = "\n".join(f'"{_MARKS.sub("", each)}"' for each in quoted)
    sources = [_MARKS.sub("", citation["passage"]) for citation in answer.get("citations", ())]

    async def score() -> float:
        return float((await metrics.quotes.ascore(response=response, retrieved_contexts=sources)).value)

    return {"quoted_spans": score}
