"""The collection, in a folder and on a real Chroma server: whole articles or none, and clear refusals."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import chromadb
import numpy as np
import pytest
from chromadb.config import Settings

from ingest.index import Outcome, ingest_article, ingest_files, reembed
from ingest.load import find_files
from rag.assistant import Assistant
from rag.build import Model
from rag.embedding import Vectors
from rag.errors import StoreBusyError, StoreError, StoreMismatchError, UsageError
from rag.store import ModelStamp, Store, open_store
from rag.types import Article, Passage
from tests.conftest import add

_STAMP = ModelStamp("some-model", 4, "means")
_Open = Callable[..., Store]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real ``chroma run`` on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--host", "127.0.0.1", "--port", str(port)]
    folder = tmp_path_factory.mktemp("chroma")
    running = subprocess.Popen([*command, "--path", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(120):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.25)
    yield f"http://127.0.0.1:{port}"
    running.terminate()
    running.wait(timeout=20)


@pytest.fixture(params=["folder", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Open]:
    """Opens the same empty place again and again, in a folder or on the server."""
    url = request.getfixturevalue("server") if request.param == "server" else ""
    if url:
        client = chromadb.HttpClient(host="127.0.0.1", port=int(url.rsplit(":", 1)[1]))
        for collection in client.list_collections():
            client.delete_collection(collection.name)
    opened: list[Store] = []

    def open_place(stamp: ModelStamp | None = _STAMP, *, writing: bool = True) -> Store:
        for store in opened:
            store.close()
        opened.append(open_store(data_dir=tmp_path / "data", chroma_url=url, stamp=stamp, writing=writing))
        return opened[-1]

    yield open_place
    for store in opened:
        store.close()


def _unit(*numbers: float) -> Vectors:
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def _put(store: Store, article: Article, version: str, *vectors: Vectors) -> None:
    passages = [
        Passage(
            f"{article.id}:{version}:{i}", article.id, article.text, 0, len(article.text), article.language, ((0, 3),)
        )
        for i in range(len(vectors))
    ]
    store.put(article, passages, np.stack(vectors), version=version)


@pytest.mark.parametrize(("language", "text"), [("ar", "نص المقال هنا."), ("zh", "文章。"), ("en", "Text here.")])
def test_what_is_put_comes_back(place: _Open, language: str, text: str) -> None:
    """An article and its passages survive closing; search gives the nearest first; delete removes both."""
    article = Article("a", "T", text, "https://example.org", "P", "2022-07-19", language)
    store = place()
    _put(store, article, "v1", _unit(1, 0, 0, 0), _unit(0, 1, 0, 0))
    store = place(writing=False)
    found = store.search(_unit(1, 0.1, 0, 0), k=5)
    assert [each.passage.id for each in found] == ["a:v1:0", "a:v1:1"]
    assert found[0].cosine == pytest.approx(0.995, abs=0.01)
    assert replace(found[0].article, added_at="") == article
    assert found[0].article.added_at
    assert (store.version("a"), store.twin("v1"), store.count(), store.count_passages()) == ("v1", "a", 1, 2)
    store = place()
    assert store.delete("a")
    assert not store.delete("a")
    assert (store.count(), store.search(_unit(1, 0, 0, 0), k=5)) == (0, [])


def test_a_replaced_article_is_whole(place: _Open) -> None:
    """After a change only the new version's passages are found, and no old ones are left behind."""
    store = place()
    article = Article("a", "T", "Old text.", language="en")
    _put(store, article, "v1", *[_unit(1, i, 0, 0) for i in range(5)])
    _put(store, replace(article, text="New text."), "v2", _unit(0, 0, 1, 0))
    assert [each.article.text for each in store.search(_unit(1, 0, 0, 0), k=10)] == ["New text."]
    assert store.count_passages() == 1


def test_passages_without_their_article_never_answer(place: _Open) -> None:
    """What a killed write left, passages of no article or of another version, is not found."""
    store = place()
    _put(store, Article("a", "T", "Text.", language="en"), "v1", _unit(1, 0, 0, 0))
    for passage_id, article_id, version in (("x", "gone", "v1"), ("y", "a", "v0")):
        meta = {"article_id": article_id, "version": version, "start": 0, "end": 3, "sentences": "[0, 3]"}
        store._passages.upsert(ids=[passage_id], documents=["bad"], metadatas=[meta], embeddings=[[1.0, 0, 0, 0]])
    assert [each.passage.id for each in store.search(_unit(1, 0, 0, 0), k=10)] == ["a:v1:0"]


def test_more_passages_than_one_batch_may_hold(place: _Open) -> None:
    """An article of more passages than Chroma takes at once is stored whole."""
    store = place()
    count = store._client.get_max_batch_size() + 10
    vectors = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    _put(store, Article("a", "T", "Text.", language="en"), "v1", *vectors)
    assert store.count_passages() == count


