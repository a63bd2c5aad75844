"""Other embedding models: any sentence-transformers folder, with its own prompts, and clear errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import transformers

from rag.build import Model, build_assistant, build_model, build_store
from rag.embedding import load_embedder
from rag.errors import ModelError, StoreMismatchError
from rag.runtime import QuickTransformer
from rag.settings import load
from tests.conftest import add


def test_a_folder_is_used_with_its_own_prompts_and_limits(tiny_model: Path, tmp_path: Path) -> None:
    """Dimension, prompts and length come from the folder; questions and passages differ by their prompt."""
    embedder = load_embedder(str(tiny_model), cache=tmp_path)
    assert (embedder.name, embedder.dimension) == ("tiny", 16)
    assert embedder.max_tokens < 64
    question, passage = embedder.embed_questions(["harbour"]), embedder.embed_passages(["harbour"])
    assert np.linalg.norm(question) == pytest.approx(1, abs=1e-4)
    assert not np.allclose(question, passage)
    vector, tokens = embedder.read_question("two words")
    assert np.allclose(vector, embedder.embed_questions(["two words"])[0], atol=1e-5)
    assert [("two words")[start:end] for start, end in tokens.spans] == list("twowords")


def test_a_collection_belongs_to_its_model(tiny_model: Path, tmp_path: Path) -> None:
    """The whole way works with another model, and the collection is then refused to the default one."""
    settings = load(
        data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", embedding_model=str(tiny_model), min_confidence=0
    )
    model = build_model(settings)
    assert (build_model(settings)).stamp == model.stamp
    with build_store(settings, model, writing=True) as store:
        add(store, model, "the harbour opened on sunday. many came.")
        answer = build_assistant(settings, model, store).ask("when did the harbour open")
        assert answer.citations
    other = load(data_dir=tmp_path / "data", embedding_model="")
    with pytest.raises(StoreMismatchError, match=r"tiny.*multilingual-e5-small"):
        build_store(other, build_model(other))


def test_a_question_takes_the_fast_way_to_the_same_states(model: Model) -> None:
    """A single text gets what the library computes, to what bfloat16 rounds; batches and long texts take its way."""
    transformer = model.embedder._model
    for text in ("query: ماذا حذر خامنئي أردوغان منه؟", "query: Who?", "passage: " + "word " * 300):
        single = transformer.encode([text], normalize_embeddings=True)[0]
        batched = transformer.encode([text, text + " and more"], normalize_embeddings=True)[0]
        assert single @ batched > 0.9999
    vector, tokens = model.embedder.read_question("Who?")
    again, _ = model.embedder.read_question("Who?")
    assert again is vector
    assert len(tokens.states) == len(tokens.weights) == 2


@pytest.mark.parametrize(("kind", "quick"), [("XLMRoberta", True), ("Bert", True), ("DistilBert", False)])
def test_layers_like_berts_are_quickened_and_others_left(
    tiny_model: Path, tmp_path: Path, kind: str, quick: bool
) -> None:
    """Whatever the model's make, a question and a batch agree; only layers laid out as BERT's take the fast way."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    sizes = {"vocab_size": size, "max_position_embeddings": 80, "hidden_act": "gelu"}
    small = (
        {"dim": 16, "n_heads": 2, "n_layers": 2, "hidden_dim": 32, "activation": "gelu"}
        if kind == "DistilBert"
        else {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 32}
    )
    config = getattr(transformers, f"{kind}Config")(**sizes, **small)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    embedder = load_embedder(str(folder), cache=tmp_path)
    assert isinstance(embedder._model[0], QuickTransformer) is quick
    vector, _ = embedder.read_question("two words")
    batch = embedder.embed_questions(["two words", "two longer words"])
    assert vector @ batch[0] > 0.999


@pytest.mark.parametrize("content", [None, "{}"], ids=["empty", "nonsense"])
def test_a_folder_that_is_no_model_is_an_error(tmp_path: Path, content: str | None) -> None:
    """A folder without a model says what ISNAD_EMBEDDING_MODEL may be, in one line."""
    folder = tmp_path / "model"
    folder.mkdir()
    if content is not None:
        (folder / "modules.json").write_text(content)
    with pytest.raises(ModelError, match="ISNAD_EMBEDDING_MODEL") as failed:
        load_embedder(str(folder), cache=tmp_path)
    assert "\n" not in str(failed.value)
