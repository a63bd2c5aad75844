"""Articles and passages as the collection keeps them: flat values beside the text, and digests that tell a change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from rag.embedding import Vectors
from rag.states import PackedStates
from rag.types import Article, Copy, Passage

_TEXTS = ("title", "url", "publisher", "author", "published", "language", "added_at", "identity", "origin", "story")
# What says where an article is kept and among which others, and not what it is.
_OUTSIDE = ("id", "added_at", "identity", "origin", "story", "copies")


@dataclass(frozen=True, slots=True)
class Embedded:
    """An article ready to be stored; ``vectors`` are its passages', shape (passages, dimension).

    ``states`` are the passages' token states; without them they are computed when they are needed.
    """

    article: Article
    version: str
    passages: Sequence[Passage]
    vectors: Vectors
    states: Sequence[PackedStates] = ()

    @property
    def centre(self) -> Vectors:
        """The unit mean of the vectors, shape (dimension,)."""
        mean: Vectors = self.vectors.mean(axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-9)

    @property
    def size(self) -> int:
        """How many bytes there are of text, vectors and token states."""
        return len(self.article.text.encode()) + self.vectors.nbytes + sum(each.size for each in self.states)

    def record(self, *, added_at: str) -> dict[str, str | int]:
        """What is kept of the article beside its text."""
        return {
            **flat(replace(self.article, added_at=added_at)),
            "version": self.version,
            "digest": text_digest(self.article.text),
            "passages": len(self.passages),
        }

    def passage_records(self) -> list[dict[str, str | int]]:
        """What is kept of each passage beside its text."""
        return [
            {
                "article_id": self.article.id,
                "version": self.version,
                "language": self.article.language,
                "start": passage.start,
                "end": passage.end,
                "sentences": json.dumps([number for span in passage.sentences for number in span]),
            }
            for passage in self.passages
        ]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a collection knows of an article besides its text and metadata; ``digest`` is the text's."""

    id: str
    identity: str
    version: str
    digest: str
    passages: int
    origin: str
    copies: tuple[Copy, ...]

    def passage_ids(self) -> list[str]:
        """The ids of the article's passages, in order."""
        return [f"{self.id}:{self.version}:{index}" for index in range(self.passages)]


def article_version(article: Article) -> str:
    """A digest of the article's text and of what its source says of it."""
    return _digest(
        json.dumps({name: value for name, value in asdict(article).items() if name not in _OUTSIDE}, sort_keys=True)
    )


def text_digest(text: str) -> str:
    """A digest of a text that is the same when only its white space differs."""
    return _digest(" ".join(text.split()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def flat(article: Article) -> dict[str, str | int]:
    """The article's fields without id and text, as the collection keeps them."""
    kept = (each.name for each in fields(Article) if each.name not in ("id", "text"))
    return flat_fields({name: getattr(article, name) for name in kept})


def flat_fields(values: Mapping[str, object]) -> dict[str, str | int]:
    """Fields of an article as the collection keeps them: text as it is, all others as JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=asdict)
        for name, value in values.items()
    }


def read_article(article_id: str, record: Mapping[str, Any], text: str | None) -> Article:
    """The article with this record."""
    return Article(
        id=article_id,
        text=text or "",
        guessed=tuple(json.loads(record.get("guessed", "[]"))),
        pages=tuple(json.loads(record.get("pages", "[]"))),
        copies=_read_copies(record),
        **{name: str(record.get(name, "")) for name in _TEXTS},
    )


def read_entry(article_id: str, record: Mapping[str, Any]) -> Entry:
    """The entry of the article with this record."""
    return Entry(
        id=article_id,
        identity=str(record.get("identity", "")),
        version=str(record["version"]),
        digest=str(record.get("digest", "")),
        passages=int(record["passages"]),
        origin=str(record.get("origin", "")),
        copies=_read_copies(record),
    )


def read_passage(passage_id: str, record: Mapping[str, Any], text: str, article: Article) -> Passage:
    """The passage of that article with this record."""
    numbers = json.loads(str(record["sentences"]))
    return Passage(
        id=passage_id,
        article_id=article.id,
        text=text,
        start=int(record["start"]),
        end=int(record["end"]),
        language=article.language,
        sentences=tuple(zip(numbers[::2], numbers[1::2], strict=True)),
    )


def _read_copies(record: Mapping[str, Any]) -> tuple[Copy, ...]:
    values = json.loads(record.get("copies", "[]"))
    return tuple(Copy(**{**value, "guessed": tuple(value["guessed"])}) for value in values)
