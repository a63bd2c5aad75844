"""Articles into the collection: split, embedded, centred, stored; what has not changed is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ingest.load import load_article
from ingest.split import PASSAGE_TOKENS, split_passages
from rag.centring import LanguageMeans
from rag.embedding import Embedder
from rag.errors import ArticleError
from rag.language import primary
from rag.store import ModelStamp, Store, article_version
from rag.types import Article


class Outcome(StrEnum):
    """What became of one file or article."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ingested:
    """The result for one file: what became of it, and why when it failed."""

    source: str
    outcome: Outcome
    title: str = ""
    reason: str = ""


def ingest_files(files: Iterable[Path], store: Store, embedder: Embedder, means: LanguageMeans) -> Iterator[Ingested]:
    """The result of each file, as it is done. A file that cannot be read does not stop the others.

    Raises StoreError when the collection cannot be written; what was stored before stays.
    """
    for file in files:
        try:
            article = load_article(file)
            outcome = ingest_article(article, store, embedder, means)
        except ArticleError as error:
            yield Ingested(str(file), Outcome.FAILED, reason=str(error))
        else:
            yield Ingested(str(file), outcome, title=article.title)


def ingest_article(article: Article, store: Store, embedder: Embedder, means: LanguageMeans) -> Outcome:
    """What became of the article: added, changed, or unchanged because its content is stored already."""
    version = article_version(article)
    stored = store.version(article.id)
    if stored == version or (not stored and store.twin(version)):
        return Outcome.UNCHANGED
    budget = min(PASSAGE_TOKENS, embedder.max_tokens)
    passages = split_passages(article, version=version, count_tokens=embedder.count_tokens, budget=budget)
    if not passages:
        raise ArticleError(f"{article.title or article.id}: there is no text in it.")
    vectors = embedder.embed_passages([passage.under(article.title) for passage in passages])
    vectors = means.centre_passages(vectors, [primary(article.language)] * len(passages))
    store.put(article, passages, vectors, version=version)
    return Outcome.CHANGED if stored else Outcome.ADDED


def reembed(store: Store, embedder: Embedder, means: LanguageMeans, *, stamp: ModelStamp) -> int:
    """How many articles were embedded anew. The old vectors stay until all new ones are written."""
    successor = store.successor(stamp)
    count = 0
    for article in store.articles():
        ingest_article(article, successor, embedder, means)
        count += 1
    store.replace_with(successor)
    return count
