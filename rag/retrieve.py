"""The passages that answer a question best, whatever its language and theirs.

Candidates are the nearest by their vectors and those that share the most telling words. All are ranked by late
interaction, token by token (``rag/evidence.py``), and common words add to it. Near-duplicates are one hit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rag.analyse import analyse
from rag.evidence import SAME_LANGUAGE_BONUS, PassageReader, interact
from rag.index import Selection
from rag.language import primary
from rag.query import Query
from rag.store import Candidate, Store
from rag.types import Hit, Passage

# Passages whose sentences are read for evidence. On XQuAD articles 1–24, 16 instead of 8 lifts the evidence sentence's
# hit@1 by 0.5 points over five language pairs (hit@3 by 0.5), 24 by nothing more.
TOP_K = 16

# How many of the nearest, and how many by words, are ranked. On XQuAD articles 1–24 the right passage comes first as
# often as when all are, to 0.1 points.
CANDIDATES = 64

# What the passage with the highest BM25 gains; docs/evaluation.md has what other shares give. Words of two languages
# have little in common besides names and numbers, but what they have tells.
_LEXICAL_SAME = 0.05
_LEXICAL_OTHER = 0.02

# What is left of the closeness of one language to itself after mean-centring: the same question scores this much higher
# with passages in its own language than with equally good ones in another (logistic regression on XQuAD articles 1–24).
_SAME_LANGUAGE_BONUS = 0.07

# Passages of one article beyond these come after those of others, unless the article has half of the best TOP_K: then
# the question is about it.
_FROM_ONE_ARTICLE = 4
# Passages of one story that share this much of the shorter one's words say the same.
_SAME_WORDS = 0.6
# How often it is looked again because an article was replaced between finding and reading it.
_TRIES = 10


def retrieve(
    query: Query, store: Store, reader: PassageReader, *, k: int = TOP_K, selection: Selection | None = None
) -> list[Hit]:
    """The ``k`` best passages for a question, best first; of the selection if there is one.

    ``Hit.dense`` and ``Hit.score`` are less a bonus where question and passage share a language.
    """
    hits: list[Hit] = []
    for _ in range(_TRIES):
        ranked = _rank(query, store, reader, k=k, selection=selection)
        hits, gone = _load(ranked, store, k=k)
        if not gone:
            break
    else:
        store.forget(gone)
    return _spread(hits)[:k]


def _rank(
    query: Query, store: Store, reader: PassageReader, *, k: int, selection: Selection | None
) -> list[tuple[float, Candidate]]:
    found = store.candidates(query.vector, query.words, k=max(k, CANDIDATES), selection=selection)
    most = max((candidate.lexical for candidate in found), default=0.0)
    scored = []
    passages = interact(query, [each.passage_id for each in found], reader).passages
    for candidate, interaction in zip(found, passages.tolist(), strict=True):
        same = primary(query.language) == candidate.language
        lexical = candidate.lexical / most if most else 0.0
        score = interaction - SAME_LANGUAGE_BONUS * same
        score += (_LEXICAL_SAME if same else _LEXICAL_OTHER) * lexical
        dense = candidate.dense - _SAME_LANGUAGE_BONUS * same
        scored.append((score, replace(candidate, dense=dense, lexical=lexical)))
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].passage_id))


def _load(ranked: Sequence[tuple[float, Candidate]], store: Store, *, k: int) -> tuple[list[Hit], list[str]]:
    """The first of a ranking with their texts, near-duplicates folded, enough that ``k`` are left; and the ids of those
    that are no longer there.
    """
    hits: list[Hit] = []
    gone: list[str] = []
    for start in range(0, len(ranked), k + k // 2):
        some = ranked[start : start + k + k // 2]
        loaded = store.load([candidate.passage_id for _, candidate in some])
        gone += [each.passage_id for _, each in some if each.passage_id not in loaded]
        for score, candidate in some:
            if candidate.passage_id not in loaded:
                continue
            passage, article = loaded[candidate.passage_id]
            hit = Hit(passage, article, candidate.dense, candidate.lexical, score)
            twin = next((index for index, other in enumerate(hits) if _says_the_same(hit, other)), None)
            if twin is None:
                hits.append(hit)
            elif all(article.id != other.id for other in (hits[twin].article, *hits[twin].others)):
                hits[twin] = replace(hits[twin], others=(*hits[twin].others, article))
        # The second look is for other articles, where one has crowded them out.
        few = sum(min(count, _FROM_ONE_ARTICLE) for count in Counter(hit.article.id for hit in hits).values()) < k
        if len(hits) >= k and (not few or start):
            break
    return hits, gone


def _spread(hits: Sequence[Hit]) -> list[Hit]:
    """The hits with those of an article that has many of them behind the others."""
    best = Counter(hit.article.id for hit in hits[:TOP_K])
    seen: Counter[str] = Counter()
    first: list[Hit] = []
    behind: list[Hit] = []
    for hit in hits:
        seen[hit.article.id] += 1
        crowding = seen[hit.article.id] > _FROM_ONE_ARTICLE and best[hit.article.id] < TOP_K // 2
        (behind if crowding else first).append(hit)
    return first + behind


def _says_the_same(hit: Hit, other: Hit) -> bool:
    if not hit.article.story or hit.article.story != other.article.story or hit.article.id == other.article.id:
        return False
    words, others = _words(hit.passage), _words(other.passage)
    return len(words & others) >= _SAME_WORDS * max(1, min(len(words), len(others)))


def _words(passage: Passage) -> set[str]:
    return set(analyse(passage.text, passage.language))
