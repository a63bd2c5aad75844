"""The chat page, in Gradio: composition only; what an answer looks like is in ``render``."""

from __future__ import annotations

import errno
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import resources
from typing import Any

import gradio as gr

from rag.errors import IsnadError, SettingsError
from rag.settings import Settings
from rag.types import Turn
from ui.backend import Backend
from ui.render import answer_html, error_html, waiting_html

log = logging.getLogger(__name__)

_ASSETS = resources.files("ui") / "assets"
_PORTS_TRIED = 100
_TAKEN = (errno.EADDRINUSE, errno.EACCES)
# Questions answered at the same time; the model itself works on one after the other.
_CONCURRENT = 8

# System fonts only: the page must not reach beyond its own server.
_FONT = ["system-ui", "Segoe UI", "Noto Sans", "Noto Sans Arabic", "Vazirmatn", "sans-serif"]


_HEADER = "<h1>Isnad</h1><p>Ask the articles in your language. Every sentence comes with its source.</p>"


def build_page(backend: Backend, *, examples: list[str]) -> gr.Blocks:
    """The page over a backend that may still be getting ready."""
    with gr.Blocks(title="Isnad", analytics_enabled=False, fill_height=True) as page:
        gr.HTML(_HEADER, padding=False)
        status = gr.HTML(_status_html(backend), elem_id="isnad-status")
        turns = gr.State([])
        gr.ChatInterface(
            _answering(backend),
            additional_inputs=[turns], additional_outputs=[turns],
            chatbot=gr.Chatbot(
                elem_id="isnad-chat", label="Conversation", show_label=False, latex_delimiters=[], buttons=[],
                height="65vh", allow_tags=False, placeholder="Ask a question, in any language.",
            ),
            textbox=gr.Textbox(
                elem_id="isnad-question", placeholder="Type a question and press Enter", label="Question",
                show_label=False, container=False, submit_btn=True, stop_btn=True, autofocus=True, scale=7,
            ),
            examples=[[example] for example in examples] or None,
            cache_examples=False, flagging_mode="never", analytics_enabled=False, save_history=False,
            concurrency_limit=_CONCURRENT, api_name="chat", api_visibility="private",
        )  # fmt: skip
        timer = gr.Timer(1.0, active=not backend.ready)

        def refresh() -> tuple[str, gr.Timer]:
            return _status_html(backend), gr.Timer(active=not backend.ready)

        timer.tick(refresh, outputs=[status, timer], show_progress="hidden", api_visibility="private")
        page.load(refresh, outputs=[status, timer], show_progress="hidden", api_visibility="private")
    return page


# The answer so far, and the conversation with it.
Shown = tuple[str, list[Turn]]


def _answering(backend: Backend) -> Callable[[str, list[dict[str, Any]], list[Turn]], Iterator[Shown]]:
    def respond(message: str, history: list[dict[str, Any]], turns: list[Turn]) -> Iterator[Shown]:
        # A question that is asked again, or changed, takes the place of those behind it.
        turns = turns[: sum(each["role"] == "user" for each in history)]
        # Where a question was not answered, there is a turn that says nothing, so that they count alike.
        after = [*turns, Turn(message)]
        try:
            while not backend.wait(0.5):
                yield waiting_html(backend.status), after
            with closing(backend.stream(message, turns)) as answers:
                for answer in answers:
                    after = [*turns, Turn.of(answer)]
                    yield answer_html(answer), after
        except IsnadError as error:
            yield error_html(str(error)), after
        except Exception:
            log.exception("A question could not be answered")
            yield (
                error_html("Something went wrong on the server. The question was not answered; its log says more."),
                after,
            )

    return respond


def _status_html(backend: Backend) -> str:
    return waiting_html(backend.status)


def serve(settings: Settings, *, samples: bool) -> None:
    """Serves the page until it is stopped. Raises SettingsError when no port can be had."""
    port = free_port(settings.host, settings.port)
    if port != settings.port and settings.port:
        log.warning("Port %d is taken; using %d.", settings.port, port)
    backend = Backend(settings, samples=samples)
    backend.start()
    page = build_page(backend, examples=sample_questions() if samples else [])
    page.queue(default_concurrency_limit=_CONCURRENT).launch(**launch_options(settings, port))
    log.warning("Isnad is at http://%s:%d  (Ctrl+C stops it)", settings.host, port)
    try:
        page.block_thread()
    finally:
        backend.close()


def launch_options(settings: Settings, port: int) -> dict[str, Any]:
    """How the page is launched; nothing in it reaches beyond this server."""
    return {
        "server_name": settings.host, "server_port": port, "prevent_thread_lock": True, "quiet": True,
        "share": False, "show_error": False, "ssr_mode": False, "run_history": False, "footer_links": [],
        "enable_monitoring": False, "theme": gr.themes.Soft(font=_FONT, font_mono=["ui-monospace", "monospace"]),
        "css": (_ASSETS / "page.css").read_text("utf-8"), "js": (_ASSETS / "page.js").read_text("utf-8"),
    }  # fmt: skip


def sample_questions() -> list[str]:
    """The questions that come with the sample articles, in several languages."""
    text = (_ASSETS / "sample_questions.json").read_text("utf-8")
    return list(json.loads(text))


def free_port(host: str, first: int) -> int:
    """The first port from ``first`` on that can be listened on; 0 stands for any."""
    for port in range(first, first + _PORTS_TRIED):
        try:
            with socket.create_server((host, port)) as listening:
                return int(listening.getsockname()[1])
        except OverflowError:
            break
        except OSError as error:
            if error.errno not in _TAKEN:
                raise SettingsError(f"ISNAD_HOST is {host!r}: cannot listen there ({error.strerror}).") from error
    raise SettingsError(f"No free port from {first} to {first + _PORTS_TRIED - 1}; set ISNAD_PORT to another.")
