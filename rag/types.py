"""The values that pass between the parts of Isnad: one frozen dataclass a concept.

All offsets count Python characters (code points), from 0, end exclusive, in ``Article.text``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """What became of a question."""

    ANSWERED = "answered"
    NOT_FOUND = "not_found"


class Mode(StrEnum):
    """How an answer was made: from verbatim quotes, written by a language model, or said by Isnad itself, of itself and
    of what is known of the articles besides their texts.
    """

    EXTRACTIVE = "extractive"
    GENERATED = "generated"
    DIRECT = "direct"


class Support(StrEnum):
    """How well the cited quotes carry a sentence; of a draft's it is not known yet."""

    UNCHECKED = "unchecked"
    SUPPORTED = "supported"
    PARTLY = "partly"
    UNSUPPORTED = "unsupported"


class Flaw(StrEnum):
    """What is wrong with a sentence beside its sources: it has a number, date, quotation or name that they do not have,
    denies what they say or the reverse, has the actors the other way round, tells as a fact what they give as words of
    somebody or as possible, or says something else.
    """

    NUMBER = "number"
    DATE = "date"
    QUOTATION = "quotation"
    NAME = "name"
    NEGATION = "negation"
    ACTORS = "actors"
    ATTRIBUTION = "attribution"
    MEANING = "meaning"


class Notice(StrEnum):
    """What a reader should know of how an answer came about."""

    MODEL_FAILED = "model_failed"  # the language model did not answer; these are quotations
    MODEL_UNSUPPORTED = "model_unsupported"  # nothing of what it wrote is in the sources; these are quotations
    DROPPED = "dropped"  # sentences were left out that are not in the sources
    CARRIED = "carried"  # the question was read as going on with the last one; Answer.asked is how


@dataclass(frozen=True, slots=True)
class Copy:
    """Another place that carries an article's very text, with what that place says of it; fields as in Article."""

    id: str
    identity: str
    version: str
    title: str = ""
    url: str = ""
    publisher: str = ""
    author: str = ""
    published: str = ""
    language: str = ""
    guessed: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """One document. ``published`` and ``added_at`` are ISO 8601, ``language`` is BCP 47; unknown is empty.

    ``guessed`` names the fields that the source does not state. ``pages`` are the offsets in the text where each page
    begins, for what has pages. ``identity`` is what makes it the same article when it is read again: its address, or
    its path below the folder it was read from; ``id`` is a digest of that. ``origin`` is the file or address it was
    read from. ``copies`` are other places with the same text, and articles of one ``story`` are near-duplicates.
    """

    id: str
    title: str
    text: str
    url: str = ""
    publisher: str = ""
    published: str = ""
    language: str = ""
    added_at: str = ""
    author: str = ""
    guessed: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    identity: str = ""
    origin: str = ""
    story: str = ""
    copies: tuple[Copy, ...] = ()

    @property
    def heading(self) -> str:
        """Title and day of publication: what a passage alone does not tell."""
        return " · ".join(part for part in (self.title, self.published[:10]) if part)

    @property
    def publishers(self) -> tuple[str, ...]:
        """The publishers of the article and of its copies, each once."""
        found = (self.publisher, *(copy.publisher for copy in self.copies))
        return tuple(dict.fromkeys(name for name in found if name))

    def page(self, offset: int) -> int | None:
        """The number, from 1, of the page that the character at ``offset`` is on; None for what has no pages."""
        return bisect_right(self.pages, offset) or None

    def to_dict(self, *, with_text: bool = True) -> dict[str, Any]:
        """The article as JSON-ready values, as ``isnad articles --json`` and ``isnad export`` print it."""
        values = asdict(self)
        return values if with_text else {name: value for name, value in values.items() if name not in _LONG}


# What a list of articles does without.
_LONG = ("text", "pages")


