"""Replies of a language model that are kept on disk, and what is wrong with a reply that has the right form."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, create_model, model_validator

from rag.errors import SettingsError

M = TypeVar("M", bound=BaseModel)

# What ragas divides by and averages without looking.
_ALLOWED = {"verdict": (0, 1), "attributed": (0, 1), "noncommittal": (0, 1), "rating": (0, 1, 2)}
# Where one of these is empty ragas gives 0, or no number: nothing was judged.
_NEEDED = {"statements", "claims", "classifications", "question"}
# The input of a prompt of ragas stands at its end.
_INPUT = re.compile(r"^input: (?=\{)", re.M | re.I)


class Replies:
    """Replies by key, in a file that may be deleted at any time. Threads and processes may share it."""

    def __init__(self, folder: Path) -> None:
        """Raises SettingsError where the file cannot be written."""
        file = folder / "judge.sqlite3"
        self._alone = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                self._open(file)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._file.close()
                file.unlink()  # damaged
                self._open(file)
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(
                f"Replies of the judge cannot be kept in {file}: {error}. Set ISNAD_CACHE_DIR to a folder that can be "
                "written."
            ) from error

    def _open(self, file: Path) -> None:
        self._file = sqlite3.connect(file, timeout=30, check_same_thread=False, isolation_level=None)
        self._file.execute("CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, reply TEXT NOT NULL)")

    def get(self, key: str) -> str | None:
        """The reply that is kept, or None."""
        with self._alone:
            row = self._file.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set(self, key: str, reply: str) -> None:
        """Keeps a reply."""
        with self._alone:
            self._file.execute("INSERT OR REPLACE INTO replies VALUES (?, ?)", (key, reply))

    def close(self) -> None:
        """Closes the file."""
        with self._alone:
            self._file.close()


def strict(model: type[M], prompt: str) -> type[M]:
    """The model of a reply, refusing what would be counted wrongly: verdicts that are none, nothing to judge, or not a
    verdict for each statement of the prompt.
    """
    wanted = _statements_in(prompt)

    def check(self: BaseModel) -> BaseModel:
        problem = _unsound("", self)
        given = getattr(self, "statements", None)
        if not problem and wanted is not None and given is not None and len(given) != wanted:
            problem = f"expected {wanted} statements, each with its verdict, and found {len(given)}"
        if problem:
            raise ValueError(problem)
        return self

    validators = {"sound": cast(Any, model_validator(mode="after")(check))}
    return create_model(model.__name__, __base__=model, __validators__=validators)


def _statements_in(prompt: str) -> int | None:
    """How many statements a prompt gives to be judged, or None where it gives none."""
    for match in reversed(list(_INPUT.finditer(prompt))):
        try:
            given, _ = json.JSONDecoder().raw_decode(prompt, match.end())
        except ValueError:
            return None
        statements = given.get("statements")
        return len(statements) if isinstance(statements, list) else None
    return None


def _unsound(name: str, value: object) -> str:
    """What is wrong with a part of a reply, or ""."""
    if isinstance(value, BaseModel):
        return next(filter(None, (_unsound(key, part) for key, part in value)), "")
    if name in _NEEDED and not (value.strip() if isinstance(value, str) else value):
        return f"{name} is empty"
    if isinstance(value, list):
        return next(filter(None, (_unsound("", part) for part in value)), "")
    allowed = _ALLOWED.get(name)
    if allowed and value not in allowed:
        return f"{name} is {value!r}, expected one of {', '.join(map(str, allowed))}"
    return ""
