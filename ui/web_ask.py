"""The tab in which questions are asked: the chat, its filters and settings, the conversations and the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from rag.assistant import MOST_PASSAGES, Options
from rag.confidence import load_calibration
from rag.errors import IsnadError
from rag.language import name
from rag.retrieve import TOP_K
from rag.settings import Settings
from rag.types import Filters, Mode
from ui.asking import Request, converse
from ui.backend import Backend
from ui.feedback import keep
from ui.offer import choices, examples_of, filters_text
from ui.reader import article_html, place_of
from ui.render import in_language, inline
from ui.shared import Shared
from ui.talk import Exchange, Talk, markdown, messages, new_talk, talk_of, to_dict
from ui.texts import LANGUAGES, interface_language, text

_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Events that ask share one queue with the endpoints that do.
_ASKING: dict[str, Any] = {**_QUIET, "concurrency_id": "ask", "concurrency_limit": 8}

# What the browser keeps is the reader's own, and must be read again after the server was started anew.
_NO_SECRET = "isnad"  # noqa: S105

_KEPT = '<ul id="isnad-kept"></ul><p id="isnad-kept-none" data-text="conversations_none"></p>'
_READER = (
    '<aside data-label="reader_title"><button type="button" class="isnad-close" data-label="reader_close">✕</button>'
    '<div class="isnad-reader-body" tabindex="-1" aria-live="polite"></div></aside>'
)
# The components of Gradio's that page.js works with put their functions where it finds them.
_READER_JS = "window.isnad.read = (given) => server.read_source(given); window.isnad.keep = server.share_answer;"
_KEPT_JS = "window.isnad.resume = (talk) => trigger('resume', talk); window.isnad.draw?.();"


@dataclass(frozen=True, slots=True)
class AskTab:
    """What the page does with the tab: has it filled when somebody comes, and anew when the collection changes."""

    on_arrival: Callable[[Any], None]
    on_change: Callable[[Callable[..., Any]], None]


@dataclass(frozen=True, slots=True)
class _Chat:
    """The components that a question goes through; ``conversation`` is what the browser keeps of it."""

    interface: gr.Textbox
    conversation: gr.BrowserState
    chatbot: gr.Chatbot
    question: gr.Textbox

    @property
    def outputs(self) -> list[gr.components.Component]:
        return [self.question, self.chatbot, self.conversation]


def ask_tab(backend: Backend, shared: Shared, interface: gr.Textbox, t: gr.I18n, *, examples: list[str]) -> AskTab:
    """The tab's components and their events, in the page that is being built."""
    conversation = gr.BrowserState(None, storage_key="isnad-conversation", secret=_NO_SECRET)
    with gr.Row(elem_id="isnad-layout", equal_height=False):
        with gr.Column(elem_id="isnad-conversations", elem_classes="isnad-drawer", scale=1, min_width=200):
            new = gr.Button(t("conversation_new"), elem_id="isnad-new", size="sm", variant="secondary")
            kept = gr.HTML(_KEPT, js_on_load=_KEPT_JS, padding=False)
            export = gr.Button(t("conversation_export"), size="sm", elem_id="isnad-export")
            delete_all = gr.Button(t("conversation_delete_all"), size="sm", elem_id="isnad-delete-all")
        with gr.Column(elem_id="isnad-middle", scale=4, min_width=300):
            chatbot = gr.Chatbot(
                elem_id="isnad-chat", label=t("conversation"), show_label=False, latex_delimiters=[], buttons=[],
                height="60vh", allow_tags=False, editable="user", layout="panel", feedback_options=("Like", "Dislike"),
            )  # fmt: skip
            active = gr.HTML("", elem_id="isnad-active-filters")
            question = gr.Textbox(
                elem_id="isnad-question", placeholder=t("question_placeholder"), label=t("question"),
                show_label=False, container=False, submit_btn=True, stop_btn=False, autofocus=True, max_lines=8,
            )  # fmt: skip
            filters = _filter_fields(t, interface, active)
            feedback = _feedback_fields(t)
        with gr.Column(elem_id="isnad-reader", scale=3, min_width=280):
            functions = [_reading(backend), _sharing(shared)]
            gr.HTML(_READER, js_on_load=_READER_JS, padding=False, server_functions=functions)
        with gr.Column(elem_id="isnad-settings", elem_classes="isnad-drawer", scale=1, min_width=240):
            options, language, models, preferences = _settings_fields(backend.settings, t)
    chat = _Chat(interface, conversation, chatbot, question)
    running = _asking_events(chat, [*filters, *options, interface], backend, shared)
    _conversation_events(chat, (new, kept, export, delete_all), running, shared)
    _feedback_events(chat, feedback, backend.settings)

    def welcome(spoken: str, kept_talk: Any, preferred: Any, request: gr.Request) -> tuple[Any, ...]:
        """What a reader finds who comes: the conversation where it was left, or the answer of a link."""
        talk = talk_of(kept_talk)
        linked = shared.load(str(dict(request.query_params).get("answer", "")))
        if linked:
            talk = new_talk().with_exchange(Exchange(linked.question, linked))
        chosen = preferred if isinstance(preferred, list) and len(preferred) == len(options) else [None] * len(options)
        values = [gr.skip() if value is None else value for value in chosen]
        shown = messages(talk, spoken, share=shared.on)
        return shown, to_dict(talk), spoken, _models(backend.settings, spoken), *values

    offered = [chatbot, *filters[:2], filters[-1]]
    offering = _offering(backend, examples)

    def on_arrival(arrived: Any) -> None:
        greeted = [chatbot, conversation, language, models, *options]
        welcomed = arrived.then(welcome, [interface, conversation, preferences], greeted, **_QUIET)
        welcomed.then(offering, [interface], offered, **_QUIET)

    def on_change(changed: Callable[..., Any]) -> None:
        changed(offering, [interface], offered, **_QUIET)

    return AskTab(on_arrival, on_change)


