"""How Isnad reaches Chroma: in a folder or on a server, its collections checked, its errors put into words."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rag.errors import EmptyCollectionError, IsnadError, StoreError, StoreMismatchError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

# The layout that rag/store.py describes. Raised when it changes, so that an older Isnad refuses what it would misread.
FORMAT = 2
ARTICLES = "isnad_articles"
PASSAGES = "isnad_passages"
# What a rebuild writes to until it is complete.
NEXT = "_next"
NO_ARTICLES = "There are no articles yet. Add some with: isnad ingest FILE_OR_FOLDER"
# In bytes: with less left nothing is written, since Chroma does not come back from every write that fails half-way, and
# an error is put down to the full disk. A write takes several times its own size, in the log and in the indexes.
_LEAST_FREE = 16_000_000
_ROOM_FOR_EACH_BYTE = 8


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """What a collection's vectors were made with; another stamp means that vectors do not compare."""

    model: str
    dimension: int
    centring: str


def check_database(path: Path, place: str) -> None:
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


def client_of(data_dir: Path, chroma_url: str) -> ClientAPI:
    """A client of the server at that address, or of the collection in the data folder if there is none."""
    return server_client(chroma_url) if chroma_url else folder_client(data_dir / "chroma")


def folder_client(path: Path) -> ClientAPI:
    """A client of Chroma, embedded in this process."""
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    return chromadb.PersistentClient(str(path), settings=ChromaSettings(anonymized_telemetry=False))


def server_client(url: str) -> ClientAPI:
    """A client of Chroma on a server."""
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


def open_collections(client: ClientAPI, stamp: ModelStamp | None, *, place: str) -> tuple[Collection, Collection]:
    """The collections of articles and of passages, created where there are none and the stamp says with what.

    Raises EmptyCollectionError when there are none and no stamp, StoreMismatchError for another stamp's.
    """
    found = names(client)
    if ARTICLES + NEXT in found and ARTICLES not in found:
        finish_replacing(client)
        found = names(client)
    if stamp is None and ARTICLES not in found:
        raise EmptyCollectionError(NO_ARTICLES)
    collections = []
    for name in (ARTICLES, PASSAGES):
        if stamp is None or name in found:
            collection = client.get_collection(name, embedding_function=None)
        else:
            collection = create(client, name, stamp)
        check(collection, stamp, place)
        collections.append(collection)
    return collections[0], collections[1]


def names(client: ClientAPI) -> set[str]:
    """The names of all collections."""
    return {collection.name for collection in client.list_collections()}


def create(client: ClientAPI, name: str, stamp: ModelStamp) -> Collection:
    """The collection of that name, created if need be, its vectors compared by cosine."""
    return client.get_or_create_collection(
        name,
        metadata={"isnad_format": FORMAT, **asdict(stamp)},
        configuration={"hnsw": {"space": "cosine"}},
        embedding_function=None,
    )


def finish_replacing(client: ClientAPI) -> None:
    """Renames a complete successor; every step can be the first one after a crash."""
    if PASSAGES + NEXT in names(client):
        if PASSAGES in names(client):
            client.delete_collection(PASSAGES)
        client.get_collection(PASSAGES + NEXT, embedding_function=None).modify(name=PASSAGES)
    client.get_collection(ARTICLES + NEXT, embedding_function=None).modify(name=ARTICLES)


def check(collection: Collection, stamp: ModelStamp | None, place: str) -> None:
    """Raises StoreMismatchError unless it is a collection of this format, made with what the stamp says if any."""
    found: Mapping[str, Any] = collection.metadata or {}
    version = found.get("isnad_format")
    if not isinstance(version, int) or version < 1:
        raise StoreMismatchError(
            f"The collection {collection.name} in {place} was not made by Isnad. Set ISNAD_DATA_DIR or "
            "ISNAD_CHROMA_URL to another place."
        )
    if version > FORMAT:
        raise StoreMismatchError(
            f"The collection in {place} was written by a newer Isnad (format {version}, this one reads {FORMAT}). "
            "Install that version, or set ISNAD_DATA_DIR to another folder."
        )
    if version < FORMAT and stamp is not None:
        raise StoreMismatchError(
            f"The collection in {place} was written by an older Isnad (format {version}, this one reads {FORMAT}). "
            "Bring it up to date, with nothing lost, with: isnad rebuild"
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


def require_room(place: str, size: int) -> None:
    """Raises StoreError where there is no room to write so many bytes; a server looks after its own disk."""
    if not place.startswith("http") and _is_full(place, _ROOM_FOR_EACH_BYTE * size):
        raise _full(place)


@contextmanager
def translated(place: str) -> Iterator[None]:
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


def _is_full(place: str, needed: int = 0) -> bool:
    """Whether there is no room at the place; Chroma then reports all sorts of things."""
    try:
        return shutil.disk_usage(place).free < _LEAST_FREE + needed
    except OSError:
        return False


def _full(place: str) -> StoreError:
    return StoreError(
        f"The disk of {place} is full. What was stored before is unharmed; free some space and run it again."
    )


def _damaged(place: str, reason: str) -> StoreError:
    if "disk is full" in reason or "No space left" in reason or _is_full(place):
        return _full(place)
    return StoreError(
        f"The collection in {place} cannot be read or written: {reason}. If the folder is damaged, restore it from a "
        "backup, or move it away and ingest the articles again."
    )
