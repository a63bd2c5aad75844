"""The one place that turns settings into objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rag.assistant import Assistant
from rag.centring import LanguageMeans, load_means
from rag.chroma import ModelStamp
from rag.embedding import Embedder, load_embedder
from rag.rerank import load_reranker
from rag.settings import Settings
from rag.store import Store, open_store

# Told, in a sentence, when another process has the collection and it is waited for.
Waiting = Callable[[str], None] | None


@dataclass(frozen=True, slots=True)
class Model:
    """An embedding model with the language means that belong to it."""

    embedder: Embedder
    means: LanguageMeans

    @property
    def stamp(self) -> ModelStamp:
        """What a collection made with this model is stamped with."""
        return ModelStamp(self.embedder.name, self.embedder.dimension, self.means.id)


def build_model(settings: Settings) -> Model:
    """The embedding model that the settings name, loaded. Raises ModelError."""
    embedder = load_embedder(settings.embedding_model, cache=settings.cache_dir)
    return Model(embedder, load_means(embedder, cache=settings.cache_dir))


def build_store(settings: Settings, model: Model, *, writing: bool = False, waiting: Waiting = None) -> Store:
    """The collection that the settings name, opened for reading or for writing. Raises StoreError."""
    return open_store(
        data_dir=settings.data_dir, chroma_url=settings.chroma_url, stamp=model.stamp, writing=writing, waiting=waiting
    )


def build_existing_store(settings: Settings, *, writing: bool = False, waiting: Waiting = None) -> Store:
    """The collection that the settings name, without loading a model; EmptyCollectionError where there is none."""
    return open_store(
        data_dir=settings.data_dir, chroma_url=settings.chroma_url, stamp=None, writing=writing, waiting=waiting
    )


def build_assistant(settings: Settings, model: Model, store: Store) -> Assistant:
    """The assistant over an open collection. Raises ModelError when the reranker cannot be loaded."""
    reranker = load_reranker(settings.reranker) if settings.reranker else None
    return Assistant(store, model.embedder, model.means, min_confidence=settings.min_confidence, reranker=reranker)
