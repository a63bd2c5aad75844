"""The collection, in a folder and on a server: what is stored comes back, and nothing half-written does."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import chromadb
import numpy as np
import pytest
from chromadb.api import ClientAPI
from chromadb.config import Settings as ChromaSettings

import rag.lock
from ingest.split import split_passages
from rag.chroma import ModelStamp
from rag.embedding import Vectors
from rag.errors import EmptyCollectionError, StoreBusyError, StoreError, StoreMismatchError
from rag.records import Embedded, article_version
from rag.store import Store, open_store
from rag.types import Article, Passage

_DIMENSION = 384


class _Found(NamedTuple):
    passage: Passage
    article: Article
    cosine: float


def _search(store: Store, vector: Vectors, *, k: int) -> list[_Found]:
    """The ``k`` nearest passages with their articles, nearest first."""
    nearest = sorted(store.candidates(vector, (), k=k), key=lambda each: -each.dense)
    loaded = store.load([each.passage_id for each in nearest])
    return [_Found(*loaded[each.passage_id], each.dense) for each in nearest if each.passage_id in loaded]


_STAMP = ModelStamp("model-a", _DIMENSION, "means-a")
_OTHER = ModelStamp("model-b", 768, "means-b")
_ARTICLES = {
    "en": Article(
        id="en1",
        title="Grain deal",
        text="The deal was signed in Istanbul. It lasts 120 days.\n\nShips may pass again.",
        url="https://example.org/en1",
        publisher="Example",
        published="2022-07-22",
        language="en",
    ),
    "ar": Article(id="ar1", title="قمة طهران", text="وصل بوتين إلى طهران. والتقى رئيسي؛ ثم غادر.", language="ar"),
    "zh": Article(id="zh1", title="问天发射", text="问天实验舱发射成功。它与核心舱对接。😀好。", language="zh"),
}


def _passages(article: Article) -> list[Passage]:
    """The article's passages; a budget of one token, so that every sentence is one."""
    version = article_version(article)
    return split_passages(article, version=version, count_tokens=lambda texts: [1 for _ in texts], budget=1)


