"""The one place where it is decided who gets to which address of the server; nothing behind it is asked before."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.access import Access, Role, User
from ui.errors import GRADIO, Refusal
from ui.limits import UPLOAD, RateLimit, address, too_many

# What everybody may have: whether the server works, what it takes to sign in, and what browsers fetch without saying
# who they are; that has the page's name and a picture in it.
OPEN = ("/healthz", "/readyz", "/login", "/logout", "/favicon.ico", "/manifest.json")
INNER = "x-isnad-inner"
_SAFE = ("GET", "HEAD", "OPTIONS")
_READING = ("GET", "HEAD")
# Wrong keys that one address may send a minute.
_WRONG_KEYS = 60
# What Gradio brings along and no part of Isnad uses: it fetches addresses, keeps the state of a page for everybody,
# records and edits, or tells of the process.
_CLOSED = re.compile(
    rf"{GRADIO}(?:proxy=|file[=/]\s*(?:https?:|//)|deep_link|process_recording|vibe|undo-vibe|dev/|token|runs?-history|"
    r"runs/?$|profiling)|/monitoring",
    re.IGNORECASE,
)
# Endpoints that change the collection; each of them checks again, as do the page's own functions, which have numbers.
_EDITING = re.compile(rf"{GRADIO}(?:call/(?:v2/)?|run/|api/)(?:add_|delete_)[^/]*/?$")


class Gate:
    """The application behind the decision who may go on; notes who asks in the request's state."""

    def __init__(self, app: ASGIApp, *, access: Access, origins: Collection[str]) -> None:
        """``origins`` are those whose pages may send requests, besides the server's own."""
        self.app = app
        self._access = access
        self._origins = frozenset(origins)
        self._wrong = RateLimit(_WRONG_KEYS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Refusal for whom does not get on; a browser is sent to sign in."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        user = self._user(scope, headers)
        scope.setdefault("state", {})["user"] = user
        path: str = scope["path"]
        if _CLOSED.match(path):
            raise Refusal(404)
        if scope["method"] not in _SAFE and not self._is_own(headers):
            raise Refusal(403, "The request comes from a page of another origin.", hint="Set ISNAD_CORS_ORIGINS.")
        if self._access.closed and user is None and path not in OPEN:
            if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
                await RedirectResponse(_sign_in(scope), status_code=303)(scope, receive, send)
                return
            raise self._unknown(scope, headers)
        if (path.rstrip("/") == UPLOAD or _EDITING.match(path)) and not self._access.may_user_edit(user):
            raise Refusal(403, "Whoever asks may not add or delete articles.", hint="Sign in as an editor.")
        await self.app(scope, receive, send)

    def _user(self, scope: Scope, headers: Mapping[str, str]) -> User | None:
        if not self._access.closed:
            return None
        user = self._access.identify(headers.get("authorization", ""), session_of(headers, self._access.cookie))
        if user is None and scope["method"] in _READING and is_inner(headers, self._access):
            return User("server", Role.READER)
        return user

    def _is_own(self, headers: Mapping[str, str]) -> bool:
        """Whether no page of somebody else's sends it: a browser says so, and what is no browser has no origin."""
        origin = headers.get("origin", "")
        if not origin or origin in self._origins:
            return True
        if site := headers.get("sec-fetch-site"):
            return site in ("same-origin", "none")
        host = urlsplit(origin).netloc
        return bool(host) and host in (headers.get("host"), headers.get("x-forwarded-host"))

    def _unknown(self, scope: Scope, headers: Mapping[str, str]) -> Refusal:
        challenge = {"WWW-Authenticate": "Bearer"}
        if not headers.get("authorization"):
            return Refusal(401, headers=challenge)
        where = address(scope)
        if seconds := self._wrong.wait(where):
            return too_many(seconds)
        self._wrong.count(where)
        return Refusal(401, "The key is not known.", hint="Check the key.", headers=challenge)


def client(scope: Scope) -> str:
    """Who sends a request, for counting: a user, or an address."""
    user = scope.get("state", {}).get("user")
    return f"user {user.name}" if isinstance(user, User) else address(scope)


def is_inner(headers: Mapping[str, str], access: Access) -> bool:
    """Whether the server calls itself, on behalf of a request that it has let in already."""
    return hmac.compare_digest(headers.get(INNER, "").encode("latin-1", "replace"), access.inner.encode())


def session_of(headers: Mapping[str, str], cookie: str) -> str:
    """The value of the session's cookie, "" without one."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(cookie)
    except CookieError:
        return ""
    return found.value if found else ""


def own_path(value: str) -> str:
    """An address of this server to go on to; its start page for anything else."""
    if not value.startswith("/") or value.startswith("//") or "\\" in value or not value.isprintable():
        return "/"
    try:
        parts = urlsplit(value)
    except ValueError:
        return "/"
    return value if not parts.scheme and not parts.netloc else "/"


def _sign_in(scope: Scope) -> str:
    asked = scope["path"] + (f"?{query}" if (query := scope["query_string"].decode("latin-1")) else "")
    return "/login" if own_path(asked) == "/" else f"/login?next={quote(own_path(asked), safe='/')}"
