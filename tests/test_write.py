"""Answers that a language model writes: cited, checked, mended, and honest when the model is wrong or fails.

The model is scripted (``tests/scripted_server.py``): it replies what a test wrote down, so that what Isnad makes of
good, wrong and broken replies can be told. Everything else is real.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from rag.assistant import Assistant, Options
from rag.build import Model
from rag.check import Checker
from rag.llm import LanguageModel, load_language_model
from rag.prompts import REFUSAL
from rag.store import Store
from rag.types import Filters, Mode, Notice, Status, Support, Turn
from tests.conftest import add
from tests.scripted_server import Reply, Request, ScriptedServer

_HARBOUR = {
    "en": "The town of Tyre opened its new harbour on Sunday. The project cost 42 million dollars. “Nobody believed in "
    "it,” mayor Lina Haddad said. Thousands of people came.",
    "ar": "افتتحت مدينة صور ميناءها الجديد يوم الأحد. وبلغت كلفة المشروع 42 مليون دولار. وقالت رئيسة البلدية لينا حداد:"
    " «لم يؤمن به أحد». وحضر آلاف السكان.",
    "zh": "提尔市周日启用了新港口。工程造价为4200万美元。市长莉娜·哈达德说：“没有人相信它。”数千名居民参加了仪式。",
}  # fmt: skip
_QUESTION = "How much did the new harbour cost?"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as opened:
        yield opened


@pytest.fixture
def llm(server: ScriptedServer) -> Iterator[LanguageModel]:
    opened = load_language_model("openai:scripted", base_url=server.url, timeout=5)
    yield opened
    opened.close()


@pytest.fixture
def writing(store: Store, model: Model, llm: LanguageModel) -> Assistant:
    """An assistant whose answers the scripted model writes."""
    return Assistant(store, model.embedder, model.means, llm=llm, checker=Checker(model.embedder, model.means))


_ASKED = {
    "en": (_QUESTION, "The new harbour cost 42 million dollars [1]."),
    "ar": ("كم مليون دولار بلغت تكلفة مشروع الميناء الجديد؟", "وبلغت كلفة المشروع 42 مليون دولار [١]."),
    "zh": ("新港口造价多少？", "新港口的工程造价为4200万美元【1】。"),
}
# From Chinese into Arabic the bundled model is least sure: the sentence is only partly supported, and quoted instead.
_PAIRS = [(spoken, *_ASKED[reader]) for spoken in _HARBOUR for reader in _ASKED if (spoken, reader) != ("zh", "ar")]


@pytest.mark.parametrize(("spoken", "question", "reply"), _PAIRS)
def test_a_written_answer_is_cited_and_checked(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer, spoken: str, question: str, reply: str
) -> None:
    """In any pair of languages the sentence is supported by the very sentence that says it."""
    article = add(store, model, _HARBOUR[spoken], language=spoken)
    add(store, model, "Der Chor probt am Montag im Rathaus. Er singt Lieder aus fünf Ländern.", language="de")
    server.replies = [reply, Reply(status=400)]  # the second would translate the quote
    answer = writing.ask(question)
    assert (answer.status, answer.mode, answer.model) == (Status.ANSWERED, Mode.GENERATED, "openai:scripted")
    assert [(sentence.citations, sentence.support) for sentence in answer.sentences] == [((1,), Support.SUPPORTED)]
    (citation,) = answer.citations
    assert citation.article.id == article.id
    assert any("42" in quote.text for quote in citation.quotes)
    assert answer.text.endswith("[1]") and not answer.draft and not answer.notices
    assert {"write", "check", "total"} <= set(answer.timings_ms)


def test_the_answer_streams_as_it_is_written(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer
) -> None:
    """Drafts grow, say that they are not checked, and the last answer is whole."""
    add(store, model, _HARBOUR["en"])
    server.replies = [Reply("The harbour cost 42 million dollars [1]. The town opened it on Sunday [1].", between=0.03)]
    reading, *drafts, answer = writing.stream(_QUESTION)
    assert reading.draft and not reading.sentences  # the passages are found, and nothing is written yet
    assert len(drafts) > 3
    assert all(draft.draft and draft.sentences[0].support is Support.UNCHECKED for draft in drafts)
    assert not any("[1" in draft.text.replace("[1]", "") for draft in drafts)
    assert [sentence.support for sentence in answer.sentences] == [Support.SUPPORTED] * 2


def test_invented_numbers_go_and_missing_ones_come(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer
) -> None:
    """A citation that does not exist is removed and counted; a supported sentence without one gets its source's."""
    add(store, model, _HARBOUR["en"])
    add(store, model, "The choir of Sidon rehearses on Monday. It sings songs from five countries.")
    server.replies = ["The new harbour of Tyre cost 42 million dollars [9]. The town opened it on Sunday."]
    answer = writing.ask(_QUESTION)
    assert answer.removed_citations == 1
    assert [sentence.citations for sentence in answer.sentences] == [(1,), (1,)]
    assert "[9]" not in answer.text


