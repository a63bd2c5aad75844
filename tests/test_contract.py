"""Plain values from outside as Isnad's types, and errors that say what is wrong with them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rag.errors
from rag.errors import IsnadError, StoreError, UsageError
from rag.types import Article, Filters, Hit, Mode, Passage, Turn
from ui.contract import (
    MOST_TURNS,
    article_to_dict,
    error_dict,
    filters_of,
    full_article_to_dict,
    hit_to_dict,
    messages_of,
    number_of,
    options_of,
    text_of,
    turns_of,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def message(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


@pytest.mark.parametrize(("question", "answer"), [("ماذا حدث؟", "زلزال"), ("发生了什么？", "地震"), ("What?", "")])
def test_a_question_and_its_answer_are_a_turn(question: str, answer: str) -> None:
    """In any language; of an answer that was stopped nothing is said."""
    said = [message("user", question), message("assistant", answer)]
    assert turns_of(said) == (Turn(question, question, answer),)


@pytest.mark.parametrize("nothing", [None, [], [message("system", "Be brief.")], [message("assistant", "Hello!")]])
def test_a_conversation_without_a_question_has_no_turns(nothing: Any) -> None:
    """A greeting by the assistant is not an exchange."""
    assert turns_of(nothing) == ()


def test_messages_that_do_not_alternate_are_read_as_exchanges() -> None:
    """Several messages of one side are one, and a question that was not answered is a turn of its own."""
    said = [
        message("assistant", "Hello"), message("user", "a"), message("user", "b"), message("tool", "t"),
        message("assistant", "c"), message("assistant", "d"), message("user", "e"),
    ]  # fmt: skip
    assert turns_of(said) == (Turn("a\nb", "a\nb", "c\nd"), Turn("e", "e"))


def test_the_text_of_parts_counts_and_a_picture_says_nothing() -> None:
    """As chat programs send what a reader typed beside a picture."""
    parts = [{"type": "image_url", "image_url": {}}, {"type": "text", "text": "ما هذا؟"}, "و"]
    assert turns_of([message("user", parts)])[0].question == "\nما هذا؟\nو".strip()


def test_only_the_last_turns_of_a_long_conversation_are_read() -> None:
    """Ten thousand messages take no time, and a mistake at their beginning is never seen."""
    said: list[Any] = [{"role": 1}] + [message("user" if n % 2 else "assistant", str(n)) for n in range(1, 10_000)]
    started = time.monotonic()
    turns = turns_of(said)
    assert len(turns) == MOST_TURNS
    assert turns[-1].question == "9999"
    assert time.monotonic() - started < 2


def test_ten_thousand_questions_without_an_answer_are_one_turn_of_bounded_length() -> None:
    """Nobody's flood becomes a question that has to be read."""
    (turn,) = turns_of([message("user", "س" * 1000)] * 10_000)
    assert len(turn.question) <= 2000


@pytest.mark.parametrize(
    "wrong",
    [5, "hello", {"role": "user"}, [5], [None], [{"content": "x"}], [message("user", 5)], [message("user", "\ud800")],
     [message("user", [{"text": 5}])], [message("user", ["x"] * 101)], [message(["user"], "x")],
     [message("user", "q"), {**message("assistant", "a"), "answer": {"version": 7}}]],
)  # fmt: skip
def test_what_is_no_conversation_is_refused(wrong: Any) -> None:
    """With a message that says where."""
    with pytest.raises(UsageError, match=r"conversation|version"):
        turns_of(wrong)


def test_messages_are_given_back_in_plain_form() -> None:
    """What is kept with a rating: roles and texts, and nothing else that came along."""
    said = [message("user", [{"text": "ما؟"}]), {**message("assistant", "نعم"), "id": 5}]
    assert messages_of(said) == [message("user", "ما؟"), message("assistant", "نعم")]


def test_filters_are_read() -> None:
    """All of them, without what is empty or there twice, and a day out of a day and time."""
    values = {
        "languages": ["ar", "pt-BR", "ar"], "publishers": [" الجزيرة ", ""], "since": "2022-07-19T10:00:00",
        "until": "2022-07-20", "articles": "a1",
    }  # fmt: skip
    assert filters_of(values) == Filters(
        ("ar", "pt-BR"), ("الجزيرة",), "2022-07-19", "2022-07-20", ("a1",)
    )  # fmt: skip