def _filter_fields(t: gr.I18n, interface: gr.Textbox, active: gr.HTML) -> list[gr.components.Component]:
    """Languages, publishers, first and last day, articles; what is chosen is told in ``active``."""
    with gr.Accordion(t("filters"), open=False, elem_id="isnad-filters"):
        with gr.Row():
            languages = gr.Dropdown([], multiselect=True, label=t("filter_languages"), min_width=180)
            publishers = gr.Dropdown([], multiselect=True, label=t("filter_publishers"), min_width=180)
        with gr.Row():
            since = gr.Textbox(label=t("filter_since"), max_length=10, min_width=120, elem_id="isnad-since")
            until = gr.Textbox(label=t("filter_until"), max_length=10, min_width=120, elem_id="isnad-until")
        articles = gr.Dropdown([], multiselect=True, label=t("filter_articles"))
        clear = gr.Button(t("filters_clear"), size="sm", elem_id="isnad-clear-filters")
    fields = [languages, publishers, since, until, articles]

    def tell(*values: Any) -> str:
        *chosen, spoken = values
        shown = filters_text(_filters(chosen), spoken)
        return f'<p role="status"{in_language(spoken)}>{inline(shown)}</p>' if shown else ""

    for field in fields:
        field.change(tell, [*fields, interface], [active], **_QUIET)
    clear.click(lambda: ([], [], "", "", []), None, fields, **_QUIET)
    return fields


def _feedback_fields(t: gr.I18n) -> tuple[Any, ...]:
    with gr.Group(visible=False, elem_id="isnad-feedback") as group:
        comment = gr.Textbox(label=t("feedback_thanks"), placeholder=t("feedback_comment"), max_length=2000)
        send = gr.Button(t("feedback_send"), size="sm", elem_id="isnad-feedback-send")
    return group, comment, send, gr.HTML("", elem_id="isnad-thanks")


def _settings_fields(settings: Settings, t: gr.I18n) -> tuple[list[Any], gr.Dropdown, gr.HTML, gr.BrowserState]:
    """How questions are answered, which this browser keeps; the page's language, and what is said of the models."""
    preferences = gr.BrowserState(None, storage_key="isnad-preferences", secret=_NO_SECRET)
    mode = gr.Radio(
        [(t("mode_written"), ""), (t("mode_quotes"), str(Mode.EXTRACTIVE))], label=t("setting_mode"), value="",
        visible=bool(settings.llm or settings.llm_base_url),
    )  # fmt: skip
    models = gr.HTML("", padding=False)
    top_k = gr.Slider(1, MOST_PASSAGES, value=TOP_K, step=1, label=t("setting_passages"))
    confidence = gr.Slider(0, 1, value=_least(settings), step=0.05, label=t("setting_confidence"))
    language = gr.Dropdown(
        [(own, code) for code, own in LANGUAGES.items()], label=t("setting_language"), elem_id="isnad-interface"
    )
    themes = [(t(f"theme_{each}"), each) for each in ("system", "light", "dark")]
    theme = gr.Radio(themes, label=t("setting_theme"), value="system", elem_id="isnad-theme")
    gr.HTML('<p class="isnad-hint" data-text="keys"></p>', padding=False)
    options = [mode, top_k, confidence]
    for option in options:
        option.change(lambda *values: list(values), options, [preferences], **_QUIET)
    language.input(None, [language], None, js="(code) => { window.isnad.setLanguage(code); }")
    theme.input(None, [theme], None, js="(name) => { window.isnad.setTheme(name); }")
    return options, language, models, preferences


