"""How much one client may send: requests a minute, and bytes a request."""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections.abc import Callable, Collection
from typing import Any

import orjson
from starlette.formparsers import MultiPartException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.errors import GRADIO, Refusal

# Seconds that sums of shares of a minute may be off.
_ROUNDING = 1e-6
# Bytes of a request that is no upload; and of one that calls a function of the page, which may bring a long article or
# the conversation that the browser keeps.
LARGEST_BODY = 1_000_000
LARGEST_CALL = 16_000_000
MEGABYTE = 1_000_000
# Files as large as one may be that one upload may bring.
_FILES = 4
UPLOAD = f"{GRADIO}upload"
# Clients that are remembered; those that may ask again at once are forgotten first.
_MOST_CLIENTS = 10_000
_BODILESS = ("GET", "HEAD", "OPTIONS")
_BY_NAME = re.compile(rf"{GRADIO}call/")
_BY_NUMBER = re.compile(rf"{GRADIO}(?:run/|api/|queue/join)")
_MCP = re.compile(rf"{GRADIO}mcp(?:/|$)")
_COMPLETIONS = "/v1/chat/completions"


class RateLimit:
    """So many requests a minute and client, all at once or spread out (the generic cell rate algorithm)."""

    def __init__(self, a_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """0 ``a_minute`` is any number."""
        self._apart = 60 / a_minute if a_minute else 0.0
        self._clock = clock
        self._free: dict[str, float] = {}  # when a client that asks no more will have all its requests again

    def wait(self, client: str) -> float:
        """Seconds until the client may ask again; 0 says that it may now."""
        due = max(self._free.get(client, 0.0), self._clock())
        return max(0.0, due + self._apart - self._clock() - 60 - _ROUNDING)

    def count(self, client: str) -> None:
        """Notes a request of the client."""
        if not self._apart:
            return
        now = self._clock()
        if client not in self._free and len(self._free) >= _MOST_CLIENTS:
            self._free = {each: free for each, free in self._free.items() if free > now}
            if len(self._free) >= _MOST_CLIENTS:  # so many at once: the one that is let go first makes room
                del self._free[min(self._free, key=self._free.__getitem__)]
        self._free[client] = max(self._free.get(client, 0.0), now) + self._apart

    def take(self, client: str) -> None:
        """Notes a request of the client. Raises Refusal when it has sent too many."""
        if seconds := self.wait(client):
            raise too_many(seconds)
        self.count(client)


def too_many(seconds: float) -> Refusal:
    """What a client is told that has to wait so long."""
    return Refusal(429, headers={"Retry-After": str(math.ceil(seconds))})


def address(scope: Scope) -> str:
    """Where a request comes from; of an IPv6 address the network, as one machine has very many of them."""
    host = str((scope.get("client") or ("", 0))[0])
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((host, 64), strict=False)) if parsed.version == 6 else host


class BodyLimit:
    """The application, with no more of a request's body than it may have, whatever its headers say.

    What is no upload is read whole before anything else is done with it.
    """

    def __init__(self, app: ASGIApp, *, max_upload_mb: int) -> None:
        self.app = app
        self._largest_upload = _FILES * max_upload_mb * MEGABYTE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Refusal for a body that is too large."""
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        upload = path.rstrip("/") == UPLOAD
        largest = LARGEST_CALL if _BY_NAME.match(path) or _BY_NUMBER.match(path) else LARGEST_BODY
        largest = self._largest_upload if upload else largest
        if _announced(scope) > largest:
            raise _too_large(largest)
        receive = _counted(receive, largest) if upload else await _read(receive, largest, scope)
        await self.app(scope, receive, send)


def _too_large(largest: int) -> Refusal:
    # What has not been read yet is not waited for.
    return Refusal(
        413, f"The request has more than {largest / MEGABYTE:g} million bytes.", headers={"Connection": "close"}
    )


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


def _counted(receive: Receive, largest: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > largest:
            # Gradio's parser deletes what it has written of the files when this is raised; its answer is a 413.
            raise MultiPartException("The files exceed the maximum allowed size.")
        return message

    return counted


async def _read(receive: Receive, largest: int, scope: Scope) -> Receive:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > largest:
            raise _too_large(largest)
        if not message.get("more_body"):
            break
    body = b"".join(parts)
    scope.setdefault("state", {})["body"] = body
    sent: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    if message["type"] != "http.request":
        sent = [message]

    async def replayed() -> Message:
        return sent.pop() if sent else await receive()

    return replayed


class AskingLimit:
    """The application, asked and searched only so often by one client."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit: RateLimit,
        uncounted: Callable[[], Collection[int]],
        client: Callable[[Scope], str | None],
    ) -> None:
        """``uncounted`` are the numbers of the page's functions that the page calls without the reader's doing;
        ``client`` is who asks, None for whom is not counted.
        """
        self.app = app
        self._limit = limit
        self._uncounted = uncounted
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Refusal for a request too many."""
        counts = scope["type"] == "http" and scope["method"] == "POST" and self._counts(scope)
        if counts and (asking := self._client(scope)):
            self._limit.take(asking)
        await self.app(scope, receive, send)

    def _counts(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if path.rstrip("/") == _COMPLETIONS or _MCP.match(path) or _BY_NAME.match(path):
            return True
        if not _BY_NUMBER.match(path):
            return False
        number = _function(scope["state"].get("body", b""))
        return number is None or number not in self._uncounted()


def _function(body: bytes) -> int | None:
    """The number of the page's function that is called, if it is called by number."""
    try:
        values: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    number = values.get("fn_index") if isinstance(values, dict) else None
    return number if isinstance(number, int) else None
