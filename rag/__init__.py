"""The core of Isnad: from a question and a collection of articles to an answer with its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.isnad import Isnad

__all__ = ["Isnad"]


def __getattr__(name: str) -> object:
    """``Isnad``, which also reads articles and so stands above this package; loaded when it is asked for."""
    if name == "Isnad":
        from ingest.isnad import Isnad

        return Isnad
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
