"""A conversation as the reader's browser keeps it, and what is made of it: messages, turns to go on from, a text.

The browser holds it, so that a page goes on after the server was started anew; what comes back from there is checked.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from rag.answer_json import answer_from_dict
from rag.errors import UsageError
from rag.types import Answer, Citation, Mode, Status, Support, Turn
from ui.render import answer_html, error_html, sure
from ui.texts import text

# Exchanges of one conversation; more are neither kept nor read.
_MOST = 200
_LONGEST = 20_000
_NAME = 80


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with its answer, or with the error that there was instead; with neither it was stopped."""

    question: str
    answer: Answer | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation: its id, what the reader calls it, and what was said."""

    id: str
    name: str = ""
    exchanges: tuple[Exchange, ...] = ()

    def upto(self, count: int) -> Talk:
        """The conversation as it was after so many exchanges."""
        return replace(self, exchanges=self.exchanges[:count])

    def with_exchange(self, exchange: Exchange) -> Talk:
        """The conversation and one exchange more; the first one names it."""
        name = self.name or " ".join(exchange.question.split())[:_NAME]
        return replace(self, name=name, exchanges=(*self.exchanges, exchange)[-_MOST:])


def new_talk() -> Talk:
    """A conversation in which nothing is said yet."""
    return Talk(secrets.token_hex(8))


def to_dict(talk: Talk) -> dict[str, Any]:
    """The conversation as JSON-ready values."""
    return {
        "id": talk.id,
        "name": talk.name,
        "exchanges": [
            {
                "question": each.question,
                "answer": each.answer.to_dict() if each.answer else None,
                "error": each.error,
            }
            for each in talk.exchanges
        ],
    }


def talk_of(values: object) -> Talk:
    """The conversation that a browser kept; what is none is left out, and an answer that is none is as if stopped."""
    if not isinstance(values, Mapping) or not isinstance(values.get("exchanges"), Sequence):
        return new_talk()
    found = [exchange for each in values["exchanges"][-_MOST:] if (exchange := _exchange(each))]
    return Talk(str(values.get("id") or secrets.token_hex(8))[:64], str(values.get("name") or "")[:_NAME], tuple(found))


def _exchange(values: object) -> Exchange | None:
    if not isinstance(values, Mapping) or not isinstance(values.get("question"), str):
        return None
    question, error = values["question"][:_LONGEST], str(values.get("error") or "")[:_LONGEST]
    try:
        return Exchange(question, answer_from_dict(values["answer"]) if values.get("answer") else None, error)
    except UsageError:
        return Exchange(question, None, error)


def turns(talk: Talk) -> list[Turn]:
    """What the conversation is for the assistant; where nothing was answered, a turn that says nothing."""
    return [Turn.of(each.answer) if each.answer else Turn(each.question) for each in talk.exchanges]


def messages(talk: Talk, interface: str, *, share: bool) -> list[dict[str, str]]:
    """What the chat shows, two messages an exchange."""
    shown = []
    for place, each in enumerate(talk.exchanges):
        shown.append({"role": "user", "content": each.question})
        shown.append({"role": "assistant", "content": exchange_html(talk, place, interface, share=share)})
    return shown


def exchange_html(talk: Talk, place: int, interface: str, *, share: bool) -> str:
    """The answer of an exchange, or why there is none."""
    exchange = talk.exchanges[place]
    if exchange.answer:
        return answer_html(exchange.answer, interface, key=f"{talk.id}.{place}", share=share)
    return error_html(exchange.error or text("stopped", interface), interface)


def digest(answer: Answer) -> str:
    """What tells an answer from every other: SHA-256 of its values, in hexadecimal digits."""
    return hashlib.sha256(orjson.dumps(answer.to_dict(), option=orjson.OPT_SORT_KEYS)).hexdigest()


def markdown(talk: Talk, interface: str) -> str:
    """The conversation as Markdown, the sources as footnotes."""
    notes: list[str] = []
    parts = [f"# {_plain(talk.name)}"]
    for each in talk.exchanges:
        parts.append(f"## {_plain(each.question)}")
        parts.append(_answer_markdown(each.answer, notes, interface) if each.answer else _plain(each.error) or "—")
    return "\n\n".join([*parts, *notes]) + "\n"


def _answer_markdown(answer: Answer, notes: list[str], interface: str) -> str:
    first = len(notes)
    notes.extend(f"[^{first + place}]: {_source(citation)}" for place, citation in enumerate(answer.citations, 1))
    number = {citation.n: first + place for place, citation in enumerate(answer.citations, 1)}
    if answer.status is Status.NOT_FOUND or not answer.sentences:
        return _plain(answer.text)
    lines = list(_sentences(answer, number))
    level = sure(answer, interface)
    return "\n\n".join(lines) if answer.mode is Mode.DIRECT else "\n\n".join([*lines, f"*{level}*"])


def _sentences(answer: Answer, number: Mapping[int, int]) -> Iterator[str]:
    for sentence in answer.sentences:
        marks = "".join(f"[^{number[n]}]" for n in sentence.citations if n in number)
        doubt = " (?)" if sentence.support in (Support.PARTLY, Support.UNSUPPORTED) else ""
        quote = answer.mode is not Mode.GENERATED and bool(marks)
        yield f"{'> ' if quote else ''}{_plain(sentence.text)}{doubt}{marks}"


def _source(citation: Citation) -> str:
    article = citation.article
    quotes = " … ".join(f"“{_plain(quote.text)}”" for quote in citation.quotes)
    facts = [_plain(article.title), _plain(article.publisher), article.published[:10], article.url]
    return " · ".join(filter(None, [*facts, quotes]))


_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>#|"})


def _plain(words: str) -> str:
    """Words that Markdown shows as they are, in one line."""
    return " ".join(words.split()).translate(_SPECIAL)
