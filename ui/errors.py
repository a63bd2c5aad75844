"""What a request that cannot be answered gets: one shape, the right status, and nothing of the inside of the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import (
    ArticleError,
    EmptyCollectionError,
    IsnadError,
    LanguageModelError,
    ModelError,
    SettingsError,
    StoreBusyError,
    StoreError,
    UsageError,
)
from ui.contract import error_body, error_dict

log = logging.getLogger(__name__)

JSON = b"application/json"
# Where Gradio's own routes are.
GRADIO = "/gradio_api/"
# The longest answer of an error that is looked at; Gradio repeats what it was sent.
_LONGEST = 64 * 1024
# Seconds after which asking again is worth it.
_SOON = 5
# By class, the most special first: the status of what goes wrong while a question is answered. Messages of what is not
# the asker's doing may name folders and addresses of the server; they are logged, and the asker gets that of _STATUSES.
_ERRORS: tuple[tuple[type[IsnadError], int], ...] = (
    (SettingsError, 503),
    (UsageError, 400),
    (ArticleError, 400),
    (EmptyCollectionError, 409),
    (StoreBusyError, 503),
    (StoreError, 500),
    (LanguageModelError, 502),
    (ModelError, 503),
    (IsnadError, 500),
)
# What an error is called and says, where nothing better is known of it than its status.
_STATUSES: Mapping[int, tuple[str, str, str]] = {
    400: ("usage", "The request could not be understood.", "Compare it with docs/api.md."),
    401: ("unauthorized", "Who asks is not known.", "Sign in, or send the header Authorization: Bearer KEY."),
    403: ("forbidden", "This is not allowed.", "Ask whoever runs the server."),
    404: ("not_found", "There is nothing at this address.", "The addresses are in docs/api.md."),
    405: ("method", "This address does not take requests of this method.", "The methods are in docs/api.md."),
    413: ("too_large", "The request is larger than the server takes.", "Send less at once."),
    415: ("media_type", "The request is of a type that is not read here.", "Send Content-Type: application/json."),
    422: ("usage", "The request could not be understood.", "Compare it with docs/api.md."),
    429: ("rate_limit", "Too many requests.", "Wait as many seconds as the header Retry-After says."),
    500: ("failed", "Something went wrong on the server.", "Whoever runs the server finds more in its log."),
    502: ("language_model", "The language model failed.", "Try again, or ask with the mode extractive."),
    503: ("busy", "The server is busy, or not ready yet.", "Try again in a moment."),
}
# Gradio's routes raise these for a request that they did not expect: a name that is none, a field that is missing.
_MISUNDERSTOOD = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)
_NO_SUCH_NAME = "FnIndexInferError"
_BY_VALIDATOR = "__type__"


class Refusal(Exception):
    """A request that is not answered: its status, and the body and headers that say why."""

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        name: str = "",
        hint: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """What is not given is said as for any request of that status."""
        known = _STATUSES.get(status) or _STATUSES[400 if status < 500 else 500]
        self.status = status
        self.body = error_body(name or known[0], message or known[1], hint or known[2])
        self.headers = {key.lower(): value for key, value in (headers or {}).items()}
        if status == 503:
            self.headers.setdefault("retry-after", str(_SOON))
        super().__init__(self.body["error"]["message"])


def refusal_of(error: Exception) -> Refusal:
    """What is answered to a request that ended with this error; what is not the asker's doing is logged."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, HTTPException):
        return Refusal(error.status_code)
    if not isinstance(error, IsnadError):
        log.error("A request could not be answered", exc_info=error)
        return Refusal(500)
    status = next(status for kind, status in _ERRORS if isinstance(error, kind))
    said = error_dict(error)["error"]
    if status >= 500:
        log.error("A request could not be answered: %s", error)
        return Refusal(status, name=said["type"])
    # Clients that retry by themselves would ask an empty collection again and again.
    headers = {"x-should-retry": "false"} if status == 409 else {}
    return Refusal(status, said["message"], name=said["type"], hint=said["hint"], headers=headers)


class ErrorShape:
    """The application, with every error of it in the one shape, whoever raised or wrote it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is no error."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answering = _Answering(scope, send)
        try:
            await self.app(scope, receive, answering.send)
        except asyncio.CancelledError:
            # The server ends, and nothing else cancels here: what is still being answered ends in good order.
            await answering.break_off()
            return
        except Exception as error:
            if answering.begun and isinstance(error.__cause__ or error, HTTPException):
                await answering.break_off()  # Gradio's way to end the stream of a session that is no more
                return
            if answering.begun:
                # Too late for another answer. Hanging up is all that tells the client.
                log.exception("An answer broke off")
                raise
            await answering.refuse(_raised(error, scope["path"]))
            return
        await answering.end()


def _raised(error: Exception, path: str) -> Refusal:
    if type(error).__name__ == _NO_SUCH_NAME:
        return Refusal(404, "There is no endpoint of this name.")
    if path.startswith(GRADIO) and isinstance(error, _MISUNDERSTOOD):
        log.warning("A request to %s was not understood", path, exc_info=error)
        return Refusal(400)
    return refusal_of(error)


class _Answering:
    """One answer on its way out, kept back while it may be an error."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.begun = False
        self._gradio = scope["path"].startswith(GRADIO)
        self._scope = scope
        self._send = send
        self._held: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        own_page = self._scope.get("state", {}).get("own_page")
        if message["type"] == "http.response.start" and message["status"] >= 400 and not own_page:
            self._held = message
        elif self._held is not None:
            self._body += message.get("body", b"")[: _LONGEST - len(self._body)]
        else:
            self.begun = True
            await self._send(message)

    async def end(self) -> None:
        """Sends what was kept back, put into shape."""
        if self._held is None:
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in self._held["headers"]}
        kept = {name: headers[name] for name in ("retry-after", "www-authenticate", "allow") if name in headers}
        status = self._held["status"]
        body = None if "content-encoding" in headers else _parsed(self._body)
        if _is_shaped(body):
            refusal = Refusal(status, headers=kept)
            refusal.body = body  # type: ignore[assignment]
            await self.refuse(refusal)
        elif status == 422:
            fields = _fields(body)
            await self.refuse(Refusal(422 if fields else 400, headers=kept), detail=fields)
        else:
            await self.refuse(Refusal(status, headers=kept))

    async def break_off(self) -> None:
        """Ends an answer that nothing more comes of."""
        if self.begun:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self.refuse(Refusal(503))

    async def refuse(self, refusal: Refusal, *, detail: object = None) -> None:
        """Answers with the refusal. Gradio's clients read ``detail``, so that its routes have that too."""
        body: dict[str, Any] = dict(refusal.body)
        if self._gradio:
            body["detail"] = detail or refusal.body["error"]["message"]
        content = orjson.dumps(body)
        headers = {**refusal.headers, "Content-Length": str(len(content)), "Cache-Control": "no-store"}
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        start = {"status": refusal.status, "headers": [(b"content-type", JSON), *pairs]}
        self.begun = True
        await self._send({"type": "http.response.start", **start})
        await self._send({"type": "http.response.body", "body": b"" if self._scope["method"] == "HEAD" else content})


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _is_shaped(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("error"), dict) and "message" in body["error"]


def _fields(body: object) -> list[Any]:
    """What a validator of the page says of single fields, which its clients show beside them."""
    detail = body.get("detail") if isinstance(body, dict) else None
    return detail if isinstance(detail, list) and any(_BY_VALIDATOR in each for each in detail) else []
