"""Token states of passages as they are kept: four bits a number, beside the collection (``rag/index.py``).

A passage is compared with a question token by token (``rag/evidence.py``), for which the states of its tokens must be
at hand: to compute them takes the model 15 ms a passage. A number is kept in four bits after a rotation that spreads
every state evenly over its numbers (as Gao and Long 2024, "RaBitQ", arXiv 2405.12497, do for one bit). On XQuAD
articles 1–24 passages rank as they do by the full states; with two bits nearly so, with one bit one to two points
lower.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rag.embedding import TokenStates, Vectors
from rag.types import Passage

# The width of one of the 16 steps, in standard deviations of a normal distribution: the one of least error (Max 1960).
_STEP = 0.335
_LEVELS = 16
# Stands for the title in the list of each token's sentence.
TITLE = 65535


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


NOTHING = PackedStates(np.zeros((0, 0), np.uint8), np.zeros(0, np.float16), np.zeros(0, np.uint16))


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
