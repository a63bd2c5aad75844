"""What a run was made with: settings without secrets, versions, the machine; and digests that tell runs apart."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
from pydantic import SecretStr

from rag.settings import Settings

# What decides what is answered; a run goes on only where these are the same.
_ANSWERING = (
    "reranker", "llm", "llm_base_url", "llm_context", "nli", "unsupported", "min_confidence",
)  # fmt: skip
# Whose versions change figures.
_PACKAGES = (
    "isnad", "torch", "transformers", "sentence-transformers", "tokenizers", "chromadb", "tantivy", "numpy",
    "langchain-core", "ragas", "sacrebleu", "sentencex", "PyStemmer",
)  # fmt: skip


def shown_settings(settings: Settings) -> dict[str, Any]:
    """All settings but secrets and folders, addresses without the user's name and password."""
    values = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if not isinstance(value, SecretStr | Path):
            values[name] = _without_user(value) if isinstance(value, str) and "://" in value else value
    return {name: value for name, value in values.items() if value is not None}


def _without_user(address: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def answering_settings(settings: Settings, *, system: str, model: str) -> dict[str, Any]:
    """The settings that decide what is answered, the system and the embedding model among them."""
    return {"system": system, "embedding": model, **{name: getattr(settings, name) for name in _ANSWERING}}


def digest(values: Mapping[str, Any] | Iterable[str]) -> str:
    """The SHA-256 of JSON-ready values, in hexadecimal digits."""
    ready = values if isinstance(values, Mapping) else list(values)
    return hashlib.sha256(orjson.dumps(ready, option=orjson.OPT_SORT_KEYS)).hexdigest()


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that figures depend on, of those that are installed."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """The machine, as far as it matters for the speed."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"system": platform.system(), "machine": platform.machine(), "cores": cores}
