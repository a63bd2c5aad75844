"""The sentences that say best what a whole article says, verbatim."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rag.analyse import analyse
from rag.embedding import Vectors
from rag.types import Article, Passage, Quote

# Beside the first sentence, which news puts its matter in: one for so many, at least and at most so many.
_ONE_OF = 5
_FEWEST, _MOST = 2, 4
# Words (or pairs of characters) of which a sentence has more, headings and captions have not.
_SHORTEST = 6
# Sentences nearer to each other than this say the same. The default model's are between 0.80 and 0.95 within one story.
_THE_SAME = 0.94


def central_sentences(
    article: Article, passages: Sequence[Passage], embed: Callable[[Sequence[str]], Vectors]
) -> list[tuple[Quote, Passage]]:
    """The first sentence of an article and the two to four nearest to the mean of all, in order, with their passages.

    ``embed`` gives unit vectors, shape (n, dimension). Centroid-based: Radev et al. 2004, "Centroid-based summarization
    of multiple documents", section 3.
    """
    found: dict[tuple[int, int], Passage] = {}
    for passage in passages:
        for index, span in enumerate(passage.sentences):
            if len(analyse(passage.sentence(index), article.language)) > _SHORTEST:
                found.setdefault(span, passage)
    spans = sorted(found)
    if not spans:
        return []
    texts = [_text(found[start, end], start, end) for start, end in spans]
    chosen = _choose(np.asarray(embed(texts)))
    return [(Quote(texts[index], *spans[index]), found[spans[index]]) for index in sorted(chosen)]


def _choose(vectors: Vectors) -> list[int]:
    """The first and the most central that are not like one another."""
    wanted = 1 + min(_MOST, max(_FEWEST, len(vectors) // _ONE_OF))
    chosen = [0]
    for index in np.argsort(-(vectors @ vectors.mean(axis=0)), kind="stable").tolist():
        if len(chosen) == wanted:
            break
        if (vectors[chosen] @ vectors[index]).max() < _THE_SAME:
            chosen.append(index)
    return chosen


def _text(passage: Passage, start: int, end: int) -> str:
    return passage.text[start - passage.start : end - passage.start]
