"""Question sets of ragas: a Dataset or test set as CSV, JSON or JSON lines.

``user_input`` is the question, ``reference`` the answer; ``reference_contexts`` are looked up in the articles, white
space aside, and ``reference_context_ids`` are ids of articles or passages. What a system answered and retrieved
(``response``, ``retrieved_contexts``) is not read: it is measured anew.
"""

from __future__ import annotations

import ast
import csv
import json
import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from eval.expectations import NO_REFERENCE
from eval.reading import Fields, Scan, Wanted, json_lines, kind, language_of, languages_of
from eval.types import Case, Message, Reference
from rag.types import Article

# ragas writes it before each context of a question that needs several.
_HOP = re.compile(r"^\s*<\d+-hop>\s*")
_ROLES = {"human": "user", "user": "user", "ai": "assistant", "assistant": "assistant"}
_PART = "\x00"


class Places:
    """Where texts stand in articles, white space aside."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self._articles = [article for article in articles if article.text.strip()]
        self._starts: list[int] = []
        self._offsets: list[list[int]] = []
        parts, at = [], 0
        for article in self._articles:
            text, offsets = _squeezed(article.text)
            self._starts.append(at)
            self._offsets.append(offsets)
            parts.append(text)
            at += len(text) + len(_PART)
        self._text = _PART.join(parts)

    def find(self, text: str, *, among: Sequence[str] = ()) -> Reference | None:
        """The first place of a text in the articles, or in those ``among`` them by their id."""
        wanted, _ = _squeezed(text)
        wanted = wanted.replace(_PART, "")
        at = self._text.find(wanted) if wanted else -1
        while at >= 0:
            number = bisect_right(self._starts, at) - 1
            article, offsets = self._articles[number], self._offsets[number]
            if not among or article.id in among:
                first = at - self._starts[number]
                start, end = offsets[first], offsets[first + len(wanted) - 1] + 1
                return Reference(article.id, start, end, article.text[start:end])
            at = self._text.find(wanted, at + 1)
        return None


def _squeezed(text: str) -> tuple[str, list[int]]:
    """The text without white space, and where each of its characters was: lines and spaces differ most."""
    kept = [(place, each) for place, each in enumerate(text) if not each.isspace()]
    return "".join(each for _, each in kept), [place for place, _ in kept]


def read_ragas(path: Path, wanted: Wanted, scan: Scan) -> None:
    """Reads a file into ``scan``, its contexts held against the articles of the collection. Raises OSError."""
    places = Places(wanted.articles or ())
    for line, record in _records(path, scan):
        fields = Fields(record, path, line, scan)
        case = case_of(fields, wanted, places)
        if case is not None:
            scan.cases.append(case)


def _records(path: Path, scan: Scan) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if path.suffix.lower() == ".csv":
        yield from _csv_records(path, scan)
    elif path.suffix.lower() == ".json":
        try:
            values = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError as error:
            scan.problem(path, error.lineno, f"expected a JSON file ({error.msg}, column {error.colno})")
            return
        for number, value in enumerate(values if isinstance(values, list) else [values]):
            if isinstance(value, dict):
                yield 0, value
            else:
                scan.problem(path, 0, f"expected a list of objects; number {number + 1} is {kind(value)}")
    else:
        yield from json_lines(path, scan)


def _csv_records(path: Path, scan: Scan) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of a CSV file; lists are written as Python or JSON writes them."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        try:
            for row in reader:
                line = reader.line_num
                if None in row or None in row.values():
                    scan.problem(path, line, f"expected {len(reader.fieldnames or ())} columns as in the first line")
                    continue
                yield line, {name: _value(name, value) for name, value in row.items() if value.strip()}
        except UnicodeDecodeError as error:
            scan.problem(path, reader.line_num + 1, f"expected UTF-8 ({error.reason} at byte {error.start})")
        except csv.Error as error:
            scan.problem(path, reader.line_num, f"expected CSV ({error})")


def _value(name: str, value: str) -> object:
    if name not in ("reference_contexts", "reference_context_ids") and not (
        name == "user_input" and value.startswith("[{")
    ):
        return value
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return value


def case_of(fields: Fields, wanted: Wanted, places: Places) -> Case | None:
    """The case of a record, or None where it has no question; what is wrong with it becomes problems."""
    conversation, question = _asked(fields)
    if not question:
        return None
    reference = fields.text("reference", needed=False)
    references = _references(fields, wanted, places)
    id_ = fields.values.get("id")
    language = fields.text("language", needed=False)
    number = fields.line or len(fields.scan.cases) + 1
    case = Case(
        id=str(id_) if isinstance(id_, str | int) and str(id_) else f"{fields.path.stem}-{number}",
        question=question,
        language=language_of(question, known=language),
        answers=(reference,) if reference else (),
        references=references,
        conversation=conversation,
        languages=languages_of([each.article_id for each in references], wanted.by_id),
        line=fields.line,
    )
    return case if reference or references else replace(case, tags=(NO_REFERENCE,))


def _asked(fields: Fields) -> tuple[tuple[Message, ...], str]:
    """The conversation and the question; of several turns the last message of the user."""
    if not isinstance(fields.values.get("user_input"), list):
        return (), fields.text("user_input")
    messages = []
    for each in fields.records("user_input"):
        role, content = _ROLES.get(str(each.get("type") or each.get("role"))), each.get("content")
        if role and isinstance(content, str) and content.strip():
            messages.append(Message(role, content.strip()))
    asked = [place for place, message in enumerate(messages) if message.role == "user"]
    if not asked:
        fields.problem("'user_input' has no message of a user")
        return (), ""
    return tuple(messages[: asked[-1]]), messages[asked[-1]].content


def _references(fields: Fields, wanted: Wanted, places: Places) -> tuple[Reference, ...]:
    ids = fields.values.get("reference_context_ids") or []
    if not isinstance(ids, list):
        fields.problem(f"expected a list in 'reference_context_ids', found {kind(ids)}")
        ids = []
    contexts = fields.texts("reference_contexts")
    if wanted.articles is None:
        if contexts or ids:
            fields.problem("it refers to articles and there is no collection to look them up in")
        return ()
    # The id of a passage begins with that of its article.
    named = {str(each): str(each) if str(each) in wanted.by_id else str(each).split(":")[0] for each in ids}
    for given, article_id in named.items():
        if article_id not in wanted.by_id:
            fields.problem(f"the article {given!r} of 'reference_context_ids' is not in the collection")
    known = [each for each in dict.fromkeys(named.values()) if each in wanted.by_id]
    if not contexts:
        texts = [(each, wanted.by_id[each].text) for each in known]
        return tuple(Reference(each, 0, len(text), text) for each, text in texts)
    found = []
    for number, context in enumerate(contexts, start=1):
        place = places.find(_HOP.sub("", context), among=known)
        if place is None:
            where = f"the articles {', '.join(known)}" if known else "no article of the collection"
            fields.problem(
                f"context {number} of 'reference_contexts' is not in {where}: {context[:60]!r}"
                if known
                else f"context {number} of 'reference_contexts' is in {where}: {context[:60]!r}"
            )
        else:
            found.append(place)
    return tuple(dict.fromkeys(found))
