"""The sentences that answer: chosen within the retrieved passages by late interaction.

A sentence is scored by how well each token of the question is matched by its best token there (MaxSim: Khattab and
Zaharia 2020, "ColBERT", arXiv 2004.12832), over the embedding model's own token states, each language's mean state
taken out. The states come from reading the whole passage, so "he" stands near the person he is. Tokens count by their
information, and a badly matched one counts more than a well matched one: a sentence that never mentions grain does not
answer a question about grain. docs/evaluation.md compares it with the cosine of sentence vectors.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from rag.centring import LanguageMeans
from rag.embedding import Embedder, TokenStates, Vectors
from rag.language import primary
from rag.query import Query
from rag.states import NOTHING, TITLE, PackedStates, pack, products
from rag.store import Store
from rag.types import Article, Hit, Passage, Quote

# The share of the sentence's own tokens in its score; the rest is for the best match anywhere in title and passage. On
# XQuAD articles 1–24 hit@1 is the same from 0.5 to 0.85 in six language pairs.
_OWN_SHARE = 0.6

# How much the soft minimum over the question's tokens leans to the worst matched; 0 is the plain mean. On XQuAD
# articles 1–24, 2 and 4 lift hit@1 by 0.6 points over the mean, 6 lowers it.
_SHARPNESS = 4.0
_SHARPEST = 16.0

# At most three quotes, each within this much of the best. docs/evaluation.md has how many that gives, and how often one
# of them holds the gold answer.
_WITHIN = 0.06
_MOST = 3
# A question may ask for several things: a sentence goes before the others where it matches what the chosen ones do not,
# by this much of the whole question, and is not further than this from the best. docs/evaluation.md has what that gives
# for two questions asked as one.
_ADDED = 0.02
_ADDED_WITHIN = 0.2
# From another article only where its passage is matched nearly as well as the first's.
_ADDED_ELSEWHERE = 0.12

# What is left of the closeness of one language to itself after centring: questions answered equally well score this
# much higher within a language than across two. Fitted with the calibration.
SAME_LANGUAGE_BONUS = 0.07

# Two sentences this close answer equally well: the one in the question's language goes first.
_EQUAL = 0.02

# What ends a sentence in the scripts of the world, closing quotation marks and brackets included.
_FINAL = frozenset(".!?…。！？؟۔।॥։።།॥:;；：»”’\"')）」』】")
_LONGEST_HEADING = 100
# About 20 kB each at 100 tokens.
_KEPT_PASSAGES = 1000


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence, the passage it was found in, its score, comparable between languages, its ``Features``, and how well
    it matches each token of the question, shape (tokens,), by the token's share of the question.
    """

    quote: Quote
    hit: Hit
    score: float
    features: tuple[float, ...]
    matches: Vectors = field(compare=False)


class PassageReader:
    """Centred token states of passages: those kept with the collection, else computed, and kept for the next question.

    Threads may share one.
    """

    def __init__(self, store: Store, embedder: Embedder, means: LanguageMeans) -> None:
        self._store = store
        self._embedder = embedder
        self._means = means
        self._kept: OrderedDict[str, PackedStates] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, ids: Sequence[str]) -> list[PackedStates]:
        """The token states of each title and passage, unit length, less the mean state of its language.

        None are in those of a passage that is no longer there.
        """
        with self._lock:
            known = {passage_id: self._kept[passage_id] for passage_id in ids if passage_id in self._kept}
        known |= self._store.states([passage_id for passage_id in ids if passage_id not in known])
        new = [
            (article, passage)
            for passage, article in self._store.load(
                [passage_id for passage_id in ids if passage_id not in known]
            ).values()
        ]
        computed = read_passages(new, self._embedder, self._means)
        if new:
            states = {passage.id: states for (_, passage), (_, states) in zip(new, computed, strict=True)}
            self._store.keep_states(states)
            known |= states
        with self._lock:
            for passage_id in known:
                self._kept[passage_id] = known[passage_id]
                self._kept.move_to_end(passage_id)
            while len(self._kept) > _KEPT_PASSAGES:
                self._kept.popitem(last=False)
        return [known.get(passage_id, NOTHING) for passage_id in ids]


