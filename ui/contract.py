"""Between the plain values of the endpoints and Isnad's own types. Pure; every error is a UsageError that says what is
wrong, whatever comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingest.dates import iso_date
from rag.answer_json import answer_from_dict
from rag.assistant import LONGEST_QUESTION, MOST_PASSAGES, Options
from rag.errors import (
    ArticleError,
    EmptyCollectionError,
    IsnadError,
    LanguageModelError,
    ModelError,
    QuestionError,
    SettingsError,
    StoreBusyError,
    StoreError,
    UsageError,
)
from rag.language import is_code
from rag.retrieve import TOP_K
from rag.types import Article, Filters, Hit, Mode, Turn
from ui.shapes import ArticleDict, ErrorBody, FullArticleDict, HitDict, MessageDict

# Turns of a conversation that are read; a question takes something from the last few at most.
MOST_TURNS = 20
# The last messages that are looked at for them, the parts of each, and the characters of it that are read.
_MOST_MESSAGES = 200
_MOST_CONTENT_PARTS = 100
_LONGEST_MESSAGE = 20_000
# Values of one filter.
_MOST_VALUES = 500
_LONGEST_VALUE = 500
_LONGEST_CODE = 35
# The longest part of a message that repeats what came.
_SHOWN = 80


# By class, the most special first: what the error is called outside, what is said in place of its own message where
# that may speak of the server's folders and addresses, and what to do.
_ERRORS: tuple[tuple[type[IsnadError], str, str, str], ...] = (
    (QuestionError, "question", "", "Change the question."),
    (SettingsError, "settings", "The server is not set up rightly.", "Whoever runs the server finds why in its log."),
    (UsageError, "usage", "", "Change the request; docs/api.md describes it."),
    (EmptyCollectionError, "empty", "There are no articles in the collection.", "Add articles first."),
    (StoreBusyError, "busy", "The collection is being written to.", "Try again in a moment."),
    (StoreError, "store", "The collection cannot be used.", "Whoever runs the server finds why in its log."),
    (ArticleError, "article", "", "Check the article."),
    (LanguageModelError, "language_model", "The language model failed.", "Try again, or ask with the mode extractive."),
    (ModelError, "model", "The embedding model cannot be used.", "Whoever runs the server finds why in its log."),
    (IsnadError, "failed", "Something went wrong on the server.", "Whoever runs the server finds why in its log."),
)


def error_dict(error: IsnadError) -> ErrorBody:
    """The error as every endpoint gives it; of what is the server's own matter only the kind is told."""
    name, said, hint = next((name, said, hint) for kind, name, said, hint in _ERRORS if isinstance(error, kind))
    return error_body(name, said or str(error), hint)


def error_body(name: str, message: str, hint: str = "") -> ErrorBody:
    """An error by its parts, for what is no IsnadError: no right, too many requests, no such address."""
    return {"error": {"type": name, "message": message, "hint": hint}}


