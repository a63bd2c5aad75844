"""The collection: articles and their passages in Chroma, embedded in a folder or on a server.

Two Chroma collections, both of cosine distance. ``isnad_articles`` holds one record an article: the full text, its
metadata, a digest of both (``version``) and the mean vector of its passages. ``isnad_passages`` holds the passages
with the version they were made from. An article's record is written after its passages and is what makes them count:
passages without a record, or of another version, are never returned, so a write that stops half-way changes nothing
that a reader sees.
"""

from __future__ import annotations

import datetime
import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Collection as Group
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from filelock import ReadWriteLock

from rag import chroma
from rag.chroma import ModelStamp, translated
from rag.embedding import Vectors
from rag.errors import StoreError
from rag.lock import lock_folder
from rag.records import Embedded, Entry, flat_fields, read_article, read_entry, read_passage
from rag.states import PackedStates, StateFile
from rag.types import Article, Copy, Passage

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

T = TypeVar("T")

# Articles are read in pages of this many, so that listing a large collection does not hold it in memory twice.
_PAGE = 500
# How often a search looks again because an article was replaced between its two steps.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A passage near a vector, with its article, its own vector and the cosine between them."""

    passage: Passage
    article: Article
    cosine: float


class Store:
    """An open collection, which threads may share. Get one from ``open_store``; close it, or use it in ``with``."""

    def __init__(
        self, client: ClientAPI, *, articles: Collection, passages: Collection, place: str, states: StateFile
    ) -> None:
        self._client = client
        self._articles = articles
        self._passages = passages
        self._place = place
        self._states = states
        self._lock: ReadWriteLock | None = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets other processes write to the collection; the store must not be used afterwards."""
        self._states.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def check(self, stamp: ModelStamp) -> None:
        """Raises StoreMismatchError unless the vectors were made with what the stamp says."""
        for collection in (self._articles, self._passages):
            chroma.check(collection, stamp, self._place)

    def count(self) -> int:
        """How many articles there are."""
        with translated(self._place):
            return self._articles.count()

    def count_passages(self) -> int:
        """How many passages there are, those of an article just being replaced included."""
        with translated(self._place):
            return self._passages.count()

    def languages(self) -> dict[str, int]:
        """How many articles there are in each language."""
        counts: dict[str, int] = {}
        for article in self.articles(with_text=False):
            counts[article.language] = counts.get(article.language, 0) + 1
        return counts

    def articles(self, *, with_text: bool = True) -> Iterator[Article]:
        """All articles, in no particular order; without their texts if those are not needed."""
        for article_id, metadata, text in self._pages(with_text=with_text):
            yield read_article(article_id, metadata, text)

    def entries(self) -> Iterator[Entry]:
        """What is known of every article besides its text."""
        for article_id, metadata, _ in self._pages(with_text=False):
            yield read_entry(article_id, metadata)

    def article(self, article_id: str) -> Article | None:
        """The article with this id, or None."""
        return self._records([article_id]).get(article_id, (None, ""))[0]

    def version(self, article_id: str) -> str:
        """The version of the stored article, or "" where there is none."""
        return self._records([article_id]).get(article_id, (None, ""))[1]

    def passages(self, article_id: str) -> list[Passage]:
        """The passages of an article, in order; none where there is no such article."""
        with translated(self._place):
            record = self._articles.get(ids=[article_id], include=["metadatas", "documents"])
            if not record["ids"]:
                return []
            entry = read_entry(article_id, (record["metadatas"] or [{}])[0])
            article = read_article(article_id, (record["metadatas"] or [{}])[0], (record["documents"] or [""])[0])
            found = self._passages.get(ids=entry.passage_ids(), include=["metadatas", "documents"])
        rows = zip(found["ids"], found["metadatas"] or [], found["documents"] or [], strict=True)
        passages = [read_passage(passage_id, metadata, text, article) for passage_id, metadata, text in rows]
        return sorted(passages, key=lambda passage: (passage.start, passage.end))

    def put(self, batch: Sequence[Embedded]) -> None:
        """Adds the articles, or replaces them whole, all of them at one moment.

        Raises StoreError; the collection then answers as it did before.
        """
        if not batch:
            return
        chroma.require_room(self._place, sum(each.size for each in batch))
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with translated(self._place):
            found = self._articles.get(ids=[each.article.id for each in batch], include=["metadatas"])
            old = dict(zip(found["ids"], found["metadatas"] or [], strict=True))
            self._put_states(batch)
            self._upsert_passages(batch)
            self._articles.upsert(
                ids=[each.article.id for each in batch],
                documents=[each.article.text for each in batch],
                metadatas=[
                    each.record(added_at=each.article.added_at or _added_at(old.get(each.article.id)) or now)
                    for each in batch
                ],
                embeddings=np.stack([each.centre for each in batch]),
            )
            replaced = [read_entry(article_id, metadata) for article_id, metadata in old.items()]
            current = {each.article.id: each.version for each in batch}
            self._delete_passages([entry for entry in replaced if entry.version != current[entry.id]])

    def update(self, article_id: str, **fields: str | tuple[Copy, ...]) -> None:
        """Writes what says where a stored article is kept and not what it is: origin, story, copies."""
        with translated(self._place):
            self._articles.update(ids=[article_id], metadatas=[flat_fields(fields)])

    def rename_story(self, old: str, new: str) -> None:
        """Gives all articles of one story to another."""
        with translated(self._place):
            found = self._articles.get(where={"story": old}, include=[])["ids"]
            if found:
                self._articles.update(ids=found, metadatas=[{"story": new}] * len(found))

    def successor(self, stamp: ModelStamp) -> Store:
        """An empty collection beside this one, to be filled and then put in its place by ``replace_with``."""
        with translated(self._place):
            for name in (chroma.ARTICLES + chroma.NEXT, chroma.PASSAGES + chroma.NEXT):
                if name in chroma.names(self._client):
                    self._client.delete_collection(name)
            articles, passages = (
                chroma.create(self._client, name + chroma.NEXT, stamp) for name in (chroma.ARTICLES, chroma.PASSAGES)
            )
            states = self._states.beside(made_with=str(stamp))
        return Store(self._client, articles=articles, passages=passages, place=self._place, states=states)

    def replace_with(self, successor: Store) -> None:
        """Puts a filled successor in the place of this collection, which from then on reads and writes that one."""
        with translated(self._place):
            # From this call on there is no way back, and finish_replacing goes on from here after a crash.
            self._client.delete_collection(chroma.ARTICLES)
            chroma.finish_replacing(self._client)
            self._states.take(successor._states)
        self._articles, self._passages = successor._articles, successor._passages

    def delete(self, ids: Iterable[str]) -> list[str]:
        """Removes articles with their passages; the ids of those that there were."""
        deleted = []
        for some in _slices(list(ids), _PAGE):
            with translated(self._place):
                found = self._articles.get(ids=some, include=["metadatas"])
                if found["ids"]:
                    self._articles.delete(ids=found["ids"])
                    metadatas = found["metadatas"] or []
                    self._delete_passages([read_entry(*pair) for pair in zip(found["ids"], metadatas, strict=True)])
            deleted += found["ids"]
        return deleted

    def sweep(self, entries: Group[Entry]) -> int:
        """Removes what an ingest that was killed has left; how many passages. ``entries`` are all there are."""
        with translated(self._place):
            self._states.keep_only({passage_id for entry in entries for passage_id in entry.passage_ids()})
        if self.count_passages() == sum(entry.passages for entry in entries):
            return 0
        versions = {entry.id: entry.version for entry in entries}
        left: list[str] = []
        offset = 0
        while True:
            with translated(self._place):
                page = self._passages.get(limit=_PAGE, offset=offset, include=["metadatas"])
            for passage_id, metadata in zip(page["ids"], page["metadatas"] or [], strict=True):
                if versions.get(str(metadata["article_id"])) != metadata["version"]:
                    left.append(passage_id)
            if len(page["ids"]) < _PAGE:
                break
            offset += _PAGE
        for some in _slices(left, _PAGE):
            with translated(self._place):
                self._passages.delete(ids=some)
        return len(left)

    def search(self, vector: Vectors, *, k: int) -> list[Found]:
        """The ``k`` passages nearest to a unit vector (shape (dimension,)), nearest first."""
        with translated(self._place):
            total = self._passages.count()
        # Passages that do not count, of an article that is being replaced or was never finished, take up places: where
        # that leaves too few, ask for more.
        wanted = 2 * k + 8
        while True:
            found = self._nearest(vector, min(wanted, total)) if total else []
            if len(found) >= k or wanted >= total:
                return found[:k]
            wanted *= 4

    def states(self, passage_ids: Sequence[str]) -> dict[str, PackedStates]:
        """The token states of those passages that they are kept of."""
        with translated(self._place):
            return self._states.get(passage_ids)

    def similar(self, vectors: Vectors, *, k: int) -> list[list[tuple[Article, float]]]:
        """For each unit vector, shape (n, dimension), the ``k`` articles of the nearest means, with the cosines."""
        with translated(self._place):
            total = self._articles.count()
            if not total:
                return [[] for _ in vectors]
            found = self._articles.query(
                query_embeddings=list(vectors),
                n_results=min(k, total),
                include=["metadatas", "documents", "distances"],
            )
        return [
            [
                (read_article(article_id, metadata, text), 1 - float(distance))
                for article_id, metadata, text, distance in zip(ids, metadatas, texts, distances, strict=True)
            ]
            for ids, metadatas, texts, distances in zip(
                found["ids"], found["metadatas"] or [], found["documents"] or [], found["distances"] or [], strict=True
            )
        ]

    def _pages(self, *, with_text: bool) -> Iterator[tuple[str, Mapping[str, Any], str]]:
        offset = 0
        include: list[Any] = ["metadatas", "documents"] if with_text else ["metadatas"]
        while True:
            with translated(self._place):
                page = self._articles.get(limit=_PAGE, offset=offset, include=include)
            texts = page["documents"] or [""] * len(page["ids"])
            yield from zip(page["ids"], page["metadatas"] or [], texts, strict=True)
            if len(page["ids"]) < _PAGE:
                return
            offset += _PAGE

    def _nearest(self, vector: Vectors, count: int) -> list[Found]:
        for _ in range(_TRIES):
            with translated(self._place):
                found = self._passages.query(
                    query_embeddings=[vector.tolist()], n_results=count, include=["metadatas", "documents", "distances"]
                )
            ids, metadatas = found["ids"][0], (found["metadatas"] or [[]])[0]
            texts, distances = (found["documents"] or [[]])[0], (found["distances"] or [[]])[0]
            records = self._records(sorted({str(metadata["article_id"]) for metadata in metadatas if metadata}))
            torn = any(metadata is None for metadata in metadatas)
            results = []
            for passage_id, metadata, text, distance in zip(ids, metadatas, texts, distances, strict=True):
                if metadata is None or text is None:  # deleted while Chroma was collecting what it had found
                    continue
                article, version = records.get(str(metadata["article_id"]), (None, ""))
                if article is not None and version == metadata["version"]:
                    results.append(
                        Found(read_passage(passage_id, metadata, text, article), article, 1 - float(distance))
                    )
            # An article of which only other versions were found was replaced after its passages were looked up.
            if not torn and records.keys() == {result.article.id for result in results}:
                break
        return results

    def _records(self, ids: list[str]) -> dict[str, tuple[Article, str]]:
        if not ids:
            return {}
        with translated(self._place):
            found = self._articles.get(ids=ids, include=["metadatas", "documents"])
        return {
            article_id: (read_article(article_id, metadata, text), str(metadata["version"]))
            for article_id, metadata, text in zip(
                found["ids"], found["metadatas"] or [], found["documents"] or [], strict=True
            )
        }

    def _upsert_passages(self, batch: Sequence[Embedded]) -> None:
        rows = [row for each in batch for row in zip(each.passages, each.passage_records(), each.vectors, strict=True)]
        for some in _slices(rows, self._client.get_max_batch_size()):
            self._passages.upsert(
                ids=[passage.id for passage, _, _ in some],
                documents=[passage.text for passage, _, _ in some],
                metadatas=[record for _, record, _ in some],
                embeddings=np.stack([vector for _, _, vector in some]),
            )

    def _put_states(self, batch: Sequence[Embedded]) -> None:
        # Before the passages: what a write that stops half-way leaves here is not asked for, and swept out.
        pairs = [pair for each in batch if each.states for pair in zip(each.passages, each.states, strict=True)]
        self._states.put({passage.id: states for passage, states in pairs})

    def _delete_passages(self, entries: Iterable[Entry]) -> None:
        ids = [passage_id for entry in entries for passage_id in entry.passage_ids()]
        self._states.delete(ids)
        for some in _slices(ids, self._client.get_max_batch_size()):
            self._passages.delete(ids=some)


def open_store(
    *,
    data_dir: Path,
    chroma_url: str,
    stamp: ModelStamp | None,
    writing: bool = False,
    waiting: Callable[[str], None] | None = None,
) -> Store:
    """The collection in ``data_dir``, or on the Chroma server at ``chroma_url``; created where there is none.

    A folder can be read by several processes or written by one; it is waited for if ``waiting`` is there to be told so.
    Without a ``stamp`` the collection is taken whatever it was made with, to list or delete articles. Raises
    EmptyCollectionError when there is none to take then, StoreMismatchError for one made with another model, distance
    or version, StoreBusyError when another process is in the way, StoreError for everything else that keeps it from
    being read.
    """
    if chroma_url:
        with translated(chroma_url):
            client = chroma.server_client(chroma_url)
            articles, passages = chroma.open_collections(client, stamp, place=chroma_url)
        with _usable(data_dir):
            data_dir.mkdir(parents=True, exist_ok=True)
            server = hashlib.sha256(chroma_url.encode()).hexdigest()[:8]
            states = StateFile(data_dir / f"states_{server}.sqlite3", made_with=str(stamp or ""))
        return Store(client, articles=articles, passages=passages, place=chroma_url, states=states)
    place = str(data_dir)
    with _usable(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = lock_folder(data_dir, writing=writing, waiting=waiting)
    try:
        chroma.check_database(data_dir / "chroma" / "chroma.sqlite3", place)
        with translated(place):
            client = chroma.folder_client(data_dir / "chroma")
            articles, passages = chroma.open_collections(client, stamp, place=place)
        with _usable(data_dir):
            states = StateFile(data_dir / "states.sqlite3", made_with=str(stamp or ""))
            store = Store(client, articles=articles, passages=passages, place=place, states=states)
    except BaseException:
        lock.release()
        raise
    store._lock = lock
    return store


@contextmanager
def _usable(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The data folder {data_dir} cannot be used: {getattr(error, 'strerror', None) or error}. Set "
            "ISNAD_DATA_DIR to a folder that can be written."
        ) from error


def _slices(items: Sequence[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _added_at(record: Mapping[str, Any] | None) -> str:
    return str(record.get("added_at", "")) if record else ""
