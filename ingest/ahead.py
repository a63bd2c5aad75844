"""Work ahead of the one who uses it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from typing import Any, TypeVar

T = TypeVar("T")


def ahead(source: Generator[T, Any, None], size: int) -> Generator[T, None, None]:
    """What ``source`` yields, made in a thread up to ``size`` items before it is asked for.

    An exception of the source comes out where its item would have. The source is closed when this is.
    """
    ready: queue.Queue[tuple[T] | BaseException | None] = queue.Queue()
    room = threading.Semaphore(size)
    stopped = threading.Event()

    def work() -> None:
        try:
            for item in source:
                ready.put((item,))
                room.acquire()
                if stopped.is_set():
                    source.close()
                    return
            ready.put(None)
        except BaseException as error:
            ready.put(error)

    thread = threading.Thread(target=work, name="isnad-ahead", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            room.release()
            yield item[0]
    finally:
        stopped.set()
        room.release()
        thread.join()
