"""The collection: articles and their passages in Chroma, embedded in a folder or on a server.

Two Chroma collections, both of cosine distance. ``isnad_articles`` holds one record an article: the full text, its
metadata, a digest of both (``version``) and the mean vector of its passages. ``isnad_passages`` holds the passages
with the version they were made from. An article's record is written after its passages and is what makes them count:
passages without a record, or of another version, are never returned, so a write that stops half-way changes nothing
that a reader sees. Beside them an index (``rag/index.py``) holds what else is needed to find passages fast; it is made
again from the collection where it lacks something.
"""

from __future__ import annotations

import datetime
import hashlib
import logging
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
from rag.index import Index, Selection
from rag.lock import lock_folder
from rag.records import Embedded, Entry, flat_fields, read_article, read_entry, read_passage
from rag.states import PackedStates
from rag.types import Article, Copy, Filters, Passage

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

log = logging.getLogger(__name__)

T = TypeVar("T")

# Articles are read in pages of this many, so that listing a large collection does not hold it in memory twice.
_PAGE = 500
# Up to so many passages that filters leave are all compared; of more, the nearest are looked for until enough are left.
# On two cores 20,000 take 60 ms.
_ALL_COMPARED = 20_000
# How often it is looked again because articles were replaced while it was looked.
_TRIES = 5
# Articles of which the index is made again at a time.
_CAUGHT_UP = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that may answer: the cosine of its vector with the question's, and its BM25 (0 if it was not found by
    its words).
    """

    passage_id: str
    language: str
    dense: float
    lexical: float


class Store:
    """An open collection, which threads may share. Get one from ``open_store``; close it, or use it in ``with``."""

    def __init__(
        self, client: ClientAPI, *, articles: Collection, passages: Collection, place: str, index: Index
    ) -> None:
        self._client = client
        self._articles = articles
        self._passages = passages
        self._place = place
        self._index = index
        self._lock: ReadWriteLock | None = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets other processes write to the collection; the store must not be used afterwards."""
        self._index.close()
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

    def size(self) -> tuple[int, int]:
        """How many articles and how many passages can be found; quick to say, and a little behind other machines."""
        with translated(self._place):
            articles, passages = self._index.size()
            return (articles, passages) if articles else (self._articles.count(), self._passages.count())

    def changes(self) -> tuple[int, int]:
        """What is another pair whenever what can be found has changed."""
        with translated(self._place):
            return self._index.changes()

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
            self._index.put(batch)
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
            self._index.commit([(each.article.id, each.version) for each in batch])
            replaced = [read_entry(article_id, metadata) for article_id, metadata in old.items()]
            current = {each.article.id: each.version for each in batch}
            self._delete_passages([entry for entry in replaced if entry.version != current[entry.id]])

    def update(self, article_id: str, **fields: str | tuple[Copy, ...]) -> None:
        """Writes what says where a stored article is kept and not what it is: origin, story, copies."""
        with translated(self._place):
            self._articles.update(ids=[article_id], metadatas=[flat_fields(fields)])
            if isinstance(copies := fields.get("copies"), tuple):
                self._index.set_copies(article_id, copies)

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
            index = self._index.beside(made_with=str(stamp))
        return Store(self._client, articles=articles, passages=passages, place=self._place, index=index)

    def replace_with(self, successor: Store) -> None:
        """Puts a filled successor in the place of this collection, which from then on reads and writes that one."""
        with translated(self._place):
            # From this call on there is no way back, and finish_replacing goes on from here after a crash.
            self._client.delete_collection(chroma.ARTICLES)
            chroma.finish_replacing(self._client)
            self._index.take(successor._index)
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
            self._index.keep_only({(entry.id, entry.version) for entry in entries})
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

    def select(self, filters: Filters) -> Selection:
        """The articles that the filters let through."""
        with translated(self._place):
            return self._index.select(filters)

    def candidates(
        self, vector: Vectors, words: Group[str], *, k: int, selection: Selection | None = None
    ) -> list[Candidate]:
        """The ``k`` passages nearest to a unit vector (shape (dimension,)) and the ``k`` that share the most telling
        words, of the selection if there is one; in no particular order.
        """
        with translated(self._place):
            for _ in range(_TRIES):
                before = self._index.changes()
                dense, all_count = self.nearest(vector, k=k, selection=selection)
                lexical = dict(self.matching(words, k=k, selection=selection))
                dense |= self._index.cosines(vector, [each for each in lexical if each not in dense])
                found = dense.keys() | lexical.keys()
                languages = self._languages(found)
                if (all_count and len(languages) == len(found)) or self._index.changes() == before:
                    break
        return [
            Candidate(passage_id, language, dense.get(passage_id, 0.0), lexical.get(passage_id, 0.0))
            for passage_id, language in languages.items()
        ]

    def nearest(self, vector: Vectors, *, k: int, selection: Selection | None = None) -> tuple[dict[str, float], bool]:
        """The ``k`` passages nearest to the vector of those that count, with the cosines, and whether all that Chroma
        found do count.
        """
        if selection is not None and selection.passages <= _ALL_COMPARED:
            return dict(self._index.nearest(vector, selection, k=k)), True
        # Passages that do not count, of an article that is being replaced or was never finished, take up places: where
        # that leaves too few, ask for more.
        wanted = k + 16 if selection is None else 2 * k * self.size()[1] // selection.passages
        while True:
            found = self._passages.query(query_embeddings=[vector.tolist()], n_results=wanted, include=["distances"])
            ids, distances = found["ids"][0], (found["distances"] or [[]])[0]
            counting = self._languages(ids)
            nearest = [
                (passage_id, 1 - float(distance))
                for passage_id, distance in zip(ids, distances, strict=True)
                if passage_id in counting
                and (selection is None or passage_id.rpartition(":")[0] in selection.revisions)
            ]
            if len(nearest) >= k or len(ids) < wanted:
                return dict(nearest[:k]), len(counting) == len(ids)
            wanted *= 4

    def matching(self, words: Group[str], *, k: int, selection: Selection | None = None) -> list[tuple[str, float]]:
        """The ``k`` passages that share the most telling words, with their BM25, highest first."""
        return self._index.matching(words, k=k, selection=selection)

    def load(self, passage_ids: Sequence[str]) -> dict[str, tuple[Passage, Article]]:
        """Those of the passages that count, with their articles."""
        if not passage_ids:
            return {}
        with translated(self._place):
            found = self._passages.get(ids=list(passage_ids), include=["metadatas", "documents"])
        rows = [
            (passage_id, metadata, text)
            for passage_id, metadata, text in zip(
                found["ids"], found["metadatas"] or [], found["documents"] or [], strict=True
            )
            if metadata is not None and text is not None  # deleted while Chroma was collecting what it had found
        ]
        records = self._records(sorted({str(metadata["article_id"]) for _, metadata, _ in rows}))
        loaded = {}
        for passage_id, metadata, text in rows:
            article, version = records.get(str(metadata["article_id"]), (None, ""))
            if article is not None and version == metadata["version"]:
                loaded[passage_id] = read_passage(passage_id, metadata, text, article), article
        return loaded

    def beside(self, passage: Passage) -> list[Passage]:
        """The passages of the article before and behind one, where there are any."""
        revision, _, number = passage.id.rpartition(":")
        if not number.isdigit():  # what a browser kept of an answer has no id
            return []
        ids = [f"{revision}:{other}" for other in (int(number) - 1, int(number) + 1) if other >= 0]
        return [found for found, _ in self.load(ids).values()]

    def forget(self, passage_ids: Iterable[str]) -> None:
        """Takes articles out of the index that are no longer in the collection: another machine has removed them."""
        known = {_revision(passage_id) for passage_id in passage_ids}
        records = self._records(sorted({article_id for article_id, _ in known}))
        with translated(self._place):
            self._index.delete([pair for pair in known if records.get(pair[0], (None, ""))[1] != pair[1]])

    def states(self, passage_ids: Sequence[str]) -> dict[str, PackedStates]:
        """The token states of those of the passages that they are kept of."""
        with translated(self._place):
            return self._index.states(passage_ids)

    def keep_states(self, states: Mapping[str, PackedStates]) -> None:
        """Keeps token states that had to be computed, by the ids of the passages."""
        with translated(self._place):
            self._index.keep_states(states)

    def catch_up(self) -> int:
        """Makes the index again for the articles that it lacks, and drops what is not in the collection; how many
        articles it lacked. They may have been added by another machine, or the index was deleted.
        """
        with translated(self._place):
            if self._index.size()[0] == self._articles.count() and self._index.whole:
                return 0
        stored = {(entry.id, entry.version) for entry in self.entries()}
        with translated(self._place):
            if not self._index.whole:
                self._index.keep_only([])
            known = self._index.versions()
            self._index.delete(known - stored)
        missing = sorted(stored - known)
        if missing:
            log.info("Indexing %d articles that were added elsewhere or before", len(missing))
        for some in _slices(missing, _CAUGHT_UP):
            self._index_again(some)
        return len(missing)

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

    def _languages(self, passage_ids: Iterable[str]) -> dict[str, str]:
        """The language of each of the passages that count, by the passage's id."""
        passage_ids = list(passage_ids)
        known = self._index.languages(passage_ids)
        if len(known) < len(passage_ids):
            # Being written just now, left behind by an ingest that was killed, or added by another machine.
            unknown = {_revision(each) for each in passage_ids if each not in known}
            current = self._articles.get(ids=list({article_id for article_id, _ in unknown}), include=["metadatas"])
            versions = zip(current["ids"], current["metadatas"] or [], strict=True)
            if added := [pair for each, row in versions if (pair := (each, str(row["version"]))) in unknown]:
                self._index_again(added)
                known = self._index.languages(passage_ids)
        return known

    def _index_again(self, versions: Sequence[tuple[str, str]]) -> None:
        """Makes the index of articles of those ids and versions from the collection, their token states left out."""
        with translated(self._place):
            # Of an article that is just being added all is there but the word that it counts.
            self._index.commit(versions)
            known = self._index.known(versions)
            versions = [pair for pair in versions if pair not in known]
            if not versions:
                return
            found = self._articles.get(ids=[article_id for article_id, _ in versions], include=["metadatas"])
            batch = []
            for article_id, record in zip(found["ids"], found["metadatas"] or [], strict=True):
                entry, article = read_entry(article_id, record), read_article(article_id, record, "")
                rows = self._passages.get(ids=entry.passage_ids(), include=["metadatas", "documents", "embeddings"])
                vectors = np.asarray(rows["embeddings"], dtype=np.float32)
                if entry.passages and len(vectors) == entry.passages:
                    texts = zip(rows["ids"], rows["metadatas"] or [], rows["documents"] or [], strict=True)
                    passages = [read_passage(passage_id, row, text, article) for passage_id, row, text in texts]
                    batch.append(Embedded(article, entry.version, passages, vectors))
            self._index.put(batch)
            self._index.commit([(each.article.id, each.version) for each in batch])

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

    def _delete_passages(self, entries: Sequence[Entry]) -> None:
        ids = [passage_id for entry in entries for passage_id in entry.passage_ids()]
        self._index.delete([(entry.id, entry.version) for entry in entries])
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
            client = chroma.client_of(data_dir, chroma_url)
            articles, passages = chroma.open_collections(client, stamp, place=chroma_url)
        with _usable(data_dir):
            data_dir.mkdir(parents=True, exist_ok=True)
            server = hashlib.sha256(chroma_url.encode()).hexdigest()[:8]
            index = Index(data_dir / f"index_{server}", made_with=str(stamp or ""))
        store = Store(client, articles=articles, passages=passages, place=chroma_url, index=index)
        if stamp is not None:
            store.catch_up()
        return store
    place = str(data_dir)
    with _usable(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = lock_folder(data_dir, writing=writing, waiting=waiting)
    try:
        chroma.check_database(data_dir / "chroma" / "chroma.sqlite3", place)
        with translated(place):
            client = chroma.client_of(data_dir, "")
            articles, passages = chroma.open_collections(client, stamp, place=place)
        with _usable(data_dir):
            index = Index(data_dir / "index", made_with=str(stamp or ""))
        store = Store(client, articles=articles, passages=passages, place=place, index=index)
        if stamp is not None:
            store.catch_up()
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


def _revision(passage_id: str) -> tuple[str, str]:
    """The id and version of the article that a passage is of."""
    article_id, version, _ = passage_id.rsplit(":", 2)
    return article_id, version


def _added_at(record: Mapping[str, Any] | None) -> str:
    return str(record.get("added_at", "")) if record else ""
