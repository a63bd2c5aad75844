"""Measures passages, evidence sentences and confidence on question sets in SQuAD's format, such as XQuAD.

One language's articles are the collection, in a real Chroma folder; another's questions are asked of it. Questions pair
by id, articles by their number in the file. A passage is right when it holds the gold answer's characters.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eval.bench.measures import first_true, recall, reciprocal_rank
from eval.bench.naive import NaivePipeline
from eval.bench.squad import SquadQuestion, SquadSet, find_squad
from eval.refusals import auroc, calibration_error, reliability
from ingest.index import Prepared, embed, split
from ingest.split import one_passage
from rag.assistant import Assistant
from rag.build import Model
from rag.confidence import load_calibration
from rag.errors import UsageError
from rag.evidence import choose_evidence
from rag.records import Embedded, article_version
from rag.retrieve import TOP_K
from rag.store import Store, open_store
from rag.types import Hit

# Enough that TOP_K are left when every passage of one article is taken out.
_WITH_SPARE = 80
_DEEPEST = 20

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one question found: ranks from 1, 0 for not found; and the confidence, also without the gold article and
    without its passages that hold the answer.
    """

    passage: int
    sentence: int
    quotes: int
    held: bool
    confidence: float
    without_article: float
    without_passages: float


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured. ``half`` restricts the questions to the first or second half of the articles, 0 to none.

    ``beside`` are languages whose articles stand in the collection too, but for the one asked about; ``paragraphs``
    says whether the set's own paragraphs are taken as passages as well, ``peer`` is a model for the naive pipeline.
    """

    data: Path
    questions: tuple[str, ...]
    articles: tuple[str, ...]
    half: int = 0
    beside: tuple[str, ...] = ()
    paragraphs: bool = True
    naive: bool = True
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Figures per system and pair ("en→ar"), and the reliability of the confidence, bins of (mean, share, count)."""

    figures: dict[str, dict[str, Figures]]
    reliability: list[tuple[float, float, int]]

    def to_dict(self) -> dict[str, object]:
        """As JSON; the averages over the pairs are under "average"."""
        return {
            "systems": {
                system: {**pairs, "average": averages(list(pairs.values()))} for system, pairs in self.figures.items()
            },
            "reliability": [
                {"confidence": mean, "answerable": share, "questions": count} for mean, share, count in self.reliability
            ],
        }


def measure(options: Options, model: Model) -> Report:
    """Everything that ``isnad bench retrieval`` prints. Raises UsageError when the data is missing or does not pair."""
    languages = dict.fromkeys((*options.questions, *options.articles, *options.beside))
    datasets = {language: find_squad(options.data, language) for language in languages}
    for asked in options.questions:
        for held in options.articles:
            _check_pair(datasets[asked], datasets[held])
    figures: dict[str, dict[str, Figures]] = {}
    all_asked: list[Asked] = []
    for held in options.articles:
        for name, paragraphs in (("Isnad", False), ("Isnad, paragraphs as passages", True))[: 1 + options.paragraphs]:
            for asked, results in _ask_pairs(held, datasets, model, options, paragraphs=paragraphs):
                figures.setdefault(name, {})[f"{asked}→{held}"] = _figures(results)
                if not paragraphs:
                    all_asked += results
        peers = {"naive, same model": model.embedder.source} if options.naive else {}
        peers |= {f"naive, {Path(options.peer).name}": options.peer} if options.peer else {}
        for name, source in peers.items():
            pipeline = NaivePipeline(source)
            pipeline.add(datasets[held].articles)
            for asked in options.questions:
                ranks = list(_naive_ranks(pipeline, datasets[asked], datasets[held], options.half))
                figures.setdefault(name, {})[f"{asked}→{held}"] = _passage_figures(ranks)
    found, gone = (np.array([getattr(each, name) for each in all_asked]) for name in ("confidence", "without_article"))
    return Report(figures, reliability(found, gone))


