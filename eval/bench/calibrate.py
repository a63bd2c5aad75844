"""Fits ``rag/assets/confidence.json``: from the score of the best sentence to the probability that it answers.

Logistic regression on XQuAD articles 1–24 as questions, every pair of English, Arabic and Turkish, in collections of 1,
3, 12 and 48 articles: each question once with its article among them (answerable) and once without. The best of many
wrong sentences scores higher than the best of few, so the number of passages is a feature. Run:

    python -m eval.bench.calibrate --data FOLDER_WITH_xquad.LANG.json
"""

from __future__ import annotations

import argparse
import json
import math
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import rag
from eval.bench.xquad import fill, half_of
from eval.dataset import Dataset, read_squad
from rag.assistant import Assistant
from rag.build import build_model
from rag.evidence import SAME_LANGUAGE_BONUS
from rag.retrieve import TOP_K
from rag.settings import load
from rag.store import open_store

_LANGUAGES = ("en", "ar", "tr")
_SIZES = (1, 3, 12, 48)
# Every fourth question: 158 a pair give the coefficients to within a few per cent.
_EVERY = 4
# Answering when the articles do not is worse than a refusal, but a reader who is refused too often goes away.
# docs/evaluation.md has what this threshold gives.
_MIN_CONFIDENCE = 0.3


def observations(
    assistant: Assistant, asked: Dataset, held: Dataset, *, passages: int
) -> Iterator[tuple[bool, float, bool, float]]:
    """(answerable, best score, same language, log10 of passages) of each question in collections of each size."""
    draw = random.Random(0)  # noqa: S311  # which articles stand beside the right one; nothing secret
    articles = [article.id for article in held.articles]
    half = half_of(asked, 1)
    for question in [question for question in asked.questions if question.article_id in half][::_EVERY]:
        query = assistant.read(question.text, asked.language)
        hits = assistant.retrieve(query, k=passages)
        others = [article for article in articles if article != question.article_id]
        for size in _SIZES:
            for answerable in (True, False):
                chosen = set(draw.sample(others, min(size, len(articles) - 1) - answerable))
                chosen |= {question.article_id} if answerable else set()
                left = [hit for hit in hits if hit.article.id in chosen]
                best = assistant.rank(query, left[:TOP_K])[0]
                yield answerable, best.score, asked.language == held.language, math.log10(len(left))


def fit_logistic(features: np.ndarray, labels: np.ndarray) -> list[float]:
    """The coefficients and, last, the intercept of a logistic regression on (n, k) features, by Newton's method."""
    design = np.column_stack([features, np.ones(len(features))])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        expected = 1 / (1 + np.exp(-design @ weights))
        curvature = design.T @ (design * (expected * (1 - expected))[:, None])
        weights += np.linalg.solve(curvature, design.T @ (labels - expected))
    return [float(weight) for weight in weights]


def main() -> None:
    """Writes the file anew and prints what it holds."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.calibrate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    model = build_model(load())
    sets = {language: read_squad(data / f"xquad.{language}.json", language=language) for language in _LANGUAGES}
    rows: list[tuple[bool, float, bool, float]] = []
    for held in sets.values():
        with (
            tempfile.TemporaryDirectory() as folder,
            open_store(data_dir=Path(folder), chroma_url="", stamp=model.stamp, writing=True) as store,
        ):
            fill(store, held, model)
            assistant = Assistant(store, model.embedder, model.means)
            for asked in sets.values():
                rows += observations(assistant, asked, held, passages=store.count_passages())
    answerable, score, same, log10_passages = np.array(rows, dtype=float).T
    slope, bonus, _, _ = fit_logistic(np.column_stack([score, same, log10_passages]), answerable)
    print(f"SAME_LANGUAGE_BONUS in rag/evidence.py should be {SAME_LANGUAGE_BONUS - bonus / slope:.3f}")
    slope, by_size, intercept = fit_logistic(np.column_stack([score, log10_passages]), answerable)
    table = {
        "score": round(slope, 2),
        "log10_passages": round(by_size, 2),
        "intercept": round(intercept, 2),
        "min_confidence": _MIN_CONFIDENCE,
    }
    (Path(rag.__file__).parent / "assets" / "confidence.json").write_text(json.dumps(table) + "\n")
    print(table)


if __name__ == "__main__":
    main()