def test_a_wrong_citation_is_put_right(store: Store, model: Model, writing: Assistant, server: ScriptedServer) -> None:
    """What the cited passage does not say, but another does, is cited from there."""
    right = add(store, model, _HARBOUR["ar"], language="ar")
    add(store, model, "Tyre has an old harbour too. It was built by the Phoenicians and is a museum today.")

    def cites_the_other(request: Request) -> str:
        prompt = request.prompt
        other = 2 if prompt.index("42 مليون") < prompt.index("Phoenicians") else 1
        return f"The project cost 42 million dollars [{other}]."

    server.replies = [cites_the_other]
    # Between two harbours it is not sure that there is an answer; what is made of one is the point here.
    answer = writing.ask(_QUESTION, options=Options(min_confidence=0.1))
    assert [sentence.support for sentence in answer.sentences] == [Support.SUPPORTED]
    assert [citation.article.id for citation in answer.citations] == [right.id]


def test_an_unsupported_sentence_is_asked_for_again(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer
) -> None:
    """The model is told which sentence is not in the passages, and what it then writes is taken."""
    add(store, model, _HARBOUR["en"])
    server.replies = ["The harbour cost 52 million dollars [1].", "The harbour cost 42 million dollars [1]."]
    answer = writing.ask(_QUESTION)
    assert answer.text == "The harbour cost 42 million dollars. [1]"
    assert answer.sentences[0].support is Support.SUPPORTED
    assert "The harbour cost 52 million dollars." in server.requests[1].messages[-1]["content"]
    assert "52" in server.requests[1].messages[-2]["content"]


@pytest.mark.parametrize("drop", [False, True])
def test_what_stays_unsupported_is_marked_or_left_out(
    store: Store, model: Model, llm: LanguageModel, server: ScriptedServer, drop: bool
) -> None:
    """By setting; the reader is told either way, and an unsupported sentence has no citation."""
    add(store, model, _HARBOUR["en"])
    assistant = Assistant(
        store, model.embedder, model.means, llm=llm, checker=Checker(model.embedder, model.means), drop_unsupported=drop
    )
    server.default = "The new harbour of Tyre cost 42 million dollars [1]. It has a depth of 99 metres [1]."
    answer = assistant.ask(_QUESTION)
    supports = [sentence.support for sentence in answer.sentences]
    if drop:
        assert supports == [Support.SUPPORTED]
        assert answer.notices == (Notice.DROPPED,) and "99" not in answer.text
    else:
        assert supports == [Support.SUPPORTED, Support.UNSUPPORTED]
        assert answer.sentences[1].citations == () and not answer.notices
        assert any("99" in problem.text for problem in answer.sentences[1].problems)
    assert len(server.requests) == 2


def test_when_nothing_is_supported_the_articles_are_quoted(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer
) -> None:
    """An answer made up from beginning to end is not shown at all."""
    add(store, model, _HARBOUR["en"])
    server.default = "The bridge of Sidon collapsed in 1987 and 300 soldiers drowned [1]."
    answer = writing.ask(_QUESTION)
    assert (answer.mode, answer.status) == (Mode.EXTRACTIVE, Status.ANSWERED)
    assert answer.notices == (Notice.MODEL_UNSUPPORTED,)
    assert "42 million" in answer.text and "1987" not in answer.text