def test_another_model_is_refused_and_a_rebuild_takes_it(place: _Open) -> None:
    """Opening with another model names both and the command; the articles can still be listed, and re-embedded."""
    _put(place(), Article("a", "T", "Text.", language="en"), "v1", _unit(1, 0, 0, 0))
    other = ModelStamp("other-model", 3, "means")
    with pytest.raises(StoreMismatchError, match=r"some-model.*other-model.*isnad rebuild") as refused:
        place(other)
    assert refused.value.exit_code == 2
    store = place(None)
    successor = store.successor(other)
    for article in store.articles():
        _put(successor, article, "v1", _unit(1, 0, 0))
    store.replace_with(successor)
    assert [article.id for article in place(other).articles()] == ["a"]


def test_a_rebuild_that_stops_at_the_swap_is_finished_at_the_next_start(place: _Open) -> None:
    """Once the old articles are gone, the complete successor is taken, whichever step was next."""
    store = place()
    _put(store, Article("a", "T", "Text.", language="en"), "v1", _unit(1, 0, 0, 0))
    successor = store.successor(_STAMP)
    _put(successor, Article("a", "T", "Text.", language="en"), "v2", _unit(0, 1, 0, 0))
    store._client.delete_collection("isnad_articles")
    assert [each.passage.id for each in place().search(_unit(0, 1, 0, 0), k=3)] == ["a:v2:0"]


@pytest.mark.parametrize(
    ("metadata", "space", "said"),
    [
        ({"isnad_format": 99, "model": "m", "dimension": 4, "centring": "c"}, "cosine", "newer Isnad"),
        ({"isnad_format": 1, "model": "some-model", "dimension": 4, "centring": "means"}, "l2", "measures by 'l2'"),
        ({"somebody": "else"}, "cosine", "not made by Isnad"),
    ],
)
def test_collections_that_would_be_misread_are_refused(
    tmp_path: Path, metadata: dict[str, str | int], space: str, said: str
) -> None:
    """A newer format, another distance and somebody else's collection are errors that say what to do."""
    client = chromadb.PersistentClient(str(tmp_path / "chroma"), settings=Settings(anonymized_telemetry=False))
    client.create_collection("isnad_articles", metadata=metadata, configuration={"hnsw": {"space": space}})
    with pytest.raises(StoreMismatchError, match=said):
        open_store(data_dir=tmp_path, chroma_url="", stamp=_STAMP)


@pytest.mark.parametrize(
    "damage", [lambda raw: b"garbage" * 500, lambda raw: raw[: len(raw) // 2]], ids=["garbage", "half"]
)
def test_a_damaged_folder_is_named_and_left_as_it_is(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """A damaged database is an error in one line, and not a byte of it is changed."""
    with open_store(data_dir=tmp_path / "a", chroma_url="", stamp=_STAMP, writing=True) as store:
        _put(store, Article("a", "T", "Text.", language="en"), "v1", _unit(1, 0, 0, 0))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    database = tmp_path / "b" / "chroma" / "chroma.sqlite3"
    database.write_bytes(damage(database.read_bytes()))
    before = database.read_bytes()
    with pytest.raises(StoreError, match="move it away and ingest") as failed:
        open_store(data_dir=tmp_path / "b", chroma_url="", stamp=_STAMP)
    assert "\n" not in str(failed.value)
    assert database.read_bytes() == before


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    """A file instead of a folder, and a server that is away, are errors that name the setting."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="ISNAD_DATA_DIR"):
        open_store(data_dir=tmp_path / "file", chroma_url="", stamp=_STAMP)
    with pytest.raises(StoreError, match="ISNAD_CHROMA_URL"):
        open_store(data_dir=tmp_path, chroma_url="http://127.0.0.1:9", stamp=_STAMP)


def test_readers_share_a_folder_and_a_writer_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process may read while one reads; one that wants to write is told who is in the way."""
    monkeypatch.setattr("rag.store._LOCK_SECONDS", 0.5)
    with open_store(data_dir=tmp_path, chroma_url="", stamp=_STAMP, writing=True) as store:
        _put(store, Article("a", "T", "Text.", language="en"), "v1", _unit(1, 0, 0, 0))
    reading = (
        "import sys; from pathlib import Path; from rag.store import *; import time\n"
        f"s = open_store(data_dir=Path({str(tmp_path)!r}), chroma_url='', stamp=None); print(s.count(), flush=True)\n"
        "sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", reading], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])})  # fmt: skip
    try:
        assert other.stdout
        assert other.stdout.readline().strip() == "1"
        with open_store(data_dir=tmp_path, chroma_url="", stamp=_STAMP) as store:
            assert store.count() == 1
        with pytest.raises(StoreBusyError, match="ISNAD_CHROMA_URL"):
            open_store(data_dir=tmp_path, chroma_url="", stamp=_STAMP, writing=True)
    finally:
        other.communicate(input="", timeout=20)


