"""Fits ``rag/assets/confidence.json``: from the score of the best sentence to the probability of an answer.

Logistic regression on XQuAD articles 1–24, every pair of English, Arabic and Turkish: each question once over the whole
collection (answerable) and once with its article taken out (not answerable). Run:

    python -m eval.bench.calibrate --data FOLDER_WITH_xquad.LANG.json
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np

import rag
from eval.bench.xquad import measure
from rag.build import build_model
from rag.evidence import SAME_LANGUAGE_BONUS
from rag.settings import load

_LANGUAGES = ("en", "ar", "tr")
# Answering when the articles do not is worse than a refusal, but a reader who is refused too often goes away. See
# docs/evaluation.md for what other thresholds give.
_MIN_CONFIDENCE = 0.4


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
    options = parser.parse_args()
    pairs = list(product(_LANGUAGES, repeat=2))
    results = measure(options.data, pairs, half=1, model=build_model(load()))
    found, same = [], []
    for pair, asked in results.items():
        first, second = pair.split("-")
        found += [each.score for each in asked] + [each.score_without_article for each in asked]
        same += [float(first == second)] * (2 * len(asked))
    labels = np.concatenate([[1.0] * len(asked) + [0.0] * len(asked) for asked in results.values()])
    slope, remaining, intercept = fit_logistic(np.array([found, same]).T, labels)
    print(f"SAME_LANGUAGE_BONUS in rag/evidence.py should be {SAME_LANGUAGE_BONUS - remaining / slope:.3f}")
    slope, intercept = fit_logistic(np.array([found]).T, labels)
    table = {"slope": round(slope, 2), "intercept": round(intercept, 2), "min_confidence": _MIN_CONFIDENCE}
    (Path(rag.__file__).parent / "assets" / "confidence.json").write_text(json.dumps(table) + "\n")
    print(table)


if __name__ == "__main__":
    main()