@pytest.mark.parametrize("reply", [REFUSAL, f"“{REFUSAL}”", "not in the articles"])
def test_the_models_refusal_is_a_refusal(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer, reply: str
) -> None:
    """It has no text of the model's, no sentences and no citations, and is never streamed."""
    add(store, model, _HARBOUR["en"])
    server.replies = [Reply(reply, between=0.05)]
    *drafts, answer = writing.stream(_QUESTION)
    assert not any(draft.text for draft in drafts)
    assert answer.status is Status.NOT_FOUND
    assert answer.citations == () and answer.sentences == () and REFUSAL not in answer.text


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401), Reply(status=500), Reply("The harbour", end="drop"), Reply("The harbour cost", end="cut"),
        Reply(""), Reply(" \n"), Reply("[1]"), Reply(body=b"<html>", content_type="text/html"),
        Reply(body=b"data: {\"choices\": [}\n\n"), Reply("late", before=9),
    ],
    ids=["key", "broken", "dropped", "cut", "empty", "blank", "mark alone", "html", "malformed", "silent"],
)  # fmt: skip
def test_a_model_that_fails_never_looks_like_a_refusal(
    store: Store,
    model: Model,
    writing: Assistant,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
) -> None:
    """The articles are quoted instead, and the reader is told why."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # between tries
    add(store, model, _HARBOUR["en"])
    server.default = reply
    answer = writing.ask(_QUESTION)
    assert (answer.status, answer.mode) == (Status.ANSWERED, Mode.EXTRACTIVE)
    assert answer.notices == (Notice.MODEL_FAILED,)
    assert "42 million" in answer.text


def test_the_model_is_not_asked_what_the_articles_do_not_answer(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer
) -> None:
    """Below the confidence nothing is sent, so nothing can be made up."""
    add(store, model, _HARBOUR["en"])
    assert writing.ask("Who is the chief executive of Apple?").status is Status.NOT_FOUND
    assert server.requests == []


def test_a_reader_who_leaves_stops_the_model(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer
) -> None:
    """The connection is closed, and the server can stop computing."""
    add(store, model, _HARBOUR["en"])
    server.replies = [Reply("The harbour cost 42 million dollars [1]. ", between=0.02, endless=True)]
    answers = writing.stream(_QUESTION)
    assert next(each for each in answers if each.sentences).draft
    answers.close()
    assert server.requests[0].gone.wait(5)


def test_passages_fit_the_models_context(store: Store, model: Model, server: ScriptedServer) -> None:
    """A small context gets fewer passages, the best ones, and never none."""
    for number in range(12):
        add(store, model, f"The new harbour of Tyre cost {number} million dollars, report {number} says. " * 6)
    server.default = "The harbour cost 3 million dollars [1]."
    counts = []
    for context in (1024, 3000, 16000):
        llm = load_language_model("openai:scripted", base_url=server.url, context=context)
        checker = Checker(model.embedder, model.means)
        Assistant(store, model.embedder, model.means, llm=llm, checker=checker).ask(_QUESTION)
        counts.append(server.requests[-1].prompt.count("<passage n="))
        llm.close()
    assert counts[0] == 1 and counts == sorted(counts) and counts[-1] == 8


def test_extractive_answers_stay_first_class(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer
) -> None:
    """Asked for quotations, the model does not write."""
    add(store, model, _HARBOUR["en"])
    answer = writing.ask(_QUESTION, options=Options(mode=Mode.EXTRACTIVE))
    assert answer.mode is Mode.EXTRACTIVE and not answer.notices and server.requests == []
    assert all(sentence.support is Support.SUPPORTED for sentence in answer.sentences)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("The cost of the project amounted to 42 million dollars.", True),
        ("The cost of the project amounted to 52 million dollars.", False),
        ("The choir of Sidon rehearses on Mondays.", False),
        ("", False),
    ],
)
def test_translations_of_quotes_are_checked(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer, line: str, shown: bool
) -> None:
    """A right one stands under its quote, a wrong one is withheld, and the original always stays."""
    add(store, model, _HARBOUR["ar"], language="ar")

    def translates_the_cost(request: Request) -> str:
        (asked,) = (each for each in request.messages[-1]["content"].splitlines() if "42" in each)
        return f"{asked.partition('.')[0]}. {line}"

    server.replies = ["The new harbour cost 42 million dollars [1].", translates_the_cost]
    answer = writing.ask(_QUESTION)
    (quote, *_) = [quote for citation in answer.citations for quote in citation.quotes if "42" in quote.text]
    assert quote.translation == (line if shown else "")
    assert quote.text in _HARBOUR["ar"]


def test_a_follow_up_is_put_into_words_by_the_model(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer
) -> None:
    """The rewritten question is what is asked, and what the reader is shown."""
    add(store, model, _HARBOUR["en"])
    add(store, model, "The town of Sidon opened a museum in May. The project cost 7 million dollars.")
    server.replies = [
        "When was the new harbour of Tyre opened?",
        "The town of Tyre opened its new harbour on Sunday [1].",
    ]
    turn = Turn(_QUESTION, _QUESTION, "The new harbour of Tyre cost 42 million dollars. [1]", "en")
    answer = writing.ask("And when was it opened?", turns=[turn])
    assert answer.asked == "When was the new harbour of Tyre opened?"
    assert answer.question == "And when was it opened?"
    assert Notice.CARRIED in answer.notices
    assert answer.sentences[0].support is Support.SUPPORTED
    assert _QUESTION in server.requests[0].prompt


def test_a_follow_up_is_understood_when_the_model_fails(
    store: Store, model: Model, writing: Assistant, server: ScriptedServer
) -> None:
    """The rule that serves where there is no model takes over."""
    add(store, model, _HARBOUR["en"])
    server.default = Reply(status=401)
    turn = Turn(_QUESTION, _QUESTION, "The new harbour of Tyre cost 42 million dollars. [1]", "en")
    answer = writing.ask("And when was it opened?", Filters(), turns=[turn])
    assert Notice.CARRIED in answer.notices and "harbour" in answer.asked
    assert any("Sunday" in sentence.text for sentence in answer.sentences)
