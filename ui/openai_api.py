"""Isnad as a model for programs that speak OpenAI's protocol: ``/v1/models`` and ``/v1/chat/completions``."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from rag.assistant import Options
from rag.errors import UsageError
from rag.types import Answer, Filters, Mode, Turn
from ui.backend import Backend
from ui.completion import deltas, placed, sources, url_citations
from ui.contract import filters_of, options_of, turns_of
from ui.errors import Refusal, refusal_of
from ui.streams import Asking, Slots, Streamed

# The models by id, and how they answer: as the server is set, or with quotations though there is a language model.
MODELS: dict[str, Mode | None] = {"isnad": None, "isnad-extractive": Mode.EXTRACTIVE}

# Gives the answers to a question as they grow.
Answering = Callable[[str, Filters, Sequence[Turn], Options], Generator[Answer, None, None]]


class Part(BaseModel):
    """A part of a message; only text is read."""

    model_config = ConfigDict(extra="allow")

    type: str = "text"
    text: str | None = None


class Message(BaseModel):
    """A message of the conversation. The last one of the user is the question; those of other roles are not read."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    """What a stream brings besides the text."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


class Extra(BaseModel):
    """What Isnad knows and OpenAI's protocol does not."""

    model_config = ConfigDict(extra="forbid")

    filters: dict[str, Any] | None = Field(
        default=None, description="Which articles are asked: languages, publishers, since, until, articles."
    )
    mode: Literal["extractive", "generated"] | None = None
    top_k: int | None = Field(default=None, description="How many passages are read.")
    min_confidence: float | None = Field(default=None, description="Below it (0-1) the answer is not_found.")
    sources: bool = Field(default=False, description="Whether the text ends with a list of the sources.")


class ChatRequest(BaseModel):
    """A question in OpenAI's shape. Fields that are not here, such as temperature, are taken and not read."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(description="isnad, or isnad-extractive for quotations though there is a model.")]
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    isnad: Extra | None = None


class Fault(BaseModel):
    """What went wrong, and what to do."""

    type: str
    message: str
    hint: str


class Failure(BaseModel):
    """The one shape of every error."""

    error: Fault


class ModelCard(BaseModel):
    """A model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "isnad"


