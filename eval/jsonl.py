"""Isnad's own question sets: one JSON object a line.

    {"id": "q1", "question": "…", "language": "en", "answer": "…" or ["…", "…"], "tags": ["date"],
     "quotes": [{"article_id": "…", "start": 35, "end": 71, "text": "…"}],
     "conversation": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}], "without": ["…"]}

``language`` is BCP 47, that of the question and its answer; of several answers any is right. Every answer rests on
quotes: the characters ``start`` to ``end`` of an article's text, which ``text`` repeats. Where no article answers,
``answer`` is "" and there are no quotes. ``conversation`` is what was said before, ``without`` are articles that are
taken out of the collection for the question; these two, ``tags`` and ``quotes`` may be left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.reading import Fields, Scan, Wanted, json_lines, kind, languages_of
from eval.types import Case, Message, Reference
from rag.language import is_code

UNANSWERABLE = "unanswerable"
NEAR = "near"
FAR = "far"
CROSS_LANGUAGE = "cross-language"
FOLLOW_UP = "follow-up"

# The tags of our own format, and what they say of a question.
TAGS = {
    "factoid": "asks for a name, a place or a thing",
    "numeric": "asks for a number",
    "date": "asks for a day or a time",
    "who-said-what": "asks who said something, or what somebody said",
    "why": "asks for a reason",
    "list": "asks for several things",
    "multi-article": "the answer is in several articles together",
    "contradiction": "articles say different things",
    FOLLOW_UP: "is understood only after the conversation before it",
    UNANSWERABLE: "no article answers it",
    NEAR: "unanswerable, and about something that the articles do write of",
    FAR: "unanswerable, and about nothing that the articles write of",
    CROSS_LANGUAGE: "no article in the language of the question answers it, others do",
}
_FIELDS = ("id", "question", "language", "answer", "quotes", "conversation", "tags", "without")
_ROLES = ("user", "assistant")


def read_jsonl(path: Path, wanted: Wanted, scan: Scan) -> None:
    """Reads a file of our own format into ``scan``. Raises OSError."""
    for line, record in json_lines(path, scan):
        scan.cases.append(case_of(Fields(record, path, line, scan), wanted))


def case_of(fields: Fields, wanted: Wanted) -> Case:
    """The case of a record; what is wrong with it becomes problems."""
    for name in fields.values.keys() - set(_FIELDS):
        fields.problem(f"unknown field {name!r}; there are {', '.join(_FIELDS)}")
    references = tuple(found for each in fields.records("quotes") if (found := _reference(each, fields)))
    case = Case(
        id=fields.text("id"),
        question=fields.text("question"),
        language=_language(fields),
        answers=_answers(fields),
        references=references,
        conversation=_conversation(fields),
        tags=tuple(fields.texts("tags")),
        languages=languages_of([each.article_id for each in references], wanted.by_id),
        without=tuple(fields.texts("without")),
        line=fields.line,
    )
    _check(case, fields)
    return case


def _language(fields: Fields) -> str:
    language = fields.text("language")
    if language and not is_code(language):
        fields.problem(f"expected a BCP 47 code such as 'ar' or 'pt-BR' in 'language', found {language!r}")
    return language


def _answers(fields: Fields) -> tuple[str, ...]:
    if "answer" not in fields.values:
        fields.problem("the field 'answer' is missing; give \"\" where the articles do not answer")
        return ()
    value = fields.values["answer"]
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in listed):
        fields.problem(f"expected a string or a list of strings in 'answer', found {kind(value)}")
        return ()
    answers = tuple(each.strip() for each in listed if each.strip())
    if isinstance(value, list) and len(answers) < len(value):
        fields.problem("an answer in the list 'answer' is empty; give \"\" alone where the articles do not answer")
    return answers


def _reference(value: Mapping[str, Any], fields: Fields) -> Reference | None:
    expected = {"article_id": str, "start": int, "end": int, "text": str}
    right = True
    for name, wanted in expected.items():
        if name not in value:
            fields.problem(f"a quote has no {name!r}")
        elif type(value[name]) is not wanted:  # true is an int to isinstance
            fields.problem(
                f"expected {'a string' if wanted is str else 'a whole number'} in a quote's {name!r}, "
                f"found {kind(value[name])}"
            )
        else:
            continue
        right = False
    for name in value.keys() - expected.keys():
        fields.problem(f"unknown field {name!r} in a quote; there are {', '.join(expected)}")
    return Reference(value["article_id"], value["start"], value["end"], value["text"]) if right else None


def _conversation(fields: Fields) -> tuple[Message, ...]:
    messages = []
    records = fields.records("conversation")
    for number, value in enumerate(records):
        role, content = value.get("role"), value.get("content")
        if role != _ROLES[number % 2]:
            fields.problem(
                f"expected the messages of 'conversation' to take turns, {_ROLES[0]!r} first; the role of number "
                f"{number + 1} is {role!r}"
            )
        elif not isinstance(content, str) or not content.strip():
            fields.problem(f"message {number + 1} of 'conversation' has no text in 'content'")
        else:
            messages.append(Message(role, content))
    if len(messages) % 2 and len(messages) == len(records):
        fields.problem("'conversation' ends with a message of the user; the question itself is not part of it")
    return tuple(messages)


def _check(case: Case, fields: Fields) -> None:
    """What our own format asks for beyond the fields: that they fit each other."""
    for tag in case.tags:
        if tag not in TAGS:
            fields.problem(f"unknown tag {tag!r}; there are {', '.join(TAGS)}")
    if case.answers and not fields.values.get("quotes"):
        fields.problem("there is an answer and no quote in 'quotes' that it rests on")
    for tag in (UNANSWERABLE, NEAR, FAR):
        if case.answers and tag in case.tags:
            fields.problem(f"there is an answer and the tag {tag!r}")
    if "answer" in fields.values and not case.answers and case.references:
        fields.problem("there are quotes and no answer in 'answer'")
    if FOLLOW_UP in case.tags and not case.conversation:
        fields.problem(f"the tag {FOLLOW_UP!r} is there and no conversation")
