"""Several commands at once: what one process is doing, another can join, or waits for, and says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.build import build_model
from rag.settings import Settings, load
from ui.backend import Backend
from ui.console import Terminal
from ui.control import hand_over
from ui.session import OwnSession

_ROOT = Path(__file__).parents[1]
_TEXT = "The harbour of Saidar opened on Sunday. The pier is 840 metres long and cost 62 million."


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> Settings:
    """A tiny model, since nothing here depends on what the vectors mean."""
    return load(data_dir=tmp_path / "data", embedding_model=str(tiny_model), cache_dir=tiny_model.parent)


def _start(settings: Settings, *arguments: object) -> subprocess.Popen[str]:
    """``isnad`` in a process of its own, with nobody at its terminal."""
    environment = {
        **os.environ,
        "ISNAD_DATA_DIR": str(settings.data_dir),
        "ISNAD_EMBEDDING_MODEL": settings.embedding_model,
        "ISNAD_CACHE_DIR": str(settings.cache_dir),
        "PYTHONPATH": str(_ROOT),
    }
    command = [sys.executable, "-m", "ui.cli", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)


def _run(settings: Settings, *arguments: object) -> tuple[int, str, str]:
    process = _start(settings, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def _files(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.txt").write_text(f"{name}\n\n{_TEXT} So says {name}.", "utf-8")
    return folder


def test_while_one_ingests_others_read_and_a_second_ingest_waits(settings: Settings, tmp_path: Path) -> None:
    """What reads is answered by the ingest at work; what writes says that it waits, and is done after it."""
    (tmp_path / "data").mkdir()
    model = build_model(settings)
    with OwnSession(settings, waiting=print).collection(model, writing=True) as store:
        code, out, err = _run(settings, "stats", "--json")
        assert (code, json.loads(out)["articles"], err) == (0, 0, "")
        second = _start(settings, "ingest", _files(tmp_path / "b", "one", "two"), "--json")
        assert second.stderr is not None
        assert "waiting" in second.stderr.readline().lower()
        assert second.poll() is None
        assert store.count() == 0
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["summary"]["added"] == 2
    assert _run(settings, "stats", "--json")[1].count('"articles": 2') == 1


@pytest.fixture
def served(settings: Settings) -> Iterator[Backend]:
    """What a chat page has behind it, in this process."""
    backend = Backend(settings, samples=False)
    backend.start()
    assert backend.wait(120)
    yield backend
    backend.close()


def test_a_page_that_is_served_takes_every_command(served: Backend, settings: Settings, tmp_path: Path) -> None:
    """Ingest, list, show, delete and export go through it, relative paths and exit codes included."""
    folder = _files(tmp_path / "a", "one", "two")
    (folder / "bad.txt").write_bytes(b"\x00")
    code, out, err = _run(settings, "ingest", os.path.relpath(folder))
    assert code == 1 and "2 added" in out and "1 failed" in out
    assert "bad.txt" in err
    assert served.isnad().contents().articles == 2
    first, second = (line.split()[0] for line in _run(settings, "articles")[1].splitlines())
    assert _TEXT in _run(settings, "show", first)[1]
    assert _run(settings, "show", "nope")[0] == 2
    assert _run(settings, "delete", first)[:2] == (0, f"deleted {first}\n")
    code, _, err = _run(settings, "delete", "--language", "en")
    assert code == 2 and "--yes" in err
    assert served.isnad().contents().articles == 1
    assert _run(settings, "export", "kept.jsonl")[0] == 0
    assert json.loads(Path("kept.jsonl").read_text("utf-8"))["id"] == second


def test_two_ingests_into_a_page_come_one_after_the_other(served: Backend, settings: Settings, tmp_path: Path) -> None:
    names = [f"article {number}" for number in range(40)]
    processes = [
        _start(settings, "ingest", _files(tmp_path / side, *(f"{name} {side}" for name in names))) for side in "ab"
    ]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert served.isnad().contents().articles == 80


def test_a_command_with_another_model_is_told_so(served: Backend, settings: Settings) -> None:
    other = settings.model_copy(update={"embedding_model": "another/model"})
    code, _, err = _run(other, "ask", "Where?")
    assert code == 2 and "ISNAD_EMBEDDING_MODEL" in err


def test_what_a_killed_process_left_is_passed_over(settings: Settings) -> None:
    """Its address stands there still, and nobody answers."""
    settings.data_dir.mkdir()
    file = settings.data_dir / "open.json"
    for content in ('{"address": "\\u0000gone", "key": "00", "commands": ["stats"]}', "{", "[]", ""):
        file.write_text(content, "utf-8")
        assert hand_over(settings, "stats", {}, Terminal()) is None
    assert _run(settings, "stats")[0] == 0


def test_nobody_without_the_key_is_listened_to(served: Backend, settings: Settings) -> None:
    """The file with the key is for this user alone; a wrong key gets no answer, and the right one does afterwards."""
    file = settings.data_dir / "open.json"
    assert file.stat().st_mode & 0o077 == 0
    written = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**written, "key": "00" * 32}), "utf-8")
    assert hand_over(settings, "stats", {}, Terminal()) is None
    file.write_text(json.dumps(written), "utf-8")
    done: list[int | None] = []
    thread = threading.Thread(target=lambda: done.append(hand_over(settings, "stats", {"json": True}, Terminal())))
    thread.start()
    thread.join(60)
    assert done == [0]
