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
import json
import logging
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from filelock import ReadWriteLock, Timeout

from rag.embedding import Vectors
from rag.errors import EmptyCollectionError, IsnadError, StoreBusyError, StoreError, StoreMismatchError
from rag.types import Article, Passage

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

log = logging.getLogger(__name__)

# The layout described above. Raised when it changes, so that an older Isnad refuses what it would misread.
_FORMAT = 1
_ARTICLES = "isnad_articles"
_PASSAGES = "isnad_passages"
# What a rebuild writes to until it is complete.
_NEXT = "_next"
NO_ARTICLES = "There are no articles yet. Add some with: isnad ingest FILE_OR_FOLDER"
_LOCK_SECONDS = 10.0
# An error with less than this left, in bytes, is put down to the full disk: the write that failed has given some back.
_LEAST_FREE = 16_000_000
# Articles are read in pages of this many, so that listing a large collection does not hold it in memory twice.
_PAGE = 500


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """What a collection's vectors were made with; another stamp means that vectors do not compare."""

    model: str
    dimension: int
    centring: str


@dataclass(frozen=True, slots=True)
class Found:
    """A passage near a vector, with its article, its own vector and the cosine between them."""

    passage: Passage
    article: Article
    cosine: float


def article_version(article: Article) -> str:
    """A digest of everything in the article but its id and when it was added."""
    content = asdict(replace(article, id="", added_at=""))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:12]


