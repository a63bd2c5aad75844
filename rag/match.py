"""How well the meaning of a sentence is found in passages: late interaction, as in ``rag/evidence.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rag.embedding import TokenStates, Vectors
from rag.evidence import soft_minimum
from rag.states import TITLE, PackedStates, rotate

_SHARPNESS = 4.0
_SHARPEST = 16.0
# A pair of sentences must match this much better than the better one alone to be what the sentence was made of.
_PAIR = 0.01


class Meaning(IntEnum):
    """What is known of how a sentence is matched, in cosines: over its tokens, each by its information, the mean of the
    best match in one sentence, in two neighbours, in their passage and in all passages; the same leaning to the worst
    matched; the cosine of the mean states; how much of those sentences the sentence has; and their lengths.
    """

    OWN = 0
    SOFT = 1
    PAIR = 2
    PAIR_SOFT = 3
    PASSAGE = 4
    PASSAGE_WORST = 5
    ANYWHERE = 6
    ANYWHERE_WORST = 7
    COSINE = 8
    REVERSE = 9
    LENGTH = 10
    TOKENS = 11


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Passages' token states in floats, shape (tokens, dimension), with each token's passage and sentence; ``rows`` are
    the sentences, (passage, number) each, and ``row`` is each token's, −1 for those of titles.
    """

    states: Vectors
    owners: NDArray[np.int64]
    rows: tuple[tuple[int, int], ...]
    row: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """The sentences that match best, (passage, number) each, best first with their scores; ``window`` is the one or two
    neighbours that carry the sentence; its ``Meaning``; and how well each of its tokens is matched there and anywhere.
    """

    ranked: tuple[tuple[tuple[int, int], float], ...]
    window: tuple[tuple[int, int], ...]
    features: Vectors
    in_window: Vectors
    anywhere: Vectors


def hold(packed: Sequence[PackedStates]) -> Held:
    """The states of passages, ready to be compared with sentences."""
    filled = [each for each in packed if len(each.scales)]
    owners = np.concatenate(
        [np.full(len(each.scales), place, np.int64) for place, each in enumerate(packed)] or [np.zeros(0, np.int64)]
    )
    if not filled:
        return Held(np.zeros((0, 0), np.float32), owners, (), np.zeros(0, np.int64))
    codes = np.concatenate([each.codes for each in filled])
    states = np.empty((len(codes), codes.shape[1] * 2), np.float32)
    states[:, ::2], states[:, 1::2] = codes >> 4, codes & 15
    scales = np.concatenate([each.scales for each in filled]).astype(np.float32)
    states = np.asarray((states - 7.5) * scales[:, None], dtype=np.float32)
    numbers = np.concatenate([each.sentences for each in filled]).astype(np.int64)
    pairs = sorted({(int(o), int(n)) for o, n in zip(owners, numbers, strict=True) if n != TITLE})
    index = {pair: row for row, pair in enumerate(pairs)}
    row = np.array([index.get((int(o), int(n)), -1) for o, n in zip(owners, numbers, strict=True)], np.int64)
    return Held(states, owners, tuple(pairs), row)


def match(tokens: TokenStates, held: Held) -> Match | None:
    """The best match of a sentence, its states centred, in passages; None where either has no tokens."""
    if not len(tokens.states) or not held.rows:
        return None
    states = rotate(tokens.states)
    cosines = held.states @ states.T
    weights = tokens.weights / tokens.weights.sum()
    own = np.full((len(held.rows), len(states)), -1.0, np.float32)
    for row in range(len(held.rows)):
        own[row] = cosines[held.row == row].max(axis=0)
    passages = {owner: cosines[held.owners == owner].max(axis=0) for owner in {owner for owner, _ in held.rows}}
    titles = {
        owner: cosines[title].max(axis=0)
        for owner in passages
        if (title := (held.owners == owner) & (held.row == -1)).any()
    }
    # What the title names need not be named again.
    own = np.stack(
        [
            np.maximum(own[row], titles[owner]) if owner in titles else own[row]
            for row, (owner, _) in enumerate(held.rows)
        ]
    )
    scores = _score(own, weights)
    order = np.argsort(-scores)
    best = int(order[0])
    window = _window(best, own, weights, held)
    ranked = tuple((held.rows[int(row)], float(scores[row])) for row in order)
    owner = held.rows[best][0]
    in_window = own[list(window)].max(axis=0)
    anywhere = np.stack(list(passages.values())).max(axis=0)
    text = np.isin(held.row, window)
    features = np.zeros(len(Meaning), np.float32)
    features[Meaning.OWN], features[Meaning.SOFT] = own[best] @ weights, soft_minimum(own[best], weights, _SHARPNESS)
    features[Meaning.PAIR] = in_window @ weights
    features[Meaning.PAIR_SOFT] = soft_minimum(in_window, weights, _SHARPNESS)
    features[Meaning.PASSAGE] = passages[owner] @ weights
    features[Meaning.PASSAGE_WORST] = soft_minimum(passages[owner], weights, _SHARPEST)
    features[Meaning.ANYWHERE] = anywhere @ weights
    features[Meaning.ANYWHERE_WORST] = soft_minimum(anywhere, weights, _SHARPEST)
    features[Meaning.COSINE] = _cosine(held.states[text].mean(axis=0), weights @ states)
    features[Meaning.REVERSE] = cosines[text].max(axis=1).mean()
    features[Meaning.LENGTH] = np.log(text.sum() / len(states))
    features[Meaning.TOKENS] = np.log(len(states))
    return Match(ranked, tuple(held.rows[row] for row in window), features, in_window, anywhere)


def _score(own: Vectors, weights: Vectors) -> Vectors:
    return np.asarray((own @ weights + soft_minimum(own, weights, _SHARPNESS)) / 2)


def _window(best: int, own: Vectors, weights: Vectors, held: Held) -> tuple[int, ...]:
    """The best sentence, with a neighbour where the two match clearly better."""
    alone = float(_score(own[best], weights))
    found: tuple[int, ...] = (best,)
    for beside in (best - 1, best + 1):
        if 0 <= beside < len(held.rows) and held.rows[beside][0] == held.rows[best][0]:
            both = float(_score(np.maximum(own[best], own[beside]), weights))
            if both > alone + _PAIR:
                found, alone = tuple(sorted((best, beside))), both
    return found


def _cosine(one: Vectors, other: Vectors) -> float:
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-9))