def _vectors(count: int, seed: int = 0) -> Vectors:
    """Unit vectors in random directions, which in 384 dimensions are all but orthogonal."""
    vectors = np.random.default_rng(seed).normal(size=(count, _DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _put(store: Store, article: Article, seed: int = 0) -> Vectors:
    passages = _passages(article)
    vectors = _vectors(len(passages), seed)
    store.put([Embedded(article, article_version(article), passages, vectors)])
    return vectors


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /api/v2/heartbeat HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b"heartbeat" in connection.makefile("rb").read()
    except OSError:
        return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Chroma server on this machine."""
    folder, port = tmp_path_factory.mktemp("server"), _free_port()
    command = [Path(sys.executable).with_name("chroma"), "run", "--path", folder, "--host", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log, cwd=folder)
    try:
        for _ in range(600):
            if process.poll() is not None or _answers(port):
                break
            time.sleep(0.1)
        assert _answers(port), (folder / "log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


class _Place:
    """Where the tests keep a collection: opened by ``open``, or behind Isnad's back by ``client``."""

    def __init__(self, data_dir: Path, chroma_url: str) -> None:
        self.data_dir, self.chroma_url = data_dir, chroma_url

    def open(self, stamp: ModelStamp | None = _STAMP, *, writing: bool = True) -> Store:
        return open_store(data_dir=self.data_dir, chroma_url=self.chroma_url, stamp=stamp, writing=writing)

    def client(self) -> ClientAPI:
        settings = ChromaSettings(anonymized_telemetry=False)
        if self.chroma_url:
            return chromadb.HttpClient("127.0.0.1", int(self.chroma_url.rsplit(":", 1)[1]), settings=settings)
        return chromadb.PersistentClient(str(self.data_dir / "chroma"), settings=settings)


@pytest.fixture(params=["folder", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Place]:
    """An empty place for a collection, of each kind."""
    yield (found := _Place(tmp_path / "data", request.getfixturevalue("server") if request.param == "server" else ""))
    if found.chroma_url:
        for collection in found.client().list_collections():
            found.client().delete_collection(collection.name)


@pytest.mark.parametrize("language", _ARTICLES)
def test_an_article_comes_back_as_it_was_put(place: _Place, language: str) -> None:
    """Every field and every character of the text is read back, and when it was added is noted."""
    article = _ARTICLES[language]
    with place.open() as store:
        _put(store, article)
        found = store.article(article.id)
        assert found is not None and found.added_at
        assert found == Article(**{**_fields(article), "added_at": found.added_at})
        assert store.version(article.id) == article_version(article)
        assert list(store.articles()) == [found]
        assert (store.count(), store.count_passages()) == (1, len(_passages(article)))
        assert store.languages() == {language: 1}


def _fields(article: Article) -> dict[str, str]:
    return {name: getattr(article, name) for name in Article.__dataclass_fields__}


@pytest.mark.parametrize("language", _ARTICLES)
def test_a_passage_is_found_by_its_own_vector(place: _Place, language: str) -> None:
    """The nearest passage is the one whose vector it is, with the offsets of its sentences in its article."""
    with place.open() as store:
        vectors = {code: _put(store, article, seed) for seed, (code, article) in enumerate(_ARTICLES.items())}
        passages = _passages(_ARTICLES[language])
        for passage, vector in zip(passages, vectors[language], strict=True):
            first, *others = _search(store, vector, k=3)
            assert first.passage == passage
            assert first.article.id == _ARTICLES[language].id
            assert first.cosine == pytest.approx(1, abs=1e-4)
            assert first.article.text[first.passage.start : first.passage.end] == passage.text
            assert all(other.cosine < first.cosine for other in others)


def test_search_gives_as_many_as_asked_nearest_first(place: _Place) -> None:
    """``k`` passages where there are so many, else all, in the order of their cosine."""
    with place.open() as store:
        assert _search(store, _vectors(1)[0], k=5) == []
        vectors = [_put(store, article, seed) for seed, article in enumerate(_ARTICLES.values())]
        total = sum(map(len, vectors))
        assert len(_search(store, vectors[0][0], k=2)) == 2
        everything = [found.cosine for found in _search(store, vectors[0][0], k=100)]
        assert len(everything) == total
        assert everything == sorted(everything, reverse=True)


def test_what_is_not_there_is_none(place: _Place) -> None:
    """Unknown ids and versions are answered, not raised."""
    with place.open() as store:
        assert store.article("nothing") is None
        assert store.version("nothing") == ""
        assert store.delete(["nothing"]) == []
        assert (store.count(), store.count_passages(), list(store.articles())) == (0, 0, [])


def test_articles_without_their_texts(place: _Place) -> None:
    """A listing can leave the texts out, and only those."""
    with place.open() as store:
        for article in _ARTICLES.values():
            _put(store, article)
        listed = {article.id: article for article in store.articles(with_text=False)}
    assert {article_id: article.title for article_id, article in listed.items()} == {
        article.id: article.title for article in _ARTICLES.values()
    }
    assert all(article.text == "" for article in listed.values())


def test_many_articles_are_listed_whole(place: _Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection of several pages is listed once each, the last page full or not."""
    monkeypatch.setattr(rag.store, "_PAGE", 2)
    with place.open() as store:
        for count in range(1, 6):
            _put(store, Article(id=f"a{count}", title="", text=f"Text {count}."), seed=count)
            assert sorted(article.id for article in store.articles()) == [f"a{n + 1}" for n in range(count)]


@pytest.mark.parametrize("language", _ARTICLES)
def test_a_replaced_article_answers_only_anew(place: _Place, language: str) -> None:
    """After an article has changed its old passages are neither found nor kept."""
    before = _ARTICLES[language]
    after = Article(**{**_fields(before), "text": "نص جديد. 新的。 New."})
    with place.open() as store:
        old = _put(store, before)
        _put(store, after, seed=1)
        assert {found.passage.id for found in _search(store, old[0], k=100)} == {p.id for p in _passages(after)}
        assert store.count() == 1
        assert store.count_passages() == len(_passages(after))
        assert store.article(before.id).text == after.text  # type: ignore[union-attr]


def test_an_article_replaced_while_it_is_looked_for_is_found(place: _Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between finding passages and looking which of them count, the article is replaced."""
    with place.open() as store:
        _put(store, _ARTICLES["en"])
        query, replaced = store._passages.query, []

        def slow(*args: Any, **kwargs: Any) -> Any:
            found = query(*args, **kwargs)
            if not replaced:
                replaced.append(_put(store, replace(_ARTICLES["en"], text="It was prolonged in March."), seed=1))
            return found

        monkeypatch.setattr(store._passages, "query", slow)
        found = _search(store, _vectors(1)[0], k=5)
    assert [each.passage.text for each in found] == ["It was prolonged in March."]


def test_putting_the_same_again_changes_nothing(place: _Place) -> None:
    """The same article is there once, with its passages once."""
    with place.open() as store:
        for _ in range(2):
            vectors = _put(store, _ARTICLES["ar"])
        assert (store.count(), store.count_passages()) == (1, len(vectors))


def test_a_deleted_article_is_gone(place: _Place) -> None:
    """With its text, its passages and its version, and no other article."""
    with place.open() as store:
        vectors = _put(store, _ARTICLES["ar"])
        _put(store, _ARTICLES["zh"], seed=1)
        assert store.delete(["ar1"]) == ["ar1"]
        assert store.article("ar1") is None
        assert {found.article.id for found in _search(store, vectors[0], k=100)} == {"zh1"}
        assert (store.count(), store.count_passages()) == (1, len(_passages(_ARTICLES["zh"])))


def test_what_was_put_is_there_when_opened_again(place: _Place) -> None:
    """A closed collection keeps its articles, for readers with a model and for those without."""
    with place.open() as store:
        vectors = _put(store, _ARTICLES["zh"])
    with place.open(writing=False) as store:
        assert _search(store, vectors[0], k=1)[0].article.id == "zh1"
    with place.open(None, writing=False) as store:
        assert [article.id for article in store.articles()] == ["zh1"]


@pytest.mark.parametrize("version", ["missing", "other"])
def test_passages_without_their_article_are_never_returned(place: _Place, version: str) -> None:
    """What a write left behind half-way is passed over: no record, or a record of another version."""
    article = _ARTICLES["ar"]
    changed = Article(**{**_fields(article), "text": "نص لم يكتمل حفظه. جملة ثانية."})
    lost = _vectors(2, seed=7)
    with place.open() as store:
        if version == "other":
            _put(store, article)
        store._upsert_passages([Embedded(changed, article_version(changed), _passages(changed), lost)])
        found = {found.passage.id for found in _search(store, lost[0], k=100)}
        assert found == ({p.id for p in _passages(article)} if version == "other" else set())
        if version == "missing":
            assert store.article(article.id) is None
            assert store.version(article.id) == ""


def test_half_an_article_does_not_crowd_out_the_others(place: _Place) -> None:
    """Good passages are found though more of the nearest than were asked for belong to an unfinished article."""
    vectors = _vectors(1, seed=3)
    lost = Article(id="lost", title="", text=" ".join(f"Sentence {n}." for n in range(60)), language="en")
    with place.open() as store:
        kept = _put(store, _ARTICLES["zh"], seed=4)
        near = vectors + 0.01 * _vectors(60, seed=5)
        near /= np.linalg.norm(near, axis=1, keepdims=True)
        store._upsert_passages([Embedded(lost, "half", _passages(lost), near.astype(np.float32))])
        found = _search(store, vectors[0], k=len(kept))
        assert {hit.article.id for hit in found} == {"zh1"}
        assert len(found) == len(kept)


def test_more_passages_than_one_call_takes(place: _Place) -> None:
    """An article of more passages than Chroma takes at a time is stored whole, the last of them included."""
    text = " ".join(f"s{number:04}." for number in range(6000))
    article = Article(id="long", title="", text=text, language="en")
    spans = [(start, start + 6) for start in range(0, len(text), 7)]
    passages = [
        Passage(f"long:v:{n}", "long", text[start:end], start, end, "en", ((start, end),))
        for n, (start, end) in enumerate(spans)
    ]
    vectors = _vectors(len(passages))
    with place.open() as store:
        assert len(passages) > store._client.get_max_batch_size()
        store.put([Embedded(article, "v", passages, vectors)])
        assert store.count_passages() == 6000
        for number in (0, 5999):
            assert _search(store, vectors[number], k=1)[0].passage == passages[number]


@pytest.mark.parametrize("stamp", [_OTHER, ModelStamp("model-a", _DIMENSION, "means-b")], ids=["model", "means"])
def test_vectors_of_another_model_are_refused(place: _Place, stamp: ModelStamp) -> None:
    """What was made with another model or other means names both and says how to go on; listing still works."""
    with place.open() as store:
        _put(store, _ARTICLES["en"])
    with pytest.raises(StoreMismatchError, match="isnad rebuild") as caught:
        place.open(stamp)
    assert caught.value.exit_code == 2
    assert "'model-a'" in str(caught.value) and f"'{stamp.model}'" in str(caught.value)
    assert "\n" not in str(caught.value)
    with place.open(None) as store:
        assert store.count() == 1


def _foreign(metadata: dict[str, object] | None, space: str) -> Callable[[ClientAPI], object]:
    return lambda client: client.create_collection(
        "isnad_articles",
        metadata=metadata,  # type: ignore[arg-type]
        configuration={"hnsw": {"space": space}},  # type: ignore[typeddict-item]
        embedding_function=None,
    )


_METADATA = {"isnad_format": 2, "model": _STAMP.model, "dimension": _DIMENSION, "centring": _STAMP.centring}


@pytest.mark.parametrize("stamp", [_STAMP, None], ids=["model", "no-model"])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(_foreign(_METADATA, "l2"), "'l2'.*'cosine'", id="space"),
        pytest.param(_foreign({**_METADATA, "isnad_format": 99}, "cosine"), "newer.*99", id="format"),
        pytest.param(_foreign({"owner": "someone"}, "cosine"), "not made by Isnad", id="foreign"),
        pytest.param(_foreign(None, "cosine"), "not made by Isnad", id="bare"),
    ],
)
def test_a_collection_that_cannot_be_used_is_refused(
    place: _Place, make: Callable[[ClientAPI], object], says: str, stamp: ModelStamp | None
) -> None:
    """Another distance, a newer layout or someone else's collection is refused, and nothing is added to it."""
    make(place.client())
    with pytest.raises(StoreMismatchError, match=says) as caught:
        place.open(stamp)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert [collection.name for collection in place.client().list_collections()] == ["isnad_articles"]


def test_there_is_nothing_to_take_where_nothing_was_put(place: _Place) -> None:
    """Without a model an empty place is no collection, and asking leaves none behind."""
    with pytest.raises(EmptyCollectionError, match="isnad ingest"):
        place.open(None, writing=False)
    assert list(place.client().list_collections()) == []


def test_other_collections_are_left_alone(place: _Place) -> None:
    """Isnad shares a Chroma server with others without touching theirs."""
    place.client().create_collection("someone_elses", embedding_function=None)
    with place.open() as store:
        _put(store, _ARTICLES["en"])
        store.replace_with(store.successor(_OTHER))
    names = {collection.name for collection in place.client().list_collections()}
    assert names == {"someone_elses", "isnad_articles", "isnad_passages"}


def test_a_successor_takes_the_place_when_it_is_full(place: _Place) -> None:
    """Until then the old collection answers; afterwards only the new one is there, with its own model."""
    with place.open() as store:
        old = _put(store, _ARTICLES["en"])
        successor = store.successor(_OTHER)
        vectors = np.eye(3, 768, dtype=np.float32)[: len(_passages(_ARTICLES["zh"]))]
        successor.put(
            [Embedded(_ARTICLES["zh"], article_version(_ARTICLES["zh"]), _passages(_ARTICLES["zh"]), vectors)]
        )
        assert {found.article.id for found in _search(store, old[0], k=10)} == {"en1"}
        store.replace_with(successor)
    with place.open(_OTHER) as store:
        assert [article.id for article in store.articles()] == ["zh1"]
        assert _search(store, vectors[0], k=1)[0].article.id == "zh1"
        assert store.count_passages() == len(vectors)
    assert {c.name for c in place.client().list_collections()} == {"isnad_articles", "isnad_passages"}


def test_a_successor_left_half_full_is_begun_anew(place: _Place) -> None:
    """A rebuild that was stopped changes nothing, and the next one begins with an empty collection."""
    with place.open() as store:
        vectors = _put(store, _ARTICLES["en"])
        _put(store.successor(_STAMP), _ARTICLES["ar"])
    with place.open() as store:
        assert {found.article.id for found in _search(store, vectors[0], k=10)} == {"en1"}
        assert store.successor(_OTHER).count() == 0


@pytest.mark.parametrize("steps", [1, 2, 3], ids=["articles-deleted", "passages-deleted", "passages-renamed"])
@pytest.mark.parametrize("stamp", [_STAMP, None], ids=["model", "no-model"])
def test_a_replacement_that_was_cut_off_is_finished(place: _Place, steps: int, stamp: ModelStamp | None) -> None:
    """Wherever the process died after the first step, opening the collection completes the replacement."""
    with place.open() as store:
        _put(store, _ARTICLES["en"])
        vectors = _put(store.successor(_STAMP), _ARTICLES["ar"], seed=1)
    client = place.client()
    client.delete_collection("isnad_articles")
    if steps > 1:
        client.delete_collection("isnad_passages")
    if steps > 2:
        client.get_collection("isnad_passages_next", embedding_function=None).modify(name="isnad_passages")
    with place.open(stamp) as store:
        assert [article.id for article in store.articles()] == ["ar1"]
        assert {found.article.id for found in _search(store, vectors[0], k=10)} == {"ar1"}
    assert {c.name for c in place.client().list_collections()} == {"isnad_articles", "isnad_passages"}


def test_a_server_that_is_away_is_named(tmp_path: Path) -> None:
    """A closed port gives one line with the address and the setting that holds it, and makes no data folder."""
    url = f"http://127.0.0.1:{_free_port()}"
    with pytest.raises(StoreError, match="ISNAD_CHROMA_URL") as caught:
        open_store(data_dir=tmp_path / "data", chroma_url=url, stamp=_STAMP)
    assert url in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert not (tmp_path / "data").exists()


def test_a_server_that_is_not_chroma_is_named(tmp_path: Path) -> None:
    """Another program's page at that address is no collection."""
    port = _free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        with pytest.raises(StoreError, match="ISNAD_CHROMA_URL") as caught:
            open_store(data_dir=tmp_path / "data", chroma_url=f"http://127.0.0.1:{port}", stamp=_STAMP)
        assert "\n" not in str(caught.value)
    finally:
        process.kill()
        process.wait()


# From here on: what only a folder can do. Chroma keeps an opened folder in memory for as long as the process lives, so
# what another process would see is tried in another process.

_IN_ANOTHER_PROCESS = """
import json, sys
from pathlib import Path
from rag.errors import IsnadError
import rag.lock
from rag.store import open_store
from tests.test_store import _ARTICLES, _STAMP, _put, _search, _vectors
rag.lock._LOCK_SECONDS = 0.2
folder, doing = Path(sys.argv[1]), sys.argv[2]
said = {}
try:
    with open_store(data_dir=folder, chroma_url="", stamp=_STAMP, writing=doing != "read") as store:
        if doing in _ARTICLES:
            _put(store, _ARTICLES[doing])
        said["ids"] = sorted(article.id for article in store.articles())
        said["found"] = sorted({found.article.id for found in _search(store, _vectors(1)[0], k=100)})
except IsnadError as error:
    said["error"], said["message"], said["exit_code"] = type(error).__name__, str(error), error.exit_code
print(json.dumps(said))
"""


def _another_process(folder: Path, doing: str) -> dict[str, object]:
    """What another process sees in the collection: it opens it to "read", to "write", or to put an article."""
    done = subprocess.run(
        [sys.executable, "-c", _IN_ANOTHER_PROCESS, folder, doing],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=Path(rag.lock.__file__).parent.parent,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("damage", ["garbage", "half", "empty"])
@pytest.mark.parametrize("doing", ["read", "write"])
def test_a_damaged_folder_is_refused_and_left_as_it_is(tmp_path: Path, doing: str, damage: str) -> None:
    """A broken database is one line that says what to do, and not a byte of it is changed."""
    folder = tmp_path / "data"
    assert _another_process(folder, "ar")["ids"] == ["ar1"]
    database = folder / "chroma" / "chroma.sqlite3"
    content = database.read_bytes()
    half, header = content[: len(content) // 2], content[:100]
    damaged = {"garbage": b"garbage " * 4096, "half": half, "empty": header + b"\0" * 900}
    database.write_bytes(damaged[damage])
    before = _bytes(folder / "chroma")
    said = _another_process(folder, doing)
    assert said["error"] == "StoreError"
    assert str(folder) in str(said["message"]) and "\n" not in str(said["message"])
    assert "backup" in str(said["message"])
    assert _bytes(folder / "chroma") == before


def test_a_folder_can_be_named_from_where_one_stands(tmp_path: Path) -> None:
    """A relative data folder works the second time as it did the first."""
    for _ in range(2):
        with open_store(data_dir=Path("نص 数据"), chroma_url="", stamp=_STAMP, writing=True) as store:
            _put(store, _ARTICLES["ar"])
    assert (tmp_path / "نص 数据" / "chroma").is_dir()


def test_two_can_read_at_once(tmp_path: Path) -> None:
    """A reader does not keep another reader out."""
    folder = tmp_path / "data"
    _another_process(folder, "ar")
    with open_store(data_dir=folder, chroma_url="", stamp=_STAMP) as store:
        assert _another_process(folder, "read")["found"] == ["ar1"]
        assert store.count() == 1


@pytest.mark.parametrize(("writing", "doing"), [(False, "write"), (True, "read"), (True, "write")])
def test_a_writer_is_alone(tmp_path: Path, writing: bool, doing: str) -> None:
    """Who would write while others read, or read while another writes, is told so, and may once they are gone."""
    folder = tmp_path / "data"
    with open_store(data_dir=folder, chroma_url="", stamp=_STAMP, writing=writing):
        said = _another_process(folder, doing)
    assert said["error"] == "StoreBusyError"
    assert "another process" in str(said["message"]) and "ISNAD_CHROMA_URL" in str(said["message"])
    assert said["exit_code"] == 1
    assert "error" not in _another_process(folder, doing)


def test_a_writer_is_alone_within_a_process_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two openings of one process keep out of each other's way like two processes."""
    monkeypatch.setattr(rag.lock, "_LOCK_SECONDS", 0.2)
    with open_store(data_dir=tmp_path / "data", chroma_url="", stamp=_STAMP), pytest.raises(StoreBusyError):
        open_store(data_dir=tmp_path / "data", chroma_url="", stamp=_STAMP, writing=True)
    open_store(data_dir=tmp_path / "data", chroma_url="", stamp=_STAMP, writing=True).close()


def test_a_refused_collection_is_not_kept_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An opening that fails lets the next one in."""
    monkeypatch.setattr(rag.lock, "_LOCK_SECONDS", 0.2)
    open_store(data_dir=tmp_path / "data", chroma_url="", stamp=_STAMP, writing=True).close()
    for _ in range(2):
        with pytest.raises(StoreMismatchError):
            open_store(data_dir=tmp_path / "data", chroma_url="", stamp=_OTHER, writing=True)


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    """A file where the folder should be is named, with the setting."""
    (tmp_path / "data").write_text("not a folder")
    for data_dir in (tmp_path / "data", tmp_path / "data" / "below"):
        with pytest.raises(StoreError, match="ISNAD_DATA_DIR") as caught:
            open_store(data_dir=data_dir, chroma_url="", stamp=_STAMP)
        assert str(data_dir) in str(caught.value) and "\n" not in str(caught.value)
    assert (tmp_path / "data").read_text() == "not a folder"


def test_a_folder_that_cannot_be_written_is_named() -> None:
    """A place where nobody may make a folder is named, with the setting."""
    with pytest.raises(StoreError, match="ISNAD_DATA_DIR") as caught:
        open_store(data_dir=Path("/proc/isnad"), chroma_url="", stamp=_STAMP)
    assert "/proc/isnad" in str(caught.value) and "\n" not in str(caught.value)


def _mounted(folder: Path) -> bool:
    """Whether a file system in memory could be mounted there; only root may, and not in every container."""
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", "size=128m", "isnad-test", folder]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not _mounted(folder):
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_costs_only_the_article_that_did_not_fit(small_disk: Path) -> None:
    """It is said that the disk is full; what was stored answers on, and with more room the article can be stored."""
    folder = small_disk
    large = Article(id="large", title="", text=" ".join(f"Sentence {n}." for n in range(3000)), language="en")
    with open_store(data_dir=folder / "data", chroma_url="", stamp=_STAMP, writing=True) as store:
        vectors = _put(store, _ARTICLES["ar"])
        others = folder / "others"
        others.write_bytes(bytes(shutil.disk_usage(folder).free - 10_000_000))
        with pytest.raises(StoreError, match=r"disk of .* is full") as caught:
            _put(store, large, seed=1)
        assert "\n" not in str(caught.value)
        assert store.article("large") is None
        assert {found.article.id for found in _search(store, vectors[0], k=100)} == {"ar1"}
        others.unlink()
        _put(store, large, seed=1)
    assert _another_process(folder / "data", "zh")["ids"] == ["ar1", "large", "zh1"]


def test_a_disk_that_others_filled_to_the_last_byte_is_named(small_disk: Path) -> None:
    folder = small_disk
    with open_store(data_dir=folder / "data", chroma_url="", stamp=_STAMP, writing=True) as store:
        _put(store, _ARTICLES["ar"])
    (folder / "others").write_bytes(bytes(shutil.disk_usage(folder).free))
    said = _another_process(folder / "data", "read")
    assert said.get("found") == ["ar1"] or "is full" in str(said["message"])
    (folder / "others").unlink()
    assert _another_process(folder / "data", "read") == {"ids": ["ar1"], "found": ["ar1"]}
