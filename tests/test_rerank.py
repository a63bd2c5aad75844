"""A cross-encoder over the best passages. The one here is tiny and has random weights: what is tested is that its order
is the one that counts, not that it is good.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from sentence_transformers import CrossEncoder
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from rag.assistant import Assistant
from rag.build import Model, build_assistant
from rag.errors import ModelError
from rag.rerank import READ, RERANKED, load_reranker
from rag.settings import load
from rag.store import Store
from tests.conftest import add

_QUESTION = "What did the harbour cost?"


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reranker")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz0123456789"]
    pieces += [f"##{piece}" for piece in pieces[4:]]
    tokenizer = BertTokenizerFast(vocab={piece: number for number, piece in enumerate(pieces)}, model_max_length=128)
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=128, num_labels=1, initializer_range=1.0,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_its_order_is_the_one_that_counts(
    cross_encoder: Path, store: Store, model: Model, assistant: Assistant
) -> None:
    """The best sixteen stand in the cross-encoder's order, and only its first passages are quoted from."""
    for number in range(RERANKED + 4):
        add(store, model, f"The harbour of town {number} cost {number} million. Ships call there on {number} days.")
    reranked = build_assistant(load(reranker=str(cross_encoder), min_confidence=0), model, store)
    before = [hit.passage.id for hit in assistant.search(_QUESTION, k=RERANKED)]
    hits = reranked.search(_QUESTION, k=RERANKED)
    encoder = CrossEncoder(str(cross_encoder), device="cpu", local_files_only=True)
    scores = encoder.predict([(_QUESTION, hit.passage.text) for hit in hits]).tolist()
    assert sorted(hit.passage.id for hit in hits) == sorted(before) and [hit.passage.id for hit in hits] != before
    assert scores == sorted(scores, reverse=True)
    assert [hit.score for hit in hits] == pytest.approx(scores, abs=1e-5)
    assert reranked.search(_QUESTION, k=3) == hits[:3]
    allowed = {hit.article.id for hit in hits[:READ]}
    assert {citation.article.id for citation in reranked.ask(_QUESTION).citations} <= allowed


def test_what_is_no_cross_encoder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="ISNAD_RERANKER") as failed:
        load_reranker(str(tmp_path))
    assert "\n" not in str(failed.value)