def half_of(dataset: SquadSet, half: int) -> set[str]:
    """The ids of the articles in the first or second half of the file; all for half 0."""
    middle = len(dataset.articles) // 2
    chosen = {0: dataset.articles, 1: dataset.articles[:middle], 2: dataset.articles[middle:]}[half]
    return {article.id for article in chosen}


def embed_all(dataset: SquadSet, model: Model, *, paragraphs: bool = False) -> list[Embedded]:
    """The articles of a dataset as ``isnad ingest`` splits and embeds them, or with their own paragraphs as passages.

    Their ids begin with the language.
    """
    prepared: list[Prepared] = []
    for article in dataset.articles:
        article = replace(article, id=f"{dataset.language}-{article.id}")
        if paragraphs:
            version = article_version(article)
            spans = dataset.paragraphs[article.id.partition("-")[2]]
            prepared.append(
                (article, version, [one_passage(article, version, index, *span) for index, span in enumerate(spans)])
            )
        else:
            prepared.append(split(article, article_version(article), model.embedder))
    return embed(prepared, model.embedder, model.means)


@contextmanager
def collection(model: Model) -> Iterator[Store]:
    """An empty collection in a folder that is removed afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(data_dir=Path(folder), chroma_url="", stamp=model.stamp, writing=True) as store,
    ):
        yield store


def _ask_pairs(
    held: str, datasets: Mapping[str, SquadSet], model: Model, options: Options, *, paragraphs: bool
) -> Iterator[tuple[str, list[Asked]]]:
    others = [language for language in options.beside if language != held]
    with ExitStack() as opened:
        store = opened.enter_context(collection(model))
        store.put(embed_all(datasets[held], model, paragraphs=paragraphs))
        beside = {
            each.article.id: each
            for language in others
            for each in embed_all(datasets[language], model, paragraphs=paragraphs)
        }
        store.put(list(beside.values()))
        assistant = Assistant(store, model.embedder, model.means)
        gold = {question.id: question for question in datasets[held].questions}
        results: dict[str, list[Asked]] = {asked: [] for asked in options.questions}
        for article in sorted(half_of(datasets[held], options.half)):
            twins = [beside[f"{language}-{article}"] for language in others]
            store.delete([each.article.id for each in twins])
            for asked in options.questions:
                for question in datasets[asked].questions:
                    if question.article_id == article:
                        results[asked].append(_ask(assistant, store, question.text, asked, held, gold[question.id]))
            store.put(twins)
        for asked in options.questions:
            print(f"{asked}→{held}{' (paragraphs)' if paragraphs else ''}: {len(results[asked])}", file=sys.stderr)
    yield from results.items()


def _ask(assistant: Assistant, store: Store, question: str, asked: str, held: str, gold: SquadQuestion) -> Asked:
    article = f"{held}-{gold.article_id}"

    def holds(start: int, end: int, article_id: str) -> bool:
        return article_id == article and start <= gold.start and gold.end <= end

    query = assistant.read(question, asked)
    hits = assistant.retrieve(query, k=_WITH_SPARE)
    other_articles = [hit for hit in hits if hit.article.id != article]
    other_passages = [hit for hit in hits if not touches(hit, article, gold)]
    evidence, without_article, without_passages = (
        assistant.rank(query, left[:TOP_K]) for left in (hits, other_articles, other_passages)
    )
    chosen = choose_evidence(evidence, language=asked)
    passages = store.size()[1]
    return Asked(
        passage=first_true([holds(hit.passage.start, hit.passage.end, hit.article.id) for hit in hits]),
        sentence=first_true([holds(each.quote.start, each.quote.end, each.hit.article.id) for each in evidence]),
        quotes=len(chosen),
        held=any(holds(each.quote.start, each.quote.end, each.hit.article.id) for each in chosen),
        confidence=assistant.confidence(query, evidence, passages=passages),
        without_article=assistant.confidence(query, without_article, passages=passages),
        without_passages=assistant.confidence(query, without_passages, passages=passages),
    )


def touches(hit: Hit, article: str, gold: SquadQuestion) -> bool:
    """Whether a hit holds any of the gold answer, which is in the article of that id."""
    return hit.article.id == article and hit.passage.start < gold.end and gold.start < hit.passage.end


def _naive_ranks(pipeline: NaivePipeline, asked: SquadSet, held: SquadSet, half: int) -> Iterator[int]:
    gold = {question.id: question for question in held.questions}
    for question in asked.questions:
        right = gold[question.id]
        if right.article_id in half_of(held, half):
            found = pipeline.search(question.text, k=_DEEPEST)
            yield first_true(
                [each == right.article_id and start <= right.start and right.end <= end for each, start, end in found]
            )


def _check_pair(asked: SquadSet, held: SquadSet) -> None:
    if missing := {question.id for question in asked.questions} - {question.id for question in held.questions}:
        raise UsageError(
            f"The questions in {asked.language!r} and {held.language!r} do not pair: {len(missing)} ids of the first, "
            f"such as {min(missing)!r}, are not in the second. Give files that translate each other, or one language."
        )


def _passage_figures(ranks: Sequence[int]) -> Figures:
    return {
        "questions": len(ranks),
        "R@1": recall(ranks, 1),
        "R@5": recall(ranks, 5),
        "R@20": recall(ranks, _DEEPEST),
        "MRR@10": reciprocal_rank(ranks, 10),
    }


def _figures(asked: Sequence[Asked]) -> Figures:
    found, article, passages = (
        np.array([getattr(each, name) for each in asked])
        for name in ("confidence", "without_article", "without_passages")
    )
    sentences = [each.sentence for each in asked]
    threshold = load_calibration().min_confidence
    return {
        **_passage_figures([each.passage for each in asked]),
        "sentence hit@1": recall(sentences, 1),
        "sentence hit@3": recall(sentences, 3),
        "quotes hold it": float(np.mean([each.held for each in asked])),
        "quotes": float(np.mean([each.quotes for each in asked])),
        "AUROC article": auroc(found, article),
        "ECE article": calibration_error(found, article),
        "AUROC passage": auroc(found, passages),
        "ECE passage": calibration_error(found, passages),
        # As often answerable as not, both ways of missing alike: what the confidence is fitted to.
        "ECE": calibration_error(np.tile(found, 2), np.concatenate([article, passages])),
        "refused": float(np.mean(found < threshold)),
        "answered without article": float(np.mean(article >= threshold)),
    }


def averages(rows: Sequence[Figures]) -> Figures:
    """The mean of each figure over the pairs; of "questions" the sum."""
    return {name: sum(row[name] for row in rows) / (1 if name == "questions" else len(rows)) for name in rows[0]}


def markdown(report: Report) -> str:
    """A table a system, and the reliability diagram as one more."""
    lines: list[str] = []
    for system, pairs in report.figures.items():
        names = list(next(iter(pairs.values())))
        lines += [f"### {system}", "| pair | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for pair, row in {**pairs, "average": averages(list(pairs.values()))}.items():
            lines.append(f"| {pair} | " + " | ".join(_number(name, row[name]) for name in names) + " |")
        lines.append("")
    lines += ["### Reliability: questions with their article and without it", "```"]
    for mean, share, count in report.reliability:
        bar = "".join("█" if (tenth + 0.5) / 40 < share else " " for tenth in range(40))
        marked = bar[: round(mean * 40)] + "│" + bar[round(mean * 40) :]
        lines.append(f"confidence {mean:.2f}  answerable {share:.2f}  {marked} {count}")
    return "\n".join([*lines, "```", "A bar ends at the share that is answerable; │ is where it should end."])


def _number(name: str, value: float) -> str:
    return f"{value:.0f}" if name == "questions" else f"{value:.3f}"
