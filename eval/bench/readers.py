"""Readers who ask a server at the same time: as the page's own script does it, or over the endpoint for programs."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from rag.errors import UsageError

# What Gradio has its addresses under.
GRADIO = "/gradio_api"
# Seconds after which an answer is not waited for any more.
PATIENCE = 120.0
# Of an error that is told.
_GLIMPSE = 200

# What a reader keeps of the conversation from one question to the next.
Talk = Any


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a question: milliseconds until the first words of the answer were there and until it was whole,
    and kilobytes sent and received; or why there is no answer.
    """

    first: float = 0.0
    whole: float = 0.0
    sent: float = 0.0
    received: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """What so many readers at once were answered, and how many seconds that took."""

    way: str
    readers: int
    asked: tuple[Asked, ...]
    seconds: float

    def times(self, name: str) -> list[float]:
        """``first`` or ``whole`` of the questions that were answered, in milliseconds."""
        return [getattr(each, name) for each in self.asked if not each.error]

    @property
    def errors(self) -> list[str]:
        """Why there are questions without an answer."""
        return [each.error for each in self.asked if each.error]


@dataclass(frozen=True, slots=True)
class Form:
    """What the page sends with a question: the number of its function and of what sets it off, the values of all its
    fields, and where the conversation is in them and in what comes back. The question is the first of them.
    """

    function: int
    trigger: int
    values: tuple[object, ...]
    conversation: int
    kept: int


def read_form(config: Mapping[str, Any]) -> Form:
    """The form of the page that has this configuration. Raises UsageError when it is not Isnad's page."""
    components = {each["id"]: each for each in config.get("components", ())}
    for each in config.get("dependencies", ()):
        for target, event in each["targets"]:
            if event == "submit" and components[target]["props"].get("elem_id") == "isnad-question":
                kinds = [[components[number]["type"] for number in each[side]] for side in ("inputs", "outputs")]
                values = tuple(components[number]["props"].get("value") for number in each["inputs"])
                inputs, outputs = (kind.index("browserstate") for kind in kinds)
                return Form(each["id"], target, values, inputs, outputs)
    raise UsageError("Expected Isnad's page there, found one without its question field.")


Asking = Callable[[httpx.AsyncClient, str, Talk], Awaitable[tuple[Asked, Talk]]]


def as_page(form: Form) -> Asking:
    """Asks as the page does: with all its fields and the conversation so far, which comes back longer."""

    async def ask(client: httpx.AsyncClient, question: str, talk: Talk) -> tuple[Asked, Talk]:
        session, kept = talk or (secrets.token_hex(6), None)
        values = list(form.values)
        values[0], values[form.conversation] = question, kept
        body = orjson.dumps({
            "data": values, "event_data": None, "fn_index": form.function, "trigger_id": form.trigger,
            "session_hash": session,
        })  # fmt: skip
        began = time.perf_counter()
        await _post(client, f"{GRADIO}/queue/join", body)
        first = whole = received = 0.0
        shown = 0
        async for line in _lines(client, f"{GRADIO}/queue/data", session_hash=session):
            received += len(line) / 1000
            message = orjson.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
            kind = message.get("msg", "")
            # The first thing that comes is the conversation so far, with earlier answers in it.
            if kind == "process_generating":
                shown += 1
                first = first or (_since(began) if shown > 1 and "isnad-answer" in line else 0.0)
            elif kind == "process_completed":
                whole = _since(began)
                if not message["success"]:
                    raise UsageError(str(message["output"].get("error"))[:_GLIMPSE])
                kept = message["output"]["data"][form.kept]
            elif kind == "close_stream":
                break
        last = kept["exchanges"][-1] if isinstance(kept, dict) and kept.get("exchanges") else {}
        error = "" if last.get("answer") else last.get("error") or "no answer came"
        return Asked(first or whole, whole, len(body) / 1000, received, error[:_GLIMPSE]), (session, kept)

    return ask


async def over_endpoint(client: httpx.AsyncClient, question: str, talk: Talk) -> tuple[Asked, Talk]:
    """Asks over ``/ask_stream``, with the messages so far."""
    before: list[dict[str, str]] = talk or []
    body = orjson.dumps({"question": question, "conversation": before})
    began = time.perf_counter()
    event = (await _post(client, f"{GRADIO}/call/v2/ask_stream", body)).json()["event_id"]
    first = whole = received = 0.0
    kind, answer = "", None
    async for line in _lines(client, f"{GRADIO}/call/v2/ask_stream/{event}"):
        received += len(line) / 1000
        if line.startswith("event:"):
            kind = line.removeprefix("event:").strip()
        elif line.startswith("data:") and kind == "error":
            raise UsageError(line.removeprefix("data:").strip()[:_GLIMPSE])
        elif line.startswith("data:") and kind in ("generating", "complete"):
            whole = _since(began)
            given = orjson.loads(line.removeprefix("data:"))
            answer = given[0] if given else answer
            first = first or (whole if answer and answer["answer"] else 0.0)
    if not answer:
        raise UsageError("no answer came")
    said = [{"role": "user", "content": question}, {"role": "assistant", "content": answer["answer"]}]
    return Asked(first or whole, whole, len(body) / 1000, received), [*before, *said]


async def _post(client: httpx.AsyncClient, path: str, body: bytes) -> httpx.Response:
    response = await client.post(path, content=body, headers={"Content-Type": "application/json"})
    if response.is_error:
        raise UsageError(f"{response.status_code}: {response.text}"[:_GLIMPSE])
    return response


async def _lines(client: httpx.AsyncClient, path: str, **query: str) -> AsyncIterator[str]:
    async with client.stream("GET", path, params=query) as response:
        if response.is_error:
            raise UsageError(f"{response.status_code} at {path}")
        async for line in response.aiter_lines():
            if line:
                yield line


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def read_at_once(
    url: str, way: str, ask: Asking, *, questions: Sequence[Sequence[str]], pause: float, seed: int = 0
) -> Load:
    """What readers are answered who begin within a pause and then rest about that many seconds after each answer.

    ``questions`` are those of each reader; each reader's are one conversation.
    """
    return asyncio.run(_read_at_once(url, way, ask, questions, pause, seed))


async def _read_at_once(
    url: str, way: str, ask: Asking, questions: Sequence[Sequence[str]], pause: float, seed: int
) -> Load:
    draw = random.Random(seed)  # noqa: S311  # the same pauses each time
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, limits=limits) as client:
        began = time.perf_counter()
        # All begin within one pause, spread evenly.
        starts = [pause * place / len(questions) for place in range(len(questions))]
        rests = [[pause * draw.uniform(0.5, 1.5) for _ in each] for each in questions]
        found = await asyncio.gather(
            *(_reader(client, ask, *each) for each in zip(questions, starts, rests, strict=True))
        )
        return Load(way, len(questions), tuple(each for some in found for each in some), time.perf_counter() - began)


async def _reader(
    client: httpx.AsyncClient, ask: Asking, questions: Sequence[str], start: float, rests: Sequence[float]
) -> list[Asked]:
    talk: Talk = None
    results = []
    await asyncio.sleep(start)
    for number, (question, rest) in enumerate(zip(questions, rests, strict=True)):
        if number:
            await asyncio.sleep(rest)
        try:
            asked, talk = await ask(client, question, talk)
        except (UsageError, httpx.HTTPError) as error:
            asked = Asked(error=str(error) or type(error).__name__)
        results.append(asked)
    return results