def read_passages(
    passages: Sequence[tuple[Article, Passage]], embedder: Embedder, means: LanguageMeans
) -> list[tuple[Vectors, PackedStates]]:
    """The centred unit vector of each passage under its title, shape (dimension,), and its centred token states."""
    texts = [passage.under(article.heading) for article, passage in passages]
    results = []
    for (article, passage), text, (vector, tokens) in zip(passages, texts, embedder.read_passages(texts), strict=True):
        language = primary(article.language)
        centred = TokenStates(
            means.centre_passage_tokens(tokens.states, language),
            tokens.spans - (len(text) - len(passage.text)),
            tokens.weights,
        )
        results.append((means.centre_passages(vector[None], [language])[0], pack(centred, passage)))
    return results


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """How a question's tokens are matched in passages: ``passages`` their scores, shape (n,), the mean of the best soft
    minimum of a sentence and of the plain mean over title and passage; ``features`` those of each sentence as
    ``Features`` names them, shape (sentences, 7), ``matches`` how well it matches each token by its share of the
    question, shape (sentences, tokens), ``owners`` and ``numbers`` whose and which it is.

    A sentence beyond what the model reads is not among them.
    """

    passages: Vectors
    features: Vectors
    matches: Vectors
    owners: NDArray[np.int64]
    numbers: NDArray[np.uint16]


class Features(IntEnum):
    """What is known of how a sentence matches a question, in cosines: the soft minimum over the question's tokens of
    the match in it and in its passage; the means of the match in it, in its passage, and of what the sentence before
    and the one behind it add; the logarithm of its tokens; and how well the worst matched tokens are in its passage.
    """

    SOFT = 0
    OWN = 1
    PASSAGE = 2
    BEFORE = 3
    BEHIND = 4
    LENGTH = 5
    WORST = 6


def interact(query: Query, passage_ids: Sequence[str], reader: PassageReader) -> Interactions:
    """Late interaction of a question with the passages."""
    packed = reader.read(passage_ids)
    counts = np.array([len(each.scales) for each in packed], dtype=np.int64)
    filled = np.flatnonzero(counts)
    passages = np.full(len(packed), -1.0, np.float32)
    if not len(filled) or not len(query.tokens.states):
        nothing = np.zeros((0, len(Features)), np.float32)
        return Interactions(passages, nothing, nothing, np.zeros(0, np.int64), np.zeros(0, np.uint16))
    cosines = products(query.tokens.states, [packed[index] for index in filled])
    tokens = np.concatenate([packed[index].sentences for index in filled])
    owner = np.repeat(np.arange(len(filled)), counts[filled])
    # Tokens of one sentence stand together; the title's come first.
    starts = np.concatenate([[0], np.flatnonzero((np.diff(tokens.astype(np.int64)) != 0) | (np.diff(owner) != 0)) + 1])
    own = np.maximum.reduceat(cosines, starts, axis=0)
    owners, numbers = owner[starts], tokens[starts]
    anywhere = np.maximum.reduceat(own, np.searchsorted(owners, np.arange(len(filled))), axis=0)
    weights = query.tokens.weights / query.tokens.weights.sum()
    means = anywhere @ weights
    text = np.flatnonzero(numbers != TITLE)
    lengths = np.diff(np.append(starts, len(tokens)))[text]
    own, owners, numbers = own[text], owners[text], numbers[text]
    features = np.empty((len(text), len(Features)), np.float32)
    features[:, Features.SOFT] = soft_minimum(_OWN_SHARE * own + (1 - _OWN_SHARE) * anywhere[owners], weights)
    features[:, Features.OWN] = own @ weights
    features[:, Features.PASSAGE] = means[owners]
    features[:, Features.BEFORE] = _added(own, np.roll(own, 1, axis=0), owners == np.roll(owners, 1)) @ weights
    features[:, Features.BEHIND] = _added(own, np.roll(own, -1, axis=0), owners == np.roll(owners, -1)) @ weights
    features[:, Features.LENGTH] = np.log(lengths)
    features[:, Features.WORST] = soft_minimum(anywhere, weights, _SHARPEST)[owners]
    best = np.full(len(filled), -1.0, np.float32)
    np.maximum.at(best, owners, features[:, Features.SOFT])
    passages[filled] = (best + means) / 2
    return Interactions(passages, features, own * weights, filled[owners], numbers)


def _added(own: Vectors, other: Vectors, beside: NDArray[np.bool_]) -> Vectors:
    """How much better each token of the question is matched in a sentence beside, shape (sentences, tokens)."""
    return np.asarray(np.maximum(other - own, 0) * beside[:, None])


