"""Who may use a collection's folder: several processes reading, or one that writes.

Chroma's embedded mode is not safe across processes: one does not see what another has written since it opened.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import ReadWriteLock, Timeout

from rag.errors import StoreBusyError

_LOCK_SECONDS = 10.0
# How long to try before saying that something is in the way.
_PATIENCE = 1.0


def lock_folder(folder: Path, *, writing: bool, waiting: Callable[[str], None] | None = None) -> ReadWriteLock:
    """The lock on a folder, held. It is waited for without end if ``waiting`` is there to be told so; else for seconds.

    Raises StoreBusyError when another process is in the way, OSError when the folder cannot be used.
    """
    lock = ReadWriteLock(folder / "lock.db", is_singleton=False)
    acquire = lock.acquire_write if writing else lock.acquire_read
    doing = "open" if writing else "being written"
    try:
        acquire(timeout=min(_PATIENCE, _LOCK_SECONDS))
        return lock
    except Timeout:
        if waiting:
            waiting(f"The collection in {folder} is {doing} in another isnad process; waiting for it to finish …")
    try:
        acquire(timeout=-1 if waiting else max(_LOCK_SECONDS - _PATIENCE, 0))
    except Timeout as error:
        raise StoreBusyError(
            f"The collection in {folder} is {doing} in another process (a chat page, or an ingest). Stop that first; "
            "to write while others read, run a Chroma server and set ISNAD_CHROMA_URL."
        ) from error
    return lock
