"""Articles into the collection: split, embedded, centred, linked, stored; what has not changed is left alone.

Files are read in another process, split in a thread and embedded in a second one, while those before are being written.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np

from ingest.ahead import ahead
from ingest.catalog import Catalog, Outcome, Plan, heir_article
from ingest.read import Reading
from ingest.split import PASSAGE_TOKENS, split_passages
from ingest.story import link
from rag.centring import LanguageMeans
from rag.chroma import ModelStamp
from rag.embedding import Embedder
from rag.evidence import read_passages
from rag.records import Embedded, article_version
from rag.store import Store
from rag.types import Article, Passage

log = logging.getLogger(__name__)

# Passages that are embedded and written together: enough to sort them by length into even batches and to write few
# times, and few enough (some 4 seconds' work) that a run that is killed loses little. The first are fewer, so that the
# embedding, which takes longest, begins at once.
_WINDOW = 128
_FIRST_WINDOW = 32
# … or articles, or seconds since the first of them, so that what needs no embedding is reported as it goes.
_WINDOW_ARTICLES = 500
_WINDOW_SECONDS = 2.0
# Windows that wait, ready to be embedded, and embedded ones.
_SPLIT_AHEAD, _EMBEDDED_AHEAD = 2, 1


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one file or article: ``reason`` when it failed, ``notes`` when there is something to say.

    ``position`` is how many bytes of its file are read.
    """

    source: str
    outcome: Outcome
    id: str = ""
    title: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    position: int = 0


Prepared = tuple[Article, str, list[Passage]]


@dataclass(slots=True)
class _Window:
    """What is embedded and written together, and what there is to report when that is done."""

    passages: int = _WINDOW
    articles: list[Prepared] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    results: list[Ingested | Reading] = field(default_factory=list)
    began: float = math.inf

    @property
    def full(self) -> bool:
        return (
            sum(len(passages) for _, _, passages in self.articles) >= self.passages
            or len(self.results) >= _WINDOW_ARTICLES
            or time.monotonic() - self.began > _WINDOW_SECONDS
        )

    def report(self, result: Ingested | Reading) -> None:
        """Adds a result; the first one starts the clock."""
        self.began = min(self.began, time.monotonic())
        self.results.append(result)


def open_catalog(store: Store) -> Catalog:
    """The catalog of a collection that is about to be written to; what a run that was killed left is swept out."""
    entries = list(store.entries())
    if swept := store.sweep(entries):
        log.info("Removed %d passages that an ingest which was cut short had left", swept)
    return Catalog(entries)


def ingest(
    readings: Iterable[Reading], catalog: Catalog, store: Store, embedder: Embedder, means: LanguageMeans
) -> Iterator[Ingested | Reading]:
    """The result of each reading, once it is stored. A reading without an article and a reason is passed on.

    Raises StoreError when the collection cannot be written; what was stored before stays.
    """

    def embedded() -> Generator[tuple[_Window, list[Embedded]], None, None]:
        with closing(ahead(prepare(readings, catalog, embedder), _SPLIT_AHEAD)) as windows:
            for window in windows:
                yield window, embed(window.articles, embedder, means)

    with closing(ahead(embedded(), _EMBEDDED_AHEAD)) as ready:
        for window, vectors in ready:
            _write(window, vectors, store, embedder, means)
            yield from window.results


def ingest_articles(
    articles: Iterable[Article], store: Store, embedder: Embedder, means: LanguageMeans
) -> list[Ingested]:
    """The results of adding articles that are not read from files."""
    readings = (
        Reading(name=article.title or article.id, origin=article.origin, article=article) for article in articles
    )
    results = ingest(readings, open_catalog(store), store, embedder, means)
    return [result for result in results if isinstance(result, Ingested)]


def prune(
    ids: Iterable[str], catalog: Catalog, store: Store, embedder: Embedder, means: LanguageMeans
) -> Iterator[Ingested]:
    """Removes articles and copies; a text that has another copy stays, as that one's."""
    for article_id in ids:
        window = _Window()
        _plan_in(window, catalog.remove(article_id), embedder)
        _write(window, [], store, embedder, means)
        yield Ingested(article_id, Outcome.REMOVED, id=article_id)


