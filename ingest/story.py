"""Which articles are one story: a syndicated text with small edits, a corrected one under another address.

Candidates are the articles whose mean vectors are nearest, which Chroma's index finds; what decides is the exact share
of common text and numbers. With MinHash the share would only be estimated, and its tables would have to be kept beside
the collection.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.records import Embedded
from rag.store import Store

# An edited copy's mean vector stays this near (cosine); measured in docs/evaluation.md.
_NEAR = 0.8
_CANDIDATES = 6
# The share of the shorter text's shingles that the longer one has as well, and how much shorter it may be.
_COMMON = 0.6
_SHORTEST = 0.4
# Weather, match and market reports repeat their wording and change the numbers: that many must be the same.
_COMMON_NUMBERS = 0.5
# Characters in a shingle: about a word and a half, and in Chinese and Japanese a phrase.
_SHINGLE = 8

_SPACES = re.compile(r"\W+")
_NUMBER = re.compile(r"\d+(?:[.,:٫٬]\d+)*")


def link(batch: Sequence[Embedded], store: Store) -> tuple[dict[str, str], dict[str, str]]:
    """The story of each article by id, of those in the batch and of stored ones that had none; and stories that have
    turned out to be the same, old name to new.

    A story is called by the id of an article that is or was of it.
    """
    stories = {each.article.id: each.article.story for each in batch}
    merged: dict[str, str] = {}
    if not batch:
        return stories, merged
    centres = np.stack([each.centre for each in batch])
    texts = [_Text.of(each.article.text) for each in batch]
    among = centres @ centres.T
    for index, stored in enumerate(store.similar(centres, k=_CANDIDATES)):
        alike = [
            (batch[other].article.id, stories[batch[other].article.id])
            for other in range(index)
            if among[index, other] >= _NEAR and texts[index].is_like(texts[other])
        ]
        for article, cosine in stored:
            # A member of the batch is about to be replaced: what is stored of it does not count.
            near = cosine >= _NEAR and all(article.id != each.article.id for each in batch)
            if near and texts[index].is_like(_Text.of(article.text)):
                alike.append((article.id, stories.get(article.id, article.story)))
        _join(batch[index].article.id, alike, stories, merged)
    for article_id, story in stories.items():
        while story in merged:
            story = merged[story]
        stories[article_id] = story
    return stories, merged


def _join(article_id: str, alike: Sequence[tuple[str, str]], stories: dict[str, str], merged: dict[str, str]) -> None:
    if not alike:
        return
    names = sorted({name for name in (stories[article_id], *(story for _, story in alike)) if name})
    story = names[0] if names else alike[0][0]
    stories[article_id] = story
    stories.update({other: story for other, _ in alike})
    merged.update({name: story for name in names[1:]})


@dataclass(frozen=True, slots=True)
class _Text:
    """What of a text is compared: its shingles and its numbers."""

    shingles: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def of(cls, text: str) -> _Text:
        letters = _SPACES.sub(" ", text.casefold())
        return cls(
            frozenset(letters[start : start + _SHINGLE] for start in range(len(letters) - _SHINGLE + 1)),
            frozenset(_NUMBER.findall(text)),
        )

    def is_like(self, other: _Text) -> bool:
        """Whether one is the other with small edits, or a shorter edition of it."""
        short, long = sorted((self.shingles, other.shingles), key=len)
        if len(short) < _SHORTEST * len(long) or not short:
            return False
        numbers, others = sorted((self.numbers, other.numbers), key=len)
        if len(numbers & others) < _COMMON_NUMBERS * len(numbers):
            return False
        return len(short & long) >= _COMMON * len(short)
