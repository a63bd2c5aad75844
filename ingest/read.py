"""What is in files and pages, read by a process of its own under a time limit."""

from __future__ import annotations

import logging
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from ingest.complete import Overrides
from ingest.draft import Failure
from ingest.load import MANY, Item, Loaded
from ingest.worker import End, Request
from rag.types import Article

log = logging.getLogger(__name__)

# Seconds without a word from the reading process after which a file is given up. The largest newspaper pages and PDFs
# of some hundred pages take a few.
PATIENCE = 60.0
# How often in a row a source of many articles may stop the process before it gives one more.
_STUMBLES = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing read: an article with notes, or the reason why there is none; or that an item is done.

    ``origin`` is the item's; ``ended`` says that it was the last reading of the item, and ``complete`` that all of it
    was read; ``gone`` that its address says it is there no more. ``position`` is how many bytes of the item are read.
    """

    name: str
    origin: str
    article: Article | None = None
    notes: tuple[str, ...] = ()
    reason: str = ""
    ended: bool = False
    complete: bool = False
    gone: bool = False
    position: int = 0


def read(items: Iterable[Item | Reading], overrides: Overrides, *, patience: float = PATIENCE) -> Iterator[Reading]:
    """The readings of every item, in order; what is a Reading already is passed on."""
    worker = _Worker()
    try:
        for item in items:
            if isinstance(item, Reading):
                yield item
            else:
                yield from _read_item(worker, item, overrides, patience)
    finally:
        worker.stop()


def _read_item(worker: _Worker, item: Item, overrides: Overrides, patience: float) -> Iterator[Reading]:
    given, stumbles, whole = 0, 0, True
    while True:
        before = given
        trouble = ""
        for result in worker.results(Request(item, overrides, skip=given), patience):
            if isinstance(result, str):
                trouble = result
            elif isinstance(result, End):
                if result.reason:
                    yield Reading(item.name, item.origin, reason=result.reason)
                yield Reading(
                    item.name, item.origin, ended=True, complete=whole and not result.reason, position=item.size
                )
                return
            else:
                given += 1
                yield _reading(item, result)
        # The process is gone. The next one passes over what made it fail, where there can be more behind that.
        whole = False
        stumbles = 0 if given > before else stumbles + 1
        where = f", behind {given} articles" if given else ""
        yield Reading(item.name, item.origin, reason=f"{item.name}{where}: {trouble}")
        if item.suffix not in MANY or stumbles == _STUMBLES:
            yield Reading(item.name, item.origin, ended=True, position=item.size)
            return
        given += 1


def _reading(item: Item, result: Loaded | Failure) -> Reading:
    name = f"{item.name}, {result.where}" if result.where else item.name
    if isinstance(result, Failure):
        return Reading(name, item.origin, reason=f"{name}: {result.reason}")
    return Reading(name, item.origin, article=result.article, notes=result.notes, position=result.position)


class _Worker:
    """The reading process, started when it is first needed and anew when it is gone."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def results(self, request: Request, patience: float) -> Iterator[Loaded | Failure | End | str]:
        """What the process answers; at the end an End, or, when the process is gone, why."""
        connection = self._connected()
        try:
            connection.send(request)
            while connection.poll(patience):
                result = connection.recv()
                if result is not None:
                    yield result
                if isinstance(result, End):
                    return
        except (EOFError, ConnectionResetError, BrokenPipeError):
            code = self.stop()
            yield f"reading it ended the reading process (exit status {code}); the file is damaged or too large."
            return
        self.stop()
        yield f"reading it took more than {patience:.0f} seconds and was given up; the file is damaged or too large."

    def stop(self) -> int | None:
        """Ends the process, whatever it does; its exit status if it had ended by itself."""
        if self._process is None or self._connection is None:
            return None
        self._connection.close()
        code = None
        try:
            code = self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = self._connection = None
        return code

    def _connected(self) -> Connection:
        if self._connection is None:
            ours, theirs = multiprocessing.Pipe()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", "from ingest.worker import main; main()", str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    # Parsers complain there about what they repair; what matters comes back as a note or a reason.
                    stderr=None if log.isEnabledFor(logging.DEBUG) else subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                )
            self._connection = ours
        return self._connection