def rank_evidence(query: Query, hits: Sequence[Hit], reader: PassageReader) -> list[Evidence]:
    """Every sentence of the hits, best first, each once; headings only where there is nothing else."""
    best: dict[tuple[str, int], Evidence] = {}
    headings: dict[tuple[str, int], Evidence] = {}
    found = interact(query, [hit.passage.id for hit in hits], reader)
    scores = found.features @ load_sentence_weights()
    rows = {(owner, number): row for row, (owner, number) in enumerate(zip(found.owners, found.numbers, strict=True))}
    unmatched = np.zeros(len(query.tokens.weights), np.float32)
    for place, hit in enumerate(hits):
        bonus = SAME_LANGUAGE_BONUS * (primary(query.language) == primary(hit.passage.language))
        for index in range(len(hit.passage.sentences)):
            row = rows.get((place, index))
            score = float(scores[row]) if row is not None else -1.0
            start, end = hit.passage.sentences[index]
            evidence = Evidence(
                Quote(hit.passage.sentence(index), start, end),
                hit,
                score - bonus,
                tuple(found.features[row].tolist()) if row is not None else (-1.0,) * len(Features),
                found.matches[row] if row is not None else unmatched,
            )
            kept = headings if _is_heading(hit, index) else best
            key = (hit.article.id, start)
            if key not in kept or evidence.score > kept[key].score:
                kept[key] = evidence
    return sorted((best or headings).values(), key=lambda evidence: -evidence.score)


def soft_minimum(values: Vectors, weights: Vectors, sharpness: float = _SHARPNESS) -> Vectors:
    """Means over the last axis that lean to the smallest values: −log(Σ wᵢ exp(−s·vᵢ) / Σ wᵢ) / s."""
    return np.asarray(-np.log(np.exp(-sharpness * values) @ weights / weights.sum()) / sharpness)


def choose_evidence(ranked: Sequence[Evidence], *, language: str) -> list[Evidence]:
    """One to three sentences of a ranking: the best, then those that match what it leaves open of the question, then
    those nearly as good that say it in other words.

    Among sentences that answer equally well one in the question's language goes first; a nearly equal one in another
    language comes before a third in the same.
    """
    if not ranked:
        return []
    spoken = primary(language)
    equal = [evidence for evidence in ranked if evidence.score > ranked[0].score - _EQUAL]
    first = next((evidence for evidence in equal if primary(evidence.hit.passage.language) == spoken), ranked[0])
    chosen = [first]
    near = [evidence for evidence in ranked if evidence.score > ranked[0].score - _WITHIN]
    corroborating = [e for e in near if primary(e.hit.passage.language) != primary(first.hit.passage.language)][:1]
    said = {_words(first.quote.text)}
    for evidence in [*_adding(first, ranked), *corroborating, *near]:
        if len(chosen) < _MOST and _words(evidence.quote.text) not in said:
            said.add(_words(evidence.quote.text))
            chosen.append(evidence)
    return [first, *sorted(chosen[1:], key=lambda evidence: -evidence.score)]


def _adding(first: Evidence, ranked: Sequence[Evidence]) -> Iterator[Evidence]:
    """Sentences that match what those before them do not, the one that adds most first."""
    others = [
        each
        for each in ranked
        if each is not first
        and each.score > ranked[0].score - _ADDED_WITHIN
        and (
            each.hit.article.id == first.hit.article.id
            or each.features[Features.PASSAGE] >= first.features[Features.PASSAGE] - _ADDED_ELSEWHERE
        )
    ]
    covered = first.matches
    while others:
        added = [float(np.maximum(each.matches - covered, 0).sum()) for each in others]
        most = int(np.argmax(added))
        if added[most] < _ADDED:
            return
        covered = np.maximum(covered, others[most].matches)
        yield others.pop(most)


@cache
def load_sentence_weights() -> Vectors:
    """The weight of each of the ``Features`` in a sentence's score, fitted by ``eval/bench/calibrate.py``."""
    table = json.loads((resources.files("rag") / "assets" / "calibration.json").read_text(encoding="utf-8"))
    return np.array([table["sentence"][name.name.lower()] for name in Features], np.float32)


def _words(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _is_heading(hit: Hit, index: int) -> bool:
    """Whether a sentence is a short paragraph of its own without a full stop, with text after it."""
    start, end = hit.passage.sentences[index]
    text = hit.article.text
    if end - start > _LONGEST_HEADING or text[end - 1] in _FINAL:
        return False
    alone_before = start == 0 or text[:start].rstrip(" \t").endswith("\n")
    after = text[end:].lstrip(" \t")
    return alone_before and after.startswith("\n\n")
