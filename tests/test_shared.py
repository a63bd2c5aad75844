"""Links to answers: only what this server said can be kept, and only who has the link finds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rag.settings import Settings
from rag.types import Answer, Mode, Status
from ui.shared import Shared


def _answer(text: str, language: str = "ar") -> Answer:
    return Answer(
        question="q?", status=Status.ANSWERED, mode=Mode.DIRECT, text=text, language=language, confidence=1.0,
        sentences=(), citations=(),
    )  # fmt: skip


def _shared(folder: Path, *, on: bool = True) -> Shared:
    return Shared(Settings(data_dir=folder, share=on))


@pytest.mark.parametrize("text", ["قال الوزير شيئًا.", "他来了。", "He came.", ""], ids=["ar", "zh", "en", "empty"])
def test_a_given_answer_is_kept_and_found(text: str, tmp_path: Path) -> None:
    """By its token, also after the server was started anew."""
    shared = _shared(tmp_path)
    shared.note(_answer(text))
    token = shared.keep(_answer(text).to_dict())
    assert token
    found = _shared(tmp_path).load(token)
    assert found is not None
    assert found.to_dict() == _answer(text).to_dict()


@pytest.mark.parametrize("values", [None, 5, "words", [], {}, {"answer": "x"}, _answer("invented").to_dict()], ids=str)
def test_what_this_server_never_said_is_not_kept(values: Any, tmp_path: Path) -> None:
    """A browser cannot have words of its own shown as an answer."""
    shared = _shared(tmp_path)
    shared.note(_answer("said"))
    assert shared.keep(values) == ""
    assert not (tmp_path / "shared").exists()


@pytest.mark.parametrize("token", ["", "short", "../../etc/passwd", "a" * 22, "ا" * 22, "a/b" * 10])
def test_a_wrong_token_finds_nothing(token: str, tmp_path: Path) -> None:
    """Neither another file nor an error."""
    assert _shared(tmp_path).load(token) is None


def test_a_damaged_file_is_no_answer(tmp_path: Path) -> None:
    """What was cut off on the disk is not shown."""
    shared = _shared(tmp_path)
    shared.note(_answer("said"))
    token = shared.keep(_answer("said").to_dict())
    file = tmp_path / "shared" / f"{token}.json"
    file.write_bytes(file.read_bytes()[:20])
    assert shared.load(token) is None


def test_switched_off_nothing_is_kept_or_shown(tmp_path: Path) -> None:
    """Not even what was kept before."""
    shared = _shared(tmp_path)
    shared.note(_answer("said"))
    token = shared.keep(_answer("said").to_dict())
    closed = _shared(tmp_path, on=False)
    closed.note(_answer("said"))
    assert closed.load(token) is None
    assert closed.keep(_answer("said").to_dict()) == ""
