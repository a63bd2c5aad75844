"""The chat page, in Gradio: the frame of it, what is said above it, and how it is mounted on the server.

What stands in the tabs is in ``web_ask`` and ``web_library``; what an answer looks like is in ``render``.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import gradio as gr

from rag.errors import IsnadError
from rag.language import name
from rag.settings import Settings
from ui.access import Access
from ui.api import add_endpoints
from ui.asking import state_text
from ui.backend import Backend, Stage
from ui.render import in_language, inline
from ui.shared import Shared
from ui.texts import DEFAULT, LANGUAGES, interface_language, listed, text, texts
from ui.web_ask import ask_tab
from ui.web_library import library_tab

if TYPE_CHECKING:
    from ingest.isnad import Contents

_ASSETS = resources.files("ui") / "assets"
# Questions answered at the same time; the model itself works on one after the other.
CONCURRENT = 8
# Questions that wait for their turn; whoever comes then is told that there is much to do.
_WAITING = 200

# System fonts only: the page must not reach beyond its own server.
_FONT = ["system-ui", "Segoe UI", "Noto Sans", "Noto Sans Arabic", "Vazirmatn", "sans-serif"]
_THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.teal, neutral_hue=gr.themes.colors.slate, font=_FONT,
    font_mono=["ui-monospace", "monospace"], radius_size=gr.themes.sizes.radius_md,
)  # fmt: skip

# The texts that page.js needs; Gradio's components have theirs from ``I18N``.
_IN_BROWSER = (
    "add_files", "answer", "close", "conversation", "conversation_confirm", "conversation_delete",
    "conversation_delete_all", "conversation_rename", "conversations", "conversations_none", "copied", "keys",
    "library_hint", "more_tabs", "question", "reader_close", "reader_gone", "reader_title", "reset", "settings",
    "share_failed", "shared", "skip_to_question", "tagline",
)  # fmt: skip

_HEADER = (
    '<a class="isnad-skip" href="#isnad-question" data-text="skip_to_question"></a>'
    '<header class="isnad-header"><h1>Isnad</h1><p data-text="tagline"></p>'
    '<div class="isnad-buttons">'
    '<button type="button" data-drawer="conversations" aria-expanded="false" data-text="conversations"></button>'
    '<button type="button" data-drawer="settings" aria-expanded="false" data-text="settings"></button></div></header>'
)

# Gradio's name for a language where it differs from ours.
_LOCALES = {"zh": "zh-CN"}
I18N = gr.I18n(**{_LOCALES.get(code, code): dict(texts(code)) for code in LANGUAGES})


def build_page(backend: Backend, access: Access, *, examples: list[str]) -> gr.Blocks:
    """The page over a backend that may still be getting ready; ``examples`` are questions to begin with, if any."""
    shared = Shared(backend.settings)
    with gr.Blocks(title="Isnad", analytics_enabled=False, fill_height=True) as page:
        add_endpoints(backend, access)  # before the page's own functions, which may have the same names
        interface = gr.Textbox(DEFAULT, visible=False, elem_id="isnad-language")
        gr.HTML(_HEADER, padding=False)
        status = gr.HTML(_status_html(backend, DEFAULT), elem_id="isnad-status", padding=False)
        with gr.Tabs(elem_id="isnad-tabs"):
            with gr.Tab(I18N("tab_ask"), id="ask"):
                ask = ask_tab(backend, shared, interface, I18N, examples=examples)
            with gr.Tab(I18N("tab_library"), id="library"):
                library = library_tab(backend, access, interface, I18N)
            if backend.settings.reports:
                with gr.Tab(I18N("tab_results"), id="results"):
                    results = gr.HTML("", elem_id="isnad-results")
        timer = gr.Timer(1.0, active=True)

        def arrive(language: str) -> str:
            return interface_language(language)

        def refresh(language: str) -> tuple[str, gr.Timer]:
            return _status_html(backend, language), gr.Timer(active=not backend.ready)

        arrived = page.load(
            arrive, [interface], [interface], js="() => window.isnad.language", show_progress="hidden",
            api_visibility="private", queue=False,
        )  # fmt: skip
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        timer.tick(refresh, [interface], [status, timer], **quiet)
        arrived.then(refresh, [interface], [status, timer], **quiet)
        ask.on_arrival(arrived)
        library.on_arrival(arrived)
        # What is in the collection is told where it is asked about, as soon as there is something and when it changes.
        for changed in (timer.tick, library.changed):
            ask.on_change(changed)
        library.on_change(timer.tick)
        library.changed(refresh, [interface], [status, timer], **quiet)
        if backend.settings.reports:
            arrived.then(lambda: _results_html(backend.settings), None, [results], **quiet)
    return page


def _results_html(settings: Settings) -> str:
    from eval.listing import results_html

    assert settings.reports is not None
    return results_html(settings.reports)


def _status_html(backend: Backend, interface: str) -> str:
    """One line that says what is being done, or what there is to ask."""
    words = state_text(backend.state, interface)
    if backend.state.stage is Stage.READY:
        try:
            contents = backend.isnad().contents()
        except IsnadError:
            return f'<p role="status"{in_language(interface)}>{inline(text("error_store", interface))}</p>'
        if contents.articles:
            return _holdings_html(contents, interface)
        words = text("empty_collection_read_only" if backend.settings.read_only else "empty_collection", interface)
    return f'<p role="status"{in_language(interface)}>{inline(words)}</p>'


def _holdings_html(contents: Contents, interface: str) -> str:
    """How many articles there are, and in which languages; where there is no room, page.css leaves the latter out."""
    by_count = sorted(contents.languages.items(), key=lambda item: -item[1])
    names = listed([name(code, reader=interface) for code, _ in by_count if code], interface)
    count = inline(text("library_count", interface, count=contents.articles))
    more = inline(text("holdings_languages", interface, languages=names))
    spoken = in_language(interface)
    return f'<p role="status"{spoken}>{count}<span class="isnad-more"> · {more}</span></p>'


def head_html() -> str:
    """What the page's head begins with: its language and direction have to be settled before Gradio runs."""
    shown = {code: {key: texts(code)[key] for key in _IN_BROWSER} for code in LANGUAGES}
    script = json.dumps(shown, ensure_ascii=False).replace("<", "\\u003c")
    style = (_ASSETS / "document.css").read_text("utf-8")
    code = "".join((_ASSETS / f"{name}.js").read_text("utf-8") for name in ("head", "reader", "conversations"))
    return f"<style>{style}</style><script>window.isnadTexts={script};{code}</script>"


def mount_options(settings: Settings) -> dict[str, Any]:
    """How the page is mounted; nothing in it reaches beyond this server."""
    return {
        "show_error": False, "ssr_mode": False, "run_history": False, "footer_links": [], "enable_monitoring": False,
        "theme": _THEME, "i18n": I18N, "css": (_ASSETS / "page.css").read_text("utf-8"),
        "js": (_ASSETS / "page.js").read_text("utf-8"), "mcp_server": True,
        "max_file_size": settings.max_upload_mb * 1024 * 1024,
    }  # fmt: skip


def queued(page: gr.Blocks) -> gr.Blocks:
    """The page with its queue: so many questions at a time, so many that wait."""
    return page.queue(default_concurrency_limit=CONCURRENT, max_size=_WAITING, api_open=True)


def sample_questions() -> list[str]:
    """The questions that come with the sample articles, in several languages."""
    return list(json.loads((_ASSETS / "sample_questions.json").read_text("utf-8")))
