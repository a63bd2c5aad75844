"""Signing in and out: a page without scripts, and the same for programs."""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from ui.access import SESSION, Access
from ui.errors import Refusal
from ui.gate import own_path, session_of
from ui.limits import RateLimit, address, too_many

# Wrong passwords that one address may send a minute, and how long each is thought about, in seconds.
_WRONG = 10
_PAUSE = 0.5
_LONGEST = 1000
_FORBIDDEN = "Too many wrong passwords. Wait a minute."

_PAGE = """<!doctype html>
<html lang="en" dir="auto"><head><meta charset="utf-8"><title>Isnad</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, "Segoe UI", "Noto Sans", sans-serif }}
body {{ display: grid; place-items: center; min-height: 100vh; margin: 0 }}
form {{ display: grid; gap: .75rem; width: min(20rem, 90vw) }}
label {{ display: grid; gap: .25rem }}
input, button {{ font: inherit; padding: .5rem .75rem; border: 1px solid GrayText; border-radius: .5rem }}
[role=alert] {{ border-inline-start: .25rem solid #c0392b; padding-inline-start: .75rem; margin: 0 }}
</style></head>
<body><form method="post" action="/login"><h1>Isnad</h1>{problem}
<input type="hidden" name="next" value="{next}">
<label>Name <input name="username" autocomplete="username" dir="auto" autocapitalize="none" autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" dir="auto" required></label>
<button>Sign in</button></form></body></html>"""


def login_routes(access: Access) -> APIRouter:
    """The addresses at which one signs in and out."""
    router = APIRouter(include_in_schema=False)
    wrong = RateLimit(_WRONG)

    @router.get("/login")
    async def page(request: Request) -> Response:
        go_on = own_path(request.query_params.get("next", "/"))
        if not access.closed or access.user(request):
            return RedirectResponse(_location(go_on), status_code=303)
        return _page(request, go_on)

    @router.post("/login")
    async def sign_in(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        name, password, go_on = (_field(form.get(each)) for each in ("username", "password", "next"))
        if not access.closed:
            return JSONResponse({"success": True})
        where = address(request.scope)
        if seconds := wrong.wait(where):
            refusal = too_many(seconds)
            return _refused(request, own_path(go_on), _FORBIDDEN, refusal)
        user = await run_in_threadpool(access.verify, name.strip(), password)
        if user is None:
            wrong.count(where)
            await asyncio.sleep(_PAUSE)
            refusal = Refusal(401, "The name or the password is wrong.", hint="Try again.")
            return _refused(request, own_path(go_on), str(refusal), refusal)
        response: Response = JSONResponse({"success": True})
        if _is_browser(request):
            response = RedirectResponse(_location(own_path(go_on)), status_code=303)
        response.set_cookie(
            access.cookie,
            access.start_session(user),
            max_age=SESSION,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    @router.api_route("/logout", methods=["GET", "POST"])
    async def sign_out(request: Request) -> Response:
        access.end_session(session_of(request.headers, access.cookie))
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(access.cookie, httponly=True, samesite="lax")
        return response

    return router


def _refused(request: Request, go_on: str, problem: str, refusal: Refusal) -> Response:
    if not _is_browser(request):
        raise refusal
    return _page(request, go_on, problem, refusal)


def _page(request: Request, go_on: str, problem: str = "", refusal: Refusal | None = None) -> HTMLResponse:
    request.scope["state"]["own_page"] = True
    said = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    headers = {**(refusal.headers if refusal else {}), "Cache-Control": "no-store"}
    status = refusal.status if refusal else 200
    return HTMLResponse(_PAGE.format(problem=said, next=escape(go_on, quote=True)), status, headers)


def _field(value: Any) -> str:  # noqa: ANN401 # a form has texts and files
    return value[:_LONGEST] if isinstance(value, str) else ""


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _location(path: str) -> str:
    return quote(path, safe="/?&=%:+,;@!$'()*~#[]-._")
