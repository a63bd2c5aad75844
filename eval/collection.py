"""The collections that question sets are asked of: their articles, embedded once and kept in the cache folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import UsageError
from rag.types import Article

if TYPE_CHECKING:
    from rag.build import Model
    from rag.store import Store

# Passages that are embedded and written together.
_WINDOW = 128
# Digits of the digest that a collection's folder is named by.
_DIGITS = 16

# Told how many of how many articles are in the collection.
Told = Callable[[int, int], None]


def read_articles(folder: Path) -> tuple[Article, ...]:
    """The articles of a file or folder, as ``isnad ingest`` reads them and with the ids that it gives.

    Raises UsageError for a path that does not exist or a file that cannot be read.
    """
    from ingest.complete import Overrides
    from ingest.load import find_files
    from ingest.read import read

    found: dict[str, Article] = {}
    for reading in read(find_files([folder]), Overrides()):
        if reading.reason:
            raise UsageError(f"The articles in {folder.name} cannot be used: {reading.reason}")
        if reading.article:
            found.setdefault(reading.article.id, reading.article)
    if not found:
        raise UsageError(f"There are no articles in {folder}. Give a file or folder that isnad ingest reads.")
    return tuple(found.values())


def sample_articles() -> tuple[Article, ...]:
    """The articles that ``isnad chat --samples`` starts with."""
    with resources.as_file(resources.files("ingest") / "sample_articles") as folder:
        return read_articles(Path(folder))


@contextmanager
def collection_of(
    articles: Sequence[Article], model: Model, *, cache: Path, waiting: Callable[[str], None], told: Told
) -> Iterator[Store]:
    """A collection of exactly these articles under their own ids, in the cache folder; made where there is none yet.

    Near-duplicates are not folded: a question set means the article that it names. Raises StoreError.
    """
    from rag.store import open_store

    folder = cache / "eval" / _digest(articles, str(model.stamp))
    done = folder / "complete"
    if not done.exists():
        with open_store(data_dir=folder, chroma_url="", stamp=model.stamp, writing=True, waiting=waiting) as store:
            _fill(store, articles, model, told)
        done.touch()
    with open_store(data_dir=folder, chroma_url="", stamp=model.stamp, waiting=waiting) as store:
        yield store


def _digest(articles: Sequence[Article], stamp: str) -> str:
    from rag.records import article_version

    whole = hashlib.sha256(stamp.encode())
    for each in sorted(f"{article.id} {article_version(article)}" for article in articles):
        whole.update(each.encode() + b"\n")
    return whole.hexdigest()[:_DIGITS]


def _fill(store: Store, articles: Sequence[Article], model: Model, told: Told) -> None:
    from ingest.index import embed, split
    from rag.records import article_version

    there = {(entry.id, entry.version) for entry in store.entries()}
    missing = [each for each in articles if (each.id, article_version(each)) not in there]
    window = []
    for done, article in enumerate(missing, len(articles) - len(missing) + 1):
        window.append(split(article, article_version(article), model.embedder))
        if sum(len(passages) for _, _, passages in window) >= _WINDOW or done == len(articles):
            store.put(embed(window, model.embedder, model.means))
            told(done, len(articles))
            window = []
