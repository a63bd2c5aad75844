"""What readers say of answers, kept as JSON lines, which ``isnad eval`` reads as a question set."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock, Timeout

from rag.errors import StoreBusyError, StoreError, UsageError
from rag.settings import Settings

FEEDBACK_VERSION = 1
LONGEST_COMMENT = 2000
# Readers may not fill the disk: some hundred thousand ratings.
_MOST_BYTES = 2_000_000_000
# Seconds for another process to write a line.
_PATIENCE = 10.0
# What a rating is read with later; names of models, and no key or address.
_SETTINGS = ("llm", "embedding_model", "reranker", "nli", "unsupported", "min_confidence")


def feedback_file(settings: Settings) -> Path:
    """Where feedback is kept."""
    return settings.feedback or settings.data_dir / "feedback.jsonl"


def keep(
    settings: Settings,
    *,
    rating: str,
    comment: str,
    answer: Mapping[str, Any],
    conversation: Sequence[Mapping[str, Any]],
) -> None:
    """Keeps one rating, ``up`` or ``down``, of an answer as ``Answer.to_dict`` gives it, with the messages before it.

    Raises UsageError for another rating or an overlong comment, StoreError when it cannot be written.
    """
    if rating not in ("up", "down"):
        raise UsageError("Expected up or down in rating.")
    comment = comment.strip()
    if len(comment) > LONGEST_COMMENT:
        raise UsageError(f"The comment has {len(comment):,} characters; at most {LONGEST_COMMENT:,} are kept.")
    record = {
        "version": FEEDBACK_VERSION,
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "rating": rating,
        "comment": comment,
        "answer": answer,
        "conversation": [{"role": each["role"], "content": each["content"]} for each in conversation],
        "settings": {name: _public(getattr(settings, name)) for name in _SETTINGS},
    }
    _append(feedback_file(settings), orjson.dumps(record) + b"\n")


def _append(file: Path, line: bytes) -> None:
    """Writes the line at the end of the file, whoever else is writing. Raises StoreError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=_PATIENCE), file.open("ab+") as opened:
            size = opened.seek(0, os.SEEK_END)
            if size + len(line) > _MOST_BYTES:
                raise StoreError(f"{file} is full; move it away.")
            # A line that was cut off, by a full disk or a kill, must not take the next one along.
            if size and opened.seek(size - 1) is not None and opened.read(1) != b"\n":
                line = b"\n" + line
            opened.write(line)
            opened.flush()
            os.fsync(opened.fileno())
    except Timeout as error:
        raise StoreBusyError(f"{file} is being written to by another process.") from error
    except OSError as error:
        raise StoreError(f"Feedback cannot be written to {file}: {error.strerror or error}.") from error


def _public(value: object) -> object:
    """A setting, of a path its last part."""
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
