"""Whether the evidence is about what the question names.

A sentence about the head of one organisation is close to a question about the head of another: every token but the name
is matched well. So a question that names something needs at least one of its names matched in the passage. Names are
known by their capital letters; of questions in scripts without capitals this says nothing.
"""

from __future__ import annotations

import re

from rag.language import primary
from rag.query import Query
from rag.states import PackedStates, products

_WORD = re.compile(r"[^\W_]+")
# German and Luxembourgish write every noun with a capital.
_NOUNS_CAPITALISED = ("de", "lb")
_SHORTEST = 3

# The cosine from which a name counts as matched, mean over its tokens. On XQuAD articles 1–24 the best-matched name of
# an answerable question has .44 to .76 at the 10th percentile (tr→ar lowest, en→en highest), that of a question whose
# article is missing .35 to .39 at the median.
_MATCHED = 0.45


def names_matched(query: Query, passage: PackedStates) -> bool:
    """Whether one of the names in the question is matched in the passage; True where it names nothing."""
    tokens = query.tokens
    spans = _names(query.text, query.language)
    if not spans or not len(passage.scales):
        return not spans
    matches = products(tokens.states, [passage]).max(axis=0)
    inside = [(tokens.spans[:, 1] > start) & (tokens.spans[:, 0] < end) for start, end in spans]
    return any(matches[name].mean() >= _MATCHED for name in inside if name.any())


def _names(question: str, language: str) -> list[tuple[int, int]]:
    """Where the capitalised words are, the first word left out: any sentence may begin with a capital."""
    if primary(language) in _NOUNS_CAPITALISED:
        return []
    words = [match.span() for match in _WORD.finditer(question)][1:]
    return [(start, end) for start, end in words if question[start].isupper() and end - start >= _SHORTEST]
