"""The process that reads files, so that one that crashes its library, eats the memory or never ends costs only itself.

Started by ingest/read.py, with a socket as its first argument: a file descriptor.
"""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection

from ingest.complete import Overrides
from ingest.load import Item, load
from rag.errors import ArticleError

# What reading one file may take at most; a parser that a wrong file leads astray gets an error instead of the machine.
_MEMORY = 6 << 30
# It works ahead: the embedding, for which everything waits, goes first.
_NICE = 10


@dataclass(frozen=True, slots=True)
class Request:
    """Read this item, and leave out the first ``skip`` of what is in it."""

    item: Item
    overrides: Overrides
    skip: int = 0


@dataclass(frozen=True, slots=True)
class End:
    """There is no more in the item; ``reason`` says why when that is because it cannot be read."""

    reason: str = ""


def answer(request: Request, connection: Connection) -> None:
    """Sends what is in an item, one by one, and then an End."""
    name = request.item.name
    try:
        for number, result in enumerate(load(request.item, request.overrides)):
            connection.send(result if number >= request.skip else None)  # None says: still at work
        end = End()
    except ArticleError as error:
        end = End(str(error))
    except MemoryError:
        end = End(f"{name}: reading it takes more than {_MEMORY >> 30} GB of memory.")
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:  # what a library did not expect of a file must not stop the other files
        first = (str(error) or type(error).__name__).strip().splitlines()[0]
        end = End(f"{name}: cannot be read as {request.item.suffix}: {type(error).__name__}: {first[:200]}")
    connection.send(end)


def main() -> None:
    """Answers requests until the other side hangs up."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.nice(_NICE)
    with Connection(int(sys.argv[1])) as connection:
        while True:
            try:
                request = connection.recv()
                answer(request, connection)
            except (EOFError, BrokenPipeError, ConnectionResetError):
                os._exit(0)  # nobody waits for a parser's threads and buffers
