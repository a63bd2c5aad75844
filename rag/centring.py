"""Mean-centring: takes out of every vector what only says which language the text is in.

Multilingual encoders place each language around a centre of its own, so that a passage in the question's language
looks closer than the right passage in another. Subtracting each language's mean vector removes that offset
(Libovický, Rosa and Fraser 2020, "On the Language Neutrality of Pre-trained Multilingual Representations",
arXiv 2004.05160). The same holds for the model's token states, which ``evidence`` compares. The means come from a small
parallel text written for this project (``assets/language_text``), the same questions and passages in every language, so
that they differ by language and not by subject.

All pairs are centred, those within a language too: on XQuAD articles 1–24 that costs the evidence sentence's hit@1 at
most 0.5 points there (en .783 → .778, ar .682 → .682, tr .712 → .715), and puts all languages on one scale.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from io import BytesIO
from pathlib import Path

import numpy as np

from rag.embedding import Embedder, Vectors

log = logging.getLogger(__name__)

_ASSETS = resources.files("rag") / "assets"
MEANS_FILE = "language_means.npz"
_ARRAYS = ("questions", "passages", "question_tokens", "passage_tokens")


@dataclass(frozen=True, slots=True, eq=False)
class LanguageMeans:
    """The mean vector of each language's questions, passages, and the tokens of both: (languages, dimension) each.

    A language that is not among them gets the mean of all means. ``id`` names the very numbers, so that a collection
    can tell whether it was centred with them.
    """

    languages: tuple[str, ...]
    questions: Vectors
    passages: Vectors
    question_tokens: Vectors
    passage_tokens: Vectors

    @property
    def id(self) -> str:
        """A short digest of the means that stored vectors depend on."""
        return hashlib.sha256(self.passages.tobytes()).hexdigest()[:12]

    def centre_questions(self, vectors: Vectors, languages: Sequence[str]) -> Vectors:
        """Unit vectors of questions, each less the mean question of its language."""
        return _centre(vectors, self._rows(self.questions, languages))

    def centre_passages(self, vectors: Vectors, languages: Sequence[str]) -> Vectors:
        """Unit vectors of passages or sentences, each less the mean passage of its language."""
        return _centre(vectors, self._rows(self.passages, languages))

    def centre_question_tokens(self, states: Vectors, language: str) -> Vectors:
        """Unit vectors of a question's tokens, less the mean token of questions in its language."""
        return _centre(states, self._rows(self.question_tokens, [language]))

    def centre_passage_tokens(self, states: Vectors, language: str) -> Vectors:
        """Unit vectors of a passage's tokens, less the mean token of passages in its language."""
        return _centre(states, self._rows(self.passage_tokens, [language]))

    def _rows(self, means: Vectors, languages: Sequence[str]) -> Vectors:
        index = {language: row for row, language in enumerate(self.languages)}
        everywhere = means.mean(axis=0)
        rows = [means[index[language]] if language in index else everywhere for language in languages]
        return np.stack(rows) if rows else np.zeros((0, means.shape[1]), dtype=np.float32)


def _centre(vectors: Vectors, means: Vectors) -> Vectors:
    moved = vectors - means
    norms = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.maximum(norms, 1e-9), dtype=np.float32)


def load_means(embedder: Embedder, *, cache: Path) -> LanguageMeans:
    """The means for this embedder: shipped for the bundled model, else computed once and kept under ``cache``."""
    if embedder.fingerprint == "bundled":
        return _read((_ASSETS / MEANS_FILE).read_bytes())
    key = hashlib.sha256(f"{embedder.name} {embedder.dimension} {embedder.fingerprint}".encode()).hexdigest()[:16]
    path = cache / "means" / f"{key}.npz"
    if path.is_file():
        return _read(path.read_bytes())
    log.info("Computing the language means of %s (once)", embedder.name)
    means = compute_means(embedder)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(write_means(means))
    Path(name).replace(path)
    return means


def compute_means(embedder: Embedder) -> LanguageMeans:
    """The means of the parallel text under ``assets/language_text``, one language a file."""
    texts = {}
    for file in (_ASSETS / "language_text").iterdir():
        if file.name.endswith(".json"):
            texts[file.name.removesuffix(".json")] = json.loads(file.read_text(encoding="utf-8"))
    languages = tuple(sorted(texts))
    rows = []
    for language in languages:
        questions, passages = texts[language]["questions"], texts[language]["passages"]
        rows.append(
            (
                embedder.embed_questions(questions).mean(axis=0),
                embedder.embed_passages(passages).mean(axis=0),
                np.concatenate([embedder.read_question(question)[1].states for question in questions]).mean(axis=0),
                np.concatenate([read.states for _, read in embedder.read_passages(passages)]).mean(axis=0),
            )
        )
    return LanguageMeans(languages, *(np.stack(means) for means in zip(*rows, strict=True)))


def write_means(means: LanguageMeans) -> bytes:
    """The means as the bytes of an ``.npz`` file."""
    buffer = BytesIO()
    np.savez_compressed(buffer, languages=np.array(means.languages), **{name: getattr(means, name) for name in _ARRAYS})
    return buffer.getvalue()


def _read(content: bytes) -> LanguageMeans:
    with np.load(BytesIO(content), allow_pickle=False) as file:
        languages = tuple(str(language) for language in file["languages"])
        return LanguageMeans(languages, *(file[name] for name in _ARRAYS))
