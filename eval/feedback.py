"""The feedback of the page as a question set: what readers liked is how it should be answered.

A thumb up on an answer makes what its sentences say the reference answer and its quotes the references; a thumb up on a
refusal says that the articles do not answer. A thumb down says that the answer is bad and not which would be good: the
question is asked again and its answer shown, with the tag "disliked", and only those measures apply that need no
reference. An answer that was given both counts as disliked, and never becomes a reference. The same question with the
same conversation is one case; of several liked answers each is right. Filters that the reader had set are not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.expectations import DISLIKED
from eval.jsonl import UNANSWERABLE
from eval.reading import Fields, Scan, Wanted, json_lines, language_of, languages_of
from eval.types import Case, Message, Reference
from rag.types import Article, Mode, Status

VERSION = 1
_RATINGS = ("up", "down")
_ROLES = ("user", "assistant")


@dataclass(slots=True)
class _Asked:
    """One question with its conversation, and the answers that were rated: by status and text, the quotes of each."""

    question: str
    conversation: tuple[Message, ...]
    line: int
    liked: dict[tuple[str, str], tuple[Reference, ...]] = field(default_factory=dict)
    disliked: set[tuple[str, str]] = field(default_factory=set)


def read_feedback(path: Path, wanted: Wanted, scan: Scan) -> None:
    """Reads the file of the page's feedback into ``scan``. Raises OSError.

    Liked answers whose quotes no longer stand in the collection, since their article changed or went, are left out and
    noted; so are those that Isnad gave of itself, without articles.
    """
    asked: dict[str, _Asked] = {}
    direct = 0
    for line, record in json_lines(path, scan):
        fields = Fields(record, path, line, scan)
        read = _read(fields)
        if read is None:
            continue
        key, rated, answer = read
        if answer.get("mode") == Mode.DIRECT:
            direct += 1
            continue
        held = asked.setdefault(key, rated)
        said = (str(answer["status"]), _text(answer, fields))
        if record["rating"] == "down":
            held.disliked.add(said)
        else:
            held.liked[said] = _quotes(answer, fields)
    if direct:
        scan.notes.append(f"{direct} ratings of what Isnad said of itself, without articles, are left out")
    stale = 0
    for key, each in asked.items():
        case = _case(key, each, wanted)
        stale += case is None
        scan.cases += [case] if case else []
    if stale:
        scan.notes.append(f"{stale} liked answers are left out: their quotes no longer stand in the collection")


def _read(fields: Fields) -> tuple[str, _Asked, Mapping[str, Any]] | None:
    """A key for the question with its conversation, the question, and the answer; None and a problem if it is wrong."""
    before = len(fields.scan.problems)
    if fields.values.get("version") != VERSION:
        fields.problem(f"expected the version {VERSION}, found {fields.values.get('version')!r}")
    if fields.values.get("rating") not in _RATINGS:
        fields.problem(f"expected 'up' or 'down' in 'rating', found {fields.values.get('rating')!r}")
    answer = fields.values.get("answer")
    if not isinstance(answer, dict):
        fields.problem("expected an answer, as isnad ask --json prints it, in 'answer'")
        return None
    inner = Fields(answer, fields.path, fields.line, fields.scan)
    question, status = inner.text("question"), inner.text("status")
    if status and status not in set(Status):
        fields.problem(f"expected one of {', '.join(Status)} in 'status', found {status!r}")
    if status == Status.ANSWERED:
        inner.text("answer")
    elif not isinstance(answer.get("answer"), str):
        fields.problem("expected a string in 'answer' of the answer")
    messages = tuple(
        Message(each["role"], each["content"])
        for each in fields.records("conversation")
        if each.get("role") in _ROLES and isinstance(each.get("content"), str)
    )
    if len(messages) < len(fields.records("conversation")):
        fields.problem("expected messages with 'role' (user or assistant) and 'content' in 'conversation'")
    if len(fields.scan.problems) > before:
        return None
    said = "\n".join([question, *(f"{each.role} {each.content}" for each in messages)])
    key = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12]
    return key, _Asked(question, messages, fields.line), answer


def _text(answer: Mapping[str, Any], fields: Fields) -> str:
    """What the sentences of an answer say; the whole text where it has none, as a refusal."""
    sentences = Fields(answer, fields.path, fields.line, fields.scan).records("sentences")
    return "\n".join(str(each.get("text", "")).strip() for each in sentences) or str(answer["answer"]).strip()


def _quotes(answer: Mapping[str, Any], fields: Fields) -> tuple[Reference, ...]:
    try:
        return tuple(
            Reference(str(citation["article_id"]), int(quote["start"]), int(quote["end"]), str(quote["text"]))
            for citation in answer["citations"]
            for quote in citation["quotes"]
        )
    except (KeyError, TypeError, ValueError) as error:
        fields.problem(f"the citations are not as isnad ask --json prints them ({type(error).__name__}: {error})")
        return ()


def _case(key: str, asked: _Asked, wanted: Wanted) -> Case | None:
    """The case of a question; None where all that was liked rests on quotes that stand in the collection no more."""
    liked = {said: quotes for said, quotes in asked.liked.items() if said not in asked.disliked}
    answers = {said: quotes for said, quotes in liked.items() if said[0] == Status.ANSWERED}
    standing = {said: quotes for said, quotes in answers.items() if _stand(quotes, wanted)}
    refusal = len(liked) > len(answers)
    if answers and not standing and not refusal:
        return None
    references = tuple(dict.fromkeys(quote for quotes in standing.values() for quote in quotes))
    # Where a refusal was liked and an answer too, the articles do answer.
    tags = () if standing else ((UNANSWERABLE,) if refusal else (DISLIKED,))
    return Case(
        id=f"feedback-{key}",
        question=asked.question,
        language=language_of(asked.question),
        answers=tuple(text for _, text in standing),
        references=references,
        conversation=asked.conversation,
        tags=tags,
        languages=languages_of([each.article_id for each in references], wanted.by_id),
        line=asked.line,
    )


def _stand(quotes: Sequence[Reference], wanted: Wanted) -> bool:
    """Whether there are quotes, all of which the articles of the collection have; without a collection, as it seems."""
    if wanted.articles is None:
        return bool(quotes)
    return bool(quotes) and all(_stands(quote, wanted.by_id.get(quote.article_id)) for quote in quotes)


def _stands(quote: Reference, article: Article | None) -> bool:
    return article is not None and article.text[quote.start : quote.end] == quote.text
