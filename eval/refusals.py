"""The measures of refusals, and of the confidence that they go by.

``refusal_error`` and ``hallucination`` are NoMIRACL's rates (Thakur et al. 2024, arXiv 2312.11361). The confidence is
measured on a whole set: whether it tells questions with an answer from those without (``auroc``), whether it is the
share that is right (``calibration_error``), how fast errors grow as less sure answers are shown (``risk_coverage``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.expectations import Expectation, expectation
from eval.types import Case, Outcome
from rag.types import Status

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Bins of equal width, as Guo et al. 2017 ("On Calibration of Modern Neural Networks", arXiv 1706.04599) use them.
_BINS = 10


def is_refusal(answer: Mapping[str, Any]) -> bool:
    """Whether an answer says that the articles do not answer."""
    return bool(answer["status"] == Status.NOT_FOUND)


def refusal_scores(case: Case, answer: Mapping[str, Any]) -> dict[str, float]:
    """``refused``; ``refusal_error`` of a question that the articles answer, 1 where it is refused, or
    ``hallucination`` of one that they do not answer, 1 where it is answered.
    """
    refused = float(is_refusal(answer))
    expected = expectation(case)
    return {
        "refused": refused,
        **({"refusal_error": refused} if expected is Expectation.ANSWER else {}),
        **({"hallucination": 1 - refused} if expected is Expectation.REFUSAL else {}),
    }


@dataclass(frozen=True, slots=True, eq=False)
class Sureness:
    """Of n outcomes, each shape (n,): how sure the answer was (0–1), whether articles answer the question, whether it
    was refused, whether it is right.
    """

    confidence: Floats
    answerable: Flags
    refused: Flags
    right: Flags

    def __len__(self) -> int:
        return len(self.confidence)

    def take(self, places: NDArray[np.intp]) -> Sureness:
        """Those at the places, which may repeat."""
        return Sureness(self.confidence[places], self.answerable[places], self.refused[places], self.right[places])


def known(outcome: Outcome) -> bool:
    """Whether an outcome has a confidence and it is known whether it is right (its score ``right``)."""
    return outcome.answer is not None and outcome.scores.get("right") is not None


def sureness(outcomes: Sequence[Outcome]) -> Sureness:
    """How sure and how right those outcomes are that are ``known``."""
    judged = [(each, each.answer) for each in outcomes if known(each) and each.answer is not None]
    return Sureness(
        np.array([answer["confidence"] for _, answer in judged], dtype=np.float64),
        np.array([expectation(each.case) is Expectation.ANSWER for each, _ in judged], dtype=np.bool_),
        np.array([is_refusal(answer) for _, answer in judged], dtype=np.bool_),
        np.array([each.scores["right"] == 1 for each, _ in judged], dtype=np.bool_),
    )


def answerable_auroc(sure: Sureness) -> float:
    """How well the confidence tells questions that the articles answer from those that they do not; NaN without both.

    Refused ones that the articles answer count with their low confidence; those answered wrongly are left out.
    """
    positive = sure.confidence[sure.answerable & (sure.right | sure.refused)]
    negative = sure.confidence[~sure.answerable]
    return auroc(positive, negative) if len(positive) and len(negative) else math.nan


def answered_bins(sure: Sureness) -> list[tuple[float, float, int]]:
    """The reliability diagram of what was answered: mean confidence, share right, count of each tenth of the scale."""
    return [] if sure.refused.all() else reliability(*_answered(sure))


def answered_calibration_error(sure: Sureness) -> float:
    """The expected calibration error (0–1) of the confidence that readers see: with what was answered, as the
    probability that it is right. NaN where nothing was answered.
    """
    return math.nan if sure.refused.all() else calibration_error(*_answered(sure))


def _answered(sure: Sureness) -> tuple[Floats, Floats]:
    return sure.confidence[~sure.refused & sure.right], sure.confidence[~sure.refused & ~sure.right]


def risk_coverage(sure: Sureness) -> list[tuple[float, float]]:
    """The risk–coverage curve (El-Yaniv and Wiener 2010): were only the n surest answered, (their share of all
    questions, the share of them that is wrong), for each n up to all that were answered.

    What was refused is never covered. Equally sure answers each count with the mean of their errors, so that their
    order makes no difference.
    """
    return [(n / len(sure), float(risk)) for n, risk in enumerate(_risks(sure), start=1)]


def risk_coverage_area(sure: Sureness) -> float:
    """The mean risk (0–1) over the curve, AURC (Geifman et al. 2019, arXiv 1805.08206); NaN without one."""
    risks = _risks(sure)
    return float(risks.mean()) if len(risks) else math.nan


def _risks(sure: Sureness) -> Floats:
    wrong = (~sure.right[~sure.refused]).astype(np.float64)
    _, level, counts = np.unique(-sure.confidence[~sure.refused], return_inverse=True, return_counts=True)
    errors = np.bincount(level, weights=wrong, minlength=len(counts)) / counts
    return np.asarray(np.cumsum(np.repeat(errors, counts)) / np.arange(1, len(wrong) + 1))


def auroc(positive: Floats, negative: Floats) -> float:
    """The area under the ROC curve: how often a positive scores above a negative, ties as half (Hanley 1982)."""
    order = np.sort(negative)
    below = np.searchsorted(order, positive, side="left") + np.searchsorted(order, positive, side="right")
    return float(below.mean() / (2 * len(negative)))


def reliability(positive: Floats, negative: Floats) -> list[tuple[float, float, int]]:
    """For each tenth of the scale with anything in it: mean confidence, share of positives, how many there are."""
    confidence = np.concatenate([positive, negative])
    right = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    counts, confident, shares = (
        np.bincount(bins, weights=weights, minlength=_BINS) for weights in (None, confidence, right)
    )
    return [
        (float(confident[each] / counts[each]), float(shares[each] / counts[each]), int(counts[each]))
        for each in np.flatnonzero(counts)
    ]


def calibration_error(positive: Floats, negative: Floats) -> float:
    """The expected calibration error (0–1): the mean distance of confidence and share of positives over the bins."""
    rows = reliability(positive, negative)
    return sum(abs(mean - share) * count for mean, share, count in rows) / sum(count for _, _, count in rows)
