"""Headers that keep the page to itself: what it may load and from where, who may show it in a frame, whose scripts may
call it.
"""

from __future__ import annotations

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import SettingsError

_ORIGIN = re.compile(r"https?://(?:\*\.)?[A-Za-z0-9.-]+(?::\d{1,5})?|https?://\[[0-9A-Fa-f:]+\](?::\d{1,5})?")
# Gradio's page brings scripts and styles in its HTML, and makes functions of the texts of the page's own scripts.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors "
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "X-Permitted-Cross-Domain-Policies": "none",
}


def origins(value: str, setting: str) -> list[str]:
    """The origins in a setting. Raises SettingsError for what is none."""
    found = value.replace(",", " ").split()
    if wrong := [each for each in found if not _ORIGIN.fullmatch(each)]:
        raise SettingsError(f"{setting}: expected origins such as https://example.org, found {wrong[0][:80]!r}.")
    return found


class SecureHeaders:
    """The application, with the headers on every answer."""

    def __init__(self, app: ASGIApp, *, frame_origins: list[str]) -> None:
        self.app = app
        self._headers = {**_HEADERS, "Content-Security-Policy": _POLICY + " ".join(["'self'", *frame_origins])}
        if not frame_origins:
            self._headers["X-Frame-Options"] = "SAMEORIGIN"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self.app(scope, receive, with_headers)
