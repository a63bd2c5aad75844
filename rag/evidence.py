"""The sentences that answer: chosen within the retrieved passages by late interaction.

A sentence is scored by how well each token of the question is matched by its best token there (MaxSim: Khattab and
Zaharia 2020, "ColBERT", arXiv 2004.12832), over the embedding model's own token states, each language's mean state
taken out. The states come from reading the whole passage, so "he" stands near the person he is. Tokens count by their
information, and a badly matched one counts more than a well matched one: a sentence that never mentions grain does not
answer a question about grain. docs/evaluation.md compares it with the cosine of sentence vectors.
"""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from rag.centring import LanguageMeans
from rag.embedding import Embedder, TokenStates, Vectors
from rag.language import primary
from rag.query import Query
from rag.states import NOTHING, TITLE, PackedStates, pack, rotate
from rag.store import Store
from rag.types import Article, Hit, Passage, Quote

# The share of the sentence's own tokens in its score; the rest is for the best match anywhere in title and passage. On
# XQuAD articles 1–24 hit@1 is the same from 0.5 to 0.85 in six language pairs.
_OWN_SHARE = 0.6

# How much the soft minimum over the question's tokens leans to the worst matched; 0 is the plain mean. On XQuAD
# articles 1–24, 2 and 4 lift hit@1 by 0.6 points over the mean, 6 lowers it.
_SHARPNESS = 4.0

# At most three quotes, each within this much of the best. docs/evaluation.md has how many that gives, and how often one
# of them holds the gold answer.
_WITHIN = 0.06
_MOST = 3

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
    """A sentence, the passage it was found in and its score: mean best token cosine, comparable between languages."""

    quote: Quote
    hit: Hit
    score: float


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
    texts = [passage.under(article.title) for article, passage in passages]
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


@dataclass(frozen=True, slots=True)
class Interaction:
    """How a question's tokens are matched in a passage: ``sentences`` are the scores of its sentences by their number,
    ``passage`` the mean of the best of them and of the plain mean over title and passage.

    A sentence beyond what the model reads has no score.
    """

    sentences: Mapping[int, float]
    passage: float


def interact(query: Query, passage_ids: Sequence[str], reader: PassageReader) -> list[Interaction]:
    """Late interaction of a question with the passages."""
    question = query.tokens
    packed = reader.read(passage_ids)
    counts = [len(each.scales) for each in packed]
    results = [Interaction({}, -1.0) for _ in passage_ids]
    filled = [index for index, count in enumerate(counts) if count]
    if not filled or not len(question.states):
        return results
    cosines: Vectors = rotate(question.states) @ np.concatenate([packed[index].unpacked() for index in filled]).T
    starts = np.cumsum([0, *(counts[index] for index in filled)])
    anywhere: Vectors = np.maximum.reduceat(cosines, starts[:-1], axis=1)
    means = np.average(anywhere, axis=0, weights=question.weights)
    for place, index in enumerate(filled):
        sentences = packed[index].sentences
        # Tokens of one sentence stand together; the title's come first.
        bounds = np.concatenate([[0], np.flatnonzero(np.diff(sentences)) + 1])
        own: Vectors = np.maximum.reduceat(cosines[:, starts[place] : starts[place + 1]], bounds, axis=1)
        mixed = _OWN_SHARE * own + (1 - _OWN_SHARE) * anywhere[:, place, None]
        scores = dict(
            zip(
                sentences[bounds].tolist(),
                soft_minimum(mixed.astype(np.float32), question.weights).tolist(),
                strict=True,
            )
        )
        scores.pop(TITLE, None)
        results[index] = Interaction(scores, (max(scores.values(), default=-1.0) + float(means[place])) / 2)
    return results


def rank_evidence(query: Query, hits: Sequence[Hit], reader: PassageReader) -> list[Evidence]:
    """Every sentence of the hits, best first, each once; headings only where there is nothing else."""
    best: dict[tuple[str, int], Evidence] = {}
    headings: dict[tuple[str, int], Evidence] = {}
    for hit, interaction in zip(hits, interact(query, [hit.passage.id for hit in hits], reader), strict=True):
        bonus = SAME_LANGUAGE_BONUS * (primary(query.language) == primary(hit.passage.language))
        for index in range(len(hit.passage.sentences)):
            score = interaction.sentences.get(index, -1.0)
            start, end = hit.passage.sentences[index]
            found = Evidence(Quote(hit.passage.sentence(index), start, end), hit, score - bonus)
            kept = headings if _is_heading(hit, index) else best
            key = (hit.article.id, start)
            if key not in kept or found.score > kept[key].score:
                kept[key] = found
    return sorted((best or headings).values(), key=lambda evidence: -evidence.score)


def soft_minimum(values: Vectors, weights: Vectors) -> Vectors:
    """Means over the first axis that lean to the smallest values: −log(Σ wᵢ exp(−s·vᵢ) / Σ wᵢ) / s, s = _SHARPNESS."""
    return np.asarray(-np.log(np.average(np.exp(-_SHARPNESS * values), axis=0, weights=weights)) / _SHARPNESS)


def choose_evidence(ranked: Sequence[Evidence], *, language: str) -> list[Evidence]:
    """One to three sentences of a ranking: the best, then those nearly as good that say it in other words.

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
    for evidence in [*corroborating, *near]:
        if len(chosen) < _MOST and _words(evidence.quote.text) not in said:
            said.add(_words(evidence.quote.text))
            chosen.append(evidence)
    return [first, *sorted(chosen[1:], key=lambda evidence: -evidence.score)]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns a score into a probability: logistic regression fitted by ``eval/bench/calibrate.py``.

    The best of many wrong sentences scores higher than the best of few, so the size of the collection is a feature.
    """

    score: float
    log10_passages: float
    intercept: float
    min_confidence: float

    def confidence(self, score: float, passages: int) -> float:
        """The probability (0–1) that evidence with this best score, found among ``passages`` passages, answers."""
        logit = self.score * score + self.log10_passages * math.log10(max(passages, 1)) + self.intercept
        return 1 / (1 + math.exp(-logit))


@cache
def load_calibration() -> Calibration:
    """The calibration shipped with Isnad, fitted on XQuAD articles 1–24 in English, Arabic and Turkish."""
    table = json.loads((resources.files("rag") / "assets" / "confidence.json").read_text(encoding="utf-8"))
    return Calibration(**table)


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
