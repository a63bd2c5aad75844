"""What a reader sets beside the chat: filters, which articles are asked; and settings, how they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from rag.assistant import MOST_PASSAGES, Options
from rag.confidence import load_calibration
from rag.retrieve import TOP_K
from rag.settings import Settings
from rag.types import Filters, Mode
from ui.asking import Request
from ui.offer import filters_text
from ui.render import element, in_language, inline
from ui.texts import LANGUAGES, text

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# What the browser keeps is the reader's own, and must be read again after the server was started anew.
NO_SECRET = "isnad"  # noqa: S105
_CLOSE = '<button type="button" class="isnad-close" data-label="close">✕</button>'
_KEYS = '<p class="isnad-hint" data-text="keys"></p>'


@dataclass(frozen=True, slots=True)
class SettingsFields:
    """The drawer's components; the browser keeps the values of ``options`` in ``preferences``."""

    options: list[gr.components.Component]
    preferences: gr.BrowserState
    models: gr.HTML
    language: gr.Dropdown
    theme: gr.Radio


def filter_fields(t: gr.I18n, interface: gr.Textbox, active: gr.HTML) -> list[gr.components.Component]:
    """Languages, publishers, first and last day, articles; what is chosen is told in ``active``."""
    with gr.Accordion(t("filters"), open=False, elem_id="isnad-filters"):
        with gr.Row():
            languages = gr.Dropdown([], multiselect=True, label=t("filter_languages"), min_width=160, scale=2)
            publishers = gr.Dropdown([], multiselect=True, label=t("filter_publishers"), min_width=160, scale=2)
            since = gr.Textbox(label=t("filter_since"), max_length=10, min_width=120, elem_id="isnad-since")
            until = gr.Textbox(label=t("filter_until"), max_length=10, min_width=120, elem_id="isnad-until")
        with gr.Row():
            articles = gr.Dropdown([], multiselect=True, label=t("filter_articles"), min_width=200)
            clear = gr.Button(t("filters_clear"), size="sm", elem_id="isnad-clear-filters")
    fields = [languages, publishers, since, until, articles]

    def tell(*values: Any) -> str:
        *chosen, spoken = values
        shown = filters_text(filters_of(chosen), spoken)
        return f'<p role="status"{in_language(spoken)}>{inline(shown)}</p>' if shown else ""

    for field in fields:
        field.change(tell, [*fields, interface], [active], **QUIET)
    clear.click(lambda: ([], [], "", "", []), None, fields, **QUIET)
    return fields


def settings_fields(settings: Settings, t: gr.I18n) -> SettingsFields:
    """How questions are answered, the page's language and theme, and what is said of the models."""
    gr.HTML(f'<h2 data-text="settings"></h2>{_CLOSE}', padding=False, elem_classes="isnad-drawer-head")
    preferences = gr.BrowserState(None, storage_key="isnad-preferences", secret=NO_SECRET)
    mode = gr.Radio(
        [(t("mode_written"), ""), (t("mode_quotes"), str(Mode.EXTRACTIVE))], label=t("setting_mode"), value="",
        visible=bool(settings.llm or settings.llm_base_url),
    )  # fmt: skip
    top_k = gr.Slider(1, MOST_PASSAGES, value=TOP_K, step=1, label=t("setting_passages"))
    confidence = gr.Slider(0, 1, value=_least(settings), step=0.05, label=t("setting_confidence"))
    language = gr.Dropdown(
        [(own, code) for code, own in LANGUAGES.items()], label=t("setting_language"), elem_id="isnad-interface"
    )
    themes = [(t(f"theme_{each}"), each) for each in ("system", "light", "dark")]
    theme = gr.Radio(themes, label=t("setting_theme"), value="system", elem_id="isnad-theme")
    models = gr.HTML("", padding=False, elem_id="isnad-models")
    gr.HTML(_KEYS, padding=False)
    options: list[gr.components.Component] = [mode, top_k, confidence]
    for option in options:
        option.change(lambda *values: list(values), options, [preferences], **QUIET)
    language.input(None, [language], None, js="(code) => { window.isnad.setLanguage(code); }")
    theme.input(None, [theme], None, js="(name) => { window.isnad.chooseTheme(name); }")
    return SettingsFields(options, preferences, models, language, theme)


def filters_of(values: Sequence[Any]) -> Filters:
    """The filters that the values of ``filter_fields`` stand for."""
    languages, publishers, since, until, articles = values
    return Filters(
        tuple(languages or ()), tuple(publishers or ()), (since or "").strip(), (until or "").strip(),
        tuple(articles or ()),
    )  # fmt: skip


def request_of(words: str, values: Sequence[Any], *, share: bool) -> Request:
    """A question with the values of filters, options and the page's language, in that order."""
    *chosen, mode, top_k, confidence, spoken = values
    options = Options(Mode(mode) if mode else None, int(top_k), float(confidence))
    return Request(words, filters_of(chosen), options, spoken, share)


def models_html(settings: Settings, spoken: str) -> str:
    """Which models are in use."""
    llm = settings.llm or settings.llm_base_url
    written = text("setting_model", spoken, model=Path(llm).name if llm.endswith(".gguf") else llm)
    search = text("setting_embedding", spoken, model=settings.embedding_model or "multilingual-e5-small")
    lines = (written if llm else text("setting_model_none", spoken), search)
    return "".join(element("p", line, spoken) for line in lines)


def _least(settings: Settings) -> float:
    return load_calibration().min_confidence if settings.min_confidence is None else settings.min_confidence
