"""An optional second look at the best passages by a cross-encoder, which reads question and passage together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import ModelError
from rag.types import Hit

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

# How many passages are ranked again, and of how many of those the sentences are read for evidence.
RERANKED = 16
READ = 4
_BATCH = 16


class Reranker:
    """A sentence-transformers CrossEncoder. Threads may share one."""

    def __init__(self, model: CrossEncoder) -> None:
        self._model = model

    def rank(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """The hits with the first ``RERANKED`` in the cross-encoder's order, whose scores theirs are then."""
        first, rest = hits[:RERANKED], hits[RERANKED:]
        if not first:
            return []
        pairs = [(question, hit.passage.under(hit.article.heading)) for hit in first]
        scores = self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False).tolist()
        ranked = sorted(zip(scores, first, strict=True), key=lambda pair: -pair[0])
        return [*(replace(hit, score=float(score)) for score, hit in ranked), *rest]


@lru_cache(maxsize=2)
def load_reranker(model: str) -> Reranker:
    """The reranker for a CrossEncoder folder or hub name. Raises ModelError when it cannot be loaded."""
    from sentence_transformers import CrossEncoder

    folder = Path(model).expanduser()
    try:
        local = folder.is_dir()
        encoder = CrossEncoder(str(folder) if local else model, device="cpu", local_files_only=local, num_labels=1)
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"The reranker {model!r} cannot be loaded: {reason} Set ISNAD_RERANKER to a sentence-transformers "
            "CrossEncoder folder or hub name, or leave it empty for none."
        ) from error
    return Reranker(encoder)
