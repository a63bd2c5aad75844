"""Fits ``rag/assets/calibration.json``: how evidence sentences are ranked, and how likely the best one is right.

Both on XQuAD articles 1–24 as questions, every pair of English, Arabic and Turkish. First the weights of the features
of a sentence, by logistic regression over all sentences of the first sixteen passages (a softmax). Then the confidence,
in collections of 1, 3, 12 and 48 articles: each question once with its article among them, once without it and once
without the passages that hold the answer. Run:

    python -m eval.bench.calibrate --data FOLDER_WITH_xquad.LANG.json
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

import rag
from eval.bench.retrieval import collection, embed_all, half_of, touches
from eval.bench.squad import SquadQuestion, SquadSet, find_squad
from rag.assistant import Assistant
from rag.build import build_model
from rag.confidence import describe
from rag.evidence import SAME_LANGUAGE_BONUS, Evidence, Features, load_sentence_weights
from rag.query import Query
from rag.retrieve import TOP_K
from rag.settings import load
from rag.types import Hit

_LANGUAGES = ("en", "ar", "tr")
_SIZES = (1, 3, 12, 48)
# Every third question for the sentences, every fifth for the confidence, of which each gives twelve observations: they
# give the coefficients to within a few per cent.
_EVERY, _EVERY_CONFIDENCE = 3, 5
# How much the weights of the confidence are drawn to each other and to 0, see ``fit_logistic``.
_RIDGE = 100.0
# A better match never counts against an answer. Left free, the cosine and the passage get weights below 0 that gain
# 0.0005 of AUROC on XQuAD; of 32 questions about nothing in the sample articles 0.28 were then answered, so 0.19 are.
_NEVER_AGAINST = ("score", "own", "passage", "worst", "dense", "lead", "lead over other articles", "spread")
# Answering when the articles do not is worse than a refusal, but a reader who is refused too often goes away.
# docs/evaluation.md has what this threshold gives.
_MIN_CONFIDENCE = 0.32
_TABLE = Path(rag.__file__).parent / "assets" / "calibration.json"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with all passages of the collection, best first, and where its answer is."""

    assistant: Assistant
    query: Query
    hits: list[Hit]
    gold: SquadQuestion
    article: str