class Store:
    """An open collection. Get one from ``open_store``; close it, or use it in a ``with`` statement."""

    def __init__(self, client: ClientAPI, *, articles: Collection, passages: Collection, place: str) -> None:
        self._client = client
        self._articles = articles
        self._passages = passages
        self._place = place
        self._lock: ReadWriteLock | None = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets other processes write to the collection; the store must not be used afterwards."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def count(self) -> int:
        """How many articles there are."""
        with _translated(self._place):
            return self._articles.count()

    def count_passages(self) -> int:
        """How many passages there are, those of an article just being replaced included."""
        with _translated(self._place):
            return self._passages.count()

    def languages(self) -> dict[str, int]:
        """How many articles there are in each language."""
        counts: dict[str, int] = {}
        for article in self.articles(with_text=False):
            counts[article.language] = counts.get(article.language, 0) + 1
        return counts

    def articles(self, *, with_text: bool = True) -> Iterator[Article]:
        """All articles, in no particular order; without their texts if those are not needed."""
        offset = 0
        include: list[Any] = ["metadatas", "documents"] if with_text else ["metadatas"]
        while True:
            with _translated(self._place):
                page = self._articles.get(limit=_PAGE, offset=offset, include=include)
            texts = page["documents"] or [""] * len(page["ids"])
            for article_id, metadata, text in zip(page["ids"], page["metadatas"] or [], texts, strict=True):
                yield _article(article_id, metadata, text)
            if len(page["ids"]) < _PAGE:
                return
            offset += _PAGE

    def article(self, article_id: str) -> Article | None:
        """The article with this id, or None."""
        return self._records([article_id]).get(article_id, (None, ""))[0]

    def version(self, article_id: str) -> str:
        """The version of the stored article, or "" where there is none."""
        return self._records([article_id]).get(article_id, (None, ""))[1]

    def twin(self, version: str) -> str:
        """The id of an article with exactly this content, or ""."""
        with _translated(self._place):
            found = self._articles.get(where={"version": version}, limit=1, include=[])
        return found["ids"][0] if found["ids"] else ""

    def put(self, article: Article, passages: Sequence[Passage], vectors: Vectors, *, version: str) -> None:
        """Adds the article, or replaces it whole; ``vectors`` are its passages', shape (passages, dimension).

        Raises StoreError; the collection then answers as it did before.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        record: Any = {
            **_metadata(replace(article, added_at=article.added_at or now)),
            "version": version,
            "passages": len(passages),
        }
        centre = vectors.mean(axis=0)
        with _translated(self._place):
            self._upsert_passages(article, passages, vectors, version)
            self._articles.upsert(
                ids=[article.id],
                documents=[article.text],
                metadatas=[record],
                embeddings=[centre / max(float(np.linalg.norm(centre)), 1e-9)],
            )
            stale: Any = {"$and": [{"article_id": article.id}, {"version": {"$ne": version}}]}
            self._passages.delete(where=stale)

    def successor(self, stamp: ModelStamp) -> Store:
        """An empty collection beside this one, to be filled and then put in its place by ``replace_with``."""
        with _translated(self._place):
            for name in (_ARTICLES + _NEXT, _PASSAGES + _NEXT):
                if name in _names(self._client):
                    self._client.delete_collection(name)
            articles, passages = (_create(self._client, name + _NEXT, stamp) for name in (_ARTICLES, _PASSAGES))
        return Store(self._client, articles=articles, passages=passages, place=self._place)

    def replace_with(self, successor: Store) -> None:
        """Puts a filled successor in the place of this collection, which is gone afterwards."""
        with _translated(self._place):
            # From this call on there is no way back, and _finish_replacing goes on from here after a crash.
            self._client.delete_collection(_ARTICLES)
            _finish_replacing(self._client)

    def delete(self, article_id: str) -> bool:
        """Removes an article with its passages; whether there was one."""
        with _translated(self._place):
            existed = bool(self._articles.get(ids=[article_id], include=[])["ids"])
            self._articles.delete(ids=[article_id])
            self._passages.delete(where={"article_id": article_id})
        return existed

    def search(self, vector: Vectors, *, k: int) -> list[Found]:
        """The ``k`` passages nearest to a unit vector (shape (dimension,)), nearest first."""
        with _translated(self._place):
            total = self._passages.count()
        # Passages that do not count, of an article that is being replaced or was never finished, take up places: where
        # that leaves too few, ask for more.
        wanted = 2 * k + 8
        while True:
            found = self._nearest(vector, min(wanted, total)) if total else []
            if len(found) >= k or wanted >= total:
                return found[:k]
            wanted *= 4

    def _nearest(self, vector: Vectors, count: int) -> list[Found]:
        with _translated(self._place):
            found = self._passages.query(
                query_embeddings=[vector.tolist()], n_results=count, include=["metadatas", "documents", "distances"]
            )
        ids, metadatas = found["ids"][0], (found["metadatas"] or [[]])[0]
        texts, distances = (found["documents"] or [[]])[0], (found["distances"] or [[]])[0]
        records = self._records(sorted({str(metadata["article_id"]) for metadata in metadatas}))
        results = []
        for passage_id, metadata, text, distance in zip(ids, metadatas, texts, distances, strict=True):
            article, version = records.get(str(metadata["article_id"]), (None, ""))
            if article is not None and version == metadata["version"]:
                results.append(Found(_passage(passage_id, metadata, text, article), article, 1 - float(distance)))
        return results

    def _records(self, ids: list[str]) -> dict[str, tuple[Article, str]]:
        if not ids:
            return {}
        with _translated(self._place):
            found = self._articles.get(ids=ids, include=["metadatas", "documents"])
        return {
            article_id: (_article(article_id, metadata, text), str(metadata["version"]))
            for article_id, metadata, text in zip(
                found["ids"], found["metadatas"] or [], found["documents"] or [], strict=True
            )
        }

    def _upsert_passages(self, article: Article, passages: Sequence[Passage], vectors: Vectors, version: str) -> None:
        limit = self._client.get_max_batch_size()
        for start in range(0, len(passages), limit):
            batch = passages[start : start + limit]
            self._passages.upsert(
                ids=[passage.id for passage in batch],
                documents=[passage.text for passage in batch],
                metadatas=[
                    {
                        "article_id": article.id,
                        "version": version,
                        "language": article.language,
                        "start": passage.start,
                        "end": passage.end,
                        "sentences": json.dumps([number for span in passage.sentences for number in span]),
                    }
                    for passage in batch
                ],
                embeddings=list(vectors[start : start + limit]),
            )


def open_store(*, data_dir: Path, chroma_url: str, stamp: ModelStamp | None, writing: bool = False) -> Store:
    """The collection in ``data_dir``, or on the Chroma server at ``chroma_url``; created where there is none.

    A folder can be read by several processes or written by one. Without a ``stamp`` the collection is taken whatever it
    was made with, to list or delete articles. Raises EmptyCollectionError when there is none to take then,
    StoreMismatchError for one made with another model, distance or version, StoreBusyError when another process is in
    the way, StoreError for everything else that keeps it from being read.
    """
    if chroma_url:
        with _translated(chroma_url):
            return _open(_server(chroma_url), stamp, place=chroma_url)
    place = str(data_dir)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = _locked(data_dir, writing=writing)
    except OSError as error:
        raise StoreError(
            f"The data folder {place} cannot be used: {error.strerror or error}. Set ISNAD_DATA_DIR to a folder that "
            "can be written."
        ) from error
    try:
        _check_database(data_dir / "chroma" / "chroma.sqlite3", place)
        with _translated(place):
            store = _open(_folder(data_dir / "chroma"), stamp, place=place)
    except BaseException:
        lock.release()
        raise
    store._lock = lock
    return store


def _locked(data_dir: Path, *, writing: bool) -> ReadWriteLock:
    lock = ReadWriteLock(data_dir / "lock.db", timeout=_LOCK_SECONDS, is_singleton=False)
    try:
        if writing:
            lock.acquire_write()
        else:
            lock.acquire_read()
    except Timeout as error:
        doing = "open" if writing else "being written"
        raise StoreBusyError(
            f"The collection in {data_dir} is {doing} in another process (a chat page, or an ingest). Stop that first; "
            "to write while others read, run a Chroma server and set ISNAD_CHROMA_URL."
        ) from error
    return lock


def _check_database(path: Path, place: str) -> None:
    """Refuses a damaged database before Chroma maps it into memory, where damage can end the process."""
    if not path.exists():
        return
    try:
        # Not read-only: a write that was cut short is rolled back here, as SQLite does when a database is opened.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        result = str(error)
    if result != "ok":
        raise _damaged(place, str(result))


def _folder(path: Path) -> ClientAPI:
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    return chromadb.PersistentClient(str(path), settings=ChromaSettings(anonymized_telemetry=False))


def _server(url: str) -> ClientAPI:
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return chromadb.HttpClient(
        host=parts.hostname or "localhost",
        port=parts.port or (443 if secure else 8000),
        ssl=secure,
        settings=ChromaSettings(anonymized_telemetry=False),
    )


def _open(client: ClientAPI, stamp: ModelStamp | None, *, place: str) -> Store:
    names = _names(client)
    if _ARTICLES + _NEXT in names and _ARTICLES not in names:
        _finish_replacing(client)
        names = _names(client)
    if stamp is None and _ARTICLES not in names:
        raise EmptyCollectionError(NO_ARTICLES)
    collections = []
    for name in (_ARTICLES, _PASSAGES):
        if stamp is None or name in names:
            collection = client.get_collection(name, embedding_function=None)
        else:
            collection = _create(client, name, stamp)
        _check(collection, stamp, place)
        collections.append(collection)
    return Store(client, articles=collections[0], passages=collections[1], place=place)


def _names(client: ClientAPI) -> set[str]:
    return {collection.name for collection in client.list_collections()}


def _create(client: ClientAPI, name: str, stamp: ModelStamp) -> Collection:
    return client.get_or_create_collection(
        name,
        metadata={"isnad_format": _FORMAT, **asdict(stamp)},
        configuration={"hnsw": {"space": "cosine"}},
        embedding_function=None,
    )


def _finish_replacing(client: ClientAPI) -> None:
    """Renames a complete successor; every step can be the first one after a crash."""
    if _PASSAGES + _NEXT in _names(client):
        if _PASSAGES in _names(client):
            client.delete_collection(_PASSAGES)
        client.get_collection(_PASSAGES + _NEXT, embedding_function=None).modify(name=_PASSAGES)
    client.get_collection(_ARTICLES + _NEXT, embedding_function=None).modify(name=_ARTICLES)


def _check(collection: Collection, stamp: ModelStamp | None, place: str) -> None:
    found: Mapping[str, Any] = collection.metadata or {}
    version = found.get("isnad_format")
    if not isinstance(version, int) or version < 1:
        raise StoreMismatchError(
            f"The collection {collection.name} in {place} was not made by Isnad. Set ISNAD_DATA_DIR or "
            "ISNAD_CHROMA_URL to another place."
        )
    if version > _FORMAT:
        raise StoreMismatchError(
            f"The collection in {place} was written by a newer Isnad (format {version}, this one reads {_FORMAT}). "
            "Install that version, or set ISNAD_DATA_DIR to another folder."
        )
    space = (collection.configuration.get("hnsw") or {}).get("space")
    if space != "cosine":
        raise StoreMismatchError(
            f"The collection in {place} measures by {space!r}, expected 'cosine'. Set ISNAD_DATA_DIR to another folder "
            "and ingest the articles again."
        )
    made_with = ModelStamp(str(found.get("model")), int(found.get("dimension", 0)), str(found.get("centring")))
    if stamp is not None and made_with != stamp:
        what = "" if made_with.model != stamp.model else " with other language means"
        raise StoreMismatchError(
            f"The collection in {place} was embedded with {made_with.model!r} ({made_with.dimension} dimensions)"
            f"{what}; now {stamp.model!r} ({stamp.dimension}) is set. Set ISNAD_EMBEDDING_MODEL back, or re-embed the "
            "articles with: isnad rebuild"
        )


@contextmanager
def _translated(place: str) -> Iterator[None]:
    """Turns whatever Chroma raises into a StoreError that says where and what to do."""
    try:
        yield
    except IsnadError:
        raise
    except BaseException as error:
        # Chroma's Rust core panics with a BaseException of its own on damaged files.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if place.startswith("http"):
            raise StoreError(
                f"The Chroma server at {place} does not answer as expected: {reason}. Check that it runs "
                "(chroma run --path FOLDER) and that ISNAD_CHROMA_URL is its address."
            ) from error
        raise _damaged(place, reason) from error


def _is_full(place: str) -> bool:
    """Whether there is no room at the place; Chroma then reports all sorts of things."""
    try:
        return shutil.disk_usage(place).free < _LEAST_FREE
    except OSError:
        return False


def _damaged(place: str, reason: str) -> StoreError:
    if "disk is full" in reason or "No space left" in reason or _is_full(place):
        return StoreError(
            f"The disk of {place} is full. What was stored before is unharmed; free some space and run it again."
        )
    return StoreError(
        f"The collection in {place} cannot be read or written: {reason}. If the folder is damaged, restore it from a "
        "backup, or move it away and ingest the articles again."
    )


def _metadata(article: Article) -> dict[str, str]:
    return {name: value for name, value in asdict(article).items() if name not in ("id", "text")}


def _article(article_id: str, metadata: Mapping[str, Any], text: str | None) -> Article:
    fields = {name: str(metadata.get(name, "")) for name in _metadata(Article(id="", title="", text=""))}
    return Article(id=article_id, text=text or "", **fields)


def _passage(passage_id: str, metadata: Mapping[str, Any], text: str, article: Article) -> Passage:
    numbers = json.loads(str(metadata["sentences"]))
    return Passage(
        id=passage_id,
        article_id=article.id,
        text=text,
        start=int(metadata["start"]),
        end=int(metadata["end"]),
        language=article.language,
        sentences=tuple(zip(numbers[::2], numbers[1::2], strict=True)),
    )
