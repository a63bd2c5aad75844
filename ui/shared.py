"""Answers that readers had kept, to be opened by their link; and which answers this server gave."""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from pathlib import Path

import orjson

from rag.answer_json import answer_from_dict
from rag.errors import UsageError
from rag.settings import Settings
from rag.types import Answer
from ui.talk import digest

_TOKEN = re.compile(r"[\w-]{16,64}")
# Answers that can still be kept after they were given.
_REMEMBERED = 5000


class Shared:
    """The kept answers, each in a file of its own in the data folder. Threads may share one."""

    def __init__(self, settings: Settings) -> None:
        self.on = settings.share
        self._folder: Path = settings.data_dir / "shared"
        self._given: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, answer: Answer) -> None:
        """Remembers that this server gave the answer: nothing else is kept, lest a link show what it never said."""
        if not self.on:
            return
        with self._lock:
            self._given[digest(answer)] = None
            while len(self._given) > _REMEMBERED:
                self._given.popitem(last=False)

    def keep(self, values: object) -> str:
        """The token of an answer that is kept from now on; empty for one that this server did not give, or no more."""
        try:
            answer = answer_from_dict(values) if isinstance(values, dict) else None
        except UsageError:
            answer = None
        if not self.on or answer is None or digest(answer) not in self._given:
            return ""
        token = secrets.token_urlsafe(16)
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f".{token}"
        partial.write_bytes(orjson.dumps(answer.to_dict()))
        partial.replace(self._folder / f"{token}.json")
        return token

    def load(self, token: str) -> Answer | None:
        """The answer of a link, or None."""
        if not self.on or not _TOKEN.fullmatch(token):
            return None
        try:
            return answer_from_dict(orjson.loads((self._folder / f"{token}.json").read_bytes()))
        except (OSError, ValueError, UsageError):
            return None