def main() -> None:
    """Writes the file anew and prints what it holds."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.calibrate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    sets = {language: find_squad(data, language) for language in _LANGUAGES}
    table = json.loads(_TABLE.read_text(encoding="utf-8"))
    rankings = [ranking for asked in _ask_all(sets, _EVERY) if (ranking := _sentences(asked))]
    weights = _fit_softmax(rankings)
    # Divided so that a score is a cosine again, as it is for one with nothing beside it.
    whole = sum(weights[name] for name in (Features.SOFT, Features.OWN, Features.PASSAGE))
    table["sentence"] = {name.name.lower(): round(float(weights[name] / whole), 4) for name in Features}
    _write(table)
    load_sentence_weights.cache_clear()

    rows = [row for asked in _ask_all(sets, _EVERY_CONFIDENCE) for row in _observations(asked)]
    names = list(rows[0][1])
    features = np.array([[row[name] for name in names] for _, row, _ in rows])
    answerable = np.array([right for right, _, _ in rows], dtype=float)
    weights = np.array([weight for _, _, weight in rows])
    least = [0.0 if name in _NEVER_AGAINST else None for name in names]
    *found, intercept = fit_logistic(features, answerable, weights, least=least, ridge=_RIDGE)
    fitted = dict(zip(names, found, strict=True))
    print(
        "SAME_LANGUAGE_BONUS in rag/evidence.py should be "
        f"{SAME_LANGUAGE_BONUS - fitted['same language'] / (fitted['score'] + fitted['own'] + fitted['passage']):.3f}"
    )
    table |= {
        "confidence": {name: round(weight, 3) for name, weight in fitted.items()},
        "intercept": round(intercept, 3),
        "min_confidence": _MIN_CONFIDENCE,
    }
    _write(table)
    print(json.dumps(table, indent=1))


def _write(table: dict[str, object]) -> None:
    _TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _ask_all(sets: dict[str, SquadSet], every: int) -> Iterator[_Asked]:
    model = build_model(load())
    for held in sets.values():
        gold = {question.id: question for question in held.questions}
        with collection(model) as store:
            store.put(embed_all(held, model))
            assistant = Assistant(store, model.embedder, model.means)
            for asked in sets.values():
                half = half_of(asked, 1)
                for question in [each for each in asked.questions if each.article_id in half][::every]:
                    query = assistant.read(question.text, asked.language)
                    hits = assistant.retrieve(query, k=store.size()[1])
                    right = gold[question.id]
                    yield _Asked(assistant, query, hits, right, f"{held.language}-{right.article_id}")


def _holds(evidence: Evidence, asked: _Asked) -> bool:
    quote = evidence.quote
    return evidence.hit.article.id == asked.article and quote.start <= asked.gold.start and asked.gold.end <= quote.end


def _sentences(asked: _Asked) -> tuple[Floats, NDArray[np.bool_]] | None:
    """The features of every sentence of the first passages, and which hold the answer; None where none does."""
    ranked = asked.assistant.rank(asked.query, asked.hits[:TOP_K])
    right = np.array([_holds(evidence, asked) for evidence in ranked])
    return (np.array([evidence.features for evidence in ranked]), right) if right.any() else None


def _fit_softmax(rankings: list[tuple[Floats, NDArray[np.bool_]]]) -> Floats:
    """The weights under which the right sentences of each ranking have the largest share of its softmax."""
    weights = torch.zeros(len(Features), dtype=torch.float64, requires_grad=True)
    data = [(torch.from_numpy(features), torch.from_numpy(right)) for features, right in rankings]
    optimizer = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        total = 1e-5 * (weights**2).sum()
        for features, right in data:
            scores = features @ weights
            total = total + (torch.logsumexp(scores, 0) - torch.logsumexp(scores[right], 0)) / len(data)
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return np.asarray(weights.detach().numpy())


def _observations(asked: _Asked) -> Iterator[tuple[bool, dict[str, float], float]]:
    """(answerable, features, weight) in collections of each size; both ways of missing weigh half."""
    draw = random.Random(asked.gold.id)  # noqa: S311  # which articles stand beside the right one; nothing secret
    articles = sorted({hit.article.id for hit in asked.hits} - {asked.article})
    for size in _SIZES:
        beside = set(draw.sample(articles, min(size, len(articles))))
        whole = {asked.article, *sorted(beside)[: size - 1]}
        for answerable, weight, chosen in (
            (True, 1.0, [hit for hit in asked.hits if hit.article.id in whole]),
            (False, 0.5, [hit for hit in asked.hits if hit.article.id in beside]),
            (
                False,
                0.5,
                [h for h in asked.hits if h.article.id in whole and not touches(h, asked.article, asked.gold)],
            ),
        ):
            ranked = asked.assistant.rank(asked.query, chosen[:TOP_K])
            if ranked:
                yield answerable, describe(ranked[0], asked.query, ranked, passages=len(chosen)), weight


def fit_logistic(
    features: Floats, labels: Floats, weights: Floats, *, least: Sequence[float | None] = (), ridge: float = 1.0
) -> list[float]:
    """The coefficients and, last, the intercept of a logistic regression on (n, k) features, each at ``least`` so much.

    The ridge, on the standardised features, shares the weight among those that say nearly the same.
    """
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    design = np.column_stack([(features - mean) / scale, np.ones(len(features))])

    def loss(fitted: Floats) -> tuple[float, Floats]:
        logits = design @ fitted
        gradient = design.T @ (weights * (1 / (1 + np.exp(-logits)) - labels))
        gradient[:-1] += ridge * fitted[:-1]
        wrong = np.logaddexp(0, np.where(labels > 0, -logits, logits))
        return float((weights * wrong).sum() + ridge / 2 * (fitted[:-1] ** 2).sum()), gradient

    bounds = [*((low, None) for low in least or [None] * features.shape[1]), (None, None)]
    found = minimize(loss, np.zeros(design.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x
    coefficients = found[:-1] / scale
    return [float(weight) for weight in (*coefficients, found[-1] - coefficients @ mean)]


if __name__ == "__main__":
    main()
