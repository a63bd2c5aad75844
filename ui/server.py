"""The server: the page with its endpoints, OpenAI's protocol, health and figures, behind one gate."""

from __future__ import annotations

import errno
import functools
import logging
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import gradio as gr
import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Scope

from rag.errors import SettingsError
from rag.settings import Settings
from ui.access import Access, is_loopback
from ui.api import finish_tools
from ui.backend import Backend, Stage
from ui.early import Early
from ui.errors import ErrorShape, Refusal
from ui.gate import INNER, Gate, client, is_inner
from ui.headers import SecureHeaders, origins
from ui.limits import AskingLimit, BodyLimit, RateLimit
from ui.login import login_routes
from ui.metrics import MEDIA_TYPE, Metrics
from ui.openai_api import FAILURES, Failure, openai_routes
from ui.streams import Slots
from ui.web import build_page, head_html, mount_options, queued, sample_questions

if TYPE_CHECKING:
    from gradio.mcp import GradioMCPServer

log = logging.getLogger(__name__)

_PORTS_TRIED = 100
_TAKEN = (errno.EADDRINUSE, errno.EACCES)
# Questions over OpenAI's protocol: answered at the same time, and waiting for that.
_ANSWERED, _WAITING = 8, 64
# Seconds that open pages are waited for when the server ends; each holds a connection for as long as it is open.
_FAREWELL = 2
# What sets off a function of the page without the reader's doing.
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
_BY_ITSELF = ("tick", "load", "unload")
_OPEN_TO_ALL = (
    "The server listens at %s, where others can reach it, and asks nobody who they are: nobody may add or delete "
    "articles. Set ISNAD_AUTH or ISNAD_API_KEYS, or ISNAD_HOST=127.0.0.1."
)


