"""Readers' feedback, kept line by line."""

from __future__ import annotations

import threading
from pathlib import Path

import orjson
import pytest

from rag.errors import StoreError, UsageError
from rag.settings import Settings
from ui.feedback import feedback_file, keep


def settings(folder: Path, **more: object) -> Settings:
    return Settings(data_dir=folder, **more)  # type: ignore[arg-type]


def records(file: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


@pytest.mark.parametrize("comment", ["دقيق جدًا", "很好", ""])
def test_a_rating_is_a_line(tmp_path: Path, comment: str) -> None:
    """With what was asked and said, when, and the settings that are nobody's secret."""
    kept = settings(tmp_path, llm="/models/g.gguf", llm_api_key="k", auth="u:p")
    keep(kept, rating="up", comment=f" {comment} ", answer={"version": 1}, conversation=[])
    (record,) = records(feedback_file(kept))
    assert (record["version"], record["rating"], record["comment"]) == (1, "up", comment)
    assert str(record["at"]).endswith("+00:00")
    assert record["settings"] == {
        "llm": "g.gguf", "embedding_model": "", "reranker": "", "nli": "", "unsupported": "mark",
        "min_confidence": None,
    }  # fmt: skip


def test_ratings_of_many_readers_do_not_mix(tmp_path: Path) -> None:
    """Every line is whole, whoever writes at the same time."""
    kept = settings(tmp_path, feedback=tmp_path / "new" / "f.jsonl")
    threads = [
        threading.Thread(
            target=lambda: [keep(kept, rating="down", comment="س" * 2000, answer={}, conversation=[]) for _ in range(5)]
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records(tmp_path / "new" / "f.jsonl")) == 40


def test_a_line_that_was_cut_off_does_not_take_the_next_one_along(tmp_path: Path) -> None:
    """A disk that was full, and has room again."""
    feedback_file(settings(tmp_path)).write_bytes(b'{"version": 1, "co')
    keep(settings(tmp_path), rating="up", comment="", answer={}, conversation=[])
    assert orjson.loads(feedback_file(settings(tmp_path)).read_bytes().splitlines()[1])["rating"] == "up"


def test_what_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    """Another rating, a comment that is too long, and a place that cannot be written."""
    for rating, comment in (("sideways", ""), ("up", "س" * 2001)):
        with pytest.raises(UsageError):
            keep(settings(tmp_path), rating=rating, comment=comment, answer={}, conversation=[])
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        keep(settings(tmp_path, feedback=tmp_path / "file" / "f"), rating="up", comment="", answer={}, conversation=[])