def reembed(store: Store, embedder: Embedder, means: LanguageMeans, *, stamp: ModelStamp) -> Iterator[int]:
    """The number of articles embedded anew so far. The old vectors answer until all new ones are written."""
    successor = store.successor(stamp)
    window = _Window()
    count = 0
    for article in store.articles():
        window.articles.append(split(article, article_version(article), embedder))
        if window.full:
            count += _reembed_window(window, successor, embedder, means)
            yield count
            window = _Window()
    count += _reembed_window(window, successor, embedder, means)
    store.replace_with(successor)
    yield count


def prepare(readings: Iterable[Reading], catalog: Catalog, embedder: Embedder) -> Generator[_Window, None, None]:
    """What is to be done with the readings, split into passages, in portions to be embedded and written together."""
    window = _Window(_FIRST_WINDOW)
    for reading in readings:
        if reading.article is None:
            failed = Ingested(reading.name, Outcome.FAILED, reason=reading.reason)
            window.report(failed if reading.reason else reading)
        else:
            plan = catalog.plan(reading.article)
            if plan.heirs or plan.delete:  # changes what others in the window may build on: a window of its own
                yield window
                window = _Window()
            notes = (*reading.notes, plan.note) if plan.note else reading.notes
            article = reading.article
            window.report(
                Ingested(
                    reading.name,
                    plan.outcome,
                    id=article.id,
                    title=article.title,
                    notes=notes,
                    position=reading.position,
                )
            )
            _plan_in(window, plan, embedder)
        if window.full or (window.plans and (window.plans[-1].heirs or window.plans[-1].delete)):
            yield window
            window = _Window()
    yield window


def _plan_in(window: _Window, plan: Plan, embedder: Embedder) -> None:
    if plan.store:
        window.articles.append(split(plan.store, plan.version, embedder))
    if plan.copies or plan.origins or plan.delete or plan.heirs:
        window.plans.append(plan)


def split(article: Article, version: str, embedder: Embedder) -> Prepared:
    """An article with its version and passages, as long as this model reads them."""
    budget = min(PASSAGE_TOKENS, embedder.max_tokens)
    passages = split_passages(article, version=version, count_tokens=embedder.count_tokens, budget=budget)
    return article, version, passages


def embed(prepared: Sequence[Prepared], embedder: Embedder, means: LanguageMeans) -> list[Embedded]:
    """Articles with the vectors and token states of their passages."""
    rows = [(article, passage) for article, _, passages in prepared for passage in passages]
    if not rows:
        return []
    read = read_passages(rows, embedder, means)
    vectors = np.stack([vector for vector, _ in read])
    states = [packed for _, packed in read]
    embedded = []
    start = 0
    for article, version, passages in prepared:
        end = start + len(passages)
        embedded.append(Embedded(article, version, passages, vectors[start:end], states[start:end]))
        start = end
    return embedded


def _write(
    window: _Window, embedded: Sequence[Embedded], store: Store, embedder: Embedder, means: LanguageMeans
) -> None:
    heirs = [
        split(heir_article(plan.heirs, old), plan.heirs[0].version, embedder)
        for plan in window.plans
        if plan.heirs and (old := store.article(plan.former))
    ]
    embedded = [*embedded, *embed(heirs, embedder, means)]
    stories, merged = link(embedded, store)
    store.put([replace(each, article=replace(each.article, story=stories.pop(each.article.id))) for each in embedded])
    for article_id, story in stories.items():
        store.update(article_id, story=story)
    for name, story in merged.items():
        store.rename_story(name, story)
    for plan in window.plans:
        for article_id, copies in plan.copies.items():
            store.update(article_id, copies=copies)
        for article_id, origin in plan.origins.items():
            store.update(article_id, origin=origin)
        if plan.delete:
            store.delete([plan.delete])


def _reembed_window(window: _Window, successor: Store, embedder: Embedder, means: LanguageMeans) -> int:
    successor.put(embed(window.articles, embedder, means))
    return len(window.articles)
