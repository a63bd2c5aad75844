"""What the page's HTML begins with: Gradio runs its own ``head`` only after it has settled the language of the page."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEAD = b"<head>"


class Early:
    """ASGI middleware that puts HTML at the beginning of the head of every HTML page that is sent."""

    def __init__(self, app: ASGIApp, *, html: str) -> None:
        self._app = app
        self._html = html.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes all on but the pages, which are sent whole."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: list[Message] = []
        body = bytearray()

        async def sending(message: Message) -> None:
            own = scope.get("state", {}).get("own_page")
            if message["type"] == "http.response.start" and _is_page(message) and not own:
                held.append(message)
            elif message["type"] == "http.response.body" and held:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    start = held.pop()
                    whole = bytes(body).replace(_HEAD, _HEAD + self._html, 1)
                    headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
                    start["headers"] = [*headers, (b"content-length", str(len(whole)).encode())]
                    await send(start)
                    await send({"type": "http.response.body", "body": whole})
            else:
                await send(message)

        await self._app(scope, receive, sending)


def _is_page(message: Message) -> bool:
    headers = {name.lower(): value for name, value in message.get("headers", [])}
    return headers.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in headers
