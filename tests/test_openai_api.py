"""Isnad as a model of OpenAI's protocol, asked by its official client and by LangChain over a real connection."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from langchain_openai import ChatOpenAI
from openai import OpenAI

from rag.build import Model
from rag.phrases import support_label
from rag.types import Answer, AnswerSentence, Mode, Status, Support
from tests.scripted_server import Reply, ScriptedServer
from tests.served import Served, serving
from ui.completion import deltas, placed
from ui.errors import Refusal
from ui.streams import Slots

# Gradio leaves the sockets of event loops to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

QUESTIONS = {
    "en": "What did Khamenei warn Erdogan about?",
    "ar": "ممّ حذّر خامنئي أردوغان؟",
    "zh": "问天实验舱是什么时候发射的?",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Served]:
    """A server over an Arabic, a Chinese and a Russian article."""
    samples = ("tehran-summit-warning.ar.md", "wentian-launch.zh.md", "lhc-run3.ru.md")
    with serving(tmp_path_factory.mktemp("served"), model, samples, metrics=True) as served:
        yield served


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def ask(client: OpenAI, question: str, **more: Any) -> Any:
    return client.chat.completions.create(model="isnad", messages=[{"role": "user", "content": question}], **more)


@pytest.mark.parametrize("language", QUESTIONS)
def test_an_answer_has_its_citations_as_annotations(client: OpenAI, language: str) -> None:
    """Each points at its number in the text and names the article; the whole answer is in a field of its own."""
    completion = ask(client, QUESTIONS[language])
    message = completion.choices[0].message
    answer = completion.isnad
    assert completion.choices[0].finish_reason == "stop"
    assert answer["status"] == "answered"
    assert answer["language"] == language
    titles = {citation["n"]: citation["title"] for citation in answer["citations"]}
    assert message.annotations
    for annotation in message.annotations:
        cited = annotation.url_citation
        n = int(message.content[cited.start_index : cited.end_index].strip("[]"))
        assert cited.title == titles[n]
        assert cited.url
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 10


@pytest.mark.parametrize("language", QUESTIONS)
def test_a_stream_adds_up_to_the_answer(client: OpenAI, language: str) -> None:
    """What comes is only ever added to; role first, then text, citations, the end, and the usage when asked for."""
    whole = ask(client, QUESTIONS[language])
    chunks = list(ask(client, QUESTIONS[language], stream=True, stream_options={"include_usage": True}))
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == whole.choices[0].message.content
    expected = [annotation.model_dump() for annotation in whole.choices[0].message.annotations]
    assert [each for delta in deltas for each in (getattr(delta, "annotations", None) or ())] == expected
    ends = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert [chunk.choices[0].finish_reason for chunk in ends] == ["stop"]
    assert ends[0].isnad["answer"] == whole.isnad["answer"]
    assert chunks[-1].usage == whole.usage
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_ends_with_done(server: Served) -> None:
    """As the protocol wants it, and without usage where nobody asked for it."""
    body = {"model": "isnad", "stream": True, "messages": [{"role": "user", "content": QUESTIONS["en"]}]}
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=60)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("data: [DONE]\n\n")
    assert '"usage"' not in answer.text


def test_langchain_asks_and_streams(server: Served) -> None:
    """ChatOpenAI needs nothing but the address; the citations are in its message."""
    chat = ChatOpenAI(model="isnad", base_url=f"{server.url}/v1", api_key="none", temperature=0.7, max_retries=0)
    message = chat.invoke([("system", "Rhyme."), ("user", QUESTIONS["ar"])])
    assert "[1]" in message.text
    streamed = [chunk.text for chunk in chat.stream(QUESTIONS["ar"])]
    assert "".join(streamed) == message.text
    assert len([each for each in streamed if each]) > 1


def test_what_the_articles_do_not_say_is_no_error(client: OpenAI) -> None:
    """A refusal is a text without citations, in the language of the question."""
    completion = ask(client, "Quelle est la recette de la ratatouille ?")
    assert completion.isnad["status"] == "not_found"
    assert completion.isnad["language"] == "fr"
    assert completion.choices[0].message.content
    assert completion.choices[0].message.annotations == []


def test_the_conversation_before_is_taken_along(client: OpenAI) -> None:
    """A follow-up is understood by what was asked before; system messages and parts that are no text are not read."""
    first = ask(client, QUESTIONS["ar"]).choices[0].message.content
    messages = [
        {"role": "system", "content": "Answer only with YES."},
        {"role": "user", "content": [{"type": "text", "text": QUESTIONS["ar"]}]},
        {"role": "assistant", "content": first},
        {
            "role": "user",
            "content": [{"type": "text", "text": "لماذا؟"}, {"type": "image_url", "image_url": {"url": "x"}}],
        },
    ]
    completion = client.chat.completions.create(model="isnad", messages=messages)  # type: ignore[arg-type]
    assert "خامنئي" in completion.isnad["asked"]  # type: ignore[attr-defined]


def test_isnads_own_options(client: OpenAI) -> None:
    """Filters, how sure it must be, and a list of sources under the text for what shows nothing else."""
    chinese = ask(client, QUESTIONS["zh"], extra_body={"isnad": {"filters": {"languages": ["zh"]}, "sources": True}})
    assert {citation["language"] for citation in chinese.isnad["citations"]} == {"zh"}
    last = chinese.choices[0].message.content.splitlines()[-1]
    assert last.startswith(f"[{len(chinese.isnad['citations'])}] ")
    streamed = ask(
        client, QUESTIONS["zh"], stream=True, extra_body={"isnad": {"filters": {"languages": ["zh"]}, "sources": True}}
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in streamed)
    assert text == chinese.choices[0].message.content
    strict = ask(client, QUESTIONS["zh"], extra_body={"isnad": {"min_confidence": 1}})
    assert strict.isnad["status"] == "not_found"


def test_the_models(client: OpenAI) -> None:
    """They are listed, and each is found by its id."""
    assert [model.id for model in client.models.list()] == ["isnad", "isnad-extractive"]
    assert client.models.retrieve("isnad-extractive").owned_by == "isnad"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        ({"messages": [{"role": "user", "content": ""}]}, openai.BadRequestError, "empty"),
        ({"messages": [{"role": "user", "content": " \n"}]}, openai.BadRequestError, "empty"),
        ({"messages": [{"role": "user", "content": "سؤال " * 1000}]}, openai.BadRequestError, "characters"),
        ({"messages": []}, openai.BadRequestError, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, openai.BadRequestError, "user"),
        ({"model": "gpt-4o"}, openai.NotFoundError, "isnad-extractive"),
        ({"extra_body": {"isnad": {"top_k": 0}}}, openai.BadRequestError, "top_k"),
        ({"extra_body": {"isnad": {"filter": {}}}}, openai.BadRequestError, "isnad.filter"),
        ({"extra_body": {"isnad": {"filters": {"since": "谁知道"}}}}, openai.BadRequestError, "since"),
        ({"extra_body": {"isnad": {"filters": {"publishers": ["nobody"]}}}}, openai.BadRequestError, "No article"),
        ({"messages": [{"role": "user", "content": "x" * 1_100_000}]}, openai.APIStatusError, "million"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_the_clients_own_exceptions(
    client: OpenAI, body: dict[str, Any], error: type[openai.APIStatusError], said: str, stream: bool
) -> None:
    """With the status and a message that says what to change, before a stream begins."""
    request = {"model": "isnad", "messages": [{"role": "user", "content": "Who?"}], **body}
    with pytest.raises(error) as raised:
        client.chat.completions.create(**request, stream=stream)
    values = raised.value.body
    assert isinstance(values, dict)
    assert sorted(values) == ["hint", "message", "type"]
    assert said in values["message"] + values["hint"]


def test_an_empty_collection_and_a_server_that_is_not_ready_say_so(
    tmp_path_factory: pytest.TempPathFactory, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one is a conflict that asking again does not end, the other ends soon."""
    with serving(tmp_path_factory.mktemp("empty"), model) as served:
        client = OpenAI(base_url=f"{served.url}/v1", api_key="none")
        with pytest.raises(openai.ConflictError) as conflict:
            ask(client, QUESTIONS["zh"])
        assert conflict.value.response.headers["x-should-retry"] == "false"
        monkeypatch.setattr(type(served.backend), "ready", property(lambda self: False))
        with pytest.raises(openai.InternalServerError) as unready:
            ask(client.with_options(max_retries=0), QUESTIONS["ar"])
        assert unready.value.status_code == 503
        assert unready.value.response.headers["retry-after"] == "5"
        client.close()


