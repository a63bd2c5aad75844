"""An answer as a chat completion: its text, what of a draft may be sent already, and the places of its citations.

A completion grows at its end only, and a draft may still change. So what is sent of a draft are its checked sentences:
quotations as they are chosen, and what a language model writes only when every sentence of it has been checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rag.phrases import support_label
from rag.types import Answer, Citation, Support

_MARKS = re.compile(r"[”\"»」]?\s?((?:\[\d+\])+)")
_MARK = re.compile(r"\[(\d+)\]")
_DOUBTED = (Support.PARTLY, Support.UNSUPPORTED)


@dataclass(frozen=True, slots=True)
class Placed:
    """The text of an answer, and where in it which citation's mark begins and ends."""

    text: str
    marks: tuple[tuple[int, int, int], ...]


def placed(answer: Answer) -> Placed:
    """The answer's text with its marks [n]; what the sources do not carry is marked in words."""
    text, marks = answer.text, []
    position = 0
    for sentence in answer.sentences:
        begin = text.find(sentence.text, position)
        if begin < 0:
            continue
        position = begin + len(sentence.text)
        if sentence.support in _DOUBTED and (label := support_label(sentence.support, answer.language)):
            text = f"{text[:position]} ({label}){text[position:]}"
            position += len(label) + 3
        if behind := _MARKS.match(text, position):
            marks += [
                (behind.start(1) + mark.start(), behind.start(1) + mark.end(), int(mark.group(1)))
                for mark in _MARK.finditer(behind.group(1))
            ]
            position = behind.end()
    return Placed(text, tuple(marks))


def settled(answer: Answer) -> str:
    """What of the answer, a draft or whole, cannot change any more."""
    if answer.draft and any(sentence.support is Support.UNCHECKED for sentence in answer.sentences):
        return ""
    return placed(answer).text


def deltas(sent: str, answer: Answer) -> str:
    """What to send of the answer after what has been sent."""
    text = settled(answer)
    if text.startswith(sent):
        return text[len(sent) :]
    # No answer takes back a checked sentence. If one did, the reader would have to see it whole.
    return "" if answer.draft else f"\n\n{text}"


def url_citations(answer: Answer) -> list[dict[str, Any]]:
    """Each citation at each place where the text has its number, in OpenAI's shape."""
    by_number = {citation.n: citation for citation in answer.citations}
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": start,
                "end_index": end,
                "url": _address(by_number[n]),
                "title": by_number[n].article.title,
            },
        }
        for start, end, n in placed(answer).marks
        if n in by_number
    ]


def sources(answer: Answer) -> str:
    """The sources as lines to stand under the text, for what shows nothing but the text."""
    lines = list(_source_lines(answer))
    return "\n\n" + "\n".join(lines) if lines else ""


def _source_lines(answer: Answer) -> Iterator[str]:
    for citation in answer.citations:
        article = citation.article
        facts = (article.title, article.publisher, article.published[:10], article.url)
        yield f"[{citation.n}] " + " · ".join(" ".join(fact.split()) for fact in facts if fact)


def _address(citation: Citation) -> str:
    """The article's address, or one that only names it: OpenAI's shape has no annotation without."""
    return citation.article.url or f"urn:isnad:article:{citation.article.id}"
