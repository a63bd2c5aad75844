"""An answer's JSON: its schema, and the way back from ``Answer.to_dict`` to an Answer.

The dictionaries below are the one description of it: the schema is generated from them, what comes from outside is
validated against them, and the endpoints have them as their types. ``python -m rag.answer_json`` prints the schema.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, ConfigDict, Field, Strict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic takes this one on Python 3.11

from rag.errors import UsageError
from rag.language import is_code
from rag.types import (
    ANSWER_VERSION,
    Answer,
    AnswerSentence,
    Article,
    Citation,
    Copy,
    Flaw,
    Mode,
    Notice,
    Passage,
    Problem,
    Quote,
    Status,
    Support,
)

# An answer that comes from outside has at most so many bytes: some hundred times what Isnad gives.
_MOST_BYTES = 2_000_000
# Letters of a BCP 47 code, which nothing in use exceeds.
_LONGEST_CODE = 35
# A page number is kept as so many page breaks.
_MOST_PAGES = 100_000
# The longest part of a message that repeats what came.
_SHOWN = 80


def _code(value: str) -> str:
    if value and (len(value) > _LONGEST_CODE or not is_code(value)):
        raise ValueError("expected a BCP 47 code such as ar or pt-BR, or an empty string")
    return value


def _address(value: str) -> str:
    urlsplit(value)  # raises ValueError for what cannot be shown as a link
    return value


_STRICT = with_config(ConfigDict(strict=True))

_Code = Annotated[str, AfterValidator(_code), Field(description="BCP 47; empty where it is not known.")]
_Url = Annotated[str, AfterValidator(_address), Field(description="The article's address; empty where it has none.")]
_Date = Annotated[str, Field(description="ISO 8601, a day or a day and time; empty where it is not known.")]
_Offset = Annotated[int, Field(ge=0, description="In characters (code points) from the beginning of the article.")]
_Share = Annotated[float, Field(ge=0, le=1)]
_Number = Annotated[int, Field(ge=1, description="The number of a citation.")]


@_STRICT
class ProblemDict(TypedDict):
    """What is wrong with a sentence."""

    flaw: Annotated[Flaw, Strict(False), Field(description="The kind.")]
    text: Annotated[str, Field(description="The words of the sentence that have it; empty for the whole.")]


@_STRICT
class SentenceDict(TypedDict):
    """A sentence of the answer, with what it rests on."""

    text: Annotated[str, Field(description="Without citation marks.")]
    citations: Annotated[list[_Number], Field(description="The numbers of its citations.")]
    support: Annotated[Support, Strict(False), Field(description="How well the cited quotes carry it.")]
    problems: list[ProblemDict]


@_STRICT
class QuoteDict(TypedDict):
    """A sentence of an article, word for word."""

    text: str
    start: _Offset
    end: _Offset
    translation: Annotated[str, Field(description="By machine, into the answer's language; empty where there is none.")]


@_STRICT
class CopyDict(TypedDict):
    """Another place with the very same text."""

    title: str
    publisher: str
    url: _Url


@_STRICT
class OtherDict(TypedDict):
    """Another article of the same story that says the same."""

    article_id: str
    title: str
    publisher: str
    url: _Url


@_STRICT
class CitationDict(TypedDict):
    """A source: a passage of an article and the sentences of it that are quoted."""

    n: Annotated[int, Field(ge=1, description="Its number, as the answer's text has it in square brackets.")]
    article_id: str
    title: str
    publisher: str
    author: str
    published: _Date
    language: _Code
    url: _Url
    guessed: Annotated[list[str], Field(description="Which of these fields the article does not state.")]
    page: Annotated[
        Annotated[int, Field(ge=1, le=_MOST_PAGES)] | None, Field(description="Where the passage begins, if paged.")
    ]
    copies: list[CopyDict]
    others: list[OtherDict]
    passage: Annotated[str, Field(description="The text around the quotes, word for word.")]
    start: _Offset
    end: _Offset
    score: Annotated[_Share, Field(description="The estimated probability that the quotes answer the question.")]
    quotes: list[QuoteDict]


@_STRICT
class NearbyDict(TypedDict):
    """An article near a question that is refused; it does not answer it."""

    article_id: str
    title: str
    publisher: str
    published: _Date
    language: _Code
    url: _Url


@_STRICT
class AnswerDict(TypedDict):
    """What came of a question. A refusal has the status not_found and neither sentences nor citations."""

    version: Annotated[
        int, Field(description="Of this schema; raised when a field goes or changes, not when one is added.")
    ]
    question: str
    asked: Annotated[str, Field(description="The question as it was put to the articles, read in its conversation.")]
    status: Annotated[Status, Strict(False)]
    mode: Annotated[Mode, Strict(False)]
    model: Annotated[str, Field(description="The language model that wrote it; empty where none did.")]
    answer: Annotated[str, Field(description="The text, with citation numbers in square brackets.")]
    language: Annotated[_Code, Field(description="The language of the answer, BCP 47.")]
    confidence: Annotated[_Share, Field(description="The estimated probability that the quotes answer the question.")]
    sentences: list[SentenceDict]
    notices: Annotated[
        list[Annotated[Notice, Strict(False)]], Field(description="What a reader should know of how it came about.")
    ]
    removed_citations: Annotated[
        int, Field(ge=0, description="Numbers that the language model wrote and no source has.")
    ]
    citations: list[CitationDict]
    nearby: Annotated[list[NearbyDict], Field(description="Of a refusal: articles near the question.")]
    timings_ms: Annotated[
        dict[str, Annotated[float, Field(allow_inf_nan=False)]], Field(description="Milliseconds a step, and in total.")
    ]


# What an answer of an earlier minor version, or one that was written by hand, may lack.
_DEFAULTS: Mapping[str, Any] = {
    "asked": "", "model": "", "sentences": [], "notices": [], "removed_citations": 0, "citations": [], "nearby": [],
    "timings_ms": {},
}  # fmt: skip


def answer_from_dict(values: object) -> Answer:
    """The answer that ``Answer.to_dict`` made these values of; the HTML of both is the same.

    What the values do not tell, such as the text of the articles around the passages, is empty. Raises UsageError for
    what is no such answer: of another version, of wrong types, with numbers or offsets that do not fit, or huge.
    """
    if not isinstance(values, dict):
        raise UsageError(f"The answer is {_brief(values)}; expected an object, as isnad ask --json prints it.")
    if values.get("version") != ANSWER_VERSION:
        raise UsageError(
            f"The answer has the version {_brief(values.get('version'))}; expected {ANSWER_VERSION}. Ask again."
        )
    try:
        read = _adapter().validate_python({**_DEFAULTS, **values})
    except (ValidationError, RecursionError) as error:
        raise UsageError(f"The answer is not as isnad ask --json prints it: {_reason(error)}.") from error
    _check_size(read)
    citations = tuple(_citation(each) for each in read["citations"])
    numbers = {citation.n for citation in citations}
    if len(numbers) < len(citations) or any(n not in numbers for each in read["sentences"] for n in each["citations"]):
        raise UsageError("The answer's sentences cite numbers that its citations do not have, or have twice.")
    return Answer(
        question=read["question"],
        status=Status(read["status"]),
        mode=Mode(read["mode"]),
        text=read["answer"],
        language=read["language"],
        confidence=read["confidence"],
        sentences=tuple(_sentence(each) for each in read["sentences"]),
        citations=citations,
        timings_ms=read["timings_ms"],
        asked=read["asked"],
        model=read["model"],
        notices=tuple(read["notices"]),
        removed_citations=read["removed_citations"],
        nearby=tuple(_article(each) for each in read["nearby"]),
    )


def answer_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what ``Answer.to_dict`` gives."""
    schema = _untitled(_adapter().json_schema(mode="serialization"))
    schema["properties"]["version"]["const"] = ANSWER_VERSION
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Answer"}


