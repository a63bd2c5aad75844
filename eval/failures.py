"""What went wrong with a case, in words: the worst answers are what an evaluator reads first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from eval.citations import quote_spans
from eval.expectations import Expectation, expectation
from eval.spans import Span, covers
from eval.types import Case, Found, Outcome
from rag.types import Status, Support


class Kind(StrEnum):
    """Kinds of failures, the worst first."""

    ERROR = "error"
    HALLUCINATED = "answered though unanswerable"
    UNSUPPORTED = "unsupported sentence"
    WRONG_ARTICLE = "wrong article"
    WRONG_SENTENCE = "wrong sentence"
    REFUSED = "refused though answerable"


_ORDER = {kind: place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Failure:
    """An outcome with what is wrong with it: its kind, why in a sentence, and how bad (0–1) among those of its kind."""

    outcome: Outcome
    kind: Kind
    why: str
    weight: float


def failures(outcomes: Sequence[Outcome]) -> list[Failure]:
    """All failures, the kinds in their order and in each the worst first."""
    found = [failure for outcome in outcomes if (failure := failure_of(outcome))]
    return sorted(found, key=lambda each: (_ORDER[each.kind], -each.weight, each.outcome.case.id))


def worst(found: Sequence[Failure], most: int) -> list[Failure]:
    """At most so many of the failures, in their order: of each kind as many as of every other, where there are."""
    left = {kind: [each for each in found if each.kind is kind] for kind in Kind}
    chosen: set[int] = set()
    while len(chosen) < most and any(left.values()):
        for waiting in left.values():
            if waiting and len(chosen) < most:
                chosen.add(id(waiting.pop(0)))
    return [each for each in found if id(each) in chosen]


def failure_of(outcome: Outcome) -> Failure | None:
    """What is wrong with an outcome, the worst of it; None where nothing is, or nobody said what is right."""
    if outcome.error or outcome.answer is None:
        return Failure(outcome, Kind.ERROR, outcome.error or "There is no answer.", 1.0)
    answer = outcome.answer
    expected = expectation(outcome.case)
    confidence = float(answer["confidence"])
    answered = answer["status"] == Status.ANSWERED
    if answered and expected is Expectation.REFUSAL:
        why = f"Nothing in the articles answers this; it was answered with confidence {confidence:.2f}."
        return Failure(outcome, Kind.HALLUCINATED, why, confidence)
    if answered and (bad := [each for each in answer["sentences"] if each["support"] == Support.UNSUPPORTED]):
        why = f"{len(bad)} of {len(answer['sentences'])} sentences are not carried by what they cite: {bad[0]['text']}"
        return Failure(outcome, Kind.UNSUPPORTED, why, len(bad) / len(answer["sentences"]))
    if expected is Expectation.ANSWER and not answered:
        why = f"Confidence {confidence:.2f} is too low. {where_found(outcome)}"
        return Failure(outcome, Kind.REFUSED, why, 1 - confidence)
    return _misquoted(outcome, confidence) if expected is Expectation.ANSWER and outcome.case.references else None


def _misquoted(outcome: Outcome, confidence: float) -> Failure | None:
    spans = quote_spans(outcome.answer or {})
    references = outcome.case.references
    if any(covers(span, each) for span in spans for each in references):
        return None
    if {span.article_id for span in spans} & {each.article_id for each in references}:
        why = f"The right article is quoted, and other sentences of it. {where_found(outcome)}"
        return Failure(outcome, Kind.WRONG_SENTENCE, why, confidence)
    why = f"Another article is quoted. {where_found(outcome)}"
    return Failure(outcome, Kind.WRONG_ARTICLE, why, confidence)


def where_found(outcome: Outcome) -> str:
    """At which rank the reference was found, in words; "" where the case has none."""
    if not outcome.case.references:
        return ""
    rank = next((n for n, each in enumerate(outcome.found, 1) if holds(each, outcome.case)), 0)
    if rank:
        return f"The passage with the reference was found at rank {rank}."
    articles = {each.article_id for each in outcome.case.references}
    near = next((n for n, each in enumerate(outcome.found, 1) if each.article_id in articles), 0)
    if near:
        return f"Of the right article, only other passages were found (rank {near})."
    return f"The right article is not among the {len(outcome.found)} passages found."


def holds(passage: Found, case: Case) -> bool:
    """Whether a passage holds one of the case's references."""
    span = Span(passage.article_id, passage.start, passage.end)
    return any(covers(span, each) for each in case.references)
