"""The measures of retrieval: how high the passages stand that hold what a question's references name.

A passage is relevant when it covers a reference (``eval.spans.covers``) that none above it covers: passages share a
sentence with the next, and the second to hold a quote tells nothing new.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from eval.beir import DOCUMENTS
from eval.spans import Span, covers
from eval.types import Case, Found

DEPTHS = (1, 3, 5, 10, 20)


def gains(case: Case, found: Sequence[Found]) -> tuple[list[int], int]:
    """How many references each passage covers that none above it does, best passage first; how many are never covered.

    Where references are whole documents (BEIR), passages of a document seen above are left out of the ranking.
    """
    left = list(dict.fromkeys(case.references))
    counts = []
    seen: set[str] = set()
    for passage in found:
        if DOCUMENTS in case.tags and passage.article_id in seen:
            continue
        seen.add(passage.article_id)
        span = Span(passage.article_id, passage.start, passage.end)
        remaining = [each for each in left if not covers(span, each)]
        counts.append(len(left) - len(remaining))
        left = remaining
    return counts, len(left)


def recall_at(counts: Sequence[int], missed: int, k: int) -> float:
    """The share (0–1) of the references that the first ``k`` cover."""
    return sum(counts[:k]) / (sum(counts) + missed)


def hit_at(counts: Sequence[int], k: int) -> float:
    """1 where one of the first ``k`` is relevant, else 0."""
    return float(any(counts[:k]))


def reciprocal_rank(counts: Sequence[int], k: int) -> float:
    """1 over the rank of the first relevant one, 0 where it is not among the first ``k`` (Voorhees 1999)."""
    return next((1 / rank for rank, count in enumerate(counts[:k], start=1) if count), 0.0)


def ndcg_at(counts: Sequence[int], missed: int, k: int) -> float:
    """The normalised discounted cumulative gain (0–1; Järvelin and Kekäläinen 2002), gains 0 or 1 over log₂(rank+1).

    Ideal is a ranking with a relevant passage at each of the first ranks: as many as are relevant here, and one for
    each reference that is never covered. So it is 1 where one passage that covers all references comes first.
    """
    ideal = sum(count > 0 for count in counts) + missed
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, ideal) + 1))
    return sum(1 / math.log2(rank + 1) for rank, count in enumerate(counts[:k], start=1) if count) / best


def retrieval_scores(case: Case, found: Sequence[Found]) -> dict[str, float]:
    """All measures of retrieval by name; none for a case without references."""
    if not case.references:
        return {}
    counts, missed = gains(case, found)
    return {
        **{f"recall@{k}": recall_at(counts, missed, k) for k in DEPTHS},
        **{f"hit@{k}": hit_at(counts, k) for k in DEPTHS},
        "mrr@10": reciprocal_rank(counts, 10),
        **{f"ndcg@{k}": ndcg_at(counts, missed, k) for k in DEPTHS[1:]},
    }