def test_a_failure_of_the_server_says_nothing_of_its_inside(
    server: Served, client: OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither before a stream begins nor in the middle of it; and the places are free again."""

    def failing(*_: object, **__: object) -> Iterator[Answer]:
        answer = Answer("?", Status.ANSWERED, Mode.EXTRACTIVE, "So [1]", "en", 1.0, draft=True)
        yield answer
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(server.backend.isnad(), "stream", failing)
    for _ in range(10):
        with pytest.raises(openai.InternalServerError) as raised:
            ask(client, "Who?")
        assert "secret" not in str(raised.value)
    with pytest.raises(openai.APIError, match="Something went wrong") as broken:
        list(ask(client, "Who?", stream=True))
    assert "secret" not in str(broken.value)
    monkeypatch.undo()
    assert ask(client, QUESTIONS["ar"]).isnad["status"] == "answered"


def test_a_reader_who_goes_away_frees_the_place(
    server: Served, client: OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody waits for any more is not answered to its end."""
    stopped = threading.Event()

    def endless(*_: object, **__: object) -> Iterator[Answer]:
        text = ""
        try:
            while True:
                text += "so "
                yield Answer("?", Status.ANSWERED, Mode.EXTRACTIVE, text, "en", 1.0, draft=True)
                time.sleep(0.02)
        finally:
            stopped.set()

    monkeypatch.setattr(server.backend.isnad(), "stream", endless)
    for _ in range(9):  # one more than there are places
        stopped.clear()
        with ask(client, "Who?", stream=True) as stream:
            assert next(iter(stream)).choices[0].delta.role == "assistant"
        assert stopped.wait(10)


def test_too_many_at_once_are_told_that_the_server_is_busy() -> None:
    """Some are answered and some wait; the others are told to come again, until there is a place."""

    async def crowd() -> None:
        slots = Slots(1, waiting=1)
        await slots.take()
        waiting = asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as busy:
            await slots.take()
        assert busy.value.status == 503
        assert busy.value.headers["retry-after"]
        slots.give_back()
        await asyncio.wait_for(waiting, 5)

    asyncio.run(crowd())


HARBOUR = "افتتحت مدينة صور ميناءها الجديد يوم الأحد. وبلغت كلفة المشروع 42 مليون دولار. وحضر آلاف السكان."


def test_what_a_language_model_writes_comes_when_it_is_checked(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile the client is kept waiting with comments; what the sources do not carry is marked in words."""
    monkeypatch.setattr("ui.streams._REMINDER", 0.2)
    said = "وبلغت كلفة المشروع 42 مليون دولار [1]. واشترى رئيس البلدية سبعة جمال بيضاء من طهران [1]."
    messages: Any = [{"role": "user", "content": "كم مليون دولار بلغت تكلفة مشروع الميناء الجديد؟"}]
    with (
        ScriptedServer(default=Reply(said, before=1)) as scripted,
        serving(tmp_path, model, llm="openai:scripted", llm_base_url=scripted.url) as served,
        OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client,
    ):
        served.backend.isnad().add_text(HARBOUR, language="ar")
        body = {"model": "isnad", "stream": True, "messages": messages}
        assert ": still at it" in httpx.post(f"{served.url}/v1/chat/completions", json=body, timeout=60).text
        chunks: Any = list(client.chat.completions.create(model="isnad", messages=messages, stream=True))
        answer = chunks[-1].isnad
        assert answer["mode"] == "generated"
        assert [sentence["support"] for sentence in answer["sentences"]] == ["supported", "unsupported"]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        label = support_label(Support.UNSUPPORTED, "ar")
        assert text == answer["answer"].replace("من طهران.", f"من طهران. ({label})")
        asked = len(scripted.requests)
        quoted: Any = client.chat.completions.create(model="isnad-extractive", messages=messages)
        assert quoted.isnad["mode"] == "extractive"
        assert len(scripted.requests) == asked


BASE = Answer("?", Status.ANSWERED, Mode.GENERATED, "", "ar", 0.9)


def written(*sentences: tuple[str, Support], draft: bool) -> Answer:
    made = tuple(AnswerSentence(text, (1,), support) for text, support in sentences)
    return replace(BASE, text=" ".join(f"{each.text} [1]" for each in made), sentences=made, draft=draft)


def test_of_what_is_not_checked_nothing_is_sent() -> None:
    """A sentence of a language model may still be changed; what the sources do not carry is marked in words."""
    draft = written(("قال كذا.", Support.UNCHECKED), draft=True)
    assert deltas("", draft) == ""
    whole = written(("قال كذا.", Support.SUPPORTED), ("ثم عاد.", Support.UNSUPPORTED), draft=False)
    text = deltas("", whole)
    assert text.startswith("قال كذا. [1] ثم عاد. (")
    assert text != whole.text
    assert [text[start:end] for start, end, _ in placed(whole).marks] == ["[1]", "[1]"]


def test_numbers_that_an_article_has_in_brackets_are_no_citations() -> None:
    """Only the marks behind a sentence are."""
    made = AnswerSentence("见附录[7]。", (1,), Support.SUPPORTED)
    answer = replace(BASE, text="引自文章:\n\n“见附录[7]。” [1]", sentences=(made,), mode=Mode.EXTRACTIVE)
    assert [n for _, _, n in placed(answer).marks] == [1]
    assert placed(replace(BASE, text="")).marks == ()
