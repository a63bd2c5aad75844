"""An optional second opinion on a sentence and its source: a cross-encoder trained for entailment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.embedding import Vectors
from rag.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_BATCH = 16
_LABELS = 3


class Nli:
    """A sentence-transformers CrossEncoder with three labels. Threads may share one."""

    def __init__(self, model: CrossEncoder, entailment: int) -> None:
        self._model = model
        self._entailment = entailment

    def entailment(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        """The probability, 0 to 1, that each premise entails its hypothesis, shape (n,)."""
        if not pairs:
            return np.zeros(0, dtype=np.float32)
        logits = self._model.predict(list(pairs), batch_size=_BATCH, show_progress_bar=False, apply_softmax=True)
        return np.asarray(logits, dtype=np.float32)[:, self._entailment]


@lru_cache(maxsize=2)
def load_nli(model: str) -> Nli:
    """The cross-encoder of a folder or hub name. Raises ModelError when it cannot be loaded or has no such labels."""
    from sentence_transformers import CrossEncoder

    folder = Path(model).expanduser()
    advice = (
        "Set ISNAD_NLI to a sentence-transformers CrossEncoder for entailment, folder or hub name, or leave it empty."
    )
    try:
        local = folder.is_dir()
        encoder = CrossEncoder(str(folder) if local else model, device="cpu", local_files_only=local)
        names = {int(index): str(name).casefold() for index, name in encoder.model.config.id2label.items()}
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"The entailment model {model!r} cannot be loaded: {reason} {advice}") from error
    found = [index for index, name in names.items() if name.startswith("entail")]
    if len(names) != _LABELS or len(found) != 1:
        raise ModelError(
            f"The model {model!r} was expected to have three labels, one of them entailment; it has "
            f"{', '.join(names.values())}. {advice}"
        )
    return Nli(encoder, found[0])