def text_of(value: object, name: str, *, longest: int) -> str:
    """A text, "" for None. Raises UsageError for what is none, is too long, or cannot be written as UTF-8."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError(f"Expected text in {name}, found {_brief(value)}.")
    if len(value) > longest:
        raise UsageError(f"The text in {name} has {len(value):,} characters; at most {longest:,} are read.")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UsageError(f"The text in {name} is not valid Unicode: half a surrogate pair.") from error
    return value


def number_of(value: object, name: str, *, least: int, most: int, default: int) -> int:
    """A whole number, ``default`` for None. Raises UsageError for what is none or out of range."""
    if value is None:
        return default
    if isinstance(value, float) and value.is_integer():  # JavaScript has one kind of number
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"Expected a whole number from {least} to {most:,} in {name}, found {_brief(value)}.")
    return value


def turns_of(messages: object) -> tuple[Turn, ...]:
    """The last exchanges, ``MOST_TURNS`` at most, of a conversation of messages with ``role`` and ``content``.

    What is further back, or beyond the length of a question, is not read.
    The content is text or a list of parts, of which the text counts. Other roles, such as system, say nothing here;
    several messages of one side are one; an answer before any question is left out, and a question without an answer
    is a turn that says nothing. An assistant's message may have its whole ``answer``, so that it can be asked of.
    Raises UsageError for what is no such list.
    """
    if messages is None:
        return ()
    if not isinstance(messages, list | tuple):
        raise UsageError(f"Expected a list of messages in conversation, found {_brief(messages)}.")
    return tuple(_turn(*exchange) for exchange in _exchanges(messages))


def messages_of(messages: object) -> list[MessageDict]:
    """The messages of a conversation as ``turns_of`` reads them, two a turn, in plain form. Raises UsageError."""
    said: list[MessageDict] = []
    for turn in turns_of(messages):
        said.append({"role": "user", "content": turn.question})
        said += [{"role": "assistant", "content": turn.answer}] if turn.answer else []
    return said


def _exchanges(messages: Sequence[object]) -> list[tuple[list[str], list[str], object]]:
    """What was asked, what was said and the last whole answer, an exchange each; read from the end, as far as needed.

    A message is asked or said by its role.
    """
    found: list[tuple[list[str], list[str], object]] = []
    said: list[str] = []
    asked: list[str] = []
    answer: object = None
    for place in range(len(messages) - 1, max(len(messages) - _MOST_MESSAGES, 0) - 1, -1):
        role, content, whole = _message(messages[place], place)
        if role == "assistant" and asked:
            found.append((asked[::-1], said[::-1], answer))
            if len(found) == MOST_TURNS:
                return found[::-1]
            asked, said, answer = [], [], None
        if role == "assistant":
            said.append(content)
            answer = answer or whole
        elif role == "user":
            asked.append(content)
    if asked:
        found.append((asked[::-1], said[::-1], answer))
    return found[::-1]


def _turn(asked: Sequence[str], said: Sequence[str], answer: object) -> Turn:
    question = "\n".join(filter(None, asked))
    if answer is not None:
        whole = answer_from_dict(answer)
        if whole.question:
            return Turn.of(whole)
    question = question[:LONGEST_QUESTION]
    return Turn(question, question, "\n".join(filter(None, said))[:_LONGEST_MESSAGE])


def _message(message: object, place: int) -> tuple[str, str, object]:
    """The role of a message, its text, and the whole answer if it has one."""
    where = f"conversation[{place}]"
    if not isinstance(message, Mapping):
        raise UsageError(f"Expected an object with role and content in {where}, found {_brief(message)}.")
    role = message.get("role")
    if not isinstance(role, str):
        raise UsageError(f"Expected user or assistant in {where}.role, found {_brief(role)}.")
    content = message.get("content")
    if isinstance(content, list | tuple):
        if len(content) > _MOST_CONTENT_PARTS:
            raise UsageError(f"{where}.content has {len(content):,} parts; at most {_MOST_CONTENT_PARTS} are read.")
        content = "\n".join(_part(part, where) for part in content)
    return role, _start_of(content, where), message.get("answer")


def _part(part: object, where: str) -> str:
    """The text of a part of a message; a picture or a file says nothing."""
    if isinstance(part, Mapping):
        part = part.get("text")
    return _start_of(part, where)


def _start_of(content: object, where: str) -> str:
    if isinstance(content, str):
        content = content.strip()[:_LONGEST_MESSAGE]
    return text_of(content, f"{where}.content", longest=_MOST_CONTENT_PARTS * (_LONGEST_MESSAGE + 1))


def filters_of(values: object) -> Filters:
    """The filters that an object with some of languages, publishers, since, until and articles means; None is none.

    Raises UsageError for another key, a day that is none, and what is no list of texts.
    """
    if values is None:
        return Filters()
    if not isinstance(values, Mapping):
        raise UsageError(f"Expected an object in filters, found {_brief(values)}.")
    known = ("languages", "publishers", "since", "until", "articles")
    if unknown := [key for key in values if key not in known]:
        raise UsageError(f"There is no filter {_brief(unknown[0])}. The filters are {', '.join(known)}.")
    filters = Filters(
        languages=_texts(values.get("languages"), "languages"),
        publishers=_texts(values.get("publishers"), "publishers"),
        since=_day(values.get("since"), "since"),
        until=_day(values.get("until"), "until"),
        articles=_texts(values.get("articles"), "articles"),
    )
    if wrong := [each for each in filters.languages if len(each) > _LONGEST_CODE or not is_code(each)]:
        raise UsageError(f"The language in filters.languages is {_brief(wrong[0])}; expected a code such as ar.")
    if filters.since and filters.until and filters.since > filters.until:
        raise UsageError(f"No day is since {filters.since} and until {filters.until}; exchange them.")
    return filters


def _texts(value: object, name: str) -> tuple[str, ...]:
    """A list of texts without empty and repeated ones; a text alone is one of them."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise UsageError(f"Expected a list of texts in filters.{name}, found {_brief(value)}.")
    if len(value) > _MOST_VALUES:
        raise UsageError(f"filters.{name} has {len(value):,} values; at most {_MOST_VALUES} are read.")
    found = [text_of(each, f"filters.{name}", longest=_LONGEST_VALUE).strip() for each in value]
    return tuple(dict.fromkeys(filter(None, found)))


