"""ragas itself, kept quiet, and our embedding model in its terms."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import ragas._analytics
import ragas.experiment
import ragas.utils
from ragas.embeddings.base import BaseRagasEmbedding
from tqdm import tqdm  # type: ignore[import-untyped]

from rag.embedding import Vectors


class Embeddings(BaseRagasEmbedding):
    """The embedding model that is loaded already; vectors of texts are kept."""

    # ragas' test-set generation asks for it.
    is_async = True

    def __init__(self, embed: Callable[[Sequence[str]], Vectors]) -> None:
        super().__init__()
        self._embed = embed
        self._kept: dict[str, list[float]] = {}

    def embed_texts(self, texts: list[str], **_: Any) -> list[list[float]]:  # noqa: ANN401
        """The vectors of the texts, those that are not known yet from one call."""
        new = [text for text in dict.fromkeys(texts) if text not in self._kept]
        if new:
            self._kept |= zip(new, self._embed(new).tolist(), strict=True)
        return [self._kept[text] for text in texts]

    def embed_text(self, text: str, **_: Any) -> list[float]:  # noqa: ANN401
        """The vector of the text."""
        return self.embed_texts([text])[0]

    async def aembed_text(self, text: str, **_: Any) -> list[float]:  # noqa: ANN401
        """The vector of the text, computed in another thread."""
        return (await self.aembed_texts([text]))[0]

    async def aembed_texts(self, texts: list[str], **_: Any) -> list[list[float]]:  # noqa: ANN401
        """The vectors of the texts, computed in another thread."""
        return await asyncio.to_thread(self.embed_texts, texts)


def hush() -> None:
    """Keeps ragas from drawing progress bars and from writing an identifier of the user into the home folder.

    It has no settings for either: the identifier is written even where nothing is sent.
    """
    # The package has a function of the name of this module.
    experiment: Any = sys.modules["ragas.experiment"]
    utils: Any = ragas.utils
    analytics: Any = ragas._analytics
    experiment.tqdm = utils.tqdm = _no_bar
    analytics.user_data_dir = lambda **_: os.devnull


def _no_bar(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
    return tqdm(*arguments, **{**options, "disable": True})
