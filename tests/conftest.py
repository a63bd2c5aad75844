"""What the tests share: the real model, loaded once, and collections in folders of their own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.index import ingest_articles
from rag.assistant import Assistant
from rag.build import Model, build_model
from rag.settings import load
from rag.store import Store, open_store
from rag.types import Article

_LOOPBACK = ("127.0.0.1", "127.9.9.9", "::1", "localhost", "0.0.0.0", "::")


@pytest.fixture(autouse=True)
def _closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing reaches the network: only loopback addresses can be connected to."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in _LOOPBACK:
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _clean_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine and no .env leaks into a test; the model's cache is the machine's own."""
    for name in [name for name in os.environ if name.startswith("ISNAD_") and name != "ISNAD_CACHE_DIR"]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def model() -> Model:
    """The real default model."""
    return build_model(load())


@pytest.fixture
def store(tmp_path: Path, model: Model) -> Iterator[Store]:
    """An empty collection, open for writing."""
    with open_store(data_dir=tmp_path / "data", chroma_url="", stamp=model.stamp, writing=True) as opened:
        yield opened


@pytest.fixture
def assistant(store: Store, model: Model) -> Assistant:
    """An assistant over the ``store`` of the same test."""
    return Assistant(store, model.embedder, model.means)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with random weights and prompts of its own, saved as sentence-transformers saves it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("models")
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *"abcdefghijklmnopqrstuvwxyz",
        *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
    ]
    inner = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(path / "bert")
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(path / "bert")
    transformer = Transformer(str(path / "bert"), max_seq_length=64)
    model = SentenceTransformer(modules=[transformer, Pooling(16)], prompts={"query": "ask ", "document": "say "})
    model.save(str(path / "tiny"))
    return path / "tiny"


def add(store: Store, model: Model, text: str, *, language: str = "en", title: str = "", **fields: str) -> Article:
    """An article with this text, put into the collection."""
    article = Article(id=fields.pop("id", f"a{store.count()}"), title=title, text=text, language=language, **fields)
    ingest_articles([article], store, model.embedder, model.means)
    return article
