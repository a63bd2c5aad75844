"""The values that pass between the parts of the evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rag.types import Article


@dataclass(frozen=True, slots=True)
class Reference:
    """A quote that answers a question: the characters ``start`` to ``end`` of an article, which are ``text``."""

    article_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation before a question; ``role`` is ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Case:
    """A question and what is expected of its answer.

    ``answers`` are reference answers, any of which is right, ``references`` quotes that hold it; where there are
    neither, the articles do not answer. ``languages`` are those of the articles referred to. ``without`` are articles
    that are taken out of the collection for this question.
    ``line`` is where in its file it stands, from 1, or 0.
    """

    id: str
    question: str
    language: str
    answers: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    conversation: tuple[Message, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    line: int = 0

    @property
    def answerable(self) -> bool:
        """Whether the articles answer the question."""
        return bool(self.answers or self.references)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions, and the articles that they are asked of; without articles they are asked of the collection.

    ``digest`` is the SHA-256 of what was read, in hexadecimal digits.
    """

    name: str
    cases: tuple[Case, ...]
    articles: tuple[Article, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that was retrieved, best first in a list of them; offsets in its article."""

    passage_id: str
    article_id: str
    language: str
    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case: the passages found, the answer as ``Answer.to_dict`` has it, or why there is none.

    ``scores`` are by the name of the measure; None where one was tried and failed (a judge that did not answer); a name
    is not there where a measure does not apply.
    """

    case: Case
    found: tuple[Found, ...] = ()
    answer: Mapping[str, Any] | None = None
    error: str = ""
    scores: Mapping[str, float | None] = field(default_factory=dict)
