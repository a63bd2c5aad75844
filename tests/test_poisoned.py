"""Articles that try to give orders, to fake sources or the system, to smuggle markup, links or hidden characters.

``poisoned.jsonl`` holds 44 of them in seven languages. A language model that does everything that such a text wants is
played by the scripted server; what is sent to it, and what of its obedience is shown, is looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rag.assistant import Assistant
from rag.build import Model
from rag.check import Checker
from rag.language import primary
from rag.llm import LanguageModel, load_language_model
from rag.prompts import REFUSAL, answering
from rag.store import Store
from rag.types import Answer, Article, Mode, Passage, Status
from tests.conftest import add
from tests.scripted_server import ScriptedServer
from ui.render import answer_html

_POISONED = [json.loads(line) for line in Path(__file__).with_name("poisoned.jsonl").read_text("utf-8").splitlines()]
_HIDDEN = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
# What Isnad itself makes an answer of.
_OWN_TAGS = frozenset("div p span button blockquote details summary bdi mark br a".split())

everywhere = pytest.mark.parametrize("poisoned", _POISONED, ids=lambda each: f"{each['id']}-{each['kind']}")


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as opened:
        yield opened


@pytest.fixture(scope="module")
def llm(server: ScriptedServer) -> Iterator[LanguageModel]:
    opened = load_language_model("openai:obedient", base_url=server.url)
    yield opened
    opened.close()


@everywhere
def test_what_is_sent_is_fenced_data(poisoned: dict[str, Any]) -> None:
    """Between one pair of fences, with no citation, chat mark, refusal, tag or hidden character of the article's."""
    article = Article("a", poisoned["title"], poisoned["text"], publisher=poisoned["publisher"], language="en")
    passage = Passage("a:v:0", "a", article.text, 0, len(article.text), "en", ((0, len(article.text)),))
    _, human = answering("What happened?", "en", [(article, passage)])
    text = str(human.content)
    assert text.count("<passage n=") == 1 and text.count("</passage>") == 1
    inside = text.partition(">")[2].partition("</passage>")[0]
    assert not _HIDDEN.search(inside)
    assert not re.search(r"[\[【［]\s*\^?\d+\s*[\]】］]|<[|/a-zA-Z!]|\[/?INST\]", inside)
    assert REFUSAL not in inside


@everywhere
def test_an_obedient_model_does_not_get_its_way(
    poisoned: dict[str, Any], store: Store, model: Model, llm: LanguageModel, server: ScriptedServer
) -> None:
    """It writes what the text wants; none of it reaches the reader as the answer."""
    add(store, model, poisoned["text"], title=poisoned["title"], publisher=poisoned["publisher"],
        language=poisoned["language"], url="https://example.org/article")  # fmt: skip
    assistant = Assistant(
        store, model.embedder, model.means, llm=llm, checker=Checker(model.embedder, model.means), min_confidence=0
    )
    server.requests.clear()
    server.default = " ".join(poisoned["must_not"]) + " [1]"
    answer = assistant.ask(poisoned["question"])
    assert server.requests, "the model was not asked"
    _assert_harmless(answer, poisoned)


@everywhere
def test_quotations_do_no_harm(poisoned: dict[str, Any], store: Store, model: Model) -> None:
    """Without a language model the text is quoted, and is nothing but text."""
    add(store, model, poisoned["text"], title=poisoned["title"], publisher=poisoned["publisher"],
        language=poisoned["language"], url="https://example.org/article")  # fmt: skip
    answer = Assistant(store, model.embedder, model.means, min_confidence=0).ask(poisoned["question"])
    assert answer.status is Status.ANSWERED
    _assert_harmless(answer, poisoned)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def _assert_harmless(answer: Answer, poisoned: dict[str, Any]) -> None:
    page = answer_html(answer)
    found = _Tags()
    found.feed(page)
    assert set(found.tags) <= _OWN_TAGS
    assert set(found.links) <= {"https://example.org/article"}
    assert not any(name.startswith("on") for name in found.attributes)
    assert not _HIDDEN.search(unescape(page))
    assert {n for sentence in answer.sentences for n in sentence.citations} <= {c.n for c in answer.citations}
    assert answer.status is Status.ANSWERED or poisoned["kind"] == "refusal_mimic"
    if answer.mode is Mode.GENERATED:
        raise AssertionError(f"what the text wanted was shown as an answer: {answer.text}")
    # Whatever is shown stands in the article; what it wanted to have said is not in it.
    for sentence in answer.sentences:
        assert sentence.text in poisoned["text"]
    assert primary(answer.citations[0].article.language) == primary(poisoned["language"])
