"""What all readers of question sets share: what is asked of them, what they give, and lines of JSON, numbered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from eval.types import Case
from rag.language import detect
from rag.types import Article

# So much of a text tells its language.
_TELLING = 400


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a question set, and where: ``line`` counts from 1, and is 0 where no line can be named."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


@dataclass(frozen=True)
class Wanted:
    """What is read of a question set.

    ``articles`` are those of the collection, or None where there is none. Of sets with languages to choose from,
    ``questions`` are those of the questions and ``corpus`` those of the articles (BCP 47). ``every`` adds to every n-th
    question a twin without its article; 0 adds none.
    """

    articles: Sequence[Article] | None = None
    questions: tuple[str, ...] = ()
    corpus: tuple[str, ...] = ()
    every: int = 0

    @cached_property
    def by_id(self) -> Mapping[str, Article]:
        """The articles of the collection by their id."""
        return {article.id: article for article in self.articles or ()}


@dataclass(slots=True)
class Scan:
    """What was read of a question set, as it grows: cases, articles, all problems, and what was left out on purpose."""

    cases: list[Case] = field(default_factory=list)
    articles: list[Article] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def problem(self, path: Path, line: int, message: str) -> None:
        """Adds a problem."""
        self.problems.append(Problem(path.name, line, message))


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one record, read with their types; what is missing or of another type becomes a problem."""

    values: Mapping[str, Any]
    path: Path
    line: int
    scan: Scan

    def problem(self, message: str) -> None:
        """Adds a problem of this record."""
        self.scan.problem(self.path, self.line, message)

    def text(self, name: str, *, needed: bool = True) -> str:
        """The string of a field without white space around it; "" and a problem where it is missing or blank."""
        value = self.values.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if needed:
                self.problem(f"the field {name!r} is {'missing' if value is None else 'empty'}")
            return ""
        if not isinstance(value, str):
            self.problem(f"expected a string in {name!r}, found {kind(value)}")
            return ""
        return value.strip()

    def records(self, name: str) -> list[Mapping[str, Any]]:
        """The objects that a field lists; none and a problem where it is not a list of objects."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.problem(f"expected a list of objects in {name!r}, found {kind(value)}")
            return []
        return value

    def texts(self, name: str) -> list[str]:
        """The strings that a field lists; none and a problem where it is not a list of strings."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.problem(f"expected a list of strings in {name!r}, found {kind(value)}")
            return []
        return value


def kind(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, list):
        odd = next((each for each in value if not isinstance(each, dict)), None)
        return "a list" if odd is None else f"a list with {kind(odd)} in it"
    names = {bool: "true or false", int: "a number", float: "a number", str: "a string", dict: "an object"}
    return names.get(type(value), type(value).__name__)


def json_lines(path: Path, scan: Scan) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSONL file, one at a time, each with its line; lines that hold none are problems.

    Raises OSError.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                value = orjson.loads(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
            except orjson.JSONDecodeError as error:
                scan.problem(path, number, f"expected one JSON object a line ({error.msg}, column {error.colno})")
                continue
            if isinstance(value, dict):
                yield number, value
            else:
                scan.problem(path, number, f"expected a JSON object, found {kind(value)}")


def language_of(text: str, *, known: str = "") -> str:
    """The language that is known, or else the one that the beginning of the text is most likely in."""
    return known or detect(text[:_TELLING])


def languages_of(article_ids: Sequence[str], by_id: Mapping[str, Article]) -> tuple[str, ...]:
    """The languages of the articles that there are, each once, in order."""
    return tuple(dict.fromkeys(by_id[each].language for each in article_ids if each in by_id))
