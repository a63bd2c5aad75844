"""Token states of passages as they are kept: four bits a number, beside the collection (``rag/index.py``).

A passage is compared with a question token by token (``rag/evidence.py``), for which the states of its tokens must be
at hand: to compute them takes the model 15 ms a passage. A number is kept in four bits after a rotation that spreads
every state evenly over its numbers (as Gao and Long 2024, "RaBitQ", arXiv 2405.12497, do for one bit). On XQuAD
articles 1–24 passages rank as they do by the full states; with two bits nearly so, with one bit one to two points
lower.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
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
    return np.asarray((torch.from_numpy(states) @ torch.from_numpy(_rotation(states.shape[1]))).numpy())


def products(states: Vectors, packed: Sequence[PackedStates]) -> Vectors:
    """The product of each kept state with each of ``states``, shape (n, dimension); shape (kept states, n).

    ``states`` are rounded to eight bits, which adds a hundredth of what four bits have cost.
    """
    codes = np.concatenate([each.codes for each in packed])
    scales = np.concatenate([each.scales for each in packed]).astype(np.float32)
    if not len(states) or not len(codes):
        return np.zeros((len(codes), len(states)), np.float32)
    rotated = rotate(states)
    steps = np.maximum(np.abs(rotated).max(axis=1), 1e-9) / 127
    rounded = np.round(rotated / steps[:, None]).astype(np.int8)
    # Two numbers a byte: the even columns are in the high halves, the odd ones in the low.
    sums = sum(
        torch._int_mm(
            torch.from_numpy(half.view(np.int8)), torch.from_numpy(np.ascontiguousarray(rounded[:, odd::2].T))
        )
        for odd, half in enumerate((codes >> 4, codes & 15))
    )
    # A code stands for the middle of its step, counted from the middle of all.
    middle = (_LEVELS / 2 - 0.5) * rounded.sum(axis=1, dtype=np.float32)
    return np.asarray((torch.as_tensor(sums).numpy() - middle) * steps.astype(np.float32) * scales[:, None])


@cache
def _rotation(dimension: int) -> Vectors:
    """An orthogonal matrix that is the same everywhere: signs by a digest, then a cosine transform (DCT-II)."""
    size = dimension + dimension % 2
    bits = np.frombuffer(hashlib.shake_256(b"isnad").digest(dimension), dtype=np.uint8) & 1
    rows = np.arange(size)[:, None] + 0.5
    cosines = np.sqrt(2 / size) * np.cos(np.pi / size * rows * np.arange(size))
    cosines[:, 0] /= np.sqrt(2)
    return np.asarray((1.0 - 2.0 * bits)[:, None] * cosines[:dimension], dtype=np.float32)