class ModelList(BaseModel):
    """The models that can be asked."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


_SAID = {
    400: "The request or the question is wrong.", 401: "The key is missing or not known.", 403: "Not allowed.",
    404: "There is no such model.", 409: "There are no articles yet.", 413: "The request is too large.",
    429: "Too many requests; Retry-After says how long to wait.", 500: "Something went wrong.",
    502: "The language model failed.", 503: "The server is busy or not ready yet; Retry-After says how long to wait.",
}  # fmt: skip
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": said} for status, said in _SAID.items()
} | {"4XX": {"model": Failure, "description": "The request is wrong."}}


_ANSWERED: dict[str, Any] = {
    "description": "A chat completion, or a stream of its chunks; isnad has the whole answer.",
    "content": {
        "application/json": {"schema": {"type": "object"}},
        "text/event-stream": {"schema": {"type": "string"}},
    },
}


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    filters: Filters
    turns: tuple[Turn, ...]
    options: Options
    model: str
    with_sources: bool


def openai_routes(backend: Backend, answering: Answering, slots: Slots) -> APIRouter:
    """The addresses under /v1; at most as many questions as there are slots are answered at the same time."""
    router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=FAILURES)
    started = int(time.time())

    @router.get("/models")
    async def models() -> ModelList:
        """The models that can be asked."""
        return ModelList(data=[ModelCard(id=name, created=started) for name in MODELS])

    @router.get("/models/{model}")
    async def one_model(model: str) -> ModelCard:
        """One model."""
        return ModelCard(id=_known(model), created=started)

    @router.post("/chat/completions", response_model=None, responses={200: _ANSWERED})
    async def complete(body: ChatRequest, request: Request) -> Response:
        """The answer to the last message of the user, with its citations as annotations, and whole in ``isnad``.

        A stream (``"stream": true``) brings what is checked, as it is, and the citations at its end.
        """
        question = _question(body)
        check_ready(backend)
        asking = await Asking.begin(
            lambda: answering(question.text, question.filters, question.turns, question.options), slots
        )
        head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": question.model}
        if body.stream:
            usage = bool(body.stream_options and body.stream_options.include_usage)
            return Streamed(_events(asking, head, question, backend, usage=usage), asking)
        try:
            answer = await asking.last(request.is_disconnected)
        finally:
            await asking.close()
        whole = orjson.dumps(_completion(answer, head, question, backend))
        return Response(whole, media_type="application/json")

    return router


def check_ready(backend: Backend) -> None:
    """Raises Refusal while the model and the collection are being made ready, and the error that this ended with."""
    if not backend.ready:
        raise Refusal(503, "The model and the articles are still being made ready.", name="loading")
    backend.isnad()


def _known(model: str) -> str:
    if model not in MODELS:
        raise Refusal(
            404,
            f"There is no model {model[:80]!r}.",
            name="model_not_found",
            hint=f"The models are {' and '.join(MODELS)}.",
        )
    return model


def _question(body: ChatRequest) -> _Question:
    model = _known(body.model)
    messages = [message.model_dump(include={"role", "content"}) for message in body.messages]
    last = next((place for place in range(len(messages) - 1, -1, -1) if messages[place]["role"] == "user"), None)
    if last is None:
        raise UsageError("No message is the user's. The question is the last message with the role user.")
    asked = messages[last]["content"]
    if isinstance(asked, list):
        asked = "\n".join(part["text"] for part in asked if part["text"])
    extra = body.isnad or Extra()
    return _Question(
        text=_readable(asked or ""),
        filters=filters_of(extra.filters),
        turns=turns_of(messages[:last]),
        options=options_of(MODELS[model] or extra.mode, extra.top_k, extra.min_confidence),
        model=model,
        with_sources=extra.sources,
    )


def _readable(question: str) -> str:
    return question.encode("utf-8", "replace").decode("utf-8")


def _text(answer: Answer, question: _Question) -> str:
    return placed(answer).text + (sources(answer) if question.with_sources else "")


def _completion(answer: Answer, head: dict[str, Any], question: _Question, backend: Backend) -> dict[str, Any]:
    text = _text(answer, question)
    message = {"role": "assistant", "content": text, "refusal": None, "annotations": url_citations(answer)}
    return {
        **head,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": _usage(question, text, backend),
        "isnad": answer.to_dict(),
    }


def _usage(question: _Question, text: str, backend: Backend) -> dict[str, int]:
    """Tokens of the question and of the answer, as the embedding model counts them."""
    asked, said = backend.isnad().model.embedder.count_tokens([question.text, text])
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


async def _events(
    asking: Asking, head: dict[str, Any], question: _Question, backend: Backend, *, usage: bool
) -> AsyncIterator[bytes]:
    """The answer as server-sent events. A client that gets nothing for long is kept waiting with comments."""

    def event(delta: dict[str, Any], finish: str | None = None, **more: object) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _line({**head, "object": "chat.completion.chunk", "choices": [choice], **more})

    sent = ""
    yield event({"role": "assistant", "content": ""})
    try:
        async for answer in asking.answers():
            if answer is None:
                yield b": still at it\n\n"
                continue
            if new := deltas(sent, answer):
                sent += new
                yield event({"content": new})
    except Exception as error:
        yield _line(refusal_of(error).body)
        return
    if answer is None:
        return
    if question.with_sources and (listed := sources(answer)):
        yield event({"content": listed})
    if found := url_citations(answer):
        yield event({"annotations": found})
    yield event({}, "stop", isnad=answer.to_dict())
    if usage:
        figures = _usage(question, _text(answer, question), backend)
        yield _line({**head, "object": "chat.completion.chunk", "choices": [], "usage": figures})
    yield b"data: [DONE]\n\n"


def _line(values: Any) -> bytes:  # noqa: ANN401 # whatever is JSON
    return b"data: " + orjson.dumps(values) + b"\n\n"
