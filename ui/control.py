"""How a command reaches the process that has the collection open: it is handed over there, and its output comes back.

The process listens on a local socket in a folder of its own; its address and a key stand in a file of the data folder
that only this user can read. Both sides prove that they know the key before anything is said.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import threading
from argparse import Namespace
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from rag.errors import IsnadError, SettingsError
from rag.settings import Settings
from ui.commands import COMMANDS
from ui.console import Remote, Terminal, receive, render, send
from ui.session import Session

log = logging.getLogger(__name__)

_FILE = "open.json"
# The commands that leave the collection as it is.
READING = frozenset(("ask", "articles", "show", "export", "stats", "eval"))
# Settings that must not differ between the command and the process that carries it out, and those that may.
_SENT = ("embedding_model", "min_confidence", "reranker", "unsupported")
# Settings of which the process has its own; that the command has another is an error.
_SAME = ("llm", "llm_base_url")


def hand_over(settings: Settings, command: str, options: dict[str, Any], terminal: Terminal) -> int | None:
    """The exit code of a command that another process carried out; None where there is no such process."""
    connection = _reach(settings.data_dir / _FILE, command)
    if connection is None:
        return None
    sent = {name: getattr(settings, name) for name in (*_SENT, *_SAME)}
    try:
        with connection:
            send(connection, {"command": command, "options": options, "settings": sent, "live": terminal.live})
            return render(connection, terminal)
    except (EOFError, ConnectionResetError) as error:  # not BrokenPipeError, which our own output may raise
        raise IsnadError(
            "The process that has the collection open ended before the command was done. What was stored is unharmed; "
            "run it again."
        ) from error


def _reach(file: Path, command: str) -> Connection | None:
    try:
        found = json.loads(file.read_text("utf-8"))
        if command not in found["commands"]:
            return None
        connection: Connection = Client(found["address"], authkey=bytes.fromhex(found["key"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, AuthenticationError):
        return None  # nobody is there, or one that was killed has left its file
    return connection


@contextmanager
def listening(
    settings: Settings, session: Callable[[Settings, Remote], Session], *, commands: Collection[str]
) -> Iterator[None]:
    """Carries out those commands for other processes, each in a thread, for as long as the block lasts."""
    if settings.chroma_url:  # a server takes them all at once, from anywhere
        yield
        return
    key = secrets.token_bytes(32)
    listener = Listener(family="AF_UNIX", authkey=key)
    file = settings.data_dir / _FILE
    partial = file.with_suffix(f".{os.getpid()}")
    written = {"address": listener.address, "key": key.hex(), "commands": sorted(commands), "process": os.getpid()}
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as target:
            json.dump(written, target)
        partial.replace(file)
        threading.Thread(target=_accept, args=(listener, settings, session), name="isnad-control", daemon=True).start()
        yield
    finally:
        file.unlink(missing_ok=True)
        listener.close()


def _accept(listener: Listener, settings: Settings, session: Callable[[Settings, Remote], Session]) -> None:
    while True:
        try:
            connection = listener.accept()
        except (AuthenticationError, EOFError, ConnectionError):
            continue
        except OSError:
            return  # closed
        threading.Thread(target=_serve, args=(connection, settings, session), name="isnad-command", daemon=True).start()


def _serve(connection: Connection, settings: Settings, session: Callable[[Settings, Remote], Session]) -> None:
    with connection, contextlib.suppress(OSError, EOFError):
        request = receive(connection)
        console = Remote(connection, live=bool(request["live"]))
        code = 0
        try:
            sent = dict(request["settings"])
            check_same_llm({name: sent.pop(name) for name in _SAME}, settings)
            own = settings.model_copy(update=sent)
            code = COMMANDS[request["command"]](Namespace(**request["options"]), session(own, console), console)
        except IsnadError as error:
            console.warn(f"isnad: {error}")
            code = error.exit_code
        except (OSError, EOFError):
            raise  # the other side is gone, and with it the wish
        except Exception as error:
            log.exception("A command that another process handed over failed")
            console.warn(f"isnad: unexpected {type(error).__name__}: {error}")
            code = 1
        send(connection, {"kind": "exit", "code": code})


def check_same_model(settings: Settings, served: Settings) -> None:
    """Raises SettingsError when a command was started with another embedding model than the one that is loaded."""
    if settings.embedding_model != served.embedding_model:
        raise SettingsError(
            f"ISNAD_EMBEDDING_MODEL is {settings.embedding_model!r} here, {served.embedding_model!r} in the process "
            "that has the collection open. Set the same, or stop that process."
        )


def check_same_llm(sent: dict[str, str], served: Settings) -> None:
    """Raises SettingsError when a command was started with another language model than the page's; none is the same."""
    for name, value in sent.items():
        if value and value != getattr(served, name):
            raise SettingsError(
                f"ISNAD_{name.upper()} is {value!r} here, {getattr(served, name)!r} in the process that has the "
                "collection open. Set the same, or stop that process."
            )
