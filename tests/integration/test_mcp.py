"""The endpoints as tools, called with a real client of the Model Context Protocol over streamable HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import jsonschema
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

from rag.answer_json import answer_schema
from rag.build import Model
from tests.documented import blocks
from tests.served import Served, serving

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'"),
    pytest.mark.filterwarnings("ignore:Use `streamable_http_client`:DeprecationWarning"),
]

TOOLS = ["add_article", "article", "articles", "ask", "delete_article", "search", "status"]
ARTICLES = ("tehran-summit-warning.ar.md", "wentian-launch.zh.md")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Served]:
    """A server with an Arabic and a Chinese article."""
    with serving(tmp_path_factory.mktemp("served"), model, ARTICLES) as served:
        yield served


def with_session(
    url: str, do: Callable[[ClientSession], Awaitable[Any]], headers: dict[str, str] | None = None, query: str = ""
) -> Any:
    """What comes of calls in one session."""

    async def run() -> Any:
        async with (
            streamablehttp_client(f"{url}/gradio_api/mcp/{query}", headers=headers) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await do(session)

    return asyncio.run(run())


def call(server: Served, tool: str, headers: dict[str, str] | None = None, **arguments: Any) -> tuple[bool, Any]:
    """Whether a tool failed, and the JSON that it gave."""
    result = with_session(server.url, lambda session: session.call_tool(tool, arguments), headers)
    (content,) = result.content
    return result.isError, json.loads(content.text)


def test_the_tools_are_listed_with_what_a_model_needs_to_choose(server: Served) -> None:
    """Each says when to use it and what each argument is; nothing of the page itself is a tool."""
    tools = with_session(server.url, lambda session: session.list_tools()).tools
    assert sorted(tool.name for tool in tools) == TOOLS
    for tool in tools:
        assert len(tool.description) > 60, tool.name
        for name, schema in tool.inputSchema["properties"].items():
            assert schema["description"], (tool.name, name)
    ask = next(tool for tool in tools if tool.name == "ask")
    assert ask.inputSchema["required"] == ["question"]
    assert "citations" in ask.description


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("ممّ حذّر خامنئي أردوغان؟", "ar"),
        ("What did Khamenei warn Erdogan about?", "ar"),
        ("问天实验舱是什么时候发射的？", "zh"),
    ],
)
def test_a_tool_answers_with_citations(server: Served, question: str, source: str) -> None:
    """The same answer, in JSON, as every endpoint gives."""
    failed, answer = call(server, "ask", question=question)
    assert not failed
    jsonschema.validate(answer, answer_schema())
    assert answer["citations"][0]["language"] == source


def test_a_client_can_leave_out_tools(server: Served) -> None:
    """By naming those that it wants in the address."""
    tools = with_session(server.url, lambda session: session.list_tools(), query="?tools=ask,search").tools
    assert sorted(tool.name for tool in tools) == ["ask", "search"]


def test_a_model_can_read_on_from_what_it_found(server: Served) -> None:
    """From a search to the article that the passage is of."""
    _, hits = call(server, "search", query="شمال سوريا", k=1)
    failed, article = call(server, "article", article_id=hits[0]["article_id"])
    assert not failed
    assert hits[0]["passage"] in article["text"]


@pytest.mark.parametrize(
    "arguments",
    [{"question": ""}, {"question": "ما؟", "top_k": -1}, {"question": "什么？", "filters": {"colour": "red"}}],
)
def test_an_error_of_a_tool_is_one_in_our_shape(server: Served, arguments: dict[str, Any]) -> None:
    """A model reads what to do about it."""
    failed, body = call(server, "ask", **arguments)
    assert failed
    assert sorted(body["error"]) == ["hint", "message", "type"]


def test_a_reader_may_not_change_the_collection_with_a_tool(
    tmp_path_factory: pytest.TempPathFactory, model: Model
) -> None:
    """The key that a client sends counts for its tools, and without one there are none."""
    keys = "a-key-for-the-reader:reader,a-key-for-the-editor:editor"
    with serving(tmp_path_factory.mktemp("closed"), model, ARTICLES[:1], api_keys=keys) as served:
        reader, editor = ({"Authorization": f"Bearer a-key-for-the-{role}"} for role in ("reader", "editor"))
        _, listed = call(served, "articles", reader)
        article = listed["articles"][0]["id"]
        failed, body = call(served, "delete_article", reader, article_id=article)
        assert failed
        assert body["error"]["type"] == "forbidden"
        assert call(served, "ask", reader, question="ممّ حذّر خامنئي أردوغان؟")[1]["status"] == "answered"
        assert call(served, "delete_article", editor, article_id=article) == (
            False, {"article_id": article, "deleted": True}
        )  # fmt: skip
        with pytest.raises(BaseExceptionGroup):
            call(served, "articles")


def test_the_example_in_the_documentation_runs(server: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands, but for the address."""
    (code,) = blocks("python", having="from mcp", url=server.url)
    exec(compile(code, "docs/api.md", "exec"), {"__name__": "example"})
    assert "ask" in capsys.readouterr().out
