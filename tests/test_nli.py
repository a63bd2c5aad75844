"""An entailment model beside the checker. The one here is tiny and random: what is tested is that it is listened to."""

from __future__ import annotations

from pathlib import Path

import pytest
from sentence_transformers import CrossEncoder
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from rag.build import Model
from rag.check import Checker
from rag.errors import ModelError
from rag.nli import load_nli
from tests.test_check import source


def _cross_encoder(folder: Path, labels: list[str]) -> Path:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz0123456789"]
    pieces += [f"##{piece}" for piece in pieces[4:]]
    tokenizer = BertTokenizerFast(vocab={piece: number for number, piece in enumerate(pieces)}, model_max_length=128)
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=128, initializer_range=1.0, id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "labels", [["contradiction", "ENTAILMENT", "neutral"], ["entailment", "neutral", "contradiction"]]
)
def test_the_label_called_entailment_is_the_one_that_counts(tmp_path: Path, labels: list[str]) -> None:
    """The probability is that of the label whose name is entailment, wherever it stands."""
    folder = _cross_encoder(tmp_path / "nli", labels)
    pairs = [("the harbour is new", "a harbour"), ("rain fell", "it was dry")]
    encoder = CrossEncoder(str(folder), device="cpu", local_files_only=True)
    place = [label.casefold() for label in labels].index("entailment")
    expected = encoder.predict(pairs, apply_softmax=True)[:, place].tolist()
    assert load_nli(str(folder)).entailment(pairs).tolist() == pytest.approx(expected, abs=1e-5)
    assert load_nli(str(folder)).entailment([]).tolist() == []


def test_its_probability_is_averaged_with_ours(tmp_path: Path, model: Model) -> None:
    """With an entailment model the probability is the mean of the two."""
    nli = load_nli(str(_cross_encoder(tmp_path / "nli", ["contradiction", "entailment", "neutral"])))
    held = source(model, "The town opened its new bridge on Saturday.", "en")
    sentence = "The bridge in the town was opened on Saturday."
    alone = Checker(model.embedder, model.means).check(sentence, "en", [held]).probability
    theirs = float(nli.entailment([(held.passage.text, sentence)])[0])
    both = Checker(model.embedder, model.means, nli=nli).check(sentence, "en", [held]).probability
    assert both == pytest.approx((alone + theirs) / 2, abs=1e-4)


def test_a_model_without_three_labels_is_an_error(tmp_path: Path) -> None:
    """What is no entailment model is refused in one line that names the setting."""
    with pytest.raises(ModelError, match="three labels"):
        load_nli(str(_cross_encoder(tmp_path / "two", ["no", "yes"])))
    with pytest.raises(ModelError, match="ISNAD_NLI") as failed:
        load_nli(str(tmp_path))
    assert "\n" not in str(failed.value)
