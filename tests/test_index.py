"""Files into the collection: the good ones in, the bad ones named, nothing twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ingest.index import Outcome, ingest_article, ingest_files, reembed
from ingest.load import find_files
from rag.assistant import Assistant
from rag.build import Model
from rag.errors import UsageError
from rag.store import Store, open_store
from tests.conftest import add


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
