"""The tab in which questions are asked: the chat, its filters and settings, the conversations and the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from rag.errors import IsnadError
from rag.language import name
from rag.settings import Settings
from ui.asking import converse
from ui.backend import Backend
from ui.offer import choices, examples_of
from ui.reader import article_html, place_of
from ui.render import element
from ui.shared import Shared
from ui.talk import Exchange, Talk, markdown, messages, new_talk, talk_of, to_dict
from ui.texts import interface_language, text
from ui.web_controls import (
    NO_SECRET,
    QUIET,
    filter_fields,
    models_html,
    request_of,
    settings_fields,
)  # fmt: skip
from ui.web_feedback import feedback_events, feedback_fields, place

# Events that ask share one queue with the endpoints that do.
_ASKING: dict[str, Any] = {**QUIET, "concurrency_id": "ask", "concurrency_limit": 8}

_KEPT_HEAD = (
    '<h2 data-text="conversations"></h2><button type="button" class="isnad-close" data-label="close">✕</button>'
)
_KEPT = (
    '<ul id="isnad-kept"></ul><p id="isnad-kept-none" data-text="conversations_none"></p>'
    '<button type="button" id="isnad-delete-all" class="isnad-quiet" data-text="conversation_delete_all"></button>'
)
_READER = (
    '<aside data-label="reader_title"><div class="isnad-reader-head"><strong data-text="reader_title"></strong>'
    '<button type="button" class="isnad-close" data-label="reader_close">✕</button></div>'
    '<div class="isnad-reader-body" tabindex="-1" aria-live="polite"></div></aside>'
)
# The components of Gradio's that page.js works with put their functions where it finds them.
_READER_JS = "window.isnad.read = (given) => server.read_source(given); window.isnad.keep = server.share_answer;"
_KEPT_JS = (
    "window.isnad.resume = (talk) => trigger('resume', talk); window.isnad.forget = () => trigger('forget', {});"
    "window.isnad.draw();"
)
_THEME_JS = "() => window.isnad.theme"


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
    conversation = gr.BrowserState(None, storage_key="isnad-conversation", secret=NO_SECRET)
    with gr.Row(elem_id="isnad-layout", equal_height=False):
        with gr.Column(elem_id="isnad-conversations", elem_classes="isnad-drawer", scale=1, min_width=200):
            buttons = _kept_fields(t)
        with gr.Column(elem_id="isnad-middle", scale=4, min_width=280):
            chatbot = gr.Chatbot(
                elem_id="isnad-chat", label=t("conversation"), show_label=False, latex_delimiters=[], buttons=[],
                height=None, allow_tags=False, editable="user", layout="panel", feedback_options=("Like", "Dislike"),
            )  # fmt: skip
            feedback = feedback_fields(t)
            active = gr.HTML("", elem_id="isnad-active-filters", padding=False)
            question = gr.Textbox(
                elem_id="isnad-question", placeholder=t("question_placeholder"), label=t("question"),
                show_label=False, container=False, submit_btn=True, stop_btn=False, autofocus=True, max_lines=8,
            )  # fmt: skip
            filters = filter_fields(t, interface, active)
        with gr.Column(elem_id="isnad-reader", scale=3, min_width=280):
            functions = [_reading(backend), _sharing(shared)]
            gr.HTML(_READER, js_on_load=_READER_JS, padding=False, server_functions=functions)
        with gr.Column(elem_id="isnad-settings", elem_classes="isnad-drawer", scale=1, min_width=240):
            fields = settings_fields(backend.settings, t)
    chat = _Chat(interface, conversation, chatbot, question)
    running = _asking_events(chat, [*filters, *fields.options, interface], backend, shared)
    _conversation_events(chat, buttons, running, shared)
    feedback_events(chatbot, conversation, interface, feedback, backend.settings)
    offered = [chatbot, *filters[:2], filters[-1]]
    offering = _offering(backend, examples)

    def on_arrival(arrived: Any) -> None:
        welcomed = arrived.then(
            _welcoming(backend.settings, shared, len(fields.options)),
            [interface, conversation, fields.preferences],
            [chatbot, conversation, fields.language, fields.models, *fields.options],
            **QUIET,
        )
        arrived.then(None, None, [fields.theme], js=_THEME_JS)
        welcomed.then(offering, [interface], offered, **QUIET)

    def on_change(changed: Callable[..., Any]) -> None:
        changed(offering, [interface], offered, **QUIET)

    return AskTab(on_arrival, on_change)


def _kept_fields(t: gr.I18n) -> tuple[Any, ...]:
    """What the conversations that the browser keeps are chosen, begun, exported and deleted with."""
    gr.HTML(_KEPT_HEAD, padding=False, elem_classes="isnad-drawer-head")
    new = gr.Button(t("conversation_new"), elem_id="isnad-new", size="sm", variant="secondary")
    kept = gr.HTML(_KEPT, js_on_load=_KEPT_JS, padding=False)
    export = gr.Button(t("conversation_export"), size="sm", elem_id="isnad-export")
    return new, kept, export


def _welcoming(settings: Settings, shared: Shared, count: int) -> Callable[..., tuple[Any, ...]]:
    def welcome(spoken: str, kept: Any, preferred: Any, request: gr.Request) -> tuple[Any, ...]:
        """What a reader finds who comes: the conversation where it was left, or the answer of a link."""
        talk = talk_of(kept)
        linked = shared.load(str(dict(request.query_params).get("answer", "")))
        if linked:
            talk = new_talk().with_exchange(Exchange(linked.question, linked))
        chosen = preferred if isinstance(preferred, list) and len(preferred) == count else [None] * count
        values = [gr.skip() if value is None else value for value in chosen]
        # Where there is nothing to resume, nothing is touched: somebody may have asked already.
        resumed = (messages(talk, spoken, share=shared.on), to_dict(talk)) if talk.exchanges else (gr.skip(), gr.skip())
        return *resumed, spoken, models_html(settings, spoken), *values

    return welcome


def _asking_events(chat: _Chat, asked: list[Any], backend: Backend, shared: Shared) -> list[Any]:
    """Everything that puts a question; the events that may be under way."""

    def reply(talk: Talk, words: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        """What the textbox, the chat and the conversation are, again and again until the answer is whole."""
        begun = False
        for shown, grown in converse(backend, talk, request_of(words, values, share=shared.on)):
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
        yield from reply(talk_of(kept).upto(place(data.index)), str(data.value), values)

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

    def show(kept: Any, spoken: str) -> list[Any]:
        return messages(talk_of(kept), spoken, share=shared.on)

    state = [chat.conversation, chat.interface]
    chat.question.stop(_idle, None, [chat.question], cancels=running, **QUIET)
    # Until an answer is cancelled its words go on coming, whatever the event that cancels it has shown by then.
    for asking in running:
        asking.failure(show, state, [chat.chatbot], **QUIET)
    chat.chatbot.undo(undo, state, chat.outputs, **QUIET)


def _conversation_events(chat: _Chat, buttons: tuple[Any, ...], running: list[Any], shared: Shared) -> None:
    new, kept, export = buttons

    def begin() -> tuple[Any, ...]:
        return _idle(), [], to_dict(new_talk())

    def resume(data: gr.EventData, spoken: str) -> tuple[Any, ...]:
        talk = talk_of(data._data)
        return _idle(), messages(talk, spoken, share=shared.on), to_dict(talk)

    def write(kept_talk: Any, spoken: str) -> str:
        return markdown(talk_of(kept_talk), spoken)

    gr.on([new.click, chat.chatbot.clear], begin, None, chat.outputs, cancels=running, **QUIET)
    kept.forget(begin, None, chat.outputs, cancels=running, **QUIET)
    kept.resume(resume, [chat.interface], chat.outputs, cancels=running, **QUIET)
    save = "(talk) => { window.isnad.save(talk); }"
    chat.conversation.change(None, [chat.conversation], None, js=save)
    written = gr.Textbox(visible=False)
    download = "(words, talk) => { window.isnad.download(words, talk); }"
    exported = export.click(write, [chat.conversation, chat.interface], [written], **QUIET)
    exported.then(None, [written, chat.conversation], None, js=download)


def _offering(backend: Backend, examples: list[str]) -> Callable[[str], tuple[Any, ...]]:
    def offer(spoken: str) -> tuple[Any, ...]:
        """Questions to begin with and what can be chosen in the filters, from what is in the collection."""
        placeholder = element("p", text("question_hint", spoken), spoken)
        if not backend.ready:
            return gr.Chatbot(placeholder=placeholder), *[gr.skip()] * 3
        try:
            found = backend.isnad().articles()
        except IsnadError:
            found = []
        if not found:
            key = "empty_collection_read_only" if backend.settings.read_only else "empty_collection"
            placeholder = element("p", text(key, spoken), spoken)
        begin_with = [{"text": each} for each in (examples or examples_of(found, spoken))] if found else None
        return (
            gr.Chatbot(placeholder=placeholder, examples=begin_with),
            gr.Dropdown(choices=[(name(code, reader=spoken), code) for code in choices(found, "language")]),
            gr.Dropdown(choices=choices(found, "publisher")),
            gr.Dropdown(choices=[(each.title or each.id, each.id) for each in found]),
        )

    return offer


def _idle() -> gr.Textbox:
    """The textbox while no question is being answered."""
    return gr.Textbox(submit_btn=True, stop_btn=False)


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
