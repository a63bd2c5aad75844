"""Questions from the server's loop: answered in threads, so many at the same time, given up when nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator

import anyio
import anyio.to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from rag.types import Answer
from ui.errors import Refusal

# Seconds after which a client that waits is told that the server is still at it; proxies give up after some 30 to 60.
_REMINDER = 10.0


class Slots:
    """Places for questions that are answered at the same time, and for some that wait."""

    def __init__(self, answered: int, *, waiting: int) -> None:
        self._free = asyncio.Semaphore(answered)
        self._most_waiting = waiting
        self._waiting = 0

    async def take(self) -> None:
        """Waits for a place. Raises Refusal when too many wait already."""
        if self._waiting >= self._most_waiting:
            raise Refusal(503, "The server is answering as many questions as it can.", name="busy")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1

    def give_back(self) -> None:
        """Leaves a place to others."""
        self._free.release()


class Asking:
    """A question that is being answered, a step at a time, each in a thread."""

    def __init__(self, answers: Generator[Answer, None, None], slots: Slots) -> None:
        self._answers = answers
        self._slots = slots
        self._first: Answer | None = None
        self._step: asyncio.Future[Answer | None] | None = None
        self._closed = False

    @classmethod
    async def begin(cls, ask: Callable[[], Generator[Answer, None, None]], slots: Slots) -> Asking:
        """The question, with a first answer to it: what is wrong with it is raised before anything is sent."""
        await slots.take()
        try:
            asking = cls(ask(), slots)
        except BaseException:
            slots.give_back()
            raise
        try:
            asking._first = await asking._next()
        except BaseException:
            await asking.close()
            raise
        return asking

    async def answers(self) -> AsyncIterator[Answer | None]:
        """The answers as they grow; None now and then when the next takes long."""
        answer = self._first
        while answer is not None:
            yield answer
            while True:
                try:
                    answer = await self._next(_REMINDER)
                    break
                except TimeoutError:
                    yield None

    async def last(self, is_disconnected: Callable[[], Awaitable[bool]]) -> Answer:
        """The whole answer. Raises Refusal when nobody waits for it any more."""
        whole: Answer | None = None
        async for answer in self.answers():
            whole = answer or whole
            if await is_disconnected():
                break
        else:
            if whole is not None:
                return whole
        raise Refusal(503)

    async def close(self) -> None:
        """Stops where it is, and leaves the place to others."""
        if self._closed:
            return
        self._closed = True
        with anyio.CancelScope(shield=True):
            try:
                if self._step is not None:
                    await asyncio.wait([self._step])
                    if not self._step.cancelled():
                        self._step.exception()
                await anyio.to_thread.run_sync(self._answers.close)
            finally:
                self._slots.give_back()

    async def _next(self, seconds: float | None = None) -> Answer | None:
        """The next answer, None behind the last. Raises TimeoutError, and can then be called again."""
        if self._step is None:
            self._step = asyncio.ensure_future(anyio.to_thread.run_sync(next, self._answers, None))
        step = self._step
        done, _ = await asyncio.wait([step], timeout=seconds)
        if not done:
            raise TimeoutError
        self._step = None
        return step.result()


class Streamed(StreamingResponse):
    """Server-sent events of a question that is stopped when its reader goes away, even before the first of them."""

    def __init__(self, events: AsyncIterator[bytes], asking: Asking) -> None:
        super().__init__(
            events, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        self._asking = asking

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._asking.close()
