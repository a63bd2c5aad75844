"""Where a command says what it does: a terminal, or the other end of a connection."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Protocol

from rag.errors import UsageError


@dataclass(slots=True)
class Progress:
    """How far a long piece of work is: ``done`` of ``total`` (any unit; 0 is not known), and a few words."""

    done: float = 0
    total: float = 0
    words: str = ""


class Console(Protocol):
    """What a command needs of the place it was started from."""

    @property
    def live(self) -> bool:
        """Whether somebody watches who would rather see a bar than a line for every file."""
        ...

    def line(self, text: str) -> None:
        """Prints a result."""
        ...

    def warn(self, text: str) -> None:
        """Prints what is not a result."""
        ...

    def progress(self, progress: Progress) -> None:
        """Shows how far the work is, where somebody watches."""
        ...

    def confirm(self, question: str) -> bool:
        """Asks for a yes. Raises UsageError where nobody can be asked."""
        ...


@dataclass(slots=True)
class Terminal:
    """The terminal, or the files, that this process was started from."""

    live: bool = field(default_factory=lambda: sys.stderr.isatty())
    _bar: Any = None
    _task: Any = None

    def line(self, text: str) -> None:
        """Prints to standard output."""
        self._print(text, sys.stdout)

    def warn(self, text: str) -> None:
        """Prints to standard error."""
        self._print(text, sys.stderr)

    def _print(self, text: str, stream: Any) -> None:  # noqa: ANN401  # a text stream, as sys has them
        # The bar stands in the last line of the terminal: take it away, or it would be written over.
        if self._bar is not None:
            self._bar.stop()
        print(text, file=stream, flush=True)
        if self._bar is not None:
            self._bar.start()

    def progress(self, progress: Progress) -> None:
        """Draws a bar with the time that remains, on a terminal only."""
        if not self.live:
            return
        if self._bar is None:
            from rich.console import Console as RichConsole
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.description}"),
                TimeRemainingColumn(),
                console=RichConsole(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("")
            self._bar.start()
        self._bar.update(self._task, completed=progress.done, total=progress.total or None, description=progress.words)

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def confirm(self, question: str) -> bool:
        """Asks on the terminal; anything but yes is no."""
        if not sys.stdin or not sys.stdin.isatty():
            raise UsageError(f"{question} There is nobody to ask; give --yes to go on without asking.")
        self.close()
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")


@dataclass(slots=True)
class Remote:
    """The console at the other end of a connection. Losing it raises an OSError, which ends the command."""

    connection: Connection
    live: bool
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def line(self, text: str) -> None:
        """Has it print a result."""
        self._send(kind="line", text=text)

    def warn(self, text: str) -> None:
        """Has it print what is not a result."""
        self._send(kind="warn", text=text)

    def progress(self, progress: Progress) -> None:
        """Has it show how far the work is."""
        if self.live:
            self._send(kind="progress", done=progress.done, total=progress.total, words=progress.words)

    def confirm(self, question: str) -> bool:
        """Has it ask, and waits for the reply."""
        self._send(kind="confirm", text=question)
        reply = receive(self.connection)
        if reply.get("error"):
            raise UsageError(str(reply["error"]))
        return bool(reply["yes"])

    def _send(self, **message: object) -> None:
        with self._lock:
            send(self.connection, message)


def render(connection: Connection, terminal: Terminal) -> int:
    """Does what a Remote says until the command is done; its exit code. Raises EOFError when the other side is gone."""
    while True:
        message = receive(connection)
        kind = message["kind"]
        if kind == "exit":
            return int(message["code"])
        if kind == "progress":
            terminal.progress(Progress(message["done"], message["total"], message["words"]))
        elif kind == "confirm":
            try:
                send(connection, {"yes": terminal.confirm(message["text"])})
            except UsageError as error:
                send(connection, {"error": str(error)})
        else:
            (terminal.line if kind == "line" else terminal.warn)(message["text"])


def send(connection: Connection, message: dict[str, object]) -> None:
    """Sends one message as JSON: unlike pickles, it cannot bring code along."""
    connection.send_bytes(json.dumps(message).encode())


def receive(connection: Connection) -> dict[str, Any]:
    """The next message. Raises EOFError when the other side is gone."""
    message: dict[str, Any] = json.loads(connection.recv_bytes())
    return message


@contextlib.contextmanager
def terminal() -> Iterator[Terminal]:
    """The terminal of this process, its bar taken away at the end."""
    opened = Terminal()
    try:
        yield opened
    finally:
        opened.close()