def build_app(settings: Settings, backend: Backend, page: gr.Blocks, access: Access) -> FastAPI:
    """The application: the page at /, and everything else. Raises SettingsError for an origin that is none."""
    app = FastAPI(
        title="Isnad",
        version=version("isnad"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={RequestValidationError: _misunderstood},
    )
    metrics = Metrics(ready=lambda: backend.state.stage is Stage.READY)
    backend.watch(metrics.measured)
    routers = (
        login_routes(access),
        openai_routes(backend, backend.stream, Slots(_ANSWERED, waiting=_WAITING)),
        _health_routes(backend, metrics if settings.metrics else None),
    )
    for router in routers:
        app.include_router(router)
    _refuse_other_methods(app, [route for router in routers for route in router.routes if isinstance(route, Route)])
    _add_middleware(app, settings, page, access)
    who = _user_name(access) if access.closed else None
    gr.mount_gradio_app(app, queued(page), path="/", auth_dependency=who, **mount_options(settings))
    finish_tools(page)
    return app


def _health_routes(backend: Backend, metrics: Metrics | None) -> APIRouter:
    """The addresses that whatever watches the server asks."""
    router = APIRouter(tags=["Health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """That the process works."""
        return {"status": "ok"}

    @router.get("/readyz", responses={503: {"model": Failure, "description": "Not yet, or never."}})
    async def readyz() -> Response:
        """Whether questions can be answered, or how far that is."""
        state = backend.state
        told: dict[str, Any] = {"state": {"stage": state.stage.value, "done": state.done, "total": state.total}}
        if state.stage is Stage.READY:
            return JSONResponse({"status": "ready"} | told)
        failed = state.stage is Stage.FAILED
        refusal = Refusal(
            503,
            "The server could not be made ready." if failed else "The server is being made ready.",
            name="failed" if failed else "loading",
            hint="Whoever runs the server finds the reason in its log." if failed else "Try again in a moment.",
        )
        return JSONResponse({**refusal.body, **told}, 503, refusal.headers)

    if metrics:

        @router.get("/metrics", response_class=PlainTextResponse, responses={401: FAILURES[401]})
        def figures() -> Response:
            """Figures for Prometheus."""
            return Response(metrics.text(), media_type=MEDIA_TYPE)

    return router


def _refuse_other_methods(app: FastAPI, routes: Iterable[Route]) -> None:
    """Has the addresses say which methods they take; else the page, mounted behind them, would not know them."""
    taken: dict[str, set[str]] = {}
    for route in routes:
        taken.setdefault(route.path, set()).update(route.methods or ())

    def refusing(allowed: set[str]) -> Callable[[Request], Awaitable[Response]]:
        async def refuse(request: Request) -> Response:
            raise Refusal(405, headers={"Allow": ", ".join(sorted(allowed))})

        return refuse

    for path, methods in taken.items():
        app.add_route(path, refusing(methods), methods=sorted(_METHODS - methods), include_in_schema=False)


def _add_middleware(app: FastAPI, settings: Settings, page: gr.Blocks, access: Access) -> None:
    """What every request passes, the last one added first."""
    allowed = origins(settings.cors_origins, "ISNAD_CORS_ORIGINS")
    by_itself = functools.cache(lambda: _uncalled(page))
    app.add_middleware(Early, html=head_html())
    app.add_middleware(
        AskingLimit,
        limit=RateLimit(settings.rate_limit),
        uncounted=by_itself,
        client=lambda scope: _client(scope, access),
    )
    app.add_middleware(Gate, access=access, origins=allowed)
    app.add_middleware(BodyLimit, max_upload_mb=settings.max_upload_mb)
    app.add_middleware(ErrorShape)
    # Without one of its parent's, Gradio lets every origin in that asks.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=allowed,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Retry-After"],
    )
    app.add_middleware(SecureHeaders, frame_origins=origins(settings.frame_origins, "ISNAD_FRAME_ORIGINS"))


def _client(scope: Scope, access: Access) -> str | None:
    """Who is counted as asking; nobody where the server calls itself for a call that is counted already."""
    headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
    return None if is_inner(headers, access) else client(scope)


def _uncalled(page: gr.Blocks) -> frozenset[int]:
    """The numbers of the page's functions that nothing but the page itself calls, and of those that follow on them."""
    found: set[int] = set()
    for number, function in sorted(page.fns.items()):
        events = {event for _, event in function.targets}
        if (events and events <= set(_BY_ITSELF)) or function.trigger_after in found:
            found.add(number)
    return frozenset(found)


def _user_name(access: Access) -> Any:  # noqa: ANN401 # what Gradio asks for the name of a request's user
    def name(request: Request) -> str | None:
        user = access.user(request)
        return user.name if user else None

    return name


async def _misunderstood(request: Request, error: Exception) -> Response:
    """Raises Refusal, which says what is wrong and where in the request; never what came."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        raise Refusal(400, "The body of the request is no JSON.")
    where = ".".join(str(part) for part in first["loc"] if part != "body")[:200]
    raise Refusal(400, f"{where}: {first['msg']}."[:500] if where else f"{first['msg']}.")


def let_mcp_call(page: gr.Blocks, url: str, access: Access) -> None:
    """Has Gradio's MCP server call the endpoints at this address of the server, and not at the one that the first
    caller names; and lets it read how they are called where nobody may who is not known.
    """
    server: GradioMCPServer | None = getattr(page, "mcp_server_obj", None)
    if server is None:
        return
    from gradio_client import Client  # type: ignore[import-untyped]

    @functools.cache
    def inner_client() -> Client:
        return Client(
            url,
            download_files=False,
            verbose=False,
            analytics_enabled=False,
            _skip_components=False,
            headers={"x-gradio-user": "mcp", INNER: access.inner},
        )

    server._local_url = url
    server._get_or_create_client = inner_client


def serve(settings: Settings, *, samples: bool) -> None:
    """Serves the page until it is stopped. Raises SettingsError for a setting that cannot be used."""
    access = Access.of(settings)
    if not (access.closed or is_loopback(settings.host)):
        log.warning(_OPEN_TO_ALL, settings.host)
    port = free_port(settings.host, settings.port)
    if port != settings.port and settings.port:
        log.warning("Port %d is taken; using %d.", settings.port, port)
    backend = Backend(settings, samples=samples)
    page = build_page(backend, access, examples=sample_questions() if samples else [])
    app = build_app(settings, backend, page, access)
    let_mcp_call(page, address(settings.host, port, inside=True), access)
    config = uvicorn.Config(
        app, host=settings.host, port=port, log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=_FAREWELL,
    )  # fmt: skip
    backend.start()
    try:
        _end_by_signal()
        _Server(config, address(settings.host, port), farewell=functools.partial(_say_farewell, app)).run()
    except KeyboardInterrupt:
        pass  # that is how it is stopped
    finally:
        backend.close()


class _Server(uvicorn.Server):
    """A server that says where it is, once it is there, and lets the open pages know when it ends."""

    def __init__(self, config: uvicorn.Config, url: str, *, farewell: Callable[[], None]) -> None:
        super().__init__(config)
        self._url = url
        self._farewell = farewell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen."""
        await super().startup(sockets)
        if self.started:
            log.warning("Isnad is at %s  (Ctrl+C stops it)", self._url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends."""
        self._farewell()
        await super().shutdown(sockets)


def _say_farewell(app: FastAPI) -> None:
    """Ends the connections that each open page holds; Gradio does it itself only where it is not mounted."""
    for route in app.routes:
        if isinstance(route, Mount):
            route.app.stop_event.set()  # type: ignore[attr-defined]


def _end_by_signal() -> None:
    """Has the signal with which services are stopped end the server as Ctrl+C does, so that it puts its things away."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def address(host: str, port: int, *, inside: bool = False) -> str:
    """The address of a server that listens there; from ``inside`` the machine, where the host stands for all."""
    if inside and host in ("0.0.0.0", "::", ""):  # noqa: S104 # compared, not listened on
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def free_port(host: str, first: int) -> int:
    """The first port from ``first`` on that can be listened on; 0 stands for any."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(first, first + _PORTS_TRIED):
        try:
            with socket.create_server((host, port), family=family) as listening:
                return int(listening.getsockname()[1])
        except OverflowError:
            break
        except OSError as error:
            if error.errno not in _TAKEN:
                raise SettingsError(f"ISNAD_HOST is {host!r}: cannot listen there ({error.strerror}).") from error
    raise SettingsError(f"No free port from {first} to {first + _PORTS_TRIED - 1}; set ISNAD_PORT to another.")