@pytest.mark.parametrize("nothing", [None, {}, {"languages": [], "since": "", "until": None}])
def test_no_filter_lets_all_through(nothing: Any) -> None:
    """Whatever way of saying it."""
    assert not filters_of(nothing)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"language": ["ar"]}, "languages, publishers, since, until, articles"),
        ({"since": "last week"}, "2022-07-19"), ({"since": "2022-02-30"}, "2022-07-19"), ({"until": 2022}, "until"),
        ({"since": "2023-01-01", "until": "2022-01-01"}, "exchange"), ({"languages": ["arabic!"]}, "code"),
        ({"languages": {"ar": 1}}, "list"), ({"publishers": [5]}, "list"), ({"publishers": ["\ud800"]}, "Unicode"),
        ({"articles": ["a"] * 501}, "500"), ({"articles": ["a" * 501]}, "500"), ([], "object"), ("ar", "object"),
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused(wrong: Any, said: str) -> None:
    """The message says what is expected."""
    with pytest.raises(UsageError, match=said):
        filters_of(wrong)


def test_options_are_read() -> None:
    """What is not given is as the server is set; a whole number may come as JavaScript writes it."""
    assert options_of().mode is None
    read = options_of("extractive", 8.0, 0)
    assert (read.mode, read.top_k, read.min_confidence) == (Mode.EXTRACTIVE, 8, 0.0)


@pytest.mark.parametrize(
    ("mode", "top_k", "least"),
    [
        ("direct", None, None), (["extractive"], None, None), (5, None, None), (None, 0, None), (None, 65, None),
        (None, True, None), (None, "8", None), (None, float("nan"), None), (None, None, 1.5),
        (None, None, -0.1), (None, None, float("nan")), (None, None, True), (None, None, "0"),
    ],
)  # fmt: skip
def test_what_is_no_option_is_refused(mode: Any, top_k: Any, least: Any) -> None:
    """Whatever its type or size."""
    with pytest.raises(UsageError, match=r"mode|top_k|min_confidence"):
        options_of(mode, top_k, least)


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    """Python does not write such a number, not even into a message."""
    for arguments in ((None, 10**5000, None), (None, None, 10**5000)):
        with pytest.raises(UsageError, match="huge"):
            options_of(*arguments)


@given(ANYTHING)
def test_anything_at_all_is_read_or_refused(value: Any) -> None:
    """No other error ever comes of it, and its message can be sent."""
    for read in (
        turns_of,
        filters_of,
        messages_of,
        lambda value: turns_of([value]),
        lambda value: turns_of([{"role": "user", "content": value, "answer": value}]),
        lambda value: filters_of({"languages": value, "since": value}),
        lambda value: options_of(value, value, value),
        lambda value: text_of(value, "text", longest=3),
        lambda value: number_of(value, "k", least=0, most=9, default=1),
    ):
        try:
            read(value)
        except UsageError as error:
            json.dumps(error_dict(error), ensure_ascii=False).encode()


def test_every_error_has_the_one_shape() -> None:
    """Each class has a type and a hint, and what is the server's own matter keeps its folders to itself."""
    kinds = [each for each in vars(rag.errors).values() if isinstance(each, type) and issubclass(each, IsnadError)]
    for kind in kinds:
        body = error_dict(kind("It is in /srv/secret."))
        assert list(body) == ["error"]
        assert all(body["error"][part] for part in ("type", "message", "hint"))
        if not issubclass(kind, UsageError | rag.errors.ArticleError) or kind is rag.errors.SettingsError:
            assert "/srv" not in body["error"]["message"], kind
    assert error_dict(StoreError("x"))["error"]["type"] == "store"


@pytest.mark.parametrize(("language", "text"), [("ar", "نص المقال."), ("zh", "正文。"), ("", "")])
def test_an_article_is_told_without_where_it_was_read(language: str, text: str) -> None:
    """The list has what a reader may know, and the text only where it is asked for."""
    article = Article("a", "T", text, language=language, origin="/srv/a.txt", identity="/srv/a.txt")
    assert "/srv" not in json.dumps(full_article_to_dict(article))
    assert "text" not in article_to_dict(article)
    assert full_article_to_dict(article)["text"] == text


def test_a_hit_is_told_with_its_place() -> None:
    """Article, page, offsets and scores."""
    article = Article("a", "عنوان", "xx نص", language="ar", pages=(0, 3))
    told = hit_to_dict(Hit(Passage("p", "a", "نص", 3, 5, "ar", ((3, 5),)), article, 0.87654321, 0.5, 0.9))
    assert (told["article_id"], told["page"], told["passage"], told["start"], told["end"]) == ("a", 2, "نص", 3, 5)
    assert (told["dense"], told["lexical"], told["score"]) == (0.8765, 0.5, 0.9)
