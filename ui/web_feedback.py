"""What readers think of answers: thumbs on the page, and a comment, kept for the evaluation."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rag.settings import Settings
from ui.feedback import keep
from ui.render import element
from ui.talk import Talk, talk_of
from ui.texts import text
from ui.web_controls import QUIET


def feedback_fields(t: gr.I18n) -> tuple[Any, ...]:
    """What asks for a comment once an answer is rated, and says thanks."""
    with gr.Group(visible=False, elem_id="isnad-feedback") as group:
        comment = gr.Textbox(label=t("feedback_thanks"), placeholder=t("feedback_comment"), max_length=2000)
        send = gr.Button(t("feedback_send"), size="sm", elem_id="isnad-feedback-send")
    return group, comment, send, gr.HTML("", elem_id="isnad-thanks", padding=False)


def feedback_events(
    chatbot: gr.Chatbot,
    conversation: gr.BrowserState,
    interface: gr.Textbox,
    fields: tuple[Any, ...],
    settings: Settings,
) -> None:
    """Has a thumb and a comment kept with the answer that they are about."""
    group, comment, send, thanks = fields
    rated = gr.State((0, ""))

    def rate(data: gr.LikeData, kept: Any) -> tuple[Any, ...]:
        at, rating = place(data.index), "up" if data.liked in (True, "Like") else "down"
        _keep_feedback(settings, talk_of(kept), at, rating, "")
        return gr.Group(visible=True), "", (at, rating), ""

    def explain(words: str, told: tuple[int, str], kept: Any, spoken: str) -> tuple[Any, ...]:
        if words.strip():
            _keep_feedback(settings, talk_of(kept), *told, words)
        return gr.Group(visible=False), element("p", text("feedback_sent", spoken), spoken)

    chatbot.like(rate, [conversation], [group, comment, rated, thanks], **QUIET)
    told = [comment, rated, conversation, interface]
    gr.on([send.click, comment.submit], explain, told, [group, thanks], **QUIET)


def place(index: Any) -> int:
    """Which exchange a message of the chat is of."""
    return (int(index[0]) if isinstance(index, (list, tuple)) else int(index)) // 2


def _keep_feedback(settings: Settings, talk: Talk, at: int, rating: Any, comment: str) -> None:
    """Keeps what a reader thinks of the answer at a place of the conversation, with what was said before."""
    if at >= len(talk.exchanges) or not (answer := talk.exchanges[at].answer):
        return
    before = [
        message
        for each in talk.exchanges[:at]
        for message in (
            {"role": "user", "content": each.question},
            {"role": "assistant", "content": each.answer.text if each.answer else ""},
        )
    ]
    keep(settings, rating=rating, comment=comment, answer=answer.to_dict(), conversation=before)