def _untitled(schema: object) -> Any:  # noqa: ANN401  # a schema of JSON's own, whose shape is its meaning
    """The schema without the titles that repeat the names of the fields."""
    if isinstance(schema, list):
        return [_untitled(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _untitled(each) for name, each in schema.items() if name != "title" or not isinstance(each, str)}


@cache
def _adapter() -> TypeAdapter[AnswerDict]:
    return TypeAdapter(AnswerDict)


def _check_size(read: AnswerDict) -> None:
    """Raises UsageError for an answer that is huge, and for text or numbers that JSON cannot hold."""
    try:
        size = len(orjson.dumps(read))
    except orjson.JSONEncodeError as error:  # half a surrogate pair, a number of more than 64 bits
        raise UsageError(f"The answer cannot be written as JSON: {str(error)[:_SHOWN]}.") from error
    if size > _MOST_BYTES:
        raise UsageError(f"The answer has {size:,} bytes; at most {_MOST_BYTES:,} are read.")


def _sentence(values: SentenceDict) -> AnswerSentence:
    problems = tuple(Problem(Flaw(each["flaw"]), each["text"]) for each in values["problems"])
    return AnswerSentence(values["text"], tuple(values["citations"]), Support(values["support"]), problems)


def _citation(values: CitationDict) -> Citation:
    article, start, end = values["article_id"], values["start"], values["end"]
    quotes = tuple(Quote(each["text"], each["start"], each["end"], each["translation"]) for each in values["quotes"])
    position = start
    for quote in quotes:
        if quote.start < position or values["passage"][quote.start - start : quote.end - start] != quote.text:
            raise UsageError(f"A quote of the answer's citation {values['n']} is not at its place in the passage.")
        position = quote.end
    if end - start != len(values["passage"]):
        raise UsageError(f"The passage of the answer's citation {values['n']} is not as long as its offsets say.")
    spans = tuple((quote.start, quote.end) for quote in quotes)  # of its sentences those that are known
    return Citation(
        values["n"],
        _article(values),
        Passage("", article, values["passage"], start, end, values["language"], spans),
        quotes,
        values["score"],
        tuple(_article(each) for each in values["others"]),
    )


def _article(values: CitationDict | NearbyDict | OtherDict) -> Article:
    """What is told of an article; the passage of a citation is on the same page of it."""
    told = cast("dict[str, Any]", values)
    copies = tuple(Copy("", "", "", each["title"], each["url"], each["publisher"]) for each in told.get("copies", ()))
    return Article(
        id=told["article_id"],
        title=told["title"],
        text="",
        url=told["url"],
        publisher=told["publisher"],
        published=told.get("published", ""),
        language=told.get("language", ""),
        author=told.get("author", ""),
        guessed=tuple(told.get("guessed", ())),
        pages=(0,) * (told.get("page") or 0),
        copies=copies,
    )


def _reason(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{_brief(place)}: {first['msg'].removeprefix('Value error, ')}"


def _brief(value: object) -> str:
    """The value if it is short, else its type."""
    if isinstance(value, str | int | float | None) and len(shown := repr(value)) <= _SHOWN:
        return shown
    return f"a {type(value).__name__}"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer_schema(), ensure_ascii=False, indent=2) + "\n")