@dataclass(frozen=True, slots=True)
class Passage:
    """Consecutive whole sentences of one article; ``sentences`` are their (start, end) offsets in the article."""

    id: str
    article_id: str
    text: str
    start: int
    end: int
    language: str
    sentences: tuple[tuple[int, int], ...]

    def under(self, heading: str) -> str:
        """The passage as a model reads it: below the heading of its article, which names the subject."""
        return f"{heading}\n{self.text}" if heading else self.text

    def sentence(self, index: int) -> str:
        """The text of the sentence at ``index``."""
        start, end = self.sentences[index]
        return self.text[start - self.start : end - self.start]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which articles a question is asked of; what is empty lets all through.

    ``languages`` are BCP 47 codes of which the language counts and not the region; a publisher is also that of a copy;
    ``since`` and ``until`` are days, ISO 8601, both included, and leave out articles without a date.
    """

    languages: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    articles: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.languages or self.publishers or self.since or self.until or self.articles)


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage and how well it matches the question.

    ``dense`` is the cosine of the vectors (−1 to 1), ``lexical`` the passage's BM25 as a share of the highest (0–1),
    ``score`` what it was ranked by. ``others`` are articles of the same story that say the same.
    """

    passage: Passage
    article: Article
    dense: float
    lexical: float = 0.0
    score: float = 0.0
    others: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """One sentence of a passage, verbatim, with its offsets in the article.

    ``translation`` is by machine, into the language of the answer, where there is one that stood its check.
    """

    text: str
    start: int
    end: int
    translation: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered source: a passage and the sentences of it that are quoted.

    ``score`` is the estimated probability (0–1) that they answer; ``others`` are articles of the same story that say
    the same.
    """

    n: int
    article: Article
    passage: Passage
    quotes: tuple[Quote, ...]
    score: float
    others: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A flaw of a sentence and the words that have it."""

    flaw: Flaw
    text: str


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence of an answer, without citation marks: the numbers of its citations, whether they carry it, and what
    is wrong where they do not.
    """

    text: str
    citations: tuple[int, ...]
    support: Support
    problems: tuple[Problem, ...] = ()


# Of what ``Answer.to_dict`` gives; raised when a field goes or changes its meaning, not when one is added.
ANSWER_VERSION = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. A refusal has ``status`` ``not_found`` and neither sentences nor citations.

    ``confidence`` is the estimated probability (0–1) that the quotes answer the question; ``timings_ms`` maps each
    step to milliseconds. ``asked`` is the question as it was put to the articles, with what it takes from the turns
    before. ``model`` names the language model that wrote the answer, and ``removed_citations`` counts the numbers in
    what it wrote that no source has. ``draft`` is true while sentences are still being written or checked. ``nearby``
    are articles near a question that is refused; they do not answer it.
    """

    question: str
    status: Status
    mode: Mode
    text: str
    language: str
    confidence: float
    sentences: tuple[AnswerSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    asked: str = ""
    model: str = ""
    notices: tuple[Notice, ...] = ()
    removed_citations: int = 0
    draft: bool = False
    nearby: tuple[Article, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON-ready values, as ``isnad ask --json`` prints it."""
        return {
            "version": ANSWER_VERSION,
            "question": self.question,
            "asked": self.asked or self.question,
            "status": self.status.value,
            "mode": self.mode.value,
            "model": self.model,
            "answer": self.text,
            "language": self.language,
            "confidence": round(self.confidence, 4),
            "sentences": [
                {
                    "text": sentence.text,
                    "citations": list(sentence.citations),
                    "support": sentence.support.value,
                    "problems": [{"flaw": each.flaw.value, "text": each.text} for each in sentence.problems],
                }
                for sentence in self.sentences
            ],
            "notices": [notice.value for notice in self.notices],
            "removed_citations": self.removed_citations,
            "citations": [_citation_to_dict(citation) for citation in self.citations],
            "nearby": [
                {name: getattr(article, name) for name in ("title", "publisher", "published", "language", "url")}
                | {"article_id": article.id}
                for article in self.nearby
            ],
            "timings_ms": {step: round(ms, 1) for step, ms in self.timings_ms.items()},
        }


def _citation_to_dict(citation: Citation) -> dict[str, Any]:
    article, passage = citation.article, citation.passage
    return {
        "n": citation.n,
        "article_id": article.id,
        "title": article.title,
        "publisher": article.publisher,
        "author": article.author,
        "published": article.published,
        "language": article.language,
        "url": article.url,
        "guessed": list(article.guessed),
        "page": article.page(passage.start),
        "copies": [{"title": copy.title, "publisher": copy.publisher, "url": copy.url} for copy in article.copies],
        "others": [
            {"article_id": other.id, "title": other.title, "publisher": other.publisher, "url": other.url}
            for other in citation.others
        ],
        "passage": passage.text,
        "start": passage.start,
        "end": passage.end,
        "score": round(citation.score, 4),
        "quotes": [
            {"text": quote.text, "start": quote.start, "end": quote.end, "translation": quote.translation}
            for quote in citation.quotes
        ],
    }


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange of a conversation: what was asked, how it was put to the articles, what was said and from where."""

    question: str
    asked: str = ""
    answer: str = ""
    language: str = ""
    citations: tuple[Citation, ...] = ()

    @staticmethod
    def of(answer: Answer) -> Turn:
        """The turn that an answer ends."""
        return Turn(answer.question, answer.asked or answer.question, answer.text, answer.language, answer.citations)
