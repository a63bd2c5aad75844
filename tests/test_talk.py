"""Conversations as a browser keeps them: read back whole, doubted where they are wrong, and written as Markdown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rag.types import Answer, AnswerSentence, Article, Citation, Mode, Passage, Quote, Status, Support
from ui.talk import Exchange, Talk, digest, markdown, messages, new_talk, talk_of, to_dict, turns

_TEXTS = {
    "ar": "قال الوزير شيئًا. ثم غادر القاعة.",
    "zh": "他来了。然后走了。",
    "en": "He came. Then he left.",
}


def _answer(
    language: str, *, title: str = "T", mode: Mode = Mode.EXTRACTIVE, support: Support = Support.SUPPORTED
) -> Answer:
    text = _TEXTS[language]
    article = Article(
        id="a",
        title=title,
        text=text,
        url="https://example.org/1",
        publisher="P",
        published="2022-07-19",
        language=language,
    )
    passage = Passage("p", "a", text, 0, len(text), language, ((0, len(text)),))
    return Answer(
        question="q?", status=Status.ANSWERED, mode=mode, text=text, language=language, confidence=0.8,
        sentences=(AnswerSentence(text, (1,), support),),
        citations=(Citation(1, article, passage, (Quote(text, 0, len(text)),), 0.9),),
    )  # fmt: skip


def _talk(*exchanges: Exchange) -> Talk:
    talk = new_talk()
    for exchange in exchanges:
        talk = talk.with_exchange(exchange)
    return talk


@pytest.mark.parametrize("language", _TEXTS)
def test_what_the_browser_keeps_is_read_back(language: str) -> None:
    """Id, name, questions, errors and the answers' sentences, sources and quotes are the same again."""
    talk = _talk(Exchange("q?", _answer(language)), Exchange("why?", error="no"), Exchange("stopped"))
    again = talk_of(to_dict(talk))
    assert (again.id, again.name) == (talk.id, "q?")
    assert to_dict(again) == to_dict(talk)
    assert [each.error for each in again.exchanges] == ["", "no", ""]
    answer = again.exchanges[0].answer
    assert answer is not None
    assert answer.citations[0].quotes[0].text == _TEXTS[language]


@pytest.mark.parametrize(
    "kept",
    [None, "", 5, [], {}, {"exchanges": None}, {"exchanges": "abc"}, {"exchanges": [1, None, {}, {"question": 7}]}],
    ids=str,
)
def test_what_is_no_conversation_is_a_new_one(kept: Any) -> None:
    """Whatever a browser sends, there is a conversation to go on with, and nothing in it that was not asked."""
    talk = talk_of(kept)
    assert talk.exchanges == ()
    assert talk.id


def test_an_answer_that_is_none_is_left_out() -> None:
    """The question stays; a wrong answer does not become one."""
    for wrong in ({"text": "invented"}, "words", [1]):
        talk = talk_of({"id": "x" * 500, "name": "n" * 500, "exchanges": [{"question": "q?", "answer": wrong}]})
        assert talk.exchanges == (Exchange("q?"),)
        assert len(talk.id) <= 64
        assert len(talk.name) <= 80


def test_a_long_conversation_keeps_its_end() -> None:
    """Of 250 exchanges the last 200 are kept, under the name of the first."""
    talk = _talk(*(Exchange(str(number)) for number in range(250)))
    assert (talk.name, len(talk.exchanges), talk.exchanges[0].question) == ("0", 200, "50")
    kept = {"exchanges": [{"question": str(number)} for number in range(1000)]}
    assert [each.question for each in talk_of(kept).exchanges][-1] == "999"
    assert len(talk_of(kept).exchanges) == 200


def test_turns_carry_what_was_asked_and_answered() -> None:
    """Where nothing was answered, the turn has the question alone."""
    first, second = turns(_talk(Exchange("q?", _answer("ar")), Exchange("why?", error="no")))
    assert first.question == "q?"
    assert second.question == "why?"
    assert turns(new_talk()) == []


@pytest.mark.parametrize(("interface", "direction"), [("ar", "rtl"), ("zh", "ltr"), ("en", "ltr")])
def test_messages_alternate_in_the_language_of_the_page(interface: str, direction: str) -> None:
    """Two messages an exchange; the answer's frame runs as the page does, and errors are told apart."""
    shown = messages(_talk(Exchange("q?", _answer("en")), Exchange("<b>", error="<i>")), interface, share=True)
    assert [each["role"] for each in shown] == ["user", "assistant"] * 2
    assert f'<div class="isnad-answer" lang="{interface}" dir="{direction}">' in shown[1]["content"]
    assert "isnad-share" in shown[1]["content"]
    assert "isnad-error" in shown[3]["content"]
    assert "<i>" not in shown[3]["content"]
    assert messages(new_talk(), interface, share=False) == []


@pytest.mark.parametrize("language", _TEXTS)
def test_markdown_has_the_sources_as_footnotes(language: str) -> None:
    """Quotes are set off, footnotes are numbered through all answers, and say title, publisher, day and address."""
    written = markdown(_talk(Exchange("q?", _answer(language)), Exchange("again?", _answer(language))), "en")
    assert written.count(f"> {_TEXTS[language]}") == 2
    for number in (1, 2):
        assert f"[^{number}]" in written.partition(f"[^{number}]: ")[0]
        assert f"[^{number}]: T · P · 2022-07-19 · https://example.org/1" in written
    assert "*Sure (80%)*" in written


def test_markdown_of_a_talk_without_answers() -> None:
    """A stopped question is there with a dash, an error with its words, and nothing at all is a title."""
    written = markdown(_talk(Exchange("q?"), Exchange("why?", error="It broke.")), "en")
    assert written.startswith("# q?")
    assert "## why?\n\nIt broke." in written
    assert markdown(new_talk(), "en").strip() == "#"


def test_markdown_shows_words_as_they_are() -> None:
    """Titles and questions with signs of Markdown or HTML become neither links nor tags, and doubt is marked."""
    answer = _answer("en", title="[x](javascript:1) <b>", mode=Mode.GENERATED, support=Support.UNSUPPORTED)
    written = markdown(_talk(Exchange("# *q*\n\n- list", answer)), "en")
    assert "[x](" not in written
    assert "<b>" not in written
    assert "## \\# \\*q\\* - list" in written
    assert "(?)" in written


def test_a_digest_tells_answers_apart() -> None:
    """The same answer has the same digest after the browser had it; another word makes another."""
    answer = _answer("ar")
    again = talk_of(to_dict(_talk(Exchange("q?", answer)))).exchanges[0].answer
    assert again is not None
    assert digest(again) == digest(answer)
    assert digest(replace(answer, text="غير ذلك")) != digest(answer)
