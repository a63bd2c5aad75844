"""Packed token states: what is kept of them."""

from __future__ import annotations

import numpy as np
import pytest

from rag.embedding import TokenStates
from rag.states import TITLE, PackedStates, pack, products, rotate
from rag.types import Passage


def _unit(rows: int, dimension: int) -> np.ndarray:
    states = np.random.default_rng(0).standard_normal((rows, dimension)).astype(np.float32)
    return np.asarray(states / np.linalg.norm(states, axis=1, keepdims=True))


def _passage(sentences: tuple[tuple[int, int], ...]) -> Passage:
    start, end = sentences[0][0], sentences[-1][1]
    return Passage("p", "a", "x" * (end - start), start, end, "en", sentences)


def _packed(states: np.ndarray) -> PackedStates:
    spans = np.arange(len(states))[:, None] + np.array([0, 1])
    return pack(TokenStates(states, spans, np.ones(len(states), np.float32)), _passage(((0, len(states)),)))


def test_four_bits_keep_the_cosines() -> None:
    states, questions = _unit(200, 384), _unit(20, 384)
    kept = products(questions, [_packed(states[:50]), _packed(states[50:])])
    assert np.abs(kept - states @ questions.T).max() < 0.03
    np.testing.assert_allclose(np.diag(products(states, [_packed(states)])), 1, atol=4e-3)


@pytest.mark.parametrize("dimension", [2, 7, 384])
def test_the_rotation_keeps_lengths_and_angles(dimension: int) -> None:
    states = _unit(5, dimension)
    np.testing.assert_allclose(rotate(states) @ rotate(states).T, states @ states.T, atol=1e-5)
    assert products(states, [_packed(states)]).shape == (5, 5)


def test_each_token_belongs_to_the_title_or_to_a_sentence() -> None:
    spans = np.array([[-6, -2], [0, 4], [4, 10], [11, 15], [19, 22]])
    packed = pack(TokenStates(_unit(5, 8), spans, np.ones(5, np.float32)), _passage(((100, 110), (111, 120))))
    assert packed.sentences.tolist() == [TITLE, 0, 0, 1, 1]


def test_a_passage_without_tokens() -> None:
    packed = pack(TokenStates(_unit(0, 8), np.zeros((0, 2), np.int64), np.ones(0, np.float32)), _passage(((0, 3),)))
    assert products(_unit(2, 8), [packed]).shape == (0, 2)
