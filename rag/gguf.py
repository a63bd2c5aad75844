"""A GGUF file, run by llama.cpp in this process and reached as an OpenAI-compatible server on a loopback port."""

from __future__ import annotations

import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from rag.errors import LanguageModelError, SettingsError

_MAGIC = b"GGUF"
# What ends a turn in llama.cpp's template for models that have none of their own, and that do not know to stop there.
TURNS = ("<|im_start|>", "<|im_end|>")
# The model is loaded when the server says where it listens; what is asked then is only a few facts.
_PATIENCE = 10.0


@dataclass(slots=True)
class GgufServer:
    """A running server: its address, the key it asks for, and how many tokens fit into its context."""

    url: str
    key: str
    context: int
    _llama: Any
    _users: int = 0

    def release(self) -> None:
        """Frees the model once as often as it was asked for; what is being written then breaks off."""
        with _changing:
            self._users -= 1
            if self._users == 0:
                _running.pop(next(place for place, server in _running.items() if server is self))
                self._llama = None  # the server stops when nothing refers to it


_running: dict[tuple[Path, int], GgufServer] = {}
_changing = threading.Lock()


def serve_gguf(file: Path, *, context: int) -> GgufServer:
    """A server for that file, the one that runs already if there is one; ``context`` is cut to what the model knows.

    Raises SettingsError for what is no GGUF file or without the packages, LanguageModelError when it cannot be loaded.
    """
    path = file.expanduser().resolve()
    with _changing:
        server = _running.get((path, context))
        if server is None:
            server = _running[path, context] = _start(path, context)
        server._users += 1
        return server


def _start(path: Path, context: int) -> GgufServer:
    _check(path)
    try:
        import xllamacpp
    except ImportError as error:
        raise SettingsError(
            "A .gguf model needs more packages. Install them with: pip install 'isnad[gguf]'"
        ) from error

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = context
    # Half of the processors, of which most machines have two a core. A thread that waits for its turn holds up all the
    # others: with two cores and something else running, two threads write 1 to 11 tokens a second, and one 31 to 46.
    threads = max(1, (os.cpu_count() or 1) // 2)
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    # One answer at a time: two at once share the cores and the context, and both come later.
    parameters.n_parallel = 1
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    # Loopback is open to every user and every web page of this machine.
    key = secrets.token_urlsafe()
    parameters.api_keys = [key]
    parameters.ui = False
    parameters.verbosity = 0
    try:
        llama = xllamacpp.Server(parameters)
        facts = httpx.Client(trust_env=False, timeout=_PATIENCE, headers={"Authorization": f"Bearer {key}"})
        with facts:
            meta = facts.get(f"{llama.listening_address}/v1/models").raise_for_status().json()["data"][0]["meta"]
    except (RuntimeError, httpx.HTTPError) as error:
        raise LanguageModelError(
            f"llama.cpp cannot load {path}: the file is damaged, of a kind that it does not know, or too large for the "
            "memory. Set ISNAD_LLM to another .gguf file, or ISNAD_LLM_CONTEXT lower."
        ) from error
    return GgufServer(f"{llama.listening_address}/v1", key, int(meta["n_ctx"]), llama)


def _check(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise SettingsError(f"ISNAD_LLM is {path}, which cannot be read: {error.strerror or error}.") from error
    if magic != _MAGIC:
        raise SettingsError(f"ISNAD_LLM is {path}, which is no GGUF file: it does not begin with the letters GGUF.")
