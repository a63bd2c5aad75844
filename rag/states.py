"""Token states of passages as they are kept: four bits a number, in a file beside the collection.

A passage is compared with a question token by token (``rag/evidence.py``), for which the states of its tokens must be
at hand: to compute them takes the model 15 ms a passage. A number is kept in four bits after a rotation that spreads
every state evenly over its numbers (as Gao and Long 2024, "RaBitQ", arXiv 2405.12497, do for one bit). On XQuAD
articles 1–24 passages rank as they do by the full states; with two bits nearly so, with one bit one to two points
lower.

What the file holds follows from the articles and the model. Where a passage's states are missing they are computed
again, so the file can be deleted, and a damaged one is.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.embedding import TokenStates, Vectors
from rag.types import Passage

log = logging.getLogger(__name__)

# Raised when codes change their meaning; a file of another format is begun anew.
_FORMAT = 1
# The width of one of the 16 steps, in standard deviations of a normal distribution: the one of least error (Max 1960).
_STEP = 0.335
_LEVELS = 16
# Stands for the title in the list of each token's sentence.
TITLE = 65535
# Ids in one statement; SQLite allows 32,766.
_SLICE = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS made_with (what TEXT);
CREATE TABLE IF NOT EXISTS states (
    passage TEXT PRIMARY KEY, codes BLOB NOT NULL, scales BLOB NOT NULL, sentences BLOB NOT NULL
);
"""


@dataclass(frozen=True, slots=True, eq=False)
class PackedStates:
    """A passage's token states: ``codes``, uint8 (tokens, dimension / 2), two numbers a byte; ``scales``, float16
    (tokens,); the number of each token's sentence, uint16 (tokens,), TITLE for those of the article's title.
    """

    codes: NDArray[np.uint8]
    scales: NDArray[np.float16]
    sentences: NDArray[np.uint16]

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.codes.nbytes + self.scales.nbytes + self.sentences.nbytes

    def unpacked(self) -> Vectors:
        """The states, rotated, shape (tokens, dimension): products with a rotated unit vector are unbiased."""
        numbers = np.take(_pairs(), self.codes).view(np.float32).reshape(len(self.codes), 2 * self.codes.shape[1])
        return numbers * self.scales.astype(np.float32)[:, None]


