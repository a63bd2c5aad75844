"""How likely it is that the collection answers a question: logistic regression on what its search has found.

``rag/assets/calibration.json`` holds the weights, fitted by ``eval/bench/calibrate.py`` on XQuAD articles 1–24 in
English, Arabic and Turkish, each question with its article in the collection, without it, and without the passages that
hold its answer. docs/evaluation.md has what that gives on other articles and languages.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from rag.evidence import Evidence, Features
from rag.language import primary
from rag.query import Query

# A lead beyond this says no more; it is also the lead of what stands alone.
_FAR_AHEAD = 0.3
_FIRST = 8
_SPREAD_OF = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """The weights of each feature, the intercept, and the confidence below which there is no answer."""

    confidence: Mapping[str, float]
    intercept: float
    min_confidence: float

    def probability(self, features: Mapping[str, float]) -> float:
        """The estimated probability (0–1) for features as ``describe`` gives them."""
        logit = self.intercept + sum(weight * features[name] for name, weight in self.confidence.items())
        return 1 / (1 + math.exp(-logit))


@cache
def load_calibration() -> Calibration:
    """The calibration shipped with Isnad."""
    table = json.loads((resources.files("rag") / "assets" / "calibration.json").read_text(encoding="utf-8"))
    return Calibration(table["confidence"], table["intercept"], table["min_confidence"])


def describe(evidence: Evidence, query: Query, ranked: Sequence[Evidence], *, passages: int) -> dict[str, float]:
    """What tells whether evidence, one of those ``ranked``, answers: its own match and its lead over the others.

    ``passages`` is how many it was found among: the best of many wrong ones scores higher than the best of few.
    """
    others = [each for each in ranked if each is not evidence]
    elsewhere = [each for each in others if each.hit.article.id != evidence.hit.article.id]
    return {
        "score": evidence.score,
        "own": evidence.features[Features.OWN],
        "passage": evidence.features[Features.PASSAGE],
        "worst": evidence.features[Features.WORST],
        "lead": _lead(evidence, others),
        "lead over other articles": _lead(evidence, elsewhere),
        "dense": evidence.hit.dense,
        "spread": float(np.std([each.score for each in ranked[:_SPREAD_OF]])),
        "articles": len({each.hit.article.id for each in ranked[:_FIRST]}),
        "log10 passages": math.log10(max(passages, 1)),
        "same language": float(primary(query.language) == primary(evidence.hit.passage.language)),
    }


def _lead(evidence: Evidence, others: Sequence[Evidence]) -> float:
    return min(evidence.score - others[0].score, _FAR_AHEAD) if others else _FAR_AHEAD