def _day(value: object, name: str) -> str:
    text = text_of(value, f"filters.{name}", longest=_LONGEST_VALUE).strip()
    day = iso_date(text)
    if text and not day:
        raise UsageError(f"The day in filters.{name} is {_brief(text)}; expected one such as 2022-07-19.")
    return day[:10]


def options_of(mode: object = None, top_k: object = None, min_confidence: object = None) -> Options:
    """How a question is answered; None is as the server is set. Raises UsageError for what cannot be."""
    modes = (Mode.EXTRACTIVE, Mode.GENERATED)
    if mode not in (None, "", *modes):
        raise UsageError(
            f"The mode is {_brief(mode)}; expected {' or '.join(modes)}, or none for what the server does."
        )
    return Options(
        mode=Mode(mode) if isinstance(mode, str) and mode else None,
        top_k=number_of(top_k, "top_k", least=1, most=MOST_PASSAGES, default=TOP_K),
        min_confidence=_share(min_confidence, "min_confidence"),
    )


def _share(value: object, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise UsageError(f"Expected a number from 0 to 1 in {name}, found {_brief(value)}.")
    return float(value)


def article_to_dict(article: Article) -> ArticleDict:
    """What a list of articles says of one: without its text, and without where the server read it from."""
    return {
        "id": article.id,
        "title": article.title,
        "publisher": article.publisher,
        "author": article.author,
        "published": article.published,
        "language": article.language,
        "url": article.url,
        "added_at": article.added_at,
        "guessed": list(article.guessed),
        "story": article.story,
        "copies": [{"title": copy.title, "publisher": copy.publisher, "url": copy.url} for copy in article.copies],
    }


def full_article_to_dict(article: Article) -> FullArticleDict:
    """An article as in a list, and its text."""
    return {**article_to_dict(article), "text": article.text}


def hit_to_dict(hit: Hit) -> HitDict:
    """A passage that was found: what a citation says of its source, and its scores."""
    article, passage = hit.article, hit.passage
    return {
        "article_id": article.id,
        "title": article.title,
        "publisher": article.publisher,
        "published": article.published,
        "language": article.language,
        "url": article.url,
        "page": article.page(passage.start),
        "passage": passage.text,
        "start": passage.start,
        "end": passage.end,
        "score": round(hit.score, 4),
        "dense": round(hit.dense, 4),
        "lexical": round(hit.lexical, 4),
    }


def _brief(value: object) -> str:
    """The value if it is short, else its type."""
    if isinstance(value, str | int | float | None):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**_SHOWN:
            return "a huge number"
        text = value[: _SHOWN + 1] if isinstance(value, str) else value
        shown = ascii(text) if isinstance(text, str) and not _writable(text) else repr(text)
        return shown if len(shown) <= _SHOWN + 2 else f"{shown[:_SHOWN]}…"
    return {"list": "a list", "dict": "an object", "tuple": "a list"}.get(type(value).__name__, "something else")


def _writable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
