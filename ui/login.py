"""Signing in and out: a page without scripts, and the same for programs."""

from __future__ import annotations

import asyncio
import json
import re
from functools import lru_cache
from html import escape
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from rag.language import direction, primary
from ui.access import SESSION, Access
from ui.errors import Refusal
from ui.gate import own_path, session_of
from ui.limits import RateLimit, address, too_many
from ui.texts import DEFAULT, LANGUAGES

# Wrong passwords that one address may send a minute, and how long each is thought about, in seconds.
_WRONG = 10
_PAUSE = 0.5
_LONGEST = 1000
_WEIGHT = re.compile(r"[01](?:\.\d{0,3})?")

_PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}"><head><meta charset="utf-8"><title>{title} · Isnad</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, "Segoe UI", "Noto Sans", sans-serif }}
body {{ display: grid; place-items: center; min-height: 100vh; margin: 0 }}
form {{ display: grid; gap: .25rem; width: min(20rem, 90vw) }}
h1 {{ margin: 0 0 .5rem }}
input, button {{ font: inherit; padding: .5rem .75rem; border: 1px solid GrayText; border-radius: .5rem }}
input {{ margin-block-end: .5rem }}
button {{ margin-block-start: .25rem }}
[role=alert] {{ border-inline-start: .25rem solid #c0392b; padding-inline-start: .75rem; margin: 0 0 .5rem }}
</style></head>
<body><main><form method="post" action="/login?lang={language}"><h1>Isnad</h1>{problem}
<input type="hidden" name="next" value="{next}">
<label for="username">{name}</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" autofocus{bad}>
<label for="password">{password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{bad}>
<button>{sign_in}</button></form></main></body></html>"""
# What the fields have where the last try failed: a screen reader that comes to them reads why.
_BAD = ' aria-invalid="true" aria-describedby="problem"'


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
            return _refused(request, own_path(go_on), "too_many", too_many(seconds))
        user = await run_in_threadpool(access.verify, name.strip(), password)
        if user is None:
            wrong.count(where)
            await asyncio.sleep(_PAUSE)
            refusal = Refusal(401, "The name or the password is wrong.", hint="Try again.")
            return _refused(request, own_path(go_on), "wrong", refusal)
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
        language = primary(request.query_params.get("lang", ""))
        response = RedirectResponse(f"/login?lang={language}" if language in LANGUAGES else "/login", status_code=303)
        response.delete_cookie(access.cookie, httponly=True, samesite="lax")
        return response

    return router


def _refused(request: Request, go_on: str, problem: str, refusal: Refusal) -> Response:
    """The page that says the text of the key ``problem``. Raises the refusal for what is no browser."""
    if not _is_browser(request):
        raise refusal
    return _page(request, go_on, problem, refusal)


def _page(request: Request, go_on: str, problem: str = "", refusal: Refusal | None = None) -> HTMLResponse:
    request.scope["state"]["own_page"] = True
    language = _language(request, go_on)
    words = {key: escape(said) for key, said in _texts()[language].items()}
    html = _PAGE.format(
        language=language,
        direction=direction(language),
        problem=f'<p role="alert" id="problem">{words[problem]}</p>' if problem else "",
        bad=_BAD if problem else "",
        next=escape(go_on, quote=True),
        **words,
    )
    headers = {**(refusal.headers if refusal else {}), "Cache-Control": "no-store"}
    return HTMLResponse(html, refusal.status if refusal else 200, headers)


def _language(request: Request, go_on: str) -> str:
    """The page's language: of its address, or of the one gone on to; else the reader's first that it speaks."""
    wanted = (request.query_params.get("lang", ""), *parse_qs(urlsplit(go_on).query).get("lang", ()))
    spoken = (primary(each) for each in (*wanted, *accepted(request.headers.get("accept-language", ""))))
    return next((each for each in spoken if each in LANGUAGES), DEFAULT)


def accepted(header: str) -> list[str]:
    """The languages of a header Accept-Language, the most wanted first (RFC 9110, 12.5.4)."""
    found = []
    for each in header[:_LONGEST].split(","):
        code, _, parameter = each.partition(";")
        name, _, value = parameter.strip().partition("=")
        weight = float(value) if name in ("q", "Q") and _WEIGHT.fullmatch(value) else 1.0
        if weight and code.strip():
            found.append((weight, code.strip()))
    return [code for _, code in sorted(found, key=lambda each: -each[0])]


@lru_cache(maxsize=1)
def _texts() -> dict[str, dict[str, str]]:
    """The texts of the page by language and key."""
    found: dict[str, dict[str, str]] = json.loads((resources.files("ui") / "assets" / "login.json").read_text("utf-8"))
    return found


def _field(value: Any) -> str:  # noqa: ANN401 # a form has texts and files
    return value[:_LONGEST] if isinstance(value, str) else ""


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _location(path: str) -> str:
    return quote(path, safe="/?&=%:+,;@!$'()*~#[]-._")