def _asking_events(chat: _Chat, asked: list[Any], backend: Backend, shared: Shared) -> list[Any]:
    """Everything that puts a question; the events that may be under way."""

    def reply(talk: Talk, words: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        """What the textbox, the chat and the conversation are, again and again until the answer is whole."""
        begun = False
        for shown, grown in converse(backend, talk, _request(words, values, shared)):
            last = grown.exchanges[-1]
            ended = bool(last.answer or last.error)
            if last.answer:
                shared.note(last.answer)
            # The conversation is long and the browser's: it is sent when a question is put and when it is answered.
            kept = gr.skip() if begun and not ended else to_dict(grown)
            typed = _idle() if ended else gr.skip() if begun else gr.Textbox("", submit_btn=False, stop_btn=True)
            yield typed, shown, kept
            begun = True

    def submit(words: str, kept: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        if not words.strip():
            yield gr.skip(), gr.skip(), gr.skip()
            return
        yield from reply(talk_of(kept), words, values)

    def example(data: gr.SelectData, kept: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        yield from reply(talk_of(kept), str(data.value["text"]), values)

    def again(data: gr.RetryData, kept: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        talk = talk_of(kept)
        place = min(int(data.index) // 2, len(talk.exchanges) - 1)
        if place >= 0:
            yield from reply(talk.upto(place), talk.exchanges[place].question, values)

    def edit(data: gr.EditData, kept: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        yield from reply(talk_of(kept).upto(_place(data.index)), str(data.value), values)

    running = [
        event(fn, [*first, chat.conversation, *asked], chat.outputs, **_ASKING)
        for event, fn, first in (
            (chat.question.submit, submit, [chat.question]),
            (chat.chatbot.example_select, example, []),
            (chat.chatbot.retry, again, []),
            (chat.chatbot.edit, edit, []),
        )
    ]
    _ending_events(chat, running, shared)
    return running


def _ending_events(chat: _Chat, running: list[Any], shared: Shared) -> None:
    """Stopping an answer that is under way, and taking the last question back."""

    def undo(kept: Any, spoken: str) -> tuple[Any, ...]:
        talk = talk_of(kept)
        left = talk.upto(len(talk.exchanges) - 1)
        words = talk.exchanges[-1].question if talk.exchanges else ""
        return words, messages(left, spoken, share=shared.on), to_dict(left)

    def stopped(kept: Any, spoken: str) -> tuple[Any, ...]:
        return _idle(), messages(talk_of(kept), spoken, share=shared.on)

    state = [chat.conversation, chat.interface]
    chat.question.stop(stopped, state, [chat.question, chat.chatbot], cancels=running, **_QUIET)
    chat.chatbot.undo(undo, state, chat.outputs, **_QUIET)


def _conversation_events(chat: _Chat, buttons: tuple[Any, ...], running: list[Any], shared: Shared) -> None:
    new, kept, export, delete_all = buttons

    def begin() -> tuple[Any, ...]:
        return _idle(), [], to_dict(new_talk())

    def resume(data: gr.EventData, spoken: str) -> tuple[Any, ...]:
        talk = talk_of(data._data)
        return _idle(), messages(talk, spoken, share=shared.on), to_dict(talk)

    def write(kept_talk: Any, spoken: str) -> str:
        return markdown(talk_of(kept_talk), spoken)

    gr.on([new.click, chat.chatbot.clear], begin, None, chat.outputs, cancels=running, **_QUIET)
    kept.resume(resume, [chat.interface], chat.outputs, cancels=running, **_QUIET)
    forget = "() => { window.isnad.deleteAll(); }"
    delete_all.click(begin, None, chat.outputs, js=forget, cancels=running, **_QUIET)
    save = "(talk) => { window.isnad.save(talk); }"
    chat.conversation.change(None, [chat.conversation], None, js=save)
    written = gr.Textbox(visible=False)
    download = "(words, talk) => { window.isnad.download(talk?.name ?? '', words); }"
    exported = export.click(write, [chat.conversation, chat.interface], [written], **_QUIET)
    exported.then(None, [written, chat.conversation], None, js=download)


def _feedback_events(chat: _Chat, fields: tuple[Any, ...], settings: Settings) -> None:
    group, comment, send, thanks = fields
    rated = gr.State((0, ""))

    def rate(data: gr.LikeData, kept: Any) -> tuple[Any, ...]:
        place, rating = _place(data.index), "up" if data.liked in (True, "Like") else "down"
        _keep_feedback(settings, talk_of(kept), place, rating, "")
        return gr.Group(visible=True), "", (place, rating), ""

    def explain(words: str, told: tuple[int, str], kept: Any, spoken: str) -> tuple[Any, ...]:
        if words.strip():
            _keep_feedback(settings, talk_of(kept), *told, words)
        return gr.Group(visible=False), _element(text("feedback_sent", spoken), spoken)

    chat.chatbot.like(rate, [chat.conversation], [group, comment, rated, thanks], **_QUIET)
    told = [comment, rated, chat.conversation, chat.interface]
    gr.on([send.click, comment.submit], explain, told, [group, thanks], **_QUIET)


def _offering(backend: Backend, examples: list[str]) -> Callable[[str], tuple[Any, ...]]:
    def offer(spoken: str) -> tuple[Any, ...]:
        """Questions to begin with and what can be chosen in the filters, from what is in the collection."""
        placeholder = _element(text("question_hint", spoken), spoken)
        if not backend.ready:
            return gr.Chatbot(placeholder=placeholder), *[gr.skip()] * 3
        try:
            found = backend.isnad().articles()
        except IsnadError:
            found = []
        if not found:
            key = "empty_collection_read_only" if backend.settings.read_only else "empty_collection"
            placeholder = _element(text(key, spoken), spoken)
        begin_with = [{"text": each} for each in (examples or examples_of(found, spoken))] if found else None
        return (
            gr.Chatbot(placeholder=placeholder, examples=begin_with),
            gr.Dropdown(choices=[(name(code, reader=spoken), code) for code in choices(found, "language")]),
            gr.Dropdown(choices=choices(found, "publisher")),
            gr.Dropdown(choices=[(each.title or each.id, each.id) for each in found]),
        )

    return offer


def _place(index: Any) -> int:
    """Which exchange a message of the chat is of."""
    return (int(index[0]) if isinstance(index, (list, tuple)) else int(index)) // 2


def _idle() -> gr.Textbox:
    """The textbox while no question is being answered."""
    return gr.Textbox(submit_btn=True, stop_btn=False)


def _element(words: str, spoken: str) -> str:
    return f"<p{in_language(spoken)}>{inline(words)}</p>"


def _least(settings: Settings) -> float:
    return load_calibration().min_confidence if settings.min_confidence is None else settings.min_confidence


def _models(settings: Settings, spoken: str) -> str:
    """Which models are in use."""
    llm = settings.llm or settings.llm_base_url
    written = text("setting_model", spoken, model=Path(llm).name if llm.endswith(".gguf") else llm)
    lines = [written if llm else text("setting_model_none", spoken)]
    lines.append(text("setting_embedding", spoken, model=settings.embedding_model or "multilingual-e5-small"))
    return "".join(_element(line, spoken) for line in lines)


def _filters(values: Sequence[Any]) -> Filters:
    languages, publishers, since, until, articles = values
    return Filters(
        tuple(languages or ()), tuple(publishers or ()), (since or "").strip(), (until or "").strip(),
        tuple(articles or ()),
    )  # fmt: skip


def _request(words: str, values: Sequence[Any], shared: Shared) -> Request:
    *chosen, mode, top_k, confidence, spoken = values
    options = Options(Mode(mode) if mode else None, int(top_k), float(confidence))
    return Request(words, _filters(chosen), options, spoken, shared.on)


def _reading(backend: Backend) -> Callable[..., str]:
    def read_source(given: Any = None) -> str:
        """The article that a button names, as HTML; nothing where it is not there any more."""
        reference, spoken = (str(each)[:1000] for each in given)
        place = place_of(reference)
        try:
            return article_html(backend.isnad().article(place.article_id), place, interface_language(spoken))
        except IsnadError:
            return ""

    return read_source


def _sharing(shared: Shared) -> Callable[..., str]:
    def share_answer(answer: Any = None) -> str:
        """The token of the answer's link; nothing where it cannot be kept."""
        return shared.keep(answer)

    return share_answer


def _keep_feedback(settings: Settings, talk: Talk, place: int, rating: Any, comment: str) -> None:
    """Keeps what a reader thinks of the answer at a place of the conversation, with what was said before."""
    if place >= len(talk.exchanges) or not (answer := talk.exchanges[place].answer):
        return
    before = [
        message
        for each in talk.exchanges[:place]
        for message in (
            {"role": "user", "content": each.question},
            {"role": "assistant", "content": each.answer.text if each.answer else ""},
        )
    ]
    keep(settings, rating=rating, comment=comment, answer=answer.to_dict(), conversation=before)
