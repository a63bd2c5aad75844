"""The scores of each outcome, and their summary over groups of questions.

``MEASURES`` names them all. A score is missing where its measure does not apply to a case, and None where it does and
failed, as when the question ended in an error: failures are counted, never averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.citations import Entailment, alce_scores, invented_share, quote_scores, verbatim_share
from eval.expectations import Expectation, expectation
from eval.measures import MEASURES, Measure
from eval.ranking import retrieval_scores
from eval.refusals import (
    Sureness,
    answerable_auroc,
    answered_calibration_error,
    is_refusal,
    known,
    refusal_scores,
    risk_coverage_area,
    sureness,
)
from eval.squad import article_number
from eval.statistics import count_failed, interval_of, mean_interval
from eval.text_match import answer_recall, exact_match, f1
from eval.types import Case, Outcome
from eval.validate import pairs_of
from rag.embedding import Vectors
from rag.errors import IsnadError
from rag.types import Mode

__all__ = ["MEASURES", "Measure", "Row", "answer_text", "cluster_of", "score", "summary"]

Embed = Callable[[Sequence[str]], Vectors]

# Without reference quotes an answer is right when it has so much of a reference answer's words.
_ENOUGH_WORDS = 0.5
# Of a measure of a whole set: resamples, and how many outcomes they may draw in all, some seconds' work.
_WHOLE_RESAMPLES = 500
_LEAST_RESAMPLES = 200
_WHOLE_WORK = 2_000_000

_WHOLE: dict[str, Callable[[Sureness], float]] = {
    "auroc": answerable_auroc,
    "calibration_error": answered_calibration_error,
    "aurc": risk_coverage_area,
}


@dataclass(frozen=True, slots=True)
class Row:
    """A measure over a group of questions: its mean, the 95 % interval of that, from ``n`` scores; ``failed`` are not
    among these.

    ``kind`` is "all", "language" (of the question), "pair" ("en→ar") or "tag", ``group`` which one; "all" of all.
    """

    measure: str
    kind: str
    group: str
    n: int
    mean: float
    low: float
    high: float
    failed: int


def score(
    outcome: Outcome, *, checker: Entailment | None = None, embed: Embed | None = None
) -> dict[str, float | None]:
    """The scores of an outcome by name, deterministic.

    ``checker`` judges citations (``eval.citations.entailment_by``), ``embed`` gives the vectors of texts, shape
    (n, dimension), for ``similarity``; without them these are left out. Of an outcome with an error all that would
    apply is None; of one without an answer, from a system that only retrieves, there is only retrieval.
    """
    case = outcome.case
    if outcome.error:
        return dict.fromkeys(_applicable(case))
    scores: dict[str, float | None] = {**retrieval_scores(case, outcome.found)}
    answer = outcome.answer
    if answer is None:
        return scores
    scores |= refusal_scores(case, answer)
    if expectation(case) is Expectation.ANSWER:
        scores |= _answer_scores(case, answer)
        scores |= quote_scores(answer, case.references)
        if embed and case.answers:
            scores["similarity"] = _similarity(answer_text(answer), case.answers, embed)
    scores |= _right(case, answer, scores)
    if not is_refusal(answer) and answer.get("mode") != Mode.DIRECT:
        scores |= _citation_scores(answer, checker)
    return scores


def answer_text(answer: Mapping[str, Any]) -> str:
    """What an answer says: its sentences, without citation marks and introduction; nothing of a refusal."""
    if is_refusal(answer):
        return ""
    return "\n".join(sentence["text"] for sentence in answer.get("sentences", ())) or str(answer["answer"])


def _applicable(case: Case) -> list[str]:
    """The measures that apply to a case whatever is answered."""
    empty = {"status": "not_found", "answer": "", "language": "", "citations": ()}
    return list(score(Outcome(case, answer=empty)))


def _answer_scores(case: Case, answer: Mapping[str, Any]) -> dict[str, float]:
    if not case.answers:
        return {}
    text, languages = answer_text(answer), (case.language, answer["language"], *case.languages)
    quotes = "\n".join(quote["text"] for citation in answer.get("citations", ()) for quote in citation["quotes"])
    return {
        "f1": f1(text, case.answers, languages),
        "em": exact_match(text, case.answers, languages),
        "answer_recall": answer_recall(text, case.answers, languages),
        "answer_words_in_quotes": answer_recall(quotes, case.answers, languages),
    }


def _similarity(text: str, answers: Sequence[str], embed: Embed) -> float:
    """The cosine (−1 to 1) of the vectors of a text and of the nearest answer; 0 of a refusal, which says nothing."""
    if not text:
        return 0.0
    vectors = np.asarray(embed([text, *answers]), dtype=np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return float((vectors[1:] @ vectors[0]).max())


def _right(case: Case, answer: Mapping[str, Any], scores: Mapping[str, float | None]) -> dict[str, float | None]:
    expected = expectation(case)
    if expected is Expectation.NOTHING:
        return {}
    if expected is Expectation.REFUSAL:
        return {"right": float(is_refusal(answer))}
    if case.references:
        return {"right": scores["answer_in_quotes"]}
    return {"right": float((scores["answer_recall"] or 0) >= _ENOUGH_WORDS)}


def _citation_scores(answer: Mapping[str, Any], checker: Entailment | None) -> dict[str, float | None]:
    scores: dict[str, float | None] = {}
    for name, share in (("invented_citations", invented_share(answer)), ("verbatim", verbatim_share(answer))):
        if share is not None:
            scores[name] = share
    if checker:
        try:
            scores |= alce_scores(answer, checker)
        except IsnadError:
            scores |= dict.fromkeys(("citation_recall", "citation_precision"))
    return scores


def cluster_of(case: Case) -> str:
    """What a case's score depends on with others': the article that it is about, with its translations in sets like
    XQuAD, or itself where there is none.
    """
    about = [*(each.article_id for each in case.references), *case.without[-1:]]
    return article_number(about[0]) if about else f"case {case.id}"


def summary(
    outcomes: Sequence[Outcome], *, cluster: Callable[[Case], Hashable] = cluster_of, seed: int = 0
) -> list[Row]:
    """A row for each measure and group that has a score or a failure: of all, then by language, pair and tag.

    Measures come in the order of ``MEASURES``, others behind them. Intervals resample the articles that questions are
    about (``eval.statistics.mean_interval``), or what else ``cluster`` names.
    """
    names = {name: None for outcome in outcomes for name in outcome.scores}
    ordered = [*(name for name in MEASURES if name in names), *(name for name in names if name not in MEASURES)]
    rows = []
    for (kind, group), members in _groups(outcomes).items():
        for name in ordered:
            scored = [outcome for outcome in members if name in outcome.scores]
            if scored:
                rows.append(_row(name, kind, group, scored, cluster, seed))
        rows += _whole_rows(kind, group, members, cluster, seed)
    return rows


def _groups(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    groups: dict[tuple[str, str], list[Outcome]] = {("all", "all"): list(outcomes)}
    kinds: tuple[tuple[str, Callable[[Case], Sequence[str]]], ...] = (
        ("language", lambda case: [case.language]),
        ("pair", pairs_of),
        ("tag", lambda case: list(dict.fromkeys(case.tags))),
    )
    for kind, named in kinds:
        found: dict[str, list[Outcome]] = {}
        for outcome in outcomes:
            for name in named(outcome.case):
                found.setdefault(name, []).append(outcome)
        groups |= {(kind, name): found[name] for name in sorted(found)}
    return groups


def _row(
    name: str, kind: str, group: str, scored: Sequence[Outcome], cluster: Callable[[Case], Hashable], seed: int
) -> Row:
    values = [outcome.scores[name] for outcome in scored]
    mean, low, high = mean_interval(values, groups=[cluster(outcome.case) for outcome in scored], seed=seed)
    failed = count_failed(values)
    return Row(name, kind, group, len(values) - failed, mean, low, high, failed)


def _whole_rows(
    kind: str, group: str, members: Sequence[Outcome], cluster: Callable[[Case], Hashable], seed: int
) -> list[Row]:
    """The rows of the measures of a whole set, where they are defined."""
    judged = [outcome for outcome in members if known(outcome)]
    sure = sureness(judged)
    groups = [cluster(outcome.case) for outcome in judged]
    failed = sum("right" in outcome.scores for outcome in members) - len(sure)
    rows = []
    for name, measure in _WHOLE.items():
        value = measure(sure)
        if not math.isnan(value):
            low, high = interval_of(
                lambda places, measure=measure: measure(sure.take(places)),  # type: ignore[misc]
                len(sure),
                groups=groups,
                resamples=max(_LEAST_RESAMPLES, min(_WHOLE_RESAMPLES, _WHOLE_WORK // len(sure))),
                seed=seed,
            )
            rows.append(Row(name, kind, group, len(sure), value, low, high, failed))
    return rows
