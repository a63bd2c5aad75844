"""A question as it is compared with passages."""

from __future__ import annotations

from dataclasses import dataclass

from rag.embedding import TokenStates, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A question read by the model: its text, language (BCP 47), centred unit vector (shape (dimension,)), centred
    token states, and its words as lexical search compares them.
    """

    text: str
    language: str
    vector: Vectors
    tokens: TokenStates
    words: tuple[str, ...]
