"""An answer's JSON: its schema, and the way back."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answer_json import answer_from_dict, answer_schema
from rag.assistant import Assistant
from rag.build import Model
from rag.errors import UsageError
from rag.store import Store
from rag.types import (
    Answer,
    AnswerSentence,
    Article,
    Citation,
    Copy,
    Flaw,
    Mode,
    Notice,
    Passage,
    Problem,
    Quote,
    Status,
    Support,
)
from tests.conftest import add
from ui.render import answer_html

TEXTS = {
    "ar": ("افتتح الوزير المصنع. ثم غادر المدينة.", "ثم غادر المدينة."),
    "zh": ("部长开设了工厂。然后他离开了。", "然后他离开了。"),
    "en": ("He opened it 🏭. Then he left.", "Then he left."),
}


def full(language: str, mode: Mode = Mode.EXTRACTIVE) -> Answer:
    """An answer with everything that one can have."""
    text, quoted = TEXTS[language]
    start = 100 + text.index(quoted)
    article = Article(
        "a", f"<{text}>", "x" * 100 + text, "https://example.org/a?b=1&c", "P", "2022-07-19", language,
        author="A", guessed=("published",), pages=(0, 50, 99), copies=(Copy("c", "c", "v", "T", "http://x.org", "Q"),),
    )  # fmt: skip
    quote = Quote(quoted, start, start + len(quoted), "Then he left.")
    passage = Passage("p", "a", text, 100, 100 + len(text), language, ((start, quote.end),))
    other = Article("b", "O", "", "", "R")
    problems = (Problem(Flaw.NUMBER, "7"), Problem(Flaw.MEANING, ""))
    return Answer(
        "q؟", Status.ANSWERED, mode, f"“{quoted}” [1]\n\nSeven. [1]", language, 0.8765,
        (AnswerSentence(quoted, (1,), Support.SUPPORTED), AnswerSentence("Seven.", (1,), Support.PARTLY, problems)),
        (Citation(1, article, passage, (quote,), 0.9, (other,)),),
        {"search": 3.2, "total": 10.0}, "asked?", "provider:m", (Notice.CARRIED, Notice.DROPPED), 2,
    )  # fmt: skip


def refusal() -> Answer:
    near = (Article("n", "قريب", "", "", "P", "2022", "ar"),)
    return Answer("q", Status.NOT_FOUND, Mode.EXTRACTIVE, "لا", "ar", 0.1, nearby=near)


@pytest.mark.parametrize(
    "answer",
    [*(full(language, mode) for language in TEXTS for mode in Mode), refusal(), replace(refusal(), text="", nearby=())],
)
def test_an_answer_comes_back_as_it_went(answer: Answer) -> None:
    """Through JSON: the same values, the same HTML, and they are what the schema says."""
    values = json.loads(json.dumps(answer.to_dict()))
    back = answer_from_dict(values)
    assert back.to_dict() == values
    assert answer_html(back) == answer_html(answer)
    jsonschema.Draft202012Validator(answer_schema()).validate(values)


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("ar", "افتتح وزير الثقافة المتحف البحري في مدينة صور يوم الأحد.", "ماذا افتتح وزير الثقافة؟"),
        ("zh", "新图书馆星期三在南京开放，市长出席了仪式。", "新图书馆在哪里开放？"),
        ("en", "The bridge over the Drina was opened on Monday.", "Who won the chess tournament in Iceland?"),
    ],
)
def test_real_answers_come_back_and_validate(
    store: Store, model: Model, assistant: Assistant, language: str, text: str, question: str
) -> None:
    """What the assistant really gives, an answer or a refusal."""
    add(store, model, text, language=language, title="T", url="https://example.org/a")
    answer = assistant.ask(question)
    values = answer.to_dict()
    jsonschema.validate(values, answer_schema())
    assert answer_html(answer_from_dict(values)) == answer_html(answer)


def test_the_schema_describes_every_field() -> None:
    """Nothing that an answer has is missing from the schema, at any depth."""

    def closed(schema: Any) -> Any:
        if isinstance(schema, list):
            return [closed(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        inner = {name: closed(each) for name, each in schema.items()}
        return inner | ({"additionalProperties": False} if "properties" in schema and "type" in schema else {})

    for answer in (full("ar"), refusal()):
        jsonschema.Draft202012Validator(closed(answer_schema())).validate(answer.to_dict())


def test_the_schema_in_the_documentation_is_up_to_date() -> None:
    """It is what python -m rag.answer_json prints."""
    kept = Path(__file__).parents[1] / "docs" / "answer.schema.json"
    assert json.loads(kept.read_text("utf-8")) == answer_schema()
    jsonschema.Draft202012Validator.check_schema(answer_schema())


@pytest.mark.parametrize(
    "part", ["asked", "model", "sentences", "notices", "removed_citations", "citations", "nearby", "timings_ms"]
)
def test_a_part_that_an_older_answer_lacks_is_empty(part: str) -> None:
    """Of a refusal, which needs none of them."""
    values = refusal().to_dict()
    del values[part]
    assert answer_from_dict(values).status is Status.NOT_FOUND


def test_a_part_of_a_later_answer_is_not_read() -> None:
    """A field more is no other version."""
    values = full("ar").to_dict() | {"colour": "red"}
    assert answer_from_dict(values) == answer_from_dict(full("ar").to_dict())


WRONG: list[tuple[tuple[str | int, ...], Any]] = [
    (("version",), 2), (("version",), None), (("version",), "1"), (("status",), "maybe"), (("mode",), ["extractive"]),
    (("confidence",), float("nan")), (("confidence",), 2), (("confidence",), "0.5"), (("confidence",), True),
    (("language",), "<img>"), (("language",), "a" * 36), (("question",), None), (("answer",), "\ud800"),
    (("sentences",), {}), (("sentences", 0, "citations"), [2]), (("sentences", 0, "citations"), [-1]),
    (("sentences", 0, "citations"), 1), (("sentences", 0, "support"), ""), (("sentences", 0, "text"), 5),
    (("citations", 0, "n"), 0), (("citations", 0, "n"), True), (("citations", 0, "page"), 10**9),
    (("citations", 0, "start"), -1), (("citations", 0, "start"), 10**400), (("citations", 0, "end"), 5),
    (("citations", 0, "passage"), "short"), (("citations", 0, "quotes", 0, "start"), 0),
    (("citations", 0, "quotes", 0, "text"), "invented"), (("citations", 0, "url"), "http://["),
    (("citations", 0, "copies"), [{}]), (("citations", 0, "others"), None), (("notices",), ["hello"]),
    (("timings_ms",), {"a": "b"}), (("timings_ms",), []), (("nearby",), [{"article_id": "x"}]),
    (("answer",), "x" * 3_000_000), (("removed_citations",), -1),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value"), WRONG)
def test_what_is_no_answer_is_refused(place: tuple[str | int, ...], value: Any) -> None:
    """The message says what is wrong, in a line that can be sent."""
    values = copy.deepcopy(full("ar").to_dict())
    inner: Any = values
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(UsageError) as raised:
        answer_from_dict(values)
    assert len(str(raised.value).encode()) < 500


@pytest.mark.parametrize("part", ["sentences", "citations"])
def test_a_huge_answer_is_refused(part: str) -> None:
    """More parts than any answer has are not read."""
    values = full("ar").to_dict()
    values[part] = values[part] * 30_000
    with pytest.raises(UsageError):
        answer_from_dict(values)


def test_two_citations_of_one_number_are_refused() -> None:
    """A number stands for one source."""
    values = full("zh").to_dict()
    values["citations"] *= 2
    with pytest.raises(UsageError, match="twice"):
        answer_from_dict(values)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(sorted(full("ar").to_dict())), inner, max_size=9)
        ),
        max_leaves=20,
    )
)
def test_anything_at_all_is_read_or_refused(values: Any) -> None:
    """No other error ever comes of it."""
    for each in (values, {**full("ar").to_dict(), **values, "version": 1} if isinstance(values, dict) else []):
        with suppress(UsageError):
            answer_html(answer_from_dict(each))
