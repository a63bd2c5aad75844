"""The one place that turns settings into objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from rag.assistant import Assistant
from rag.centring import LanguageMeans, load_means
from rag.check import Checker
from rag.chroma import ModelStamp
from rag.embedding import Embedder, load_embedder
from rag.llm import LanguageModel, load_language_model
from rag.nli import load_nli
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
    """The assistant over an open collection.

    Raises ModelError when the reranker or the entailment model cannot be loaded, SettingsError or LanguageModelError
    for a language model that there is not.
    """
    nli = load_nli(settings.nli) if settings.nli else None
    return Assistant(
        store,
        model.embedder,
        model.means,
        min_confidence=settings.min_confidence,
        reranker=load_reranker(settings.reranker) if settings.reranker else None,
        checker=Checker(model.embedder, model.means, nli=nli),
        llm=build_language_model(settings),
        drop_unsupported=settings.unsupported == "drop",
    )


def build_language_model(settings: Settings) -> LanguageModel | None:
    """The language model that the settings name, once for all who ask, or None. Raises as ``load_language_model``."""
    if not (settings.llm or settings.llm_base_url):
        return None
    return _language_model(
        settings.llm,
        settings.llm_base_url,
        settings.llm_api_key.get_secret_value(),
        settings.llm_timeout,
        settings.llm_context,
    )


@lru_cache(maxsize=2)
def _language_model(llm: str, base_url: str, api_key: str, timeout: float, context: int) -> LanguageModel:
    return load_language_model(llm, base_url=base_url, api_key=api_key, timeout=timeout, context=context)
