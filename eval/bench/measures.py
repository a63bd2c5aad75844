"""The measures of retrieval, by ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def first_true(right: Sequence[bool]) -> int:
    """The place of the first True, from 1, or 0."""
    return right.index(True) + 1 if True in right else 0


def recall(ranks: Sequence[int], k: int) -> float:
    """The share (0–1) of ranks from 1 to ``k``; 0 stands for not found."""
    return float(np.mean([0 < rank <= k for rank in ranks]))


def reciprocal_rank(ranks: Sequence[int], k: int) -> float:
    """The mean reciprocal rank (0–1), that of ranks beyond ``k`` being 0."""
    return float(np.mean([1 / rank if 0 < rank <= k else 0.0 for rank in ranks]))
