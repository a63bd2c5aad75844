"""kill -9 in the middle of an ingest: nothing doubled, nothing missing, no half article.

The ingests run in processes of their own, forked from one that has imported everything, with a tiny model made on the
spot: a kill must not care what the vectors mean, and with the real model ten rounds would take many minutes.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from rag.build import build_model, build_store
from rag.records import article_version
from rag.settings import load
from rag.store import Store

_ARTICLES = 120
_KILLS = 10


def _body(number: int, version: int) -> str:
    return "\n".join(
        f"Place {number} counted {number * 37 + line * version} ships on day {line}. Captain {number}."
        for line in range(1, 7)
    )


def _write(folder: Path, *, version: int) -> None:
    """Articles of which, in version 2, every third is changed, every tenth is gone and some are new."""
    folder.mkdir()
    records = []
    for number in range(_ARTICLES + (20 if version == 2 else 0)):
        if version == 2 and number % 10 == 0:
            continue
        text = _body(number, version if number % 3 == 0 else 1)
        if number % 2:
            (folder / f"{number}.txt").write_text(f"Ships at {number}\n\n{text}", "utf-8")
        else:
            records.append(json.dumps({"id": number, "title": f"Ships at {number}", "text": text, "lang": "en"}))
    (folder / "records.jsonl").write_text("\n".join(records), "utf-8")


def _ingest(folder: Path, data: Path, model: Path) -> None:
    """``isnad ingest --prune`` in a process of its own."""
    os.environ |= {
        "ISNAD_DATA_DIR": str(data),
        "ISNAD_EMBEDDING_MODEL": str(model),
        "ISNAD_CACHE_DIR": str(model.parent),
    }
    from ui.cli import main

    os._exit(main(["ingest", str(folder), "--prune", "--yes", "--quiet"]))


def _start(*arguments: Path) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ui.cli", "ui.commands", "ingest.index", "ingest.gather", "rag.build", "chromadb",
                                    "sentence_transformers"])  # fmt: skip
    process = context.Process(target=_ingest, args=arguments)
    process.start()
    return process


def _open(data: Path, model: Path) -> Store:
    settings = load(data_dir=data, embedding_model=str(model), cache_dir=model.parent)
    return build_store(settings, build_model(settings), writing=True)


def _contents(store: Store) -> dict[str, tuple[str, str, int]]:
    return {each.identity: (each.version, each.digest, each.passages) for each in store.entries()}


def _check_whole(store: Store, allowed: dict[str, set[str]]) -> None:
    """Every article is one that was there before or will be after, and what a search finds of it is all of it."""
    for entry in store.entries():
        article = store.article(entry.id)
        assert article is not None
        assert entry.version in allowed[entry.identity]
        assert article_version(article) == entry.version
        passages = store.passages(entry.id)
        assert len(passages) == entry.passages
        assert all(article.text[passage.start : passage.end] == passage.text for passage in passages)
        assert passages[-1].end == len(article.text)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Path, Path, float]:
    """A collection of version 1, one that went on to version 2, and the seconds that took."""
    root = tmp_path_factory.mktemp("crash")
    _write(root / "articles", version=1)
    process = _start(root / "articles", root / "before", tiny_model)
    process.join()
    assert process.exitcode == 0
    shutil.copytree(root / "before", root / "after")
    shutil.rmtree(root / "articles")
    _write(root / "articles", version=2)
    began = time.monotonic()
    process = _start(root / "articles", root / "after", tiny_model)
    process.join()
    assert process.exitcode == 0
    return root / "before", root / "after", time.monotonic() - began


def test_ten_kills_at_random_points(tmp_path: Path, finished: tuple[Path, Path, float], tiny_model: Path) -> None:
    """Each time every article is whole, old or new; the next run ends where one that was never killed ends."""
    before, after, seconds = finished
    with _open(before, tiny_model) as store:
        old = _contents(store)
    with _open(after, tiny_model) as store:
        wanted = _contents(store)
        passages = store.count_passages()
    allowed = {name: {each[name][0] for each in (old, wanted) if name in each} for name in old | wanted}
    moments = random.Random(7)
    killed = 0
    for number in range(_KILLS):
        data = tmp_path / str(number)
        shutil.copytree(before, data)
        process = _start(before.parent / "articles", data, tiny_model)
        time.sleep(moments.uniform(0.1, 1) * seconds)
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGKILL)
            killed += 1
        process.join()
        with _open(data, tiny_model) as store:
            _check_whole(store, allowed)
        process = _start(before.parent / "articles", data, tiny_model)
        process.join()
        assert process.exitcode == 0
        with _open(data, tiny_model) as store:
            assert _contents(store) == wanted
            assert store.count_passages() == passages
            _check_whole(store, allowed)
        shutil.rmtree(data)
    assert killed >= _KILLS // 2
