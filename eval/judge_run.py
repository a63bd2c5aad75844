"""Answers judged by a language model: ragas' measures over ragas' experiment, each judgement on its own.

ragas gives a failed judgement as an exception, as no number, or (ResponseGroundedness, where one of its two judges
failed) as the other's number. Here whatever had a failure in it is None, and why is kept.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragas import Dataset, experiment
from ragas.metrics.collections import (
    AnswerRelevancy,
    ContextPrecision,
    ContextRecall,
    FactualCorrectness,
    Faithfulness,
    NoiseSensitivity,
    ResponseGroundedness,
)
from ragas.metrics.collections.base import BaseMetric
from ragas.prompt.metrics.base_prompt import BasePrompt

from eval.judge import Asked, Embed, FailedJudgement, Judged, Told
from eval.judge_model import FAILURES, JudgeModel
from eval.judge_ragas import Embeddings
from eval.metrics import answer_text
from eval.types import Outcome
from rag.errors import LanguageModelError
from rag.language import name as language_name
from rag.language import primary
from rag.types import Mode

# Passages that the judge is shown: the first of those found, and of the answer those cited, filled up with them.
_PASSAGES = 5
_PER_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class _Judgement:
    """A measure of ragas: how it is made, and what it takes, by its own names, from a row."""

    make: Callable[[JudgeModel, Embeddings], BaseMetric]
    takes: Mapping[str, str]


_QUESTION = {"user_input": "user_input"}
_RESPONSE = {"response": "response"}
_REFERENCE = {"reference": "reference"}
_SHOWN = {"retrieved_contexts": "retrieved_contexts"}
_FOUND = {"retrieved_contexts": "found_contexts"}

_JUDGEMENTS = {
    "faithfulness": _Judgement(lambda llm, _: Faithfulness(llm=llm), _QUESTION | _RESPONSE | _SHOWN),
    # At temperature 0 the same question comes back each time: asking once is enough.
    "answer_relevancy": _Judgement(
        lambda llm, embeddings: AnswerRelevancy(llm=llm, embeddings=embeddings, strictness=1), _QUESTION | _RESPONSE
    ),
    "factual_correctness": _Judgement(lambda llm, _: FactualCorrectness(llm=llm), _RESPONSE | _REFERENCE),
    "noise_sensitivity": _Judgement(
        lambda llm, _: NoiseSensitivity(llm=llm), _QUESTION | _RESPONSE | _REFERENCE | _SHOWN
    ),
    # It asks again what failed; the model has done so already.
    "response_groundedness": _Judgement(
        lambda llm, _: ResponseGroundedness(llm=llm, max_retries=1), _RESPONSE | _SHOWN
    ),
    "judged_context_precision": _Judgement(lambda llm, _: ContextPrecision(llm=llm), _QUESTION | _REFERENCE | _FOUND),
    "judged_context_recall": _Judgement(lambda llm, _: ContextRecall(llm=llm), _QUESTION | _REFERENCE | _FOUND),
}


@dataclass(slots=True)
class _Work:
    """What is being judged, and what came of it so far."""

    llm: JudgeModel
    told: Told
    total: int
    metrics: dict[str, dict[str, BaseMetric]]
    done: int = 0
    failures: list[FailedJudgement] = field(default_factory=list)

    def count(self) -> None:
        """Tells of one judgement more."""
        self.done += 1
        failed = f", {len(self.failures)} failed" if self.failures else ""
        self.told(self.done, self.total, f"{self.done} of {self.total} judgements{failed}")


def judged(outcomes: Sequence[Outcome], *, asked: Asked, embed: Embed, progress: Told, adapt: bool) -> Judged:
    """See ``eval.judge.judge``."""
    rows = [row for number, outcome in enumerate(outcomes) if (row := _row(number, outcome))["measures"]]
    if not rows:
        return Judged(asked.model, tuple({} for _ in outcomes))
    llm = JudgeModel(asked)
    try:
        return asyncio.run(_judged(rows, len(outcomes), llm, asked, Embeddings(embed), progress, adapt))
    finally:
        llm.close()


async def _judged(
    rows: Sequence[dict[str, Any]],
    outcomes: int,
    llm: JudgeModel,
    asked: Asked,
    embeddings: Embeddings,
    told: Told,
    adapt: bool,
) -> Judged:
    languages = sorted({row["language"] for row in rows})
    metrics = {each: {name: one.make(llm, embeddings) for name, one in _JUDGEMENTS.items()} for each in languages}
    notes: list[str] = []
    if adapt:
        told(0, 1, "prompts adapted to the languages of the questions")
        adapting = (_adapted(each, metrics[each], llm) for each in languages if each not in ("", "en"))
        notes += filter(None, await asyncio.gather(*adapting))
    work = _Work(llm, told, sum(len(row["measures"]) for row in rows), metrics)
    scores: list[Mapping[str, float | None]] = [{} for _ in range(outcomes)]
    for row in await _experiment(rows, work):
        scores[row["number"]] = row["scores"]
    if llm.stopped:
        if not llm.replies and not llm.cached:
            raise LanguageModelError(llm.stopped)
        notes.append(f"Nothing more was asked after: {llm.stopped}")
    return Judged(
        model=asked.model,
        scores=tuple(scores),
        failures=tuple(sorted(work.failures, key=lambda each: (each.case_id, each.measure))),
        replies=llm.replies,
        cached=llm.cached,
        tokens_in=llm.tokens_in,
        tokens_out=llm.tokens_out,
        cost=_cost(llm, asked),
        notes=tuple(notes),
    )


async def _experiment(rows: Sequence[dict[str, Any]], work: _Work) -> Iterable[Mapping[str, Any]]:
    """The scores of each row with its number, in no particular order."""

    @experiment()
    async def judging(row: dict[str, Any]) -> dict[str, Any]:
        scores = await asyncio.gather(*(_judgement(name, row, work) for name in row["measures"]))
        return {"number": row["number"], "scores": dict(zip(row["measures"], scores, strict=True))}

    table: Dataset[Any] = Dataset(name="answers", backend="inmemory", data=list(rows))
    return await judging.arun(table, name="judged", backend="inmemory")


def _cost(llm: JudgeModel, asked: Asked) -> float | None:
    """What the tokens cost; unknown where there is no price, or where the provider counts no tokens."""
    if asked.price is None or (llm.replies and not llm.tokens_in):
        return None
    return (llm.tokens_in * asked.price[0] + llm.tokens_out * asked.price[1]) / _PER_MILLION


def _row(number: int, outcome: Outcome) -> dict[str, Any]:
    """An outcome in ragas' words, with the measures that apply to it: those of which it has all that they take."""
    case, answer = outcome.case, outcome.answer or {}
    said = "" if outcome.error or not answer or answer.get("mode") == Mode.DIRECT else answer_text(answer)
    found = [] if outcome.error else list(dict.fromkeys(each.text for each in outcome.found[:_PASSAGES]))
    cited = [citation["passage"] for citation in answer.get("citations", ())]
    row = {
        "number": number,
        "id": case.id,
        "language": primary(case.language),
        "user_input": answer.get("asked") or case.question,
        "response": said,
        "reference": case.answers[0] if case.answers else "",
        "found_contexts": found,
        "retrieved_contexts": list(dict.fromkeys([*cited, *found]))[: max(_PASSAGES, len(cited))],
    }
    applying = [name for name, one in _JUDGEMENTS.items() if all(row[each] for each in one.takes.values())]
    return row | {"measures": [] if outcome.error else applying}


