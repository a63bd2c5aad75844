"""A question on the page, from what the reader typed to what the chat shows while it is being answered."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from rag.assistant import LONGEST_QUESTION, Options
from rag.errors import EmptyCollectionError, IsnadError, QuestionError, StoreError, UsageError
from rag.types import Answer, Filters
from ui.backend import Backend, Stage, State
from ui.render import step_html, waiting_html
from ui.talk import Exchange, Talk, messages, turns
from ui.texts import text

log = logging.getLogger(__name__)

# Seconds between two looks at whether the assistant is ready.
_LOOK = 0.5
_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


@dataclass(frozen=True, slots=True)
class Request:
    """A question as the reader asks it: of which articles, how it is to be answered, in which language of the page."""

    question: str
    filters: Filters = field(default_factory=Filters)
    options: Options = field(default_factory=Options)
    interface: str = "en"
    share: bool = False


def converse(backend: Backend, talk: Talk, request: Request) -> Iterator[tuple[list[dict[str, str]], Talk]]:
    """What the chat shows, again and again until the answer is whole, and the conversation that this makes."""
    shown = messages(talk, request.interface, share=request.share)
    shown.append({"role": "user", "content": request.question})
    begun = talk.with_exchange(Exchange(request.question))

    def showing(content: str) -> tuple[list[dict[str, str]], Talk]:
        return [*shown, {"role": "assistant", "content": content}], begun

    yield showing(waiting_html(text("step_searching", request.interface), request.interface))
    try:
        while not backend.wait(_LOOK):
            yield showing(waiting_html(state_text(backend.state, request.interface), request.interface))
        _check(request)
        answer: Answer | None = None
        with closing(backend.stream(request.question, request.filters, turns(talk), request.options)) as answers:
            for answer in answers:
                if answer.draft:
                    yield showing(step_html(answer, request.interface))
        ended = talk.with_exchange(Exchange(request.question, answer))
    except IsnadError as error:
        ended = talk.with_exchange(Exchange(request.question, error=error_text(error, request)))
    except Exception:
        log.exception("A question could not be answered")
        ended = talk.with_exchange(Exchange(request.question, error=text("error_unknown", request.interface)))
    yield messages(ended, request.interface, share=request.share), ended


def _check(request: Request) -> None:
    if not request.question.strip() or len(request.question.strip()) > LONGEST_QUESTION:
        raise QuestionError("An empty or overlong question.")
    if not _dated(request.filters):
        raise UsageError("A date that is none.")


def _dated(filters: Filters) -> bool:
    return all(_DAY.fullmatch(day) for day in (filters.since, filters.until) if day)


def error_text(error: IsnadError, request: Request) -> str:
    """What an error says to the reader, in the language of the page."""
    interface, question = request.interface, request.question.strip()
    if isinstance(error, QuestionError):
        if not question:
            return text("error_empty_question", interface)
        return text("error_long_question", interface, count=len(question), most=LONGEST_QUESTION)
    if isinstance(error, EmptyCollectionError):
        return text("empty_collection", interface)
    if isinstance(error, StoreError):
        log.error("A question could not be answered: %s", error)
        return text("error_store", interface)
    if not _dated(request.filters):
        return text("error_date", interface)
    if isinstance(error, UsageError) and request.filters:
        return text("error_no_article", interface)
    log.error("A question could not be answered: %s", error)
    return text("error_unknown", interface)


def state_text(state: State, interface: str) -> str:
    """What a backend that is not ready is doing."""
    if state.stage is Stage.READY:
        return ""
    return text(f"stage_{state.stage}", interface, done=state.done, total=state.total)
