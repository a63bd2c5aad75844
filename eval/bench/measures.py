"""The measures of retrieval and of confidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Bins of equal width, as Guo et al. 2017 ("On Calibration of Modern Neural Networks", arXiv 1706.04599) use them.
_BINS = 10


def first_true(right: Sequence[bool]) -> int:
    """The place of the first True, from 1, or 0."""
    return right.index(True) + 1 if True in right else 0


def recall(ranks: Sequence[int], k: int) -> float:
    """The share (0–1) of ranks from 1 to ``k``; 0 stands for not found."""
    return float(np.mean([0 < rank <= k for rank in ranks]))


def reciprocal_rank(ranks: Sequence[int], k: int) -> float:
    """The mean reciprocal rank (0–1), that of ranks beyond ``k`` being 0."""
    return float(np.mean([1 / rank if 0 < rank <= k else 0.0 for rank in ranks]))


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
    return [
        (float(confidence[bins == each].mean()), float(right[bins == each].mean()), int((bins == each).sum()))
        for each in range(_BINS)
        if (bins == each).any()
    ]


def calibration_error(positive: Floats, negative: Floats) -> float:
    """The expected calibration error (0–1): the mean distance of confidence and share of positives over the bins."""
    rows = reliability(positive, negative)
    return sum(abs(mean - share) * count for mean, share, count in rows) / sum(count for _, _, count in rows)
