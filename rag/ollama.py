"""Which models a local Ollama has, so that they can be offered where no language model is set."""

from __future__ import annotations

from typing import Any

import httpx

OLLAMA = "http://127.0.0.1:11434"
# Seconds: on loopback a server answers in milliseconds or not at all, and somebody waits for the page.
_PATIENCE = 0.3


def ollama_models(url: str = OLLAMA) -> list[str]:
    """The names of the models there that can write, as ``ISNAD_LLM=ollama:NAME`` takes them; empty without an Ollama.

    Nothing is sent but these two questions: which models there are, and what each can do.
    """
    try:
        with httpx.Client(base_url=url, timeout=_PATIENCE, trust_env=False) as client:
            found = client.get("/api/tags").raise_for_status().json()["models"]
            names = [str(each["name"]) for each in found]
            return [name for name in names if _writes(client, name)]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return []  # nothing is there, or something else


def _writes(client: httpx.Client, name: str) -> bool:
    """Whether a model can write, as an embedding model cannot."""
    about: dict[str, Any] = client.post("/api/show", json={"model": name}).raise_for_status().json()
    if "capabilities" in about:
        return "completion" in about["capabilities"]
    return "bert" not in str(about["details"]["family"])  # an Ollama from before 0.6.4, which does not tell