def pack(tokens: TokenStates, passage: Passage) -> PackedStates:
    """The centred token states of a passage as they are kept; spans count from the passage's first character."""
    rotated = rotate(tokens.states)
    step = _STEP / np.sqrt(max(rotated.shape[1], 1))
    codes = np.clip(np.floor(rotated / step), -_LEVELS // 2, _LEVELS // 2 - 1)
    # So that the product of a state with its own code is 1.
    products = np.einsum("ij,ij->i", codes + 0.5, rotated)
    unsigned = (codes + _LEVELS // 2).astype(np.uint8)
    ends = np.array([end - passage.start for _, end in passage.sentences])
    # A token belongs to the first sentence that ends behind its first character.
    sentences = np.searchsorted(ends, np.maximum(tokens.spans[:, 0], 0), side="right")
    sentences = np.where(tokens.spans[:, 1] <= 0, TITLE, np.minimum(sentences, len(ends) - 1))
    return PackedStates(
        (unsigned[:, ::2] << 4) | unsigned[:, 1::2],
        (1 / np.maximum(products, 1e-3)).astype(np.float16),
        sentences.astype(np.uint16),
    )


def rotate(states: Vectors) -> Vectors:
    """States, shape (n, dimension), in the coordinates of the packed ones; one column more if they were odd."""
    return np.asarray(states @ _rotation(states.shape[1]), dtype=np.float32)


@cache
def _rotation(dimension: int) -> Vectors:
    """An orthogonal matrix that is the same everywhere: signs by a digest, then a cosine transform (DCT-II)."""
    size = dimension + dimension % 2
    bits = np.frombuffer(hashlib.shake_256(b"isnad").digest(dimension), dtype=np.uint8) & 1
    rows = np.arange(size)[:, None] + 0.5
    cosines = np.sqrt(2 / size) * np.cos(np.pi / size * rows * np.arange(size))
    cosines[:, 0] /= np.sqrt(2)
    return np.asarray((1.0 - 2.0 * bits)[:, None] * cosines[:dimension], dtype=np.float32)


@cache
def _pairs() -> NDArray[np.complex64]:
    """For each byte the two numbers that it stands for, side by side."""
    numbers = np.arange(_LEVELS, dtype=np.float32) - _LEVELS // 2 + 0.5
    pairs = np.stack([np.repeat(numbers, _LEVELS), np.tile(numbers, _LEVELS)], axis=1)
    return np.ascontiguousarray(pairs).view(np.complex64).ravel()


class StateFile:
    """The packed states of a collection's passages by the passages' ids. Threads may share one."""

    def __init__(self, path: Path, *, made_with: str) -> None:
        """Opens or creates the file; what was made with something else is removed, "" takes it as it is.

        Raises OSError or sqlite3.Error where there is no writing.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            self._connection = _open(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # no damage: it is locked, or cannot be written
                raise
            log.warning("%s is damaged and is begun anew: %s", path.name, error)
            path.unlink()
            self._connection = _open(path)
        if made_with:
            self._check(f"{made_with} {_FORMAT}")

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def take(self, successor: StateFile) -> None:
        """Puts another file's states in the place of these; the other one is gone then."""
        successor.close()
        with self._lock:
            self._connection.close()
            successor._path.replace(self._path)
            self._connection = _open(self._path)

    def beside(self, *, made_with: str) -> StateFile:
        """An empty file beside this one."""
        path = self._path.with_name(f"{self._path.stem}_next{self._path.suffix}")
        path.unlink(missing_ok=True)
        return StateFile(path, made_with=made_with)

    def put(self, states: Mapping[str, PackedStates]) -> None:
        """Adds the states of passages, all at one moment."""
        rows = [
            (passage_id, each.codes.tobytes(), each.scales.tobytes(), each.sentences.tobytes())
            for passage_id, each in states.items()
        ]
        with self._lock, self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?)", rows)

    def get(self, passage_ids: Sequence[str]) -> dict[str, PackedStates]:
        """The states of those of the passages that there are."""
        found = {}
        for start in range(0, len(passage_ids), _SLICE):
            some = passage_ids[start : start + _SLICE]
            query = f"SELECT * FROM states WHERE passage IN ({','.join('?' * len(some))})"  # noqa: S608  # only marks
            with self._lock:
                rows = self._connection.execute(query, list(some)).fetchall()
            for passage_id, codes, scales, sentences in rows:
                tokens = len(scales) // 2
                found[passage_id] = PackedStates(
                    np.frombuffer(codes, dtype=np.uint8).reshape(tokens, -1 if tokens else 0),
                    np.frombuffer(scales, dtype=np.float16),
                    np.frombuffer(sentences, dtype=np.uint16),
                )
        return found

    def delete(self, passage_ids: Sequence[str]) -> None:
        """Removes the states of passages, where there are any."""
        with self._lock, self._connection:
            self._connection.executemany("DELETE FROM states WHERE passage = ?", [(each,) for each in passage_ids])

    def keep_only(self, passage_ids: Collection[str]) -> None:
        """Removes the states of all other passages."""
        with self._lock:
            known = [row[0] for row in self._connection.execute("SELECT passage FROM states")]
        if others := [each for each in known if each not in passage_ids]:
            self.delete(others)

    def _check(self, made_with: str) -> None:
        with self._lock, self._connection:
            if self._connection.execute("SELECT what FROM made_with").fetchall() != [(made_with,)]:
                self._connection.execute("DELETE FROM states")
                self._connection.execute("DELETE FROM made_with")
                self._connection.execute("INSERT INTO made_with VALUES (?)", (made_with,))


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
    try:
        connection.execute("PRAGMA page_size = 16384")  # most rows have 15 to 30 kB
        connection.executescript(_SCHEMA)
        connection.execute("SELECT count(*) FROM made_with").fetchone()
    except sqlite3.Error:
        with suppress(sqlite3.Error):
            connection.close()
        raise
    return connection