async def _judgement(name: str, row: Mapping[str, Any], work: _Work) -> float | None:
    """The score (0–1) of a row by a measure, or None, noted with the reason."""
    noted: list[str] = []
    FAILURES.set(noted)
    arguments = {name: row[key] for name, key in _JUDGEMENTS[name].takes.items()}
    value, reason = math.nan, ""
    try:
        result = await work.metrics[row["language"]][name].ascore(**arguments)
        value = float(result.value)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    if noted or reason or not math.isfinite(value):
        work.failures.append(FailedJudgement(row["id"], name, (noted or [reason or "ragas gave no number"])[-1]))
        work.count()
        return None
    work.count()
    # A cosine may be a little above 1, or below 0 where there is nothing in common.
    return round(min(1.0, max(0.0, value)), 6)


async def _adapted(language: str, metrics: Mapping[str, BaseMetric], llm: JudgeModel) -> str:
    """A note of the measures whose prompts stay in English, or ""; the prompts of the others are replaced."""
    spoken = language_name(language, reader="en")
    english: list[str] = []
    reasons: list[str] = []
    for name, metric in metrics.items():
        for place, prompt in _prompts(metric):
            try:
                setattr(metric, place, await prompt.adapt(spoken.lower(), llm))
            except Exception as error:
                english.append(name)
                reasons.append(str(error))
    if not english:
        return ""
    return f"Prompts in English for {spoken} in {', '.join(dict.fromkeys(english))}: {reasons[0]}"


def _prompts(metric: BaseMetric) -> Iterator[tuple[str, BasePrompt[Any, Any]]]:
    """The prompts of a measure that can be adapted, by attribute: those that keep their examples where ragas looks."""
    for place, prompt in list(vars(metric).items()):
        if isinstance(prompt, BasePrompt) and getattr(prompt, "examples", None):
            yield place, prompt
