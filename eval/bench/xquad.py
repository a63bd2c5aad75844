"""Measures passages, quotes and refusals on SQuAD-format files in several languages, such as XQuAD.

One language's articles are the collection, in a real Chroma folder; another's questions are asked of it. Questions and
articles pair by question id and article number. Run:

    python -m eval.bench.xquad --data FOLDER_WITH_xquad.LANG.json --pairs en-en,en-ar --half 2
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.dataset import Dataset, Question, read_squad
from ingest.index import ingest_articles
from rag.assistant import Assistant
from rag.build import Model, build_model
from rag.evidence import choose_evidence, load_calibration
from rag.retrieve import TOP_K
from rag.settings import load
from rag.store import Store, open_store
from rag.types import Hit

# Enough that TOP_K are left when every passage of one article is taken out.
_WITH_SPARE = 80


@dataclass(frozen=True, slots=True)
class Asked:
    """What one question found, and the confidence that is left without the gold article or its passages."""

    passage_rank: int
    evidence_rank: int
    quotes: int
    held: bool
    confidence: float
    without_article: float
    without_passages: float


def half_of(dataset: Dataset, half: int) -> set[str]:
    """The ids of the articles in the first or second half of the file; all for half 0."""
    middle = len(dataset.articles) // 2
    chosen = {0: dataset.articles, 1: dataset.articles[:middle], 2: dataset.articles[middle:]}[half]
    return {article.id for article in chosen}


def fill(store: Store, dataset: Dataset, model: Model) -> None:
    """Puts the dataset's articles into an empty collection, through the same code as ``isnad ingest``."""
    ingest_articles(dataset.articles, store, model.embedder, model.means)


def ask_all(
    assistant: Assistant, asked: Dataset, held: Dataset, *, articles: set[str], passages: int
) -> Iterator[Asked]:
    """What each question of ``asked`` on the given articles finds, its gold answer taken from ``held``."""
    gold = {question.id: question for question in held.questions}
    for question in asked.questions:
        if question.article_id in articles:
            yield _ask(assistant, question.text, gold[question.id], asked.language, passages=passages)


def _ask(assistant: Assistant, question: str, gold: Question, language: str, *, passages: int) -> Asked:
    def holds(start: int, end: int, article_id: str) -> bool:
        return article_id == gold.article_id and start <= gold.start and gold.end <= end

    query = assistant.read(question, language)
    hits = assistant.retrieve(query, k=_WITH_SPARE)
    other_articles = [hit for hit in hits if hit.article.id != gold.article_id]
    other_passages = [hit for hit in hits if not _touches(hit, gold)]
    evidence, without_article, without_passages = (
        assistant.rank(query, left[:TOP_K]) for left in (hits, other_articles, other_passages)
    )
    right = [holds(each.quote.start, each.quote.end, each.hit.article.id) for each in evidence]
    chosen = choose_evidence(evidence, language=language)
    return Asked(
        passage_rank=_rank([holds(hit.passage.start, hit.passage.end, hit.article.id) for hit in hits]),
        evidence_rank=_rank(right),
        quotes=len(chosen),
        held=any(holds(each.quote.start, each.quote.end, each.hit.article.id) for each in chosen),
        confidence=assistant.confidence(query, evidence, passages=passages),
        without_article=assistant.confidence(query, without_article, passages=passages),
        without_passages=assistant.confidence(query, without_passages, passages=passages),
    )


def _touches(hit: Hit, gold: Question) -> bool:
    return hit.article.id == gold.article_id and hit.passage.start < gold.end and gold.start < hit.passage.end


def _rank(right: Sequence[bool]) -> int:
    """The place of the first True, from 1, or 0."""
    return right.index(True) + 1 if True in right else 0


def auroc(positive: np.ndarray, negative: np.ndarray) -> float:
    """The area under the ROC curve: how often a positive scores above a negative, ties as half (Hanley 1982)."""
    order = np.sort(negative)
    below = np.searchsorted(order, positive, side="left") + np.searchsorted(order, positive, side="right")
    return float(below.mean() / (2 * len(negative)))


def figures(asked: Sequence[Asked]) -> dict[str, float]:
    """The measures of one language pair; shares are 0–1."""
    found = np.array([each.confidence for each in asked])
    gone = np.array([each.without_article for each in asked])
    near = np.array([each.without_passages for each in asked])
    answered = found >= load_calibration().min_confidence
    false = gone >= load_calibration().min_confidence
    held = np.array([each.held for each in asked])
    return {
        "questions": len(asked),
        "passage_r@1": float(np.mean([each.passage_rank == 1 for each in asked])),
        "passage_r@5": float(np.mean([0 < each.passage_rank <= 5 for each in asked])),
        "sentence_hit@1": float(np.mean([each.evidence_rank == 1 for each in asked])),
        "quotes_hold_gold": float(held.mean()),
        "answered_and_held": float((held & answered).mean()),
        "quotes": float(np.mean([each.quotes for each in asked])),
        "refused": float(1 - answered.mean()),
        "answered_without_article": float(false.mean()),
        "auroc_article": auroc(found, gone),
        "auroc_passage": auroc(found, near),
    }


def measure(data: Path, pairs: Sequence[tuple[str, str]], *, half: int, model: Model) -> dict[str, list[Asked]]:
    """What every question found, per "question language-article language"."""
    results: dict[str, list[Asked]] = {}
    datasets = {code: read_squad(data / f"xquad.{code}.json", language=code) for pair in pairs for code in pair}
    for held in dict.fromkeys(second for _, second in pairs):
        with (
            tempfile.TemporaryDirectory() as folder,
            open_store(data_dir=Path(folder), chroma_url="", stamp=model.stamp, writing=True) as store,
        ):
            fill(store, datasets[held], model)
            assistant = Assistant(store, model.embedder, model.means)
            for asked in (first for first, second in pairs if second == held):
                articles = half_of(datasets[asked], half)
                results[f"{asked}-{held}"] = list(
                    ask_all(
                        assistant, datasets[asked], datasets[held], articles=articles, passages=store.count_passages()
                    )
                )
                print(f"{asked}-{held} done", file=sys.stderr)
    return results


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one Markdown row a pair, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.xquad", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with xquad.LANG.json files")
    parser.add_argument("--pairs", default="en-en,ar-ar,en-ar,ar-en,tr-ar,en-zh", help="question-article languages")
    parser.add_argument("--half", type=int, choices=(0, 1, 2), default=2, help="articles asked about: half 1, 2 or all")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    pairs = [(pair.split("-")[0], pair.split("-")[1]) for pair in options.pairs.split(",")]
    results = measure(options.data, pairs, half=options.half, model=build_model(load()))
    table = {pair: figures(asked) for pair, asked in results.items()}
    if options.json:
        print(json.dumps(table, indent=1))
        return
    names = list(next(iter(table.values())))
    print("| pair | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for pair, row in table.items():
        print(f"| {pair} | " + " | ".join(f"{row[name]:.3f}".removesuffix(".000") for name in names) + " |")


if __name__ == "__main__":
    main()
