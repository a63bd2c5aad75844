"""The passages nearest to a question, whatever its language and theirs."""

from __future__ import annotations

from rag.embedding import Vectors
from rag.language import primary
from rag.store import Store
from rag.types import Hit

# Passages whose sentences are read for evidence. On XQuAD articles 1–24, 16 instead of 8 lifts the evidence sentence's
# hit@1 by 0.5 points over five language pairs (hit@3 by 0.5), 24 by nothing more.
TOP_K = 16

# What is left of the closeness of one language to itself after mean-centring: questions answered equally well score
# this much higher within a language than across two. The ratio of the two coefficients in assets/confidence.json.
SAME_LANGUAGE_BONUS = 0.07

# How many more are fetched, so that taking the bonus off can still change which come first.
_SPARE = 2


def retrieve(question: Vectors, store: Store, *, language: str, k: int = TOP_K) -> list[Hit]:
    """The ``k`` best passages for a centred question vector (shape (dimension,)), best first.

    ``Hit.dense`` is the centred cosine, less SAME_LANGUAGE_BONUS where question and passage share a language.
    """
    hits = [
        Hit(found.passage, found.article, fair(found.cosine, language, found.passage.language))
        for found in store.search(question, k=k * _SPARE)
    ]
    return sorted(hits, key=lambda hit: -hit.dense)[:k]


def fair(cosine: float, question_language: str, text_language: str) -> float:
    """A centred cosine made comparable between texts in the question's language and in others."""
    return cosine - SAME_LANGUAGE_BONUS * (primary(question_language) == primary(text_language))