def test_a_full_disk_loses_nothing(tmp_path: Path, model: Model) -> None:
    """What was stored before a write that found the disk full is all there once there is room; the new one is not."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]).returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        with open_store(data_dir=disk / "data", chroma_url="", stamp=model.stamp, writing=True) as store:
            add(store, model, "The harbour opened on Sunday.", id="small")
            vectors = np.random.default_rng(0).normal(size=(3000, 384)).astype(np.float32)
            with pytest.raises(StoreError, match=r"disk of .* is full"):
                _put(store, Article("big", "T", "Text. " * 50, language="en"), "v1", *vectors)
        shutil.copytree(disk / "data", tmp_path / "roomy")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    with open_store(data_dir=tmp_path / "roomy", chroma_url="", stamp=model.stamp, writing=True) as store:
        assert [article.id for article in store.articles()] == ["small"]
        answer = Assistant(store, model.embedder, model.means).ask("When did the harbour open?")
        assert answer.citations[0].article.id == "small"


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path, store: Store, model: Model) -> None:
    """Binary, badly encoded, empty and misdescribed files are named with the reason; the good ones are in, once."""
    folder = tmp_path / "articles"
    (folder / "sub").mkdir(parents=True)
    (folder / "good.txt").write_text("Title\n\nThe harbour opened on Sunday.", "utf-8")
    (folder / "sub" / "arabic.md").write_text(
        "---\ntitle: عنوان\nlanguage: ar\n---\nافتتح **الميناء** يوم الأحد.", "utf-8"
    )
    (folder / "binary.txt").write_bytes(b"\x00\x01\x02PNG")
    (folder / "latin.txt").write_bytes("Größe".encode("latin-1"))
    (folder / "empty.md").write_text("---\ntitle: x\n---\n")
    (folder / "date.md").write_text("---\npublished: yesterday\n---\nText.")
    (folder / "yaml.md").write_text("---\ntitle: a: b: c\n---\nText.")
    (folder / "gone.txt").symlink_to(folder / "nowhere")
    (folder / ".hidden.txt").write_text("no")
    files = [*find_files([folder]), folder / "gone.txt"]
    done = {Path(each.source).name: each for each in ingest_files(files, store, model.embedder, model.means)}
    failed = {name for name, each in done.items() if each.outcome is Outcome.FAILED}
    assert failed == {"binary.txt", "latin.txt", "empty.md", "date.md", "yaml.md", "gone.txt"}
    assert all(name in done[name].reason and "\n" not in done[name].reason for name in failed)
    assert {article.title for article in store.articles()} == {"Title", "عنوان"}
    assert all("**" not in article.text for article in store.articles())
    again = ingest_files([folder / "good.txt", folder / "sub" / "arabic.md"], store, model.embedder, model.means)
    assert [each.outcome for each in again] == [Outcome.UNCHANGED] * 2
    copy = shutil.copy(folder / "good.txt", tmp_path / "copy.txt")
    assert [each.outcome for each in ingest_files([Path(copy)], store, model.embedder, model.means)] == [
        Outcome.UNCHANGED
    ]
    (folder / "good.txt").write_text("Title\n\nThe harbour opened on Monday.", "utf-8")
    assert [e.outcome for e in ingest_files([folder / "good.txt"], store, model.embedder, model.means)] == [
        Outcome.CHANGED
    ]
    answer = Assistant(store, model.embedder, model.means).ask("When did the harbour open?")
    assert "Sunday" not in answer.text


def test_a_missing_path_is_a_usage_error(tmp_path: Path) -> None:
    """A path that does not exist is refused before anything is read."""
    with pytest.raises(UsageError, match="no file or folder"):
        list(find_files([tmp_path / "nowhere"]))


def test_reembedding_keeps_the_articles(tmp_path: Path, model: Model) -> None:
    """Ids, texts and the time they were added stay; the vectors are new."""
    with open_store(data_dir=tmp_path, chroma_url="", stamp=model.stamp, writing=True) as store:
        article = add(store, model, "افتتح الميناء يوم الأحد.", language="ar", title="الميناء")
        before = store.article(article.id)
        assert reembed(store, model.embedder, model.means, stamp=model.stamp) == 1
    with open_store(data_dir=tmp_path, chroma_url="", stamp=model.stamp, writing=True) as store:
        assert store.article(article.id) == before
        assert ingest_article(article, store, model.embedder, model.means) is Outcome.UNCHANGED
