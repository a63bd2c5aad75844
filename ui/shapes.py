"""What the endpoints take and give, as types: Gradio and MCP show them to whoever calls."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


class MessageDict(TypedDict):
    """A message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class FiltersDict(TypedDict, total=False):
    """Which articles are asked; a key that is left out lets all through."""

    languages: list[str]
    publishers: list[str]
    since: str
    until: str
    articles: list[str]


class CopyDict(TypedDict):
    """Another place with an article's very text."""

    title: str
    publisher: str
    url: str


class ArticleDict(TypedDict):
    """An article without its text."""

    id: str
    title: str
    publisher: str
    author: str
    published: str
    language: str
    url: str
    added_at: str
    guessed: list[str]
    story: str
    copies: list[CopyDict]


class FullArticleDict(ArticleDict):
    """An article with its text."""

    text: str


class HitDict(TypedDict):
    """A passage that was found, with its article and how well it matches."""

    article_id: str
    title: str
    publisher: str
    published: str
    language: str
    url: str
    page: int | None
    passage: str
    start: int
    end: int
    score: float
    dense: float
    lexical: float


class ErrorDict(TypedDict):
    """What went wrong, and what to do."""

    type: str
    message: str
    hint: str


class ErrorBody(TypedDict):
    """The one shape of every error."""

    error: ErrorDict


class Articles(TypedDict):
    """A part of the list of articles, and how long the list is."""

    articles: list[ArticleDict]
    total: int
    offset: int


class Added(TypedDict):
    """What became of an article: added, updated, unchanged, duplicate or failed, and why."""

    outcome: str
    article_id: str
    title: str
    reason: str
    notes: list[str]


class Deleted(TypedDict):
    """Whether there was such an article; there is none now."""

    article_id: str
    deleted: bool


class Stored(TypedDict):
    """That something was kept."""

    stored: bool


class ServerStatus(TypedDict):
    """What the server is, how far it is, and what it holds."""

    version: str
    ready: bool
    stage: str
    articles: int
    passages: int
    languages: dict[str, int]
    model: str
    embedding_model: str
    read_only: bool
